/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonsink.c and gsttachyonsender.c: what is sent, and what it costs. */
#include "sink-fixture.h"

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <inttypes.h>
#include <stdio.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* Whether memory belongs to a memfd that this process maps. */
static gboolean is_in_memfd(const void *data, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const uintptr_t first = (uintptr_t)data;
	gboolean found = FALSE;
	char line[512];

	while (!found && fgets(line, sizeof(line), maps)) {
		uintptr_t start, end;

		CHECK_EQ(sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end), 2);
		found = first >= start && first + size <= end && strstr(line, "/memfd:") != NULL;
	}
	fclose(maps);
	return found;
}

/* --- nothing is copied --- */

#define TO_SINK " ! tachyonsink name=sink socket-path=socket sync=false wait-for-connection=true"

/* Runs to the end with one subscriber; the frames it got. */
static int run(GstElement *pipeline)
{
	struct tachyon_subscriber *subscriber;
	int frames = 0;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("socket");
	for (;;) {
		struct tachyon_item item = next_item(subscriber);

		if (item.type == TACHYON_ITEM_EOS)
			break;
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		if (frames % 50 == 0)
			CHECK(is_in_memfd(item.frame.data, item.frame.size));
		tachyon_frame_release(&item.frame);
		frames++;
	}
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "frames"), frames);
	tachyon_subscriber_destroy(subscriber);
	return frames;
}

TEST(videotestsrc_is_not_copied)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=300 ! "
				      "video/x-raw,format=NV12,width=640,height=360" TO_SINK);

	CHECK_EQ(run(pipeline), 300);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	finish(pipeline);
}

TEST(audiotestsrc_is_not_copied_and_its_blocks_are_used_again)
{
	GstElement *pipeline = launch("audiotestsrc num-buffers=5000 samplesperbuffer=480 ! "
				      "audio/x-raw,format=S16LE,channels=2" TO_SINK);

	CHECK_EQ(run(pipeline), 5000);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	/* As many as a subscriber may have at a time, and a segment of 64. */
	CHECK(stat_of(sink_of(pipeline), "blocks") <= 512 + 64);
	finish(pipeline);
}

TEST(videoconvert_and_videoscale_are_not_copied)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=50 ! video/x-raw,format=RGBA ! "
				      "videoconvert ! videoscale ! "
				      "video/x-raw,format=I420,width=322,height=242" TO_SINK);

	CHECK_EQ(run(pipeline), 50);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	finish(pipeline);
}

static void check_decoder(const char *size)
{
	gchar *description = g_strdup_printf("videotestsrc num-buffers=120 pattern=ball ! "
					     "video/x-raw,format=I420,%s,framerate=30/1 ! "
					     "x264enc bframes=3 b-adapt=false ref=4 "
					     "speed-preset=ultrafast key-int-max=60 ! "
					     "avdec_h264" TO_SINK,
					     size);
	GstElement *pipeline;

	if (!gst_registry_check_feature_version(gst_registry_get(), "avdec_h264", 1, 0, 0) ||
	    !gst_registry_check_feature_version(gst_registry_get(), "x264enc", 1, 0, 0))
		SKIP("no x264enc or avdec_h264");
	pipeline = launch(description);
	CHECK_EQ(run(pipeline), 120);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	g_free(description);
	finish(pipeline);
}

TEST(avdec_h264_with_b_frames_is_not_copied)
{
	check_decoder("width=640,height=368");
}

TEST(avdec_h264_is_not_copied_at_an_odd_size)
{
	check_decoder("width=322,height=242");
}

/* --- one copy --- */

TEST(a_tee_costs_one_copy)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=20 ! tee" TO_SINK);

	CHECK_EQ(run(pipeline), 20);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 20);
	finish(pipeline);
}

TEST(without_subscribers_nothing_is_copied)
{
	GstElement *pipeline = launch("videotestsrc num-buffers=20 ! tee ! tachyonsink name=sink "
				      "socket-path=socket sync=false");

	set_state(pipeline, GST_STATE_PLAYING);
	await_eos(pipeline);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "frames"), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "rendered"), 20);
	finish(pipeline);
}

