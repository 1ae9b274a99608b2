/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping for data, and with SPACE for space, under C11's memory model: nobody sleeps for ever
 * beside a message that was flushed or a cell that was released. The order of steps is that of
 * wait_until_met() in lib/bus.c, without the spin.
 *
 * MESSAGES of one cell go through a ring of CELLS. With SPACE the sender sleeps and the receiver
 * looks until there is something; else the other way round; with BOTH_SLEEP both sleep.
 */
#include "model.h"

#ifndef MESSAGES
#define MESSAGES 2
#endif
#if defined(SPACE) || defined(BOTH_SLEEP)
#define SENDER_SLEEPS
#endif
#if !defined(SPACE) || defined(BOTH_SLEEP)
#define RECEIVER_SLEEPS
#endif

static _Atomic uint32_t word_data, word_space;
static _Atomic uint64_t target;
static struct tach_wait wait_data, wait_space;
static struct tach_waker waker_data, waker_space;

/* As tach_wait_init(), whose struct with padding GenMC cannot copy. */
static void init_wait(struct tach_wait *wait, _Atomic uint32_t *word, int bell)
{
	wait->word = word;
	wait->bell = bell;
	wait->fence = TACH_FENCE_BOTH;
	wait->slice_ns = TACH_FOREVER;
}

static bool is_met(const struct tach_wait *wait)
{
	if (wait == &wait_data)
		return tach_ring_is_ready(&receiver);
	const int ret = tach_ring_has_space(&sender, 0);

	assert(ret >= 0);
	return ret == 1;
}

static void wait_until_met(struct tach_wait *wait, int bell)
{
	for (;;) {
		tach_wait_arm(wait);
		if (is_met(wait)) {
			tach_wait_disarm_unrung(wait);
			return;
		}
		poll_bell(bell);
		tach_wait_disarm(wait);
		if (is_met(wait))
			return;
	}
}

static uint64_t *find_room(void)
{
	uint64_t *room = tach_ring_short_room(&sender);

	if (room)
		return room;
#ifdef SENDER_SLEEPS
	tach_wait_set_target(&wait_space, tach_ring_space_target(&sender, 0));
	wait_until_met(&wait_space, BELL_SPACE);
#else
	SPIN_UNTIL(atomic_load_explicit(&head, memory_order_relaxed) != sender.head_seen);
	assert(tach_ring_has_space(&sender, 0) == 1);
#endif
	room = tach_ring_short_room(&sender);
	assert(room);
	return room;
}

static void *send(void *unused)
{
#ifndef SENDER_SLEEPS
	is_waker = true;
#endif
	for (uint32_t i = 0; i < MESSAGES; i++) {
		*(uint32_t *)find_room() = i;
		tach_ring_append(&sender, sizeof(i), i, false);
		meet_interrupt();
#ifdef HOISTED
		hoisted_word = atomic_load_explicit(&word_data, memory_order_relaxed);
		meet_interrupt();
#endif
		tach_ring_flush(&sender);
		(void)tach_waker_wake(&waker_data);
	}
#ifndef SENDER_SLEEPS
	meet_interrupt();
	rest();
#endif
	return unused;
}

static void *receive(void *unused)
{
#ifndef RECEIVER_SLEEPS
	is_waker = true;
#endif
	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct tachyon_message message;
#ifdef RECEIVER_SLEEPS
		int ret = tach_ring_receive(&receiver, &message);

		if (ret == 0) {
			wait_until_met(&wait_data, BELL_DATA);
			ret = tach_ring_receive(&receiver, &message);
		}
		assert(ret == 1);
#else
		SPIN_UNTIL(tach_ring_is_ready(&receiver));
		assert(tach_ring_receive(&receiver, &message) == 1);
		meet_interrupt();
#endif
		assert(message.type == i && *(const uint32_t *)message.data == i);
		assert(tach_ring_release(&receiver, message.position) == 0);
		(void)tach_waker_wake_at(&waker_space, receiver.released);
	}
#ifndef RECEIVER_SLEEPS
	meet_interrupt();
	rest();
#endif
	return unused;
}

int main(void)
{
	pthread_t threads[2];

	init_ring();
	init_wait(&wait_data, &word_data, BELL_DATA);
	init_wait(&wait_space, &word_space, BELL_SPACE);
	tach_waker_init(&waker_data, &word_data, BELL_DATA);
	tach_waker_init(&waker_space, &word_space, BELL_SPACE);
	wait_space.target = &target;
	waker_space.target = &target;
#ifdef WITH_MEMBARRIER
	wait_data.fence = wait_space.fence = TACH_FENCE_MEMBARRIER;
	waker_data.fence = waker_space.fence = TACH_FENCE_MEMBARRIER;
#endif
	pthread_create(&threads[0], NULL, send, NULL);
	pthread_create(&threads[1], NULL, receive, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return 0;
}
