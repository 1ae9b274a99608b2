/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Doorbells in the hands of a liar: rung like mad, with anything, never drained, blocking, cut off,
 * one for both; at a bus, a publisher and a subscriber.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "honest.h"
#include "raw-bus.h"
#include "raw-publisher.h"
#include "raw-subscriber.h"

/* --- a storm --- */

struct storm {
	const struct raw_peer *liar;
	_Atomic bool is_over;
	_Atomic uint64_t count;
	struct helper helper;
};

static int ring_for_ever(void *argument)
{
	struct storm *const storm = argument;

	while (!storm->is_over) {
		raw_ring_bells(storm->liar);
		storm->count++;
	}
	return 0;
}

static void begin_storm(struct storm *storm, const struct raw_peer *liar)
{
	*storm = (struct storm){.liar = liar};
	start_helper(&storm->helper, ring_for_ever, storm);
	while (storm->count < 100)
		sched_yield();
}

static void end_storm(struct storm *storm)
{
	storm->is_over = true;
	CHECK_EQ(finish_helper(&storm->helper), 0);
}

HOSTILE_TEST(a_publisher_in_a_storm_of_bells_serves_the_others_and_its_waits_end)
{
	struct scene scene = make_scene();
	struct storm storm;
	uint64_t start;

	put_ref(&scene, TACH_WIRE_RETURN, &scene.held);
	begin_storm(&storm, &scene.liar);
	check_honest(&scene, 2);
	CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
	forget_news(scene.publisher);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_publisher_wait(scene.publisher, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < LONG_NS / MS);
	for (int i = 0; i < 20; i++) {
		if (tachyon_publisher_prepare(scene.publisher) == 0)
			CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
		CHECK_EQ(publish_number(scene.publisher, PICTURE, scene.next), 2);
		take_frame(scene.honest, PICTURE, scene.next++);
	}
	tachyon_publisher_cancel(scene.publisher);
	CHECK_EQ(tachyon_publisher_wait(scene.publisher, -1), TACHYON_ERR_CANCELED);
	end_storm(&storm);
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
	close_scene(&scene);
}

HOSTILE_TEST(a_subscriber_in_a_storm_of_bells_receives_and_its_waits_end)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	const struct tach_wire_frame frame = raw_frame(1);
	struct tachyon_item item;
	struct storm storm;
	uint64_t start;

	fill(raw_block(&raw, 1), 1000, 1000003);
	begin_storm(&storm, &raw.peer);
	for (int i = 0; i < 20; i++) {
		raw_put(&raw.peer, TACH_WIRE_FRAME, &frame, sizeof(frame), NULL);
		take_frame(raw.subscriber, 1000, 1);
	}
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < LONG_NS / MS);
	tachyon_subscriber_cancel(raw.subscriber);
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, -1), TACHYON_ERR_CANCELED);
	end_storm(&storm);
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

/* --- what is rung with --- */

/* As much as it takes, of any size, with descriptors. */
static int ring_with_everything(int bell)
{
	static const uint8_t bytes[60000];
	const int fds[4] = {0, 0, 0, 0};
	int count = 0;

	for (size_t i = 0; i < 100; i++) {
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(fds))];
		} control = {.bytes = {0}};
		struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes,
				       .iov_len = i % 3 ? (i % 2 ? 60000 : 1) : 0};
		struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

		if (i % 2) {
			message.msg_control = &control;
			message.msg_controllen = sizeof(control);
			control.header.cmsg_level = SOL_SOCKET;
			control.header.cmsg_type = SCM_RIGHTS;
			control.header.cmsg_len = CMSG_LEN(sizeof(fds));
			memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
		}
		count += sendmsg(bell, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	}
	return count;
}

HOSTILE_TEST(what_a_bell_is_rung_with_does_not_matter)
{
	struct raw_bus raw = make_raw_bus();
	const int before = count_fds();

	for (int i = 0; i < 20; i++) {
		CHECK(ring_with_everything(raw.liar.guest.data_bell) > 0);
		CHECK_STR_EQ(hear_within(raw.victim, 2 * MS), "ETIMEDOUT");
		CHECK_EQ(count_fds(), before);
		raw_say(&raw.liar, 0, "text", 5);
		CHECK_STR_EQ(hear_within(raw.victim, LONG_NS), "text");
	}
	CHECK_EQ(tachyon_bus_end(raw.victim), TACHYON_END_NONE);
	close_raw_bus(&raw);
}

/* --- bells that the liar made --- */

