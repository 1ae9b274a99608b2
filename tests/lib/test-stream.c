/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The life of a stream: created, opened, described, unlinked; what outlives what.
 */
#include <sys/stat.h>

#include "stream-setup.h"

static const uint8_t no_id[TACHYON_STREAM_ID_SIZE];

/* --- create --- */

TEST(a_created_stream_is_what_was_asked_for)
{
	const struct tachyon_array array = {
		.scalar = TACHYON_SCALAR_FLOAT, .bits = 32, .dimensions = 3, .shape = {7, 5, 3}};
	const uint64_t before = clock_ns(CLOCK_REALTIME);
	struct tachyon_stream *stream;
	struct tachyon_stream_info info;

	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, NULL, &stream), 0);
	info = info_of(stream);
	CHECK_EQ(info.size, sizeof(info));
	CHECK_MEM_EQ(&info.array, &array, sizeof(array));
	CHECK_EQ(info.value_size, 7 * 5 * 3 * 4);
	CHECK(info.file_size > 4 * info.value_size);
	CHECK_EQ(info.count, 0);
	CHECK_EQ(info.time_ns, 0);
	CHECK_EQ(info.creator_pid, getpid());
	CHECK_EQ(info.device, TACHYON_DEVICE_CPU);
	CHECK_EQ(info.has_mirror, 1);
	CHECK_EQ(info.is_unlinked, 0);
	CHECK(info.create_time_ns >= before);
	CHECK(info.create_time_ns <= clock_ns(CLOCK_REALTIME));
	CHECK(memcmp(info.id, no_id, sizeof(no_id)) != 0);
	end_stream(stream, "a");
}

TEST(a_stream_that_was_never_written_reads_as_zeros)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_snapshot snapshot = {1, 1, 1};

	CHECK_EQ(read_with(stream, &snapshot), 0);
	CHECK_EQ(snapshot.count, 0);
	CHECK_EQ(snapshot.time_ns, 0);
	CHECK_EQ(snapshot.missed, 0);
	CHECK_EQ(tachyon_stream_count(stream), 0);
	end_stream(stream, "a");
}

TEST(a_name_that_is_taken_is_refused_and_left_alone)
{
	struct tachyon_stream *const stream = make_stream("a");
	const struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 8, 1);
	struct tachyon_stream *second = (struct tachyon_stream *)&array;

	CHECK_EQ(write_number(stream, 7), 0);
	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, NULL, &second), -EEXIST);
	CHECK_EQ((uintptr_t)second, (uintptr_t)&array);
	CHECK_EQ(read_number(stream), 7);
	CHECK_EQ(info_of(stream).is_unlinked, 0);
	end_stream(stream, "a");
}

TEST(a_file_is_its_users_alone_whatever_the_umask_and_all_there)
{
	struct tachyon_stream *stream;
	struct stat status;

	umask(0777);
	stream = make_stream("open");
	CHECK_EQ(stat(path_of("open"), &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0600);
	CHECK_EQ(status.st_uid, geteuid());
	CHECK_EQ(status.st_nlink, 1);
	CHECK_EQ(status.st_size, info_of(stream).file_size);
	CHECK(status.st_blocks * 512 >= status.st_size);
	end_stream(stream, "open");

	umask(0);
	stream = make_stream("closed");
	CHECK_EQ(stat(path_of("closed"), &status), 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0600);
	end_stream(stream, "closed");
}

TEST(descriptors_are_closed_by_exec)
{
	const int first = next_fd();
	struct tachyon_stream *const made = make_stream("a");
	struct tachyon_stream *const opened = open_stream("a");
	int last;

	CHECK(tachyon_stream_fd(opened) >= 0);
	last = next_fd();
	CHECK(last > first);
	for (int fd = first; fd < last; fd++)
		CHECK_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	tachyon_stream_destroy(opened);
	end_stream(made, "a");
}

/* --- open --- */

TEST(what_does_not_exist_cannot_be_opened)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *stream = (struct tachyon_stream *)&info;

	CHECK_EQ(tachyon_stream_open(name_of("none"), NULL, &stream), -ENOENT);
	CHECK_EQ((uintptr_t)stream, (uintptr_t)&info);
	CHECK_EQ(tachyon_stream_stat(name_of("none"), &info), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink(name_of("none"), NULL), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink(name_of("none"), no_id), -ENOENT);
}

