/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* One run of a scenario, in a process of its own. */
#ifndef TACHYON_TESTS_FAILURE_ATTEMPT_H
#define TACHYON_TESTS_FAILURE_ATTEMPT_H

#include "inject.h"
#include "scenario.h"

#define MESSAGE_SIZE 1024
#define EXIT_COMPLAINED 3

/* What a run tells the process that started it. */
struct report {
	bool has_fired;
	bool was_over; /* the failure ended what the scenario worked with */
	bool was_seen; /* a function answered it */
	int answer;
	int64_t took_ms;
	char function[64];
	char message[MESSAGE_SIZE];
	unsigned int calls[SITES_MAX];
};

/* Never returns: exits with 0, or with EXIT_COMPLAINED and a message. */
_Noreturn void attempt(const struct scenario *scenario, const struct plan *plan,
		       struct report *report, const char *directory);

#endif
