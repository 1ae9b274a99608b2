/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who sits at the address: squatters where a bus or a publisher wants to listen, strangers where
 * one wants to connect, other users. Nothing of theirs is touched, and the code says what it is.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "honest.h"
#include "raw-peer.h"
#include "system.h"

/* --- squatters --- */

#define PLACE "place"

static int listen_bus(void)
{
	struct tachyon_listener *listener;
	const int ret = tachyon_listener_create(PLACE, NULL, &listener);

	if (ret == 0)
		tachyon_listener_destroy(listener);
	return ret;
}

static int listen_publisher(void)
{
	struct tachyon_publisher *publisher;
	const int ret = tachyon_publisher_create(PLACE, NULL, &publisher);

	if (ret == 0)
		tachyon_publisher_destroy(publisher);
	return ret;
}

static int bind_socket(int type)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = PLACE};
	const int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	CHECK_EQ(bind(sock, (const struct sockaddr *)&name, sizeof(name)), 0);
	if (type != SOCK_DGRAM)
		CHECK_EQ(listen(sock, 5), 0);
	return sock;
}

/* What each puts at a path; what it keeps open, or -1. */
static int squat_file(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK_EQ(write(fd, "precious", 8), 8);
	return fd;
}

static int squat_directory(const char *path)
{
	CHECK_EQ(mkdir(path, 0700), 0);
	return -1;
}

static int squat_fifo(const char *path)
{
	CHECK_EQ(mkfifo(path, 0600), 0);
	return -1;
}

static int squat_link(const char *path)
{
	CHECK_EQ(symlink("honest-bus", path), 0);
	return -1;
}

static int squat_dangling_link(const char *path)
{
	CHECK_EQ(symlink("nowhere", path), 0);
	return -1;
}

static int squat_live_socket(const char *path)
{
	(void)path;
	return bind_socket(SOCK_SEQPACKET);
}

static int squat_live_stream(const char *path)
{
	(void)path;
	return bind_socket(SOCK_STREAM);
}

static int squat_live_datagrams(const char *path)
{
	(void)path;
	return bind_socket(SOCK_DGRAM);
}

/* Held through another open file description, as by another process. */
static int squat_lock(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	return fd;
}

struct squatter {
	const char *what;
	const char *path;
	int (*sit)(const char *path);
	int code;
};

#define AT_PATH(name, code)                      \
	{                                        \
#name, PLACE, squat_##name, code \
	}
#define AT_LOCK(name, code)                                         \
	{                                                           \
#name " as lock", PLACE ".lock", squat_##name, code \
	}

static const struct squatter squatters[] = {
	AT_PATH(file, -ENOTSOCK),
	AT_PATH(directory, -ENOTSOCK),
	AT_PATH(fifo, -ENOTSOCK),
	AT_PATH(link, -ENOTSOCK),
	AT_PATH(dangling_link, -ENOTSOCK),
	AT_PATH(live_socket, TACHYON_ERR_IN_USE),
	AT_PATH(live_stream, -EPROTOTYPE),
	AT_PATH(live_datagrams, -EPROTOTYPE),
	AT_LOCK(lock, TACHYON_ERR_IN_USE),
	AT_LOCK(directory, -EISDIR),
	AT_LOCK(fifo, -EEXIST),
	AT_LOCK(link, -ELOOP),
	AT_LOCK(dangling_link, -ELOOP),
};

/* Refused by both, and just as it was. */
static void check_squatter(const struct squatter *squatter)
{
	int (*const listeners[])(void) = {listen_bus, listen_publisher};
	const int fds = count_fds();
	const int keeps = squatter->sit(squatter->path);
	struct stat before, after;

	CHECK_EQ(lstat(squatter->path, &before), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(listeners); i++) {
		const int ret = listeners[i]();

		if (ret != squatter->code)
			test_fail(__FILE__, __LINE__, "%s: %d (%s)", squatter->what, ret,
				  tachyon_strerror(ret));
	}
	CHECK_EQ(lstat(squatter->path, &after), 0);
	CHECK_EQ(after.st_ino, before.st_ino);
	CHECK_EQ(after.st_mode, before.st_mode);
	CHECK_EQ(after.st_size, before.st_size);
	tach_os_close(keeps);
	CHECK_EQ(remove(squatter->path), 0);
	CHECK_EQ(count_fds(), fds);
	/* Once it is gone the address is free. */
	CHECK_EQ(listen_bus(), 0);
	unlink(PLACE ".lock");
}

HOSTILE_TEST(who_squats_at_an_address_is_told_apart_and_left_alone)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(squatters); i++)
		check_squatter(&squatters[i]);
}

/* --- strangers where one connects --- */

