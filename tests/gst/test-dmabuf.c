/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * DMABuf through the sink: what its subscribers receive, and what comes back.
 */
#include <signal.h>
#include <sys/wait.h>

#include "dmabuf-fixture.h"
#include "sink-fixture.h"

#define ADDRESS "d.sock"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

/* --- the producer --- */

/* What is upstream of the sink: a pad, so that buffers come from a pool as they are. */
static GstPad *pad_of(GstElement *pipeline)
{
	return g_object_get_data(G_OBJECT(pipeline), "pad");
}

static void push_event(GstElement *pipeline, GstEvent *event)
{
	CHECK(gst_pad_push_event(pad_of(pipeline), event));
}

static void set_caps(GstElement *pipeline, const char *text)
{
	GstCaps *const caps = gst_caps_from_string(text);

	push_event(pipeline, gst_event_new_caps(caps));
	gst_caps_unref(caps);
}

static GstElement *start_sink(const char *caps)
{
	GstElement *const pipeline = gst_pipeline_new(NULL);
	GstElement *const sink = gst_element_factory_make("tachyonsink", "sink");
	GstPad *const pad = gst_pad_new("src", GST_PAD_SRC);
	GstPad *peer;
	GstSegment segment;

	CHECK(sink != NULL);
	g_object_set(sink, "socket-path", ADDRESS, "sync", FALSE, NULL);
	gst_bin_add(GST_BIN(pipeline), sink);
	peer = gst_element_get_static_pad(sink, "sink");
	CHECK_EQ(gst_pad_link(pad, peer), GST_PAD_LINK_OK);
	gst_object_unref(peer);
	g_object_set_data_full(G_OBJECT(pipeline), "pad", pad, gst_object_unref);

	set_state(pipeline, GST_STATE_PLAYING);
	CHECK(gst_pad_set_active(pad, TRUE));
	push_event(pipeline, gst_event_new_stream_start("pictures"));
	set_caps(pipeline, caps);
	gst_segment_init(&segment, GST_FORMAT_TIME);
	push_event(pipeline, gst_event_new_segment(&segment));
	return pipeline;
}

static void await_client(GstElement *pipeline)
{
	guint count = 0;

	while (count == 0) {
		g_usleep(1000);
		g_object_get(sink_of(pipeline), "num-clients", &count, NULL);
	}
}

/* Takes the buffer. */
static void push(GstElement *pipeline, GstBuffer *buffer)
{
	CHECK_EQ(gst_pad_push(pad_of(pipeline), buffer), GST_FLOW_OK);
}

/* --- the far side --- */

static struct tachyon_subscriber *join_for_lent(void)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.takes_descriptors = 1,
	};
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create(ADDRESS, &options, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 10 * SECOND_NS), 0);
	return subscriber;
}

struct place {
	int fd;
	uint64_t offset;
	uint64_t size;
	uint64_t id;
};

static struct place place_of(const struct tachyon_frame *frame)
{
	struct place place;

	CHECK(!frame->data);
	CHECK_EQ(tachyon_frame_descriptor(frame, &place.fd, &place.offset, &place.size, &place.id),
		 0);
	return place;
}

static bool is_filled(const struct place *place, size_t at, size_t size, guint8 value)
{
	const size_t total = place->offset + at + size;
	guint8 *const data = mmap(NULL, total, PROT_READ, MAP_SHARED, place->fd, 0);
	bool is = true;

	CHECK(data != MAP_FAILED);
	for (size_t i = total - size; i < total && is; i++)
		is = data[i] == value;
	munmap(data, total);
	return is;
}

/* A pool that had to wait for what is held would hang the test. */
TEST(each_buffer_of_a_pool_crosses_once_and_comes_back)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstBufferPool *const pool = make_pool(4);
	uint64_t ids[4] = {0};

	await_client(pipeline);
	for (guint64 i = 0; i < 400; i++) {
		struct tachyon_frame frame;
		struct place place;
		int slot = 0;

		push(pipeline, take_picture(pool, i));
		frame = next_frame(subscriber);
		CHECK_EQ(frame.pts, i);
		CHECK_EQ(frame.size, PICTURE);
		place = place_of(&frame);
		CHECK(is_filled(&place, 0, PICTURE, (guint8)i));
		while (slot < 4 && ids[slot] != place.id && ids[slot] != 0)
			slot++;
		CHECK(slot < 4);
		ids[slot] = place.id;
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
	drop_pool(pool);
}

