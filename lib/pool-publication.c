/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Publications: who was sent a block and has not returned it, and the cookies of those that are
 * over.
 */
#include "pool-private.h"

#include <stdlib.h>

/* One sending of a block; chained in its block, then in the pool until its cookie is taken. */
struct tach_publication {
	struct tach_publication *next;
	uint64_t holders;
	void *cookie;
	/* of a lent block: its number in the FRAME, which a RETURN repeats */
	uint32_t number;
};

/* --- one publication: with the mutex --- */

static struct tach_publication *make_publication(struct tach_pool *pool)
{
	struct tach_publication *publication = pool->spare;

	if (!publication)
		return malloc(sizeof(*publication));
	pool->spare = publication->next;
	return publication;
}

static void discard(struct tach_pool *pool, struct tach_publication *publication)
{
	publication->next = pool->spare;
	pool->spare = publication;
}

static void append(struct tach_pool_block *block, struct tach_publication *publication)
{
	publication->next = NULL;
	if (block->newest)
		block->newest->next = publication;
	else
		block->oldest = publication;
	block->newest = publication;
}

static void unlink_publication(struct tach_pool_block *block, struct tach_publication *previous,
			       struct tach_publication *publication)
{
	if (previous)
		previous->next = publication->next;
	else
		block->oldest = publication->next;
	if (block->newest == publication)
		block->newest = previous;
}

/* Its last holder is gone. The block is not given back yet. */
static void end_publication(struct tach_pool *pool, struct tach_pool_block *block,
			    struct tach_publication *previous, struct tach_publication *publication)
{
	unlink_publication(block, previous, publication);
	/*
	 * In a pool that was shut nobody writes any more: what readers still have stays as it is.
	 */
	if (!block->oldest && !pool->is_shut)
		tach_pool_block_raise(block);

	if (!publication->cookie) {
		discard(pool, publication);
	} else {
		publication->next = NULL;
		if (pool->done)
			pool->done_last->next = publication;
		else
			pool->done = publication;
		pool->done_last = publication;
	}
	tach_pool_notify(pool);
}

/* Takes a holder out of every publication of a block. */
static void drop_from_block(struct tach_pool *pool, struct tach_pool_block *block, uint64_t holder)
{
	struct tach_publication *previous = NULL;
	struct tach_publication *publication = block->oldest;

	if (!publication)
		return;

	while (publication) {
		struct tach_publication *next = publication->next;

		publication->holders &= ~holder;
		if (publication->holders == 0)
			end_publication(pool, block, previous, publication);
		else
			previous = publication;
		publication = next;
	}
	tach_pool_settle_block(pool, block);
}

/* --- the pool ends: with the mutex --- */

void tach_pool_forget_cookies(struct tach_pool *pool)
{
	if (!pool->done)
		return;

	pool->done_last->next = pool->spare;
	pool->spare = pool->done;
	pool->done = NULL;
}

/* No reader is warned of a block that nobody can write any more: what it shows stays as it is. */
void tach_pool_forget_publications(struct tach_pool *pool, struct tach_pool_block *block)
{
	if (!block->oldest)
		return;

	block->newest->next = pool->spare;
	pool->spare = block->oldest;
	block->oldest = NULL;
	block->newest = NULL;
	if (block->is_held)
		tach_pool_block_raise(block);
	else
		tach_pool_segment_give(block);
}

void tach_pool_free_publications(struct tach_pool *pool)
{
	while (pool->spare) {
		struct tach_publication *next = pool->spare->next;

		free(pool->spare);
		pool->spare = next;
	}
}

/* --- publishing and returning --- */

