/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "system.h"

struct received {
	int count;
	enum tachyon_log_level level;
	char line[1024];
};

static void receive(enum tachyon_log_level level, const char *line, void *data)
{
	struct received *received = data;

	received->count++;
	received->level = level;
	snprintf(received->line, sizeof(received->line), "%s", line);
	errno = EXDEV;
}

TEST(without_a_callback_lines_are_dropped)
{
	tach_log(TACHYON_LOG_ERROR, "nobody %s", "hears");

	CHECK(true);
}

TEST(a_line_reaches_the_callback_formatted_and_without_a_newline)
{
	struct received received = {0};

	tachyon_log_set(receive, &received, TACHYON_LOG_WARNING);
	tach_log(TACHYON_LOG_WARNING, "mmap: %s", "Cannot allocate memory");

	CHECK_EQ(received.count, 1);
	CHECK_EQ(received.level, TACHYON_LOG_WARNING);
	CHECK_STR_EQ(received.line, "mmap: Cannot allocate memory");
}

TEST(lines_less_grave_than_asked_for_are_dropped)
{
	struct received received = {0};

	tachyon_log_set(receive, &received, TACHYON_LOG_WARNING);
	tach_log(TACHYON_LOG_INFO, "chatter");
	CHECK_EQ(received.count, 0);

	tach_log(TACHYON_LOG_ERROR, "grave");
	CHECK_EQ(received.count, 1);
}

TEST(a_callback_set_to_null_gets_no_more_lines)
{
	struct received received = {0};

	tachyon_log_set(receive, &received, TACHYON_LOG_DEBUG);
	tachyon_log_set(NULL, NULL, TACHYON_LOG_DEBUG);
	tach_log(TACHYON_LOG_ERROR, "late");

	CHECK_EQ(received.count, 0);
}

TEST(a_line_that_is_too_long_is_cut)
{
	struct received received = {0};
	char text[800];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	tachyon_log_set(receive, &received, TACHYON_LOG_DEBUG);
	tach_log(TACHYON_LOG_ERROR, "%s", text);

	CHECK_EQ(received.count, 1);
	CHECK_EQ(strlen(received.line), 511);
}

TEST(logging_keeps_errno)
{
	struct received received = {0};

	tachyon_log_set(receive, &received, TACHYON_LOG_DEBUG);
	errno = ENOSPC;
	tach_log(TACHYON_LOG_ERROR, "line");

	CHECK_EQ(errno, ENOSPC);
}

/* Each function belongs to its own data: a mixture would be seen at once. */
static int first_data;
static int second_data;
static atomic_bool is_mixed;
static atomic_uint lines;

static void expect_first(enum tachyon_log_level level, const char *line, void *data)
{
	(void)level;
	(void)line;
	if (data != &first_data)
		atomic_store(&is_mixed, true);
	atomic_fetch_add(&lines, 1);
}

static void expect_second(enum tachyon_log_level level, const char *line, void *data)
{
	(void)level;
	(void)line;
	if (data != &second_data)
		atomic_store(&is_mixed, true);
	atomic_fetch_add(&lines, 1);
}

static void *keep_logging(void *done)
{
	while (!atomic_load((atomic_bool *)done))
		tach_log(TACHYON_LOG_ERROR, "line");
	return NULL;
}

TEST(a_callback_replaced_under_way_keeps_its_own_data)
{
	atomic_bool done = false;
	pthread_t logger;

	tachyon_log_set(expect_first, &first_data, TACHYON_LOG_ERROR);
	CHECK_EQ(pthread_create(&logger, NULL, keep_logging, &done), 0);
	while (atomic_load(&lines) < 1000000) {
		tachyon_log_set(expect_second, &second_data, TACHYON_LOG_ERROR);
		tachyon_log_set(expect_first, &first_data, TACHYON_LOG_ERROR);
	}
	atomic_store(&done, true);
	pthread_join(logger, NULL);

	CHECK(!atomic_load(&is_mixed));
}
