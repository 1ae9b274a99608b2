/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What streams are made of, and what they refuse to be made of.
 */
#include "stream-setup.h"

static int create_array(const struct tachyon_array *array, uint64_t *value_size)
{
	struct tachyon_stream *stream;
	const int ret = tachyon_stream_create(name_of("a"), array, NULL, &stream);

	if (ret < 0)
		return ret;
	*value_size = info_of(stream).value_size;
	end_stream(stream, "a");
	return 0;
}

/* --- types --- */

struct kind {
	uint32_t scalar;
	uint32_t bits[6]; /* up to a 0 */
};

static const struct kind kinds[] = {
	{TACHYON_SCALAR_INT, {8, 16, 32, 64}},
	{TACHYON_SCALAR_UINT, {8, 16, 32, 64}},
	{TACHYON_SCALAR_FLOAT, {16, 32, 64, 128}},
	{TACHYON_SCALAR_COMPLEX, {64, 128, 256}},
	{TACHYON_SCALAR_BOOL, {8}},
};

TEST(every_type_can_be_had)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (const uint32_t *bits = kinds[i].bits; *bits != 0; bits++) {
			const struct tachyon_array array = array_of(kinds[i].scalar, *bits, 11);
			uint64_t size;

			CHECK_EQ(create_array(&array, &size), 0);
			CHECK_EQ(size, 11 * *bits / 8);
		}
	}
}

TEST(a_type_that_does_not_exist_is_refused)
{
	static const uint32_t wrong[][2] = {
		{TACHYON_SCALAR_INT, 0},
		{TACHYON_SCALAR_INT, 1},
		{TACHYON_SCALAR_INT, 7},
		{TACHYON_SCALAR_INT, 24},
		{TACHYON_SCALAR_INT, 256},
		{TACHYON_SCALAR_UINT, 0},
		{TACHYON_SCALAR_UINT, 12},
		{TACHYON_SCALAR_UINT, 512},
		{TACHYON_SCALAR_FLOAT, 0},
		{TACHYON_SCALAR_FLOAT, 80},
		{TACHYON_SCALAR_FLOAT, 256},
		{TACHYON_SCALAR_COMPLEX, 16},
		{TACHYON_SCALAR_COMPLEX, 32},
		{TACHYON_SCALAR_COMPLEX, 512},
		{TACHYON_SCALAR_BOOL, 1},
		{TACHYON_SCALAR_BOOL, 16},
		{TACHYON_SCALAR_BOOL, 64},
		{3, 64},
		{4, 16},
		{7, 8},
		{UINT32_MAX, 64},
		{TACHYON_SCALAR_INT, UINT32_MAX},
		{TACHYON_SCALAR_INT, 0x20000000},
		{TACHYON_SCALAR_FLOAT, 0x80000020},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct tachyon_array array = array_of(wrong[i][0], wrong[i][1], 4);
		uint64_t size;
		const int ret = create_array(&array, &size);

		if (ret != -EINVAL)
			test_fail(__FILE__, __LINE__, "scalar %u of %u bits: %d", wrong[i][0],
				  wrong[i][1], ret);
		test_count_check();
	}
}

/* --- shapes --- */

TEST(an_array_without_dimensions_is_one_element)
{
	const struct tachyon_array array = {.scalar = TACHYON_SCALAR_FLOAT, .bits = 64};
	uint64_t size;

	CHECK_EQ(create_array(&array, &size), 0);
	CHECK_EQ(size, 8);
}

TEST(an_array_has_at_most_32_dimensions)
{
	struct tachyon_array array = {.scalar = TACHYON_SCALAR_INT,
				      .bits = 16,
				      .dimensions = TACHYON_ARRAY_MAX_DIMENSIONS};
	uint64_t size;

	for (int i = 0; i < TACHYON_ARRAY_MAX_DIMENSIONS; i++)
		array.shape[i] = i % 3 == 0 ? 2 : 1;
	CHECK_EQ(create_array(&array, &size), 0);
	CHECK_EQ(size, 2048 * 2);
	array.dimensions++;
	CHECK_EQ(create_array(&array, &size), -EINVAL);
	array.dimensions = UINT32_MAX;
	CHECK_EQ(create_array(&array, &size), -EINVAL);
}

TEST(a_dimension_of_no_elements_is_refused)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct tachyon_array array = {.scalar = TACHYON_SCALAR_INT,
					      .bits = 16,
					      .dimensions = 3,
					      .shape = {4, 4, 4}};
		uint64_t size;

		array.shape[i] = 0;
		CHECK_EQ(create_array(&array, &size), -EINVAL);
	}
}

TEST(what_is_reserved_is_zero)
{
	struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 16, 2);
	uint64_t size;

	array.reserved = 1;
	CHECK_EQ(create_array(&array, &size), -EINVAL);
}

