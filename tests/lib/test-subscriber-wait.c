/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that waits, polls, is cancelled, speaks upstream, comes again, and is copied by
 * fork().
 */
#include <signal.h>
#include <sys/socket.h>

#include "frames.h"
#include "system.h"

#define PICTURE 5000u

struct receiving {
	struct helper helper;
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	int64_t timeout_ns;
};

static int receive_in_helper(void *argument)
{
	struct receiving *const receiving = argument;

	return tachyon_subscriber_receive(receiving->subscriber, &receiving->item,
					  receiving->timeout_ns);
}

static void start_receiving(struct receiving *receiving, struct tachyon_subscriber *subscriber)
{
	const uint64_t before = subscriber_figures(subscriber).sleeps;

	*receiving = (struct receiving){.subscriber = subscriber, .timeout_ns = -1};
	start_helper(&receiving->helper, receive_in_helper, receiving);
	EVENTUALLY(subscriber_figures(subscriber).sleeps > before);
	sleep_ms(5);
}

/* --- waiting --- */

TEST(a_receive_ends_at_its_timeout)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_item item = {.type = 77};
	const uint64_t start = tach_os_now_ns();

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, NULL, 0), -EINVAL);
	CHECK_EQ(item.type, 77);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_frame_state_or_the_end_wakes_a_receiver)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct receiving receiving;

	start_receiving(&receiving, subscriber);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(finish_helper(&receiving.helper), 0);
	CHECK(is_number(&receiving.item.frame, 1));
	tachyon_frame_release(&receiving.item.frame);
	CHECK(figures(publisher).wakes >= 1);

	start_receiving(&receiving, subscriber);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), 0);
	CHECK_EQ(finish_helper(&receiving.helper), 0);
	CHECK_STR_EQ(receiving.item.caps, "caps");

	start_receiving(&receiving, subscriber);
	tachyon_publisher_destroy(publisher);
	CHECK_EQ(finish_helper(&receiving.helper), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
}

TEST(a_sleeping_subscriber_costs_its_publisher_at_most_two_system_calls_a_frame)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	take_frame(subscriber, PICTURE, 0);
	for (uint64_t i = 1; i < 20; i++) {
		struct receiving receiving;
		uint64_t before;

		start_receiving(&receiving, subscriber);
		before = tachyon_system_calls();
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		/* The receiver, in the same process, makes some of its own when it wakes. */
		CHECK(tachyon_system_calls() - before <= 8);
		CHECK_EQ(finish_helper(&receiving.helper), 0);
		tachyon_frame_release(&receiving.item.frame);
	}
	CHECK(figures(publisher).wakes <= 19);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_cancel_ends_a_receive_until_resumed)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct receiving receiving;
	struct tachyon_item item;

	start_receiving(&receiving, subscriber);
	tachyon_subscriber_cancel(subscriber);
	CHECK_EQ(finish_helper(&receiving.helper), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, -1), TACHYON_ERR_CANCELED);
	/* What is there needs no wait. */
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);

	tachyon_subscriber_resume(subscriber);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_cancel_before_the_connect_counts_for_the_receive_after_it)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_item item;

	tachyon_subscriber_cancel(subscriber);
	tachyon_subscriber_resume(subscriber);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_cancel(subscriber);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, -1), TACHYON_ERR_CANCELED);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- the caller's own poll --- */

static int poll_subscriber(struct tachyon_subscriber *subscriber, int timeout_ms)
{
	struct pollfd entry = {.fd = tachyon_subscriber_fd(subscriber), .events = POLLIN};

	CHECK(entry.fd >= 0);
	return poll(&entry, 1, timeout_ms);
}

TEST(a_prepared_fd_is_readable_when_an_item_or_the_end_comes)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(tachyon_subscriber_prepare(subscriber), 0);
	CHECK_EQ(poll_subscriber(subscriber, 0), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(poll_subscriber(subscriber, 5000), 1);
	tachyon_subscriber_dispatch(subscriber);
	take_frame(subscriber, PICTURE, 1);

	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	CHECK_EQ(tachyon_subscriber_prepare(subscriber), 1);
	tachyon_subscriber_dispatch(subscriber);
	take_frame(subscriber, PICTURE, 2);

	CHECK_EQ(tachyon_subscriber_prepare(subscriber), 0);
	tachyon_publisher_destroy(publisher);
	CHECK_EQ(poll_subscriber(subscriber, 5000), 1);
	tachyon_subscriber_dispatch(subscriber);
	expect_end(subscriber, TACHYON_END_CLOSED);
	CHECK(tachyon_subscriber_prepare(subscriber) != 0);
	tachyon_subscriber_dispatch(subscriber);
	tachyon_subscriber_destroy(subscriber);
}

