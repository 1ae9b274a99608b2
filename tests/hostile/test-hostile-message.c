/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a publisher sends down: the last value that each field of a message may have, and the first
 * that it may not.
 */
#include "honest.h"
#include "raw-publisher.h"

/* --- what is beyond --- */

/* A FRAME in block 1, or INLINE, and what stands behind. */
static void say_with(struct raw_publisher *raw, uint32_t type, const void *head, size_t head_size,
		     const void *rest, size_t rest_size)
{
	uint8_t body[1024];

	memcpy(body, head, head_size);
	memcpy(body + head_size, rest, rest_size);
	raw_say(&raw->peer, type, body, head_size + rest_size);
}

static void say_records(struct raw_publisher *raw, const void *records, size_t size)
{
	const struct tach_wire_frame frame = raw_frame(1);

	say_with(raw, TACH_WIRE_FRAME, &frame, sizeof(frame), records, size);
}

static void own_record_behind_users(struct raw_publisher *raw)
{
	const uint64_t records[] = {64, 16ull << 32 | TACH_RECORD_OFFSETS, 0, 0};

	say_records(raw, records, sizeof(records));
}

static void padding_that_is_not_zero(struct raw_publisher *raw)
{
	const uint64_t records[] = {4ull << 32 | 64, 1ull << 32};

	say_records(raw, records, sizeof(records));
}

struct outlined {
	struct tach_wire_record record;
	struct tach_wire_ref ref;
};

static struct outlined outline(uint32_t offset, uint32_t size)
{
	return (struct outlined){
		.record = {.type = TACH_RECORD_OUTLINE, .size = sizeof(struct tach_wire_ref)},
		.ref = {.segment = 1, .block = 2, .offset = offset, .size = size},
	};
}

static void outline_of_no_bytes(struct raw_publisher *raw)
{
	const struct outlined record = outline(0, 0);

	say_records(raw, &record, sizeof(record));
}

static void outline_above_its_limit(struct raw_publisher *raw)
{
	const struct outlined record = outline(0, TACH_WIRE_METADATA_MAX + 1);

	say_records(raw, &record, sizeof(record));
}

static void outline_beyond_its_block(struct raw_publisher *raw)
{
	const struct outlined record = outline(RAW_BLOCK_SIZE - 15, 16);

	memset(raw_block(raw, 2), 0, RAW_BLOCK_SIZE);
	say_records(raw, &record, sizeof(record));
}

static void two_outlines(struct raw_publisher *raw)
{
	const struct outlined records[2] = {outline(0, 16), outline(16, 16)};

	memset(raw_block(raw, 2), 0, 64);
	say_records(raw, records, sizeof(records));
}

static void records_behind_an_outline(struct raw_publisher *raw)
{
	const struct {
		struct outlined outline;
		struct tach_wire_record users;
	} records = {outline(0, 16), {.type = 64}};

	memset(raw_block(raw, 2), 0, 64);
	say_records(raw, &records, sizeof(records));
}

static void an_outline_within_an_outline(struct raw_publisher *raw)
{
	const struct outlined record = outline(0, sizeof(record));

	memcpy(raw_block(raw, 2), &record, sizeof(record));
	say_records(raw, &record, sizeof(record));
}

static void an_outline_in_an_inline(struct raw_publisher *raw)
{
	const struct outlined record = outline(0, 16);
	const struct tach_wire_inline head = {.metadata_size = sizeof(record)};

	memset(raw_block(raw, 2), 0, 64);
	say_with(raw, TACH_WIRE_INLINE, &head, sizeof(head), &record, sizeof(record));
}

static void an_inline_of_257(struct raw_publisher *raw)
{
	const struct tach_wire_inline head = {.size = TACH_WIRE_INLINE_PAYLOAD_MAX + 1};
	const uint8_t zeros[TACH_WIRE_INLINE_PAYLOAD_MAX + 1] = {0};

	say_with(raw, TACH_WIRE_INLINE, &head, sizeof(head), zeros, sizeof(zeros));
}

static void a_frame_that_no_block_has(struct raw_publisher *raw)
{
	struct tach_wire_frame frame = raw_frame(1);

	frame.offset = 0x80000000u;
	frame.size = 1;
	raw_say_frame(raw, &frame);
}

