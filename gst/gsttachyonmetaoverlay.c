/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstVideoOverlayCompositionMeta: rectangles with their pixels. Sequence
 * numbers are the receiving process's own, as the API has it.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#define PIXEL_SIZE 4

/* What a peer may claim: whoever draws it makes a picture of the rendered
 * size, and adds positions and sizes up. Larger than any screen. */
#define RECTANGLES_MAX 128
#define SIDE_MAX (1 << 15)
#define AREA_MAX (1 << 26)
#define POSITION_MAX (1 << 20)

/* --- writing --- */

/* Lines without what may stand between them. */
static gboolean
write_lines (GByteArray *content, const GstVideoFrame *frame)
{
  const guint8 *from = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  const gsize line = (gsize) GST_VIDEO_FRAME_WIDTH (frame) * PIXEL_SIZE;
  gint y;

  for (y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++) {
    if (!gst_tachyon_content_write (content, from, line))
      return FALSE;
    from += GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);
  }
  return TRUE;
}

static gboolean
write_pixels (GByteArray *content, GstBuffer *pixels, const GstVideoMeta *meta)
{
  GstVideoFrame frame;
  GstVideoInfo info;
  gboolean good;

  if (!gst_video_info_set_format (&info, meta->format, meta->width,
          meta->height) ||
      !gst_video_frame_map (&frame, &info, pixels, GST_MAP_READ))
    return FALSE;
  good = write_lines (content, &frame);
  gst_video_frame_unmap (&frame);
  return good;
}

static gboolean
write_rectangle (GByteArray *content, GstVideoOverlayRectangle *rectangle)
{
  const GstVideoOverlayFormatFlags flags =
      gst_video_overlay_rectangle_get_flags (rectangle);
  /* As they are: neither scaled, nor converted, nor with the alpha applied.
   * Somebody else's reference keeps a map from merging memories in place. */
  GstBuffer *pixels = gst_buffer_ref (
      gst_video_overlay_rectangle_get_pixels_unscaled_raw (rectangle, flags));
  const GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  struct overlay_rectangle head = {
    .flags = flags,
    .global_alpha = gst_video_overlay_rectangle_get_global_alpha (rectangle),
  };
  gboolean good = FALSE;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &head.x, &head.y,
      &head.render_width, &head.render_height);
  if (meta) {
    head.format = meta->format;
    head.width = meta->width;
    head.height = meta->height;
    good = gst_tachyon_content_write (content, &head, sizeof head) &&
        write_pixels (content, pixels, meta);
  }
  gst_buffer_unref (pixels);
  return good;
}

static gboolean
encode_overlay (const GstMeta *meta, GByteArray *content)
{
  GstVideoOverlayComposition *overlay =
      ((const GstVideoOverlayCompositionMeta *) meta)->overlay;
  struct overlay_record head = { 0 };
  guint i;

  if (!overlay)
    return FALSE;
  head.rectangle_count = gst_video_overlay_composition_n_rectangles (overlay);
  if (head.rectangle_count > RECTANGLES_MAX ||
      !gst_tachyon_content_write (content, &head, sizeof head))
    return FALSE;
  for (i = 0; i < head.rectangle_count; i++) {
    if (!write_rectangle (content,
            gst_video_overlay_composition_get_rectangle (overlay, i)))
      return FALSE;
  }
  return TRUE;
}

/* --- reading --- */

static gboolean
is_size (guint32 width, guint32 height)
{
  return width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX &&
      width * height <= AREA_MAX;
}

static gboolean
is_rectangle (const struct overlay_rectangle *head)
{
  return is_size (head->width, head->height) &&
      is_size (head->render_width, head->render_height) &&
      ABS ((gint64) head->x) <= POSITION_MAX &&
      ABS ((gint64) head->y) <= POSITION_MAX &&
      (head->format == GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB ||
          head->format == GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_YUV) &&
      (head->flags &
          ~(GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA |
              GST_VIDEO_OVERLAY_FORMAT_FLAG_GLOBAL_ALPHA)) == 0 &&
      head->global_alpha >= 0.0 && head->global_alpha <= 1.0;
}

static GstVideoOverlayRectangle *
read_rectangle (struct gst_tachyon_content *content)
{
  GstVideoOverlayRectangle *rectangle;
  struct overlay_rectangle head;
  const guint8 *bytes;
  GstBuffer *pixels;
  gsize size;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      !is_rectangle (&head))
    return NULL;
  size = (gsize) head.width * head.height * PIXEL_SIZE;
  bytes = gst_tachyon_content_take (content, size);
  if (!bytes)
    return NULL;

  pixels = gst_buffer_new_memdup (bytes, size);
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE, head.format,
      head.width, head.height);
  rectangle = gst_video_overlay_rectangle_new_raw (pixels, head.x, head.y,
      head.render_width, head.render_height,
      head.flags & GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (pixels);
  /* Sets the other flag where it is not 1. */
  if (rectangle)
    gst_video_overlay_rectangle_set_global_alpha (rectangle, head.global_alpha);
  return rectangle;
}

static gboolean
decode_overlay (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  GstVideoOverlayComposition *overlay;
  struct overlay_record head;
  gboolean good = TRUE;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      head.rectangle_count > RECTANGLES_MAX)
    return FALSE;

  overlay = gst_video_overlay_composition_new (NULL);
  for (; good && head.rectangle_count > 0; head.rectangle_count--) {
    GstVideoOverlayRectangle *rectangle = read_rectangle (content);

    good = rectangle != NULL;
    if (good) {
      gst_video_overlay_composition_add_rectangle (overlay, rectangle);
      gst_video_overlay_rectangle_unref (rectangle);
    }
  }
  if (good)
    gst_buffer_add_video_overlay_composition_meta (buffer, overlay);
  gst_video_overlay_composition_unref (overlay);
  return good;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_overlay = {
  RECORD_OVERLAY,
  gst_video_overlay_composition_meta_api_get_type,
  encode_overlay,
  decode_overlay,
};