TEST(what_a_subscriber_holds_is_not_used_again)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstBufferPool *const pool = make_pool(2);
	struct tachyon_frame held;
	struct place place;

	await_client(pipeline);
	push(pipeline, take_picture(pool, 1));
	held = next_frame(subscriber);
	place = place_of(&held);
	for (guint64 i = 2; i < 50; i++) {
		struct tachyon_frame frame;

		push(pipeline, take_picture(pool, i));
		frame = next_frame(subscriber);
		CHECK(place_of(&frame).id != place.id);
		tachyon_frame_release(&frame);
	}
	CHECK(is_filled(&place, 0, PICTURE, 1));
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	tachyon_frame_release(&held);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
	drop_pool(pool);
}

static int hold_two_and_die(void *ready)
{
	struct tachyon_subscriber *const subscriber = join_for_lent();
	char byte = 0;

	(void)next_frame(subscriber);
	(void)next_frame(subscriber);
	CHECK_EQ(write(*(int *)ready, &byte, 1), 1);
	for (;;)
		pause();
}

TEST(a_killed_subscriber_gives_the_pool_its_buffers_back)
{
	int ready[2];
	GstElement *pipeline;
	GstBufferPool *pool;
	pid_t child;
	char byte;

	CHECK_EQ(pipe(ready), 0);
	child = run_child(hold_two_and_die, &ready[1]);
	pipeline = start_sink(DMABUF_CAPS);
	pool = make_pool(2);
	await_client(pipeline);
	push(pipeline, take_picture(pool, 0));
	push(pipeline, take_picture(pool, 1));
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_child(child), -SIGKILL);
	/* Nobody else has them: these come back, or the test hangs. */
	gst_buffer_unref(take_picture(pool, 2));
	gst_buffer_unref(take_picture(pool, 3));
	finish(pipeline);
	drop_pool(pool);
	close(ready[0]);
	close(ready[1]);
}

TEST(memory_that_is_freed_is_closed_at_both_ends)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	struct tachyon_frame frame;

	await_client(pipeline);
	/* What is made anew for each buffer is lent anew, and forgotten behind it. */
	for (guint64 i = 0; i < 60; i++) {
		push(pipeline, buffer_of(make_memory(PICTURE), i));
		frame = next_frame(subscriber);
		CHECK_EQ(frame.pts, i);
		tachyon_frame_release(&frame);
	}
	/* Some are on their way. */
	CHECK(count_files() < 30);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(memory_may_outlive_the_sink)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstMemory *const memory = make_memory(PICTURE);
	struct tachyon_frame frame;

	await_client(pipeline);
	push(pipeline, buffer_of(gst_memory_ref(memory), 0));
	frame = next_frame(subscriber);
	finish(pipeline);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
	gst_memory_unref(memory);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
}

/* --- where in the descriptor --- */

TEST(pieces_of_one_descriptor_are_sent_with_their_offsets)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstMemory *const memory = make_memory(4 * PICTURE);
	struct tachyon_frame frames[4];
	uint64_t id = 0;

	await_client(pipeline);
	for (guint i = 0; i < 4; i++) {
		fill_file(gst_dmabuf_memory_get_fd(memory), i * PICTURE, PICTURE, (guint8)(i + 1));
		push(pipeline, buffer_of(piece_of(memory, i * PICTURE, PICTURE), i));
	}
	for (guint i = 0; i < 4; i++) {
		struct place place;

		frames[i] = next_frame(subscriber);
		place = place_of(&frames[i]);
		CHECK_EQ(place.offset, i * PICTURE);
		CHECK(is_filled(&place, 0, PICTURE, (guint8)(i + 1)));
		CHECK(i == 0 || place.id == id);
		id = place.id;
	}
	for (guint i = 0; i < 4; i++)
		tachyon_frame_release(&frames[i]);
	gst_memory_unref(memory);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(a_memory_with_an_offset_is_not_shifted)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstMemory *const memory = make_memory(PICTURE + 1000);
	struct tachyon_frame frame;
	struct place place;

	await_client(pipeline);
	fill_file(gst_dmabuf_memory_get_fd(memory), 0, 1000, 9);
	fill_file(gst_dmabuf_memory_get_fd(memory), 1000, PICTURE, 5);
	gst_memory_resize(memory, 1000, PICTURE);
	push(pipeline, buffer_of(memory, 0));
	frame = next_frame(subscriber);
	place = place_of(&frame);
	CHECK_EQ(place.offset, 1000);
	CHECK_EQ(frame.size, PICTURE);
	CHECK(is_filled(&place, 0, PICTURE, 5));
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- what cannot be sent --- */

