/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The public ways to a bus: listeners, listening once, connecting; and the clear error for every
 * way in which that cannot work.
 */
#include "connect.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "pair.h"
#include "raw-peer.h"
#include "system.h"

static struct tachyon_bus_options quick_options(int64_t timeout_ns)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.ring_size = 4096,
		.timeout_ns = timeout_ns,
	};
}

static struct tachyon_listener *open_listener(const struct tachyon_bus_options *options)
{
	struct tachyon_listener *listener;

	CHECK_EQ(tachyon_listener_create(ADDRESS, options, &listener), 0);
	return listener;
}

/* What connecting comes to within 50 ms; nothing may stay. */
static int refusal_at(const char *address)
{
	const struct tachyon_bus_options options = quick_options(50 * MS);
	struct tachyon_bus *bus = (struct tachyon_bus *)&options;
	const int before = count_fds();
	const int ret = tachyon_bus_connect(address, &options, &bus);

	if (ret == 0)
		tachyon_bus_destroy(bus);
	else
		CHECK_EQ(bus, &options);
	CHECK_EQ(count_fds(), before);
	return ret;
}

/* The same for claiming. */
static int claim_refusal_at(const char *address)
{
	const struct tachyon_bus_options options = quick_options(MS);
	struct tachyon_listener *listener = (struct tachyon_listener *)&options;
	struct tachyon_bus *bus = (struct tachyon_bus *)&options;
	const int before = count_fds();
	const int ret = tachyon_listener_create(address, &options, &listener);

	if (ret == 0)
		tachyon_listener_destroy(listener);
	else
		CHECK_EQ(listener, &options);
	CHECK_EQ(tachyon_bus_listen(address, &options, &bus), ret == 0 ? -ETIMEDOUT : ret);
	CHECK_EQ(bus, &options);
	CHECK_EQ(count_fds(), before);
	return ret;
}

/* --- it works --- */

TEST(a_listener_serves_many_one_after_another)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_listener *const listener = open_listener(&options);
	struct tachyon_bus *buses[5];
	struct connecting connecting[5];
	struct helper helpers[5];

	for (int i = 0; i < 5; i++) {
		connecting[i] = (struct connecting){.options = &options};
		start_helper(&helpers[i], connect_in_helper, &connecting[i]);
	}
	for (int i = 0; i < 5; i++)
		CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &buses[i]), 0);
	tachyon_listener_destroy(listener);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(finish_helper(&helpers[i]), 0);
		CHECK_EQ(say(connecting[i].bus, "hello"), 0);
	}
	for (int i = 0; i < 5; i++) {
		CHECK_STR_EQ(hear_within(buses[i], LONG_NS), "hello");
		tachyon_bus_destroy(buses[i]);
		tachyon_bus_destroy(connecting[i].bus);
	}
}

TEST(who_connects_first_waits_for_the_listener)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct connecting connecting = {.options = &options};
	struct tachyon_bus *bus;
	struct helper helper;

	start_helper(&helper, connect_in_helper, &connecting);
	sleep_ms(50);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(say(bus, "hello"), 0);
	CHECK_STR_EQ(hear(connecting.bus), "hello");
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(connecting.bus);
}

TEST(listening_once_gives_the_address_up)
{
	struct pair pair = make_pair(0);
	struct stat status;

	CHECK_EQ(lstat(ADDRESS, &status), -1);
	CHECK_EQ(claim_refusal_at(ADDRESS), 0);
	CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_STR_EQ(hear(pair.right), "text");
	close_pair(&pair);
}

TEST(an_abstract_name_works)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_listener *listener;
	struct raw_peer peer;
	struct tachyon_bus *bus;
	char name[64];

	snprintf(name, sizeof(name), "@%s", strrchr(test_dir(), '/') + 1);
	CHECK_EQ(tachyon_listener_create(name, &options, &listener), 0);
	CHECK_EQ(claim_refusal_at(name), TACHYON_ERR_IN_USE);
	peer = raw_peer_begin(raw_connect(name), TACH_SERVICE_BUS, 4096);
	CHECK_EQ(tach_hello_send(peer.sock, TACH_PACKET_HELLO, &peer.offer), 0);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	tachyon_bus_destroy(bus);
	raw_peer_close(&peer);
	tachyon_listener_destroy(listener);
}

TEST(a_listeners_fd_is_readable_when_somebody_comes)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_listener *const listener = open_listener(&options);
	struct connecting connecting = {.options = &options};
	struct pollfd entry = {.fd = tachyon_listener_fd(listener), .events = POLLIN};
	struct tachyon_bus *bus;
	struct helper helper;
	int ret;

	CHECK_EQ(poll(&entry, 1, 0), 0);
	start_helper(&helper, connect_in_helper, &connecting);
	do {
		CHECK_EQ(poll(&entry, 1, 10000), 1);
		ret = tachyon_listener_accept(listener, 0, &bus);
	} while (ret == TACHYON_ERR_AGAIN);
	CHECK_EQ(ret, 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(poll(&entry, 1, 0), 0);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(connecting.bus);
	tachyon_listener_destroy(listener);
}

