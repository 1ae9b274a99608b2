/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * System calls about processes, and the count of all of them.
 */
#include "os.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tachyon/version.h>

#include "log.h"

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

int tach_os_fail(const char *call, int number)
{
	tach_log(TACHYON_LOG_ERROR, "%s: %s", call, tachyon_strerror(-number));
	return -number;
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

int tach_os_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
	return -pthread_atfork(before, in_parent, in_child);
}

uint32_t tach_os_thread_number(void)
{
	static _Atomic uint32_t numbers;
	static _Thread_local uint32_t own;

	/* It guards no memory: relaxed. After 2^31 threads they begin again. */
	while (own == 0)
		own = (atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed) + 1) &
		      INT32_MAX;
	return own;
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
