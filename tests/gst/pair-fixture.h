/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Two pipelines in one process: one that can seek and ends in a tachyonsink named "sink", one that
 * begins with a tachyonsrc named "src" and ends in a fakesink named "end".
 */
#ifndef TACHYON_TESTS_PAIR_FIXTURE_H
#define TACHYON_TESTS_PAIR_FIXTURE_H

#include "sink-fixture.h"

#define PATIENCE (10 * G_USEC_PER_SEC)
#define ADDRESS "pair.sock"

/* 100 frames a second; as fast as the consumer takes them. */
#define PRODUCER                                                                                  \
	"videotestsrc name=origin ! video/x-raw,format=GRAY8,width=16,height=16,framerate=100/1 " \
	"! tachyonsink name=sink socket-path=" ADDRESS " sync=false max-buffers=4"
#define CONSUMER "tachyonsrc name=src socket-path=" ADDRESS
#define END " ! fakesink name=end"

struct pair {
	GstElement *producer;
	GstElement *consumer;
	/* stream times, plus 1, of the first buffer after each flush */
	GAsyncQueue *landed;
	gint is_flushed;
	gint buffers;
	gint flushes;
	gint is_blocked; /* a buffer is in the pad probe */
};

static inline void land(struct pair *pair, GstPad *pad, GstBuffer *buffer)
{
	GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
	const GstSegment *segment;
	guint64 time;

	CHECK(event != NULL);
	gst_event_parse_segment(event, &segment);
	time = gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	g_async_queue_push(pair->landed, GSIZE_TO_POINTER((gsize)time + 1));
	gst_event_unref(event);
}

static inline GstPadProbeReturn watch(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct pair *const pair = data;

	if (GST_IS_BUFFER(GST_PAD_PROBE_INFO_DATA(info))) {
		g_atomic_int_inc(&pair->buffers);
		if (g_atomic_int_compare_and_exchange(&pair->is_flushed, 1, 0))
			land(pair, pad, GST_PAD_PROBE_INFO_BUFFER(info));
	} else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_DATA(info)) == GST_EVENT_FLUSH_STOP) {
		g_atomic_int_inc(&pair->flushes);
		g_atomic_int_set(&pair->is_flushed, 1);
	}
	return GST_PAD_PROBE_OK;
}

static inline struct pair *make_pair(const char *producer, const char *consumer)
{
	struct pair *pair = g_new0(struct pair, 1);
	GstPad *pad;

	pair->producer = launch(producer);
	pair->consumer = launch(consumer);
	pair->landed = g_async_queue_new();
	pad = gst_element_get_static_pad(part(pair->consumer, "end"), "sink");
	gst_pad_add_probe(pad,
			  GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
				  GST_PAD_PROBE_TYPE_EVENT_FLUSH,
			  watch, pair, NULL);
	gst_object_unref(pad);
	return pair;
}

static inline void await_state(GstElement *pipeline, GstState state)
{
	GstState reached;

	CHECK(gst_element_get_state(pipeline, &reached, NULL, 10 * GST_SECOND) !=
	      GST_STATE_CHANGE_FAILURE);
	CHECK_EQ(reached, state);
}

/* Both play; something was received. */
static inline void play_pair(struct pair *pair)
{
	set_state(pair->producer, GST_STATE_PLAYING);
	set_state(pair->consumer, GST_STATE_PLAYING);
	while (g_atomic_int_get(&pair->buffers) == 0)
		g_usleep(1000);
	/* GStreamer 1.22 forgets a change to PAUSED that meets one to PLAYING on its way. */
	await_state(pair->consumer, GST_STATE_PLAYING);
}

static inline struct pair *start_pair(const char *producer, const char *consumer)
{
	struct pair *pair = make_pair(producer, consumer);

	play_pair(pair);
	return pair;
}

static inline void finish_pair(struct pair *pair)
{
	finish(pair->consumer);
	finish(pair->producer);
	g_async_queue_unref(pair->landed);
	g_free(pair);
}

/* Where the stream goes on after a flush. */
static inline GstClockTime landing(struct pair *pair)
{
	const gpointer value = g_async_queue_timeout_pop(pair->landed, PATIENCE);

	if (!value)
		test_fail(__FILE__, __LINE__, "nothing came after a flush");
	return GPOINTER_TO_SIZE(value) - 1;
}

/*
 * A pipeline that is flushed prerolls, and plays again. GStreamer 1.22 forgets to when the next
 * flush comes right then, with or without us: one waits between seeks, as applications do.
 */
static inline void await_producer(struct pair *pair)
{
	await_state(pair->producer, GST_STATE_PLAYING);
}

static inline gboolean seek_to(struct pair *pair, GstClockTime time)
{
	await_producer(pair);
	return gst_element_seek_simple(pair->consumer, GST_FORMAT_TIME,
				       GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, time);
}

/* For "appsrc name=origin": a stream, which nobody can seek in. */
#define STREAM                                                                              \
	"appsrc name=origin stream-type=stream format=time do-timestamp=true is-live=true " \
	"caps=application/x-test ! tachyonsink name=sink sync=false socket-path=" ADDRESS

static inline void feed(GstElement *origin, guint size, gpointer data)
{
	GstBuffer *buffer = gst_buffer_new_allocate(NULL, 16, NULL);
	GstFlowReturn flow;

	(void)size;
	(void)data;
	g_usleep(1000);
	g_signal_emit_by_name(origin, "push-buffer", buffer, &flow);
	gst_buffer_unref(buffer);
}

static inline struct pair *start_stream(const char *consumer)
{
	struct pair *pair = make_pair(STREAM, consumer);

	g_signal_connect(part(pair->producer, "origin"), "need-data", G_CALLBACK(feed), NULL);
	play_pair(pair);
	return pair;
}

#endif
