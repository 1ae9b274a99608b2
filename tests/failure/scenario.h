/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A scenario: what a process does with the library, written once, and run again and again with
 * another call of it failing.
 *
 * What may fail stands in TRY() and DO(); the rest, and what other threads do, never fails. In
 * TRY() a function that failed is called once more, without a failure. So a scenario goes on,
 * unless TRY() answers less than 0: then what it worked with is at its end, in a way that a header
 * names, and the scenario cleans up. Afterwards all of it is run again, and everything must
 * succeed.
 */
#ifndef TACHYON_TESTS_FAILURE_SCENARIO_H
#define TACHYON_TESTS_FAILURE_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <tachyon.h>

#define MS 1000000ll
/* Longer than anything takes that is not held up. */
#define LONG_NS (4000 * MS)

struct scenario {
	const char *name;
	void (*run)(void);
};

/* In a test of the harness: everything fails in turn, and is reported. */
void fail_in_turn(const struct scenario *scenario);

/* A name of this run's own. */
const char *run_name(void);
/* Something did not fail that may. */
bool is_failing(void);
/* Of a failure for good that no function tells its caller: where there is no way on with it. */
void end_failure(void);
/* What a scenario worked with is at its end, because of the failure. */
bool is_over(void);
/* Ends the run as one that was seen to go wrong. */
_Noreturn void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define EXPECT(condition)                                                          \
	do {                                                                       \
		if (!(condition))                                                  \
			complain("%s:%d: not %s", __FILE__, __LINE__, #condition); \
	} while (0)

void attempt_begin(const char *function);
/* True: once more. */
bool attempt_end(int64_t ret);
void attempt_again(int64_t ret);

#define TRY(function, ...)                               \
	({                                               \
		int try_ret;                             \
                                                         \
		attempt_begin(#function);                \
		try_ret = function(__VA_ARGS__);         \
		if (attempt_end(try_ret)) {              \
			try_ret = function(__VA_ARGS__); \
			attempt_again(try_ret);          \
		}                                        \
		try_ret;                                 \
	})

#define DO(function, ...)                 \
	do {                              \
		attempt_begin(#function); \
		function(__VA_ARGS__);    \
		attempt_end(0);           \
	} while (0)

/* Answers AGAIN: waits, and calls once more, until it does not. */
#define PATIENTLY(wait, function, ...)                        \
	({                                                    \
		int patient_ret = TRY(function, __VA_ARGS__); \
                                                              \
		while (patient_ret == TACHYON_ERR_AGAIN) {    \
			EXPECT((wait) == 0);                  \
			patient_ret = function(__VA_ARGS__);  \
		}                                             \
		patient_ret;                                  \
	})

/* A test of its own. */
#define FAIL_IN_TURN(sentence, function)                                              \
	TEST_WITH_TIMEOUT(sentence, 900)                                              \
	{                                                                             \
		fail_in_turn(&(struct scenario){.name = #function, .run = function}); \
	}

/* --- the other side, in a thread, where nothing fails --- */

struct helper;

struct helper *start_helper(int (*run)(void *argument), void *argument);
/* Before one more try. */
void linger(void);
/* What it answered. */
int finish_helper(struct helper *helper);

#endif
