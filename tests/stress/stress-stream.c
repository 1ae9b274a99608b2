/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Many readers and writers of two streams, a small one and a large one, for some seconds; some of
 * them are killed at random, and others come in their place.
 *
 *	stress-stream [--seconds N] [--readers N] [--writers N] [--seed N]
 *
 * The last line says how much was seen.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <tachyon.h>
#include <time.h>
#include <unistd.h>

#include "person.h"

#define PEOPLE_MAX 512

static const char *const names_of_ways[WAYS] = {
	"read",	 "slept and read", "polled and read", "looked under the lock",
	"wrote", "wrote in place", "edited live",
};

struct board *board;
struct stress_stream streams[STREAMS] = {{.size = 64u << 10}, {.size = LARGEST}};

struct plan {
	unsigned int seconds, readers, writers, seed;
};

struct crowd {
	pid_t pids[PEOPLE_MAX];
	unsigned int count, writers;
	unsigned int seed;
	uint64_t killed_readers, killed_writers;
};

static void send(struct crowd *crowd, unsigned int place)
{
	const bool is_writer = place < crowd->writers;
	const unsigned int seed = (unsigned int)rand_r(&crowd->seed);
	const pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0)
		live_a_life(place, is_writer, seed);
	crowd->pids[place] = pid;
}

static void replace_one(struct crowd *crowd)
{
	/* Writers are few: as often as all the readers together. */
	const unsigned int dice = (unsigned int)rand_r(&crowd->seed);
	const unsigned int place =
		dice & 1 ? dice / 2 % crowd->writers
			 : crowd->writers + dice / 2 % (crowd->count - crowd->writers);
	int status;

	kill(crowd->pids[place], SIGKILL);
	waitpid(crowd->pids[place], &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return;
	if (place < crowd->writers)
		crowd->killed_writers++;
	else
		crowd->killed_readers++;
	send(crowd, place);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

/* Those who sleep are woken by one more value. */
static void end_all(struct crowd *crowd, struct tachyon_stream *const handles[STREAMS])
{
	uint64_t *const value = calloc(1, LARGEST);
	const int64_t deadline = now_ns() + HANG_NS;
	unsigned int left = crowd->count;

	if (!value)
		exit(EXIT_FAILURE);
	atomic_store(&board->is_over, true);
	while (left > 0 && now_ns() < deadline) {
		for (unsigned int i = 0; i < STREAMS; i++)
			tachyon_stream_write(handles[i], value, streams[i].size, SECOND);
		usleep(10000);
		left = 0;
		for (unsigned int i = 0; i < crowd->count; i++) {
			if (crowd->pids[i] > 0 && waitpid(crowd->pids[i], NULL, WNOHANG) > 0)
				crowd->pids[i] = 0;
			left += crowd->pids[i] > 0;
		}
	}
	free(value);
	for (unsigned int i = 0; i < crowd->count; i++) {
		if (crowd->pids[i] == 0)
			continue;
		kill(crowd->pids[i], SIGKILL);
		waitpid(crowd->pids[i], NULL, 0);
	}
	if (left > 0 && atomic_fetch_add(&board->failures, 1) == 0)
		snprintf(board->reason, sizeof(board->reason), "%u did not end", left);
}

static unsigned int number_after(char **argv, const char *option, unsigned int usual)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, option) == 0 && argv[1])
			return (unsigned int)strtoul(argv[1], NULL, 10);
	}
	return usual;
}

static bool make_streams(struct tachyon_stream *handles[STREAMS])
{
	for (unsigned int i = 0; i < STREAMS; i++) {
		const struct tachyon_array array = {
			.scalar = TACHYON_SCALAR_UINT,
			.bits = 64,
			.dimensions = 1,
			.shape = {streams[i].size / 8},
		};
		int ret;

		snprintf(streams[i].name, sizeof(streams[i].name), "stress-%d-%u", (int)getpid(),
			 i);
		ret = tachyon_stream_create(streams[i].name, &array, NULL, &handles[i]);
		if (ret < 0) {
			fprintf(stderr, "create: %s\n", tachyon_strerror(ret));
			return false;
		}
	}
	return true;
}

