/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Receives in every way that there is, believes nothing, and looks how long it all took. */
#include <poll.h>

#include "lane.h"
#include "stress.h"

#define HELD_MAX 64u

static void wait_begins(struct receiver *receiver)
{
	atomic_store_explicit(&receiver->lane->receiver.waits, 1, memory_order_relaxed);
}

static void wait_ends(struct receiver *receiver)
{
	atomic_store_explicit(&receiver->lane->receiver.waits, 0, memory_order_relaxed);
}

/* --- how long it took --- */

static void note_longest(int64_t span_ns, int64_t *longest_ns, uint64_t *above_ms)
{
	if (span_ns > *longest_ns)
		*longest_ns = span_ns;
	if (span_ns > MILLISECOND)
		++*above_ms;
}

/* Of the first message that a call brought: since the one before, and since it was shown. */
static void note_times(struct receiver *receiver)
{
	struct lane *const lane = receiver->lane;
	struct stamp *const stamp = &lane->stamps[receiver->next % STAMPS];
	const uint64_t number = atomic_load_explicit(&stamp->number, memory_order_acquire);
	const int64_t shown_ns = atomic_load_explicit(&stamp->time_ns, memory_order_relaxed);
	const int64_t now = now_ns();

	if (receiver->last_ns > 0)
		note_longest(now - receiver->last_ns, &lane->longest_gap_ns, &lane->gaps_above_ms);
	receiver->last_ns = now;
	if (number == receiver->next + 1)
		note_longest(now - shown_ns, &lane->longest_delay_ns, &lane->delays_above_ms);
}

/* --- taking --- */

/* By a poll of the caller's own. */
static int take_polling(struct receiver *receiver, struct tachyon_message *message)
{
	struct pollfd entry = {.fd = tachyon_bus_fd(receiver->bus), .events = POLLIN};
	const int64_t deadline = now_ns() + HANG_NS;
	int ret = tachyon_bus_receive(receiver->bus, message, 0);

	while (ret == TACHYON_ERR_AGAIN && now_ns() < deadline) {
		if (tachyon_bus_prepare(receiver->bus) == 0) {
			poll(&entry, 1, (int)(HANG_NS / MILLISECOND));
			tachyon_bus_dispatch(receiver->bus);
		}
		ret = tachyon_bus_receive(receiver->bus, message, 0);
	}
	return ret < 0 ? ret : 1;
}

/* One, and then what is there. */
static int take_by_and_by(struct receiver *receiver, struct tachyon_message *messages, size_t most)
{
	int ret = tachyon_bus_receive(receiver->bus, &messages[0], HANG_NS);
	int taken = 1;

	if (ret < 0)
		return ret;
	while ((size_t)taken < most) {
		ret = tachyon_bus_receive(receiver->bus, &messages[taken], 0);
		if (ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_CLOSED)
			break;
		expect(ret, 0, "receive");
		taken++;
	}
	return taken;
}

static int take(struct receiver *receiver, struct tachyon_message *messages, uint64_t limit)
{
	const uint64_t dice = draw(&receiver->dice);
	const uint64_t left = limit - receiver->next;
	const size_t most = left < HELD_MAX ? (size_t)left : HELD_MAX;
	const size_t some = dice / 16 % most + 1;
	int ret;

	wait_begins(receiver);
	switch (dice % 16) {
	case 0:
		ret = take_polling(receiver, messages);
		break;
	case 1:
	case 2:
	case 3:
		ret = take_by_and_by(receiver, messages, some);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		ret = tachyon_bus_receive_batch(receiver->bus, messages, some, HANG_NS);
		break;
	default:
		ret = tachyon_bus_receive(receiver->bus, messages, HANG_NS);
		ret = ret < 0 ? ret : 1;
		break;
	}
	wait_ends(receiver);
	return ret;
}

/* All at once, or one by one, or up to the middle first. What is held must not have changed. */
static void release(struct receiver *receiver, const struct tachyon_message *messages, int count)
{
	const uint64_t first = receiver->next - (uint64_t)count;
	const uint64_t step = 1 + draw(&receiver->dice) % (uint64_t)count;

	for (uint64_t i = step - 1;; i += step) {
		const uint64_t last = i < (uint64_t)count - 1 ? i : (uint64_t)count - 1;

		if (count > 1)
			plan_check(&receiver->plan, first + last, &messages[last]);
		expect(tachyon_bus_release(receiver->bus, &messages[last]), 0, "release");
		if (last == (uint64_t)count - 1)
			break;
	}
	atomic_store_explicit(&receiver->lane->receiver.shown, receiver->next,
			      memory_order_release);
}

void receiver_take(struct receiver *receiver, uint64_t limit)
{
	struct tachyon_message messages[HELD_MAX];
	const int count = take(receiver, messages, limit);

	if (count < 0)
		fail("message %lu: receive: %s", (unsigned long)receiver->next,
		     tachyon_strerror(count));
	note_times(receiver);
	for (int i = 0; i < count; i++) {
		plan_check(&receiver->plan, receiver->next++, &messages[i]);
		receiver->lane->bytes += messages[i].size;
	}
	atomic_store_explicit(&receiver->lane->receiver.begun, receiver->next,
			      memory_order_release);
	release(receiver, messages, count);
}
