/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Messages: a side that connects, one that listens, one that waits for room. */
#include "scenario.h"

#include <harness.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDRESS "socket"

static const struct tachyon_bus_options options = {
	.size = sizeof(options),
	.spin = TACHYON_SPIN_NEVER,
	.timeout_ns = LONG_NS,
	.has_private_view = 1,
};

/* --- the peer --- */

/* Sends back what it gets, to one after another, until there is nobody more. */
static int echo(void *argument)
{
	struct tachyon_listener *const listener = argument;
	struct tachyon_message message;
	struct tachyon_bus *bus;
	int served = 0;

	while (tachyon_listener_accept(listener, LONG_NS, &bus) == 0) {
		while (tachyon_bus_receive(bus, &message, LONG_NS) == 0) {
			tachyon_bus_send(bus, message.data, message.size, message.type, LONG_NS);
			tachyon_bus_release(bus, &message);
			served++;
		}
		EXPECT(tachyon_bus_end(bus) != TACHYON_END_CORRUPT);
		tachyon_bus_destroy(bus);
	}
	return served;
}

/* Connects until it is told of no more need; sends and gets back the same. */
static int ask(void *argument)
{
	const struct tachyon_bus_options plain = {.size = sizeof(plain), .timeout_ns = 300 * MS};
	_Atomic bool *const is_done = argument;
	struct tachyon_message message;
	struct tachyon_bus *bus;
	int served = 0;

	while (!*is_done) {
		if (tachyon_bus_connect(ADDRESS, &plain, &bus) < 0) {
			linger();
			continue;
		}
		for (uint32_t i = 0; i < 4; i++) {
			if (tachyon_bus_send(bus, "ask", 4, i, LONG_NS) < 0 ||
			    tachyon_bus_receive(bus, &message, LONG_NS) < 0)
				break;
			EXPECT(message.type == i && strcmp(message.data, "ask") == 0);
			tachyon_bus_release(bus, &message);
			served++;
		}
		/* Until it leaves. */
		(void)tachyon_bus_receive(bus, &message, LONG_NS);
		EXPECT(tachyon_bus_end(bus) != TACHYON_END_CORRUPT);
		tachyon_bus_destroy(bus);
	}
	return served;
}

/* --- what both sides do --- */

static int receive(struct tachyon_bus *bus, uint32_t type, struct tachyon_message *message)
{
	if (TRY(tachyon_bus_receive, bus, message, LONG_NS) < 0)
		return -1;
	EXPECT(message->type == type);
	return 0;
}

static int round_trip(struct tachyon_bus *bus, uint32_t type)
{
	struct tachyon_message message;
	char text[32];

	snprintf(text, sizeof(text), "message %u", type);
	if (TRY(tachyon_bus_send, bus, text, sizeof(text), type, LONG_NS) < 0)
		return -1;
	if (receive(bus, type, &message) < 0)
		return -1;
	EXPECT(message.size == sizeof(text) && strcmp(message.data, text) == 0);
	return TRY(tachyon_bus_release, bus, &message);
}

static int send_in_place(struct tachyon_bus *bus, uint32_t type)
{
	struct tachyon_message message;
	void *data;

	if (TRY(tachyon_bus_reserve, bus, 100, &data, LONG_NS) < 0)
		return -1;
	if (TRY(tachyon_bus_rollback, bus) < 0)
		return -1;
	if (TRY(tachyon_bus_reserve, bus, 100, &data, LONG_NS) < 0)
		return -1;
	memset(data, 'x', 100);
	if (TRY(tachyon_bus_commit_unflushed, bus, 100, type) < 0)
		return -1;
	if (TRY(tachyon_bus_flush, bus) < 0)
		return -1;
	if (TRY(tachyon_bus_receive_batch, bus, &message, 1, LONG_NS) < 0)
		return -1;
	return TRY(tachyon_bus_release, bus, &message);
}