/* --- waiting --- */

TEST(an_accept_ends_at_its_timeout)
{
	struct tachyon_listener *const listener = open_listener(NULL);
	struct tachyon_bus *bus = (struct tachyon_bus *)listener;
	const uint64_t start = tach_os_now_ns();

	CHECK_EQ(tachyon_listener_accept(listener, 0, &bus), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_listener_accept(listener, 30 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);
	CHECK_EQ(bus, listener);
	tachyon_listener_destroy(listener);
}

static int accept_for_ever(void *listener)
{
	struct tachyon_bus *bus;

	return tachyon_listener_accept(listener, -1, &bus);
}

TEST(an_accept_can_be_canceled_and_stays_so)
{
	struct tachyon_listener *const listener = open_listener(NULL);
	struct helper helper;

	start_helper(&helper, accept_for_ever, listener);
	sleep_ms(20);
	tachyon_listener_cancel(listener);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_CANCELED);
	CHECK_EQ(accept_for_ever(listener), TACHYON_ERR_CANCELED);
	tachyon_listener_destroy(listener);
}

TEST(connecting_where_nobody_listens_ends_at_its_timeout)
{
	const uint64_t start = tach_os_now_ns();

	CHECK_EQ(refusal_at("nowhere"), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(refusal_at("@tachyon-nowhere-at-all"), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(refusal_at("no/such/directory"), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 150 && ms_since(start) < 5000);
}

TEST(listening_for_nobody_ends_at_its_timeout_and_gives_the_address_up)
{
	const struct tachyon_bus_options options = quick_options(30 * MS);
	struct tachyon_bus *bus;
	struct stat status;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(lstat(ADDRESS, &status), -1);
}

/* --- bad addresses --- */

/* Says no twice, then yes. */
static int third_time(void *data)
{
	return ++*(int *)data == 3;
}

static struct tachyon_bus_options impatient_options(int *asked)
{
	struct tachyon_bus_options options = quick_options(LONG_NS);

	options.is_canceled = third_time;
	options.is_canceled_data = asked;
	return options;
}

TEST(connecting_ends_when_the_caller_says_so)
{
	int asked = 0;
	const struct tachyon_bus_options options = impatient_options(&asked);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), TACHYON_ERR_CANCELED);
	CHECK_EQ(asked, 3);
}

TEST(connecting_to_a_listener_that_does_not_answer_ends_when_the_caller_says_so)
{
	int asked = 0;
	const struct tachyon_bus_options options = impatient_options(&asked);
	struct tachyon_listener *const listener = open_listener(&options);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), TACHYON_ERR_CANCELED);
	CHECK_EQ(asked, 3);
	tachyon_listener_destroy(listener);
}

TEST(listening_once_ends_when_the_caller_says_so_and_gives_the_address_up)
{
	int asked = 0;
	const struct tachyon_bus_options options = impatient_options(&asked);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), TACHYON_ERR_CANCELED);
	CHECK_EQ(asked, 3);
	CHECK_EQ(access(ADDRESS, F_OK), -1);
}

TEST(listening_with_somebody_to_ask_ends_at_its_timeout_all_the_same)
{
	int asked = -1000;
	struct tachyon_bus_options options = impatient_options(&asked);
	const uint64_t start = tach_os_now_ns();
	struct tachyon_bus *bus;

	options.timeout_ns = 30 * MS;
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);
}

TEST(a_path_that_does_not_fit_is_enametoolong)
{
	char path[200] = "";

	memset(path, 'a', 150);
	CHECK_EQ(refusal_at(path), -ENAMETOOLONG);
	CHECK_EQ(claim_refusal_at(path), -ENAMETOOLONG);
	path[0] = '@';
	CHECK_EQ(refusal_at(path), -ENAMETOOLONG);
	CHECK_EQ(claim_refusal_at(path), -ENAMETOOLONG);
}

TEST(an_empty_or_missing_address_is_einval)
{
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;

	CHECK_EQ(refusal_at(""), -EINVAL);
	CHECK_EQ(refusal_at(NULL), -EINVAL);
	CHECK_EQ(tachyon_listener_create(NULL, NULL, &listener), -EINVAL);
	CHECK_EQ(tachyon_listener_create("", NULL, &listener), -EINVAL);
	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_bus_listen(NULL, NULL, &bus), -EINVAL);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_bus_connect(ADDRESS, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_listener_accept(NULL, 0, &bus), -EINVAL);
	tachyon_listener_destroy(NULL);
}

TEST(options_out_of_range_are_einval)
{
	struct tachyon_bus_options options = {.size = 0};
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), -EINVAL);
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), -EINVAL);
	options = (struct tachyon_bus_options){.size = sizeof(options), .ring_size = UINT64_MAX};
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), -EINVAL);
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), -EINVAL);
	CHECK_EQ(tachyon_bus_listen(ADDRESS, &options, &bus), -EINVAL);
	options = (struct tachyon_bus_options){.size = sizeof(options), .access.perms = 07777};
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), -EINVAL);
	options = (struct tachyon_bus_options){.size = sizeof(options), .access.uid_count = 3};
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), -EINVAL);
}

