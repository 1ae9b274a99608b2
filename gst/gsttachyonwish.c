/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Caps that are not fixed, read as a stranger's handwriting.
 *
 *   wish       structure { ";" structure } [ ";" ]
 *   structure  name [ "(" feature { "," feature } ")" ] { "," field }
 *   field      name "=" [ "(" type ")" ] ( scalar | list | range )
 *   list       "{" [ "(" type ")" ] scalar { "," ... } "}"
 *   range      "[" scalar "," scalar [ "," scalar ] "]"
 *
 * gst_caps_from_string() is for text one trusts; see gsttachyontext.h. Names that
 * nobody in this process has used mean nothing here, and are left out: GStreamer
 * before 1.26 never forgets a name.
 */
#include "gsttachyonwish.h"

#include <string.h>

#include "gsttachyonscalar.h"

/* More would make intersections slow, and say little. */
#define STRUCTURES_MAX 32
#define FIELDS_MAX 32
#define FEATURES_MAX 8
#define ELEMENTS_MAX 256

/* --- tokens --- */

static gboolean
skip_char (const gchar **text, gchar c)
{
  while (g_ascii_isspace (**text))
    (*text)++;
  if (**text != c)
    return FALSE;
  (*text)++;
  while (g_ascii_isspace (**text))
    (*text)++;
  return TRUE;
}

static gboolean
is_word_char (gchar c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("_-+/:.", c));
}

/* Returns: (transfer full): the word, or NULL when there is none */
static gchar *
read_word (const gchar **text)
{
  const gchar *const start = *text;

  while (is_word_char (**text))
    (*text)++;
  return *text > start ? g_strndup (start, *text - start) : NULL;
}

/* A word, or a string with its quotes and escapes. */
static gchar *
read_scalar_text (const gchar **text)
{
  const gchar *const start = *text;
  const gchar *end = start;

  if (*start != '"')
    return read_word (text);

  for (end++; *end != '"'; end++) {
    if (*end == '\\')
      end++;
    if (*end == '\0')
      return NULL;
  }
  *text = end + 1;
  return g_strndup (start, *text - start);
}

static gboolean
is_known (const gchar *name)
{
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  return minor >= 25 || g_quark_try_string (name) != 0;
}

/* --- values --- */

static gboolean
is_plain (GType type)
{
  return type == G_TYPE_INT || type == G_TYPE_STRING ||
      type == G_TYPE_BOOLEAN || type == G_TYPE_DOUBLE || type == G_TYPE_INT64 ||
      type == GST_TYPE_FRACTION || type == GST_TYPE_BITMASK;
}

/* Returns: FALSE when malformed; @type stays where none is named */
static gboolean
read_type (const gchar **text, GType *type)
{
  gchar *name;

  if (!skip_char (text, '('))
    return TRUE;
  name = read_word (text);
  if (!name)
    return FALSE;
  *type = gst_tachyon_scalar_type_find (name);
  g_free (name);
  return is_plain (*type) && skip_char (text, ')');
}

static gboolean
read_scalar (const gchar **text, GType type, GValue *value)
{
  gchar *word;
  gboolean good = FALSE;

  if (!read_type (text, &type))
    return FALSE;
  word = read_scalar_text (text);
  if (word && type == G_TYPE_INVALID)
    type = gst_tachyon_scalar_type_guess (word);
  if (word && is_plain (type)) {
    g_value_init (value, type);
    good = gst_tachyon_scalar_set (value, word);
    if (!good)
      g_value_unset (value);
  }
  g_free (word);
  return good;
}

static gboolean
read_list (const gchar **text, GType type, GValue *value)
{
  guint count;

  g_value_init (value, GST_TYPE_LIST);
  for (count = 0; count < ELEMENTS_MAX; count++) {
    GValue element = G_VALUE_INIT;

    if (!read_scalar (text, type, &element))
      break;
    /* Elements have one type, which the first one tells. GStreamer is critical
     * of a list in which a string is NULL. */
    if ((count > 0 && type != G_VALUE_TYPE (&element)) ||
        (G_VALUE_HOLDS_STRING (&element) && !g_value_get_string (&element))) {
      g_value_unset (&element);
      break;
    }
    type = G_VALUE_TYPE (&element);
    gst_value_list_append_and_take_value (value, &element);
    if (skip_char (text, '}'))
      return TRUE;
    if (!skip_char (text, ','))
      break;
  }
  g_value_unset (value);
  return FALSE;
}

