/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Structures as text, without what means nothing in another process.
 */
#include "gsttachyontext.h"
#include "gsttachyonscalar.h"

static gboolean
is_printable (const GValue *value)
{
  guint i;

  if (GST_VALUE_HOLDS_LIST (value)) {
    for (i = 0; i < gst_value_list_get_size (value); i++) {
      if (!is_printable (gst_value_list_get_value (value, i)))
        return FALSE;
    }
    return TRUE;
  }
  if (GST_VALUE_HOLDS_ARRAY (value)) {
    for (i = 0; i < gst_value_array_get_size (value); i++) {
      if (!is_printable (gst_value_array_get_value (value, i)))
        return FALSE;
    }
    return TRUE;
  }
  /* A sample, buffer or structure of nothing has no text. */
  return gst_tachyon_scalar_type_travels (G_VALUE_TYPE (value)) &&
      (!G_VALUE_HOLDS_BOXED (value) || g_value_get_boxed (value));
}

/* Returns: (transfer full): what of a structure can be told to others */
static GstStructure *
copy_printable (const GstStructure *structure)
{
  GstStructure *copy =
      gst_structure_new_empty (gst_structure_get_name (structure));
  const gint count = gst_structure_n_fields (structure);
  gint i;

  for (i = 0; i < count; i++) {
    const gchar *name = gst_structure_nth_field_name (structure, i);
    const GValue *value = gst_structure_get_value (structure, name);

    if (is_printable (value))
      gst_structure_set_value (copy, name, value);
  }
  return copy;
}

static gchar *
serialize (const GstStructure *structure)
{
#if GST_CHECK_VERSION(1, 24, 0)
  return gst_structure_serialize_full (structure, GST_SERIALIZE_FLAG_NONE);
#else
  return gst_structure_serialize (structure, GST_SERIALIZE_FLAG_NONE);
#endif
}

gchar *
gst_tachyon_structure_print (const GstStructure *structure)
{
  GstStructure *copy = copy_printable (structure);
  gchar *text = serialize (copy);

  gst_structure_free (copy);

  /* Names may hold what the syntax has no escape for. */
  if (!gst_tachyon_structure_is_legible (text))
    g_clear_pointer (&text, g_free);
  return text;
}
