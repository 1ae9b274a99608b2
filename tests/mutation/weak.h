/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A weak memory, for tests: C code that is included behind this header has its atomics on a
 * simulated machine where a load may find an old value until something orders it. Threads take
 * turns within one thread, drawn by chance from a seed.
 *
 * The model is that of views (release, acquire, relaxed; fences of all kinds), as in the papers on
 * C11's memory without its out-of-thin-air reads: each store is a message with the view of its
 * storer, a load may take any message that its thread's view does not exclude. Loads are not
 * delayed beyond later stores: what such an order guards (giving back what was read) is for TSan.
 *
 * membarrier() is a sequentially consistent fence in all threads at once. What it brings to another
 * thread counts there from that thread's next fence, also one of the compiler, or acquire: a load
 * that nothing keeps in its place may have been made before.
 */
#ifndef TACHYON_TESTS_WEAK_H
#define TACHYON_TESTS_WEAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weak_operation { WEAK_SET, WEAK_ADD, WEAK_OR, WEAK_AND };

/*
 * One execution: the threads run from a memory that all of them see. True when all came to their
 * end, false when those that are left wait for one another.
 */
bool weak_run(uint64_t seed, void (*const threads[])(void), unsigned int count);
/* Let others go on: in a loop that waits for a word. */
void weak_pause(void);
/* Wait, in the kernel, until it is true of plain memory; what was handed over there is seen. */
void weak_block(bool (*is_true)(void *data), void *data);
/* Which thread this is, from 0 up. */
unsigned int weak_self(void);
/* Uniform below a number. */
unsigned int weak_random(unsigned int below);

uint64_t weak_load(const volatile void *word, size_t size, memory_order order);
void weak_store(volatile void *word, size_t size, uint64_t value, memory_order order);
uint64_t weak_modify(volatile void *word, size_t size, enum weak_operation operation,
		     uint64_t operand, memory_order order);
bool weak_exchange_if(volatile void *word, size_t size, uint64_t *expected, uint64_t desired,
		      memory_order success, memory_order failure);
void weak_fence(memory_order order);
void weak_compiler_fence(void);
int weak_membarrier(void);

/* What the kernel hands from one thread to another: what was before is seen behind. */
struct weak_parcel {
	uint8_t view[64];
};

void weak_hand_over(struct weak_parcel *parcel);
void weak_take(const struct weak_parcel *parcel);

#define WEAK_TYPE(object) __typeof__(*(object) + 0)

#undef atomic_load_explicit
#undef atomic_load
#undef atomic_store_explicit
#undef atomic_store
#undef atomic_exchange_explicit
#undef atomic_exchange
#undef atomic_fetch_add_explicit
#undef atomic_fetch_add
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_sub
#undef atomic_fetch_or_explicit
#undef atomic_fetch_or
#undef atomic_fetch_and_explicit
#undef atomic_fetch_and
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_weak
#undef atomic_thread_fence
#undef atomic_signal_fence

#define atomic_load_explicit(object, order) \
	((WEAK_TYPE(object))weak_load(object, sizeof(*(object)), order))
#define atomic_load(object) atomic_load_explicit(object, memory_order_seq_cst)
#define atomic_store_explicit(object, value, order) \
	weak_store(object, sizeof(*(object)), (uint64_t)(WEAK_TYPE(object))(value), order)
#define atomic_store(object, value) atomic_store_explicit(object, value, memory_order_seq_cst)
#define WEAK_MODIFY(object, operation, operand, order)                              \
	__extension__({                                                             \
		const uint64_t weak_value =                                         \
			weak_modify(object, sizeof(*(object)), operation,           \
				    (uint64_t)(WEAK_TYPE(object))(operand), order); \
		(WEAK_TYPE(object)) weak_value;                                     \
	})
#define atomic_exchange_explicit(object, value, order) WEAK_MODIFY(object, WEAK_SET, value, order)
#define atomic_exchange(object, value) WEAK_MODIFY(object, WEAK_SET, value, memory_order_seq_cst)
#define atomic_fetch_add_explicit(object, value, order) WEAK_MODIFY(object, WEAK_ADD, value, order)
#define atomic_fetch_add(object, value) WEAK_MODIFY(object, WEAK_ADD, value, memory_order_seq_cst)
#define atomic_fetch_sub_explicit(object, value, order) \
	WEAK_MODIFY(object, WEAK_ADD, -(WEAK_TYPE(object))(value), order)
#define atomic_fetch_or_explicit(object, value, order) WEAK_MODIFY(object, WEAK_OR, value, order)
#define atomic_fetch_or(object, value) WEAK_MODIFY(object, WEAK_OR, value, memory_order_seq_cst)
#define atomic_fetch_and_explicit(object, value, order) WEAK_MODIFY(object, WEAK_AND, value, order)
#define atomic_fetch_and(object, value) WEAK_MODIFY(object, WEAK_AND, value, memory_order_seq_cst)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure)    \
	__extension__({                                                                         \
		uint64_t weak_seen = (uint64_t) * (expected);                                   \
		const bool weak_done = weak_exchange_if(object, sizeof(*(object)), &weak_seen,  \
							(uint64_t)(WEAK_TYPE(object))(desired), \
							success, failure);                      \
		*(expected) = (WEAK_TYPE(object))weak_seen;                                     \
		weak_done;                                                                      \
	})
#define atomic_compare_exchange_strong(object, expected, desired)                                \
	atomic_compare_exchange_strong_explicit(object, expected, desired, memory_order_seq_cst, \
						memory_order_seq_cst)
#define atomic_compare_exchange_weak_explicit(object, expected, desired, success, failure) \
	atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure)
#define atomic_compare_exchange_weak(object, expected, desired) \
	atomic_compare_exchange_strong(object, expected, desired)
#define atomic_thread_fence(order) weak_fence(order)
#define atomic_signal_fence(order) weak_compiler_fence()

#endif
