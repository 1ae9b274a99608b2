/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A thread that never stops changing a word of the liar's own memory while the victim reads it. The
 * victim has that memory mapped elsewhere, as it has a process's.
 */
#ifndef TACHYON_TESTS_FLIP_H
#define TACHYON_TESTS_FLIP_H

#include <stdatomic.h>

#include "pair.h"

struct flipper {
	uint8_t *_Atomic first; /* of the words */
	size_t count, stride;	/* how many of them, and how far apart */
	unsigned int width;	/* bytes of each */
	const uint64_t *values; /* what they are changed to, in turn */
	size_t value_count;
	_Atomic uint64_t flips;
	_Atomic bool is_over;
	struct helper helper;
};

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define FLIP_SLOWLY 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define FLIP_SLOWLY 1
#endif

/* So many rounds; many more where asked for, fewer where each takes long. */
static inline int flip_rounds(int rounds)
{
	if (test_is_long())
		return 30 * rounds;
#ifdef FLIP_SLOWLY
	return 1 + rounds / 3;
#else
	return rounds;
#endif
}

/*
 * Not for ThreadSanitizer to see: the liar's other thread writes there, too, and that they race is
 * what the victim has to live with. Its own reads are of another mapping.
 */
__attribute__((noinline, no_sanitize("thread"))) static void
flip_store(uint8_t *place, unsigned int width, uint64_t value)
{
	switch (width) {
	case 1:
		*(volatile uint8_t *)place = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)place = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)place = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)place = value;
		break;
	}
}

static int flip_for_ever(void *argument)
{
	struct flipper *const flipper = argument;
	uint64_t random = 1;

	while (!flipper->is_over) {
		uint8_t *const first = flipper->first;

		for (size_t i = 0; i < flipper->count; i++) {
			random = mix(random);
			flip_store(first + i * flipper->stride, flipper->width,
				   flipper->values[random % flipper->value_count]);
		}
		flipper->flips++;
	}
	return 0;
}

/* Returns when it has begun. */
static inline void flip_start(struct flipper *flipper)
{
	flipper->is_over = false;
	flipper->flips = 0;
	start_helper(&flipper->helper, flip_for_ever, flipper);
	while (flipper->flips == 0)
		sched_yield();
}

static inline void flip_stop(struct flipper *flipper)
{
	flipper->is_over = true;
	CHECK_EQ(finish_helper(&flipper->helper), 0);
}

#endif
