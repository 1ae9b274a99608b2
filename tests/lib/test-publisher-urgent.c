/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events as a publisher sends and takes them: to one or all, from many, bounded.
 */
#include <stdatomic.h>

#include "raw-peer.h"
#include "system.h"
#include "urgent-setup.h"

#define PICTURE 4000u

TEST(one_of_many_is_told_or_all)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[3];
	uint64_t ids[3];

	for (int i = 0; i < 3; i++) {
		subscribers[i] = join_urgent(publisher);
		ids[i] = await_notice(publisher, TACHYON_NOTICE_JOINED).subscriber;
	}
	CHECK_EQ(shout_to(publisher, ids[1], "you"), 0);
	CHECK_EQ(shout(publisher, "all"), 0);
	CHECK_STR_EQ(hear_urgent(subscribers[1]), "you");
	for (int i = 0; i < 3; i++) {
		CHECK_STR_EQ(hear_urgent(subscribers[i]), "all");
		CHECK_STR_EQ(hear_urgent_within(subscribers[i], 0), "EAGAIN");
		tachyon_subscriber_destroy(subscribers[i]);
	}
	tachyon_publisher_destroy(publisher);
}

TEST(who_is_not_there_is_enoent_and_who_left_too)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	const uint64_t id = await_notice(publisher, TACHYON_NOTICE_JOINED).subscriber;

	CHECK_EQ(shout_to(publisher, id + 1, "nobody"), -ENOENT);
	tachyon_subscriber_destroy(subscriber);
	/* Before and after that is noticed. */
	CHECK_EQ(shout_to(publisher, id, "nobody"), -ENOENT);
	CHECK_EQ(shout(publisher, "nobody"), 0);
	serve(publisher, 5);
	CHECK_EQ(shout_to(publisher, id, "nobody"), -ENOENT);
	tachyon_publisher_destroy(publisher);
}

TEST(who_leaves_but_still_holds_a_frame_is_not_told)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	const uint64_t id = await_notice(publisher, TACHYON_NOTICE_JOINED).subscriber;
	struct tachyon_frame frame;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	frame = expect_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(shout_to(publisher, id, "you"), -ENOENT);
	CHECK_EQ(shout(publisher, "all"), 0);
	tachyon_frame_release(&frame);
	tachyon_publisher_destroy(publisher);
}

TEST(what_cannot_be_sent_down_says_why)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	static const char large[4097];
	struct tachyon_event event = {.type = 1, .data = large, .size = sizeof(large)};

	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &event), TACHYON_ERR_TOO_BIG);
	event = (struct tachyon_event){.size = 1};
	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &event), -EINVAL);
	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_send_urgent(NULL, 0, &event), -EINVAL);
	tachyon_publisher_shutdown(publisher);
	CHECK_EQ(shout(publisher, "all"), TACHYON_ERR_CLOSED);
	CHECK_EQ(shout_to(publisher, 1, "you"), TACHYON_ERR_CLOSED);
	tachyon_publisher_destroy(publisher);
}

TEST(one_that_takes_nothing_does_not_keep_the_others_from_hearing)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const deaf = join_urgent(publisher);
	struct tachyon_subscriber *const keen = join_urgent(publisher);
	char text[32];
	int ret = 0;

	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ret = shout(publisher, text);
		CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
		CHECK_STR_EQ(hear_urgent(keen), text);
	}
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	CHECK_STR_EQ(hear_urgent(deaf), "0");
	tachyon_subscriber_destroy(keen);
	tachyon_subscriber_destroy(deaf);
	tachyon_publisher_destroy(publisher);
}

