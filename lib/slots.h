/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Four versioned slots (PROTOCOL.md 9), on given memory: one writer at a time, which somebody
 * else's lock sees to; any number of readers, who take no lock.
 *
 * Which value is the newest, and where, is told by a mark of 29 bits: beacon.h. A slot's version is
 * odd while it is written. The writer takes the slot of the oldest value, so that a reader who
 * began to copy the newest has two whole writes and more before its slot is taken. Whoever dies
 * half-way leaves an odd version in a slot that nobody was told of.
 */
#ifndef TACH_SLOTS_H
#define TACH_SLOTS_H

#include "stream-layout.h"

/* A value, by how many were written before it, and the slot that it is in. */
struct tach_place {
	uint64_t count;
	unsigned int slot;
};

/* A value that is being read: which, and what must still hold when the copying is done. */
struct tach_reading {
	struct tach_place place;
	uint64_t time_ns;
	uint64_t version;
};

/* count << 2 | slot, as far as that goes into a mark. */
uint32_t tach_slots_mark(const struct tach_place *place);
/*
 * The value that a mark tells of. False: its slot holds another by now; or, where the beacon still
 * shows that mark, was never written by who follows PROTOCOL.md 9: then the count is what the mark
 * has of it.
 */
bool tach_slots_find(const struct tach_stream_header *header, uint32_t mark,
		     struct tach_place *place);

/* --- the writer, under the lock --- */

/*
 * A slot for the next value. is_crowded: the oldest's; else the one before the newest, which is
 * still in the cache: four large values in turn take 1.3 times as long to write as two.
 */
unsigned int tach_slots_choose(const struct tach_stream_header *header, unsigned int newest,
			       bool is_crowded);
/* The slot's data may be written after this returned, not before. */
void tach_slots_begin(struct tach_stream_header *header, unsigned int slot);
/* The slot is complete, and may be told of. */
void tach_slots_finish(struct tach_stream_header *header, const struct tach_place *place,
		       uint64_t time_ns);

/* --- a reader --- */

/* Before copying the value of a mark. False as above, or it is being written. */
bool tach_slots_start(const struct tach_stream_header *header, uint32_t mark,
		      struct tach_reading *reading);
/* After copying: true when the copy is that value, whole. */
bool tach_slots_still(const struct tach_stream_header *header, const struct tach_reading *reading);

/*
 * Copies memory that a writer may be changing: what comes out may be any mixture, and is to be used
 * only when tach_slots_still() said so.
 */
void tach_slots_copy(void *to, const void *from, size_t size);

#endif
