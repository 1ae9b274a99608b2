/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Values go in and come out: write, read, and writing in place.
 */
#include "stream-setup.h"

/* --- write and read --- */

TEST(what_was_written_is_read_with_its_count_and_time)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_stream("a");

	for (uint64_t i = 1; i <= 20; i++) {
		const uint64_t before = clock_ns(CLOCK_REALTIME);
		struct tachyon_snapshot snapshot;

		CHECK_EQ(write_number(writer, 1000 + i), 0);
		CHECK_EQ(tachyon_stream_count(reader), i);
		CHECK_EQ(read_with(reader, &snapshot), 1000 + i);
		CHECK_EQ(snapshot.count, i);
		CHECK_EQ(snapshot.missed, 0);
		CHECK(snapshot.time_ns >= before);
		CHECK(snapshot.time_ns <= clock_ns(CLOCK_REALTIME));
		CHECK_EQ(info_of(writer).time_ns, snapshot.time_ns);
	}
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}

TEST(many_writers_count_on_from_one_another)
{
	struct tachyon_stream *const one = make_stream("a");
	struct tachyon_stream *const two = open_stream("a");

	for (uint64_t i = 0; i < 10; i++) {
		CHECK_EQ(write_number(one, 2 * i), 0);
		CHECK_EQ(read_number(two), 2 * i);
		CHECK_EQ(write_number(two, 2 * i + 1), 0);
		CHECK_EQ(read_number(one), 2 * i + 1);
		CHECK_EQ(tachyon_stream_count(one), 2 * i + 2);
	}
	tachyon_stream_destroy(two);
	end_stream(one, "a");
}

TEST(missed_are_the_values_since_the_last_read_that_were_never_read)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *reader;
	struct tachyon_snapshot snapshot;

	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(write_number(writer, 2), 0);
	reader = open_stream("a");
	CHECK_EQ(write_number(writer, 3), 0);
	CHECK_EQ(write_number(writer, 4), 0);
	CHECK_EQ(write_number(writer, 5), 0);
	CHECK_EQ(read_with(reader, &snapshot), 5);
	CHECK_EQ(snapshot.missed, 2);
	CHECK_EQ(read_with(reader, &snapshot), 5);
	CHECK_EQ(snapshot.missed, 0);
	CHECK_EQ(write_number(writer, 6), 0);
	CHECK_EQ(read_with(reader, &snapshot), 6);
	CHECK_EQ(snapshot.missed, 0);

	/* Of its own, too. */
	CHECK_EQ(read_with(writer, &snapshot), 6);
	CHECK_EQ(snapshot.missed, 5);
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}

TEST(asking_which_is_the_newest_is_not_reading_it)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_snapshot snapshot = {0};

	for (uint64_t i = 1; i <= 3; i++)
		CHECK_EQ(write_number(stream, i), 0);
	CHECK_EQ(tachyon_stream_read(stream, NULL, 0, &snapshot), 0);
	CHECK_EQ(snapshot.count, 3);
	CHECK_EQ(snapshot.time_ns, info_of(stream).time_ns);
	CHECK_EQ(tachyon_stream_read(stream, NULL, 0, NULL), 0);
	CHECK_EQ(read_with(stream, &snapshot), 3);
	CHECK_EQ(snapshot.missed, 2);
	end_stream(stream, "a");
}

TEST(not_one_byte_more_than_a_value_is_written_or_read)
{
	static const uint64_t sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 100001};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 8, sizes[i]);
		const size_t size = sizes[i];
		uint8_t *const given = malloc(size);
		uint8_t *const taken = malloc(size + 2);
		struct tachyon_stream *stream;

		for (size_t j = 0; j < size; j++)
			given[j] = (uint8_t)(j * 7 + 1);
		memset(taken, 0xaa, size + 2);
		CHECK_EQ(tachyon_stream_create(name_of("a"), &array, NULL, &stream), 0);
		CHECK_EQ(tachyon_stream_write(stream, given, size, 0), 0);
		/* At an odd address. */
		CHECK_EQ(tachyon_stream_read(stream, taken + 1, size, NULL), 0);
		CHECK_MEM_EQ(taken + 1, given, size);
		CHECK_EQ(taken[0], 0xaa);
		CHECK_EQ(taken[size + 1], 0xaa);
		end_stream(stream, "a");
		free(given);
		free(taken);
	}
}