TEST(a_state_that_still_waits_for_room_does_not_keep_who_joins_from_hearing)
{
	const struct tachyon_publisher_options options = {.size = sizeof(options),
							  .ring_size = 4096};
	const struct tachyon_subscriber_options urgent = urgent_options();
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = make_subscriber(&urgent);
	struct tachyon_event event = text_event(3, TACHYON_EVENT_STICKY, 60, "state");
	struct helper helper;

	for (uint32_t i = 0; i < 200; i++) {
		event.id = i;
		CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	}
	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	while (pthread_tryjoin_np(helper.thread, NULL) != 0)
		serve(publisher, 1);
	CHECK_EQ(helper.result, 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);

	CHECK_EQ(shout(publisher, "flush"), 0);
	CHECK_STR_EQ(hear_urgent(subscriber), "flush");
	CHECK_EQ(call_up(subscriber, "not yet"), 0);
	CHECK_STR_EQ(hear_below(publisher), "not yet");
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- waiting beside them --- */

static int wait_for_an_event(void *publisher)
{
	struct tachyon_notice notice;

	for (;;) {
		while (tachyon_publisher_next_notice(publisher, &notice) == 1) {
			if (notice.type == TACHYON_NOTICE_EVENT)
				return 0;
		}
		CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
	}
}

TEST(who_waits_for_room_is_woken_and_the_event_is_a_notice)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 1);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct helper helper;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), TACHYON_ERR_AGAIN);
	start_helper(&helper, wait_for_an_event, publisher);
	sleep_ms(10);
	CHECK_EQ(call_up(subscriber, "me"), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- many --- */

#define CROWD 64

TEST(sixty_four_subscribers_hear_all_and_are_heard)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[CROWD];
	struct tachyon_notice notice;
	uint64_t seen = 0;

	for (int i = 0; i < CROWD; i++)
		subscribers[i] = join_urgent(publisher);
	while (tachyon_publisher_next_notice(publisher, &notice) == 1)
		;
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(shout(publisher, "to all"), 0);
		CHECK_EQ(publish_number(publisher, PICTURE, 1), CROWD);
		for (int i = 0; i < CROWD; i++) {
			CHECK_STR_EQ(hear_urgent(subscribers[i]), "to all");
			take_frame(subscribers[i], PICTURE, 1);
			CHECK_EQ(call_up(subscribers[i], "from me"), 0);
		}
		for (int i = 0; i < CROWD; i++) {
			notice = await_notice(publisher, TACHYON_NOTICE_EVENT);
			CHECK(notice.subscriber >= 1 && notice.subscriber <= CROWD);
			seen |= 1ull << (notice.subscriber - 1);
		}
		CHECK_EQ(seen, UINT64_MAX);
	}
	for (int i = 0; i < CROWD; i++)
		tachyon_subscriber_destroy(subscribers[i]);
	tachyon_publisher_destroy(publisher);
}

/* --- a forked child --- */

static int send_in_child(void *publisher)
{
	CHECK_EQ(shout(publisher, "child"), TACHYON_ERR_FORKED);
	tachyon_publisher_cork(publisher);
	tachyon_publisher_uncork(publisher);
	CHECK_EQ(tachyon_publisher_adopt(publisher, 0), TACHYON_ERR_FORKED);
	return 0;
}

TEST(a_forked_child_sends_nothing)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);

	CHECK_EQ(wait_child(run_child(send_in_child, publisher)), 0);
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "EAGAIN");
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- an older peer --- */

TEST(a_subscriber_that_does_not_know_of_them_is_sent_none_and_not_read)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, 1 << 16);
	struct tach_hello hello;
	char packet[64];

	peer.offer.features = 0;
	hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	raw_send_hello(peer.sock, &peer.offer, &hello);
	serve(publisher, 5);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	CHECK_EQ(shout(publisher, "all"), 0);
	CHECK_EQ(shout_to(publisher, 1, "you"), -ENOTSUP);
	CHECK_EQ(recv(peer.sock, packet, sizeof(packet), MSG_DONTWAIT), -1);
	/* It may say what it likes there. */
	CHECK_EQ(send(peer.sock, "nonsense", 8, MSG_NOSIGNAL), 8);
	serve(publisher, 5);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	raw_peer_close(&peer);
	tachyon_publisher_destroy(publisher);
}