static void expect_refusal(GstBuffer *buffer, const char *reason)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	struct tachyon_item item;
	GstMessage *message;
	GError *error;

	await_client(pipeline);
	CHECK_EQ(gst_pad_push(pad_of(pipeline), buffer), GST_FLOW_ERROR);
	message = await_message(pipeline, GST_MESSAGE_ERROR);
	gst_message_parse_error(message, &error, NULL);
	CHECK(g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT));
	if (!strstr(error->message, reason))
		test_fail(__FILE__, __LINE__, "\"%s\" says nothing of \"%s\"", error->message,
			  reason);
	g_error_free(error);
	gst_message_unref(message);
	finish(pipeline);

	while (tachyon_subscriber_receive(subscriber, &item, 10 * SECOND_NS) == 0)
		CHECK(item.type != TACHYON_ITEM_FRAME);
	tachyon_subscriber_destroy(subscriber);
}

TEST(system_memory_is_not_sent_as_dmabuf)
{
	expect_refusal(gst_buffer_new_allocate(NULL, PICTURE, NULL), "other memory");
}

TEST(another_kind_of_descriptor_is_not_sent_as_dmabuf)
{
	GstAllocator *const allocator = gst_fd_allocator_new();

	expect_refusal(
		buffer_of(gst_fd_allocator_alloc(allocator, make_file(PICTURE, F_SEAL_SHRINK),
						 PICTURE, GST_FD_MEMORY_FLAG_NONE),
			  0),
		"other memory");
	gst_object_unref(allocator);
}

TEST(a_file_that_can_shrink_is_not_sent)
{
	expect_refusal(buffer_of(wrap_file(make_file(PICTURE, 0), PICTURE), 0), "sealed");
}

TEST(a_memory_beyond_its_file_is_not_sent)
{
	expect_refusal(buffer_of(wrap_file(make_file(PICTURE / 2, F_SEAL_SHRINK), PICTURE), 0),
		       "smaller");
}

TEST(planes_behind_several_descriptors_are_refused_by_name)
{
	GstBuffer *const buffer = buffer_of(make_memory(PICTURE / 2), 0);

	gst_buffer_append_memory(buffer, make_memory(PICTURE / 2));
	expect_refusal(buffer, "several descriptors");
}

TEST(pieces_that_nobody_could_put_together_are_refused)
{
	GstMemory *const memory = make_memory(2 * PICTURE);
	GstBuffer *const buffer = buffer_of(piece_of(memory, 0, PICTURE / 2), 0);

	gst_buffer_append_memory(buffer, piece_of(memory, PICTURE, PICTURE / 2));
	gst_memory_unref(memory);
	expect_refusal(buffer, "GstVideoMeta");
}

TEST(an_empty_buffer_crosses_without_memory)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	GstBuffer *const buffer = gst_buffer_new();
	struct tachyon_frame frame;

	await_client(pipeline);
	GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
	push(pipeline, buffer);
	frame = next_frame(subscriber);
	CHECK_EQ(frame.size, 0);
	CHECK(frame.flags & TACHYON_FRAME_GAP);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- other caps --- */

