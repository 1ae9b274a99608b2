/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What surrounds a victim that subscribes: a publisher that lives through all of it, another
 * subscriber, and what must hold for both when the victim is dead.
 */
#ifndef TACHYON_TESTS_SUBSCRIBER_STAGE_H
#define TACHYON_TESTS_SUBSCRIBER_STAGE_H

#include <tachyon.h>

#include "witness.h"

#define SUBSCRIBER_ADDRESS "socket"
#define SUBSCRIBER_FRAME 96u
/* All that the publisher has. */
#define SUBSCRIBER_BLOCKS 6u

struct subscriber_talk {
	_Atomic uint64_t begun;		    /* events that the victim may have sent */
	_Atomic uint64_t shown;		    /* those that it surely did */
	_Atomic uint64_t shouting, shouted; /* the same of urgent ones */
	_Atomic uint64_t is_closed;
};

struct subscriber_stage {
	const struct subscriber_act *act;
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *bystander;
	struct subscriber_talk *talk;
	struct watcher watcher;
	struct witness witness;
	uint64_t sent;	      /* frames, over all rounds */
	uint64_t seen;	      /* by the bystander */
	uint64_t cookies;     /* publications that are not over */
	uint64_t joined;      /* who came last */
	uint64_t asked;	      /* events of the victim, in this round */
	uint64_t shouts;      /* urgent ones */
	enum tachyon_end end; /* how the victim's connection ended; NONE: it had none */
	int lent_fd;
	/* the victim's own */
	struct tachyon_subscriber *victim;
	struct tachyon_frame frames[SUBSCRIBER_BLOCKS];
	unsigned int frame_count;
	/* what was seen, over all rounds */
	uint64_t died, closed, unmet;
};

struct subscriber_act {
	const char *name;
	void (*attend)(struct subscriber_stage *stage);	   /* the publisher's, it has joined */
	void (*before)(struct subscriber_stage *stage);	   /* the victim's, likewise */
	void (*meanwhile)(struct subscriber_stage *stage); /* the victim stands at its act */
	void (*act)(struct subscriber_stage *stage);
	bool joins;	/* it is the act that connects */
	bool may_close; /* it may look like an end in order */
	bool is_private;
	bool is_busy; /* the publisher is elsewhere until the victim is dead */
};

/* Runs it, with a kill after each instruction. */
void subscriber_stage_run(const struct subscriber_act *act);

/* --- the publisher's --- */

/* Frames to all, in blocks, with what they are given as cookies. */
void subscriber_stage_send(struct subscriber_stage *stage, unsigned int count);
/* One whose payload is in the ring. */
void subscriber_stage_send_inline(struct subscriber_stage *stage);
void subscriber_stage_send_lent(struct subscriber_stage *stage);
/* The bystander takes and releases what is there. */
void subscriber_stage_look(struct subscriber_stage *stage);

/* --- the victim's --- */

void subscriber_stage_connect(struct subscriber_stage *stage);
/* Takes what is there, without waiting, and keeps the frames. */
void subscriber_stage_receive(struct subscriber_stage *stage);
void subscriber_stage_release(struct subscriber_stage *stage);

#endif
