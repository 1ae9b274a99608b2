/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A buffer's metas to records and back: which codec is whose, and the walk.
 */
#include "gsttachyonmeta.h"
#include "gsttachyoncontent.h"
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (tachyon_meta_debug);
#define GST_CAT_DEFAULT tachyon_meta_debug

/* What a frame may carry: more is not sent, and not read. */
#define RECORDS_MAX 1024

/* Of one record: its header and padding, which are the library's. */
#define OVERHEAD 64

/* To teach a meta to cross, add a row. */
static const struct gst_tachyon_meta_codec *const codecs[] = {
  &gst_tachyon_meta_video,
  &gst_tachyon_meta_crop,
  &gst_tachyon_meta_audio,
  &gst_tachyon_meta_reference,
  &gst_tachyon_meta_region,
  &gst_tachyon_meta_time_code,
  &gst_tachyon_meta_caption,
  &gst_tachyon_meta_afd,
  &gst_tachyon_meta_bar,
  &gst_tachyon_meta_affine,
  &gst_tachyon_meta_sei,
  &gst_tachyon_meta_overlay,
  &gst_tachyon_meta_codec_alpha,
  &gst_tachyon_meta_clipping,
  &gst_tachyon_meta_downmix,
  &gst_tachyon_meta_level,
  &gst_tachyon_meta_protection,
  &gst_tachyon_meta_net_address,
  &gst_tachyon_meta_rtp_source,
#if GST_CHECK_VERSION(1, 24, 0)
  &gst_tachyon_meta_ancillary,
  &gst_tachyon_meta_dsd,
#endif
#if GST_CHECK_VERSION(1, 30, 0)
  &gst_tachyon_meta_hdr,
#endif
  /* These have no API of their own. */
  &gst_tachyon_meta_custom,
#if GST_CHECK_VERSION(1, 24, 0)
  &gst_tachyon_meta_generic,
#endif
};

/*
 * About this process's memory, by the names of their APIs, since the libraries
 * and plugins that have them are not ours to link.
 */
static const gchar *const local_names[] = {
  "GstVideoGLTextureUploadMetaAPI",
  "GstGLSyncMetaAPI",
  "GstMetaXImageSrcAPI",
  "GstMetaDfbSurfaceAPI",
  "GstNVMMParentMetaAPI",
};

const struct gst_tachyon_meta_codec *
gst_tachyon_meta_find_codec (const GstMetaInfo *info)
{
  guint i;

  if (gst_meta_info_is_custom (info))
    return &gst_tachyon_meta_custom;
  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (codecs[i]->api && codecs[i]->api () == info->api)
      return codecs[i];
  }
  return NULL;
}

/* --- sending --- */

/* Metas about this process's memory: nobody misses them in another. */
static gboolean
is_local (const GstMetaInfo *info)
{
  const gchar *name = g_type_name (info->api);
  guint i;

  if (info->api == GST_PARENT_BUFFER_META_API_TYPE ||
      gst_meta_api_type_has_tag (info->api, _gst_meta_tag_memory_reference))
    return TRUE;
  for (i = 0; i < G_N_ELEMENTS (local_names); i++) {
    if (g_str_equal (name, local_names[i]))
      return TRUE;
  }
  return FALSE;
}

/* Told once for each type of meta: a stream may have one on each buffer. */
static void
tell_lost (const GstMetaInfo *info)
{
  static gsize once = 0;
  const GQuark told = g_quark_from_static_string ("gst-tachyon-meta-told");

  if (g_type_get_qdata (info->type, told))
    return;
  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (tachyon_meta_debug, "tachyonmeta", 0,
        "metas between tachyonsink and tachyonsrc");
    g_once_init_leave (&once, 1);
  }
  g_type_set_qdata (info->type, told, GINT_TO_POINTER (TRUE));
  GST_WARNING ("%s does not cross to another process; more are only counted",
      g_type_name (info->type));
}

/* What is being written for one buffer. */
struct writer
{
  GByteArray *records;
  GByteArray *content;
  guint count;
};