/* --- what is left --- */

static unsigned int count_entries(const char *directory, const char *having)
{
	DIR *const listing = opendir(directory);
	const struct dirent *entry;
	unsigned int count = 0;

	while (listing && (entry = readdir(listing)))
		count += strstr(entry->d_name, having) != NULL;
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
		count += strstr(line, "/dev/shm/") != NULL;
	if (maps)
		fclose(maps);
	return count;
}

/* Names of this run, descriptors and mappings of this process. */
static void check_leaks(unsigned int descriptors)
{
	char name[32];
	unsigned int names, mappings;

	snprintf(name, sizeof(name), "stress-%d-", (int)getpid());
	names = count_entries("/dev/shm", name);
	mappings = count_mappings();
	descriptors = count_entries("/proc/self/fd", "") - descriptors;
	printf("%u names, %u mappings, %u descriptors left\n", names, mappings, descriptors);
	if (names + mappings + descriptors > 0 && atomic_fetch_add(&board->failures, 1) == 0)
		snprintf(board->reason, sizeof(board->reason), "something was left");
}

static void run(const struct plan *plan, struct crowd *crowd,
		struct tachyon_stream *const handles[STREAMS])
{
	const int64_t end = now_ns() + plan->seconds * SECOND;

	for (unsigned int i = 0; i < crowd->count; i++)
		send(crowd, i);
	while (now_ns() < end && !atomic_load(&board->is_over)) {
		usleep((unsigned int)rand_r(&crowd->seed) % 40000);
		replace_one(crowd);
	}
	end_all(crowd, handles);
}

static int report(const struct plan *plan, const struct crowd *crowd)
{
	for (unsigned int i = 0; i < WAYS; i++)
		printf("%12lu %s\n", (unsigned long)board->done[i], names_of_ways[i]);
	if (board->failures > 0)
		printf("FAILED: %s\n", board->reason);
	printf("%u s, %u readers, %u writers: %lu GiB read; %lu readers and %lu writers killed; "
	       "%u failures\n",
	       plan->seconds, plan->readers, plan->writers, (unsigned long)(board->bytes >> 30),
	       (unsigned long)crowd->killed_readers, (unsigned long)crowd->killed_writers,
	       board->failures);
	for (unsigned int i = 0; i < WAYS; i++) {
		if (board->done[i] == 0)
			return EXIT_FAILURE;
	}
	return board->failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct plan plan = {
		.seconds = number_after(argv, "--seconds", 5),
		.readers = number_after(argv, "--readers", 64),
		.writers = number_after(argv, "--writers", 8),
		.seed = number_after(argv, "--seed", (unsigned int)time(NULL)),
	};
	struct crowd crowd = {
		.count = plan.readers + plan.writers,
		.writers = plan.writers,
		.seed = plan.seed,
	};
	const unsigned int descriptors = count_entries("/proc/self/fd", "");
	struct tachyon_stream *handles[STREAMS] = {NULL};

	(void)argc;
	if (plan.writers == 0 || plan.writers >= WRITERS_MAX || plan.readers == 0 ||
	    crowd.count > PEOPLE_MAX) {
		fprintf(stderr, "too many, or nobody\n");
		return 2;
	}
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board == MAP_FAILED)
		return EXIT_FAILURE;
	printf("seed %u\n", plan.seed);
	fflush(stdout);
	if (make_streams(handles))
		run(&plan, &crowd, handles);
	else
		board->failures++;
	for (unsigned int i = 0; i < STREAMS; i++) {
		tachyon_stream_destroy(handles[i]);
		tachyon_stream_unlink(streams[i].name, NULL);
	}
	check_leaks(descriptors);
	return report(&plan, &crowd);
}
