/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas about sound: GstAudioMeta, GstDsdPlaneOffsetMeta, GstAudioClippingMeta,
 * GstAudioDownmixMeta, GstAudioLevelMeta.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#include <math.h>

/* What a peer may claim: checks of channels compare each with each. */
#define CHANNELS_MAX 1024

/* --- GstAudioMeta --- */

static gboolean
encode_audio (const GstMeta *meta, GByteArray *content)
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
  gint channel;

  for (channel = 0; channel < (gint) G_N_ELEMENTS (head.position); channel++)
    head.position[channel] = info->position[channel];

  if (!gst_tachyon_content_write (content, &head, sizeof head))
    return FALSE;
  for (channel = 0; is_planar && channel < info->channels; channel++) {
    const guint64 offset = audio->offsets[channel];

    if (!gst_tachyon_content_write (content, &offset, sizeof offset))
      return FALSE;
  }
  return TRUE;
}

/* Planes inside the buffer, none on another. */
static gboolean
planes_fit (const gsize *offset, guint channels, gsize plane_size, gsize size)
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
is_stream (const struct audio_record *head, const GstAudioInfo *info)
{
  return head->format == (guint32) GST_AUDIO_INFO_FORMAT (info) &&
      head->layout == (guint32) GST_AUDIO_INFO_LAYOUT (info) &&
      head->rate == (guint32) GST_AUDIO_INFO_RATE (info) &&
      head->channels == (guint32) GST_AUDIO_INFO_CHANNELS (info);
}

/* Returns: (transfer full): NULL when there are fewer than that */
static gsize *
read_offsets (struct gst_tachyon_content *content, guint channels)
{
  gsize *offset;
  guint channel;

  if (content->size / sizeof (guint64) < channels)
    return NULL;
  offset = g_new (gsize, channels);
  for (channel = 0; channel < channels; channel++) {
    guint64 value = 0;

    gst_tachyon_content_read (content, &value, sizeof value);
    offset[channel] = value;
  }
  return offset;
}

