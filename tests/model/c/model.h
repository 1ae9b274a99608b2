/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * lib/ring.c and lib/wait.c as they are, for GenMC (../genmc.sh), and what they need of the rest of
 * the library: system calls as the memory model sees them.
 *
 * A bell is a word. Its accesses are relaxed: nothing is asked of the order that the kernel's own
 * locks would add. The sleeper's poll is a loop without effect, of which GenMC reports whether it
 * can go on for ever (--check-liveness): that is a lost wake-up.
 *
 * WITH_MEMBARRIER: the sleeper pays (TACH_FENCE_MEMBARRIER). membarrier() is modelled as Linux
 * makes it: an interrupt to the other thread, which has a full barrier there, at whatever point it
 * has come to; the caller goes on when that is done. A thread that does not run has had its barrier
 * when it was taken off its processor. Points where an interrupt makes a difference are between
 * what the waker publishes and what it loads, where the library keeps the compiler out (its
 * atomic_signal_fence()), and before and behind that.
 */
#ifndef MODEL_H
#define MODEL_H

#include <assert.h>
#include <genmc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* GenMC's own headers lack what the declarations of system calls name. */
typedef int pid_t;
typedef unsigned int uid_t;
#ifndef ECANCELED
#define ECANCELED 125
#endif

static void meet_interrupt(void);

/*
 * What ../genmc.sh has wake_at() use instead of its own load, where it leaves out the fence for the
 * compiler: the wait word, loaded before the message is published, as a compiler then might.
 */
static __thread uint32_t hoisted_word;

#ifdef WITH_MEMBARRIER
#define atomic_signal_fence(order) meet_interrupt()
#endif

#include "ring.c"
#include "wait.c"

enum { BELL_DATA, BELL_SPACE, BELLS };

static _Atomic int bells[BELLS];

bool tach_sock_ring(int bell)
{
	atomic_exchange_explicit(&bells[bell], 1, memory_order_relaxed);
	return true;
}

void tach_sock_drain(int bell)
{
	atomic_exchange_explicit(&bells[bell], 0, memory_order_relaxed);
}

void tach_os_close(int fd)
{
	(void)fd;
}

/* Until the bell is rung. */
static void poll_bell(int bell)
{
	while (atomic_load_explicit(&bells[bell], memory_order_relaxed) == 0)
		;
}

/* --- membarrier --- */

static _Atomic int interrupts;
static _Atomic int interrupts_met;
static _Atomic int waker_rests;
static int interrupts_sent;
static __thread int last_met;
/* the thread that is interrupted, by the other */
static __thread bool is_waker;

int tach_os_membarrier(void)
{
	const int number = ++interrupts_sent;

	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&interrupts, number, memory_order_relaxed);
	while (atomic_load_explicit(&interrupts_met, memory_order_relaxed) != number &&
	       atomic_load_explicit(&waker_rests, memory_order_relaxed) == 0)
		;
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}

/* True when the other wants this thread, the waker's, to have its barrier. */
static bool is_interrupted(void)
{
#ifdef WITH_MEMBARRIER
	return is_waker && atomic_load_explicit(&interrupts, memory_order_relaxed) != last_met;
#else
	return false;
#endif
}

/* The waker's thread, at a point where it may be interrupted. */
static void meet_interrupt(void)
{
#ifdef WITH_MEMBARRIER
	if (!is_interrupted())
		return;
	last_met++;
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&interrupts_met, last_met, memory_order_relaxed);
#endif
}

/* The waker's thread looks again and again, and can be interrupted. */
#define SPIN_UNTIL(condition)                             \
	do {                                              \
		while (!(condition) && !is_interrupted()) \
			;                                 \
		meet_interrupt();                         \
	} while (!(condition))

/* The waker's thread runs no more. */
static void rest(void)
{
#ifdef WITH_MEMBARRIER
	atomic_thread_fence(memory_order_seq_cst);
	atomic_store_explicit(&waker_rests, 1, memory_order_relaxed);
#endif
}

/* --- the ring's memory, as the sender and as the receiver map it --- */

#ifndef CELLS
#define CELLS 4
#endif

struct cell {
	struct tach_message_header header;
	uint32_t words[12];
};

static struct cell data[CELLS];
static _Atomic uint64_t head;

static struct tach_sender sender;
static struct tach_receiver receiver;

static void init_ring(void)
{
	tach_sender_init(&sender, data, sizeof(data), &head);
	tach_receiver_init(&receiver, data, sizeof(data), &head);
}

#endif
