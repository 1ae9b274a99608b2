/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a hostile subscriber does to its publisher, each in a process of its own.
 */
#ifndef TACHYON_TESTS_ISOLATION_SIEGES_H
#define TACHYON_TESTS_ISOLATION_SIEGES_H

#include <sys/socket.h>

#include "isolation.h"
#include "urgent.h"
#include "wire.h"

#define BIG_RING (1ull << 20)

/* --- attacks: each lasts as long as the test --- */

static uint64_t the_end(void)
{
	return tach_os_now_ns() + (test_is_long() ? 5000 : 200) * MS;
}

/* Reads all that comes, and says so; gives nothing back. */
static void read_ring(struct raw_peer *peer)
{
	struct tachyon_message message;

	while (tach_ring_receive(&peer->receiver, &message) > 0)
		CHECK_EQ(tach_ring_release(&peer->receiver, message.position), 0);
}

static int hold_all(void *argument)
{
	const uint64_t end = the_end();
	struct raw_peer peer;

	(void)argument;
	join_raw(&peer, BIG_RING);
	while (tach_os_now_ns() < end) {
		read_ring(&peer);
		sleep_ms(1);
	}
	raw_peer_close(&peer);
	return 0;
}

/* As many as there may be beside the honest one. */
static int hold_all_together(void *argument)
{
	static struct raw_peer peers[8];
	const uint64_t end = the_end();

	(void)argument;
	for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++)
		join_raw(&peers[i], BIG_RING);
	while (tach_os_now_ns() < end) {
		for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++)
			read_ring(&peers[i]);
		sleep_ms(1);
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++)
		raw_peer_close(&peers[i]);
	return 0;
}

/* One after another, each as much as it gets; then it takes no more, and keeps what it has. */
static int hold_all_in_turn(void *argument)
{
	static struct raw_peer peers[12];
	const uint64_t turn = (test_is_long() ? 300 : 50) * MS;
	uint64_t start;

	(void)argument;
	for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++) {
		join_raw(&peers[i], BIG_RING);
		start = tach_os_now_ns();
		while (tach_os_now_ns() - start < turn) {
			read_ring(&peers[i]);
			sleep_ms(1);
		}
		atomic_store(&peers[i].offer.segment.header->state, TACH_STATE_DRAINING);
	}
	/* Until somebody is dropped for it, or for longer than a test starves. */
	start = tach_os_now_ns();
	while (tach_os_now_ns() - start < (uint64_t)STARVED_NS + 2000 * MS) {
		bool is_anybody_dropped = false;

		for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++)
			is_anybody_dropped |= is_hung_up(&peers[i]);
		if (is_anybody_dropped)
			break;
		sleep_ms(1);
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(peers); i++)
		raw_peer_close(&peers[i]);
	return 0;
}

static int read_nothing(void *argument)
{
	const uint64_t end = the_end();
	struct raw_peer peer;

	(void)argument;
	join_raw(&peer, 4096);
	while (tach_os_now_ns() < end)
		sleep_ms(1);
	raw_peer_close(&peer);
	return 0;
}

static int hold_with_the_largest_ring(void *argument)
{
	struct raw_peer peer;
	uint64_t end;

	(void)argument;
	join_raw(&peer, 64ull << 20);
	end = the_end();
	while (tach_os_now_ns() < end) {
		read_ring(&peer);
		sleep_ms(1);
	}
	raw_peer_close(&peer);
	return 0;
}

