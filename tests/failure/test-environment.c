/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Other namespaces, and file systems that are full or read-only: a clear error, nothing left, and
 * what does not need them goes on.
 */
#include <tachyon/stream.h>

#include "surroundings.h"

/* --- another network --- */

struct place {
	char name[64]; /* in the abstract namespace */
	struct tachyon_listener *by_name;
	struct tachyon_listener *by_path;
};

static int connect_from_another_network(void *argument)
{
	const struct place *const place = argument;
	struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct tachyon_bus *bus = NULL;
	struct holding before;

	if (!enter_namespaces(CLONE_NEWNET))
		return NOT_LET;
	before = holding();
	options.timeout_ns = 50 * MS;
	CHECK_EQ(tachyon_bus_connect(place->name, &options, &bus), TACHYON_ERR_TIMEDOUT);
	CHECK(!bus);
	check_holding(before);

	options.timeout_ns = LONG_NS;
	CHECK_EQ(tachyon_bus_connect(ADDRESS, &options, &bus), 0);
	for (int i = 0; i < 20; i++) {
		CHECK_STR_EQ(hear_within(bus, LONG_NS), "there");
		CHECK_EQ(say(bus, "back"), 0);
	}
	CHECK(stats_of(bus).sleeps > 0);
	tachyon_bus_destroy(bus);
	return 0;
}

static void answer_other_network(struct tachyon_listener *listener)
{
	struct tachyon_bus *bus;

	/* Where the child was not let, nobody comes. */
	if (tachyon_listener_accept(listener, 5000 * MS, &bus) < 0)
		return;
	for (int i = 0; i < 20; i++) {
		sleep_ms(1);
		CHECK_EQ(say(bus, "there"), 0);
		CHECK_STR_EQ(hear_within(bus, LONG_NS), "back");
	}
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bus), TACHYON_END_CLOSED);
	tachyon_bus_destroy(bus);
}

/* Whoever comes by name, and waits for the answer: one, from here. */
static int accept_by_name(void *argument)
{
	const struct place *const place = argument;
	struct tachyon_bus *bus;
	const int ret = tachyon_listener_accept(place->by_name, LONG_NS, &bus);

	if (ret == 0) {
		CHECK_STR_EQ(hear_within(bus, LONG_NS), "from here");
		tachyon_bus_destroy(bus);
	}
	return ret;
}

static int connect_from_here(void *name)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;

	CHECK_EQ(tachyon_bus_connect(name, &options, &bus), 0);
	CHECK_EQ(say(bus, "from here"), 0);
	tachyon_bus_destroy(bus);
	return 0;
}

TEST(an_abstract_name_ends_at_the_network_and_a_path_does_not)
{
	const struct tachyon_bus_options options = bus_options(0, TACHYON_SPIN_NEVER);
	struct place place;
	struct helper helper;
	pid_t child;
	int status;

	snprintf(place.name, sizeof(place.name), "@%s", test_name());
	CHECK_EQ(tachyon_listener_create(place.name, &options, &place.by_name), 0);
	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &place.by_path), 0);
	child = run_child(connect_from_another_network, &place);
	start_helper(&helper, accept_by_name, &place);
	answer_other_network(place.by_path);
	status = wait_child(child);
	CHECK_EQ(connect_from_here(place.name), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_listener_destroy(place.by_path);
	tachyon_listener_destroy(place.by_name);
	if (status == NOT_LET)
		SKIP("no network namespace of its own here");
	CHECK_EQ(status, 0);
}

/* --- shared memory that cannot be written --- */

static int create_bytes(const char *name, uint64_t bytes, struct tachyon_stream **stream)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_UINT, .bits = 8, .dimensions = 1, .shape = {bytes}};

	return tachyon_stream_create(name, &array, NULL, stream);
}

