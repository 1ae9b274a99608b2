/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of streams share: streams whose values are one number over and over, so that a
 * mixture shows; and other processes that do something and stand still where they are told to.
 */
#ifndef TACHYON_TESTS_STREAM_SETUP_H
#define TACHYON_TESTS_STREAM_SETUP_H

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include <tachyon.h>

#include "system.h"

/* Never reached where all is well; and one that is meant to run out. */
#define LONG_NS 25000000000ll
#define SHORT_NS 30000000ll

/* More than a page, and not a whole number of them. */
#define WORDS 1500u
#define VALUE_SIZE (WORDS * sizeof(uint64_t))

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN true
#endif
#endif
#ifndef HAS_TSAN
#define HAS_TSAN false
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN true
#endif
#endif
#ifndef HAS_ASAN
#define HAS_ASAN false
#endif

/* --- names --- */

/* A name of this test's own; until the next call in this thread. */
static inline const char *name_of(const char *what)
{
	static _Thread_local char name[256];

	snprintf(name, sizeof(name), "%s-%s", test_name(), what);
	return name;
}

/* Where a stream of that name stands, when all of it may stand in a file's name as it is. */
static inline const char *path_of(const char *what)
{
	static _Thread_local char path[PATH_MAX];

	snprintf(path, sizeof(path), "/dev/shm/tachyon.%u.%s-%s", (unsigned int)geteuid(),
		 test_name(), what);
	return path;
}

/* --- streams --- */

static inline struct tachyon_array array_of(uint32_t scalar, uint32_t bits, uint64_t length)
{
	return (struct tachyon_array){
		.scalar = scalar, .bits = bits, .dimensions = 1, .shape = {length}};
}

static inline struct tachyon_stream *make_stream_of(const char *what, uint64_t words)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 64, words);
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(tachyon_stream_create(name_of(what), &array, NULL, &stream), 0);
	CHECK(stream);
	return stream;
}

static inline struct tachyon_stream *make_stream(const char *what)
{
	return make_stream_of(what, WORDS);
}

static inline struct tachyon_stream *open_stream(const char *what)
{
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(tachyon_stream_open(name_of(what), NULL, &stream), 0);
	CHECK(stream);
	return stream;
}

static inline struct tachyon_stream *open_read_only(const char *what)
{
	const struct tachyon_stream_options options = {.size = sizeof(options), .is_read_only = 1};
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(tachyon_stream_open(name_of(what), &options, &stream), 0);
	return stream;
}

static inline void remove_stream(const char *what)
{
	CHECK_EQ(tachyon_stream_unlink(name_of(what), NULL), 0);
}

/* The creator's handle, and the name. */
static inline void end_stream(struct tachyon_stream *stream, const char *what)
{
	tachyon_stream_destroy(stream);
	remove_stream(what);
}

static inline struct tachyon_stream_info info_of(struct tachyon_stream *stream)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	CHECK_EQ(tachyon_stream_get_info(stream, &info), 0);
	return info;
}

/* --- values: WORDS times the same number --- */

static inline void fill(uint64_t *words, uint64_t number)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = number;
}

static inline int write_within(struct tachyon_stream *stream, uint64_t number, int64_t timeout_ns)
{
	uint64_t words[WORDS];

	fill(words, number);
	return tachyon_stream_write(stream, words, sizeof(words), timeout_ns);
}

static inline int write_number(struct tachyon_stream *stream, uint64_t number)
{
	return write_within(stream, number, LONG_NS);
}

/* The number, having checked that it is one. */
static inline uint64_t number_in(const uint64_t *words)
{
	for (size_t i = 1; i < WORDS; i++) {
		if (words[i] != words[0])
			test_fail(__FILE__, __LINE__, "a mixture: [0] is %ju, [%zu] is %ju",
				  (uintmax_t)words[0], i, (uintmax_t)words[i]);
	}
	return words[0];
}

static inline uint64_t read_with(struct tachyon_stream *stream, struct tachyon_snapshot *snapshot)
{
	uint64_t words[WORDS];

	CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), snapshot), 0);
	return number_in(words);
}

static inline uint64_t read_number(struct tachyon_stream *stream)
{
	return read_with(stream, NULL);
}

/* --- time --- */

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Different moments, from one call to the next. */
static inline void linger(uint32_t *state, unsigned int most_us)
{
	*state = *state * 1664525 + 1013904223;
	usleep((*state >> 8) % most_us);
}

/* --- another process --- */

struct other {
	pid_t pid;
	int sock; /* to it, or in it: to the test */
	const char *what;
	int (*act)(struct other *other);
	void *data;
};

static inline void tell(struct other *other)
{
	CHECK_EQ(send(other->sock, "", 1, MSG_NOSIGNAL), 1);
}

/* Fails when the other side is gone. */
static inline void await(struct other *other)
{
	char byte;

	CHECK_EQ(recv(other->sock, &byte, 1, 0), 1);
}

static inline int run_other(void *arg)
{
	struct other *const other = arg;

	return other->act(other);
}

/* act runs in a process of its own, with a copy of all this. */
static inline struct other start_other(int (*act)(struct other *other), const char *what,
				       void *data)
{
	struct other other = {.what = what, .act = act, .data = data};
	int socks[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	other.sock = socks[1];
	other.pid = run_child(run_other, &other);
	other.sock = socks[0];
	close(socks[1]);
	return other;
}

/* Until it tells: a signal may come between two sleeps of the same wait. */
static inline void interrupt(struct other *other)
{
	struct pollfd entry = {.fd = other->sock, .events = POLLIN};

	do {
		CHECK_EQ(kill(other->pid, SIGUSR1), 0);
	} while (poll(&entry, 1, 20) == 0);
}

/* It ends by itself, without a failure. */
static inline void end_other(struct other *other)
{
	CHECK_EQ(wait_child(other->pid), 0);
	CHECK_EQ(close(other->sock), 0);
}

static inline void kill_other(struct other *other)
{
	CHECK_EQ(kill(other->pid, SIGKILL), 0);
	CHECK_EQ(wait_child(other->pid), -SIGKILL);
	CHECK_EQ(close(other->sock), 0);
}

/* Holds the lock from the first word on until the next. */
static inline int hold_lock(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	tell(other);
	await(other);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

/* The same, half-way through a value. */
static inline int hold_transaction(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);
	void *data;

	CHECK_EQ(tachyon_stream_begin(stream, LONG_NS, &data), 0);
	memset(data, 0xee, VALUE_SIZE / 2);
	tell(other);
	await(other);
	memset(data, 0xee, VALUE_SIZE);
	CHECK_EQ(tachyon_stream_commit(stream), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

#endif
