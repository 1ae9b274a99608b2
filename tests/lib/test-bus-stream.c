/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Two processes, both directions at once, messages of every size: order and content, however the
 * two sides spin, sleep, batch and hold.
 */
#include "bus.h"

#include "pair.h"
#include "system.h"

struct traffic {
	uint32_t count;
	uint32_t spin;
	uint64_t ring_size;
	bool has_batches;
	bool is_one_thread;
	/* between messages, now and then: the other side falls asleep */
	bool has_pauses;
};

struct side {
	struct tachyon_bus *bus;
	const struct traffic *traffic;
	uint64_t out_seed;
	uint64_t in_seed;
	uint32_t sent;
	uint32_t received;
};

/* Most are small, some medium, a few anything up to the largest. */
static size_t size_of_message(uint64_t seed, uint32_t number, size_t most)
{
	const uint64_t dice = mix(seed + 1000000007ull * number);

	switch (dice % 8) {
	case 0:
		return dice / 8 % (most + 1);
	case 1:
	case 2:
		return dice / 8 % (most < 600 ? most : 600);
	case 3:
		return 40 + dice / 8 % 30;
	default:
		return dice / 8 % 49;
	}
}

static void pause_now_and_then(const struct side *side, uint64_t number)
{
	if (side->traffic->has_pauses && mix(number) % 1000 == 0)
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* 0, or why the next message was not sent. */
static int send_next(struct side *side, int64_t timeout_ns)
{
	struct tachyon_bus *const bus = side->bus;
	const uint32_t number = side->sent;
	const size_t size = size_of_message(side->out_seed, number, tachyon_bus_max_message(bus));
	void *data;
	int ret;

	ret = tachyon_bus_reserve(bus, size, &data, timeout_ns);
	if (ret < 0)
		return ret;
	fill(data, size, side->out_seed + number);
	if (side->traffic->has_batches && mix(number) % 16 != 0)
		ret = tachyon_bus_commit_unflushed(bus, size, number);
	else
		ret = tachyon_bus_commit(bus, size, number);
	CHECK_EQ(ret, 0);
	side->sent++;
	return 0;
}

static int send_all(void *argument)
{
	struct side *const side = argument;

	while (side->sent < side->traffic->count) {
		CHECK_EQ(send_next(side, LONG_NS), 0);
		pause_now_and_then(side, side->sent);
	}
	CHECK_EQ(tachyon_bus_flush(side->bus), 0);
	return 0;
}

static void check_message(struct side *side, const struct tachyon_message *message)
{
	const uint64_t their_ring = side->traffic->ring_size;
	const size_t size = size_of_message(side->in_seed, side->received, their_ring - 128);

	if (message->type != side->received || message->size != size ||
	    !is_filled(message->data, size, side->in_seed + side->received))
		test_fail(__FILE__, __LINE__, "message %u: type %u, size %zu (%zu)", side->received,
			  message->type, message->size, size);
	side->received++;
}

static int receive_some(struct side *side, int64_t timeout_ns)
{
	struct tachyon_message messages[32];
	const size_t most = 1 + mix(side->received) % 32;
	const int count = tachyon_bus_receive_batch(side->bus, messages, most, timeout_ns);

	if (count < 0)
		return count;
	CHECK(count >= 1 && (size_t)count <= most);
	for (int i = 0; i < count; i++)
		check_message(side, &messages[i]);
	/* Sometimes in two steps, sometimes one by one. */
	if (count > 2 && side->received % 2)
		CHECK_EQ(tachyon_bus_release(side->bus, &messages[count / 2]), 0);
	CHECK_EQ(tachyon_bus_release(side->bus, &messages[count - 1]), 0);
	return count;
}

static void exchange_in_two_threads(struct side *side)
{
	struct helper sender;

	start_helper(&sender, send_all, side);
	while (side->received < side->traffic->count) {
		CHECK(receive_some(side, LONG_NS) > 0);
		pause_now_and_then(side, side->received + 77);
	}
	CHECK_EQ(finish_helper(&sender), 0);
}

static void exchange_in_one_thread(struct side *side)
{
	const uint32_t count = side->traffic->count;

	while (side->sent < count || side->received < count) {
		int ret = side->sent < count ? send_next(side, 0) : TACHYON_ERR_AGAIN;

		CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
		if (side->received == count)
			continue;
		ret = receive_some(side, ret == 0 ? 0 : MS);
		CHECK(ret > 0 || ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_TIMEDOUT);
	}
	CHECK_EQ(tachyon_bus_flush(side->bus), 0);
}

static void exchange(struct side *side)
{
	if (side->traffic->is_one_thread)
		exchange_in_one_thread(side);
	else
		exchange_in_two_threads(side);
	CHECK_EQ(stats_of(side->bus).messages_sent, side->traffic->count);
	CHECK_EQ(stats_of(side->bus).messages_received, side->traffic->count);
}

static int be_the_peer(void *argument)
{
	const struct traffic *const traffic = argument;
	const struct tachyon_bus_options options = bus_options(traffic->ring_size, traffic->spin);
	struct side side = {.traffic = traffic, .out_seed = 1, .in_seed = 2};

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &side.bus), 0);
	exchange(&side);
	/* What was sent last must arrive though we leave. */
	tachyon_bus_destroy(side.bus);
	return 0;
}

