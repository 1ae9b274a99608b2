/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls that tell who still uses what a process keeps for others: a part of os.h.
 */
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Byte 0 is another lock's: tach_os_lock_first_byte(). */
#define LEASED_BYTE 1

/* In /proc/PID/stat, counted from the state, which follows the name: proc(5). */
#define STATE_TO_START_TIME 19

static int set_lease(int fd, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = LEASED_BYTE,
		.l_len = 1,
	};

	tach_os_count_call();
	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

int tach_os_lease(int fd)
{
	return set_lease(fd, F_RDLCK);
}

void tach_os_end_lease(int fd)
{
	const int ret = set_lease(fd, F_UNLCK);

	if (ret < 0)
		tach_os_fail("F_OFD_SETLK", -ret);
}

int tach_os_end_leasing(int fd)
{
	return set_lease(fd, F_WRLCK);
}

int tach_os_duplicate_file(int fd)
{
	int made, ret;

	tach_os_count_call();
	made = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (made < 0)
		return tach_os_fail("F_DUPFD_CLOEXEC", errno);
	ret = tach_os_reopen(made);
	if (ret == 0)
		return made;
	tach_os_close(made);
	return ret;
}

static int read_stat(pid_t pid, char *text, size_t size)
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		tach_os_count_call();
		fd = open(path, O_RDONLY | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : tach_os_fail("open /proc/PID/stat", errno);
	do {
		tach_os_count_call();
		got = read(fd, text, size - 1);
	} while (got < 0 && errno == EINTR);
	tach_os_close(fd);
	/* It ended while its file was open. */
	if (got <= 0)
		return -ESRCH;
	text[got] = '\0';
	return 0;
}

int tach_os_start_time(pid_t pid, uint64_t *ticks)
{
	char text[1024];
	const char *field;
	const int ret = read_stat(pid, text, sizeof(text));

	if (ret < 0)
		return ret;
	/* The name stands in parentheses, and may have some of its own. */
	field = strrchr(text, ')');
	if (!field || field[1] != ' ')
		return -ESRCH;
	field += 2;
	if (*field == 'Z' || *field == 'X')
		return -ESRCH;
	for (int i = 0; i < STATE_TO_START_TIME; i++) {
		field = strchr(field, ' ');
		if (!field)
			return -ESRCH;
		field++;
	}
	*ticks = strtoull(field, NULL, 10);
	return 0;
}
