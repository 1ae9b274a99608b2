/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Whoever was handed a descriptor, or a mapping, of somebody else's memory tries to write it, in
 * every way the kernel has. Nothing of it changes.
 *
 * The attacker is another process, of the same user; where the test is root also of another user,
 * who then tries the ways that are for debuggers, too. (To the same user those are the kernel's to
 * forbid.)
 */
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "isolation-ways.h"
#include "lent.h"
#include "publisher.h"
#include "subscriber.h"

#define RING 16384u
#define PICTURE 6000u

#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif

static void try_loot(int fd, const char *whose)
{
	struct loot loot = {.fd = fd};
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	loot.size = loot.mapped = (size_t)status.st_size;
	loot.mapping = mmap(NULL, loot.size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(loot.mapping != MAP_FAILED);
	try_all(&loot, whose);
}

/* --- ways that are for debuggers --- */

static void try_as_debugger(pid_t victim, void *address)
{
	struct iovec local = {.iov_base = junk, .iov_len = 8};
	struct iovec remote = {.iov_base = address, .iov_len = 8};
	const int pidfd = tach_os_pidfd(victim);
	char path[64];

	CHECK(process_vm_writev(victim, &local, 1, &remote, 1, 0) < 0);
	CHECK(process_vm_readv(victim, &local, 1, &remote, 1, 0) < 0);
	CHECK(ptrace(PTRACE_SEIZE, victim, 0, 0) < 0);
	CHECK(kill(victim, 0) < 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)victim);
	CHECK(open(path, O_RDWR) < 0);
	CHECK(open(path, O_RDONLY) < 0);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)victim);
	CHECK(open(path, O_RDWR) < 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)victim);
	CHECK(open(path, O_RDONLY) < 0);
	if (pidfd >= 0)
		CHECK(syscall(__NR_pidfd_getfd, pidfd, 0, 0) < 0);
	tach_os_close(pidfd);
}

/* --- scenes --- */

struct scene {
	bool is_other; /* the attacker is another user */
	bool is_lent;
	int ready[2], go[2];
	void *address; /* of the victim's */
	pid_t victim;
};

static void become_other(const struct scene *scene)
{
	if (scene->is_other)
		CHECK_EQ(setresuid(OTHER_UID, OTHER_UID, OTHER_UID), 0);
}

static void wait_for_go(struct scene *scene)
{
	char byte = 'x';

	CHECK_EQ(write(scene->ready[1], &byte, 1), 1);
	CHECK_EQ(read(scene->go[0], &byte, 1), 1);
}

/* Takes a packet, and keeps what came along. */
static size_t take(int sock, void *packet, size_t size, int *fds)
{
	size_t count = 0;

	CHECK(raw_wait_readable(sock, RAW_TIMEOUT_NS));
	CHECK(tach_sock_receive(sock, packet, size, fds, &count) > 0);
	return count;
}

static int attack_publisher(void *argument)
{
	struct scene *const scene = argument;
	struct raw_peer peer;
	int ring[TACH_SOCK_FDS], payload[TACH_SOCK_FDS];
	struct tach_segment_packet packet;
	struct tach_hello hello;

	become_other(scene);
	peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, RING);
	hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	raw_send_hello(peer.sock, &peer.offer, &hello);
	CHECK_EQ(take(peer.sock, &hello, sizeof(hello), ring), 3);
	CHECK_EQ(hello.kind, TACH_PACKET_WELCOME);
	wait_for_go(scene);
	CHECK_EQ(take(peer.sock, &packet, sizeof(packet), payload), 1);
	CHECK_EQ(packet.kind, scene->is_lent ? TACH_PACKET_DESCRIPTOR : TACH_PACKET_SEGMENT);

	try_loot(ring[0], "a publisher's ring");
	try_loot(payload[0], scene->is_lent ? "lent memory" : "a publisher's payload");
	if (scene->is_other)
		try_as_debugger(scene->victim, scene->address);
	return 0;
}

static int attack_subscriber(void *argument)
{
	struct scene *const scene = argument;
	int ring[TACH_SOCK_FDS];
	struct tach_hello hello;
	struct raw_peer peer;
	int listener;

	become_other(scene);
	listener = tach_sock_listen(ADDRESS);
	CHECK(listener >= 0);
	peer = raw_peer_begin(raw_accept(listener), TACH_SERVICE_FRAMES, RING);
	CHECK_EQ(take(peer.sock, &hello, sizeof(hello), ring), 3);
	hello = raw_hello(&peer.offer, TACH_PACKET_WELCOME);
	raw_send_hello(peer.sock, &peer.offer, &hello);
	wait_for_go(scene);
	try_loot(ring[0], "a subscriber's ring");
	if (scene->is_other)
		try_as_debugger(scene->victim, scene->address);
	unlink(ADDRESS);
	return 0;
}

