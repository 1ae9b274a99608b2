/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas about where a picture stands: GstVideoMeta, GstVideoCropMeta,
 * GstVideoAffineTransformationMeta.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#include <math.h>
#include <string.h>

#include <gst/video/gstvideoaffinetransformationmeta.h>

/* What a peer may claim. */
#define PADDING_MAX (1 << 16)

/* --- GstVideoMeta --- */

/* Paddings say what stands around a picture, strides' masks what may follow. */
static gboolean
is_aligned (const GstVideoAlignment *alignment)
{
  guint plane;

  for (plane = 0; plane < GST_VIDEO_MAX_PLANES; plane++) {
    if (alignment->stride_align[plane] != 0)
      return TRUE;
  }
  return alignment->padding_top != 0 || alignment->padding_bottom != 0 ||
      alignment->padding_left != 0 || alignment->padding_right != 0;
}

gboolean
gst_tachyon_meta_video_is_layout (const GstVideoMeta *meta,
    const struct tachyon_layout *layout)
{
  struct tachyon_layout own;

  return layout && meta->flags == GST_VIDEO_FRAME_FLAG_NONE && meta->id == 0 &&
      !is_aligned (&meta->alignment) &&
      gst_tachyon_layout_from_video_meta (meta, &own) &&
      gst_tachyon_layout_equal (&own, layout);
}

static gboolean
encode_video (const GstMeta *meta, GByteArray *content)
{
  const GstVideoMeta *video = (const GstVideoMeta *) meta;
  const GstVideoAlignment *alignment = &video->alignment;
  struct video_record record = {
    .format = video->format,
    .flags = video->flags,
    .id = video->id,
    .width = video->width,
    .height = video->height,
    .plane_count = video->n_planes,
    .padding_top = alignment->padding_top,
    .padding_bottom = alignment->padding_bottom,
    .padding_left = alignment->padding_left,
    .padding_right = alignment->padding_right,
  };
  guint plane;

  if (video->n_planes > G_N_ELEMENTS (record.offset))
    return FALSE;
  for (plane = 0; plane < video->n_planes; plane++) {
    record.offset[plane] = video->offset[plane];
    record.stride[plane] = video->stride[plane];
    record.stride_align[plane] = alignment->stride_align[plane];
  }
  return gst_tachyon_content_write (content, &record, sizeof record);
}

static GstVideoMeta *
add_video_meta (GstBuffer *buffer, GstVideoFormat format, guint32 flags,
    const struct tachyon_layout *layout)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
  guint plane;

  for (plane = 0; plane < layout->plane_count; plane++) {
    offset[plane] = layout->offset[plane];
    stride[plane] = layout->stride[plane];
  }
  return gst_buffer_add_video_meta_full (buffer, flags, format, layout->width,
      layout->height, layout->plane_count, offset, stride);
}

gboolean
gst_tachyon_meta_video_add_layout (const struct gst_tachyon_stream *stream,
    GstBuffer *buffer)
{
  if (!gst_tachyon_layout_fits (stream->layout, stream->video,
          gst_buffer_get_size (buffer)))
    return FALSE;
  add_video_meta (buffer, GST_VIDEO_INFO_FORMAT (stream->video),
      GST_VIDEO_FRAME_FLAG_NONE, stream->layout);
  return TRUE;
}

/* Whoever asks GStreamer for a plane's size has it compute with these. */
static gboolean
read_alignment (const struct video_record *video, GstVideoAlignment *alignment)
{
  guint plane;

  if (video->padding_top > PADDING_MAX || video->padding_bottom > PADDING_MAX ||
      video->padding_left > PADDING_MAX || video->padding_right > PADDING_MAX)
    return FALSE;

  gst_video_alignment_reset (alignment);
  alignment->padding_top = video->padding_top;
  alignment->padding_bottom = video->padding_bottom;
  alignment->padding_left = video->padding_left;
  alignment->padding_right = video->padding_right;
  for (plane = 0; plane < G_N_ELEMENTS (video->stride_align); plane++) {
    const guint32 mask = video->stride_align[plane];

    if (mask > PADDING_MAX || (mask & (mask + 1)) != 0)
      return FALSE;
    alignment->stride_align[plane] = mask;
  }
  return TRUE;
}

