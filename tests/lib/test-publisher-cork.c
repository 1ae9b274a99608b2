/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Batches: what a cork holds back, when it shows, and what it costs.
 */
#include "frames.h"
#include "system.h"

#define PICTURE 4000u

static struct tachyon_publisher *make_blocking_publisher(uint32_t max_buffers)
{
	const struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_BLOCK, max_buffers);

	return make_publisher(&options);
}

TEST(nothing_shows_before_the_uncork_and_everything_after_it)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const struct tachyon_event event = text_event(3, 0, 0, "between");
	char text[] = "small";
	struct tachyon_frame small = {.data = text, .size = 6, .pts = 9};

	tachyon_publisher_cork(publisher);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "a"), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	CHECK_EQ(tachyon_publisher_send(publisher, &small), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	expect_nothing(subscriber);

	tachyon_publisher_uncork(publisher);

	expect_caps(subscriber, "a");
	take_frame(subscriber, PICTURE, 1);
	expect_event(subscriber, 3, "between");
	small = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_STR_EQ(small.data, "small");
	tachyon_frame_release(&small);
	take_frame(subscriber, PICTURE, 2);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 1);
	take_frame(subscriber, PICTURE, 3);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(corks_nest)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	tachyon_publisher_cork(publisher);
	tachyon_publisher_cork(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	tachyon_publisher_uncork(publisher);
	expect_nothing(subscriber);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	tachyon_publisher_uncork(publisher);
	take_frame(subscriber, PICTURE, 1);
	take_frame(subscriber, PICTURE, 2);
	/* One too many is nothing. */
	tachyon_publisher_uncork(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 1);
	take_frame(subscriber, PICTURE, 3);
	tachyon_publisher_cork(NULL);
	tachyon_publisher_uncork(NULL);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- what it costs --- */

static int take_ten(void *argument)
{
	struct tachyon_item item;

	for (int i = 0; i < 10; i++) {
		CHECK_EQ(tachyon_subscriber_receive(argument, &item, LONG_NS), 0);
		tachyon_frame_release(&item.frame);
	}
	return 0;
}

TEST(a_list_of_ten_wakes_each_subscriber_once)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[3];
	struct helper helpers[3];
	uint64_t wakes;

	for (int i = 0; i < 3; i++)
		subscribers[i] = join(publisher);
	for (int i = 0; i < 3; i++) {
		start_helper(&helpers[i], take_ten, subscribers[i]);
		EVENTUALLY(subscriber_figures(subscribers[i]).sleeps > 0);
	}
	/* Armed before it sleeps, and counted before it polls. */
	wakes = figures(publisher).wakes;
	tachyon_publisher_cork(publisher);
	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 3);
	CHECK_EQ(figures(publisher).wakes, wakes);
	tachyon_publisher_uncork(publisher);
	CHECK_EQ(figures(publisher).wakes, wakes + 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(finish_helper(&helpers[i]), 0);
		CHECK_EQ(subscriber_figures(subscribers[i]).sleeps, 1);
		tachyon_subscriber_destroy(subscribers[i]);
	}
	tachyon_publisher_destroy(publisher);
}

/* --- what shows all the same --- */

TEST(a_full_queue_answers_again_and_shows_what_there_is)
{
	struct tachyon_publisher *const publisher = make_blocking_publisher(3);
	struct tachyon_subscriber *const slow = join(publisher);
	struct tachyon_subscriber *const quick = join(publisher);

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 2);
	take_frame(quick, PICTURE, 0);
	tachyon_publisher_cork(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 2);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 2);
	expect_nothing(quick);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), TACHYON_ERR_AGAIN);

	/* Also to the one that was not in the way. */
	for (uint64_t i = 1; i < 3; i++)
		take_frame(quick, PICTURE, i);
	for (uint64_t i = 0; i < 3; i++)
		take_frame(slow, PICTURE, i);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 2);
	expect_nothing(slow);
	tachyon_publisher_uncork(publisher);
	take_frame(slow, PICTURE, 3);
	take_frame(quick, PICTURE, 3);
	tachyon_subscriber_destroy(slow);
	tachyon_subscriber_destroy(quick);
	tachyon_publisher_destroy(publisher);
}

struct reader {
	struct tachyon_subscriber *subscriber;
	uint64_t count;
};

static int read_in_order(void *argument)
{
	const struct reader *const reader = argument;
	struct tachyon_item item;

	for (uint64_t i = 0; i < reader->count; i++) {
		CHECK_EQ(tachyon_subscriber_receive(reader->subscriber, &item, LONG_NS), 0);
		CHECK(is_number(&item.frame, i));
		tachyon_frame_release(&item.frame);
	}
	return 0;
}

TEST(a_batch_of_more_than_the_ring_the_queue_and_the_memory_hold_goes_through)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.policy = TACHYON_POLICY_BLOCK,
		.max_buffers = 1000,
		.ring_size = 4096,
		.max_bytes = 64 * 4096,
	};
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct reader reader = {.subscriber = join(publisher), .count = 500};
	struct helper helper;

	start_helper(&helper, read_in_order, &reader);
	tachyon_publisher_cork(publisher);
	for (uint64_t i = 0; i < reader.count; i++) {
		while (publish_number(publisher, PICTURE, i) == TACHYON_ERR_AGAIN)
			CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
	}
	tachyon_publisher_uncork(publisher);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_subscriber_destroy(reader.subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_subscriber_that_would_miss_a_frame_is_shown_what_it_has)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 3);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);

	tachyon_publisher_cork(publisher);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), i < 3);
	for (uint64_t i = 0; i < 3; i++)
		take_frame(subscriber, PICTURE, i);
	tachyon_publisher_uncork(publisher);
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(memory_that_runs_out_shows_what_there_is)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.policy = TACHYON_POLICY_BLOCK,
		.max_buffers = 1000,
		.max_bytes = 1 << 20,
	};
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	uint64_t sent = 0;

	tachyon_publisher_cork(publisher);
	while (publish_number(publisher, PICTURE, sent) == 1)
		sent++;
	CHECK(sent > 10 && sent < 1000);
	for (uint64_t i = 0; i < sent; i++)
		take_frame(subscriber, PICTURE, i);
	CHECK_EQ(publish_number(publisher, PICTURE, sent), 1);
	tachyon_publisher_uncork(publisher);
	take_frame(subscriber, PICTURE, sent);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_wait_shows_what_there_is)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	tachyon_publisher_cork(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	(void)tachyon_publisher_wait(publisher, 0);
	take_frame(subscriber, PICTURE, 1);
	tachyon_publisher_uncork(publisher);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(what_a_cork_held_back_is_received_after_the_end)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	tachyon_publisher_cork(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	tachyon_publisher_destroy(publisher);
	take_frame(subscriber, PICTURE, 1);
	expect_end(subscriber, TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
}

TEST(who_joins_while_it_is_corked_sees_the_batch_at_the_uncork)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "a"), 0);
	tachyon_publisher_cork(publisher);
	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	expect_nothing(subscriber);
	tachyon_publisher_uncork(publisher);
	expect_caps(subscriber, "a");
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
