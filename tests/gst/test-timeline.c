/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyontimeline.c. */
#include "gsttachyondrift.h"
#include "gsttachyonorigin.h"
#include "gsttachyontimeline.h"
#include "harness.h"

#include <stdio.h>

#define NONE GST_CLOCK_TIME_NONE
#define HOUR (3600 * GST_SECOND)

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

static gint64 running_time(const GstSegment *segment, guint64 position)
{
	guint64 time;
	const gint sign =
		gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, position, &time);

	CHECK(sign != 0);
	CHECK(time <= G_MAXINT64); /* the sign tells, not a wrapped number */
	return sign * (gint64)time;
}

/* Where a frame of this PTS comes out. */
static gint64 place(GstTachyonTimeline *timeline, guint64 pts, guint64 base, guint64 now)
{
	GstBuffer *buffer = stamped(pts, 10);
	gint64 time;

	gst_tachyon_timeline_advance(timeline, buffer, base, now);
	time = running_time(&timeline->segment, GST_BUFFER_PTS(buffer));
	gst_buffer_unref(buffer);
	return time;
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

TEST(a_source_that_is_not_live_begins_where_a_camera_is)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);
	GstBuffer *buffer = stamped(HOUR, 10), *unstamped = stamped(NONE, 10);
	GstClockTimeDiff first;

	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	gst_tachyon_timeline_set_producer_live(&timeline, TRUE);
	CHECK(!gst_tachyon_timeline_needs_origin(&timeline, NULL, &first));
	CHECK(!gst_tachyon_timeline_needs_origin(&timeline, unstamped, &first));
	CHECK(gst_tachyon_timeline_needs_origin(&timeline, buffer, &first));
	CHECK_EQ(first, HOUR);
	gst_tachyon_timeline_set_origin(&timeline, HOUR - 30);
	CHECK(!gst_tachyon_timeline_needs_origin(&timeline, buffer, &first));
	CHECK_EQ(place(&timeline, HOUR, NONE, 0), 30);
	CHECK_EQ(place(&timeline, HOUR + 40, 77, 0), 70);
	/* Another one goes on where this one ended. */
	gst_tachyon_timeline_restart(&timeline);
	gst_tachyon_timeline_set_producer_live(&timeline, TRUE);
	CHECK(!gst_tachyon_timeline_needs_origin(&timeline, buffer, &first));
	CHECK_EQ(place(&timeline, 5000, 77, 0), 80);
	gst_buffer_unref(unstamped);
	gst_buffer_unref(buffer);
}

TEST(only_a_source_that_is_not_live_and_joins_a_camera_has_an_origin)
{
	for (guint i = 0; i < 3 * 2 * 2; i++) {
		GstTachyonTimeline timeline = make(i % 3, i / 3 % 2);
		GstBuffer *buffer = stamped(HOUR, 10);
		GstClockTimeDiff first;

		gst_tachyon_timeline_set_producer_live(&timeline, i / 6);
		CHECK_EQ(gst_tachyon_timeline_needs_origin(&timeline, buffer, &first),
			 i % 3 == GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME && i / 3 % 2 == 0 &&
				 i / 6 == 1);
		gst_buffer_unref(buffer);
	}
}

