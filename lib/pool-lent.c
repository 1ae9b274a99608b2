/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Lent descriptors: each is one block, and a segment of its own, whose memory is not the pool's.
 * Nobody acquires it, it counts to no limit of bytes, and its content has no generation to read.
 */
#include "pool-private.h"

#include <stdlib.h>

#include "os.h"

/* --- a block's end: taking it back --- */

static void take_back(struct tachyon_block *base)
{
	struct tach_pool_block *block = tach_pool_block_from(base);
	struct tach_pool *pool = block->segment->pool;

	/* A forked child has a copy of the tables and nobody to tell. */
	if (pool->owner != tach_os_process_token())
		return;

	tach_pool_lock(pool);
	assert(block->is_held);
	block->is_held = false;
	tach_pool_memory_retire(&pool->memory, block->segment);
	tach_pool_settle_block(pool, block);
	tach_pool_unlock(pool);
}

/* Its memory is the caller's, who knows. */
static int is_valid_block(const struct tachyon_block *base)
{
	(void)base;
	return 1;
}

static const struct tach_block_ops lent_ops = {
	.release = take_back,
	.is_valid = is_valid_block,
};

/* --- lending --- */

static struct tach_pool_segment *make_segment(struct tach_pool *pool)
{
	struct tach_pool_segment *segment =
		calloc(1, sizeof(*segment) + sizeof(segment->blocks[0]));

	if (!segment)
		return NULL;
	segment->pool = pool;
	/* Its block size stays 0: it serves nobody who looks for memory. */
	segment->memory.fd = -1;
	segment->memory.block_count = 1;
	segment->blocks[0].base.ops = &lent_ops;
	segment->blocks[0].segment = segment;
	segment->blocks[0].is_held = true;
	return segment;
}

static int make_descriptor(struct tach_descriptor *descriptor, int fd, uint64_t size)
{
	const int copy = tach_os_duplicate(fd);
	int ret;

	if (copy < 0)
		return copy == -EBADF ? -EINVAL : copy;
	ret = tach_descriptor_init(descriptor, copy, size);
	if (ret < 0)
		tach_os_close(copy);
	return ret == -EBADMSG ? -EINVAL : ret;
}

int tach_pool_lend(struct tach_pool *pool, int fd, uint64_t size, struct tachyon_block **out)
{
	struct tach_pool_segment *segment;
	int ret;

	if (size > TACH_BLOCK_SIZE_MAX)
		return -EMSGSIZE;
	segment = make_segment(pool);
	if (!segment)
		return -ENOMEM;
	ret = make_descriptor(&segment->lent, fd, size);
	if (ret < 0)
		goto err_segment;

	tach_pool_lock(pool);
	ret = pool->is_shut ? -EPIPE : tach_pool_memory_insert_lent(&pool->memory, segment);
	tach_pool_unlock(pool);
	if (ret < 0)
		goto err_descriptor;
	*out = &segment->blocks[0].base;
	return 0;

err_descriptor:
	tach_descriptor_fini(&segment->lent);
err_segment:
	free(segment);
	return ret;
}

bool tach_pool_lends(const struct tach_pool *pool, const struct tachyon_block *base)
{
	return base && base->ops == &lent_ops &&
	       ((const struct tach_pool_block *)base)->segment->pool == pool;
}

uint64_t tach_pool_lent_size(const struct tachyon_block *base)
{
	return ((const struct tach_pool_block *)base)->segment->lent.size;
}

/* --- the pool ends: with the mutex --- */

void tach_pool_forget_lent(struct tach_pool_segment *segment)
{
	struct tach_pool_block *block = &segment->blocks[0];

	if (segment->lent.id == 0 || !block->is_held)
		return;
	block->is_held = false;
	if (!block->oldest)
		tach_pool_segment_give(block);
}
