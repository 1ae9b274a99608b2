/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Addresses, connections and what is at their other end. Each test starts in an empty directory.
 */
#include "sock.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "os.h"
#include "system.h"

static char socket_name[] = "socket";

static const char *abstract_address(void)
{
	static char address[64];

	snprintf(address, sizeof(address), "@%s", strrchr(test_dir(), '/') + 1);
	return address;
}

/* A bound socket of another type than ours. */
static int bind_other(int type, const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	return sock;
}

static void close_pair(const int pair[2])
{
	tach_os_close(pair[0]);
	tach_os_close(pair[1]);
}

/* --- addresses --- */

TEST(an_address_is_a_path_or_an_abstract_name)
{
	CHECK_EQ(tach_sock_check_address("/run/a"), 0);
	CHECK_EQ(tach_sock_check_address("@a"), 0);
	CHECK_EQ(tach_sock_check_address(""), -EINVAL);
	CHECK_EQ(tach_sock_check_address("@"), -EINVAL);
	CHECK_EQ(tach_sock_check_address("@@a"), 0);
	CHECK_EQ(tach_sock_check_address("@@"), -EINVAL);
	CHECK(tach_sock_is_abstract("@a"));
	CHECK(!tach_sock_is_abstract("/a@"));
}

TEST(an_address_that_does_not_fit_is_refused)
{
	char address[109];

	memset(address, 'a', sizeof(address));
	address[108] = '\0';
	CHECK_EQ(tach_sock_check_address(address), -ENAMETOOLONG);
	CHECK_EQ(tach_sock_listen(address), -ENAMETOOLONG);
	CHECK_EQ(tach_sock_connect(address), -ENAMETOOLONG);
	address[0] = '@';
	CHECK_EQ(tach_sock_check_address(address), -ENAMETOOLONG);
	address[107] = '\0';
	CHECK_EQ(tach_sock_check_address(address), 0);
	memcpy(address, "@@a", 3);
	address[107] = 'a';
	CHECK_EQ(tach_sock_check_address(address), 0);
	memset(address, 'a', 2);
	address[107] = '\0';
	tach_os_close(tach_sock_listen(address));
	CHECK_EQ(tach_os_unlink(address), 0);
}

/* --- connections --- */

static void check_connection(const char *address)
{
	const int listener = tach_sock_listen(address);
	const int client = tach_sock_connect(address);
	const int server = tach_sock_accept(listener);
	const int socks[] = {listener, client, server};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(socks); i++) {
		CHECK(socks[i] >= 0);
		CHECK_EQ(fcntl(socks[i], F_GETFD), FD_CLOEXEC);
		CHECK(fcntl(socks[i], F_GETFL) & O_NONBLOCK);
	}
	CHECK(tach_sock_is_seqpacket(client));
	CHECK(tach_sock_is_seqpacket(server));
	CHECK_EQ(tach_sock_accept(listener), -EAGAIN);
	CHECK_EQ(tach_sock_listen(address), -EADDRINUSE);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(socks); i++)
		tach_os_close(socks[i]);
}

TEST(two_sides_meet_at_a_path)
{
	check_connection("socket");
	unlink("socket");
}

TEST(two_sides_meet_at_an_abstract_name)
{
	check_connection(abstract_address());
}

static int connect_to_name(const char *name, socklen_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int ret;

	memcpy(address.sun_path + 1, name, strlen(name));
	ret = connect(sock, (const struct sockaddr *)&address, size) < 0 ? -errno : 0;
	close(sock);
	return ret;
}

