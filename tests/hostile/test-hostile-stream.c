/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Files in the place of a stream that are none, or lie about what they are: they are refused, and
 * can be unlinked.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "stream-layout.h"
#include "stream-setup.h"

/* --- what open and stat say --- */

static void check_answer(const char *lie, int ret, int expected)
{
	test_count_check();
	if (ret != expected)
		test_fail(__FILE__, __LINE__, "%s: %d (%s) is not %d", lie, ret,
			  tachyon_strerror(ret), expected);
}

static void check_refused_as(const char *lie, int expected)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};
	struct tachyon_stream *stream = NULL;
	const int first = next_fd();
	const struct tachyon_array array = array_of(TACHYON_SCALAR_INT, 8, 1);

	check_answer(lie, tachyon_stream_open(name_of("a"), NULL, &stream), expected);
	check_answer(lie, tachyon_stream_stat(name_of("a"), &info), expected);
	check_answer(lie, tachyon_stream_create(name_of("a"), &array, NULL, &stream), -EEXIST);
	CHECK(!stream);
	CHECK_EQ(next_fd(), first);
}

static void check_refused(const char *lie)
{
	check_refused_as(lie, TACHYON_ERR_CORRUPT);
}

/* --- headers --- */

static struct tach_stream_header *map_header(const char *what)
{
	const int fd = open(path_of(what), O_RDWR | O_CLOEXEC);
	void *header;

	CHECK(fd >= 0);
	header = mmap(NULL, TACH_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(header != MAP_FAILED);
	close(fd);
	return header;
}

static void unmap_header(struct tach_stream_header *header)
{
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
}

/* A stream that was written, and whose creator is gone. */
static struct tach_stream_header *make_victim(void)
{
	struct tachyon_stream *const stream = make_stream("a");

