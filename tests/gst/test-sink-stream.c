/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonnewest.c: the sink's newest buffer, read as a stream of the C API. */
#include "sink-fixture.h"

#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Of this process; all of its streams are gone at the end, also when a check fails. */
static char name[64];

static int unlink_if_left(const char *stream, void *data)
{
	if (g_str_has_prefix(stream, data))
		tachyon_stream_unlink(stream, NULL);
	return 0;
}

/* In the program, whose tests run in children: of whatever those left. */
__attribute__((destructor)) static void unlink_all(void)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "test-sink-stream-%d-", getpid());
	tachyon_stream_list(unlink_if_left, prefix);
}

TEST_SETUP
{
	gst_init(NULL, NULL);
	snprintf(name, sizeof(name), "test-sink-stream-%d-%d", getppid(), getpid());
}

/* --- the reader --- */

static struct tachyon_stream *open_stream(void)
{
	struct tachyon_stream *stream;

	CHECK_EQ(tachyon_stream_open(name, NULL, &stream), 0);
	return stream;
}

static struct tachyon_stream_info info_of(struct tachyon_stream *stream)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	CHECK_EQ(tachyon_stream_get_info(stream, &info), 0);
	return info;
}

static struct tachyon_stream_info stat_stream(void)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	CHECK_EQ(tachyon_stream_stat(name, &info), 0);
	return info;
}

static void check_no_stream(void)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	CHECK_EQ(tachyon_stream_stat(name, &info), -ENOENT);
}

/* As in "uint8 480 640 3". */
static void check_array(const struct tachyon_array *array, const char *expected)
{
	static const char *const scalars[] = {"int", "uint", "float"};
	char text[64];
	int length = snprintf(text, sizeof(text), "%s%u", scalars[array->scalar], array->bits);

	for (unsigned int i = 0; i < array->dimensions; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, " %d",
				   (int)array->shape[i]);
	CHECK_STR_EQ(text, expected);
}

/* The newest value is the count-th, and these bytes. */
static void check_value(uint64_t count, const char *bytes)
{
	const size_t size = strlen(bytes);
	struct tachyon_stream *stream = open_stream();
	struct tachyon_snapshot snapshot;
	char value[64];

	CHECK_EQ(tachyon_stream_read(stream, value, size, &snapshot), 0);
	CHECK_MEM_EQ(value, bytes, size);
	CHECK_EQ(snapshot.count, count);
	tachyon_stream_destroy(stream);
}

static struct tachyon_stream *create_stream(uint64_t height, uint64_t width)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_UINT,
		.bits = 8,
		.dimensions = 2,
		.shape = {height, width},
	};
	struct tachyon_stream *stream;

	CHECK_EQ(tachyon_stream_create(name, &array, NULL, &stream), 0);
	return stream;
}

/* --- the writer: buffers pushed by hand --- */

struct bench {
	GstHarness *harness;
	GstElement *sink;
	GstBus *bus;
};

#define GRAY "video/x-raw,format=GRAY8,framerate=30/1,"

static struct bench make_bench(const char *caps)
{
	gchar *description = g_strdup_printf(
		"tachyonsink name=sink socket-path=socket sync=false stream-name=%s", name);
	struct bench bench = {
		.harness = gst_harness_new_parse(description),
		.bus = gst_bus_new(),
	};

	bench.sink = gst_harness_find_element(bench.harness, "tachyonsink");
	gst_element_set_bus(bench.sink, bench.bus);
	gst_harness_set_src_caps_str(bench.harness, caps);
	gst_harness_play(bench.harness);
	g_free(description);
	return bench;
}

/* Takes a message of this type, which must be there; the code of its error. */
static gint take_message(struct bench *bench, GstMessageType type)
{
	GstMessage *message = gst_bus_pop_filtered(bench->bus, type);
	GError *error;
	gint code;

	CHECK(message != NULL);
	if (type == GST_MESSAGE_ERROR)
		gst_message_parse_error(message, &error, NULL);
	else
		gst_message_parse_warning(message, &error, NULL);
	CHECK(error->domain == GST_RESOURCE_ERROR);
	CHECK(strstr(error->message, name) != NULL);
	code = error->code;
	g_error_free(error);
	gst_message_unref(message);
	return code;
}

