/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Threads that share a handle of a stream in device memory, or make many.
 */
#include <pthread.h>
#include <unistd.h>

#include "gpu-setup.h"

#define VALUES 60

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, arg), 0);
	return thread;
}

static void finish(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* --- one handle --- */

static void *write_values(void *arg)
{
	for (uint64_t i = 1; i <= VALUES; i++)
		CHECK_EQ(write_number(arg, i), 0);
	CHECK_EQ(simulated_cuda_depth(), 0);
	return NULL;
}

static void *read_values(void *arg)
{
	uint64_t last = 0;

	while (tachyon_stream_count(arg) < 2 * VALUES) {
		const uint64_t memory = make_memory(0);

		read_number(arg);
		CHECK_EQ(read_to_memory(arg, memory), 0);
		last = number_in_memory(memory);
		CHECK(last <= VALUES);
		tachyon_gpu_free(0, memory);
	}
	return NULL;
}

TEST(threads_read_and_write_through_one_handle)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		pthread_t threads[4];

		simulated_cuda_slow(VALUE_SIZE / 4, 10);
		threads[0] = start(write_values, stream);
		threads[1] = start(write_values, stream);
		threads[2] = start(read_values, stream);
		threads[3] = start(read_values, stream);
		for (size_t i = 0; i < 4; i++)
			finish(threads[i]);
		CHECK_EQ(tachyon_stream_count(stream), 2 * VALUES);
		CHECK_EQ(read_number(stream), VALUES);
		simulated_cuda_slow(0, 0);
		end_gpu_stream(stream, "a");
		check_nothing_is_left();
	}
}

/* --- a reader beside a writer whose copy takes long --- */

struct slow_write {
	struct tachyon_stream *stream;
	_Atomic int is_done;
};

static void *write_for_long(void *arg)
{
	struct slow_write *const slow = arg;

	CHECK_EQ(write_number(slow->stream, 2), 0);
	atomic_store(&slow->is_done, 1);
	return NULL;
}

TEST(a_reader_does_not_wait_for_a_writer_of_its_handle)
{
	struct slow_write slow = {.stream = make_gpu_stream("a", PERFORMANCE)};
	unsigned int read_beside = 0;
	pthread_t thread;

	CHECK_EQ(write_number(slow.stream, 1), 0);
	simulated_cuda_slow(VALUE_SIZE / 100, 5000);
	thread = start(write_for_long, &slow);
	while (simulated_cuda_slow_copies() == 0)
		usleep(1000);
	/* That one has begun; ours are quick. */
	simulated_cuda_slow(0, 0);
	while (!atomic_load(&slow.is_done)) {
		const uint64_t number = read_number(slow.stream);

		if (tachyon_stream_count(slow.stream) == 1) {
			CHECK_EQ(number, 1);
			read_beside++;
		}
	}
	finish(thread);
	CHECK(read_beside > 1);
	end_gpu_stream(slow.stream, "a");
	check_nothing_is_left();
}

/* --- many handles --- */

static void *open_and_close(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		struct tachyon_stream *const stream = attach("a");

		CHECK_EQ(read_number(stream), 1);
		tachyon_stream_destroy(stream);
	}
	return NULL;
}

static void *make_and_end(void *arg)
{
	for (int i = 0; i < 20; i++)
		end_gpu_stream(make_gpu_stream(arg, PERFORMANCE), arg);
	return NULL;
}

TEST(threads_make_and_open_at_once)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	static char first[] = "b", second[] = "c";
	pthread_t threads[4];

	CHECK_EQ(write_number(stream, 1), 0);
	threads[0] = start(open_and_close, NULL);
	threads[1] = start(open_and_close, NULL);
	threads[2] = start(make_and_end, first);
	threads[3] = start(make_and_end, second);
	for (size_t i = 0; i < 4; i++)
		finish(threads[i]);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

static void *count_devices(void *arg)
{
	(void)arg;
	CHECK_EQ(tachyon_gpu_count(), 1);
	return NULL;
}

TEST(the_driver_is_loaded_once_by_threads_that_ask_at_once)
{
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		threads[i] = start(count_devices, NULL);
	for (size_t i = 0; i < 8; i++)
		finish(threads[i]);
	CHECK_EQ(simulated_cuda_calls(), 8);
}
