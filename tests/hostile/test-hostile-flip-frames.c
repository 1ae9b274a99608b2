/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that changes its words all the time while a subscriber reads them: of a FRAME, of
 * what lies in blocks, of its segments' headers; and a subscriber that does so to its publisher.
 */
#include "flip.h"
#include "honest.h"
#include "raw-publisher.h"
#include "raw-subscriber.h"

static const uint64_t boundary[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	999,
	1000,
	RAW_BLOCK_SIZE - 1000,
	RAW_BLOCK_SIZE - 999,
	RAW_BLOCK_SIZE,
	RAW_BLOCK_SIZE + 1,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	1ull << 32,
	UINT64_MAX - 63,
	UINT64_MAX,
};

static struct flipper flipper_of(void *word, unsigned int width)
{
	return (struct flipper){
		.first = word,
		.count = 1,
		.width = width,
		.values = boundary,
		.value_count = TACH_ARRAY_SIZE(boundary),
	};
}

/* --- a publisher that lies --- */

#define CONTENT 0x5a

static struct raw_publisher begin_raw(void)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame first = raw_publisher_begin(&raw);

	tachyon_frame_release(&first);
	memset(raw.payload.data, CONTENT, RAW_BLOCK_COUNT * RAW_BLOCK_SIZE);
	return raw;
}

static void hear_returns(struct raw_publisher *raw)
{
	struct tachyon_message message;

	while (tach_ring_receive(&raw->peer.receiver, &message) > 0)
		CHECK_EQ(tach_ring_release(&raw->peer.receiver, message.position), 0);
}

/* What the victim is given of a frame lies in the blocks, and its records are what they say. */
static void check_frame(const struct tachyon_frame *frame)
{
	const uint8_t *const bytes = frame->data;
	struct tachyon_record record;
	size_t position = 0;
	int ret;

	CHECK(frame->size <= RAW_BLOCK_SIZE);
	for (size_t i = 0; i < frame->size; i++) {
		if (bytes[i] != CONTENT)
			test_fail(__FILE__, __LINE__, "byte %zu of %zu is not of a block", i,
				  frame->size);
	}
	while ((ret = tachyon_record_next(frame, &position, &record)) > 0)
		CHECK(record.size <= frame->metadata_size);
	CHECK_EQ(ret, 0);
	(void)tachyon_frame_is_valid(frame);
}

/* True while the connection lasts. */
static bool receive(struct raw_publisher *raw, const char *what)
{
	struct tachyon_item item;
	const int ret = tachyon_subscriber_receive(raw->subscriber, &item, 0);

	test_count_check();
	if (ret == TACHYON_ERR_CORRUPT) {
		CHECK_EQ(tachyon_subscriber_end(raw->subscriber), TACHYON_END_CORRUPT);
		return false;
	}
	if (ret == TACHYON_ERR_AGAIN)
		return true;
	if (ret != 0)
		test_fail(__FILE__, __LINE__, "%s: %d (%s)", what, ret, tachyon_strerror(ret));
	if (item.type == TACHYON_ITEM_FRAME) {
		check_frame(&item.frame);
		tachyon_frame_release(&item.frame);
	}
	hear_returns(raw);
	return true;
}

static uint8_t *next_cell(struct raw_publisher *raw)
{
	return (uint8_t *)tach_sender_cell(&raw->peer.sender, raw->peer.sender.sent);
}

/* Sent and met until it is found out, so often. */
static int say_frames(struct raw_publisher *raw, struct flipper *flipper, size_t offset, int rounds,
		      const char *what)
{
	int round = 0;

	do {
		const struct tach_wire_frame frame = raw_frame((uint16_t)(round % 4));

		flipper->first = next_cell(raw) + sizeof(struct tach_message_header) + offset;
		raw_put(&raw->peer, TACH_WIRE_FRAME, &frame, sizeof(frame), NULL);
	} while (receive(raw, what) && ++round < rounds);
	return round;
}

struct field {
	const char *what;
	size_t offset;
	unsigned int width;
	bool is_checked; /* a lie in it is found out */
};

#define FIELD(name, bytes, checked)                                           \
	{                                                                     \
#name, offsetof(struct tach_wire_frame, name), bytes, checked \
	}

static const struct field fields[] = {
	FIELD(segment, 4, true), FIELD(block, 2, true),	      FIELD(hints, 2, false),
	FIELD(flags, 4, false),	 FIELD(generation, 4, false), FIELD(offset, 4, true),
	FIELD(size, 4, true),	 FIELD(pts, 8, false),	      FIELD(duration, 8, false),
	FIELD(dts, 8, false),
};

HOSTILE_TEST(each_field_of_a_frame_may_change_all_the_time)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(fields); i++) {
		const int rounds = flip_rounds(300);

		for (int again = 0; again < (fields[i].is_checked ? 12 : 1); again++) {
			struct raw_publisher raw = begin_raw();
			struct flipper flipper = flipper_of(next_cell(&raw) + 16 + fields[i].offset,
							    fields[i].width);
			int round;

			flip_start(&flipper);
			round = say_frames(&raw, &flipper, fields[i].offset, rounds,
					   fields[i].what);
			flip_stop(&flipper);
			if (!fields[i].is_checked)
				CHECK_EQ(round, rounds);
			raw_publisher_close(&raw);
		}
	}
}

