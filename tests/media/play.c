/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * gst-launch-1.0 with eyes: runs a pipeline, and prints what arrives and what it cost, one fact a
 * line. `play --help` names the lines.
 */
#include <errno.h>
#include <glib-unix.h>
#include <gst/app/app.h>
#include <gst/audio/audio.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

static const char usage[] =
	"play [OPTION...] DESCRIPTION\n"
	"\n"
	"Runs the pipeline until its end, an error (status 1) or SIGTERM, and prints:\n"
	"  event NAME TYPE CONTENT    an appsink received it\n"
	"  frame NAME KEY=VALUE...    an appsink received it; md5 and size as ffmpeg packs it\n"
	"  sent NAME FRAMES           --no-eos: a tachyonsink has sent everything\n"
	"  cost NAME KEY=VALUE...     --skip: of a Tachyon element\n"
	"  stats NAME KEY=VALUE...    its stats, at the end\n"
	"  end REASON                 eos, error, signal, or stop\n"
	"  null MILLISECONDS          how long the way to NULL took\n"
	"\n"
	"memory= says where the bytes of a frame are: `shared` is read-only memory of a file\n"
	"tachyon-payload, `own` anything else, `none` an empty frame.\n";

/* What is kept of one element, by a pointer that never moves. */
struct probe {
	GstElement *element;
	char *name;
	gint64 buffers;
	guint64 calls_before;
	GQueue held;
};

static gint clients;
static gint hold;
static gint stop_after;
static gint skip;
static gboolean no_eos;
static gboolean no_hash;
static gboolean packed;

static GMainLoop *loop;
static const char *reason = "stop";
static gboolean is_bad;
static gint frames_seen;

static const GOptionEntry options[] = {
	{"clients", 0, 0, G_OPTION_ARG_INT, &clients, "play when each tachyonsink has so many",
	 "N"},
	{"hold", 0, 0, G_OPTION_ARG_INT, &hold, "keep the last frames of each appsink", "N"},
	{"stop-after", 0, 0, G_OPTION_ARG_INT, &stop_after, "end after so many frames", "N"},
	{"skip", 0, 0, G_OPTION_ARG_INT, &skip, "count the cost after so many buffers", "N"},
	{"no-eos", 0, 0, G_OPTION_ARG_NONE, &no_eos, "tachyonsinks do not see the end", NULL},
	{"no-hash", 0, 0, G_OPTION_ARG_NONE, &no_hash, "do not look at the payload", NULL},
	{"packed", 0, 0, G_OPTION_ARG_NONE, &packed, "appsinks know no planes and strides", NULL},
	{NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void quit(const char *why, gboolean bad)
{
	reason = why;
	is_bad = bad;
	g_main_loop_quit(loop);
}

/* --- frames --------------------------------------------------------------------------------- */

static void print_time(const char *key, guint64 time)
{
	if (time == GST_CLOCK_TIME_NONE)
		printf(" %s=none", key);
	else
		printf(" %s=%" PRIu64, key, time);
}

/* As ffmpeg packs a picture: planes one after another, lines without padding. */
static gsize hash_picture(GChecksum *checksum, GstVideoFrame *frame)
{
	gsize size = 0;

	for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(frame); plane++) {
		const guint8 *line = GST_VIDEO_FRAME_PLANE_DATA(frame, plane);
		gint comps[GST_VIDEO_MAX_COMPONENTS];
		gint width;

		gst_video_format_info_component(frame->info.finfo, plane, comps);
		width = GST_VIDEO_FRAME_COMP_WIDTH(frame, comps[0]) *
			GST_VIDEO_FRAME_COMP_PSTRIDE(frame, comps[0]);
		for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(frame, comps[0]); y++) {
			g_checksum_update(checksum, line, width);
			line += GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane);
			size += (gsize)width;
		}
	}
	return size;
}

