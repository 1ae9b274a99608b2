/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* One of many who use two streams at once, and where he says what he finds wrong. */
#ifndef TACHYON_TESTS_STRESS_PERSON_H
#define TACHYON_TESTS_STRESS_PERSON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRITERS_MAX 64
#define STREAMS 2
#define LARGEST (4u << 20)
#define SECOND INT64_C(1000000000)
/* Nobody waits so long: he hangs. Whoever is stopped by the machine is given some of it. */
#define HANG_NS (60 * SECOND)

enum way {
	READING,
	SLEEPING,
	POLLING,
	LIVE,
	WRITING,
	IN_PLACE,
	EDITING,
	WAYS,
};

/* What all share. What a writer wrote last outlives him. */
struct board {
	_Atomic bool is_over;
	_Atomic uint64_t done[WAYS];
	_Atomic uint64_t bytes;
	_Atomic uint64_t last_of_writer[STREAMS][WRITERS_MAX];
	_Atomic uint32_t failures;
	char reason[256]; /* of the first */
};

struct stress_stream {
	char name[64];
	size_t size;
};

extern struct board *board;
extern struct stress_stream streams[STREAMS];

/* Ends when it is over. place: his own among all; writers have the first ones. */
_Noreturn void live_a_life(unsigned int place, bool is_writer, unsigned int seed);

#endif
