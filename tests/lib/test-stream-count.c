/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Streams that were written so often that the word which readers sleep on cannot hold the count.
 */
#include <sys/mman.h>

#include "beacon.h"
#include "slots.h"
#include "stream-setup.h"

/* Two bits of the mark are the slot. */
#define WRAP (((uint64_t)TACH_MARK_MASK + 1) / TACH_STREAM_SLOTS)

static const uint64_t ends[] = {WRAP, 2 * WRAP, 16 * WRAP, 17 * WRAP, WRAP << 20};

#define ENDS (sizeof(ends) / sizeof(ends[0]))

/* As if that many values had been written: nobody has it open. */
static void pretend(const char *what, uint64_t count)
{
	const int fd = open(path_of(what), O_RDWR | O_CLOEXEC);
	struct tach_stream_header *header;
	struct tach_place newest;

	CHECK(fd >= 0);
	header = mmap(NULL, TACH_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(header != MAP_FAILED);
	close(fd);
	for (uint64_t i = count - 3; i <= count; i++) {
		header->slots[i % TACH_STREAM_SLOTS].count = i;
		header->slots[i % TACH_STREAM_SLOTS].version += 2;
	}
	newest = (struct tach_place){.count = count, .slot = count % TACH_STREAM_SLOTS};
	header->newest = tach_slots_mark(&newest) << TACH_MARK_SHIFT;
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
}

static void make_old_stream(const char *what, uint64_t count)
{
	tachyon_stream_destroy(make_stream(what));
	pretend(what, count);
}

TEST(counts_go_on_past_the_words_end)
{
	for (size_t i = 0; i < ENDS; i++) {
		struct tachyon_stream *writer;
		struct tachyon_stream *reader;
		uint64_t count = ends[i] - 3;

		make_old_stream("a", count);
		writer = open_stream("a");
		reader = open_stream("a");
		CHECK_EQ(tachyon_stream_count(reader), count);
		CHECK_EQ(info_of(writer).count, count);
		while (++count < ends[i] + 4) {
			struct tachyon_snapshot snapshot;

			CHECK_EQ(tachyon_stream_wait(reader, count, 0), TACHYON_ERR_AGAIN);
			CHECK_EQ(write_number(writer, count), 0);
			CHECK_EQ(tachyon_stream_count(writer), count);
			CHECK_EQ(tachyon_stream_wait(reader, count, 0), 0);
			CHECK_EQ(tachyon_stream_wait(reader, ends[i] - 5, 0), 0);
			CHECK_EQ(read_with(reader, &snapshot), count);
			CHECK_EQ(snapshot.count, count);
			CHECK_EQ(snapshot.missed, 0);
			CHECK_EQ(info_of(reader).count, count);
		}
		tachyon_stream_destroy(reader);
		end_stream(writer, "a");
	}
}

TEST(a_count_that_looks_the_same_in_the_word_is_not_the_same)
{
	struct tachyon_stream *stream;

	make_old_stream("a", 3 * WRAP + 7);
	stream = open_stream("a");
	CHECK_EQ(tachyon_stream_wait(stream, 2 * WRAP + 7, 0), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 2 * WRAP + 9, 0), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 7, 0), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 4 * WRAP + 7, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_stream_wait(stream, 4 * WRAP + 1, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(tachyon_stream_wait(stream, 3 * WRAP + 8, SHORT_NS), TACHYON_ERR_TIMEDOUT);
	CHECK(tachyon_stream_fd(stream) >= 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 4 * WRAP + 7), 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 2 * WRAP + 8), 1);
	end_stream(stream, "a");
}

static int wait_past_the_end(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	const uint64_t wanted = tachyon_stream_count(stream) + 4;

	tell(other);
	CHECK_EQ(tachyon_stream_wait(stream, wanted, -1), 0);
	CHECK_EQ(tachyon_stream_count(stream), wanted);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(a_sleeper_is_woken_past_the_words_end)
{
	for (size_t i = 0; i < ENDS; i++) {
		struct tachyon_stream *stream;
		struct other other;

		make_old_stream("a", ends[i] - 2);
		stream = open_stream("a");
		other = start_other(wait_past_the_end, "a", NULL);
		await(&other);
		for (uint64_t j = 0; j < 4; j++) {
			wait_until_asleep(other.pid);
			CHECK_EQ(write_number(stream, j), 0);
		}
		end_other(&other);
		end_stream(stream, "a");
	}
}

TEST(edits_go_on_past_the_words_end)
{
	struct tachyon_stream *stream;

	make_old_stream("a", WRAP - 3);
	stream = open_stream("a");
	for (uint64_t i = 1; i <= 6; i++) {
		uint64_t *words;
		void *data;

		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(tachyon_stream_live(stream, &data), 0);
		words = data;
		CHECK_EQ(number_in(words), i - 1);
		fill(words, i);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(read_number(stream), i);
		CHECK_EQ(tachyon_stream_count(stream), WRAP - 3 + i);
	}
	end_stream(stream, "a");
}
