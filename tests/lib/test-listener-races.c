/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Claims that meet others, connections for which there is no fd, and who may connect. Each test
 * starts in an empty directory.
 */
#include "listener.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "sock.h"
#include "system.h"

static char address[] = "socket";

/* --- what happens just before the new socket gets its name --- */

static void (*before_rename)(void);
static bool cannot_rename_with_flags;

/* Stands in for libc's: what the library calls. */
int renameat2(int old_dir, const char *old, int new_dir, const char *new, unsigned int flags)
{
	void (*const act)(void) = before_rename;

	before_rename = NULL;
	if (act)
		act();
	if (cannot_rename_with_flags && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, flags);
}

static void put_file(void)
{
	const int fd = open(address, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK_EQ(write(fd, "precious", 8), 8);
	close(fd);
}

static void check_file_is_there(void)
{
	char text[9] = "";
	const int fd = open(address, O_RDONLY | O_CLOEXEC);

	CHECK_EQ(read(fd, text, 8), 8);
	CHECK_STR_EQ(text, "precious");
	close(fd);
}

static void replace_with_file(void)
{
	unlink(address);
	put_file();
}

static int live = -1;

static void replace_with_live_listener(void)
{
	unlink(address);
	live = tach_sock_listen(address);
	CHECK(live >= 0);
}

static void remove_it(void)
{
	unlink(address);
}

static void leave_stale_socket(void)
{
	tach_os_close(tach_sock_listen(address));
}

static int open_with(void (*act)(void), struct tach_listener *listener)
{
	before_rename = act;
	return tach_listener_open(listener, address, 0);
}

TEST(a_file_put_there_at_the_last_moment_is_not_lost)
{
	struct tach_listener listener;

	CHECK_EQ(open_with(put_file, &listener), TACHYON_ERR_IN_USE);
	check_file_is_there();
	unlink(address);
}

TEST(a_file_put_over_the_stale_socket_is_not_lost)
{
	struct tach_listener listener;

	leave_stale_socket();
	CHECK_EQ(open_with(replace_with_file, &listener), TACHYON_ERR_IN_USE);
	check_file_is_there();
	unlink(address);
}

TEST(a_listener_put_over_the_stale_socket_stays)
{
	struct tach_listener listener;
	int client;

	leave_stale_socket();
	CHECK_EQ(open_with(replace_with_live_listener, &listener), TACHYON_ERR_IN_USE);
	client = tach_sock_connect(address);
	CHECK(client >= 0);
	tach_os_close(client);
	tach_os_close(live);
	unlink(address);
}

TEST(a_stale_socket_that_vanishes_is_no_hindrance)
{
	struct tach_listener listener;

	leave_stale_socket();
	CHECK_EQ(open_with(remove_it, &listener), 0);
	tach_listener_close(&listener);
}

TEST(a_file_system_that_cannot_exchange_names_serves_too)
{
	struct tach_listener listener;

	cannot_rename_with_flags = true;
	CHECK_EQ(open_with(NULL, &listener), 0);
	tach_listener_close(&listener);
	leave_stale_socket();
	CHECK_EQ(open_with(NULL, &listener), 0);
	tach_os_close(tach_sock_connect(address));
	tach_listener_close(&listener);
}

#define RACERS 6

/* 0: claimed it, and held it until told to go. 1: it was in use. */
static int race(void *pipe_ends)
{
	const int *ends = pipe_ends;
	struct tach_listener listener;
	const int ret = tach_listener_open(&listener, address, 0);
	char byte;

	close(ends[1]);
	if (ret == TACHYON_ERR_IN_USE)
		return 1;
	if (ret < 0 || read(ends[0], &byte, 1) != 0)
		return 2;
	tach_listener_close(&listener);
	return 0;
}

TEST(of_many_that_claim_a_stale_path_at_once_one_gets_it)
{
	for (int round = 0; round < 20; round++) {
		pid_t racers[RACERS];
		int ends[2];
		int winners = 0;

		leave_stale_socket();
		CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
		for (int i = 0; i < RACERS; i++)
			racers[i] = run_child(race, ends);
		/* Losers end by themselves: wait for them before the winner may go. */
		for (int losers = 0; losers < RACERS - 1; losers++) {
			int status;

			CHECK(waitpid(-1, &status, 0) > 0);
			CHECK_EQ(WEXITSTATUS(status), 1);
		}
		close(ends[0]);
		close(ends[1]);
		for (int i = 0; i < RACERS; i++) {
			int status;

			if (waitpid(racers[i], &status, 0) == racers[i])
				winners += WEXITSTATUS(status) == 0;
		}
		CHECK_EQ(winners, 1);
	}
}

/* --- no fd left --- */

TEST(a_connection_for_which_there_is_no_fd_is_dropped)
{
	struct tach_listener listener;
	struct pollfd poll_fd = {.events = POLLIN};
	struct rlimit old;
	int client, other, server;

	CHECK_EQ(tach_listener_open(&listener, address, 0), 0);
	client = tach_sock_connect(address);
	other = tach_sock_connect(address);
	old = forbid_fds();

	CHECK_EQ(tach_listener_accept(&listener), -EMFILE);
	CHECK_EQ(tach_listener_accept(&listener), -EMFILE);
	poll_fd.fd = listener.sock;
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 0);
	poll_fd.fd = client;
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 1);
	CHECK(poll_fd.revents & POLLHUP);
	CHECK_EQ(tach_listener_accept(&listener), -EAGAIN);
	setrlimit(RLIMIT_NOFILE, &old);

	tach_os_close(other);
	tach_os_close(client);
	client = tach_sock_connect(address);
	server = tach_listener_accept(&listener);
	CHECK(server >= 0);
	tach_os_close(server);
	tach_os_close(client);
	tach_listener_close(&listener);
}

