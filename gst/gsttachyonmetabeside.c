/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas that ride beside a picture: captions, AFD and bars, SEI, ancillary data,
 * the coded alpha channel, dynamic HDR.
 */
#include "gsttachyonframe.h"
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#include <gst/video/gstvideocodecalphameta.h>
#include <gst/video/video-anc.h>
#include <gst/video/video-sei.h>

/* --- GstVideoCaptionMeta --- */

static gboolean
encode_caption (const GstMeta *meta, GByteArray *content)
{
  const GstVideoCaptionMeta *caption = (const GstVideoCaptionMeta *) meta;
  const struct caption_record head = { .type = caption->caption_type };

  return caption->size > 0 &&
      gst_tachyon_content_write (content, &head, sizeof head) &&
      gst_tachyon_content_write (content, caption->data, caption->size);
}

static gboolean
is_caption_type (guint32 type)
{
  switch (type) {
    case GST_VIDEO_CAPTION_TYPE_CEA608_RAW:
    case GST_VIDEO_CAPTION_TYPE_CEA608_S334_1A:
    case GST_VIDEO_CAPTION_TYPE_CEA708_RAW:
    case GST_VIDEO_CAPTION_TYPE_CEA708_CDP:
      return TRUE;
    default:
      return FALSE;
  }
}

static gboolean
decode_caption (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct caption_record head;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      !is_caption_type (head.type) || content->size == 0)
    return FALSE;
  return gst_buffer_add_video_caption_meta (buffer, head.type, content->data,
             content->size) != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_caption = {
  RECORD_CAPTION,
  gst_video_caption_meta_api_get_type,
  encode_caption,
  decode_caption,
};

/* --- GstVideoAFDMeta --- */

static gboolean
encode_afd (const GstMeta *meta, GByteArray *content)
{
  const GstVideoAFDMeta *afd = (const GstVideoAFDMeta *) meta;
  const struct afd_record record = {
    .field = afd->field,
    .spec = afd->spec,
    .afd = afd->afd,
  };

  return gst_tachyon_content_write (content, &record, sizeof record);
}

/* GStreamer is critical of values that the standards reserve. */
static gboolean
is_afd (const struct afd_record *record)
{
  switch (record->afd) {
    case GST_VIDEO_AFD_UNAVAILABLE:
      if (record->spec == GST_VIDEO_AFD_SPEC_DVB_ETSI)
        return FALSE;
      break;
    case GST_VIDEO_AFD_16_9_TOP_ALIGNED:
    case GST_VIDEO_AFD_14_9_TOP_ALIGNED:
    case GST_VIDEO_AFD_GREATER_THAN_16_9:
    case GST_VIDEO_AFD_4_3_FULL_16_9_FULL:
    case GST_VIDEO_AFD_4_3_FULL_4_3_PILLAR:
    case GST_VIDEO_AFD_16_9_LETTER_16_9_FULL:
    case GST_VIDEO_AFD_14_9_LETTER_14_9_PILLAR:
    case GST_VIDEO_AFD_4_3_FULL_14_9_CENTER:
    case GST_VIDEO_AFD_16_9_LETTER_14_9_CENTER:
    case GST_VIDEO_AFD_16_9_LETTER_4_3_CENTER:
      break;
    default:
      return FALSE;
  }
  return record->field <= 1 &&
      record->spec <= GST_VIDEO_AFD_SPEC_SMPTE_ST2016_1;
}

static gboolean
decode_afd (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct afd_record record;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      !is_afd (&record))
    return FALSE;
  return gst_buffer_add_video_afd_meta (buffer, record.field, record.spec,
             record.afd) != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_afd = {
  RECORD_AFD,
  gst_video_afd_meta_api_get_type,
  encode_afd,
  decode_afd,
};

/* --- GstVideoBarMeta --- */

static gboolean
encode_bar (const GstMeta *meta, GByteArray *content)
{
  const GstVideoBarMeta *bar = (const GstVideoBarMeta *) meta;
  const struct bar_record record = {
    .field = bar->field,
    .is_letterbox = bar->is_letterbox != FALSE,
    .bar_data1 = bar->bar_data1,
    .bar_data2 = bar->bar_data2,
  };

  return gst_tachyon_content_write (content, &record, sizeof record);
}

