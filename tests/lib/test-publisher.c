/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames from a publisher to subscribers in the same process: what arrives, who owns which
 * block, and what a wrong call answers.
 */
#include <signal.h>
#include <sys/mman.h>

#include "frames.h"
#include "system.h"

#define PICTURE 20000u

/* --- one frame --- */

TEST(a_frame_arrives_with_all_it_says)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame sent, received;

	CHECK_EQ(acquire_number(publisher, PICTURE, 7, &sent), 0);
	sent.dts = 8;
	sent.duration = 9;
	sent.offset = 10;
	sent.offset_end = 11;
	sent.flags = TACHYON_FRAME_DISCONT | TACHYON_FRAME_DELTA_UNIT | 1 << 20 | 1u << 31;
	CHECK_EQ(tachyon_publisher_commit(publisher, &sent), 1);
	CHECK(!sent.block);

	received = expect_frame(subscriber, PICTURE, 7);
	CHECK_EQ(received.dts, 8);
	CHECK_EQ(received.duration, 9);
	CHECK_EQ(received.offset, 10);
	CHECK_EQ(received.offset_end, 11);
	CHECK_EQ(received.flags,
		 TACHYON_FRAME_DISCONT | TACHYON_FRAME_DELTA_UNIT | 1 << 20 | 1u << 31);
	CHECK_EQ(received.metadata_size, 0);
	CHECK(!received.metadata);
	CHECK_EQ(tachyon_frame_is_valid(&received), 1);
	tachyon_frame_release(&received);
	CHECK(!received.block);
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_new_frame_has_no_times_and_starts_at_a_page)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame frame;

	CHECK_EQ(tachyon_publisher_acquire(publisher, 1000, &frame), 0);
	CHECK_EQ(frame.size, 1000);
	CHECK_EQ((uintptr_t)frame.data % 4096, 0);
	CHECK_EQ(frame.pts, TACHYON_TIME_NONE);
	CHECK_EQ(frame.dts, TACHYON_TIME_NONE);
	CHECK_EQ(frame.duration, TACHYON_TIME_NONE);
	CHECK_EQ(frame.offset, TACHYON_OFFSET_NONE);
	CHECK_EQ(frame.offset_end, TACHYON_OFFSET_NONE);
	CHECK_EQ(frame.flags, 0);
	CHECK_EQ(frame.metadata_size, 0);
	CHECK(frame.block);
	tachyon_publisher_abandon(publisher, &frame);
	CHECK(!frame.block);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(times_that_are_not_there_stay_so)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	CHECK_EQ(tachyon_publisher_acquire(publisher, 1000, &frame), 0);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	frame = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_EQ(frame.pts, TACHYON_TIME_NONE);
	CHECK_EQ(frame.dts, TACHYON_TIME_NONE);
	CHECK_EQ(frame.duration, TACHYON_TIME_NONE);
	CHECK_EQ(frame.offset, TACHYON_OFFSET_NONE);
	CHECK_EQ(frame.offset_end, TACHYON_OFFSET_NONE);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(only_flags_that_mean_something_elsewhere_travel)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	CHECK_EQ(tachyon_publisher_acquire(publisher, 1000, &frame), 0);
	frame.flags = 0xf | 1 << 14 | 1 << 17 | 1 << 19 | TACHYON_FRAME_HEADER;
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	frame = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_EQ(frame.flags, TACHYON_FRAME_HEADER);
	tachyon_frame_release(&frame);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(the_payload_is_the_same_memory_and_read_only)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame sent, received;
	uint8_t *block;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &sent), 0);
	block = sent.data;
	CHECK_EQ(tachyon_publisher_commit(publisher, &sent), 1);
	received = expect_frame(subscriber, PICTURE, 1);

	CHECK(received.data != block);
	block[5] ^= 0xff;
	CHECK_EQ(((const uint8_t *)received.data)[5], block[5]);
	CHECK_EQ(write_in_child(received.data), -SIGSEGV);
	CHECK(mprotect((void *)((uintptr_t)received.data & ~4095ull), 4096,
		       PROT_READ | PROT_WRITE) < 0);
	tachyon_frame_release(&received);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_part_of_a_block_can_be_sent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame whole, part;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &whole), 0);
	part = whole;
	part.data = (uint8_t *)whole.data + 12345;
	part.size = 400;
	CHECK_EQ(tachyon_publisher_publish(publisher, &part, NULL), 1);
	part.size = 0;
	CHECK_EQ(tachyon_publisher_publish(publisher, &part, NULL), 1);

	part = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_EQ(part.size, 400);
	CHECK_MEM_EQ(part.data, (uint8_t *)whole.data + 12345, 400);
	tachyon_frame_release(&part);
	part = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	CHECK_EQ(part.size, 0);
	tachyon_frame_release(&part);
	tachyon_publisher_abandon(publisher, &whole);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- copies --- */

