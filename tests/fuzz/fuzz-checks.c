/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The checks of headers that tests share, where there is no harness: in a libFuzzer program.
 */
#include <stdarg.h>

#include "fuzz.h"
#include "harness.h"

void test_count_check(void)
{
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

void test_fail_eq(const char *file, int line, const char *a_text, intmax_t a, const char *b_text,
		  intmax_t b)
{
	test_fail(file, line, "%s is %jd, %s is %jd", a_text, a, b_text, b);
}

void test_check_str_eq(const char *file, int line, const char *a_text, const char *a,
		       const char *b_text, const char *b)
{
	if (strcmp(a, b) != 0)
		test_fail(file, line, "%s is not %s", a_text, b_text);
}

void test_check_mem_eq(const char *file, int line, const char *a_text, const void *a,
		       const char *b_text, const void *b, size_t size)
{
	if (memcmp(a, b, size) != 0)
		test_fail(file, line, "%s is not %s", a_text, b_text);
}