static void a_body_that_no_block_has(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {
		.segment = 1, .block = 2, .offset = 0x80000000u, .size = 1, .type = TACH_WIRE_EOS};

	raw_say(&raw->peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
}

static void a_body_a_byte_beyond_its_block(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = 1,
					  .block = 2,
					  .offset = RAW_BLOCK_SIZE,
					  .size = 1,
					  .type = TACH_WIRE_EOS};

	raw_say(&raw->peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
}

/* Copied, and then not believed: the block may be another's by now. */
static void a_body_of_another_generation(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {
		.segment = 1, .block = 2, .generation = 1, .size = 5, .type = TACH_WIRE_CAPS};

	memcpy(raw_block(raw, 2), "caps", 5);
	raw_say(&raw->peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
}

static void metadata_of_another_generation(struct raw_publisher *raw)
{
	struct outlined record = outline(0, 8);

	memset(raw_block(raw, 2), 0, 64);
	raw_block(raw, 2)[0] = 64;
	record.ref.generation = UINT32_MAX;
	say_records(raw, &record, sizeof(record));
}

static void a_long_layout(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_LAYOUT, sizeof(struct tach_wire_layout) + 1);
}

static void a_layout_of_very_many_planes(struct raw_publisher *raw)
{
	const struct tach_wire_layout layout = {.plane_count = UINT32_MAX};

	raw_say(&raw->peer, TACH_WIRE_LAYOUT, &layout, sizeof(layout));
}

static void a_long_clock(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_CLOCK, sizeof(struct tach_wire_clock) + 1);
}

/* Of another length, and else as it should be. */
static void say_ref(struct raw_publisher *raw, uint32_t type, int more)
{
	uint8_t body[sizeof(struct tach_wire_ref) + 1] = {0};
	const struct tach_wire_ref ref = {
		.segment = 1, .block = 2, .size = 5, .type = TACH_WIRE_CAPS};

	memcpy(body, &ref, sizeof(ref));
	memcpy(raw_block(raw, 2), "caps", 5);
	raw_say(&raw->peer, type, body, (size_t)((int)sizeof(ref) + more));
}

static void a_long_retire(struct raw_publisher *raw)
{
	say_ref(raw, TACH_WIRE_RETIRE, 1);
}

static void a_short_retire(struct raw_publisher *raw)
{
	say_ref(raw, TACH_WIRE_RETIRE, -1);
}

static void a_long_outline(struct raw_publisher *raw)
{
	say_ref(raw, TACH_WIRE_OUTLINE, 1);
}

static void a_short_outline(struct raw_publisher *raw)
{
	say_ref(raw, TACH_WIRE_OUTLINE, -1);
}

static void a_retire_of_0(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_RETIRE, sizeof(struct tach_wire_ref));
}

static void a_retire_of_the_last(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = UINT32_MAX};

	raw_say(&raw->peer, TACH_WIRE_RETIRE, &ref, sizeof(ref));
}

static void a_retire_with_an_impossible_place(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = 1, .offset = UINT32_MAX, .size = UINT32_MAX};

	raw_say(&raw->peer, TACH_WIRE_RETIRE, &ref, sizeof(ref));
}

static void an_event_with_more(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_EVENT, sizeof(struct tach_wire_event) + 1);
}

static void caps_of_a_nul(struct raw_publisher *raw)
{
	raw_say(&raw->peer, TACH_WIRE_CAPS, "", 1);
}

#define LIE(name)           \
	{                   \
#name, name \
	}

static const struct raw_lie lies[] = {
	LIE(own_record_behind_users),
	LIE(padding_that_is_not_zero),
	LIE(outline_of_no_bytes),
	LIE(outline_above_its_limit),
	LIE(outline_beyond_its_block),
	LIE(two_outlines),
	LIE(records_behind_an_outline),
	LIE(an_outline_within_an_outline),
	LIE(an_outline_in_an_inline),
	LIE(an_inline_of_257),
	LIE(a_frame_that_no_block_has),
	LIE(a_body_that_no_block_has),
	LIE(a_body_a_byte_beyond_its_block),
	LIE(a_body_of_another_generation),
	LIE(metadata_of_another_generation),
	LIE(a_long_layout),
	LIE(a_layout_of_very_many_planes),
	LIE(a_long_clock),
	LIE(a_long_retire),
	LIE(a_short_retire),
	LIE(a_retire_of_0),
	LIE(a_retire_of_the_last),
	LIE(a_retire_with_an_impossible_place),
	LIE(a_long_outline),
	LIE(a_short_outline),
	LIE(an_event_with_more),
	LIE(caps_of_a_nul),
};

HOSTILE_TEST(what_is_just_beyond_a_limit_is_corrupt)
{
	raw_tell_all(lies, TACH_ARRAY_SIZE(lies));
}

/* --- the last that is allowed --- */

static void take_any(struct raw_publisher *raw, size_t size)
{
	struct tachyon_item item = expect(raw->subscriber, TACHYON_ITEM_FRAME);

	CHECK_EQ(item.frame.size, size);
	tachyon_frame_release(&item.frame);
}

