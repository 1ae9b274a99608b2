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
  /* the newest subscriber that has got a key unit, and those before it have */
  guint64 served;
} GstTachyonKeyUnit;

void gst_tachyon_key_unit_init (GstTachyonKeyUnit *self);
void gst_tachyon_key_unit_clear (GstTachyonKeyUnit *self);

/* Another stream begins, or other caps. */
void gst_tachyon_key_unit_begin (GstTachyonKeyUnit *self);

/* Before the buffer is sent: who joins between the two asks once more, which is
 * better than not at all. */
void gst_tachyon_key_unit_pass (GstTachyonKeyUnit *self, GstBuffer *buffer);

/* A buffer was sent to this subscriber and all that came before. */
void gst_tachyon_key_unit_serve (GstTachyonKeyUnit *self, GstBuffer *buffer,
    guint64 subscriber);

/*
 * A subscriber has joined: we hear of it late, or soon. Any thread.
 *
 * @now: on CLOCK_MONOTONIC
 *
 * Returns: (transfer full) (nullable): what to push upstream; NULL when no key
 *     unit is needed, or one is on its way
 */
GstEvent *gst_tachyon_key_unit_ask (GstTachyonKeyUnit *self, guint64 subscriber,
    GstClockTime now);

G_END_DECLS

#endif
