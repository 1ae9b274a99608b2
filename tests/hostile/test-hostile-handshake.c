/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Every field of HELLO and WELCOME, and every descriptor beside them, lied about to each of the
 * four that shake hands: the right code for each lie, nothing left, and the next one is served.
 */
#include "handshake.h"

#include "honest.h"
#include "raw-peer.h"
#include "system.h"

#define RING 4096u

/* --- the lies --- */

struct lie {
	const char *what;
	void (*tell)(struct tach_hello *hello, int fds[8], size_t *count);
	int code;
};

#define FIELD_LIE(name, statement)                                                  \
	static void lie_##name(struct tach_hello *hello, int fds[8], size_t *count) \
	{                                                                           \
		(void)hello;                                                        \
		(void)fds;                                                          \
		(void)count;                                                        \
		statement;                                                          \
	}

FIELD_LIE(magic, hello->magic++)
FIELD_LIE(protocol, hello->protocol++)
FIELD_LIE(older_protocol, hello->protocol = 0)
FIELD_LIE(kind, hello->kind = TACH_PACKET_SEGMENT)
FIELD_LIE(swapped_kind, hello->kind ^= TACH_PACKET_HELLO ^ TACH_PACKET_WELCOME)
FIELD_LIE(byte_order, hello->byte_order = 0x04030201)
FIELD_LIE(word_size, hello->word_size = 2)
FIELD_LIE(service, hello->service ^= TACH_SERVICE_BUS ^ TACH_SERVICE_FRAMES)
FIELD_LIE(no_service, hello->service = 0)
FIELD_LIE(ring_size_zero, hello->ring_size = 0)
FIELD_LIE(ring_size_odd, hello->ring_size += 1)
FIELD_LIE(ring_size_double, hello->ring_size *= 2)
FIELD_LIE(ring_size_huge, hello->ring_size = UINT64_MAX)
FIELD_LIE(no_fds, *count = 0)
FIELD_LIE(one_fd, *count = 1)
FIELD_LIE(two_fds, *count = 2)
FIELD_LIE(four_fds, *count = 4)
FIELD_LIE(eight_fds, *count = 8)
FIELD_LIE(bell_is_segment, fds[1] = fds[0])
FIELD_LIE(space_bell_is_segment, fds[2] = fds[0])
FIELD_LIE(segment_is_bell, fds[0] = fds[1])
FIELD_LIE(bell_is_stdin, fds[1] = 0)
FIELD_LIE(segment_is_stdin, fds[0] = 0)

static const struct lie lies[] = {
	{"magic", lie_magic, TACHYON_ERR_CORRUPT},
	{"protocol", lie_protocol, TACHYON_ERR_VERSION},
	{"older protocol", lie_older_protocol, TACHYON_ERR_VERSION},
	{"kind", lie_kind, TACHYON_ERR_CORRUPT},
	{"swapped kind", lie_swapped_kind, TACHYON_ERR_CORRUPT},
	{"byte order", lie_byte_order, TACHYON_ERR_VERSION},
	{"word size", lie_word_size, TACHYON_ERR_VERSION},
	{"service", lie_service, TACHYON_ERR_VERSION},
	{"no service", lie_no_service, TACHYON_ERR_VERSION},
	{"ring size 0", lie_ring_size_zero, TACHYON_ERR_CORRUPT},
	{"odd ring size", lie_ring_size_odd, TACHYON_ERR_CORRUPT},
	{"double ring size", lie_ring_size_double, TACHYON_ERR_CORRUPT},
	{"huge ring size", lie_ring_size_huge, TACHYON_ERR_TOO_BIG},
	{"no fds", lie_no_fds, TACHYON_ERR_CORRUPT},
	{"one fd", lie_one_fd, TACHYON_ERR_CORRUPT},
	{"two fds", lie_two_fds, TACHYON_ERR_CORRUPT},
	{"four fds", lie_four_fds, TACHYON_ERR_CORRUPT},
	{"eight fds", lie_eight_fds, TACHYON_ERR_CORRUPT},
	{"data bell is the segment", lie_bell_is_segment, TACHYON_ERR_CORRUPT},
	{"space bell is the segment", lie_space_bell_is_segment, TACHYON_ERR_CORRUPT},
	{"segment is a bell", lie_segment_is_bell, TACHYON_ERR_CORRUPT},
	{"bell is stdin", lie_bell_is_stdin, TACHYON_ERR_CORRUPT},
	{"segment is stdin", lie_segment_is_stdin, TACHYON_ERR_CORRUPT},
};

static void send_lie(struct raw_peer *peer, enum tach_packet_kind kind, const struct lie *lie)
{
	struct tach_hello hello = raw_hello(&peer->offer, kind);
	size_t count = 3;
	int fds[8];

	raw_offer_fds(&peer->offer, fds);
	for (int i = 3; i < 8; i++)
		fds[i] = fds[1];
	lie->tell(&hello, fds, &count);
	raw_send(peer->sock, &hello, sizeof(hello), fds, count);
}

static void check_code(const struct lie *lie, int code)
{
	test_count_check();
	if (code != lie->code)
		test_fail(__FILE__, __LINE__, "%s: %d (%s) is not %d", lie->what, code,
			  tachyon_strerror(code), lie->code);
}

/* --- to those who listen --- */

