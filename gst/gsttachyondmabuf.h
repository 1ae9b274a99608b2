/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Upstream's DMABuf memory, lent to the publisher: each descriptor once, for as
 * long as a GstMemory has it.
 */
#ifndef __GST_TACHYON_DMABUF_H__
#define __GST_TACHYON_DMABUF_H__

#include "gsttachyonpublisher.h"

G_BEGIN_DECLS

typedef struct _GstTachyonDmabuf GstTachyonDmabuf;

/* A buffer's memory is not what its caps say. */
#define GST_TACHYON_DMABUF_FOREIGN (-ENOTBLK)
/* A descriptor is neither a dma-buf nor sealed against shrinking. */
#define GST_TACHYON_DMABUF_SHRINKS (-EMEDIUMTYPE)
/* A buffer's bytes lie behind several descriptors. */
#define GST_TACHYON_DMABUF_SEVERAL (-EXDEV)
/* Its memories are no one piece, and no GstVideoMeta tells what they are. */
#define GST_TACHYON_DMABUF_APART (-ESPIPE)

/* Whether caps say that buffers are DMABuf. */
gboolean gst_tachyon_dmabuf_is_in_caps (const GstCaps *caps);

GstTachyonDmabuf *gst_tachyon_dmabuf_new (GstTachyonPublisher *publisher);

/* What was lent goes with the memories it was lent for, or with the publisher.
 * NULL is fine. */
void gst_tachyon_dmabuf_unref (GstTachyonDmabuf *self);

/*
 * Where a buffer's bytes are, lending them if that is new.
 *
 * @buffer: not empty; it must be kept until all subscribers are done
 * @frame: its block and size are set
 * @offset: out: of the first byte in the block
 *
 * Returns: 0; 1 when planes lie apart behind their descriptor: then the bytes
 *     are all from the first to the last, see gst_tachyon_dmabuf_describe();
 *     or one of the above, or as tachyon_publisher_lend(). One thread at a time.
 */
gint gst_tachyon_dmabuf_find (GstTachyonDmabuf *self, GstBuffer *buffer,
    struct tachyon_frame *frame, guint64 *offset);

/*
 * A buffer whose planes lie apart, as it is seen from @offset.
 *
 * Returns: (transfer full) (nullable): NULL when it has no GstVideoMeta, so that
 *     nobody could tell where its planes are
 */
GstBuffer *gst_tachyon_dmabuf_describe (GstBuffer *buffer, guint64 offset);

G_END_DECLS

#endif
