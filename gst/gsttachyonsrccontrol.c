/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the source asks of its producer, and its flushes.
 */
#include "gsttachyonsrccontrol.h"

#include <gst/video/video.h>

#include "gsttachyonevent.h"
#include "gsttachyonrequest.h"
#include "gsttachyonsrctime.h"

#define GST_CAT_DEFAULT gst_tachyon_src_debug

/* How long who asks may be held up. */
#define QUERY_LIMIT (500 * GST_MSECOND)
#define SEEK_LIMIT (10 * GST_SECOND)

/* --- flushes --- */

/* A live pipeline that is told to reset its time by the sink that has got the
 * FLUSH_STOP asks for its state lock at once, inside the sink's stream lock;
 * who changes its state asks for them the other way round. A seek has the state
 * lock already. For a flush that comes by itself, the pipeline is told in a
 * thread that nobody waits for. */
static void
reset_time (GstElement *element, gpointer user_data)
{
  (void) user_data;
  gst_element_post_message (element,
      gst_message_new_reset_time (GST_OBJECT (element), 0));
}

/* The base class does it, for what comes from outside. Its own entry, not
 * gst_element_send_event(), which waits for state changes; and those wait for
 * us. */
static void
flush (gpointer user_data, guint32 seqnum)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (user_data);
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);
  const gboolean is_reset =
      gst_tachyon_timeline_follows_resets (&self->timeline);
  const gboolean is_own = seqnum == 0;
  const gboolean is_reset_apart = is_reset && is_own && self->timeline.is_live;
  GstEvent *start = gst_event_new_flush_start ();
  GstEvent *stop = gst_event_new_flush_stop (is_reset && !is_reset_apart);

  if (is_own)
    seqnum = gst_event_get_seqnum (start);
  gst_event_set_seqnum (start, seqnum);
  gst_event_set_seqnum (stop, seqnum);

  GST_DEBUG_OBJECT (self, "flushing");
  klass->send_event (GST_ELEMENT (self), start);
  if (is_reset_apart)
    gst_element_call_async (GST_ELEMENT (self), reset_time, NULL, NULL);
  klass->send_event (GST_ELEMENT (self), stop);
}

static void
count_lost (GstTachyonSrc *self)
{
  GST_OBJECT_LOCK (self);
  self->lost_events++;
  GST_OBJECT_UNLOCK (self);
}

/* State that has no place in the stream: the streaming thread pushes it, since
 * state of a pad is no other's. A newer one replaces it. */
static void
keep_late (GstTachyonSrc *self, GstEvent *event)
{
  GstEvent *old;

  GST_OBJECT_LOCK (self);
  old = self->late;
  self->late = event;
  GST_OBJECT_UNLOCK (self);
  gst_clear_event (&old);
}

GstEvent *
gst_tachyon_src_control_take_late (GstTachyonSrc *self)
{
  GstEvent *event;

  if (!g_atomic_pointer_get (&self->late))
    return NULL;
  GST_OBJECT_LOCK (self);
  event = g_steal_pointer (&self->late);
  GST_OBJECT_UNLOCK (self);
  return event;
}

/* Only what is out of band goes from here: the rest has a place in the stream. */
static void
take_urgent (gpointer user_data, const struct tachyon_event *received)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (user_data);
  GstEvent *event = gst_tachyon_event_decode (received);

  if (!event || !GST_EVENT_IS_DOWNSTREAM (event) ||
      GST_EVENT_IS_SERIALIZED (event)) {
    GST_DEBUG_OBJECT (self, "ignoring urgent event of type 0x%x",
        received->type);
    gst_clear_event (&event);
    count_lost (self);
    return;
  }
  GST_DEBUG_OBJECT (self, "received %" GST_PTR_FORMAT, event);
  if (GST_EVENT_IS_STICKY (event))
    keep_late (self, event);
  else
    gst_pad_push_event (GST_BASE_SRC_PAD (self), event);
}

void
gst_tachyon_src_control_init (GstTachyonSrc *self)
{
  static const GstTachyonControlFuncs funcs = { flush, take_urgent };

  gst_tachyon_control_init (&self->control, &self->client, &funcs, self);
}

void
gst_tachyon_src_control_take_marker (GstTachyonSrc *self,
    const struct tachyon_event *received)
{
  struct flush_message message;

  if (!gst_tachyon_flush_parse (received, &message) || message.session == 0) {
    count_lost (self);
    return;
  }
  if (gst_tachyon_control_take_marker (&self->control, &message) !=
      GST_TACHYON_MARKER_FLUSHED)
    return;

  GST_DEBUG_OBJECT (self, "flushed, %u", message.count);
  self->is_discont = TRUE;
  gst_tachyon_src_time_flush (self, message.reset_time != 0);
}

/* --- queries --- */

gboolean
gst_tachyon_src_control_query (GstTachyonSrc *self, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_POSITION:
    case GST_QUERY_DURATION:
    case GST_QUERY_SEEKING:
    case GST_QUERY_CONVERT:
    case GST_QUERY_CUSTOM:
      return gst_tachyon_control_query (&self->control, query, QUERY_LIMIT);
    default:
      return FALSE;
  }
}

/* --- seeks --- */

/* SEGMENT_DONE is for who sought. Said before the producer hears of it: its
 * segment may come before its answer. */
