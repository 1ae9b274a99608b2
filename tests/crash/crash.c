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
#include <time.h>
#include <unistd.h>

#define INSTRUCTIONS_MAX 2000000
#define TRIES 3
/* What a trap at a breakpoint costs, there and back, in single steps. */
#define STEPS_PER_TRAP 4
/* The status of a victim that may not be traced. */
#define EXIT_REFUSED 3

#if defined(__x86_64__)

static uint64_t killed_at_ns, buried_at_ns;

uint64_t crash_killed_at_ns(void)
{
	return killed_at_ns;
}

uint64_t crash_buried_at_ns(void)
{
	return buried_at_ns;
}

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
	CHECK_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
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

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void end(pid_t victim)
{
	killed_at_ns = now_ns();
	CHECK_EQ(kill(victim, SIGKILL), 0);
	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	buried_at_ns = now_ns();
}

static void skip_where_refused(void)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? EXIT_REFUSED : EXIT_SUCCESS);
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
		SKIP("ptrace is refused here");
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
	if (crash->attend)
		crash->attend(crash->data);
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(ptrace(PTRACE_SETOPTIONS, victim, NULL, PTRACE_O_EXITKILL), 0);
	if (crash->meanwhile)
		crash->meanwhile(crash->data);
	return victim;
}

/* One instruction; what is repeated (rep stos) is one. False: it has ended, and was reaped. */
static bool step_once(pid_t victim, uintptr_t place)
{
	do {
		if (!resume(victim, PTRACE_SINGLESTEP))
			return false;
	} while (where(victim) == place);
	return true;
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
		CHECK(step_once(victim, place));
	}
	return count;
}

/* To the next time that it comes to a place, where it is not now. */
static bool run_on(pid_t victim, uintptr_t place)
{
	long text, trap;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, victim, place, NULL);
	CHECK_EQ(errno, 0);
	trap = (long)(((unsigned long)text & ~BREAKPOINT_MASK) | BREAKPOINT);
	CHECK_EQ(ptrace(PTRACE_POKETEXT, victim, place, trap), 0);
	if (!resume(victim, PTRACE_CONT))
		return false;
	CHECK_EQ(where(victim), place + 1);
	CHECK_EQ(ptrace(PTRACE_POKETEXT, victim, place, text), 0);
	go_to(victim, place);
	return true;
}

/* To the instruction at a place, when it comes there for the times-th time. */
static bool run_to(pid_t victim, uintptr_t place, size_t times)
{
	if (where(victim) != place && !run_on(victim, place))
		return false;
	while (--times > 0) {
		/* From the place itself it is stepped, without the breakpoint. */
		if (!step_once(victim, place) || !run_on(victim, place))
			return false;
	}
	return true;
}

/* The instructions of an act, in order. */
struct route {
	size_t count;
	uintptr_t *places;
	uint32_t *times;   /* how often it has come to that place by then, this one included */
	uint32_t *anchors; /* from which one on it is cheapest to step */
};

static const uintptr_t *places_to_sort;

static int compare_places(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	if (places_to_sort[a] != places_to_sort[b])
		return places_to_sort[a] < places_to_sort[b] ? -1 : 1;
	return a < b ? -1 : 1;
}

static void count_times(struct route *route)
{
	uint32_t *const order = malloc((route->count + 1) * sizeof(*order));

	CHECK(order);
	for (size_t i = 0; i < route->count; i++)
		order[i] = (uint32_t)i;
	places_to_sort = route->places;
	qsort(order, route->count, sizeof(*order), compare_places);
	for (size_t i = 0; i < route->count; i++) {
		const bool is_same =
			i > 0 && route->places[order[i]] == route->places[order[i - 1]];

		route->times[order[i]] = is_same ? route->times[order[i - 1]] + 1 : 1;
	}
	free(order);
}

/* In the middle of a loop it is cheaper to run to where that begins, and step from there. */
static void find_anchors(struct route *route)
{
	uint32_t cost = UINT32_MAX - 1;

	for (size_t i = 0; i < route->count; i++) {
		const uint32_t direct = route->times[i] * STEPS_PER_TRAP;

		if (direct <= cost + 1) {
			cost = direct;
			route->anchors[i] = (uint32_t)i;
		} else {
			cost++;
			route->anchors[i] = route->anchors[i - 1];
		}
	}
}

