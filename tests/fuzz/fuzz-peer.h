/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A peer that is one end of a connection and does as an input says: mostly what the protocol has,
 * with right tags, and some of it not. It owns one ring, the same for all inputs.
 */
#ifndef TACHYON_TESTS_FUZZ_PEER_H
#define TACHYON_TESTS_FUZZ_PEER_H

#include "fuzz-fds.h"
#include "handshake.h"
#include "ring.h"
#include "wire.h"

struct fuzz_peer {
	int sock; /* -1: it left */
	struct tach_offer offer;
	struct tach_guest guest;       /* what the victim brought */
	struct tach_sender sender;     /* into its own ring */
	struct tach_receiver receiver; /* from the victim's */
};

/* The peer, before a handshake. */
void fuzz_peer_init(struct fuzz_peer *peer, enum tach_service service);
/* Says HELLO, or WELCOME without having waited for a HELLO. */
void fuzz_peer_greet(struct fuzz_peer *peer, int sock, enum tach_packet_kind kind);
/* Takes the victim's greeting. False when there is none. */
bool fuzz_peer_attach(struct fuzz_peer *peer, enum tach_packet_kind kind);
/* Hangs up, and lets go of what the victim brought. */
void fuzz_peer_leave(struct fuzz_peer *peer);

/* Puts a message into the ring; its header is a lie where the input says so. */
void fuzz_peer_say(struct fuzz_peer *peer, struct fuzz_input *input, uint32_t type,
		   const void *body, size_t size);
/* The victim's next message, released at once. False when there is none, or no room for it. */
bool fuzz_peer_hear(struct fuzz_peer *peer, uint32_t *type, void *body, size_t capacity);
/* Changes something that is shared, as anybody may at any time. */
void fuzz_peer_scribble(struct fuzz_peer *peer, struct fuzz_input *input);
/* Rings, once or as in a storm. */
void fuzz_peer_ring(const struct fuzz_peer *peer, struct fuzz_input *input);
/* An urgent event, or any packet, with or without descriptors. */
void fuzz_peer_send_packet(struct fuzz_peer *peer, struct fuzz_input *input);

/* A reference, of what the victim was last told of unless the input says otherwise. */
struct tach_wire_ref fuzz_lie_about_ref(struct fuzz_input *input, struct tach_wire_ref ref);

/* --- the victims --- */

void fuzz_publisher(struct fuzz_input *input);
void fuzz_publisher_fini(void);
void fuzz_subscriber(struct fuzz_input *input);
void fuzz_bus(struct fuzz_input *input);

#endif
