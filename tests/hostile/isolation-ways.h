/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ways that the kernel has to write what stands behind a descriptor or a mapping, each tried.
 */
#ifndef TACHYON_TESTS_ISOLATION_WAYS_H
#define TACHYON_TESTS_ISOLATION_WAYS_H

#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "isolation.h"

/* What the attacker was handed. */
struct loot {
	int fd;
	size_t size;
	uint8_t *mapping; /* as the library maps it: read-only */
	size_t mapped;
};

static uint8_t junk[4096];

/* --- ways to write; true: it worked --- */

static bool by_write(const struct loot *loot)
{
	struct iovec vector = {.iov_base = junk, .iov_len = sizeof(junk)};

	return write(loot->fd, junk, 64) > 0 || pwrite(loot->fd, junk, 64, 4096) > 0 ||
	       writev(loot->fd, &vector, 1) > 0 || pwritev(loot->fd, &vector, 1, 0) > 0 ||
	       pwritev2(loot->fd, &vector, 1, 0, RWF_APPEND) > 0;
}

static bool by_size(const struct loot *loot)
{
	return ftruncate(loot->fd, 0) == 0 || ftruncate(loot->fd, 1 << 30) == 0 ||
	       fallocate(loot->fd, 0, 0, (off_t)loot->size + 4096) == 0;
}

static bool by_holes(const struct loot *loot)
{
	static const int modes[] = {
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(modes); i++) {
		if (fallocate(loot->fd, modes[i], 0, 4096) == 0)
			return true;
	}
	return false;
}

static bool by_map(const struct loot *loot)
{
	static const int kinds[] = {MAP_SHARED, MAP_SHARED_VALIDATE, MAP_SHARED | MAP_POPULATE};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(kinds); i++) {
		if (mmap(NULL, loot->size, PROT_READ | PROT_WRITE, kinds[i], loot->fd, 0) !=
		    MAP_FAILED)
			return true;
		if (mmap(NULL, loot->size, PROT_WRITE, kinds[i], loot->fd, 0) != MAP_FAILED)
			return true;
	}
	return false;
}

/* A copy of one's own is anybody's right; that it stays one the victim's bytes tell. */
static bool by_private_map(const struct loot *loot)
{
	uint8_t *const data =
		mmap(NULL, loot->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, loot->fd, 0);

	if (data != MAP_FAILED) {
		memset(data, 0x66, loot->size);
		(void)msync(data, loot->size, MS_SYNC | MS_INVALIDATE);
		munmap(data, loot->size);
	}
	return false;
}

static bool by_protect(const struct loot *loot)
{
	void *const own = mmap(NULL, loot->size, PROT_READ, MAP_SHARED, loot->fd, 0);

	if (mprotect(loot->mapping, loot->mapped, PROT_READ | PROT_WRITE) == 0)
		return true;
	return own != MAP_FAILED && mprotect(own, loot->size, PROT_READ | PROT_WRITE) == 0;
}

static bool by_remap(const struct loot *loot)
{
	void *moved = mmap(NULL, loot->size, PROT_READ, MAP_SHARED, loot->fd, 0);
	void *doubled;

	/* With an old size of 0 a shared mapping is doubled. */
	doubled = mremap(loot->mapping, 0, 4096, MREMAP_MAYMOVE);
	if (doubled != MAP_FAILED && mprotect(doubled, 4096, PROT_READ | PROT_WRITE) == 0)
		return true;
	if (moved != MAP_FAILED)
		moved = mremap(moved, loot->size, 2 * loot->size, MREMAP_MAYMOVE);
	if (moved != MAP_FAILED && mprotect(moved, loot->size, PROT_READ | PROT_WRITE) == 0)
		return true;
	return syscall(SYS_remap_file_pages, loot->mapping, 4096, PROT_READ | PROT_WRITE, 1, 0) ==
	       0;
}

static bool can_write_through(int fd, size_t size)
{
	const struct loot again = {.fd = fd, .size = size};

	return by_write(&again) || by_size(&again) || by_holes(&again) || by_map(&again);
}

/* A memory file's mode lets anybody open it for writing: that must not help. */
static bool by_reopen(const struct loot *loot)
{
	static const int ways[] = {O_RDWR, O_WRONLY, O_RDWR | O_TRUNC, O_RDWR | O_APPEND,
				   O_RDWR | O_DIRECT};
	const int whole = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[64];

	for (size_t i = 0; i < TACH_ARRAY_SIZE(ways); i++) {
		int fd, found;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", loot->fd);
		fd = open(path, ways[i] | O_CLOEXEC);
		if (fd >= 0 && can_write_through(fd, loot->size))
			return true;
		tach_os_close(fd);
		/* By way of a descriptor that has no mode of its own. */
		found = open(path, O_PATH | O_CLOEXEC);
		snprintf(path, sizeof(path), "%d", found);
		fd = openat(whole, path, ways[i] | O_CLOEXEC);
		if (fd >= 0 && can_write_through(fd, loot->size))
			return true;
		tach_os_close(fd);
		tach_os_close(found);
	}
	tach_os_close(whole);
	return false;
}

