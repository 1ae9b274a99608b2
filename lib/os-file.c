/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on the files beside a socket path: the last part of os.h.
 */
#include "os.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static int open_regular(const char *path, mode_t mode)
{
	/* O_NONBLOCK: somebody's FIFO there must not hold us. */
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat status;
	int fd, ret;

	do {
		tach_os_count_call();
		fd = open(path, flags, mode);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;

	tach_os_count_call();
	ret = fstat(fd, &status) < 0 ? -errno : -EEXIST;
	if (ret == -EEXIST && S_ISREG(status.st_mode))
		return fd;
	tach_os_close(fd);
	return ret;
}

int tach_os_lock_file(const char *path, mode_t mode)
{
	const int fd = open_regular(path, mode);
	int ret;

	if (fd < 0) {
		tach_log(TACHYON_LOG_ERROR, "open %s: %s", path, tachyon_strerror(fd));
		return fd;
	}

	do {
		tach_os_count_call();
		ret = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	} while (ret == -EINTR);
	if (ret == 0)
		return fd;
	tach_os_close(fd);
	return ret;
}

void tach_os_unlock_file(int fd)
{
	tach_os_count_call();
	flock(fd, LOCK_UN);
	tach_os_close(fd);
}

static int rename_with(const char *from, const char *to, unsigned int flags)
{
	tach_os_count_call();
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) < 0 ? -errno : 0;
}

int tach_os_rename(const char *from, const char *to)
{
	return rename_with(from, to, 0);
}

int tach_os_rename_new(const char *from, const char *to)
{
	return rename_with(from, to, RENAME_NOREPLACE);
}

int tach_os_exchange(const char *one, const char *other)
{
	return rename_with(one, other, RENAME_EXCHANGE);
}

int tach_os_chmod(const char *path, mode_t mode)
{
	tach_os_count_call();
	return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int tach_os_unlink(const char *path)
{
	tach_os_count_call();
	return unlink(path) < 0 ? -errno : 0;
}

static struct tach_file_id make_id(const struct stat *status)
{
	return (struct tach_file_id){
		.device = status->st_dev,
		.inode = status->st_ino,
		.is_socket = S_ISSOCK(status->st_mode),
	};
}

int tach_os_file_id(const char *path, struct tach_file_id *id)
{
	struct stat status;

	tach_os_count_call();
	if (lstat(path, &status) < 0)
		return -errno;
	*id = make_id(&status);
	return 0;
}

int tach_os_pin_file(const char *path, struct tach_file_id *id)
{
	struct stat status;
	int fd, ret;

	do {
		tach_os_count_call();
		fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;

	tach_os_count_call();
	if (fstat(fd, &status) < 0) {
		ret = -errno;
		tach_os_close(fd);
		return ret;
	}
	*id = make_id(&status);
	return fd;
}

int tach_os_random(void *data, size_t size)
{
	ssize_t got;
	int ret;

	do {
		tach_os_count_call();
		got = getrandom(data, size, 0);
	} while (got < 0 && errno == EINTR);
	if (got == (ssize_t)size)
		return 0;
	ret = got < 0 ? -errno : -EIO;
	tach_log(TACHYON_LOG_ERROR, "getrandom: %s", tachyon_strerror(ret));
	return ret;
}

int tach_os_random_name(char name[17])
{
	uint64_t number;
	const int ret = tach_os_random(&number, sizeof(number));

	if (ret < 0)
		return ret;
	snprintf(name, 17, "%016llx", (unsigned long long)number);
	return 0;
}
