/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of the source, its receiver and memory: what arrives, where it lies, when it is due. */
#include "gsttachyonmemory.h"
#include "gsttachyontime.h"
#include "src-fixture.h"

#include <gst/video/video.h>
#include <stdio.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* A producer that met its first subscriber, and said what the stream is. */
struct pair {
	struct producer *producer;
	struct consumer *consumer;
};

static struct pair start_pair(const char *properties)
{
	struct pair pair = {.producer = start_producer("p")};

	pair.consumer = start_consumer("p", properties);
	await_subscriber(pair.producer);
	send_prologue(pair.producer);
	return pair;
}

static void finish_pair(struct pair *pair)
{
	finish_consumer(pair->consumer);
	stop_producer(pair->producer);
}

static gint64 running_time_of(const GstSegment *segment, guint64 position)
{
	guint64 time;
	const gint sign =
		gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, position, &time);

	return sign * (gint64)time;
}

/* --- what arrives --- */

TEST(state_and_frames_arrive_in_the_producers_order)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	const gchar *id;
	GstTagList *tags;
	GstEvent *event;
	GstCaps *caps;

	await_subscriber(producer);
	send_prologue(producer);
	send_gst_event(producer, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "t", NULL)));
	send_frame(producer, 7, 300, 1);
	send_gst_event(producer, gst_event_new_gap(8, 1));
	send_frame(producer, 9, 300, 2);

	/* The base class's own comes first. */
	gst_event_unref(await_event(consumer, GST_EVENT_STREAM_START));
	event = await_event(consumer, GST_EVENT_STREAM_START);
	gst_event_parse_stream_start(event, &id);
	CHECK_STR_EQ(id, "the-stream");
	gst_event_unref(event);
	event = await_event(consumer, GST_EVENT_CAPS);
	gst_event_parse_caps(event, &caps);
	CHECK(gst_structure_has_name(gst_caps_get_structure(caps, 0), "application/x-test"));
	gst_event_unref(event);
	event = await_event(consumer, GST_EVENT_TAG);
	gst_event_parse_tag(event, &tags);
	CHECK_EQ(gst_tag_list_n_tags(tags), 1);
	gst_event_unref(event);
	gst_event_unref(await_event(consumer, GST_EVENT_SEGMENT));
	gst_buffer_unref(await_buffer(consumer));
	gst_event_unref(await_event(consumer, GST_EVENT_GAP));
	gst_buffer_unref(await_buffer(consumer));
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_late_source_gets_the_state_and_the_next_frame)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer;
	GstBuffer *buffer;

	send_prologue(producer);
	send_frame(producer, 1, 300, 1);
	consumer = start_consumer("p", "");
	await_subscriber(producer);
	send_frame(producer, 2, 300, 2);
	gst_event_unref(await_event(consumer, GST_EVENT_CAPS));
	gst_event_unref(await_event(consumer, GST_EVENT_SEGMENT));
	buffer = await_buffer(consumer);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 2);
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	gst_buffer_unref(buffer);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(caps_change_there_and_back)
{
	struct pair pair = start_pair("");

	for (int i = 0; i < 4; i++) {
		gchar *text = g_strdup_printf("application/x-test, n=(int)%d", 2 + i % 2);
		GstEvent *event;
		GstCaps *caps;
		gint n;

		send_caps(pair.producer, text);
		send_frame(pair.producer, i, 300, i);
		do {
			event = await_event(pair.consumer, GST_EVENT_CAPS);
			gst_event_parse_caps(event, &caps);
			gst_structure_get_int(gst_caps_get_structure(caps, 0), "n", &n);
			gst_event_unref(event);
		} while (n == 1);
		CHECK_EQ(n, 2 + i % 2);
		gst_buffer_unref(await_buffer(pair.consumer));
		g_free(text);
	}
	finish_pair(&pair);
}

TEST(an_empty_frame_arrives_empty)
{
	struct pair pair = start_pair("");
	const struct tachyon_frame frame = {.pts = 3, .dts = 2, .duration = 1, .flags = 1 << 11};
	GstBuffer *buffer;

	CHECK_EQ(tachyon_publisher_send(pair.producer->publisher, &frame), 1);
	buffer = await_buffer(pair.consumer);
	CHECK_EQ(gst_buffer_n_memory(buffer), 0);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 3);
	CHECK_EQ(GST_BUFFER_DTS(buffer), 2);
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP));
	gst_buffer_unref(buffer);
	finish_pair(&pair);
}

