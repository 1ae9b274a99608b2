/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Death at every instruction, by ptrace(2). */
#include "crash.h"

#include <harness.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSTRUCTIONS_MAX 2000000
#define TRIES 3
/* The status of a victim that may not be traced. */
#define EXIT_REFUSED 3

#if defined(__x86_64__)

#define BREAKPOINT 0xccul
#define BREAKPOINT_MASK 0xfful

static uintptr_t where(pid_t victim)
{
	errno = 0;
	return (uintptr_t)ptrace(PTRACE_PEEKUSER, victim, offsetof(struct user, regs.rip), NULL);
}

static void go_to(pid_t victim, uintptr_t address)
{
	CHECK_EQ(ptrace(PTRACE_POKEUSER, victim, offsetof(struct user, regs.rip), address), 0);
}

/* The victim stops here, in its tracer's hands. */
#define STOP_HERE() __asm__ volatile("int3" ::: "memory")

/* --- in the victim --- */

__attribute__((noinline)) static void act_is_over(void)
{
	__asm__ volatile("" ::: "memory");
}

static _Noreturn void be_victim(const struct crash *crash)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(EXIT_REFUSED);
	crash->before(crash->data);
	STOP_HERE();
	crash->act(crash->data);
	act_is_over();
	_exit(EXIT_SUCCESS);
}

/* --- here --- */

/* Goes on, until the next trap; false when it has ended instead, and was reaped. */
static bool resume(pid_t victim, int how)
{
	int status;

	CHECK_EQ(ptrace(how, victim, NULL, NULL), 0);
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	if (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP)
		test_fail(__FILE__, __LINE__, "the victim got signal %d at %#lx", WSTOPSIG(status),
			  (unsigned long)where(victim));
	return WIFSTOPPED(status);
}

static void end(pid_t victim)
{
	CHECK_EQ(kill(victim, SIGKILL), 0);
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
}

/* A victim that stands before the first instruction of its act. */
static pid_t start(const struct crash *crash)
{
	pid_t victim;
	int status;

	if (crash->arrange)
		crash->arrange(crash->data);
	fflush(NULL);
	victim = fork();
	CHECK(victim >= 0);
	if (victim == 0)
		be_victim(crash);
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
		SKIP("ptrace is refused here");
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(ptrace(PTRACE_SETOPTIONS, victim, NULL, PTRACE_O_EXITKILL), 0);
	if (crash->meanwhile)
		crash->meanwhile(crash->data);
	return victim;
}

/* At most count instructions, to the end of the act; how many it were. places: may be NULL. */
static size_t step(pid_t victim, size_t count, uintptr_t *places)
{
	for (size_t i = 0; i < count; i++) {
		const uintptr_t place = where(victim);

		if (place == (uintptr_t)act_is_over)
			return i;
		if (places)
			places[i] = place;
		CHECK(resume(victim, PTRACE_SINGLESTEP));
	}
	return count;
}

/* To the instruction at a place, when it comes there for the times-th time. */
static bool run_to(pid_t victim, uintptr_t place, size_t times)
{
	long text, trap;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, victim, place, NULL);
	CHECK_EQ(errno, 0);
	trap = (long)(((unsigned long)text & ~BREAKPOINT_MASK) | BREAKPOINT);
	while (where(victim) != place || --times > 0) {
		/* From the place itself it is stepped, without the breakpoint. */
		if (where(victim) == place && !resume(victim, PTRACE_SINGLESTEP))
			return false;
		if (where(victim) == place)
			continue;
		CHECK_EQ(ptrace(PTRACE_POKETEXT, victim, place, trap), 0);
		if (!resume(victim, PTRACE_CONT))
			return false;
		CHECK_EQ(where(victim), place + 1);
		CHECK_EQ(ptrace(PTRACE_POKETEXT, victim, place, text), 0);
		go_to(victim, place);
	}
	return true;
}

static size_t times_before(const uintptr_t *places, size_t index)
{
	size_t times = 0;

	for (size_t i = 0; i <= index; i++)
		times += places[i] == places[index];
	return times;
}

/* A victim that has done index instructions; 0: it went another way, and is dead. */
static pid_t start_and_run(const struct crash *crash, const uintptr_t *places, size_t index)
{
	const pid_t victim = start(crash);

	if (run_to(victim, places[index], times_before(places, index)))
		return victim;
	crash->after(crash->data);
	return 0;
}

/*
 * False: victims go another way now, as where they read how much memory there is. Then one is
 * killed so many steps after its beginning.
 */
static bool kill_at(const struct crash *crash, const uintptr_t *places, size_t index)
{
	pid_t victim = 0;
	bool is_there;

	for (unsigned int i = 0; i < TRIES && victim == 0; i++)
		victim = start_and_run(crash, places, index);
	is_there = victim != 0;
	if (!is_there) {
		victim = start(crash);
		step(victim, index, NULL);
	}
	end(victim);
	crash->after(crash->data);
	return is_there;
}

/* Which instructions there are, in order. */
static size_t record(const struct crash *crash, uintptr_t *places)
{
	const pid_t victim = start(crash);
	const size_t count = step(victim, INSTRUCTIONS_MAX, places);

	CHECK(count > 0 && count < INSTRUCTIONS_MAX);
	end(victim);
	crash->after(crash->data);
	return count;
}

/* Victim and tracer take turns: on one processor that is three times as fast. */
static void share_one_cpu(void)
{
	const int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (cpu >= 0)
		sched_setaffinity(0, sizeof(set), &set);
}

static size_t every(void)
{
	const char *const text = getenv("TACHYON_CRASH_EVERY");
	const int number = text ? atoi(text) : 1;

	return number > 0 ? (size_t)number : 1;
}

void crash_everywhere(const struct crash *crash)
{
	uintptr_t *const places = malloc(INSTRUCTIONS_MAX * sizeof(*places));
	const size_t stride = every();
	size_t kills = 0, strays = 0;
	size_t count;

	CHECK(places);
	share_one_cpu();
	count = record(crash, places);
	for (size_t i = 0; i < count; i += stride) {
		const bool is_there = kill_at(crash, places, i);

		kills++;
		if (is_there)
			continue;
		strays++;
		CHECK(strays <= count / 10 + 5);
		count = record(crash, places);
	}
	fprintf(stderr, "# %s: %zu instructions, %zu kills, %zu strays\n", crash->name, count,
		kills, strays);
	free(places);
}

#else

void crash_everywhere(const struct crash *crash)
{
	(void)crash;
	SKIP("stepping is written for x86-64 only");
}

#endif
