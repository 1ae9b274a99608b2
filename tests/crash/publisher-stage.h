/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What surrounds a victim that publishes: two who subscribe, one of them asleep, items that tell
 * their number, and what must hold for both when the victim is dead.
 */
#ifndef TACHYON_TESTS_PUBLISHER_STAGE_H
#define TACHYON_TESTS_PUBLISHER_STAGE_H

#include <tachyon.h>

#include "witness.h"

#define PUBLISHER_ADDRESS "socket"
#define PUBLISHER_FRAME 96u
#define PUBLISHER_EARS 2
#define PUBLISHER_HELD 32

/* The victim's progress, in memory that outlives it. */
struct publisher_talk {
	_Atomic uint64_t begun;		    /* items that it may have sent */
	_Atomic uint64_t shown;		    /* those that it surely did */
	_Atomic uint64_t shouting, shouted; /* the same of urgent events */
	_Atomic uint64_t is_closed;
};

/* One who subscribes. */
struct publisher_ear {
	struct tachyon_subscriber *subscriber;
	const struct publisher_stage *stage;
	uint64_t heard; /* items of this round */
	uint64_t base;	/* those before the act */
	uint64_t shouts;
	struct tachyon_frame held[PUBLISHER_HELD]; /* until the victim is dead */
	unsigned int held_count;
};

struct publisher_stage {
	const struct publisher_act *act;
	struct publisher_ear ears[PUBLISHER_EARS]; /* the first one sleeps */
	struct publisher_talk *talk;
	struct watcher watcher;
	struct witness witness;
	/* the victim's own */
	struct tachyon_publisher *victim;
	struct tachyon_frame frame;
	struct tachyon_block *block;
	/* what was seen, over all rounds */
	uint64_t none, all;    /* of what the act sends */
	uint64_t died, closed; /* how it ended */
	uint64_t litter;       /* temporary names that the dead left */
};

struct publisher_act {
	const char *name;
	void (*arrive)(struct publisher_stage *stage);	  /* here, before both join */
	void (*before)(struct publisher_stage *stage);	  /* the victim's, both have joined */
	void (*attend)(struct publisher_stage *stage);	  /* those who subscribe, likewise */
	void (*meanwhile)(struct publisher_stage *stage); /* the victim stands at its act */
	void (*act)(struct publisher_stage *stage);
	void (*after)(struct publisher_stage *stage); /* instead of a new publisher at the path */
	uint32_t sends;				      /* items of the act in the end */
	uint32_t others;			      /* join too, brought by arrive() */
	uint32_t together;			      /* they become visible all at once */
	bool may_close;				      /* it may look like an end in order */
	bool gives_back;			      /* ears keep no frames */
	bool gives_up;				      /* blocks that ears hold, once it closed */
};

/* Runs it, with a kill after each instruction. */
void publisher_stage_run(const struct publisher_act *act);

/* --- the victim's --- */

struct tachyon_publisher_options publisher_stage_options(void);
/* Dispatches until so many have joined. */
void publisher_stage_await(struct tachyon_publisher *publisher, uint32_t count);
/* The number of its next item. */
uint64_t publisher_stage_begin(struct publisher_stage *stage);
/* All that it sent was flushed. */
void publisher_stage_shown(struct publisher_stage *stage);
void publisher_stage_fill(void *data, size_t size, uint64_t number);
/* Acquires, fills, and publishes. */
void publisher_stage_frame(struct publisher_stage *stage, size_t size);
void publisher_stage_caps(struct publisher_stage *stage);
void publisher_stage_event(struct publisher_stage *stage, uint32_t flags);

/* --- those who subscribe --- */

/* On a busy machine a handshake may run out of time: tries again. */
void publisher_stage_connect(struct tachyon_subscriber *subscriber);
/* Takes so many items at the most, and checks them; what the last one answered. */
int publisher_stage_hear(struct publisher_ear *ear, uint64_t count, int64_t timeout_ns);
void publisher_stage_give_back(struct publisher_ear *ear);
/* A name that a publisher has before it is placed is no obstacle to anybody, and stays. */
void publisher_stage_sweep(struct publisher_stage *stage);

#endif
