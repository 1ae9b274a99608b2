/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A connected pair: two segments, a ring and two wait words each way, one socket. What the ends
 * (link.c, subscriber.c) use of a bus beyond its public interface.
 */
#ifndef TACH_BUS_H
#define TACH_BUS_H

#include <poll.h>
#include <pthread.h>

#include <tachyon/bus.h>

#include "handshake.h"
#include "ring.h"
#include "wait.h"

/* What the sender's thread writes, what the receiver's does, and what hardly changes. */
struct tachyon_bus {
	_Alignas(128) struct tach_sender sender;
	struct tach_waker data_waker; /* the peer sleeps until we send */
	struct tach_wait space_wait;
	/* who committed an unflushed batch: only that thread may flush it before a sleep */
	_Atomic uintptr_t batch_owner;

	_Alignas(128) struct tach_receiver receiver;
	struct tach_waker space_waker; /* the peer sleeps until we release */
	struct tach_wait data_wait;
	_Atomic uint64_t messages_received;

	_Alignas(128) uint64_t token; /* the process that may use this */
	const _Atomic uint64_t *token_word;
	struct tach_segment_header *own;
	const struct tach_segment_header *peer;
	_Atomic int broken;	    /* 0, or what every call answers: shut down, corrupt */
	_Atomic uint32_t is_urgent; /* look closer: cancelled, broken or ended */
	_Atomic uint32_t end;	    /* enum tachyon_end */
	_Atomic uint32_t spin;

	_Atomic uint32_t is_canceled;
	_Atomic uint32_t cancels;	/* how often: one that was taken back at once counts too */
	_Atomic uint64_t next_check_ns; /* when a caller that only polls asks for a hang-up again */
	int sock;
	int pidfd;     /* -1 where the kernel gives none */
	int cancel_fd; /* an eventfd that never leaves the process */

	/* Guards the counts below, and the event behind cancel_fd. */
	pthread_mutex_t sleep_lock;
	uint32_t sleepers;     /* threads inside a wait */
	uint32_t old_sleepers; /* of those, who entered before the last cancel */
	int public_fd;	       /* epoll over data bell, socket, pidfd; -1 in a publisher's link */
	pid_t peer_pid;	       /* 0 where unknown */
	uint32_t features;     /* of those that were offered, what both sides said */
	struct tach_segment own_segment;
	struct tach_segment peer_segment;
	struct tach_view peer_view;
};

struct tach_bus_request {
	uint32_t spin;
	bool wants_public_fd;
	bool wants_view;
	/* the socket's maker need not be the peer, nor live as long */
	bool is_given;
};

/* Takes sock and, on success only, what is in offer and guest; on failure all stay the caller's. */
int tach_bus_create(int sock, struct tach_offer *offer, struct tach_guest *guest,
		    const struct tach_bus_request *request, struct tachyon_bus **bus);

/* True in a forked child of the process that made it. */
static inline bool tach_bus_is_foreign(const struct tachyon_bus *bus)
{
	return tach_unlikely(atomic_load_explicit(bus->token_word, memory_order_relaxed) !=
			     bus->token);
}

static inline bool tach_bus_peer_closed(const struct tachyon_bus *bus)
{
	/*
	 * Pairs with the release in tachyon_bus_shutdown(): who sees the word sees every message
	 * that was flushed before it.
	 */
	return atomic_load_explicit(&bus->peer->state, memory_order_acquire) == TACH_STATE_CLOSED;
}

static inline bool tach_bus_has_ended(const struct tachyon_bus *bus)
{
	/*
	 * Pairs with tach_bus_note_hangup(), maybe in another thread: the ring is looked at after.
	 */
	return atomic_load_explicit(&bus->end, memory_order_acquire) != TACHYON_END_NONE;
}

static inline bool tach_is_hangup(const struct pollfd *entry)
{
	return entry->revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
}

/* The end as the peer's closing word and the hang-up tell it. Takes note once. */
void tach_bus_note_hangup(struct tachyon_bus *bus);
/* Of no more use, for a cause of our own: every later call answers code, until it is destroyed. */
void tach_bus_break(struct tachyon_bus *bus, int code);
/* The peer lied: every later call answers TACHYON_ERR_CORRUPT. Returns that. */
int tach_bus_poison(struct tachyon_bus *bus);
/* Asks the kernel, without waiting, whether the peer hung up. */
void tach_bus_check_hangup(struct tachyon_bus *bus);

/* Makes what was committed visible, and wakes the peer if it sleeps. */
void tach_bus_flush(struct tachyon_bus *bus);
/*
 * Around a wait. What enter returns tells, compared with cancels, of a cancel since, also one that
 * was taken back at once.
 */
uint32_t tach_bus_enter_wait(struct tachyon_bus *bus);
void tach_bus_leave_wait(struct tachyon_bus *bus, uint32_t cancels);
/* What this thread committed and did not flush; another thread's batch is left alone. */
void tach_bus_flush_own_batch(struct tachyon_bus *bus);
/* After a commit made elsewhere, or a release: tell the peer if it sleeps. */
void tach_bus_wake_data(struct tachyon_bus *bus);
void tach_bus_wake_space(struct tachyon_bus *bus);

#endif
