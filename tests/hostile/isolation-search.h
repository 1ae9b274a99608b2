/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a process shares, searched for addresses of its memory and for bytes that nobody wrote.
 */
#ifndef TACHYON_TESTS_ISOLATION_SEARCH_H
#define TACHYON_TESTS_ISOLATION_SEARCH_H

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "isolation.h"
#include "wire.h"

#define HEAP_FILL 0xa5u
#define FREED_FILL 0x5au
#define SANITIZER_FILL 0xbeu
#define STACK_FILL 0xa5u

/* --- the victim's memory --- */

struct range {
	uint64_t start, end;
};

struct maps {
	struct range ranges[4096];
	size_t count;
};

static void read_maps(pid_t pid, struct maps *maps)
{
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	CHECK(file);
	maps->count = 0;
	while (fgets(line, sizeof(line), file)) {
		struct range range;

		CHECK_EQ(sscanf(line, "%" SCNx64 "-%" SCNx64, &range.start, &range.end), 2);
		/* Sizes and times may be such numbers; and a sanitizer's shadow is everywhere. */
		if (range.start < 1ull << 32 || range.end - range.start > 1ull << 32)
			continue;
		CHECK(maps->count < TACH_ARRAY_SIZE(maps->ranges));
		maps->ranges[maps->count++] = range;
	}
	fclose(file);
	CHECK(maps->count > 5);
}

static bool is_address(const struct maps *maps, uint64_t value)
{
	for (size_t i = 0; i < maps->count; i++) {
		if (value >= maps->ranges[i].start && value < maps->ranges[i].end)
			return true;
	}
	return false;
}

/* --- the search --- */

enum finding { FOUND_NOTHING, FOUND_ADDRESS, FOUND_UNWRITTEN };

static enum finding search(const struct maps *maps, const void *data, size_t size, size_t *where)
{
	static const uint32_t fills[] = {HEAP_FILL * 0x01010101u, FREED_FILL * 0x01010101u,
					 SANITIZER_FILL * 0x01010101u};
	const uint8_t *const bytes = data;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint64_t value = 0;
		uint32_t word;

		*where = i;
		memcpy(&word, bytes + i, 4);
		for (size_t j = 0; j < TACH_ARRAY_SIZE(fills); j++) {
			if (word == fills[j])
				return FOUND_UNWRITTEN;
		}
		if (i + 8 > size)
			break;
		memcpy(&value, bytes + i, 8);
		if (is_address(maps, value))
			return FOUND_ADDRESS;
	}
	return FOUND_NOTHING;
}

static void check_clean(const struct maps *maps, const char *what, const void *data, size_t size)
{
	size_t where = 0;
	const enum finding finding = search(maps, data, size, &where);
	uint64_t value = 0;

	test_count_check();
	memcpy(&value, (const uint8_t *)data + where, size - where < 8 ? size - where : 8);
	if (finding != FOUND_NOTHING)
		test_fail(__FILE__, __LINE__, "%s: %s at %d: %#llx", what,
			  finding == FOUND_ADDRESS ? "an address" : "bytes that nobody wrote",
			  (int)where, (unsigned long long)value);
}

static void check_zero(const char *what, const void *data, size_t start, size_t end)
{
	const uint8_t *const bytes = data;

	test_count_check();
	for (size_t i = start; i < end; i++) {
		if (bytes[i] != 0)
			test_fail(__FILE__, __LINE__, "%s: byte %d is %d", what, (int)i, bytes[i]);
	}
}

/* What stands between the fields of PROTOCOL.md 3 is 0. */
static void check_header(const char *what, const struct tach_segment_header *header)
{
	static const size_t gaps[][2] = {{52, 128},  {136, 256}, {260, 384}, {388, 392},
					 {400, 512}, {516, 640}, {688, 1024}};
	const size_t end = sizeof(*header);

	for (size_t i = 0; i < TACH_ARRAY_SIZE(gaps); i++)
		check_zero(what, header, gaps[i][0], gaps[i][1]);
	if (header->kind == TACH_SEGMENT_RING)
		check_zero(what, header, 1024, end);
	else
		check_zero(what, header, 1024 + 8 * header->block_count, end);
}

static void check_segment(const struct maps *maps, const char *what, int fd)
{
	struct stat status;
	size_t size;
	void *data;

	CHECK_EQ(fstat(fd, &status), 0);
	size = (size_t)status.st_size;
	data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(data != MAP_FAILED);
	check_header(what, data);
	check_clean(maps, what, data, size);
	munmap(data, size);
}

/* The fields that PROTOCOL.md 7 reserves are 0. */
static void check_reserved(const char *what, uint32_t type, const uint8_t *body)
{
	switch (type) {
	case TACH_WIRE_RETURN:
	case TACH_WIRE_RETIRE:
	case TACH_WIRE_RETIRED:
	case TACH_WIRE_OUTLINE:
		check_zero(what, body, offsetof(struct tach_wire_ref, reserved), 8);
		break;
	case TACH_WIRE_EVENT:
	case TACH_WIRE_UP_EVENT:
		check_zero(what, body, 20, sizeof(struct tach_wire_event));
		break;
	case TACH_WIRE_LAYOUT:
		check_zero(what, body, 12, 16);
		break;
	default:
		break;
	}
}

/* The messages of a ring that did not come round yet: what is behind each, in its cells, is 0. */
static size_t check_ring(const char *what, const uint8_t *data, size_t size)
{
	size_t position = 0, count = 0;
	struct tach_message_header header;

	for (;; count++) {
		const uint8_t *const cell = data + position;
		size_t end;

		memcpy(&header, cell, sizeof(header));
		if (header.seq != tach_ring_tag(position))
			break;
		end = tach_ring_extent(header.size, header.flags & TACH_MESSAGE_FLAG_LONG);
		CHECK(position + end < size);
		if (header.flags & TACH_MESSAGE_FLAG_LONG) {
			check_zero(what, cell, sizeof(header), TACH_CELL);
			check_reserved(what, header.type, cell + TACH_CELL);
			check_zero(what, cell, TACH_CELL + header.size, end);
		} else {
			check_zero(what, cell, sizeof(header) + header.size, end);
			check_reserved(what, header.type, cell + sizeof(header));
		}
		position += end;
	}
	check_zero(what, data, position, size);
	return count;
}

#endif
