/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waiting for a count: what ends it, what does not, and what it costs.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "stream-setup.h"

/* --- at once --- */

TEST(a_count_that_is_there_is_not_waited_for)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(tachyon_stream_wait(stream, 0, 0), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 0, -1), 0);
	for (uint64_t i = 1; i <= 5; i++)
		CHECK_EQ(write_number(stream, i), 0);
	for (uint64_t i = 0; i <= 5; i++) {
		CHECK_EQ(tachyon_stream_wait(stream, i, 0), 0);
		CHECK_EQ(tachyon_stream_wait(stream, i, -1), 0);
	}
	/* A level: as often as one likes. */
	CHECK_EQ(tachyon_stream_wait(stream, 5, 0), 0);
	end_stream(stream, "a");
}

TEST(a_count_that_is_not_there_is_waited_for_as_long_as_was_said)
{
	struct tachyon_stream *const stream = make_stream("a");
	const uint64_t before = clock_ns(CLOCK_MONOTONIC);

	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 2, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_wait(stream, UINT64_MAX, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_wait(stream, 2, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK(clock_ns(CLOCK_MONOTONIC) - before >= SHORT_NS);
	CHECK_EQ(tachyon_stream_wait(stream, 2, 1), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(tachyon_stream_wait(stream, UINT64_MAX, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	end_stream(stream, "a");
}

TEST(spinning_first_changes_nothing)
{
	const struct tachyon_stream_options options = {.size = sizeof(options), .spin = 100000};
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *spinner;

	CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &spinner), 0);
	CHECK_EQ(tachyon_stream_wait(spinner, 1, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_wait(spinner, 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_wait(spinner, 1, -1), 0);
	tachyon_stream_cancel(spinner);
	CHECK_EQ(tachyon_stream_wait(spinner, 2, -1), TACHYON_ERR_CANCELED);
	tachyon_stream_destroy(spinner);
	end_stream(stream, "a");
}

TEST(a_spin_outlasts_neither_the_timeout_nor_a_cancellation)
{
	const struct tachyon_stream_options options = {
		.size = sizeof(options),
		.spin = UINT32_MAX - 1,
	};
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *spinner;

	CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &spinner), 0);
	CHECK_EQ(tachyon_stream_wait(spinner, 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	tachyon_stream_cancel(spinner);
	CHECK_EQ(tachyon_stream_wait(spinner, 1, -1), TACHYON_ERR_CANCELED);
	tachyon_stream_destroy(spinner);
	end_stream(stream, "a");
}

/* --- woken --- */

struct order {
	uint64_t count;
	int64_t timeout_ns;
	uint32_t spin;
};

static int wait_as_ordered(struct other *other)
{
	const struct order *const order = other->data;
	const struct tachyon_stream_options options = {.size = sizeof(options),
						       .spin = order->spin};
	struct tachyon_stream *stream;

	CHECK_EQ(tachyon_stream_open(name_of(other->what), &options, &stream), 0);
	tell(other);
	CHECK_EQ(tachyon_stream_wait(stream, order->count, order->timeout_ns), 0);
	CHECK(tachyon_stream_count(stream) >= order->count);
	tell(other);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(one_write_wakes_all_who_sleep_in_all_processes)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other others[12];

	for (uint32_t i = 0; i < 12; i++) {
		struct order order = {1, i % 2 ? -1 : LONG_NS, i % 3};

		others[i] = start_other(wait_as_ordered, "a", &order);
		await(&others[i]);
	}
	for (int i = 0; i < 12; i++)
		wait_until_asleep(others[i].pid);
	CHECK_EQ(write_number(stream, 1), 0);
	for (int i = 0; i < 12; i++) {
		await(&others[i]);
		end_other(&others[i]);
	}
	end_stream(stream, "a");
}

static bool has_told(const struct other *other)
{
	struct pollfd entry = {.fd = other->sock, .events = POLLIN};

	return poll(&entry, 1, 0) > 0;
}

TEST(a_wait_goes_on_until_its_own_count)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct order order = {4, -1, 0};
	struct other other = start_other(wait_as_ordered, "a", &order);

	await(&other);
	for (uint64_t i = 1; i <= 3; i++) {
		wait_until_asleep(other.pid);
		CHECK(!has_told(&other));
		CHECK_EQ(write_number(stream, i), 0);
	}
	wait_until_asleep(other.pid);
	CHECK(!has_told(&other));
	CHECK_EQ(write_number(stream, 4), 0);
	await(&other);
	end_other(&other);
	end_stream(stream, "a");
}

TEST(a_commit_and_an_edit_wake_as_a_write_does)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct order order = {1, -1, 0};
	struct other other = start_other(wait_as_ordered, "a", &order);
	void *data;

	await(&other);
	wait_until_asleep(other.pid);
	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
	fill(data, 1);
	CHECK_EQ(tachyon_stream_commit(stream), 0);
	await(&other);
	end_other(&other);

	order.count = 2;
	other = start_other(wait_as_ordered, "a", &order);
	await(&other);
	wait_until_asleep(other.pid);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	fill(data, 2);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	await(&other);
	end_other(&other);
	end_stream(stream, "a");
}

TEST(a_write_under_a_lock_that_is_kept_wakes_at_once)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct order order = {1, -1, 0};
	struct other other = start_other(wait_as_ordered, "a", &order);

	await(&other);
	wait_until_asleep(other.pid);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(write_within(stream, 1, 0), 0);
	await(&other);
	end_other(&other);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_stream(stream, "a");
}

/* --- ended otherwise --- */

struct waiter {
	struct tachyon_stream *stream;
	_Atomic pid_t thread;
	int ret;
};

static void *wait_for_ever(void *arg)
{
	struct waiter *const waiter = arg;

	waiter->thread = gettid();
	waiter->ret = tachyon_stream_wait(waiter->stream, UINT64_MAX, -1);
	return NULL;
}

/* What several waits in one handle end with. */
static void check_end(struct tachyon_stream *stream, void (*end)(struct tachyon_stream *stream),
		      int expected)
{
	struct waiter waiters[3];
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		waiters[i] = (struct waiter){.stream = stream};
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_for_ever, &waiters[i]), 0);
		while (waiters[i].thread == 0)
			sched_yield();
		wait_until_asleep(waiters[i].thread);
	}
	end(stream);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(waiters[i].ret, expected);
	}
}

