/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What each call may fail with, in practice: what its manual page says of limits, memory, files
 * that changed meanwhile and signals; ENOSYS and EPERM where an older kernel or a filter answers
 * so.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>

#define NUMBERS_MAX 8

struct row {
	const char *call;
	const char *argument; /* one of its arguments has this in it; NULL: any */
	int numbers[NUMBERS_MAX];
};

static const struct row rows[] = {
	{"accept4", NULL, {EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN, ECONNABORTED, EPERM}},
	{"bind", NULL, {ENOMEM, EACCES, ENOSPC, EROFS, EADDRINUSE}},
	{"closedir", NULL, {EIO}},
	{"close", NULL, {EINTR, EIO}},
	{"connect", NULL, {EINTR, EAGAIN, ENOMEM, ECONNREFUSED, ENOENT}},
	{"dup3", NULL, {EMFILE, EINTR}},
	{"epoll_create1", NULL, {EMFILE, ENFILE, ENOMEM}},
	{"epoll_ctl", "EPOLL_CTL_ADD", {ENOMEM, ENOSPC}},
	/* It does not fail for what is there. */
	{"epoll_ctl", "EPOLL_CTL_DEL", {0}},
	{"epoll_wait", NULL, {EINTR}},
	{"eventfd", NULL, {EMFILE, ENFILE, ENOMEM}},
	{"fallocate", NULL, {ENOSPC, ENOMEM, EINTR}},
	{"fchmod", NULL, {EPERM}},
	{"fchmodat", NULL, {EPERM, EACCES, EOPNOTSUPP, ENOMEM}},
	{"fcntl", "F_DUPFD", {EMFILE}},
	/* Not EBUSY: only where writing is sealed, too. */
	{"fcntl", "F_ADD_SEALS", {EINVAL, EPERM}},
	{"fcntl", "F_GET_SEALS", {EINVAL}},
	{"fcntl", "F_OFD_SETLKW", {EINTR, ENOLCK}},
	{"fcntl", "F_OFD_SETLK", {ENOLCK}},
	/* Giving back takes no memory. */
	{"flock", "LOCK_UN", {EINTR}},
	{"flock", NULL, {EWOULDBLOCK, EINTR, ENOLCK}},
	{"fstat", NULL, {ENOMEM}},
	{"fstatfs", NULL, {EIO, ENOSYS}},
	{"ftruncate", NULL, {EINTR, ENOSPC, ENOMEM, EPERM}},
	/* Of one's own file. Whoever mounts it anew, read-only, under it leaves nobody to tell. */
	{"futimens", NULL, {0}},
	{"getpeername", NULL, {ENOTCONN, ENOBUFS}},
	{"getrandom", NULL, {EINTR, ENOSYS, EPERM}},
	{"getrlimit", NULL, {EPERM}},
	{"getsockopt", NULL, {ENOPROTOOPT, EPERM, ENOMEM}},
	{"inotify_add_watch", NULL, {ENOSPC, ENOMEM, ENOENT}},
	{"inotify_init1", NULL, {EMFILE, ENFILE, ENOMEM}},
	{"ioctl", NULL, {EINVAL}},
	{"linkat", NULL, {EEXIST, ENOENT, ENOSPC, ENOMEM, EACCES}},
	{"listen", NULL, {ENOMEM}},
	{"lseek", NULL, {EINVAL}},
	{"lstat", NULL, {ENOMEM, EACCES, EIO}},
	{"madvise", "MADV_POPULATE", {EINVAL, ENOMEM, EFAULT}},
	{"madvise", NULL, {EINVAL, ENOMEM, EAGAIN}},
	{"memfd_create", NULL, {EINVAL, EMFILE, ENFILE, ENOMEM, ENOSYS, EACCES}},
	{"mmap", NULL, {ENOMEM, EAGAIN, ENFILE, EPERM}},
	{"munlock", NULL, {ENOMEM}},
	{"munmap", NULL, {ENOMEM}},
	{"open", "/proc", {EMFILE, ENFILE, ENOENT, EACCES}},
	{"open", NULL, {EMFILE, ENFILE, ENOMEM, EINTR, EACCES, ENOSPC}},
	{"opendir", NULL, {EMFILE, ENFILE, ENOMEM, ENOENT}},
	{"ppoll", NULL, {EINTR, ENOMEM}},
	{"pread", NULL, {EINTR, EIO}},
	{"pthread_atfork", NULL, {ENOMEM}},
	{"read", "text", {EINTR}},
	/* An eventfd: EAGAIN is true, or a lie. */
	{"read", "&count", {EINTR}},
	{"read", NULL, {EINTR, EIO, EAGAIN}},
	{"readdir", NULL, {EIO}},
	{"recvmmsg", NULL, {EINTR, ENOMEM, ENOSYS}},
	{"recvmsg", NULL, {EINTR, ENOMEM, ECONNRESET}},
	{"renameat2", NULL, {EINVAL, ENOSPC, EACCES, EROFS, EEXIST, ENOENT, ENOMEM}},
	{"sched_getaffinity", NULL, {EINVAL, EPERM}},
	/* Not EAGAIN: that is true, or a lie. */
	{"send", NULL, {EINTR, ENOBUFS, ENOMEM}},
	{"sendmsg", NULL, {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPIPE, ETOOMANYREFS}},
	{"shutdown", NULL, {ENOTCONN}},
	{"socket", NULL, {EMFILE, ENFILE, ENOMEM, ENOBUFS, EACCES}},
	{"socketpair", NULL, {EMFILE, ENFILE, ENOMEM}},
	{"syscall", "SYS_pidfd_open", {ENOSYS, EPERM, EMFILE, ENOMEM, ESRCH}},
	{"syscall", "SYS_membarrier", {ENOSYS, EPERM}},
	{"syscall", "SYS_futex_waitv", {ENOSYS, EPERM, EINTR, EAGAIN, ENOMEM}},
	{"syscall", "FUTEX_WAKE_OP", {ENOSYS, EPERM, EFAULT}},
	{"syscall", "FUTEX_WAIT", {EINTR, EAGAIN}},
	{"syscall", NULL, {EPERM}},
	{"sysinfo", NULL, {ENOSYS, EPERM}},
	{"unlink", NULL, {EACCES, ENOENT, EROFS, EIO}},
	{"write", NULL, {EAGAIN, EINTR, EIO}},
	/* Memory, under all its names. */
	{NULL, NULL, {ENOMEM}},
};

const int *inject_numbers(const struct site *site, size_t *count)
{
	const struct row *row = rows;

	while (row->call && (strcmp(row->call, site->call) != 0 ||
			     (row->argument && !strstr(site->arguments, row->argument))))
		row++;
	for (*count = 0; *count < NUMBERS_MAX && row->numbers[*count] != 0;)
		++*count;
	return row->numbers;
}

bool inject_is_for_good(const struct site *site, int number)
{
	return number == ENOSYS || number == EOPNOTSUPP ||
	       (number == EPERM && strcmp(site->call, "syscall") == 0);
}
