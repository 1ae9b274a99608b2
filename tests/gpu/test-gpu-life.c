/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How long device memory lives: as long as anybody may need it, and its process is there.
 */
#include <fcntl.h>

#include "device-part.h"
#include "device.h"
#include "gpu-setup.h"
#include "os.h"

/* --- handles that are closed --- */

TEST(the_last_handle_of_a_stream_without_a_name_frees_its_memory)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	struct tachyon_stream *const other = attach("a");

	remove_stream("a");
	tachyon_stream_destroy(stream);
	CHECK_EQ(write_number(other, 1), 0);
	CHECK_EQ(read_number(other), 1);
	tachyon_stream_destroy(other);
	check_nothing_is_left();
}

TEST(a_stream_outlives_the_handle_that_made_it)
{
	struct tachyon_stream *stream = make_gpu_stream("a", PERFORMANCE);

	CHECK_EQ(write_number(stream, 1), 0);
	tachyon_stream_destroy(stream);
	stream = attach("a");
	CHECK_EQ(read_number(stream), 1);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(to_unlink_a_stream_that_nobody_has_open_frees_its_memory)
{
	tachyon_stream_destroy(make_gpu_stream("a", PERFORMANCE));
	CHECK(simulated_cuda_live() > 0);
	remove_stream("a");
	check_nothing_is_left();
}

TEST(what_another_process_unlinked_is_freed_by_the_next_stream)
{
	tachyon_stream_destroy(make_gpu_stream("a", PERFORMANCE));
	CHECK_EQ(unlink(path_of("a")), 0);
	CHECK(simulated_cuda_live() > 0);
	end_gpu_stream(make_gpu_stream("b", PERFORMANCE), "b");
	check_nothing_is_left();
}

static int read_until_told(struct other *other)
{
	struct tachyon_stream *stream;

	await(other);
	stream = attach(other->what);
	tell(other);
	await(other);
	/* Freed memory would be overwritten. */
	CHECK_EQ(read_number(stream), 8);
	CHECK_EQ(write_number(stream, 9), 0);
	CHECK_EQ(read_number(stream), 9);
	tachyon_stream_destroy(stream);
	check_nothing_is_left();
	tell(other);
	await(other);
	return 0;
}

TEST(memory_that_another_process_uses_is_not_freed)
{
	struct other other = start_other(read_until_told, "a", NULL);
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);

	CHECK_EQ(write_number(stream, 8), 0);
	tell(&other);
	await(&other);
	end_gpu_stream(stream, "a");
	CHECK(simulated_cuda_live() > 0);
	tell(&other);
	await(&other);
	/* It needs it no more, and the next stream shows. */
	end_gpu_stream(make_gpu_stream("b", PERFORMANCE), "b");
	check_nothing_is_left();
	tell(&other);
	end_other(&other);
}

static int attach_and_stay(struct other *other)
{
	struct tachyon_stream *stream;

	await(other);
	stream = attach(other->what);
	CHECK(stream);
	tell(other);
	await(other);
	return 1;
}

TEST(the_death_of_who_is_attached_lets_memory_go)
{
	struct other other = start_other(attach_and_stay, "a", NULL);
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);

	tell(&other);
	await(&other);
	remove_stream("a");
	kill_other(&other);
	tachyon_stream_destroy(stream);
	check_nothing_is_left();
}

TEST(memory_of_ones_own_is_freed_before_the_context_is)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	const size_t before = simulated_cuda_live();
	const uint64_t memory = make_memory(1);

	CHECK(simulated_cuda_live() > before);
	tachyon_gpu_free(0, memory);
	CHECK_EQ(simulated_cuda_live(), before);
	/* What is not there is not freed. */
	tachyon_gpu_free(0, memory);
	tachyon_gpu_free(0, 0);
	CHECK_EQ(simulated_cuda_live(), before);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(who_could_not_attach_has_no_lease)
{
	uint8_t part[TACH_STREAM_DEVICE_SIZE];
	const int file = tach_os_memfd("file");
	const int own = tach_os_duplicate_file(file);
	const int other = tach_os_duplicate_file(file);
	struct tach_device *device, *attached = NULL;

	CHECK_EQ(tach_device_create(0, VALUE_SIZE, own, part, &device), 0);
	CHECK_EQ(tach_device_attach(1, VALUE_SIZE, other, part, &attached), -ENODEV);
	CHECK(!attached);
	CHECK_EQ(tach_os_end_leasing(file), 0);
	CHECK_EQ(tach_device_attach(0, VALUE_SIZE, other, part, &attached), TACHYON_ERR_CLOSED);
	tach_os_close(file);
	CHECK_EQ(tach_device_attach(0, VALUE_SIZE, other, part, &attached), 0);
	tach_device_destroy(attached);
	tach_device_destroy(device);
	tach_device_destroy(NULL);
	tach_os_close(own);
	tach_os_close(other);
	check_nothing_is_left();
}