/* What a listener that `serve` keeps going answers to each lie. */
static void lie_to_listener(enum tach_service service, void (*serve_once)(void *listener),
			    void *listener)
{
	const int before = count_fds();
	const int mappings = count_memfd_mappings();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), service, RING);

		send_lie(&peer, TACH_PACKET_HELLO, &lies[i]);
		serve_once(listener);
		check_code(&lies[i], raw_reject_code(peer.sock));
		CHECK(raw_is_dropped(peer.sock, RAW_TIMEOUT_NS));
		raw_peer_close(&peer);
		CHECK_EQ(count_fds(), before);
		CHECK_EQ(count_memfd_mappings(), mappings);
	}
}

static void accept_nobody(void *listener)
{
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_accept(listener, 20 * MS, &bus), TACHYON_ERR_TIMEDOUT);
}

HOSTILE_TEST(a_bus_listener_answers_each_lie_with_its_code)
{
	struct tachyon_listener *listener;
	struct raw_peer honest;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	lie_to_listener(TACH_SERVICE_BUS, accept_nobody, listener);

	honest = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, RING);
	CHECK_EQ(tach_hello_send(honest.sock, TACH_PACKET_HELLO, &honest.offer), 0);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	tachyon_bus_destroy(bus);
	raw_peer_close(&honest);
	tachyon_listener_destroy(listener);
}

static void serve_publisher(void *publisher)
{
	serve(publisher, 5);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
}

HOSTILE_TEST(a_publisher_answers_each_lie_with_its_code)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	lie_to_listener(TACH_SERVICE_FRAMES, serve_publisher, publisher);
	CHECK_EQ(publish_number(publisher, 5000, 1), 1);
	take_frame(subscriber, 5000, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- to those who connect --- */

static void lie_to_connector(enum tach_service service, int (*connect)(void *argument))
{
	const int listener = tach_sock_listen(ADDRESS);
	const int before = count_fds();
	const int mappings = count_memfd_mappings();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct raw_peer peer;
		struct helper helper;

		start_helper(&helper, connect, NULL);
		peer = raw_peer_begin(raw_accept(listener), service, RING);
		CHECK(raw_wait_readable(peer.sock, RAW_TIMEOUT_NS));
		send_lie(&peer, TACH_PACKET_WELCOME, &lies[i]);
		check_code(&lies[i], finish_helper(&helper));
		CHECK(raw_is_dropped(peer.sock, RAW_TIMEOUT_NS));
		raw_peer_close(&peer);
		CHECK_EQ(count_fds(), before);
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

HOSTILE_TEST(a_bus_connector_answers_each_lie_with_its_code)
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

HOSTILE_TEST(a_subscriber_answers_each_lie_with_its_code)
{
	lie_to_connector(TACH_SERVICE_FRAMES, connect_subscriber);
}

HOSTILE_TEST(a_reject_that_is_none_is_corrupt)
{
	const int listener = tach_sock_listen(ADDRESS);

	for (int lie = 0; lie < 3; lie++) {
		struct tach_reject reject = {
			.magic = TACH_MAGIC + (lie == 0),
			.protocol = TACH_PROTOCOL,
			.kind = lie == 1 ? TACH_PACKET_URGENT : TACH_PACKET_REJECT,
			.code = lie == 2 ? -ENOENT : TACHYON_ERR_DENIED,
		};
		struct helper helper;
		int sock;

		start_helper(&helper, connect_bus, NULL);
		sock = raw_accept(listener);
		CHECK(raw_wait_readable(sock, RAW_TIMEOUT_NS));
		raw_send(sock, &reject, sizeof(reject), NULL, 0);
		CHECK_EQ(finish_helper(&helper), TACHYON_ERR_CORRUPT);
		close(sock);
	}
	close(listener);
	unlink(ADDRESS);
}

/* --- what is nobody's business --- */

HOSTILE_TEST(what_is_reserved_is_ignored)
{
	struct tachyon_listener *listener;
	struct tach_hello hello;
	struct raw_peer peer;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, RING);
	hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	hello.features |= ~(TACH_FEATURE_MEMBARRIER | TACH_FEATURE_ANY_SIZE);
	hello.pid = UINT32_MAX;
	hello.reserved0 = UINT32_MAX;
	hello.reserved[0] = hello.reserved[1] = UINT64_MAX;
	raw_send_hello(peer.sock, &peer.offer, &hello);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	raw_say(&peer, 0, "text", 5);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "text");
	tachyon_bus_destroy(bus);
	raw_peer_close(&peer);
	tachyon_listener_destroy(listener);
}

/* --- many at once --- */

HOSTILE_TEST(a_crowd_of_liars_and_silent_ones_keeps_no_subscriber_out)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;
	struct raw_peer liars[10];
	int silent[10], before;
	uint64_t start;

	/* Payload memory stays. */
	CHECK_EQ(publish_number(publisher, 5000, 0), 0);
	before = count_fds();
	start = tach_os_now_ns();
	for (int i = 0; i < 10; i++) {
		silent[i] = raw_connect(ADDRESS);
		liars[i] = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RING);
		send_lie(&liars[i], TACH_PACKET_HELLO, &lies[(size_t)i * 2]);
	}
	subscriber = join(publisher);
	CHECK(ms_since(start) < 5000);
	CHECK_EQ(publish_number(publisher, 5000, 1), 1);
	take_frame(subscriber, 5000, 1);
	for (int i = 0; i < 10; i++) {
		raw_peer_close(&liars[i]);
		close(silent[i]);
	}
	tachyon_subscriber_destroy(subscriber);
	serve(publisher, 100);
	CHECK_EQ(count_fds(), before);
	tachyon_publisher_destroy(publisher);
}
