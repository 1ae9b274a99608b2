/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Streams: one that writes and reads them, beside another handle that goes on. */
#include "scenario.h"

#include <harness.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS 1500u
#define VALUE_SIZE (WORDS * sizeof(uint64_t))

static const struct tachyon_stream_options no_spin = {
	.size = sizeof(no_spin),
	.spin = UINT32_MAX,
};

/* --- values: one number, over and over --- */

static void fill(uint64_t *words, uint64_t number)
{
	for (size_t i = 0; i < WORDS; i++)
		words[i] = number;
}

static int write_number(struct tachyon_stream *stream, uint64_t number)
{
	uint64_t words[WORDS];

	fill(words, number);
	return TRY(tachyon_stream_write, stream, words, sizeof(words), LONG_NS);
}

static int read_number(struct tachyon_stream *stream, uint64_t number)
{
	uint64_t words[WORDS];

	if (TRY(tachyon_stream_read, stream, words, sizeof(words), NULL) < 0)
		return -1;
	EXPECT(words[0] == number && words[WORDS - 1] == number);
	return 0;
}

/* --- the other handle --- */

struct other {
	struct tachyon_stream *stream;
	_Atomic bool is_done;
};

/* Writes one more whenever it is done with one: so the other side has something to wait for. */
static int go_on(void *argument)
{
	struct other *const other = argument;
	uint64_t words[WORDS];

	while (!other->is_done) {
		EXPECT(tachyon_stream_lock(other->stream, LONG_NS) == 0);
		EXPECT(tachyon_stream_read(other->stream, words, sizeof(words), NULL) == 0);
		EXPECT(words[0] == words[WORDS - 1]);
		EXPECT(tachyon_stream_write(other->stream, words, sizeof(words), LONG_NS) == 0);
		EXPECT(tachyon_stream_unlock(other->stream) == 0);
		linger();
	}
	return 0;
}

/* --- what it does --- */

static int edit(struct tachyon_stream *stream)
{
	void *data;

	if (TRY(tachyon_stream_begin, stream, LONG_NS, &data) < 0)
		return -1;
	fill(data, 2);
	if (TRY(tachyon_stream_rollback, stream) < 0)
		return -1;
	if (TRY(tachyon_stream_begin, stream, LONG_NS, &data) < 0)
		return -1;
	fill(data, 3);
	if (TRY(tachyon_stream_commit, stream) < 0)
		return -1;
	return read_number(stream, 3);
}

static int edit_live(struct tachyon_stream *stream)
{
	void *data;

	for (uint64_t number = 4; number < 6; number++) {
		if (TRY(tachyon_stream_lock, stream, LONG_NS) < 0)
			return -1;
		if (TRY(tachyon_stream_live, stream, &data) < 0)
			return -1;
		fill(data, number);
		if (TRY(tachyon_stream_unlock, stream) < 0)
			return -1;
		if (read_number(stream, number) < 0)
			return -1;
	}
	return 0;
}

static int wait_for_values(struct tachyon_stream *stream)
{
	for (int i = 0; i < 3; i++)
		if (TRY(tachyon_stream_wait, stream, tachyon_stream_count(stream) + 1, LONG_NS) < 0)
			return -1;
	return 0;
}

