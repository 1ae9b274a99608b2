/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A frames link's messages to bytes and back. What is decoded comes from a stranger: every size is
 * compared with what is there before it is used, and reserved fields are not looked at.
 */
#include "wire.h"

#define FRAME_FLAGS                                                               \
	(TACHYON_FRAME_LIVE | TACHYON_FRAME_DECODE_ONLY | TACHYON_FRAME_DISCONT | \
	 TACHYON_FRAME_RESYNC | TACHYON_FRAME_CORRUPTED | TACHYON_FRAME_MARKER |  \
	 TACHYON_FRAME_HEADER | TACHYON_FRAME_GAP | TACHYON_FRAME_DROPPABLE |     \
	 TACHYON_FRAME_DELTA_UNIT | TACHYON_FRAME_SYNC_AFTER | TACHYON_FRAME_NON_DROPPABLE)
#define MEDIA_FLAGS 0xfff00000u
#define FRAME_HINTS (TACHYON_FRAME_SCARCE | TACHYON_FRAME_AFTER_DROP)
#define EVENT_FLAGS TACHYON_EVENT_STICKY

#define OFFSETS_SIZE (sizeof(struct tach_wire_record) + 2 * sizeof(uint64_t))
#define OUTLINE_SIZE (sizeof(struct tach_wire_record) + sizeof(struct tach_wire_ref))

/* --- writing --- */

/* Where the next bytes go. Whoever starts one has made sure that all of them fit. */
struct writer {
	uint8_t *at;
};

static void put(struct writer *writer, const void *data, size_t size)
{
	if (size > 0)
		memcpy(writer->at, data, size);
	writer->at += size;
}

static void put_record(struct writer *writer, uint32_t type, const void *data, uint32_t size)
{
	const struct tach_wire_record record = {.type = type, .size = size};

	/* The protocol's own records need no padding. */
	assert(size % TACH_WIRE_RECORD_ALIGN == 0);
	put(writer, &record, sizeof(record));
	put(writer, data, size);
}

/* A message that is one fixed struct. */
static ssize_t put_struct(void *out, size_t capacity, const void *wire, size_t size)
{
	if (capacity < size)
		return -EMSGSIZE;
	memcpy(out, wire, size);
	return (ssize_t)size;
}

static struct tach_wire_ref make_ref(const struct tach_block_ref *ref, uint32_t type)
{
	return (struct tach_wire_ref){
		.segment = ref->segment,
		.block = ref->block,
		.generation = ref->generation,
		.offset = ref->offset,
		.size = ref->size,
		.type = type,
	};
}

/* --- frames, to bytes --- */

uint32_t tach_wire_flags(uint32_t flags)
{
	return flags & (FRAME_FLAGS | MEDIA_FLAGS);
}

static bool has_offsets(const struct tachyon_frame *frame)
{
	return frame->offset != TACHYON_OFFSET_NONE || frame->offset_end != TACHYON_OFFSET_NONE;
}

static size_t offsets_size(const struct tachyon_frame *frame)
{
	return has_offsets(frame) ? OFFSETS_SIZE : 0;
}

static void put_offsets(struct writer *writer, const struct tachyon_frame *frame)
{
	const uint64_t offsets[2] = {frame->offset, frame->offset_end};

	if (has_offsets(frame))
		put_record(writer, TACH_RECORD_OFFSETS, offsets, sizeof(offsets));
}

static void put_frame_header(struct writer *writer, const struct tachyon_frame *frame,
			     const struct tach_block_ref *ref, uint32_t hints)
{
	const struct tach_wire_frame wire = {
		.segment = ref->segment,
		.block = ref->block,
		.hints = (uint16_t)(hints & FRAME_HINTS),
		.generation = ref->generation,
		.flags = tach_wire_flags(frame->flags),
		.offset = ref->offset,
		.size = ref->size,
		.pts = frame->pts,
		.duration = frame->duration,
		.dts = frame->dts,
	};

	put(writer, &wire, sizeof(wire));
}

int tach_wire_check_metadata(const struct tachyon_frame *frame)
{
	struct tachyon_record record;
	size_t position = 0;
	int ret;

	do {
		ret = tachyon_record_next(frame, &position, &record);
		if (ret < 0 || (ret > 0 && record.type < TACHYON_RECORD_USER))
			return -EINVAL;
	} while (ret > 0);
	return 0;
}

