/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Any file where a stream is expected (PROTOCOL.md 9): the input says how long it is, what in its
 * header is not as a stream's, and which words change while it is used. It is looked at, opened,
 * read, waited for without waiting, and written.
 *
 * Whatever the words are: no access beyond the file, no wait, a code; and a value that was written
 * is the one that is read next.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz-fds.h"
#include "os.h"
#include "stream-file.h"

#define FILE_MAX (64u << 10)
#define VALUE_MAX (16u << 10)
#define STEPS_MAX 64

static char name[64];
static char path[TACH_STREAM_PATH_SIZE];
static int file;
static uint8_t *bytes; /* FILE_MAX of them; what is behind the file's end is not touched */
static size_t file_size;
static size_t header_size; /* with what pads it to a page */

static uint64_t numbers_written;

static void set_size(size_t size, bool has_hole)
{
	if (size == file_size && !has_hole)
		return;
	FUZZ_CHECK(ftruncate(file, 0) == 0 && ftruncate(file, (off_t)size) == 0);
	FUZZ_CHECK(has_hole || size == 0 || fallocate(file, 0, 0, (off_t)size) == 0);
	file_size = has_hole ? SIZE_MAX : size;
}

void fuzz_init(void)
{
	snprintf(name, sizeof(name), "fuzz-%d", (int)getpid());
	FUZZ_CHECK(tach_stream_path(name, path) == 0);
	header_size =
		tach_os_page_size() > TACH_HEADER_SIZE ? tach_os_page_size() : TACH_HEADER_SIZE;
	(void)unlink(path);
	file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FUZZ_CHECK(file >= 0);
	bytes = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	FUZZ_CHECK(bytes != MAP_FAILED);
	FUZZ_CHECK(atexit(fuzz_fini) == 0);
}

void fuzz_fini(void)
{
	(void)unlink(path);
}

/* --- the file --- */

/* An array whose four values fit. */
static void choose_array(struct fuzz_input *input, struct tachyon_array *array)
{
	static const uint32_t kinds[][2] = {
		{TACHYON_SCALAR_INT, 64}, {TACHYON_SCALAR_UINT, 8},	{TACHYON_SCALAR_FLOAT, 32},
		{TACHYON_SCALAR_BOOL, 8}, {TACHYON_SCALAR_COMPLEX, 64},
	};
	const uint8_t kind = fuzz_below(input, sizeof(kinds) / sizeof(kinds[0]));

	*array = (struct tachyon_array){.scalar = kinds[kind][0], .bits = kinds[kind][1]};
	array->dimensions = fuzz_below(input, 3);
	for (uint32_t i = 0; i < array->dimensions; i++)
		array->shape[i] = 1 + fuzz_below(input, 16);
}

static struct tach_stream_header *header_here(void)
{
	return (struct tach_stream_header *)bytes;
}

/* Any word of what is written once. */
static void lie_once(struct fuzz_input *input)
{
	const uint8_t where = fuzz_u8(input) % 96;
	uint32_t *const half = (uint32_t *)bytes + where;
	uint64_t whole;

	if (where % 2 == 0 && fuzz_u8(input) < 128) {
		memcpy(&whole, half, sizeof(whole));
		whole = fuzz_number(input, whole);
		memcpy(half, &whole, sizeof(whole));
	} else {
		*half = (uint32_t)fuzz_number(input, *half);
	}
}

/* A word of those that change: at any time, by anybody. */
static void lie_now(struct fuzz_input *input)
{
	struct tach_stream_header *const header = header_here();
	struct tach_stream_slot *const slot = &header->slots[fuzz_below(input, 4)];

	switch (fuzz_below(input, 6)) {
	case 0:
		header->newest = (uint32_t)fuzz_number(input, header->newest);
		break;
	case 1:
		header->readers = (uint32_t)fuzz_number(input, header->readers);
		break;
	case 2:
		header->turnstile = (uint32_t)fuzz_number(input, header->turnstile);
		break;
	case 3:
		slot->version = fuzz_number(input, slot->version);
		break;
	case 4:
		slot->count = fuzz_number(input, header->newest >> 5);
		break;
	default:
		slot->time_ns = fuzz_u64(input);
		break;
	}
}