TEST(a_new_segment_on_the_socket_does_not_keep_the_fd_readable)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	for (uint64_t i = 1; i < 8; i++) {
		/* Each size in a segment of its own, which is announced on the socket. */
		CHECK_EQ(publish_number(publisher, PICTURE << i, i), 1);
		take_frame(subscriber, PICTURE << i, i);
		CHECK_EQ(tachyon_subscriber_prepare(subscriber), 0);
		CHECK_EQ(poll_subscriber(subscriber, 0), 0);
		tachyon_subscriber_dispatch(subscriber);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- upstream --- */

TEST(joining_events_and_leaving_are_noticed)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const one = join(publisher);
	struct tachyon_subscriber *const two = join(publisher);
	const struct tachyon_event event = text_event(33, 0, 0, "key frame, please");
	struct tachyon_notice notice;
	uint64_t first;

	CHECK_EQ(tachyon_subscriber_send_event(two, &event), 0);
	tachyon_subscriber_destroy(one);
	serve(publisher, 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);

	CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
	CHECK_EQ(notice.type, TACHYON_NOTICE_JOINED);
	CHECK_EQ(notice.pid, getpid());
	first = notice.subscriber;
	CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
	CHECK_EQ(notice.type, TACHYON_NOTICE_JOINED);
	CHECK(notice.subscriber != first);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
		if (notice.type == TACHYON_NOTICE_LEFT) {
			CHECK_EQ(notice.subscriber, first);
			CHECK_EQ(notice.end, TACHYON_END_CLOSED);
			CHECK_EQ(notice.pid, getpid());
		} else {
			CHECK_EQ(notice.type, TACHYON_NOTICE_EVENT);
			CHECK(notice.subscriber != first);
			CHECK_EQ(notice.event.type, 33);
			CHECK_STR_EQ(notice.event.data, "key frame, please");
		}
	}
	CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 0);
	tachyon_subscriber_destroy(two);
	tachyon_publisher_destroy(publisher);
}

TEST(an_event_of_any_allowed_size_goes_up)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_notice notice;
	uint8_t data[4097];
	struct tachyon_event event = {.type = 1, .data = data};

	CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
	for (event.size = 0; event.size <= 4096; event.size += 512) {
		fill(data, event.size, event.size);
		CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), 0);
		memset(data, 0, sizeof(data));
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		CHECK_EQ(tachyon_publisher_next_notice(publisher, &notice), 1);
		CHECK_EQ(notice.event.size, event.size);
		CHECK(is_filled(notice.event.data, event.size, event.size));
	}
	event.size = 4097;
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), TACHYON_ERR_TOO_BIG);
	event = (struct tachyon_event){.size = 5};
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), -EINVAL);
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, NULL), -EINVAL);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_event_that_fits_once_segments_are_forgotten_is_eagain_and_not_too_big)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .ring_size = 4096};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_with(publisher, &options);
	static const uint8_t data[1500];
	const struct tachyon_event event = {.type = 1, .data = data, .size = sizeof(data)};
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), 0);
	/* Each in a segment of its own, each of which is to be answered for. */
	for (unsigned int i = 0; i < 10; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE << i, i), 1);
		take_frame(subscriber, PICTURE << i, i);
	}
	forget_news(publisher);
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), TACHYON_ERR_AGAIN);

	CHECK_EQ(tachyon_publisher_configure(publisher, PICTURE, 1), 0);
	for (unsigned int i = 0; i < 3; i++) {
		forget_news(publisher);
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), TACHYON_ERR_AGAIN);
	}
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(events_that_nobody_takes_are_eagain_and_leave_room_for_returns)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .ring_size = 4096};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_with(publisher, &options);
	const struct tachyon_event event = text_event(1, 0, 0, "hello");
	struct tachyon_frame held[64];
	uint64_t count = 0;
	int ret, events = 0;

	while (publish_number(publisher, PICTURE, count) == 1) {
		held[count] = expect_frame(subscriber, PICTURE, count);
		CHECK(++count < 64);
	}
	while ((ret = tachyon_subscriber_send_event(subscriber, &event)) == 0)
		CHECK(++events < 100);
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	for (uint64_t i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
	CHECK_EQ(blocks_in_use(publisher), 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_event_to_nobody_is_epipe)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	const struct tachyon_event event = text_event(1, 0, 0, "hello");
	struct tachyon_publisher *publisher;

	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), TACHYON_ERR_CLOSED);
	publisher = make_publisher(NULL);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	tachyon_publisher_destroy(publisher);
	expect_end(subscriber, TACHYON_END_CLOSED);
	CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), TACHYON_ERR_CLOSED);
	tachyon_subscriber_destroy(subscriber);
}

