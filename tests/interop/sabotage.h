/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One thing done wrong, to see that the other side notices. TACHYON_INTEROP_SABOTAGE says which.
 */
#ifndef TACHYON_TESTS_SABOTAGE_H
#define TACHYON_TESTS_SABOTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sequence.h"

enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_CONTENT, /* one bit in the last byte of an item in the middle */
	SABOTAGE_SIZE,	  /* one item in the middle is a byte short */
	SABOTAGE_ORDER,	  /* two in the middle change places */
	SABOTAGE_NUMBER,  /* the type or pts of one in the middle is its neighbour's */
	SABOTAGE_MISSING, /* one in the middle is not sent */
	SABOTAGE_SHORT,	  /* the last one is not sent */
	SABOTAGE_EXTRA,	  /* one more is sent */
	SABOTAGE_CRASH,	  /* all are sent; then the process dies where it should say goodbye */
	SABOTAGE_CAPS,	  /* frames and buffers: the caps are others */
};

/* What the environment asks for; ends the process where it asks for something unknown. */
enum sabotage sabotage_init(void);

/* How many steps a sender takes to send count items. */
uint64_t sabotage_steps(enum sabotage sabotage, uint64_t count);
/* Which item a step sends; false: none. */
bool sabotage_number(enum sabotage sabotage, uint64_t count, uint64_t step, uint64_t *number);
/* What type or pts it gives it: that of which item. */
uint64_t sabotage_label(enum sabotage sabotage, uint64_t count, uint64_t number);
/* What it sends of it; valid until the next call. */
struct sequence_piece sabotage_piece(enum sabotage sabotage, uint64_t count, uint64_t number,
				     struct sequence_piece piece);

#endif
