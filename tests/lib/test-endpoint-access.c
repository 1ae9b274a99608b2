/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who may connect to whom, what a connector learns from a listener that refuses it or talks
 * nonsense, and what a listener does with peers that do.
 */
#include "connect.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "pair.h"
#include "raw-peer.h"
#include "system.h"

static struct tachyon_bus_options quick_options(int64_t timeout_ns)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.ring_size = 4096,
		.timeout_ns = timeout_ns,
	};
}

/* --- users --- */

struct visit {
	uid_t uid;
	bool any_uid; /* of the listener's that the visitor accepts */
	int expected;
};

static int visit_as(void *argument)
{
	const struct visit *const visit = argument;
	struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_bus *bus;
	int ret;

	options.access.any_uid = visit->any_uid;
	CHECK_EQ(setresuid(visit->uid, visit->uid, visit->uid), 0);
	ret = tachyon_bus_connect(ADDRESS, &options, &bus);
	if (ret == 0)
		tachyon_bus_destroy(bus);
	CHECK_EQ(ret, visit->expected);
	return 0;
}

static bool is_running(pid_t child)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/* Lets somebody else try; whoever is refused must not end our accept. */
static void receive_visitor(const struct tachyon_access *access, struct visit visit)
{
	struct tachyon_bus_options options = quick_options(0);
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	pid_t child;
	int ret;

	options.access = *access;
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	child = run_child(visit_as, &visit);
	do {
		ret = tachyon_listener_accept(listener, visit.expected ? 5 * MS : LONG_NS, &bus);
		CHECK_EQ(ret, visit.expected ? TACHYON_ERR_TIMEDOUT : 0);
	} while (visit.expected && is_running(child));
	if (ret == 0)
		tachyon_bus_destroy(bus);
	CHECK_EQ(wait_child(child), 0);
	tachyon_listener_destroy(listener);
}

static void open_the_directory(void)
{
	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0755), 0);
}

TEST(without_write_permission_on_the_socket_a_user_is_denied)
{
	open_the_directory();
	receive_visitor(&(struct tachyon_access){0},
			(struct visit){OTHER_UID, true, TACHYON_ERR_DENIED});
}

TEST(the_mode_of_the_socket_alone_lets_no_other_user_in)
{
	open_the_directory();
	for (int i = 0; i < 20; i++)
		receive_visitor(&(struct tachyon_access){.perms = 0666},
				(struct visit){OTHER_UID, true, TACHYON_ERR_DENIED});
}

TEST(a_user_on_the_list_is_let_in_and_one_that_is_not_is_denied)
{
	const uint32_t uids[] = {OTHER_UID - 1, OTHER_UID};
	const struct tachyon_access access = {.perms = 0666, .uids = uids, .uid_count = 2};

	open_the_directory();
	receive_visitor(&access, (struct visit){OTHER_UID, true, 0});
	receive_visitor(&access, (struct visit){OTHER_UID + 1, true, TACHYON_ERR_DENIED});
}

TEST(any_user_is_let_in_where_asked_for)
{
	open_the_directory();
	receive_visitor(&(struct tachyon_access){.perms = 0666, .any_uid = 1},
			(struct visit){OTHER_UID, true, 0});
}

TEST(a_connector_accepts_a_listener_of_its_own_user_only_unless_it_says_otherwise)
{
	open_the_directory();
	receive_visitor(&(struct tachyon_access){.perms = 0666, .any_uid = 1},
			(struct visit){OTHER_UID, false, TACHYON_ERR_DENIED});
}

/* --- rings --- */

TEST(a_ring_over_the_other_sides_limit_is_too_big_for_the_connector)
{
	struct tachyon_bus_options small = quick_options(LONG_NS);
	struct tachyon_bus_options large = quick_options(LONG_NS);
	struct tachyon_listener *listener;
	struct connecting connecting = {.options = &large};
	struct tachyon_bus *bus;
	struct helper helper;

	small.max_peer_ring_size = 8192;
	large.ring_size = 16384;
	CHECK_EQ(tachyon_listener_create(ADDRESS, &small, &listener), 0);
	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_listener_accept(listener, 200 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_TOO_BIG);
	tachyon_listener_destroy(listener);

	/* And the other way round: the listener has a bus then, whose peer leaves at once. */
	CHECK_EQ(tachyon_listener_create(ADDRESS, &large, &listener), 0);
	connecting.options = &small;
	start_helper(&helper, connect_in_helper, &connecting);
	if (tachyon_listener_accept(listener, 500 * MS, &bus) == 0) {
		CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
		tachyon_bus_destroy(bus);
	}
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_TOO_BIG);
	tachyon_listener_destroy(listener);
}

