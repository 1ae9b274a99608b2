/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include <gst/gst.h>

#include <string.h>

#include "gsttachyonallocator.h"
#include "harness.h"

TEST_SETUP
{
	gst_init(NULL, NULL);
}

struct fixture {
	struct tachyon_publisher *handle;
	GstTachyonPublisher *publisher;
	GstAllocator *allocator;
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
	return fixture;
}

static void drop_fixture(struct fixture *fixture)
{
	gst_tachyon_publisher_close(fixture->publisher);
	gst_object_unref(fixture->allocator);
	gst_tachyon_publisher_unref(fixture->publisher);
}

static struct tachyon_publisher_stats figures(const struct fixture *fixture)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	tachyon_publisher_get_stats(fixture->handle, &stats);
	return stats;
}

static uint64_t blocks_taken(const struct fixture *fixture)
{
	const struct tachyon_publisher_stats stats = figures(fixture);

	return stats.blocks - stats.blocks_free;
}

static GstMemory *alloc(struct fixture *fixture, size_t size)
{
	GstMemory *memory = gst_allocator_alloc(fixture->allocator, size, NULL);

	CHECK(memory != NULL);
	return memory;
}

static uint8_t *address_of(GstMemory *memory)
{
	GstMapInfo map;
	uint8_t *data;

	CHECK(gst_memory_map(memory, &map, GST_MAP_READ));
	data = map.data;
	gst_memory_unmap(memory, &map);
	return data;
}

static gboolean is_found(struct fixture *fixture, GstBuffer *buffer, struct tachyon_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	return gst_tachyon_allocator_find_block(GST_TACHYON_ALLOCATOR(fixture->allocator), buffer,
						frame);
}

/* --- blocks --- */

TEST(a_memory_is_one_block_and_gives_it_back)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 100000);

	CHECK(gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE));
	CHECK_EQ(gst_memory_get_sizes(memory, NULL, NULL), 100000);
	CHECK_EQ(blocks_taken(&fixture), 1);
	gst_memory_unref(memory);
	CHECK_EQ(blocks_taken(&fixture), 0);

	drop_fixture(&fixture);
}

TEST(blocks_are_used_again)
{
	struct fixture fixture = make_fixture(0);
	uint64_t blocks;

	gst_memory_unref(alloc(&fixture, 1920));
	blocks = figures(&fixture).blocks;
	for (int i = 0; i < 1000; i++)
		gst_memory_unref(alloc(&fixture, 1920));
	CHECK_EQ(figures(&fixture).blocks, blocks);

	drop_fixture(&fixture);
}

TEST(what_is_written_is_read)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 10000);
	GstMapInfo map;

	CHECK(gst_memory_map(memory, &map, GST_MAP_WRITE));
	CHECK_EQ(map.size, 10000);
	memset(map.data, 0x5a, map.size);
	gst_memory_unmap(memory, &map);
	CHECK(gst_memory_map(memory, &map, GST_MAP_READ));
	CHECK_EQ(map.data[0], 0x5a);
	CHECK_EQ(map.data[9999], 0x5a);
	gst_memory_unmap(memory, &map);
	gst_memory_unref(memory);

	drop_fixture(&fixture);
}

TEST(a_memory_of_no_bytes_can_be_had)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 0);

	CHECK_EQ(gst_memory_get_sizes(memory, NULL, NULL), 0);
	gst_memory_unref(memory);

	drop_fixture(&fixture);
}

/* --- alignment, prefix, padding --- */

TEST(alignments_up_to_a_megabyte_are_honoured)
{
	struct fixture fixture = make_fixture(0);

	for (size_t align = 1; align <= 1 << 20; align *= 2) {
		GstAllocationParams params = {.align = align - 1};
		GstBuffer *buffer = gst_buffer_new_allocate(fixture.allocator, 5000, &params);
		struct tachyon_frame frame = {0};

		/* All of it in the block, or it could not be sent. */
		CHECK(is_found(&fixture, buffer, &frame));
		CHECK_EQ((uintptr_t)frame.data & (align - 1), 0);
		CHECK_EQ(tachyon_publisher_publish(fixture.handle, &frame, NULL), 0);
		gst_buffer_unref(buffer);
	}

	drop_fixture(&fixture);
}

