/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What may be the name of a stream, and which file it becomes.
 */
#include <sys/stat.h>

#include "stream-setup.h"

/* Begins with test_name(), so that the harness finds it: letters, digits and '-'. */
static int create_named(const char *name)
{
	const struct tachyon_array array = array_of(TACHYON_SCALAR_UINT, 8, 1);
	struct tachyon_stream *stream;
	const int ret = tachyon_stream_create(name, &array, NULL, &stream);

	if (ret == 0)
		tachyon_stream_destroy(stream);
	return ret;
}

static int open_named(const char *name)
{
	struct tachyon_stream *stream;
	const int ret = tachyon_stream_open(name, NULL, &stream);

	if (ret == 0)
		tachyon_stream_destroy(stream);
	return ret;
}

static bool has_file(const char *encoded)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/shm/tachyon.%u.%s%s", (unsigned int)geteuid(),
		 test_name(), encoded);
	return lstat(path, &status) == 0;
}

struct encoding {
	const char *name;
	const char *file;
};

TEST(letters_digits_dash_and_underscore_stand_as_they_are_and_all_else_as_numbers)
{
	static const struct encoding encodings[] = {
		{"", ""},
		{"-azAZ09_-", "-azAZ09_-"},
		{".", "%2E"},
		{"..", "%2E%2E"},
		{"/../x", "%2F%2E%2E%2Fx"},
		{" ", "%20"},
		{"%41", "%2541"},
		{"%", "%25"},
		{"\n", "%0A"},
		{"\x01", "%01"},
		{"\x7f", "%7F"},
		{"\xc3\xa9", "%C3%A9"},
		{"\xff", "%FF"},
		{"@[`{", "%40%5B%60%7B"},
	};

	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		char name[256];

		snprintf(name, sizeof(name), "%s%s", test_name(), encodings[i].name);
		CHECK_EQ(create_named(name), 0);
		if (!has_file(encodings[i].file))
			CHECK_STR_EQ(encodings[i].file, "the file's name");
		CHECK_EQ(open_named(name), 0);
		CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
		CHECK(!has_file(encodings[i].file));
	}
}

struct search {
	const char *name;
	unsigned int found;
};

static int compare(const char *name, void *data)
{
	struct search *const search = data;

	search->found += strcmp(name, search->name) == 0;
	return 0;
}

TEST(any_byte_but_nul_may_stand_in_a_name_and_is_listed_as_it_was)
{
	for (int byte = 1; byte < 256; byte++) {
		char name[256];
		struct search search = {.name = name};

		snprintf(name, sizeof(name), "%s-%c-", test_name(), byte);
		CHECK_EQ(create_named(name), 0);
		CHECK_EQ(create_named(name), -EEXIST);
		CHECK_EQ(tachyon_stream_list(compare, &search), 0);
		CHECK_EQ(search.found, 1);
		CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
	}
}

TEST(names_that_differ_in_case_are_different)
{
	CHECK_EQ(create_named(name_of("a")), 0);
	CHECK_EQ(open_named(name_of("A")), -ENOENT);
	remove_stream("a");
}

/* --- length --- */

static int stat_named(const char *name)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	return tachyon_stream_stat(name, &info);
}

static void check_all(const char *name, int expected)
{
	CHECK_EQ(create_named(name), expected);
	CHECK_EQ(open_named(name), expected);
	CHECK_EQ(stat_named(name), expected);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), expected);
}

TEST(a_name_of_no_bytes_is_no_name)
{
	check_all("", -EINVAL);
	check_all(NULL, -EINVAL);
}

TEST(a_name_may_be_as_long_as_a_files_allows)
{
	char prefix[64];
	char name[400];
	const int taken = snprintf(prefix, sizeof(prefix), "tachyon.%u.", (unsigned int)geteuid());
	const size_t most = 255 - (size_t)taken;

	memset(name, 'x', sizeof(name));
	memcpy(name, test_name(), strlen(test_name()));
	name[most] = '\0';
	CHECK_EQ(create_named(name), 0);
	CHECK_EQ(open_named(name), 0);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);

	name[most] = 'x';
	name[most + 1] = '\0';
	check_all(name, -ENAMETOOLONG);
	memset(name + 254, 'x', 20);
	name[255] = '\0';
	check_all(name, -ENAMETOOLONG);
}

TEST(what_is_stored_as_numbers_takes_three_bytes_each)
{
	char name[256];
	char prefix[64];
	const int taken = snprintf(prefix, sizeof(prefix), "tachyon.%u.%s", (unsigned int)geteuid(),
				   test_name());
	const size_t most = (255 - (size_t)taken) / 3;
	const size_t start = strlen(test_name());

	memset(name, ' ', sizeof(name));
	memcpy(name, test_name(), start);
	name[start + most] = '\0';
	CHECK_EQ(create_named(name), 0);
	CHECK_EQ(tachyon_stream_unlink(name, NULL), 0);
	name[start + most] = ' ';
	name[start + most + 1] = '\0';
	check_all(name, -ENAMETOOLONG);
}

TEST(a_name_past_every_limit_is_refused_without_a_look_at_its_end)
{
	static char name[100000];

	memset(name, 'x', sizeof(name) - 1);
	check_all(name, -ENAMETOOLONG);
	memset(name, '/', sizeof(name) - 1);
	check_all(name, -ENAMETOOLONG);
}

/* --- users --- */

static int be_another(struct other *other)
{
	struct tachyon_stream *stream;

	(void)other;
	if (setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0)
		return 2;
	CHECK_EQ(open_named(name_of("a")), -ENOENT);
	stream = make_stream("a");
	CHECK_EQ(read_number(stream), 0);
	CHECK_EQ(write_number(stream, 2), 0);
	CHECK_EQ(access(path_of("a"), F_OK), 0);
	end_stream(stream, "a");
	return 0;
}

TEST(each_user_has_names_of_their_own)
{
	struct tachyon_stream *stream;
	struct other other;

	if (geteuid() != 0)
		SKIP("needs another user: run it as root");
	stream = make_stream("a");
	CHECK_EQ(write_number(stream, 1), 0);
	other = start_other(be_another, "a", NULL);
	end_other(&other);
	CHECK_EQ(read_number(stream), 1);
	CHECK_EQ(info_of(stream).is_unlinked, 0);
	end_stream(stream, "a");
}
