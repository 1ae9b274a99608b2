/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/**
 * SECTION:element-tachyonsink
 * @title: tachyonsink
 * @see_also: tachyonsrc
 *
 * Sends buffers to tachyonsrc elements in other processes (or in this one),
 * with caps, timestamps, events and metas, and without copying the payload:
 * upstream writes into shared memory, and every subscriber reads it there.
 *
 * This works with every element that takes the memory or the pool that
 * downstream offers, such as most sources, decoders and converters. Anything
 * else is copied once; the field `copied` of #GstTachyonSink:stats tells how
 * often. A `tee` hands no pool upstream: put tachyonsink before it, or connect
 * several subscribers to one sink instead.
 *
 * Buffers of caps with the feature `memory:DMABuf` are neither copied nor
 * mapped. The descriptor of each buffer of upstream's pool crosses once to each
 * subscriber; then it has a number, and costs no system call. Upstream has its
 * buffer back when all subscribers are done with it, and its pool must be large
 * enough for what they hold. What lies behind several descriptors is refused
 * with an error, as is memory that is no DMABuf whatever its caps say. Under
 * other caps DMABuf memory is copied, as any.
 *
 * Subscribers may come and go at any time. A late one starts with the current
 * caps and the next buffer; where buffers depend on others, as in encoded video,
 * the encoder is asked for a key unit.
 *
 * ## Example launch lines
 *
 * In one terminal
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=I420 \
 *     ! tachyonsink socket-path=/tmp/tachyon
 * ]|
 * and in another
 * |[
 * gst-launch-1.0 tachyonsrc socket-path=/tmp/tachyon ! videoconvert ! autovideosink
 * ]|
 * Play a file, all of it, to whoever comes first:
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! qtdemux ! h264parse \
 *     ! avdec_h264 \
 *     ! tachyonsink socket-path=/tmp/tachyon wait-for-connection=true
 * ]|
 * Keep a camera's last picture for programs that ask for it by name
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! video/x-raw,format=BGR \
 *     ! tachyonsink socket-path=/tmp/tachyon stream-name=camera
 * ]|
 * such as
 * |[
 * python3 -c 'import tachyon.stream; print(tachyon.stream.open("camera").read())'
 * ]|
 *
 * ## What subscribers need
 *
 * The most that any of them asks for is proposed upstream: buffers, alignment,
 * and planes without #GstVideoMeta where one of them cannot read it. Upstream may
 * send any caps; asked for caps, this element names first those that all
 * subscribers take. It asks upstream for another format only when none of them
 * takes the one that is sent, and never for another one of raw audio that flows.
 *
 * ## Messages
 *
 * Element messages `client-connected` and `client-disconnected` tell of
 * subscribers, as the signals do, with the fields `id` (guint64), `pid` (guint,
 * 0 where unknown), and `num-clients` (guint); the latter also with `reason`:
 * `left`, `died`, `broke-protocol` or `shut-down`. A sink that stops posts none.
 *
 * Since: 0.1
 */
#include "gsttachyonsink.h"

#include "gsttachyonaudience.h"
#include "gsttachyonsinkerror.h"
#include "gsttachyonpool.h"
#include "gsttachyonsinkprivate.h"
#include "gsttachyonuri.h"

GST_DEBUG_CATEGORY (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE_WITH_CODE (
    GstTachyonSink, gst_tachyon_sink, GST_TYPE_BASE_SINK,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, gst_tachyon_uri_handler_init);
    GST_DEBUG_CATEGORY_INIT (gst_tachyon_sink_debug, "tachyonsink", 0,
        "tachyonsink"));
GST_ELEMENT_REGISTER_DEFINE (tachyonsink, "tachyonsink", GST_RANK_NONE,
    GST_TYPE_TACHYON_SINK);

/* --- the session --- */

/* Returns: (transfer full) (nullable): for threads that are not streaming. */
static GstTachyonSession *
ref_session (GstTachyonSink *self)
{
  GstTachyonSession *session;

  GST_OBJECT_LOCK (self);
  session = self->session ? gst_tachyon_session_ref (self->session) : NULL;
  GST_OBJECT_UNLOCK (self);

  return session;
}

