/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Waiting for subscribers: what wakes a publisher's threads, several of them, cancelled or not,
 * and the fd in the caller's own poll.
 */
#include <signal.h>

#include "frames.h"
#include "system.h"

#define PICTURE 5000u

struct waiting {
	struct helper helper;
	struct tachyon_publisher *publisher;
	int64_t timeout_ns;
};

static int wait_in_helper(void *argument)
{
	const struct waiting *const waiting = argument;

	forget_news(waiting->publisher);
	return tachyon_publisher_wait(waiting->publisher, waiting->timeout_ns);
}

static void start_waiting(struct waiting *waiting, struct tachyon_publisher *publisher,
			  int64_t timeout_ns)
{
	const uint64_t before = figures(publisher).waits;

	*waiting = (struct waiting){.publisher = publisher, .timeout_ns = timeout_ns};
	start_helper(&waiting->helper, wait_in_helper, waiting);
	EVENTUALLY(figures(publisher).waits > before);
	sleep_ms(5);
}

/* A publisher that can send no more: one subscriber that has not read. */
static struct tachyon_publisher *make_stuck(struct tachyon_subscriber **subscriber,
					    uint64_t max_bytes)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *publisher;

	options.max_bytes = max_bytes;
	publisher = make_publisher(&options);
	*subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), TACHYON_ERR_AGAIN);
	return publisher;
}

/* --- timeouts --- */

TEST(a_wait_in_which_nothing_changes_ends_at_its_timeout)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	uint64_t start;

	forget_news(publisher);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_publisher_wait(publisher, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);
	CHECK_EQ(tachyon_publisher_wait(publisher, 0), TACHYON_ERR_AGAIN);
	tachyon_publisher_destroy(publisher);
}

/* --- what wakes --- */

TEST(a_wait_ends_when_a_subscriber_reads)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	struct tachyon_frame frames[2];
	struct waiting waiting;

	start_waiting(&waiting, publisher, LONG_NS);
	frames[0] = expect_frame(subscriber, PICTURE, 0);
	frames[1] = expect_frame(subscriber, PICTURE, 1);
	CHECK_EQ(finish_helper(&waiting.helper), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	tachyon_frame_release(&frames[0]);
	tachyon_frame_release(&frames[1]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_wait_for_a_block_ends_when_a_subscriber_returns_one)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 100);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame held[64], frame;
	struct waiting waiting;
	uint64_t count = 0;

	options.max_bytes = 128 << 10;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	while (publish_number(publisher, PICTURE, count) == 1) {
		held[count] = expect_frame(subscriber, PICTURE, count);
		count++;
		CHECK(count < 64);
	}
	CHECK_EQ(tachyon_publisher_acquire(publisher, PICTURE, &frame), TACHYON_ERR_AGAIN);
	start_waiting(&waiting, publisher, LONG_NS);
	tachyon_frame_release(&held[3]);
	CHECK_EQ(finish_helper(&waiting.helper), 0);
	CHECK_EQ(tachyon_publisher_acquire(publisher, PICTURE, &frame), 0);
	tachyon_publisher_abandon(publisher, &frame);
	for (uint64_t i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_wait_for_a_block_ends_when_this_process_releases_one)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct tachyon_frame frames[64];
	struct waiting waiting;
	int count = 0;

	options.max_bytes = 128 << 10;
	publisher = make_publisher(&options);
	while (tachyon_publisher_acquire(publisher, PICTURE, &frames[count]) == 0)
		CHECK(++count < 64);
	start_waiting(&waiting, publisher, LONG_NS);
	tachyon_frame_release(&frames[0]);
	CHECK_EQ(finish_helper(&waiting.helper), 0);
	CHECK_EQ(tachyon_publisher_acquire(publisher, PICTURE, &frames[0]), 0);
	for (int i = 0; i < count; i++)
		tachyon_frame_release(&frames[i]);
	tachyon_publisher_destroy(publisher);
}

TEST(a_wait_ends_when_the_subscriber_that_blocks_leaves)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	struct waiting waiting;

	start_waiting(&waiting, publisher, LONG_NS);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(finish_helper(&waiting.helper), 0);
	EVENTUALLY(publish_number(publisher, PICTURE, 2) == 0);
	tachyon_publisher_destroy(publisher);
}

