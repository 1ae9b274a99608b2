/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus in the caller's own poll: prepare, poll the fd, dispatch, receive.
 */
#include "bus.h"

#include <poll.h>
#include <signal.h>

#include "pair.h"
#include "system.h"

/* 1 when the fd is readable within the time. */
static int poll_bus(const struct tachyon_bus *bus, int timeout_ms)
{
	struct pollfd entry = {.fd = tachyon_bus_fd(bus), .events = POLLIN};
	const int ret = poll(&entry, 1, timeout_ms);

	CHECK(ret >= 0);
	CHECK(ret == 0 || (entry.revents & POLLIN));
	return ret;
}

TEST(an_armed_bus_becomes_readable_when_a_message_comes)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	CHECK_EQ(poll_bus(pair.right, 0), 0);
	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(poll_bus(pair.right, 5000), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_STR_EQ(hear(pair.right), "text");
	CHECK_EQ(poll_bus(pair.right, 0), 0);
	close_pair(&pair);
}

TEST(prepare_says_when_a_message_is_there_already)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(tachyon_bus_prepare(pair.right), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_STR_EQ(hear(pair.right), "text");
	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	tachyon_bus_dispatch(pair.right);
	close_pair(&pair);
}

TEST(a_message_while_not_armed_costs_the_sender_nothing)
{
	struct pair pair = make_pair(0);
	uint64_t before;

	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	tachyon_bus_dispatch(pair.right);
	before = tachyon_system_calls();
	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(tachyon_system_calls() - before, 0);
	CHECK_EQ(poll_bus(pair.right, 0), 0);
	CHECK_EQ(tachyon_bus_prepare(pair.right), 1);
	tachyon_bus_dispatch(pair.right);
	close_pair(&pair);
}

TEST(prepare_flushes_before_it_arms)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 9, &data, 0), 0);
	memcpy(data, "question", 9);
	CHECK_EQ(tachyon_bus_commit_unflushed(pair.left, 9, 0), 0);
	CHECK_EQ(tachyon_bus_prepare(pair.left), 0);
	CHECK_STR_EQ(hear(pair.right), "question");
	tachyon_bus_dispatch(pair.left);
	close_pair(&pair);
}

TEST(a_close_makes_the_fd_readable)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	tachyon_bus_destroy(pair.left);
	CHECK_EQ(poll_bus(pair.right, 5000), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_STR_EQ(hear(pair.right), "EPIPE");
	CHECK_EQ(tachyon_bus_prepare(pair.right), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair.right);
}

TEST(dispatch_alone_notices_the_end)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	tachyon_bus_destroy(pair.left);
	CHECK_EQ(poll_bus(pair.right, 5000), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_CLOSED);
	tachyon_bus_destroy(pair.right);
}

TEST(a_shutdown_makes_the_fd_readable)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	tachyon_bus_shutdown(pair.right);
	CHECK_EQ(poll_bus(pair.right, 5000), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_EQ(tachyon_bus_prepare(pair.right), 1);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), TACHYON_ERR_CLOSED);
	close_pair(&pair);
}

TEST(dispatch_without_prepare_is_harmless)
{
	struct pair pair = make_pair(0);

	tachyon_bus_dispatch(pair.right);
	CHECK_EQ(say(pair.left, "text"), 0);
	tachyon_bus_dispatch(pair.right);
	tachyon_bus_dispatch(pair.right);
	CHECK_STR_EQ(hear(pair.right), "text");
	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
	CHECK_EQ(say(pair.left, "more"), 0);
	CHECK_EQ(poll_bus(pair.right, 5000), 1);
	tachyon_bus_dispatch(pair.right);
	CHECK_STR_EQ(hear_within(pair.right, LONG_NS), "more");
	close_pair(&pair);
}

TEST(waiting_and_polling_may_alternate)
{
	struct pair pair = make_pair(0);

	for (int i = 0; i < 50; i++) {
		CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
		CHECK_EQ(poll_bus(pair.right, 0), 0);
		tachyon_bus_dispatch(pair.right);
		CHECK_STR_EQ(hear_within(pair.right, MS / 10), "ETIMEDOUT");
		CHECK_EQ(tachyon_bus_prepare(pair.right), 0);
		CHECK_EQ(say(pair.left, "text"), 0);
		CHECK_EQ(poll_bus(pair.right, 5000), 1);
		tachyon_bus_dispatch(pair.right);
		CHECK_STR_EQ(hear_within(pair.right, LONG_NS), "text");
	}
	close_pair(&pair);
}

#define ROUNDS 20000

static int answer_polls(void *argument)
{
	struct tachyon_bus *const bus = argument;
	struct tachyon_message message;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
		CHECK_EQ(message.type, i);
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
		CHECK_EQ(tachyon_bus_send(bus, NULL, 0, i, LONG_NS), 0);
	}
	return 0;
}

TEST(no_wake_up_is_lost_over_many_rounds)
{
	const struct tachyon_bus_options options = bus_options(4096, 10);
	struct pair pair = make_pair_with(&options, &options);
	struct tachyon_message message;
	struct helper helper;
	int ret;

	start_helper(&helper, answer_polls, pair.right);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_bus_send(pair.left, NULL, 0, i, LONG_NS), 0);
		while ((ret = tachyon_bus_receive(pair.left, &message, 0)) == TACHYON_ERR_AGAIN) {
			if (tachyon_bus_prepare(pair.left) == 0)
				CHECK_EQ(poll_bus(pair.left, 10000), 1);
			tachyon_bus_dispatch(pair.left);
		}
		CHECK_EQ(ret, 0);
		CHECK_EQ(message.type, i);
		CHECK_EQ(tachyon_bus_release(pair.left, &message), 0);
	}
	CHECK_EQ(finish_helper(&helper), 0);
	close_pair(&pair);
}
