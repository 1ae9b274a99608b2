/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Between GstEvent and struct tachyon_event. Pure functions.
 */
#ifndef __GST_TACHYON_EVENT_H__
#define __GST_TACHYON_EVENT_H__

#include <gst/gst.h>

#include <tachyon.h>

G_BEGIN_DECLS

/*
 * Write an event, down- or upstream, as bytes.
 *
 * @bytes: cleared, then filled; out->data points into it
 *
 * Returns: FALSE when it does not travel as an event (CAPS and EOS have items
 *     of their own, FLUSH_* and SINK_MESSAGE stay) or cannot be expressed.
 */
gboolean gst_tachyon_event_encode (GstEvent *event, GByteArray *bytes,
    struct tachyon_event *out);

/*
 * The reverse; what a peer wrote is checked.
 *
 * Returns: (transfer full): an event, or NULL: malformed or unknown, to be
 *     ignored and counted
 */
GstEvent *gst_tachyon_event_decode (const struct tachyon_event *event);

G_END_DECLS

#endif
