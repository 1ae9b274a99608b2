/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A process forks in the middle of what it does: children that end, that become another program,
 * or that live on with copies of everything. Neither the parent nor its peer is disturbed, and no
 * child keeps alive what its parent ended.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "surroundings.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define SIZE 5000u
#define FRAMES 4u

/* --- children --- */

/* One that exits with all handlers, one that becomes another program, one that lives on. */
struct children {
	pid_t exits;
	pid_t execs;
	pid_t lives;
	int hold[2];
};

static int run_exit(void *unused)
{
	(void)unused;
	exit(0);
}

static int run_exec(void *unused)
{
	(void)unused;
	execlp("true", "true", (char *)NULL);
	return 1;
}

static int run_on(void *hold)
{
	char byte;

	close(((int *)hold)[1]);
	return (int)read(((int *)hold)[0], &byte, 1);
}

/* Two have ended at the return; one has not. */
static struct children fork_all(void)
{
	struct children children;

	fflush(NULL);
	CHECK_EQ(pipe2(children.hold, O_CLOEXEC), 0);
	children.lives = run_child(run_on, children.hold);
	children.exits = run_child(run_exit, NULL);
	children.execs = run_child(run_exec, NULL);
	CHECK_EQ(wait_child(children.exits), 0);
	CHECK_EQ(wait_child(children.execs), 0);
	return children;
}

static void end_children(struct children *children)
{
	/* It lived until now. */
	CHECK_EQ(waitpid(children->lives, NULL, WNOHANG), 0);
	close(children->hold[1]);
	CHECK_EQ(wait_child(children->lives), 0);
	close(children->hold[0]);
}

/* --- connecting --- */

/* Seen by the peer as long as a child has a copy, too: the connection closes in order. */
static void check_closes(struct pair *pair)
{
	tachyon_bus_destroy(pair->right);
	CHECK_STR_EQ(hear_within(pair->left, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(pair->left), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair->left);
}

TEST(a_process_that_forks_while_it_waits_for_a_listener_connects)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct connecting connecting = {.options = &options};
	struct children children;
	struct helper helper;
	struct pair pair;

	start_helper(&helper, connect_in_helper, &connecting);
	sleep_ms(20);
	children = fork_all();
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &pair.left), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	pair.right = connecting.bus;
	check_pair(&pair);
	check_closes(&pair);
	end_children(&children);
}

/* The child has the socket over which nobody has answered yet. */
TEST(a_process_that_forks_during_a_handshake_connects)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct connecting connecting = {.options = &options};
	struct tachyon_listener *listener;
	struct children children;
	struct helper helper;
	struct pollfd entry;
	struct pair pair;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	start_helper(&helper, connect_in_helper, &connecting);
	entry = (struct pollfd){.fd = tachyon_listener_fd(listener), .events = POLLIN};
	CHECK_EQ(poll(&entry, 1, 20000), 1);
	children = fork_all();
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &pair.left), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	pair.right = connecting.bus;
	check_pair(&pair);
	check_closes(&pair);
	tachyon_listener_destroy(listener);
	/* The address is free, whatever the child has. */
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	tachyon_listener_destroy(listener);
	end_children(&children);
}

/* --- messages held --- */

TEST(messages_held_and_reserved_are_the_parents_whatever_its_children_do)
{
	struct pair pair = make_pair(4096);
	struct tachyon_message held;
	struct children children;
	void *reserved;

	CHECK_EQ(say(pair.left, "held"), 0);
	CHECK_EQ(say(pair.left, "next"), 0);
	CHECK_EQ(tachyon_bus_receive(pair.right, &held, 0), 0);
	CHECK_EQ(tachyon_bus_reserve(pair.right, 64, &reserved, 0), 0);
	strcpy(reserved, "half");
	children = fork_all();

	CHECK_STR_EQ(held.data, "held");
	CHECK_EQ(tachyon_bus_release(pair.right, &held), 0);
	CHECK_STR_EQ(hear(pair.right), "next");
	strcpy(reserved, "whole");
	CHECK_EQ(tachyon_bus_commit(pair.right, 6, 7), 0);
	CHECK_STR_EQ(hear(pair.left), "whole");
	for (int i = 0; i < 200; i++)
		check_pair(&pair);
	check_closes(&pair);
	end_children(&children);
}

