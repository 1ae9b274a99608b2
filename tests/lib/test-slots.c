/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Four versioned slots on plain memory: what a writer tells of, and what a reader may believe.
 */
#include "slots.h"

#include <pthread.h>

#include "beacon.h"
#include "system.h"

static struct tach_stream_header header;

/* The newest value. */
static struct tach_place newest;

static void begin_in(unsigned int slot)
{
	tach_slots_begin(&header, slot);
}

static void finish_in(unsigned int slot)
{
	newest = (struct tach_place){.count = newest.count + 1, .slot = slot};
	tach_slots_finish(&header, &newest, 1000 + newest.count);
}

/* One whole write, where a writer would. */
static void put(bool is_crowded)
{
	const unsigned int slot = tach_slots_choose(&header, newest.slot, is_crowded);

	begin_in(slot);
	finish_in(slot);
}

static bool start(const struct tach_place *place, struct tach_reading *reading)
{
	return tach_slots_start(&header, tach_slots_mark(place), reading);
}

static bool find(const struct tach_place *place, struct tach_place *found)
{
	return tach_slots_find(&header, tach_slots_mark(place), found);
}

/* --- marks --- */

TEST(a_mark_is_the_count_and_the_slot_as_far_as_they_go)
{
	for (unsigned int slot = 0; slot < TACH_STREAM_SLOTS; slot++) {
		struct tach_place place = {.count = 5, .slot = slot};

		CHECK_EQ(tach_slots_mark(&place), 5 << 2 | slot);
		place.count = TACH_MARK_MASK >> 2;
		CHECK_EQ(tach_slots_mark(&place), (TACH_MARK_MASK >> 2) << 2 | slot);
		place.count = (TACH_MARK_MASK >> 2) + 1ull;
		CHECK_EQ(tach_slots_mark(&place), slot);
		place.count = UINT64_MAX;
		CHECK_EQ(tach_slots_mark(&place), (TACH_MARK_MASK >> 2) << 2 | slot);
	}
}

/* --- a writer --- */

TEST(new_slots_hold_the_zeros_of_count_0)
{
	struct tach_reading reading;
	struct tach_place found = {7, 7};

	CHECK(find(&newest, &found));
	CHECK_EQ(found.count, 0);
	CHECK_EQ(found.slot, 0);
	CHECK(start(&newest, &reading));
	CHECK_EQ(reading.place.count, 0);
	CHECK_EQ(reading.time_ns, 0);
	CHECK(tach_slots_still(&header, &reading));
	for (uint64_t i = 1; i < 8; i++)
		CHECK(!start(&(struct tach_place){i, i % 4}, &reading));
}

TEST(what_was_written_is_found_by_its_mark)
{
	for (uint64_t i = 1; i <= 20; i++) {
		struct tach_reading reading;
		struct tach_place found;

		put(i % 3 == 0);
		CHECK_EQ(newest.count, i);
		CHECK_EQ(header.slots[newest.slot].count, i);
		CHECK_EQ(header.slots[newest.slot].time_ns, 1000 + i);
		CHECK_EQ(header.slots[newest.slot].version % 2, 0);
		CHECK(find(&newest, &found));
		CHECK_EQ(found.count, i);
		CHECK_EQ(found.slot, newest.slot);
		CHECK(start(&newest, &reading));
		CHECK_EQ(reading.place.count, i);
		CHECK_EQ(reading.place.slot, newest.slot);
		CHECK_EQ(reading.time_ns, 1000 + i);
		CHECK(tach_slots_still(&header, &reading));
	}
}

TEST(a_crowd_is_written_around_the_oldest_goes_first)
{
	for (int i = 0; i < 4; i++)
		put(true);
	for (int i = 0; i < 20; i++) {
		const unsigned int slot = tach_slots_choose(&header, newest.slot, true);

		for (unsigned int j = 0; j < TACH_STREAM_SLOTS; j++)
			CHECK(header.slots[slot].count <= header.slots[j].count);
		CHECK(slot != newest.slot);
		put(true);
	}
}

TEST(without_a_crowd_the_one_before_the_newest_is_taken)
{
	for (int i = 0; i < 6; i++)
		put(true);
	for (int i = 0; i < 20; i++) {
		const unsigned int slot = tach_slots_choose(&header, newest.slot, false);

		CHECK_EQ(header.slots[slot].count, newest.count - 1);
		put(false);
	}
}

/* Whatever stands there: a damaged file must not make a writer write over what is read. */
TEST(the_newest_slot_is_never_chosen)
{
	static const uint64_t counts[] = {0, 1, 5, UINT64_MAX, UINT64_MAX - 1, 1ull << 63};

	for (int i = 0; i < 6 * 6 * 6 * 6; i++) {
		int rest = i;

		for (unsigned int j = 0; j < TACH_STREAM_SLOTS; j++) {
			header.slots[j].count = counts[rest % 6];
			rest /= 6;
		}
		for (unsigned int slot = 0; slot < TACH_STREAM_SLOTS; slot++) {
			const unsigned int one = tach_slots_choose(&header, slot, false);
			const unsigned int other = tach_slots_choose(&header, slot, true);

			CHECK(one < TACH_STREAM_SLOTS && one != slot);
			CHECK(other < TACH_STREAM_SLOTS && other != slot);
		}
	}
}

