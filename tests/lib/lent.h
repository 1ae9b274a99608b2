/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of lent descriptors share: memory files that stand for dma-bufs, and frames in
 * them.
 */
#ifndef TACHYON_TESTS_LENT_H
#define TACHYON_TESTS_LENT_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "frames.h"

#define LENT_SIZE 65536u

/* --- memory files --- */

static inline int make_file(size_t size, int seals)
{
	const int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	if (seals)
		CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static inline int make_lendable(size_t size)
{
	return make_file(size, F_SEAL_SHRINK);
}

/* Whether it is the same file, however many descriptors there are of it. */
static inline bool is_same_file(int one, int other)
{
	struct stat first, second;

	CHECK_EQ(fstat(one, &first), 0);
	CHECK_EQ(fstat(other, &second), 0);
	return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* Writes through a mapping of its own, as a device would: the library is not asked. */
static inline void fill_file(int fd, size_t offset, size_t size, uint64_t number)
{
	uint8_t *const data = mmap(NULL, offset + size, PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(data != MAP_FAILED);
	fill(data + offset, size, number * 1000003);
	munmap(data, offset + size);
}

static inline bool is_file_filled(int fd, size_t offset, size_t size, uint64_t number)
{
	uint8_t *const data = mmap(NULL, offset + size, PROT_READ, MAP_SHARED, fd, 0);
	bool is;

	CHECK(data != MAP_FAILED);
	is = is_filled(data + offset, size, number * 1000003);
	munmap(data, offset + size);
	return is;
}

/* --- both ends --- */

static inline struct tachyon_subscriber_options lent_options(void)
{
	return (struct tachyon_subscriber_options){
		.size = sizeof(struct tachyon_subscriber_options),
		.takes_descriptors = 1,
	};
}

static inline struct tachyon_subscriber *join_for_lent(struct tachyon_publisher *publisher)
{
	const struct tachyon_subscriber_options options = lent_options();

	return join_with(publisher, &options);
}

/* Lends a new file, which nobody else keeps a descriptor of. */
static inline struct tachyon_block *lend_new(struct tachyon_publisher *publisher)
{
	const int fd = make_lendable(LENT_SIZE);
	struct tachyon_block *block;

	CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
	close(fd);
	return block;
}

static inline struct tachyon_frame lent_frame(struct tachyon_block *block, size_t size,
					      uint64_t number)
{
	return (struct tachyon_frame){
		.size = size,
		.pts = number,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.block = block,
	};
}

/* A thousand bytes at the beginning; what publish_lent answers. */
static inline int publish_lent(struct tachyon_publisher *publisher, struct tachyon_block *block,
			       uint64_t number, void *cookie)
{
	const struct tachyon_frame frame = lent_frame(block, 1000, number);

	return tachyon_publisher_publish_lent(publisher, &frame, 0, cookie);
}

struct place {
	int fd;
	uint64_t offset;
	uint64_t size;
	uint64_t id;
};

static inline struct place place_of(const struct tachyon_frame *frame)
{
	struct place place;

	CHECK(!frame->data);
	CHECK_EQ(tachyon_frame_descriptor(frame, &place.fd, &place.offset, &place.size, &place.id),
		 0);
	return place;
}

/* The lent frame of this number comes next; the caller's. */
static inline struct tachyon_frame expect_lent(struct tachyon_subscriber *subscriber,
					       uint64_t number)
{
	const struct tachyon_item item = expect(subscriber, TACHYON_ITEM_FRAME);

	CHECK_EQ(item.frame.pts, number);
	CHECK(!item.frame.data);
	return item.frame;
}

/* The same, and released; the id of what it lay in. */
static inline uint64_t take_lent(struct tachyon_subscriber *subscriber, uint64_t number)
{
	struct tachyon_frame frame = expect_lent(subscriber, number);
	const uint64_t id = place_of(&frame).id;

	tachyon_frame_release(&frame);
	return id;
}

#endif