/* Returns: a copy, to be cleared. */
static GstTachyonSinkSettings
copy_settings (GstTachyonSink *self)
{
  GstTachyonSinkSettings settings;

  GST_OBJECT_LOCK (self);
  gst_tachyon_sink_settings_copy (&settings, &self->settings);
  GST_OBJECT_UNLOCK (self);

  return settings;
}

static gboolean
open_session (GstTachyonSink *self)
{
  GstTachyonSinkSettings settings = copy_settings (self);
  GstTachyonSession *const session = gst_tachyon_session_open (
      GST_ELEMENT (self), &settings, gst_tachyon_audience_handle_notice);
  GstTachyonSession *old;

  gst_tachyon_sink_settings_clear (&settings);
  if (!session)
    return FALSE;

  GST_OBJECT_LOCK (self);
  old = self->session;
  self->session = session;
  GST_OBJECT_UNLOCK (self);
  gst_tachyon_session_unref (old);

  return TRUE;
}

static void
close_session (GstTachyonSink *self)
{
  GstTachyonFigures figures;

  gst_tachyon_session_get_figures (self->session, &figures);
  gst_tachyon_session_close (self->session);
  if (figures.publisher.subscribers > 0)
    g_object_notify (G_OBJECT (self), "num-clients");
}

/* Who was canceled once more on its way waits for the signal. */
static void
resume_in_playing (GstTachyonSink *self)
{
  GST_BASE_SINK_PREROLL_LOCK (self);
  gst_tachyon_publisher_resume (self->session->publisher);
  GST_BASE_SINK_PREROLL_SIGNAL (self);
  GST_BASE_SINK_PREROLL_UNLOCK (self);
}

static GstStateChangeReturn
gst_tachyon_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (element);
  GstStateChangeReturn ret;

  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!open_session (self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      /* Upstream may wait in our allocator; the base class wakes it. */
      gst_tachyon_publisher_set_flushing (self->session->publisher, TRUE);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      /* The base class takes the preroll lock, without a call of unlock(). A
       * thread that a change to PAUSED and back woke too late has it, and waits
       * for subscribers. */
      gst_tachyon_publisher_cancel (self->session->publisher);
      break;
    default:
      break;
  }

  ret = GST_ELEMENT_CLASS (gst_tachyon_sink_parent_class)
            ->change_state (element, transition);

  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (ret == GST_STATE_CHANGE_FAILURE)
        close_session (self);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      resume_in_playing (self);
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      gst_tachyon_service_set_idle (self->session->service, TRUE);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      close_session (self);
      break;
    default:
      break;
  }

  return ret;
}

/* The pipeline's, not upstream's: those go to the pad. */
static gboolean
gst_tachyon_sink_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    gst_tachyon_sink_latency_update (&GST_TACHYON_SINK (element)->latency,
        GST_BASE_SINK (element));

  return GST_ELEMENT_CLASS (gst_tachyon_sink_parent_class)
      ->send_event (element, event);
}

static gboolean
gst_tachyon_sink_unlock (GstBaseSink *bsink)
{
  GstTachyonSession *const session = ref_session (GST_TACHYON_SINK (bsink));

  if (session)
    gst_tachyon_publisher_cancel (session->publisher);
  gst_tachyon_session_unref (session);

  return TRUE;
}

static gboolean
gst_tachyon_sink_unlock_stop (GstBaseSink *bsink)
{
  GstTachyonSession *const session = ref_session (GST_TACHYON_SINK (bsink));

  if (session)
    gst_tachyon_publisher_resume (session->publisher);
  gst_tachyon_session_unref (session);

  return TRUE;
}

/* --- events: most on the streaming thread --- */

/* EOS and GAP have a time, and the base class waits for it here: they follow the
 * last buffer, and the application hears of EOS after subscribers do. */
static GstFlowReturn
gst_tachyon_sink_wait_event (GstBaseSink *bsink, GstEvent *event)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (bsink);
  const GstFlowReturn flow = GST_BASE_SINK_CLASS (gst_tachyon_sink_parent_class)
                                 ->wait_event (bsink, event);

  if (flow != GST_FLOW_OK)
    return flow;
  if (!gst_tachyon_sink_send (self, event, TRUE))
    return GST_FLOW_FLUSHING;
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    gst_tachyon_service_set_idle (self->session->service, TRUE);

  return GST_FLOW_OK;
}

