/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Messages through a ring of few cells, under C11's memory model: each arrives once, in order,
 * whole, and nothing is overwritten that is still read. GenMC sees every data race, too.
 *
 * SCRIPT is what the sender does: S a short message, L one of two cells, B likewise a short one
 * that is not flushed, R a reservation of two cells that is written to and rolled back. A sender
 * that finds no room, and a receiver that finds no message, look again until there is.
 *
 * No message runs across the end of the ring's memory: GenMC has no memory that is mapped twice.
 */
#include "model.h"

#ifndef SCRIPT
#define SCRIPT "LSSSSS"
#endif
/* messages that the receiver takes before it gives them back */
#ifndef HELD
#define HELD 1
#endif

static const char script[] = SCRIPT;

static uint32_t value(int number, int word)
{
	return (uint32_t)(number * 8 + word + 1000);
}

static uint32_t *reserve(uint64_t size)
{
	void *room = NULL;
	const int ret = tach_ring_reserve(&sender, size, &room);

	assert(ret == 0 || ret == -EAGAIN);
	__VERIFIER_assume(ret == 0);
	return room;
}

/*
 * A payload of two cells' message stands where a header will: its first word is the worst there
 * is, the tag that a message at this cell will have one lap on.
 */
static uint32_t worst(void)
{
	return tach_ring_tag(sender.sent + TACH_CELL + sender.size);
}

static void send_long(int number)
{
	uint32_t *room = reserve(TACH_CELL);

	room[0] = worst();
	room[1] = value(number, 1);
	assert(sender.sent % sender.size + 2 * TACH_CELL <= sender.size);
	assert(tach_ring_commit(&sender, TACH_CELL, (uint32_t)number) == 0);
}

static void send_short(int number)
{
	uint32_t *room = reserve(2 * sizeof(*room));

	room[0] = value(number, 0);
	room[1] = value(number, 1);
	assert(tach_ring_commit(&sender, 2 * sizeof(*room), (uint32_t)number) == 0);
}

static void give_up(void)
{
	uint32_t *room = reserve(TACH_CELL);

	room[0] = worst();
	tach_ring_rollback(&sender);
}

static void *send(void *unused)
{
	int number = 0;

	for (size_t i = 0; i < sizeof(script) - 1; i++) {
		if (script[i] == 'R') {
			give_up();
			continue;
		}
		if (script[i] == 'L')
			send_long(number++);
		else
			send_short(number++);
		if (script[i] != 'B')
			tach_ring_flush(&sender);
	}
	tach_ring_flush(&sender);
	return unused;
}

static void check(const struct tachyon_message *message, int number)
{
	const uint32_t *words = message->data;

	assert(message->type == (uint32_t)number);
	assert(message->size == TACH_CELL || message->size == 2 * sizeof(*words));
	if (message->size == TACH_CELL)
		assert(words[0] == tach_ring_tag(message->position - TACH_CELL + receiver.size));
	else
		assert(words[0] == value(number, 0));
	assert(words[1] == value(number, 1));
}

static void *receive(void *unused)
{
	int number = 0;

	for (size_t i = 0; i < sizeof(script) - 1; i++) {
		struct tachyon_message message;
		int ret;

		if (script[i] == 'R')
			continue;
		ret = tach_ring_receive(&receiver, &message);
		assert(ret >= 0);
		__VERIFIER_assume(ret == 1);
		check(&message, number++);
		if (number % HELD == 0)
			assert(tach_ring_release(&receiver, message.position) == 0);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[2];

	init_ring();
	pthread_create(&threads[0], NULL, send, NULL);
	pthread_create(&threads[1], NULL, receive, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return 0;
}