/* A victim that has done index instructions; 0: it went another way, and is dead. */
static pid_t start_and_run(const struct crash *crash, const struct route *route, size_t index)
{
	const pid_t victim = start(crash);
	const size_t anchor = route->anchors[index];

	if (run_to(victim, route->places[anchor], route->times[anchor]) &&
	    step(victim, index - anchor, NULL) == index - anchor)
		return victim;
	if (kill(victim, 0) == 0)
		end(victim);
	else
		killed_at_ns = 0;
	crash->after(crash->data);
	return 0;
}

static bool is_at(pid_t victim, const struct route *route, size_t index)
{
	return victim != 0 && where(victim) == route->places[index];
}

/* False: victims go another way now, as where they read how much memory there is. */
static bool kill_at(const struct crash *crash, const struct route *route, size_t index)
{
	pid_t victim = 0;
	bool is_there;

	for (unsigned int i = 0; i < TRIES && victim == 0; i++)
		victim = start_and_run(crash, route, index);
	/* Who wakes beside it gets further while it is stepped: so it is now, all the way. */
	if (!is_at(victim, route, index)) {
		if (victim != 0) {
			end(victim);
			crash->after(crash->data);
		}
		victim = start(crash);
		step(victim, index, NULL);
	}
	is_there = is_at(victim, route, index);
	end(victim);
	crash->after(crash->data);
	return is_there;
}

/* Steps through all of it. */
static void record(const struct crash *crash, struct route *route)
{
	const pid_t victim = start(crash);

	route->count = step(victim, INSTRUCTIONS_MAX, route->places);
	CHECK(route->count > 0 && route->count < INSTRUCTIONS_MAX);
	count_times(route);
	find_anchors(route);
	end(victim);
	crash->after(crash->data);
}

static void make_route(struct route *route)
{
	route->places = malloc(INSTRUCTIONS_MAX * sizeof(*route->places));
	route->times = malloc(INSTRUCTIONS_MAX * sizeof(*route->times));
	route->anchors = malloc(INSTRUCTIONS_MAX * sizeof(*route->anchors));
	CHECK(route->places && route->times && route->anchors);
}

static void free_route(struct route *route)
{
	free(route->anchors);
	free(route->times);
	free(route->places);
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

static size_t number_in(const char *name, size_t otherwise)
{
	const char *const text = getenv(name);
	const int number = text ? atoi(text) : 0;

	return text && number >= 0 ? (size_t)number : otherwise;
}

static size_t every(void)
{
	const char *const name =
		test_is_long() ? "TACHYON_CRASH_EVERY_LONG" : "TACHYON_CRASH_EVERY";
	const size_t number = number_in(name, 1);

	return number > 0 ? number : 1;
}

static size_t dice(void)
{
	return now_ns() / 1000 ^ (uint64_t)getpid() * 7919;
}

/* Another one in each run, so that many together meet them all. */
static size_t first(size_t stride)
{
	return number_in("TACHYON_CRASH_FROM", dice()) % stride;
}

static void skip_where_not_drawn(void)
{
	const size_t number = test_is_long() ? 1 : number_in("TACHYON_CRASH_ONE_OF", 1);

	if (number > 1 && dice() % number != 0)
		SKIP("not drawn this time: TACHYON_CRASH_ONE_OF is set");
}

void crash_everywhere(const struct crash *crash)
{
	const size_t stride = every();
	const size_t from = first(stride);
	size_t kills = 1, strays = 0;
	struct route route;

	skip_where_not_drawn();
	skip_where_refused();
	share_one_cpu();
	make_route(&route);
	/* The last one is killed when its act is over, the first before it began. */
	record(crash, &route);
	if (from > 0) {
		kill_at(crash, &route, 0);
		kills++;
	}
	for (size_t i = from; i < route.count; i += stride) {
		const bool is_there = kill_at(crash, &route, i);

		kills++;
		if (is_there)
			continue;
		strays++;
		CHECK(strays <= route.count / 10 + 5);
		record(crash, &route);
		kills++;
	}
	fprintf(stderr, "# %s: %zu instructions, %zu kills (each %zu from %zu), %zu strays\n",
		crash->name, route.count, kills, stride, from, strays);
	free_route(&route);
}

#else

uint64_t crash_killed_at_ns(void)
{
	return 0;
}

uint64_t crash_buried_at_ns(void)
{
	return 0;
}

void crash_everywhere(const struct crash *crash)
{
	(void)crash;
	SKIP("stepping is written for x86-64 only");
}

#endif