/* --- buffers pushed by hand --- */

struct bench {
	GstHarness *harness;
	GstElement *sink;
	struct tachyon_subscriber *subscriber;
};

static struct bench make_bench(const char *caps, const char *properties)
{
	struct bench bench;
	gchar *description = g_strdup_printf(
		"tachyonsink name=sink socket-path=socket sync=false %s", properties);

	bench.harness = gst_harness_new_parse(description);
	bench.sink = gst_harness_find_element(bench.harness, "tachyonsink");
	gst_harness_set_src_caps_str(bench.harness, caps);
	gst_harness_play(bench.harness);
	bench.subscriber = join("socket");
	await_stat(bench.sink, "subscribers", 1);
	g_free(description);
	return bench;
}

static void drop_bench(struct bench *bench)
{
	tachyon_subscriber_destroy(bench->subscriber);
	gst_object_unref(bench->sink);
	gst_harness_teardown(bench->harness);
}

static GstBuffer *make_block(struct bench *bench, size_t size)
{
	GstQuery *query = gst_query_new_allocation(NULL, FALSE);
	GstAllocator *allocator;
	GstBuffer *buffer;

	CHECK(gst_pad_peer_query(bench->harness->srcpad, query));
	gst_query_parse_nth_allocation_param(query, 0, &allocator, NULL);
	buffer = gst_buffer_new_allocate(allocator, size, NULL);
	gst_object_unref(allocator);
	gst_query_unref(query);
	return buffer;
}

static void push(struct bench *bench, GstBuffer *buffer)
{
	CHECK_EQ(gst_harness_push(bench->harness, buffer), GST_FLOW_OK);
}

static GstBuffer *make_buffer(const char *text)
{
	return gst_buffer_new_memdup(text, strlen(text));
}

#define UNHEARD "application/x-never-heard-of"

static GstMemory *make_memory(size_t size, uint8_t value)
{
	uint8_t *data = g_malloc(size);

	memset(data, value, size);
	return gst_memory_new_wrapped(0, data, size, 0, size, data, g_free);
}

TEST(a_buffer_of_several_memories_costs_one_copy)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstBuffer *buffer = gst_buffer_new();
	struct tachyon_frame frame;
	const uint8_t *data;

	for (int i = 0; i < 5; i++)
		gst_buffer_append_memory(buffer, make_memory(10000, (uint8_t)i));
	push(&bench, buffer);

	frame = next_frame(bench.subscriber);
	data = frame.data;
	CHECK_EQ(frame.size, 50000);
	for (int i = 0; i < 50000; i++)
		CHECK_EQ(data[i], i / 10000);
	tachyon_frame_release(&frame);
	CHECK_EQ(stat_of(bench.sink, "copied"), 1);

	drop_bench(&bench);
}

TEST(small_and_empty_buffers_cross)
{
	struct bench bench = make_bench(UNHEARD, "");
	struct tachyon_frame frame;

	push(&bench, make_buffer("small"));
	push(&bench, gst_buffer_new());
	push(&bench, gst_buffer_new_allocate(NULL, 0, NULL));

	frame = next_frame(bench.subscriber);
	CHECK_EQ(frame.size, 5);
	CHECK_MEM_EQ(frame.data, "small", 5);
	tachyon_frame_release(&frame);
	for (int i = 0; i < 2; i++) {
		frame = next_frame(bench.subscriber);
		CHECK_EQ(frame.size, 0);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(stat_of(bench.sink, "copied"), 1);

	drop_bench(&bench);
}

TEST(times_offsets_and_flags_cross)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstBuffer *buffer = make_buffer("x");
	struct tachyon_frame frame;

	GST_BUFFER_PTS(buffer) = 1;
	GST_BUFFER_DTS(buffer) = 2;
	GST_BUFFER_DURATION(buffer) = 3;
	GST_BUFFER_OFFSET(buffer) = 4;
	GST_BUFFER_OFFSET_END(buffer) = 5;
	GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_MARKER);
	push(&bench, buffer);

	frame = next_frame(bench.subscriber);
	CHECK_EQ(frame.pts, 1);
	CHECK_EQ(frame.dts, 2);
	CHECK_EQ(frame.duration, 3);
	CHECK_EQ(frame.offset, 4);
	CHECK_EQ(frame.offset_end, 5);
	CHECK_EQ(frame.flags & (TACHYON_FRAME_DELTA_UNIT | TACHYON_FRAME_MARKER),
		 TACHYON_FRAME_DELTA_UNIT | TACHYON_FRAME_MARKER);
	tachyon_frame_release(&frame);

	drop_bench(&bench);
}

