/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * An element's base time on CLOCK_MONOTONIC: reads the clocks, and keeps what
 * was read with the clock itself.
 */
#include "gsttachyonclock.h"

#include "gsttachyondrift.h"
#include "gsttachyontime.h"

/* Of some readings in a row, one is rarely interrupted half-way. */
#define READINGS 5
/* A reading that took no longer is as good as any. */
#define GOOD_WIDTH 500

/* What is known of a clock; it belongs to the clock. */
typedef struct
{
  GMutex lock;
  GstTachyonDrift drift;
  gboolean is_read;    /* at least once */
  gboolean is_reading; /* somebody is, without the lock */
  GstClockTime last;   /* reading, on CLOCK_MONOTONIC */
} Follower;

static GMutex followers_lock;

static void
free_follower (gpointer data)
{
  Follower *follower = data;

  g_mutex_clear (&follower->lock);
  g_free (follower);
}

static GQuark
follower_quark (void)
{
  return g_quark_from_static_string ("tachyon-clock-follower");
}

/* Lives as long as the clock. */
static Follower *
get_follower (GstClock *clock)
{
  Follower *follower = g_object_get_qdata (G_OBJECT (clock), follower_quark ());

  if (follower)
    return follower;

  g_mutex_lock (&followers_lock);
  follower = g_object_get_qdata (G_OBJECT (clock), follower_quark ());
  if (!follower) {
    follower = g_new0 (Follower, 1);
    g_mutex_init (&follower->lock);
    gst_tachyon_drift_init (&follower->drift);
    g_object_set_qdata_full (G_OBJECT (clock), follower_quark (), follower,
        free_follower);
  }
  g_mutex_unlock (&followers_lock);
  return follower;
}

/* gst_clock_is_system_monotonic() is of 1.28, and does not look at the
 * calibration. */
static gboolean
clock_is_monotonic (GstClock *clock)
{
  GstClockTime internal, external, numerator, denominator;
  GstClockType type;

  /* Subclasses of GstSystemClock (audio, network) keep times of their own. */
  if (G_OBJECT_TYPE (clock) != GST_TYPE_SYSTEM_CLOCK)
    return FALSE;
  g_object_get (clock, "clock-type", &type, NULL);
  if (type != GST_CLOCK_TYPE_MONOTONIC)
    return FALSE;
  gst_clock_get_calibration (clock, &internal, &external, &numerator,
      &denominator);
  return internal == external && numerator == denominator;
}

/* CLOCK_MONOTONIC, the clock, CLOCK_MONOTONIC: the tightest of a few. */
static GstTachyonReading
read_clock (GstClock *clock)
{
  GstTachyonReading best = { .width = GST_CLOCK_TIME_NONE };
  guint i;

  for (i = 0; i < READINGS && best.width > GOOD_WIDTH; i++) {
    const GstClockTime before = gst_tachyon_time_monotonic ();
    const GstClockTime shown = gst_clock_get_time (clock);
    const GstClockTime width = gst_tachyon_time_monotonic () - before;

    if (width >= best.width)
      continue;
    best.time = before + width / 2;
    best.offset = (GstClockTimeDiff) (shown - best.time);
    best.width = width;
  }
  return best;
}

/* Only a reading far off what is expected calls for another, at once: a clock
 * that was set is rare, and so is a mistake. */
static void
read_until_believed (Follower *self, GstClock *clock)
{
  gboolean is_believed = FALSE;
  guint i;

  for (i = 0; i < 2 && !is_believed; i++) {
    const GstTachyonReading reading = read_clock (clock);

    g_mutex_lock (&self->lock);
    is_believed = gst_tachyon_drift_add (&self->drift, &reading);
    g_mutex_unlock (&self->lock);
  }
}

/* Clocks can be calibrated, or changed into another kind, at any time. */
static void
look_at_clock (Follower *self, GstClock *clock)
{
  if (!clock_is_monotonic (clock)) {
    read_until_believed (self, clock);
    return;
  }

  g_mutex_lock (&self->lock);
  gst_tachyon_drift_init (&self->drift);
  g_mutex_unlock (&self->lock);
}

GstClockTimeDiff
gst_tachyon_clock_get_offset (GstClock *clock, GstClockTime now)
{
  Follower *self = get_follower (clock);
  GstClockTimeDiff offset;
  gboolean is_due;

  /* One reads while the others go on with what is known; before anything is,
   * each must. */
  g_mutex_lock (&self->lock);
  is_due = !self->is_read ||
      (!self->is_reading &&
          GST_CLOCK_DIFF (self->last, now) >=
              (GstClockTimeDiff) gst_tachyon_drift_interval (&self->drift));
  self->is_reading |= is_due;
  offset = gst_tachyon_drift_get (&self->drift);
  g_mutex_unlock (&self->lock);
  if (!is_due)
    return offset;

  look_at_clock (self, clock);

  g_mutex_lock (&self->lock);
  self->is_read = TRUE;
  self->is_reading = FALSE;
  self->last = now;
  offset = gst_tachyon_drift_get (&self->drift);
  g_mutex_unlock (&self->lock);
  return offset;
}

void
gst_tachyon_clock_clear (GstTachyonClock *self)
{
  gst_clear_object (&self->clock);
}

GstClockTime
gst_tachyon_clock_get_base (GstTachyonClock *self, GstElement *element,
    GstClockTime now)
{
  GstClock *old = NULL;
  GstClockTime base;

  GST_OBJECT_LOCK (element);
  if (GST_ELEMENT_CLOCK (element) != self->clock) {
    old = self->clock;
    self->clock = GST_ELEMENT_CLOCK (element);
    if (self->clock)
      gst_object_ref (self->clock);
  }
  base = element->base_time;
  GST_OBJECT_UNLOCK (element);
  if (old)
    gst_object_unref (old);

  if (!self->clock || !GST_CLOCK_TIME_IS_VALID (base))
    return GST_CLOCK_TIME_NONE;

  base -= gst_tachyon_clock_get_offset (self->clock, now);
  /* A nanosecond off is better than "none". */
  return GST_CLOCK_TIME_IS_VALID (base) ? base : base - 1;
}