/* --- frames out, and held --- */

static int steps[2]; /* the publisher's end, and the subscriber's process's */

static void tell(int sock)
{
	CHECK_EQ(send(sock, "", 1, MSG_NOSIGNAL), 1);
}

static void await(int sock)
{
	char byte;

	CHECK_EQ(recv(sock, &byte, 1, 0), 1);
}

static void receive_frames(struct tachyon_subscriber *subscriber, struct tachyon_frame *frames)
{
	struct tachyon_item item;

	for (uint64_t i = 0; i < FRAMES; i++) {
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
		CHECK(is_number(&item.frame, i));
		frames[i] = item.frame;
	}
}

/* Takes frames; both sides fork while it holds them; then gives them back, and leaves. */
static int hold_and_fork(void *unused)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_frame frames[FRAMES];
	struct children children;

	(void)unused;
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	receive_frames(subscriber, frames);
	children = fork_all();
	tell(steps[1]);
	await(steps[1]);
	for (uint64_t i = 0; i < FRAMES; i++) {
		CHECK(is_number(&frames[i], i));
		CHECK_EQ(tachyon_frame_is_valid(&frames[i]), 1);
		tachyon_frame_release(&frames[i]);
	}
	tell(steps[1]);
	receive_frames(subscriber, frames);
	for (uint64_t i = 0; i < FRAMES; i++)
		tachyon_frame_release(&frames[i]);
	tachyon_subscriber_destroy(subscriber);
	tell(steps[1]);
	await(steps[1]);
	end_children(&children);
	return 0;
}

static void await_subscribers(struct tachyon_publisher *publisher, uint32_t count)
{
	EVENTUALLY((serve(publisher, 1), tachyon_publisher_subscribers(publisher) == count));
}

static void publish_frames(struct tachyon_publisher *publisher)
{
	for (uint64_t i = 0; i < FRAMES; i++)
		CHECK_EQ(publish_number(publisher, SIZE, i), 1);
}

TEST(frames_out_stay_and_come_back_though_both_sides_fork)
{
	struct tachyon_publisher *publisher;
	struct children children;
	pid_t child;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, steps), 0);
	child = run_child(hold_and_fork, NULL);
	publisher = make_publisher(NULL);
	await_subscribers(publisher, 1);
	publish_frames(publisher);
	await(steps[0]);
	children = fork_all();
	CHECK_EQ(blocks_in_use(publisher), FRAMES);
	tell(steps[0]);
	await(steps[0]);
	EVENTUALLY(blocks_in_use(publisher) == 0);
	publish_frames(publisher);
	await(steps[0]);
	/* It left, and its child is there yet. */
	await_subscribers(publisher, 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tell(steps[0]);
	CHECK_EQ(wait_child(child), 0);
	tachyon_publisher_destroy(publisher);
	end_children(&children);
	close(steps[0]);
	close(steps[1]);
}

/* --- a dead subscriber whose child lives --- */

static bool has_pidfds(void)
{
	int ends[2], pidfd;
	socklen_t size = sizeof(pidfd);
	bool has;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	has = getsockopt(ends[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0;
	if (has)
		close(pidfd);
	close(ends[0]);
	close(ends[1]);
	return has;
}

/* Its child holds copies of everything, until the pipe is closed. */
static int hold_fork_and_die(void *hold)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_frame frames[FRAMES];

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	receive_frames(subscriber, frames);
	if (fork() == 0)
		_exit(run_on(hold));
	raise(SIGKILL);
	return 0;
}

TEST(what_a_dead_subscriber_held_comes_back_though_its_child_lives)
{
	struct tachyon_publisher *publisher;
	int hold[2];
	pid_t child;

	if (!has_pidfds())
		SKIP("needs SO_PEERPIDFD (Linux 6.5)");
	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = run_child(hold_fork_and_die, hold);
	publisher = make_publisher(NULL);
	await_subscribers(publisher, 1);
	publish_frames(publisher);
	CHECK_EQ(wait_child(child), -SIGKILL);
	await_subscribers(publisher, 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
	close(hold[0]);
	close(hold[1]);
	/* The grandchild is ours now. */
	while (waitpid(-1, NULL, 0) > 0)
		;
}
