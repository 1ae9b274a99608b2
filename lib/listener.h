/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A listening address: claimed without harm to a live owner or to what is not a socket, accepted
 * from, given up. And who may be at the other end of a connection.
 */
#ifndef TACH_LISTENER_H
#define TACH_LISTENER_H

#include <sys/types.h>

#include "os.h"

struct tach_listener {
	int sock;		/* readable when somebody waits to be accepted */
	int lock;		/* of "<path>.lock"; -1 for an abstract name */
	int spare;		/* an fd to give up when a connection finds none left */
	char *path;		/* NULL for an abstract name, or when this struct owns nothing */
	struct tach_file_id id; /* of the socket at path: only that one is unlinked */
	uint64_t owner_token;	/* 0: this struct owns nothing */
};

/*
 * Claims address ("/a/path" or "@abstract") and listens. perms is the mode of the socket file, 0
 * means 0600; an abstract name has none. Connecting needs write permission on the file.
 *
 * A path is held by a lock on "<path>.lock", which is never unlinked. A stale socket is replaced.
 * A relative path is looked up again at close.
 *
 * Fails with
 *     TACHYON_ERR_IN_USE  a live listener owns the address, or holds its lock
 *     -EPROTOTYPE         a live socket of another type is there
 *     -ENOTSOCK           something that is not a socket is there; it is never touched
 *     TACHYON_ERR_DENIED  the directory, the lock or the socket there belongs to another user
 *     -ENAMETOOLONG       the path, or "<directory>/.tXXXXXXXX", exceeds sockaddr_un
 *     -EINVAL             address is "" or "@", or perms has more than permission bits
 *     -ENOENT, -EROFS, -EMFILE, -ENOMEM, …  from the system; nothing was claimed
 */
int tach_listener_open(struct tach_listener *listener, const char *address, mode_t perms);

/*
 * Never waits: a connection's socket, or -EAGAIN. When this process has no fd left, the connection
 * is dropped and the answer is -EMFILE: a poll must not find it again and again.
 */
int tach_listener_accept(struct tach_listener *listener);

/*
 * Gives the address up: from now on connecting is refused, also where a forked child holds a copy
 * of the socket. In such a child it closes the copies, and disturbs nothing. As long as a child
 * keeps them after its parent died, the address counts as in use. Safe on a zeroed struct.
 */
void tach_listener_close(struct tach_listener *listener);

/* All-zero: the same user only. uids is borrowed. */
struct tach_peer_rule {
	bool allow_any;
	const uid_t *uids; /* users besides this one */
	size_t uid_count;
};

/*
 * 0 when the rule allows the process at the other end; TACHYON_ERR_DENIED; or -errno. "The same" is
 * the effective user id, at the time the peer connected or began to listen. Root is no exception.
 * The overflow uid stands for every user that this user namespace cannot name: it is nobody's, and
 * only allow_any lets it in.
 */
int tach_peer_check(int sock, const struct tach_peer_rule *rule);

#endif