/* In PAUSED nothing may wait under the preroll lock, which the change to
 * PLAYING takes without a call of unlock(). */
static gboolean
may_wait (GstTachyonSink *self)
{
  return GST_STATE_TARGET (self) == GST_STATE_PLAYING &&
      !GST_BASE_SINK (self)->need_preroll;
}

static gboolean
handle_caps (GstTachyonSink *self, GstEvent *event)
{
  GstCaps *caps;
  guint64 shm_size;

  GST_OBJECT_LOCK (self);
  shm_size = self->settings.shm_size;
  GST_OBJECT_UNLOCK (self);

  gst_event_parse_caps (event, &caps);
  if (!gst_tachyon_session_set_caps (self->session, GST_ELEMENT (self), caps,
          shm_size))
    return FALSE;

  /* Who spoke while upstream made its choice was not heard. */
  gst_tachyon_audience_reconsider (self->session);
  return TRUE;
}

/* Not on the streaming thread, which may wait in our allocator: the base class
 * wakes it by unlock(), and it finds this. */
static void
handle_flush_start (GstTachyonSink *self)
{
  GstTachyonSession *const session = ref_session (self);
  struct tachyon_publisher *handle;

  if (!session)
    return;

  gst_tachyon_publisher_set_flushing (session->publisher, TRUE);
  handle = gst_tachyon_publisher_enter (session->publisher);
  if (handle) {
    gst_tachyon_flush_begin (&session->flush, handle);
    gst_tachyon_publisher_leave (session->publisher);
  }
  gst_tachyon_session_unref (session);
}

static void
handle_flush_stop (GstTachyonSink *self, GstEvent *event)
{
  GstTachyonSession *const session = self->session;
  gboolean reset_time;

  gst_event_parse_flush_stop (event, &reset_time);
  gst_tachyon_sender_flush (session->sender);
  gst_tachyon_flush_end (&session->flush, session->handle, reset_time);
  gst_tachyon_publisher_set_flushing (session->publisher, FALSE);
}

/* What overtakes the stream. Any thread. */
static void
handle_out_of_band (GstTachyonSink *self, GstEvent *event)
{
  GstTachyonSession *const session = ref_session (self);
  struct tachyon_publisher *handle = NULL;

  if (session)
    handle = gst_tachyon_publisher_enter (session->publisher);
  if (handle) {
    gst_tachyon_sender_send_urgent (session->sender, event);
    gst_tachyon_publisher_leave (session->publisher);
  }
  gst_tachyon_session_unref (session);
}

static gboolean
gst_tachyon_sink_event (GstBaseSink *bsink, GstEvent *event)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (bsink);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      handle_flush_start (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      handle_flush_stop (self, event);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
    case GST_EVENT_CUSTOM_BOTH_OOB:
    case GST_EVENT_INSTANT_RATE_CHANGE:
      handle_out_of_band (self, event);
      break;
    case GST_EVENT_EOS:
    case GST_EVENT_GAP:
      /* wait_event() */
      break;
    default:
      if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
        gst_tachyon_key_unit_begin (&self->session->key_unit);
      if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS &&
          !handle_caps (self, event))
        goto refused;
      if (GST_EVENT_IS_SERIALIZED (event) &&
          !gst_tachyon_sink_send (self, event, may_wait (self)))
        goto refused;
      break;
  }

  return GST_BASE_SINK_CLASS (gst_tachyon_sink_parent_class)
      ->event (bsink, event);

refused:
  gst_event_unref (event);
  return FALSE;
}

static gboolean
gst_tachyon_sink_propose_allocation (GstBaseSink *bsink, GstQuery *query)
{
  GstTachyonSession *const session = ref_session (GST_TACHYON_SINK (bsink));
  GstTachyonNeeds needs;

  if (!session)
    return FALSE;

  gst_tachyon_session_propose_needs (session, &needs);
  gst_tachyon_pool_propose (GST_TACHYON_ALLOCATOR (session->allocator), query,
      &needs);
  gst_tachyon_session_unref (session);

  return TRUE;
}

/* Subscribers are asked what they like; what they do not take they must refuse
 * themselves. */