TEST(dmabuf_under_other_caps_is_copied_once)
{
	GstElement *const pipeline = start_sink(SYSTEM_CAPS);
	struct tachyon_subscriber *const subscriber = join(ADDRESS);
	GstBufferPool *const pool = make_pool(2);
	struct tachyon_frame frame;

	await_client(pipeline);
	push(pipeline, take_picture(pool, 3));
	frame = next_frame(subscriber);
	CHECK_EQ(frame.size, PICTURE);
	CHECK(frame.data != NULL);
	CHECK_EQ(((guint8 *)frame.data)[PICTURE - 1], 3);
	tachyon_frame_release(&frame);
	await_stat(sink_of(pipeline), "copied", 1);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
	drop_pool(pool);
}

TEST(a_copy_that_is_forbidden_is_not_needed_for_dmabuf)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join_for_lent();
	struct tachyon_frame frame;

	await_client(pipeline);
	g_object_set(sink_of(pipeline), "min-memory-size", (gint64)-1, NULL);
	push(pipeline, buffer_of(make_memory(PICTURE), 0));
	frame = next_frame(subscriber);
	CHECK_EQ(place_of(&frame).size, PICTURE);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

TEST(nothing_of_ours_is_offered_to_who_makes_dmabuf)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	GstPad *const pad = gst_element_get_static_pad(sink_of(pipeline), "sink");
	GstCaps *const caps = gst_caps_from_string(DMABUF_CAPS);
	GstQuery *const query = gst_query_new_allocation(caps, TRUE);

	CHECK(gst_pad_query(pad, query));
	CHECK_EQ(gst_query_get_n_allocation_pools(query), 0);
	CHECK_EQ(gst_query_get_n_allocation_params(query), 0);
	CHECK(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL));
	gst_query_unref(query);
	gst_caps_unref(caps);
	gst_object_unref(pad);
	finish(pipeline);
}

TEST(a_subscriber_that_takes_no_descriptors_misses_them_and_gets_the_rest)
{
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	struct tachyon_subscriber *const subscriber = join(ADDRESS);
	struct tachyon_frame frame;

	await_client(pipeline);
	push(pipeline, buffer_of(make_memory(PICTURE), 0));
	await_stat(sink_of(pipeline), "dropped", 1);
	set_caps(pipeline, SYSTEM_CAPS);
	push(pipeline, gst_buffer_new_allocate(NULL, PICTURE, NULL));
	frame = next_frame(subscriber);
	CHECK(frame.data != NULL);
	CHECK(frame.hints & TACHYON_FRAME_AFTER_DROP);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	finish(pipeline);
}

/* --- both elements --- */

/* What came out at the far end. */
struct arrival {
	GAsyncQueue *buffers;
	gint wrong;
};

static void note(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
	(void)sink;
	(void)pad;
	g_async_queue_push(((struct arrival *)data)->buffers, gst_buffer_ref(buffer));
}

static GstElement *start_source(struct arrival *arrival, const char *options)
{
	gchar *const line = g_strdup_printf("tachyonsrc name=src socket-path=" ADDRESS " %s ! "
					    "fakesink name=end signal-handoffs=true sync=false",
					    options);
	GstElement *const pipeline = launch(line);

	g_free(line);
	arrival->buffers = g_async_queue_new_full((GDestroyNotify)gst_buffer_unref);
	g_signal_connect(part(pipeline, "end"), "handoff", G_CALLBACK(note), arrival);
	set_state(pipeline, GST_STATE_PLAYING);
	return pipeline;
}

static GstBuffer *await_buffer(struct arrival *arrival)
{
	GstBuffer *const buffer = g_async_queue_timeout_pop(arrival->buffers, 10 * G_USEC_PER_SEC);

	CHECK(buffer != NULL);
	return buffer;
}

TEST(a_pool_crosses_from_element_to_element)
{
	struct arrival arrival = {0};
	GstElement *const far = start_source(&arrival, "always-copy=true");
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	GstBufferPool *const pool = make_pool(3);
	GHashTable *const memories = g_hash_table_new(NULL, NULL);

	await_client(pipeline);
	for (guint64 i = 0; i < 300; i++) {
		GstBuffer *buffer;
		GstMemory *memory;

		push(pipeline, take_picture(pool, i));
		buffer = await_buffer(&arrival);
		memory = gst_buffer_peek_memory(buffer, 0);
		CHECK_EQ(gst_buffer_n_memory(buffer), 1);
		CHECK(gst_is_dmabuf_memory(memory));
		CHECK(GST_MEMORY_IS_READONLY(memory));
		CHECK(is_all(buffer, PICTURE, (guint8)i));
		g_hash_table_add(memories, memory);
		gst_buffer_unref(buffer);
	}
	/* The same memories come again, with what downstream made of them. */
	CHECK(g_hash_table_size(memories) <= 3);
	CHECK_EQ(stat_of(part(far, "src"), "copied"), 0);
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	g_hash_table_unref(memories);
	finish(far);
	g_async_queue_unref(arrival.buffers);
	finish(pipeline);
	drop_pool(pool);
}