TEST(a_gap_before_the_first_buffer_has_its_segment)
{
	struct pair pair = start_pair("");

	send_gst_event(pair.producer, gst_event_new_gap(8, 1));
	gst_event_unref(await_event(pair.consumer, GST_EVENT_SEGMENT));
	gst_event_unref(await_event(pair.consumer, GST_EVENT_GAP));
	finish_pair(&pair);
}

TEST(a_stream_in_bytes_keeps_its_segment)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	const GstSegment *received;
	GstSegment segment;
	GstEvent *event;

	await_subscriber(producer);
	gst_segment_init(&segment, GST_FORMAT_BYTES);
	send_gst_event(producer, gst_event_new_segment(&segment));
	send_frame(producer, GST_CLOCK_TIME_NONE, 300, 1);
	event = await_event(consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &received);
	CHECK_EQ(received->format, GST_FORMAT_BYTES);
	gst_event_unref(event);
	for (int i = 0; i < 3; i++) {
		GstBuffer *buffer = await_buffer(consumer);

		CHECK_EQ(GST_BUFFER_PTS(buffer), GST_CLOCK_TIME_NONE);
		gst_buffer_unref(buffer);
		send_frame(producer, GST_CLOCK_TIME_NONE, 300, 1);
	}
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(frames_without_any_state_arrive)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");

	await_subscriber(producer);
	send_frame(producer, 5, 300, 1);
	gst_event_unref(await_event(consumer, GST_EVENT_SEGMENT));
	gst_buffer_unref(await_buffer(consumer));
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_segment_to_be_played_once_still_ends_with_eos)
{
	struct pair pair = start_pair("");
	GstSegment segment;
	GstMessage *message;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.flags = GST_SEGMENT_FLAG_SEGMENT;
	segment.stop = 10;
	send_gst_event(pair.producer, gst_event_new_segment(&segment));
	send_frame(pair.producer, 5, 300, 1);
	send_frame(pair.producer, 10, 300, 1); /* reaching stop is no end */
	send_frame(pair.producer, 11, 300, 1);
	CHECK_EQ(tachyon_publisher_send_eos(pair.producer->publisher), 0);
	for (int i = 0; i < 3; i++)
		gst_buffer_unref(await_buffer(pair.consumer));
	message = await_message(pair.consumer, GST_MESSAGE_EOS | GST_MESSAGE_SEGMENT_DONE);
	CHECK_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
	gst_message_unref(message);
	finish_pair(&pair);
}

TEST(events_that_make_no_sense_are_counted_and_harmless)
{
	struct pair pair = start_pair("");
	const struct tachyon_event nonsense[] = {
		{.type = 0x12345},
		{.type = GST_EVENT_SEGMENT, .data = "x", .size = 1},
		{.type = GST_EVENT_EOS},
		{.type = GST_EVENT_QOS, .data = "12345678901234567890123456789012", .size = 32},
		{.type = GST_EVENT_RECONFIGURE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(nonsense); i++)
		CHECK_EQ(tachyon_publisher_send_event(pair.producer->publisher, &nonsense[i]), 0);
	send_frame(pair.producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(pair.consumer));
	CHECK_EQ(figure(pair.consumer, "not-carried"), G_N_ELEMENTS(nonsense));
	finish_pair(&pair);
}

/* --- timestamps that are not there --- */

TEST(absent_timestamps_stay_absent_from_the_first_buffer_on)
{
	struct pair pair = start_pair("");

	for (int i = 0; i < 3; i++) {
		struct tachyon_frame frame;
		GstBuffer *buffer;

		CHECK_EQ(tachyon_publisher_acquire(pair.producer->publisher, 300, &frame), 0);
		frame.dts = i == 1 ? 40 : TACHYON_TIME_NONE;
		CHECK_EQ(tachyon_publisher_commit(pair.producer->publisher, &frame), 1);
		buffer = await_buffer(pair.consumer);
		CHECK_EQ(GST_BUFFER_PTS(buffer), GST_CLOCK_TIME_NONE);
		CHECK_EQ(GST_BUFFER_DTS(buffer), i == 1 ? 40 : GST_CLOCK_TIME_NONE);
		gst_buffer_unref(buffer);
	}
	finish_pair(&pair);
}

TEST(absent_timestamps_are_made_if_asked)
{
	struct pair pair = start_pair("do-timestamp=true");
	GstBuffer *buffer;

	send_frame(pair.producer, GST_CLOCK_TIME_NONE, 300, 1);
	buffer = await_buffer(pair.consumer);
	CHECK(GST_BUFFER_PTS_IS_VALID(buffer));
	gst_buffer_unref(buffer);
	finish_pair(&pair);
}

/* --- where it lies --- */

static gboolean is_in_shared_memory(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	gboolean found = FALSE;
	char line[512];

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		char perms[5];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 &&
		    (guintptr)address >= start && (guintptr)address < end)
			found = perms[0] == 'r' && perms[1] == '-' && strstr(line, "memfd:");
	}
	fclose(maps);
	return found;
}

