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

static void
parse_tag (const gchar *tag, const GValue *value, GstTagList *tags)
{
  guint i;

  if (!gst_tag_exists (tag))
    return;
  if (!GST_VALUE_HOLDS_LIST (value)) {
    add_value (tags, tag, value);
    return;
  }
  for (i = 0; i < gst_value_list_get_size (value); i++)
    add_value (tags, tag, gst_value_list_get_value (value, i));
}

GstTagList *
gst_tachyon_tags_parse (const gchar *text)
{
  GstStructure *structure = gst_tachyon_structure_parse (text);
  GstTagList *tags;
  gint count, i;

  if (!structure)
    return NULL;
  tags = gst_tag_list_new_empty ();
  count = gst_structure_n_fields (structure);
  for (i = 0; i < count; i++) {
    const gchar *tag = gst_structure_nth_field_name (structure, i);

    parse_tag (tag, gst_structure_get_value (structure, tag), tags);
  }
  gst_structure_free (structure);
  return tags;
}
