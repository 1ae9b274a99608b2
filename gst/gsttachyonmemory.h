/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstMemory over a received frame: the producer's own bytes, read-only.
 */
#ifndef __GST_TACHYON_MEMORY_H__
#define __GST_TACHYON_MEMORY_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

#define GST_TACHYON_MEMORY_TYPE "TachyonFrame"

/* What memories over frames belong to; it allocates nothing on request. */
GstAllocator *gst_tachyon_memory_allocator_new (void);

/*
 * Put a memory around a frame's payload, of one byte at least. The memory
 * gives the frame back when it goes: on any thread, also after the element and
 * its connection.
 *
 * @frame: its reference moves to the memory; its other fields stay
 */
GstMemory *gst_tachyon_memory_new (GstAllocator *allocator,
    struct tachyon_frame *frame);

/* Whether the bytes read so far were the frame's own. */
gboolean gst_tachyon_memory_is_valid (GstMemory *memory);

G_END_DECLS

#endif
