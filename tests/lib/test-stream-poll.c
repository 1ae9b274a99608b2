/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waiting for a count beside other things: the descriptor, prepare and dispatch.
 */
#include <sys/mman.h>

#include "stream-setup.h"

#define LONG_MS 25000

static int poll_for(int fd, int timeout_ms)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};

	return poll(&entry, 1, timeout_ms);
}

/* prepare, poll, dispatch, as the header says; 0: no value within the time. */
static int wait_by_poll(struct tachyon_stream *stream, uint64_t count, int timeout_ms)
{
	int ret = tachyon_stream_prepare(stream, count);

	while (ret == 0) {
		if (poll_for(tachyon_stream_fd(stream), timeout_ms) == 0)
			return 0;
		ret = tachyon_stream_dispatch(stream, count);
	}
	return ret;
}

TEST(a_descriptor_is_the_handles_and_stays_the_same)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const other = open_stream("a");
	const int fd = tachyon_stream_fd(stream);

	CHECK(fd >= 0);
	CHECK_EQ(tachyon_stream_fd(stream), fd);
	CHECK(tachyon_stream_fd(other) != fd);
	CHECK_EQ(poll_for(fd, 0), 0);
	tachyon_stream_destroy(other);
	end_stream(stream, "a");
}

TEST(without_a_descriptor_nothing_is_prepared)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(tachyon_stream_prepare(stream, 1), -EINVAL);
	CHECK_EQ(tachyon_stream_dispatch(stream, 1), -EINVAL);
	end_stream(stream, "a");
}

TEST(a_count_that_is_there_needs_no_poll)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK(tachyon_stream_fd(stream) >= 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 0), 1);
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 1), 1);
	CHECK_EQ(tachyon_stream_prepare(stream, 0), 1);
	CHECK_EQ(tachyon_stream_dispatch(stream, 1), 1);
	CHECK_EQ(tachyon_stream_prepare(stream, 2), 0);
	CHECK_EQ(tachyon_stream_dispatch(stream, 2), 0);
	end_stream(stream, "a");
}

TEST(a_write_of_any_handle_makes_it_readable)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	const int fd = tachyon_stream_fd(stream);

	for (uint64_t i = 1; i <= 20; i++) {
		CHECK_EQ(tachyon_stream_prepare(stream, i), 0);
		CHECK_EQ(poll_for(fd, 0), 0);
		CHECK_EQ(write_number(i % 2 ? writer : stream, i), 0);
		CHECK_EQ(poll_for(fd, LONG_MS), 1);
		CHECK_EQ(tachyon_stream_dispatch(stream, i), 1);
		CHECK_EQ(read_number(stream), i);
	}
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(a_write_under_a_lock_that_is_kept_makes_it_readable)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	const int fd = tachyon_stream_fd(stream);

	CHECK_EQ(tachyon_stream_prepare(stream, 1), 0);
	CHECK_EQ(tachyon_stream_lock(writer, 0), 0);
	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(poll_for(fd, LONG_MS), 1);
	CHECK_EQ(tachyon_stream_dispatch(stream, 1), 1);
	CHECK_EQ(tachyon_stream_unlock(writer), 0);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(who_waits_for_more_is_told_of_more)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");

	CHECK(tachyon_stream_fd(stream) >= 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 3), 0);
	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(wait_by_poll(stream, 3, 0), 0);
	CHECK_EQ(write_number(writer, 2), 0);
	CHECK_EQ(wait_by_poll(stream, 3, 0), 0);
	CHECK_EQ(write_number(writer, 3), 0);
	CHECK_EQ(wait_by_poll(stream, 3, LONG_MS), 1);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

