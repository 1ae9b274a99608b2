/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* One of the two processes of a bus under stress: both directions at once, then the end. */
#include "side.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "stress.h"

#define TOO_BIG_EVERY 65536u
#define TURN_MAX 16u
#define CELL 64u

struct side {
	const struct side_options *options;
	unsigned int number;
	struct tachyon_bus *bus;
	struct lane *out, *in;
	struct sender sender;
	struct receiver receiver;
};

/* --- making it --- */

static void open_bus(struct side *side)
{
	const struct side_options *const options = side->options;
	const struct tachyon_bus_options bus_options = {
		.size = sizeof(bus_options),
		.spin = options->spin == 0 ? TACHYON_SPIN_NEVER : options->spin,
		.ring_size = options->ring[side->number],
		.max_peer_ring_size = UINT64_C(1) << 30,
		.timeout_ns = HANG_NS,
	};
	const int ret = side->number == 0
				? tachyon_bus_listen(options->address, &bus_options, &side->bus)
				: tachyon_bus_connect(options->address, &bus_options, &side->bus);

	if (ret < 0)
		fail("%s: %s", side->number == 0 ? "listen" : "connect", tachyon_strerror(ret));
}

/* The other's largest message is a fact that it says itself, before it sends the first. */
static uint32_t await_max(struct lane *lane)
{
	uint32_t max;

	while ((max = atomic_load(&lane->max)) == 0) {
		if (is_over())
			_exit(EXIT_FAILURE);
		usleep(100);
	}
	return max;
}

/* A ring has a power of two, and a page at least; two cells of it no message fills. */
static uint32_t max_of_ring(uint64_t size)
{
	uint64_t ring = (uint64_t)sysconf(_SC_PAGESIZE);

	while (ring < size)
		ring *= 2;
	return (uint32_t)(ring - 2 * CELL);
}

static uint64_t seed_of(const struct side_options *options, unsigned int lane)
{
	return mix(options->seed * 2 + lane + 1);
}

static void make_ends(struct side *side)
{
	const unsigned int other = !side->number;

	expect((int)tachyon_bus_max_message(side->bus),
	       (int)max_of_ring(side->options->ring[side->number]), "the largest message");
	atomic_store(&side->out->max, (uint32_t)tachyon_bus_max_message(side->bus));
	side->sender = (struct sender){
		.bus = side->bus,
		.lane = side->out,
		.plan = {.seed = seed_of(side->options, side->number), .max = await_max(side->out)},
		.dice = side->options->seed + side->number,
	};
	side->receiver = (struct receiver){
		.bus = side->bus,
		.lane = side->in,
		.plan = {.seed = seed_of(side->options, other), .max = await_max(side->in)},
		.count = side->options->messages,
		.dice = side->options->seed + 2 + side->number,
	};
}

/* --- a thread each way --- */

static void *send_all(void *data)
{
	struct sender *const sender = &((struct side *)data)->sender;
	const uint64_t count = ((struct side *)data)->options->messages;

	lane_end_is_here(&sender->lane->sender);
	while (sender->next < count) {
		if (sender->next % TOO_BIG_EVERY == 0)
			sender_try_too_big(sender);
		sender_send(sender);
	}
	sender_flush(sender);
	return NULL;
}

static void receive_all(struct side *side)
{
	struct receiver *const receiver = &side->receiver;

	lane_end_is_here(&receiver->lane->receiver);
	while (receiver->next < receiver->count)
		receiver_take(receiver, receiver->count);
}

static void run_two_threads(struct side *side)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, send_all, side) != 0)
		fail("no thread");
	receive_all(side);
	pthread_join(thread, NULL);
}

/* --- in turns --- */

/* Whether a message still fits behind what the turn has sent, though nothing of it was released. */
static bool fits(const struct plan *plan, uint64_t number, uint64_t *used)
{
	const struct draft draft = plan_message(plan, number);
	const uint32_t reserved = draft.given_up > draft.reserved ? draft.given_up : draft.reserved;
	const uint64_t ring = plan->max + 2 * CELL;

	if (*used + plan_extent(reserved, reserved) + CELL > ring)
		return false;
	*used += plan_extent(draft.reserved, draft.size);
	return true;
}

/*
 * How many each side sends before it receives: both say the same. One at least, which always fits,
 * and no more than fit: two that wait for room, and do not receive, wait for ever.
 */
static uint64_t plan_turn(const struct side *side, uint64_t number)
{
	uint64_t dice = side->options->seed ^ number;
	const uint64_t most = draw(&dice) % 4 == 0 ? 1 + draw(&dice) % TURN_MAX : 1;
	uint64_t used[2] = {0, 0};
	uint64_t count = 0;

	while (count < most && number + count < side->options->messages &&
	       fits(&side->sender.plan, number + count, &used[0]) &&
	       fits(&side->receiver.plan, number + count, &used[1]))
		count++;
	return count > 0 ? count : 1;
}

static void run_in_turns(struct side *side)
{
	struct sender *const sender = &side->sender;
	struct receiver *const receiver = &side->receiver;

	lane_end_is_here(&sender->lane->sender);
	lane_end_is_here(&receiver->lane->receiver);
	while (receiver->next < receiver->count) {
		const uint64_t end = sender->next + plan_turn(side, sender->next);

		if (sender->next % TOO_BIG_EVERY == 0)
			sender_try_too_big(sender);
		while (sender->next < end)
			sender_send(sender);
		/* Where it is not flushed here, it is by the wait. */
		if (draw(&sender->dice) % 2 == 0)
			sender_flush(sender);
		while (receiver->next < end)
			receiver_take(receiver, end);
	}
	sender_flush(sender);
}

/* --- the end --- */

/* Nothing more may come: not from who is still there, nor before the end of who is not. */
static void expect_the_end(struct side *side)
{
	struct tachyon_message message;

	if (side->number == 0) {
		expect(tachyon_bus_receive(side->bus, &message, 0), TACHYON_ERR_AGAIN,
		       "receive behind the last");
		return;
	}
	expect(tachyon_bus_receive(side->bus, &message, HANG_NS), TACHYON_ERR_CLOSED,
	       "receive at the end");
	expect((int)tachyon_bus_end(side->bus), TACHYON_END_CLOSED, "how it ended");
}

static void check_counts(struct side *side)
{
	struct tachyon_bus_stats *const stats = &side->out->stats;

	stats->size = sizeof(*stats);
	tachyon_bus_get_stats(side->bus, stats);
	if (stats->messages_sent != side->options->messages ||
	    stats->messages_received != side->options->messages)
		fail("side %u: %lu messages sent and %lu received, says the library", side->number,
		     (unsigned long)stats->messages_sent, (unsigned long)stats->messages_received);
}

void side_run(const struct side_options *options, unsigned int number, struct lane *lanes)
{
	const struct belongings before = count_belongings();
	struct side side = {
		.options = options,
		.number = number,
		.out = &lanes[number],
		.in = &lanes[!number],
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	open_bus(&side);
	make_ends(&side);
	if (options->threads == 1)
		run_in_turns(&side);
	else
		run_two_threads(&side);
	expect_the_end(&side);
	check_counts(&side);
	tachyon_bus_destroy(side.bus);
	expect_nothing_left(&before, number == 0 ? "the listener" : "the connector");
	exit(EXIT_SUCCESS);
}
