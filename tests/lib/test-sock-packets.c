/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Packets with fds, and doorbells, of sock.h.
 */
#include "sock.h"

#include <sys/socket.h>

#include "os.h"
#include "system.h"

static void make_pair(int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	tach_os_close(pair[0]);
	tach_os_close(pair[1]);
}

/* What a peer sends that does not keep to the protocol. */
static void send_raw(int sock, size_t size, size_t fd_count)
{
	union {
		struct cmsghdr header;
		char bytes[1024];
	} control = {.bytes = {0}};
	char data[256] = "";
	struct iovec vector = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (fd_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (size_t i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &sock, sizeof(sock));
	}
	CHECK_EQ(sendmsg(sock, &message, 0), size);
}

struct packet {
	char data[64];
	int fds[TACH_SOCK_FDS];
	size_t fd_count;
};

static ssize_t receive(int sock, struct packet *packet)
{
	return tach_sock_receive(sock, packet->data, sizeof(packet->data), packet->fds,
				 &packet->fd_count);
}

/* --- packets --- */

TEST(a_packet_brings_its_data_and_fds)
{
	struct packet packet;
	const int event = tach_os_eventfd();
	struct pollfd poll_fd = {.events = POLLIN};
	int fds[TACH_SOCK_FDS];
	int pair[2];

	make_pair(pair);
	for (size_t i = 0; i < TACH_SOCK_FDS; i++)
		fds[i] = event;
	CHECK_EQ(tach_sock_send(pair[0], "hello", 5, fds, TACH_SOCK_FDS), 0);

	CHECK_EQ(receive(pair[1], &packet), 5);
	CHECK_MEM_EQ(packet.data, "hello", 5);
	CHECK_EQ(packet.fd_count, TACH_SOCK_FDS);
	tach_os_event_set(event);
	for (size_t i = 0; i < TACH_SOCK_FDS; i++) {
		poll_fd.fd = packet.fds[i];
		CHECK_EQ(fcntl(packet.fds[i], F_GETFD), FD_CLOEXEC);
		CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);
		tach_os_close(packet.fds[i]);
	}
	tach_os_close(event);
	close_pair(pair);
}

TEST(packets_keep_their_boundaries)
{
	struct packet packet;
	int pair[2];

	make_pair(pair);
	CHECK_EQ(receive(pair[1], &packet), -EAGAIN);
	CHECK_EQ(tach_sock_send(pair[0], "a", 1, NULL, 0), 0);
	CHECK_EQ(tach_sock_send(pair[0], "bc", 2, NULL, 0), 0);

	CHECK_EQ(receive(pair[1], &packet), 1);
	CHECK_EQ(packet.fd_count, 0);
	CHECK_EQ(receive(pair[1], &packet), 2);
	CHECK_EQ(receive(pair[1], &packet), -EAGAIN);
	close_pair(pair);
}

TEST(sending_more_fds_than_allowed_or_no_bytes_is_einval)
{
	const int fds[TACH_SOCK_FDS + 1] = {0};
	int pair[2];

	make_pair(pair);
	CHECK_EQ(tach_sock_send(pair[0], "x", 1, fds, TACH_SOCK_FDS + 1), -EINVAL);
	CHECK_EQ(tach_sock_send(pair[0], "", 0, NULL, 0), -EINVAL);
	close_pair(pair);
}

TEST(sending_to_a_peer_that_does_not_read_is_eagain_and_never_waits)
{
	int pair[2];
	int sent = 0;
	int ret;

	make_pair(pair);
	/* The flag belongs to the description, which a peer may share: it must not matter. */
	CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0);
	do {
		ret = tach_sock_send(pair[0], "x", 1, NULL, 0);
	} while (ret == 0 && ++sent < 100000);

	CHECK_EQ(ret, -EAGAIN);
	CHECK(sent > 0);
	close_pair(pair);
}

TEST(receiving_never_waits_either)
{
	struct packet packet;
	int pair[2];

	make_pair(pair);
	CHECK_EQ(fcntl(pair[1], F_SETFL, 0), 0);

	CHECK_EQ(receive(pair[1], &packet), -EAGAIN);
	close_pair(pair);
}

TEST(a_packet_that_never_fits_is_emsgsize)
{
	static char data[64 << 20];
	int pair[2];

	make_pair(pair);
	CHECK_EQ(tach_sock_send(pair[0], data, sizeof(data), NULL, 0), -EMSGSIZE);
	close_pair(pair);
}

TEST(sending_to_a_peer_that_left_is_epipe_and_no_signal)
{
	int pair[2];

	make_pair(pair);
	tach_os_close(pair[1]);

	CHECK_EQ(tach_sock_send(pair[0], "x", 1, NULL, 0), -EPIPE);
	tach_os_close(pair[0]);
}

