/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* One of the two processes of a bus under stress. */
#ifndef TACHYON_TESTS_STRESS_SIDE_H
#define TACHYON_TESTS_STRESS_SIDE_H

#include <stdint.h>

#include "lane.h"

struct side_options {
	const char *address;
	uint64_t messages; /* each way */
	uint64_t ring[2];  /* of the listener, of the connector */
	uint32_t spin;	   /* 0: it never spins */
	uint32_t threads;  /* 2: one a direction; 1: it sends and receives in turns */
	uint64_t seed;
};

/* Number 0 listens, number 1 connects; lanes[n] is what n sends. */
_Noreturn void side_run(const struct side_options *options, unsigned int number,
			struct lane *lanes);

#endif
