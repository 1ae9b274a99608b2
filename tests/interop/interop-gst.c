/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The endpoint of the elements in the interop matrix: appsrc ! tachyonsink and tachyonsrc !
 * appsink. README.md says what it sends, receives and prints. It knows nothing of libtachyon.
 */
#include <gst/app/app.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>

#include "sequence.h"

#define CONNECT_NS "30000000000"
#define TIMEOUT (60 * GST_SECOND)
/* Between the application and the element: what it holds back must not be all there is. */
#define QUEUE_BYTES (8u << 20)

static GstElement *launch(gchar *description)
{
	GError *error = NULL;
	GstElement *const pipeline = gst_parse_launch(description, &error);

	if (error)
		sequence_fail("%s: %s", description, error->message);
	g_free(description);
	return pipeline;
}

static GstElement *part(GstElement *pipeline, const char *name)
{
	GstElement *const element = gst_bin_get_by_name(GST_BIN(pipeline), name);

	gst_object_unref(element);
	return element;
}

static void play(GstElement *pipeline)
{
	if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
		sequence_fail("the pipeline does not start");
}

static void stop(GstElement *pipeline)
{
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_object_unref(pipeline);
}

/* Waits for the end of the stream; an error ends the process. */
static void await_eos(GstElement *pipeline)
{
	GstBus *const bus = gst_element_get_bus(pipeline);
	GstMessage *const message =
		gst_bus_timed_pop_filtered(bus, TIMEOUT, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
	GError *error = NULL;
	gchar *debug = NULL;

	if (!message)
		sequence_fail("no end of the stream");
	if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
		gst_message_parse_error(message, &error, &debug);
		sequence_fail("%s: %s (%s)", GST_OBJECT_NAME(message->src), error->message,
			      debug ? debug : "");
	}
	gst_message_unref(message);
	gst_object_unref(bus);
}

/* --- sending --- */

/* A buffer over the pattern, which is not written to. */
static GstBuffer *make_buffer(uint64_t number, struct sequence_piece piece)
{
	GstBuffer *const buffer = gst_buffer_new();

	if (piece.size > 0)
		gst_buffer_append_memory(
			buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY,
						       (gpointer)(guintptr)piece.data, piece.size,
						       0, piece.size, NULL, NULL));
	GST_BUFFER_PTS(buffer) = number;
	GST_BUFFER_OFFSET(buffer) = number;
	return buffer;
}

static GstBuffer *make_frame(uint64_t number, struct sequence_piece picture)
{
	struct sequence_plane planes[SEQUENCE_PLANES];
	const size_t size = sequence_default_planes(NULL, planes);
	GstBuffer *const buffer = gst_buffer_new_allocate(NULL, size, NULL);
	GstMapInfo map;

	if (!gst_buffer_map(buffer, &map, GST_MAP_WRITE))
		sequence_fail("a new buffer cannot be written to");
	sequence_default_planes(map.data, planes);
	sequence_draw(picture, planes);
	gst_buffer_unmap(buffer, &map);
	GST_BUFFER_PTS(buffer) = sequence_pts(number);
	GST_BUFFER_DURATION(buffer) = sequence_duration(number);
	return buffer;
}

static void send_items(const char *address, uint64_t count, const char *caps, const char *noun,
		       struct sequence_piece (*content)(uint64_t number),
		       GstBuffer *(*make)(uint64_t number, struct sequence_piece piece))
{
	GstElement *const pipeline = launch(
		g_strdup_printf("appsrc name=in format=time block=true max-bytes=%u caps=\"%s\" ! "
				"tachyonsink socket-path=%s sync=false wait-for-connection=true",
				QUEUE_BYTES, caps, address));
	GstAppSrc *const in = GST_APP_SRC(part(pipeline, "in"));
	struct sequence_tally tally = {0};

	play(pipeline);
	for (uint64_t number = 0; number < count; number++) {
		const struct sequence_piece piece = content(number);

		sequence_count(&tally, piece);
		if (gst_app_src_push_buffer(in, make(number, piece)) != GST_FLOW_OK)
			break;
	}
	gst_app_src_end_of_stream(in);
	await_eos(pipeline);
	stop(pipeline);
	sequence_check_end(&tally, count, noun);
	sequence_report(&tally, noun);
}

/* --- receiving --- */

