/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Two processes, a bus, both directions at once: every message is checked, for its size, its type
 * and each byte of its content, which follow from its number; so none is lost, doubled or out of
 * its place. Sizes stand at every border, up to the largest, and one more is refused. They are
 * copied in or written in place, alone and in batches, shorter than reserved, and given up.
 *
 *	stress-bus [--messages N] [--spin N] [--ring BYTES] [--other-ring BYTES] [--threads 1|2]
 *		   [--stall-limit-ms N] [--seed N]
 *
 * --messages counts each direction. --threads 2: each side has a thread that sends and one that
 * receives; 1: one does both in turns, mostly one message each, so that both sleep all the time.
 *
 * It says three times:
 *	forgotten  the longest time that somebody slept although there was something to do, as
 *		   watch.c has it: no busy machine adds to it. More than 50 ms fails
 *	delay	   the longest time from just before a message was shown to when its receiver
 *		   had it: with the machine's part in it
 *	gap	   the longest time between two messages at a receiver: likewise, and the sender's
 *		   part in it
 * --stall-limit-ms makes the latter two fail, too: for a machine that is idle.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "side.h"
#include "stress.h"
#include "watch.h"

#define FORGOTTEN_LIMIT_NS (50 * MILLISECOND)
#define RING_USUAL (64u << 10)

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static bool reap(pid_t pids[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		int status;

		if (pids[i] == 0 || waitpid(pids[i], &status, WNOHANG) == 0)
			continue;
		pids[i] = 0;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			note_failure("side %u ended with status %#x", i, (unsigned int)status);
	}
	return pids[0] == 0 && pids[1] == 0;
}

static uint64_t count_progress(const struct lane *lanes)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < 2; i++)
		sum += atomic_load(&lanes[i].sender.begun) + atomic_load(&lanes[i].receiver.begun);
	return sum;
}

/* Where everybody stood when it went wrong. */
static void describe(const struct lane *lanes)
{
	for (unsigned int i = 0; i < 2; i++) {
		const struct lane_end *const sender = &lanes[i].sender;
		const struct lane_end *const receiver = &lanes[i].receiver;

		printf("lane %u: %lu sent, %lu shown%s; %lu received, %lu released%s\n", i,
		       (unsigned long)sender->begun, (unsigned long)sender->shown,
		       sender->waits ? ", waits" : "", (unsigned long)receiver->begun,
		       (unsigned long)receiver->shown, receiver->waits ? ", waits" : "");
	}
}

/* Until both have ended, or nothing moves. Says how long the machine kept the watcher itself. */
static int64_t watch_both(pid_t pids[2], struct watch watches[2], const struct lane *lanes)
{
	const struct timespec period = {.tv_nsec = WATCH_PERIOD_NS};
	int64_t moved_ns = now_ns(), last_ns = moved_ns, longest_ns = 0;
	uint64_t progress = 0;

	while (!reap(pids)) {
		const int64_t now = now_ns();

		for (unsigned int i = 0; i < 2; i++)
			watch_look(&watches[i]);
		if (count_progress(lanes) != progress)
			moved_ns = now;
		progress = count_progress(lanes);
		if (now - moved_ns > HANG_NS + 5 * SECOND || is_over()) {
			if (!is_over())
				note_failure("nothing moves");
			for (unsigned int i = 0; i < 2; i++) {
				if (pids[i] > 0)
					kill(pids[i], SIGKILL);
			}
		}
		if (now - last_ns - WATCH_PERIOD_NS > longest_ns)
			longest_ns = now - last_ns - WATCH_PERIOD_NS;
		last_ns = now;
		nanosleep(&period, NULL);
	}
	for (unsigned int i = 0; i < 2; i++)
		watch_end(&watches[i]);
	return longest_ns;
}

static void start(pid_t pids[2], const struct side_options *options, struct lane *lanes)
{
	for (unsigned int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] < 0) {
			perror("fork");
			exit(EXIT_FAILURE);
		}
		if (pids[i] == 0)
			side_run(options, i, lanes);
	}
}

