/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the two processes of bench-bus do. Its first comment says what the floors are.
 */
#include "bench-bus.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define SLEEPY_NS 100000

/* --- payload --- */

static void fill(uint64_t *payload, uint64_t value)
{
	for (size_t i = 0; i < BENCH_WORDS; i++)
		payload[i] = value + i;
}

/* 0 when every word is right. */
static uint64_t compare(const uint64_t *payload, uint64_t value)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < BENCH_WORDS; i++)
		wrong |= payload[i] ^ (value + i);
	return wrong;
}

static void expect_same(uint64_t wrong)
{
	if (wrong)
		bench_die("what arrived is not what was sent", -EBADMSG);
}

static uint64_t compare_message(const struct tachyon_message *message, uint64_t value)
{
	if (message->size != BENCH_WORDS * sizeof(uint64_t))
		return 1;
	return compare(message->data, value);
}

/* --- ping-pong --- */

static void put(struct bench_cell *cell, uint64_t value, uint64_t seq)
{
	fill(cell->payload, value);
	atomic_store_explicit(&cell->seq, seq, memory_order_release);
}

static uint64_t get(const struct bench_cell *cell, uint64_t value, uint64_t seq)
{
	while (atomic_load_explicit(&cell->seq, memory_order_acquire) != seq)
		;
	return compare(cell->payload, value);
}

void bench_ping_line(struct bench_side *side)
{
	struct bench_shared *shared = side->shared;
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		put(&shared->ping, i, i);
		wrong |= get(&shared->pong, ~i, i);
	}
	expect_same(wrong);
}

void bench_pong_line(struct bench_side *side)
{
	struct bench_shared *shared = side->shared;
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		wrong |= get(&shared->ping, i, i);
		put(&shared->pong, ~i, i);
	}
	expect_same(wrong);
}

static void send_value(struct tachyon_bus *bus, uint64_t value)
{
	uint64_t payload[BENCH_WORDS];

	fill(payload, value);
	bench_expect(tachyon_bus_send(bus, payload, sizeof(payload), (uint32_t)value, -1), "send");
}

static uint64_t receive_value(struct tachyon_bus *bus, uint64_t value)
{
	struct tachyon_message message;
	uint64_t wrong;

	bench_expect(tachyon_bus_receive(bus, &message, -1), "receive");
	wrong = compare_message(&message, value);
	bench_expect(tachyon_bus_release(bus, &message), "release");
	return wrong;
}

void bench_ping_bus(struct bench_side *side)
{
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		send_value(side->bus, i);
		wrong |= receive_value(side->bus, ~i);
	}
	expect_same(wrong);
}

void bench_pong_bus(struct bench_side *side)
{
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		wrong |= receive_value(side->bus, i);
		send_value(side->bus, ~i);
	}
	expect_same(wrong);
}

/* --- stream --- */

void bench_stream_line(struct bench_side *side)
{
	struct bench_shared *shared = side->shared;
	uint64_t head = side->ring_at;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		const uint64_t at = side->ring_at++;

		while (at - head == BENCH_RING_CELLS)
			head = atomic_load_explicit(&shared->head, memory_order_acquire);
		put(&shared->ring[at % BENCH_RING_CELLS], i, at + 1);
	}
}

void bench_drain_line(struct bench_side *side)
{
	struct bench_shared *shared = side->shared;
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		const uint64_t at = side->ring_at++;

		wrong |= get(&shared->ring[at % BENCH_RING_CELLS], i, at + 1);
		if (side->ring_at % (BENCH_RING_CELLS / 4) == 0)
			atomic_store_explicit(&shared->head, side->ring_at, memory_order_release);
	}
	/* So that the next run starts with an empty ring. */
	atomic_store_explicit(&shared->head, side->ring_at, memory_order_release);
	expect_same(wrong);
}

void bench_stream_bus(struct bench_side *side)
{
	for (uint64_t i = side->base; i < side->base + side->count; i++)
		send_value(side->bus, i);
}

void bench_drain_bus(struct bench_side *side)
{
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++)
		wrong |= receive_value(side->bus, i);
	expect_same(wrong);
}

/* In place, and shown to the peer so many at a time. */
void bench_stream_batches(struct bench_side *side)
{
	const size_t size = BENCH_WORDS * sizeof(uint64_t);

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		void *data;

		bench_expect(tachyon_bus_reserve(side->bus, size, &data, -1), "reserve");
		fill(data, i);
		bench_expect(tachyon_bus_commit_unflushed(side->bus, size, (uint32_t)i), "commit");
		if (i % BENCH_BATCH == BENCH_BATCH - 1)
			bench_expect(tachyon_bus_flush(side->bus), "flush");
	}
	bench_expect(tachyon_bus_flush(side->bus), "flush");
}

void bench_drain_batches(struct bench_side *side)
{
	struct tachyon_message messages[BENCH_BATCH];
	uint64_t value = side->base;
	uint64_t wrong = 0;

	while (value < side->base + side->count) {
		const int got = tachyon_bus_receive_batch(side->bus, messages, BENCH_BATCH, -1);

		bench_expect(got, "receive_batch");
		for (int i = 0; i < got; i++)
			wrong |= compare_message(&messages[i], value++);
		bench_expect(tachyon_bus_release(side->bus, &messages[got - 1]), "release");
	}
	expect_same(wrong);
}

/* --- wake --- */

/* Until the consumer said it goes to sleep, and then long enough for it to sleep. */
static void let_sleep(struct bench_side *side, uint64_t value)
{
	uint64_t start;

	while (atomic_load_explicit(&side->shared->asleep, memory_order_acquire) != value)
		bench_relax();
	start = bench_now_ns();
	while (bench_now_ns() - start < SLEEPY_NS)
		bench_relax();
}

static void go_to_sleep(struct bench_side *side, uint64_t value)
{
	atomic_store_explicit(&side->shared->asleep, value, memory_order_release);
}

void bench_wake_bell(struct bench_side *side)
{
	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		let_sleep(side, i);
		side->shared->rang_ns = bench_now_ns();
		if (send(side->bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
			bench_die("doorbell", -errno);
	}
}

void bench_sleep_bell(struct bench_side *side)
{
	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		struct pollfd entry = {.fd = side->bell, .events = POLLIN};
		char byte;

		go_to_sleep(side, i);
		if (poll(&entry, 1, -1) != 1 || recv(side->bell, &byte, 1, MSG_DONTWAIT) != 1)
			bench_die("doorbell", -errno);
		side->shared->latencies_ns[i - side->base] = bench_now_ns() - side->shared->rang_ns;
	}
}

void bench_wake_bus(struct bench_side *side)
{
	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		let_sleep(side, i);
		side->shared->rang_ns = bench_now_ns();
		send_value(side->sleepy_bus, i);
	}
}

void bench_sleep_bus(struct bench_side *side)
{
	uint64_t wrong = 0;

	for (uint64_t i = side->base; i < side->base + side->count; i++) {
		struct tachyon_message message;

		go_to_sleep(side, i);
		bench_expect(tachyon_bus_receive(side->sleepy_bus, &message, -1), "receive");
		side->shared->latencies_ns[i - side->base] = bench_now_ns() - side->shared->rang_ns;
		wrong |= compare_message(&message, i);
		bench_expect(tachyon_bus_release(side->sleepy_bus, &message), "release");
	}
	expect_same(wrong);
}