TEST(a_wait_ends_when_a_subscriber_comes)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct waiting waiting;

	start_waiting(&waiting, publisher, LONG_NS);
	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(finish_helper(&waiting.helper), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

static int wait_and_dispatch(void *argument)
{
	struct tachyon_publisher *const publisher = argument;

	forget_news(publisher);
	while (tachyon_publisher_subscribers(publisher) == 0) {
		if (tachyon_publisher_wait(publisher, LONG_NS) < 0)
			return 1;
	}
	return 0;
}

TEST(waiting_alone_lets_a_subscriber_in)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct helper helper;

	start_helper(&helper, wait_and_dispatch, publisher);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(what_changed_between_eagain_and_the_wait_is_not_slept_over)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	uint64_t start;

	CHECK_EQ(publish_number(publisher, PICTURE, 2), TACHYON_ERR_AGAIN);
	take_frame(subscriber, PICTURE, 0);
	take_frame(subscriber, PICTURE, 1);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
	CHECK(ms_since(start) < 2000);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(what_another_thread_took_note_of_is_not_slept_over_either)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	uint64_t start;

	CHECK_EQ(publish_number(publisher, PICTURE, 2), TACHYON_ERR_AGAIN);
	take_frame(subscriber, PICTURE, 0);
	take_frame(subscriber, PICTURE, 1);
	/* As the service thread of an element does. */
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	start = tach_os_now_ns();
	CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
	CHECK(ms_since(start) < 2000);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- cancel --- */

TEST(a_cancel_ends_all_waits_until_resumed)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct waiting waiting[4];

	for (int i = 0; i < 4; i++) {
		waiting[i] = (struct waiting){.publisher = publisher, .timeout_ns = -1};
		start_helper(&waiting[i].helper, wait_in_helper, &waiting[i]);
	}
	sleep_ms(30);
	tachyon_publisher_cancel(publisher);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(finish_helper(&waiting[i].helper), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_publisher_wait(publisher, -1), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), TACHYON_ERR_CANCELED);

	tachyon_publisher_resume(publisher);
	forget_news(publisher);
	CHECK_EQ(tachyon_publisher_wait(publisher, 5 * MS), TACHYON_ERR_TIMEDOUT);
	tachyon_publisher_destroy(publisher);
}

TEST(a_canceled_publisher_still_publishes)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	tachyon_publisher_cancel(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	take_frame(subscriber, PICTURE, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* Tries both in turn, and waits for the first; how often, in 200 ms. */
static int serve_two(struct tachyon_publisher *publishers[2])
{
	const uint64_t start = tach_os_now_ns();
	struct tachyon_frame frames[2];
	int tries = 0;

	for (int i = 0; i < 2; i++)
		CHECK_EQ(acquire_number(publishers[i], PICTURE, 2, &frames[i]), 0);
	while (ms_since(start) < 200) {
		for (int i = 0; i < 2; i++)
			CHECK_EQ(tachyon_publisher_commit(publishers[i], &frames[i]),
				 TACHYON_ERR_AGAIN);
		(void)tachyon_publisher_wait(publishers[0], 50 * MS);
		tries++;
	}
	for (int i = 0; i < 2; i++)
		tachyon_publisher_abandon(publishers[i], &frames[i]);
	return tries;
}

TEST(a_thread_with_two_publishers_sleeps_too)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 1);
	struct tachyon_subscriber *subscribers[2];
	struct tachyon_publisher *publishers[2];

	publishers[0] = make_stuck(&subscribers[0], 0);
	CHECK_EQ(tachyon_publisher_create("other", &options, &publishers[1]), 0);
	CHECK_EQ(tachyon_subscriber_create("other", NULL, &subscribers[1]), 0);
	CHECK_EQ(connect_to(publishers[1], subscribers[1]), 0);
	CHECK_EQ(publish_number(publishers[1], PICTURE, 0), 1);
	CHECK(serve_two(publishers) < 20);
	for (int i = 0; i < 2; i++) {
		tachyon_subscriber_destroy(subscribers[i]);
		tachyon_publisher_destroy(publishers[i]);
	}
}

TEST(several_threads_with_timeouts_of_their_own_each_wake_in_time)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct waiting waiting[4];
	const uint64_t start = tach_os_now_ns();

	for (int i = 0; i < 4; i++) {
		waiting[i] = (struct waiting){.publisher = publisher,
					      .timeout_ns = (i == 0 ? 2000 : 30 * i) * MS};
		start_helper(&waiting[i].helper, wait_in_helper, &waiting[i]);
	}
	for (int i = 1; i < 4; i++)
		CHECK_EQ(finish_helper(&waiting[i].helper), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) < 1500);
	CHECK_EQ(finish_helper(&waiting[0].helper), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 2000);
	tachyon_publisher_destroy(publisher);
}

