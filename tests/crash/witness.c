/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What a survivor holds, and how soon it is told. */
#include "witness.h"

#include <harness.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crash.h"

#define SOON_NS (10 * MS)
#define BURIALS 4

uint64_t witness_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- what it holds --- */

static int count_fds(void)
{
	DIR *const listing = opendir("/proc/self/fd");
	int count = 0;

	CHECK(listing);
	while (readdir(listing))
		count++;
	closedir(listing);
	return count;
}

/* Of shared memory: a segment is a memory file, and so are the tests' own that are lent. */
static int count_mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	return count;
}

void witness_init(struct witness *witness, const char *name)
{
	*witness = (struct witness){
		.fds = count_fds(),
		.mappings = count_mappings(),
		.name = name,
	};
}

void witness_check(const struct witness *witness)
{
	CHECK_EQ(count_fds(), witness->fds);
	CHECK_EQ(count_mappings(), witness->mappings);
}

/* --- how soon it was told --- */

static uint64_t *enlarge(uint64_t *values, size_t room)
{
	uint64_t *const enlarged = realloc(values, room * sizeof(*values));

	CHECK(enlarged);
	return enlarged;
}

void witness_told(struct witness *witness, uint64_t told_ns)
{
	const uint64_t killed_ns = crash_killed_at_ns();

	if (killed_ns == 0 || told_ns < killed_ns)
		return;
	if (witness->count == witness->room) {
		witness->room = witness->room * 2 + 1024;
		witness->delays = enlarge(witness->delays, witness->room);
		witness->burials = enlarge(witness->burials, witness->room);
	}
	witness->delays[witness->count] = told_ns - killed_ns;
	witness->burials[witness->count++] = crash_buried_at_ns() - killed_ns;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static int compare(const void *one, const void *other)
{
	const uint64_t *const a = one, *const b = other;

	return (*a > *b) - (*a < *b);
}

void witness_fini(struct witness *witness)
{
	uint64_t *const delays = witness->delays;
	uint64_t *const burials = witness->burials;
	const size_t count = witness->count;
	size_t late = 0;

	if (count == 0)
		return;
	qsort(delays, count, sizeof(*delays), compare);
	qsort(burials, count, sizeof(*burials), compare);
	while (late < count && delays[count - 1 - late] > (uint64_t)SOON_NS)
		late++;
	fprintf(stderr,
		"# %s: told of %zu deaths after %.2f ms (median), %.2f (99 of 100), %.2f "
		"(longest); %zu above 10 ms; a death took %.2f ms (median), %.2f (longest)\n",
		witness->name, count, ms(delays[count / 2]), ms(delays[(count - 1) * 99 / 100]),
		ms(delays[count - 1]), late, ms(burials[count / 2]), ms(burials[count - 1]));
	CHECK(delays[count / 2] < (uint64_t)SOON_NS + BURIALS * burials[count / 2]);
	free(delays);
	free(burials);
}

/* --- one who waits --- */

static void *watch(void *data)
{
	struct watcher *const watcher = data;

	atomic_store(&watcher->tid, gettid());
	watcher->ret = watcher->wait(watcher->data);
	atomic_store(&watcher->back_ns, witness_now_ns());
	return NULL;
}

/* Whether the kernel says that it sleeps. */
static bool sleeps(int tid)
{
	char path[64], text[512];
	const char *state;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

void watcher_send(struct watcher *watcher, int (*wait)(void *data), void *data)
{
	const uint64_t limit = witness_now_ns() + WITNESS_LIMIT_NS;

	*watcher = (struct watcher){.wait = wait, .data = data, .is_out = true};
	CHECK_EQ(pthread_create(&watcher->thread, NULL, watch, watcher), 0);
	while (atomic_load(&watcher->tid) == 0 ||
	       (!sleeps(atomic_load(&watcher->tid)) && atomic_load(&watcher->back_ns) == 0)) {
		CHECK(witness_now_ns() < limit);
		usleep(10);
	}
}

int watcher_return(struct watcher *watcher)
{
	struct timespec until;

	CHECK(watcher->is_out);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WITNESS_LIMIT_MS / 1000;
	if (pthread_timedjoin_np(watcher->thread, NULL, &until) != 0)
		test_fail(__FILE__, __LINE__, "a survivor is left waiting");
	watcher->is_out = false;
	return watcher->ret;
}
