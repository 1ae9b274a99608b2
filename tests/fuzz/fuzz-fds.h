/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Descriptors of every kind that a peer might send, and the sending. They are made once, for all
 * inputs.
 */
#ifndef TACHYON_TESTS_FUZZ_FDS_H
#define TACHYON_TESTS_FUZZ_FDS_H

#include "fuzz.h"
#include "segment.h"

enum fuzz_fd {
	/* what an honest peer sends: first, so that an input of zeros does */
	FUZZ_FD_RING,
	FUZZ_FD_DATA_BELL,
	FUZZ_FD_SPACE_BELL,
	FUZZ_FD_LARGE_RING,
	FUZZ_FD_PAYLOAD,
	FUZZ_FD_SHARED,		/* sealed against shrinking, no more: fit to be lent */
	FUZZ_FD_READ_ONLY_RING, /* a ring, by a descriptor that cannot write */
	/* a ring whose header the input writes: struct fuzz_fds.liar */
	FUZZ_FD_LIAR,
	FUZZ_FD_PAYLOAD_LIAR,
	FUZZ_FD_UNSEALED,
	FUZZ_FD_HALF_SEALED, /* it may be mapped writable */
	FUZZ_FD_SHORT,
	FUZZ_FD_EMPTY,
	FUZZ_FD_HOLE,
	FUZZ_FD_HIDDEN_HOLE, /* blocks past the end make up for it */
	FUZZ_FD_ODD_RING,    /* no power of two */
	FUZZ_FD_PIPE,
	FUZZ_FD_EVENT,
	FUZZ_FD_NULL,
	FUZZ_FD_FOLDER,
	FUZZ_FD_LONELY_BELL, /* not connected */
	FUZZ_FD_STREAM_SOCKET,
	FUZZ_FD_PACKET_SOCKET,
	FUZZ_FD_COUNT,
};

#define FUZZ_RING_SIZE 4096u
#define FUZZ_BLOCK_SIZE 4096u
#define FUZZ_BLOCK_COUNT 4u
#define FUZZ_FDS_MAX 6

struct fuzz_fds {
	int fd[FUZZ_FD_COUNT];
	/* writable, as their owner has them */
	struct tach_segment ring;
	struct tach_segment large_ring;
	struct tach_segment payload;
	struct tach_segment liar;
	struct tach_segment payload_liar;
	/* the far ends of the bells: what a victim rings for comes here */
	int data_bell;
	int space_bell;
};

extern struct fuzz_fds fuzz_fds;

void fuzz_fds_init(void);
/* Takes back what an input wrote into the headers. */
void fuzz_fds_reset(void);

/* A connection, both of whose ends are here. */
void fuzz_connect(int ends[2]);
/* One packet with any number of descriptors up to FUZZ_FDS_MAX; what cannot be sent is not. */
void fuzz_send(int sock, const void *data, size_t size, const int *fds, size_t count);
/* Takes everything out of a socket, and closes what came along. */
void fuzz_drain(int sock);
/* How many are open: the same before and after an input, or something leaked. */
unsigned int fuzz_count_fds(void);
/* Whether an input's bytes say which descriptors are sent instead of these. */
size_t fuzz_choose_fds(struct fuzz_input *input, int fds[FUZZ_FDS_MAX]);
/* Writes words of a header, as the input has it; the owner's of an honest one is the pattern. */
void fuzz_write_header(struct fuzz_input *input, struct tach_segment_header *header);

#endif