size_t tach_wire_frame_size(const struct tachyon_frame *frame)
{
	if (frame->metadata_size > TACH_WIRE_METADATA_MAX)
		return SIZE_MAX;
	return sizeof(struct tach_wire_frame) + offsets_size(frame) + frame->metadata_size;
}

size_t tach_wire_inline_size(const struct tachyon_frame *frame)
{
	if (frame->metadata_size > TACH_WIRE_METADATA_MAX ||
	    frame->size > TACH_WIRE_INLINE_PAYLOAD_MAX)
		return SIZE_MAX;
	return sizeof(struct tach_wire_inline) + offsets_size(frame) + frame->metadata_size +
	       frame->size;
}

ssize_t tach_wire_put_frame(void *out, size_t capacity, const struct tachyon_frame *frame,
			    const struct tach_block_ref *ref, uint32_t hints)
{
	const size_t size = tach_wire_frame_size(frame);
	struct writer writer = {out};

	if (size > capacity)
		return -EMSGSIZE;

	put_frame_header(&writer, frame, ref, hints);
	put_offsets(&writer, frame);
	put(&writer, frame->metadata, frame->metadata_size);
	return (ssize_t)size;
}

ssize_t tach_wire_put_frame_outline(void *out, size_t capacity, const struct tachyon_frame *frame,
				    const struct tach_block_ref *ref, uint32_t hints,
				    const struct tach_block_ref *outline)
{
	const size_t size = sizeof(struct tach_wire_frame) + offsets_size(frame) + OUTLINE_SIZE;
	const struct tach_wire_ref wire = make_ref(outline, 0);
	struct writer writer = {out};

	if (size > capacity || outline->size > TACH_WIRE_METADATA_MAX)
		return -EMSGSIZE;

	put_frame_header(&writer, frame, ref, hints);
	put_offsets(&writer, frame);
	put_record(&writer, TACH_RECORD_OUTLINE, &wire, sizeof(wire));
	return (ssize_t)size;
}

ssize_t tach_wire_put_inline(void *out, size_t capacity, const struct tachyon_frame *frame,
			     uint32_t hints)
{
	const size_t size = tach_wire_inline_size(frame);
	const struct tach_wire_inline wire = {
		.flags = tach_wire_flags(frame->flags),
		.hints = hints & FRAME_HINTS,
		.metadata_size = (uint32_t)(offsets_size(frame) + frame->metadata_size),
		.size = (uint32_t)frame->size,
		.pts = frame->pts,
		.duration = frame->duration,
		.dts = frame->dts,
	};
	struct writer writer = {out};

	if (size > capacity)
		return -EMSGSIZE;

	put(&writer, &wire, sizeof(wire));
	put_offsets(&writer, frame);
	put(&writer, frame->metadata, frame->metadata_size);
	put(&writer, frame->data, frame->size);
	return (ssize_t)size;
}

/* --- frames, from bytes --- */

/* A piece of a block that could be one: no block is larger, so that no sum overflows later. */
static bool is_in_a_block(uint32_t offset, uint32_t size)
{
	return (uint64_t)offset + size <= TACH_BLOCK_SIZE_MAX;
}

int tach_wire_get_frame(const struct tach_wire_frame *wire, struct tachyon_frame *frame,
			struct tach_block_ref *ref)
{
	if (!is_in_a_block(wire->offset, wire->size))
		return -EBADMSG;

	*frame = (struct tachyon_frame){
		.size = wire->size,
		.pts = wire->pts,
		.dts = wire->dts,
		.duration = wire->duration,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.flags = tach_wire_flags(wire->flags),
		.hints = wire->hints & FRAME_HINTS,
	};
	*ref = (struct tach_block_ref){
		.segment = wire->segment,
		.block = wire->block,
		.generation = wire->generation,
		.offset = wire->offset,
		.size = wire->size,
	};
	return 0;
}

