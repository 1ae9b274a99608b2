/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A pool: its life, its growth, the references of this process to its blocks, and which subscriber
 * knows which of its segments.
 */
#include "pool-private.h"

#include <stdlib.h>

#include "os.h"

/* At the limit, this many free blocks are few. */
#define SCARCE_BLOCKS 2u
#define SCARCE_PART 8u

/* --- the mutex --- */

void tach_pool_lock(struct tach_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
}

/* Something that an acquire or a reclaim may have waited for. */
void tach_pool_notify(struct tach_pool *pool)
{
	if (pool->wake_fd < 0)
		return;
	/*
	 * Under the mutex, so that after tach_pool_set_wake() the event is not touched. Setting an
	 * event does not wait.
	 */
	tach_os_event_set(pool->wake_fd);
	pool->wake_fd = -1;
}

static void destroy(struct tach_pool *pool)
{
	tach_pool_free_publications(pool);
	free(pool->memory.segments);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

/* Segments that became useless go here, when nobody has to wait for it; so does a closed pool. */
void tach_pool_unlock(struct tach_pool *pool)
{
	struct tach_pool_segment *doomed = pool->memory.doomed;
	const bool is_over = pool->is_closed && pool->memory.count == 0;

	pool->memory.doomed = NULL;
	if (doomed) {
		/* The limit has room again. */
		pool->freed++;
		tach_pool_notify(pool);
	}
	pthread_mutex_unlock(&pool->mutex);

	tach_pool_segments_destroy(doomed);
	if (is_over)
		destroy(pool);
}

void tach_pool_settle_block(struct tach_pool *pool, struct tach_pool_block *block)
{
	if (block->is_held || block->oldest)
		return;

	tach_pool_segment_give(block);
	pool->freed++;
	tach_pool_notify(pool);
	tach_pool_memory_settle(&pool->memory, block->segment);
}

/* --- a block's end --- */

static void release_block(struct tachyon_block *base)
{
	struct tach_pool_block *block = tach_pool_block_from(base);
	struct tach_pool *pool = block->segment->pool;

	/*
	 * A forked child has a copy of the tables and nobody to tell. Its copy of the mutex may be
	 * locked for ever by a thread that it does not have.
	 */
	if (pool->owner != tach_os_process_token())
		return;

	tach_pool_lock(pool);
	assert(block->is_held);
	block->is_held = false;
	tach_pool_settle_block(pool, block);
	tach_pool_unlock(pool);
}

/* Whoever holds a reference wrote the content. */
static int is_valid_block(const struct tachyon_block *base)
{
	(void)base;
	return 1;
}

static const struct tach_block_ops block_ops = {
	.release = release_block,
	.is_valid = is_valid_block,
};

/* --- the pool --- */

int tach_pool_create(uint64_t max_bytes, struct tach_pool **out)
{
	struct tach_pool *pool;
	int ret;

	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	ret = -pthread_mutex_init(&pool->mutex, NULL);
	if (ret < 0)
		goto err_free;

	pool->owner = tach_os_process_token();
	pool->memory.max_bytes = max_bytes;
	pool->memory.next_id = 1;
	pool->wake_fd = -1;
	*out = pool;
	return 0;

err_free:
	free(pool);
	return ret;
}

void tach_pool_shut(struct tach_pool *pool)
{
	tach_pool_lock(pool);
	pool->is_shut = true;
	tach_pool_unlock(pool);
}

void tach_pool_close(struct tach_pool *pool)
{
	/* A child's copy stays as it is: frames that it inherited may still be looked at. */
	if (!pool || pool->owner != tach_os_process_token())
		return;

	tach_pool_lock(pool);
	pool->is_closed = true;
	pool->wake_fd = -1;
	tach_pool_forget_cookies(pool);
	for (size_t i = pool->memory.count; i-- > 0;) {
		struct tach_pool_segment *segment = pool->memory.segments[i];

		tach_pool_forget_lent(segment);
		for (uint32_t j = 0; j < segment->memory.block_count; j++)
			tach_pool_forget_publications(pool, &segment->blocks[j]);
		segment->known = 0;
		tach_pool_memory_retire(&pool->memory, segment);
	}
	tach_pool_unlock(pool);
}

/*
 * Adds a segment of at most count blocks. Returns how many it has, -EAGAIN when the limit is
 * reached, or why there is no memory.
 *
 * The mutex is free while the memory is made, which takes milliseconds: returns and releases go on.
 * The bytes are reserved before, so that two threads cannot exceed the limit together; nobody sees
 * the segment before it is inserted; and nobody closes the pool, whose user is inside a call.
 */
static int grow(struct tach_pool *pool, uint64_t block_size, uint32_t count)
{
	struct tach_pool_segment *segment;
	int reserved;
	int ret;

	reserved = tach_pool_memory_reserve(&pool->memory, block_size, count);
	if (reserved <= 0)
		return reserved < 0 ? reserved : -EAGAIN;

	tach_pool_unlock(pool);
	ret = tach_pool_segment_create(pool, &block_ops, block_size, (uint32_t)reserved, &segment);
	tach_pool_lock(pool);

	if (ret < 0) {
		tach_pool_memory_unreserve(&pool->memory, block_size, (uint32_t)reserved);
		return ret;
	}
	tach_pool_memory_insert(&pool->memory, segment);
	pool->freed++;
	tach_pool_notify(pool);
	return reserved;
}

/* Such frames would use these blocks. */
static bool is_near(const struct tach_pool_segment *segment, uint64_t block_size)
{
	return segment->memory.block_size >= block_size &&
	       segment->memory.block_size / 2 <= block_size;
}

/* Retires what is of no use for blocks of a size; how many of use there are. */
static uint64_t keep_near(struct tach_pool *pool, uint64_t block_size)
{
	uint64_t blocks = 0;

	for (size_t i = pool->memory.count; i-- > 0;) {
		struct tach_pool_segment *segment = pool->memory.segments[i];

		if (segment->lent.id != 0)
			continue;
		if (!is_near(segment, block_size))
			tach_pool_memory_retire(&pool->memory, segment);
		else if (tach_pool_memory_revive(&pool->memory, segment))
			blocks += segment->memory.block_count;
	}
	return blocks;
}

int tach_pool_configure(struct tach_pool *pool, uint64_t size, uint32_t count)
{
	const uint64_t block_size = tach_pool_memory_class(&pool->memory, size);
	uint64_t blocks;
	uint64_t wanted;
	int ret = 0;

	if (size == 0)
		return -EINVAL;
	if (block_size == 0 || count > pool->memory.max_bytes / block_size)
		return -EMSGSIZE;

	tach_pool_lock(pool);
	pool->wanted = block_size;
	blocks = keep_near(pool, block_size);
	wanted = count;
	if (wanted == 0)
		wanted = blocks > 0 ? blocks : tach_pool_default_count(block_size);
	while (blocks < wanted && ret >= 0) {
		ret = grow(pool, block_size, (uint32_t)(wanted - blocks));
		if (ret > 0)
			blocks += (uint64_t)ret;
	}
	tach_pool_unlock(pool);

	/* What retires is still in the way: acquire adds the rest when it has gone. */
	return ret == -EAGAIN || ret > 0 ? 0 : ret;
}

static bool can_serve(const struct tach_pool *pool, uint64_t block_size)
{
	return tach_pool_memory_service(&pool->memory, block_size).blocks > 0;
}

/* 0: best() is worth another look. Else why there is no block of this size. */
static int add_blocks(struct tach_pool *pool, uint64_t block_size)
{
	const uint32_t count = tach_pool_default_count(block_size);
	int ret;

	ret = grow(pool, block_size, count);
	if (ret == -EAGAIN && !can_serve(pool, block_size)) {
		/* Blocks that are too small must not keep larger ones away for ever. */
		tach_pool_memory_make_room(&pool->memory, block_size);
		ret = grow(pool, block_size, count);
	}
	/* Blocks that come back are as good as memory that cannot be had. */
	if (ret < 0 && can_serve(pool, block_size))
		return -EAGAIN;
	return ret < 0 ? ret : 0;
}

int tach_pool_acquire(struct tach_pool *pool, uint64_t size, struct tachyon_block **out)
{
	const uint64_t block_size = tach_pool_memory_class(&pool->memory, size);
	struct tach_pool_segment *segment;
	int ret = 0;

	if (block_size == 0)
		return -EMSGSIZE;

	tach_pool_lock(pool);
	if (pool->is_shut) {
		tach_pool_unlock(pool);
		return -EPIPE;
	}
	pool->wanted = block_size;
	segment = tach_pool_memory_best(&pool->memory, block_size);
	if (!segment || !is_near(segment, block_size)) {
		ret = add_blocks(pool, block_size);
		segment = tach_pool_memory_best(&pool->memory, block_size);
	}
	/* Shut while memory was made: what is free now may still be read. */
	if (pool->is_shut) {
		segment = NULL;
		ret = -EPIPE;
	}
	if (segment) {
		struct tach_pool_block *block = tach_pool_segment_take(segment);

		block->is_held = true;
		*out = &block->base;
	}
	tach_pool_unlock(pool);

	if (!segment)
		return ret < 0 ? ret : -EAGAIN;
	tach_pool_admit_writer();
	return 0;
}

bool tach_pool_is_scarce(struct tach_pool *pool)
{
	struct tach_pool_service service;
	bool is_scarce = false;

	tach_pool_lock(pool);
	if (pool->memory.max_bytes - pool->memory.bytes < pool->wanted) {
		service = tach_pool_memory_service(&pool->memory, pool->wanted);
		is_scarce = service.blocks_free <= SCARCE_BLOCKS ||
			    service.blocks_free * SCARCE_PART <= service.blocks;
	}
	tach_pool_unlock(pool);
	return is_scarce;
}

/* What a block is stays the same while someone holds it: no mutex. */
bool tach_pool_owns(const struct tach_pool *pool, const struct tachyon_block *base)
{
	return base && base->ops == &block_ops &&
	       ((const struct tach_pool_block *)base)->segment->pool == pool;
}

uint32_t tach_pool_block_segment(const struct tachyon_block *base)
{
	return ((const struct tach_pool_block *)base)->segment->id;
}

void *tach_pool_block_data(const struct tachyon_block *base)
{
	const struct tach_pool_block *block = (const struct tach_pool_block *)base;
	const struct tach_segment *memory = &block->segment->memory;

	return memory->data + memory->block_size * block->index;
}

uint64_t tach_pool_block_size(const struct tachyon_block *base)
{
	return ((const struct tach_pool_block *)base)->segment->memory.block_size;
}

/* --- announcing segments --- */

bool tach_pool_is_known(struct tach_pool *pool, uint32_t segment_id, unsigned int holder)
{
	const struct tach_pool_segment *segment;
	bool is_known;

	tach_pool_lock(pool);
	segment = tach_pool_memory_find(&pool->memory, segment_id);
	is_known = segment && (segment->known & tach_pool_holder_bit(holder));
	tach_pool_unlock(pool);
	return is_known;
}

void tach_pool_set_known(struct tach_pool *pool, uint32_t segment_id, unsigned int holder)
{
	struct tach_pool_segment *segment;

	tach_pool_lock(pool);
	segment = tach_pool_memory_find(&pool->memory, segment_id);
	if (segment)
		segment->known |= tach_pool_holder_bit(holder);
	tach_pool_unlock(pool);
}

int tach_pool_segment_fd(struct tach_pool *pool, uint32_t segment_id, uint64_t *lent_size)
{
	const struct tach_pool_segment *segment;
	int fd = -ENOENT;

	tach_pool_lock(pool);
	segment = tach_pool_memory_find(&pool->memory, segment_id);
	if (segment)
		fd = segment->lent.id != 0 ? segment->lent.fd : segment->memory.fd;
	if (segment && lent_size)
		*lent_size = segment->lent.id != 0 ? segment->lent.size : 0;
	tach_pool_unlock(pool);
	return fd;
}

/* The next segment to ask a holder to forget, or NULL. */
static struct tach_pool_segment *find_retirable(struct tach_pool *pool, uint64_t holder)
{
	for (size_t i = 0; i < pool->memory.count; i++) {
		struct tach_pool_segment *segment = pool->memory.segments[i];

		if (segment->is_retiring && (segment->known & ~segment->asked & holder) &&
		    segment->free_count == segment->memory.block_count)
			return segment;
	}
	return NULL;
}

int tach_pool_next_retire(struct tach_pool *pool, unsigned int holder, uint32_t *segment_id)
{
	struct tach_pool_segment *segment;

	/* Relaxed, and without the mutex: a stale 0 only means that the next call finds it. */
	if (atomic_load_explicit(&pool->memory.retiring, memory_order_relaxed) == 0)
		return 0;

	tach_pool_lock(pool);
	segment = find_retirable(pool, tach_pool_holder_bit(holder));
	if (segment) {
		segment->asked |= tach_pool_holder_bit(holder);
		*segment_id = segment->id;
	}
	tach_pool_unlock(pool);
	return segment ? 1 : 0;
}

int tach_pool_retired(struct tach_pool *pool, unsigned int holder, uint32_t segment_id)
{
	const uint64_t bit = tach_pool_holder_bit(holder);
	struct tach_pool_segment *segment;
	int ret = -EBADMSG;

	tach_pool_lock(pool);
	segment = tach_pool_memory_find(&pool->memory, segment_id);
	if (segment && (segment->asked & bit)) {
		segment->asked &= ~bit;
		segment->known &= ~bit;
		tach_pool_memory_settle(&pool->memory, segment);
		ret = 0;
	}
	tach_pool_unlock(pool);
	return ret;
}

/* --- waiting and figures --- */

void tach_pool_set_wake(struct tach_pool *pool, int event_fd)
{
	tach_pool_lock(pool);
	pool->wake_fd = event_fd;
	tach_pool_unlock(pool);
}

uint64_t tach_pool_freed(struct tach_pool *pool)
{
	uint64_t freed;

	tach_pool_lock(pool);
	freed = pool->freed;
	tach_pool_unlock(pool);
	return freed;
}

void tach_pool_figures(struct tach_pool *pool, struct tach_pool_figures *figures)
{
	*figures = (struct tach_pool_figures){0};

	tach_pool_lock(pool);
	for (size_t i = 0; i < pool->memory.count; i++) {
		const struct tach_pool_segment *segment = pool->memory.segments[i];

		if (segment->lent.id != 0)
			continue;
		figures->blocks += segment->memory.block_count;
		figures->blocks_free += segment->free_count;
		figures->bytes += segment->memory.block_size * segment->memory.block_count;
		figures->segments++;
	}
	tach_pool_unlock(pool);
}
