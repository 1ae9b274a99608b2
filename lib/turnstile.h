/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The lock of a stream's writers: a flock(2) of the handle's own open file description, which the
 * death of its holder frees and no word in shared memory can corrupt. The shared word only tells
 * who gives it back whether somebody waits. (An OFD lock does the same at 1.3 us a pair, a flock at
 * 0.8.)
 *
 * Re-entrant for a thread: the owner stands in the handle. Nothing is announced when a holder dies,
 * so who waits for the lock looks again every few milliseconds, too.
 */
#ifndef TACH_TURNSTILE_H
#define TACH_TURNSTILE_H

#include "os.h"

struct tach_turnstile {
	_Atomic uint32_t *word; /* shared: what somebody waits on, bit 0 says that one does */
	int file;		/* whose description is locked; not owned; -1: forked, and lost */
	_Atomic uint32_t owner; /* tach_os_thread_number() of who has it; bit 31: one waits */
	uint32_t depth;		/* the owner's */
	/* what ends a wait, beside its deadline: 0, or the code it ends with */
	_Atomic uint32_t *cancel;
};

/* The deadline of who does not wait. */
#define TACH_TURNSTILE_TRY 0

/*
 * 0, or -EAGAIN (TACH_TURNSTILE_TRY), -ETIMEDOUT, -EINTR, or the negated *cancel.
 * TACHYON_ERR_FORKED: no file.
 */
int tach_turnstile_enter(struct tach_turnstile *turnstile, uint64_t deadline_ns);
/* -EPERM: this thread does not have it. */
int tach_turnstile_leave(struct tach_turnstile *turnstile);
bool tach_turnstile_is_mine(const struct tach_turnstile *turnstile);
/* How often this thread has to leave; 0: not its own. */
uint32_t tach_turnstile_depth(const struct tach_turnstile *turnstile);
/* Whoever has it, of this handle: no more. Nobody else is in any of these calls. */
void tach_turnstile_force(struct tach_turnstile *turnstile);

#endif
