/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher, or a subscriber, is stopped (SIGSTOP) wherever it is: the others keep their
 * timeouts, see nothing torn, and lose nothing; afterwards all goes on.
 */
#include <harness.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "publisher-stage.h"
#include "stop.h"

#define TEST_STOP(sentence) TEST_WITH_TIMEOUT(sentence, 300)
#define HELD 3u

/* One who takes numbered items. */
struct taker {
	struct tachyon_subscriber *subscriber;
	uint64_t last;
	bool may_miss; /* numbers may be left out */
	struct tachyon_frame held[HELD];
};

static void check_words(const struct tachyon_frame *frame)
{
	const uint32_t *const words = frame->data;

	for (size_t i = 0; i < frame->size / sizeof(*words); i++) {
		if (words[i] != (uint32_t)(frame->pts << 16 | i))
			test_fail(__FILE__, __LINE__, "torn: word %zu of frame %lu is %#x", i,
				  (unsigned long)frame->pts, words[i]);
	}
}

static void note_number(struct taker *taker, uint64_t number)
{
	if (taker->may_miss)
		CHECK(number > taker->last);
	else
		CHECK_EQ(number, taker->last + 1);
	taker->last = number;
}

/* Keeps some for a while. */
static void keep(struct taker *taker, const struct tachyon_frame *frame)
{
	struct tachyon_frame *const place = &taker->held[stop_dice(HELD)];

	if (place->block)
		check_words(place);
	tachyon_frame_release(place);
	*place = *frame;
	if (stop_dice(2))
		tachyon_frame_release(place);
}

static void let_go(struct taker *taker)
{
	for (unsigned int i = 0; i < HELD; i++)
		tachyon_frame_release(&taker->held[i]);
}

/* 0: one more; else what receiving answers. */
static int take(struct taker *taker, int64_t timeout_ns)
{
	struct tachyon_item item;
	const int ret = tachyon_subscriber_receive(taker->subscriber, &item, timeout_ns);

	if (ret < 0)
		return ret;
	if (item.type == TACHYON_ITEM_FRAME) {
		note_number(taker, item.frame.pts);
		check_words(&item.frame);
		keep(taker, &item.frame);
	} else if (item.type == TACHYON_ITEM_CLOCK) {
		note_number(taker, item.clock.base_time);
	}
	return 0;
}

/* --- publishing: 0, or what publishing answers --- */

/* The same kind for the same number: who is told to try again tries the same again. */
static unsigned int kind_of(uint64_t number)
{
	return (uint32_t)(number * 2654435761u) >> 20;
}

static int send_block(struct tachyon_publisher *publisher, uint64_t number)
{
	const size_t size = kind_of(number) & 8 ? 400 : 6000;
	struct tachyon_frame frame;
	int ret = tachyon_publisher_acquire(publisher, size, &frame);

	if (ret < 0)
		return ret;
	frame.pts = number;
	publisher_stage_fill(frame.data, size, number);
	ret = tachyon_publisher_commit(publisher, &frame);
	tachyon_publisher_abandon(publisher, &frame);
	return ret;
}

static int send_inline(struct tachyon_publisher *publisher, uint64_t number)
{
	uint32_t words[32];
	const struct tachyon_frame frame = {
		.data = words,
		.size = sizeof(words),
		.pts = number,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
	};

	publisher_stage_fill(words, sizeof(words), number);
	return tachyon_publisher_send(publisher, &frame);
}

/* Some kind of item, in which the number can be found. */
static int publish(struct tachyon_publisher *publisher, uint64_t number)
{
	int ret;

	switch (kind_of(number) % 8) {
	case 0:
		ret = send_inline(publisher, number);
		break;
	case 1: /* other sizes, other segments */
		tachyon_publisher_configure(publisher, kind_of(number) & 8 ? 400 : 6000, 4);
		ret = send_block(publisher, number);
		break;
	case 2:
		ret = tachyon_publisher_set_caps(publisher, number & 1 ? "x/y" : "x/z");
		ret = ret < 0 ? ret : send_block(publisher, number);
		break;
	case 3:
		tachyon_publisher_cork(publisher);
		ret = send_block(publisher, number);
		tachyon_publisher_uncork(publisher);
		break;
	default:
		ret = send_block(publisher, number);
		break;
	}
	return ret < 0 ? ret : 0;
}

static struct tachyon_publisher *make_publisher(enum tachyon_policy policy)
{
	struct tachyon_publisher_options options = publisher_stage_options();
	struct tachyon_publisher *publisher;

