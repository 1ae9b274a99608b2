/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests of gst/gsttachyonpool.c. */
#include "gsttachyonpool.h"
#include "harness.h"

#include <gst/video/video.h>

TEST_SETUP
{
	gst_init(NULL, NULL);
}

struct fixture {
	struct tachyon_publisher *handle;
	GstTachyonPublisher *publisher;
	GstAllocator *allocator;
	GstBufferPool *pool;
};

static struct fixture make_fixture(uint64_t max_bytes)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.max_bytes = max_bytes,
	};
	struct fixture fixture;

	CHECK_EQ(tachyon_publisher_create("socket", &options, &fixture.handle), 0);
	fixture.publisher = gst_tachyon_publisher_new(fixture.handle);
	fixture.allocator = gst_tachyon_allocator_new(fixture.publisher);
	fixture.pool = gst_tachyon_pool_new(GST_TACHYON_ALLOCATOR(fixture.allocator));
	return fixture;
}

static void drop_fixture(struct fixture *fixture)
{
	gst_buffer_pool_set_active(fixture->pool, FALSE);
	gst_object_unref(fixture->pool);
	gst_tachyon_publisher_close(fixture->publisher);
	gst_object_unref(fixture->allocator);
	gst_tachyon_publisher_unref(fixture->publisher);
}

static uint64_t blocks_taken(const struct fixture *fixture)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	tachyon_publisher_get_stats(fixture->handle, &stats);
	return stats.blocks - stats.blocks_free;
}

static GstStructure *make_config(struct fixture *fixture, const char *text, guint size)
{
	GstStructure *config = gst_buffer_pool_get_config(fixture->pool);
	GstCaps *caps = gst_caps_from_string(text);

	gst_buffer_pool_config_set_params(config, caps, size, 0, 0);
	gst_caps_unref(caps);
	return config;
}

static void start(struct fixture *fixture, const char *caps, guint size)
{
	CHECK(gst_buffer_pool_set_config(fixture->pool, make_config(fixture, caps, size)));
	CHECK(gst_buffer_pool_set_active(fixture->pool, TRUE));
}

static GstBuffer *acquire(struct fixture *fixture)
{
	GstBuffer *buffer = NULL;

	CHECK_EQ(gst_buffer_pool_acquire_buffer(fixture->pool, &buffer, NULL), GST_FLOW_OK);
	return buffer;
}

static gboolean is_in_block(struct fixture *fixture, GstBuffer *buffer, struct tachyon_frame *frame)
{
	return gst_tachyon_allocator_find_block(GST_TACHYON_ALLOCATOR(fixture->allocator), buffer,
						frame);
}

#define VIDEO "video/x-raw,format=I420,width=322,height=242,framerate=30/1"
#define VIDEO_SIZE (324 * 242 + 2 * 164 * 121)

TEST(the_options_of_video_are_announced)
{
	struct fixture fixture = make_fixture(0);

	CHECK(gst_buffer_pool_has_option(fixture.pool, GST_BUFFER_POOL_OPTION_VIDEO_META));
	CHECK(gst_buffer_pool_has_option(fixture.pool, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT));

	drop_fixture(&fixture);
}

