/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The SPSC message ring on given memory (PROTOCOL.md 4). It neither sleeps nor knows who does.
 *
 * The sender writes messages into its own segment's data; how far they were consumed stands in
 * the receiver's segment. Both data ranges are mirrored: [data, data + 2 * size) shows the same
 * bytes twice, so that no message wraps.
 */
#ifndef TACH_RING_H
#define TACH_RING_H

#include <tachyon/bus.h>

#include "layout.h"

struct tach_sender {
	uint8_t *data;
	uint64_t size;
	const _Atomic uint64_t *peer_head; /* a stranger's word */
	uint64_t head_seen;		   /* its last checked value */
	uint64_t sent;			   /* end of what was committed */
	uint64_t flushed;		   /* end of what the receiver can see */
	uint64_t payload_end;		   /* end of the last long reservation */
	uint64_t reserved;		   /* 1 + payload bytes of the open reservation; or 0 */
};

struct tach_receiver {
	const uint8_t *data; /* a stranger's memory */
	uint64_t size;
	_Atomic uint64_t *head; /* our word, for the peer */
	uint64_t received;	/* end of what was taken */
	uint64_t released;	/* end of what was given back */
};

void tach_sender_init(struct tach_sender *sender, void *data, uint64_t size,
		      const _Atomic uint64_t *peer_head);
void tach_receiver_init(struct tach_receiver *receiver, const void *data, uint64_t size,
			_Atomic uint64_t *head);

/* Loads the peer's head. -EBADMSG when it lies. */
int tach_ring_refresh_head(struct tach_sender *sender);
/* Looks at the peer's head. -EBADMSG when it lies; else 1 when size bytes fit now, 0 when not. */
int tach_ring_has_space(struct tach_sender *sender, uint64_t size);
/* How far the peer must have come for size bytes to fit, as things stand. */
uint64_t tach_ring_space_target(const struct tach_sender *sender, uint64_t size);
/* Cells that fit now, without looking at the peer's head again. */
uint64_t tach_ring_free_cells(const struct tach_sender *sender);
/* Looks at the peer's head; bytes that the peer has not consumed; -EBADMSG when the head lies. */
int64_t tach_ring_backlog(struct tach_sender *sender);

/*
 * The path of every message: a few dozen instructions, here so that they are not called one by one.
 * The rules are PROTOCOL.md 4; tests/model proves them.
 */

/* The publication word of a message that starts at pos. Never 0, which says "not yet". */
static inline uint32_t tach_ring_tag(uint64_t pos)
{
	return (uint32_t)((pos >> 6) & 0x7fffffff) + 1;
}

static inline struct tach_message_header *tach_sender_cell(const struct tach_sender *sender,
							   uint64_t pos)
{
	return (struct tach_message_header *)(sender->data + (pos & (sender->size - 1)));
}

static inline const struct tach_message_header *
tach_receiver_cell(const struct tach_receiver *receiver, uint64_t pos)
{
	return (const struct tach_message_header *)(receiver->data + (pos & (receiver->size - 1)));
}

/* Bytes of ring that a message takes. */
static inline uint64_t tach_ring_extent(uint64_t size, bool is_long)
{
	return is_long ? TACH_CELL + tach_round_up(size, TACH_CELL) : TACH_CELL;
}

/* The largest payload that ever fits: size - 128. */
static inline uint64_t tach_ring_max_message(uint64_t size)
{
	return size - 2 * TACH_CELL;
}

/* The next message's cell must be ours too, to be zeroed: a ring of n bytes holds n - 64. */
static inline bool tach_ring_fits(const struct tach_sender *sender, uint64_t bytes)
{
	return sender->sent - sender->head_seen + bytes + TACH_CELL <= sender->size;
}

/*
 * Room for a message of at most size bytes at *data, until committed or rolled back. -EMSGSIZE: it
 * never fits. -EAGAIN: not now. -EBADMSG: the peer's head lies. -EBUSY: one is open.
 */
static inline int tach_ring_reserve(struct tach_sender *sender, uint64_t size, void **data)
{
	const bool is_long = size > TACH_MESSAGE_INLINE_MAX;
	const uint64_t bytes = tach_ring_extent(size, is_long);
	struct tach_message_header *cell;

	if (tach_unlikely(sender->reserved != 0))
		return -EBUSY;
	if (tach_unlikely(size > tach_ring_max_message(sender->size)))
		return -EMSGSIZE;

	/* Look at the peer's cache line only when the cached copy says full. */
	if (tach_unlikely(!tach_ring_fits(sender, bytes))) {
		const int ret = tach_ring_refresh_head(sender);

		if (ret < 0)
			return ret;
		if (!tach_ring_fits(sender, bytes))
			return -EAGAIN;
	}

	cell = tach_sender_cell(sender, sender->sent);
	*data = (uint8_t *)cell + (is_long ? TACH_CELL : sizeof(*cell));
	sender->reserved = size + 1;
	if (is_long)
		sender->payload_end = sender->sent + bytes;
	return 0;
}

/*
 * Where a message of at most TACH_MESSAGE_INLINE_MAX bytes may be written at once, for
 * tach_ring_append(); NULL when a reservation is open or the ring looks full: reserve, then.
 */
static inline uint64_t *tach_ring_short_room(const struct tach_sender *sender)
{
	if (tach_unlikely(sender->reserved != 0 || !tach_ring_fits(sender, TACH_CELL)))
		return NULL;
	return (uint64_t *)(tach_sender_cell(sender, sender->sent) + 1);
}

