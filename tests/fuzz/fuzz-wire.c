/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The messages of a frames link as bytes (PROTOCOL.md 7): decoders are given any bytes, in a piece
 * of memory that ends where they end; what they accept is encoded again, and must be the same to
 * them. Frames with records are made, encoded, decoded. Any script of state is walked by cursors,
 * which miss nothing and get nothing twice.
 */
#include <tachyon/frame.h>

#include "fuzz.h"
#include "sticky.h"
#include "urgent.h"
#include "wire.h"

#define MESSAGE_MAX 8192u

void fuzz_init(void)
{
}

void fuzz_fini(void)
{
}

/* The rest of the input, alone in its piece of memory: ASan sees a byte too many that is read. */
static uint8_t *take_rest(struct fuzz_input *input, size_t *size)
{
	uint8_t *copy;

	*size = input->left < MESSAGE_MAX ? input->left : MESSAGE_MAX;
	copy = malloc(*size > 0 ? *size : 1);
	FUZZ_CHECK(copy);
	fuzz_bytes(input, copy, *size);
	return copy;
}

static void check_within(const void *piece, size_t piece_size, const void *all, size_t size)
{
	const uint8_t *const begin = all;
	const uint8_t *const data = piece;

	FUZZ_CHECK(piece_size == 0 || (data >= begin && data + piece_size <= begin + size));
}

/* --- frames from any bytes --- */

static void check_times(const struct tachyon_frame *a, const struct tachyon_frame *b)
{
	FUZZ_CHECK(a->pts == b->pts && a->dts == b->dts && a->duration == b->duration);
	FUZZ_CHECK(a->offset == b->offset && a->offset_end == b->offset_end);
	FUZZ_CHECK(a->flags == b->flags && a->hints == b->hints && a->size == b->size);
	FUZZ_CHECK(a->metadata_size == b->metadata_size);
	FUZZ_CHECK(a->metadata_size == 0 ||
		   memcmp(a->metadata, b->metadata, a->metadata_size) == 0);
}

static void check_refs(const struct tach_block_ref *a, const struct tach_block_ref *b)
{
	FUZZ_CHECK(a->segment == b->segment && a->block == b->block && a->size == b->size);
	FUZZ_CHECK(a->generation == b->generation && a->offset == b->offset);
}

/* What a decoder accepted is made of records that a user may send. */
static void walk_records(const struct tachyon_frame *frame)
{
	struct tachyon_record record;
	size_t position = 0;

	while (tachyon_record_next(frame, &position, &record) == 1) {
		check_within(record.data, record.size, frame->metadata, frame->metadata_size);
		FUZZ_CHECK(record.type >= TACHYON_RECORD_USER);
	}
	FUZZ_CHECK(position == frame->metadata_size);
}

static void encode_frame_again(const struct tachyon_frame *frame, const struct tach_block_ref *ref)
{
	const size_t size = tach_wire_frame_size(frame);
	struct tach_block_ref again_ref, outline = {0};
	struct tachyon_frame again;
	uint8_t *bytes = malloc(size);

	FUZZ_CHECK(bytes);
	FUZZ_CHECK(tach_wire_put_frame(bytes, size - 1, frame, ref, frame->hints) == -EMSGSIZE);
	FUZZ_CHECK(tach_wire_put_frame(bytes, size, frame, ref, frame->hints) == (ssize_t)size);
	FUZZ_CHECK(tach_wire_get_frame((struct tach_wire_frame *)bytes, &again, &again_ref) == 0);
	again.metadata_size = size - sizeof(struct tach_wire_frame);
	again.metadata = again.metadata_size > 0 ? bytes + sizeof(struct tach_wire_frame) : NULL;
	FUZZ_CHECK(tach_wire_get_records(&again, &outline) == 0 && outline.size == 0);
	check_times(frame, &again);
	check_refs(ref, &again_ref);
	free(bytes);
}

static void decode_frame(struct fuzz_input *input)
{
	struct tach_block_ref ref, outline = {0};
	struct tach_wire_frame wire;
	struct tachyon_frame frame;
	uint8_t *records;
	size_t size;

	fuzz_bytes(input, &wire, sizeof(wire));
	if (tach_wire_get_frame(&wire, &frame, &ref) < 0)
		return;
	FUZZ_CHECK((uint64_t)ref.offset + ref.size <= TACH_BLOCK_SIZE_MAX);
	records = take_rest(input, &size);
	frame.metadata = size > 0 ? records : NULL;
	frame.metadata_size = size;
	if (tach_wire_get_records(&frame, &outline) == 0) {
		check_within(frame.metadata, frame.metadata_size, records, size);
		walk_records(&frame);
		FUZZ_CHECK(outline.size <= TACH_WIRE_METADATA_MAX);
		FUZZ_CHECK(outline.size == 0 || frame.metadata_size == 0);
		if (outline.size == 0)
			encode_frame_again(&frame, &ref);
	}
	free(records);
}

