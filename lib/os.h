/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls that are not about sockets. Every one in the library goes through here or sock.h,
 * so that a test can count them, and make each fail in turn by replacing two files.
 *
 * All return >= 0 or -errno, and retry EINTR unless said otherwise.
 */
#ifndef TACH_OS_H
#define TACH_OS_H

#include <poll.h>
#include <sys/types.h>

#include "base.h"

#define TACH_NS_PER_SEC 1000000000ull
#define TACH_FOREVER UINT64_MAX

/* Counts a call into the kernel; see tachyon_system_calls(). */
void tach_os_count_call(void);

/* One log line for a failure that is nobody's ordinary answer. Returns -number. */
int tach_os_fail(const char *call, int number);

/* --- memory files --- */

/* A sealable, CLOEXEC memfd. */
int tach_os_memfd(const char *name);
/*
 * Sets the size of a new file and allocates all of it: no later access can be SIGBUS.
 * -ENOSPC, -ENOMEM: not enough memory; more than the machine has is refused at once, since the
 * kernel would call the OOM killer. -EFBIG: over RLIMIT_FSIZE, without its SIGXFSZ.
 */
int tach_os_allocate(int fd, size_t size);
/*
 * Adds SHRINK, GROW, FUTURE_WRITE, SEAL: after the owner's mapping, before the fd leaves. -ENOSYS
 * where the kernel is older than Linux 5.1.
 */
int tach_os_seal(int fd);

/* What a peer's file truly is, read once. */
struct tach_file_facts {
	bool is_regular;
	bool is_fully_sealed;
	bool is_fully_allocated;
	uint64_t size;
};

int tach_os_file_facts(int fd, struct tach_file_facts *facts);

/*
 * Maps [0, size) of fd. mirrored_size > 0 maps the file's last mirrored_size bytes once more right
 * behind, so that base[size .. size + mirrored_size) shows them again. Writable, or read-only.
 *
 * prefault fills the page tables and has every page there, or fails: st_blocks alone can lie, since
 * blocks past the end count too. dont_fork keeps a writable ring out of a child's hands; in the
 * child the range is free for others, so it must not unmap it.
 */
struct tach_map_request {
	size_t size;
	size_t mirrored_size;
	bool is_writable;
	bool is_private; /* what is written stays in this mapping */
	bool prefault;
	bool dont_fork;
};

int tach_os_map(int fd, const struct tach_map_request *request, void **base);
/* size + mirrored_size of the request */
void tach_os_unmap(void *base, size_t size);

/* What tells the pages of our private mappings apart; -1 where there is no such thing. */
int tach_os_pagemap(void);
/* Whole pages of a private mapping of a file: they show the file again. 0, or a negative errno. */
int tach_os_forget_writes(int pagemap, void *base, size_t size);

/*
 * [offset, offset + size) of fd at *base, or where the kernel likes if that is NULL. What is
 * written there stays there; mapping it anew forgets it.
 */
int tach_os_map_private(int fd, uint64_t offset, size_t size, bool is_writable, void **base);
/* Whether a private mapping holds pages that were written; true where that cannot be told. */
bool tach_os_has_writes(int pagemap, void *base, size_t size);

size_t tach_os_page_size(void);

/* --- memory that somebody else made: os-descriptor.c --- */

/* Of a dma-buf, or of a memory file sealed against shrinking; -EBADMSG for anything else. */
int tach_os_shared_size(int fd, uint64_t *size);
/* Another number for the same description, CLOEXEC. */
int tach_os_duplicate(int fd);

/* --- processes --- */

/*
 * A number that tells a process from its forked children (a MADV_WIPEONFORK page tells): an object
 * keeps the token of its creation and compares. One load on the path. 0 never occurs.
 */
uint64_t tach_os_process_token(void);
/*
 * Where the token stands, for a path that cannot afford the call: another value there than the
 * object's means a forked child. The word stays for the process's life.
 */
