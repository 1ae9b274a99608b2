/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The thread that lets subscribers join and leave, and tells of what they do.
 *
 * It sleeps on the publisher's descriptor, which subscribers that come and go
 * make readable, and frames that come back only when it asked for that.
 */
#include "gsttachyonservice.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Without a buffer for so long, upstream may be waiting for one. */
#define QUIET_MS 5

struct _GstTachyonService
{
  struct tachyon_publisher *publisher;
  GstTachyonNoticeFunc func;
  gpointer user_data;

  GThread *thread;
  /* calls the thread out of its sleep */
  gint bell;
  /* atomic */
  gint idle;
  gint watchful;
  gint stopping;
  /* goes up with each buffer: atomic */
  gint beats;
  /* the thread's own: no buffer came in a while, with so many beats */
  gboolean is_quiet;
  gint quiet_beats;

  /* Taking a notice and lining it up are one step: their order is kept. */
  GMutex lock;
  /* struct tachyon_notice, each with data of its own */
  GQueue notices;
};

static void
free_notice (struct tachyon_notice *notice)
{
  g_free ((gpointer) notice->event.data);
  g_free (notice);
}

/* Returns: whether there was one. */
static gboolean
collect (GstTachyonService *self)
{
  struct tachyon_notice notice, *copy;
  gboolean found = FALSE;

  g_mutex_lock (&self->lock);
  while (tachyon_publisher_next_notice (self->publisher, &notice) == 1) {
    copy = g_memdup2 (&notice, sizeof (notice));
    copy->event.data = g_memdup2 (notice.event.data, notice.event.size);
    g_queue_push_tail (&self->notices, copy);
    found = TRUE;
  }
  g_mutex_unlock (&self->lock);

  return found;
}

static struct tachyon_notice *
next_notice (GstTachyonService *self)
{
  struct tachyon_notice *notice;

  g_mutex_lock (&self->lock);
  notice = g_queue_pop_head (&self->notices);
  g_mutex_unlock (&self->lock);

  return notice;
}

static void
serve (GstTachyonService *self)
{
  struct tachyon_notice *notice;
  GstBuffer *buffer;

  tachyon_publisher_dispatch (self->publisher);
  while ((buffer = tachyon_publisher_reclaim (self->publisher)))
    gst_buffer_unref (buffer);

  collect (self);
  while ((notice = next_notice (self))) {
    self->func (notice, self->user_data);
    free_notice (notice);
  }
}

static void
ring (GstTachyonService *self)
{
  eventfd_write (self->bell, 1);
}

/* Whether it is time to be woken by what comes back. */
static gboolean
wants_returns (GstTachyonService *self)
{
  if (g_atomic_int_get (&self->idle))
    return TRUE;
  self->is_quiet = self->is_quiet && g_atomic_int_get (&self->watchful) &&
      g_atomic_int_get (&self->beats) == self->quiet_beats;

  return self->is_quiet;
}

static void
sleep_until_called (GstTachyonService *self)
{
  const gint beats = g_atomic_int_get (&self->beats);
  const gboolean is_armed = wants_returns (self);
  const gboolean is_timed = !is_armed && g_atomic_int_get (&self->watchful);
  struct pollfd fds[] = {
    { .fd = tachyon_publisher_fd (self->publisher), .events = POLLIN },
    { .fd = self->bell, .events = POLLIN },
  };
  eventfd_t count;

  if (is_armed && tachyon_publisher_prepare (self->publisher) > 0)
    return;

  /* Whatever ends it, an interruption too, is reason enough to look. */
  if (poll (fds, G_N_ELEMENTS (fds), is_timed ? QUIET_MS : -1) == 0) {
    self->is_quiet = TRUE;
    self->quiet_beats = beats;
  }
  if (fds[1].revents)
    eventfd_read (self->bell, &count);
}

static gpointer
run (gpointer data)
{
  GstTachyonService *const self = data;

  while (!g_atomic_int_get (&self->stopping)) {
    serve (self);
    sleep_until_called (self);
  }

  return NULL;
}

GstTachyonService *
gst_tachyon_service_new (struct tachyon_publisher *publisher,
    GstTachyonNoticeFunc func, gpointer user_data)
{
  GstTachyonService *const self = g_new0 (GstTachyonService, 1);

  g_mutex_init (&self->lock);
  self->publisher = publisher;
  self->func = func;
  self->user_data = user_data;
  self->idle = TRUE;

  self->bell = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->bell < 0)
    goto failed;

  self->thread = g_thread_try_new ("tachyon-service", run, self, NULL);
  if (!self->thread)
    goto failed;

  return self;

failed:
  gst_tachyon_service_free (self);
  return NULL;
}

void
gst_tachyon_service_free (GstTachyonService *self)
{
  if (!self)
    return;

  if (self->thread) {
    g_atomic_int_set (&self->stopping, TRUE);
    ring (self);
    g_thread_join (self->thread);
  }
  if (self->bell >= 0)
    close (self->bell);
  g_queue_clear_full (&self->notices, (GDestroyNotify) free_notice);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
gst_tachyon_service_set_idle (GstTachyonService *self, gboolean idle)
{
  const gint was_idle = g_atomic_int_get (&self->idle);

  g_atomic_int_inc (&self->beats);
  if (was_idle == idle)
    return;

  g_atomic_int_set (&self->idle, idle);
  if (idle)
    ring (self);
}

void
gst_tachyon_service_set_watchful (GstTachyonService *self, gboolean watchful)
{
  if (g_atomic_int_get (&self->watchful) == watchful)
    return;

  g_atomic_int_set (&self->watchful, watchful);
  ring (self);
}

void
gst_tachyon_service_collect (GstTachyonService *self)
{
  if (collect (self))
    ring (self);
}
