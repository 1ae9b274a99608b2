/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonclock.c. */
#include "foreign-clock.h"
#include "gsttachyonclock.h"
#include "gsttachyondrift.h"
#include "harness.h"

#include <gst/check/gsttestclock.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

static gint64 offset_now(GstClock *clock)
{
	return gst_tachyon_clock_get_offset(clock, gst_tachyon_time_monotonic());
}

/* As a streaming thread that looks at each frame. */
static gint64 follow_for(GstClock *clock, guint64 duration)
{
	const guint64 end = gst_tachyon_time_monotonic() + duration;

	while (gst_tachyon_time_monotonic() < end) {
		offset_now(clock);
		g_usleep(2000);
	}
	return offset_now(clock);
}

static gint64 true_offset(GstClock *clock)
{
	const guint64 now = gst_tachyon_time_monotonic();

	return (gint64)(foreign_clock_at((ForeignClock *)clock, now) - now);
}

TEST(the_system_clock_is_no_way_off)
{
	GstClock *clock = gst_system_clock_obtain();

	CHECK_EQ(offset_now(clock), 0);
	CHECK_EQ(offset_now(clock), 0);
	gst_object_unref(clock);
}

TEST(a_system_clock_that_is_calibrated_is_measured_and_is_exact_again_afterwards)
{
	GstClock *clock = g_object_new(GST_TYPE_SYSTEM_CLOCK, NULL);

	gst_object_ref_sink(clock);
	CHECK_EQ(offset_now(clock), 0);
	gst_clock_set_calibration(clock, 0, 5 * GST_SECOND, 1, 1);
	CHECK(ABS(follow_for(clock, 200 * GST_MSECOND) - (gint64)(5 * GST_SECOND)) <
	      (gint64)GST_MSECOND);
	gst_clock_set_calibration(clock, 0, 0, 1, 1);
	CHECK_EQ(follow_for(clock, 200 * GST_MSECOND), 0);
	gst_object_unref(clock);
}

TEST(a_realtime_clock_is_measured)
{
	GstClock *clock =
		g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", GST_CLOCK_TYPE_REALTIME, NULL);
	const gint64 expected = g_get_real_time() * 1000 - (gint64)gst_tachyon_time_monotonic();

	gst_object_ref_sink(clock);
	CHECK(ABS(offset_now(clock) - expected) < (gint64)GST_MSECOND);
	gst_object_unref(clock);
}

TEST(a_drifting_clock_is_followed)
{
	GstClock *clock = foreign_clock_new(500);

	for (guint i = 0; i < 10; i++)
		CHECK(ABS(follow_for(clock, 200 * GST_MSECOND) - true_offset(clock)) <
		      (gint64)GST_MSECOND);
	CHECK(true_offset(clock) != 0);
	gst_object_unref(clock);
}

TEST(a_clock_that_is_set_is_followed_at_the_next_reading)
{
	GstClock *clock = foreign_clock_new(0);

	follow_for(clock, 300 * GST_MSECOND);
	__atomic_store_n(&((ForeignClock *)clock)->was_set, 50 * GST_MSECOND, __ATOMIC_RELAXED);
	CHECK(ABS(follow_for(clock, 150 * GST_MSECOND) - true_offset(clock)) < (gint64)GST_MSECOND);
	gst_object_unref(clock);
}

TEST(most_looks_at_a_clock_do_not_read_it)
{
	GstClock *clock = foreign_clock_new(0);
	const guint64 now = gst_tachyon_time_monotonic();
	gint readings;

	gst_tachyon_clock_get_offset(clock, now);
	readings = g_atomic_int_get(&((ForeignClock *)clock)->readings);
	CHECK(readings > 0 && readings <= 5);
	for (guint i = 0; i < 1000; i++)
		gst_tachyon_clock_get_offset(clock, now + i * 10 * GST_USECOND);
	CHECK_EQ(g_atomic_int_get(&((ForeignClock *)clock)->readings), readings);
	gst_object_unref(clock);
}

