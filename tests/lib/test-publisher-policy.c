/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a subscriber that does not keep up meets: block, drop or disconnect, within max_buffers;
 * and that the others do not suffer more than the policy says.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "frames.h"
#include "system.h"

#define PICTURE 5000u

/* Publishes until it answers something else than `count`; how many went. */
static uint64_t publish_until_stuck(struct tachyon_publisher *publisher, int subscribers,
				    uint64_t first, int *ret)
{
	uint64_t number = first;

	while ((*ret = publish_number(publisher, PICTURE, number)) == subscribers) {
		number++;
		CHECK(number - first < 100000);
	}
	return number - first;
}

/* --- block --- */

TEST(to_block_is_eagain_for_all_and_loses_nothing)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 5);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const fast = join(publisher);
	struct tachyon_subscriber *const slow = join(publisher);
	uint64_t published = 0;
	int ret;

	published += publish_until_stuck(publisher, 2, 0, &ret);
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	CHECK_EQ(published, 5);
	for (uint64_t i = 0; i < 5; i++)
		take_frame(fast, PICTURE, i);
	expect_nothing(fast);
	CHECK_EQ(publish_number(publisher, PICTURE, 5), TACHYON_ERR_AGAIN);
	expect_nothing(fast);

	for (uint64_t i = 0; i < 5; i++)
		take_frame(slow, PICTURE, i);
	CHECK_EQ(publish_number(publisher, PICTURE, 5), 2);
	take_frame(fast, PICTURE, 5);
	take_frame(slow, PICTURE, 5);
	CHECK_EQ(figures(publisher).dropped, 0);
	CHECK_EQ(figures(publisher).subscribers, 2);
	tachyon_subscriber_destroy(fast);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

TEST(what_was_received_does_not_count_as_waiting_though_it_is_held)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held[20];

	for (uint64_t i = 0; i < 20; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		held[i] = expect_frame(subscriber, PICTURE, i);
	}
	CHECK_EQ(subscriber_figures(subscriber).held, 20);
	for (int i = 0; i < 20; i++)
		tachyon_frame_release(&held[i]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(small_frames_in_the_ring_count_too)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 7);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const struct tachyon_frame frame = {.data = (char[]){"small"}, .size = 6};

	for (int i = 0; i < 7; i++)
		CHECK_EQ(tachyon_publisher_send(publisher, &frame), 1);
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), TACHYON_ERR_AGAIN);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(by_default_16_mib_may_wait_and_three_frames_at_least)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;
	int ret, count = 0;

	do {
		CHECK_EQ(tachyon_publisher_acquire(publisher, 1 << 20, &frame), 0);
		ret = tachyon_publisher_commit(publisher, &frame);
		count += ret == 1;
	} while (ret == 1);
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	tachyon_publisher_abandon(publisher, &frame);
	CHECK_EQ(count, 16);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(three_frames_may_wait_however_large)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	for (int i = 0; i < 4; i++) {
		CHECK_EQ(tachyon_publisher_acquire(publisher, 20 << 20, &frame), 0);
		CHECK_EQ(tachyon_publisher_commit(publisher, &frame),
			 i < 3 ? 1 : TACHYON_ERR_AGAIN);
	}
	CHECK(frame.block);
	tachyon_publisher_abandon(publisher, &frame);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(after_eagain_the_frame_is_still_the_callers)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 1);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;
	int cookie;

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), TACHYON_ERR_AGAIN);
	CHECK(frame.block);
	CHECK(!tachyon_publisher_reclaim(publisher));
	take_frame(subscriber, PICTURE, 0);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_stalled_subscriber_is_dropped_after_the_stall_timeout)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *slow, *fast;
	const uint64_t start = tach_os_now_ns();
	uint64_t number = 0;
	int ret;

	options.stall_timeout_ns = 100 * MS;
	publisher = make_publisher(&options);
	slow = join(publisher);
	fast = join(publisher);
	do {
		ret = publish_number(publisher, PICTURE, number);
		if (ret > 0) {
			take_frame(fast, PICTURE, number++);
			continue;
		}
		CHECK_EQ(ret, TACHYON_ERR_AGAIN);
		ret = tachyon_publisher_wait(publisher, 10 * MS);
		CHECK(ret == 0 || ret == TACHYON_ERR_TIMEDOUT);
	} while (ms_since(start) < 10000 && ret != 1);
	CHECK_EQ(ret, 1);
	CHECK(ms_since(start) >= 100);
	CHECK_EQ(figures(publisher).subscribers, 1);

	/* What it had is still there for it; then it learns. */
	take_frame(slow, PICTURE, 0);
	take_frame(slow, PICTURE, 1);
	expect_end(slow, TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(fast);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

TEST(who_makes_progress_is_not_stalled)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *slow;
	uint64_t published = 0, taken = 0;
	int ret;

	options.stall_timeout_ns = 200 * MS;
	publisher = make_publisher(&options);
	slow = join(publisher);
	for (int round = 0; round < 15; round++) {
		published += publish_until_stuck(publisher, 1, published, &ret);
		CHECK_EQ(ret, TACHYON_ERR_AGAIN);
		sleep_ms(50);
		CHECK_EQ(publish_number(publisher, PICTURE, published), TACHYON_ERR_AGAIN);
		take_frame(slow, PICTURE, taken++);
	}
	CHECK_EQ(figures(publisher).subscribers, 1);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

/* --- drop --- */

TEST(to_drop_costs_only_the_slow_one_frames)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 4);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const fast = join(publisher);
	struct tachyon_subscriber *const slow = join(publisher);
	struct tachyon_frame frame;

	for (uint64_t i = 0; i < 100; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), i < 4 ? 2 : 1);
		take_frame(fast, PICTURE, i);
	}
	CHECK_EQ(figures(publisher).dropped, 96);
	CHECK_EQ(figures(publisher).frames, 100);
	for (uint64_t i = 0; i < 4; i++) {
		frame = expect_frame(slow, PICTURE, i);
		CHECK(!(frame.hints & TACHYON_FRAME_AFTER_DROP));
		tachyon_frame_release(&frame);
	}
	expect_nothing(slow);
	CHECK_EQ(publish_number(publisher, PICTURE, 100), 2);
	frame = expect_frame(slow, PICTURE, 100);
	CHECK(frame.hints & TACHYON_FRAME_AFTER_DROP);
	tachyon_frame_release(&frame);
	CHECK_EQ(publish_number(publisher, PICTURE, 101), 2);
	frame = expect_frame(slow, PICTURE, 101);
	CHECK(!(frame.hints & TACHYON_FRAME_AFTER_DROP));
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(fast);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

