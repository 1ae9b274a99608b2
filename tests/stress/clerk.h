/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A second thread of the publisher: who comes, who goes, and what is urgent. */
#ifndef TACHYON_TESTS_STRESS_CLERK_H
#define TACHYON_TESTS_STRESS_CLERK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tachyon.h>

/* Room for those whose leaving is still to be read. */
#define GUESTS_MAX 2048u

struct guest {
	uint64_t subscriber; /* 0: nobody */
	uint64_t up, up_urgent;
};

struct clerk {
	struct tachyon_publisher *publisher;
	pthread_t thread;
	_Atomic bool is_done;
	_Atomic uint32_t present; /* joined, and not left */
	uint64_t urgent;
	uint64_t dice;
	struct guest *guests;
};

void clerk_start(struct clerk *clerk, struct tachyon_publisher *publisher, uint64_t seed);
/* As many notices have said that somebody left as that somebody came. */
void clerk_expect_nobody(struct clerk *clerk);
void clerk_stop(struct clerk *clerk);

#endif
