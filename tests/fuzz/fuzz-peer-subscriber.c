/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The victim is a subscriber; the peer is its publisher: it announces segments, lends descriptors,
 * sends frames and state, and lies in any of it.
 */
#include "fuzz-peer.h"
#include "os.h"

#include <tachyon/frame.h>

#define STEPS_MAX 100
#define HELD_MAX 8
#define BODY_MAX 1024u

struct victim {
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame held[HELD_MAX];
	size_t count;
	bool is_corrupt;
};

/* Of this input: a segment may have had larger blocks than the others. */
static bool has_large_blocks;

/* --- the publisher --- */

static void announce(struct fuzz_peer *peer, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	struct tach_descriptor_packet packet = {
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = how & 1 ? TACH_PACKET_DESCRIPTOR : TACH_PACKET_SEGMENT,
		.segment = 1 + (how >> 1 & 3),
		.size = FUZZ_RING_SIZE,
	};
	int fds[FUZZ_FDS_MAX] = {fuzz_fds.fd[how & 1 ? FUZZ_FD_SHARED : FUZZ_FD_PAYLOAD]};
	size_t count = 1, size = sizeof(packet);
	uint32_t *half;

	if (peer->sock < 0)
		return;
	if (fuzz_bit(how, 3)) {
		half = (uint32_t *)&packet + fuzz_below(input, sizeof(packet) / 4);
		*half = (uint32_t)fuzz_number(input, *half);
	}
	if (fuzz_bit(how, 4)) {
		fuzz_write_header(input, fuzz_fds.payload_liar.header);
		has_large_blocks |= fuzz_fds.payload_liar.header->block_size != FUZZ_BLOCK_SIZE;
		fds[0] = fuzz_fds.fd[FUZZ_FD_PAYLOAD_LIAR];
	}
	if (fuzz_bit(how, 5) && fuzz_bit(how, 6))
		count = fuzz_choose_fds(input, fds);
	if (fuzz_bit(how, 7) && fuzz_bit(how, 6))
		size = fuzz_below(input, sizeof(packet) + 1);
	fuzz_send(peer->sock, &packet, size, fds, count);
}

static struct tach_wire_ref make_ref(struct fuzz_input *input)
{
	const uint8_t where = fuzz_u8(input);
	const struct tach_wire_ref ref = {
		.segment = 1 + (where & 3),
		.block = where >> 2 & 3,
		.offset = where >> 4 & 1 ? 64 : 0,
		.size = where >> 5 & 1 ? 200 : 24,
	};

	return fuzz_lie_about_ref(input, ref);
}

/* Records, with a header that is wrong now and then; how many bytes. */
static size_t put_records(struct fuzz_input *input, uint8_t *body, size_t capacity)
{
	const unsigned int count = fuzz_below(input, 4);
	size_t used = 0;

	for (unsigned int i = 0; i < count && used + 128 < capacity; i++) {
		const uint8_t kind = fuzz_u8(input);
		struct tach_wire_record record = {.type = 64u + kind, .size = kind & 31};
		struct tach_wire_ref ref;

		if (kind < 32)
			record = (struct tach_wire_record){TACH_RECORD_OFFSETS, 16};
		else if (kind < 64)
			record = (struct tach_wire_record){TACH_RECORD_OUTLINE, sizeof(ref)};
		if (kind == 255)
			record.size = (uint32_t)fuzz_number(input, record.size);
		memset(body + used, 0, 128);
		memcpy(body + used, &record, sizeof(record));
		if (kind >= 32 && kind < 64) {
			ref = make_ref(input);
			memcpy(body + used + sizeof(record), &ref, sizeof(ref));
		} else {
			fuzz_bytes(input, body + used + sizeof(record), record.size & 31);
		}
		used += sizeof(record) + ((record.size + 7u) & 56u);
	}
	return used;
}

