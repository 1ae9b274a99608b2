/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a peer may send instead of a segment, and what becomes of it.
 */
#include "segment.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "os.h"
#include "system.h"

#define PAGE 4096u
#define RING 8192u
#define SIZE (TACH_HEADER_SIZE + RING)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/* What a well-behaved ring would say: tests lie in one field each. */
static struct tach_segment_header ring_header(void)
{
	struct tach_segment_header header;

	memset(&header, 0, sizeof(header));
	header.magic = TACH_MAGIC;
	header.protocol = TACH_PROTOCOL;
	header.kind = TACH_SEGMENT_RING;
	header.size = SIZE;
	header.data_offset = TACH_HEADER_SIZE;
	header.data_size = RING;
	return header;
}

static struct tach_segment_header payload_header(uint64_t block_size, uint32_t block_count)
{
	struct tach_segment_header header = ring_header();

	header.kind = TACH_SEGMENT_PAYLOAD;
	header.block_size = block_size;
	header.block_count = block_count;
	return header;
}

static int make_file(const struct tach_segment_header *header, size_t size, int seals)
{
	const int fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	CHECK_EQ(fallocate(fd, 0, 0, (off_t)size), 0);
	CHECK_EQ(pwrite(fd, header, sizeof(*header), 0), sizeof(*header));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* The fd stays the caller's; here it is closed. */
static int attach(int fd, enum tach_segment_kind kind, uint64_t max_size)
{
	struct tach_segment segment;
	const int ret = tach_segment_attach(&segment, fd, kind, max_size);

	if (ret == 0)
		tach_segment_destroy(&segment);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	tach_os_close(fd);
	return ret;
}

static int attach_header(const struct tach_segment_header *header, size_t size)
{
	const enum tach_segment_kind kind =
		header->kind == TACH_SEGMENT_PAYLOAD ? TACH_SEGMENT_PAYLOAD : TACH_SEGMENT_RING;

	return attach(make_file(header, size, SEALS), kind, UINT64_MAX);
}

TEST(a_file_that_says_and_is_what_it_should_is_taken)
{
	const struct tach_segment_header ring = ring_header();
	const struct tach_segment_header payload = payload_header(PAGE, 2);

	CHECK_EQ(attach_header(&ring, SIZE), 0);
	CHECK_EQ(attach_header(&payload, SIZE), 0);
}

/* --- the file --- */

TEST(what_is_no_regular_file_is_corrupt)
{
	int ends[2];

	tachyon_log_set(keep_line, NULL, TACHYON_LOG_WARNING);
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	CHECK_EQ(attach(ends[0], TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
	CHECK_STR_EQ(last_line, "a peer's segment is refused: not a regular file");
	tach_os_close(ends[1]);
	CHECK_EQ(attach(tach_os_eventfd(), TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
	CHECK_EQ(attach(open("/dev/zero", O_RDWR | O_CLOEXEC), TACH_SEGMENT_RING, UINT64_MAX),
		 -EBADMSG);
	CHECK_EQ(attach(open("/", O_RDONLY | O_CLOEXEC), TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
}

TEST(a_file_on_disk_is_corrupt)
{
	const struct tach_segment_header header = ring_header();
	const int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK_EQ(posix_fallocate(fd, 0, SIZE), 0);
	CHECK_EQ(pwrite(fd, &header, sizeof(header), 0), sizeof(header));

	CHECK_EQ(attach(fd, TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
	unlink("file");
}

TEST(a_file_that_lacks_one_seal_is_corrupt)
{
	const int each[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL};
	const struct tach_segment_header header = ring_header();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(each); i++)
		CHECK_EQ(attach(make_file(&header, SIZE, SEALS & ~each[i]), TACH_SEGMENT_RING,
				UINT64_MAX),
			 -EBADMSG);
	CHECK_EQ(attach(make_file(&header, SIZE, 0), TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
}

TEST(a_refusal_is_logged_with_its_cause)
{
	const struct tach_segment_header header = ring_header();

	tachyon_log_set(keep_line, NULL, TACHYON_LOG_WARNING);
	attach(make_file(&header, SIZE, 0), TACH_SEGMENT_RING, UINT64_MAX);

	CHECK_STR_EQ(last_line, "a peer's segment is refused: not sealed");
}

TEST(a_file_with_a_hole_is_corrupt)
{
	const struct tach_segment_header header = ring_header();
	const int fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK_EQ(ftruncate(fd, SIZE), 0);
	CHECK_EQ(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, SEALS), 0);

	CHECK_EQ(attach(fd, TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
}

TEST(a_hole_that_the_block_count_hides_is_filled_at_once)
{
	const struct tach_segment_header header = ring_header();
	const int fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct tach_segment seen;
	struct stat before, after;

	CHECK_EQ(ftruncate(fd, SIZE), 0);
	CHECK_EQ(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, SIZE, RING), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	CHECK_EQ(fstat(fd, &before), 0);

	CHECK_EQ(tach_segment_attach(&seen, fd, TACH_SEGMENT_RING, UINT64_MAX), 0);
	CHECK_EQ(fstat(fd, &after), 0);
	CHECK_EQ(after.st_blocks, before.st_blocks + RING / 512);
	tach_segment_destroy(&seen);
	tach_os_close(fd);
}

TEST(a_file_too_short_for_its_header_is_corrupt)
{
	const struct tach_segment_header header = ring_header();
	int fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	CHECK_EQ(attach(fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX), -EBADMSG);

	fd = make_file(&header, TACH_HEADER_SIZE, SEALS);
	CHECK_EQ(attach(fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX), -EBADMSG);
}

TEST(a_file_past_the_limit_is_too_big)
{
	const struct tach_segment_header ring = ring_header();
	const struct tach_segment_header payload = payload_header(PAGE, 2);

	CHECK_EQ(attach(make_file(&ring, SIZE, SEALS), TACH_SEGMENT_RING, SIZE - 1), -EMSGSIZE);
	CHECK_EQ(attach(make_file(&ring, SIZE, SEALS), TACH_SEGMENT_RING, SIZE), 0);
	CHECK_EQ(attach(make_file(&payload, SIZE, SEALS), TACH_SEGMENT_PAYLOAD, 0), -EMSGSIZE);
}

TEST(a_ring_file_of_another_size_is_corrupt)
{
	struct tach_segment_header header = ring_header();

	header.data_size = 3 * PAGE;
	header.size = TACH_HEADER_SIZE + 3 * PAGE;
	CHECK_EQ(attach_header(&header, (size_t)header.size), -EBADMSG);
	header.data_size = 64;
	header.size = TACH_HEADER_SIZE + 64;
	CHECK_EQ(attach_header(&header, (size_t)header.size), -EBADMSG);
}

TEST(an_fd_that_is_none_is_an_error)
{
	struct tach_segment segment;

	CHECK_EQ(tach_segment_attach(&segment, -1, TACH_SEGMENT_RING, UINT64_MAX), -EBADF);
}

TEST(an_fd_that_cannot_be_read_is_corrupt)
{
	const struct tach_segment_header header = ring_header();
	const int fd = make_file(&header, SIZE, SEALS);
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_WRONLY | O_CLOEXEC);
	CHECK_EQ(attach(other, TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
	other = open(path, O_RDONLY | O_CLOEXEC);
	CHECK_EQ(attach(other, TACH_SEGMENT_RING, UINT64_MAX), 0);
	tach_os_close(fd);
}

/* --- the header --- */

TEST(a_header_of_another_protocol_is_corrupt)
{
	struct tach_segment_header header = ring_header();

	header.magic++;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header = ring_header();
	header.protocol++;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
}

TEST(a_header_of_another_kind_is_corrupt)
{
	const struct tach_segment_header payload = payload_header(PAGE, 2);
	struct tach_segment_header header = ring_header();
	int fd;

	fd = make_file(&payload, SIZE, SEALS);
	CHECK_EQ(attach(fd, TACH_SEGMENT_RING, UINT64_MAX), -EBADMSG);
	fd = make_file(&header, SIZE, SEALS);
	CHECK_EQ(attach(fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX), -EBADMSG);
	header.kind = 3;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
}

TEST(a_header_that_contradicts_the_files_size_is_corrupt)
{
	struct tach_segment_header header = ring_header();

	header.size++;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header = ring_header();
	header.data_size = RING / 2;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header.data_size = UINT64_MAX;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header = ring_header();
	header.data_offset = 0;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header.data_offset = 2 * TACH_HEADER_SIZE;
	header.data_size = RING - TACH_HEADER_SIZE;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
}

TEST(a_ring_that_speaks_of_blocks_is_corrupt)
{
	struct tach_segment_header header = ring_header();

	header.block_count = 1;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	header = ring_header();
	header.block_size = PAGE;
	CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
}

TEST(blocks_that_are_not_the_data_are_corrupt)
{
	const struct {
		uint64_t size;
		uint32_t count;
	} lies[] = {
		{0, 0},
		{0, 2},
		{PAGE, 0},
		{PAGE, 1},
		{PAGE, 3},
		{RING, 2},
		{RING / 4, 4},			  /* not of whole pages */
		{UINT64_MAX - RING / 2 + 1, 2},	  /* the product wraps */
		{(UINT64_MAX / 2) + 1 + PAGE, 2}, /* wraps to just the data's size */
		{PAGE, TACH_BLOCKS_PER_SEGMENT + 1},
		{PAGE, UINT32_MAX},
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		const struct tach_segment_header header =
			payload_header(lies[i].size, lies[i].count);

		CHECK_EQ(attach_header(&header, SIZE), -EBADMSG);
	}
}

TEST(more_blocks_than_a_header_has_generations_for_are_corrupt)
{
	const uint32_t count = TACH_BLOCKS_PER_SEGMENT + 1;
	struct tach_segment_header header = payload_header(PAGE, count);

	header.data_size = (uint64_t)PAGE * count;
	header.size = TACH_HEADER_SIZE + header.data_size;

	CHECK_EQ(attach_header(&header, (size_t)header.size), -EBADMSG);
}
