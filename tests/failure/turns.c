/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Everything fails in turn: one run of a scenario says which calls there are, then each of them
 * fails with each number that it may fail with, in a process of its own.
 *
 * The short form takes one in some; TACHYON_TEST_LONG=1: all. TACHYON_FAILURE_SEED=n picks others,
 * TACHYON_FAILURE_VERBOSE=1 prints what each failure came to, TACHYON_FAILURE_ONLY=text takes only
 * those whose line has the text.
 */
#include "turns.h"

#include <harness.h>

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

/* Runs at once: some only wait. */
#define PLACES 4
#define PLANS_MAX 20000
#define COMPLAINTS_MAX 40
#define HANG_S 25
/* Of one place, in the short form. */
#define CALLS_MAX 40u

/* One in so many of the short form. */
#ifndef SHORT_STRIDE
#define SHORT_STRIDE 6
#endif

struct place {
	pid_t pid; /* 0: free */
	struct plan plan;
	char directory[64];
};

struct turns {
	const struct scenario *scenario;
	struct plan *plans;
	size_t count;
	unsigned int runs;
	unsigned int fired;
	unsigned int complaints;
	struct place places[PLACES];
	struct report *reports; /* shared with the runs: one for each place */
};

/* Shared by all tests of the program: failures at each place so far. */
static struct tally *tally;

__attribute__((constructor)) static void share_tally(void)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
}

const struct tally *turns_tally(void)
{
	return tally;
}

static bool is_set(const char *name)
{
	const char *const text = getenv(name);

	return text && *text && strcmp(text, "0") != 0;
}

/* --- a run --- */

static void describe(const struct turns *turns, const struct plan *plan, char *text, size_t size)
{
	const struct site *const site = inject_site(plan->site);

	if (plan->occurrence == 0)
		snprintf(text, size, "%s, nothing fails", turns->scenario->name);
	else
		snprintf(text, size, "%s, %s:%u %s(): %s(%s), call %u%s: %s", turns->scenario->name,
			 strrchr(site->file, '/') + 1, site->line, site->function, site->call,
			 site->arguments, plan->occurrence, plan->persists ? " and all later" : "",
			 strerrorname_np(plan->number));
}

static _Noreturn void be_run(const struct turns *turns, const struct place *place,
			     struct report *report)
{
	if (mkdir(place->directory, 0700) < 0 || chdir(place->directory) < 0)
		_exit(EXIT_FAILURE);
	alarm(HANG_S);
	attempt(turns->scenario, &place->plan, report, place->directory);
}

static void start(struct turns *turns, size_t index, const struct plan *plan)
{
	struct place *const place = &turns->places[index];
	struct report *const report = &turns->reports[index];

	place->plan = *plan;
	snprintf(place->directory, sizeof(place->directory), "%s-%u", test_name(), turns->runs++);
	memset(report, 0, sizeof(*report));
	fflush(NULL);
	place->pid = fork();
	CHECK(place->pid >= 0);
	if (place->pid == 0)
		be_run(turns, place, report);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void note(struct turns *turns, const struct place *place, const struct report *report)
{
	const size_t site = place->plan.site;
	char text[512];

	if (!report->has_fired)
		return;
	turns->fired++;
	tally->failures[site]++;
	if (report->was_seen)
		tally->answered[site]++;
	if (!is_set("TACHYON_FAILURE_VERBOSE"))
		return;
	describe(turns, &place->plan, text, sizeof(text));
	fprintf(stderr, "# %s: %jd ms -> %s %s%s\n", text, (intmax_t)report->took_ms,
		report->was_seen ? report->function : "nobody is told",
		report->was_seen ? strerrorname_np(-report->answer) : "",
		report->was_over ? ", the end" : "");
}

/* The run at this place has ended. */
static void finish(struct turns *turns, size_t index, int status)
{
	struct place *const place = &turns->places[index];
	const struct report *const report = &turns->reports[index];
	char text[512];

	place->pid = 0;
	nftw(place->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
		note(turns, place, report);
		return;
	}
	describe(turns, &place->plan, text, sizeof(text));
	if (turns->complaints++ < COMPLAINTS_MAX)
		fprintf(stderr, "# %s\n#   -> %s (status %#x)\n", text, report->message, status);
}

static void finish_one(struct turns *turns)
{
	int status;
	const pid_t pid = waitpid(-1, &status, 0);

	CHECK(pid > 0);
	for (size_t i = 0; i < PLACES; i++)
		if (turns->places[i].pid == pid)
			finish(turns, i, status);
}

static size_t free_place(struct turns *turns)
{
	for (;;) {
		for (size_t i = 0; i < PLACES; i++)
			if (turns->places[i].pid == 0)
				return i;
		finish_one(turns);
	}
}

static void finish_all(struct turns *turns)
{
	for (size_t i = 0; i < PLACES; i++)
		while (turns->places[i].pid != 0)
			finish_one(turns);
}

/* --- which runs there are --- */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static uint64_t seed(void)
{
	const char *const text = getenv("TACHYON_FAILURE_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

/* Only lines with this text. */
static bool is_wanted(const struct turns *turns, const struct plan *plan)
{
	const char *const text = getenv("TACHYON_FAILURE_ONLY");
	char line[512];

	describe(turns, plan, line, sizeof(line));
	return !text || strstr(line, text);
}

static void add(struct turns *turns, const struct plan *plan)
{
	if (!is_wanted(turns, plan))
		return;
	CHECK(turns->count < PLANS_MAX);
	turns->plans[turns->count++] = *plan;
}

/* The first call of a place fails at least once, also in the short form. */
static void add_site(struct turns *turns, size_t site, unsigned int calls)
{
	const bool is_long = test_is_long();
	const uint64_t random = mix(seed() ^ (site << 32));
	size_t count;
	const int *const numbers = inject_numbers(inject_site(site), &count);

	/* How often a thread polls is chance: the first few tell as much. */
	const unsigned int most = is_long || calls < CALLS_MAX ? calls : CALLS_MAX;

	for (unsigned int i = 1; i <= most; i++) {
		for (size_t n = 0; n < count; n++) {
			const struct plan plan = {
				.site = site,
				.occurrence = i,
				.number = numbers[n],
				.persists = inject_is_for_good(inject_site(site), numbers[n]),
			};

			if (is_long || (i == 1 && n == random % count) ||
			    mix(random + i * 16 + n) % SHORT_STRIDE == 0)
				add(turns, &plan);
		}
	}
}

static void record(struct turns *turns)
{
	start(turns, 0, &(struct plan){.site = 0});
	finish_all(turns);
	CHECK_EQ(turns->complaints, 0);
	for (size_t i = 0; i < inject_site_count(); i++)
		add_site(turns, i, turns->reports[0].calls[i]);
}

void fail_in_turn(const struct scenario *scenario)
{
	struct turns turns = {.scenario = scenario};

	CHECK(inject_site_count() < SITES_MAX);
	turns.plans = calloc(PLANS_MAX, sizeof(*turns.plans));
	turns.reports = mmap(NULL, PLACES * sizeof(*turns.reports), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(turns.plans && turns.reports != MAP_FAILED);
	record(&turns);
	for (size_t i = 0; i < turns.count; i++)
		start(&turns, free_place(&turns), &turns.plans[i]);
	finish_all(&turns);
	fprintf(stderr, "# %s: %zu failures planned, %u came, seed %ju\n", scenario->name,
		turns.count, turns.fired, (uintmax_t)seed());
	munmap(turns.reports, PLACES * sizeof(*turns.reports));
	free(turns.plans);
	CHECK_EQ(turns.complaints, 0);
}
