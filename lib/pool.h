/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Payload blocks with private references (PROTOCOL.md 7). It knows no socket and no ring.
 *
 * A block is free when no reference of this process and no publication holds it. A publication is
 * one sending of a block: it is over when the last subscriber that got it has returned it or left;
 * then its cookie can be reclaimed, and, when it was the block's last one, the block's generation
 * was raised first, so that no reader mistakes new content for old.
 *
 * Subscribers ("holders") are numbered 0 .. 63 and are bits of a mask.
 *
 * Every function locks the pool's own mutex, never across a system call that waits; any thread.
 * Blocks may be released after tach_pool_close(): the pool goes with its last block.
 */
#ifndef TACH_POOL_H
#define TACH_POOL_H

#include "block.h"
#include "segment.h"

struct tach_pool;

int tach_pool_create(uint64_t max_bytes, struct tach_pool **pool);
/*
 * No block is acquired any more (-EPIPE), and publications that end from here on leave their
 * content valid: nobody will write to it.
 */
void tach_pool_shut(struct tach_pool *pool);
/*
 * All publications are over and their cookies forgotten; NULL is fine. What nobody can write any
 * more keeps its generation: a reader's frames stay valid. No call but a release may be under way.
 */
void tach_pool_close(struct tach_pool *pool);

/*
 * Block sizes are classes: eight to a doubling, of whole pages, so that sizes that vary share
 * segments. A segment has as many blocks as make about 16 MiB, 4 at least and 64 at most. 0 when
 * the size exceeds TACH_BLOCK_SIZE_MAX.
 */
uint64_t tach_pool_class(uint64_t size);

/* See tachyon_publisher_configure(). */
int tach_pool_configure(struct tach_pool *pool, uint64_t size, uint32_t count);
/*
 * The free block that fits best (the last one given back of its segment, whose memory is warm); a
 * block more than twice the class is used only when no segment can be added. Where blocks that
 * are too small fill the limit, they begin to retire. One reference, the caller's.
 * 0, -EAGAIN, -EMSGSIZE; -ENOMEM, -EMFILE, … where no block of the size will come back either.
 */
int tach_pool_acquire(struct tach_pool *pool, uint64_t size, struct tachyon_block **block);
/* True when the next acquire of this size might find no block: the limit is near. */
bool tach_pool_is_scarce(struct tach_pool *pool);

/* True when block is one of this pool, whoever made it; its payload memory. */
bool tach_pool_owns(const struct tach_pool *pool, const struct tachyon_block *block);
/* The id of the segment it lies in, also of a lent one. */
uint32_t tach_pool_block_segment(const struct tachyon_block *block);
void *tach_pool_block_data(const struct tachyon_block *block);
uint64_t tach_pool_block_size(const struct tachyon_block *block);

/*
 * Begin a publication: holders, one at least, get the block. Fills ref's segment, block and
 * generation. The caller holds a reference. cookie NULL is never reclaimed. 0 or -ENOMEM.
 */
int tach_pool_publish(struct tach_pool *pool, struct tachyon_block *block, uint64_t holders,
		      void *cookie, struct tach_block_ref *ref);
/*
 * A holder returns a block: the oldest of its publications that this holder has; of a lent one,
 * that of this generation. -EBADMSG when it does not have it, or generation is not the block's.
 */
int tach_pool_return(struct tach_pool *pool, unsigned int holder, uint32_t segment, uint16_t block,
		     uint32_t generation);
/* A holder is gone: it has nothing any more, and knows no segment. */
void tach_pool_drop_holder(struct tach_pool *pool, unsigned int holder);
/* The next cookie of a publication that is over, or NULL. */
void *tach_pool_reclaim(struct tach_pool *pool);

/* --- lent descriptors: pool-lent.c --- */

/*
 * A block that is the descriptor's memory, which is duplicated: a segment of its own, one
 * reference, the caller's, whose release takes it back. It can be published, returned and retired
 * as any block; closing the pool takes back what was not. 0; -EINVAL: it is neither a dma-buf nor
 * sealed against shrinking, or smaller; -EMSGSIZE; -EAGAIN: TACH_DESCRIPTORS_MAX are lent; -EPIPE:
 * the pool is shut.
 */
int tach_pool_lend(struct tach_pool *pool, int fd, uint64_t size, struct tachyon_block **block);
/* True when block is one that was lent to this pool; its size. */
bool tach_pool_lends(const struct tach_pool *pool, const struct tachyon_block *block);
uint64_t tach_pool_lent_size(const struct tachyon_block *block);

/* --- announcing segments --- */

/* True when the holder was told of the segment; told is set by tach_pool_set_known(). */
bool tach_pool_is_known(struct tach_pool *pool, uint32_t segment, unsigned int holder);
void tach_pool_set_known(struct tach_pool *pool, uint32_t segment, unsigned int holder);
/*
 * The segment's fd to send, the pool's own; -ENOENT. Valid while a block of it is in use.
 * lent_size: out: of a lent descriptor, 0 of a segment; may be NULL.
 */
int tach_pool_segment_fd(struct tach_pool *pool, uint32_t segment, uint64_t *lent_size);
/*
 * A segment that is retiring, has all blocks free, is known to the holder and for which this was
 * not yet answered: 1 and its id, once for each holder; 0 when there is none.
 */
int tach_pool_next_retire(struct tach_pool *pool, unsigned int holder, uint32_t *segment);
/* The holder unmapped it: -EBADMSG when it was not asked to. */
int tach_pool_retired(struct tach_pool *pool, unsigned int holder, uint32_t segment);

/* --- waiting and figures --- */

/*
 * fd >= 0: sets this event (tach_os_event_set) once, when a block next becomes free or a
 * publication is over; -1: no longer.
 */
void tach_pool_set_wake(struct tach_pool *pool, int event_fd);
/*
 * Counts what an acquire may wait for, blocks or room that became free: tells whether any did
 * since.
 */
uint64_t tach_pool_freed(struct tach_pool *pool);

struct tach_pool_figures {
	uint64_t blocks;
	uint64_t blocks_free;
	uint64_t bytes;
	uint64_t segments;
};

void tach_pool_figures(struct tach_pool *pool, struct tach_pool_figures *figures);

#endif
