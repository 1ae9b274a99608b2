/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Queries, seeks and flushes as the bytes that cross.
 */
#include "gsttachyonrequest.h"

#include <math.h>
#include <string.h>

#include "gsttachyontext.h"

/* Between STREAM_START and CAPS: a joiner hears of it before it gets data. */
#define ORDER_FLUSH 45

/* GStreamer's own formats: those that were registered have other numbers in
 * another process. */
static gboolean
is_format (gint format)
{
  return format >= GST_FORMAT_UNDEFINED && format <= GST_FORMAT_PERCENT;
}

static void
set_message (struct tachyon_event *out, guint32 type, gconstpointer data,
    gsize size)
{
  memset (out, 0, sizeof *out);
  out->type = type;
  out->data = data;
  out->size = size;
}

/* Takes the structure. Returns: FALSE when there is no such text. */
static gboolean
append_structure (GByteArray *bytes, GstStructure *structure)
{
  gchar *text = gst_tachyon_structure_print (structure);

  gst_structure_free (structure);
  if (!text)
    return FALSE;
  g_byte_array_append (bytes, (const guint8 *) text, strlen (text));
  g_free (text);
  return bytes->len <= GST_TACHYON_REQUEST_MAX;
}

/* Returns: (transfer full): a private copy of what stands behind the head */
static gchar *
read_text (const struct tachyon_event *event, gsize offset)
{
  /* An empty event may have no data at all. */
  if (event->size <= offset)
    return g_strdup ("");
  return g_strndup ((const gchar *) event->data + offset, event->size - offset);
}

/* --- queries that are asked --- */

/* Returns: (transfer full): NULL for those that do not travel */
static GstStructure *
query_to_structure (const GstQuery *const_query)
{
  GstQuery *query = (GstQuery *) const_query; /* it is only parsed */
  GstStructure *structure = gst_structure_new_empty ("query");
  GstFormat format, to = GST_FORMAT_UNDEFINED;
  const GstStructure *custom;
  gint64 value;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_POSITION:
      gst_query_parse_position (query, &format, NULL);
      break;
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &format, NULL);
      break;
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
      break;
    case GST_QUERY_CONVERT:
      gst_query_parse_convert (query, &format, &value, &to, NULL);
      gst_structure_set (structure, "to", G_TYPE_INT, (gint) to, "value",
          G_TYPE_INT64, value, NULL);
      break;
    case GST_QUERY_CUSTOM:
      custom = gst_query_get_structure (query);
      gst_structure_free (structure);
      return custom ? gst_structure_copy (custom) : NULL;
    default:
      goto refused;
  }
  if (!is_format (format) || !is_format (to))
    goto refused;
  gst_structure_set (structure, "format", G_TYPE_INT, (gint) format, NULL);
  return structure;

refused:
  gst_structure_free (structure);
  return NULL;
}

gboolean
gst_tachyon_request_from_query (const GstQuery *query, guint32 id,
    GByteArray *bytes, struct tachyon_event *out)
{
  const struct request_message head = {
    .id = id,
    .kind = REQUEST_QUERY,
    .type = GST_QUERY_TYPE (query),
  };
  GstStructure *structure = query_to_structure (query);

  if (!structure)
    return FALSE;
  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  if (!append_structure (bytes, structure))
    return FALSE;
  set_message (out, MESSAGE_REQUEST, bytes->data, bytes->len);
  return TRUE;
}

static GstQuery *
structure_to_query (guint32 type, const GstStructure *structure)
{
  gint format, to;
  gint64 value;

  if (type == GST_QUERY_CUSTOM)
    return gst_query_new_custom (GST_QUERY_CUSTOM,
        gst_structure_copy (structure));
  if (!gst_structure_get_int (structure, "format", &format) ||
      !is_format (format))
    return NULL;

  switch (type) {
    case GST_QUERY_POSITION:
      return gst_query_new_position (format);
    case GST_QUERY_DURATION:
      return gst_query_new_duration (format);
    case GST_QUERY_SEEKING:
      return gst_query_new_seeking (format);
    case GST_QUERY_CONVERT:
      if (!gst_structure_get_int (structure, "to", &to) || !is_format (to) ||
          !gst_structure_get_int64 (structure, "value", &value))
        return NULL;
      return gst_query_new_convert (format, value, to);
    default:
      return NULL;
  }
}

GstQuery *
gst_tachyon_request_to_query (const struct request_message *head,
    const gchar *text)
{
  GstStructure *structure = gst_tachyon_structure_parse (text);
  GstQuery *query;

  if (!structure)
    return NULL;
  query = structure_to_query (head->type, structure);
  gst_structure_free (structure);
  return query;
}

