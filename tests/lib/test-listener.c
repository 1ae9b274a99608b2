/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Claiming an address and giving it up. Each test starts in an empty directory.
 */
#include "listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sock.h"
#include "system.h"

static char address[] = "socket";

static char *abstract_address(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "@%s", strrchr(test_dir(), '/') + 1);
	return name;
}

static struct tach_listener open_listener(const char *where)
{
	struct tach_listener listener;

	CHECK_EQ(tach_listener_open(&listener, where, 0), 0);
	return listener;
}

/* What opening fails with; nothing may change by it. */
static int refusal(const char *where)
{
	struct tach_listener listener;
	const int free_fd = next_fd();
	const int ret = tach_listener_open(&listener, where, 0);

	if (ret == 0)
		tach_listener_close(&listener);
	CHECK_EQ(next_fd(), free_fd);
	return ret;
}

/* 0, or why nobody can connect. */
static int try_connect(const char *where)
{
	const int sock = tach_sock_connect(where);

	tach_os_close(sock);
	return sock < 0 ? sock : 0;
}

static int bind_other(int type, const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	return sock;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 ? 0 : status.st_mode;
}

/* --- claiming --- */

TEST(a_listener_is_found_at_its_path)
{
	struct tach_listener listener = open_listener(address);
	int client, server;

	CHECK_EQ(tach_listener_accept(&listener), -EAGAIN);
	client = tach_sock_connect(address);
	server = tach_listener_accept(&listener);
	CHECK(client >= 0);
	CHECK(server >= 0);
	CHECK_EQ(tach_listener_accept(&listener), -EAGAIN);

	tach_os_close(client);
	tach_os_close(server);
	tach_listener_close(&listener);
	CHECK_EQ(try_connect(address), -ENOENT);
}

TEST(a_listener_can_have_an_absolute_path)
{
	struct tach_listener listener;
	char path[128];

	snprintf(path, sizeof(path), "%s/s", test_dir());
	listener = open_listener(path);

	CHECK_EQ(try_connect(path), 0);
	tach_listener_close(&listener);
}

TEST(a_socket_has_exactly_the_mode_asked_for)
{
	struct tach_listener listener;

	umask(0);
	listener = open_listener(address);
	CHECK_EQ(mode_of(address), S_IFSOCK | 0600);
	tach_listener_close(&listener);

	umask(077);
	CHECK_EQ(tach_listener_open(&listener, address, 0666), 0);
	CHECK_EQ(mode_of(address), S_IFSOCK | 0666);
	CHECK_EQ(mode_of("socket.lock"), S_IFREG | 0600);
	tach_listener_close(&listener);
}

TEST(an_abstract_name_is_claimed_without_files)
{
	struct tach_listener listener = open_listener(abstract_address());

	CHECK_EQ(try_connect(abstract_address()), 0);
	CHECK_EQ(refusal(abstract_address()), TACHYON_ERR_IN_USE);
	tach_listener_close(&listener);
	CHECK_EQ(try_connect(abstract_address()), -ECONNREFUSED);
}

TEST(a_wrong_address_or_mode_is_einval)
{
	struct tach_listener listener;

	CHECK_EQ(refusal(""), -EINVAL);
	CHECK_EQ(refusal("@"), -EINVAL);
	CHECK_EQ(tach_listener_open(&listener, address, 04600), -EINVAL);
}

TEST(a_path_that_does_not_fit_is_refused)
{
	char path[160];

	memset(path, 'a', sizeof(path));
	path[108] = '\0';
	CHECK_EQ(refusal(path), -ENAMETOOLONG);
	path[107] = '\0';
	CHECK_EQ(refusal(path), 0);
}

TEST(a_directory_too_long_for_the_temporary_name_is_refused)
{
	char path[128];

	/* 97 for the directory and its slash: the name fits, ".tXXXXXXXX" makes it 107. */
	memset(path, 'd', sizeof(path));
	path[96] = '\0';
	CHECK_EQ(mkdir(path, 0700), 0);
	snprintf(path + 96, sizeof(path) - 96, "/s");
	CHECK_EQ(refusal(path), 0);
	unlink(strcat(path, ".lock"));
	path[96] = '\0';
	rmdir(path);

	path[96] = 'd';
	path[97] = '\0';
	CHECK_EQ(mkdir(path, 0700), 0);
	snprintf(path + 97, sizeof(path) - 97, "/s");
	CHECK_EQ(tach_sock_check_address(path), 0);
	CHECK_EQ(refusal(path), -ENAMETOOLONG);
	path[97] = '\0';
	CHECK_EQ(rmdir(path), 0);
}