static int send_copy(struct tachyon_publisher *publisher, const void *data, size_t size,
		     uint64_t pts)
{
	const struct tachyon_frame frame = {
		.data = (void *)(uintptr_t)data,
		.size = size,
		.pts = pts,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
	};

	return tachyon_publisher_send(publisher, &frame);
}

TEST(ordinary_memory_of_any_size_is_copied_once)
{
	static const size_t sizes[] = {0, 1, 8, 48, 255, 256, 257, 4096, 4097, 100000, 3000000};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	uint8_t *const memory = malloc(3000000);
	struct tachyon_publisher_stats stats;

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		fill(memory, sizes[i], i * 1000003);
		CHECK_EQ(send_copy(publisher, memory, sizes[i], i), 1);
		memset(memory, 0xff, sizes[i]);
		take_frame(subscriber, sizes[i], i);
		CHECK_EQ(blocks_in_use(publisher), 0);
	}
	stats = figures(publisher);
	CHECK_EQ(stats.frames, TACH_ARRAY_SIZE(sizes));
	/* All but the empty one. */
	CHECK_EQ(stats.copied, TACH_ARRAY_SIZE(sizes) - 1);
	free(memory);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(small_copies_take_no_block)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	char data[256] = "small";
	struct tachyon_frame frame;

	CHECK_EQ(send_copy(publisher, data, sizeof(data), 1), 1);
	CHECK_EQ(send_copy(publisher, NULL, 0, 2), 1);
	CHECK_EQ(figures(publisher).blocks, 0);

	/* It stays while held, whatever the ring carries meanwhile. */
	frame = expect(subscriber, TACHYON_ITEM_FRAME).frame;
	for (int i = 0; i < 2000; i++) {
		struct tachyon_frame other = expect(subscriber, TACHYON_ITEM_FRAME).frame;

		tachyon_frame_release(&other);
		CHECK_EQ(send_copy(publisher, "other", 6, 3), 1);
	}
	CHECK_EQ(frame.size, sizeof(data));
	CHECK_STR_EQ(frame.data, "small");
	tachyon_frame_release(&frame);
	CHECK_EQ(subscriber_figures(subscriber).copied, 2000);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_small_block_that_is_published_is_not_copied)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(publish_number(publisher, 10, 1), 1);
	CHECK_EQ(blocks_in_use(publisher), 1);
	take_frame(subscriber, 10, 1);
	CHECK_EQ(blocks_in_use(publisher), 0);
	CHECK_EQ(figures(publisher).copied, 0);
	CHECK_EQ(subscriber_figures(subscriber).copied, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- nobody there --- */

TEST(without_subscribers_a_frame_goes_to_nobody_and_its_block_is_free)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame frame;
	int cookie;

	for (uint64_t i = 0; i < 1000; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 0);
	CHECK_EQ(blocks_in_use(publisher), 0);

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, &cookie), 0);
	CHECK(!tachyon_publisher_reclaim(publisher));
	tachyon_publisher_abandon(publisher, &frame);
	CHECK_EQ(send_copy(publisher, "text", 5, 1), 0);
	CHECK_EQ(figures(publisher).copied, 0);
	tachyon_publisher_destroy(publisher);
}

/* --- references --- */

TEST(publishing_keeps_the_callers_reference_and_committing_gives_it_up)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(blocks_in_use(publisher), 1);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	CHECK_EQ(blocks_in_use(publisher), 1);
	take_frame(subscriber, PICTURE, 1);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_block_goes_to_all_and_is_free_after_the_last_release)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[4];
	struct tachyon_frame frames[4];

	for (int i = 0; i < 4; i++)
		subscribers[i] = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 5), 4);
	for (int i = 0; i < 4; i++)
		frames[i] = expect_frame(subscribers[i], PICTURE, 5);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(blocks_in_use(publisher), 1);
		tachyon_frame_release(&frames[(i + 2) % 4]);
	}
	CHECK_EQ(blocks_in_use(publisher), 0);
	for (int i = 0; i < 4; i++)
		tachyon_subscriber_destroy(subscribers[i]);
	tachyon_publisher_destroy(publisher);
}

TEST(acquired_frames_stay_usable_after_the_publisher_is_gone)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_frame frames[3];

	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frames[i]), 0);
	tachyon_publisher_destroy(publisher);
	for (uint64_t i = 0; i < 3; i++) {
		CHECK(is_number(&frames[i], i));
		memset(frames[i].data, 0xff, PICTURE);
		tachyon_frame_release(&frames[i]);
	}
}

TEST(releasing_nothing_is_fine)
{
	struct tachyon_frame frame = {.block = NULL};

	tachyon_frame_release(NULL);
	tachyon_frame_release(&frame);
	CHECK(tachyon_frame_is_valid(NULL) != 1);
	tachyon_publisher_destroy(NULL);
}

/* --- wrong calls --- */

