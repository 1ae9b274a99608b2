/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber behind a short lock: unlock(), upstream events and properties
 * come from any thread, at any time.
 */
#include "gsttachyonclient.h"
#include "gsttachyonevent.h"

#include <string.h>

void
gst_tachyon_client_init (GstTachyonClient *self)
{
  memset (self, 0, sizeof *self);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
}

void
gst_tachyon_client_clear (GstTachyonClient *self)
{
  gst_tachyon_client_close (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

gint
gst_tachyon_client_open (GstTachyonClient *self, const gchar *address,
    const struct tachyon_subscriber_options *options)
{
  struct tachyon_subscriber *subscriber;
  const gint ret = tachyon_subscriber_create (address, options, &subscriber);

  if (ret < 0)
    return ret;

  g_mutex_lock (&self->lock);
  self->subscriber = subscriber;
  memset (&self->last_stats, 0, sizeof self->last_stats);
  if (self->is_canceled)
    tachyon_subscriber_cancel (subscriber);
  g_mutex_unlock (&self->lock);
  return 0;
}

void
gst_tachyon_client_close (GstTachyonClient *self)
{
  struct tachyon_subscriber *subscriber;

  g_mutex_lock (&self->lock);
  subscriber = self->subscriber;
  self->subscriber = NULL;
  if (subscriber) {
    self->last_stats.size = sizeof self->last_stats;
    tachyon_subscriber_get_stats (subscriber, &self->last_stats);
  }
  g_mutex_unlock (&self->lock);

  tachyon_subscriber_destroy (subscriber);
}

void
gst_tachyon_client_cancel (GstTachyonClient *self, gboolean is_pause)
{
  g_mutex_lock (&self->lock);
  self->is_canceled = TRUE;
  if (!is_pause)
    self->must_leave = TRUE;
  if (self->subscriber)
    tachyon_subscriber_cancel (self->subscriber);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_client_resume (GstTachyonClient *self)
{
  g_mutex_lock (&self->lock);
  self->is_canceled = FALSE;
  self->must_leave = FALSE;
  if (self->subscriber)
    tachyon_subscriber_resume (self->subscriber);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_tachyon_client_resume_from_pause (GstTachyonClient *self)
{
  gboolean was_pause;

  g_mutex_lock (&self->lock);
  was_pause = self->is_canceled && !self->must_leave;
  if (was_pause) {
    self->is_canceled = FALSE;
    if (self->subscriber)
      tachyon_subscriber_resume (self->subscriber);
  }
  g_mutex_unlock (&self->lock);
  return was_pause;
}

gboolean
gst_tachyon_client_pause (GstTachyonClient *self, GstClockTime duration)
{
  const gint64 end =
      g_get_monotonic_time () + (gint64) GST_TIME_AS_USECONDS (duration);
  gboolean is_canceled;

  g_mutex_lock (&self->lock);
  while (
      !self->is_canceled && g_cond_wait_until (&self->cond, &self->lock, end))
    ;
  is_canceled = self->is_canceled;
  g_mutex_unlock (&self->lock);
  return !is_canceled;
}

gint
gst_tachyon_client_send_urgent (GstTachyonClient *self,
    const struct tachyon_event *event)
{
  gint ret = TACHYON_ERR_CLOSED;

  /* Sending never waits: the lock is held for a moment. */
  g_mutex_lock (&self->lock);
  if (self->subscriber)
    ret = tachyon_subscriber_send_urgent (self->subscriber, event);
  g_mutex_unlock (&self->lock);
  return ret;
}

static gint
send_in_ring (GstTachyonClient *self, const struct tachyon_event *event)
{
  gint ret = TACHYON_ERR_CLOSED;

  g_mutex_lock (&self->lock);
  if (self->subscriber)
    ret = tachyon_subscriber_send_event (self->subscriber, event);
  g_mutex_unlock (&self->lock);
  return ret;
}

gboolean
gst_tachyon_client_send_event (GstTachyonClient *self, GstEvent *event)
{
  GByteArray *bytes = g_byte_array_new ();
  struct tachyon_event out;
  gint ret = -EINVAL;

  if (gst_tachyon_event_encode (event, bytes, &out)) {
    ret = gst_tachyon_client_send_urgent (self, &out);
    if (ret == -ENOTSUP || ret == TACHYON_ERR_AGAIN)
      ret = send_in_ring (self, &out);
  }
  g_byte_array_unref (bytes);
  return ret == 0;
}

void
gst_tachyon_client_get_stats (GstTachyonClient *self,
    struct tachyon_subscriber_stats *stats, gboolean *is_open)
{
  g_mutex_lock (&self->lock);
  *is_open = self->subscriber != NULL;
  if (self->subscriber) {
    memset (stats, 0, sizeof *stats);
    stats->size = sizeof *stats;
    tachyon_subscriber_get_stats (self->subscriber, stats);
  } else {
    *stats = self->last_stats;
  }
  g_mutex_unlock (&self->lock);
}