TEST(who_opens_reads_what_was_written_before)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *reader;
	struct tachyon_snapshot snapshot;

	for (uint64_t i = 1; i <= 5; i++)
		CHECK_EQ(write_number(writer, 10 * i), 0);
	reader = open_stream("a");
	CHECK_EQ(tachyon_stream_count(reader), 5);
	CHECK_EQ(read_with(reader, &snapshot), 50);
	CHECK_EQ(snapshot.count, 5);
	CHECK_EQ(snapshot.missed, 0);
	tachyon_stream_destroy(reader);
	end_stream(writer, "a");
}

TEST(every_handle_and_the_name_tell_the_same)
{
	struct tachyon_stream *const made = make_stream("a");
	struct tachyon_stream *const opened = open_stream("a");
	struct tachyon_stream_info first, second, third;

	CHECK_EQ(write_number(opened, 3), 0);
	memset(&first, 0, sizeof(first));
	memset(&second, 0xff, sizeof(second));
	memset(&third, 0x55, sizeof(third));
	first.size = second.size = third.size = sizeof(first);
	CHECK_EQ(tachyon_stream_get_info(made, &first), 0);
	CHECK_EQ(tachyon_stream_get_info(opened, &second), 0);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &third), 0);
	CHECK_EQ(first.count, 1);
	CHECK(first.time_ns >= first.create_time_ns);
	CHECK_MEM_EQ(&first, &second, sizeof(first));
	CHECK_MEM_EQ(&first, &third, sizeof(first));
	tachyon_stream_destroy(opened);
	end_stream(made, "a");
}

/* --- what outlives what --- */

static int create_and_leave(struct other *other)
{
	struct tachyon_stream *const stream = make_stream(other->what);

	CHECK_EQ(write_number(stream, 99), 0);
	tell(other);
	if (other->data)
		await(other);
	tachyon_stream_destroy(stream);
	return 0;
}

static void check_it_is_there(const char *what)
{
	struct tachyon_stream *const stream = open_stream(what);

	CHECK_EQ(read_number(stream), 99);
	CHECK_EQ(write_number(stream, 100), 0);
	CHECK_EQ(read_number(stream), 100);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	end_stream(stream, what);
}

TEST(a_stream_outlives_the_process_that_made_it)
{
	struct other other = start_other(create_and_leave, "a", NULL);

	await(&other);
	end_other(&other);
	check_it_is_there("a");
}

TEST(a_stream_outlives_a_creator_that_is_killed)
{
	int waits = 1;
	struct other other = start_other(create_and_leave, "a", &waits);

	await(&other);
	kill_other(&other);
	check_it_is_there("a");
}

TEST(nothing_to_destroy_is_fine)
{
	tachyon_stream_destroy(NULL);
	tachyon_stream_shutdown(NULL);
	CHECK_EQ(tachyon_stream_count(NULL), 0);
}

/* --- unlink --- */

TEST(handles_go_on_without_the_name)
{
	struct tachyon_stream *const writer = make_stream("a");
	struct tachyon_stream *const reader = open_stream("a");
	struct tachyon_stream *none = NULL;

	remove_stream("a");
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, &none), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
	CHECK_EQ(info_of(writer).is_unlinked, 1);
	CHECK_EQ(info_of(reader).is_unlinked, 1);
	CHECK_EQ(write_number(writer, 5), 0);
	CHECK_EQ(tachyon_stream_wait(reader, 1, LONG_NS), 0);
	CHECK_EQ(read_number(reader), 5);
	tachyon_stream_destroy(writer);
	CHECK_EQ(write_number(reader, 6), 0);
	CHECK_EQ(read_number(reader), 6);
	tachyon_stream_destroy(reader);
}

TEST(a_name_is_free_at_once_and_means_another_stream_then)
{
	struct tachyon_stream *const old = make_stream("a");
	struct tachyon_stream *young;
	struct tachyon_stream_info info = {.size = sizeof(info)};

	CHECK_EQ(write_number(old, 1), 0);
	remove_stream("a");
	young = make_stream("a");
	CHECK_EQ(read_number(young), 0);
	CHECK_EQ(read_number(old), 1);
	CHECK_EQ(info_of(old).is_unlinked, 1);
	CHECK_EQ(info_of(young).is_unlinked, 0);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), 0);
	CHECK_MEM_EQ(info.id, info_of(young).id, sizeof(info.id));
	CHECK(memcmp(info.id, info_of(old).id, sizeof(info.id)) != 0);

	CHECK_EQ(tachyon_stream_lock(old, 0), 0);
	CHECK_EQ(write_number(young, 2), 0);
	CHECK_EQ(tachyon_stream_unlock(old), 0);
	CHECK_EQ(tachyon_stream_count(old), 1);
	tachyon_stream_destroy(old);
	end_stream(young, "a");
}