/* With the caller's own poll. */
static int poll_for_one(struct tachyon_bus *bus, uint32_t type)
{
	struct pollfd entry = {.fd = tachyon_bus_fd(bus), .events = POLLIN};
	struct tachyon_message message;
	int ret;

	if (TRY(tachyon_bus_send, bus, "poll", 5, type, LONG_NS) < 0)
		return -1;
	for (;;) {
		ret = TRY(tachyon_bus_prepare, bus);
		if (ret == 0)
			EXPECT(poll(&entry, 1, (int)(LONG_NS / MS)) == 1);
		DO(tachyon_bus_dispatch, bus);
		attempt_begin("tachyon_bus_receive");
		ret = tachyon_bus_receive(bus, &message, 0);
		if (ret != TACHYON_ERR_AGAIN)
			break;
		attempt_end(0);
	}
	if (attempt_end(ret))
		return TRY(tachyon_bus_receive, bus, &message, LONG_NS);
	if (ret < 0)
		return -1;
	return TRY(tachyon_bus_release, bus, &message);
}

static int look_privately(struct tachyon_bus *bus, uint32_t type)
{
	struct tachyon_message message;
	void *view;

	for (int i = 0; i < 2; i++) {
		if (TRY(tachyon_bus_send, bus, "private", 8, type, LONG_NS) < 0)
			return -1;
		if (receive(bus, type, &message) < 0)
			return -1;
		if (TRY(tachyon_bus_private_view, bus, &message, &view) < 0)
			return -1;
		EXPECT(strcmp(view, "private") == 0);
		strcpy(view, "written");
		EXPECT(strcmp(message.data, "private") == 0);
		if (TRY(tachyon_bus_release, bus, &message) < 0)
			return -1;
	}
	return 0;
}

static void be_canceled(struct tachyon_bus *bus)
{
	struct tachyon_message message;

	DO(tachyon_bus_cancel, bus);
	EXPECT(tachyon_bus_receive(bus, &message, LONG_NS) < 0);
	DO(tachyon_bus_resume, bus);
}

static void talk(struct tachyon_bus *bus)
{
	if (round_trip(bus, 1) < 0 || round_trip(bus, 2) < 0)
		return;
	if (send_in_place(bus, 3) < 0 || poll_for_one(bus, 4) < 0)
		return;
	if (look_privately(bus, 5) < 0)
		return;
	be_canceled(bus);
	if (round_trip(bus, 6) < 0)
		return;
	DO(tachyon_bus_shutdown, bus);
}

/* --- scenarios --- */

static void connect_and_talk(void)
{
	struct tachyon_listener *listener;
	struct tachyon_bus *bus = NULL;
	struct helper *peer;

	EXPECT(tachyon_listener_create(ADDRESS, &options, &listener) == 0);
	peer = start_helper(echo, listener);
	EXPECT(TRY(tachyon_bus_connect, ADDRESS, &options, &bus) == 0);
	talk(bus);
	DO(tachyon_bus_destroy, bus);

	/* Whatever became of the first, the listener goes on. */
	EXPECT(tachyon_bus_connect(ADDRESS, &options, &bus) == 0);
	EXPECT(tachyon_bus_send(bus, "last", 5, 9, LONG_NS) == 0);
	EXPECT(receive(bus, 9, &(struct tachyon_message){0}) == 0);
	tachyon_bus_destroy(bus);
	tachyon_listener_cancel(listener);
	EXPECT(finish_helper(peer) > 0);
	tachyon_listener_destroy(listener);
}

/* What a listener that died leaves: a socket that nobody listens on. */
static void leave_stale_socket(void)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = ADDRESS};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* Where the run before could not remove its own. */
	(void)unlink(ADDRESS);
	EXPECT(bind(sock, (const struct sockaddr *)&name, sizeof(name)) == 0);
	close(sock);
}

/* Answers who asks, until somebody has asked four times. */
static int answer(struct tachyon_listener *listener)
{
	struct tachyon_message message;
	struct tachyon_bus *bus;
	uint32_t answered = 0;

	EXPECT(TRY(tachyon_listener_accept, listener, LONG_NS, &bus) == 0);
	while (answered < 4) {
		if (TRY(tachyon_bus_receive, bus, &message, LONG_NS) < 0)
			break;
		EXPECT(message.type == answered);
		if (TRY(tachyon_bus_send, bus, message.data, message.size, message.type, LONG_NS) <
			    0 ||
		    TRY(tachyon_bus_release, bus, &message) < 0)
			break;
		answered++;
	}
	DO(tachyon_bus_destroy, bus);
	return answered == 4 ? 0 : -1;
}

