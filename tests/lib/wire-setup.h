/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of the wire share: values at the ends of their range, a frame, and how a message
 * is taken apart.
 */
#ifndef TACHYON_TESTS_WIRE_SETUP_H
#define TACHYON_TESTS_WIRE_SETUP_H

#include <stdlib.h>

#include "harness.h"
#include "wire.h"

__attribute__((unused)) static const uint32_t words[] = {
	0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
__attribute__((unused)) static const uint64_t longs[] = {0,
							 1,
							 0xffffffff,
							 0x100000000,
							 0x7fffffffffffffff,
							 0x8000000000000000,
							 0xfffffffffffffffe,
							 TACHYON_TIME_NONE};

/* Bytes in memory of their very size, so that the sanitizer sees one too far. */
static inline void *copy_of(const void *data, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);

	CHECK(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static inline struct tachyon_frame make_frame(void)
{
	return (struct tachyon_frame){
		.size = 1000,
		.pts = 11,
		.dts = 22,
		.duration = 33,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.flags = TACHYON_FRAME_DISCONT,
	};
}

static inline struct tach_block_ref make_block_ref(void)
{
	return (struct tach_block_ref){
		.segment = 5, .block = 6, .generation = 7, .offset = 64, .size = 1000};
}

static inline void check_same_ref(const struct tach_block_ref *a, const struct tach_block_ref *b)
{
	CHECK_EQ(a->segment, b->segment);
	CHECK_EQ(a->block, b->block);
	CHECK_EQ(a->generation, b->generation);
	CHECK_EQ(a->offset, b->offset);
	CHECK_EQ(a->size, b->size);
}

static inline void check_same_times(const struct tachyon_frame *a, const struct tachyon_frame *b)
{
	CHECK_EQ(a->size, b->size);
	CHECK_EQ(a->pts, b->pts);
	CHECK_EQ(a->dts, b->dts);
	CHECK_EQ(a->duration, b->duration);
	CHECK_EQ(a->offset, b->offset);
	CHECK_EQ(a->offset_end, b->offset_end);
	CHECK_EQ(a->flags, b->flags);
}

/* A FRAME message as a subscriber takes it apart: the header, then the records. */
static inline int get_whole_frame(const void *data, size_t size, struct tachyon_frame *frame,
				  struct tach_block_ref *ref, struct tach_block_ref *outline)
{
	struct tach_wire_frame wire;
	int ret;

	if (size < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));
	ret = tach_wire_get_frame(&wire, frame, ref);
	if (ret < 0)
		return ret;
	frame->metadata_size = size - sizeof(wire);
	frame->metadata = frame->metadata_size > 0 ? (const uint8_t *)data + sizeof(wire) : NULL;
	return tach_wire_get_records(frame, outline);
}

/* Two user records of 16 bytes in all, and of 24. */
static inline void add_metadata(struct tachyon_frame *frame, uint8_t buffer[40])
{
	size_t used = 0;

	CHECK_EQ(tachyon_record_append(buffer, 40, &used, 64, "meta", 4), 0);
	CHECK_EQ(tachyon_record_append(buffer, 40, &used, 65, "more of it", 10), 0);
	frame->metadata = buffer;
	frame->metadata_size = used;
}

#endif
