/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The values in caps and structures that hold no other values. GStreamer's own
 * functions read them, save where those assert on what they read.
 */
#include "gsttachyonscalar.h"

#include <gst/video/video.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct type_name
{
  const gchar *name;
  GType (*type) (void);
};

/* Fundamental types have no function: these go by another way. */
static const struct
{
  const gchar *name;
  GType type;
} fundamental_names[] = {
  { "int", G_TYPE_INT },
  { "i", G_TYPE_INT },
  { "uint", G_TYPE_UINT },
  { "u", G_TYPE_UINT },
  { "float", G_TYPE_FLOAT },
  { "f", G_TYPE_FLOAT },
  { "double", G_TYPE_DOUBLE },
  { "d", G_TYPE_DOUBLE },
  { "boolean", G_TYPE_BOOLEAN },
  { "bool", G_TYPE_BOOLEAN },
  { "b", G_TYPE_BOOLEAN },
  { "string", G_TYPE_STRING },
  { "str", G_TYPE_STRING },
  { "s", G_TYPE_STRING },
};

static const struct type_name short_names[] = {
  { "buffer", gst_buffer_get_type },
  { "fraction", gst_fraction_get_type },
  { "structure", gst_structure_get_type },
  { "date", g_date_get_type },
  { "datetime", gst_date_time_get_type },
  { "bitmask", gst_bitmask_get_type },
  { "sample", gst_sample_get_type },
};

gboolean
gst_tachyon_scalar_type_travels (GType type)
{
  switch (G_TYPE_FUNDAMENTAL (type)) {
    case G_TYPE_ENUM:
    case G_TYPE_FLAGS:
      return TRUE;
    default:
      break;
  }
  return type == G_TYPE_INT || type == G_TYPE_UINT || type == G_TYPE_INT64 ||
      type == G_TYPE_UINT64 || type == G_TYPE_LONG || type == G_TYPE_ULONG ||
      type == G_TYPE_UCHAR || type == G_TYPE_FLOAT || type == G_TYPE_DOUBLE ||
      type == G_TYPE_BOOLEAN || type == G_TYPE_STRING ||
      type == GST_TYPE_BUFFER || type == GST_TYPE_FRACTION ||
      type == GST_TYPE_BITMASK || type == G_TYPE_DATE ||
      type == GST_TYPE_DATE_TIME || type == GST_TYPE_SAMPLE ||
      type == GST_TYPE_STRUCTURE || type == GST_TYPE_CAPS ||
      (type != GST_TYPE_FLAG_SET && g_type_is_a (type, GST_TYPE_FLAG_SET));
}

GType
gst_tachyon_scalar_type_find (const gchar *name)
{
  GType type;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (fundamental_names); i++) {
    if (g_str_equal (name, fundamental_names[i].name))
      return fundamental_names[i].type;
  }
  for (i = 0; i < G_N_ELEMENTS (short_names); i++) {
    if (g_str_equal (name, short_names[i].name))
      return short_names[i].type ();
  }

  /* Raw video caps name it, and it is registered when it is first used. */
  g_type_ensure (GST_TYPE_VIDEO_MULTIVIEW_FLAGSET);
  type = g_type_from_name (name);
  return type != 0 && gst_tachyon_scalar_type_travels (type) ? type :
                                                               G_TYPE_INVALID;
}

static gboolean
set_fraction (GValue *value, const gchar *text)
{
  gint numerator, denominator = 1;
  gchar behind;

  if (sscanf (text, "%d/%d%c", &numerator, &denominator, &behind) != 2 &&
      sscanf (text, "%d%c", &numerator, &behind) != 1)
    return FALSE;
  if (denominator == 0 || denominator == G_MININT || numerator == G_MININT)
    return FALSE;
  gst_value_set_fraction (value, numerator, denominator);
  return TRUE;
}

static gboolean
read_number (const gchar **text, guint digits, gint max, gint *number)
{
  *number = 0;
  for (; digits > 0; digits--, (*text)++) {
    if (!g_ascii_isdigit (**text))
      return FALSE;
    *number = *number * 10 + g_ascii_digit_value (**text);
  }
  return *number <= max;
}

