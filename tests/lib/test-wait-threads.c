/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping and waking in two threads: no wake-up is lost.
 */
#include <pthread.h>
#include <sched.h>

#include "wait-setup.h"

/* --- two threads --- */

#define ROUNDS 100000u

/* One side publishes a number and wakes; the other sleeps until it sees the number. */
struct way {
	struct pair pair;
	_Atomic uint32_t published;
};

/* Long sleeps only: a wake-up that is lost is not made up for by the next. */
static void sleep_until(struct way *way, uint32_t number)
{
	while (atomic_load_explicit(&way->published, memory_order_acquire) != number) {
		struct pollfd entry = {.fd = way->pair.wait.bell, .events = POLLIN};

		tach_wait_arm(&way->pair.wait);
		if (atomic_load_explicit(&way->published, memory_order_acquire) != number)
			CHECK_EQ(poll(&entry, 1, 5000), 1);
		tach_wait_disarm(&way->pair.wait);
	}
}

static void publish(struct way *way, uint32_t number)
{
	atomic_store_explicit(&way->published, number, memory_order_release);
	tach_waker_wake(&way->pair.waker);
}

/* So that arming and publishing meet at every distance. */
static void linger(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	for (uint32_t i = *state >> 24; i > 0; i--)
		tach_cpu_relax();
}

struct match {
	struct way there;
	struct way back;
};

static void *return_each(void *arg)
{
	struct match *match = arg;
	uint32_t state = 1;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		sleep_until(&match->there, i);
		linger(&state);
		publish(&match->back, i);
	}
	return NULL;
}

static void play(enum tach_fence fence)
{
	static struct match match;
	uint32_t state = 2;
	pthread_t other;

	open_pair(&match.there.pair, fence);
	open_pair(&match.back.pair, fence);
	CHECK_EQ(pthread_create(&other, NULL, return_each, &match), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		linger(&state);
		publish(&match.there, i);
		sleep_until(&match.back, i);
	}
	CHECK_EQ(pthread_join(other, NULL), 0);
	close_pair(&match.there.pair);
	close_pair(&match.back.pair);
}

TEST_WITH_TIMEOUT(no_wake_up_is_lost_with_membarrier, 120)
{
	play(TACH_FENCE_MEMBARRIER);
}

TEST_WITH_TIMEOUT(no_wake_up_is_lost_where_both_fence, 120)
{
	play(TACH_FENCE_BOTH);
}

/* The publisher spins, so that it meets the sleeper while it arms. */
static void *spin_and_return(void *arg)
{
	struct match *match = arg;
	uint32_t state = 3;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		for (uint32_t spins = 0; atomic_load(&match->back.published) != i; spins++) {
			if (spins % 1000 == 999)
				sched_yield();
		}
		linger(&state);
		publish(&match->there, i);
	}
	return NULL;
}

static void meet(enum tach_fence fence)
{
	static struct match match;
	uint32_t state = 4;
	pthread_t other;

	open_pair(&match.there.pair, fence);
	CHECK_EQ(pthread_create(&other, NULL, spin_and_return, &match), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		atomic_store(&match.back.published, i);
		linger(&state);
		sleep_until(&match.there, i);
	}
	CHECK_EQ(pthread_join(other, NULL), 0);
	close_pair(&match.there.pair);
}

TEST_WITH_TIMEOUT(a_wake_while_it_arms_is_not_lost_with_membarrier, 120)
{
	meet(TACH_FENCE_MEMBARRIER);
}

TEST_WITH_TIMEOUT(a_wake_while_it_arms_is_not_lost_where_both_fence, 120)
{
	meet(TACH_FENCE_BOTH);
}
