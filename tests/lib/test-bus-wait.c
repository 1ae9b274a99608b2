/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waiting on a bus: timeouts, waking, cancelling, and what is flushed before a sleep. Each
 * behaviour is tried while the waiter sleeps and while it still spins.
 */
#include "bus.h"

#include <sched.h>

#include "pair.h"
#include "system.h"

#define SMALLEST 4096u

/* Spins for longer than a test takes. */
#define SPIN_LONG (UINT32_MAX - 1)

static const uint32_t spins[] = {TACHYON_SPIN_NEVER, 1, 1000, 0};

static struct pair make_spinning_pair(uint32_t spin)
{
	const struct tachyon_bus_options options = bus_options(SMALLEST, spin);

	return make_pair_with(&options, &options);
}

/* A thread in a wait, and whether it has come to the kernel. */
struct waiter {
	struct helper helper;
	struct tachyon_bus *bus;
	int64_t timeout_ns;
	struct tachyon_message message;
	_Atomic bool is_started;
};

static int receive_one(void *argument)
{
	struct waiter *const waiter = argument;

	waiter->is_started = true;
	return tachyon_bus_receive(waiter->bus, &waiter->message, waiter->timeout_ns);
}

static int send_one(void *argument)
{
	struct waiter *const waiter = argument;

	waiter->is_started = true;
	return tachyon_bus_send(waiter->bus, "late", 5, 0, waiter->timeout_ns);
}

static void start_waiter(struct waiter *waiter, int (*run)(void *argument), struct tachyon_bus *bus,
			 int64_t timeout_ns)
{
	*waiter = (struct waiter){.bus = bus, .timeout_ns = timeout_ns};
	start_helper(&waiter->helper, run, waiter);
	EVENTUALLY(waiter->is_started);
}

/* Until it is asleep in the kernel; a spinner gets a moment to begin. */
static void let_it_wait(const struct waiter *waiter, uint64_t sleeps_before, uint32_t spin)
{
	if (spin != SPIN_LONG)
		EVENTUALLY(stats_of(waiter->bus).sleeps > sleeps_before);
	sleep_ms(5);
}

static void fill_ring(struct tachyon_bus *bus)
{
	while (tachyon_bus_send(bus, "x", 2, 0, 0) == 0)
		;
}

/* --- timeouts --- */

TEST(a_receive_ends_at_its_timeout_and_not_before)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(spins); i++) {
		struct pair pair = make_spinning_pair(spins[i]);
		struct tachyon_message message = {.size = 77};
		const uint64_t start = tach_os_now_ns();

		CHECK_EQ(tachyon_bus_receive(pair.left, &message, 30 * MS), TACHYON_ERR_TIMEDOUT);
		CHECK(ms_since(start) >= 30);
		CHECK(ms_since(start) < 3000);
		CHECK_EQ(message.size, 77);
		CHECK_EQ(tachyon_bus_receive_batch(pair.left, &message, 1, 1),
			 TACHYON_ERR_TIMEDOUT);
		close_pair(&pair);
	}
}

TEST(a_send_into_a_full_ring_ends_at_its_timeout)
{
	struct pair pair = make_pair(SMALLEST);
	void *data = &pair;
	uint64_t start;

	fill_ring(pair.left);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, 0, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 1, &data, 1), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(data, &pair);
	CHECK(ms_since(start) < 3000);
	/* Nothing is reserved by it. */
	CHECK_EQ(tachyon_bus_rollback(pair.left), -EINVAL);
	close_pair(&pair);
}

TEST(a_timeout_of_zero_makes_no_system_call_while_messages_flow)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;
	uint64_t before;

	CHECK_EQ(say(pair.left, "warm"), 0);
	CHECK_STR_EQ(hear(pair.right), "warm");
	before = tachyon_system_calls();
	for (int i = 0; i < 10000; i++) {
		CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, 0, 0), 0);
		CHECK_EQ(tachyon_bus_receive(pair.right, &message, -1), 0);
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	}
	CHECK_EQ(tachyon_system_calls() - before, 0);
	close_pair(&pair);
}

/* --- waking --- */

TEST(a_message_wakes_a_receiver)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(spins); i++) {
		struct pair pair = make_spinning_pair(spins[i]);
		struct waiter waiter;

		start_waiter(&waiter, receive_one, pair.right, -1);
		let_it_wait(&waiter, 0, spins[i]);
		CHECK_EQ(say(pair.left, "wake up"), 0);
		CHECK_EQ(finish_helper(&waiter.helper), 0);
		CHECK_STR_EQ(waiter.message.data, "wake up");
		CHECK(stats_of(pair.left).wakes >= 1);
		close_pair(&pair);
	}
}

