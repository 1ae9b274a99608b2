/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ring on plain memory (PROTOCOL.md 4). The input is a script: what an honest sender sends,
 * what a lying one writes between two receives, where a lying receiver puts its head.
 *
 * Every message that is handed out lies within the mapping, and within what the receiver has not
 * given back; a call ends with something to do, nothing, or corrupt. As long as nobody lied, what
 * comes out is what went in.
 */
#include "fuzz.h"
#include "ring.h"
#include "segment.h"

#define RING_SIZE 4096u
#define CELLS (RING_SIZE / TACH_CELL)

/* What was committed and not received, while nobody lied. */
struct sent {
	uint32_t size;
	uint32_t type;
	uint8_t seed;
};

struct pair {
	struct tach_sender sender;
	struct tach_receiver receiver;
	_Atomic uint64_t head;
	bool has_lied;
	struct sent queue[CELLS];
	unsigned int queued;  /* in it */
	unsigned int visible; /* of them, those flushed */
	uint8_t seed;
};

static struct tach_segment ring;

void fuzz_init(void)
{
	FUZZ_CHECK(tach_segment_create_ring(&ring, RING_SIZE) == 0);
}

void fuzz_fini(void)
{
}

/* --- an honest sender --- */

static void check_room(const struct pair *pair, const uint8_t *data, uint64_t size)
{
	const struct tach_sender *sender = &pair->sender;
	const uint64_t extent = tach_ring_extent(size, size > TACH_MESSAGE_INLINE_MAX);

	FUZZ_CHECK(data >= ring.data && data + size <= ring.data + 2 * RING_SIZE);
	FUZZ_CHECK(sender->sent + extent + TACH_CELL - sender->head_seen <= RING_SIZE);
}

static void flush(struct pair *pair)
{
	const bool was_anything = tach_ring_flush(&pair->sender);

	FUZZ_CHECK(was_anything == (pair->visible < pair->queued) || pair->has_lied);
	pair->visible = pair->queued;
}

static void commit(struct pair *pair, uint8_t *data, uint64_t reserved, struct fuzz_input *input)
{
	const uint64_t size = fuzz_number(input, reserved);
	const uint32_t type = fuzz_u8(input);
	const int ret = tach_ring_commit(&pair->sender, size, type);

	FUZZ_CHECK(ret == (size <= reserved ? 0 : -EINVAL));
	if (ret < 0) {
		tach_ring_rollback(&pair->sender);
		return;
	}
	pair->seed++;
	memset(data, pair->seed, size);
	if (pair->has_lied)
		return;
	FUZZ_CHECK(pair->queued < CELLS);
	pair->queue[pair->queued++] =
		(struct sent){.size = (uint32_t)size, .type = type, .seed = pair->seed};
}

static void send(struct pair *pair, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	const uint64_t size = fuzz_number(input, how & 0xf0 ? 48 : RING_SIZE - 128);
	void *data = NULL;
	const int ret = tach_ring_reserve(&pair->sender, size, &data);

	FUZZ_CHECK(ret == 0 || ret == -EAGAIN || ret == -EBADMSG || ret == -EMSGSIZE);
	FUZZ_CHECK((ret == -EMSGSIZE) == (size > RING_SIZE - 128));
	FUZZ_CHECK(ret != -EBADMSG || pair->has_lied);
	if (ret == 0) {
		check_room(pair, data, size);
		/* A reservation may be filled, and then given up or shortened. */
		memset(data, 0xa5, size);
		if (fuzz_bit(how, 0))
			tach_ring_rollback(&pair->sender);
		else
			commit(pair, data, size, input);
	}
	if (!fuzz_bit(how, 1))
		flush(pair);
}

/* --- lies --- */

static void scribble(struct pair *pair, struct fuzz_input *input)
{
	const uint64_t offset = fuzz_u16(input) % RING_SIZE;
	const size_t size = fuzz_below(input, 64);

	pair->has_lied = true;
	fuzz_bytes(input, ring.data + offset, size);
}

/* A header where the next message will be looked for, or a few cells behind; the tag is right. */
static void forge(struct pair *pair, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	const uint64_t pos = pair->receiver.received + (uint64_t)(how & 3) * TACH_CELL;
	struct tach_message_header *cell =
		(struct tach_message_header *)(ring.data + pos % RING_SIZE);

	pair->has_lied = true;
	cell->size = (uint32_t)fuzz_number(input, fuzz_bit(how, 2) ? 48 : RING_SIZE - 128);
	cell->type = fuzz_u8(input);
	cell->flags = fuzz_bit(how, 3) ? (uint32_t)fuzz_number(input, 1) : (uint32_t)how >> 7;
	cell->seq = fuzz_bit(how, 4) ? (uint32_t)fuzz_number(input, tach_ring_tag(pos - RING_SIZE))
				     : tach_ring_tag(pos);
}

static void lie_about_head(struct pair *pair, struct fuzz_input *input)
{
	pair->has_lied = true;
	pair->head = fuzz_number(input, fuzz_u8(input) & 1 ? pair->sender.flushed
							   : pair->sender.head_seen);
}

/* --- the receiver --- */

