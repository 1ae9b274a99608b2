/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The simulated memory itself: it shows what C11 allows, and not what it forbids.
 */
#include <string.h>

#include "harness.h"

#include "weak.h"

#define EXECUTIONS 3000

static _Atomic uint32_t x, y;
static uint32_t seen[2];
static memory_order storing, loading;
static void (*between[2])(void);

static void nothing(void)
{
}

static void fence(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

static void membarrier(void)
{
	weak_membarrier();
}

static void compiler_fence(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

static void release_fence(void)
{
	atomic_thread_fence(memory_order_release);
}

static void acquire_fence(void)
{
	atomic_thread_fence(memory_order_acquire);
}

/* Each stores one word, then loads the other's. */
static void store_x_load_y(void)
{
	atomic_store_explicit(&x, 1, storing);
	between[0]();
	seen[0] = atomic_load_explicit(&y, loading);
}

static void store_y_load_x(void)
{
	atomic_store_explicit(&y, 1, storing);
	between[1]();
	seen[1] = atomic_load_explicit(&x, loading);
}

/* One stores content, then the word that tells of it; the other looks the other way round. */
static void write_and_tell(void)
{
	atomic_store_explicit(&x, 1, memory_order_relaxed);
	between[0]();
	atomic_store_explicit(&y, 1, storing);
}

static void hear_and_read(void)
{
	seen[0] = atomic_load_explicit(&y, loading);
	between[1]();
	seen[1] = atomic_load_explicit(&x, memory_order_relaxed);
}

struct litmus {
	void (*threads[2])(void);
	memory_order storing, loading;
	void (*between[2])(void);
	uint32_t first, second;
};

/* Whether it ends like that in some execution. */
static bool may_be(const struct litmus *litmus)
{
	bool is_found = false;

	storing = litmus->storing;
	loading = litmus->loading;
	memcpy(between, litmus->between, sizeof(between));
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset((void *)(uintptr_t)&x, 0, sizeof(x));
		memset((void *)(uintptr_t)&y, 0, sizeof(y));
		CHECK(weak_run(seed, litmus->threads, 2));
		is_found |= seen[0] == litmus->first && seen[1] == litmus->second;
	}
	return is_found;
}

static bool may_both_miss(memory_order store, memory_order load, void (*one)(void),
			  void (*other)(void))
{
	const struct litmus litmus = {
		{store_x_load_y, store_y_load_x}, store, load, {one, other}, 0, 0};

	return may_be(&litmus);
}

static bool may_be_early(memory_order store, memory_order load, void (*one)(void),
			 void (*other)(void))
{
	const struct litmus litmus = {
		{write_and_tell, hear_and_read}, store, load, {one, other}, 1, 0};

	return may_be(&litmus);
}

TEST(two_who_store_and_look_may_both_miss_without_fences)
{
	CHECK(may_both_miss(memory_order_relaxed, memory_order_relaxed, nothing, nothing));
	CHECK(may_both_miss(memory_order_release, memory_order_acquire, nothing, nothing));
	CHECK(may_both_miss(memory_order_relaxed, memory_order_relaxed, fence, nothing));
	CHECK(!may_both_miss(memory_order_relaxed, memory_order_relaxed, fence, fence));
	CHECK(!may_both_miss(memory_order_seq_cst, memory_order_seq_cst, nothing, nothing));
}

TEST(a_membarrier_is_a_fence_for_who_keeps_the_compiler_in_order)
{
	CHECK(!may_both_miss(memory_order_relaxed, memory_order_relaxed, membarrier,
			     compiler_fence));
	CHECK(may_both_miss(memory_order_relaxed, memory_order_relaxed, membarrier, nothing));
	CHECK(may_both_miss(memory_order_relaxed, memory_order_relaxed, compiler_fence,
			    compiler_fence));
}

TEST(content_may_be_missed_without_release_and_acquire)
{
	CHECK(may_be_early(memory_order_relaxed, memory_order_relaxed, nothing, nothing));
	CHECK(may_be_early(memory_order_release, memory_order_relaxed, nothing, nothing));
	CHECK(may_be_early(memory_order_relaxed, memory_order_acquire, nothing, nothing));
	CHECK(!may_be_early(memory_order_release, memory_order_acquire, nothing, nothing));
}

TEST(fences_do_for_release_and_acquire)
{
	CHECK(!may_be_early(memory_order_relaxed, memory_order_relaxed, release_fence,
			    acquire_fence));
	CHECK(may_be_early(memory_order_relaxed, memory_order_relaxed, release_fence, nothing));
	CHECK(may_be_early(memory_order_relaxed, memory_order_relaxed, nothing, acquire_fence));
}

static bool is_one(void *data)
{
	return *(volatile uint32_t *)data == 1;
}

static void block_for_ever(void)
{
	weak_block(is_one, (void *)(uintptr_t)&y);
}

TEST(who_waits_for_nobody_is_stuck)
{
	CHECK(!weak_run(1, (void (*const[])(void)){block_for_ever, nothing}, 2));
}
