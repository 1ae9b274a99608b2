/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What all processes of stress-frames share: one publishes, many visit it, and a director, who
 * kills and stops them, sends everybody out now and then; then the publisher counts what it has.
 */
#ifndef TACHYON_TESTS_STRESS_SCENE_H
#define TACHYON_TESTS_STRESS_SCENE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tachyon.h>

#include "stress.h"

#define PLACES TACHYON_SUBSCRIBERS_MAX
#define PAUSES_MAX 4096u

enum phase {
	PLAYING,
	EMPTYING, /* all are to leave */
	OVER,	  /* likewise, for good */
};

/* What was seen, by all together. */
enum sight {
	PUBLISHED,
	RECEIVED,
	IN_PLACE,
	IN_THE_RING,
	BYTES,
	AFTER_GAPS,
	RELEASED_ELSEWHERE,
	KEPT_BEYOND,
	TAKEN_AWAY,
	CAPS,
	STICKY,
	ONCE,
	URGENT,
	UP,
	UP_URGENT,
	JOINS,
	LEFT_IN_ORDER,
	LEFT_DYING,
	DROPPED,
	ROLL_CALLS,
	SIGHTS,
};

/* What the publisher has while nobody is there. */
struct pause {
	int64_t time_ns;
	uint64_t joins;
	struct belongings belongings;
	uint64_t blocks, blocks_free, payload_bytes;
};

struct scene {
	char address[64];
	uint64_t seed;
	uint32_t rate; /* frames a second */
	_Atomic uint32_t phase;
	_Atomic uint32_t is_inside[PLACES]; /* on its way in, in, or on its way out */
	_Atomic uint64_t seen[SIGHTS];
	_Atomic uint64_t last_frame; /* begun to be published */
	_Atomic uint32_t pause_count;
	_Atomic int64_t longest_roll_call_ns;
	struct pause pauses[PAUSES_MAX];
};

extern struct scene *scene;

static inline void saw_many(enum sight sight, uint64_t count)
{
	atomic_fetch_add_explicit(&scene->seen[sight], count, memory_order_relaxed);
}

static inline void saw(enum sight sight)
{
	saw_many(sight, 1);
}

static inline enum phase phase_now(void)
{
	return (enum phase)atomic_load(&scene->phase);
}

/* The publisher's process. */
_Noreturn void source_run(void);
/* A visitor's: visits again and again. */
_Noreturn void visitor_run(unsigned int place, uint64_t seed);

#endif
