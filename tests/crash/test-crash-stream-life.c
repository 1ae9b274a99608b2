/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A process is killed after each instruction of what makes, opens, reads and awaits a stream. */
#include <harness.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "crash.h"
#include "stage.h"
#include "stream.h"

#define EVERYBODY (STAGE_SLEEPER | STAGE_POLLER)
#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 120)
/* Long enough to fall asleep. */
#define MS INT64_C(1000000)
#define SHORT_NS (10 * MS)

static void run(struct stage *stage, const struct crash *crash, unsigned int roles)
{
	stage_init(stage, roles);
	stage->is_never = true;
	crash_everywhere(crash);
	stage_fini(stage, crash->name);
}

/* What neither publishes nor changes a name. */
static void crash_user(const char *name, void (*before)(void *), void (*act)(void *))
{
	struct stage stage;
	const struct crash crash = {
		.name = name,
		.before = before,
		.meanwhile = stage_send,
		.act = act,
		.after = stage_check,
		.data = &stage,
	};

	run(&stage, &crash, EVERYBODY);
}

static void nothing(void *data)
{
	(void)data;
}

/* --- names --- */

static void act_create(void *data)
{
	struct stage *const stage = data;

	stage_create(stage->other, &stage->victim);
}

/* It is there with all that belongs to it, or it is not there. True: it is. */
static bool check_other(const struct stage *stage)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	uint64_t words[STAGE_WORDS];
	struct tachyon_snapshot snapshot;
	struct tachyon_stream *stream;
	const int ret = tachyon_stream_stat(stage->other, &info);

	CHECK(ret == 0 || ret == -ENOENT);
	if (ret < 0)
		return false;
	CHECK_EQ(info.value_size, sizeof(words));
	CHECK_EQ(tachyon_stream_open(stage->other, NULL, &stream), 0);
	CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), &snapshot), 0);
	CHECK_EQ(snapshot.count, 0);
	stage_fill(words, 1);
	CHECK_EQ(tachyon_stream_write(stream, words, sizeof(words), STAGE_LIMIT_NS), 0);
	tachyon_stream_destroy(stream);
	CHECK_EQ(tachyon_stream_unlink(stage->other, NULL), 0);
	return true;
}

/* The name was seen with it, and without. */
static void check_both_ways(const struct stage *stage, const char *name)
{
	fprintf(stderr, "# %s: after %lu of %lu kills the name was there\n", name,
		(unsigned long)stage->there, (unsigned long)stage->kept);
	CHECK(stage->there > 0 && stage->there < stage->kept);
}

static void check_created(void *data)
{
	struct stage *const stage = data;

	if (check_other(stage))
		stage->there++;
	stage_check(data);
}

TEST_CRASH(create)
{
	struct stage stage;
	const struct crash crash = {
		.name = "create",
		.before = nothing,
		.act = act_create,
		.after = check_created,
		.data = &stage,
	};

	run(&stage, &crash, 0);
	check_both_ways(&stage, crash.name);
}

static void arrange_other(void *data)
{
	const struct stage *const stage = data;
	struct tachyon_stream *stream;

	stage_create(stage->other, &stream);
	tachyon_stream_destroy(stream);
}

static void act_unlink(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_unlink(stage->other, NULL);
}

static void check_unlinked(void *data)
{
	check_created(data);
	/* The name can be taken again, at once. */
	arrange_other(data);
	CHECK(check_other(data));
}

TEST_CRASH(unlink_a_name)
{
	struct stage stage;
	const struct crash crash = {
		.name = "unlink",
		.arrange = arrange_other,
		.before = nothing,
		.act = act_unlink,
		.after = check_unlinked,
		.data = &stage,
	};

	run(&stage, &crash, 0);
	check_both_ways(&stage, crash.name);
}

static void act_open(void *data)
{
	struct stage *const stage = data;

	if (tachyon_stream_open(stage->name, NULL, &stage->victim) == 0)
		tachyon_stream_destroy(stage->victim);
}

TEST_CRASH(open_and_destroy)
{
	crash_user("open, destroy", nothing, act_open);
}

static void open_locked(void *data)
{
	const struct stage *const stage = data;

	stage_open(data);
	CHECK_EQ(tachyon_stream_lock(stage->victim, -1), 0);
}

static void act_destroy(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_destroy(stage->victim);
}

TEST_CRASH(destroy_with_the_lock)
{
	crash_user("destroy, locked", open_locked, act_destroy);
}

/* --- readers --- */

static void act_read(void *data)
{
	const struct stage *const stage = data;
	uint64_t words[STAGE_WORDS];

	tachyon_stream_read(stage->victim, words, sizeof(words), NULL);
}

