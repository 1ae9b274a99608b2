/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Forked children: they may not use their parent's bus nor disturb it, and do not hide its
 * death.
 */
#include "bus.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "pair.h"
#include "system.h"

static int try_everything(void *argument)
{
	struct pair *const pair = argument;
	struct tachyon_bus *const bus = pair->left;
	struct tachyon_message message = {.data = pair};
	void *data;

	CHECK_EQ(tachyon_bus_send(bus, "x", 1, 0, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_send(bus, "x", 1, 0, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_reserve(bus, 1, &data, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_commit(bus, 0, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_commit_unflushed(bus, 0, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_rollback(bus), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_flush(bus), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_receive(bus, &message, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_receive(bus, &message, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_receive_batch(bus, &message, 1, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_bus_release(bus, &message), TACHYON_ERR_FORKED);
	CHECK(tachyon_bus_prepare(bus) != 0);
	tachyon_bus_dispatch(bus);
	tachyon_bus_cancel(bus);
	tachyon_bus_resume(bus);
	(void)tachyon_bus_end(bus);
	(void)tachyon_bus_fd(bus);
	(void)tachyon_bus_max_message(bus);
	(void)stats_of(bus);
	tachyon_bus_shutdown(bus);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(pair->right);
	return 0;
}

TEST(a_child_is_refused_and_its_destroy_leaves_the_parents_bus_alone)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(say(pair.left, "before"), 0);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 6, &data, 0), 0);
	memcpy(data, "after", 6);
	CHECK_EQ(wait_child(run_child(try_everything, &pair)), 0);

	CHECK_EQ(tachyon_bus_commit(pair.left, 6, 0), 0);
	CHECK_STR_EQ(hear(pair.right), "before");
	CHECK_STR_EQ(hear(pair.right), "after");
	CHECK_EQ(say(pair.right, "answer"), 0);
	CHECK_STR_EQ(hear_within(pair.left, LONG_NS), "answer");
	CHECK_EQ(tachyon_bus_end(pair.left), TACHYON_END_NONE);
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_NONE);
	close_pair(&pair);
}

static int destroy_both(void *argument)
{
	struct pair *const pair = argument;
	const int before = count_fds();

	tachyon_bus_destroy(pair->left);
	tachyon_bus_destroy(pair->right);
	/* Socket, bells, waker's bells, segment, pidfd, cancel, epoll: of each. */
	return before - count_fds() >= 16 ? 0 : 1;
}

TEST(a_childs_destroy_closes_its_copies)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(wait_child(run_child(destroy_both, &pair)), 0);
	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_STR_EQ(hear(pair.right), "text");
	close_pair(&pair);
}

static int use_own_bus(void *argument)
{
	struct pair own;

	tachyon_bus_destroy(argument);
	own = make_pair(0);
	CHECK_EQ(say(own.left, "text"), 0);
	CHECK_STR_EQ(hear_within(own.right, LONG_NS), "text");
	close_pair(&own);
	return 0;
}

TEST(a_child_can_have_a_bus_of_its_own)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(wait_child(run_child(use_own_bus, pair.left)), 0);
	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_STR_EQ(hear(pair.right), "text");
	close_pair(&pair);
}

/* --- a child that keeps its parent's socket --- */

/* Its child holds copies of everything open, until the pipe is closed. */
static int connect_fork_and_die(void *argument)
{
	const int *const hold = argument;
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;
	char byte;

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	CHECK_EQ(say(bus, "last words"), 0);
	if (fork() == 0) {
		close(hold[1]);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	raise(SIGKILL);
	return 0;
}

static bool has_pidfds(void)
{
	int pair[2], pidfd;
	socklen_t size = sizeof(pidfd);
	bool has;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
	has = getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0;
	if (has)
		close(pidfd);
	close(pair[0]);
	close(pair[1]);
	return has;
}

TEST(a_forked_child_that_keeps_the_socket_does_not_hide_the_death_of_its_parent)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;
	struct pollfd entry;
	uint64_t start;
	int hold[2];
	pid_t child;

	if (!has_pidfds())
		SKIP("needs SO_PEERPIDFD (Linux 6.5)");
	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = run_child(connect_fork_and_die, hold);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(wait_child(child), -SIGKILL);

	start = tach_os_now_ns();
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "last words");
	entry = (struct pollfd){.fd = tachyon_bus_fd(bus), .events = POLLIN};
	CHECK_EQ(poll(&entry, 1, 2000), 1);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK(ms_since(start) < 2000);
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	tachyon_bus_destroy(bus);
	close(hold[0]);
	close(hold[1]);
	/* The grandchild is ours now. */
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static int hold_until_told(void *argument)
{
	const int *const hold = argument;
	char byte;

	close(hold[1]);
	return (int)read(hold[0], &byte, 1);
}

TEST(a_close_is_seen_though_a_child_keeps_copies)
{
	struct pair pair = make_pair(0);
	int hold[2];
	pid_t child;

	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = run_child(hold_until_told, hold);
	tachyon_bus_destroy(pair.left);
	CHECK_STR_EQ(hear_within(pair.right, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair.right);
	close(hold[1]);
	CHECK_EQ(wait_child(child), 0);
	close(hold[0]);
}

TEST(a_parent_that_forks_while_messages_flow_loses_none)
{
	struct pair pair = make_pair(4096);
	struct tachyon_message message;
	pid_t child;

	for (uint32_t i = 0; i < 200; i++) {
		child = fork();
		if (child == 0) {
			tachyon_bus_destroy(pair.left);
			tachyon_bus_destroy(pair.right);
			_exit(0);
		}
		for (uint32_t j = 0; j < 20; j++) {
			CHECK_EQ(tachyon_bus_send(pair.left, &j, sizeof(j), i, LONG_NS), 0);
			CHECK_EQ(tachyon_bus_receive(pair.right, &message, LONG_NS), 0);
			CHECK_EQ(message.type, i);
			CHECK_EQ(*(const uint32_t *)message.data, j);
			CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
		}
		CHECK_EQ(wait_child(child), 0);
	}
	close_pair(&pair);
}

/* --- listeners --- */

static int use_listener(void *argument)
{
	struct tachyon_listener *const listener = argument;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_accept(listener, 0, &bus), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_listener_accept(listener, -1, &bus), TACHYON_ERR_FORKED);
	tachyon_listener_cancel(listener);
	tachyon_listener_destroy(listener);
	return 0;
}

TEST(a_childs_listener_is_refused_and_does_not_disturb_the_parents)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct connecting connecting = {.options = &options};
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	struct helper helper;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	CHECK_EQ(wait_child(run_child(use_listener, listener)), 0);

	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(connecting.bus);
	tachyon_listener_destroy(listener);
}
