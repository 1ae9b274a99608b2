/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Many threads on one handle: any function, several at a time.
 */
#include <pthread.h>

#include "stream-setup.h"

/* No writer's number: rolled back. */
#define NEVER UINT64_MAX
#define ROUNDS 1500u
#define WRITERS 3
#define READERS 3

struct crew {
	struct tachyon_stream *stream;
	_Atomic uint64_t published;
	_Atomic bool is_over;
};

static void write_once(struct crew *crew, uint64_t i)
{
	struct tachyon_stream *const stream = crew->stream;
	void *data;

	switch (i % 3) {
	case 0:
		CHECK_EQ(write_number(stream, i), 0);
		break;
	case 1:
		CHECK_EQ(tachyon_stream_begin(stream, -1, &data), 0);
		fill(data, i);
		CHECK_EQ(tachyon_stream_commit(stream), 0);
		break;
	case 2:
		CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), 0);
		fill(data, NEVER);
		CHECK_EQ(tachyon_stream_rollback(stream), 0);
		return;
	}
	crew->published++;
}

static void *write_all(void *arg)
{
	struct crew *const crew = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		write_once(crew, i);
		CHECK_EQ(tachyon_stream_has_lock(crew->stream), 0);
		CHECK_EQ(tachyon_stream_unlock(crew->stream), -EPERM);
	}
	return NULL;
}

static void *read_all(void *arg)
{
	struct crew *const crew = arg;

	while (!crew->is_over) {
		struct tachyon_snapshot snapshot;
		const uint64_t count = tachyon_stream_count(crew->stream);

		CHECK(read_with(crew->stream, &snapshot) != NEVER);
		CHECK(snapshot.count >= count);
	}
	return NULL;
}

static void *follow_all(void *arg)
{
	struct crew *const crew = arg;
	uint64_t seen = 0;

	while (!crew->is_over) {
		const int ret = tachyon_stream_wait(crew->stream, seen + 1, -1);

		if (ret < 0) {
			CHECK_EQ(ret, TACHYON_ERR_CANCELED);
			continue;
		}
		seen = tachyon_stream_count(crew->stream);
	}
	return NULL;
}

TEST_WITH_TIMEOUT(writers_readers_and_sleepers_share_a_handle, 120)
{
	struct crew crew = {.stream = make_stream("a")};
	pthread_t writers[WRITERS];
	pthread_t others[READERS + 2];

	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&others[i], NULL, read_all, &crew), 0);
	CHECK_EQ(pthread_create(&others[READERS], NULL, follow_all, &crew), 0);
	CHECK_EQ(pthread_create(&others[READERS + 1], NULL, follow_all, &crew), 0);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQ(pthread_create(&writers[i], NULL, write_all, &crew), 0);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQ(pthread_join(writers[i], NULL), 0);
	crew.is_over = true;
	tachyon_stream_cancel(crew.stream);
	for (int i = 0; i < READERS + 2; i++)
		CHECK_EQ(pthread_join(others[i], NULL), 0);
	CHECK_EQ(tachyon_stream_count(crew.stream), crew.published);
	end_stream(crew.stream, "a");
}

/* --- editors --- */

static void *edit_all(void *arg)
{
	struct crew *const crew = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t *words;
		void *data;

		CHECK_EQ(tachyon_stream_lock(crew->stream, -1), 0);
		CHECK_EQ(tachyon_stream_live(crew->stream, &data), 0);
		words = data;
		fill(words, number_in(words) + 1);
		CHECK_EQ(tachyon_stream_unlock(crew->stream), 0);
	}
	return NULL;
}

TEST_WITH_TIMEOUT(threads_edit_one_view_in_turn, 120)
{
	struct crew crew = {.stream = make_stream("a")};
	pthread_t editors[3];
	pthread_t reader;

	CHECK_EQ(pthread_create(&reader, NULL, read_all, &crew), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&editors[i], NULL, edit_all, &crew), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(editors[i], NULL), 0);
	crew.is_over = true;
	CHECK_EQ(pthread_join(reader, NULL), 0);
	CHECK_EQ(read_number(crew.stream), 3 * ROUNDS);
	CHECK_EQ(tachyon_stream_count(crew.stream), 3 * ROUNDS);
	end_stream(crew.stream, "a");
}

/* --- handles of their own --- */

static void *count_up(void *arg)
{
	struct crew *const crew = arg;
	struct tachyon_stream *const stream = open_stream("a");
	uint64_t words[WORDS];

	for (uint64_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(tachyon_stream_lock(stream, -1), 0);
		CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), NULL), 0);
		fill(words, number_in(words) + 1);
		CHECK_EQ(tachyon_stream_write(stream, words, sizeof(words), 0), 0);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
	}
	crew->published += ROUNDS;
	tachyon_stream_destroy(stream);
	return NULL;
}