TEST_CRASH(read_a_value)
{
	crash_user("read", stage_open, act_read);
}

static void act_wait(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_wait(stage->victim, stage->count + 1, SHORT_NS);
}

TEST_CRASH(wait_for_a_value)
{
	crash_user("wait", stage_open, act_wait);
}

static void open_fd(void *data)
{
	const struct stage *const stage = data;

	stage_open(data);
	CHECK(tachyon_stream_fd(stage->victim) >= 0);
}

static void act_poll(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_prepare(stage->victim, stage->count + 1);
	tachyon_stream_dispatch(stage->victim, stage->count + 1);
}

TEST_CRASH(prepare_and_dispatch)
{
	crash_user("prepare, dispatch", open_fd, act_poll);
}

/* Another has the lock, and keeps it. */
static void lock_and_send(void *data)
{
	const struct stage *const stage = data;

	stage_send(data);
	CHECK_EQ(tachyon_stream_lock(stage->stream, STAGE_LIMIT_NS), 0);
}

static void act_lock(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_lock(stage->victim, SHORT_NS);
}

static void unlock_and_check(void *data)
{
	const struct stage *const stage = data;

	CHECK_EQ(tachyon_stream_unlock(stage->stream), 0);
	stage_check(data);
}

TEST_CRASH(wait_for_the_lock)
{
	struct stage stage;
	const struct crash crash = {
		.name = "lock, waiting",
		.before = stage_open,
		.meanwhile = lock_and_send,
		.act = act_lock,
		.after = unlock_and_check,
		.data = &stage,
	};

	run(&stage, &crash, EVERYBODY);
}

/* No instruction is done while one sleeps. */
TEST(those_who_sleep_are_killed)
{
	struct stage stage;

	stage_init(&stage, EVERYBODY | STAGE_LOCKER);
	stage.is_never = true;
	CHECK_EQ(tachyon_stream_lock(stage.stream, STAGE_LIMIT_NS), 0);
	stage_send(&stage);
	stage_kill_helpers(&stage);
	unlock_and_check(&stage);
	stage_fini(&stage, "asleep");
}

/* --- what a dead writer left --- */

static void act_write(void *data)
{
	const struct stage *const stage = data;
	uint64_t words[STAGE_WORDS];

	stage_fill(words, stage->next);
	tachyon_stream_write(stage->victim, words, sizeof(words), -1);
}

/*
 * As if a writer had died before it woke those who sleep. The victim finds it, repairs it, and dies
 * in the middle of that; then there is a writer again.
 */
static void leave_ringing(void *data)
{
	const struct stage *const stage = data;

	stage_send(data);
	atomic_fetch_or(&stage->stream->header->newest, TACH_BEACON_RINGING);
}

static void crash_repair(const char *name, void (*before)(void *), void (*act)(void *))
{
	struct stage stage;
	const struct crash crash = {
		.name = name,
		.before = before,
		.meanwhile = leave_ringing,
		.act = act,
		.after = stage_check,
		.data = &stage,
	};

	run(&stage, &crash, EVERYBODY);
}

static void act_wait_longer(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_wait(stage->victim, stage->count + 1, SHORT_NS);
}

TEST_CRASH(repair_by_a_sleeper)
{
	crash_repair("repair, asleep", stage_open, act_wait_longer);
}

TEST_CRASH(repair_by_a_poller)
{
	crash_repair("repair, polling", open_fd, act_poll);
}

/* Else every poller would be busy until somebody writes. */
TEST(a_poller_ends_the_ringing_of_the_dead)
{
	struct pollfd entry = {.events = POLLIN};
	struct stage stage;

	stage_init(&stage, 0);
	entry.fd = tachyon_stream_fd(stage.stream);
	leave_ringing(&stage);
	CHECK_EQ(tachyon_stream_prepare(stage.stream, stage.count + 1), 0);
	CHECK_EQ(poll(&entry, 1, STAGE_LIMIT_MS), 1);
	CHECK_EQ(tachyon_stream_dispatch(stage.stream, stage.count + 1), 0);
	CHECK_EQ(tach_beacon_look(&stage.stream->header->newest) & TACH_BEACON_RINGING, 0);
	CHECK_EQ(poll(&entry, 1, 0), 0);
	stage.is_never = true;
	stage_check(&stage);
	stage_fini(&stage, "ringing");
}

TEST_CRASH(write_where_one_died_ringing)
{
	struct stage stage;
	const struct crash crash = {
		.name = "write, ringing",
		.before = stage_open,
		.meanwhile = leave_ringing,
		.act = act_write,
		.after = stage_check,
		.data = &stage,
	};

	stage_init(&stage, EVERYBODY);
	crash_everywhere(&crash);
	stage_fini(&stage, crash.name);
}
