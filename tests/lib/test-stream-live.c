/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The live view: the newest value in place, and edits that become a value of their own.
 */
#include "stream-setup.h"

static uint64_t *live_of(struct tachyon_stream *stream)
{
	void *data = NULL;

	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	CHECK(data);
	return data;
}

/* --- looking --- */

TEST(a_view_shows_the_newest_value_whenever_the_lock_is_taken)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	uint64_t *first = NULL;

	for (uint64_t i = 0; i < 12; i++) {
		uint64_t *words;

		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		words = live_of(stream);
		if (!first)
			first = words;
		CHECK_EQ((uintptr_t)words, (uintptr_t)first);
		CHECK_EQ((uintptr_t)words % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
		CHECK_EQ(number_in(words), i);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(write_number(writer, i + 1), 0);
	}
	/* To look is not to write. */
	CHECK_EQ(tachyon_stream_count(stream), 12);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(a_view_that_was_taken_before_shows_the_newest_without_being_taken_again)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	uint64_t *words;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	words = live_of(stream);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	for (uint64_t i = 1; i <= 9; i++) {
		CHECK_EQ(write_number(writer, i), 0);
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(number_in(words), i);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(a_view_shows_the_handles_own_writes_at_once)
{
	struct tachyon_stream *const stream = make_stream("a");
	uint64_t *words;
	void *data;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	words = live_of(stream);
	for (uint64_t i = 1; i <= 9; i++) {
		if (i % 2) {
			CHECK_EQ(write_number(stream, i), 0);
		} else {
			CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
			fill(data, i);
			CHECK_EQ(number_in(words), i - 1);
			CHECK_EQ(tachyon_stream_commit(stream), 0);
		}
		CHECK_EQ(number_in(words), i);
	}
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 9);
	CHECK_EQ(read_number(stream), 9);
	end_stream(stream, "a");
}

TEST(a_view_is_for_who_has_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const holder = open_stream("a");
	void *data = holder;

	CHECK_EQ(tachyon_stream_live(stream, &data), -EPERM);
	CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), -EPERM);
	CHECK_EQ((uintptr_t)data, (uintptr_t)holder);
	CHECK_EQ(tachyon_stream_unlock(holder), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_live(stream, &data), -EPERM);
	tachyon_stream_destroy(holder);
	end_stream(stream, "a");
}

TEST(a_view_can_be_read_until_the_handle_is_destroyed)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	const uint64_t *words;

	CHECK_EQ(write_number(stream, 5), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	words = live_of(stream);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	for (uint64_t i = 6; i < 20; i++) {
		CHECK_EQ(write_number(writer, i), 0);
		for (size_t j = 0; j < WORDS; j++)
			CHECK(words[j] <= i);
	}
	tachyon_stream_shutdown(stream);
	CHECK(words[WORDS - 1] < 20);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

/* --- editing --- */

TEST(what_was_edited_is_published_as_one_value_at_the_unlock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const reader = open_stream("a");

	for (uint64_t i = 1; i <= 10; i++) {
		const uint64_t before = clock_ns(CLOCK_REALTIME);
		struct tachyon_snapshot snapshot;

		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		fill(live_of(stream), i);
		CHECK_EQ(read_number(reader), i - 1);
		CHECK_EQ(read_number(stream), i - 1);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(read_with(reader, &snapshot), i);
		CHECK_EQ(snapshot.count, i);
		CHECK_EQ(snapshot.missed, 0);
		CHECK(snapshot.time_ns >= before);
	}
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}

TEST(what_was_edited_is_published_when_the_lock_is_truly_given_back)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	fill(live_of(stream), 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 0);
	CHECK_EQ(number_in(live_of(stream)), 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(read_number(stream), 1);
	end_stream(stream, "a");
}

TEST(where_nothing_was_edited_nothing_is_published)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(write_number(stream, 1), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(number_in(live_of(stream)), 1);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_count(stream), 1);
	}
	/* Nor once more what was published. */
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	fill(live_of(stream), 2);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(number_in(live_of(stream)), 2);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_count(stream), 2);
	}
	end_stream(stream, "a");
}

#define MANY_WORDS (40 * 512 + 3)

/* One word of many pages; all others stay. */
TEST(an_edit_of_one_word_keeps_all_others)
{
	static uint64_t expected[MANY_WORDS];
	static uint64_t words[MANY_WORDS];
	static const size_t places[] = {0, 511, 512, 10000, MANY_WORDS - 1, 7, 20 * 512 + 17};
	struct tachyon_stream *const stream = make_stream_of("a", MANY_WORDS);
	struct tachyon_stream *const reader = open_stream("a");

	for (size_t i = 0; i < MANY_WORDS; i++)
		expected[i] = i * 3;
	CHECK_EQ(tachyon_stream_write(stream, expected, sizeof(expected), 0), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		live_of(stream)[places[i]] = 1000000 + i;
		expected[places[i]] = 1000000 + i;
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_read(reader, words, sizeof(words), NULL), 0);
		CHECK_MEM_EQ(words, expected, sizeof(words));
		CHECK_EQ(tachyon_stream_count(stream), 2 + i);
	}
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}

