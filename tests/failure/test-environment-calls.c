/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Kernels, and filters, without a call: membarrier() before and after a connection stands, memory
 * files, their seals, descriptors of processes.
 */
#include <sys/socket.h>

#include "surroundings.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* --- membarrier --- */

/* Slices of a millisecond each: far more than a round needs, and less than a lost wake-up. */
#define ROUND_MS 100

enum moment { NEVER, FIRST, MIDWAY };

/* What is forbidden to each side of a bus, and when. */
struct ban {
	enum moment listener;
	enum moment connector;
	int number;
};

static uint32_t count_rounds(void)
{
	return test_is_long() ? 5000 : 100;
}

static void forbid_membarrier(int number)
{
	if (!forbid(SYS_membarrier, number))
		_exit(NOT_LET);
}

/* The other side is asleep, or falls asleep, or is about to: some of each. */
static void linger(uint32_t round)
{
	if (round % 3 > 0)
		usleep(round * 7 % 500);
}

/* Nobody sends: one sleep lasts, save where a wake-up may be missed and each is short. */
static void check_quiet(struct tachyon_bus *bus, bool is_short)
{
	const uint64_t before = stats_of(bus).sleeps;

	CHECK_STR_EQ(hear_within(bus, 200 * MS), "ETIMEDOUT");
	CHECK_EQ(stats_of(bus).sleeps - before > 3, is_short);
}

/* Who leads sends first; both sleep until the other has sent. */
static int exchange(struct tachyon_bus *bus, bool leads, enum moment moment, int number)
{
	struct tachyon_message message;
	const uint64_t start = tach_os_now_ns();
	const uint32_t rounds = count_rounds();

	for (uint32_t round = 0; round < rounds; round++) {
		if (moment == MIDWAY && round == rounds / 2)
			forbid_membarrier(number);
		if (leads)
			CHECK_EQ(tachyon_bus_send(bus, &round, sizeof(round), 1, 0), 0);
		CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
		CHECK_EQ(*(const uint32_t *)message.data, round);
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
		linger(round);
		if (!leads)
			CHECK_EQ(tachyon_bus_send(bus, &round, sizeof(round), 1, 0), 0);
	}
	CHECK(stats_of(bus).sleeps > rounds / 4);
	CHECK(stats_of(bus).wakes > rounds / 4);
	CHECK(ms_since(start) < rounds * ROUND_MS);
	return 0;
}

static int listen_banned(void *argument)
{
	const struct ban *const ban = argument;
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;
	uint64_t sleeps;

	if (ban->listener == FIRST)
		forbid_membarrier(ban->number);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	exchange(bus, true, ban->listener, ban->number);
	sleeps = stats_of(bus).sleeps;
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_CLOSED);
	/* The other side was quiet for a while before it left. */
	CHECK_EQ(stats_of(bus).sleeps - sleeps > 3, ban->listener == MIDWAY);
	tachyon_bus_destroy(bus);
	return 0;
}

static int connect_banned(void *argument)
{
	const struct ban *const ban = argument;
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;

	if (ban->connector == FIRST)
		forbid_membarrier(ban->number);
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	exchange(bus, false, ban->connector, ban->number);
	check_quiet(bus, ban->connector == MIDWAY);
	tachyon_bus_destroy(bus);
	return 0;
}

/* Two processes, with both answers that a filter or an old kernel gives. */
static void exchange_banned(enum moment listener, enum moment connector)
{
	static const int numbers[] = {EPERM, ENOSYS};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(numbers); i++) {
		struct ban ban = {listener, connector, numbers[i]};
		const uint64_t start = tach_os_now_ns();
		const pid_t one = run_child(listen_banned, &ban);
		const pid_t other = run_child(connect_banned, &ban);
		const int first = wait_child(one);
		const int second = wait_child(other);

		if (first == NOT_LET || second == NOT_LET)
			SKIP("no seccomp here");
		CHECK_EQ(first, 0);
		CHECK_EQ(second, 0);
		printf("# %s: %u rounds in %d ms\n", strerrorname_np(numbers[i]), count_rounds(),
		       (int)ms_since(start));
	}
}

TEST_WITH_TIMEOUT(without_membarrier_on_either_side_each_sleep_ends, 120)
{
	exchange_banned(FIRST, FIRST);
}

TEST_WITH_TIMEOUT(without_membarrier_on_one_side_each_sleep_ends, 120)
{
	exchange_banned(FIRST, NEVER);
	exchange_banned(NEVER, FIRST);
}

