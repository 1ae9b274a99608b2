/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The SPSC message ring on given memory: what is not on the path of every message.
 */
#include "ring.h"

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

int tach_ring_refresh_head(struct tach_sender *sender)
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

int tach_ring_has_space(struct tach_sender *sender, uint64_t size)
{
	const int ret = tach_ring_refresh_head(sender);

	if (ret < 0)
		return ret;
	/* It would overflow, and never fits. */
	if (size > sender->size)
		return 0;
	return tach_ring_fits(sender, tach_ring_extent(size, size > TACH_MESSAGE_INLINE_MAX));
}

uint64_t tach_ring_space_target(const struct tach_sender *sender, uint64_t size)
{
	return sender->sent + tach_ring_extent(size, size > TACH_MESSAGE_INLINE_MAX) + TACH_CELL -
	       sender->size;
}

uint64_t tach_ring_free_cells(const struct tach_sender *sender)
{
	return (sender->size - (sender->sent - sender->head_seen)) / TACH_CELL - 1;
}

int64_t tach_ring_backlog(struct tach_sender *sender)
{
	const int ret = tach_ring_refresh_head(sender);

	return ret < 0 ? ret : (int64_t)(sender->flushed - sender->head_seen);
}
