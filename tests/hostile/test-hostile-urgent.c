/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Lies on the socket, where urgent events travel, from either side: the liar's connection ends, and
 * nobody else notices.
 */
#include <linux/sockios.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "honest.h"
#include "raw-publisher.h"
#include "system.h"
#include "urgent-setup.h"
#include "urgent.h"

#define PICTURE 4000u

/* --- what is said --- */

struct lie {
	const char *what;
	size_t size;	 /* of the packet */
	uint64_t magic;	 /* added to the right one */
	uint32_t change; /* likewise to the protocol's number */
	uint32_t kind;
	uint32_t said; /* bytes of data, as it says */
	int fd_count;
};

static const struct lie lies[] = {
	{"no header", 8, .kind = TACH_PACKET_URGENT},
	{"nothing but a header", 16, .kind = TACH_PACKET_URGENT},
	{"a byte short", 39, .kind = TACH_PACKET_URGENT},
	{"data that are not there", 40, .kind = TACH_PACKET_URGENT, .said = 1},
	{"data without end", 40, .kind = TACH_PACKET_URGENT, .said = UINT32_MAX},
	{"data it does not tell of", 45, .kind = TACH_PACKET_URGENT},
	{"too long by a byte", 40 + 4097, .kind = TACH_PACKET_URGENT, .said = 4097},
	{"far too long", 60000, .kind = TACH_PACKET_URGENT, .said = 60000 - 40},
	{"another magic", 40, .magic = 1, .kind = TACH_PACKET_URGENT},
	{"another protocol", 40, .change = 1, .kind = TACH_PACKET_URGENT},
	{"no kind", 40, .kind = 0},
	{"HELLO", 64, .kind = TACH_PACKET_HELLO},
	{"REJECT", 128, .kind = TACH_PACKET_REJECT},
	{"a kind of later", 40, .kind = 99},
	{"a descriptor", 40, .kind = TACH_PACKET_URGENT, .fd_count = 1},
	{"four descriptors", 40, .kind = TACH_PACKET_URGENT, .fd_count = 4},
	{"five descriptors", 40, .kind = TACH_PACKET_URGENT, .fd_count = 5},
};

static void tell(int sock, const struct lie *lie)
{
	static char packet[65536];
	const struct tach_urgent_packet head = {
		.magic = TACH_MAGIC + lie->magic,
		.protocol = TACH_PROTOCOL + lie->change,
		.kind = lie->kind,
		.event = {.type = 9, .size = lie->said},
	};
	const int fds[5] = {0, 0, 0, 0, 0};

	memset(packet, 0, lie->size);
	memcpy(packet, &head, lie->size < sizeof(head) ? lie->size : sizeof(head));
	raw_send(sock, packet, lie->size, fds, (size_t)lie->fd_count);
}

/* An honest one, as far as the socket takes it. */
static bool murmur(int sock, const char *text)
{
	const struct tachyon_event event = text_event(9, 0, 0, text);
	union tach_urgent_buffer packet;
	const ssize_t size = tach_urgent_put(&packet, &event);

	return send(sock, &packet, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) == size;
}

/* --- to a publisher --- */

struct scene {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *honest;
	struct raw_peer liar;
	uint64_t next;
};

static struct raw_peer join_raw(struct tachyon_publisher *publisher)
{
	const uint32_t before = tachyon_publisher_subscribers(publisher);
	struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RAW_RING);
	const struct tach_hello hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);

	raw_send_hello(peer.sock, &peer.offer, &hello);
	while (tachyon_publisher_subscribers(publisher) == before)
		serve(publisher, 1);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	return peer;
}

static struct scene make_scene(void)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 8);
	struct scene scene = {.publisher = make_publisher(&options)};

	scene.honest = join_urgent(scene.publisher);
	scene.liar = join_raw(scene.publisher);
	return scene;
}

static void check_honest(struct scene *scene)
{
	CHECK(publish_number(scene->publisher, PICTURE, scene->next) >= 1);
	take_frame(scene->honest, PICTURE, scene->next++);
	(void)shout(scene->publisher, "to all");
	CHECK_STR_EQ(hear_urgent(scene->honest), "to all");
}