static gboolean
decode_audio (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  const gsize size = gst_buffer_get_size (buffer);
  struct audio_record head;
  gboolean fits;
  gsize *offset;

  if (!gst_tachyon_content_read (content, &head, sizeof head))
    return FALSE;
  if (!stream->audio)
    return TRUE;
  /* Positions are the caps' own: a meta that differs is a critical. */
  if (!is_stream (&head, stream->audio) || head.channels > CHANNELS_MAX ||
      head.samples > size / GST_AUDIO_INFO_BPF (stream->audio))
    return FALSE;

  if (head.layout != GST_AUDIO_LAYOUT_NON_INTERLEAVED) {
    gst_buffer_add_audio_meta (buffer, stream->audio, head.samples, NULL);
    return TRUE;
  }

  offset = read_offsets (content, head.channels);
  fits = offset &&
      planes_fit (offset, head.channels,
          head.samples * GST_AUDIO_INFO_BPS (stream->audio), size);
  if (fits)
    gst_buffer_add_audio_meta (buffer, stream->audio, head.samples, offset);
  g_free (offset);
  return fits;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_audio = {
  RECORD_AUDIO,
  gst_audio_meta_api_get_type,
  encode_audio,
  decode_audio,
};

/* --- GstDsdPlaneOffsetMeta --- */

#if GST_CHECK_VERSION(1, 24, 0)
static gboolean
encode_dsd (const GstMeta *meta, GByteArray *content)
{
  const GstDsdPlaneOffsetMeta *dsd = (const GstDsdPlaneOffsetMeta *) meta;
  const struct dsd_planes_record head = {
    .channels = dsd->num_channels,
    .plane_size = dsd->num_bytes_per_channel,
  };
  gint channel;

  if (!gst_tachyon_content_write (content, &head, sizeof head))
    return FALSE;
  for (channel = 0; channel < dsd->num_channels; channel++) {
    const guint64 offset = dsd->offsets[channel];

    if (!gst_tachyon_content_write (content, &offset, sizeof offset))
      return FALSE;
  }
  return TRUE;
}

static gboolean
decode_dsd (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct dsd_planes_record head;
  gboolean fits;
  gsize *offset;

  if (!gst_tachyon_content_read (content, &head, sizeof head))
    return FALSE;
  if (stream->dsd_channels == 0)
    return TRUE;
  /* Who reads a plane has its number from the caps. */
  if (head.channels != stream->dsd_channels || head.channels > CHANNELS_MAX ||
      head.plane_size == 0)
    return FALSE;

  offset = read_offsets (content, head.channels);
  fits = offset &&
      planes_fit (offset, head.channels, head.plane_size,
          gst_buffer_get_size (buffer));
  if (fits)
    gst_buffer_add_dsd_plane_offset_meta (buffer, head.channels,
        head.plane_size, offset);
  g_free (offset);
  return fits;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_dsd = {
  RECORD_DSD_PLANES,
  gst_dsd_plane_offset_meta_api_get_type,
  encode_dsd,
  decode_dsd,
};
#endif

/* --- GstAudioClippingMeta --- */

/* Formats that applications register have other numbers elsewhere. */
static gboolean
is_format (guint32 format)
{
  return format > GST_FORMAT_UNDEFINED && format <= GST_FORMAT_PERCENT;
}

static gboolean
encode_clipping (const GstMeta *meta, GByteArray *content)
{
  const GstAudioClippingMeta *clipping = (const GstAudioClippingMeta *) meta;
  const struct audio_clipping_record record = {
    .format = clipping->format,
    .start = clipping->start,
    .end = clipping->end,
  };

  return is_format (record.format) &&
      gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_clipping (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct audio_clipping_record record;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      !is_format (record.format))
    return FALSE;
  gst_buffer_add_audio_clipping_meta (buffer, record.format, record.start,
      record.end);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_clipping = {
  RECORD_AUDIO_CLIPPING,
  gst_audio_clipping_meta_api_get_type,
  encode_clipping,
  decode_clipping,
};

/* --- GstAudioDownmixMeta --- */

#define DOWNMIX_CHANNELS_MAX 64

static gboolean
encode_downmix (const GstMeta *meta, GByteArray *content)
{
  const GstAudioDownmixMeta *downmix = (const GstAudioDownmixMeta *) meta;
  struct audio_downmix_record head = {
    .from_channels = downmix->from_channels,
    .to_channels = downmix->to_channels,
  };
  guint to, from;

  if (head.from_channels > DOWNMIX_CHANNELS_MAX ||
      head.to_channels > DOWNMIX_CHANNELS_MAX)
    return FALSE;
  for (from = 0; from < head.from_channels; from++)
    head.from_position[from] = downmix->from_position[from];
  for (to = 0; to < head.to_channels; to++)
    head.to_position[to] = downmix->to_position[to];
  gst_tachyon_content_write (content, &head, sizeof head);

  for (to = 0; to < head.to_channels; to++) {
    for (from = 0; from < head.from_channels; from++) {
      const gdouble coefficient = downmix->matrix[to][from];

      gst_tachyon_content_write (content, &coefficient, sizeof coefficient);
    }
  }
  return TRUE;
}

static gboolean
read_positions (const gint32 *position, guint32 channels,
    GstAudioChannelPosition *to)
{
  guint channel;

  if (channels < 1 || channels > DOWNMIX_CHANNELS_MAX)
    return FALSE;
  for (channel = 0; channel < channels; channel++) {
    if (position[channel] < GST_AUDIO_CHANNEL_POSITION_NONE ||
        position[channel] >= DOWNMIX_CHANNELS_MAX)
      return FALSE;
    to[channel] = position[channel];
  }
  return TRUE;
}

static gboolean
read_coefficients (struct gst_tachyon_content *content, gfloat *to, guint count)
{
  gdouble coefficient;

  for (; count > 0; count--, to++) {
    if (!gst_tachyon_content_read (content, &coefficient, sizeof coefficient) ||
        !(fabs (coefficient) <= G_MAXFLOAT))
      return FALSE;
    *to = coefficient;
  }
  return TRUE;
}

static gboolean
decode_downmix (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  gfloat coefficients[DOWNMIX_CHANNELS_MAX * DOWNMIX_CHANNELS_MAX];
  GstAudioChannelPosition from[DOWNMIX_CHANNELS_MAX], to[DOWNMIX_CHANNELS_MAX];
  const gfloat *matrix[DOWNMIX_CHANNELS_MAX];
  struct audio_downmix_record head;
  guint row;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      !read_positions (head.from_position, head.from_channels, from) ||
      !read_positions (head.to_position, head.to_channels, to) ||
      !read_coefficients (content, coefficients,
          head.from_channels * head.to_channels))
    return FALSE;

  for (row = 0; row < head.to_channels; row++)
    matrix[row] = coefficients + row * head.from_channels;
  gst_buffer_add_audio_downmix_meta (buffer, from, head.from_channels, to,
      head.to_channels, matrix);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_downmix = {
  RECORD_AUDIO_DOWNMIX,
  gst_audio_downmix_meta_api_get_type,
  encode_downmix,
  decode_downmix,
};

/* --- GstAudioLevelMeta --- */

static gboolean
encode_level (const GstMeta *meta, GByteArray *content)
{
  const GstAudioLevelMeta *level = (const GstAudioLevelMeta *) meta;
  const struct audio_level_record record = {
    .level = level->level,
    .voice_activity = level->voice_activity != FALSE,
  };

  return gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_level (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct audio_level_record record;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      record.level > G_MAXUINT8)
    return FALSE;
  gst_buffer_add_audio_level_meta (buffer, record.level,
      record.voice_activity != 0);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_level = {
  RECORD_AUDIO_LEVEL,
  gst_audio_level_meta_api_get_type,
  encode_level,
  decode_level,
};
