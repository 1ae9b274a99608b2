/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events as a subscriber takes them: beside the ring, over reconnects, on a thread of their
 * own.
 */
#include "system.h"
#include "urgent-setup.h"

#define PICTURE 4000u

static struct tachyon_publisher *make_slow_publisher(void)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 3);

	return make_publisher(&options);
}

/* --- taking --- */

TEST(an_urgent_event_arrives_as_it_was_sent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	const struct tachyon_event sent = {
		.type = 77, .order = 5, .id = 6, .data = "\0bytes", .size = 7};
	struct tachyon_event event;

	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &sent), 0);

	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, LONG_NS), 0);
	CHECK_EQ(event.type, 77);
	CHECK_EQ(event.order, 5);
	CHECK_EQ(event.id, 6);
	CHECK_EQ(event.size, 7);
	CHECK_MEM_EQ(event.data, "\0bytes", 7);
	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(empty_urgent_events_and_those_of_4_kib_arrive_in_order)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	char large[4096];
	struct tachyon_event event = {.type = 1, .data = large, .size = sizeof(large)};

	fill(large, sizeof(large), 3);
	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &event), 0);
	event = (struct tachyon_event){.type = 2};
	CHECK_EQ(tachyon_publisher_send_urgent(publisher, 0, &event), 0);

	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, LONG_NS), 0);
	CHECK_EQ(event.type, 1);
	CHECK_EQ(event.size, sizeof(large));
	CHECK(is_filled(event.data, event.size, 3));
	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, LONG_NS), 0);
	CHECK_EQ(event.type, 2);
	CHECK_EQ(event.size, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_urgent_event_overtakes_a_ring_that_is_full)
{
	struct tachyon_publisher *const publisher = make_slow_publisher();
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	uint64_t sent = 0;

	while (publish_number(publisher, PICTURE, sent) == 1)
		sent++;
	CHECK_EQ(publish_number(publisher, PICTURE, sent), TACHYON_ERR_AGAIN);

	CHECK_EQ(shout(publisher, "flush"), 0);

	CHECK_STR_EQ(hear_urgent(subscriber), "flush");
	for (uint64_t i = 0; i < sent; i++)
		take_frame(subscriber, PICTURE, i);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(segments_and_urgent_events_on_the_same_socket_do_not_get_into_each_others_way)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	char text[32];

	/* Each size has a segment of its own. The one who takes packets changes. */
	for (uint64_t i = 0; i < 60; i++) {
		const size_t size = 4096 * (1 + i) * 2;

		snprintf(text, sizeof(text), "before %d", (int)i);
		CHECK_EQ(shout(publisher, text), 0);
		CHECK_EQ(tachyon_publisher_configure(publisher, size, 1), 0);
		CHECK_EQ(publish_number(publisher, size, i), 1);
		if (i % 3 == 0)
			CHECK_STR_EQ(hear_urgent(subscriber), text);
		take_frame(subscriber, size, i);
		if (i % 3 != 0)
			CHECK_STR_EQ(hear_urgent_within(subscriber, 0), text);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* Many announced by the time that one is named: descriptors are not kept without a bound. */
TEST(segments_that_the_urgent_thread_met_do_not_use_up_descriptors)
{
	const struct tachyon_publisher_options options = publisher_options(0, 100);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	const int fds = count_fds();
	uint64_t number = 0;

	for (; number < 60; number++) {
		const size_t size = 4096 * (1 + number) * 2;

		CHECK_EQ(tachyon_publisher_configure(publisher, size, 1), 0);
		CHECK_EQ(publish_number(publisher, size, number), 1);
		CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "EAGAIN");
	}
	/* The publisher keeps one of each, too. */
	CHECK(count_fds() <= fds + 60 + 20);
	for (uint64_t i = 0; i < number; i++)
		take_frame(subscriber, 4096 * (1 + i) * 2, i);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_segment_lost_for_want_of_descriptors_is_told_to_who_names_it)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct tachyon_item item;
	struct rlimit old;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	old = limit_to(RLIMIT_NOFILE, (rlim_t)next_fd());
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "EAGAIN");
	setrlimit(RLIMIT_NOFILE, &old);

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), -EMFILE);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	take_frame(subscriber, PICTURE, 2);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(more_than_256_that_wait_are_dropped_and_the_oldest_kept)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	char text[32];
	int sent = 0, heard = 0;

	/* The ring thread, which looks for segments, moves them from the socket to the queue. */
	for (uint64_t i = 0; i < 20; i++) {
		for (int j = 0; j < 30; j++) {
			snprintf(text, sizeof(text), "%d", sent);
			CHECK_EQ(shout(publisher, text), 0);
			sent++;
		}
		CHECK_EQ(tachyon_publisher_configure(publisher, 8192 * (1 + i), 1), 0);
		CHECK_EQ(publish_number(publisher, 8192 * (1 + i), i), 1);
		take_frame(subscriber, 8192 * (1 + i), i);
	}
	for (; heard < 256; heard++) {
		snprintf(text, sizeof(text), "%d", heard);
		CHECK_STR_EQ(hear_urgent_within(subscriber, 0), text);
	}
	/* Only what was not off the socket yet when there was room again. */
	for (heard = 0; strcmp(hear_urgent_within(subscriber, 0), "EAGAIN") != 0; heard++)
		;
	CHECK(heard <= 30);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- waiting --- */

