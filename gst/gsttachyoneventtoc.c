/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tables of contents as text: a structure for the table and one for each entry,
 * whose entries are its fields entry0, entry1, …
 */
#include "gsttachyoneventcodec.h"

#include <string.h>

#include "gsttachyontags.h"
#include "gsttachyontext.h"

static void
set_tags (GstStructure *structure, const GstTagList *tags)
{
  gchar *text = tags ? gst_tachyon_tags_print (tags) : NULL;

  if (text)
    gst_structure_set (structure, "tags", G_TYPE_STRING, text, NULL);
  g_free (text);
}

/* Returns: (transfer full): NULL when there are none */
static GstTagList *
get_tags (const GstStructure *structure)
{
  const gchar *text = gst_structure_get_string (structure, "tags");

  return text ? gst_tachyon_tags_parse (text) : NULL;
}

static GstStructure *print_entry (GstTocEntry *entry);

static void
set_entries (GstStructure *structure, GList *entries)
{
  guint i;

  for (i = 0; entries; entries = entries->next, i++) {
    gchar *name = g_strdup_printf ("entry%u", i);
    GstStructure *child = print_entry (entries->data);

    gst_structure_set (structure, name, GST_TYPE_STRUCTURE, child, NULL);
    gst_structure_free (child);
    g_free (name);
  }
}

static GstStructure *
print_entry (GstTocEntry *entry)
{
  GstStructure *structure = gst_structure_new ("entry", "type", G_TYPE_INT,
      (gint) gst_toc_entry_get_entry_type (entry), "uid", G_TYPE_STRING,
      gst_toc_entry_get_uid (entry), NULL);
  GstTocLoopType loop;
  gint64 start, stop;
  gint repeat;

  if (gst_toc_entry_get_start_stop_times (entry, &start, &stop))
    gst_structure_set (structure, "start", G_TYPE_INT64, start, "stop",
        G_TYPE_INT64, stop, NULL);
  if (gst_toc_entry_get_loop (entry, &loop, &repeat))
    gst_structure_set (structure, "loop", G_TYPE_INT, (gint) loop, "repeat",
        G_TYPE_INT, repeat, NULL);
  set_tags (structure, gst_toc_entry_get_tags (entry));
  set_entries (structure, gst_toc_entry_get_sub_entries (entry));
  return structure;
}

gboolean
gst_tachyon_event_encode_toc (GstEvent *event, GByteArray *bytes)
{
  GstStructure *structure;
  gboolean updated;
  gchar *text;
  GstToc *toc;

  gst_event_parse_toc (event, &toc, &updated);
  structure = gst_structure_new ("toc", "scope", G_TYPE_INT,
      (gint) gst_toc_get_scope (toc), "updated", G_TYPE_BOOLEAN, updated, NULL);
  set_tags (structure, gst_toc_get_tags (toc));
  set_entries (structure, gst_toc_get_entries (toc));
  gst_toc_unref (toc);

  text = gst_tachyon_structure_print (structure);
  gst_structure_free (structure);
  if (!text)
    return FALSE;
  g_byte_array_append (bytes, (const guint8 *) text, strlen (text));
  g_free (text);
  return TRUE;
}

/* --- and back --- */

/* Returns: NULL when there is no such entry */
static const GstStructure *
get_child (const GstStructure *structure, guint i)
{
  gchar *name = g_strdup_printf ("entry%u", i);
  const GValue *value = gst_structure_get_value (structure, name);

  g_free (name);
  return value && GST_VALUE_HOLDS_STRUCTURE (value) ?
      gst_value_get_structure (value) :
      NULL;
}

static GstTocEntry *
parse_head (const GstStructure *structure)
{
  const gchar *uid = gst_structure_get_string (structure, "uid");
  GstTocEntry *entry;
  gint64 start, stop;
  gint type, loop, repeat;

  if (!uid || !gst_structure_get_int (structure, "type", &type) ||
      type < GST_TOC_ENTRY_TYPE_ANGLE || type > GST_TOC_ENTRY_TYPE_CHAPTER)
    return NULL;

  entry = gst_toc_entry_new (type, uid);
  if (gst_structure_get_int64 (structure, "start", &start) &&
      gst_structure_get_int64 (structure, "stop", &stop))
    gst_toc_entry_set_start_stop_times (entry, start, stop);
  if (gst_structure_get_int (structure, "loop", &loop) &&
      gst_structure_get_int (structure, "repeat", &repeat) &&
      loop >= GST_TOC_LOOP_NONE && loop <= GST_TOC_LOOP_PING_PONG)
    gst_toc_entry_set_loop (entry, loop, repeat);
  return entry;
}

/* The text's nesting is bounded. */
static GstTocEntry *
parse_entry (const GstStructure *structure)
{
  GstTocEntry *entry = parse_head (structure);
  const GstStructure *child;
  GstTagList *tags;
  guint i;

  if (!entry)
    return NULL;
  tags = get_tags (structure);
  if (tags)
    gst_toc_entry_set_tags (entry, tags);
  for (i = 0; (child = get_child (structure, i)); i++) {
    GstTocEntry *sub = parse_entry (child);

    if (sub)
      gst_toc_entry_append_sub_entry (entry, sub);
  }
  return entry;
}

static GstEvent *
parse_toc (const GstStructure *structure)
{
  const GstStructure *child;
  GstTagList *tags;
  GstEvent *event;
  gboolean updated;
  GstToc *toc;
  gint scope;
  guint i;

  if (!gst_structure_has_name (structure, "toc") ||
      !gst_structure_get_int (structure, "scope", &scope) ||
      (scope != GST_TOC_SCOPE_GLOBAL && scope != GST_TOC_SCOPE_CURRENT) ||
      !gst_structure_get_boolean (structure, "updated", &updated))
    return NULL;

  toc = gst_toc_new (scope);
  tags = get_tags (structure);
  if (tags)
    gst_toc_set_tags (toc, tags);
  for (i = 0; (child = get_child (structure, i)); i++) {
    GstTocEntry *entry = parse_entry (child);

    if (entry)
      gst_toc_append_entry (toc, entry);
  }
  event = gst_event_new_toc (toc, updated);
  gst_toc_unref (toc);
  return event;
}

GstEvent *
gst_tachyon_event_decode_toc (const struct tachyon_event *event)
{
  /* An empty event may have no data at all. */
  gchar *text = event->size > 0 ? g_strndup (event->data, event->size) : NULL;
  GstStructure *structure = text ? gst_tachyon_structure_parse (text) : NULL;
  GstEvent *toc = structure ? parse_toc (structure) : NULL;

  g_free (text);
  if (structure)
    gst_structure_free (structure);
  return toc;
}
