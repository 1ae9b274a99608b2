/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Which streams there are, and which are wanted, as text.
 *
 * A GstStream is an object that changes; what crosses is what it was, and the
 * far side makes one of its own of that.
 */
#include "gsttachyoneventcodec.h"

#include <string.h>

#include "gsttachyontags.h"
#include "gsttachyontext.h"

/* Takes the structure. */
static gboolean
append_structure (GByteArray *bytes, GstStructure *structure)
{
  gchar *text = gst_tachyon_structure_print (structure);

  gst_structure_free (structure);
  if (!text)
    return FALSE;
  g_byte_array_append (bytes, (const guint8 *) text, strlen (text));
  g_free (text);
  return TRUE;
}

static GstStructure *
read_structure (const struct tachyon_event *event, const gchar *name)
{
  /* An empty event may have no data at all. */
  gchar *text = event->size > 0 ? g_strndup (event->data, event->size) : NULL;
  GstStructure *structure = text ? gst_tachyon_structure_parse (text) : NULL;

  g_free (text);
  if (structure && !gst_structure_has_name (structure, name))
    g_clear_pointer (&structure, gst_structure_free);
  return structure;
}

static const GValue *
get_nth (const GstStructure *structure, guint i)
{
  gchar *name = g_strdup_printf ("stream%u", i);
  const GValue *value = gst_structure_get_value (structure, name);

  g_free (name);
  return value;
}

/* --- STREAM_COLLECTION --- */

static GstStructure *
print_stream (GstStream *stream)
{
  GstStructure *structure = gst_structure_new ("stream", "id", G_TYPE_STRING,
      gst_stream_get_stream_id (stream), "type", G_TYPE_UINT,
      (guint) gst_stream_get_stream_type (stream), "flags", G_TYPE_UINT,
      (guint) gst_stream_get_stream_flags (stream), NULL);
  GstCaps *caps = gst_stream_get_caps (stream);
  GstTagList *tags = gst_stream_get_tags (stream);
  gchar *text;

  if (caps) {
    text = gst_caps_to_string (caps);
    gst_structure_set (structure, "caps", G_TYPE_STRING, text, NULL);
    g_free (text);
  }
  text = tags ? gst_tachyon_tags_print (tags) : NULL;
  if (text)
    gst_structure_set (structure, "tags", G_TYPE_STRING, text, NULL);
  g_free (text);
  gst_clear_caps (&caps);
  g_clear_pointer (&tags, gst_tag_list_unref);
  return structure;
}

gboolean
gst_tachyon_event_encode_stream_collection (GstEvent *event, GByteArray *bytes)
{
  GstStructure *structure = gst_structure_new_empty ("collection");
  GstStreamCollection *collection;
  const gchar *upstream_id;
  guint i;

  gst_event_parse_stream_collection (event, &collection);
  upstream_id = gst_stream_collection_get_upstream_id (collection);
  if (upstream_id)
    gst_structure_set (structure, "upstream-id", G_TYPE_STRING, upstream_id,
        NULL);
  for (i = 0; i < gst_stream_collection_get_size (collection); i++) {
    gchar *name = g_strdup_printf ("stream%u", i);
    GstStructure *child =
        print_stream (gst_stream_collection_get_stream (collection, i));

    gst_structure_set (structure, name, GST_TYPE_STRUCTURE, child, NULL);
    gst_structure_free (child);
    g_free (name);
  }
  gst_object_unref (collection);
  return append_structure (bytes, structure);
}

static GstStream *
parse_stream (const GstStructure *structure)
{
  const gchar *id = gst_structure_get_string (structure, "id");
  const gchar *text;
  GstStream *stream;
  GstTagList *tags;
  GstCaps *caps;
  guint type, flags;

  if (!id || !gst_structure_get_uint (structure, "type", &type) ||
      !gst_structure_get_uint (structure, "flags", &flags))
    return NULL;

  text = gst_structure_get_string (structure, "caps");
  caps = text ? gst_tachyon_caps_parse (text) : NULL;
  stream = gst_stream_new (id, caps, type, flags);
  gst_clear_caps (&caps);

  text = gst_structure_get_string (structure, "tags");
  tags = text ? gst_tachyon_tags_parse (text) : NULL;
  if (tags) {
    gst_stream_set_tags (stream, tags);
    gst_tag_list_unref (tags);
  }
  return stream;
}

GstEvent *
gst_tachyon_event_decode_stream_collection (const struct tachyon_event *event)
{
  GstStructure *structure = read_structure (event, "collection");
  GstStreamCollection *collection;
  const GValue *value;
  GstEvent *decoded;
  guint i;

  if (!structure)
    return NULL;
  collection = gst_stream_collection_new (
      gst_structure_get_string (structure, "upstream-id"));
  for (i = 0; (value = get_nth (structure, i)); i++) {
    GstStream *stream = GST_VALUE_HOLDS_STRUCTURE (value) ?
        parse_stream (gst_value_get_structure (value)) :
        NULL;

    if (stream)
      gst_stream_collection_add_stream (collection, stream);
  }
  decoded = gst_event_new_stream_collection (collection);
  gst_object_unref (collection);
  gst_structure_free (structure);
  return decoded;
}

GstEvent *
gst_tachyon_event_keep_stream (GstEvent *event, const gchar *id)
{
  GstStreamCollection *all, *kept;
  GstEvent *reduced = NULL;
  guint i;

  gst_event_parse_stream_collection (event, &all);
  kept =
      gst_stream_collection_new (gst_stream_collection_get_upstream_id (all));
  for (i = 0; i < gst_stream_collection_get_size (all); i++) {
    GstStream *stream = gst_stream_collection_get_stream (all, i);

    if (g_strcmp0 (gst_stream_get_stream_id (stream), id) == 0)
      gst_stream_collection_add_stream (kept, gst_object_ref (stream));
  }
  if (gst_stream_collection_get_size (kept) > 0)
    reduced = gst_event_new_stream_collection (kept);
  gst_object_unref (kept);
  gst_object_unref (all);
  return reduced;
}

/* --- SELECT_STREAMS --- */

gboolean
gst_tachyon_event_encode_select_streams (GstEvent *event, GByteArray *bytes)
{
  GstStructure *structure = gst_structure_new_empty ("select");
  GList *streams, *link;
  guint i = 0;

  gst_event_parse_select_streams (event, &streams);
  for (link = streams; link; link = link->next) {
    gchar *name = g_strdup_printf ("stream%u", i++);

    gst_structure_set (structure, name, G_TYPE_STRING, link->data, NULL);
    g_free (name);
  }
  g_list_free_full (streams, g_free);
  return append_structure (bytes, structure);
}

GstEvent *
gst_tachyon_event_decode_select_streams (const struct tachyon_event *event)
{
  GstStructure *structure = read_structure (event, "select");
  GList *streams = NULL;
  const GValue *value;
  GstEvent *decoded = NULL;
  guint i;

  if (!structure)
    return NULL;
  for (i = 0; (value = get_nth (structure, i)); i++) {
    if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value))
      streams = g_list_append (streams, (gpointer) g_value_get_string (value));
  }
  /* Nothing is no selection. */
  if (streams)
    decoded = gst_event_new_select_streams (streams);
  g_list_free (streams);
  gst_structure_free (structure);
  return decoded;
}
