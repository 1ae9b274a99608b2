/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of events through both elements: up from a consumer, and down beside and in the stream. */
#include <gst/video/video.h>

#include "pair-fixture.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

struct events {
	GAsyncQueue *queue; /* names of custom events, or of types */
	GstPad *pad;
};

static const char *name_of(GstEvent *event)
{
	const GstStructure *structure = gst_event_get_structure(event);

	switch (GST_EVENT_TYPE(event)) {
	case GST_EVENT_CUSTOM_UPSTREAM:
	case GST_EVENT_CUSTOM_DOWNSTREAM:
	case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
	case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
	case GST_EVENT_CUSTOM_BOTH:
	case GST_EVENT_CUSTOM_BOTH_OOB:
		return gst_structure_get_name(structure);
	default:
		return gst_event_type_get_name(GST_EVENT_TYPE(event));
	}
}

static GstPadProbeReturn note_event(GstPad *pad, GstPadProbeInfo *info, gpointer queue)
{
	(void)pad;
	g_async_queue_push(queue, g_strdup(name_of(GST_PAD_PROBE_INFO_EVENT(info))));
	return GST_PAD_PROBE_OK;
}

static struct events note_events(GstElement *pipeline, const char *element, const char *pad,
				 GstPadProbeType type)
{
	struct events events = {
		.queue = g_async_queue_new_full(g_free),
		.pad = gst_element_get_static_pad(part(pipeline, element), pad),
	};

	gst_pad_add_probe(events.pad, type, note_event, events.queue, NULL);
	return events;
}

static void forget_events(struct events *events)
{
	gst_object_unref(events->pad);
	g_async_queue_unref(events->queue);
}

/* Others before it are let go, but must not be this one. */
static void await_event(struct events *events, const char *name, const char *never)
{
	gchar *got;

	do {
		got = g_async_queue_timeout_pop(events->queue, PATIENCE);
		if (!got)
			test_fail(__FILE__, __LINE__, "no %s came", name);
		if (never && strcmp(got, never) == 0)
			test_fail(__FILE__, __LINE__, "%s came", never);
		if (strcmp(got, name) == 0)
			break;
		g_free(got);
	} while (TRUE);
	CHECK_STR_EQ(got, name);
	g_free(got);
}

static void push_up(struct pair *pair, GstEvent *event)
{
	GstPad *pad = gst_element_get_static_pad(part(pair->consumer, "end"), "sink");

	gst_pad_push_event(pad, event);
	gst_object_unref(pad);
}

static GstEvent *custom(GstEventType type, const char *name)
{
	return gst_event_new_custom(type, gst_structure_new_empty(name));
}

static GList *one_stream(void)
{
	static char id[] = "stream";
	static GList list = {.data = id};

	return &list;
}

static GstEvent *make_qos(void)
{
	return gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 0.5, 5, 100 * GST_SECOND);
}

TEST(upstream_events_of_the_only_subscriber_reach_the_producers_elements)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER END " sync=false");
	struct events events =
		note_events(pair->producer, "origin", "src", GST_PAD_PROBE_TYPE_EVENT_UPSTREAM);

	push_up(pair, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 3));
	await_event(&events, "GstForceKeyUnit", NULL);
	push_up(pair,
		gst_event_new_navigation(gst_structure_new("application/x-gst-navigation", "event",
							   G_TYPE_STRING, "key-press", NULL)));
	await_event(&events, "navigation", NULL);
	push_up(pair, gst_event_new_toc_select("chapter"));
	await_event(&events, "toc-select", NULL);
	push_up(pair, custom(GST_EVENT_CUSTOM_UPSTREAM, "mine"));
	await_event(&events, "mine", NULL);
	push_up(pair, make_qos());
	await_event(&events, "qos", NULL);
	push_up(pair, gst_event_new_latency(GST_SECOND));
	await_event(&events, "latency", NULL);
	push_up(pair, gst_event_new_select_streams(one_stream()));
	await_event(&events, "select-streams", NULL);
	finish_pair(pair);
	forget_events(&events);
}

/* Its streaming thread stands still, and its ring is full. */
TEST(events_go_up_while_the_consumer_is_blocked)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	struct events events =
		note_events(pair->producer, "origin", "src", GST_PAD_PROBE_TYPE_EVENT_UPSTREAM);

	set_state(pair->consumer, GST_STATE_PAUSED);
	await_state(pair->consumer, GST_STATE_PAUSED);
	push_up(pair, custom(GST_EVENT_CUSTOM_UPSTREAM, "mine"));
	await_event(&events, "mine", NULL);
	finish_pair(pair);
	forget_events(&events);
}

