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
 * What the producer sends as `memory:DMABuf` comes out as such, with the
 * GstVideoMeta that tells strides and offsets, and is never copied, whatever
 * #GstTachyonSrc:always-copy says. The same #GstMemory comes again with each
 * frame in the same piece of a descriptor, mapped as it was.
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
 * |[
 * gst-launch-1.0 playbin uri=tachyon:///tmp/video
 * ]| Play whatever comes, decoded where it must be. The URI `tachyon://@name` is
 * an abstract name; properties may follow, as in
 * `tachyon:///tmp/video?is-live=false&on-disconnect=none`: #GstTachyonSrc:is-live,
 * #GstTachyonSrc:timestamp-mode, #GstTachyonSrc:on-disconnect,
 * #GstTachyonSrc:leaky-type, #GstTachyonSrc:max-buffers,
 * #GstTachyonSrc:connection-timeout and #GstTachyonSrc:always-copy.
 *
 * ## What the producer learns
 *
 * The producer is told how many buffers this pipeline holds, what alignment it
 * needs, whether it reads #GstVideoMeta, and what caps it takes. A producer whose
 * only subscriber takes another format than the one it sends is asked for that;
 * what it cannot change is an error here, after a second.
 *
 * ## Messages
 *
 * An element message `reconnected` with the fields `socket-path` and
 * `connects` (guint64) says that a producer was found again.
 *
 * While there is no producer, progress messages with the code `connect` tell
 * of the wait: START, then COMPLETE, CANCELED or ERROR.
 *
 * Since: 0.1
 */
#include "gsttachyonsrc.h"

#include <gst/video/video.h>

#include "gsttachyonsrccontrol.h"
#include "gsttachyonsrcerror.h"
#include "gsttachyonsrcfigures.h"
#include "gsttachyonsrcprivate.h"
#include "gsttachyonuri.h"

GST_DEBUG_CATEGORY (gst_tachyon_src_debug);
#define GST_CAT_DEFAULT gst_tachyon_src_debug

enum
{
  PROP_IS_LIVE = PROP_SRC_FIGURES_LAST,
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE_WITH_CODE (
    GstTachyonSrc, gst_tachyon_src, GST_TYPE_PUSH_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_tachyon_uri_handler_init);
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

gchar *
gst_tachyon_src_describe_peer (GstTachyonSrc *self)
{
  gchar *address = gst_tachyon_src_copy_address (self);
  gint fd;

  if (address)
    return address;
  GST_OBJECT_LOCK (self);
  fd = self->settings.fd;
  GST_OBJECT_UNLOCK (self);
  return g_strdup_printf ("fd %d", fd);
}

/* --- the base class's questions --- */

static gboolean
gst_tachyon_src_start (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);
  struct tachyon_subscriber_options options = {
    .size = sizeof options,
    .takes_urgent = 1,
    .takes_descriptors = 1,
  };
  gchar *address = gst_tachyon_src_copy_address (self);
  GstTachyonReceiver *receiver, *old;
  GstTachyonTimestampMode mode;
  gboolean has_peer;
  gint ret;

  GST_OBJECT_LOCK (self);
  has_peer = address || self->settings.fd >= 0;
  /* Each frame held may need two cells of the ring that returns it. */
  options.ring_size = (guint64) self->settings.max_buffers * 128;
  options.latest_only =
      self->settings.leaky_type == GST_TACHYON_SRC_LEAKY_TYPE_DOWNSTREAM;
  mode = self->settings.timestamp_mode;
  GST_OBJECT_UNLOCK (self);
  if (!has_peer) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("No producer: set the property socket-path."), (NULL));
    return FALSE;
  }
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
  self->wants_segment_done = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (old)
    gst_tachyon_receiver_free (old);

  self->is_connected = FALSE;
  self->has_used_fd = FALSE;
  self->is_discont = FALSE;
  self->connecting_since = GST_CLOCK_TIME_NONE;
  self->unstamped = NULL;
  gst_tachyon_src_drop_unpushed (self);
  gst_tachyon_control_start (&self->control);
  return TRUE;
}

static gboolean
gst_tachyon_src_stop (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);

  gst_tachyon_control_stop (&self->control);
  gst_tachyon_client_close (&self->client);
  gst_tachyon_clock_clear (&self->clock);
  self->is_connected = FALSE;
  return TRUE;
}

static gboolean
gst_tachyon_src_unlock (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);
  /* A pause keeps nobody from waiting for the end of a flush: see
   * wait_out_pause(). */
  const gboolean is_pause =
      g_atomic_pointer_get (&self->pausing) == g_thread_self ();

  if (!is_pause)
    gst_tachyon_control_set_unlocked (&self->control, TRUE);
  gst_tachyon_client_cancel (&self->client, is_pause);
  return TRUE;
}

