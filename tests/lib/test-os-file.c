/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The part of os.h about files beside a socket path. Each test starts in an empty directory.
 */
#include "os.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "system.h"

static void make_text_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CHECK(file);
	fputs(text, file);
	fclose(file);
}

static void check_text(const char *path, const char *expected)
{
	char text[64] = "";
	FILE *file = fopen(path, "re");

	CHECK(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	CHECK_STR_EQ(text, expected);
}

/* --- locks --- */

TEST(a_lock_is_held_by_one_until_it_unlocks)
{
	const int lock = tach_os_lock_file("a.lock", 0600);
	int next;

	CHECK(lock >= 0);
	CHECK_EQ(fcntl(lock, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tach_os_lock_file("a.lock", 0600), -EAGAIN);
	tach_os_unlock_file(lock);

	next = tach_os_lock_file("a.lock", 0600);
	CHECK(next >= 0);
	tach_os_close(next);
}

TEST(a_lock_file_has_the_mode_asked_for_and_keeps_its_content)
{
	struct stat status;
	int lock;

	umask(0);
	lock = tach_os_lock_file("new.lock", 0600);
	CHECK_EQ(fstat(lock, &status), 0);
	CHECK_EQ(status.st_mode & 07777, 0600);
	tach_os_unlock_file(lock);

	make_text_file("old.lock", "kept");
	tach_os_unlock_file(tach_os_lock_file("old.lock", 0600));
	check_text("old.lock", "kept");
}

/* A child with a copy of the fd, until the other end of the pipe closes. */
static int hold_copy(void *pipe_ends)
{
	char byte;

	close(((int *)pipe_ends)[1]);
	return (int)read(((int *)pipe_ends)[0], &byte, 1);
}

TEST(unlocking_counts_also_where_a_child_has_a_copy)
{
	const int lock = tach_os_lock_file("a.lock", 0600);
	int pipe_ends[2];
	pid_t child;
	int next;

	CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
	child = run_child(hold_copy, pipe_ends);
	tach_os_unlock_file(lock);

	next = tach_os_lock_file("a.lock", 0600);
	CHECK(next >= 0);
	tach_os_close(next);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	CHECK_EQ(wait_child(child), 0);
}

TEST(what_is_no_regular_file_is_no_lock)
{
	make_text_file("target", "kept");
	CHECK_EQ(symlink("target", "link"), 0);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	CHECK_EQ(mkdir("directory", 0700), 0);

	CHECK_EQ(tach_os_lock_file("link", 0600), -ELOOP);
	CHECK_EQ(tach_os_lock_file("fifo", 0600), -EEXIST);
	CHECK_EQ(tach_os_lock_file("directory", 0600), -EISDIR);
	CHECK_EQ(tach_os_lock_file("nowhere/a.lock", 0600), -ENOENT);
	check_text("target", "kept");

	unlink("target");
	unlink("link");
	unlink("fifo");
	rmdir("directory");
}

TEST(a_lock_that_cannot_be_opened_is_logged)
{
	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);

	CHECK_EQ(tach_os_lock_file("nowhere/a.lock", 0600), -ENOENT);
	CHECK_STR_EQ(last_line, "open nowhere/a.lock: No such file or directory");
}

/* --- names --- */

TEST(renaming_to_a_new_name_never_replaces)
{
	make_text_file("a", "a");
	make_text_file("b", "b");

	CHECK_EQ(tach_os_rename_new("a", "b"), -EEXIST);
	check_text("b", "b");
	CHECK_EQ(tach_os_rename_new("a", "c"), 0);
	check_text("c", "a");
	unlink("b");
	unlink("c");
}

TEST(renaming_replaces)
{
	make_text_file("a", "a");
	make_text_file("b", "b");

	CHECK_EQ(tach_os_rename("a", "b"), 0);
	check_text("b", "a");
	CHECK_EQ(tach_os_rename("a", "b"), -ENOENT);
	unlink("b");
}

TEST(exchanged_names_change_hands)
{
	make_text_file("a", "a");
	make_text_file("b", "b");

	CHECK_EQ(tach_os_exchange("a", "b"), 0);
	check_text("a", "b");
	check_text("b", "a");
	CHECK_EQ(tach_os_exchange("a", "c"), -ENOENT);
	unlink("a");
	unlink("b");
}

TEST(changing_a_mode_does_not_follow_a_link)
{
	struct stat status;

	make_text_file("target", "");
	CHECK_EQ(chmod("target", 0600), 0);
	CHECK_EQ(symlink("target", "link"), 0);

	CHECK_EQ(tach_os_chmod("target", 0640), 0);
	CHECK(tach_os_chmod("link", 0777) < 0);
	CHECK_EQ(stat("target", &status), 0);
	CHECK_EQ(status.st_mode & 0777, 0640);
	unlink("link");
	unlink("target");
}

TEST(a_file_id_tells_sockets_and_names_of_one_file)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct tach_file_id id, other;

	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	CHECK_EQ(link("socket", "same"), 0);
	CHECK_EQ(symlink("socket", "symbolic"), 0);

	CHECK_EQ(tach_os_file_id("socket", &id), 0);
	CHECK(id.is_socket);
	CHECK_EQ(tach_os_file_id("same", &other), 0);
	CHECK(other.device == id.device && other.inode == id.inode);
	CHECK_EQ(tach_os_file_id("symbolic", &other), 0);
	CHECK(!other.is_socket);
	CHECK(other.inode != id.inode);

	tach_os_close(sock);
	CHECK_EQ(tach_os_unlink("socket"), 0);
	CHECK_EQ(tach_os_unlink("socket"), -ENOENT);
	CHECK_EQ(tach_os_file_id("socket", &id), -ENOENT);
	unlink("same");
	unlink("symbolic");
}

TEST(a_pinned_file_keeps_its_number_to_itself)
{
	struct tach_file_id id, other;
	int pin;

	make_text_file("a", "");
	CHECK_EQ(chmod("a", 0), 0);
	pin = tach_os_pin_file("a", &id);
	CHECK(pin >= 0);
	CHECK_EQ(fcntl(pin, F_GETFD), FD_CLOEXEC);
	CHECK(!id.is_socket);
	for (int i = 0; i < 10; i++) {
		unlink("a");
		make_text_file("a", "");
		CHECK_EQ(tach_os_file_id("a", &other), 0);
		CHECK(other.inode != id.inode);
	}
	tach_os_close(pin);
	unlink("a");
	CHECK_EQ(tach_os_pin_file("a", &id), -ENOENT);
}

TEST(a_pin_does_not_follow_a_link)
{
	struct tach_file_id id;
	int pin;

	CHECK_EQ(symlink("nowhere", "link"), 0);
	pin = tach_os_pin_file("link", &id);
	CHECK(pin >= 0);
	CHECK(!id.is_socket);
	tach_os_close(pin);
	unlink("link");
}

TEST(random_names_are_hex_and_differ)
{
	char first[17], second[17];

	CHECK_EQ(tach_os_random_name(first), 0);
	CHECK_EQ(tach_os_random_name(second), 0);

	CHECK_EQ(strlen(first), 16);
	CHECK_EQ(strspn(first, "0123456789abcdef"), 16);
	CHECK(strcmp(first, second) != 0);
}