/* GStreamer is critical of ranges whose ends are not in order. */
static gboolean
set_int_range (GValue *value, gint low, gint high, gint step)
{
  if (low >= high || step < 1 || low % step != 0 || high % step != 0)
    return FALSE;
  g_value_init (value, GST_TYPE_INT_RANGE);
  gst_value_set_int_range_step (value, low, high, step);
  return TRUE;
}

static gboolean
set_range (GValue *value, const GValue *low, const GValue *high, gint step)
{
  const GType type = G_VALUE_TYPE (low);

  if (type != G_VALUE_TYPE (high) || (step != 1 && type != G_TYPE_INT))
    return FALSE;

  if (type == G_TYPE_INT)
    return set_int_range (value, g_value_get_int (low), g_value_get_int (high),
        step);
  if (gst_value_compare (low, high) != GST_VALUE_LESS_THAN)
    return FALSE;
  if (type == GST_TYPE_FRACTION) {
    g_value_init (value, GST_TYPE_FRACTION_RANGE);
    gst_value_set_fraction_range (value, low, high);
    return TRUE;
  }
  if (type == G_TYPE_DOUBLE) {
    g_value_init (value, GST_TYPE_DOUBLE_RANGE);
    gst_value_set_double_range (value, g_value_get_double (low),
        g_value_get_double (high));
    return TRUE;
  }
  if (type == G_TYPE_INT64) {
    g_value_init (value, GST_TYPE_INT64_RANGE);
    gst_value_set_int64_range (value, g_value_get_int64 (low),
        g_value_get_int64 (high));
    return TRUE;
  }
  return FALSE;
}

static gboolean
read_range (const gchar **text, GType type, GValue *value)
{
  GValue low = G_VALUE_INIT, high = G_VALUE_INIT, step = G_VALUE_INIT;
  gboolean good;
  gint by = 1;

  good = read_scalar (text, type, &low) && skip_char (text, ',') &&
      read_scalar (text, type, &high);
  if (good && skip_char (text, ',')) {
    good = read_scalar (text, G_TYPE_INT, &step) && G_VALUE_HOLDS_INT (&step);
    by = good ? g_value_get_int (&step) : 0;
  }
  good = good && skip_char (text, ']') && set_range (value, &low, &high, by);

  if (G_IS_VALUE (&low))
    g_value_unset (&low);
  if (G_IS_VALUE (&high))
    g_value_unset (&high);
  if (G_IS_VALUE (&step))
    g_value_unset (&step);
  return good;
}

static gboolean
read_value (const gchar **text, GValue *value)
{
  GType type = G_TYPE_INVALID;

  if (!read_type (text, &type))
    return FALSE;
  if (skip_char (text, '{'))
    return read_list (text, type, value);
  if (skip_char (text, '['))
    return read_range (text, type, value);
  return read_scalar (text, type, value);
}

/* --- structures --- */

static gboolean
read_field (const gchar **text, GstStructure *structure)
{
  gchar *const name = read_word (text);
  GValue value = G_VALUE_INIT;
  const gboolean good = name && g_ascii_isalpha (*name) &&
      skip_char (text, '=') && read_value (text, &value);

  if (good && is_known (name))
    gst_structure_take_value (structure, name, &value);
  else if (good)
    g_value_unset (&value);
  g_free (name);
  return good;
}

/* Raw formats of version 0.10, of which GStreamer warns loudly, end in "-rgb"
 * and so on. */
static gboolean
is_media_type (const gchar *name)
{
  return g_ascii_isalpha (*name) && strchr (name, '/') &&
      !g_str_has_prefix (name, "video/x-raw-") &&
      !g_str_has_prefix (name, "audio/x-raw-");
}

static gboolean
is_feature (const gchar *feature)
{
  const gchar *c = feature;

  while (g_ascii_isalpha (*c))
    c++;
  if (c == feature || *c++ != ':' || !g_ascii_isalpha (*c))
    return FALSE;
  while (g_ascii_isalnum (*c))
    c++;
  return *c == '\0';
}