int tach_wire_get_inline(const void *data, size_t size, struct tachyon_frame *frame)
{
	const uint8_t *bytes = data;
	struct tach_wire_inline wire;
	const uint8_t *payload;

	if (size < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, bytes, sizeof(wire));
	/* The own records of the protocol come on top of what a user may send. */
	if (wire.metadata_size > TACH_WIRE_METADATA_MAX + OFFSETS_SIZE ||
	    wire.size > TACH_WIRE_INLINE_PAYLOAD_MAX ||
	    size - sizeof(wire) != (uint64_t)wire.metadata_size + wire.size)
		return -EBADMSG;

	bytes += sizeof(wire);
	payload = bytes + wire.metadata_size;
	*frame = (struct tachyon_frame){
		.data = wire.size > 0 ? (void *)(uintptr_t)payload : NULL,
		.size = wire.size,
		.pts = wire.pts,
		.dts = wire.dts,
		.duration = wire.duration,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.flags = tach_wire_flags(wire.flags),
		.hints = wire.hints & FRAME_HINTS,
		.metadata = wire.metadata_size > 0 ? bytes : NULL,
		.metadata_size = wire.metadata_size,
	};
	return 0;
}

static int get_offsets(const struct tachyon_record *record, struct tachyon_frame *frame)
{
	uint64_t offsets[2];

	if (record->size != sizeof(offsets))
		return -EBADMSG;
	memcpy(offsets, record->data, sizeof(offsets));
	frame->offset = offsets[0];
	frame->offset_end = offsets[1];
	return 0;
}

static int get_outline(const struct tachyon_record *record, struct tach_block_ref *outline)
{
	const int ret = tach_wire_get_ref(record->data, record->size, outline, NULL);

	if (ret < 0)
		return ret;
	if (outline->size == 0 || outline->size > TACH_WIRE_METADATA_MAX)
		return -EBADMSG;
	return 0;
}

/* Ends at the first record that is not the protocol's, which *user is set to. */
static int get_own_records(struct tachyon_frame *frame, struct tach_block_ref *outline,
			   size_t *user)
{
	struct tachyon_record record;
	size_t position = 0;
	int ret;

	for (;;) {
		*user = position;
		ret = tachyon_record_next(frame, &position, &record);
		if (ret <= 0 || record.type >= TACHYON_RECORD_USER)
			return ret;
		/* Nothing follows an outline: it says where the rest is. */
		if (outline->size > 0)
			return -EBADMSG;
		if (record.type == TACH_RECORD_OFFSETS)
			ret = get_offsets(&record, frame);
		else if (record.type == TACH_RECORD_OUTLINE)
			ret = get_outline(&record, outline);
		/* Others are of a later protocol, which lets us ignore them. */
		if (ret < 0)
			return ret;
	}
}

int tach_wire_get_records(struct tachyon_frame *frame, struct tach_block_ref *outline)
{
	struct tachyon_frame result = *frame;
	struct tach_block_ref found = {0};
	size_t user;
	int ret;

	ret = get_own_records(&result, &found, &user);
	if (ret < 0)
		return ret;

	result.metadata_size -= user;
	result.metadata = result.metadata_size > 0 ? (const uint8_t *)result.metadata + user : NULL;
	if (result.metadata_size > 0 && found.size > 0)
		return -EBADMSG;
	/* What comes from a peer must be what we would send. */
	if (tach_wire_check_metadata(&result) < 0)
		return -EBADMSG;

	*frame = result;
	*outline = found;
	return 0;
}

/* --- the rest --- */

ssize_t tach_wire_put_ref(void *out, size_t capacity, const struct tach_block_ref *ref,
			  uint32_t type)
{
	const struct tach_wire_ref wire = make_ref(ref, type);

	return put_struct(out, capacity, &wire, sizeof(wire));
}

int tach_wire_get_ref(const void *data, size_t size, struct tach_block_ref *ref, uint32_t *type)
{
	struct tach_wire_ref wire;

	if (size != sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));
	if (!is_in_a_block(wire.offset, wire.size))
		return -EBADMSG;

	*ref = (struct tach_block_ref){
		.segment = wire.segment,
		.block = wire.block,
		.generation = wire.generation,
		.offset = wire.offset,
		.size = wire.size,
	};
	if (type)
		*type = wire.type;
	return 0;
}