TEST(prefix_and_padding_are_there_and_cleared_when_asked_for)
{
	struct fixture fixture = make_fixture(0);
	GstAllocationParams params = {
		.flags = GST_MEMORY_FLAG_ZERO_PREFIXED | GST_MEMORY_FLAG_ZERO_PADDED,
		.prefix = 64,
		.padding = 128,
	};
	GstMemory *memory = alloc(&fixture, 4096);
	gsize offset, maxsize;
	GstMapInfo map;

	/* The block comes back dirty. */
	CHECK(gst_memory_map(memory, &map, GST_MAP_WRITE));
	memset(map.data, 0xff, map.size);
	gst_memory_unmap(memory, &map);
	gst_memory_unref(memory);

	memory = gst_allocator_alloc(fixture.allocator, 3000, &params);
	CHECK_EQ(gst_memory_get_sizes(memory, &offset, &maxsize), 3000);
	CHECK_EQ(offset, 64);
	CHECK_EQ(maxsize, 64 + 3000 + 128);
	gst_memory_resize(memory, -64, maxsize);
	CHECK(gst_memory_map(memory, &map, GST_MAP_READ));
	for (int i = 0; i < 64; i++)
		CHECK_EQ(map.data[i], 0);
	CHECK_EQ(map.data[64], 0xff);
	for (int i = 64 + 3000; i < 64 + 3000 + 128; i++)
		CHECK_EQ(map.data[i], 0);
	gst_memory_unmap(memory, &map);
	gst_memory_unref(memory);

	drop_fixture(&fixture);
}

TEST(a_size_that_overflows_is_refused)
{
	struct fixture fixture = make_fixture(0);
	GstAllocationParams params = {.prefix = 64, .padding = 64};

	CHECK(gst_allocator_alloc(fixture.allocator, SIZE_MAX - 100, &params) == NULL);
	params.prefix = SIZE_MAX - 10;
	CHECK(gst_allocator_alloc(fixture.allocator, 1, &params) == NULL);

	drop_fixture(&fixture);
}

/* --- share, copy, span --- */

TEST(a_share_is_read_only_and_keeps_the_block)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 10000);
	uint8_t *data = address_of(memory);
	GstMemory *share = gst_memory_share(memory, 1000, 500);
	GstMemory *again = gst_memory_share(share, 100, -1);

	CHECK(share->parent == memory);
	CHECK(again->parent == memory);
	CHECK(GST_MEMORY_IS_READONLY(share));
	CHECK_EQ(gst_memory_get_sizes(again, NULL, NULL), 400);
	gst_memory_unref(memory);
	gst_memory_unref(share);
	CHECK(address_of(again) == data + 1100);
	CHECK_EQ(blocks_taken(&fixture), 1);
	gst_memory_unref(again);
	CHECK_EQ(blocks_taken(&fixture), 0);

	drop_fixture(&fixture);
}

TEST(neighbours_are_a_span_and_others_are_not)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 1000);
	GstMemory *a = gst_memory_share(memory, 100, 200);
	GstMemory *b = gst_memory_share(memory, 300, 200);
	gsize offset;

	CHECK(gst_memory_is_span(a, b, &offset));
	CHECK_EQ(offset, 100);
	CHECK(!gst_memory_is_span(b, a, NULL));

	gst_memory_unref(a);
	gst_memory_unref(b);
	gst_memory_unref(memory);
	drop_fixture(&fixture);
}

TEST(a_deep_copy_takes_no_block)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer = gst_buffer_new_allocate(fixture.allocator, 5000, NULL);
	GstBuffer *copy;

	gst_buffer_memset(buffer, 0, 7, 5000);
	copy = gst_buffer_copy_deep(buffer);
	CHECK_EQ(blocks_taken(&fixture), 1);
	CHECK(!gst_memory_is_type(gst_buffer_peek_memory(copy, 0), GST_TACHYON_MEMORY_TYPE));
	CHECK_EQ(gst_buffer_get_size(copy), 5000);
	CHECK_EQ(gst_buffer_memcmp(copy, 0, "\7\7\7\7", 4), 0);

	gst_buffer_unref(copy);
	gst_buffer_unref(buffer);
	drop_fixture(&fixture);
}

TEST(a_copy_of_a_part_is_of_that_part)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 256);
	GstMemory *copy;
	GstMapInfo map;

	CHECK(gst_memory_map(memory, &map, GST_MAP_WRITE));
	for (int i = 0; i < 256; i++)
		map.data[i] = (uint8_t)i;
	gst_memory_unmap(memory, &map);

	copy = gst_memory_copy(memory, 100, 50);
	CHECK(gst_memory_map(copy, &map, GST_MAP_READ));
	CHECK_EQ(map.size, 50);
	CHECK_EQ(map.data[0], 100);
	CHECK_EQ(map.data[49], 149);
	gst_memory_unmap(copy, &map);
	gst_memory_unref(copy);

	copy = gst_memory_copy(memory, 200, -1);
	CHECK_EQ(gst_memory_get_sizes(copy, NULL, NULL), 56);
	gst_memory_unref(copy);
	gst_memory_unref(memory);
	drop_fixture(&fixture);
}

