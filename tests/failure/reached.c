/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What was made to fail by all scenarios together, and what was not. The last test of its
 * program.
 */
#include <harness.h>

#include <stdio.h>
#include <string.h>

#include "turns.h"

/* No scenario gets there; why, and what does. */
static const struct exception {
	const char *function;
	const char *call;
	const char *why;
} exceptions[] = {
	{"tach_os_shares_one_cpu", "sched_getaffinity", "the second: on one processor only"},
	{"dmabuf_size", NULL, "needs a dma-buf: tests/gst/test-dmabuf.c"},
	{"tach_os_memfd", "memfd_create", "the second: Linux before 6.3"},
	{"forget", NULL, "locked memory: tests/lib/test-os.c"},
	{"tach_os_epoll_remove", NULL, "does not fail for what is there"},
	{"tach_os_touch", NULL, "does not fail for one's own file"},
	{"sleep_on_one", NULL, "only where there is no futex_waitv: tests/lib/test-os-futex.c"},
	{"why_cut_off", NULL, "a packet that was cut off: tests/lib/test-sock-packets.c"},
	{"tach_os_pidfd", NULL, "Linux before 6.5"},
	{"make_token_word", "pthread_atfork", "Linux before 4.14"},
	{"tach_os_futex_add_and_wake", NULL,
	 "a lock that many wait for: tests/lib/test-os-futex.c"},
	{"open_others", "malloc", "several processes with device memory: tests/gpu"},
	/* Sinks stay for the process's life; without one the log is silent. */
	{"add", "malloc", "tachyon_log_set() cannot fail"},
};

static const char *why_not(const struct site *site)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		const struct exception *const exception = &exceptions[i];

		if (strcmp(site->function, exception->function) == 0 &&
		    (!exception->call || strcmp(site->call, exception->call) == 0))
			return exception->why;
	}
	return NULL;
}

static void tell(const struct tally *tally, size_t index, const char *why)
{
	const struct site *const site = inject_site(index);

	fprintf(stderr, "# %5u failed, %5u told  %s:%u %s(): %s(%.60s)%s%s\n",
		tally->failures[index], tally->answered[index], strrchr(site->file, '/') + 1,
		site->line, site->function, site->call, site->arguments, why ? ": not, " : "",
		why ? why : "");
}

TEST(every_call_to_the_kernel_and_for_memory_was_made_to_fail)
{
	const struct tally *const tally = turns_tally();
	unsigned int failures = 0, missing = 0;

	for (size_t i = 0; i < inject_site_count(); i++)
		failures += tally->failures[i];
	if (failures == 0)
		SKIP("no scenario ran before: run the whole program");
	for (size_t i = 0; i < inject_site_count(); i++) {
		const bool is_reached = tally->failures[i] > 0;
		const char *const why = is_reached ? NULL : why_not(inject_site(i));

		missing += !is_reached && !why;
		tell(tally, i, is_reached || why ? why : "MISSING");
	}
	fprintf(stderr, "# %u failures at %zu places\n", failures, inject_site_count());
	CHECK_EQ(missing, 0);
}