TEST(an_abstract_name_with_two_signs_is_padded_with_nuls)
{
	const char *const name = abstract_address() + 1;
	const socklen_t short_size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	char padded[80];
	int listener;

	snprintf(padded, sizeof(padded), "@@%s", name);
	check_connection(padded);
	listener = tach_sock_listen(padded);
	/* A name is all its bytes: this is another one than the same without NULs. */
	CHECK_EQ(tach_sock_connect(abstract_address()), -ECONNREFUSED);
	CHECK_EQ(connect_to_name(name, short_size), -ECONNREFUSED);
	CHECK_EQ(connect_to_name(name, sizeof(struct sockaddr_un)), 0);
	tach_os_close(listener);
	listener = tach_sock_listen(abstract_address());
	CHECK_EQ(tach_sock_connect(padded), -ECONNREFUSED);
	CHECK_EQ(connect_to_name(name, short_size), 0);
	tach_os_close(listener);
}

TEST(connecting_where_nobody_listens_says_why)
{
	const int bound = tach_sock_bind("bound");

	CHECK_EQ(tach_sock_connect("nothing"), -ENOENT);
	CHECK_EQ(tach_sock_connect("bound"), -ECONNREFUSED);
	CHECK_EQ(tach_sock_start_listening(bound), 0);
	tach_os_close(tach_sock_connect("bound"));
	tach_os_close(bound);
	CHECK_EQ(tach_sock_connect("bound"), -ECONNREFUSED);
	CHECK_EQ(tach_sock_connect(abstract_address()), -ECONNREFUSED);
	unlink("bound");
}

TEST(connecting_to_a_socket_of_another_type_is_eprototype)
{
	const int stream = bind_other(SOCK_STREAM, "stream");
	const int datagram = bind_other(SOCK_DGRAM, "datagram");

	CHECK_EQ(listen(stream, 1), 0);
	CHECK_EQ(tach_sock_connect("stream"), -EPROTOTYPE);
	CHECK_EQ(tach_sock_connect("datagram"), -EPROTOTYPE);
	tach_os_close(stream);
	tach_os_close(datagram);
	unlink("stream");
	unlink("datagram");
}

TEST(connecting_to_a_full_queue_is_eagain)
{
	const int listener = tach_sock_listen("socket");
	int socks[4096];
	int count = 0;

	do {
		CHECK(count < 4096);
		socks[count] = tach_sock_connect("socket");
	} while (socks[count++] >= 0);

	CHECK_EQ(socks[count - 1], -EAGAIN);
	while (count-- > 0)
		tach_os_close(socks[count]);
	tach_os_close(listener);
	unlink("socket");
}

