/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's memory: cookies that guard it, segments added, retired and forgotten, the limit;
 * and what a subscriber has mapped of it.
 */
#include "frames.h"
#include "system.h"

#define PICTURE 5000u

/* --- cookies --- */

static int cookie_of[100];

static bool is_cookie(const void *cookie)
{
	return (const int *)cookie >= cookie_of &&
	       (const int *)cookie < cookie_of + TACH_ARRAY_SIZE(cookie_of);
}

/* Takes all that are there; counts each. */
static int reclaim_all(struct tachyon_publisher *publisher)
{
	int count = 0;

	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	for (int *cookie; (cookie = tachyon_publisher_reclaim(publisher)); count++) {
		CHECK(is_cookie(cookie));
		++*cookie;
	}
	return count;
}

TEST(a_cookie_comes_back_once_after_the_last_subscriber_released)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const one = join(publisher);
	struct tachyon_subscriber *const two = join(publisher);
	struct tachyon_frame frame, held;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[0]), 2);
	CHECK_EQ(reclaim_all(publisher), 0);
	take_frame(one, PICTURE, 1);
	CHECK_EQ(reclaim_all(publisher), 0);
	held = expect_frame(two, PICTURE, 1);
	CHECK_EQ(reclaim_all(publisher), 0);
	tachyon_frame_release(&held);
	CHECK_EQ(reclaim_all(publisher), 1);
	CHECK_EQ(cookie_of[0], 1);
	CHECK_EQ(reclaim_all(publisher), 0);
	tachyon_publisher_abandon(publisher, &frame);
	tachyon_subscriber_destroy(one);
	tachyon_subscriber_destroy(two);
	tachyon_publisher_destroy(publisher);
}

TEST(a_block_published_twice_brings_two_cookies)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame, first, second;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[0]), 1);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[1]), 1);
	first = expect_frame(subscriber, PICTURE, 1);
	second = expect_frame(subscriber, PICTURE, 1);
	tachyon_frame_release(&second);
	CHECK_EQ(reclaim_all(publisher), 1);
	CHECK_EQ(tachyon_frame_is_valid(&first), 1);
	tachyon_frame_release(&first);
	CHECK_EQ(reclaim_all(publisher), 1);
	CHECK_EQ(cookie_of[0], 1);
	CHECK_EQ(cookie_of[1], 1);

	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[2]), 1);
	tachyon_publisher_abandon(publisher, &frame);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(reclaim_all(publisher), 1);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_frame_published_without_a_cookie_brings_none)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(reclaim_all(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* Publishes 100 with a cookie each to a subscriber that takes 60, and holds 10 of these. */
static struct tachyon_subscriber *publish_hundred(struct tachyon_publisher *publisher,
						  struct tachyon_frame held[10])
{
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	for (uint64_t i = 0; i < 100; i++) {
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frame), 0);
		CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[i]), 1);
		tachyon_publisher_abandon(publisher, &frame);
	}
	for (uint64_t i = 0; i < 60; i++) {
		frame = expect_frame(subscriber, PICTURE, i);
		if (i < 10)
			held[i] = frame;
		else
			tachyon_frame_release(&frame);
	}
	CHECK_EQ(reclaim_all(publisher), 50);
	return subscriber;
}

static void check_each_once(void)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(cookie_of); i++)
		CHECK_EQ(cookie_of[i], 1);
}

TEST(cookies_come_back_when_a_subscriber_leaves_save_of_frames_it_holds)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame held[10];
	struct tachyon_subscriber *const subscriber = publish_hundred(publisher, held);

	tachyon_subscriber_destroy(subscriber);
	serve(publisher, 0);
	CHECK_EQ(reclaim_all(publisher), 40);
	for (uint64_t i = 0; i < 10; i++) {
		CHECK(is_number(&held[i], i));
		tachyon_frame_release(&held[i]);
	}
	serve(publisher, 0);
	CHECK_EQ(reclaim_all(publisher), 10);
	check_each_once();
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(cookies_come_back_at_a_disconnect)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame held[10];
	struct tachyon_subscriber *const subscriber = publish_hundred(publisher, held);

	tachyon_publisher_disconnect(publisher);
	CHECK_EQ(reclaim_all(publisher), 50);
	check_each_once();
	for (int i = 0; i < 10; i++)
		tachyon_frame_release(&held[i]);
	CHECK_EQ(reclaim_all(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(cookies_come_back_when_a_slow_subscriber_is_dropped)
{
	const struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_DISCONNECT, 5);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const slow = join(publisher);
	struct tachyon_frame frame;

	for (uint64_t i = 0; i < 6; i++) {
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frame), 0);
		CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie_of[i]), i < 5);
		tachyon_publisher_abandon(publisher, &frame);
	}
	CHECK_EQ(reclaim_all(publisher), 5);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

