/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between the times of two pipelines, by way of CLOCK_MONOTONIC.
 *
 * A base time on CLOCK_MONOTONIC is a GstClockTime modulo 2^64: a pipeline
 * whose running time 0 lies before this machine's boot (base time 0 on a PTP
 * clock) has a negative one. Only differences mean something.
 */
#ifndef __GST_TACHYON_TIME_H__
#define __GST_TACHYON_TIME_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* Now on CLOCK_MONOTONIC. */
GstClockTime gst_tachyon_time_monotonic (void);

/*
 * Shift a segment so that all running times in it become @delta greater. They
 * may come out below 0, their spacing is kept. Nothing happens to a segment
 * that is not in TIME.
 */
void gst_tachyon_time_shift_segment (GstSegment *segment,
    GstClockTimeDiff delta);

/*
 * Have what comes before running time 0 lie before the segment, as what comes
 * before a seek's position does: it is decoded, and not shown. Aggregators take
 * nothing that is inside a segment and before running time 0. All running times
 * stay. Nothing happens to a segment that plays backwards, or ends before 0.
 */
void gst_tachyon_time_clip_segment (GstSegment *segment);

/*
 * The producer's segment, shifted so that in an element whose base time is
 * @consumer_base a frame has the same clock time as at the producer. It is
 * copied as it is when a base is GST_CLOCK_TIME_NONE.
 */
void gst_tachyon_time_rebase_segment (const GstSegment *segment,
    GstClockTime producer_base, GstClockTime consumer_base, GstSegment *out);

G_END_DECLS

#endif
