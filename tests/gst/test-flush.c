/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of flushes: the producer's reach every subscriber, wherever it is. */
#include "pair-fixture.h"

#include "gsttachyonrequest.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static gboolean producer_seek(struct pair *pair, GstClockTime time)
{
	await_producer(pair);
	return gst_element_seek_simple(pair->producer, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, time);
}

/* Its streaming thread waits in a sink. */
static void preroll(struct pair *pair)
{
	set_state(pair->consumer, GST_STATE_PAUSED);
	await_state(pair->consumer, GST_STATE_PAUSED);
}

TEST(a_producers_own_seek_flushes_a_subscriber_that_plays)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");

	CHECK(producer_seek(pair, 20 * GST_SECOND));
	CHECK_EQ(landing(pair), 20 * GST_SECOND);
	finish_pair(pair);
}

TEST(a_producers_own_seek_flushes_a_subscriber_blocked_in_paused)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);

	preroll(pair);
	CHECK(producer_seek(pair, 20 * GST_SECOND));
	CHECK_EQ(landing(pair), 20 * GST_SECOND);
	await_state(pair->consumer, GST_STATE_PAUSED);
	finish_pair(pair);
}

TEST(a_producers_own_seek_flushes_a_subscriber_behind_a_full_queue)
{
	struct pair *pair =
		start_pair(PRODUCER, CONSUMER " is-live=false ! queue max-size-buffers=2" END);

	preroll(pair);
	CHECK(producer_seek(pair, 20 * GST_SECOND));
	CHECK_EQ(landing(pair), 20 * GST_SECOND);
	finish_pair(pair);
}

TEST(a_flush_reaches_all_subscribers)
{
	struct pair *first = start_pair(PRODUCER, CONSUMER END " sync=false");
	struct pair *second = make_pair("fakesrc ! fakesink", CONSUMER " is-live=false" END);

	preroll(second);
	CHECK(producer_seek(first, 20 * GST_SECOND));
	CHECK_EQ(landing(second), 20 * GST_SECOND);
	finish_pair(second);
	/* Who stood still no longer holds the other up. */
	CHECK_EQ(landing(first), 20 * GST_SECOND);
	finish_pair(first);
}

TEST(flushes_one_after_the_other_all_land)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	GstClockTime landed;
	int i;

	preroll(pair);
	for (i = 1; i <= 100; i++)
		CHECK(producer_seek(pair, i * GST_SECOND));
	do
		landed = landing(pair);
	while (landed != 100 * GST_SECOND);
	CHECK(g_atomic_int_get(&pair->flushes) <= 100);
	CHECK_EQ(g_async_queue_length(pair->landed), 0);
	finish_pair(pair);
}

TEST(a_flush_without_subscribers_is_nothing_to_who_comes_later)
{
	struct pair *pair = make_pair(PRODUCER, CONSUMER END " sync=false");

	reach_state(pair->producer, GST_STATE_PLAYING);
	CHECK(producer_seek(pair, 20 * GST_SECOND));
	CHECK(producer_seek(pair, 40 * GST_SECOND));
	set_state(pair->consumer, GST_STATE_PLAYING);
	while (g_atomic_int_get(&pair->buffers) < 100)
		g_usleep(1000);
	CHECK_EQ(g_atomic_int_get(&pair->flushes), 0);

	CHECK(producer_seek(pair, 60 * GST_SECOND));
	CHECK_EQ(landing(pair), 60 * GST_SECOND);
	finish_pair(pair);
}

/* Its counts begin anew, in a session of its own. */
TEST(a_producer_that_starts_anew_flushes_again)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " on-disconnect=none" END " sync=false");
	int i;

	for (i = 1; i <= 3; i++) {
		CHECK(producer_seek(pair, 20 * GST_SECOND));
		CHECK_EQ(landing(pair), 20 * GST_SECOND);
		CHECK(producer_seek(pair, 30 * GST_SECOND));
		CHECK_EQ(landing(pair), 30 * GST_SECOND);
		CHECK_EQ(gst_element_set_state(pair->producer, GST_STATE_NULL),
			 GST_STATE_CHANGE_SUCCESS);
		set_state(pair->producer, GST_STATE_PLAYING);
		/* What the last producer sent still comes. */
		await_stat(part(pair->consumer, "src"), "connects", 1 + (uint64_t)i);
		g_atomic_int_set(&pair->buffers, 0);
		while (g_atomic_int_get(&pair->buffers) == 0)
			g_usleep(1000);
		await_state(pair->producer, GST_STATE_PLAYING);
	}
	CHECK_EQ(g_atomic_int_get(&pair->flushes), 6);
	finish_pair(pair);
}

TEST(a_flush_after_the_end_of_the_stream_starts_it_again)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");
	guint64 i;

	for (i = 1; i <= 20; i++) {
		const GstClockTime start = i * GST_SECOND;

		await_producer(pair);
		CHECK(gst_element_seek(pair->producer, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
				       GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET,
				       start + 200 * GST_MSECOND));
		CHECK_EQ(landing(pair), start);
		await_eos(pair->consumer);
		await_eos(pair->producer);
	}
	finish_pair(pair);
}

TEST(a_sink_that_drops_for_the_slow_still_flushes_them)
{
	struct pair *pair =
		start_pair(PRODUCER " leaky-type=upstream", CONSUMER " is-live=false" END);

	preroll(pair);
	CHECK(producer_seek(pair, 2000 * GST_SECOND));
	CHECK(landing(pair) >= 2000 * GST_SECOND);
	finish_pair(pair);
}

/* --- raw peers --- */

