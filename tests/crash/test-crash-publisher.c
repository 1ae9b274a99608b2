/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher is killed after each instruction of what sends: two who subscribe get what was sent,
 * and then are told.
 */
#include <harness.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "publisher-stage.h"

#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 1200)

/* --- frames --- */

/* There is memory, and both know of it. */
static void send_one(struct publisher_stage *stage)
{
	publisher_stage_frame(stage, PUBLISHER_FRAME);
}

TEST_CRASH(acquire_and_commit_to_two)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "acquire, commit",
		.before = send_one,
		.act = send_one,
		.sends = 1,
	});
}

TEST_CRASH(the_first_frame_brings_a_segment)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "acquire, commit, new segment",
		.act = send_one,
		.sends = 1,
	});
}

static void act_publish(struct publisher_stage *stage)
{
	static int cookie;
	struct tachyon_frame frame;

	if (tachyon_publisher_acquire(stage->victim, PUBLISHER_FRAME, &frame) < 0)
		return;
	frame.pts = publisher_stage_begin(stage);
	publisher_stage_fill(frame.data, frame.size, frame.pts);
	tachyon_publisher_publish(stage->victim, &frame, &cookie);
	publisher_stage_shown(stage);
	tachyon_publisher_abandon(stage->victim, &frame);
	tachyon_publisher_reclaim(stage->victim);
}

TEST_CRASH(publish_with_a_cookie)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "publish, reclaim",
		.before = send_one,
		.act = act_publish,
		.gives_back = true,
		.sends = 1,
	});
}

static void send_copy(struct publisher_stage *stage, size_t size)
{
	uint32_t words[128];
	const struct tachyon_frame frame = {
		.data = words,
		.size = size,
		.pts = publisher_stage_begin(stage),
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
	};

	publisher_stage_fill(words, size, frame.pts);
	if (tachyon_publisher_send(stage->victim, &frame) > 0)
		publisher_stage_shown(stage);
}

static void act_inline(struct publisher_stage *stage)
{
	send_copy(stage, 64);
	send_copy(stage, 0);
}

TEST_CRASH(inline_frames)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "inline",
		.act = act_inline,
		.sends = 2,
	});
}

static void act_copy(struct publisher_stage *stage)
{
	send_copy(stage, sizeof(uint32_t) * 72);
}

TEST_CRASH(send_a_copy_in_a_block)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "send",
		.before = send_one,
		.act = act_copy,
		.sends = 1,
	});
}

/* Its metadata are too large for the ring, and lie in a block of their own. */
static void act_metadata(struct publisher_stage *stage)
{
	static uint64_t records[200];
	static const uint8_t content[1500];
	struct tachyon_frame frame;
	size_t used = 0;

	if (tachyon_record_append(records, sizeof(records), &used, TACHYON_RECORD_USER, content,
				  sizeof(content)) < 0 ||
	    tachyon_publisher_acquire(stage->victim, PUBLISHER_FRAME, &frame) < 0)
		return;
	frame.pts = publisher_stage_begin(stage);
	publisher_stage_fill(frame.data, frame.size, frame.pts);
	frame.metadata = records;
	frame.metadata_size = used;
	if (tachyon_publisher_commit(stage->victim, &frame) > 0)
		publisher_stage_shown(stage);
}

TEST_CRASH(metadata_in_a_block)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "metadata in a block",
		.before = send_one,
		.act = act_metadata,
		.sends = 1,
	});
}

/* Shows all of it at once. */
static void act_cork(struct publisher_stage *stage)
{
	struct tachyon_frame frame;

	tachyon_publisher_cork(stage->victim);
	for (int i = 0; i < 3; i++) {
		if (tachyon_publisher_acquire(stage->victim, PUBLISHER_FRAME, &frame) < 0)
			return;
		frame.pts = publisher_stage_begin(stage);
		publisher_stage_fill(frame.data, frame.size, frame.pts);
		tachyon_publisher_commit(stage->victim, &frame);
	}
	tachyon_publisher_uncork(stage->victim);
	publisher_stage_shown(stage);
}

TEST_CRASH(frames_under_a_cork_show_at_once)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "cork",
		.act = act_cork,
		.together = 3,
		.sends = 3,
	});
}

/* --- memory --- */

static void act_new_size(struct publisher_stage *stage)
{
	publisher_stage_caps(stage);
	tachyon_publisher_configure(stage->victim, 9000, 2);
	publisher_stage_frame(stage, 9000 / 8 / 4 * 4);
}

static void before_new_size(struct publisher_stage *stage)
{
	CHECK_EQ(tachyon_publisher_configure(stage->victim, PUBLISHER_FRAME, 4), 0);
	send_one(stage);
	/* Both have given it back. */
	while (atomic_load(&stage->talk->is_closed) == 0)
		tachyon_publisher_dispatch(stage->victim);
	atomic_store(&stage->talk->is_closed, 0);
}