static void drop_bench(struct bench *bench)
{
	gst_element_set_state(bench->sink, GST_STATE_NULL);
	CHECK(gst_bus_pop_filtered(bench->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING) == NULL);
	gst_element_set_bus(bench->sink, NULL);
	gst_object_unref(bench->bus);
	gst_object_unref(bench->sink);
	gst_harness_teardown(bench->harness);
}

static GstBuffer *make_buffer(const char *bytes)
{
	return gst_buffer_new_memdup(bytes, strlen(bytes));
}

static void push(struct bench *bench, const char *bytes)
{
	CHECK_EQ(gst_harness_push(bench->harness, make_buffer(bytes)), GST_FLOW_OK);
}

/* --- what it shows --- */

TEST(there_is_no_stream_unless_one_is_asked_for)
{
	GstElement *sink = gst_element_factory_make("tachyonsink", NULL);
	gchar *text;

	g_object_get(sink, "stream-name", &text, NULL);
	CHECK_STR_EQ(text, NULL);
	g_object_set(sink, "stream-name", "camera", NULL);
	g_object_get(sink, "stream-name", &text, NULL);
	CHECK_STR_EQ(text, "camera");
	g_free(text);
	gst_object_unref(sink);
}

TEST(an_empty_name_is_none)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=3 ! tachyonsink name=sink "
				      "socket-path=socket sync=false stream-name=\"\"");

	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "stream-frames"), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "stream-skipped"), 0);
	finish(pipeline);
}

TEST(the_newest_picture_is_a_stream_without_padding)
{
	struct bench bench = make_bench(GRAY "width=3,height=2");
	struct tachyon_stream_info info;

	push(&bench, "123.456.");
	info = stat_stream();
	check_array(&info.array, "uint8 2 3");
	check_value(1, "123456");
	push(&bench, "abc.def.");
	check_value(2, "abcdef");
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 2);
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 0);

	drop_bench(&bench);
}

/* From videotestsrc, through a tee: the same bytes as an appsink-like copy, line by line. */
static void check_source(const char *format, const char *expected)
{
	gchar *description = g_strdup_printf(
		"videotestsrc num-buffers=3 pattern=smpte ! "
		"video/x-raw,format=%s,width=322,height=242 ! tee name=t ! queue ! "
		"fakesink name=copy enable-last-sample=true sync=false t. ! queue ! "
		"tachyonsink name=sink socket-path=socket sync=false stream-name=%s",
		format, name);
	GstElement *pipeline = launch(description);
	struct tachyon_stream_info info;
	struct tachyon_stream *stream;
	GstVideoFrame frame;
	GstVideoInfo video;
	GstSample *sample;
	uint8_t *value, *line;
	size_t size;

	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	stream = open_stream();
	info = info_of(stream);
	check_array(&info.array, expected);
	CHECK_EQ(info.count, 3);
	size = info.value_size;
	line = value = g_malloc(size);
	CHECK_EQ(tachyon_stream_read(stream, value, size, NULL), 0);

	g_object_get(part(pipeline, "copy"), "last-sample", &sample, NULL);
	CHECK(gst_video_info_from_caps(&video, gst_sample_get_caps(sample)));
	CHECK(gst_video_frame_map(&frame, &video, gst_sample_get_buffer(sample), GST_MAP_READ));
	for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES(&frame); p++) {
		const uint8_t *data = GST_VIDEO_FRAME_PLANE_DATA(&frame, p);
		const gint width = GST_VIDEO_FRAME_COMP_WIDTH(&frame, p);
		/* Of the formats below, the planes of which begin with component p. */
		const gint bytes = width * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, p);

		for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, p); y++) {
			CHECK_MEM_EQ(line, data + y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, p),
				     (size_t)bytes);
			line += bytes;
		}
	}
	CHECK_EQ(line - value, size);
	gst_video_frame_unmap(&frame);

	gst_sample_unref(sample);
	g_free(value);
	tachyon_stream_destroy(stream);
	g_free(description);
	finish(pipeline);
}

