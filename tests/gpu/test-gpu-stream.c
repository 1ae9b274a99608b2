/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Streams in device memory: values go in and come out, in both modes, in one process and between
 * two.
 */
#include "gpu-setup.h"

/* --- one process --- */

TEST(the_devices_are_counted)
{
	CHECK_EQ(setenv("SIMULATED_CUDA_DEVICES", "3", 1), 0);
	CHECK_EQ(tachyon_gpu_count(), 3);
}

TEST(a_stream_that_was_never_written_reads_as_zeros)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		const uint64_t memory = make_memory(7);
		struct tachyon_snapshot snapshot;

		CHECK_EQ(read_with(stream, &snapshot), 0);
		CHECK_EQ(snapshot.count, 0);
		CHECK_EQ(read_to_memory(stream, memory), 0);
		CHECK_EQ(number_in_memory(memory), 0);
		tachyon_gpu_free(0, memory);
		end_gpu_stream(stream, "a");
		check_nothing_is_left();
	}
}

TEST(what_was_written_from_the_host_is_read_there_and_on_the_device)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		const uint64_t memory = make_memory(0);

		for (uint64_t i = 1; i <= 10; i++) {
			struct tachyon_snapshot snapshot;

			CHECK_EQ(write_number(stream, 100 + i), 0);
			CHECK_EQ(read_with(stream, &snapshot), 100 + i);
			CHECK_EQ(snapshot.count, i);
			CHECK_EQ(snapshot.missed, 0);
			CHECK_EQ(read_to_memory(stream, memory), 0);
			CHECK_EQ(number_in_memory(memory), 100 + i);
		}
		tachyon_gpu_free(0, memory);
		end_gpu_stream(stream, "a");
		check_nothing_is_left();
	}
}

TEST(what_was_written_from_the_device_is_read_there_and_on_the_host)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		const uint64_t from = make_memory(5);
		const uint64_t to = make_memory(0);

		CHECK_EQ(write_from_memory(stream, from), 0);
		CHECK_EQ(read_number(stream), 5);
		CHECK_EQ(read_to_memory(stream, to), 0);
		CHECK_EQ(number_in_memory(to), 5);
		CHECK_EQ(tachyon_stream_count(stream), 1);
		tachyon_gpu_free(0, from);
		tachyon_gpu_free(0, to);
		end_gpu_stream(stream, "a");
		check_nothing_is_left();
	}
}

TEST(what_was_queued_on_the_default_stream_is_done_before_a_copy)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	const uint64_t memory = make_memory(0);

	/* The kernel that makes the value. */
	CHECK_EQ(simulated_cuda_queue_fill(memory, 0x22, VALUE_SIZE), 0);
	CHECK_EQ(write_from_memory(stream, memory), 0);
	CHECK_EQ(read_number(stream), 0x2222222222222222);
	/* A kernel that still writes where a value is to be read to. */
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(simulated_cuda_queue_fill(memory, 0x33, VALUE_SIZE), 0);
	CHECK_EQ(read_to_memory(stream, memory), 0);
	CHECK_EQ(number_in_memory(memory), 1);
	tachyon_gpu_free(0, memory);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(handles_of_one_process_share_the_memory)
{
	struct tachyon_stream *const writer = make_gpu_stream("a", PERFORMANCE);
	struct tachyon_stream *const reader = attach("a");
	uint64_t first, second;

	CHECK_EQ(write_number(writer, 1), 0);
	CHECK_EQ(read_number(reader), 1);
	CHECK_EQ(write_number(reader, 2), 0);
	CHECK_EQ(read_number(writer), 2);

	CHECK_EQ(tachyon_stream_lock(writer, 0), 0);
	CHECK_EQ(tachyon_stream_live_device(writer, &first), 0);
	CHECK_EQ(tachyon_stream_unlock(writer), 0);
	CHECK_EQ(tachyon_stream_lock(reader, 0), 0);
	CHECK_EQ(tachyon_stream_live_device(reader, &second), 0);
	CHECK_EQ(tachyon_stream_unlock(reader), 0);
	CHECK_EQ(first, second);
	tachyon_stream_destroy(reader);
	end_gpu_stream(writer, "a");
	check_nothing_is_left();
}

