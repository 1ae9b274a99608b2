/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The part of os.h about sleeping on a word: with the system call that watches two words, and
 * where the kernel or a filter does not know it.
 */
#include "os.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "system.h"

/* Of Linux 5.16; the headers may be older. */
#define FUTEX_WAITV 449

#define SHORT_NS 30000000ull
#define LONG_NS 20000000000ll

struct scene {
	_Atomic uint32_t word;
	_Atomic uint32_t told;
	_Atomic uint32_t slept;
};

static struct scene *make_scene(void)
{
	void *const memory = mmap(NULL, sizeof(struct scene), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static void end_scene(struct scene *scene)
{
	CHECK_EQ(munmap(scene, sizeof(*scene)), 0);
}

static _Atomic uint32_t not_canceled;

/* --- what every kernel does --- */

static void check_early_end(void)
{
	struct scene *const scene = make_scene();
	_Atomic uint32_t canceled = 1;
	uint64_t before;

	scene->word = 5;
	CHECK_EQ(tach_os_futex_sleep(&scene->word, 4, &not_canceled, TACH_FOREVER), 0);
	CHECK_EQ(tach_os_futex_sleep(&scene->word, 4, &not_canceled,
				     tach_os_deadline((int64_t)SHORT_NS)),
		 0);
	/* It may sleep a little where it sleeps on one word only; not until the deadline. */
	CHECK_EQ(tach_os_futex_sleep(&scene->word, 5, &canceled, tach_os_deadline(LONG_NS)), 0);
	before = tach_os_now_ns();
	while (tach_os_futex_sleep(&scene->word, 5, &not_canceled, before + SHORT_NS) == 0)
		;
	CHECK(tach_os_now_ns() - before >= SHORT_NS);
	CHECK_EQ(tach_os_futex_sleep(&scene->word, 5, &not_canceled, tach_os_now_ns() - 1),
		 -ETIMEDOUT);
	CHECK_EQ(tach_os_futex_sleep(&scene->word, 5, &not_canceled, 1), -ETIMEDOUT);
	end_scene(scene);
}

TEST(a_word_that_has_changed_and_a_time_that_has_passed_end_a_sleep_at_once)
{
	check_early_end();
}

/* Sleeps, as one must, in a loop, until the word is not what it was. */
static int sleep_while_zero(void *arg)
{
	struct scene *const scene = arg;

	scene->told++;
	while (scene->word == 0)
		CHECK_EQ(tach_os_futex_sleep(&scene->word, 0, &not_canceled,
					     tach_os_deadline(LONG_NS)),
			 0);
	scene->slept++;
	return 0;
}

static void check_wake_among_processes(void)
{
	struct scene *const scene = make_scene();
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = run_child(sleep_while_zero, scene);
	while (scene->told < 4)
		sched_yield();
	usleep(2000);
	CHECK_EQ(scene->slept, 0);
	scene->word = 1;
	tach_os_futex_wake(&scene->word, INT_MAX);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_child(children[i]), 0);
	CHECK_EQ(scene->slept, 4);
	end_scene(scene);
}

TEST(one_wake_reaches_sleepers_of_all_processes)
{
	check_wake_among_processes();
}

/* The word does not change: only the cancel word does. */
struct canceled_sleep {
	struct scene *scene;
	_Atomic uint32_t cancel;
};

static void *sleep_until_canceled(void *arg)
{
	struct canceled_sleep *const sleep = arg;

	sleep->scene->told++;
	while (sleep->cancel == 0)
		CHECK_EQ(tach_os_futex_sleep(&sleep->scene->word, 0, &sleep->cancel, TACH_FOREVER),
			 0);
	return NULL;
}

static void check_cancel(void)
{
	struct canceled_sleep sleep = {.scene = make_scene()};
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, sleep_until_canceled, &sleep), 0);
	while (sleep.scene->told == 0)
		sched_yield();
	usleep(2000);
	sleep.cancel = ECANCELED;
	tach_os_futex_wake_own(&sleep.cancel, INT_MAX);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	end_scene(sleep.scene);
}

TEST(a_cancel_word_ends_a_sleep)
{
	check_cancel();
}

/* Adds what makes it go on and wakes, in one. */
static void check_add_and_wake(int addend)
{
	struct scene *const scene = make_scene();
	pid_t children[3];

	for (int i = 0; i < 3; i++)
		children[i] = run_child(sleep_while_zero, scene);
	while (scene->told < 3)
		sched_yield();
	usleep(2000);
	tach_os_futex_add_and_wake(&scene->word, addend);
	CHECK_EQ(scene->word, (uint32_t)addend);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_child(children[i]), 0);
	end_scene(scene);
}

TEST(adding_wakes_all_and_changes_the_word_by_as_much)
{
	static const int addends[] = {1, 16, 15, 12, 2047, -1, -2048};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(addends); i++)
		check_add_and_wake(addends[i]);
}

TEST(adding_wraps_as_unsigned_numbers_do)
{
	struct scene *const scene = make_scene();

	scene->word = UINT32_MAX - 3;
	tach_os_futex_add_and_wake(&scene->word, 16);
	CHECK_EQ(scene->word, 12);
	tach_os_futex_add_and_wake(&scene->word, -16);
	CHECK_EQ(scene->word, UINT32_MAX - 3);
	end_scene(scene);
}

/* --- signals --- */

static void ignore_it(int number)
{
	(void)number;
}

static int sleep_and_be_interrupted(void *arg)
{
	struct scene *const scene = arg;
	const struct sigaction action = {.sa_handler = ignore_it};
	int ret;

	sigaction(SIGUSR1, &action, NULL);
	scene->told = 1;
	do
		ret = tach_os_futex_sleep(&scene->word, 0, &not_canceled, TACH_FOREVER);
	while (ret == 0);
	CHECK_EQ(ret, -EINTR);
	scene->slept = 1;
	return 0;
}

TEST(a_signal_handler_ends_a_sleep)
{
	struct scene *const scene = make_scene();
	const pid_t child = run_child(sleep_and_be_interrupted, scene);

	while (scene->told == 0)
		sched_yield();
	while (scene->slept == 0) {
		CHECK_EQ(kill(child, SIGUSR1), 0);
		usleep(2000);
	}
	CHECK_EQ(wait_child(child), 0);
	end_scene(scene);
}

/* --- a kernel, or a filter, that does not know the newer call --- */

static bool refuse_newer_call(int number)
{
	/* Its flags are always 0. */
	if (!forbid_call(FUTEX_WAITV, 2, 0, number))
		return false;
	errno = 0;
	return syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0) < 0 && errno == number;
}

struct refusal {
	int number;
	void (*check)(void);
};

static int run_refused(void *arg)
{
	const struct refusal *const refusal = arg;

	if (!refuse_newer_call(refusal->number))
		return 77;
	refusal->check();
	return 0;
}

static void check_without(void (*check)(void))
{
	static const int numbers[] = {ENOSYS, EPERM};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(numbers); i++) {
		struct refusal refusal = {numbers[i], check};
		const int status = wait_child(run_child(run_refused, &refusal));

		if (status == 77)
			SKIP("no seccomp filters here");
		CHECK_EQ(status, 0);
	}
}

TEST(without_the_newer_call_a_sleep_ends_early_as_well)
{
	check_without(check_early_end);
}

TEST(without_the_newer_call_one_wake_reaches_all)
{
	check_without(check_wake_among_processes);
}

TEST(without_the_newer_call_a_cancel_is_noticed_soon)
{
	check_without(check_cancel);
}
