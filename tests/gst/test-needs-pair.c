/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of what a consumer needs, as its producer meets it: two pipelines, and strangers. */
#include <gst/video/video.h>

#include "sink-fixture.h"

#include "gsttachyonwire.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

#define SIZE "width=64,height=48,framerate=100/1"
#define SOURCE "videotestsrc is-live=true ! "
#define TO_SINK " ! tachyonsink name=sink socket-path=n.sock"
#define FROM_SRC "tachyonsrc name=src socket-path=n.sock on-disconnect=none ! "
#define END " ! fakesink name=end sync=false enable-last-sample=false"

/* The format that flows into an element of this name; "" when nothing does. */
static gchar *format_at(GstElement *pipeline, const char *name)
{
	GstPad *const pad = gst_element_get_static_pad(part(pipeline, name), "sink");
	GstCaps *caps = gst_pad_get_current_caps(pad);
	gchar *format = g_strdup("");

	if (caps) {
		g_free(format);
		format = g_strdup(
			gst_structure_get_string(gst_caps_get_structure(caps, 0), "format"));
	}
	gst_clear_caps(&caps);
	gst_object_unref(pad);
	return format;
}

static void await_format(GstElement *pipeline, const char *name, const char *expected)
{
	bool is_there;

	do {
		gchar *const format = format_at(pipeline, name);

		g_usleep(1000);
		is_there = g_strcmp0(format, expected) == 0;
		g_free(format);
	} while (!is_there);
}

static GstElement *play(const char *description)
{
	GstElement *const pipeline = launch(description);

	set_state(pipeline, GST_STATE_PLAYING);
	return pipeline;
}

TEST(a_producer_sends_the_format_that_its_only_consumer_takes)
{
	GstElement *const producer = play(SOURCE "video/x-raw," SIZE TO_SINK);
	GstElement *consumer;

	await_stat(sink_of(producer), "rendered", 3);
	consumer = play(FROM_SRC "video/x-raw,format=NV12" END);
	await_format(consumer, "end", "NV12");
	await_format(producer, "sink", "NV12");
	await_stat(part(consumer, "src"), "frames", 5);
	finish(consumer);
	finish(producer);
}

TEST(a_producer_that_comes_later_and_anew_is_told_too)
{
	GstElement *const consumer = play(FROM_SRC "video/x-raw,format=NV12" END);

	for (int i = 0; i < 2; i++) {
		GstElement *const producer = play(SOURCE "video/x-raw," SIZE TO_SINK);

		await_format(producer, "sink", "NV12");
		await_format(consumer, "end", "NV12");
		await_stat(part(consumer, "src"), "frames",
			   stat_of(part(consumer, "src"), "frames") + 5);
		finish(producer);
	}
	finish(consumer);
}

TEST(a_producer_follows_when_its_consumer_wants_another_format)
{
	GstElement *const producer = play(SOURCE "video/x-raw," SIZE TO_SINK);
	GstElement *const consumer =
		play(FROM_SRC "capsfilter name=filter caps=video/x-raw,format=NV12" END);

	await_format(consumer, "end", "NV12");
	gst_util_set_object_arg(G_OBJECT(part(consumer, "filter")), "caps",
				"video/x-raw,format=RGB");
	await_format(consumer, "end", "RGB");
	finish(consumer);
	finish(producer);
}

TEST(what_one_consumer_takes_is_not_changed_for_another)
{
	GstElement *const producer = play(SOURCE "video/x-raw," SIZE TO_SINK);
	GstElement *const first = play(FROM_SRC "video/x-raw,format=NV12" END);
	GstElement *second;
	GstMessage *message;
	uint64_t frames;

	await_format(first, "end", "NV12");
	second = play(FROM_SRC "video/x-raw,format=RGB" END);
	message = await_message(second, GST_MESSAGE_ERROR);
	gst_message_unref(message);
	frames = stat_of(part(first, "src"), "frames");
	await_stat(part(first, "src"), "frames", frames + 10);
	await_format(producer, "sink", "NV12");
	gst_element_set_state(second, GST_STATE_NULL);
	gst_object_unref(second);
	finish(first);
	finish(producer);
}

