/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GStreamer's caps and structure syntax, read as a stranger's handwriting.
 *
 *   caps       name [ "(" feature { "," feature } ")" ] { "," field } [ ";" ]
 *   structure  name { "," field } [ ";" ]
 *   field      name "=" value
 *   value      [ "(" type ")" ] ( scalar | list | array | "[" nested "]" )
 *
 * Ranges are left out: what flows has fixed values.
 */
#include "gsttachyontext.h"
#include "gsttachyonname.h"
#include "gsttachyonscalar.h"

#include <string.h>

/* Each level of nesting costs stack; a structure looks through all its fields
 * for each new one, whose name is never forgotten; a value of a letter takes
 * many times that. */
#define DEPTH_MAX 32
#define FIELDS_MAX (1 << 13)
#define VALUES_MAX (1 << 20)

struct reader
{
  const gchar *text; /* what is left; ends in NUL */
  gboolean is_own;   /* we wrote it: it brings no names */
  guint depth;
  guint fields;
  guint values;
};

/* For a text inside another one: it counts as part of that. */
static struct reader
begin_inner (const struct reader *outer, const gchar *text)
{
  struct reader inner = *outer;

  inner.text = text;
  inner.depth++;
  return inner;
}

static void
end_inner (struct reader *outer, const struct reader *inner)
{
  outer->fields = inner->fields;
  outer->values = inner->values;
}

static gboolean read_value (struct reader *reader, GType type, GValue *value);
static GstStructure *read_structure (struct reader *reader);
static GstCaps *read_caps (struct reader *reader);

/* --- tokens --- */

static void
skip_spaces (struct reader *reader)
{
  while (g_ascii_isspace (*reader->text))
    reader->text++;
}

static gboolean
skip_char (struct reader *reader, gchar c)
{
  skip_spaces (reader);
  if (*reader->text != c)
    return FALSE;
  reader->text++;
  skip_spaces (reader);
  return TRUE;
}

static gboolean
is_word_char (gchar c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("_-+/:.", c));
}

/* Returns: (transfer full): the word, or NULL when there is none */
static gchar *
read_word (struct reader *reader)
{
  const gchar *start = reader->text;

  while (is_word_char (*reader->text))
    reader->text++;
  return reader->text > start ? g_strndup (start, reader->text - start) : NULL;
}

/* A word, or a string with its quotes and escapes. */
static gchar *
read_scalar_text (struct reader *reader)
{
  const gchar *start = reader->text;
  const gchar *end = start;

  if (*start != '"')
    return read_word (reader);

  for (end++; *end != '"'; end++) {
    if (*end == '\\')
      end++;
    if (*end == '\0')
      return NULL;
  }
  reader->text = end + 1;
  return g_strndup (start, reader->text - start);
}

static gboolean
admit_name (const struct reader *reader, const gchar *name)
{
  return reader->is_own ? strlen (name) <= GST_TACHYON_NAME_SIZE_MAX :
                          gst_tachyon_name_admit (name);
}

static gboolean
is_name (const struct reader *reader, const gchar *name)
{
  const gchar *c;

  if (!g_ascii_isalpha (*name) || !admit_name (reader, name))
    return FALSE;
  for (c = name; *c; c++) {
    if (!is_word_char (*c))
      return FALSE;
  }
  /* GStreamer warns loudly of these: they ended with version 0.10. */
  return !g_str_has_prefix (name, "video/x-raw-") &&
      !g_str_has_prefix (name, "audio/x-raw-");
}

/* --- scalars --- */

static gchar *
decode_base64 (gchar *text)
{
  gsize size;
  guchar *bytes;
  gchar *copy;

  /* GStreamer writes '=' so, lest it ends a word. */
  g_strdelimit (text, "_", '=');
  bytes = g_base64_decode (text, &size);
  copy = g_strndup ((const gchar *) bytes, size);
  g_free (bytes);
  return copy;
}

/* A picture in a tag: its bytes, caps, segment (let go) and description. */
static GstSample *
read_sample (const gchar *text, struct reader *outer)
{
  gchar **parts = g_strsplit (text, ":", 5);
  GValue buffer = G_VALUE_INIT;
  GstCaps *caps = NULL;
  GstStructure *info = NULL;
  GstSample *sample = NULL;
  gboolean good;

  g_value_init (&buffer, GST_TYPE_BUFFER);
  good =
      g_strv_length (parts) == 4 && gst_tachyon_scalar_set (&buffer, parts[0]);
  if (good && !g_str_equal (parts[1], "None")) {
    gchar *caps_text = decode_base64 (parts[1]);
    struct reader reader = begin_inner (outer, caps_text);

    caps = read_caps (&reader);
    end_inner (outer, &reader);
    good = caps != NULL;
    g_free (caps_text);
  }
  if (good && !g_str_equal (parts[3], "None")) {
    gchar *info_text = decode_base64 (parts[3]);
    struct reader reader = begin_inner (outer, info_text);

    info = read_structure (&reader);
    end_inner (outer, &reader);
    good = info != NULL;
    g_free (info_text);
  }
  if (good)
    sample = gst_sample_new (gst_value_get_buffer (&buffer), caps, NULL, info);
  else if (info)
    gst_structure_free (info);

  gst_clear_caps (&caps);
  g_value_unset (&buffer);
  g_strfreev (parts);
  return sample;
}

