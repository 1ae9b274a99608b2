/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the pool's tests share: a pool, and short names for what they do to it. A call that fails
 * fails the test.
 */
#ifndef TACHYON_TESTS_POOL_SETUP_H
#define TACHYON_TESTS_POOL_SETUP_H

#include "harness.h"
#include "os.h"
#include "pool.h"

#define MIB (1ull << 20)
#define PLENTY (64 * MIB)

static inline uint64_t pages(uint64_t count)
{
	return count * tach_os_page_size();
}

static inline struct tach_pool *make_pool(uint64_t max_bytes)
{
	struct tach_pool *pool;

	CHECK_EQ(tach_pool_create(max_bytes, &pool), 0);
	return pool;
}

static inline struct tachyon_block *acquire(struct tach_pool *pool, uint64_t size)
{
	struct tachyon_block *block;

	CHECK_EQ(tach_pool_acquire(pool, size, &block), 0);
	return block;
}

static inline int try_acquire(struct tach_pool *pool, uint64_t size)
{
	struct tachyon_block *block = NULL;
	const int ret = tach_pool_acquire(pool, size, &block);

	CHECK_EQ(block != NULL, ret == 0);
	return ret;
}

/* A frame's way of giving its reference back. */
static inline void release(struct tachyon_block *block)
{
	struct tachyon_frame frame = {.block = block};

	tachyon_frame_release(&frame);
}

static inline struct tach_block_ref publish(struct tach_pool *pool, struct tachyon_block *block,
					    uint64_t holders, void *cookie)
{
	struct tach_block_ref ref = {0};

	CHECK_EQ(tach_pool_publish(pool, block, holders, cookie, &ref), 0);
	return ref;
}

/* Publishes a new block and gives up the reference, as a commit does. */
static inline struct tach_block_ref commit(struct tach_pool *pool, uint64_t size, uint64_t holders,
					   void *cookie)
{
	struct tachyon_block *block = acquire(pool, size);
	const struct tach_block_ref ref = publish(pool, block, holders, cookie);

	release(block);
	return ref;
}

static inline int give_back(struct tach_pool *pool, unsigned int holder,
			    const struct tach_block_ref *ref)
{
	return tach_pool_return(pool, holder, ref->segment, ref->block, ref->generation);
}

static inline struct tach_pool_figures figures_of(struct tach_pool *pool)
{
	struct tach_pool_figures figures;

	tach_pool_figures(pool, &figures);
	return figures;
}

static inline uint64_t blocks_in_use(struct tach_pool *pool)
{
	const struct tach_pool_figures figures = figures_of(pool);

	return figures.blocks - figures.blocks_free;
}

/* As a subscriber sees it. */
static inline struct tach_segment view(struct tach_pool *pool, uint32_t segment)
{
	struct tach_segment memory;
	const int fd = tach_pool_segment_fd(pool, segment, NULL);

	CHECK(fd >= 0);
	CHECK_EQ(tach_segment_attach(&memory, fd, TACH_SEGMENT_PAYLOAD, 1ull << 30), 0);
	return memory;
}

static inline uint64_t generation_in(const struct tach_segment *memory, uint16_t block)
{
	return atomic_load_explicit(&memory->header->generation[block], memory_order_acquire);
}

#endif
