/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Where the running time of several sources begins, of which none has a clock
 * yet: sound and picture of one producer must begin together.
 */
#ifndef __GST_TACHYON_ORIGIN_H__
#define __GST_TACHYON_ORIGIN_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The producer's running time that becomes ours 0.
 *
 * @producer_base: on CLOCK_MONOTONIC; tells producers apart
 * @first: the running time of the first frame that the caller got
 * @now: on CLOCK_MONOTONIC
 *
 * Returns: what the first one who asked, moments ago and of that producer,
 *     gave; else @first. Any thread.
 */
GstClockTimeDiff gst_tachyon_origin_share (GstClockTime producer_base,
    GstClockTimeDiff first, GstClockTime now);

G_END_DECLS

#endif
