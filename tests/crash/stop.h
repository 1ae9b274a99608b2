/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Stopping a process (SIGSTOP) wherever it is, and letting it go on. */
#ifndef TACHYON_TESTS_STOP_H
#define TACHYON_TESTS_STOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long one is stopped, and how long a wait then is that it does not hold up. */
#define STOP_PATIENCE_NS INT64_C(1000000)

/* Prints the seed: TACHYON_CRASH_SEED, or drawn by chance. */
void stop_begin(void);
/* Whether to stop it once more, after so many times: a machine that is busy does fewer. */
bool stop_again(unsigned int rounds);
/* 0 .. limit - 1 */
unsigned int stop_dice(unsigned int limit);
/* A moment to be over at, some hundred microseconds from now. */
uint64_t stop_moment(void);

void stop_process(pid_t pid);
void stop_go_on(pid_t pid);
void stop_kill(pid_t pid);

/* Checks that a wait of STOP_PATIENCE_NS, begun then, took at least that, and did not hang. */
void stop_check_patience(uint64_t begun_ns);

#endif
