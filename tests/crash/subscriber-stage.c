/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* The publisher of a subscriber that is killed. */
#include "subscriber-stage.h"

#include <harness.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crash.h"

#define LENT_SIZE 4096u

/* --- frames --- */

static void fill(uint32_t *words, uint64_t number)
{
	for (size_t i = 0; i < SUBSCRIBER_FRAME / sizeof(*words); i++)
		words[i] = (uint32_t)(number << 8 | i);
}

static void check_words(const uint32_t *words, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size / sizeof(*words); i++) {
		if (words[i] != (uint32_t)(number << 8 | i))
			test_fail(__FILE__, __LINE__, "torn: word %zu of frame %lu is %#x", i,
				  (unsigned long)number, words[i]);
	}
}

static void check_frame(const struct tachyon_frame *frame)
{
	uint32_t words[SUBSCRIBER_FRAME / sizeof(uint32_t)];
	uint64_t offset, size, id;
	int fd;

	CHECK(frame->size <= SUBSCRIBER_FRAME);
	if (frame->data) {
		check_words(frame->data, frame->size, frame->pts);
		return;
	}
	CHECK_EQ(tachyon_frame_descriptor(frame, &fd, &offset, &size, &id), 0);
	CHECK_EQ(pread(fd, words, frame->size, (off_t)offset), (ssize_t)frame->size);
	check_words(words, frame->size, frame->pts);
}

/* --- the publisher --- */

static void expect_sent(struct subscriber_stage *stage, int ret)
{
	CHECK_EQ(ret, tachyon_publisher_subscribers(stage->publisher));
	stage->cookies++;
}

void subscriber_stage_send(struct subscriber_stage *stage, unsigned int count)
{
	struct tachyon_frame frame;

	for (unsigned int i = 0; i < count; i++) {
		CHECK_EQ(tachyon_publisher_acquire(stage->publisher, SUBSCRIBER_FRAME, &frame), 0);
		frame.pts = ++stage->sent;
		fill(frame.data, frame.pts);
		expect_sent(stage, tachyon_publisher_publish(stage->publisher, &frame, stage));
		tachyon_publisher_abandon(stage->publisher, &frame);
	}
}

static struct tachyon_frame plain_frame(struct subscriber_stage *stage)
{
	return (struct tachyon_frame){
		.size = SUBSCRIBER_FRAME,
		.pts = ++stage->sent,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
	};
}

void subscriber_stage_send_inline(struct subscriber_stage *stage)
{
	uint32_t words[SUBSCRIBER_FRAME / sizeof(uint32_t)];
	struct tachyon_frame frame = plain_frame(stage);

	fill(words, frame.pts);
	frame.data = words;
	CHECK_EQ(tachyon_publisher_send(stage->publisher, &frame),
		 tachyon_publisher_subscribers(stage->publisher));
}

void subscriber_stage_send_lent(struct subscriber_stage *stage)
{
	uint32_t words[SUBSCRIBER_FRAME / sizeof(uint32_t)];
	struct tachyon_frame frame = plain_frame(stage);
	struct tachyon_block *block;
	const int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, LENT_SIZE), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	fill(words, frame.pts);
	CHECK_EQ(pwrite(fd, words, sizeof(words), 0), (ssize_t)sizeof(words));
	CHECK_EQ(tachyon_publisher_lend(stage->publisher, fd, LENT_SIZE, &block), 0);
	close(fd);
	frame.block = block;
	expect_sent(stage, tachyon_publisher_publish_lent(stage->publisher, &frame, 0, stage));
	tachyon_publisher_take_back(stage->publisher, block);
}

void subscriber_stage_look(struct subscriber_stage *stage)
{
	struct tachyon_item item;
	int ret;

	while ((ret = tachyon_subscriber_receive(stage->bystander, &item, 0)) == 0) {
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		CHECK_EQ(item.frame.pts, ++stage->seen);
		check_frame(&item.frame);
		tachyon_frame_release(&item.frame);
	}
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
}

static void take_notice(struct subscriber_stage *stage, const struct tachyon_notice *notice)
{
	switch (notice->type) {
	case TACHYON_NOTICE_JOINED:
		stage->joined = notice->subscriber;
		break;
	case TACHYON_NOTICE_LEFT:
		CHECK_EQ(notice->subscriber, stage->joined);
		CHECK_EQ(stage->end, TACHYON_END_NONE);
		stage->end = notice->end;
		break;
	case TACHYON_NOTICE_EVENT:
		CHECK_EQ(notice->subscriber, stage->joined);
		CHECK_EQ(notice->event.size, sizeof(uint64_t));
		if (notice->event.type == 1)
			CHECK_EQ(notice->event.id, ++stage->asked);
		else
			CHECK_EQ(notice->event.id, ++stage->shouts);
		break;
	}
}

static void take_notices(struct subscriber_stage *stage)
{
	struct tachyon_notice notice;

	while (tachyon_publisher_next_notice(stage->publisher, &notice) == 1)
		take_notice(stage, &notice);
}