TEST(strides_and_offsets_of_planes_cross_as_they_are)
{
	struct arrival arrival = {0};
	GstElement *const far = start_source(&arrival, "");
	GstElement *const pipeline =
		start_sink("video/x-raw(memory:DMABuf),format=NV12,width=64,height=64,"
			   "framerate=30/1");
	gsize offset[GST_VIDEO_MAX_PLANES] = {256, 256 + 128 * 64};
	gint stride[GST_VIDEO_MAX_PLANES] = {128, 192};
	GstBuffer *buffer = buffer_of(make_memory(40960), 0);
	GstVideoMeta *meta;

	await_client(pipeline);
	gst_memory_resize(gst_buffer_peek_memory(buffer, 0), 4096, 32768);
	gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_FORMAT_NV12, 64, 64, 2, offset, stride);
	push(pipeline, buffer);
	buffer = await_buffer(&arrival);
	CHECK_EQ(gst_buffer_peek_memory(buffer, 0)->offset, 4096);
	CHECK_EQ(gst_buffer_get_size(buffer), 32768);
	meta = gst_buffer_get_video_meta(buffer);
	CHECK(meta != NULL);
	CHECK_EQ(meta->offset[0], 256);
	CHECK_EQ(meta->offset[1], 256 + 128 * 64);
	CHECK_EQ(meta->stride[0], 128);
	CHECK_EQ(meta->stride[1], 192);
	gst_buffer_unref(buffer);
	finish(far);
	g_async_queue_unref(arrival.buffers);
	finish(pipeline);
}

/* As drivers do: a memory for each plane, around a descriptor of its own for one file. */
TEST(planes_that_lie_apart_in_one_file_are_found_there)
{
	struct arrival arrival = {0};
	GstElement *const far = start_source(&arrival, "");
	GstElement *const pipeline =
		start_sink("video/x-raw(memory:DMABuf),format=NV12,width=64,height=64,"
			   "framerate=30/1");
	gsize offset[GST_VIDEO_MAX_PLANES] = {0, 4096};
	gint stride[GST_VIDEO_MAX_PLANES] = {64, 64};
	const int fd = make_file(16384, F_SEAL_SHRINK);
	GstMemory *const luma = wrap_file(dup(fd), 16384), *const chroma = wrap_file(fd, 16384);
	GstBuffer *buffer = buffer_of(luma, 0);
	GstVideoFrame frame;
	GstVideoInfo info;

	await_client(pipeline);
	fill_file(fd, 0, 16384, 99);
	fill_file(fd, 1024, 4096, 1);
	fill_file(fd, 8192, 2048, 2);
	gst_memory_resize(luma, 1024, 4096);
	gst_memory_resize(chroma, 8192, 2048);
	gst_buffer_append_memory(buffer, chroma);
	gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_FORMAT_NV12, 64, 64, 2, offset, stride);
	push(pipeline, buffer);

	buffer = await_buffer(&arrival);
	CHECK_EQ(gst_buffer_get_size(buffer), 8192 + 2048 - 1024);
	gst_video_info_set_format(&info, GST_VIDEO_FORMAT_NV12, 64, 64);
	CHECK(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
	for (int i = 0; i < 4096; i++)
		CHECK_EQ(((guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0))[i], 1);
	for (int i = 0; i < 2048; i++)
		CHECK_EQ(((guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 1))[i], 2);
	gst_video_frame_unmap(&frame);
	gst_buffer_unref(buffer);
	finish(far);
	g_async_queue_unref(arrival.buffers);
	finish(pipeline);
}