TEST(a_picture_lies_in_a_block)
{
	struct fixture fixture = make_fixture(0);
	struct tachyon_frame frame;
	GstBuffer *buffer;

	start(&fixture, VIDEO, VIDEO_SIZE);
	buffer = acquire(&fixture);
	CHECK_EQ(gst_buffer_get_size(buffer), VIDEO_SIZE);
	CHECK(is_in_block(&fixture, buffer, &frame));
	CHECK_EQ(blocks_taken(&fixture), 1);
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

TEST(a_larger_size_is_accepted_and_kept)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer;

	start(&fixture, VIDEO, 1 << 20);
	buffer = acquire(&fixture);
	CHECK_EQ(gst_buffer_get_size(buffer), 1 << 20);
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

TEST(padding_around_a_picture_is_laid_out_and_described)
{
	struct fixture fixture = make_fixture(0);
	GstStructure *config = make_config(&fixture, VIDEO, VIDEO_SIZE);
	GstVideoAlignment align;
	GstVideoMeta *meta;
	GstBuffer *buffer;

	gst_video_alignment_reset(&align);
	align.padding_left = 32;
	align.padding_right = 64;
	align.padding_bottom = 16;
	gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
	gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
	gst_buffer_pool_config_set_video_alignment(config, &align);
	CHECK(gst_buffer_pool_set_config(fixture.pool, config));
	CHECK(gst_buffer_pool_set_active(fixture.pool, TRUE));

	buffer = acquire(&fixture);
	meta = gst_buffer_get_video_meta(buffer);
	CHECK(meta != NULL);
	CHECK(meta->stride[0] >= 322 + 32 + 64);
	CHECK(meta->offset[0] >= 32);
	CHECK(gst_buffer_get_size(buffer) > VIDEO_SIZE);
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

TEST(caps_that_are_not_video_are_served_too)
{
	struct fixture fixture = make_fixture(0);
	struct tachyon_frame frame;
	GstBuffer *buffer;

	start(&fixture, "application/x-never-heard-of", 777);
	buffer = acquire(&fixture);
	CHECK_EQ(gst_buffer_get_size(buffer), 777);
	CHECK(is_in_block(&fixture, buffer, &frame));
	gst_buffer_unref(buffer);

	/* And video after that. */
	CHECK(gst_buffer_pool_set_active(fixture.pool, FALSE));
	start(&fixture, VIDEO, VIDEO_SIZE);
	buffer = acquire(&fixture);
	CHECK_EQ(gst_buffer_get_size(buffer), VIDEO_SIZE);
	CHECK(is_in_block(&fixture, buffer, &frame));
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

TEST(another_allocator_in_the_config_is_replaced_by_ours)
{
	struct fixture fixture = make_fixture(0);
	GstStructure *config = make_config(&fixture, VIDEO, VIDEO_SIZE);
	GstAllocationParams params;
	struct tachyon_frame frame;
	GstBuffer *buffer;

	gst_allocation_params_init(&params);
	gst_buffer_pool_config_set_allocator(config, NULL, &params);
	CHECK(gst_buffer_pool_set_config(fixture.pool, config));
	CHECK(gst_buffer_pool_set_active(fixture.pool, TRUE));
	buffer = acquire(&fixture);
	CHECK(is_in_block(&fixture, buffer, &frame));
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

TEST(buffers_come_back_and_are_used_again)
{
	struct fixture fixture = make_fixture(0);

	start(&fixture, VIDEO, VIDEO_SIZE);
	for (int i = 0; i < 1000; i++)
		gst_buffer_unref(acquire(&fixture));
	CHECK_EQ(blocks_taken(&fixture), 1);
	CHECK(gst_buffer_pool_set_active(fixture.pool, FALSE));
	CHECK_EQ(blocks_taken(&fixture), 0);

	drop_fixture(&fixture);
}

TEST(the_buffer_given_back_last_is_handed_out_first)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffers[3];
	GstBuffer *again;

	start(&fixture, VIDEO, VIDEO_SIZE);
	for (int i = 0; i < 3; i++)
		buffers[i] = acquire(&fixture);
	gst_buffer_unref(buffers[0]);
	gst_buffer_unref(buffers[2]);
	gst_buffer_unref(buffers[1]);
	again = acquire(&fixture);
	CHECK(again == buffers[1]);
	gst_buffer_unref(again);

	drop_fixture(&fixture);
}

TEST(a_buffer_whose_memory_was_changed_is_not_handed_out_again)
{
	struct fixture fixture = make_fixture(0);
	struct tachyon_frame frame;
	GstBuffer *buffer;
	GstMemory *kept;

	start(&fixture, VIDEO, VIDEO_SIZE);
	/* Another memory in it. */
	buffer = acquire(&fixture);
	gst_buffer_replace_all_memory(buffer, gst_allocator_alloc(NULL, VIDEO_SIZE, NULL));
	gst_buffer_unref(buffer);
	buffer = acquire(&fixture);
	CHECK(is_in_block(&fixture, buffer, &frame));
	/* Its memory in another buffer's hands. */
	kept = gst_buffer_get_memory(buffer, 0);
	gst_memory_lock(kept, GST_LOCK_FLAG_EXCLUSIVE);
	gst_buffer_unref(buffer);
	buffer = acquire(&fixture);
	CHECK(gst_buffer_peek_memory(buffer, 0) != kept);
	gst_buffer_unref(buffer);
	gst_memory_unlock(kept, GST_LOCK_FLAG_EXCLUSIVE);
	gst_memory_unref(kept);

	drop_fixture(&fixture);
}

static gpointer give_back_later(gpointer data)
{
	g_usleep(20000);
	gst_buffer_unref(data);
	return NULL;
}

TEST(a_pool_with_a_maximum_waits_for_a_buffer)
{
	struct fixture fixture = make_fixture(0);
	GstStructure *config = make_config(&fixture, VIDEO, VIDEO_SIZE);
	GstBufferPoolAcquireParams params = {.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT};
	GstBuffer *first, *second, *third;
	GstCaps *caps = gst_caps_from_string(VIDEO);
	GThread *thread;

	gst_buffer_pool_config_set_params(config, caps, VIDEO_SIZE, 1, 2);
	gst_caps_unref(caps);
	CHECK(gst_buffer_pool_set_config(fixture.pool, config));
	CHECK(gst_buffer_pool_set_active(fixture.pool, TRUE));
	first = acquire(&fixture);
	second = acquire(&fixture);
	CHECK_EQ(gst_buffer_pool_acquire_buffer(fixture.pool, &third, &params), GST_FLOW_EOS);
	thread = g_thread_new("late", give_back_later, first);
	third = acquire(&fixture);
	g_thread_join(thread);
	CHECK_EQ(blocks_taken(&fixture), 2);
	gst_buffer_unref(second);
	gst_buffer_unref(third);

	drop_fixture(&fixture);
}

TEST(buffers_made_in_advance_are_used)
{
	struct fixture fixture = make_fixture(0);
	GstStructure *config = make_config(&fixture, VIDEO, VIDEO_SIZE);
	GstCaps *caps = gst_caps_from_string(VIDEO);

	gst_buffer_pool_config_set_params(config, caps, VIDEO_SIZE, 4, 0);
	gst_caps_unref(caps);
	CHECK(gst_buffer_pool_set_config(fixture.pool, config));
	CHECK(gst_buffer_pool_set_active(fixture.pool, TRUE));
	CHECK_EQ(blocks_taken(&fixture), 4);
	for (int i = 0; i < 10; i++)
		gst_buffer_unref(acquire(&fixture));
	CHECK_EQ(blocks_taken(&fixture), 4);

	drop_fixture(&fixture);
}

TEST(a_stopped_pool_hands_out_nothing)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer;

	start(&fixture, VIDEO, VIDEO_SIZE);
	gst_buffer_unref(acquire(&fixture));
	gst_buffer_pool_set_flushing(fixture.pool, TRUE);
	CHECK_EQ(gst_buffer_pool_acquire_buffer(fixture.pool, &buffer, NULL), GST_FLOW_FLUSHING);
	gst_buffer_pool_set_flushing(fixture.pool, FALSE);
	buffer = acquire(&fixture);
	/* The last one back frees them all. */
	CHECK(gst_buffer_pool_set_active(fixture.pool, FALSE));
	CHECK_EQ(blocks_taken(&fixture), 1);
	gst_buffer_unref(buffer);
	CHECK_EQ(blocks_taken(&fixture), 0);

	drop_fixture(&fixture);
}

/* --- with a subscriber --- */

struct peer {
	struct tachyon_subscriber *subscriber;
	GThread *thread;
};

static gpointer connect_peer(gpointer data)
{
	struct peer *peer = data;

	CHECK_EQ(tachyon_subscriber_connect(peer->subscriber, 5000000000), 0);
	return NULL;
}

static struct tachyon_subscriber *join(struct fixture *fixture)
{
	struct peer peer;

	CHECK_EQ(tachyon_subscriber_create("socket", NULL, &peer.subscriber), 0);
	peer.thread = g_thread_new("peer", connect_peer, &peer);
	while (tachyon_publisher_subscribers(fixture->handle) == 0) {
		tachyon_publisher_dispatch(fixture->handle);
		g_usleep(1000);
	}
	g_thread_join(peer.thread);
	return peer.subscriber;
}

static void publish(struct fixture *fixture, GstBuffer *buffer)
{
	struct tachyon_frame frame = {.pts = TACHYON_TIME_NONE};

	CHECK(is_in_block(fixture, buffer, &frame));
	CHECK_EQ(tachyon_publisher_publish(fixture->handle, &frame, buffer), 1);
}

static struct tachyon_frame receive(struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 5000000000), 0);
	CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
	return item.frame;
}

