/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Death at every instruction: runs an act in a victim again and again, and kills the victim each
 * time one instruction later, until it was killed after each of them. It does not know what the
 * act is.
 *
 * The first victim is stepped through the act, and says which instructions there are; the others
 * run to a breakpoint on the n-th.
 *
 * TACHYON_CRASH_EVERY=k in the environment: only each k-th, from one that is drawn by chance and
 * printed, or is TACHYON_CRASH_FROM; k should be a prime, so that loops are met at each of their
 * instructions. With TACHYON_TEST_LONG=1 it is TACHYON_CRASH_EVERY_LONG instead; without that, all.
 * TACHYON_CRASH_ONE_OF=n: short, only one of n acts is tried, by chance.
 */
#ifndef TACHYON_TESTS_CRASH_H
#define TACHYON_TESTS_CRASH_H

#include <stddef.h>
#include <stdint.h>

struct crash {
	const char *name;
	void (*arrange)(void *data);   /* here, before there is a victim; may be NULL */
	void (*before)(void *data);    /* in the victim */
	void (*attend)(void *data);    /* here, at the same time as before(); may be NULL */
	void (*meanwhile)(void *data); /* here: the victim stands at its act; may be NULL */
	void (*act)(void *data);       /* in the victim, who is killed in it */
	void (*after)(void *data);     /* here: the victim is dead */
	void *data;
};

/* In a test of the harness, which it skips where ptrace is refused. Prints how many kills. */
void crash_everywhere(const struct crash *crash);

/* When the last victim was killed, CLOCK_MONOTONIC; 0: it had ended by itself. */
uint64_t crash_killed_at_ns(void);
/* When the kernel had ended it. */
uint64_t crash_buried_at_ns(void);

#endif
