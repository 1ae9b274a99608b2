/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping on a shared word: the last part of os.h.
 */
#include "os.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Linux 5.16: newer than the headers of some systems. The number is the same on every machine. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* How soon a cancellation is noticed where a wait can sleep on one word only. */
#define SLICE_NS 10000000ull

/* struct futex_waitv of linux/futex.h, as of Linux 5.16 */
struct waiter {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

#define WAITER_U32 2u
#define WAITER_PRIVATE 128u

static const struct timespec *make_time(struct timespec *time, uint64_t deadline_ns)
{
	if (deadline_ns == TACH_FOREVER)
		return NULL;
	time->tv_sec = (time_t)(deadline_ns / TACH_NS_PER_SEC);
	time->tv_nsec = (long)(deadline_ns % TACH_NS_PER_SEC);
	return time;
}

static int answer(long ret)
{
	/* EAGAIN: a word has changed already. */
	return ret < 0 && errno != EAGAIN ? -errno : 0;
}

static int sleep_on_both(const _Atomic uint32_t *word, uint32_t expected,
			 const _Atomic uint32_t *cancel, uint64_t deadline_ns)
{
	const struct waiter waiters[] = {
		{.value = expected, .address = (uintptr_t)word, .flags = WAITER_U32},
		{.address = (uintptr_t)cancel, .flags = WAITER_U32 | WAITER_PRIVATE},
	};
	struct timespec time;

	tach_os_count_call();
	return answer(syscall(SYS_futex_waitv, waiters, 2, 0, make_time(&time, deadline_ns),
			      CLOCK_MONOTONIC));
}

static int sleep_on_one(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
	const uint64_t soon = tach_os_now_ns() + SLICE_NS;
	struct timespec time;
	int ret;

	/* Unlike FUTEX_WAIT, this takes a point in time. */
	tach_os_count_call();
	ret = answer(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
			     make_time(&time, soon < deadline_ns ? soon : deadline_ns), NULL,
			     FUTEX_BITSET_MATCH_ANY));
	return ret == -ETIMEDOUT && soon < deadline_ns ? 0 : ret;
}

int tach_os_futex_sleep(const _Atomic uint32_t *word, uint32_t expected,
			const _Atomic uint32_t *cancel, uint64_t deadline_ns)
{
	const int ret = sleep_on_both(word, expected, cancel, deadline_ns);

	/* An older kernel, or a filter that does not know the call. */
	if (ret == -ENOSYS || ret == -EPERM)
		return sleep_on_one(word, expected, deadline_ns);
	return ret;
}

static void wake(const _Atomic uint32_t *word, int count, int operation)
{
	tach_os_count_call();
	if (syscall(SYS_futex, word, operation, count, NULL, NULL, 0) < 0)
		tach_os_fail("futex wake", errno);
}

void tach_os_futex_wake(const _Atomic uint32_t *word, int count)
{
	wake(word, count, FUTEX_WAKE);
}

void tach_os_futex_wake_own(const _Atomic uint32_t *word, int count)
{
	wake(word, count, FUTEX_WAKE | FUTEX_PRIVATE_FLAG);
}

void tach_os_futex_add_and_wake(_Atomic uint32_t *word, int addend)
{
	const uint32_t operation =
		FUTEX_OP(FUTEX_OP_ADD, (uint32_t)addend & 0xfffu, FUTEX_OP_CMP_EQ, 0);

	tach_os_count_call();
	if (addend >= -2048 && addend < 2048 &&
	    syscall(SYS_futex, word, FUTEX_WAKE_OP, INT_MAX, NULL, word, operation) >= 0)
		return;
	/* A word that somebody spoiled, or a filter that knows no such operation: in two steps. */
	atomic_fetch_add(word, (uint32_t)addend);
	tach_os_futex_wake(word, INT_MAX);
}
