/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How buses come to be: dialling an address until somebody answers, and the listener's half of a
 * handshake, a step at a time.
 */
#ifndef TACH_CONNECT_H
#define TACH_CONNECT_H

#include "bus.h"
#include "listener.h"

#define TACH_RING_SIZE_DEFAULT (64u << 10)
#define TACH_PEER_RING_SIZE_DEFAULT (64ull << 20)
#define TACH_TIMEOUT_DEFAULT_NS (5ll * 1000000000)
/* A peer that connects and then says nothing is dropped after this. */
#define TACH_HANDSHAKE_TIMEOUT_NS (2ull * 1000000000)

struct tach_dial {
	const char *address;
	enum tach_service service;
	uint64_t ring_size;
	bool is_any_size;  /* the listener may ask for a larger ring */
	uint32_t features; /* see struct tach_offer */
	uint64_t max_peer_ring_size;
	struct tach_peer_rule rule;
	/* beside the rule: root's listener is accepted */
	bool allow_root;
	struct tach_bus_request request;
	uint64_t deadline_ns;
	bool is_one_look; /* nobody listens: -EAGAIN at once, rather than -ETIMEDOUT */
	int cancel_fd;	  /* readable: give up with -ECANCELED; -1: none */
	/* goes up with each cancel, also one that was taken back at once; NULL: none */
	const _Atomic uint32_t *cancels;
	/* asked at each step of a wait; NULL: none */
	int (*is_canceled)(void *data);
	void *is_canceled_data;
};

/*
 * 0 and a bus; -ETIMEDOUT at the deadline, -EAGAIN after one look, -ECANCELED, -EBUSY (the
 * listener is full), or as tachyon_bus_connect().
 */
int tach_dial(const struct tach_dial *dial, struct tachyon_bus **bus);
/* The same over a connected socket, which is taken in any case; the address does not matter. */
int tach_dial_over(const struct tach_dial *dial, int sock, struct tachyon_bus **bus);

/* One connection accepted, whose HELLO is awaited. */
struct tach_pending {
	int sock;  /* -1: none */
	int epoll; /* where it is watched, the caller's; -1: nowhere */
	bool was_resized;
	bool is_given; /* by the caller: see struct tach_bus_request */
	uint64_t deadline_ns;
};

/* What a listener needs to answer. */
struct tach_reception {
	enum tach_service service;
	uint64_t ring_size;
	uint32_t features; /* see struct tach_offer */
	uint64_t max_peer_ring_size;
	struct tach_peer_rule rule;
	struct tach_bus_request request;
	bool is_full; /* whoever says hello is told to try later */
};

/*
 * Takes a connection, watched in epoll (-1: nowhere) under key until it is gone. 0; -EAGAIN:
 * nobody waits; else it was refused or no fd is left: try again.
 */
int tach_pending_accept(struct tach_pending *pending, struct tach_listener *listener,
			const struct tach_reception *reception, int epoll, uint64_t key);
/* A place for one more, where need be that of who has been silent for longest; NULL: wait. */
struct tach_pending *tach_pending_place(struct tach_pending *pending, size_t count);
/* The same for a connected socket, which is taken in any case. */
int tach_pending_adopt(struct tach_pending *pending, int sock,
		       const struct tach_reception *reception, int epoll, uint64_t key);
/*
 * Goes on when the socket is readable or the deadline passed. 0 and a bus, which owns the socket;
 * -EAGAIN: not yet; else the connection is closed and gone.
 */
int tach_pending_step(struct tach_pending *pending, const struct tach_reception *reception,
		      struct tachyon_bus **bus);
/* Hung up, and no longer watched, also where somebody else has the socket, too. */
void tach_pending_drop(struct tach_pending *pending);
/* Closed only: with its epoll, or in a forked child. */
void tach_pending_fini(struct tach_pending *pending);

/* The rule that public access options describe; borrows access->uids. */
struct tach_peer_rule tach_peer_rule(const struct tachyon_access *access);

#endif
