/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One end of the soak test, sound and picture; says what it sees, one fact a line.
 *
 *	soak-end produce FOLDER NUMBER START SPEED    media of START seconds and on, SPEED times
 *	                                              as fast as it is meant to be
 *	soak-end consume FOLDER MODE SPEED            MODE: of tachyonsrc's timestamp-mode
 *
 * SIGTERM: the producer ends the stream; the consumer leaves. SIGINT: either leaves.
 */
#include <glib-unix.h>
#include <gst/gst.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_MS 100
#define VIDEO_RATE 30
#define AUDIO_RATE 48000
#define AUDIO_SAMPLES 480
#define HELD 8
#define PATIENCE_US (10 * G_USEC_PER_SEC)

static const char *const kinds[] = {"video", "audio"};

static GMainLoop *loop;
static gboolean is_bad;
static gboolean has_ended;

/* --- what a consumer sees --- */

/* One of the two streams. The number in a buffer's offset says when it was meant to be shown. */
struct track {
	guint64 rate;
	guint64 step;
	GstSegment segment;
	char producer[16];
	gboolean is_joining;
	guint64 next;
	guint64 count;
	guint64 gaps;
	guint64 joins;
	/* what came out, less what was meant; of this producer */
	gboolean has_shift;
	GstClockTimeDiff shift;
	GQueue held;
};

static GMutex lock;
static struct track tracks[] = {
	{.rate = VIDEO_RATE, .step = 1},
	{.rate = AUDIO_RATE, .step = AUDIO_SAMPLES},
};
static double speed = 1;
static GstClockTimeDiff worst_skew;
static GstClockTimeDiff worst_drift;

static void keep(struct track *track, GstBuffer *buffer)
{
	g_queue_push_tail(&track->held, gst_buffer_ref(buffer));
	if (g_queue_get_length(&track->held) > HELD)
		gst_buffer_unref(g_queue_pop_head(&track->held));
}

static void note_worst(GstClockTimeDiff *worst, GstClockTimeDiff value)
{
	*worst = MAX(*worst, ABS(value));
}

/* The same producer's sound and picture are shifted by the same. */
static void compare_tracks(void)
{
	if (tracks[0].has_shift && tracks[1].has_shift &&
	    strcmp(tracks[0].producer, tracks[1].producer) == 0)
		note_worst(&worst_skew, tracks[0].shift - tracks[1].shift);
}

static void take_time(struct track *track, GstBuffer *buffer)
{
	const guint64 number = GST_BUFFER_OFFSET(buffer);
	const double meant = (double)number * GST_SECOND / (double)track->rate / speed;
	guint64 running;
	int sign;
	GstClockTimeDiff shift;

	sign = gst_segment_to_running_time_full(&track->segment, GST_FORMAT_TIME,
						GST_BUFFER_PTS(buffer), &running);
	if (sign == 0) {
		track->gaps++;
		return;
	}
	shift = (GstClockTimeDiff)running * sign - (GstClockTimeDiff)meant;
	if (track->has_shift)
		note_worst(&worst_drift, shift - track->shift);
	track->shift = shift;
	track->has_shift = TRUE;
	compare_tracks();
}

static void take_buffer(struct track *track, GstBuffer *buffer)
{
	const guint64 number = GST_BUFFER_OFFSET(buffer);

	if (track->is_joining)
		track->joins++;
	else if (number != track->next)
		track->gaps++;
	track->is_joining = FALSE;
	track->next = number + track->step;
	track->count++;
	take_time(track, buffer);
	keep(track, buffer);
}

static void take_event(struct track *track, GstEvent *event)
{
	GstTagList *tags;
	char *title = NULL;

	if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
		gst_event_copy_segment(event, &track->segment);
	if (GST_EVENT_TYPE(event) != GST_EVENT_TAG)
		return;
	gst_event_parse_tag(event, &tags);
	if (!gst_tag_list_get_string(tags, GST_TAG_TITLE, &title))
		return;
	if (strcmp(title, track->producer) != 0) {
		g_strlcpy(track->producer, title, sizeof(track->producer));
		track->is_joining = TRUE;
		track->has_shift = FALSE;
	}
	g_free(title);
}

