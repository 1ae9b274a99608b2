/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls that are not about sockets.
 */
#include "os.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <tachyon/version.h>

#include "log.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/* On some kernels a signal makes fallocate() undo its work: steps shorter than a timer's tick. */
#define ALLOCATE_STEP ((size_t)2 << 20)

#define EPOLL_BATCH 64

static _Atomic uint64_t system_calls;

void tach_os_count_call(void)
{
	/* A statistic: it orders nothing. */
	atomic_fetch_add_explicit(&system_calls, 1, memory_order_relaxed);
}

uint64_t tachyon_system_calls(void)
{
	return atomic_load_explicit(&system_calls, memory_order_relaxed);
}

/* For failures that are nobody's ordinary answer. */
static int fail(const char *call, int number)
{
	tach_log(TACHYON_LOG_ERROR, "%s: %s", call, tachyon_strerror(-number));
	return -number;
}

/* --- memory files --- */

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
	return fd < 0 ? fail("memfd_create", errno) : fd;
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
		return fail("ftruncate", EFBIG);

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
		return fail("F_ADD_SEALS", errno);
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
		return fail("fstat", errno);

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
	void *mapped;

	tach_os_count_call();
	mapped = mmap(address, size, protection, flags, fd, (off_t)offset);
	if (mapped == MAP_FAILED) {
		/* EAGAIN is a limit on locked memory, not a "try again". */
		return fail("mmap", errno == EAGAIN ? ENOMEM : errno);
	}
	*base = mapped;
	return 0;
}

/* Over the reservation at base: the file, and its end once more. */
static int map_mirrored(int fd, const struct tach_map_request *request, int protection, int flags,
			uint8_t *base)
{
	const size_t again = request->mirrored_size;
	void *mapped;
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
	return madvise(base, size, advice) < 0 ? fail(name, errno) : 0;
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
	return fail("MADV_POPULATE", errno);
}

int tach_os_map(int fd, const struct tach_map_request *request, void **base)
{
	const int protection = PROT_READ | (request->is_writable ? PROT_WRITE : 0);
	const int flags = MAP_SHARED | (request->prefault ? MAP_POPULATE : 0);
	const size_t total = request->size + request->mirrored_size;
	void *mapped;
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
		ret = check_populated(mapped, total, request->is_writable);
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
		fail("munmap", errno);
}

size_t tach_os_page_size(void)
{
	/* From the auxiliary vector: not a system call. */
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* --- processes --- */

static pthread_once_t token_once = PTHREAD_ONCE_INIT;
/* Where the token stands: 0 in a child that did not ask yet. */
static _Atomic(_Atomic uint64_t *) token_word;
static _Atomic uint64_t token_fallback;
/* A child goes on from its parent's count, so it never meets a token of its ancestors again. */
static _Atomic uint64_t tokens_made;

static void forget_token(void)
{
	atomic_store_explicit(&token_fallback, 0, memory_order_relaxed);
}

static void make_token_word(void)
{
	const size_t size = tach_os_page_size();
	_Atomic uint64_t *word = &token_fallback;
	void *page;

	tach_os_count_call();
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED) {
		tach_os_count_call();
		if (madvise(page, size, MADV_WIPEONFORK) == 0)
			word = page;
		else
			tach_os_unmap(page, size);
	}
	/* Does not see a fork behind libc's back, but there is no better. */
	if (word == &token_fallback)
		pthread_atfork(NULL, NULL, forget_token);

	/* Pairs with the acquire in find_token_word(): the page stands before it is read. */
	atomic_store_explicit(&token_word, word, memory_order_release);
}

static uint64_t make_token(_Atomic uint64_t *word)
{
	const uint64_t made = atomic_fetch_add_explicit(&tokens_made, 1, memory_order_relaxed) + 1;
	uint64_t expected = 0;

	/*
	 * Of threads that ask at once the first decides. A token guards no other memory: relaxed.
	 */
	if (atomic_compare_exchange_strong_explicit(word, &expected, made, memory_order_relaxed,
						    memory_order_relaxed))
		return made;
	return expected;
}

static _Atomic uint64_t *find_token_word(void)
{
	/* Pairs with the release in make_token_word(). */
	_Atomic uint64_t *word = atomic_load_explicit(&token_word, memory_order_acquire);

	if (word)
		return word;
	pthread_once(&token_once, make_token_word);
	return atomic_load_explicit(&token_word, memory_order_acquire);
}

const _Atomic uint64_t *tach_os_token_word(void)
{
	return find_token_word();
}

uint64_t tach_os_process_token(void)
{
	_Atomic uint64_t *word = find_token_word();
	const uint64_t token = atomic_load_explicit(word, memory_order_relaxed);

	return token != 0 ? token : make_token(word);
}

uid_t tach_os_effective_uid(void)
{
	tach_os_count_call();
	return geteuid();
}

pid_t tach_os_pid(void)
{
	tach_os_count_call();
	return getpid();
}

int tach_os_pidfd(pid_t pid)
{
	int fd;

	tach_os_count_call();
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : fd;
}