#if GST_CHECK_VERSION(1, 24, 0)
TEST(planes_that_only_a_driver_can_follow_cross_as_they_are)
{
	struct arrival arrival = {0};
	GstElement *const far = start_source(&arrival, "");
	GstElement *const pipeline =
		start_sink("video/x-raw(memory:DMABuf),format=DMA_DRM,"
			   "drm-format=NV12:0x0100000000000002,width=64,height=64,"
			   "framerate=30/1");
	gsize offset[GST_VIDEO_MAX_PLANES] = {0, 8192};
	gint stride[GST_VIDEO_MAX_PLANES] = {128, 128};
	GstBuffer *buffer = buffer_of(make_memory(16384), 0);
	GstVideoMeta *meta;

	await_client(pipeline);
	gst_buffer_add_video_meta_full(buffer, 0, GST_VIDEO_FORMAT_DMA_DRM, 64, 64, 2, offset,
				       stride);
	push(pipeline, buffer);
	buffer = await_buffer(&arrival);
	CHECK(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)));
	meta = gst_buffer_get_video_meta(buffer);
	CHECK(meta != NULL);
	CHECK_EQ(meta->format, GST_VIDEO_FORMAT_DMA_DRM);
	CHECK_EQ(meta->n_planes, 2);
	CHECK_EQ(meta->offset[1], 8192);
	CHECK_EQ(meta->stride[1], 128);
	gst_buffer_unref(buffer);
	finish(far);
	g_async_queue_unref(arrival.buffers);
	finish(pipeline);
}
#endif

TEST(a_stream_may_change_to_dmabuf_and_back)
{
	struct arrival arrival = {0};
	GstElement *const far = start_source(&arrival, "");
	GstElement *const pipeline = start_sink(SYSTEM_CAPS);
	GstBufferPool *const pool = make_pool(2);

	await_client(pipeline);
	for (guint64 i = 0; i < 30; i++) {
		const gboolean is_dmabuf = i / 5 % 2;
		GstBuffer *buffer;

		set_caps(pipeline, is_dmabuf ? DMABUF_CAPS : SYSTEM_CAPS);
		if (is_dmabuf) {
			buffer = take_picture(pool, i);
		} else {
			buffer = gst_buffer_new_allocate(NULL, PICTURE, NULL);
			gst_buffer_memset(buffer, 0, (guint8)i, PICTURE);
		}
		push(pipeline, buffer);
		buffer = await_buffer(&arrival);
		CHECK_EQ(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)), is_dmabuf);
		CHECK(is_all(buffer, PICTURE, (guint8)i));
		gst_buffer_unref(buffer);
	}
	finish(far);
	g_async_queue_unref(arrival.buffers);
	finish(pipeline);
	drop_pool(pool);
}

/* --- another process --- */

TEST(another_process_reads_the_same_pictures)
{
	/* One that keeps no buffer for later: the pool has no more. */
	const gchar *const arguments[] = {
		"gst-launch-1.0",
		"-q",
		"tachyonsrc",
		"socket-path=" ADDRESS,
		"!",
		"filesink",
		"location=out",
		"buffer-mode=unbuffered",
		"enable-last-sample=false",
		"async=false",
		"sync=false",
		NULL,
	};
	GstElement *const pipeline = start_sink(DMABUF_CAPS);
	GstBufferPool *const pool = make_pool(3);
	gchar *content;
	gsize size;
	gint status;
	GPid child;

	CHECK(g_spawn_async(NULL, (gchar **)arguments, NULL,
			    G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child,
			    NULL));
	await_client(pipeline);
	for (guint64 i = 0; i < 100; i++)
		push(pipeline, take_picture(pool, i));
	push_event(pipeline, gst_event_new_eos());
	await_eos(pipeline);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);

	CHECK(g_file_get_contents("out", &content, &size, NULL));
	CHECK_EQ(size, 100 * PICTURE);
	for (gsize i = 0; i < size; i++) {
		if ((guint8)content[i] != i / PICTURE)
			test_fail(__FILE__, __LINE__, "byte %zu is %d", i, content[i]);
	}
	g_free(content);
	unlink("out");
	CHECK_EQ(stat_of(sink_of(pipeline), "copied"), 0);
	finish(pipeline);
	drop_pool(pool);
}
