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
  gboolean has_clock;
  GstClockTime producer_base;
  gboolean is_producer_live;

  /* of this connection: what ties the first frame to our running time */
  gboolean has_anchor;
  GstClockTimeDiff anchor;
  gboolean is_first_producer;

  /* the producer's running time at our 0 */
  gboolean has_origin;
  GstClockTimeDiff origin;

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
 * Whether the producer is a camera and not a file. Its frames that were due
 * before our running time 0 are nothing to show; a file's may be late for many
 * reasons, and are all wanted. Unknown, it is a file.
 */
void gst_tachyon_timeline_set_producer_live (GstTachyonTimeline *self,
    gboolean is_live);

/*
 * A source that is not live, and joins a camera, begins where the camera is:
 * its own running time would let a sink wait for as long as that has run.
 *
 * Returns: TRUE when @buffer is the first of such a one; @time is its running
 *     time at the producer, and the origin is to be set
 */
gboolean gst_tachyon_timeline_needs_origin (const GstTachyonTimeline *self,
    GstBuffer *buffer, GstClockTimeDiff *time);
void gst_tachyon_timeline_set_origin (GstTachyonTimeline *self,
    GstClockTimeDiff origin);

/*
 * The stream was flushed, ours as well; who follows resets was reset.
 *
 * @reset_time: the producer's running time begins at 0 again
 */
void gst_tachyon_timeline_flush (GstTachyonTimeline *self, gboolean reset_time);

/*
 * Whether a flush that resets the producer's running time must reset ours. A
 * live source keeps clock times by the base times of both pipelines: its own
 * goes on. Constant; any thread.
 */
gboolean gst_tachyon_timeline_follows_resets (const GstTachyonTimeline *self);

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

/*
 * Have a buffer without timestamps, which is in self->segment, be due now.
 * Nothing happens to one that has any, or when there is no base time.
 */
void gst_tachyon_timeline_stamp (const GstTachyonTimeline *self,
    GstBuffer *buffer, GstClockTime consumer_base, GstClockTime now);

G_END_DECLS

#endif
