/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What subscribers send up: events for the sink's upstream, and requests.
 */
#ifndef __GST_TACHYON_UPSTREAM_H__
#define __GST_TACHYON_UPSTREAM_H__

#include "gsttachyonsession.h"

G_BEGIN_DECLS

/* A notice of an event. On the session's own thread. */
void gst_tachyon_upstream_take (GstTachyonSession *session,
    const struct tachyon_notice *notice);

G_END_DECLS

#endif
