/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ring on a weak memory: what is received is what was sent, whole, in order, once. That the
 * sender overwrites nothing that is still read is for TSan (tests/lib/test-ring-stream.c).
 */
#include "harness.h"

#include "weak.h"

#include "ring.c"

#define EXECUTIONS 20000
#define RING 256u
#define MESSAGES 6u

static struct {
	_Alignas(64) uint8_t data[RING];
	_Atomic uint64_t head;
	struct tach_sender sender;
	struct tach_receiver receiver;
} pair;

static bool is_batched;

/* Two words of payload, which nothing orders but the ring. */
static void send_one(uint32_t number)
{
	_Atomic uint32_t *words;
	void *room;
	int ret;

	while ((ret = tach_ring_reserve(&pair.sender, 8, &room)) == -EAGAIN) {
		tach_ring_flush(&pair.sender);
		weak_pause();
	}
	CHECK_EQ(ret, 0);
	words = room;
	atomic_store_explicit(&words[0], number, memory_order_relaxed);
	atomic_store_explicit(&words[1], number, memory_order_relaxed);
	CHECK_EQ(tach_ring_commit(&pair.sender, 8, number), 0);
	if (!is_batched || weak_random(2))
		tach_ring_flush(&pair.sender);
}

static void sender(void)
{
	for (uint32_t number = 1; number <= MESSAGES; number++)
		send_one(number);
	tach_ring_flush(&pair.sender);
}

static void receiver(void)
{
	for (uint32_t number = 1; number <= MESSAGES; number++) {
		struct tachyon_message message;
		const _Atomic uint32_t *words;
		int ret;

		while ((ret = tach_ring_receive(&pair.receiver, &message)) == 0)
			weak_pause();
		CHECK_EQ(ret, 1);
		CHECK_EQ(message.type, number);
		words = message.data;
		CHECK_EQ(atomic_load_explicit(&words[0], memory_order_relaxed), number);
		CHECK_EQ(atomic_load_explicit(&words[1], memory_order_relaxed), number);
		CHECK_EQ(tach_ring_release(&pair.receiver, message.position), 0);
	}
}

static void meet(void)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&pair, 0, sizeof(pair));
		tach_sender_init(&pair.sender, pair.data, RING, &pair.head);
		tach_receiver_init(&pair.receiver, pair.data, RING, &pair.head);
		CHECK(weak_run(seed, (void (*const[])(void)){sender, receiver}, 2));
	}
}

TEST(messages_arrive_whole)
{
	meet();
}

TEST(batches_arrive_whole)
{
	is_batched = true;
	meet();
}