TEST(the_newest_value_in_place_needs_the_lock)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	uint64_t memory = 0;

	CHECK_EQ(write_number(stream, 3), 0);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), -EPERM);
	CHECK_EQ(memory, 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), 0);
	CHECK_EQ(number_in_memory(memory), 3);
	/* It moves with each value. */
	CHECK_EQ(write_number(stream, 4), 0);
	CHECK_EQ(number_in_memory(memory), 3);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), 0);
	CHECK_EQ(number_in_memory(memory), 4);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(the_host_has_no_place_to_write_into)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		void *data;

		CHECK_EQ(tachyon_stream_begin(stream, 0, &data), -ENODEV);
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(tachyon_stream_live(stream, &data), -ENODEV);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		end_gpu_stream(stream, "a");
	}
	check_nothing_is_left();
}

TEST(device_memory_stays_out_of_the_hosts_reach)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	uint64_t memory;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), 0);
	CHECK_EQ(read_in_child((void *)(uintptr_t)memory), -SIGSEGV);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_gpu_stream(stream, "a");
}

/* --- devices --- */

TEST(a_device_that_is_not_there_is_refused)
{
	struct tachyon_stream *stream = NULL;
	uint64_t memory;

	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, 1, &stream), -ENODEV);
	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, UINT32_MAX, &stream), -ENODEV);
	CHECK(!stream);
	CHECK_EQ(tachyon_gpu_allocate(1, 8, &memory), -ENODEV);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
	check_nothing_is_left();
}

TEST(a_stream_of_another_device_is_refused)
{
	struct tachyon_stream *stream;
	struct tachyon_stream *other = NULL;

	CHECK_EQ(setenv("SIMULATED_CUDA_DEVICES", "2", 1), 0);
	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, 1, &stream), 0);
	CHECK_EQ(info_of(stream).device_index, 1);
	CHECK_EQ(try_attach("a", 0, &other), -ENODEV);
	CHECK_EQ(try_attach("a", 2, &other), -ENODEV);
	CHECK(!other);
	CHECK_EQ(try_attach("a", 1, &other), 0);
	tachyon_stream_destroy(other);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

TEST(a_stream_of_the_host_cannot_be_attached_to)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *other = NULL;
	uint64_t memory;

	CHECK_EQ(try_attach("a", 0, &other), -ENODEV);
	CHECK(!other);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), -ENODEV);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	CHECK_EQ(write_from_memory(stream, 8), -ENODEV);
	CHECK_EQ(read_to_memory(stream, 8), -ENODEV);
	end_stream(stream, "a");
}

TEST(more_than_a_device_has_is_refused)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 64, 1u << 26);
	const struct tachyon_stream_options options = {.size = sizeof(options),
						       .device = TACHYON_DEVICE_CUDA};
	struct tachyon_stream *stream = NULL;
	uint64_t memory;

	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, &options, &stream), -ENOMEM);
	CHECK_EQ(tachyon_gpu_allocate(0, (size_t)2 << 30, &memory), -ENOMEM);
	CHECK(!stream);
	check_nothing_is_left();
}

TEST(a_name_that_is_taken_costs_no_device_memory)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);
	const size_t before = simulated_cuda_live();
	struct tachyon_stream *other = NULL;

	CHECK_EQ(try_make_gpu_stream("a", PERFORMANCE, 0, &other), -EEXIST);
	CHECK_EQ(simulated_cuda_live(), before);
	end_gpu_stream(stream, "a");
	check_nothing_is_left();
}

/* --- without a device --- */

static void check_facts(struct tachyon_stream *stream, enum mode mode)
{
	const struct tachyon_stream_info info = info_of(stream);

	CHECK_EQ(info.device, TACHYON_DEVICE_CUDA);
	CHECK_EQ(info.device_index, 0);
	CHECK_EQ(info.has_mirror, mode);
	CHECK_EQ(info.value_size, VALUE_SIZE);
	CHECK_EQ(info.count, 1);
	CHECK(info.time_ns > 0);
}