int tach_pool_publish(struct tach_pool *pool, struct tachyon_block *base, uint64_t holders,
		      void *cookie, struct tach_block_ref *ref)
{
	struct tach_pool_block *block = tach_pool_block_from(base);
	struct tach_publication *publication;

	assert(holders != 0);
	tach_pool_lock(pool);
	assert(block->is_held);
	publication = make_publication(pool);
	if (publication) {
		publication->holders = holders;
		publication->cookie = cookie;
		append(block, publication);
		ref->segment = block->segment->id;
		ref->block = block->index;
		ref->generation = (uint32_t)block->generation;
		/* Its frames may be different pieces of it: each is told from the others. */
		if (tach_pool_block_is_lent(block))
			publication->number = (uint32_t)block->generation++;
	}
	tach_pool_unlock(pool);
	return publication ? 0 : -ENOMEM;
}

/* The oldest publication of a block that a holder has, NULL when it has none. */
static struct tach_publication *find_publication(const struct tach_pool_block *block,
						 uint64_t holder,
						 struct tach_publication **previous)
{
	struct tach_publication *publication = block->oldest;

	*previous = NULL;
	while (publication && !(publication->holders & holder)) {
		*previous = publication;
		publication = publication->next;
	}
	return publication;
}

/* The one of that number, where a holder has it. */
static struct tach_publication *find_numbered(const struct tach_pool_block *block, uint64_t holder,
					      uint32_t number, struct tach_publication **previous)
{
	struct tach_publication *publication = block->oldest;

	*previous = NULL;
	while (publication && (!(publication->holders & holder) || publication->number != number)) {
		*previous = publication;
		publication = publication->next;
	}
	return publication;
}

/* All publications of a block of ours that are not over have its generation. */
static struct tach_publication *find_returned(const struct tach_pool_block *block, uint64_t holder,
					      uint32_t generation,
					      struct tach_publication **previous)
{
	if (tach_pool_block_is_lent(block))
		return find_numbered(block, holder, generation, previous);
	if (generation != (uint32_t)block->generation)
		return NULL;
	return find_publication(block, holder, previous);
}

static int return_block(struct tach_pool *pool, uint64_t holder, struct tach_pool_block *block,
			uint32_t generation)
{
	struct tach_publication *previous;
	struct tach_publication *publication = find_returned(block, holder, generation, &previous);

	if (!publication)
		return -EBADMSG;

	publication->holders &= ~holder;
	if (publication->holders == 0) {
		end_publication(pool, block, previous, publication);
		tach_pool_settle_block(pool, block);
	}
	return 0;
}

int tach_pool_return(struct tach_pool *pool, unsigned int holder, uint32_t segment_id,
		     uint16_t index, uint32_t generation)
{
	struct tach_pool_segment *segment;
	int ret = -EBADMSG;

	tach_pool_lock(pool);
	segment = tach_pool_memory_find(&pool->memory, segment_id);
	if (segment && index < segment->memory.block_count)
		ret = return_block(pool, tach_pool_holder_bit(holder), &segment->blocks[index],
				   generation);
	tach_pool_unlock(pool);
	return ret;
}

void tach_pool_drop_holder(struct tach_pool *pool, unsigned int holder)
{
	const uint64_t bit = tach_pool_holder_bit(holder);

	tach_pool_lock(pool);
	for (size_t i = pool->memory.count; i-- > 0;) {
		struct tach_pool_segment *segment = pool->memory.segments[i];

		/* Its blocks first: with the last of them, and known to nobody, it may go. */
		for (uint32_t j = 0; j < segment->memory.block_count; j++)
			drop_from_block(pool, &segment->blocks[j], bit);
		if (segment->known & bit) {
			segment->known &= ~bit;
			segment->asked &= ~bit;
			tach_pool_memory_settle(&pool->memory, segment);
		}
	}
	tach_pool_unlock(pool);
}

void *tach_pool_reclaim(struct tach_pool *pool)
{
	struct tach_publication *publication;
	void *cookie = NULL;

	tach_pool_lock(pool);
	publication = pool->done;
	if (publication) {
		pool->done = publication->next;
		cookie = publication->cookie;
		discard(pool, publication);
	}
	tach_pool_unlock(pool);

	/* Who kept a reference learns here that it may write. */
	tach_pool_admit_writer();
	return cookie;
}