TEST(rgb_of_a_source_is_height_by_width_by_3)
{
	check_source("RGB", "uint8 242 322 3");
}

TEST(bgrx_of_a_source_is_height_by_width_by_4)
{
	check_source("BGRx", "uint8 242 322 4");
}

TEST(gray16_of_a_source_is_of_numbers)
{
	check_source(G_BYTE_ORDER == G_LITTLE_ENDIAN ? "GRAY16_LE" : "GRAY16_BE", "uint16 242 322");
}

TEST(i420_of_a_source_is_a_half_higher)
{
	check_source("I420", "uint8 363 322");
}

TEST(nv12_of_a_source_is_a_half_higher)
{
	check_source("NV12", "uint8 363 322");
}

TEST(pictures_in_our_own_memory_are_shown_like_others)
{
	gchar *description = g_strdup_printf(
		"videotestsrc num-buffers=5 pattern=white ! video/x-raw,format=GRAY8,width=5,"
		"height=1 ! tachyonsink name=sink socket-path=socket "
		"sync=false stream-name=%s",
		name);
	GstElement *pipeline = launch(description);

	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "stream-frames"), 5);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	check_value(5, "\353\353\353\353\353");
	finish(pipeline);
	g_free(description);
}

/* --- audio --- */

#define STEREO "audio/x-raw,format=S8,layout=interleaved,rate=48000,channels=2"

TEST(audio_is_a_stream_from_its_first_buffer_on)
{
	struct bench bench = make_bench(STEREO);
	struct tachyon_stream_info info;

	check_no_stream();
	push(&bench, "12345678");
	info = stat_stream();
	check_array(&info.array, "int8 4 2");
	check_value(1, "12345678");
	push(&bench, "abcdefgh");
	check_value(2, "abcdefgh");

	drop_bench(&bench);
}

TEST(audio_of_another_length_is_skipped_and_told_once)
{
	struct bench bench = make_bench(STEREO);

	push(&bench, "12345678");
	push(&bench, "abcdef");
	push(&bench, "abcdefghij");
	check_value(1, "12345678");
	CHECK_EQ(take_message(&bench, GST_MESSAGE_WARNING), GST_RESOURCE_ERROR_WRITE);
	push(&bench, "ABCDEFGH");
	check_value(2, "ABCDEFGH");
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 2);
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 2);

	drop_bench(&bench);
}

TEST(audio_begins_with_the_first_buffer_of_whole_frames)
{
	struct bench bench = make_bench(STEREO);

	push(&bench, "123");
	CHECK_EQ(take_message(&bench, GST_MESSAGE_WARNING), GST_RESOURCE_ERROR_WRITE);
	push(&bench, "12345678");
	check_value(1, "12345678");
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 1);

	drop_bench(&bench);
}

/* --- what cannot be shown --- */

TEST(data_of_no_fixed_size_is_skipped_and_told_once)
{
	struct bench bench = make_bench("video/x-h264,stream-format=byte-stream,alignment=au");

	push(&bench, "12345678");
	push(&bench, "1234");
	CHECK_EQ(take_message(&bench, GST_MESSAGE_WARNING), GST_RESOURCE_ERROR_WRITE);
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 0);
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 2);
	check_no_stream();

	drop_bench(&bench);
}

TEST(a_picture_that_is_too_small_is_skipped)
{
	struct bench bench = make_bench(GRAY "width=3,height=2");

	push(&bench, "123.456.");
	push(&bench, "123.");
	CHECK_EQ(take_message(&bench, GST_MESSAGE_WARNING), GST_RESOURCE_ERROR_WRITE);
	check_value(1, "123456");
	push(&bench, "abc.def.");
	check_value(2, "abcdef");
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 1);

	drop_bench(&bench);
}