static GstPadProbeReturn look(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad;
	g_mutex_lock(&lock);
	if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
		take_buffer(data, GST_PAD_PROBE_INFO_BUFFER(info));
	else
		take_event(data, GST_PAD_PROBE_INFO_EVENT(info));
	g_mutex_unlock(&lock);
	return GST_PAD_PROBE_OK;
}

static gboolean report_consumer(gpointer data)
{
	(void)data;
	g_mutex_lock(&lock);
	printf("progress video=%" PRIu64 " audio=%" PRIu64 " producer=%s skew=%" PRIi64
	       " drift=%" PRIi64 " gaps=%" PRIu64 " joins=%" PRIu64 "\n",
	       tracks[0].count, tracks[1].count,
	       strcmp(tracks[0].producer, tracks[1].producer) == 0 ? tracks[0].producer : "-",
	       worst_skew, worst_drift, tracks[0].gaps + tracks[1].gaps,
	       tracks[0].joins + tracks[1].joins);
	g_mutex_unlock(&lock);
	return G_SOURCE_CONTINUE;
}

/* --- what a producer tells --- */

static gboolean report_producer(gpointer pipeline)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		GstElement *const sink = gst_bin_get_by_name(GST_BIN(pipeline), kinds[i]);
		GstStructure *stats;
		char *text;

		g_object_get(sink, "stats", &stats, NULL);
		text = gst_structure_to_string(stats);
		printf("stats %s %s\n", kinds[i], text);
		g_free(text);
		gst_structure_free(stats);
		gst_object_unref(sink);
	}
	return G_SOURCE_CONTINUE;
}

static guint count_blocks_in_use(GstElement *pipeline, const char *name)
{
	GstElement *const sink = gst_bin_get_by_name(GST_BIN(pipeline), name);
	GstStructure *stats;
	guint64 blocks = 0;
	guint64 blocks_free = 0;

	g_object_get(sink, "stats", &stats, NULL);
	if (!gst_structure_get(stats, "blocks", G_TYPE_UINT64, &blocks, "blocks-free",
			       G_TYPE_UINT64, &blocks_free, NULL))
		g_error("stats has no blocks");
	gst_structure_free(stats);
	gst_object_unref(sink);
	return (guint)(blocks - blocks_free);
}

static void stop_sources(GstElement *pipeline)
{
	GstIterator *const sources = gst_bin_iterate_sources(GST_BIN(pipeline));
	GValue item = G_VALUE_INIT;

	while (gst_iterator_next(sources, &item) == GST_ITERATOR_OK) {
		GstElement *const source = g_value_get_object(&item);

		gst_element_set_locked_state(source, TRUE);
		gst_element_set_state(source, GST_STATE_NULL);
		g_value_reset(&item);
	}
	g_value_unset(&item);
	gst_iterator_free(sources);
}

/* With no source, and no subscriber that holds any, each block must be free. */
static void account_for_blocks(GstElement *pipeline)
{
	const gint64 end = g_get_monotonic_time() + PATIENCE_US;

	stop_sources(pipeline);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		while (count_blocks_in_use(pipeline, kinds[i]) > 0 && g_get_monotonic_time() < end)
			g_usleep(1000);
		printf("in-use %s %u\n", kinds[i], count_blocks_in_use(pipeline, kinds[i]));
	}
}

/* --- both --- */