static GstCaps *
gst_tachyon_sink_get_caps (GstBaseSink *bsink, GstCaps *filter)
{
  GstTachyonSession *const session = ref_session (GST_TACHYON_SINK (bsink));
  GstCaps *caps;

  if (!session)
    return filter ? gst_caps_ref (filter) : gst_caps_new_any ();

  caps = gst_tachyon_demand_get_caps (session->demand, filter);
  gst_tachyon_session_unref (session);
  return caps;
}

/* --- the object --- */

static void
update_policy (GstTachyonSink *self)
{
  GstTachyonSession *const session = ref_session (self);
  GstTachyonSinkSettings settings;

  if (!session)
    return;

  settings = copy_settings (self);
  gst_tachyon_session_update_policy (session, &settings);
  gst_tachyon_sink_settings_clear (&settings);
  gst_tachyon_session_unref (session);
}

static void
gst_tachyon_sink_set_property (GObject *object, guint prop_id,
    const GValue *value, GParamSpec *pspec)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_tachyon_sink_settings_set (&self->settings, prop_id, value);
  GST_OBJECT_UNLOCK (self);

  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);

  /* Also wakes who waits, to look at wait-for-connection again. */
  if (prop_id == PROP_MAX_BUFFERS || prop_id == PROP_LEAKY_TYPE ||
      prop_id == PROP_WAIT_FOR_CONNECTION)
    update_policy (self);
}

static void
gst_tachyon_sink_get_property (GObject *object, guint prop_id, GValue *value,
    GParamSpec *pspec)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (object);
  GstTachyonFigures figures = { 0 };
  GstTachyonSession *session;
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_tachyon_sink_settings_get (&self->settings, prop_id, value);
  GST_OBJECT_UNLOCK (self);
  if (known)
    return;

  /* Asks the library, which is not done under the object lock. */
  session = ref_session (self);
  if (session)
    gst_tachyon_session_get_figures (session, &figures);
  gst_tachyon_session_unref (session);

  if (!gst_tachyon_figures_get (&figures, GST_ELEMENT (self), prop_id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
gst_tachyon_sink_finalize (GObject *object)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (object);

  gst_tachyon_session_unref (self->session);
  gst_tachyon_sink_settings_clear (&self->settings);

  G_OBJECT_CLASS (gst_tachyon_sink_parent_class)->finalize (object);
}

static void
gst_tachyon_sink_class_init (GstTachyonSinkClass *klass)
{
  GObjectClass *const object_class = G_OBJECT_CLASS (klass);
  GstElementClass *const element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *const sink_class = GST_BASE_SINK_CLASS (klass);

  object_class->set_property =
      GST_DEBUG_FUNCPTR (gst_tachyon_sink_set_property);
  object_class->get_property =
      GST_DEBUG_FUNCPTR (gst_tachyon_sink_get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (gst_tachyon_sink_finalize);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_tachyon_sink_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (gst_tachyon_sink_send_event);

  sink_class->get_caps = GST_DEBUG_FUNCPTR (gst_tachyon_sink_get_caps);
  sink_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_tachyon_sink_propose_allocation);
  sink_class->event = GST_DEBUG_FUNCPTR (gst_tachyon_sink_event);
  sink_class->wait_event = GST_DEBUG_FUNCPTR (gst_tachyon_sink_wait_event);
  sink_class->render = GST_DEBUG_FUNCPTR (gst_tachyon_sink_render);
  sink_class->render_list = GST_DEBUG_FUNCPTR (gst_tachyon_sink_render_list);
  sink_class->unlock = GST_DEBUG_FUNCPTR (gst_tachyon_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_tachyon_sink_unlock_stop);

  gst_tachyon_sink_settings_install (object_class);
  gst_tachyon_figures_install (object_class);
  gst_tachyon_audience_install (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class,
      "Tachyon shared memory sink", "Sink",
      "Sends buffers of any format to tachyonsrc elements in other processes, "
      "without a copy",
      "The Tachyon authors");
}

static void
gst_tachyon_sink_init (GstTachyonSink *self)
{
  GstBaseSink *const bsink = GST_BASE_SINK (self);

  gst_tachyon_sink_settings_init (&self->settings);

  /* The last sample would pin a block at each end; and a live buffer leaves on
   * time, since what happens to it next happens at the subscriber. */
  gst_base_sink_set_last_sample_enabled (bsink, FALSE);
  gst_base_sink_set_processing_deadline (bsink, 0);
}
