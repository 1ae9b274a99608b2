/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source's streaming thread does: receive, push.
 */
#include "gsttachyonevent.h"
#include "gsttachyonsrccontrol.h"
#include "gsttachyonsrcerror.h"
#include "gsttachyonsrcprivate.h"
#include "gsttachyonsrctime.h"
#include "gsttachyontext.h"
#include "gsttachyontime.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

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

static void
push_late (GstTachyonSrc *self)
{
  GstEvent *event = gst_tachyon_src_control_take_late (self);

  if (event)
    gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
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

  gst_tachyon_src_time_place (self, buffer);
  push_late (self);
  if (self->is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->is_discont = FALSE;
  return buffer;
}

/*
 * A pad that flushes keeps no state; the producer sends it once. It goes
 * downstream when the flush is over.
 *
 * @event: (transfer full)
 */
static void
keep_unpushed (GstTachyonSrc *self, GstEvent *event)
{
  g_queue_push_tail (&self->unpushed, event);
}

void
gst_tachyon_src_drop_unpushed (GstTachyonSrc *self)
{
  GstEvent *late = gst_tachyon_src_control_take_late (self);

  gst_clear_event (&late);
  g_queue_clear_full (&self->unpushed, (GDestroyNotify) gst_event_unref);
}

static GstFlowReturn
push_caps (GstTachyonSrc *self, GstCaps *caps)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (self);

  if (gst_base_src_set_caps (bsrc, caps)) {
    /* The base class asks downstream for its needs when it negotiates caps of
     * its own, which it does not do here. */
    gst_base_src_negotiate (bsrc);
    return GST_FLOW_OK;
  }
  if (!GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)))
    return GST_FLOW_NOT_NEGOTIATED;

  keep_unpushed (self, gst_event_new_caps (caps));
  return GST_FLOW_FLUSHING;
}

static GstFlowReturn
take_caps (GstTachyonSrc *self, const gchar *text)
{
  GstCaps *caps = gst_tachyon_caps_parse (text);
  GstFlowReturn flow;

  if (!caps) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The producer sent caps that make no sense."), ("%.200s", text));
    return GST_FLOW_ERROR;
  }

  GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  gst_tachyon_receiver_set_caps (self->receiver, caps);
  if (gst_tachyon_src_refusal_take (&self->refusal, GST_BASE_SRC_PAD (self),
          caps, gst_tachyon_src_needs_are_told (&self->needs)))
    flow = GST_FLOW_OK;
  else
    flow = push_caps (self, caps);
  gst_caps_unref (caps);
  return flow;
}

static void
push_event (GstTachyonSrc *self, GstEvent *event)
{
  /* What stands between buffers needs the segment, as they do. */
  if (GST_EVENT_IS_SERIALIZED (event) && !GST_EVENT_IS_STICKY (event))
    gst_tachyon_src_time_place (self, NULL);

  gst_event_ref (event);
  if (!gst_pad_push_event (GST_BASE_SRC_PAD (self), event) &&
      GST_EVENT_IS_STICKY (event) &&
      GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)))
    keep_unpushed (self, gst_event_ref (event));
  gst_event_unref (event);
}

/* What a flush kept from going downstream. */
static GstFlowReturn
push_unpushed (GstTachyonSrc *self)
{
  GstFlowReturn flow = GST_FLOW_OK;
  guint count = g_queue_get_length (&self->unpushed);
  GstEvent *event;
  GstCaps *caps;

  for (; count > 0 && flow == GST_FLOW_OK; count--) {
    event = g_queue_pop_head (&self->unpushed);
    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
      gst_event_parse_caps (event, &caps);
      flow = push_caps (self, caps);
      gst_event_unref (event);
    } else {
      push_event (self, event);
    }
  }
  return flow;
}

static void
take_segment (GstTachyonSrc *self, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  gst_tachyon_timeline_set_segment (&self->timeline, segment);
  gst_tachyon_src_control_begin_segment (self, segment);
}

