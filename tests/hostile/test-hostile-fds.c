/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Every kind of descriptor in every place where one may come: in HELLO and WELCOME, of a bus and of
 * frames, and beside SEGMENT. The right code for each, nothing left, and others notice nothing.
 */
#include "bad-fds.h"
#include "honest.h"
#include "raw-publisher.h"

#define RING 4096u

/* --- in a handshake --- */

static void send_with(struct raw_peer *peer, enum tach_packet_kind kind, unsigned int place,
		      const struct bad_fd *bad)
{
	const struct tach_hello hello = raw_hello(&peer->offer, kind);
	const int fd = bad->open();
	int fds[3];

	CHECK(fd >= 0);
	raw_offer_fds(&peer->offer, fds);
	fds[place] = fd;
	raw_send(peer->sock, &hello, sizeof(hello), fds, 3);
	close(fd);
}

static void check_corrupt(const char *what, unsigned int place, int code)
{
	test_count_check();
	if (code != TACHYON_ERR_CORRUPT)
		test_fail(__FILE__, __LINE__, "%s as %u: %d (%s)", what, place, code,
			  tachyon_strerror(code));
}

static void accept_nobody(void *listener)
{
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_accept(listener, 5 * MS, &bus), TACHYON_ERR_TIMEDOUT);
}

static void serve_publisher(void *publisher)
{
	serve(publisher, 2);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
}

static void lie_to_listener(enum tach_service service, void (*serve_once)(void *listener),
			    void *listener)
{
	const int fds = count_fds(), mappings = count_memfd_mappings();

	for (size_t i = 0; i < 3 * TACH_ARRAY_SIZE(bad_fds); i++) {
		const struct bad_fd *const bad = &bad_fds[i / 3];
		struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), service, RING);

		send_with(&peer, TACH_PACKET_HELLO, i % 3, bad);
		serve_once(listener);
		check_corrupt(bad->what, i % 3, raw_reject_code(peer.sock));
		CHECK(raw_is_dropped(peer.sock, RAW_TIMEOUT_NS));
		raw_peer_close(&peer);
		CHECK_EQ(count_fds(), fds);
		CHECK_EQ(count_memfd_mappings(), mappings);
	}
}

HOSTILE_TEST(a_bus_listener_refuses_each_kind_of_fd_in_each_place)
{
	struct tachyon_listener *listener;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	lie_to_listener(TACH_SERVICE_BUS, accept_nobody, listener);
	tachyon_listener_destroy(listener);
}

HOSTILE_TEST(a_publisher_refuses_each_kind_of_fd_in_each_place)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	lie_to_listener(TACH_SERVICE_FRAMES, serve_publisher, publisher);
	CHECK_EQ(publish_number(publisher, 5000, 1), 1);
	take_frame(subscriber, 5000, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

static void lie_to_connector(enum tach_service service, int (*connect)(void *argument))
{
	const int listener = tach_sock_listen(ADDRESS);
	const int fds = count_fds(), mappings = count_memfd_mappings();

	for (size_t i = 0; i < 3 * TACH_ARRAY_SIZE(bad_fds); i++) {
		const struct bad_fd *const bad = &bad_fds[i / 3];
		struct helper helper;
		struct raw_peer peer;

		start_helper(&helper, connect, NULL);
		peer = raw_peer_begin(raw_accept(listener), service, RING);
		CHECK(raw_wait_readable(peer.sock, RAW_TIMEOUT_NS));
		send_with(&peer, TACH_PACKET_WELCOME, i % 3, bad);
		check_corrupt(bad->what, i % 3, finish_helper(&helper));
		CHECK(raw_is_dropped(peer.sock, RAW_TIMEOUT_NS));
		raw_peer_close(&peer);
		CHECK_EQ(count_fds(), fds);
		CHECK_EQ(count_memfd_mappings(), mappings);
	}
	close(listener);
	unlink(ADDRESS);
}

static int connect_bus(void *argument)
{
	const struct tachyon_bus_options options = bus_options(RING, 0);
	struct tachyon_bus *bus;
	const int ret = tachyon_bus_connect(ADDRESS, &options, &bus);

	(void)argument;
	if (ret == 0)
		tachyon_bus_destroy(bus);
	return ret;
}

HOSTILE_TEST(a_bus_connector_refuses_each_kind_of_fd_in_each_place)
{
	lie_to_connector(TACH_SERVICE_BUS, connect_bus);
}

static int connect_subscriber(void *argument)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	const int ret = tachyon_subscriber_connect(subscriber, LONG_NS);

	(void)argument;
	tachyon_subscriber_destroy(subscriber);
	return ret;
}