static void write_byte(struct tachyon_stream *stream, size_t size, int value)
{
	static unsigned char bytes[1 << 16];

	memset(bytes, value, size);
	CHECK_EQ(tachyon_stream_write(stream, bytes, size, 0), 0);
	memset(bytes, 0, size);
	CHECK_EQ(tachyon_stream_read(stream, bytes, size, NULL), 0);
	for (size_t i = 0; i < size; i++)
		CHECK_EQ(bytes[i], value);
}

static int count_name(const char *name, void *count)
{
	(void)name;
	++*(int *)count;
	return 0;
}

static int count_streams(void)
{
	int count = 0;

	CHECK_EQ(tachyon_stream_list(count_name, &count), 0);
	return count;
}

/* Both kinds of handle: opening takes a lease and a lock on the file, which need it writable. */
static void check_read_only(void)
{
	const struct tachyon_stream_options reading = {.size = sizeof(reading), .is_read_only = 1};
	const struct holding before = holding();
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(create_bytes("other", 8, &stream), -EROFS);
	CHECK_EQ(create_bytes("there", 8, &stream), -EEXIST);
	CHECK_EQ(tachyon_stream_open("there", NULL, &stream), -EROFS);
	CHECK_EQ(tachyon_stream_open("there", &reading, &stream), -EROFS);
	CHECK_EQ(tachyon_stream_open("other", NULL, &stream), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink("there", NULL), -EROFS);
	CHECK(!stream);
	CHECK_EQ(count_streams(), 1);
	check_holding(before);
}

static int use_read_only_memory(void *unused)
{
	struct tachyon_stream *stream;

	(void)unused;
	if (!enter_namespaces(CLONE_NEWNS) || !mount_small("/dev/shm", "size=1m"))
		return NOT_LET;
	CHECK_EQ(create_bytes("there", 8, &stream), 0);
	write_byte(stream, 8, 1);
	tachyon_stream_destroy(stream);
	CHECK_EQ(mount(NULL, "/dev/shm", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	check_read_only();
	check_buses_and_frames();

	CHECK_EQ(mount(NULL, "/dev/shm", NULL, MS_REMOUNT, NULL), 0);
	CHECK_EQ(tachyon_stream_open("there", NULL, &stream), 0);
	write_byte(stream, 8, 2);
	tachyon_stream_destroy(stream);
	CHECK_EQ(create_bytes("other", 8, &stream), 0);
	tachyon_stream_destroy(stream);
	CHECK_EQ(count_streams(), 2);
	return 0;
}

TEST(read_only_shared_memory_has_no_streams_and_all_the_rest)
{
	run_elsewhere(use_read_only_memory, NULL);
}

/* --- full shared memory --- */

/* Takes all that is left, to the last page. */
static void fill_up(const char *path)
{
	static char page[4096];
	const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ssize_t wrote;

	CHECK(fd >= 0);
	do {
		wrote = write(fd, page, sizeof(page));
	} while (wrote > 0);
	CHECK_EQ(errno, ENOSPC);
	close(fd);
}

/* All four values of a stream, and its live view, have their memory from the first moment on. */
static void check_full(struct tachyon_stream *stream, size_t size)
{
	struct tachyon_stream *none = NULL;
	struct tachyon_stream *again;
	const struct holding before = holding();
	void *live;

	CHECK_EQ(create_bytes("more", size, &none), -ENOSPC);
	CHECK(!none);
	check_holding(before);
	CHECK_EQ(count_streams(), 1);
	for (int i = 1; i < 9; i++)
		write_byte(stream, size, i);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, &live), 0);
	memset(live, 9, size);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(tachyon_stream_open("there", NULL, &again), 0);
	write_byte(again, size, 10);
	tachyon_stream_destroy(again);
}

static int use_full_memory(void *unused)
{
	struct tachyon_stream *stream, *more;
	const size_t size = 10000;

	(void)unused;
	if (!enter_namespaces(CLONE_NEWNS) || !mount_small("/dev/shm", "size=256k"))
		return NOT_LET;
	CHECK_EQ(create_bytes("there", size, &stream), 0);
	fill_up("/dev/shm/filler");
	check_full(stream, size);
	check_buses_and_frames();
	CHECK_EQ(unlink("/dev/shm/filler"), 0);
	CHECK_EQ(create_bytes("more", size, &more), 0);
	write_byte(more, size, 1);
	write_byte(stream, size, 2);
	tachyon_stream_destroy(more);
	tachyon_stream_destroy(stream);
	return 0;
}

