/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A pool's segments, and which of their blocks are free. It knows neither who holds a block nor
 * why; the caller holds the pool's mutex wherever nothing else is said.
 */
#ifndef TACH_POOL_MEMORY_H
#define TACH_POOL_MEMORY_H

#include "descriptor.h"
#include "pool.h"

struct tach_publication;

struct tach_pool_block {
	struct tachyon_block base; /* first: what a frame points to */
	struct tach_pool_segment *segment;
	struct tach_pool_block *next_free;
	uint64_t generation; /* of a lent one: its publications so far */
	uint16_t index;
	/* The pool's: a block is free when nothing of this is set. */
	bool is_held; /* by a frame of this process */
	struct tach_publication *oldest;
	struct tach_publication *newest;
};

struct tach_pool_segment {
	struct tach_pool *pool;
	struct tach_segment memory;
	struct tach_descriptor lent; /* instead of memory, where somebody lent it: one block */
	uint32_t id;
	bool is_retiring;
	uint64_t known; /* holders that were told of it */
	uint64_t asked; /* holders that were asked to forget it */
	uint32_t free_count;
	struct tach_pool_block *free; /* the last one given back is first */
	struct tach_pool_segment *next_doomed;
	struct tach_pool_block blocks[];
};

static inline bool tach_pool_block_is_lent(const struct tach_pool_block *block)
{
	return block->segment->lent.id != 0;
}

struct tach_pool_memory {
	struct tach_pool_segment **segments; /* their ids ascend, and are never used twice */
	size_t count;
	size_t creating; /* reserved, and not yet inserted */
	size_t capacity;
	uint64_t bytes; /* of all these */
	uint64_t max_bytes;
	uint32_t next_id;
	uint32_t lent; /* of the segments */
	/* Read without the mutex too: in a pool where nothing retires, that costs nothing. */
	_Atomic uint32_t retiring;
	/* Taken out of the table; to be destroyed once the mutex is free. */
	struct tach_pool_segment *doomed;
};

/* The size of the blocks that serve size bytes; 0 when the limits never allow one. */
uint64_t tach_pool_memory_class(const struct tach_pool_memory *memory, uint64_t size);

/* NULL when there is none of that number. */
struct tach_pool_segment *tach_pool_memory_find(const struct tach_pool_memory *memory, uint32_t id);

/* Whether acquire may use its blocks, of this size or a larger one, now or once they are free. */
bool tach_pool_segment_serves(const struct tach_pool_segment *segment, uint64_t block_size);
/* The one with the smallest blocks that serves the size and has one free, or NULL. */
struct tach_pool_segment *tach_pool_memory_best(const struct tach_pool_memory *memory,
						uint64_t block_size);
/* How many blocks serve the size, and how many of them are free. */
struct tach_pool_service {
	uint64_t blocks;
	uint64_t blocks_free;
};

struct tach_pool_service tach_pool_memory_service(const struct tach_pool_memory *memory,
						  uint64_t block_size);

struct tach_pool_block *tach_pool_segment_take(struct tach_pool_segment *segment);
void tach_pool_segment_give(struct tach_pool_block *block);
/* The block's content is given up: readers can tell from now on. */
void tach_pool_block_raise(struct tach_pool_block *block);

/* --- growing --- */

/* As many blocks as make about 16 MiB. */
uint32_t tach_pool_default_count(uint64_t block_size);
/*
 * Sets room aside for a segment of at most count blocks. Returns how many it may have, 0 when the
 * limit is reached; -ENOMEM. Followed by insert or unreserve with that number.
 */
int tach_pool_memory_reserve(struct tach_pool_memory *memory, uint64_t block_size, uint32_t count);
void tach_pool_memory_unreserve(struct tach_pool_memory *memory, uint64_t block_size,
				uint32_t count);
/* Without the mutex: it is the slow part. 0 or -errno. */
int tach_pool_segment_create(struct tach_pool *pool, const struct tach_block_ops *ops,
			     uint64_t block_size, uint32_t count,
			     struct tach_pool_segment **segment);
void tach_pool_memory_insert(struct tach_pool_memory *memory, struct tach_pool_segment *segment);
/* A lent one, which nothing was reserved for. 0; -EAGAIN: there are as many as may be; -ENOMEM. */
int tach_pool_memory_insert_lent(struct tach_pool_memory *memory,
				 struct tach_pool_segment *segment);

/* --- shrinking --- */

/* No block of it is handed out any more; it goes once all are back and nobody knows it. */
void tach_pool_memory_retire(struct tach_pool_memory *memory, struct tach_pool_segment *segment);
/* Takes that back, where no holder was asked to forget it yet; else false. */
bool tach_pool_memory_revive(struct tach_pool_memory *memory, struct tach_pool_segment *segment);
/* Retires segments that cannot serve the size until, once they are gone, one block would fit. */
void tach_pool_memory_make_room(struct tach_pool_memory *memory, uint64_t block_size);
/*
 * After its last block or holder went: dooms a retiring segment that nobody needs. It then is gone
 * from the table; whoever walks that does so from the end.
 */
void tach_pool_memory_settle(struct tach_pool_memory *memory, struct tach_pool_segment *segment);
/* Without the mutex. */
void tach_pool_segments_destroy(struct tach_pool_segment *doomed);

#endif