TEST(without_a_device_there_are_facts_and_the_lock_and_with_a_mirror_values)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const writer = make_gpu_stream("a", mode);
		struct tachyon_stream *const reader = open_stream("a");
		uint64_t words[WORDS];

		CHECK_EQ(write_number(writer, 9), 0);
		check_facts(reader, mode);
		CHECK_EQ(tachyon_stream_wait(reader, 1, 0), 0);
		CHECK_EQ(tachyon_stream_lock(reader, 0), 0);
		CHECK_EQ(write_within(writer, 10, 0), TACHYON_ERR_AGAIN);
		CHECK_EQ(tachyon_stream_unlock(reader), 0);
		if (mode == MIRRORED)
			CHECK_EQ(read_number(reader), 9);
		else
			CHECK_EQ(tachyon_stream_read(reader, words, sizeof(words), NULL), -ENODEV);
		CHECK_EQ(write_number(reader, 10), -ENODEV);
		CHECK_EQ(read_to_memory(reader, 8), -ENODEV);
		CHECK_EQ(write_from_memory(reader, 8), -ENODEV);
		tachyon_stream_destroy(reader);
		end_gpu_stream(writer, "a");
	}
	check_nothing_is_left();
}

TEST(a_mirror_has_what_was_written_on_the_device)
{
	struct tachyon_stream *const writer = make_gpu_stream("a", MIRRORED);
	struct tachyon_stream *const reader = open_read_only("a");
	const uint64_t memory = make_memory(0);

	for (uint64_t i = 1; i <= 10; i++) {
		uint64_t words[WORDS];

		fill(words, i);
		CHECK_EQ(simulated_cuda_poke(memory, words, sizeof(words)), 0);
		CHECK_EQ(write_from_memory(writer, memory), 0);
		CHECK_EQ(read_number(reader), i);
	}
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(reader);
	end_gpu_stream(writer, "a");
	check_nothing_is_left();
}

TEST(a_read_only_handle_reads_from_the_device_and_does_not_write)
{
	const struct tachyon_stream_options options = {
		.size = sizeof(options), .is_read_only = 1, .device = TACHYON_DEVICE_CUDA};
	struct tachyon_stream *const writer = make_gpu_stream("a", PERFORMANCE);
	const uint64_t memory = make_memory(0);
	struct tachyon_stream *reader;

	CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &reader), 0);
	CHECK_EQ(write_number(writer, 6), 0);
	CHECK_EQ(read_to_memory(reader, memory), 0);
	CHECK_EQ(number_in_memory(memory), 6);
	CHECK_EQ(write_from_memory(reader, memory), TACHYON_ERR_DENIED);
	CHECK_EQ(write_number(reader, 1), TACHYON_ERR_DENIED);
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(reader);
	end_gpu_stream(writer, "a");
	check_nothing_is_left();
}

/* --- two processes --- */

static int read_and_write(struct other *other)
{
	struct tachyon_stream *stream;
	uint64_t memory;

	await(other);
	stream = attach(other->what);
	memory = make_memory(21);
	CHECK_EQ(read_number(stream), 20);
	CHECK_EQ(write_from_memory(stream, memory), 0);
	tell(other);
	await(other);
	CHECK_EQ(read_to_memory(stream, memory), 0);
	CHECK_EQ(number_in_memory(memory), 22);
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(stream);
	check_nothing_is_left();
	return 0;
}

TEST(another_process_reads_and_writes)
{
	struct other others[2] = {
		start_other(read_and_write, "a", NULL),
		start_other(read_and_write, "a", NULL),
	};

	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct other *const other = &others[mode];
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);

		CHECK_EQ(write_number(stream, 20), 0);
		tell(other);
		CHECK_EQ(tachyon_stream_wait(stream, 2, LONG_NS), 0);
		await(other);
		CHECK_EQ(read_number(stream), 21);
		CHECK_EQ(write_number(stream, 22), 0);
		tell(other);
		end_other(other);
		end_gpu_stream(stream, "a");
	}
	check_nothing_is_left();
}