static int poll_for_values(struct tachyon_stream *stream)
{
	struct pollfd entry = {.events = POLLIN};
	int ret;

	entry.fd = TRY(tachyon_stream_fd, stream);
	if (entry.fd < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		const uint64_t count = tachyon_stream_count(stream) + 1;

		ret = TRY(tachyon_stream_prepare, stream, count);
		while (ret == 0) {
			EXPECT(poll(&entry, 1, (int)(LONG_NS / MS)) == 1);
			ret = TRY(tachyon_stream_dispatch, stream, count);
		}
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* The other handle writes meanwhile, and so takes turns. */
static int take_turns(struct tachyon_stream *stream, const char *name)
{
	struct other other = {.is_done = false};
	struct helper *helper;
	int ret;

	EXPECT(tachyon_stream_open(name, &no_spin, &other.stream) == 0);
	helper = start_helper(go_on, &other);
	ret = wait_for_values(stream);
	if (ret == 0)
		ret = poll_for_values(stream);
	for (uint64_t i = 0; i < 10 && ret == 0; i++)
		ret = write_number(stream, 100 + i);
	other.is_done = true;
	EXPECT(finish_helper(helper) == 0);
	tachyon_stream_destroy(other.stream);
	return ret;
}

static int find(const char *name, void *data)
{
	return strcmp(name, data) == 0;
}

static void look_around(struct tachyon_stream *stream, const char *name)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *reader;

	EXPECT(TRY(tachyon_stream_stat, name, &info) == 0);
	EXPECT(info.value_size == VALUE_SIZE);
	EXPECT(TRY(tachyon_stream_get_info, stream, &info) == 0);
	EXPECT(TRY(tachyon_stream_list, find, (void *)name) == 1);
	EXPECT(TRY(tachyon_stream_open, name, &no_spin, &reader) == 0);
	DO(tachyon_stream_cancel, reader);
	DO(tachyon_stream_resume, reader);
	DO(tachyon_stream_shutdown, reader);
	DO(tachyon_stream_destroy, reader);
}

static void use_stream(void)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_UINT, .bits = 64, .dimensions = 1, .shape = {WORDS}};
	const char *const name = run_name();
	struct tachyon_stream *stream;

	EXPECT(TRY(tachyon_stream_create, name, &array, &no_spin, &stream) == 0);
	EXPECT(write_number(stream, 1) == 0 && read_number(stream, 1) == 0);
	EXPECT(edit(stream) == 0);
	EXPECT(edit_live(stream) == 0);
	EXPECT(take_turns(stream, name) == 0);
	look_around(stream, name);
	EXPECT(TRY(tachyon_stream_unlink, name, NULL) == 0);
	DO(tachyon_stream_destroy, stream);
}

/* --- on a device: the simulated driver of tests/simulated-driver --- */

static int use_device_stream(const char *name, struct tachyon_stream *stream)
{
	struct tachyon_stream_options options = no_spin;
	struct tachyon_stream *attached;
	uint64_t memory;

	options.device = TACHYON_DEVICE_CUDA;
	if (write_number(stream, 1) < 0 || read_number(stream, 1) < 0)
		return -1;
	EXPECT(TRY(tachyon_gpu_allocate, 0, VALUE_SIZE, &memory) == 0);
	EXPECT(TRY(tachyon_stream_read_device, stream, memory, VALUE_SIZE, NULL) == 0);
	EXPECT(TRY(tachyon_stream_write_device, stream, memory, VALUE_SIZE, LONG_NS) == 0);
	DO(tachyon_gpu_free, 0, memory);
	EXPECT(TRY(tachyon_stream_open, name, &options, &attached) == 0);
	EXPECT(read_number(attached, 1) == 0);
	DO(tachyon_stream_destroy, attached);
	return 0;
}

static void use_device(void)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_UINT, .bits = 64, .dimensions = 1, .shape = {WORDS}};
	struct tachyon_stream_options options = no_spin;
	const char *const name = run_name();
	struct tachyon_stream *stream;

	options.device = TACHYON_DEVICE_CUDA;
	/* The driver's own memory is not counted: it is there from here on. */
	EXPECT(tachyon_gpu_count() > 0);
	EXPECT(TRY(tachyon_stream_create, name, &array, &options, &stream) == 0);
	EXPECT(use_device_stream(name, stream) == 0);
	EXPECT(TRY(tachyon_stream_unlink, name, NULL) == 0);
	DO(tachyon_stream_destroy, stream);
}

FAIL_IN_TURN(each_call_of_a_stream_fails_in_turn, use_stream)
FAIL_IN_TURN(each_call_of_a_stream_on_a_device_fails_in_turn, use_device)
