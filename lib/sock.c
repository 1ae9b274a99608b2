/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on sockets: AF_UNIX addresses, SEQPACKET connections that carry fds, doorbells.
 */
#include "sock.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "os.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)
#define BACKLOG 64

/* A doorbell's queue is short; a waker that keeps ringing must not keep its sleeper draining. */
#define DRAIN_BATCH 16
#define DRAIN_ROUNDS 4
/* Where the kernel has no memory for a byte. */
#define RING_TRIES 8

/* --- addresses --- */

bool tach_sock_is_abstract(const char *address)
{
	return address[0] == '@';
}

/* As GLib has it: a name of the length of all there is room for. */
static int make_padded(const char *address, struct sockaddr_un *name, socklen_t *size)
{
	const size_t length = strlen(address + 2);

	if (length == 0)
		return -EINVAL;
	if (length > sizeof(name->sun_path) - 1)
		return -ENAMETOOLONG;

	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path + 1, address + 2, length);
	*size = sizeof(*name);
	return 0;
}

static int make_address(const char *address, struct sockaddr_un *name, socklen_t *size)
{
	const size_t length = strlen(address);

	if (strncmp(address, "@@", 2) == 0)
		return make_padded(address, name, size);
	if (length == 0 || strcmp(address, "@") == 0)
		return -EINVAL;
	if (length >= sizeof(name->sun_path))
		return -ENAMETOOLONG;

	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path, address, length);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (tach_sock_is_abstract(address))
		name->sun_path[0] = '\0'; /* an abstract name ends where its size says */
	else
		*size += 1;
	return 0;
}

int tach_sock_check_address(const char *address)
{
	struct sockaddr_un name;
	socklen_t size;

	return make_address(address, &name, &size);
}

/* --- connections --- */

static int open_seqpacket(void)
{
	int sock;

	tach_os_count_call();
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCKET_FLAGS, 0);
	if (sock >= 0)
		return sock;

	const int ret = -errno;

	tach_log(TACHYON_LOG_ERROR, "socket: %s", tachyon_strerror(ret));
	return ret;
}

int tach_sock_bind(const char *address)
{
	struct sockaddr_un name;
	socklen_t size;
	int sock, ret;

	ret = make_address(address, &name, &size);
	if (ret < 0)
		return ret;
	sock = open_seqpacket();
	if (sock < 0)
		return sock;

	tach_os_count_call();
	if (bind(sock, (const struct sockaddr *)&name, size) == 0)
		return sock;
	ret = -errno;
	tach_os_close(sock);
	return ret;
}

int tach_sock_start_listening(int sock)
{
	tach_os_count_call();
	return listen(sock, BACKLOG) < 0 ? -errno : 0;
}

int tach_sock_listen(const char *address)
{
	const int sock = tach_sock_bind(address);
	int ret;

	if (sock < 0)
		return sock;
	ret = tach_sock_start_listening(sock);
	if (ret == 0)
		return sock;
	tach_os_close(sock);
	return ret;
}

int tach_sock_accept(int listener)
{
	int sock;

	do {
		tach_os_count_call();
		sock = accept4(listener, NULL, NULL, SOCKET_FLAGS);
	} while (sock < 0 && errno == EINTR);
	if (sock >= 0)
		return sock;

	switch (errno) {
	case ECONNABORTED:
	case EPERM:
	case EPROTO:
		return -EAGAIN;
	default:
		return -errno;
	}
}

