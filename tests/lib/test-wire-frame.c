/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * FRAME and INLINE messages, and the records in them.
 */
#include "wire-setup.h"

#define KNOWN_FLAGS 0xfff1bff0u

/* --- frames --- */

TEST(a_frame_without_metadata_fits_a_cell)
{
	const struct tachyon_frame frame = make_frame();

	CHECK_EQ(tach_wire_frame_size(&frame), TACH_MESSAGE_INLINE_MAX);
}

TEST(a_frame_comes_back_as_it_was)
{
	const struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	struct tach_block_ref outline = {.size = 1};
	struct tach_block_ref got_ref;
	struct tachyon_frame got;
	uint8_t out[64];

	CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0), 48);
	CHECK_EQ(get_whole_frame(out, 48, &got, &got_ref, &outline), 0);
	check_same_times(&got, &sent);
	check_same_ref(&got_ref, &ref);
	CHECK_EQ(got.hints, 0);
	CHECK_EQ(outline.size, 0);
	CHECK(!got.data);
	CHECK(!got.block);
	CHECK(!got.metadata);
	CHECK_EQ(got.metadata_size, 0);
}

TEST(times_and_offsets_of_a_frame_have_their_full_range)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(longs); i++) {
		for (size_t field = 0; field < 5; field++) {
			struct tachyon_frame sent = make_frame();
			uint64_t *fields[] = {&sent.pts, &sent.dts, &sent.duration, &sent.offset,
					      &sent.offset_end};
			const struct tach_block_ref ref = make_block_ref();
			struct tach_block_ref got_ref, outline;
			struct tachyon_frame got;
			uint8_t out[128];
			ssize_t size;

			*fields[field] = longs[i];
			size = tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0);
			CHECK_EQ(size, tach_wire_frame_size(&sent));
			CHECK_EQ(get_whole_frame(out, (size_t)size, &got, &got_ref, &outline), 0);
			check_same_times(&got, &sent);
		}
	}
}

TEST(where_a_frame_is_has_its_full_range)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		const struct tachyon_frame sent = make_frame();
		const struct tach_block_ref ref = {.segment = words[i],
						   .block = (uint16_t)words[i],
						   .generation = words[i],
						   .size = 1000};
		struct tach_block_ref got_ref, outline;
		struct tachyon_frame got;
		uint8_t out[64];

		CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0), 48);
		CHECK_EQ(get_whole_frame(out, 48, &got, &got_ref, &outline), 0);
		check_same_ref(&got_ref, &ref);
	}
}

TEST(a_payload_outside_any_block_is_corrupt)
{
	static const struct {
		uint32_t offset;
		uint32_t size;
		int ret;
	} cases[] = {
		{0, 0, 0},
		{TACH_BLOCK_SIZE_MAX, 0, 0},
		{0, TACH_BLOCK_SIZE_MAX, 0},
		{TACH_BLOCK_SIZE_MAX - 1, 1, 0},
		{TACH_BLOCK_SIZE_MAX, 1, -EBADMSG},
		{1, TACH_BLOCK_SIZE_MAX, -EBADMSG},
		{0, TACH_BLOCK_SIZE_MAX + 1, -EBADMSG},
		{UINT32_MAX, 1, -EBADMSG},
		{1, UINT32_MAX, -EBADMSG},
		{UINT32_MAX, UINT32_MAX, -EBADMSG},
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(cases); i++) {
		const struct tach_wire_frame wire = {.offset = cases[i].offset,
						     .size = cases[i].size};
		const struct tach_wire_ref wire_ref = {.offset = cases[i].offset,
						       .size = cases[i].size};
		struct tachyon_frame frame;
		struct tach_block_ref ref;
		uint32_t type;

		CHECK_EQ(tach_wire_get_frame(&wire, &frame, &ref), cases[i].ret);
		CHECK_EQ(tach_wire_get_ref(&wire_ref, sizeof(wire_ref), &ref, &type), cases[i].ret);
	}
}

