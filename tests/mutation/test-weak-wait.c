/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * wait.c and wait.h on a weak memory: no wake-up is lost, and none of their fences is too many.
 */
#include "harness.h"

#include "weak.h"

#define tach_os_membarrier weak_membarrier
#define tach_sock_ring weak_ring
#define tach_sock_drain weak_drain
#include "wait.c"

#define EXECUTIONS 20000
#define SLEEPS 2u

/* A bell is the kernel's: whoever drains it sees what was done before it was rung. */
static struct {
	_Atomic uint32_t word, published;
	struct tach_wait wait;
	struct tach_waker waker;
	unsigned int rings;
	struct weak_parcel rung;
} pair;

bool weak_ring(int bell)
{
	(void)bell;
	pair.rings++;
	weak_hand_over(&pair.rung);
	return true;
}

void weak_drain(int bell)
{
	(void)bell;
	pair.rings = 0;
	weak_take(&pair.rung);
}

static bool is_rung(void *data)
{
	(void)data;
	return pair.rings > 0;
}

static bool has_come(uint32_t number)
{
	return atomic_load_explicit(&pair.published, memory_order_relaxed) >= number;
}

static void sleeper(void)
{
	for (uint32_t number = 1; number <= SLEEPS; number++) {
		while (!has_come(number)) {
			tach_wait_arm(&pair.wait);
			if (!has_come(number))
				weak_block(is_rung, NULL);
			tach_wait_disarm(&pair.wait);
		}
	}
}

static void waker(void)
{
	for (uint32_t number = 1; number <= SLEEPS; number++) {
		atomic_store_explicit(&pair.published, number, memory_order_release);
		tach_waker_wake(&pair.waker);
	}
}

static void meet(enum tach_fence fence)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&pair, 0, sizeof(pair));
		tach_wait_init(&pair.wait, &pair.word, -1);
		tach_waker_init(&pair.waker, &pair.word, -1);
		pair.wait.fence = fence;
		pair.waker.fence = fence;
		CHECK(weak_run(seed, (void (*const[])(void)){sleeper, waker}, 2));
	}
}

TEST(no_wake_up_is_lost_where_the_sleeper_has_a_membarrier)
{
	meet(TACH_FENCE_MEMBARRIER);
}

TEST(no_wake_up_is_lost_where_both_have_a_fence)
{
	meet(TACH_FENCE_BOTH);
}