TEST(a_release_wakes_a_sender)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(spins); i++) {
		struct pair pair = make_spinning_pair(spins[i]);
		struct tachyon_message message;
		struct waiter waiter;

		fill_ring(pair.left);
		start_waiter(&waiter, send_one, pair.left, -1);
		let_it_wait(&waiter, 0, spins[i]);
		CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
		CHECK_EQ(finish_helper(&waiter.helper), 0);
		while (tachyon_bus_receive(pair.right, &message, 0) == 0)
			;
		CHECK_STR_EQ(message.data, "late");
		close_pair(&pair);
	}
}

TEST(a_sleeper_costs_its_waker_one_system_call_however_many_messages_come)
{
	struct pair pair = make_pair(0);
	struct tachyon_bus_stats before, after;
	struct waiter waiter;

	start_waiter(&waiter, receive_one, pair.right, -1);
	let_it_wait(&waiter, 0, TACHYON_SPIN_NEVER);
	before = stats_of(pair.left);
	CHECK_EQ(say(pair.left, "first"), 0);
	CHECK_EQ(finish_helper(&waiter.helper), 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(say(pair.left, "more"), 0);
	after = stats_of(pair.left);
	CHECK_EQ(after.wakes - before.wakes, 1);
	close_pair(&pair);
}

TEST(a_receive_batch_waits_for_the_first_only)
{
	struct pair pair = make_pair(0);
	struct tachyon_message messages[4];
	struct waiter waiter;

	fill_ring(pair.left);
	start_waiter(&waiter, send_one, pair.left, -1);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 4, -1), 4);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[3]), 0);
	CHECK_EQ(finish_helper(&waiter.helper), 0);
	close_pair(&pair);
}

/* --- a batch goes out before its sender sleeps --- */

static void put_unflushed(struct tachyon_bus *bus, const char *text)
{
	void *data;

	CHECK_EQ(tachyon_bus_reserve(bus, strlen(text) + 1, &data, 0), 0);
	memcpy(data, text, strlen(text) + 1);
	CHECK_EQ(tachyon_bus_commit_unflushed(bus, strlen(text) + 1, 0), 0);
}

TEST(a_batch_is_flushed_before_its_sender_sleeps_for_an_answer)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	put_unflushed(pair.left, "question");
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	CHECK_EQ(tachyon_bus_receive(pair.left, &message, 5 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK_STR_EQ(hear(pair.right), "question");
	close_pair(&pair);
}

TEST(a_batch_is_flushed_before_its_sender_sleeps_for_room)
{
	struct pair pair = make_pair(SMALLEST);
	void *data;
	const int count = SMALLEST / 64 - 1;

	for (int i = 0; i < count; i++)
		put_unflushed(pair.left, "text");
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	CHECK_EQ(tachyon_bus_reserve(pair.left, 1, &data, 5 * MS), TACHYON_ERR_TIMEDOUT);
	for (int i = 0; i < count; i++)
		CHECK_STR_EQ(hear(pair.right), "text");
	close_pair(&pair);
}

static int ask_and_wait(void *argument)
{
	struct tachyon_bus *const bus = argument;

	put_unflushed(bus, "question");
	return strcmp(hear_within(bus, LONG_NS), "answer");
}

TEST(a_batch_flushed_before_a_sleep_wakes_a_sleeping_peer)
{
	struct pair pair = make_pair(0);
	struct helper helper;

	start_helper(&helper, ask_and_wait, pair.left);
	CHECK_STR_EQ(hear_within(pair.right, LONG_NS), "question");
	CHECK_EQ(say(pair.right, "answer"), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	close_pair(&pair);
}

/* --- cancelling --- */

TEST(a_cancel_ends_a_wait_that_spins_or_sleeps)
{
	const uint32_t more_spins[] = {TACHYON_SPIN_NEVER, 1, 1000, SPIN_LONG};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(more_spins); i++) {
		struct pair pair = make_spinning_pair(more_spins[i]);
		struct waiter receiver, sender;
		uint64_t start;

		fill_ring(pair.left);
		start_waiter(&sender, send_one, pair.left, -1);
		start_waiter(&receiver, receive_one, pair.left, -1);
		let_it_wait(&receiver, 1, more_spins[i]);
		start = tach_os_now_ns();
		tachyon_bus_cancel(pair.left);
		CHECK_EQ(finish_helper(&receiver.helper), TACHYON_ERR_CANCELED);
		CHECK_EQ(finish_helper(&sender.helper), TACHYON_ERR_CANCELED);
		CHECK(ms_since(start) < 3000);
		close_pair(&pair);
	}
}

TEST(a_canceled_bus_does_not_wait_until_resumed)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	tachyon_bus_cancel(pair.right);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, -1), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, LONG_NS), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, &message, 1, -1), TACHYON_ERR_CANCELED);

	tachyon_bus_resume(pair.right);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 5 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(say(pair.left, "still here"), 0);
	CHECK_STR_EQ(hear_within(pair.right, -1), "still here");
	close_pair(&pair);
}