/* As ffmpeg packs sound: the channels' samples in turn. */
static gsize hash_samples(GChecksum *checksum, GstAudioBuffer *audio)
{
	const gint channels = GST_AUDIO_BUFFER_CHANNELS(audio);
	const gsize sample_size = (gsize)GST_AUDIO_BUFFER_BPS(audio);
	const gsize count = GST_AUDIO_BUFFER_N_SAMPLES(audio);

	if (GST_AUDIO_BUFFER_N_PLANES(audio) == 1) {
		g_checksum_update(checksum, GST_AUDIO_BUFFER_PLANE_DATA(audio, 0),
				  (gssize)GST_AUDIO_BUFFER_PLANE_SIZE(audio));
		return GST_AUDIO_BUFFER_PLANE_SIZE(audio);
	}
	for (gsize i = 0; i < count; i++) {
		for (gint channel = 0; channel < channels; channel++) {
			const guint8 *const plane = GST_AUDIO_BUFFER_PLANE_DATA(audio, channel);

			g_checksum_update(checksum, plane + i * sample_size, (gssize)sample_size);
		}
	}
	return count * sample_size * (gsize)channels;
}

static gsize hash_bytes(GChecksum *checksum, GstBuffer *buffer)
{
	GstMapInfo map;
	gsize size;

	if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
		g_error("a buffer cannot be read");
	g_checksum_update(checksum, map.data, (gssize)map.size);
	size = map.size;
	gst_buffer_unmap(buffer, &map);
	return size;
}

static gsize hash_content(GChecksum *checksum, GstBuffer *buffer, GstCaps *caps)
{
	const GstStructure *const format = caps ? gst_caps_get_structure(caps, 0) : NULL;
	GstAudioBuffer samples;
	GstVideoFrame picture;
	GstVideoInfo video;
	GstAudioInfo audio;
	gsize size;

	if (format && gst_structure_has_name(format, "video/x-raw") &&
	    gst_video_info_from_caps(&video, caps) &&
	    gst_video_frame_map(&picture, &video, buffer, GST_MAP_READ)) {
		size = hash_picture(checksum, &picture);
		gst_video_frame_unmap(&picture);
		return size;
	}
	if (format && gst_structure_has_name(format, "audio/x-raw") &&
	    gst_audio_info_from_caps(&audio, caps) &&
	    gst_audio_buffer_map(&samples, &audio, buffer, GST_MAP_READ)) {
		size = hash_samples(checksum, &samples);
		gst_audio_buffer_unmap(&samples);
		return size;
	}
	return hash_bytes(checksum, buffer);
}

static void print_content(GstBuffer *buffer, GstCaps *caps)
{
	GChecksum *const checksum = g_checksum_new(G_CHECKSUM_MD5);
	const gsize size = hash_content(checksum, buffer, caps);

	printf(" size=%zu md5=%s", size, g_checksum_get_string(checksum));
	g_checksum_free(checksum);
}

/* True when the bytes lie inside one read-only mapping of a file named tachyon. */
static gboolean is_shared(const guint8 *data, gsize size)
{
	const uintptr_t first = (uintptr_t)data;
	FILE *const maps = fopen("/proc/self/maps", "re");
	gboolean found = FALSE;
	uintptr_t start;
	uintptr_t end;
	char line[512];
	char perms[5];

	if (!maps)
		g_error("/proc/self/maps: %s", g_strerror(errno));
	while (!found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, perms) == 3)
			found = first >= start && first + size <= end &&
				strstr(line, "/memfd:tachyon-payload") && perms[0] == 'r' &&
				perms[1] == '-';
	}
	fclose(maps);
	return found;
}