/* --- growing --- */

TEST(memory_comes_with_the_first_frame_and_grows_with_need)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame frames[200];
	struct tachyon_publisher_stats stats = figures(publisher);

	CHECK_EQ(stats.blocks, 0);
	CHECK_EQ(stats.payload_bytes, 0);
	for (uint64_t i = 0; i < 200; i++)
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frames[i]), 0);
	stats = figures(publisher);
	CHECK(stats.blocks >= 200);
	CHECK_EQ(stats.blocks - stats.blocks_free, 200);
	CHECK(stats.payload_bytes >= 200 * 8192);
	for (uint64_t i = 0; i < 200; i++) {
		CHECK(is_number(&frames[i], i));
		tachyon_publisher_abandon(publisher, &frames[i]);
	}
	tachyon_publisher_destroy(publisher);
}

TEST(blocks_of_many_segments_reach_a_subscriber)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 400);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held[300];
	struct tachyon_subscriber *late;

	for (uint64_t i = 0; i < 300; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	for (uint64_t i = 0; i < 300; i++)
		held[i] = expect_frame(subscriber, PICTURE, i);
	CHECK(subscriber_figures(subscriber).mapped_bytes >= 300 * 8192);

	/* A late one maps only what it gets. */
	late = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 300), 2);
	take_frame(late, PICTURE, 300);
	CHECK(subscriber_figures(late).mapped_bytes < subscriber_figures(subscriber).mapped_bytes);
	for (int i = 0; i < 300; i++)
		tachyon_frame_release(&held[i]);
	take_frame(subscriber, PICTURE, 300);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(late);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(configuring_has_the_memory_there_before_the_first_frame)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame frames[10];
	uint64_t before;

	CHECK_EQ(tachyon_publisher_configure(publisher, 100000, 10), 0);
	CHECK(figures(publisher).blocks >= 10);
	before = figures(publisher).payload_bytes;
	CHECK(before >= 10 * 100000);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(tachyon_publisher_acquire(publisher, 100000, &frames[i]), 0);
	CHECK_EQ(figures(publisher).payload_bytes, before);
	for (int i = 0; i < 10; i++)
		tachyon_publisher_abandon(publisher, &frames[i]);
	CHECK_EQ(tachyon_publisher_configure(publisher, 100000, 10), 0);
	CHECK_EQ(tachyon_publisher_configure(publisher, 100000, 0), 0);
	CHECK_EQ(figures(publisher).payload_bytes, before);
	tachyon_publisher_destroy(publisher);
}

/* --- shrinking --- */

