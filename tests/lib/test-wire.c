/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A frames link's messages as bytes: what is written comes back, and nothing else is believed.
 */
#include "wire-setup.h"

/* --- what the bytes are --- */

TEST(a_frame_is_these_bytes)
{
	static const uint8_t expected[] = {
		0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x03, 0x00, 0xaa, 0x99, 0x88, 0x77,
		0x10, 0x00, 0x00, 0x80, 0x04, 0x03, 0x02, 0x01, 0x08, 0x07, 0x06, 0x05,
		1,    0,    0,	  0,	0,    0,    0,	  0x10, 2,    0,    0,	  0,
		0,    0,    0,	  0x20, 3,    0,    0,	  0,	0,    0,    0,	  0x30,
		1,    0,    0,	  0,	16,   0,    0,	  0,	4,    0,    0,	  0,
		0,    0,    0,	  0x40, 5,    0,    0,	  0,	0,    0,    0,	  0x50,
	};
	const struct tachyon_frame frame = {
		.size = 0x05060708,
		.pts = 0x1000000000000001,
		.duration = 0x2000000000000002,
		.dts = 0x3000000000000003,
		.offset = 0x4000000000000004,
		.offset_end = 0x5000000000000005,
		.flags = 0x80000010,
	};
	const struct tach_block_ref ref = {.segment = 0x11223344,
					   .block = 0x5566,
					   .generation = 0x778899aa,
					   .offset = 0x01020304,
					   .size = 0x05060708};
	uint8_t out[128];

	CHECK_EQ(tach_wire_put_frame(out, sizeof(out), &frame, &ref, 3), sizeof(expected));
	CHECK_MEM_EQ(out, expected, sizeof(expected));
}

TEST(an_inline_frame_is_these_bytes)
{
	static const uint8_t expected[] = {
		0x40, 0, 0, 0, 2, 0, 0, 0, 16,	0,   0, 0, 3, 0, 0, 0, 1,   0,	 0,   0,
		0,    0, 0, 0, 2, 0, 0, 0, 0,	0,   0, 0, 3, 0, 0, 0, 0,   0,	 0,   0,
		64,   0, 0, 0, 2, 0, 0, 0, 'm', 'd', 0, 0, 0, 0, 0, 0, 'a', 'b', 'c',
	};
	_Alignas(8) uint8_t metadata[16];
	struct tachyon_frame frame = make_frame();
	uint8_t out[128];
	size_t used = 0;

	CHECK_EQ(tachyon_record_append(metadata, sizeof(metadata), &used, 64, "md", 2), 0);
	frame.pts = 1;
	frame.duration = 2;
	frame.dts = 3;
	frame.metadata = metadata;
	frame.metadata_size = used;
	frame.data = copy_of("abc", 3);
	frame.size = 3;
	CHECK_EQ(tach_wire_put_inline(out, sizeof(out), &frame, TACHYON_FRAME_AFTER_DROP),
		 sizeof(expected));
	CHECK_MEM_EQ(out, expected, sizeof(expected));
	free(frame.data);
}

