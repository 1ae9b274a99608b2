/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * URIs: a location, and properties as parameters.
 *
 * Nothing is kept here: the URI of an element is made of its properties.
 */
#include "gsttachyonuri.h"

#include <gst/base/gstbasesrc.h>

#include <string.h>

#include "gsttachyonaddress.h"

#define SCHEME "tachyon"
/* What stands in a path, or a name, as it is; "@" too. */
#define PLAIN_IN_LOCATION "/@:!$&'()*+,;="

/* Properties that a URI may set, of those that the element has. It may come from
 * a playlist: rights, descriptors and other addresses are not among them. */
static const gchar *const parameters[] = {
  "always-copy",
  "connection-timeout",
  "is-live",
  "leaky-type",
  "max-buffers",
  "min-memory-size",
  "on-disconnect",
  "shm-size",
  "sync",
  "timestamp-mode",
  "wait-for-connection",
};

/* One property and its new value. */
typedef struct
{
  const gchar *name;
  GValue value;
} Setting;

static void
clear_setting (gpointer data)
{
  g_value_unset (&((Setting *) data)->value);
}

/* --- from a URI --- */

/* Returns: (transfer full): what socket-path is set to, or NULL */
static gchar *
parse_location (const gchar *uri, const gchar **rest, GError **error)
{
  const gchar *start = uri + strlen (SCHEME ":");
  gchar *location;
  gsize length;

  if (g_str_has_prefix (start, "//"))
    start += 2;
  length = strcspn (start, "?#");
  *rest = start + length;

  if ((*start != '/' && *start != '@') || length < 2) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "\"%s\" names neither a path (" SCHEME ":///tmp/name) nor an abstract "
        "name (" SCHEME "://@name).",
        uri);
    return NULL;
  }

  location = g_uri_unescape_segment (start, start + length, NULL);
  if (!location)
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "\"%s\" has a character that is not percent-encoded as it must be.",
        uri);
  return location;
}

static GParamSpec *
find_parameter (GObject *element, const gchar *name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (parameters); i++) {
    if (strcmp (parameters[i], name) == 0)
      return g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  }
  return NULL;
}

static gboolean
parse_setting (GObject *element, const gchar *name, const gchar *text,
    Setting *setting, GError **error)
{
  GParamSpec *const pspec = find_parameter (element, name);

  if (!pspec) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
        "\"%s\" is no parameter of a %s.", name,
        GST_OBJECT_NAME (gst_element_get_factory (GST_ELEMENT (element))));
    return FALSE;
  }

  setting->name = pspec->name;
  g_value_init (&setting->value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  /* What is out of range would be changed until it is not. */
  if (gst_value_deserialize (&setting->value, text) &&
      !g_param_value_validate (pspec, &setting->value))
    return TRUE;

  g_value_unset (&setting->value);
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
      "\"%s\" is no value of the parameter \"%s\".", text, name);
  return FALSE;
}

/* Returns: (transfer full): of Setting, or NULL */
static GArray *
parse_query (GObject *element, const gchar *rest, GError **error)
{
  const gchar *const query = *rest == '?' ? rest + 1 : "";
  GHashTable *table;
  GHashTableIter iter;
  gpointer name, text;
  GArray *settings;

  table = g_uri_parse_params (query, strcspn (query, "#"), "&",
      G_URI_PARAMS_NONE, NULL);
  if (!table) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "\"%s\" is no list of parameters (name=value&name=value).", query);
    return NULL;
  }

  settings = g_array_new (FALSE, TRUE, sizeof (Setting));
  g_array_set_clear_func (settings, clear_setting);
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &text)) {
    Setting setting = { NULL, G_VALUE_INIT };

    if (!parse_setting (element, name, text, &setting, error)) {
      g_clear_pointer (&settings, g_array_unref);
      break;
    }
    g_array_append_val (settings, setting);
  }
  g_hash_table_unref (table);
  return settings;
}