static void encode_inline_again(const struct tachyon_frame *frame)
{
	const size_t size = tach_wire_inline_size(frame);
	struct tach_block_ref outline = {0};
	struct tachyon_frame again;
	uint8_t *bytes;

	/* One that came may have more of the protocol's own records than we would write. */
	FUZZ_CHECK(size != SIZE_MAX);
	bytes = malloc(size);
	FUZZ_CHECK(bytes);
	FUZZ_CHECK(tach_wire_put_inline(bytes, size - 1, frame, frame->hints) == -EMSGSIZE);
	FUZZ_CHECK(tach_wire_put_inline(bytes, size, frame, frame->hints) == (ssize_t)size);
	FUZZ_CHECK(tach_wire_get_inline(bytes, size, &again) == 0);
	FUZZ_CHECK(tach_wire_get_records(&again, &outline) == 0 && outline.size == 0);
	check_times(frame, &again);
	FUZZ_CHECK(frame->size == 0 || memcmp(frame->data, again.data, frame->size) == 0);
	free(bytes);
}

static void decode_inline(struct fuzz_input *input)
{
	struct tach_block_ref outline = {0};
	struct tachyon_frame frame;
	size_t size;
	uint8_t *bytes = take_rest(input, &size);

	if (tach_wire_get_inline(bytes, size, &frame) == 0) {
		check_within(frame.data, frame.size, bytes, size);
		check_within(frame.metadata, frame.metadata_size, bytes, size);
		if (tach_wire_get_records(&frame, &outline) == 0) {
			walk_records(&frame);
			if (outline.size == 0)
				encode_inline_again(&frame);
		}
	}
	free(bytes);
}

/* --- frames made here --- */

static size_t make_records(struct fuzz_input *input, uint8_t *buffer, size_t capacity)
{
	const unsigned int count = fuzz_below(input, 5);
	size_t used = 0;

	for (unsigned int i = 0; i < count; i++) {
		const uint32_t type = (uint32_t)fuzz_number(input, TACHYON_RECORD_USER);
		uint8_t data[64];
		const size_t size = fuzz_below(input, sizeof(data) + 1);
		int ret;

		fuzz_bytes(input, data, size);
		ret = tachyon_record_append(buffer, capacity, &used, type, data, size);
		FUZZ_CHECK(ret == (type < TACHYON_RECORD_USER ? -EINVAL : 0));
	}
	return used;
}

static struct tachyon_frame make_frame(struct fuzz_input *input, uint8_t *payload)
{
	return (struct tachyon_frame){
		.data = payload,
		.size = fuzz_u16(input) % (TACH_WIRE_INLINE_PAYLOAD_MAX + 2),
		.pts = fuzz_number(input, TACHYON_TIME_NONE),
		.dts = fuzz_number(input, TACHYON_TIME_NONE),
		.duration = fuzz_number(input, TACHYON_TIME_NONE),
		.offset = fuzz_number(input, TACHYON_OFFSET_NONE),
		.offset_end = fuzz_number(input, TACHYON_OFFSET_NONE),
		.flags = tach_wire_flags((uint32_t)fuzz_number(input, 0)),
		.hints = fuzz_below(input, 4),
	};
}

static void encode_frame(struct fuzz_input *input)
{
	const struct tach_block_ref ref = {.segment = fuzz_u32(input), .block = fuzz_u16(input)};
	struct tach_block_ref out_ref, out_outline = {0}, outline = {.segment = 1, .size = 8};
	_Alignas(8) uint8_t records[512], bytes[sizeof(struct tach_wire_frame) + 64];
	uint8_t payload[TACH_WIRE_INLINE_PAYLOAD_MAX + 1] = {0x5a};
	struct tachyon_frame frame = make_frame(input, payload), again;
	ssize_t size;

	frame.metadata_size = make_records(input, records, sizeof(records));
	frame.metadata = frame.metadata_size > 0 ? records : NULL;
	FUZZ_CHECK(tach_wire_check_metadata(&frame) == 0);
	if (frame.size <= TACH_WIRE_INLINE_PAYLOAD_MAX)
		encode_inline_again(&frame);
	else
		FUZZ_CHECK(tach_wire_inline_size(&frame) == SIZE_MAX);
	frame.size = ref.size;
	encode_frame_again(&frame, &ref);

	outline.offset = fuzz_u16(input);
	size = tach_wire_put_frame_outline(bytes, sizeof(bytes), &frame, &ref, 0, &outline);
	FUZZ_CHECK(size > 0);
	FUZZ_CHECK(tach_wire_get_frame((struct tach_wire_frame *)bytes, &again, &out_ref) == 0);
	again.metadata = bytes + sizeof(struct tach_wire_frame);
	again.metadata_size = (size_t)size - sizeof(struct tach_wire_frame);
	FUZZ_CHECK(tach_wire_get_records(&again, &out_outline) == 0);
	check_refs(&outline, &out_outline);
	FUZZ_CHECK(again.metadata_size == 0 && again.offset == frame.offset);
}

