/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Processes that are stopped or killed with a stream in their hands: nobody else is held up by
 * them, or misled.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "stream-setup.h"

/* --- stopped --- */

static void stop(const struct other *other)
{
	siginfo_t info;

	CHECK_EQ(kill(other->pid, SIGSTOP), 0);
	CHECK_EQ(waitid(P_PID, (id_t)other->pid, &info, WSTOPPED), 0);
}

TEST(readers_do_not_wait_for_a_writer_that_is_stopped_half_way)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const reader = open_read_only("a");
	struct other other;
	void *data;

	CHECK_EQ(write_number(stream, 1), 0);
	other = start_other(hold_transaction, "a", NULL);
	await(&other);
	stop(&other);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(read_number(stream), 1);
		CHECK_EQ(read_number(reader), 1);
	}
	CHECK_EQ(tachyon_stream_count(reader), 1);
	CHECK_EQ(tachyon_stream_wait(reader, 1, -1), 0);
	CHECK_EQ(tachyon_stream_wait(reader, 2, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_wait(reader, 2, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_lock(reader, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(write_within(stream, 2, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(tachyon_stream_begin(stream, SHORT_NS, &data), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(info_of(reader).count, 1);

	/* It goes on as if nothing had been. */
	CHECK_EQ(kill(other.pid, SIGCONT), 0);
	tell(&other);
	CHECK_EQ(tachyon_stream_wait(reader, 2, LONG_NS), 0);
	CHECK_EQ(read_number(reader), 0xeeeeeeeeeeeeeeee);
	end_other(&other);
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}

TEST(a_stream_can_be_opened_and_unlinked_beside_a_stopped_holder)
{
	struct tachyon_stream *stream = make_stream("a");
	struct other other = start_other(hold_transaction, "a", NULL);

	await(&other);
	stop(&other);
	for (int i = 0; i < 10; i++)
		tachyon_stream_destroy(open_stream("a"));
	end_stream(stream, "a");
	stream = make_stream("a");
	CHECK_EQ(write_within(stream, 5, 0), 0);
	CHECK_EQ(read_number(stream), 5);
	kill_other(&other);
	end_stream(stream, "a");
}

/* --- killed --- */

TEST(the_lock_of_a_dead_holder_is_free)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(hold_lock, "a", NULL);

	await(&other);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	kill_other(&other);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(write_within(stream, 3, 0), 0);
	CHECK_EQ(read_number(stream), 3);
	end_stream(stream, "a");
}

TEST(a_value_whose_writer_died_half_way_never_was)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_snapshot snapshot;

	for (uint64_t i = 1; i <= 10; i++) {
		struct other other;

		CHECK_EQ(write_number(stream, i), 0);
		other = start_other(hold_transaction, "a", NULL);
		await(&other);
		kill_other(&other);
		CHECK_EQ(read_with(stream, &snapshot), i);
		CHECK_EQ(snapshot.count, i);
		CHECK_EQ(tachyon_stream_wait(stream, i + 1, 0), TACHYON_ERR_AGAIN);
	}
	end_stream(stream, "a");
}

TEST(what_a_dead_writer_left_half_done_is_not_in_the_next_ones_way)
{
	struct tachyon_stream *const stream = make_stream("a");

	for (uint64_t i = 1; i <= 10; i++) {
		struct other other = start_other(hold_transaction, "a", NULL);

		await(&other);
		kill_other(&other);
		CHECK_EQ(write_within(stream, i, 0), 0);
		CHECK_EQ(read_number(stream), i);
		CHECK_EQ(tachyon_stream_count(stream), i);
	}
	end_stream(stream, "a");
}

/* The lock, within its timeout; then it is gone, and with it the lock. */
static int take_and_die(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	tell(other);
	if (other->data)
		raise(SIGKILL);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

static void wait_for_a_dead_holder(void *dies_too)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other holder = start_other(hold_lock, "a", NULL);
	struct other others[3];

	await(&holder);
	for (int i = 0; i < 3; i++) {
		others[i] = start_other(take_and_die, "a", dies_too);
		await(&others[i]);
		wait_until_asleep(others[i].pid);
	}
	kill_other(&holder);
	for (int i = 0; i < 3; i++) {
		await(&others[i]);
		CHECK_EQ(wait_child(others[i].pid), dies_too ? -SIGKILL : 0);
		close(others[i].sock);
	}
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	end_stream(stream, "a");
}

TEST(all_who_wait_for_a_holder_that_dies_get_the_lock)
{
	wait_for_a_dead_holder(NULL);
}

TEST(all_who_wait_get_the_lock_when_each_dies_with_it)
{
	int yes = 1;

	wait_for_a_dead_holder(&yes);
}

static int wait_for_lock_only(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	CHECK_EQ(tachyon_stream_lock(stream, -1), 0);
	return 1;
}

TEST(who_dies_while_waiting_holds_up_nobody)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other waiter;
	struct other next;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	waiter = start_other(wait_for_lock_only, "a", NULL);
	await(&waiter);
	wait_until_asleep(waiter.pid);
	next = start_other(take_and_die, "a", NULL);
	await(&next);
	wait_until_asleep(next.pid);
	kill_other(&waiter);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	await(&next);
	end_other(&next);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	end_stream(stream, "a");
}

/* --- killed anywhere --- */

static int write_for_ever(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	for (uint64_t i = 0;; i++) {
		void *data;

		switch (i % 4) {
		case 0:
			CHECK_EQ(write_number(stream, i), 0);
			break;
		case 1:
			CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), 0);
			fill(data, i);
			CHECK_EQ(tachyon_stream_commit(stream), 0);
			break;
		case 2:
			CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), 0);
			CHECK_EQ(tachyon_stream_rollback(stream), 0);
			break;
		case 3:
			CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
			CHECK_EQ(tachyon_stream_live(stream, &data), 0);
			fill(data, i);
			CHECK_EQ(tachyon_stream_unlock(stream), 0);
			break;
		}
	}
}