/* --- listeners that are not what they seem --- */

struct fake {
	void (*answer)(int sock, const struct tach_offer *offer);
	int expected;
};

static void answer_with(int sock, const struct tach_offer *offer, struct tach_hello lie)
{
	raw_send_hello(sock, offer, &lie);
}

static void answer_nonsense(int sock, const struct tach_offer *offer)
{
	static const char page[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

	(void)offer;
	raw_send(sock, page, sizeof(page) - 1, NULL, 0);
}

static void answer_newer_protocol(int sock, const struct tach_offer *offer)
{
	struct tach_hello hello = raw_hello(offer, TACH_PACKET_WELCOME);

	hello.protocol++;
	answer_with(sock, offer, hello);
}

static void answer_other_service(int sock, const struct tach_offer *offer)
{
	struct tach_hello hello = raw_hello(offer, TACH_PACKET_WELCOME);

	hello.service = TACH_SERVICE_FRAMES;
	answer_with(sock, offer, hello);
}

static void answer_hello(int sock, const struct tach_offer *offer)
{
	answer_with(sock, offer, raw_hello(offer, TACH_PACKET_HELLO));
}

static void answer_without_fds(int sock, const struct tach_offer *offer)
{
	const struct tach_hello hello = raw_hello(offer, TACH_PACKET_WELCOME);

	raw_send(sock, &hello, sizeof(hello), NULL, 0);
}

static void answer_reject(int sock, const struct tach_offer *offer)
{
	(void)offer;
	tach_hello_reject(sock, TACHYON_ERR_DENIED);
}

static void answer_nothing_and_leave(int sock, const struct tach_offer *offer)
{
	char packet[256];

	(void)offer;
	/* What stays unread would make it a reset. */
	(void)!recv(sock, packet, sizeof(packet), 0);
}

static void leave_at_once(int sock, const struct tach_offer *offer)
{
	(void)sock;
	(void)offer;
}

TEST(what_a_listener_answers_decides_the_error)
{
	static const struct fake fakes[] = {
		{answer_nonsense, TACHYON_ERR_CORRUPT},
		{answer_hello, TACHYON_ERR_CORRUPT},
		{answer_without_fds, TACHYON_ERR_CORRUPT},
		{answer_newer_protocol, TACHYON_ERR_VERSION},
		{answer_other_service, TACHYON_ERR_VERSION},
		{answer_reject, TACHYON_ERR_DENIED},
		{answer_nothing_and_leave, TACHYON_ERR_CLOSED},
		{leave_at_once, TACHYON_ERR_CLOSED},
	};
	const int listener = tach_sock_listen(ADDRESS);
	const int before = count_fds();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(fakes); i++) {
		const struct tachyon_bus_options options = quick_options(LONG_NS);
		struct connecting connecting = {.options = &options};
		struct raw_peer peer;
		struct helper helper;

		start_helper(&helper, connect_in_helper, &connecting);
		peer = raw_peer_begin(raw_accept(listener), TACH_SERVICE_BUS, 4096);
		CHECK(raw_wait_readable(peer.sock, RAW_TIMEOUT_NS));
		fakes[i].answer(peer.sock, &peer.offer);
		raw_peer_close(&peer);
		CHECK_EQ(finish_helper(&helper), fakes[i].expected);
		CHECK_EQ(count_fds(), before);
	}
	close(listener);
	unlink(ADDRESS);
}

TEST(a_listener_that_never_answers_is_etimedout)
{
	const int listener = tach_sock_listen(ADDRESS);
	const struct tachyon_bus_options options = quick_options(100 * MS);
	struct tachyon_bus *bus;
	const uint64_t start = tach_os_now_ns();

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 100 && ms_since(start) < 8000);
	close(listener);
	unlink(ADDRESS);
}

