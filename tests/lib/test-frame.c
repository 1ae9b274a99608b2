/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames: giving the reference back, and walking and appending metadata.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tachyon/frame.h>

#include "block.h"
#include "harness.h"

struct fake_block {
	struct tachyon_block base;
	int releases;
	int is_valid;
};

static void release_fake(struct tachyon_block *base)
{
	((struct fake_block *)base)->releases++;
}

static int is_valid_fake(const struct tachyon_block *base)
{
	return ((const struct fake_block *)base)->is_valid;
}

static const struct tach_block_ops fake_ops = {
	.release = release_fake,
	.is_valid = is_valid_fake,
};

static struct tachyon_frame frame_over(const void *metadata, size_t size)
{
	return (struct tachyon_frame){.metadata = metadata, .metadata_size = size};
}

/* A header of type and size, as it stands in memory. */
static void put_header(uint8_t *at, uint32_t type, uint32_t size)
{
	memcpy(at, &type, sizeof(type));
	memcpy(at + sizeof(type), &size, sizeof(size));
}

/* --- the reference --- */

TEST(release_gives_the_reference_back_once)
{
	struct fake_block block = {.base.ops = &fake_ops};
	struct tachyon_frame frame = {.block = &block.base};

	tachyon_frame_release(&frame);
	tachyon_frame_release(&frame);

	CHECK_EQ(block.releases, 1);
	CHECK(!frame.block);
}

TEST(release_of_nothing_is_fine)
{
	struct tachyon_frame frame = {0};

	tachyon_frame_release(NULL);
	tachyon_frame_release(&frame);
	CHECK(!frame.block);
}

TEST(is_valid_asks_the_block)
{
	struct fake_block block = {.base.ops = &fake_ops, .is_valid = 1};
	const struct tachyon_frame frame = {.block = &block.base};

	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	block.is_valid = 0;
	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
}

TEST(a_released_frame_is_not_valid)
{
	const struct tachyon_frame frame = {0};

	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
	CHECK_EQ(tachyon_frame_is_valid(NULL), -EINVAL);
}

/* --- walking --- */

TEST(no_metadata_is_an_empty_list)
{
	const struct tachyon_frame frame = {0};
	struct tachyon_record record;
	size_t position = 0;

	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 0);
	CHECK_EQ(position, 0);
}

TEST(records_come_back_as_they_were_appended)
{
	_Alignas(8) uint8_t buffer[256];
	uint8_t content[32];
	struct tachyon_record record;
	struct tachyon_frame frame;
	size_t used = 0;
	size_t position = 0;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i + 1);
	memset(buffer, 0xff, sizeof(buffer));
	/* Sizes on both sides of the padding. */
	for (uint32_t size = 0; size <= 9; size++) {
		CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used,
					       TACHYON_RECORD_USER + size, content, size),
			 0);
		CHECK_EQ(used % 8, 0);
	}

	frame = frame_over(buffer, used);
	for (uint32_t size = 0; size <= 9; size++) {
		CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
		CHECK_EQ(record.type, TACHYON_RECORD_USER + size);
		CHECK_EQ(record.size, size);
		CHECK_EQ((uintptr_t)record.data % 8, 0);
		CHECK_MEM_EQ(record.data, content, size);
	}
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 0);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 0);
	CHECK_EQ(position, used);
}

TEST(metadata_need_not_be_aligned)
{
	_Alignas(8) uint8_t buffer[64];
	uint8_t elsewhere[65];
	struct tachyon_record record;
	struct tachyon_frame frame;
	size_t used = 0;
	size_t position = 0;

	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 99, "odd", 3), 0);
	memcpy(elsewhere + 1, buffer, used);

	frame = frame_over(elsewhere + 1, used);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
	CHECK_EQ(record.type, 99);
	CHECK_MEM_EQ(record.data, "odd", 3);
}

TEST(a_list_cut_anywhere_inside_a_record_is_corrupt)
{
	_Alignas(8) uint8_t buffer[64];
	struct tachyon_record record;
	size_t used = 0;

	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "twelve bytes", 12), 0);
	CHECK_EQ(used, 24);
	for (size_t size = 1; size < used; size++) {
		/* Of its very size, so that the sanitizer sees a byte too far. */
		uint8_t *copy = malloc(size);
		struct tachyon_frame frame;
		size_t position = 0;

		CHECK(copy);
		memcpy(copy, buffer, size);
		frame = frame_over(copy, size);
		CHECK_EQ(tachyon_record_next(&frame, &position, &record), -EBADMSG);
		CHECK_EQ(position, 0);
		free(copy);
	}
}