static pid_t begin(struct scene *scene, int (*attack)(void *scene), void *address)
{
	if (scene->is_other && geteuid() != 0)
		SKIP("needs root to be somebody else");
	CHECK_EQ(chmod(".", 0777), 0);
	scene->address = address;
	scene->victim = getpid();
	CHECK_EQ(pipe2(scene->ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(scene->go, O_CLOEXEC), 0);
	return run_child(attack, scene);
}

static void end(struct scene *scene, pid_t attacker)
{
	CHECK_EQ(write(scene->go[1], "x", 1), 1);
	CHECK_EQ(wait_child(attacker), 0);
	for (int i = 0; i < 2; i++) {
		close(scene->ready[i]);
		close(scene->go[i]);
	}
}

static void *copy_of(const void *data, size_t size)
{
	void *const copy = malloc(size);

	CHECK(copy);
	memcpy(copy, data, size);
	return copy;
}

static void check_same(const void *data, void *copy, size_t size)
{
	CHECK_MEM_EQ(data, copy, size);
	free(copy);
}

static struct tachyon_publisher *make_open_publisher(void)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 0);

	options.access = (struct tachyon_access){.perms = 0666, .any_uid = 1};
	return make_publisher(&options);
}

/* Memory as a careful lender has it: nobody but the mapping that is there can write it. */
static int make_sealed(uint8_t **data)
{
	const int fd = make_file(LENT_SIZE, 0);

	*data = mmap(NULL, LENT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(*data != MAP_FAILED);
	fill(*data, LENT_SIZE, 7);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS,
		       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
		 0);
	return fd;
}

static void publish_to_attacker(struct scene *scene, struct tachyon_publisher *publisher,
				struct tachyon_block *lent, struct tachyon_frame *frame)
{
	EVENTUALLY(tachyon_publisher_dispatch(publisher) == 0 &&
		   tachyon_publisher_subscribers(publisher) == 1);
	if (lent) {
		CHECK_EQ(publish_lent(publisher, lent, 1, NULL), 1);
		return;
	}
	CHECK_EQ(acquire_number(publisher, PICTURE, 1, frame), 0);
	CHECK_EQ(tachyon_publisher_publish(publisher, frame, NULL), 1);
	(void)scene;
}

static void defend_publisher(struct scene scene)
{
	struct tachyon_publisher *const publisher = make_open_publisher();
	const pid_t attacker = begin(&scene, attack_publisher, publisher);
	const struct tachyon_bus *bus;
	struct tachyon_block *block = NULL;
	struct tachyon_frame frame;
	uint8_t *lent = NULL;
	void *ring, *picture;
	int fd = -1;

	if (scene.is_lent) {
		fd = make_sealed(&lent);
		CHECK_EQ(tachyon_publisher_lend(publisher, fd, LENT_SIZE, &block), 0);
	}
	publish_to_attacker(&scene, publisher, block, &frame);
	bus = publisher->audience.links[0].bus;
	ring = copy_of(bus->own, bus->own_segment.mapped_size);
	picture = copy_of(lent ? lent : frame.data, PICTURE);
	end(&scene, attacker);
	check_same(bus->own, ring, bus->own_segment.mapped_size);
	check_same(lent ? lent : frame.data, picture, PICTURE);

	if (lent) {
		tachyon_publisher_take_back(publisher, block);
		munmap(lent, LENT_SIZE);
		close(fd);
	} else {
		tachyon_frame_release(&frame);
	}
	tachyon_publisher_destroy(publisher);
}

static void defend_subscriber(struct scene scene)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options), .any_uid = 1};
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	const pid_t attacker = begin(&scene, attack_subscriber, subscriber);
	const struct tachyon_bus *bus;
	void *ring;
	char byte;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(read(scene.ready[0], &byte, 1), 1);
	bus = tach_connection_bus(subscriber->connection);
	ring = copy_of(bus->own, bus->own_segment.mapped_size);
	end(&scene, attacker);
	check_same(bus->own, ring, bus->own_segment.mapped_size);
	tachyon_subscriber_destroy(subscriber);
}

TEST(a_subscriber_can_write_neither_ring_nor_payload_of_its_publisher)
{
	defend_publisher((struct scene){.is_other = false});
}

TEST(a_subscriber_of_another_user_can_write_nothing_of_its_publisher)
{
	defend_publisher((struct scene){.is_other = true});
}

TEST(a_subscriber_cannot_write_what_is_lent_sealed)
{
	defend_publisher((struct scene){.is_lent = true});
}

TEST(a_publisher_cannot_write_its_subscribers_ring)
{
	defend_subscriber((struct scene){.is_other = false});
}

TEST(a_publisher_of_another_user_can_write_nothing_of_its_subscriber)
{
	defend_subscriber((struct scene){.is_other = true});
}

/* In a process of its own, which leaves open what it got hold of. */
static int attack_unsealed(void *argument)
{
	const int fd = make_file(LENT_SIZE, 0);
	struct loot loot = {.fd = fd, .size = LENT_SIZE, .mapped = LENT_SIZE};
	int worked = 0;

	(void)argument;
	loot.mapping = mmap(NULL, LENT_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(loot.mapping != MAP_FAILED);
	memset(junk, 0x66, sizeof(junk));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(ways); i++) {
		if (ways[i].attack == by_seals)
			continue;
		worked += ways[i].attack(&loot);
		CHECK_EQ(ftruncate(fd, LENT_SIZE), 0);
	}
	return worked;
}

/* So that the attacks are known to work where nothing forbids them. */
TEST(most_of_these_attacks_work_on_memory_that_is_not_sealed)
{
	const int worked = wait_child(run_child(attack_unsealed, NULL));

	printf("# %d of %d\n", worked, (int)TACH_ARRAY_SIZE(ways));
	CHECK(worked >= 8);
}
