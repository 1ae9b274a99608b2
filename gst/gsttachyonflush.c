/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a sink tells of its flushes.
 */
#include "gsttachyonflush.h"

#include <string.h>

#include "gsttachyonrequest.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

static void
set_marker (GstTachyonFlush *self, struct tachyon_publisher *publisher)
{
  struct tachyon_event marker;
  gint ret;

  gst_tachyon_flush_encode (&self->message, TRUE, &marker);
  ret = tachyon_publisher_send_event (publisher, &marker);
  if (ret < 0)
    GST_WARNING ("subscribers miss a flush: %s", tachyon_strerror (ret));
}

/* A number that another sink, or this one started anew, does not have. */
static guint64
make_session (void)
{
  guint64 session;

  do
    session = ((guint64) g_random_int () << 32) | g_random_int ();
  while (session == 0);
  return session;
}

void
gst_tachyon_flush_init (GstTachyonFlush *self,
    struct tachyon_publisher *publisher)
{
  memset (self, 0, sizeof *self);
  g_mutex_init (&self->lock);
  self->message.session = make_session ();
  set_marker (self, publisher);
}

void
gst_tachyon_flush_clear (GstTachyonFlush *self)
{
  g_mutex_clear (&self->lock);
}

void
gst_tachyon_flush_begin (GstTachyonFlush *self,
    struct tachyon_publisher *publisher)
{
  struct tachyon_event event;
  gint ret = 0;

  g_mutex_lock (&self->lock);
  if (!self->is_begun) {
    self->is_begun = TRUE;
    self->message.count++;
    self->message.reset_time = 0;
    gst_tachyon_flush_encode (&self->message, FALSE, &event);
    /* Never waits. Who does not get it flushes at the marker. */
    ret = tachyon_publisher_send_urgent (publisher, 0, &event);
  }
  g_mutex_unlock (&self->lock);
  if (ret < 0)
    GST_DEBUG ("a flush comes late for some: %s", tachyon_strerror (ret));
}

void
gst_tachyon_flush_end (GstTachyonFlush *self,
    struct tachyon_publisher *publisher, gboolean reset_time)
{
  g_mutex_lock (&self->lock);
  if (!self->is_begun)
    self->message.count++;
  self->is_begun = FALSE;
  self->message.reset_time = reset_time ? 1 : 0;
  set_marker (self, publisher);
  g_mutex_unlock (&self->lock);
}
