/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Every struct that two processes share, with its offsets asserted. PROTOCOL.md is the text to it.
 *
 * One process writes a segment; the words that different threads write, or that are read at
 * different rates, stand on cache lines of their own, two lines apart: the adjacent-line
 * prefetcher pulls lines in pairs.
 */
#ifndef TACH_LAYOUT_H
#define TACH_LAYOUT_H

#include "base.h"

#define TACH_PROTOCOL 1u
#define TACH_MAGIC 0x31304e4f59484354ull /* "TCHYON01", little-endian */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the shared layout is little-endian (PROTOCOL.md 3)"
#endif

enum tach_segment_kind {
	TACH_SEGMENT_RING = 1,
	TACH_SEGMENT_PAYLOAD = 2,
};

enum tach_side_state {
	TACH_STATE_OPEN = 0,
	TACH_STATE_DRAINING = 1,
	TACH_STATE_CLOSED = 2,
};

struct tach_segment_header {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint64_t size;
	uint64_t data_offset;
	uint64_t data_size;
	uint64_t block_size;  /* payload segments; 0 for a ring */
	uint32_t block_count; /* likewise */
	uint32_t reserved0;
	uint8_t pad0[128 - 56];

	/* bytes of the peer's ring that the owner has consumed */
	_Alignas(128) _Atomic uint64_t head;
	/* the owner sleeps until the peer's ring has a message: epoch << 1 | armed */
	_Alignas(128) _Atomic uint32_t wait_data;
	/* the owner sleeps until its own ring has space */
	_Alignas(128) _Atomic uint32_t wait_space;
	uint32_t reserved1;
	/* how far the peer must have consumed that ring before it rings for wait_space */
	_Atomic uint64_t space_target;
	/* enum tach_side_state */
	_Alignas(128) _Atomic uint32_t state;
	/* for observers, never for decisions */
	_Alignas(128) _Atomic uint64_t messages;
	_Atomic uint64_t bytes;
	_Atomic uint64_t sleeps;
	_Atomic uint64_t wakes;
	_Atomic uint64_t full;
	_Atomic uint64_t dropped;
	uint8_t pad1[1024 - 688];

	/* payload segments: how often each block's content was given up, raised before reuse */
	_Atomic uint64_t generation[384];
};

#define TACH_BLOCKS_PER_SEGMENT 384u
#define TACH_HEADER_SIZE 4096u

_Static_assert(sizeof(struct tach_segment_header) == TACH_HEADER_SIZE, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, magic) == 0, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, protocol) == 8, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, kind) == 12, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, size) == 16, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, data_offset) == 24, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, data_size) == 32, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, block_size) == 40, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, block_count) == 48, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, head) == 128, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, wait_data) == 256, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, wait_space) == 384, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, space_target) == 392, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, state) == 512, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, messages) == 640, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, dropped) == 680, "PROTOCOL.md 3");
_Static_assert(offsetof(struct tach_segment_header, generation) == 1024, "PROTOCOL.md 3");
_Static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic uint32_t) == 4, "PROTOCOL.md 3");

/* The first cell of a message; a payload of up to 48 bytes stands behind it in the same cell. */
struct tach_message_header {
	_Atomic uint32_t seq;
	uint32_t size;
	uint32_t type;
	uint32_t flags;
};

#define TACH_MESSAGE_FLAG_LONG 1u /* the payload starts at the next cell */
#define TACH_MESSAGE_INLINE_MAX 48u

_Static_assert(sizeof(struct tach_message_header) == 16, "PROTOCOL.md 4");
_Static_assert(sizeof(struct tach_message_header) + TACH_MESSAGE_INLINE_MAX == TACH_CELL,
	       "PROTOCOL.md 4");

/*
 * The control socket: HELLO and WELCOME, with a RESIZE and another HELLO between them where need
 * be; then SEGMENT and DESCRIPTOR packets from a publisher, URGENT ones from either; then hang-up.
 */
enum tach_packet_kind {
	TACH_PACKET_HELLO = 1,
	TACH_PACKET_WELCOME = 2,
	TACH_PACKET_REJECT = 3,
	TACH_PACKET_SEGMENT = 4,
	TACH_PACKET_RESIZE = 5,
	TACH_PACKET_URGENT = 6,
	TACH_PACKET_DESCRIPTOR = 7,
};

enum tach_service {
	TACH_SERVICE_BUS = 1,
	TACH_SERVICE_FRAMES = 2,
};

#define TACH_FEATURE_MEMBARRIER 1u
#define TACH_FEATURE_ANY_SIZE 2u
#define TACH_FEATURE_URGENT 4u
#define TACH_FEATURE_DESCRIPTORS 8u
#define TACH_BYTE_ORDER_MARK 0x01020304u

/*
 * HELLO and WELCOME; fds: segment, waker's end of the data bell, waker's end of the space bell.
 * RESIZE; no fds.
 */
struct tach_hello {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint32_t features;
	uint32_t byte_order;
	uint32_t word_size;
	uint32_t service;
	uint64_t ring_size;
	uint32_t pid;
	uint32_t reserved0;
	uint64_t reserved[2];
};

_Static_assert(sizeof(struct tach_hello) == 64, "PROTOCOL.md 6");
_Static_assert(offsetof(struct tach_hello, features) == 16, "PROTOCOL.md 6");
_Static_assert(offsetof(struct tach_hello, service) == 28, "PROTOCOL.md 6");
_Static_assert(offsetof(struct tach_hello, ring_size) == 32, "PROTOCOL.md 6");
_Static_assert(offsetof(struct tach_hello, pid) == 40, "PROTOCOL.md 6");

/* no fds */
struct tach_reject {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	int32_t code; /* a negative errno, enum tachyon_error */
	char text[108];
};

_Static_assert(sizeof(struct tach_reject) == 128, "PROTOCOL.md 6");

/* one fd: a sealed payload segment */
struct tach_segment_packet {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint32_t segment;
	uint32_t reserved0;
	uint64_t reserved[5];
};

_Static_assert(sizeof(struct tach_segment_packet) == 64, "PROTOCOL.md 7");

/* one fd: somebody's memory, which the publisher lends */
struct tach_descriptor_packet {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint32_t segment; /* its id is one of the segments' */
	uint32_t reserved0;
	uint64_t size;
	uint64_t reserved[4];
};

_Static_assert(sizeof(struct tach_descriptor_packet) == 64, "PROTOCOL.md 7");
_Static_assert(offsetof(struct tach_descriptor_packet, segment) == 16, "PROTOCOL.md 7");
_Static_assert(offsetof(struct tach_descriptor_packet, size) == 24, "PROTOCOL.md 7");

#endif
