/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The part of os.h about files that have a name in shared memory. Each test starts in an empty
 * directory.
 */
#include "os.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "system.h"

#define DIRECTORY "/dev/shm"

static const char *shared_path(const char *what)
{
	static char path[256];

	snprintf(path, sizeof(path), DIRECTORY "/tachyon.%s-%s", test_name(), what);
	return path;
}

/* A file of this size with a name. */
static int make_named(const char *what, size_t size)
{
	const int fd = tach_os_unnamed_file(DIRECTORY);

	CHECK(fd >= 0);
	if (size > 0)
		CHECK_EQ(tach_os_allocate(fd, size), 0);
	CHECK_EQ(tach_os_name_file(fd, shared_path(what)), 0);
	return fd;
}

static void end_named(int fd, const char *what)
{
	tach_os_close(fd);
	CHECK_EQ(unlink(shared_path(what)), 0);
}

/* --- a name --- */

TEST(a_file_has_no_name_until_it_gets_one)
{
	const int fd = tach_os_unnamed_file(DIRECTORY);
	struct tach_named_facts facts;
	struct stat status;

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tach_os_named_facts(fd, &facts), 0);
	CHECK(facts.is_regular);
	CHECK_EQ(facts.names, 0);
	CHECK_EQ(facts.size, 0);
	CHECK_EQ(facts.owner, geteuid());
	CHECK_EQ(write(fd, "content", 7), 7);
	CHECK_EQ(tach_os_path_facts(shared_path("a"), &facts), -ENOENT);

	CHECK_EQ(tach_os_name_file(fd, shared_path("a")), 0);
	CHECK_EQ(tach_os_path_facts(shared_path("a"), &facts), 0);
	CHECK_EQ(facts.names, 1);
	CHECK_EQ(facts.size, 7);
	CHECK_EQ(stat(shared_path("a"), &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0600);
	CHECK_EQ(status.st_ino, facts.inode);
	CHECK_EQ(status.st_dev, facts.device);
	end_named(fd, "a");
}

TEST(a_name_that_is_taken_stays_what_it_was)
{
	const int first = make_named("a", 0);
	const int second = tach_os_unnamed_file(DIRECTORY);
	struct tach_named_facts ours;
	struct tach_named_facts there;

	CHECK_EQ(tach_os_name_file(second, shared_path("a")), -EEXIST);
	CHECK_EQ(tach_os_named_facts(first, &ours), 0);
	CHECK_EQ(tach_os_path_facts(shared_path("a"), &there), 0);
	CHECK_EQ(ours.inode, there.inode);
	tach_os_close(second);
	end_named(first, "a");

	CHECK_EQ(symlink("/nowhere", shared_path("link")), 0);
	{
		const int third = tach_os_unnamed_file(DIRECTORY);

		CHECK_EQ(tach_os_name_file(third, shared_path("link")), -EEXIST);
		tach_os_close(third);
	}
	CHECK_EQ(unlink(shared_path("link")), 0);
}

TEST(where_there_is_no_such_directory_there_is_no_file)
{
	struct rlimit old;
	int ret;

	CHECK_EQ(tach_os_unnamed_file("nowhere"), -ENOENT);
	old = forbid_fds();
	ret = tach_os_unnamed_file(DIRECTORY);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
}

/* --- opening --- */