TEST(a_value_of_another_size_is_refused)
{
	struct tachyon_stream *const stream = make_stream("a");
	static uint64_t words[WORDS + 1];
	struct tachyon_snapshot snapshot = {9, 9, 9};
	static const size_t sizes[] = {0, 1, VALUE_SIZE - 1, VALUE_SIZE + 1, SIZE_MAX};

	CHECK_EQ(write_number(stream, 1), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_EQ(tachyon_stream_write(stream, words, sizes[i], 0), -EINVAL);
		CHECK_EQ(tachyon_stream_read(stream, words, sizes[i], &snapshot), -EINVAL);
	}
	CHECK_EQ(tachyon_stream_write(stream, NULL, VALUE_SIZE, 0), -EINVAL);
	CHECK_EQ(tachyon_stream_write(stream, NULL, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_stream_read(stream, NULL, VALUE_SIZE, &snapshot), -EINVAL);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	end_stream(stream, "a");
}

TEST(a_write_that_gives_up_changes_nothing)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const holder = open_stream("a");

	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
	CHECK_EQ(write_within(stream, 2, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(write_within(stream, 2, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(tachyon_stream_unlock(holder), 0);
	CHECK_EQ(write_within(stream, 2, 0), 0);
	CHECK_EQ(read_number(holder), 2);
	tachyon_stream_destroy(holder);
	end_stream(stream, "a");
}

/* --- in place --- */

TEST(a_committed_value_is_the_newest)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_stream("a");
	struct tachyon_snapshot snapshot;
	void *data = NULL;

	for (uint64_t i = 1; i <= 10; i++) {
		CHECK_EQ(tachyon_stream_begin(writer, 0, &data), 0);
		CHECK_EQ((uintptr_t)data % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
		fill(data, i);
		CHECK_EQ(read_number(reader), i - 1);
		CHECK_EQ(read_number(writer), i - 1);
		CHECK_EQ(tachyon_stream_has_lock(writer), 1);
		CHECK_EQ(tachyon_stream_commit(writer), 0);
		CHECK_EQ(tachyon_stream_has_lock(writer), 0);
		CHECK_EQ(read_with(reader, &snapshot), i);
		CHECK_EQ(snapshot.count, i);
		CHECK(snapshot.time_ns != 0);
	}
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}

TEST(what_was_rolled_back_was_never_there)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_snapshot snapshot;
	void *data;

	CHECK_EQ(write_number(stream, 1), 0);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
		fill(data, 666);
		CHECK_EQ(tachyon_stream_rollback(stream), 0);
		CHECK_EQ(tachyon_stream_has_lock(stream), 0);
		CHECK_EQ(read_with(stream, &snapshot), 1);
		CHECK_EQ(snapshot.count, 1);
	}
	CHECK_EQ(write_number(stream, 2), 0);
	CHECK_EQ(read_number(stream), 2);
	end_stream(stream, "a");
}

TEST(memory_to_write_holds_an_older_value_or_zeros)
{
	struct tachyon_stream *const stream = make_stream("a");
	void *data;

	for (uint64_t i = 0; i < 12; i++) {
		CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
		CHECK(number_in(data) <= i);
		CHECK_EQ(tachyon_stream_rollback(stream), 0);
		CHECK_EQ(write_number(stream, i + 1), 0);
	}
	end_stream(stream, "a");
}

TEST(a_transaction_holds_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");
	void *data;
	void *other = &data;

	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
	CHECK_EQ(tachyon_stream_lock(second, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_begin(second, 0, &other), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_begin(second, SHORT_NS, &other), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ((uintptr_t)other, (uintptr_t)&data);
	CHECK_EQ(write_within(second, 1, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_rollback(stream), 0);
	CHECK_EQ(tachyon_stream_lock(second, 0), 0);
	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), TACHYON_ERR_AGAIN);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(there_is_one_transaction_a_handle)
{
	struct tachyon_stream *const stream = make_stream("a");
	void *data;
	void *other = &data;
	void *live = NULL;

	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
	fill(data, 5);
	CHECK_EQ(tachyon_stream_begin(stream, 0, &other), -EBUSY);
	CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &other), -EBUSY);
	CHECK_EQ((uintptr_t)other, (uintptr_t)&data);
	CHECK_EQ(write_within(stream, 6, 0), -EBUSY);
	CHECK_EQ(tachyon_stream_unlock(stream), -EBUSY);
	CHECK_EQ(tachyon_stream_live(stream, &live), -EBUSY);
	CHECK(!live);
	CHECK_EQ(tachyon_stream_commit(stream), 0);
	CHECK_EQ(read_number(stream), 5);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	end_stream(stream, "a");
}

TEST(nothing_to_end_is_not_permitted)
{
	struct tachyon_stream *const stream = make_stream("a");
	void *data;

	CHECK_EQ(tachyon_stream_commit(stream), -EPERM);
	CHECK_EQ(tachyon_stream_rollback(stream), -EPERM);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_commit(stream), -EPERM);
	CHECK_EQ(tachyon_stream_rollback(stream), -EPERM);
	CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
	CHECK_EQ(tachyon_stream_rollback(stream), 0);
	CHECK_EQ(tachyon_stream_rollback(stream), -EPERM);
	CHECK_EQ(tachyon_stream_has_lock(stream), 1);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_count(stream), 0);
	end_stream(stream, "a");
}

