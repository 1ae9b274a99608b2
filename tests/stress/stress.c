/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What the stress programs of buses and frames share. */
#include "stress.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tachyon.h>
#include <time.h>
#include <unistd.h>

struct verdict *verdict;

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

uint64_t number_after(char **argv, const char *option, uint64_t usual)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, option) == 0 && argv[1])
			return strtoull(argv[1], NULL, 10);
	}
	return usual;
}

bool is_long_form(void)
{
	const char *const text = getenv("TACHYON_TEST_LONG");

	return text && strcmp(text, "1") == 0;
}

void *make_shared(size_t size)
{
	void *const memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	return memory;
}

/* --- the verdict --- */

__attribute__((format(printf, 1, 0))) static void note(const char *format, va_list args)
{
	if (atomic_fetch_add(&verdict->failures, 1) == 0)
		vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
}

void note_failure(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(format, args);
	va_end(args);
	atomic_store(&verdict->is_over, true);
	_exit(EXIT_FAILURE);
}

void expect(int ret, int expected, const char *what)
{
	if (ret != expected)
		fail("%s: %d (%s), not %d", what, ret, ret < 0 ? tachyon_strerror(ret) : "",
		     expected);
}

bool is_over(void)
{
	return atomic_load_explicit(&verdict->is_over, memory_order_relaxed);
}

/* --- what is left --- */

static unsigned int count_descriptors(void)
{
	DIR *const listing = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (listing && readdir(listing))
		count++;
	if (listing)
		closedir(listing);
	return count;
}

static unsigned int count_mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned int count = 0;

	while (maps && fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") != NULL;
	if (maps)
		fclose(maps);
	return count;
}

static uint64_t count_anonymous(void)
{
	FILE *const status = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long kib = 0;

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "RssAnon: %lu kB", &kib) == 1)
			break;
	}
	if (status)
		fclose(status);
	return (uint64_t)kib << 10;
}

struct belongings count_belongings(void)
{
	return (struct belongings){
		.descriptors = count_descriptors(),
		.mappings = count_mappings(),
		.anonymous = count_anonymous(),
	};
}

void expect_nothing_left(const struct belongings *before, const char *whose)
{
	const struct belongings after = count_belongings();

	if (after.descriptors != before->descriptors || after.mappings != before->mappings)
		fail("%s: %u descriptors and %u mappings in the end, %u and %u before", whose,
		     after.descriptors, after.mappings, before->descriptors, before->mappings);
}

void expect_end(pid_t pid, int64_t deadline, const char *who)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ns() >= deadline) {
			note_failure("%s did not end", who);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return;
		}
		usleep(2000);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		note_failure("%s ended with status %#x", who, (unsigned int)status);
}
