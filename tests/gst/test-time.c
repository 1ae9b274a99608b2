/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyontime.c. */
#include "gsttachyontime.h"
#include "harness.h"

#include <gst/check/gstcheck.h>
#include <gst/check/gsttestclock.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static GstSegment time_segment(guint64 start, guint64 stop, guint64 base)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.start = start;
	segment.stop = stop;
	segment.time = start;
	segment.base = base;
	return segment;
}

/* With its sign, as no GstClockTime has. */
static gint64 running_time(const GstSegment *segment, guint64 position)
{
	guint64 time;
	const gint sign =
		gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, position, &time);

	CHECK(sign != 0);
	CHECK(time <= G_MAXINT64); /* the sign tells, not a wrapped number */
	return sign * (gint64)time;
}

TEST(a_segment_is_shifted_by_the_difference_of_the_base_times)
{
	const GstSegment in = time_segment(100, GST_CLOCK_TIME_NONE, 7);
	GstSegment out;

	gst_tachyon_time_rebase_segment(&in, 5000, 3000, &out);
	CHECK_EQ(running_time(&out, 150), 57 + 2000);
	CHECK_EQ(gst_segment_to_stream_time(&out, GST_FORMAT_TIME, 150), 150);
}

TEST(running_times_below_zero_keep_their_spacing)
{
	const GstSegment in = time_segment(0, GST_CLOCK_TIME_NONE, 0);
	GstSegment out;

	gst_tachyon_time_rebase_segment(&in, 1000, 1600, &out);
	CHECK_EQ(running_time(&out, 0), -600);
	CHECK_EQ(running_time(&out, 100), -500);
	CHECK_EQ(running_time(&out, 600), 0);
	CHECK_EQ(running_time(&out, 700), 100);
}

TEST(a_segment_that_ended_before_running_time_zero_keeps_its_spacing)
{
	const GstSegment in = time_segment(50, 150, 10);
	GstSegment out;

	gst_tachyon_time_rebase_segment(&in, 0, 100000, &out);
	CHECK_EQ(running_time(&out, 50), 10 - 100000);
	CHECK_EQ(running_time(&out, 150), 110 - 100000);
}

TEST(a_shift_does_what_gstreamer_does_where_gstreamer_does_it)
{
	const gint64 deltas[] = {0, 1, -1, 999, -5, -6, -300, 1000000};
	const gdouble rates[] = {1.0, 2.0, 0.5, -1.0, -2.0};

	for (guint r = 0; r < G_N_ELEMENTS(rates); r++) {
		for (guint d = 0; d < G_N_ELEMENTS(deltas); d++) {
			GstSegment ours = time_segment(1000, 5000, 6);
			GstSegment theirs;

			ours.rate = rates[r];
			theirs = ours;
			gst_tachyon_time_shift_segment(&ours, deltas[d]);
			if (rates[r] < 0 && deltas[d] <= -6)
				continue; /* its offset is wrong backwards: computed from start */
			CHECK(gst_segment_offset_running_time(&theirs, GST_FORMAT_TIME, deltas[d]));
			CHECK_EQ(running_time(&ours, 2000), running_time(&theirs, 2000));
		}
	}
}

TEST(a_backward_segment_is_shifted_below_zero)
{
	GstSegment segment = time_segment(1000, 5000, 0);

	segment.rate = -2.0;
	CHECK_EQ(running_time(&segment, 4000), 500);
	gst_tachyon_time_shift_segment(&segment, -300);
	CHECK_EQ(running_time(&segment, 4000), 200);
	CHECK_EQ(running_time(&segment, 5000), -300);
}

TEST(a_backward_segment_never_counts_from_below_zero)
{
	GstSegment segment = time_segment(1000, 5000, 0);

	segment.rate = -1.0;
	gst_tachyon_time_shift_segment(&segment, -1000000);
	CHECK(segment.offset <= segment.stop);
}

