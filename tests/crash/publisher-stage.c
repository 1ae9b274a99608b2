/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Those who subscribe to a publisher that is killed. */
#include "publisher-stage.h"

#include <harness.h>

#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crash.h"
#include "subscriber.h"

/* --- the victim --- */

struct tachyon_publisher_options publisher_stage_options(void)
{
	return (struct tachyon_publisher_options){
		.size = sizeof(struct tachyon_publisher_options),
		.ring_size = 4096,
		.max_buffers = 8,
		.max_subscribers = 4,
		.max_bytes = 1 << 17,
	};
}

void publisher_stage_await(struct tachyon_publisher *publisher, uint32_t count)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};

	while (tachyon_publisher_subscribers(publisher) < count) {
		CHECK_EQ(poll(&entry, 1, WITNESS_LIMIT_MS), 1);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	}
}

uint64_t publisher_stage_begin(struct publisher_stage *stage)
{
	return atomic_fetch_add(&stage->talk->begun, 1) + 1;
}

void publisher_stage_shown(struct publisher_stage *stage)
{
	atomic_store(&stage->talk->shown, atomic_load(&stage->talk->begun));
}

void publisher_stage_fill(void *data, size_t size, uint64_t number)
{
	uint32_t *const words = data;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = (uint32_t)(number << 16 | i);
}

void publisher_stage_frame(struct publisher_stage *stage, size_t size)
{
	struct tachyon_frame frame;
	uint64_t number;

	CHECK_EQ(tachyon_publisher_acquire(stage->victim, size, &frame), 0);
	number = publisher_stage_begin(stage);
	publisher_stage_fill(frame.data, size, number);
	frame.pts = number;
	CHECK(tachyon_publisher_commit(stage->victim, &frame) >= 0);
	publisher_stage_shown(stage);
}

static void print_caps(char caps[64], uint64_t number)
{
	snprintf(caps, 64, "x/y, number=(int)%lu", (unsigned long)number);
}

void publisher_stage_caps(struct publisher_stage *stage)
{
	char caps[64];

	print_caps(caps, publisher_stage_begin(stage));
	CHECK_EQ(tachyon_publisher_set_caps(stage->victim, caps), 0);
	publisher_stage_shown(stage);
}

void publisher_stage_event(struct publisher_stage *stage, uint32_t flags)
{
	const uint64_t number = publisher_stage_begin(stage);
	const struct tachyon_event event = {
		.type = (uint32_t)number,
		.flags = flags,
		.order = TACHYON_ORDER_SEGMENT,
		.data = &number,
		.size = sizeof(number),
	};

	CHECK_EQ(tachyon_publisher_send_event(stage->victim, &event), 0);
	publisher_stage_shown(stage);
}

static void be_ready(void *data)
{
	struct publisher_stage *const stage = data;
	const struct tachyon_publisher_options options = publisher_stage_options();

	CHECK_EQ(tachyon_publisher_create(PUBLISHER_ADDRESS, &options, &stage->victim), 0);
	publisher_stage_await(stage->victim, PUBLISHER_EARS + stage->act->others);
	if (stage->act->before)
		stage->act->before(stage);
}

static void act(void *data)
{
	struct publisher_stage *const stage = data;

	stage->act->act(stage);
}

/* --- those who subscribe --- */

static void check_lent(const struct tachyon_frame *frame, uint64_t number)
{
	uint64_t offset, size, id;
	uint32_t *words;
	int fd;

	CHECK_EQ(tachyon_frame_descriptor(frame, &fd, &offset, &size, &id), 0);
	CHECK_EQ(offset, 0);
	words = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(words != MAP_FAILED);
	for (size_t i = 0; i < frame->size / sizeof(*words); i++)
		CHECK_EQ(words[i], (uint32_t)(number << 16 | i));
	munmap(words, size);
}

/* A block is given up after the connection was closed, which may not be noticed yet. */
static void check_valid(const struct publisher_ear *ear, const struct tachyon_frame *frame)
{
	const enum tachyon_end end = tachyon_subscriber_end(ear->subscriber);

	if (!ear->stage->act->gives_up || end == TACHYON_END_DIED)
		CHECK_EQ(tachyon_frame_is_valid(frame), 1);
}

static void check_frame(const struct publisher_ear *ear, const struct tachyon_frame *frame,
			uint64_t number)
{
	const uint32_t *const words = frame->data;

	CHECK_EQ(frame->pts, number);
	if (frame->size == 0)
		return;
	if (!words) {
		check_lent(frame, number);
		return;
	}
	check_valid(ear, frame);
	for (size_t i = 0; i < frame->size / sizeof(*words); i++) {
		if (words[i] != (uint32_t)(number << 16 | i))
			test_fail(__FILE__, __LINE__, "torn: word %zu of frame %lu is %#x", i,
				  (unsigned long)number, words[i]);
	}
}

