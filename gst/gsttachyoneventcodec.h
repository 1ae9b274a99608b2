/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Parts of gsttachyonevent.c's table that stand in files of their own, and what
 * all of it needs.
 */
#ifndef __GST_TACHYON_EVENT_CODEC_H__
#define __GST_TACHYON_EVENT_CODEC_H__

#include <gst/gst.h>

#include <string.h>

#include <tachyon.h>

G_BEGIN_DECLS

static inline void
gst_tachyon_event_append (GByteArray *bytes, gconstpointer data, gsize size)
{
  g_byte_array_append (bytes, data, size);
}

static inline gboolean
gst_tachyon_event_read_head (const struct tachyon_event *event, gpointer head,
    gsize size)
{
  if (event->size < size)
    return FALSE;
  memcpy (head, event->data, size);
  return TRUE;
}

/* Returns: (transfer full): a private copy of what stands behind the head */
static inline gchar *
gst_tachyon_event_read_text (const struct tachyon_event *event, gsize offset)
{
  /* An empty event may have no data at all. */
  if (event->size <= offset)
    return g_strdup ("");
  return g_strndup ((const gchar *) event->data + offset, event->size - offset);
}

/* Append to @bytes. Returns: FALSE when it cannot be told */
gboolean gst_tachyon_event_encode_toc (GstEvent *event, GByteArray *bytes);
gboolean gst_tachyon_event_encode_stream_collection (GstEvent *event,
    GByteArray *bytes);
gboolean gst_tachyon_event_encode_select_streams (GstEvent *event,
    GByteArray *bytes);
gboolean gst_tachyon_event_encode_qos (GstEvent *event, GByteArray *bytes);
gboolean gst_tachyon_event_encode_latency (GstEvent *event, GByteArray *bytes);
gboolean gst_tachyon_event_encode_toc_select (GstEvent *event,
    GByteArray *bytes);
gboolean gst_tachyon_event_encode_nothing (GstEvent *event, GByteArray *bytes);

/* Returns: (transfer full): NULL when it makes no sense */
GstEvent *gst_tachyon_event_decode_toc (const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_stream_collection (
    const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_select_streams (
    const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_qos (const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_latency (const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_toc_select (
    const struct tachyon_event *event);
GstEvent *gst_tachyon_event_decode_reconfigure (
    const struct tachyon_event *event);

/*
 * A STREAM_COLLECTION of the one stream that goes the same way: of the others a
 * receiver would wait for pads that never come.
 *
 * Returns: (transfer full): NULL when @id is none of them
 */
GstEvent *gst_tachyon_event_keep_stream (GstEvent *event, const gchar *id);

G_END_DECLS

#endif
