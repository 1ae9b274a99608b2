/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Publisher and subscribers in processes of their own, where one is killed, stopped, or just
 * leaves.
 */
#include <signal.h>
#include <sys/wait.h>

#include "frames.h"
#include "raw-peer.h"
#include "system.h"

#define PICTURE 20000u

/* What a child does after it connected, and how many frames it keeps. */
struct role {
	int keep;
	bool dies;
	bool idles; /* reads nothing at all */
};

static int subscribe(void *argument)
{
	const struct role *const role = argument;
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_item item;
	int ret, kept = 0;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	for (;;) {
		if (role->idles) {
			sleep_ms(1);
			continue;
		}
		ret = tachyon_subscriber_receive(subscriber, &item, LONG_NS);
		if (ret == TACHYON_ERR_CLOSED)
			break;
		CHECK_EQ(ret, 0);
		CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
		CHECK(is_number(&item.frame, item.frame.pts));
		if (++kept > role->keep && !role->dies)
			tachyon_frame_release(&item.frame);
		if (kept == role->keep && role->dies)
			raise(SIGKILL);
	}
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

/* A child that has joined. */
static pid_t add_subscriber(struct tachyon_publisher *publisher, struct role *role)
{
	const uint32_t before = tachyon_publisher_subscribers(publisher);
	const pid_t child = run_child(subscribe, role);

	while (tachyon_publisher_subscribers(publisher) == before)
		serve(publisher, 10);
	return child;
}

/* The subscriber's departure is noticed by the fd within two seconds. */
static void await_departure(struct tachyon_publisher *publisher, enum tachyon_end end)
{
	struct tachyon_notice notice;
	const uint64_t start = tach_os_now_ns();

	for (;;) {
		serve(publisher, 10);
		while (tachyon_publisher_next_notice(publisher, &notice)) {
			if (notice.type != TACHYON_NOTICE_LEFT)
				continue;
			CHECK_EQ(notice.end, end);
			return;
		}
		CHECK(ms_since(start) < 2000);
	}
}

/* --- a subscriber is killed --- */

TEST(the_blocks_of_a_killed_subscriber_are_free_after_the_next_dispatch)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 100);
	struct tachyon_publisher *publisher;
	struct role role = {.keep = 10, .dies = true};
	struct tachyon_frame frame;
	int cookies[30] = {0};
	pid_t child;

	publisher = make_publisher(&options);
	child = add_subscriber(publisher, &role);
	for (uint64_t i = 0; i < 30; i++) {
		CHECK_EQ(acquire_number(publisher, PICTURE, i, &frame), 0);
		CHECK(tachyon_publisher_publish(publisher, &frame, &cookies[i]) >= 0);
		tachyon_publisher_abandon(publisher, &frame);
	}
	CHECK_EQ(wait_child(child), -SIGKILL);
	await_departure(publisher, TACHYON_END_DIED);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	CHECK_EQ(figures(publisher).blocks, figures(publisher).blocks_free);
	for (int *cookie; (cookie = tachyon_publisher_reclaim(publisher));)
		CHECK_EQ(++*cookie, 1);
	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(cookies[i], 1);
	tachyon_publisher_destroy(publisher);
}

TEST(the_death_of_one_wakes_a_publisher_that_waits_for_it)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct tachyon_publisher *publisher = make_publisher(&options);
	struct role role = {.idles = true};
	const pid_t child = add_subscriber(publisher, &role);
	uint64_t number = 0, start;
	int ret;

	while ((ret = publish_number(publisher, PICTURE, number)) == 1)
		number++;
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	forget_news(publisher);
	CHECK_EQ(tachyon_publisher_wait(publisher, 50 * MS), TACHYON_ERR_TIMEDOUT);
	kill(child, SIGKILL);
	start = tach_os_now_ns();
	do {
		CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
		ret = publish_number(publisher, PICTURE, number);
	} while (ret == TACHYON_ERR_AGAIN);
	CHECK_EQ(ret, 0);
	CHECK(ms_since(start) < 2000);
	CHECK_EQ(blocks_in_use(publisher), 0);
	CHECK_EQ(wait_child(child), -SIGKILL);
	tachyon_publisher_destroy(publisher);
}

