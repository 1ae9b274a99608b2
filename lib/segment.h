/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A segment: a sealed memory file with one writing process. Created here, or a peer's, checked
 * before it is mapped read-only.
 */
#ifndef TACH_SEGMENT_H
#define TACH_SEGMENT_H

#include "layout.h"

/* Limits on what is created, and on what a peer may make us map. */
#define TACH_RING_SIZE_MIN 4096u
#define TACH_RING_SIZE_MAX (1ull << 30)
#define TACH_BLOCK_SIZE_MAX (1ull << 31)
#define TACH_PAYLOAD_SIZE_MAX (1ull << 36)

struct tach_segment {
	int fd; /* the creator keeps it to give it away; -1 in a receiver, whose mapping suffices */
	struct tach_segment_header *header;
	uint8_t *data;
	uint64_t data_size;
	/* private copies: the header belongs to a stranger */
	uint64_t block_size;
	uint32_t block_count;
	size_t mapped_size;
	/* set where a forked child does not have the mapping: the process that has it */
	uint64_t owner_token;
};

/* Rounds up to a legal ring size: a power of two of at least a page. 0 when out of range. */
uint64_t tach_ring_size(uint64_t wanted);

/*
 * A ring's data is mapped twice, back to back. data_size: from tach_ring_size(), else -EINVAL.
 * A forked child does not have this mapping: touching it there is SIGSEGV, destroying it is fine.
 *
 * Both creators fail with -ENOMEM, -ENOSPC, -EMFILE, -EFBIG (RLIMIT_FSIZE), or -ENOSYS (a kernel
 * older than Linux 5.1), and leave nothing behind.
 */
int tach_segment_create_ring(struct tach_segment *segment, uint64_t data_size);
/*
 * block_size: a multiple of the page size, at most TACH_BLOCK_SIZE_MAX; block_count: 1 ..
 * TACH_BLOCKS_PER_SEGMENT; together at most TACH_PAYLOAD_SIZE_MAX; else -EINVAL.
 */
int tach_segment_create_payload(struct tach_segment *segment, uint64_t block_size,
				uint32_t block_count);
/*
 * Maps a peer's segment read-only, after checking type, seals, allocation and header: anything
 * else is -EBADMSG (-EMSGSIZE when its size exceeds max_size). max_size counts the whole file,
 * TACH_HEADER_SIZE or a page more than the data. The fd stays the caller's, who may close it.
 */
int tach_segment_attach(struct tach_segment *segment, int fd, enum tach_segment_kind kind,
			uint64_t max_size);
/* Unmaps, closes. Only what is ours is undone; safe on a zeroed struct. */
void tach_segment_destroy(struct tach_segment *segment);

#endif