TEST(the_other_messages_are_these_bytes)
{
	static const uint8_t ref_bytes[] = {5,	0, 0, 0, 6,    0, 0, 0, 7, 0, 0, 0,
					    64, 0, 0, 0, 0xe8, 3, 0, 0, 3, 0, 0, 0};
	static const uint8_t layout_bytes[] = {
		0x80, 2, 0, 0, 0xe0, 1,	   0,	 0,    2, 0,	0, 0, 0, 0, 0, 0,
		1,    0, 0, 0, 0,    0,	   0,	 0,    0, 0xb0, 4, 0, 0, 0, 0, 0,
		0,    0, 0, 0, 0,    0,	   0,	 0,    0, 0,	0, 0, 0, 0, 0, 0,
		0x80, 2, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0,	0, 0, 0, 0, 0, 0,
	};
	static const uint8_t clock_bytes[] = {1, 0, 0, 0, 0, 0, 0, 0x80, 2, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t event_bytes[] = {9, 0, 0, 0, 1, 0, 0, 0, 70, 0, 0,	  0,  4,
					      3, 2, 1, 2, 0, 0, 0, 0, 0,  0, 'h', 'i'};
	static const uint8_t need_bytes[] = {4, 3, 2, 1};
	const struct tach_block_ref ref = make_block_ref();
	/* What lies beyond its planes is not sent. */
	const struct tachyon_layout layout = {.width = 640,
					      .height = 480,
					      .plane_count = 2,
					      .reserved = 99,
					      .offset = {1, 307200, 99, 99},
					      .stride = {640, -2, 99, 99}};
	const struct tachyon_clock clock = {.base_time = 0x8000000000000001, .latency = 2};
	const struct tachyon_event event = {.type = 9,
					    .flags = 0xffffffff,
					    .order = 70,
					    .id = 0x01020304,
					    .data = "hi",
					    .size = 2};
	uint8_t out[128];

	memset(out, 0x5a, sizeof(out));
	CHECK_EQ(tach_wire_put_ref(out, sizeof(out), &ref, 3), sizeof(ref_bytes));
	CHECK_MEM_EQ(out, ref_bytes, sizeof(ref_bytes));
	CHECK_EQ(tach_wire_put_layout(out, sizeof(out), &layout), sizeof(layout_bytes));
	CHECK_MEM_EQ(out, layout_bytes, sizeof(layout_bytes));
	CHECK_EQ(tach_wire_put_clock(out, sizeof(out), &clock), sizeof(clock_bytes));
	CHECK_MEM_EQ(out, clock_bytes, sizeof(clock_bytes));
	CHECK_EQ(tach_wire_put_event(out, sizeof(out), &event), 26);
	CHECK_MEM_EQ(out, event_bytes, 23);
	CHECK_MEM_EQ(out + 24, "hi", 2);
	CHECK_EQ(tach_wire_put_need(out, sizeof(out), 0x01020304), sizeof(need_bytes));
	CHECK_MEM_EQ(out, need_bytes, sizeof(need_bytes));
}

/* --- the rest --- */

TEST(a_ref_comes_back_as_it_was)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		const struct tach_block_ref sent = {.segment = words[i],
						    .block = (uint16_t)words[i],
						    .generation = words[i],
						    .offset = words[i] / 2,
						    .size = 1};
		struct tach_wire_ref wire;
		struct tach_block_ref got;
		uint32_t type;

		CHECK_EQ(tach_wire_put_ref(&wire, sizeof(wire), &sent, words[i]), 24);
		CHECK_EQ(tach_wire_get_ref(&wire, sizeof(wire), &got, &type), 0);
		check_same_ref(&got, &sent);
		CHECK_EQ(type, words[i]);
		CHECK_EQ(tach_wire_get_ref(&wire, sizeof(wire), &got, NULL), 0);
	}
}

TEST(a_layout_comes_back_as_it_was)
{
	for (uint32_t planes = 0; planes <= 4; planes++) {
		struct tachyon_layout sent = {
			.width = UINT32_MAX, .height = 1, .plane_count = planes};
		struct tach_wire_layout wire;
		struct tachyon_layout got;

		for (uint32_t i = 0; i < planes; i++) {
			sent.offset[i] = longs[i + 3];
			sent.stride[i] = (int32_t)words[i + 3];
		}
		CHECK_EQ(tach_wire_put_layout(&wire, sizeof(wire), &sent), 64);
		CHECK_EQ(tach_wire_get_layout(&wire, sizeof(wire), &got), 0);
		CHECK_MEM_EQ(&got, &sent, sizeof(got));
	}
}

TEST(a_layout_has_four_planes_at_most)
{
	static const uint32_t counts[] = {5, 6, 0x7fffffff, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(counts); i++) {
		const struct tachyon_layout layout = {.plane_count = counts[i]};
		const struct tach_wire_layout wire = {.plane_count = counts[i]};
		struct tachyon_layout got;
		uint8_t out[64];

		CHECK_EQ(tach_wire_put_layout(out, sizeof(out), &layout), -EINVAL);
		CHECK_EQ(tach_wire_get_layout(&wire, sizeof(wire), &got), -EBADMSG);
	}
}

