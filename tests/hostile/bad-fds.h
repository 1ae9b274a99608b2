/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Descriptors of every kind that a peer may send instead of what it should.
 */
#ifndef TACHYON_TESTS_BAD_FDS_H
#define TACHYON_TESTS_BAD_FDS_H

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "layout.h"
#include "os.h"
#include "pair.h"

#define BAD_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/* --- what is no memory file --- */

static int a_pipe(void)
{
	int ends[2];

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	return ends[0];
}

static int a_directory(void)
{
	return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int a_device(void)
{
	return open("/dev/zero", O_RDWR | O_CLOEXEC);
}

static int a_path(void)
{
	return open("/dev/null", O_PATH | O_CLOEXEC);
}

static int an_eventfd(void)
{
	return tach_os_eventfd();
}

static int an_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int a_timer(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int a_file(void)
{
	const int fd = open("a-file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK_EQ(posix_fallocate(fd, 0, 8192), 0);
	unlink("a-file");
	return fd;
}

static int one_of_a_pair(int type)
{
	int ends[2];

	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[1]);
	return ends[0];
}

static int a_stream_socket(void)
{
	return one_of_a_pair(SOCK_STREAM);
}

static int a_seqpacket_socket(void)
{
	return one_of_a_pair(SOCK_SEQPACKET);
}

static int an_unconnected_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* Connected, and datagrams, but not of this machine's own. */
static int an_internet_socket(void)
{
	const struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_EQ(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

/* --- memory files --- */

static inline struct tach_segment_header ring_header(uint64_t data_size)
{
	struct tach_segment_header header;

	memset(&header, 0, sizeof(header));
	header.magic = TACH_MAGIC;
	header.protocol = TACH_PROTOCOL;
	header.kind = TACH_SEGMENT_RING;
	header.size = TACH_HEADER_SIZE + data_size;
	header.data_offset = TACH_HEADER_SIZE;
	header.data_size = data_size;
	return header;
}

/* Of this size, allocated up to there, and sealed so; its header is a ring's of 4096 bytes. */
static inline int memory_file(size_t size, size_t allocated, int seals)
{
	const struct tach_segment_header header = ring_header(4096);
	const int fd = memfd_create("liar", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (allocated > 0)
		CHECK_EQ(fallocate(fd, 0, 0, (off_t)allocated), 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	if (size >= sizeof(header))
		CHECK_EQ(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int an_unsealed_file(void)
{
	return memory_file(8192, 8192, 0);
}

static int a_file_that_may_shrink(void)
{
	return memory_file(8192, 8192, BAD_SEALS & ~F_SEAL_SHRINK);
}

static int a_file_that_may_grow(void)
{
	return memory_file(8192, 8192, BAD_SEALS & ~F_SEAL_GROW);
}

static int a_file_that_others_may_write(void)
{
	return memory_file(8192, 8192, BAD_SEALS & ~F_SEAL_FUTURE_WRITE);
}

static int a_file_without_the_last_seal(void)
{
	return memory_file(8192, 8192, BAD_SEALS & ~F_SEAL_SEAL);
}

static int an_empty_file(void)
{
	return memory_file(0, 0, BAD_SEALS);
}

static int a_header_without_data(void)
{
	return memory_file(TACH_HEADER_SIZE, TACH_HEADER_SIZE, BAD_SEALS);
}

static int half_a_header(void)
{
	return memory_file(100, 100, BAD_SEALS);
}

static int a_byte_too_few(void)
{
	return memory_file(8191, 8192, BAD_SEALS);
}

static int a_byte_too_many(void)
{
	return memory_file(8193, 8193, BAD_SEALS);
}

static int a_file_with_a_hole(void)
{
	return memory_file(8192, 0, BAD_SEALS);
}

static int a_file_open_for_writing_only(void)
{
	const int fd = memory_file(8192, 8192, BAD_SEALS);
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(other >= 0);
	close(fd);
	return other;
}

struct bad_fd {
	const char *what;
	int (*open)(void);
};

#define BAD_FD(name)        \
	{                   \
#name, name \
	}

/* Neither a segment nor a doorbell. */
static const struct bad_fd bad_fds[] = {
	BAD_FD(a_pipe),
	BAD_FD(a_directory),
	BAD_FD(a_device),
	BAD_FD(a_path),
	BAD_FD(an_eventfd),
	BAD_FD(an_epoll),
	BAD_FD(a_timer),
	BAD_FD(a_file),
	BAD_FD(a_stream_socket),
	BAD_FD(a_seqpacket_socket),
	BAD_FD(an_unconnected_socket),
	BAD_FD(an_internet_socket),
	BAD_FD(an_unsealed_file),
	BAD_FD(a_file_that_may_shrink),
	BAD_FD(a_file_that_may_grow),
	BAD_FD(a_file_that_others_may_write),
	BAD_FD(a_file_without_the_last_seal),
	BAD_FD(an_empty_file),
	BAD_FD(a_header_without_data),
	BAD_FD(half_a_header),
	BAD_FD(a_byte_too_few),
	BAD_FD(a_byte_too_many),
	BAD_FD(a_file_with_a_hole),
	BAD_FD(a_file_open_for_writing_only),
};

#endif
