/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a bus ends: closed in order, its peer dead, shut down here. What was flushed is delivered
 * first, and the three are told apart.
 */
#include "bus.h"

#include <signal.h>
#include <sys/socket.h>

#include "pair.h"
#include "system.h"

#define SMALLEST 4096u

/* --- closed in order --- */

TEST(what_was_sent_before_a_close_is_delivered_then_comes_the_end)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(say(pair.left, "one"), 0);
	CHECK_EQ(say(pair.left, "two"), 0);
	tachyon_bus_destroy(pair.left);

	CHECK_STR_EQ(hear(pair.right), "one");
	CHECK_STR_EQ(hear_within(pair.right, -1), "two");
	CHECK_STR_EQ(hear_within(pair.right, LONG_NS), "EPIPE");
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair.right);
}

TEST(a_close_is_seen_without_waiting)
{
	struct pair pair = make_pair(0);

	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair.right);
}

TEST(a_batch_is_flushed_when_its_sender_closes)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 5, &data, 0), 0);
	memcpy(data, "last", 5);
	CHECK_EQ(tachyon_bus_commit_unflushed(pair.left, 5, 0), 0);
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "last");
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	tachyon_bus_destroy(pair.right);

	pair = make_pair(0);
	CHECK_EQ(tachyon_bus_reserve(pair.right, 5, &data, 0), 0);
	memcpy(data, "last", 5);
	CHECK_EQ(tachyon_bus_commit_unflushed(pair.right, 5, 0), 0);
	tachyon_bus_shutdown(pair.right);
	CHECK_STR_EQ(hear(pair.left), "last");
	CHECK_STR_EQ(hear(pair.left), "EPIPE");
	close_pair(&pair);
}

static int commit_unflushed(void *bus)
{
	void *data;

	CHECK_EQ(tachyon_bus_reserve(bus, 5, &data, 0), 0);
	memcpy(data, "last", 5);
	return tachyon_bus_commit_unflushed(bus, 5, 0);
}

TEST(a_batch_of_a_thread_that_is_gone_is_flushed_by_destroy)
{
	struct pair pair = make_pair(0);
	struct helper helper;

	start_helper(&helper, commit_unflushed, pair.left);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "last");
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	tachyon_bus_destroy(pair.right);
}

TEST(an_open_reservation_does_not_leave_with_a_close)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 5, &data, 0), 0);
	memcpy(data, "half", 5);
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	tachyon_bus_destroy(pair.right);
}

TEST(sending_to_a_peer_that_closed_is_epipe)
{
	struct pair pair = make_pair(SMALLEST);
	void *data = &pair;
	int ret = 0;

	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK_EQ(say(pair.right, "too late"), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_reserve(pair.right, 1, &data, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(data, &pair);
	tachyon_bus_destroy(pair.right);

	/* Who never listens finds out, too: at the latest when the ring is full. */
	pair = make_pair(SMALLEST);
	tachyon_bus_destroy(pair.left);
	for (int i = 0; i < 1000 && ret == 0; i++)
		ret = tachyon_bus_send(pair.right, "x", 1, 0, -1);
	CHECK_EQ(ret, TACHYON_ERR_CLOSED);
	tachyon_bus_destroy(pair.right);
}

TEST(messages_stay_readable_after_the_peer_closed)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 10000, &data, 0), 0);
	fill(data, 10000, 3);
	CHECK_EQ(tachyon_bus_commit(pair.left, 10000, 0), 0);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK(is_filled(message.data, 10000, 3));
	CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	tachyon_bus_destroy(pair.right);
}

/* --- shut down here --- */

TEST(after_a_shutdown_every_call_is_epipe)
{
	struct pair pair = make_pair(0);
	struct tachyon_message messages[1];
	void *data;

	CHECK_EQ(say(pair.left, "before"), 0);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 8, &data, 0), 0);
	CHECK_EQ(say(pair.right, "unheard"), 0);
	tachyon_bus_shutdown(pair.left);
	CHECK_EQ(tachyon_bus_end(pair.left), TACHYON_END_LOCAL);

	CHECK_EQ(tachyon_bus_commit(pair.left, 8, 0), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_flush(pair.left), TACHYON_ERR_CLOSED);
	CHECK_EQ(say(pair.left, "after"), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 1, &data, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_receive(pair.left, messages, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_receive_batch(pair.left, messages, 1, 0), TACHYON_ERR_CLOSED);
	tachyon_bus_shutdown(pair.left);
	CHECK_EQ(tachyon_bus_end(pair.left), TACHYON_END_LOCAL);

	CHECK_STR_EQ(hear(pair.right), "before");
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	close_pair(&pair);
}

TEST(an_unflushed_commit_after_a_shutdown_is_epipe)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 8, &data, 0), 0);
	tachyon_bus_shutdown(pair.left);
	CHECK_EQ(tachyon_bus_commit_unflushed(pair.left, 8, 0), TACHYON_ERR_CLOSED);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	close_pair(&pair);
}

TEST(a_message_held_over_a_shutdown_stays_readable)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	tachyon_bus_shutdown(pair.right);
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(message.data, "text");
	tachyon_bus_destroy(pair.right);
}

/* --- the peer dies --- */

struct doomed {
	const char *last_words;
	int go[2]; /* pipe: the child dies when told to; -1: at once */
	bool is_orderly;
};

