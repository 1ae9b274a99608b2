/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that lies to its subscriber about frames, in every field: a code for the
 * subscriber, what it holds stays readable, and it can connect to an honest one.
 */
#include <stdlib.h>

#include "honest.h"
#include "raw-publisher.h"
#include "system.h"

/* --- frames --- */

#define FRAME_LIE(name, statement)                           \
	static void name(struct raw_publisher *raw)          \
	{                                                    \
		struct tach_wire_frame frame = raw_frame(1); \
                                                             \
		statement;                                   \
		raw_say_frame(raw, &frame);                  \
	}

FRAME_LIE(frame_of_unknown_segment, frame.segment = 2)
FRAME_LIE(frame_of_segment_0, frame.segment = 0)
FRAME_LIE(frame_of_last_segment, frame.segment = UINT32_MAX)
FRAME_LIE(frame_of_block_behind_last, frame.block = RAW_BLOCK_COUNT)
FRAME_LIE(frame_of_last_block, frame.block = UINT16_MAX)
FRAME_LIE(frame_longer_than_block, frame.size = RAW_BLOCK_SIZE + 1)
FRAME_LIE(frame_of_4_gib, frame.size = UINT32_MAX)
FRAME_LIE(frame_beyond_block, frame.offset = RAW_BLOCK_SIZE - 999)
FRAME_LIE(frame_far_beyond_block, frame.offset = UINT32_MAX - 999)
FRAME_LIE(frame_offset_overflow, frame.offset = UINT32_MAX; frame.size = 1)
FRAME_LIE(empty_frame_beyond_block, frame.offset = RAW_BLOCK_SIZE + 1; frame.size = 0)

static void short_frame(struct raw_publisher *raw)
{
	const struct tach_wire_frame frame = raw_frame(1);

	raw_say(&raw->peer, TACH_WIRE_FRAME, &frame, sizeof(frame) - 1);
}

static void empty_frame_message(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_FRAME, 0);
}

/* A frame with one record behind it, whose header says so much. */
static void say_record(struct raw_publisher *raw, uint32_t type, uint32_t said, const void *data,
		       size_t size)
{
	const struct tach_wire_frame frame = raw_frame(1);
	const struct tach_wire_record record = {.type = type, .size = said};
	uint8_t body[512] = {0};

	memcpy(body, &frame, sizeof(frame));
	memcpy(body + sizeof(frame), &record, sizeof(record));
	if (size > 0)
		memcpy(body + sizeof(frame) + sizeof(record), data, size);
	raw_say(&raw->peer, TACH_WIRE_FRAME, body, sizeof(frame) + sizeof(record) + size);
}

static void record_beyond_message(struct raw_publisher *raw)
{
	say_record(raw, 64, 17, "0123456789abcdef", 16);
}

static void record_of_4_gib(struct raw_publisher *raw)
{
	say_record(raw, 64, UINT32_MAX, "0123456789abcdef", 16);
}

static void record_that_overflows(struct raw_publisher *raw)
{
	say_record(raw, 64, UINT32_MAX - 6, "0123456789abcdef", 16);
}

static void half_a_record(struct raw_publisher *raw)
{
	const struct tach_wire_frame frame = raw_frame(1);
	uint8_t body[sizeof(frame) + 4] = {0};

	memcpy(body, &frame, sizeof(frame));
	raw_say(&raw->peer, TACH_WIRE_FRAME, body, sizeof(body));
}

static void short_offsets_record(struct raw_publisher *raw)
{
	say_record(raw, TACH_RECORD_OFFSETS, 8, "12345678", 8);
}

/* Metadata in a block: where it says, and whether that is right. */
static void say_outline_record(struct raw_publisher *raw, uint32_t segment, uint16_t block,
			       uint32_t offset, uint32_t size)
{
	const struct tach_wire_ref ref = {
		.segment = segment, .block = block, .offset = offset, .size = size};

	say_record(raw, TACH_RECORD_OUTLINE, sizeof(ref), &ref, sizeof(ref));
}

static void outline_of_unknown_segment(struct raw_publisher *raw)
{
	say_outline_record(raw, 7, 2, 0, 16);
}

static void outline_behind_last_block(struct raw_publisher *raw)
{
	say_outline_record(raw, 1, RAW_BLOCK_COUNT, 0, 16);
}

static void outline_beyond_block(struct raw_publisher *raw)
{
	say_outline_record(raw, 1, 2, RAW_BLOCK_SIZE - 8, 16);
}

static void outline_of_4_gib(struct raw_publisher *raw)
{
	say_outline_record(raw, 1, 2, 0, UINT32_MAX);
}