TEST(a_buffer_list_arrives_in_order)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstBufferList *list = gst_buffer_list_new();
	char text[] = "0";

	for (; text[0] <= '9'; text[0]++)
		gst_buffer_list_add(list, make_buffer(text));
	CHECK_EQ(gst_pad_push_list(bench.harness->srcpad, list), GST_FLOW_OK);

	for (text[0] = '0'; text[0] <= '9'; text[0]++) {
		struct tachyon_frame frame = next_frame(bench.subscriber);

		CHECK_MEM_EQ(frame.data, text, 1);
		tachyon_frame_release(&frame);
	}

	drop_bench(&bench);
}

TEST(a_block_may_be_sent_in_parts_and_again)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstBuffer *whole = make_block(&bench, 10000);
	GstBuffer *part;

	gst_buffer_memset(whole, 0, 1, 5000);
	gst_buffer_memset(whole, 5000, 2, 5000);
	part = gst_buffer_copy_region(whole, GST_BUFFER_COPY_MEMORY, 5000, 1000);

	push(&bench, gst_buffer_ref(whole));
	push(&bench, part);
	push(&bench, whole);
	for (int i = 0; i < 3; i++) {
		struct tachyon_frame frame = next_frame(bench.subscriber);

		CHECK_EQ(frame.size, i == 1 ? 1000 : 10000);
		CHECK_EQ(*(uint8_t *)frame.data, i == 1 ? 2 : 1);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(stat_of(bench.sink, "copied"), 0);

	drop_bench(&bench);
}

TEST(a_buffer_is_held_until_the_subscriber_returns_it)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstBuffer *buffer = make_block(&bench, 10000);
	struct tachyon_frame frame;

	push(&bench, gst_buffer_ref(buffer));
	frame = next_frame(bench.subscriber);
	CHECK(!gst_buffer_is_writable(buffer));
	tachyon_frame_release(&frame);
	/* The next one takes it back. */
	push(&bench, make_buffer("x"));
	CHECK(gst_buffer_is_writable(buffer));
	gst_buffer_unref(buffer);

	drop_bench(&bench);
}

static void push_refused(struct bench *bench, GstBuffer *buffer, GQuark domain, gint code)
{
	GstBus *bus = gst_bus_new();
	GstMessage *message;
	GError *error;

	gst_element_set_bus(bench->sink, bus);
	CHECK_EQ(gst_harness_push(bench->harness, buffer), GST_FLOW_ERROR);
	message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
	CHECK(message != NULL);
	gst_message_parse_error(message, &error, NULL);
	CHECK_EQ(error->domain, domain);
	CHECK_EQ(error->code, code);
	g_error_free(error);
	gst_message_unref(message);
	gst_element_set_bus(bench->sink, NULL);
	gst_object_unref(bus);
}

