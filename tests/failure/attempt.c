/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One run: the scenario with a failure in it, a look at what is left, and the scenario again
 * without.
 */
#include "attempt.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODES_MAX 40

/* What the public headers say of each function: contract.py. */
static const struct contract {
	const char *function;
	int codes[CODES_MAX];
} contracts[] = {
#include "contract.inc"
	{NULL, {0}},
};

/* What a process has that it must give back. */
struct holdings {
	int fds;
	int mappings;
	long memory;
};

static struct report *report;
static const char *directory;
static const char *function;
static bool has_fired_before;
static bool is_first_pass;
static bool is_at_end;

/* --- words --- */

const char *run_name(void)
{
	return directory;
}

bool is_failing(void)
{
	return inject_has_fired();
}

void end_failure(void)
{
	inject_end();
}

bool is_over(void)
{
	return is_at_end;
}

void complain(const char *format, ...)
{
	va_list arguments;
	size_t used;

	inject_disarm();
	used = strlen(report->message);
	va_start(arguments, format);
	vsnprintf(report->message + used, sizeof(report->message) - used, format, arguments);
	va_end(arguments);
	_exit(EXIT_COMPLAINED);
}

/* --- attempts --- */

static bool is_documented(int code)
{
	const struct contract *contract = contracts;

	while (contract->function && strcmp(contract->function, function) != 0)
		contract++;
	for (size_t i = 0; i < CODES_MAX; i++)
		if (contract->codes[i] == -code)
			return true;
	return false;
}

/* The connection is gone; what failed has said why, if not to us. */
static bool is_end(int code)
{
	/* This one says "connect anew" of whatever it could not map. */
	if (strcmp(function, "tachyon_subscriber_receive") == 0 && code != TACHYON_ERR_TIMEDOUT)
		return true;
	return code == TACHYON_ERR_CLOSED || code == TACHYON_ERR_CORRUPT;
}

void attempt_begin(const char *name)
{
	function = name;
	has_fired_before = inject_has_fired();
	if (is_first_pass)
		inject_arm();
}

bool attempt_end(int64_t ret)
{
	const int code = ret < 0 ? (int)ret : 0;

	inject_disarm();
	if (code == 0)
		return false;
	if (!inject_has_fired())
		complain("%s: %s, and nothing failed", function, strerrorname_np(-code));
	if (!is_documented(code))
		complain("%s: %s is in no header", function, strerrorname_np(-code));
	if (has_fired_before && !is_end(code))
		complain("%s: %s, long after the failure", function, strerrorname_np(-code));
	inject_end();
	if (!report->was_seen) {
		report->was_seen = true;
		report->answer = code;
		snprintf(report->function, sizeof(report->function), "%s", function);
	}
	if (has_fired_before)
		is_at_end = report->was_over = true;
	return !has_fired_before;
}

void attempt_again(int64_t ret)
{
	if (ret >= 0)
		return;
	/* Not now: the caller waits, as the header says. */
	if (ret == TACHYON_ERR_AGAIN && is_documented((int)ret))
		return;
	if (!is_documented((int)ret) || !is_end((int)ret))
		complain("%s: %s, and once more %s", function, strerrorname_np(-report->answer),
			 strerrorname_np((int)-ret));
	is_at_end = report->was_over = true;
}

/* --- what is left --- */

static int count_names(const char *path, const char *part, char *name, size_t size)
{
	DIR *const listing = opendir(path);
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(listing)) != NULL) {
		const size_t length = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		/* A listener's lock file stays. */
		if (length > 5 && strcmp(entry->d_name + length - 5, ".lock") == 0)
			continue;
		if (part && !strstr(entry->d_name, part))
			continue;
		count++;
		if (name)
			snprintf(name, size, "%s", entry->d_name);
	}
	closedir(listing);
	return count;
}

static int count_mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") || strstr(line, "/dev/shm/") ||
			 strstr(line, "/proc/self/fd");
	fclose(maps);
	return count;
}