TEST(a_buffer_is_the_producers_own_memory_read_only)
{
	struct pair pair = start_pair("");
	GstBuffer *buffer;
	GstMemory *memory;
	GstMapInfo map;

	send_frame(pair.producer, 0, 5000, 42);
	buffer = await_buffer(pair.consumer);
	CHECK_EQ(gst_buffer_n_memory(buffer), 1);
	memory = gst_buffer_peek_memory(buffer, 0);
	CHECK(gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE));
	CHECK(GST_MEMORY_IS_READONLY(memory));
	CHECK(gst_tachyon_memory_is_valid(memory));
	CHECK(!gst_memory_map(memory, &map, GST_MAP_WRITE));
	CHECK(gst_memory_map(memory, &map, GST_MAP_READ));
	CHECK_EQ(map.size, 5000);
	CHECK_EQ(map.data[4999], 42);
	CHECK(is_in_shared_memory(map.data));
	gst_memory_unmap(memory, &map);
	gst_buffer_unref(buffer);
	CHECK_EQ(figure(pair.consumer, "copied"), 0);
	finish_pair(&pair);
}

TEST(who_writes_to_a_buffer_gets_a_copy)
{
	struct pair pair = start_pair("");
	GstBuffer *first, *second;
	GstMapInfo map;

	send_frame(pair.producer, 0, 5000, 42);
	first = await_buffer(pair.consumer);
	second = gst_buffer_copy(first);
	CHECK(gst_buffer_map(second, &map, GST_MAP_WRITE));
	memset(map.data, 0, map.size);
	gst_buffer_unmap(second, &map);
	gst_buffer_unref(second);
	CHECK(gst_buffer_map(first, &map, GST_MAP_READ));
	CHECK_EQ(map.data[0], 42);
	gst_buffer_unmap(first, &map);
	gst_buffer_unref(first);
	finish_pair(&pair);
}

/* The sink lets go of what it was given a moment later than we see it. */
static gboolean holds_none(void *consumer)
{
	return figure(consumer, "held") == 0;
}

static void send_counting_frame(struct producer *producer)
{
	struct tachyon_frame frame;

	CHECK_EQ(tachyon_publisher_acquire(producer->publisher, 250, &frame), 0);
	for (int i = 0; i < 250; i++)
		((guint8 *)frame.data)[i] = i;
	CHECK(tachyon_publisher_commit(producer->publisher, &frame) > 0);
}

static void check_memory_counts(GstMemory *memory, guint8 first, gsize size)
{
	GstMapInfo map;

	CHECK(gst_memory_map(memory, &map, GST_MAP_READ));
	CHECK_EQ(map.size, size);
	for (gsize i = 0; i < size; i++)
		CHECK_EQ(map.data[i], first + i);
	gst_memory_unmap(memory, &map);
	gst_memory_unref(memory);
}

