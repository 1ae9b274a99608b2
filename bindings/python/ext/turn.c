/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waits without the GIL, and taking turns among the threads that do so.
 */
#include "ext.h"

#include <time.h>

/* Ctrl-C is honoured within 0.2 s. */
#define SLICE_NS 100000000
#define NS_PER_S 1000000000

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t ext_deadline(int64_t timeout_ns)
{
	int64_t now;

	if (timeout_ns < 0)
		return INT64_MAX;
	if (timeout_ns == 0)
		return 0;
	now = now_ns();
	return timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
}

/* How long to wait until the next look at signals; 0 at the deadline. */
static int64_t next_slice(int64_t deadline_ns)
{
	int64_t left;

	if (deadline_ns == INT64_MAX)
		return SLICE_NS;
	left = deadline_ns - now_ns();
	if (left <= 0)
		return 0;
	return left < SLICE_NS ? left : SLICE_NS;
}

/* --- turns --- */

int ext_turn_init(struct ext_turn *turn)
{
	*turn = (struct ext_turn){.lock = PyThread_allocate_lock()};
	if (!turn->lock) {
		PyErr_NoMemory();
		return -1;
	}
	PyThread_acquire_lock(turn->lock, NOWAIT_LOCK);
	return 0;
}

void ext_turn_fini(struct ext_turn *turn)
{
	if (!turn->lock)
		return;
	if (!turn->is_posted)
		PyThread_release_lock(turn->lock);
	PyThread_free_lock(turn->lock);
	turn->lock = NULL;
}

/* The lock is a bell: taking it is hearing it ring. */
static void sleep_until_posted(struct ext_turn *turn, int64_t slice_ns)
{
	PyThreadState *const thread = PyEval_SaveThread();
	const PyLockStatus status = PyThread_acquire_lock_timed(turn->lock, slice_ns / 1000 + 1, 1);

	PyEval_RestoreThread(thread);
	if (status == PY_LOCK_ACQUIRED)
		turn->is_posted = false;
}

static void post(struct ext_turn *turn)
{
	if (turn->waiting == 0 || turn->is_posted)
		return;
	turn->is_posted = true;
	PyThread_release_lock(turn->lock);
}

/* 0 when it is free; -1 as ext_turn_take(). */
static int wait_until_free(struct ext_turn *turn, int64_t deadline_ns,
			   bool (*is_closed)(void *object), void *object)
{
	while (turn->is_taken) {
		int64_t slice_ns;

		if (is_closed(object) || PyErr_CheckSignals() < 0)
			return -1;
		slice_ns = next_slice(deadline_ns);
		if (slice_ns == 0) {
			ext_raise(NULL, deadline_ns == 0 ? TACHYON_ERR_AGAIN : TACHYON_ERR_TIMEDOUT,
				  "another thread is in this call");
			return -1;
		}
		sleep_until_posted(turn, slice_ns);
	}
	return 0;
}

int ext_turn_take(struct ext_turn *turn, int64_t deadline_ns, bool (*is_closed)(void *object),
		  void *object)
{
	if (turn->is_taken) {
		int ret;

		turn->waiting++;
		ret = wait_until_free(turn, deadline_ns, is_closed, object);
		turn->waiting--;
		if (ret < 0) {
			/* The bell may have rung for us. */
			if (!turn->is_taken)
				post(turn);
			return ret;
		}
	}
	turn->is_taken = true;
	return 0;
}

void ext_turn_leave(struct ext_turn *turn)
{
	turn->is_taken = false;
	post(turn);
}

/* --- waits --- */

static bool is_not_yet(int ret)
{
	return ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_TIMEDOUT;
}

int ext_wait_more(int (*step)(void *object, int64_t slice_ns), void *object, int64_t deadline_ns)
{
	int ret;

	if (deadline_ns == 0)
		return TACHYON_ERR_AGAIN;
	do {
		PyThreadState *thread;
		int64_t slice_ns;

		if (PyErr_CheckSignals() < 0)
			return -EINTR;
		slice_ns = next_slice(deadline_ns);
		if (slice_ns == 0)
			return TACHYON_ERR_TIMEDOUT;
		thread = PyEval_SaveThread();
		ret = step(object, slice_ns);
		PyEval_RestoreThread(thread);
	} while (is_not_yet(ret));
	return ret;
}

int ext_wait(int (*step)(void *object, int64_t slice_ns), void *object, int64_t deadline_ns)
{
	const int ret = step(object, 0);

	return is_not_yet(ret) ? ext_wait_more(step, object, deadline_ns) : ret;
}
