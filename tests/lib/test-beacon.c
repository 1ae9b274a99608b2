/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One word that says how far something is, and on which readers sleep.
 */
#include "beacon.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "system.h"

#define LONG_NS 20000000000ll

#define ALL_BITS (TACH_BEACON_ASLEEP | TACH_BEACON_WATCHED | TACH_BEACON_RINGING)

struct scene {
	_Atomic uint32_t word;
	_Atomic uint32_t seen[8];
	int file;
	int watch;
};

static _Atomic uint32_t not_canceled;

static struct scene *make_scene(void)
{
	struct scene *const scene = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK((void *)scene != MAP_FAILED);
	scene->file = tach_os_unnamed_file("/dev/shm");
	CHECK(scene->file >= 0);
	scene->watch = tach_os_watch(scene->file);
	CHECK(scene->watch >= 0);
	return scene;
}

static void end_scene(struct scene *scene)
{
	tach_os_close(scene->watch);
	tach_os_close(scene->file);
	CHECK_EQ(munmap(scene, sizeof(*scene)), 0);
}

static uint32_t mark_of(struct scene *scene)
{
	return tach_beacon_mark(tach_beacon_look(&scene->word));
}

/* The next one. */
static void publish(struct scene *scene)
{
	tach_beacon_publish(&scene->word, scene->file, (mark_of(scene) + 1) & TACH_MARK_MASK);
}

static bool is_readable(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};

	return poll(&entry, 1, 0) == 1;
}

/* --- one thread --- */

TEST(publishing_shows_the_mark_and_leaves_no_bits)
{
	static const uint32_t bits[] = {0, TACH_BEACON_ASLEEP, TACH_BEACON_WATCHED,
					TACH_BEACON_ASLEEP | TACH_BEACON_WATCHED};
	struct scene *const scene = make_scene();

	CHECK_EQ(mark_of(scene), 0);
	for (uint32_t i = 0; i < 16; i++) {
		scene->word |= bits[i % 4];
		publish(scene);
		CHECK_EQ(scene->word, (i + 1) << TACH_MARK_SHIFT);
		CHECK_EQ(mark_of(scene), i + 1);
	}
	end_scene(scene);
}

TEST(marks_wrap)
{
	static const uint32_t bits[] = {0, TACH_BEACON_ASLEEP, TACH_BEACON_WATCHED};
	struct scene *const scene = make_scene();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(bits); i++) {
		scene->word = TACH_MARK_MASK << TACH_MARK_SHIFT | bits[i];
		CHECK_EQ(mark_of(scene), TACH_MARK_MASK);
		publish(scene);
		CHECK_EQ(scene->word, 0);
	}
	end_scene(scene);
}

/* From one mark to a later one, whatever the bits are; the difference fits a system call. */
TEST(a_mark_may_be_a_little_more_than_the_last)
{
	static const uint32_t steps[] = {1, 2, 3, 4, 5, 6, 7};
	struct scene *const scene = make_scene();

	for (uint32_t bits = 0; bits <= ALL_BITS; bits++) {
		for (size_t i = 0; i < TACH_ARRAY_SIZE(steps); i++) {
			const uint32_t last = TACH_MARK_MASK - 3;
			const uint32_t mark = (last + steps[i]) & TACH_MARK_MASK;

			scene->word = last << TACH_MARK_SHIFT | bits;
			tach_beacon_publish(&scene->word, scene->file, mark);
			CHECK_EQ(scene->word, mark << TACH_MARK_SHIFT);
		}
	}
	end_scene(scene);
}

TEST(arming_is_refused_where_the_word_has_moved)
{
	struct scene *const scene = make_scene();
	uint32_t seen = tach_beacon_look(&scene->word);

	publish(scene);
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_ASLEEP), 0);
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_WATCHED), 0);
	CHECK_EQ(scene->word, 1u << TACH_MARK_SHIFT);

	seen = tach_beacon_look(&scene->word);
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_ASLEEP),
		 seen | TACH_BEACON_ASLEEP);
	CHECK_EQ(scene->word, seen | TACH_BEACON_ASLEEP);
	/* A second sleeper, who looked before or after the first. */
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_ASLEEP), 0);
	seen = tach_beacon_look(&scene->word);
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_ASLEEP), seen);
	CHECK_EQ(tach_beacon_arm(&scene->word, seen, TACH_BEACON_WATCHED),
		 seen | TACH_BEACON_WATCHED);
	CHECK_EQ(mark_of(scene), 1);
	end_scene(scene);
}

