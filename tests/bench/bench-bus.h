/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What bench-bus.c and its two processes' work share.
 */
#ifndef BENCH_BUS_H
#define BENCH_BUS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <tachyon.h>

#define BENCH_WORDS 4 /* of 8 bytes: the payload */
#define BENCH_RING_CELLS 1024
#define BENCH_RING_SIZE (BENCH_RING_CELLS * 64) /* the bus's default */
#define BENCH_BATCH 32
#define BENCH_WAKES_MAX 4096

struct bench_cell {
	_Alignas(64) _Atomic uint64_t seq;
	uint64_t payload[BENCH_WORDS];
};

/* Lines that different processes write stand two lines apart: prefetchers pull them in pairs. */
struct bench_shared {
	_Alignas(128) struct bench_cell ping;
	_Alignas(128) struct bench_cell pong;
	_Alignas(128) _Atomic uint64_t head; /* of ring */
	_Alignas(128) _Atomic uint64_t arrived[2];
	_Alignas(128) _Atomic uint64_t asleep; /* the consumer's next call sleeps for this one */
	_Alignas(128) uint64_t rang_ns;
	_Alignas(128) uint64_t calls[2]; /* of the library, in the variant just run */
	uint64_t latencies_ns[BENCH_WAKES_MAX];
	_Alignas(128) struct bench_cell ring[BENCH_RING_CELLS];
};

enum bench_role { BENCH_PRODUCER, BENCH_CONSUMER };

/* One of the two processes. */
struct bench_side {
	struct bench_shared *shared;
	struct tachyon_bus *bus;	/* as by default */
	struct tachyon_bus *sleepy_bus; /* never spins */
	int bell;
	enum bench_role role;
	uint64_t count;
	uint64_t base;	  /* of the values sent: differs between runs */
	uint64_t ring_at; /* where the floor's ring stands */
	uint64_t barriers;
};

_Noreturn void bench_die(const char *what, int code);
uint64_t bench_now_ns(void);
void bench_relax(void);

/* Inline: the floors do not call anything either. */
static inline void bench_expect(int ret, const char *call)
{
	if (ret < 0)
		bench_die(call, ret);
}

/*
 * Each sends side->count values from side->base on, or takes and compares them. A pair runs at the
 * same time, one in each process.
 */
void bench_ping_line(struct bench_side *side);
void bench_pong_line(struct bench_side *side);
void bench_ping_bus(struct bench_side *side);
void bench_pong_bus(struct bench_side *side);
void bench_stream_line(struct bench_side *side);
void bench_drain_line(struct bench_side *side);
void bench_stream_bus(struct bench_side *side);
void bench_drain_bus(struct bench_side *side);
void bench_stream_batches(struct bench_side *side);
void bench_drain_batches(struct bench_side *side);
void bench_wake_bell(struct bench_side *side);
void bench_sleep_bell(struct bench_side *side);
void bench_wake_bus(struct bench_side *side);
void bench_sleep_bus(struct bench_side *side);

#endif
