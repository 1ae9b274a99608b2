/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * An element's base time on CLOCK_MONOTONIC, whatever its clock is, and as that
 * drifts.
 *
 * A pipeline on the system's monotonic clock has it exactly. Any other clock is
 * read now and then, and what was found is shared by all elements of the
 * process that follow the clock: sound and picture of one pipeline are moved by
 * the same amount.
 */
#ifndef __GST_TACHYON_CLOCK_H__
#define __GST_TACHYON_CLOCK_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* One element's; its streaming thread's. All zero follows nothing. */
typedef struct
{
  GstClock *clock; /* ours: no other one can come to its address */
} GstTachyonClock;

/* Let go of the clock. */
void gst_tachyon_clock_clear (GstTachyonClock *self);

/*
 * The element's running time 0, on CLOCK_MONOTONIC. Reads the clock now and
 * then, with no lock held; most calls only compare.
 *
 * @now: on CLOCK_MONOTONIC
 *
 * Returns: modulo 2^64, or GST_CLOCK_TIME_NONE for an element without a clock
 */
GstClockTime gst_tachyon_clock_get_base (GstTachyonClock *self,
    GstElement *element, GstClockTime now);

/*
 * What @clock shows less what CLOCK_MONOTONIC shows: 0 for a clock that is
 * CLOCK_MONOTONIC, else what all followers of @clock reckon with. Any thread.
 */
GstClockTimeDiff gst_tachyon_clock_get_offset (GstClock *clock,
    GstClockTime now);

G_END_DECLS

#endif