/* --- the small ones --- */

static void decode_ref(const uint8_t *bytes, size_t size)
{
	struct tach_block_ref ref, again;
	uint32_t type, again_type;
	uint8_t out[sizeof(struct tach_wire_ref)];

	if (tach_wire_get_ref(bytes, size, &ref, &type) < 0)
		return;
	FUZZ_CHECK((uint64_t)ref.offset + ref.size <= TACH_BLOCK_SIZE_MAX);
	FUZZ_CHECK(tach_wire_put_ref(out, sizeof(out), &ref, type) == sizeof(out));
	FUZZ_CHECK(tach_wire_get_ref(out, sizeof(out), &again, &again_type) == 0);
	FUZZ_CHECK(type == again_type);
	check_refs(&ref, &again);
}

static void decode_layout(const uint8_t *bytes, size_t size)
{
	struct tachyon_layout layout, again;
	uint8_t out[sizeof(struct tach_wire_layout)];

	if (tach_wire_get_layout(bytes, size, &layout) < 0)
		return;
	FUZZ_CHECK(layout.plane_count <= 4);
	FUZZ_CHECK(tach_wire_put_layout(out, sizeof(out), &layout) == sizeof(out));
	FUZZ_CHECK(tach_wire_get_layout(out, sizeof(out), &again) == 0);
	FUZZ_CHECK(memcmp(&layout, &again, sizeof(layout)) == 0);
}

static void decode_clock(const uint8_t *bytes, size_t size)
{
	struct tachyon_clock clock, again;
	uint8_t out[sizeof(struct tach_wire_clock)];

	if (tach_wire_get_clock(bytes, size, &clock) < 0)
		return;
	FUZZ_CHECK(tach_wire_put_clock(out, sizeof(out), &clock) == sizeof(out));
	FUZZ_CHECK(tach_wire_get_clock(out, sizeof(out), &again) == 0);
	FUZZ_CHECK(clock.base_time == again.base_time && clock.latency == again.latency);
}

static void decode_need(const uint8_t *bytes, size_t size)
{
	uint32_t need, again;
	uint8_t out[4];

	if (tach_wire_get_need(bytes, size, &need) < 0)
		return;
	FUZZ_CHECK(tach_wire_put_need(out, sizeof(out), need) == sizeof(out));
	FUZZ_CHECK(tach_wire_get_need(out, sizeof(out), &again) == 0 && need == again);
}

