/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ring over a long time: against a model that does the same with a list, and in two threads.
 */
#include <pthread.h>
#include <sched.h>

#include "ring-setup.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* --- a model --- */

#define MODEL_MESSAGES 64

struct model_message {
	uint64_t size;
	uint64_t end;
	uint32_t type;
};

/* What the sender sent, by number; a ring of 4096 bytes never holds more than 63. */
struct model {
	struct model_message messages[MODEL_MESSAGES];
	uint64_t sent, flushed, received, released; /* messages */
	uint64_t end, released_end;		    /* bytes */
};

static struct model_message *nth(struct model *model, uint64_t number)
{
	return &model->messages[number % MODEL_MESSAGES];
}

static void model_send(struct model *model, struct ring *ring, uint64_t *state)
{
	const uint64_t reserved = next_random(state) % 3 ? next_random(state) % 130
							 : next_random(state) % (ring->size - 127);
	const uint64_t needed = bytes_of(reserved, reserved > 48);
	const bool fits = model->end + needed + 64 <= model->released_end + ring->size;
	uint64_t size = reserved;
	uint8_t *data;

	CHECK_EQ(tach_ring_has_space(&ring->sender, reserved), fits);
	if (!fits) {
		CHECK_EQ(try_reserve(ring, reserved), -EAGAIN);
		return;
	}
	data = reserve(ring, reserved);
	/* Like headers that are valid anywhere near. */
	for (uint64_t at = 0; at + 16 <= reserved; at += 64) {
		const uint64_t place = model->end + 64 + at + (next_random(state) % 2) * ring->size;
		const uint32_t header[4] = {tag_of(place), 0, 666, 0};

		memcpy(data + at, header, sizeof(header));
	}
	if (next_random(state) % 8 == 0) {
		tach_ring_rollback(&ring->sender);
		return;
	}
	if (next_random(state) % 4 == 0)
		size = next_random(state) % (reserved + 1);
	*nth(model, model->sent) = (struct model_message){
		.size = size,
		.end = model->end + bytes_of(size, reserved > 48),
		.type = (uint32_t)model->sent,
	};
	if (size > 0)
		data[size - 1] = (uint8_t)model->sent;
	CHECK_EQ(tach_ring_commit(&ring->sender, size, (uint32_t)model->sent), 0);
	model->end = nth(model, model->sent)->end;
	model->sent++;
}

static void model_receive(struct model *model, struct ring *ring)
{
	const struct model_message *expected = nth(model, model->received);
	struct tachyon_message message;

	if (model->received == model->flushed) {
		CHECK_EQ(try_receive(ring), 0);
		return;
	}
	message = receive(ring);
	CHECK_EQ(message.type, expected->type);
	CHECK_EQ(message.size, expected->size);
	CHECK_EQ(message.position, expected->end);
	if (message.size > 0)
		CHECK_EQ(((const uint8_t *)message.data)[message.size - 1], (uint8_t)message.type);
	model->received++;
}

static void model_release(struct model *model, struct ring *ring, uint64_t *state)
{
	const uint64_t held = model->received - model->released;

	if (held == 0)
		return;
	model->released += next_random(state) % held + 1;
	model->released_end = nth(model, model->released - 1)->end;
	CHECK_EQ(tach_ring_release(&ring->receiver, model->released_end), 0);
}

TEST_WITH_TIMEOUT(the_ring_does_what_a_list_does, 120)
{
	uint64_t state = 0x123456789abcdef;
	struct model model = {.end = 0};
	struct ring ring;

	open_ring(&ring, 4096);
	for (int i = 0; i < 1000000; i++) {
		switch (next_random(&state) % 8) {
		case 0:
		case 1:
		case 2:
			model_send(&model, &ring, &state);
			break;
		case 3:
		case 4:
			CHECK_EQ(tach_ring_flush(&ring.sender), model.sent != model.flushed);
			model.flushed = model.sent;
			break;
		case 5:
		case 6:
			model_receive(&model, &ring);
			break;
		case 7:
			model_release(&model, &ring, &state);
			break;
		}
	}
	CHECK(model.sent > 100000);
	close_ring(&ring);
}

/* --- two threads --- */

#define MESSAGES 1000000u

struct totals {
	uint64_t messages;
	uint64_t bytes;
	uint64_t sum;
};

static uint64_t sum_of(uint64_t sum, const void *data, uint64_t size)
{
	const uint8_t *bytes = data;

	for (uint64_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

struct flow {
	struct ring ring;
	struct totals sent;
	bool is_batched;
};

static uint64_t pick_size(uint64_t random, const struct ring *ring)
{
	/* Mostly one cell, some longer, a few as long as the ring. */
	if (random % 64 == 0)
		return random / 64 % (tach_ring_max_message(ring->size) + 1);
	return random % 8 == 0 ? random / 8 % 200 : random / 8 % 49;
}

static void *send_all(void *arg)
{
	struct flow *flow = arg;
	struct ring *ring = &flow->ring;
	uint64_t state = 88172645463325252;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		const uint64_t random = next_random(&state);
		const uint64_t size = pick_size(random, ring);
		uint8_t *data;
		void *place;
		int ret;

		while ((ret = tach_ring_reserve(&ring->sender, size, &place)) == -EAGAIN) {
			tach_ring_flush(&ring->sender);
			sched_yield();
		}
		CHECK_EQ(ret, 0);
		data = place;
		for (uint64_t j = 0; j < size; j++)
			data[j] = (uint8_t)(random >> (j % 57));
		flow->sent.sum = sum_of(flow->sent.sum + i, data, size);
		flow->sent.bytes += size;
		CHECK_EQ(tach_ring_commit(&ring->sender, size, i), 0);
		if (!flow->is_batched || random >> 60 == 0)
			tach_ring_flush(&ring->sender);
	}
	tach_ring_flush(&ring->sender);
	return NULL;
}

static struct totals receive_all(struct ring *ring, bool is_batched)
{
	struct totals got = {0};
	uint64_t end = 0;

	while (got.messages < MESSAGES) {
		struct tachyon_message message;
		const int ret = tach_ring_receive(&ring->receiver, &message);

		CHECK(ret >= 0);
		if (ret == 1) {
			CHECK_EQ(message.type, (uint32_t)got.messages);
			got.sum = sum_of(got.sum + got.messages, message.data, message.size);
			got.bytes += message.size;
			got.messages++;
			end = message.position;
		}
		/* A batch is given back by one store, when there is no more. */
		if (end != 0 && (ret == 0 || !is_batched)) {
			CHECK_EQ(tach_ring_release(&ring->receiver, end), 0);
			end = 0;
		}
		if (ret == 0)
			sched_yield();
	}
	return got;
}

static void stream(bool is_batched)
{
	static struct flow flow;
	struct totals got;
	pthread_t sender;

	open_small_ring(&flow.ring);
	flow.is_batched = is_batched;
	CHECK_EQ(pthread_create(&sender, NULL, send_all, &flow), 0);
	got = receive_all(&flow.ring, is_batched);
	CHECK_EQ(pthread_join(sender, NULL), 0);
	CHECK_EQ(got.bytes, flow.sent.bytes);
	CHECK_EQ(got.sum, flow.sent.sum);
	CHECK_EQ(try_receive(&flow.ring), 0);
	close_ring(&flow.ring);
}

TEST_WITH_TIMEOUT(a_million_messages_pass_between_two_threads, 120)
{
	stream(false);
}

TEST_WITH_TIMEOUT(a_million_messages_pass_in_batches, 120)
{
	stream(true);
}