/* --- the death of who made it --- */

static int make_and_stay(struct other *other)
{
	struct tachyon_stream *const stream =
		make_gpu_stream(other->what, *(const enum mode *)other->data);

	CHECK_EQ(write_number(stream, 4), 0);
	tell(other);
	await(other);
	return 1;
}

static struct other start_maker(const char *what, enum mode mode)
{
	struct other other = start_other(make_and_stay, what, &mode);

	await(&other);
	return other;
}

/* One that makes "0", in performance mode, and one that makes "1", with a mirror. */
static void start_makers(struct other others[2])
{
	others[PERFORMANCE] = start_maker("0", PERFORMANCE);
	others[MIRRORED] = start_maker("1", MIRRORED);
}

TEST(memory_whose_maker_died_cannot_be_attached_to)
{
	struct other others[2];

	start_makers(others);
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		const char *const what = others[mode].what;
		struct tachyon_stream *stream = NULL;
		struct tachyon_stream *reader;

		kill_other(&others[mode]);
		CHECK_EQ(try_attach(what, 0, &stream), TACHYON_ERR_CLOSED);
		CHECK(!stream);
		reader = open_stream(what);
		CHECK_EQ(tachyon_stream_count(reader), 1);
		if (mode == MIRRORED)
			CHECK_EQ(read_number(reader), 4);
		tachyon_stream_destroy(reader);
		remove_stream(what);
	}
	check_nothing_is_left();
}

static void check_closed(struct tachyon_stream *stream, uint64_t memory)
{
	CHECK_EQ(read_to_memory(stream, memory), TACHYON_ERR_CLOSED);
	CHECK_EQ(write_from_memory(stream, memory), TACHYON_ERR_CLOSED);
	CHECK_EQ(write_number(stream, 5), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
}

TEST(who_is_attached_is_told_of_the_makers_death)
{
	struct other others[2];

	start_makers(others);
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = attach(others[mode].what);
		const uint64_t memory = make_memory(0);
		uint64_t words[WORDS];

		CHECK_EQ(read_to_memory(stream, memory), 0);
		CHECK_EQ(number_in_memory(memory), 4);
		kill_other(&others[mode]);
		check_closed(stream, memory);
		if (mode == MIRRORED)
			CHECK_EQ(read_number(stream), 4);
		else
			CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), NULL),
				 TACHYON_ERR_CLOSED);
		tachyon_gpu_free(0, memory);
		tachyon_stream_destroy(stream);
		remove_stream(others[mode].what);
	}
	check_nothing_is_left();
}

/* A zombie has no memory any more, though its number is still taken. */
TEST(a_maker_that_nobody_has_waited_for_is_dead)
{
	struct other other = start_maker("a", PERFORMANCE);
	struct tachyon_stream *const stream = attach("a");
	const uint64_t memory = make_memory(0);
	struct tachyon_stream *late = NULL;
	siginfo_t info;

	CHECK_EQ(kill(other.pid, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, (id_t)other.pid, &info, WEXITED | WNOWAIT), 0);
	check_closed(stream, memory);
	CHECK_EQ(try_attach("a", 0, &late), TACHYON_ERR_CLOSED);
	CHECK_EQ(wait_child(other.pid), -SIGKILL);
	CHECK_EQ(close(other.sock), 0);
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(stream);
	remove_stream("a");
	check_nothing_is_left();
}

TEST(a_kernel_without_pidfds_tells_of_a_death_too)
{
	struct other other = start_maker("a", PERFORMANCE);
	struct tachyon_stream *stream;
	uint64_t memory;

	CHECK(forbid_call(SYS_pidfd_open, 1, 0, ENOSYS));
	stream = attach("a");
	memory = make_memory(0);
	CHECK_EQ(read_to_memory(stream, memory), 0);
	CHECK_EQ(number_in_memory(memory), 4);
	kill_other(&other);
	check_closed(stream, memory);
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(stream);
	remove_stream("a");
	check_nothing_is_left();
}