/* --- its life --- */

TEST(the_stream_is_there_with_the_caps_and_gone_with_the_stop)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");

	push(&bench, "1234");
	CHECK_EQ(gst_element_set_state(bench.sink, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
	check_no_stream();
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 1);

	drop_bench(&bench);
}

TEST(a_handle_outlives_the_stop)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");
	struct tachyon_stream *stream;
	char value[4];

	push(&bench, "1234");
	stream = open_stream();
	drop_bench(&bench);

	CHECK_EQ(info_of(stream).is_unlinked, 1);
	CHECK_EQ(tachyon_stream_read(stream, value, 4, NULL), 0);
	CHECK_MEM_EQ(value, "1234", 4);
	tachyon_stream_destroy(stream);
}

TEST(a_hundred_starts_and_stops_leave_nothing)
{
	gchar *description = g_strdup_printf("videotestsrc ! video/x-raw,width=64,height=64 ! "
					     "queue ! tachyonsink name=sink socket-path=socket "
					     "stream-name=%s",
					     name);
	GstElement *pipeline = launch(description);

	for (int i = 0; i < 100; i++) {
		set_state(pipeline, i % 2 ? GST_STATE_PLAYING : GST_STATE_PAUSED);
		set_state(pipeline, i % 3 ? GST_STATE_READY : GST_STATE_NULL);
		check_no_stream();
	}
	finish(pipeline);
	g_free(description);
}

static void set_caps(struct bench *bench, const char *caps)
{
	gst_harness_set_src_caps_str(bench->harness, caps);
}

TEST(other_caps_are_another_stream_of_that_name)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");
	struct tachyon_stream_info info;
	struct tachyon_stream *stream;

	push(&bench, "1234");
	stream = open_stream();
	set_caps(&bench, GRAY "width=4,height=2");
	push(&bench, "abcdefgh");

	info = stat_stream();
	check_array(&info.array, "uint8 2 4");
	CHECK(memcmp(info.id, info_of(stream).id, sizeof(info.id)) != 0);
	check_value(1, "abcdefgh");
	CHECK_EQ(info_of(stream).is_unlinked, 1);
	CHECK_EQ(tachyon_stream_count(stream), 1);

	tachyon_stream_destroy(stream);
	drop_bench(&bench);
	check_no_stream();
}

TEST(another_format_of_the_same_shape_is_another_stream)
{
	struct bench bench = make_bench("video/x-raw,format=RGB,framerate=30/1,width=4,height=1");
	struct tachyon_stream_info first, second;

	push(&bench, "rgbrgbrgbrgb");
	first = stat_stream();
	set_caps(&bench, "video/x-raw,format=BGR,framerate=30/1,width=4,height=1");
	push(&bench, "bgrbgrbgrbgr");
	second = stat_stream();
	CHECK(memcmp(first.id, second.id, sizeof(first.id)) != 0);

	drop_bench(&bench);
}

TEST(caps_that_mean_the_same_array_keep_the_stream)
{
	struct bench bench = make_bench("video/x-raw,format=GRAY8,framerate=30/1,width=4,height=1");
	struct tachyon_stream *stream;

	push(&bench, "1234");
	stream = open_stream();
	set_caps(&bench, "video/x-raw,format=GRAY8,framerate=25/1,width=4,height=1");
	push(&bench, "abcd");
	CHECK_EQ(tachyon_stream_count(stream), 2);

	tachyon_stream_destroy(stream);
	drop_bench(&bench);
}

TEST(after_encoded_data_audio_is_a_stream_again)
{
	struct bench bench = make_bench("image/jpeg");

	push(&bench, "jpeg");
	take_message(&bench, GST_MESSAGE_WARNING);
	set_caps(&bench, STEREO);
	push(&bench, "12345678");
	check_value(1, "12345678");

	drop_bench(&bench);
}

