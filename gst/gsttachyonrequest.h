/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Queries and seeks that a consumer asks of the producer, and the flushes that
 * the producer tells of, as the bytes that cross. Pure functions; what a peer
 * wrote is checked.
 */
#ifndef __GST_TACHYON_REQUEST_H__
#define __GST_TACHYON_REQUEST_H__

#include <gst/gst.h>

#include <tachyon.h>

#include "gsttachyonwire.h"

G_BEGIN_DECLS

/* What urgent events hold at most. */
#define GST_TACHYON_REQUEST_MAX 4096

/*
 * A query, or a seek, as a REQUEST.
 *
 * @bytes: cleared, then filled; out->data points into it
 *
 * Returns: FALSE when it is of no kind that travels, or too long
 */
gboolean gst_tachyon_request_from_query (const GstQuery *query, guint32 id,
    GByteArray *bytes, struct tachyon_event *out);
gboolean gst_tachyon_request_from_seek (GstEvent *seek, guint32 id,
    GByteArray *bytes, struct tachyon_event *out);

/* Returns: FALSE when it is no REQUEST */
gboolean gst_tachyon_request_parse (const struct tachyon_event *event,
    struct request_message *head, gchar **text);

/*
 * What is asked.
 *
 * Returns: (transfer full): NULL when it makes no sense
 */
GstQuery *gst_tachyon_request_to_query (const struct request_message *head,
    const gchar *text);
/* @seqnum: out: the consumer's number for the seek */
GstEvent *gst_tachyon_request_to_seek (const gchar *text, guint32 *seqnum);

/*
 * An ANSWER.
 *
 * @query: (nullable): what was filled in
 *
 * Returns: FALSE when it is too long
 */
gboolean gst_tachyon_answer_encode (guint32 id, gboolean result,
    const GstQuery *query, GByteArray *bytes, struct tachyon_event *out);

/* Returns: FALSE when it is no ANSWER */
gboolean gst_tachyon_answer_parse (const struct tachyon_event *event,
    struct answer_message *head, gchar **text);

/* Fill in a query. Returns: FALSE when the answer makes no sense to it */
gboolean gst_tachyon_answer_apply (const gchar *text, GstQuery *query);

/* @flush: what is sent; must stay as long as @out is used */
void gst_tachyon_flush_encode (const struct flush_message *flush,
    gboolean is_marker, struct tachyon_event *out);
gboolean gst_tachyon_flush_parse (const struct tachyon_event *event,
    struct flush_message *flush);

G_END_DECLS

#endif
