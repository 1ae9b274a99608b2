/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The endpoint in C of the streams between languages: README.md says what it writes, reads and
 * prints.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tachyon.h>

#include "sequence.h"

#define TIMEOUT_NS 60000000000
#define TIMEOUT_MS 60000
#define ROWS 33u
#define COLUMNS 17u
#define ELEMENT_MAX 32u

static const struct kind {
	const char *name;
	uint32_t scalar;
	uint32_t bits;
} kinds[] = {
	{"bool", TACHYON_SCALAR_BOOL, 8},
	{"int8", TACHYON_SCALAR_INT, 8},
	{"int16", TACHYON_SCALAR_INT, 16},
	{"int32", TACHYON_SCALAR_INT, 32},
	{"int64", TACHYON_SCALAR_INT, 64},
	{"uint8", TACHYON_SCALAR_UINT, 8},
	{"uint16", TACHYON_SCALAR_UINT, 16},
	{"uint32", TACHYON_SCALAR_UINT, 32},
	{"uint64", TACHYON_SCALAR_UINT, 64},
	{"float16", TACHYON_SCALAR_FLOAT, 16},
	{"float32", TACHYON_SCALAR_FLOAT, 32},
	{"float64", TACHYON_SCALAR_FLOAT, 64},
	{"longdouble", TACHYON_SCALAR_FLOAT, 128},
	{"complex64", TACHYON_SCALAR_COMPLEX, 64},
	{"complex128", TACHYON_SCALAR_COMPLEX, 128},
	{"clongdouble", TACHYON_SCALAR_COMPLEX, 256},
};

static void check(int ret, const char *what)
{
	if (ret < 0)
		sequence_fail("%s: %s", what, tachyon_strerror(ret));
}

/* --- the streams --- */

/* Whoever comes first creates it. */
static struct tachyon_stream *create_or_open(const char *name, const struct tachyon_array *array)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *stream;
	int ret = tachyon_stream_create(name, array, NULL, &stream);

	if (ret == -EEXIST)
		ret = tachyon_stream_open(name, NULL, &stream);
	check(ret, name);
	check(tachyon_stream_get_info(stream, &info), "info");
	if (memcmp(&info.array, array, sizeof(*array)) != 0)
		sequence_fail("%s: another type or shape", name);
	return stream;
}

/* A stream of values, and what their reader has seen of them. */
struct pair {
	char name[128];
	char seen_name[160];
	struct tachyon_stream *values;
	struct tachyon_stream *seen;
	size_t size;
	bool is_bool;
};

static struct pair open_pair(const char *name, const struct kind *kind)
{
	const struct tachyon_array array = {
		.scalar = kind->scalar,
		.bits = kind->bits,
		.dimensions = 2,
		.shape = {ROWS, COLUMNS},
	};
	const struct tachyon_array number = {.scalar = TACHYON_SCALAR_UINT, .bits = 64};
	struct pair pair = {
		.size = (size_t)kind->bits / 8 * ROWS * COLUMNS,
		.is_bool = kind->scalar == TACHYON_SCALAR_BOOL,
	};

	snprintf(pair.name, sizeof(pair.name), "%s-%s", name, kind->name);
	snprintf(pair.seen_name, sizeof(pair.seen_name), "%s-seen", pair.name);
	pair.values = create_or_open(pair.name, &array);
	pair.seen = create_or_open(pair.seen_name, &number);
	return pair;
}

static void close_pair(const struct pair *pair)
{
	tachyon_stream_destroy(pair->values);
	tachyon_stream_destroy(pair->seen);
}

static struct sequence_piece value_of(const struct pair *pair, uint64_t number)
{
	static uint8_t data[(size_t)ELEMENT_MAX * ROWS * COLUMNS];

	memcpy(data, sequence_picture(number).data, pair->size);
	for (size_t i = 0; pair->is_bool && i < pair->size; i++)
		data[i] &= 1;
	return (struct sequence_piece){data, pair->size};
}

/* --- writing --- */

static void write_in_place(struct tachyon_stream *stream, struct sequence_piece value)
{
	void *data;

	check(tachyon_stream_begin(stream, TIMEOUT_NS, &data), "begin");
	memcpy(data, value.data, value.size);
	check(tachyon_stream_commit(stream), "commit");
}

static void write_live(struct tachyon_stream *stream, struct sequence_piece value)
{
	void *data;

	check(tachyon_stream_lock(stream, TIMEOUT_NS), "lock");
	check(tachyon_stream_live(stream, &data), "live");
	memcpy(data, value.data, value.size);
	check(tachyon_stream_unlock(stream), "unlock");
}

/* Each way to write, in turn. */
static void write_value(struct tachyon_stream *stream, struct sequence_piece value, uint64_t number)
{
	if (number % 3 == 0)
		check(tachyon_stream_write(stream, value.data, value.size, TIMEOUT_NS), "write");
	else if (number % 3 == 1)
		write_in_place(stream, value);
	else
		write_live(stream, value);
}

