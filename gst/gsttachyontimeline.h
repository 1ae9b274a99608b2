/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Where a producer's frames stand in the running time of another pipeline.
 * Pure: time and base times are arguments.
 */
#ifndef __GST_TACHYON_TIMELINE_H__
#define __GST_TACHYON_TIMELINE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstTachyonTimestampMode:
 * @GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME: a frame is due at the same moment
 *     in both pipelines, whenever each was started: the segment is shifted
 * @GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH: timestamps and segment as they came
 * @GST_TACHYON_TIMESTAMP_MODE_ARRIVAL: a frame is due when it arrives
 *
 * How buffers are placed in the pipeline's running time.
 *
 * Since: 0.1
 */
typedef enum
{
  GST_TACHYON_TIMESTAMP_MODE_RUNNING_TIME = 0,
  GST_TACHYON_TIMESTAMP_MODE_PASSTHROUGH = 1,
  GST_TACHYON_TIMESTAMP_MODE_ARRIVAL = 2,
} GstTachyonTimestampMode;

typedef struct
{
  GstTachyonTimestampMode mode;
  gboolean is_live;

  /* what the producer says */
  GstSegment producer;
  GstClockTime producer_base;

  /* of this connection: what ties the first frame to our running time */
  gboolean has_anchor;
  GstClockTimeDiff anchor;
  gboolean is_first_producer;

  /* what is in force downstream */
  GstSegment segment;
  gboolean has_segment;
  GstClockTimeDiff delta; /* our running time less the producer's */
  GstClockTimeDiff end;   /* running time up to which frames reached */
} GstTachyonTimeline;

void gst_tachyon_timeline_init (GstTachyonTimeline *self,
    GstTachyonTimestampMode mode, gboolean is_live);

/* Another producer, or the same one started anew. */
void gst_tachyon_timeline_restart (GstTachyonTimeline *self);

void gst_tachyon_timeline_set_segment (GstTachyonTimeline *self,
    const GstSegment *segment);

/* @base: on CLOCK_MONOTONIC, or GST_CLOCK_TIME_NONE */
void gst_tachyon_timeline_set_producer_base (GstTachyonTimeline *self,
    GstClockTime base);

/*
 * Get ready for data.
 *
 * @buffer: what comes next, still as the producer stamped it; NULL when that
 *     is no buffer
 * @consumer_base: on CLOCK_MONOTONIC, or GST_CLOCK_TIME_NONE
 * @now: on CLOCK_MONOTONIC
 *
 * Returns: TRUE when self->segment is new and must go downstream first
 */
gboolean gst_tachyon_timeline_advance (GstTachyonTimeline *self,
    GstBuffer *buffer, GstClockTime consumer_base, GstClockTime now);

G_END_DECLS

#endif
