/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Handshakes that dribble, stop half-way, or never begin, on either side: each ends at its time,
 * and others are let in meanwhile.
 */
#include "honest.h"
#include "raw-peer.h"
#include "system.h"

#define LARGE (1u << 20)
#define RING 4096u
#define CROWD 150

/* --- connectors --- */

/* What one sends before it stops; true where that is the end of it at once. */
struct beginning {
	const char *what;
	bool (*begin)(struct raw_peer *peer);
};

static bool nothing(struct raw_peer *peer)
{
	(void)peer;
	return false;
}

static bool a_byte(struct raw_peer *peer)
{
	raw_send(peer->sock, "T", 1, NULL, 0);
	return true;
}

/* A packet of no bytes reads as the end. */
static bool an_empty_packet(struct raw_peer *peer)
{
	raw_send(peer->sock, "", 0, NULL, 0);
	return true;
}

static bool an_empty_packet_with_fds(struct raw_peer *peer)
{
	int fds[3];

	raw_offer_fds(&peer->offer, fds);
	raw_send(peer->sock, "", 0, fds, 3);
	return true;
}

static bool half_a_hello(struct raw_peer *peer)
{
	const struct tach_hello hello = raw_hello(&peer->offer, TACH_PACKET_HELLO);

	raw_send(peer->sock, &hello, sizeof(hello) / 2, NULL, 0);
	return true;
}

static bool a_hello_without_fds(struct raw_peer *peer)
{
	const struct tach_hello hello = raw_hello(&peer->offer, TACH_PACKET_HELLO);

	raw_send(peer->sock, &hello, sizeof(hello), NULL, 0);
	return true;
}

/* The listener asks for a larger ring, and waits. */
static bool a_hello_of_any_size(struct raw_peer *peer)
{
	struct tach_hello hello = raw_hello(&peer->offer, TACH_PACKET_HELLO);

	hello.features |= TACH_FEATURE_ANY_SIZE;
	raw_send_hello(peer->sock, &peer->offer, &hello);
	return false;
}

static const struct beginning beginnings[] = {
	{"nothing", nothing},
	{"a byte", a_byte},
	{"an empty packet", an_empty_packet},
	{"an empty packet with fds", an_empty_packet_with_fds},
	{"half a HELLO", half_a_hello},
	{"a HELLO without fds", a_hello_without_fds},
	{"a HELLO of any size", a_hello_of_any_size},
};

#define COUNT TACH_ARRAY_SIZE(beginnings)

static int connect_honestly(void *bus)
{
	const struct tachyon_bus_options options = bus_options(RING, 1);

	return tachyon_bus_connect(ADDRESS, &options, bus);
}

static void check_serves(struct tachyon_listener *listener)
{
	struct tachyon_bus *ours, *theirs;
	struct helper helper;

	start_helper(&helper, connect_honestly, &theirs);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &ours), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(say(theirs, "here"), 0);
	CHECK_STR_EQ(hear_within(ours, LONG_NS), "here");
	tachyon_bus_destroy(theirs);
	tachyon_bus_destroy(ours);
}

HOSTILE_TEST(handshakes_that_stop_anywhere_end_at_their_time_and_hold_up_nobody)
{
	const struct tachyon_bus_options options = bus_options(LARGE, 1);
	struct tachyon_listener *listener;
	struct raw_peer peers[COUNT];
	struct tachyon_bus *bus;
	const uint64_t start = tach_os_now_ns();
	int fds;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	fds = count_fds();
	for (size_t i = 0; i < COUNT; i++) {
		peers[i] = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, RING);
		(void)beginnings[i].begin(&peers[i]);
	}
	check_serves(listener);
	CHECK(ms_since(start) < 1900);
	/* All that are left have had their time now. */
	CHECK_EQ(tachyon_listener_accept(listener, 2300 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	for (size_t i = 0; i < COUNT; i++) {
		if (!raw_is_dropped(peers[i].sock, 0))
			test_fail(__FILE__, __LINE__, "%s: still there", beginnings[i].what);
		raw_peer_close(&peers[i]);
	}
	check_serves(listener);
	CHECK_EQ(count_fds(), fds);
	tachyon_listener_destroy(listener);
}

HOSTILE_TEST(subscribers_that_stop_anywhere_hold_up_nobody)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const first = join(publisher);
	struct tachyon_subscriber *later;
	struct raw_peer peers[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		peers[i] = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RING);
		if (i + 1 < COUNT && beginnings[i].begin(&peers[i])) {
			serve(publisher, 1);
			CHECK(raw_is_dropped(peers[i].sock, RAW_TIMEOUT_NS));
		}
	}
	later = join(publisher);
	CHECK_EQ(publish_number(publisher, 5000, 1), 2);
	take_frame(first, 5000, 1);
	take_frame(later, 5000, 1);
	for (size_t i = 0; i < COUNT; i++)
		raw_peer_close(&peers[i]);
	tachyon_subscriber_destroy(first);
	tachyon_subscriber_destroy(later);
	tachyon_publisher_destroy(publisher);
}

