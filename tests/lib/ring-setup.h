/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the ring's tests share: a ring whose two ends are in this process, and ways to lie to each.
 */
#ifndef TACHYON_TESTS_RING_SETUP_H
#define TACHYON_TESTS_RING_SETUP_H

#include "harness.h"
#include "ring.h"
#include "segment.h"

struct ring {
	struct tach_segment segment;
	uint64_t size;
	_Atomic uint64_t head;
	struct tach_sender sender;
	struct tach_receiver receiver;
};

/* Both ends at a position, as if all before it had been sent, received and released. */
static inline void start_at(struct ring *ring, uint64_t position)
{
	ring->sender.sent = position;
	ring->sender.flushed = position;
	ring->sender.head_seen = position;
	ring->receiver.received = position;
	ring->receiver.released = position;
	atomic_store(&ring->head, position);
}

static inline void open_ring(struct ring *ring, uint64_t size)
{
	*ring = (struct ring){.size = size};
	CHECK_EQ(tach_segment_create_ring(&ring->segment, size), 0);
	tach_sender_init(&ring->sender, ring->segment.data, size, &ring->head);
	tach_receiver_init(&ring->receiver, ring->segment.data, size, &ring->head);
}

/* The smallest there is. */
static inline void open_small_ring(struct ring *ring)
{
	open_ring(ring, tach_ring_size(0));
}

static inline void close_ring(struct ring *ring)
{
	tach_segment_destroy(&ring->segment);
}

/* --- what should be --- */

static inline uint64_t bytes_of(uint64_t size, bool is_long)
{
	return is_long ? TACH_CELL + tach_round_up(size, TACH_CELL) : TACH_CELL;
}

static inline uint32_t tag_of(uint64_t position)
{
	return ((uint32_t)(position / TACH_CELL) & 0x7fffffff) + 1;
}

static inline struct tach_message_header *header_at(struct ring *ring, uint64_t position)
{
	return (struct tach_message_header *)(void *)(ring->segment.data + position % ring->size);
}

/* --- sending and receiving --- */

static inline void *reserve(struct ring *ring, uint64_t size)
{
	void *data = NULL;

	CHECK_EQ(tach_ring_reserve(&ring->sender, size, &data), 0);
	CHECK(data);
	return data;
}

static inline int try_reserve(struct ring *ring, uint64_t size)
{
	void *const untouched = ring;
	void *data = untouched;
	const int ret = tach_ring_reserve(&ring->sender, size, &data);

	CHECK_EQ(data != untouched, ret == 0);
	return ret;
}

/* Different for each size and seed. */
static inline void fill(void *data, uint64_t size, uint32_t seed)
{
	uint8_t *bytes = data;

	for (uint64_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static inline void check_filled(const void *data, uint64_t size, uint32_t seed)
{
	const uint8_t *bytes = data;
	bool is_same = true;

	for (uint64_t i = 0; i < size; i++)
		is_same = is_same && bytes[i] == (uint8_t)(seed * 31 + i * 7 + (i >> 8));
	CHECK(is_same);
}

/* Not flushed. The type is the seed. */
static inline void put(struct ring *ring, uint64_t size, uint32_t seed)
{
	fill(reserve(ring, size), size, seed);
	CHECK_EQ(tach_ring_commit(&ring->sender, size, seed), 0);
}

static inline void send_one(struct ring *ring, uint64_t size, uint32_t seed)
{
	put(ring, size, seed);
	CHECK(tach_ring_flush(&ring->sender));
}

static inline struct tachyon_message receive(struct ring *ring)
{
	struct tachyon_message message = {0};

	CHECK(tach_ring_is_ready(&ring->receiver));
	CHECK_EQ(tach_ring_receive(&ring->receiver, &message), 1);
	return message;
}

static inline int try_receive(struct ring *ring)
{
	struct tachyon_message message;
	const bool is_ready = tach_ring_is_ready(&ring->receiver);
	const int ret = tach_ring_receive(&ring->receiver, &message);

	CHECK_EQ(is_ready, ret != 0);
	return ret;
}

static inline void check_message(const struct tachyon_message *message, uint64_t size,
				 uint32_t seed)
{
	CHECK_EQ(message->size, size);
	CHECK_EQ(message->type, seed);
	check_filled(message->data, size, seed);
}

static inline void receive_one(struct ring *ring, uint64_t size, uint32_t seed)
{
	const struct tachyon_message message = receive(ring);

	check_message(&message, size, seed);
	CHECK_EQ(tach_ring_release(&ring->receiver, message.position), 0);
}

#endif
