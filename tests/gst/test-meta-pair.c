/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of metas through both elements: tachyonsink here, tachyonsrc there. */
#include "meta-samples.h"
#include "src-fixture.h"

#include <gst/check/gstharness.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
	register_metas();
}

struct pair {
	GstHarness *producer;
	struct consumer *consumer;
};

static struct pair start_pair(const char *caps)
{
	struct pair pair;

	pair.producer = gst_harness_new_parse(
		"tachyonsink socket-path=socket sync=false wait-for-connection=true");
	gst_harness_set_src_caps_str(pair.producer, caps);
	gst_harness_play(pair.producer);
	pair.consumer = start_consumer("socket", "");
	return pair;
}

static void finish_pair(struct pair *pair)
{
	gst_harness_teardown(pair->producer);
	finish_consumer(pair->consumer);
}

/* Takes the buffer. */
static GstBuffer *send(struct pair *pair, GstBuffer *buffer)
{
	CHECK_EQ(gst_harness_push(pair->producer, buffer), GST_FLOW_OK);
	return await_buffer(pair->consumer);
}

static guint64 sink_figure(struct pair *pair, const char *name)
{
	GstElement *sink = gst_harness_find_element(pair->producer, "tachyonsink");
	GstStructure *stats;
	guint64 count;

	g_object_get(sink, "stats", &stats, NULL);
	CHECK(gst_structure_get_uint64(stats, name, &count));
	gst_structure_free(stats);
	gst_object_unref(sink);
	return count;
}

TEST(all_metas_on_one_buffer_go_from_sink_to_source)
{
	struct pair pair = start_pair("application/x-test");

	for (guint round = 0; round < 3; round++) {
		GstBuffer *in = gst_buffer_new_memdup("payload", 7), *out, *copy;

		if (round == 2)
			gst_buffer_resize(in, 0, 0); /* an empty one */
		for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
			samples[i].add(in);
		out = send(&pair, gst_buffer_ref(in));
		CHECK_EQ(gst_buffer_get_size(out), round == 2 ? 0 : 7);
		check_samples(out);
		check_samples(in);
		copy = gst_buffer_copy(out);
		gst_buffer_unref(out);
		check_samples(copy);
		gst_buffer_unref(copy);
		gst_buffer_unref(in);
	}
	CHECK_EQ(sink_figure(&pair, "not-carried"), 0);
	CHECK_EQ(figure(pair.consumer, "not-carried"), 0);
	finish_pair(&pair);
}

TEST(metas_of_a_picture_come_with_its_planes)
{
	struct pair pair = start_pair("video/x-raw, format=(string)GRAY8, width=(int)64, "
				      "height=(int)64, framerate=(fraction)25/1");
	GstBuffer *in = gst_buffer_new_allocate(NULL, 64 * 64, NULL), *out;

	gst_buffer_memset(in, 0, 7, 64 * 64);
	gst_buffer_add_video_meta(in, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, 64, 64);
	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
		samples[i].add(in);
	out = send(&pair, in);
	CHECK(gst_buffer_get_video_meta(out) != NULL);
	out = gst_buffer_make_writable(out);
	CHECK(gst_buffer_remove_meta(out, (GstMeta *)gst_buffer_get_video_meta(out)));
	check_samples(out);
	gst_buffer_unref(out);
	finish_pair(&pair);
}

static void add_large_custom(GstBuffer *buffer, gsize size)
{
	GstCustomMeta *meta = gst_buffer_add_custom_meta(buffer, "my-meta");
	GstBuffer *blob = gst_buffer_new_allocate(NULL, size, NULL);

	gst_buffer_memset(blob, 0, 0x5a, size);
	gst_structure_set(gst_custom_meta_get_structure(meta), "blob", GST_TYPE_BUFFER, blob, NULL);
	gst_buffer_unref(blob);
}

static void check_large_custom(GstBuffer *buffer, gsize size)
{
	GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, "my-meta");
	GstBuffer *blob = gst_value_get_buffer(
		gst_structure_get_value(gst_custom_meta_get_structure(meta), "blob"));
	GstMapInfo map;

	CHECK(gst_buffer_map(blob, &map, GST_MAP_READ));
	CHECK_EQ(map.size, size);
	CHECK_EQ(map.data[0], 0x5a);
	CHECK_EQ(memcmp(map.data, map.data + 1, size - 1), 0);
	gst_buffer_unmap(blob, &map);
}

static void add_large_sei(GstBuffer *buffer, gsize size)
{
	guint8 uuid[16] = "a large one", *data = g_malloc(size);

	memset(data, 0xa5, size);
	gst_buffer_add_video_sei_user_data_unregistered_meta(buffer, uuid, data, size);
	g_free(data);
}

static void check_large_sei(GstBuffer *buffer, gsize size)
{
	const GstVideoSEIUserDataUnregisteredMeta *sei =
		gst_buffer_get_video_sei_user_data_unregistered_meta(buffer);

	CHECK(sei != NULL);
	CHECK_EQ(sei->size, size);
	CHECK_EQ(sei->data[0], 0xa5);
	CHECK_EQ(memcmp(sei->data, sei->data + 1, size - 1), 0);
}

static void add_large_overlay(GstBuffer *buffer)
{
	GstVideoOverlayComposition *overlay = gst_video_overlay_composition_new(NULL);

	add_rectangle(overlay, make_pixels(GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 1280, 720, 0),
		      0, 0, 1280, 720, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE, 1.0f);
	gst_buffer_add_video_overlay_composition_meta(buffer, overlay);
	gst_video_overlay_composition_unref(overlay);
}