static void send_flush(struct tachyon_publisher *publisher, guint64 session, guint32 count,
		       gboolean is_marker)
{
	const struct flush_message flush = {.count = count, .session = session};
	struct tachyon_event event;

	gst_tachyon_flush_encode(&flush, is_marker, &event);
	if (is_marker)
		CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	else
		CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &event), 0);
}

static void send_value(struct tachyon_publisher *publisher, char value)
{
	struct tachyon_frame frame = {.data = &value, .size = 1, .pts = 0, .dts = 0};

	CHECK(tachyon_publisher_send(publisher, &frame) >= 0);
}

struct serving {
	struct tachyon_publisher *publisher;
	gint is_over;
};

static gpointer serve(gpointer data)
{
	struct serving *serving = data;

	while (!g_atomic_int_get(&serving->is_over)) {
		tachyon_publisher_wait(serving->publisher, SECOND_NS / 100);
		tachyon_publisher_dispatch(serving->publisher);
	}
	return NULL;
}

/* What the fakesink got, a byte each. */
static void note_value(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	guint8 byte = 0;

	(void)sink;
	(void)pad;
	gst_buffer_extract(buffer, 0, &byte, 1);
	g_async_queue_push(data, GUINT_TO_POINTER(byte));
}

struct raw {
	struct serving serving;
	GThread *thread;
	GstElement *consumer;
	GAsyncQueue *values;
};

static void start_raw(struct raw *raw)
{
	memset(raw, 0, sizeof *raw);
	CHECK_EQ(tachyon_publisher_create(ADDRESS, NULL, &raw->serving.publisher), 0);
	CHECK_EQ(tachyon_publisher_set_caps(raw->serving.publisher, "application/x-test"), 0);
	raw->thread = g_thread_new("serve", serve, &raw->serving);
	raw->values = g_async_queue_new();
	raw->consumer = launch(CONSUMER END " signal-handoffs=true sync=false async=false");
	g_signal_connect(part(raw->consumer, "end"), "handoff", G_CALLBACK(note_value),
			 raw->values);
	set_state(raw->consumer, GST_STATE_PLAYING);
	while (tachyon_publisher_subscribers(raw->serving.publisher) == 0)
		g_usleep(1000);
}

static void finish_raw(struct raw *raw)
{
	finish(raw->consumer);
	g_atomic_int_set(&raw->serving.is_over, 1);
	g_thread_join(raw->thread);
	tachyon_publisher_destroy(raw->serving.publisher);
	g_async_queue_unref(raw->values);
}

static char next_value(struct raw *raw)
{
	const gpointer value = g_async_queue_timeout_pop(raw->values, PATIENCE);

	CHECK(value != NULL);
	return (char)GPOINTER_TO_UINT(value);
}

TEST(what_was_sent_before_the_marker_is_let_go)
{
	struct raw raw;

	start_raw(&raw);
	send_flush(raw.serving.publisher, 7, 0, TRUE);
	send_value(raw.serving.publisher, 'a');
	CHECK_EQ(next_value(&raw), 'a');
	send_flush(raw.serving.publisher, 7, 1, FALSE);
	/* It is told when the request for this is answered; here: when it has flushed. */
	g_usleep(50000);
	send_value(raw.serving.publisher, 'b');
	send_value(raw.serving.publisher, 'c');
	send_flush(raw.serving.publisher, 7, 1, TRUE);
	send_value(raw.serving.publisher, 'd');
	CHECK_EQ(next_value(&raw), 'd');
	finish_raw(&raw);
}

TEST(a_marker_whose_announcement_was_lost_flushes_too)
{
	struct raw raw;

	start_raw(&raw);
	send_flush(raw.serving.publisher, 7, 0, TRUE);
	send_value(raw.serving.publisher, 'a');
	CHECK_EQ(next_value(&raw), 'a');
	send_flush(raw.serving.publisher, 7, 1, TRUE);
	send_value(raw.serving.publisher, 'b');
	CHECK_EQ(next_value(&raw), 'b');
	/* Late, it is nothing. */
	send_flush(raw.serving.publisher, 7, 1, FALSE);
	send_value(raw.serving.publisher, 'c');
	CHECK_EQ(next_value(&raw), 'c');
	finish_raw(&raw);
}

TEST(an_announcement_of_another_session_does_not_stop_this_one)
{
	struct raw raw;

	start_raw(&raw);
	send_flush(raw.serving.publisher, 7, 0, TRUE);
	send_value(raw.serving.publisher, 'a');
	CHECK_EQ(next_value(&raw), 'a');
	send_flush(raw.serving.publisher, 6, 9, FALSE);
	/* It flushes once; what comes while it does is lost. */
	do
		send_value(raw.serving.publisher, 'b');
	while (!g_async_queue_timeout_pop(raw.values, 1000));
	finish_raw(&raw);
}

TEST(malformed_flushes_and_answers_are_survived)
{
	static const char junk[100] = "junk";
	struct raw raw;
	guint32 type, size;

	start_raw(&raw);
	for (type = 0; type < 8; type++) {
		for (size = 0; size < 40; size++) {
			const struct tachyon_event event = {
				.type = type, .data = size > 0 ? junk : NULL, .size = size};

			/* AGAIN where it is slow to read them: that is fine, too. */
			tachyon_publisher_send_urgent(raw.serving.publisher, 0, &event);
			if (type != MESSAGE_FLUSH || size < sizeof(struct flush_message))
				tachyon_publisher_send_event(raw.serving.publisher, &event);
		}
	}
	do
		send_value(raw.serving.publisher, 'b');
	while (!g_async_queue_timeout_pop(raw.values, 1000));
	finish_raw(&raw);
}
