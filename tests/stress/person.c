/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A life with two streams. Every word of a value says who wrote it and which of his it is, and
 * where in the value it stands: nobody may see two values in one, a count that goes back, a
 * writer's older value after a newer one, or two values of one count.
 */
#include "person.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <tachyon.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (atomic_fetch_add(&board->failures, 1) == 0)
		vsnprintf(board->reason, sizeof(board->reason), format, args);
	va_end(args);
	atomic_store(&board->is_over, true);
	_exit(EXIT_FAILURE);
}

static void expect(int ret, int expected, const char *what)
{
	if (ret != expected)
		fail("%s: %d (%s)", what, ret, tachyon_strerror(ret));
}

/* --- values: writer << 40 | his sequence, and each word's place --- */

#define STAMP(writer, sequence) ((uint64_t)(writer) << 40 | (sequence))
#define SPREAD 0x9e3779b97f4a7c15ull

static void fill(uint64_t *words, size_t size, uint64_t stamp)
{
	words[0] = stamp;
	for (size_t i = 1; i < size / sizeof(*words); i++)
		words[i] = stamp ^ i * SPREAD;
}

static uint64_t check(const uint64_t *words, size_t size)
{
	const uint64_t stamp = words[0];

	/* Value 0 of a stream is zeros. */
	for (size_t i = 1; i < size / sizeof(*words); i++) {
		if (words[i] != (stamp == 0 ? 0 : stamp ^ i * SPREAD))
			fail("torn: word 0 is %#lx, word %zu is %#lx", (unsigned long)stamp, i,
			     (unsigned long)words[i]);
	}
	return stamp;
}

/* --- one process --- */

struct person {
	struct tachyon_stream *handle[STREAMS];
	uint64_t *value; /* LARGEST bytes */
	uint64_t count[STREAMS], stamp[STREAMS];
	uint64_t last[STREAMS][WRITERS_MAX]; /* sequence */
	unsigned int place;		     /* in the crowd */
	unsigned int number;
	unsigned int seed;
};

static bool is_over(void)
{
	return atomic_load_explicit(&board->is_over, memory_order_relaxed);
}

/* What was seen of a stream, which nobody may see to go back. */
static void judge(struct person *self, unsigned int index, uint64_t count, uint64_t stamp)
{
	const uint64_t sequence = stamp & ((UINT64_C(1) << 40) - 1);
	const unsigned int writer = (unsigned int)(stamp >> 40);

	if (count < self->count[index])
		fail("count %lu after %lu", (unsigned long)count,
		     (unsigned long)self->count[index]);
	if (count == self->count[index] && self->count[index] > 0 && stamp != self->stamp[index])
		fail("two values of count %lu", (unsigned long)count);
	if (writer >= WRITERS_MAX || sequence < self->last[index][writer])
		fail("value %lu of writer %u after his %lu", (unsigned long)sequence, writer,
		     (unsigned long)self->last[index][writer]);
	self->count[index] = count;
	self->stamp[index] = stamp;
	self->last[index][writer] = sequence;
}

static void read_value(struct person *self, unsigned int index)
{
	const size_t size = streams[index].size;
	struct tachyon_snapshot snapshot;

	expect(tachyon_stream_read(self->handle[index], self->value, size, &snapshot), 0, "read");
	judge(self, index, snapshot.count, check(self->value, size));
	atomic_fetch_add(&board->bytes, size);
}

/* False: it is over. */
static bool await(struct person *self, unsigned int index)
{
	struct tachyon_stream *const handle = self->handle[index];
	const uint64_t want = self->count[index] + 1;
	const int ret = tachyon_stream_wait(handle, want, HANG_NS);

	if (is_over())
		return false;
	expect(ret, 0, "wait");
	if (tachyon_stream_count(handle) < want)
		fail("woken at %lu for %lu", (unsigned long)tachyon_stream_count(handle),
		     (unsigned long)want);
	return true;
}

static bool await_polling(struct person *self, unsigned int index)
{
	struct tachyon_stream *const handle = self->handle[index];
	struct pollfd entry = {.fd = tachyon_stream_fd(handle), .events = POLLIN};
	const uint64_t want = self->count[index] + 1;
	int ret;

	if (entry.fd < 0)
		fail("fd: %s", tachyon_strerror(entry.fd));
	ret = tachyon_stream_prepare(handle, want);
	while (ret == 0) {
		if (poll(&entry, 1, (int)(HANG_NS / 1000000)) != 1 && !is_over())
			fail("poll: left waiting for %lu, the count is %lu", (unsigned long)want,
			     (unsigned long)tachyon_stream_count(handle));
		if (is_over())
			return false;
		ret = tachyon_stream_dispatch(handle, want);
	}
	expect(ret, 1, "dispatch");
	return true;
}

