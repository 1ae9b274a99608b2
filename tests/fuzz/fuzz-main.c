/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What libFuzzer calls.
 */
#include "fuzz.h"

#include <tachyon/log.h>

/* Each lie is a line of the log: formatting it is tested, writing it down is not. */
static void forget(enum tachyon_log_level level, const char *line, void *data)
{
	(void)level;
	(void)data;
	FUZZ_CHECK(strlen(line) < 4096);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	tachyon_log_set(forget, NULL, TACHYON_LOG_DEBUG);
	fuzz_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_one(data, size);
	return 0;
}
