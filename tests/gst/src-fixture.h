/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher made of the C API, and a pipeline that begins with a tachyonsrc named "src": what
 * these tests send is what any producer sends.
 */
#ifndef TACHYON_TESTS_SRC_FIXTURE_H
#define TACHYON_TESTS_SRC_FIXTURE_H

#include <gst/gst.h>
#include <poll.h>
#include <string.h>
#include <tachyon.h>

#include "gsttachyonevent.h"
#include "harness.h"

#define PATIENCE_US (10ll * G_USEC_PER_SEC)

/* --- the producer --- */

struct producer {
	struct tachyon_publisher *publisher;
	GThread *thread;
	gint is_stopping;
};

static inline void *serve(void *data)
{
	struct producer *producer = data;

	while (!g_atomic_int_get(&producer->is_stopping)) {
		struct pollfd entry = {.fd = tachyon_publisher_fd(producer->publisher),
				       .events = POLLIN};

		poll(&entry, 1, 5);
		tachyon_publisher_dispatch(producer->publisher);
	}
	return NULL;
}

static inline struct producer *start_producer_with(const char *path,
						   const struct tachyon_publisher_options *options)
{
	struct producer *producer = g_new0(struct producer, 1);

	CHECK_EQ(tachyon_publisher_create(path, options, &producer->publisher), 0);
	producer->thread = g_thread_new("producer", serve, producer);
	return producer;
}

static inline struct producer *start_producer(const char *path)
{
	return start_producer_with(path, NULL);
}

static inline void stop_producer(struct producer *producer)
{
	g_atomic_int_set(&producer->is_stopping, 1);
	g_thread_join(producer->thread);
	tachyon_publisher_destroy(producer->publisher);
	g_free(producer);
}

static inline gboolean has_subscribers(void *producer)
{
	return tachyon_publisher_subscribers(((struct producer *)producer)->publisher) > 0;
}

static inline void await(gboolean (*condition)(void *data), void *data)
{
	const gint64 end = g_get_monotonic_time() + PATIENCE_US;

	while (!condition(data)) {
		CHECK(g_get_monotonic_time() < end);
		g_usleep(1000);
	}
}

static inline void await_subscriber(struct producer *producer)
{
	await(has_subscribers, producer);
}

static inline void send_caps(struct producer *producer, const char *caps)
{
	CHECK_EQ(tachyon_publisher_set_caps(producer->publisher, caps), 0);
}

static inline void send_gst_event(struct producer *producer, GstEvent *event)
{
	GByteArray *bytes = g_byte_array_new();
	struct tachyon_event out;

	CHECK(gst_tachyon_event_encode(event, bytes, &out));
	CHECK_EQ(tachyon_publisher_send_event(producer->publisher, &out), 0);
	g_byte_array_unref(bytes);
	gst_event_unref(event);
}

static inline void send_segment(struct producer *producer, guint64 start, guint64 base)
{
	GstSegment segment;

	gst_segment_init(&segment, GST_FORMAT_TIME);
	segment.start = segment.time = start;
	segment.base = base;
	send_gst_event(producer, gst_event_new_segment(&segment));
}

static inline void send_clock(struct producer *producer, guint64 base_time, guint64 latency)
{
	const struct tachyon_clock clock = {.base_time = base_time, .latency = latency};

	CHECK_EQ(tachyon_publisher_set_clock(producer->publisher, &clock), 0);
}

/* A frame of one value, in a block, with a PTS. */
static inline void send_frame(struct producer *producer, guint64 pts, gsize size, guint8 value)
{
	struct tachyon_frame frame;

	CHECK_EQ(tachyon_publisher_acquire(producer->publisher, size, &frame), 0);
	memset(frame.data, value, size);
	frame.pts = pts;
	CHECK(tachyon_publisher_commit(producer->publisher, &frame) >= 0);
	tachyon_frame_release(&frame);
}

/* What most streams begin with. */
static inline void send_prologue(struct producer *producer)
{
	send_gst_event(producer, gst_event_new_stream_start("the-stream"));
	send_caps(producer, "application/x-test, n=(int)1");
	send_segment(producer, 0, 0);
}

/* --- the consumer --- */

struct consumer {
	GstElement *pipeline;
	GstElement *src;
	GstBus *bus;
	/* buffers and events as they reach the sink; GstMiniObject */
	GAsyncQueue *arrived;
};

static inline GstPadProbeReturn note_arrival(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad;
	g_async_queue_push(data, gst_mini_object_ref(GST_PAD_PROBE_INFO_DATA(info)));
	return GST_PAD_PROBE_OK;
}