TEST(parts_of_a_buffer_share_it_and_join_again)
{
	struct pair pair = start_pair("");
	GstBuffer *whole, *head, *tail, *joined;
	GstMemory *root, *memory;

	send_counting_frame(pair.producer);
	whole = await_buffer(pair.consumer);
	root = gst_buffer_peek_memory(whole, 0);
	head = gst_buffer_copy_region(whole, GST_BUFFER_COPY_MEMORY, 0, 100);
	tail = gst_buffer_copy_region(whole, GST_BUFFER_COPY_MEMORY, 100, 150);
	gst_buffer_unref(whole);

	memory = gst_memory_share(gst_buffer_peek_memory(tail, 0), 10, -1);
	CHECK(memory->parent == root);
	CHECK(gst_tachyon_memory_is_valid(memory));
	check_memory_counts(memory, 110, 140);

	memory = gst_memory_copy(gst_buffer_peek_memory(tail, 0), 10, 20);
	CHECK(!gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE));
	check_memory_counts(memory, 110, 20);
	memory = gst_memory_copy(gst_buffer_peek_memory(tail, 0), 10, -1);
	check_memory_counts(memory, 110, 140);

	joined = gst_buffer_append(head, tail);
	memory = gst_buffer_get_all_memory(joined);
	CHECK(gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE)); /* a span, not a copy */
	check_memory_counts(memory, 0, 250);
	CHECK_EQ(figure(pair.consumer, "held"), 1);
	gst_buffer_unref(joined);
	await(holds_none, pair.consumer);
	finish_pair(&pair);
}

static void *unref_elsewhere(void *buffer)
{
	gst_buffer_unref(buffer);
	return NULL;
}

TEST(blocks_come_back_in_any_order_from_any_thread)
{
	struct pair pair = start_pair("");
	GstBuffer *held[8];

	for (int i = 0; i < 8; i++) {
		send_frame(pair.producer, i, 5000, i);
		held[i] = await_buffer(pair.consumer);
	}
	CHECK_EQ(figure(pair.consumer, "held"), 8);
	for (int i = 7; i >= 0; i -= 2)
		g_thread_join(g_thread_new("unref", unref_elsewhere, held[i]));
	for (int i = 0; i < 8; i += 2)
		gst_buffer_unref(held[i]);
	await(holds_none, pair.consumer);
	finish_pair(&pair);
}

TEST(always_copy_gives_blocks_back_at_once)
{
	struct pair pair = start_pair("always-copy=true");
	GstBuffer *buffer;
	guint8 bytes[5000];

	send_frame(pair.producer, 0, sizeof(bytes), 42);
	buffer = await_buffer(pair.consumer);
	CHECK_EQ(figure(pair.consumer, "held"), 0);
	CHECK_EQ(figure(pair.consumer, "copied"), 1);
	CHECK(!GST_MEMORY_IS_READONLY(gst_buffer_peek_memory(buffer, 0)));
	CHECK_EQ(gst_buffer_extract(buffer, 0, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(bytes[4999], 42);
	gst_buffer_unref(buffer);
	finish_pair(&pair);
}

TEST(frames_are_copied_out_while_blocks_are_scarce)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.max_bytes = 64 << 10,
	};
	struct producer *producer = start_producer_with("p", &options);
	struct consumer *consumer = start_consumer("p", "");
	GstBuffer *held[32];

	await_subscriber(producer);
	send_prologue(producer);
	/* More than there are blocks: without copies the producer would be stuck. */
	for (int i = 0; i < 32; i++) {
		send_frame(producer, i, 16 << 10, i);
		held[i] = await_buffer(consumer);
		g_usleep(2000);
	}
	CHECK(figure(consumer, "copied") > 0);
	for (int i = 0; i < 32; i++) {
		guint8 byte;

		CHECK_EQ(gst_buffer_extract(held[i], 16000, &byte, 1), 1);
		CHECK_EQ(byte, i);
		gst_buffer_unref(held[i]);
	}
	finish_consumer(consumer);
	stop_producer(producer);
}

static gboolean has_received_one(void *consumer)
{
	return figure(consumer, "frames") >= 1;
}

TEST(a_leaky_source_skips_to_the_newest)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer =
		make_consumer("p", "leaky-type=downstream", "identity sleep-time=200000 !");
	GstBuffer *buffer;

	play(consumer);
	await_subscriber(producer);
	send_prologue(producer);
	send_frame(producer, 0, 300, 0);
	await(has_received_one, consumer);
	for (int i = 1; i < 10; i++)
		send_frame(producer, i, 300, i);

	gst_buffer_unref(await_buffer(consumer));
	buffer = await_buffer(consumer);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 9);
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	gst_buffer_unref(buffer);
	CHECK_EQ(figure(consumer, "dropped"), 8);
	finish_consumer(consumer);
	stop_producer(producer);
}

/* --- planes --- */

