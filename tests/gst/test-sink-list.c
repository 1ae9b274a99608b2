/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of buffer lists at tachyonsink: what one shows, and when. */
#include "sink-fixture.h"

#include <gst/check/gstharness.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* Large enough that a subscriber which is woken by the first sleeps again before the second. */
#define BUFFER_SIZE (1 << 20)

static GstBufferList *make_list(guint count)
{
	GstBufferList *const list = gst_buffer_list_new_sized(count);

	for (guint i = 0; i < count; i++) {
		GstBuffer *const buffer = gst_buffer_new_allocate(NULL, BUFFER_SIZE, NULL);

		gst_buffer_memset(buffer, 0, (guint8)i, BUFFER_SIZE);
		GST_BUFFER_OFFSET(buffer) = i;
		gst_buffer_list_add(list, buffer);
	}
	return list;
}

static GstHarness *make_harness(const char *options)
{
	gchar *const line = g_strdup_printf("tachyonsink name=sink socket-path=l.sock sync=false "
					    "%s",
					    options);
	GstHarness *const harness = gst_harness_new_parse(line);

	g_free(line);
	gst_harness_set_src_caps_str(harness, "application/x-test");
	return harness;
}

static GstElement *sink_in(GstHarness *harness)
{
	GstElement *const sink = gst_harness_find_element(harness, "tachyonsink");

	CHECK(sink != NULL);
	gst_object_unref(sink);
	return sink;
}

static void await_clients(GstElement *sink, guint expected)
{
	guint count;

	do {
		g_object_get(sink, "num-clients", &count, NULL);
	} while (count != expected && (g_usleep(1000), true));
}

struct reader {
	struct tachyon_subscriber *subscriber;
	guint count;
	GThread *thread;
};

static void *read_frames(void *data)
{
	struct reader *const reader = data;

	for (guint i = 0; i < reader->count; i++) {
		struct tachyon_frame frame = next_frame(reader->subscriber);

		CHECK_EQ(frame.offset, i);
		tachyon_frame_release(&frame);
	}
	return NULL;
}

static void start_reader(struct reader *reader, guint count)
{
	reader->subscriber = join("l.sock");
	reader->count = count;
	reader->thread = g_thread_new("reader", read_frames, reader);
}

static void finish_reader(struct reader *reader)
{
	g_thread_join(reader->thread);
	tachyon_subscriber_destroy(reader->subscriber);
}

/* It has taken all there is, and sleeps. */
static void await_sleep(struct tachyon_subscriber *subscriber)
{
	struct tachyon_subscriber_stats stats = {.size = sizeof(stats)};

	do {
		g_usleep(10000);
		tachyon_subscriber_get_stats(subscriber, &stats);
	} while (stats.sleeps == 0);
	g_usleep(50000);
}

TEST(a_list_wakes_each_subscriber_once)
{
	GstHarness *const harness = make_harness("max-buffers=64");
	struct reader readers[2];
	uint64_t before;

	for (int i = 0; i < 2; i++)
		start_reader(&readers[i], 24);
	await_clients(sink_in(harness), 2);
	for (int i = 0; i < 2; i++)
		await_sleep(readers[i].subscriber);
	before = stat_of(sink_in(harness), "wakes");

	CHECK_EQ(gst_pad_push_list(harness->srcpad, make_list(24)), GST_FLOW_OK);

	CHECK_EQ(stat_of(sink_in(harness), "wakes") - before, 2);
	for (int i = 0; i < 2; i++)
		finish_reader(&readers[i]);
	gst_harness_teardown(harness);
}

TEST(a_list_longer_than_the_room_for_it_arrives_whole)
{
	GstHarness *const harness = make_harness("max-buffers=3");
	struct reader reader;

	start_reader(&reader, 50);
	await_clients(sink_in(harness), 1);
	CHECK_EQ(gst_pad_push_list(harness->srcpad, make_list(50)), GST_FLOW_OK);
	finish_reader(&reader);
	CHECK_EQ(stat_of(sink_in(harness), "dropped"), 0);
	gst_harness_teardown(harness);
}

static void *push_list(void *harness)
{
	return GINT_TO_POINTER(gst_pad_push_list(((GstHarness *)harness)->srcpad, make_list(20)));
}

/* Three of twenty have gone out; the rest waits for room. */
static GThread *push_more_than_fits(GstHarness *harness)
{
	GThread *const thread = g_thread_new("pusher", push_list, harness);

	await_stat(sink_in(harness), "frames", 3);
	await_stat(sink_in(harness), "waits", 1);
	return thread;
}

TEST(a_flush_ends_a_list_that_waits_and_the_next_one_goes_out)
{
	GstHarness *const harness = make_harness("max-buffers=3");
	struct tachyon_subscriber *const subscriber = join("l.sock");
	struct tachyon_frame frame;
	GstSegment segment;
	GThread *pusher;

	await_clients(sink_in(harness), 1);
	pusher = push_more_than_fits(harness);
	gst_pad_push_event(harness->srcpad, gst_event_new_flush_start());
	CHECK_EQ(GPOINTER_TO_INT(g_thread_join(pusher)), GST_FLOW_FLUSHING);
	gst_pad_push_event(harness->srcpad, gst_event_new_flush_stop(TRUE));
	gst_segment_init(&segment, GST_FORMAT_TIME);
	gst_pad_push_event(harness->srcpad, gst_event_new_segment(&segment));

	for (guint i = 0; i < 3; i++) {
		frame = next_frame(subscriber);
		CHECK_EQ(frame.offset, i);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(gst_pad_push_list(harness->srcpad, make_list(2)), GST_FLOW_OK);
	for (guint i = 0; i < 2; i++) {
		frame = next_frame(subscriber);
		CHECK_EQ(frame.offset, i);
		tachyon_frame_release(&frame);
	}
	tachyon_subscriber_destroy(subscriber);
	gst_harness_teardown(harness);
}

TEST(a_pause_amid_a_list_hides_nothing_from_who_joins)
{
	GstHarness *const harness = make_harness("max-buffers=3");
	GstElement *const sink = sink_in(harness);
	struct tachyon_subscriber *const slow = join("l.sock");
	struct tachyon_subscriber *late;
	struct tachyon_item item;
	GThread *pusher;

	await_clients(sink, 1);
	pusher = push_more_than_fits(harness);
	set_state(sink, GST_STATE_PAUSED);
	late = join("l.sock");
	do {
		item = next_item(late);
	} while (item.type != TACHYON_ITEM_CAPS);
	CHECK_STR_EQ(item.caps, "application/x-test");

	set_state(sink, GST_STATE_PLAYING);
	tachyon_subscriber_destroy(late);
	for (guint i = 0; i < 20; i++) {
		struct tachyon_frame frame = next_frame(slow);

		CHECK_EQ(frame.offset, i);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(GPOINTER_TO_INT(g_thread_join(pusher)), GST_FLOW_OK);
	tachyon_subscriber_destroy(slow);
	gst_harness_teardown(harness);
}