/* Or a loop would never sleep. */
TEST(after_a_dispatch_it_is_quiet_until_the_next_write)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	const int fd = tachyon_stream_fd(stream);

	CHECK_EQ(tachyon_stream_prepare(stream, 9), 0);
	for (uint64_t i = 1; i <= 8; i++) {
		CHECK_EQ(write_number(writer, i), 0);
		while (poll_for(fd, 0) == 1)
			CHECK_EQ(tachyon_stream_dispatch(stream, 9), 0);
		CHECK_EQ(poll_for(fd, 20), 0);
	}
	CHECK_EQ(write_number(writer, 9), 0);
	CHECK_EQ(poll_for(fd, LONG_MS), 1);
	CHECK_EQ(tachyon_stream_dispatch(stream, 9), 1);
	CHECK_EQ(tachyon_stream_prepare(stream, 10), 0);
	while (poll_for(fd, 0) == 1)
		CHECK_EQ(tachyon_stream_dispatch(stream, 10), 0);
	CHECK_EQ(poll_for(fd, 50), 0);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(many_may_poll_for_the_same_value)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *readers[8];

	for (int i = 0; i < 8; i++) {
		readers[i] = open_stream("a");
		CHECK(tachyon_stream_fd(readers[i]) >= 0);
		CHECK_EQ(tachyon_stream_prepare(readers[i], 1), 0);
	}
	CHECK_EQ(write_number(writer, 1), 0);
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(poll_for(tachyon_stream_fd(readers[i]), LONG_MS), 1);
		CHECK_EQ(tachyon_stream_dispatch(readers[i], 1), 1);
		tachyon_stream_destroy(readers[i]);
	}
	end_stream(writer, "a");
}

TEST(a_read_only_handle_may_poll)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_read_only("a");
	const int fd = tachyon_stream_fd(reader);

	CHECK(fd >= 0);
	CHECK_EQ(tachyon_stream_prepare(reader, 1), 0);
	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(poll_for(fd, LONG_MS), 1);
	CHECK_EQ(tachyon_stream_dispatch(reader, 1), 1);
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}

TEST(what_is_canceled_or_shut_down_says_so)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK(tachyon_stream_fd(stream) >= 0);
	CHECK_EQ(tachyon_stream_prepare(stream, 1), 0);
	tachyon_stream_cancel(stream);
	CHECK_EQ(tachyon_stream_dispatch(stream, 1), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_stream_prepare(stream, 1), TACHYON_ERR_CANCELED);
	tachyon_stream_resume(stream);
	CHECK_EQ(tachyon_stream_prepare(stream, 1), 0);
	tachyon_stream_shutdown(stream);
	CHECK_EQ(tachyon_stream_dispatch(stream, 1), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_prepare(stream, 1), TACHYON_ERR_CLOSED);
	end_stream(stream, "a");
}

/* --- no wake-up is lost --- */

/* TSan is slow, and three pollers with it. */
#define ROUNDS (HAS_TSAN ? 3000u : 12000u)

static int follow_by_poll(struct other *other)
{
	_Atomic uint64_t *const seen = other->data;
	struct tachyon_stream *const stream = open_stream(other->what);

	CHECK(tachyon_stream_fd(stream) >= 0);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		CHECK_EQ(wait_by_poll(stream, i, LONG_MS), 1);
		*seen = i;
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(pollers_see_every_value_that_waits_for_them, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	_Atomic uint64_t *const seen =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct other others[3];

	CHECK((void *)seen != MAP_FAILED);
	for (int i = 0; i < 3; i++)
		others[i] = start_other(follow_by_poll, "a", (void *)&seen[i]);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		CHECK_EQ(write_number(stream, i), 0);
		for (int j = 0; j < 3; j++)
			while (seen[j] < i)
				sched_yield();
	}
	for (int i = 0; i < 3; i++)
		end_other(&others[i]);
	munmap((void *)seen, 4096);
	end_stream(stream, "a");
}

static int answer_by_poll(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	CHECK(tachyon_stream_fd(stream) >= 0);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(wait_by_poll(stream, 2 * i + 1, LONG_MS), 1);
		CHECK_EQ(write_number(stream, i), 0);
	}
	tachyon_stream_destroy(stream);
	return 0;
}

TEST_WITH_TIMEOUT(a_poller_and_a_sleeper_that_take_turns_never_miss_one_another, 120)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(answer_by_poll, "a", NULL);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		CHECK_EQ(write_number(stream, i), 0);
		CHECK_EQ(tachyon_stream_wait(stream, 2 * i + 2, -1), 0);
	}
	end_other(&other);
	end_stream(stream, "a");
}
