/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Claiming a listening address, accepting from it, giving it up (PROTOCOL.md 6).
 */
#include "listener.h"

#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "sock.h"

#define DEFAULT_PERMS 0600
#define LOCK_SUFFIX ".lock"
/* Nobody else may open it: whoever can open a lock can hold it. */
#define LOCK_PERMS 0600
#define TEMPORARY_NAME_SIZE sizeof(".t01234567")
#define OVERFLOW_UID ((uid_t)65534)

static int refuse(const char *address, int error, const char *cause)
{
	tach_log(TACHYON_LOG_ERROR, "listen %s: %s", address, cause);
	return error;
}

/* --- claiming a path --- */

static int take_lock(const char *path)
{
	const size_t size = strlen(path) + sizeof(LOCK_SUFFIX);
	char *name = malloc(size);
	int lock;

	if (!name)
		return -ENOMEM;
	snprintf(name, size, "%s%s", path, LOCK_SUFFIX);
	lock = tach_os_lock_file(name, LOCK_PERMS);
	free(name);
	return lock == -EAGAIN ? refuse(path, TACHYON_ERR_IN_USE, "its lock is held") : lock;
}

/* 0 when nobody lives at path. */
static int probe(const char *path)
{
	const int sock = tach_sock_connect(path);

	if (sock >= 0) {
		tach_os_close(sock);
		return refuse(path, TACHYON_ERR_IN_USE, "a live listener is there");
	}
	switch (sock) {
	case -ENOENT:
	case -ECONNREFUSED:
		return 0;
	case -EAGAIN:
		return refuse(path, TACHYON_ERR_IN_USE,
			      "a live listener with a full queue is there");
	default:
		return refuse(path, sock, tachyon_strerror(sock));
	}
}

/* What a dead listener left at the path. */
struct stale {
	int pin; /* negative: nothing is there; else nothing new can come by the same id */
	struct tach_file_id id;
};

/* The caller closes stale->pin. */
static int find_stale(const char *path, struct stale *stale)
{
	int ret;

	/*
	 * Looked at before the probe: what is placed there later is then not what was found dead.
	 */
	stale->pin = tach_os_pin_file(path, &stale->id);
	if (stale->pin == -ENOENT)
		return 0;
	if (stale->pin < 0)
		return refuse(path, stale->pin, tachyon_strerror(stale->pin));
	/* A connect() to a plain file is refused too, as if it were a stale socket. */
	ret = stale->id.is_socket ? probe(path)
				  : refuse(path, -ENOTSOCK, "what is there is not a socket");
	if (ret < 0)
		tach_os_close(stale->pin);
	return ret;
}

static bool is_same_file(const struct tach_file_id *a, const struct tach_file_id *b)
{
	return a->is_socket && b->is_socket && a->device == b->device && a->inode == b->inode;
}

/*
 * As long as our socket is open, no other file can have its inode's number: what has it is ours.
 */
static void unlink_own(const char *path, const struct tach_file_id *own)
{
	struct tach_file_id id;

	if (tach_os_file_id(path, &id) == 0 && is_same_file(&id, own))
		tach_os_unlink(path);
}

/* -EEXIST when somebody, who does not ask for our lock, was faster. */
static int place_new(const char *temporary, const char *path)
{
	const int ret = tach_os_rename_new(temporary, path);

	/* A file system that cannot promise it; we just saw that nothing is there. */
	return ret == -EINVAL ? tach_os_rename(temporary, path) : ret;
}

/* Replaces the stale socket and nothing else, whatever was put at path since: else -EEXIST. */
static int place_over(const char *temporary, const char *path, const struct stale *stale)
{
	struct tach_file_id id;
	int ret;

	ret = tach_os_exchange(temporary, path);
	if (ret == -ENOENT)
		return place_new(temporary, path);
	if (ret == -EINVAL)
		return tach_os_rename(temporary, path);
	if (ret < 0)
		return ret;

	ret = tach_os_file_id(temporary, &id);
	if (ret == 0 && is_same_file(&id, &stale->id)) {
		tach_os_unlink(temporary);
		return 0;
	}
	tach_os_exchange(temporary, path);
	return ret < 0 ? ret : -EEXIST;
}

/* A name beside path, for the time before anybody may find it. The caller frees it. */
static int make_temporary_name(const char *path, char **temporary)
{
	const char *slash = strrchr(path, '/');
	const int directory = slash ? (int)(slash + 1 - path) : 0;
	const size_t size = (size_t)directory + TEMPORARY_NAME_SIZE;
	char random[17];
	char *name;
	int ret;

	ret = tach_os_random_name(random);
	if (ret < 0)
		return ret;
	name = malloc(size);
	if (!name)
		return -ENOMEM;
	snprintf(name, size, "%.*s.t%.8s", directory, path, random);
	ret = tach_sock_check_address(name);
	if (ret < 0) {
		free(name);
		return refuse(path, ret, tachyon_strerror(ret));
	}
	*temporary = name;
	return 0;
}

/* Before it gets its final name: then it already listens, with its final mode. */
static int prepare_socket(struct tach_listener *listener, const char *temporary, mode_t perms)
{
	int ret;

	ret = tach_os_file_id(temporary, &listener->id);
	if (ret == 0)
		ret = tach_os_chmod(temporary, perms);
	if (ret == 0)
		ret = tach_sock_start_listening(listener->sock);
	return ret;
}

