/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Publications: who has a block, and what happens when the last has given it back.
 */
#include "pool-memory.h"
#include "pool-setup.h"

/* --- publishing and returning --- */

TEST(a_publication_says_where_the_block_is)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 100);
	const struct tach_block_ref ref = publish(pool, block, 1, NULL);
	struct tach_segment memory = view(pool, ref.segment);

	memcpy(tach_pool_block_data(block), "payload", 8);
	CHECK_MEM_EQ(memory.data + memory.block_size * ref.block, "payload", 8);
	CHECK_EQ((uint32_t)generation_in(&memory, ref.block), ref.generation);

	release(block);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	tach_segment_destroy(&memory);
	tach_pool_close(pool);
}

TEST(a_block_is_free_after_its_reference_and_all_holders)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	const struct tach_block_ref ref = publish(pool, block, 1ull << 0 | 1ull << 63, NULL);

	CHECK_EQ(give_back(pool, 63, &ref), 0);
	CHECK_EQ(blocks_in_use(pool), 1);
	release(block);
	CHECK_EQ(blocks_in_use(pool), 1);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(a_reference_outlives_the_publication)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	const struct tach_block_ref ref = publish(pool, block, 1, NULL);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(blocks_in_use(pool), 1);
	release(block);
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(blocks_are_returned_in_any_order)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tach_block_ref refs[16];
	int cookies[16];

	for (size_t i = 0; i < 16; i++)
		refs[i] = commit(pool, 1, 3, &cookies[i]);
	for (size_t i = 0; i < 16; i++)
		CHECK_EQ(give_back(pool, 0, &refs[i]), 0);
	CHECK(!tach_pool_reclaim(pool));
	for (size_t i = 0; i < 16; i++) {
		/* 5 and 16 have no common factor: each is met once. */
		const size_t index = i * 5 % 16;

		CHECK_EQ(give_back(pool, 1, &refs[index]), 0);
		CHECK_EQ(tach_pool_reclaim(pool), &cookies[index]);
	}
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(cookies_come_back_in_the_order_in_which_publications_ended)
{
	struct tach_pool *pool = make_pool(PLENTY);
	int a, b, c;
	const struct tach_block_ref ref_a = commit(pool, 1, 1, &a);
	const struct tach_block_ref ref_b = commit(pool, 1, 1, &b);
	const struct tach_block_ref none = commit(pool, 1, 1, NULL);
	const struct tach_block_ref ref_c = commit(pool, 1, 1, &c);

	CHECK(!tach_pool_reclaim(pool));
	CHECK_EQ(give_back(pool, 0, &ref_b), 0);
	CHECK_EQ(give_back(pool, 0, &none), 0);
	CHECK_EQ(give_back(pool, 0, &ref_c), 0);
	CHECK_EQ(give_back(pool, 0, &ref_a), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &b);
	CHECK_EQ(tach_pool_reclaim(pool), &c);
	CHECK_EQ(tach_pool_reclaim(pool), &a);
	CHECK(!tach_pool_reclaim(pool));
	tach_pool_close(pool);
}

TEST(a_block_published_twice_has_two_publications)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	int first, second;
	const struct tach_block_ref ref = publish(pool, block, 3, &first);
	const struct tach_block_ref again = publish(pool, block, 3, &second);

	/* The content is the same, and so is its generation. */
	CHECK_EQ(again.segment, ref.segment);
	CHECK_EQ(again.block, ref.block);
	CHECK_EQ(again.generation, ref.generation);
	release(block);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(give_back(pool, 0, &ref), -EBADMSG);
	CHECK(!tach_pool_reclaim(pool));
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &first);
	CHECK_EQ(blocks_in_use(pool), 1);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &second);
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(a_later_publication_may_end_before_an_earlier_one)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	int first, second, third;
	const struct tach_block_ref ref = publish(pool, block, 1, &first);

	publish(pool, block, 2, &second);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &second);
	/* Behind the one that is left. */
	publish(pool, block, 2, &third);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &first);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &third);
	release(block);
	tach_pool_close(pool);
}