TEST(flags_and_hints_that_are_not_known_do_not_cross)
{
	struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	struct tach_block_ref got_ref;
	struct tach_wire_frame wire;
	struct tachyon_frame got;

	sent.flags = UINT32_MAX;
	CHECK_EQ(tach_wire_put_frame(&wire, sizeof(wire), &sent, &ref, UINT32_MAX), 48);
	CHECK_EQ(wire.flags, KNOWN_FLAGS);
	CHECK_EQ(wire.hints, TACHYON_FRAME_SCARCE | TACHYON_FRAME_AFTER_DROP);

	wire.flags = UINT32_MAX;
	wire.hints = UINT16_MAX;
	CHECK_EQ(tach_wire_get_frame(&wire, &got, &got_ref), 0);
	CHECK_EQ(got.flags, KNOWN_FLAGS);
	CHECK_EQ(got.hints, TACHYON_FRAME_SCARCE | TACHYON_FRAME_AFTER_DROP);
	CHECK_EQ(tach_wire_flags(UINT32_MAX), KNOWN_FLAGS);
}

TEST(metadata_and_offsets_of_a_frame_come_back)
{
	_Alignas(8) uint8_t buffer[40];
	struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	struct tach_block_ref got_ref, outline;
	struct tachyon_frame got;
	uint8_t out[128];

	add_metadata(&sent, buffer);
	CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0), 48 + 40);
	CHECK_EQ(get_whole_frame(out, 48 + 40, &got, &got_ref, &outline), 0);
	check_same_times(&got, &sent);
	CHECK_EQ(got.metadata_size, 40);
	CHECK_MEM_EQ(got.metadata, buffer, 40);

	sent.offset_end = 7;
	CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0), 48 + 24 + 40);
	CHECK_EQ(get_whole_frame(out, 48 + 24 + 40, &got, &got_ref, &outline), 0);
	check_same_times(&got, &sent);
	CHECK_EQ(got.metadata_size, 40);
	CHECK_MEM_EQ(got.metadata, buffer, 40);
}

TEST(metadata_elsewhere_comes_back_as_where)
{
	_Alignas(8) uint8_t buffer[40];
	struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	const struct tach_block_ref there = {
		.segment = 50, .block = 60, .generation = 70, .offset = 8, .size = 40};
	struct tach_block_ref got_ref, outline;
	struct tachyon_frame got;
	uint8_t out[128];

	add_metadata(&sent, buffer);
	sent.offset = 7;
	CHECK_EQ(tach_wire_put_frame_outline(out, sizeof(out), &sent, &ref, 1, &there),
		 48 + 24 + 32);
	CHECK_EQ(get_whole_frame(out, 48 + 24 + 32, &got, &got_ref, &outline), 0);
	check_same_times(&got, &sent);
	check_same_ref(&got_ref, &ref);
	check_same_ref(&outline, &there);
	CHECK_EQ(got.metadata_size, 0);
	CHECK(!got.metadata);
}

TEST(a_frame_cut_anywhere_in_its_records_is_corrupt)
{
	_Alignas(8) uint8_t buffer[40];
	struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	uint8_t out[128];
	ssize_t whole;

	add_metadata(&sent, buffer);
	sent.offset = 7;
	whole = tach_wire_put_frame(out, sizeof(out), &sent, &ref, 0);
	for (size_t size = 0; size <= (size_t)whole; size++) {
		/* Where one record ends, the list may end. */
		const bool is_end = size == 48 || size == 72 || size == 88 || size == 112;
		uint8_t *copy = copy_of(out, size);
		struct tach_block_ref got_ref, outline;
		struct tachyon_frame got;

		CHECK_EQ(get_whole_frame(copy, size, &got, &got_ref, &outline),
			 is_end ? 0 : -EBADMSG);
		free(copy);
	}
}

