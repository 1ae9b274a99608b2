/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error messages of the sink: the library's codes in GStreamer's domains.
 */
#ifndef __GST_TACHYON_SINK_ERROR_H__
#define __GST_TACHYON_SINK_ERROR_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

/* Post why an address could not be listened at. */
void gst_tachyon_sink_error_post_listen (GstElement *element,
    const gchar *address, gint error);

/* Post why a socket that was given does not do. */
void gst_tachyon_sink_error_post_adopt (GstElement *element, gint fd,
    gint error);

/* Post why a buffer could not be sent: codes of the publisher or the sender. */
void gst_tachyon_sink_error_post_send (GstElement *element, gsize size,
    gint error);

/*
 * Post why there is no stream of the newest buffer.
 *
 * @type: GST_MESSAGE_ERROR or GST_MESSAGE_WARNING
 * @error: a code of the library's streams, or of gsttachyonnewest.h
 */
void gst_tachyon_sink_error_post_stream (GstElement *element,
    GstMessageType type, const gchar *name, gint error);

G_END_DECLS

#endif
