/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's end of one subscriber: what it was sent, what it still has, what it may get. The
 * publisher's lock guards every call; none waits.
 */
#ifndef TACH_LINK_H
#define TACH_LINK_H

#include "bus.h"
#include "pool.h"
#include "sticky.h"
#include "urgent.h"

enum tach_lack {
	TACH_LACK_SPACE,   /* in its ring, or its queue: it must read */
	TACH_LACK_RETURNS, /* it has its quota: it must return some */
	TACH_LACK_BLOCKS,  /* the pool has none for what goes in a block: anybody must */
};

struct tach_link {
	struct tachyon_bus *bus; /* NULL: the slot is free */
	unsigned int holder;	 /* our number in the pool */
	uint64_t id;
	struct tach_pool *pool;
	const struct tach_sticky *sticky;
	struct tach_sticky_cursor cursor;

	uint32_t outstanding; /* blocks it has */
	uint32_t quota;	      /* and may have: its ring takes the return of each */
	uint32_t need;	      /* blocks it wants to hold */
	uint32_t retires;     /* that it was asked for, and has not answered */
	bool missed_frame;    /* the next one says so */
	bool is_corked;	      /* what is put shows later, unless it lacks something */
	bool is_leaving;      /* it takes no more frames, but has not returned all */

	/* Ring positions behind each frame sent, to count those not yet received. */
	uint64_t *ends;
	uint32_t ends_size; /* a power of two */
	uint32_t ends_first;
	uint32_t ends_last;

	/*
	 * Why it could not take more, the last time. A link that held up the publisher (since when;
	 * 0: it does not) must get all of it before it is tried again: half a queue at a time costs
	 * one sleep, not one a frame.
	 */
	enum tach_lack lack;
	uint64_t target;     /* LACK_SPACE: the position it must have read up to */
	uint64_t freed_seen; /* LACK_BLOCKS: what the pool had freed by then */
	uint64_t blocked_since_ns;
};

/* Something that came from a subscriber and is not a return. */
typedef void (*tach_link_event)(void *data, const struct tach_link *link,
				const struct tachyon_event *event);

/* Takes the bus on success. */
int tach_link_init(struct tach_link *link, struct tachyon_bus *bus, unsigned int holder,
		   struct tach_pool *pool, const struct tach_sticky *sticky);
/* Gives up what it had in the pool; closes the bus. */
void tach_link_fini(struct tach_link *link);

/* Takes everything the subscriber sent. The number of messages, or why the link must be dropped. */
int tach_link_drain(struct tach_link *link, tach_link_event on_event, void *data);

/*
 * Takes urgent events off its socket, a bounded number. How many, or why the link must be dropped.
 */
int tach_link_take_urgent(struct tach_link *link, tach_link_event on_event, void *data);
/* One that the caller encoded. 0, -EAGAIN, -ENOTSUP: it takes none; else it left. */
int tach_link_send_urgent(struct tach_link *link, const union tach_urgent_buffer *packet,
			  size_t size);

/* Sends state it has not seen. 0: it has all; -EAGAIN: it lags; else drop it. */
int tach_link_sync(struct tach_link *link);
/* Frames it was sent and has not received. */
int64_t tach_link_queued(struct tach_link *link);
/*
 * 0 when it can take a frame whose message has size bytes and whose payload lies in this segment
 * (0: in the ring), being told of the segment if need be; -EAGAIN; else drop it.
 */
int tach_link_has_room(struct tach_link *link, size_t size, uint32_t segment, uint32_t max_queued);
/* After tach_link_has_room(): sends. Not visible before tach_link_flush(). 0, or drop it. */
int tach_link_put_frame(struct tach_link *link, const struct tachyon_frame *frame,
			const struct tach_block_ref *ref, const struct tach_block_ref *outline);
int tach_link_put_inline(struct tach_link *link, const struct tachyon_frame *frame);
/*
 * After tach_link_has_room(): a message that is no frame; OUTLINE counts as a block sent. 0, or
 * drop it.
 */
int tach_link_put_event(struct tach_link *link, enum tach_wire_type type, const void *body,
			size_t size);
void tach_link_flush(struct tach_link *link);
/* The same, also where it is corked: before anybody waits for what it would do then. */
void tach_link_show(struct tach_link *link);
/* Whether a frame in a lent block is anything to it. */
bool tach_link_takes_descriptors(const struct tach_link *link);

/* It holds up the publisher: -EAGAIN was the answer, and all wait for it. */
void tach_link_block(struct tach_link *link);
/* True once when a subscriber that held up the publisher no longer does. */
bool tach_link_unblock(struct tach_link *link);

#endif