TEST(copying_can_be_forbidden)
{
	struct bench bench = make_bench(UNHEARD, "min-memory-size=-1");

	push(&bench, gst_buffer_new());
	push_refused(&bench, make_buffer("x"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);

	drop_bench(&bench);
}

TEST(a_least_size_of_copies_makes_sizes_share_blocks)
{
	struct bench bench = make_bench(UNHEARD, "min-memory-size=100000");
	GstBuffer *buffer = gst_buffer_new();
	struct tachyon_frame frame;

	gst_buffer_append_memory(buffer, make_memory(300, 7));
	push(&bench, buffer);
	frame = next_frame(bench.subscriber);
	CHECK_EQ(frame.size, 300);
	tachyon_frame_release(&frame);
	CHECK(stat_of(bench.sink, "payload-bytes") >= 100000 * stat_of(bench.sink, "blocks"));
	CHECK_EQ(stat_of(bench.sink, "copied"), 1);

	drop_bench(&bench);
}

TEST(a_buffer_larger_than_the_limit_is_an_error_that_says_so)
{
	struct bench bench = make_bench(UNHEARD, "");
	void *data = g_try_malloc((size_t)1100 << 20);

	if (!data)
		SKIP("no memory");
	push_refused(&bench,
		     gst_buffer_new_wrapped_full(0, data, (size_t)1100 << 20, 0, (size_t)1100 << 20,
						 data, g_free),
		     GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
	/* And the next is sent. */
	push(&bench, make_buffer("x"));

	drop_bench(&bench);
}

/* --- state --- */

static struct tachyon_item next_of(struct tachyon_subscriber *subscriber,
				   enum tachyon_item_type type)
{
	struct tachyon_item item;

	do {
		item = next_item(subscriber);
		if (item.type == TACHYON_ITEM_FRAME)
			tachyon_frame_release(&item.frame);
	} while (item.type != type);
	return item;
}

TEST(a_late_subscriber_gets_state_in_order_and_then_the_next_frame)
{
	struct bench bench = make_bench("audio/x-raw,format=S16LE,rate=48000,channels=2,"
					"layout=interleaved",
					"");
	uint32_t seen[8];
	size_t count = 0;
	struct tachyon_subscriber *late;
	struct tachyon_item item;

	push(&bench, make_buffer("1234"));
	late = join("socket");
	await_stat(bench.sink, "subscribers", 2);
	push(&bench, make_buffer("5678"));
	while ((item = next_item(late)).type != TACHYON_ITEM_FRAME) {
		CHECK(count < 8);
		seen[count++] = item.type == TACHYON_ITEM_EVENT ? item.event.order : item.type;
	}
	CHECK_MEM_EQ(item.frame.data, "5678", 4);
	tachyon_frame_release(&item.frame);

	/* A harness has a clock of its own, and all times: clock, stream-start, the place of the
	 * last flush, caps, segment. */
	CHECK_EQ(count, 5);
	CHECK_EQ(seen[0], TACHYON_ITEM_CLOCK);
	CHECK_EQ(seen[1], TACHYON_ORDER_STREAM_START);
	CHECK_EQ(seen[2], 45);
	CHECK_EQ(seen[3], TACHYON_ITEM_CAPS);
	CHECK_EQ(seen[4], TACHYON_ORDER_SEGMENT);

	tachyon_subscriber_destroy(late);
	drop_bench(&bench);
}

#define VIDEO "video/x-raw,format=I420,width=64,height=48,framerate=30/1"

static GstBuffer *make_picture(const GstVideoInfo *info)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, info->size, NULL);

	gst_buffer_memset(buffer, 0, 0, info->size);
	return buffer;
}

