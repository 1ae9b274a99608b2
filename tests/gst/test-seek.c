/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of seeks: a consumer seeks, the producer's pipeline does it. */
#include "pair-fixture.h"

#define NOT_LIVE " is-live=false"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

TEST(a_flushing_seek_lands_where_it_was_asked_to)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");

	CHECK(seek_to(pair, 30 * GST_SECOND));
	CHECK_EQ(landing(pair), 30 * GST_SECOND);
	CHECK_EQ(g_atomic_int_get(&pair->flushes), 1);
	finish_pair(pair);
}

static void seek_often(const char *consumer, GstState state, int times)
{
	struct pair *pair = start_pair(PRODUCER, consumer);
	int i;

	set_state(pair->consumer, state);
	if (state == GST_STATE_PAUSED)
		await_state(pair->consumer, state);
	for (i = 0; i < times; i++) {
		const GstClockTime time = (guint)g_random_int_range(0, 100000) * 10 * GST_MSECOND;
		GstClockTime landed;

		CHECK(seek_to(pair, time));
		landed = landing(pair);
		if (landed != time)
			test_fail(__FILE__, __LINE__,
				  "seek %d to %" GST_TIME_FORMAT " landed at %" GST_TIME_FORMAT, i,
				  GST_TIME_ARGS(time), GST_TIME_ARGS(landed));
	}
	CHECK_EQ(g_atomic_int_get(&pair->flushes), times);
	finish_pair(pair);
}

TEST(hundreds_of_seeks_land_right_while_a_live_source_plays)
{
	seek_often(CONSUMER END " sync=false", GST_STATE_PLAYING, 300);
}

TEST(hundreds_of_seeks_land_right_while_a_source_that_is_not_live_plays)
{
	seek_often(CONSUMER NOT_LIVE END, GST_STATE_PLAYING, 300);
}

TEST(hundreds_of_seeks_land_right_in_paused)
{
	seek_often(CONSUMER NOT_LIVE END, GST_STATE_PAUSED, 300);
}

TEST(hundreds_of_seeks_land_right_behind_a_queue)
{
	seek_often(CONSUMER NOT_LIVE " ! queue" END, GST_STATE_PAUSED, 300);
}

/* --- kinds of seeks --- */

static gboolean seek_segment(struct pair *pair, gdouble rate, GstSeekFlags flags,
			     GstClockTime start, GstClockTime stop)
{
	await_producer(pair);
	return gst_element_seek(pair->consumer, rate, GST_FORMAT_TIME, flags, GST_SEEK_TYPE_SET,
				(gint64)start, GST_SEEK_TYPE_SET, (gint64)stop);
}

TEST(a_seek_with_a_stop_ends_there)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");

	CHECK(seek_segment(pair, 1.0, GST_SEEK_FLAG_FLUSH, 5 * GST_SECOND,
			   5 * GST_SECOND + 100 * GST_MSECOND));
	CHECK_EQ(landing(pair), 5 * GST_SECOND);
	await_eos(pair->consumer);
	finish_pair(pair);
}

TEST(seeks_after_the_end_of_the_stream_play_again)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");
	guint64 i;

	for (i = 1; i <= 50; i++) {
		const GstClockTime start = i * GST_SECOND;

		CHECK(seek_segment(pair, 1.0, GST_SEEK_FLAG_FLUSH, start,
				   start + 50 * GST_MSECOND));
		CHECK_EQ(landing(pair), start);
		await_eos(pair->consumer);
	}
	finish_pair(pair);
}

TEST(backwards_it_plays_backwards)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	gint64 position;

	CHECK(seek_segment(pair, -1.0, GST_SEEK_FLAG_FLUSH, 0, 200 * GST_MSECOND));
	/* The last frame before the stop. */
	CHECK_EQ(landing(pair), 190 * GST_MSECOND);
	await_eos(pair->consumer);
	CHECK(gst_element_query_position(pair->consumer, GST_FORMAT_TIME, &position));
	CHECK(position <= 10 * (gint64)GST_MSECOND);
	finish_pair(pair);
}

