/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls on memory files: creating, sealing, checking, mapping.
 */
#include "os.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "log.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/* On some kernels a signal makes fallocate() undo its work: steps shorter than a timer's tick. */
#define ALLOCATE_STEP ((size_t)2 << 20)

int tach_os_memfd(const char *name)
{
	int fd;

	/* Some systems forbid memory files that could be executed. Linux < 6.3: no such flag. */
	tach_os_count_call();
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) {
		tach_os_count_call();
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	}
	return fd < 0 ? tach_os_fail("memfd_create", errno) : fd;
}

/* Past the limit ftruncate() does not only fail, but raises SIGXFSZ. */
static bool is_over_file_size_limit(size_t size)
{
	struct rlimit limit;

	tach_os_count_call();
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       size > limit.rlim_cur;
}

/* A memory file has no limit of its own: past the machine's the OOM killer takes whom it likes. */
static bool is_over_memory(size_t size)
{
	struct sysinfo info;

	tach_os_count_call();
	return sysinfo(&info) == 0 &&
	       size / info.mem_unit > (uint64_t)info.totalram + info.totalswap;
}

static int set_size(int fd, size_t size)
{
	int ret;

	do {
		tach_os_count_call();
		ret = ftruncate(fd, (off_t)size);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static int allocate_step(int fd, size_t offset, size_t size)
{
	int ret;

	do {
		tach_os_count_call();
		ret = fallocate(fd, 0, (off_t)offset, (off_t)size);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

int tach_os_allocate(int fd, size_t size)
{
	int ret;

	if (size > INT64_MAX || is_over_file_size_limit(size))
		return tach_os_fail("ftruncate", EFBIG);

	ret = is_over_memory(size) ? -ENOMEM : set_size(fd, size);
	for (size_t offset = 0; ret == 0 && offset < size; offset += ALLOCATE_STEP) {
		const size_t rest = size - offset;

		ret = allocate_step(fd, offset, rest < ALLOCATE_STEP ? rest : ALLOCATE_STEP);
	}
	if (ret < 0)
		tach_log(TACHYON_LOG_ERROR, "allocating %zu bytes of shared memory: %s", size,
			 tachyon_strerror(ret));
	return ret;
}

int tach_os_seal(int fd)
{
	tach_os_count_call();
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0)
		return 0;
	if (errno != EINVAL)
		return tach_os_fail("F_ADD_SEALS", errno);
	tach_log(TACHYON_LOG_ERROR,
		 "F_ADD_SEALS: no F_SEAL_FUTURE_WRITE: needs Linux 5.1 or newer");
	return -ENOSYS;
}

int tach_os_file_facts(int fd, struct tach_file_facts *facts)
{
	struct stat status;
	int seals;

	/* The seals first: what they forbid can then not change any more what stat tells. */
	tach_os_count_call();
	seals = fcntl(fd, F_GET_SEALS);
	tach_os_count_call();
	if (fstat(fd, &status) < 0)
		return tach_os_fail("fstat", errno);

	*facts = (struct tach_file_facts){
		.is_regular = S_ISREG(status.st_mode),
		.is_fully_sealed = seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS,
		.is_fully_allocated =
			(uint64_t)status.st_blocks >= ((uint64_t)status.st_size + 511) / 512,
		.size = (uint64_t)status.st_size,
	};
	return 0;
}

static int map_at(void *address, size_t size, int protection, int flags, int fd, size_t offset,
		  void **base)
{
	void *mapped = NULL;

	tach_os_count_call();
	mapped = mmap(address, size, protection, flags, fd, (off_t)offset);
	if (mapped == MAP_FAILED) {
		/* EAGAIN is a limit on locked memory, not a "try again". */
		return tach_os_fail("mmap", errno == EAGAIN ? ENOMEM : errno);
	}
	*base = mapped;
	return 0;
}

/* Over the reservation at base: the file, and its end once more. */
static int map_mirrored(int fd, const struct tach_map_request *request, int protection, int flags,
			uint8_t *base)
{
	const size_t again = request->mirrored_size;
	void *mapped = NULL;
	int ret;

	ret = map_at(base, request->size, protection, flags | MAP_FIXED, fd, 0, &mapped);
	if (ret < 0)
		return ret;
	return map_at(base + request->size, again, protection, flags | MAP_FIXED, fd,
		      request->size - again, &mapped);
}

static int advise(void *base, size_t size, int advice, const char *name)
{
	tach_os_count_call();
	if (madvise(base, size, advice) == 0)
		return 0;
	/* EAGAIN: no memory to split a mapping, not a "try again". */
	return tach_os_fail(name, errno == EAGAIN ? ENOMEM : errno);
}

/*
 * MAP_POPULATE says nothing when it fails, and a stranger's file may have holes that st_blocks does
 * not show (blocks past the end count too). This asks again, and has every page there or an error;
 * afterwards the seals keep it there. Linux < 5.14 has no such question.
 */
static int check_populated(void *base, size_t size, bool is_writable)
{
	tach_os_count_call();
	if (madvise(base, size, is_writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0 ||
	    errno == EINVAL)
		return 0;
	/* EFAULT: a page cannot be had. Of a file of our own making that is for want of memory. */
	return tach_os_fail("MADV_POPULATE", errno == EFAULT && is_writable ? ENOMEM : errno);
}

int tach_os_map(int fd, const struct tach_map_request *request, void **base)
{
	const int protection = PROT_READ | (request->is_writable ? PROT_WRITE : 0);
	/* MAP_POPULATE would write to each page of a private mapping, and so copy it. */
	const int flags = request->is_private ? MAP_PRIVATE | MAP_NORESERVE
					      : MAP_SHARED | (request->prefault ? MAP_POPULATE : 0);
	const size_t total = request->size + request->mirrored_size;
	void *mapped = NULL;
	int ret;

	if (request->mirrored_size > request->size || total < request->size)
		return -EINVAL;

	if (request->mirrored_size == 0)
		ret = map_at(NULL, total, protection, flags, fd, 0, &mapped);
	else
		ret = map_at(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			     -1, 0, &mapped);
	if (ret < 0)
		return ret;

	if (request->mirrored_size > 0)
		ret = map_mirrored(fd, request, protection, flags, mapped);
	if (ret == 0 && request->dont_fork)
		ret = advise(mapped, total, MADV_DONTFORK, "MADV_DONTFORK");
	if (ret == 0 && request->prefault)
		ret = check_populated(mapped, total, request->is_writable && !request->is_private);
	if (ret < 0)
		goto err_unmap;

	*base = mapped;
	return 0;

err_unmap:
	tach_os_unmap(mapped, total);
	return ret;
}

void tach_os_unmap(void *base, size_t size)
{
	tach_os_count_call();
	if (munmap(base, size) < 0)
		tach_os_fail("munmap", errno);
}

int tach_os_pagemap(void)
{
	tach_os_count_call();
	return open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

static int forget(void *base, size_t size)
{
	tach_os_count_call();
	if (madvise(base, size, MADV_DONTNEED) == 0)
		return 0;
	/* Locked, by mlockall() maybe: then all of it was copied when it was mapped. */
	tach_os_count_call();
	if (errno == EINVAL && madvise(base, size, MADV_DONTNEED_LOCKED) == 0)
		return 0;
	/* Linux < 5.18 has no such advice. */
	tach_os_count_call();
	if (errno != EINVAL || munlock(base, size) < 0)
		return tach_os_fail("MADV_DONTNEED", errno == EAGAIN ? ENOMEM : errno);
	return advise(base, size, MADV_DONTNEED, "MADV_DONTNEED");
}

/*
 * An entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst in Linux): there, in
 * memory or swapped out, and not the file's page.
 */
static bool is_copy(uint64_t entry)
{
	const uint64_t present_or_swapped = 3ull << 62;
	const uint64_t file_or_shared = 1ull << 61;

	return (entry & present_or_swapped) && !(entry & file_or_shared);
}

static int forget_copies(const uint64_t *entries, size_t count, uint8_t *base)
{
	const size_t page = tach_os_page_size();

	for (size_t i = 0; i < count; i++) {
		const size_t first = i;
		int ret;

		while (i < count && is_copy(entries[i]))
			i++;
		if (i == first)
			continue;
		ret = forget(base + first * page, (i - first) * page);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int tach_os_forget_writes(int pagemap, void *base, size_t size)
{
	uint64_t entries[512];
	const size_t page = tach_os_page_size();
	uint8_t *at = base;

	while (size > 0) {
		const size_t pages = size / page;
		const size_t count =
			pages < TACH_ARRAY_SIZE(entries) ? pages : TACH_ARRAY_SIZE(entries);
		const size_t bytes = count * sizeof(entries[0]);
		int ret;

		tach_os_count_call();
		if (pread(pagemap, entries, bytes, (off_t)((uintptr_t)at / page * 8)) !=
		    (ssize_t)bytes)
			return forget(at, size);
		ret = forget_copies(entries, count, at);
		if (ret < 0)
			return ret;
		at += count * page;
		size -= count * page;
	}
	return 0;
}

int tach_os_map_private(int fd, uint64_t offset, size_t size, bool is_writable, void **base)
{
	const int protection = PROT_READ | (is_writable ? PROT_WRITE : 0);
	const int flags = MAP_PRIVATE | MAP_NORESERVE | (*base ? MAP_FIXED : 0);
	void *mapped = NULL;
	const int ret = map_at(*base, size, protection, flags, fd, (off_t)offset, &mapped);

	if (ret == 0)
		*base = mapped;
	return ret;
}

bool tach_os_has_writes(int pagemap, void *base, size_t size)
{
	uint64_t entries[512];
	const size_t page = tach_os_page_size();
	const size_t pages = size / page;
	const size_t first = (uintptr_t)base / page;

	for (size_t done = 0; done < pages; done += TACH_ARRAY_SIZE(entries)) {
		const size_t left = pages - done;
		const size_t count =
			left < TACH_ARRAY_SIZE(entries) ? left : TACH_ARRAY_SIZE(entries);
		const size_t bytes = count * sizeof(entries[0]);

		tach_os_count_call();
		if (pread(pagemap, entries, bytes, (off_t)((first + done) * sizeof(entries[0]))) !=
		    (ssize_t)bytes)
			return true;
		for (size_t i = 0; i < count; i++)
			if (is_copy(entries[i]))
				return true;
	}
	return false;
}

size_t tach_os_page_size(void)
{
	/* From the auxiliary vector: not a system call. */
	return (size_t)sysconf(_SC_PAGESIZE);
}
