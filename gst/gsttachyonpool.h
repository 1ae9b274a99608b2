/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A GstBufferPool whose buffers live in a publisher's blocks.
 */
#ifndef __GST_TACHYON_POOL_H__
#define __GST_TACHYON_POOL_H__

#include <gst/video/gstvideopool.h>

#include "gsttachyonallocator.h"
#include "gsttachyonneeds.h"

G_BEGIN_DECLS

#define GST_TYPE_TACHYON_POOL (gst_tachyon_pool_get_type ())
G_DECLARE_FINAL_TYPE (GstTachyonPool, gst_tachyon_pool, GST, TACHYON_POOL,
    GstVideoBufferPool)

/* Returns: (transfer full): a pool, not configured. */
GstBufferPool *gst_tachyon_pool_new (GstTachyonAllocator *allocator);

/*
 * Tell raw video from other caps, and how large its pictures are.
 *
 * Returns: FALSE when it is not raw video.
 */
gboolean gst_tachyon_pool_video_info (const GstCaps *caps, GstVideoInfo *info);

/* Answer an ALLOCATION query: allocator, pool and VideoMeta, as subscribers need
 * them. */
void gst_tachyon_pool_propose (GstTachyonAllocator *allocator, GstQuery *query,
    const GstTachyonNeeds *needs);

G_END_DECLS

#endif