TEST(cancel_ends_waits_now_and_later_until_resume)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const other = open_stream("a");

	for (int i = 0; i < 3; i++) {
		check_end(stream, tachyon_stream_cancel, TACHYON_ERR_CANCELED);
		CHECK_EQ(tachyon_stream_wait(stream, 1, -1), TACHYON_ERR_CANCELED);
		CHECK_EQ(tachyon_stream_wait(stream, 1, SHORT_NS), TACHYON_ERR_CANCELED);
		/* The other handle's are its own. */
		CHECK_EQ(tachyon_stream_wait(other, 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
		tachyon_stream_cancel(stream);
		tachyon_stream_resume(stream);
		CHECK_EQ(tachyon_stream_wait(stream, 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	}
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), 0);
	tachyon_stream_destroy(other);
	end_stream(stream, "a");
}

TEST(shutdown_ends_waits_for_good)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const other = open_stream("a");

	check_end(stream, tachyon_stream_shutdown, TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_wait(stream, 1, 0), TACHYON_ERR_CLOSED);
	tachyon_stream_resume(stream);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), TACHYON_ERR_CLOSED);
	tachyon_stream_cancel(stream);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(write_number(other, 1), 0);
	CHECK_EQ(tachyon_stream_wait(other, 1, -1), 0);
	tachyon_stream_destroy(stream);
	end_stream(other, "a");
}

static struct tachyon_stream *to_cancel;

static void cancel_in_handler(int number)
{
	(void)number;
	tachyon_stream_cancel(to_cancel);
}

static int wait_with_a_handler(struct other *other)
{
	const struct sigaction action = {.sa_handler = cancel_in_handler, .sa_flags = SA_RESTART};

	to_cancel = open_stream(other->what);
	sigaction(SIGUSR1, &action, NULL);
	tell(other);
	CHECK_EQ(tachyon_stream_wait(to_cancel, 1, -1), TACHYON_ERR_CANCELED);
	tell(other);
	tachyon_stream_destroy(to_cancel);
	return 0;
}

TEST(a_signal_handler_may_cancel)
{
	struct tachyon_stream *stream;
	struct other other;

	if (HAS_TSAN)
		SKIP("the sanitizer keeps a handler waiting while its thread sleeps");
	stream = make_stream("a");
	other = start_other(wait_with_a_handler, "a", NULL);
	await(&other);
	wait_until_asleep(other.pid);
	CHECK_EQ(kill(other.pid, SIGUSR1), 0);
	await(&other);
	end_other(&other);
	end_stream(stream, "a");
}

static void ignore_it(int number)
{
	(void)number;
}

static int wait_and_be_interrupted(struct other *other)
{
	const struct sigaction action = {.sa_handler = ignore_it};
	struct tachyon_stream *const stream = open_stream(other->what);

	sigaction(SIGUSR1, &action, NULL);
	tell(other);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), -EINTR);
	tell(other);
	CHECK_EQ(tachyon_stream_wait(stream, 1, LONG_NS), -EINTR);
	tell(other);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(a_signal_ends_a_wait)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(wait_and_be_interrupted, "a", NULL);

	await(&other);
	for (int i = 0; i < 2; i++) {
		wait_until_asleep(other.pid);
		interrupt(&other);
		await(&other);
	}
	end_other(&other);
	end_stream(stream, "a");
}

