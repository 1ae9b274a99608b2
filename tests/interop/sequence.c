/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include "sequence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_SIZE ((size_t)2 << 20)
#define PATTERN_SEED ((uint64_t)1 << 32)
#define PICTURE_SEED ((uint64_t)1 << 33)
#define PICTURE_SIZE 116886u
#define CRC_POLYNOMIAL 0xedb88320u
#define CRC_TABLES 8

static const uint32_t boundaries[] = {
	0,	  1,	47,   48,   49,	   63,	  64,	 65,
	112,	  4095, 4096, 4097, 65535, 65536, 65537, (1u << 20) - 1,
	1u << 20,
};

/* I420, 322 x 242. */
static const struct {
	size_t offset;
	ptrdiff_t stride;
	size_t width;
	size_t height;
} geometry[SEQUENCE_PLANES] = {
	{0, 324, 322, 242},
	{78408, 164, 161, 121},
	{98252, 164, 161, 121},
};

static uint8_t pattern[PATTERN_SIZE];
static uint32_t crc_tables[CRC_TABLES][256];

static uint64_t hash(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Table n is the effect of a byte with n bytes behind it. */
static void init_crc(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
		crc_tables[0][byte] = crc;
	}
	for (int n = 1; n < CRC_TABLES; n++) {
		for (int byte = 0; byte < 256; byte++) {
			const uint32_t crc = crc_tables[n - 1][byte];

			crc_tables[n][byte] = crc >> 8 ^ crc_tables[0][crc & 0xff];
		}
	}
}

static uint32_t add_to_crc(uint32_t crc, const uint8_t *data, size_t size)
{
	crc = ~crc;
	for (; size >= CRC_TABLES; size -= CRC_TABLES, data += CRC_TABLES) {
		uint64_t word;
		uint32_t next = 0;

		memcpy(&word, data, sizeof(word));
		word ^= crc;
		for (int n = 0; n < CRC_TABLES; n++)
			next ^= crc_tables[CRC_TABLES - 1 - n][word >> 8 * n & 0xff];
		crc = next;
	}
	while (size-- > 0)
		crc = crc >> 8 ^ crc_tables[0][(crc ^ *data++) & 0xff];
	return ~crc;
}

void sequence_init(void)
{
	for (uint64_t k = 0; k < PATTERN_SIZE / 8; k++) {
		const uint64_t word = hash(PATTERN_SEED + k);

		memcpy(pattern + 8 * k, &word, sizeof(word));
	}
	init_crc();
}

void sequence_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

struct sequence_piece sequence_message(uint64_t number)
{
	const uint64_t h = hash(number);
	const uint32_t lane = h & 1023;
	const uint32_t choice = h >> 10 & ((1u << 30) - 1);
	struct sequence_piece piece = {.data = pattern + (h >> 44)};

	if (lane == 0)
		piece.size = choice % (SEQUENCE_MESSAGE_MAX + 1);
	else if (lane <= 18)
		piece.size = boundaries[choice % (sizeof(boundaries) / sizeof(*boundaries))];
	else
		piece.size = choice % 512;
	return piece;
}

struct sequence_piece sequence_picture(uint64_t number)
{
	return (struct sequence_piece){pattern + (hash(PICTURE_SEED + number) >> 44), PICTURE_SIZE};
}

uint64_t sequence_pts(uint64_t number)
{
	return number * 100100000 / 3;
}

uint64_t sequence_duration(uint64_t number)
{
	return sequence_pts(number + 1) - sequence_pts(number);
}

size_t sequence_default_planes(uint8_t *data, struct sequence_plane *planes)
{
	for (uint32_t n = 0; n < SEQUENCE_PLANES; n++)
		planes[n] = (struct sequence_plane){data + geometry[n].offset, geometry[n].stride};
	return geometry[2].offset + (size_t)geometry[2].stride * geometry[2].height;
}

void sequence_draw(struct sequence_piece picture, const struct sequence_plane *planes)
{
	const uint8_t *from = picture.data;

	for (uint32_t n = 0; n < SEQUENCE_PLANES; n++) {
		uint8_t *to = planes[n].data;

		for (size_t y = 0; y < geometry[n].height; y++) {
			memcpy(to, from, geometry[n].width);
			from += geometry[n].width;
			to += planes[n].stride;
		}
	}
}

void sequence_count(struct sequence_tally *tally, struct sequence_piece piece)
{
	tally->crc = add_to_crc(tally->crc, piece.data, piece.size);
	tally->bytes += piece.size;
	tally->count++;
}

void sequence_report(const struct sequence_tally *tally, const char *noun)
{
	printf("%s %" PRIu64 " bytes %" PRIu64 " crc32 %08" PRIx32 "\n", noun, tally->count,
	       tally->bytes, tally->crc);
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t i = 0;

	while (i < size && a[i] == b[i])
		i++;
	return i;
}

void sequence_check_message(struct sequence_tally *tally, const uint8_t *data, size_t size)
{
	const struct sequence_piece piece = sequence_message(tally->count);

	if (size != piece.size)
		sequence_fail("item %" PRIu64 ": %zu bytes came, not %zu", tally->count, size,
			      piece.size);
	if (size > 0 && memcmp(data, piece.data, size) != 0)
		sequence_fail("item %" PRIu64 ": byte %zu of %zu is wrong", tally->count,
			      first_difference(data, piece.data, size), size);
	sequence_count(tally, (struct sequence_piece){data, size});
}

void sequence_check_picture(struct sequence_tally *tally, const struct sequence_plane *planes)
{
	const uint8_t *expected = sequence_picture(tally->count).data;

	for (uint32_t n = 0; n < SEQUENCE_PLANES; n++) {
		const size_t width = geometry[n].width;
		const uint8_t *row = planes[n].data;

		for (size_t y = 0; y < geometry[n].height; y++) {
			if (memcmp(row, expected, width) != 0)
				sequence_fail("frame %" PRIu64 ": plane %" PRIu32
					      ", row %zu, pixel %zu is wrong",
					      tally->count, n, y,
					      first_difference(row, expected, width));
			tally->crc = add_to_crc(tally->crc, row, width);
			tally->bytes += width;
			expected += width;
			row += planes[n].stride;
		}
	}
	tally->count++;
}

void sequence_check_number(const struct sequence_tally *tally, uint64_t count, const char *noun,
			   const char *field, uint64_t expected, uint64_t number)
{
	if (tally->count >= count)
		sequence_fail("%s %" PRIu64 " came, after the last", noun, tally->count);
	if (number != expected)
		sequence_fail("%s %" PRIu64 ": its %s is %" PRIu64 ", not %" PRIu64, noun,
			      tally->count, field, number, expected);
}

void sequence_check_end(const struct sequence_tally *tally, uint64_t count, const char *noun)
{
	if (tally->count != count)
		sequence_fail("the end came after %" PRIu64 " %s, not %" PRIu64, tally->count, noun,
			      count);
}