TEST(who_joins_a_producer_together_begins_together)
{
	CHECK_EQ(gst_tachyon_origin_share(1000, 500, 0), 500);
	CHECK_EQ(gst_tachyon_origin_share(1100, 480, GST_SECOND), 500);
	CHECK_EQ(gst_tachyon_origin_share(1100 + 2 * GST_MSECOND, 480, GST_SECOND), 480);
	CHECK_EQ(gst_tachyon_origin_share(1100 + 2 * GST_MSECOND, 470, 4 * GST_SECOND), 470);
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

/* --- all kinds of segments --- */

TEST(every_kind_of_segment_is_moved_by_the_difference_of_the_base_times)
{
	const gdouble rates[] = {1, 2, 0.5, -1, -2};
	const guint64 bases[] = {0, 7 * GST_SECOND, HOUR};
	const gint64 deltas[] = {0, GST_SECOND, -(gint64)GST_SECOND, -(gint64)HOUR, (gint64)HOUR};

	for (guint i = 0; i < 5 * 3 * 5 * 2; i++) {
		GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
		const gint64 delta = deltas[i / 15 % 5];
		GstSegment segment;

		gst_segment_init(&segment, GST_FORMAT_TIME);
		segment.rate = rates[i % 5];
		segment.base = bases[i / 5 % 3];
		segment.start = 3 * HOUR;
		segment.stop = 5 * HOUR;
		segment.offset = i / 75 * 11 * GST_SECOND;
		gst_tachyon_timeline_set_segment(&timeline, &segment);
		gst_tachyon_timeline_set_producer_base(&timeline, 10 * HOUR + (guint64)delta);

		for (guint64 pts = 3 * HOUR; pts <= 5 * HOUR; pts += HOUR / 4)
			CHECK_EQ(place(&timeline, pts, 10 * HOUR, 0),
				 running_time(&segment, pts) + delta);
	}
}

TEST(a_consumer_that_starts_an_hour_later_is_in_time_at_once)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	gst_tachyon_timeline_set_producer_base(&timeline, GST_SECOND);
	CHECK_EQ(place(&timeline, HOUR, GST_SECOND + HOUR, 0), 0);
	CHECK_EQ(place(&timeline, HOUR + 40, GST_SECOND + HOUR, 0), 40);
	/* What had lain in the ring is late, each by its own amount. */
	CHECK_EQ(place(&timeline, HOUR - 80, GST_SECOND + HOUR, 0), -80);
	CHECK_EQ(place(&timeline, HOUR - 40, GST_SECOND + HOUR, 0), -40);
}

TEST(a_camera_of_an_hour_ago_begins_in_its_segment_and_a_file_is_all_in_it)
{
	for (guint is_live = 0; is_live < 2; is_live++) {
		GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

		gst_tachyon_timeline_set_producer_base(&timeline, GST_SECOND);
		gst_tachyon_timeline_set_producer_live(&timeline, is_live);
		CHECK_EQ(place(&timeline, HOUR + 40, GST_SECOND + HOUR, 0), 40);
		CHECK_EQ(place(&timeline, HOUR - 40, GST_SECOND + HOUR, 0), -40);
		CHECK_EQ(timeline.segment.start, is_live ? HOUR : 0);
		gst_tachyon_timeline_restart(&timeline); /* and who comes next is a file again */
		gst_tachyon_timeline_set_producer_base(&timeline, GST_SECOND);
		CHECK_EQ(place(&timeline, HOUR + 40, GST_SECOND + HOUR, 0), 40);
		CHECK_EQ(timeline.segment.start, 0);
	}
}

TEST(a_decoding_time_before_the_segment_keeps_its_distance)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstBuffer *buffer = stamped(1000, 40);

	set_segment(&timeline, 1000, 0);
	GST_BUFFER_DTS(buffer) = 920; /* two B-frames */
	gst_tachyon_timeline_set_producer_base(&timeline, 5000);
	gst_tachyon_timeline_advance(&timeline, buffer, 4000, 0);
	CHECK_EQ(running_time(&timeline.segment, GST_BUFFER_PTS(buffer)), 1000);
	CHECK_EQ(running_time(&timeline.segment, GST_BUFFER_DTS(buffer)), 920);
	gst_buffer_unref(buffer);
}

TEST(a_frame_with_nothing_but_a_decoding_time_is_a_beginning)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstBuffer *buffer = stamped(NONE, 10);

	GST_BUFFER_DTS(buffer) = 7000;
	gst_tachyon_timeline_advance(&timeline, buffer, 400, 500);
	CHECK_EQ(running_time(&timeline.segment, GST_BUFFER_DTS(buffer)), 100);
	gst_buffer_unref(buffer);
}

/* --- flushes --- */

TEST(a_flush_has_the_segment_sent_again)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 400, 0));
	CHECK(!gst_tachyon_timeline_advance(&timeline, NULL, 400, 0));
	gst_tachyon_timeline_flush(&timeline, TRUE);
	CHECK(gst_tachyon_timeline_advance(&timeline, NULL, 400, 0));
	CHECK_EQ(timeline.delta, 600);
}

TEST(a_producer_without_base_time_begins_again_after_a_flush)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);

	CHECK_EQ(place(&timeline, 10000, 400, 1400), 1000);
	gst_tachyon_timeline_flush(&timeline, FALSE);
	CHECK_EQ(place(&timeline, 10100, 400, 9400), 1100);
	gst_tachyon_timeline_flush(&timeline, TRUE);
	CHECK_EQ(place(&timeline, 0, 400, 9400), 9000);
}

