/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's parts, shared by the files that make it: life and memory (publisher.c),
 * frames (publisher-send.c), state (publisher-state.c), who is connected (audience.c), sleeping
 * (publisher-wait.c). Functions below run under its lock.
 */
#ifndef TACH_PUBLISHER_H
#define TACH_PUBLISHER_H

#include <pthread.h>

#include "connect.h"
#include "link.h"
#include "notice.h"

/* Peers in the middle of a handshake at a time: one that says nothing holds up no other. */
#define TACH_PENDING_MAX 8
/* In the epoll of bells; the others are the slots of links. */
#define TACH_KEY_KICK UINT64_MAX

struct tach_audience {
	struct tach_listener listener;
	struct tach_reception reception;
	uid_t *uids;
	struct tach_pending pending[TACH_PENDING_MAX];
	struct tach_link links[TACHYON_SUBSCRIBERS_MAX];
	uint64_t present; /* slots in use */
	uint64_t joined;  /* of those, slots that have had all state and get frames */
	uint64_t next_id;
	int control; /* epoll: listener, handshakes, sockets, pidfds, and bells once prepared */
	int bells;   /* epoll: the doorbells of all links, and kick */
};

/* What a thread knew when it was last answered AGAIN, or woke. */
struct tach_note {
	uintptr_t thread;
	uint64_t changes;
	bool wants_blocks; /* it waits for a block: returns are worth waking for */
};

struct tachyon_publisher {
	pthread_mutex_t lock;
	uint64_t token; /* the process that may use this */
	struct tachyon_publisher_options options;
	struct tach_pool *pool;
	struct tach_sticky sticky;
	struct tach_notices notices;
	struct tach_audience audience;
	struct tachyon_publisher_stats stats;

	/* Sleeping: one thread at a time polls, the others wait for it to come back. */
	pthread_cond_t leader_is_back;
	bool has_leader;
	bool is_prepared;
	bool is_shut;
	uint32_t sleepers;
	uint64_t changes; /* what a thread that answered AGAIN may wait for */
	struct tach_note notes[32];
	uint32_t notes_made;
	int kick;   /* eventfd: a block is free, or dispatch changed something */
	int cancel; /* eventfd */
	_Atomic bool is_canceled;
};

/* --- publisher.c --- */

/* 0, -EINVAL for NULL, TACHYON_ERR_FORKED. */
int tach_publisher_check_usable(const struct tachyon_publisher *publisher);
/* The same; on 0 the lock is taken. */
int tach_publisher_lock(struct tachyon_publisher *publisher);
/* As lock, but TACHYON_ERR_CLOSED, without the lock, after a shutdown. */
int tach_publisher_lock_open(struct tachyon_publisher *publisher);
/* Returns ret, having noted an AGAIN for a wait that follows. */
int tach_publisher_unlock(struct tachyon_publisher *publisher, int ret);

/* --- audience.c --- */

int tach_audience_init(struct tachyon_publisher *publisher, const char *address);
void tach_audience_fini(struct tachyon_publisher *publisher);
/* Takes what subscribers sent; drops those that lie, or left. */
void tach_audience_drain(struct tachyon_publisher *publisher);
/* Lets subscribers in and out: one system call, and those of what happened. */
void tach_audience_dispatch(struct tachyon_publisher *publisher);
void tach_audience_drop(struct tachyon_publisher *publisher, unsigned int slot);

/* Goes through the slots of a mask: for (unsigned int slot; tach_next_slot(&mask, &slot);) */
static inline bool tach_next_slot(uint64_t *mask, unsigned int *slot)
{
	if (*mask == 0)
		return false;
	*slot = (unsigned int)__builtin_ctzll(*mask);
	*mask &= *mask - 1;
	return true;
}

/* --- publisher-wait.c --- */

int tach_publisher_wait_init(struct tachyon_publisher *publisher);
void tach_publisher_wait_fini(struct tachyon_publisher *publisher);
/* Goes up with everything that a thread which answered AGAIN may wait for. */
uint64_t tach_publisher_changes(const struct tachyon_publisher *publisher);
/* This thread answers AGAIN: a wait that follows ends at once if something changed since. */
void tach_publisher_note_again(struct tachyon_publisher *publisher, uint64_t changes);
/* The same, for a thread that found no free block; and when it has found one. */
void tach_publisher_want_blocks(struct tachyon_publisher *publisher, uint64_t changes);
void tach_publisher_got_blocks(struct tachyon_publisher *publisher);
/* Something changed that a sleeper may wait for. */
void tach_publisher_note_change(struct tachyon_publisher *publisher);

#endif
