/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source's streaming thread does: find a producer, receive, push.
 */
#include "gsttachyonevent.h"
#include "gsttachyonsrcerror.h"
#include "gsttachyonsrcprivate.h"
#include "gsttachyontext.h"
#include "gsttachyontime.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

/* Between attempts at a producer that hangs up without a word. */
#define RETRY_PAUSE (100 * GST_MSECOND)

/* A clock that is not the system's drifts: look again, but bear this much. */
#define BASE_LIFETIME GST_SECOND
#define BASE_TOLERANCE GST_MSECOND

/* --- connecting --- */

static void
post_reconnected (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  gchar *address = gst_tachyon_src_copy_address (self);
  gboolean is_open;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("reconnected", "socket-path", G_TYPE_STRING,
              address, "connects", G_TYPE_UINT64, stats.connects, NULL)));
  g_free (address);
}

/* What the last producer said is over. */
static void
begin_connection (GstTachyonSrc *self, gboolean is_first)
{
  self->is_connected = TRUE;
  self->has_received = FALSE;
  self->connecting_since = GST_CLOCK_TIME_NONE;
  if (is_first)
    return;

  self->is_discont = TRUE;
  gst_tachyon_timeline_restart (&self->timeline);
  gst_tachyon_receiver_reset (self->receiver);
  post_reconnected (self);
}

/* Returns: what is left of connection-timeout, negative for ever, or 0 */
static gint64
connection_time_left (GstTachyonSrc *self)
{
  const GstClockTime now = gst_tachyon_time_monotonic ();
  GstClockTime timeout;

  GST_OBJECT_LOCK (self);
  timeout = self->settings.connection_timeout;
  GST_OBJECT_UNLOCK (self);

  if (timeout == 0)
    return -1;
  if (!GST_CLOCK_TIME_IS_VALID (self->connecting_since))
    self->connecting_since = now;
  return MAX ((gint64) (self->connecting_since + timeout - now), 0);
}

static GstFlowReturn
fail_to_connect (GstTachyonSrc *self, gint error)
{
  gchar *address = gst_tachyon_src_copy_address (self);

  gst_tachyon_src_error_post_connect (GST_ELEMENT (self), address, error);
  g_free (address);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
connect_to_producer (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  gboolean is_open;
  gint ret;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  GST_DEBUG_OBJECT (self, "connecting");
  ret = tachyon_subscriber_connect (self->client.subscriber,
      connection_time_left (self));
  switch (ret) {
    case 0:
      GST_INFO_OBJECT (self, "connected");
      begin_connection (self, stats.connects == 0);
      return GST_FLOW_OK;
    case TACHYON_ERR_CANCELED:
      return GST_FLOW_FLUSHING;
    case TACHYON_ERR_CLOSED:
      /* It left while we shook hands: another may come. */
      if (connection_time_left (self) == 0)
        return fail_to_connect (self, TACHYON_ERR_TIMEDOUT);
      return gst_tachyon_client_pause (&self->client, RETRY_PAUSE) ?
          GST_FLOW_OK :
          GST_FLOW_FLUSHING;
    case TACHYON_ERR_AGAIN:
      return fail_to_connect (self, TACHYON_ERR_TIMEDOUT);
    default:
      return fail_to_connect (self, ret);
  }
}

static GstFlowReturn
end_connection (GstTachyonSrc *self)
{
  const enum tachyon_end end = tachyon_subscriber_end (self->client.subscriber);
  GstTachyonOnDisconnect on_disconnect;
  gchar *address;

  self->is_connected = FALSE;
  GST_OBJECT_LOCK (self);
  on_disconnect = self->settings.on_disconnect;
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "disconnected: %d", end);

  switch (on_disconnect) {
    case GST_TACHYON_ON_DISCONNECT_NONE:
      /* A producer that accepts and hangs up must not have us spin. */
      if (!self->has_received &&
          !gst_tachyon_client_pause (&self->client, RETRY_PAUSE))
        return GST_FLOW_FLUSHING;
      return GST_FLOW_OK;
    case GST_TACHYON_ON_DISCONNECT_EOS:
      return GST_FLOW_EOS;
    case GST_TACHYON_ON_DISCONNECT_ERROR:
      break;
  }
  address = gst_tachyon_src_copy_address (self);
  gst_tachyon_src_error_post_end (GST_ELEMENT (self), address, end);
  g_free (address);
  return GST_FLOW_ERROR;
}

/* --- time --- */