struct ear {
	struct tachyon_subscriber *subscriber;
	char text[64];
};

static int listen_once(void *argument)
{
	struct ear *const ear = argument;

	snprintf(ear->text, sizeof(ear->text), "%s", hear_urgent_within(ear->subscriber, -1));
	return 0;
}

static void wait_asleep(void)
{
	sleep_ms(20);
}

TEST(a_thread_that_waits_is_woken)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct ear ear = {.subscriber = join_urgent(publisher)};
	struct helper helper;

	start_helper(&helper, listen_once, &ear);
	wait_asleep();
	CHECK_EQ(shout(publisher, "wake"), 0);
	finish_helper(&helper);
	CHECK_STR_EQ(ear.text, "wake");
	tachyon_subscriber_destroy(ear.subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_thread_that_waits_is_woken_by_what_the_receiving_thread_met)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct pollfd entry = {.fd = tachyon_subscriber_urgent_fd(subscriber), .events = POLLIN};

	CHECK_EQ(poll(&entry, 1, 0), 0);
	CHECK_EQ(shout(publisher, "met"), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	/* It is off the socket, and still wakes. */
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "met");
	CHECK_EQ(poll(&entry, 1, 0), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(who_waits_before_there_is_a_connection_hears_over_two_of_them)
{
	const struct tachyon_subscriber_options options = urgent_options();
	struct ear ear = {.subscriber = make_subscriber(&options)};
	const int fd = tachyon_subscriber_urgent_fd(ear.subscriber);

	for (int i = 0; i < 2; i++) {
		struct tachyon_publisher *publisher;
		struct helper helper;
		char text[32];

		snprintf(text, sizeof(text), "number %d", i);
		start_helper(&helper, listen_once, &ear);
		wait_asleep();
		publisher = make_publisher(NULL);
		CHECK_EQ(connect_to(publisher, ear.subscriber), 0);
		CHECK_EQ(shout(publisher, text), 0);
		finish_helper(&helper);
		CHECK_STR_EQ(ear.text, text);
		tachyon_publisher_destroy(publisher);
		CHECK_EQ(tachyon_subscriber_urgent_fd(ear.subscriber), fd);
	}
	tachyon_subscriber_destroy(ear.subscriber);
}

TEST(what_was_said_before_the_end_is_heard_after_it)
{
	struct tachyon_publisher *publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);

	CHECK_EQ(shout(publisher, "last words"), 0);
	tachyon_publisher_destroy(publisher);
	expect_end(subscriber, TACHYON_END_CLOSED);
	publisher = make_publisher(NULL);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(shout(publisher, "first words"), 0);

	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "last words");
	CHECK_STR_EQ(hear_urgent(subscriber), "first words");
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_publisher_that_left_does_not_keep_who_waits_awake)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct pollfd entry = {.fd = tachyon_subscriber_urgent_fd(subscriber), .events = POLLIN};
	uint64_t calls;

	tachyon_publisher_destroy(publisher);
	/* Nothing comes of it, and it is not readable again. */
	CHECK_EQ(poll(&entry, 1, LONG_NS / MS), 1);
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "EAGAIN");
	CHECK_EQ(poll(&entry, 1, 0), 0);
	calls = tachyon_system_calls();
	CHECK_STR_EQ(hear_urgent_within(subscriber, 30 * MS), "ETIMEDOUT");
	CHECK(tachyon_system_calls() - calls < 5);
	tachyon_subscriber_destroy(subscriber);
}

