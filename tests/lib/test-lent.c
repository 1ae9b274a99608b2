/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames in lent memory: what may be lent, how it crosses, what it costs.
 */
#include "lent.h"

/* --- crossing --- */

TEST(a_frame_in_lent_memory_is_received_as_a_descriptor_and_an_offset)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	const int fd = make_lendable(LENT_SIZE);
	struct tachyon_block *block;
	struct tachyon_frame frame;
	struct place place;
	int cookie;

	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
	fill_file(fd, 300, 5000, 7);
	frame = lent_frame(block, 5000, 7);
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, 300, &cookie), 1);

	frame = expect_lent(subscriber, 7);
	CHECK_EQ(frame.size, 5000);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	place = place_of(&frame);
	CHECK_EQ(place.offset, 300);
	CHECK_EQ(place.size, LENT_SIZE);
	CHECK(place.id != 0);
	CHECK(is_same_file(place.fd, fd));
	CHECK(place.fd != fd);
	CHECK(fcntl(place.fd, F_GETFD) & FD_CLOEXEC);
	CHECK(is_file_filled(place.fd, 300, 5000, 7));

	CHECK(!tachyon_publisher_reclaim(publisher));
	tachyon_frame_release(&frame);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK(tachyon_publisher_reclaim(publisher) == &cookie);
	CHECK(!tachyon_publisher_reclaim(publisher));

	tachyon_publisher_take_back(publisher, block);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
	close(fd);
}

TEST(a_descriptor_crosses_once_and_its_frames_cost_no_system_call)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *blocks[4];
	uint64_t ids[4], before;
	int fds;

	for (uint64_t i = 0; i < 4; i++) {
		blocks[i] = lend_new(publisher);
		CHECK_EQ(publish_lent(publisher, blocks[i], i, NULL), 1);
		ids[i] = take_lent(subscriber, i);
	}
	fds = count_fds();
	before = tachyon_system_calls();
	for (uint64_t i = 0; i < 4000; i++) {
		CHECK_EQ(publish_lent(publisher, blocks[i % 4], i, &blocks), 1);
		CHECK_EQ(take_lent(subscriber, i), ids[i % 4]);
	}
	CHECK_EQ(tachyon_system_calls() - before, 0);
	CHECK_EQ(count_fds(), fds);
	CHECK(ids[0] != ids[1] && ids[0] != ids[2] && ids[0] != ids[3]);
	CHECK(ids[1] != ids[2] && ids[1] != ids[3] && ids[2] != ids[3]);
	CHECK_EQ(figures(publisher).copied, 0);
	CHECK_EQ(subscriber_figures(subscriber).copied, 0);
	CHECK_EQ(subscriber_figures(subscriber).bytes, 4004 * 1000);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_id_is_never_used_again_also_over_a_reconnect)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	uint64_t first, second;

	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	first = take_lent(subscriber, 0);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_lent(publisher, block, 1, NULL), 1);
	second = take_lent(subscriber, 1);
	CHECK(first != second);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(lent_frames_and_others_keep_their_order_and_metadata)
{
	static char text[70000] = "metadata that are too large for the ring";
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	static uint64_t records[9000];
	struct tachyon_frame frame = lent_frame(block, 10, 1);
	struct tachyon_record record;
	size_t used = 0, position = 0;

	CHECK_EQ(tachyon_record_append(records, sizeof(records), &used, 70, text, sizeof(text)), 0);
	frame.metadata = records;
	frame.metadata_size = used;
	frame.offset = 77;
	frame.flags = TACHYON_FRAME_DELTA_UNIT;
	CHECK_EQ(publish_number(publisher, 5000, 0), 1);
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, LENT_SIZE - 10, NULL), 1);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "a/b"), 0);
	CHECK_EQ(publish_lent(publisher, block, 2, NULL), 1);
	CHECK_EQ(publish_number(publisher, 5000, 3), 1);

	take_frame(subscriber, 5000, 0);
	frame = expect_lent(subscriber, 1);
	CHECK_EQ(place_of(&frame).offset, LENT_SIZE - 10);
	CHECK_EQ(frame.offset, 77);
	CHECK_EQ(frame.flags, TACHYON_FRAME_DELTA_UNIT);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
	CHECK_EQ(record.size, sizeof(text));
	CHECK(memcmp(record.data, text, sizeof(text)) == 0);
	tachyon_frame_release(&frame);
	expect_caps(subscriber, "a/b");
	take_lent(subscriber, 2);
	take_frame(subscriber, 5000, 3);
	CHECK_EQ(blocks_in_use(publisher), 0);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_ordinary_frame_has_no_descriptor)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_frame frame, made;
	struct place place;

	CHECK_EQ(acquire_number(publisher, 5000, 0, &made), 0);
	CHECK_EQ(tachyon_frame_descriptor(&made, &place.fd, &place.offset, &place.size, &place.id),
		 -ENOENT);
	CHECK_EQ(tachyon_publisher_commit(publisher, &made), 1);
	CHECK_EQ(publish_number(publisher, 10, 1), 1);
	for (uint64_t i = 0; i < 2; i++) {
		frame = expect_frame(subscriber, i == 0 ? 5000 : 10, i);
		CHECK_EQ(tachyon_frame_descriptor(&frame, &place.fd, &place.offset, &place.size,
						  &place.id),
			 -ENOENT);
		CHECK_EQ(tachyon_frame_descriptor(&frame, NULL, &place.offset, &place.size,
						  &place.id),
			 -EINVAL);
		tachyon_frame_release(&frame);
	}
	CHECK_EQ(tachyon_frame_descriptor(&frame, &place.fd, &place.offset, &place.size, &place.id),
		 -ENOENT);
	CHECK_EQ(tachyon_frame_descriptor(NULL, &place.fd, &place.offset, &place.size, &place.id),
		 -EINVAL);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- what may be lent --- */

