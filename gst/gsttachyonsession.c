/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink has from READY to PAUSED and back.
 */
#include "gsttachyonsession.h"

#include <string.h>
#include <sys/stat.h>

#include "gsttachyondmabuf.h"
#include "gsttachyonsinkerror.h"
#include "gsttachyontext.h"

/* The library's limit on payload memory where none is given. */
#define DEFAULT_MAX_BYTES (G_GUINT64_CONSTANT (1) << 30)

/* Returns: (transfer full): NULL after an error was posted. */
static struct tachyon_publisher *
create_publisher (GstElement *element, const GstTachyonSinkSettings *settings)
{
  gchar *const address = gst_tachyon_sink_settings_get_address (settings);
  const struct tachyon_publisher_options options = {
    .size = sizeof (options),
    .policy = gst_tachyon_sink_settings_get_policy (settings),
    .max_buffers = settings->max_buffers,
    /* Asking for more than the library's limit raises it. */
    .max_bytes =
        settings->shm_size > DEFAULT_MAX_BYTES ? settings->shm_size : 0,
    .access.perms = settings->perms,
    /* Who opens the file to others means it. An abstract name has no file. */
    .access.any_uid = address && address[0] != '@' &&
        (settings->perms & (S_IWGRP | S_IWOTH)) != 0,
  };
  struct tachyon_publisher *publisher = NULL;
  gint ret;

  if (!address && settings->fd < 0) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
        ("No address to listen at: set the property socket-path."), (NULL));
    return NULL;
  }

  ret = tachyon_publisher_create (address, &options, &publisher);
  if (ret < 0)
    gst_tachyon_sink_error_post_listen (element, address, ret);
  g_free (address);

  return publisher;
}

/* Returns: FALSE after an error was posted. */
static gboolean
adopt (struct tachyon_publisher *publisher, GstElement *element, gint fd)
{
  const gint ret = fd >= 0 ? tachyon_publisher_adopt (publisher, fd) : 0;

  if (ret < 0)
    gst_tachyon_sink_error_post_adopt (element, fd, ret);
  return ret == 0;
}

/* Returns: FALSE after an error was posted. */
static gboolean
create_newest (GstTachyonSession *self, GstElement *element,
    const GstTachyonSinkSettings *settings)
{
  const gchar *const name = settings->stream_name;

  if (!name || !*name)
    return TRUE;

  self->newest = gst_tachyon_newest_new (element, name);
  return self->newest != NULL;
}

static void
collect (gpointer service)
{
  gst_tachyon_service_collect (service);
}

GstTachyonSession *
gst_tachyon_session_open (GstElement *element,
    const GstTachyonSinkSettings *settings, GstTachyonNoticeFunc notice)
{
  struct tachyon_publisher *const handle = create_publisher (element, settings);
  GstTachyonSession *self;

  if (!handle)
    return NULL;

  self = g_atomic_rc_box_new0 (GstTachyonSession);
  self->element = element;
  gst_tachyon_key_unit_init (&self->key_unit);
  self->demand = gst_tachyon_demand_new ();
  self->handle = handle;
  self->publisher = gst_tachyon_publisher_new (handle);
  self->answers = gst_tachyon_answers_new (self->publisher);
  gst_tachyon_flush_init (&self->flush, handle);
  self->allocator = gst_tachyon_allocator_new (self->publisher);
  self->sender =
      gst_tachyon_sender_new (handle, GST_TACHYON_ALLOCATOR (self->allocator));
  if (!adopt (handle, element, settings->fd) ||
      !create_newest (self, element, settings))
    goto failed;

  self->service = gst_tachyon_service_new (handle, notice, self);
  if (!self->service) {
    GST_ELEMENT_ERROR (element, RESOURCE, FAILED,
        ("Could not start a thread for subscribers."), (NULL));
    goto failed;
  }
  gst_tachyon_publisher_set_met (self->publisher, collect, self->service);

  return self;

failed:
  gst_tachyon_session_unref (self);
  return NULL;
}

