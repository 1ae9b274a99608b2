/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A pool's segments: which there are, how large a new one is, which of their blocks are free, and
 * when one goes.
 */
#include "pool-memory.h"

#include <stdlib.h>

#include "os.h"

#define SEGMENT_BYTES (16ull << 20)
#define SEGMENT_BLOCKS_MIN 4u
#define SEGMENT_BLOCKS_MAX 64u

/* --- sizes --- */

uint64_t tach_pool_class(uint64_t size)
{
	const uint64_t page_size = tach_os_page_size();
	uint64_t pages, step;

	if (size > TACH_BLOCK_SIZE_MAX)
		return 0;
	if (size == 0)
		return page_size;

	/* An eighth of the power of two at or below it, so at most 12.5 % are lost. */
	pages = tach_round_up(size, page_size) / page_size;
	step = (1ull << (63 - __builtin_clzll(pages))) / 8;
	return page_size * (step > 1 ? tach_round_up(pages, step) : pages);
}

uint64_t tach_pool_memory_class(const struct tach_pool_memory *memory, uint64_t size)
{
	const uint64_t largest = memory->max_bytes - memory->max_bytes % tach_os_page_size();
	const uint64_t block_size = tach_pool_class(size);

	/* A block that exceeds the limit only by what the class adds is cut back to it. */
	if (block_size > largest)
		return size <= largest ? largest : 0;
	return block_size;
}

uint32_t tach_pool_default_count(uint64_t block_size)
{
	const uint64_t count = SEGMENT_BYTES / block_size;

	if (count < SEGMENT_BLOCKS_MIN)
		return SEGMENT_BLOCKS_MIN;
	return count < SEGMENT_BLOCKS_MAX ? (uint32_t)count : SEGMENT_BLOCKS_MAX;
}

/* --- finding --- */

struct tach_pool_segment *tach_pool_memory_find(const struct tach_pool_memory *memory, uint32_t id)
{
	size_t low = 0, high = memory->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		struct tach_pool_segment *segment = memory->segments[middle];