static void say_frame(struct fuzz_peer *peer, struct fuzz_input *input)
{
	const struct tach_wire_ref ref = make_ref(input);
	const struct tach_wire_frame frame = {
		.segment = ref.segment,
		.block = ref.block,
		.generation = ref.generation,
		.offset = ref.offset,
		.size = ref.size,
		.flags = fuzz_u8(input) * 0x01010101u,
	};
	uint8_t body[BODY_MAX];
	size_t size = sizeof(frame);

	memcpy(body, &frame, sizeof(frame));
	size += put_records(input, body + size, sizeof(body) - size);
	if (fuzz_u8(input) > 240)
		size = fuzz_u8(input);
	fuzz_peer_say(peer, input, TACH_WIRE_FRAME, body, size);
}

static void say_inline(struct fuzz_peer *peer, struct fuzz_input *input)
{
	struct tach_wire_inline head = {.size = fuzz_u8(input)};
	uint8_t body[BODY_MAX] = {0};
	const size_t records = put_records(input, body + sizeof(head), 512);

	head.metadata_size = (uint32_t)records;
	if (fuzz_u8(input) > 240)
		head.metadata_size = (uint32_t)fuzz_number(input, head.metadata_size);
	if (fuzz_u8(input) > 240)
		head.size = (uint32_t)fuzz_number(input, head.size);
	memcpy(body, &head, sizeof(head));
	fuzz_peer_say(peer, input, TACH_WIRE_INLINE, body,
		      sizeof(head) + records + (head.size & 255));
}

static void say_ref(struct fuzz_peer *peer, struct fuzz_input *input, uint32_t type)
{
	static const uint32_t types[] = {TACH_WIRE_CAPS, TACH_WIRE_EVENT, TACH_WIRE_LAYOUT,
					 TACH_WIRE_EOS};
	struct tach_wire_ref ref = make_ref(input);
	size_t size = sizeof(ref);

	if (type == TACH_WIRE_OUTLINE && ref.type == 0)
		ref.type = types[fuzz_below(input, 4)];
	if (fuzz_u8(input) > 240)
		size = fuzz_below(input, sizeof(ref));
	fuzz_peer_say(peer, input, type, &ref, size);
}

static void say_event(struct fuzz_peer *peer, struct fuzz_input *input)
{
	const uint8_t size = fuzz_below(input, 64);
	struct tach_wire_event head = {.type = 3, .flags = size & 1, .size = size};
	uint8_t body[sizeof(head) + 64];

	if (fuzz_u8(input) > 240)
		head.size = (uint32_t)fuzz_number(input, head.size);
	memcpy(body, &head, sizeof(head));
	fuzz_bytes(input, body + sizeof(head), size);
	fuzz_peer_say(peer, input, TACH_WIRE_EVENT, body, sizeof(head) + size);
}

/* CAPS, LAYOUT, CLOCK, EOS, or nothing known: any bytes, of the right size mostly. */
static void say_other(struct fuzz_peer *peer, struct fuzz_input *input)
{
	static const struct {
		uint32_t type;
		size_t size;
	} kinds[] = {
		{TACH_WIRE_CAPS, 12},
		{TACH_WIRE_LAYOUT, sizeof(struct tach_wire_layout)},
		{TACH_WIRE_CLOCK, sizeof(struct tach_wire_clock)},
		{TACH_WIRE_EOS, 0},
		{TACH_WIRE_RETURN, sizeof(struct tach_wire_ref)},
		{99, 100},
	};
	const unsigned int kind = fuzz_below(input, sizeof(kinds) / sizeof(kinds[0]));
	uint8_t body[BODY_MAX];
	size_t size = kinds[kind].size;

	if (fuzz_u8(input) > 240)
		size = fuzz_u8(input);
	fuzz_bytes(input, body, size);
	if (kind == 0 && size > 0)
		body[size - 1] = fuzz_u8(input) > 240 ? 'x' : '\0';
	fuzz_peer_say(peer, input, kinds[kind].type, body, size);
}

static void change_payload(struct fuzz_peer *peer, struct fuzz_input *input)
{
	struct tach_segment *const payload = &fuzz_fds.payload;
	const unsigned int block = fuzz_below(input, FUZZ_BLOCK_COUNT);

	if (fuzz_u8(input) & 1)
		payload->header->generation[block] = fuzz_number(input, 0);
	else if (fuzz_u8(input) & 1)
		fuzz_bytes(input, payload->data + block * FUZZ_BLOCK_SIZE, 64);
	else
		(void)put_records(input, payload->data + block * FUZZ_BLOCK_SIZE, 512);
	(void)peer;
}