const _Atomic uint64_t *tach_os_token_word(void);
/* pthread_atfork(3): for the process's life. */
int tach_os_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));
/* A number of this thread, not 0, below 2^31. No system call. */
uint32_t tach_os_thread_number(void);
uid_t tach_os_effective_uid(void);
pid_t tach_os_pid(void);
/* A pidfd, CLOEXEC; -ENOSYS or -ESRCH are ordinary answers. */
int tach_os_pidfd(pid_t pid);
/* True when the calling thread and the process may each run on one CPU only, and it is the same. */
bool tach_os_shares_one_cpu(pid_t peer);

/* --- order between processes --- */

/*
 * Registers this process for membarrier(GLOBAL_EXPEDITED), once, and tries it; true when it may be
 * used. A forked child registers for itself.
 */
bool tach_os_membarrier_register(void);
/* Every registered process's running threads pass a full barrier; 0 or -errno. */
int tach_os_membarrier(void);

/* --- time, events, waiting --- */

/* CLOCK_MONOTONIC (vDSO: not a system call). */
uint64_t tach_os_now_ns(void);
/* CLOCK_REALTIME, likewise. */
uint64_t tach_os_wall_ns(void);
/* now + timeout; a negative timeout is TACH_FOREVER. */
uint64_t tach_os_deadline(int64_t timeout_ns);

int tach_os_eventfd(void);
void tach_os_event_set(int fd);
void tach_os_event_clear(int fd);

/*
 * poll() until deadline_ns. Returns the number of ready entries, 0 at the deadline. EINTR returns 0
 * early with all revents 0: the caller looks at its condition again.
 */
int tach_os_poll(struct pollfd *fds, size_t count, uint64_t deadline_ns);

/* level-triggered input and hang-up; key comes back from tach_os_epoll_poll() */
int tach_os_epoll(void);
int tach_os_epoll_add(int epoll, int fd, uint64_t key);
/* hang-up only: what a peer sends there wakes nobody */
int tach_os_epoll_add_hangup(int epoll, int fd, uint64_t key);
void tach_os_epoll_remove(int epoll, int fd);

struct tach_ready {
	uint64_t key;
	bool is_readable;
	bool is_hung_up;
};

/* Never waits. Returns how many of at most count entries were filled. */
int tach_os_epoll_poll(int epoll, struct tach_ready *ready, size_t count);

/* fd < 0 is fine; errno is kept. */
void tach_os_close(int fd);

/* --- files beside a socket path --- */

/*
 * Opens or creates path (never truncated, no symlink) and takes a non-blocking flock. Returns the
 * fd; -EAGAIN when another holds it; -EEXIST or -ELOOP when what stands there is no regular file.
 *
 * A forked child shares the lock: it holds until the owner's tach_os_unlock_file(), or until the
 * last of them closed the fd.
 */
int tach_os_lock_file(const char *path, mode_t mode);
/* Unlocks for every process that shares the fd, and closes it here. */
void tach_os_unlock_file(int fd);
int tach_os_rename(const char *from, const char *to);
/* -EEXIST when to exists; -EINVAL where the file system cannot promise that. */
int tach_os_rename_new(const char *from, const char *to);
/* Both names change hands at once; -ENOENT, or -EINVAL where the file system cannot. */
int tach_os_exchange(const char *one, const char *other);
/* Never follows a symlink. */
int tach_os_chmod(const char *path, mode_t mode);
int tach_os_unlink(const char *path);

struct tach_file_id {
	uint64_t device;
	uint64_t inode;
	bool is_socket;
};

/* lstat */
int tach_os_file_id(const char *path, struct tach_file_id *id);
/*
 * The same, and an fd that can do nothing but keep the inode's number from being used again, as it
 * is at once when a file is replaced. Never follows a symlink, opens nothing, needs no permission.
 */
int tach_os_pin_file(const char *path, struct tach_file_id *id);

/* --- files with a name in shared memory: os-name.c --- */