static void outline_of_nonsense(struct raw_publisher *raw)
{
	memset(raw_block(raw, 2), 0xff, 64);
	say_outline_record(raw, 1, 2, 0, 64);
}

static void short_outline_record(struct raw_publisher *raw)
{
	say_record(raw, TACH_RECORD_OUTLINE, 8, "12345678", 8);
}

/* --- frames in the ring --- */

static void say_inline(struct raw_publisher *raw, uint32_t metadata_size, uint32_t size,
		       size_t really)
{
	const struct tach_wire_inline header = {.metadata_size = metadata_size, .size = size};
	uint8_t body[1024] = {0};

	memcpy(body, &header, sizeof(header));
	raw_say(&raw->peer, TACH_WIRE_INLINE, body, sizeof(header) + really);
}

static void inline_with_less(struct raw_publisher *raw)
{
	say_inline(raw, 0, 100, 99);
}

static void inline_with_more(struct raw_publisher *raw)
{
	say_inline(raw, 0, 100, 101);
}

static void inline_of_4_gib(struct raw_publisher *raw)
{
	say_inline(raw, 0, UINT32_MAX, 100);
}

static void inline_metadata_beyond(struct raw_publisher *raw)
{
	say_inline(raw, 104, 0, 100);
}

static void inline_sum_overflows(struct raw_publisher *raw)
{
	say_inline(raw, UINT32_MAX - 3, 104, 100);
}

static void inline_metadata_of_nonsense(struct raw_publisher *raw)
{
	const struct tach_wire_inline header = {.metadata_size = 16, .size = 0};
	uint8_t body[sizeof(header) + 16];

	memset(body, 0xff, sizeof(body));
	memcpy(body, &header, sizeof(header));
	raw_say(&raw->peer, TACH_WIRE_INLINE, body, sizeof(body));
}

static void short_inline(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_INLINE, sizeof(struct tach_wire_inline) - 1);
}

static void ring_lie(struct raw_publisher *raw)
{
	struct tach_message_header *place;

	raw_put(&raw->peer, TACH_WIRE_EOS, NULL, 0, &place);
	place->flags = 0x100;
	raw_ring_bells(&raw->peer);
}

#define LIE(name)           \
	{                   \
#name, name \
	}

static const struct raw_lie lies[] = {
	LIE(frame_of_unknown_segment),
	LIE(frame_of_segment_0),
	LIE(frame_of_last_segment),
	LIE(frame_of_block_behind_last),
	LIE(frame_of_last_block),
	LIE(frame_longer_than_block),
	LIE(frame_of_4_gib),
	LIE(frame_beyond_block),
	LIE(frame_far_beyond_block),
	LIE(frame_offset_overflow),
	LIE(empty_frame_beyond_block),
	LIE(short_frame),
	LIE(empty_frame_message),
	LIE(record_beyond_message),
	LIE(record_of_4_gib),
	LIE(record_that_overflows),
	LIE(half_a_record),
	LIE(short_offsets_record),
	LIE(outline_of_unknown_segment),
	LIE(outline_behind_last_block),
	LIE(outline_beyond_block),
	LIE(outline_of_4_gib),
	LIE(outline_of_nonsense),
	LIE(short_outline_record),
	LIE(inline_with_less),
	LIE(inline_with_more),
	LIE(inline_of_4_gib),
	LIE(inline_metadata_beyond),
	LIE(inline_sum_overflows),
	LIE(inline_metadata_of_nonsense),
	LIE(short_inline),
	LIE(ring_lie),
};

/* --- the victim --- */

HOSTILE_TEST(each_lie_about_a_frame_is_corrupt_and_leaves_what_is_held_readable)
{
	raw_tell_all(lies, TACH_ARRAY_SIZE(lies));
}

HOSTILE_TEST(after_a_lie_the_subscriber_can_connect_to_an_honest_publisher)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tachyon_publisher *publisher;

	frame_of_last_block(&raw);
	raw_check_corrupt(&raw, "a block");
	publisher = make_publisher(NULL);
	CHECK_EQ(connect_to(publisher, raw.subscriber), 0);
	CHECK_EQ(publish_number(publisher, 3000, 1), 1);
	take_frame(raw.subscriber, 3000, 1);
	CHECK(is_number(&held, 0));
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
	tachyon_publisher_destroy(publisher);
}

HOSTILE_TEST(a_message_of_an_unknown_type_is_ignored)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);

	raw_say_zeros(&raw, 99, 100);
	raw_say_zeros(&raw, TACH_WIRE_RETURN, 24);
	raw_say(&raw.peer, TACH_WIRE_CAPS, "caps", 5);
	expect_caps(raw.subscriber, "caps");
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

