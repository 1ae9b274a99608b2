/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink tells of its subscribers, and what it does for them.
 */
#include "gsttachyonaudience.h"

#include <gst/base/gstbasesink.h>

#include "gsttachyonevent.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

enum
{
  SIGNAL_CLIENT_CONNECTED,
  SIGNAL_CLIENT_DISCONNECTED,
  SIGNAL_LAST
};

static guint signals[SIGNAL_LAST];

static void
push_upstream (GstElement *element, const struct tachyon_event *received)
{
  GstEvent *const event = gst_tachyon_event_decode (received);

  if (!event) {
    GST_DEBUG_OBJECT (element, "ignoring event of type %u", received->type);
    return;
  }

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_RECONFIGURE:
    case GST_EVENT_NAVIGATION:
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      GST_DEBUG_OBJECT (element, "from a subscriber: %" GST_PTR_FORMAT, event);
      gst_pad_push_event (GST_BASE_SINK_PAD (element), event);
      break;
    default:
      /* QOS and SEEK of one subscriber would be felt by all. */
      GST_DEBUG_OBJECT (element, "ignoring %" GST_PTR_FORMAT, event);
      gst_event_unref (event);
      break;
  }
}

static void
tell (GstElement *element, guint signal, const struct tachyon_notice *notice)
{
  g_signal_emit (element, signals[signal], 0, (guint64) notice->subscriber);
  g_object_notify (G_OBJECT (element), "num-clients");
}

void
gst_tachyon_audience_handle_notice (const struct tachyon_notice *notice,
    gpointer element)
{
  const guint64 id = notice->subscriber;

  switch (notice->type) {
    case TACHYON_NOTICE_JOINED:
      GST_INFO_OBJECT (element,
          "subscriber %" G_GUINT64_FORMAT ", process %u, "
          "joined",
          id, notice->pid);
      tell (element, SIGNAL_CLIENT_CONNECTED, notice);
      break;
    case TACHYON_NOTICE_LEFT:
      GST_INFO_OBJECT (element,
          "subscriber %" G_GUINT64_FORMAT ", process %u, "
          "left (%d)",
          id, notice->pid, notice->end);
      tell (element, SIGNAL_CLIENT_DISCONNECTED, notice);
      break;
    case TACHYON_NOTICE_EVENT:
      push_upstream (element, &notice->event);
      break;
  }
}

void
gst_tachyon_audience_install (GObjectClass *klass)
{
  /**
   * GstTachyonSink::client-connected:
   * @sink: the sink
   * @id: tells subscribers apart; never used twice
   *
   * A subscriber has joined. Emitted on a thread of the sink's own, on which its
   * state must not be changed.
   *
   * Since: 0.1
   */
  signals[SIGNAL_CLIENT_CONNECTED] = g_signal_new ("client-connected",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_UINT64);

  /**
   * GstTachyonSink::client-disconnected:
   * @sink: the sink
   * @id: as it was given to #GstTachyonSink::client-connected
   *
   * A subscriber has left, or died. Emitted as
   * #GstTachyonSink::client-connected is. The sink's own stop emits none.
   *
   * Since: 0.1
   */
  signals[SIGNAL_CLIENT_DISCONNECTED] = g_signal_new ("client-disconnected",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_UINT64);
}