static void check_not_lent(struct tachyon_publisher *publisher, int fd, uint64_t size)
{
	struct tachyon_block *block = NULL;

	CHECK_EQ(tachyon_publisher_lend(publisher, fd, size, &block), -EINVAL);
	CHECK(!block);
	close(fd);
}

TEST(what_can_shrink_or_is_no_memory_is_not_lent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fds = count_fds();
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	check_not_lent(publisher, ends[0], 1);
	check_not_lent(publisher, ends[1], 1);
	check_not_lent(publisher, make_file(LENT_SIZE, 0), LENT_SIZE);
	check_not_lent(publisher, make_file(LENT_SIZE, F_SEAL_GROW | F_SEAL_WRITE), LENT_SIZE);
	check_not_lent(publisher, open(".", O_RDONLY | O_DIRECTORY), 1);
	check_not_lent(publisher, open("/dev/zero", O_RDWR), 4096);
	check_not_lent(publisher, open("file", O_RDWR | O_CREAT, 0600), 1);
	unlink("file");
	check_not_lent(publisher, 1000, 1);
	check_not_lent(publisher, -1, 1);
	CHECK_EQ(count_fds(), fds);
	tachyon_publisher_destroy(publisher);
}

TEST(more_than_the_file_has_is_not_lent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fd = make_lendable(LENT_SIZE);
	struct tachyon_block *block = NULL;

	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE + 1, &block), -EINVAL);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, 0, &block), -EINVAL);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_lend(NULL, fd, LENT_SIZE, &block), -EINVAL);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, (2ull << 30) + 1, &block),
		 TACHYON_ERR_TOO_BIG);
	CHECK(!block);
	close(fd);
	tachyon_publisher_destroy(publisher);
}

TEST(nothing_is_lent_for_want_of_descriptors_or_after_a_shutdown)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const int fd = make_lendable(LENT_SIZE);
	const struct rlimit limit = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = 20000};
	struct rlimit old;
	struct tachyon_block *block;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE,
			   &(struct rlimit){.rlim_cur = limit.rlim_cur, .rlim_max = old.rlim_max}),
		 0);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), -EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);

	tachyon_publisher_shutdown(publisher);
	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), TACHYON_ERR_CLOSED);
	close(fd);
	tachyon_publisher_destroy(publisher);
}

