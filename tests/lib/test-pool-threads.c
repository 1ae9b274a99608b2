/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One pool in many threads, and in a forked child.
 */
#include <pthread.h>
#include <sched.h>

#include "pool-private.h"
#include "pool-setup.h"

/* --- threads and processes --- */

#define ROUNDS 20000
#define HOLDERS 3

struct post {
	pthread_mutex_t mutex;
	struct tach_block_ref refs[64];
	size_t count;
	bool is_over;
};

struct crew {
	struct tach_pool *pool;
	struct post posts[HOLDERS];
	_Atomic uint64_t cookies;
};

struct member {
	struct crew *crew;
	unsigned int holder;
};

static void *return_what_comes(void *arg)
{
	const struct member *member = arg;
	struct post *post = &member->crew->posts[member->holder];
	bool is_over = false;

	while (!is_over) {
		struct tach_block_ref ref;
		bool has_one;

		pthread_mutex_lock(&post->mutex);
		has_one = post->count > 0;
		if (has_one)
			ref = post->refs[--post->count];
		is_over = !has_one && post->is_over;
		pthread_mutex_unlock(&post->mutex);
		if (has_one)
			CHECK_EQ(give_back(member->crew->pool, member->holder, &ref), 0);
		else
			sched_yield();
	}
	return NULL;
}

static void *reclaim_all(void *arg)
{
	struct crew *crew = arg;

	while (atomic_load(&crew->cookies) < ROUNDS) {
		if (tach_pool_reclaim(crew->pool))
			atomic_fetch_add(&crew->cookies, 1);
		else
			sched_yield();
	}
	return NULL;
}

static void *release_one(void *arg)
{
	release(arg);
	return NULL;
}

static bool post_to(struct post *post, const struct tach_block_ref *ref)
{
	bool fits;

	pthread_mutex_lock(&post->mutex);
	fits = post->count < 64;
	if (fits)
		post->refs[post->count++] = *ref;
	pthread_mutex_unlock(&post->mutex);
	return fits;
}

TEST_WITH_TIMEOUT(threads_publish_return_and_reclaim_at_once, 120)
{
	static struct crew crew;
	static int cookie;
	struct member members[HOLDERS];
	pthread_t threads[HOLDERS + 1];

	crew.pool = make_pool(pages(80));
	for (unsigned int i = 0; i < HOLDERS; i++) {
		members[i] = (struct member){&crew, i};
		pthread_mutex_init(&crew.posts[i].mutex, NULL);
		CHECK_EQ(pthread_create(&threads[i], NULL, return_what_comes, &members[i]), 0);
	}
	CHECK_EQ(pthread_create(&threads[HOLDERS], NULL, reclaim_all, &crew), 0);

	for (int i = 0; i < ROUNDS; i++) {
		struct tachyon_block *block;
		struct tach_block_ref ref;

		while (tach_pool_acquire(crew.pool, pages(1 + (uint64_t)i % 2), &block) < 0)
			sched_yield();
		memset(tach_pool_block_data(block), i, 64);
		ref = publish(crew.pool, block, (1ull << HOLDERS) - 1, &cookie);
		for (unsigned int holder = 0; holder < HOLDERS; holder++) {
			while (!post_to(&crew.posts[holder], &ref))
				sched_yield();
		}
		release(block);
	}
	for (unsigned int i = 0; i < HOLDERS; i++) {
		pthread_mutex_lock(&crew.posts[i].mutex);
		crew.posts[i].is_over = true;
		pthread_mutex_unlock(&crew.posts[i].mutex);
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
	CHECK_EQ(pthread_join(threads[HOLDERS], NULL), 0);
	CHECK_EQ(atomic_load(&crew.cookies), ROUNDS);
	CHECK_EQ(blocks_in_use(crew.pool), 0);
	CHECK(figures_of(crew.pool).bytes <= pages(80));
	tach_pool_close(crew.pool);
}

static void *acquire_and_release(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		struct tachyon_block *block;
		const int ret = tach_pool_acquire(arg, pages(1 + (uint64_t)(i % 7) * 4), &block);

		CHECK(ret == 0 || ret == -EAGAIN);
		if (ret == 0) {
			*(volatile uint8_t *)tach_pool_block_data(block) = 1;
			release(block);
		}
	}
	return NULL;
}

TEST_WITH_TIMEOUT(threads_that_grow_a_pool_at_once_keep_its_limit, 120)
{
	struct tach_pool *pool = make_pool(pages(200));
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, acquire_and_release, pool), 0);
	for (size_t i = 0; i < 200; i++)
		CHECK(figures_of(pool).bytes <= pages(200));
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(figures_of(pool).bytes <= pages(200));
	CHECK_EQ(blocks_in_use(pool), 0);
	tach_pool_close(pool);
}

TEST(threads_release_the_last_blocks_of_a_closed_pool)
{
	for (int round = 0; round < 50; round++) {
		struct tach_pool *pool = make_pool(PLENTY);
		struct tachyon_block *blocks[4];
		pthread_t threads[4];

		for (size_t i = 0; i < 4; i++)
			blocks[i] = acquire(pool, i < 2 ? pages(1) : pages(4));
		for (size_t i = 0; i < 3; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, release_one, blocks[i]), 0);
		tach_pool_close(pool);
		release(blocks[3]);
		for (size_t i = 0; i < 3; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
}

struct heirloom {
	struct tach_pool *pool;
	struct tachyon_block *block;
};

static int release_in_child(void *arg)
{
	const struct heirloom *heirloom = arg;

	release(heirloom->block);
	tach_pool_close(heirloom->pool);
	/* Still readable, whatever was released. */
	return *(const volatile uint8_t *)tach_pool_block_data(heirloom->block);
}

TEST(a_forked_child_cannot_disturb_the_pool)
{
	struct heirloom heirloom = {.pool = make_pool(PLENTY)};
	struct tach_block_ref ref;

	heirloom.block = acquire(heirloom.pool, 1);
	*(uint8_t *)tach_pool_block_data(heirloom.block) = 42;
	ref = publish(heirloom.pool, heirloom.block, 1, NULL);
	release(acquire(heirloom.pool, 1));

	CHECK_EQ(wait_child(run_child(release_in_child, &heirloom)), 42);

	CHECK_EQ(blocks_in_use(heirloom.pool), 1);
	CHECK_EQ(give_back(heirloom.pool, 0, &ref), 0);
	release(heirloom.block);
	CHECK_EQ(blocks_in_use(heirloom.pool), 0);
	tach_pool_close(heirloom.pool);
}

TEST(a_child_forked_while_the_mutex_is_locked_does_not_hang)
{
	struct heirloom heirloom = {.pool = make_pool(PLENTY)};
	int status;

	heirloom.block = acquire(heirloom.pool, 1);
	/* As if by a thread that the child does not have. */
	tach_pool_lock(heirloom.pool);
	status = wait_child(run_child(release_in_child, &heirloom));
	tach_pool_unlock(heirloom.pool);

	CHECK_EQ(status, 0);
	release(heirloom.block);
	tach_pool_close(heirloom.pool);
}
