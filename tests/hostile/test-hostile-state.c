/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that lies to its subscriber about state: caps, layout, clock, events, in the ring
 * or in blocks, and segments to forget.
 */
#include "honest.h"
#include "raw-publisher.h"
#include "system.h"

/* --- state --- */

static void caps_without_end(struct raw_publisher *raw)
{
	raw_say(&raw->peer, TACH_WIRE_CAPS, "caps", 4);
}

static void caps_with_two_ends(struct raw_publisher *raw)
{
	raw_say(&raw->peer, TACH_WIRE_CAPS, "ca\0ps", 6);
}

static void caps_of_nothing(struct raw_publisher *raw)
{
	raw_say(&raw->peer, TACH_WIRE_CAPS, "", 0);
}

static void caps_that_are_not_utf_8(struct raw_publisher *raw)
{
	raw_say(&raw->peer, TACH_WIRE_CAPS, "caps\xff", 6);
}

static void short_layout(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_LAYOUT, sizeof(struct tach_wire_layout) - 1);
}

static void layout_of_five_planes(struct raw_publisher *raw)
{
	const struct tach_wire_layout layout = {.width = 1, .height = 1, .plane_count = 5};

	raw_say(&raw->peer, TACH_WIRE_LAYOUT, &layout, sizeof(layout));
}

static void short_clock(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_CLOCK, sizeof(struct tach_wire_clock) - 1);
}

static void short_event(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_EVENT, sizeof(struct tach_wire_event) - 1);
}

static void event_with_less(struct raw_publisher *raw)
{
	const struct tach_wire_event event = {.type = 1, .size = 10};

	raw_say(&raw->peer, TACH_WIRE_EVENT, &event, sizeof(event));
}

static void event_of_4_gib(struct raw_publisher *raw)
{
	const struct tach_wire_event event = {.type = 1, .size = UINT32_MAX};

	raw_say(&raw->peer, TACH_WIRE_EVENT, &event, sizeof(event));
}

/* State in a block. */
static void say_outline(struct raw_publisher *raw, struct tach_wire_ref ref)
{
	raw_say(&raw->peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
}

static void state_in_unknown_segment(struct raw_publisher *raw)
{
	say_outline(raw, (struct tach_wire_ref){.segment = 9, .size = 5, .type = TACH_WIRE_CAPS});
}

static void state_behind_last_block(struct raw_publisher *raw)
{
	say_outline(raw, (struct tach_wire_ref){.segment = 1,
						.block = RAW_BLOCK_COUNT,
						.size = 5,
						.type = TACH_WIRE_CAPS});
}

static void state_beyond_block(struct raw_publisher *raw)
{
	say_outline(raw, (struct tach_wire_ref){.segment = 1,
						.block = 2,
						.offset = RAW_BLOCK_SIZE - 4,
						.size = 5,
						.type = TACH_WIRE_CAPS});
}

static void state_of_4_gib(struct raw_publisher *raw)
{
	say_outline(raw, (struct tach_wire_ref){.segment = 1,
						.block = 2,
						.offset = 4,
						.size = UINT32_MAX - 2,
						.type = TACH_WIRE_CAPS});
}

static void state_that_is_no_caps(struct raw_publisher *raw)
{
	memset(raw_block(raw, 2), 'x', RAW_BLOCK_SIZE);
	say_outline(raw, (struct tach_wire_ref){.segment = 1,
						.block = 2,
						.size = RAW_BLOCK_SIZE,
						.type = TACH_WIRE_CAPS});
}

static void short_outline(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_OUTLINE, sizeof(struct tach_wire_ref) - 1);
}

static void retire_what_was_never_there(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = 5};

	raw_say(&raw->peer, TACH_WIRE_RETIRE, &ref, sizeof(ref));
}

static void short_retire(struct raw_publisher *raw)
{
	raw_say_zeros(raw, TACH_WIRE_RETIRE, 4);
}

#define LIE(name)           \
	{                   \
#name, name \
	}

static const struct raw_lie lies[] = {
	LIE(caps_without_end),
	LIE(caps_with_two_ends),
	LIE(caps_of_nothing),
	LIE(caps_that_are_not_utf_8),
	LIE(short_layout),
	LIE(layout_of_five_planes),
	LIE(short_clock),
	LIE(short_event),
	LIE(event_with_less),
	LIE(event_of_4_gib),
	LIE(state_in_unknown_segment),
	LIE(state_behind_last_block),
	LIE(state_beyond_block),
	LIE(state_of_4_gib),
	LIE(state_that_is_no_caps),
	LIE(short_outline),
	LIE(retire_what_was_never_there),
	LIE(short_retire),
};

HOSTILE_TEST(each_lie_about_state_is_corrupt_and_leaves_what_is_held_readable)
{
	raw_tell_all(lies, TACH_ARRAY_SIZE(lies));
}

HOSTILE_TEST(items_before_a_lie_are_delivered)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);

	raw_say(&raw.peer, TACH_WIRE_CAPS, "caps", 5);
	raw_say(&raw.peer, TACH_WIRE_EOS, NULL, 0);
	short_clock(&raw);
	expect_caps(raw.subscriber, "caps");
	(void)expect(raw.subscriber, TACHYON_ITEM_EOS);
	raw_check_corrupt(&raw, "a clock");
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}