TEST(a_producer_that_can_do_nothing_else_goes_on)
{
	GstElement *const producer = play("audiotestsrc is-live=true ! audio/x-raw,rate=44100 ! "
					  "audiomixer ! identity" TO_SINK);
	GstElement *consumer;
	GstMessage *message;
	uint64_t frames;

	await_stat(sink_of(producer), "rendered", 3);
	consumer = play(FROM_SRC "audio/x-raw,rate=48000" END);
	message = await_message(consumer, GST_MESSAGE_ERROR);
	gst_message_unref(message);
	frames = stat_of(sink_of(producer), "rendered");
	await_stat(sink_of(producer), "rendered", frames + 10);
	gst_element_set_state(consumer, GST_STATE_NULL);
	gst_object_unref(consumer);
	finish(producer);
}

/* --- allocation --- */

/* What upstream would be offered now; to be let go. */
static GstQuery *ask(GstElement *producer)
{
	GstPad *const pad = gst_element_get_static_pad(sink_of(producer), "sink");
	GstCaps *const caps = gst_caps_from_string("video/x-raw,format=I420,width=64,height=48");
	GstQuery *const query = gst_query_new_allocation(caps, TRUE);

	CHECK(gst_pad_query(pad, query));
	gst_caps_unref(caps);
	gst_object_unref(pad);
	return query;
}

struct offer {
	guint min;
	guint align;
	bool has_video_meta;
};

static struct offer offer_of(GstElement *producer)
{
	GstQuery *const query = ask(producer);
	GstAllocationParams params;
	struct offer offer;

	CHECK_EQ(gst_query_get_n_allocation_pools(query), 1);
	gst_query_parse_nth_allocation_pool(query, 0, NULL, NULL, &offer.min, NULL);
	gst_query_parse_nth_allocation_param(query, 0, NULL, &params);
	offer.align = params.align;
	offer.has_video_meta = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	gst_query_unref(query);
	return offer;
}

static void await_offer(GstElement *producer, guint min, guint align, bool has_video_meta)
{
	struct offer offer;

	do {
		g_usleep(1000);
		offer = offer_of(producer);
	} while (offer.min != min || offer.align != align ||
		 offer.has_video_meta != has_video_meta);
}

struct need {
	guint min;
	guint align;
	bool has_video_meta;
};

static GstPadProbeReturn answer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	GstQuery *const query = GST_PAD_PROBE_INFO_QUERY(info);
	const struct need *const need = data;
	const GstAllocationParams params = {.align = need->align};

	(void)pad;
	if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
		return GST_PAD_PROBE_OK;
	gst_query_add_allocation_pool(query, NULL, 4608, need->min, 0);
	gst_query_add_allocation_param(query, NULL, &params);
	if (need->has_video_meta)
		gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	return GST_PAD_PROBE_HANDLED;
}

static GstElement *play_needy(struct need *need)
{
	GstElement *const consumer = launch(FROM_SRC "identity" END);
	GstPad *const pad = gst_element_get_static_pad(part(consumer, "end"), "sink");

	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH,
			  answer, need, NULL);
	gst_object_unref(pad);
	set_state(consumer, GST_STATE_PLAYING);
	return consumer;
}

TEST(the_needs_of_all_consumers_reach_upstream_as_long_as_they_are_there)
{
	GstElement *const producer = play(SOURCE "video/x-raw,format=I420," SIZE TO_SINK);
	struct need much = {.min = 11, .align = 255, .has_video_meta = true};
	struct need little = {.min = 2, .align = 15, .has_video_meta = false};
	GstElement *first, *second;

	await_offer(producer, 0, 63, true);
	first = play_needy(&much);
	/* The library's own figure is one more: a frame is on its way. */
	await_offer(producer, 12, 255, true);
	second = play_needy(&little);
	await_offer(producer, 12, 255, false);
	finish(first);
	await_offer(producer, 3, 63, false);
	finish(second);
	await_offer(producer, 0, 63, true);
	finish(producer);
}