int tach_sock_connect(const char *address)
{
	struct sockaddr_un name;
	socklen_t size;
	int sock, ret;

	ret = make_address(address, &name, &size);
	if (ret < 0)
		return ret;
	sock = open_seqpacket();
	if (sock < 0)
		return sock;

	do {
		tach_os_count_call();
		ret = connect(sock, (const struct sockaddr *)&name, size) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	if (ret == 0)
		return sock;
	tach_os_close(sock);
	return ret;
}

void tach_sock_shutdown(int sock)
{
	/* ENOTCONN: there is nobody left to tell. */
	tach_os_count_call();
	shutdown(sock, SHUT_RDWR);
}

/* --- who and what is at the other end --- */

static int get_option(int sock, int option, void *value, socklen_t size)
{
	socklen_t got = size;

	tach_os_count_call();
	if (getsockopt(sock, SOL_SOCKET, option, value, &got) < 0)
		return -errno;
	return got == size ? 0 : -EINVAL;
}

int tach_sock_peer(int sock, struct tach_peer *peer)
{
	struct ucred credentials;
	const int ret = get_option(sock, SO_PEERCRED, &credentials, sizeof(credentials));

	/* Linux always has it; what imitates Linux may not. */
	if (ret == -ENOPROTOOPT)
		return -ENOSYS;
	if (ret < 0)
		return ret;
	*peer = (struct tach_peer){.uid = credentials.uid, .pid = credentials.pid};
	return 0;
}

int tach_sock_peer_pidfd(int sock)
{
	struct tach_peer peer;
	int pidfd;
	int ret;

	ret = get_option(sock, SO_PEERPIDFD, &pidfd, sizeof(pidfd));
	if (ret == 0)
		return pidfd;
	if (ret != -ENOPROTOOPT)
		return ret;

	/*
	 * Linux < 6.5. Between the two calls the peer may end and its number be used again; we
	 * would watch a stranger then, and miss only what the socket's hang-up tells as well.
	 */
	ret = tach_sock_peer(sock, &peer);
	if (ret < 0)
		return ret;
	return peer.pid > 0 ? tach_os_pidfd(peer.pid) : -ESRCH;
}

static bool is_unix_socket(int fd, int wanted_type)
{
	int domain, type;

	return get_option(fd, SO_DOMAIN, &domain, sizeof(domain)) == 0 && domain == AF_UNIX &&
	       get_option(fd, SO_TYPE, &type, sizeof(type)) == 0 && type == wanted_type;
}

static bool is_connected(int fd)
{
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	tach_os_count_call();
	return getpeername(fd, (struct sockaddr *)&name, &size) == 0;
}

bool tach_sock_is_seqpacket(int fd)
{
	return is_unix_socket(fd, SOCK_SEQPACKET) && is_connected(fd);
}

int tach_sock_adopt(int fd)
{
	int sock;

	if (fd < 0 || !tach_sock_is_seqpacket(fd))
		return -EINVAL;
	tach_os_count_call();
	sock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return sock < 0 ? -errno : sock;
}

bool tach_sock_is_doorbell(int fd)
{
	return is_unix_socket(fd, SOCK_DGRAM) && is_connected(fd);
}

/* --- packets with fds --- */

/* Room for the most fds a packet may carry; the union aligns it. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(TACH_SOCK_FDS * sizeof(int))];
};

static void pack_fds(struct msghdr *message, union control *control, const int *fds, size_t count)
{
	const size_t size = count * sizeof(int);
	struct cmsghdr *header;

	if (count == 0)
		return;
	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), fds, size);
}

int tach_sock_send(int sock, const void *data, size_t size, const int *fds, size_t fd_count)
{
	struct iovec vector = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	union control control;
	ssize_t sent;

	/* A packet of no bytes reads as a hang-up. */
	if (size == 0 || fd_count > TACH_SOCK_FDS)
		return -EINVAL;
	pack_fds(&message, &control, fds, fd_count);

	do {
		tach_os_count_call();
		sent = sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	switch (errno) {
	case ECONNRESET:
		return -EPIPE; /* it left without reading all we sent */
	case ENOMEM:
	case ETOOMANYREFS: /* fds on their way, of this user's processes */
		return -ENOBUFS;
	default:
		return -errno;
	}
}

bool tach_sock_is_half_full(int sock)
{
	int queued, room;

	tach_os_count_call();
	if (ioctl(sock, SIOCOUTQ, &queued) < 0)
		return false;
	return get_option(sock, SO_SNDBUF, &room, sizeof(room)) == 0 && queued > room / 2;
}

/* Takes the fds out of a received message. False when there are more than a packet may carry. */
static bool unpack_fds(struct msghdr *message, int fds[TACH_SOCK_FDS], size_t *fd_count)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count = 0;
	bool fits = true;

	for (; header; header = CMSG_NXTHDR(message, header)) {
		const size_t size = header->cmsg_len - CMSG_LEN(0);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < size / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (count < TACH_SOCK_FDS) {
				fds[count++] = fd;
			} else {
				tach_os_close(fd);
				fits = false;
			}
		}
	}
	*fd_count = count;
	return fits;
}

