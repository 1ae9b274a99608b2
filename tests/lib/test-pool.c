/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The pool: how large a block is, which one is handed out, and how far it grows.
 */
#include <sys/resource.h>

#include "pool-setup.h"

/* --- sizes --- */

TEST(a_class_is_whole_pages_and_loses_an_eighth_at_most)
{
	for (uint64_t size = 1; size <= TACH_BLOCK_SIZE_MAX; size += size / 97 + 1) {
		const uint64_t class = tach_pool_class(size);

		CHECK_EQ(class % tach_os_page_size(), 0);
		CHECK(class >= size);
		CHECK(class - size < tach_os_page_size() + size / 8);
		CHECK_EQ(tach_pool_class(class), class);
	}
}

TEST(eight_classes_make_a_doubling)
{
	unsigned int count = 0;

	for (uint64_t size = pages(1025); size <= pages(2048); count++)
		size = tach_pool_class(size) + 1;
	CHECK_EQ(count, 8);
}

TEST(small_classes_are_single_pages)
{
	CHECK_EQ(tach_pool_class(0), pages(1));
	for (uint64_t count = 1; count <= 16; count++) {
		CHECK_EQ(tach_pool_class(pages(count)), pages(count));
		CHECK_EQ(tach_pool_class(pages(count) - 1), pages(count));
	}
	CHECK_EQ(tach_pool_class(pages(16) + 1), pages(18));
}

TEST(the_largest_class_is_the_largest_block)
{
	CHECK_EQ(tach_pool_class(TACH_BLOCK_SIZE_MAX), TACH_BLOCK_SIZE_MAX);
	CHECK_EQ(tach_pool_class(TACH_BLOCK_SIZE_MAX - 1), TACH_BLOCK_SIZE_MAX);
	CHECK_EQ(tach_pool_class((uint64_t)TACH_BLOCK_SIZE_MAX + 1), 0);
	CHECK_EQ(tach_pool_class(UINT64_MAX), 0);
}

/* --- acquiring --- */

TEST(a_new_pool_has_no_memory)
{
	struct tach_pool *pool = make_pool(PLENTY);

	CHECK_EQ(figures_of(pool).segments, 0);
	CHECK_EQ(figures_of(pool).bytes, 0);
	tach_pool_close(pool);
	tach_pool_close(NULL);
}

TEST(blocks_are_apart_aligned_and_writable)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *blocks[8];

	for (size_t i = 0; i < 8; i++) {
		blocks[i] = acquire(pool, pages(2) - 5);
		CHECK_EQ(tach_pool_block_size(blocks[i]), pages(2));
		CHECK_EQ((uintptr_t)tach_pool_block_data(blocks[i]) % tach_os_page_size(), 0);
		memset(tach_pool_block_data(blocks[i]), (int)i + 1, pages(2));
	}
	for (size_t i = 0; i < 8; i++) {
		const uint8_t *data = tach_pool_block_data(blocks[i]);

		CHECK_EQ(data[0], i + 1);
		CHECK_EQ(data[pages(2) - 1], i + 1);
		release(blocks[i]);
	}
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(a_segment_has_about_16_mib_of_blocks_between_4_and_64)
{
	static const struct {
		uint64_t size;
		uint64_t count;
	} cases[] = {{1, 64}, {MIB, 16}, {3 * MIB, 5}, {5 * MIB, 4}};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(cases); i++) {
		struct tach_pool *pool = make_pool(PLENTY);

		release(acquire(pool, cases[i].size));
		CHECK_EQ(figures_of(pool).segments, 1);
		CHECK_EQ(figures_of(pool).blocks, cases[i].count);
		CHECK_EQ(figures_of(pool).bytes, cases[i].count * tach_pool_class(cases[i].size));
		tach_pool_close(pool);
	}
}

