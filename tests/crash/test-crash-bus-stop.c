/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One side of a bus is stopped (SIGSTOP) wherever it is: the other keeps its timeouts, sees nothing
 * torn, and serves others; afterwards all goes on.
 */
#include <harness.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bus-stage.h"
#include "stop.h"

#define TEST_STOP(sentence) TEST_WITH_TIMEOUT(sentence, 300)

/* One direction each way; numbers begin at 1. */
struct side {
	struct tachyon_bus *bus;
	uint64_t spoken, heard;
};

/* 0, or what sending answers. */
static int say(struct side *side, size_t size, int64_t timeout_ns, bool is_flushed)
{
	/* Short enough for a type. */
	const uint64_t number = (side->spoken + 1) & 0xffff;
	void *room;
	const int ret = tachyon_bus_reserve(side->bus, size, &room, timeout_ns);

	if (ret < 0)
		return ret;
	bus_stage_fill(room, size, number);
	side->spoken++;
	if (is_flushed)
		return tachyon_bus_commit(side->bus, size, bus_stage_type(number, size));
	return tachyon_bus_commit_unflushed(side->bus, size, bus_stage_type(number, size));
}

static int hear(struct side *side, int64_t timeout_ns)
{
	struct tachyon_message message;
	const int ret = tachyon_bus_receive(side->bus, &message, timeout_ns);

	if (ret < 0)
		return ret;
	side->heard++;
	bus_stage_check(&message, side->heard & 0xffff);
	CHECK_EQ(tachyon_bus_release(side->bus, &message), 0);
	return 0;
}

/* --- who talks is stopped --- */

static void act_at_random(struct side *side)
{
	switch (stop_dice(6)) {
	case 0:
		say(side, 40, 0, true);
		break;
	case 1:
		say(side, 900, 100000, true);
		break;
	case 2:
		for (int i = 0; i < 4; i++)
			say(side, 60, 0, false);
		tachyon_bus_flush(side->bus);
		break;
	case 3:
		hear(side, 100000);
		break;
	case 4:
		while (hear(side, 0) == 0)
			;
		break;
	default:
		tachyon_bus_prepare(side->bus);
		tachyon_bus_dispatch(side->bus);
		break;
	}
}

static int talk_for_ever(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct side side = {.bus = NULL};

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bus_stage_connect(&options, &side.bus);
	for (;;)
		act_at_random(&side);
	return 0;
}

static int echo_for_ever(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct side side = {.bus = NULL};

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bus_stage_connect(&options, &side.bus);
	while (hear(&side, -1) == 0)
		CHECK_EQ(say(&side, 40, -1, true), 0);
	return 0;
}

static void talk_until(struct side *side, uint64_t moment)
{
	while (witness_now_ns() < moment) {
		hear(side, 0);
		say(side, stop_dice(2) ? 40 : 300, 0, true);
	}
}

/* Whatever it was in the middle of: what is there is whole, and no wait outlasts its time. */
static void check_stopped(struct side *side)
{
	uint64_t begun;

	while (hear(side, 0) == 0)
		;
	begun = witness_now_ns();
	CHECK_EQ(hear(side, STOP_PATIENCE_NS), TACHYON_ERR_TIMEDOUT);
	stop_check_patience(begun);
	while (say(side, 40, 0, true) == 0)
		;
	begun = witness_now_ns();
	CHECK_EQ(say(side, 40, STOP_PATIENCE_NS, true), TACHYON_ERR_TIMEDOUT);
	stop_check_patience(begun);
	CHECK_EQ(tachyon_bus_end(side->bus), TACHYON_END_NONE);
}

static void check_other(struct side *other)
{
	CHECK_EQ(say(other, 40, WITNESS_LIMIT_NS, true), 0);
	CHECK_EQ(hear(other, WITNESS_LIMIT_NS), 0);
}

static pid_t bring(struct tachyon_listener *listener, int (*run)(void *), struct side *side)
{
	const pid_t pid = run_child(run, NULL);

	*side = (struct side){.bus = NULL};
	CHECK_EQ(tachyon_listener_accept(listener, WITNESS_LIMIT_NS, &side->bus), 0);
	return pid;
}

TEST_STOP(a_stopped_talker_holds_up_nobody_and_goes_on)
{
	const struct tachyon_bus_options options = bus_stage_options();
	unsigned int rounds = 0;
	struct tachyon_listener *listener;
	struct side side, other;
	pid_t talker, echo;

	stop_begin();
	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &listener), 0);
	echo = bring(listener, echo_for_ever, &other);
	talker = bring(listener, talk_for_ever, &side);
	for (; stop_again(rounds); rounds++) {
		talk_until(&side, stop_moment());
		stop_process(talker);
		check_stopped(&side);
		check_other(&other);
		stop_go_on(talker);
		CHECK_EQ(hear(&side, WITNESS_LIMIT_NS), 0);
		CHECK_EQ(say(&side, 40, WITNESS_LIMIT_NS, true), 0);
	}
	stop_kill(talker);
	while (hear(&side, WITNESS_LIMIT_NS) == 0)
		;
	CHECK_EQ(tachyon_bus_end(side.bus), TACHYON_END_DIED);
	check_other(&other);
	stop_kill(echo);
	fprintf(stderr, "# stopped %u times; heard %lu messages, sent %lu\n", rounds,
		(unsigned long)side.heard, (unsigned long)side.spoken);
	tachyon_bus_destroy(side.bus);
	tachyon_bus_destroy(other.bus);
	tachyon_listener_destroy(listener);
}

