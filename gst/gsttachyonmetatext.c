/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Metas that are a structure: GstProtectionMeta, GstCustomMeta.
 */
#include "gsttachyonmetacodec.h"
#include "gsttachyontext.h"
#include "gsttachyonwiremeta.h"

#include <string.h>

static gboolean
write_structure (GByteArray *content, const GstStructure *structure)
{
  gchar *text = gst_tachyon_structure_print (structure);
  const gboolean good =
      text && gst_tachyon_content_write (content, text, strlen (text));

  g_free (text);
  return good;
}

/* Returns: (transfer full): NULL when malformed */
static GstStructure *
read_structure (struct gst_tachyon_content *content)
{
  gchar *text = gst_tachyon_content_read_text (content, content->size);
  GstStructure *structure = NULL;

  if (text)
    structure = gst_tachyon_structure_parse (text);
  g_free (text);
  return structure;
}

/* --- GstProtectionMeta --- */

static gboolean
encode_protection (const GstMeta *meta, GByteArray *content)
{
  const GstStructure *info = ((const GstProtectionMeta *) meta)->info;

  return info && write_structure (content, info);
}

static gboolean
decode_protection (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  GstStructure *info = read_structure (content);

  if (!info)
    return FALSE;
  gst_buffer_add_protection_meta (buffer, info);
  return TRUE;
}

const struct gst_tachyon_meta_codec gst_tachyon_meta_protection = {
  RECORD_PROTECTION,
  gst_protection_meta_api_get_type,
  encode_protection,
  decode_protection,
};

/* --- GstCustomMeta --- */

static gboolean
encode_custom (const GstMeta *meta, GByteArray *content)
{
  return write_structure (content,
      gst_custom_meta_get_structure ((GstCustomMeta *) meta));
}

static void
copy_fields (const GstStructure *from, GstStructure *to)
{
  const gint count = gst_structure_n_fields (from);
  gint i;

  for (i = 0; i < count; i++) {
    const gchar *name = gst_structure_nth_field_name (from, i);

    gst_structure_set_value (to, name, gst_structure_get_value (from, name));
  }
}

static gboolean
decode_custom (struct gst_tachyon_content *content,
    const struct gst_tachyon_stream *stream, GstBuffer *buffer)
{
  GstStructure *from = read_structure (content);
  const GstMetaInfo *info;

  if (!from)
    return FALSE;

  /* A meta that this process has not registered means nothing to it. */
  info = gst_meta_get_info (gst_structure_get_name (from));
  if (info && gst_meta_info_is_custom (info)) {
    GstCustomMeta *meta =
        gst_buffer_add_custom_meta (buffer, gst_structure_get_name (from));

    copy_fields (from, gst_custom_meta_get_structure (meta));
  }
  gst_structure_free (from);
  return TRUE;
}

/* One for all names. */
const struct gst_tachyon_meta_codec gst_tachyon_meta_custom = {
  RECORD_CUSTOM,
  NULL,
  encode_custom,
  decode_custom,
};
