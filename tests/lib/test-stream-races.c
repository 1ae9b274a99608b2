/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Many processes that create, open and unlink one name at once.
 */
#include <sys/mman.h>

#include "stream-setup.h"

#define RACERS 4

static void *share(size_t size)
{
	void *const memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static int create(struct tachyon_stream **stream)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 64, WORDS);

	return tachyon_stream_create(name_of("a"), &array, NULL, stream);
}

/* --- who created it --- */

#define STARTS 300

struct start {
	_Atomic unsigned int ready[STARTS];
	_Atomic unsigned int created[STARTS];
	_Atomic unsigned int done[STARTS];
};

static void meet(_Atomic unsigned int *place)
{
	(*place)++;
	while (*place < RACERS)
		sched_yield();
}

static int create_at_once(struct other *other)
{
	struct start *const start = other->data;

	for (int i = 0; i < STARTS; i++) {
		struct tachyon_stream *stream = NULL;
		int ret;

		meet(&start->ready[i]);
		ret = create(&stream);
		CHECK(ret == 0 || ret == -EEXIST);
		start->created[i] += ret == 0;
		/* Whoever was late finds it, complete. */
		if (ret < 0)
			stream = open_stream("a");
		CHECK_EQ(read_number(stream), 0);
		meet(&start->done[i]);
		if (ret == 0)
			CHECK_EQ(tachyon_stream_unlink(name_of("a"), info_of(stream).id), 0);
		tachyon_stream_destroy(stream);
	}
	return 0;
}

TEST_WITH_TIMEOUT(of_many_who_create_at_once_one_does, 60)
{
	struct start *const start = share(sizeof(*start));
	struct other others[RACERS];

	for (int i = 0; i < RACERS; i++)
		others[i] = start_other(create_at_once, "a", start);
	for (int i = 0; i < RACERS; i++)
		end_other(&others[i]);
	for (int i = 0; i < STARTS; i++)
		CHECK_EQ(start->created[i], 1);
	munmap(start, sizeof(*start));
}

/* --- it appears complete --- */

static bool is_over(struct other *other)
{
	return *(_Atomic bool *)other->data;
}

static int create_and_unlink(struct other *other)
{
	while (!is_over(other)) {
		struct tachyon_stream *stream;
		const int ret = create(&stream);

		CHECK(ret == 0 || ret == -EEXIST);
		if (ret < 0)
			continue;
		CHECK_EQ(write_number(stream, (uint64_t)getpid()), 0);
		CHECK_EQ(tachyon_stream_unlink(name_of("a"), info_of(stream).id), 0);
		tachyon_stream_destroy(stream);
	}
	return 0;
}

/* It is the same for all its life, and its value its creator's. */
static void check_found(struct tachyon_stream *stream)
{
	struct tachyon_snapshot snapshot;
	const uint64_t number = read_with(stream, &snapshot);
	const struct tachyon_stream_info info = info_of(stream);

	CHECK_EQ(info.value_size, VALUE_SIZE);
	CHECK(snapshot.count <= 1);
	CHECK_EQ(number, snapshot.count == 0 ? 0 : info.creator_pid);
	tachyon_stream_destroy(stream);
}

#define LOOKS 4000

TEST_WITH_TIMEOUT(a_name_is_a_whole_stream_or_nothing, 60)
{
	_Atomic bool *const over = share(4096);
	struct other others[2] = {start_other(create_and_unlink, "a", (void *)over),
				  start_other(create_and_unlink, "a", (void *)over)};
	unsigned int found = 0;

	for (int i = 0; i < LOOKS || (found < 10 && i < 1000 * LOOKS); i++) {
		struct tachyon_stream_info info = {.size = sizeof(info)};
		struct tachyon_stream *stream = NULL;
		const int ret = tachyon_stream_open(name_of("a"), NULL, &stream);
		const int stat_ret = tachyon_stream_stat(name_of("a"), &info);

		CHECK(ret == 0 || ret == -ENOENT);
		CHECK(stat_ret == 0 || stat_ret == -ENOENT);
		if (stat_ret == 0)
			CHECK_EQ(info.value_size, VALUE_SIZE);
		if (ret == 0)
			check_found(stream);
		found += ret == 0;
	}
	CHECK(found >= 10);
	*over = true;
	end_other(&others[0]);
	end_other(&others[1]);
	munmap((void *)over, 4096);
}

/* --- who removed what --- */

/* Nobody but its creator knows its id early enough: each unlinks its own, and only its own. */
static int unlink_what_is_gone(struct other *other)
{
	struct tachyon_stream_info last = {.size = sizeof(last)};
	bool is_known = false;

	while (!is_over(other)) {
		struct tachyon_stream_info info = {.size = sizeof(info)};
		const int ret = tachyon_stream_stat(name_of("a"), &info);

		CHECK(ret == 0 || ret == -ENOENT);
		if (ret < 0)
			continue;
		/* The name means another now: what it meant before is gone for good. */
		if (is_known && memcmp(last.id, info.id, sizeof(info.id)) != 0)
			CHECK_EQ(tachyon_stream_unlink(name_of("a"), last.id), -ENOENT);
		last = info;
		is_known = true;
	}
	return 0;
}

