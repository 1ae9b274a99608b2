/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink sends: events, clock and buffers, as the publisher takes them.
 */
#include "gsttachyonsender.h"

#include <gst/video/video.h>

#include "gsttachyonevent.h"
#include "gsttachyonframe.h"
#include "gsttachyonpool.h"
#include "gsttachyontime.h"

GST_DEBUG_CATEGORY_EXTERN (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

struct _GstTachyonSender
{
  struct tachyon_publisher *publisher;
  GstTachyonAllocator *allocator;

  /* events that there was no room for yet */
  GQueue queue;
  GByteArray *bytes;

  /* the clock that was sent, and what it was made of: the pointer is compared,
   * never followed */
  struct tachyon_clock sent_clock;
  struct tachyon_clock clock;
  gconstpointer clock_object;
  GstClockTime clock_base_time;

  /* the layout that the caps alone imply, and the one that was announced;
   * plane_count is 0 where there is none */
  struct tachyon_layout default_layout;
  struct tachyon_layout layout;

  /* a copy that was made and could not be sent yet, and of what */
  struct tachyon_frame copy;
  GstBuffer *copy_of;

  /* atomic */
  gsize copied;
  gsize lost;
};

GstTachyonSender *
gst_tachyon_sender_new (struct tachyon_publisher *publisher,
    GstTachyonAllocator *allocator)
{
  GstTachyonSender *const self = g_new0 (GstTachyonSender, 1);

  self->publisher = publisher;
  self->allocator = allocator;
  self->bytes = g_byte_array_new ();
  self->clock.base_time = TACHYON_TIME_NONE;
  self->sent_clock = self->clock;
  self->clock_base_time = GST_CLOCK_TIME_NONE;

  return self;
}

static void
drop_copy (GstTachyonSender *self)
{
  tachyon_frame_release (&self->copy);
  gst_clear_buffer (&self->copy_of);
}

void
gst_tachyon_sender_free (GstTachyonSender *self)
{
  if (!self)
    return;

  drop_copy (self);
  g_queue_clear_full (&self->queue, (GDestroyNotify) gst_event_unref);
  g_byte_array_unref (self->bytes);
  g_free (self);
}

/* A pad keeps sticky events over a flush, but EOS and SEGMENT. */
static gboolean
survives_flush (GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT:
    case GST_EVENT_EOS:
      return FALSE;
    default:
      return GST_EVENT_IS_STICKY (event);
  }
}

void
gst_tachyon_sender_flush (GstTachyonSender *self)
{
  GList *link = self->queue.head;

  drop_copy (self);

  while (link) {
    GList *const next = link->next;

    if (!survives_flush (link->data)) {
      gst_event_unref (link->data);
      g_queue_delete_link (&self->queue, link);
    }
    link = next;
  }

  /* The segment that subscribers have is replaced before the next buffer. */
  tachyon_publisher_forget (self->publisher, TACHYON_ORDER_EOS);
}

gint
gst_tachyon_sender_configure (GstTachyonSender *self, const GstCaps *caps,
    guint64 bytes)
{
  GstVideoInfo info;
  guint64 count;

  memset (&self->default_layout, 0, sizeof (self->default_layout));
  if (!gst_tachyon_pool_video_info (caps, &info))
    return 0;

  gst_tachyon_layout_from_video_info (&info, &self->default_layout);
  count = bytes / info.size;

  return tachyon_publisher_configure (self->publisher, info.size,
      bytes == 0 ? 0 : CLAMP (count, 1, G_MAXUINT32));
}

static gint
send_caps (GstTachyonSender *self, GstEvent *event)
{
  GstCaps *caps;
  gchar *string;
  gint ret;

  gst_event_parse_caps (event, &caps);
  string = gst_caps_to_string (caps);
  ret = tachyon_publisher_set_caps (self->publisher, string);
  g_free (string);

  return ret;
}

static gint
send_event (GstTachyonSender *self, GstEvent *event)
{
  struct tachyon_event out;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      return send_caps (self, event);
    case GST_EVENT_EOS:
      return tachyon_publisher_send_eos (self->publisher);
    case GST_EVENT_STREAM_START:
      /* Tags, TOC and EOS were the earlier stream's; caps and segment stay
       * until new ones come, as on a pad. */
      tachyon_publisher_forget (self->publisher, TACHYON_ORDER_SEGMENT + 1);
      break;
    default:
      break;
  }

  if (!gst_tachyon_event_encode (event, self->bytes, &out))
    return -ENOTSUP;

  return tachyon_publisher_send_event (self->publisher, &out);
}

void
gst_tachyon_sender_queue_event (GstTachyonSender *self, GstEvent *event)
{
  g_queue_push_tail (&self->queue, gst_event_ref (event));
}

gint
gst_tachyon_sender_send_queued (GstTachyonSender *self)
{
  GstEvent *event;

  while ((event = g_queue_peek_head (&self->queue))) {
    const gint ret = send_event (self, event);

    if (ret == TACHYON_ERR_AGAIN)
      return ret;
    if (ret < 0) {
      GST_INFO ("not sent (%s): %" GST_PTR_FORMAT, tachyon_strerror (ret),
          event);
      g_atomic_pointer_add (&self->lost, 1);
    }
    gst_event_unref (g_queue_pop_head (&self->queue));
  }

  return 0;
}

/* The clock and its base time change with the pipeline's state; only then are
 * they converted again, since that reads a foreign clock. */
static void
update_clock (GstTachyonSender *self, GstElement *element)
{
  gconstpointer object;
  GstClockTime base_time;

  GST_OBJECT_LOCK (element);
  object = GST_ELEMENT_CLOCK (element);
  base_time = element->base_time;
  GST_OBJECT_UNLOCK (element);

  if (object == self->clock_object && base_time == self->clock_base_time)
    return;

  self->clock_object = object;
  self->clock_base_time = base_time;
  self->clock.base_time = gst_tachyon_time_base_on_monotonic (element);
}

