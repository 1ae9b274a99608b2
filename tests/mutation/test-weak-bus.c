/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus on a weak memory: whoever waits for a message is woken, and whoever learns of the end, from
 * the peer's word or from another thread, finds what was flushed before.
 */
#include "harness.h"

#include "weak.h"

#define tach_os_membarrier weak_membarrier
#define tach_os_poll weak_poll
#define tach_sock_drain weak_drain
#define tach_sock_ring weak_ring
#include "bus-life.c"
#include "bus.c"
#include "wait.c"

#define EXECUTIONS 20000
#define RING 256u
/* What bells are called. */
#define DATA_BELL 0
#define SPACE_BELL 1

/* Only the words that are shared: no memory is mapped twice, no message reaches its end. */
static struct {
	struct tach_segment_header sender_header, receiver_header;
	_Alignas(64) uint8_t data[RING], other_data[RING];
	_Atomic uint64_t token;
	struct tachyon_bus sender, receiver;
	unsigned int rings[2];
	bool has_left;
	struct weak_parcel departure;
} pair;

bool weak_ring(int bell)
{
	pair.rings[bell]++;
	return true;
}

void weak_drain(int bell)
{
	pair.rings[bell] = 0;
}

static bool is_rung(void *data)
{
	return *(unsigned int *)data > 0;
}

/* Nothing but a bell ends a poll that waits. */
int weak_poll(struct pollfd *fds, size_t count, uint64_t deadline_ns)
{
	(void)count;
	if (deadline_ns == 0)
		return 0;
	weak_block(is_rung, &pair.rings[fds[0].fd]);
	fds[0].revents = POLLIN;
	return 1;
}

static void set_up(struct tachyon_bus *bus, struct tach_segment_header *own,
		   const struct tach_segment_header *peer, void *data, const void *peer_data)
{
	bus->own = own;
	bus->peer = peer;
	bus->token_word = &pair.token;
	bus->sock = bus->pidfd = bus->cancel_fd = bus->public_fd = -1;
	pthread_mutex_init(&bus->sleep_lock, NULL);
	tach_sender_init(&bus->sender, data, RING, &peer->head);
	tach_receiver_init(&bus->receiver, peer_data, RING, &own->head);
	tach_wait_init(&bus->data_wait, &own->wait_data, DATA_BELL);
	tach_wait_init(&bus->space_wait, &own->wait_space, SPACE_BELL);
	tach_waker_init(&bus->data_waker, &peer->wait_data, DATA_BELL);
	tach_waker_init(&bus->space_waker, &peer->wait_space, SPACE_BELL);
	set_fences(bus, TACH_FENCE_MEMBARRIER);
	/* The kernel is not asked: what it would say is played. */
	*(volatile uint64_t *)&bus->next_check_ns = UINT64_MAX;
}

#define MESSAGES 3u

static void send_some(void)
{
	for (uint32_t number = 1; number <= MESSAGES; number++)
		CHECK_EQ(tachyon_bus_send(&pair.sender, "some", 4, number, 0), 0);
}

static void receive_some(void)
{
	for (uint32_t number = 1; number <= MESSAGES; number++) {
		struct tachyon_message message;

		CHECK_EQ(tachyon_bus_receive(&pair.receiver, &message, -1), 0);
		CHECK_EQ(message.type, number);
		CHECK_EQ(tachyon_bus_release(&pair.receiver, &message), 0);
	}
}

/* As a caller with a poll of its own. */
static void poll_for_some(void)
{
	for (uint32_t number = 1; number <= MESSAGES; number++) {
		struct tachyon_message message;

		while (tachyon_bus_receive(&pair.receiver, &message, 0) == TACHYON_ERR_AGAIN) {
			if (tachyon_bus_prepare(&pair.receiver) == 0)
				weak_block(is_rung, &pair.rings[DATA_BELL]);
			tachyon_bus_dispatch(&pair.receiver);
		}
		CHECK_EQ(message.type, number);
		CHECK_EQ(tachyon_bus_release(&pair.receiver, &message), 0);
	}
}

static void send_and_leave(void)
{
	CHECK_EQ(tachyon_bus_send(&pair.sender, "last", 4, 7, 0), 0);
	tachyon_bus_shutdown(&pair.sender);
	weak_hand_over(&pair.departure);
	pair.has_left = true;
}

/* Never the end before the message. */
static void receive_and_see_the_end(void)
{
	struct tachyon_message message;
	int ret;

	while ((ret = tachyon_bus_receive(&pair.receiver, &message, 0)) == TACHYON_ERR_AGAIN)
		weak_pause();
	CHECK_EQ(ret, 0);
	CHECK_EQ(message.type, 7);
}

static void ask_for_the_end_and_receive(void)
{
	while (tachyon_bus_end(&pair.receiver) == TACHYON_END_NONE)
		weak_pause();
	CHECK(tach_ring_is_ready(&pair.receiver.receiver));
}

static bool has_left(void *data)
{
	(void)data;
	return pair.has_left;
}

/* Another thread of the receiver's, in a poll(). */
static void note_the_hangup(void)
{
	weak_block(has_left, NULL);
	weak_take(&pair.departure);
	tach_bus_note_hangup(&pair.receiver);
}

static void meet(void (*const threads[])(void), unsigned int count)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&pair, 0, sizeof(pair));
		set_up(&pair.sender, &pair.sender_header, &pair.receiver_header, pair.data,
		       pair.other_data);
		set_up(&pair.receiver, &pair.receiver_header, &pair.sender_header, pair.other_data,
		       pair.data);
		CHECK(weak_run(seed, threads, count));
	}
}

TEST_WITH_TIMEOUT(no_message_is_slept_through, 120)
{
	meet((void (*const[])(void)){send_some, receive_some}, 2);
}

TEST_WITH_TIMEOUT(no_message_is_polled_through, 120)
{
	meet((void (*const[])(void)){send_some, poll_for_some}, 2);
}

TEST_WITH_TIMEOUT(who_sees_that_the_peer_closed_finds_its_last_message, 120)
{
	meet((void (*const[])(void)){send_and_leave, receive_and_see_the_end}, 2);
}

TEST_WITH_TIMEOUT(who_hears_of_a_hangup_from_another_thread_finds_the_last_message, 120)
{
	meet((void (*const[])(void)){send_and_leave, note_the_hangup, receive_and_see_the_end}, 3);
}

TEST_WITH_TIMEOUT(who_asks_for_the_end_finds_the_last_message, 120)
{
	meet((void (*const[])(void)){send_and_leave, note_the_hangup, ask_for_the_end_and_receive},
	     3);
}