TEST(the_last_block_given_back_is_the_first_taken)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *a = acquire(pool, 1);
	struct tachyon_block *b = acquire(pool, 1);
	struct tachyon_block *c = acquire(pool, 1);

	release(b);
	release(c);
	release(a);
	CHECK_EQ(acquire(pool, 1), a);
	CHECK_EQ(acquire(pool, 1), c);
	CHECK_EQ(acquire(pool, 1), b);

	release(a);
	release(b);
	release(c);
	tach_pool_close(pool);
}

TEST(a_steady_flow_uses_one_block)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *first = acquire(pool, 1);

	release(first);
	for (int i = 0; i < 1000; i++) {
		struct tachyon_block *block = acquire(pool, 1);
		const struct tach_block_ref ref = publish(pool, block, 1, NULL);

		CHECK_EQ(block, first);
		release(block);
		CHECK_EQ(give_back(pool, 0, &ref), 0);
	}
	CHECK_EQ(figures_of(pool).segments, 1);
	tach_pool_close(pool);
}

TEST(the_block_that_fits_best_is_taken)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *large = acquire(pool, pages(8));
	struct tachyon_block *small = acquire(pool, pages(3));
	struct tachyon_block *medium = acquire(pool, pages(5));
	struct tachyon_block *block;

	/* 5 pages would fit into the block of 8, which is not more than twice as large. */
	CHECK_EQ(tach_pool_block_size(small), pages(3));
	CHECK_EQ(tach_pool_block_size(medium), pages(8));
	CHECK_EQ(figures_of(pool).segments, 2);

	block = acquire(pool, pages(2));
	CHECK_EQ(tach_pool_block_size(block), pages(3));
	release(block);
	block = acquire(pool, pages(5));
	CHECK_EQ(tach_pool_block_size(block), pages(8));
	release(block);
	block = acquire(pool, pages(4));
	CHECK_EQ(tach_pool_block_size(block), pages(8));
	release(block);
	CHECK_EQ(figures_of(pool).segments, 2);

	release(large);
	release(small);
	release(medium);
	tach_pool_close(pool);
}

TEST(the_order_of_segments_does_not_decide_which_block_fits_best)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *small = acquire(pool, pages(3));
	struct tachyon_block *large = acquire(pool, pages(8));
	struct tachyon_block *block = acquire(pool, pages(2));

	CHECK_EQ(tach_pool_block_size(block), pages(3));
	release(block);
	release(small);
	release(large);
	tach_pool_close(pool);
}

TEST(a_much_larger_block_is_taken_only_at_the_limit)
{
	struct tach_pool *pool = make_pool(pages(64 * 9) + pages(64));
	struct tachyon_block *large = acquire(pool, pages(9));
	struct tachyon_block *blocks[65];

	/* Room for 64 small ones: all are taken before a large one is. */
	for (size_t i = 0; i < 64; i++) {
		blocks[i] = acquire(pool, pages(1));
		CHECK_EQ(tach_pool_block_size(blocks[i]), pages(1));
	}
	blocks[64] = acquire(pool, pages(1));
	CHECK_EQ(tach_pool_block_size(blocks[64]), pages(9));

	for (size_t i = 0; i < 65; i++)
		release(blocks[i]);
	release(large);
	tach_pool_close(pool);
}

TEST(a_pool_grows_to_its_limit_and_then_answers_again)
{
	/* One segment of 64, one of 6. */
	struct tach_pool *pool = make_pool(pages(70));
	struct tachyon_block *blocks[70];

	for (size_t i = 0; i < 70; i++)
		blocks[i] = acquire(pool, pages(1));
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(figures_of(pool).bytes, pages(70));
	CHECK_EQ(try_acquire(pool, pages(1)), -EAGAIN);

	release(blocks[3]);
	CHECK_EQ(acquire(pool, pages(1)), blocks[3]);
	for (size_t i = 0; i < 70; i++)
		release(blocks[i]);
	tach_pool_close(pool);
}

