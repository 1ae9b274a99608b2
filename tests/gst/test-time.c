/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyontime.c. */
#include "gsttachyontime.h"
#include "harness.h"

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

TEST(what_comes_before_zero_is_put_before_the_segment)
{
	GstSegment segment = time_segment(1000, 9000, 0);

	segment.time = 5000;
	gst_tachyon_time_shift_segment(&segment, -600);
	gst_tachyon_time_clip_segment(&segment);
	CHECK_EQ(segment.start, 1600);
	CHECK_EQ(running_time(&segment, 1600), 0);
	CHECK_EQ(running_time(&segment, 1000), -600);
	CHECK_EQ(running_time(&segment, 8000), 6400);
	CHECK_EQ(gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, 1700), 5700);
}

TEST(a_segment_in_fast_motion_is_clipped_where_running_time_is_zero)
{
	GstSegment segment = time_segment(1000, GST_CLOCK_TIME_NONE, 0);

	segment.rate = 2.0;
	segment.applied_rate = 1.5;
	gst_tachyon_time_shift_segment(&segment, -300);
	gst_tachyon_time_clip_segment(&segment);
	CHECK_EQ(segment.start, 1600);
	CHECK_EQ(running_time(&segment, 2000), 200);
	CHECK_EQ(gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, 1600), 1000 + 900);
}

TEST(a_segment_that_has_nothing_before_zero_or_nothing_else_is_not_clipped)
{
	GstSegment segments[] = {time_segment(1000, 9000, 0), time_segment(1000, 9000, 700),
				 time_segment(1000, 9000, 0), time_segment(1000, 9000, 0)};

	gst_tachyon_time_shift_segment(&segments[1], -600);
	gst_tachyon_time_shift_segment(&segments[2], -8000); /* all of it is before */
	segments[3].rate = -1.0;
	gst_tachyon_time_shift_segment(&segments[3], -600);
	for (guint i = 0; i < G_N_ELEMENTS(segments); i++) {
		const GstSegment before = segments[i];

		gst_tachyon_time_clip_segment(&segments[i]);
		CHECK(gst_segment_is_equal(&before, &segments[i]));
	}
}

TEST(a_shift_at_an_absurd_rate_stays_a_number)
{
	GstSegment segment = time_segment(0, GST_CLOCK_TIME_NONE, 0);

	segment.rate = 1e300;
	gst_tachyon_time_shift_segment(&segment, -1);
	CHECK_EQ(segment.offset, G_MAXINT64);
	segment.rate = 1e-300;
	gst_tachyon_time_shift_segment(&segment, G_MININT64);
	CHECK_EQ(segment.offset, G_MAXINT64);
}
