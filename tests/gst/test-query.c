/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of queries that the producer answers for elements behind a tachyonsrc. */
#include "pair-fixture.h"

#include "gsttachyonrequest.h"

/* One that can tell how long it is: 10 s. */
#define CLIP                                                                             \
	"videotestsrc name=origin num-buffers=1000 ! video/x-raw,format=GRAY8,width=16," \
	"height=16,framerate=100/1 ! tachyonsink name=sink socket-path=" ADDRESS         \
	" sync=false max-buffers=4 wait-for-connection=true"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static struct pair *start_paused(const char *producer)
{
	struct pair *pair = start_pair(producer, CONSUMER " is-live=false" END);

	set_state(pair->consumer, GST_STATE_PAUSED);
	await_state(pair->consumer, GST_STATE_PAUSED);
	return pair;
}

/* As an element behind the source asks. */
static gboolean ask(struct pair *pair, GstQuery *query)
{
	GstPad *pad = gst_element_get_static_pad(part(pair->consumer, "end"), "sink");
	const gboolean answered = gst_pad_peer_query(pad, query);

	gst_object_unref(pad);
	return answered;
}

static GstPadProbeReturn answer_duration(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);

	(void)pad;
	(void)data;
	if (GST_QUERY_TYPE(query) != GST_QUERY_DURATION)
		return GST_PAD_PROBE_OK;
	gst_query_set_duration(query, GST_FORMAT_TIME, 77 * GST_SECOND);
	return GST_PAD_PROBE_HANDLED;
}

TEST(position_is_the_producers)
{
	struct pair *pair = start_paused(CLIP);
	GstQuery *query = gst_query_new_position(GST_FORMAT_TIME);
	gint64 position;

	CHECK(seek_to(pair, 5 * GST_SECOND));
	CHECK_EQ(landing(pair), 5 * GST_SECOND);
	CHECK(ask(pair, query));
	gst_query_parse_position(query, NULL, &position);
	CHECK(position >= 5 * (gint64)GST_SECOND && position < 6 * (gint64)GST_SECOND);
	gst_query_unref(query);
	finish_pair(pair);
}

TEST(duration_is_the_producers)
{
	struct pair *pair = start_paused(CLIP);
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	gint64 duration;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_duration, NULL, NULL);
	CHECK(gst_element_query_duration(pair->consumer, GST_FORMAT_TIME, &duration));
	CHECK_EQ(duration, 77 * GST_SECOND);
	gst_object_unref(pad);
	finish_pair(pair);
}

static gboolean is_seekable(struct pair *pair)
{
	GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
	gboolean seekable = FALSE;

	CHECK(ask(pair, query));
	gst_query_parse_seeking(query, NULL, &seekable, NULL, NULL);
	gst_query_unref(query);
	return seekable;
}

TEST(seeking_is_yes_where_the_producer_can)
{
	struct pair *pair = start_paused(CLIP);

	CHECK(is_seekable(pair));
	finish_pair(pair);
}

TEST(seeking_is_no_where_the_producer_cannot)
{
	struct pair *pair = start_stream(CONSUMER END " sync=false");

	CHECK(!is_seekable(pair));
	finish_pair(pair);
}

TEST(seeking_is_no_for_one_of_several)
{
	struct pair *pair = start_paused(CLIP);
	struct tachyon_subscriber *other = join(ADDRESS);

	await_stat(sink_of(pair->producer), "subscribers", 2);
	CHECK(!is_seekable(pair));
	tachyon_subscriber_destroy(other);
	while (stat_of(sink_of(pair->producer), "subscribers") > 1)
		g_usleep(1000);
	CHECK(is_seekable(pair));
	finish_pair(pair);
}

TEST(convert_is_the_producers)
{
	struct pair *pair = start_paused(CLIP);
	GstQuery *query =
		gst_query_new_convert(GST_FORMAT_TIME, 2 * GST_SECOND, GST_FORMAT_DEFAULT);
	gint64 frames;

	CHECK(ask(pair, query));
	gst_query_parse_convert(query, NULL, NULL, NULL, &frames);
	CHECK_EQ(frames, 200);
	gst_query_unref(query);
	finish_pair(pair);
}

static GstPadProbeReturn answer_custom(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);
	gint number;

	(void)pad;
	(void)data;
	if (GST_QUERY_TYPE(query) != GST_QUERY_CUSTOM ||
	    !gst_structure_get_int(gst_query_get_structure(query), "number", &number))
		return GST_PAD_PROBE_OK;
	gst_structure_set(gst_query_writable_structure(query), "twice", G_TYPE_INT, 2 * number,
			  NULL);
	return GST_PAD_PROBE_HANDLED;
}