/* Memory of other kinds stays in its process, and what is not known is of no
 * use. */
static gboolean
can_cross (const gchar *feature)
{
  return !g_str_equal (feature, "ANY") && is_known (feature) &&
      (!g_str_has_prefix (feature, "memory:") ||
          g_str_equal (feature, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) ||
          g_str_equal (feature, "memory:DMABuf"));
}

/*
 * @features: out: (transfer full) (nullable): NULL is system memory
 * @is_useful: out: FALSE when buffers with them cannot come
 *
 * Returns: FALSE when malformed
 */
static gboolean
read_features (const gchar **text, GstCapsFeatures **features,
    gboolean *is_useful)
{
  gboolean good = TRUE;
  guint count = 0;

  *features = NULL;
  if (!skip_char (text, '('))
    return TRUE;
  *features = gst_caps_features_new_empty ();
  while (good && (count == 0 || skip_char (text, ','))) {
    gchar *const feature = read_word (text);

    good = feature && count++ < FEATURES_MAX &&
        (is_feature (feature) || g_str_equal (feature, "ANY"));
    if (good && can_cross (feature))
      gst_caps_features_add (*features, feature);
    else
      *is_useful = FALSE;
    g_free (feature);
  }
  return good && skip_char (text, ')');
}

static gboolean
read_fields (const gchar **text, GstStructure *structure)
{
  guint count = 0;

  while (skip_char (text, ',')) {
    if (count++ == FIELDS_MAX || !read_field (text, structure))
      return FALSE;
  }
  return TRUE;
}

/* Returns: FALSE when malformed; else it was appended, or is of no use */
static gboolean
read_structure (const gchar **text, GstCaps *caps)
{
  gchar *const name = read_word (text);
  GstCapsFeatures *features = NULL;
  GstStructure *structure;
  gboolean is_useful;

  if (!name || !is_media_type (name)) {
    g_free (name);
    return FALSE;
  }
  is_useful = is_known (name);
  structure =
      gst_structure_new_empty (is_useful ? name : "application/unknown");
  g_free (name);

  if (!read_features (text, &features, &is_useful) ||
      !read_fields (text, structure))
    goto err_free;
  if (is_useful) {
    gst_caps_append_structure_full (caps, structure, features);
    return TRUE;
  }
  gst_clear_structure (&structure);
  if (features)
    gst_caps_features_free (features);
  return TRUE;

err_free:
  gst_structure_free (structure);
  if (features)
    gst_caps_features_free (features);
  return FALSE;
}

GstCaps *
gst_tachyon_wish_parse (const gchar *text)
{
  GstCaps *caps = gst_caps_new_empty ();
  guint count = 0;

  if (strlen (text) > GST_TACHYON_WISH_MAX)
    goto err_unref;
  do {
    if (count++ == STRUCTURES_MAX || !read_structure (&text, caps))
      goto err_unref;
  } while (skip_char (&text, ';') && *text != '\0');
  if (*text == '\0' && !gst_caps_is_empty (caps))
    return caps;

err_unref:
  gst_caps_unref (caps);
  return NULL;
}

static gboolean
keep_what_crosses (GstCapsFeatures *features, GstStructure *structure,
    gpointer data)
{
  guint i;

  if (gst_caps_features_is_any (features))
    return FALSE;
  for (i = 0; i < gst_caps_features_get_size (features); i++) {
    if (!can_cross (gst_caps_features_get_nth (features, i)))
      return FALSE;
  }
  return TRUE;
}

gchar *
gst_tachyon_wish_print (const GstCaps *caps)
{
  GstCaps *said, *heard;
  gchar *text;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return g_strdup ("");

  said = gst_caps_copy (caps);
  gst_caps_filter_and_map_in_place (said, keep_what_crosses, NULL);
  text = gst_caps_to_string (said);
  gst_caps_unref (said);

  heard = gst_tachyon_wish_parse (text);
  if (!heard)
    *text = '\0';
  gst_clear_caps (&heard);
  return text;
}