#define VIDEO_CAPS                                                          \
	"video/x-raw, format=(string)GRAY8, width=(int)20, height=(int)4, " \
	"framerate=(fraction)25/1"

/* 4 lines of 20 pixels, 64 bytes apart, 7 bytes into the payload; a pixel is its line's number. */
static void send_padded_picture(struct producer *producer)
{
	const struct tachyon_layout layout = {
		.width = 20,
		.height = 4,
		.plane_count = 1,
		.offset = {7},
		.stride = {64},
	};
	struct tachyon_frame frame;

	send_caps(producer, VIDEO_CAPS);
	CHECK_EQ(tachyon_publisher_set_layout(producer->publisher, &layout), 0);
	CHECK_EQ(tachyon_publisher_acquire(producer->publisher, 300, &frame), 0);
	memset(frame.data, 0xee, 300);
	for (int line = 0; line < 4; line++)
		memset((char *)frame.data + 7 + line * 64, line, 20);
	frame.pts = 1;
	frame.offset = 77;
	CHECK(tachyon_publisher_commit(producer->publisher, &frame) > 0);
}

static void check_picture(GstBuffer *buffer)
{
	GstCaps *caps = gst_caps_from_string(VIDEO_CAPS);
	GstVideoFrame frame;
	GstVideoInfo info;

	CHECK(gst_video_info_from_caps(&info, caps));
	CHECK(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
	for (int line = 0; line < 4; line++) {
		const guint8 *pixels = (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) +
				       line * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);

		for (int x = 0; x < 20; x++)
			CHECK_EQ(pixels[x], line);
	}
	gst_video_frame_unmap(&frame);
	gst_caps_unref(caps);
}

TEST(planes_in_odd_places_are_packed_for_who_would_not_look)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = start_consumer("p", "");
	GstBuffer *buffer;

	await_subscriber(producer);
	send_padded_picture(producer);
	buffer = await_buffer(consumer);
	CHECK_EQ(gst_buffer_get_size(buffer), 80);
	CHECK(gst_buffer_get_video_meta(buffer) == NULL);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 1);
	CHECK_EQ(GST_BUFFER_OFFSET(buffer), 77);
	check_picture(buffer);
	gst_buffer_unref(buffer);
	CHECK_EQ(figure(consumer, "copied"), 1);
	finish_consumer(consumer);
	stop_producer(producer);
}

static GstPadProbeReturn answer_allocation(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
	GstCaps *caps;

	(void)pad;
	if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
		return GST_PAD_PROBE_OK;
	/* As elements do: without caps there is nothing to say. */
	gst_query_parse_allocation(query, &caps, NULL);
	if (!caps)
		return GST_PAD_PROBE_OK;
	gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	gst_query_add_allocation_pool(query, NULL, 100, GPOINTER_TO_UINT(data), 0);
	return GST_PAD_PROBE_HANDLED;
}

/* Downstream reads GstVideoMeta, and holds so many buffers. */
static void make_downstream_capable(struct consumer *consumer, guint buffers)
{
	GstElement *sink = gst_bin_get_by_name(GST_BIN(consumer->pipeline), "sink");
	GstPad *pad = gst_element_get_static_pad(sink, "sink");

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer_allocation,
			  GUINT_TO_POINTER(buffers), NULL);
	gst_object_unref(pad);
	gst_object_unref(sink);
}

TEST(planes_in_odd_places_are_shared_with_who_looks)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "", "");
	GstBuffer *buffer;

	make_downstream_capable(consumer, 0);
	play(consumer);
	await_subscriber(producer);
	send_padded_picture(producer);
	buffer = await_buffer(consumer);
	CHECK_EQ(gst_buffer_get_size(buffer), 300);
	CHECK_EQ(gst_buffer_get_video_meta(buffer)->stride[0], 64);
	check_picture(buffer);
	gst_buffer_unref(buffer);
	CHECK_EQ(figure(consumer, "copied"), 0);
	finish_consumer(consumer);
	stop_producer(producer);
}

static gboolean needs_six(void *producer)
{
	return tachyon_publisher_need(((struct producer *)producer)->publisher) == 6;
}

TEST(the_producer_learns_what_downstream_holds)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "", "");

	make_downstream_capable(consumer, 5);
	play(consumer);
	await_subscriber(producer);
	send_prologue(producer);
	await(needs_six, producer);
	CHECK(TRUE);
	finish_consumer(consumer);
	stop_producer(producer);
}