TEST(a_base_time_before_boot_is_negative_and_its_difference_right)
{
	const GstSegment in = time_segment(0, GST_CLOCK_TIME_NONE, 0);
	GstSegment out;

	gst_tachyon_time_rebase_segment(&in, 100, (GstClockTime)-400, &out);
	CHECK_EQ(running_time(&out, 0), 500);
}

TEST(what_has_no_base_time_or_is_not_in_time_is_copied)
{
	GstSegment in = time_segment(10, 20, 30);
	GstSegment out;

	gst_tachyon_time_rebase_segment(&in, GST_CLOCK_TIME_NONE, 5, &out);
	CHECK(gst_segment_is_equal(&in, &out));
	gst_tachyon_time_rebase_segment(&in, 5, GST_CLOCK_TIME_NONE, &out);
	CHECK(gst_segment_is_equal(&in, &out));

	gst_segment_init(&in, GST_FORMAT_BYTES);
	gst_tachyon_time_rebase_segment(&in, 5, 50, &out);
	CHECK(gst_segment_is_equal(&in, &out));
}

TEST(the_system_clock_is_no_way_off)
{
	GstClock *clock = gst_system_clock_obtain();

	CHECK_EQ(gst_tachyon_time_clock_offset(clock), 0);
	gst_object_unref(clock);
}

TEST(a_calibrated_system_clock_is_measured)
{
	GstClock *clock = g_object_new(GST_TYPE_SYSTEM_CLOCK, NULL);
	GstClockTimeDiff offset;

	gst_object_ref_sink(clock);
	gst_clock_set_calibration(clock, 0, 5 * GST_SECOND, 1, 1);
	offset = gst_tachyon_time_clock_offset(clock);
	CHECK(ABS(offset - (GstClockTimeDiff)(5 * GST_SECOND)) < GST_MSECOND);
	gst_object_unref(clock);
}

TEST(a_realtime_clock_is_measured)
{
	GstClock *clock =
		g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", GST_CLOCK_TYPE_REALTIME, NULL);
	const GstClockTimeDiff expected =
		g_get_real_time() * 1000 - (gint64)gst_tachyon_time_monotonic();

	gst_object_ref_sink(clock);
	CHECK(ABS(gst_tachyon_time_clock_offset(clock) - expected) < GST_MSECOND);
	gst_object_unref(clock);
}

TEST(an_element_without_a_clock_has_no_base_time)
{
	GstElement *element = gst_bin_new(NULL);

	gst_object_ref_sink(element);
	CHECK_EQ(gst_tachyon_time_base_on_monotonic(element), GST_CLOCK_TIME_NONE);
	gst_object_unref(element);
}

TEST(a_base_time_of_the_system_clock_is_the_same_number)
{
	GstElement *element = gst_bin_new(NULL);
	GstClock *clock = gst_system_clock_obtain();

	gst_object_ref_sink(element);
	gst_element_set_clock(element, clock);
	gst_element_set_base_time(element, 12345);
	CHECK_EQ(gst_tachyon_time_base_on_monotonic(element), 12345);
	gst_object_unref(clock);
	gst_object_unref(element);
}

TEST(a_base_time_of_another_clock_is_told_on_monotonic)
{
	GstElement *element = gst_bin_new(NULL);
	GstClock *clock = gst_test_clock_new_with_start_time(100 * GST_SECOND);
	const GstClockTime now = gst_tachyon_time_monotonic();

	gst_object_ref_sink(element);
	gst_element_set_clock(element, clock);
	gst_element_set_base_time(element, 97 * GST_SECOND);
	/* Running time 0 was three seconds ago. */
	CHECK(ABS((gint64)(now - gst_tachyon_time_base_on_monotonic(element)) -
		  (gint64)(3 * GST_SECOND)) < 50 * GST_MSECOND);
	gst_object_unref(clock);
	gst_object_unref(element);
}