TEST(the_layout_of_planes_is_told_once_and_when_it_changes)
{
	struct bench bench = make_bench(VIDEO, "");
	struct tachyon_item item;
	GstVideoInfo info;
	GstBuffer *buffer;
	gsize offset[4] = {0, 100 * 48, 100 * 48 + 50 * 24};
	gint stride[4] = {100, 50, 50};

	gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, 64, 48);
	push(&bench, make_picture(&info));
	item = next_of(bench.subscriber, TACHYON_ITEM_LAYOUT);
	CHECK_EQ(item.layout.plane_count, 3);
	CHECK_EQ(item.layout.stride[0], 64);
	CHECK_EQ(item.layout.offset[1], 64 * 48);
	item = next_item(bench.subscriber);
	CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
	tachyon_frame_release(&item.frame);

	for (int i = 0; i < 2; i++) {
		buffer = gst_buffer_new_allocate(NULL, 100 * 48 * 3 / 2, NULL);
		gst_buffer_memset(buffer, 0, 0, 100 * 48 * 3 / 2);
		gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_FORMAT_I420, 64, 48, 3, offset,
					       stride);
		push(&bench, buffer);
	}
	push(&bench, make_picture(&info));

	item = next_item(bench.subscriber);
	CHECK_EQ(item.type, TACHYON_ITEM_LAYOUT);
	CHECK_EQ(item.layout.stride[0], 100);
	for (int i = 0; i < 2; i++) {
		item = next_item(bench.subscriber);
		CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
		CHECK_EQ(item.frame.metadata_size, 0);
		tachyon_frame_release(&item.frame);
	}
	item = next_item(bench.subscriber);
	CHECK_EQ(item.type, TACHYON_ITEM_LAYOUT);
	CHECK_EQ(item.layout.stride[0], 64);
	item = next_item(bench.subscriber);
	CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
	tachyon_frame_release(&item.frame);

	drop_bench(&bench);
}

TEST(caps_change_and_change_back)
{
	static const char *const formats[] = {
		"application/x-a,n=(int)1",
		"application/x-b,s=(string)\"two words\"",
		"application/x-a,n=(int)1",
	};
	struct bench bench = make_bench(formats[0], "");

	for (int i = 0; i < 3; i++) {
		GstCaps *caps = gst_caps_from_string(formats[i]);
		GstCaps *received;
		struct tachyon_item item;

		if (i > 0)
			CHECK(gst_harness_push_event(bench.harness, gst_event_new_caps(caps)));
		push(&bench, make_buffer("x"));
		item = next_of(bench.subscriber, TACHYON_ITEM_CAPS);
		received = gst_caps_from_string(item.caps);
		CHECK(gst_caps_is_equal(caps, received));
		gst_caps_unref(received);
		gst_caps_unref(caps);
	}

	drop_bench(&bench);
}

TEST(caps_that_are_too_long_are_refused_with_an_error)
{
	struct bench bench = make_bench(UNHEARD, "");
	gchar *text = g_strnfill(2 << 20, 'x');
	GstCaps *caps = gst_caps_new_simple(UNHEARD, "long", G_TYPE_STRING, text, NULL);
	GstBus *bus = gst_bus_new();
	GstMessage *message;

	gst_element_set_bus(bench.sink, bus);
	gst_harness_push_event(bench.harness, gst_event_new_caps(caps));
	message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
	CHECK(message != NULL);
	gst_message_unref(message);
	gst_element_set_bus(bench.sink, NULL);
	gst_object_unref(bus);
	gst_caps_unref(caps);
	g_free(text);

	drop_bench(&bench);
}

TEST(a_new_stream_forgets_the_tags_of_the_old_one)
{
	struct bench bench = make_bench(UNHEARD, "");
	struct tachyon_subscriber *late;
	struct tachyon_item item;
	bool has_start = false;

	gst_harness_push_event(bench.harness, gst_event_new_tag(gst_tag_list_new(
						      GST_TAG_TITLE, "old", (void *)NULL)));
	push(&bench, make_buffer("x"));
	gst_harness_push_event(bench.harness, gst_event_new_stream_start("new"));
	late = join("socket");
	await_stat(bench.sink, "subscribers", 2);
	push(&bench, make_buffer("y"));
	while ((item = next_item(late)).type != TACHYON_ITEM_FRAME) {
		if (item.type != TACHYON_ITEM_EVENT)
			continue;
		CHECK(item.event.type != GST_EVENT_TAG);
		has_start = has_start || item.event.type == GST_EVENT_STREAM_START;
	}
	CHECK(has_start);
	tachyon_frame_release(&item.frame);

	tachyon_subscriber_destroy(late);
	drop_bench(&bench);
}