TEST(a_flush_takes_a_source_that_is_not_live_back_to_zero)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);

	CHECK_EQ(place(&timeline, 500, NONE, 0), 500);
	gst_tachyon_timeline_restart(&timeline);
	CHECK_EQ(place(&timeline, 20, NONE, 0), 510);
	gst_tachyon_timeline_flush(&timeline, TRUE);
	CHECK_EQ(place(&timeline, 20, NONE, 0), 20);
	gst_tachyon_timeline_restart(&timeline);
	CHECK_EQ(place(&timeline, 0, NONE, 0), 30);
}

TEST(a_producer_that_goes_on_where_we_were_reset_is_placed_at_our_zero)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);

	CHECK_EQ(place(&timeline, 500, NONE, 0), 500);
	gst_tachyon_timeline_flush(&timeline, FALSE);
	CHECK_EQ(place(&timeline, 600, NONE, 0), 0);
	CHECK_EQ(place(&timeline, 640, NONE, 0), 40);
}

TEST(only_who_has_no_running_time_of_its_own_follows_a_reset)
{
	const GstTachyonTimeline live = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	const GstTachyonTimeline file = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, FALSE);
	const GstTachyonTimeline passthrough = make(GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH, TRUE);
	const GstTachyonTimeline arrival = make(GST_TACHYON_TIMESTAMP_MODE_ARRIVAL, TRUE);

	CHECK(!gst_tachyon_timeline_follows_resets(&live));
	CHECK(gst_tachyon_timeline_follows_resets(&file));
	CHECK(gst_tachyon_timeline_follows_resets(&passthrough));
	CHECK(!gst_tachyon_timeline_follows_resets(&arrival));
}

/* --- stamping what has no time --- */

TEST(a_frame_that_is_stamped_is_due_now_in_the_segment_that_is_in_force)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstBuffer *buffer = stamped(NONE, NONE), *other = stamped(5, NONE);

	set_segment(&timeline, 100, 0);
	gst_tachyon_timeline_set_producer_base(&timeline, 1000);
	gst_tachyon_timeline_advance(&timeline, buffer, 400, 5000);
	gst_tachyon_timeline_stamp(&timeline, buffer, 400, 5000);
	CHECK_EQ(running_time(&timeline.segment, GST_BUFFER_PTS(buffer)), 4600);
	gst_tachyon_timeline_stamp(&timeline, other, 400, 5000);
	CHECK_EQ(GST_BUFFER_PTS(other), 5);
	CHECK(!GST_BUFFER_DTS_IS_VALID(other));
	gst_buffer_unref(other);
	gst_buffer_unref(buffer);
}

TEST(without_a_base_time_nothing_is_stamped)
{
	GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstBuffer *buffer = stamped(NONE, NONE);

	gst_tachyon_timeline_advance(&timeline, buffer, NONE, 5000);
	gst_tachyon_timeline_stamp(&timeline, buffer, NONE, 5000);
	CHECK(!GST_BUFFER_PTS_IS_VALID(buffer));
	gst_buffer_unref(buffer);
}

/* --- an hour of two clocks that drift apart --- */

struct pipeline {
	gdouble rate;
	guint64 shown; /* by its clock, at the world's 0 */
	guint64 base_time;
	GstTachyonDrift drift;
	guint64 last_reading;
};

static struct pipeline make_pipeline(gdouble ppm, guint64 shown, guint64 base_time)
{
	struct pipeline pipeline = {.rate = 1 + ppm * 1e-6, .shown = shown, .base_time = base_time};

	gst_tachyon_drift_init(&pipeline.drift);
	return pipeline;
}

static guint64 clock_at(const struct pipeline *pipeline, guint64 now)
{
	return pipeline->shown + (guint64)((gdouble)now * pipeline->rate);
}

/* When the clock shows that. */
static guint64 moment_of(const struct pipeline *pipeline, guint64 time)
{
	return (guint64)((gdouble)(time - pipeline->shown) / pipeline->rate);
}

/* As gsttachyonclock.c does; readings that are up to 50 us wide. */
static guint64 base_at(struct pipeline *pipeline, guint64 now, GRand *rand)
{
	if (!pipeline->drift.is_known ||
	    now - pipeline->last_reading >= gst_tachyon_drift_interval(&pipeline->drift)) {
		const guint64 width = (guint64)g_rand_int_range(rand, 100, 50000);
		const guint64 error = (guint64)g_rand_int_range(rand, 0, (gint32)width) - width / 2;
		const GstTachyonReading reading = {
			.time = now,
			.offset = (gint64)(clock_at(pipeline, now) - now + error),
			.width = width,
		};

		gst_tachyon_drift_add(&pipeline->drift, &reading);
		pipeline->last_reading = now;
	}
	return pipeline->base_time - (guint64)gst_tachyon_drift_get(&pipeline->drift);
}

