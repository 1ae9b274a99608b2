/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas that write themselves: gst_meta_serialize() and gst_meta_deserialize(),
 * for those that no codec here knows.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyonwiremeta.h"

#if GST_CHECK_VERSION(1, 24, 0)

/* What GStreamer writes first: total size, size of the name, the name with a
 * NUL, a version. */
#define HEAD_SIZE (2 * sizeof (guint32))
#define NAME_SIZE_MAX 256

static gboolean
encode_generic (const GstMeta *meta, GByteArray *content)
{
  return meta->info->serialize_func &&
      gst_meta_serialize_simple (meta, content) &&
      content->len <= GST_TACHYON_RECORDS_SIZE_MAX;
}

/*
 * GStreamer adds the size of the name up in 32 bits, and loads a plugin for a
 * name that it does not know: neither is for a stranger to choose.
 *
 * Returns: (transfer full): the name, or NULL when malformed
 */
static gchar *
read_name (const struct gst_tachyon_content *content)
{
  struct gst_tachyon_content rest = *content;
  guint32 total_size, name_size;
  gchar *name;

  if (!gst_tachyon_content_read (&rest, &total_size, sizeof total_size) ||
      !gst_tachyon_content_read (&rest, &name_size, sizeof name_size) ||
      total_size != content->size || name_size > NAME_SIZE_MAX)
    return NULL;
  name = gst_tachyon_content_read_text (&rest, name_size);
  /* The NUL and the version. */
  if (name && (rest.size < 2 || rest.data[0] != '\0'))
    g_clear_pointer (&name, g_free);
  return name;
}

static gboolean
decode_generic (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  gchar *name = read_name (content);
  const GstMetaInfo *info;
  guint32 consumed;

  if (!name)
    return FALSE;
  info = gst_meta_get_info (name);
  g_free (name);
  /* A meta that this process has not registered means nothing to it. */
  if (!info || !info->deserialize_func)
    return TRUE;
  /* GStreamer's own do not expect a stranger: ours read those. */
  if (gst_tachyon_meta_find_codec (info))
    return FALSE;
  return gst_meta_deserialize (buffer, content->data, content->size,
             &consumed) != NULL;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_generic = {
  RECORD_GENERIC,
  NULL,
  encode_generic,
  decode_generic,
};

#endif
