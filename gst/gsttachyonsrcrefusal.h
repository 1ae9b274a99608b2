/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Caps that downstream does not take: the producer has been told what it does
 * take, and may be about to send that. For a moment they are no error.
 *
 * All on the streaming thread.
 */
#ifndef __GST_TACHYON_SRC_REFUSAL_H__
#define __GST_TACHYON_SRC_REFUSAL_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* All zero: nothing is refused. */
typedef struct
{
  GstCaps *caps;
  /* on CLOCK_MONOTONIC */
  GstClockTime until;
} GstTachyonSrcRefusal;

/*
 * New caps, before they are pushed.
 *
 * @was_told: the producer knows what downstream takes
 *
 * Returns: TRUE: downstream does not take them; they are kept here, and nothing
 *     is pushed that needs caps
 */
gboolean gst_tachyon_src_refusal_take (GstTachyonSrcRefusal *self, GstPad *pad,
    GstCaps *caps, gboolean was_told);

/* Returns: how long to wait for other caps, 0: no longer; negative: for ever,
 *     nothing is refused */
gint64 gst_tachyon_src_refusal_time_left (const GstTachyonSrcRefusal *self);

/* No other caps came: posts the error that it is. */
void gst_tachyon_src_refusal_fail (GstTachyonSrcRefusal *self,
    GstElement *element);

/* Another producer, or none. */
void gst_tachyon_src_refusal_clear (GstTachyonSrcRefusal *self);

G_END_DECLS

#endif
