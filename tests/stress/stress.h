/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* What the stress programs of buses and frames share: options, a verdict, what is left behind. */
#ifndef TACHYON_TESTS_STRESS_STRESS_H
#define TACHYON_TESTS_STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
/* Nobody waits so long: he hangs. Whoever is stopped by the machine is given some of it. */
#define HANG_NS (60 * SECOND)

/* Of all processes. The first reason counts: what others find then comes of it. */
struct verdict {
	_Atomic bool is_over;
	_Atomic uint32_t failures;
	char reason[512];
};

extern struct verdict *verdict;

int64_t now_ns(void);
/* A good hash of one word (splitmix64's): what is drawn, and what payloads are made of. */
static inline uint64_t mix(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

/* The next of a sequence of random words. */
static inline uint64_t draw(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ull;
	return mix(*state);
}

uint64_t number_after(char **argv, const char *option, uint64_t usual);
/* TACHYON_TEST_LONG=1 */
bool is_long_form(void);

/* Memory that children share; exits where there is none. */
void *make_shared(size_t size);
/* Notes the reason. */
void note_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Notes the reason, ends it all, and this process. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void expect(int ret, int expected, const char *what);
bool is_over(void);

/* What a process has open. */
struct belongings {
	unsigned int descriptors;
	unsigned int mappings; /* of memory files */
	uint64_t anonymous;    /* resident bytes that are no file's */
};

struct belongings count_belongings(void);
/* Fails where there is more, or less, than before; memory is not compared. */
void expect_nothing_left(const struct belongings *before, const char *whose);

/* Waits for a child, kills it where it hangs; notes it unless it exited well, or was killed. */
void expect_end(pid_t pid, int64_t deadline, const char *who);

#endif
