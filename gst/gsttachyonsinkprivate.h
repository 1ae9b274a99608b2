/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The sink, for the files that it is made of.
 */
#ifndef __GST_TACHYON_SINK_PRIVATE_H__
#define __GST_TACHYON_SINK_PRIVATE_H__

#include "gsttachyonsession.h"
#include "gsttachyonsink.h"
#include "gsttachyonsinklatency.h"
#include "gsttachyonsinksettings.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);

struct _GstTachyonSink
{
  GstBaseSink parent;

  /* object lock */
  GstTachyonSinkSettings settings;
  GstTachyonSinkLatency latency;

  /* Set under the object lock. Open from READY to PAUSED and back; the service
   * and the streaming thread, which exist in between only, read the pointer
   * without the lock. Stays for its figures until the next one. */
  GstTachyonSession *session;

  /* the streaming thread's: it sends a list */
  gboolean is_corked;
  /* the streaming thread's: the last buffer's planes were where it put them */
  gboolean had_own_layout;
};

/* What follows is for the streaming thread. */

GstFlowReturn gst_tachyon_sink_render (GstBaseSink *bsink, GstBuffer *buffer);
/* One wake-up for all of it. */
GstFlowReturn gst_tachyon_sink_render_list (GstBaseSink *bsink,
    GstBufferList *list);

/*
 * Send a serialized event, or line it up.
 *
 * @may_wait: wait until it is sent
 *
 * Returns: FALSE when flushing
 */
gboolean gst_tachyon_sink_send (GstTachyonSink *self, GstEvent *event,
    gboolean may_wait);

G_END_DECLS

#endif