static void run_traffic(struct traffic traffic)
{
	const struct tachyon_bus_options options = bus_options(traffic.ring_size, traffic.spin);
	const pid_t peer = run_child(be_the_peer, &traffic);
	struct side side = {.traffic = &traffic, .out_seed = 2, .in_seed = 1};

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &side.bus), 0);
	exchange(&side);
	CHECK_STR_EQ(hear_within(side.bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(side.bus), TACHYON_END_CLOSED);
	tachyon_bus_destroy(side.bus);
	CHECK_EQ(wait_child(peer), 0);
}

TEST(order_and_content_hold_over_100000_messages_each_way)
{
	run_traffic((struct traffic){.count = 100000, .ring_size = 64 << 10});
}

TEST(order_and_content_hold_in_the_smallest_ring)
{
	run_traffic((struct traffic){.count = 100000, .ring_size = 4096, .spin = 1});
}

TEST(order_and_content_hold_when_nobody_spins)
{
	run_traffic((struct traffic){
		.count = 50000, .ring_size = 4096, .spin = TACHYON_SPIN_NEVER, .has_pauses = true});
}

TEST(order_and_content_hold_in_batches)
{
	run_traffic((struct traffic){
		.count = 100000, .ring_size = 8192, .has_batches = true, .has_pauses = true});
}

TEST(order_and_content_hold_with_one_thread_each)
{
	run_traffic((struct traffic){.count = 100000, .ring_size = 4096, .is_one_thread = true});
}

TEST(order_and_content_hold_with_one_thread_each_in_batches)
{
	run_traffic((struct traffic){.count = 50000,
				     .ring_size = 8192,
				     .spin = TACHYON_SPIN_NEVER,
				     .is_one_thread = true,
				     .has_batches = true});
}

/* --- ping-pong --- */

#define ROUNDS 20000

static int answer(void *argument)
{
	const struct tachyon_bus_options options = bus_options(4096, *(const uint32_t *)argument);
	struct tachyon_message message;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
		CHECK_EQ(message.type, i);
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
		CHECK_EQ(tachyon_bus_send(bus, NULL, 0, i, LONG_NS), 0);
	}
	tachyon_bus_destroy(bus);
	return 0;
}

static void play(uint32_t spin)
{
	const struct tachyon_bus_options options = bus_options(4096, spin);
	const pid_t peer = run_child(answer, &spin);
	struct tachyon_message message;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_bus_send(bus, NULL, 0, i, LONG_NS), 0);
		CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
		CHECK_EQ(message.type, i);
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
	}
	tachyon_bus_destroy(bus);
	CHECK_EQ(wait_child(peer), 0);
}

TEST(no_wake_up_is_lost_in_ping_pong_with_spinning)
{
	play(1000);
}

TEST(no_wake_up_is_lost_in_ping_pong_that_hardly_spins)
{
	play(1);
}

TEST(no_wake_up_is_lost_in_ping_pong_without_spinning)
{
	play(TACHYON_SPIN_NEVER);
}
