/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstDmaBufMemory over frames that lie behind a descriptor: one for each
 * descriptor, which comes again with each frame in it, mapped as it was.
 */
#ifndef __GST_TACHYON_DESCRIPTOR_H__
#define __GST_TACHYON_DESCRIPTOR_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

typedef struct _GstTachyonDescriptors GstTachyonDescriptors;

GstTachyonDescriptors *gst_tachyon_descriptors_new (void);

/* Memories stay good. NULL is fine. */
void gst_tachyon_descriptors_free (GstTachyonDescriptors *self);

/* Let go of what is not in use: other descriptors will come. */
void gst_tachyon_descriptors_flush (GstTachyonDescriptors *self);

/*
 * A read-only memory of a frame's bytes, one at least. It gives the frame back
 * when nobody has it, or a share of it, any more: on any thread. One thread at a
 * time.
 *
 * @frame: its reference moves to the memory; its other fields stay. On failure
 *     it stays the caller's.
 *
 * Returns: (transfer full) (nullable): NULL where no descriptor is left
 */
GstMemory *gst_tachyon_descriptors_wrap (GstTachyonDescriptors *self,
    struct tachyon_frame *frame);

G_END_DECLS

#endif