TEST(a_decoder_packs_its_planes_for_who_would_have_to_copy_them)
{
	GstElement *producer, *consumer;
	uint64_t frames, copied;

	if (!gst_registry_check_feature_version(gst_registry_get(), "avdec_h264", 1, 0, 0) ||
	    !gst_registry_check_feature_version(gst_registry_get(), "x264enc", 1, 0, 0))
		SKIP("no x264enc or avdec_h264");
	producer =
		play(SOURCE "video/x-raw,format=I420,width=322,height=242,framerate=50/1 ! "
			    "x264enc tune=zerolatency speed-preset=ultrafast ! avdec_h264" TO_SINK);
	/* A fakesink knows no GstVideoMeta. */
	consumer = play(FROM_SRC "identity" END);
	await_offer(producer, 0, 63, false);
	await_stat(part(consumer, "src"), "frames", 30);
	copied = stat_of(part(consumer, "src"), "copied");
	frames = stat_of(part(consumer, "src"), "frames");
	await_stat(part(consumer, "src"), "frames", frames + 30);
	CHECK_EQ(stat_of(part(consumer, "src"), "copied"), copied);
	finish(consumer);
	finish(producer);
}

/* --- strangers --- */

static struct tachyon_subscriber *join_urgently(void)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .takes_urgent = 1};
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create("n.sock", &options, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 10 * SECOND_NS), 0);
	return subscriber;
}

static void say(struct tachyon_subscriber *subscriber, const void *data, size_t size)
{
	const struct tachyon_event event = {.type = MESSAGE_NEEDS, .data = data, .size = size};

	while (tachyon_subscriber_send_urgent(subscriber, &event) == TACHYON_ERR_AGAIN)
		g_usleep(1000);
}

TEST(needs_out_of_reason_cost_the_producer_little)
{
	GstElement *const producer = play(SOURCE "video/x-raw,format=I420," SIZE TO_SINK);
	const struct needs_message greed = {
		.min_buffers = G_MAXUINT32, .align = G_MAXUINT32, .flags = G_MAXUINT32};
	struct tachyon_subscriber *subscriber;
	uint64_t frames;

	subscriber = join_urgently();
	say(subscriber, &greed, sizeof(greed));
	await_offer(producer, 64, 4095, false);
	frames = stat_of(sink_of(producer), "rendered");
	for (int i = 0; i < 10; i++) {
		struct tachyon_frame frame = next_frame(subscriber);

		tachyon_frame_release(&frame);
	}
	await_stat(sink_of(producer), "rendered", frames + 5);
	tachyon_subscriber_destroy(subscriber);
	await_offer(producer, 0, 63, true);
	finish(producer);
}

TEST(random_needs_harm_no_producer)
{
	GstElement *const producer = play(SOURCE "video/x-raw," SIZE TO_SINK);
	GRand *const random = g_rand_new_with_seed(7);
	struct tachyon_subscriber *const subscriber = join_urgently();
	guint8 data[4096];
	uint64_t frames;

	for (int round = 0; round < 500; round++) {
		const gsize size = (gsize)g_rand_int_range(random, 0, round % 10 ? 60 : 4097);

		for (gsize i = 0; i < size; i++)
			data[i] = (guint8)g_rand_int_range(random, i < 16 ? 0 : 32,
							   i < 16 ? 256 : 127);
		if (size > 40)
			memcpy(data + 16, "video/x-raw, width=(int)", 24);
		say(subscriber, data, size);
	}
	tachyon_subscriber_destroy(subscriber);
	frames = stat_of(sink_of(producer), "rendered");
	await_stat(sink_of(producer), "rendered", frames + 10);
	g_rand_free(random);
	finish(producer);
}