/* --- who connects is stopped --- */

static int connect_for_ever(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct side side = {.bus = NULL};

		bus_stage_connect(&options, &side.bus);
		CHECK_EQ(say(&side, 40, WITNESS_LIMIT_NS, true), 0);
		tachyon_bus_destroy(side.bus);
	}
	return 0;
}

/* Says one thing, and closes in order. */
static void serve_one(struct tachyon_bus *bus)
{
	struct side side = {.bus = bus};

	CHECK_EQ(hear(&side, WITNESS_LIMIT_NS), 0);
	CHECK_EQ(hear(&side, WITNESS_LIMIT_NS), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_CLOSED);
	tachyon_bus_destroy(bus);
}

static pid_t peer_of(const struct tachyon_bus *bus)
{
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};

	tachyon_bus_get_stats(bus, &stats);
	return (pid_t)stats.peer_pid;
}

static int connect_once(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct side side = {.bus = NULL};
	int ret;

	(void)data;
	bus_stage_connect(&options, &side.bus);
	ret = say(&side, 40, WITNESS_LIMIT_NS, true);
	tachyon_bus_destroy(side.bus);
	return ret;
}

/* Somebody else comes in beside it. What was accepted of the stopped one; NULL: nothing. */
static struct tachyon_bus *check_another(struct tachyon_listener *listener)
{
	struct tachyon_bus *bus, *stopped = NULL;
	struct watcher watcher;

	watcher_send(&watcher, connect_once, NULL);
	for (;;) {
		CHECK_EQ(tachyon_listener_accept(listener, WITNESS_LIMIT_NS, &bus), 0);
		if (peer_of(bus) == getpid())
			break;
		CHECK(!stopped);
		stopped = bus;
	}
	serve_one(bus);
	CHECK_EQ(watcher_return(&watcher), 0);
	return stopped;
}

static void accept_until(struct tachyon_listener *listener, uint64_t moment)
{
	struct tachyon_bus *bus;

	do {
		if (tachyon_listener_accept(listener, 50000, &bus) == 0)
			serve_one(bus);
	} while (witness_now_ns() < moment);
}

TEST_STOP(a_stopped_connector_holds_up_no_other)
{
	const struct tachyon_bus_options options = bus_stage_options();
	unsigned int rounds = 0;
	struct tachyon_listener *listener;
	unsigned int half = 0;
	pid_t connector;

	stop_begin();
	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &listener), 0);
	connector = run_child(connect_for_ever, NULL);
	for (; stop_again(rounds); rounds++) {
		struct tachyon_bus *bus;

		accept_until(listener, stop_moment());
		stop_process(connector);
		bus = check_another(listener);
		stop_go_on(connector);
		half += bus != NULL;
		if (bus)
			serve_one(bus);
	}
	stop_kill(connector);
	fprintf(stderr, "# stopped %u times; %u with a connection under way\n", rounds, half);
	tachyon_listener_destroy(listener);
}

/* --- who listens is stopped --- */

static int listen_for_ever(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct tachyon_listener *listener;

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &listener), 0);
	for (;;) {
		struct side side = {.bus = NULL};

		CHECK_EQ(tachyon_listener_accept(listener, -1, &side.bus), 0);
		CHECK_EQ(say(&side, 40, WITNESS_LIMIT_NS, true), 0);
		tachyon_bus_destroy(side.bus);
	}
	return 0;
}

struct calls {
	_Atomic bool is_over;
	unsigned int count;
};

static int call_on(void *data)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct calls *const calls = data;

	while (!atomic_load(&calls->is_over)) {
		struct tachyon_bus *bus;

		bus_stage_connect(&options, &bus);
		serve_one(bus);
		calls->count++;
	}
	return 0;
}

TEST_STOP(a_stopped_listener_serves_everybody_afterwards)
{
	unsigned int rounds = 0;
	struct calls calls = {.count = 0};
	struct watcher watcher;
	pid_t listener;

	stop_begin();
	listener = run_child(listen_for_ever, NULL);
	watcher_send(&watcher, call_on, &calls);
	for (; stop_again(rounds); rounds++) {
		usleep(stop_dice(400));
		stop_process(listener);
		usleep(STOP_PATIENCE_NS / 1000);
		stop_go_on(listener);
	}
	atomic_store(&calls.is_over, true);
	CHECK_EQ(watcher_return(&watcher), 0);
	stop_kill(listener);
	unlink(BUS_ADDRESS);
	fprintf(stderr, "# stopped %u times; %u calls were served\n", rounds, calls.count);
	CHECK(calls.count > 0);
}
