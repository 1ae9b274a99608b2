/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Places a producer's frames in our running time, by shifting its segment.
 *
 * A live source keeps the clock time at which a frame is due, by the base
 * times of both pipelines; where the producer has none, its first frame is due
 * when it arrives. A source that is not live has no base time while it
 * prerolls, and waits for nobody's clock: it keeps the producer's running
 * times as they are, and goes on from there when it meets another producer.
 * From a camera it takes them from where it joined.
 */
#include "gsttachyontimeline.h"
#include "gsttachyontime.h"

#include <string.h>

void
gst_tachyon_timeline_init (GstTachyonTimeline *self,
    GstTachyonTimestampMode mode, gboolean is_live)
{
  memset (self, 0, sizeof *self);
  self->mode = mode;
  self->is_live = is_live;
  gst_tachyon_timeline_restart (self);
  self->is_first_producer = TRUE;
}

void
gst_tachyon_timeline_restart (GstTachyonTimeline *self)
{
  /* Who sends frames and no segment means time from 0. */
  gst_segment_init (&self->producer, GST_FORMAT_TIME);
  self->has_clock = FALSE;
  self->producer_base = GST_CLOCK_TIME_NONE;
  self->is_producer_live = FALSE;
  self->has_anchor = FALSE;
  self->is_first_producer = FALSE;
}

void
gst_tachyon_timeline_set_producer_live (GstTachyonTimeline *self,
    gboolean is_live)
{
  self->is_producer_live = is_live;
}

gboolean
gst_tachyon_timeline_follows_resets (const GstTachyonTimeline *self)
{
  switch (self->mode) {
    case GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME:
      return !self->is_live;
    case GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH:
      return TRUE;
    case GST_TACHYON_TIMESTAMP_MODE_ARRIVAL:
      break;
  }
  return FALSE;
}

void
gst_tachyon_timeline_flush (GstTachyonTimeline *self, gboolean reset_time)
{
  const gboolean was_reset = gst_tachyon_timeline_follows_resets (self);

  /* The segment is the producer's next one, which a flush is followed by; who
   * sends none goes on in the old one. */
  self->has_segment = FALSE;

  /* What tied frames to our running time holds on when neither side began
   * anew. */
  if (!reset_time && !was_reset)
    return;
  self->has_anchor = FALSE;
  if (!was_reset)
    return;

  /* Frames that come from 0, too, are due as they say; others go on from our
   * 0. */
  self->end = 0;
  self->has_origin = FALSE;
  self->is_first_producer = reset_time;
}

void
gst_tachyon_timeline_set_segment (GstTachyonTimeline *self,
    const GstSegment *segment)
{
  gst_segment_copy_into (segment, &self->producer);
}

void
gst_tachyon_timeline_set_producer_base (GstTachyonTimeline *self,
    GstClockTime base)
{
  self->has_clock = TRUE;
  self->producer_base = base;
}

/* A peer's figures may be anything: they wrap, as unsigned ones do. */
static GstClockTimeDiff
difference (guint64 a, guint64 b)
{
  return (GstClockTimeDiff) (a - b);
}

/* Returns: FALSE when there is none */
static gboolean
signed_running_time (const GstSegment *segment, guint64 position,
    GstClockTimeDiff *time)
{
  guint64 magnitude;
  const gint sign = segment->format == GST_FORMAT_TIME ?
      gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, position,
          &magnitude) :
      0;

  if (sign == 0)
    return FALSE;
  *time = sign > 0 ? (GstClockTimeDiff) magnitude : difference (0, magnitude);
  return TRUE;
}

/* What comes first in time: where B-frames are, that is no PTS. */
static GstClockTime
buffer_position (GstBuffer *buffer)
{
  return buffer ? GST_BUFFER_DTS_OR_PTS (buffer) : GST_CLOCK_TIME_NONE;
}

/* The first frame of a connection comes out at @due. */
static GstClockTimeDiff
anchored_delta (GstTachyonTimeline *self, GstBuffer *buffer,
    GstClockTimeDiff due)
{
  GstClockTimeDiff time;

  if (!self->has_anchor &&
      signed_running_time (&self->producer, buffer_position (buffer), &time)) {
    self->has_anchor = TRUE;
    self->anchor = difference (due, time);
  }
  return self->has_anchor ? self->anchor : self->delta;
}

