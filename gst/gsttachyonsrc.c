/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */

/**
 * SECTION:element-tachyonsrc
 * @title: tachyonsrc
 * @see_also: tachyonsink
 *
 * Receives what a #GstTachyonSink in another process (or this one) sends:
 * caps, timestamps, events and buffers. Buffers are the producer's own memory,
 * read-only; it gets them back when the last reference goes. Whoever maps one
 * for writing gets a copy, as with any read-only memory.
 *
 * Either side may start first, and either may be started anew: see
 * #GstTachyonSrc:on-disconnect. Caps need not be given here.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 tachyonsrc socket-path=/tmp/video ! queue ! \
 *     videoconvert ! autovideosink
 * ]| Show what `videotestsrc ! tachyonsink socket-path=/tmp/video` makes.
 * |[
 * gst-launch-1.0 tachyonsrc socket-path=/tmp/audio on-disconnect=none ! \
 *     audioconvert ! autoaudiosink
 * ]| Play whatever producer is there, and wait for the next one.
 * |[
 * gst-launch-1.0 tachyonsrc socket-path=/tmp/h264 is-live=false \
 *     timestamp-mode=passthrough ! h264parse ! mp4mux ! \
 *     filesink location=a.mp4
 * ]| Record an encoded stream with its own timestamps.
 *
 * ## Messages
 *
 * An element message `reconnected` with the fields `socket-path` and
 * `connects` (guint64) says that a producer was found again.
 *
 * Since: 0.1
 */
#include "gsttachyonsrc.h"

#include <gst/video/video.h>

#include "gsttachyonsrcerror.h"
#include "gsttachyonsrcprivate.h"

GST_DEBUG_CATEGORY (gst_tachyon_src_debug);
#define GST_CAT_DEFAULT gst_tachyon_src_debug

enum
{
  PROP_IS_LIVE = PROP_SRC_SETTINGS_LAST,
  PROP_STATS,
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstTachyonSrc, gst_tachyon_src,
    GST_TYPE_PUSH_SRC,
    GST_DEBUG_CATEGORY_INIT (gst_tachyon_src_debug, "tachyonsrc", 0,
        "tachyonsrc element"));
GST_ELEMENT_REGISTER_DEFINE (tachyonsrc, "tachyonsrc", GST_RANK_NONE,
    GST_TYPE_TACHYON_SRC);

gchar *
gst_tachyon_src_copy_address (GstTachyonSrc *self)
{
  gchar *address = NULL;

  GST_OBJECT_LOCK (self);
  if (self->settings.socket_path && *self->settings.socket_path)
    address = gst_tachyon_address_new (self->settings.socket_path,
        self->settings.socket_type);
  GST_OBJECT_UNLOCK (self);
  return address;
}

/* --- the base class's questions --- */

static gboolean
gst_tachyon_src_start (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);
  struct tachyon_subscriber_options options = { .size = sizeof options };
  gchar *address = gst_tachyon_src_copy_address (self);
  GstTachyonReceiver *receiver, *old;
  GstTachyonTimestampMode mode;
  gint ret;

  if (!address) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("No socket-path was given."),
        (NULL));
    return FALSE;
  }

  GST_OBJECT_LOCK (self);
  /* Each frame held may need two cells of the ring that returns it. */
  options.ring_size = (guint64) self->settings.max_buffers * 128;
  options.latest_only =
      self->settings.leaky_type == GST_TACHYON_SRC_LEAKY_TYPE_DOWNSTREAM;
  mode = self->settings.timestamp_mode;
  GST_OBJECT_UNLOCK (self);
  gst_tachyon_timeline_init (&self->timeline, mode,
      gst_base_src_is_live (bsrc));

  ret = gst_tachyon_client_open (&self->client, address, &options);
  if (ret < 0) {
    gst_tachyon_src_error_post_connect (GST_ELEMENT (self), address, ret);
    g_free (address);
    return FALSE;
  }
  g_free (address);

  receiver = gst_tachyon_receiver_new ();
  GST_OBJECT_LOCK (self);
  old = self->receiver;
  self->receiver = receiver;
  self->producer_latency = 0;
  self->delta = 0;
  self->was_late = FALSE;
  self->lost_events = 0;
  GST_OBJECT_UNLOCK (self);
  if (old)
    gst_tachyon_receiver_free (old);

  self->is_connected = FALSE;
  self->is_discont = FALSE;
  self->connecting_since = GST_CLOCK_TIME_NONE;
  self->base_clock = NULL;
  self->base_measured = 0;
  self->unstamped = NULL;
  return TRUE;
}

static gboolean
gst_tachyon_src_stop (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);

  gst_tachyon_client_close (&self->client);
  self->is_connected = FALSE;
  return TRUE;
}

