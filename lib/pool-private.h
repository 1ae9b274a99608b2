/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of a pool share: its state, and the mutex that every function takes.
 */
#ifndef TACH_POOL_PRIVATE_H
#define TACH_POOL_PRIVATE_H

#include <pthread.h>

#include "pool-memory.h"

struct tach_pool {
	pthread_mutex_t mutex;
	uint64_t owner; /* tach_os_process_token() */
	bool is_shut;
	bool is_closed;
	struct tach_pool_memory memory;
	uint64_t wanted; /* the block size last asked for */
	struct tach_publication *spare;
	/* those that are over and have a cookie, oldest first */
	struct tach_publication *done;
	struct tach_publication *done_last;
	int wake_fd;
	uint64_t freed;
};

void tach_pool_lock(struct tach_pool *pool);
/* Also the end of segments that became useless, and of a closed pool that has none left. */
void tach_pool_unlock(struct tach_pool *pool);

/* --- with the mutex --- */

/* Something happened that an acquire or a reclaim may have waited for. */
void tach_pool_notify(struct tach_pool *pool);
/* After a reference or a publication ended. */
void tach_pool_settle_block(struct tach_pool *pool, struct tach_pool_block *block);

/* The pool closes: no cookie comes back, and what the block was published for is over. */
void tach_pool_forget_cookies(struct tach_pool *pool);
void tach_pool_forget_publications(struct tach_pool *pool, struct tach_pool_block *block);
/* What was lent and not taken back. */
void tach_pool_forget_lent(struct tach_pool_segment *segment);
/* Frees the spare ones; there are no others left. */
void tach_pool_free_publications(struct tach_pool *pool);

/* --- anywhere --- */

static inline struct tach_pool_block *tach_pool_block_from(struct tachyon_block *base)
{
	return (struct tach_pool_block *)base;
}

static inline uint64_t tach_pool_holder_bit(unsigned int holder)
{
	assert(holder < 64);
	return 1ull << holder;
}

/*
 * Whoever leaves now may write into a block again. Pairs with the acquire fence of a subscriber
 * between its last read of the payload and its load of the generation: had it read a byte that is
 * written after this fence, it sees the generation that was raised before. Without it, new content
 * could pass for old.
 */
static inline void tach_pool_admit_writer(void)
{
	atomic_thread_fence(memory_order_release);
}

#endif