static ssize_t receive_message(int sock, struct msghdr *message)
{
	bool was_reset = false;
	ssize_t got;

	for (;;) {
		tach_os_count_call();
		got = recvmsg(sock, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got >= 0)
			return got;
		if (errno == EINTR)
			continue;
		if (errno != ECONNRESET)
			return -errno;
		/* Said once, and before what still waits in the queue: that is delivered first. */
		if (was_reset)
			return 0;
		was_reset = true;
	}
}

/* Control data is cut off too where this process has no fd left for what came. */
static ssize_t why_cut_off(int sock)
{
	int fd;

	tach_os_count_call();
	fd = fcntl(sock, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 && errno == EMFILE) {
		tach_log(TACHYON_LOG_ERROR, "a packet's fds are lost: %s",
			 tachyon_strerror(-EMFILE));
		return -EMFILE;
	}
	tach_os_close(fd);
	tach_log(TACHYON_LOG_WARNING, "a packet was cut off: too long, or too many fds");
	return -EBADMSG;
}

ssize_t tach_sock_receive(int sock, void *data, size_t size, int fds[TACH_SOCK_FDS],
			  size_t *fd_count)
{
	struct iovec vector = {.iov_base = data, .iov_len = size};
	union control control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	*fd_count = 0;
	got = receive_message(sock, &message);
	if (got < 0)
		return got;

	if (!unpack_fds(&message, fds, fd_count) ||
	    (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		got = why_cut_off(sock);
	}
	if (got > 0)
		return got;

	for (size_t i = 0; i < *fd_count; i++)
		tach_os_close(fds[i]);
	*fd_count = 0;
	return got;
}

/* --- doorbells --- */

int tach_sock_doorbell(int bell[2])
{
	tach_os_count_call();
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCKET_FLAGS, 0, bell) == 0)
		return 0;

	const int ret = -errno;

	tach_log(TACHYON_LOG_ERROR, "socketpair: %s", tachyon_strerror(ret));
	return ret;
}

bool tach_sock_ring(int bell)
{
	const uint8_t byte = 1;

	for (int i = 0; i < RING_TRIES; i++) {
		tach_os_count_call();
		if (send(bell, &byte, sizeof(byte), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		/* Rung already, or nobody there to hear it. Of these three a try may be better. */
		if (errno != EINTR && errno != ENOBUFS && errno != ENOMEM)
			return true;
	}
	return false;
}

void tach_sock_drain(int bell)
{
	uint8_t bytes[DRAIN_BATCH];
	struct iovec vectors[DRAIN_BATCH];
	struct mmsghdr messages[DRAIN_BATCH];
	int got = DRAIN_BATCH;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < DRAIN_BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = &bytes[i], .iov_len = 1};
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}

	/*
	 * One call takes all there is, as a rule one byte; fds sent along fall away in the kernel.
	 */
	for (int round = 0; round < DRAIN_ROUNDS && got == DRAIN_BATCH; round++) {
		tach_os_count_call();
		got = recvmmsg(bell, messages, DRAIN_BATCH, MSG_DONTWAIT, NULL);
	}
}
