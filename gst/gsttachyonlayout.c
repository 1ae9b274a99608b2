/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Where the planes of a picture stand, and whether they can stand there: what
 * reads a picture by a GstVideoMeta trusts it.
 */
#include "gsttachyonlayout.h"

#include <string.h>

/* Pixels that a peer may claim: more is a mistake, or a trap. */
#define SIDE_MAX (1 << 16)

/* What decides whether a plane's last line ends inside the payload. */
static guint64
plane_row_bytes (const GstVideoFormatInfo *finfo, guint plane, guint32 width,
    const GstVideoInfo *packed)
{
  guint64 bytes = 0;
  guint c;

  for (c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (finfo); c++) {
    const guint64 count = GST_VIDEO_SUB_SCALE (finfo->w_sub[c], width);

    if (finfo->plane[c] != plane)
      continue;
    /* Pixels that share bytes (v210): only the packed line is known. */
    if (finfo->pixel_stride[c] == 0)
      return GST_VIDEO_INFO_PLANE_STRIDE (packed, plane);
    bytes = MAX (bytes,
        (count - 1) * finfo->pixel_stride[c] + finfo->poffset[c] +
            (finfo->shift[c] + finfo->depth[c] + 7) / 8);
  }
  return bytes;
}

static guint64
plane_rows (const GstVideoFormatInfo *finfo, guint plane, guint32 height)
{
  gint rows = 0;
  guint c;

  for (c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (finfo); c++) {
    if (finfo->plane[c] == plane)
      rows = MAX (rows, GST_VIDEO_SUB_SCALE (finfo->h_sub[c], height));
  }
  return rows;
}

/* @rows is SIDE_MAX at the most: nothing here overflows. */
static gboolean
plane_fits (guint64 offset, gint32 stride, guint64 row_bytes, guint64 rows,
    guint64 size)
{
  const guint64 step = ABS ((gint64) stride);
  guint64 span;

  if (row_bytes == 0 || rows == 0 || offset >= size)
    return FALSE;
  if (rows > 1 && step < row_bytes)
    return FALSE;
  span = (rows - 1) * step;
  if (stride < 0)
    return span <= offset && row_bytes <= size - offset;
  return span <= size - offset && row_bytes <= size - offset - span;
}

/* Formats whose stride is no distance from line to line. */
static gboolean
is_opaque (const GstVideoFormatInfo *finfo)
{
  return GST_VIDEO_FORMAT_INFO_IS_TILED (finfo) ||
      GST_VIDEO_FORMAT_INFO_HAS_PALETTE (finfo);
}

gboolean
gst_tachyon_layout_fits (const struct tachyon_layout *layout,
    const GstVideoInfo *info, gsize size)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  struct tachyon_layout packed_layout;
  GstVideoInfo packed;
  guint32 height = layout->height;
  guint plane;

  if (layout->plane_count != GST_VIDEO_FORMAT_INFO_N_PLANES (finfo) ||
      layout->plane_count == 0 ||
      layout->width < (guint32) GST_VIDEO_INFO_WIDTH (info) ||
      layout->height < (guint32) GST_VIDEO_INFO_HEIGHT (info))
    return FALSE;
  if (!gst_tachyon_layout_from_video_info (info, &packed_layout))
    return FALSE;
  if (layout->width > SIDE_MAX || layout->height > SIDE_MAX)
    return FALSE;

  if (is_opaque (finfo))
    return gst_tachyon_layout_equal (layout, &packed_layout) &&
        GST_VIDEO_INFO_SIZE (info) <= size;

  if (layout->width == (guint32) GST_VIDEO_INFO_WIDTH (info))
    packed = *info;
  else if (!gst_video_info_set_format (&packed, GST_VIDEO_INFO_FORMAT (info),
               layout->width, layout->height))
    return FALSE;

  if (GST_VIDEO_INFO_INTERLACE_MODE (info) ==
      GST_VIDEO_INTERLACE_MODE_ALTERNATE)
    height = (height + 1) / 2;

  for (plane = 0; plane < layout->plane_count; plane++) {
    if (!plane_fits (layout->offset[plane], layout->stride[plane],
            plane_row_bytes (finfo, plane, layout->width, &packed),
            plane_rows (finfo, plane, height), size))
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_tachyon_layout_from_video_info (const GstVideoInfo *info,
    struct tachyon_layout *layout)
{
  guint plane;

  if (!info->finfo ||
      GST_VIDEO_INFO_N_PLANES (info) > G_N_ELEMENTS (layout->offset))
    return FALSE;

  memset (layout, 0, sizeof *layout);
  layout->width = GST_VIDEO_INFO_WIDTH (info);
  layout->height = GST_VIDEO_INFO_HEIGHT (info);
  layout->plane_count = GST_VIDEO_INFO_N_PLANES (info);
  for (plane = 0; plane < layout->plane_count; plane++) {
    layout->offset[plane] = GST_VIDEO_INFO_PLANE_OFFSET (info, plane);
    layout->stride[plane] = GST_VIDEO_INFO_PLANE_STRIDE (info, plane);
  }
  return layout->plane_count > 0;
}

gboolean
gst_tachyon_layout_from_video_meta (const GstVideoMeta *meta,
    struct tachyon_layout *layout)
{
  guint plane;

  if (meta->n_planes == 0 || meta->n_planes > G_N_ELEMENTS (layout->offset))
    return FALSE;

  memset (layout, 0, sizeof *layout);
  layout->width = meta->width;
  layout->height = meta->height;
  layout->plane_count = meta->n_planes;
  for (plane = 0; plane < layout->plane_count; plane++) {
    layout->offset[plane] = meta->offset[plane];
    layout->stride[plane] = meta->stride[plane];
  }
  return TRUE;
}

gboolean
gst_tachyon_layout_equal (const struct tachyon_layout *a,
    const struct tachyon_layout *b)
{
  return a->width == b->width && a->height == b->height &&
      a->plane_count == b->plane_count &&
      a->plane_count <= G_N_ELEMENTS (a->offset) &&
      memcmp (a->offset, b->offset, a->plane_count * sizeof *a->offset) == 0 &&
      memcmp (a->stride, b->stride, a->plane_count * sizeof *a->stride) == 0;
}
