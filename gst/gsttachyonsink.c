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
 * Subscribers may come and go at any time. A late one starts with the current
 * caps and the next buffer.
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
 * Since: 0.1
 */
#include "gsttachyonsink.h"

#include "gsttachyonaudience.h"
#include "gsttachyonsinkerror.h"
#include "gsttachyonpool.h"
#include "gsttachyonsession.h"

GST_DEBUG_CATEGORY (gst_tachyon_sink_debug);
#define GST_CAT_DEFAULT gst_tachyon_sink_debug

/* What the base class means by it. */
#define FLOW_STEP GST_FLOW_CUSTOM_ERROR

struct _GstTachyonSink
{
  GstBaseSink parent;

  /* object lock */
  GstTachyonSinkSettings settings;

  /* Set under the object lock. Open from READY to PAUSED and back; the service
   * and the streaming thread, which exist in between only, read the pointer
   * without the lock. Stays for its figures until the next one. */
  GstTachyonSession *session;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstTachyonSink, gst_tachyon_sink,
    GST_TYPE_BASE_SINK,
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

/* --- sending: on the streaming thread --- */

/* Sleep until a subscriber makes room, or comes, or goes. */
static GstFlowReturn
wait_for_change (GstTachyonSink *self)
{
  const gint ret = tachyon_publisher_wait (self->session->handle, -1);
  GstFlowReturn flow;

  /* What we met on the way, such as a subscriber that left, the service's sleep
   * may have missed. */
  gst_tachyon_service_collect (self->session->service);
  if (ret != TACHYON_ERR_CANCELED)
    return GST_FLOW_OK;

  /* unlock() woke us: a flush or a state change, which decides what follows. A
   * step is not taken while a buffer is half sent: it waits for PLAYING. */
  do {
    flow = gst_base_sink_wait_preroll (GST_BASE_SINK (self));
  } while (flow == FLOW_STEP);

  return flow;
}

static gint
send_buffer (GstTachyonSink *self, GstBuffer *buffer)
{
  GstTachyonSession *const session = self->session;
  gboolean wait_for_connection;
  gint64 min_memory_size;
  gint ret;

  GST_OBJECT_LOCK (self);
  wait_for_connection = self->settings.wait_for_connection;
  min_memory_size = self->settings.min_memory_size;
  GST_OBJECT_UNLOCK (self);

  ret = gst_tachyon_sender_send_queued (session->sender);
  if (ret < 0)
    return ret;

  ret = gst_tachyon_sender_send_clock (session->sender, GST_ELEMENT (self),
      gst_base_sink_get_latency (GST_BASE_SINK (self)));
  if (ret < 0)
    return ret;

  if (wait_for_connection &&
      tachyon_publisher_subscribers (session->handle) == 0)
    return TACHYON_ERR_AGAIN;

  return gst_tachyon_sender_send_buffer (session->sender, buffer,
      min_memory_size);
}

static GstFlowReturn
gst_tachyon_sink_render (GstBaseSink *bsink, GstBuffer *buffer)
{
  GstTachyonSink *const self = GST_TACHYON_SINK (bsink);
  GstTachyonNewest *const newest = self->session->newest;
  gint ret;

  gst_tachyon_service_set_idle (self->session->service, FALSE);

  /* Subscribers first, but those that are slow do not hold the stream up. */
  ret = send_buffer (self, buffer);
  if (newest && !gst_tachyon_newest_write (newest, buffer))
    return GST_FLOW_ERROR;

  while (ret == TACHYON_ERR_AGAIN) {
    const GstFlowReturn flow = wait_for_change (self);

    if (flow != GST_FLOW_OK)
      return flow;
    ret = send_buffer (self, buffer);
  }
  gst_tachyon_service_collect (self->session->service);

  if (ret < 0) {
    gst_tachyon_sink_error_post_send (GST_ELEMENT (self),
        gst_buffer_get_size (buffer), ret);
    return GST_FLOW_ERROR;
  }

  return GST_FLOW_OK;
}

static GstFlowReturn
gst_tachyon_sink_render_list (GstBaseSink *bsink, GstBufferList *list)
{
  const guint length = gst_buffer_list_length (list);
  GstFlowReturn flow = GST_FLOW_OK;
  guint i;

  for (i = 0; i < length && flow == GST_FLOW_OK; i++)
    flow = gst_tachyon_sink_render (bsink, gst_buffer_list_get (list, i));

  return flow;
}

/* --- events: most on the streaming thread --- */

/* Returns: FALSE when flushing. */
static gboolean
send_event (GstTachyonSink *self, GstEvent *event, gboolean may_wait)
{
  GstTachyonSender *const sender = self->session->sender;

  gst_tachyon_sender_queue_event (sender, event);

  while (gst_tachyon_sender_send_queued (sender) == TACHYON_ERR_AGAIN &&
      may_wait) {
    if (wait_for_change (self) != GST_FLOW_OK)
      return FALSE;
  }

  return TRUE;
}

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
  if (!send_event (self, event, TRUE))
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
  return gst_tachyon_session_set_caps (self->session, GST_ELEMENT (self), caps,
      shm_size);
}

/* Not on the streaming thread, which may wait in our allocator: the base class
 * wakes it by unlock(), and it finds this. */
static void
handle_flush_start (GstTachyonSink *self)
{
  GstTachyonSession *const session = ref_session (self);

  if (session)
    gst_tachyon_publisher_set_flushing (session->publisher, TRUE);
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
      gst_tachyon_sender_flush (self->session->sender);
      gst_tachyon_publisher_set_flushing (self->session->publisher, FALSE);
      break;
    case GST_EVENT_EOS:
    case GST_EVENT_GAP:
      /* wait_event() */
      break;
    default:
      if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS &&
          !handle_caps (self, event))
        goto refused;
      if (GST_EVENT_IS_SERIALIZED (event) &&
          !send_event (self, event, may_wait (self)))
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

  if (!session)
    return FALSE;

  gst_tachyon_pool_propose (GST_TACHYON_ALLOCATOR (session->allocator), query);
  gst_tachyon_session_unref (session);

  return TRUE;
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
  gst_element_class_set_static_metadata (element_class, "Tachyon sink", "Sink",
      "Sends buffers to tachyonsrc elements in other processes, without a copy",
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
