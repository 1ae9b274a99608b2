/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The lock of writers: among threads of one turnstile, among turnstiles of one file.
 */
#include "turnstile.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "system.h"

#define SHORT_NS 30000000
#define LONG_NS 20000000000ll

/* What all turnstiles of a file share; turnstiles of other processes have the same. */
struct shared {
	_Atomic uint32_t word;
	_Atomic uint32_t ready;
	/* of who holds the lock: relaxed, for a sanitizer that knows nothing of flock(2) */
	_Atomic uint64_t number;
};

static struct shared *shared;
static _Atomic uint32_t cancel;

static const char *file_path(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "/dev/shm/tachyon.%s-lock", test_name());
	return path;
}

static void set_up(void)
{
	const int fd = tach_os_unnamed_file("/dev/shm");

	CHECK_EQ(tach_os_name_file(fd, file_path()), 0);
	tach_os_close(fd);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
}

static void tear_down(void)
{
	CHECK_EQ(munmap(shared, sizeof(*shared)), 0);
	CHECK_EQ(unlink(file_path()), 0);
}

static struct tach_turnstile make_turnstile(void)
{
	const int file = tach_os_open_file(file_path());

	CHECK(file >= 0);
	return (struct tach_turnstile){.word = &shared->word, .file = file, .cancel = &cancel};
}

static void end_turnstile(struct tach_turnstile *turnstile)
{
	tach_os_close(turnstile->file);
}

static int try_to_enter(struct tach_turnstile *turnstile)
{
	return tach_turnstile_enter(turnstile, TACH_TURNSTILE_TRY);
}

static int enter_within(struct tach_turnstile *turnstile, int64_t timeout_ns)
{
	return tach_turnstile_enter(turnstile, tach_os_deadline(timeout_ns));
}

/* --- one thread --- */

TEST(who_enters_leaves_as_often)
{
	struct tach_turnstile one;
	struct tach_turnstile two;

	set_up();
	one = make_turnstile();
	two = make_turnstile();
	CHECK_EQ(tach_turnstile_depth(&one), 0);
	CHECK(!tach_turnstile_is_mine(&one));
	CHECK_EQ(tach_turnstile_leave(&one), -EPERM);
	for (uint32_t i = 1; i <= 5; i++) {
		CHECK_EQ(try_to_enter(&one), 0);
		CHECK_EQ(tach_turnstile_depth(&one), i);
	}
	CHECK_EQ(tach_turnstile_depth(&two), 0);
	for (uint32_t i = 5; i > 0; i--) {
		CHECK(tach_turnstile_is_mine(&one));
		CHECK_EQ(tach_turnstile_depth(&one), i);
		CHECK_EQ(try_to_enter(&two), -EAGAIN);
		CHECK_EQ(tach_turnstile_leave(&one), 0);
	}
	CHECK(!tach_turnstile_is_mine(&one));
	CHECK_EQ(tach_turnstile_leave(&one), -EPERM);
	CHECK_EQ(try_to_enter(&two), 0);
	CHECK_EQ(tach_turnstile_leave(&two), 0);
	end_turnstile(&one);
	end_turnstile(&two);
	tear_down();
}

TEST(a_wait_ends_at_its_deadline)
{
	struct tach_turnstile one;
	struct tach_turnstile two;
	uint64_t before;

	set_up();
	one = make_turnstile();
	two = make_turnstile();
	CHECK_EQ(try_to_enter(&one), 0);
	before = tach_os_now_ns();
	CHECK_EQ(enter_within(&two, SHORT_NS), -ETIMEDOUT);
	CHECK(tach_os_now_ns() - before >= SHORT_NS);
	CHECK_EQ(tach_turnstile_depth(&two), 0);
	CHECK_EQ(tach_turnstile_leave(&two), -EPERM);
	CHECK_EQ(tach_turnstile_leave(&one), 0);
	CHECK_EQ(enter_within(&two, SHORT_NS), 0);
	end_turnstile(&one);
	end_turnstile(&two);
	tear_down();
}