TEST(after_encoded_data_pictures_are_a_stream_again)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");

	push(&bench, "1234");
	set_caps(&bench, "image/jpeg");
	push(&bench, "jpeg");
	check_no_stream();
	take_message(&bench, GST_MESSAGE_WARNING);
	set_caps(&bench, GRAY "width=4,height=1");
	push(&bench, "abcd");
	check_value(1, "abcd");
	/* Once for each format. */
	push(&bench, "ab");
	take_message(&bench, GST_MESSAGE_WARNING);

	drop_bench(&bench);
}

/* --- others of that name --- */

TEST(a_stream_that_was_left_is_written_to_and_stays)
{
	struct tachyon_stream *left = create_stream(2, 3);
	struct bench bench = make_bench(GRAY "width=3,height=2");

	push(&bench, "123.456.");
	CHECK_EQ(tachyon_stream_count(left), 1);
	check_value(1, "123456");
	drop_bench(&bench);

	CHECK_EQ(info_of(left).is_unlinked, 0);
	tachyon_stream_destroy(left);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
}

TEST(a_stream_of_another_array_is_an_error_at_the_start)
{
	struct tachyon_stream *left = create_stream(3, 3);
	struct bench bench = make_bench(GRAY "width=3,height=2");

	CHECK_EQ(gst_harness_push(bench.harness, make_buffer("123.456.")), GST_FLOW_NOT_NEGOTIATED);
	CHECK_EQ(take_message(&bench, GST_MESSAGE_ERROR), GST_RESOURCE_ERROR_BUSY);
	/* The pad brings caps that were refused with each event and buffer again. */
	while (gst_bus_have_pending(bench.bus))
		gst_message_unref(gst_bus_pop(bench.bus));
	drop_bench(&bench);

	CHECK_EQ(tachyon_stream_count(left), 0);
	CHECK_EQ(info_of(left).is_unlinked, 0);
	tachyon_stream_destroy(left);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
}

TEST(audio_and_a_stream_of_another_array_are_an_error_at_the_first_buffer)
{
	struct tachyon_stream *left = create_stream(3, 3);
	struct bench bench = make_bench(STEREO);

	CHECK_EQ(gst_harness_push(bench.harness, make_buffer("12345678")), GST_FLOW_ERROR);
	CHECK_EQ(take_message(&bench, GST_MESSAGE_ERROR), GST_RESOURCE_ERROR_BUSY);
	drop_bench(&bench);

	tachyon_stream_destroy(left);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
}

TEST(what_fails_later_costs_the_stream_only)
{
	struct tachyon_stream *left = create_stream(2, 3);
	struct bench bench = make_bench(GRAY "width=3,height=2");

	push(&bench, "123.456.");
	/* The name stays with what was left. */
	set_caps(&bench, GRAY "width=4,height=1");
	push(&bench, "1234");
	push(&bench, "1234");
	CHECK_EQ(take_message(&bench, GST_MESSAGE_WARNING), GST_RESOURCE_ERROR_BUSY);
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 1);
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 2);
	check_value(1, "123456");
	tachyon_stream_destroy(left);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);

	/* Another format is another try. */
	set_caps(&bench, STEREO);
	push(&bench, "12345678");
	check_value(1, "12345678");

	drop_bench(&bench);
}

TEST(a_stop_leaves_the_stream_of_who_took_the_name)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");
	struct tachyon_stream *theirs;

	push(&bench, "1234");
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
	theirs = create_stream(1, 4);
	push(&bench, "5678");
	drop_bench(&bench);

	CHECK_EQ(tachyon_stream_count(theirs), 0);
	CHECK_EQ(info_of(theirs).is_unlinked, 0);
	tachyon_stream_destroy(theirs);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
}

static int crash_with_a_stream(void *unused)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");

	(void)unused;
	push(&bench, "1234");
	raise(SIGKILL);
	return 1;
}

