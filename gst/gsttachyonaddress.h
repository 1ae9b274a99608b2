/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The properties socket-path and socket-type, which both elements have.
 */
#ifndef __GST_TACHYON_ADDRESS_H__
#define __GST_TACHYON_ADDRESS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstTachyonSocketType:
 * @GST_TACHYON_SOCKET_TYPE_PATH: a path in the file system
 * @GST_TACHYON_SOCKET_TYPE_ABSTRACT: a name in the abstract namespace
 * @GST_TACHYON_SOCKET_TYPE_ABSTRACT_PADDED: such a name, filled up with zeros to
 *     the whole length of an address
 *
 * What socket-path names. A path that begins with '@' is abstract, too, and one
 * that begins with '@@' padded.
 *
 * Since: 0.1
 */
typedef enum
{
  GST_TACHYON_SOCKET_TYPE_PATH = 0,
  GST_TACHYON_SOCKET_TYPE_ABSTRACT = 1,
  GST_TACHYON_SOCKET_TYPE_ABSTRACT_PADDED = 2,
} GstTachyonSocketType;

#define GST_TYPE_TACHYON_SOCKET_TYPE (gst_tachyon_socket_type_get_type ())
GType gst_tachyon_socket_type_get_type (void);

/* Returns: (transfer full): the address as libtachyon takes it. */
gchar *gst_tachyon_address_new (const gchar *path, GstTachyonSocketType type);

G_END_DECLS

#endif
