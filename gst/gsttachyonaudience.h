/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink tells of its subscribers, and what it does for them: messages,
 * signals, the property num-clients, and events that go upstream.
 */
#ifndef __GST_TACHYON_AUDIENCE_H__
#define __GST_TACHYON_AUDIENCE_H__

#include <gst/gst.h>

#include <tachyon.h>

#include "gsttachyonsession.h"

G_BEGIN_DECLS

/* A GstTachyonNoticeFunc, of a GstTachyonSession. */
void gst_tachyon_audience_handle_notice (const struct tachyon_notice *notice,
    gpointer session);

/* After each change of what subscribers need, or of what is sent. */
void gst_tachyon_audience_reconsider (GstTachyonSession *session);

void gst_tachyon_audience_install (GObjectClass *klass);

G_END_DECLS

#endif
