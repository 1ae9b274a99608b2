/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The writers' lock: whose it is, who waits for it, and what ends that.
 */
#include <pthread.h>

#include "stream-setup.h"

/* --- one thread --- */

TEST(a_thread_takes_the_lock_as_often_as_it_likes)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");

	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, i % 2 ? -1 : 0), 0);
		CHECK_EQ(tachyon_stream_has_lock(stream), 1);
	}
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(tachyon_stream_has_lock(stream), 1);
		CHECK_EQ(tachyon_stream_lock(second, 0), TACHYON_ERR_AGAIN);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), -EPERM);
	CHECK_EQ(tachyon_stream_lock(second, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(second), 0);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(who_has_the_lock_writes_under_it)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	for (uint64_t i = 1; i <= 5; i++) {
		CHECK_EQ(write_within(stream, i, 0), 0);
		CHECK_EQ(tachyon_stream_has_lock(stream), 1);
		CHECK_EQ(read_number(second), i);
		CHECK_EQ(write_within(second, 666, 0), TACHYON_ERR_AGAIN);
	}
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 5);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(another_handle_is_another_owner_in_the_same_thread)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");
	const uint64_t before = clock_ns(CLOCK_MONOTONIC);

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_has_lock(second), 0);
	CHECK_EQ(tachyon_stream_unlock(second), -EPERM);
	CHECK_EQ(tachyon_stream_lock(second, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_lock(second, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK(clock_ns(CLOCK_MONOTONIC) - before >= SHORT_NS);
	CHECK_EQ(tachyon_stream_has_lock(second), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(second, 0), 0);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(streams_of_other_names_have_other_locks)
{
	struct tachyon_stream *const one = make_stream("one");
	struct tachyon_stream *const two = make_stream("two");

	CHECK_EQ(tachyon_stream_lock(one, 0), 0);
	CHECK_EQ(tachyon_stream_lock(two, 0), 0);
	end_stream(one, "one");
	end_stream(two, "two");
}

TEST(closing_handles_leaves_the_lock_of_another)
{
	struct tachyon_stream *const holder = make_stream("a");
	struct tachyon_stream *const prober = open_stream("a");

	CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
	for (int i = 0; i < 20; i++) {
		struct tachyon_stream *const passing =
			i % 2 ? open_stream("a") : open_read_only("a");
		struct tachyon_stream_info info = {.size = sizeof(info)};

		CHECK_EQ(tachyon_stream_lock(passing, 0), TACHYON_ERR_AGAIN);
		CHECK_EQ(tachyon_stream_unlock(passing), -EPERM);
		if (i % 4 == 3)
			tachyon_stream_shutdown(passing);
		tachyon_stream_destroy(passing);
		CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), 0);
		CHECK_EQ(tachyon_stream_lock(prober, 0), TACHYON_ERR_AGAIN);
		CHECK_EQ(tachyon_stream_has_lock(holder), 1);
	}
	remove_stream("a");
	CHECK_EQ(tachyon_stream_lock(prober, 0), TACHYON_ERR_AGAIN);
	tachyon_stream_destroy(holder);
	CHECK_EQ(tachyon_stream_lock(prober, 0), 0);
	tachyon_stream_destroy(prober);
}

TEST(a_handle_that_is_destroyed_or_shut_down_gives_the_lock_back)
{
	struct tachyon_stream *const prober = make_stream("a");

	for (int i = 0; i < 4; i++) {
		struct tachyon_stream *const holder = open_stream("a");

		CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
		CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
		CHECK_EQ(tachyon_stream_lock(prober, 0), TACHYON_ERR_AGAIN);
		if (i % 2)
			tachyon_stream_shutdown(holder);
		else
			tachyon_stream_destroy(holder);
		CHECK_EQ(tachyon_stream_lock(prober, 0), 0);
		CHECK_EQ(tachyon_stream_unlock(prober), 0);
		if (i % 2)
			tachyon_stream_destroy(holder);
	}
	end_stream(prober, "a");
}

/* --- threads of one handle --- */

struct visit {
	struct tachyon_stream *stream;
	int64_t timeout_ns;
	int ret;
};

static void *try_as_a_stranger(void *arg)
{
	struct visit *const visit = arg;
	struct tachyon_stream *const stream = visit->stream;
	void *data;

	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), -EPERM);
	CHECK_EQ(tachyon_stream_commit(stream), -EPERM);
	CHECK_EQ(tachyon_stream_rollback(stream), -EPERM);
	CHECK_EQ(tachyon_stream_live(stream, &data), -EPERM);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_lock(stream, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(write_within(stream, 666, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_begin(stream, SHORT_NS, &data), TACHYON_ERR_TIMEDOUT);
	return NULL;
}

static void run_thread(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, arg), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(the_lock_is_one_threads)
{
	struct visit visit = {.stream = make_stream("a")};
	void *data;

	CHECK_EQ(tachyon_stream_lock(visit.stream, 0), 0);
	run_thread(try_as_a_stranger, &visit);
	CHECK_EQ(tachyon_stream_begin(visit.stream, 0, &data), 0);
	run_thread(try_as_a_stranger, &visit);
	fill(data, 1);
	CHECK_EQ(tachyon_stream_commit(visit.stream), 0);
	CHECK_EQ(tachyon_stream_unlock(visit.stream), 0);
	CHECK_EQ(read_number(visit.stream), 1);
	end_stream(visit.stream, "a");
}

struct waiter {
	struct tachyon_stream *stream;
	_Atomic pid_t thread;
	int64_t timeout_ns;
	int ret;
};

static void *take_and_return(void *arg)
{
	struct waiter *const waiter = arg;

	waiter->thread = gettid();
	waiter->ret = tachyon_stream_lock(waiter->stream, waiter->timeout_ns);
	if (waiter->ret == 0)
		CHECK_EQ(tachyon_stream_unlock(waiter->stream), 0);
	return NULL;
}

static pthread_t start_waiter(struct waiter *waiter)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, take_and_return, waiter), 0);
	while (waiter->thread == 0)
		sched_yield();
	return thread;
}

