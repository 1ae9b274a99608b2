/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The lock of a stream's writers: among the threads of a handle by a private word, among handles by
 * the file.
 */
#include "turnstile.h"

#define IS_WAITED_FOR 1u /* of the shared word */
#define TURN 2u
#define HAS_WAITERS (1u << 31) /* of the private one */
/* How soon the death of a holder is noticed, which rings no bell. */
#define SLICE_NS 5000000ull

/* 0 to go on waiting, or what ends the wait. */
static int check_wait(const struct tach_turnstile *turnstile, uint64_t deadline_ns)
{
	/* Relaxed: it guards nothing, and the sleep compares the word again. */
	const uint32_t code = atomic_load_explicit(turnstile->cancel, memory_order_relaxed);

	if (code != 0)
		return -(int)code;
	if (deadline_ns == TACH_TURNSTILE_TRY)
		return -EAGAIN;
	return tach_os_now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

static int sleep_until(const struct tach_turnstile *turnstile, const _Atomic uint32_t *word,
		       uint32_t expected, uint64_t deadline_ns)
{
	const int ret = tach_os_futex_sleep(word, expected, turnstile->cancel, deadline_ns);

	return ret == -ETIMEDOUT ? 0 : ret;
}

/* --- among threads --- */

static int enter_handle(struct tach_turnstile *turnstile, uint32_t self, uint64_t deadline_ns)
{
	uint32_t wanted = self;

	for (;;) {
		uint32_t owner = 0;
		int ret;

		/*
		 * Pairs with the release in leave_handle(): what the last owner did to the handle
		 * is seen.
		 */
		if (atomic_compare_exchange_strong_explicit(&turnstile->owner, &owner, wanted,
							    memory_order_acquire,
							    memory_order_relaxed))
			return 0;
		ret = check_wait(turnstile, deadline_ns);
		if (ret < 0)
			return ret;
		/* Relaxed: the sleep compares it again. */
		if (!(owner & HAS_WAITERS) &&
		    !atomic_compare_exchange_strong_explicit(
			    &turnstile->owner, &owner, owner | HAS_WAITERS, memory_order_relaxed,
			    memory_order_relaxed))
			continue;
		ret = sleep_until(turnstile, &turnstile->owner, owner | HAS_WAITERS, deadline_ns);
		if (ret < 0)
			return ret;
		/* There may be more who wait, of whom nobody knows when we have it. */
		wanted = self | HAS_WAITERS;
	}
}

static void leave_handle(struct tach_turnstile *turnstile)
{
	/* Pairs with the acquire in enter_handle(). */
	const uint32_t owner = atomic_exchange_explicit(&turnstile->owner, 0, memory_order_release);

	if (owner & HAS_WAITERS)
		tach_os_futex_wake(&turnstile->owner, 1);
}

/* --- among handles --- */

static int enter_file(struct tach_turnstile *turnstile, uint64_t deadline_ns)
{
	int ret = tach_os_lock(turnstile->file);

	if (deadline_ns == TACH_TURNSTILE_TRY)
		return ret;
	while (ret == -EAGAIN) {
		uint64_t slice;
		uint32_t word;

		/*
		 * Pairs with the load in leave_file(), both sequentially consistent: either the
		 * holder sees that it is waited for, or the lock is free at the next line. Also
		 * after a sleep: whoever woke us has cleared the bit, and there may be more who
		 * wait.
		 */
		word = atomic_fetch_or(turnstile->word, IS_WAITED_FOR) | IS_WAITED_FOR;
		ret = tach_os_lock(turnstile->file);
		if (ret != -EAGAIN)
			break;
		ret = check_wait(turnstile, deadline_ns);
		if (ret < 0)
			return ret;
		slice = tach_os_now_ns() + SLICE_NS;
		ret = sleep_until(turnstile, turnstile->word, word,
				  slice < deadline_ns ? slice : deadline_ns);
		if (ret < 0)
			return ret;
		ret = -EAGAIN;
	}
	return ret;
}

static int leave_file(struct tach_turnstile *turnstile)
{
	const int ret = tach_os_unlock(turnstile->file);
	/* Pairs with the read-modify-write in enter_file(): after the lock was given back. */
	uint32_t word = atomic_load(turnstile->word);

	/* One is woken; if there are more, it says so again before it tries the lock. */
	if ((word & IS_WAITED_FOR) &&
	    atomic_compare_exchange_strong(turnstile->word, &word, (word & ~IS_WAITED_FOR) + TURN))
		tach_os_futex_wake(turnstile->word, 1);
	return ret;
}

/* --- both --- */

bool tach_turnstile_is_mine(const struct tach_turnstile *turnstile)
{
	/* Relaxed: only this thread writes its own number there, and takes it away. */
	const uint32_t owner = atomic_load_explicit(&turnstile->owner, memory_order_relaxed);

	return (owner & ~HAS_WAITERS) == tach_os_thread_number();
}

uint32_t tach_turnstile_depth(const struct tach_turnstile *turnstile)
{
	return tach_turnstile_is_mine(turnstile) ? turnstile->depth : 0;
}

int tach_turnstile_enter(struct tach_turnstile *turnstile, uint64_t deadline_ns)
{
	int ret;

	if (turnstile->file < 0)
		return TACHYON_ERR_FORKED;
	if (tach_turnstile_is_mine(turnstile)) {
		turnstile->depth++;
		return 0;
	}
	ret = enter_handle(turnstile, tach_os_thread_number(), deadline_ns);
	if (ret < 0)
		return ret;
	ret = enter_file(turnstile, deadline_ns);
	if (ret < 0) {
		leave_handle(turnstile);
		return ret;
	}
	turnstile->depth = 1;
	return 0;
}

int tach_turnstile_leave(struct tach_turnstile *turnstile)
{
	int ret;

	if (!tach_turnstile_is_mine(turnstile))
		return -EPERM;
	if (--turnstile->depth > 0)
		return 0;
	ret = leave_file(turnstile);
	leave_handle(turnstile);
	return ret;
}

void tach_turnstile_force(struct tach_turnstile *turnstile)
{
	if (atomic_load_explicit(&turnstile->owner, memory_order_relaxed) == 0)
		return;
	turnstile->depth = 0;
	leave_file(turnstile);
	leave_handle(turnstile);
}