TEST(a_return_by_one_who_has_it_not_is_corrupt)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1ull << 5, NULL);

	CHECK_EQ(give_back(pool, 4, &ref), -EBADMSG);
	CHECK_EQ(give_back(pool, 5, &ref), 0);
	CHECK_EQ(give_back(pool, 5, &ref), -EBADMSG);
	tach_pool_close(pool);
}

TEST(a_return_of_what_is_no_block_is_corrupt)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	const struct tach_block_ref lies[] = {
		{.segment = ref.segment + 1, .block = ref.block, .generation = ref.generation},
		{.segment = 0, .block = ref.block, .generation = ref.generation},
		{.segment = UINT32_MAX, .block = ref.block, .generation = ref.generation},
		{.segment = ref.segment, .block = 64, .generation = ref.generation},
		{.segment = ref.segment, .block = UINT16_MAX, .generation = ref.generation},
		{.segment = ref.segment, .block = ref.block + 1u, .generation = ref.generation},
		{.segment = ref.segment, .block = ref.block, .generation = ref.generation + 1},
		{.segment = ref.segment, .block = ref.block, .generation = ref.generation - 1},
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++)
		CHECK_EQ(give_back(pool, 0, &lies[i]), -EBADMSG);
	CHECK_EQ(blocks_in_use(pool), 1);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	tach_pool_close(pool);
}

TEST(a_return_from_an_earlier_generation_is_corrupt)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref old = commit(pool, 1, 1, NULL);
	struct tach_block_ref ref;

	CHECK_EQ(give_back(pool, 0, &old), 0);
	ref = commit(pool, 1, 1, NULL);
	CHECK_EQ(ref.block, old.block);
	CHECK_EQ(give_back(pool, 0, &old), -EBADMSG);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	tach_pool_close(pool);
}

TEST(the_generation_is_raised_when_the_last_publication_ends)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	int cookie;
	const struct tach_block_ref ref = publish(pool, block, 3, &cookie);
	struct tach_segment memory = view(pool, ref.segment);
	const uint64_t before = generation_in(&memory, ref.block);

	publish(pool, block, 1, NULL);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &cookie);
	CHECK_EQ(generation_in(&memory, ref.block), before);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(generation_in(&memory, ref.block), before + 1);
	CHECK_EQ(generation_in(&memory, ref.block + 1u), 0);

	/* A reference that was never published is no reader's matter. */
	release(block);
	release(acquire(pool, 1));
	CHECK_EQ(generation_in(&memory, ref.block), before + 1);
	tach_segment_destroy(&memory);
	tach_pool_close(pool);
}

TEST(the_wire_generation_is_the_low_half)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *block = acquire(pool, 1);
	struct tach_block_ref ref;
	struct tach_segment memory;

	((struct tach_pool_block *)block)->generation = UINT32_MAX;
	ref = publish(pool, block, 1, NULL);
	memory = view(pool, ref.segment);
	CHECK_EQ(ref.generation, UINT32_MAX);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(generation_in(&memory, ref.block), 1ull << 32);

	ref = publish(pool, block, 1, NULL);
	CHECK_EQ(ref.generation, 0);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	release(block);
	tach_segment_destroy(&memory);
	tach_pool_close(pool);
}

/* --- holders that leave --- */