TEST(edits_of_two_handles_build_on_one_another)
{
	struct tachyon_stream *const one = make_stream("a");
	struct tachyon_stream *const two = open_stream("a");
	uint64_t words[WORDS];

	for (uint64_t i = 0; i < 40; i++) {
		struct tachyon_stream *const stream = i % 2 ? one : two;
		uint64_t *live;

		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		live = live_of(stream);
		CHECK_EQ(live[0], i);
		live[0]++;
		live[WORDS - 1] += 2;
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	CHECK_EQ(tachyon_stream_read(one, words, sizeof(words), NULL), 0);
	CHECK_EQ(words[0], 40);
	CHECK_EQ(words[WORDS - 1], 80);
	CHECK_EQ(tachyon_stream_count(one), 40);
	tachyon_stream_destroy(two);
	end_stream(one, "a");
}

TEST(what_was_written_into_a_view_after_the_unlock_is_nobodys_value)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const reader = open_stream("a");
	uint64_t *words;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	words = live_of(stream);
	fill(words, 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	fill(words, 666);
	CHECK_EQ(read_number(reader), 1);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(number_in(words), 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(read_number(reader), 1);
	CHECK_EQ(tachyon_stream_count(reader), 1);
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}

TEST(a_value_of_a_few_bytes_can_be_edited)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 8, 3);
	struct tachyon_stream *stream;
	uint8_t bytes[3];
	void *data;

	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, NULL, &stream), 0);
	for (uint8_t i = 1; i < 10; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(tachyon_stream_live(stream, &data), 0);
		((uint8_t *)data)[2] = i;
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_read(stream, bytes, 3, NULL), 0);
		CHECK_EQ(bytes[0], 0);
		CHECK_EQ(bytes[2], i);
		CHECK_EQ(tachyon_stream_count(stream), i);
	}
	end_stream(stream, "a");
}

/* --- other processes --- */

static int edit_half(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	uint64_t *words;

	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	words = live_of(stream);
	for (size_t i = 0; i < WORDS / 2; i++)
		words[i] = 666;
	tell(other);
	await(other);
	fill(words, 7);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(nobody_sees_half_an_edit)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other;

	CHECK_EQ(write_number(stream, 1), 0);
	other = start_other(edit_half, "a", NULL);
	await(&other);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	tell(&other);
	CHECK_EQ(tachyon_stream_wait(stream, 2, LONG_NS), 0);
	CHECK_EQ(read_number(stream), 7);
	end_other(&other);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	end_stream(stream, "a");
}

TEST(an_editor_that_is_killed_leaves_the_last_value)
{
	struct tachyon_stream *const stream = make_stream("a");

	for (uint64_t i = 1; i <= 5; i++) {
		struct other other;

		CHECK_EQ(write_number(stream, i), 0);
		other = start_other(edit_half, "a", NULL);
		await(&other);
		kill_other(&other);
		CHECK_EQ(read_number(stream), i);
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(number_in(live_of(stream)), i);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_count(stream), i);
	}
	end_stream(stream, "a");
}

static int edit_often(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	for (uint64_t i = 1; i <= 3000; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
		fill(live_of(stream), i);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(a_reader_of_a_stream_that_is_edited_all_the_time_sees_whole_values, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other others[2] = {start_other(edit_often, "a", NULL),
				  start_other(edit_often, "a", NULL)};
	struct tachyon_snapshot snapshot = {0};

	for (uint64_t count = 0; count < 6000; count = snapshot.count) {
		(void)read_with(stream, &snapshot);
		CHECK(snapshot.count >= count);
	}
	end_other(&others[0]);
	end_other(&others[1]);
	CHECK_EQ(tachyon_stream_count(stream), 6000);
	end_stream(stream, "a");
}

/* --- read-only --- */

TEST(a_read_only_view_shows_the_newest_and_cannot_be_written)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_read_only("a");
	uint64_t *words = NULL;

	for (uint64_t i = 1; i <= 6; i++) {
		CHECK_EQ(write_number(writer, i), 0);
		CHECK_EQ(tachyon_stream_lock(reader, 0), 0);
		words = live_of(reader);
		CHECK_EQ(number_in(words), i);
		CHECK_EQ(tachyon_stream_unlock(reader), 0);
	}
	CHECK_EQ(tachyon_stream_lock(reader, 0), 0);
	CHECK_EQ(write_in_child(words), -SIGSEGV);
	CHECK_EQ(read_in_child(words), 6);
	CHECK_EQ(tachyon_stream_unlock(reader), 0);
	CHECK_EQ(tachyon_stream_count(writer), 6);
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}