struct chatter {
	struct raw_publisher *raw;
	_Atomic bool is_over;
};

static int chatter_for_ever(void *argument)
{
	struct chatter *const chatter = argument;

	for (int i = 0; i < 400 && !chatter->is_over; i++) {
		raw_say_zeros(chatter->raw, 99, 10);
		sleep_ms(5);
	}
	return 0;
}

HOSTILE_TEST(messages_that_are_ignored_do_not_prolong_a_timeout)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct chatter chatter = {.raw = &raw};
	struct tachyon_item item;
	struct helper helper;
	uint64_t start;

	start_helper(&helper, chatter_for_ever, &chatter);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, 60 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 60 && ms_since(start) < 1000);
	chatter.is_over = true;
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(a_payload_that_changes_under_the_reader_harms_only_the_reading)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);

	memset(raw_block(&raw, 0), 0xee, 1000);
	CHECK_EQ(((const uint8_t *)held.data)[999], 0xee);
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	atomic_fetch_add(&raw.payload.header->generation[0], 1);
	CHECK_EQ(tachyon_frame_is_valid(&held), 0);
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(more_frames_than_can_ever_be_returned_do_not_block_a_release)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .ring_size = 4096};
	struct raw_publisher raw = make_raw_publisher(&options);
	struct tachyon_frame held[200];
	struct tachyon_item item;
	int count = 0, ret = 0;

	held[count++] = raw_publisher_begin(&raw);
	/* The same block over and over, never asking for one back. */
	while (ret == 0 && count < 200) {
		const struct tach_wire_frame frame = raw_frame(1);

		raw_say_frame(&raw, &frame);
		ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
		if (ret == 0)
			held[count++] = item.frame;
	}
	CHECK(ret == 0 || ret == TACHYON_ERR_CORRUPT);
	for (int i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, -1), TACHYON_ERR_CORRUPT);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(a_publisher_that_never_takes_returns_does_not_block_a_release)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame frame = raw_publisher_begin(&raw);
	const struct tachyon_event event = text_event(1, 0, 0, "hello");
	struct tachyon_item item;
	const uint64_t start = tach_os_now_ns();
	int ret = 0;

	tachyon_frame_release(&frame);
	while (tachyon_subscriber_send_event(raw.subscriber, &event) == 0)
		;
	for (int i = 0; i < 5000 && ret == 0; i++) {
		const struct tach_wire_frame wire = raw_frame(1);

		raw_say_frame(&raw, &wire);
		ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
		if (ret == 0)
			tachyon_frame_release(&item.frame);
	}
	/* It sent more than its quota without taking any back. */
	CHECK_EQ(ret, TACHYON_ERR_CORRUPT);
	CHECK(ms_since(start) < 10000);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(a_head_that_lies_to_a_subscriber_is_found_out)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame frame = raw_publisher_begin(&raw);
	const struct tachyon_event event = text_event(1, 0, 0, "hello");
	int ret = 0;

	atomic_store(&raw.peer.offer.segment.header->head, 12345);
	for (int i = 0; i < 5000 && ret == 0; i++)
		ret = tachyon_subscriber_send_event(raw.subscriber, &event);
	CHECK(ret == TACHYON_ERR_CORRUPT || ret == TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_subscriber_end(raw.subscriber), TACHYON_END_CORRUPT);
	tachyon_frame_release(&frame);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(random_messages_from_a_publisher_harm_nobody)
{
	for (unsigned int seed = 1; seed <= 500; seed++) {
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);
		struct tachyon_item item;
		int ret = 0;

		srandom(seed);
		for (int i = 0; i < 30 && ret >= 0; i++) {
			uint8_t body[300];
			const size_t size = (size_t)random() % sizeof(body);

			for (size_t j = 0; j < size; j++)
				body[j] = random() % 4 ? 0 : (uint8_t)random();
			if (size >= 4 && random() % 2)
				body[0] = 1, body[1] = body[2] = body[3] = 0;
			raw_say(&raw.peer, (uint32_t)(random() % 11), body, size);
			ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
			if (ret == 0 && item.type == TACHYON_ITEM_FRAME)
				tachyon_frame_release(&item.frame);
			if (ret == TACHYON_ERR_AGAIN)
				ret = 0;
		}
		CHECK(ret == 0 || ret == TACHYON_ERR_CORRUPT || ret == TACHYON_ERR_TOO_BIG);
		CHECK(is_number(&held, 0));
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
	}
}
