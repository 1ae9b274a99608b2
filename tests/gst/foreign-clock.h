/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A clock that is not the system's: as a sound card's or a network's, it runs at a rate of its own.
 */
#ifndef TACHYON_TESTS_FOREIGN_CLOCK_H
#define TACHYON_TESTS_FOREIGN_CLOCK_H

#include <gst/gst.h>

#include "gsttachyontime.h"

/* A system clock, as audio clocks are: so it can be waited on. */
typedef struct {
	GstSystemClock parent;
	gdouble rate;	/* of CLOCK_MONOTONIC's */
	guint64 since;	/* on CLOCK_MONOTONIC */
	guint64 shown;	/* at that moment */
	gint readings;	/* atomic */
	gint jitter;	/* atomic; ns, to either side */
	gint64 was_set; /* atomic: by how much */
} ForeignClock;

typedef struct {
	GstSystemClockClass parent;
} ForeignClockClass;

static GType foreign_clock_get_type(void);
G_DEFINE_TYPE(ForeignClock, foreign_clock, GST_TYPE_SYSTEM_CLOCK)

/* What it shows at a moment of CLOCK_MONOTONIC. */
static guint64 foreign_clock_at(ForeignClock *clock, guint64 monotonic)
{
	return clock->shown + (guint64)((gdouble)(monotonic - clock->since) * clock->rate) +
	       (guint64)__atomic_load_n(&clock->was_set, __ATOMIC_RELAXED);
}

static GstClockTime foreign_clock_get_internal_time(GstClock *base)
{
	ForeignClock *clock = (ForeignClock *)base;
	const gint jitter = g_atomic_int_get(&clock->jitter);

	g_atomic_int_inc(&clock->readings);
	return foreign_clock_at(clock, gst_tachyon_time_monotonic()) +
	       (guint64)(jitter ? g_random_int_range(-jitter, jitter) : 0);
}

static void foreign_clock_class_init(ForeignClockClass *klass)
{
	GST_CLOCK_CLASS(klass)->get_internal_time = foreign_clock_get_internal_time;
}

static void foreign_clock_init(ForeignClock *clock)
{
	clock->rate = 1;
	clock->since = gst_tachyon_time_monotonic();
	/* After boot, as sound cards begin; before now, as no two clocks agree. */
	clock->shown = 1000 * GST_SECOND;
}

static inline GstClock *foreign_clock_new(gdouble ppm)
{
	ForeignClock *clock = g_object_new(foreign_clock_get_type(), NULL);

	clock->rate = 1 + ppm * 1e-6;
	return GST_CLOCK(gst_object_ref_sink(clock));
}

#endif