/* --- what a decoder does with its reference pictures --- */

TEST(a_buffer_mapped_for_writing_is_shared_and_not_copied)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer = gst_buffer_new_allocate(fixture.allocator, 5000, NULL);
	GstBuffer *pushed;
	GstMapInfo map, other;

	CHECK(gst_buffer_map(buffer, &map, GST_MAP_READWRITE));
	memset(map.data, 1, map.size);
	pushed = gst_buffer_copy(buffer);
	CHECK(gst_buffer_peek_memory(pushed, 0) == map.memory);

	/* Nobody writes into it from then on but who has it mapped: others get a copy. */
	CHECK(gst_buffer_map(pushed, &other, GST_MAP_READ));
	CHECK(other.data == map.data);
	gst_buffer_unmap(pushed, &other);
	CHECK(gst_buffer_map(pushed, &other, GST_MAP_WRITE));
	CHECK(other.data != map.data);
	gst_buffer_unmap(pushed, &other);

	gst_buffer_unmap(buffer, &map);
	gst_buffer_unref(pushed);
	gst_buffer_unref(buffer);
	CHECK_EQ(blocks_taken(&fixture), 0);
	drop_fixture(&fixture);
}

TEST(maps_of_all_kinds_nest_and_unmap)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 5000);
	GstMapInfo read, write, both;

	CHECK(gst_memory_map(memory, &write, GST_MAP_WRITE));
	CHECK(gst_memory_map(memory, &both, GST_MAP_READWRITE));
	gst_memory_unmap(memory, &write);
	CHECK(gst_memory_map(memory, &read, GST_MAP_READ));
	/* Who reads is not written under. */
	CHECK(!gst_memory_map(memory, &write, GST_MAP_WRITE));
	gst_memory_unmap(memory, &both);
	gst_memory_unmap(memory, &read);
	CHECK(gst_memory_map(memory, &write, GST_MAP_WRITE));
	gst_memory_unmap(memory, &write);
	gst_memory_unref(memory);

	drop_fixture(&fixture);
}

/* --- finding the block --- */

TEST(a_buffer_in_a_block_is_found_there)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 5000);
	uint8_t *data = address_of(memory);
	GstBuffer *buffer = gst_buffer_new();
	struct tachyon_frame frame;

	gst_buffer_append_memory(buffer, gst_memory_share(memory, 100, 300));
	CHECK(is_found(&fixture, buffer, &frame));
	CHECK(frame.data == data + 100);
	CHECK_EQ(frame.size, 300);
	CHECK(frame.block != NULL);

	gst_buffer_unref(buffer);
	gst_memory_unref(memory);
	drop_fixture(&fixture);
}

TEST(pieces_that_touch_are_one_and_pieces_that_do_not_are_none)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 5000);
	GstBuffer *buffer = gst_buffer_new();
	struct tachyon_frame frame;

	gst_buffer_append_memory(buffer, gst_memory_share(memory, 0, 300));
	gst_buffer_append_memory(buffer, gst_memory_share(memory, 300, 700));
	CHECK(is_found(&fixture, buffer, &frame));
	CHECK_EQ(frame.size, 1000);
	gst_buffer_append_memory(buffer, gst_memory_share(memory, 1001, 1));
	CHECK(!is_found(&fixture, buffer, &frame));

	gst_buffer_unref(buffer);
	gst_memory_unref(memory);
	drop_fixture(&fixture);
}

TEST(two_blocks_are_not_one)
{
	struct fixture fixture = make_fixture(0);
	GstBuffer *buffer = gst_buffer_new();
	struct tachyon_frame frame;

	/* They may well touch. */
	gst_buffer_append_memory(buffer, alloc(&fixture, 4096));
	gst_buffer_append_memory(buffer, alloc(&fixture, 4096));
	CHECK(!is_found(&fixture, buffer, &frame));

	gst_buffer_unref(buffer);
	drop_fixture(&fixture);
}

TEST(memory_of_others_and_empty_buffers_are_not_found)
{
	struct fixture fixture = make_fixture(0);
	GstAllocator *stranger = gst_tachyon_allocator_new(fixture.publisher);
	GstBuffer *system = gst_buffer_new_allocate(NULL, 100, NULL);
	GstBuffer *empty = gst_buffer_new();
	GstBuffer *other = gst_buffer_new_allocate(stranger, 100, NULL);
	struct tachyon_frame frame;

	CHECK(!is_found(&fixture, system, &frame));
	CHECK(!is_found(&fixture, empty, &frame));
	CHECK(!is_found(&fixture, other, &frame));

	gst_buffer_unref(system);
	gst_buffer_unref(empty);
	gst_buffer_unref(other);
	gst_object_unref(stranger);
	drop_fixture(&fixture);
}