static void
set_segment_seek (GstTachyonSrc *self, gboolean is_segment, guint32 seqnum)
{
  GST_OBJECT_LOCK (self);
  self->wants_segment_done = is_segment;
  self->seek_seqnum = seqnum;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
seek (GstTachyonSrc *self, GstEvent *event)
{
  GstSeekFlags flags;
  gboolean good, wanted;
  guint32 seqnum;

  gst_event_parse_seek (event, NULL, NULL, &flags, NULL, NULL, NULL, NULL);
  GST_OBJECT_LOCK (self);
  wanted = self->wants_segment_done;
  seqnum = self->seek_seqnum;
  GST_OBJECT_UNLOCK (self);

  if (!(flags & GST_SEEK_FLAG_INSTANT_RATE_CHANGE))
    set_segment_seek (self, (flags & GST_SEEK_FLAG_SEGMENT) != 0,
        gst_event_get_seqnum (event));
  good = gst_tachyon_control_seek (&self->control, event, SEEK_LIMIT);
  if (!good)
    set_segment_seek (self, wanted, seqnum);
  GST_DEBUG_OBJECT (self, "%s: %" GST_PTR_FORMAT, good ? "sought" : "refused",
      event);
  return good;
}

static void
post (GstTachyonSrc *self, GstMessage *message, guint32 seqnum)
{
  gst_message_set_seqnum (message, seqnum);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static gboolean
wants_segment_done (GstTachyonSrc *self, guint32 *seqnum)
{
  gboolean wanted;

  GST_OBJECT_LOCK (self);
  wanted = self->wants_segment_done;
  *seqnum = self->seek_seqnum;
  GST_OBJECT_UNLOCK (self);
  return wanted;
}

void
gst_tachyon_src_control_begin_segment (GstTachyonSrc *self,
    const GstSegment *segment)
{
  guint32 seqnum;

  if ((segment->flags & GST_SEGMENT_FLAG_SEGMENT) &&
      wants_segment_done (self, &seqnum))
    post (self,
        gst_message_new_segment_start (GST_OBJECT (self), segment->format,
            segment->position),
        seqnum);
}

void
gst_tachyon_src_control_end_segment (GstTachyonSrc *self,
    GstEvent *segment_done)
{
  GstFormat format;
  gint64 position;
  guint32 seqnum;

  if (!wants_segment_done (self, &seqnum))
    return;
  gst_event_parse_segment_done (segment_done, &format, &position);
  post (self,
      gst_message_new_segment_done (GST_OBJECT (self), format, position),
      seqnum);
}

/* --- upstream events --- */

/* Returns: (transfer full): the event in the producer's running time */
static GstEvent *
to_producer_time (GstEvent *event, GstClockTimeDiff delta)
{
  GstClockTime time;
  GstClockTimeDiff diff;
  GstQOSType type;
  gdouble proportion;
  gboolean all_headers;
  guint count;

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_parse_qos (event, &type, &proportion, &diff, &time);
    if ((GstClockTimeDiff) time < delta ||
        (diff < 0 && time - delta < (GstClockTime) -diff))
      return NULL;
    return gst_event_new_qos (type, proportion, diff, time - delta);
  }
  if (gst_video_event_parse_upstream_force_key_unit (event, &time, &all_headers,
          &count) &&
      GST_CLOCK_TIME_IS_VALID (time))
    return gst_video_event_new_upstream_force_key_unit (
        (GstClockTimeDiff) time < delta ? 0 : time - delta, all_headers, count);
  return gst_event_ref (event);
}

static gboolean
send_upstream (GstTachyonSrc *self, GstEvent *event)
{
  GstClockTimeDiff delta;
  GstEvent *converted;
  gboolean sent;

  GST_OBJECT_LOCK (self);
  delta = self->delta;
  GST_OBJECT_UNLOCK (self);

  converted = to_producer_time (event, delta);
  sent = converted && gst_tachyon_client_send_event (&self->client, converted);
  GST_DEBUG_OBJECT (self, "%s %" GST_PTR_FORMAT, sent ? "sent" : "lost", event);
  gst_clear_event (&converted);
  return sent;
}

/* Sinks report on every buffer. One that is in time is no news, except after
 * one that was late: it would cost the producer a wake-up a frame. */
static gboolean
qos_is_news (GstTachyonSrc *self, GstEvent *event)
{
  gboolean was_late, is_late;
  GstClockTimeDiff diff;
  GstQOSType type;

  gst_event_parse_qos (event, &type, NULL, &diff, NULL);
  is_late = diff > 0 || type == GST_QOS_TYPE_THROTTLE;

  GST_OBJECT_LOCK (self);
  was_late = self->was_late;
  self->was_late = is_late;
  GST_OBJECT_UNLOCK (self);
  return is_late || was_late;
}

gboolean
gst_tachyon_src_control_event (GstTachyonSrc *self, GstEvent *event,
    gboolean *result)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEEK:
      *result = seek (self, event);
      return TRUE;
    case GST_EVENT_QOS:
      if (qos_is_news (self, event))
        send_upstream (self, event);
      return FALSE;
    case GST_EVENT_RECONFIGURE:
    case GST_EVENT_LATENCY:
      send_upstream (self, event);
      return FALSE;
    case GST_EVENT_NAVIGATION:
    case GST_EVENT_TOC_SELECT:
    case GST_EVENT_SELECT_STREAMS:
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      *result = send_upstream (self, event);
      return TRUE;
    default:
      return FALSE;
  }
}
