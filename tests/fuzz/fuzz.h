/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the fuzz targets share. A target is one function, fuzz_one(), that takes an input apart as
 * it needs numbers and bytes: a script rather than a packet, so that a check at the door (a magic,
 * a tag, a size) is passed unless the input says that it lies there.
 *
 * The same file is a libFuzzer program (-Dfuzz=enabled, clang), and with fuzz-replay.c an ordinary
 * test that runs every file of its corpus, with any compiler.
 */
#ifndef TACHYON_TESTS_FUZZ_H
#define TACHYON_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Once, before anything else: what all inputs share, such as descriptors of every kind. */
void fuzz_init(void);
/* What it made outside of the process goes away. */
void fuzz_fini(void);
/* One input: of any bytes, any number of times. It leaves nothing behind. */
void fuzz_one(const uint8_t *data, size_t size);

/* libFuzzer calls these names. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold: the fuzzer keeps the input for which it does not. */
#define FUZZ_CHECK(condition)                                                          \
	do {                                                                           \
		if (!(condition)) {                                                    \
			fprintf(stderr, "%s:%d: FUZZ_CHECK(%s)\n", __FILE__, __LINE__, \
				#condition);                                           \
			abort();                                                       \
		}                                                                      \
	} while (0)

/* What is left of an input. Behind its end there are zeros. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline struct fuzz_input fuzz_input(const uint8_t *data, size_t size)
{
	return (struct fuzz_input){.at = data, .left = size};
}

static inline void fuzz_bytes(struct fuzz_input *input, void *out, size_t size)
{
	const size_t there = size < input->left ? size : input->left;

	if (there > 0)
		memcpy(out, input->at, there);
	if (size > there)
		memset((uint8_t *)out + there, 0, size - there);
	input->at += there;
	input->left -= there;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint32_t fuzz_u32(struct fuzz_input *input)
{
	uint32_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint64_t fuzz_u64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_bytes(input, &value, sizeof(value));
	return value;
}

/* 0 .. count - 1; count is at most 256 */
static inline unsigned int fuzz_below(struct fuzz_input *input, unsigned int count)
{
	return fuzz_u8(input) % count;
}

/* A bit of a byte that was read: what is rare stands at a bit of its own. */
static inline bool fuzz_bit(uint8_t byte, unsigned int bit)
{
	return byte >> bit & 1;
}

/*
 * A number as liars like it: near one that matters, at the edge of a type, or any. One byte, for
 * the most part.
 */
static inline uint64_t fuzz_number(struct fuzz_input *input, uint64_t near)
{
	static const int64_t steps[] = {0, 1, -1, 8, -8, 64, -64, 128, -128, 4096, -4096};
	static const uint64_t edges[] = {0,
					 1,
					 63,
					 64,
					 INT32_MAX,
					 1ull << 31,
					 UINT32_MAX - 63,
					 UINT32_MAX,
					 1ull << 32,
					 1ull << 62,
					 INT64_MAX,
					 1ull << 63,
					 UINT64_MAX - 63,
					 UINT64_MAX};
	const unsigned int step_count = sizeof(steps) / sizeof(steps[0]);
	const unsigned int edge_count = sizeof(edges) / sizeof(edges[0]);
	const uint8_t choice = fuzz_u8(input);

	if (choice < step_count)
		return near + (uint64_t)steps[choice];
	if (choice < step_count + edge_count)
		return edges[choice - step_count];
	if (choice < 128)
		return fuzz_u8(input);
	if (choice < 192)
		return fuzz_u16(input);
	return choice < 224 ? fuzz_u32(input) : fuzz_u64(input);
}

#endif
