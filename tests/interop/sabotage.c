/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include "sabotage.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[SABOTAGE_NONE] = "",	    [SABOTAGE_CONTENT] = "content", [SABOTAGE_SIZE] = "size",
	[SABOTAGE_ORDER] = "order", [SABOTAGE_NUMBER] = "number",   [SABOTAGE_MISSING] = "missing",
	[SABOTAGE_SHORT] = "short", [SABOTAGE_EXTRA] = "extra",	    [SABOTAGE_CRASH] = "crash",
	[SABOTAGE_CAPS] = "caps",
};

enum sabotage sabotage_init(void)
{
	const char *const name = getenv("TACHYON_INTEROP_SABOTAGE");

	if (!name)
		return SABOTAGE_NONE;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum sabotage)i;
	}
	sequence_fail("no such sabotage: %s", name);
}

uint64_t sabotage_steps(enum sabotage sabotage, uint64_t count)
{
	if (sabotage == SABOTAGE_SHORT)
		return count - 1;
	return sabotage == SABOTAGE_EXTRA ? count + 1 : count;
}

bool sabotage_number(enum sabotage sabotage, uint64_t count, uint64_t step, uint64_t *number)
{
	const uint64_t middle = count / 2;

	*number = step;
	if (sabotage == SABOTAGE_ORDER && step == middle)
		*number = middle + 1;
	if (sabotage == SABOTAGE_ORDER && step == middle + 1)
		*number = middle;
	return sabotage != SABOTAGE_MISSING || step != middle;
}

uint64_t sabotage_label(enum sabotage sabotage, uint64_t count, uint64_t number)
{
	return sabotage == SABOTAGE_NUMBER && number == count / 2 ? number + 1 : number;
}

/* The first of the second half that is not empty. */
static bool is_chosen(uint64_t count, uint64_t number, struct sequence_piece piece)
{
	static bool is_done;

	if (is_done || number < count / 2 || piece.size == 0)
		return false;
	is_done = true;
	return true;
}

struct sequence_piece sabotage_piece(enum sabotage sabotage, uint64_t count, uint64_t number,
				     struct sequence_piece piece)
{
	static uint8_t copy[SEQUENCE_MESSAGE_MAX];

	if (sabotage != SABOTAGE_CONTENT && sabotage != SABOTAGE_SIZE)
		return piece;
	if (!is_chosen(count, number, piece))
		return piece;
	if (sabotage == SABOTAGE_SIZE) {
		piece.size--;
		return piece;
	}
	memcpy(copy, piece.data, piece.size);
	copy[piece.size - 1] ^= 1;
	return (struct sequence_piece){copy, piece.size};
}
