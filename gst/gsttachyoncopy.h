/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sends buffers that are in memory of others, by one copy.
 */
#ifndef __GST_TACHYON_COPY_H__
#define __GST_TACHYON_COPY_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct
{
  /* a copy that was made and could not be sent yet, and of what */
  struct tachyon_frame block;
  GstBuffer *of;

  /* atomic: how many were made here, beside those that the library counts */
  gsize count;
} GstTachyonCopy;

/* Forget what was not sent. */
void gst_tachyon_copy_clear (GstTachyonCopy *self);

/*
 * Send a buffer.
 *
 * @min_memory_size: the least size of a block that is copied to; negative: do
 *     not copy
 * @frame: all but its bytes, which are filled in
 *
 * Returns: as gst_tachyon_sender_send_buffer(); after TACHYON_ERR_AGAIN the same
 *     buffer costs no second copy
 */
gint gst_tachyon_copy_send (GstTachyonCopy *self,
    struct tachyon_publisher *publisher, GstBuffer *buffer,
    gint64 min_memory_size, struct tachyon_frame *frame);

G_END_DECLS

#endif
