/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error messages of the source: the library's codes in GStreamer's domains.
 */
#ifndef __GST_TACHYON_SRC_ERROR_H__
#define __GST_TACHYON_SRC_ERROR_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

/* Post why there is no connection to the producer at an address. */
void gst_tachyon_src_error_post_connect (GstElement *element,
    const gchar *address, gint error);

/* Post that a connection is over, and how it ended. */
void gst_tachyon_src_error_post_end (GstElement *element, const gchar *address,
    enum tachyon_end end);

/* Post why nothing more can be received. */
void gst_tachyon_src_error_post_receive (GstElement *element,
    const gchar *address, gint error);

G_END_DECLS

#endif
