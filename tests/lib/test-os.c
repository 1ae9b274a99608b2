/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include "os.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <tachyon/version.h>

#include "system.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* A memory file of this many bytes, all of it there. */
static int make_file(size_t size)
{
	const int fd = tach_os_memfd("test");

	CHECK(fd >= 0);
	CHECK_EQ(tach_os_allocate(fd, size), 0);
	return fd;
}

static struct tach_file_facts facts_of(int fd)
{
	struct tach_file_facts facts;

	CHECK_EQ(tach_os_file_facts(fd, &facts), 0);
	return facts;
}

static uint8_t *map(int fd, struct tach_map_request request)
{
	void *base;

	CHECK_EQ(tach_os_map(fd, &request, &base), 0);
	return base;
}

/* --- memory files --- */

TEST(a_memory_file_is_cloexec_and_can_be_sealed)
{
	const int fd = tach_os_memfd("test");

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
	tach_os_close(fd);
}

TEST(without_a_free_fd_a_memory_file_is_emfile_and_the_log_says_why)
{
	const struct rlimit old = forbid_fds();

	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);
	CHECK_EQ(tach_os_memfd("test"), -EMFILE);
	CHECK_STR_EQ(last_line, "memfd_create: Too many open files");
	setrlimit(RLIMIT_NOFILE, &old);
}

TEST(an_allocated_file_is_all_there)
{
	const int fd = make_file((5 << 20) + 4096);
	const struct tach_file_facts facts = facts_of(fd);

	CHECK(facts.is_regular && facts.is_fully_allocated);
	CHECK_EQ(facts.size, (5 << 20) + 4096);
	tach_os_close(fd);
}

TEST(more_than_the_machine_has_is_enomem_at_once)
{
	const int fd = tach_os_memfd("test");

	CHECK_EQ(tach_os_allocate(fd, (size_t)1 << 52), -ENOMEM);
	CHECK_EQ(facts_of(fd).size, 0);
	tach_os_close(fd);
}

TEST(past_the_file_size_limit_is_efbig_and_no_signal)
{
	const int fd = tach_os_memfd("test");
	const struct rlimit old = limit_to(RLIMIT_FSIZE, 65536);

	CHECK_EQ(tach_os_allocate(fd, 65537), -EFBIG);
	CHECK_EQ(tach_os_allocate(fd, 65536), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	tach_os_close(fd);
}

static void ignore_signal(int number)
{
	(void)number;
}

static void tick_every(long microseconds)
{
	const struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	/* Without SA_RESTART: calls do return EINTR. */
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore_signal}, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

TEST(signals_that_keep_coming_do_not_keep_a_file_from_being_allocated)
{
	int fd;

	tick_every(500);
	fd = make_file(64 << 20);

	CHECK(facts_of(fd).is_fully_allocated);
	tick_every(0);
	tach_os_close(fd);
}

TEST(a_seal_cannot_be_added_twice)
{
	const int fd = make_file(4096);

	CHECK_EQ(tach_os_seal(fd), 0);
	CHECK(facts_of(fd).is_fully_sealed);
	CHECK_EQ(tach_os_seal(fd), -EPERM);
	tach_os_close(fd);
}

TEST(a_kernel_without_the_seals_is_enosys_and_the_log_says_why)
{
	const int fd = make_file(4096);

	if (!forbid_call(SYS_fcntl, 1, F_ADD_SEALS, EINVAL))
		SKIP("no seccomp");
	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);

	CHECK_EQ(tach_os_seal(fd), -ENOSYS);
	CHECK(strstr(last_line, "Linux 5.1"));
	tach_os_close(fd);
}

TEST(facts_tell_a_file_from_what_is_none)
{
	int pipe_ends[2];

	CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
	CHECK(!facts_of(pipe_ends[0]).is_regular);
	CHECK(!facts_of(pipe_ends[0]).is_fully_sealed);
	tach_os_close(pipe_ends[0]);
	tach_os_close(pipe_ends[1]);

	CHECK_EQ(tach_os_file_facts(pipe_ends[0], &(struct tach_file_facts){0}), -EBADF);
}

TEST(facts_find_a_hole)
{
	const int fd = tach_os_memfd("test");

	CHECK_EQ(ftruncate(fd, 8192), 0);
	CHECK_EQ(fallocate(fd, 0, 0, 4096), 0);

	CHECK(!facts_of(fd).is_fully_allocated);
	tach_os_close(fd);
}

/* --- mappings --- */

TEST(a_mirrored_map_shows_the_end_of_the_file_again)
{
	const size_t page = tach_os_page_size();
	const int fd = make_file(3 * page);
	uint8_t *base =
		map(fd, (struct tach_map_request){
				.size = 3 * page, .mirrored_size = 2 * page, .is_writable = true});

	base[page] = 11;
	base[3 * page - 1] = 22;
	base[4 * page] = 33;

	CHECK_EQ(base[3 * page], 11);
	CHECK_EQ(base[5 * page - 1], 22);
	CHECK_EQ(base[2 * page], 33);
	tach_os_unmap(base, 5 * page);
	tach_os_close(fd);
}