HOSTILE_TEST(a_subscriber_refuses_each_kind_of_fd_in_each_place)
{
	lie_to_connector(TACH_SERVICE_FRAMES, connect_subscriber);
}

/* --- beside SEGMENT --- */

HOSTILE_TEST(a_subscriber_refuses_each_kind_of_fd_as_payload)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(bad_fds); i++) {
		const int before = count_fds();
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);
		struct tach_wire_frame frame = raw_frame(1);
		const int fd = bad_fds[i].open();

		raw_announce(&raw, 2, fd);
		close(fd);
		frame.segment = 2;
		raw_say_frame(&raw, &frame);
		raw_check_corrupt(&raw, bad_fds[i].what);
		CHECK(is_number(&held, 0));
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
		CHECK_EQ(count_fds(), before);
	}
}

/* --- files that change meanwhile --- */

struct resizer {
	int fd;
	_Atomic bool is_over;
};

/* Longer and shorter, with holes and without; a seal forbids it at last. */
static int resize_for_ever(void *argument)
{
	struct resizer *const resizer = argument;

	while (!resizer->is_over) {
		(void)!ftruncate(resizer->fd, 4096);
		(void)!ftruncate(resizer->fd, 1 << 20);
		(void)fallocate(resizer->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192);
		(void)!ftruncate(resizer->fd, 8192);
		(void)fallocate(resizer->fd, 0, 0, 8192);
	}
	return 0;
}

HOSTILE_TEST(a_file_that_grows_and_shrinks_meanwhile_is_refused_or_sealed_in_time)
{
	for (int i = 0; i < 100; i++) {
		struct resizer resizer = {.fd = memory_file(8192, 8192, 0)};
		struct tach_segment segment;
		struct helper helper;
		int ret = -EBADMSG;

		start_helper(&helper, resize_for_ever, &resizer);
		for (int j = 0; j < 20 && ret == -EBADMSG; j++) {
			/* Sealed, bit by bit, under the checks. */
			if (j > 5)
				(void)fcntl(resizer.fd, F_ADD_SEALS,
					    j % 2 ? F_SEAL_SHRINK : F_SEAL_GROW);
			if (j > 10)
				(void)fcntl(resizer.fd, F_ADD_SEALS, BAD_SEALS);
			ret = tach_segment_attach(&segment, resizer.fd, TACH_SEGMENT_RING, 1 << 21);
		}
		resizer.is_over = true;
		CHECK_EQ(finish_helper(&helper), 0);
		CHECK(ret == 0 || ret == -EBADMSG);
		if (ret == 0) {
			for (uint64_t at = 0; at < 2 * segment.data_size; at += 64)
				CHECK_EQ(segment.data[at], 0);
			tach_segment_destroy(&segment);
		}
		close(resizer.fd);
	}
}

/* --- what is ours already --- */

static int connect_and_keep(void *bus)
{
	const struct tachyon_bus_options options = bus_options(RING, TACHYON_SPIN_NEVER);

	return tachyon_bus_connect(ADDRESS, &options, bus);
}

/* The victim's own segment and bells come back as the liar's: it talks to itself. */
HOSTILE_TEST(a_victim_that_gets_its_own_fds_back_is_unharmed)
{
	const int listener = tach_sock_listen(ADDRESS);
	struct tach_hello hello;
	struct tachyon_bus *bus;
	struct helper helper;
	size_t count;
	int fds[TACH_SOCK_FDS], sock;

	start_helper(&helper, connect_and_keep, &bus);
	sock = raw_accept(listener);
	CHECK(raw_wait_readable(sock, RAW_TIMEOUT_NS));
	CHECK_EQ(tach_sock_receive(sock, &hello, sizeof(hello), fds, &count), sizeof(hello));
	hello.kind = TACH_PACKET_WELCOME;
	raw_send(sock, &hello, sizeof(hello), fds, 3);
	CHECK_EQ(finish_helper(&helper), 0);

	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(say(bus, "to myself"), 0);
		CHECK_STR_EQ(hear_within(bus, LONG_NS), "to myself");
	}
	CHECK_STR_EQ(hear_within(bus, 5 * MS), "ETIMEDOUT");
	tachyon_bus_destroy(bus);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	close(sock);
	close(listener);
	unlink(ADDRESS);
}