TEST(figures_tell_which_subscriber_missed_what)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 4);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const fast = join(publisher);
	struct tachyon_subscriber *const slow = join(publisher);
	struct tachyon_client_stats stats = {.size = sizeof(stats)};
	struct tachyon_client_stats old = {.size = 16, .dropped = 7};

	for (uint64_t i = 0; i < 100; i++) {
		publish_number(publisher, PICTURE, i);
		take_frame(fast, PICTURE, i);
	}
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 0, &stats), 0);
	CHECK_EQ(stats.pid, (uint32_t)getpid());
	CHECK_EQ(stats.subscriber, 1);
	CHECK_EQ(tachyon_publisher_newest(publisher), 2);
	CHECK_EQ(stats.dropped, 0);
	CHECK_EQ(stats.queued, 0);
	CHECK_EQ(stats.held, 0);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 1, &stats), 0);
	CHECK_EQ(stats.subscriber, 2);
	CHECK_EQ(stats.dropped, 96);
	CHECK_EQ(stats.queued, 4);
	CHECK_EQ(stats.held, 4);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 1, &old), 0);
	CHECK_EQ(old.subscriber, 2);
	CHECK_EQ(old.dropped, 7);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 2, &stats), -ENOENT);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 64, &stats), -EINVAL);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 0, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_get_client_stats(NULL, 0, &stats), -EINVAL);
	tachyon_subscriber_destroy(fast);
	tachyon_publisher_dispatch(publisher);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 0, &stats), -ENOENT);
	CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 1, &stats), 0);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_dispatch(publisher);
	CHECK_EQ(tachyon_publisher_newest(publisher), 0);
	CHECK_EQ(tachyon_publisher_newest(NULL), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(to_drop_for_all_is_zero_and_gives_the_block_and_no_cookie)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 1);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const slow = join(publisher);
	struct tachyon_frame frame;
	int cookie;

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie), 0);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 0);
	CHECK_EQ(blocks_in_use(publisher), 1);
	take_frame(slow, PICTURE, 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	CHECK(!tachyon_publisher_reclaim(publisher));
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

TEST(state_reaches_one_whose_frames_are_dropped)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 2);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const slow = join(publisher);

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "one"), 0);
	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), i < 2 ? 1 : 0);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "two"), 0);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), 0);
	expect_caps(slow, "one");
	take_frame(slow, PICTURE, 0);
	take_frame(slow, PICTURE, 1);
	expect_caps(slow, "two");
	(void)expect(slow, TACHYON_ITEM_EOS);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

struct eager {
	struct tachyon_subscriber *subscriber;
	_Atomic bool is_done;
};

static void *read_eagerly(void *data)
{
	struct eager *const eager = data;
	struct tachyon_item item;

	while (!atomic_load(&eager->is_done)) {
		if (tachyon_subscriber_receive(eager->subscriber, &item, 0) == 0)
			tachyon_frame_release(&item.frame);
	}
	return NULL;
}

