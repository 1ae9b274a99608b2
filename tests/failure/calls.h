/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * In front of the sources that call the kernel: each call may be made to fail. See site.h.
 *
 * Not here is what cannot fail: geteuid(), getpid(), and clock_gettime() of a clock that there is.
 */
#ifndef TACHYON_TESTS_FAILURE_CALLS_H
#define TACHYON_TESTS_FAILURE_CALLS_H

/* All that is declared under these names, before they become macros. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "memory.h"

#define accept4(...) (SITE_FAILS("accept4", #__VA_ARGS__) ? -1 : accept4(__VA_ARGS__))
#define bind(...) (SITE_FAILS("bind", #__VA_ARGS__) ? -1 : bind(__VA_ARGS__))
#define connect(...) (SITE_FAILS("connect", #__VA_ARGS__) ? -1 : connect(__VA_ARGS__))
#define dup3(...) (SITE_FAILS("dup3", #__VA_ARGS__) ? -1 : dup3(__VA_ARGS__))
#define epoll_create1(...) \
	(SITE_FAILS("epoll_create1", #__VA_ARGS__) ? -1 : epoll_create1(__VA_ARGS__))
#define epoll_ctl(...) (SITE_FAILS("epoll_ctl", #__VA_ARGS__) ? -1 : epoll_ctl(__VA_ARGS__))
#define epoll_wait(...) (SITE_FAILS("epoll_wait", #__VA_ARGS__) ? -1 : epoll_wait(__VA_ARGS__))
#define eventfd(...) (SITE_FAILS("eventfd", #__VA_ARGS__) ? -1 : eventfd(__VA_ARGS__))
#define fallocate(...) (SITE_FAILS("fallocate", #__VA_ARGS__) ? -1 : fallocate(__VA_ARGS__))
#define fchmod(...) (SITE_FAILS("fchmod", #__VA_ARGS__) ? -1 : fchmod(__VA_ARGS__))
#define fchmodat(...) (SITE_FAILS("fchmodat", #__VA_ARGS__) ? -1 : fchmodat(__VA_ARGS__))
#define fcntl(...) (SITE_FAILS("fcntl", #__VA_ARGS__) ? -1 : fcntl(__VA_ARGS__))
#define flock(...) (SITE_FAILS("flock", #__VA_ARGS__) ? -1 : flock(__VA_ARGS__))
#define fstat(...) (SITE_FAILS("fstat", #__VA_ARGS__) ? -1 : fstat(__VA_ARGS__))
#define fstatfs(...) (SITE_FAILS("fstatfs", #__VA_ARGS__) ? -1 : fstatfs(__VA_ARGS__))
#define ftruncate(...) (SITE_FAILS("ftruncate", #__VA_ARGS__) ? -1 : ftruncate(__VA_ARGS__))
#define futimens(...) (SITE_FAILS("futimens", #__VA_ARGS__) ? -1 : futimens(__VA_ARGS__))
#define getpeername(...) (SITE_FAILS("getpeername", #__VA_ARGS__) ? -1 : getpeername(__VA_ARGS__))
#define getrandom(...) (SITE_FAILS("getrandom", #__VA_ARGS__) ? -1 : getrandom(__VA_ARGS__))
#define getrlimit(...) (SITE_FAILS("getrlimit", #__VA_ARGS__) ? -1 : getrlimit(__VA_ARGS__))
#define getsockopt(...) (SITE_FAILS("getsockopt", #__VA_ARGS__) ? -1 : getsockopt(__VA_ARGS__))
#define inotify_add_watch(...) \
	(SITE_FAILS("inotify_add_watch", #__VA_ARGS__) ? -1 : inotify_add_watch(__VA_ARGS__))
#define inotify_init1(...) \
	(SITE_FAILS("inotify_init1", #__VA_ARGS__) ? -1 : inotify_init1(__VA_ARGS__))
#define ioctl(...) (SITE_FAILS("ioctl", #__VA_ARGS__) ? -1 : ioctl(__VA_ARGS__))
#define linkat(...) (SITE_FAILS("linkat", #__VA_ARGS__) ? -1 : linkat(__VA_ARGS__))
#define listen(...) (SITE_FAILS("listen", #__VA_ARGS__) ? -1 : listen(__VA_ARGS__))
#define lseek(...) (SITE_FAILS("lseek", #__VA_ARGS__) ? -1 : lseek(__VA_ARGS__))
#define lstat(...) (SITE_FAILS("lstat", #__VA_ARGS__) ? -1 : lstat(__VA_ARGS__))
#define madvise(...) (SITE_FAILS("madvise", #__VA_ARGS__) ? -1 : madvise(__VA_ARGS__))
#define memfd_create(...) \
	(SITE_FAILS("memfd_create", #__VA_ARGS__) ? -1 : memfd_create(__VA_ARGS__))
#define munlock(...) (SITE_FAILS("munlock", #__VA_ARGS__) ? -1 : munlock(__VA_ARGS__))
#define open(...) (SITE_FAILS("open", #__VA_ARGS__) ? -1 : open(__VA_ARGS__))
#define ppoll(...) (SITE_FAILS("ppoll", #__VA_ARGS__) ? -1 : ppoll(__VA_ARGS__))
#define pread(...) (SITE_FAILS("pread", #__VA_ARGS__) ? -1 : pread(__VA_ARGS__))
#define pthread_atfork(...) \
	(SITE_FAILS("pthread_atfork", #__VA_ARGS__) ? ENOMEM : pthread_atfork(__VA_ARGS__))
#define read(...) (SITE_FAILS("read", #__VA_ARGS__) ? -1 : read(__VA_ARGS__))
#define recvmmsg(...) (SITE_FAILS("recvmmsg", #__VA_ARGS__) ? -1 : recvmmsg(__VA_ARGS__))
#define recvmsg(...) (SITE_FAILS("recvmsg", #__VA_ARGS__) ? -1 : recvmsg(__VA_ARGS__))
#define renameat2(...) (SITE_FAILS("renameat2", #__VA_ARGS__) ? -1 : renameat2(__VA_ARGS__))
#define sched_getaffinity(...) \
	(SITE_FAILS("sched_getaffinity", #__VA_ARGS__) ? -1 : sched_getaffinity(__VA_ARGS__))
#define send(...) (SITE_FAILS("send", #__VA_ARGS__) ? -1 : send(__VA_ARGS__))
#define sendmsg(...) (SITE_FAILS("sendmsg", #__VA_ARGS__) ? -1 : sendmsg(__VA_ARGS__))
#define shutdown(...) (SITE_FAILS("shutdown", #__VA_ARGS__) ? -1 : shutdown(__VA_ARGS__))
#define socket(...) (SITE_FAILS("socket", #__VA_ARGS__) ? -1 : socket(__VA_ARGS__))
#define socketpair(...) (SITE_FAILS("socketpair", #__VA_ARGS__) ? -1 : socketpair(__VA_ARGS__))
#define syscall(...) (SITE_FAILS("syscall", #__VA_ARGS__) ? -1 : syscall(__VA_ARGS__))
#define sysinfo(...) (SITE_FAILS("sysinfo", #__VA_ARGS__) ? -1 : sysinfo(__VA_ARGS__))
#define unlink(...) (SITE_FAILS("unlink", #__VA_ARGS__) ? -1 : unlink(__VA_ARGS__))
#define write(...) (SITE_FAILS("write", #__VA_ARGS__) ? -1 : write(__VA_ARGS__))
#define mmap(...) (SITE_FAILS("mmap", #__VA_ARGS__) ? MAP_FAILED : mmap(__VA_ARGS__))
#define opendir(...) (SITE_FAILS("opendir", #__VA_ARGS__) ? NULL : opendir(__VA_ARGS__))
#define readdir(...) (SITE_FAILS("readdir", #__VA_ARGS__) ? NULL : readdir(__VA_ARGS__))

/* These are made in any case: what would be left if they were not is the kernel's to say. */
#define close(...) site_after(close(__VA_ARGS__), SITE_FAILS("close", #__VA_ARGS__))
#define closedir(...) site_after(closedir(__VA_ARGS__), SITE_FAILS("closedir", #__VA_ARGS__))
#define munmap(...) site_after(munmap(__VA_ARGS__), SITE_FAILS("munmap", #__VA_ARGS__))

#endif
