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
	uint64_t reserved;		   /* payload bytes of the open reservation */
	bool is_reserved;
	bool is_long; /* of the open reservation */
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

/* The largest payload that ever fits: size - 128. */
uint64_t tach_ring_max_message(uint64_t size);

/*
 * Room for a message of at most size bytes at *data, until committed or rolled back.
 * -EMSGSIZE: it never fits. -EAGAIN: not now. -EBADMSG: the peer's head lies. -EBUSY: one is open.
 */
int tach_ring_reserve(struct tach_sender *sender, uint64_t size, void **data);
/* Ends the reservation with size bytes, at most those reserved (-EINVAL). Not yet visible. */
int tach_ring_commit(struct tach_sender *sender, uint64_t size, uint32_t type);
void tach_ring_rollback(struct tach_sender *sender);
/* Makes everything committed visible at once. False when there was nothing. */
bool tach_ring_flush(struct tach_sender *sender);

/* Looks at the peer's head. -EBADMSG when it lies; else 1 when size bytes fit now, 0 when not. */
int tach_ring_has_space(struct tach_sender *sender, uint64_t size);
/* How far the peer must have come for size bytes to fit, as things stand. */
uint64_t tach_ring_space_target(const struct tach_sender *sender, uint64_t size);
/* Cells that fit now, without looking at the peer's head again. */
uint64_t tach_ring_free_cells(const struct tach_sender *sender);
/* Looks at the peer's head; bytes that the peer has not consumed; -EBADMSG when the head lies. */
int64_t tach_ring_backlog(struct tach_sender *sender);

/*
 * 1 and *message: a checked copy of its header, the payload in place; position is where it ends.
 * 0 when empty. -EBADMSG when what stands there is no message.
 */
int tach_ring_receive(struct tach_receiver *receiver, struct tachyon_message *message);
/* True when a message, or corruption, is there: what a sleeper checks. */
bool tach_ring_is_ready(const struct tach_receiver *receiver);
/* Gives back everything up to end, a value of a received message (else -EINVAL). */
int tach_ring_release(struct tach_receiver *receiver, uint64_t end);

#endif