/* The payload segment's header: what was checked when it was mapped, and the generations. */
HOSTILE_TEST(a_payload_header_may_change_all_the_time)
{
	for (size_t offset = 0; offset < 52; offset += 4) {
		struct raw_publisher raw = begin_raw();
		struct flipper flipper = flipper_of((uint8_t *)raw.payload.header + offset, 4);

		flip_start(&flipper);
		for (int i = 0; i < flip_rounds(100); i++) {
			const struct tach_wire_frame frame = raw_frame((uint16_t)(i % 4));

			raw_put(&raw.peer, TACH_WIRE_FRAME, &frame, sizeof(frame), NULL);
			CHECK(receive(&raw, "a header"));
		}
		flip_stop(&flipper);
		raw_publisher_close(&raw);
	}
}

HOSTILE_TEST(generations_may_change_all_the_time)
{
	struct raw_publisher raw = begin_raw();
	struct flipper flipper = flipper_of(&raw.payload.header->generation[0], 8);

	flipper.count = RAW_BLOCK_COUNT;
	flipper.stride = 8;
	flip_start(&flipper);
	for (int i = 0; i < flip_rounds(500); i++) {
		const struct tach_wire_frame frame = raw_frame((uint16_t)(i % 4));

		raw_put(&raw.peer, TACH_WIRE_FRAME, &frame, sizeof(frame), NULL);
		CHECK(receive(&raw, "a generation"));
	}
	flip_stop(&flipper);
	raw_publisher_close(&raw);
}

/* --- what lies in a block --- */

static const struct tach_wire_record records[] = {
	{.type = 64, .size = 8}, {.type = 1, .size = 2}, {.type = 65, .size = 16}, {0}, {0}};

static void say_metadata_in_block(struct raw_publisher *raw)
{
	struct {
		struct tach_wire_frame frame;
		struct tach_wire_record record;
		struct tach_wire_ref ref;
	} body = {
		.frame = raw_frame(1),
		.record = {.type = TACH_RECORD_OUTLINE, .size = sizeof(body.ref)},
		.ref = {.segment = 1, .block = 3, .size = sizeof(records)},
	};

	memcpy(raw_block(raw, 3), records, sizeof(records));
	raw_put(&raw->peer, TACH_WIRE_FRAME, &body, sizeof(body), NULL);
}

HOSTILE_TEST(metadata_in_a_block_may_change_all_the_time)
{
	static const uint64_t values[] = {0, 1, 2, 8, 15, 16, 17, 40, 63, 64, 65, 0xffffffff};

	for (int i = 0; i < flip_rounds(40); i++) {
		struct raw_publisher raw = begin_raw();
		struct flipper flipper = flipper_of(raw_block(&raw, 3) + 4 * (i % 8), 4);
		int round = 0;

		flipper.values = values;
		flipper.value_count = TACH_ARRAY_SIZE(values);
		flip_start(&flipper);
		do {
			say_metadata_in_block(&raw);
		} while (receive(&raw, "metadata") && ++round < 100);
		flip_stop(&flipper);
		raw_publisher_close(&raw);
	}
}

/* What was checked is what is given to the user: text that ends once, where it says. */
static bool receive_caps(struct raw_publisher *raw, size_t size)
{
	struct tachyon_item item;
	const int ret = tachyon_subscriber_receive(raw->subscriber, &item, 0);

	hear_returns(raw);
	if (ret == TACHYON_ERR_CORRUPT)
		return false;
	CHECK_EQ(ret, 0);
	CHECK_EQ(item.type, TACHYON_ITEM_CAPS);
	CHECK_EQ(strlen(item.caps), size - 1);
	return true;
}

HOSTILE_TEST(caps_in_a_block_or_in_the_ring_may_change_all_the_time)
{
	static const uint64_t values[] = {0, 'a', 'b', 0xc3, 0xff};
	const struct tach_wire_ref ref = {
		.segment = 1, .block = 2, .size = 40, .type = TACH_WIRE_CAPS};
	char text[40];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < flip_rounds(60); i++) {
		struct raw_publisher raw = begin_raw();
		const bool is_outline = i % 2;
		struct flipper flipper = flipper_of(raw_block(&raw, 2) + 20, 1);
		int round = 0;

		flipper.values = values;
		flipper.value_count = i % 4 < 2 ? 3 : TACH_ARRAY_SIZE(values);
		flip_start(&flipper);
		do {
			if (is_outline) {
				memcpy(raw_block(&raw, 2), text, sizeof(text));
				raw_put(&raw.peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref), NULL);
			} else {
				flipper.first = next_cell(&raw) + 16 + 20;
				raw_put(&raw.peer, TACH_WIRE_CAPS, text, sizeof(text), NULL);
			}
		} while (receive_caps(&raw, sizeof(text)) && ++round < 100);
		flip_stop(&flipper);
		raw_publisher_close(&raw);
	}
}