TEST(a_named_file_is_opened_for_reading_and_writing)
{
	const int made = make_named("a", 4096);
	const int opened = tach_os_open_file(shared_path("a"));
	char text[4] = "";

	CHECK(opened >= 0);
	CHECK(opened != made);
	CHECK_EQ(fcntl(opened, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(pwrite(opened, "abc", 3, 0), 3);
	CHECK_EQ(pread(made, text, 3, 0), 3);
	CHECK_STR_EQ(text, "abc");
	tach_os_close(opened);
	end_named(made, "a");
	CHECK_EQ(tach_os_open_file(shared_path("a")), -ENOENT);
}

TEST(what_is_no_file_is_not_opened_or_holds_nobody_up)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
	const int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct tach_named_facts facts;
	int fd;

	CHECK_EQ(mkdir("directory", 0700), 0);
	CHECK_EQ(symlink("target", "link"), 0);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_EQ(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	close(sock);
	CHECK_EQ(tach_os_open_file("directory"), -EISDIR);
	CHECK_EQ(tach_os_open_file("link"), -ELOOP);
	CHECK_EQ(tach_os_open_file("socket"), -ENXIO);
	/* It has no other end: this must not wait for one. */
	fd = tach_os_open_file("fifo");
	CHECK(fd >= 0);
	CHECK_EQ(tach_os_named_facts(fd, &facts), 0);
	CHECK(!facts.is_regular);
	tach_os_close(fd);
	CHECK_EQ(rmdir("directory"), 0);
	CHECK_EQ(unlink("link"), 0);
	CHECK_EQ(unlink("fifo"), 0);
	CHECK_EQ(unlink("socket"), 0);
}

/* --- facts --- */

TEST(facts_tell_a_hole)
{
	const int fd = make_named("a", 8192);
	struct tach_named_facts facts;

	CHECK_EQ(tach_os_named_facts(fd, &facts), 0);
	CHECK(facts.is_fully_allocated);
	CHECK_EQ(facts.size, 8192);
	CHECK_EQ(ftruncate(fd, 4 * 8192), 0);
	CHECK_EQ(tach_os_named_facts(fd, &facts), 0);
	CHECK(!facts.is_fully_allocated);
	end_named(fd, "a");
	CHECK_EQ(tach_os_path_facts(shared_path("a"), &facts), -ENOENT);
}

TEST(facts_of_a_path_are_those_of_a_link_itself)
{
	struct tach_named_facts facts;

	CHECK_EQ(symlink("/dev/null", "link"), 0);
	CHECK_EQ(tach_os_path_facts("link", &facts), 0);
	CHECK(!facts.is_regular);
	CHECK_EQ(facts.size, strlen("/dev/null"));
	CHECK_EQ(unlink("link"), 0);
}

TEST(a_file_is_read_from_its_beginning_or_not_at_all)
{
	const int fd = make_named("a", 0);
	char text[8] = "";

	CHECK_EQ(write(fd, "abcdef", 6), 6);
	CHECK_EQ(tach_os_read_at_once(fd, text, 6), 0);
	CHECK_STR_EQ(text, "abcdef");
	CHECK_EQ(tach_os_read_at_once(fd, text, 3), 0);
	CHECK_EQ(tach_os_read_at_once(fd, text, 7), -EBADMSG);
	end_named(fd, "a");
}

/* --- locks --- */

TEST(a_lock_is_a_descriptions_own)
{
	const int one = make_named("a", 0);
	const int two = tach_os_open_file(shared_path("a"));
	const int three = dup(one);

	CHECK_EQ(tach_os_lock(one), 0);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	CHECK_EQ(tach_os_lock(one), 0);
	CHECK_EQ(tach_os_lock(three), 0);
	tach_os_close(three);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	CHECK_EQ(tach_os_unlock(two), 0);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	CHECK_EQ(tach_os_unlock(one), 0);
	CHECK_EQ(tach_os_lock(two), 0);
	CHECK_EQ(tach_os_lock(one), -EAGAIN);
	tach_os_close(two);
	CHECK_EQ(tach_os_lock(one), 0);
	end_named(one, "a");
}

static int try_to_lock(void *arg)
{
	return -tach_os_lock(*(int *)arg);
}

/* First it holds what its parent holds; then it is somebody else. */
static int reopen_and_try(void *arg)
{
	const int fd = *(int *)arg;

	CHECK_EQ(tach_os_lock(fd), 0);
	CHECK_EQ(tach_os_reopen(fd), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return -tach_os_lock(fd);
}

TEST(a_child_shares_a_lock_until_it_opens_the_file_anew)
{
	int fd = make_named("a", 0);

	CHECK_EQ(tach_os_lock(fd), 0);
	CHECK_EQ(wait_child(run_child(try_to_lock, &fd)), 0);
	CHECK_EQ(wait_child(run_child(reopen_and_try, &fd)), EAGAIN);
	end_named(fd, "a");
}

TEST(a_file_is_opened_anew_whatever_became_of_its_name)
{
	const int named = make_named("a", 0);
	const int unnamed = tach_os_unnamed_file(DIRECTORY);
	struct tach_named_facts before;
	struct tach_named_facts after;

	CHECK_EQ(unlink(shared_path("a")), 0);
	CHECK_EQ(tach_os_named_facts(named, &before), 0);
	CHECK_EQ(tach_os_reopen(named), 0);
	CHECK_EQ(tach_os_named_facts(named, &after), 0);
	CHECK_EQ(before.inode, after.inode);
	CHECK_EQ(tach_os_reopen(unnamed), 0);
	tach_os_close(named);
	tach_os_close(unnamed);
}

TEST(without_a_free_descriptor_the_old_one_stays)
{
	const int one = make_named("a", 0);
	const int two = tach_os_open_file(shared_path("a"));
	struct rlimit old;
	int ret;

	CHECK_EQ(tach_os_lock(one), 0);
	old = forbid_fds();
	ret = tach_os_reopen(one);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
	CHECK_EQ(tach_os_lock(two), -EAGAIN);
	tach_os_close(two);
	end_named(one, "a");
}

static int lock_and_die(void *arg)
{
	const int fd = tach_os_open_file(arg);

	CHECK_EQ(tach_os_lock(fd), 0);
	CHECK_EQ(tach_os_lock_first_byte(fd), 0);
	raise(SIGKILL);
	return 0;
}

TEST(a_lock_dies_with_its_holder)
{
	const int fd = make_named("a", 0);

	CHECK_EQ(wait_child(run_child(lock_and_die, (void *)shared_path("a"))), -SIGKILL);
	CHECK_EQ(tach_os_lock(fd), 0);
	CHECK_EQ(tach_os_lock_first_byte(fd), 0);
	end_named(fd, "a");
}

struct turn {
	int ends[2];
	int held; /* the holder's descriptor, which a child inherits */
	const char *path;
};

static int wait_for_first_byte(void *arg)
{
	const struct turn *const turn = arg;
	const int fd = tach_os_open_file(turn->path);

	tach_os_close(turn->held);
	CHECK_EQ(write(turn->ends[1], "", 1), 1);
	CHECK_EQ(tach_os_lock_first_byte(fd), 0);
	CHECK_EQ(write(turn->ends[1], "", 1), 1);
	tach_os_close(fd);
	return 0;
}

/* It is another than tach_os_lock()'s, and not in its way. */
TEST(the_lock_of_the_first_byte_waits_and_goes_with_its_description)
{
	struct turn turn = {.path = shared_path("a")};
	const int one = make_named("a", 0);
	const int two = tach_os_open_file(shared_path("a"));
	struct pollfd entry;
	char byte;
	pid_t child;

	CHECK_EQ(tach_os_lock_first_byte(one), 0);
	CHECK_EQ(tach_os_lock(two), 0);
	CHECK_EQ(pipe2(turn.ends, O_CLOEXEC), 0);
	turn.held = one;
	child = run_child(wait_for_first_byte, &turn);
	CHECK_EQ(read(turn.ends[0], &byte, 1), 1);
	entry = (struct pollfd){.fd = turn.ends[0], .events = POLLIN};
	CHECK_EQ(poll(&entry, 1, 50), 0);
	tach_os_close(one);
	CHECK_EQ(read(turn.ends[0], &byte, 1), 1);
	CHECK_EQ(wait_child(child), 0);
	close(turn.ends[0]);
	close(turn.ends[1]);
	end_named(two, "a");
}

/* --- watching --- */

static bool is_readable(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};

	return poll(&entry, 1, 0) == 1;
}

TEST(a_watch_tells_of_each_touch_by_anyone)
{
	const int fd = make_named("a", 4096);
	const int other = tach_os_open_file(shared_path("a"));
	const int watch = tach_os_watch(fd);
	const int second = tach_os_watch(other);

	CHECK(watch >= 0);
	CHECK_EQ(fcntl(watch, F_GETFD), FD_CLOEXEC);
	CHECK(!is_readable(watch));
	tach_os_watch_clear(watch);
	for (int i = 0; i < 3; i++) {
		tach_os_touch(i % 2 ? fd : other);
		CHECK(is_readable(watch));
		CHECK(is_readable(second));
		tach_os_watch_clear(watch);
		CHECK(!is_readable(watch));
		CHECK(is_readable(second));
		tach_os_watch_clear(second);
	}
	/* Writing is not touching. */
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK(!is_readable(watch));
	tach_os_close(watch);
	tach_os_close(second);
	tach_os_close(other);
	end_named(fd, "a");
}

TEST(touches_that_nobody_takes_do_not_pile_up)
{
	const int fd = make_named("a", 0);
	const int watch = tach_os_watch(fd);

	for (int i = 0; i < 5000; i++)
		tach_os_touch(fd);
	tach_os_watch_clear(watch);
	CHECK(!is_readable(watch));
	tach_os_close(watch);
	end_named(fd, "a");
}

TEST(a_file_without_a_name_can_be_watched)
{
	const int fd = make_named("a", 0);
	int watch;

	CHECK_EQ(unlink(shared_path("a")), 0);
	watch = tach_os_watch(fd);
	CHECK(watch >= 0);
	tach_os_watch_clear(watch);
	tach_os_touch(fd);
	CHECK(is_readable(watch));
	tach_os_close(watch);
	tach_os_close(fd);
}

TEST(out_of_descriptors_there_is_no_watch)
{
	const int fd = make_named("a", 0);
	const struct rlimit old = forbid_fds();
	const int ret = tach_os_watch(fd);

	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
	end_named(fd, "a");
}

/* --- listing --- */

static int note(const char *name, void *data)
{
	unsigned int *const found = data;

	if (strcmp(name, "one") == 0)
		*found |= 1;
	if (strcmp(name, "two") == 0)
		*found |= 2;
	return 0;
}

static int stop(const char *name, void *data)
{
	(void)name;
	return ++*(int *)data == 2 ? 99 : 0;
}

TEST(a_directory_is_listed_until_one_says_stop)
{
	unsigned int found = 0;
	int calls = 0;
	struct rlimit old;
	int ret;

	CHECK_EQ(mkdir("one", 0700), 0);
	CHECK_EQ(mkdir("two", 0700), 0);
	CHECK_EQ(tach_os_list(".", note, &found), 0);
	CHECK_EQ(found, 3);
	CHECK_EQ(tach_os_list(".", stop, &calls), 99);
	CHECK_EQ(calls, 2);
	CHECK_EQ(tach_os_list("nowhere", note, &found), -ENOENT);
	old = forbid_fds();
	ret = tach_os_list(".", note, &found);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(ret, -EMFILE);
	CHECK_EQ(rmdir("one"), 0);
	CHECK_EQ(rmdir("two"), 0);
}

/* --- numbers --- */

TEST(random_bytes_differ)
{
	uint8_t one[16] = {0};
	uint8_t two[16] = {0};

	CHECK_EQ(tach_os_random(one, sizeof(one)), 0);
	CHECK_EQ(tach_os_random(two, sizeof(two)), 0);
	CHECK(memcmp(one, two, sizeof(one)) != 0);
}