static gboolean
is_stopped (GstElement *element)
{
  gboolean stopped;

  GST_OBJECT_LOCK (element);
  stopped = GST_STATE (element) <= GST_STATE_READY &&
      GST_STATE_NEXT (element) <= GST_STATE_READY;
  GST_OBJECT_UNLOCK (element);
  return stopped;
}

static gboolean
gst_tachyon_uri_set (GstURIHandler *handler, const gchar *uri, GError **error)
{
  GObject *const element = G_OBJECT (handler);
  const gchar *rest;
  gchar *location;
  GArray *settings;
  guint i;

  if (!is_stopped (GST_ELEMENT (handler))) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "The URI of \"%s\" cannot be changed while it runs.",
        GST_OBJECT_NAME (handler));
    return FALSE;
  }

  location = parse_location (uri, &rest, error);
  if (!location)
    return FALSE;
  settings = parse_query (element, rest, error);
  if (!settings) {
    g_free (location);
    return FALSE;
  }

  /* All of it is good: nothing is set by halves. */
  g_object_set (element, "socket-path", location, "socket-type",
      GST_TACHYON_SOCKET_TYPE_PATH, NULL);
  for (i = 0; i < settings->len; i++) {
    const Setting *const setting = &g_array_index (settings, Setting, i);

    g_object_set_property (element, setting->name, &setting->value);
  }
  g_array_unref (settings);
  g_free (location);
  return TRUE;
}

/* --- to a URI --- */

static void
append_parameter (GString *uri, GObject *element, const gchar *name)
{
  GParamSpec *const pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  GValue value = G_VALUE_INIT;
  gchar *text;

  if (!pspec)
    return;

  g_value_init (&value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  g_object_get_property (element, name, &value);
  if (!g_param_value_defaults (pspec, &value)) {
    text = gst_value_serialize (&value);
    g_string_append_printf (uri, "%c%s=", strchr (uri->str, '?') ? '&' : '?',
        name);
    g_string_append_uri_escaped (uri, text, NULL, FALSE);
    g_free (text);
  }
  g_value_unset (&value);
}

static gchar *
gst_tachyon_uri_get (GstURIHandler *handler)
{
  GObject *const element = G_OBJECT (handler);
  GstTachyonSocketType type;
  gchar *path, *address;
  GString *uri;
  guint i;

  g_object_get (element, "socket-path", &path, "socket-type", &type, NULL);
  if (!path || !*path) {
    g_free (path);
    return NULL;
  }

  address = gst_tachyon_address_new (path, type);
  if (address[0] != '@' && !g_path_is_absolute (address)) {
    g_free (path);
    path = address;
    address = g_canonicalize_filename (path, NULL);
  }
  uri = g_string_new (SCHEME "://");
  g_string_append_uri_escaped (uri, address, PLAIN_IN_LOCATION, FALSE);
  for (i = 0; i < G_N_ELEMENTS (parameters); i++)
    append_parameter (uri, element, parameters[i]);
  g_free (address);
  g_free (path);
  return g_string_free (uri, FALSE);
}

/* --- the interface --- */

static GstURIType
gst_tachyon_uri_get_uri_type (GType type)
{
  return g_type_is_a (type, GST_TYPE_BASE_SRC) ? GST_URI_SRC : GST_URI_SINK;
}

static const gchar *const *
gst_tachyon_uri_get_protocols (GType type)
{
  static const gchar *const protocols[] = { SCHEME, NULL };

  return protocols;
}

void
gst_tachyon_uri_handler_init (gpointer iface, gpointer data)
{
  GstURIHandlerInterface *const interface = iface;

  interface->get_type = gst_tachyon_uri_get_uri_type;
  interface->get_protocols = gst_tachyon_uri_get_protocols;
  interface->get_uri = gst_tachyon_uri_get;
  interface->set_uri = gst_tachyon_uri_set;
}
