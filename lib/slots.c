/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Four versioned slots: a sequence lock for each. How
 * such a lock is said in C11's memory model is from Boehm, "Can seqlocks get along with programming
 * language memory models?" (MSPC 2012).
 */
#include "slots.h"

#include "beacon.h"

static bool has_progress(uint64_t count, uint32_t progress)
{
	return (count & TACH_PROGRESS_MASK) == progress;
}

bool tach_slots_count(const struct tach_stream_header *header, uint32_t progress, uint64_t *count)
{
	const struct tach_stream_slot *slot = &header->slots[tach_slot_of(progress)];

	/* Relaxed: written before the beacon told of it, and one word. */
	*count = atomic_load_explicit(&slot->count, memory_order_relaxed);
	return has_progress(*count, progress);
}

void tach_slots_begin(struct tach_stream_header *header, uint64_t count)
{
	struct tach_stream_slot *slot = &header->slots[tach_slot_of(count)];
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

void tach_slots_finish(struct tach_stream_header *header, uint64_t count, uint64_t time_ns)
{
	struct tach_stream_slot *slot = &header->slots[tach_slot_of(count)];
	const uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);

	atomic_store_explicit(&slot->count, count, memory_order_relaxed);
	atomic_store_explicit(&slot->time_ns, time_ns, memory_order_relaxed);
	/*
	 * Pairs with the acquire in tach_slots_start(): a reader who sees the even version sees the
	 * whole value. The beacon's modification, which follows, is at least a release, too.
	 */
	atomic_store_explicit(&slot->version, version + 1, memory_order_release);
}

bool tach_slots_start(const struct tach_stream_header *header, uint32_t progress,
		      struct tach_reading *reading)
{
	const struct tach_stream_slot *slot = &header->slots[tach_slot_of(progress)];

	/* Pairs with the release in tach_slots_finish(). */
	reading->version = atomic_load_explicit(&slot->version, memory_order_acquire);
	reading->count = atomic_load_explicit(&slot->count, memory_order_relaxed);
	reading->time_ns = atomic_load_explicit(&slot->time_ns, memory_order_relaxed);
	return !(reading->version & 1) && has_progress(reading->count, progress);
}

bool tach_slots_still(const struct tach_stream_header *header, const struct tach_reading *reading)
{
	const struct tach_stream_slot *slot = &header->slots[tach_slot_of(reading->count)];

	/* Pairs with the fence in tach_slots_begin(): the copy was made before this look. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&slot->version, memory_order_relaxed) == reading->version;
}

#ifdef __SANITIZE_THREAD__
#define IS_CHECKED_FOR_RACES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_CHECKED_FOR_RACES 1
#endif
#endif

#ifdef IS_CHECKED_FOR_RACES
/* As the language has it, which is what the sanitizer knows: each load is an atomic one. */
void tach_slots_copy(void *to, const void *from, size_t size)
{
	const _Atomic uint8_t *source = from;
	uint8_t *target = to;

	for (size_t i = 0; i < size; i++)
		target[i] = atomic_load_explicit(&source[i], memory_order_relaxed);
}
#else
/*
 * As the machine has it: memcpy() is three times as fast as a loop of relaxed loads where the value
 * is in the cache. Not to be inlined: between a call that it cannot see into and the fence after it
 * the compiler can neither move a load nor make one twice.
 */
__attribute__((noinline, noipa)) void tach_slots_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}
#endif