TEST(a_transaction_under_the_lock_leaves_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");
	void *data;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
		fill(data, i);
		CHECK_EQ(tachyon_stream_commit(stream), 0);
		CHECK_EQ(tachyon_stream_has_lock(stream), 1);
		CHECK_EQ(read_number(second), i);
		CHECK_EQ(tachyon_stream_lock(second, 0), TACHYON_ERR_AGAIN);
	}
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(second, 0), 0);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

TEST(destroying_a_handle_rolls_back_and_frees_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");
	void *data;

	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_lock(second, 0), 0);
	CHECK_EQ(tachyon_stream_begin(second, 0, &data), 0);
	fill(data, 666);
	tachyon_stream_destroy(second);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(write_within(stream, 2, 0), 0);
	CHECK_EQ(read_number(stream), 2);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	end_stream(stream, "a");
}

TEST(shutting_a_handle_down_rolls_back_and_frees_the_lock)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const second = open_stream("a");
	uint64_t words[WORDS];
	void *data;

	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_begin(second, 0, &data), 0);
	fill(data, 666);
	tachyon_stream_shutdown(second);
	CHECK_EQ(write_within(stream, 2, 0), 0);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	CHECK(tachyon_stream_commit(second) < 0);
	CHECK(tachyon_stream_rollback(second) < 0);
	CHECK_EQ(tachyon_stream_begin(second, 0, &data), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_live(second, &data), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_lock(second, 0), TACHYON_ERR_CLOSED);
	CHECK_EQ(write_within(second, 3, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_read(second, words, sizeof(words), NULL), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_fd(second), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_has_lock(second), 0);
	CHECK_EQ(read_number(stream), 2);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}

/* --- who may not --- */

TEST(a_read_only_handle_reads_and_locks_and_does_not_write)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_read_only("a");
	void *data = writer;

	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(write_within(reader, 2, LONG_NS), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_begin(reader, 0, &data), TACHYON_ERR_DENIED);
	CHECK_EQ((uintptr_t)data, (uintptr_t)writer);
	CHECK_EQ(tachyon_stream_wait(reader, 1, 0), 0);
	CHECK_EQ(read_number(reader), 1);
	CHECK_EQ(tachyon_stream_lock(reader, 0), 0);
	CHECK_EQ(write_within(writer, 2, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(write_within(reader, 2, 0), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_unlock(reader), 0);
	CHECK_EQ(tachyon_stream_count(writer), 1);
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}
