/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Segments that holders know, and that go; what a waiter is told.
 */
#include <poll.h>

#include "pool-setup.h"

/* --- announcing and retiring --- */

TEST(a_segment_is_known_to_whom_it_was_announced)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);

	CHECK(!tach_pool_is_known(pool, ref.segment, 7));
	tach_pool_set_known(pool, ref.segment, 7);
	CHECK(tach_pool_is_known(pool, ref.segment, 7));
	CHECK(!tach_pool_is_known(pool, ref.segment, 6));
	CHECK(!tach_pool_is_known(pool, ref.segment + 1, 7));
	tach_pool_set_known(pool, ref.segment + 1, 7);
	CHECK(!tach_pool_is_known(pool, ref.segment + 1, 7));
	CHECK_EQ(tach_pool_segment_fd(pool, ref.segment + 1, NULL), -ENOENT);
	tach_pool_close(pool);
}

TEST(segment_ids_are_never_used_twice)
{
	struct tach_pool *pool = make_pool(PLENTY);
	uint32_t last = 0;

	for (uint64_t i = 0; i < 20; i++) {
		const uint64_t size = i % 2 ? pages(1) : pages(9);
		struct tach_block_ref ref;

		CHECK_EQ(tach_pool_configure(pool, size, 1), 0);
		CHECK_EQ(figures_of(pool).segments, 1);
		ref = commit(pool, size, 1, NULL);
		CHECK(ref.segment > last);
		last = ref.segment;
		CHECK_EQ(give_back(pool, 0, &ref), 0);
	}
	tach_pool_close(pool);
}

TEST(segments_are_found_among_many)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tach_block_ref refs[30];

	for (size_t i = 0; i < 30; i++)
		refs[i] = commit(pool, pages(1), 1, NULL);
	for (size_t i = 0; i < 30; i++) {
		CHECK_EQ(tach_pool_configure(pool, pages(1), 64 + (uint32_t)i), 0);
		CHECK_EQ(figures_of(pool).segments, i + 1);
	}
	for (uint32_t id = refs[0].segment; id < refs[0].segment + 30; id++)
		CHECK(tach_pool_segment_fd(pool, id, NULL) >= 0);
	CHECK_EQ(tach_pool_segment_fd(pool, refs[0].segment + 30, NULL), -ENOENT);
	CHECK_EQ(tach_pool_segment_fd(pool, refs[0].segment - 1, NULL), -ENOENT);
	for (size_t i = 0; i < 30; i++)
		CHECK_EQ(give_back(pool, 0, &refs[i]), 0);
	tach_pool_close(pool);
}

TEST(nothing_retires_in_a_pool_that_is_not_reconfigured)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	uint32_t segment = 77;

	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 0);
	CHECK_EQ(segment, 77);
	CHECK_EQ(tach_pool_retired(pool, 0, ref.segment), -EBADMSG);
	tach_pool_close(pool);
}

TEST(a_segment_retires_when_its_blocks_are_back_and_goes_when_all_forgot_it)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	tach_pool_set_known(pool, ref.segment, 9);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 0);
	CHECK_EQ(tach_pool_retired(pool, 0, ref.segment), -EBADMSG);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 1, &segment), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);
	CHECK_EQ(segment, ref.segment);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 9, &segment), 1);
	CHECK_EQ(segment, ref.segment);

	CHECK_EQ(tach_pool_retired(pool, 1, ref.segment), -EBADMSG);
	CHECK_EQ(tach_pool_retired(pool, 0, ref.segment + 1), -EBADMSG);
	CHECK_EQ(tach_pool_retired(pool, 0, ref.segment), 0);
	CHECK_EQ(tach_pool_retired(pool, 0, ref.segment), -EBADMSG);
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(tach_pool_retired(pool, 9, ref.segment), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(tach_pool_segment_fd(pool, ref.segment, NULL), -ENOENT);
	tach_pool_close(pool);
}

TEST(a_retiring_segment_hands_out_no_block)
{
	struct tach_pool *pool = make_pool(pages(64 * 9 + 80));
	struct tachyon_block *large = acquire(pool, pages(9));
	struct tachyon_block *blocks[80];

	CHECK_EQ(tach_pool_configure(pool, pages(1), 1), 0);
	for (size_t i = 0; i < 80; i++) {
		blocks[i] = acquire(pool, pages(1));
		CHECK_EQ(tach_pool_block_size(blocks[i]), pages(1));
	}
	CHECK_EQ(try_acquire(pool, pages(1)), -EAGAIN);
	CHECK_EQ(try_acquire(pool, pages(9)), -EAGAIN);

	release(large);
	CHECK_EQ(figures_of(pool).bytes, pages(80));
	for (size_t i = 0; i < 80; i++)
		release(blocks[i]);
	tach_pool_close(pool);
}

TEST(a_holder_that_leaves_needs_not_be_asked)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	tach_pool_set_known(pool, ref.segment, 1);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);
	tach_pool_drop_holder(pool, 1);
	CHECK_EQ(figures_of(pool).segments, 2);
	tach_pool_drop_holder(pool, 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(tach_pool_retired(pool, 0, segment), -EBADMSG);
	tach_pool_close(pool);
}