/* 2024, 2024-01, 2024-01-31, 2024-01-31T23:59Z, …:59Z, …:59+0130 */
static GstDateTime *
parse_date_time (const gchar *text)
{
  gint year, month = -1, day = -1, hour, minute, second = -1;
  gint zone_hours = 0, zone_minutes = 0;
  gdouble zone_sign = 1.0;

  if (!read_number (&text, 4, 9999, &year) || year == 0)
    return NULL;
  if (*text == '-' &&
      (text++, !read_number (&text, 2, 12, &month) || month == 0))
    return NULL;
  if (month > 0 && *text == '-' &&
      (text++,
          !read_number (&text, 2, 31, &day) ||
              !g_date_valid_dmy (day, month, year)))
    return NULL;
  if (*text == '\0')
    return gst_date_time_new_ymd (year, month, day);
  if (day < 0 || *text++ != 'T' || !read_number (&text, 2, 23, &hour) ||
      *text++ != ':' || !read_number (&text, 2, 59, &minute))
    return NULL;
  if (*text == ':' && (text++, !read_number (&text, 2, 59, &second)))
    return NULL;

  if (*text == '+' || *text == '-') {
    zone_sign = *text++ == '-' ? -1.0 : 1.0;
    if (!read_number (&text, 2, 11, &zone_hours) ||
        !read_number (&text, 2, 59, &zone_minutes))
      return NULL;
  } else if (*text++ != 'Z') {
    return NULL;
  }
  if (*text != '\0')
    return NULL;
  return gst_date_time_new (zone_sign * (zone_hours + zone_minutes / 60.0),
      year, month, day, hour, minute, second);
}

/* Hexadecimal. GStreamer's own unmaps what it freed, of malformed ones. */
static GstBuffer *
parse_buffer (const gchar *text)
{
  const gsize size = strlen (text) / 2;
  guint8 *bytes;
  gsize i;

  if (text[size * 2] != '\0')
    return NULL;
  bytes = g_malloc (MAX (size, 1));
  for (i = 0; i < size; i++) {
    const gint high = g_ascii_xdigit_value (text[2 * i]);
    const gint low = g_ascii_xdigit_value (text[2 * i + 1]);

    if (high < 0 || low < 0) {
      g_free (bytes);
      return NULL;
    }
    bytes[i] = high << 4 | low;
  }
  return gst_buffer_new_wrapped (bytes, size);
}

gboolean
gst_tachyon_scalar_set (GValue *value, const gchar *text)
{
  const GType type = G_VALUE_TYPE (value);
  gpointer boxed;

  if (type == GST_TYPE_FRACTION)
    return set_fraction (value, text);
  if (type == GST_TYPE_DATE_TIME)
    boxed = parse_date_time (text);
  else if (type == GST_TYPE_BUFFER)
    boxed = parse_buffer (text);
  else {
    /* It looks at errno where strtoul() need not have set it. */
    errno = 0;
    return gst_value_deserialize (value, text);
  }

  if (!boxed)
    return FALSE;
  g_value_take_boxed (value, boxed);
  return TRUE;
}

GType
gst_tachyon_scalar_type_guess (const gchar *text)
{
  static const gchar *const booleans[] = { "true", "yes", "false", "no", NULL };
  GValue fraction = G_VALUE_INIT;
  gchar *end;
  GType type = G_TYPE_STRING;
  gint64 number;
  guint i;

  for (i = 0; booleans[i]; i++) {
    if (g_ascii_strcasecmp (text, booleans[i]) == 0)
      return G_TYPE_BOOLEAN;
  }
  /* strtod() would take "inf" and "nan" for numbers. */
  if (!g_ascii_isdigit (*text) && !strchr ("+-.", *text))
    return G_TYPE_STRING;

  number = g_ascii_strtoll (text, &end, 0);
  if (*end == '\0' && number >= G_MININT && number <= G_MAXINT)
    return G_TYPE_INT;
  g_ascii_strtod (text, &end);
  if (*end == '\0')
    return G_TYPE_DOUBLE;
  g_value_init (&fraction, GST_TYPE_FRACTION);
  if (set_fraction (&fraction, text))
    type = GST_TYPE_FRACTION;
  g_value_unset (&fraction);
  return type;
}
