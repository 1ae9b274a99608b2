/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What struct tachyon_block is to both ends: a reference that knows how to end. A publisher's
 * blocks (pool.c) and a subscriber's received frames (subscriber.c) start with it.
 */
#ifndef TACH_BLOCK_H
#define TACH_BLOCK_H

#include <tachyon/frame.h>

#include "base.h"

/* Where a frame's payload begins, when it lies behind a descriptor. */
struct tach_block_place {
	int fd;
	uint64_t offset;
	uint64_t size; /* of the descriptor */
	uint64_t id;
};

struct tach_block_ops {
	/* gives one reference back; any thread */
	void (*release)(struct tachyon_block *block);
	/* 1 when the content is still that of the frame */
	int (*is_valid)(const struct tachyon_block *block);
	/* of a received frame that lies behind a descriptor; else -ENOENT. NULL: none ever does */
	int (*describe)(const struct tachyon_block *block, struct tach_block_place *place);
};

struct tachyon_block {
	const struct tach_block_ops *ops;
};

/* Where a block is, for the wire. */
struct tach_block_ref {
	uint32_t segment;
	uint16_t block;
	uint32_t generation;
	uint32_t offset; /* of the payload in the block */
	uint32_t size;
};

#endif
