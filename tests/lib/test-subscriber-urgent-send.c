/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events as a subscriber sends them; and both ways at once, with frames and reconnects.
 */
#include <stdatomic.h>

#include "system.h"
#include "urgent-setup.h"

/* --- sending --- */

TEST(an_urgent_event_up_is_a_notice_and_makes_the_fd_readable)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	const uint64_t id = await_notice(publisher, TACHYON_NOTICE_JOINED).subscriber;
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};
	struct tachyon_notice notice;

	serve(publisher, 1);
	CHECK_EQ(poll(&entry, 1, 0), 0);
	CHECK_EQ(call_up(subscriber, "a key frame"), 0);
	CHECK_EQ(poll(&entry, 1, LONG_NS / MS), 1);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
	CHECK_EQ(notice.type, TACHYON_NOTICE_EVENT);
	CHECK_EQ(notice.subscriber, id);
	CHECK_EQ(notice.event.type, 9);
	CHECK_STR_EQ(notice.event.data, "a key frame");
	CHECK_EQ(poll(&entry, 1, 0), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_socket_that_is_full_answers_again_and_takes_more_later)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	int sent = 0;

	while (call_up(subscriber, "me") == 0)
		sent++;
	CHECK(sent >= 100);
	CHECK_EQ(call_up(subscriber, "me"), TACHYON_ERR_AGAIN);
	serve(publisher, 1);
	CHECK_EQ(call_up(subscriber, "me"), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(what_a_subscriber_says_before_it_leaves_is_heard)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct tachyon_notice notice;
	int events = 0, sent = 0;

	while (sent < 150 && call_up(subscriber, "going") == 0)
		sent++;
	tachyon_subscriber_destroy(subscriber);
	serve(publisher, 10);
	while (tachyon_publisher_next_notice(publisher, &notice) == 1)
		events += notice.type == TACHYON_NOTICE_EVENT;
	CHECK_EQ(events, sent);
	CHECK_EQ(notice.type, TACHYON_NOTICE_LEFT);
	tachyon_publisher_destroy(publisher);
}

TEST(what_cannot_be_sent_says_why)
{
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	static const char large[4097];
	struct tachyon_event event = {.type = 1, .data = large, .size = sizeof(large)};

	CHECK_EQ(call_up(subscriber, "anybody?"), TACHYON_ERR_CLOSED);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(tachyon_subscriber_send_urgent(subscriber, &event), TACHYON_ERR_TOO_BIG);
	event = (struct tachyon_event){.size = 1};
	CHECK_EQ(tachyon_subscriber_send_urgent(subscriber, &event), -EINVAL);
	CHECK_EQ(tachyon_subscriber_send_urgent(subscriber, NULL), -EINVAL);
	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, NULL, 0), -EINVAL);
	tachyon_publisher_destroy(publisher);
	EVENTUALLY(call_up(subscriber, "anybody?") == TACHYON_ERR_CLOSED);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(tachyon_subscriber_send_urgent(NULL, &event), -EINVAL);
	CHECK_EQ(tachyon_subscriber_urgent_fd(NULL), -1);
}

TEST(who_did_not_ask_for_urgent_events_neither_gets_nor_sends_any)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const uint64_t id = await_notice(publisher, TACHYON_NOTICE_JOINED).subscriber;

	CHECK_EQ(shout(publisher, "hello"), 0);
	CHECK_EQ(shout_to(publisher, id, "hello"), -ENOTSUP);
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "EOPNOTSUPP");
	CHECK_EQ(call_up(subscriber, "hello"), -ENOTSUP);
	CHECK_EQ(tachyon_subscriber_urgent_fd(subscriber), -1);
	tachyon_subscriber_cancel_urgent(subscriber);
	tachyon_subscriber_resume_urgent(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- all at once --- */

struct crowd {
	struct tachyon_subscriber *subscriber;
	_Atomic bool is_over;
	_Atomic uint32_t heard;
};

static int listen_all_day(void *argument)
{
	struct crowd *const crowd = argument;
	struct tachyon_event event;
	uint32_t last = 0;
	int ret;

	while ((ret = tachyon_subscriber_receive_urgent(crowd->subscriber, &event, -1)) == 0) {
		uint32_t number;

		CHECK_EQ(event.size, sizeof(number));
		memcpy(&number, event.data, sizeof(number));
		CHECK(number > last);
		last = number;
		atomic_fetch_add(&crowd->heard, 1);
		(void)call_up(crowd->subscriber, "heard");
	}
	CHECK_EQ(ret, TACHYON_ERR_CANCELED);
	return 0;
}

static int receive_all_day(void *argument)
{
	struct crowd *const crowd = argument;
	struct tachyon_item item;

	while (!crowd->is_over) {
		const int ret = tachyon_subscriber_receive(crowd->subscriber, &item, 5 * MS);

		if (ret == 0 && item.type == TACHYON_ITEM_FRAME)
			tachyon_frame_release(&item.frame);
		else if (ret == TACHYON_ERR_CLOSED)
			(void)tachyon_subscriber_connect(crowd->subscriber, 50 * MS);
		else
			CHECK(ret == 0 || ret == TACHYON_ERR_TIMEDOUT);
	}
	return 0;
}

TEST(frames_urgent_events_and_reconnects_at_once)
{
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct crowd crowd = {.subscriber = make_subscriber(&options)};
	struct helper listener, receiver;
	const uint64_t start = tach_os_now_ns();
	uint64_t frames = 0;
	uint32_t number = 0;

	start_helper(&listener, listen_all_day, &crowd);
	start_helper(&receiver, receive_all_day, &crowd);
	while (ms_since(start) < 1000 || crowd.heard < 100) {
		const struct tachyon_event event = {
			.type = 9, .data = &number, .size = sizeof(number)};
		struct tachyon_notice notice;

		CHECK(ms_since(start) < LONG_NS / MS);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		number++;
		(void)tachyon_publisher_send_urgent(publisher, 0, &event);
		(void)publish_number(publisher, 4096 * (1 + frames % 5), frames);
		frames++;
		while (tachyon_publisher_next_notice(publisher, &notice) == 1)
			;
		if (frames % 200 == 0)
			tachyon_publisher_disconnect(publisher);
		if (frames % 10 == 0)
			sleep_ms(1);
	}
	crowd.is_over = true;
	CHECK_EQ(finish_helper(&receiver), 0);
	tachyon_subscriber_cancel_urgent(crowd.subscriber);
	CHECK_EQ(finish_helper(&listener), 0);
	tachyon_subscriber_destroy(crowd.subscriber);
	tachyon_publisher_destroy(publisher);
}
