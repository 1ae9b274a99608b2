/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What subscribers send up, and who may.
 */
#include "gsttachyonupstream.h"

#include <gst/base/gstbasesink.h>

#include "gsttachyonevent.h"
#include "gsttachyonwire.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

/* Some of one subscriber would be felt by all; a seek is a request. */
static gboolean
may_pass (GstTachyonSession *session, GstEventType type)
{
  switch (type) {
    case GST_EVENT_RECONFIGURE:
    case GST_EVENT_NAVIGATION:
    case GST_EVENT_TOC_SELECT:
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      return TRUE;
    case GST_EVENT_QOS:
    case GST_EVENT_LATENCY:
    case GST_EVENT_SELECT_STREAMS:
      return tachyon_publisher_subscribers (session->handle) == 1;
    default:
      return FALSE;
  }
}

static void
push_upstream (GstTachyonSession *session, const struct tachyon_event *received)
{
  GstEvent *const event = gst_tachyon_event_decode (received);

  if (!event) {
    GST_DEBUG_OBJECT (session->element, "ignoring event of type %u",
        received->type);
    return;
  }
  if (!may_pass (session, GST_EVENT_TYPE (event))) {
    GST_DEBUG_OBJECT (session->element, "ignoring %" GST_PTR_FORMAT, event);
    gst_event_unref (event);
    return;
  }
  GST_DEBUG_OBJECT (session->element, "from a subscriber: %" GST_PTR_FORMAT,
      event);
  gst_pad_push_event (GST_BASE_SINK_PAD (session->element), event);
}

void
gst_tachyon_upstream_take (GstTachyonSession *session,
    const struct tachyon_notice *notice)
{
  switch (notice->event.type) {
    case MESSAGE_REQUEST:
      gst_tachyon_answers_take (session->answers, session->element, notice);
      break;
    default:
      push_upstream (session, &notice->event);
      break;
  }
}
