/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Tests that test-harness.c runs, most of them to see them fail. Not run by themselves. */
#include "harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is open before a test is not the test's. */
TEST_SETUP
{
	open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(passes)
{
	CHECK(1 + 1 == 2);
}

TEST(fails_a_check)
{
	CHECK(1 + 1 == 3);
}

TEST(fails_an_equality)
{
	CHECK_EQ(-7, 0x2a);
}

TEST(fails_a_string_equality)
{
	CHECK_STR_EQ("one", NULL);
}

TEST(fails_a_memory_equality)
{
	CHECK_MEM_EQ("abc", "abd", 3);
}

static void *fail_in_thread(void *arg)
{
	CHECK(arg != NULL);
	return NULL;
}

TEST(fails_a_check_in_a_thread)
{
	pthread_t thread;

	pthread_create(&thread, NULL, fail_in_thread, NULL);
	pthread_join(thread, NULL);
	CHECK(1);
}

static int fail_in_child(void *arg)
{
	CHECK_EQ(*(int *)arg, 2);
	return 0;
}

TEST(fails_a_check_in_a_child)
{
	int three = 3;

	wait_child(run_child(fail_in_child, &three));
	CHECK(1);
}

TEST(asserts_nothing)
{
}

TEST(leaks_an_fd)
{
	CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
}

TEST(closes_a_foreign_fd)
{
	CHECK_EQ(close(STDIN_FILENO), 0);
}

static void map_a_memfd(void)
{
	const int fd = memfd_create("sample", MFD_CLOEXEC);

	CHECK_EQ(ftruncate(fd, 4096), 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

TEST(leaks_a_mapping)
{
	map_a_memfd();
}

/* Of the name that streams have; it tells who runs this sample, too. */
static const char *sample_path(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "/dev/shm/tachyon.0.%s.%s", test_name(), getenv("RUN_BY"));
	return path;
}

static int make_name(void)
{
	return open(sample_path(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
}

TEST(leaks_a_mapping_of_a_name)
{
	const int fd = make_name();

	CHECK_EQ(ftruncate(fd, 4096), 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(unlink(sample_path()), 0);
}

TEST(leaves_a_name)
{
	CHECK_EQ(close(make_name()), 0);
}

TEST(leaves_a_name_and_is_killed)
{
	CHECK_EQ(close(make_name()), 0);
	raise(SIGKILL);
}

TEST(leaves_a_name_and_skips)
{
	CHECK_EQ(close(make_name()), 0);
	SKIP("no such thing here");
}

static int sleep_long(void *arg)
{
	(void)arg;
	sleep(1000);
	return 0;
}

static int return_at_once(void *arg)
{
	return *(int *)arg;
}

static int leave_an_orphan(void *arg)
{
	return run_child(sleep_long, arg) < 0;
}

TEST(leaves_a_child)
{
	CHECK(run_child(sleep_long, NULL) > 0);
}

TEST(leaves_a_zombie)
{
	int zero = 0;
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)run_child(return_at_once, &zero), &info, WEXITED | WNOWAIT),
		 0);
}

TEST(leaves_an_orphan)
{
	CHECK_EQ(wait_child(run_child(leave_an_orphan, NULL)), 0);
}

TEST(leaves_a_file)
{
	const int fd = open("litter", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK_EQ(close(fd), 0);
}

TEST(leaves_a_lock_file)
{
	const int fd = open("socket.lock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK_EQ(close(fd), 0);
}

TEST_WITH_TIMEOUT(takes_too_long, 1)
{
	CHECK(1);
	run_child(sleep_long, NULL);
	sleep(1000);
}

TEST(takes_longer_than_the_environment_allows)
{
	CHECK(1);
	sleep(1000);
}

TEST(is_killed)
{
	CHECK(1);
	raise(SIGKILL);
}

TEST(exits)
{
	CHECK(1);
	exit(5);
}

TEST(skips)
{
	SKIP("no such thing here");
}

TEST(knows_how_its_children_ended)
{
	int five = 5;
	const pid_t killed = run_child(sleep_long, NULL);

	CHECK_EQ(wait_child(run_child(return_at_once, &five)), 5);
	CHECK_EQ(kill(killed, SIGKILL), 0);
	CHECK_EQ(wait_child(killed), -SIGKILL);
}

TEST(has_a_directory_of_its_own)
{
	char cwd[4096];

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK_STR_EQ(cwd, test_dir());
	CHECK_EQ(rmdir("."), -1);
}

TEST(prints_what_is_not_tap)
{
	CHECK(write(STDOUT_FILENO, "ok 99\n", 6) == 6);
}
