/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What each message of a direction is, from its number alone: so both sides know, and nobody has to
 * believe what arrives.
 */
#ifndef TACHYON_TESTS_STRESS_PLAN_H
#define TACHYON_TESTS_STRESS_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <tachyon.h>

struct plan {
	uint64_t seed; /* of this direction */
	uint32_t max;  /* the largest message */
};

struct draft {
	uint64_t base; /* what the payload is made of */
	uint32_t size;
	uint32_t reserved; /* at least size */
	uint32_t type;
	uint32_t given_up; /* 0; or 1 + the size of a reservation that is rolled back before */
	bool is_copied;	   /* by tachyon_bus_send() */
	bool is_unflushed;
};

struct draft plan_message(const struct plan *plan, uint64_t number);
/* Bytes of ring that a message of so many reserved bytes takes, once so many are committed. */
uint32_t plan_extent(uint32_t reserved, uint32_t committed);

void plan_fill(const struct draft *draft, void *data);
/* What looks like nothing that may stand in a ring: for memory that is reserved, and not sent. */
void plan_scribble(void *data, uint32_t size);
/* Fails, with all that is known, unless it is the message of that number. */
void plan_check(const struct plan *plan, uint64_t number, const struct tachyon_message *message);

#endif