static bool lock(struct person *self, unsigned int index)
{
	const int ret = tachyon_stream_lock(self->handle[index], HANG_NS);

	if (is_over()) {
		if (ret == 0)
			tachyon_stream_unlock(self->handle[index]);
		return false;
	}
	expect(ret, 0, "lock");
	return true;
}

/* Under the lock the newest value stands still. */
static void look_live(struct person *self, unsigned int index)
{
	struct tachyon_stream *const handle = self->handle[index];
	uint64_t count;
	void *words;

	if (!lock(self, index))
		return;
	expect(tachyon_stream_live(handle, &words), 0, "live");
	count = tachyon_stream_count(handle);
	judge(self, index, count, check(words, streams[index].size));
	if (tachyon_stream_count(handle) != count)
		fail("the count moved under the lock");
	expect(tachyon_stream_unlock(handle), 0, "unlock");
}

static uint64_t next_stamp(const struct person *self, unsigned int index)
{
	return STAMP(self->number,
		     1 + atomic_fetch_add(&board->last_of_writer[index][self->number], 1));
}

static void write_value(struct person *self, unsigned int index)
{
	const size_t size = streams[index].size;
	int ret;

	fill(self->value, size, next_stamp(self, index));
	ret = tachyon_stream_write(self->handle[index], self->value, size, HANG_NS);
	if (!is_over())
		expect(ret, 0, "write");
}

static void write_in_place(struct person *self, unsigned int index)
{
	struct tachyon_stream *const handle = self->handle[index];
	void *words;
	const int ret = tachyon_stream_begin(handle, HANG_NS, &words);

	if (is_over())
		return;
	expect(ret, 0, "begin");
	fill(words, streams[index].size, next_stamp(self, index));
	if (rand_r(&self->seed) % 4 == 0)
		expect(tachyon_stream_rollback(handle), 0, "rollback");
	else
		expect(tachyon_stream_commit(handle), 0, "commit");
}

static void edit_live(struct person *self, unsigned int index)
{
	struct tachyon_stream *const handle = self->handle[index];
	void *words;

	if (!lock(self, index))
		return;
	expect(tachyon_stream_live(handle, &words), 0, "live");
	fill(words, streams[index].size, next_stamp(self, index));
	expect(tachyon_stream_unlock(handle), 0, "unlock");
}

static void act(struct person *self, enum way way)
{
	const unsigned int index = rand_r(&self->seed) % 4 == 0;

	switch (way) {
	case READING:
		read_value(self, index);
		break;
	case SLEEPING:
		if (await(self, index))
			read_value(self, index);
		break;
	case POLLING:
		if (await_polling(self, index))
			read_value(self, index);
		break;
	case LIVE:
		look_live(self, index);
		break;
	case WRITING:
		write_value(self, index);
		break;
	case IN_PLACE:
		write_in_place(self, index);
		break;
	case EDITING:
		edit_live(self, index);
		break;
	case WAYS:
		break;
	}
	atomic_fetch_add(&board->done[way], 1);
}

/* A user has 128 inotify instances, with which others go about, too: few poll. */
static enum way choose(const struct person *self, unsigned int dice)
{
	if (dice % 16 == 0)
		return LIVE;
	return self->place % 4 == 0 ? (enum way)(dice % 3) : (enum way)(dice % 2);
}

/* Those who are killed leave it unfinished; those who are not end here. */
_Noreturn void live_a_life(unsigned int place, bool is_writer, unsigned int seed)
{
	struct person self = {.place = place, .number = is_writer ? place + 1 : 0, .seed = seed};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self.value = malloc(LARGEST);
	if (!self.value)
		fail("no memory");
	for (unsigned int i = 0; i < STREAMS; i++)
		expect(tachyon_stream_open(streams[i].name, NULL, &self.handle[i]), 0, "open");
	while (!is_over()) {
		const unsigned int dice = (unsigned int)rand_r(&self.seed);

		if (is_writer)
			act(&self, WRITING + dice % 3);
		else
			act(&self, choose(&self, dice));
		if (is_writer)
			usleep((unsigned int)rand_r(&self.seed) % 2000);
	}
	for (unsigned int i = 0; i < STREAMS; i++)
		tachyon_stream_destroy(self.handle[i]);
	free(self.value);
	_exit(EXIT_SUCCESS);
}
