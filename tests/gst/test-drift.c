/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tests of gst/gsttachyondrift.c: an hour of readings of clocks that drift, read by a program that
 * is interrupted. `test-gst-drift --list` names them; with -v of meson each prints what it saw.
 */
#include "gsttachyondrift.h"
#include "harness.h"

#include <math.h>
#include <stdio.h>

#define HOUR (3600 * GST_SECOND)
#define US GST_USECOND

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- one reading at a time --- */

static gboolean add(GstTachyonDrift *drift, guint64 time, gint64 offset, guint64 width)
{
	const GstTachyonReading reading = {.time = time, .offset = offset, .width = width};

	return gst_tachyon_drift_add(drift, &reading);
}

/* Readings of a clock with this rate, ten a second. Returns: the time of the last one */
static guint64 add_second(GstTachyonDrift *drift, guint64 time, gint64 offset, gint64 ppm)
{
	for (guint i = 0; i < 10; i++) {
		time += 100 * GST_MSECOND;
		CHECK(add(drift, time, offset + ppm * (i + 1) * 100, 200));
	}
	return time;
}

TEST(the_first_reading_is_believed)
{
	GstTachyonDrift drift;

	gst_tachyon_drift_init(&drift);
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
	CHECK(add(&drift, 1000, 5 * GST_SECOND, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 5 * GST_SECOND);
}

TEST(a_clock_that_was_set_is_followed_at_once)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	CHECK(!add(&drift, time + 100 * GST_MSECOND, -30 * (gint64)GST_MSECOND, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0); /* it might be a mistake */
	CHECK(add(&drift, time + 101 * GST_MSECOND, -30 * (gint64)GST_MSECOND, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), -30 * (gint64)GST_MSECOND);
}

TEST(a_single_mistake_moves_nothing)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	CHECK(!add(&drift, time + 1000, 3600 * (gint64)GST_SECOND, 200));
	CHECK(add(&drift, time + 2000, 10, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
}

TEST(a_reading_that_took_long_is_no_jump)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	CHECK(add(&drift, time + 100 * GST_MSECOND, 40 * GST_MSECOND, 80 * GST_MSECOND));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
	add_second(&drift, time + 100 * GST_MSECOND, 0, 0);
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
}

TEST(readings_that_took_long_weigh_little_even_where_they_are_most)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	for (guint i = 1; i < 300; i++) {
		const gboolean is_good = i % 3 == 0;

		CHECK(add(&drift, time + i * 100 * GST_MSECOND, is_good ? 0 : 900 * US,
			  is_good ? 200 : 2000 * US));
		CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
	}
}

TEST(a_clock_that_was_not_read_for_long_is_believed_at_once)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	CHECK(add(&drift, time + HOUR, 1800 * GST_MSECOND, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 1800 * GST_MSECOND);
}