static gboolean
gst_tachyon_src_unlock (GstBaseSrc *bsrc)
{
  gst_tachyon_client_cancel (&GST_TACHYON_SRC (bsrc)->client);
  return TRUE;
}

static gboolean
gst_tachyon_src_unlock_stop (GstBaseSrc *bsrc)
{
  gst_tachyon_client_resume (&GST_TACHYON_SRC (bsrc)->client);
  return TRUE;
}

static gboolean
gst_tachyon_src_is_seekable (GstBaseSrc *bsrc)
{
  return FALSE;
}

/* Caps are the producer's: nothing is negotiated, downstream is only asked
 * what it needs. */
static gboolean
gst_tachyon_src_negotiate (GstBaseSrc *bsrc)
{
  return TRUE;
}

static gboolean
gst_tachyon_src_decide_allocation (GstBaseSrc *bsrc, GstQuery *query)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);
  guint need = 0;

  gst_tachyon_receiver_set_video_meta (self->receiver,
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));

  /* Memory is the producer's: no pool, no allocator. */
  while (gst_query_get_n_allocation_pools (query) > 0) {
    GstBufferPool *pool;
    guint min;

    gst_query_parse_nth_allocation_pool (query, 0, &pool, NULL, &min, NULL);
    gst_clear_object (&pool);
    need = MAX (need, min);
    gst_query_remove_nth_allocation_pool (query, 0);
  }
  while (gst_query_get_n_allocation_params (query) > 0)
    gst_query_remove_nth_allocation_param (query, 0);

  GST_DEBUG_OBJECT (self, "downstream holds %u buffers", need);
  if (need > 0)
    tachyon_subscriber_set_need (self->client.subscriber, need + 1);
  return TRUE;
}

static gboolean
answer_latency (GstTachyonSrc *self, GstQuery *query)
{
  const gboolean is_live = gst_base_src_is_live (GST_BASE_SRC (self));
  GstClockTime min;

  GST_OBJECT_LOCK (self);
  min = self->producer_latency + self->settings.processing_deadline;
  GST_OBJECT_UNLOCK (self);

  /* The ring holds what downstream is late to take: there is no maximum that
   * a sink should be warned of. */
  gst_query_set_latency (query, is_live, is_live ? min : 0,
      GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean
gst_tachyon_src_query (GstBaseSrc *bsrc, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return answer_latency (GST_TACHYON_SRC (bsrc), query);
  return GST_BASE_SRC_CLASS (gst_tachyon_src_parent_class)->query (bsrc, query);
}

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

static gboolean
gst_tachyon_src_event (GstBaseSrc *bsrc, GstEvent *event)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_QOS:
      if (qos_is_news (self, event))
        send_upstream (self, event);
      break;
    case GST_EVENT_RECONFIGURE:
      send_upstream (self, event);
      break;
    case GST_EVENT_NAVIGATION:
    case GST_EVENT_TOC_SELECT:
    case GST_EVENT_CUSTOM_UPSTREAM:
    case GST_EVENT_CUSTOM_BOTH:
    case GST_EVENT_CUSTOM_BOTH_OOB:
      return send_upstream (self, event);
    default:
      /* LATENCY is this pipeline's own: the producer has another. */
      break;
  }
  return GST_BASE_SRC_CLASS (gst_tachyon_src_parent_class)->event (bsrc, event);
}

/* --- properties --- */

static GstStructure *
make_stats (GstTachyonSrc *self)
{
  struct tachyon_subscriber_stats stats;
  guint64 copied = 0, malformed = 0, lost_events;
  gboolean is_open;

  gst_tachyon_client_get_stats (&self->client, &stats, &is_open);
  GST_OBJECT_LOCK (self);
  if (self->receiver)
    gst_tachyon_receiver_get_counts (self->receiver, &copied, &malformed);
  lost_events = self->lost_events;
  GST_OBJECT_UNLOCK (self);

  return gst_structure_new ("application/x-tachyonsrc-stats", "frames",
      G_TYPE_UINT64, stats.frames, "bytes", G_TYPE_UINT64, stats.bytes,
      "copied", G_TYPE_UINT64, stats.copied + copied, "dropped", G_TYPE_UINT64,
      stats.dropped, "not-carried", G_TYPE_UINT64, malformed + lost_events,
      "subscribers", G_TYPE_UINT, is_open && stats.peer_pid != 0 ? 1 : 0,
      "held", G_TYPE_UINT64, stats.held, "waits", G_TYPE_UINT64, stats.sleeps,
      "connects", G_TYPE_UINT64, stats.connects, "payload-bytes", G_TYPE_UINT64,
      stats.mapped_bytes, "system-calls", G_TYPE_UINT64,
      tachyon_system_calls (), NULL);
}