TEST(a_maker_is_told_from_a_later_process_of_its_number)
{
	struct other other = start_maker("a", PERFORMANCE);
	const size_t offset = offsetof(struct tach_stream_header, device_part) +
			      offsetof(struct tach_device_part, owner_start);
	const int fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
	struct tachyon_stream *stream = NULL;
	uint64_t start;

	CHECK_EQ(pread(fd, &start, sizeof(start), (off_t)offset), sizeof(start));
	start--;
	CHECK_EQ(pwrite(fd, &start, sizeof(start), (off_t)offset), sizeof(start));
	CHECK_EQ(try_attach("a", 0, &stream), TACHYON_ERR_CLOSED);
	CHECK_EQ(close(fd), 0);
	kill_other(&other);
	remove_stream("a");
}

/* --- a writer that is killed in the middle of a copy --- */

static int stop_half_way(struct other *other)
{
	struct tachyon_stream *stream;

	await(other);
	stream = attach(other->what);
	simulated_cuda_stop(1);
	CHECK_EQ(write_number(stream, 77), 0);
	return 1;
}

TEST(a_writer_that_is_killed_half_way_leaves_the_last_value)
{
	struct other others[2] = {
		start_other(stop_half_way, "a", NULL),
		start_other(stop_half_way, "a", NULL),
	};

	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		const uint64_t memory = make_memory(0);

		CHECK_EQ(write_number(stream, 1), 0);
		tell(&others[mode]);
		wait_until_stopped(&others[mode]);
		CHECK_EQ(read_number(stream), 1);
		CHECK_EQ(write_within(stream, 2, SHORT_NS), TACHYON_ERR_TIMEDOUT);
		kill_other(&others[mode]);
		CHECK_EQ(read_to_memory(stream, memory), 0);
		CHECK_EQ(number_in_memory(memory), 1);
		for (uint64_t i = 2; i < 10; i++) {
			CHECK_EQ(write_number(stream, i), 0);
			CHECK_EQ(read_to_memory(stream, memory), 0);
			CHECK_EQ(number_in_memory(memory), i);
			CHECK_EQ(tachyon_stream_count(stream), i);
		}
		tachyon_gpu_free(0, memory);
		end_gpu_stream(stream, "a");
	}
	check_nothing_is_left();
}

/* --- a file that is damaged --- */

struct damage {
	size_t offset;
	size_t size;
	unsigned char byte;
	int code;
};

static void write_damage(const struct damage *damage)
{
	const size_t part = offsetof(struct tach_stream_header, device_part);
	const int fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
	unsigned char bytes[TACH_STREAM_DEVICE_SIZE];

	memset(bytes, damage->byte, sizeof(bytes));
	CHECK_EQ(pwrite(fd, bytes, damage->size, (off_t)(part + damage->offset)), damage->size);
	CHECK_EQ(close(fd), 0);
}

/* In a process of its own, which starts another before it calls the driver. */
static int attach_to_damaged(void *arg)
{
	const struct damage *damage = arg;
	struct other other = start_maker("a", PERFORMANCE);
	struct tachyon_stream *stream = NULL;

	write_damage(damage);
	CHECK_EQ(try_attach("a", 0, &stream), damage->code);
	CHECK(!stream);
	kill_other(&other);
	remove_stream("a");
	check_nothing_is_left();
	return 0;
}

#define DAMAGE(field, byte, code)                                                    \
	{                                                                            \
		offsetof(struct tach_device_part, field),                            \
			sizeof(((struct tach_device_part *)NULL)->field), byte, code \
	}

TEST(what_is_said_of_device_memory_is_checked)
{
	struct damage damages[] = {
		DAMAGE(kind, 0, TACHYON_ERR_CORRUPT),
		DAMAGE(kind, 0xff, TACHYON_ERR_CORRUPT),
		DAMAGE(owner_pid, 0, TACHYON_ERR_CORRUPT),
		DAMAGE(owner_pid, 0xff, TACHYON_ERR_CORRUPT),
		DAMAGE(stride, 0, TACHYON_ERR_CORRUPT),
		DAMAGE(stride, 1, TACHYON_ERR_CORRUPT),
		DAMAGE(stride, 0xff, TACHYON_ERR_CORRUPT),
		DAMAGE(size, 0, TACHYON_ERR_CORRUPT),
		DAMAGE(uuid, 0xff, -ENODEV),
		DAMAGE(handle, 0xff, TACHYON_ERR_CORRUPT),
		{0, TACH_STREAM_DEVICE_SIZE, 0, TACHYON_ERR_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		CHECK_EQ(wait_child(run_child(attach_to_damaged, &damages[i])), 0);
}