TEST(without_a_free_fd_opening_is_emfile)
{
	const struct rlimit old = forbid_fds();
	struct tach_listener listener;

	CHECK_EQ(tach_listener_open(&listener, address, 0), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* --- who may be at the other end --- */

static uid_t connecting_uid;

static int connect_as(void *unused)
{
	struct pollfd poll_fd = {.events = POLLIN};

	(void)unused;
	if (setresuid(connecting_uid, connecting_uid, connecting_uid) < 0)
		return 1;
	poll_fd.fd = tach_sock_connect(address);
	return tach_os_poll(&poll_fd, 1, tach_os_deadline(10000000000)) != 1;
}

/* What the rule says of a peer of this uid. */
static int check_rule(uid_t uid, const struct tach_peer_rule *rule)
{
	struct tach_listener listener;
	struct pollfd poll_fd = {.events = POLLIN};
	pid_t child;
	int sock, ret;

	chmod(".", 0777);
	CHECK_EQ(tach_listener_open(&listener, address, 0666), 0);
	connecting_uid = uid;
	child = run_child(connect_as, NULL);
	poll_fd.fd = listener.sock;
	CHECK_EQ(tach_os_poll(&poll_fd, 1, tach_os_deadline(10000000000)), 1);
	sock = tach_listener_accept(&listener);
	CHECK(sock >= 0);

	ret = tach_peer_check(sock, rule);
	tach_os_close(sock);
	CHECK_EQ(wait_child(child), 0);
	tach_listener_close(&listener);
	return ret;
}

TEST(the_same_user_is_allowed)
{
	const struct tach_peer_rule rule = {0};

	CHECK_EQ(check_rule(geteuid(), &rule), 0);
}

TEST(another_user_is_denied_unless_listed_or_anybody_may)
{
	const uid_t uids[] = {1, OTHER_UID};
	const struct tach_peer_rule same = {0};
	const struct tach_peer_rule listed = {.uids = uids, .uid_count = 2};
	const struct tach_peer_rule other = {.uids = uids, .uid_count = 1};
	const struct tach_peer_rule any = {.allow_any = true};

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	tachyon_log_set(keep_line, NULL, TACHYON_LOG_WARNING);

	CHECK_EQ(check_rule(OTHER_UID, &same), TACHYON_ERR_DENIED);
	CHECK(strstr(last_line, "of user 12345 is refused"));
	CHECK_EQ(check_rule(OTHER_UID, &other), TACHYON_ERR_DENIED);
	CHECK_EQ(check_rule(OTHER_UID, &listed), 0);
	CHECK_EQ(check_rule(geteuid(), &listed), 0);
	CHECK_EQ(check_rule(OTHER_UID, &any), 0);
}

TEST(root_is_no_exception)
{
	const struct tach_peer_rule rule = {0};

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	chmod(".", 0777);
	CHECK_EQ(seteuid(OTHER_UID), 0);
	connecting_uid = 0;
	CHECK_EQ(check_rule(0, &rule), TACHYON_ERR_DENIED);
	CHECK_EQ(seteuid(0), 0);
}

TEST(the_overflow_uid_is_nobodys)
{
	const uid_t overflow = 65534;
	const struct tach_peer_rule same = {0};
	const struct tach_peer_rule listed = {.uids = &overflow, .uid_count = 1};
	const struct tach_peer_rule any = {.allow_any = true};

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	chmod(".", 0777);
	CHECK_EQ(seteuid(overflow), 0);

	CHECK_EQ(check_rule(overflow, &same), TACHYON_ERR_DENIED);
	CHECK_EQ(check_rule(overflow, &listed), TACHYON_ERR_DENIED);
	CHECK_EQ(check_rule(overflow, &any), 0);
	CHECK_EQ(seteuid(0), 0);
}

TEST(a_rule_on_what_is_no_socket_is_an_error)
{
	const struct tach_peer_rule rule = {0};
	const int fd = tach_os_eventfd();

	CHECK_EQ(tach_peer_check(fd, &rule), -ENOTSOCK);
	tach_os_close(fd);
}