/* The lock is held; a waiter comes; something happens; what it answers. */
static int wait_through(struct tachyon_stream *stream, struct tachyon_stream *holder,
			int64_t timeout_ns, void (*happen)(struct tachyon_stream *stream))
{
	struct waiter waiter = {.stream = stream, .timeout_ns = timeout_ns};
	pthread_t thread;

	CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
	thread = start_waiter(&waiter);
	wait_until_asleep(waiter.thread);
	if (happen)
		happen(stream);
	else
		CHECK_EQ(tachyon_stream_unlock(holder), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	if (happen)
		CHECK_EQ(tachyon_stream_unlock(holder), 0);
	return waiter.ret;
}

TEST(a_waiting_thread_of_the_same_handle_gets_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");

	for (int i = 0; i < 20; i++)
		CHECK_EQ(wait_through(stream, stream, i % 2 ? -1 : LONG_NS, NULL), 0);
	end_stream(stream, "a");
}

TEST(a_waiting_thread_of_another_handle_gets_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");

	for (int i = 0; i < 20; i++)
		CHECK_EQ(wait_through(second, stream, i % 2 ? -1 : LONG_NS, NULL), 0);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(a_wait_for_the_lock_can_be_canceled)
{
	struct tachyon_stream *const holder = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(wait_through(second, holder, -1, tachyon_stream_cancel),
			 TACHYON_ERR_CANCELED);
		CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
		CHECK_EQ(tachyon_stream_lock(second, -1), TACHYON_ERR_CANCELED);
		CHECK_EQ(write_within(second, 1, LONG_NS), TACHYON_ERR_CANCELED);
		tachyon_stream_resume(second);
		CHECK_EQ(tachyon_stream_lock(second, SHORT_NS), TACHYON_ERR_TIMEDOUT);
		CHECK_EQ(tachyon_stream_unlock(holder), 0);
		CHECK_EQ(tachyon_stream_lock(second, -1), 0);
		CHECK_EQ(tachyon_stream_unlock(second), 0);
	}
	/* Of the holder's own threads. */
	CHECK_EQ(wait_through(holder, holder, LONG_NS, tachyon_stream_cancel),
		 TACHYON_ERR_CANCELED);
	tachyon_stream_resume(holder);
	CHECK_EQ(tachyon_stream_count(holder), 0);
	tachyon_stream_destroy(second);
	end_stream(holder, "a");
}

TEST(a_wait_for_the_lock_ends_with_its_handle)
{
	struct tachyon_stream *const holder = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");

	CHECK_EQ(wait_through(second, holder, -1, tachyon_stream_shutdown), TACHYON_ERR_CLOSED);
	tachyon_stream_destroy(second);
	end_stream(holder, "a");
}

/* --- processes --- */

TEST(another_process_has_the_lock_until_it_gives_it_back)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(hold_lock, "a", NULL);

	await(&other);
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), -EPERM);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_lock(stream, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(write_within(stream, 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(read_number(stream), 0);
	tell(&other);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_other(&other);
	end_stream(stream, "a");
}

static int take_in_turn(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(write_within(stream, tachyon_stream_count(stream) + 1, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(all_who_wait_get_their_turn)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other others[8];

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	for (int i = 0; i < 8; i++) {
		others[i] = start_other(take_in_turn, "a", NULL);
		await(&others[i]);
	}
	for (int i = 0; i < 8; i++)
		wait_until_asleep(others[i].pid);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	for (int i = 0; i < 8; i++)
		end_other(&others[i]);
	CHECK_EQ(tachyon_stream_count(stream), 8);
	CHECK_EQ(read_number(stream), 8);
	end_stream(stream, "a");
}

#define ROUNDS 4000

/* What only the holder may change. */
static int add_under_lock(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	uint64_t words[WORDS];

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
		CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), NULL), 0);
		fill(words, number_in(words) + 1);
		CHECK_EQ(tachyon_stream_write(stream, words, sizeof(words), 0), 0);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(under_the_lock_nothing_is_lost, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other others[4];

	for (int i = 0; i < 4; i++)
		others[i] = start_other(add_under_lock, "a", NULL);
	for (int i = 0; i < 4; i++)
		end_other(&others[i]);
	CHECK_EQ(read_number(stream), 4 * ROUNDS);
	CHECK_EQ(tachyon_stream_count(stream), 4 * ROUNDS);
	end_stream(stream, "a");
}

/* --- signals --- */

static void ignore_it(int number)
{
	(void)number;
}

static int wait_and_be_interrupted(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	const struct sigaction action = {.sa_handler = ignore_it};
	void *data;

	sigaction(SIGUSR1, &action, NULL);
	tell(other);
	CHECK_EQ(tachyon_stream_lock(stream, -1), -EINTR);
	tell(other);
	CHECK_EQ(write_within(stream, 1, LONG_NS), -EINTR);
	tell(other);
	CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), -EINTR);
	tell(other);
	CHECK_EQ(tachyon_stream_count(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(a_signal_ends_a_wait_for_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	other = start_other(wait_and_be_interrupted, "a", NULL);
	await(&other);
	for (int i = 0; i < 3; i++) {
		wait_until_asleep(other.pid);
		interrupt(&other);
		await(&other);
	}
	end_other(&other);
	end_stream(stream, "a");
}
