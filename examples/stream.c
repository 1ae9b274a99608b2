/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The newest value of an array, by name: one process writes a matrix again and again, another reads
 * whatever is the newest when it looks, and sleeps until there is one.
 *
 *	./stream
 */
#include <stdio.h>
#include <sys/wait.h>
#include <tachyon.h>
#include <unistd.h>

#define ROWS 64u
#define COLUMNS 64u
#define WRITES 1000u
#define TIMEOUT_NS 5000000000

typedef double matrix[ROWS][COLUMNS];

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, tachyon_strerror(error));
	return 1;
}

static int write_matrices(struct tachyon_stream *stream)
{
	for (uint32_t number = 1; number <= WRITES; number++) {
		void *data;
		double *cells;
		int ret;

		/* In place, and nobody sees it before it is complete. */
		ret = tachyon_stream_begin(stream, TIMEOUT_NS, &data);
		if (ret < 0)
			return fail("begin", ret);
		cells = data;
		for (uint32_t i = 0; i < ROWS * COLUMNS; i++)
			cells[i] = number;
		ret = tachyon_stream_commit(stream);
		if (ret < 0)
			return fail("commit", ret);
	}
	return 0;
}

static int check(const matrix cells, uint64_t count)
{
	for (uint32_t row = 0; row < ROWS; row++)
		for (uint32_t column = 0; column < COLUMNS; column++)
			if (cells[row][column] != (double)count)
				return 1;
	return 0;
}

static int read_matrices(const char *name)
{
	struct tachyon_snapshot snapshot = {0};
	struct tachyon_stream *stream;
	unsigned int seen = 0;
	matrix cells;
	int ret;

	ret = tachyon_stream_open(name, NULL, &stream);
	if (ret < 0)
		return fail("open", ret);
	while (ret == 0 && snapshot.count < WRITES) {
		ret = tachyon_stream_wait(stream, snapshot.count + 1, TIMEOUT_NS);
		if (ret == 0)
			ret = tachyon_stream_read(stream, cells, sizeof(cells), &snapshot);
		if (ret < 0)
			fail("read", ret);
		else if (check(cells, snapshot.count) != 0)
			ret = fail("a mixture", TACHYON_ERR_CORRUPT);
		seen++;
	}
	tachyon_stream_destroy(stream);
	if (ret == 0)
		printf("%u of %u matrices seen, the newest each time, each complete\n", seen,
		       WRITES);
	return ret != 0;
}

int main(void)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_FLOAT,
		.bits = 64,
		.dimensions = 2,
		.shape = {ROWS, COLUMNS},
	};
	struct tachyon_stream *stream;
	char name[32];
	int status = 0, ret;
	pid_t child;

	snprintf(name, sizeof(name), "example-%d", (int)getpid());
	ret = tachyon_stream_create(name, &array, NULL, &stream);
	if (ret < 0)
		return fail("create", ret);
	child = fork();
	if (child == 0)
		_exit(write_matrices(stream));

	ret = child < 0 ? 1 : read_matrices(name);
	if (child > 0)
		waitpid(child, &status, 0);
	tachyon_stream_destroy(stream);
	/* Until here it would have outlived us. */
	tachyon_stream_unlink(name, NULL);
	return ret != 0 || status != 0;
}