TEST(noise_after_a_long_time_moves_nothing)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, 0, 0, 0);
	CHECK(add(&drift, time + HOUR, 20 * US, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
}

TEST(a_reading_that_another_thread_overtook_is_let_go)
{
	GstTachyonDrift drift;
	guint64 time;

	gst_tachyon_drift_init(&drift);
	time = add_second(&drift, GST_SECOND, 0, 0);
	CHECK(add(&drift, time - 1, GST_SECOND, 200));
	CHECK_EQ(gst_tachyon_drift_get(&drift), 0);
}

TEST(a_clock_that_stands_still_is_followed)
{
	GstTachyonDrift drift;

	gst_tachyon_drift_init(&drift);
	add(&drift, GST_SECOND, -(gint64)GST_SECOND, 200);
	for (guint64 time = GST_SECOND; time < 20 * GST_SECOND; time += 100 * GST_MSECOND) {
		if (!add(&drift, time, -(gint64)time, 200))
			add(&drift, time + 1000, -(gint64)time - 1000, 200);
		CHECK(ABS(gst_tachyon_drift_get(&drift) + (gint64)time) <=
		      (gint64)GST_TACHYON_DRIFT_JUMP);
	}
}

TEST(values_at_the_edge_of_the_range_wrap)
{
	const guint64 values[] = {0,	      1, G_MAXINT64, G_MAXINT64 + 1ull, G_MAXUINT64 - 1,
				  G_MAXUINT64};

	for (guint i = 0; i < 6 * 6 * 6; i++) {
		GstTachyonDrift drift;

		gst_tachyon_drift_init(&drift);
		for (guint j = 0; j < 200; j++)
			add(&drift, values[i % 6] + j * 1000, (gint64)values[(i / 6 + j / 7) % 6],
			    values[i / 36]);
		CHECK(drift.is_known);
	}
}

/* --- an hour --- */

struct world {
	gdouble ppm;
	gdouble wander_ppm; /* more and less by this within wander_s */
	gdouble wander_s;
	gdouble jitter;	    /* ns, of the clock itself */
	gdouble mistakes;   /* probability of an error of up to 2 ms, which nothing shows */
	gdouble interrupts; /* probability that a reading is interrupted, for up to 5 ms */
	gdouble grain;	    /* ns: what the clock counts in */
	guint64 interval;   /* of frames: the clock may be read at each */
};

struct outcome {
	gdouble error; /* the greatest, ns */
	gdouble step;  /* the greatest, ns */
	guint steps;
};

static gdouble normal(GRand *rand)
{
	return sqrt(-2 * log(1 - g_rand_double(rand))) * cos(2 * G_PI * g_rand_double(rand));
}

static GstTachyonReading read_once(const struct world *world, GRand *rand, gdouble time,
				   gdouble offset)
{
	gdouble width = 100 + 80 * g_rand_double(rand), at = 0.5, clock;

	if (g_rand_double(rand) < world->interrupts) {
		width += 1e3 * pow(5e3, g_rand_double(rand));
		at = g_rand_double(rand);
	}
	clock = time + at * width + offset + world->jitter * normal(rand);
	if (g_rand_double(rand) < world->mistakes)
		clock += g_rand_double_range(rand, -2e6, 2e6);
	if (world->grain > 0)
		clock = (floor(clock / world->grain) + 0.5) * world->grain;
	return (GstTachyonReading){
		.time = (guint64)(time + width / 2),
		.offset = (gint64)(clock - time - width / 2),
		.width = (guint64)width,
	};
}

static GstTachyonReading read_best(const struct world *world, GRand *rand, gdouble time,
				   gdouble offset)
{
	GstTachyonReading best = {.width = GST_CLOCK_TIME_NONE};

	for (guint i = 0; i < 5; i++) {
		const GstTachyonReading reading = read_once(world, rand, time, offset);

		if (reading.width < best.width)
			best = reading;
	}
	return best;
}

static gdouble rate(const struct world *world, gdouble time)
{
	const gdouble turn = world->wander_s > 0 ? sin(2 * G_PI * time / world->wander_s / 1e9) : 0;

	return (world->ppm + world->wander_ppm * turn) * 1e-6;
}

static void note_error(struct outcome *outcome, const GstTachyonDrift *drift, gdouble offset)
{
	outcome->error = MAX(outcome->error, fabs((gdouble)gst_tachyon_drift_get(drift) - offset));
}

/* Of each moment between readings the worst: right before the next one. */
static struct outcome live_through(const struct world *world)
{
	GRand *rand = g_rand_new_with_seed(2026);
	struct outcome outcome = {0};
	gdouble offset = 5e9;
	GstTachyonDrift drift;

	gst_tachyon_drift_init(&drift);
	for (gdouble time = 0; time < (gdouble)HOUR;) {
		const gdouble pause =
			(gdouble)MAX(world->interval, gst_tachyon_drift_interval(&drift)) *
			g_rand_double_range(rand, 1, 1.3);
		const gint64 old = gst_tachyon_drift_get(&drift);
		GstTachyonReading reading;

		offset += pause * rate(world, time);
		time += pause;
		if (drift.is_known)
			note_error(&outcome, &drift, offset);
		reading = read_best(world, rand, time, offset);
		if (!gst_tachyon_drift_add(&drift, &reading)) {
			reading = read_best(world, rand, time + 10e3, offset);
			gst_tachyon_drift_add(&drift, &reading);
		}
		note_error(&outcome, &drift, offset);
		if (old != 0 && gst_tachyon_drift_get(&drift) != old) {
			outcome.steps++;
			outcome.step = MAX(outcome.step,
					   (gdouble)ABS(gst_tachyon_drift_get(&drift) - old));
		}
	}
	g_rand_free(rand);
	printf("# %+.0f ppm, jitter %.0f us: error <= %.1f us, %u steps <= %.1f us\n", world->ppm,
	       world->jitter / 1e3, outcome.error / 1e3, outcome.steps, outcome.step / 1e3);
	return outcome;
}

TEST(a_steady_clock_never_moves)
{
	const struct world world = {.jitter = 1e3, .interrupts = 0.1, .interval = 33 * GST_MSECOND};

	CHECK_EQ(live_through(&world).steps, 0);
}

TEST(a_drifting_clock_is_followed_in_small_steps_for_an_hour)
{
	const gdouble drifts[] = {500, -500, 50, -7};

	for (guint i = 0; i < G_N_ELEMENTS(drifts); i++) {
		const struct world world = {
			.ppm = drifts[i], .interrupts = 0.01, .interval = 33 * GST_MSECOND};
		const struct outcome outcome = live_through(&world);

		CHECK(outcome.error < 200e3);
		CHECK(outcome.step < 200e3);
		/* The drift of an hour, and not a step more often than each needs. */
		CHECK(outcome.steps <= fabs(drifts[i]) * 1e-6 * (gdouble)HOUR / 50e3 + 10);
	}
}

TEST(readings_that_are_interrupted_nine_times_of_ten_do_no_harm)
{
	const struct world world = {.ppm = 500, .interrupts = 0.9, .interval = 33 * GST_MSECOND};

	CHECK(live_through(&world).error < 200e3);
}

TEST(a_clock_that_jitters_and_errs_is_followed)
{
	const struct world world = {.ppm = 500,
				    .jitter = 20e3,
				    .mistakes = 0.01,
				    .interrupts = 0.01,
				    .interval = 33 * GST_MSECOND};
	const struct outcome outcome = live_through(&world);

	CHECK(outcome.error < 250e3);
	CHECK(outcome.step < 250e3);
}

TEST(a_jittering_clock_that_does_not_drift_hardly_moves)
{
	const struct world world = {.jitter = 200e3, .interval = 33 * GST_MSECOND};
	const struct outcome outcome = live_through(&world);

	CHECK(outcome.error < 500e3);
	CHECK(outcome.steps < 360); /* of 36 000 readings */
}

TEST(a_clock_of_coarse_grain_is_followed_more_finely_than_it_shows)
{
	const struct world world = {
		.ppm = 100, .grain = 10e6, .jitter = 1e3, .interval = 33 * GST_MSECOND};
	const struct outcome outcome = live_through(&world);

	CHECK(outcome.error < 5e6);
	CHECK(outcome.step < 1e6);
}

TEST(a_clock_whose_rate_wanders_is_followed)
{
	const struct world world = {
		.wander_ppm = 500, .wander_s = 60, .jitter = 1e3, .interval = 33 * GST_MSECOND};

	CHECK(live_through(&world).error < 500e3);
}

TEST(one_reading_a_second_is_enough_for_a_slow_stream)
{
	const struct world world = {.ppm = 100, .interrupts = 0.01, .interval = GST_SECOND};

	CHECK(live_through(&world).error < 500e3);
}

TEST(a_clock_that_is_far_too_fast_is_still_followed)
{
	const struct world world = {.ppm = 5000, .interval = 33 * GST_MSECOND};

	CHECK(live_through(&world).error < 2e6);
}