TEST_WITH_TIMEOUT(threads_with_handles_of_their_own_take_turns, 120)
{
	struct crew crew = {.stream = make_stream("a")};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, count_up, &crew), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(read_number(crew.stream), 4 * ROUNDS);
	CHECK_EQ(tachyon_stream_count(crew.stream), 4 * ROUNDS);
	end_stream(crew.stream, "a");
}

/* --- the end --- */

enum wait_kind { WAIT_VALUE, WAIT_LOCK, WAIT_WRITE, WAIT_BEGIN, WAIT_KINDS };

struct waiter {
	struct tachyon_stream *stream;
	enum wait_kind kind;
	_Atomic pid_t thread;
	int ret;
};

static int wait_somehow(struct tachyon_stream *stream, enum wait_kind kind)
{
	void *data;

	switch (kind) {
	case WAIT_VALUE:
		return tachyon_stream_wait(stream, UINT64_MAX, -1);
	case WAIT_LOCK:
		return tachyon_stream_lock(stream, -1);
	case WAIT_WRITE:
		return write_within(stream, 1, -1);
	case WAIT_BEGIN:
		return tachyon_stream_begin(stream, -1, &data);
	case WAIT_KINDS:
		break;
	}
	return 0;
}

static void *wait_in_thread(void *arg)
{
	struct waiter *const waiter = arg;

	waiter->thread = gettid();
	waiter->ret = wait_somehow(waiter->stream, waiter->kind);
	return NULL;
}

static void end_all_waits(void (*end)(struct tachyon_stream *stream), int expected)
{
	struct tachyon_stream *const holder = make_stream("a");
	struct tachyon_stream *const stream = open_stream("a");
	struct waiter waiters[2 * WAIT_KINDS];
	pthread_t threads[2 * WAIT_KINDS];

	CHECK_EQ(tachyon_stream_lock(holder, 0), 0);
	for (unsigned int i = 0; i < 2 * WAIT_KINDS; i++) {
		waiters[i] = (struct waiter){.stream = stream, .kind = i % WAIT_KINDS};
		CHECK_EQ(pthread_create(&threads[i], NULL, wait_in_thread, &waiters[i]), 0);
		while (waiters[i].thread == 0)
			sched_yield();
		wait_until_asleep(waiters[i].thread);
	}
	end(stream);
	for (unsigned int i = 0; i < 2 * WAIT_KINDS; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		CHECK_EQ(waiters[i].ret, expected);
	}
	CHECK_EQ(tachyon_stream_has_lock(holder), 1);
	CHECK_EQ(write_within(holder, 1, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(holder), 0);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	tachyon_stream_destroy(stream);
	end_stream(holder, "a");
}

TEST(shutdown_ends_every_kind_of_wait)
{
	end_all_waits(tachyon_stream_shutdown, TACHYON_ERR_CLOSED);
}

TEST(cancel_ends_every_kind_of_wait)
{
	end_all_waits(tachyon_stream_cancel, TACHYON_ERR_CANCELED);
}

static void *cancel_and_resume(void *arg)
{
	struct crew *const crew = arg;

	while (!crew->is_over) {
		tachyon_stream_cancel(crew->stream);
		tachyon_stream_resume(crew->stream);
	}
	return NULL;
}

TEST(cancel_and_resume_over_and_over_lose_no_value)
{
	struct crew crew = {.stream = make_stream("a")};
	struct tachyon_stream *const writer = open_stream("a");
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, cancel_and_resume, &crew), 0);
	for (uint64_t i = 1; i <= 500; i++) {
		int ret;

		CHECK_EQ(tachyon_stream_wait(crew.stream, i, 1) < 0, 1);
		CHECK_EQ(write_number(writer, i), 0);
		do
			ret = tachyon_stream_wait(crew.stream, i, LONG_NS);
		while (ret == TACHYON_ERR_CANCELED);
		CHECK_EQ(ret, 0);
	}
	crew.is_over = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	tachyon_stream_destroy(writer);
	end_stream(crew.stream, "a");
}

static void *take_descriptor(void *arg)
{
	const int fd = tachyon_stream_fd(arg);

	CHECK(fd >= 0);
	return (void *)(intptr_t)fd;
}

TEST(threads_that_ask_for_the_descriptor_at_once_get_the_same)
{
	for (int i = 0; i < 50; i++) {
		struct tachyon_stream *const stream = make_stream("a");
		pthread_t threads[3];
		void *fds[3];

		for (int j = 0; j < 3; j++)
			CHECK_EQ(pthread_create(&threads[j], NULL, take_descriptor, stream), 0);
		for (int j = 0; j < 3; j++)
			CHECK_EQ(pthread_join(threads[j], &fds[j]), 0);
		CHECK_EQ((intptr_t)fds[0], (intptr_t)fds[1]);
		CHECK_EQ((intptr_t)fds[0], (intptr_t)fds[2]);
		end_stream(stream, "a");
	}
}
