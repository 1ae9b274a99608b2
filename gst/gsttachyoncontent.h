/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A record's content, written piece by piece, and read as a stranger's
 * handwriting.
 */
#ifndef __GST_TACHYON_CONTENT_H__
#define __GST_TACHYON_CONTENT_H__

#include <glib.h>

G_BEGIN_DECLS

/* All records of a frame: more is refused by the library. */
#define GST_TACHYON_RECORDS_SIZE_MAX (1 << 24)

/* What is left of a content. Nothing in it is aligned. */
struct gst_tachyon_content
{
  const guint8 *data;
  gsize size;
};

/* Returns: FALSE when it would never fit a frame; nothing was written */
gboolean gst_tachyon_content_write (GByteArray *content, gconstpointer data,
    gsize size);

/* Returns: size bytes to write to; NULL when they would never fit a frame */
guint8 *gst_tachyon_content_append (GByteArray *content, gsize size);

/* Returns: FALSE when there is less; nothing was read */
gboolean gst_tachyon_content_read (struct gst_tachyon_content *content,
    gpointer data, gsize size);

/* Returns: (nullable): the next bytes where they stand; NULL: there is less */
const guint8 *gst_tachyon_content_take (struct gst_tachyon_content *content,
    gsize size);

/*
 * Returns: (transfer full) (nullable): the next bytes as text; NULL when there
 *     are less, or it is no UTF-8, or has a NUL
 */
gchar *gst_tachyon_content_read_text (struct gst_tachyon_content *content,
    gsize size);

G_END_DECLS

#endif