TEST(a_cancel_word_ends_a_wait_with_its_code)
{
	struct tach_turnstile one;
	struct tach_turnstile two;

	set_up();
	one = make_turnstile();
	two = make_turnstile();
	CHECK_EQ(try_to_enter(&one), 0);
	cancel = ECANCELED;
	CHECK_EQ(tach_turnstile_enter(&two, TACH_FOREVER), -ECANCELED);
	cancel = EPIPE;
	CHECK_EQ(enter_within(&two, LONG_NS), -EPIPE);
	/* The owner does not wait. */
	CHECK_EQ(enter_within(&one, LONG_NS), 0);
	cancel = 0;
	CHECK_EQ(enter_within(&two, SHORT_NS), -ETIMEDOUT);
	end_turnstile(&one);
	end_turnstile(&two);
	tear_down();
}

TEST(without_a_file_there_is_no_lock)
{
	struct tach_turnstile lost;

	set_up();
	lost = (struct tach_turnstile){.word = &shared->word, .file = -1, .cancel = &cancel};
	CHECK_EQ(try_to_enter(&lost), TACHYON_ERR_FORKED);
	CHECK_EQ(tach_turnstile_enter(&lost, TACH_FOREVER), TACHYON_ERR_FORKED);
	CHECK(!tach_turnstile_is_mine(&lost));
	CHECK_EQ(tach_turnstile_leave(&lost), -EPERM);
	tear_down();
}

TEST(force_frees_it_however_deep)
{
	struct tach_turnstile one;
	struct tach_turnstile two;

	set_up();
	one = make_turnstile();
	two = make_turnstile();
	tach_turnstile_force(&one);
	CHECK_EQ(try_to_enter(&one), 0);
	CHECK_EQ(try_to_enter(&one), 0);
	tach_turnstile_force(&two);
	CHECK_EQ(try_to_enter(&two), -EAGAIN);
	tach_turnstile_force(&one);
	CHECK(!tach_turnstile_is_mine(&one));
	CHECK_EQ(try_to_enter(&two), 0);
	end_turnstile(&one);
	end_turnstile(&two);
	tear_down();
}

/* --- threads of one --- */

static void *try_and_be_refused(void *arg)
{
	struct tach_turnstile *const turnstile = arg;

	CHECK(!tach_turnstile_is_mine(turnstile));
	CHECK_EQ(tach_turnstile_depth(turnstile), 0);
	CHECK_EQ(tach_turnstile_leave(turnstile), -EPERM);
	CHECK_EQ(try_to_enter(turnstile), -EAGAIN);
	CHECK_EQ(enter_within(turnstile, SHORT_NS), -ETIMEDOUT);
	return NULL;
}

static void *take_all(void *arg)
{
	struct tach_turnstile *const turnstile = arg;

	CHECK_EQ(try_to_enter(turnstile), 0);
	CHECK_EQ(tach_turnstile_depth(turnstile), 1);
	CHECK_EQ(tach_turnstile_leave(turnstile), 0);
	return NULL;
}

static void run_thread(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, arg), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(it_is_one_threads)
{
	struct tach_turnstile one;

	set_up();
	one = make_turnstile();
	CHECK_EQ(try_to_enter(&one), 0);
	CHECK_EQ(try_to_enter(&one), 0);
	run_thread(try_and_be_refused, &one);
	CHECK_EQ(tach_turnstile_leave(&one), 0);
	run_thread(try_and_be_refused, &one);
	CHECK_EQ(tach_turnstile_leave(&one), 0);
	run_thread(take_all, &one);
	end_turnstile(&one);
	tear_down();
}

#define ROUNDS 4000u

