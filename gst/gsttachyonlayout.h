/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between GstVideoInfo, GstVideoMeta and struct tachyon_layout: the planes of
 * a picture.
 */
#ifndef __GST_TACHYON_LAYOUT_H__
#define __GST_TACHYON_LAYOUT_H__

#include <gst/gst.h>
#include <gst/video/video.h>

#include <tachyon.h>

G_BEGIN_DECLS

/*
 * The layout of pictures of @info as it stands.
 *
 * Returns: FALSE when it has no planes in memory (encoded, or unknown).
 */
gboolean gst_tachyon_layout_from_video_info (const GstVideoInfo *info,
    struct tachyon_layout *layout);

/* The same from a buffer's meta. */
gboolean gst_tachyon_layout_from_video_meta (const GstVideoMeta *meta,
    struct tachyon_layout *layout);

gboolean gst_tachyon_layout_equal (const struct tachyon_layout *a,
    const struct tachyon_layout *b);

/*
 * Whether planes laid out so lie inside @size bytes, and hold pictures of
 * @info at least.
 */
gboolean gst_tachyon_layout_fits (const struct tachyon_layout *layout,
    const GstVideoInfo *info, gsize size);

G_END_DECLS

#endif
