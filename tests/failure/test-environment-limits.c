/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * However few descriptors one side has, each number of them: a connection is made or refused as a
 * whole, the other side and its other peers go on, and with enough of them it works.
 */
#include <poll.h>
#include <sys/socket.h>

#include "surroundings.h"

/* More than any connection takes. */
#define SPARE_MOST 40
#define SIZE 5000u

/* --- two processes in step --- */

static int steps[2]; /* the test's end, and the child's */

static void open_steps(void)
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, steps), 0);
}

static void close_steps(void)
{
	close(steps[0]);
	close(steps[1]);
}

static void tell(int sock, int what)
{
	CHECK_EQ(send(sock, &what, sizeof(what), MSG_NOSIGNAL), sizeof(what));
}

static int hear_step(int sock)
{
	int what;

	CHECK_EQ(recv(sock, &what, sizeof(what), 0), sizeof(what));
	return what;
}

/* What a connector may be told where the other side ran out: its answer, or that it left. */
static bool is_clear(int ret)
{
	return ret == -EMFILE || ret == TACHYON_ERR_CLOSED;
}

/* --- a listener --- */

/* Connects each time that it is told to, until the test says no more. */
static int connect_in_step(void *unused)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;
	int ret;

	(void)unused;
	while (hear_step(steps[1]) != 0) {
		ret = tachyon_bus_connect(ADDRESS, &options, &bus);
		if (ret == 0) {
			const char *const text = hear_within(bus, LONG_NS);

			/* Or it had our side whole, and then no room for itself. */
			ret = strcmp(text, "EPIPE") == 0 ? TACHYON_ERR_CLOSED : 0;
			if (ret == 0)
				CHECK_STR_EQ(text, "text");
			tachyon_bus_destroy(bus);
		}
		tell(steps[1], ret);
	}
	return 0;
}

/* @return what accept answered; nothing is left where it failed */
static int accept_with(struct tachyon_listener *listener, int spare)
{
	const struct holding before = holding();
	const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(next_fd() + spare));
	struct tachyon_bus *bus = NULL;
	int ret, told;

	tell(steps[0], 1);
	ret = tachyon_listener_accept(listener, LONG_NS, &bus);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(ret == 0 || ret == -EMFILE);
	CHECK_EQ(ret == 0, bus != NULL);
	if (bus)
		CHECK_EQ(say(bus, "text"), 0);
	told = hear_step(steps[0]);
	if (bus)
		CHECK_EQ(told, 0);
	else
		CHECK(is_clear(told));
	tachyon_bus_destroy(bus);
	check_holding(before);
	return ret;
}

TEST(a_listener_short_of_descriptors_refuses_and_serves_on)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_listener *listener;
	struct pair first = {NULL, NULL};
	struct connecting connecting = {.options = &options};
	struct helper helper;
	int refused = 0;
	pid_t child;

	open_steps();
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	child = run_child(connect_in_step, NULL);
	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &first.left), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	first.right = connecting.bus;
	for (; refused < SPARE_MOST && accept_with(listener, refused) < 0; refused++)
		check_pair(&first);
	CHECK(refused > 0 && refused < SPARE_MOST);
	check_pair(&first);
	tell(steps[0], 0);
	CHECK_EQ(wait_child(child), 0);
	close_pair(&first);
	tachyon_listener_destroy(listener);
	close_steps();
	printf("# refused up to %d descriptors past the first free one\n", refused - 1);
}

/* --- a connector --- */

static int connect_with_each(void *unused)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus = NULL;
	int ret = -EMFILE;

	(void)unused;
	for (int spare = 0; ret < 0 && spare < SPARE_MOST; spare++) {
		const struct holding before = holding();
		const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(next_fd() + spare));

		ret = tachyon_bus_connect(ADDRESS, &options, &bus);
		setrlimit(RLIMIT_NOFILE, &old);
		CHECK(ret == 0 || ret == -EMFILE);
		if (ret < 0)
			check_holding(before);
	}
	CHECK_EQ(ret, 0);
	CHECK_EQ(say(bus, "whole"), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "seen");
	tachyon_bus_destroy(bus);
	return 0;
}

/* Who came without room for what it was sent leaves, or is seen to have. */
TEST(a_connector_short_of_descriptors_is_told_and_the_listener_serves_on)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_listener *listener;
	struct tachyon_bus *bus = NULL;
	const char *text;
	pid_t child;
	bool is_whole;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	child = run_child(connect_with_each, NULL);
	do {
		CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
		text = hear_within(bus, LONG_NS);
		is_whole = strcmp(text, "whole") == 0;
		if (is_whole)
			CHECK_EQ(say(bus, "seen"), 0);
		else
			CHECK_STR_EQ(text, "EPIPE");
		if (is_whole)
			CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
		tachyon_bus_destroy(bus);
	} while (!is_whole);
	CHECK_EQ(wait_child(child), 0);
	tachyon_listener_destroy(listener);
}

/* --- a publisher --- */

/* Joins each time that it is told to; a frame says that it is in. */
static int join_in_step(void *unused)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	int ret;

	(void)unused;
	while (hear_step(steps[1]) != 0) {
		subscriber = make_subscriber(NULL);
		ret = tachyon_subscriber_connect(subscriber, LONG_NS);
		tell(steps[1], ret);
		if (ret == 0) {
			ret = tachyon_subscriber_receive(subscriber, &item, LONG_NS);
			if (ret == 0)
				CHECK(is_number(&item.frame, item.frame.pts));
			if (ret == 0)
				tachyon_frame_release(&item.frame);
			tell(steps[1], ret);
		}
		tachyon_subscriber_destroy(subscriber);
	}
	return 0;
}