TEST(in_full_shared_memory_streams_go_on_and_none_is_added)
{
	run_elsewhere(use_full_memory, NULL);
}

/* --- a full directory of sockets --- */

#define SMALL "small"
#define SMALL_ADDRESS SMALL "/socket"

/* Files in it that are no lock files. */
static int count_left(void)
{
	DIR *const listing = opendir(SMALL);
	const struct dirent *entry;
	int count = 0;

	CHECK(listing);
	while ((entry = readdir(listing))) {
		const char *const end = strrchr(entry->d_name, '.');

		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
		count -= end && strcmp(end, ".lock") == 0;
	}
	closedir(listing);
	return count;
}

static int connect_to_small(void *unused)
{
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct tachyon_bus *bus;

	(void)unused;
	CHECK_EQ(tachyon_bus_connect(SMALL_ADDRESS, &options, &bus), 0);
	CHECK_STR_EQ(hear_within(bus, LONG_NS), "text");
	tachyon_bus_destroy(bus);
	return 0;
}

static void check_served(struct tachyon_listener *listener)
{
	struct helper helper;
	struct tachyon_bus *bus;

	start_helper(&helper, connect_to_small, NULL);
	CHECK_EQ(tachyon_listener_accept(listener, LONG_NS, &bus), 0);
	CHECK_EQ(say(bus, "text"), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	tachyon_bus_destroy(bus);
}

/* All or nothing. @return whether there was room */
static bool try_to_listen(void)
{
	const struct holding before = holding();
	struct tachyon_listener *listener = NULL;
	const int ret = tachyon_listener_create(SMALL_ADDRESS, NULL, &listener);

	CHECK(ret == 0 || ret == -ENOSPC);
	CHECK_EQ(ret == 0, listener != NULL);
	if (listener) {
		CHECK_EQ(count_left(), 1);
		check_served(listener);
		tachyon_listener_destroy(listener);
	}
	CHECK_EQ(count_left(), 0);
	check_holding(before);
	return ret == 0;
}

static bool try_to_publish(void)
{
	const struct holding before = holding();
	struct tachyon_publisher *publisher = NULL;
	const int ret = tachyon_publisher_create(SMALL_ADDRESS, NULL, &publisher);

	CHECK(ret == 0 || ret == -ENOSPC);
	CHECK_EQ(ret == 0, publisher != NULL);
	tachyon_publisher_destroy(publisher);
	CHECK_EQ(count_left(), 0);
	check_holding(before);
	return ret == 0;
}

/* From room for no file at all to room for all, step by step. */
static int use_full_directory(void *unused)
{
	bool was_full = false;
	bool has_room = false;

	(void)unused;
	if (!enter_namespaces(CLONE_NEWNS) || !mount_small(SMALL, "size=64k,nr_inodes=1"))
		return NOT_LET;
	for (int inodes = 1; inodes <= 6; inodes++) {
		char options[64];

		snprintf(options, sizeof(options), "size=64k,nr_inodes=%d", inodes);
		CHECK_EQ(mount(NULL, SMALL, NULL, MS_REMOUNT, options), 0);
		has_room = try_to_listen();
		CHECK_EQ(try_to_publish(), has_room);
		CHECK_EQ(has_room && inodes == 1, false);
		was_full = was_full || !has_room;
	}
	CHECK(was_full && has_room);
	/* Pages are not what a socket needs. */
	fill_up(SMALL "/filler.lock");
	CHECK(try_to_listen());
	return 0;
}

TEST(a_full_directory_has_no_listener_and_nothing_left_of_it)
{
	CHECK_EQ(mkdir(SMALL, 0700), 0);
	run_elsewhere(use_full_directory, NULL);
	CHECK_EQ(rmdir(SMALL), 0);
}