TEST(a_buffer_that_a_subscriber_has_is_not_handed_out)
{
	struct fixture fixture = make_fixture(0);
	struct tachyon_subscriber *subscriber = join(&fixture);
	struct tachyon_frame frame;
	GstBuffer *first, *second;

	start(&fixture, VIDEO, VIDEO_SIZE);
	first = acquire(&fixture);
	publish(&fixture, first);
	second = acquire(&fixture);
	CHECK(second != first);

	frame = receive(subscriber);
	tachyon_frame_release(&frame);
	gst_buffer_unref(second);
	tachyon_subscriber_destroy(subscriber);
	drop_fixture(&fixture);
}

TEST(acquire_takes_back_what_a_subscriber_returned)
{
	struct fixture fixture = make_fixture(0);
	struct tachyon_subscriber *subscriber = join(&fixture);

	start(&fixture, VIDEO, VIDEO_SIZE);
	for (int i = 0; i < 1000; i++) {
		struct tachyon_frame frame;

		publish(&fixture, acquire(&fixture));
		frame = receive(subscriber);
		tachyon_frame_release(&frame);
	}
	CHECK(blocks_taken(&fixture) <= 2);

	tachyon_subscriber_destroy(subscriber);
	drop_fixture(&fixture);
}

/* --- flushing --- */

