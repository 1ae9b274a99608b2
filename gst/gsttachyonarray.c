/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between raw video or audio and struct tachyon_array: what a buffer is as an
 * array, and its bytes without gaps.
 */
#include "gsttachyonarray.h"

#include <string.h>

#include "gsttachyonpool.h"

#define WORD_SIZE 2

static gboolean
audio_info (const GstCaps *caps, GstAudioInfo *info)
{
  /* gst_audio_info_from_caps() logs an error for what is no audio. */
  return gst_caps_get_size (caps) == 1 &&
      gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "audio/x-raw") &&
      gst_audio_info_from_caps (info, caps) && info->bpf > 0;
}

void
gst_tachyon_format_from_caps (const GstCaps *caps, GstTachyonFormat *format)
{
  memset (format, 0, sizeof (*format));
  if (!gst_caps_is_fixed (caps))
    return;

  if (gst_tachyon_pool_video_info (caps, &format->video))
    format->media = GST_TACHYON_MEDIA_VIDEO;
  else if (audio_info (caps, &format->audio))
    format->media = GST_TACHYON_MEDIA_AUDIO;
}

static gboolean
video_equal (const GstVideoInfo *a, const GstVideoInfo *b)
{
  return GST_VIDEO_INFO_FORMAT (a) == GST_VIDEO_INFO_FORMAT (b) &&
      GST_VIDEO_INFO_WIDTH (a) == GST_VIDEO_INFO_WIDTH (b) &&
      GST_VIDEO_INFO_FIELD_HEIGHT (a) == GST_VIDEO_INFO_FIELD_HEIGHT (b);
}

static gboolean
audio_equal (const GstAudioInfo *a, const GstAudioInfo *b)
{
  return GST_AUDIO_INFO_FORMAT (a) == GST_AUDIO_INFO_FORMAT (b) &&
      GST_AUDIO_INFO_CHANNELS (a) == GST_AUDIO_INFO_CHANNELS (b) &&
      GST_AUDIO_INFO_LAYOUT (a) == GST_AUDIO_INFO_LAYOUT (b);
}

gboolean
gst_tachyon_format_equal (const GstTachyonFormat *a, const GstTachyonFormat *b)
{
  if (a->media != b->media)
    return FALSE;

  switch (a->media) {
    case GST_TACHYON_MEDIA_VIDEO:
      return video_equal (&a->video, &b->video);
    case GST_TACHYON_MEDIA_AUDIO:
      return audio_equal (&a->audio, &b->audio);
    case GST_TACHYON_MEDIA_OTHER:
      break;
  }

  return TRUE;
}

/* --- arrays --- */

static void
set_numbers (struct tachyon_array *array, enum tachyon_scalar scalar,
    guint32 bits)
{
  memset (array, 0, sizeof (*array));
  array->scalar = scalar;
  array->bits = bits;
}

static void
add_dimension (struct tachyon_array *array, guint64 length)
{
  array->shape[array->dimensions++] = length;
}

gsize
gst_tachyon_array_size (const struct tachyon_array *array)
{
  gsize size = array->bits / 8;
  guint i;

  for (i = 0; i < array->dimensions; i++)
    size *= array->shape[i];

  return size;
}

gboolean
gst_tachyon_array_equal (const struct tachyon_array *a,
    const struct tachyon_array *b)
{
  return a->scalar == b->scalar && a->bits == b->bits &&
      a->dimensions == b->dimensions &&
      memcmp (a->shape, b->shape, a->dimensions * sizeof (*a->shape)) == 0;
}

/* --- video --- */

/* Formats whose stride is no distance from line to line. */
static gboolean
is_opaque (const GstVideoFormatInfo *finfo)
{
  return GST_VIDEO_FORMAT_INFO_IS_TILED (finfo) ||
      GST_VIDEO_FORMAT_INFO_HAS_PALETTE (finfo);
}

static gboolean
is_native (const GstVideoFormatInfo *finfo)
{
  const gint order =
      GST_VIDEO_FORMAT_INFO_IS_LE (finfo) ? G_LITTLE_ENDIAN : G_BIG_ENDIAN;

  return order == G_BYTE_ORDER;
}

/* Whether each component is a 16-bit number of this machine. */
static gboolean
has_words (const GstVideoFormatInfo *finfo)
{
  guint c;

  for (c = 0; c < finfo->n_components; c++) {
    if (finfo->depth[c] <= 8 || finfo->depth[c] > 16 ||
        finfo->pixel_stride[c] == 0 || finfo->pixel_stride[c] % WORD_SIZE != 0)
      return FALSE;
  }

  return is_native (finfo);
}

