/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping and waking, step by step: one ring of the bell a sleep.
 */
#include <linux/membarrier.h>
#include <sys/socket.h>

#include <tachyon/version.h>

#include "system.h"
#include "wait-setup.h"

/* --- one sleep --- */

TEST(who_does_not_sleep_is_not_rung)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	CHECK_EQ(word_of(&pair) & 1, 0);
	for (int i = 0; i < 10; i++)
		CHECK(!tach_waker_wake(&pair.waker));
	CHECK(!is_rung(&pair));
	close_pair(&pair);
}

TEST(a_sleeper_is_rung_once)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	CHECK_EQ(word_of(&pair) & 1, 1);
	CHECK(!is_rung(&pair));
	CHECK(tach_waker_wake(&pair.waker));
	CHECK(is_rung(&pair));
	for (int i = 0; i < 10; i++)
		CHECK(!tach_waker_wake(&pair.waker));
	close_pair(&pair);
}

TEST(a_sleeper_that_disarmed_is_not_rung)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	tach_wait_disarm(&pair.wait);
	CHECK_EQ(word_of(&pair) & 1, 0);
	CHECK(!tach_waker_wake(&pair.waker));
	CHECK(!is_rung(&pair));
	close_pair(&pair);
}

TEST(each_sleep_is_rung_anew)
{
	struct pair pair;
	uint32_t before = 0;

	open_pair(&pair, TACH_FENCE_BOTH);
	for (int i = 0; i < 1000; i++) {
		tach_wait_arm(&pair.wait);
		CHECK(word_of(&pair) != before);
		before = word_of(&pair);
		CHECK(tach_waker_wake(&pair.waker));
		CHECK(is_rung(&pair));
		tach_wait_disarm(&pair.wait);
		CHECK(!is_rung(&pair));
		CHECK(!tach_waker_wake(&pair.waker));
	}
	close_pair(&pair);
}

TEST(a_sleep_nobody_ended_does_not_spoil_the_next)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	for (int i = 0; i < 10; i++) {
		tach_wait_arm(&pair.wait);
		tach_wait_disarm(&pair.wait);
	}
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake(&pair.waker));
	CHECK(is_rung(&pair));
	close_pair(&pair);
}

TEST(a_word_is_an_epoch_and_whether_it_is_armed)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	CHECK_EQ(word_of(&pair), 1 << 1 | 1);
	tach_wait_disarm(&pair.wait);
	CHECK_EQ(word_of(&pair), 1 << 1);
	tach_wait_arm(&pair.wait);
	CHECK_EQ(word_of(&pair), 2 << 1 | 1);
	tach_wait_disarm(&pair.wait);
	CHECK_EQ(word_of(&pair), 2 << 1);
	close_pair(&pair);
}

TEST(arming_again_without_a_disarm_still_wakes)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	tach_wait_arm(&pair.wait);
	tach_waker_wake(&pair.waker);
	CHECK(is_rung(&pair));
	tach_wait_arm(&pair.wait);
	tach_waker_wake(&pair.waker);
	CHECK(is_rung(&pair));
	tach_wait_disarm(&pair.wait);
	CHECK(!is_rung(&pair));
	CHECK_EQ(word_of(&pair) & 1, 0);
	close_pair(&pair);
}

TEST(disarming_one_that_is_not_armed_is_fine)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_disarm(&pair.wait);
	tach_wait_disarm(&pair.wait);
	CHECK(!tach_waker_wake(&pair.waker));
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake(&pair.waker));
	tach_wait_disarm(&pair.wait);
	tach_wait_disarm(&pair.wait);
	CHECK(!is_rung(&pair));
	close_pair(&pair);
}

TEST(epochs_wrap)
{
	static const uint32_t epochs[] = {0x7ffffffd, 0xfffffffd};

	for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
		struct pair pair;

		open_pair(&pair, TACH_FENCE_BOTH);
		pair.wait.epoch = epochs[i];
		for (int j = 0; j < 8; j++) {
			tach_wait_arm(&pair.wait);
			CHECK_EQ(word_of(&pair) & 1, 1);
			CHECK(tach_waker_wake(&pair.waker));
			CHECK(!tach_waker_wake(&pair.waker));
			tach_wait_disarm(&pair.wait);
			CHECK_EQ(word_of(&pair) & 1, 0);
		}
		close_pair(&pair);
	}
}