static gboolean
decode_bar (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct bar_record record;

  if (!gst_tachyon_content_read (content, &record, sizeof record) ||
      record.field > 1)
    return FALSE;
  return gst_buffer_add_video_bar_meta (buffer, record.field,
             record.is_letterbox != 0, record.bar_data1,
             record.bar_data2) != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_bar = {
  RECORD_BAR,
  gst_video_bar_meta_api_get_type,
  encode_bar,
  decode_bar,
};

/* --- GstVideoSEIUserDataUnregisteredMeta --- */

static gboolean
encode_sei (const GstMeta *meta, GByteArray *content)
{
  const GstVideoSEIUserDataUnregisteredMeta *sei =
      (const GstVideoSEIUserDataUnregisteredMeta *) meta;

  return sei->size > 0 &&
      gst_tachyon_content_write (content, sei->uuid, sizeof sei->uuid) &&
      gst_tachyon_content_write (content, sei->data, sei->size);
}

static gboolean
decode_sei (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct sei_record head;

  /* GStreamer is critical of copies of an empty one. */
  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      content->size == 0)
    return FALSE;
  /* It copies, for all that its arguments are not const. */
  gst_buffer_add_video_sei_user_data_unregistered_meta (buffer, head.uuid,
      (guint8 *) content->data, content->size);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_sei = {
  RECORD_SEI,
  gst_video_sei_user_data_unregistered_meta_api_get_type,
  encode_sei,
  decode_sei,
};

/* --- GstVideoCodecAlphaMeta --- */

static gboolean
encode_codec_alpha (const GstMeta *meta, GByteArray *content)
{
  GstBuffer *alpha = ((const GstVideoCodecAlphaMeta *) meta)->buffer;
  const gsize size = alpha ? gst_buffer_get_size (alpha) : 0;
  struct codec_alpha_record head;
  guint8 *bytes;

  if (size == 0)
    return FALSE;
  head.pts = GST_BUFFER_PTS (alpha);
  head.dts = GST_BUFFER_DTS (alpha);
  head.duration = GST_BUFFER_DURATION (alpha);
  head.flags = GST_BUFFER_FLAGS (alpha) & GST_TACHYON_BUFFER_FLAGS;
  head.reserved = 0;
  if (!gst_tachyon_content_write (content, &head, sizeof head))
    return FALSE;
  /* Extracted, not mapped, which may merge memories in place. */
  bytes = gst_tachyon_content_append (content, size);
  return bytes && gst_buffer_extract (alpha, 0, bytes, size) == size;
}

static gboolean
decode_codec_alpha (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct codec_alpha_record head;
  GstBuffer *alpha;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      content->size == 0)
    return FALSE;
  alpha = gst_buffer_new_memdup (content->data, content->size);
  GST_BUFFER_PTS (alpha) = head.pts;
  GST_BUFFER_DTS (alpha) = head.dts;
  GST_BUFFER_DURATION (alpha) = head.duration;
  GST_BUFFER_FLAG_SET (alpha, head.flags & GST_TACHYON_BUFFER_FLAGS);
  gst_buffer_add_video_codec_alpha_meta (buffer, alpha);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_codec_alpha = {
  RECORD_CODEC_ALPHA,
  gst_video_codec_alpha_meta_api_get_type,
  encode_codec_alpha,
  decode_codec_alpha,
};

/* --- GstAncillaryMeta --- */

#if GST_CHECK_VERSION(1, 24, 0)
static gboolean
encode_ancillary (const GstMeta *meta, GByteArray *content)
{
  const GstAncillaryMeta *ancillary = (const GstAncillaryMeta *) meta;
  const struct ancillary_record head = {
    .field = ancillary->field,
    .is_chroma = ancillary->c_not_y_channel != FALSE,
    .line = ancillary->line,
    .offset = ancillary->offset,
    .did = ancillary->DID,
    .sdid = ancillary->SDID_block_number,
    .data_count = ancillary->data_count,
    .checksum = ancillary->checksum,
  };
  /* The upper bits are parity. */
  const gsize count = ancillary->data_count & 0xff;

  return (count == 0 || ancillary->data) &&
      gst_tachyon_content_write (content, &head, sizeof head) &&
      gst_tachyon_content_write (content, ancillary->data,
          count * sizeof *ancillary->data);
}

static gboolean
is_ancillary (const struct ancillary_record *head)
{
  const guint32 ten_bits = 0x3ff;

  return (head->field == GST_ANCILLARY_META_FIELD_PROGRESSIVE ||
             head->field == GST_ANCILLARY_META_FIELD_INTERLACED_FIRST ||
             head->field == GST_ANCILLARY_META_FIELD_INTERLACED_SECOND) &&
      head->line <= 0x7ff && head->offset <= 0xfff && head->did <= ten_bits &&
      head->sdid <= ten_bits && head->data_count <= ten_bits &&
      head->checksum <= ten_bits;
}

static gboolean
decode_ancillary (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct ancillary_record head;
  GstAncillaryMeta *meta;
  const guint8 *data;
  gsize size;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      !is_ancillary (&head))
    return FALSE;
  size = (head.data_count & 0xff) * sizeof *meta->data;
  data = gst_tachyon_content_take (content, size);
  if (!data)
    return FALSE;

  meta = gst_buffer_add_ancillary_meta (buffer);
  meta->field = head.field;
  meta->c_not_y_channel = head.is_chroma != 0;
  meta->line = head.line;
  meta->offset = head.offset;
  meta->DID = head.did;
  meta->SDID_block_number = head.sdid;
  meta->data_count = head.data_count;
  meta->data = size > 0 ? g_memdup2 (data, size) : NULL;
  meta->checksum = head.checksum;
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_ancillary = {
  RECORD_ANCILLARY,
  gst_ancillary_meta_api_get_type,
  encode_ancillary,
  decode_ancillary,
};
#endif

/* --- GstVideoHDRMeta --- */

#if GST_CHECK_VERSION(1, 30, 0)
static gboolean
encode_hdr (const GstMeta *meta, GByteArray *content)
{
  const GstVideoHDRMeta *hdr = (const GstVideoHDRMeta *) meta;
  const struct hdr_record head = { .format = hdr->format };

  return hdr->size > 0 &&
      gst_tachyon_content_write (content, &head, sizeof head) &&
      gst_tachyon_content_write (content, hdr->data, hdr->size);
}

static gboolean
decode_hdr (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct hdr_record head;

  if (!gst_tachyon_content_read (content, &head, sizeof head) ||
      content->size == 0)
    return FALSE;
  return gst_buffer_add_video_hdr_meta (buffer, head.format, content->data,
             content->size) != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_hdr = {
  RECORD_HDR,
  gst_video_hdr_meta_api_get_type,
  encode_hdr,
  decode_hdr,
};
#endif