		if (segment->id == id)
			return segment;
		if (segment->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool tach_pool_segment_serves(const struct tach_pool_segment *segment, uint64_t block_size)
{
	return !segment->is_retiring && segment->memory.block_size >= block_size;
}

struct tach_pool_segment *tach_pool_memory_best(const struct tach_pool_memory *memory,
						uint64_t block_size)
{
	struct tach_pool_segment *best = NULL;

	for (size_t i = 0; i < memory->count; i++) {
		struct tach_pool_segment *segment = memory->segments[i];

		if (!segment->free || !tach_pool_segment_serves(segment, block_size))
			continue;
		if (!best || segment->memory.block_size < best->memory.block_size)
			best = segment;
		if (best->memory.block_size == block_size)
			break;
	}
	return best;
}

struct tach_pool_service tach_pool_memory_service(const struct tach_pool_memory *memory,
						  uint64_t block_size)
{
	struct tach_pool_service service = {0};

	for (size_t i = 0; i < memory->count; i++) {
		const struct tach_pool_segment *segment = memory->segments[i];

		if (!tach_pool_segment_serves(segment, block_size))
			continue;
		service.blocks += segment->memory.block_count;
		service.blocks_free += segment->free_count;
	}
	return service;
}

/* --- blocks --- */

struct tach_pool_block *tach_pool_segment_take(struct tach_pool_segment *segment)
{
	struct tach_pool_block *block = segment->free;

	segment->free = block->next_free;
	segment->free_count--;
	return block;
}

void tach_pool_segment_give(struct tach_pool_block *block)
{
	struct tach_pool_segment *segment = block->segment;

	block->next_free = segment->free;
	segment->free = block;
	segment->free_count++;
}

void tach_pool_block_raise(struct tach_pool_block *block)
{
	struct tach_segment_header *header = block->segment->memory.header;

	/* A lent one has none that a reader sees. */
	if (!header)
		return;
	block->generation++;
	/*
	 * Relaxed: the fence that keeps new content behind it stands where a writer gets hold of
	 * the block again, see tach_pool_admit_writer(). The mutex brings this store before that.
	 */
	atomic_store_explicit(&header->generation[block->index], block->generation,
			      memory_order_relaxed);
}

/* --- growing --- */

/* Room in the table for one more, so that insert cannot fail. */
static int extend_table(struct tach_pool_memory *memory)
{
	const size_t needed = memory->count + memory->creating + 1;
	struct tach_pool_segment **segments;
	size_t capacity = memory->capacity;

	if (needed <= capacity)
		return 0;

	capacity = capacity > 0 ? 2 * capacity : 8;
	segments = realloc(memory->segments, capacity * sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	memory->segments = segments;
	memory->capacity = capacity;
	return 0;
}

int tach_pool_memory_reserve(struct tach_pool_memory *memory, uint64_t block_size, uint32_t count)
{
	const uint64_t left = (memory->max_bytes - memory->bytes) / block_size;
	const uint64_t largest = TACH_PAYLOAD_SIZE_MAX / block_size;
	int ret;

	if (count > TACH_BLOCKS_PER_SEGMENT)
		count = TACH_BLOCKS_PER_SEGMENT;
	if (count > largest)
		count = (uint32_t)largest;
	if (count > left)
		count = (uint32_t)left;
	/* The last id stays unused: a pool that came so far gets no more memory. */
	if (count == 0 || memory->creating >= UINT32_MAX - memory->next_id)
		return 0;

	ret = extend_table(memory);
	if (ret < 0)
		return ret;
	memory->creating++;
	memory->bytes += block_size * count;
	return (int)count;
}

void tach_pool_memory_unreserve(struct tach_pool_memory *memory, uint64_t block_size,
				uint32_t count)
{
	memory->creating--;
	memory->bytes -= block_size * count;
}

int tach_pool_segment_create(struct tach_pool *pool, const struct tach_block_ops *ops,
			     uint64_t block_size, uint32_t count, struct tach_pool_segment **out)
{
	struct tach_pool_segment *segment;
	int ret;

	segment = calloc(1, sizeof(*segment) + count * sizeof(segment->blocks[0]));
	if (!segment)
		return -ENOMEM;
	ret = tach_segment_create_payload(&segment->memory, block_size, count);
	if (ret < 0)
		goto err_free;

	segment->pool = pool;
	/* From the last, so that the first is taken first. */
	for (uint32_t i = count; i-- > 0;) {
		struct tach_pool_block *block = &segment->blocks[i];

		block->base.ops = ops;
		block->segment = segment;
		block->index = (uint16_t)i;
		tach_pool_segment_give(block);
	}
	*out = segment;
	return 0;

err_free:
	free(segment);
	return ret;
}

void tach_pool_memory_insert(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	assert(memory->count < memory->capacity);
	segment->id = memory->next_id++;
	memory->segments[memory->count++] = segment;
	memory->creating--;
}

int tach_pool_memory_insert_lent(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	int ret;

	if (memory->lent == TACH_DESCRIPTORS_MAX ||
	    memory->creating >= UINT32_MAX - memory->next_id)
		return -EAGAIN;
	ret = extend_table(memory);
	if (ret < 0)
		return ret;
	memory->creating++;
	memory->lent++;
	tach_pool_memory_insert(memory, segment);
	return 0;
}

/* --- shrinking --- */

static uint64_t data_bytes(const struct tach_pool_segment *segment)
{
	return segment->memory.block_size * segment->memory.block_count;
}

static void doom(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	size_t slot = 0;

	while (memory->segments[slot] != segment)
		slot++;
	memory->count--;
	memmove(&memory->segments[slot], &memory->segments[slot + 1],
		(memory->count - slot) * sizeof(memory->segments[0]));

	memory->bytes -= data_bytes(segment);
	if (segment->lent.id != 0)
		memory->lent--;
	atomic_fetch_sub_explicit(&memory->retiring, 1, memory_order_relaxed);
	segment->next_doomed = memory->doomed;
	memory->doomed = segment;
}

void tach_pool_memory_settle(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	if (segment->is_retiring && segment->known == 0 &&
	    segment->free_count == segment->memory.block_count)
		doom(memory, segment);
}

void tach_pool_memory_retire(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	if (!segment->is_retiring) {
		segment->is_retiring = true;
		atomic_fetch_add_explicit(&memory->retiring, 1, memory_order_relaxed);
	}
	tach_pool_memory_settle(memory, segment);
}

bool tach_pool_memory_revive(struct tach_pool_memory *memory, struct tach_pool_segment *segment)
{
	if (segment->asked != 0)
		return false;
	if (segment->is_retiring) {
		segment->is_retiring = false;
		atomic_fetch_sub_explicit(&memory->retiring, 1, memory_order_relaxed);
	}
	return true;
}

void tach_pool_memory_make_room(struct tach_pool_memory *memory, uint64_t block_size)
{
	uint64_t coming = memory->max_bytes - memory->bytes;

	for (size_t i = 0; i < memory->count; i++) {
		if (memory->segments[i]->is_retiring)
			coming += data_bytes(memory->segments[i]);
	}
	for (size_t i = memory->count; i-- > 0 && coming < block_size;) {
		struct tach_pool_segment *segment = memory->segments[i];

		if (segment->is_retiring || segment->lent.id != 0 ||
		    segment->memory.block_size >= block_size)
			continue;
		coming += data_bytes(segment);
		tach_pool_memory_retire(memory, segment);
	}
}

void tach_pool_segments_destroy(struct tach_pool_segment *doomed)
{
	while (doomed) {
		struct tach_pool_segment *next = doomed->next_doomed;

		tach_segment_destroy(&doomed->memory);
		tach_descriptor_fini(&doomed->lent);
		free(doomed);
		doomed = next;
	}
}