TEST(after_a_change_of_size_the_old_memory_goes_on_both_sides)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	uint64_t small_bytes;

	CHECK_EQ(publish_number(publisher, 1 << 20, 0), 1);
	take_frame(subscriber, 1 << 20, 0);
	CHECK(subscriber_figures(subscriber).mapped_bytes >= 4 << 20);

	CHECK_EQ(tachyon_publisher_configure(publisher, 20000, 4), 0);
	for (uint64_t i = 1; i < 5; i++) {
		CHECK_EQ(publish_number(publisher, 20000, i), 1);
		take_frame(subscriber, 20000, i);
	}
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	small_bytes = figures(publisher).payload_bytes;
	CHECK(small_bytes < 4 << 20);
	/* What it counts has headers, too. */
	CHECK(subscriber_figures(subscriber).mapped_bytes >= small_bytes);
	CHECK(subscriber_figures(subscriber).mapped_bytes <= small_bytes + 65536);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(memory_that_a_frame_holds_stays_until_its_release)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held;

	CHECK_EQ(publish_number(publisher, 1 << 20, 0), 1);
	held = expect_frame(subscriber, 1 << 20, 0);
	CHECK_EQ(tachyon_publisher_configure(publisher, 20000, 4), 0);
	for (uint64_t i = 1; i < 20; i++) {
		CHECK_EQ(publish_number(publisher, 20000, i), 1);
		take_frame(subscriber, 20000, i);
	}
	CHECK(figures(publisher).payload_bytes > 1 << 20);
	CHECK(is_number(&held, 0));
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	tachyon_frame_release(&held);
	for (uint64_t i = 20; i < 23; i++) {
		CHECK_EQ(publish_number(publisher, 20000, i), 1);
		take_frame(subscriber, 20000, i);
	}
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK(figures(publisher).payload_bytes < 1 << 20);
	CHECK(subscriber_figures(subscriber).mapped_bytes < 1 << 20);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(sizes_that_change_for_ever_do_not_pile_up)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;

	options.max_bytes = 32 << 20;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	for (uint64_t i = 0; i < 300; i++) {
		const size_t size = 1000 + (size_t)(mix(i) % (3 << 20));
		int ret, tries = 0;

		CHECK_EQ(tachyon_publisher_configure(publisher, size, 2), 0);
		while ((ret = publish_number(publisher, size, i)) == TACHYON_ERR_AGAIN) {
			struct tachyon_item item;

			/* The subscriber answers that it forgot a segment only when it looks. */
			CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0),
				 TACHYON_ERR_AGAIN);
			CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
			CHECK(++tries < 100);
		}
		CHECK_EQ(ret, 1);
		take_frame(subscriber, size, i);
		CHECK(figures(publisher).payload_bytes <= 32 << 20);
	}
	CHECK(subscriber_figures(subscriber).mapped_bytes <= 32 << 20);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- the limit --- */

TEST(the_limit_is_eagain_while_blocks_may_come_back_and_too_big_when_they_never_fit)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct tachyon_frame frames[300];
	struct tachyon_frame other = {.size = 77};
	const struct tachyon_frame large = {.data = calloc(1, 2 << 20), .size = 2 << 20};
	int count = 0, ret;

	options.max_bytes = 1 << 20;
	publisher = make_publisher(&options);
	CHECK_EQ(tachyon_publisher_acquire(publisher, 2 << 20, &other), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_acquire(publisher, SIZE_MAX, &other), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_acquire(publisher, (2ull << 30) + 1, &other),
		 TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_send(publisher, &large), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_configure(publisher, 2 << 20, 1), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_configure(publisher, 500000, 100), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(other.size, 77);

	while ((ret = tachyon_publisher_acquire(publisher, PICTURE, &frames[count])) == 0)
		CHECK(++count < 300);
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	CHECK(count >= 100);
	CHECK(figures(publisher).payload_bytes <= 1 << 20);
	tachyon_publisher_abandon(publisher, &frames[7]);
	CHECK_EQ(tachyon_publisher_acquire(publisher, PICTURE, &frames[7]), 0);
	CHECK_EQ(tachyon_publisher_acquire(publisher, 900000, &other), TACHYON_ERR_AGAIN);
	for (int i = 0; i < count; i++)
		tachyon_publisher_abandon(publisher, &frames[i]);
	free(large.data);
	tachyon_publisher_destroy(publisher);
}

TEST(small_blocks_make_way_for_large_ones_within_the_limit)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	struct tachyon_frame frame;
	int ret, tries = 0;

	options.max_bytes = 1 << 20;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	for (uint64_t i = 0; i < 100; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		take_frame(subscriber, PICTURE, i);
	}
	while ((ret = tachyon_publisher_acquire(publisher, 900000, &frame)) == TACHYON_ERR_AGAIN) {
		(void)tachyon_publisher_wait(publisher, 10 * MS);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), TACHYON_ERR_AGAIN);
		CHECK(++tries < 20);
	}
	CHECK_EQ(ret, 0);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	frame = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_EQ(frame.size, 900000);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(scarce_blocks_are_hinted)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 100);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame held[100];
	uint64_t count = 0;

	options.max_bytes = 256 << 10;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	while (publish_number(publisher, PICTURE, count) == 1) {
		held[count] = expect_frame(subscriber, PICTURE, count);
		CHECK(++count < 100);
	}
	CHECK(!(held[0].hints & TACHYON_FRAME_SCARCE));
	CHECK(held[count - 1].hints & TACHYON_FRAME_SCARCE);
	for (uint64_t i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