static int want_the_latest_and_hold(void *argument)
{
	static struct tachyon_frame held[4096];
	struct tachyon_subscriber_options options = {.size = sizeof(options), .latest_only = 1};
	const uint64_t end = the_end();
	struct tachyon_subscriber *subscriber = make_subscriber(&options);
	struct tachyon_item item;
	size_t count = 0;

	(void)argument;
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	tachyon_subscriber_set_need(subscriber, UINT32_MAX);
	while (tach_os_now_ns() < end && count < TACH_ARRAY_SIZE(held)) {
		if (tachyon_subscriber_receive(subscriber, &item, MS) == 0 &&
		    item.type == TACHYON_ITEM_FRAME)
			held[count++] = item.frame;
	}
	while (count > 0)
		tachyon_frame_release(&held[--count]);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

/* Fills its ring, again and again; who is dropped for that comes back. */
static int flood_ring(uint32_t type, const void *body, size_t size)
{
	const uint64_t end = the_end();
	struct raw_peer peer;

	join_raw(&peer, BIG_RING);
	while (tach_os_now_ns() < end) {
		while (try_put(&peer, type, body, size))
			;
		raw_ring_bells(&peer);
		read_ring(&peer);
		if (is_hung_up(&peer)) {
			raw_peer_close(&peer);
			join_raw(&peer, BIG_RING);
		}
	}
	raw_peer_close(&peer);
	return 0;
}

static int flood_returns(void *argument)
{
	const struct tach_wire_ref ref = {.segment = 1};

	(void)argument;
	return flood_ring(TACH_WIRE_RETURN, &ref, sizeof(ref));
}

static int flood_needs(void *argument)
{
	const uint32_t need = UINT32_MAX;

	(void)argument;
	return flood_ring(TACH_WIRE_NEED, &need, sizeof(need));
}

static int flood_unknown(void *argument)
{
	(void)argument;
	return flood_ring(4711, "", 0);
}

static int flood_events(uint32_t size)
{
	static char body[sizeof(struct tach_wire_event) + TACH_WIRE_UP_EVENT_MAX];
	const struct tach_wire_event event = {.type = 5, .size = size};

	memcpy(body, &event, sizeof(event));
	return flood_ring(TACH_WIRE_UP_EVENT, body, sizeof(event) + size);
}

static int flood_small_events(void *argument)
{
	(void)argument;
	return flood_events(0);
}

static int flood_large_events(void *argument)
{
	(void)argument;
	return flood_events(TACH_WIRE_UP_EVENT_MAX);
}

static int flood_urgent(void *argument)
{
	static const char data[TACH_URGENT_DATA_MAX];
	const struct tachyon_event event = {.type = 5, .data = data, .size = sizeof(data)};
	const uint64_t end = the_end();
	union tach_urgent_buffer packet;
	const ssize_t size = tach_urgent_put(&packet, &event);
	struct raw_peer peer;

	(void)argument;
	CHECK(size > 0);
	join_raw(&peer, 4096);
	while (tach_os_now_ns() < end)
		(void)send(peer.sock, &packet, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
	raw_peer_close(&peer);
	return 0;
}

static int flood_bells(void *argument)
{
	const uint64_t end = the_end();
	struct raw_peer peer;

	(void)argument;
	join_raw(&peer, 4096);
	while (tach_os_now_ns() < end)
		raw_ring_bells(&peer);
	raw_peer_close(&peer);
	return 0;
}

/* Connections that say nothing, or half a word: some of them open at a time. */
static int flood_handshakes(const void *word, size_t size)
{
	const uint64_t end = the_end();
	int socks[100];
	size_t count = 0;

	for (size_t i = 0; i < TACH_ARRAY_SIZE(socks); i++)
		socks[i] = -1;
	for (; tach_os_now_ns() < end; count++) {
		int *const sock = &socks[count % TACH_ARRAY_SIZE(socks)];

		tach_os_close(*sock);
		*sock = tach_sock_connect(ADDRESS);
		if (*sock < 0)
			sleep_ms(1);
		else if (size > 0)
			(void)send(*sock, word, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(socks); i++)
		tach_os_close(socks[i]);
	return 0;
}

static int connect_and_say_nothing(void *argument)
{
	(void)argument;
	return flood_handshakes(NULL, 0);
}

static int connect_and_say_half(void *argument)
{
	static const struct tach_hello hello = {.magic = TACH_MAGIC, .protocol = TACH_PROTOCOL};

	(void)argument;
	return flood_handshakes(&hello, 16);
}

static int join_and_leave(void *argument)
{
	const int times = test_is_long() ? 10000 : 300;

	(void)argument;
	for (int i = 0; i < times; i++) {
		struct raw_peer peer;

		join_raw(&peer, 4096);
		raw_peer_close(&peer);
	}
	return 0;
}

#endif