TEST(all_who_follow_a_clock_reckon_with_the_same)
{
	GstClock *clock = foreign_clock_new(500);
	GstElement *audio = gst_bin_new("audio"), *video = gst_bin_new("video");
	GstTachyonClock one = {0}, other = {0};

	((ForeignClock *)clock)->jitter = 50000;
	gst_object_ref_sink(audio);
	gst_object_ref_sink(video);
	gst_element_set_clock(audio, clock);
	gst_element_set_clock(video, clock);
	for (guint i = 0; i < 100; i++) {
		const guint64 now = gst_tachyon_time_monotonic();

		CHECK_EQ(gst_tachyon_clock_get_base(&one, audio, now),
			 gst_tachyon_clock_get_base(&other, video, now));
		g_usleep(5000);
	}
	gst_tachyon_clock_clear(&one);
	gst_tachyon_clock_clear(&other);
	gst_object_unref(audio);
	gst_object_unref(video);
	gst_object_unref(clock);
}

struct crowd {
	GstClock *clock;
	gint wrong;
};

static gpointer look_often(gpointer data)
{
	struct crowd *crowd = data;

	for (guint i = 0; i < 2000; i++) {
		if (ABS(offset_now(crowd->clock) - true_offset(crowd->clock)) >
		    5 * (gint64)GST_MSECOND)
			g_atomic_int_inc(&crowd->wrong);
		g_usleep(100);
	}
	return NULL;
}

TEST(many_threads_may_follow_a_clock_from_its_first_reading_on)
{
	struct crowd crowd = {.clock = foreign_clock_new(-300)};
	GThread *threads[8];

	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("looks", look_often, &crowd);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	/* One that is stopped for long between its two looks is wrong, not the clock. */
	CHECK(crowd.wrong < 20);
	gst_object_unref(crowd.clock);
}

TEST(an_element_without_a_clock_has_no_base_time)
{
	GstElement *element = gst_bin_new(NULL);
	GstTachyonClock clock = {0};

	gst_object_ref_sink(element);
	CHECK_EQ(gst_tachyon_clock_get_base(&clock, element, 1), GST_CLOCK_TIME_NONE);
	gst_object_unref(element);
}

TEST(a_base_time_of_the_system_clock_is_the_same_number)
{
	GstElement *element = gst_bin_new(NULL);
	GstClock *system = gst_system_clock_obtain();
	GstTachyonClock clock = {0};

	gst_object_ref_sink(element);
	gst_element_set_clock(element, system);
	gst_element_set_base_time(element, 12345);
	CHECK_EQ(gst_tachyon_clock_get_base(&clock, element, 1), 12345);
	gst_element_set_base_time(element, 12346);
	CHECK_EQ(gst_tachyon_clock_get_base(&clock, element, 1), 12346);
	gst_tachyon_clock_clear(&clock);
	gst_object_unref(system);
	gst_object_unref(element);
}

TEST(a_base_time_of_another_clock_is_told_on_monotonic)
{
	GstElement *element = gst_bin_new(NULL);
	GstClock *test = gst_test_clock_new_with_start_time(100 * GST_SECOND);
	const GstClockTime now = gst_tachyon_time_monotonic();
	GstTachyonClock clock = {0};

	gst_object_ref_sink(element);
	gst_element_set_clock(element, test);
	gst_element_set_base_time(element, 97 * GST_SECOND);
	/* Running time 0 was three seconds ago. */
	CHECK(ABS((gint64)(now - gst_tachyon_clock_get_base(&clock, element, now)) -
		  (gint64)(3 * GST_SECOND)) < (gint64)(50 * GST_MSECOND));
	gst_tachyon_clock_clear(&clock);
	gst_object_unref(test);
	gst_object_unref(element);
}

TEST(an_element_that_gets_another_clock_is_followed_there)
{
	GstElement *element = gst_bin_new(NULL);
	GstClock *foreign = foreign_clock_new(0);
	GstClock *system = gst_system_clock_obtain();
	GstTachyonClock clock = {0};

	gst_object_ref_sink(element);
	gst_element_set_base_time(element, 12345);
	gst_element_set_clock(element, foreign);
	CHECK(gst_tachyon_clock_get_base(&clock, element, 1) != 12345);
	gst_element_set_clock(element, system);
	CHECK_EQ(gst_tachyon_clock_get_base(&clock, element, 1), 12345);
	gst_element_set_clock(element, NULL);
	CHECK_EQ(gst_tachyon_clock_get_base(&clock, element, 1), GST_CLOCK_TIME_NONE);
	CHECK_EQ(GST_OBJECT_REFCOUNT(foreign), 1);
	gst_object_unref(system);
	gst_object_unref(foreign);
	gst_object_unref(element);
}