static const char *find_memory(GstBuffer *buffer)
{
	const char *where = "none";

	for (guint i = 0; i < gst_buffer_n_memory(buffer); i++) {
		GstMemory *const memory = gst_buffer_peek_memory(buffer, i);
		gboolean shared;
		GstMapInfo map;

		if (!gst_memory_map(memory, &map, GST_MAP_READ))
			g_error("a memory cannot be read");
		shared = map.size == 0 || is_shared(map.data, map.size);
		gst_memory_unmap(memory, &map);
		if (!shared)
			return "own";
		where = "shared";
	}
	return where;
}

static GstFlowReturn take_sample(GstAppSink *sink, gpointer data)
{
	struct probe *const probe = data;
	GstSample *const sample = gst_app_sink_pull_sample(sink);
	guint64 running = GST_CLOCK_TIME_NONE;
	const GstSegment *segment;
	GstBuffer *buffer;

	if (!sample)
		return GST_FLOW_EOS;
	buffer = gst_sample_get_buffer(sample);
	segment = gst_sample_get_segment(sample);
	if (segment->format == GST_FORMAT_TIME)
		running = gst_segment_to_running_time(segment, GST_FORMAT_TIME,
						      GST_BUFFER_PTS(buffer));
	flockfile(stdout);
	printf("frame %s", probe->name);
	print_time("pts", GST_BUFFER_PTS(buffer));
	print_time("dts", GST_BUFFER_DTS(buffer));
	print_time("duration", GST_BUFFER_DURATION(buffer));
	print_time("running", running);
	printf(" offset=%" PRIi64 " offset_end=%" PRIi64 " flags=%x",
	       (gint64)GST_BUFFER_OFFSET(buffer), (gint64)GST_BUFFER_OFFSET_END(buffer),
	       GST_BUFFER_FLAGS(buffer) & ~(guint)GST_BUFFER_FLAG_TAG_MEMORY);
	if (!no_hash)
		print_content(buffer, gst_sample_get_caps(sample));
	printf(" memory=%s\n", find_memory(buffer));
	funlockfile(stdout);

	g_queue_push_tail(&probe->held, sample);
	while (g_queue_get_length(&probe->held) > (guint)hold)
		gst_sample_unref(g_queue_pop_head(&probe->held));
	if (g_atomic_int_add(&frames_seen, 1) + 1 < stop_after || stop_after == 0)
		return GST_FLOW_OK;
	quit("stop", FALSE);
	return GST_FLOW_EOS;
}

/* An appsink says nothing of what its application can read: this one looks at metas. */
static GstPadProbeReturn answer_allocation(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *const query = GST_PAD_PROBE_INFO_QUERY(info);

	(void)pad;
	(void)data;
	if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
		return GST_PAD_PROBE_OK;
	gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	gst_query_add_allocation_meta(query, GST_AUDIO_META_API_TYPE, NULL);
	return GST_PAD_PROBE_HANDLED;
}

static GstPadProbeReturn print_event(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstEvent *const event = GST_PAD_PROBE_INFO_EVENT(info);
	struct probe *const probe = data;
	const GstStructure *const structure = gst_event_get_structure(event);
	GstCaps *caps = NULL;
	char *text = NULL;

	(void)pad;
	if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
		gst_event_parse_caps(event, &caps);
		text = gst_caps_to_string(caps);
	} else if (structure) {
		text = gst_structure_to_string(structure);
	}
	printf("event %s %s %s\n", probe->name, GST_EVENT_TYPE_NAME(event), text ? text : "");
	g_free(text);
	return GST_PAD_PROBE_OK;
}

/* --- Tachyon elements ----------------------------------------------------------------------- */

static gboolean print_field(GQuark key, const GValue *value, gpointer data)
{
	char *const text = gst_value_serialize(value);

	(void)data;
	if (text)
		printf(" %s=%s", g_quark_to_string(key), text);
	g_free(text);
	return TRUE;
}

static void print_stats(struct probe *probe)
{
	GstStructure *stats = NULL;

	g_object_get(probe->element, "stats", &stats, NULL);
	flockfile(stdout);
	printf("stats %s", probe->name);
	gst_structure_foreach(stats, print_field, NULL);
	printf("\n");
	funlockfile(stdout);
	gst_structure_free(stats);
}

