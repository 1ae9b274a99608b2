/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A writer is stopped (SIGSTOP) wherever it is: readers go on, and timeouts are kept. */
#include <harness.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

#define ROUNDS 400
#define PATIENCE_NS INT64_C(2000000)

/* What a round found. */
struct tally {
	unsigned int locked, free;
};

static void write_one(struct tachyon_stream *stream, uint64_t stamp)
{
	uint64_t words[STAGE_WORDS];
	void *place;

	if (stamp % 3 == 0) {
		CHECK_EQ(tachyon_stream_begin(stream, -1, &place), 0);
		stage_fill(place, stamp);
		CHECK_EQ(tachyon_stream_commit(stream), 0);
	} else if (stamp % 3 == 1) {
		CHECK_EQ(tachyon_stream_lock(stream, -1), 0);
		CHECK_EQ(tachyon_stream_live(stream, &place), 0);
		stage_fill(place, stamp);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	} else {
		stage_fill(words, stamp);
		CHECK_EQ(tachyon_stream_write(stream, words, sizeof(words), -1), 0);
	}
}

static int write_for_ever(void *data)
{
	struct stage *const stage = data;

	stage_open(stage);
	for (uint64_t stamp = stage->next;; stamp++)
		write_one(stage->victim, stamp);
	return 0;
}

static void stop(pid_t pid)
{
	int status;

	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

/* The lock is the stopped one's, or it is nobody's. */
static void try_lock(struct stage *stage, struct tally *tally)
{
	const int ret = tachyon_stream_lock(stage->stream, 0);

	CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
	if (ret == 0) {
		CHECK_EQ(tachyon_stream_unlock(stage->stream), 0);
		tally->free++;
		return;
	}
	CHECK_EQ(tachyon_stream_lock(stage->stream, PATIENCE_NS), TACHYON_ERR_TIMEDOUT);
	tally->locked++;
}

static void stop_once(struct stage *stage, pid_t writer, struct tally *tally)
{
	usleep((useconds_t)(rand() % 300));
	stop(writer);
	stage_read(stage);
	try_lock(stage, tally);
	stage_read(stage);
	CHECK_EQ(kill(writer, SIGCONT), 0);
	CHECK_EQ(tachyon_stream_wait(stage->stream, stage->count + 1, STAGE_LIMIT_NS), 0);
}

TEST(a_stopped_writer_holds_nobody_up_but_writers)
{
	struct tally tally = {0};
	struct stage stage;
	pid_t writer;

	stage_init(&stage, 0);
	writer = run_child(write_for_ever, &stage);
	for (unsigned int i = 0; i < ROUNDS; i++)
		stop_once(&stage, writer, &tally);
	CHECK_EQ(kill(writer, SIGKILL), 0);
	CHECK_EQ(wait_child(writer), -SIGKILL);
	stage_read(&stage);

	fprintf(stderr, "# stopped %u times with the lock, %u without\n", tally.locked, tally.free);
	CHECK(tally.locked > 0);
	tachyon_stream_destroy(stage.stream);
	CHECK_EQ(tachyon_stream_unlink(stage.name, NULL), 0);
}