TEST(a_directory_that_is_not_there_is_enoent)
{
	CHECK_EQ(refusal("nowhere/socket"), -ENOENT);
}

/* --- a live owner is not harmed --- */

TEST(a_path_is_claimed_once)
{
	struct tach_listener listener = open_listener(address);

	CHECK_EQ(refusal(address), TACHYON_ERR_IN_USE);
	CHECK_EQ(try_connect(address), 0);
	tach_listener_close(&listener);
}

TEST(a_live_listener_without_a_lock_is_in_use)
{
	const int live = tach_sock_listen(address);

	CHECK_EQ(refusal(address), TACHYON_ERR_IN_USE);
	CHECK_EQ(try_connect(address), 0);
	tach_os_close(live);
	unlink(address);
}

TEST(a_live_listener_with_a_full_queue_is_in_use)
{
	const int live = bind_other(SOCK_SEQPACKET, address);
	int waiting;

	CHECK_EQ(listen(live, 0), 0);
	waiting = tach_sock_connect(address);
	CHECK(waiting >= 0);
	CHECK_EQ(try_connect(address), -EAGAIN);

	CHECK_EQ(refusal(address), TACHYON_ERR_IN_USE);
	CHECK_EQ(mode_of(address) & S_IFMT, S_IFSOCK);
	tach_os_close(waiting);
	tach_os_close(live);
	unlink(address);
}

TEST(a_live_socket_of_another_type_is_eprototype)
{
	const int stream = bind_other(SOCK_STREAM, address);
	struct tach_file_id before, after;

	CHECK_EQ(listen(stream, 1), 0);
	CHECK_EQ(tach_os_file_id(address, &before), 0);
	CHECK_EQ(refusal(address), -EPROTOTYPE);
	CHECK_EQ(tach_os_file_id(address, &after), 0);
	CHECK_EQ(after.inode, before.inode);
	tach_os_close(stream);
	unlink(address);
}

static void check_untouched(const char *path)
{
	struct tach_file_id before, after;

	CHECK_EQ(tach_os_file_id(path, &before), 0);
	CHECK_EQ(refusal(path), -ENOTSOCK);
	CHECK_EQ(tach_os_file_id(path, &after), 0);
	CHECK_EQ(after.inode, before.inode);
}

TEST(what_is_not_a_socket_is_never_touched)
{
	const int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const int live = tach_sock_listen("live");

	CHECK_EQ(mkdir("directory", 0700), 0);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_EQ(symlink("live", "link"), 0);
	CHECK_EQ(symlink("nowhere", "dangling"), 0);

	check_untouched("file");
	check_untouched("directory");
	check_untouched("fifo");
	check_untouched("link");
	check_untouched("dangling");

	tach_os_close(file);
	tach_os_close(live);
	rmdir("directory");
	unlink("file");
	unlink("live");
	unlink("fifo");
	unlink("link");
	unlink("dangling");
}

/* --- stale sockets --- */

static int listen_and_die(void *where)
{
	struct tach_listener listener;

	if (tach_listener_open(&listener, where, 0) < 0)
		return 1;
	raise(SIGKILL);
	return 2;
}

TEST(what_a_killed_listener_left_is_replaced)
{
	struct tach_listener listener;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(wait_child(run_child(listen_and_die, address)), -SIGKILL);
		CHECK_EQ(mode_of(address) & S_IFMT, S_IFSOCK);
		CHECK_EQ(try_connect(address), -ECONNREFUSED);
		listener = open_listener(address);
		CHECK_EQ(try_connect(address), 0);
		tach_listener_close(&listener);
	}
}

