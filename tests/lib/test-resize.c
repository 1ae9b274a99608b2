/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A connector that leaves the size of its ring open, and listeners that have a wish, or abuse it.
 */
#include <sys/un.h>

#include "connect.h"
#include "pair.h"
#include "raw-peer.h"
#include "system.h"

#define SMALL 4096u
#define LARGE (1u << 20)

static struct pair connect_with(uint64_t left, uint64_t right)
{
	const struct tachyon_bus_options listener = bus_options(left, TACHYON_SPIN_NEVER);
	const struct tachyon_bus_options connector = bus_options(right, TACHYON_SPIN_NEVER);

	return make_pair_with(&listener, &connector);
}

/* What the connector may send: a ring of n bytes takes messages of n - 128. */
static size_t connectors_ring(uint64_t left, uint64_t right)
{
	struct pair pair = connect_with(left, right);
	const size_t size = tachyon_bus_max_message(pair.right) + 128;

	CHECK_EQ(tachyon_bus_send(pair.right, "x", 1, 0, 0), 0);
	close_pair(&pair);
	return size;
}

/* --- honest ones --- */

TEST(a_connector_without_a_wish_takes_the_listeners_size_if_that_is_larger)
{
	CHECK_EQ(connectors_ring(LARGE, 0), LARGE);
	CHECK_EQ(connectors_ring(SMALL, 0), 65536);
	CHECK_EQ(connectors_ring(0, 0), 65536);
}

TEST(a_connector_with_a_wish_keeps_its_size)
{
	CHECK_EQ(connectors_ring(LARGE, SMALL), SMALL);
	CHECK_EQ(connectors_ring(SMALL, LARGE), LARGE);
}

TEST(options_of_an_older_program_without_a_ring_size_leave_it_open)
{
	const struct tachyon_bus_options listener = bus_options(LARGE, TACHYON_SPIN_NEVER);
	const struct tachyon_bus_options old = {
		.size = offsetof(struct tachyon_bus_options, ring_size),
	};
	struct pair pair = make_pair_with(&listener, &old);

	CHECK_EQ(tachyon_bus_max_message(pair.right) + 128, LARGE);
	close_pair(&pair);
	pair = make_pair_with(&listener, NULL);
	CHECK_EQ(tachyon_bus_max_message(pair.right) + 128, LARGE);
	close_pair(&pair);
}

TEST(a_listener_wishes_no_more_than_it_would_map)
{
	struct tachyon_bus_options listener = bus_options(LARGE, TACHYON_SPIN_NEVER);
	const struct tachyon_bus_options connector = bus_options(0, TACHYON_SPIN_NEVER);
	struct pair pair;

	listener.max_peer_ring_size = 3 * 65536;
	pair = make_pair_with(&listener, &connector);
	CHECK_EQ(tachyon_bus_max_message(pair.right) + 128, 2 * 65536);
	close_pair(&pair);
}

/* --- connectors that abuse it --- */

TEST(a_connector_that_leaves_its_size_open_twice_is_welcomed_as_it_is)
{
	const struct tachyon_bus_options options = bus_options(LARGE, TACHYON_SPIN_NEVER);
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	struct raw_peer peer;
	struct tach_hello hello;
	uint64_t size = 0;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, SMALL);
	hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	hello.features |= TACH_FEATURE_ANY_SIZE;

	raw_send_hello(peer.sock, &peer.offer, &hello);
	CHECK_EQ(tachyon_listener_accept(listener, 10 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	peer.offer.is_any_size = true;
	CHECK_EQ(tach_hello_receive_answer(peer.sock, &peer.offer, &peer.guest, &size), 1);
	CHECK_EQ(size, LARGE);

	raw_send_hello(peer.sock, &peer.offer, &hello);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	tachyon_bus_destroy(bus);
	raw_peer_close(&peer);
	tachyon_listener_destroy(listener);
}

/* --- listeners that abuse it --- */

struct bad_listener {
	int listener;
	uint64_t ring_size;
	unsigned int times;
	bool with_fds;
};

static int refuse_to_welcome(void *argument)
{
	const struct bad_listener *const bad = argument;
	struct raw_peer peer = raw_peer_begin(raw_accept(bad->listener), TACH_SERVICE_BUS, SMALL);
	struct tach_hello resize = raw_hello(&peer.offer, TACH_PACKET_RESIZE);

	resize.ring_size = bad->ring_size;
	for (unsigned int i = 0; i < bad->times; i++) {
		char hello[64];

		if (bad->with_fds)
			raw_send_hello(peer.sock, &peer.offer, &resize);
		else
			raw_send(peer.sock, &resize, sizeof(resize), NULL, 0);
		CHECK(raw_wait_readable(peer.sock, RAW_TIMEOUT_NS));
		if (recv(peer.sock, hello, sizeof(hello), 0) <= 0)
			break;
	}
	raw_peer_close(&peer);
	return 0;
}

static int listen_raw(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ADDRESS};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(ADDRESS);
	CHECK_EQ(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(sock, 8), 0);
	return sock;
}

/* What a connector makes of it; nothing may stay. */
static int meet(struct bad_listener bad, uint64_t wish)
{
	const struct tachyon_bus_options options = bus_options(wish, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus;
	struct helper helper;
	int before, ret;

	bad.listener = listen_raw();
	before = count_fds();
	start_helper(&helper, refuse_to_welcome, &bad);
	ret = tachyon_bus_connect(ADDRESS, &options, &bus);
	if (ret == 0)
		tachyon_bus_destroy(bus);
	finish_helper(&helper);
	CHECK_EQ(count_fds(), before);
	tach_os_close(bad.listener);
	unlink(ADDRESS);
	return ret;
}

TEST(a_listener_that_wishes_what_is_no_larger_ring_is_corrupt)
{
	const uint64_t sizes[] = {0, 1, SMALL, 65536, 65536 + 1, 100000};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++)
		CHECK_EQ(meet((struct bad_listener){.ring_size = sizes[i], .times = 1}, 0),
			 TACHYON_ERR_CORRUPT);
}

TEST(a_listener_that_wishes_more_than_the_limit_is_refused)
{
	CHECK_EQ(meet((struct bad_listener){.ring_size = 1ull << 40, .times = 1}, 0),
		 TACHYON_ERR_TOO_BIG);
	CHECK_EQ(meet((struct bad_listener){.ring_size = 128ull << 20, .times = 1}, 0),
		 TACHYON_ERR_TOO_BIG);
}

TEST(a_listener_that_wishes_twice_is_corrupt)
{
	CHECK_EQ(meet((struct bad_listener){.ring_size = 2 * 65536, .times = 2}, 0),
		 TACHYON_ERR_CORRUPT);
}

TEST(a_listener_that_wishes_unasked_or_sends_descriptors_with_it_is_corrupt)
{
	CHECK_EQ(meet((struct bad_listener){.ring_size = LARGE, .times = 1}, SMALL),
		 TACHYON_ERR_CORRUPT);
	CHECK_EQ(meet((struct bad_listener){.ring_size = LARGE, .times = 1, .with_fds = true}, 0),
		 TACHYON_ERR_CORRUPT);
}