TEST(a_slot_that_is_being_written_cannot_be_read)
{
	struct tach_place next;
	struct tach_reading reading;
	uint64_t version;

	put(true);
	next = (struct tach_place){.count = 2, .slot = 3};
	version = header.slots[3].version;
	begin_in(3);
	CHECK_EQ(header.slots[3].version % 2, 1);
	CHECK(header.slots[3].version > version);
	CHECK(!start(&next, &reading));
	CHECK(start(&newest, &reading));
	CHECK(tach_slots_still(&header, &reading));
	finish_in(3);
	CHECK(start(&next, &reading));
}

/* Whoever died, or gave up, left it so; a reader may know any of the odd versions. */
TEST(a_slot_that_was_left_half_written_is_written_anew)
{
	uint64_t last = header.slots[1].version;

	for (int i = 0; i < 5; i++) {
		begin_in(1);
		CHECK_EQ(header.slots[1].version % 2, 1);
		CHECK(header.slots[1].version > last);
		last = header.slots[1].version;
	}
	finish_in(1);
	CHECK_EQ(header.slots[1].version % 2, 0);
	CHECK(header.slots[1].version > last);
	CHECK_EQ(header.slots[1].count, 1);
}

/* --- a reader --- */

TEST(a_copy_holds_until_its_slot_is_taken)
{
	struct tach_reading reading;

	for (int i = 0; i < 5; i++)
		put(true);
	CHECK(start(&newest, &reading));
	for (int i = 0; i < 3; i++) {
		put(true);
		CHECK(tach_slots_still(&header, &reading));
	}
	begin_in(tach_slots_choose(&header, newest.slot, true));
	CHECK(!tach_slots_still(&header, &reading));
	finish_in(reading.place.slot);
	CHECK(!tach_slots_still(&header, &reading));
}

TEST(a_slot_that_holds_a_later_value_is_not_what_was_told_of)
{
	struct tach_reading reading;
	struct tach_place old;
	struct tach_place found;

	put(true);
	old = newest;
	while (header.slots[old.slot].count == old.count)
		put(true);
	CHECK(!start(&old, &reading));
	CHECK(!find(&old, &found));
	/* What the mark has of it. */
	CHECK_EQ(found.count, old.count);
	CHECK_EQ(found.slot, old.slot);
	CHECK(start(&newest, &reading));
}

TEST(counts_go_on_past_what_a_mark_can_tell)
{
	static const uint64_t factors[] = {1, 2, 1000, 1ull << 33};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(factors); i++) {
		newest.count = factors[i] * (((uint64_t)TACH_MARK_MASK + 1) / 4) - 4;
		for (int j = 0; j < 8; j++) {
			struct tach_reading reading;
			struct tach_place found;

			put(true);
			CHECK(find(&newest, &found));
			CHECK_EQ(found.count, newest.count);
			CHECK(start(&newest, &reading));
			CHECK_EQ(reading.place.count, newest.count);
			found = (struct tach_place){newest.count + 1, newest.slot};
			CHECK(!start(&found, &reading));
		}
	}
}

/* --- copying --- */

TEST(a_copy_is_exact_at_any_address_and_of_any_size)
{
	static _Alignas(64) uint8_t from[400];
	static _Alignas(64) uint8_t to[400];

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 31 + 7);
	for (size_t size = 0; size <= 200; size += size < 20 ? 1 : 13) {
		for (size_t shift = 0; shift < 16; shift++) {
			memset(to, 0, sizeof(to));
			tach_slots_copy(to + 32 + shift, from + 3 * shift, size);
			CHECK_MEM_EQ(to + 32 + shift, from + 3 * shift, size);
			CHECK_EQ(to[31 + shift], 0);
			CHECK_EQ(to[32 + shift + size], 0);
		}
	}
}

#define WORDS 300u
#define ROUNDS 30000u

struct table {
	uint64_t data[TACH_STREAM_SLOTS][WORDS];
	_Atomic uint32_t mark;
};

static struct table table;

/* As another process would: what is written while somebody reads must be atomic here. */
static void write_words(_Atomic uint64_t *words, uint64_t number)
{
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&words[i], number, memory_order_relaxed);
}

static void *write_many(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		const unsigned int slot = tach_slots_choose(&header, newest.slot, i & 16);

		begin_in(slot);
		write_words((_Atomic uint64_t *)table.data[slot], i);
		finish_in(slot);
		atomic_store_explicit(&table.mark, tach_slots_mark(&newest), memory_order_release);
	}
	return NULL;
}

/* How often a copy was whole. */
static unsigned int read_some(uint64_t copy[WORDS])
{
	const uint32_t mark = atomic_load_explicit(&table.mark, memory_order_acquire);
	struct tach_reading reading;

	if (!tach_slots_start(&header, mark, &reading))
		return 0;
	tach_slots_copy(copy, table.data[reading.place.slot], sizeof(table.data[0]));
	if (!tach_slots_still(&header, &reading))
		return 0;
	CHECK_EQ(reading.place.count, mark >> 2);
	for (size_t i = 0; i < WORDS; i++)
		CHECK_EQ(copy[i], mark >> 2);
	return 1;
}

static void *read_many(void *arg)
{
	unsigned int whole = 0;
	uint64_t copy[WORDS];

	(void)arg;
	while (atomic_load_explicit(&table.mark, memory_order_relaxed) >> 2 < ROUNDS || whole == 0)
		whole += read_some(copy);
	return NULL;
}

TEST_WITH_TIMEOUT(what_is_still_true_after_the_copy_is_whole, 60)
{
	pthread_t threads[3];

	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_many, NULL), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, write_many, NULL), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}
