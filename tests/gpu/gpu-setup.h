/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of streams in device memory share. They run on a simulated driver: see
 * simulated-driver.h.
 *
 * A driver does not survive fork(): other processes are started before this one calls it.
 */
#ifndef TACHYON_TESTS_GPU_SETUP_H
#define TACHYON_TESTS_GPU_SETUP_H

#include <sys/wait.h>

#include "simulated-driver.h"
#include "stream-setup.h"

enum mode {
	PERFORMANCE = 0,
	MIRRORED = 1,
};

static inline int try_make_gpu_stream(const char *what, enum mode mode, uint32_t index,
				      struct tachyon_stream **stream)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 64, WORDS);
	const struct tachyon_stream_options options = {
		.size = sizeof(options),
		.device = TACHYON_DEVICE_CUDA,
		.device_index = index,
		.has_mirror = mode,
	};

	return tachyon_stream_create(name_of(what), &array, &options, stream);
}

static inline struct tachyon_stream *make_gpu_stream(const char *what, enum mode mode)
{
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(try_make_gpu_stream(what, mode, 0, &stream), 0);
	return stream;
}

static inline int try_attach(const char *what, uint32_t index, struct tachyon_stream **stream)
{
	const struct tachyon_stream_options options = {
		.size = sizeof(options),
		.device = TACHYON_DEVICE_CUDA,
		.device_index = index,
	};

	return tachyon_stream_open(name_of(what), &options, stream);
}

static inline struct tachyon_stream *attach(const char *what)
{
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(try_attach(what, 0, &stream), 0);
	return stream;
}

/* Unlinks before it closes: the last handle frees. */
static inline void end_gpu_stream(struct tachyon_stream *stream, const char *what)
{
	remove_stream(what);
	tachyon_stream_destroy(stream);
}

/* At the end of every test: nothing of the driver is left. */
static inline void check_nothing_is_left(void)
{
	CHECK_EQ(simulated_cuda_live(), 0);
	CHECK_EQ(simulated_cuda_depth(), 0);
}

/* --- values in device memory of one's own --- */

static inline uint64_t make_memory(uint64_t number)
{
	uint64_t words[WORDS];
	uint64_t memory = 0;

	CHECK_EQ(tachyon_gpu_allocate(0, VALUE_SIZE, &memory), 0);
	fill(words, number);
	CHECK_EQ(simulated_cuda_poke(memory, words, sizeof(words)), 0);
	return memory;
}

static inline uint64_t number_in_memory(uint64_t memory)
{
	uint64_t words[WORDS];

	CHECK_EQ(simulated_cuda_peek(memory, words, sizeof(words)), 0);
	return number_in(words);
}

static inline int write_from_memory(struct tachyon_stream *stream, uint64_t memory)
{
	return tachyon_stream_write_device(stream, memory, VALUE_SIZE, LONG_NS);
}

static inline int read_to_memory(struct tachyon_stream *stream, uint64_t memory)
{
	return tachyon_stream_read_device(stream, memory, VALUE_SIZE, NULL);
}

/* --- other processes --- */

static inline void wait_until_stopped(const struct other *other)
{
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)other->pid, &info, WSTOPPED), 0);
}

#endif
