/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Each call of the driver fails in turn: that is said, nothing was published, and nothing is left.
 */
#include "device-driver.h"
#include "device.h"
#include "gpu-setup.h"
#include "os.h"

/* Far more than any of these needs. */
#define CALLS_MAX 200

static bool is_a_device_code(int ret)
{
	return ret == -EIO || ret == -ENODEV || ret == -ENOMEM;
}

/* What the line says begins with the call that failed, or one that gives something back. */
static void check_code(int ret, const char *failed)
{
	if (ret == 0)
		return;
	CHECK(is_a_device_code(ret));
	CHECK(failed);
	CHECK(strstr(last_line, failed));
}

static void make_values(struct tachyon_stream *stream, uint64_t memory, uint64_t *expected)
{
	uint64_t count = tachyon_stream_count(stream);
	uint64_t words[WORDS];
	int ret;

	ret = write_number(stream, *expected + 1);
	check_code(ret, simulated_cuda_failed());
	if (ret == 0)
		*expected += 1;
	count += ret == 0;
	CHECK_EQ(tachyon_stream_count(stream), count);

	ret = tachyon_stream_read(stream, words, sizeof(words), NULL);
	check_code(ret, simulated_cuda_failed());
	if (ret == 0)
		CHECK_EQ(number_in(words), *expected);

	ret = read_to_memory(stream, memory);
	check_code(ret, simulated_cuda_failed());
	if (ret == 0)
		CHECK_EQ(number_in_memory(memory), *expected);

	ret = write_from_memory(stream, memory);
	check_code(ret, simulated_cuda_failed());
	count += ret == 0;
	CHECK_EQ(tachyon_stream_count(stream), count);
	if (ret == 0)
		*expected = number_in_memory(memory);
}

/* After a failure, all works again. */
static void check_it_works(struct tachyon_stream *stream)
{
	simulated_cuda_fail(0, 0);
	CHECK(!simulated_cuda_failed());
	CHECK_EQ(write_number(stream, 1000), 0);
	CHECK_EQ(read_number(stream), 1000);
}

/* --- in the process that makes the stream --- */

static bool make_with_failure(unsigned int number, enum mode mode, int result)
{
	struct tachyon_stream *stream = NULL;
	struct tachyon_stream *other = NULL;
	uint64_t memory, expected = 0;
	const char *failed;
	size_t before;
	int ret;

	CHECK_EQ(tachyon_gpu_allocate(0, VALUE_SIZE, &memory), 0);
	before = simulated_cuda_live();
	simulated_cuda_fail(number, result);
	ret = try_make_gpu_stream("a", mode, 0, &stream);
	check_code(ret, simulated_cuda_failed());
	if (ret == 0) {
		make_values(stream, memory, &expected);
		ret = try_attach("a", 0, &other);
		check_code(ret, simulated_cuda_failed());
		if (ret == 0)
			make_values(other, memory, &expected);
	}
	failed = simulated_cuda_failed();
	if (stream)
		check_it_works(stream);
	tachyon_stream_destroy(other);
	if (stream)
		end_gpu_stream(stream, "a");
	/* With the last user of the context everything would go. */
	CHECK_EQ(simulated_cuda_live(), before);
	tachyon_gpu_free(0, memory);
	check_nothing_is_left();
	return failed;
}

TEST(each_call_fails_once_where_the_stream_is_made)
{
	static const int results[] = {TACH_DRIVER_OUT_OF_MEMORY, TACH_DRIVER_UNKNOWN,
				      TACH_DRIVER_NOT_SUPPORTED};

	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);
	/* The log line of a failure names the call. */
	for (size_t i = 0; i < 3; i++) {
		for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
			unsigned int number = 1;

			while (make_with_failure(number, mode, results[i]))
				number++;
			CHECK(number > 60);
			CHECK(number < CALLS_MAX);
		}
	}
}

/* --- in a process that attaches --- */