TEST(custom_queries_are_answered_by_the_producers_elements)
{
	struct pair *pair = start_paused(CLIP);
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	GstQuery *query = gst_query_new_custom(
		GST_QUERY_CUSTOM, gst_structure_new("double", "number", G_TYPE_INT, 21, "mine",
						    G_TYPE_POINTER, pair, NULL));
	gpointer mine;
	gint twice;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_custom, NULL, NULL);
	CHECK(ask(pair, query));
	CHECK(gst_structure_get(gst_query_get_structure(query), "twice", G_TYPE_INT, &twice, "mine",
				G_TYPE_POINTER, &mine, NULL));
	CHECK_EQ(twice, 42);
	CHECK(mine == pair);
	gst_query_unref(query);
	gst_object_unref(pad);
	finish_pair(pair);
}

/* --- when there is no answer --- */

static GstPadProbeReturn answer_late(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad;
	if (GST_QUERY_TYPE(GST_PAD_PROBE_INFO_QUERY(info)) == GST_QUERY_CONVERT) {
		while (!g_atomic_int_get((gint *)data))
			g_usleep(1000);
	}
	return GST_PAD_PROBE_OK;
}

TEST(a_query_that_is_not_answered_in_time_is_the_sources_own)
{
	struct pair *pair = start_paused(CLIP);
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");
	GstQuery *query = gst_query_new_convert(GST_FORMAT_TIME, 2, GST_FORMAT_DEFAULT);
	gint go_on = 0;

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_late, &go_on, NULL);
	CHECK(!ask(pair, query));
	/* Its answer, which nobody waits for any more, does no harm. */
	g_atomic_int_set(&go_on, 1);
	CHECK(is_seekable(pair));
	gst_query_unref(query);
	gst_object_unref(pad);
	finish_pair(pair);
}

struct asking {
	struct pair *pair;
	gint is_over;
};

static gpointer ask_all_the_time(gpointer data)
{
	struct asking *asking = data;

	while (!g_atomic_int_get(&asking->is_over)) {
		GstQuery *query = gst_query_new_position(GST_FORMAT_TIME);

		ask(asking->pair, query);
		gst_query_unref(query);
	}
	return NULL;
}

TEST(queries_while_the_producer_comes_and_goes_end)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " on-disconnect=none" END " sync=false");
	struct asking asking = {.pair = pair};
	GThread *threads[2];
	size_t i;

	for (i = 0; i < 2; i++)
		threads[i] = g_thread_new("ask", ask_all_the_time, &asking);
	for (i = 0; i < 20; i++) {
		CHECK_EQ(gst_element_set_state(pair->producer, GST_STATE_NULL),
			 GST_STATE_CHANGE_SUCCESS);
		g_atomic_int_set(&pair->buffers, 0);
		set_state(pair->producer, GST_STATE_PLAYING);
		while (g_atomic_int_get(&pair->buffers) == 0)
			g_usleep(100);
	}
	g_atomic_int_set(&asking.is_over, 1);
	for (i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	finish_pair(pair);
}

TEST(a_source_that_is_not_connected_answers_at_once)
{
	GstElement *const pipeline = launch(CONSUMER END);
	GstQuery *query = gst_query_new_duration(GST_FORMAT_TIME);
	GstPad *pad = gst_element_get_static_pad(part(pipeline, "src"), "src");
	int i;

	set_state(pipeline, GST_STATE_PLAYING);
	for (i = 0; i < 1000; i++)
		gst_pad_query(pad, query);
	CHECK(TRUE);
	gst_query_unref(query);
	gst_object_unref(pad);
	finish(pipeline);
}

/* --- a subscriber that asks what it likes --- */

static void send_request(struct tachyon_subscriber *subscriber, guint32 id, guint32 kind,
			 guint32 type, const char *text)
{
	const struct request_message head = {.id = id, .kind = kind, .type = type};
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event event = {.type = MESSAGE_REQUEST};

	g_byte_array_append(bytes, (const guint8 *)&head, sizeof head);
	g_byte_array_append(bytes, (const guint8 *)text, strlen(text));
	event.data = bytes->data;
	event.size = bytes->len;
	while (tachyon_subscriber_send_urgent(subscriber, &event) == TACHYON_ERR_AGAIN)
		g_usleep(1000);
	g_byte_array_unref(bytes);
}

static guint32 await_answer(struct tachyon_subscriber *subscriber, guint32 id, gchar **text)
{
	struct tachyon_event event;
	struct answer_message head;

	do
		CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, 10 * SECOND_NS), 0);
	while (event.type != MESSAGE_ANSWER);
	CHECK(gst_tachyon_answer_parse(&event, &head, text));
	CHECK_EQ(head.id, id);
	return head.result;
}

