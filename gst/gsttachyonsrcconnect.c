/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How the source's streaming thread finds a producer, and what follows when it is
 * gone.
 */
#include "gsttachyonsrcerror.h"
#include "gsttachyonsrcprivate.h"
#include "gsttachyontime.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

/* Between attempts at a producer that hangs up without a word. */
#define RETRY_PAUSE (100 * GST_MSECOND)

static void
post_reconnected (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  gchar *address = gst_tachyon_src_describe_peer (self);
  gboolean is_open;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("reconnected", "socket-path", G_TYPE_STRING,
              address, "connects", G_TYPE_UINT64, stats.connects, NULL)));
  g_free (address);
}

/* What the last producer said is over. */
static void
begin_connection (GstTachyonSrc *self, gboolean is_first)
{
  self->is_connected = TRUE;
  self->has_received = FALSE;
  self->connecting_since = GST_CLOCK_TIME_NONE;
  gst_tachyon_control_reset (&self->control);
  gst_tachyon_src_needs_begin (&self->needs);
  gst_tachyon_src_refusal_clear (&self->refusal);
  if (is_first)
    return;

  self->is_discont = TRUE;
  gst_tachyon_timeline_restart (&self->timeline);
  gst_tachyon_receiver_reset (self->receiver);
  post_reconnected (self);
}

/* Returns: what is left of connection-timeout, negative for ever, or 0 */
static gint64
connection_time_left (GstTachyonSrc *self)
{
  const GstClockTime now = gst_tachyon_time_monotonic ();
  GstClockTime timeout;

  GST_OBJECT_LOCK (self);
  timeout = self->settings.connection_timeout;
  GST_OBJECT_UNLOCK (self);

  if (timeout == 0)
    return -1;
  if (!GST_CLOCK_TIME_IS_VALID (self->connecting_since))
    self->connecting_since = now;
  return MAX ((gint64) (self->connecting_since + timeout - now), 0);
}

static GstFlowReturn
fail_to_connect (GstTachyonSrc *self, gint error)
{
  gchar *address = gst_tachyon_src_describe_peer (self);

  gst_tachyon_src_error_post_connect (GST_ELEMENT (self), address, error);
  g_free (address);
  return GST_FLOW_ERROR;
}

/* A descriptor that was given is a producer once; then there is the address. */
static gint
find_producer (GstTachyonSrc *self)
{
  const gint64 timeout = connection_time_left (self);
  gint fd;

  GST_OBJECT_LOCK (self);
  fd = self->settings.fd;
  GST_OBJECT_UNLOCK (self);

  if (fd < 0 || self->has_used_fd)
    return tachyon_subscriber_connect (self->client.subscriber, timeout);
  self->has_used_fd = TRUE;
  return tachyon_subscriber_adopt (self->client.subscriber, fd, timeout);
}

static GstFlowReturn
try_to_connect (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  gboolean is_open;
  gint ret;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  GST_DEBUG_OBJECT (self, "connecting");
  ret = find_producer (self);
  switch (ret) {
    case 0:
      GST_INFO_OBJECT (self, "connected");
      begin_connection (self, stats.connects == 0);
      return GST_FLOW_OK;
    case TACHYON_ERR_CANCELED:
      return GST_FLOW_FLUSHING;
    case TACHYON_ERR_CLOSED:
      /* It left while we shook hands: another may come. */
      if (connection_time_left (self) == 0)
        return fail_to_connect (self, TACHYON_ERR_TIMEDOUT);
      return gst_tachyon_client_pause (&self->client, RETRY_PAUSE) ?
          GST_FLOW_OK :
          GST_FLOW_FLUSHING;
    case TACHYON_ERR_AGAIN:
      return fail_to_connect (self, TACHYON_ERR_TIMEDOUT);
    default:
      return fail_to_connect (self, ret);
  }
}

GstFlowReturn
gst_tachyon_src_connect (GstTachyonSrc *self)
{
  GstElement *element = GST_ELEMENT (self);
  gchar *address = gst_tachyon_src_describe_peer (self);
  GstFlowReturn flow;

  gst_tachyon_src_progress_wait (&self->progress, element, address);
  flow = try_to_connect (self);
  if (flow == GST_FLOW_FLUSHING)
    gst_tachyon_src_progress_end (&self->progress, element,
        GST_PROGRESS_TYPE_CANCELED, address);
  else if (flow != GST_FLOW_OK)
    gst_tachyon_src_progress_end (&self->progress, element,
        GST_PROGRESS_TYPE_ERROR, address);
  else if (self->is_connected)
    gst_tachyon_src_progress_end (&self->progress, element,
        GST_PROGRESS_TYPE_COMPLETE, address);
  else
    gst_tachyon_src_progress_retry (&self->progress, element, address);
  g_free (address);
  return flow;
}

/* A descriptor alone leads nowhere twice. */
static gboolean
can_reconnect (GstTachyonSrc *self)
{
  gchar *address = gst_tachyon_src_copy_address (self);
  const gboolean has_address = address != NULL;

  g_free (address);
  return has_address;
}

GstFlowReturn
gst_tachyon_src_end_connection (GstTachyonSrc *self)
{
  const enum tachyon_end end = tachyon_subscriber_end (self->client.subscriber);
  GstTachyonOnDisconnect on_disconnect;
  gchar *address;

  self->is_connected = FALSE;
  gst_tachyon_control_reset (&self->control);
  GST_OBJECT_LOCK (self);
  on_disconnect = self->settings.on_disconnect;
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "disconnected: %d", end);

  switch (on_disconnect) {
    case GST_TACHYON_ON_DISCONNECT_NONE:
      if (!can_reconnect (self))
        return GST_FLOW_EOS;
      /* A producer that accepts and hangs up must not have us spin. */
      if (!self->has_received &&
          !gst_tachyon_client_pause (&self->client, RETRY_PAUSE))
        return GST_FLOW_FLUSHING;
      return GST_FLOW_OK;
    case GST_TACHYON_ON_DISCONNECT_EOS:
      return GST_FLOW_EOS;
    case GST_TACHYON_ON_DISCONNECT_ERROR:
      break;
  }
  address = gst_tachyon_src_describe_peer (self);
  gst_tachyon_src_error_post_end (GST_ELEMENT (self), address, end);
  g_free (address);
  return GST_FLOW_ERROR;
}
