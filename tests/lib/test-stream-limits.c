/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a machine may lack: memory, descriptors, a shared memory file system, the right user.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "stream-setup.h"

#define CANNOT_MOUNT 77

/* --- another /dev/shm --- */

struct mount_plan {
	const char *source;
	const char *target;
	const char *type;
	unsigned long flags;
	const char *options;
	void (*check)(void);
};

/* In a mount namespace of this process alone. */
static int mount_and_check(void *arg)
{
	const struct mount_plan *const plan = arg;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(plan->source, plan->target, plan->type, plan->flags, plan->options) < 0)
		return CANNOT_MOUNT;
	plan->check();
	return 0;
}

static void run_mounted(struct mount_plan plan)
{
	const int status = wait_child(run_child(mount_and_check, &plan));

	if (status == CANNOT_MOUNT)
		SKIP("cannot mount in a namespace of its own: run it as root");
	CHECK_EQ(status, 0);
}

static int create_of(const char *what, uint64_t bytes, struct tachyon_stream **stream)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 8, bytes);

	return tachyon_stream_create(name_of(what), &array, NULL, stream);
}

static uint64_t free_blocks(void)
{
	struct statvfs status;

	CHECK_EQ(statvfs("/dev/shm", &status), 0);
	return status.f_bfree;
}

static int count_name(const char *name, void *data)
{
	(void)name;
	++*(unsigned int *)data;
	return 0;
}

static unsigned int count_names(void)
{
	unsigned int count = 0;

	CHECK_EQ(tachyon_stream_list(count_name, &count), 0);
	return count;
}

static void fill_a_tiny_one(void)
{
	struct tachyon_stream *none = NULL;
	struct tachyon_stream *stream;
	const uint64_t before = free_blocks();
	const int fds = next_fd();

	CHECK_EQ(create_of("big", 1 << 20, &none), -ENOSPC);
	CHECK(!none);
	CHECK_EQ(next_fd(), fds);
	CHECK_EQ(free_blocks(), before);
	CHECK_EQ(count_names(), 0);
	/* Four values of 30 KiB fit, and then no more of them. */
	CHECK_EQ(create_of("a", 30 << 10, &stream), 0);
	CHECK_EQ(create_of("b", 30 << 10, &none), -ENOSPC);
	CHECK_EQ(count_names(), 1);
	tachyon_stream_destroy(stream);
	CHECK(free_blocks() < before);
	remove_stream("a");
	CHECK_EQ(free_blocks(), before);
}

TEST(a_value_that_does_not_fit_is_refused_and_nothing_is_left)
{
	run_mounted(
		(struct mount_plan){"tmpfs", "/dev/shm", "tmpfs", 0, "size=192k", fill_a_tiny_one});
}

static void run_out_of_inodes(void)
{
	struct tachyon_stream *streams[8];
	int ret = 0;
	int made = 0;

	while (made < 8 && ret == 0) {
		char what[12];

		snprintf(what, sizeof(what), "%d", made);
		ret = create_of(what, 1, &streams[made]);
		made += ret == 0;
	}
	CHECK_EQ(ret, -ENOSPC);
	CHECK_EQ(count_names(), (unsigned int)made);
	while (made > 0)
		tachyon_stream_destroy(streams[--made]);
}

TEST(as_many_files_as_there_may_be_and_no_more)
{
	run_mounted((struct mount_plan){"tmpfs", "/dev/shm", "tmpfs", 0, "size=1m,nr_inodes=4",
					run_out_of_inodes});
}

static void find_nothing(void)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *stream;
	unsigned int count = 0;

	CHECK_EQ(create_of("a", 1, &stream), -ENOSYS);
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &stream), -ENOENT);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
	CHECK_EQ(tachyon_stream_list(count_name, &count), -ENOENT);
	CHECK_EQ(count, 0);
}

TEST(without_shared_memory_there_are_no_streams)
{
	run_mounted((struct mount_plan){"tmpfs", "/dev", "tmpfs", 0, "size=64k", find_nothing});
}

/* /proc knows no files without a name. */
static void find_another_file_system(void)
{
	struct tachyon_stream *stream;

	CHECK_EQ(create_of("a", 1, &stream), -ENOSYS);
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &stream), -ENOENT);
}