	options.policy = policy;
	options.max_bytes = 1 << 18;
	CHECK_EQ(tachyon_publisher_create(PUBLISHER_ADDRESS, &options, &publisher), 0);
	return publisher;
}

/* --- a publisher is stopped --- */

static int publish_for_ever(void *data)
{
	struct tachyon_publisher *const publisher = make_publisher(TACHYON_POLICY_BLOCK);
	uint64_t number = 1;

	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	publisher_stage_await(publisher, 2);
	for (;;) {
		const int ret = publish(publisher, number);

		CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
		if (ret == 0)
			number++;
		else
			tachyon_publisher_wait(publisher, 1000000);
		if (stop_dice(4) == 0)
			tachyon_publisher_dispatch(publisher);
	}
	return 0;
}

static void make_taker(struct taker *taker)
{
	*taker = (struct taker){.last = 0};
	CHECK_EQ(tachyon_subscriber_create(PUBLISHER_ADDRESS, NULL, &taker->subscriber), 0);
}

static void check_publisher_stopped(struct taker *taker)
{
	uint64_t begun;

	while (take(taker, 0) == 0)
		;
	begun = witness_now_ns();
	CHECK_EQ(take(taker, STOP_PATIENCE_NS), TACHYON_ERR_TIMEDOUT);
	stop_check_patience(begun);
	CHECK_EQ(tachyon_subscriber_end(taker->subscriber), TACHYON_END_NONE);
}

TEST_STOP(a_stopped_publisher_keeps_nobody_and_goes_on)
{
	unsigned int rounds = 0;
	struct taker takers[2];
	pid_t publisher;

	stop_begin();
	publisher = run_child(publish_for_ever, NULL);
	for (int i = 0; i < 2; i++) {
		make_taker(&takers[i]);
		publisher_stage_connect(takers[i].subscriber);
	}
	for (; stop_again(rounds); rounds++) {
		const uint64_t moment = stop_moment();

		while (witness_now_ns() < moment) {
			take(&takers[0], 0);
			take(&takers[1], 20000);
		}
		stop_process(publisher);
		for (int i = 0; i < 2; i++)
			check_publisher_stopped(&takers[i]);
		stop_go_on(publisher);
		for (int i = 0; i < 2; i++) {
			const uint64_t before = takers[i].last;

			/* State may come first. */
			while (takers[i].last == before)
				CHECK_EQ(take(&takers[i], WITNESS_LIMIT_NS), 0);
		}
	}
	stop_kill(publisher);
	for (int i = 0; i < 2; i++) {
		while (take(&takers[i], WITNESS_LIMIT_NS) == 0)
			;
		CHECK_EQ(tachyon_subscriber_end(takers[i].subscriber), TACHYON_END_DIED);
		let_go(&takers[i]);
		fprintf(stderr, "# stopped %u times; %lu frames, all of them\n", rounds,
			(unsigned long)takers[i].last);
		tachyon_subscriber_destroy(takers[i].subscriber);
	}
	unlink(PUBLISHER_ADDRESS);
}

/* A publisher that is stopped is one that does not answer: whoever connects says so in time. */
TEST_STOP(who_connects_to_a_stopped_publisher_is_told_in_time)
{
	struct taker takers[3];
	pid_t publisher;
	uint64_t begun;

	publisher = run_child(publish_for_ever, NULL);
	for (int i = 0; i < 3; i++)
		make_taker(&takers[i]);
	for (int i = 0; i < 2; i++)
		publisher_stage_connect(takers[i].subscriber);
	stop_process(publisher);
	begun = witness_now_ns();
	CHECK_EQ(tachyon_subscriber_connect(takers[2].subscriber, STOP_PATIENCE_NS),
		 TACHYON_ERR_TIMEDOUT);
	CHECK(witness_now_ns() - begun >= 2000000000);
	CHECK(witness_now_ns() - begun < (uint64_t)WITNESS_LIMIT_NS);
	stop_go_on(publisher);
	publisher_stage_connect(takers[2].subscriber);
	stop_kill(publisher);
	for (int i = 0; i < 3; i++)
		tachyon_subscriber_destroy(takers[i].subscriber);
	unlink(PUBLISHER_ADDRESS);
}

/* --- a subscriber is stopped --- */

static int take_for_ever(void *data)
{
	struct taker taker;
	const struct taker *const like = data;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	make_taker(&taker);
	taker.may_miss = like->may_miss;
	publisher_stage_connect(taker.subscriber);
	do {
		ret = take(&taker, stop_dice(2) ? 100000 : 0);
		if (stop_dice(8) == 0)
			tachyon_subscriber_set_need(taker.subscriber, 1 + stop_dice(3));
		if (stop_dice(8) == 0)
			let_go(&taker);
	} while (ret == 0 || ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_TIMEDOUT);
	return 1;
}

