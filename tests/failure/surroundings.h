/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of other surroundings share: namespaces, small file systems, forbidden calls. All
 * of it is for a forked child, and ends with that.
 */
#ifndef TACHYON_TESTS_SURROUNDINGS_H
#define TACHYON_TESTS_SURROUNDINGS_H

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "frames.h"
#include "system.h"

/* What a child exits with that was let do none of this. */
#define NOT_LET 77

static inline bool write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written = false;

	if (fd >= 0) {
		is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
		close(fd);
	}
	return is_written;
}

/* Who may not gets the right to in a namespace of users, under the same number. */
static inline bool enter_namespaces(int flags)
{
	const unsigned int uid = geteuid();
	const unsigned int gid = getegid();
	char users[64], groups[64];

	if (uid == 0 && unshare(flags) == 0)
		return true;
	if (unshare(flags | CLONE_NEWUSER) < 0)
		return false;
	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	return write_text("/proc/self/uid_map", users) &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/gid_map", groups);
}

/* A small file system of this process alone. */
static inline bool mount_small(const char *target, const char *options)
{
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", target, "tmpfs", 0, options) == 0;
}

/* Runs it in a child, and skips the test where that was not let. */
static inline void run_elsewhere(int (*run)(void *argument), void *argument)
{
	const int status = wait_child(run_child(run, argument));

	if (status == NOT_LET)
		SKIP("no namespaces of its own here, neither as this user nor with one of users");
	CHECK_EQ(status, 0);
}

/* From here on the call fails, whatever its arguments are. */
static inline bool forbid(long call, int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = 4, .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* What a process has open and mapped: the same before and after a call that failed. */
struct holding {
	int fds;
	int mappings;
};

static inline struct holding holding(void)
{
	return (struct holding){.fds = count_fds(), .mappings = count_memfd_mappings()};
}

static inline void check_holding(struct holding before)
{
	const struct holding now = holding();

	CHECK_EQ(now.fds, before.fds);
	CHECK_EQ(now.mappings, before.mappings);
}

/* One message each way. */
static inline void check_pair(struct pair *pair)
{
	CHECK_EQ(say(pair->left, "there"), 0);
	CHECK_STR_EQ(hear_within(pair->right, LONG_NS), "there");
	CHECK_EQ(say(pair->right, "back"), 0);
	CHECK_STR_EQ(hear_within(pair->left, LONG_NS), "back");
}

/* A bus within this process works, as does a publisher with a subscriber; and nothing is left. */
static inline void check_buses_and_frames(void)
{
	const struct holding before = holding();
	struct pair pair = make_pair(0);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;

	check_pair(&pair);
	close_pair(&pair);
	publisher = make_publisher(NULL);
	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, 10000, 1), 1);
	take_frame(subscriber, 10000, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
	check_holding(before);
}

#endif
