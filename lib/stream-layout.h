/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The header of a stream's file, with its offsets asserted. PROTOCOL.md 9 is the text to it.
 *
 * Unlike a segment it is written by many: whoever has the file's lock writes the value words, and
 * whoever waits writes the wait words. Trust among them is a condition, not a result (PROTOCOL.md
 * 9).
 */
#ifndef TACH_STREAM_LAYOUT_H
#define TACH_STREAM_LAYOUT_H

#include "layout.h"

#define TACH_SEGMENT_STREAM 3u /* the kind; those of segments are 1 and 2 */
#define TACH_STREAM_SLOTS 4u
#define TACH_STREAM_ID_SIZE 16
#define TACH_STREAM_DIMENSIONS 32
#define TACH_STREAM_DEVICE_SIZE 512
/* A value's limit: four of them, and the header, stay far from 2^63. */
#define TACH_STREAM_VALUE_MAX (1ull << 48)

/* One of four places for a value. */
struct tach_stream_slot {
	/* odd: being written. Goes up with every write */
	_Alignas(128) _Atomic uint64_t version;
	/* which value it holds; 0 is the zeros of a stream that was never written */
	_Atomic uint64_t count;
	/* when it was completed, CLOCK_REALTIME */
	_Atomic uint64_t time_ns;
};

struct tach_stream_header {
	/* written once, before the file has a name */
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint64_t size;
	uint64_t data_offset;
	uint64_t slot_size; /* from one slot's data to the next; 0 where there is none */
	uint64_t value_size;
	uint8_t id[TACH_STREAM_ID_SIZE];
	uint32_t scalar;
	uint32_t bits;
	uint32_t dimensions;
	uint32_t device;
	uint32_t device_index;
	uint32_t has_mirror;
	uint32_t creator_pid;
	uint32_t reserved0;
	uint64_t create_time_ns;
	uint64_t reserved1[3];
	uint64_t shape[TACH_STREAM_DIMENSIONS];

	/* the newest value, and who waits for a newer one: beacon.h. Written by everybody */
	_Alignas(128) _Atomic uint32_t newest;
	/* how many are just copying a large value, about: a hint. Written by readers */
	_Atomic uint32_t readers;
	/* who waits for the lock: turnstile.h. Written by everybody */
	_Alignas(128) _Atomic uint32_t turnstile;

	struct tach_stream_slot slots[TACH_STREAM_SLOTS];

	/* what a device's driver needs to attach: stream-device.h. Written once, as above */
	_Alignas(128) uint8_t device_part[TACH_STREAM_DEVICE_SIZE];
};

_Static_assert(offsetof(struct tach_stream_header, magic) == 0, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, protocol) == 8, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, kind) == 12, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, size) == 16, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, data_offset) == 24, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, slot_size) == 32, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, value_size) == 40, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, id) == 48, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, scalar) == 64, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, bits) == 68, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, dimensions) == 72, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, device) == 76, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, device_index) == 80, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, has_mirror) == 84, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, creator_pid) == 88, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, create_time_ns) == 96, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, shape) == 128, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, newest) == 384, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, readers) == 388, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, turnstile) == 512, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, slots) == 640, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_header, device_part) == 1152, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_slot, count) == 8, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_stream_slot, time_ns) == 16, "PROTOCOL.md 9");
_Static_assert(sizeof(struct tach_stream_slot) == 128, "PROTOCOL.md 9");
_Static_assert(sizeof(struct tach_stream_header) <= TACH_HEADER_SIZE, "PROTOCOL.md 9");

#endif