static int talk_and_die(void *argument)
{
	const struct doomed *const doomed = argument;
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;
	char byte;
	void *data;

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	if (doomed->last_words) {
		CHECK_EQ(say(bus, doomed->last_words), 0);
		CHECK_EQ(say(bus, doomed->last_words), 0);
	}
	/* Neither half a message nor an unflushed one may be seen. */
	CHECK_EQ(tachyon_bus_reserve(bus, 4, &data, 0), 0);
	CHECK_EQ(tachyon_bus_commit_unflushed(bus, 4, 0), 0);
	CHECK_EQ(tachyon_bus_reserve(bus, 4, &data, 0), 0);
	if (doomed->go[0] >= 0)
		(void)!read(doomed->go[0], &byte, 1);
	raise(SIGKILL);
	return 0;
}

TEST(what_a_killed_peer_flushed_is_delivered_then_its_death_told)
{
	struct doomed doomed = {.last_words = "last words", .go = {-1, -1}};
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	const pid_t child = run_child(talk_and_die, &doomed);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(stats_of(bus).peer_pid, child);
	CHECK_EQ(wait_child(child), -SIGKILL);

	CHECK_STR_EQ(hear_within(bus, LONG_NS), "last words");
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "last words");
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	CHECK_EQ(say(bus, "anybody there"), TACHYON_ERR_CLOSED);
	tachyon_bus_destroy(bus);
}

static int hear_the_end(void *bus)
{
	return strcmp(hear_within(bus, -1), "EPIPE");
}

static int send_to_the_end(void *bus)
{
	int ret;

	do {
		ret = tachyon_bus_send(bus, "x", 1, 0, -1);
	} while (ret == 0);
	return ret;
}

/* Kills a peer while a thread of ours is in a wait. */
static void check_noticed(int (*run)(void *bus), int expected, uint32_t spin)
{
	struct doomed doomed = {.last_words = NULL};
	const struct tachyon_bus_options options = bus_options(SMALLEST, spin);
	struct tachyon_bus *bus;
	struct helper helper;
	uint64_t start;
	pid_t child;

	CHECK_EQ(pipe2(doomed.go, O_CLOEXEC), 0);
	child = run_child(talk_and_die, &doomed);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	start_helper(&helper, run, bus);
	EVENTUALLY(stats_of(bus).sleeps > 0);
	sleep_ms(5);

	start = tach_os_now_ns();
	CHECK_EQ(write(doomed.go[1], "!", 1), 1);
	CHECK_EQ(finish_helper(&helper), expected);
	CHECK(ms_since(start) < 2000);
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	CHECK_EQ(wait_child(child), -SIGKILL);
	tachyon_bus_destroy(bus);
	close(doomed.go[0]);
	close(doomed.go[1]);
}

TEST(a_sleeping_receiver_notices_a_killed_peer_at_once)
{
	check_noticed(hear_the_end, 0, TACHYON_SPIN_NEVER);
	check_noticed(hear_the_end, 0, 1000);
}

TEST(a_sleeping_sender_notices_a_killed_peer_at_once)
{
	check_noticed(send_to_the_end, TACHYON_ERR_CLOSED, TACHYON_SPIN_NEVER);
	check_noticed(send_to_the_end, TACHYON_ERR_CLOSED, 1000);
}

TEST(who_only_polls_notices_a_killed_peer)
{
	struct doomed doomed = {.last_words = NULL, .go = {-1, -1}};
	const struct tachyon_bus_options options = bus_options(0, 0);
	const pid_t child = run_child(talk_and_die, &doomed);
	struct tachyon_message message;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(wait_child(child), -SIGKILL);
	EVENTUALLY(tachyon_bus_receive(bus, &message, 0) == TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	tachyon_bus_destroy(bus);
}

static int connect_and_exit(void *argument)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;

	(void)argument;
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	CHECK_EQ(say(bus, "bye"), 0);
	_exit(0);
}

TEST(a_peer_that_exits_without_closing_has_died)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	const pid_t child = run_child(connect_and_exit, NULL);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "bye");
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	CHECK_EQ(wait_child(child), 0);
	tachyon_bus_destroy(bus);
}

/* --- the peer stops --- */

static int echo(void *argument)
{
	const struct tachyon_bus_options options = bus_options(SMALLEST, 0);
	struct tachyon_bus *bus;
	const char *text;

	(void)argument;
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	do {
		text = hear_within(bus, LONG_NS);
	} while (strcmp(text, "EPIPE") != 0 && say(bus, text) == 0);
	tachyon_bus_destroy(bus);
	return 0;
}

TEST(a_stopped_peer_does_not_stop_our_timeouts_nor_our_close)
{
	const struct tachyon_bus_options options = bus_options(SMALLEST, 0);
	const pid_t child = run_child(echo, NULL);
	struct tachyon_bus *bus;
	int ret = 0;
	uint64_t start;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(say(bus, "there"), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "there");
	kill(child, SIGSTOP);

	start = tach_os_now_ns();
	for (int i = 0; i < 1000 && ret == 0; i++)
		ret = tachyon_bus_send(bus, "again", 6, 0, 20 * MS);
	CHECK_EQ(ret, TACHYON_ERR_TIMEDOUT);
	CHECK_STR_EQ(hear_within(bus, 20 * MS), "ETIMEDOUT");
	tachyon_bus_destroy(bus);
	CHECK(ms_since(start) < 5000);
	kill(child, SIGCONT);
	CHECK_EQ(wait_child(child), 0);
}

TEST(a_stopped_peer_goes_on_where_it_stood)
{
	const struct tachyon_bus_options options = bus_options(SMALLEST, 0);
	const pid_t child = run_child(echo, NULL);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	kill(child, SIGSTOP);
	CHECK_EQ(say(bus, "one"), 0);
	CHECK_STR_EQ(hear_within(bus, 5 * MS), "ETIMEDOUT");
	kill(child, SIGCONT);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "one");
	tachyon_bus_destroy(bus);
	CHECK_EQ(wait_child(child), 0);
}
