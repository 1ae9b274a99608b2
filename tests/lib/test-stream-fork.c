/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Forked children: each has a handle of its own to the same stream, without its parent's lock.
 */
#include <pthread.h>

#include "stream-setup.h"

static int act_on_stream(struct other *other, int (*act)(struct tachyon_stream *stream))
{
	const int ret = act(other->data);

	tachyon_stream_destroy(other->data);
	return ret;
}

/* In a child, with the parent's handle. */
static void in_child(struct tachyon_stream *stream, int (*act)(struct other *other))
{
	struct other other = start_other(act, "a", stream);

	end_other(&other);
}

/* --- the lock --- */

static int find_it_locked(struct tachyon_stream *stream)
{
	void *data;

	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), -EPERM);
	CHECK_EQ(tachyon_stream_commit(stream), -EPERM);
	CHECK_EQ(tachyon_stream_rollback(stream), -EPERM);
	CHECK_EQ(tachyon_stream_live(stream, &data), -EPERM);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_lock(stream, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(write_within(stream, 666, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), TACHYON_ERR_AGAIN);
	return 0;
}

static int find_other_locked(struct other *other)
{
	return act_on_stream(other, find_it_locked);
}

TEST(a_child_does_not_hold_its_parents_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const prober = open_stream("a");

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	in_child(stream, find_other_locked);
	CHECK_EQ(tachyon_stream_has_lock(stream), 1);
	CHECK_EQ(tachyon_stream_lock(prober, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(prober, 0), 0);
	tachyon_stream_destroy(prober);
	end_stream(stream, "a");
}

static int begin_its_own(struct other *other)
{
	void *data;

	CHECK_EQ(find_it_locked(other->data), 0);
	tell(other);
	CHECK_EQ(tachyon_stream_begin(other->data, LONG_NS, &data), 0);
	fill(data, 6);
	CHECK_EQ(tachyon_stream_commit(other->data), 0);
	tachyon_stream_destroy(other->data);
	return 0;
}

TEST(a_child_inherits_no_transaction)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;
	void *data;

	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
	other = start_other(begin_its_own, "a", stream);
	await(&other);
	fill(data, 5);
	CHECK_EQ(tachyon_stream_commit(stream), 0);
	end_other(&other);
	CHECK_EQ(read_number(stream), 6);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	end_stream(stream, "a");
}

static int take_it(struct other *other)
{
	CHECK_EQ(tachyon_stream_lock(other->data, LONG_NS), 0);
	tell(other);
	await(other);
	CHECK_EQ(tachyon_stream_unlock(other->data), 0);
	tachyon_stream_destroy(other->data);
	return 0;
}

TEST(a_parent_does_not_hold_its_childs_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(take_it, "a", stream);

	await(&other);
	CHECK_EQ(find_it_locked(stream), 0);
	tell(&other);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_other(&other);
	end_stream(stream, "a");
}

TEST(a_child_waits_for_its_parents_lock_and_gets_it)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	other = start_other(take_it, "a", stream);
	wait_until_asleep(other.pid);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	await(&other);
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	tell(&other);
	end_other(&other);
	end_stream(stream, "a");
}

/* Takes the lock, forks a child that lives on, and tells its number. */
static int live_on(struct other *other)
{
	tell(other);
	await(other);
	CHECK_EQ(read_number(other->data), 1);
	tachyon_stream_destroy(other->data);
	return 0;
}

static int lock_and_fork(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	struct other child;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	child = start_other(live_on, other->what, stream);
	await(&child);
	CHECK_EQ(send(other->sock, &child.pid, sizeof(child.pid), 0), sizeof(child.pid));
	await(other);
	return 1;
}

TEST(the_lock_of_a_dead_parent_is_free_while_its_child_lives)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other parent = start_other(lock_and_fork, "a", NULL);
	pid_t orphan;

	CHECK_EQ(recv(parent.sock, &orphan, sizeof(orphan), MSG_WAITALL), sizeof(orphan));
	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_AGAIN);
	kill_other(&parent);
	CHECK_EQ(kill(orphan, 0), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(kill(orphan, SIGKILL), 0);
	CHECK_EQ(wait_child(orphan), -SIGKILL);
	end_stream(stream, "a");
}

TEST(the_lock_a_parent_gives_back_is_free_while_its_child_lives)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const prober = open_stream("a");
	struct other child;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	child = start_other(live_on, "a", stream);
	await(&child);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(prober, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(prober), 0);

	/* Nor does the end of a handle wait for the child's. */
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	tachyon_stream_destroy(stream);
	CHECK_EQ(write_within(prober, 1, 0), 0);
	tell(&child);
	end_other(&child);
	end_stream(prober, "a");
}

/* --- everything else --- */

static int use_it(struct tachyon_stream *stream)
{
	const uint64_t count = tachyon_stream_count(stream);
	uint64_t *words;
	void *data;

	CHECK_EQ(write_within(stream, 10, LONG_NS), 0);
	CHECK_EQ(read_number(stream), 10);
	CHECK_EQ(tachyon_stream_wait(stream, count + 1, 0), 0);
	CHECK_EQ(tachyon_stream_wait(stream, count + 9, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), 0);
	fill(data, 11);
	CHECK_EQ(tachyon_stream_commit(stream), 0);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	words = data;
	CHECK_EQ(number_in(words), 11);
	fill(words, 12);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(read_number(stream), 12);
	CHECK_EQ(tachyon_stream_count(stream), count + 3);
	CHECK_EQ(info_of(stream).count, count + 3);
	return 0;
}

static int use_other(struct other *other)
{
	return act_on_stream(other, use_it);
}

