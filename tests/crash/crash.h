/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Death at every instruction: runs an act in a victim again and again, and kills the victim each
 * time one instruction later, until it was killed after each of them. It does not know what the
 * act is.
 *
 * The first victim is stepped through the act, and says which instructions there are; the others
 * run to a breakpoint on the n-th. TACHYON_CRASH_EVERY=k in the environment: only each k-th.
 */
#ifndef TACHYON_TESTS_CRASH_H
#define TACHYON_TESTS_CRASH_H

#include <stddef.h>

struct crash {
	const char *name;
	void (*arrange)(void *data);   /* here, before there is a victim; may be NULL */
	void (*before)(void *data);    /* in the victim */
	void (*meanwhile)(void *data); /* here: the victim stands at its act; may be NULL */
	void (*act)(void *data);       /* in the victim, who is killed in it */
	void (*after)(void *data);     /* here: the victim is dead */
	void *data;
};

/* In a test of the harness, which it skips where ptrace is refused. Prints how many kills. */
void crash_everywhere(const struct crash *crash);

#endif
