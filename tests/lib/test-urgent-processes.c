/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events between processes that are killed or stopped.
 */
#include <signal.h>

#include "system.h"
#include "urgent-setup.h"

#define PICTURE 4000u

static void wait_for_byte(int pipe_end)
{
	char byte;

	CHECK_EQ(read(pipe_end, &byte, 1), 1);
}

/* --- a publisher that dies --- */

struct stage {
	int to_parent[2];
	const char *text;
};

static int shout_and_hang(void *argument)
{
	const struct stage *const stage = argument;
	struct tachyon_publisher *const publisher = make_publisher(NULL);

	(void)await_notice(publisher, TACHYON_NOTICE_JOINED);
	CHECK_EQ(shout(publisher, stage->text), 0);
	CHECK_EQ(write(stage->to_parent[1], "x", 1), 1);
	pause();
	return 0;
}

TEST(a_publisher_is_killed_and_another_takes_its_place)
{
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	uint64_t calls;

	for (int i = 0; i < 3; i++) {
		struct stage stage = {.text = i % 2 ? "odd" : "even"};
		pid_t child;

		CHECK_EQ(pipe(stage.to_parent), 0);
		child = run_child(shout_and_hang, &stage);
		CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
		wait_for_byte(stage.to_parent[0]);
		kill(child, SIGKILL);
		CHECK_EQ(wait_child(child), -SIGKILL);
		/* What it said is still heard, now or by who comes after the end was seen. */
		if (i == 1)
			expect_end(subscriber, TACHYON_END_DIED);
		CHECK_STR_EQ(hear_urgent(subscriber), stage.text);
		calls = tachyon_system_calls();
		CHECK_STR_EQ(hear_urgent_within(subscriber, 20 * MS), "ETIMEDOUT");
		CHECK(tachyon_system_calls() - calls < 10);
		close(stage.to_parent[0]);
		close(stage.to_parent[1]);
	}
	tachyon_subscriber_destroy(subscriber);
	unlink(ADDRESS);
}

/* --- a subscriber that dies --- */

static int call_and_hang(void *argument)
{
	const struct stage *const stage = argument;
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(call_up(subscriber, stage->text), 0);
	CHECK_EQ(write(stage->to_parent[1], "x", 1), 1);
	pause();
	return 0;
}

TEST(what_a_subscriber_said_before_it_was_killed_is_heard)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct stage stage = {.text = "help"};
	struct tachyon_notice notice;
	pid_t child;
	int heard = 0;

	CHECK_EQ(pipe(stage.to_parent), 0);
	child = run_child(call_and_hang, &stage);
	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 1);
	wait_for_byte(stage.to_parent[0]);
	kill(child, SIGKILL);
	CHECK_EQ(wait_child(child), -SIGKILL);
	serve(publisher, 5);
	while (tachyon_publisher_next_notice(publisher, &notice) == 1)
		heard += notice.type == TACHYON_NOTICE_EVENT;
	CHECK_EQ(heard, 50);
	CHECK_EQ(notice.type, TACHYON_NOTICE_LEFT);
	CHECK_EQ(notice.end, TACHYON_END_DIED);
	close(stage.to_parent[0]);
	close(stage.to_parent[1]);
	tachyon_publisher_destroy(publisher);
}

/* --- a subscriber that is stopped --- */

static int hear_in_order(void *argument)
{
	const struct stage *const stage = argument;
	const struct tachyon_subscriber_options options = urgent_options();
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	const char *text;
	char wanted[32];
	int count = 0;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	CHECK_EQ(write(stage->to_parent[1], "x", 1), 1);
	while (strcmp(text = hear_urgent(subscriber), "enough") != 0) {
		snprintf(wanted, sizeof(wanted), "%d", count++);
		CHECK_STR_EQ(text, wanted);
	}
	CHECK(count > 10);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

TEST(a_subscriber_that_is_stopped_loses_new_events_and_keeps_nobody_else_waiting)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 5);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct tachyon_subscriber *const other = join_urgent(publisher);
	struct stage stage = {.text = NULL};
	char text[32];
	pid_t child;
	int ret = 0;

	(void)await_notice(publisher, TACHYON_NOTICE_JOINED);
	CHECK_EQ(pipe(stage.to_parent), 0);
	child = run_child(hear_in_order, &stage);
	(void)await_notice(publisher, TACHYON_NOTICE_JOINED);
	wait_for_byte(stage.to_parent[0]);
	kill(child, SIGSTOP);
	for (int i = 0; ret == 0; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ret = shout(publisher, text);
		CHECK_STR_EQ(hear_urgent(other), text);
		CHECK(publish_number(publisher, PICTURE, (uint64_t)i) >= 1);
		take_frame(other, PICTURE, (uint64_t)i);
	}
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	kill(child, SIGCONT);
	EVENTUALLY(shout(publisher, "enough") == 0);
	CHECK_EQ(wait_child(child), 0);
	close(stage.to_parent[0]);
	close(stage.to_parent[1]);
	tachyon_subscriber_destroy(other);
	tachyon_publisher_destroy(publisher);
}