static void check_message(struct pair *pair, const struct tachyon_message *message)
{
	const uint8_t *data = message->data;
	uint8_t copy[RING_SIZE];

	FUZZ_CHECK(message->size <= RING_SIZE - 128);
	FUZZ_CHECK(data >= ring.data && data + message->size <= ring.data + 2 * RING_SIZE);
	FUZZ_CHECK(message->position % TACH_CELL == 0);
	FUZZ_CHECK(message->position - pair->receiver.released <= RING_SIZE - TACH_CELL);
	memcpy(copy, data, message->size);
	if (pair->has_lied)
		return;

	FUZZ_CHECK(pair->visible > 0);
	FUZZ_CHECK(pair->queue[0].size == message->size && pair->queue[0].type == message->type);
	for (size_t i = 0; i < message->size; i++)
		FUZZ_CHECK(copy[i] == pair->queue[0].seed);
	pair->visible--;
	pair->queued--;
	memmove(pair->queue, pair->queue + 1, pair->queued * sizeof(pair->queue[0]));
}

static void receive(struct pair *pair)
{
	const struct tach_receiver before = pair->receiver;
	const bool is_ready = tach_ring_is_ready(&pair->receiver);
	struct tachyon_message message = {.data = NULL};
	const int ret = tach_ring_receive(&pair->receiver, &message);

	FUZZ_CHECK(ret == 0 || ret == 1 || ret == -EBADMSG);
	/* A sleeper is woken by lies, too, and by nothing else. */
	FUZZ_CHECK(is_ready == (ret != 0));
	FUZZ_CHECK(pair->has_lied || ret == (pair->visible > 0 ? 1 : 0));
	if (ret == 1)
		check_message(pair, &message);
	else
		FUZZ_CHECK(memcmp(&before, &pair->receiver, sizeof(before)) == 0);
}

static void release(struct pair *pair, struct fuzz_input *input)
{
	const uint64_t held = pair->receiver.received - pair->receiver.released;
	const uint64_t end = fuzz_number(input, pair->receiver.received);
	const uint64_t more = end - pair->receiver.released;
	const int ret = tach_ring_release(&pair->receiver, end);

	FUZZ_CHECK(ret == 0 || ret == -EINVAL);
	FUZZ_CHECK((ret == 0) == (end % TACH_CELL == 0 && more > 0 && more <= held));
	FUZZ_CHECK(ret < 0 || pair->head == end);
}

/* --- what a sender asks of the peer's head --- */

static void look(struct pair *pair, struct fuzz_input *input)
{
	struct tach_sender *sender = &pair->sender;
	const uint64_t before = sender->head_seen;
	const uint64_t size = fuzz_number(input, RING_SIZE - 128);
	const int ret = tach_ring_has_space(sender, size);
	const int64_t backlog = tach_ring_backlog(sender);

	FUZZ_CHECK(ret == 0 || ret == 1 || ret == -EBADMSG);
	FUZZ_CHECK(ret >= 0 || pair->has_lied);
	FUZZ_CHECK((backlog == -EBADMSG) == (ret < 0));
	FUZZ_CHECK(backlog <= (int64_t)RING_SIZE);
	FUZZ_CHECK(tach_ring_free_cells(sender) <= CELLS);
	FUZZ_CHECK(sender->head_seen - before <= sender->flushed - before);
	FUZZ_CHECK(sender->head_seen % TACH_CELL == 0);
	(void)tach_ring_space_target(sender, size);
}

static void step(struct pair *pair, struct fuzz_input *input)
{
	switch (fuzz_below(input, 16)) {
	case 0:
	case 1:
	case 2:
		send(pair, input);
		break;
	case 3:
	case 4:
	case 5:
		receive(pair);
		break;
	case 6:
	case 7:
		release(pair, input);
		break;
	case 8:
		flush(pair);
		break;
	case 9:
		look(pair, input);
		break;
	case 10:
	case 11:
		scribble(pair, input);
		break;
	case 12:
	case 13:
	case 14:
		forge(pair, input);
		break;
	default:
		lie_about_head(pair, input);
		break;
	}
}

/* A ring may have been in use for long: where tags wrap, where half of a position is full. */
static uint64_t start_position(struct fuzz_input *input)
{
	static const uint64_t starts[] = {0, 1ull << 37, 1ull << 32, 1ull << 62};
	const uint64_t start = starts[fuzz_below(input, 4)];

	return start == 0 ? 0 : start - (uint64_t)fuzz_below(input, CELLS) * TACH_CELL;
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	const uint64_t start = start_position(&input);
	struct pair pair = {.head = start};

	memset(ring.data, 0, RING_SIZE);
	tach_sender_init(&pair.sender, ring.data, RING_SIZE, &pair.head);
	tach_receiver_init(&pair.receiver, ring.data, RING_SIZE, &pair.head);
	pair.sender.sent = pair.sender.flushed = pair.sender.head_seen = start;
	pair.sender.payload_end = start;
	pair.receiver.received = pair.receiver.released = start;

	for (int steps = 0; input.left > 0 && steps < 400; steps++)
		step(&pair, &input);
}