/* Its own end of the pair that the victim rings: blocking, tiny, full. */
static void spoil(const int pair[2])
{
	const int least = 1;

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(fcntl(pair[i], F_SETFL, 0), 0);
		CHECK_EQ(setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
		CHECK_EQ(setsockopt(pair[i], SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	}
	while (send(pair[1], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

/* It claims to fall asleep anew before each message, and hears them all. */
static void claim_sleep_and_hear(struct raw_bus *raw, uint32_t rounds)
{
	struct tach_segment_header *const header = raw->liar.offer.segment.header;
	char text[64];
	uint32_t type;

	for (uint32_t i = 0; i < rounds; i++) {
		atomic_store(&header->wait_data, i << 1 | 1);
		atomic_store(&header->wait_space, i << 1 | 1);
		CHECK_EQ(say(raw->victim, "text"), 0);
		CHECK_EQ(raw_hear(&raw->liar, &type, text, sizeof(text)), 5);
		raw_put(&raw->liar, 0, "back", 5, NULL);
		CHECK_STR_EQ(hear(raw->victim), "back");
	}
	CHECK_EQ(tachyon_bus_end(raw->victim), TACHYON_END_NONE);
}

HOSTILE_TEST(a_bell_that_is_full_and_blocks_holds_up_nobody)
{
	struct raw_bus raw = make_raw_bus();

	spoil(raw.liar.offer.data_bell);
	spoil(raw.liar.offer.space_bell);
	claim_sleep_and_hear(&raw, 500);
	close_raw_bus(&raw);
}

HOSTILE_TEST(a_bell_that_is_cut_off_or_leads_elsewhere_costs_its_owner_only)
{
	struct raw_bus raw = make_raw_bus();
	const struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "nowhere"};

	/* Both ends of one are gone, but for the victim's; the other's leads to itself. */
	tach_os_close(raw.liar.offer.data_bell[0]);
	raw.liar.offer.data_bell[0] = -1;
	(void)shutdown(raw.liar.offer.space_bell[1], SHUT_RDWR);
	(void)connect(raw.liar.offer.space_bell[1], (const struct sockaddr *)&nowhere,
		      sizeof(nowhere));
	claim_sleep_and_hear(&raw, 200);
	close_raw_bus(&raw);
}

static int connect_victim(void *bus)
{
	const struct tachyon_bus_options options = bus_options(RAW_BUS_RING, 1);

	return tachyon_bus_connect("liar", &options, bus);
}

HOSTILE_TEST(one_bell_for_both_or_the_victims_own_are_as_good_as_any)
{
	const int listener = tach_sock_listen("liar");

	for (int is_own = 0; is_own < 2; is_own++) {
		struct raw_bus raw;
		struct helper helper;
		struct tach_hello welcome;
		int fds[3];

		start_helper(&helper, connect_victim, &raw.victim);
		raw.liar = raw_peer_begin(raw_accept(listener), TACH_SERVICE_BUS, RAW_BUS_RING);
		raw_peer_attach(&raw.liar, TACH_PACKET_HELLO);
		welcome = raw_hello(&raw.liar.offer, TACH_PACKET_WELCOME);
		raw_offer_fds(&raw.liar.offer, fds);
		fds[1] = is_own ? raw.liar.guest.data_bell : fds[2];
		fds[2] = is_own ? raw.liar.guest.space_bell : fds[2];
		raw_send(raw.liar.sock, &welcome, sizeof(welcome), fds, 3);
		CHECK_EQ(finish_helper(&helper), 0);
		claim_sleep_and_hear(&raw, 200);
		CHECK_STR_EQ(hear_within(raw.victim, 2 * MS), "ETIMEDOUT");
		close_raw_bus(&raw);
	}
	close(listener);
	unlink("liar");
}

/* --- who never drains --- */

HOSTILE_TEST(a_subscriber_that_sleeps_for_ever_and_never_drains_holds_up_nobody)
{
	struct scene scene = make_scene();
	struct tach_segment_header *const header = scene.liar.offer.segment.header;

	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, TACHYON_POLICY_DROP, 0), 0);
	spoil(scene.liar.offer.data_bell);
	for (uint32_t i = 0; i < 1000; i++) {
		atomic_store(&header->wait_data, i << 1 | 1);
		atomic_store(&header->wait_space, i << 1 | 1);
		CHECK(publish_number(scene.publisher, PICTURE, scene.next) >= 1);
		take_frame(scene.honest, PICTURE, scene.next++);
	}
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
	close_scene(&scene);
}

HOSTILE_TEST(a_publisher_that_sleeps_for_ever_and_never_drains_blocks_no_release)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tach_segment_header *const header = raw.peer.offer.segment.header;
	char body[64];
	uint32_t type;

	tachyon_frame_release(&held);
	CHECK_EQ(raw_hear(&raw.peer, &type, body, sizeof(body)), sizeof(struct tach_wire_ref));
	spoil(raw.peer.offer.data_bell);
	fill(raw_block(&raw, 1), 1000, 1000003);
	for (uint32_t i = 0; i < 500; i++) {
		const struct tach_wire_frame frame = raw_frame(1);

		atomic_store(&header->wait_data, i << 1 | 1);
		atomic_store(&header->wait_space, i << 1 | 1);
		raw_put(&raw.peer, TACH_WIRE_FRAME, &frame, sizeof(frame), NULL);
		take_frame(raw.subscriber, 1000, 1);
		CHECK_EQ(raw_hear(&raw.peer, &type, body, sizeof(body)),
			 sizeof(struct tach_wire_ref));
	}
	CHECK_EQ(tachyon_subscriber_end(raw.subscriber), TACHYON_END_NONE);
	raw_publisher_close(&raw);
}
