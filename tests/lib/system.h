/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of the lowest layers share: limits, forbidden system calls, log lines, children.
 */
#ifndef TACHYON_TESTS_SYSTEM_H
#define TACHYON_TESTS_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tachyon/log.h>

#include "harness.h"

/* Nobody in particular, and not the overflow uid. */
#define OTHER_UID 12345u

/* --- log lines --- */

__attribute__((unused)) static char last_line[512];

__attribute__((unused)) static void keep_line(enum tachyon_log_level level, const char *line,
					      void *data)
{
	(void)level;
	(void)data;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

/* --- limits --- */

/* The number the next fd will get: how many are open, as long as nobody leaves holes. */
static inline int next_fd(void)
{
	const int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	close(fd);
	return fd;
}

/* The old limit, for setrlimit() afterwards. */
static inline struct rlimit limit_to(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit old;
	struct rlimit limit;

	getrlimit(resource, &old);
	limit = (struct rlimit){.rlim_cur = most, .rlim_max = old.rlim_max};
	setrlimit(resource, &limit);
	return old;
}

/* From here on, no new fd. */
static inline struct rlimit forbid_fds(void)
{
	return limit_to(RLIMIT_NOFILE, (rlim_t)next_fd());
}

/* --- system calls that fail --- */

/* From here on, in this process: `call` fails when its argument of this index has this value. */
static inline bool forbid_call(long call, unsigned int index, unsigned int value, int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (unsigned int)(offsetof(struct seccomp_data, args) + 8 * index)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = 6, .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* --- children --- */

static inline int touch_byte(void *address)
{
	*(volatile unsigned char *)address = 1;
	return 0;
}

static inline int read_byte(void *address)
{
	return *(volatile unsigned char *)address;
}

/* A sanitizer would turn the signal into a report. */
struct access {
	int (*try)(void *address);
	void *address;
};

static inline int run_access(void *argument)
{
	const struct access *access = argument;

	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return access->try(access->address);
}

/* What reading, or writing, one byte comes to in a forked child: the byte, 0, or -SIGSEGV. */
static inline int read_in_child(void *address)
{
	return wait_child(run_child(run_access, &(struct access){read_byte, address}));
}

static inline int write_in_child(void *address)
{
	return wait_child(run_child(run_access, &(struct access){touch_byte, address}));
}

/* --- a thread that sleeps --- */

/* Until a thread (a process's first, by its pid) has nothing to do but to wait. */
static inline void wait_until_asleep(pid_t thread)
{
	char path[64];
	char line[512];
	const char *state;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)thread);
	do {
		usleep(1000);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		got = read(fd, line, sizeof(line) - 1);
		close(fd);
		CHECK(got > 0);
		line[got] = '\0';
		state = strrchr(line, ')');
		CHECK(state);
	} while (state[2] != 'S');
}

#endif