struct waiter {
	struct fixture *fixture;
	GstBuffer *buffer;
	GstFlowReturn flow;
};

static gpointer acquire_in_thread(gpointer data)
{
	struct waiter *waiter = data;

	waiter->flow = gst_buffer_pool_acquire_buffer(waiter->fixture->pool, &waiter->buffer, NULL);
	return NULL;
}

TEST(a_flush_makes_acquire_return_flushing_and_spoils_nothing)
{
	struct fixture fixture = make_fixture(2 << 20);
	struct waiter waiter = {.fixture = &fixture};
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)gst_memory_unref);
	struct tachyon_frame frame;
	GThread *thread;

	start(&fixture, VIDEO, VIDEO_SIZE);
	while (tachyon_publisher_acquire(fixture.handle, VIDEO_SIZE, &frame) == 0) {
		tachyon_frame_release(&frame);
		g_ptr_array_add(all, gst_allocator_alloc(fixture.allocator, VIDEO_SIZE, NULL));
	}

	thread = g_thread_new("waiter", acquire_in_thread, &waiter);
	g_usleep(20000);
	gst_tachyon_publisher_set_flushing(fixture.publisher, TRUE);
	gst_tachyon_publisher_cancel(fixture.publisher);
	gst_tachyon_publisher_resume(fixture.publisher);
	g_thread_join(thread);
	CHECK_EQ(waiter.flow, GST_FLOW_FLUSHING);

	gst_tachyon_publisher_set_flushing(fixture.publisher, FALSE);
	g_ptr_array_unref(all);
	waiter.buffer = acquire(&fixture);
	CHECK(is_in_block(&fixture, waiter.buffer, &frame));
	gst_buffer_unref(waiter.buffer);

	drop_fixture(&fixture);
}

TEST(buffers_may_come_back_after_the_publisher_is_closed)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer, *another;

	start(&fixture, VIDEO, VIDEO_SIZE);
	buffer = acquire(&fixture);
	gst_tachyon_publisher_close(fixture.publisher);
	CHECK(gst_buffer_memset(buffer, 0, 1, VIDEO_SIZE) == VIDEO_SIZE);
	gst_buffer_unref(buffer);
	/* What is left in the pool is handed out; a new one is not to be had. */
	buffer = acquire(&fixture);
	CHECK_EQ(gst_buffer_pool_acquire_buffer(fixture.pool, &another, NULL), GST_FLOW_FLUSHING);
	gst_buffer_unref(buffer);

	drop_fixture(&fixture);
}

/* --- what a query is told --- */

static GstQuery *ask(struct fixture *fixture, const char *text)
{
	GstCaps *caps = gst_caps_from_string(text);
	GstQuery *query = gst_query_new_allocation(caps, TRUE);
	const GstTachyonNeeds nothing = {0};

	gst_tachyon_pool_propose(GST_TACHYON_ALLOCATOR(fixture->allocator), query, &nothing);
	gst_caps_unref(caps);
	return query;
}

TEST(raw_video_is_offered_pool_allocator_and_video_meta)
{
	struct fixture fixture = make_fixture(0);
	GstQuery *query = ask(&fixture, VIDEO);
	guint size, min, max;
	GstBufferPool *pool;

	CHECK_EQ(gst_query_get_n_allocation_params(query), 1);
	CHECK_EQ(gst_query_get_n_allocation_pools(query), 1);
	gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
	CHECK(GST_IS_TACHYON_POOL(pool));
	CHECK_EQ(size, VIDEO_SIZE);
	/* avdec_* turns down what has a maximum. */
	CHECK_EQ(max, 0);
	CHECK(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL));

	gst_object_unref(pool);
	gst_query_unref(query);
	drop_fixture(&fixture);
}

TEST(caps_of_unknown_size_are_offered_the_allocator_alone)
{
	struct fixture fixture = make_fixture(0);
	GstQuery *query = ask(&fixture, "audio/x-raw,format=S16LE,rate=48000,channels=2");

	CHECK_EQ(gst_query_get_n_allocation_params(query), 1);
	CHECK_EQ(gst_query_get_n_allocation_pools(query), 0);

	gst_query_unref(query);
	drop_fixture(&fixture);
}

TEST(memory_of_another_kind_is_not_offered_ours)
{
	struct fixture fixture = make_fixture(0);
	GstQuery *query = ask(&fixture, "video/x-raw(memory:DMABuf),format=NV12,width=320,"
					"height=240,framerate=30/1");

	CHECK_EQ(gst_query_get_n_allocation_params(query), 0);
	CHECK_EQ(gst_query_get_n_allocation_pools(query), 0);

	gst_query_unref(query);
	drop_fixture(&fixture);
}