static bool attach_with_failure(unsigned int number)
{
	struct tachyon_stream *stream = NULL;
	uint64_t memory, expected;
	const char *failed;
	size_t before;
	int ret;

	CHECK_EQ(tachyon_gpu_allocate(0, VALUE_SIZE, &memory), 0);
	stream = attach("a");
	expected = read_number(stream);
	tachyon_stream_destroy(stream);
	stream = NULL;

	before = simulated_cuda_live();
	simulated_cuda_fail(number, TACH_DRIVER_UNKNOWN);
	ret = try_attach("a", 0, &stream);
	check_code(ret, simulated_cuda_failed());
	if (ret == 0)
		make_values(stream, memory, &expected);
	failed = simulated_cuda_failed();
	if (stream)
		check_it_works(stream);
	tachyon_stream_destroy(stream);
	CHECK_EQ(simulated_cuda_live(), before);
	tachyon_gpu_free(0, memory);
	check_nothing_is_left();
	return failed;
}

static int attach_with_failures(struct other *other)
{
	unsigned int number = 1;

	await(other);
	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);
	while (attach_with_failure(number))
		number++;
	CHECK(number > 30);
	CHECK(number < CALLS_MAX);
	return 0;
}

TEST(each_call_fails_once_where_somebody_attaches)
{
	struct other other = start_other(attach_with_failures, "a", NULL);
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);

	tell(&other);
	end_other(&other);
	CHECK_EQ(read_number(stream), 1000);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

/* Where the context cannot be entered, what is in it goes with its last user. */
TEST(each_call_fails_once_when_all_is_given_back)
{
	for (unsigned int number = 1; number < CALLS_MAX; number++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
		const uint64_t memory = make_memory(1);
		const char *failed;

		simulated_cuda_fail(number, TACH_DRIVER_UNKNOWN);
		end_gpu_stream(stream, "a");
		tachyon_gpu_free(0, memory);
		failed = simulated_cuda_failed();
		simulated_cuda_fail(0, 0);
		if (!failed) {
			CHECK(number > 10);
			check_nothing_is_left();
			return;
		}
	}
	CHECK(false);
}

/* --- other things that fail --- */

TEST(without_descriptors_nothing_is_made_and_nothing_left)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	const size_t before = simulated_cuda_live();
	struct tachyon_stream *other = NULL;
	struct rlimit old = forbid_fds();

	CHECK_EQ(try_make_gpu_stream("b", PERFORMANCE, 0, &other), -EMFILE);
	CHECK_EQ(try_attach("a", 0, &other), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	/* One for the file, none for what keeps it known. */
	old = limit_to(RLIMIT_NOFILE, (rlim_t)next_fd() + 1);
	CHECK_EQ(try_make_gpu_stream("b", PERFORMANCE, 0, &other), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK_EQ(simulated_cuda_live(), before);
	CHECK(!other);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(device_memory_needs_a_descriptor_of_its_own)
{
	uint8_t part[TACH_STREAM_DEVICE_SIZE];
	const int file = tach_os_memfd("file");
	struct tach_device *device = NULL;
	struct rlimit old = forbid_fds();

	CHECK_EQ(tach_device_create(0, VALUE_SIZE, file, part, &device), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(!device);
	tach_os_close(file);
	check_nothing_is_left();
}

TEST(a_driver_that_does_not_begin_is_none)
{
	struct tachyon_stream *stream = NULL;
	uint64_t memory;

	CHECK_EQ(setenv("SIMULATED_CUDA_INIT", "999", 1), 0);
	tachyon_log_set(keep_line, NULL, TACHYON_LOG_ERROR);
	CHECK_EQ(tachyon_gpu_count(), 0);
	CHECK_STR_EQ(last_line, "cuInit: CUDA_ERROR_UNKNOWN (999)");
	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, 0, &stream), -ENODEV);
	CHECK_EQ(tachyon_gpu_allocate(0, 8, &memory), -ENODEV);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
}

TEST(a_driver_without_devices_is_none)
{
	struct tachyon_stream *stream = NULL;

	CHECK_EQ(setenv("SIMULATED_CUDA_DEVICES", "0", 1), 0);
	CHECK_EQ(tachyon_gpu_count(), 0);
	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, 0, &stream), -ENODEV);
}