static int bind_and_place(struct tach_listener *listener, const char *temporary, mode_t perms,
			  const struct stale *stale)
{
	const char *path = listener->path;
	int ret;

	ret = listener->sock = tach_sock_bind(temporary);
	if (ret < 0)
		return ret;

	ret = prepare_socket(listener, temporary, perms);
	if (ret < 0)
		goto err_unlink;
	ret = stale->pin >= 0 ? place_over(temporary, path, stale) : place_new(temporary, path);
	if (ret < 0)
		goto err_unlink;
	return 0;

err_unlink:
	/* Not even looked at yet: nobody else knows the name. */
	if (!listener->id.is_socket)
		tach_os_unlink(temporary);
	unlink_own(temporary, &listener->id);
	tach_os_close(listener->sock);
	return ret == -EEXIST ? TACHYON_ERR_IN_USE : ret;
}

static int claim_path(struct tach_listener *listener, const char *temporary, mode_t perms)
{
	struct stale stale;
	int ret;

	ret = listener->lock = take_lock(listener->path);
	if (ret < 0)
		return ret;
	ret = find_stale(listener->path, &stale);
	if (ret < 0)
		goto err_unlock;
	ret = bind_and_place(listener, temporary, perms, &stale);
	tach_os_close(stale.pin);
	if (ret < 0) {
		refuse(listener->path, ret, tachyon_strerror(ret));
		goto err_unlock;
	}
	return 0;

err_unlock:
	tach_os_unlock_file(listener->lock);
	return ret;
}

static int open_path(struct tach_listener *listener, const char *path, mode_t perms)
{
	char *temporary;
	int ret;

	ret = make_temporary_name(path, &temporary);
	if (ret < 0)
		return ret;

	listener->path = strdup(path);
	ret = listener->path ? claim_path(listener, temporary, perms) : -ENOMEM;
	if (ret < 0)
		free(listener->path);
	free(temporary);
	return ret;
}

static int open_abstract(struct tach_listener *listener, const char *address)
{
	const int sock = tach_sock_listen(address);

	if (sock < 0)
		return refuse(address, sock, tachyon_strerror(sock));
	listener->sock = sock;
	return 0;
}

/* --- a listener's life --- */

int tach_listener_open(struct tach_listener *listener, const char *address, mode_t perms)
{
	struct tach_listener made = {.sock = -1, .lock = -1};
	int ret;

	ret = tach_sock_check_address(address);
	if (ret < 0)
		return refuse(address, ret, tachyon_strerror(ret));
	if (perms & ~(mode_t)0777)
		return refuse(address, -EINVAL, "perms are more than permission bits");
	ret = made.spare = tach_os_eventfd();
	if (ret < 0)
		return ret;

	if (tach_sock_is_abstract(address))
		ret = open_abstract(&made, address);
	else
		ret = open_path(&made, address, perms ? perms : DEFAULT_PERMS);
	if (ret < 0)
		goto err_close_spare;

	made.owner_token = tach_os_process_token();
	*listener = made;
	return 0;

err_close_spare:
	tach_os_close(made.spare);
	/* What a directory with the sticky bit says of another user's file. */
	return ret == -EPERM ? TACHYON_ERR_DENIED : ret;
}

int tach_listener_accept(struct tach_listener *listener)
{
	const int sock = tach_sock_accept(listener->sock);
	int dropped;

	if (sock != -EMFILE && sock != -ENFILE)
		return sock;

	/* The kernel says so before it looks whether anybody waits. */
	tach_os_close(listener->spare);
	dropped = tach_sock_accept(listener->sock);
	tach_os_close(dropped);
	listener->spare = tach_os_eventfd();
	if (dropped < 0)
		return dropped;
	tach_log(TACHYON_LOG_ERROR, "accept: %s: a connection was dropped", tachyon_strerror(sock));
	return sock;
}

static void give_up(struct tach_listener *listener)
{
	/* In this order: see unlink_own(). A copy in a forked child stops listening, too. */
	if (listener->path)
		unlink_own(listener->path, &listener->id);
	tach_sock_shutdown(listener->sock);
	tach_os_close(listener->sock);
	if (listener->lock >= 0)
		tach_os_unlock_file(listener->lock);
}

void tach_listener_close(struct tach_listener *listener)
{
	if (!listener || listener->owner_token == 0)
		return;

	if (listener->owner_token == tach_os_process_token()) {
		give_up(listener);
	} else {
		tach_os_close(listener->sock);
		tach_os_close(listener->lock);
	}
	tach_os_close(listener->spare);
	free(listener->path);
	*listener = (struct tach_listener){.sock = -1, .lock = -1, .spare = -1};
}

/* --- who may be at the other end --- */

static bool is_allowed(uid_t uid, const struct tach_peer_rule *rule)
{
	if (uid == OVERFLOW_UID || uid == (uid_t)-1)
		return false;
	if (uid == tach_os_effective_uid())
		return true;
	for (size_t i = 0; i < rule->uid_count; i++)
		if (rule->uids[i] == uid)
			return true;
	return false;
}

int tach_peer_check(int sock, const struct tach_peer_rule *rule)
{
	struct tach_peer peer;
	int ret;

	if (rule->allow_any)
		return 0;
	ret = tach_sock_peer(sock, &peer);
	if (ret < 0)
		return ret;
	if (is_allowed(peer.uid, rule))
		return 0;
	tach_log(TACHYON_LOG_WARNING, "process %d of user %u is refused", (int)peer.pid,
		 (unsigned int)peer.uid);
	return TACHYON_ERR_DENIED;
}