static void check_events(const struct tachyon_event *a, const struct tachyon_event *b)
{
	FUZZ_CHECK(a->type == b->type && a->flags == b->flags && a->order == b->order);
	FUZZ_CHECK(a->id == b->id && a->size == b->size);
	FUZZ_CHECK(a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static void decode_event(const uint8_t *bytes, size_t size)
{
	static uint8_t out[sizeof(struct tach_wire_event) + MESSAGE_MAX];
	struct tachyon_event event, again;
	ssize_t put;

	if (tach_wire_get_event(bytes, size, &event) < 0)
		return;
	check_within(event.data, event.size, bytes, size);
	put = tach_wire_put_event(out, sizeof(out), &event);
	FUZZ_CHECK(put == (ssize_t)size);
	FUZZ_CHECK(tach_wire_get_event(out, (size_t)put, &again) == 0);
	check_events(&event, &again);
}

static void decode_urgent(const uint8_t *bytes, size_t size)
{
	static union tach_urgent_buffer in, out;
	struct tachyon_event event, again;
	ssize_t put;

	if (size > sizeof(in.bytes))
		return;
	memcpy(in.bytes, bytes, size);
	if (tach_urgent_get(&in, size, &event) < 0)
		return;
	check_within(event.data, event.size, &in, size);
	put = tach_urgent_put(&out, &event);
	FUZZ_CHECK(put == (ssize_t)size);
	FUZZ_CHECK(tach_urgent_get(&out, (size_t)put, &again) == 0);
	check_events(&event, &again);
}

/* The header says the right size unless it lies. */
static void decode_sized_event(struct fuzz_input *input, bool is_urgent)
{
	const bool lies = fuzz_u8(input) & 1;
	const size_t head = is_urgent ? offsetof(struct tach_urgent_packet, event) : 0;
	struct tach_urgent_packet packet = {TACH_MAGIC, TACH_PROTOCOL, TACH_PACKET_URGENT, {0}};
	uint8_t *bytes;
	size_t size;

	fuzz_bytes(input, &packet.event, sizeof(packet.event));
	bytes = take_rest(input, &size);
	if (!lies)
		packet.event.size = (uint32_t)size;
	bytes = realloc(bytes, sizeof(packet) + size);
	FUZZ_CHECK(bytes);
	memmove(bytes + sizeof(packet), bytes, size);
	memcpy(bytes, &packet, sizeof(packet));
	if (is_urgent)
		decode_urgent(bytes, sizeof(packet) + size);
	else
		decode_event(bytes + offsetof(struct tach_urgent_packet, event),
			     sizeof(packet.event) + size);
	(void)head;
	free(bytes);
}

static void check_caps(const uint8_t *bytes, size_t size)
{
	if (tach_wire_check_caps(bytes, size) < 0)
		return;
	FUZZ_CHECK(size >= 2 && strnlen((const char *)bytes, size) == size - 1);
}

static void decode_any(struct fuzz_input *input)
{
	const unsigned int type = fuzz_below(input, 7);
	size_t size;
	uint8_t *bytes = take_rest(input, &size);
	void (*const decoders[])(const uint8_t *bytes, size_t size) = {
		decode_ref,   decode_layout, decode_clock,  decode_need,
		decode_event, check_caps,    decode_urgent,
	};

	decoders[type](bytes, size);
	free(bytes);
}

/* --- state, and who walks it --- */

#define CURSORS 3
#define KEYS 16

struct walker {
	struct tach_sticky_cursor cursor;
	uint64_t seen[KEYS]; /* the newest version of each key that it got */
	uint32_t last_key;
	bool has_begun;
};

static struct tach_sticky_key key_of(unsigned int number)
{
	return (struct tach_sticky_key){
		.order = number >> 2,
		.type = number >> 1 & 1,
		.id = number & 1,
	};
}

static unsigned int number_of(const struct tach_sticky_key *key)
{
	return key->order << 2 | key->type << 1 | key->id;
}

/* One piece of state, or what must be true when there is none. */
static void walk(const struct tach_sticky *sticky, struct walker *walker)
{
	const struct tach_sticky_item *item = tach_sticky_peek(sticky, &walker->cursor);
	unsigned int number;

	if (!item) {
		for (size_t i = 0; i < sticky->count; i++)
			FUZZ_CHECK(walker->seen[number_of(&sticky->items[i].key)] ==
				   sticky->items[i].version);
		return;
	}
	number = number_of(&item->key);
	FUZZ_CHECK(walker->seen[number] < item->version);
	/* The walk of what stood at the beginning is in the order of keys. */
	if (!walker->cursor.is_past_start) {
		FUZZ_CHECK(!walker->has_begun || number > walker->last_key);
		walker->has_begun = true;
		walker->last_key = number;
	}
	FUZZ_CHECK(item->size == 1 && *(uint8_t *)item->body == (uint8_t)item->version);
	walker->seen[number] = item->version;
	tach_sticky_advance(&walker->cursor, item);
}

static void keep_state(struct fuzz_input *input)
{
	struct walker walkers[CURSORS] = {0};
	struct tach_sticky sticky = {0};

	while (input->left > 0) {
		const uint8_t what = fuzz_u8(input);
		const uint8_t body = (uint8_t)(sticky.version + 1);

		if (what < 96)
			FUZZ_CHECK(tach_sticky_set(&sticky, key_of(what % KEYS), 1, &body, 1) == 0);
		else if (what < 112)
			tach_sticky_forget(&sticky, what % 5u);
		else
			walk(&sticky, &walkers[what % CURSORS]);
	}
	/* In the end each gets all the rest. */
	for (unsigned int i = 0; i < CURSORS; i++) {
		for (unsigned int step = 0; step <= 2 * KEYS; step++)
			walk(&sticky, &walkers[i]);
		FUZZ_CHECK(!tach_sticky_peek(&sticky, &walkers[i].cursor));
	}
	tach_sticky_fini(&sticky);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);

	switch (fuzz_below(&input, 8)) {
	case 0:
		decode_frame(&input);
		break;
	case 1:
		decode_inline(&input);
		break;
	case 2:
		encode_frame(&input);
		break;
	case 3:
		decode_sized_event(&input, false);
		break;
	case 4:
		decode_sized_event(&input, true);
		break;
	case 5:
		keep_state(&input);
		break;
	default:
		decode_any(&input);
		break;
	}
}