TEST(a_child_uses_the_stream_as_its_own)
{
	struct tachyon_stream *const stream = make_stream("a");

	in_child(stream, use_other);
	CHECK_EQ(tachyon_stream_count(stream), 3);
	CHECK_EQ(read_number(stream), 12);
	CHECK_EQ(use_it(stream), 0);
	in_child(stream, use_other);
	CHECK_EQ(tachyon_stream_count(stream), 9);
	end_stream(stream, "a");
}

static int edit_it(struct other *other)
{
	void *data;

	CHECK_EQ(tachyon_stream_lock(other->data, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_live(other->data, &data), 0);
	CHECK_EQ(number_in(data), 1);
	fill(data, 2);
	tell(other);
	await(other);
	CHECK_EQ(tachyon_stream_unlock(other->data), 0);
	tachyon_stream_destroy(other->data);
	return 0;
}

TEST(what_a_child_edits_is_its_own_until_it_is_published)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;
	void *data;

	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	CHECK_EQ(number_in(data), 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	other = start_other(edit_it, "a", stream);
	await(&other);
	CHECK_EQ(number_in(data), 1);
	CHECK_EQ(read_number(stream), 1);
	tell(&other);
	end_other(&other);
	CHECK_EQ(read_number(stream), 2);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(number_in(data), 2);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	end_stream(stream, "a");
}

static int leave_edits_alone(struct other *other)
{
	void *data;

	/* They are the parent's: its unlock publishes them, not the child's. */
	tell(other);
	await(other);
	CHECK_EQ(tachyon_stream_lock(other->data, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_live(other->data, &data), 0);
	CHECK_EQ(number_in(data), 1);
	CHECK_EQ(tachyon_stream_unlock(other->data), 0);
	CHECK_EQ(tachyon_stream_count(other->data), 1);
	tachyon_stream_destroy(other->data);
	return 0;
}

TEST(a_child_does_not_publish_what_its_parent_edited)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;
	void *data;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	fill(data, 1);
	other = start_other(leave_edits_alone, "a", stream);
	await(&other);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(read_number(stream), 1);
	tell(&other);
	end_other(&other);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	end_stream(stream, "a");
}

static int fork_on(struct tachyon_stream *stream)
{
	in_child(stream, use_other);
	return use_it(stream);
}

static int fork_other_on(struct other *other)
{
	return act_on_stream(other, fork_on);
}

TEST(a_childs_child_has_a_handle_too)
{
	struct tachyon_stream *const stream = make_stream("a");

	in_child(stream, fork_other_on);
	CHECK_EQ(tachyon_stream_count(stream), 6);
	end_stream(stream, "a");
}

static int sleep_in_child(struct other *other)
{
	tell(other);
	CHECK_EQ(tachyon_stream_wait(other->data, 1, -1), 0);
	tachyon_stream_destroy(other->data);
	return 0;
}

TEST(cancel_and_shutdown_are_each_processes_own)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	struct other other = start_other(sleep_in_child, "a", stream);

	await(&other);
	wait_until_asleep(other.pid);
	tachyon_stream_cancel(stream);
	tachyon_stream_shutdown(stream);
	tachyon_stream_destroy(stream);
	wait_until_asleep(other.pid);
	CHECK_EQ(write_number(writer, 1), 0);
	end_other(&other);
	end_stream(writer, "a");
}

/* --- threads, and want --- */

/* A fork beside a busy thread is a second under TSan. */
#define FORKS (HAS_TSAN ? 15 : 100)

struct busy {
	struct tachyon_stream *stream;
	_Atomic bool is_over;
};

static void *be_busy(void *arg)
{
	struct busy *const busy = arg;

	for (uint64_t i = 0; !busy->is_over; i++) {
		void *data;

		CHECK_EQ(write_number(busy->stream, i), 0);
		CHECK_EQ(tachyon_stream_lock(busy->stream, LONG_NS), 0);
		CHECK_EQ(tachyon_stream_live(busy->stream, &data), 0);
		fill(data, i);
		CHECK_EQ(tachyon_stream_unlock(busy->stream), 0);
	}
	return NULL;
}

static int write_and_read(struct other *other)
{
	struct tachyon_stream *const stream = other->data;
	void *data;

	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(write_number(stream, 5), 0);
	(void)read_number(stream);
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	(void)number_in(data);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(a_child_of_a_busy_process_can_use_its_handle, 120)
{
	struct busy busy = {.stream = make_stream("a")};
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, be_busy, &busy), 0);
	for (int i = 0; i < FORKS; i++) {
		in_child(busy.stream, write_and_read);
		CHECK_EQ(write_number(busy.stream, 6), 0);
	}
	busy.is_over = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	end_stream(busy.stream, "a");
}

static int have_no_lock(void *arg)
{
	struct tachyon_stream *const stream = arg;
	uint64_t words[WORDS];
	void *data;

	CHECK_EQ(tachyon_stream_lock(stream, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_stream_lock(stream, -1), TACHYON_ERR_FORKED);
	fill(words, 1);
	CHECK_EQ(tachyon_stream_write(stream, words, sizeof(words), -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_stream_begin(stream, -1, &data), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), -EPERM);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(a_child_that_could_not_have_a_handle_is_told_and_harms_nobody)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *prober;
	struct rlimit old;
	pid_t child;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	old = forbid_fds();
	child = run_child(have_no_lock, stream);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(wait_child(child), 0);
	CHECK_EQ(tachyon_stream_has_lock(stream), 1);
	prober = open_stream("a");
	CHECK_EQ(tachyon_stream_lock(prober, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(prober, 0), 0);
	tachyon_stream_destroy(prober);
	end_stream(stream, "a");
}