HOSTILE_TEST(what_is_just_within_a_limit_is_taken)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	const struct tach_wire_inline head = {.size = TACH_WIRE_INLINE_PAYLOAD_MAX};
	const uint8_t zeros[TACH_WIRE_INLINE_PAYLOAD_MAX] = {0};
	const struct outlined record = outline(RAW_BLOCK_SIZE - 16, 16);
	struct tach_wire_frame frame = raw_frame(RAW_BLOCK_COUNT - 1);

	frame.size = RAW_BLOCK_SIZE;
	raw_say_frame(&raw, &frame);
	take_any(&raw, RAW_BLOCK_SIZE);
	frame.offset = RAW_BLOCK_SIZE;
	frame.size = 0;
	raw_say_frame(&raw, &frame);
	take_any(&raw, 0);
	say_with(&raw, TACH_WIRE_INLINE, &head, sizeof(head), zeros, sizeof(zeros));
	take_any(&raw, TACH_WIRE_INLINE_PAYLOAD_MAX);
	memset(raw_block(&raw, 2), 0, RAW_BLOCK_SIZE);
	raw_block(&raw, 2)[RAW_BLOCK_SIZE - 16] = 64;
	raw_block(&raw, 2)[RAW_BLOCK_SIZE - 8] = 65;
	say_records(&raw, &record, sizeof(record));
	take_any(&raw, 1000);
	raw_say_zeros(&raw, TACH_WIRE_EOS, 100);
	(void)expect(raw.subscriber, TACHYON_ITEM_EOS);
	CHECK_EQ(tachyon_subscriber_end(raw.subscriber), TACHYON_END_NONE);
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

/* A ring that takes more than any message may have, and a message of this size in it, all zeros. */
static struct raw_publisher begin_large(size_t size, uint8_t **data)
{
	struct raw_publisher raw = make_raw_publisher_with(NULL, 1 << 25);
	void *room;

	CHECK_EQ(tach_ring_reserve(&raw.peer.sender, size, &room), 0);
	memset(room, 0, size);
	*data = room;
	return raw;
}

static void say_large(struct raw_publisher *raw, size_t size, uint32_t type)
{
	CHECK_EQ(tach_ring_commit(&raw->peer.sender, size, type), 0);
	tach_ring_flush(&raw->peer.sender);
}

/* Of a type that is not known, or of none that may be so long. */
HOSTILE_TEST(messages_down_have_a_limit_too)
{
	for (uint32_t type = 3; type <= 99; type += 96) {
		const size_t sizes[] = {TACH_WIRE_CONTROL_MAX, TACH_WIRE_CONTROL_MAX + 1};

		for (int i = 0; i < 2; i++) {
			uint8_t *data;
			struct raw_publisher raw = begin_large(sizes[i], &data);

			memset(data, 'x', sizes[i] - 1);
			say_large(&raw, sizes[i], type);
			if (i == 1)
				raw_check_corrupt(&raw, "16 MiB and a byte");
			else if (type == TACH_WIRE_CAPS)
				(void)expect(raw.subscriber, TACHYON_ITEM_CAPS);
			else
				expect_nothing(raw.subscriber);
			raw_publisher_close(&raw);
		}
	}
}

/* One record of the user's, as long as it may be, and the protocol's own before it; or longer. */
HOSTILE_TEST(the_metadata_of_an_inline_frame_has_a_limit)
{
	for (uint32_t more = 0; more <= 8; more += 8) {
		const uint32_t own = 24, users = TACH_WIRE_METADATA_MAX + more;
		const struct tach_wire_inline head = {.metadata_size = own + users};
		const struct tach_wire_record records[] = {
			{.type = TACH_RECORD_OFFSETS, .size = 16},
			{.type = 64, .size = users - sizeof(struct tach_wire_record)},
		};
		const size_t size = sizeof(head) + head.metadata_size;
		uint8_t *data;
		struct raw_publisher raw = begin_large(size, &data);

		memcpy(data, &head, sizeof(head));
		memcpy(data + sizeof(head), &records[0], sizeof(records[0]));
		memcpy(data + sizeof(head) + own, &records[1], sizeof(records[1]));
		say_large(&raw, size, TACH_WIRE_INLINE);
		if (more > 0)
			raw_check_corrupt(&raw, "metadata");
		else
			take_any(&raw, 0);
		raw_publisher_close(&raw);
	}
}

/* Larger than any body may be, in a block that has room for it. */
HOSTILE_TEST(a_body_in_a_block_has_a_limit)
{
	for (uint32_t more = 0; more < 2; more++) {
		const struct tach_wire_ref ref = {
			.segment = 2, .size = TACH_WIRE_CONTROL_MAX + more, .type = TACH_WIRE_EOS};
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tach_segment large;

		CHECK_EQ(tach_segment_create_payload(&large, (16 << 20) + 4096, 1), 0);
		raw_announce(&raw, 2, large.fd);
		raw_say(&raw.peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
		if (more > 0)
			raw_check_corrupt(&raw, "a body");
		else
			(void)expect(raw.subscriber, TACHYON_ITEM_EOS);
		tach_segment_destroy(&large);
		raw_publisher_close(&raw);
	}
}