/* --- no block to be had --- */

TEST(a_memory_too_large_for_a_block_is_system_memory)
{
	struct fixture fixture = make_fixture(1 << 20);
	GstMemory *memory = alloc(&fixture, 8 << 20);

	CHECK(!gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE));
	gst_memory_unref(memory);

	drop_fixture(&fixture);
}

struct waiter {
	struct fixture *fixture;
	GstMemory *memory;
	int done;
};

static gpointer alloc_in_thread(gpointer data)
{
	struct waiter *waiter = data;

	waiter->memory = gst_allocator_alloc(waiter->fixture->allocator, 100000, NULL);
	g_atomic_int_set(&waiter->done, 1);
	return NULL;
}

/* Takes every block, until one more would wait. */
static GPtrArray *take_all(struct fixture *fixture)
{
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)gst_memory_unref);
	struct tachyon_frame frame;

	while (tachyon_publisher_acquire(fixture->handle, 100000, &frame) == 0) {
		tachyon_frame_release(&frame);
		g_ptr_array_add(all, alloc(fixture, 100000));
	}
	return all;
}

TEST(alloc_waits_for_a_block_through_a_pause)
{
	struct fixture fixture = make_fixture(2 << 20);
	GPtrArray *all = take_all(&fixture);
	struct waiter waiter = {.fixture = &fixture};
	GThread *thread = g_thread_new("waiter", alloc_in_thread, &waiter);

	g_usleep(20000);
	gst_tachyon_publisher_cancel(fixture.publisher);
	g_usleep(20000);
	gst_tachyon_publisher_resume(fixture.publisher);
	g_usleep(20000);
	CHECK_EQ(g_atomic_int_get(&waiter.done), 0);

	g_ptr_array_remove_index(all, 0);
	g_thread_join(thread);
	CHECK(gst_memory_is_type(waiter.memory, GST_TACHYON_MEMORY_TYPE));

	gst_memory_unref(waiter.memory);
	g_ptr_array_unref(all);
	drop_fixture(&fixture);
}

TEST(a_flush_ends_the_wait_of_alloc)
{
	struct fixture fixture = make_fixture(2 << 20);
	GPtrArray *all = take_all(&fixture);
	struct waiter waiter = {.fixture = &fixture};
	GThread *thread = g_thread_new("waiter", alloc_in_thread, &waiter);

	g_usleep(20000);
	gst_tachyon_publisher_set_flushing(fixture.publisher, TRUE);
	gst_tachyon_publisher_cancel(fixture.publisher);
	gst_tachyon_publisher_resume(fixture.publisher);
	g_thread_join(thread);
	CHECK(waiter.memory != NULL);
	CHECK(!gst_memory_is_type(waiter.memory, GST_TACHYON_MEMORY_TYPE));

	gst_memory_unref(waiter.memory);
	g_ptr_array_unref(all);
	drop_fixture(&fixture);
}

TEST(close_ends_the_wait_of_alloc)
{
	struct fixture fixture = make_fixture(2 << 20);
	GPtrArray *all = take_all(&fixture);
	struct waiter waiter = {.fixture = &fixture};
	GThread *thread = g_thread_new("waiter", alloc_in_thread, &waiter);

	g_usleep(20000);
	gst_tachyon_publisher_close(fixture.publisher);
	g_thread_join(thread);
	CHECK(!gst_memory_is_type(waiter.memory, GST_TACHYON_MEMORY_TYPE));

	gst_memory_unref(waiter.memory);
	g_ptr_array_unref(all);
	drop_fixture(&fixture);
}

/* --- after the end --- */

TEST(memory_outlives_publisher_and_allocator)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory = alloc(&fixture, 10000);
	GstMapInfo map;

	drop_fixture(&fixture);
	CHECK(gst_memory_map(memory, &map, GST_MAP_READWRITE));
	memset(map.data, 1, map.size);
	gst_memory_unmap(memory, &map);
	gst_memory_unref(memory);
}

TEST(an_allocator_whose_publisher_is_closed_gives_system_memory)
{
	struct fixture fixture = make_fixture(0);
	GstMemory *memory;

	gst_tachyon_publisher_close(fixture.publisher);
	memory = alloc(&fixture, 10000);
	CHECK(!gst_memory_is_type(memory, GST_TACHYON_MEMORY_TYPE));
	gst_memory_unref(memory);
	CHECK(gst_tachyon_publisher_enter(fixture.publisher) == NULL);

	drop_fixture(&fixture);
}