TEST(a_file_system_that_is_none_for_shared_memory_is_said_to_be_none)
{
	run_mounted(
		(struct mount_plan){"proc", "/dev/shm", "proc", 0, NULL, find_another_file_system});
}

/* Files without a name can be had there. */
static void find_no_tmpfs(void)
{
	struct tachyon_stream *stream;

	CHECK_EQ(create_of("a", 1, &stream), -ENOSYS);
	CHECK_EQ(count_names(), 0);
}

TEST(memory_that_cannot_be_allocated_beforehand_is_refused)
{
	run_mounted((struct mount_plan){"ramfs", "/dev/shm", "ramfs", 0, NULL, find_no_tmpfs});
}

#define TMPFS 0x01021994

TEST(a_disk_in_the_place_of_shared_memory_is_refused)
{
	struct statfs status;

	CHECK_EQ(statfs(test_dir(), &status), 0);
	if (status.f_type == TMPFS)
		SKIP("the test's directory is no disk: set TMPDIR");
	run_mounted(
		(struct mount_plan){test_dir(), "/dev/shm", NULL, MS_BIND, NULL, find_no_tmpfs});
}

/* --- descriptors --- */

TEST(out_of_descriptors_nothing_is_made_or_left)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *none = NULL;
	unsigned int count = 0;
	const int first = next_fd();
	const struct rlimit old = forbid_fds();

	CHECK_EQ(create_of("b", 8, &none), -EMFILE);
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &none), -EMFILE);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), -EMFILE);
	CHECK_EQ(tachyon_stream_list(count_name, &count), -EMFILE);
	CHECK_EQ(tachyon_stream_fd(stream), -EMFILE);
	/* What has its descriptors goes on. */
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_wait(stream, 1, -1), 0);
	CHECK_EQ(read_number(stream), 1);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(!none);
	CHECK_EQ(next_fd(), first);
	CHECK(access(path_of("b"), F_OK) < 0);
	CHECK(tachyon_stream_fd(stream) >= 0);
	end_stream(stream, "a");
}

/* However few there are, each number of them: all or nothing. */
TEST(with_any_number_of_descriptors_a_call_succeeds_or_leaves_nothing)
{
	for (rlim_t more = 0; more < 12; more++) {
		const int first = next_fd();
		const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)first + more);
		struct tachyon_stream *made = NULL;
		struct tachyon_stream *opened = NULL;
		const int create_ret = create_of("a", 8, &made);
		const int open_ret = tachyon_stream_open(name_of("a"), NULL, &opened);
		const int fd = opened ? tachyon_stream_fd(opened) : -EMFILE;

		setrlimit(RLIMIT_NOFILE, &old);
		CHECK(create_ret == 0 || create_ret == -EMFILE);
		CHECK(open_ret == 0 || open_ret == (made ? -EMFILE : -ENOENT) ||
		      open_ret == -EMFILE);
		CHECK(fd >= 0 || fd == -EMFILE);
		CHECK_EQ(access(path_of("a"), F_OK) == 0, made != NULL);
		tachyon_stream_destroy(opened);
		if (made)
			end_stream(made, "a");
		CHECK_EQ(next_fd(), first);
		if (more == 11)
			CHECK(made && opened && fd >= 0);
	}
}

static bool write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written = false;

	if (fd >= 0) {
		is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
		close(fd);
	}
	return is_written;
}

/* In a user namespace: the limit of the machine is left alone. */
static int ask_without_watches(struct other *other)
{
	struct tachyon_stream *const stream = open_stream(other->what);

	if (unshare(CLONE_NEWUSER) < 0 || !write_text("/proc/sys/user/max_inotify_instances", "0"))
		return CANNOT_MOUNT;
	CHECK_EQ(tachyon_stream_fd(stream), -EMFILE);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(out_of_watches_there_is_no_descriptor_to_poll)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other other = start_other(ask_without_watches, "a", NULL);
	const int status = wait_child(other.pid);

	close(other.sock);
	end_stream(stream, "a");
	if (status == CANNOT_MOUNT)
		SKIP("no user namespaces here");
	CHECK_EQ(status, 0);
}

