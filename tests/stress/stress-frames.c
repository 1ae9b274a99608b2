/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One publisher, and many subscribers, each a process, that come and go at random, in order or not:
 * some are killed, and some stopped for a while. Whatever they get is checked, each byte of it, and
 * that it comes in order, once, and with nothing missing that they are not told of.
 *
 *	stress-frames [--seconds N] [--subscribers N] [--rate FRAMES] [--pause SECONDS] [--seed N]
 *
 * Now and then everybody is sent out, and the publisher must have what it had before the first
 * came: all its blocks, and no descriptor, mapping or, in the end, memory more. A line says so.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scene.h"

#define RATE_USUAL 300u
/* The allocator's own; a leak is of something for each visitor, or each frame. */
#define GROWTH_LIMIT (2u << 20)

static const char *const names_of_sights[SIGHTS] = {
	[PUBLISHED] = "frames published",
	[RECEIVED] = "frames received and checked",
	[IN_PLACE] = "of them in place",
	[IN_THE_RING] = "of them in the ring",
	[BYTES] = "bytes of payload checked",
	[AFTER_GAPS] = "frames after others that were dropped or skipped",
	[RELEASED_ELSEWHERE] = "frames released by another thread",
	[KEPT_BEYOND] = "frames kept beyond their subscriber",
	[TAKEN_AWAY] = "frames taken from who was dropped",
	[CAPS] = "caps received",
	[STICKY] = "sticky events received",
	[ONCE] = "events received",
	[URGENT] = "urgent events received",
	[UP] = "events sent to the publisher",
	[UP_URGENT] = "urgent events sent to the publisher",
	[JOINS] = "subscribers joined",
	[LEFT_IN_ORDER] = "of them left in order",
	[LEFT_DYING] = "of them were killed",
	[DROPPED] = "of them were dropped",
	[ROLL_CALLS] = "roll calls",
};

struct scene *scene;

struct director {
	pid_t source;
	pid_t visitors[PLACES];
	bool is_stopped[PLACES];
	int64_t goes_on_ns[PLACES];
	unsigned int count;
	uint64_t dice;
	uint32_t pauses;
	uint64_t killed, stopped;
};

static pid_t start(void (*run)(struct director *director, unsigned int place),
		   struct director *director, unsigned int place)
{
	const pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0)
		run(director, place);
	return pid;
}

static void be_source(struct director *director, unsigned int place)
{
	(void)director;
	(void)place;
	source_run();
}

static void be_visitor(struct director *director, unsigned int place)
{
	visitor_run(place, mix(director->dice + place));
}

/* --- what happens to visitors --- */

static void go_on(struct director *director, unsigned int place)
{
	if (!director->is_stopped[place])
		return;
	kill(director->visitors[place], SIGCONT);
	director->is_stopped[place] = false;
}