TEST(what_one_of_several_sends_must_not_be_felt_by_all)
{
	struct pair *pair = start_pair(PRODUCER " leaky-type=upstream", CONSUMER END " sync=false");
	struct tachyon_subscriber *other = join(ADDRESS);
	struct events events =
		note_events(pair->producer, "origin", "src", GST_PAD_PROBE_TYPE_EVENT_UPSTREAM);

	await_stat(sink_of(pair->producer), "subscribers", 2);
	push_up(pair, make_qos());
	push_up(pair, gst_event_new_select_streams(one_stream()));
	push_up(pair, custom(GST_EVENT_CUSTOM_UPSTREAM, "first"));
	await_event(&events, "first", "qos");
	push_up(pair, make_qos());
	push_up(pair, gst_event_new_select_streams(one_stream()));
	push_up(pair, custom(GST_EVENT_CUSTOM_UPSTREAM, "second"));
	await_event(&events, "second", "select-streams");
	tachyon_subscriber_destroy(other);
	finish_pair(pair);
	forget_events(&events);
}

static void push_down(struct pair *pair, GstEvent *event)
{
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");

	CHECK(gst_pad_push_event(pad, event));
	gst_object_unref(pad);
}

static GstPadProbeReturn push_now(GstPad *pad, GstPadProbeInfo *info, gpointer event)
{
	(void)info;
	gst_pad_push_event(pad, event);
	return GST_PAD_PROBE_REMOVE;
}

/* Between two buffers. */
static void push_in_stream(struct pair *pair, GstEvent *event)
{
	GstPad *pad = gst_element_get_static_pad(part(pair->producer, "origin"), "src");

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, push_now, event, NULL);
	gst_object_unref(pad);
}

TEST(events_in_the_stream_come_down)
{
	struct pair *pair = make_pair(PRODUCER, CONSUMER END " sync=false");
	struct events events =
		note_events(pair->consumer, "end", "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
	GstMessage *message = gst_message_new_eos(NULL);
	GstToc *toc = gst_toc_new(GST_TOC_SCOPE_GLOBAL);

	play_pair(pair);
	push_in_stream(pair, custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, "mine-sticky"));
	await_event(&events, "mine-sticky", NULL);
	push_in_stream(pair, custom(GST_EVENT_CUSTOM_DOWNSTREAM, "mine"));
	await_event(&events, "mine", NULL);
	push_in_stream(pair, custom(GST_EVENT_CUSTOM_BOTH, "mine-both"));
	await_event(&events, "mine-both", NULL);
	push_in_stream(pair, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "title", NULL)));
	await_event(&events, "tag", NULL);
	push_in_stream(pair, gst_event_new_toc(toc, FALSE));
	await_event(&events, "toc", NULL);
	push_in_stream(pair, gst_event_new_sink_message("no", message));
	push_in_stream(pair, gst_event_new_segment_done(GST_FORMAT_TIME, 5));
	await_event(&events, "segment-done", "sink-message");
	gst_toc_unref(toc);
	gst_message_unref(message);
	finish_pair(pair);
	forget_events(&events);
}

/* One that would wait in the ring is behind frames that nobody takes. */
TEST(events_out_of_band_overtake_a_stream_that_stands_still)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	struct events events =
		note_events(pair->consumer, "end", "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);

	set_state(pair->consumer, GST_STATE_PAUSED);
	await_state(pair->consumer, GST_STATE_PAUSED);
	push_down(pair, custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, "urgent"));
	await_event(&events, "urgent", NULL);
	push_down(pair, custom(GST_EVENT_CUSTOM_BOTH_OOB, "urgent-both"));
	await_event(&events, "urgent-both", NULL);
	finish_pair(pair);
	forget_events(&events);
}

TEST(an_instant_rate_change_overtakes_the_stream)
{
	struct pair *pair = start_pair(PRODUCER, CONSUMER " is-live=false" END);
	struct events events =
		note_events(pair->consumer, "end", "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
	gint seen;

	push_down(pair, gst_event_new_instant_rate_change(2.0, GST_SEGMENT_FLAG_NONE));
	await_event(&events, "instant-rate-change", NULL);
	/* The pipeline deals with it under its state lock, on the streaming thread: a change of
	 * state that meets this would wait for ever, in any pipeline. */
	seen = g_atomic_int_get(&pair->buffers);
	while (g_atomic_int_get(&pair->buffers) < seen + 5)
		g_usleep(1000);
	finish_pair(pair);
	forget_events(&events);
}
