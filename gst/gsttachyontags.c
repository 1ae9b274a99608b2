/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tag lists to text and back. A tag with several values is a list.
 */
#include "gsttachyontags.h"
#include "gsttachyontext.h"

static void
print_tag (const GstTagList *tags, const gchar *tag, gpointer structure)
{
  const guint count = gst_tag_list_get_tag_size (tags, tag);
  GValue values = G_VALUE_INIT;
  guint i;

  if (count == 1) {
    gst_structure_set_value (structure, tag,
        gst_tag_list_get_value_index (tags, tag, 0));
    return;
  }

  g_value_init (&values, GST_TYPE_LIST);
  for (i = 0; i < count; i++)
    gst_value_list_append_value (&values,
        gst_tag_list_get_value_index (tags, tag, i));
  gst_structure_take_value (structure, tag, &values);
}

gchar *
gst_tachyon_tags_print (const GstTagList *tags)
{
  GstStructure *structure = gst_structure_new_empty ("taglist");
  gchar *text;

  gst_tag_list_foreach (tags, print_tag, structure);
  text = gst_tachyon_structure_print (structure);
  gst_structure_free (structure);
  return text;
}

static void
add_value (GstTagList *tags, const gchar *tag, const GValue *value)
{
  /* GStreamer is critical of values that do not fit a tag. */
  if (G_VALUE_TYPE (value) != gst_tag_get_type (tag))
    return;
  if (G_VALUE_HOLDS_STRING (value) &&
      (!g_value_get_string (value) || *g_value_get_string (value) == '\0'))
    return;
  gst_tag_list_add_value (tags, GST_TAG_MERGE_APPEND, tag, value);
}

static gboolean
parse_tag (GQuark name, const GValue *value, gpointer tags)
{
  const gchar *tag = g_quark_to_string (name);
  guint i;

  if (!gst_tag_exists (tag))
    return TRUE;
  if (!GST_VALUE_HOLDS_LIST (value)) {
    add_value (tags, tag, value);
    return TRUE;
  }
  for (i = 0; i < gst_value_list_get_size (value); i++)
    add_value (tags, tag, gst_value_list_get_value (value, i));
  return TRUE;
}

GstTagList *
gst_tachyon_tags_parse (const gchar *text)
{
  GstStructure *structure = gst_tachyon_structure_parse (text);
  GstTagList *tags;

  if (!structure)
    return NULL;
  tags = gst_tag_list_new_empty ();
  gst_structure_foreach (structure, parse_tag, tags);
  gst_structure_free (structure);
  return tags;
}