/* The greatest error of a frame's place in time, and of two streams' against each other. */
static void live_an_hour(gdouble producer_ppm, gdouble consumer_ppm, gint64 *error,
			 gint64 *lip_sync, guint *segments)
{
	GstTachyonTimeline video = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	GstTachyonTimeline audio = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
	struct pipeline producer = make_pipeline(producer_ppm, HOUR, 2 * HOUR);
	struct pipeline consumer = make_pipeline(consumer_ppm, 17, HOUR / 2);
	GRand *rand = g_rand_new_with_seed(4);

	set_segment(&video, 3 * GST_SECOND, 0);
	*error = *lip_sync = 0;
	*segments = 0;
	for (guint64 rt = 0; rt < HOUR; rt += GST_SECOND / 50) {
		const guint64 due = moment_of(&producer, producer.base_time + rt);
		const gint64 truth = (gint64)(clock_at(&consumer, due) - consumer.base_time);
		const gint64 old = video.delta;
		gint64 seen, heard;

		gst_tachyon_timeline_set_producer_base(&video, base_at(&producer, due, rand));
		seen = place(&video, 3 * GST_SECOND + rt, base_at(&consumer, due, rand), due);
		*segments += video.delta != old;
		/* Sound comes some milliseconds later. */
		gst_tachyon_timeline_set_producer_base(
			&audio, base_at(&producer, due + 5 * GST_MSECOND, rand));
		heard = place(&audio, rt, base_at(&consumer, due + 5 * GST_MSECOND, rand), due);

		*error = MAX(*error, ABS(seen - truth));
		*lip_sync = MAX(*lip_sync, ABS(heard - seen));
	}
	g_rand_free(rand);
	printf("# %+.0f and %+.0f ppm: error <= %" G_GINT64_FORMAT
	       " us, sound to picture <= %" G_GINT64_FORMAT " us, %u segments\n",
	       producer_ppm, consumer_ppm, *error / 1000, *lip_sync / 1000, *segments);
}

TEST(an_hour_of_two_clocks_that_drift_apart_stays_within_a_millisecond)
{
	const gdouble ppm[][2] = {{500, 0}, {0, 500}, {500, -500}, {-500, 500}, {50, -20}};

	for (guint i = 0; i < G_N_ELEMENTS(ppm); i++) {
		gint64 error, lip_sync;
		guint segments;

		live_an_hour(ppm[i][0], ppm[i][1], &error, &lip_sync, &segments);
		CHECK(error < (gint64)GST_MSECOND);
		CHECK(lip_sync < (gint64)GST_MSECOND);
	}
}

TEST(an_hour_of_clocks_of_one_rate_needs_one_segment)
{
	gint64 error, lip_sync;
	guint segments;

	live_an_hour(0, 0, &error, &lip_sync, &segments);
	CHECK_EQ(segments, 1);
	CHECK_EQ(lip_sync, 0);
}

/* --- peers that lie --- */

TEST(absurd_segments_harm_nobody)
{
	const guint64 values[] = {0, 1, G_MAXINT64, G_MAXINT64 + 1ull, G_MAXUINT64 - 1};
	const gdouble rates[] = {1, -1, 1e-300, -1e-300, 1e300, -1e300};

	for (guint i = 0; i < 5 * 5 * 5 * 6; i++) {
		GstTachyonTimeline timeline = make(GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME, TRUE);
		GstBuffer *buffer = stamped(values[i % 5], values[i / 5 % 5]);
		GstSegment segment;

		/* As far as the decoder lets them through. */
		gst_segment_init(&segment, GST_FORMAT_TIME);
		segment.rate = rates[i / 125];
		segment.stop = G_MAXUINT64 - 1;
		segment.base = values[i / 5 % 5];
		segment.offset = values[i / 25 % 5];
		gst_tachyon_timeline_set_segment(&timeline, &segment);
		gst_tachyon_timeline_set_producer_base(&timeline, values[i / 25 % 5]);
		for (guint j = 0; j < 5; j++) {
			gst_tachyon_timeline_advance(&timeline, buffer, values[j], 5);
			gst_tachyon_timeline_stamp(&timeline, buffer, values[j], 5);
		}
		CHECK(timeline.has_segment);
		gst_buffer_unref(buffer);
	}
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