static void listen_and_answer(void)
{
	const uint32_t uid = 1;
	struct tachyon_bus_options listening = options;
	_Atomic bool is_done = false;
	struct tachyon_listener *listener;
	struct helper *peer;

	leave_stale_socket();
	listening.access = (struct tachyon_access){.uids = &uid, .uid_count = 1};
	EXPECT(TRY(tachyon_listener_create, ADDRESS, &listening, &listener) == 0);
	EXPECT(tachyon_listener_fd(listener) >= 0);
	peer = start_helper(ask, &is_done);
	if (answer(listener) < 0)
		EXPECT(answer(listener) == 0);
	is_done = true;
	DO(tachyon_listener_destroy, listener);
	EXPECT(finish_helper(peer) >= 4);
}

/* --- room --- */

#define FILLING 400
#define FILLER 1000

static int read_all(void *argument)
{
	struct tachyon_message message;
	struct tachyon_bus *bus;
	int got = 0;

	(void)argument;
	/* Held up for long on a busy machine, it is sent away: see PROTOCOL.md, 6. */
	while (tachyon_bus_connect(ADDRESS, &options, &bus) < 0)
		linger();
	while (tachyon_bus_receive(bus, &message, LONG_NS) == 0) {
		EXPECT(message.type == (uint32_t)got++);
		tachyon_bus_release(bus, &message);
	}
	EXPECT(tachyon_bus_end(bus) == TACHYON_END_CLOSED);
	tachyon_bus_destroy(bus);
	return got;
}

static void wait_for_room(void)
{
	const struct tachyon_bus_options small = {
		.size = sizeof(small),
		.spin = TACHYON_SPIN_NEVER,
		.ring_size = 4096,
		.timeout_ns = 3 * LONG_NS,
	};
	struct helper *const peer = start_helper(read_all, NULL);
	struct tachyon_bus *bus;
	char filler[FILLER] = "";
	uint32_t sent;

	EXPECT(tachyon_bus_listen(ADDRESS, &small, &bus) == 0);
	for (sent = 0; sent < FILLING; sent++)
		if (TRY(tachyon_bus_send, bus, filler, sizeof(filler), sent, LONG_NS) < 0)
			break;
	DO(tachyon_bus_destroy, bus);
	EXPECT(finish_helper(peer) == (int)sent);
}

/* --- once, by an abstract name --- */

static int never(void *data)
{
	(void)data;
	return 0;
}

/* Until it has got a message: a first try may have failed on the other side after the handshake. */
static int connect_once(void *name)
{
	struct tachyon_message message;
	struct tachyon_bus *bus;
	int ret = -1;

	while (ret < 0) {
		linger();
		if (tachyon_bus_connect(name, &options, &bus) < 0)
			continue;
		ret = tachyon_bus_receive(bus, &message, LONG_NS);
		tachyon_bus_destroy(bus);
	}
	return ret;
}

static void listen_once(void)
{
	struct tachyon_bus_options once = options;
	struct tachyon_bus *bus;
	struct helper *peer;
	char name[64];

	once.is_canceled = never;
	snprintf(name, sizeof(name), "@%s", run_name());
	peer = start_helper(connect_once, name);
	EXPECT(TRY(tachyon_bus_listen, name, &once, &bus) == 0);
	EXPECT(TRY(tachyon_bus_send, bus, "once", 5, 0, LONG_NS) == 0);
	DO(tachyon_bus_destroy, bus);
	EXPECT(finish_helper(peer) == 0);
}

FAIL_IN_TURN(each_call_of_who_connects_fails_in_turn, connect_and_talk)
FAIL_IN_TURN(each_call_of_who_listens_fails_in_turn, listen_and_answer)
FAIL_IN_TURN(each_call_of_who_listens_once_fails_in_turn, listen_once)
FAIL_IN_TURN(each_call_of_who_waits_for_room_fails_in_turn, wait_for_room)
