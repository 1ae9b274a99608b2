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
#define TACH_PENDING_MAX 64
/* In the epoll of bells; the others are 2 * slot, and 1 for the bell of space. */
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
	uint64_t freed;	   /* blocks, by then */
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
	uint32_t corks; /* not yet taken out */

	/* Sleeping: one thread at a time polls, the others wait for it to come back. */
	pthread_cond_t leader_is_back;
	bool has_leader;
	bool is_leader_asleep;
	bool is_nudged; /* a caller's own poll was disarmed: it was called, and did not come yet */
	bool is_prepared;
	bool is_shut;
	uint32_t sleepers;
	uint64_t changes; /* what a thread that answered AGAIN may wait for */
	struct tach_note notes[32];
	uint32_t notes_made;
	int nudge;		    /* eventfd: a caller's own poll must look again */
	uint32_t cancels;	    /* how often cancel was called */
	int kick;		    /* eventfd: a block is free, or dispatch changed something */
	uint64_t starving_since_ns; /* 0: not; else none came back since so many had been freed */
	uint64_t starving_freed;
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

/* address may be NULL */
int tach_audience_init(struct tachyon_publisher *publisher, const char *address);
void tach_audience_fini(struct tachyon_publisher *publisher);
/* One that comes over a connected socket, which is taken in any case. */
int tach_audience_adopt(struct tachyon_publisher *publisher, int sock);
/* Takes what subscribers sent; drops those that lie, or left. */
void tach_audience_drain(struct tachyon_publisher *publisher);
/* Lets subscribers in and out: one system call, and those of what happened. */
void tach_audience_dispatch(struct tachyon_publisher *publisher);
void tach_audience_drop(struct tachyon_publisher *publisher, unsigned int slot);
/* The same, for what a link's function answered: a subscriber that lied is said to have. */
void tach_audience_fail(struct tachyon_publisher *publisher, unsigned int slot, int code);
/* True while somebody has not had all state yet. */
bool tach_audience_is_joining(const struct tachyon_publisher *publisher);

/* Goes through the slots of a mask: for (unsigned int slot; tach_next_slot(&mask, &slot);) */
static inline bool tach_next_slot(uint64_t *mask, unsigned int *slot)
{
	if (*mask == 0)
		return false;
	*slot = (unsigned int)__builtin_ctzll(*mask);
	*mask &= *mask - 1;
	return true;
}

/* --- publisher-send.c --- */

/* What a message needs of a link. */
struct tach_demand {
	size_t message_size;
	size_t payload_size;	   /* of a frame */
	uint32_t segment;	   /* 0: it travels in the ring */
	uint32_t metadata_segment; /* 0: its metadata do */
	bool is_event;		   /* who misses it misses no frame */
	bool is_lent;		   /* nothing for who takes no descriptors */
};

/* Subscribers with room, as a mask, or -EAGAIN where all wait for one. */
int tach_publisher_select(struct tachyon_publisher *publisher, const struct tach_demand *demand,
			  uint64_t *ready);

/*
 * Sends a frame that lies at offset in its block; the rest of the frame was not looked at yet. As
 * tachyon_publisher_publish().
 */
int tach_publisher_publish(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
			   size_t offset, void *cookie);

/* --- publisher-cork.c --- */

/* What a cork holds back: before anybody waits. */
void tach_publisher_show(struct tachyon_publisher *publisher);

/* --- publisher-hoard.c; all with the lock --- */

/* It holds more than its share of blocks that are scarce: it gets none for now. */
bool tach_publisher_is_greedy(const struct tachyon_publisher *publisher,
			      const struct tach_link *link);
/* There is no free block, and so many had been freed before it was looked for. */
void tach_publisher_note_starving(struct tachyon_publisher *publisher, uint64_t freed);
/* When to call tach_publisher_relieve(), if no block comes back. */
uint64_t tach_publisher_relief_ns(const struct tachyon_publisher *publisher);
/* Drops who holds most of all, where none came back for too long. */
void tach_publisher_relieve(struct tachyon_publisher *publisher);

/* --- publisher-wait.c --- */

int tach_publisher_wait_init(struct tachyon_publisher *publisher);
void tach_publisher_wait_fini(struct tachyon_publisher *publisher);
/* This thread answers AGAIN: a wait that follows ends at once if something changed since. */
void tach_publisher_note_again(struct tachyon_publisher *publisher);
/* The same, for a thread that found no free block when so many had been freed. */
void tach_publisher_want_blocks(struct tachyon_publisher *publisher, uint64_t freed);
/* Something is waited for that the leader, if there is one, did not arm. */
void tach_publisher_rearm(struct tachyon_publisher *publisher);
/* Something changed that a sleeper may wait for. */
void tach_publisher_note_change(struct tachyon_publisher *publisher);

#endif