TEST(a_record_size_past_the_end_is_corrupt)
{
	static const uint32_t sizes[] = {9,	     16,	 24,	     0x7fffffff,
					 0x80000000, 0xfffffff8, 0xfffffff9, 0xffffffff};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		_Alignas(8) uint8_t buffer[16] = {0};
		const struct tachyon_frame frame = frame_over(buffer, sizeof(buffer));
		struct tachyon_record record;
		size_t position = 0;

		put_header(buffer, 64, sizes[i]);
		CHECK_EQ(tachyon_record_next(&frame, &position, &record), -EBADMSG);
		CHECK_EQ(position, 0);
	}
}

TEST(padding_that_is_not_zero_is_corrupt)
{
	for (size_t i = 3; i < 8; i++) {
		_Alignas(8) uint8_t buffer[16] = {0};
		const struct tachyon_frame frame = frame_over(buffer, sizeof(buffer));
		struct tachyon_record record;
		size_t position = 0;

		put_header(buffer, 64, 3);
		CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
		position = 0;
		buffer[8 + i] = 1;
		CHECK_EQ(tachyon_record_next(&frame, &position, &record), -EBADMSG);
	}
}

TEST(walking_refuses_wrong_arguments)
{
	_Alignas(8) uint8_t buffer[8] = {0};
	const struct tachyon_frame frame = frame_over(buffer, sizeof(buffer));
	const struct tachyon_frame no_memory = frame_over(NULL, 8);
	struct tachyon_record record;
	size_t position = 0;

	CHECK_EQ(tachyon_record_next(NULL, &position, &record), -EINVAL);
	CHECK_EQ(tachyon_record_next(&frame, NULL, &record), -EINVAL);
	CHECK_EQ(tachyon_record_next(&frame, &position, NULL), -EINVAL);
	CHECK_EQ(tachyon_record_next(&no_memory, &position, &record), -EBADMSG);
	position = 9;
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), -EINVAL);
	position = SIZE_MAX;
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), -EINVAL);
}

/* --- appending --- */

TEST(a_record_that_does_not_fit_changes_nothing)
{
	_Alignas(8) uint8_t buffer[32];
	uint8_t before[32];
	size_t used = 0;

	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "abc", 3), 0);
	CHECK_EQ(used, 16);
	memset(buffer + used, 0x5a, sizeof(buffer) - used);
	memcpy(before, buffer, sizeof(buffer));

	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "nine bytes", 9),
		 TACHYON_ERR_TOO_BIG);
	CHECK_EQ(used, 16);
	CHECK_MEM_EQ(buffer, before, sizeof(buffer));

	/* The most that does. */
	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "nine bytes", 8), 0);
	CHECK_EQ(used, 32);
	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, NULL, 0),
		 TACHYON_ERR_TOO_BIG);
}

TEST(padding_counts_against_the_capacity)
{
	_Alignas(8) uint8_t buffer[16];

	for (size_t capacity = 0; capacity < 16; capacity++) {
		size_t used = 0;

		CHECK_EQ(tachyon_record_append(buffer, capacity, &used, 64, "x", 1), -EMSGSIZE);
		CHECK_EQ(used, 0);
	}
}

TEST(sizes_that_no_record_has_are_too_big)
{
	_Alignas(8) uint8_t buffer[16];
	static const size_t sizes[] = {UINT32_MAX, (size_t)UINT32_MAX + 1, SIZE_MAX - 15,
				       SIZE_MAX - 7, SIZE_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t used = 0;

		CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "x", sizes[i]),
			 -EMSGSIZE);
		CHECK_EQ(used, 0);
	}
}

TEST(appending_refuses_wrong_arguments)
{
	_Alignas(8) uint8_t buffer[64];
	size_t used = 0;

	CHECK_EQ(tachyon_record_append(NULL, 64, &used, 64, NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_record_append(buffer, 64, NULL, 64, NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_record_append(buffer, 64, &used, 64, NULL, 1), -EINVAL);
	CHECK_EQ(tachyon_record_append(buffer, 64, &used, TACHYON_RECORD_USER - 1, NULL, 0),
		 -EINVAL);
	CHECK_EQ(used, 0);
	used = 72;
	CHECK_EQ(tachyon_record_append(buffer, 64, &used, 64, NULL, 0), -EINVAL);
	used = 4;
	CHECK_EQ(tachyon_record_append(buffer, 64, &used, 64, NULL, 0), -EINVAL);
}