TEST(a_range_outside_or_another_block_is_refused)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_frame frame = lent_frame(block, 1000, 0), made;

	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, LENT_SIZE - 999, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, UINT64_MAX - 10, NULL), -EINVAL);
	frame.size = SIZE_MAX;
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, 1, NULL), -EINVAL);
	/* Its memory is not at data: the other calls cannot mean it. */
	frame.size = 10;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), -EINVAL);
	frame.block = NULL;
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, 0, NULL), -EINVAL);
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, NULL, 0, NULL), -EINVAL);
	CHECK_EQ(acquire_number(publisher, 5000, 0, &made), 0);
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &made, 0, NULL), -EINVAL);
	tachyon_publisher_take_back(publisher, made.block);
	tachyon_publisher_take_back(publisher, NULL);
	tachyon_publisher_take_back(NULL, block);
	CHECK_EQ(tachyon_publisher_commit(publisher, &made), 1);
	take_frame(subscriber, 5000, 0);
	expect_nothing(subscriber);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(the_last_byte_and_no_byte_can_be_sent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_frame frame = lent_frame(lend_new(publisher), 1, 0);

	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, LENT_SIZE - 1, NULL), 1);
	frame.size = 0;
	CHECK_EQ(tachyon_publisher_publish_lent(publisher, &frame, LENT_SIZE, NULL), 1);
	for (uint64_t i = 0; i < 2; i++) {
		frame = expect(subscriber, TACHYON_ITEM_FRAME).frame;
		CHECK_EQ(frame.size, 1 - i);
		CHECK_EQ(place_of(&frame).offset, LENT_SIZE - 1 + i);
		tachyon_frame_release(&frame);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- what it costs --- */

TEST(lent_memory_costs_nothing_of_either_limit)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 100);
	struct tachyon_subscriber_options small = lent_options();
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;

	options.max_bytes = small.max_bytes = 8192;
	publisher = make_publisher(&options);
	subscriber = join_with(publisher, &small);
	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(publish_lent(publisher, lend_new(publisher), i, NULL), 1);
	for (uint64_t i = 0; i < 3; i++)
		take_lent(subscriber, i);
	CHECK_EQ(figures(publisher).payload_bytes, 0);
	CHECK_EQ(figures(publisher).blocks, 0);
	CHECK_EQ(subscriber_figures(subscriber).mapped_bytes, 0);

	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(memory_for_other_frames_comes_and_goes_beside_it)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	uint64_t id;

	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	id = take_lent(subscriber, 0);
	for (size_t size = 4096; size < (1 << 20); size *= 4) {
		CHECK_EQ(tachyon_publisher_configure(publisher, size, 2), 0);
		CHECK_EQ(publish_number(publisher, size, 1), 1);
		take_frame(subscriber, size, 1);
		CHECK_EQ(publish_lent(publisher, block, 2, NULL), 1);
		CHECK_EQ(take_lent(subscriber, 2), id);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- who does not take it --- */

TEST(a_subscriber_that_takes_no_descriptors_misses_the_frame_and_is_told)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const other = join(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	int cookie;

	/* Nobody gets it: the cookie stays the caller's. */
	CHECK_EQ(publish_lent(publisher, block, 0, &cookie), 0);
	CHECK(!tachyon_publisher_reclaim(publisher));
	CHECK_EQ(figures(publisher).dropped, 1);

	subscriber = join_for_lent(publisher);
	CHECK_EQ(publish_lent(publisher, block, 1, &cookie), 1);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "a/b"), 0);
	CHECK_EQ(publish_number(publisher, 1000, 2), 2);
	CHECK_EQ(figures(publisher).dropped, 2);
	expect_caps(other, "a/b");
	item = expect(other, TACHYON_ITEM_FRAME);
	CHECK_EQ(item.frame.pts, 2);
	CHECK(item.frame.hints & TACHYON_FRAME_AFTER_DROP);
	tachyon_frame_release(&item.frame);
	expect_nothing(other);

	take_lent(subscriber, 1);
	expect_caps(subscriber, "a/b");
	item = expect(subscriber, TACHYON_ITEM_FRAME);
	CHECK(!(item.frame.hints & TACHYON_FRAME_AFTER_DROP));
	tachyon_frame_release(&item.frame);

	tachyon_subscriber_destroy(other);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(who_waits_for_another_misses_a_frame_once)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 1);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const other = join(publisher);
	struct tachyon_subscriber *const subscriber = join_for_lent(publisher);
	struct tachyon_block *const block = lend_new(publisher);

	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 1);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(publish_lent(publisher, block, 1, NULL), TACHYON_ERR_AGAIN);
	CHECK_EQ(figures(publisher).dropped, 1);
	take_lent(subscriber, 0);
	CHECK_EQ(publish_lent(publisher, block, 1, NULL), 1);
	CHECK_EQ(figures(publisher).dropped, 2);
	take_lent(subscriber, 1);

	tachyon_subscriber_destroy(other);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(state_reaches_who_misses_every_frame)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const other = join(publisher);
	struct tachyon_block *const block = lend_new(publisher);
	char caps[1000] = "a/b,c=";
	struct tachyon_item item;
	char last[1000] = "";

	/* More than its ring holds: the rest waits, and follows as frames go by. */
	memset(caps + 6, 'x', sizeof(caps) - 7);
	for (int i = 0; i < 200; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%04d", i);
		memcpy(caps + 6, number, 4);
		CHECK_EQ(tachyon_publisher_set_caps(publisher, caps), 0);
	}
	for (uint64_t i = 0; i < 500; i++) {
		CHECK_EQ(publish_lent(publisher, block, i, NULL), 0);
		while (tachyon_subscriber_receive(other, &item, 0) == 0)
			snprintf(last, sizeof(last), "%s", item.caps);
	}
	CHECK_STR_EQ(last, caps);

	tachyon_subscriber_destroy(other);
	tachyon_publisher_destroy(publisher);
}