TEST(a_watched_file_is_touched_and_another_is_not)
{
	struct scene *const scene = make_scene();

	publish(scene);
	CHECK(!is_readable(scene->watch));
	CHECK(tach_beacon_arm(&scene->word, tach_beacon_look(&scene->word), TACH_BEACON_ASLEEP) !=
	      0);
	publish(scene);
	CHECK(!is_readable(scene->watch));
	CHECK(tach_beacon_arm(&scene->word, tach_beacon_look(&scene->word), TACH_BEACON_WATCHED) !=
	      0);
	publish(scene);
	CHECK(is_readable(scene->watch));
	tach_os_watch_clear(scene->watch);
	/* Once for each arming. */
	publish(scene);
	CHECK(!is_readable(scene->watch));
	end_scene(scene);
}

TEST(nobody_rings_after_a_repair_and_whoever_armed_stays_armed)
{
	struct scene *const scene = make_scene();

	scene->word = 7u << TACH_MARK_SHIFT | ALL_BITS;
	tach_beacon_repair(&scene->word);
	CHECK_EQ(scene->word, 7u << TACH_MARK_SHIFT | TACH_BEACON_ASLEEP | TACH_BEACON_WATCHED);
	tach_beacon_repair(&scene->word);
	CHECK_EQ(mark_of(scene), 7);
	/* What a dead writer left ringing is in no later one's way. */
	scene->word = 7u << TACH_MARK_SHIFT | ALL_BITS;
	publish(scene);
	CHECK_EQ(scene->word, 8u << TACH_MARK_SHIFT);
	CHECK(is_readable(scene->watch));
	end_scene(scene);
}

/* --- sleepers --- */

/* As the header says it is done. */
static uint32_t sleep_until(struct scene *scene, uint32_t wanted)
{
	for (;;) {
		const uint32_t seen = tach_beacon_look(&scene->word);
		uint32_t armed;

		if (tach_beacon_mark(seen) >= wanted)
			return tach_beacon_mark(seen);
		armed = tach_beacon_arm(&scene->word, seen, TACH_BEACON_ASLEEP);
		if (armed != 0)
			CHECK_EQ(tach_os_futex_sleep(&scene->word, armed, &not_canceled,
						     tach_os_deadline(LONG_NS)),
				 0);
	}
}

static uint32_t poll_until(struct scene *scene, int watch, uint32_t wanted)
{
	for (;;) {
		struct pollfd entry = {.fd = watch, .events = POLLIN};
		const uint32_t seen = tach_beacon_look(&scene->word);

		if (tach_beacon_mark(seen) >= wanted)
			return tach_beacon_mark(seen);
		if (seen & TACH_BEACON_RINGING)
			continue;
		if (tach_beacon_arm(&scene->word, seen, TACH_BEACON_WATCHED) == 0)
			continue;
		CHECK_EQ(poll(&entry, 1, 20000), 1);
		tach_os_watch_clear(watch);
	}
}

#define ROUNDS 10000u

struct reader {
	struct scene *scene;
	uint32_t seat;
	bool polls;
};

static void follow(const struct reader *reader)
{
	const int watch = reader->polls ? tach_os_watch(reader->scene->file) : -1;
	uint32_t reached = 0;

	while (reached < ROUNDS) {
		reached = reader->polls ? poll_until(reader->scene, watch, reached + 1)
					: sleep_until(reader->scene, reached + 1);
		atomic_store(&reader->scene->seen[reader->seat], reached);
	}
	tach_os_close(watch);
}

static int follow_in_process(void *arg)
{
	follow(arg);
	return 0;
}

static void *follow_in_thread(void *arg)
{
	follow(arg);
	return NULL;
}

/* The next is published when all have seen the last: a wake-up that is lost is not made up for. */
static void lead(struct scene *scene, uint32_t readers)
{
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		publish(scene);
		for (uint32_t j = 0; j < readers; j++)
			while (atomic_load(&scene->seen[j]) < i)
				sched_yield();
	}
}

TEST_WITH_TIMEOUT(no_process_misses_what_waits_for_it, 120)
{
	struct scene *const scene = make_scene();
	pid_t children[4];

	for (uint32_t i = 0; i < 4; i++) {
		struct reader reader = {scene, i, i == 3};

		children[i] = run_child(follow_in_process, &reader);
	}
	lead(scene, 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_child(children[i]), 0);
	end_scene(scene);
}

TEST_WITH_TIMEOUT(no_thread_misses_what_waits_for_it, 120)
{
	struct scene *const scene = make_scene();
	struct reader readers[4];
	pthread_t threads[4];

	for (uint32_t i = 0; i < 4; i++) {
		readers[i] = (struct reader){scene, i, i >= 2};
		CHECK_EQ(pthread_create(&threads[i], NULL, follow_in_thread, &readers[i]), 0);
	}
	lead(scene, 4);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end_scene(scene);
}