/* A new file without a name yet, mode 0600. -EOPNOTSUPP, -EISDIR where there is no such thing. */
int tach_os_unnamed_file(const char *directory);
/* Whether a file is on a tmpfs. */
bool tach_os_is_in_memory(int fd);
/* Gives it one; -EEXIST when something stands there. */
int tach_os_name_file(int fd, const char *path);
/* For reading and writing; never follows a symlink (-ELOOP), never waits. */
int tach_os_open_file(const char *path);

struct tach_named_facts {
	bool is_regular;
	bool is_fully_allocated;
	uid_t owner;
	uint64_t size;
	uint64_t names; /* links */
	uint64_t device;
	uint64_t inode;
};

int tach_os_named_facts(int fd, struct tach_named_facts *facts);
/* Of what stands at a path; never follows a symlink. */
int tach_os_path_facts(const char *path, struct tach_named_facts *facts);
/* All of size bytes from the beginning, or -EBADMSG. */
int tach_os_read_at_once(int fd, void *data, size_t size);

/*
 * flock(2), exclusive, of the fd's open file description. -EAGAIN: another has it. It is held as
 * long as there is a descriptor, or a mapping, of the description, in any process: so nothing is
 * mapped from one that is locked, and a forked child replaces its own.
 */
int tach_os_lock(int fd);
int tach_os_unlock(int fd);
/* Another description of the same file, also of one without a name. */
int tach_os_open_again(int fd);
/* The same, under the number of the old one. */
int tach_os_reopen(int fd);
/* Another lock on the same file (OFD, byte 0), which waits; it goes with the description. */
int tach_os_lock_first_byte(int fd);

/* A pollable fd that becomes readable at each tach_os_touch() of the same file, by anyone. */
int tach_os_watch(int fd);
void tach_os_watch_clear(int watch);
void tach_os_touch(int fd);

/* Calls each(name, data) for what is in a directory until it returns non-zero; that, or -errno. */
int tach_os_list(const char *directory, int (*each)(const char *name, void *data), void *data);

/* --- who uses what a process keeps for others: os-lease.c --- */

/*
 * From here on this description says, as others of the same file may, that it uses what goes with
 * the file (OFD lock, byte 1), until tach_os_end_lease() or the last descriptor of it is closed.
 * -EAGAIN: that has ended.
 */
int tach_os_lease(int fd);
void tach_os_end_lease(int fd);
/* 0: no other description says so, and from now on, until fd is closed, none can. -EAGAIN. */
int tach_os_end_leasing(int fd);
/* The same file by a description of its own. */
int tach_os_duplicate_file(int fd);
/* When a process began, in ticks since the machine did; -ESRCH when it is gone, or a zombie. */
int tach_os_start_time(pid_t pid, uint64_t *ticks);

/* --- waiting on a word: os-futex.c --- */

/*
 * Sleeps while *word (in memory that processes share) is expected and *cancel (private) is 0;
 * either may end early for no reason. 0, -ETIMEDOUT, or -EINTR when a signal handler ran.
 */
int tach_os_futex_sleep(const _Atomic uint32_t *word, uint32_t expected,
			const _Atomic uint32_t *cancel, uint64_t deadline_ns);
/* Wakes at most count of those that sleep on a shared word. */
void tach_os_futex_wake(const _Atomic uint32_t *word, int count);
/*
 * Adds to a shared word, and wakes all who sleep on it; -2048 .. 2047 in one system call, so that
 * nobody dies between the two.
 */
void tach_os_futex_add_and_wake(_Atomic uint32_t *word, int addend);
/* Wakes those that sleep on a private word. */
void tach_os_futex_wake_own(const _Atomic uint32_t *word, int count);

/* size bytes of getrandom(). */
int tach_os_random(void *data, size_t size);
/* 16 hex digits of getrandom(), NUL-terminated, for a temporary name. */
int tach_os_random_name(char name[17]);

#endif