TEST(an_id_removes_its_own_stream_only)
{
	struct tachyon_stream *const old = make_stream("a");
	const struct tachyon_stream_info old_info = info_of(old);
	struct tachyon_stream *young;

	remove_stream("a");
	young = make_stream("a");
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), old_info.id), -ENOENT);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), no_id), -ENOENT);
	CHECK_EQ(info_of(young).is_unlinked, 0);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), info_of(young).id), 0);
	CHECK_EQ(info_of(young).is_unlinked, 1);
	tachyon_stream_destroy(old);
	tachyon_stream_destroy(young);
}

TEST(what_was_shut_down_still_tells_what_it_is)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const other = open_stream("a");

	CHECK_EQ(write_number(stream, 1), 0);
	tachyon_stream_shutdown(stream);
	tachyon_stream_shutdown(stream);
	CHECK_EQ(write_number(other, 2), 0);
	CHECK_EQ(tachyon_stream_count(stream), 2);
	CHECK_EQ(info_of(stream).count, 2);
	CHECK_EQ(info_of(stream).is_unlinked, 0);
	remove_stream("a");
	CHECK_EQ(info_of(stream).is_unlinked, 1);
	tachyon_stream_destroy(other);
	tachyon_stream_destroy(stream);
}

/* --- list --- */

struct listing {
	unsigned int count;
	char names[8][256];
};

/* Of this test: others of the same user may come and go. */
static int note_own(const char *name, void *data)
{
	struct listing *const listing = data;

	if (!strstr(name, test_name()))
		return 0;
	CHECK(listing->count < 8);
	snprintf(listing->names[listing->count++], 256, "%s", name);
	return 0;
}

static bool is_listed(const struct listing *listing, const char *name)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < listing->count; i++)
		found += strcmp(listing->names[i], name) == 0;
	CHECK(found <= 1);
	return found == 1;
}

TEST(all_streams_are_listed_by_the_names_they_were_given)
{
	struct tachyon_stream *const one = make_stream("one");
	struct tachyon_stream *const two = make_stream("a name / with %41 dots.");
	struct listing listing = {0};

	CHECK_EQ(tachyon_stream_list(note_own, &listing), 0);
	CHECK_EQ(listing.count, 2);
	CHECK(is_listed(&listing, name_of("one")));
	CHECK(is_listed(&listing, name_of("a name / with %41 dots.")));
	end_stream(one, "one");
	end_stream(two, "a name / with %41 dots.");

	listing.count = 0;
	CHECK_EQ(tachyon_stream_list(note_own, &listing), 0);
	CHECK_EQ(listing.count, 0);
}

static int stop_at_own(const char *name, void *data)
{
	(*(unsigned int *)data)++;
	return strstr(name, test_name()) ? -4711 : 0;
}

static int count_calls(const char *name, void *data)
{
	(void)name;
	(*(unsigned int *)data)++;
	return 5;
}

TEST(a_listing_ends_when_it_was_told_to)
{
	struct tachyon_stream *const stream = make_stream("a");
	unsigned int calls = 0;

	CHECK_EQ(tachyon_stream_list(stop_at_own, &calls), -4711);
	CHECK(calls >= 1);
	calls = 0;
	CHECK_EQ(tachyon_stream_list(count_calls, &calls), 5);
	CHECK_EQ(calls, 1);
	end_stream(stream, "a");
}

TEST(a_listing_shows_this_users_names_only)
{
	char path[PATH_MAX];
	struct listing listing = {0};
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/tachyon.%u.%s-theirs", geteuid() + 1, test_name());
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(tachyon_stream_list(note_own, &listing), 0);
	CHECK_EQ(listing.count, 0);
	CHECK_EQ(unlink(path), 0);
}

TEST(one_may_unlink_what_is_listed_meanwhile)
{
	for (int i = 0; i < 4; i++) {
		char what[16];

		snprintf(what, sizeof(what), "%d", i);
		tachyon_stream_destroy(make_stream_of(what, 1));
	}
	for (unsigned int left = 4; left > 0; left--) {
		struct listing listing = {0};

		CHECK_EQ(tachyon_stream_list(note_own, &listing), 0);
		CHECK_EQ(listing.count, left);
		CHECK_EQ(tachyon_stream_unlink(listing.names[0], NULL), 0);
	}
}
