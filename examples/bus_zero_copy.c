/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A message is made in the memory that its receiver reads: reserve, write, commit; receive, read,
 * release. Nothing is copied on the way.
 *
 *	./bus_zero_copy
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <tachyon.h>
#include <unistd.h>

#define MATRICES 100u
#define CELLS 4096u
#define TYPE_MATRIX 1u
#define TIMEOUT_NS 5000000000

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, tachyon_strerror(error));
	return 1;
}

static int send_matrix(struct tachyon_bus *bus, uint32_t number)
{
	void *data;
	uint32_t *matrix;
	int ret;

	ret = tachyon_bus_reserve(bus, CELLS * sizeof(*matrix), &data, TIMEOUT_NS);
	if (ret < 0)
		return fail("reserve", ret);

	matrix = data;
	for (uint32_t i = 0; i < CELLS; i++)
		matrix[i] = number * i;

	ret = tachyon_bus_commit(bus, CELLS * sizeof(*matrix), TYPE_MATRIX);
	return ret < 0 ? fail("commit", ret) : 0;
}

static int receive_matrix(struct tachyon_bus *bus, uint32_t number)
{
	struct tachyon_message message;
	const uint32_t *matrix;
	uint32_t wrong = 0;
	int ret;

	ret = tachyon_bus_receive(bus, &message, TIMEOUT_NS);
	if (ret < 0)
		return fail("receive", ret);
	if (message.type != TYPE_MATRIX || message.size != CELLS * sizeof(*matrix))
		return 1;

	matrix = message.data;
	for (uint32_t i = 0; i < CELLS; i++)
		wrong += matrix[i] != number * i;
	if (wrong != 0)
		fprintf(stderr, "matrix %u: %u cells are wrong\n", number, wrong);

	/* The sender may overwrite it from here on. */
	ret = tachyon_bus_release(bus, &message);
	return ret < 0 ? fail("release", ret) : wrong != 0;
}

static int produce(const char *address)
{
	/* Room for a few messages of 16 KiB. */
	const struct tachyon_bus_options options = {
		.size = sizeof(options),
		.ring_size = 256 * 1024,
	};
	struct tachyon_bus *bus;
	int ret;

	ret = tachyon_bus_connect(address, &options, &bus);
	if (ret < 0)
		return fail("connect", ret);
	for (uint32_t number = 0; number < MATRICES && ret == 0; number++)
		ret = send_matrix(bus, number);
	/* What was committed is still received. */
	tachyon_bus_destroy(bus);
	return ret;
}

static int consume(const char *address)
{
	struct tachyon_bus *bus;
	int ret;

	ret = tachyon_bus_listen(address, NULL, &bus);
	if (ret < 0)
		return fail("listen", ret);
	for (uint32_t number = 0; number < MATRICES && ret == 0; number++)
		ret = receive_matrix(bus, number);
	tachyon_bus_destroy(bus);
	if (ret == 0)
		printf("%u matrices of %u cells, read where they were written\n", MATRICES, CELLS);
	return ret;
}

int main(void)
{
	char address[64];
	int status = 0;
	pid_t child;
	int ret;

	snprintf(address, sizeof(address), "@tachyon-bus-zero-copy-%d", (int)getpid());
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		_exit(produce(address));

	ret = consume(address);
	waitpid(child, &status, 0);
	return ret != 0 || status != 0;
}