static gboolean
take_boxed (GValue *value, gpointer boxed)
{
  if (!boxed)
    return FALSE;
  g_value_take_boxed (value, boxed);
  return TRUE;
}

/* A structure or caps in brackets, or as GStreamer wrote them before 1.20. */
static gpointer
read_nested (struct reader *reader, GType type)
{
  return type == GST_TYPE_CAPS ? (gpointer) read_caps (reader) :
                                 (gpointer) read_structure (reader);
}

static gboolean
set_quoted_nested (GValue *value, const gchar *text, struct reader *outer)
{
  GValue inner = G_VALUE_INIT;
  struct reader reader = begin_inner (outer, NULL);
  gboolean good;

  g_value_init (&inner, G_TYPE_STRING);
  good = gst_value_deserialize (&inner, text) && g_value_get_string (&inner);
  if (good) {
    reader.text = g_value_get_string (&inner);
    good = take_boxed (value, read_nested (&reader, G_VALUE_TYPE (value))) &&
        *reader.text == '\0';
    end_inner (outer, &reader);
  }
  g_value_unset (&inner);
  return good;
}

static gboolean
set_scalar (GValue *value, const gchar *text, struct reader *reader)
{
  const GType type = G_VALUE_TYPE (value);

  if (type == GST_TYPE_SAMPLE)
    return take_boxed (value, read_sample (text, reader));
  if (type == GST_TYPE_CAPS || type == GST_TYPE_STRUCTURE)
    return set_quoted_nested (value, text, reader);
  return gst_tachyon_scalar_set (value, text);
}

static gboolean
read_scalar (struct reader *reader, GType type, GValue *value)
{
  gchar *text = read_scalar_text (reader);
  gboolean good;

  if (!text)
    return FALSE;
  g_value_init (value,
      type != G_TYPE_INVALID ? type : gst_tachyon_scalar_type_guess (text));
  good = set_scalar (value, text, reader);
  if (!good)
    g_value_unset (value);
  g_free (text);
  return good;
}

/* --- values --- */

/* The type of what stands in a list of lists; INVALID when that is nothing. */
static GType
basic_type (const GValue *value)
{
  for (;;) {
    if (GST_VALUE_HOLDS_LIST (value) && gst_value_list_get_size (value) > 0)
      value = gst_value_list_get_value (value, 0);
    else if (GST_VALUE_HOLDS_ARRAY (value) &&
        gst_value_array_get_size (value) > 0)
      value = gst_value_array_get_value (value, 0);
    else if (GST_VALUE_HOLDS_LIST (value) || GST_VALUE_HOLDS_ARRAY (value))
      return G_TYPE_INVALID;
    else
      return G_VALUE_TYPE (value);
  }
}

/* GStreamer is critical of lists with elements of several types, or with a
 * string that is NULL. */
static gboolean
append_element (GValue *list, GValue *element)
{
  const GType type = basic_type (list);

  if (type != G_TYPE_INVALID && type != basic_type (element))
    return FALSE;
  if (G_VALUE_HOLDS_STRING (element) && !g_value_get_string (element))
    return FALSE;
  if (GST_VALUE_HOLDS_LIST (list))
    gst_value_list_append_and_take_value (list, element);
  else
    gst_value_array_append_and_take_value (list, element);
  return TRUE;
}

static gboolean
read_elements (struct reader *reader, GType type, gchar end, GValue *value)
{

  g_value_init (value, end == '}' ? GST_TYPE_LIST : GST_TYPE_ARRAY);
  skip_spaces (reader);
  while (*reader->text != end) {
    GValue element = G_VALUE_INIT;

    if (!read_value (reader, type, &element))
      goto err_unset;
    if (!append_element (value, &element)) {
      g_value_unset (&element);
      goto err_unset;
    }
    if (!skip_char (reader, ',') && *reader->text != end)
      goto err_unset;
  }
  reader->text++;
  return TRUE;

err_unset:
  g_value_unset (value);
  return FALSE;
}

static gboolean
read_bracketed (struct reader *reader, GType type, GValue *value)
{
  gpointer nested;

  if (type != GST_TYPE_STRUCTURE && type != GST_TYPE_CAPS)
    return FALSE;
  nested = read_nested (reader, type);
  if (!nested)
    return FALSE;
  g_value_init (value, type);
  g_value_take_boxed (value, nested);
  if (skip_char (reader, ']'))
    return TRUE;
  g_value_unset (value);
  return FALSE;
}

static gboolean
read_type (struct reader *reader, GType *type)
{
  gchar *name;

  if (!skip_char (reader, '('))
    return TRUE;
  name = read_word (reader);
  if (!name)
    return FALSE;
  *type = gst_tachyon_scalar_type_find (name);
  g_free (name);
  return *type != G_TYPE_INVALID && skip_char (reader, ')');
}