static void close_scene(struct scene *scene)
{
	raw_peer_close(&scene->liar);
	tachyon_subscriber_destroy(scene->honest);
	serve(scene->publisher, 1);
	CHECK_EQ(tachyon_publisher_subscribers(scene->publisher), 0);
	CHECK_EQ(blocks_in_use(scene->publisher), 0);
	tachyon_publisher_destroy(scene->publisher);
}

HOSTILE_TEST(a_publisher_drops_who_lies_on_the_socket_and_nobody_else)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct scene scene = make_scene();
		struct tachyon_notice notice;

		tell(scene.liar.sock, &lies[i]);
		notice = await_notice(scene.publisher, TACHYON_NOTICE_LEFT);
		if (notice.end != TACHYON_END_CORRUPT)
			test_fail(__FILE__, __LINE__, "%s: %d", lies[i].what, notice.end);
		CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 1);
		CHECK(raw_is_dropped(scene.liar.sock, RAW_TIMEOUT_NS));
		check_honest(&scene);
		close_scene(&scene);
	}
}

HOSTILE_TEST(what_stands_before_a_lie_is_heard_and_nothing_behind_it)
{
	struct scene scene = make_scene();
	struct tachyon_notice notice;

	CHECK(murmur(scene.liar.sock, "true"));
	tell(scene.liar.sock, &lies[0]);
	CHECK(murmur(scene.liar.sock, "too late"));
	CHECK_STR_EQ(hear_below(scene.publisher), "true");
	do {
		CHECK_EQ(tachyon_publisher_next_notice(scene.publisher, &notice), 1);
		CHECK(notice.type != TACHYON_NOTICE_EVENT);
	} while (notice.type != TACHYON_NOTICE_LEFT);
	close_scene(&scene);
}

struct flood {
	int sock;
	_Atomic bool is_over;
	_Atomic uint64_t count;
};

static int pour(void *argument)
{
	struct flood *const flood = argument;

	while (!flood->is_over) {
		if (murmur(flood->sock, "flood"))
			flood->count++;
		else
			sched_yield();
	}
	return 0;
}

HOSTILE_TEST(a_flood_of_urgent_events_is_bounded_and_starves_nobody)
{
	struct scene scene = make_scene();
	struct flood flood = {.sock = scene.liar.sock};
	struct helper helper;
	struct tachyon_notice notice;
	int notices = 0;

	start_helper(&helper, pour, &flood);
	for (int i = 0; i < 300 || flood.count < 2000; i++) {
		check_honest(&scene);
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
	}
	CHECK_EQ(call_up(scene.honest, "I am here"), 0);
	flood.is_over = true;
	CHECK_EQ(finish_helper(&helper), 0);
	while (tachyon_publisher_next_notice(scene.publisher, &notice) == 1)
		notices += notice.type == TACHYON_NOTICE_EVENT;
	CHECK(notices > 0 && notices <= 256);
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
	/* Where notices are taken, the honest one is heard between them. */
	CHECK_EQ(call_up(scene.honest, "still here"), 0);
	while (strcmp(hear_below(scene.publisher), "still here") != 0)
		;
	close_scene(&scene);
}

static int unread_bytes(int sock)
{
	int bytes;

	CHECK_EQ(ioctl(sock, SIOCOUTQ, &bytes), 0);
	return bytes;
}

/* However many wait, so few are taken in one turn, and the others have theirs. */
HOSTILE_TEST(very_many_urgent_events_are_taken_in_turns)
{
	struct scene scene = make_scene();
	int before;

	while (murmur(scene.liar.sock, "one of many"))
		;
	before = unread_bytes(scene.liar.sock);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
		CHECK(unread_bytes(scene.liar.sock) < before);
		CHECK(unread_bytes(scene.liar.sock) > before / 2);
	}
	check_honest(&scene);
	close_scene(&scene);
}

