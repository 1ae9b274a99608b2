/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * URIs, which both elements take for their address and some properties:
 *
 *   tachyon:///tmp/camera?is-live=false     a path
 *   tachyon://@camera                       an abstract name
 *   tachyon://@@camera                      an abstract name, padded
 *
 * Both sides are percent-encoded.
 */
#ifndef __GST_TACHYON_URI_H__
#define __GST_TACHYON_URI_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* GInterfaceInitFunc of GstURIHandler for both elements. */
void gst_tachyon_uri_handler_init (gpointer iface, gpointer data);

G_END_DECLS

#endif