/* @is_discarding: it was sent before a flush: only state counts. */
static void
take_event (GstTachyonSrc *self, const struct tachyon_event *received,
    gboolean is_discarding)
{
  GstEvent *event;

  if (received->type == MESSAGE_FLUSH) {
    gst_tachyon_src_control_take_marker (self, received);
    return;
  }
  if (is_discarding && !(received->flags & TACHYON_EVENT_STICKY))
    return;

  event = gst_tachyon_event_decode (received);
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
    take_segment (self, event);
    gst_event_unref (event);
    return;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE)
    gst_tachyon_src_control_end_segment (self, event);
  /* A gap in another time than that of arrival. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP &&
      self->timeline.mode == GST_TACHYON_TIMESTAMP_MODE_ARRIVAL) {
    gst_event_unref (event);
    return;
  }
  push_event (self, event);
}

static GstFlowReturn
fail_to_negotiate (GstTachyonSrc *self)
{
  gst_tachyon_src_refusal_fail (&self->refusal, GST_ELEMENT (self));
  return GST_FLOW_NOT_NEGOTIATED;
}

/* What downstream cannot take without other caps than it has. */
static GstFlowReturn
let_go (GstTachyonSrc *self, struct tachyon_item *item)
{
  if (item->type == TACHYON_ITEM_FRAME)
    tachyon_frame_release (&item->frame);
  self->is_discont = TRUE;
  if (item->type != TACHYON_ITEM_EOS &&
      gst_tachyon_src_refusal_time_left (&self->refusal) > 0)
    return GST_FLOW_OK;

  return fail_to_negotiate (self);
}

static gboolean
needs_caps (const struct tachyon_item *item)
{
  return item->type == TACHYON_ITEM_FRAME || item->type == TACHYON_ITEM_EOS;
}

static GstFlowReturn
take_item (GstTachyonSrc *self, struct tachyon_item *item, GstBuffer **buffer)
{
  const gboolean is_refused = self->refusal.caps != NULL;
  const gboolean is_discarding =
      is_refused || gst_tachyon_control_is_discarding (&self->control);

  self->has_received = TRUE;
  if (is_refused && needs_caps (item))
    return let_go (self, item);
  switch (item->type) {
    case TACHYON_ITEM_FRAME:
      if (is_discarding)
        tachyon_frame_release (&item->frame);
      else
        *buffer = take_frame (self, &item->frame);
      break;
    case TACHYON_ITEM_CAPS:
      return take_caps (self, item->caps);
    case TACHYON_ITEM_LAYOUT:
      gst_tachyon_receiver_set_layout (self->receiver, &item->layout);
      break;
    case TACHYON_ITEM_CLOCK:
      gst_tachyon_src_time_set_clock (self, &item->clock);
      break;
    case TACHYON_ITEM_EVENT:
      take_event (self, &item->event, is_discarding);
      break;
    case TACHYON_ITEM_EOS:
      return is_discarding ? GST_FLOW_OK : GST_FLOW_EOS;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn
receive (GstTachyonSrc *self, GstBuffer **buffer)
{
  struct tachyon_item item;
  const gint ret = tachyon_subscriber_receive (self->client.subscriber, &item,
      gst_tachyon_src_refusal_time_left (&self->refusal));
  gchar *address;

  switch (ret) {
    case 0:
      return take_item (self, &item, buffer);
    case TACHYON_ERR_CANCELED:
      return GST_FLOW_FLUSHING;
    case TACHYON_ERR_CLOSED:
      return gst_tachyon_src_end_connection (self);
    case TACHYON_ERR_AGAIN:
    case TACHYON_ERR_TIMEDOUT:
      return fail_to_negotiate (self);
    default:
      break;
  }
  self->is_connected = FALSE;
  gst_tachyon_control_reset (&self->control);
  address = gst_tachyon_src_describe_peer (self);
  gst_tachyon_src_error_post_receive (GST_ELEMENT (self), address, ret);
  g_free (address);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
go_on (GstTachyonSrc *self, GstBuffer **buffer)
{
  /* What follows must not meet a flush that was for what came before: that
   * waits for us to leave. */
  if (!gst_tachyon_control_wait_flushed (&self->control))
    return GST_FLOW_FLUSHING;

  return self->is_connected ? receive (self, buffer) :
                              gst_tachyon_src_connect (self);
}

/*
 * The base class has the task pause when we return, and starts it in PLAYING: if
 * that comes in between, it is paused for good. So we wait for the end of a pause
 * here. Whatever else canceled us, or does so meanwhile, has us leave.
 *
 * Returns: GST_FLOW_OK to go on
 */
static GstFlowReturn
wait_out_pause (GstTachyonSrc *self)
{
  if (!gst_tachyon_client_resume_from_pause (&self->client))
    return GST_FLOW_FLUSHING;
  if (gst_base_src_wait_playing (GST_BASE_SRC (self)) != GST_FLOW_OK)
    return GST_FLOW_FLUSHING;
  return push_unpushed (self);
}

GstFlowReturn
gst_tachyon_src_create (GstPushSrc *psrc, GstBuffer **buffer)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (psrc);
  GstFlowReturn flow = push_unpushed (self);

  *buffer = NULL;
  while (flow == GST_FLOW_OK && !*buffer) {
    flow = go_on (self, buffer);
    if (flow == GST_FLOW_FLUSHING)
      flow = wait_out_pause (self);
  }
  return flow;
}
