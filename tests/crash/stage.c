/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* The stream of a crash, and those who wait for it. */
#include "stage.h"

#include <harness.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* So that every run of a victim takes the same path. */
static const struct tachyon_stream_options no_spin = {
	.size = sizeof(no_spin),
	.spin = UINT32_MAX,
};

/* What a helper and the test share. */
struct stage_talk {
	uint64_t want;
	_Atomic int is_waiting;
	uint64_t count; /* of what it read */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- values --- */

void stage_fill(uint64_t words[STAGE_WORDS], uint64_t stamp)
{
	for (unsigned int i = 0; i < STAGE_WORDS; i++)
		words[i] = stamp * STAGE_WORDS + i;
}

uint64_t stage_stamp_of(const uint64_t words[STAGE_WORDS])
{
	const uint64_t stamp = words[0] / STAGE_WORDS;

	for (unsigned int i = 0; i < STAGE_WORDS; i++)
		CHECK_EQ(words[i], stamp * STAGE_WORDS + i);
	return stamp;
}

void stage_create(const char *name, struct tachyon_stream **stream)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_UINT,
		.bits = 64,
		.dimensions = 1,
		.shape = {STAGE_WORDS},
	};

	CHECK_EQ(tachyon_stream_create(name, &array, &no_spin, stream), 0);
}

static uint64_t read_stamp(struct tachyon_stream *stream, uint64_t *count)
{
	struct tachyon_snapshot snapshot;
	uint64_t words[STAGE_WORDS];

	CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), &snapshot), 0);
	*count = snapshot.count;
	return stage_stamp_of(words);
}

/* --- those who wait --- */

static void wait_asleep(struct tachyon_stream *stream, struct stage_talk *talk)
{
	CHECK_EQ(tachyon_stream_wait(stream, talk->want, -1), 0);
	read_stamp(stream, &talk->count);
}

static void wait_polling(struct tachyon_stream *stream, struct stage_talk *talk)
{
	struct pollfd entry = {.fd = tachyon_stream_fd(stream), .events = POLLIN};
	int ret = tachyon_stream_prepare(stream, talk->want);

	CHECK(entry.fd >= 0);
	while (ret == 0) {
		CHECK_EQ(poll(&entry, 1, -1), 1);
		ret = tachyon_stream_dispatch(stream, talk->want);
	}
	CHECK_EQ(ret, 1);
	read_stamp(stream, &talk->count);
}

static void wait_for_lock(struct tachyon_stream *stream, struct stage_talk *talk)
{
	CHECK_EQ(tachyon_stream_lock(stream, -1), 0);
	talk->count = tachyon_stream_count(stream);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
}

static _Noreturn void help(const struct stage *stage, unsigned int role, int order, int answer,
			   struct stage_talk *talk)
{
	struct tachyon_stream *stream;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CHECK_EQ(tachyon_stream_open(stage->name, &no_spin, &stream), 0);
	if (role == STAGE_POLLER)
		CHECK(tachyon_stream_fd(stream) >= 0);
	while (read(order, &byte, 1) == 1) {
		atomic_store(&talk->is_waiting, 1);
		if (role == STAGE_SLEEPER)
			wait_asleep(stream, talk);
		else if (role == STAGE_POLLER)
			wait_polling(stream, talk);
		else
			wait_for_lock(stream, talk);
		atomic_store(&talk->is_waiting, 0);
		CHECK_EQ(write(answer, &byte, 1), 1);
	}
	_exit(0);
}

