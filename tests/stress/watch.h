/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Looks at sleepers from outside. */
#ifndef TACHYON_TESTS_STRESS_WATCH_H
#define TACHYON_TESTS_STRESS_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lane.h"

#define WATCH_PERIOD_NS 2000000

/* Somebody seen asleep although there was something to do, at each look since the first. */
struct span {
	int64_t since_ns; /* 0: he was not, at the last look */
	int64_t until_ns; /* just before the last look */
	int64_t delay_ns; /* that he had waited for a processor until then */
	uint64_t place;	  /* how far he was */
};

struct watch {
	struct lane *lane;
	struct span receiver, sender;
	int64_t longest_ns; /* of all spans */
	uint64_t spans;	    /* of two looks or more */
};

void watch_look(struct watch *watch);
/* After the last look: spans that nothing ended. */
void watch_end(struct watch *watch);

#endif