static void check_item(struct publisher_ear *ear, const struct tachyon_item *item)
{
	const uint64_t number = ++ear->heard;
	char caps[64];

	switch (item->type) {
	case TACHYON_ITEM_FRAME:
		check_frame(ear, &item->frame, number);
		CHECK(ear->held_count < PUBLISHER_HELD);
		ear->held[ear->held_count++] = item->frame;
		break;
	case TACHYON_ITEM_CAPS:
		print_caps(caps, number);
		CHECK_STR_EQ(item->caps, caps);
		break;
	case TACHYON_ITEM_LAYOUT:
		CHECK_EQ(item->layout.width, number);
		break;
	case TACHYON_ITEM_CLOCK:
		CHECK_EQ(item->clock.base_time, number);
		break;
	case TACHYON_ITEM_EVENT:
		CHECK_EQ(item->event.type, number);
		CHECK_MEM_EQ(item->event.data, &number, sizeof(number));
		break;
	case TACHYON_ITEM_EOS:
		break;
	}
}

void publisher_stage_give_back(struct publisher_ear *ear)
{
	while (ear->held_count > 0)
		tachyon_frame_release(&ear->held[--ear->held_count]);
}

int publisher_stage_hear(struct publisher_ear *ear, uint64_t count, int64_t timeout_ns)
{
	struct tachyon_item item;
	int ret = 0;

	for (uint64_t i = 0; i < count && ret == 0; i++) {
		ret = tachyon_subscriber_receive(ear->subscriber, &item, timeout_ns);
		if (ret < 0)
			break;
		check_item(ear, &item);
		if (ear->stage->act->gives_back)
			publisher_stage_give_back(ear);
	}
	return ret;
}

static int hear_to_the_end(void *data)
{
	return publisher_stage_hear(data, UINT64_MAX, WITNESS_LIMIT_NS);
}

void publisher_stage_connect(struct tachyon_subscriber *subscriber)
{
	int ret;

	do {
		ret = tachyon_subscriber_connect(subscriber, WITNESS_LIMIT_NS);
	} while (ret == TACHYON_ERR_CLOSED);
	CHECK_EQ(ret, 0);
}

static void attend(void *data)
{
	struct publisher_stage *const stage = data;

	memset(stage->talk, 0, sizeof(*stage->talk));
	if (stage->act->arrive)
		stage->act->arrive(stage);
	for (int i = 0; i < PUBLISHER_EARS; i++) {
		struct publisher_ear *const ear = &stage->ears[i];

		ear->heard = ear->shouts = 0;
		publisher_stage_connect(ear->subscriber);
	}
	if (stage->act->attend)
		stage->act->attend(stage);
}

static void meanwhile(void *data)
{
	struct publisher_stage *const stage = data;

	for (int i = 0; i < PUBLISHER_EARS; i++)
		stage->ears[i].base = atomic_load(&stage->talk->begun);
	watcher_send(&stage->watcher, hear_to_the_end, &stage->ears[0]);
	if (stage->act->meanwhile)
		stage->act->meanwhile(stage);
}

/* --- what must hold --- */

/* What was sent before the death is still there, and nobody writes to it any more. */
static void check_held(struct publisher_ear *ear)
{
	for (unsigned int i = 0; i < ear->held_count; i++)
		check_frame(ear, &ear->held[i], ear->held[i].pts);
	publisher_stage_give_back(ear);
}

static void check_shouts(struct publisher_stage *stage, struct publisher_ear *ear)
{
	struct tachyon_event event;

	while (tachyon_subscriber_receive_urgent(ear->subscriber, &event, 0) == 0) {
		CHECK_EQ(event.type, ++ear->shouts);
		CHECK_EQ(event.size, sizeof(ear->shouts));
		CHECK_MEM_EQ(event.data, &ear->shouts, sizeof(ear->shouts));
	}
	CHECK(ear->shouts >= atomic_load(&stage->talk->shouted));
	CHECK(ear->shouts <= atomic_load(&stage->talk->shouting));
}

static void check_items(struct publisher_stage *stage, struct publisher_ear *ear)
{
	const uint64_t news = ear->heard - ear->base;

	CHECK(ear->heard >= atomic_load(&stage->talk->shown));
	CHECK(ear->heard <= atomic_load(&stage->talk->begun));
	if (stage->act->together)
		CHECK_EQ(news % stage->act->together, 0);
	stage->none += news == 0;
	stage->all += news == stage->act->sends;
}