static void add(struct tach_turnstile *turnstile, bool is_short)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t number;
		int ret;

		do
			ret = is_short ? enter_within(turnstile, 100000)
				       : tach_turnstile_enter(turnstile, TACH_FOREVER);
		while (is_short && ret == -ETIMEDOUT);
		CHECK_EQ(ret, 0);
		number = atomic_load_explicit(&shared->number, memory_order_relaxed);
		atomic_store_explicit(&shared->number, number + 1, memory_order_relaxed);
		CHECK_EQ(tach_turnstile_leave(turnstile), 0);
	}
}

static void *add_in_thread(void *arg)
{
	add(arg, false);
	return NULL;
}

TEST_WITH_TIMEOUT(threads_of_one_and_of_two_turnstiles_take_turns, 120)
{
	struct tach_turnstile turnstiles[2];
	pthread_t threads[4];

	set_up();
	turnstiles[0] = make_turnstile();
	turnstiles[1] = make_turnstile();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, add_in_thread, &turnstiles[i % 2]), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(shared->number, 4 * ROUNDS);
	end_turnstile(&turnstiles[0]);
	end_turnstile(&turnstiles[1]);
	tear_down();
}

/* --- processes --- */

static int add_in_process(void *arg)
{
	struct tach_turnstile turnstile = make_turnstile();

	add(&turnstile, arg != NULL);
	end_turnstile(&turnstile);
	return 0;
}

TEST_WITH_TIMEOUT(processes_take_turns_patient_or_not, 120)
{
	pid_t children[4];

	set_up();
	for (int i = 0; i < 4; i++)
		children[i] = run_child(add_in_process, i % 2 ? shared : NULL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_child(children[i]), 0);
	CHECK_EQ(shared->number, 4 * ROUNDS);
	tear_down();
}

static int hold_for_ever(void *arg)
{
	struct tach_turnstile turnstile = make_turnstile();

	(void)arg;
	CHECK_EQ(try_to_enter(&turnstile), 0);
	shared->ready = 1;
	for (;;)
		pause();
}

static int wait_for_it(void *arg)
{
	struct tach_turnstile turnstile = make_turnstile();

	(void)arg;
	shared->ready++;
	CHECK_EQ(enter_within(&turnstile, LONG_NS), 0);
	CHECK_EQ(tach_turnstile_leave(&turnstile), 0);
	end_turnstile(&turnstile);
	return 0;
}

TEST(who_waits_for_a_dead_holder_gets_it)
{
	pid_t holder;
	pid_t waiters[3];

	set_up();
	holder = run_child(hold_for_ever, NULL);
	while (shared->ready == 0)
		sched_yield();
	for (int i = 0; i < 3; i++)
		waiters[i] = run_child(wait_for_it, NULL);
	while (shared->ready < 4)
		sched_yield();
	CHECK_EQ(kill(holder, SIGKILL), 0);
	CHECK_EQ(wait_child(holder), -SIGKILL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_child(waiters[i]), 0);
	tear_down();
}

/* --- a word that lies --- */

TEST(whatever_stands_in_the_word_a_deadline_holds_and_the_file_decides)
{
	static const uint32_t words[] = {0, 1, 2, 3, UINT32_MAX, UINT32_MAX - 1, 0x80000000};
	struct tach_turnstile one;
	struct tach_turnstile two;

	set_up();
	one = make_turnstile();
	two = make_turnstile();
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		shared->word = words[i];
		CHECK_EQ(enter_within(&one, LONG_NS), 0);
		shared->word = words[i];
		CHECK_EQ(try_to_enter(&two), -EAGAIN);
		CHECK_EQ(enter_within(&two, 5000000), -ETIMEDOUT);
		shared->word = words[i];
		CHECK_EQ(tach_turnstile_leave(&one), 0);
		CHECK_EQ(enter_within(&two, LONG_NS), 0);
		CHECK_EQ(tach_turnstile_leave(&two), 0);
	}
	end_turnstile(&one);
	end_turnstile(&two);
	tear_down();
}