TEST(options_of_an_older_caller_are_read_as_far_as_they_go)
{
	struct tachyon_bus_options options;
	struct tachyon_listener *listener;

	memset(&options, 0xff, sizeof(options));
	options.size = offsetof(struct tachyon_bus_options, spin);
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	tachyon_listener_destroy(listener);
}

TEST(what_is_not_a_socket_is_enotsock_and_stays)
{
	const int file = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat status;

	CHECK_EQ(write(file, "precious", 8), 8);
	CHECK_EQ(mkdir("directory", 0700), 0);
	CHECK_EQ(claim_refusal_at("file"), -ENOTSOCK);
	CHECK_EQ(claim_refusal_at("directory"), -ENOTSOCK);
	CHECK_EQ(refusal_at("file"), -ENOTSOCK);
	CHECK_EQ(refusal_at("directory"), -ENOTSOCK);
	CHECK_EQ(fstat(file, &status), 0);
	CHECK_EQ(status.st_size, 8);
	CHECK_EQ(status.st_nlink, 1);
	close(file);
	unlink("file");
	rmdir("directory");
}

static int bind_socket(int type)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = ADDRESS};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	return sock;
}

TEST(a_live_socket_of_another_kind_is_eprototype)
{
	const int sock = bind_socket(SOCK_STREAM);

	CHECK_EQ(listen(sock, 1), 0);
	CHECK_EQ(claim_refusal_at(ADDRESS), -EPROTOTYPE);
	CHECK_EQ(refusal_at(ADDRESS), -EPROTOTYPE);
	close(sock);
	unlink(ADDRESS);
}

TEST(a_live_listener_is_in_use_and_unharmed)
{
	struct tachyon_listener *const listener = open_listener(NULL);
	struct tachyon_bus *bus;
	struct connecting connecting = {.options = NULL};
	struct helper helper;

	CHECK_EQ(claim_refusal_at(ADDRESS), TACHYON_ERR_IN_USE);
	start_helper(&helper, connect_in_helper, &connecting);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_bus_destroy(bus);
	tachyon_bus_destroy(connecting.bus);
	tachyon_listener_destroy(listener);
}

TEST(a_stale_socket_is_replaced)
{
	struct pair pair;

	close(bind_socket(SOCK_SEQPACKET));
	CHECK_EQ(refusal_at(ADDRESS), TACHYON_ERR_TIMEDOUT);
	pair = make_pair(0);
	close_pair(&pair);

	close(bind_socket(SOCK_STREAM));
	pair = make_pair(0);
	close_pair(&pair);
}

TEST(a_directory_that_is_not_there_is_enoent)
{
	CHECK_EQ(claim_refusal_at("no/such/directory"), -ENOENT);
}

/* --- resources --- */

static int connect_without_fds(void *argument)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_bus *bus;

	(void)argument;
	for (int spare = 0; spare < 24; spare++) {
		const int before = next_fd();
		const struct rlimit old = limit_to(RLIMIT_NOFILE, (rlim_t)(before + spare));
		const int ret = tachyon_bus_connect(ADDRESS, &options, &bus);

		setrlimit(RLIMIT_NOFILE, &old);
		if (ret == 0) {
			tachyon_bus_destroy(bus);
			return 0;
		}
		CHECK_EQ(ret, -EMFILE);
		CHECK_EQ(next_fd(), before);
	}
	return 1;
}

TEST(connecting_without_enough_fds_is_emfile_and_leaves_nothing)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_listener *const listener = open_listener(&options);
	const pid_t child = run_child(connect_without_fds, NULL);
	struct tachyon_bus *bus;
	int ret;

	do {
		ret = tachyon_listener_accept(listener, LONG_NS, &bus);
		CHECK_EQ(ret, 0);
		ret = strcmp(hear_within(bus, LONG_NS), "EPIPE");
		CHECK_EQ(ret, 0);
		ret = tachyon_bus_end(bus);
		tachyon_bus_destroy(bus);
	} while (ret != TACHYON_END_CLOSED);
	CHECK_EQ(wait_child(child), 0);
	tachyon_listener_destroy(listener);
}

static int connect_on_an_old_kernel(void *argument)
{
	const struct tachyon_bus_options options = quick_options(LONG_NS);
	struct tachyon_bus *bus;

	(void)argument;
	CHECK(forbid_call(SYS_fcntl, 1, F_ADD_SEALS, EINVAL));
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), -ENOSYS);
	return 0;
}

TEST(an_old_kernel_is_enosys)
{
	struct tachyon_listener *const listener = open_listener(NULL);

	CHECK_EQ(wait_child(run_child(connect_on_an_old_kernel, NULL)), 0);
	tachyon_listener_destroy(listener);
}
