/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source asks of its producer, for elements downstream and for the
 * application: queries, seeks, upstream events; and its flushes.
 */
#ifndef __GST_TACHYON_SRC_CONTROL_H__
#define __GST_TACHYON_SRC_CONTROL_H__

#include "gsttachyonsrcprivate.h"

G_BEGIN_DECLS

void gst_tachyon_src_control_init (GstTachyonSrc *self);

/*
 * Ask the producer, if it is a question that it can answer better.
 *
 * Returns: TRUE when it did; else it is the base class's
 */
gboolean gst_tachyon_src_control_query (GstTachyonSrc *self, GstQuery *query);

/*
 * Handle an upstream event that is the producer's.
 *
 * @result: out: what to return
 *
 * Returns: FALSE when it is the base class's
 */
gboolean gst_tachyon_src_control_event (GstTachyonSrc *self, GstEvent *event,
    gboolean *result);

/* Returns: (transfer full) (nullable): an event to push before the next buffer.
 * On the streaming thread. */
GstEvent *gst_tachyon_src_control_take_late (GstTachyonSrc *self);

/* An event of the producer's that stands in its stream for a flush. On the
 * streaming thread. */
void gst_tachyon_src_control_take_marker (GstTachyonSrc *self,
    const struct tachyon_event *received);

/* The producer's segment of a seek of ours that wanted SEGMENT_DONE, and its
 * end. On the streaming thread. */
void gst_tachyon_src_control_begin_segment (GstTachyonSrc *self,
    const GstSegment *segment);
void gst_tachyon_src_control_end_segment (GstTachyonSrc *self,
    GstEvent *segment_done);

G_END_DECLS

#endif
