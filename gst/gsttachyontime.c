/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Times of two pipelines, related by CLOCK_MONOTONIC: the one clock that all
 * processes of a machine share and nobody sets.
 */
#include "gsttachyontime.h"

#include <time.h>

/* Readings of a foreign clock: one of them is rarely interrupted half-way. */
#define CLOCK_READINGS 5

GstClockTime
gst_tachyon_time_monotonic (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return GST_TIMESPEC_TO_TIME (now);
}

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

GstClockTimeDiff
gst_tachyon_time_clock_offset (GstClock *clock)
{
  GstClockTime best = GST_CLOCK_TIME_NONE;
  GstClockTimeDiff offset = 0;
  guint i;

  if (clock_is_monotonic (clock))
    return 0;

  for (i = 0; i < CLOCK_READINGS; i++) {
    const GstClockTime before = gst_tachyon_time_monotonic ();
    const GstClockTime time = gst_clock_get_time (clock);
    const GstClockTime width = gst_tachyon_time_monotonic () - before;

    if (width < best) {
      best = width;
      offset = (GstClockTimeDiff) (time - (before + width / 2));
    }
  }
  return offset;
}

GstClockTime
gst_tachyon_time_base_on_monotonic (GstElement *element)
{
  GstClock *clock;
  GstClockTime base;

  GST_OBJECT_LOCK (element);
  clock = GST_ELEMENT_CLOCK (element);
  if (clock)
    gst_object_ref (clock);
  base = GST_ELEMENT_CAST (element)->base_time;
  GST_OBJECT_UNLOCK (element);

  if (!clock)
    return GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (base)) {
    base -= gst_tachyon_time_clock_offset (clock);
    /* A nanosecond off is better than "none". */
    if (!GST_CLOCK_TIME_IS_VALID (base))
      base--;
  }
  gst_object_unref (clock);
  return base;
}

/* A stretch of running time, as one of positions in the segment. */
static guint64
scale_by_rate (guint64 time, gdouble rate)
{
  const gdouble abs_rate = ABS (rate);

  return abs_rate == 1.0 ? time : (guint64) (time * abs_rate);
}

void
gst_tachyon_time_shift_segment (GstSegment *segment, GstClockTimeDiff delta)
{
  guint64 back;

  if (segment->format != GST_FORMAT_TIME)
    return;

  if (delta >= 0) {
    segment->base += delta;
    return;
  }

  back = -(guint64) delta;
  if (segment->base >= back) {
    segment->base -= back;
    return;
  }

  /*
   * What base cannot give, offset takes: it moves the position that has
   * running time 0 into the segment. gst_segment_offset_running_time() does
   * the same, but refuses a position past the segment's stop; a frame that is
   * a whole clip late must still come out late, in order.
   */
  segment->offset += scale_by_rate (back - segment->base, segment->rate);
  segment->base = 0;

  /* Backwards, offset counts down from stop, and cannot go below it. */
  if (segment->rate < 0.0) {
    guint64 stop = segment->stop;

    if (stop == (guint64) -1 && segment->duration != (guint64) -1)
      stop = segment->start + segment->duration;
    segment->offset = MIN (segment->offset, stop);
  }
}

void
gst_tachyon_time_rebase_segment (const GstSegment *segment,
    GstClockTime producer_base, GstClockTime consumer_base, GstSegment *out)
{
  gst_segment_copy_into (segment, out);
  if (GST_CLOCK_TIME_IS_VALID (producer_base) &&
      GST_CLOCK_TIME_IS_VALID (consumer_base))
    gst_tachyon_time_shift_segment (out,
        (GstClockTimeDiff) (producer_base - consumer_base));
}