TEST(what_never_fits_is_too_big)
{
	struct tach_pool *pool = make_pool(pages(10));

	CHECK_EQ(try_acquire(pool, pages(10) + 1), -EMSGSIZE);
	CHECK_EQ(try_acquire(pool, UINT64_MAX), -EMSGSIZE);
	CHECK_EQ(figures_of(pool).segments, 0);
	tach_pool_close(pool);
}

TEST(a_limit_of_exactly_one_frame_suffices)
{
	/* 17 pages are no class: the next one is 18. */
	struct tach_pool *pool = make_pool(pages(17) + 7);
	struct tachyon_block *block = acquire(pool, pages(17));

	CHECK_EQ(tach_pool_block_size(block), pages(17));
	CHECK_EQ(try_acquire(pool, pages(17)), -EAGAIN);
	CHECK_EQ(try_acquire(pool, pages(17) + 1), -EMSGSIZE);
	release(block);
	tach_pool_close(pool);
}

TEST(a_limit_below_a_page_is_always_too_big)
{
	struct tach_pool *pool = make_pool(100);

	CHECK_EQ(try_acquire(pool, 1), -EMSGSIZE);
	CHECK_EQ(try_acquire(pool, 0), -EMSGSIZE);
	tach_pool_close(pool);
}

TEST(blocks_too_small_make_room_for_larger_ones)
{
	struct tach_pool *pool = make_pool(pages(64));
	struct tachyon_block *block;

	release(acquire(pool, pages(1)));
	CHECK_EQ(figures_of(pool).blocks, 64);

	block = acquire(pool, pages(32));
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(figures_of(pool).blocks, 2);
	release(block);
	tach_pool_close(pool);
}

TEST(no_more_room_is_made_than_is_needed)
{
	struct tach_pool *pool = make_pool(pages(128));
	struct tachyon_block *blocks[65];
	struct tachyon_block *large;

	for (size_t i = 0; i < 65; i++)
		blocks[i] = acquire(pool, pages(1));
	for (size_t i = 0; i < 65; i++)
		release(blocks[i]);
	CHECK_EQ(figures_of(pool).blocks, 128);

	large = acquire(pool, pages(32));
	CHECK_EQ(figures_of(pool).blocks, 64 + 2);
	release(large);
	tach_pool_close(pool);
}

TEST(blocks_too_small_make_room_once_they_come_back)
{
	struct tach_pool *pool = make_pool(pages(64));
	const struct tach_block_ref ref = commit(pool, pages(1), 1, NULL);
	struct tachyon_block *block;
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(try_acquire(pool, pages(32)), -EAGAIN);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 0);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(try_acquire(pool, pages(32)), -EAGAIN);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);
	CHECK_EQ(segment, ref.segment);
	CHECK_EQ(tach_pool_retired(pool, 0, segment), 0);

	block = acquire(pool, pages(32));
	release(block);
	tach_pool_close(pool);
}

TEST(blocks_that_can_serve_are_waited_for_and_replace_nothing)
{
	struct tach_pool *pool = make_pool(pages(64 + 32));
	struct tachyon_block *large;

	release(acquire(pool, pages(1)));
	large = acquire(pool, pages(32));
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(try_acquire(pool, pages(32)), -EAGAIN);
	CHECK_EQ(figures_of(pool).segments, 2);
	release(large);
	tach_pool_close(pool);
}