TEST(the_next_holder_of_that_number_was_not_asked)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	tach_pool_set_known(pool, ref.segment, 1);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);
	tach_pool_drop_holder(pool, 0);
	CHECK_EQ(tach_pool_retired(pool, 0, segment), -EBADMSG);
	CHECK_EQ(figures_of(pool).segments, 2);
	tach_pool_close(pool);
}

TEST(a_holder_that_leaves_with_the_last_block_ends_the_segment)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tach_block_ref ref = commit(pool, 1, 1, NULL);

	for (int i = 0; i < 5; i++)
		commit(pool, 1, 1, NULL);
	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	ref = commit(pool, pages(9), 1, NULL);
	CHECK_EQ(tach_pool_configure(pool, pages(90), 1), 0);
	CHECK_EQ(figures_of(pool).segments, 3);
	tach_pool_drop_holder(pool, 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	tach_pool_close(pool);
}

TEST(retiring_bytes_count_against_the_limit)
{
	struct tach_pool *pool = make_pool(pages(64));
	const struct tach_block_ref ref = commit(pool, pages(1), 1, NULL);

	CHECK_EQ(tach_pool_configure(pool, pages(16), 4), 0);
	CHECK_EQ(figures_of(pool).bytes, pages(64));
	CHECK_EQ(try_acquire(pool, pages(16)), -EAGAIN);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(figures_of(pool).bytes, 0);
	release(acquire(pool, pages(16)));
	tach_pool_close(pool);
}

TEST(a_size_that_comes_back_finds_its_retiring_blocks)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, pages(1), 1, NULL);
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 64), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 0);

	/* Once a holder was asked to forget it, it is too late. */
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);
	CHECK_EQ(tach_pool_configure(pool, pages(1), 64), 0);
	CHECK_EQ(figures_of(pool).segments, 2);
	CHECK_EQ(tach_pool_retired(pool, 0, segment), 0);
	CHECK_EQ(figures_of(pool).segments, 1);
	CHECK(commit(pool, pages(1), 1, NULL).segment != segment);
	tach_pool_close(pool);
}

/* --- waiting and figures --- */

static bool is_set(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	const bool was_set = poll(&entry, 1, 0) == 1;

	tach_os_event_clear(fd);
	return was_set;
}

TEST(a_waiter_is_woken_once_when_a_block_becomes_free)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *a = acquire(pool, 1);
	struct tachyon_block *b = acquire(pool, 1);
	const int fd = tach_os_eventfd();
	uint64_t freed = tach_pool_freed(pool);

	tach_pool_set_wake(pool, fd);
	CHECK(!is_set(fd));
	CHECK_EQ(tach_pool_freed(pool), freed);
	release(a);
	CHECK(is_set(fd));
	CHECK(tach_pool_freed(pool) != freed);
	freed = tach_pool_freed(pool);
	release(b);
	CHECK(!is_set(fd));
	CHECK(tach_pool_freed(pool) != freed);

	a = acquire(pool, 1);
	tach_pool_set_wake(pool, fd);
	tach_pool_set_wake(pool, -1);
	release(a);
	CHECK(!is_set(fd));
	tach_os_close(fd);
	tach_pool_close(pool);
}

TEST(a_waiter_is_woken_when_a_publication_is_over)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	const int fd = tach_os_eventfd();
	const struct tach_block_ref ref = publish(pool, block, 3, NULL);

	tach_pool_set_wake(pool, fd);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK(!is_set(fd));
	tach_pool_drop_holder(pool, 1);
	CHECK(is_set(fd));
	release(block);
	tach_os_close(fd);
	tach_pool_close(pool);
}

TEST(a_waiter_is_woken_when_the_limit_has_room_again)
{
	struct tach_pool *pool = make_pool(pages(64));
	const struct tach_block_ref ref = commit(pool, pages(1), 1, NULL);
	const int fd = tach_os_eventfd();
	uint64_t freed;
	uint32_t segment;

	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(try_acquire(pool, pages(32)), -EAGAIN);
	CHECK_EQ(tach_pool_next_retire(pool, 0, &segment), 1);

	freed = tach_pool_freed(pool);
	tach_pool_set_wake(pool, fd);
	CHECK_EQ(tach_pool_retired(pool, 0, segment), 0);
	CHECK(is_set(fd));
	CHECK(tach_pool_freed(pool) != freed);
	tach_os_close(fd);
	tach_pool_close(pool);
}

TEST(a_pool_is_scarce_near_its_limit_only)
{
	struct tach_pool *pool = make_pool(pages(16 * 4));
	struct tachyon_block *a, *b;

	CHECK(!tach_pool_is_scarce(pool));
	a = acquire(pool, pages(16));
	CHECK_EQ(figures_of(pool).blocks, 4);
	CHECK(!tach_pool_is_scarce(pool));
	b = acquire(pool, pages(16));
	CHECK(tach_pool_is_scarce(pool));
	release(a);
	CHECK(!tach_pool_is_scarce(pool));
	release(b);
	tach_pool_close(pool);

	/* Few blocks, and room for more. */
	pool = make_pool(PLENTY);
	CHECK_EQ(tach_pool_configure(pool, 1, 1), 0);
	a = acquire(pool, 1);
	CHECK(!tach_pool_is_scarce(pool));
	release(a);
	tach_pool_close(pool);
}