static void replace_one(struct director *director, unsigned int place)
{
	int status;

	kill(director->visitors[place], SIGKILL);
	waitpid(director->visitors[place], &status, 0);
	director->is_stopped[place] = false;
	atomic_store(&scene->is_inside[place], 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		note_failure("a visitor ended with status %d", WEXITSTATUS(status));
	director->killed += WIFSIGNALED(status);
	draw(&director->dice);
	director->visitors[place] = start(be_visitor, director, place);
}

static void stop_one(struct director *director, unsigned int place)
{
	if (director->is_stopped[place])
		return;
	kill(director->visitors[place], SIGSTOP);
	director->is_stopped[place] = true;
	director->goes_on_ns[place] =
		now_ns() + (int64_t)(draw(&director->dice) % 1000) * MILLISECOND;
	director->stopped++;
}

static void stir(struct director *director)
{
	const unsigned int place = (unsigned int)(draw(&director->dice) % director->count);

	usleep((useconds_t)(draw(&director->dice) % 20000));
	for (unsigned int i = 0; i < director->count; i++) {
		if (director->is_stopped[i] && now_ns() >= director->goes_on_ns[i])
			go_on(director, i);
	}
	if (draw(&director->dice) % 4 == 0)
		replace_one(director, place);
	else if (draw(&director->dice) % 8 == 0)
		stop_one(director, place);
}

/* --- everybody out --- */

static bool is_source_there(struct director *director)
{
	int status;

	if (director->source == 0)
		return false;
	if (waitpid(director->source, &status, WNOHANG) == 0)
		return true;
	director->source = 0;
	note_failure("the publisher ended with status %#x", (unsigned int)status);
	atomic_store(&verdict->is_over, true);
	return false;
}

/* Sends all out, until the publisher has counted what it has. */
static void empty(struct director *director, enum phase phase)
{
	for (unsigned int i = 0; i < director->count; i++)
		go_on(director, i);
	atomic_store(&scene->phase, phase);
	/* The first one may be over before we come here. */
	director->pauses++;
	while (atomic_load(&scene->pause_count) < director->pauses && !is_over() &&
	       is_source_there(director))
		usleep(2000);
}

static void report_pause(void)
{
	const uint32_t count = atomic_load(&scene->pause_count);
	const struct pause *pause;

	if (count == 0 || count > PAUSES_MAX)
		return;
	pause = &scene->pauses[count - 1];
	printf("%6.1f s: %6lu joins; the publisher has %u descriptors, %u mappings, %lu KiB of its "
	       "own, %lu of %lu blocks free\n",
	       (double)(pause->time_ns - scene->pauses[0].time_ns) / 1e9,
	       (unsigned long)pause->joins, pause->belongings.descriptors,
	       pause->belongings.mappings, (unsigned long)(pause->belongings.anonymous >> 10),
	       (unsigned long)pause->blocks_free, (unsigned long)pause->blocks);
	fflush(stdout);
}

static void play(struct director *director, int64_t seconds, int64_t pause)
{
	int64_t end, next_ns;

	empty(director, EMPTYING);
	report_pause();
	atomic_store(&scene->phase, PLAYING);
	for (unsigned int i = 0; i < director->count; i++)
		director->visitors[i] = start(be_visitor, director, i);
	end = now_ns() + seconds * SECOND;
	next_ns = now_ns() + pause * SECOND;
	while (now_ns() < end && !is_over() && is_source_there(director)) {
		stir(director);
		if (now_ns() < next_ns)
			continue;
		empty(director, EMPTYING);
		report_pause();
		atomic_store(&scene->phase, PLAYING);
		next_ns = now_ns() + pause * SECOND;
	}
	empty(director, OVER);
	report_pause();
}

static void end_all(struct director *director)
{
	const int64_t deadline = now_ns() + (is_over() ? SECOND : HANG_NS);

	for (unsigned int i = 0; i < director->count; i++) {
		go_on(director, i);
		if (director->visitors[i] > 0)
			expect_end(director->visitors[i], deadline, "a visitor");
	}
	if (director->source > 0)
		expect_end(director->source, deadline, "the publisher");
}

/* --- the end --- */

/* What it grew by since the first crowd had been there. A sanitizer keeps what is freed. */
static void check_growth(void)
{
	const uint32_t count = atomic_load(&scene->pause_count);
	uint64_t first, last;

	if (count < 3 || count > PAUSES_MAX)
		return;
	first = scene->pauses[1].belongings.anonymous;
	last = scene->pauses[count - 1].belongings.anonymous;
	if (!IS_SANITIZED && last > first + GROWTH_LIMIT)
		note_failure("the publisher's own memory grew from %lu to %lu KiB",
			     (unsigned long)(first >> 10), (unsigned long)(last >> 10));
}

/* The others take a crowd that is slower, or a machine that is faster, than it may be. */
static const enum sight always_seen[] = {
	PUBLISHED, RECEIVED, IN_PLACE, IN_THE_RING, CAPS, STICKY, JOINS, LEFT_IN_ORDER,
};

static int report(const struct director *director, uint64_t seconds)
{
	bool is_all_seen = true;

	for (unsigned int i = 0; i < SIGHTS; i++)
		printf("%14lu %s\n", (unsigned long)scene->seen[i], names_of_sights[i]);
	for (unsigned int i = 0; i < sizeof(always_seen) / sizeof(always_seen[0]); i++)
		is_all_seen &= scene->seen[always_seen[i]] > 0;
	printf("longest roll call %.3f ms\n", (double)scene->longest_roll_call_ns / 1e6);
	if (verdict->failures > 0)
		printf("FAILED: %s\n", verdict->reason);
	else if (!is_all_seen)
		printf("FAILED: not everything was seen\n");
	printf("%lu s, %u subscribers at a time: %lu killed, %lu stopped; %lu pauses; "
	       "%u failures\n",
	       (unsigned long)seconds, director->count, (unsigned long)director->killed,
	       (unsigned long)director->stopped, (unsigned long)scene->pause_count,
	       verdict->failures);
	return verdict->failures == 0 && is_all_seen ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const bool is_long = is_long_form();
	const uint64_t seconds = number_after(argv, "--seconds", is_long ? 600 : 4);
	const uint64_t pause = number_after(argv, "--pause", is_long ? 10 : 1);
	static struct director director;
	struct belongings before;

	(void)argc;
	verdict = make_shared(sizeof(*verdict));
	scene = make_shared(sizeof(*scene));
	scene->seed = number_after(argv, "--seed", (uint64_t)time(NULL));
	scene->rate = (uint32_t)number_after(argv, "--rate", RATE_USUAL);
	director.count = (unsigned int)number_after(argv, "--subscribers", PLACES);
	director.dice = scene->seed;
	if (director.count == 0 || director.count > PLACES || scene->rate == 0) {
		fprintf(stderr, "too many, or nobody\n");
		return 2;
	}
	snprintf(scene->address, sizeof(scene->address), "@tachyon-stress-frames-%d",
		 (int)getpid());
	printf("seed %lu\n", (unsigned long)scene->seed);
	fflush(stdout);
	before = count_belongings();
	atomic_store(&scene->phase, EMPTYING);
	director.source = start(be_source, &director, 0);
	play(&director, (int64_t)seconds, (int64_t)pause);
	end_all(&director);
	expect_nothing_left(&before, "the director");
	check_growth();
	return report(&director, seconds);
}
