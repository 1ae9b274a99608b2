/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyontimeline.c. */
#include "gsttachyontimeline.h"
#include "harness.h"

#define NONE GST_CLOCK_TIME_NONE

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static GstTachyonTimeline make(GstTachyonTimestampMode mode, gboolean is_live)
{
	GstTachyonTimeline timeline;

	gst_tachyon_timeline_init(&timeline, mode, is_live);
	return timeline;
}

static GstBuffer *stamped(guint64 pts, guint64 duration)
{
	GstBuffer *buffer = gst_buffer_new();

	GST_BUFFER_PTS(buffer) = pts;
	GST_BUFFER_DURATION(buffer) = duration;
	return buffer;
}

/* Where a frame of this PTS comes out. */
static gint64 place(GstTachyonTimeline *timeline, guint64 pts, guint64 base, guint64 now)
{
	GstBuffer *buffer = stamped(pts, 10);
	guint64 time;
	gint sign;

	gst_tachyon_timeline_advance(timeline, buffer, base, now);
	sign = gst_segment_to_running_time_full(&timeline->segment, GST_FORMAT_TIME,
						GST_BUFFER_PTS(buffer), &time);
	CHECK(sign != 0);
	CHECK(time <= G_MAXINT64); /* the sign tells, not a wrapped number */
	gst_buffer_unref(buffer);
	return sign * (gint64)time;
}

static void set_segment(GstTachyonTimeline *timeline, guint64 start, guint64 base)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.start = segment.time = start;
	segment.base = base;
	gst_tachyon_timeline_set_segment(timeline, &segment);
}

TEST(a_live_source_keeps_the_clock_time)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	set_segment(&timeline, 100, 0);
	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK_EQ(place(&timeline, 150, 400, 5000), 50 + 600);
	CHECK_EQ(timeline.delta, 600);
}

TEST(a_consumer_older_or_younger_than_the_producer_keeps_the_spacing)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK_EQ(place(&timeline, 0, 1500, 0), -500);
	CHECK_EQ(place(&timeline, 100, 1500, 0), -400);
	CHECK_EQ(place(&timeline, 700, 1500, 0), 200);
}

TEST(the_segment_is_new_once_and_when_something_changes)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 400, 0));
	CHECK(!gst_tachyon_timeline_advance(&timeline, NULL, 400, 1));
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 500, 2)); /* paused and resumed */
	set_segment(&timeline, 7, 0);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 500, 3));
	CHECK(!gst_tachyon_timeline_advance(&timeline, NULL, 500, 4));
	gst_tachyon_timeline_set_producer_base(&timeline, 1001);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 500, 5));
}

TEST(a_live_producer_without_base_time_begins_when_it_arrives)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	CHECK_EQ(place(&timeline, 10000, 400, 1400), 1000);
	CHECK_EQ(place(&timeline, 10020, 400, 9999), 1020);
}

TEST(a_frame_without_a_timestamp_is_no_beginning)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstBuffer *buffer = stamped(NONE, NONE);

	gst_tachyon_timeline_advance(&timeline, buffer, 400, 500);
	gst_buffer_unref(buffer);
	CHECK_EQ(place(&timeline, 10000, 400, 1400), 1000);
}

TEST(a_source_that_is_not_live_keeps_running_times)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);

	set_segment(&timeline, 100, 5);
	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK_EQ(place(&timeline, 150, NONE, 5000), 55);
	CHECK_EQ(place(&timeline, 160, 4000, 6000), 65);
}

TEST(a_source_that_is_not_live_goes_on_with_another_producer)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);

	CHECK_EQ(place(&timeline, 500, NONE, 0), 500);
	gst_tachyon_timeline_restart(&timeline);
	CHECK_EQ(place(&timeline, 0, NONE, 0), 510);
	CHECK_EQ(place(&timeline, 30, NONE, 0), 540);
	gst_tachyon_timeline_restart(&timeline);
	CHECK_EQ(place(&timeline, 0, NONE, 0), 550);
}

TEST(another_live_producer_is_placed_by_its_own_base_time)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK_EQ(place(&timeline, 100, 1000, 0), 100);
	gst_tachyon_timeline_restart(&timeline);
	gst_tachyon_timeline_set_producer_base(&timeline, 3000);
	CHECK_EQ(place(&timeline, 5, 1000, 0), 2005);
}

TEST(passthrough_changes_nothing)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH, TRUE);
	GstBuffer *buffer = stamped(150, 10);

	set_segment(&timeline, 100, 5);
	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK(gst_tachyon_timeline_advance(&timeline, buffer, 400, 5000));
	CHECK(gst_segment_is_equal(&timeline.segment, &timeline.producer));
	CHECK_EQ(GST_BUFFER_PTS(buffer), 150);
	gst_buffer_unref(buffer);
}

TEST(bytes_are_passed_through_in_any_mode)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_BYTES);
	gst_tachyon_timeline_set_segment(&timeline, &segment);
	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 400, 5000));
	CHECK(gst_segment_is_equal(&timeline.segment, &segment));
}

TEST(arrival_stamps_with_the_running_time_of_now)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_ARRIVAL, TRUE);
	GstBuffer *buffer = stamped(NONE, NONE);

	set_segment(&timeline, 100, 5);
	gst_tachyon_timeline_advance(&timeline, buffer, 400, 5000);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 4600);
	CHECK_EQ(GST_BUFFER_DTS(buffer), NONE);
	gst_buffer_unref(buffer);
	CHECK_EQ(place(&timeline, 7, 400, 6000), 5600);
}

TEST(arrival_keeps_the_order_of_pictures)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_ARRIVAL, TRUE);
	GstBuffer *buffer = stamped(80, 10);

	GST_BUFFER_DTS(buffer) = 40;
	gst_tachyon_timeline_advance(&timeline, buffer, 400, 1400);
	CHECK_EQ(GST_BUFFER_DTS(buffer), 1000);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 1040);
	gst_buffer_unref(buffer);
}

TEST(absurd_times_wrap_and_harm_nobody)
{
	const guint64 values[] = {0,	      1, G_MAXINT64, G_MAXINT64 + 1ull, G_MAXUINT64 - 1,
				  G_MAXUINT64};

	for (guint i = 0; i < 6 * 6 * 6 * 6; i++) {
		GstTachyonTimeline timeline = make(i % 3, i % 2);
		GstBuffer *buffer = stamped(values[i % 6], values[i / 6 % 6]);

		gst_tachyon_timeline_set_producer_base(&timeline, values[i / 36 % 6]);
		gst_tachyon_timeline_advance(&timeline, buffer, values[i / 216 % 6], 5);
		gst_tachyon_timeline_restart(&timeline);
		gst_tachyon_timeline_advance(&timeline, buffer, values[i / 216 % 6], 5);
		CHECK(timeline.has_segment);
		gst_buffer_unref(buffer);
	}
}