gint
gst_tachyon_sender_send_clock (GstTachyonSender *self, GstElement *element,
    GstClockTime latency)
{
  gint ret;

  update_clock (self, element);
  self->clock.latency = latency;
  if (self->clock.base_time == self->sent_clock.base_time &&
      self->clock.latency == self->sent_clock.latency)
    return 0;

  ret = tachyon_publisher_set_clock (self->publisher, &self->clock);
  if (ret == 0)
    self->sent_clock = self->clock;

  return ret;
}

/* A subscriber lays planes out as it was told last, so each buffer's own layout
 * is compared with that; a stream that keeps to one costs one message. */
static gint
send_layout (GstTachyonSender *self, GstBuffer *buffer)
{
  const GstVideoMeta *const meta = gst_buffer_get_video_meta (buffer);
  struct tachyon_layout layout = self->default_layout;
  gint ret;

  if (layout.plane_count == 0 && self->layout.plane_count == 0)
    return 0;
  if (layout.plane_count > 0 && meta)
    gst_tachyon_layout_from_video_meta (meta, &layout);
  if (gst_tachyon_layout_equal (&layout, &self->layout))
    return 0;

  ret = tachyon_publisher_set_layout (self->publisher, &layout);
  if (ret == 0)
    self->layout = layout;

  return ret;
}

/* The sender keeps the buffer until all subscribers are done: upstream's pool
 * must not hand it out again, and other holders copy on write meanwhile. */
static gint
send_block (GstTachyonSender *self, GstBuffer *buffer,
    const struct tachyon_frame *frame)
{
  const gint ret = tachyon_publisher_publish (self->publisher, frame,
      gst_buffer_ref (buffer));

  if (ret <= 0)
    gst_buffer_unref (buffer);

  return ret;
}

static gint
send_mapped (GstTachyonSender *self, GstBuffer *buffer,
    struct tachyon_frame *frame)
{
  GstMapInfo map;
  gint ret;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_TACHYON_SENDER_UNREADABLE;

  frame->data = map.data;
  frame->size = map.size;
  ret = tachyon_publisher_send (self->publisher, frame);
  gst_buffer_unmap (buffer, &map);

  return ret;
}

static gint
make_copy (GstTachyonSender *self, GstBuffer *buffer, gsize size,
    gsize block_size)
{
  gint ret;

  if (self->copy_of == buffer)
    return 0;

  drop_copy (self);
  ret = tachyon_publisher_acquire (self->publisher, block_size, &self->copy);
  if (ret < 0)
    return ret;

  if (gst_buffer_extract (buffer, 0, self->copy.data, size) != size) {
    drop_copy (self);
    return GST_TACHYON_SENDER_UNREADABLE;
  }

  gst_buffer_replace (&self->copy_of, buffer);
  g_atomic_pointer_add (&self->copied, 1);

  return 0;
}

/* Several pieces into one block of our own choice. Mapping such a buffer would
 * copy it, and the library would copy it again. */
static gint
send_gathered (GstTachyonSender *self, GstBuffer *buffer, gsize size,
    gsize block_size, struct tachyon_frame *frame)
{
  gint ret;

  if (tachyon_publisher_subscribers (self->publisher) == 0)
    return 0;

  ret = make_copy (self, buffer, size, block_size);
  if (ret < 0)
    return ret;

  frame->data = self->copy.data;
  frame->size = size;
  frame->block = self->copy.block;
  ret = tachyon_publisher_publish (self->publisher, frame, NULL);
  if (ret != TACHYON_ERR_AGAIN)
    drop_copy (self);

  return ret;
}

static gint
send_copy (GstTachyonSender *self, GstBuffer *buffer, gint64 min_memory_size,
    struct tachyon_frame *frame)
{
  const gsize size = gst_buffer_get_size (buffer);

  if (size == 0)
    return tachyon_publisher_send (self->publisher, frame);
  if (min_memory_size < 0)
    return GST_TACHYON_SENDER_NO_COPY;
  if (gst_buffer_n_memory (buffer) == 1 && (guint64) min_memory_size <= size)
    return send_mapped (self, buffer, frame);

  return send_gathered (self, buffer, size,
      MAX ((guint64) min_memory_size, size), frame);
}

static void
take_back (GstTachyonSender *self)
{
  GstBuffer *buffer;

  while ((buffer = tachyon_publisher_reclaim (self->publisher)))
    gst_buffer_unref (buffer);
}

gint
gst_tachyon_sender_send_buffer (GstTachyonSender *self, GstBuffer *buffer,
    gint64 min_memory_size)
{
  struct tachyon_frame frame = { 0 };
  guint lost;
  gint ret;

  ret = send_layout (self, buffer);
  if (ret < 0)
    return ret;

  lost = gst_tachyon_frame_from_buffer (buffer,
      self->layout.plane_count > 0 ? &self->layout : NULL, self->bytes, &frame);

  if (gst_tachyon_allocator_find_block (self->allocator, buffer, &frame))
    ret = send_block (self, buffer, &frame);
  else
    ret = send_copy (self, buffer, min_memory_size, &frame);

  if (ret >= 0 && lost > 0)
    g_atomic_pointer_add (&self->lost, lost);
  take_back (self);

  return ret;
}

guint64
gst_tachyon_sender_get_copied (GstTachyonSender *self)
{
  return g_atomic_pointer_get (&self->copied);
}

guint64
gst_tachyon_sender_get_lost (GstTachyonSender *self)
{
  return g_atomic_pointer_get (&self->lost);
}