/* --- the bell --- */

/* As a hostile waker does; and its drained bell. */
static void fill_bell(const struct pair *pair)
{
	while (send(pair->waker.bell, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		;
	CHECK_EQ(errno, EAGAIN);
}

TEST(a_bell_that_is_full_is_rung)
{
	struct pair pair;
	unsigned int sleeps = 0;

	open_pair(&pair, TACH_FENCE_BOTH);
	fill_bell(&pair);
	/* Each ends a sleep at once, until all are drained: in bounded steps, but soon. */
	do {
		CHECK(sleeps++ < 100);
		tach_wait_arm(&pair.wait);
		CHECK(is_rung(&pair));
		CHECK(tach_waker_wake(&pair.waker));
		CHECK(is_rung(&pair));
		tach_wait_disarm(&pair.wait);
	} while (is_rung(&pair));

	tach_wait_arm(&pair.wait);
	CHECK(!is_rung(&pair));
	CHECK(tach_waker_wake(&pair.waker));
	CHECK(is_rung(&pair));
	close_pair(&pair);
}

TEST(a_bell_rung_before_the_sleep_is_drained_after_it)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_sock_ring(pair.waker.bell);
	tach_wait_arm(&pair.wait);
	CHECK(is_rung(&pair));
	tach_wait_disarm(&pair.wait);
	CHECK(!is_rung(&pair));
	close_pair(&pair);
}

TEST(arming_does_not_drain_the_bell)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake(&pair.waker));
	tach_wait_arm(&pair.wait);
	/* Whoever was rung for the first sleep may have published before the second. */
	CHECK(is_rung(&pair));
	close_pair(&pair);
}

TEST(ringing_one_that_died_is_harmless)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	tach_wait_fini(&pair.wait);
	tach_waker_wake(&pair.waker);
	tach_waker_wake(&pair.waker);
	tach_waker_fini(&pair.waker);
	CHECK(true);
}

TEST(a_word_that_lies_costs_a_ring_each_time_it_changes)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	for (uint32_t i = 0; i < 100; i++) {
		atomic_store(&pair.word, i * 2654435761u | 1);
		CHECK(tach_waker_wake(&pair.waker));
		CHECK(!tach_waker_wake(&pair.waker));
		atomic_store(&pair.word, i * 2654435761u & ~1u);
		CHECK(!tach_waker_wake(&pair.waker));
	}
	atomic_store(&pair.word, UINT32_MAX);
	CHECK(tach_waker_wake(&pair.waker));
	close_pair(&pair);
}

TEST(a_bell_that_rings_unnoticed_ends_the_next_sleep_early_and_once)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake(&pair.waker));
	tach_wait_disarm_unrung(&pair.wait);
	CHECK_EQ(word_of(&pair) & 1, 0);
	CHECK(!tach_waker_wake(&pair.waker));

	tach_wait_arm(&pair.wait);
	CHECK(is_rung(&pair));
	CHECK(tach_waker_wake(&pair.waker));
	tach_wait_disarm(&pair.wait);
	CHECK(!is_rung(&pair));
	close_pair(&pair);
}

/* --- targets --- */

static void open_pair_with_target(struct pair *pair, _Atomic uint64_t *target)
{
	open_pair(pair, TACH_FENCE_BOTH);
	pair->wait.target = target;
	pair->waker.target = target;
}

TEST(progress_below_the_target_does_not_wake)
{
	_Atomic uint64_t target = 0;
	struct pair pair;

	open_pair_with_target(&pair, &target);
	tach_wait_set_target(&pair.wait, 1000);
	tach_wait_arm(&pair.wait);
	CHECK(!tach_waker_wake_at(&pair.waker, 0));
	CHECK(!tach_waker_wake_at(&pair.waker, 936));
	CHECK(!tach_waker_wake_at(&pair.waker, 999));
	CHECK(!is_rung(&pair));
	CHECK(tach_waker_wake_at(&pair.waker, 1000));
	CHECK(is_rung(&pair));
	CHECK(!tach_waker_wake_at(&pair.waker, 2000));
	tach_wait_disarm(&pair.wait);

	tach_wait_set_target(&pair.wait, 1500);
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake_at(&pair.waker, 2000));
	close_pair(&pair);
}