TEST(the_end_comes_after_the_last_buffer)
{
	struct bench bench = make_bench(UNHEARD, "");
	GstSegment segment;

	for (int i = 0; i < 10; i++)
		push(&bench, make_buffer("x"));
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_eos()));
	CHECK_EQ(count_frames(bench.subscriber), 10);

	/* After a flush the stream goes on, and is no longer at its end for who joins then. */
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_flush_start()));
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_flush_stop(TRUE)));
	gst_segment_init(&segment, GST_FORMAT_TIME);
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_segment(&segment)));
	push(&bench, make_buffer("y"));
	tachyon_subscriber_destroy(bench.subscriber);
	bench.subscriber = join("socket");
	await_stat(bench.sink, "subscribers", 1);
	push(&bench, make_buffer("z"));
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_eos()));
	CHECK_EQ(count_frames(bench.subscriber), 1);

	drop_bench(&bench);
}

TEST(a_gap_travels_in_its_place)
{
	struct bench bench = make_bench(UNHEARD, "");
	struct tachyon_frame frame;
	struct tachyon_item item;

	push(&bench, make_buffer("x"));
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_gap(5, 7)));
	push(&bench, make_buffer("y"));

	frame = next_frame(bench.subscriber);
	tachyon_frame_release(&frame);
	item = next_item(bench.subscriber);
	CHECK_EQ(item.type, TACHYON_ITEM_EVENT);
	CHECK_EQ(item.event.type, GST_EVENT_GAP);
	frame = next_frame(bench.subscriber);
	tachyon_frame_release(&frame);

	drop_bench(&bench);
}

/* --- what a subscriber misses --- */

TEST(a_leaky_sink_drops_for_a_slow_subscriber_and_counts)
{
	struct bench bench = make_bench(UNHEARD, "leaky-type=upstream max-buffers=3");
	guint64 level;

	for (int i = 0; i < 10; i++)
		push(&bench, make_buffer("x"));
	CHECK_EQ(stat_of(bench.sink, "dropped"), 7);
	g_object_get(bench.sink, "current-level-buffers", &level, NULL);
	CHECK_EQ(level, 3);
	CHECK(gst_harness_push_event(bench.harness, gst_event_new_eos()));
	CHECK_EQ(count_frames(bench.subscriber), 3);

	drop_bench(&bench);
}

static guint64 client_stat(GstElement *sink, guint index, const char *field)
{
	GstStructure *stats;
	const GValue *list;
	guint64 value = G_MAXUINT64;

	g_object_get(sink, "stats", &stats, NULL);
	list = gst_structure_get_value(stats, "clients");
	CHECK(GST_VALUE_HOLDS_LIST(list));
	if (index < gst_value_list_get_size(list)) {
		const GValue *const client = gst_value_list_get_value(list, index);

		CHECK(gst_structure_get_uint64(gst_value_get_structure(client), field, &value));
	}
	gst_structure_free(stats);
	return value;
}

TEST(stats_tell_which_client_missed_how_many)
{
	struct bench bench = make_bench(UNHEARD, "leaky-type=upstream max-buffers=3");

	CHECK_EQ(client_stat(bench.sink, 1, "id"), G_MAXUINT64);
	for (int i = 0; i < 10; i++)
		push(&bench, make_buffer("x"));
	CHECK_EQ(client_stat(bench.sink, 0, "dropped"), 7);
	CHECK_EQ(client_stat(bench.sink, 0, "queued"), 3);
	CHECK(client_stat(bench.sink, 0, "id") > 0);

	drop_bench(&bench);
}

TEST(the_policy_may_change_while_playing)
{
	struct bench bench = make_bench(UNHEARD, "leaky-type=upstream max-buffers=3");

	for (int i = 0; i < 10; i++)
		push(&bench, make_buffer("x"));
	g_object_set(bench.sink, "max-buffers", 8, NULL);
	for (int i = 0; i < 10; i++)
		push(&bench, make_buffer("x"));
	CHECK_EQ(stat_of(bench.sink, "dropped"), 12);

	drop_bench(&bench);
}