TEST(a_holder_that_leaves_gives_everything_back)
{
	struct tach_pool *pool = make_pool(PLENTY);
	int alone, shared, other, twice, twice_again;
	struct tachyon_block *kept = acquire(pool, 1);
	const struct tach_block_ref ref_kept = publish(pool, kept, 1, NULL);
	const struct tach_block_ref ref_shared = commit(pool, 1, 3, &shared);
	const struct tach_block_ref ref_other = commit(pool, 1, 2, &other);
	struct tach_segment memory = view(pool, ref_kept.segment);
	struct tachyon_block *block = acquire(pool, 1);
	struct tach_block_ref ref;

	commit(pool, 1, 1, &alone);
	ref = publish(pool, block, 1, &twice);
	publish(pool, block, 3, &twice_again);
	release(block);
	CHECK_EQ(blocks_in_use(pool), 5);

	tach_pool_drop_holder(pool, 0);

	/* alone is free; kept has its reference, the rest holder 1. */
	CHECK_EQ(blocks_in_use(pool), 4);
	CHECK(tach_pool_reclaim(pool) != NULL);
	CHECK(tach_pool_reclaim(pool) != NULL);
	CHECK(!tach_pool_reclaim(pool));
	CHECK_EQ(generation_in(&memory, ref_kept.block), ref_kept.generation + 1);
	CHECK_EQ(generation_in(&memory, ref_shared.block), ref_shared.generation);
	CHECK_EQ(give_back(pool, 0, &ref_shared), -EBADMSG);
	CHECK_EQ(give_back(pool, 1, &ref_shared), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &shared);
	CHECK_EQ(give_back(pool, 1, &ref_other), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &other);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	CHECK_EQ(tach_pool_reclaim(pool), &twice_again);
	release(kept);
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_segment_destroy(&memory);
	tach_pool_close(pool);
}

TEST(a_holder_that_left_knows_no_segment)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);

	tach_pool_set_known(pool, ref.segment, 0);
	tach_pool_set_known(pool, ref.segment, 1);
	tach_pool_drop_holder(pool, 0);
	CHECK(!tach_pool_is_known(pool, ref.segment, 0));
	CHECK(tach_pool_is_known(pool, ref.segment, 1));
	tach_pool_close(pool);
}

TEST(dropping_one_who_has_nothing_changes_nothing)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);

	tach_pool_drop_holder(pool, 63);
	CHECK_EQ(blocks_in_use(pool), 1);
	CHECK_EQ(give_back(pool, 0, &ref), 0);
	tach_pool_close(pool);
}

/* --- closing --- */

TEST(blocks_stay_usable_after_close_until_the_last_is_released)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *a = acquire(pool, pages(1));
	struct tachyon_block *b = acquire(pool, pages(1));
	struct tachyon_block *c = acquire(pool, pages(4));
	int cookie;

	publish(pool, a, 1, &cookie);
	tach_pool_close(pool);

	memset(tach_pool_block_data(a), 1, pages(1));
	release(a);
	memset(tach_pool_block_data(c), 1, pages(4));
	release(c);
	memset(tach_pool_block_data(b), 1, pages(1));
	release(b);
	/* The harness looks for mappings and fds that are left. */
	CHECK(true);
}

TEST(close_forgets_publications_and_cookies)
{
	struct tach_pool *pool = make_pool(PLENTY);
	int cookie, over;
	const struct tach_block_ref ref = commit(pool, 1, 3, &over);

	CHECK_EQ(give_back(pool, 0, &ref), 0);
	CHECK_EQ(give_back(pool, 1, &ref), 0);
	commit(pool, 1, 3, &cookie);
	commit(pool, pages(20), 3, &cookie);
	tach_pool_set_known(pool, ref.segment, 0);
	tach_pool_close(pool);
}

TEST(close_leaves_frames_valid_that_nobody_can_overwrite)
{
	struct tach_pool *pool = make_pool(PLENTY);
	struct tachyon_block *held = acquire(pool, 1);
	const struct tach_block_ref ref_held = publish(pool, held, 1, NULL);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	struct tach_segment memory = view(pool, ref.segment);

	tach_pool_close(pool);
	CHECK_EQ(generation_in(&memory, ref.block), ref.generation);
	CHECK_EQ(generation_in(&memory, ref_held.block), ref_held.generation + 1);
	release(held);
	tach_segment_destroy(&memory);
}

TEST(close_while_a_segment_retires)
{
	struct tach_pool *pool = make_pool(PLENTY);
	const struct tach_block_ref ref = commit(pool, 1, 1, NULL);
	struct tachyon_block *block = acquire(pool, 1);

	tach_pool_set_known(pool, ref.segment, 0);
	CHECK_EQ(tach_pool_configure(pool, pages(9), 1), 0);
	tach_pool_close(pool);
	release(block);
	CHECK(true);
}