/* --- seeks --- */

gboolean
gst_tachyon_request_from_seek (GstEvent *seek, guint32 id, GByteArray *bytes,
    struct tachyon_event *out)
{
  const struct request_message head = { .id = id, .kind = REQUEST_SEEK };
  GstSeekType start_type, stop_type;
  gint64 start, stop;
  GstClockTime interval;
  GstSeekFlags flags;
  GstFormat format;
  gdouble rate;

  gst_event_parse_seek (seek, &rate, &format, &flags, &start_type, &start,
      &stop_type, &stop);
  gst_event_parse_seek_trickmode_interval (seek, &interval);
  if (!is_format (format))
    return FALSE;

  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  if (!append_structure (bytes,
          gst_structure_new ("seek", "rate", G_TYPE_DOUBLE, rate, "format",
              G_TYPE_INT, (gint) format, "flags", G_TYPE_UINT, (guint) flags,
              "start-type", G_TYPE_INT, (gint) start_type, "start",
              G_TYPE_INT64, start, "stop-type", G_TYPE_INT, (gint) stop_type,
              "stop", G_TYPE_INT64, stop, "interval", G_TYPE_UINT64, interval,
              "seqnum", G_TYPE_UINT, gst_event_get_seqnum (seek), NULL)))
    return FALSE;
  set_message (out, MESSAGE_REQUEST, bytes->data, bytes->len);
  return TRUE;
}

static gboolean
is_seek_type (gint type)
{
  return type >= GST_SEEK_TYPE_NONE && type <= GST_SEEK_TYPE_END;
}

/* The constructor is critical of the rest. */
static gboolean
seek_is_sound (gdouble rate, gint format, guint flags, gint start_type,
    gint stop_type)
{
  if (!isfinite (rate) || rate == 0.0 || !is_format (format) ||
      !is_seek_type (start_type) || !is_seek_type (stop_type))
    return FALSE;
  return !(flags & GST_SEEK_FLAG_INSTANT_RATE_CHANGE) ||
      (start_type == GST_SEEK_TYPE_NONE && stop_type == GST_SEEK_TYPE_NONE &&
          !(flags & GST_SEEK_FLAG_FLUSH));
}

static GstEvent *
structure_to_seek (const GstStructure *structure, guint32 *seqnum)
{
  gint format, start_type, stop_type;
  gint64 start, stop;
  guint64 interval;
  GstEvent *seek;
  gdouble rate;
  guint flags, number;

  if (!gst_structure_get (structure, "rate", G_TYPE_DOUBLE, &rate, "format",
          G_TYPE_INT, &format, "flags", G_TYPE_UINT, &flags, "start-type",
          G_TYPE_INT, &start_type, "start", G_TYPE_INT64, &start, "stop-type",
          G_TYPE_INT, &stop_type, "stop", G_TYPE_INT64, &stop, "interval",
          G_TYPE_UINT64, &interval, "seqnum", G_TYPE_UINT, &number, NULL))
    return NULL;
  if (!seek_is_sound (rate, format, flags, start_type, stop_type))
    return NULL;

  *seqnum = number;
  seek = gst_event_new_seek (rate, format, flags, start_type, start, stop_type,
      stop);
  if (seek && interval != 0)
    gst_event_set_seek_trickmode_interval (seek, interval);
  return seek;
}

GstEvent *
gst_tachyon_request_to_seek (const gchar *text, guint32 *seqnum)
{
  GstStructure *structure = gst_tachyon_structure_parse (text);
  GstEvent *seek;

  if (!structure)
    return NULL;
  seek = structure_to_seek (structure, seqnum);
  gst_structure_free (structure);
  return seek;
}

gboolean
gst_tachyon_request_parse (const struct tachyon_event *event,
    struct request_message *head, gchar **text)
{
  if (event->type != MESSAGE_REQUEST || event->size < sizeof *head ||
      event->size > GST_TACHYON_REQUEST_MAX)
    return FALSE;
  memcpy (head, event->data, sizeof *head);
  *text = read_text (event, sizeof *head);
  return TRUE;
}

/* --- answers --- */