TEST(at_another_rate_the_segment_has_that_rate)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	GstPad *pad = gst_element_get_static_pad(part(pair->consumer, "end"), "sink");
	const GstSegment *segment;
	GstEvent *event;

	CHECK(seek_segment(pair, 2.0, GST_SEEK_FLAG_FLUSH, GST_SECOND, GST_CLOCK_TIME_NONE));
	CHECK_EQ(landing(pair), GST_SECOND);
	event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
	gst_event_parse_segment(event, &segment);
	CHECK(segment->rate == 2.0);
	gst_event_unref(event);
	gst_object_unref(pad);
	finish_pair(pair);
}

static void await_segment_done(struct pair *pair)
{
	GstMessage *message =
		await_message(pair->consumer, GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_EOS);

	CHECK_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_SEGMENT_DONE);
	gst_message_unref(message);
}

/* As one loops without a gap. */
TEST(segment_seeks_post_segment_done_and_go_on_without_a_flush)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	const GstSeekFlags flags = GST_SEEK_FLAG_SEGMENT;
	int i;

	CHECK(seek_segment(pair, 1.0, flags | GST_SEEK_FLAG_FLUSH, 0, 100 * GST_MSECOND));
	for (i = 0; i < 5; i++) {
		await_segment_done(pair);
		CHECK(seek_segment(pair, 1.0, flags, 0, 100 * GST_MSECOND));
	}
	await_segment_done(pair);
	CHECK_EQ(g_atomic_int_get(&pair->flushes), 1);
	CHECK(g_atomic_int_get(&pair->buffers) >= 60);
	finish_pair(pair);
}

TEST(a_segment_seek_of_the_producers_own_posts_nothing_here)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	GstBus *bus = gst_element_get_bus(pair->consumer);
	GstMessage *message;

	await_producer(pair);
	CHECK(gst_element_seek(pair->producer, 1.0, GST_FORMAT_TIME,
			       GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT, GST_SEEK_TYPE_SET, 0,
			       GST_SEEK_TYPE_SET, 50 * GST_MSECOND));
	CHECK_EQ(landing(pair), 0);
	message = await_message(pair->producer, GST_MESSAGE_SEGMENT_DONE);
	gst_message_unref(message);
	CHECK(seek_to(pair, 2 * GST_SECOND));
	CHECK_EQ(landing(pair), 2 * GST_SECOND);
	CHECK(!gst_bus_pop_filtered(bus, GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_SEGMENT_START));
	gst_object_unref(bus);
	finish_pair(pair);
}

TEST(a_seek_on_the_source_element_itself_is_the_producers_too)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");

	CHECK(gst_element_seek_simple(part(pair->consumer, "src"), GST_FORMAT_TIME,
				      GST_SEEK_FLAG_FLUSH, 3 * GST_SECOND));
	CHECK_EQ(landing(pair), 3 * GST_SECOND);
	finish_pair(pair);
}

TEST(position_after_a_seek_is_where_it_went)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	gint64 position;

	set_state(pair->consumer, GST_STATE_PAUSED);
	await_state(pair->consumer, GST_STATE_PAUSED);
	CHECK(seek_to(pair, 42 * GST_SECOND));
	await_state(pair->consumer, GST_STATE_PAUSED);
	CHECK(gst_element_query_position(pair->consumer, GST_FORMAT_TIME, &position));
	CHECK_EQ(position, 42 * GST_SECOND);
	finish_pair(pair);
}

/* --- refused --- */

static void check_it_goes_on(struct pair *pair)
{
	const gint before = g_atomic_int_get(&pair->buffers);

	while (g_atomic_int_get(&pair->buffers) < before + 10)
		g_usleep(1000);
	CHECK_EQ(g_atomic_int_get(&pair->flushes), 0);
}

