/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that keeps to the protocol, in the thread of its publisher: it must get every frame,
 * whole and in order.
 */
#ifndef TACHYON_TESTS_FUZZ_HONEST_H
#define TACHYON_TESTS_FUZZ_HONEST_H

#include <tachyon/frame.h>

#include "connection.h"
#include "fuzz.h"

/* Frames on their way: an input has fewer steps. */
#define FUZZ_HONEST_MAX 128
/* Frames that it holds, until it is told to release them. */
#define FUZZ_HONEST_HELD 3

struct fuzz_honest {
	struct tach_connection *connection;
	uint64_t id; /* at the publisher */
	uint64_t numbers;
	struct fuzz_expected {
		uint64_t number;
		size_t size;
	} expected[FUZZ_HONEST_MAX];
	unsigned int first, last;
	struct tachyon_frame held[FUZZ_HONEST_HELD];
	unsigned int held_count;
};

void fuzz_honest_join(struct fuzz_honest *honest, struct tachyon_publisher *publisher);
/* What a frame of this number has in its first 8 bytes. */
void fuzz_honest_fill(void *data, uint64_t number);
/* A frame was sent to it. */
void fuzz_honest_expect(struct fuzz_honest *honest, uint64_t number, size_t size);
/* Takes all that is there; holds a few frames, and returns the others. */
void fuzz_honest_receive(struct fuzz_honest *honest);
void fuzz_honest_release(struct fuzz_honest *honest);
bool fuzz_honest_has_all(const struct fuzz_honest *honest);

#endif
