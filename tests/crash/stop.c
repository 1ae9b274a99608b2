/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Stopping a process wherever it is. */
#include "stop.h"

#include <harness.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"
#include "witness.h"

#define ROUNDS_SHORT 200u
#define ROUNDS_LONG 20000u
#define SHORT_NS (10000 * MS)
#define LONG_NS (100000 * MS)

static uint64_t over_at_ns;

void stop_begin(void)
{
	const char *const text = getenv("TACHYON_CRASH_SEED");
	const unsigned int seed =
		text ? (unsigned int)strtoul(text, NULL, 0)
		     : (unsigned int)(witness_now_ns() / 1000) ^ (unsigned int)getpid() << 16;

	fprintf(stderr, "# TACHYON_CRASH_SEED=%u\n", seed);
	srand(seed);
	over_at_ns = witness_now_ns() + (uint64_t)(test_is_long() ? LONG_NS : SHORT_NS);
}

bool stop_again(unsigned int rounds)
{
	const unsigned int most = test_is_long() ? ROUNDS_LONG : ROUNDS_SHORT;

	return rounds == 0 || (rounds < most && witness_now_ns() < over_at_ns);
}

unsigned int stop_dice(unsigned int limit)
{
	return (unsigned int)rand() % limit;
}

uint64_t stop_moment(void)
{
	return witness_now_ns() + stop_dice(400) * 1000;
}

void stop_process(pid_t pid)
{
	int status;

	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	if (!WIFSTOPPED(status))
		test_fail(__FILE__, __LINE__, "it ended by itself: %d", status);
}

void stop_go_on(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGCONT), 0);
}

void stop_kill(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(wait_child(pid), -SIGKILL);
}

void stop_check_patience(uint64_t begun_ns)
{
	const uint64_t took_ns = witness_now_ns() - begun_ns;

	CHECK(took_ns >= (uint64_t)STOP_PATIENCE_NS);
	CHECK(took_ns < (uint64_t)WITNESS_LIMIT_NS);
}