HOSTILE_TEST(a_flood_that_begins_before_the_welcome_is_no_lie)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 8);
	struct scene scene = {.publisher = make_publisher(&options)};
	struct flood flood;
	struct helper helper;
	struct tach_hello hello;

	scene.liar = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RAW_RING);
	hello = raw_hello(&scene.liar.offer, TACH_PACKET_HELLO);
	raw_send_hello(scene.liar.sock, &scene.liar.offer, &hello);
	flood = (struct flood){.sock = scene.liar.sock};
	start_helper(&helper, pour, &flood);
	/* The victim's others join while it pours. */
	scene.honest = join_urgent(scene.publisher);
	for (int i = 0; i < 100; i++) {
		check_honest(&scene);
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
	}
	EVENTUALLY((tachyon_publisher_dispatch(scene.publisher),
		    tachyon_publisher_subscribers(scene.publisher)) == 2);
	flood.is_over = true;
	CHECK_EQ(finish_helper(&helper), 0);
	raw_peer_attach(&scene.liar, TACH_PACKET_WELCOME);
	close_scene(&scene);
}

HOSTILE_TEST(random_packets_from_a_subscriber_harm_nobody)
{
	for (unsigned int seed = 1; seed <= 100; seed++) {
		struct scene scene = make_scene();
		uint32_t words[40];

		srandom(seed);
		for (int i = 0; i < 10; i++) {
			const size_t size = 1 + (size_t)random() % sizeof(words);

			for (size_t j = 0; j < TACH_ARRAY_SIZE(words); j++)
				words[j] = random() % 3 ? 0 : (uint32_t)random() % 200;
			if (random() % 4)
				memcpy(words, &(uint64_t){TACH_MAGIC}, 8);
			words[2] = 1;
			words[3] = random() % 4 ? TACH_PACKET_URGENT : (uint32_t)random() % 9;
			if (random() % 2)
				words[8] = (uint32_t)size - 40;
			(void)send(scene.liar.sock, words, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
		check_honest(&scene);
		close_scene(&scene);
	}
}

/* --- to a subscriber --- */

static struct raw_publisher make_urgent_raw(void)
{
	const struct tachyon_subscriber_options options = urgent_options();

	return make_raw_publisher(&options);
}

static void check_can_reconnect(struct tachyon_subscriber *subscriber)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);

	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 5), 1);
	take_frame(subscriber, PICTURE, 5);
	CHECK_EQ(shout(publisher, "honest"), 0);
	CHECK_STR_EQ(hear_urgent(subscriber), "honest");
	tachyon_publisher_destroy(publisher);
}

static void check_found_out(struct raw_publisher *raw, const char *what)
{
	struct tachyon_item item;
	uint64_t calls;
	int ret;

	/* Whoever waits for urgent events finds out, goes on waiting, and does not spin. */
	CHECK_STR_EQ(hear_urgent_within(raw->subscriber, 0), "EAGAIN");
	calls = tachyon_system_calls();
	CHECK_STR_EQ(hear_urgent_within(raw->subscriber, 5 * MS), "ETIMEDOUT");
	CHECK(tachyon_system_calls() - calls < 10);
	ret = tachyon_subscriber_receive(raw->subscriber, &item, LONG_NS);
	if (ret != TACHYON_ERR_CORRUPT)
		test_fail(__FILE__, __LINE__, "%s: %s", what, tachyon_strerror(ret));
	CHECK_EQ(tachyon_subscriber_end(raw->subscriber), TACHYON_END_CORRUPT);
	CHECK_EQ(call_up(raw->subscriber, "hello"), TACHYON_ERR_CLOSED);
}

/* Alone: it counts system calls. */
TEST(a_subscriber_leaves_a_publisher_that_lies_on_the_socket)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct raw_publisher raw = make_urgent_raw();
		struct tachyon_frame held = raw_publisher_begin(&raw);

		tell(raw.peer.sock, &lies[i]);
		check_found_out(&raw, lies[i].what);
		CHECK(is_number(&held, 0));
		tachyon_frame_release(&held);
		check_can_reconnect(raw.subscriber);
		raw_publisher_close(&raw);
	}
}

HOSTILE_TEST(the_receiving_thread_finds_the_same_lies)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct raw_publisher raw = make_urgent_raw();
		struct tachyon_frame held = raw_publisher_begin(&raw);
		struct tach_wire_frame frame = raw_frame(1);

		tell(raw.peer.sock, &lies[i]);
		frame.segment = 2;
		raw_say_frame(&raw, &frame);
		raw_check_corrupt(&raw, lies[i].what);
		CHECK_STR_EQ(hear_urgent_within(raw.subscriber, MS), "ETIMEDOUT");
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
	}
}

