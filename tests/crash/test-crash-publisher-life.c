/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher is killed after each instruction of its beginning, its end, and of others' coming and
 * going: the next one at its path serves who waits.
 */
#include <harness.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"
#include "publisher-stage.h"

#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 1200)

/* One who comes late, to whoever publishes. */
struct late {
	struct tachyon_subscriber *subscriber;
	struct watcher watcher;
	uint64_t met; /* victims that let it join */
};

static struct late late;

static void open_late(void)
{
	late = (struct late){.met = 0};
	CHECK_EQ(tachyon_subscriber_create(PUBLISHER_ADDRESS, NULL, &late.subscriber), 0);
}

/* Whatever state comes first, and 1000 as the frame of a publisher that lives. */
static int take_one(void)
{
	struct tachyon_item item;
	int ret;

	do {
		ret = tachyon_subscriber_receive(late.subscriber, &item, WITNESS_LIMIT_NS);
	} while (ret == 0 && item.type != TACHYON_ITEM_FRAME);
	if (ret < 0)
		return ret;
	CHECK_EQ(item.frame.pts, 1000);
	tachyon_frame_release(&item.frame);
	return 0;
}

/* Joins until somebody sent it a frame. */
static int join_until_served(void *data)
{
	int ret;

	(void)data;
	do {
		ret = tachyon_subscriber_connect(late.subscriber, WITNESS_LIMIT_NS);
		if (ret == 0) {
			ret = take_one();
			late.met += ret < 0;
		}
		CHECK(ret == 0 || ret == TACHYON_ERR_CLOSED);
	} while (ret < 0);
	return ret;
}

static void send_late(struct publisher_stage *stage)
{
	(void)stage;
	watcher_send(&late.watcher, join_until_served, NULL);
}

/* A new publisher at the path serves who waits there. */
static void check_served(struct publisher_stage *stage)
{
	const struct tachyon_publisher_options options = publisher_stage_options();
	struct tachyon_publisher *publisher;
	struct tachyon_frame frame;

	(void)stage;
	CHECK_EQ(tachyon_publisher_create(PUBLISHER_ADDRESS, &options, &publisher), 0);
	if (!late.watcher.is_out)
		send_late(stage);
	publisher_stage_await(publisher, 1);
	CHECK_EQ(tachyon_publisher_acquire(publisher, PUBLISHER_FRAME, &frame), 0);
	frame.pts = 1000;
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	CHECK_EQ(watcher_return(&late.watcher), 0);
	tachyon_publisher_destroy(publisher);
	CHECK(access(PUBLISHER_ADDRESS, F_OK) < 0 && errno == ENOENT);
	CHECK_EQ(tachyon_subscriber_connect(late.subscriber, 0), TACHYON_ERR_AGAIN);
}

/* --- its beginning --- */

struct birth {
	struct publisher_stage stage;
	uint64_t there, missing; /* how often the name was there */
};

static void nothing(void *data)
{
	(void)data;
}

static void act_create(void *data)
{
	struct birth *const birth = data;
	const struct tachyon_publisher_options options = publisher_stage_options();

	tachyon_publisher_create(PUBLISHER_ADDRESS, &options, &birth->stage.victim);
}

static void check_born(void *data)
{
	struct birth *const birth = data;
	struct stat there;

	if (stat(PUBLISHER_ADDRESS, &there) == 0)
		birth->there++;
	else
		birth->missing++;
	check_served(&birth->stage);
	publisher_stage_sweep(&birth->stage);
	witness_check(&birth->stage.witness);
}

TEST_CRASH(create)
{
	struct birth birth = {.there = 0};
	const struct crash crash = {
		.name = "publisher, create",
		.before = nothing,
		.act = act_create,
		.after = check_born,
		.data = &birth,
	};

	open_late();
	witness_init(&birth.stage.witness, crash.name);
	crash_everywhere(&crash);
	fprintf(stderr, "# %s: the name was there %lu times, %lu not; %lu left a temporary name\n",
		crash.name, (unsigned long)birth.there, (unsigned long)birth.missing,
		(unsigned long)birth.stage.litter);
	CHECK(birth.there > 0 && birth.missing > 0);
	tachyon_subscriber_destroy(late.subscriber);
}

/* --- others come and go --- */

static void send_state(struct publisher_stage *stage)
{
	publisher_stage_caps(stage);
	publisher_stage_event(stage, TACHYON_EVENT_STICKY);
	publisher_stage_frame(stage, PUBLISHER_FRAME);
}

static void act_let_join(struct publisher_stage *stage)
{
	tachyon_publisher_dispatch(stage->victim);
	tachyon_publisher_dispatch(stage->victim);
}

TEST_CRASH(a_third_one_joins)
{
	open_late();
	publisher_stage_run(&(const struct publisher_act){
		.name = "join, at the publisher",
		.before = send_state,
		.meanwhile = send_late,
		.act = act_let_join,
		.after = check_served,
	});
	fprintf(stderr, "# join, at the publisher: %lu victims let it join\n",
		(unsigned long)late.met);
	CHECK(late.met > 0);
	tachyon_subscriber_destroy(late.subscriber);
}

static pid_t doomed;

static int subscribe_and_wait(void *data)
{
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	(void)data;
	CHECK_EQ(tachyon_subscriber_create(PUBLISHER_ADDRESS, NULL, &subscriber), 0);
	publisher_stage_connect(subscriber);
	/* It keeps what it gets. */
	while (tachyon_subscriber_receive(subscriber, &item, WITNESS_LIMIT_NS) == 0)
		;
	return 0;
}

static void bring_doomed(struct publisher_stage *stage)
{
	(void)stage;
	doomed = run_child(subscribe_and_wait, NULL);
}

static void kill_doomed(struct publisher_stage *stage)
{
	(void)stage;
	CHECK_EQ(kill(doomed, SIGKILL), 0);
	CHECK_EQ(wait_child(doomed), -SIGKILL);
}

static void act_publish_to_the_dead(struct publisher_stage *stage)
{
	struct tachyon_notice notice;

	publisher_stage_frame(stage, PUBLISHER_FRAME);
	tachyon_publisher_dispatch(stage->victim);
	while (tachyon_publisher_next_notice(stage->victim, &notice) == 1)
		;
	publisher_stage_frame(stage, PUBLISHER_FRAME);
}

TEST_CRASH(publish_to_two_of_three_after_the_death_of_one)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "publish, one of three dead",
		.arrive = bring_doomed,
		.before = send_state,
		.meanwhile = kill_doomed,
		.act = act_publish_to_the_dead,
		.others = 1,
		.sends = 2,
	});
}

/* --- its end --- */

static void act_disconnect(struct publisher_stage *stage)
{
	publisher_stage_frame(stage, PUBLISHER_FRAME);
	tachyon_publisher_disconnect(stage->victim);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(disconnect)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "disconnect",
		.before = send_state,
		.act = act_disconnect,
		.sends = 1,
		.may_close = true,
		.gives_up = true,
	});
}

static void act_destroy(struct publisher_stage *stage)
{
	publisher_stage_frame(stage, PUBLISHER_FRAME);
	tachyon_publisher_destroy(stage->victim);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(destroy)
{
	open_late();
	publisher_stage_run(&(const struct publisher_act){
		.name = "publisher, destroy",
		.before = send_state,
		.act = act_destroy,
		.after = check_served,
		.sends = 1,
		.may_close = true,
	});
	tachyon_subscriber_destroy(late.subscriber);
}
