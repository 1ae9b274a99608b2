/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A machine without a CUDA driver: this program is not linked with the simulated one.
 */
#include "stream-setup.h"

static struct tachyon_stream_options on_device(uint32_t has_mirror)
{
	return (struct tachyon_stream_options){
		.size = sizeof(struct tachyon_stream_options),
		.device = TACHYON_DEVICE_CUDA,
		.has_mirror = has_mirror,
	};
}

static void need_no_driver(void)
{
	if (tachyon_gpu_count() > 0)
		SKIP("this machine has a CUDA driver");
}

TEST(there_are_no_devices)
{
	uint64_t memory;

	need_no_driver();
	CHECK_EQ(tachyon_gpu_count(), 0);
	CHECK_EQ(tachyon_gpu_allocate(0, 8, &memory), -ENODEV);
	tachyon_gpu_free(0, 0);
}

TEST(a_stream_on_a_device_is_refused_and_leaves_nothing)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 64, WORDS);
	struct tachyon_stream *stream = NULL;

	need_no_driver();
	for (uint32_t has_mirror = 0; has_mirror < 2; has_mirror++) {
		const struct tachyon_stream_options options = on_device(has_mirror);

		CHECK_EQ(tachyon_stream_create(name_of("a"), &array, &options, &stream), -ENODEV);
	}
	CHECK(!stream);
	CHECK_EQ(tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
}

TEST(streams_of_the_host_do_without)
{
	struct tachyon_stream *const stream = make_stream("a");
	const struct tachyon_stream_options options = on_device(0);
	struct tachyon_stream *other = NULL;

	need_no_driver();
	CHECK_EQ(write_number(stream, 1), 0);
	CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &other), -ENODEV);
	CHECK(!other);
	CHECK_EQ(read_number(stream), 1);
	end_stream(stream, "a");
}