	CHECK_EQ(write_number(stream, 1), 0);
	tachyon_stream_destroy(stream);
	return map_header("a");
}

struct lie {
	const char *what;
	size_t offset;
	size_t size; /* 4 or 8 */
	uint64_t value;
};

#define SLOT_SIZE 12288ull /* of VALUE_SIZE, where pages are of 4096 bytes */
#define FILE_SIZE (TACH_HEADER_SIZE + 4 * SLOT_SIZE)

#define LIE(field, bytes, lied)                                                                 \
	{                                                                                       \
		.what = #field " " #lied, .offset = offsetof(struct tach_stream_header, field), \
		.size = (bytes), .value = (lied),                                               \
	}
#define LIE32(field, lied) LIE(field, 4, lied)
#define LIE64(field, lied) LIE(field, 8, lied)

static const struct lie lies[] = {
	LIE64(magic, 0),
	LIE64(magic, TACH_MAGIC + 1),
	LIE64(magic, TACH_MAGIC ^ 1ull << 63),
	LIE64(magic, 0x54434859304e3031),
	LIE64(magic, UINT64_MAX),
	LIE32(kind, 0),
	LIE32(kind, TACH_SEGMENT_RING),
	LIE32(kind, TACH_SEGMENT_PAYLOAD),
	LIE32(kind, TACH_SEGMENT_STREAM + 1),
	LIE32(kind, UINT32_MAX),
	LIE64(size, 0),
	LIE64(size, FILE_SIZE - 1),
	LIE64(size, FILE_SIZE + 1),
	LIE64(size, FILE_SIZE + 4096),
	LIE64(size, FILE_SIZE - 4096),
	LIE64(size, FILE_SIZE | 1ull << 32),
	LIE64(size, 1ull << 63),
	LIE64(size, UINT64_MAX),
	LIE64(data_offset, 0),
	LIE64(data_offset, 1),
	LIE64(data_offset, TACH_HEADER_SIZE - 1),
	LIE64(data_offset, TACH_HEADER_SIZE + 1),
	LIE64(data_offset, TACH_HEADER_SIZE + 4096),
	LIE64(data_offset, FILE_SIZE),
	LIE64(data_offset, (uint64_t)-4096),
	LIE64(data_offset, UINT64_MAX),
	LIE64(slot_size, 0),
	LIE64(slot_size, 1),
	LIE64(slot_size, VALUE_SIZE),
	LIE64(slot_size, SLOT_SIZE - 1),
	LIE64(slot_size, SLOT_SIZE + 1),
	LIE64(slot_size, SLOT_SIZE + 4096),
	LIE64(slot_size, SLOT_SIZE - 4096),
	/* four of them are the same, modulo 2^64 */
	LIE64(slot_size, SLOT_SIZE | 1ull << 62),
	LIE64(slot_size, UINT64_MAX),
	LIE64(value_size, 0),
	LIE64(value_size, 1),
	LIE64(value_size, VALUE_SIZE - 1),
	LIE64(value_size, VALUE_SIZE + 1),
	LIE64(value_size, SLOT_SIZE),
	LIE64(value_size, SLOT_SIZE + 1),
	LIE64(value_size, FILE_SIZE),
	LIE64(value_size, TACH_STREAM_VALUE_MAX + 1),
	LIE64(value_size, UINT64_MAX),
	LIE32(scalar, 3),
	LIE32(scalar, 4),
	LIE32(scalar, TACHYON_SCALAR_BOOL),
	LIE32(scalar, 7),
	LIE32(scalar, UINT32_MAX),
	LIE32(bits, 0),
	LIE32(bits, 1),
	LIE32(bits, 7),
	LIE32(bits, 8),
	LIE32(bits, 32),
	LIE32(bits, 63),
	LIE32(bits, 65),
	LIE32(bits, 128),
	LIE32(bits, 0x80000040),
	LIE32(bits, UINT32_MAX),
	LIE32(dimensions, 0),
	LIE32(dimensions, 2),
	LIE32(dimensions, TACH_STREAM_DIMENSIONS),
	LIE32(dimensions, TACH_STREAM_DIMENSIONS + 1),
	LIE32(dimensions, 1u << 31),
	LIE32(dimensions, UINT32_MAX),
	LIE64(shape, 0),
	LIE64(shape, 1),
	LIE64(shape, WORDS - 1),
	LIE64(shape, WORDS + 1),
	/* eight times this is VALUE_SIZE, modulo 2^64 */
	LIE64(shape, WORDS + (1ull << 61)),
	LIE64(shape, 1ull << 61),
	LIE64(shape, UINT64_MAX),
	LIE32(device, 2),
	LIE32(device, UINT32_MAX),
	LIE32(device_index, 1),
	LIE32(device_index, UINT32_MAX),
	LIE32(has_mirror, 0),
	LIE32(has_mirror, 2),
	LIE32(has_mirror, UINT32_MAX),
};

static void put(struct tach_stream_header *header, const struct lie *lie)
{
	memcpy((uint8_t *)header + lie->offset, &lie->value, lie->size);
}

TEST(a_header_that_lies_is_corrupt_whatever_the_lie)
{
	struct tach_stream_header *const header = make_victim();
	struct tach_stream_header honest;
	uint8_t other_id[TACHYON_STREAM_ID_SIZE];

	CHECK_EQ(header->size, FILE_SIZE);
	memcpy(other_id, header->id, sizeof(other_id));
	other_id[TACHYON_STREAM_ID_SIZE - 1] ^= 1;
	memcpy(&honest, header, sizeof(honest));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put(header, &lies[i]);
		check_refused(lies[i].what);
		check_answer(lies[i].what, tachyon_stream_unlink(name_of("a"), other_id), -ENOENT);
		memcpy(header, &honest, sizeof(honest));
	}
	/* It was nothing else. */
	tachyon_stream_destroy(open_stream("a"));
	unmap_header(header);
	remove_stream("a");
}

TEST(a_damaged_stream_can_be_unlinked_and_its_name_used_again)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct tach_stream_header *const header = make_victim();

		put(header, &lies[i]);
		check_answer(lies[i].what, tachyon_stream_unlink(name_of("a"), NULL), 0);
		check_answer(lies[i].what, tachyon_stream_unlink(name_of("a"), NULL), -ENOENT);
		unmap_header(header);
	}
	end_stream(make_stream("a"), "a");
}

TEST(another_version_says_so_if_it_is_a_stream_at_all)
{
	static const uint32_t versions[] = {0, TACH_PROTOCOL + 1, UINT32_MAX};
	struct tach_stream_header *const header = make_victim();

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		header->protocol = versions[i];
		check_refused_as("a version", TACHYON_ERR_VERSION);
	}
	header->magic++;
	check_refused("a version of something else");
	unmap_header(header);
	remove_stream("a");
}

/* Sizes that contradict the array agree with one another: still a lie. */
struct product {
	uint64_t shape[4];
};

