/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What surrounds a victim that uses a bus: the survivor at its other end, messages that tell their
 * number, and what must hold for the survivor when the victim is dead.
 */
#ifndef TACHYON_TESTS_BUS_STAGE_H
#define TACHYON_TESTS_BUS_STAGE_H

#include <tachyon.h>

#include "witness.h"

#define BUS_ADDRESS "socket"
/* One cell, and sixteen; the smallest ring holds 63. */
#define BUS_SMALL 40u
#define BUS_LARGE 900u
#define BUS_RING 4096u

/* What the survivor is in while the victim acts. */
enum bus_wait {
	BUS_IDLE,	     /* nothing: it looks afterwards */
	BUS_ASLEEP_FOR_DATA, /* a wait for a message */
	BUS_ASLEEP_FOR_SPACE /* a wait for room in its ring, which is full */
};

/* The victim's progress, in memory that outlives it. */
struct bus_talk {
	_Atomic uint64_t begun; /* messages that it may have sent */
	_Atomic uint64_t shown; /* those that it surely did */
	_Atomic uint64_t is_closed;
	_Atomic uint64_t taken; /* messages that it had from the survivor */
};

struct bus_stage {
	struct tachyon_listener *listener;
	struct tachyon_bus *bus; /* the survivor's */
	struct bus_talk *talk;
	struct watcher watcher;
	struct witness witness;
	uint64_t heard;	 /* of the victim's messages, in this round */
	uint64_t base;	 /* those before the act */
	uint64_t spoken; /* of the survivor's */
	const struct bus_act *act;
	struct tachyon_bus *victim; /* the victim's own */
	/* what was seen, over all rounds */
	uint64_t none, all;    /* of what the act sends */
	uint64_t died, closed; /* how it ended */
};

struct bus_act {
	const char *name;
	void (*before)(struct bus_stage *stage); /* the victim's, connected; may be NULL */
	void (*attend)(struct bus_stage *stage); /* the survivor's, likewise */
	void (*act)(struct bus_stage *stage);
	enum bus_wait wait;
	uint32_t together; /* the act's messages become visible all at once */
	uint32_t sends;	   /* how many it sends in the end */
	bool may_close;	   /* it may look like an end in order */
	bool has_view;
};

/* Runs it, with a kill after each instruction. */
void bus_stage_run(const struct bus_act *act);

struct tachyon_bus_options bus_stage_options(void);
/* On a busy machine a handshake may run out of time: tries again. */
void bus_stage_connect(const struct tachyon_bus_options *options, struct tachyon_bus **bus);

/* --- what both sides do --- */

/* A message that can be told from others, and from a mixture: written into size bytes. */
void bus_stage_fill(void *data, size_t size, uint64_t number);
uint32_t bus_stage_type(uint64_t number, size_t size);
/* Checks all of it. */
void bus_stage_check(const struct tachyon_message *message, uint64_t number);

/* The victim sends its next one, in place. */
void bus_stage_send(struct bus_stage *stage, size_t size);
void bus_stage_send_unflushed(struct bus_stage *stage, size_t size);
/* All that it sent was flushed. */
void bus_stage_shown(struct bus_stage *stage);
/* The victim takes the next of the survivor's, without waiting; false: there is none. */
bool bus_stage_take(struct bus_stage *stage, struct tachyon_message *message);

/* The survivor sends so many. */
void bus_stage_speak(struct bus_stage *stage, unsigned int count, size_t size);
/* The survivor takes and releases what comes, so many at the most; what the last one answered. */
int bus_stage_hear(struct bus_stage *stage, uint64_t count, int64_t timeout_ns);

#endif