static void check_buffer(struct sequence_tally *tally, uint64_t count, GstSample *sample)
{
	const GstStructure *const caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
	GstBuffer *const buffer = gst_sample_get_buffer(sample);
	GstMapInfo map;

	if (!gst_structure_has_name(caps, SEQUENCE_BUFFER_CAPS))
		sequence_fail("these caps came: %s", gst_structure_get_name(caps));
	sequence_check_number(tally, count, "buffer", "pts", tally->count, GST_BUFFER_PTS(buffer));
	sequence_check_number(tally, count, "buffer", "offset", tally->count,
			      GST_BUFFER_OFFSET(buffer));
	if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
		sequence_fail("buffer %" G_GUINT64_FORMAT " cannot be read", tally->count);
	sequence_check_message(tally, map.data, map.size);
	gst_buffer_unmap(buffer, &map);
}

static void check_frame_caps(const GstCaps *caps, GstVideoInfo *info)
{
	if (!gst_video_info_from_caps(info, caps) || info->width != 322 || info->height != 242 ||
	    GST_VIDEO_INFO_FORMAT(info) != GST_VIDEO_FORMAT_I420 || info->fps_n != 30000 ||
	    info->fps_d != 1001)
		sequence_fail("these caps came: %s", gst_caps_to_string(caps));
}

static void check_frame(struct sequence_tally *tally, uint64_t count, GstSample *sample)
{
	GstBuffer *const buffer = gst_sample_get_buffer(sample);
	struct sequence_plane planes[SEQUENCE_PLANES];
	GstVideoInfo info;
	GstVideoFrame frame;

	check_frame_caps(gst_sample_get_caps(sample), &info);
	sequence_check_number(tally, count, "frame", "pts", sequence_pts(tally->count),
			      GST_BUFFER_PTS(buffer));
	sequence_check_number(tally, count, "frame", "duration", sequence_duration(tally->count),
			      GST_BUFFER_DURATION(buffer));
	if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ))
		sequence_fail("frame %" G_GUINT64_FORMAT ": %" G_GSIZE_FORMAT " bytes came",
			      tally->count, gst_buffer_get_size(buffer));
	for (guint i = 0; i < SEQUENCE_PLANES; i++)
		planes[i] = (struct sequence_plane){GST_VIDEO_FRAME_PLANE_DATA(&frame, i),
						    GST_VIDEO_FRAME_PLANE_STRIDE(&frame, i)};
	sequence_check_picture(tally, planes);
	gst_video_frame_unmap(&frame);
}

/* on-disconnect=error: only an end of stream that the sender sent is one. */
static void receive_items(const char *address, uint64_t count, const char *noun,
			  void (*check)(struct sequence_tally *tally, uint64_t count,
					GstSample *sample))
{
	GstElement *const pipeline = launch(g_strdup_printf(
		"tachyonsrc socket-path=%s timestamp-mode=passthrough on-disconnect=error "
		"connection-timeout=" CONNECT_NS " ! appsink name=out sync=false max-buffers=8",
		address));
	GstAppSink *const out = GST_APP_SINK(part(pipeline, "out"));
	struct sequence_tally tally = {0};
	GstSample *sample;

	play(pipeline);
	while ((sample = gst_app_sink_try_pull_sample(out, TIMEOUT))) {
		check(&tally, count, sample);
		gst_sample_unref(sample);
	}
	await_eos(pipeline);
	sequence_check_end(&tally, count, noun);
	stop(pipeline);
	sequence_report(&tally, noun);
}

/* --- the command line --- */

static int usage(void)
{
	fprintf(stderr, "interop-gst send-buffers|receive-buffers|send-frames|receive-frames "
			"ADDRESS COUNT\n");
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t count;

	gst_init(&argc, &argv);
	if (argc != 4)
		return usage();
	count = g_ascii_strtoull(argv[3], NULL, 10);
	sequence_init();
	if (strcmp(argv[1], "send-buffers") == 0)
		send_items(argv[2], count, SEQUENCE_BUFFER_CAPS, "buffers", sequence_message,
			   make_buffer);
	else if (strcmp(argv[1], "receive-buffers") == 0)
		receive_items(argv[2], count, "buffers", check_buffer);
	else if (strcmp(argv[1], "send-frames") == 0)
		send_items(argv[2], count, SEQUENCE_FRAME_CAPS, "frames", sequence_picture,
			   make_frame);
	else if (strcmp(argv[1], "receive-frames") == 0)
		receive_items(argv[2], count, "frames", check_frame);
	else
		return usage();
	return 0;
}
