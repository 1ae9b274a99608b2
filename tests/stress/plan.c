/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What each message of a direction is. */
#include "plan.h"

#include <string.h>

#include "pattern.h"
#include "stress.h"

#define SPREAD 0x9e3779b97f4a7c15ull
#define SHORT_MAX 48u
#define CELL 64u

/* Both sides of every border: of words, of the short form, of cells. */
static const uint16_t borders[] = {
	0,   1,	  7,   8,   9,	 15,  16,  17,	24,  31,  32,  33,  40,	 46,
	47,  48,  49,  50,  62,	 63,  64,  65,	66,  111, 112, 113, 126, 127,
	128, 129, 130, 190, 191, 192, 193, 255, 256, 257, 319, 320, 321,
};

#define BORDERS (sizeof(borders) / sizeof(borders[0]))

static uint32_t at_most(uint32_t size, uint32_t max)
{
	return size <= max ? size : max;
}

/* Mostly small; now and then around a power of two, rarely one that nearly fills the ring. */
static uint32_t draw_size(const struct plan *plan, uint64_t dice)
{
	const uint32_t which = (uint32_t)(dice >> 16);

	if (dice % 1024 == 0) {
		const uint32_t less[] = {0, 1, 62, 63, 64, 65, 127, 128, plan->max / 2};

		return plan->max - less[which % (sizeof(less) / sizeof(less[0]))];
	}
	if (dice % 16 == 1)
		return at_most((1u << (9 + which % 4)) - 1 + which / 4 % 3, plan->max);
	return at_most(borders[which % BORDERS], plan->max);
}

/* Sixteen at a time, or a thousand, which no small ring holds: a full ring flushes them. */
static bool is_in_batch(const struct plan *plan, uint64_t number)
{
	if (number % 16 != 15 && mix(plan->seed ^ number / 16) % 4 == 0)
		return true;
	return number % 1024 != 1023 && mix(plan->seed + number / 1024) % 64 == 0;
}

struct draft plan_message(const struct plan *plan, uint64_t number)
{
	const uint64_t base = mix(plan->seed + number * SPREAD);
	const uint64_t dice = base * 0xda942042e4dd58b5ull;
	struct draft draft = {
		.base = base,
		.size = draw_size(plan, dice),
		.type = (uint32_t)(base >> 32),
		.is_unflushed = is_in_batch(plan, number),
	};

	draft.reserved = draft.size;
	switch (dice >> 60) {
	case 0:
	case 1:
	case 2: {
		const uint32_t more = draw_size(plan, mix(dice));

		draft.reserved = more > draft.size ? more : draft.size;
		break;
	}
	case 3:
		draft.given_up = 1 + draw_size(plan, mix(dice));
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		/* It flushes. */
		draft.is_copied = !draft.is_unflushed;
		break;
	default:
		break;
	}
	return draft;
}

uint32_t plan_extent(uint32_t reserved, uint32_t committed)
{
	return reserved <= SHORT_MAX ? CELL : CELL + (committed + CELL - 1) / CELL * CELL;
}

void plan_fill(const struct draft *draft, void *data)
{
	pattern_fill(draft->base, data, draft->size);
}

void plan_scribble(void *data, uint32_t size)
{
	memset(data, 0xa5, size);
}

static bool is_as_planned(const struct draft *draft, const struct tachyon_message *message)
{
	return message->size == draft->size && message->type == draft->type &&
	       pattern_is(draft->base, message->data, draft->size);
}

/* The message comes instead of another: which one is it? */
static _Noreturn void report_wrong(const struct plan *plan, uint64_t number,
				   const struct tachyon_message *message)
{
	const uint64_t first = number < 4096 ? 0 : number - 4096;
	const struct draft awaited = plan_message(plan, number);

	for (uint64_t other = first; other < number + 4096; other++) {
		const struct draft draft = plan_message(plan, other);

		if (other != number && is_as_planned(&draft, message) && message->size > 0)
			fail("message %lu came, not %lu", (unsigned long)other,
			     (unsigned long)number);
	}
	fail("message %lu: %zu bytes of type %#x came, which should be %u of type %#x, or its "
	     "content is wrong",
	     (unsigned long)number, message->size, message->type, awaited.size, awaited.type);
}

void plan_check(const struct plan *plan, uint64_t number, const struct tachyon_message *message)
{
	const struct draft draft = plan_message(plan, number);

	if (!is_as_planned(&draft, message))
		report_wrong(plan, number, message);
}
