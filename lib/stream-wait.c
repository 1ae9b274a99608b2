/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waiting for a value: asleep, or by a descriptor.
 */
#include <limits.h>

#include "os.h"
#include "stream.h"

#define MISSES_MANY 3u
#define MISSES_RETRY 64u
/* Looks of a spin between two at what ends it, beside a value. */
#define SPIN_CHECK_PERIOD 64u

static bool is_there(const struct tachyon_stream *stream, uint64_t count)
{
	return tach_stream_newest(stream->header).count >= count;
}

static int check_cancel(const struct tachyon_stream *stream)
{
	/* Relaxed: it guards nothing, and the sleep compares it again. */
	return -(int)atomic_load_explicit(&stream->cancel, memory_order_relaxed);
}

/*
 * Who spun in vain some times in a row spins less: values come seldom. Now and then it is tried
 * again. As in bus.c.
 */
static uint32_t spin_budget(const struct tachyon_stream *stream)
{
	/* Relaxed: a hint, which threads may overwrite for one another. */
	const uint32_t misses = atomic_load_explicit(&stream->misses, memory_order_relaxed);
	const bool is_vain = misses >= MISSES_MANY && misses % MISSES_RETRY != 0;

	return is_vain ? stream->spin / 32 : stream->spin;
}

static bool spin(struct tachyon_stream *stream, uint64_t count, uint64_t deadline_ns)
{
	const uint32_t budget = spin_budget(stream);

	for (uint32_t i = 0; i < budget; i++) {
		tach_cpu_relax();
		if (is_there(stream, count)) {
			atomic_store_explicit(&stream->misses, 0, memory_order_relaxed);
			return true;
		}
		if (i % SPIN_CHECK_PERIOD == 0 &&
		    (check_cancel(stream) < 0 || tach_os_now_ns() >= deadline_ns))
			return false;
	}
	atomic_fetch_add_explicit(&stream->misses, 1, memory_order_relaxed);
	return false;
}

static int wait_until(struct tachyon_stream *stream, uint64_t count, uint64_t deadline_ns)
{
	_Atomic uint32_t *const newest = &stream->header->newest;

	for (;;) {
		/* Before the look at the count: a value after that moves the word. */
		const uint32_t seen = tach_beacon_look(newest);
		uint32_t word;
		int ret;

		if (is_there(stream, count))
			return 0;
		ret = check_cancel(stream);
		if (ret < 0)
			return ret;
		if (deadline_ns != TACH_FOREVER && tach_os_now_ns() >= deadline_ns)
			return TACHYON_ERR_TIMEDOUT;
		word = tach_beacon_arm(newest, seen, TACH_BEACON_ASLEEP);
		if (word == 0)
			continue;
		ret = tach_os_futex_sleep(newest, word, &stream->cancel, deadline_ns);
		if (ret < 0 && ret != -ETIMEDOUT)
			return ret;
	}
}

int tachyon_stream_wait(struct tachyon_stream *stream, uint64_t count, int64_t timeout_ns)
{
	uint64_t deadline_ns;
	int ret;

	if (!stream)
		return -EINVAL;
	ret = tach_stream_check_open(stream);
	if (ret < 0)
		return ret;
	if (is_there(stream, count))
		return 0;
	if (timeout_ns == 0)
		return check_cancel(stream) < 0 ? check_cancel(stream) : TACHYON_ERR_AGAIN;
	deadline_ns = tach_os_deadline(timeout_ns);
	if (spin(stream, count, deadline_ns))
		return 0;
	return wait_until(stream, count, deadline_ns);
}

/* --- by a descriptor --- */

int tachyon_stream_fd(struct tachyon_stream *stream)
{
	int known = -1, made, ret;

	if (!stream)
		return -EINVAL;
	ret = tach_stream_check_open(stream);
	if (ret < 0)
		return ret;
	if (atomic_load_explicit(&stream->watch, memory_order_relaxed) >= 0)
		return atomic_load_explicit(&stream->watch, memory_order_relaxed);
	made = tach_os_watch(stream->file);
	if (made < 0)
		return made;
	/* Of threads that ask at once the first decides. A number: nothing is published with it. */
	if (atomic_compare_exchange_strong_explicit(&stream->watch, &known, made,
						    memory_order_relaxed, memory_order_relaxed))
		return made;
	tach_os_close(made);
	return known;
}

static int arm_watch(struct tachyon_stream *stream, uint64_t count)
{
	_Atomic uint32_t *const newest = &stream->header->newest;

	for (;;) {
		const uint32_t seen = tach_beacon_look(newest);

		if (is_there(stream, count))
			return 1;
		if (check_cancel(stream) < 0)
			return check_cancel(stream);
		if (seen & TACH_BEACON_RINGING) {
			/*
			 * Nobody touches the file after publishing, and the writer may have touched
			 * it before we looked: so the descriptor stays readable until it has.
			 */
			tach_os_touch(stream->file);
			return 0;
		}
		if (tach_beacon_arm(newest, seen, TACH_BEACON_WATCHED) != 0)
			return 0;
	}
}

/* If the writer that rings is dead, the lock can be had. */
static void repair(struct tachyon_stream *stream)
{
	if (tach_turnstile_is_mine(&stream->turnstile) ||
	    tach_turnstile_enter(&stream->turnstile, TACH_TURNSTILE_TRY) < 0)
		return;
	tach_beacon_repair(&stream->header->newest);
	tach_turnstile_leave(&stream->turnstile);
}

static int check_watch(const struct tachyon_stream *stream)
{
	if (!stream || atomic_load_explicit(&stream->watch, memory_order_relaxed) < 0)
		return -EINVAL;
	return tach_stream_check_open(stream);
}

int tachyon_stream_prepare(struct tachyon_stream *stream, uint64_t count)
{
	const int ret = check_watch(stream);

	return ret < 0 ? ret : arm_watch(stream, count);
}

int tachyon_stream_dispatch(struct tachyon_stream *stream, uint64_t count)
{
	const int ret = check_watch(stream);

	if (ret < 0)
		return ret;
	if (tach_beacon_look(&stream->header->newest) & TACH_BEACON_RINGING)
		repair(stream);
	/* Then arm: what comes in between is found there, what comes after is heard. */
	tach_os_watch_clear(atomic_load_explicit(&stream->watch, memory_order_relaxed));
	return arm_watch(stream, count);
}

/* --- cancelling --- */

void tach_stream_end_waits(struct tachyon_stream *stream, uint32_t code)
{
	uint32_t known = atomic_load_explicit(&stream->cancel, memory_order_relaxed);

	/*
	 * Relaxed: it guards nothing; the kernel compares it before a sleep, and the wake comes
	 * after.
	 */
	while (known != EPIPE &&
	       !atomic_compare_exchange_weak_explicit(&stream->cancel, &known, code,
						      memory_order_relaxed, memory_order_relaxed))
		;
	tach_os_futex_wake_own(&stream->cancel, INT_MAX);
	if (atomic_load_explicit(&stream->watch, memory_order_relaxed) >= 0)
		tach_os_touch(stream->file);
}

void tachyon_stream_cancel(struct tachyon_stream *stream)
{
	if (stream)
		tach_stream_end_waits(stream, ECANCELED);
}

void tachyon_stream_resume(struct tachyon_stream *stream)
{
	uint32_t canceled = ECANCELED;

	/* Relaxed, as above. A shutdown is for good. */
	if (stream)
		atomic_compare_exchange_strong_explicit(&stream->cancel, &canceled, 0,
							memory_order_relaxed, memory_order_relaxed);
}
