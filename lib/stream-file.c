/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The files of streams: names, sizes, checks.
 */
#include "stream-file.h"

#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "os.h"

/* A file's name, without NUL: NAME_MAX of linux/limits.h */
#define FILE_NAME_MAX 255

/* --- names --- */

static bool is_plain(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

static size_t write_prefix(char *file, size_t size)
{
	return (size_t)snprintf(file, size, "tachyon.%u.", (unsigned int)tach_os_effective_uid());
}

int tach_stream_path(const char *name, char path[TACH_STREAM_PATH_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	char file[FILE_NAME_MAX + 1];
	size_t length = write_prefix(file, sizeof(file));

	if (*name == '\0')
		return -EINVAL;
	for (const char *at = name; *at; at++) {
		const unsigned char byte = (unsigned char)*at;
		const size_t needed = is_plain(byte) ? 1 : 3;

		if (length + needed > FILE_NAME_MAX)
			return -ENAMETOOLONG;
		if (needed == 3) {
			file[length++] = '%';
			file[length++] = digits[byte >> 4];
			file[length++] = digits[byte & 15];
		} else {
			file[length++] = *at;
		}
	}
	file[length] = '\0';
	snprintf(path, TACH_STREAM_PATH_SIZE, "%s/%s", TACH_STREAM_DIRECTORY, file);
	return 0;
}

static int digit_of(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* One byte of a name; advances *at. -1: not as tach_stream_path() writes it. */
static int decode(const char **at)
{
	const char *const from = *at;
	int byte;

	if (is_plain((unsigned char)*from)) {
		*at = from + 1;
		return *from;
	}
	if (*from != '%' || digit_of(from[1]) < 0 || digit_of(from[2]) < 0)
		return -1;
	byte = digit_of(from[1]) << 4 | digit_of(from[2]);
	*at = from + 3;
	return byte == 0 || is_plain((unsigned char)byte) ? -1 : byte;
}

bool tach_stream_name_of(const char *file, char *name)
{
	char prefix[32];
	const size_t length = write_prefix(prefix, sizeof(prefix));
	const char *at = file + length;

	if (strncmp(file, prefix, length) != 0 || *at == '\0')
		return false;
	while (*at) {
		const int byte = decode(&at);

		if (byte < 0)
			return false;
		*name++ = (char)byte;
	}
	*name = '\0';
	return true;
}

/* --- sizes --- */

static bool is_one_of(uint32_t bits, const uint32_t sizes[4])
{
	return bits != 0 &&
	       (bits == sizes[0] || bits == sizes[1] || bits == sizes[2] || bits == sizes[3]);
}

static bool is_element(uint32_t scalar, uint32_t bits)
{
	static const uint32_t integers[4] = {8, 16, 32, 64};
	static const uint32_t floats[4] = {16, 32, 64, 128};
	static const uint32_t complexes[4] = {64, 128, 256};
	static const uint32_t bools[4] = {8};

	switch (scalar) {
	case TACHYON_SCALAR_INT:
	case TACHYON_SCALAR_UINT:
		return is_one_of(bits, integers);
	case TACHYON_SCALAR_FLOAT:
		return is_one_of(bits, floats);
	case TACHYON_SCALAR_COMPLEX:
		return is_one_of(bits, complexes);
	case TACHYON_SCALAR_BOOL:
		return is_one_of(bits, bools);
	default:
		return false;
	}
}

static int measure_value(const struct tachyon_array *array, uint64_t *size)
{
	uint64_t bytes = array->bits / 8;

	if (!is_element(array->scalar, array->bits) || array->reserved != 0 ||
	    array->dimensions > TACHYON_ARRAY_MAX_DIMENSIONS)
		return -EINVAL;
	for (uint32_t i = 0; i < array->dimensions; i++) {
		if (array->shape[i] == 0)
			return -EINVAL;
		if (array->shape[i] > TACH_STREAM_VALUE_MAX / bytes)
			return TACHYON_ERR_TOO_BIG;
		bytes *= array->shape[i];
	}
	*size = bytes;
	return 0;
}

/* The header has pages of its own: a read-only handle writes there, and nowhere else. */
static uint64_t data_offset(void)
{
	return tach_round_up(TACH_HEADER_SIZE, tach_os_page_size());
}

int tach_stream_measure(const struct tachyon_array *array, bool has_mirror,
			struct tach_stream_shape *shape)
{
	uint64_t value_size;
	const int ret = measure_value(array, &value_size);

	if (ret < 0)
		return ret;
	shape->array = *array;
	/* What stands behind the dimensions is nobody's. */
	memset(shape->array.shape + array->dimensions, 0,
	       (TACHYON_ARRAY_MAX_DIMENSIONS - array->dimensions) * sizeof(array->shape[0]));
	shape->value_size = value_size;
	shape->has_mirror = has_mirror;
	shape->slot_size = has_mirror ? tach_round_up(value_size, tach_os_page_size()) : 0;
	shape->data_offset = data_offset();
	shape->file_size = shape->data_offset + TACH_STREAM_SLOTS * shape->slot_size;
	return 0;
}

/* --- headers --- */

void tach_stream_describe(struct tach_stream_header *header, const struct tach_stream_shape *shape)
{
	header->magic = TACH_MAGIC;
	header->protocol = TACH_PROTOCOL;
	header->kind = TACH_SEGMENT_STREAM;
	header->size = shape->file_size;
	header->data_offset = shape->data_offset;
	header->slot_size = shape->slot_size;
	header->value_size = shape->value_size;
	memcpy(header->id, shape->id, sizeof(header->id));
	header->scalar = shape->array.scalar;
	header->bits = shape->array.bits;
	header->dimensions = shape->array.dimensions;
	header->device = shape->device;
	header->device_index = shape->device_index;
	header->has_mirror = shape->has_mirror;
	header->creator_pid = shape->creator_pid;
	header->create_time_ns = shape->create_time_ns;
	memcpy(header->shape, shape->array.shape, sizeof(header->shape));
}

static bool is_legal_place(const struct tach_stream_header *header)
{
	if (header->device == TACHYON_DEVICE_CPU)
		return header->has_mirror == 1 && header->device_index == 0;
	return header->device == TACHYON_DEVICE_CUDA && header->has_mirror <= 1;
}

static int corrupt(const char *what)
{
	tach_log(TACHYON_LOG_ERROR, "stream: %s", what);
	return TACHYON_ERR_CORRUPT;
}

static int check_header(const struct tach_stream_header *header, uint64_t file_size,
			struct tach_stream_shape *shape)
{
	struct tachyon_array array = {
		.scalar = header->scalar,
		.bits = header->bits,
		.dimensions = header->dimensions,
	};

	if (header->magic != TACH_MAGIC || header->kind != TACH_SEGMENT_STREAM)
		return corrupt("the file is no stream");
	if (header->protocol != TACH_PROTOCOL)
		return TACHYON_ERR_VERSION;
	memcpy(array.shape, header->shape, sizeof(array.shape));
	if (!is_legal_place(header) || tach_stream_measure(&array, header->has_mirror, shape) < 0)
		return corrupt("the header describes no array");
	if (header->value_size != shape->value_size || header->slot_size != shape->slot_size ||
	    header->data_offset != shape->data_offset || header->size != shape->file_size ||
	    file_size != shape->file_size)
		return corrupt("the header's sizes contradict one another, or the file");
	memcpy(shape->id, header->id, sizeof(shape->id));
	shape->device = header->device;
	shape->device_index = header->device_index;
	shape->creator_pid = header->creator_pid;
	shape->create_time_ns = header->create_time_ns;
	return 0;
}

/* --- files --- */

int tach_stream_open_file(const char *path)
{
	const int file = tach_os_open_file(path);
	struct tach_named_facts facts;
	int ret;

	/* A symlink, a directory, a socket: nothing of ours. */
	if (file == -ELOOP || file == -EISDIR || file == -ENXIO)
		return corrupt("not a regular file");
	if (file < 0)
		return file;
	ret = tach_os_named_facts(file, &facts);
	if (ret == 0 && facts.owner != tach_os_effective_uid())
		ret = TACHYON_ERR_DENIED;
	if (ret == 0 && !facts.is_regular)
		ret = corrupt("not a regular file");
	if (ret == 0)
		return file;
	tach_os_close(file);
	return ret;
}

int tach_stream_check(int file, struct tach_stream_header *header, struct tach_stream_shape *shape)
{
	struct tach_named_facts facts;
	int ret = tach_os_named_facts(file, &facts);

	if (ret < 0)
		return ret;
	if (facts.size < sizeof(*header))
		return corrupt("the file is too short");
	/* Touching a hole takes memory, and is SIGBUS where there is none left. */
	if (!facts.is_fully_allocated)
		return corrupt("the file has holes");
	ret = tach_os_read_at_once(file, header, sizeof(*header));
	if (ret < 0)
		return ret;
	return check_header(header, facts.size, shape);
}

bool tach_stream_has_name(int file, const char *path)
{
	struct tach_named_facts ours, named;

	return tach_os_named_facts(file, &ours) == 0 && tach_os_path_facts(path, &named) == 0 &&
	       ours.device == named.device && ours.inode == named.inode;
}
