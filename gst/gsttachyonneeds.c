/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a source's downstream needs of the producer: as it crosses.
 */
#include "gsttachyonneeds.h"

#include <string.h>

#include "gsttachyonwire.h"
#include "gsttachyonwish.h"

void
gst_tachyon_needs_clear (GstTachyonNeeds *self)
{
  g_free (self->wish);
  memset (self, 0, sizeof *self);
}

gboolean
gst_tachyon_needs_equal (const GstTachyonNeeds *self,
    const GstTachyonNeeds *other)
{
  return self->min_buffers == other->min_buffers &&
      self->align == other->align &&
      self->no_video_meta == other->no_video_meta &&
      g_strcmp0 (self->wish ? self->wish : "",
          other->wish ? other->wish : "") == 0;
}

void
gst_tachyon_needs_encode (const GstTachyonNeeds *self, GByteArray *bytes,
    struct tachyon_event *event)
{
  const struct needs_message message = {
    .min_buffers = self->min_buffers,
    .align = self->align,
    .flags = self->no_video_meta ? NEEDS_NO_VIDEO_META : 0,
  };
  const gchar *const wish = self->wish ? self->wish : "";

  g_byte_array_set_size (bytes, 0);
  g_byte_array_append (bytes, (const guint8 *) &message, sizeof message);
  g_byte_array_append (bytes, (const guint8 *) wish, strlen (wish));

  memset (event, 0, sizeof *event);
  event->type = MESSAGE_NEEDS;
  event->data = bytes->data;
  event->size = bytes->len;
}

gboolean
gst_tachyon_needs_decode (const struct tachyon_event *event,
    GstTachyonNeeds *self)
{
  struct needs_message message;
  const gchar *text;
  gsize length;

  if (event->type != MESSAGE_NEEDS || event->size < sizeof message)
    return FALSE;
  memcpy (&message, event->data, sizeof message);
  text = (const gchar *) event->data + sizeof message;
  length = event->size - sizeof message;
  if (length > GST_TACHYON_WISH_MAX || !g_utf8_validate (text, length, NULL))
    return FALSE;

  self->min_buffers = MIN (message.min_buffers, GST_TACHYON_NEEDS_BUFFERS_MAX);
  self->align = message.align & GST_TACHYON_NEEDS_ALIGN_MAX;
  /* A mask of low bits, all of them: 5 would be no alignment. */
  if (self->align & (self->align + 1))
    self->align = 0;
  self->no_video_meta = (message.flags & NEEDS_NO_VIDEO_META) != 0;
  self->wish = g_strndup (text, length);
  return TRUE;
}
