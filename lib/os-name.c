/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on files that have a name in shared memory: a part of os.h.
 */
#include "os.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* "/proc/self/fd/" and a number */
#define FD_PATH_SIZE 32

static const char *fd_path(char path[FD_PATH_SIZE], int fd)
{
	snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return path;
}

/* Of a path in /proc that stands for an open file: it is missing only where /proc is. */
static int without_proc(int number)
{
	return number == ENOENT ? ENOSYS : number;
}

static int open_with(const char *path, int flags)
{
	int fd;

	do {
		tach_os_count_call();
		fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int tach_os_unnamed_file(const char *directory)
{
	const int fd = open_with(directory, O_TMPFILE);
	int ret;

	if (fd < 0)
		return fd;
	/* A umask may have taken what we need ourselves. */
	tach_os_count_call();
	if (fchmod(fd, 0600) == 0)
		return fd;
	ret = tach_os_fail("fchmod", errno);
	tach_os_close(fd);
	return ret;
}

int tach_os_name_file(int fd, const char *path)
{
	char from[FD_PATH_SIZE];

	/* AT_EMPTY_PATH would need a capability. */
	tach_os_count_call();
	if (linkat(AT_FDCWD, fd_path(from, fd), AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* The directory was there when the file was made. */
	return -without_proc(errno);
}

int tach_os_open_file(const char *path)
{
	/* O_NONBLOCK: somebody's FIFO there must not hold us. */
	return open_with(path, O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

bool tach_os_is_in_memory(int fd)
{
	struct statfs system;

	tach_os_count_call();
	return fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

static void fill_facts(struct tach_named_facts *facts, const struct stat *status)
{
	*facts = (struct tach_named_facts){
		.is_regular = S_ISREG(status->st_mode),
		.is_fully_allocated =
			(uint64_t)status->st_blocks * 512 >= (uint64_t)status->st_size,
		.owner = status->st_uid,
		.size = (uint64_t)status->st_size,
		.names = status->st_nlink,
		.device = status->st_dev,
		.inode = status->st_ino,
	};
}

int tach_os_named_facts(int fd, struct tach_named_facts *facts)
{
	struct stat status;

	tach_os_count_call();
	if (fstat(fd, &status) < 0)
		return tach_os_fail("fstat", errno);
	fill_facts(facts, &status);
	return 0;
}

int tach_os_path_facts(const char *path, struct tach_named_facts *facts)
{
	struct stat status;

	tach_os_count_call();
	if (lstat(path, &status) < 0)
		return -errno;
	fill_facts(facts, &status);
	return 0;
}

int tach_os_read_at_once(int fd, void *data, size_t size)
{
	ssize_t got;

	do {
		tach_os_count_call();
		got = pread(fd, data, size, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return tach_os_fail("pread", errno);
	return (size_t)got == size ? 0 : -EBADMSG;
}

int tach_os_lock(int fd)
{
	int ret;

	do {
		tach_os_count_call();
		ret = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	return ret;
}

int tach_os_unlock(int fd)
{
	int ret;

	do {
		tach_os_count_call();
		ret = flock(fd, LOCK_UN) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	return ret < 0 ? tach_os_fail("flock", -ret) : 0;
}

int tach_os_open_again(int fd)
{
	char path[FD_PATH_SIZE];
	const int made = open_with(fd_path(path, fd), 0);

	return made < 0 ? -without_proc(-made) : made;
}

int tach_os_reopen(int fd)
{
	const int made = tach_os_open_again(fd);
	int ret;

	if (made < 0)
		return made;
	do {
		tach_os_count_call();
		ret = dup3(made, fd, O_CLOEXEC) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	tach_os_close(made);
	return ret;
}

int tach_os_lock_first_byte(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	int ret;

	do {
		tach_os_count_call();
		ret = fcntl(fd, F_OFD_SETLKW, &lock);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? tach_os_fail("F_OFD_SETLKW", errno) : 0;
}

int tach_os_watch(int fd)
{
	char path[FD_PATH_SIZE];
	int watch, ret;

	tach_os_count_call();
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch < 0)
		return tach_os_fail("inotify_init1", errno);
	tach_os_count_call();
	if (inotify_add_watch(watch, fd_path(path, fd), IN_ATTRIB) >= 0)
		return watch;
	ret = tach_os_fail("inotify_add_watch", without_proc(errno));
	tach_os_close(watch);
	return ret;
}

void tach_os_watch_clear(int watch)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t got;

	/* Equal events are one; what is left makes the fd readable again. Not set is EAGAIN. */
	tach_os_count_call();
	got = read(watch, events, sizeof(events));
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		tach_os_fail("read from inotify", errno);
}

void tach_os_touch(int fd)
{
	tach_os_count_call();
	if (futimens(fd, NULL) < 0)
		tach_os_fail("futimens", errno);
}

int tach_os_list(const char *directory, int (*each)(const char *name, void *data), void *data)
{
	const struct dirent *entry = NULL;
	DIR *listing;
	int ret = 0;

	tach_os_count_call();
	listing = opendir(directory);
	if (!listing)
		return -errno;
	while (ret == 0) {
		/* NULL is the end, or, where it sets errno, a failure. */
		errno = 0;
		entry = readdir(listing);
		if (!entry)
			break;
		ret = each(entry->d_name, data);
	}
	if (!entry)
		ret = -errno;
	tach_os_count_call();
	closedir(listing);
	return ret;
}