/* --- a subscriber that lies --- */

/* Publishes with the honest one watching; true while the liar is there. */
static bool publish(struct scene *scene)
{
	const int ret = publish_number(scene->publisher, PICTURE, scene->next);

	CHECK(ret == 1 || ret == 2);
	take_frame(scene->honest, PICTURE, scene->next++);
	CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	return tachyon_publisher_subscribers(scene->publisher) == 2;
}

/* Takes frames and returns them, as far as its own words let it. */
static void take_and_return(struct raw_peer *liar)
{
	struct tachyon_message message;

	while (tach_ring_receive(&liar->receiver, &message) > 0) {
		struct tach_wire_frame frame = {0};
		struct tach_wire_ref ref;
		void *data;

		memcpy(&frame, message.data,
		       message.size < sizeof(frame) ? message.size : sizeof(frame));
		ref = (struct tach_wire_ref){.segment = frame.segment,
					     .block = frame.block,
					     .generation = frame.generation};
		CHECK_EQ(tach_ring_release(&liar->receiver, message.position), 0);
		if (message.type != TACH_WIRE_FRAME ||
		    tach_ring_reserve(&liar->sender, sizeof(ref), &data) < 0)
			continue;
		memcpy(data, &ref, sizeof(ref));
		CHECK_EQ(tach_ring_commit(&liar->sender, sizeof(ref), TACH_WIRE_RETURN), 0);
		tach_ring_flush(&liar->sender);
	}
	raw_ring_bells(liar);
}

static void flip_at_publisher(size_t offset, unsigned int width, bool is_in_cells, bool may_end)
{
	struct scene scene = make_scene();
	struct tach_segment *const own = &scene.liar.offer.segment;
	struct flipper flipper =
		flipper_of((is_in_cells ? own->data : (uint8_t *)own->header) + offset, width);
	const int rounds = flip_rounds(may_end ? 60 : 200);
	int round = 0;

	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, TACHYON_POLICY_DROP, 0), 0);
	put_ref(&scene, TACH_WIRE_RETURN, &scene.held);
	if (is_in_cells) {
		flipper.count = RING / TACH_CELL;
		flipper.stride = TACH_CELL;
	}
	flip_start(&flipper);
	while (publish(&scene) && ++round < rounds)
		take_and_return(&scene.liar);
	flip_stop(&flipper);
	if (!may_end)
		CHECK_EQ(round, rounds);
	/* Whoever it was: it is gone by now, or is as good as any. */
	(void)publish(&scene);
	close_scene(&scene);
}

static const struct {
	size_t offset;
	unsigned int width;
	bool may_end;
} words[] = {
	{offsetof(struct tach_segment_header, magic), 8, false},
	{offsetof(struct tach_segment_header, data_size), 8, false},
	{offsetof(struct tach_segment_header, head), 8, true},
	{offsetof(struct tach_segment_header, wait_data), 4, false},
	{offsetof(struct tach_segment_header, wait_space), 4, false},
	{offsetof(struct tach_segment_header, space_target), 8, false},
	{offsetof(struct tach_segment_header, state), 4, true},
	{offsetof(struct tach_segment_header, bytes), 8, false},
};

HOSTILE_TEST(each_word_of_a_subscribers_header_may_change_all_the_time)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		for (int again = 0; again < (words[i].may_end ? 10 : 1); again++)
			flip_at_publisher(words[i].offset, words[i].width, false, words[i].may_end);
	}
}

HOSTILE_TEST(each_word_of_a_return_may_change_all_the_time)
{
	/* The message's header, then its body. */
	for (size_t offset = 0; offset < 16 + sizeof(struct tach_wire_ref); offset += 4) {
		for (int again = 0; again < 8; again++)
			flip_at_publisher(offset, 4, true, true);
	}
}

/* --- state that changes its mind --- */

HOSTILE_TEST(a_subscriber_that_drains_and_does_not_has_left)
{
	static const uint64_t states[] = {TACH_STATE_OPEN, TACH_STATE_DRAINING};

	for (int i = 0; i < flip_rounds(10); i++) {
		struct scene scene = make_scene();
		struct flipper flipper = flipper_of(&scene.liar.offer.segment.header->state, 4);
		int round = 0;

		flipper.values = states;
		flipper.value_count = 2;
		put_ref(&scene, TACH_WIRE_RETURN, &scene.held);
		flip_start(&flipper);
		while (publish(&scene) && ++round < 100000)
			take_and_return(&scene.liar);
		flip_stop(&flipper);
		/* Once said, it gets nothing more, whatever it says then. */
		atomic_store(&scene.liar.offer.segment.header->state, TACH_STATE_OPEN);
		CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 1);
		for (int j = 0; j < 5; j++)
			CHECK(!publish(&scene));
		close_scene(&scene);
	}
}