/* --- cancelling --- */

TEST(a_cancel_of_its_own_ends_the_wait_until_resume)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct ear ear = {.subscriber = join_urgent(publisher)};
	struct helper helper;

	start_helper(&helper, listen_once, &ear);
	wait_asleep();
	tachyon_subscriber_cancel_urgent(ear.subscriber);
	finish_helper(&helper);
	CHECK_STR_EQ(ear.text, "ECANCELED");
	CHECK_EQ(shout(publisher, "later"), 0);
	CHECK_STR_EQ(hear_urgent(ear.subscriber), "ECANCELED");
	tachyon_subscriber_resume_urgent(ear.subscriber);
	CHECK_STR_EQ(hear_urgent(ear.subscriber), "later");
	tachyon_subscriber_destroy(ear.subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_cancel_that_is_taken_back_at_once_ends_a_wait_too)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct ear ear = {.subscriber = join_urgent(publisher)};
	struct helper helper;

	for (int i = 0; i < 100; i++) {
		start_helper(&helper, listen_once, &ear);
		if (i % 2)
			wait_asleep();
		while (pthread_tryjoin_np(helper.thread, NULL) != 0) {
			tachyon_subscriber_cancel_urgent(ear.subscriber);
			tachyon_subscriber_resume_urgent(ear.subscriber);
		}
		CHECK_STR_EQ(ear.text, "ECANCELED");
	}
	CHECK_STR_EQ(hear_urgent_within(ear.subscriber, 0), "EAGAIN");
	tachyon_subscriber_destroy(ear.subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(the_two_cancels_do_not_end_each_others_waits)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);
	struct tachyon_item item;

	tachyon_subscriber_cancel(subscriber);
	CHECK_STR_EQ(hear_urgent_within(subscriber, MS), "ETIMEDOUT");
	tachyon_subscriber_resume(subscriber);
	tachyon_subscriber_cancel_urgent(subscriber);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- a forked child --- */

static int use_in_child(void *argument)
{
	struct tachyon_subscriber *const subscriber = argument;
	struct tachyon_event event;

	CHECK_EQ(tachyon_subscriber_receive_urgent(subscriber, &event, 0), TACHYON_ERR_FORKED);
	CHECK_EQ(call_up(subscriber, "child"), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_subscriber_urgent_fd(subscriber), -1);
	tachyon_subscriber_cancel_urgent(subscriber);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

TEST(a_forked_child_does_not_take_its_parents_urgent_events)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_urgent(publisher);

	CHECK_EQ(shout(publisher, "for the parent"), 0);
	CHECK_EQ(wait_child(run_child(use_in_child, subscriber)), 0);
	CHECK_STR_EQ(hear_urgent_within(subscriber, 0), "for the parent");
	CHECK_EQ(shout(publisher, "still"), 0);
	CHECK_STR_EQ(hear_urgent(subscriber), "still");
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