struct scene {
	struct tachyon_publisher *publisher;
	struct taker bystander;
	uint64_t number; /* of the next frame */
};

static int join_bystander(void *data)
{
	struct scene *const scene = data;

	publisher_stage_connect(scene->bystander.subscriber);
	return 0;
}

static pid_t open_scene(struct scene *scene, enum tachyon_policy policy)
{
	struct taker like = {.may_miss = policy == TACHYON_POLICY_DROP};
	struct watcher joining;
	pid_t child;

	*scene = (struct scene){.number = 1};
	scene->publisher = make_publisher(policy);
	child = run_child(take_for_ever, &like);
	publisher_stage_await(scene->publisher, 1);
	make_taker(&scene->bystander);
	watcher_send(&joining, join_bystander, scene);
	publisher_stage_await(scene->publisher, 2);
	CHECK_EQ(watcher_return(&joining), 0);
	return child;
}

static void close_scene(struct scene *scene, pid_t child)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};
	struct pollfd entry = {.fd = tachyon_publisher_fd(scene->publisher), .events = POLLIN};

	stop_kill(child);
	while (poll(&entry, 1, 0) == 1)
		CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	while (take(&scene->bystander, 0) == 0)
		;
	let_go(&scene->bystander);
	CHECK_EQ(scene->bystander.last, scene->number - 1);
	CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	tachyon_publisher_get_stats(scene->publisher, &stats);
	CHECK_EQ(stats.subscribers, 1);
	CHECK_EQ(stats.blocks_free, stats.blocks);
	tachyon_subscriber_destroy(scene->bystander.subscriber);
	tachyon_publisher_destroy(scene->publisher);
}

/* The bystander takes each frame, and all of them. */
static int publish_one(struct scene *scene)
{
	const int ret = publish(scene->publisher, scene->number);

	CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
	scene->number += ret == 0;
	while (take(&scene->bystander, 0) == 0)
		;
	return ret;
}

static void publish_until(struct scene *scene, uint64_t moment)
{
	while (witness_now_ns() < moment) {
		if (publish_one(scene) < 0)
			tachyon_publisher_wait(scene->publisher, 50000);
	}
}

TEST_STOP(a_stopped_subscriber_under_block_holds_up_no_longer_than_it_is_stopped)
{
	unsigned int rounds = 0;
	struct scene scene;
	pid_t child;

	stop_begin();
	child = open_scene(&scene, TACHYON_POLICY_BLOCK);
	for (; stop_again(rounds); rounds++) {
		uint64_t begun;

		publish_until(&scene, stop_moment());
		stop_process(child);
		while (publish_one(&scene) == 0)
			;
		while (tachyon_publisher_wait(scene.publisher, 0) == 0)
			;
		begun = witness_now_ns();
		CHECK_EQ(tachyon_publisher_wait(scene.publisher, STOP_PATIENCE_NS),
			 TACHYON_ERR_TIMEDOUT);
		stop_check_patience(begun);
		CHECK_EQ(publish_one(&scene), TACHYON_ERR_AGAIN);
		stop_go_on(child);
		while (publish_one(&scene) < 0)
			CHECK_EQ(tachyon_publisher_wait(scene.publisher, WITNESS_LIMIT_NS), 0);
	}
	fprintf(stderr, "# stopped %u times; %lu frames, all of them\n", rounds,
		(unsigned long)scene.number - 1);
	close_scene(&scene, child);
}

/* It has as much as it may, and the rest goes to who takes it; there are blocks for both. */
TEST_STOP(a_stopped_subscriber_under_drop_holds_up_nobody)
{
	unsigned int rounds = 0;
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};
	struct scene scene;
	pid_t child;

	stop_begin();
	child = open_scene(&scene, TACHYON_POLICY_DROP);
	for (; stop_again(rounds); rounds++) {
		publish_until(&scene, stop_moment());
		stop_process(child);
		for (int j = 0; j < 20; j++)
			publish_one(&scene);
		stop_go_on(child);
	}
	tachyon_publisher_get_stats(scene.publisher, &stats);
	fprintf(stderr, "# stopped %u times; %lu frames, of which it missed %lu\n", rounds,
		(unsigned long)scene.number - 1, (unsigned long)stats.dropped);
	CHECK(stats.dropped > 0);
	close_scene(&scene, child);
}
