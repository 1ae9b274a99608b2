/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A struct tachyon_publisher that can be closed while others still hold it.
 */
#include "gsttachyonpublisher.h"

struct _GstTachyonPublisher
{
  gatomicrefcount ref_count;

  /* Guards what follows; held across no call of the library that may wait. */
  GMutex lock;
  GCond cond;
  struct tachyon_publisher *publisher;
  guint users;
  /* of those, threads that wait for a block */
  guint waiters;
  /* calls of cancel that no resume has met */
  guint canceled;
  gboolean flushing;

  /* called after a wait, which may have met what is for others */
  GstTachyonPublisherFunc met;
  gpointer met_data;
};

GstTachyonPublisher *
gst_tachyon_publisher_new (struct tachyon_publisher *publisher)
{
  GstTachyonPublisher *self = g_new0 (GstTachyonPublisher, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->publisher = publisher;

  return self;
}

GstTachyonPublisher *
gst_tachyon_publisher_ref (GstTachyonPublisher *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
gst_tachyon_publisher_unref (GstTachyonPublisher *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  gst_tachyon_publisher_close (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

struct tachyon_publisher *
gst_tachyon_publisher_enter (GstTachyonPublisher *self)
{
  struct tachyon_publisher *publisher;

  g_mutex_lock (&self->lock);
  publisher = self->publisher;
  if (publisher)
    self->users++;
  g_mutex_unlock (&self->lock);

  return publisher;
}

void
gst_tachyon_publisher_leave (GstTachyonPublisher *self)
{
  g_mutex_lock (&self->lock);
  if (--self->users == 0)
    g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_tachyon_publisher_set_met (GstTachyonPublisher *self,
    GstTachyonPublisherFunc met, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->met = met;
  self->met_data = user_data;
  g_mutex_unlock (&self->lock);
}

/* Returns: FALSE when the wait is over for good. */
static gboolean
wait_for_block (GstTachyonPublisher *self, struct tachyon_publisher *publisher)
{
  gboolean go_on;

  g_mutex_lock (&self->lock);
  while (self->canceled && !self->flushing)
    g_cond_wait (&self->cond, &self->lock);
  go_on = !self->flushing;
  if (go_on)
    self->waiters++;
  g_mutex_unlock (&self->lock);

  if (!go_on)
    return FALSE;

  tachyon_publisher_wait (publisher, -1);

  g_mutex_lock (&self->lock);
  if (self->met)
    self->met (self->met_data);
  if (--self->waiters == 0)
    g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  return TRUE;
}

static void
reclaim_all (struct tachyon_publisher *publisher)
{
  GstBuffer *buffer;

  while ((buffer = tachyon_publisher_reclaim (publisher)))
    gst_buffer_unref (buffer);
}

gint
gst_tachyon_publisher_acquire (GstTachyonPublisher *self, gsize size,
    struct tachyon_frame *frame)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self);
  gint ret;

  if (!publisher)
    return TACHYON_ERR_CANCELED;

  while ((ret = tachyon_publisher_acquire (publisher, size, frame)) ==
      TACHYON_ERR_AGAIN) {
    /* What subscribers gave back may be held by buffers whose cookies nobody
     * has taken yet, since the sink is paused: look before each sleep. */
    reclaim_all (publisher);
    ret = tachyon_publisher_acquire (publisher, size, frame);
    if (ret != TACHYON_ERR_AGAIN)
      break;

    if (!wait_for_block (self, publisher)) {
      ret = TACHYON_ERR_CANCELED;
      break;
    }
  }

  gst_tachyon_publisher_leave (self);
  return ret;
}

void
gst_tachyon_publisher_configure (GstTachyonPublisher *self, gsize size)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self);

  if (!publisher)
    return;

  if (size > 0)
    tachyon_publisher_configure (publisher, size, 0);
  gst_tachyon_publisher_leave (self);
}

void
gst_tachyon_publisher_drain (GstTachyonPublisher *self)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self);

  if (!publisher)
    return;

  reclaim_all (publisher);
  gst_tachyon_publisher_leave (self);
}

void
gst_tachyon_publisher_cancel (GstTachyonPublisher *self)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self);

  if (!publisher)
    return;

  g_mutex_lock (&self->lock);
  self->canceled++;
  tachyon_publisher_cancel (publisher);
  g_mutex_unlock (&self->lock);

  gst_tachyon_publisher_leave (self);
}

void
gst_tachyon_publisher_resume (GstTachyonPublisher *self)
{
  struct tachyon_publisher *const publisher =
      gst_tachyon_publisher_enter (self);

  if (!publisher)
    return;

  /* Who waits for a block holds no lock of the sink's, and may have slept all
   * through unlock() and unlock_stop(): a flush must not pass it by. */
  g_mutex_lock (&self->lock);
  while (self->flushing && self->waiters > 0)
    g_cond_wait (&self->cond, &self->lock);

  if (self->canceled > 0)
    self->canceled--;
  if (self->canceled == 0)
    tachyon_publisher_resume (publisher);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_tachyon_publisher_leave (self);
}

void
gst_tachyon_publisher_set_flushing (GstTachyonPublisher *self,
    gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_tachyon_publisher_is_flushing (GstTachyonPublisher *self)
{
  gboolean flushing;

  g_mutex_lock (&self->lock);
  flushing = self->flushing || !self->publisher;
  g_mutex_unlock (&self->lock);

  return flushing;
}

gboolean
gst_tachyon_publisher_is_closed (GstTachyonPublisher *self)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->publisher == NULL;
  g_mutex_unlock (&self->lock);

  return closed;
}

/* Subscribers go on reading what they have. A pool does not hand a buffer with
 * this flag out again: upstream, which still runs, must not draw into it. */
static void
abandon_all (struct tachyon_publisher *publisher)
{
  GstBuffer *buffer;

  while ((buffer = tachyon_publisher_reclaim (publisher))) {
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_TAG_MEMORY);
    gst_buffer_unref (buffer);
  }
}

void
gst_tachyon_publisher_close (GstTachyonPublisher *self)
{
  struct tachyon_publisher *publisher;

  gst_tachyon_publisher_set_flushing (self, TRUE);
  gst_tachyon_publisher_cancel (self);

  g_mutex_lock (&self->lock);
  publisher = self->publisher;
  /* From here on nobody enters; those inside leave, since waits are over. */
  self->publisher = NULL;
  while (self->users > 0)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);

  if (!publisher)
    return;

  tachyon_publisher_shutdown (publisher);
  abandon_all (publisher);
  tachyon_publisher_destroy (publisher);
}