static void limit_fds(rlim_t count)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(memory_that_cannot_be_had_is_an_error_and_costs_no_room)
{
	struct rlimit before;
	struct tach_pool *pool = make_pool(pages(64));

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit_fds(0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(try_acquire(pool, 1), -EMFILE);
	CHECK_EQ(tach_pool_configure(pool, 1, 4), -EMFILE);
	limit_fds(before.rlim_cur);

	release(acquire(pool, 1));
	CHECK_EQ(figures_of(pool).blocks, 64);
	tach_pool_close(pool);
}

TEST(memory_that_cannot_be_had_is_waited_for_when_blocks_will_come_back)
{
	struct rlimit before;
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(tach_pool_configure(pool, 1, 1), 0);
	block = acquire(pool, 1);
	limit_fds(0);
	CHECK_EQ(try_acquire(pool, 1), -EAGAIN);
	CHECK_EQ(try_acquire(pool, pages(2)), -EMFILE);
	limit_fds(before.rlim_cur);
	release(block);
	tach_pool_close(pool);
}

TEST(a_pool_knows_its_own_blocks)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tach_pool *other = make_pool(PLENTY);
	const struct tach_block_ops foreign_ops = {0};
	const struct tachyon_block foreign = {.ops = &foreign_ops};
	struct tachyon_block *block = acquire(pool, 1);

	CHECK(tach_pool_owns(pool, block));
	CHECK(!tach_pool_owns(other, block));
	CHECK(!tach_pool_owns(pool, &foreign));
	CHECK(!tach_pool_owns(pool, NULL));

	release(block);
	tach_pool_close(pool);
	tach_pool_close(other);
}

TEST(an_acquired_frame_is_valid)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_frame frame = {.block = acquire(pool, 1)};

	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	tachyon_frame_release(&frame);
	tach_pool_close(pool);
}

/* --- configuring --- */

TEST(configure_prepares_as_many_blocks_as_asked)
{
	struct tach_pool *pool = make_pool(PLENTY);

	CHECK_EQ(tach_pool_configure(pool, pages(1), 10), 0);
	CHECK_EQ(figures_of(pool).blocks, 10);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 10), 0);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 3), 0);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 0), 0);
	CHECK_EQ(figures_of(pool).blocks, 10);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 12), 0);
	CHECK_EQ(figures_of(pool).blocks, 12);
	tach_pool_close(pool);
}

TEST(configure_of_no_count_takes_a_usual_segment)
{
	struct tach_pool *pool = make_pool(PLENTY);

	CHECK_EQ(tach_pool_configure(pool, MIB, 0), 0);
	CHECK_EQ(figures_of(pool).blocks, 16);
	tach_pool_close(pool);
}

TEST(more_blocks_than_a_segment_has_take_several)
{
	struct tach_pool *pool = make_pool(PLENTY);

	CHECK_EQ(tach_pool_configure(pool, pages(1), TACH_BLOCKS_PER_SEGMENT + 1), 0);
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(figures_of(pool).blocks, TACH_BLOCKS_PER_SEGMENT + 1);
	tach_pool_close(pool);
}

TEST(configure_refuses_what_exceeds_the_limit)
{
	struct tach_pool *pool = make_pool(pages(64));

	CHECK_EQ(tach_pool_configure(pool, 0, 1), -EINVAL);
	CHECK_EQ(tach_pool_configure(pool, pages(65), 1), -EMSGSIZE);
	CHECK_EQ(tach_pool_configure(pool, pages(32), 3), -EMSGSIZE);
	CHECK_EQ(tach_pool_configure(pool, UINT64_MAX, 0), -EMSGSIZE);
	CHECK_EQ(tach_pool_configure(pool, pages(1), UINT32_MAX), -EMSGSIZE);
	CHECK_EQ(figures_of(pool).segments, 0);
	CHECK_EQ(tach_pool_configure(pool, pages(32), 2), 0);
	CHECK_EQ(figures_of(pool).blocks, 2);
	tach_pool_close(pool);
}

TEST(configure_keeps_near_blocks_and_lets_the_others_go)
{
	struct tach_pool *pool = make_pool(PLENTY);

	CHECK_EQ(tach_pool_configure(pool, pages(8), 4), 0);
	/* Twice as large is near. */
	CHECK_EQ(tach_pool_configure(pool, pages(4), 4), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(figures_of(pool).bytes, pages(32));
	/* More than that is not, nor is less. */
	CHECK_EQ(tach_pool_configure(pool, pages(3), 4), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(figures_of(pool).bytes, pages(12));
	CHECK_EQ(tach_pool_configure(pool, pages(8), 4), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(figures_of(pool).bytes, pages(32));
	tach_pool_close(pool);
}
