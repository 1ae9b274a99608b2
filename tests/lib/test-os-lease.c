/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who uses what goes with a file, and which process is which.
 */
#include "os.h"
#include "system.h"

#include <sys/mman.h>
#include <sys/wait.h>

static int make_file(void)
{
	const int fd = tach_os_memfd("lease");

	CHECK(fd >= 0);
	return fd;
}

static int other_description(int fd)
{
	const int other = tach_os_duplicate_file(fd);

	CHECK(other >= 0);
	return other;
}

/* --- leases --- */

TEST(leasing_ends_only_when_nobody_leases)
{
	const int owner = make_file();
	const int one = other_description(owner);
	const int two = other_description(owner);

	CHECK_EQ(tach_os_lease(one), 0);
	CHECK_EQ(tach_os_lease(two), 0);
	CHECK_EQ(tach_os_end_leasing(owner), -EAGAIN);
	tach_os_end_lease(one);
	CHECK_EQ(tach_os_end_leasing(owner), -EAGAIN);
	/* Closed is as good as ended. */
	tach_os_close(two);
	CHECK_EQ(tach_os_end_leasing(owner), 0);
	CHECK_EQ(tach_os_lease(one), -EAGAIN);
	tach_os_close(owner);
	CHECK_EQ(tach_os_lease(one), 0);
	tach_os_close(one);
}

TEST(a_lease_leaves_other_locks_of_the_file_alone)
{
	const int one = make_file();
	const int two = other_description(one);

	CHECK_EQ(tach_os_lock(one), 0);
	CHECK_EQ(tach_os_lock_first_byte(one), 0);
	CHECK_EQ(tach_os_lease(two), 0);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	tach_os_end_lease(two);
	CHECK_EQ(tach_os_end_leasing(two), 0);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	tach_os_close(two);
	tach_os_close(one);
}

static int lease_and_wait(void *arg)
{
	CHECK_EQ(tach_os_lease(*(const int *)arg), 0);
	raise(SIGSTOP);
	return 1;
}

TEST(death_ends_a_lease)
{
	const int owner = make_file();
	int other = other_description(owner);
	const pid_t pid = run_child(lease_and_wait, &other);
	siginfo_t info;

	/* The child has the description to itself. */
	tach_os_close(other);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	CHECK_EQ(tach_os_end_leasing(owner), -EAGAIN);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	CHECK_EQ(tach_os_end_leasing(owner), 0);
	tach_os_close(owner);
}

TEST(what_is_no_descriptor_cannot_be_leased)
{
	CHECK_EQ(tach_os_lease(-1), -EBADF);
	CHECK_EQ(tach_os_end_leasing(-1), -EBADF);
	CHECK_EQ(tach_os_duplicate_file(-1), -EBADF);
}

TEST(a_description_needs_two_descriptors)
{
	const int fd = make_file();
	struct rlimit old = forbid_fds();

	CHECK_EQ(tach_os_duplicate_file(fd), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	old = limit_to(RLIMIT_NOFILE, (rlim_t)next_fd() + 1);
	CHECK_EQ(tach_os_duplicate_file(fd), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	tach_os_close(fd);
}

/* --- processes --- */

static int stop(void *arg)
{
	(void)arg;
	raise(SIGSTOP);
	return 0;
}

TEST(a_process_keeps_its_start_time_until_it_is_dead)
{
	const pid_t pid = run_child(stop, NULL);
	uint64_t own, first, again;
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	CHECK_EQ(tach_os_start_time(getpid(), &own), 0);
	CHECK_EQ(tach_os_start_time(pid, &first), 0);
	CHECK(first >= own);
	CHECK(own > 0);
	CHECK_EQ(tach_os_start_time(pid, &again), 0);
	CHECK_EQ(first, again);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	/* A zombie, whose number is still taken. */
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(tach_os_start_time(pid, &again), -ESRCH);
	CHECK_EQ(wait_child(pid), -SIGKILL);
	CHECK_EQ(tach_os_start_time(pid, &again), -ESRCH);
}

static int have_odd_name(void *arg)
{
	uint64_t *const start = arg;

	CHECK_EQ(prctl(PR_SET_NAME, ") Z 1 (", 0, 0, 0), 0);
	CHECK_EQ(tach_os_start_time(getpid(), start), 0);
	return 0;
}

TEST(a_name_with_parentheses_confuses_nobody)
{
	uint64_t *const start =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t own;

	CHECK(start != MAP_FAILED);
	CHECK_EQ(tach_os_start_time(getpid(), &own), 0);
	CHECK_EQ(wait_child(run_child(have_odd_name, start)), 0);
	CHECK(*start >= own);
	/* A second has a hundred ticks. */
	CHECK(*start < own + 100 * 60);
	CHECK_EQ(munmap(start, 4096), 0);
}
