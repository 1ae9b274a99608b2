/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The SPSC message ring on given memory. The rules are PROTOCOL.md 4; tests/model proves them.
 */
#include "ring.h"

/* The publication word of a message that starts at pos. Never 0, which says "not yet". */
static uint32_t tag(uint64_t pos)
{
	return (uint32_t)((pos >> 6) & 0x7fffffff) + 1;
}

static struct tach_message_header *sender_cell(const struct tach_sender *sender, uint64_t pos)
{
	return (struct tach_message_header *)(sender->data + (pos & (sender->size - 1)));
}

static const struct tach_message_header *receiver_cell(const struct tach_receiver *receiver,
						       uint64_t pos)
{
	return (const struct tach_message_header *)(receiver->data + (pos & (receiver->size - 1)));
}

/* Bytes of ring that a message takes. */
static uint64_t extent(uint64_t size, bool is_long)
{
	return is_long ? TACH_CELL + tach_round_up(size, TACH_CELL) : TACH_CELL;
}

void tach_sender_init(struct tach_sender *sender, void *data, uint64_t size,
		      const _Atomic uint64_t *peer_head)
{
	*sender = (struct tach_sender){.data = data, .size = size, .peer_head = peer_head};
}

void tach_receiver_init(struct tach_receiver *receiver, const void *data, uint64_t size,
			_Atomic uint64_t *head)
{
	*receiver = (struct tach_receiver){.data = data, .size = size, .head = head};
}

uint64_t tach_ring_max_message(uint64_t size)
{
	return size - 2 * TACH_CELL;
}

static int refresh_head(struct tach_sender *sender)
{
	/*
	 * Pairs with the release in tach_ring_release(): the peer has finished reading the bytes
	 * below its head before we overwrite them.
	 */
	const uint64_t head = atomic_load_explicit(sender->peer_head, memory_order_acquire);

	/* The peer may lie: head moves forward, in cells, and not past what it could have seen. */
	if (head % TACH_CELL != 0 || head - sender->head_seen > sender->flushed - sender->head_seen)
		return -EBADMSG;

	sender->head_seen = head;
	return 0;
}

/* The next message's cell must be ours too, to be zeroed: a ring of n bytes holds n - 64. */
static bool fits(const struct tach_sender *sender, uint64_t bytes)
{
	return sender->sent - sender->head_seen + bytes + TACH_CELL <= sender->size;
}

int tach_ring_has_space(struct tach_sender *sender, uint64_t size)
{
	const int ret = refresh_head(sender);

	if (ret < 0)
		return ret;
	/* It would overflow, and never fits. */
	if (size > sender->size)
		return 0;
	return fits(sender, extent(size, size > TACH_MESSAGE_INLINE_MAX));
}

uint64_t tach_ring_space_target(const struct tach_sender *sender, uint64_t size)
{
	return sender->sent + extent(size, size > TACH_MESSAGE_INLINE_MAX) + TACH_CELL -
	       sender->size;
}

uint64_t tach_ring_free_cells(const struct tach_sender *sender)
{
	return (sender->size - (sender->sent - sender->head_seen)) / TACH_CELL - 1;
}

int64_t tach_ring_backlog(struct tach_sender *sender)
{
	const int ret = refresh_head(sender);

	return ret < 0 ? ret : (int64_t)(sender->flushed - sender->head_seen);
}

int tach_ring_reserve(struct tach_sender *sender, uint64_t size, void **data)
{
	const bool is_long = size > TACH_MESSAGE_INLINE_MAX;
	const uint64_t bytes = extent(size, is_long);
	struct tach_message_header *cell;

	if (sender->is_reserved)
		return -EBUSY;
	if (size > tach_ring_max_message(sender->size))
		return -EMSGSIZE;

	/* Look at the peer's cache line only when the cached copy says full. */
	if (!fits(sender, bytes)) {
		const int ret = refresh_head(sender);

		if (ret < 0)
			return ret;
		if (!fits(sender, bytes))
			return -EAGAIN;
	}

	cell = sender_cell(sender, sender->sent);
	*data = (uint8_t *)cell + (is_long ? TACH_CELL : sizeof(*cell));
	sender->reserved = size;
	sender->is_long = is_long;
	sender->is_reserved = true;
	return 0;
}