/* --- connectors that are not what they seem --- */

static void check_still_serves(struct tachyon_listener *listener)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct connecting connecting = {.options = &options};
	struct tachyon_bus *bus;
	struct helper helper;

	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(say(connecting.bus, "hello"), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "hello");
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(connecting.bus);
}

TEST(a_connector_that_is_refused_costs_only_itself)
{
	struct tachyon_listener *listener;
	struct raw_peer peer;
	struct tach_hello hello;
	struct tachyon_bus *bus;
	int before;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	before = count_fds();
	for (int lie = 0; lie < 6; lie++) {
		peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, 4096);
		hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
		switch (lie) {
		case 0:
			hello.protocol = 99;
			break;
		case 1:
			hello.service = TACH_SERVICE_FRAMES;
			break;
		case 2:
			hello.magic = 0x2f20544547ull;
			break;
		case 3:
			hello.ring_size = 64;
			break;
		case 4:
			hello.kind = TACH_PACKET_WELCOME;
			break;
		default:
			break;
		}
		if (lie == 5)
			raw_send(peer.sock, "GET / HTTP/1.1", 14, NULL, 0);
		else
			raw_send_hello(peer.sock, &peer.offer, &hello);
		CHECK_EQ(tachyon_listener_accept(listener, 50 * MS, &bus), TACHYON_ERR_TIMEDOUT);
		CHECK_EQ(raw_reject_code(peer.sock),
			 lie < 2 ? TACHYON_ERR_VERSION : TACHYON_ERR_CORRUPT);
		CHECK(raw_is_dropped(peer.sock, RAW_TIMEOUT_NS));
		raw_peer_close(&peer);
		CHECK_EQ(count_fds(), before);
	}
	check_still_serves(listener);
	tachyon_listener_destroy(listener);
}

TEST(connectors_that_say_nothing_hold_up_nobody_and_are_dropped)
{
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	int silent[10];
	uint64_t start;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++)
		silent[i] = raw_connect(ADDRESS);
	start = tach_os_now_ns();
	check_still_serves(listener);
	CHECK(ms_since(start) < 1500);

	while (ms_since(start) < 2500 && !raw_is_dropped(silent[TACH_ARRAY_SIZE(silent) - 1], MS))
		CHECK_EQ(tachyon_listener_accept(listener, 50 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++) {
		CHECK(raw_is_dropped(silent[i], MS));
		close(silent[i]);
	}
	tachyon_listener_destroy(listener);
}

TEST(even_many_silent_connectors_hold_up_others_less_long_than_a_handshake_may_take)
{
	struct tachyon_listener *listener;
	int silent[60];
	uint64_t start;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++)
		silent[i] = raw_connect(ADDRESS);
	start = tach_os_now_ns();
	check_still_serves(listener);
	/* 16 at a time make place after 0.1 s. */
	CHECK(ms_since(start) < 1500);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++)
		close(silent[i]);
	tachyon_listener_destroy(listener);
}

/* --- very many --- */

static int many(void)
{
	return test_is_long() ? 10000 : 2500;
}

static int connect_very_often(void *argument)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	const int count = many();
	struct tachyon_bus *bus;

	(void)argument;
	for (int i = 0; i < count; i++) {
		CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
		if (i % 3 == 0)
			CHECK_EQ(say(bus, "hello"), 0);
		tachyon_bus_destroy(bus);
	}
	return 0;
}

TEST_WITH_TIMEOUT(thousands_of_connects_and_disconnects_leak_nothing, 120)
{
	const struct tachyon_bus_options options = quick_options(0);
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	struct helper helper;
	const int count = many();
	int fds, mappings;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	fds = count_fds();
	mappings = count_memfd_mappings();
	start_helper(&helper, connect_very_often, NULL);
	for (int i = 0; i < count; i++) {
		CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
		if (i % 3 == 0)
			CHECK_STR_EQ(hear_within(bus, LONG_NS), "hello");
		tachyon_bus_destroy(bus);
	}
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_memfd_mappings(), mappings);
	tachyon_listener_destroy(listener);
}