static gboolean
can_be_told (const GstCaps *caps)
{
  gchar *const string = gst_caps_to_string (caps);
  const gboolean fits = strlen (string) <= GST_TACHYON_CAPS_MAX;

  g_free (string);
  return fits;
}

gboolean
gst_tachyon_session_set_caps (GstTachyonSession *self, GstElement *element,
    const GstCaps *caps, guint64 shm_size)
{
  gint ret;

  if (!can_be_told (caps)) {
    GST_ELEMENT_ERROR (element, STREAM, FORMAT,
        ("The description of this format is too long to send."), (NULL));
    return FALSE;
  }

  ret = gst_tachyon_sender_configure (self->sender, caps, shm_size);
  if (ret < 0) {
    GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT,
        ("No shared memory for this format: %s.", tachyon_strerror (ret)),
        ("%" GST_PTR_FORMAT, caps));
    return FALSE;
  }

  gst_tachyon_service_set_watchful (self->service,
      gst_tachyon_dmabuf_is_in_caps (caps));
  gst_tachyon_demand_set_caps (self->demand, (GstCaps *) caps);
  gst_tachyon_key_unit_begin (&self->key_unit);
  return !self->newest || gst_tachyon_newest_set_caps (self->newest, caps);
}

void
gst_tachyon_session_close (GstTachyonSession *self)
{
  if (!self->handle)
    return;

  gst_tachyon_publisher_set_met (self->publisher, NULL, NULL);
  g_clear_pointer (&self->service, gst_tachyon_service_free);

  gst_tachyon_session_get_figures (self, &self->figures);
  self->figures.publisher.subscribers = 0;
  self->figures.publisher.queued = 0;
  self->figures.client_count = 0;

  /* Nobody is inside any more when this returns. */
  gst_tachyon_publisher_close (self->publisher);
  g_clear_pointer (&self->sender, gst_tachyon_sender_free);
  g_clear_pointer (&self->newest, gst_tachyon_newest_free);
  self->handle = NULL;
}

GstTachyonSession *
gst_tachyon_session_ref (GstTachyonSession *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  GstTachyonSession *const self = data;

  gst_tachyon_session_close (self);
  gst_tachyon_demand_free (self->demand);
  gst_tachyon_key_unit_clear (&self->key_unit);
  gst_object_unref (self->allocator);
  gst_tachyon_answers_unref (self->answers);
  gst_tachyon_flush_clear (&self->flush);
  gst_tachyon_publisher_unref (self->publisher);
}

void
gst_tachyon_session_unref (GstTachyonSession *self)
{
  if (self)
    g_atomic_rc_box_release_full (self, clear);
}

void
gst_tachyon_session_propose_needs (GstTachyonSession *self,
    GstTachyonNeeds *needs)
{
  struct tachyon_publisher *const handle =
      gst_tachyon_publisher_enter (self->publisher);

  gst_tachyon_demand_propose (self->demand, needs);
  if (!handle)
    return;

  /* Subscribers that are no elements say this much. */
  needs->min_buffers =
      MAX (needs->min_buffers, tachyon_publisher_need (handle));
  gst_tachyon_publisher_leave (self->publisher);
}

void
gst_tachyon_session_update_policy (GstTachyonSession *self,
    const GstTachyonSinkSettings *settings)
{
  struct tachyon_publisher *const handle =
      gst_tachyon_publisher_enter (self->publisher);

  if (!handle)
    return;

  tachyon_publisher_set_policy (handle,
      gst_tachyon_sink_settings_get_policy (settings), settings->max_buffers);
  gst_tachyon_publisher_leave (self->publisher);
}

void
gst_tachyon_session_get_figures (GstTachyonSession *self,
    GstTachyonFigures *figures)
{
  struct tachyon_publisher *const handle =
      gst_tachyon_publisher_enter (self->publisher);

  if (!handle) {
    *figures = self->figures;
    return;
  }

  gst_tachyon_figures_take (figures, handle, self->sender);
  figures->stream_frames = gst_tachyon_newest_get_written (self->newest);
  figures->stream_skipped = gst_tachyon_newest_get_skipped (self->newest);
  gst_tachyon_publisher_leave (self->publisher);
}