TEST(what_a_layout_says_beyond_its_planes_is_ignored)
{
	const struct tach_wire_layout wire = {
		.plane_count = 1, .reserved = 9, .offset = {1, 2, 3, 4}, .stride = {5, 6, 7, 8}};
	const struct tachyon_layout expected = {.plane_count = 1, .offset = {1}, .stride = {5}};
	struct tachyon_layout got;

	CHECK_EQ(tach_wire_get_layout(&wire, sizeof(wire), &got), 0);
	CHECK_MEM_EQ(&got, &expected, sizeof(got));
}

TEST(a_clock_comes_back_as_it_was)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(longs); i++) {
		const struct tachyon_clock sent = {.base_time = longs[i], .latency = ~longs[i]};
		struct tach_wire_clock wire;
		struct tachyon_clock got;

		CHECK_EQ(tach_wire_put_clock(&wire, sizeof(wire), &sent), 16);
		CHECK_EQ(tach_wire_get_clock(&wire, sizeof(wire), &got), 0);
		CHECK_EQ(got.base_time, sent.base_time);
		CHECK_EQ(got.latency, sent.latency);
	}
}

TEST(an_event_comes_back_as_it_was)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 4096};
	uint8_t content[4096];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		const struct tachyon_event sent = {.type = words[i + 2],
						   .flags = TACHYON_EVENT_STICKY,
						   .order = words[i + 1],
						   .id = words[i],
						   .data = content,
						   .size = sizes[i]};
		uint8_t out[24 + 4096];
		struct tachyon_event got;

		CHECK_EQ(tach_wire_put_event(out, sizeof(out), &sent), 24 + sizes[i]);
		CHECK_EQ(tach_wire_get_event(out, 24 + sizes[i], &got), 0);
		CHECK_EQ(got.type, sent.type);
		CHECK_EQ(got.flags, sent.flags);
		CHECK_EQ(got.order, sent.order);
		CHECK_EQ(got.id, sent.id);
		CHECK_EQ(got.size, sent.size);
		CHECK_EQ(got.data != NULL, sizes[i] > 0);
		if (sizes[i] > 0)
			CHECK_MEM_EQ(got.data, content, sizes[i]);
	}
}

TEST(an_event_of_any_other_length_is_corrupt)
{
	const struct tachyon_event sent = {.data = "thirteen byte", .size = 13};
	uint8_t out[64] = {0};
	struct tachyon_event got;
	struct tach_wire_event wire;

	CHECK_EQ(tach_wire_put_event(out, sizeof(out), &sent), 37);
	for (size_t size = 0; size < sizeof(out); size++) {
		uint8_t *copy = copy_of(out, size);

		CHECK_EQ(tach_wire_get_event(copy, size, &got), size == 37 ? 0 : -EBADMSG);
		free(copy);
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		wire = (struct tach_wire_event){.size = words[i]};
		memcpy(out, &wire, sizeof(wire));
		CHECK_EQ(tach_wire_get_event(out, 24 + 13, &got), -EBADMSG);
	}
}

TEST(an_event_above_the_limit_does_not_travel)
{
	const size_t size = TACH_WIRE_CONTROL_MAX;
	struct tachyon_event event = {.size = size + 1};
	uint8_t *out = calloc(1, size + 25);
	struct tach_wire_event wire = {.size = TACH_WIRE_CONTROL_MAX + 1};

	CHECK(out);
	event.data = out;
	CHECK_EQ(tach_wire_put_event(out, size + 25, &event), -EMSGSIZE);
	event.size = SIZE_MAX;
	CHECK_EQ(tach_wire_put_event(out, size + 25, &event), -EMSGSIZE);
	event.size = SIZE_MAX - 23;
	CHECK_EQ(tach_wire_put_event(out, size + 25, &event), -EMSGSIZE);

	memcpy(out, &wire, sizeof(wire));
	CHECK_EQ(tach_wire_get_event(out, size + 25, &event), -EBADMSG);
	wire.size--;
	memcpy(out, &wire, sizeof(wire));
	CHECK_EQ(tach_wire_get_event(out, size + 24, &event), 0);
	free(out);
}

TEST(event_flags_that_are_not_known_are_dropped)
{
	const struct tach_wire_event wire = {.flags = UINT32_MAX, .reserved = 9};
	struct tachyon_event got;

	CHECK_EQ(tach_wire_get_event(&wire, sizeof(wire), &got), 0);
	CHECK_EQ(got.flags, TACHYON_EVENT_STICKY);
}

