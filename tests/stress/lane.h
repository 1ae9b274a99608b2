/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One direction of a bus under stress: who sends, who receives, and what each says of himself while
 * he does, for the watcher, who tells a sleeper that was forgotten from one whom the machine keeps
 * waiting.
 */
#ifndef TACHYON_TESTS_STRESS_LANE_H
#define TACHYON_TESTS_STRESS_LANE_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>
#include <tachyon.h>

#include "plan.h"

#define STAMPS 1024u

/* When a message was made visible. */
struct stamp {
	_Atomic uint64_t number; /* 1 + it */
	_Atomic int64_t time_ns;
};

/* One end of a lane. A thread has one word in a line that only the watcher reads now and then. */
struct lane_end {
	_Alignas(128) _Atomic uint64_t begun; /* sent, or received, perhaps not shown yet */
	_Atomic uint64_t shown; /* flushed, or released: the call that did so has returned */
	_Atomic uint32_t waits; /* it is in a call that may sleep for the other end */
	_Atomic pid_t pid, thread;
};

/* Shared by both processes and the watcher. */
struct lane {
	struct lane_end sender, receiver;
	/* facts, before the first message */
	_Atomic uint32_t max;
	/* what the receiver found */
	_Alignas(128) int64_t longest_gap_ns;
	int64_t longest_delay_ns;
	uint64_t gaps_above_ms, delays_above_ms;
	uint64_t bytes;
	/* of the sender's process */
	struct tachyon_bus_stats stats;
	struct stamp stamps[STAMPS];
};

void lane_end_is_here(struct lane_end *end);

struct sender {
	struct tachyon_bus *bus;
	struct lane *lane;
	struct plan plan;
	uint64_t next;
	uint64_t dice;
};

struct receiver {
	struct tachyon_bus *bus;
	struct lane *lane;
	struct plan plan;
	uint64_t next;
	uint64_t count; /* no more come */
	uint64_t dice;
	int64_t last_ns; /* when the last message came; 0: none did */
};

/* Sends the next message, waiting for room. */
void sender_send(struct sender *sender);
/* Shows what it has sent. */
void sender_flush(struct sender *sender);
/* One that is too big, by each of the two ways. */
void sender_try_too_big(struct sender *sender);

/*
 * Waits for the next message, takes one or more, but none from limit on, checks and releases them.
 */
void receiver_take(struct receiver *receiver, uint64_t limit);

#endif