TEST(the_death_of_one_is_no_matter_to_the_others)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct role steady = {.keep = 0}, doomed = {.keep = 5, .dies = true};
	pid_t survivors[2], victims[4];
	uint64_t number = 0;
	int ret;

	for (int i = 0; i < 2; i++)
		survivors[i] = add_subscriber(publisher, &steady);
	for (int i = 0; i < 4; i++)
		victims[i] = add_subscriber(publisher, &doomed);
	while (number < 3000) {
		ret = publish_number(publisher, PICTURE, number);
		if (ret == TACHYON_ERR_AGAIN) {
			CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
			continue;
		}
		CHECK(ret >= 2);
		number++;
		if (number % 100 == 0)
			serve(publisher, 0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_child(victims[i]), -SIGKILL);
	serve(publisher, 10);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 2);
	tachyon_publisher_destroy(publisher);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(wait_child(survivors[i]), 0);
}

TEST(who_leaves_with_frames_in_hand_has_left_in_order)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held;

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	held = expect_frame(subscriber, PICTURE, 1);
	CHECK_EQ(tachyon_subscriber_set_need(subscriber, 9), 0);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 9);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(tachyon_publisher_need(publisher), 0);
	await_departure(publisher, TACHYON_END_CLOSED);
	CHECK_EQ(blocks_in_use(publisher), 1);
	tachyon_frame_release(&held);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

static int keep_copies(void *argument)
{
	const int *const hold = argument;
	char byte;

	/* Not the far ends. */
	close(hold[1]);
	close(hold[2]);
	return (int)read(hold[0], &byte, 1);
}

TEST(a_child_that_keeps_a_refused_socket_does_not_keep_the_fd_readable)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};
	const int sock = raw_connect(ADDRESS);
	int hold[3] = {-1, -1, sock};
	pid_t child;

	serve(publisher, 5);
	CHECK_EQ(pipe2(hold, O_CLOEXEC), 0);
	child = run_child(keep_copies, hold);
	raw_send(sock, "nonsense", 8, NULL, 0);
	for (int i = 0; i < 20; i++) {
		if (poll(&entry, 1, 5) > 0)
			CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	}
	CHECK_EQ(raw_reject_code(sock), TACHYON_ERR_CORRUPT);
	close(sock);
	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	CHECK_EQ(poll(&entry, 1, 20), 0);
	close(hold[1]);
	CHECK_EQ(wait_child(child), 0);
	close(hold[0]);
	tachyon_publisher_destroy(publisher);
}

/* --- a subscriber is stopped --- */

TEST(a_stopped_subscriber_does_not_keep_its_publisher_from_ending)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 3);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct role role = {.keep = 0};
	const pid_t child = add_subscriber(publisher, &role);
	uint64_t number = 0;
	const uint64_t start = tach_os_now_ns();

	kill(child, SIGSTOP);
	while (publish_number(publisher, PICTURE, number) == 1)
		number++;
	forget_news(publisher);
	CHECK_EQ(tachyon_publisher_wait(publisher, 20 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK_EQ(publish_number(publisher, PICTURE, number), TACHYON_ERR_AGAIN);
	tachyon_publisher_disconnect(publisher);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
	CHECK(ms_since(start) < 5000);
	kill(child, SIGKILL);
	CHECK_EQ(wait_child(child), -SIGKILL);
}

TEST(a_stopped_subscriber_under_drop_holds_up_nobody)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 3);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct role role = {.keep = 0};
	const pid_t child = add_subscriber(publisher, &role);
	struct tachyon_subscriber *subscriber;

	kill(child, SIGSTOP);
	subscriber = join(publisher);
	for (uint64_t i = 0; i < 500; i++) {
		CHECK(publish_number(publisher, PICTURE, i) >= 1);
		take_frame(subscriber, PICTURE, i);
	}
	CHECK(figures(publisher).dropped >= 490);
	tachyon_subscriber_destroy(subscriber);
	kill(child, SIGCONT);
	tachyon_publisher_destroy(publisher);
	CHECK_EQ(wait_child(child), 0);
}