/* All of a message but its payload and, if it is the first of its batch, its tag. */
static inline void tach_ring_append(struct tach_sender *sender, uint64_t size, uint32_t type,
				    bool is_long)
{
	const uint64_t pos = sender->sent;
	const uint64_t next = pos + tach_ring_extent(size, is_long);
	struct tach_message_header *cell = tach_sender_cell(sender, pos);

	cell->size = (uint32_t)size;
	cell->type = type;
	cell->flags = is_long ? TACH_MESSAGE_FLAG_LONG : 0;

	/*
	 * The next message's first word must read as "not yet" before this message can be seen. It
	 * does where a message began there one lap ago, since its tag tells the lap. Where a
	 * payload stood, or may have been written before a rollback, it is overwritten: the tag
	 * below, or the batch's first tag, is the release that orders it. Stored always, it would
	 * take two cache lines from the reader for each message instead of one.
	 */
	if (tach_unlikely(next < sender->payload_end + sender->size))
		atomic_store_explicit(&tach_sender_cell(sender, next)->seq, 0,
				      memory_order_relaxed);

	/*
	 * The first of a batch stays "not yet": tach_ring_flush() stores its tag, and shows them
	 * all.
	 */
	if (pos != sender->flushed)
		atomic_store_explicit(&cell->seq, tach_ring_tag(pos), memory_order_relaxed);

	sender->sent = next;
}

/* Ends the reservation with size bytes, at most those reserved (-EINVAL). Not yet visible. */
static inline int tach_ring_commit(struct tach_sender *sender, uint64_t size, uint32_t type)
{
	const uint64_t reserved = sender->reserved;

	if (tach_unlikely(size >= reserved))
		return -EINVAL;

	tach_ring_append(sender, size, type, reserved > TACH_MESSAGE_INLINE_MAX + 1);
	sender->reserved = 0;
	return 0;
}

static inline void tach_ring_rollback(struct tach_sender *sender)
{
	sender->reserved = 0;
}

/* Makes everything committed visible at once. False when there was nothing. */
static inline bool tach_ring_flush(struct tach_sender *sender)
{
	const uint64_t pos = sender->flushed;

	if (pos == sender->sent)
		return false;

	sender->flushed = sender->sent;
	/*
	 * Pairs with the acquire in tach_ring_receive(): who sees this tag sees the payloads, the
	 * headers and the other tags of the batch, and the "not yet" behind it.
	 */
	atomic_store_explicit(&tach_sender_cell(sender, pos)->seq, tach_ring_tag(pos),
			      memory_order_release);
	return true;
}

/* What stands where the next message will: nothing, or the tag of one lap ago. */
static inline bool tach_ring_is_not_yet(const struct tach_receiver *receiver, uint32_t seq)
{
	return seq == 0 || seq == tach_ring_tag(receiver->received - receiver->size);
}

/* True when a message, or corruption, is there: what a sleeper checks. */
static inline bool tach_ring_is_ready(const struct tach_receiver *receiver)
{
	/* Relaxed: only a hint; tach_ring_receive() acquires. */
	const uint32_t seq = atomic_load_explicit(
		&tach_receiver_cell(receiver, receiver->received)->seq, memory_order_relaxed);

	return !tach_ring_is_not_yet(receiver, seq);
}

/*
 * 1 and *message: a checked copy of its header, the payload in place; position is where it ends.
 * 0 when empty. -EBADMSG when what stands there is no message.
 */
static inline int tach_ring_receive(struct tach_receiver *receiver, struct tachyon_message *message)
{
	const struct tach_message_header *cell = tach_receiver_cell(receiver, receiver->received);
	/* Pairs with the release in tach_ring_flush(): the message is complete. */
	const uint32_t seq = atomic_load_explicit(&cell->seq, memory_order_acquire);
	uint32_t size, type, flags;
	uint64_t end;
	bool is_long;

	if (seq != tach_ring_tag(receiver->received))
		return tach_ring_is_not_yet(receiver, seq) ? 0 : -EBADMSG;

	/* A stranger's handwriting: one load each, then only the copies count. */
	size = *(const volatile uint32_t *)&cell->size;
	type = *(const volatile uint32_t *)&cell->type;
	flags = *(const volatile uint32_t *)&cell->flags;
	is_long = flags & TACH_MESSAGE_FLAG_LONG;

	if (tach_unlikely(flags & ~TACH_MESSAGE_FLAG_LONG))
		return -EBADMSG;
	if (tach_unlikely(size > (is_long ? tach_ring_max_message(receiver->size)
					  : TACH_MESSAGE_INLINE_MAX)))
		return -EBADMSG;

	/* An honest sender never fills what we still hold: it keeps one cell for itself. */
	end = receiver->received + tach_ring_extent(size, is_long);
	if (tach_unlikely(end - receiver->released > receiver->size - TACH_CELL))
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

/* Gives back everything up to end, a value of a received message (else -EINVAL). */
static inline int tach_ring_release(struct tach_receiver *receiver, uint64_t end)
{
	const uint64_t held = receiver->received - receiver->released;

	/* Less 1, so that 0 is too much as well. */
	if (tach_unlikely(end % TACH_CELL != 0 || end - receiver->released - 1 >= held))
		return -EINVAL;

	receiver->released = end;
	/*
	 * Pairs with the acquire in tach_ring_refresh_head(): our reads of the released bytes are
	 * done before the peer overwrites them. At every release: published lazily, two sides
	 * that both fill their rings would sleep for ever, each with a cell it never showed.
	 */
	atomic_store_explicit(receiver->head, end, memory_order_release);
	return 0;
}

#endif