TEST(what_a_killed_pipeline_left_is_taken_over)
{
	/* A process of its own before this one has threads. */
	const pid_t child = run_child(crash_with_a_stream, NULL);
	struct bench bench;

	CHECK_EQ(wait_child(child), -SIGKILL);
	check_value(1, "1234");
	bench = make_bench(GRAY "width=4,height=1");
	push(&bench, "5678");
	check_value(2, "5678");
	drop_bench(&bench);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
}

TEST(a_name_that_no_stream_can_have_fails_the_start)
{
	GstElement *pipeline = launch("videotestsrc ! tachyonsink name=sink socket-path=socket");
	GstMessage *message;
	char longer[300];
	GError *error;

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	g_object_set(sink_of(pipeline), "stream-name", longer, NULL);
	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
	message = await_message(pipeline, GST_MESSAGE_ERROR);
	gst_message_parse_error(message, &error, NULL);
	CHECK(error->domain == GST_RESOURCE_ERROR);
	CHECK_EQ(error->code, GST_RESOURCE_ERROR_SETTINGS);
	g_error_free(error);
	gst_message_unref(message);
	finish(pipeline);
}

/* --- nothing waits --- */

TEST(a_reader_with_the_lock_makes_it_skip)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");
	struct tachyon_stream *stream;

	push(&bench, "1234");
	stream = open_stream();
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	push(&bench, "5678");
	push(&bench, "5678");
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 2);
	check_value(1, "1234");
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	push(&bench, "abcd");
	check_value(2, "abcd");
	CHECK_EQ(stat_of(bench.sink, "stream-frames"), 2);

	tachyon_stream_destroy(stream);
	drop_bench(&bench);
}

static int die_with_the_lock(void *unused)
{
	(void)unused;
	CHECK_EQ(tachyon_stream_lock(open_stream(), 0), 0);
	raise(SIGKILL);
	return 1;
}

TEST(a_reader_that_is_killed_with_the_lock_costs_nothing)
{
	struct bench bench = make_bench(GRAY "width=4,height=1");

	push(&bench, "1234");
	CHECK_EQ(wait_child(run_child(die_with_the_lock, NULL)), -SIGKILL);
	push(&bench, "5678");
	check_value(2, "5678");
	CHECK_EQ(stat_of(bench.sink, "stream-skipped"), 0);

	drop_bench(&bench);
}

TEST(the_stream_does_not_wait_for_subscribers)
{
	gchar *description = g_strdup_printf(
		"videotestsrc ! video/x-raw,format=GRAY8,width=4,height=4 ! tachyonsink "
		"name=sink socket-path=socket wait-for-connection=true stream-name=%s",
		name);
	GstElement *pipeline = launch(description);
	struct tachyon_stream *stream;

	reach_state(pipeline, GST_STATE_PAUSED);
	stream = open_stream();
	CHECK_EQ(tachyon_stream_count(stream), 0);
	set_state(pipeline, GST_STATE_PLAYING);
	CHECK_EQ(tachyon_stream_wait(stream, 1, 10 * SECOND_NS), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "frames"), 0);

	tachyon_stream_destroy(stream);
	finish(pipeline);
	g_free(description);
}

TEST(a_reader_is_woken_by_each_picture)
{
	gchar *description = g_strdup_printf(
		"videotestsrc is-live=true num-buffers=10 ! video/x-raw,format=GRAY8,width=4,"
		"height=4,framerate=100/1 ! tachyonsink name=sink socket-path=socket "
		"stream-name=%s",
		name);
	GstElement *pipeline = launch(description);
	struct tachyon_stream *stream;

	set_state(pipeline, GST_STATE_PLAYING);
	while (tachyon_stream_open(name, NULL, &stream) == -ENOENT)
		g_usleep(1000);
	CHECK_EQ(tachyon_stream_wait(stream, 10, 10 * SECOND_NS), 0);
	await_eos(pipeline);
	CHECK_EQ(tachyon_stream_count(stream), 10);

	tachyon_stream_destroy(stream);
	finish(pipeline);
	g_free(description);
}