/* False when it is too short for a header. */
static bool make_file(struct fuzz_input *input)
{
	static const size_t others[] = {0,
					1,
					64,
					384,
					sizeof(struct tach_stream_header) - 1,
					sizeof(struct tach_stream_header)};
	struct tach_stream_shape shape = {.id = {1, 2, 3}};
	const uint8_t how = fuzz_u8(input);
	struct tachyon_array array;
	size_t size;

	choose_array(input, &array);
	FUZZ_CHECK(tach_stream_measure(&array, true, &shape) == 0);
	size = shape.file_size;
	if (fuzz_bit(how, 0))
		size = fuzz_bit(how, 1) ? others[fuzz_below(input, 6)]
					: size + (size_t)(int64_t)(int16_t)fuzz_u16(input);
	if (size > FILE_MAX)
		size = FILE_MAX;
	set_size(size, fuzz_bit(how, 2) && fuzz_bit(how, 3));
	if (size < header_size)
		return false;
	memset(bytes, 0, sizeof(struct tach_stream_header));
	tach_stream_describe(header_here(), &shape);
	if (fuzz_bit(how, 4)) {
		for (unsigned int count = 1 + fuzz_below(input, 4); count > 0; count--)
			lie_once(input);
	}
	if (fuzz_bit(how, 5)) {
		for (unsigned int count = 1 + fuzz_below(input, 4); count > 0; count--)
			lie_now(input);
	}
	/* All of it. */
	if (fuzz_bit(how, 6) && fuzz_bit(how, 7))
		fuzz_bytes(input, bytes, sizeof(struct tach_stream_header));
	return true;
}

/* --- the victim --- */

struct victim {
	struct tachyon_stream *stream;
	size_t value_size;
	bool is_read_only;
	uint8_t value[VALUE_MAX];
};

static void check_code(int ret)
{
	switch (ret) {
	case 0:
	case 1:
	case TACHYON_ERR_AGAIN:
	case TACHYON_ERR_CORRUPT:
	case TACHYON_ERR_VERSION:
	case TACHYON_ERR_DENIED:
	case TACHYON_ERR_CLOSED:
	case -ENODEV:
	case -EPERM:
	case -EBUSY:
	case -EINVAL:
		return;
	default:
		fprintf(stderr, "a code that is not documented: %d\n", ret);
		abort();
	}
}

static int read_value(struct victim *victim)
{
	struct tachyon_snapshot snapshot;
	const int ret =
		tachyon_stream_read(victim->stream, victim->value, victim->value_size, &snapshot);

	check_code(ret);
	return ret;
}

/* What was written is there, however damaged the words were. */
static void check_written(struct victim *victim, uint64_t number)
{
	uint8_t expected[sizeof(number)];
	const size_t size =
		victim->value_size < sizeof(number) ? victim->value_size : sizeof(number);

	memcpy(expected, &number, sizeof(number));
	FUZZ_CHECK(read_value(victim) == 0);
	FUZZ_CHECK(memcmp(victim->value, expected, size) == 0);
}

static void fill(const struct victim *victim, void *value, uint64_t number)
{
	memset(value, 0x77, victim->value_size);
	memcpy(value, &number,
	       victim->value_size < sizeof(number) ? victim->value_size : sizeof(number));
}

static void write_value(struct victim *victim)
{
	const uint64_t number = ++numbers_written;
	int ret;

	fill(victim, victim->value, number);
	ret = tachyon_stream_write(victim->stream, victim->value, victim->value_size, 0);
	check_code(ret);
	FUZZ_CHECK(!victim->is_read_only || ret == TACHYON_ERR_DENIED || ret < 0);
	if (ret == 0)
		check_written(victim, number);
}