static void check_end(struct publisher_stage *stage, struct publisher_ear *ear)
{
	const enum tachyon_end end = tachyon_subscriber_end(ear->subscriber);

	if (stage->act->may_close) {
		CHECK(end == TACHYON_END_DIED || end == TACHYON_END_CLOSED);
		if (atomic_load(&stage->talk->is_closed))
			CHECK_EQ(end, TACHYON_END_CLOSED);
	} else {
		CHECK_EQ(end, TACHYON_END_DIED);
	}
	stage->died += end == TACHYON_END_DIED;
	stage->closed += end == TACHYON_END_CLOSED;
}

void publisher_stage_sweep(struct publisher_stage *stage)
{
	glob_t found;

	if (glob(".t*", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			CHECK_EQ(unlink(found.gl_pathv[i]), 0);
			stage->litter++;
		}
	}
	globfree(&found);
}

/* The path is to be had, at once. */
static void check_successor(void)
{
	const struct tachyon_publisher_options options = publisher_stage_options();
	struct tachyon_publisher *publisher;

	CHECK_EQ(tachyon_publisher_create(PUBLISHER_ADDRESS, &options, &publisher), 0);
	tachyon_publisher_destroy(publisher);
}

/*
 * Nothing of the dead is left where a subscriber is asked to connect anew, be it in vain: the
 * connection there was goes first.
 */
static void check_left(struct publisher_stage *stage, struct publisher_ear *ear)
{
	struct tachyon_subscriber_stats stats = {.size = sizeof(stats)};

	CHECK_EQ(tachyon_subscriber_connect(ear->subscriber, 0), TACHYON_ERR_AGAIN);
	tachyon_subscriber_get_stats(ear->subscriber, &stats);
	CHECK_EQ(stats.held, 0);
	CHECK_EQ(stats.mapped_bytes, 0);
	(void)stage;
}

/* The end is told when nothing is left, and nothing comes after it. */
static void check_empty(struct publisher_ear *ear)
{
	struct tachyon_bus *const bus = tach_connection_bus(ear->subscriber->connection);
	const uint64_t heard = ear->heard;

	CHECK(!tach_ring_is_ready(&bus->receiver));
	CHECK_EQ(hear_to_the_end(ear), TACHYON_ERR_CLOSED);
	CHECK_EQ(ear->heard, heard);
}

static void after(void *data)
{
	struct publisher_stage *const stage = data;

	CHECK_EQ(watcher_return(&stage->watcher), TACHYON_ERR_CLOSED);
	witness_told(&stage->witness, atomic_load(&stage->watcher.back_ns));
	CHECK_EQ(hear_to_the_end(&stage->ears[1]), TACHYON_ERR_CLOSED);
	for (int i = 0; i < PUBLISHER_EARS; i++) {
		check_empty(&stage->ears[i]);
		check_items(stage, &stage->ears[i]);
		check_end(stage, &stage->ears[i]);
		check_held(&stage->ears[i]);
		check_shouts(stage, &stage->ears[i]);
	}
	if (stage->act->after)
		stage->act->after(stage);
	else
		check_successor();
	for (int i = 0; i < PUBLISHER_EARS; i++)
		check_left(stage, &stage->ears[i]);
	publisher_stage_sweep(stage);
	witness_check(&stage->witness);
}

/* --- the whole --- */

static void open_ears(struct publisher_stage *stage)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.ring_size = 4096,
		.takes_descriptors = 1,
		.takes_urgent = 1,
	};

	for (int i = 0; i < PUBLISHER_EARS; i++) {
		stage->ears[i].stage = stage;
		CHECK_EQ(tachyon_subscriber_create(PUBLISHER_ADDRESS, &options,
						   &stage->ears[i].subscriber),
			 0);
	}
}

void publisher_stage_run(const struct publisher_act *what)
{
	struct publisher_stage stage = {.act = what};
	const struct crash crash = {
		.name = what->name,
		.before = be_ready,
		.attend = attend,
		.meanwhile = meanwhile,
		.act = act,
		.after = after,
		.data = &stage,
	};

	stage.talk = mmap(NULL, sizeof(*stage.talk), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(stage.talk != MAP_FAILED);
	open_ears(&stage);
	witness_init(&stage.witness, what->name);
	crash_everywhere(&crash);
	witness_fini(&stage.witness);
	fprintf(stderr, "# %s: heard nothing %lu times, all %lu; died %lu times, closed %lu\n",
		what->name, (unsigned long)stage.none, (unsigned long)stage.all,
		(unsigned long)stage.died, (unsigned long)stage.closed);
	if (what->sends)
		CHECK(stage.none > 0 && stage.all > 0);
	if (what->may_close)
		CHECK(stage.died > 0 && stage.closed > 0);
	for (int i = 0; i < PUBLISHER_EARS; i++)
		tachyon_subscriber_destroy(stage.ears[i].subscriber);
	munmap(stage.talk, sizeof(*stage.talk));
}
