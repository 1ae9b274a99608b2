/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One shared word that says how far something is, and on which any number of readers sleep
 * (PROTOCOL.md 9). It does not know what that something is.
 *
 * The word is progress << 4 and three bits. Publishing is adding one to the progress. Where
 * somebody sleeps, the kernel adds and wakes in one system call, so that no writer can die
 * between the two and leave a sleeper beside what it waits for.
 *
 * For who polls a descriptor there is no such call: the file is touched before, and RINGING says
 * so. Whoever finds RINGING keeps its own descriptor readable until the bit is gone.
 */
#ifndef TACH_BEACON_H
#define TACH_BEACON_H

#include "os.h"

#define TACH_BEACON_ASLEEP 1u  /* somebody sleeps on the word */
#define TACH_BEACON_WATCHED 2u /* somebody polls a descriptor of the file */
#define TACH_BEACON_RINGING 4u /* a writer is about to publish, or died */
#define TACH_MARK_SHIFT 3
#define TACH_MARK_MASK (UINT32_MAX >> TACH_MARK_SHIFT)

/* What was written before the mark that this shows was published is visible. */
uint32_t tach_beacon_look(const _Atomic uint32_t *word);

static inline uint32_t tach_beacon_mark(uint32_t seen)
{
	return seen >> TACH_MARK_SHIFT;
}

/*
 * The writer, under its lock. mark: a little more than the last one, modulo its width. file:
 * touched for who polls a descriptor.
 */
void tach_beacon_publish(_Atomic uint32_t *word, int file, uint32_t mark);
/* Whoever finds it ringing, and has got the writers' lock: nobody rings. */
void tach_beacon_repair(_Atomic uint32_t *word);

/*
 * A reader: look at the word; if the mark does not do, arm with that word and sleep while it
 * stays as it was armed, then begin again. bit: ASLEEP, or, unless it rings, WATCHED. The word to
 * sleep on, or 0 where it has moved.
 */
uint32_t tach_beacon_arm(_Atomic uint32_t *word, uint32_t seen, uint32_t bit);

#endif
