/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Whether a subscriber that joins now needs a key unit, to see anything before
 * the encoder makes one by itself.
 */
#ifndef __GST_TACHYON_KEY_UNIT_H__
#define __GST_TACHYON_KEY_UNIT_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GMutex lock;
  /* atomic: buffers of this stream need others before them */
  gint has_deltas;
  /* when a key unit was asked for that has not come yet, or NONE */
  GstClockTime asked;
  guint count;
} GstTachyonKeyUnit;

void gst_tachyon_key_unit_init (GstTachyonKeyUnit *self);
void gst_tachyon_key_unit_clear (GstTachyonKeyUnit *self);

/* Another stream begins, or other caps. */
void gst_tachyon_key_unit_begin (GstTachyonKeyUnit *self);

/* Before the buffer is sent: who joins between the two asks once more, which is
 * better than not at all. */
void gst_tachyon_key_unit_pass (GstTachyonKeyUnit *self, GstBuffer *buffer);

/*
 * A subscriber has joined. Any thread.
 *
 * @now: on CLOCK_MONOTONIC
 *
 * Returns: (transfer full) (nullable): what to push upstream; NULL when no key
 *     unit is needed, or one is on its way
 */
GstEvent *gst_tachyon_key_unit_ask (GstTachyonKeyUnit *self, GstClockTime now);

G_END_DECLS

#endif