static void act(struct fuzz_peer *peer, struct fuzz_input *input)
{
	uint8_t body[FUZZ_RING_SIZE];
	uint32_t type;

	switch (fuzz_below(input, 16)) {
	case 0:
	case 1:
		announce(peer, input);
		break;
	case 2:
	case 3:
	case 4:
		say_frame(peer, input);
		break;
	case 5:
		say_inline(peer, input);
		break;
	case 6:
		say_ref(peer, input, TACH_WIRE_OUTLINE);
		break;
	case 7:
		say_ref(peer, input, TACH_WIRE_RETIRE);
		break;
	case 8:
		say_event(peer, input);
		break;
	case 9:
		say_other(peer, input);
		break;
	case 10:
		change_payload(peer, input);
		break;
	case 11:
		fuzz_peer_send_packet(peer, input);
		break;
	case 12:
		fuzz_peer_ring(peer, input);
		break;
	case 13:
		if (fuzz_u8(input) > 220)
			fuzz_peer_leave(peer);
		break;
	case 14:
		(void)fuzz_peer_hear(peer, &type, body, sizeof(body));
		break;
	default:
		fuzz_peer_scribble(peer, input);
		break;
	}
}

/* --- the victim --- */

static unsigned int sum(const void *data, size_t size)
{
	const uint8_t *const bytes = data;
	unsigned int result = 0;

	for (size_t i = 0; i < size; i += 16)
		result += bytes[i];
	return size > 0 ? result + bytes[size - 1] : result;
}

/* Copied out of the ring: the payload stands right behind what the block is. */
static bool is_copy(const struct tachyon_frame *frame)
{
	const uintptr_t data = (uintptr_t)frame->data, block = (uintptr_t)frame->block;

	return data > block && data - block < FUZZ_RING_SIZE;
}

/* Blocks begin at pages, and have one each. */
static bool is_in_a_block(const struct tachyon_frame *frame)
{
	return (uintptr_t)frame->data % FUZZ_BLOCK_SIZE + frame->size <= FUZZ_BLOCK_SIZE;
}

/* All of it can be read, and is of its maker's size. */
static void check_frame(const struct tachyon_frame *frame)
{
	struct tachyon_record record;
	uint64_t offset, size, id;
	size_t position = 0;
	int fd;

	FUZZ_CHECK(frame->size <= FUZZ_BLOCK_SIZE * FUZZ_BLOCK_COUNT);
	(void)tachyon_frame_is_valid(frame);
	if (!frame->data && frame->size > 0) {
		FUZZ_CHECK(tachyon_frame_descriptor(frame, &fd, &offset, &size, &id) == 0);
		FUZZ_CHECK(offset + frame->size <= size);
	} else if (frame->data) {
		FUZZ_CHECK(has_large_blocks || is_copy(frame) || is_in_a_block(frame));
		(void)sum(frame->data, frame->size);
	}
	while (tachyon_record_next(frame, &position, &record) == 1) {
		FUZZ_CHECK(record.type >= TACHYON_RECORD_USER);
		(void)sum(record.data, record.size);
	}
	FUZZ_CHECK(position == frame->metadata_size);
}

static void check_item(const struct tachyon_item *item)
{
	switch (item->type) {
	case TACHYON_ITEM_FRAME:
		check_frame(&item->frame);
		break;
	case TACHYON_ITEM_CAPS:
		FUZZ_CHECK(strlen(item->caps) > 0);
		break;
	case TACHYON_ITEM_LAYOUT:
		FUZZ_CHECK(item->layout.plane_count <= 4);
		break;
	case TACHYON_ITEM_EVENT:
		(void)sum(item->event.data, item->event.size);
		break;
	case TACHYON_ITEM_CLOCK:
	case TACHYON_ITEM_EOS:
		break;
	default:
		FUZZ_CHECK(false);
	}
}