ssize_t tach_wire_put_layout(void *out, size_t capacity, const struct tachyon_layout *layout)
{
	struct tach_wire_layout wire = {
		.width = layout->width,
		.height = layout->height,
		.plane_count = layout->plane_count,
	};

	if (layout->plane_count > TACH_ARRAY_SIZE(wire.offset))
		return -EINVAL;
	for (uint32_t i = 0; i < layout->plane_count; i++) {
		wire.offset[i] = layout->offset[i];
		wire.stride[i] = layout->stride[i];
	}
	return put_struct(out, capacity, &wire, sizeof(wire));
}

int tach_wire_get_layout(const void *data, size_t size, struct tachyon_layout *layout)
{
	struct tach_wire_layout wire;

	if (size != sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));
	if (wire.plane_count > TACH_ARRAY_SIZE(wire.offset))
		return -EBADMSG;

	*layout = (struct tachyon_layout){
		.width = wire.width,
		.height = wire.height,
		.plane_count = wire.plane_count,
	};
	for (uint32_t i = 0; i < wire.plane_count; i++) {
		layout->offset[i] = wire.offset[i];
		layout->stride[i] = wire.stride[i];
	}
	return 0;
}

ssize_t tach_wire_put_clock(void *out, size_t capacity, const struct tachyon_clock *clock)
{
	const struct tach_wire_clock wire = {
		.base_time = clock->base_time,
		.latency = clock->latency,
	};

	return put_struct(out, capacity, &wire, sizeof(wire));
}

int tach_wire_get_clock(const void *data, size_t size, struct tachyon_clock *clock)
{
	struct tach_wire_clock wire;

	if (size != sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));

	*clock = (struct tachyon_clock){.base_time = wire.base_time, .latency = wire.latency};
	return 0;
}

ssize_t tach_wire_put_event(void *out, size_t capacity, const struct tachyon_event *event)
{
	const struct tach_wire_event wire = {
		.type = event->type,
		.flags = event->flags & EVENT_FLAGS,
		.order = event->order,
		.id = event->id,
		.size = (uint32_t)event->size,
	};
	struct writer writer = {out};

	if (event->size > TACH_WIRE_CONTROL_MAX || capacity < sizeof(wire) ||
	    event->size > capacity - sizeof(wire))
		return -EMSGSIZE;

	put(&writer, &wire, sizeof(wire));
	put(&writer, event->data, event->size);
	return (ssize_t)(sizeof(wire) + event->size);
}

int tach_wire_get_event(const void *data, size_t size, struct tachyon_event *event)
{
	struct tach_wire_event wire;

	if (size < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));
	if (wire.size > TACH_WIRE_CONTROL_MAX || wire.size != size - sizeof(wire))
		return -EBADMSG;

	*event = (struct tachyon_event){
		.type = wire.type,
		.flags = wire.flags & EVENT_FLAGS,
		.order = wire.order,
		.id = wire.id,
		.data = wire.size > 0 ? (const uint8_t *)data + sizeof(wire) : NULL,
		.size = wire.size,
	};
	return 0;
}

/*
 * Bytes of the well-formed UTF-8 sequence at the start of text, 0 when there is none: the shortest
 * form of a code point up to 0x10ffff that is no surrogate. left is at least 1.
 */
static size_t utf8_length(const uint8_t *text, size_t left)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code;
	size_t length;

	if (text[0] < 0x80)
		return 1;
	if ((text[0] & 0xe0) == 0xc0)
		length = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		length = 3;
	else if ((text[0] & 0xf8) == 0xf0)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;

	code = text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3fu);
	}
	if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

int tach_wire_check_caps(const void *data, size_t size)
{
	const uint8_t *text = data;
	size_t position = 0;

	if (size < 2 || size > TACH_WIRE_CONTROL_MAX || text[size - 1] != 0)
		return -EBADMSG;

	while (position < size - 1) {
		const size_t length = utf8_length(text + position, size - 1 - position);

		if (length == 0 || text[position] == 0)
			return -EBADMSG;
		position += length;
	}
	return 0;
}

ssize_t tach_wire_put_need(void *out, size_t capacity, uint32_t blocks)
{
	return put_struct(out, capacity, &blocks, sizeof(blocks));
}

int tach_wire_get_need(const void *data, size_t size, uint32_t *blocks)
{
	if (size != sizeof(*blocks))
		return -EBADMSG;
	memcpy(blocks, data, size);
	return 0;
}
