/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on memory that is neither ours nor a segment: what stands behind a descriptor.
 */
#include "os.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h of older headers does not have it. */
#define DMA_BUF_MAGIC 0x444d4142

static int dmabuf_size(int fd, uint64_t *size)
{
	struct statfs system;
	off_t end;

	tach_os_count_call();
	if (fstatfs(fd, &system) < 0)
		return -errno;
	if (system.f_type != DMA_BUF_MAGIC)
		return -EBADMSG;
	tach_os_count_call();
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return -errno;
	*size = (uint64_t)end;
	return 0;
}

/* Only memory files, and no file with a name on a disk, have seals. */
static int memfd_size(int fd, uint64_t *size)
{
	struct stat status;
	int seals;

	/* The seals first: what they forbid can then not change any more what stat tells. */
	tach_os_count_call();
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EBADMSG;
	tach_os_count_call();
	if (fstat(fd, &status) < 0)
		return -errno;
	*size = (uint64_t)status.st_size;
	return S_ISREG(status.st_mode) ? 0 : -EBADMSG;
}

int tach_os_shared_size(int fd, uint64_t *size)
{
	return memfd_size(fd, size) == 0 ? 0 : dmabuf_size(fd, size);
}

int tach_os_duplicate(int fd)
{
	int copy;

	tach_os_count_call();
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : copy;
}