static void
gst_tachyon_src_set_property (GObject *object, guint prop_id,
    const GValue *value, GParamSpec *pspec)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (object);
  gboolean is_known;

  if (prop_id == PROP_IS_LIVE) {
    gst_base_src_set_live (GST_BASE_SRC (self), g_value_get_boolean (value));
    return;
  }

  GST_OBJECT_LOCK (self);
  is_known = gst_tachyon_src_settings_set (&self->settings, prop_id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
  if (prop_id == PROP_PROCESSING_DEADLINE)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

static void
gst_tachyon_src_get_property (GObject *object, guint prop_id, GValue *value,
    GParamSpec *pspec)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (object);
  gboolean is_known;

  switch (prop_id) {
    case PROP_IS_LIVE:
      g_value_set_boolean (value, gst_base_src_is_live (GST_BASE_SRC (self)));
      return;
    case PROP_STATS:
      g_value_take_boxed (value, make_stats (self));
      return;
    default:
      break;
  }

  GST_OBJECT_LOCK (self);
  is_known = gst_tachyon_src_settings_get (&self->settings, prop_id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
install_properties (GObjectClass *gobject_class)
{
  gst_tachyon_src_settings_install (gobject_class);

  /**
   * GstTachyonSrc:is-live:
   *
   * Whether the producer is to be treated as a camera is: no preroll, and no
   * buffers while paused. A source that is not live prerolls and keeps the
   * producer's running times as they are.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Whether to act as a live source", TRUE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));

  /**
   * GstTachyonSrc:stats:
   *
   * Figures since the element left READY; they stay until the next time. Of
   * type guint64 unless said otherwise:
   *
   * * `frames`, `bytes`: received
   * * `copied`: buffers whose payload had to be copied: small ones, those that
   *   came while the producer was short of memory, and pictures whose planes
   *   downstream would not find
   * * `dropped`: skipped, see #GstTachyonSrc:leaky-type
   * * `not-carried`: metas and events that were not understood
   * * `subscribers` (guint): 1 while connected
   * * `held`: buffers that the producer has not got back, now
   * * `waits`, `connects`: times we slept, and found a producer
   * * `payload-bytes`: of the producer's memory that is mapped, now
   * * `system-calls`: of all tachyon elements in this process
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "Figures of the reception",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_tachyon_src_finalize (GObject *object)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (object);

  gst_tachyon_client_clear (&self->client);
  g_clear_pointer (&self->receiver, gst_tachyon_receiver_free);
  gst_tachyon_src_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_tachyon_src_parent_class)->finalize (object);
}

static void
gst_tachyon_src_init (GstTachyonSrc *self)
{
  GstBaseSrc *bsrc = GST_BASE_SRC (self);

  gst_tachyon_src_settings_init (&self->settings);
  gst_tachyon_client_init (&self->client);
  gst_base_src_set_live (bsrc, TRUE);
  gst_base_src_set_format (bsrc, GST_FORMAT_TIME);
  /* The producer says when its stream is over; reaching a segment's stop may
   * be followed by another segment. */
  gst_base_src_set_automatic_eos (bsrc, FALSE);
}

static void
gst_tachyon_src_class_init (GstTachyonSrcClass *klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *base_src_class = GST_BASE_SRC_CLASS (klass);
  GstPushSrcClass *push_src_class = GST_PUSH_SRC_CLASS (klass);

  gobject_class->set_property =
      GST_DEBUG_FUNCPTR (gst_tachyon_src_set_property);
  gobject_class->get_property =
      GST_DEBUG_FUNCPTR (gst_tachyon_src_get_property);
  gobject_class->finalize = GST_DEBUG_FUNCPTR (gst_tachyon_src_finalize);
  install_properties (gobject_class);

  base_src_class->start = GST_DEBUG_FUNCPTR (gst_tachyon_src_start);
  base_src_class->stop = GST_DEBUG_FUNCPTR (gst_tachyon_src_stop);
  base_src_class->unlock = GST_DEBUG_FUNCPTR (gst_tachyon_src_unlock);
  base_src_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_tachyon_src_unlock_stop);
  base_src_class->is_seekable = GST_DEBUG_FUNCPTR (gst_tachyon_src_is_seekable);
  base_src_class->negotiate = GST_DEBUG_FUNCPTR (gst_tachyon_src_negotiate);
  base_src_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_tachyon_src_decide_allocation);
  base_src_class->query = GST_DEBUG_FUNCPTR (gst_tachyon_src_query);
  base_src_class->event = GST_DEBUG_FUNCPTR (gst_tachyon_src_event);
  push_src_class->create = GST_DEBUG_FUNCPTR (gst_tachyon_src_create);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Tachyon source",
      "Source", "Receives frames from a tachyonsink, without a copy",
      "The Tachyon authors");
}
