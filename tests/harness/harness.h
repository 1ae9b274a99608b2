/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The C test harness: each test is a sentence, and runs in a process of its own.
 *
 *	TEST(a_new_ring_is_empty)
 *	{
 *		...
 *		CHECK_EQ(tach_ring_receive(&ring, &message), -EAGAIN);
 *	}
 *
 * A test passes when it returns, checked something, and left behind no fd, no mapping of shared
 * memory, no child, no file and no name in /dev/shm. The program prints TAP; `--list` prints the
 * names, and an argument picks the tests it names (a glob pattern). Exit status: 0 passed, 1
 * failed, 2 wrong use, 77 all skipped (0 under meson, which learns of skips from TAP).
 */
#ifndef TACHYON_TESTS_HARNESS_H
#define TACHYON_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct test {
	const char *name;
	void (*run)(void);
	unsigned int timeout_s;
	struct test *next;
};

/* Run the block below in a process of its own; TEST_TIMEOUT seconds in the environment, or 30. */
#define TEST(sentence) TEST_WITH_TIMEOUT(sentence, 0)

#define TEST_WITH_TIMEOUT(sentence, seconds)                                                 \
	static void test_run_##sentence(void);                                               \
	__attribute__((constructor)) static void test_register_##sentence(void)              \
	{                                                                                    \
		static struct test test = {#sentence, test_run_##sentence, (seconds), NULL}; \
                                                                                             \
		test_register(&test);                                                        \
	}                                                                                    \
	static void test_run_##sentence(void)

/*
 * At most one in a program: runs at the start of each test's process, before the harness counts
 * what is open. For a library that keeps fds of its own (gst_init()).
 */
#define TEST_SETUP                                                         \
	static void test_run_setup(void);                                  \
	__attribute__((constructor)) static void test_register_setup(void) \
	{                                                                  \
		test_set_setup(test_run_setup);                            \
	}                                                                  \
	static void test_run_setup(void)

/* A check that fails ends its process at once, in any thread or helper process of the test. */
#define CHECK(condition)                                                        \
	do {                                                                    \
		test_count_check();                                             \
		if (!(condition))                                               \
			test_fail(__FILE__, __LINE__, "CHECK(%s)", #condition); \
	} while (0)

/* Two integers or pointers; both values are printed when they differ. */
#define CHECK_EQ(a, b)                                                            \
	do {                                                                      \
		_Static_assert(TEST_IS_INTEGER(a) && TEST_IS_INTEGER(b),          \
			       "CHECK_EQ is for integers");                       \
		const intmax_t test_a = (intmax_t)(a);                            \
		const intmax_t test_b = (intmax_t)(b);                            \
                                                                                  \
		test_count_check();                                               \
		if (test_a != test_b)                                             \
			test_fail_eq(__FILE__, __LINE__, #a, test_a, #b, test_b); \
	} while (0)

/* NULL equals only NULL. */
#define CHECK_STR_EQ(a, b) test_check_str_eq(__FILE__, __LINE__, #a, (a), #b, (b))

#define CHECK_MEM_EQ(a, b, size) test_check_mem_eq(__FILE__, __LINE__, #a, (a), #b, (b), (size))

/* End the test as skipped; the reason is printed. */
#define SKIP(reason) test_skip(reason)

#define TEST_IS_INTEGER(x) _Generic((x), float : 0, double : 0, long double : 0, default : 1)

/*
 * The test's private directory, which is also its working directory, and empty at the start; an
 * absolute path. What the test leaves there fails it, save files named *.lock: a listener never
 * unlinks its lock file. The last component is unique: use it to name abstract sockets.
 */
const char *test_dir(void);

/*
 * That last component: letters, digits and '-'. What a test names in /dev/shm begins with
 * "tachyon." and contains it. The harness removes what is left of that, also after a test that
 * was killed, and fails the test for it.
 */
const char *test_name(void);

/*
 * Fork a helper process that exits with what fn returns. A check that fails in it fails the test.
 *
 * @return its pid; the test must wait_child() for it
 */
pid_t run_child(int (*fn)(void *arg), void *arg);

/* @return the exit status of the child, or minus the number of the signal that killed it */
int wait_child(pid_t pid);

void test_register(struct test *test);
void test_set_setup(void (*setup)(void));
void test_count_check(void);

/* Whether the long form is asked for: TACHYON_TEST_LONG=1. */
bool test_is_long(void);

_Noreturn void test_skip(const char *reason);
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void test_fail_eq(const char *file, int line, const char *a_text, intmax_t a,
			    const char *b_text, intmax_t b);
void test_check_str_eq(const char *file, int line, const char *a_text, const char *a,
		       const char *b_text, const char *b);
void test_check_mem_eq(const char *file, int line, const char *a_text, const void *a,
		       const char *b_text, const void *b, size_t size);

#endif
