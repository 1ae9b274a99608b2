/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Two processes exchange segments and doorbells over a connected socket (PROTOCOL.md 6). No step
 * waits: the caller polls the socket, with a deadline of its own.
 *
 *	connector                        listener
 *	tach_hello_send(HELLO)     ──▶   tach_hello_receive(HELLO)
 *	tach_hello_receive(WELCOME) ◀──  tach_hello_send(WELCOME), or tach_hello_reject()
 */
#ifndef TACH_HANDSHAKE_H
#define TACH_HANDSHAKE_H

#include "segment.h"
#include "view.h"

/* What this side brings: a ring segment, and two doorbells ([0] stays here, [1] goes away). */
struct tach_offer {
	enum tach_service service;
	uint64_t max_peer_ring_size;
	/* a connector's: the ring's size is a default, the listener may ask for a larger one */
	bool is_any_size;
	bool has_view;	   /* the peer's ring is mapped once more, to be written to */
	uint32_t features; /* said beside those that every side of the service says */
	struct tach_segment segment;
	int data_bell[2];
	int space_bell[2];
};

/* What the peer brought, checked and mapped. */
struct tach_guest {
	struct tach_segment segment;
	struct tach_view view;
	int data_bell;
	int space_bell;
	uint32_t pid; /* as it sees itself */
	bool both_membarrier;
	bool is_any_size;
	uint32_t features; /* of the offer's, what the peer said too */
};

int tach_offer_init(struct tach_offer *offer, enum tach_service service, uint64_t ring_size,
		    uint64_t max_peer_ring_size);
/* Both are safe on a zeroed struct, and after tach_bus_create() took what was in it. */
void tach_offer_fini(struct tach_offer *offer);
void tach_guest_fini(struct tach_guest *guest);

/* 0, -EAGAIN (the socket is full: only a hostile peer's is), -EPIPE. */
int tach_hello_send(int sock, enum tach_packet_kind kind, const struct tach_offer *offer);
/* Tells a connector whose ring may have any size which one it should have. As tach_hello_send(). */
int tach_hello_send_resize(int sock, const struct tach_offer *offer, uint64_t ring_size);
/* Best effort: tells the peer why before the socket is closed. */
void tach_hello_reject(int sock, int code);
/*
 * Takes the peer's packet of this kind. 0; -EAGAIN: not there yet; -EPIPE: the peer left;
 * -EBADMSG: no Tachyon peer, or it lies; -EPROTONOSUPPORT, -EMSGSIZE: it differs; or the code of
 * its REJECT.
 */
int tach_hello_receive(int sock, enum tach_packet_kind kind, const struct tach_offer *ours,
		       struct tach_guest *guest);
/* The same for a connector that waits for WELCOME; 1: RESIZE came instead, with this ring size. */
int tach_hello_receive_answer(int sock, const struct tach_offer *ours, struct tach_guest *guest,
			      uint64_t *ring_size);

#endif