static gboolean
gst_tachyon_src_unlock_stop (GstBaseSrc *bsrc)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (bsrc);

  gst_tachyon_control_set_unlocked (&self->control, FALSE);
  gst_tachyon_client_resume (&self->client);
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
  const guint need =
      gst_tachyon_src_needs_take_allocation (&self->needs, query);

  gst_tachyon_receiver_set_video_meta (self->receiver,
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));

  /* Memory is the producer's: no pool, no allocator. */
  while (gst_query_get_n_allocation_pools (query) > 0)
    gst_query_remove_nth_allocation_pool (query, 0);
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
  min = self->settings.processing_deadline;
  /* What is due on arrival has the producer's latency behind it. */
  if (self->settings.timestamp_mode != GST_TACHYON_TIMESTAMP_MODE_ARRIVAL)
    min += self->producer_latency;
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
  if (gst_tachyon_src_control_query (GST_TACHYON_SRC (bsrc), query))
    return TRUE;
  return GST_BASE_SRC_CLASS (gst_tachyon_src_parent_class)->query (bsrc, query);
}

static gboolean
gst_tachyon_src_event (GstBaseSrc *bsrc, GstEvent *event)
{
  gboolean result;

  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE)
    gst_tachyon_src_needs_refresh (&GST_TACHYON_SRC (bsrc)->needs);
  if (gst_tachyon_src_control_event (GST_TACHYON_SRC (bsrc), event, &result))
    return result;
  return GST_BASE_SRC_CLASS (gst_tachyon_src_parent_class)->event (bsrc, event);
}

/* --- the element --- */

/* The base class keeps a seek for later, or tries its own. */
static gboolean
gst_tachyon_src_send_event (GstElement *element, GstEvent *event)
{
  gboolean result;

  if (!GST_EVENT_IS_UPSTREAM (event) || GST_EVENT_IS_DOWNSTREAM (event))
    return GST_ELEMENT_CLASS (gst_tachyon_src_parent_class)
        ->send_event (element, event);

  result = gst_tachyon_src_event (GST_BASE_SRC (element), event);
  gst_event_unref (event);
  return result;
}

static GstStateChangeReturn
gst_tachyon_src_change_state (GstElement *element, GstStateChange transition)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (element);
  GstStateChangeReturn ret;

  /* Whoever waits for an answer may do so on the streaming thread, which the
   * base class waits for; and no flush may start that anew. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_tachyon_control_stop (&self->control);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    g_atomic_pointer_set (&self->pausing, g_thread_self ());

  ret = GST_ELEMENT_CLASS (gst_tachyon_src_parent_class)
            ->change_state (element, transition);

  g_atomic_pointer_set (&self->pausing, NULL);
  return ret;
}

/* --- properties --- */

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

  if (prop_id == PROP_IS_LIVE) {
    g_value_set_boolean (value, gst_base_src_is_live (GST_BASE_SRC (self)));
    return;
  }
  if (gst_tachyon_src_figures_get (self, prop_id, value))
    return;

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
  gst_tachyon_src_figures_install (gobject_class);

  /**
   * GstTachyonSrc:is-live:
   *
   * Whether the producer is to be treated as a camera is: no preroll, and no
   * buffers while paused. A source that is not live prerolls and keeps the
   * producer's running times as they are, or, where the producer is live, as
   * they are from where it joined.
   *
   * Since: 0.1
   */
  g_object_class_install_property (gobject_class, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Treat the producer as a camera: no preroll, and no buffers while paused",
          TRUE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
}

static void
gst_tachyon_src_finalize (GObject *object)
{
  GstTachyonSrc *self = GST_TACHYON_SRC (object);

  gst_tachyon_control_clear (&self->control);
  gst_tachyon_src_refusal_clear (&self->refusal);
  gst_tachyon_src_needs_clear (&self->needs);
  gst_tachyon_client_clear (&self->client);
  gst_tachyon_src_drop_unpushed (self);
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
  gst_tachyon_src_needs_init (&self->needs, bsrc, &self->client);
  gst_tachyon_src_control_init (self);
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
  element_class->send_event = GST_DEBUG_FUNCPTR (gst_tachyon_src_send_event);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_tachyon_src_change_state);
  push_src_class->create = GST_DEBUG_FUNCPTR (gst_tachyon_src_create);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Tachyon shared memory source", "Source",
      "Receives buffers of any format from a tachyonsink in another process, "
      "without a copy",
      "The Tachyon authors");
}