TEST_WITH_TIMEOUT(where_membarrier_goes_away_each_sleep_ends, 120)
{
	exchange_banned(MIDWAY, MIDWAY);
}

TEST_WITH_TIMEOUT(where_membarrier_goes_away_on_one_side_each_sleep_ends, 120)
{
	exchange_banned(MIDWAY, NEVER);
	exchange_banned(NEVER, MIDWAY);
}

/* Frames have fences on both sides in any case. */
TEST(where_membarrier_goes_away_frames_come_on)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_subscriber *late;

	if (!forbid(SYS_membarrier, EPERM))
		SKIP("no seccomp here");
	late = join(publisher);
	for (uint64_t i = 0; i < 100; i++) {
		CHECK_EQ(publish_number(publisher, 5000, i), 2);
		take_frame(subscriber, 5000, i);
		take_frame(late, 5000, i);
	}
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(late);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- memory that cannot be had, or not be sealed --- */

struct refusal {
	long call;
	unsigned int index; /* of the argument that has the value */
	unsigned int value;
	int number;
	int answer;
};

/* A listener that others reach and this process does not: it stays as it was. */
static struct tachyon_listener *standing;

static void check_refused_publisher(int answer)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const struct holding before = holding();
	struct tachyon_frame frame = {.size = 12345};

	CHECK_EQ(tachyon_publisher_acquire(publisher, 1000, &frame), answer);
	CHECK_EQ(frame.size, 12345);
	CHECK_EQ(tachyon_publisher_configure(publisher, 1000, 4), answer);
	check_holding(before);
	tachyon_publisher_destroy(publisher);
}

static int do_without(void *argument)
{
	const struct refusal *const refusal = argument;
	const struct tachyon_bus_options options = bus_options(0, 0);
	const struct holding before = holding();
	struct tachyon_bus *bus = NULL;

	if (refusal->index == 0
		    ? !forbid(refusal->call, refusal->number)
		    : !forbid_call(refusal->call, refusal->index, refusal->value, refusal->number))
		return NOT_LET;
	CHECK_EQ(tachyon_bus_connect("standing", &options, &bus), refusal->answer);
	CHECK(!bus);
	check_holding(before);
	check_refused_publisher(refusal->answer);
	check_holding(before);
	return 0;
}

static int connect_to_standing(void *unused)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;

	(void)unused;
	CHECK_EQ(tachyon_bus_connect("standing", &options, &bus), 0);
	tachyon_bus_destroy(bus);
	return 0;
}

static void check_refusal(struct refusal refusal)
{
	struct tachyon_bus *bus;
	struct helper helper;
	int status;

	CHECK_EQ(tachyon_listener_create("standing", NULL, &standing), 0);
	status = wait_child(run_child(do_without, &refusal));
	start_helper(&helper, connect_to_standing, NULL);
	CHECK_EQ(tachyon_listener_accept(standing, LONG_NS, &bus), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_bus_destroy(bus);
	tachyon_listener_destroy(standing);
	if (status == NOT_LET)
		SKIP("no seccomp here");
	CHECK_EQ(status, 0);
}

TEST(without_memory_files_a_bus_and_a_frame_are_refused)
{
	check_refusal((struct refusal){SYS_memfd_create, 0, 0, ENOSYS, -ENOSYS});
	check_refusal((struct refusal){SYS_memfd_create, 0, 0, EPERM, -EPERM});
}

TEST(without_seals_a_bus_and_a_frame_are_refused)
{
	check_refusal((struct refusal){SYS_fcntl, 1, F_ADD_SEALS, EINVAL, -ENOSYS});
	check_refusal((struct refusal){SYS_fcntl, 1, F_ADD_SEALS, EPERM, -EPERM});
}

/* --- no descriptors of processes --- */

static int connect_and_die(void *unused)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;

	(void)unused;
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "question");
	CHECK_EQ(say(bus, "last words"), 0);
	raise(SIGKILL);
	return 0;
}

/* The hang-up of the socket tells as well, as long as no child keeps it. */
TEST(without_pidfds_the_death_of_a_peer_is_seen)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;
	pid_t child;
	uint64_t start;

	if (!forbid(SYS_pidfd_open, ENOSYS) ||
	    !forbid_call(SYS_getsockopt, 2, SO_PEERPIDFD, ENOPROTOOPT))
		SKIP("no seccomp here");
	child = run_child(connect_and_die, NULL);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(say(bus, "question"), 0);
	start = tach_os_now_ns();
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "last words");
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_DIED);
	CHECK(ms_since(start) < 5000);
	CHECK_EQ(wait_child(child), -SIGKILL);
	tachyon_bus_destroy(bus);
}
