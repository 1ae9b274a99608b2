/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A record's content, piece by piece.
 */
#include "gsttachyoncontent.h"

#include <string.h>

guint8 *
gst_tachyon_content_append (GByteArray *content, gsize size)
{
  const guint used = content->len;

  if (size > GST_TACHYON_RECORDS_SIZE_MAX - used)
    return NULL;
  g_byte_array_set_size (content, used + size);
  return content->data + used;
}

gboolean
gst_tachyon_content_write (GByteArray *content, gconstpointer data, gsize size)
{
  guint8 *to = gst_tachyon_content_append (content, size);

  if (to && size > 0)
    memcpy (to, data, size);
  return to || size == 0;
}

const guint8 *
gst_tachyon_content_take (struct gst_tachyon_content *content, gsize size)
{
  const guint8 *data = content->data;

  if (size > content->size)
    return NULL;
  content->data += size;
  content->size -= size;
  return data;
}

gboolean
gst_tachyon_content_read (struct gst_tachyon_content *content, gpointer data,
    gsize size)
{
  const guint8 *from = gst_tachyon_content_take (content, size);

  if (from)
    memcpy (data, from, size);
  return from != NULL;
}

gchar *
gst_tachyon_content_read_text (struct gst_tachyon_content *content, gsize size)
{
  const gchar *from = (const gchar *) gst_tachyon_content_take (content, size);

  /* With a length given, it takes a NUL for an error. */
  if (!from || !g_utf8_validate_len (from, size, NULL))
    return NULL;
  return g_strndup (from, size);
}
