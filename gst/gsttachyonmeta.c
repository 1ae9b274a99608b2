/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GstMeta to record and back.
 */
#include "gsttachyonmeta.h"
#include "gsttachyonlayout.h"
#include "gsttachyontext.h"
#include "gsttachyonwire.h"

#include <string.h>

#define RECORD_TEXT_MAX (1 << 20)

/* What a peer may claim: checks of channels compare each with each. */
#define CHANNELS_MAX 1024
#define RECORDS_MAX 1024
#define PADDING_MAX (1 << 16)

struct stream_format
{
  const struct tachyon_layout *layout;
  const GstVideoInfo *video;
  const GstAudioInfo *audio;
};

struct meta_codec
{
  guint32 record;
  GType (*api) (void);
  /* Appends a record; FALSE when the meta cannot cross. */
  gboolean (*encode) (const GstMeta *meta, GByteArray *records);
  /* FALSE when malformed; the record is not aligned, and may change. */
  gboolean (*decode) (const struct tachyon_record *record,
      const struct stream_format *format, GstBuffer *buffer);
};

static void
append_record (GByteArray *records, guint32 type, gconstpointer data,
    gsize size)
{
  /* A record's header and padding are the library's: more than enough. */
  const guint overhead = 64;
  gsize used = records->len;

  g_byte_array_set_size (records, used + size + overhead);
  if (tachyon_record_append (records->data, records->len, &used, type, data,
          size) < 0)
    g_assert_not_reached ();
  g_byte_array_set_size (records, used);
}

/* The head of a record that may be longer. */
static gboolean
read_head (const struct tachyon_record *record, gpointer head, gsize size)
{
  if (record->size < size)
    return FALSE;
  memcpy (head, record->data, size);
  return TRUE;
}

/* --- GstVideoMeta --- */

/*
 * Nothing but what the layout says. Paddings are no part of the question: they
 * say what stands around a picture, never where it stands.
 */
static gboolean
video_meta_is_layout (const GstVideoMeta *meta,
    const struct tachyon_layout *layout)
{
  struct tachyon_layout own;

  return layout && meta->flags == GST_VIDEO_FRAME_FLAG_NONE && meta->id == 0 &&
      gst_tachyon_layout_from_video_meta (meta, &own) &&
      gst_tachyon_layout_equal (&own, layout);
}

static gboolean
encode_video (const GstMeta *meta, GByteArray *records)
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
  append_record (records, RECORD_VIDEO, &record, sizeof record);
  return TRUE;
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

static gboolean
decode_video (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  struct tachyon_layout layout = { 0 };
  GstVideoAlignment alignment;
  struct video_record video;
  GstVideoMeta *meta;

  if (!read_head (record, &video, sizeof video))
    return FALSE;
  /* What is no raw video has nothing to check planes against. */
  if (!format->video)
    return TRUE;
  if (video.format != (guint32) GST_VIDEO_INFO_FORMAT (format->video))
    return FALSE;

  layout.width = video.width;
  layout.height = video.height;
  layout.plane_count = video.plane_count;
  memcpy (layout.offset, video.offset, sizeof layout.offset);
  memcpy (layout.stride, video.stride, sizeof layout.stride);
  if (!gst_tachyon_layout_fits (&layout, format->video,
          gst_buffer_get_size (buffer)) ||
      !read_alignment (&video, &alignment))
    return FALSE;

  meta = add_video_meta (buffer, video.format, video.flags, &layout);
  meta->id = video.id;
  meta->alignment = alignment;
  return TRUE;
}

/* --- GstVideoCropMeta --- */

static gboolean
encode_crop (const GstMeta *meta, GByteArray *records)
{
  const GstVideoCropMeta *crop = (const GstVideoCropMeta *) meta;
  const struct crop_record record = {
    .x = crop->x,
    .y = crop->y,
    .width = crop->width,
    .height = crop->height,
  };

  append_record (records, RECORD_CROP, &record, sizeof record);
  return TRUE;
}

static gboolean
decode_crop (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  struct crop_record crop;
  GstVideoCropMeta *meta;

  if (!read_head (record, &crop, sizeof crop) ||
      crop.width > G_MAXUINT32 - crop.x || crop.height > G_MAXUINT32 - crop.y)
    return FALSE;

  meta = gst_buffer_add_video_crop_meta (buffer);
  meta->x = crop.x;
  meta->y = crop.y;
  meta->width = crop.width;
  meta->height = crop.height;
  return TRUE;
}

/* --- GstAudioMeta --- */