TEST(more_mirror_than_file_is_refused)
{
	const struct tach_map_request request = {.size = 4096, .mirrored_size = 8192};
	const struct tach_map_request huge = {.size = SIZE_MAX, .mirrored_size = 4096};
	void *base;

	CHECK_EQ(tach_os_map(-1, &request, &base), -EINVAL);
	CHECK_EQ(tach_os_map(-1, &huge, &base), -EINVAL);
}

TEST(a_mirrored_map_that_fails_half_way_leaves_nothing)
{
	const size_t page = tach_os_page_size();
	const struct tach_map_request request = {.size = page, .mirrored_size = page};
	void *before = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *base;

	munmap(before, 2 * page);
	CHECK_EQ(tach_os_map(-1, &request, &base), -EBADF);
	CHECK_EQ(madvise(before, 2 * page, MADV_NORMAL), -1);
	CHECK_EQ(errno, ENOMEM);
}

TEST(a_read_only_map_cannot_be_written)
{
	const int fd = make_file(4096);
	uint8_t *base = map(fd, (struct tach_map_request){.size = 4096});

	CHECK_EQ(read_in_child(base), 0);
	CHECK_EQ(write_in_child(base), -SIGSEGV);
	tach_os_unmap(base, 4096);
	tach_os_close(fd);
}

TEST(a_map_kept_from_children_is_not_in_them)
{
	const int fd = make_file(4096);
	const struct tach_map_request shared = {.size = 4096, .is_writable = true};
	const struct tach_map_request kept = {.size = 4096, .is_writable = true, .dont_fork = true};
	uint8_t *first = map(fd, shared);
	uint8_t *second = map(fd, kept);

	second[0] = 7;

	CHECK_EQ(read_in_child(first), 7);
	CHECK_EQ(read_in_child(second), -SIGSEGV);
	tach_os_unmap(first, 4096);
	tach_os_unmap(second, 4096);
	tach_os_close(fd);
}

TEST(prefault_fills_holes_that_the_block_count_hides)
{
	const int fd = tach_os_memfd("test");
	struct stat before, after;
	uint8_t *base;

	/* Eight pages of nothing, and eight past the end to make up for them. */
	CHECK_EQ(ftruncate(fd, 8 * 4096), 0);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * 4096, 8 * 4096), 0);
	CHECK(facts_of(fd).is_fully_allocated);
	CHECK_EQ(fstat(fd, &before), 0);

	base = map(fd, (struct tach_map_request){.size = 8 * 4096, .prefault = true});

	CHECK_EQ(fstat(fd, &after), 0);
	CHECK_EQ(after.st_blocks, before.st_blocks + 8 * 4096 / 512);
	tach_os_unmap(base, 8 * 4096);
	tach_os_close(fd);
}

TEST(a_kernel_that_cannot_be_asked_still_fills_holes)
{
	const int fd = tach_os_memfd("test");
	uint8_t *base;

	CHECK_EQ(ftruncate(fd, 8 * 4096), 0);
	if (!forbid_call(SYS_madvise, 2, MADV_POPULATE_READ, EINVAL))
		SKIP("no seccomp");

	base = map(fd, (struct tach_map_request){.size = 8 * 4096, .prefault = true});

	CHECK(facts_of(fd).is_fully_allocated);
	tach_os_unmap(base, 8 * 4096);
	tach_os_close(fd);
}

TEST(prefault_past_the_end_of_the_file_is_an_error)
{
	const int fd = make_file(4096);
	const struct tach_map_request request = {.size = 8192, .prefault = true};
	void *base;

	CHECK_EQ(tach_os_map(fd, &request, &base), -EFAULT);
	tach_os_close(fd);
}

TEST(a_limit_on_locked_memory_is_enomem_and_not_try_again)
{
	const int fd = make_file(1 << 20);
	const struct tach_map_request request = {.size = 1 << 20};
	void *base;

	/* What RLIMIT_MEMLOCK does to a process that locks its memory and is not root. */
	if (!forbid_call(SYS_mmap, 1, 1 << 20, EAGAIN))
		SKIP("no seccomp");

	CHECK_EQ(tach_os_map(fd, &request, &base), -ENOMEM);
	tach_os_close(fd);
}

/* --- processes --- */

TEST(a_process_has_one_token)
{
	const uint64_t token = tach_os_process_token();

	CHECK(token != 0);
	CHECK_EQ(tach_os_process_token(), token);
}

/* 0 when child, grandchild and parent differ from one another. */
static int compare_tokens(void *parent_token)
{
	const uint64_t token = tach_os_process_token();
	uint64_t ancestors = *(uint64_t *)parent_token;

	if (token == 0 || token == ancestors || tach_os_process_token() != token)
		return 1;
	if (fork() == 0)
		_exit(tach_os_process_token() == token || tach_os_process_token() == ancestors);
	return wait_child(-1);
}

TEST(forked_children_have_tokens_of_their_own)
{
	uint64_t token = tach_os_process_token();

	CHECK_EQ(wait_child(run_child(compare_tokens, &token)), 0);
	CHECK_EQ(tach_os_process_token(), token);
}

