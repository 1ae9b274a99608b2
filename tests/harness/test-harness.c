/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Shows that each check of the harness can fail: runs single tests of harness-samples. */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	int status;
	char output[4096];
};

static void exec_sample(const char *sample)
{
	const char *const program = getenv("HARNESS_SAMPLES");

	if (!program) {
		fputs("HARNESS_SAMPLES is not set: the path of harness-samples\n", stderr);
		_exit(127);
	}
	execl(program, program, sample, NULL);
	_exit(127);
}

/* Runs as outside meson, so that the status tells of a skip. */
static struct run run_sample(const char *sample)
{
	struct run run = {0};
	size_t size = 0;
	ssize_t got;
	int pipe_fds[2];
	pid_t pid;

	CHECK_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[1], STDOUT_FILENO);
		unsetenv("MESON_TEST_ITERATION");
		setenv("RUN_BY", test_name(), 1);
		exec_sample(sample);
	}
	close(pipe_fds[1]);
	while ((got = read(pipe_fds[0], run.output + size, sizeof(run.output) - 1 - size)) > 0)
		size += (size_t)got;
	close(pipe_fds[0]);
	run.status = wait_child(pid);
	return run;
}

static void check_passes(const char *sample)
{
	const struct run run = run_sample(sample);
	char expected[128];

	snprintf(expected, sizeof(expected), "1..1\nok 1 - %s\n", sample);
	CHECK_STR_EQ(run.output, expected);
	CHECK_EQ(run.status, 0);
}

static void check_fails(const char *sample, const char *reason)
{
	const struct run run = run_sample(sample);
	char expected[128];

	snprintf(expected, sizeof(expected), "1..1\nnot ok 1 - %s\n# %s: ", sample, sample);
	if (strncmp(run.output, expected, strlen(expected)) != 0 || !strstr(run.output, reason))
		CHECK_STR_EQ(run.output, reason);
	CHECK_EQ(run.status, 1);
}

TEST(a_test_that_checks_and_cleans_up_passes)
{
	check_passes("passes");
}

TEST(a_failed_check_is_quoted_with_its_line)
{
	check_fails("fails_a_check", "harness-samples.c:");
	check_fails("fails_a_check", "CHECK(1 + 1 == 3)");
}

TEST(a_failed_equality_prints_both_values)
{
	check_fails("fails_an_equality", "CHECK_EQ(-7, 0x2a): -7 (0xfffffffffffffff9) is not 42");
}

TEST(a_failed_string_equality_prints_both_strings)
{
	check_fails("fails_a_string_equality", "\"one\" is not \"(null)\"");
}

TEST(a_failed_memory_equality_prints_the_first_different_byte)
{
	check_fails("fails_a_memory_equality", "byte 2 of 3: 0x63 is not 0x64");
}

TEST(a_check_that_fails_in_a_thread_fails_the_test)
{
	check_fails("fails_a_check_in_a_thread", "CHECK(arg != NULL)");
}

TEST(a_check_that_fails_in_a_child_fails_the_test)
{
	check_fails("fails_a_check_in_a_child", "3 (0x3) is not 2");
}

TEST(a_test_without_a_check_fails)
{
	check_fails("asserts_nothing", "asserts nothing");
}

TEST(an_fd_left_open_fails)
{
	check_fails("leaks_an_fd", ": /dev/null");
}

TEST(closing_an_fd_of_others_fails)
{
	check_fails("closes_a_foreign_fd", "closed fd 0");
}

TEST(a_mapping_left_behind_fails)
{
	check_fails("leaks_a_mapping", "left 1 shared mappings behind");
	check_fails("leaks_a_mapping_of_a_name", "left 1 shared mappings behind");
}

/* Of the samples that this test ran. */
static bool any_name_is_left(void)
{
	char pattern[256];
	DIR *const listing = opendir("/dev/shm");
	const struct dirent *entry;
	bool is_left = false;

	CHECK(listing);
	snprintf(pattern, sizeof(pattern), "tachyon.0.*.%s", test_name());
	while ((entry = readdir(listing)))
		is_left |= fnmatch(pattern, entry->d_name, 0) == 0;
	closedir(listing);
	return is_left;
}

TEST(a_name_left_in_shared_memory_fails_and_is_removed)
{
	check_fails("leaves_a_name", "left a name in shared memory: tachyon.0.");
	check_fails("leaves_a_name_and_is_killed", "killed by signal 9");
	CHECK_EQ(run_sample("leaves_a_name_and_skips").status, 77);
	CHECK(!any_name_is_left());
}

TEST(a_running_child_left_behind_fails)
{
	check_fails("leaves_a_child", "left a child process behind");
}

TEST(a_zombie_left_behind_fails)
{
	check_fails("leaves_a_zombie", "not waited for");
}

TEST(a_grandchild_left_behind_fails)
{
	check_fails("leaves_an_orphan", "left a child process behind");
}

TEST(a_file_left_behind_fails)
{
	check_fails("leaves_a_file", "left a file behind: litter");
}

TEST(a_lock_file_may_stay)
{
	check_passes("leaves_a_lock_file");
}

TEST(a_timeout_fails)
{
	check_fails("takes_too_long", "timed out after ");
}

TEST(the_environment_sets_the_timeout)
{
	setenv("TEST_TIMEOUT", "1", 1);

	check_fails("takes_longer_than_the_environment_allows", "timed out after 1 s");
}

TEST(a_signal_fails)
{
	check_fails("is_killed", "killed by signal 9 (Killed)");
}

TEST(leaving_by_exit_fails_with_any_other_status)
{
	check_fails("exits", "exited with status 5");
}

TEST(a_skip_says_why_and_exits_77_when_nothing_else_ran)
{
	const struct run run = run_sample("skips");

	CHECK_STR_EQ(run.output, "1..1\nok 1 - skips # SKIP no such thing here\n");
	CHECK_EQ(run.status, 77);
}

TEST(a_skip_among_others_exits_0)
{
	CHECK_EQ(run_sample("[ps]*s*").status, 0);
}

TEST(wait_child_tells_a_status_from_a_signal)
{
	check_passes("knows_how_its_children_ended");
}

TEST(a_test_works_in_a_directory_of_its_own)
{
	check_passes("has_a_directory_of_its_own");
}

TEST(what_a_test_prints_does_not_disturb_tap)
{
	check_passes("prints_what_is_not_tap");
}

TEST(a_name_that_fits_no_test_is_wrong_use)
{
	CHECK_EQ(run_sample("no_such_test").status, 2);
}

TEST(list_prints_each_name)
{
	const struct run run = run_sample("--list");

	CHECK_EQ(run.status, 0);
	CHECK_EQ(strncmp(run.output, "passes\nfails_a_check\n", 21), 0);
}
