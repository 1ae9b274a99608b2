/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of sleeping and waking share: a sleeper and its waker in one process.
 */
#ifndef TACHYON_TESTS_WAIT_SETUP_H
#define TACHYON_TESTS_WAIT_SETUP_H

#include <poll.h>

#include "harness.h"
#include "sock.h"
#include "wait.h"

/* A sleeper and its waker, both here. */
struct pair {
	_Atomic uint32_t word;
	struct tach_wait wait;
	struct tach_waker waker;
};

static inline void open_pair(struct pair *pair, enum tach_fence fence)
{
	int bell[2];

	CHECK_EQ(tach_sock_doorbell(bell), 0);
	atomic_store(&pair->word, 0);
	tach_wait_init(&pair->wait, &pair->word, bell[0]);
	tach_waker_init(&pair->waker, &pair->word, bell[1]);
	if (fence == TACH_FENCE_MEMBARRIER && !tach_os_membarrier_register())
		SKIP("no membarrier here");
	pair->wait.fence = fence;
	pair->waker.fence = fence;
}

static inline void close_pair(struct pair *pair)
{
	tach_wait_fini(&pair->wait);
	tach_waker_fini(&pair->waker);
}

static inline bool is_rung(const struct pair *pair)
{
	struct pollfd entry = {.fd = pair->wait.bell, .events = POLLIN};

	return poll(&entry, 1, 0) == 1;
}

static inline uint32_t word_of(struct pair *pair)
{
	return atomic_load(&pair->word);
}

#endif
