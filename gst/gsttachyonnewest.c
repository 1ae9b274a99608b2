/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The newest buffer as a stream.
 */
#include "gsttachyonnewest.h"

#include <string.h>

#include "gsttachyonarray.h"
#include "gsttachyonsinkerror.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

struct _GstTachyonNewest
{
  GstElement *element;
  gchar *name;

  GstTachyonFormat format;

  /* NULL where there is none: of no format, or it failed, or, of audio, before
   * the first buffer, which tells how many frames a buffer has */
  struct tachyon_stream *stream;
  struct tachyon_array array;
  gboolean is_ours;
  guint8 id[TACHYON_STREAM_ID_SIZE];

  /* a stream stood before: what fails now is a warning */
  gboolean has_begun;
  /* of this format: none is tried again, and once is enough */
  gboolean has_failed;
  gboolean has_warned;

  /* atomic */
  gsize written;
  gsize skipped;
};

GstTachyonNewest *
gst_tachyon_newest_new (GstElement *element, const gchar *name)
{
  struct tachyon_stream_info info = { .size = sizeof (info) };
  const gint ret = tachyon_stream_stat (name, &info);
  GstTachyonNewest *self;

  /* One that exists may be the right one, which the caps will tell. */
  if (ret < 0 && ret != -ENOENT) {
    gst_tachyon_sink_error_post_stream (element, GST_MESSAGE_ERROR, name, ret);
    return NULL;
  }

  self = g_new0 (GstTachyonNewest, 1);
  self->element = element;
  self->name = g_strdup (name);

  return self;
}

static void
close_stream (GstTachyonNewest *self)
{
  if (!self->stream)
    return;

  tachyon_stream_destroy (self->stream);
  self->stream = NULL;

  /* By its id: whoever took the name meanwhile keeps it. */
  if (self->is_ours)
    tachyon_stream_unlink (self->name, self->id);
}

void
gst_tachyon_newest_free (GstTachyonNewest *self)
{
  if (!self)
    return;

  close_stream (self);
  g_free (self->name);
  g_free (self);
}

/* --- opening --- */

/* What another left, or a program made for us, if it is the same array. */
static gint
take_over (GstTachyonNewest *self, const struct tachyon_array *array,
    struct tachyon_stream **stream)
{
  struct tachyon_stream_info info = { .size = sizeof (info) };
  const gint ret = tachyon_stream_open (self->name, NULL, stream);

  if (ret < 0)
    return ret;

  tachyon_stream_get_info (*stream, &info);
  if (info.device == TACHYON_DEVICE_CPU &&
      gst_tachyon_array_equal (&info.array, array))
    return 0;

  tachyon_stream_destroy (*stream);
  return -EEXIST;
}

static gint
open_stream (GstTachyonNewest *self, const struct tachyon_array *array)
{
  struct tachyon_stream_info info = { .size = sizeof (info) };
  struct tachyon_stream *stream;
  gint ret = tachyon_stream_create (self->name, array, NULL, &stream);

  self->is_ours = ret == 0;
  if (ret == -EEXIST)
    ret = take_over (self, array, &stream);
  if (ret < 0)
    return ret;

  tachyon_stream_get_info (stream, &info);
  memcpy (self->id, info.id, sizeof (self->id));
  self->array = *array;
  self->stream = stream;
  self->has_begun = TRUE;

  return 0;
}

/* What goes wrong after the start is told once and costs the stream only. */
static void
warn (GstTachyonNewest *self, gint error)
{
  if (!self->has_warned)
    gst_tachyon_sink_error_post_stream (self->element, GST_MESSAGE_WARNING,
        self->name, error);
  self->has_warned = TRUE;
}

static gboolean
begin (GstTachyonNewest *self, const struct tachyon_array *array)
{
  const gint ret = open_stream (self, array);

  if (ret == 0)
    return TRUE;

  self->has_failed = TRUE;
  if (self->has_begun) {
    warn (self, ret);
    return TRUE;
  }

  gst_tachyon_sink_error_post_stream (self->element, GST_MESSAGE_ERROR,
      self->name, ret);
  return FALSE;
}

gboolean
gst_tachyon_newest_set_caps (GstTachyonNewest *self, const GstCaps *caps)
{
  GstTachyonFormat format;
  struct tachyon_array array;

  gst_tachyon_format_from_caps (caps, &format);
  if (self->stream && gst_tachyon_format_equal (&format, &self->format))
    return TRUE;

  close_stream (self);
  self->format = format;
  self->has_failed = FALSE;
  self->has_warned = FALSE;

  /* How long audio is, its first buffer tells. */
  if (!gst_tachyon_array_from_format (&format, 0, &array))
    return TRUE;

  return begin (self, &array);
}

/* --- writing --- */

static gint
write_array (GstTachyonNewest *self, GstBuffer *buffer)
{
  const gsize size = gst_tachyon_array_size (&self->array);
  gpointer data;
  gint ret;

  ret = tachyon_stream_begin (self->stream, 0, &data);
  if (ret < 0)
    return ret;

  if (!gst_tachyon_array_copy (&self->format, buffer, data, size)) {
    tachyon_stream_rollback (self->stream);
    return GST_TACHYON_NEWEST_OTHER_SIZE;
  }

  return tachyon_stream_commit (self->stream);
}

static void
write_or_skip (GstTachyonNewest *self, GstBuffer *buffer)
{
  const gint ret = write_array (self, buffer);

  if (ret == 0) {
    g_atomic_pointer_add (&self->written, 1);
    return;
  }

  /* A reader that holds the lock has its reasons, and a pipeline no time. */
  if (ret != TACHYON_ERR_AGAIN)
    warn (self, ret);
  g_atomic_pointer_add (&self->skipped, 1);
}

static gboolean
begin_with (GstTachyonNewest *self, GstBuffer *buffer)
{
  struct tachyon_array array;

  if (gst_tachyon_array_from_format (&self->format,
          gst_buffer_get_size (buffer), &array))
    return begin (self, &array);

  warn (self, GST_TACHYON_NEWEST_NO_ARRAY);
  return TRUE;
}

gboolean
gst_tachyon_newest_write (GstTachyonNewest *self, GstBuffer *buffer)
{
  if (!self->stream && !self->has_failed && !begin_with (self, buffer))
    return FALSE;

  if (self->stream)
    write_or_skip (self, buffer);
  else
    g_atomic_pointer_add (&self->skipped, 1);

  return TRUE;
}

guint64
gst_tachyon_newest_get_written (GstTachyonNewest *self)
{
  return self ? g_atomic_pointer_get (&self->written) : 0;
}

guint64
gst_tachyon_newest_get_skipped (GstTachyonNewest *self)
{
  return self ? g_atomic_pointer_get (&self->skipped) : 0;
}