static void attend_new_size(struct publisher_stage *stage)
{
	for (int i = 0; i < PUBLISHER_EARS; i++)
		CHECK_EQ(publisher_stage_hear(&stage->ears[i], 1, WITNESS_LIMIT_NS), 0);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(another_size_retires_the_old_segment)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "caps, configure, retire",
		.before = before_new_size,
		.attend = attend_new_size,
		.act = act_new_size,
		.gives_back = true,
		.sends = 2,
	});
}

/* The act takes what both returned, and what they answered. */
static void act_take_returns(struct publisher_stage *stage)
{
	tachyon_publisher_dispatch(stage->victim);
	tachyon_publisher_wait(stage->victim, 0);
	tachyon_publisher_wait(stage->victim, MS / 2);
}

static void send_three(struct publisher_stage *stage)
{
	for (int i = 0; i < 3; i++)
		send_one(stage);
}

static void attend_three(struct publisher_stage *stage)
{
	for (int i = 0; i < PUBLISHER_EARS; i++)
		CHECK_EQ(publisher_stage_hear(&stage->ears[i], 3, WITNESS_LIMIT_NS), 0);
}

TEST_CRASH(dispatch_takes_returns_and_wait_sleeps)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "dispatch, wait",
		.before = send_three,
		.attend = attend_three,
		.act = act_take_returns,
		.gives_back = true,
	});
}

static void act_poll(struct publisher_stage *stage)
{
	tachyon_publisher_prepare(stage->victim);
	tachyon_publisher_dispatch(stage->victim);
}

TEST_CRASH(prepare_and_dispatch)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "prepare, dispatch",
		.before = send_three,
		.attend = attend_three,
		.act = act_poll,
		.gives_back = true,
	});
}

/* --- lent memory --- */

static int make_lendable(void)
{
	const int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 4096), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

static void write_lent(int fd, uint64_t number)
{
	uint32_t words[PUBLISHER_FRAME / sizeof(uint32_t)];

	publisher_stage_fill(words, sizeof(words), number);
	CHECK_EQ(pwrite(fd, words, sizeof(words), 0), (ssize_t)sizeof(words));
}

static void act_lend(struct publisher_stage *stage)
{
	const int fd = make_lendable();
	struct tachyon_block *block;
	struct tachyon_frame frame = {
		.size = PUBLISHER_FRAME,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
	};

	if (tachyon_publisher_lend(stage->victim, fd, 4096, &block) < 0)
		return;
	frame.block = block;
	frame.pts = publisher_stage_begin(stage);
	write_lent(fd, frame.pts);
	if (tachyon_publisher_publish_lent(stage->victim, &frame, 0, NULL) > 0)
		publisher_stage_shown(stage);
	tachyon_publisher_take_back(stage->victim, block);
	close(fd);
	tachyon_publisher_dispatch(stage->victim);
	send_one(stage);
}

TEST_CRASH(lend_and_publish_and_take_back)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "lend, publish, take back",
		.act = act_lend,
		.gives_back = true,
		.sends = 2,
	});
}

/* --- state and events --- */

static void act_state(struct publisher_stage *stage)
{
	struct tachyon_layout layout = {.plane_count = 1};
	struct tachyon_clock clock = {.latency = 1};

	clock.base_time = publisher_stage_begin(stage);
	tachyon_publisher_set_clock(stage->victim, &clock);
	publisher_stage_shown(stage);
	publisher_stage_caps(stage);
	layout.width = (uint32_t)publisher_stage_begin(stage);
	tachyon_publisher_set_layout(stage->victim, &layout);
	publisher_stage_shown(stage);
	publisher_stage_event(stage, TACHYON_EVENT_STICKY);
	publisher_stage_event(stage, 0);
	publisher_stage_begin(stage);
	tachyon_publisher_send_eos(stage->victim);
	publisher_stage_shown(stage);
}

TEST_CRASH(state_and_events_and_the_end_of_the_stream)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "clock, caps, layout, events, end of stream",
		.act = act_state,
		.sends = 6,
	});
}

static void act_shout(struct publisher_stage *stage)
{
	for (int i = 0; i < 2; i++) {
		const uint64_t number = atomic_fetch_add(&stage->talk->shouting, 1) + 1;
		const struct tachyon_event event = {
			.type = (uint32_t)number,
			.data = &number,
			.size = sizeof(number),
		};

		if (tachyon_publisher_send_urgent(stage->victim, 0, &event) == 0)
			atomic_store(&stage->talk->shouted, number);
	}
}

TEST_CRASH(urgent_events)
{
	publisher_stage_run(&(const struct publisher_act){
		.name = "urgent events",
		.act = act_shout,
	});
}