static guint64 get_system_calls(GstElement *element)
{
	GstStructure *stats = NULL;
	guint64 calls = 0;

	g_object_get(element, "stats", &stats, NULL);
	if (!gst_structure_get_uint64(stats, "system-calls", &calls))
		g_error("stats has no field system-calls");
	gst_structure_free(stats);
	return calls;
}

static GstPadProbeReturn count_cost(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct probe *const probe = data;

	(void)pad;
	if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
		if (probe->buffers++ == skip)
			probe->calls_before = get_system_calls(probe->element);
		return GST_PAD_PROBE_OK;
	}
	if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
		return GST_PAD_PROBE_OK;

	if (skip > 0 && probe->buffers > skip)
		printf("cost %s buffers=%" PRIi64 " calls=%" PRIu64 "\n", probe->name,
		       probe->buffers - skip,
		       get_system_calls(probe->element) - probe->calls_before);
	if (!no_eos || !GST_IS_BASE_SINK(probe->element))
		return GST_PAD_PROBE_OK;
	printf("sent %s %" PRIi64 "\n", probe->name, probe->buffers);
	return GST_PAD_PROBE_DROP;
}

static gboolean look_for_clients(gpointer data)
{
	GstElement *const pipeline = data;
	GstIterator *const elements = gst_bin_iterate_sinks(GST_BIN(pipeline));
	GValue item = G_VALUE_INIT;
	gboolean all_here = TRUE;

	while (gst_iterator_next(elements, &item) == GST_ITERATOR_OK) {
		guint here = 0;

		g_object_get(g_value_get_object(&item), "num-clients", &here, NULL);
		all_here = all_here && here >= (guint)clients;
		g_value_reset(&item);
	}
	g_value_unset(&item);
	gst_iterator_free(elements);
	if (all_here)
		gst_element_set_state(pipeline, GST_STATE_PLAYING);
	return all_here ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* --- the pipeline --------------------------------------------------------------------------- */

static void add_probe(GstElement *element, const char *pad_name, GstPadProbeType type,
		      GstPadProbeCallback fn, struct probe *probe)
{
	GstPad *const pad = gst_element_get_static_pad(element, pad_name);

	gst_pad_add_probe(pad, type, fn, probe, NULL);
	gst_object_unref(pad);
}

static void watch_appsink(struct probe *probe)
{
	static const GstAppSinkCallbacks callbacks = {.new_sample = take_sample};

	gst_app_sink_set_callbacks(GST_APP_SINK(probe->element), (GstAppSinkCallbacks *)&callbacks,
				   probe, NULL);
	add_probe(probe->element, "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, print_event, probe);
	if (!packed)
		add_probe(probe->element, "sink", GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
			  answer_allocation, probe);
}

/* Returns: the elements that we look at. */
static GPtrArray *watch_elements(GstElement *pipeline)
{
	GstIterator *const elements = gst_bin_iterate_recurse(GST_BIN(pipeline));
	GPtrArray *const probes = g_ptr_array_new();
	GValue item = G_VALUE_INIT;

	while (gst_iterator_next(elements, &item) == GST_ITERATOR_OK) {
		GstElement *const element = g_value_get_object(&item);
		const char *const factory = GST_OBJECT_NAME(gst_element_get_factory(element));
		const GstPadProbeType type =
			GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
		struct probe *const probe = g_new0(struct probe, 1);

		probe->element = gst_object_ref(element);
		probe->name = gst_element_get_name(element);
		g_queue_init(&probe->held);
		g_ptr_array_add(probes, probe);
		if (strcmp(factory, "appsink") == 0)
			watch_appsink(probe);
		if (strcmp(factory, "tachyonsink") == 0)
			add_probe(element, "sink", type, count_cost, probe);
		if (strcmp(factory, "tachyonsrc") == 0)
			add_probe(element, "src", type, count_cost, probe);
		g_value_reset(&item);
	}
	g_value_unset(&item);
	gst_iterator_free(elements);
	return probes;
}

static void print_all_stats(GPtrArray *probes)
{
	for (guint i = 0; i < probes->len; i++) {
		struct probe *const probe = g_ptr_array_index(probes, i);
		GstElementFactory *const factory = gst_element_get_factory(probe->element);

		if (g_str_has_prefix(GST_OBJECT_NAME(factory), "tachyon"))
			print_stats(probe);
	}
}

static void free_probes(GPtrArray *probes)
{
	for (guint i = 0; i < probes->len; i++) {
		struct probe *const probe = g_ptr_array_index(probes, i);

		g_queue_clear_full(&probe->held, (GDestroyNotify)gst_sample_unref);
		gst_object_unref(probe->element);
		g_free(probe->name);
		g_free(probe);
	}
	g_ptr_array_free(probes, TRUE);
}

static gboolean take_message(GstBus *bus, GstMessage *message, gpointer data)
{
	GError *error = NULL;
	char *detail = NULL;

	(void)bus;
	(void)data;
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS)
		quit("eos", FALSE);
	if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
		return G_SOURCE_CONTINUE;

	gst_message_parse_error(message, &error, &detail);
	printf("error %s %s %i %s\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)),
	       g_quark_to_string(error->domain), error->code, error->message);
	fprintf(stderr, "%s\n", detail ? detail : "");
	g_error_free(error);
	g_free(detail);
	quit("error", TRUE);
	return G_SOURCE_CONTINUE;
}

static gboolean take_signal(gpointer data)
{
	(void)data;
	quit("signal", FALSE);
	return G_SOURCE_CONTINUE;
}

static void run(GstElement *pipeline)
{
	GstBus *const bus = gst_element_get_bus(pipeline);
	GPtrArray *const probes = watch_elements(pipeline);
	gint64 before;

	loop = g_main_loop_new(NULL, FALSE);
	gst_bus_add_watch(bus, take_message, NULL);
	g_unix_signal_add(SIGTERM, take_signal, NULL);
	if (clients > 0) {
		gst_element_set_state(pipeline, GST_STATE_PAUSED);
		g_timeout_add(10, look_for_clients, pipeline);
	} else {
		gst_element_set_state(pipeline, GST_STATE_PLAYING);
	}
	printf("started\n");
	g_main_loop_run(loop);

	printf("end %s\n", reason);
	print_all_stats(probes);
	before = g_get_monotonic_time();
	gst_element_set_state(pipeline, GST_STATE_NULL);
	printf("null %" PRIi64 "\n", (g_get_monotonic_time() - before) / 1000);

	gst_bus_remove_watch(bus);
	gst_object_unref(bus);
	gst_object_unref(pipeline);
	free_probes(probes);
	g_main_loop_unref(loop);
}

int main(int argc, char **argv)
{
	GOptionContext *const context = g_option_context_new("DESCRIPTION");
	GError *error = NULL;
	GstElement *pipeline;

	setvbuf(stdout, NULL, _IOLBF, 0);
	g_option_context_set_description(context, usage);
	g_option_context_add_main_entries(context, options, NULL);
	g_option_context_add_group(context, gst_init_get_option_group());
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2) {
		fprintf(stderr, "play: %s\n", error ? error->message : "one description, please");
		return EXIT_USAGE;
	}
	g_option_context_free(context);

	pipeline = gst_parse_launch_full(argv[1], NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
	if (!pipeline) {
		fprintf(stderr, "play: %s\n", error->message);
		return EXIT_USAGE;
	}
	if (!GST_IS_PIPELINE(pipeline)) {
		fprintf(stderr, "play: a pipeline of several elements, please\n");
		return EXIT_USAGE;
	}
	run(pipeline);
	return is_bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