/* --- when it is due --- */

TEST(a_frame_is_due_at_the_same_moment_in_both_pipelines)
{
	struct pair pair = start_pair("");
	const GstSegment *segment;
	GstClockTime base;
	GstEvent *event;

	while (GST_STATE(pair.consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	base = gst_element_get_base_time(pair.consumer->src);
	send_clock(pair.producer, base - 3 * GST_SECOND, 0);
	send_segment(pair.producer, 1000, 50);
	send_frame(pair.producer, 4 * GST_SECOND, 300, 1);
	event = await_event(pair.consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &segment);
	CHECK_EQ(running_time_of(segment, 4 * GST_SECOND),
		 (gint64)(4 * GST_SECOND - 1000 + 50) - (gint64)(3 * GST_SECOND));
	gst_event_unref(event);
	finish_pair(&pair);
}

TEST(a_frame_from_before_our_start_keeps_its_distance)
{
	struct pair pair = start_pair("");
	const GstSegment *segment;
	GstEvent *event;

	while (GST_STATE(pair.consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	send_clock(pair.producer, gst_element_get_base_time(pair.consumer->src) - 100 * GST_SECOND,
		   0);
	send_frame(pair.producer, 1 * GST_SECOND, 300, 1);
	event = await_event(pair.consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &segment);
	CHECK_EQ(running_time_of(segment, 1 * GST_SECOND), -99 * (gint64)GST_SECOND);
	CHECK_EQ(running_time_of(segment, 3 * GST_SECOND), -97 * (gint64)GST_SECOND);
	gst_event_unref(event);
	finish_pair(&pair);
}

TEST(a_pause_moves_what_is_due)
{
	struct pair pair = start_pair("");
	const GstSegment *segment;
	GstClockTime base;
	GstEvent *event;

	send_clock(pair.producer, 5 * GST_SECOND, 0);
	send_frame(pair.producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(pair.consumer));
	gst_element_set_state(pair.consumer->pipeline, GST_STATE_PAUSED);
	g_usleep(30000);
	play(pair.consumer);
	while (GST_STATE(pair.consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	base = gst_element_get_base_time(pair.consumer->src);
	send_frame(pair.producer, 1, 300, 1);
	event = await_event(pair.consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &segment);
	CHECK_EQ(running_time_of(segment, 0), (gint64)(5 * GST_SECOND) - (gint64)base);
	gst_event_unref(event);
	finish_pair(&pair);
}

TEST(passthrough_keeps_segment_and_timestamps)
{
	struct pair pair = start_pair("timestamp-mode=passthrough");
	const GstSegment *segment;
	GstBuffer *buffer;
	GstEvent *event;

	send_clock(pair.producer, 5, 0);
	send_segment(pair.producer, 1000, 50);
	send_frame(pair.producer, 2000, 300, 1);
	event = await_event(pair.consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &segment);
	CHECK_EQ(segment->start, 1000);
	CHECK_EQ(segment->base, 50);
	CHECK_EQ(segment->offset, 0);
	gst_event_unref(event);
	buffer = await_buffer(pair.consumer);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 2000);
	gst_buffer_unref(buffer);
	finish_pair(&pair);
}

TEST(arrival_stamps_with_our_running_time)
{
	struct pair pair = start_pair("timestamp-mode=arrival");
	GstClockTime before, after;
	GstBuffer *buffer;

	while (GST_STATE(pair.consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	before = gst_element_get_current_running_time(pair.consumer->src);
	send_frame(pair.producer, 1000 * GST_SECOND, 300, 1);
	buffer = await_buffer(pair.consumer);
	after = gst_element_get_current_running_time(pair.consumer->src);
	CHECK(GST_BUFFER_PTS(buffer) >= before && GST_BUFFER_PTS(buffer) <= after);
	gst_buffer_unref(buffer);
	finish_pair(&pair);
}

TEST(another_pipeline_clock_is_taken_into_account)
{
	struct producer *producer = start_producer("p");
	struct consumer *consumer = make_consumer("p", "", "");
	GstClock *clock =
		g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", GST_CLOCK_TYPE_REALTIME, NULL);
	const GstSegment *segment;
	GstClockTime now, running;
	GstEvent *event;

	gst_object_ref_sink(clock);
	gst_pipeline_use_clock(GST_PIPELINE(consumer->pipeline), clock);
	play(consumer);
	await_subscriber(producer);
	while (GST_STATE(consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	/* A producer that started two seconds ago. */
	now = gst_tachyon_time_monotonic();
	running = gst_element_get_current_running_time(consumer->src);
	send_clock(producer, now - 2 * GST_SECOND, 0);
	send_frame(producer, 2 * GST_SECOND, 300, 1);
	event = await_event(consumer, GST_EVENT_SEGMENT);
	gst_event_parse_segment(event, &segment);
	CHECK(ABS(running_time_of(segment, 2 * GST_SECOND) - (gint64)running) <
	      (gint64)GST_MSECOND);
	gst_event_unref(event);
	finish_consumer(consumer);
	stop_producer(producer);
	gst_object_unref(clock);
}

static gboolean ask_latency(struct consumer *consumer, GstClockTime *min, GstClockTime *max)
{
	GstQuery *query = gst_query_new_latency();
	gboolean is_live;

	CHECK(gst_element_query(consumer->src, query));
	gst_query_parse_latency(query, &is_live, min, max);
	gst_query_unref(query);
	return is_live;
}

TEST(the_producers_latency_is_ours_and_a_change_is_told)
{
	struct pair pair = start_pair("processing-deadline=3000000");
	GstClockTime min, max;

	CHECK(ask_latency(pair.consumer, &min, &max));
	CHECK_EQ(min, 3 * GST_MSECOND);
	CHECK_EQ(max, GST_CLOCK_TIME_NONE);

	send_clock(pair.producer, 0, 40 * GST_MSECOND);
	for (;;) {
		GstMessage *message = await_message(pair.consumer, GST_MESSAGE_LATENCY);
		const gboolean is_ours = GST_MESSAGE_SRC(message) == GST_OBJECT(pair.consumer->src);

		gst_message_unref(message);
		if (is_ours)
			break;
	}
	CHECK(ask_latency(pair.consumer, &min, &max));
	CHECK_EQ(min, 43 * GST_MSECOND);
	CHECK_EQ(max, GST_CLOCK_TIME_NONE);
	finish_pair(&pair);
}

TEST(an_absurd_latency_stays_a_time)
{
	struct pair pair = start_pair("processing-deadline=9223372036854775807");
	GstClockTime min, max;

	send_clock(pair.producer, 0, G_MAXUINT64);
	send_frame(pair.producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(pair.consumer));
	CHECK(ask_latency(pair.consumer, &min, &max));
	CHECK(min > G_MAXINT64 && GST_CLOCK_TIME_IS_VALID(min));
	finish_pair(&pair);
}

TEST(the_latency_of_an_earlier_producer_is_not_the_next_ones)
{
	struct producer *producer = start_producer("src.sock");
	struct consumer *consumer = start_consumer("src.sock", "on-disconnect=none");
	GstClockTime min, max;

	send_prologue(producer);
	send_clock(producer, 0, 40 * GST_MSECOND);
	await_subscriber(producer);
	send_frame(producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(consumer));
	ask_latency(consumer, &min, &max);
	CHECK_EQ(min, 40 * GST_MSECOND);
	stop_producer(producer);

	producer = start_producer("src.sock");
	send_prologue(producer);
	await_subscriber(producer);
	send_frame(producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(consumer));
	ask_latency(consumer, &min, &max);
	CHECK_EQ(min, 0);
	finish_consumer(consumer);
	stop_producer(producer);
}

TEST(a_source_that_is_not_live_has_no_latency)
{
	struct consumer *consumer = make_consumer("@nobody", "is-live=false", "");
	GstClockTime min, max;

	CHECK(!ask_latency(consumer, &min, &max));
	CHECK_EQ(min, 0);
	finish_consumer(consumer);
}

/* --- the way back --- */

/* Not the pipeline's own latency, which comes when it begins to play. */
static GstEvent *await_upstream(struct producer *producer)
{
	const gint64 end = g_get_monotonic_time() + PATIENCE_US;
	struct tachyon_notice notice;

	for (;;) {
		CHECK(g_get_monotonic_time() < end);
		if (!tachyon_publisher_next_notice(producer->publisher, &notice))
			g_usleep(1000);
		else if (notice.type == TACHYON_NOTICE_EVENT && notice.event.type > 255 &&
			 notice.event.type != GST_EVENT_LATENCY)
			return gst_tachyon_event_decode(&notice.event);
	}
}

static void send_from_sink(struct consumer *consumer, GstEvent *event)
{
	GstElement *sink = gst_bin_get_by_name(GST_BIN(consumer->pipeline), "sink");
	GstPad *pad = gst_element_get_static_pad(sink, "sink");

	gst_pad_push_event(pad, event);
	gst_object_unref(pad);
	gst_object_unref(sink);
}

TEST(upstream_events_reach_the_producer_in_its_own_time)
{
	struct pair pair = start_pair("");
	GstClockTime time, base;
	gboolean all_headers;
	gdouble proportion;
	GstQOSType type;
	GstEvent *event;
	gint64 diff;
	guint count;

	while (GST_STATE(pair.consumer->src) != GST_STATE_PLAYING)
		g_usleep(1000);
	base = gst_element_get_base_time(pair.consumer->src);
	send_clock(pair.producer, base - 3 * GST_SECOND, 0);
	send_frame(pair.producer, 4 * GST_SECOND, 300, 1);
	gst_buffer_unref(await_buffer(pair.consumer));

	send_from_sink(pair.consumer,
		       gst_video_event_new_upstream_force_key_unit(2 * GST_SECOND, TRUE, 9));
	do
		event = await_upstream(pair.producer);
	while (GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE);
	CHECK(gst_video_event_parse_upstream_force_key_unit(event, &time, &all_headers, &count));
	CHECK_EQ(time, 5 * GST_SECOND);
	CHECK(all_headers);
	CHECK_EQ(count, 9);
	gst_event_unref(event);

	send_from_sink(pair.consumer, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 7, 1000));
	event = await_upstream(pair.producer);
	gst_event_parse_qos(event, &type, &proportion, &diff, &time);
	CHECK_EQ(time, 1000 + 3 * GST_SECOND);
	CHECK_EQ(diff, 7);
	gst_event_unref(event);

	send_from_sink(pair.consumer, gst_event_new_navigation(gst_structure_new_empty("nav")));
	event = await_upstream(pair.producer);
	CHECK_EQ(GST_EVENT_TYPE(event), GST_EVENT_NAVIGATION);
	gst_event_unref(event);
	finish_pair(&pair);
}

TEST(only_lateness_and_its_end_are_reported_upstream)
{
	struct pair pair = start_pair("");
	const gint64 diffs[] = {-3, 0, 5, 6, -1, -2};
	const gint64 expected[] = {5, 6, -1};
	GstEvent *event;

	send_frame(pair.producer, 0, 300, 1);
	gst_buffer_unref(await_buffer(pair.consumer));
	for (guint i = 0; i < G_N_ELEMENTS(diffs); i++)
		send_from_sink(pair.consumer, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.0,
								diffs[i], GST_SECOND * 1000000));
	send_from_sink(pair.consumer, gst_event_new_navigation(gst_structure_new_empty("nav")));
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		gint64 diff;

		do
			event = await_upstream(pair.producer);
		while (GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE);
		CHECK_EQ(GST_EVENT_TYPE(event), GST_EVENT_QOS);
		gst_event_parse_qos(event, NULL, NULL, &diff, NULL);
		CHECK_EQ(diff, expected[i]);
		gst_event_unref(event);
	}
	event = await_upstream(pair.producer);
	CHECK_EQ(GST_EVENT_TYPE(event), GST_EVENT_NAVIGATION);
	gst_event_unref(event);
	finish_pair(&pair);
}

TEST(an_upstream_event_without_a_producer_is_lost_and_says_so)
{
	struct consumer *consumer = start_consumer("@nobody", "");
	GstPad *pad = gst_element_get_static_pad(consumer->src, "src");

	CHECK(!gst_pad_send_event(pad, gst_event_new_navigation(gst_structure_new_empty("nav"))));
	CHECK(!gst_pad_send_event(pad,
				  gst_event_new_seek(1.0, GST_FORMAT_TIME, 0, GST_SEEK_TYPE_SET, 0,
						     GST_SEEK_TYPE_NONE, -1)));
	gst_object_unref(pad);
	finish_consumer(consumer);
}
