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
 * What @clock shows less what CLOCK_MONOTONIC shows, at one moment. 0 for a
 * clock that is CLOCK_MONOTONIC; else two readings of the latter around one of
 * the former, the tightest of a few.
 */
GstClockTimeDiff gst_tachyon_time_clock_offset (GstClock *clock);

/*
 * An element's base time (its running time 0) on CLOCK_MONOTONIC, whatever
 * its clock is; GST_CLOCK_TIME_NONE when it has no clock yet.
 */
GstClockTime gst_tachyon_time_base_on_monotonic (GstElement *element);

/*
 * Shift a segment so that all running times in it become @delta greater. They
 * may come out below 0, their spacing is kept. Nothing happens to a segment
 * that is not in TIME.
 */
void gst_tachyon_time_shift_segment (GstSegment *segment,
    GstClockTimeDiff delta);

/*
 * The producer's segment, shifted so that in an element whose base time is
 * @consumer_base a frame has the same clock time as at the producer. It is
 * copied as it is when a base is GST_CLOCK_TIME_NONE.
 */
void gst_tachyon_time_rebase_segment (const GstSegment *segment,
    GstClockTime producer_base, GstClockTime consumer_base, GstSegment *out);

G_END_DECLS

#endif