/* What an urgent thread met of segments is told to who names them, and to nobody who does not. */
HOSTILE_TEST(a_segment_that_is_none_is_found_out_by_who_names_it)
{
	for (int is_named = 0; is_named < 2; is_named++) {
		struct raw_publisher raw = make_urgent_raw();
		struct tachyon_frame held = raw_publisher_begin(&raw);
		struct tach_wire_frame frame = raw_frame(1);

		raw_announce(&raw, 2, 0);
		CHECK(murmur(raw.peer.sock, "behind it"));
		CHECK_STR_EQ(hear_urgent(raw.subscriber), "behind it");
		if (is_named)
			frame.segment = 2;
		fill(raw_block(&raw, 1), 1000, 1000003);
		raw_say_frame(&raw, &frame);
		if (is_named)
			raw_check_corrupt(&raw, "a segment that is none");
		else
			take_frame(raw.subscriber, 1000, 1);
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
	}
}

HOSTILE_TEST(an_urgent_event_from_who_did_not_say_it_sends_any_is_a_lie)
{
	const int listener = tach_sock_listen(ADDRESS);
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	struct raw_peer peer;
	struct tach_hello welcome;
	struct helper helper;
	struct tachyon_item item;
	struct tach_wire_frame frame = raw_frame(0);

	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	peer = raw_peer_begin(raw_accept(listener), TACH_SERVICE_FRAMES, RAW_RING);
	peer.offer.features = 0;
	raw_peer_attach(&peer, TACH_PACKET_HELLO);
	welcome = raw_hello(&peer.offer, TACH_PACKET_WELCOME);
	raw_send_hello(peer.sock, &peer.offer, &welcome);
	CHECK_EQ(finish_helper(&helper), 0);

	CHECK_EQ(call_up(subscriber, "hello"), -ENOTSUP);
	CHECK(murmur(peer.sock, "surprise"));
	CHECK_STR_EQ(hear_urgent_within(subscriber, MS), "ETIMEDOUT");
	raw_say(&peer, TACH_WIRE_FRAME, &frame, sizeof(frame));
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), TACHYON_ERR_CORRUPT);
	tachyon_subscriber_destroy(subscriber);
	raw_peer_close(&peer);
	close(listener);
	unlink(ADDRESS);
}

/* Its ring names a segment that never comes, while its socket never ends. */
HOSTILE_TEST(a_flood_before_a_segment_that_does_not_come_ends)
{
	struct raw_publisher raw = make_urgent_raw();
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tach_wire_frame frame = raw_frame(1);
	struct flood flood = {.sock = raw.peer.sock};
	struct helper helper;

	start_helper(&helper, pour, &flood);
	frame.segment = 2;
	raw_say_frame(&raw, &frame);
	raw_check_corrupt(&raw, "a segment that does not come");
	flood.is_over = true;
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

static int hear_until_canceled(void *argument)
{
	struct tachyon_event event;
	int ret;

	do {
		ret = tachyon_subscriber_receive_urgent(argument, &event, -1);
	} while (ret == 0);
	return ret;
}

HOSTILE_TEST(a_flood_keeps_nobody_from_cancelling_receiving_and_leaving)
{
	struct raw_publisher raw = make_urgent_raw();
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct flood flood = {.sock = raw.peer.sock};
	struct helper pouring, hearing;

	start_helper(&pouring, pour, &flood);
	start_helper(&hearing, hear_until_canceled, raw.subscriber);
	for (uint16_t i = 0; i < 100; i++) {
		const struct tach_wire_frame frame = raw_frame(1);

		fill(raw_block(&raw, 1), 1000, 1000003);
		raw_say_frame(&raw, &frame);
		take_frame(raw.subscriber, 1000, 1);
		tachyon_subscriber_cancel(raw.subscriber);
		tachyon_subscriber_resume(raw.subscriber);
	}
	EVENTUALLY(flood.count > 1000);
	tachyon_subscriber_cancel_urgent(raw.subscriber);
	CHECK_EQ(finish_helper(&hearing), TACHYON_ERR_CANCELED);
	tachyon_frame_release(&held);
	tachyon_subscriber_destroy(raw.subscriber);
	raw.subscriber = NULL;
	flood.is_over = true;
	CHECK_EQ(finish_helper(&pouring), 0);
	raw_publisher_close(&raw);
}