static GstClockTime
get_base (GstTachyonSrc *self, GstClockTime now)
{
  gboolean is_same;
  GstClock *clock;
  GstClockTime base_time, base;

  GST_OBJECT_LOCK (self);
  clock = GST_ELEMENT_CLOCK (self);
  base_time = GST_ELEMENT_CAST (self)->base_time;
  GST_OBJECT_UNLOCK (self);

  is_same = clock == self->base_clock && base_time == self->base_time;
  if (is_same && now - self->base_measured < BASE_LIFETIME)
    return self->base;

  base = gst_tachyon_time_base_on_monotonic (GST_ELEMENT (self));
  if (!is_same ||
      ABS (GST_CLOCK_DIFF (self->base, base)) >
          (GstClockTimeDiff) BASE_TOLERANCE)
    self->base = base;
  self->base_measured = now;
  self->base_clock = clock;
  self->base_time = base_time;
  return self->base;
}

/*
 * The base class sends its segment before the next buffer.
 *
 * @is_urgent: something else than a buffer comes next. Before 1.24 the base
 *     class then sends the same segment once more, which does no harm.
 */
static void
push_segment (GstTachyonSrc *self, gboolean is_urgent)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (self);
  GstSegment segment = self->timeline.segment;

  /* It would have the base class post SEGMENT_DONE where an EOS is due: who
   * sought the segment is at the producer's. */
  segment.flags &= ~GST_SEGMENT_FLAG_SEGMENT;

  GST_OBJECT_LOCK (self);
  self->delta = self->timeline.delta;
  /* gst_base_src_set_format() is for stopped elements. */
  if (bsrc->segment.format != segment.format)
    gst_segment_init (&bsrc->segment, segment.format);
  GST_OBJECT_UNLOCK (self);

#if GST_CHECK_VERSION(1, 24, 0)
  gst_base_src_push_segment (bsrc, &segment);
#else
  gst_base_src_new_segment (bsrc, &segment);
  if (is_urgent)
    gst_pad_push_event (GST_BASE_SRC_PAD (self),
        gst_event_new_segment (&segment));
#endif
}

static void
advance (GstTachyonSrc *self, GstBuffer *buffer)
{
  const GstClockTime now = gst_tachyon_time_monotonic ();

  if (gst_tachyon_timeline_advance (&self->timeline, buffer,
          get_base (self, now), now))
    push_segment (self, buffer == NULL);
}

static GstPadProbeReturn
restore_timestamps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (user_data);
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  if (buffer == self->unstamped) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS (buffer) = self->unstamped_dts;
    GST_PAD_PROBE_INFO_DATA (info) = buffer;
  }
  self->unstamped = NULL;
  return GST_PAD_PROBE_REMOVE;
}

/* The base class gives a buffer without PTS the DTS for one, and the first
 * buffer the segment's start. Such buffers are rare, or slow. */
static void
keep_unstamped (GstTachyonSrc *self, GstBuffer *buffer)
{
  const gboolean was_pushed = self->unstamped == NULL;

  /* One that a flush took before it was pushed must not be mistaken for a
   * later one at the same address. */
  self->unstamped = NULL;
  if (GST_BUFFER_PTS_IS_VALID (buffer) ||
      gst_base_src_get_do_timestamp (GST_BASE_SRC (self)))
    return;

  /* The probe of one that was not pushed is still there. */
  if (was_pushed)
    gst_pad_add_probe (GST_BASE_SRC_PAD (self), GST_PAD_PROBE_TYPE_BUFFER,
        restore_timestamps, self, NULL);
  self->unstamped = buffer;
  self->unstamped_dts = GST_BUFFER_DTS (buffer);
}

/* --- receiving --- */

static gboolean
must_copy (GstTachyonSrc *self, const struct tachyon_frame *frame)
{
  gboolean always;

  GST_OBJECT_LOCK (self);
  always = self->settings.always_copy;
  GST_OBJECT_UNLOCK (self);
  return always || (frame->hints & TACHYON_FRAME_SCARCE);
}

