/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Buffers that a test makes go through both elements; what comes out is compared with what went
 * in, field by field.
 */
#ifndef TACHYON_TESTS_CROSSING_H
#define TACHYON_TESTS_CROSSING_H

#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "sink-fixture.h"

struct crossing {
	GstElement *sender;
	GstElement *receiver;
	GstElement *feed;
	GstCaps *caps;
	/* GstBuffer, and the caps of each */
	GPtrArray *sent;
	GPtrArray *received;
	GPtrArray *received_caps;
};

static inline GstPadProbeReturn note_sent(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct crossing *const crossing = data;

	(void)pad;
	if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
		GstBufferList *const list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);

		for (guint i = 0; i < gst_buffer_list_length(list); i++)
			g_ptr_array_add(crossing->sent,
					gst_buffer_ref(gst_buffer_list_get(list, i)));
		return GST_PAD_PROBE_OK;
	}
	g_ptr_array_add(crossing->sent, gst_buffer_ref(GST_PAD_PROBE_INFO_BUFFER(info)));
	return GST_PAD_PROBE_OK;
}

static inline GstPadProbeReturn note_received(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	struct crossing *const crossing = data;

	g_ptr_array_add(crossing->received, gst_buffer_ref(GST_PAD_PROBE_INFO_BUFFER(info)));
	g_ptr_array_add(crossing->received_caps, gst_pad_get_current_caps(pad));
	return GST_PAD_PROBE_OK;
}

/* The far end reads planes where metas say that they are. */
static inline GstPadProbeReturn offer_metas(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *const query = GST_PAD_PROBE_INFO_QUERY(info);

	(void)pad;
	(void)data;
	if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
		return GST_PAD_PROBE_OK;
	gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	gst_query_add_allocation_meta(query, GST_AUDIO_META_API_TYPE, NULL);
	return GST_PAD_PROBE_HANDLED;
}

static inline void watch(GstElement *element, const char *name, GstPadProbeType type,
			 GstPadProbeCallback fn, struct crossing *crossing)
{
	GstPad *const pad = gst_element_get_static_pad(element, name);

	gst_pad_add_probe(pad, type, fn, crossing, NULL);
	gst_object_unref(pad);
}

static inline void unref_caps(gpointer caps)
{
	if (caps)
		gst_caps_unref(caps);
}

/* Both pipelines play; caps may be NULL, and are taken. */
static inline struct crossing *begin_crossing(GstCaps *caps)
{
	struct crossing *const crossing = g_new0(struct crossing, 1);

	crossing->sent = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);
	crossing->received = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);
	crossing->received_caps = g_ptr_array_new_with_free_func(unref_caps);
	crossing->caps = caps;
	crossing->sender = launch("appsrc name=feed format=time max-bytes=0 ! tachyonsink "
				  "name=sink socket-path=socket sync=false "
				  "wait-for-connection=true");
	crossing->receiver = launch("tachyonsrc name=src socket-path=socket "
				    "timestamp-mode=passthrough ! fakesink name=end sync=false "
				    "enable-last-sample=false");
	crossing->feed = part(crossing->sender, "feed");
	if (caps)
		g_object_set(crossing->feed, "caps", caps, NULL);
	watch(part(crossing->sender, "sink"), "sink",
	      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, note_sent, crossing);
	watch(part(crossing->receiver, "src"), "src", GST_PAD_PROBE_TYPE_BUFFER, note_received,
	      crossing);
	watch(part(crossing->receiver, "end"), "sink", GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
	      offer_metas, NULL);
	set_state(crossing->receiver, GST_STATE_PLAYING);
	set_state(crossing->sender, GST_STATE_PLAYING);
	return crossing;
}

static inline void push(struct crossing *crossing, GstBuffer *buffer)
{
	GstFlowReturn flow;

	g_signal_emit_by_name(crossing->feed, "push-buffer", buffer, &flow);
	CHECK_EQ(flow, GST_FLOW_OK);
	gst_buffer_unref(buffer);
}

