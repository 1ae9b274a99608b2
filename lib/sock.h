/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on sockets: AF_UNIX addresses, SEQPACKET connections that carry fds, doorbells.
 *
 * All return >= 0 or -errno and retry EINTR. No call raises SIGPIPE, every fd is CLOEXEC and every
 * socket is non-blocking: only tach_os_poll() waits.
 */
#ifndef TACH_SOCK_H
#define TACH_SOCK_H

#include <sys/types.h>

#include "base.h"

/* The most fds one packet of the protocol carries. */
#define TACH_SOCK_FDS 4

/*
 * "/a/path", "@abstract", or "@@abstract" where NULs fill the rest of the name; an address fits
 * sockaddr_un or is -ENAMETOOLONG; "" is -EINVAL.
 */
int tach_sock_check_address(const char *address);
bool tach_sock_is_abstract(const char *address);

/* A bound SEQPACKET socket that refuses connections so far. -EADDRINUSE when the name exists. */
int tach_sock_bind(const char *address);
int tach_sock_start_listening(int sock);
/* Both at once. */
int tach_sock_listen(const char *address);
/* -EAGAIN when nobody waits; errors that concern one connection only are -EAGAIN too. */
int tach_sock_accept(int listener);
/*
 * Connects at once or not at all: -ENOENT, -ECONNREFUSED (nobody listens), -EAGAIN (queue full),
 * -EPROTOTYPE (not a SEQPACKET socket), -EACCES. A path longer than sockaddr_un: -ENAMETOOLONG.
 */
int tach_sock_connect(const char *address);

struct tach_peer {
	uid_t uid;
	pid_t pid;
};

/* SO_PEERCRED. pid is 0 where this namespace cannot see it. */
int tach_sock_peer(int sock, struct tach_peer *peer);
/* A pidfd of the peer: SO_PEERPIDFD where the kernel has it, else by pid; else -errno. */
int tach_sock_peer_pidfd(int sock);
/* True for a connected AF_UNIX SOCK_SEQPACKET socket: what a given fd must be. */
bool tach_sock_is_seqpacket(int fd);
/* A duplicate of such a fd; anything else is -EINVAL. It may block, but no call here lets it. */
int tach_sock_adopt(int fd);

/*
 * One packet with fds, all or nothing, never waiting: -EAGAIN when the peer's queue is full,
 * -ENOBUFS when the kernel takes no more for now, -EPIPE when it left, -EMSGSIZE when it never
 * fits, -EINVAL when it is empty or carries more than
 * TACH_SOCK_FDS fds. The fds stay the caller's.
 */
int tach_sock_send(int sock, const void *data, size_t size, const int *fds, size_t fd_count);
/*
 * One packet, never waiting. Returns its size, 0 when the peer left (a packet of size 0 too),
 * -EAGAIN when there is none. A packet longer than size, more than TACH_SOCK_FDS fds or
 * truncated control data is -EBADMSG with every fd closed, -EMFILE where this process had no fd
 * left. On success the fds are the caller's. What the peer sent before it left is received first.
 */
ssize_t tach_sock_receive(int sock, void *data, size_t size, int fds[TACH_SOCK_FDS],
			  size_t *fd_count);
/* True when more than half of what the socket takes was sent and not received. */
bool tach_sock_is_half_full(int sock);
/* Both directions; the fd stays open. Wakes both sides' polls. */
void tach_sock_shutdown(int sock);

/* --- doorbells: a SOCK_DGRAM pair made by the sleeper; see PROTOCOL.md 5 --- */

/* bell[0] is the sleeper's end, bell[1] the one it gives to its waker. */
int tach_sock_doorbell(int bell[2]);
/* True when fd is what a doorbell must be: AF_UNIX, SOCK_DGRAM, connected. */
bool tach_sock_is_doorbell(int fd);
/*
 * One byte, never waiting; a full queue means "already rung". False: the kernel has no memory for
 * it, and it is to be tried again later. Other errors are the sleeper's loss.
 */
bool tach_sock_ring(int bell);
/*
 * Takes out of the sleeper's end what is there, up to a bound: a hostile waker may ring for ever.
 */
void tach_sock_drain(int bell);

#endif
