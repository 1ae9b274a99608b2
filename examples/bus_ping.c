/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Two processes send a number back and forth: listen, connect, send, receive, release.
 *
 *	./bus_ping
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <tachyon.h>
#include <unistd.h>

#define PINGS 10000u
#define TYPE_PING 1u
#define TYPE_PONG 2u
#define TIMEOUT_NS 5000000000

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, tachyon_strerror(error));
	return 1;
}

static int send_number(struct tachyon_bus *bus, uint32_t type, uint64_t number)
{
	const int ret = tachyon_bus_send(bus, &number, sizeof(number), type, TIMEOUT_NS);

	return ret < 0 ? fail("send", ret) : 0;
}

/* A message lies in the peer's memory: look at it, then give it back. */
static int receive_number(struct tachyon_bus *bus, uint32_t type, uint64_t *number)
{
	struct tachyon_message message;
	int ret;

	ret = tachyon_bus_receive(bus, &message, TIMEOUT_NS);
	if (ret < 0)
		return fail("receive", ret);
	if (message.type != type || message.size != sizeof(*number)) {
		fprintf(stderr, "not what was expected: type %u\n", message.type);
		return 1;
	}
	*number = *(const uint64_t *)message.data;
	return tachyon_bus_release(bus, &message);
}

/* Answers each number with the next one. */
static int pong(const char *address)
{
	struct tachyon_bus *bus;
	uint64_t number;
	int ret;

	ret = tachyon_bus_connect(address, NULL, &bus);
	if (ret < 0)
		return fail("connect", ret);
	for (uint32_t i = 0; i < PINGS && ret == 0; i++) {
		ret = receive_number(bus, TYPE_PING, &number);
		if (ret == 0)
			ret = send_number(bus, TYPE_PONG, number + 1);
	}
	tachyon_bus_destroy(bus);
	return ret != 0;
}

static int ping(const char *address)
{
	struct tachyon_bus *bus;
	uint64_t number = 0;
	int ret;

	ret = tachyon_bus_listen(address, NULL, &bus);
	if (ret < 0)
		return fail("listen", ret);
	for (uint32_t i = 0; i < PINGS && ret == 0; i++) {
		ret = send_number(bus, TYPE_PING, number);
		if (ret == 0)
			ret = receive_number(bus, TYPE_PONG, &number);
	}
	tachyon_bus_destroy(bus);
	if (ret != 0 || number != PINGS)
		return 1;
	printf("%u pings, %u pongs\n", PINGS, PINGS);
	return 0;
}

int main(void)
{
	char address[64];
	int status = 0;
	pid_t child;
	int ret;

	snprintf(address, sizeof(address), "@tachyon-bus-ping-%d", (int)getpid());
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0)
		_exit(pong(address));

	ret = ping(address);
	waitpid(child, &status, 0);
	return ret != 0 || status != 0;
}
