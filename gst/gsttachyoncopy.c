/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sends buffers that are in memory of others, by one copy: the library's, or
 * ours where a buffer has several memories.
 */
#include "gsttachyoncopy.h"

#include "gsttachyonsender.h"

void
gst_tachyon_copy_clear (GstTachyonCopy *self)
{
  tachyon_frame_release (&self->block);
  gst_clear_buffer (&self->of);
}

static gint
send_mapped (struct tachyon_publisher *publisher, GstBuffer *buffer,
    struct tachyon_frame *frame)
{
  GstMapInfo map;
  gint ret;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_TACHYON_SENDER_UNREADABLE;

  frame->data = map.data;
  frame->size = map.size;
  ret = tachyon_publisher_send (publisher, frame);
  gst_buffer_unmap (buffer, &map);

  return ret;
}

static gint
make_copy (GstTachyonCopy *self, struct tachyon_publisher *publisher,
    GstBuffer *buffer, gsize size, gsize block_size)
{
  gint ret;

  if (self->of == buffer)
    return 0;

  gst_tachyon_copy_clear (self);
  ret = tachyon_publisher_acquire (publisher, block_size, &self->block);
  if (ret < 0)
    return ret;

  if (gst_buffer_extract (buffer, 0, self->block.data, size) != size) {
    gst_tachyon_copy_clear (self);
    return GST_TACHYON_SENDER_UNREADABLE;
  }

  gst_buffer_replace (&self->of, buffer);
  g_atomic_pointer_add (&self->count, 1);

  return 0;
}

/* Several pieces into one block of our own choice. Mapping such a buffer would
 * copy it, and the library would copy it again. */
static gint
send_gathered (GstTachyonCopy *self, struct tachyon_publisher *publisher,
    GstBuffer *buffer, gsize block_size, struct tachyon_frame *frame)
{
  const gsize size = gst_buffer_get_size (buffer);
  gint ret;

  if (tachyon_publisher_subscribers (publisher) == 0)
    return 0;

  ret = make_copy (self, publisher, buffer, size, block_size);
  if (ret < 0)
    return ret;

  frame->data = self->block.data;
  frame->size = size;
  frame->block = self->block.block;
  ret = tachyon_publisher_publish (publisher, frame, NULL);
  if (ret != TACHYON_ERR_AGAIN)
    gst_tachyon_copy_clear (self);

  return ret;
}

gint
gst_tachyon_copy_send (GstTachyonCopy *self,
    struct tachyon_publisher *publisher, GstBuffer *buffer,
    gint64 min_memory_size, struct tachyon_frame *frame)
{
  const gsize size = gst_buffer_get_size (buffer);

  if (size == 0)
    return tachyon_publisher_send (publisher, frame);
  if (min_memory_size < 0)
    return GST_TACHYON_SENDER_NO_COPY;
  if (gst_buffer_n_memory (buffer) == 1 && (guint64) min_memory_size <= size)
    return send_mapped (publisher, buffer, frame);

  return send_gathered (self, publisher, buffer,
      MAX ((guint64) min_memory_size, size), frame);
}