#define LIVES 3000

static int live_and_unlink(struct other *other)
{
	_Atomic unsigned int *const lives = other->data;

	for (unsigned int i = 0; i < LIVES;) {
		struct tachyon_stream *stream;
		const int ret = create(&stream);
		struct tachyon_stream_info info;

		CHECK(ret == 0 || ret == -EEXIST);
		if (ret < 0)
			continue;
		i++;
		info = info_of(stream);
		/* It is nobody else's, and nobody takes it away. */
		CHECK_EQ(info.creator_pid, getpid());
		CHECK_EQ(info.is_unlinked, 0);
		CHECK_EQ(tachyon_stream_unlink(name_of("a"), info.id), 0);
		CHECK_EQ(tachyon_stream_unlink(name_of("a"), info.id), -ENOENT);
		CHECK_EQ(info_of(stream).is_unlinked, 1);
		tachyon_stream_destroy(stream);
		(*lives)++;
	}
	return 0;
}

TEST_WITH_TIMEOUT(an_id_never_removes_somebody_elses_name, 90)
{
	_Atomic bool *const over = share(4096);
	_Atomic unsigned int *const lives = share(4096);
	struct other creators[2];
	struct other strangers[2];

	for (int i = 0; i < 2; i++)
		strangers[i] = start_other(unlink_what_is_gone, "a", (void *)over);
	for (int i = 0; i < 2; i++)
		creators[i] = start_other(live_and_unlink, "a", (void *)lives);
	for (int i = 0; i < 2; i++)
		end_other(&creators[i]);
	*over = true;
	for (int i = 0; i < 2; i++)
		end_other(&strangers[i]);
	CHECK_EQ(*lives, 2 * LIVES);
	munmap((void *)over, 4096);
	munmap((void *)lives, 4096);
}

struct tally {
	_Atomic bool is_over;
	_Atomic uint64_t created;
	_Atomic uint64_t removed;
};

static int create_or_remove(struct other *other)
{
	struct tally *const tally = other->data;
	uint32_t random = (uint32_t)getpid();

	while (!tally->is_over) {
		struct tachyon_stream_info info = {.size = sizeof(info)};
		struct tachyon_stream *stream;

		random = random * 1664525 + 1013904223;
		switch (random >> 30) {
		case 0:
		case 1:
			if (create(&stream) == 0) {
				tachyon_stream_destroy(stream);
				tally->created++;
			}
			break;
		case 2:
			tally->removed += tachyon_stream_unlink(name_of("a"), NULL) == 0;
			break;
		case 3:
			if (tachyon_stream_stat(name_of("a"), &info) == 0)
				tally->removed += tachyon_stream_unlink(name_of("a"), info.id) == 0;
			break;
		}
	}
	return 0;
}

/* An unlink that is told twice, or that takes two, would be seen here. */
TEST_WITH_TIMEOUT(each_that_is_created_is_removed_once, 60)
{
	struct tally *const tally = share(sizeof(*tally));
	struct other others[RACERS];

	for (int i = 0; i < RACERS; i++)
		others[i] = start_other(create_or_remove, "a", tally);
	while (tally->created < 6000)
		usleep(1000);
	tally->is_over = true;
	for (int i = 0; i < RACERS; i++)
		end_other(&others[i]);
	tally->removed += tachyon_stream_unlink(name_of("a"), NULL) == 0;
	CHECK_EQ(tally->created, tally->removed);
	munmap(tally, sizeof(*tally));
}

/* Who was told that it removed a stream, removed that one: no id is removed twice. */
#define REMOVALS (1u << 16)

struct removals {
	_Atomic uint64_t ids[REMOVALS]; /* their first bytes, hashed by themselves; 0: none */
	_Atomic uint32_t count;
};

static void note_removal(struct removals *removals, const uint8_t *id)
{
	uint64_t number;

	memcpy(&number, id, sizeof(number));
	for (uint64_t i = number;; i++) {
		uint64_t there = 0;

		if (atomic_compare_exchange_strong(&removals->ids[i % REMOVALS], &there, number))
			break;
		CHECK(there != number);
	}
	removals->count++;
}

/* Few enough that the table has room for all. */
#define ENOUGH 20000u

static int remove_and_create(struct other *other)
{
	struct removals *const removals = other->data;

	while (removals->count < ENOUGH) {
		struct tachyon_stream_info info = {.size = sizeof(info)};
		struct tachyon_stream *stream;

		if (tachyon_stream_stat(name_of("a"), &info) == 0 &&
		    tachyon_stream_unlink(name_of("a"), info.id) == 0)
			note_removal(removals, info.id);
		if (create(&stream) == 0)
			tachyon_stream_destroy(stream);
	}
	return 0;
}

TEST_WITH_TIMEOUT(no_id_is_removed_twice, 120)
{
	struct removals *const removals = share(sizeof(*removals));
	struct other others[RACERS];

	for (int i = 0; i < RACERS; i++)
		others[i] = start_other(remove_and_create, "a", removals);
	for (int i = 0; i < RACERS; i++)
		end_other(&others[i]);
	(void)tachyon_stream_unlink(name_of("a"), NULL);
	munmap(removals, sizeof(*removals));
}