TEST(a_dead_socket_of_another_type_is_replaced)
{
	struct tach_listener listener;

	tach_os_close(bind_other(SOCK_STREAM, address));
	listener = open_listener(address);
	CHECK_EQ(try_connect(address), 0);
	tach_listener_close(&listener);

	tach_os_close(bind_other(SOCK_DGRAM, address));
	listener = open_listener(address);
	tach_listener_close(&listener);
}

/* --- other users --- */

static int open_as_other(void *where)
{
	if (setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 99;
	return -refusal(where);
}

TEST(a_directory_of_another_user_is_denied)
{
	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	chmod(".", 0755);

	CHECK_EQ(wait_child(run_child(open_as_other, address)), EACCES);
}

TEST(what_another_user_left_in_a_shared_directory_is_denied)
{
	struct tach_listener listener;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	chmod(".", 01777);

	/* The lock of root. */
	listener = open_listener(address);
	tach_listener_close(&listener);
	CHECK_EQ(wait_child(run_child(open_as_other, address)), EACCES);

	/* A socket of root, which may be connected to, but not replaced. */
	unlink("socket.lock");
	tach_os_close(bind_other(SOCK_SEQPACKET, address));
	chmod(address, 0666);
	CHECK_EQ(wait_child(run_child(open_as_other, address)), EACCES);
	CHECK_EQ(mode_of(address), S_IFSOCK | 0666);

	/* Live or not cannot be told. */
	unlink("socket.lock");
	chmod(address, 0600);
	CHECK_EQ(wait_child(run_child(open_as_other, address)), EACCES);
	unlink(address);
}

/* --- giving up --- */

TEST(a_closed_listener_leaves_its_lock_file_only)
{
	struct tach_listener listener = open_listener(address);

	tach_listener_close(&listener);
	CHECK_EQ(mode_of(address), 0);
	CHECK_EQ(mode_of("socket.lock"), S_IFREG | 0600);
	tach_listener_close(&listener);
}

TEST(what_owns_nothing_can_be_closed)
{
	struct tach_listener zeroed = {0};

	tach_listener_close(NULL);
	tach_listener_close(&zeroed);
	CHECK(fcntl(0, F_GETFD) >= 0);
}

TEST(closing_does_not_unlink_what_somebody_else_put_there)
{
	struct tach_listener listener = open_listener(address);
	int other;

	unlink(address);
	other = tach_sock_listen(address);
	tach_listener_close(&listener);
	CHECK_EQ(try_connect(address), 0);
	tach_os_close(other);
	unlink(address);

	listener = open_listener(address);
	unlink(address);
	CHECK_EQ(mkdir(address, 0700), 0);
	tach_listener_close(&listener);
	CHECK_EQ(rmdir(address), 0);
}

static int close_copy(void *listener)
{
	const int free_fd = next_fd();

	tach_listener_close(listener);
	return next_fd() < free_fd ? 0 : 1;
}

TEST(a_forked_child_closes_its_copy_and_nothing_else)
{
	struct tach_listener listener = open_listener(address);

	CHECK_EQ(wait_child(run_child(close_copy, &listener)), 0);

	CHECK_EQ(try_connect(address), 0);
	CHECK_EQ(refusal(address), TACHYON_ERR_IN_USE);
	tach_listener_close(&listener);
	CHECK_EQ(mode_of(address), 0);
}

static int wait_for_close(void *pipe_ends)
{
	char byte;

	close(((int *)pipe_ends)[1]);
	return (int)read(((int *)pipe_ends)[0], &byte, 1);
}

TEST(a_closed_listener_is_gone_though_a_child_keeps_a_copy)
{
	struct tach_listener listener = open_listener(address);
	struct tach_listener abstract = open_listener(abstract_address());
	int pipe_ends[2];
	pid_t child;

	CHECK_EQ(link(address, "same"), 0);
	CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
	child = run_child(wait_for_close, pipe_ends);
	tach_listener_close(&listener);
	tach_listener_close(&abstract);

	CHECK_EQ(try_connect("same"), -ECONNREFUSED);
	CHECK_EQ(try_connect(abstract_address()), -ECONNREFUSED);
	CHECK_EQ(refusal(address), 0);

	close(pipe_ends[0]);
	close(pipe_ends[1]);
	CHECK_EQ(wait_child(child), 0);
	unlink("same");
}
