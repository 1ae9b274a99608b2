/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Times of two pipelines, related by CLOCK_MONOTONIC: the one clock that all
 * processes of a machine share and nobody sets.
 */
#include "gsttachyontime.h"

#include <time.h>

GstClockTime
gst_tachyon_time_monotonic (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return GST_TIMESPEC_TO_TIME (now);
}

/* A stretch of running time, as one of positions in the segment. */
static guint64
scale_by_rate (guint64 time, gdouble rate)
{
  const gdouble abs_rate = ABS (rate);
  const gdouble scaled = (gdouble) time * abs_rate;

  if (abs_rate == 1.0)
    return time;
  /* A peer's rate may be any number. */
  return scaled < (gdouble) G_MAXINT64 ? (guint64) scaled : G_MAXINT64;
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
gst_tachyon_time_clip_segment (GstSegment *segment)
{
  const guint64 start = segment->start + segment->offset;

  if (segment->format != GST_FORMAT_TIME || segment->rate < 0.0 ||
      segment->offset == 0 || segment->base != 0)
    return;
  if (start < segment->start || start >= segment->stop)
    return;

  /* Where it is shown backwards, its time is that of its stop. */
  if (segment->applied_rate > 0.0)
    segment->time =
        gst_segment_to_stream_time (segment, GST_FORMAT_TIME, start);
  segment->start = start;
  segment->offset = 0;
  segment->position = MAX (segment->position, start);
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