TEST(a_producer_that_cannot_seek_refuses_and_all_goes_on)
{
	struct pair *pair = start_stream(CONSUMER END " sync=false");

	CHECK(!seek_to(pair, GST_SECOND));
	check_it_goes_on(pair);
	finish_pair(pair);
}

TEST(one_of_several_subscribers_may_not_seek)
{
	struct pair *pair = start_pair(PRODUCER " leaky-type=upstream", CONSUMER END " sync=false");
	struct tachyon_subscriber *other = join(ADDRESS);

	await_stat(sink_of(pair->producer), "subscribers", 2);
	CHECK(!seek_to(pair, GST_SECOND));
	check_it_goes_on(pair);
	tachyon_subscriber_destroy(other);
	finish_pair(pair);
}

TEST(without_a_producer_a_seek_is_refused)
{
	GstElement *const pipeline = launch(CONSUMER END);

	CHECK(!gst_element_seek_simple(part(pipeline, "src"), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
				       GST_SECOND));
	set_state(pipeline, GST_STATE_PLAYING);
	CHECK(!gst_element_seek_simple(part(pipeline, "src"), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
				       GST_SECOND));
	finish(pipeline);
}

/* --- while something else goes on --- */

static GstPadProbeReturn hold_seek(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	gint *held = data;

	(void)pad;
	if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_SEEK)
		return GST_PAD_PROBE_OK;
	/* Once it was let go, who comes later is not held, and may come when the test is over. */
	g_atomic_int_compare_and_exchange(held, 0, 1);
	while (g_atomic_int_get(held) == 1)
		g_usleep(1000);
	return GST_PAD_PROBE_OK;
}

static gpointer seek_on_the_pad(gpointer data)
{
	GstPad *pad =
		gst_element_get_static_pad(part(((struct pair *)data)->consumer, "src"), "src");
	const gboolean good = gst_pad_send_event(
		pad, gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
					GST_SEEK_TYPE_SET, GST_SECOND, GST_SEEK_TYPE_NONE, 0));

	gst_object_unref(pad);
	return GINT_TO_POINTER(good);
}

/* A producer that takes its time, and a consumer that has enough. */
TEST(a_stop_ends_a_seek_that_waits)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	static gint held;
	GThread *thread;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, hold_seek, &held, NULL);
	thread = g_thread_new("seek", seek_on_the_pad, pair);
	while (g_atomic_int_get(&held) == 0)
		g_usleep(1000);
	CHECK_EQ(gst_element_set_state(pair->consumer, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	CHECK(!g_thread_join(thread));
	g_atomic_int_set(&held, 2);
	gst_object_unref(pad);
	finish_pair(pair);
}

TEST(a_producer_that_leaves_ends_a_seek_that_waits)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " on-disconnect=none" END " sync=false");
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	static gint held;
	GThread *thread;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, hold_seek, &held, NULL);
	thread = g_thread_new("seek", seek_on_the_pad, pair);
	while (g_atomic_int_get(&held) == 0)
		g_usleep(1000);
	CHECK_EQ(gst_element_set_state(sink_of(pair->producer), GST_STATE_NULL),
		 GST_STATE_CHANGE_SUCCESS);
	CHECK(!g_thread_join(thread));
	g_atomic_int_set(&held, 2);
	gst_object_unref(pad);
	gst_element_set_state(pair->consumer, GST_STATE_NULL);
	gst_element_set_state(pair->producer, GST_STATE_NULL);
	finish_pair(pair);
}

static gpointer seek_all_the_time(gpointer data)
{
	struct pair *pair = data;
	guint64 i;

	for (i = 0; i < 2000 && !pair->is_blocked; i++)
		seek_on_the_pad(pair);
	return NULL;
}

