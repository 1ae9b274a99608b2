/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A peer's grip on what both have descriptors of: locks, leases, signals, flags and options of the
 * files and sockets that it was handed, or that it hands over. None holds the victim up, and none
 * reaches another peer.
 */
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "isolation.h"
#include "raw-publisher.h"

#define RING 16384u
#define PICTURE 6000u

/* --- what was handed over --- */

struct scene {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *honest;
	struct raw_peer liar;
	int ring;	 /* the victim's ring segment */
	int payload;	 /* its payload segment */
	int own_ends[2]; /* what the liar gave for its bells, which it kept, too */
	uint64_t next;
};

static struct scene make_scene(void)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 4);
	struct scene scene = {.publisher = make_publisher(&options)};
	struct tach_segment_packet packet;
	struct tach_hello hello;
	int fds[TACH_SOCK_FDS];
	size_t count = 0;

	scene.honest = join(scene.publisher);
	scene.liar = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RING);
	scene.own_ends[0] = scene.liar.offer.data_bell[1];
	scene.own_ends[1] = scene.liar.offer.space_bell[1];
	hello = raw_hello(&scene.liar.offer, TACH_PACKET_HELLO);
	raw_send_hello(scene.liar.sock, &scene.liar.offer, &hello);
	while (tachyon_publisher_subscribers(scene.publisher) < 2)
		serve(scene.publisher, 1);
	CHECK_EQ(tach_sock_receive(scene.liar.sock, &hello, sizeof(hello), fds, &count),
		 sizeof(hello));
	CHECK_EQ(count, 3);
	scene.ring = fds[0];
	scene.liar.guest.data_bell = fds[1];
	scene.liar.guest.space_bell = fds[2];

	CHECK_EQ(publish_number(scene.publisher, PICTURE, scene.next), 2);
	take_frame(scene.honest, PICTURE, scene.next++);
	CHECK_EQ(tach_sock_receive(scene.liar.sock, &packet, sizeof(packet), fds, &count),
		 sizeof(packet));
	CHECK_EQ(count, 1);
	scene.payload = fds[0];
	return scene;
}

/* The publisher goes on, in time, and so does who is honest. */
static void check_goes_on(struct scene *scene)
{
	uint64_t start = tach_os_now_ns();

	for (int i = 0; i < 30; i++) {
		CHECK(publish_number(scene->publisher, PICTURE, scene->next) >= 1);
		take_frame(scene->honest, PICTURE, scene->next++);
		CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
		(void)tachyon_publisher_wait(scene->publisher, 100000);
	}
	CHECK(tach_os_now_ns() - start < (uint64_t)HANG_NS);
	/* A new subscriber, which is sent the old memory; and new memory. */
	tachyon_subscriber_destroy(scene->honest);
	scene->honest = join(scene->publisher);
	CHECK(publish_number(scene->publisher, PICTURE, scene->next) >= 1);
	take_frame(scene->honest, PICTURE, scene->next++);
	CHECK_EQ(tachyon_publisher_configure(scene->publisher, 8 * PICTURE, 4), 0);
	CHECK(publish_number(scene->publisher, 8 * PICTURE, scene->next) >= 1);
	take_frame(scene->honest, 8 * PICTURE, scene->next++);
	CHECK(tach_os_now_ns() - start < 2 * (uint64_t)HANG_NS);
}

static void close_scene(struct scene *scene)
{
	close(scene->ring);
	close(scene->payload);
	close(scene->liar.guest.data_bell);
	close(scene->liar.guest.space_bell);
	tach_offer_fini(&scene->liar.offer);
	close(scene->liar.sock);
	tachyon_subscriber_destroy(scene->honest);
	EVENTUALLY(tachyon_publisher_dispatch(scene->publisher) == 0 &&
		   tachyon_publisher_subscribers(scene->publisher) == 0);
	tachyon_publisher_destroy(scene->publisher);
}

/* --- locks, leases, watches, signals --- */

static void lock_file(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	(void)flock(fd, LOCK_EX | LOCK_NB);
	(void)fcntl(fd, F_SETLK, &whole);
	(void)fcntl(fd, F_OFD_SETLK, &whole);
	(void)fcntl(fd, F_SETLEASE, F_WRLCK);
	(void)fcntl(fd, F_SETLEASE, F_RDLCK);
	(void)fcntl(fd, F_NOTIFY, DN_ACCESS | DN_MODIFY | DN_ATTRIB | DN_MULTISHOT);
	(void)lseek(fd, 12345, SEEK_SET);
	(void)fchmod(fd, 0);
}

