/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of isolation share: an attacker in a process of its own, and what it costs its
 * victim, in time, memory and descriptors.
 */
#ifndef TACHYON_TESTS_ISOLATION_H
#define TACHYON_TESTS_ISOLATION_H

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "frames.h"
#include "raw-peer.h"
#include "system.h"

/* A call that takes longer hangs, on however busy a machine: 5 s were seen, at low priority. */
#define HANG_NS (20000 * MS)
/* Who waits longer for a block starves. */
#define STARVED_NS (10000 * MS)

/* Memory that nobody shares, in KiB: what the peer makes us allocate. */
static inline long private_kib(void)
{
	FILE *const status = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (fgets(line, sizeof(line), status)) {
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	}
	fclose(status);
	return kib;
}

/* What may be added to it by a peer. A sanitizer keeps what was freed. */
static inline long private_limit_kib(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 1 << 20;
#else
	return 3 << 10;
#endif
}

/* --- an attacker --- */

struct attacker {
	int (*attack)(void *argument);
	void *argument;
	int go[2];
	pid_t pid;
};

static int run_attack(void *argument)
{
	struct attacker *const attacker = argument;
	char byte;

	close(attacker->go[1]);
	(void)!read(attacker->go[0], &byte, 1);
	return attacker->attack(attacker->argument);
}

/* Before the victim is made: it inherits nothing of it. It waits for release_attacker(). */
static inline void hire_attacker(struct attacker *attacker)
{
	CHECK_EQ(pipe2(attacker->go, O_CLOEXEC), 0);
	attacker->pid = run_child(run_attack, attacker);
	close(attacker->go[0]);
}

static inline void release_attacker(struct attacker *attacker)
{
	close(attacker->go[1]);
}

static inline bool is_attacking(const struct attacker *attacker)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)attacker->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/* --- the attacker's connections; each may be refused, or end at any time --- */

/* 0 and a peer; negative: refused, and nothing is open. */
static inline int try_join(struct raw_peer *peer, enum tach_service service, uint64_t ring_size)
{
	const int sock = tach_sock_connect(ADDRESS);
	struct tach_segment *own;
	int ret;

	if (sock < 0)
		return sock;
	*peer = raw_peer_begin(sock, service, ring_size);
	ret = tach_hello_send(sock, TACH_PACKET_HELLO, &peer->offer);
	if (ret == 0)
		ret = raw_wait_readable(sock, RAW_TIMEOUT_NS) ? 0 : -ETIMEDOUT;
	if (ret == 0)
		ret = tach_hello_receive(sock, TACH_PACKET_WELCOME, &peer->offer, &peer->guest);
	if (ret < 0) {
		raw_peer_close(peer);
		return ret;
	}
	own = &peer->offer.segment;
	tach_sender_init(&peer->sender, own->data, own->data_size,
			 &peer->guest.segment.header->head);
	tach_receiver_init(&peer->receiver, peer->guest.segment.data, peer->guest.segment.data_size,
			   &own->header->head);
	return 0;
}

/* The same, until it is let in. */
static inline void join_raw(struct raw_peer *peer, uint64_t ring_size)
{
	const uint64_t start = tach_os_now_ns();

	while (try_join(peer, TACH_SERVICE_FRAMES, ring_size) < 0) {
		CHECK(ms_since(start) < LONG_NS / MS);
		sleep_ms(1);
	}
}

static inline bool is_hung_up(const struct raw_peer *peer)
{
	struct pollfd entry = {.fd = peer->sock, .events = POLLRDHUP};

	return poll(&entry, 1, 0) > 0;
}

/* False when the ring is full, or the victim's head is not to be believed any more. */
static inline bool try_put(struct raw_peer *peer, uint32_t type, const void *body, size_t size)
{
	void *room;

	if (tach_ring_reserve(&peer->sender, size, &room) < 0)
		return false;
	if (size > 0)
		memcpy(room, body, size);
	CHECK_EQ(tach_ring_commit(&peer->sender, size, type), 0);
	tach_ring_flush(&peer->sender);
	return true;
}

#endif