static gboolean take_message(GstBus *bus, GstMessage *message, gpointer data)
{
	GError *error = NULL;
	char *detail = NULL;

	(void)bus;
	(void)data;
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
		printf("end eos\n");
		has_ended = TRUE;
		g_main_loop_quit(loop);
	}
	if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
		return G_SOURCE_CONTINUE;
	gst_message_parse_error(message, &error, &detail);
	printf("error %s: %s (%s)\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message,
	       detail ? detail : "");
	g_error_free(error);
	g_free(detail);
	is_bad = TRUE;
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean leave(gpointer data)
{
	(void)data;
	printf("end signal\n");
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean end_stream(gpointer pipeline)
{
	gst_element_send_event(pipeline, gst_event_new_eos());
	return G_SOURCE_CONTINUE;
}

static GstElement *make_pipeline(const char *description)
{
	GError *error = NULL;
	GstElement *const pipeline =
		gst_parse_launch_full(description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

	if (!pipeline) {
		fprintf(stderr, "soak-end: %s\n", error->message);
		exit(2);
	}
	return pipeline;
}

static GstElement *make_producer(char **args)
{
	char *const description = g_strdup_printf(
		"videotestsrc pattern=ball ! video/x-raw,format=GRAY8,width=64,height=48,"
		"framerate=%d/1 ! taginject tags=title=p%s ! "
		"tachyonsink name=video socket-path=%s/video "
		"audiotestsrc samplesperbuffer=%d ! audio/x-raw,format=S16LE,rate=%d,channels=1 ! "
		"taginject tags=title=p%s ! tachyonsink name=audio socket-path=%s/audio",
		VIDEO_RATE, args[1], args[0], AUDIO_SAMPLES, AUDIO_RATE, args[1], args[0]);
	GstElement *const pipeline = make_pipeline(description);
	const gint64 start = atoll(args[2]) * (gint64)GST_SECOND;

	g_free(description);
	gst_element_set_state(pipeline, GST_STATE_PAUSED);
	if (gst_element_get_state(pipeline, NULL, NULL, 10 * GST_SECOND) !=
		    GST_STATE_CHANGE_SUCCESS ||
	    !gst_element_seek(pipeline, speed, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
			      GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_NONE, -1)) {
		fprintf(stderr, "soak-end: the producer cannot start\n");
		exit(2);
	}
	g_timeout_add(REPORT_MS, report_producer, pipeline);
	g_unix_signal_add(SIGTERM, end_stream, pipeline);
	return pipeline;
}

static GstElement *make_consumer(char **args)
{
	static const char source[] = "tachyonsrc name=%s socket-path=%s/%s on-disconnect=none "
				     "timestamp-mode=%s ! fakesink sync=false ";
	GString *const description = g_string_new("");
	GstElement *pipeline;

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		g_string_append_printf(description, source, kinds[i], args[0], kinds[i], args[1]);
	pipeline = make_pipeline(description->str);
	g_string_free(description, TRUE);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		GstElement *const src = gst_bin_get_by_name(GST_BIN(pipeline), kinds[i]);
		GstPad *const pad = gst_element_get_static_pad(src, "src");

		gst_pad_add_probe(pad,
				  GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
				  look, &tracks[i], NULL);
		gst_object_unref(pad);
		gst_object_unref(src);
	}
	g_timeout_add(REPORT_MS, report_consumer, NULL);
	g_unix_signal_add(SIGTERM, leave, NULL);
	return pipeline;
}

static void run(GstElement *pipeline, gboolean is_producer)
{
	GstBus *const bus = gst_element_get_bus(pipeline);

	gst_bus_add_watch(bus, take_message, NULL);
	g_unix_signal_add(SIGINT, leave, NULL);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	printf("started\n");
	g_main_loop_run(loop);

	if (is_producer && has_ended)
		account_for_blocks(pipeline);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		g_queue_clear_full(&tracks[i].held, (GDestroyNotify)gst_buffer_unref);
	if (is_producer)
		report_producer(pipeline);
	else
		report_consumer(NULL);
	printf("over\n");
	gst_bus_remove_watch(bus);
	gst_object_unref(bus);
	gst_object_unref(pipeline);
}

int main(int argc, char **argv)
{
	const gboolean is_producer = argc == 6 && strcmp(argv[1], "produce") == 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	gst_init(NULL, NULL);
	if (!is_producer && (argc != 5 || strcmp(argv[1], "consume") != 0)) {
		fprintf(stderr, "soak-end produce FOLDER NUMBER START SPEED | "
				"soak-end consume FOLDER MODE SPEED\n");
		return 2;
	}
	speed = atof(argv[argc - 1]);
	loop = g_main_loop_new(NULL, FALSE);
	run(is_producer ? make_producer(argv + 2) : make_consumer(argv + 2), is_producer);
	g_main_loop_unref(loop);
	return is_bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