/* Bytes that nobody else has. */
static inline void fill_buffer(GstBuffer *buffer, guint32 seed)
{
	GstMapInfo map;
	guint32 x = seed * 2654435761u + 1;

	CHECK(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
	for (gsize i = 0; i < map.size; i++) {
		x = x * 1664525u + 1013904223u;
		map.data[i] = (guint8)(x >> 24);
	}
	gst_buffer_unmap(buffer, &map);
}

static inline GstBuffer *make_buffer(gsize size, guint32 number)
{
	GstBuffer *const buffer = gst_buffer_new_allocate(NULL, size, NULL);

	CHECK(buffer != NULL);
	fill_buffer(buffer, number);
	GST_BUFFER_PTS(buffer) = number * GST_SECOND / 25;
	GST_BUFFER_DTS(buffer) = number * GST_SECOND / 25 / 2;
	GST_BUFFER_DURATION(buffer) = GST_SECOND / 25 + number;
	GST_BUFFER_OFFSET(buffer) = number;
	GST_BUFFER_OFFSET_END(buffer) = number + 1;
	return buffer;
}

static inline void compare_video_meta(const GstVideoMeta *a, const GstVideoMeta *b)
{
	CHECK_EQ(a->flags, b->flags);
	CHECK_EQ(a->format, b->format);
	CHECK_EQ(a->id, b->id);
	CHECK_EQ(a->width, b->width);
	CHECK_EQ(a->height, b->height);
	CHECK_EQ(a->n_planes, b->n_planes);
	for (guint i = 0; i < a->n_planes; i++) {
		CHECK_EQ(a->offset[i], b->offset[i]);
		CHECK_EQ(a->stride[i], b->stride[i]);
		CHECK_EQ(a->alignment.stride_align[i], b->alignment.stride_align[i]);
	}
	CHECK_EQ(a->alignment.padding_top, b->alignment.padding_top);
	CHECK_EQ(a->alignment.padding_bottom, b->alignment.padding_bottom);
	CHECK_EQ(a->alignment.padding_left, b->alignment.padding_left);
	CHECK_EQ(a->alignment.padding_right, b->alignment.padding_right);
}

static inline void compare_audio_meta(const GstAudioMeta *a, const GstAudioMeta *b)
{
	CHECK(gst_audio_info_is_equal(&a->info, &b->info));
	CHECK_EQ(a->samples, b->samples);
	if (a->info.layout != GST_AUDIO_LAYOUT_NON_INTERLEAVED)
		return;
	for (gint i = 0; i < a->info.channels; i++)
		CHECK_EQ(a->offsets[i], b->offsets[i]);
}

static inline guint count_metas(GstBuffer *buffer, GType api)
{
	gpointer state = NULL;
	GstMeta *meta;
	guint count = 0;

	while ((meta = gst_buffer_iterate_meta(buffer, &state)))
		count += meta->info->api == api;
	return count;
}

/* The n-th meta of a kind. */
static inline GstMeta *find_meta(GstBuffer *buffer, GType api, guint number)
{
	gpointer state = NULL;
	GstMeta *meta;

	while ((meta = gst_buffer_iterate_meta(buffer, &state))) {
		if (meta->info->api == api && number-- == 0)
			return meta;
	}
	return NULL;
}

static inline void compare_metas(GstBuffer *a, GstBuffer *b)
{
	const guint pictures = count_metas(a, GST_VIDEO_META_API_TYPE);
	const guint sounds = count_metas(a, GST_AUDIO_META_API_TYPE);

	CHECK_EQ(count_metas(b, GST_VIDEO_META_API_TYPE), pictures);
	for (guint i = 0; i < pictures; i++)
		compare_video_meta((GstVideoMeta *)find_meta(a, GST_VIDEO_META_API_TYPE, i),
				   (GstVideoMeta *)find_meta(b, GST_VIDEO_META_API_TYPE, i));
	CHECK_EQ(count_metas(b, GST_AUDIO_META_API_TYPE), sounds);
	for (guint i = 0; i < sounds; i++)
		compare_audio_meta((GstAudioMeta *)find_meta(a, GST_AUDIO_META_API_TYPE, i),
				   (GstAudioMeta *)find_meta(b, GST_AUDIO_META_API_TYPE, i));
}

static inline void compare_bytes(GstBuffer *a, GstBuffer *b)
{
	GstMapInfo x, y;

	CHECK_EQ(gst_buffer_get_size(a), gst_buffer_get_size(b));
	CHECK(gst_buffer_map(a, &x, GST_MAP_READ));
	CHECK(gst_buffer_map(b, &y, GST_MAP_READ));
	CHECK_MEM_EQ(x.data, y.data, x.size);
	gst_buffer_unmap(a, &x);
	gst_buffer_unmap(b, &y);
}

static inline void compare_buffers(GstBuffer *a, GstBuffer *b)
{
	const guint memory_flag = GST_BUFFER_FLAG_TAG_MEMORY;

	CHECK_EQ(GST_BUFFER_PTS(a), GST_BUFFER_PTS(b));
	CHECK_EQ(GST_BUFFER_DTS(a), GST_BUFFER_DTS(b));
	CHECK_EQ(GST_BUFFER_DURATION(a), GST_BUFFER_DURATION(b));
	CHECK_EQ(GST_BUFFER_OFFSET(a), GST_BUFFER_OFFSET(b));
	CHECK_EQ(GST_BUFFER_OFFSET_END(a), GST_BUFFER_OFFSET_END(b));
	CHECK_EQ(GST_BUFFER_FLAGS(a) & ~memory_flag, GST_BUFFER_FLAGS(b) & ~memory_flag);
	compare_bytes(a, b);
	compare_metas(a, b);
}

static inline void check_caps(GstCaps *caps, GstCaps *expected)
{
	CHECK((caps == NULL) == (expected == NULL));
	if (!caps)
		return;
	CHECK(gst_caps_is_strictly_equal(caps, expected));
	CHECK(gst_caps_features_is_equal(gst_caps_get_features(caps, 0),
					 gst_caps_get_features(expected, 0)));
}

static inline void free_crossing(struct crossing *crossing)
{
	g_ptr_array_unref(crossing->sent);
	g_ptr_array_unref(crossing->received);
	g_ptr_array_unref(crossing->received_caps);
	finish(crossing->receiver);
	finish(crossing->sender);
	unref_caps(crossing->caps);
	g_free(crossing);
}

/* Everything came out, in its order, as it went in. */
static inline void end_crossing(struct crossing *crossing, guint count)
{
	GstFlowReturn flow;

	g_signal_emit_by_name(crossing->feed, "end-of-stream", &flow);
	await_eos(crossing->receiver);
	await_eos(crossing->sender);
	CHECK_EQ(crossing->sent->len, count);
	CHECK_EQ(crossing->received->len, count);
	for (guint i = 0; i < count; i++) {
		compare_buffers(g_ptr_array_index(crossing->sent, i),
				g_ptr_array_index(crossing->received, i));
		check_caps(g_ptr_array_index(crossing->received_caps, i), crossing->caps);
	}
	free_crossing(crossing);
}

#endif