TEST(a_frame_that_is_not_the_publishers_is_einval)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_publisher *other;
	struct tachyon_frame mine, theirs, wrong;

	CHECK_EQ(tachyon_publisher_create("other", NULL, &other), 0);
	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &mine), 0);
	CHECK_EQ(acquire_number(other, PICTURE, 1, &theirs), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, &theirs, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_commit(publisher, &theirs), -EINVAL);
	CHECK(theirs.block);

	wrong = mine;
	wrong.block = NULL;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	wrong = mine;
	wrong.data = (uint8_t *)mine.data - 1;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	wrong.data = NULL;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	wrong = mine;
	wrong.size = 1 << 30;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	wrong.size = SIZE_MAX;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	wrong.size = SIZE_MAX - (uintptr_t)mine.data + 2;
	CHECK_EQ(tachyon_publisher_publish(publisher, &wrong, NULL), -EINVAL);
	expect_nothing(subscriber);

	CHECK_EQ(tachyon_publisher_commit(publisher, &mine), 1);
	/* A frame that was received elsewhere is no block of this publisher either. */
	mine = expect_frame(subscriber, PICTURE, 1);
	CHECK_EQ(tachyon_publisher_publish(publisher, &mine, NULL), -EINVAL);
	tachyon_frame_release(&mine);
	tachyon_publisher_abandon(other, &theirs);
	tachyon_publisher_destroy(other);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_missing_argument_is_einval)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_publisher_options options = {.size = 0};
	struct tachyon_publisher *other = publisher;
	struct tachyon_frame frame = {.size = 77};

	CHECK_EQ(tachyon_publisher_create("", NULL, &other), -EINVAL);
	CHECK_EQ(tachyon_publisher_create("other", NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_create("other", &options, &other), -EINVAL);
	options = (struct tachyon_publisher_options){.size = sizeof(options), .policy = 3};
	CHECK_EQ(tachyon_publisher_create("other", &options, &other), -EINVAL);
	options =
		(struct tachyon_publisher_options){.size = sizeof(options), .max_subscribers = 65};
	CHECK_EQ(tachyon_publisher_create("other", &options, &other), -EINVAL);
	options = (struct tachyon_publisher_options){.size = sizeof(options),
						     .ring_size = UINT64_MAX};
	CHECK_EQ(tachyon_publisher_create("other", &options, &other), -EINVAL);
	CHECK_EQ(other, publisher);

	CHECK_EQ(tachyon_publisher_acquire(publisher, 0, &frame), -EINVAL);
	CHECK_EQ(tachyon_publisher_acquire(publisher, 1, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_acquire(NULL, 1, &frame), -EINVAL);
	CHECK_EQ(frame.size, 77);
	CHECK_EQ(tachyon_publisher_publish(NULL, &frame, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_publish(publisher, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_commit(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_send(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_send(NULL, &frame), -EINVAL);
	CHECK_EQ(send_copy(publisher, NULL, 10, 0), -EINVAL);
	CHECK_EQ(tachyon_publisher_configure(publisher, 0, 1), -EINVAL);
	CHECK_EQ(tachyon_publisher_configure(NULL, 1, 1), -EINVAL);
	CHECK_EQ(tachyon_publisher_set_policy(publisher, 3, 0), -EINVAL);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_set_layout(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_set_clock(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_send_event(publisher, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_dispatch(NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_wait(NULL, 0), -EINVAL);
	tachyon_publisher_destroy(publisher);
}

TEST(figures_of_an_older_caller_stay_within_its_struct)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_publisher_stats stats;

	memset(&stats, 0xaa, sizeof(stats));
	stats.size = offsetof(struct tachyon_publisher_stats, bytes);
	tachyon_publisher_get_stats(publisher, &stats);
	CHECK_EQ(stats.frames, 0);
	CHECK_EQ(stats.bytes, 0xaaaaaaaaaaaaaaaaull);
	tachyon_publisher_destroy(publisher);
}

TEST(figures_count_frames_once_and_bytes_of_payload)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const one = join(publisher);
	struct tachyon_subscriber *const two = join(publisher);
	struct tachyon_publisher_stats stats;

	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(publish_number(publisher, 1000, i), 2);
	take_frame(one, 1000, 0);
	stats = figures(publisher);
	CHECK_EQ(stats.subscribers, 2);
	CHECK_EQ(stats.frames, 3);
	CHECK_EQ(stats.bytes, 3000);
	CHECK_EQ(stats.copied, 0);
	CHECK_EQ(stats.dropped, 0);
	CHECK_EQ(stats.queued, 3);
	CHECK(stats.blocks >= 3);
	CHECK_EQ(stats.blocks - stats.blocks_free, 3);
	CHECK(stats.payload_bytes >= stats.blocks * 4096);
	take_frame(two, 1000, 0);
	CHECK_EQ(figures(publisher).queued, 2);
	CHECK_EQ(subscriber_figures(two).frames, 1);
	CHECK_EQ(subscriber_figures(two).bytes, 1000);
	CHECK_EQ(subscriber_figures(two).peer_pid, getpid());
	tachyon_subscriber_destroy(one);
	tachyon_subscriber_destroy(two);
	tachyon_publisher_destroy(publisher);
}