TEST(states_change_while_seeks_go_on)
{
	static const GstState states[] = {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY,
					  GST_STATE_NULL};
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	GThread *threads[2];
	size_t i;

	for (i = 0; i < 2; i++)
		threads[i] = g_thread_new("seek", seek_all_the_time, pair);
	for (i = 0; i < 300; i++)
		CHECK(gst_element_set_state(pair->consumer,
					    states[g_random_int_range(0, G_N_ELEMENTS(states))]) !=
		      GST_STATE_CHANGE_FAILURE);
	g_atomic_int_set(&pair->is_blocked, 1);
	for (i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	finish_pair(pair);
}

/* From a chain function, as demuxers do. */
static GstPadProbeReturn seek_once(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	gint *result = data;

	(void)info;
	*result = gst_pad_push_event(pad, gst_event_new_seek(1.0, GST_FORMAT_TIME,
							     GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
							     GST_SECOND, GST_SEEK_TYPE_NONE, 0));
	return GST_PAD_PROBE_REMOVE;
}

static void seek_from_streaming_thread(const char *consumer)
{
	struct pair *pair = make_pair(PRODUCER, consumer);
	GstPad *pad = gst_element_get_static_pad(part(pair->consumer, "end"), "sink");
	gint result = -1;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, seek_once, &result, NULL);
	play_pair(pair);
	CHECK_EQ(landing(pair), GST_SECOND);
	CHECK_EQ(result, TRUE);
	gst_object_unref(pad);
	finish_pair(pair);
}

TEST(the_streaming_thread_itself_may_seek)
{
	seek_from_streaming_thread(CONSUMER END " sync=false");
}

TEST(a_streaming_thread_behind_a_queue_may_seek)
{
	seek_from_streaming_thread(CONSUMER " ! queue" END " sync=false");
}

/* --- two streams of one program --- */

static GstPadProbeReturn note_seqnum(GstPad *pad, GstPadProbeInfo *info, gpointer seqnum)
{
	GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);

	(void)pad;
	if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK)
		g_atomic_int_set((gint *)seqnum, (gint)gst_event_get_seqnum(event));
	return GST_PAD_PROBE_OK;
}

/* A demuxer in front of two sinks is to see that it is one seek. */
TEST(one_seek_through_two_pairs_is_one_seek_to_the_producer)
{
	GstElement *const producer =
		launch("videotestsrc name=a ! video/x-raw,width=16,height=16 ! "
		       "tachyonsink sync=false socket-path=a.sock "
		       "videotestsrc name=b ! video/x-raw,width=16,height=16 ! "
		       "tachyonsink sync=false socket-path=b.sock");
	GstElement *const consumer =
		launch("tachyonsrc socket-path=a.sock is-live=false ! fakesink "
		       "tachyonsrc socket-path=b.sock is-live=false ! fakesink");
	static const char *const names[] = {"a", "b"};
	gint seqnums[2] = {0};
	gint before;
	size_t i;

	for (i = 0; i < 2; i++) {
		GstPad *pad = gst_element_get_static_pad(part(producer, names[i]), "src");

		gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, note_seqnum, &seqnums[i],
				  NULL);
		gst_object_unref(pad);
	}
	set_state(producer, GST_STATE_PLAYING);
	reach_state(consumer, GST_STATE_PLAYING);
	CHECK(gst_element_seek_simple(consumer, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SECOND));
	CHECK(seqnums[0] != 0);
	CHECK_EQ(seqnums[0], seqnums[1]);
	before = seqnums[0];
	CHECK(gst_element_seek_simple(consumer, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SECOND));
	CHECK(seqnums[0] != before);
	finish(consumer);
	finish(producer);
}

/* --- a producer that does not answer --- */

TEST(a_stop_does_not_wait_for_a_producer_that_never_answers)
{
	struct pair *pair = make_pair(PRODUCER, CONSUMER END " sync=false");
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	static gint held;
	GThread *threads[6];
	size_t i;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, hold_seek, &held, NULL);
	play_pair(pair);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("seek", seek_on_the_pad, pair);
	while (g_atomic_int_get(&held) == 0)
		g_usleep(1000);
	CHECK_EQ(gst_element_set_state(pair->consumer, GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		CHECK(!g_thread_join(threads[i]));
	g_atomic_int_set(&held, 2);
	gst_object_unref(pad);
	finish_pair(pair);
}