static void write_in_place(struct victim *victim, bool gives_up)
{
	const uint64_t number = ++numbers_written;
	void *value;
	int ret = tachyon_stream_begin(victim->stream, 0, &value);

	check_code(ret);
	if (ret < 0)
		return;
	fill(victim, value, number);
	if (gives_up) {
		FUZZ_CHECK(tachyon_stream_rollback(victim->stream) == 0);
		return;
	}
	FUZZ_CHECK(tachyon_stream_commit(victim->stream) == 0);
	check_written(victim, number);
}

static void look_live(struct victim *victim, bool writes)
{
	const uint64_t number = ++numbers_written;
	void *value;
	int ret = tachyon_stream_lock(victim->stream, 0);

	check_code(ret);
	if (ret < 0)
		return;
	ret = tachyon_stream_live(victim->stream, &value);
	check_code(ret);
	if (ret == 0 && writes && !victim->is_read_only)
		fill(victim, value, number);
	FUZZ_CHECK(tachyon_stream_unlock(victim->stream) == 0);
	if (ret == 0 && writes && !victim->is_read_only)
		check_written(victim, number);
}

static void poll_it(struct victim *victim, uint64_t count)
{
	const int ret = tachyon_stream_fd(victim->stream);

	/* There are few such descriptors for each user. */
	if (ret < 0)
		return;
	check_code(tachyon_stream_prepare(victim->stream, count));
	check_code(tachyon_stream_dispatch(victim->stream, count));
}

static void look(struct victim *victim)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_snapshot snapshot;

	FUZZ_CHECK(tachyon_stream_get_info(victim->stream, &info) == 0);
	FUZZ_CHECK(info.value_size == victim->value_size && info.file_size == file_size);
	check_code(tachyon_stream_read(victim->stream, NULL, 0, &snapshot));
	(void)tachyon_stream_count(victim->stream);
}

static void step(struct victim *victim, struct fuzz_input *input)
{
	const uint8_t what = fuzz_u8(input);

	switch (what % 12) {
	case 0:
	case 1:
		(void)read_value(victim);
		break;
	case 2:
		write_value(victim);
		break;
	case 3:
		write_in_place(victim, what >= 128);
		break;
	case 4:
		look_live(victim, what >= 128);
		break;
	case 5:
		check_code(tachyon_stream_wait(victim->stream, fuzz_number(input, 1), 0));
		break;
	case 6:
		look(victim);
		break;
	case 7:
		/* A kernel takes its time to forget a watch. */
		if (what > 250)
			poll_it(victim, fuzz_number(input, 1));
		break;
	case 8:
		lie_once(input);
		break;
	default:
		lie_now(input);
		break;
	}
}

/* Whoever only looks says the same as whoever opens. */
static void check_stat(int expected)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	FUZZ_CHECK(tachyon_stream_stat(name, &info) == expected);
	FUZZ_CHECK(expected < 0 || info.file_size == file_size);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct victim victim;
	struct fuzz_input input = fuzz_input(data, size);
	const uint8_t how = fuzz_u8(&input);
	const struct tachyon_stream_options options = {
		.size = sizeof(options), .is_read_only = how & 1, .spin = UINT32_MAX};
	struct tachyon_stream_info info = {.size = sizeof(info)};
	const unsigned int fds = fuzz_count_fds();
	const bool has_header = make_file(&input);
	int ret;

	numbers_written = 0;
	ret = tachyon_stream_open(name, &options, &victim.stream);
	check_code(ret);
	FUZZ_CHECK(has_header || ret < 0);
	if (fuzz_bit(how, 1))
		check_stat(ret);
	if (ret == 0) {
		victim.is_read_only = how & 1;
		FUZZ_CHECK(tachyon_stream_get_info(victim.stream, &info) == 0);
		FUZZ_CHECK(info.file_size == file_size && info.value_size <= VALUE_MAX);
		victim.value_size = info.value_size;
		for (int steps = 0; input.left > 0 && steps < STEPS_MAX; steps++)
			step(&victim, &input);
		tachyon_stream_destroy(victim.stream);
	}
	FUZZ_CHECK(fuzz_count_fds() == fds);
}