static int connect_bus(void)
{
	struct tachyon_bus_options options = bus_options(4096, 0);
	struct tachyon_bus *bus;

	options.timeout_ns = 50 * MS;
	return tachyon_bus_connect(PLACE, &options, &bus);
}

static int connect_subscriber(void)
{
	struct tachyon_subscriber *subscriber;
	int ret;

	CHECK_EQ(tachyon_subscriber_create(PLACE, NULL, &subscriber), 0);
	ret = tachyon_subscriber_connect(subscriber, 50 * MS);
	tachyon_subscriber_destroy(subscriber);
	return ret;
}

static const struct squatter strangers[] = {
	AT_PATH(file, -ENOTSOCK),	   AT_PATH(directory, -ENOTSOCK),
	AT_PATH(fifo, -ENOTSOCK),	   AT_PATH(dangling_link, TACHYON_ERR_TIMEDOUT),
	AT_PATH(live_stream, -EPROTOTYPE), AT_PATH(live_datagrams, -EPROTOTYPE),
};

HOSTILE_TEST(who_connects_is_told_what_is_there)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(strangers); i++) {
		const int fds = count_fds();
		const int keeps = strangers[i].sit(PLACE);

		CHECK_EQ(connect_bus(), strangers[i].code);
		CHECK_EQ(connect_subscriber(), strangers[i].code);
		tach_os_close(keeps);
		CHECK_EQ(remove(PLACE), 0);
		CHECK_EQ(count_fds(), fds);
	}
}

/* --- other users --- */

struct guest {
	uid_t uid;
	int bus, frames; /* what it is answered */
};

static int come_as(void *argument)
{
	const struct guest *const guest = argument;
	struct tachyon_subscriber_options options = {.size = sizeof(options), .any_uid = 1};
	struct tachyon_bus_options bus_options = {.size = sizeof(bus_options),
						  .timeout_ns = LONG_NS};
	struct tachyon_subscriber *subscriber;
	struct tachyon_bus *bus;
	int ret;

	bus_options.access.any_uid = 1;
	CHECK_EQ(setresuid(guest->uid, guest->uid, guest->uid), 0);
	ret = tachyon_bus_connect(PLACE, &bus_options, &bus);
	if (ret == 0)
		tachyon_bus_destroy(bus);
	CHECK_EQ(ret, guest->bus);
	CHECK_EQ(tachyon_subscriber_create(ADDRESS, &options, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), guest->frames);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

/* Serves while somebody else tries, first at the bus, then at the publisher. */
static void receive_guest(const struct tachyon_access *access, struct guest guest)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_bus_options bus_options = {.size = sizeof(bus_options), .access = *access};
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *same_user;
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	pid_t child;
	int status;

	options.access = *access;
	publisher = make_publisher(&options);
	same_user = join(publisher);
	CHECK_EQ(tachyon_listener_create(PLACE, &bus_options, &listener), 0);
	child = run_child(come_as, &guest);
	while (waitpid(child, &status, WNOHANG) == 0) {
		serve(publisher, 1);
		if (tachyon_listener_accept(listener, MS, &bus) == 0)
			tachyon_bus_destroy(bus);
	}
	CHECK_EQ(status, 0);
	serve(publisher, 1);
	CHECK_EQ(publish_number(publisher, 3000, 5), 1);
	take_frame(same_user, 3000, 5);
	tachyon_listener_destroy(listener);
	tachyon_subscriber_destroy(same_user);
	tachyon_publisher_destroy(publisher);
}

/* Its own honest subscriber is beside it: a child that leaves with threads unseen confuses LSan. */
TEST(another_user_and_the_overflow_user_are_let_in_only_where_asked_for)
{
	static const uint32_t uids[] = {OTHER_UID, 65534};
	const struct tachyon_access open = {.perms = 0666};
	const struct tachyon_access listed = {.perms = 0666, .uids = uids, .uid_count = 2};
	const struct tachyon_access any = {.perms = 0666, .any_uid = 1};

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0755), 0);
	receive_guest(&(struct tachyon_access){0},
		      (struct guest){OTHER_UID, TACHYON_ERR_DENIED, TACHYON_ERR_DENIED});
	receive_guest(&open, (struct guest){OTHER_UID, TACHYON_ERR_DENIED, TACHYON_ERR_DENIED});
	receive_guest(&open, (struct guest){65534, TACHYON_ERR_DENIED, TACHYON_ERR_DENIED});
	receive_guest(&listed, (struct guest){OTHER_UID, 0, 0});
	/* Whoever has no number here has this one: it says nothing. */
	receive_guest(&listed, (struct guest){65534, TACHYON_ERR_DENIED, TACHYON_ERR_DENIED});
	receive_guest(&any, (struct guest){65534, 0, 0});
}