/* Between "src" and a fakesink; middle may be "". */
static inline struct consumer *make_consumer(const char *path, const char *properties,
					     const char *middle)
{
	struct consumer *consumer = g_new0(struct consumer, 1);
	gchar *line = g_strdup_printf("tachyonsrc name=src socket-path=%s %s ! %s "
				      "fakesink name=sink sync=false enable-last-sample=false",
				      path, properties, middle);
	GError *error = NULL;
	GstElement *sink;
	GstPad *pad;

	consumer->pipeline = gst_parse_launch(line, &error);
	if (error)
		test_fail(__FILE__, __LINE__, "%s: %s", line, error->message);
	g_free(line);
	consumer->src = gst_bin_get_by_name(GST_BIN(consumer->pipeline), "src");
	consumer->bus = gst_element_get_bus(consumer->pipeline);
	consumer->arrived = g_async_queue_new_full((GDestroyNotify)gst_mini_object_unref);

	sink = gst_bin_get_by_name(GST_BIN(consumer->pipeline), "sink");
	pad = gst_element_get_static_pad(sink, "sink");
	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
			  note_arrival, consumer->arrived, NULL);
	gst_object_unref(pad);
	gst_object_unref(sink);
	return consumer;
}

static inline void play(struct consumer *consumer)
{
	CHECK(gst_element_set_state(consumer->pipeline, GST_STATE_PLAYING) !=
	      GST_STATE_CHANGE_FAILURE);
}

static inline struct consumer *start_consumer(const char *path, const char *properties)
{
	struct consumer *consumer = make_consumer(path, properties, "");

	play(consumer);
	return consumer;
}

static inline GstMiniObject *await_any(struct consumer *consumer)
{
	GstMiniObject *object = g_async_queue_timeout_pop(consumer->arrived, PATIENCE_US);

	if (!object)
		test_fail(__FILE__, __LINE__, "nothing arrived");
	return object;
}

/* The next buffer; events before it are let go. */
static inline GstBuffer *await_buffer(struct consumer *consumer)
{
	for (;;) {
		GstMiniObject *object = await_any(consumer);

		if (GST_IS_BUFFER(object))
			return GST_BUFFER_CAST(object);
		gst_mini_object_unref(object);
	}
}

/* The next event of a type; others before it are let go, a buffer is not. */
static inline GstEvent *await_event(struct consumer *consumer, GstEventType type)
{
	for (;;) {
		GstMiniObject *object = await_any(consumer);

		if (!GST_IS_EVENT(object))
			test_fail(__FILE__, __LINE__, "a buffer came before %s",
				  gst_event_type_get_name(type));
		if (GST_EVENT_TYPE(object) == type)
			return GST_EVENT_CAST(object);
		gst_mini_object_unref(object);
	}
}

static inline GstMessage *await_message(struct consumer *consumer, GstMessageType types)
{
	GstMessage *message = gst_bus_timed_pop_filtered(consumer->bus, PATIENCE_US * 1000, types);

	if (!message)
		test_fail(__FILE__, __LINE__, "no message came");
	return message;
}

/* Exactly this error, with the path in its text; then it is over. */
static inline void await_error(struct consumer *consumer, GQuark domain, gint code,
			       const char *path)
{
	GstMessage *message = await_message(consumer, GST_MESSAGE_ERROR);
	GError *error;
	gchar *debug;

	gst_message_parse_error(message, &error, &debug);
	if (error->domain != domain || error->code != code ||
	    (path && !strstr(error->message, path)))
		test_fail(__FILE__, __LINE__, "another error: %s (%s, %d)", error->message, debug,
			  error->code);
	CHECK(TRUE);
	g_error_free(error);
	g_free(debug);
	gst_message_unref(message);
}

static inline guint64 figure(struct consumer *consumer, const char *name)
{
	GstStructure *stats;
	guint64 value = 0;
	guint small = 0;

	g_object_get(consumer->src, "stats", &stats, NULL);
	if (gst_structure_get_uint(stats, name, &small))
		value = small;
	else
		CHECK(gst_structure_get_uint64(stats, name, &value));
	gst_structure_free(stats);
	return value;
}

static inline void stop(struct consumer *consumer)
{
	CHECK_EQ(gst_element_set_state(consumer->pipeline, GST_STATE_NULL),
		 GST_STATE_CHANGE_SUCCESS);
}

/* A thread of GStreamer's that changes states may be the last to let go, a moment later. */
static inline gboolean is_gone(void *weak_ref)
{
	GObject *object = g_weak_ref_get(weak_ref);

	if (object)
		g_object_unref(object);
	return object == NULL;
}

static inline void forget_consumer(struct consumer *consumer)
{
	GWeakRef bus;

	stop(consumer);
	g_weak_ref_init(&bus, consumer->bus);
	g_async_queue_unref(consumer->arrived);
	gst_object_unref(consumer->bus);
	gst_object_unref(consumer->src);
	gst_object_unref(consumer->pipeline);
	g_free(consumer);
	await(is_gone, &bus);
	g_usleep(1000); /* disposed, it is yet to be finalized */
	g_weak_ref_clear(&bus);
}

/* Stops it; no error was posted that nobody took. */
static inline void finish_consumer(struct consumer *consumer)
{
	GstMessage *message;

	stop(consumer);
	message = gst_bus_pop_filtered(consumer->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
	if (message) {
		GError *error;

		gst_message_parse_error(message, &error, NULL);
		test_fail(__FILE__, __LINE__, "posted: %s", error->message);
	}
	forget_consumer(consumer);
}

#endif