/* Planes as a GPU lays them out, which only its driver can follow: whoever
 * imports the DMABuf has it look. */
static gboolean
is_drm (guint32 format)
{
#if GST_CHECK_VERSION(1, 24, 0)
  return format == (guint32) GST_VIDEO_FORMAT_DMA_DRM;
#else
  return FALSE;
#endif
}

/* All that can be said of these. */
static gboolean
begins_inside (const struct tachyon_layout *layout, gsize size)
{
  guint plane;

  if (layout->plane_count == 0 ||
      layout->plane_count > G_N_ELEMENTS (layout->offset))
    return FALSE;
  for (plane = 0; plane < layout->plane_count; plane++) {
    if (layout->offset[plane] >= size)
      return FALSE;
  }
  return TRUE;
}

static gboolean
decode_video (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct tachyon_layout layout = { 0 };
  GstVideoAlignment alignment;
  struct video_record video;
  GstVideoMeta *meta;
  gboolean fits;

  if (!gst_tachyon_content_read (content, &video, sizeof video))
    return FALSE;
  /* What is no raw video has nothing to check planes against. */
  if (!stream->video && !is_drm (video.format))
    return TRUE;
  if (stream->video &&
      video.format != (guint32) GST_VIDEO_INFO_FORMAT (stream->video))
    return FALSE;

  layout.width = video.width;
  layout.height = video.height;
  layout.plane_count = video.plane_count;
  memcpy (layout.offset, video.offset, sizeof layout.offset);
  memcpy (layout.stride, video.stride, sizeof layout.stride);
  fits = stream->video ? gst_tachyon_layout_fits (&layout, stream->video,
                             gst_buffer_get_size (buffer)) :
                         begins_inside (&layout, gst_buffer_get_size (buffer));
  if (!fits || !read_alignment (&video, &alignment))
    return FALSE;

  meta = add_video_meta (buffer, video.format, video.flags, &layout);
  meta->id = video.id;
  meta->alignment = alignment;
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_video = {
  RECORD_VIDEO,
  gst_video_meta_api_get_type,
  encode_video,
  decode_video,
};

/* --- GstVideoCropMeta --- */

static gboolean
encode_crop (const GstMeta *meta, GByteArray *content)
{
  const GstVideoCropMeta *crop = (const GstVideoCropMeta *) meta;
  const struct crop_record record = {
    .x = crop->x,
    .y = crop->y,
    .width = crop->width,
    .height = crop->height,
  };

  return gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_crop (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct crop_record crop;
  GstVideoCropMeta *meta;

  if (!gst_tachyon_content_read (content, &crop, sizeof crop) ||
      crop.width > G_MAXUINT32 - crop.x || crop.height > G_MAXUINT32 - crop.y)
    return FALSE;

  meta = gst_buffer_add_video_crop_meta (buffer);
  meta->x = crop.x;
  meta->y = crop.y;
  meta->width = crop.width;
  meta->height = crop.height;
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_crop = {
  RECORD_CROP,
  gst_video_crop_meta_api_get_type,
  encode_crop,
  decode_crop,
};

/* --- GstVideoAffineTransformationMeta --- */

static gboolean
encode_affine (const GstMeta *meta, GByteArray *content)
{
  const GstVideoAffineTransformationMeta *affine =
      (const GstVideoAffineTransformationMeta *) meta;
  struct affine_transformation_record record;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (record.matrix); i++)
    record.matrix[i] = affine->matrix[i];
  return gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_affine (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct affine_transformation_record record;
  GstVideoAffineTransformationMeta *meta;
  guint i;

  if (!gst_tachyon_content_read (content, &record, sizeof record))
    return FALSE;
  for (i = 0; i < G_N_ELEMENTS (record.matrix); i++) {
    if (!(fabs (record.matrix[i]) <= G_MAXFLOAT))
      return FALSE;
  }

  meta = gst_buffer_add_video_affine_transformation_meta (buffer);
  for (i = 0; i < G_N_ELEMENTS (record.matrix); i++)
    meta->matrix[i] = record.matrix[i];
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_affine = {
  RECORD_AFFINE_TRANSFORMATION,
  gst_video_affine_transformation_meta_api_get_type,
  encode_affine,
  decode_affine,
};