TEST(the_largest_need_is_known_and_goes_with_its_subscriber)
{
	struct tachyon_publisher *publisher = make_publisher(NULL);
	struct tachyon_subscriber *const one = join(publisher);
	struct tachyon_subscriber *const two = make_subscriber(NULL);

	CHECK_EQ(tachyon_publisher_need(publisher), 0);
	CHECK_EQ(tachyon_subscriber_set_need(one, 3), 0);
	CHECK_EQ(tachyon_subscriber_set_need(two, 8), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 3);
	CHECK_EQ(connect_to(publisher, two), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 8);
	CHECK_EQ(tachyon_subscriber_set_need(two, 2), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 3);
	tachyon_subscriber_destroy(one);
	serve(publisher, 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 2);
	tachyon_publisher_destroy(publisher);

	/* Kept over a reconnect. */
	publisher = make_publisher(NULL);
	CHECK_EQ(connect_to(publisher, two), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 2);
	tachyon_subscriber_destroy(two);
	tachyon_publisher_destroy(publisher);
}

/* --- coming again --- */

TEST(a_subscriber_comes_again_to_a_new_publisher_and_keeps_what_it_held)
{
	struct tachyon_publisher *publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	held = expect_frame(subscriber, PICTURE, 1);
	tachyon_publisher_destroy(publisher);
	expect_end(subscriber, TACHYON_END_CLOSED);

	publisher = make_publisher(NULL);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "new"), 0);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_NONE);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	expect_caps(subscriber, "new");
	take_frame(subscriber, PICTURE, 2);
	CHECK(is_number(&held, 1));
	tachyon_frame_release(&held);
	CHECK_EQ(subscriber_figures(subscriber).connects, 2);
	CHECK_EQ(subscriber_figures(subscriber).frames, 2);
	CHECK_EQ(subscriber_figures(subscriber).held, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(after_a_disconnect_subscribers_may_come_again)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held, later;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	held = expect_frame(subscriber, PICTURE, 1);
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	tachyon_publisher_disconnect(publisher);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	/* The block may be used again at once: who must know can tell. */
	CHECK_EQ(tachyon_frame_is_valid(&held), 0);
	tachyon_frame_release(&held);
	later = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	tachyon_frame_release(&later);
	expect_end(subscriber, TACHYON_END_CLOSED);

	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 1);
	take_frame(subscriber, PICTURE, 3);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- forked children --- */

struct family {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame acquired;
	struct tachyon_frame received;
};

static int use_everything(void *argument)
{
	struct family *const family = argument;
	const struct tachyon_event event = text_event(1, 0, 0, "hello");
	struct tachyon_frame frame;
	struct tachyon_item item;

	CHECK_EQ(tachyon_publisher_acquire(family->publisher, 1, &frame), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_publish(family->publisher, &family->acquired, NULL),
		 TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_send(family->publisher, &family->acquired), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_set_caps(family->publisher, "x"), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_send_event(family->publisher, &event), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_dispatch(family->publisher), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_wait(family->publisher, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_publisher_configure(family->publisher, 1, 1), TACHYON_ERR_FORKED);
	tachyon_publisher_cancel(family->publisher);
	tachyon_publisher_disconnect(family->publisher);
	(void)figures(family->publisher);
	CHECK_EQ(tachyon_subscriber_receive(family->subscriber, &item, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_subscriber_connect(family->subscriber, -1), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_subscriber_send_event(family->subscriber, &event), TACHYON_ERR_FORKED);
	tachyon_subscriber_cancel(family->subscriber);
	(void)subscriber_figures(family->subscriber);
	tachyon_frame_release(&family->received);
	tachyon_frame_release(&family->acquired);
	tachyon_subscriber_destroy(family->subscriber);
	tachyon_publisher_destroy(family->publisher);
	/* The bookkeeping of inherited frames stays, that they may be looked at: no leak check. */
	_exit(0);
}

TEST(a_forked_child_is_refused_and_disturbs_nothing)
{
	struct family family = {.publisher = make_publisher(NULL)};

	family.subscriber = join(family.publisher);
	CHECK_EQ(publish_number(family.publisher, PICTURE, 1), 1);
	CHECK_EQ(publish_number(family.publisher, PICTURE, 2), 1);
	CHECK_EQ(acquire_number(family.publisher, PICTURE, 3, &family.acquired), 0);
	family.received = expect_frame(family.subscriber, PICTURE, 1);
	CHECK_EQ(wait_child(run_child(use_everything, &family)), 0);

	CHECK_EQ(blocks_in_use(family.publisher), 3);
	CHECK(is_number(&family.received, 1));
	CHECK_EQ(tachyon_frame_is_valid(&family.received), 1);
	tachyon_frame_release(&family.received);
	CHECK_EQ(tachyon_publisher_commit(family.publisher, &family.acquired), 1);
	take_frame(family.subscriber, PICTURE, 2);
	take_frame(family.subscriber, PICTURE, 3);
	CHECK_EQ(blocks_in_use(family.publisher), 0);
	CHECK_EQ(tachyon_publisher_wait(family.publisher, 0) == TACHYON_ERR_CANCELED, 0);
	tachyon_subscriber_destroy(family.subscriber);
	tachyon_publisher_destroy(family.publisher);
}
