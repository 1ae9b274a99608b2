/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of buses share: two ends in one process, threads, time, and content that tells
 * where it belongs.
 */
#ifndef TACHYON_TESTS_PAIR_H
#define TACHYON_TESTS_PAIR_H

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tachyon/bus.h>
#include <tachyon/error.h>
#include <tachyon/version.h>

#include "harness.h"
#include "os.h"

#define MS 1000000ll
/* Longer than anything here takes, and than a virtual machine may stand still: 60 s were seen. */
#define LONG_NS (100000 * MS)
#define ADDRESS "socket"

/* --- time --- */

static inline int64_t ms_since(uint64_t start_ns)
{
	return (int64_t)(tach_os_now_ns() - start_ns) / MS;
}

static inline void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MS}, NULL);
}

/* Tries until the condition holds; fails the test when it never does. */
#define EVENTUALLY(condition)                                                        \
	do {                                                                         \
		const uint64_t eventually_start = tach_os_now_ns();                  \
		int eventually_holds;                                                \
                                                                                     \
		while (!(eventually_holds = (condition)) &&                          \
		       ms_since(eventually_start) < LONG_NS / MS)                    \
			sleep_ms(1);                                                 \
		test_count_check();                                                  \
		if (!eventually_holds)                                               \
			test_fail(__FILE__, __LINE__, "EVENTUALLY(%s)", #condition); \
	} while (0)

/* --- what is open --- */

/* The same before and after means nothing leaked. */
static inline int count_fds(void)
{
	DIR *const listing = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(listing))
		count++;
	closedir(listing);
	return count;
}

static inline int count_memfd_mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	return count;
}

/* --- threads --- */

struct helper {
	pthread_t thread;
	int (*run)(void *argument);
	void *argument;
	int result;
};

static void *run_helper(void *argument)
{
	struct helper *const helper = argument;

	helper->result = helper->run(helper->argument);
	return NULL;
}

static inline void start_helper(struct helper *helper, int (*run)(void *argument), void *argument)
{
	*helper = (struct helper){.run = run, .argument = argument};
	CHECK_EQ(pthread_create(&helper->thread, NULL, run_helper, helper), 0);
}

static inline int finish_helper(struct helper *helper)
{
	CHECK_EQ(pthread_join(helper->thread, NULL), 0);
	return helper->result;
}

/* --- two ends in one process --- */

struct pair {
	struct tachyon_bus *left;  /* listened */
	struct tachyon_bus *right; /* connected */
};

static inline struct tachyon_bus_options bus_options(uint64_t ring_size, uint32_t spin)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.ring_size = ring_size,
		.spin = spin,
		.timeout_ns = LONG_NS,
	};
}

struct connecting {
	const struct tachyon_bus_options *options;
	struct tachyon_bus *bus;
};

static int connect_in_helper(void *argument)
{
	struct connecting *const connecting = argument;

	return tachyon_bus_connect(ADDRESS, connecting->options, &connecting->bus);
}

static inline struct pair make_pair_with(const struct tachyon_bus_options *left,
					 const struct tachyon_bus_options *right)
{
	struct connecting connecting = {.options = right};
	struct helper helper;
	struct pair pair;

	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, left, &pair.left), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	pair.right = connecting.bus;
	return pair;
}

static inline struct pair make_pair(uint64_t ring_size)
{
	const struct tachyon_bus_options options = bus_options(ring_size, TACHYON_SPIN_NEVER);

	return make_pair_with(&options, &options);
}

static inline void close_pair(struct pair *pair)
{
	tachyon_bus_destroy(pair->left);
	tachyon_bus_destroy(pair->right);
}

static inline struct tachyon_bus_stats stats_of(const struct tachyon_bus *bus)
{
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};

	tachyon_bus_get_stats(bus, &stats);
	return stats;
}

/* --- messages --- */

/* Sends a text of its type; returns what send answers. */
static inline int say(struct tachyon_bus *bus, const char *text)
{
	return tachyon_bus_send(bus, text, strlen(text) + 1, 7, 0);
}

/* The text that comes next, taken and released; the code's name when there is none. */
static inline const char *hear_within(struct tachyon_bus *bus, int64_t timeout_ns)
{
	static _Thread_local char text[256];
	struct tachyon_message message;
	const int ret = tachyon_bus_receive(bus, &message, timeout_ns);

	if (ret < 0)
		return strerrorname_np(-ret);
	snprintf(text, sizeof(text), "%s", (const char *)message.data);
	CHECK_EQ(tachyon_bus_release(bus, &message), 0);
	return text;
}

static inline const char *hear(struct tachyon_bus *bus)
{
	return hear_within(bus, 0);
}

/* --- content --- */

static inline uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* Every byte depends on the seed and on its place. */
static inline void fill(void *data, size_t size, uint64_t seed)
{
	uint8_t *const bytes = data;
	size_t i = 0;

	for (; i + 8 <= size; i += 8) {
		const uint64_t word = mix(seed + i);

		memcpy(bytes + i, &word, 8);
	}
	if (i < size) {
		const uint64_t word = mix(seed + i);

		memcpy(bytes + i, &word, size % 8);
	}
}

/* True when it is what fill() writes. */
static inline int is_filled(const void *data, size_t size, uint64_t seed)
{
	const uint8_t *const bytes = data;
	size_t i = 0;

	for (; i + 8 <= size; i += 8) {
		const uint64_t word = mix(seed + i);

		if (memcmp(bytes + i, &word, 8) != 0)
			return 0;
	}
	if (i < size) {
		const uint64_t word = mix(seed + i);

		return memcmp(bytes + i, &word, size % 8) == 0;
	}
	return 1;
}

#endif