/* Returns: (transfer full): NULL when the frame was lost */
static GstBuffer *
take_frame (GstTachyonSrc *self, struct tachyon_frame *frame)
{
  GstBuffer *buffer;

  if (frame->hints & TACHYON_FRAME_AFTER_DROP)
    self->is_discont = TRUE;

  buffer = gst_tachyon_receiver_take (self->receiver, frame,
      must_copy (self, frame));
  if (!buffer) {
    GST_DEBUG_OBJECT (self, "lost a frame");
    self->is_discont = TRUE;
    return NULL;
  }

  advance (self, buffer);
  keep_unstamped (self, buffer);
  if (self->is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->is_discont = FALSE;
  return buffer;
}

static GstFlowReturn
take_caps (GstTachyonSrc *self, const gchar *text)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (self);
  GstCaps *caps = gst_tachyon_caps_parse (text);
  gboolean good;

  if (!caps) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The producer sent caps that make no sense."), ("%.200s", text));
    return GST_FLOW_ERROR;
  }

  GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  gst_tachyon_receiver_set_caps (self->receiver, caps);
  good = gst_base_src_set_caps (bsrc, caps);
  gst_caps_unref (caps);
  /* The base class asks downstream for its needs when it negotiates caps of
   * its own, which it does not do here. */
  if (good)
    gst_base_src_negotiate (bsrc);
  if (good)
    return GST_FLOW_OK;
  return GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)) ?
      GST_FLOW_FLUSHING :
      GST_FLOW_NOT_NEGOTIATED;
}

static void
take_clock (GstTachyonSrc *self, const struct tachyon_clock *clock)
{
  gboolean is_new;

  gst_tachyon_timeline_set_producer_base (&self->timeline, clock->base_time);

  GST_OBJECT_LOCK (self);
  is_new = self->producer_latency != clock->latency;
  self->producer_latency = clock->latency;
  GST_OBJECT_UNLOCK (self);

  if (is_new)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

static void
push_event (GstTachyonSrc *self, GstEvent *event)
{
  /* What stands between buffers needs the segment, as they do. */
  if (GST_EVENT_IS_SERIALIZED (event) && !GST_EVENT_IS_STICKY (event))
    advance (self, NULL);
  gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
}

static void
take_event (GstTachyonSrc *self, const struct tachyon_event *received)
{
  GstEvent *event = gst_tachyon_event_decode (received);
  const GstSegment *segment;

  if (!event || !GST_EVENT_IS_DOWNSTREAM (event)) {
    GST_DEBUG_OBJECT (self, "ignoring event of type 0x%x", received->type);
    gst_clear_event (&event);
    GST_OBJECT_LOCK (self);
    self->lost_events++;
    GST_OBJECT_UNLOCK (self);
    return;
  }

  GST_DEBUG_OBJECT (self, "received %" GST_PTR_FORMAT, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_parse_segment (event, &segment);
    gst_tachyon_timeline_set_segment (&self->timeline, segment);
    gst_event_unref (event);
    return;
  }
  /* A gap in another time than that of arrival. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP &&
      self->timeline.mode == GST_TACHYON_TIMESTAMP_MODE_ARRIVAL) {
    gst_event_unref (event);
    return;
  }
  push_event (self, event);
}

static GstFlowReturn
take_item (GstTachyonSrc *self, struct tachyon_item *item, GstBuffer **buffer)
{
  self->has_received = TRUE;
  switch (item->type) {
    case TACHYON_ITEM_FRAME:
      *buffer = take_frame (self, &item->frame);
      break;
    case TACHYON_ITEM_CAPS:
      return take_caps (self, item->caps);
    case TACHYON_ITEM_LAYOUT:
      gst_tachyon_receiver_set_layout (self->receiver, &item->layout);
      break;
    case TACHYON_ITEM_CLOCK:
      take_clock (self, &item->clock);
      break;
    case TACHYON_ITEM_EVENT:
      take_event (self, &item->event);
      break;
    case TACHYON_ITEM_EOS:
      return GST_FLOW_EOS;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
receive (GstTachyonSrc *self, GstBuffer **buffer)
{
  struct tachyon_item item;
  const gint ret =
      tachyon_subscriber_receive (self->client.subscriber, &item, -1);
  gchar *address;

  switch (ret) {
    case 0:
      return take_item (self, &item, buffer);
    case TACHYON_ERR_CANCELED:
      return GST_FLOW_FLUSHING;
    case TACHYON_ERR_CLOSED:
      return end_connection (self);
    default:
      break;
  }
  self->is_connected = FALSE;
  address = gst_tachyon_src_copy_address (self);
  gst_tachyon_src_error_post_receive (GST_ELEMENT (self), address, ret);
  g_free (address);
  return GST_FLOW_ERROR;
}

GstFlowReturn
gst_tachyon_src_create (GstPushSrc *psrc, GstBuffer **buffer)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (psrc);
  GstFlowReturn flow = GST_FLOW_OK;

  *buffer = NULL;
  while (flow == GST_FLOW_OK && !*buffer)
    flow = self->is_connected ? receive (self, buffer) :
                                connect_to_producer (self);
  return flow;
}
