/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Lent memory that is taken back, and subscribers that hold it: who leaves, who dies, how many.
 */
#include <signal.h>

#include "lent.h"

/* --- taking back --- */

/* Lets both ends do what is to be done, until nothing is. */
static void settle(struct tachyon_publisher *publisher, struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;

	for (int i = 0; i < 200; i++) {
		serve(publisher, 0);
		CHECK_EQ(tachyon_publisher_set_caps(publisher, "a/b"), 0);
		while (subscriber && tachyon_subscriber_receive(subscriber, &item, 0) == 0)
			CHECK_EQ(item.type, TACHYON_ITEM_CAPS);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	}
}

TEST(what_is_taken_back_is_closed_at_both_ends)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	const int fds = count_fds();
	struct tachyon_block *const block = lend_new(publisher);

	CHECK_EQ(count_fds(), fds + 1);
	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	take_lent(subscriber, 0);
	CHECK_EQ(count_fds(), fds + 2);
	tachyon_publisher_take_back(publisher, block);
	settle(publisher, subscriber);
	CHECK_EQ(count_fds(), fds);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(what_was_never_sent_is_closed_at_once)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fds = count_fds();

	tachyon_publisher_take_back(publisher, lend_new(publisher));
	CHECK_EQ(count_fds(), fds);
	tachyon_publisher_destroy(publisher);
}

TEST(what_is_taken_back_while_it_is_out_stays_until_it_is_released)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	const int fds = count_fds();
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame;
	int cookie;

	CHECK_EQ(publish_lent(publisher, block, 0, &cookie), 1);
	tachyon_publisher_take_back(publisher, block);
	settle(publisher, NULL);
	frame = expect_lent(subscriber, 0);
	settle(publisher, subscriber);
	CHECK_EQ(count_fds(), fds + 2);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	CHECK(is_same_file(place_of(&frame).fd, place_of(&frame).fd));
	CHECK(!tachyon_publisher_reclaim(publisher));

	tachyon_frame_release(&frame);
	settle(publisher, subscriber);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookie);
	CHECK_EQ(count_fds(), fds);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(the_same_memory_lent_again_is_another_descriptor)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	const int fd = make_lendable(LENT_SIZE);
	uint64_t last = 0;

	for (uint64_t i = 0; i < 50; i++) {
		struct tachyon_block *block;
		uint64_t id;

		CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
		CHECK_EQ(publish_lent(publisher, block, i, NULL), 1);
		id = take_lent(subscriber, i);
		CHECK(id > last);
		last = id;
		tachyon_publisher_take_back(publisher, block);
	}
	close(fd);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(releasing_a_lent_block_takes_it_back)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fds = count_fds();
	struct tachyon_frame frame = lent_frame(lend_new(publisher), 10, 0);

	tachyon_frame_release(&frame);
	CHECK_EQ(count_fds(), fds);
	tachyon_publisher_destroy(publisher);
}

TEST(destroying_the_publisher_takes_back_what_is_left)
{
	const int fds = count_fds();
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame;

	(void)lend_new(publisher);
	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	frame = expect_lent(subscriber, 0);
	tachyon_publisher_destroy(publisher);

	/* The memory is there as long as the frame, but may be the producer's own again. */
	CHECK_EQ(fcntl(place_of(&frame).fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(count_fds(), fds);
}

TEST(each_frame_that_is_returned_ends_its_own_publication)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	const int order[] = {3, 0, 4, 2, 1};
	struct tachyon_frame frames[5];
	int cookies[5];

	/* Pieces of one descriptor, which the producer uses again one by one. */
	for (uint64_t i = 0; i < 5; i++) {
		frames[i] = lent_frame(block, 100, i);
		CHECK_EQ(
			tachyon_publisher_publish_lent(publisher, &frames[i], 100 * i, &cookies[i]),
			1);
	}
	for (uint64_t i = 0; i < 5; i++)
		frames[i] = expect_lent(subscriber, i);
	for (int i = 0; i < 5; i++) {
		tachyon_frame_release(&frames[order[i]]);
		CHECK(tachyon_publisher_reclaim(publisher) == &cookies[order[i]]);
		CHECK(!tachyon_publisher_reclaim(publisher));
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- leaving and dying --- */

TEST(a_frame_outlives_the_subscriber_with_its_descriptor)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame;
	int cookie;

	CHECK_EQ(publish_lent(publisher, block, 0, &cookie), 1);
	frame = expect_lent(subscriber, 0);
	tachyon_subscriber_destroy(subscriber);
	settle(publisher, NULL);
	CHECK(!tachyon_publisher_reclaim(publisher));
	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	CHECK(fcntl(place_of(&frame).fd, F_GETFD) >= 0);
	tachyon_frame_release(&frame);
	settle(publisher, NULL);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookie);
	tachyon_publisher_destroy(publisher);
}

TEST(who_is_disconnected_can_tell_that_the_memory_is_no_longer_its)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame;
	int cookie;

	CHECK_EQ(publish_lent(publisher, block, 0, &cookie), 1);
	frame = expect_lent(subscriber, 0);
	tachyon_publisher_disconnect(publisher);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookie);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
	tachyon_frame_release(&frame);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(unread_frames_come_back_when_the_subscriber_leaves)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame;
	int cookies[3];

	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(publish_lent(publisher, block, i, &cookies[i]), 1);
	frame = expect_lent(subscriber, 0);
	tachyon_subscriber_destroy(subscriber);
	settle(publisher, NULL);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookies[1]);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookies[2]);
	CHECK(!tachyon_publisher_reclaim(publisher));
	tachyon_frame_release(&frame);
	settle(publisher, NULL);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookies[0]);
	tachyon_publisher_destroy(publisher);
}

