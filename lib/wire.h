/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The messages of a frames link as bytes (PROTOCOL.md 7): pure functions on private memory.
 *
 * Encoders write at most capacity bytes and return the size, or -EMSGSIZE. Decoders take a private
 * copy of a message and return 0 or -EBADMSG; what they fill in is within the bytes given.
 */
#ifndef TACH_WIRE_H
#define TACH_WIRE_H

#include <sys/types.h>

#include "block.h"
#include "segment.h"

enum tach_wire_type {
	/* publisher to subscriber */
	TACH_WIRE_FRAME = 1,
	TACH_WIRE_INLINE = 2,
	TACH_WIRE_CAPS = 3,
	TACH_WIRE_LAYOUT = 4,
	TACH_WIRE_CLOCK = 5,
	TACH_WIRE_EVENT = 6,
	TACH_WIRE_EOS = 7,
	TACH_WIRE_RETIRE = 8,
	TACH_WIRE_OUTLINE = 9,
	/* subscriber to publisher */
	TACH_WIRE_RETURN = 33,
	TACH_WIRE_UP_EVENT = 34,
	TACH_WIRE_NEED = 35,
	TACH_WIRE_RETIRED = 36,
};

/* FRAME: this, then records; without records it fits the message's first cell. */
struct tach_wire_frame {
	uint32_t segment;
	uint16_t block;
	uint16_t hints;
	uint32_t generation;
	uint32_t flags;
	uint32_t offset;
	uint32_t size;
	uint64_t pts;
	uint64_t duration;
	uint64_t dts;
};

/* INLINE: this, metadata_size bytes of records, then size bytes of payload. */
struct tach_wire_inline {
	uint32_t flags;
	uint32_t hints;
	uint32_t metadata_size;
	uint32_t size;
	uint64_t pts;
	uint64_t duration;
	uint64_t dts;
};

/* LAYOUT */
struct tach_wire_layout {
	uint32_t width;
	uint32_t height;
	uint32_t plane_count;
	uint32_t reserved;
	uint64_t offset[4];
	int32_t stride[4];
};

/* CLOCK */
struct tach_wire_clock {
	uint64_t base_time;
	uint64_t latency;
};

/* EVENT and UP_EVENT: this, then size bytes. */
struct tach_wire_event {
	uint32_t type;
	uint32_t flags;
	uint32_t order;
	uint32_t id;
	uint32_t size;
	uint32_t reserved;
};

/* URGENT, a packet on the socket: this, then event.size bytes. */
struct tach_urgent_packet {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	struct tach_wire_event event;
};

/*
 * RETURN (offset, size and type 0); RETIRE and RETIRED (segment only); OUTLINE: the body of a
 * message of that type is size bytes at offset in a block, which the subscriber returns once it
 * has copied them.
 */
struct tach_wire_ref {
	uint32_t segment;
	uint16_t block;
	uint16_t reserved;
	uint32_t generation;
	uint32_t offset;
	uint32_t size;
	uint32_t type;
};

/* RETIREs of one link that are not answered yet, at the most. */
#define TACH_RETIRES_MAX 16u

#define TACH_WIRE_RECORD_ALIGN 8u

/* A record of a frame's metadata: this, then size bytes, then zeros up to a multiple of 8. */
struct tach_wire_record {
	uint32_t type;
	uint32_t size;
};

enum tach_record_type {
	/* u64 offset, u64 offset_end: where either is not NONE */
	TACH_RECORD_OFFSETS = 1,
	/*
	 * struct tach_wire_ref: all further records are in that block, to be returned once copied
	 */
	TACH_RECORD_OUTLINE = 2,
};

_Static_assert(sizeof(struct tach_wire_frame) == TACH_MESSAGE_INLINE_MAX, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_inline) == 40, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_layout) == 64, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_clock) == 16, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_event) == 24, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_urgent_packet) == 40, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_ref) == 24, "PROTOCOL.md 7");
_Static_assert(sizeof(struct tach_wire_record) == 8, "PROTOCOL.md 7");

/* Limits on what a peer may make us allocate. */
#define TACH_WIRE_METADATA_MAX (16u << 20)
#define TACH_WIRE_CONTROL_MAX (16u << 20)
#define TACH_WIRE_UP_EVENT_MAX 4096u
#define TACH_URGENT_DATA_MAX 4096u
#define TACH_WIRE_INLINE_PAYLOAD_MAX 256u

/* The flags that cross: enum tachyon_frame_flags and the media type's own bits. */
uint32_t tach_wire_flags(uint32_t flags);

/* --- frames --- */

/*
 * 0, or -EINVAL when the frame's own metadata is no list of records, or has the protocol's in it.
 */
int tach_wire_check_metadata(const struct tachyon_frame *frame);
/*
 * Bytes that a frame's FRAME (or INLINE, payload included) message takes with its metadata in line.
 * SIZE_MAX when a limit is exceeded: it fits nowhere.
 */
size_t tach_wire_frame_size(const struct tachyon_frame *frame);
size_t tach_wire_inline_size(const struct tachyon_frame *frame);
/* The offsets record where needed, then the frame's metadata. */
ssize_t tach_wire_put_frame(void *out, size_t capacity, const struct tachyon_frame *frame,
			    const struct tach_block_ref *ref, uint32_t hints);
/* The same, the metadata being where outline says: the frame's own is not written. */
ssize_t tach_wire_put_frame_outline(void *out, size_t capacity, const struct tachyon_frame *frame,
				    const struct tach_block_ref *ref, uint32_t hints,
				    const struct tach_block_ref *outline);
ssize_t tach_wire_put_inline(void *out, size_t capacity, const struct tachyon_frame *frame,
			     uint32_t hints);

/*
 * The first 48 bytes of FRAME: fills frame's times, flags, hints, size; *ref; data and block stay
 * NULL. The records behind them, copied to private 8-byte aligned memory, go to
 * tach_wire_get_records().
 */
int tach_wire_get_frame(const struct tach_wire_frame *wire, struct tachyon_frame *frame,
			struct tach_block_ref *ref);
/* A whole INLINE message: data and metadata point into it. */
int tach_wire_get_inline(const void *data, size_t size, struct tachyon_frame *frame);
/*
 * Takes the protocol's own records out of the front of frame->metadata (offsets into the frame,
 * an outline into *outline, its size 0 where there is none) and checks the rest record by record.
 */
int tach_wire_get_records(struct tachyon_frame *frame, struct tach_block_ref *outline);

/* --- the rest --- */

ssize_t tach_wire_put_ref(void *out, size_t capacity, const struct tach_block_ref *ref,
			  uint32_t type);
int tach_wire_get_ref(const void *data, size_t size, struct tach_block_ref *ref, uint32_t *type);
ssize_t tach_wire_put_layout(void *out, size_t capacity, const struct tachyon_layout *layout);
int tach_wire_get_layout(const void *data, size_t size, struct tachyon_layout *layout);
ssize_t tach_wire_put_clock(void *out, size_t capacity, const struct tachyon_clock *clock);
int tach_wire_get_clock(const void *data, size_t size, struct tachyon_clock *clock);
ssize_t tach_wire_put_event(void *out, size_t capacity, const struct tachyon_event *event);
/* event->data points into data */
int tach_wire_get_event(const void *data, size_t size, struct tachyon_event *event);
/* CAPS: exactly one NUL, at the end, and UTF-8 */
int tach_wire_check_caps(const void *data, size_t size);
/* NEED: one u32 */
ssize_t tach_wire_put_need(void *out, size_t capacity, uint32_t blocks);
int tach_wire_get_need(const void *data, size_t size, uint32_t *blocks);

#endif