static void receive(struct victim *victim)
{
	struct tachyon_item item;
	const int ret = tachyon_subscriber_receive(victim->subscriber, &item, 0);

	FUZZ_CHECK(!victim->is_corrupt || ret == TACHYON_ERR_CORRUPT);
	FUZZ_CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_CLOSED ||
		   ret == TACHYON_ERR_CORRUPT || ret == TACHYON_ERR_TOO_BIG || ret == -ENOMEM);
	if (ret == TACHYON_ERR_CORRUPT) {
		victim->is_corrupt = true;
		/* Or what ended it before: a peer may leave first, and be found out then. */
		FUZZ_CHECK(tachyon_subscriber_end(victim->subscriber) != TACHYON_END_NONE);
	}
	if (ret < 0)
		return;
	check_item(&item);
	if (item.type != TACHYON_ITEM_FRAME)
		return;
	if (victim->count == HELD_MAX)
		tachyon_frame_release(&item.frame);
	else
		victim->held[victim->count++] = item.frame;
}

static void release(struct victim *victim, size_t index)
{
	if (victim->count == 0)
		return;
	index %= victim->count;
	check_frame(&victim->held[index]);
	tachyon_frame_release(&victim->held[index]);
	victim->held[index] = victim->held[--victim->count];
}

static void answer(struct victim *victim, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	const struct tachyon_event event = {
		.type = 5, .data = "0123456789abcdef", .size = how & 15};
	struct tachyon_subscriber_stats stats = {.size = sizeof(stats)};
	struct tachyon_event urgent;

	switch (how >> 4 & 7) {
	case 0:
		(void)tachyon_subscriber_send_event(victim->subscriber, &event);
		break;
	case 1:
		(void)tachyon_subscriber_send_urgent(victim->subscriber, &event);
		break;
	case 2:
		if (tachyon_subscriber_receive_urgent(victim->subscriber, &urgent, 0) == 0)
			(void)sum(urgent.data, urgent.size);
		break;
	case 3:
		FUZZ_CHECK(tachyon_subscriber_set_need(victim->subscriber, how) == 0);
		break;
	case 4:
		(void)tachyon_subscriber_prepare(victim->subscriber);
		break;
	case 5:
		tachyon_subscriber_dispatch(victim->subscriber);
		break;
	default:
		tachyon_subscriber_get_stats(victim->subscriber, &stats);
		FUZZ_CHECK(stats.held == victim->count || stats.peer_pid == 0);
		FUZZ_CHECK(stats.mapped_bytes <= 1 << 20);
		break;
	}
}

static bool connect_victim(struct victim *victim, struct fuzz_peer *peer, uint8_t how)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.ring_size = FUZZ_RING_SIZE,
		.max_bytes = 64u << 10,
		.latest_only = how & 1,
		.is_private = how >> 1 & 1,
		.takes_urgent = how >> 2 & 1,
		.takes_descriptors = how >> 3 & 1,
	};
	int ends[2], ret;

	FUZZ_CHECK(tachyon_subscriber_create(NULL, &options, &victim->subscriber) == 0);
	fuzz_connect(ends);
	fuzz_peer_init(peer, TACH_SERVICE_FRAMES);
	fuzz_peer_greet(peer, ends[0], TACH_PACKET_WELCOME);
	ret = tachyon_subscriber_adopt(victim->subscriber, ends[1], 0);
	tach_os_close(ends[1]);
	FUZZ_CHECK(ret == 0);
	return fuzz_peer_attach(peer, TACH_PACKET_HELLO);
}

void fuzz_subscriber(struct fuzz_input *input)
{
	struct victim victim = {.subscriber = NULL};
	struct fuzz_peer peer;

	has_large_blocks = false;
	FUZZ_CHECK(connect_victim(&victim, &peer, fuzz_u8(input)));
	for (int steps = 0; input->left > 0 && steps < STEPS_MAX; steps++) {
		switch (fuzz_below(input, 8)) {
		case 0:
		case 1:
			receive(&victim);
			break;
		case 2:
			release(&victim, fuzz_u8(input));
			break;
		case 3:
			answer(&victim, input);
			break;
		default:
			act(&peer, input);
			break;
		}
	}
	/* Held frames outlive the subscriber, or go before it. */
	if (input->left == 0 && victim.count > 1)
		release(&victim, 0);
	tachyon_subscriber_destroy(victim.subscriber);
	while (victim.count > 0)
		release(&victim, 0);
	fuzz_peer_leave(&peer);
}
