/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of what tachyonsink does and tells when subscribers come and go. */
#include <gst/video/video.h>

#include "sink-fixture.h"

#include "gsttachyonkeyunit.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- whether a key unit is needed --- */

static void pass(GstTachyonKeyUnit *key_unit, guint flags)
{
	GstBuffer *const buffer = gst_buffer_new();

	GST_BUFFER_FLAG_SET(buffer, flags);
	gst_tachyon_key_unit_pass(key_unit, buffer);
	gst_buffer_unref(buffer);
}

static void serve(GstTachyonKeyUnit *key_unit, guint flags, guint64 subscriber)
{
	GstBuffer *const buffer = gst_buffer_new();

	GST_BUFFER_FLAG_SET(buffer, flags);
	gst_tachyon_key_unit_serve(key_unit, buffer, subscriber);
	gst_buffer_unref(buffer);
}

static bool asks_for(GstTachyonKeyUnit *key_unit, guint64 subscriber, GstClockTime now)
{
	GstEvent *const event = gst_tachyon_key_unit_ask(key_unit, subscriber, now);
	gboolean all_headers;
	GstClockTime time;

	if (!event)
		return false;
	CHECK(gst_video_event_parse_upstream_force_key_unit(event, &time, &all_headers, NULL));
	CHECK_EQ(time, GST_CLOCK_TIME_NONE);
	CHECK(all_headers);
	gst_event_unref(event);
	return true;
}

static bool asks(GstTachyonKeyUnit *key_unit, GstClockTime now)
{
	return asks_for(key_unit, 1, now);
}

TEST(who_has_got_a_key_unit_needs_no_other_however_late_we_hear_of_it)
{
	GstTachyonKeyUnit key_unit;

	gst_tachyon_key_unit_init(&key_unit);
	pass(&key_unit, 0);
	serve(&key_unit, 0, 2);
	pass(&key_unit, GST_BUFFER_FLAG_DELTA_UNIT);
	serve(&key_unit, GST_BUFFER_FLAG_DELTA_UNIT, 3);
	CHECK(!asks_for(&key_unit, 1, 0));
	CHECK(!asks_for(&key_unit, 2, 0));
	CHECK(asks_for(&key_unit, 3, 0));
	gst_tachyon_key_unit_clear(&key_unit);
}

TEST(only_a_stream_with_delta_units_needs_key_units)
{
	GstTachyonKeyUnit key_unit;

	gst_tachyon_key_unit_init(&key_unit);
	CHECK(!asks(&key_unit, 0));
	pass(&key_unit, 0);
	CHECK(!asks(&key_unit, 1));
	pass(&key_unit, GST_BUFFER_FLAG_DELTA_UNIT);
	CHECK(asks(&key_unit, 2));

	/* Another stream, which may be raw. */
	gst_tachyon_key_unit_begin(&key_unit);
	pass(&key_unit, 0);
	CHECK(!asks(&key_unit, 3));
	gst_tachyon_key_unit_clear(&key_unit);
}

TEST(one_key_unit_serves_all_who_join_before_it_comes)
{
	GstTachyonKeyUnit key_unit;

	gst_tachyon_key_unit_init(&key_unit);
	pass(&key_unit, GST_BUFFER_FLAG_DELTA_UNIT);
	CHECK(asks(&key_unit, GST_SECOND));
	CHECK(!asks(&key_unit, GST_SECOND + 10 * GST_MSECOND));
	pass(&key_unit, GST_BUFFER_FLAG_DELTA_UNIT);
	CHECK(!asks(&key_unit, GST_SECOND + 20 * GST_MSECOND));

	/* It came: who joins after it needs another. */
	pass(&key_unit, GST_BUFFER_FLAG_HEADER);
	CHECK(asks(&key_unit, GST_SECOND + 30 * GST_MSECOND));

	/* It did not come. */
	CHECK(asks(&key_unit, GST_SECOND + 600 * GST_MSECOND));
	gst_tachyon_key_unit_clear(&key_unit);
}

/* --- a pipeline --- */

struct heard {
	gint key_units;
	gint others;
};

static GstPadProbeReturn hear(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstEvent *const event = GST_PAD_PROBE_INFO_EVENT(info);
	struct heard *const heard = data;

	(void)pad;
	if (gst_video_event_is_force_key_unit(event))
		g_atomic_int_inc(&heard->key_units);
	return GST_PAD_PROBE_OK;
}

static void listen_upstream(GstElement *pipeline, struct heard *heard)
{
	GstPad *const pad = gst_element_get_static_pad(sink_of(pipeline), "sink");
	GstPad *const peer = gst_pad_get_peer(pad);

	gst_pad_add_probe(peer, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, hear, heard, NULL);
	gst_object_unref(peer);
	gst_object_unref(pad);
}

static GstMessage *await_element_message(GstElement *pipeline, const char *name)
{
	for (;;) {
		GstMessage *const message = await_message(pipeline, GST_MESSAGE_ELEMENT);

		if (gst_message_has_name(message, name))
			return message;
		gst_message_unref(message);
	}
}