TEST(a_canceled_bus_still_moves_what_needs_no_wait)
{
	struct pair pair = make_pair(0);

	tachyon_bus_cancel(pair.left);
	tachyon_bus_cancel(pair.right);
	CHECK_EQ(tachyon_bus_send(pair.left, "text", 5, 0, -1), 0);
	CHECK_STR_EQ(hear_within(pair.right, -1), "text");
	CHECK_EQ(tachyon_bus_end(pair.right), TACHYON_END_NONE);
	close_pair(&pair);
}

static int cancel_and_resume_for_ever(void *argument)
{
	struct waiter *const waiter = argument;

	while (!waiter->is_started) {
		tachyon_bus_cancel(waiter->bus);
		sched_yield();
		tachyon_bus_resume(waiter->bus);
		sched_yield();
	}
	return 0;
}

TEST(no_message_is_lost_between_cancels)
{
	struct pair pair = make_pair(SMALLEST);
	struct waiter waiter = {.bus = pair.right};
	struct tachyon_message message;
	struct helper helper;
	uint32_t sent = 0, received = 0;
	int ret;

	start_helper(&helper, cancel_and_resume_for_ever, &waiter);
	while (received < 5000) {
		if (sent < 5000 && tachyon_bus_send(pair.left, &sent, sizeof(sent), sent, 0) == 0)
			sent++;
		ret = tachyon_bus_receive(pair.right, &message, MS / 100);
		if (ret == TACHYON_ERR_CANCELED || ret == TACHYON_ERR_TIMEDOUT)
			continue;
		CHECK_EQ(ret, 0);
		CHECK_EQ(message.type, received);
		received++;
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	}
	waiter.is_started = true;
	CHECK_EQ(finish_helper(&helper), 0);
	close_pair(&pair);
}

/* --- shutting down under a waiter --- */

TEST(a_shutdown_from_another_thread_ends_every_wait)
{
	const uint32_t more_spins[] = {TACHYON_SPIN_NEVER, SPIN_LONG};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(more_spins); i++) {
		struct pair pair = make_spinning_pair(more_spins[i]);
		struct waiter receiver, sender;

		fill_ring(pair.left);
		start_waiter(&sender, send_one, pair.left, -1);
		start_waiter(&receiver, receive_one, pair.left, -1);
		let_it_wait(&receiver, 1, more_spins[i]);
		tachyon_bus_shutdown(pair.left);
		CHECK_EQ(finish_helper(&receiver.helper), TACHYON_ERR_CLOSED);
		CHECK_EQ(finish_helper(&sender.helper), TACHYON_ERR_CLOSED);
		close_pair(&pair);
	}
}

TEST(a_destroy_waits_for_the_threads_that_sleep_in_it)
{
	for (int i = 0; i < 20; i++) {
		struct pair pair = make_pair(SMALLEST);
		struct waiter receiver, sender;

		fill_ring(pair.left);
		start_waiter(&sender, send_one, pair.left, -1);
		start_waiter(&receiver, receive_one, pair.left, -1);
		EVENTUALLY(stats_of(pair.left).sleeps >= 2);
		tachyon_bus_destroy(pair.left);
		CHECK_EQ(finish_helper(&receiver.helper), TACHYON_ERR_CLOSED);
		CHECK_EQ(finish_helper(&sender.helper), TACHYON_ERR_CLOSED);
		tachyon_bus_destroy(pair.right);
	}
}

/* --- spinning --- */

TEST(a_wait_that_spins_ends_at_its_timeout)
{
	struct pair pair = make_spinning_pair(SPIN_LONG);
	struct tachyon_message message;
	const uint64_t start = tach_os_now_ns();

	CHECK_EQ(tachyon_bus_receive(pair.left, &message, 5 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) < 3000);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		CHECK_EQ(stats_of(pair.left).sleeps, 0);
	fill_ring(pair.left);
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, 0, 5 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) < 3000);
	close_pair(&pair);
}

TEST(who_never_spins_goes_to_sleep)
{
	struct pair pair = make_spinning_pair(TACHYON_SPIN_NEVER);
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_receive(pair.left, &message, 5 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(stats_of(pair.left).sleeps >= 1);
	close_pair(&pair);
}

static int pin_and_connect(void *argument)
{
	const struct tachyon_bus_options options = bus_options(0, SPIN_LONG);
	struct tachyon_bus *bus;
	cpu_set_t cpus;

	(void)argument;
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	CHECK_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "question");
	CHECK_EQ(say(bus, "answer"), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	tachyon_bus_destroy(bus);
	return 0;
}

TEST(two_processes_on_one_cpu_do_not_spin)
{
	const struct tachyon_bus_options options = bus_options(0, SPIN_LONG);
	struct tachyon_bus *bus;
	cpu_set_t cpus;
	pid_t child;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	CHECK_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	child = run_child(pin_and_connect, NULL);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(say(bus, "question"), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "answer");
	CHECK_STR_EQ(hear_within(bus, 5 * MS), "ETIMEDOUT");
	CHECK(stats_of(bus).sleeps >= 1);
	tachyon_bus_destroy(bus);
	CHECK_EQ(wait_child(child), 0);
}
