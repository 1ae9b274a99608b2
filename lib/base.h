/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What every file of lib/ may use: fixed-width types, cells, small arithmetic.
 */
#ifndef TACH_BASE_H
#define TACH_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <tachyon/error.h>

#define TACH_CELL 64u

#define TACH_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* alignment is a power of two */
static inline uint64_t tach_round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline bool tach_is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* For what is rare: out of the path's way. */
#define tach_unlikely(condition) __builtin_expect(!!(condition), 0)
/* A function for what is rare: it takes no registers, and no instruction cache, from the path. */
#define TACH_COLD __attribute__((noinline, cold))

static inline void tach_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * A caller's options, whose struct may be older or newer than ours and starts with its own size:
 * what it has, and zeros for the rest. NULL: all zeros. -EINVAL where the size cannot be.
 */
static inline int tach_copy_options(void *options, size_t size, const void *given)
{
	uint32_t given_size;

	memset(options, 0, size);
	if (!given)
		return 0;
	memcpy(&given_size, given, sizeof(given_size));
	if (given_size < sizeof(given_size))
		return -EINVAL;
	memcpy(options, given, given_size < size ? given_size : size);
	return 0;
}

#endif