TEST(a_size_that_overflows_is_too_big)
{
	static const uint64_t shapes[][4] = {
		{UINT64_MAX, 1, 1, 1},
		{1ull << 61, 1, 1, 1},
		{1ull << 63, 2, 1, 1},
		{1ull << 32, 1ull << 32, 1, 1},
		/* their product is 8 and 2^64 times something */
		{1ull << 62, 1ull << 62, 1ull << 62, 1ull << 62},
		{0xffffffffffffffff, 0xffffffffffffffff, 1, 1},
		{(1ull << 61) + 1, 1, 1, 1},
		{1, 1, 1, (1ull << 61) + 1},
		{6700417, 641, (1ull << 32) - 1, 1ull << 16},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct tachyon_array array = {
			.scalar = TACHYON_SCALAR_INT, .bits = 64, .dimensions = 4};
		uint64_t size;

		memcpy(array.shape, shapes[i], sizeof(shapes[i]));
		CHECK_EQ(create_array(&array, &size), TACHYON_ERR_TOO_BIG);
	}
}

TEST(more_than_the_machine_has_is_refused_at_once)
{
	struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 64, 1ull << 43);
	uint64_t size;
	const int ret = create_array(&array, &size);

	CHECK(ret == -ENOSPC || ret == -ENOMEM);
	CHECK(access(path_of("a"), F_OK) < 0);
}

/* --- pointers --- */

TEST(null_is_refused)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 16, 2);
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *stream = NULL;
	void *data;

	CHECK_EQ(tachyon_stream_create(name_of("a"), NULL, NULL, &stream), -EINVAL);
	CHECK_EQ(tachyon_stream_create(name_of("a"), &array, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_create(NULL, &array, NULL, &stream), -EINVAL);
	CHECK_EQ(tachyon_stream_open(name_of("a"), NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_stat(NULL, &info), -EINVAL);
	CHECK_EQ(tachyon_stream_stat(name_of("a"), NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_list(NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_get_info(NULL, &info), -EINVAL);
	CHECK_EQ(tachyon_stream_lock(NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_stream_unlock(NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_begin(NULL, 0, &data), -EINVAL);
	CHECK_EQ(tachyon_stream_commit(NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_rollback(NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_write(NULL, &info, sizeof(info), 0), -EINVAL);
	CHECK_EQ(tachyon_stream_read(NULL, &info, sizeof(info), NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_wait(NULL, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_stream_live(NULL, &data), -EINVAL);
	CHECK_EQ(tachyon_stream_fd(NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_prepare(NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_stream_dispatch(NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_gpu_allocate(0, 4096, NULL), -EINVAL);
	CHECK(!stream);
}

TEST(null_is_refused_by_a_stream)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(tachyon_stream_get_info(stream, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_begin(stream, 0, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
	CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
	CHECK_EQ(tachyon_stream_live(stream, NULL), -EINVAL);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_stream(stream, "a");
}

/* --- structs of other sizes --- */

TEST(a_struct_too_small_for_its_own_size_is_refused)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *second;

	for (uint32_t size = 0; size < 4; size++) {
		const struct tachyon_stream_options options = {.size = size};
		struct tachyon_stream_info info = {.size = size};

		CHECK_EQ(tachyon_stream_open(name_of("a"), &options, &second), -EINVAL);
		CHECK_EQ(tachyon_stream_get_info(stream, &info), -EINVAL);
		CHECK_EQ(tachyon_stream_stat(name_of("a"), &info), -EINVAL);
	}
	end_stream(stream, "a");
}

TEST(facts_are_filled_in_as_far_as_the_struct_goes)
{
	struct tachyon_stream *const stream = make_stream("a");
	const size_t sizes[] = {4, 8, offsetof(struct tachyon_stream_info, count),
				offsetof(struct tachyon_stream_info, is_unlinked),
				sizeof(struct tachyon_stream_info)};
	const struct tachyon_stream_info whole = info_of(stream);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t expected[sizeof(whole) + 64];
		_Alignas(8) uint8_t bytes[sizeof(whole) + 64];
		struct tachyon_stream_info *const info = (struct tachyon_stream_info *)bytes;
		const uint32_t size = (uint32_t)sizes[i];

		for (int by_name = 0; by_name < 2; by_name++) {
			memset(bytes, 0xa5, sizeof(bytes));
			memset(expected, 0xa5, sizeof(expected));
			memcpy(expected, &whole, size);
			memcpy(expected, &size, sizeof(size));
			info->size = size;
			CHECK_EQ(by_name ? tachyon_stream_stat(name_of("a"), info)
					 : tachyon_stream_get_info(stream, info),
				 0);
			CHECK_MEM_EQ(bytes, expected, sizeof(bytes));
		}
	}
	end_stream(stream, "a");
}

TEST(options_of_an_older_or_newer_program_are_understood)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct {
		struct tachyon_stream_options options;
		uint8_t more[64];
	} newer = {.options = {.size = sizeof(newer)}};
	struct tachyon_stream_options older;
	struct tachyon_stream *second;

	CHECK_EQ(tachyon_stream_open(name_of("a"), &newer.options, &second), 0);
	tachyon_stream_destroy(second);
	memset(&older, 0xff, sizeof(older));
	older.size = offsetof(struct tachyon_stream_options, spin);
	CHECK_EQ(tachyon_stream_open(name_of("a"), &older, &second), 0);
	CHECK_EQ(write_number(second, 1), TACHYON_ERR_DENIED);
	tachyon_stream_destroy(second);
	end_stream(stream, "a");
}
