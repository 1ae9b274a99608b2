/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The sequence of README.md, for the endpoints in C: what is sent, and what must have come.
 */
#ifndef TACHYON_TESTS_SEQUENCE_H
#define TACHYON_TESTS_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEQUENCE_MESSAGE_MAX ((size_t)1 << 20)
#define SEQUENCE_BUFFER_CAPS "application/octet-stream"
#define SEQUENCE_FRAME_CAPS "video/x-raw, format=I420, width=322, height=242, framerate=30000/1001"
#define SEQUENCE_PLANES 3u

/* Content, in the pattern. */
struct sequence_piece {
	const uint8_t *data;
	size_t size;
};

/* Where the pixels of one plane are. */
struct sequence_plane {
	uint8_t *data;
	ptrdiff_t stride;
};

/* What an endpoint reports at its end. */
struct sequence_tally {
	uint64_t count;
	uint64_t bytes;
	uint32_t crc;
};

/* Fills in the pattern: once, before anything else. */
void sequence_init(void);

/* Says what is wrong, and ends the process with status 1. */
_Noreturn void sequence_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct sequence_piece sequence_message(uint64_t number);
/* All pixels of a frame, row after row and plane after plane. */
struct sequence_piece sequence_picture(uint64_t number);
uint64_t sequence_pts(uint64_t number);
uint64_t sequence_duration(uint64_t number);

/* The planes of a picture at data, as GStreamer lays it out by default; returns its bytes. */
size_t sequence_default_planes(uint8_t *data, struct sequence_plane *planes);
void sequence_draw(struct sequence_piece picture, const struct sequence_plane *planes);

/* What was sent, or checked, counts. */
void sequence_count(struct sequence_tally *tally, struct sequence_piece piece);
void sequence_report(const struct sequence_tally *tally, const char *noun);

/* Fail unless this is message, or buffer, tally->count, or its frame; then count it. */
void sequence_check_message(struct sequence_tally *tally, const uint8_t *data, size_t size);
void sequence_check_picture(struct sequence_tally *tally, const struct sequence_plane *planes);
/* Fail unless it is this one's turn. noun and field name what carries the number. */
void sequence_check_number(const struct sequence_tally *tally, uint64_t count, const char *noun,
			   const char *field, uint64_t expected, uint64_t number);
/* Fail unless all came. */
void sequence_check_end(const struct sequence_tally *tally, uint64_t count, const char *noun);

#endif