/* --- memory --- */

#define BIG (64ull << 20)

static int open_in_a_small_space(struct other *other)
{
	struct tachyon_stream *stream = NULL;
	struct tachyon_stream *small;
	void *data = NULL;

	limit_to(RLIMIT_AS, BIG);
	CHECK_EQ(tachyon_stream_open(name_of(other->what), NULL, &stream), -ENOMEM);
	CHECK(!stream);
	CHECK_EQ(create_of("b", 4096, &small), 0);
	CHECK_EQ(tachyon_stream_lock(small, 0), 0);
	limit_to(RLIMIT_AS, 1);
	CHECK_EQ(tachyon_stream_live(small, &data), -ENOMEM);
	CHECK(!data);
	limit_to(RLIMIT_AS, BIG);
	CHECK_EQ(tachyon_stream_live(small, &data), 0);
	CHECK_EQ(tachyon_stream_unlock(small), 0);
	end_stream(small, "b");
	return 0;
}

TEST(without_address_space_nothing_is_opened_or_left)
{
	struct tachyon_stream *stream;
	struct other other;
	struct statvfs status;

	if (HAS_ASAN || HAS_TSAN)
		SKIP("a sanitizer needs its address space");
	CHECK_EQ(statvfs("/dev/shm", &status), 0);
	if (status.f_bavail * status.f_frsize < 2 * BIG)
		SKIP("too little shared memory");
	CHECK_EQ(create_of("a", BIG / 4, &stream), 0);
	tachyon_stream_destroy(stream);
	other = start_other(open_in_a_small_space, "a", NULL);
	end_other(&other);
	remove_stream("a");
}

static int create_with_small_files(void *arg)
{
	struct tachyon_stream *stream = NULL;
	int ret;

	(void)arg;
	limit_to(RLIMIT_FSIZE, 8192);
	/* Without its signal, which would kill. */
	ret = create_of("a", 4096, &stream);
	CHECK(ret == -EFBIG || ret == -ENOSPC);
	CHECK(!stream);
	CHECK(access(path_of("a"), F_OK) < 0);
	return 0;
}

TEST(a_limit_of_file_sizes_is_an_answer_and_no_signal)
{
	CHECK_EQ(wait_child(run_child(create_with_small_files, NULL)), 0);
}

/* --- users --- */

TEST(another_users_file_is_refused_and_left_alone)
{
	struct tachyon_stream *stream;
	struct tachyon_stream *none = NULL;
	struct tachyon_stream_info info = {.size = sizeof(info)};
	uint8_t id[TACHYON_STREAM_ID_SIZE];

	if (geteuid() != 0)
		SKIP("needs another user's file: run it as root");
	stream = make_stream("a");
	memcpy(id, info_of(stream).id, sizeof(id));
	CHECK_EQ(chown(path_of("a"), OTHER_UID, OTHER_UID), 0);
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &none), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), id), TACHYON_ERR_DENIED);
	CHECK(!none);
	CHECK_EQ(create_of("a", 1, &none), -EEXIST);
	CHECK_EQ(access(path_of("a"), F_OK), 0);
	CHECK_EQ(chown(path_of("a"), 0, 0), 0);
	end_stream(stream, "a");
}

static int open_as_another(void *arg)
{
	struct tachyon_stream *none = NULL;
	struct tachyon_stream_info info = {.size = sizeof(info)};

	(void)arg;
	if (setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 2;
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &none), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), TACHYON_ERR_DENIED);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), TACHYON_ERR_DENIED);
	CHECK_EQ(create_of("a", 1, &none), -EEXIST);
	return 0;
}

/* Somebody stands in the way of a name: the one who has it in his name can only be told. */
TEST(a_file_of_root_in_the_way_is_refused)
{
	char path[PATH_MAX];
	int fd;

	if (geteuid() != 0)
		SKIP("needs another user: run it as root");
	snprintf(path, sizeof(path), "/dev/shm/tachyon.%u.%s-a", OTHER_UID, test_name());
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(wait_child(run_child(open_as_another, NULL)), 0);
	CHECK_EQ(unlink(path), 0);
}