TEST(one_change_reaches_every_waiting_thread)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	struct waiting waiting[4];

	for (int i = 0; i < 4; i++) {
		waiting[i] = (struct waiting){.publisher = publisher, .timeout_ns = LONG_NS};
		start_helper(&waiting[i].helper, wait_in_helper, &waiting[i]);
	}
	sleep_ms(50);
	tachyon_subscriber_destroy(subscriber);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(finish_helper(&waiting[i].helper), 0);
	tachyon_publisher_destroy(publisher);
}

struct sleeper {
	struct helper helper;
	struct tachyon_publisher *publisher;
	_Atomic pid_t thread;
};

static int wait_for_the_end(void *argument)
{
	struct sleeper *const sleeper = argument;

	forget_news(sleeper->publisher);
	sleeper->thread = gettid();
	return tachyon_publisher_wait(sleeper->publisher, -1);
}

/* Only one of the threads that wait is counted: whether the others do, the kernel knows. */
TEST(a_destroy_wakes_and_waits_for_the_threads_asleep)
{
	for (int i = 0; i < 20; i++) {
		struct tachyon_publisher *const publisher = make_publisher(NULL);
		struct sleeper sleepers[3];

		for (int j = 0; j < 3; j++) {
			sleepers[j] = (struct sleeper){.publisher = publisher};
			start_helper(&sleepers[j].helper, wait_for_the_end, &sleepers[j]);
			EVENTUALLY(sleepers[j].thread != 0);
			wait_until_asleep(sleepers[j].thread);
		}
		sleep_ms(3);
		tachyon_publisher_destroy(publisher);
		for (int j = 0; j < 3; j++)
			CHECK(finish_helper(&sleepers[j].helper) < 0);
	}
}

/* --- the caller's own poll --- */

static int poll_publisher(struct tachyon_publisher *publisher, int timeout_ms)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};

	return poll(&entry, 1, timeout_ms);
}

static void prepare_to_sleep(struct tachyon_publisher *publisher)
{
	int tries = 0;

	while (tachyon_publisher_prepare(publisher) != 0) {
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		CHECK(++tries < 3);
	}
}

TEST(a_prepared_fd_is_readable_when_a_frame_comes_back)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frame;

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	frame = expect_frame(subscriber, PICTURE, 0);
	prepare_to_sleep(publisher);
	CHECK_EQ(poll_publisher(publisher, 0), 0);
	tachyon_frame_release(&frame);
	CHECK_EQ(poll_publisher(publisher, 5000), 1);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(figures(publisher).blocks, figures(publisher).blocks_free);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(prepare_says_when_a_frame_came_back_before)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	take_frame(subscriber, PICTURE, 0);
	CHECK_EQ(tachyon_publisher_prepare(publisher), 1);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(without_prepare_frames_that_come_back_do_not_make_the_fd_readable)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	for (uint64_t i = 0; i < 10; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		take_frame(subscriber, PICTURE, i);
		CHECK_EQ(poll_publisher(publisher, 0), 0);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(the_fd_is_readable_when_a_subscriber_comes_or_leaves)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct helper helper;

	CHECK_EQ(poll_publisher(publisher, 0), 0);
	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	CHECK_EQ(poll_publisher(publisher, 5000), 1);
	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 1);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(poll_publisher(publisher, 0), 0);

	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(poll_publisher(publisher, 5000), 1);
	serve(publisher, 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	CHECK_EQ(poll_publisher(publisher, 0), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(a_send_that_was_eagain_goes_on_after_prepare_poll_dispatch)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_publisher *const publisher = make_stuck(&subscriber, 0);
	struct tachyon_frame frames[2];

	prepare_to_sleep(publisher);
	CHECK_EQ(poll_publisher(publisher, 0), 0);
	frames[0] = expect_frame(subscriber, PICTURE, 0);
	frames[1] = expect_frame(subscriber, PICTURE, 1);
	/* Held: it is the place in the ring alone that came free. */
	CHECK_EQ(poll_publisher(publisher, 5000), 1);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	tachyon_frame_release(&frames[0]);
	tachyon_frame_release(&frames[1]);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