TEST(locks_and_leases_on_segments_hold_up_nobody)
{
	struct scene scene = make_scene();

	lock_file(scene.ring);
	lock_file(scene.payload);
	check_goes_on(&scene);
	close_scene(&scene);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static int sign_up_as_other(void *argument)
{
	const struct scene *const scene = argument;
	const int fds[] = {scene->ring,
			   scene->payload,
			   scene->liar.sock,
			   scene->liar.guest.data_bell,
			   scene->liar.guest.space_bell,
			   scene->own_ends[0],
			   scene->own_ends[1]};

	CHECK_EQ(setresuid(OTHER_UID, OTHER_UID, OTHER_UID), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(fds); i++) {
		(void)fcntl(fds[i], F_SETSIG, SIGUSR1);
		(void)fcntl(fds[i], F_SETOWN, getppid());
		(void)fcntl(fds[i], F_SETFL, O_ASYNC);
	}
	return 0;
}

/* The kernel asks whether who signed up may signal: the victim's own user, or root, may anyway. */
TEST(another_user_gets_no_signal_sent_by_way_of_a_shared_descriptor)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct scene scene;

	if (geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigaction(SIGIO, &action, NULL), 0);
	scene = make_scene();
	CHECK_EQ(wait_child(run_child(sign_up_as_other, &scene)), 0);
	check_goes_on(&scene);
	CHECK_EQ(signals, 0);
	close_scene(&scene);
}

/* --- flags and options of sockets --- */

static void change_socket(int fd)
{
	const struct timeval none = {.tv_sec = 0};
	const struct linger linger = {.l_onoff = 1, .l_linger = 3600};
	const int zero = 0, one = 1, most = 1 << 30;

	(void)fcntl(fd, F_SETFL, 0); /* no O_NONBLOCK */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &zero, sizeof(zero));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &zero, sizeof(zero));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
	(void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one));
}

static void fill_socket(int fd)
{
	while (send(fd, "full", 4, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

TEST(options_and_flags_of_sockets_make_nothing_wait)
{
	struct scene scene = make_scene();

	for (int i = 0; i < 2; i++) {
		/* What the victim rings: full, and no longer non-blocking. */
		change_socket(scene.own_ends[i]);
		fill_socket(scene.own_ends[i]);
	}
	change_socket(scene.liar.guest.data_bell);
	change_socket(scene.liar.guest.space_bell);
	change_socket(scene.liar.sock);
	/* It always sleeps, and is always rung. */
	for (uint32_t i = 1; i < 5; i++) {
		atomic_store(&scene.liar.offer.segment.header->wait_data, i << 1 | 1);
		atomic_store(&scene.liar.offer.segment.header->wait_space, i << 1 | 1);
		check_goes_on(&scene);
	}
	close_scene(&scene);
}

TEST(a_shutdown_of_what_is_shared_ends_the_link_at_the_most)
{
	for (int which = 0; which < 5; which++) {
		struct scene scene = make_scene();
		const int fds[] = {scene.own_ends[0], scene.own_ends[1], scene.liar.guest.data_bell,
				   scene.liar.guest.space_bell, scene.liar.sock};

		CHECK_EQ(shutdown(fds[which], SHUT_RDWR), 0);
		atomic_store(&scene.liar.offer.segment.header->wait_data, 3);
		check_goes_on(&scene);
		close_scene(&scene);
	}
}

/* A bell may be pointed at somebody else: who then hears one byte, of value 1, for each ring. */
TEST(a_bell_that_is_pointed_elsewhere_rings_there_and_no_more)
{
	struct scene scene = make_scene();
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "elsewhere"};
	const int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char bytes[64];
	ssize_t size;

	CHECK_EQ(bind(other, (const struct sockaddr *)&name, sizeof(name)), 0);
	CHECK_EQ(connect(scene.own_ends[0], (const struct sockaddr *)&name, sizeof(name)), 0);
	atomic_store(&scene.liar.offer.segment.header->wait_data, 3);
	check_goes_on(&scene);
	while ((size = recv(other, bytes, sizeof(bytes), 0)) >= 0) {
		CHECK_EQ(size, 1);
		CHECK_EQ(bytes[0], 1);
	}
	close(other);
	unlink("elsewhere");
	close_scene(&scene);
}
