/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The files of streams: what they are called, how one is made, and what is checked before one is
 * believed.
 */
#ifndef TACH_STREAM_FILE_H
#define TACH_STREAM_FILE_H

#include <tachyon/stream.h>

#include "stream-layout.h"

#define TACH_STREAM_DIRECTORY "/dev/shm"
/* the directory, '/', a file name's limit, NUL */
#define TACH_STREAM_PATH_SIZE (sizeof(TACH_STREAM_DIRECTORY) + 256)

/* What a header says, checked: private, and never read from shared memory again. */
struct tach_stream_shape {
	struct tachyon_array array;
	uint64_t file_size;
	uint64_t data_offset;
	uint64_t slot_size; /* 0: no values in shared memory */
	uint64_t value_size;
	uint64_t create_time_ns;
	uint8_t id[TACH_STREAM_ID_SIZE];
	uint32_t device;
	uint32_t device_index;
	uint32_t creator_pid;
	bool has_mirror;
};

/* -EINVAL, -ENAMETOOLONG. */
int tach_stream_path(const char *name, char path[TACH_STREAM_PATH_SIZE]);
/*
 * The other way round: the name of a file of ours in the directory; false where it is none. name:
 * of 256 bytes.
 */
bool tach_stream_name_of(const char *file, char *name);

/* How large the parts of a new stream are. -EINVAL: no such array; TACHYON_ERR_TOO_BIG. */
int tach_stream_measure(const struct tachyon_array *array, bool has_mirror,
			struct tach_stream_shape *shape);
/* Fills in the header of a new file, all zeros, from a shape. */
void tach_stream_describe(struct tach_stream_header *header, const struct tach_stream_shape *shape);

/* The stream at a path, opened: ours by owner. -ENOENT, TACHYON_ERR_DENIED, TACHYON_ERR_CORRUPT. */
int tach_stream_open_file(const char *path);
/*
 * What an open file says it is: everything checked against the file itself. header: out, a copy.
 * TACHYON_ERR_CORRUPT, TACHYON_ERR_VERSION.
 */
int tach_stream_check(int file, struct tach_stream_header *header, struct tach_stream_shape *shape);
/* Whether the file still has that name: nobody can take it away while the first byte is locked. */
bool tach_stream_has_name(int file, const char *path);

#endif