TEST(a_need_comes_back_as_it_was)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		uint8_t out[4];
		uint32_t got;

		CHECK_EQ(tach_wire_put_need(out, sizeof(out), words[i]), 4);
		CHECK_EQ(tach_wire_get_need(out, sizeof(out), &got), 0);
		CHECK_EQ(got, words[i]);
	}
}

TEST(fixed_messages_have_their_length_only)
{
	for (size_t size = 0; size < 80; size++) {
		uint8_t *bytes = calloc(1, size > 0 ? size : 1);
		struct tachyon_layout layout;
		struct tachyon_clock clock;
		struct tach_block_ref ref;
		uint32_t word;

		CHECK(bytes);
		CHECK_EQ(tach_wire_get_ref(bytes, size, &ref, &word), size == 24 ? 0 : -EBADMSG);
		CHECK_EQ(tach_wire_get_layout(bytes, size, &layout), size == 64 ? 0 : -EBADMSG);
		CHECK_EQ(tach_wire_get_clock(bytes, size, &clock), size == 16 ? 0 : -EBADMSG);
		CHECK_EQ(tach_wire_get_need(bytes, size, &word), size == 4 ? 0 : -EBADMSG);
		free(bytes);
	}
}

/* --- caps --- */

static int check_text(const char *text, size_t size)
{
	uint8_t *copy = copy_of(text, size);
	const int ret = tach_wire_check_caps(copy, size);

	free(copy);
	return ret;
}

TEST(caps_end_with_their_only_nul)
{
	CHECK_EQ(check_text("video/x-raw", 12), 0);
	CHECK_EQ(check_text("a", 2), 0);
	CHECK_EQ(check_text("video/x-raw", 11), -EBADMSG);
	CHECK_EQ(check_text("video\0x-raw", 12), -EBADMSG);
	CHECK_EQ(check_text("video\0", 7), -EBADMSG);
	CHECK_EQ(check_text("", 1), -EBADMSG);
	CHECK_EQ(check_text("", 0), -EBADMSG);
	CHECK_EQ(check_text("\0", 2), -EBADMSG);
}

TEST(caps_have_a_limit)
{
	char *text = malloc(TACH_WIRE_CONTROL_MAX + 1);

	CHECK(text);
	memset(text, 'a', TACH_WIRE_CONTROL_MAX + 1);
	text[TACH_WIRE_CONTROL_MAX] = 0;
	CHECK_EQ(tach_wire_check_caps(text, TACH_WIRE_CONTROL_MAX + 1), -EBADMSG);
	CHECK_EQ(tach_wire_check_caps(text + 1, TACH_WIRE_CONTROL_MAX), 0);
	free(text);
}

TEST(caps_are_well_formed_utf8)
{
	static const char *const good[] = {
		"\x01",
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xa5",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2\x41",
		"\xc2\xc2",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe2\x82",
		"\xe2\x82\x41",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x8e",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"ok\xffnot",
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(good); i++)
		CHECK_EQ(check_text(good[i], strlen(good[i]) + 1), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(bad); i++)
		CHECK_EQ(check_text(bad[i], strlen(bad[i]) + 1), -EBADMSG);
}

