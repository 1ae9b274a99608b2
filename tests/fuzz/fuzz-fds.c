/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Descriptors of every kind that a peer might send.
 */
#include "fuzz-fds.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os.h"
#include "sock.h"

/* No input has more. */
#define FDS_LOOKED_AT 200

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

struct fuzz_fds fuzz_fds;

static struct tach_segment_header honest_ring, honest_payload;

/* The size of a segment's header and so much data. */
static off_t with_data(off_t size)
{
	return (off_t)tach_os_page_size() + size;
}

/* allocated: how much of size is; beyond: where blocks are that are not its. */
static int make_file(off_t size, off_t allocated, off_t beyond, int seals)
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(fd >= 0 && ftruncate(fd, size) == 0);
	FUZZ_CHECK(allocated == 0 || fallocate(fd, 0, 0, allocated) == 0);
	FUZZ_CHECK(beyond == 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, size, beyond) == 0);
	if (size > 0 && allocated > 0) {
		const struct tach_segment_header header = honest_ring;

		FUZZ_CHECK(pwrite(fd, &header, size < 64 ? (size_t)size : 64, 0) > 0);
	}
	FUZZ_CHECK(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static int open_read_only(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int make_socket(int type)
{
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	return ends[0];
}

void fuzz_connect(int ends[2])
{
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) ==
		   0);
}

static void make_files(int *fd)
{
	const off_t size = with_data(FUZZ_RING_SIZE);

	fd[FUZZ_FD_SHARED] = make_file(size, size, 0, F_SEAL_SHRINK);
	fd[FUZZ_FD_UNSEALED] = make_file(size, size, 0, 0);
	fd[FUZZ_FD_HALF_SEALED] =
		make_file(size, size, 0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	fd[FUZZ_FD_SHORT] = make_file(100, 100, 0, SEALS);
	fd[FUZZ_FD_EMPTY] = make_file(0, 0, 0, SEALS);
	fd[FUZZ_FD_HOLE] = make_file(size, 0, 0, SEALS);
	fd[FUZZ_FD_HIDDEN_HOLE] = make_file(size, with_data(0), 2 * size, SEALS);
	fd[FUZZ_FD_ODD_RING] =
		make_file(with_data(3 * FUZZ_RING_SIZE), with_data(3 * FUZZ_RING_SIZE), 0, SEALS);
}

static void make_others(int *fd)
{
	int ends[2];

	FUZZ_CHECK(pipe2(ends, O_CLOEXEC) == 0);
	fd[FUZZ_FD_PIPE] = ends[0];
	fd[FUZZ_FD_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd[FUZZ_FD_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd[FUZZ_FD_FOLDER] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd[FUZZ_FD_LONELY_BELL] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd[FUZZ_FD_STREAM_SOCKET] = make_socket(SOCK_STREAM);
	fd[FUZZ_FD_PACKET_SOCKET] = make_socket(SOCK_SEQPACKET);
}

static void make_bell(int *mine, int *given)
{
	int bell[2];

	FUZZ_CHECK(tach_sock_doorbell(bell) == 0);
	*mine = bell[0];
	*given = bell[1];
}

void fuzz_fds_init(void)
{
	struct fuzz_fds *all = &fuzz_fds;

	FUZZ_CHECK(tach_segment_create_ring(&all->ring, FUZZ_RING_SIZE) == 0);
	FUZZ_CHECK(tach_segment_create_ring(&all->large_ring, 2 * FUZZ_RING_SIZE) == 0);
	FUZZ_CHECK(tach_segment_create_ring(&all->liar, FUZZ_RING_SIZE) == 0);
	FUZZ_CHECK(tach_segment_create_payload(&all->payload, FUZZ_BLOCK_SIZE, FUZZ_BLOCK_COUNT) ==
		   0);
	FUZZ_CHECK(tach_segment_create_payload(&all->payload_liar, FUZZ_BLOCK_SIZE,
					       FUZZ_BLOCK_COUNT) == 0);
	memcpy(&honest_ring, all->ring.header, sizeof(honest_ring));
	memcpy(&honest_payload, all->payload.header, sizeof(honest_payload));

	all->fd[FUZZ_FD_RING] = all->ring.fd;
	all->fd[FUZZ_FD_LARGE_RING] = all->large_ring.fd;
	all->fd[FUZZ_FD_PAYLOAD] = all->payload.fd;
	all->fd[FUZZ_FD_LIAR] = all->liar.fd;
	all->fd[FUZZ_FD_PAYLOAD_LIAR] = all->payload_liar.fd;
	all->fd[FUZZ_FD_READ_ONLY_RING] = open_read_only(all->ring.fd);
	make_bell(&all->data_bell, &all->fd[FUZZ_FD_DATA_BELL]);
	make_bell(&all->space_bell, &all->fd[FUZZ_FD_SPACE_BELL]);
	make_files(all->fd);
	make_others(all->fd);
	for (int i = 0; i < FUZZ_FD_COUNT; i++)
		FUZZ_CHECK(all->fd[i] >= 0);
}

/* The words that are written once, and those that change. */
static void reset_header(struct tach_segment *segment, const struct tach_segment_header *honest)
{
	memcpy(segment->header, honest, offsetof(struct tach_segment_header, messages));
}

void fuzz_fds_reset(void)
{
	reset_header(&fuzz_fds.ring, &honest_ring);
	reset_header(&fuzz_fds.liar, &honest_ring);
	reset_header(&fuzz_fds.payload, &honest_payload);
	reset_header(&fuzz_fds.payload_liar, &honest_payload);
}

void fuzz_send(int sock, const void *data, size_t size, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FUZZ_FDS_MAX * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	(void)sendmsg(sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void fuzz_drain(int sock)
{
	static uint8_t packet[8192];

	for (;;) {
		int fds[TACH_SOCK_FDS];
		size_t count = 0;
		const ssize_t size = tach_sock_receive(sock, packet, sizeof(packet), fds, &count);

		if (size == 0 || (size < 0 && size != -EBADMSG))
			return;
		for (size_t i = 0; size > 0 && i < count; i++)
			close(fds[i]);
	}
}

unsigned int fuzz_count_fds(void)
{
	struct pollfd entries[FDS_LOOKED_AT];
	unsigned int count = 0;

	for (int i = 0; i < FDS_LOOKED_AT; i++)
		entries[i] = (struct pollfd){.fd = i};
	/* One system call, and no file is opened for it. */
	FUZZ_CHECK(poll(entries, FDS_LOOKED_AT, 0) >= 0);
	for (int i = 0; i < FDS_LOOKED_AT; i++)
		count += !(entries[i].revents & POLLNVAL);
	return count;
}

size_t fuzz_choose_fds(struct fuzz_input *input, int fds[FUZZ_FDS_MAX])
{
	const size_t count = fuzz_below(input, FUZZ_FDS_MAX + 1);

	for (size_t i = 0; i < count; i++)
		fds[i] = fuzz_fds.fd[fuzz_below(input, FUZZ_FD_COUNT)];
	return count;
}

void fuzz_write_header(struct fuzz_input *input, struct tach_segment_header *header)
{
	uint64_t *const words = (uint64_t *)header;
	const unsigned int count = 1 + fuzz_below(input, 3);

	for (unsigned int i = 0; i < count; i++) {
		/* 8 bytes each: those that are written once stand in the first seven. */
		uint64_t *const word = &words[fuzz_below(input, 8)];

		*word = fuzz_number(input, *word);
	}
}
