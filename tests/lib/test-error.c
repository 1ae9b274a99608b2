/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include <tachyon/error.h>
#include <tachyon/version.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

static const int own_codes[] = {
	TACHYON_ERR_AGAIN,    TACHYON_ERR_CLOSED,  TACHYON_ERR_CORRUPT, TACHYON_ERR_CANCELED,
	TACHYON_ERR_TIMEDOUT, TACHYON_ERR_TOO_BIG, TACHYON_ERR_VERSION, TACHYON_ERR_DENIED,
	TACHYON_ERR_IN_USE,   TACHYON_ERR_FORKED,
};

#define OWN_COUNT (sizeof(own_codes) / sizeof(own_codes[0]))

TEST(zero_is_success)
{
	CHECK_STR_EQ(tachyon_strerror(0), "success");
}

TEST(each_code_with_a_meaning_here_has_a_text_of_its_own)
{
	for (size_t i = 0; i < OWN_COUNT; i++) {
		CHECK(strcmp(tachyon_strerror(own_codes[i]), strerror(-own_codes[i])) != 0 ||
		      own_codes[i] == TACHYON_ERR_DENIED);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(tachyon_strerror(own_codes[i]),
				     tachyon_strerror(own_codes[j])) != 0);
	}
	CHECK_STR_EQ(tachyon_strerror(-EACCES), "permission denied");
	CHECK_STR_EQ(tachyon_strerror(-EBADMSG), "the peer broke the protocol");
}

TEST(other_errors_read_as_errno_says)
{
	CHECK_STR_EQ(tachyon_strerror(-EMFILE), "Too many open files");
	CHECK_STR_EQ(tachyon_strerror(-ENOTSOCK), "Socket operation on non-socket");
}

TEST(unknown_numbers_are_an_unknown_error)
{
	CHECK_STR_EQ(tachyon_strerror(-4095), "unknown error");
	CHECK_STR_EQ(tachyon_strerror(1), "unknown error");
	CHECK_STR_EQ(tachyon_strerror(EPIPE), "unknown error");
	CHECK_STR_EQ(tachyon_strerror(INT_MAX), "unknown error");
	CHECK_STR_EQ(tachyon_strerror(INT_MIN), "unknown error");
}

TEST(the_library_is_of_the_version_its_header_says)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "%d.%d.%d", TACHYON_VERSION_MAJOR,
		 TACHYON_VERSION_MINOR, TACHYON_VERSION_MICRO);

	CHECK_STR_EQ(tachyon_version(), expected);
}