static void report_lane(unsigned int number, const struct lane *lane, const struct watch *watch,
			int64_t limit_ns)
{
	const struct tachyon_bus_stats *const stats = &lane->stats;

	printf("lane %u: %lu messages, %lu MiB; %lu sleeps, %lu wakes, %lu times full at the "
	       "sender's; forgotten %.3f ms (%lu times); delay %.3f ms (%lu above 1 ms); gap "
	       "%.3f ms (%lu above 1 ms)\n",
	       number, (unsigned long)lane->receiver.shown, (unsigned long)(lane->bytes >> 20),
	       (unsigned long)stats->sleeps, (unsigned long)stats->wakes,
	       (unsigned long)stats->full, ms(watch->longest_ns), (unsigned long)watch->spans,
	       ms(lane->longest_delay_ns), (unsigned long)lane->delays_above_ms,
	       ms(lane->longest_gap_ns), (unsigned long)lane->gaps_above_ms);
	if (watch->longest_ns > FORGOTTEN_LIMIT_NS)
		note_failure("lane %u: forgotten for %.3f ms", number, ms(watch->longest_ns));
	if (limit_ns > 0 && (lane->longest_delay_ns > limit_ns || lane->longest_gap_ns > limit_ns))
		note_failure("lane %u: stalled for longer than %.0f ms", number, ms(limit_ns));
}

static int report(const struct side_options *options, const struct lane *lanes,
		  const struct watch watches[2], int64_t spent_ns, int64_t limit_ns)
{
	for (unsigned int i = 0; i < 2; i++)
		report_lane(i, &lanes[i], &watches[i], limit_ns);
	if (verdict->failures > 0) {
		describe(lanes);
		printf("FAILED: %s\n", verdict->reason);
	}
	printf("%lu messages each way, rings of %lu and %lu, spin %u, %u threads a side: %.1f s, "
	       "%u failures\n",
	       (unsigned long)options->messages, (unsigned long)options->ring[0],
	       (unsigned long)options->ring[1], options->spin, options->threads,
	       (double)spent_ns / 1e9, verdict->failures);
	return verdict->failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* In turns each message takes both sides a sleep and a wake; in a small ring many do. */
static uint64_t usual_count(char **argv)
{
	const uint64_t in_turns = number_after(argv, "--threads", 2) == 1 ? 10 : 1;
	const uint64_t ring = number_after(argv, "--ring", RING_USUAL);

	if (is_long_form())
		return 100000000 / in_turns;
	return (IS_SANITIZED ? 120000 : 1000000) / (ring < RING_USUAL ? 4 : 1) / in_turns;
}

int main(int argc, char **argv)
{
	const uint64_t ring = number_after(argv, "--ring", RING_USUAL);
	char address[64];
	const struct side_options options = {
		.address = address,
		.messages = number_after(argv, "--messages", usual_count(argv)),
		.ring = {ring, number_after(argv, "--other-ring", ring)},
		.spin = (uint32_t)number_after(argv, "--spin", 1000),
		.threads = (uint32_t)number_after(argv, "--threads", 2),
		.seed = number_after(argv, "--seed", (uint64_t)time(NULL)),
	};
	const int64_t limit_ns = (int64_t)number_after(argv, "--stall-limit-ms", 0) * MILLISECOND;
	struct lane *const lanes = make_shared(2 * sizeof(*lanes));
	struct watch watches[2] = {{.lane = &lanes[0]}, {.lane = &lanes[1]}};
	const int64_t start_ns = now_ns();
	int64_t late_ns;
	pid_t pids[2];

	(void)argc;
	verdict = make_shared(sizeof(*verdict));
	snprintf(address, sizeof(address), "@tachyon-stress-bus-%d", (int)getpid());
	printf("seed %lu\n", (unsigned long)options.seed);
	fflush(stdout);
	start(pids, &options, lanes);
	late_ns = watch_both(pids, watches, lanes);
	printf("the machine kept the watcher waiting for %.3f ms at the most\n", ms(late_ns));
	return report(&options, lanes, watches, now_ns() - start_ns, limit_ns);
}
