/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream state, as a subscriber that joins late must receive it. It knows no subscriber: each has a
 * cursor, and asks what it has not seen.
 *
 * A cursor first walks the state as it stood when the walk began, in its order (caps before
 * segment before tags), then whatever was set since, in the order of setting: nothing is missed,
 * nothing comes twice. A link whose ring is full just stops walking, and goes on later.
 */
#ifndef TACH_STICKY_H
#define TACH_STICKY_H

#include "base.h"

struct tach_sticky_key {
	uint32_t order;
	uint32_t type; /* of the event; 0 for caps, layout, … */
	uint32_t id;
};

struct tach_sticky_item {
	struct tach_sticky_key key;
	uint32_t wire_type;
	uint64_t version;
	void *body; /* the message's */
	size_t size;
};

struct tach_sticky {
	struct tach_sticky_item *items; /* sorted by key */
	size_t count;
	size_t capacity;
	uint64_t version; /* of the last change */
};

struct tach_sticky_cursor {
	bool has_begun;
	bool is_past_start;	    /* the walk of the state at the beginning is over */
	uint64_t begun_at;	    /* the version then */
	uint64_t version;	    /* of the last one seen after that */
	struct tach_sticky_key key; /* of the last one seen before that */
	bool has_key;
};

void tach_sticky_fini(struct tach_sticky *sticky);
/* Copies body. Replaces the item of the same key. 0 or -ENOMEM. */
int tach_sticky_set(struct tach_sticky *sticky, struct tach_sticky_key key, uint32_t wire_type,
		    const void *body, size_t size);
/* Drops all items of this order and later. */
void tach_sticky_forget(struct tach_sticky *sticky, uint32_t order);
/* What the cursor has not seen yet, without moving it; NULL when it has seen all. */
const struct tach_sticky_item *tach_sticky_peek(const struct tach_sticky *sticky,
						struct tach_sticky_cursor *cursor);
/* Moves the cursor past the item that tach_sticky_peek() gave. */
void tach_sticky_advance(struct tach_sticky_cursor *cursor, const struct tach_sticky_item *item);

#endif