TEST(nothing_is_written_where_a_message_does_not_fit)
{
	_Alignas(8) uint8_t buffer[40];
	struct tachyon_frame frame = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	const struct tachyon_layout layout = {0};
	const struct tachyon_clock clock = {0};
	const struct tachyon_event event = {.data = "event", .size = 5};
	size_t fits[8] = {0};

	add_metadata(&frame, buffer);
	frame.offset = 1;
	frame.data = buffer;
	frame.size = 10;
	for (size_t capacity = 0; capacity < 160; capacity++) {
		uint8_t *out = copy_of(NULL, 0);
		ssize_t sizes[8];

		out = realloc(out, capacity > 0 ? capacity : 1);
		CHECK(out);
		sizes[0] = tach_wire_put_frame(out, capacity, &frame, &ref, 0);
		sizes[1] = tach_wire_put_frame_outline(out, capacity, &frame, &ref, 0, &ref);
		sizes[2] = tach_wire_put_inline(out, capacity, &frame, 0);
		sizes[3] = tach_wire_put_ref(out, capacity, &ref, 0);
		sizes[4] = tach_wire_put_layout(out, capacity, &layout);
		sizes[5] = tach_wire_put_clock(out, capacity, &clock);
		sizes[6] = tach_wire_put_event(out, capacity, &event);
		sizes[7] = tach_wire_put_need(out, capacity, 1);
		for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
			CHECK(sizes[i] == -EMSGSIZE || (size_t)sizes[i] <= capacity);
			if (sizes[i] > 0 && fits[i] == 0)
				fits[i] = capacity;
		}
		free(out);
	}
	CHECK_EQ(fits[0], 48 + 24 + 40);
	CHECK_EQ(fits[1], 48 + 24 + 32);
	CHECK_EQ(fits[2], 40 + 24 + 40 + 10);
	CHECK_EQ(fits[3], 24);
	CHECK_EQ(fits[4], 64);
	CHECK_EQ(fits[5], 16);
	CHECK_EQ(fits[6], 24 + 5);
	CHECK_EQ(fits[7], 4);
}

TEST(metadata_above_the_limit_fits_nowhere)
{
	struct tachyon_frame frame = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	struct tach_block_ref outline = make_block_ref();
	static const size_t sizes[] = {TACH_WIRE_METADATA_MAX + 1, SIZE_MAX - 47, SIZE_MAX};
	uint8_t out[128];

	frame.metadata = out;
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		frame.metadata_size = sizes[i];
		CHECK_EQ(tach_wire_frame_size(&frame), SIZE_MAX);
		CHECK_EQ(tach_wire_inline_size(&frame), SIZE_MAX);
		CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &frame, &ref, 0), -EMSGSIZE);
		CHECK_EQ(tach_wire_put_inline(out, sizeof(out), &frame, 0), -EMSGSIZE);
	}
	outline.size = TACH_WIRE_METADATA_MAX + 1;
	CHECK_EQ(tach_wire_put_frame_outline(out, sizeof(out), &frame, &ref, 0, &outline),
		 -EMSGSIZE);
}

TEST(a_payload_above_256_bytes_does_not_travel_inline)
{
	uint8_t payload[257] = {0};
	struct tachyon_frame frame = make_frame();
	uint8_t out[512];

	frame.data = payload;
	frame.size = 256;
	CHECK_EQ(tach_wire_put_inline(out, sizeof(out), &frame, 0), 40 + 256);
	frame.size = 257;
	CHECK_EQ(tach_wire_put_inline(out, sizeof(out), &frame, 0), -EMSGSIZE);
	frame.size = SIZE_MAX;
	CHECK_EQ(tach_wire_put_inline(out, sizeof(out), &frame, 0), -EMSGSIZE);
}

TEST(an_inline_frame_comes_back_as_it_was)
{
	static const size_t sizes[] = {0, 1, 255, 256};
	uint8_t payload[256];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		for (unsigned int with = 0; with < 4; with++) {
			_Alignas(8) uint8_t buffer[40];
			_Alignas(8) uint8_t out[512];
			struct tachyon_frame sent = make_frame();
			struct tach_block_ref outline;
			struct tachyon_frame got;
			ssize_t size;

			sent.data = payload;
			sent.size = sizes[i];
			if (with & 1)
				sent.offset = 99;
			if (with & 2)
				add_metadata(&sent, buffer);
			size = tach_wire_put_inline(out, sizeof(out), &sent, 2);
			CHECK_EQ(size, tach_wire_inline_size(&sent));
			CHECK_EQ(tach_wire_get_inline(out, (size_t)size, &got), 0);
			CHECK_EQ(tach_wire_get_records(&got, &outline), 0);
			check_same_times(&got, &sent);
			CHECK_EQ(got.hints, 2);
			CHECK(!got.block);
			CHECK_EQ(outline.size, 0);
			CHECK_EQ(got.data != NULL, sizes[i] > 0);
			CHECK_EQ(got.metadata_size, sent.metadata_size);
			CHECK_EQ((uintptr_t)got.metadata % 8, 0);
			if (sizes[i] > 0)
				CHECK_MEM_EQ(got.data, payload, sizes[i]);
			if (sent.metadata_size > 0)
				CHECK_MEM_EQ(got.metadata, sent.metadata, sent.metadata_size);
		}
	}
}