int tach_ring_commit(struct tach_sender *sender, uint64_t size, uint32_t type)
{
	struct tach_message_header *cell = sender_cell(sender, sender->sent);
	const uint64_t pos = sender->sent;
	const uint64_t next = pos + extent(size, sender->is_long);

	if (!sender->is_reserved || size > sender->reserved)
		return -EINVAL;

	cell->size = (uint32_t)size;
	cell->type = type;
	cell->flags = sender->is_long ? TACH_MESSAGE_FLAG_LONG : 0;

	/*
	 * Whatever old payload stands in the next message's first word must read as "not yet"
	 * before this message can be seen: the tag below, or the batch's first tag, is the
	 * release that orders it.
	 */
	atomic_store_explicit(&sender_cell(sender, next)->seq, 0, memory_order_relaxed);

	/*
	 * The first of a batch keeps its 0: tach_ring_flush() stores its tag, and shows them all.
	 */
	if (pos != sender->flushed)
		atomic_store_explicit(&cell->seq, tag(pos), memory_order_relaxed);

	sender->sent = next;
	sender->is_reserved = false;
	return 0;
}

void tach_ring_rollback(struct tach_sender *sender)
{
	sender->is_reserved = false;
}

bool tach_ring_flush(struct tach_sender *sender)
{
	if (sender->flushed == sender->sent)
		return false;

	/*
	 * Pairs with the acquire in tach_ring_receive(): who sees this tag sees the payloads, the
	 * headers and the other tags of the batch, and the 0 behind it.
	 */
	atomic_store_explicit(&sender_cell(sender, sender->flushed)->seq, tag(sender->flushed),
			      memory_order_release);
	sender->flushed = sender->sent;
	return true;
}

bool tach_ring_is_ready(const struct tach_receiver *receiver)
{
	/* Relaxed: only a hint; tach_ring_receive() acquires. */
	return atomic_load_explicit(&receiver_cell(receiver, receiver->received)->seq,
				    memory_order_relaxed) != 0;
}

int tach_ring_receive(struct tach_receiver *receiver, struct tachyon_message *message)
{
	const struct tach_message_header *cell = receiver_cell(receiver, receiver->received);
	/* Pairs with the release in tach_ring_flush(): the message is complete. */
	const uint32_t seq = atomic_load_explicit(&cell->seq, memory_order_acquire);
	uint32_t size, type, flags;
	uint64_t end;
	bool is_long;

	if (seq == 0)
		return 0;

	/* A stranger's handwriting: one load each, then only the copies count. */
	size = *(const volatile uint32_t *)&cell->size;
	type = *(const volatile uint32_t *)&cell->type;
	flags = *(const volatile uint32_t *)&cell->flags;
	is_long = flags & TACH_MESSAGE_FLAG_LONG;

	if (seq != tag(receiver->received) || (flags & ~TACH_MESSAGE_FLAG_LONG))
		return -EBADMSG;
	if (size > (is_long ? tach_ring_max_message(receiver->size) : TACH_MESSAGE_INLINE_MAX))
		return -EBADMSG;

	/* An honest sender never fills what we still hold: it keeps one cell for itself. */
	end = receiver->received + extent(size, is_long);
	if (end - receiver->released > receiver->size - TACH_CELL)
		return -EBADMSG;

	*message = (struct tachyon_message){
		.data = (const uint8_t *)cell + (is_long ? TACH_CELL : sizeof(*cell)),
		.size = size,
		.type = type,
		.position = end,
	};
	receiver->received = end;
	return 1;
}

int tach_ring_release(struct tach_receiver *receiver, uint64_t end)
{
	const uint64_t held = receiver->received - receiver->released;

	if (end % TACH_CELL != 0 || end == receiver->released || end - receiver->released > held)
		return -EINVAL;

	receiver->released = end;
	/*
	 * Pairs with the acquire in refresh_head(): our reads of the released bytes are done before
	 * the peer overwrites them. At every release: published lazily, two sides that both fill
	 * their rings would sleep for ever, each with a cell it never showed.
	 */
	atomic_store_explicit(receiver->head, end, memory_order_release);
	return 0;
}
