/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The sink's side of requests: what subscribers ask is asked of upstream, on
 * threads of GStreamer's, a few at a time.
 */
#ifndef __GST_TACHYON_ANSWER_H__
#define __GST_TACHYON_ANSWER_H__

#include <gst/gst.h>

#include "gsttachyonpublisher.h"

G_BEGIN_DECLS

typedef struct _GstTachyonAnswers GstTachyonAnswers;

GstTachyonAnswers *gst_tachyon_answers_new (GstTachyonPublisher *publisher);
/* What is under way goes on, and is told to nobody once the publisher is closed.
 * NULL is fine. */
void gst_tachyon_answers_unref (GstTachyonAnswers *self);

/* A notice of a REQUEST. Never waits: the answer is sent when it is known. */
void gst_tachyon_answers_take (GstTachyonAnswers *self, GstElement *sink,
    const struct tachyon_notice *notice);

G_END_DECLS

#endif