TEST(an_inline_frame_of_any_other_length_is_corrupt)
{
	_Alignas(8) uint8_t buffer[40];
	uint8_t out[256] = {0};
	struct tachyon_frame sent = make_frame();
	ssize_t whole;

	add_metadata(&sent, buffer);
	sent.data = buffer;
	sent.size = 33;
	whole = tach_wire_put_inline(out, sizeof(out), &sent, 0);
	for (size_t size = 0; size < sizeof(out); size++) {
		uint8_t *copy = copy_of(out, size);
		struct tachyon_frame got;

		CHECK_EQ(tach_wire_get_inline(copy, size, &got),
			 size == (size_t)whole ? 0 : -EBADMSG);
		free(copy);
	}
}

TEST(sizes_of_an_inline_frame_that_lie_are_corrupt)
{
	uint8_t out[40 + 100] = {0};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		for (size_t j = 0; j < TACH_ARRAY_SIZE(words); j++) {
			const struct tach_wire_inline wire = {.metadata_size = words[i],
							      .size = words[j]};
			struct tachyon_frame got;

			memcpy(out, &wire, sizeof(wire));
			CHECK_EQ(tach_wire_get_inline(out, sizeof(out), &got), -EBADMSG);
		}
		/* Sums that are right only in 32 bits. */
		const struct tach_wire_inline wraps = {.metadata_size = words[i],
						       .size = 100u - words[i]};
		struct tachyon_frame got;

		memcpy(out, &wraps, sizeof(wraps));
		CHECK_EQ(tach_wire_get_inline(out, sizeof(out), &got),
			 words[i] <= 100 ? 0 : -EBADMSG);
	}
}

TEST(an_inline_payload_above_the_limit_is_corrupt)
{
	uint8_t out[40 + 257] = {0};
	struct tach_wire_inline wire = {.size = 257};
	struct tachyon_frame got;

	memcpy(out, &wire, sizeof(wire));
	CHECK_EQ(tach_wire_get_inline(out, sizeof(out), &got), -EBADMSG);
	wire.size = 256;
	memcpy(out, &wire, sizeof(wire));
	CHECK_EQ(tach_wire_get_inline(out, sizeof(out) - 1, &got), 0);
}

/* --- records --- */

struct list {
	_Alignas(8) uint8_t bytes[256];
	size_t size;
};

/* A record of any type, the protocol's own too. */
static void add(struct list *list, uint32_t type, const void *data, uint32_t size)
{
	const struct tach_wire_record header = {.type = type, .size = size};

	memcpy(list->bytes + list->size, &header, sizeof(header));
	if (size > 0)
		memcpy(list->bytes + list->size + sizeof(header), data, size);
	list->size += sizeof(header) + tach_round_up(size, 8);
}

static int get_list(const struct list *list, struct tachyon_frame *frame,
		    struct tach_block_ref *outline)
{
	*frame = make_frame();
	frame->metadata = list->size > 0 ? list->bytes : NULL;
	frame->metadata_size = list->size;
	return tach_wire_get_records(frame, outline);
}

static const uint64_t some_offsets[2] = {1, 2};
static const struct tach_wire_ref some_outline = {.segment = 1, .size = 8};

TEST(no_records_are_fine)
{
	const struct list list = {.size = 0};
	struct tach_block_ref outline = {.size = 1};
	struct tachyon_frame frame;

	CHECK_EQ(get_list(&list, &frame, &outline), 0);
	CHECK_EQ(outline.size, 0);
	CHECK(!frame.metadata);
	CHECK_EQ(frame.offset, TACHYON_OFFSET_NONE);
}

TEST(the_protocols_own_records_are_taken_out)
{
	struct list list = {.size = 0};
	struct tach_block_ref outline;
	struct tachyon_frame frame;

	add(&list, 0, "0", 1);
	add(&list, 63, "a later protocol's", 18);
	add(&list, TACH_RECORD_OFFSETS, some_offsets, 16);
	add(&list, 3, NULL, 0);
	add(&list, 64, "user", 4);
	CHECK_EQ(get_list(&list, &frame, &outline), 0);
	CHECK_EQ(frame.offset, 1);
	CHECK_EQ(frame.offset_end, 2);
	CHECK_EQ(frame.metadata_size, 16);
	CHECK_EQ((const uint8_t *)frame.metadata - list.bytes, list.size - 16);
	CHECK_EQ(outline.size, 0);
}

