/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream state and the cursors that walk it (PROTOCOL.md 7).
 */
#include "sticky.h"

#include <stdlib.h>

static int compare(const struct tach_sticky_key *a, const struct tach_sticky_key *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return 0;
}

void tach_sticky_fini(struct tach_sticky *sticky)
{
	tach_sticky_forget(sticky, 0);
	free(sticky->items);
	*sticky = (struct tach_sticky){0};
}

/* The place of key, or where it belongs. */
static size_t find(const struct tach_sticky *sticky, const struct tach_sticky_key *key)
{
	size_t i = 0;

	while (i < sticky->count && compare(&sticky->items[i].key, key) < 0)
		i++;
	return i;
}

static int make_place(struct tach_sticky *sticky, size_t place)
{
	if (sticky->count == sticky->capacity) {
		const size_t capacity = sticky->capacity ? 2 * sticky->capacity : 8;
		void *items = realloc(sticky->items, capacity * sizeof(*sticky->items));

		if (!items)
			return -ENOMEM;
		sticky->items = items;
		sticky->capacity = capacity;
	}
	memmove(&sticky->items[place + 1], &sticky->items[place],
		(sticky->count - place) * sizeof(*sticky->items));
	sticky->items[place] = (struct tach_sticky_item){0};
	sticky->count++;
	return 0;
}

int tach_sticky_set(struct tach_sticky *sticky, struct tach_sticky_key key, uint32_t wire_type,
		    const void *body, size_t size)
{
	const size_t place = find(sticky, &key);
	void *copy = malloc(size > 0 ? size : 1);
	int ret;

	if (!copy)
		return -ENOMEM;
	if (size > 0)
		memcpy(copy, body, size);

	if (place == sticky->count || compare(&sticky->items[place].key, &key) != 0) {
		ret = make_place(sticky, place);
		if (ret < 0)
			goto err_copy;
	}

	free(sticky->items[place].body);
	sticky->items[place] = (struct tach_sticky_item){
		.key = key,
		.wire_type = wire_type,
		.version = ++sticky->version,
		.body = copy,
		.size = size,
	};
	return 0;

err_copy:
	free(copy);
	return ret;
}

void tach_sticky_forget(struct tach_sticky *sticky, uint32_t order)
{
	while (sticky->count > 0 && sticky->items[sticky->count - 1].key.order >= order)
		free(sticky->items[--sticky->count].body);
}

/* In key order, what is as old as the walk. */
static const struct tach_sticky_item *next_of_start(const struct tach_sticky *sticky,
						    const struct tach_sticky_cursor *cursor)
{
	for (size_t i = 0; i < sticky->count; i++) {
		const struct tach_sticky_item *item = &sticky->items[i];

		if (item->version > cursor->begun_at)
			continue;
		if (!cursor->has_key || compare(&item->key, &cursor->key) > 0)
			return item;
	}
	return NULL;
}

/* In the order of setting, what is newer. */
static const struct tach_sticky_item *next_since(const struct tach_sticky *sticky, uint64_t version)
{
	const struct tach_sticky_item *oldest = NULL;

	for (size_t i = 0; i < sticky->count; i++) {
		const struct tach_sticky_item *item = &sticky->items[i];

		if (item->version > version && (!oldest || item->version < oldest->version))
			oldest = item;
	}
	return oldest;
}

const struct tach_sticky_item *tach_sticky_peek(const struct tach_sticky *sticky,
						struct tach_sticky_cursor *cursor)
{
	if (!cursor->has_begun) {
		cursor->has_begun = true;
		cursor->begun_at = cursor->version = sticky->version;
	}
	if (!cursor->is_past_start) {
		const struct tach_sticky_item *item = next_of_start(sticky, cursor);

		if (item)
			return item;
		cursor->is_past_start = true;
	}
	/* The path of every frame: nothing new. */
	if (cursor->version == sticky->version)
		return NULL;

	const struct tach_sticky_item *item = next_since(sticky, cursor->version);

	if (!item)
		cursor->version = sticky->version;
	return item;
}

void tach_sticky_advance(struct tach_sticky_cursor *cursor, const struct tach_sticky_item *item)
{
	if (cursor->is_past_start) {
		cursor->version = item->version;
	} else {
		cursor->key = item->key;
		cursor->has_key = true;
	}
}