static gsize
line_size (const GstVideoInfo *info, guint plane)
{
  const GstVideoFormatInfo *const finfo = info->finfo;
  gsize size = 0;
  guint c;

  for (c = 0; c < finfo->n_components; c++) {
    const gsize count =
        GST_VIDEO_SUB_SCALE (finfo->w_sub[c], GST_VIDEO_INFO_WIDTH (info));

    if (finfo->plane[c] != plane)
      continue;
    /* Pixels that share bytes: only the padded line is known. */
    if (finfo->pixel_stride[c] == 0)
      return GST_VIDEO_INFO_PLANE_STRIDE (info, plane);
    size = MAX (size, count * finfo->pixel_stride[c]);
  }

  return size;
}

static gsize
line_count (const GstVideoInfo *info, guint plane)
{
  const GstVideoFormatInfo *const finfo = info->finfo;
  const gint height = GST_VIDEO_INFO_FIELD_HEIGHT (info);
  gint count = 0;
  guint c;

  for (c = 0; c < finfo->n_components; c++) {
    if (finfo->plane[c] == plane)
      count = MAX (count, GST_VIDEO_SUB_SCALE (finfo->h_sub[c], height));
  }

  return count;
}

static gsize
tight_size (const GstVideoInfo *info)
{
  gsize size = 0;
  guint plane;

  if (is_opaque (info->finfo))
    return GST_VIDEO_INFO_SIZE (info);

  for (plane = 0; plane < GST_VIDEO_INFO_N_PLANES (info); plane++)
    size += line_size (info, plane) * line_count (info, plane);

  return size;
}

static void
add_packed (struct tachyon_array *array, const GstVideoInfo *info,
    gsize number_size)
{
  const gsize numbers = line_size (info, 0) / number_size;
  const gsize width = GST_VIDEO_INFO_WIDTH (info);

  add_dimension (array, line_count (info, 0));
  if (info->finfo->pixel_stride[0] == 0 || numbers % width != 0) {
    add_dimension (array, numbers);
    return;
  }

  add_dimension (array, width);
  if (numbers > width)
    add_dimension (array, numbers / width);
}

static void
add_planes (struct tachyon_array *array, const GstVideoInfo *info,
    gsize number_size)
{
  const gsize numbers = tight_size (info) / number_size;
  const gsize width = line_size (info, 0) / number_size;

  if (numbers % width != 0) {
    add_dimension (array, numbers);
    return;
  }

  add_dimension (array, numbers / width);
  add_dimension (array, width);
}

static void
array_from_video (const GstVideoInfo *info, struct tachyon_array *array)
{
  const gsize number_size = has_words (info->finfo) ? WORD_SIZE : 1;

  set_numbers (array, TACHYON_SCALAR_UINT, number_size * 8);
  if (is_opaque (info->finfo))
    add_dimension (array, tight_size (info));
  else if (GST_VIDEO_INFO_N_PLANES (info) == 1)
    add_packed (array, info, number_size);
  else
    add_planes (array, info, number_size);
}

static guint8 *
copy_lines (guint8 *to, const guint8 *from, gssize stride, gsize size,
    gsize count)
{
  gsize i;

  if (stride == (gssize) size) {
    memcpy (to, from, size * count);
    return to + size * count;
  }

  for (i = 0; i < count; i++) {
    memcpy (to, from, size);
    to += size;
    from += stride;
  }

  return to;
}

/* A meta may claim a picture of its own. */
static gboolean
is_such_a_picture (GstBuffer *buffer, const GstVideoInfo *info)
{
  const GstVideoMeta *const meta = gst_buffer_get_video_meta (buffer);

  return !meta ||
      (meta->format == GST_VIDEO_INFO_FORMAT (info) &&
          meta->n_planes == GST_VIDEO_INFO_N_PLANES (info) &&
          meta->width >= (guint) GST_VIDEO_INFO_WIDTH (info) &&
          meta->height >= (guint) GST_VIDEO_INFO_HEIGHT (info));
}

