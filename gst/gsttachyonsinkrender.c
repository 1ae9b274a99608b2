/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink's streaming thread does: send, and wait for subscribers.
 */
#include "gsttachyonaudience.h"
#include "gsttachyonsinkerror.h"
#include "gsttachyonsinkprivate.h"

/* What the base class means by it. */
#define FLOW_STEP GST_FLOW_CUSTOM_ERROR

/* Sleep until a subscriber makes room, or comes, or goes. */
static GstFlowReturn
wait_for_change (GstTachyonSink *self)
{
  const gint ret = tachyon_publisher_wait (self->session->handle, -1);
  GstFlowReturn flow;

  /* What we met on the way, such as a subscriber that left, the service's sleep
   * may have missed. */
  gst_tachyon_service_collect (self->session->service);
  if (ret != TACHYON_ERR_CANCELED)
    return GST_FLOW_OK;

  /* unlock() woke us: a flush or a state change, which decides what follows. A
   * step is not taken while a buffer is half sent: it waits for PLAYING. */
  if (self->is_corked)
    tachyon_publisher_uncork (self->session->handle);
  do {
    flow = gst_base_sink_wait_preroll (GST_BASE_SINK (self));
  } while (flow == FLOW_STEP);
  if (self->is_corked)
    tachyon_publisher_cork (self->session->handle);

  return flow;
}

static gint
send_buffer (GstTachyonSink *self, GstBuffer *buffer)
{
  GstTachyonSession *const session = self->session;
  gboolean wait_for_connection;
  gint64 min_memory_size;
  guint64 newest;
  gint ret;

  GST_OBJECT_LOCK (self);
  wait_for_connection = self->settings.wait_for_connection;
  min_memory_size = self->settings.min_memory_size;
  GST_OBJECT_UNLOCK (self);

  ret = gst_tachyon_sender_send_queued (session->sender);
  if (ret < 0)
    return ret;

  ret = gst_tachyon_sender_send_clock (session->sender, GST_ELEMENT (self),
      gst_tachyon_sink_latency_get (&self->latency, GST_BASE_SINK (self)));
  if (ret < 0)
    return ret;

  if (wait_for_connection &&
      tachyon_publisher_subscribers (session->handle) == 0)
    return TACHYON_ERR_AGAIN;

  /* Before it is sent: who joins meanwhile may have got it, or not. */
  newest = tachyon_publisher_newest (session->handle);
  ret =
      gst_tachyon_sender_send_buffer (session->sender, buffer, min_memory_size);
  if (ret > 0)
    gst_tachyon_key_unit_serve (&session->key_unit, buffer, newest);

  return ret;
}

/* Who cannot use planes in other places may have said so before there were any. */
static void
note_layout (GstTachyonSink *self)
{
  const gboolean has_own_layout =
      gst_tachyon_sender_has_own_layout (self->session->sender);

  if (has_own_layout == self->had_own_layout)
    return;
  self->had_own_layout = has_own_layout;
  gst_tachyon_audience_reconsider (self->session);
}

GstFlowReturn
gst_tachyon_sink_render (GstBaseSink *bsink, GstBuffer *buffer)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (bsink);
  GstTachyonNewest *const newest = self->session->newest;
  gint ret;

  gst_tachyon_service_set_idle (self->session->service, FALSE);
  gst_tachyon_key_unit_pass (&self->session->key_unit, buffer);

  /* Subscribers first, but those that are slow do not hold the stream up. */
  ret = send_buffer (self, buffer);
  if (newest && !gst_tachyon_newest_write (newest, buffer))
    return GST_FLOW_ERROR;

  while (ret == TACHYON_ERR_AGAIN) {
    const GstFlowReturn flow = wait_for_change (self);

    if (flow != GST_FLOW_OK)
      return flow;
    ret = send_buffer (self, buffer);
  }
  gst_tachyon_service_collect (self->session->service);
  note_layout (self);

  if (ret < 0) {
    gst_tachyon_sink_error_post_send (GST_ELEMENT (self),
        gst_buffer_get_size (buffer), ret);
    return GST_FLOW_ERROR;
  }

  return GST_FLOW_OK;
}

GstFlowReturn
gst_tachyon_sink_render_list (GstBaseSink *bsink, GstBufferList *list)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (bsink);
  struct tachyon_publisher *const publisher = self->session->handle;
  const guint length = gst_buffer_list_length (list);
  GstFlowReturn flow = GST_FLOW_OK;
  guint i;

  /* Subscribers are woken once, for all of it; or, where there is no room for
   * all, once for each part. */
  tachyon_publisher_cork (publisher);
  self->is_corked = TRUE;
  for (i = 0; i < length && flow == GST_FLOW_OK; i++)
    flow = gst_tachyon_sink_render (bsink, gst_buffer_list_get (list, i));
  self->is_corked = FALSE;
  tachyon_publisher_uncork (publisher);

  return flow;
}

gboolean
gst_tachyon_sink_send (GstTachyonSink *self, GstEvent *event, gboolean may_wait)
{
  GstTachyonSender *const sender = self->session->sender;

  gst_tachyon_sender_queue_event (sender, event);

  while (gst_tachyon_sender_send_queued (sender) == TACHYON_ERR_AGAIN &&
      may_wait) {
    if (wait_for_change (self) != GST_FLOW_OK)
      return FALSE;
  }

  return TRUE;
}
