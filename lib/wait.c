/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping and waking over a shared word and a doorbell. The rules are PROTOCOL.md 5; tests/model
 * proves them.
 */
#include "wait.h"

#include "sock.h"

#define SLICE_NS 1000000ull

void tach_wait_init(struct tach_wait *wait, _Atomic uint32_t *word, int bell)
{
	*wait = (struct tach_wait){
		.word = word,
		.bell = bell,
		.fence = TACH_FENCE_BOTH,
		.slice_ns = TACH_FOREVER,
	};
}

void tach_wait_fini(struct tach_wait *wait)
{
	tach_os_close(wait->bell);
	wait->bell = -1;
}

void tach_waker_init(struct tach_waker *waker, const _Atomic uint32_t *word, int bell)
{
	*waker = (struct tach_waker){.word = word, .bell = bell, .fence = TACH_FENCE_BOTH};
}

void tach_waker_fini(struct tach_waker *waker)
{
	tach_os_close(waker->bell);
	waker->bell = -1;
}

void tach_wait_announce(struct tach_wait *wait)
{
	/* A new epoch each time: the waker rings once for each, and never skips a second sleep. */
	wait->epoch = (wait->epoch + 1) & 0x7fffffff;
	if (wait->epoch == 0)
		wait->epoch = 1;
	atomic_store_explicit(wait->word, wait->epoch << 1 | 1, memory_order_relaxed);
	wait->is_armed = true;
}

void tach_wait_set_target(struct tach_wait *wait, uint64_t progress)
{
	atomic_store_explicit(wait->target, progress, memory_order_relaxed);
}

/*
 * Between "the words say armed" and "look again". The waker publishes, then loads our word with no
 * fence between: membarrier() makes both sides' earlier stores visible at one instant, so that
 * either it sees us armed or we see what it published. Could both miss, we would sleep on a
 * message that nobody announces.
 */
void tach_wait_order(struct tach_wait *const *waits, size_t count)
{
	bool needs_membarrier = false;
	int ret = 0;

	for (size_t i = 0; i < count; i++)
		needs_membarrier |= waits[i]->fence == TACH_FENCE_MEMBARRIER;

	if (needs_membarrier)
		ret = tach_os_membarrier();

	/* Pairs with the fence in tach_waker_wake(), for those whose waker fences. */
	atomic_thread_fence(memory_order_seq_cst);

	if (ret == 0)
		return;
	/* It worked at attach and fails now (a seccomp filter, say): sleep in short slices. */
	for (size_t i = 0; i < count; i++) {
		if (waits[i]->fence == TACH_FENCE_MEMBARRIER)
			waits[i]->slice_ns = SLICE_NS;
	}
}

void tach_wait_arm(struct tach_wait *wait)
{
	tach_wait_announce(wait);
	tach_wait_order((struct tach_wait *const[]){wait}, 1);
}

void tach_wait_disarm_unrung(struct tach_wait *wait)
{
	if (!wait->is_armed)
		return;
	atomic_store_explicit(wait->word, wait->epoch << 1, memory_order_relaxed);
	wait->is_armed = false;
}

void tach_wait_disarm(struct tach_wait *wait)
{
	/* After the poll and before the caller looks: a ring that is drained earlier is lost. */
	tach_sock_drain(wait->bell);
	tach_wait_disarm_unrung(wait);
}

bool tach_waker_ring(struct tach_waker *waker, uint32_t word, uint64_t progress)
{
	if (word == waker->rang)
		return false;
	/*
	 * Too early: a later call rings. Word and target need no order between them: what we load
	 * before the sleeper's barrier is made good by its look after it. A target that lies
	 * costs its owner the wake-up.
	 */
	if (waker->target &&
	    (int64_t)(progress - atomic_load_explicit(waker->target, memory_order_relaxed)) < 0)
		return false;
	/* Else the next who publishes tries again. */
	if (tach_sock_ring(waker->bell))
		waker->rang = word;
	return waker->rang == word;
}