bool tach_os_shares_one_cpu(pid_t peer)
{
	cpu_set_t ours, theirs;

	/* More CPUs than the set holds is EINVAL: surely not one. */
	tach_os_count_call();
	if (sched_getaffinity(0, sizeof(ours), &ours) < 0 || CPU_COUNT(&ours) != 1)
		return false;
	tach_os_count_call();
	return peer > 0 && sched_getaffinity(peer, sizeof(theirs), &theirs) == 0 &&
	       CPU_EQUAL(&ours, &theirs);
}

/* --- order between processes --- */

/* The process token of the last registration, twice, plus 1 if it succeeded. */
static _Atomic uint64_t registration;

static int membarrier(int command)
{
	tach_os_count_call();
	return syscall(SYS_membarrier, command, 0, 0) < 0 ? -errno : 0;
}

bool tach_os_membarrier_register(void)
{
	const uint64_t token = tach_os_process_token();
	uint64_t known = atomic_load_explicit(&registration, memory_order_relaxed);
	bool is_usable;

	/*
	 * A forked child inherits the registration on the kernels that were tried, but no document
	 * promises that: it registers for itself. Twice does no harm, so threads need no lock.
	 */
	if (known >> 1 == token)
		return known & 1;

	/* A filter may allow one command and not the other. */
	is_usable = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0 &&
		    tach_os_membarrier() == 0;
	known = token << 1 | is_usable;
	atomic_store_explicit(&registration, known, memory_order_relaxed);
	return is_usable;
}

int tach_os_membarrier(void)
{
	return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

/* --- time, events, waiting --- */

uint64_t tach_os_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * TACH_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t tach_os_deadline(int64_t timeout_ns)
{
	/* A clock below 2^63 plus a timeout below 2^63 stays below TACH_FOREVER. */
	return timeout_ns < 0 ? TACH_FOREVER : tach_os_now_ns() + (uint64_t)timeout_ns;
}

int tach_os_eventfd(void)
{
	int fd;

	tach_os_count_call();
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? fail("eventfd", errno) : fd;
}

void tach_os_event_set(int fd)
{
	const uint64_t one = 1;
	ssize_t written;

	/* A full counter is EAGAIN: it is set. */
	tach_os_count_call();
	written = write(fd, &one, sizeof(one));
	if (written < 0 && errno != EAGAIN)
		fail("write to an eventfd", errno);
}

void tach_os_event_clear(int fd)
{
	uint64_t count;
	ssize_t got;

	/* Not set is EAGAIN. */
	tach_os_count_call();
	got = read(fd, &count, sizeof(count));
	if (got < 0 && errno != EAGAIN)
		fail("read from an eventfd", errno);
}

static struct timespec time_left(uint64_t deadline_ns)
{
	const uint64_t now = tach_os_now_ns();
	const uint64_t left = deadline_ns > now ? deadline_ns - now : 0;

	return (struct timespec){
		.tv_sec = (time_t)(left / TACH_NS_PER_SEC),
		.tv_nsec = (long)(left % TACH_NS_PER_SEC),
	};
}

int tach_os_poll(struct pollfd *fds, size_t count, uint64_t deadline_ns)
{
	struct timespec timeout;
	int ready;

	if (deadline_ns != TACH_FOREVER)
		timeout = time_left(deadline_ns);
	tach_os_count_call();
	ready = ppoll(fds, count, deadline_ns == TACH_FOREVER ? NULL : &timeout, NULL);
	if (ready >= 0)
		return ready;
	if (errno != EINTR)
		return fail("ppoll", errno);

	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	return 0;
}

int tach_os_epoll(void)
{
	int fd;

	tach_os_count_call();
	fd = epoll_create1(EPOLL_CLOEXEC);
	return fd < 0 ? fail("epoll_create1", errno) : fd;
}

static int epoll_add(int epoll, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event event = {.events = events, .data.u64 = key};

	tach_os_count_call();
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? fail("epoll_ctl", errno) : 0;
}

int tach_os_epoll_add(int epoll, int fd, uint64_t key)
{
	return epoll_add(epoll, fd, EPOLLIN | EPOLLRDHUP, key);
}

int tach_os_epoll_add_hangup(int epoll, int fd, uint64_t key)
{
	return epoll_add(epoll, fd, EPOLLRDHUP, key);
}

void tach_os_epoll_remove(int epoll, int fd)
{
	struct epoll_event event = {0};

	tach_os_count_call();
	epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
}

int tach_os_epoll_poll(int epoll, struct tach_ready *ready, size_t count)
{
	struct epoll_event events[EPOLL_BATCH];
	const size_t most = count < EPOLL_BATCH ? count : EPOLL_BATCH;
	int got;

	if (count == 0)
		return 0;
	tach_os_count_call();
	got = epoll_wait(epoll, events, (int)most, 0);
	if (got < 0)
		return errno == EINTR ? 0 : fail("epoll_wait", errno);

	for (int i = 0; i < got; i++)
		ready[i] = (struct tach_ready){
			.key = events[i].data.u64,
			.is_readable = (events[i].events & EPOLLIN) != 0,
			.is_hung_up = (events[i].events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0,
		};
	return got;
}

void tach_os_close(int fd)
{
	const int saved_errno = errno;

	if (fd < 0)
		return;
	/* Never again after EINTR: on Linux the number is free by then, maybe another thread's. */
	tach_os_count_call();
	close(fd);
	errno = saved_errno;
}
