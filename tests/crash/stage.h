/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What surrounds a victim that uses a stream: the stream, others that wait for it, and what must
 * hold for them when the victim is dead.
 */
#ifndef TACHYON_TESTS_CRASH_STAGE_H
#define TACHYON_TESTS_CRASH_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <tachyon.h>

#define STAGE_WORDS 8
/* Nothing takes so long, on the slowest machine: it hangs. */
#define STAGE_LIMIT_MS 10000
#define STAGE_LIMIT_NS (STAGE_LIMIT_MS * INT64_C(1000000))

enum stage_role {
	STAGE_SLEEPER = 1, /* sleeps in tachyon_stream_wait() */
	STAGE_POLLER = 2,  /* polls a descriptor */
	STAGE_LOCKER = 4,  /* waits for the lock */
};

#define STAGE_ROLES 3

/* A process that waits, again and again, when it is told to. */
struct stage_helper {
	pid_t pid; /* 0: none */
	int order, answer;
	struct stage_talk *talk; /* shared */
	bool is_out;		 /* was told to, and has not answered */
};

struct stage {
	char name[64];	/* of the stream; other names of a test begin with it */
	char other[80]; /* a second one, for what creates and unlinks */
	struct tachyon_stream *stream;
	struct stage_helper helpers[STAGE_ROLES];
	uint64_t count; /* of the newest value before the victim, and its stamp */
	uint64_t stamp;
	uint64_t next; /* the stamp for the next value */
	bool is_never; /* the victim publishes nothing */
	/* the victim's own */
	struct tachyon_stream *victim;
	/* what was seen */
	uint64_t kept, published;
	uint64_t there; /* the other name */
	uint64_t longest_lock_ns, longest_wake_ns;
};

/* roles: of those who wait while the victim acts */
void stage_init(struct stage *stage, unsigned int roles);
/* Prints what was seen. At least one kill must have left each of both, if there can be both. */
void stage_fini(struct stage *stage, const char *name);

/* Sends the helpers to wait, and comes back when they sleep. */
void stage_send(void *stage);
/* Kills them. */
void stage_kill_helpers(struct stage *stage);
/* Opens the victim's handle. */
void stage_open(void *stage);
/* All that must hold. */
void stage_check(void *stage);

/* The newest value, of which is checked that it is one; its count is not less than the last. */
void stage_read(struct stage *stage);

/* A value that can be told from others, and from a mixture. */
void stage_fill(uint64_t words[STAGE_WORDS], uint64_t stamp);
uint64_t stage_stamp_of(const uint64_t words[STAGE_WORDS]);
void stage_create(const char *name, struct tachyon_stream **stream);

#endif
