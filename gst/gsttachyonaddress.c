/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The properties socket-path and socket-type, which both elements have.
 */
#include "gsttachyonaddress.h"

GType
gst_tachyon_socket_type_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_TACHYON_SOCKET_TYPE_PATH, "A path in the file system", "path" },
    { GST_TACHYON_SOCKET_TYPE_ABSTRACT, "A name in the abstract namespace",
        "abstract" },
    { GST_TACHYON_SOCKET_TYPE_ABSTRACT_PADDED,
        "A name in the abstract namespace, padded with zeros",
        "abstract-padded" },
    { 0, NULL, NULL }
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstTachyonSocketType", values));

  return type;
}

gchar *
gst_tachyon_address_new (const gchar *path, GstTachyonSocketType type)
{
  const gchar *prefix = "";

  switch (type) {
    case GST_TACHYON_SOCKET_TYPE_PATH:
      break;
    case GST_TACHYON_SOCKET_TYPE_ABSTRACT:
      prefix = path[0] == '@' ? "" : "@";
      break;
    case GST_TACHYON_SOCKET_TYPE_ABSTRACT_PADDED:
      prefix = path[0] != '@' ? "@@" : path[1] != '@' ? "@" : "";
      break;
  }

  return g_strconcat (prefix, path, NULL);
}