/* --- the publisher dies --- */

struct stage {
	uint64_t frames;
	int go[2];
	bool closes;
};

static int publish_and_end(void *argument)
{
	const struct stage *const stage = argument;
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	char byte;

	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 10);
	for (uint64_t i = 0; i < stage->frames; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	(void)!read(stage->go[0], &byte, 1);
	if (!stage->closes)
		raise(SIGKILL);
	tachyon_publisher_destroy(publisher);
	return 0;
}

static void check_end(bool closes)
{
	struct stage stage = {.frames = 20, .closes = closes};
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_frame frames[20];
	struct tachyon_item item;
	pid_t child;

	CHECK_EQ(pipe2(stage.go, O_CLOEXEC), 0);
	child = run_child(publish_and_end, &stage);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(subscriber_figures(subscriber).peer_pid, child);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
	frames[0] = item.frame;
	CHECK_EQ(write(stage.go[1], "!", 1), 1);
	CHECK_EQ(wait_child(child), closes ? 0 : -SIGKILL);
	for (uint64_t i = 1; i < 20; i++)
		frames[i] = expect_frame(subscriber, PICTURE, i);
	expect_end(subscriber, closes ? TACHYON_END_CLOSED : TACHYON_END_DIED);
	for (uint64_t i = 0; i < 20; i++) {
		CHECK(is_number(&frames[i], i));
		CHECK_EQ(tachyon_frame_is_valid(&frames[i]), 1);
		tachyon_frame_release(&frames[i]);
	}
	tachyon_subscriber_destroy(subscriber);
	close(stage.go[0]);
	close(stage.go[1]);
	unlink(ADDRESS);
}

TEST(what_a_killed_publisher_sent_is_delivered_then_its_death_told)
{
	check_end(false);
}

TEST(what_a_publisher_sent_before_it_closed_is_delivered_then_the_end_told)
{
	check_end(true);
}

static int receive_the_end(void *subscriber)
{
	struct tachyon_item item;

	return tachyon_subscriber_receive(subscriber, &item, -1);
}

TEST(a_sleeping_subscriber_notices_a_killed_publisher_at_once)
{
	struct stage stage = {.frames = 0};
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct helper helper;
	uint64_t start;
	pid_t child;

	CHECK_EQ(pipe2(stage.go, O_CLOEXEC), 0);
	child = run_child(publish_and_end, &stage);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	start_helper(&helper, receive_the_end, subscriber);
	EVENTUALLY(subscriber_figures(subscriber).sleeps > 0);
	start = tach_os_now_ns();
	CHECK_EQ(write(stage.go[1], "!", 1), 1);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_CLOSED);
	CHECK(ms_since(start) < 2000);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_DIED);
	CHECK_EQ(wait_child(child), -SIGKILL);
	tachyon_subscriber_destroy(subscriber);
	close(stage.go[0]);
	close(stage.go[1]);
	unlink(ADDRESS);
}

TEST(a_publisher_takes_the_place_of_a_killed_one)
{
	for (int round = 0; round < 3; round++) {
		check_end(false);
		struct tachyon_publisher *const publisher = make_publisher(NULL);
		struct tachyon_subscriber *const subscriber = join(publisher);

		CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
		take_frame(subscriber, PICTURE, 1);
		tachyon_subscriber_destroy(subscriber);
		tachyon_publisher_destroy(publisher);
	}
}

TEST(a_stopped_publisher_does_not_stop_our_timeouts_nor_our_end)
{
	struct stage stage = {.frames = 1};
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_item item;
	uint64_t start;
	pid_t child;

	CHECK_EQ(pipe2(stage.go, O_CLOEXEC), 0);
	child = run_child(publish_and_end, &stage);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
	kill(child, SIGSTOP);
	start = tach_os_now_ns();
	tachyon_frame_release(&item.frame);
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 20 * MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_destroy(subscriber);
	CHECK(ms_since(start) < 3000);
	kill(child, SIGKILL);
	CHECK_EQ(wait_child(child), -SIGKILL);
	close(stage.go[0]);
	close(stage.go[1]);
	unlink(ADDRESS);
}