/* Serves until the count of subscribers is this. */
static void await_count(struct subscriber_stage *stage, uint32_t count)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(stage->publisher), .events = POLLIN};

	while (tachyon_publisher_subscribers(stage->publisher) != count) {
		CHECK_EQ(poll(&entry, 1, WITNESS_LIMIT_MS), 1);
		CHECK_EQ(tachyon_publisher_dispatch(stage->publisher), 0);
	}
	take_notices(stage);
}

/* Asleep until the victim has left; one that never joined is not missed. */
static int wait_for_departure(void *data)
{
	struct subscriber_stage *const stage = data;
	int ret = 0;

	while (stage->end == TACHYON_END_NONE && ret == 0) {
		ret = tachyon_publisher_wait(stage->publisher, WITNESS_LIMIT_NS);
		take_notices(stage);
	}
	return ret;
}

/* --- the victim --- */

void subscriber_stage_connect(struct subscriber_stage *stage)
{
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.ring_size = 4096,
		.takes_descriptors = 1,
		.takes_urgent = 1,
		.is_private = stage->act->is_private,
	};

	if (tachyon_subscriber_create(SUBSCRIBER_ADDRESS, &options, &stage->victim) < 0)
		return;
	while (tachyon_subscriber_connect(stage->victim, WITNESS_LIMIT_NS) == TACHYON_ERR_CLOSED)
		;
}

void subscriber_stage_receive(struct subscriber_stage *stage)
{
	struct tachyon_item item;

	while (stage->frame_count < SUBSCRIBER_BLOCKS &&
	       tachyon_subscriber_receive(stage->victim, &item, 0) == 0) {
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		check_frame(&item.frame);
		stage->frames[stage->frame_count++] = item.frame;
	}
}

void subscriber_stage_release(struct subscriber_stage *stage)
{
	while (stage->frame_count > 0)
		tachyon_frame_release(&stage->frames[--stage->frame_count]);
}

static void be_ready(void *data)
{
	struct subscriber_stage *const stage = data;

	if (!stage->act->joins)
		subscriber_stage_connect(stage);
	if (stage->act->before)
		stage->act->before(stage);
}

static void act(void *data)
{
	struct subscriber_stage *const stage = data;

	stage->act->act(stage);
}

/* --- around it --- */

static void attend(void *data)
{
	struct subscriber_stage *const stage = data;

	memset(stage->talk, 0, sizeof(*stage->talk));
	stage->asked = stage->shouts = 0;
	stage->end = TACHYON_END_NONE;
	if (!stage->act->joins)
		await_count(stage, 2);
	if (stage->act->attend)
		stage->act->attend(stage);
}

static void meanwhile(void *data)
{
	struct subscriber_stage *const stage = data;

	if (stage->act->meanwhile)
		stage->act->meanwhile(stage);
	if (!stage->act->is_busy)
		watcher_send(&stage->watcher, wait_for_departure, stage);
}

/* --- what must hold --- */

static void check_end(struct subscriber_stage *stage)
{
	const uint64_t is_closed = atomic_load(&stage->talk->is_closed);

	if (stage->end == TACHYON_END_NONE)
		CHECK(stage->act->joins && !is_closed);
	else if (stage->end == TACHYON_END_CLOSED)
		CHECK(stage->act->may_close);
	else
		CHECK(stage->end == TACHYON_END_DIED && !is_closed);
	stage->unmet += stage->end == TACHYON_END_NONE;
	stage->died += stage->end == TACHYON_END_DIED;
	stage->closed += stage->end == TACHYON_END_CLOSED;
}

static void check_events(const struct subscriber_stage *stage)
{
	CHECK(stage->asked >= atomic_load(&stage->talk->shown));
	CHECK(stage->asked <= atomic_load(&stage->talk->begun));
	CHECK(stage->shouts >= atomic_load(&stage->talk->shouted));
	CHECK(stage->shouts <= atomic_load(&stage->talk->shouting));
}

/* Nothing is out with the dead: every block is free, every publication over. */
static void check_blocks(struct subscriber_stage *stage)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	CHECK_EQ(tachyon_publisher_dispatch(stage->publisher), 0);
	while (tachyon_publisher_reclaim(stage->publisher))
		stage->cookies--;
	CHECK_EQ(stage->cookies, 0);
	tachyon_publisher_get_stats(stage->publisher, &stats);
	CHECK_EQ(stats.subscribers, 1);
	CHECK_EQ(stats.blocks, SUBSCRIBER_BLOCKS);
	CHECK_EQ(stats.blocks_free, stats.blocks);
	CHECK_EQ(stats.dropped, 0);
}

/* On a busy machine a handshake may run out of time: tries again. */
static int connect_newcomer(void *newcomer)
{
	int ret;

	do {
		ret = tachyon_subscriber_connect(newcomer, WITNESS_LIMIT_NS);
	} while (ret == TACHYON_ERR_CLOSED);
	return ret;
}