/* Who reads may have room again at any moment, also while it is looked who has. */
TEST(a_copied_frame_is_missed_once_by_who_has_no_room_while_another_reads)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 1);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const idle = join(publisher);
	struct eager eager = {.subscriber = join(publisher)};
	static uint8_t payload[1000];
	const struct tachyon_frame frame = {.data = payload, .size = sizeof(payload)};
	struct tachyon_client_stats client = {.size = sizeof(client)};
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, read_eagerly, &eager), 0);
	for (unsigned int i = 0; i < 300000; i++) {
		CHECK(tachyon_publisher_send(publisher, &frame) >= 0);
		CHECK_EQ(tachyon_publisher_get_client_stats(publisher, 0, &client), 0);
		CHECK_EQ(client.dropped, i);
	}
	atomic_store(&eager.is_done, true);
	pthread_join(thread, NULL);
	tachyon_subscriber_destroy(idle);
	tachyon_subscriber_destroy(eager.subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- disconnect --- */

static enum tachyon_end end_of_the_first_that_left(struct tachyon_publisher *publisher)
{
	struct tachyon_notice notice;

	while (tachyon_publisher_next_notice(publisher, &notice) == 1) {
		if (notice.type == TACHYON_NOTICE_LEFT)
			return notice.end;
	}
	return TACHYON_END_NONE;
}

TEST(to_disconnect_drops_the_slow_one_and_nobody_else)
{
	const struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_DISCONNECT, 3);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const fast = join(publisher);
	struct tachyon_subscriber *const slow = join(publisher);

	for (uint64_t i = 0; i < 20; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), i < 3 ? 2 : 1);
		take_frame(fast, PICTURE, i);
	}
	CHECK_EQ(figures(publisher).subscribers, 1);
	CHECK_EQ(end_of_the_first_that_left(publisher), TACHYON_END_LOCAL);
	for (uint64_t i = 0; i < 3; i++)
		take_frame(slow, PICTURE, i);
	expect_end(slow, TACHYON_END_CLOSED);
	/* It may come back. */
	CHECK_EQ(connect_to(publisher, slow), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 20), 2);
	take_frame(slow, PICTURE, 20);
	tachyon_subscriber_destroy(fast);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

/* Takes every block that is free, writes to it, and gives it back. */
static void write_to_what_is_free(struct tachyon_publisher *publisher, size_t size)
{
	struct tachyon_frame frames[8];
	unsigned int count = 0;

	for (; count < TACH_ARRAY_SIZE(frames); count++) {
		CHECK_EQ(tachyon_publisher_acquire(publisher, size, &frames[count]), 0);
		memset(frames[count].data, 0xff, size);
	}
	while (count > 0)
		tachyon_frame_release(&frames[--count]);
}

TEST(who_was_dropped_does_not_believe_what_stands_where_its_metadata_were)
{
	const struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_DISCONNECT, 2);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const subscriber = join(publisher);
	/* More than the ring takes at once: they lie in a block. */
	static uint64_t metadata[20000 / 8];
	struct tachyon_frame frame = {.data = metadata, .size = 100, .metadata = metadata};
	static const uint8_t zeros[19000];
	struct tachyon_item item;

	CHECK_EQ(tachyon_record_append(metadata, sizeof(metadata), &frame.metadata_size, 64, zeros,
				       sizeof(zeros)),
		 0);
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), 1);
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), 1);
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), 0);
	write_to_what_is_free(publisher, frame.metadata_size);

	/* Its publisher closed it, and is no liar. */
	CHECK_EQ(receive_within(subscriber, &item, 1000), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- changing it --- */

TEST(the_policy_can_be_changed_on_the_way)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const slow = join(publisher);
	uint64_t number = 0;
	int ret;

	number += publish_until_stuck(publisher, 1, number, &ret);
	CHECK_EQ(number, 2);
	CHECK_EQ(tachyon_publisher_set_policy(publisher, TACHYON_POLICY_BLOCK, 6), 0);
	number += publish_until_stuck(publisher, 1, number, &ret);
	CHECK_EQ(number, 6);
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_publisher_set_policy(publisher, TACHYON_POLICY_DROP, 6), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, number), 0);
	CHECK_EQ(figures(publisher).subscribers, 1);
	CHECK_EQ(tachyon_publisher_set_policy(publisher, TACHYON_POLICY_DISCONNECT, 6), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, number), 0);
	CHECK_EQ(figures(publisher).subscribers, 0);
	tachyon_subscriber_destroy(slow);
	tachyon_publisher_destroy(publisher);
}

TEST(a_frame_that_never_fits_the_ring_is_too_big_or_arrives)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	static const size_t sizes[] = {100, 256, 600, 900, 1000, 1500, 3000, 4000, 8000};
	struct tachyon_publisher *publisher;
	static const uint8_t zeros[8000];
	struct tachyon_subscriber *subscriber;
	uint64_t buffer[2000];

	options.ring_size = 4096;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		struct tachyon_frame frame = {.data = buffer, .pts = i, .metadata = buffer};
		size_t used = 0;

		/* The payload in the ring, and all but that in the ring, too. */
		fill(buffer, sizeof(buffer), i);
		CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, zeros, sizes[i]),
			 0);
		frame.metadata_size = used;
		for (frame.size = 0; frame.size <= 256; frame.size += 128) {
			CHECK_EQ(tachyon_publisher_send(publisher, &frame), 1);
			struct tachyon_frame received =
				expect(subscriber, TACHYON_ITEM_FRAME).frame;

			CHECK_EQ(received.metadata_size, frame.metadata_size);
			CHECK_EQ(received.size, frame.size);
			tachyon_frame_release(&received);
		}
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