/* A child that never asked, and its child. */
static int fork_without_asking(void *parent_token)
{
	if (fork() == 0)
		_exit(tach_os_process_token() == *(uint64_t *)parent_token);
	return wait_child(-1);
}

TEST(a_grandchild_has_a_token_of_its_own_when_its_parent_never_asked)
{
	uint64_t token = tach_os_process_token();

	CHECK_EQ(wait_child(run_child(fork_without_asking, &token)), 0);
}

TEST(where_the_kernel_cannot_wipe_a_page_children_still_have_their_own_tokens)
{
	uint64_t token;

	if (!forbid_call(SYS_madvise, 2, MADV_WIPEONFORK, EINVAL))
		SKIP("no seccomp");
	token = tach_os_process_token();

	CHECK(token != 0);
	CHECK_EQ(wait_child(run_child(compare_tokens, &token)), 0);
}

#define ASKERS 8

static void *ask(void *token)
{
	*(uint64_t *)token = tach_os_process_token();
	return NULL;
}

static int ask_from_many_threads(void *unused)
{
	pthread_t threads[ASKERS];
	uint64_t tokens[ASKERS];

	(void)unused;
	for (int i = 0; i < ASKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask, &tokens[i]), 0);
	for (int i = 0; i < ASKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < ASKERS; i++)
		CHECK_EQ(tokens[i], tokens[0]);
	return tokens[0] == 0;
}

TEST(threads_that_ask_at_once_get_the_same_token)
{
	tach_os_process_token();
	for (int i = 0; i < 50; i++)
		CHECK_EQ(wait_child(run_child(ask_from_many_threads, NULL)), 0);
}

TEST(a_pidfd_tells_of_the_end_of_its_process)
{
	const pid_t pid = run_child(touch_byte, &(int){0});
	const int fd = tach_os_pidfd(pid);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, tach_os_deadline(5000000000)), 1);
	CHECK_EQ(wait_child(pid), 0);
	CHECK_EQ(tach_os_pidfd(pid), -ESRCH);
	tach_os_close(fd);
}

static int wait_for_close(void *pipe_ends)
{
	char byte;

	close(((int *)pipe_ends)[1]);
	return (int)read(((int *)pipe_ends)[0], &byte, 1);
}

/* The n-th CPU that we may run on, alone in a set. */
static bool pick_cpu(int n, cpu_set_t *one)
{
	cpu_set_t all;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || n-- > 0)
			continue;
		CPU_SET(cpu, one);
		return true;
	}
	return false;
}

TEST(two_processes_share_a_cpu_when_both_are_bound_to_it)
{
	cpu_set_t first, second;
	int pipe_ends[2];
	pid_t child;

	if (!pick_cpu(0, &first) || !pick_cpu(1, &second))
		SKIP("one CPU");
	CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
	child = run_child(wait_for_close, pipe_ends);

	CHECK(!tach_os_shares_one_cpu(child));
	CHECK_EQ(sched_setaffinity(0, sizeof(first), &first), 0);
	CHECK(!tach_os_shares_one_cpu(child));
	CHECK_EQ(sched_setaffinity(child, sizeof(second), &second), 0);
	CHECK(!tach_os_shares_one_cpu(child));
	CHECK_EQ(sched_setaffinity(child, sizeof(first), &first), 0);
	CHECK(tach_os_shares_one_cpu(child));
	CHECK(!tach_os_shares_one_cpu(0));

	close(pipe_ends[0]);
	close(pipe_ends[1]);
	CHECK_EQ(wait_child(child), 0);
	CHECK(!tach_os_shares_one_cpu(child));
}

/* --- order between processes --- */

TEST(membarrier_is_registered_once)
{
	uint64_t calls;

	if (!tach_os_membarrier_register())
		SKIP("no membarrier(GLOBAL_EXPEDITED) here");
	calls = tachyon_system_calls();

	CHECK(tach_os_membarrier_register());
	CHECK_EQ(tachyon_system_calls(), calls);
	CHECK_EQ(tach_os_membarrier(), 0);
	CHECK_EQ(tachyon_system_calls(), calls + 1);
}

static int count_registration(void *unused)
{
	const uint64_t calls = tachyon_system_calls();

	(void)unused;
	return tach_os_membarrier_register() && tachyon_system_calls() > calls ? 0 : 1;
}

TEST(a_forked_child_registers_for_membarrier_itself)
{
	if (!tach_os_membarrier_register())
		SKIP("no membarrier(GLOBAL_EXPEDITED) here");

	CHECK_EQ(wait_child(run_child(count_registration, NULL)), 0);
}

TEST(a_membarrier_that_may_be_registered_but_not_called_is_of_no_use)
{
	if (!forbid_call(SYS_membarrier, 0, MEMBARRIER_CMD_GLOBAL_EXPEDITED, EPERM))
		SKIP("no seccomp");

	CHECK_EQ(tach_os_membarrier(), -EPERM);
	CHECK(!tach_os_membarrier_register());
}
