/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Four versioned slots: a sequence lock for each. How
 * such a lock is said in C11's memory model is from Boehm, "Can seqlocks get along with programming
 * language memory models?" (MSPC 2012).
 */
#include "slots.h"

#include "beacon.h"

#define SLOT_BITS 2
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

_Static_assert(TACH_STREAM_SLOTS == 1u << SLOT_BITS, "every value of the slot bits is a slot");

uint32_t tach_slots_mark(const struct tach_place *place)
{
	return (uint32_t)(place->count << SLOT_BITS | place->slot) & TACH_MARK_MASK;
}

/* Relaxed: written before the beacon told of it, or checked by what is read around it. */
static uint64_t count_in(const struct tach_stream_header *header, unsigned int slot)
{
	return atomic_load_explicit(&header->slots[slot].count, memory_order_relaxed);
}

bool tach_slots_find(const struct tach_stream_header *header, uint32_t mark,
		     struct tach_place *place)
{
	place->slot = mark & SLOT_MASK;
	place->count = count_in(header, place->slot);
	if (tach_slots_mark(place) == mark)
		return true;
	place->count = mark >> SLOT_BITS;
	return false;
}

unsigned int tach_slots_choose(const struct tach_stream_header *header, unsigned int newest,
			       bool is_crowded)
{
	unsigned int chosen = (newest + 1) & SLOT_MASK;

	for (unsigned int step = 2; step < TACH_STREAM_SLOTS; step++) {
		const unsigned int slot = (newest + step) & SLOT_MASK;
		const bool is_older = count_in(header, slot) < count_in(header, chosen);

		if (is_older == is_crowded)
			chosen = slot;
	}
	return chosen;
}

void tach_slots_begin(struct tach_stream_header *header, unsigned int index)
{
	struct tach_stream_slot *slot = &header->slots[index];
	const uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);

	/*
	 * Odd already: its writer died, or gave up. Another odd one, in case a reader knows this.
	 */
	atomic_store_explicit(&slot->version, (version + 1) | 1, memory_order_relaxed);
	/*
	 * Pairs with the fence in tach_slots_still(): a reader whose copy has any byte that is
	 * written from here on sees the odd version then, and throws the copy away.
	 */
	atomic_thread_fence(memory_order_release);
}

void tach_slots_finish(struct tach_stream_header *header, const struct tach_place *place,
		       uint64_t time_ns)
{
	struct tach_stream_slot *slot = &header->slots[place->slot];
	const uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);

	atomic_store_explicit(&slot->count, place->count, memory_order_relaxed);
	atomic_store_explicit(&slot->time_ns, time_ns, memory_order_relaxed);
	/*
	 * Pairs with the acquire in tach_slots_start(): a reader who sees the even version sees the
	 * whole value. The beacon's modification, which follows, is at least a release, too.
	 */
	atomic_store_explicit(&slot->version, version + 1, memory_order_release);
}

bool tach_slots_start(const struct tach_stream_header *header, uint32_t mark,
		      struct tach_reading *reading)
{
	const struct tach_stream_slot *slot = &header->slots[mark & SLOT_MASK];

	/* Pairs with the release in tach_slots_finish(). */
	reading->version = atomic_load_explicit(&slot->version, memory_order_acquire);
	reading->time_ns = atomic_load_explicit(&slot->time_ns, memory_order_relaxed);
	return tach_slots_find(header, mark, &reading->place) && !(reading->version & 1);
}

bool tach_slots_still(const struct tach_stream_header *header, const struct tach_reading *reading)
{
	const struct tach_stream_slot *slot = &header->slots[reading->place.slot];

	/* Pairs with the fence in tach_slots_begin(): the copy was made before this look. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&slot->version, memory_order_relaxed) == reading->version;
}

/* clang has no such attribute, and does not look that far. */
#ifdef __clang__
#define OPAQUE __attribute__((noinline))
#else
#define OPAQUE __attribute__((noipa))
#endif

#ifdef __SANITIZE_THREAD__
#define IS_CHECKED_FOR_RACES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_CHECKED_FOR_RACES 1
#endif
#endif

#ifdef IS_CHECKED_FOR_RACES
/*
 * The race with a writer, whose own stores nobody can make atomic, is what the versions are for:
 * not for the sanitizer, which would see it in memcpy().
 */
OPAQUE __attribute__((no_sanitize("thread"))) void tach_slots_copy(void *to, const void *from,
								   size_t size)
{
	const volatile uint8_t *source = from;
	uint8_t *target = to;

	for (size_t i = 0; i < size; i++)
		target[i] = source[i];
}
#else
/*
 * By the language this would have to be a loop of relaxed loads; memcpy() takes a tenth of the time
 * for 64 KiB, and three quarters for 4 MiB. Not to be inlined: between a call that it cannot see
 * into and the fence after it the compiler can neither move a load nor make one twice.
 */
OPAQUE void tach_slots_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}
#endif
