/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Turns the frames of one stream into buffers: knows its format, and when a
 * frame must be copied.
 *
 * Used by the streaming thread alone, but for the counters.
 */
#ifndef __GST_TACHYON_RECEIVER_H__
#define __GST_TACHYON_RECEIVER_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct _GstTachyonReceiver GstTachyonReceiver;

GstTachyonReceiver *gst_tachyon_receiver_new (void);

/* Buffers stay good. */
void gst_tachyon_receiver_free (GstTachyonReceiver *self);

/* Forget the stream: another producer begins. Downstream stays as it is. */
void gst_tachyon_receiver_reset (GstTachyonReceiver *self);

void gst_tachyon_receiver_set_caps (GstTachyonReceiver *self,
    const GstCaps *caps);

void gst_tachyon_receiver_set_layout (GstTachyonReceiver *self,
    const struct tachyon_layout *layout);

/* Whether downstream reads GstVideoMeta. */
void gst_tachyon_receiver_set_video_meta (GstTachyonReceiver *self,
    gboolean is_read);

/*
 * A buffer of a frame, over its very bytes unless they must be copied.
 *
 * @frame: given back, or moved into the buffer; its hints stay readable
 * @must_copy: copy in any case
 *
 * Returns: (transfer full): NULL when the frame was lost meanwhile (the
 *     producer took its block back), or a copy could not be made
 */
GstBuffer *gst_tachyon_receiver_take (GstTachyonReceiver *self,
    struct tachyon_frame *frame, gboolean must_copy);

/* Any thread: payloads copied, and frames whose metadata made no sense. */
void gst_tachyon_receiver_get_counts (GstTachyonReceiver *self, guint64 *copied,
    guint64 *malformed);

G_END_DECLS

#endif
