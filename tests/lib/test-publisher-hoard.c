/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Subscribers that hold more blocks than their share: they get no more of what is scarce, and go
 * where none is left; save where the policy is to block.
 */
#include "frames.h"

#define PICTURE 5000u
#define BLOCKS 32u
#define BLOCK_BYTES 8192u

static struct tachyon_publisher *make_small_publisher(enum tachyon_policy policy)
{
	struct tachyon_publisher_options options = publisher_options(policy, 4);
	struct tachyon_publisher *publisher;

	options.max_bytes = BLOCKS * BLOCK_BYTES;
	publisher = make_publisher(&options);
	CHECK_EQ(tachyon_publisher_configure(publisher, BLOCK_BYTES, BLOCKS), 0);
	return publisher;
}

/* Receives what is there, and keeps it. */
static size_t hold(struct tachyon_subscriber *subscriber, struct tachyon_frame *held, size_t count)
{
	struct tachyon_item item;

	while (count < BLOCKS && tachyon_subscriber_receive(subscriber, &item, 0) == 0)
		held[count++] = item.frame;
	return count;
}

static void release_all(struct tachyon_frame *held, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
}

TEST(to_drop_who_holds_most_of_a_scarce_pool_gets_no_more_and_the_other_misses_nothing)
{
	struct tachyon_publisher *const publisher = make_small_publisher(TACHYON_POLICY_DROP);
	struct tachyon_subscriber *const greedy = join(publisher);
	struct tachyon_subscriber *const modest = join(publisher);
	struct tachyon_frame held[BLOCKS];
	size_t count = 0;

	for (uint64_t i = 0; i < 200; i++) {
		CHECK(publish_number(publisher, PICTURE, i) >= 1);
		take_frame(modest, PICTURE, i);
		count = hold(greedy, held, count);
	}
	/* Far more than its share, a third, while there was enough; never the last. */
	CHECK(count > BLOCKS / 3 && count < BLOCKS - 1);
	CHECK_EQ(figures(publisher).dropped, 200 - count);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 2);

	/* And gets some again when it has given some back. */
	release_all(held, count);
	CHECK_EQ(publish_number(publisher, PICTURE, 200), 2);
	take_frame(modest, PICTURE, 200);
	take_frame(greedy, PICTURE, 200);
	tachyon_subscriber_destroy(greedy);
	tachyon_subscriber_destroy(modest);
	tachyon_publisher_destroy(publisher);
}

TEST(to_disconnect_who_holds_most_of_a_scarce_pool_goes)
{
	struct tachyon_publisher *const publisher = make_small_publisher(TACHYON_POLICY_DISCONNECT);
	struct tachyon_subscriber *const greedy = join(publisher);
	struct tachyon_subscriber *const modest = join(publisher);
	struct tachyon_frame held[BLOCKS];
	size_t count = 0;

	for (uint64_t i = 0; i < 100; i++) {
		CHECK(publish_number(publisher, PICTURE, i) >= 1);
		take_frame(modest, PICTURE, i);
		count = hold(greedy, held, count);
	}
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	release_all(held, count);
	tachyon_subscriber_destroy(greedy);
	tachyon_subscriber_destroy(modest);
	tachyon_publisher_destroy(publisher);
}

/* Fills the pool: what the subscriber does not get, its publisher keeps. */
static void use_up(struct tachyon_publisher *publisher, struct tachyon_subscriber *subscriber,
		   struct tachyon_frame *held, size_t *held_count, struct tachyon_frame *own,
		   size_t *own_count)
{
	for (uint64_t i = 0; *held_count < BLOCKS / 2 + 2; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		*held_count = hold(subscriber, held, *held_count);
	}
	while (tachyon_publisher_acquire(publisher, PICTURE, &own[*own_count]) == 0)
		(*own_count)++;
	CHECK_EQ(*held_count + *own_count, BLOCKS);
}

static void starve(enum tachyon_policy policy, bool is_dropped)
{
	struct tachyon_publisher *const publisher = make_small_publisher(policy);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held[BLOCKS], own[BLOCKS + 1];
	size_t held_count = 0, own_count = 0;
	const uint64_t start = tach_os_now_ns();

	use_up(publisher, subscriber, held, &held_count, own, &own_count);
	while (tachyon_publisher_acquire(publisher, PICTURE, &own[own_count]) != 0) {
		if (!is_dropped && ms_since(start) > 1500)
			break;
		CHECK(ms_since(start) < LONG_NS / MS);
		/* It wakes by itself. */
		(void)tachyon_publisher_wait(publisher, is_dropped ? LONG_NS : 100 * MS);
	}
	CHECK(ms_since(start) >= 1000);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), is_dropped ? 0 : 1);
	release_all(own, own_count + is_dropped);
	release_all(held, held_count);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(after_a_second_without_a_block_who_holds_most_is_dropped)
{
	starve(TACHYON_POLICY_DROP, true);
}

TEST(to_block_nobody_is_dropped_for_what_it_holds)
{
	starve(TACHYON_POLICY_BLOCK, false);
}

TEST(who_holds_no_more_than_its_share_is_dropped_for_nobody)
{
	struct tachyon_publisher *const publisher = make_small_publisher(TACHYON_POLICY_DROP);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame own[BLOCKS + 1], held;
	const uint64_t start = tach_os_now_ns();
	size_t count = 0;

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	held = expect_frame(subscriber, PICTURE, 0);
	while (tachyon_publisher_acquire(publisher, PICTURE, &own[count]) == 0)
		count++;
	while (ms_since(start) < 1300) {
		(void)tachyon_publisher_wait(publisher, 100 * MS);
		CHECK_EQ(tachyon_publisher_acquire(publisher, PICTURE, &own[count]),
			 TACHYON_ERR_AGAIN);
	}
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	release_all(own, count);
	tachyon_frame_release(&held);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