static int write_slowly(struct other *other)
{
	struct tachyon_stream *stream;
	uint64_t memory;
	uint64_t words[WORDS];

	await(other);
	stream = attach(other->what);
	memory = make_memory(0);
	simulated_cuda_slow(VALUE_SIZE / 4, 100);
	tell(other);
	for (uint64_t i = 1; i <= 200; i++) {
		fill(words, i);
		CHECK_EQ(simulated_cuda_poke(memory, words, sizeof(words)), 0);
		CHECK_EQ(i % 2 ? write_from_memory(stream, memory) : write_number(stream, i), 0);
	}
	tachyon_gpu_free(0, memory);
	tachyon_stream_destroy(stream);
	return 0;
}

/* read_number() and number_in_memory() look at every word. */
TEST(readers_never_see_a_value_that_is_half_written)
{
	struct other others[2] = {
		start_other(write_slowly, "a", NULL),
		start_other(write_slowly, "a", NULL),
	};

	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);
		const uint64_t memory = make_memory(0);
		uint64_t last = 0;

		tell(&others[mode]);
		await(&others[mode]);
		simulated_cuda_slow(VALUE_SIZE / 4, 30);
		while (last < 200) {
			const uint64_t before = tachyon_stream_count(stream);
			const uint64_t now = read_number(stream);

			CHECK_EQ(read_to_memory(stream, memory), 0);
			CHECK(now >= before);
			CHECK(number_in_memory(memory) >= now);
			last = now;
		}
		simulated_cuda_slow(0, 0);
		end_other(&others[mode]);
		tachyon_gpu_free(0, memory);
		end_gpu_stream(stream, "a");
	}
	check_nothing_is_left();
}

/* --- fork --- */

static int use_parents_handle(void *arg)
{
	struct tachyon_stream *const stream = arg;
	struct tachyon_stream *other = NULL;
	uint64_t words[WORDS];
	uint64_t memory;

	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	if (info_of(stream).has_mirror)
		CHECK_EQ(read_number(stream), 1);
	else
		CHECK_EQ(tachyon_stream_read(stream, words, sizeof(words), NULL),
			 TACHYON_ERR_FORKED);
	CHECK_EQ(write_number(stream, 2), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_stream_count(stream), 1);
	CHECK_EQ(try_attach("a", 0, &other), TACHYON_ERR_FORKED);
	CHECK_EQ(try_make_gpu_stream("b", PERFORMANCE, 0, &other), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_gpu_allocate(0, 8, &memory), TACHYON_ERR_FORKED);
	CHECK_EQ(tachyon_gpu_count(), 0);
	tachyon_stream_destroy(stream);
	return 0;
}

/* The simulated driver ends a forked child that calls it. */
TEST(a_forked_child_leaves_the_driver_alone)
{
	for (enum mode mode = PERFORMANCE; mode <= MIRRORED; mode++) {
		struct tachyon_stream *const stream = make_gpu_stream("a", mode);

		CHECK_EQ(write_number(stream, 1), 0);
		CHECK_EQ(wait_child(run_child(use_parents_handle, stream)), 0);
		CHECK_EQ(read_number(stream), 1);
		CHECK_EQ(write_number(stream, 2), 0);
		CHECK_EQ(read_number(stream), 2);
		end_gpu_stream(stream, "a");
	}
	check_nothing_is_left();
}

static int unlink_in_child(void *arg)
{
	(void)arg;
	remove_stream("a");
	return 0;
}

TEST(a_forked_child_may_unlink)
{
	struct tachyon_stream *const stream = make_gpu_stream("a", PERFORMANCE);

	CHECK_EQ(wait_child(run_child(unlink_in_child, NULL)), 0);
	tachyon_stream_destroy(stream);
	check_nothing_is_left();
}