static struct tachyon_subscriber *join_urgent(void)
{
	const struct tachyon_subscriber_options options = {.size = sizeof options,
							   .takes_urgent = 1};
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create(ADDRESS, &options, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 10 * SECOND_NS), 0);
	return subscriber;
}

TEST(requests_that_make_no_sense_are_refused)
{
	static const struct {
		guint32 kind;
		guint32 type;
		const char *text;
	} requests[] = {
		{0, 0, ""},
		{3, 0, "query"},
		{REQUEST_QUERY, 0, "query"},
		{REQUEST_QUERY, GST_QUERY_POSITION, ""},
		{REQUEST_QUERY, GST_QUERY_POSITION, "query"},
		{REQUEST_QUERY, GST_QUERY_POSITION, "query, format=(int)99"},
		{REQUEST_QUERY, GST_QUERY_POSITION, "query, format=(string)time"},
		{REQUEST_QUERY, GST_QUERY_CAPS, "query, format=(int)3"},
		{REQUEST_QUERY, GST_QUERY_ALLOCATION, "query, format=(int)3"},
		{REQUEST_QUERY, GST_QUERY_CONVERT, "query, format=(int)3"},
		{REQUEST_SEEK, 0, ""},
		{REQUEST_SEEK, 0, "seek"},
		{REQUEST_SEEK, 0,
		 "seek, rate=(double)0, format=(int)3, flags=(uint)1, start-type=(int)1, "
		 "start=(gint64)0, stop-type=(int)0, stop=(gint64)0, interval=(guint64)0, "
		 "seqnum=(uint)1"},
		{REQUEST_SEEK, 0,
		 "seek, rate=(double)1, format=(int)3, flags=(uint)1, start-type=(int)9, "
		 "start=(gint64)0, stop-type=(int)0, stop=(gint64)0, interval=(guint64)0, "
		 "seqnum=(uint)1"},
	};
	GstElement *const pipeline = launch(PRODUCER);
	struct tachyon_subscriber *subscriber;
	gchar *text;
	guint32 i;

	reach_state(pipeline, GST_STATE_PLAYING);
	subscriber = join_urgent();
	for (i = 0; i < G_N_ELEMENTS(requests); i++) {
		send_request(subscriber, i, requests[i].kind, requests[i].type, requests[i].text);
		CHECK_EQ(await_answer(subscriber, i, &text), 0);
		g_free(text);
	}
	/* And a good one is answered. */
	send_request(subscriber, 100, REQUEST_QUERY, GST_QUERY_POSITION, "query, format=(int)3");
	CHECK_EQ(await_answer(subscriber, 100, &text), 1);
	g_free(text);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

static GstPadProbeReturn hold(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	gint *held = data;

	(void)pad;
	(void)info;
	g_atomic_int_inc(held);
	while (g_atomic_int_get(held) < 1000)
		g_usleep(1000);
	return GST_PAD_PROBE_OK;
}

TEST(a_subscriber_that_asks_without_end_has_four_requests_under_way)
{
	GstElement *const pipeline = launch(PRODUCER);
	GstPad *pad = gst_element_get_static_pad(part(pipeline, "origin"), "src");
	struct tachyon_subscriber *subscriber;
	guint32 i, refused = 0;
	gint held = 0;
	gchar *text;

	reach_state(pipeline, GST_STATE_PLAYING);
	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, hold, &held, NULL);
	subscriber = join_urgent();
	for (i = 0; i < 100; i++)
		send_request(subscriber, 1, REQUEST_QUERY, GST_QUERY_DURATION,
			     "query, format=(int)3");
	for (; refused < 96; refused++) {
		CHECK_EQ(await_answer(subscriber, 1, &text), 0);
		g_free(text);
	}
	while (g_atomic_int_get(&held) < 4)
		g_usleep(1000);
	CHECK_EQ(g_atomic_int_get(&held), 4);
	g_atomic_int_set(&held, 1000);
	for (i = 0; i < 4; i++) {
		await_answer(subscriber, 1, &text);
		g_free(text);
	}
	/* Then it may ask again. */
	send_request(subscriber, 2, REQUEST_QUERY, GST_QUERY_POSITION, "query, format=(int)3");
	CHECK_EQ(await_answer(subscriber, 2, &text), 1);
	g_free(text);
	tachyon_subscriber_destroy(subscriber);
	gst_object_unref(pad);
	finish(pipeline);
}
