/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping and waking over a shared word and a doorbell (PROTOCOL.md 5). It does not know what is
 * waited for: between arm and sleep the caller looks at its condition once more.
 */
#ifndef TACH_WAIT_H
#define TACH_WAIT_H

#include "layout.h"
#include "os.h"

/* How the two sides agreed to order "publish, then look" against "arm, then look". */
enum tach_fence {
	TACH_FENCE_MEMBARRIER, /* the sleeper pays */
	TACH_FENCE_BOTH,       /* both sides fence */
};

/* The sleeper's side. */
struct tach_wait {
	_Atomic uint32_t *word;	  /* ours; the peer reads it */
	_Atomic uint64_t *target; /* likewise; NULL where every progress of the peer counts */
	uint32_t epoch;
	bool is_armed;
	int bell; /* our end; owned */
	enum tach_fence fence;
	uint64_t slice_ns; /* the longest one poll may take; 1 ms after membarrier failed */
	/* polls in a row that ran out before the peer came: for whoever spins first */
	uint32_t misses;
};

/* The waker's side. */
struct tach_waker {
	const _Atomic uint32_t *word;	/* a stranger's */
	const _Atomic uint64_t *target; /* likewise; NULL: ring at any progress */
	uint32_t rang;			/* the armed word last rung for; 0: none */
	int bell;			/* the waker's end; owned */
	enum tach_fence fence;
};

void tach_wait_init(struct tach_wait *wait, _Atomic uint32_t *word, int bell);
void tach_wait_fini(struct tach_wait *wait);
void tach_waker_init(struct tach_waker *waker, const _Atomic uint32_t *word, int bell);
void tach_waker_fini(struct tach_waker *waker);

/* Announces a sleep; then the caller checks its condition again. */
void tach_wait_arm(struct tach_wait *wait);
/* The same for many: announce each, then one tach_wait_order(), then check all. */
void tach_wait_announce(struct tach_wait *wait);
void tach_wait_order(struct tach_wait *const *waits, size_t count);
/*
 * Before an announcement: the peer's progress that is worth waking for. Only where there is a
 * target.
 */
void tach_wait_set_target(struct tach_wait *wait, uint64_t progress);
/*
 * After the poll: drain the bell, then disarm. Then the caller checks. Drains also where nothing is
 * armed: a late ring would end every later poll at once.
 */
void tach_wait_disarm(struct tach_wait *wait);
/*
 * The same where no poll said that the bell was rung: saves a system call. A ring that came all the
 * same makes the next sleep end early, once.
 */
void tach_wait_disarm_unrung(struct tach_wait *wait);

/* The peer armed word: rings, unless it was rung for this sleep. True if rung. */
bool tach_waker_ring(struct tach_waker *waker, uint32_t word, uint64_t progress);

/*
 * After publishing: rings when the peer sleeps, was not rung for this sleep, and its target, if it
 * has one, was reached by our progress. True if rung.
 */
static inline bool tach_waker_wake_at(struct tach_waker *waker, uint64_t progress)
{
	uint32_t word;

	if (tach_unlikely(waker->fence == TACH_FENCE_BOTH)) {
		/* Pairs with the fence in tach_wait_order(). */
		atomic_thread_fence(memory_order_seq_cst);
	} else {
		/*
		 * No fence, on purpose: the sleeper pays for the order with membarrier() in
		 * tach_wait_order(). Only the compiler must be kept from moving the load up.
		 */
		atomic_signal_fence(memory_order_seq_cst);
	}
	word = atomic_load_explicit(waker->word, memory_order_relaxed);

	return tach_unlikely(word & 1) && tach_waker_ring(waker, word, progress);
}

static inline bool tach_waker_wake(struct tach_waker *waker)
{
	return tach_waker_wake_at(waker, 0);
}

#endif
