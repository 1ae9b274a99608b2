/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A pipeline that ends in a tachyonsink named "sink", and a subscriber made of the C API: what
 * these tests see is what any receiver sees.
 */
#ifndef TACHYON_TESTS_SINK_FIXTURE_H
#define TACHYON_TESTS_SINK_FIXTURE_H

#include <gst/gst.h>
#include <stdbool.h>
#include <string.h>
#include <tachyon.h>

#include "harness.h"

#define SECOND_NS 1000000000ll

static inline GstElement *launch(const char *description)
{
	GError *error = NULL;
	GstElement *pipeline = gst_parse_launch(description, &error);

	if (error)
		test_fail(__FILE__, __LINE__, "%s: %s", description, error->message);
	return pipeline;
}

/* Borrowed from the pipeline. */
static inline GstElement *part(GstElement *pipeline, const char *name)
{
	GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline), name);

	CHECK(element != NULL);
	gst_object_unref(element);
	return element;
}

static inline GstElement *sink_of(GstElement *pipeline)
{
	return part(pipeline, "sink");
}

static inline void set_state(GstElement *pipeline, GstState state)
{
	CHECK(gst_element_set_state(pipeline, state) != GST_STATE_CHANGE_FAILURE);
}

static inline void reach_state(GstElement *pipeline, GstState state)
{
	GstState reached;

	set_state(pipeline, state);
	CHECK(gst_element_get_state(pipeline, &reached, NULL, 10 * GST_SECOND) !=
	      GST_STATE_CHANGE_FAILURE);
	CHECK_EQ(reached, state);
}

/* A thread of GStreamer's that changes states may be the last to let go, a moment later. */
static inline void let_go(GstElement *pipeline, GstBus *bus)
{
	GWeakRef ref;
	GObject *object;

	g_weak_ref_init(&ref, bus);
	gst_object_unref(bus);
	gst_object_unref(pipeline);
	while ((object = g_weak_ref_get(&ref))) {
		g_object_unref(object);
		g_usleep(1000);
	}
	g_usleep(1000); /* disposed, it is yet to be finalized */
	g_weak_ref_clear(&ref);
}

/* Stops it; no error or warning was posted that nobody took. */
static inline void finish(GstElement *pipeline)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *message;

	CHECK_EQ(gst_element_set_state(pipeline, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
	if (message) {
		GError *error;
		gchar *debug;

		if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
			gst_message_parse_error(message, &error, &debug);
		else
			gst_message_parse_warning(message, &error, &debug);
		test_fail(__FILE__, __LINE__, "%s posted: %s (%s)", GST_MESSAGE_SRC_NAME(message),
			  error->message, debug);
	}
	let_go(pipeline, bus);
}

/* Waits for a message of this type. */
static inline GstMessage *await_message(GstElement *pipeline, GstMessageType type)
{
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *message = gst_bus_timed_pop_filtered(bus, 10 * GST_SECOND, type);

	CHECK(message != NULL);
	gst_object_unref(bus);
	return message;
}

static inline void await_eos(GstElement *pipeline)
{
	GstMessage *message = await_message(pipeline, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

	CHECK_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
	gst_message_unref(message);
}

static inline uint64_t stat_of(GstElement *sink, const char *field)
{
	GstStructure *stats;
	const GValue *value;
	uint64_t number;

	g_object_get(sink, "stats", &stats, NULL);
	value = gst_structure_get_value(stats, field);
	CHECK(value != NULL);
	number = G_VALUE_HOLDS_UINT(value) ? g_value_get_uint(value) : g_value_get_uint64(value);
	gst_structure_free(stats);
	return number;
}

static inline void await_stat(GstElement *sink, const char *field, uint64_t number)
{
	while (stat_of(sink, field) < number)
		g_usleep(1000);
}

/* --- the far side --- */

static inline struct tachyon_subscriber *join(const char *address)
{
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create(address, NULL, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 10 * SECOND_NS), 0);
	return subscriber;
}

static inline struct tachyon_item next_item(struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 10 * SECOND_NS), 0);
	return item;
}

/* Skips state; the frame is the caller's. */
static inline struct tachyon_frame next_frame(struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;

	do {
		item = next_item(subscriber);
		CHECK(item.type != TACHYON_ITEM_EOS);
	} while (item.type != TACHYON_ITEM_FRAME);
	return item.frame;
}

/* Takes everything up to EOS; the number of frames. */
static inline int count_frames(struct tachyon_subscriber *subscriber)
{
	int frames = 0;

	for (;;) {
		struct tachyon_item item = next_item(subscriber);

		if (item.type == TACHYON_ITEM_EOS)
			return frames;
		if (item.type == TACHYON_ITEM_FRAME) {
			tachyon_frame_release(&item.frame);
			frames++;
		}
	}
}

#endif