TEST(own_records_behind_a_users_are_corrupt)
{
	static const uint32_t types[] = {0, 1, 2, 3, 63};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(types); i++) {
		struct list list = {.size = 0};
		struct tach_block_ref outline = {.size = 77};
		struct tachyon_frame frame;

		add(&list, UINT32_MAX, "user", 4);
		add(&list, types[i], some_offsets, 16);
		CHECK_EQ(get_list(&list, &frame, &outline), -EBADMSG);
		/* Nothing was changed. */
		CHECK_EQ(frame.metadata_size, list.size);
		CHECK_EQ(frame.metadata, (const void *)list.bytes);
		CHECK_EQ(frame.offset, TACHYON_OFFSET_NONE);
		CHECK_EQ(outline.size, 77);
	}
}

TEST(own_records_of_another_size_are_corrupt)
{
	for (uint32_t size = 0; size <= 40; size++) {
		uint8_t content[40] = {0};
		struct tach_block_ref outline;
		struct list list = {.size = 0};
		struct tachyon_frame frame;

		add(&list, TACH_RECORD_OFFSETS, content, size);
		CHECK_EQ(get_list(&list, &frame, &outline), size == 16 ? 0 : -EBADMSG);

		memcpy(content, &some_outline, sizeof(some_outline));
		list = (struct list){.size = 0};
		add(&list, TACH_RECORD_OUTLINE, content, size);
		CHECK_EQ(get_list(&list, &frame, &outline), size == 24 ? 0 : -EBADMSG);
	}
}

TEST(nothing_follows_an_outline)
{
	static const uint32_t types[] = {0, TACH_RECORD_OFFSETS, 63, 64, UINT32_MAX};
	struct tach_block_ref outline;
	struct tachyon_frame frame;
	struct list twice = {.size = 0};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(types); i++) {
		struct list list = {.size = 0};

		add(&list, TACH_RECORD_OUTLINE, &some_outline, 24);
		CHECK_EQ(get_list(&list, &frame, &outline), 0);
		add(&list, types[i], some_offsets, 16);
		CHECK_EQ(get_list(&list, &frame, &outline), -EBADMSG);
	}
	add(&twice, TACH_RECORD_OUTLINE, &some_outline, 24);
	add(&twice, TACH_RECORD_OUTLINE, &some_outline, 24);
	CHECK_EQ(get_list(&twice, &frame, &outline), -EBADMSG);
}

TEST(an_outline_has_bytes_and_not_too_many)
{
	static const struct {
		struct tach_wire_ref ref;
		int ret;
	} cases[] = {
		{{.size = 1}, 0},
		{{.size = TACH_WIRE_METADATA_MAX}, 0},
		{{.size = 0}, -EBADMSG},
		{{.size = TACH_WIRE_METADATA_MAX + 1}, -EBADMSG},
		{{.size = UINT32_MAX}, -EBADMSG},
		{{.offset = TACH_BLOCK_SIZE_MAX, .size = 1}, -EBADMSG},
		{{.offset = UINT32_MAX, .size = 1}, -EBADMSG},
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(cases); i++) {
		struct list list = {.size = 0};
		struct tach_block_ref outline;
		struct tachyon_frame frame;

		add(&list, TACH_RECORD_OUTLINE, &cases[i].ref, 24);
		CHECK_EQ(get_list(&list, &frame, &outline), cases[i].ret);
	}
}

TEST(a_users_metadata_is_checked_before_it_is_sent)
{
	struct tachyon_frame frame = make_frame();
	struct list list = {.size = 0};

	CHECK_EQ(tach_wire_check_metadata(&frame), 0);
	add(&list, 64, "user", 4);
	frame.metadata = list.bytes;
	frame.metadata_size = list.size;
	CHECK_EQ(tach_wire_check_metadata(&frame), 0);
	frame.metadata_size = list.size - 1;
	CHECK_EQ(tach_wire_check_metadata(&frame), -EINVAL);
	add(&list, 63, "not a user's", 12);
	frame.metadata_size = list.size;
	CHECK_EQ(tach_wire_check_metadata(&frame), -EINVAL);
}