/* @type: what elements of a list have from it, or G_TYPE_INVALID. @value: out */
static gboolean
read_value (struct reader *reader, GType type, GValue *value)
{
  gboolean good;

  if (reader->depth >= DEPTH_MAX || reader->values++ >= VALUES_MAX ||
      !read_type (reader, &type))
    return FALSE;

  reader->depth++;
  skip_spaces (reader);
  switch (*reader->text) {
    case '{':
      reader->text++;
      good = read_elements (reader, type, '}', value);
      break;
    case '<':
      reader->text++;
      good = read_elements (reader, type, '>', value);
      break;
    case '[':
      reader->text++;
      good = read_bracketed (reader, type, value);
      break;
    default:
      good = read_scalar (reader, type, value);
      break;
  }
  reader->depth--;
  return good;
}

/* --- structures and caps --- */

static gboolean
read_field (struct reader *reader, GstStructure *structure)
{
  gchar *name = reader->fields++ < FIELDS_MAX ? read_word (reader) : NULL;
  GValue value = G_VALUE_INIT;
  const gboolean good = name && admit_name (reader, name) &&
      skip_char (reader, '=') && read_value (reader, G_TYPE_INVALID, &value);

  if (good)
    gst_structure_take_value (structure, name, &value);
  g_free (name);
  return good;
}

static gboolean
read_fields (struct reader *reader, GstStructure *structure)
{
  while (skip_char (reader, ',')) {
    if (!read_field (reader, structure))
      return FALSE;
  }
  skip_char (reader, ';');
  return TRUE;
}

static GstStructure *
read_structure_name (struct reader *reader)
{
  GstStructure *structure = NULL;
  gchar *name;

  if (reader->depth >= DEPTH_MAX)
    return NULL;
  skip_spaces (reader);
  name = read_word (reader);
  if (name && is_name (reader, name))
    structure = gst_structure_new_empty (name);
  g_free (name);
  return structure;
}

static GstStructure *
read_structure (struct reader *reader)
{
  GstStructure *structure = read_structure_name (reader);

  if (structure && !read_fields (reader, structure))
    g_clear_pointer (&structure, gst_structure_free);
  return structure;
}

static gboolean
is_feature (const gchar *feature)
{
  while (g_ascii_isalpha (*feature))
    feature++;
  if (*feature++ != ':' || !g_ascii_isalpha (*feature))
    return FALSE;
  while (g_ascii_isalnum (*feature))
    feature++;
  return *feature == '\0';
}

/* Returns: (transfer full): NULL when malformed; empty when there are none */
static GstCapsFeatures *
read_features (struct reader *reader)
{
  GstCapsFeatures *features = gst_caps_features_new_empty ();

  if (!skip_char (reader, '('))
    return features;
  do {
    gchar *feature = read_word (reader);
    const gboolean good =
        feature && is_feature (feature) && admit_name (reader, feature);

    if (good)
      gst_caps_features_add (features, feature);
    g_free (feature);
    if (!good)
      goto err_free;
  } while (skip_char (reader, ','));
  if (skip_char (reader, ')'))
    return features;

err_free:
  gst_caps_features_free (features);
  return NULL;
}

static GstCaps *
read_caps (struct reader *reader)
{
  GstStructure *structure = read_structure_name (reader);
  GstCapsFeatures *features;
  GstCaps *caps;

  if (!structure)
    return NULL;
  features = read_features (reader);
  if (!features || !read_fields (reader, structure)) {
    if (features)
      gst_caps_features_free (features);
    gst_structure_free (structure);
    return NULL;
  }

  caps = gst_caps_new_empty ();
  if (gst_caps_features_get_size (features) > 0) {
    gst_caps_append_structure_full (caps, structure, features);
  } else {
    gst_caps_features_free (features);
    gst_caps_append_structure (caps, structure);
  }
  return caps;
}

GstCaps *
gst_tachyon_caps_parse (const gchar *text)
{
  static const gchar *const words[] = { "ANY", "EMPTY", "NONE", "NULL", NULL };
  struct reader reader = { .text = text };
  GstCaps *caps;
  guint i;

  if (strlen (text) > GST_TACHYON_CAPS_MAX)
    return NULL;
  caps = read_caps (&reader);
  if (!caps)
    return NULL;

  for (i = 0; words[i]; i++) {
    if (gst_structure_has_name (gst_caps_get_structure (caps, 0), words[i]))
      goto err_unref;
  }
  if (*reader.text == '\0' && gst_caps_is_fixed (caps))
    return caps;

err_unref:
  gst_caps_unref (caps);
  return NULL;
}

static GstStructure *
parse_structure (const gchar *text, gboolean is_own)
{
  struct reader reader = { .text = text, .is_own = is_own };
  GstStructure *structure = read_structure (&reader);

  if (structure && *reader.text != '\0')
    g_clear_pointer (&structure, gst_structure_free);
  return structure;
}

GstStructure *
gst_tachyon_structure_parse (const gchar *text)
{
  return parse_structure (text, FALSE);
}

gboolean
gst_tachyon_structure_is_legible (const gchar *text)
{
  GstStructure *structure = parse_structure (text, TRUE);

  if (!structure)
    return FALSE;
  gst_structure_free (structure);
  return TRUE;
}
