/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of queries, seeks and flushes as the bytes that cross. */
#include <gst/gst.h>
#include <math.h>
#include <string.h>

#include "gsttachyonrequest.h"
#include "harness.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- queries --- */

static GstQuery *cross_query(GstQuery *query)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event event;
	struct request_message head;
	GstQuery *out;
	gchar *text;

	CHECK(gst_tachyon_request_from_query(query, 42, bytes, &event));
	CHECK_EQ(event.type, MESSAGE_REQUEST);
	CHECK_EQ(event.flags, 0);
	CHECK(gst_tachyon_request_parse(&event, &head, &text));
	CHECK_EQ(head.id, 42);
	CHECK_EQ(head.kind, REQUEST_QUERY);
	CHECK_EQ(head.type, GST_QUERY_TYPE(query));
	out = gst_tachyon_request_to_query(&head, text);
	CHECK(out != NULL);
	CHECK_EQ(GST_QUERY_TYPE(out), GST_QUERY_TYPE(query));
	g_free(text);
	g_byte_array_unref(bytes);
	return out;
}

/* What the producer filled in, as the asker gets it. */
static gboolean cross_answer(const GstQuery *filled, GstQuery *query)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event event;
	struct answer_message head;
	gboolean applied;
	gchar *text;

	CHECK(gst_tachyon_answer_encode(7, TRUE, filled, bytes, &event));
	CHECK_EQ(event.type, MESSAGE_ANSWER);
	CHECK(gst_tachyon_answer_parse(&event, &head, &text));
	CHECK_EQ(head.id, 7);
	CHECK_EQ(head.result, 1);
	applied = gst_tachyon_answer_apply(text, query);
	g_free(text);
	g_byte_array_unref(bytes);
	return applied;
}

TEST(position_and_duration_cross_both_ways)
{
	GstQuery *position = gst_query_new_position(GST_FORMAT_TIME);
	GstQuery *duration = gst_query_new_duration(GST_FORMAT_BYTES);
	GstQuery *asked = cross_query(position);
	GstFormat format;
	gint64 value;

	gst_query_set_position(asked, GST_FORMAT_TIME, 12345678901234);
	CHECK(cross_answer(asked, position));
	gst_query_parse_position(position, &format, &value);
	CHECK_EQ(format, GST_FORMAT_TIME);
	CHECK_EQ(value, 12345678901234);
	gst_query_unref(asked);

	asked = cross_query(duration);
	gst_query_set_duration(asked, GST_FORMAT_BYTES, -1);
	CHECK(cross_answer(asked, duration));
	gst_query_parse_duration(duration, &format, &value);
	CHECK_EQ(format, GST_FORMAT_BYTES);
	CHECK_EQ(value, -1);
	gst_query_unref(asked);
	gst_query_unref(position);
	gst_query_unref(duration);
}

TEST(seeking_crosses_both_ways)
{
	GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
	GstQuery *asked = cross_query(query);
	gint64 start, end;
	gboolean seekable;

	gst_query_set_seeking(asked, GST_FORMAT_TIME, TRUE, 5, G_MAXINT64);
	CHECK(cross_answer(asked, query));
	gst_query_parse_seeking(query, NULL, &seekable, &start, &end);
	CHECK(seekable);
	CHECK_EQ(start, 5);
	CHECK_EQ(end, G_MAXINT64);
	gst_query_unref(asked);
	gst_query_unref(query);
}

TEST(convert_crosses_both_ways)
{
	GstQuery *query = gst_query_new_convert(GST_FORMAT_TIME, -3, GST_FORMAT_DEFAULT);
	GstQuery *asked = cross_query(query);
	GstFormat source, target;
	gint64 value, result;

	gst_query_parse_convert(asked, &source, &value, &target, NULL);
	CHECK_EQ(source, GST_FORMAT_TIME);
	CHECK_EQ(value, -3);
	CHECK_EQ(target, GST_FORMAT_DEFAULT);
	gst_query_set_convert(asked, source, value, target, 99);
	CHECK(cross_answer(asked, query));
	gst_query_parse_convert(query, NULL, &value, &target, &result);
	CHECK_EQ(value, -3);
	CHECK_EQ(target, GST_FORMAT_DEFAULT);
	CHECK_EQ(result, 99);
	gst_query_unref(asked);
	gst_query_unref(query);
}

