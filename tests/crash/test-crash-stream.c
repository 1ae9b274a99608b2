/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A writer of a stream is killed after each instruction of each call: others go on. */
#include <harness.h>

#include <string.h>

#include "crash.h"
#include "stage.h"

#define EVERYBODY (STAGE_SLEEPER | STAGE_POLLER)
#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 120)

static void crash_writer(const char *name, unsigned int roles, bool is_never,
			 void (*before)(void *), void (*act)(void *))
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

	stage_init(&stage, roles);
	stage.is_never = is_never;
	crash_everywhere(&crash);
	stage_fini(&stage, name);
}

/* --- write --- */

static void act_write(void *data)
{
	const struct stage *const stage = data;
	uint64_t words[STAGE_WORDS];

	stage_fill(words, stage->next);
	tachyon_stream_write(stage->victim, words, sizeof(words), -1);
}

TEST_CRASH(write_with_nobody_waiting)
{
	crash_writer("write", 0, false, stage_open, act_write);
}

TEST_CRASH(write_beside_a_sleeper)
{
	crash_writer("write, sleeper", STAGE_SLEEPER, false, stage_open, act_write);
}

TEST_CRASH(write_beside_a_poller)
{
	crash_writer("write, poller", STAGE_POLLER, false, stage_open, act_write);
}

TEST_CRASH(write_beside_a_sleeper_and_a_poller)
{
	crash_writer("write, both", EVERYBODY, false, stage_open, act_write);
}

/* --- in place --- */

static void act_commit(void *data)
{
	const struct stage *const stage = data;
	void *words;

	if (tachyon_stream_begin(stage->victim, -1, &words) < 0)
		return;
	stage_fill(words, stage->next);
	tachyon_stream_commit(stage->victim);
}

TEST_CRASH(begin_and_commit)
{
	crash_writer("begin, commit", EVERYBODY, false, stage_open, act_commit);
}

static void act_rollback(void *data)
{
	const struct stage *const stage = data;
	void *words;

	if (tachyon_stream_begin(stage->victim, -1, &words) < 0)
		return;
	stage_fill(words, stage->next);
	tachyon_stream_rollback(stage->victim);
}

TEST_CRASH(begin_and_rollback)
{
	crash_writer("begin, rollback", EVERYBODY, true, stage_open, act_rollback);
}

/* --- live --- */

static void act_live(void *data)
{
	const struct stage *const stage = data;
	void *words;

	if (tachyon_stream_lock(stage->victim, -1) < 0)
		return;
	if (tachyon_stream_live(stage->victim, &words) == 0)
		stage_fill(words, stage->next);
	tachyon_stream_unlock(stage->victim);
}

TEST_CRASH(live_view_opened_and_published)
{
	crash_writer("live, first time", EVERYBODY, false, stage_open, act_live);
}

/* The window is there already, and shows an older value. */
static void open_live(void *data)
{
	const struct stage *const stage = data;
	void *words;

	stage_open(data);
	CHECK_EQ(tachyon_stream_lock(stage->victim, -1), 0);
	CHECK_EQ(tachyon_stream_live(stage->victim, &words), 0);
	CHECK_EQ(tachyon_stream_unlock(stage->victim), 0);
}

TEST_CRASH(live_view_published_again)
{
	crash_writer("live, again", EVERYBODY, false, open_live, act_live);
}

/* --- the lock --- */

static void open_locked(void *data)
{
	const struct stage *const stage = data;

	stage_open(data);
	CHECK_EQ(tachyon_stream_lock(stage->victim, -1), 0);
}

static void act_unlock(void *data)
{
	const struct stage *const stage = data;

	tachyon_stream_unlock(stage->victim);
}

TEST_CRASH(unlock_beside_one_who_waits_for_it)
{
	crash_writer("unlock, waiter", EVERYBODY | STAGE_LOCKER, true, open_locked, act_unlock);
}

static void act_write_and_unlock(void *data)
{
	act_write(data);
	act_unlock(data);
}

TEST_CRASH(write_and_unlock_beside_one_who_waits_for_the_lock)
{
	crash_writer("write, unlock, waiter", EVERYBODY | STAGE_LOCKER, false, open_locked,
		     act_write_and_unlock);
}

static void act_lock(void *data)
{
	const struct stage *const stage = data;

	if (tachyon_stream_lock(stage->victim, -1) == 0)
		tachyon_stream_unlock(stage->victim);
}

TEST_CRASH(lock_and_unlock)
{
	crash_writer("lock, unlock", EVERYBODY, true, stage_open, act_lock);
}
