/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Four versioned slots (PROTOCOL.md 9), on given memory: one writer at a time, which somebody
 * else's lock sees to; any number of readers, who take no lock. Value n is in slot n modulo 4.
 *
 * Which is the newest is said by a word whose low bits count the values: beacon.h. A slot's version
 * is odd while it is written. The writer takes the slot after the newest one, which is the oldest,
 * so that a reader who began to copy the newest value has three whole writes before its slot is
 * taken. Whoever dies half-way leaves an odd version in a slot that nobody was told of.
 */
#ifndef TACH_SLOTS_H
#define TACH_SLOTS_H

#include "stream-layout.h"

/* A value that is being read: which, and what must still hold when the copying is done. */
struct tach_reading {
	uint64_t count;
	uint64_t time_ns;
	uint64_t version;
};

static inline unsigned int tach_slot_of(uint64_t count)
{
	return count % TACH_STREAM_SLOTS;
}

/*
 * The whole count of a value, of which the beacon told the low bits. False: its slot holds another
 * by now, or, where the beacon has not moved, was never written by who follows PROTOCOL.md 9.
 */
bool tach_slots_count(const struct tach_stream_header *header, uint32_t progress, uint64_t *count);

/* --- the writer, under the lock --- */

/* The slot's data may be written after this returned, not before. */
void tach_slots_begin(struct tach_stream_header *header, uint64_t count);
/* The slot is complete, and may be told of. */
void tach_slots_finish(struct tach_stream_header *header, uint64_t count, uint64_t time_ns);

/* --- a reader --- */

/* Before copying a value. False as above, or it is being written. */
bool tach_slots_start(const struct tach_stream_header *header, uint32_t progress,
		      struct tach_reading *reading);
/* After copying: true when the copy is that value, whole. */
bool tach_slots_still(const struct tach_stream_header *header, const struct tach_reading *reading);

/*
 * Copies memory that a writer may be changing: what comes out may be any mixture, and is to be used
 * only when tach_slots_still() said so.
 */
void tach_slots_copy(void *to, const void *from, size_t size);

#endif