TEST(queries_that_mean_nothing_elsewhere_do_not_cross)
{
	GstQuery *queries[] = {
		gst_query_new_latency(),
		gst_query_new_caps(NULL),
		gst_query_new_uri(),
		gst_query_new_position(gst_format_register("mine", "of this process alone")),
	};
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event event;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(queries); i++) {
		CHECK(!gst_tachyon_request_from_query(queries[i], 1, bytes, &event));
		gst_query_unref(queries[i]);
	}
	g_byte_array_unref(bytes);
}

TEST(what_is_too_long_is_refused)
{
	gchar *text = g_strnfill(5000, 'x');
	GstQuery *query = gst_query_new_custom(
		GST_QUERY_CUSTOM, gst_structure_new("long", "text", G_TYPE_STRING, text, NULL));
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event event;

	CHECK(!gst_tachyon_request_from_query(query, 1, bytes, &event));
	CHECK(!gst_tachyon_answer_encode(1, TRUE, query, bytes, &event));
	g_byte_array_unref(bytes);
	gst_query_unref(query);
	g_free(text);
}

/* --- seeks --- */

static GstEvent *cross_seek(GstEvent *seek, guint32 *seqnum)
{
	GByteArray *bytes = g_byte_array_new();
	struct request_message head;
	struct tachyon_event event;
	GstEvent *out;
	gchar *text;

	CHECK(gst_tachyon_request_from_seek(seek, 1, bytes, &event));
	CHECK(gst_tachyon_request_parse(&event, &head, &text));
	CHECK_EQ(head.kind, REQUEST_SEEK);
	out = gst_tachyon_request_to_seek(text, seqnum);
	CHECK(out != NULL);
	g_free(text);
	g_byte_array_unref(bytes);
	return out;
}

TEST(seeks_cross_whole)
{
	GstEvent *seek = gst_event_new_seek(-1.5, GST_FORMAT_TIME,
					    GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_TRICKMODE,
					    GST_SEEK_TYPE_SET, 1, GST_SEEK_TYPE_END, -5);
	GstSeekType start_type, stop_type;
	GstClockTime interval;
	GstSeekFlags flags;
	GstFormat format;
	gint64 start, stop;
	guint32 seqnum;
	GstEvent *out;
	gdouble rate;

	gst_event_set_seek_trickmode_interval(seek, 77);
	out = cross_seek(seek, &seqnum);
	gst_event_parse_seek(out, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
	gst_event_parse_seek_trickmode_interval(out, &interval);
	CHECK(rate == -1.5);
	CHECK_EQ(format, GST_FORMAT_TIME);
	CHECK_EQ(flags, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_TRICKMODE);
	CHECK_EQ(start_type, GST_SEEK_TYPE_SET);
	CHECK_EQ(start, 1);
	CHECK_EQ(stop_type, GST_SEEK_TYPE_END);
	CHECK_EQ(stop, -5);
	CHECK_EQ(interval, 77);
	CHECK_EQ(seqnum, gst_event_get_seqnum(seek));
	gst_event_unref(seek);
	gst_event_unref(out);
}

TEST(seeks_that_no_constructor_takes_are_refused)
{
	static const char *const numbers[][5] = {
		/* rate, format, flags, start-type, stop-type */
		{"0.0", "3", "1", "1", "0"},
		{"nan", "3", "1", "1", "0"},
		{"inf", "3", "1", "1", "0"},
		{"1.0", "6", "1", "1", "0"},
		{"1.0", "-1", "1", "1", "0"},
		{"1.0", "3", "1", "3", "0"},
		{"1.0", "3", "1", "1", "-1"},
		/* instant rate changes go with no position, and no flush */
		{"1.0", "3", "1024", "1", "0"},
		{"1.0", "3", "1025", "0", "0"},
	};
	guint32 seqnum;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(numbers); i++) {
		gchar *text = g_strdup_printf(
			"seek, rate=(double)%s, format=(int)%s, flags=(uint)%s, start-type=(int)%s,"
			" start=(gint64)0, stop-type=(int)%s, stop=(gint64)0, interval=(guint64)0,"
			" seqnum=(uint)1",
			numbers[i][0], numbers[i][1], numbers[i][2], numbers[i][3], numbers[i][4]);

		CHECK(gst_tachyon_request_to_seek(text, &seqnum) == NULL);
		g_free(text);
	}
}