static gboolean
copy_video (const GstVideoInfo *info, GstBuffer *buffer, guint8 *to)
{
  GstVideoFrame frame;
  guint plane;

  if (!is_such_a_picture (buffer, info) ||
      !gst_video_frame_map (&frame, (GstVideoInfo *) info, buffer,
          GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return FALSE;

  for (plane = 0; plane < GST_VIDEO_INFO_N_PLANES (info); plane++)
    to = copy_lines (to, GST_VIDEO_FRAME_PLANE_DATA (&frame, plane),
        GST_VIDEO_FRAME_PLANE_STRIDE (&frame, plane), line_size (info, plane),
        line_count (info, plane));
  gst_video_frame_unmap (&frame);

  return TRUE;
}

/* --- audio --- */

static gsize
sample_size (const GstAudioInfo *info)
{
  return GST_AUDIO_INFO_WIDTH (info) / 8;
}

/* Whether a sample is a number of this machine. */
static gboolean
has_numbers (const GstAudioInfo *info)
{
  const gsize size = sample_size (info);

  return size == 1 ||
      (GST_AUDIO_FORMAT_INFO_ENDIANNESS (info->finfo) == G_BYTE_ORDER &&
          (size == 2 || size == 4 || size == 8));
}

static enum tachyon_scalar
scalar_of (const GstAudioFormatInfo *finfo)
{
  if (GST_AUDIO_FORMAT_INFO_IS_FLOAT (finfo))
    return TACHYON_SCALAR_FLOAT;
  if (GST_AUDIO_FORMAT_INFO_IS_SIGNED (finfo))
    return TACHYON_SCALAR_INT;

  return TACHYON_SCALAR_UINT;
}

static gboolean
is_interleaved (const GstAudioInfo *info)
{
  return GST_AUDIO_INFO_LAYOUT (info) == GST_AUDIO_LAYOUT_INTERLEAVED;
}

static gboolean
array_from_audio (const GstAudioInfo *info, gsize size,
    struct tachyon_array *array)
{
  const gsize frames = size / GST_AUDIO_INFO_BPF (info);
  const gsize channels = GST_AUDIO_INFO_CHANNELS (info);

  if (frames == 0 || size % GST_AUDIO_INFO_BPF (info) != 0)
    return FALSE;

  if (has_numbers (info))
    set_numbers (array, scalar_of (info->finfo), GST_AUDIO_INFO_WIDTH (info));
  else
    set_numbers (array, TACHYON_SCALAR_UINT, 8);
  add_dimension (array, is_interleaved (info) ? frames : channels);
  add_dimension (array, is_interleaved (info) ? channels : frames);
  if (!has_numbers (info))
    add_dimension (array, sample_size (info));

  return TRUE;
}

static gboolean
copy_channels (const GstAudioInfo *info, GstBuffer *buffer, guint8 *to,
    gsize size)
{
  GstAudioBuffer audio;
  gboolean fits;
  gint i;

  if (!gst_audio_buffer_map (&audio, info, buffer, GST_MAP_READ))
    return FALSE;

  fits = GST_AUDIO_BUFFER_PLANE_SIZE (&audio) * audio.n_planes == size;
  for (i = 0; fits && i < audio.n_planes; i++)
    to = copy_lines (to, audio.planes[i], 0,
        GST_AUDIO_BUFFER_PLANE_SIZE (&audio), 1);
  gst_audio_buffer_unmap (&audio);

  return fits;
}

/* --- both --- */

gboolean
gst_tachyon_array_from_format (const GstTachyonFormat *format, gsize size,
    struct tachyon_array *array)
{
  switch (format->media) {
    case GST_TACHYON_MEDIA_VIDEO:
      array_from_video (&format->video, array);
      return TRUE;
    case GST_TACHYON_MEDIA_AUDIO:
      return array_from_audio (&format->audio, size, array);
    case GST_TACHYON_MEDIA_OTHER:
      break;
  }

  return FALSE;
}

static gboolean
copy_bytes (GstBuffer *buffer, gpointer data, gsize size)
{
  return gst_buffer_get_size (buffer) == size &&
      gst_buffer_extract (buffer, 0, data, size) == size;
}

gboolean
gst_tachyon_array_copy (const GstTachyonFormat *format, GstBuffer *buffer,
    gpointer data, gsize size)
{
  switch (format->media) {
    case GST_TACHYON_MEDIA_VIDEO:
      if (tight_size (&format->video) != size)
        return FALSE;
      if (is_opaque (format->video.finfo))
        return copy_bytes (buffer, data, size);
      return copy_video (&format->video, buffer, data);
    case GST_TACHYON_MEDIA_AUDIO:
      if (is_interleaved (&format->audio) ||
          !gst_buffer_get_audio_meta (buffer))
        return copy_bytes (buffer, data, size);
      return copy_channels (&format->audio, buffer, data, size);
    case GST_TACHYON_MEDIA_OTHER:
      break;
  }

  return FALSE;
}
