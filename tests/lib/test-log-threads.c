/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Callbacks that two threads set at a time: each finds what the other has added, whole.
 */
#include <pthread.h>

#include <tachyon/log.h>

#include "harness.h"
#include "log.h"

#define CALLBACKS 100
#define ROUNDS 20

static int numbers[CALLBACKS];

static void ignore(enum tachyon_log_level level, const char *line, void *data)
{
	(void)level;
	(void)line;
	CHECK((int *)data >= numbers && (int *)data < numbers + CALLBACKS);
}

static void *set_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < CALLBACKS * ROUNDS; i++) {
		tachyon_log_set(ignore, &numbers[i % CALLBACKS], TACHYON_LOG_ERROR);
		tach_log(TACHYON_LOG_ERROR, "line %d", i);
	}
	return NULL;
}

TEST(two_threads_set_callbacks_and_log)
{
	pthread_t other;

	CHECK_EQ(pthread_create(&other, NULL, set_all, NULL), 0);
	set_all(NULL);
	CHECK_EQ(pthread_join(other, NULL), 0);
	tachyon_log_set(NULL, NULL, TACHYON_LOG_ERROR);
}