TEST(targets_are_compared_over_the_wrap)
{
	_Atomic uint64_t target = 0;
	struct pair pair;

	open_pair_with_target(&pair, &target);
	/* Below 0: any progress will do. */
	tach_wait_set_target(&pair.wait, (uint64_t)-64);
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake_at(&pair.waker, 0));
	tach_wait_disarm(&pair.wait);

	tach_wait_set_target(&pair.wait, 64);
	tach_wait_arm(&pair.wait);
	CHECK(!tach_waker_wake_at(&pair.waker, (uint64_t)-64));
	CHECK(tach_waker_wake_at(&pair.waker, 64));
	close_pair(&pair);
}

TEST(without_a_target_every_progress_wakes)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_BOTH);
	tach_wait_arm(&pair.wait);
	CHECK(tach_waker_wake_at(&pair.waker, 0));
	close_pair(&pair);
}

/* --- many --- */

TEST(many_are_armed_with_one_order)
{
	struct pair pairs[3];
	struct tach_wait *waits[3];
	uint64_t before;

	for (size_t i = 0; i < 3; i++) {
		open_pair(&pairs[i], TACH_FENCE_MEMBARRIER);
		waits[i] = &pairs[i].wait;
	}
	for (size_t i = 0; i < 3; i++)
		tach_wait_announce(waits[i]);
	before = tachyon_system_calls();
	tach_wait_order(waits, 3);
	CHECK_EQ(tachyon_system_calls() - before, 1);
	for (size_t i = 0; i < 3; i++)
		CHECK(tach_waker_wake(&pairs[i].waker));
	for (size_t i = 0; i < 3; i++) {
		CHECK(is_rung(&pairs[i]));
		tach_wait_disarm(waits[i]);
		CHECK(!tach_waker_wake(&pairs[i].waker));
		close_pair(&pairs[i]);
	}
}

TEST(waiting_for_none_is_fine)
{
	tach_wait_order(NULL, 0);
	CHECK(true);
}

TEST(no_membarrier_is_called_where_both_fence)
{
	struct pair pair;
	uint64_t before;

	open_pair(&pair, TACH_FENCE_BOTH);
	before = tachyon_system_calls();
	tach_wait_arm(&pair.wait);
	CHECK_EQ(tachyon_system_calls(), before);
	close_pair(&pair);
}

TEST(a_sleep_costs_its_waker_one_call_and_the_busy_none)
{
	struct pair pair;
	uint64_t before;

	open_pair(&pair, TACH_FENCE_MEMBARRIER);
	before = tachyon_system_calls();
	for (int i = 0; i < 100; i++)
		tach_waker_wake(&pair.waker);
	CHECK_EQ(tachyon_system_calls(), before);
	tach_wait_arm(&pair.wait);
	before = tachyon_system_calls();
	for (int i = 0; i < 100; i++)
		tach_waker_wake(&pair.waker);
	CHECK_EQ(tachyon_system_calls() - before, 1);
	close_pair(&pair);
}

TEST(where_membarrier_fails_sleeps_are_short)
{
	struct pair pair;

	open_pair(&pair, TACH_FENCE_MEMBARRIER);
	tach_wait_arm(&pair.wait);
	CHECK(pair.wait.slice_ns > 1000000);
	tach_wait_disarm(&pair.wait);
	if (!forbid_call(SYS_membarrier, 0, MEMBARRIER_CMD_GLOBAL_EXPEDITED, EPERM))
		SKIP("no seccomp here");
	tach_wait_arm(&pair.wait);
	CHECK(pair.wait.slice_ns <= 1000000);
	CHECK(pair.wait.slice_ns > 0);
	CHECK(tach_waker_wake(&pair.waker));
	close_pair(&pair);
}

TEST(where_membarrier_fails_for_many_each_sleeps_short)
{
	struct pair pairs[3];
	struct tach_wait *waits[3];

	for (size_t i = 0; i < 3; i++) {
		open_pair(&pairs[i], TACH_FENCE_MEMBARRIER);
		waits[i] = &pairs[i].wait;
		tach_wait_announce(waits[i]);
	}
	if (!forbid_call(SYS_membarrier, 0, MEMBARRIER_CMD_GLOBAL_EXPEDITED, EPERM))
		SKIP("no seccomp here");
	tach_wait_order(waits, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK(pairs[i].wait.slice_ns <= 1000000);
		close_pair(&pairs[i]);
	}
}