static gboolean
encode_audio (const GstMeta *meta, GByteArray *records)
{
  const GstAudioMeta *audio = (const GstAudioMeta *) meta;
  const GstAudioInfo *info = &audio->info;
  const gboolean is_planar = info->layout == GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  struct audio_record head = {
    .format = GST_AUDIO_INFO_FORMAT (info),
    .flags = info->flags,
    .layout = info->layout,
    .rate = info->rate,
    .channels = info->channels,
    .samples = audio->samples,
  };
  GByteArray *bytes;
  gint channel;

  for (channel = 0; channel < (gint) G_N_ELEMENTS (head.position); channel++)
    head.position[channel] = info->position[channel];

  bytes = g_byte_array_new ();
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  for (channel = 0; is_planar && channel < info->channels; channel++) {
    const guint64 offset = audio->offsets[channel];

    g_byte_array_append (bytes, (const guint8 *) &offset, sizeof offset);
  }
  append_record (records, RECORD_AUDIO, bytes->data, bytes->len);
  g_byte_array_unref (bytes);
  return TRUE;
}

/* Planes inside the buffer, none on another. */
static gboolean
audio_planes_fit (const gsize *offset, guint channels, gsize plane_size,
    gsize size)
{
  guint i, j;

  for (i = 0; i < channels; i++) {
    if (offset[i] > size || plane_size > size - offset[i])
      return FALSE;
    for (j = 0; j < i; j++) {
      if (MAX (offset[i], offset[j]) - MIN (offset[i], offset[j]) < plane_size)
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
audio_record_is_stream (const struct audio_record *head,
    const GstAudioInfo *info)
{
  return head->format == (guint32) GST_AUDIO_INFO_FORMAT (info) &&
      head->layout == (guint32) GST_AUDIO_INFO_LAYOUT (info) &&
      head->rate == (guint32) GST_AUDIO_INFO_RATE (info) &&
      head->channels == (guint32) GST_AUDIO_INFO_CHANNELS (info);
}

static gboolean
decode_audio (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  const gsize size = gst_buffer_get_size (buffer);
  struct audio_record head;
  gsize *offset = NULL;
  gboolean fits;
  guint channel;

  if (!read_head (record, &head, sizeof head))
    return FALSE;
  if (!format->audio)
    return TRUE;
  /* Positions are the caps' own: a meta that differs is a critical. */
  if (!audio_record_is_stream (&head, format->audio) ||
      head.channels > CHANNELS_MAX ||
      head.samples > size / GST_AUDIO_INFO_BPF (format->audio))
    return FALSE;

  if (head.layout != GST_AUDIO_LAYOUT_NON_INTERLEAVED) {
    gst_buffer_add_audio_meta (buffer, format->audio, head.samples, NULL);
    return TRUE;
  }

  if ((record->size - sizeof head) / sizeof (guint64) < head.channels)
    return FALSE;
  offset = g_new (gsize, head.channels);
  for (channel = 0; channel < head.channels; channel++) {
    guint64 value;

    memcpy (&value,
        (const guint8 *) record->data + sizeof head + channel * sizeof value,
        sizeof value);
    offset[channel] = value;
  }
  fits = audio_planes_fit (offset, head.channels,
      head.samples * GST_AUDIO_INFO_BPS (format->audio), size);
  if (fits)
    gst_buffer_add_audio_meta (buffer, format->audio, head.samples, offset);
  g_free (offset);
  return fits;
}

/* --- GstReferenceTimestampMeta --- */

static gboolean
encode_reference_timestamp (const GstMeta *meta, GByteArray *records)
{
  const GstReferenceTimestampMeta *reference =
      (const GstReferenceTimestampMeta *) meta;
  const struct reference_timestamp_record head = {
    .timestamp = reference->timestamp,
    .duration = reference->duration,
  };
  gchar *caps = gst_caps_to_string (reference->reference);
  GByteArray *bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  g_byte_array_append (bytes, (const guint8 *) caps, strlen (caps));
  append_record (records, RECORD_REFERENCE_TIMESTAMP, bytes->data, bytes->len);
  g_byte_array_unref (bytes);
  g_free (caps);
  return TRUE;
}

/* A private copy of a record's text: a peer may still be writing. */
static gchar *
read_text (const struct tachyon_record *record, gsize offset)
{
  if (record->size <= offset || record->size - offset > RECORD_TEXT_MAX)
    return NULL;
  return g_strndup ((const gchar *) record->data + offset,
      record->size - offset);
}

static gboolean
decode_reference_timestamp (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  struct reference_timestamp_record head;
  GstCaps *caps = NULL;
  gchar *text;

  if (!read_head (record, &head, sizeof head) ||
      !GST_CLOCK_TIME_IS_VALID (head.timestamp))
    return FALSE;

  text = read_text (record, sizeof head);
  if (text)
    caps = gst_tachyon_caps_parse (text);
  g_free (text);
  if (!caps)
    return FALSE;

  gst_buffer_add_reference_timestamp_meta (buffer, caps, head.timestamp,
      head.duration);
  gst_caps_unref (caps);
  return TRUE;
}

/* --- GstCustomMeta --- */

static gboolean
encode_custom (const GstMeta *meta, GByteArray *records)
{
  gchar *text = gst_tachyon_structure_print (
      gst_custom_meta_get_structure ((GstCustomMeta *) meta));

  if (!text)
    return FALSE;
  append_record (records, RECORD_CUSTOM, text, strlen (text));
  g_free (text);
  return TRUE;
}

static gboolean
copy_field (GQuark name, const GValue *value, gpointer structure)
{
  gst_structure_id_set_value (structure, name, value);
  return TRUE;
}

static gboolean
decode_custom (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  gchar *text = read_text (record, 0);
  GstStructure *from = NULL;
  const GstMetaInfo *info;

  if (text)
    from = gst_tachyon_structure_parse (text);
  g_free (text);
  if (!from)
    return FALSE;

  /* A meta that this process has not registered means nothing to it. */
  info = gst_meta_get_info (gst_structure_get_name (from));
  if (info && gst_meta_info_is_custom (info)) {
    GstCustomMeta *meta =
        gst_buffer_add_custom_meta (buffer, gst_structure_get_name (from));

    gst_structure_foreach (from, copy_field,
        gst_custom_meta_get_structure (meta));
  }
  gst_structure_free (from);
  return TRUE;
}

/* --- all of them --- */

/* To teach a meta to cross, add a row. */
static const struct meta_codec codecs[] = {
  { RECORD_VIDEO, gst_video_meta_api_get_type, encode_video, decode_video },
  { RECORD_CROP, gst_video_crop_meta_api_get_type, encode_crop, decode_crop },
  { RECORD_AUDIO, gst_audio_meta_api_get_type, encode_audio, decode_audio },
  { RECORD_REFERENCE_TIMESTAMP, gst_reference_timestamp_meta_api_get_type,
      encode_reference_timestamp, decode_reference_timestamp },
  { RECORD_CUSTOM, NULL, encode_custom, decode_custom },
};

static const struct meta_codec *
find_codec (const GstMetaInfo *info)
{
  const gboolean is_custom = gst_meta_info_is_custom (info);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (codecs[i].api ? codecs[i].api () == info->api : is_custom)
      return &codecs[i];
  }
  return NULL;
}

/* Metas about this process's memory: nobody misses them in another. */
static gboolean
is_local (const GstMetaInfo *info)
{
  return info->api == GST_PARENT_BUFFER_META_API_TYPE ||
      gst_meta_api_type_has_tag (info->api, _gst_meta_tag_memory_reference);
}

guint
gst_tachyon_metas_encode (GstBuffer *buffer,
    const struct tachyon_layout *layout, GByteArray *records)
{
  const guint video_metas =
      gst_buffer_get_n_meta (buffer, GST_VIDEO_META_API_TYPE);
  gpointer state = NULL;
  GstMeta *meta;
  guint lost = 0;

  if (layout && video_metas == 0)
    append_record (records, RECORD_NO_VIDEO, NULL, 0);

  while ((meta = gst_buffer_iterate_meta (buffer, &state))) {
    const struct meta_codec *codec;

    if (video_metas == 1 && meta->info->api == GST_VIDEO_META_API_TYPE &&
        video_meta_is_layout ((const GstVideoMeta *) meta, layout))
      continue;

    codec = find_codec (meta->info);
    if (codec ? !codec->encode (meta, records) : !is_local (meta->info))
      lost++;
  }
  return lost;
}

static gboolean
decode_record (const struct tachyon_record *record,
    const struct stream_format *format, GstBuffer *buffer)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (codecs[i].record == record->type)
      return codecs[i].decode (record, format, buffer);
  }
  /* A newer sender's: the frame is good without it. */
  return TRUE;
}