static GstStructure *
answer_to_structure (const GstQuery *const_query)
{
  GstQuery *query = (GstQuery *) const_query; /* it is only parsed */
  GstStructure *structure = gst_structure_new_empty ("answer");
  GstFormat format = GST_FORMAT_UNDEFINED;
  gint64 value = 0, start, end;
  gboolean seekable;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_POSITION:
      gst_query_parse_position (query, &format, &value);
      break;
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &format, &value);
      break;
    case GST_QUERY_CONVERT:
      gst_query_parse_convert (query, NULL, NULL, &format, &value);
      break;
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, &seekable, &start, &end);
      gst_structure_set (structure, "seekable", G_TYPE_BOOLEAN, seekable,
          "start", G_TYPE_INT64, start, "end", G_TYPE_INT64, end, NULL);
      break;
    case GST_QUERY_CUSTOM:
      gst_structure_free (structure);
      return gst_structure_copy (gst_query_get_structure (query));
    default:
      break;
  }
  gst_structure_set (structure, "format", G_TYPE_INT, (gint) format, "value",
      G_TYPE_INT64, value, NULL);
  return structure;
}

gboolean
gst_tachyon_answer_encode (guint32 id, gboolean result, const GstQuery *query,
    GByteArray *bytes, struct tachyon_event *out)
{
  const struct answer_message head = { .id = id, .result = result ? 1 : 0 };

  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  if (query && !append_structure (bytes, answer_to_structure (query)))
    return FALSE;
  set_message (out, MESSAGE_ANSWER, bytes->data, bytes->len);
  return TRUE;
}

gboolean
gst_tachyon_answer_parse (const struct tachyon_event *event,
    struct answer_message *head, gchar **text)
{
  if (event->type != MESSAGE_ANSWER || event->size < sizeof *head)
    return FALSE;
  memcpy (head, event->data, sizeof *head);
  *text = read_text (event, sizeof *head);
  return TRUE;
}

static gboolean
apply_custom (const GstStructure *answer, GstQuery *query)
{
  GstStructure *structure = gst_query_writable_structure (query);
  const gint count = gst_structure_n_fields (answer);
  gint i;

  /* Its fields that cannot be told are still the asker's. */
  gst_structure_set_name (structure, gst_structure_get_name (answer));
  for (i = 0; i < count; i++) {
    const gchar *name = gst_structure_nth_field_name (answer, i);

    gst_structure_set_value (structure, name,
        gst_structure_get_value (answer, name));
  }
  return TRUE;
}

static gboolean
apply_seeking (const GstStructure *answer, GstFormat format, GstQuery *query)
{
  gboolean seekable;
  gint64 start, end;

  if (!gst_structure_get (answer, "seekable", G_TYPE_BOOLEAN, &seekable,
          "start", G_TYPE_INT64, &start, "end", G_TYPE_INT64, &end, NULL))
    return FALSE;
  gst_query_set_seeking (query, format, seekable, start, end);
  return TRUE;
}

static gboolean
apply (const GstStructure *answer, GstQuery *query)
{
  GstFormat source, target;
  gint format;
  gint64 value, asked;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CUSTOM)
    return apply_custom (answer, query);
  if (!gst_structure_get (answer, "format", G_TYPE_INT, &format, "value",
          G_TYPE_INT64, &value, NULL) ||
      !is_format (format))
    return FALSE;

  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_POSITION:
      gst_query_parse_position (query, &target, NULL);
      /* GStreamer asserts that it is the one that was asked for. */
      if (format != (gint) target)
        return FALSE;
      gst_query_set_position (query, format, value);
      return TRUE;
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &target, NULL);
      if (format != (gint) target)
        return FALSE;
      gst_query_set_duration (query, format, value);
      return TRUE;
    case GST_QUERY_CONVERT:
      gst_query_parse_convert (query, &source, &asked, &target, NULL);
      gst_query_set_convert (query, source, asked, format, value);
      return TRUE;
    case GST_QUERY_SEEKING:
      return apply_seeking (answer, format, query);
    default:
      return FALSE;
  }
}

gboolean
gst_tachyon_answer_apply (const gchar *text, GstQuery *query)
{
  GstStructure *answer = gst_tachyon_structure_parse (text);
  gboolean good;

  if (!answer)
    return FALSE;
  good = apply (answer, query);
  gst_structure_free (answer);
  return good;
}

/* --- flushes --- */

void
gst_tachyon_flush_encode (const struct flush_message *flush, gboolean is_marker,
    struct tachyon_event *out)
{
  set_message (out, MESSAGE_FLUSH, flush, sizeof *flush);
  if (is_marker) {
    out->flags = TACHYON_EVENT_STICKY;
    out->order = ORDER_FLUSH;
  }
}

gboolean
gst_tachyon_flush_parse (const struct tachyon_event *event,
    struct flush_message *flush)
{
  if (event->type != MESSAGE_FLUSH || event->size < sizeof *flush)
    return FALSE;
  memcpy (flush, event->data, sizeof *flush);
  return TRUE;
}