TEST(products_that_overflow_to_the_right_size_are_corrupt)
{
	static const struct product products[] = {
		{{WORDS, (1ull << 61) + 1, 1, 1}},
		{{(1ull << 61) + 1, WORDS, 1, 1}},
		{{1ull << 32, 1ull << 32, WORDS, 1}},
		{{1ull << 16, 1ull << 16, 1ull << 16, 1ull << 16}},
		{{UINT64_MAX, UINT64_MAX, WORDS, 1}},
		{{WORDS, 0, 1, 1}},
		{{WORDS, 1, 1, 0}},
		{{0, 0, 0, 0}},
	};
	struct tach_stream_header *const header = make_victim();

	header->dimensions = 4;
	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		memcpy(header->shape, products[i].shape, sizeof(products[i].shape));
		check_refused("a product");
	}
	unmap_header(header);
	remove_stream("a");
}

/* All sizes but the file's own say a larger value; or a smaller one. */
TEST(a_header_that_fits_another_file_is_corrupt)
{
	struct tach_stream_header *const header = make_victim();

	header->shape[0] = 2 * WORDS;
	header->value_size = 2 * VALUE_SIZE;
	header->slot_size = 2 * SLOT_SIZE;
	header->size = TACH_HEADER_SIZE + 8 * SLOT_SIZE;
	check_refused("larger");
	header->shape[0] = 1;
	header->value_size = 8;
	header->slot_size = 4096;
	header->size = TACH_HEADER_SIZE + 4 * 4096;
	check_refused("smaller");
	header->shape[0] = 1ull << 45;
	header->value_size = header->slot_size = 1ull << 48;
	header->size = TACH_HEADER_SIZE + (1ull << 50);
	check_refused("enormous");
	unmap_header(header);
	remove_stream("a");
}

TEST(what_is_reserved_is_ignored_as_is_what_is_nobodys)
{
	struct tach_stream_header *const header = make_victim();
	struct tachyon_stream *stream;

	header->reserved0 = UINT32_MAX;
	memset(header->reserved1, 0xff, sizeof(header->reserved1));
	memset(header->device_part, 0xff, sizeof(header->device_part));
	header->creator_pid = UINT32_MAX;
	header->create_time_ns = UINT64_MAX;
	header->shape[1] = 77;
	stream = open_stream("a");
	CHECK_EQ(info_of(stream).array.shape[1], 0);
	CHECK_EQ(info_of(stream).creator_pid, UINT32_MAX);
	CHECK_EQ(info_of(stream).create_time_ns, UINT64_MAX);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(write_number(stream, 2), 0);
	CHECK_EQ(read_number(stream), 2);
	unmap_header(header);
	end_stream(stream, "a");
}

TEST(a_header_that_lies_later_misleads_no_handle)
{
	struct tach_stream_header honest;
	struct tach_stream_header *header;
	struct tachyon_stream *stream;
	uint64_t *words;
	void *data;

	unmap_header(make_victim());
	stream = open_stream("a");
	header = map_header("a");
	memcpy(&honest, header, sizeof(honest));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put(header, &lies[i]);
		CHECK_EQ(write_number(stream, i), 0);
		CHECK_EQ(read_number(stream), i);
		CHECK_EQ(tachyon_stream_begin(stream, 0, &data), 0);
		fill(data, i + 1);
		CHECK_EQ(tachyon_stream_commit(stream), 0);
		CHECK_EQ(tachyon_stream_lock(stream, 0), 0);
		CHECK_EQ(tachyon_stream_live(stream, &data), 0);
		words = data;
		CHECK_EQ(number_in(words), i + 1);
		fill(words, i + 2);
		CHECK_EQ(tachyon_stream_unlock(stream), 0);
		CHECK_EQ(read_number(stream), i + 2);
		CHECK_EQ(info_of(stream).value_size, VALUE_SIZE);
		/* Without the words that change. */
		memcpy(header, &honest, offsetof(struct tach_stream_header, newest));
	}
	unmap_header(header);
	end_stream(stream, "a");
}

/* --- files --- */

static void make_file(off_t size)
{
	const int fd = open(path_of("a"), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, size), 0);
	close(fd);
}

TEST(a_file_that_is_short_or_empty_is_corrupt)
{
	static const off_t sizes[] = {0,
				      1,
				      8,
				      sizeof(struct tach_stream_header) - 1,
				      sizeof(struct tach_stream_header),
				      TACH_HEADER_SIZE - 1,
				      TACH_HEADER_SIZE,
				      1 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_file(sizes[i]);
		check_refused("zeros");
		remove_stream("a");
	}
}

