/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames that a visitor holds on to: looked at again before they go back, in any order, by another
 * thread or by the visitor itself.
 */
#ifndef TACHYON_TESTS_STRESS_KEEPER_H
#define TACHYON_TESTS_STRESS_KEEPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tachyon.h>

#define KEPT_MAX 8u

struct keeper {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct tachyon_frame frames[KEPT_MAX];
	unsigned int count;
	bool is_done, has_thread;
	pthread_t thread;
	uint64_t dice;
	/* where a frame was found to be taken away: what had been published then; 0: none was */
	_Atomic uint64_t taken_at;
};

/* has_thread: another thread gives back what it is given; else only what is asked for goes. */
void keeper_start(struct keeper *keeper, bool has_thread, uint64_t seed);
/* Takes the frame over, unless it has too many: false. */
bool keeper_keep(struct keeper *keeper, const struct tachyon_frame *frame);
unsigned int keeper_count(struct keeper *keeper);
/* Gives back one, or all, of those it has. */
void keeper_give_back(struct keeper *keeper, bool all);
/* Gives back all, and ends the thread. */
void keeper_stop(struct keeper *keeper);

/* Its content is what it should be, unless the publisher has given up on the connection. */
void keeper_check(struct keeper *keeper, const struct tachyon_frame *frame);

#endif
