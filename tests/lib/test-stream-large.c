/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Values of megabytes: written while they are read, by processes that are killed on the way.
 */
#include "stream-layout.h"
#include "stream-setup.h"

#define LARGE_WORDS (192u * 1024)
#define LARGE_SIZE (LARGE_WORDS * sizeof(uint64_t))

static uint64_t words[LARGE_WORDS];

/* Enough of them to see a mixture: a writer goes from one end to the other. */
static uint64_t number_in_large(void)
{
	for (size_t i = 1; i < LARGE_WORDS; i++)
		CHECK_EQ(words[i], words[0]);
	return words[0];
}

static int write_large(struct tachyon_stream *stream, uint64_t number)
{
	for (size_t i = 0; i < LARGE_WORDS; i++)
		words[i] = number;
	return tachyon_stream_write(stream, words, sizeof(words), LONG_NS);
}

static uint64_t read_large(struct tachyon_stream *stream, struct tachyon_snapshot *snapshot)
{
	CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), snapshot), 0);
	return number_in_large();
}

TEST(a_large_value_is_read_as_it_was_written)
{
	struct tachyon_stream *const stream = make_stream_of("a", LARGE_WORDS);
	struct tachyon_stream *const reader = open_read_only("a");
	struct tachyon_snapshot snapshot;

	CHECK_EQ(info_of(stream).value_size, LARGE_SIZE);
	for (uint64_t i = 1; i <= 12; i++) {
		CHECK_EQ(write_large(stream, i), 0);
		CHECK_EQ(read_large(reader, &snapshot), i);
		CHECK_EQ(snapshot.count, i);
		CHECK_EQ(snapshot.missed, 0);
	}
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}

/* Or writers would take it for read for ever. */
TEST(whoever_has_read_a_large_value_no_longer_says_that_it_reads)
{
	struct tachyon_stream *const stream = make_stream_of("a", LARGE_WORDS);
	const int fd = open(path_of("a"), O_RDONLY | O_CLOEXEC);
	struct tach_stream_header header;

	CHECK_EQ(write_large(stream, 1), 0);
	for (int i = 0; i < 3; i++)
		(void)read_large(stream, NULL);
	CHECK_EQ(tachyon_stream_read(stream, NULL, 0, NULL), 0);
	CHECK_EQ(tachyon_stream_read(stream, words, 1, NULL), -EINVAL);
	CHECK_EQ(pread(fd, &header, sizeof(header), 0), sizeof(header));
	CHECK_EQ(header.readers, 0);
	close(fd);
	end_stream(stream, "a");
}

#define ROUNDS 250u

static int write_rounds(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	for (uint64_t i = 0; i < ROUNDS; i++)
		CHECK_EQ(write_large(stream, i), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

static int read_until_all(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	struct tachyon_snapshot snapshot = {0};

	for (uint64_t last = 0; last < 2 * ROUNDS; last = snapshot.count) {
		(void)read_large(stream, &snapshot);
		CHECK(snapshot.count >= last);
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(large_values_are_whole_beside_quick_writers, 120)
{
	struct tachyon_stream *const stream = make_stream_of("a", LARGE_WORDS);
	struct other readers[2];
	struct other writers[2];

	for (int i = 0; i < 2; i++)
		readers[i] = start_other(read_until_all, "a", NULL);
	for (int i = 0; i < 2; i++)
		writers[i] = start_other(write_rounds, "a", NULL);
	for (int i = 0; i < 2; i++)
		end_other(&writers[i]);
	for (int i = 0; i < 2; i++)
		end_other(&readers[i]);
	CHECK_EQ(tachyon_stream_count(stream), 2 * ROUNDS);
	end_stream(stream, "a");
}

static _Noreturn int read_for_ever(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	for (;;)
		(void)read_large(stream, NULL);
}

static _Noreturn int write_for_ever(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	tell(other);
	for (uint64_t i = 0;; i++)
		CHECK_EQ(write_large(stream, i), 0);
}

/* Whatever a reader leaves behind, the next ones read and write as ever. */
TEST_WITH_TIMEOUT(readers_and_writers_that_die_half_way_are_in_nobodys_way, 120)
{
	struct tachyon_stream *const stream = make_stream_of("a", LARGE_WORDS);
	struct tachyon_snapshot snapshot;
	uint32_t random = 1;

	for (uint64_t i = 0; i < 25; i++) {
		struct other reader = start_other(read_for_ever, "a", NULL);
		struct other writer = start_other(write_for_ever, "a", NULL);
		uint64_t count;

		await(&reader);
		await(&writer);
		linger(&random, 6000);
		kill_other(i % 2 ? &reader : &writer);
		(void)read_large(stream, &snapshot);
		linger(&random, 2000);
		kill_other(i % 2 ? &writer : &reader);
		count = tachyon_stream_count(stream);
		CHECK(count >= snapshot.count);
		CHECK_EQ(write_large(stream, i), 0);
		CHECK_EQ(read_large(stream, &snapshot), i);
		CHECK_EQ(snapshot.count, count + 1);
	}
	end_stream(stream, "a");
}

TEST(one_word_of_a_large_value_is_edited)
{
	struct tachyon_stream *const stream = make_stream_of("a", LARGE_WORDS);
	struct tachyon_stream *const reader = open_stream("a");

	CHECK_EQ(write_large(stream, 3), 0);
	for (uint64_t i = 0; i < 8; i++) {
		const size_t place = (size_t)i * 20011;
		void *data;

		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(tachyon_stream_live(stream, &data), 0);
		((uint64_t *)data)[place] = 4;
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(tachyon_stream_read(reader, words, sizeof(words), NULL), 0);
		CHECK_EQ(words[place], 4);
		words[place] = 3;
		for (uint64_t j = 0; j < i; j++) {
			CHECK_EQ(words[(size_t)j * 20011], 4);
			words[(size_t)j * 20011] = 3;
		}
		CHECK_EQ(number_in_large(), 3);
	}
	tachyon_stream_destroy(reader);
	end_stream(stream, "a");
}
