/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream state for late joiners: order, replacement, and cursors that miss nothing and see
 * nothing twice.
 */
#include "sticky.h"

#include <stdlib.h>

#include "harness.h"

static void set(struct tach_sticky *sticky, uint32_t order, uint32_t type, uint32_t id,
		const char *body)
{
	const struct tach_sticky_key key = {.order = order, .type = type, .id = id};

	CHECK_EQ(tach_sticky_set(sticky, key, order + 1000, body, strlen(body) + 1), 0);
}

/* The body that comes next, the cursor moved past it; NULL at the end. */
static const char *next(const struct tach_sticky *sticky, struct tach_sticky_cursor *cursor)
{
	const struct tach_sticky_item *const item = tach_sticky_peek(sticky, cursor);

	if (!item)
		return NULL;
	tach_sticky_advance(cursor, item);
	return item->body;
}

TEST(nothing_set_is_nothing_to_see)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	CHECK(!tach_sticky_peek(&sticky, &cursor));
	CHECK(!tach_sticky_peek(&sticky, &cursor));
	tach_sticky_forget(&sticky, 0);
	tach_sticky_fini(&sticky);
}

TEST(state_comes_in_its_order_whatever_the_order_of_setting)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, 70, 1, 0, "segment");
	set(&sticky, 50, 0, 0, "caps");
	set(&sticky, 80, 2, 2, "tag 2");
	set(&sticky, 0, 0, 0, "clock");
	set(&sticky, 80, 2, 1, "tag 1");
	set(&sticky, 80, 1, 9, "other");

	CHECK_STR_EQ(next(&sticky, &cursor), "clock");
	CHECK_STR_EQ(next(&sticky, &cursor), "caps");
	CHECK_STR_EQ(next(&sticky, &cursor), "segment");
	CHECK_STR_EQ(next(&sticky, &cursor), "other");
	CHECK_STR_EQ(next(&sticky, &cursor), "tag 1");
	CHECK_STR_EQ(next(&sticky, &cursor), "tag 2");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

TEST(an_item_keeps_all_that_was_set)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};
	const struct tach_sticky_item *item;
	char body[] = "a\0b";

	CHECK_EQ(tach_sticky_set(&sticky, (struct tach_sticky_key){1, 2, 3}, 4, body, 4), 0);
	memset(body, 'x', sizeof(body));
	CHECK_EQ(tach_sticky_set(&sticky, (struct tach_sticky_key){2, 0, 0}, 5, NULL, 0), 0);

	item = tach_sticky_peek(&sticky, &cursor);
	CHECK_EQ(item->key.order, 1);
	CHECK_EQ(item->key.type, 2);
	CHECK_EQ(item->key.id, 3);
	CHECK_EQ(item->wire_type, 4);
	CHECK_EQ(item->size, 4);
	CHECK_MEM_EQ(item->body, "a\0b", 4);
	tach_sticky_advance(&cursor, item);
	item = tach_sticky_peek(&sticky, &cursor);
	CHECK_EQ(item->size, 0);
	CHECK_EQ(item->wire_type, 5);
	tach_sticky_fini(&sticky);
}

TEST(the_same_key_replaces)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, 50, 0, 0, "old caps");
	set(&sticky, 70, 0, 0, "segment");
	set(&sticky, 50, 0, 0, "caps");
	CHECK_STR_EQ(next(&sticky, &cursor), "caps");
	CHECK_STR_EQ(next(&sticky, &cursor), "segment");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

TEST(peeking_does_not_move)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, 50, 0, 0, "caps");
	set(&sticky, 70, 0, 0, "segment");
	for (int i = 0; i < 3; i++)
		CHECK_STR_EQ(tach_sticky_peek(&sticky, &cursor)->body, "caps");
	tach_sticky_fini(&sticky);
}

TEST(what_is_set_after_the_walk_comes_in_the_order_of_setting)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, 50, 0, 0, "caps");
	CHECK_STR_EQ(next(&sticky, &cursor), "caps");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);

	set(&sticky, 80, 0, 0, "tag");
	set(&sticky, 70, 0, 0, "segment");
	set(&sticky, 50, 0, 0, "new caps");
	CHECK_STR_EQ(next(&sticky, &cursor), "tag");
	CHECK_STR_EQ(next(&sticky, &cursor), "segment");
	CHECK_STR_EQ(next(&sticky, &cursor), "new caps");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