static bool by_mode(const struct loot *loot)
{
	struct stat status;

	(void)fchmod(loot->fd, 0777);
	(void)!fchown(loot->fd, geteuid(), getegid());
	if (by_reopen(loot))
		return true;
	(void)fchmod(loot->fd, 0);
	return fstat(loot->fd, &status) < 0;
}

static bool by_seals(const struct loot *loot)
{
	return fcntl(loot->fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 ||
	       fcntl(loot->fd, F_ADD_SEALS, 0) == 0;
}

static bool by_flags(const struct loot *loot)
{
	(void)fcntl(loot->fd, F_SETFL, O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT);
	return by_write(loot) || by_map(loot);
}

static bool by_pipe(const struct loot *loot)
{
	struct iovec vector = {.iov_base = loot->mapping, .iov_len = 64};
	loff_t offset = 4096;
	bool worked;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	(void)!write(pipes[1], junk, 256);
	worked = splice(pipes[0], NULL, loot->fd, &offset, 64, SPLICE_F_NONBLOCK) > 0 ||
		 vmsplice(pipes[0], &vector, 1, 0) > 0 || read(pipes[0], loot->mapping, 64) > 0 ||
		 readv(pipes[0], &vector, 1) > 0;
	close(pipes[0]);
	close(pipes[1]);
	return worked;
}

/* Its own pages in a pipe are the segment's: what is written behind them must not go there. */
static bool by_pages_in_a_pipe(const struct loot *loot)
{
	struct iovec vector = {.iov_base = loot->mapping + 4096, .iov_len = 8};
	loff_t offset = 0;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	(void)vmsplice(pipes[1], &vector, 1, SPLICE_F_GIFT);
	(void)splice(loot->fd, &offset, pipes[1], NULL, 8, SPLICE_F_NONBLOCK);
	(void)!write(pipes[1], junk, 64);
	close(pipes[0]);
	close(pipes[1]);
	return false;
}

static bool by_copy(const struct loot *loot)
{
	const int source = memfd_create("junk", MFD_CLOEXEC);
	loff_t from = 0, to = 4096;
	off_t sent = 0;
	bool worked;

	(void)!write(source, junk, sizeof(junk));
	worked = copy_file_range(source, &from, loot->fd, &to, 64, 0) > 0 ||
		 sendfile(loot->fd, source, &sent, 64) > 0 || ioctl(loot->fd, FICLONE, source) == 0;
	close(source);
	return worked;
}

/* Those that succeed are about its own view of the pages. */
static bool by_advice(const struct loot *loot)
{
	static const int advices[] = {MADV_DONTNEED, MADV_FREE,	    MADV_COLD,
				      MADV_PAGEOUT,  MADV_DONTFORK, MADV_WIPEONFORK};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(advices); i++)
		(void)madvise(loot->mapping, loot->mapped, advices[i]);
	return madvise(loot->mapping, 4096, MADV_REMOVE) == 0;
}

static bool by_own_memory_file(const struct loot *loot)
{
	struct iovec local = {.iov_base = junk, .iov_len = 64};
	struct iovec remote = {.iov_base = loot->mapping, .iov_len = 64};
	const int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	bool worked = fd >= 0 && pwrite(fd, junk, 64, (off_t)(uintptr_t)loot->mapping) > 0;

	worked |= process_vm_writev(getpid(), &local, 1, &remote, 1, 0) > 0;
	tach_os_close(fd);
	return worked;
}

static bool by_page_faults(const struct loot *loot)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {
		.range = {.start = (uintptr_t)loot->mapping, .len = 4096},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* UFFD_USER_MODE_ONLY */);
	bool worked = false;

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0)
		worked = ioctl(fd, UFFDIO_REGISTER, &range) == 0;
	tach_os_close(fd);
	return worked;
}

static const struct {
	const char *what;
	bool (*attack)(const struct loot *loot);
} ways[] = {
	{"write", by_write},
	{"a change of size", by_size},
	{"holes", by_holes},
	{"a writable mapping", by_map},
	{"a private mapping", by_private_map},
	{"mprotect", by_protect},
	{"mremap", by_remap},
	{"another open", by_reopen},
	{"a change of mode", by_mode},
	{"seals", by_seals},
	{"file flags", by_flags},
	{"a pipe", by_pipe},
	{"its pages in a pipe", by_pages_in_a_pipe},
	{"a copy in the kernel", by_copy},
	{"madvise", by_advice},
	{"its own memory file", by_own_memory_file},
	{"userfaultfd", by_page_faults},
};

static void try_all(const struct loot *loot, const char *whose)
{
	memset(junk, 0x66, sizeof(junk));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(ways); i++) {
		test_count_check();
		if (ways[i].attack(loot))
			test_fail(__FILE__, __LINE__, "%s: %s worked", whose, ways[i].what);
	}
}

#endif