TEST(a_peer_that_left_without_reading_is_epipe_too)
{
	int pair[2];

	make_pair(pair);
	CHECK_EQ(tach_sock_send(pair[0], "unread", 6, NULL, 0), 0);
	tach_os_close(pair[1]);

	CHECK_EQ(tach_sock_send(pair[0], "x", 1, NULL, 0), -EPIPE);
	tach_os_close(pair[0]);
}

TEST(what_was_sent_before_leaving_is_received_first)
{
	struct packet packet;
	int pair[2];

	make_pair(pair);
	CHECK_EQ(tach_sock_send(pair[1], "unread", 6, NULL, 0), 0);
	CHECK_EQ(tach_sock_send(pair[0], "last", 4, NULL, 0), 0);
	tach_os_close(pair[0]);

	CHECK_EQ(receive(pair[1], &packet), 4);
	CHECK_EQ(receive(pair[1], &packet), 0);
	CHECK_EQ(receive(pair[1], &packet), 0);
	tach_os_close(pair[1]);
}

/* --- packets that break the protocol: each fd that came along is closed --- */

static void check_refused(size_t size, size_t fd_count, ssize_t expected)
{
	struct packet packet = {.fd_count = 99};
	int pair[2];
	int free_fd;

	make_pair(pair);
	free_fd = next_fd();
	send_raw(pair[0], size, fd_count);

	CHECK_EQ(receive(pair[1], &packet), expected);
	CHECK_EQ(packet.fd_count, 0);
	CHECK_EQ(next_fd(), free_fd);
	close_pair(pair);
}

TEST(a_packet_with_too_many_fds_is_corrupt)
{
	check_refused(8, TACH_SOCK_FDS + 1, -EBADMSG);
	check_refused(8, 200, -EBADMSG);
}

TEST(a_packet_that_is_too_long_is_corrupt)
{
	check_refused(65, 0, -EBADMSG);
	check_refused(200, 2, -EBADMSG);
}

TEST(an_empty_packet_with_fds_is_a_peer_that_left)
{
	check_refused(0, 0, 0);
	check_refused(0, 2, 0);
}

TEST(fds_for_which_there_is_no_room_here_are_lost_with_their_packet)
{
	struct packet packet;
	struct rlimit old;
	int pair[2];

	make_pair(pair);
	send_raw(pair[0], 8, 3);
	old = limit_to(RLIMIT_NOFILE, (rlim_t)next_fd() + 1);

	CHECK_EQ(receive(pair[1], &packet), -EMFILE);
	CHECK_EQ(packet.fd_count, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	close_pair(pair);
}

/* --- doorbells --- */

static bool is_rung(int bell)
{
	struct pollfd poll_fd = {.fd = bell, .events = POLLIN};

	return tach_os_poll(&poll_fd, 1, 0) == 1;
}

TEST(a_doorbell_rings_until_drained)
{
	int bell[2];

	CHECK_EQ(tach_sock_doorbell(bell), 0);
	CHECK_EQ(fcntl(bell[0], F_GETFD), FD_CLOEXEC);
	CHECK(!is_rung(bell[0]));
	tach_sock_ring(bell[1]);
	tach_sock_ring(bell[1]);
	CHECK(is_rung(bell[0]));

	tach_sock_drain(bell[0]);
	CHECK(!is_rung(bell[0]));
	close_pair(bell);
}

TEST(ringing_never_waits_whatever_the_sleeper_does)
{
	int bell[2];

	CHECK_EQ(tach_sock_doorbell(bell), 0);
	CHECK_EQ(fcntl(bell[0], F_SETFL, 0), 0);
	CHECK_EQ(fcntl(bell[1], F_SETFL, 0), 0);
	for (int i = 0; i < 1000; i++)
		tach_sock_ring(bell[1]);
	CHECK(is_rung(bell[0]));
	for (int i = 0; i < 1000 && is_rung(bell[0]); i++)
		tach_sock_drain(bell[0]);
	CHECK(!is_rung(bell[0]));
	tach_sock_drain(bell[0]);

	tach_os_close(bell[0]);
	tach_sock_ring(bell[1]);
	tach_os_close(bell[1]);
}

TEST(draining_ends_though_the_waker_may_ring_for_ever)
{
	int bell[2];

	CHECK_EQ(tach_sock_doorbell(bell), 0);
	for (int i = 0; i < 150; i++)
		tach_sock_ring(bell[1]);
	tach_sock_drain(bell[0]);

	CHECK(is_rung(bell[0]));
	close_pair(bell);
}

TEST(fds_sent_through_a_doorbell_fall_away)
{
	int bell[2];
	int free_fd;

	CHECK_EQ(tach_sock_doorbell(bell), 0);
	free_fd = next_fd();
	send_raw(bell[1], 200, 3);

	tach_sock_drain(bell[0]);
	CHECK(!is_rung(bell[0]));
	CHECK_EQ(next_fd(), free_fd);
	close_pair(bell);
}