/* More than a publisher keeps in mind at a time: who has said nothing for longest makes place. */
HOSTILE_TEST(a_crowd_that_says_nothing_keeps_no_subscriber_out)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;
	int silent[CROWD], count = 0;

	while (count < CROWD) {
		silent[count] = tach_sock_connect(ADDRESS);
		if (silent[count] >= 0)
			count++;
		else
			CHECK_EQ(silent[count], -EAGAIN);
		serve(publisher, 0);
	}
	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, 5000, 1), 1);
	take_frame(subscriber, 5000, 1);
	for (int i = 0; i < CROWD; i++)
		close(silent[i]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- listeners --- */

struct silent_listener {
	int listener;
	bool asks_for_more; /* RESIZE, then nothing */
	int socks[2];
	_Atomic int accepted;
};

static int accept_and_be_silent(void *argument)
{
	struct silent_listener *const silent = argument;

	for (int i = 0; i < 2; i++) {
		struct raw_peer peer =
			raw_peer_begin(raw_accept(silent->listener), TACH_SERVICE_BUS, RING);
		struct tach_hello resize = raw_hello(&peer.offer, TACH_PACKET_RESIZE);

		resize.ring_size = LARGE;
		CHECK(raw_wait_readable(peer.sock, RAW_TIMEOUT_NS));
		if (silent->asks_for_more)
			raw_send(peer.sock, &resize, sizeof(resize), NULL, 0);
		silent->socks[i] = peer.sock;
		peer.sock = -1;
		raw_peer_close(&peer);
		silent->accepted++;
	}
	return 0;
}

static int connect_in_vain(void *argument)
{
	const struct tachyon_bus_options options = {.size = sizeof(options), .timeout_ns = MS};
	struct tachyon_bus *bus;

	(void)argument;
	return tachyon_bus_connect(ADDRESS, &options, &bus);
}

static int subscribe_in_vain(void *argument)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	const int ret = tachyon_subscriber_connect(subscriber, MS);

	(void)argument;
	tachyon_subscriber_destroy(subscriber);
	return ret;
}

HOSTILE_TEST(listeners_that_fall_silent_are_waited_for_a_handshakes_time)
{
	for (int asks = 0; asks < 2; asks++) {
		struct silent_listener silent = {.listener = tach_sock_listen(ADDRESS),
						 .asks_for_more = asks};
		const uint64_t start = tach_os_now_ns();
		const int fds = count_fds();
		struct helper accepting, bus, frames;

		start_helper(&accepting, accept_and_be_silent, &silent);
		start_helper(&bus, connect_in_vain, NULL);
		start_helper(&frames, asks ? connect_in_vain : subscribe_in_vain, NULL);
		CHECK_EQ(finish_helper(&accepting), 0);
		CHECK_EQ(finish_helper(&bus), TACHYON_ERR_TIMEDOUT);
		CHECK_EQ(finish_helper(&frames), TACHYON_ERR_TIMEDOUT);
		CHECK(ms_since(start) >= 1900 && ms_since(start) < LONG_NS / MS);
		close(silent.socks[0]);
		close(silent.socks[1]);
		CHECK_EQ(count_fds(), fds);
		close(silent.listener);
		unlink(ADDRESS);
	}
}
