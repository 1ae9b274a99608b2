/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Memory in a publisher's blocks, for upstream to write into.
 */
#ifndef __GST_TACHYON_ALLOCATOR_H__
#define __GST_TACHYON_ALLOCATOR_H__

#include "gsttachyonpublisher.h"

G_BEGIN_DECLS

#define GST_TYPE_TACHYON_ALLOCATOR (gst_tachyon_allocator_get_type ())
G_DECLARE_FINAL_TYPE (GstTachyonAllocator, gst_tachyon_allocator, GST,
    TACHYON_ALLOCATOR, GstAllocator)

#define GST_TACHYON_MEMORY_TYPE "TachyonMemory"

/* Returns: (transfer full): an allocator that holds the publisher. */
GstAllocator *gst_tachyon_allocator_new (GstTachyonPublisher *publisher);

/* Returns: (transfer none): the publisher. */
GstTachyonPublisher *gst_tachyon_allocator_get_publisher (
    GstTachyonAllocator *self);

/*
 * Find the one block that a buffer's whole content lies in, in one piece.
 *
 * @frame: data, size and block are filled in; untouched on failure. The block
 *     is the memory's own: there is nothing to release.
 *
 * Returns: FALSE when the buffer is empty, not in a block of this allocator,
 *     or in several pieces.
 */
gboolean gst_tachyon_allocator_find_block (GstTachyonAllocator *self,
    GstBuffer *buffer, struct tachyon_frame *frame);

G_END_DECLS

#endif
