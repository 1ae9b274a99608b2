/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the sink sends: events, clock and buffers, as the publisher takes them.
 */
#include "gsttachyonsender.h"

#include <gst/video/video.h>

#include "gsttachyonclock.h"
#include "gsttachyoncopy.h"
#include "gsttachyondmabuf.h"
#include "gsttachyonevent.h"
#include "gsttachyoneventcodec.h"
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
  gchar *stream_id;
  GByteArray *bytes;

  GstTachyonClock clock;
  struct tachyon_clock sent_clock;

  /* the layout that the caps alone imply, and the one that was announced;
   * plane_count is 0 where there is none */
  struct tachyon_layout default_layout;
  struct tachyon_layout layout;

  /* upstream's memory, where the caps say that it is DMABuf */
  GstTachyonDmabuf *dmabuf;
  gboolean is_dmabuf;

  GstTachyonCopy copy;

  /* metas of the buffer at hand that cannot cross */
  guint lost_now;

  /* atomic */
  gint has_own_layout;
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
  self->dmabuf =
      gst_tachyon_dmabuf_new (gst_tachyon_allocator_get_publisher (allocator));
  self->sent_clock.base_time = TACHYON_TIME_NONE;

  return self;
}

void
gst_tachyon_sender_free (GstTachyonSender *self)
{
  if (!self)
    return;

  gst_tachyon_copy_clear (&self->copy);
  gst_tachyon_dmabuf_unref (self->dmabuf);
  gst_tachyon_clock_clear (&self->clock);
  g_queue_clear_full (&self->queue, (GDestroyNotify) gst_event_unref);
  g_byte_array_unref (self->bytes);
  g_free (self->stream_id);
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

  gst_tachyon_copy_clear (&self->copy);

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

  self->is_dmabuf = gst_tachyon_dmabuf_is_in_caps (caps);
  memset (&self->default_layout, 0, sizeof (self->default_layout));
  if (!gst_tachyon_pool_video_info (caps, &info))
    return 0;

  gst_tachyon_layout_from_video_info (&info, &self->default_layout);
  /* Nobody asks us for memory. */
  if (self->is_dmabuf)
    return 0;
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
send_encoded (GstTachyonSender *self, GstEvent *event)
{
  struct tachyon_event out;

  if (!gst_tachyon_event_encode (event, self->bytes, &out))
    return -ENOTSUP;

  return tachyon_publisher_send_event (self->publisher, &out);
}

static gint
send_collection (GstTachyonSender *self, GstEvent *event)
{
  GstEvent *const own = gst_tachyon_event_keep_stream (event, self->stream_id);
  gint ret;

  if (!own)
    return -ENOTSUP;
  ret = send_encoded (self, own);
  gst_event_unref (own);

  return ret;
}

static void
begin_stream (GstTachyonSender *self, GstEvent *event)
{
  const gchar *id;

  gst_event_parse_stream_start (event, &id);
  g_free (self->stream_id);
  self->stream_id = g_strdup (id);

  /* Tags, TOC and EOS were the earlier stream's; caps and segment stay until new
   * ones come, as on a pad. */
  tachyon_publisher_forget (self->publisher, TACHYON_ORDER_SEGMENT + 1);
}

static gint
send_event (GstTachyonSender *self, GstEvent *event)
{

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      return send_caps (self, event);
    case GST_EVENT_EOS:
      return tachyon_publisher_send_eos (self->publisher);
    case GST_EVENT_STREAM_START:
      begin_stream (self, event);
      break;
    case GST_EVENT_STREAM_COLLECTION:
      return send_collection (self, event);
    default:
      break;
  }

  return send_encoded (self, event);
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

gint
gst_tachyon_sender_send_clock (GstTachyonSender *self, GstElement *element,
    GstClockTime latency)
{
  const struct tachyon_clock clock = {
    .base_time = gst_tachyon_clock_get_base (&self->clock, element,
        gst_tachyon_time_monotonic ()),
    .latency = latency,
  };
  gint ret;

  if (clock.base_time == self->sent_clock.base_time &&
      clock.latency == self->sent_clock.latency)
    return 0;

  ret = tachyon_publisher_set_clock (self->publisher, &clock);
  if (ret == 0)
    self->sent_clock = clock;

  return ret;
}

void
gst_tachyon_sender_send_urgent (GstTachyonSender *self, GstEvent *event)
{
  GByteArray *const bytes = g_byte_array_new ();
  struct tachyon_event out;
  gint ret = -ENOTSUP;

  if (gst_tachyon_event_encode (event, bytes, &out))
    ret = tachyon_publisher_send_urgent (self->publisher, 0, &out);
  if (ret < 0) {
    GST_INFO ("not sent (%s): %" GST_PTR_FORMAT, tachyon_strerror (ret), event);
    g_atomic_pointer_add (&self->lost, 1);
  }
  g_byte_array_unref (bytes);
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
  if (ret < 0)
    return ret;

  self->layout = layout;
  g_atomic_int_set (&self->has_own_layout,
      !gst_tachyon_layout_equal (&layout, &self->default_layout));
  return 0;
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

/* Everything but where its bytes are. */
static gint
describe (GstTachyonSender *self, GstBuffer *buffer,
    struct tachyon_frame *frame)
{
  const gint ret = send_layout (self, buffer);

  if (ret < 0)
    return ret;

  self->lost_now = gst_tachyon_frame_from_buffer (buffer,
      self->layout.plane_count > 0 ? &self->layout : NULL, self->bytes, frame);

  return 0;
}

static void
count_lost (GstTachyonSender *self, gint ret)
{
  if (ret >= 0 && self->lost_now > 0)
    g_atomic_pointer_add (&self->lost, self->lost_now);
}

/* Planes that lie apart are sent as one piece, with what is between them. */
static gint
describe_pieces (GstTachyonSender *self, GstBuffer *buffer, guint64 offset,
    struct tachyon_frame *frame)
{
  GstBuffer *const description = gst_tachyon_dmabuf_describe (buffer, offset);
  gint ret;

  if (!description)
    return GST_TACHYON_DMABUF_APART;
  ret = describe (self, description, frame);
  gst_buffer_unref (description);

  return ret;
}

/* Never copied: what the caps promise is what downstream gets. */
static gint
send_dmabuf (GstTachyonSender *self, GstBuffer *buffer)
{
  struct tachyon_frame frame = { 0 };
  guint64 offset;
  gint ret = gst_tachyon_dmabuf_find (self->dmabuf, buffer, &frame, &offset);

  if (ret < 0)
    return ret;
  ret = ret == 0 ? describe (self, buffer, &frame) :
                   describe_pieces (self, buffer, offset, &frame);
  if (ret < 0)
    return ret;

  ret = tachyon_publisher_publish_lent (self->publisher, &frame, offset,
      gst_buffer_ref (buffer));
  if (ret <= 0)
    gst_buffer_unref (buffer);
  count_lost (self, ret);

  return ret;
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
  gint ret;

  if (self->is_dmabuf && gst_buffer_get_size (buffer) > 0) {
    ret = send_dmabuf (self, buffer);
    take_back (self);
    return ret;
  }

  ret = describe (self, buffer, &frame);
  if (ret < 0)
    return ret;

  if (gst_tachyon_allocator_find_block (self->allocator, buffer, &frame))
    ret = send_block (self, buffer, &frame);
  else
    ret = gst_tachyon_copy_send (&self->copy, self->publisher, buffer,
        min_memory_size, &frame);

  count_lost (self, ret);
  take_back (self);

  return ret;
}

guint64
gst_tachyon_sender_get_copied (GstTachyonSender *self)
{
  return g_atomic_pointer_get (&self->copy.count);
}

guint64
gst_tachyon_sender_get_lost (GstTachyonSender *self)
{
  return g_atomic_pointer_get (&self->lost);
}

gboolean
gst_tachyon_sender_has_own_layout (GstTachyonSender *self)
{
  return g_atomic_int_get (&self->has_own_layout);
}