static void write_kind(const char *name, const struct kind *kind, uint64_t count,
		       struct sequence_tally *tally)
{
	const struct pair pair = open_pair(name, kind);

	for (uint64_t number = 1; number <= count; number++) {
		const struct sequence_piece value = value_of(&pair, number);

		write_value(pair.values, value, number);
		sequence_count(tally, value);
		check(tachyon_stream_wait(pair.seen, number, TIMEOUT_NS), "wait for the reader");
	}
	/* The reader has both open. */
	check(tachyon_stream_unlink(pair.name, NULL), "unlink");
	check(tachyon_stream_unlink(pair.seen_name, NULL), "unlink");
	close_pair(&pair);
}

/* --- reading --- */

static void await_by_descriptor(struct tachyon_stream *stream, uint64_t count)
{
	struct pollfd polled = {.fd = tachyon_stream_fd(stream), .events = POLLIN};
	int ret;

	check(polled.fd, "fd");
	for (ret = tachyon_stream_prepare(stream, count); ret == 0;
	     ret = tachyon_stream_dispatch(stream, count))
		if (poll(&polled, 1, TIMEOUT_MS) != 1)
			sequence_fail("the poll slept on");
	check(ret, "dispatch");
}

static void read_copy(struct tachyon_stream *stream, uint8_t *data, size_t size, uint64_t number)
{
	struct tachyon_snapshot snapshot;

	check(tachyon_stream_read(stream, data, size, &snapshot), "read");
	if (snapshot.count != number || snapshot.missed != 0 || snapshot.time_ns == 0)
		sequence_fail("value %" PRIu64 " came as %" PRIu64 ", %" PRIu64 " missed", number,
			      snapshot.count, snapshot.missed);
}

static void read_live(struct tachyon_stream *stream, uint8_t *data, size_t size)
{
	void *live;

	check(tachyon_stream_lock(stream, TIMEOUT_NS), "lock");
	check(tachyon_stream_live(stream, &live), "live");
	memcpy(data, live, size);
	check(tachyon_stream_unlock(stream), "unlock");
}

static void read_kind(const char *name, const struct kind *kind, uint64_t count,
		      struct sequence_tally *tally)
{
	static uint8_t data[(size_t)ELEMENT_MAX * ROWS * COLUMNS];
	const struct pair pair = open_pair(name, kind);

	for (uint64_t number = 1; number <= count; number++) {
		if (number % 2 == 0)
			await_by_descriptor(pair.values, number);
		else
			check(tachyon_stream_wait(pair.values, number, TIMEOUT_NS), "wait");
		if (number % 3 == 0)
			read_live(pair.values, data, pair.size);
		read_copy(pair.values, data, pair.size, number);
		if (memcmp(data, value_of(&pair, number).data, pair.size) != 0)
			sequence_fail("%s: value %" PRIu64 " is wrong", kind->name, number);
		sequence_count(tally, (struct sequence_piece){data, pair.size});
		check(tachyon_stream_write(pair.seen, &number, sizeof(number), TIMEOUT_NS),
		      "write");
	}
	close_pair(&pair);
}

/* --- adding --- */

static void add(const char *name, uint64_t count, uint64_t total)
{
	const struct tachyon_array number = {.scalar = TACHYON_SCALAR_UINT, .bits = 64};
	struct tachyon_stream *stream = create_or_open(name, &number);
	uint64_t sum;

	for (uint64_t i = 0; i < count; i++) {
		void *data;

		check(tachyon_stream_lock(stream, TIMEOUT_NS), "lock");
		check(tachyon_stream_live(stream, &data), "live");
		*(uint64_t *)data += 1;
		check(tachyon_stream_unlock(stream), "unlock");
	}
	check(tachyon_stream_wait(stream, total, TIMEOUT_NS), "wait for the others");
	check(tachyon_stream_read(stream, &sum, sizeof(sum), NULL), "read");
	printf("sum %" PRIu64 "\n", sum);
	tachyon_stream_destroy(stream);
}

/* --- the command line --- */

static int usage(void)
{
	fprintf(stderr, "interop-stream-c write|read NAME COUNT\n"
			"interop-stream-c add NAME COUNT TOTAL\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";
	struct sequence_tally tally = {0};
	uint64_t count;

	if (argc != (strcmp(what, "add") == 0 ? 5 : 4))
		return usage();
	count = strtoull(argv[3], NULL, 10);
	if (strcmp(what, "add") == 0) {
		add(argv[2], count, strtoull(argv[4], NULL, 10));
		return 0;
	}
	if (strcmp(what, "write") != 0 && strcmp(what, "read") != 0)
		return usage();
	sequence_init();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (what[0] == 'w')
			write_kind(argv[2], &kinds[i], count, &tally);
		else
			read_kind(argv[2], &kinds[i], count, &tally);
	}
	sequence_report(&tally, "values");
	return 0;
}
