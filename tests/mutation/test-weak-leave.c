/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that leaves, on a weak memory: what it sent before it said so is taken first.
 */
#include "harness.h"

#include "weak.h"

#include "audience.c"
#define put put_of_link
#define take_event take_event_of_link
#include "link.c"
#undef put
#undef take_event
#include "connection.c"

#define EXECUTIONS 5000
#define RING 256u
#define WISH 5u

static struct {
	struct tach_segment_header publisher_header, subscriber_header;
	_Alignas(64) uint8_t data[RING], other_data[RING];
	_Atomic uint64_t token;
	struct tachyon_bus publisher_bus, subscriber_bus;
	struct tach_connection connection;
} pair;

static struct tachyon_publisher publisher;

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
	tach_waker_init(&bus->data_waker, &peer->wait_data, -1);
	tach_waker_init(&bus->space_waker, &peer->wait_space, -1);
}

static void set_up_both(void)
{
	memset(&pair, 0, sizeof(pair));
	memset(&publisher, 0, sizeof(publisher));
	set_up(&pair.publisher_bus, &pair.publisher_header, &pair.subscriber_header, pair.data,
	       pair.other_data);
	set_up(&pair.subscriber_bus, &pair.subscriber_header, &pair.publisher_header,
	       pair.other_data, pair.data);
	publisher.audience.present = 1;
	publisher.audience.links[0].bus = &pair.publisher_bus;
	pair.connection.bus = &pair.subscriber_bus;
	/* A frame is held: it drains, and does not close. */
	pair.connection.held = 1;
	pair.connection.token = tach_os_process_token();
	pthread_mutex_init(&pair.connection.lock, NULL);
}

static void say_a_wish(void)
{
	const uint32_t wish = WISH;
	void *room;

	CHECK_EQ(tach_ring_reserve(&pair.subscriber_bus.sender, sizeof(wish), &room), 0);
	memcpy(room, &wish, sizeof(wish));
	CHECK_EQ(tach_ring_commit(&pair.subscriber_bus.sender, sizeof(wish), TACH_WIRE_NEED), 0);
	CHECK(tach_ring_flush(&pair.subscriber_bus.sender));
}

static void wish_and_drain(void)
{
	say_a_wish();
	tach_connection_close(&pair.connection);
}

static void wish_and_close(void)
{
	say_a_wish();
	/* As tachyon_bus_shutdown() does. */
	atomic_store_explicit(&pair.subscriber_header.state, TACH_STATE_CLOSED,
			      memory_order_release);
}

static void hear_all(void)
{
	struct tach_link *link = &publisher.audience.links[0];

	while (drain(&publisher, 0) == 0 && !link->is_leaving)
		weak_pause();
	CHECK_EQ(link->need, WISH);
}

static void meet(void (*subscriber)(void))
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		set_up_both();
		CHECK(weak_run(seed, (void (*const[])(void)){subscriber, hear_all}, 2));
	}
}

TEST_WITH_TIMEOUT(what_a_subscriber_said_before_it_drains_is_heard, 120)
{
	meet(wish_and_drain);
}

TEST_WITH_TIMEOUT(what_a_subscriber_said_before_it_closed_is_heard, 120)
{
	meet(wish_and_close);
}
