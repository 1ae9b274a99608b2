/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a sink tells of its flushes: at once, to who may be blocked elsewhere,
 * and by a marker in the stream, behind what is flushed and before what
 * follows. The marker is state, so it waits for nobody, and who joins has it.
 */
#ifndef __GST_TACHYON_FLUSH_H__
#define __GST_TACHYON_FLUSH_H__

#include <gst/gst.h>

#include "gsttachyonwire.h"

G_BEGIN_DECLS

typedef struct
{
  GMutex lock;
  struct flush_message message;
  gboolean is_begun;
} GstTachyonFlush;

/* Sets the first marker: who sees it knows that this sink answers. */
void gst_tachyon_flush_init (GstTachyonFlush *self,
    struct tachyon_publisher *publisher);
void gst_tachyon_flush_clear (GstTachyonFlush *self);

/* FLUSH_START. Any thread. */
void gst_tachyon_flush_begin (GstTachyonFlush *self,
    struct tachyon_publisher *publisher);

/* FLUSH_STOP. In the order of what is sent. */
void gst_tachyon_flush_end (GstTachyonFlush *self,
    struct tachyon_publisher *publisher, gboolean reset_time);

G_END_DECLS

#endif
