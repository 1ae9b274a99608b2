/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The writers' lock of a stream on a weak memory, over a kernel that orders nothing by itself: who
 * gets it sees what the last one did, and nobody sleeps while it is free.
 */
#include "harness.h"

#include "weak.h"

#define tach_os_futex_sleep weak_futex_sleep
#define tach_os_futex_wake weak_futex_wake
#define tach_os_lock weak_lock
#define tach_os_unlock weak_unlock
#define tach_os_thread_number weak_thread_number
#include "turnstile.c"

#define EXECUTIONS 30000
#define TURNS 2u

static struct {
	_Atomic uint32_t word, cancel;
	struct tach_turnstile turnstiles[2];
	bool is_locked;
	unsigned int wakes;
	_Atomic uint32_t guarded;
} all;

uint32_t weak_thread_number(void)
{
	return weak_self() + 1;
}

int weak_lock(int fd)
{
	(void)fd;
	weak_pause();
	if (all.is_locked)
		return -EAGAIN;
	all.is_locked = true;
	return 0;
}

int weak_unlock(int fd)
{
	(void)fd;
	weak_pause();
	all.is_locked = false;
	return 0;
}

static bool is_woken(void *data)
{
	return all.wakes != *(unsigned int *)data;
}

/* Without an end: that a sleep is short is for who dies, not for who forgets to wake. */
int weak_futex_sleep(const _Atomic uint32_t *word, uint32_t expected,
		     const _Atomic uint32_t *cancel, uint64_t deadline_ns)
{
	unsigned int before = all.wakes;

	(void)cancel;
	(void)deadline_ns;
	if (*(const volatile uint32_t *)word == expected)
		weak_block(is_woken, &before);
	return 0;
}

void weak_futex_wake(const _Atomic uint32_t *word, int count)
{
	(void)word;
	(void)count;
	all.wakes++;
}

/* Of one handle, all but the last; the last is another's. */
static void take_turns(void)
{
	struct tach_turnstile *turnstile = &all.turnstiles[weak_self() == 2];

	for (unsigned int i = 0; i < TURNS; i++) {
		CHECK_EQ(tach_turnstile_enter(turnstile, UINT64_MAX), 0);
		CHECK_EQ(tach_turnstile_leave(turnstile), 0);
	}
}

static void count_turns(void)
{
	struct tach_turnstile *turnstile = &all.turnstiles[0];

	for (unsigned int i = 0; i < TURNS; i++) {
		uint32_t count;

		CHECK_EQ(tach_turnstile_enter(turnstile, UINT64_MAX), 0);
		count = atomic_load_explicit(&all.guarded, memory_order_relaxed);
		atomic_store_explicit(&all.guarded, count + 1, memory_order_relaxed);
		CHECK_EQ(tach_turnstile_leave(turnstile), 0);
	}
}

static void meet(void (*const threads[])(void), unsigned int count, uint32_t guarded)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&all, 0, sizeof(all));
		for (int i = 0; i < 2; i++) {
			all.turnstiles[i].word = &all.word;
			all.turnstiles[i].cancel = &all.cancel;
		}
		CHECK(weak_run(seed, threads, count));
		CHECK_EQ(*(volatile uint32_t *)&all.guarded, guarded);
	}
}

TEST_WITH_TIMEOUT(what_one_thread_did_under_the_lock_the_next_one_sees, 120)
{
	meet((void (*const[])(void)){count_turns, count_turns}, 2, 2 * TURNS);
}

TEST_WITH_TIMEOUT(nobody_sleeps_while_the_lock_is_free, 120)
{
	meet((void (*const[])(void)){take_turns, take_turns, take_turns}, 3, 0);
}