/* Does the publisher's work until the other process says how far it came. */
static int serve_until_told(struct tachyon_publisher *publisher)
{
	struct pollfd entries[] = {
		{.fd = tachyon_publisher_fd(publisher), .events = POLLIN},
		{.fd = steps[0], .events = POLLIN},
	};

	while (poll(entries, 2, -1) > 0 && !entries[1].revents)
		(void)tachyon_publisher_dispatch(publisher);
	return hear_step(steps[0]);
}

/* The one who was there before gets each frame, whoever comes. */
static void publish_to_first(struct tachyon_publisher *publisher, struct tachyon_subscriber *first,
			     uint64_t number)
{
	CHECK(publish_number(publisher, SIZE, number) >= 1);
	take_frame(first, SIZE, number);
}

/* @return whether it came in */
static bool let_in_with(struct tachyon_publisher *publisher, struct tachyon_subscriber *first,
			int spare)
{
	const struct holding before = holding();
	const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(next_fd() + spare));
	int told;

	tell(steps[0], 1);
	told = serve_until_told(publisher);
	setrlimit(RLIMIT_NOFILE, &old);
	serve(publisher, 1);
	publish_to_first(publisher, first, (uint64_t)spare);
	if (told == 0)
		told = serve_until_told(publisher);
	CHECK(told == 0 || is_clear(told));
	EVENTUALLY((serve(publisher, 1), tachyon_publisher_subscribers(publisher) == 1));
	CHECK_EQ(blocks_in_use(publisher), 0);
	check_holding(before);
	return told == 0;
}

TEST(a_publisher_short_of_descriptors_refuses_and_publishes_on)
{
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *first;
	int refused = 0;
	pid_t child;

	open_steps();
	child = run_child(join_in_step, NULL);
	publisher = make_publisher(NULL);
	first = join(publisher);
	publish_to_first(publisher, first, 1);
	while (refused < SPARE_MOST && !let_in_with(publisher, first, refused))
		refused++;
	CHECK(refused > 0 && refused < SPARE_MOST);
	tell(steps[0], 0);
	CHECK_EQ(wait_child(child), 0);
	tachyon_subscriber_destroy(first);
	tachyon_publisher_destroy(publisher);
	close_steps();
	printf("# refused up to %d descriptors past the first free one\n", refused - 1);
}

TEST(a_publisher_without_a_descriptor_for_memory_says_so_and_goes_on)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame = {.size = 12345};
	struct holding before;
	struct rlimit old;

	CHECK_EQ(publish_number(publisher, SIZE, 1), 1);
	take_frame(subscriber, SIZE, 1);
	before = holding();
	old = forbid_fds();
	CHECK_EQ(tachyon_publisher_acquire(publisher, 4 << 20, &frame), -EMFILE);
	CHECK_EQ(frame.size, 12345);
	/* What it has is used on. */
	CHECK_EQ(publish_number(publisher, SIZE, 2), 1);
	take_frame(subscriber, SIZE, 2);
	setrlimit(RLIMIT_NOFILE, &old);
	check_holding(before);
	CHECK_EQ(publish_number(publisher, 4 << 20, 3), 1);
	take_frame(subscriber, 4 << 20, 3);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_NONE);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- a subscriber --- */

static void receive_number(struct tachyon_subscriber *subscriber, uint64_t number)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
	CHECK(is_number(&item.frame, number));
	tachyon_frame_release(&item.frame);
}

/* Connects with each number; then takes a frame of new memory without a descriptor for it. */
static int subscribe_with_each(void *unused)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct holding before;
	struct tachyon_item item;
	struct rlimit old;
	int ret = -EMFILE;

	(void)unused;
	for (int spare = 0; ret < 0 && spare < SPARE_MOST; spare++) {
		before = holding();
		old = limit_to(RLIMIT_NOFILE, (rlim_t)(next_fd() + spare));
		ret = tachyon_subscriber_connect(subscriber, LONG_NS);
		setrlimit(RLIMIT_NOFILE, &old);
		CHECK(ret == 0 || ret == -EMFILE);
		if (ret < 0)
			check_holding(before);
	}
	CHECK_EQ(ret, 0);
	tell(steps[1], 0);
	receive_number(subscriber, 1);
	before = holding();
	old = forbid_fds();
	tell(steps[1], 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	tell(steps[1], 0);
	receive_number(subscriber, 3);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

static void publish_to_both(struct tachyon_publisher *publisher, struct tachyon_subscriber *first,
			    size_t size, uint64_t number)
{
	EVENTUALLY((serve(publisher, 1), tachyon_publisher_subscribers(publisher) == 2));
	CHECK_EQ(publish_number(publisher, size, number), 2);
	take_frame(first, size, number);
}

TEST(a_subscriber_short_of_descriptors_is_told_and_the_others_lose_nothing)
{
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *first;
	pid_t child;

	open_steps();
	child = run_child(subscribe_with_each, NULL);
	publisher = make_publisher(NULL);
	first = join(publisher);
	CHECK_EQ(serve_until_told(publisher), 0);
	publish_to_both(publisher, first, SIZE, 1);
	CHECK_EQ(serve_until_told(publisher), 0);
	/* Of memory that is new to it. */
	publish_to_both(publisher, first, 4 << 20, 2);
	CHECK_EQ(serve_until_told(publisher), 0);
	publish_to_both(publisher, first, 4 << 20, 3);
	EVENTUALLY((serve(publisher, 1), tachyon_publisher_subscribers(publisher) == 1));
	CHECK_EQ(wait_child(child), 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(first);
	tachyon_publisher_destroy(publisher);
	close_steps();
}