/* Another one joins, and gets as many frames as there are blocks. */
static void check_newcomer(struct subscriber_stage *stage)
{
	struct tachyon_frame frames[SUBSCRIBER_BLOCKS];
	struct tachyon_subscriber *newcomer;
	struct watcher joining;
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_create(SUBSCRIBER_ADDRESS, NULL, &newcomer), 0);
	watcher_send(&joining, connect_newcomer, newcomer);
	await_count(stage, 2);
	CHECK_EQ(watcher_return(&joining), 0);
	stage->end = TACHYON_END_NONE;
	subscriber_stage_send(stage, SUBSCRIBER_BLOCKS);
	for (unsigned int i = 0; i < SUBSCRIBER_BLOCKS;) {
		CHECK_EQ(tachyon_subscriber_receive(newcomer, &item, 0), 0);
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		CHECK_EQ(item.frame.pts, stage->sent - SUBSCRIBER_BLOCKS + 1 + i);
		check_frame(&item.frame);
		frames[i++] = item.frame;
	}
	for (unsigned int i = 0; i < SUBSCRIBER_BLOCKS; i++)
		tachyon_frame_release(&frames[i]);
	subscriber_stage_look(stage);
	tachyon_subscriber_destroy(newcomer);
	await_count(stage, 1);
	CHECK_EQ(stage->end, TACHYON_END_CLOSED);
}

/* All that is left to be done for the dead, who has been reaped, is known by now. */
static void serve_all(struct subscriber_stage *stage)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(stage->publisher), .events = POLLIN};

	while (poll(&entry, 1, 0) == 1)
		CHECK_EQ(tachyon_publisher_dispatch(stage->publisher), 0);
	take_notices(stage);
}

/* Who was busy meanwhile finds all that is left of the dead at once. */
static void come_back(struct subscriber_stage *stage)
{
	serve_all(stage);
	CHECK(stage->end != TACHYON_END_NONE);
	witness_told(&stage->witness, witness_now_ns());
}

/* One that was killed before it had joined is not missed: nobody is told. */
static void end_watch(struct subscriber_stage *stage)
{
	int ret;

	if (stage->act->joins)
		tachyon_publisher_cancel(stage->publisher);
	ret = watcher_return(&stage->watcher);
	if (stage->act->joins)
		tachyon_publisher_resume(stage->publisher);
	CHECK(ret == 0 || (stage->act->joins && ret == TACHYON_ERR_CANCELED));
	if (ret == 0)
		witness_told(&stage->witness, atomic_load(&stage->watcher.back_ns));
	serve_all(stage);
}

static void after(void *data)
{
	struct subscriber_stage *const stage = data;

	if (stage->act->is_busy)
		come_back(stage);
	else
		end_watch(stage);
	check_end(stage);
	check_events(stage);
	subscriber_stage_look(stage);
	CHECK_EQ(stage->seen, stage->sent);
	check_blocks(stage);
	check_newcomer(stage);
	check_blocks(stage);
	/* What the bystander learned of lent memory it forgets when it looks. */
	subscriber_stage_look(stage);
	CHECK_EQ(tachyon_publisher_dispatch(stage->publisher), 0);
	witness_check(&stage->witness);
}

/* --- the whole --- */

static void open_publisher(struct subscriber_stage *stage)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.ring_size = 4096,
		.max_buffers = 32,
		.max_subscribers = 3,
		.max_bytes = 1 << 16,
	};
	struct tachyon_subscriber_options bystander = {
		.size = sizeof(bystander),
		.takes_descriptors = 1,
	};
	struct watcher joining;

	CHECK_EQ(tachyon_publisher_create(SUBSCRIBER_ADDRESS, &options, &stage->publisher), 0);
	CHECK_EQ(tachyon_publisher_configure(stage->publisher, SUBSCRIBER_FRAME, SUBSCRIBER_BLOCKS),
		 0);
	CHECK_EQ(tachyon_publisher_set_caps(stage->publisher, "x/y"), 0);
	CHECK_EQ(tachyon_subscriber_create(SUBSCRIBER_ADDRESS, &bystander, &stage->bystander), 0);
	watcher_send(&joining, connect_newcomer, stage->bystander);
	await_count(stage, 1);
	CHECK_EQ(watcher_return(&joining), 0);
	/* It maps the segment. */
	subscriber_stage_send(stage, 1);
	subscriber_stage_look(stage);
	check_blocks(stage);
}

void subscriber_stage_run(const struct subscriber_act *what)
{
	struct subscriber_stage stage = {.act = what};
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
	open_publisher(&stage);
	witness_init(&stage.witness, what->name);
	crash_everywhere(&crash);
	witness_fini(&stage.witness);
	fprintf(stderr, "# %s: %lu died, %lu closed, %lu had not joined\n", what->name,
		(unsigned long)stage.died, (unsigned long)stage.closed, (unsigned long)stage.unmet);
	CHECK(stage.died > 0);
	if (what->may_close)
		CHECK(stage.closed > 0);
	if (what->joins)
		CHECK(stage.unmet > 0);
	tachyon_subscriber_destroy(stage.bystander);
	tachyon_publisher_destroy(stage.publisher);
	munmap(stage.talk, sizeof(*stage.talk));
}