/* --- a stranger's --- */

TEST(any_bytes_are_read_without_harm)
{
	guint8 bytes[200];
	int round;

	for (round = 0; round < 20000; round++) {
		const gsize size = (gsize)g_random_int_range(0, sizeof bytes);
		struct tachyon_event event = {.data = size > 0 ? bytes : NULL, .size = size};
		struct request_message request;
		struct answer_message answer;
		struct flush_message flush;
		gchar *text;
		gsize i;

		for (i = 0; i < size; i++)
			bytes[i] = (guint8)g_random_int();
		event.type = MESSAGE_REQUEST;
		if (gst_tachyon_request_parse(&event, &request, &text)) {
			GstQuery *query = gst_tachyon_request_to_query(&request, text);
			guint32 seqnum;
			GstEvent *seek = gst_tachyon_request_to_seek(text, &seqnum);

			g_clear_pointer(&query, gst_query_unref);
			gst_clear_event(&seek);
			g_free(text);
		}
		event.type = MESSAGE_ANSWER;
		if (gst_tachyon_answer_parse(&event, &answer, &text))
			g_free(text);
		event.type = MESSAGE_FLUSH;
		gst_tachyon_flush_parse(&event, &flush);
	}
	CHECK(TRUE);
}

TEST(answers_that_do_not_fit_the_question_change_nothing)
{
	static const char *const answers[] = {
		"",
		"answer",
		"answer, format=(int)3",
		"answer, format=(int)99, value=(gint64)1",
		"answer, format=(string)time, value=(gint64)1",
		"answer, format=(int)3, value=(int)1",
		"answer, format=(int)3, value=(gint64)1, seekable=(int)1",
		"answer, format=(int)3, value={ (gint64)1, (gint64)2 }",
	};
	GstQuery *query = gst_query_new_seeking(GST_FORMAT_TIME);
	gboolean seekable;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(answers); i++)
		CHECK(!gst_tachyon_answer_apply(answers[i], query));
	gst_query_parse_seeking(query, NULL, &seekable, NULL, NULL);
	CHECK(!seekable);
	gst_query_unref(query);
}

/* GStreamer asserts it; what asserts in an application must not be a producer's to choose. */
TEST(an_answer_in_another_format_than_was_asked_changes_nothing)
{
	GstQuery *position = gst_query_new_position(GST_FORMAT_TIME);
	GstQuery *duration = gst_query_new_duration(GST_FORMAT_TIME);
	gint64 value;

	CHECK(!gst_tachyon_answer_apply("answer, format=(int)2, value=(gint64)5", position));
	CHECK(!gst_tachyon_answer_apply("answer, format=(int)4, value=(gint64)5", duration));
	gst_query_parse_position(position, NULL, &value);
	CHECK_EQ(value, -1);
	gst_query_parse_duration(duration, NULL, &value);
	CHECK_EQ(value, -1);
	gst_query_unref(position);
	gst_query_unref(duration);
}

TEST(a_marker_is_state_between_stream_start_and_caps)
{
	const struct flush_message flush = {.count = 3, .reset_time = 1, .session = 9};
	struct tachyon_event marker, announcement;
	struct flush_message out;

	gst_tachyon_flush_encode(&flush, TRUE, &marker);
	gst_tachyon_flush_encode(&flush, FALSE, &announcement);
	CHECK_EQ(marker.flags, TACHYON_EVENT_STICKY);
	CHECK(marker.order > TACHYON_ORDER_STREAM_START && marker.order < TACHYON_ORDER_CAPS);
	CHECK_EQ(announcement.flags, 0);
	CHECK(gst_tachyon_flush_parse(&marker, &out));
	CHECK_MEM_EQ(&out, &flush, sizeof out);
}