static void check_large_overlay(GstBuffer *buffer)
{
	GstVideoOverlayComposition *overlay =
		gst_buffer_get_video_overlay_composition_meta(buffer)->overlay;

	check_pixels(gst_video_overlay_composition_get_rectangle(overlay, 0),
		     GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 1280, 720);
}

TEST(metas_of_megabytes_go_from_sink_to_source)
{
	struct pair pair = start_pair("application/x-test");

	for (guint round = 0; round < 5; round++) {
		const gboolean is_empty = round % 2;
		GstBuffer *in = is_empty ? gst_buffer_new() : gst_buffer_new_memdup("x", 1), *out;

		add_large_custom(in, 2 << 20);
		add_large_sei(in, 1 << 20);
		add_large_overlay(in);
		out = send(&pair, in);
		check_large_custom(out, 2 << 20);
		check_large_sei(out, 1 << 20);
		check_large_overlay(out);
		CHECK_EQ(gst_buffer_get_size(out), !is_empty);
		gst_buffer_unref(out);
	}
	CHECK_EQ(sink_figure(&pair, "not-carried"), 0);
	finish_pair(&pair);
}

TEST(large_metas_of_many_frames_take_the_memory_of_a_few)
{
	struct pair pair = start_pair("application/x-test");
	guint64 early = 0;

	for (guint i = 0; i < 150; i++) {
		GstBuffer *in = gst_buffer_new_memdup("x", 1);

		add_large_sei(in, (1 << 20) + i % 3 * 100000);
		gst_buffer_unref(send(&pair, in));
		if (i == 30)
			early = sink_figure(&pair, "payload-bytes");
	}
	CHECK_EQ(sink_figure(&pair, "payload-bytes"), early);
	finish_pair(&pair);
}

TEST(a_frames_metas_may_have_sixteen_megabytes_and_those_beyond_are_counted)
{
	struct pair pair = start_pair("application/x-test");
	GstBuffer *in = gst_buffer_new_memdup("x", 1), *out;

	GST_BUFFER_OFFSET(in) = 5; /* the library's own record goes beside them */
	add_large_sei(in, (1 << 24) - 128);
	add_large_sei(in, 1 << 20);
	add_rtp_source(in);
	out = send(&pair, in);
	check_large_sei(out, (1 << 24) - 128);
	CHECK_EQ(gst_buffer_get_n_meta(out, GST_VIDEO_SEI_USER_DATA_UNREGISTERED_META_API_TYPE), 1);
	CHECK_EQ(GST_BUFFER_OFFSET(out), 5);
	CHECK_EQ(sink_figure(&pair, "not-carried"), 2);
	gst_buffer_unref(out);
	finish_pair(&pair);
}

/* --- a producer that is none of ours --- */

/* One record of each kind, a few of their bytes others than they should be. */
static void append_lies(GByteArray *records, GRand *random)
{
	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		GByteArray *content = encode_sample(&samples[i]);
		gsize used = records->len;

		for (gint lies = g_rand_int_range(random, 0, 3); lies > 0; lies--)
			content->data[g_rand_int_range(random, 0, (gint32)content->len)] =
				(guint8)g_rand_int(random);
		g_byte_array_set_size(records, (guint)used + content->len + 64);
		CHECK_EQ(tachyon_record_append(records->data, records->len, &used,
					       samples[i].record, content->data, content->len),
			 0);
		g_byte_array_set_size(records, (guint)used);
		g_byte_array_unref(content);
	}
}

TEST(frames_arrive_whatever_their_records_say_and_lies_are_counted)
{
	struct producer *producer = start_producer("socket");
	struct consumer *consumer = start_consumer("socket", "");
	GRand *random = g_rand_new_with_seed(6);

	await_subscriber(producer);
	send_prologue(producer);
	for (guint8 round = 0; round < 200; round++) {
		GByteArray *records = g_byte_array_new();
		struct tachyon_frame frame = {.data = &round, .size = 1, .pts = round};
		GstBuffer *out;

		append_lies(records, random);
		frame.metadata = records->data;
		frame.metadata_size = records->len;
		CHECK_EQ(tachyon_publisher_send(producer->publisher, &frame), 1);
		out = await_buffer(consumer);
		CHECK_EQ(gst_buffer_memcmp(out, 0, &round, 1), 0);
		gst_buffer_unref(out);
		g_byte_array_unref(records);
	}
	CHECK(figure(consumer, "not-carried") > 20);
	g_rand_free(random);
	finish_consumer(consumer);
	stop_producer(producer);
}

#if GST_CHECK_VERSION(1, 24, 0)
TEST(planes_of_dsd_go_from_sink_to_source)
{
	struct pair pair = start_pair("audio/x-dsd, format=(string)DSDU8, rate=(int)352800, "
				      "layout=(string)non-interleaved, channels=(int)2");
	GstBuffer *in = gst_buffer_new_memdup("0123456789ab", 12), *out;

	add_dsd(in);
	out = send(&pair, in);
	check_dsd(gst_buffer_get_meta(out, GST_DSD_PLANE_OFFSET_META_API_TYPE));
	gst_buffer_unref(out);
	finish_pair(&pair);
}
#endif