static gboolean
add_layout (const struct stream_format *format, GstBuffer *buffer)
{
  if (!gst_tachyon_layout_fits (format->layout, format->video,
          gst_buffer_get_size (buffer)))
    return FALSE;
  add_video_meta (buffer, GST_VIDEO_INFO_FORMAT (format->video),
      GST_VIDEO_FRAME_FLAG_NONE, format->layout);
  return TRUE;
}

gboolean
gst_tachyon_metas_decode (const struct tachyon_frame *frame,
    const struct tachyon_layout *layout, const GstVideoInfo *video,
    const GstAudioInfo *audio, GstBuffer *buffer)
{
  const struct stream_format format = { layout, video, audio };
  gboolean has_layout = layout && video;
  struct tachyon_record record;
  gboolean good = TRUE;
  size_t position = 0;
  guint count = 0;
  int ret = 0;

  while (frame->metadata_size > 0 && count++ < RECORDS_MAX &&
      (ret = tachyon_record_next (frame, &position, &record)) > 0) {
    if (record.type == RECORD_VIDEO || record.type == RECORD_NO_VIDEO)
      has_layout = FALSE;
    if (!decode_record (&record, &format, buffer))
      good = FALSE;
  }

  if (has_layout && !add_layout (&format, buffer))
    good = FALSE;
  return good && ret == 0;
}