TEST(every_code_point_but_surrogates_and_nul_is_fine_in_caps)
{
	for (uint32_t code = 0; code < 0x120000; code++) {
		const bool is_fine =
			code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
		uint8_t text[5] = {0};
		size_t size;

		if (code < 0x80) {
			text[0] = (uint8_t)code;
			size = 1;
		} else if (code < 0x800) {
			text[0] = (uint8_t)(0xc0 | code >> 6);
			text[1] = (uint8_t)(0x80 | (code & 0x3f));
			size = 2;
		} else if (code < 0x10000) {
			text[0] = (uint8_t)(0xe0 | code >> 12);
			text[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
			text[2] = (uint8_t)(0x80 | (code & 0x3f));
			size = 3;
		} else {
			text[0] = (uint8_t)(0xf0 | code >> 18);
			text[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
			text[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
			text[3] = (uint8_t)(0x80 | (code & 0x3f));
			size = 4;
		}
		CHECK_EQ(tach_wire_check_caps(text, size + 1), is_fine ? 0 : -EBADMSG);
	}
}

/* --- a stranger's handwriting --- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* All that was filled in must be inside the bytes. */
static void check_inside(const void *piece, size_t piece_size, const uint8_t *bytes, size_t size)
{
	const uint8_t *start = piece;

	if (piece_size == 0)
		return;
	CHECK(start >= bytes && piece_size <= size && start + piece_size <= bytes + size);
}

static size_t decode_everything(const uint8_t *bytes, size_t size)
{
	struct tach_block_ref ref, outline;
	struct tachyon_layout layout;
	struct tachyon_clock clock;
	struct tachyon_frame frame;
	struct tachyon_event event;
	size_t good = 0;
	uint32_t word;

	if (get_whole_frame(bytes, size, &frame, &ref, &outline) == 0) {
		check_inside(frame.metadata, frame.metadata_size, bytes, size);
		good++;
	}
	if (tach_wire_get_inline(bytes, size, &frame) == 0) {
		check_inside(frame.data, frame.size, bytes, size);
		check_inside(frame.metadata, frame.metadata_size, bytes, size);
		tach_wire_get_records(&frame, &outline);
		check_inside(frame.metadata, frame.metadata_size, bytes, size);
		good++;
	}
	if (tach_wire_get_event(bytes, size, &event) == 0) {
		check_inside(event.data, event.size, bytes, size);
		good++;
	}
	good += tach_wire_get_ref(bytes, size, &ref, &word) == 0;
	good += tach_wire_get_layout(bytes, size, &layout) == 0;
	good += tach_wire_get_clock(bytes, size, &clock) == 0;
	good += tach_wire_get_need(bytes, size, &word) == 0;
	good += tach_wire_check_caps(bytes, size) == 0;
	return good;
}

TEST_WITH_TIMEOUT(random_bytes_are_decoded_or_refused, 120)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	size_t good = 0;

	for (int i = 0; i < 1000000; i++) {
		const size_t size = next_random(&state) % 160;
		uint8_t *bytes = malloc(size > 0 ? size : 1);

		CHECK(bytes);
		/* Mostly small numbers: sizes that are nearly right go deeper. */
		for (size_t j = 0; j < size; j++) {
			const uint64_t random = next_random(&state);

			bytes[j] = random & 0x700 ? 0 : (uint8_t)random & (uint8_t)(random >> 16);
		}
		if (size >= 4 && i % 2)
			bytes[i % 4 * 4 % size & ~3u] = (uint8_t)(size - 40);
		good += decode_everything(bytes, size);
		free(bytes);
	}
	CHECK(good > 1000);
}

TEST_WITH_TIMEOUT(good_messages_with_a_wrong_byte_are_decoded_or_refused, 120)
{
	_Alignas(8) uint8_t buffer[40];
	struct tachyon_frame sent = make_frame();
	const struct tach_block_ref ref = make_block_ref();
	const struct tachyon_event event = {.data = "event", .size = 5};
	uint8_t messages[5][128];
	size_t sizes[5];
	size_t good = 0;

	add_metadata(&sent, buffer);
	sent.offset = 3;
	sent.data = buffer;
	sent.size = 10;
	sizes[0] = (size_t)tach_wire_put_frame(messages[0], 128, &sent, &ref, 0);
	sizes[1] = (size_t)tach_wire_put_frame_outline(messages[1], 128, &sent, &ref, 0, &ref);
	sizes[2] = (size_t)tach_wire_put_inline(messages[2], 128, &sent, 0);
	sizes[3] = (size_t)tach_wire_put_event(messages[3], 128, &event);
	sizes[4] = (size_t)tach_wire_put_ref(messages[4], 128, &ref, 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		for (size_t at = 0; at < sizes[i]; at++) {
			for (unsigned int value = 0; value < 256; value++) {
				uint8_t *copy = copy_of(messages[i], sizes[i]);

				copy[at] = (uint8_t)value;
				good += decode_everything(copy, sizes[i]);
				free(copy);
			}
		}
	}
	CHECK(good > 1000);
}