static int connect_as_other(void *path)
{
	if (setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 99;
	return -tach_sock_connect(path);
}

TEST(connecting_without_write_permission_is_eacces)
{
	int listener;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	chmod(".", 0755);
	listener = tach_sock_listen("socket");
	chmod("socket", 0644);

	CHECK_EQ(wait_child(run_child(connect_as_other, socket_name)), EACCES);
	tach_os_close(listener);
	unlink("socket");
}

TEST(without_a_free_fd_connections_are_emfile)
{
	const int listener = tach_sock_listen("socket");
	const int client = tach_sock_connect("socket");
	const struct rlimit old = forbid_fds();
	int bell[2];

	CHECK_EQ(tach_sock_accept(listener), -EMFILE);
	CHECK_EQ(tach_sock_connect("socket"), -EMFILE);
	CHECK_EQ(tach_sock_doorbell(bell), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	tach_os_close(client);
	tach_os_close(listener);
	unlink("socket");
}

TEST(shutdown_wakes_both_sides)
{
	int pair[2];
	struct pollfd polls[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	polls[0] = (struct pollfd){.fd = pair[0], .events = POLLIN};
	polls[1] = (struct pollfd){.fd = pair[1], .events = POLLIN};
	CHECK_EQ(tach_os_poll(polls, 2, 0), 0);

	tach_sock_shutdown(pair[0]);
	CHECK_EQ(tach_os_poll(polls, 2, 0), 2);
	tach_sock_shutdown(pair[1]);
	close_pair(pair);
}

/* --- who and what is at the other end --- */

/* Connects, shows itself, and stays until the other side leaves. */
static int be_a_peer(void *address)
{
	const int sock = tach_sock_connect(address);
	struct pollfd poll_fd = {.fd = sock, .events = POLLIN};

	return tach_os_poll(&poll_fd, 1, tach_os_deadline(10000000000)) != 1;
}

static int accept_within_time(int listener)
{
	struct pollfd poll_fd = {.fd = listener, .events = POLLIN};

	CHECK_EQ(tach_os_poll(&poll_fd, 1, tach_os_deadline(10000000000)), 1);
	return tach_sock_accept(listener);
}

/* The peer's pidfd becomes readable at its end, and not before. */
static void check_peer(void)
{
	const int listener = tach_sock_listen("socket");
	const pid_t child = run_child(be_a_peer, socket_name);
	const int sock = accept_within_time(listener);
	const int pidfd = tach_sock_peer_pidfd(sock);
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	struct tach_peer peer;

	CHECK_EQ(tach_sock_peer(sock, &peer), 0);
	CHECK_EQ(peer.pid, child);
	CHECK_EQ(peer.uid, geteuid());
	CHECK(pidfd >= 0);
	CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, 0), 0);
	tach_os_close(sock);
	CHECK_EQ(tach_os_poll(&poll_fd, 1, tach_os_deadline(10000000000)), 1);

	CHECK_EQ(wait_child(child), 0);
	tach_os_close(pidfd);
	tach_os_close(listener);
	unlink("socket");
}

TEST(a_peer_is_known_by_user_process_and_pidfd)
{
	check_peer();
}

TEST(a_kernel_without_peer_pidfds_opens_them_by_number)
{
	if (!forbid_call(SYS_getsockopt, 2, 77, ENOPROTOOPT))
		SKIP("no seccomp");
	check_peer();
}

TEST(a_socket_that_never_had_a_peer_has_no_pidfd)
{
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	CHECK(tach_sock_peer_pidfd(sock) < 0);
	CHECK_EQ(tach_sock_peer_pidfd(4000), -EBADF);
	tach_os_close(sock);
}

TEST(a_peer_of_what_is_no_socket_is_an_error)
{
	const int fd = tach_os_eventfd();

	CHECK_EQ(tach_sock_peer(fd, &(struct tach_peer){0}), -ENOTSOCK);
	tach_os_close(fd);
}

TEST(only_a_connected_seqpacket_socket_is_one)
{
	const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	const int listener = tach_sock_listen(abstract_address());
	const int event = tach_os_eventfd();
	const int inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int pair[2];

	CHECK(!tach_sock_is_seqpacket(listener));
	CHECK(!tach_sock_is_seqpacket(event));
	CHECK(!tach_sock_is_seqpacket(inet));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(types); i++) {
		CHECK_EQ(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, pair), 0);
		CHECK(!tach_sock_is_seqpacket(pair[0]));
		close_pair(pair);
	}
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	CHECK(tach_sock_is_seqpacket(pair[0]));
	close_pair(pair);
	tach_os_close(inet);
	tach_os_close(event);
	tach_os_close(listener);
}

TEST(only_a_connected_datagram_socket_is_a_doorbell)
{
	const struct sockaddr_in nowhere = {.sin_family = AF_INET, .sin_port = 9};
	const int unconnected = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int event = tach_os_eventfd();
	int pair[2];

	connect(inet, (const struct sockaddr *)&nowhere, sizeof(nowhere));
	CHECK(!tach_sock_is_doorbell(unconnected));
	CHECK(!tach_sock_is_doorbell(inet));
	CHECK(!tach_sock_is_doorbell(event));
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	CHECK(!tach_sock_is_doorbell(pair[0]));
	close_pair(pair);
	CHECK_EQ(tach_sock_doorbell(pair), 0);
	CHECK(tach_sock_is_doorbell(pair[0]));
	CHECK(tach_sock_is_doorbell(pair[1]));
	close_pair(pair);
	tach_os_close(event);
	tach_os_close(inet);
	tach_os_close(unconnected);
}