TEST(what_changes_during_the_walk_comes_after_it_once)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, 10, 0, 0, "a");
	set(&sticky, 20, 0, 0, "b");
	set(&sticky, 30, 0, 0, "c");
	CHECK_STR_EQ(next(&sticky, &cursor), "a");
	set(&sticky, 30, 0, 0, "new c");
	set(&sticky, 10, 0, 0, "new a");
	set(&sticky, 25, 0, 0, "new");

	CHECK_STR_EQ(next(&sticky, &cursor), "b");
	CHECK_STR_EQ(next(&sticky, &cursor), "new c");
	CHECK_STR_EQ(next(&sticky, &cursor), "new a");
	CHECK_STR_EQ(next(&sticky, &cursor), "new");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

TEST(what_changes_twice_before_it_was_seen_comes_once)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	set(&sticky, 50, 0, 0, "one");
	set(&sticky, 70, 0, 0, "segment");
	set(&sticky, 50, 0, 0, "two");
	CHECK_STR_EQ(next(&sticky, &cursor), "segment");
	CHECK_STR_EQ(next(&sticky, &cursor), "two");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

TEST(forgetting_drops_this_order_and_later)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};
	struct tach_sticky_cursor late = {0};

	set(&sticky, 50, 0, 0, "caps");
	set(&sticky, 70, 0, 0, "segment");
	set(&sticky, 110, 0, 0, "end");
	CHECK_STR_EQ(next(&sticky, &cursor), "caps");
	tach_sticky_forget(&sticky, 70);
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	set(&sticky, 70, 0, 0, "new segment");
	CHECK_STR_EQ(next(&sticky, &cursor), "new segment");

	CHECK_STR_EQ(next(&sticky, &late), "caps");
	CHECK_STR_EQ(next(&sticky, &late), "new segment");
	CHECK_STR_EQ(next(&sticky, &late), NULL);
	tach_sticky_forget(&sticky, 0);
	CHECK_EQ(sticky.count, 0);
	tach_sticky_fini(&sticky);
}

TEST(the_largest_keys_are_keys_like_others)
{
	struct tach_sticky sticky = {0};
	struct tach_sticky_cursor cursor = {0};

	set(&sticky, UINT32_MAX, UINT32_MAX, UINT32_MAX, "last");
	set(&sticky, UINT32_MAX, 0, UINT32_MAX, "middle");
	set(&sticky, 0, UINT32_MAX, 0, "first");
	CHECK_STR_EQ(next(&sticky, &cursor), "first");
	CHECK_STR_EQ(next(&sticky, &cursor), "middle");
	CHECK_STR_EQ(next(&sticky, &cursor), "last");
	CHECK_STR_EQ(next(&sticky, &cursor), NULL);
	tach_sticky_fini(&sticky);
}

/* --- against a model --- */

#define KEYS 12
#define CURSORS 4

/* What a reader at a cursor knows: the number last set under each key, 0 where none. */
struct reader {
	struct tach_sticky_cursor cursor;
	uint32_t known[KEYS];
	uint32_t last_number; /* of the second part of the walk: numbers ascend */
};

static void step_reader(const struct tach_sticky *sticky, struct reader *reader)
{
	const struct tach_sticky_item *const item = tach_sticky_peek(sticky, &reader->cursor);
	uint32_t number, key;

	if (!item)
		return;
	memcpy(&number, item->body, sizeof(number));
	key = item->key.order * 4 + item->key.id;
	CHECK(number > reader->known[key]);
	reader->known[key] = number;
	if (reader->cursor.is_past_start) {
		CHECK(number > reader->last_number);
		reader->last_number = number;
	}
	tach_sticky_advance(&reader->cursor, item);
}

static void run_model(unsigned int seed)
{
	struct tach_sticky sticky = {0};
	struct reader readers[CURSORS] = {0};
	uint32_t truth[KEYS] = {0};
	uint32_t number = 0;

	srandom(seed);
	for (int step = 0; step < 2000; step++) {
		const uint32_t key = (uint32_t)random() % KEYS;
		const long dice = random() % 100;

		if (dice < 40) {
			const struct tach_sticky_key where = {.order = key / 4, .id = key % 4};

			truth[key] = ++number;
			CHECK_EQ(tach_sticky_set(&sticky, where, 0, &number, sizeof(number)), 0);
		} else if (dice < 42) {
			readers[key % CURSORS] = (struct reader){0};
		} else {
			step_reader(&sticky, &readers[key % CURSORS]);
		}
	}
	for (int i = 0; i < CURSORS; i++) {
		while (tach_sticky_peek(&sticky, &readers[i].cursor))
			step_reader(&sticky, &readers[i]);
		for (int key = 0; key < KEYS; key++)
			CHECK_EQ(readers[i].known[key], truth[key]);
	}
	tach_sticky_fini(&sticky);
}

TEST(every_cursor_ends_with_the_whole_truth_and_saw_nothing_twice)
{
	for (unsigned int seed = 1; seed <= 100; seed++)
		run_model(seed);
}
