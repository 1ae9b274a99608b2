/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Streams that are asked for devices which are not there, whether or not the machine has others.
 */
#include "stream-setup.h"

/* A real driver opens descriptors of its own when it is first asked, and keeps them. */
TEST_SETUP
{
	tachyon_gpu_count();
}

TEST(a_device_of_no_kind_is_refused)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 16, 2);
	const struct tachyon_stream_options options = {.size = sizeof(options), .device = 7};
	struct tachyon_stream *stream;

	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, &options, &stream), -EINVAL);
	CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &stream), -EINVAL);
}

TEST(a_device_that_is_not_there_is_said_to_be_missing_and_nothing_is_left)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 16, 2);
	const struct tachyon_stream_options options = {
		.size = sizeof(options), .device = TACHYON_DEVICE_CUDA, .device_index = 1000000};
	struct tachyon_stream *const stream = make_stream("b");
	struct tachyon_stream *second;

	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, &options, &second), -ENODEV);
	CHECK(access(path_of("a"), F_OK) < 0);
	/* It does not live on one. */
	CHECK_EQ(tachyon_stream_open(name_of("b"), &options, &second), -ENODEV);
	end_stream(stream, "b");
}

TEST(what_is_for_devices_says_that_there_is_none)
{
	struct tachyon_stream *const stream = make_stream("a");
	uint64_t memory = 1;

	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_write_device(stream, 4096, VALUE_SIZE, 0), -ENODEV);
	CHECK_EQ(tachyon_stream_read_device(stream, 4096, VALUE_SIZE, NULL), -ENODEV);
	CHECK_EQ(tachyon_stream_live_device(stream, &memory), -ENODEV);
	CHECK_EQ(memory, 1);
	CHECK(tachyon_gpu_count() >= 0);
	CHECK_EQ(tachyon_gpu_allocate(1000000, 4096, &memory), -ENODEV);
	tachyon_stream_destroy(stream);
	remove_stream("a");
}
