/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a survivor is asked after each death: what it still holds, and how soon it was told.
 */
#ifndef TACHYON_TESTS_WITNESS_H
#define TACHYON_TESTS_WITNESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS 1000000ll
/* Nothing takes so long, on the busiest machine: it hangs. */
#define WITNESS_LIMIT_MS 120000
#define WITNESS_LIMIT_NS (WITNESS_LIMIT_MS * MS)

uint64_t witness_now_ns(void);

/* --- what it holds --- */

struct witness {
	int fds;	   /* before there was a victim */
	int mappings;	   /* of shared memory, likewise */
	uint64_t *delays;  /* from each kill to when it was told */
	uint64_t *burials; /* and to when the kernel had ended the victim */
	size_t count, room;
	const char *name;
};

/* Counts what is open; after this it must be the same again. */
void witness_init(struct witness *witness, const char *name);
void witness_check(const struct witness *witness);

/* --- how soon it was told --- */

/* It came back from its wait at this time; the victim was killed before, or it does not count. */
void witness_told(struct witness *witness, uint64_t told_ns);
/*
 * Prints the delays, and how many were above 10 ms. On a machine that is busy elsewhere the victim
 * itself takes long to end, and the survivor to run: so the verdict is that the median is below
 * 10 ms and some times what the end took. One who is not told at all hangs, and fails the test.
 */
void witness_fini(struct witness *witness);

/* --- one who waits --- */

/* A thread that is in a wait when the victim dies. */
struct watcher {
	pthread_t thread;
	int (*wait)(void *data);
	void *data;
	_Atomic int tid;
	_Atomic uint64_t back_ns;
	int ret;
	bool is_out;
};

/* Comes back when it sleeps, or has ended already. */
void watcher_send(struct watcher *watcher, int (*wait)(void *data), void *data);
/* What wait() answered; fails the test when it does not come back. */
int watcher_return(struct watcher *watcher);

#endif