gboolean
gst_tachyon_timeline_needs_origin (const GstTachyonTimeline *self,
    GstBuffer *buffer, GstClockTimeDiff *time)
{
  return self->mode == GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME &&
      !self->is_live && self->is_producer_live && self->is_first_producer &&
      !self->has_origin &&
      signed_running_time (&self->producer, buffer_position (buffer), time);
}

void
gst_tachyon_timeline_set_origin (GstTachyonTimeline *self,
    GstClockTimeDiff origin)
{
  self->has_origin = TRUE;
  self->origin = origin;
}

static GstClockTimeDiff
find_delta (GstTachyonTimeline *self, GstBuffer *buffer,
    GstClockTime consumer_base, GstClockTime now)
{
  if (self->mode != GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME)
    return 0;

  if (!self->is_live || !GST_CLOCK_TIME_IS_VALID (consumer_base)) {
    if (self->is_first_producer)
      return self->has_origin ? difference (0, self->origin) : 0;
    return anchored_delta (self, buffer, self->end);
  }

  if (GST_CLOCK_TIME_IS_VALID (self->producer_base))
    return difference (self->producer_base, consumer_base);
  return anchored_delta (self, buffer, difference (now, consumer_base));
}

/* Whatever the producer thought of it: due now. */
static void
stamp_arrival (GstBuffer *buffer, GstClockTime consumer_base, GstClockTime now)
{
  const GstClockTime pts = GST_BUFFER_PTS (buffer);
  const GstClockTime dts = GST_BUFFER_DTS (buffer);
  GstClockTime due = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (consumer_base))
    due = MAX (difference (now, consumer_base), 0);

  GST_BUFFER_PTS (buffer) = due;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  /* Decoded in another order than shown: that is kept. */
  if (GST_CLOCK_TIME_IS_VALID (due) && GST_CLOCK_TIME_IS_VALID (pts) &&
      GST_CLOCK_TIME_IS_VALID (dts)) {
    GST_BUFFER_DTS (buffer) = due;
    if (pts > dts)
      GST_BUFFER_PTS (buffer) = due + (pts - dts);
  }
}

static void
note_end (GstTachyonTimeline *self, GstBuffer *buffer)
{
  GstClockTimeDiff time;

  if (!signed_running_time (&self->segment, buffer_position (buffer), &time))
    return;
  if (time > G_MAXINT64 / 2)
    return;
  if (GST_BUFFER_DURATION (buffer) < G_MAXINT64 / 2)
    time += GST_BUFFER_DURATION (buffer);
  self->end = MAX (self->end, time);
}

gboolean
gst_tachyon_timeline_advance (GstTachyonTimeline *self, GstBuffer *buffer,
    GstClockTime consumer_base, GstClockTime now)
{
  const GstClockTimeDiff delta = find_delta (self, buffer, consumer_base, now);
  GstSegment segment;
  gboolean is_new;

  if (self->mode == GST_TACHYON_TIMESTAMP_MODE_ARRIVAL) {
    gst_segment_init (&segment, GST_FORMAT_TIME);
    if (buffer)
      stamp_arrival (buffer, consumer_base, now);
  } else {
    gst_segment_copy_into (&self->producer, &segment);
    gst_tachyon_time_shift_segment (&segment, delta);
    if (delta < 0 && self->is_producer_live)
      gst_tachyon_time_clip_segment (&segment);
  }

  is_new =
      !self->has_segment || !gst_segment_is_equal (&segment, &self->segment);
  self->segment = segment;
  self->has_segment = TRUE;
  self->delta = delta;
  if (buffer)
    note_end (self, buffer);
  return is_new;
}

void
gst_tachyon_timeline_stamp (const GstTachyonTimeline *self, GstBuffer *buffer,
    GstClockTime consumer_base, GstClockTime now)
{
  GstClockTime position;

  if (GST_CLOCK_TIME_IS_VALID (GST_BUFFER_DTS_OR_PTS (buffer)) ||
      !GST_CLOCK_TIME_IS_VALID (consumer_base))
    return;

  position = MAX (difference (now, consumer_base), 0);
  if (self->segment.format == GST_FORMAT_TIME)
    position = gst_segment_position_from_running_time (&self->segment,
        GST_FORMAT_TIME, position);
  GST_BUFFER_PTS (buffer) = position;
  GST_BUFFER_DTS (buffer) = position;
}