static int wait_on_through_signals(struct other *other)
{
	const struct sigaction action = {.sa_handler = ignore_it, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
	return wait_as_ordered(other);
}

TEST(a_signal_whose_handler_restarts_ends_no_wait)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct order order = {1, -1, 0};
	struct other other = start_other(wait_on_through_signals, "a", &order);

	await(&other);
	for (int i = 0; i < 20; i++) {
		wait_until_asleep(other.pid);
		CHECK_EQ(kill(other.pid, SIGUSR1), 0);
	}
	wait_until_asleep(other.pid);
	CHECK(!has_told(&other));
	CHECK_EQ(write_number(stream, 1), 0);
	await(&other);
	end_other(&other);
	end_stream(stream, "a");
}

/* --- what it costs --- */

static uint64_t processor_us(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* One second: a poller would be switched out at least ten times. */
TEST(a_wait_sleeps_all_the_time)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct rusage before;
	struct rusage after;

	CHECK_EQ(tachyon_stream_wait(stream, 1, 1), TACHYON_ERR_TIMEDOUT);
	getrusage(RUSAGE_THREAD, &before);
	CHECK_EQ(tachyon_stream_wait(stream, 1, 1000000000), TACHYON_ERR_TIMEDOUT);
	getrusage(RUSAGE_THREAD, &after);
	CHECK(after.ru_nvcsw - before.ru_nvcsw <= 5);
	CHECK(processor_us(&after) - processor_us(&before) < 50000);
	end_stream(stream, "a");
}

/* --- no wake-up is lost --- */

#define ROUNDS 15000u

/* Answers each odd count with the next even one. */
static int play_second(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_stream_wait(stream, 2 * i + 1, -1), 0);
		for (volatile uint32_t pause = (uint32_t)i % 97 * 8; pause > 0; pause--)
			;
		CHECK_EQ(write_number(stream, i), 0);
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(two_processes_that_take_turns_never_miss_one_another, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(play_second, "a", NULL);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		for (volatile uint32_t pause = (uint32_t)i % 89 * 8; pause > 0; pause--)
			;
		CHECK_EQ(write_number(stream, i), 0);
		CHECK_EQ(tachyon_stream_wait(stream, 2 * i + 2, -1), 0);
	}
	end_other(&other);
	CHECK_EQ(tachyon_stream_count(stream), 2 * ROUNDS);
	end_stream(stream, "a");
}

/* Everyone waits for every value, and is waited for: the next is written when all have seen it. */
struct roll_call {
	_Atomic uint64_t seen[8];
};

struct pupil {
	struct roll_call *calls;
	struct tachyon_stream *stream;
	unsigned int seat;
};

static void attend(const struct pupil *pupil, uint64_t rounds)
{
	for (uint64_t i = 1; i <= rounds; i++) {
		CHECK_EQ(tachyon_stream_wait(pupil->stream, i, -1), 0);
		atomic_store(&pupil->calls->seen[pupil->seat], i);
	}
}

#define CALLS 8000u

static void *attend_in_thread(void *arg)
{
	attend(arg, CALLS);
	return NULL;
}

/* Two threads of one handle in each. */
static int attend_in_process(struct other *other)
{
	struct pupil first = *(struct pupil *)other->data;
	struct pupil second = first;
	pthread_t thread;

	first.stream = second.stream = open_stream(other->what);
	second.seat++;
	CHECK_EQ(pthread_create(&thread, NULL, attend_in_thread, &second), 0);
	attend(&first, CALLS);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	tachyon_stream_destroy(first.stream);
	return 0;
}

static bool all_have_seen(const struct roll_call *calls, uint64_t count)
{
	for (int i = 0; i < 8; i++) {
		if (calls->seen[i] < count)
			return false;
	}
	return true;
}

TEST_WITH_TIMEOUT(eight_sleepers_see_every_value_that_waits_for_them, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct roll_call *const calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct other others[4];

	CHECK(calls != MAP_FAILED);
	for (unsigned int i = 0; i < 4; i++) {
		struct pupil pupil = {.calls = calls, .seat = 2 * i};

		others[i] = start_other(attend_in_process, "a", &pupil);
	}
	for (uint64_t i = 1; i <= CALLS; i++) {
		CHECK_EQ(write_number(stream, i), 0);
		while (!all_have_seen(calls, i))
			sched_yield();
	}
	for (int i = 0; i < 4; i++)
		end_other(&others[i]);
	munmap(calls, sizeof(*calls));
	end_stream(stream, "a");
}