static void start_helper(struct stage *stage, unsigned int index)
{
	struct stage_helper *const helper = &stage->helpers[index];
	int order[2], answer[2];

	helper->talk = mmap(NULL, sizeof(*helper->talk), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(helper->talk != MAP_FAILED);
	CHECK_EQ(pipe(order), 0);
	CHECK_EQ(pipe(answer), 0);
	fflush(NULL);
	helper->pid = fork();
	CHECK(helper->pid >= 0);
	if (helper->pid == 0) {
		close(order[1]);
		close(answer[0]);
		help(stage, 1u << index, order[0], answer[1], helper->talk);
	}
	close(order[0]);
	close(answer[1]);
	helper->order = order[1];
	helper->answer = answer[0];
}

static void stop_helper(struct stage_helper *helper)
{
	if (helper->pid == 0)
		return;
	kill(helper->pid, SIGKILL);
	CHECK_EQ(wait_child(helper->pid), -SIGKILL);
	close(helper->order);
	close(helper->answer);
	munmap(helper->talk, sizeof(*helper->talk));
	helper->pid = 0;
	helper->is_out = false;
}

void stage_kill_helpers(struct stage *stage)
{
	for (unsigned int i = 0; i < STAGE_ROLES; i++)
		stop_helper(&stage->helpers[i]);
}

/* Whether the kernel says that it sleeps. */
static bool sleeps(pid_t pid)
{
	char path[32], text[512];
	const char *state;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	CHECK(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	state = strrchr(text, ')');
	CHECK(state);
	return state[2] == 'S';
}

static void send_helper(struct stage_helper *helper, uint64_t want)
{
	const uint64_t limit = now_ns() + STAGE_LIMIT_NS;

	if (helper->pid == 0)
		return;
	CHECK(!helper->is_out);
	helper->talk->want = want;
	CHECK_EQ(write(helper->order, "", 1), 1);
	while (!atomic_load(&helper->talk->is_waiting) || !sleeps(helper->pid)) {
		CHECK(now_ns() < limit);
		usleep(20);
	}
	helper->is_out = true;
}

void stage_send(void *data)
{
	struct stage *const stage = data;

	for (unsigned int i = 0; i < STAGE_ROLES; i++)
		send_helper(&stage->helpers[i], stage->count + 1);
}

/* --- what must hold --- */

static void note(uint64_t *longest, uint64_t since)
{
	const uint64_t took = now_ns() - since;

	if (took > *longest)
		*longest = took;
}

/* It comes back, with what it waited for, without anything that would be done for it from here. */
static void expect_back(struct stage *stage, struct stage_helper *helper)
{
	struct pollfd entry = {.fd = helper->answer, .events = POLLIN};
	const uint64_t since = now_ns();
	char byte;

	if (helper->pid == 0 || !helper->is_out)
		return;
	if (poll(&entry, 1, STAGE_LIMIT_MS) != 1)
		test_fail(__FILE__, __LINE__,
			  "helper %ld is left waiting for %lu: the count is %lu",
			  (long)(helper - stage->helpers), (unsigned long)helper->talk->want,
			  (unsigned long)tachyon_stream_count(stage->stream));
	CHECK_EQ(read(helper->answer, &byte, 1), 1);
	note(&stage->longest_wake_ns, since);
	helper->is_out = false;
}

static void expect_sleepers_back(struct stage *stage)
{
	for (unsigned int i = 0; i < 2; i++) {
		const bool was_out = stage->helpers[i].is_out;

		expect_back(stage, &stage->helpers[i]);
		if (was_out)
			CHECK(stage->helpers[i].talk->count >= stage->helpers[i].talk->want);
	}
}

static void check_value(struct stage *stage)
{
	uint64_t count;
	const uint64_t stamp = read_stamp(stage->stream, &count);

	CHECK_EQ(count, tachyon_stream_count(stage->stream));
	if (stage->is_never)
		CHECK_EQ(count, stage->count);
	CHECK(count == stage->count || count == stage->count + 1);
	CHECK_EQ(stamp, count == stage->count ? stage->stamp : stage->next);
	if (count == stage->count)
		stage->kept++;
	else
		stage->published++;
	stage->count = count;
}

void stage_read(struct stage *stage)
{
	uint64_t count;
	const uint64_t stamp = read_stamp(stage->stream, &count);

	CHECK(count >= stage->count);
	/* Here a stamp is never written twice. */
	CHECK((count == stage->count) == (stamp == stage->stamp));
	stage->count = count;
	stage->stamp = stamp;
}

static void check_lock(struct stage *stage)
{
	const uint64_t since = now_ns();

	CHECK_EQ(tachyon_stream_lock(stage->stream, STAGE_LIMIT_NS), 0);
	note(&stage->longest_lock_ns, since);
	CHECK_EQ(tachyon_stream_unlock(stage->stream), 0);
}

static void check_write(struct stage *stage)
{
	uint64_t words[STAGE_WORDS];
	uint64_t count;

	stage->stamp = stage->next + 1;
	stage_fill(words, stage->stamp);
	CHECK_EQ(tachyon_stream_write(stage->stream, words, sizeof(words), STAGE_LIMIT_NS), 0);
	CHECK_EQ(read_stamp(stage->stream, &count), stage->stamp);
	CHECK_EQ(count, stage->count + 1);
	stage->count = count;
	stage->next = stage->stamp + 1;
}

/* No name of ours but the two that we know. */
static void check_names(const struct stage *stage)
{
	DIR *const listing = opendir("/dev/shm");
	const struct dirent *entry;

	CHECK(listing);
	while ((entry = readdir(listing))) {
		const char *const name = strstr(entry->d_name, stage->name);

		if (name && strcmp(name, stage->name) != 0 && strcmp(name, stage->other) != 0)
			test_fail(__FILE__, __LINE__, "left behind: %s", entry->d_name);
	}
	closedir(listing);
}

void stage_check(void *data)
{
	struct stage *const stage = data;
	const uint64_t before = stage->count;

	check_value(stage);
	if (stage->count > before)
		expect_sleepers_back(stage);
	expect_back(stage, &stage->helpers[2]);
	check_lock(stage);
	check_names(stage);
	check_write(stage);
	expect_sleepers_back(stage);
}

/* --- the life --- */

void stage_open(void *data)
{
	struct stage *const stage = data;

	CHECK_EQ(tachyon_stream_open(stage->name, &no_spin, &stage->victim), 0);
}

void stage_init(struct stage *stage, unsigned int roles)
{
	*stage = (struct stage){.next = 1};
	snprintf(stage->name, sizeof(stage->name), "%s", test_name());
	snprintf(stage->other, sizeof(stage->other), "%s-other", stage->name);
	stage_create(stage->name, &stage->stream);
	check_write(stage);
	for (unsigned int i = 0; i < STAGE_ROLES; i++) {
		if (roles & 1u << i)
			start_helper(stage, i);
	}
}

void stage_fini(struct stage *stage, const char *name)
{
	stage_kill_helpers(stage);
	tachyon_stream_destroy(stage->stream);
	CHECK_EQ(tachyon_stream_unlink(stage->name, NULL), 0);
	fprintf(stderr,
		"# %s: %lu times the old value, %lu the new; at most %.1f ms to the lock, %.1f to "
		"wake\n",
		name, (unsigned long)stage->kept, (unsigned long)stage->published,
		(double)stage->longest_lock_ns / 1e6, (double)stage->longest_wake_ns / 1e6);
	CHECK(stage->kept > 0);
	CHECK(stage->is_never || stage->published > 0);
}