/* Returns: FALSE when the frame is full; nothing was appended */
static gboolean
append_record (struct writer *writer, guint32 type)
{
  GByteArray *records = writer->records;
  const gsize size = writer->content->len;
  gsize used = records->len;

  if (writer->count >= RECORDS_MAX ||
      used + size + OVERHEAD > GST_TACHYON_RECORDS_SIZE_MAX)
    return FALSE;

  g_byte_array_set_size (records, used + size + OVERHEAD);
  if (tachyon_record_append (records->data, records->len, &used, type,
          writer->content->data, size) < 0)
    g_assert_not_reached ();
  g_byte_array_set_size (records, used);
  writer->count++;
  return TRUE;
}

static gboolean
write_meta (struct writer *writer, const GstMeta *meta)
{
  const struct gst_tachyon_meta_codec *codec =
      gst_tachyon_meta_find_codec (meta->info);

#if GST_CHECK_VERSION(1, 24, 0)
  if (!codec)
    codec = &gst_tachyon_meta_generic;
#endif
  g_byte_array_set_size (writer->content, 0);
  return codec && codec->encode (meta, writer->content) &&
      append_record (writer, codec->record);
}

/* Returns: FALSE when it cannot cross */
static gboolean
send_meta (struct writer *writer, const GstMeta *meta)
{
  /* Most frames have none, and cost no allocation. */
  if (!writer->content)
    writer->content = g_byte_array_new ();
  if (write_meta (writer, meta))
    return TRUE;
  tell_lost (meta->info);
  return FALSE;
}

/* The stream's layout says what a GstVideoMeta would, where it comes first. */
static gboolean
is_said_by_layout (GstBuffer *buffer, const GstMeta *meta,
    const struct tachyon_layout *layout)
{
  return meta->info->api == GST_VIDEO_META_API_TYPE &&
      gst_tachyon_meta_video_is_layout ((const GstVideoMeta *) meta, layout) &&
      gst_buffer_get_n_meta (buffer, GST_VIDEO_META_API_TYPE) == 1;
}

guint
gst_tachyon_metas_encode (GstBuffer *buffer,
    const struct tachyon_layout *layout, GByteArray *records)
{
  struct writer writer = { records, NULL, 0 };
  gboolean is_first = TRUE;
  gpointer state = NULL;
  GstMeta *meta;
  guint lost = 0;

  if (layout && !gst_buffer_get_meta (buffer, GST_VIDEO_META_API_TYPE)) {
    writer.content = g_byte_array_new ();
    append_record (&writer, RECORD_NO_VIDEO);
  }

  while ((meta = gst_buffer_iterate_meta (buffer, &state))) {
    if (is_first && is_said_by_layout (buffer, meta, layout)) {
      is_first = FALSE;
    } else if (!is_local (meta->info)) {
      is_first = FALSE;
      if (!send_meta (&writer, meta))
        lost++;
    }
  }
  g_clear_pointer (&writer.content, g_byte_array_unref);
  return lost;
}

/* --- receiving --- */

static gboolean
read_record (const struct tachyon_record *record,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct gst_tachyon_content content = { record->data, record->size };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    if (codecs[i]->record == record->type)
      return codecs[i]->decode (&content, stream, buffer);
  }
  /* A newer sender's: the frame is good without it. */
  return TRUE;
}

/* Returns: FALSE at the end; *error is then 0, unless there is more */
static gboolean
next_record (const struct tachyon_frame *frame, gsize *position, guint *count,
    struct tachyon_record *record, gint *error)
{
  *error = frame->metadata_size > *position;
  if (*error == 0 || (*count)++ >= RECORDS_MAX)
    return FALSE;
  *error = tachyon_record_next (frame, position, record);
  return *error > 0;
}

/* Whether a frame says itself which GstVideoMeta it has, if any. */
static gboolean
tells_video (const struct tachyon_frame *frame)
{
  struct tachyon_record record;
  gsize position = 0;
  guint count = 0;
  gint error;

  while (next_record (frame, &position, &count, &record, &error)) {
    if (record.type == RECORD_VIDEO || record.type == RECORD_NO_VIDEO)
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_tachyon_metas_decode (const struct tachyon_frame *frame,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  struct tachyon_record record;
  gboolean good = TRUE;
  gsize position = 0;
  guint count = 0;
  gint error = 0;

  if (stream->layout && stream->video && !tells_video (frame))
    good = gst_tachyon_meta_video_add_layout (stream, buffer);

  while (next_record (frame, &position, &count, &record, &error)) {
    if (!read_record (&record, stream, buffer))
      good = FALSE;
  }
  return good && error == 0;
}