static int hold_until_killed(void *argument)
{
	const struct tachyon_subscriber_options options = lent_options();
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	const int *const ready = argument;
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
	CHECK(is_file_filled(place_of(&item.frame).fd, 0, 1000, 5));
	CHECK_EQ(write(*ready, "", 1), 1);
	for (;;)
		sleep_ms(1000);
}

TEST(what_a_killed_process_held_comes_back_at_once)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fd = make_lendable(LENT_SIZE);
	struct tachyon_block *block;
	int ready[2], cookies[2];
	pid_t child;
	char byte;

	CHECK_EQ(pipe(ready), 0);
	fill_file(fd, 0, 1000, 5);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
	close(fd);
	child = run_child(hold_until_killed, &ready[1]);
	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 10);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(publish_lent(publisher, block, 0, &cookies[i]), 1);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	serve(publisher, 0);
	CHECK(!tachyon_publisher_reclaim(publisher));

	CHECK_EQ(kill(child, SIGKILL), 0);
	CHECK_EQ(wait_child(child), -SIGKILL);
	serve(publisher, 10);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookies[0]);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookies[1]);

	tachyon_publisher_destroy(publisher);
	close(ready[0]);
	close(ready[1]);
}

/* --- how many --- */

TEST(a_subscriber_holds_no_more_than_its_quota)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 1000);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	static struct tachyon_frame frames[1000];
	uint64_t held = 0;

	while (publish_lent(publisher, block, held, NULL) == 1) {
		frames[held] = expect_lent(subscriber, held);
		held++;
	}
	/* Half of the cells of 64 KiB, less one for metadata that travel in a block. */
	CHECK_EQ(held, 511);
	tachyon_frame_release(&frames[100]);
	frames[100] = frames[--held];
	CHECK_EQ(publish_lent(publisher, block, 1, NULL), 1);
	take_lent(subscriber, 1);
	while (held > 0)
		tachyon_frame_release(&frames[--held]);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_thousand_and_twenty_four_can_be_lent_and_come_back)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	const struct tachyon_event event = {.type = 1};
	static struct tachyon_block *blocks[1024];
	const int fds = count_fds();
	struct tachyon_block *more;
	const int fd = make_lendable(LENT_SIZE);

	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < 1024; i++) {
			CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &blocks[i]), 0);
			CHECK_EQ(publish_lent(publisher, blocks[i], i, NULL), 1);
			take_lent(subscriber, i);
		}
		CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &more), -EAGAIN);
		CHECK_EQ(count_fds(), fds + 1 + 2 * 1024);
		CHECK_EQ(tachyon_subscriber_send_event(subscriber, &event), 0);
		for (int i = 0; i < 1024; i++)
			tachyon_publisher_take_back(publisher, blocks[i]);
		/* They are not gone before the subscriber forgot them. */
		CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &more), -EAGAIN);
		settle(publisher, subscriber);
		CHECK_EQ(count_fds(), fds + 1);
	}
	close(fd);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_full_house_of_subscribers_shares_one_descriptor)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[16];
	const int fd = make_lendable(LENT_SIZE);
	struct tachyon_block *block;
	struct tachyon_frame frame;
	int cookie;

	for (int i = 0; i < 16; i++)
		subscribers[i] = join_for_lent(publisher);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
	CHECK_EQ(publish_lent(publisher, block, 3, &cookie), 16);
	for (int i = 0; i < 16; i++) {
		CHECK(!tachyon_publisher_reclaim(publisher));
		frame = expect_lent(subscribers[i], 3);
		CHECK(is_same_file(place_of(&frame).fd, fd));
		tachyon_frame_release(&frame);
		serve(publisher, 0);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	}
	CHECK(tachyon_publisher_reclaim(publisher) == &cookie);
	for (int i = 0; i < 16; i++)
		tachyon_subscriber_destroy(subscribers[i]);
	tachyon_publisher_destroy(publisher);
	close(fd);
}

TEST(a_subscriber_without_a_free_descriptor_is_told_so)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_item item;
	struct rlimit old, now;

	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	now = old;
	now.rlim_cur = 3;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), -EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_lent(publisher, block, 1, NULL), 1);
	take_lent(subscriber, 1);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