/* Sleeps for each value in turn, as far as there is one. */
struct follower {
	_Atomic uint64_t reached;
	_Atomic uint64_t last;
};

static int follow(struct other *other)
{
	struct follower *const follower = other->data;
	struct tachyon_stream *const stream = open_stream(other->what);
	uint64_t seen = tachyon_stream_count(stream);

	tell(other);
	while (seen < follower->last) {
		struct tachyon_snapshot snapshot;

		CHECK_EQ(tachyon_stream_wait(stream, seen + 1, -1), 0);
		(void)read_with(stream, &snapshot);
		CHECK(snapshot.count > seen);
		seen = snapshot.count;
		follower->reached = seen;
	}
	tachyon_stream_destroy(stream);
	return 0;
}

/* Nobody sleeps beside a value he waits for; the harness ends what would be waiting for ever. */
static void wait_for_follower(const struct follower *follower, uint64_t count)
{
	while (follower->reached < count)
		usleep(1000);
}

static struct follower *share_followers(size_t count)
{
	void *const memory = mmap(NULL, count * sizeof(struct follower), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

#define DEATHS 150
#define FOLLOWERS 3

TEST_WITH_TIMEOUT(wherever_a_writer_dies_no_value_is_torn_and_nobody_sleeps_on, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct follower *const followers = share_followers(FOLLOWERS);
	struct other others[FOLLOWERS];
	struct tachyon_snapshot snapshot;
	uint32_t random = 1;
	uint64_t count = 0;

	for (int i = 0; i < FOLLOWERS; i++) {
		followers[i].last = UINT64_MAX;
		others[i] = start_other(follow, "a", &followers[i]);
		await(&others[i]);
	}
	for (int i = 0; i < DEATHS; i++) {
		struct other writer = start_other(write_for_ever, "a", NULL);

		await(&writer);
		linger(&random, 2000);
		kill_other(&writer);
		(void)read_with(stream, &snapshot);
		CHECK(snapshot.count >= count);
		count = snapshot.count;
		for (int j = 0; j < FOLLOWERS; j++)
			wait_for_follower(&followers[j], count);
		/* The lock is free, and what comes is seen. */
		if (i % 3 == 0) {
			CHECK_EQ(write_within(stream, 1, 0), 0);
			CHECK_EQ(tachyon_stream_count(stream), ++count);
		}
	}
	for (int j = 0; j < FOLLOWERS; j++)
		followers[j].last = count + 1;
	CHECK_EQ(write_within(stream, 1, 0), 0);
	for (int j = 0; j < FOLLOWERS; j++)
		end_other(&others[j]);
	munmap(followers, FOLLOWERS * sizeof(struct follower));
	end_stream(stream, "a");
}
