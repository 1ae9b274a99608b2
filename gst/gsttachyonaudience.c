/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink tells of its subscribers, and what it does for them.
 */
#include "gsttachyonaudience.h"

#include <gst/base/gstbasesink.h>

#include "gsttachyonsession.h"
#include "gsttachyontime.h"
#include "gsttachyonwire.h"
#include "gsttachyonupstream.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

enum
{
  SIGNAL_CLIENT_CONNECTED,
  SIGNAL_CLIENT_DISCONNECTED,
  SIGNAL_LAST
};

static guint signals[SIGNAL_LAST];

static const gchar *
describe_end (enum tachyon_end end)
{
  switch (end) {
    case TACHYON_END_CLOSED:
      return "left";
    case TACHYON_END_DIED:
      return "died";
    case TACHYON_END_CORRUPT:
      return "broke-protocol";
    case TACHYON_END_LOCAL:
      return "shut-down";
    case TACHYON_END_NONE:
      break;
  }

  return "unknown";
}

static void
tell (GstTachyonSession *session, guint signal,
    const struct tachyon_notice *notice)
{
  GstElement *const element = session->element;
  GstStructure *const structure =
      gst_structure_new (g_signal_name (signals[signal]), "id", G_TYPE_UINT64,
          (guint64) notice->subscriber, "pid", G_TYPE_UINT, notice->pid,
          "num-clients", G_TYPE_UINT,
          tachyon_publisher_subscribers (session->handle), NULL);

  if (notice->type == TACHYON_NOTICE_LEFT)
    gst_structure_set (structure, "reason", G_TYPE_STRING,
        describe_end (notice->end), NULL);
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), structure));

  g_signal_emit (element, signals[signal], 0, (guint64) notice->subscriber);
  g_object_notify (G_OBJECT (element), "num-clients");
}

/* It sees nothing before a key unit comes, which may be seconds away. */
static void
ask_for_key_unit (GstTachyonSession *session, guint64 subscriber)
{
  GstEvent *const event = gst_tachyon_key_unit_ask (&session->key_unit,
      subscriber, gst_tachyon_time_monotonic ());

  if (!event)
    return;

  GST_DEBUG_OBJECT (session->element, "for who joined: %" GST_PTR_FORMAT,
      event);
  gst_pad_push_event (GST_BASE_SINK_PAD (session->element), event);
}

void
gst_tachyon_audience_reconsider (GstTachyonSession *session)
{
  if (!gst_tachyon_demand_is_news (session->demand,
          tachyon_publisher_subscribers (session->handle),
          gst_tachyon_sender_has_own_layout (session->sender)))
    return;

  GST_INFO_OBJECT (session->element, "subscribers need something else");
  gst_pad_push_event (GST_BASE_SINK_PAD (session->element),
      gst_event_new_reconfigure ());
}

static void
take_event (GstTachyonSession *session, const struct tachyon_notice *notice)
{
  GstTachyonNeeds needs;

  if (notice->event.type != MESSAGE_NEEDS) {
    gst_tachyon_upstream_take (session, notice);
    return;
  }
  if (!gst_tachyon_needs_decode (&notice->event, &needs)) {
    GST_DEBUG_OBJECT (session->element, "needs that make no sense");
    return;
  }

  GST_DEBUG_OBJECT (session->element,
      "subscriber %" G_GUINT64_FORMAT " needs min-buffers %u, align %u, "
      "%svideo meta, caps \"%s\"",
      (guint64) notice->subscriber, needs.min_buffers, needs.align,
      needs.no_video_meta ? "no " : "", needs.wish);
  gst_tachyon_demand_set (session->demand, notice->subscriber, &needs);
  gst_tachyon_audience_reconsider (session);
}

void
gst_tachyon_audience_handle_notice (const struct tachyon_notice *notice,
    gpointer user_data)
{
  GstTachyonSession *const session = user_data;
  GstElement *const element = session->element;
  const guint64 id = notice->subscriber;

  switch (notice->type) {
    case TACHYON_NOTICE_JOINED:
      GST_INFO_OBJECT (element,
          "subscriber %" G_GUINT64_FORMAT ", process %u, "
          "joined",
          id, notice->pid);
      ask_for_key_unit (session, notice->subscriber);
      tell (session, SIGNAL_CLIENT_CONNECTED, notice);
      break;
    case TACHYON_NOTICE_LEFT:
      GST_INFO_OBJECT (element,
          "subscriber %" G_GUINT64_FORMAT ", process %u, "
          "left (%d)",
          id, notice->pid, notice->end);
      gst_tachyon_demand_forget (session->demand, notice->subscriber);
      gst_tachyon_audience_reconsider (session);
      tell (session, SIGNAL_CLIENT_DISCONNECTED, notice);
      break;
    case TACHYON_NOTICE_EVENT:
      take_event (session, notice);
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