static struct holdings look(void)
{
	return (struct holdings){
		.fds = count_names("/proc/self/fd", NULL, NULL, 0),
		.mappings = count_mappings(),
		.memory = inject_held(),
	};
}

/* Which names may stay: none, that of the listener, or any. */
enum leave { LEAVE_NONE, LEAVE_SOCKET, LEAVE_ANY };

static bool is_name_left(enum leave leave, char *name, size_t size)
{
	const int count = count_names(".", NULL, name, size);

	if (leave == LEAVE_ANY)
		return false;
	if (count > 0 && !(leave == LEAVE_SOCKET && count == 1 && strcmp(name, "socket") == 0))
		return true;
	return count_names("/dev/shm", directory, name, size) > 0;
}

static void check_left(const struct holdings *before, enum leave leave, const char *when)
{
	const struct holdings now = look();
	char name[256] = "";

	if (now.fds != before->fds)
		complain("%s: %d fds are left", when, now.fds - before->fds);
	if (now.mappings != before->mappings)
		complain("%s: %d mappings are left", when, now.mappings - before->mappings);
	if (now.memory != before->memory)
		complain("%s: %ld pieces of memory are left", when, now.memory - before->memory);
	if (is_name_left(leave, name, sizeof(name)))
		complain("%s: %s is left", when, name);
}

/* --- a run --- */

/*
 * What is not removed stays: where the kernel says no, there is nobody else to ask. Nor is a name
 * removed that cannot be looked at: it may be another's by now.
 */
static enum leave may_leave(const struct plan *plan)
{
	if (plan->occurrence == 0)
		return LEAVE_NONE;
	if (strcmp(inject_site(plan->site)->call, "unlink") == 0)
		return LEAVE_ANY;
	return strcmp(inject_site(plan->site)->call, "lstat") == 0 ? LEAVE_SOCKET : LEAVE_NONE;
}

/* Whether others still use it cannot be told: it is kept until it can. */
static bool is_about_leases(const struct plan *plan)
{
	return plan->occurrence > 0 && strcmp(inject_site(plan->site)->function, "set_lease") == 0;
}

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 * MS + now.tv_nsec;
}

void attempt(const struct scenario *scenario, const struct plan *plan, struct report *told,
	     const char *where)
{
	struct holdings before;
	int64_t begin;

	report = told;
	directory = where;
	begin = clock_ns();
	before = look();
	inject_set(plan);
	is_first_pass = true;
	snprintf(report->message, sizeof(report->message), "hung or crashed: ");
	scenario->run();
	report->has_fired = inject_has_fired();
	report->took_ms = (clock_ns() - begin) / MS;
	for (size_t i = 0; i < inject_site_count(); i++)
		report->calls[i] = inject_calls(i);
	report->message[0] = '\0';
	if (!is_about_leases(plan))
		check_left(&before, may_leave(plan), "after the failure");

	is_first_pass = false;
	is_at_end = false;
	inject_set(&(struct plan){.site = 0});
	snprintf(report->message, sizeof(report->message), "in the run after: ");
	scenario->run();
	report->message[0] = '\0';
	if (!is_about_leases(plan))
		check_left(&before, may_leave(plan), "after the run after");
	exit(EXIT_SUCCESS);
}

/* --- helpers --- */

struct helper {
	pthread_t thread;
	int (*run)(void *argument);
	void *argument;
	int answer;
};

static void *run_helper(void *argument)
{
	struct helper *const helper = argument;

	helper->answer = helper->run(helper->argument);
	return NULL;
}

struct helper *start_helper(int (*run)(void *argument), void *argument)
{
	struct helper *const helper = malloc(sizeof(*helper));

	*helper = (struct helper){.run = run, .argument = argument};
	if (pthread_create(&helper->thread, NULL, run_helper, helper) != 0)
		complain("no thread");
	return helper;
}

void linger(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2 * MS}, NULL);
}

int finish_helper(struct helper *helper)
{
	int answer;

	pthread_join(helper->thread, NULL);
	answer = helper->answer;
	free(helper);
	return answer;
}