TEST(a_stream_whose_file_has_another_size_is_corrupt)
{
	static const off_t sizes[] = {0,
				      1,
				      64,
				      sizeof(struct tach_stream_header) - 1,
				      sizeof(struct tach_stream_header),
				      TACH_HEADER_SIZE,
				      TACH_HEADER_SIZE + SLOT_SIZE,
				      FILE_SIZE - 4096,
				      FILE_SIZE - 1,
				      FILE_SIZE + 1,
				      FILE_SIZE + 4096,
				      1ll << 40};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unmap_header(make_victim());
		CHECK_EQ(truncate(path_of("a"), sizes[i]), 0);
		check_refused("a size");
		remove_stream("a");
	}
}

TEST(a_file_with_holes_is_corrupt)
{
	struct tach_stream_header honest;
	struct tach_stream_header *const header = make_victim();
	int fd;

	memcpy(&honest, header, sizeof(honest));
	unmap_header(header);
	remove_stream("a");
	make_file(FILE_SIZE);
	fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
	CHECK_EQ(pwrite(fd, &honest, sizeof(honest), 0), sizeof(honest));
	check_refused("holes");
	close(fd);
	remove_stream("a");
}

/* Blocks past the end count as the file's, so that a hole goes unnoticed: it reads as zeros. */
TEST(a_hidden_hole_harms_nobody)
{
	struct tachyon_stream *stream;
	int fd;
	int ret;

	unmap_header(make_victim());
	fd = open(path_of("a"), O_RDWR | O_CLOEXEC);
	CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, FILE_SIZE, 1 << 20), 0);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, TACH_HEADER_SIZE,
			   4 * SLOT_SIZE),
		 0);
	close(fd);
	ret = tachyon_stream_open(name_of("a"), NULL, &stream);
	CHECK(ret == 0 || ret == TACHYON_ERR_CORRUPT);
	if (ret == 0) {
		CHECK_EQ(read_number(stream), 0);
		CHECK_EQ(write_number(stream, 4), 0);
		CHECK_EQ(read_number(stream), 4);
		tachyon_stream_destroy(stream);
	}
	remove_stream("a");
}

/* --- what is no file --- */

TEST(a_directory_is_refused)
{
	CHECK_EQ(mkdir(path_of("a"), 0700), 0);
	check_refused("a directory");
	CHECK(tachyon_stream_unlink(name_of("a"), NULL) < 0);
	CHECK_EQ(rmdir(path_of("a")), 0);
}

TEST(a_fifo_is_refused_without_a_wait_for_its_other_end)
{
	CHECK_EQ(mkfifo(path_of("a"), 0600), 0);
	check_refused("a FIFO");
	remove_stream("a");
}

TEST(a_socket_is_refused)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(strlen(path_of("a")) < sizeof(address.sun_path));
	memcpy(address.sun_path, path_of("a"), strlen(path_of("a")));
	CHECK_EQ(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	check_refused("a socket");
	close(sock);
	remove_stream("a");
}

TEST(a_symlink_is_refused_even_to_a_stream)
{
	struct tachyon_stream *const stream = make_stream("b");
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", path_of("b"));
	CHECK_EQ(symlink(target, path_of("a")), 0);
	check_refused("a symlink to a stream");
	remove_stream("a");
	CHECK_EQ(info_of(stream).is_unlinked, 0);
	CHECK_EQ(symlink("/nowhere", path_of("a")), 0);
	check_refused("a symlink to nothing");
	remove_stream("a");
	end_stream(stream, "b");
}

TEST(a_device_is_refused)
{
	struct tachyon_stream *stream = NULL;
	int ret;

	if (mknod(path_of("a"), S_IFCHR | 0600, makedev(1, 5)) < 0)
		SKIP("cannot make a device: run it as root");
	ret = tachyon_stream_open(name_of("a"), NULL, &stream);
	/* Where the file system knows no devices, the kernel does not let anybody open one. */
	CHECK(ret == TACHYON_ERR_CORRUPT || ret == TACHYON_ERR_DENIED);
	CHECK(!stream);
	CHECK_EQ(unlink(path_of("a")), 0);
}

/* A name that was not written by us: listed under no name, or by one that it has. */
static int find_own(const char *name, void *data)
{
	if (!strstr(name, test_name()))
		return 0;
	++*(unsigned int *)data;
	return 0;
}

TEST(names_that_cannot_be_are_not_listed)
{
	static const char *const ends[] = {".", "%", "%4", "%41", "%2f", "%zz", "%00", "a.b", " "};
	char path[PATH_MAX];
	unsigned int found = 0;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s", path_of("a"), ends[i]);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		CHECK(fd >= 0);
		close(fd);
	}
	CHECK_EQ(tachyon_stream_list(find_own, &found), 0);
	CHECK_EQ(found, 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", path_of("a"), ends[i]);
		CHECK_EQ(unlink(path), 0);
	}
}