static void forget_message(GstElement *pipeline, const char *name)
{
	gst_message_unref(await_element_message(pipeline, name));
}

#define PICTURES "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48 ! "
#define SINK " ! tachyonsink name=sink socket-path=a.sock"

static bool have_x264(void)
{
	GstElementFactory *const found = gst_element_factory_find("x264enc");

	if (found)
		gst_object_unref(found);
	return found != NULL;
}

/* The frames that come before one that can be shown. */
static int frames_before_a_picture(struct tachyon_subscriber *subscriber)
{
	for (int count = 0;; count++) {
		struct tachyon_frame frame = next_frame(subscriber);
		const uint32_t flags = frame.flags;

		tachyon_frame_release(&frame);
		if (!(flags & TACHYON_FRAME_DELTA_UNIT))
			return count;
	}
}

TEST(a_subscriber_that_joins_an_encoded_stream_gets_a_key_unit)
{
	struct heard heard = {0};
	struct tachyon_subscriber *subscriber;
	GstElement *pipeline;

	if (!have_x264())
		SKIP("no x264enc");
	/* By itself it would make one in 33 s. */
	pipeline = launch(PICTURES "x264enc tune=zerolatency key-int-max=1000 " SINK);
	listen_upstream(pipeline, &heard);
	set_state(pipeline, GST_STATE_PLAYING);
	await_stat(sink_of(pipeline), "rendered", 10);
	CHECK_EQ(g_atomic_int_get(&heard.key_units), 0);

	subscriber = join("a.sock");
	CHECK(frames_before_a_picture(subscriber) < 30);
	CHECK_EQ(g_atomic_int_get(&heard.key_units), 1);
	tachyon_subscriber_destroy(subscriber);

	subscriber = join("a.sock");
	CHECK(frames_before_a_picture(subscriber) < 30);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(a_subscriber_that_joins_a_raw_stream_asks_for_nothing)
{
	struct heard heard = {0};
	struct tachyon_subscriber *subscriber;
	GstElement *const pipeline = launch(PICTURES "identity" SINK);

	listen_upstream(pipeline, &heard);
	set_state(pipeline, GST_STATE_PLAYING);
	await_stat(sink_of(pipeline), "rendered", 3);
	subscriber = join("a.sock");
	CHECK_EQ(frames_before_a_picture(subscriber), 0);
	forget_message(pipeline, "client-connected");
	CHECK_EQ(g_atomic_int_get(&heard.key_units), 0);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

static void check_client_message(GstElement *pipeline, const char *name, guint pid, guint count,
				 const char *reason)
{
	GstMessage *const message = await_element_message(pipeline, name);
	const GstStructure *const structure = gst_message_get_structure(message);
	guint64 id = 0;
	guint got_pid = 0, got_count = 99;

	CHECK(GST_MESSAGE_SRC(message) == GST_OBJECT(sink_of(pipeline)));
	CHECK(gst_structure_get_uint64(structure, "id", &id) && id != 0);
	CHECK(gst_structure_get_uint(structure, "pid", &got_pid));
	CHECK(gst_structure_get_uint(structure, "num-clients", &got_count));
	CHECK_EQ(got_pid, pid);
	CHECK_EQ(got_count, count);
	CHECK_STR_EQ(gst_structure_get_string(structure, "reason"), reason);
	gst_message_unref(message);
}

static int join_and_die(void *address)
{
	tachyon_subscriber_destroy(NULL);
	(void)join(address);
	_exit(0);
}

TEST(messages_tell_who_came_and_how_they_left)
{
	GstElement *const pipeline = launch(PICTURES "identity" SINK);
	struct tachyon_subscriber *subscriber;
	pid_t child;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("a.sock");
	check_client_message(pipeline, "client-connected", (guint)getpid(), 1, NULL);
	tachyon_subscriber_destroy(subscriber);
	check_client_message(pipeline, "client-disconnected", (guint)getpid(), 0, "left");

	child = run_child(join_and_die, (void *)"a.sock");
	check_client_message(pipeline, "client-connected", (guint)child, 1, NULL);
	check_client_message(pipeline, "client-disconnected", (guint)child, 0, "died");
	CHECK_EQ(wait_child(child), 0);
	finish(pipeline);
}

TEST(a_sink_that_stops_posts_no_client_disconnected)
{
	GstElement *const pipeline = launch(PICTURES "identity" SINK);
	GstBus *const bus = gst_element_get_bus(pipeline);
	struct tachyon_subscriber *subscriber;
	GstMessage *message;

	set_state(pipeline, GST_STATE_PLAYING);
	subscriber = join("a.sock");
	forget_message(pipeline, "client-connected");
	/* Not NULL, which would have the pipeline throw messages away. */
	reach_state(pipeline, GST_STATE_READY);
	while ((message = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT))) {
		CHECK(!gst_message_has_name(message, "client-disconnected"));
		gst_message_unref(message);
	}
	gst_object_unref(bus);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}
