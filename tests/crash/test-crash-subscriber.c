/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber is killed after each instruction of each call: its publisher has all its blocks
 * back, and another subscriber notices nothing.
 */
#include <harness.h>

#include <string.h>

#include "subscriber-stage.h"

#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 1200)

static void send_three(struct subscriber_stage *stage)
{
	subscriber_stage_send(stage, 3);
}

/* --- receiving --- */

static void act_receive(struct subscriber_stage *stage)
{
	subscriber_stage_receive(stage);
	subscriber_stage_release(stage);
}

/* It has the segment, and a frame of it. */
static void send_one(struct subscriber_stage *stage)
{
	subscriber_stage_send(stage, 1);
}

static void receive_one(struct subscriber_stage *stage)
{
	struct tachyon_item item;

	do {
		CHECK_EQ(tachyon_subscriber_receive(stage->victim, &item, WITNESS_LIMIT_NS), 0);
	} while (item.type != TACHYON_ITEM_FRAME);
	stage->frames[stage->frame_count++] = item.frame;
}

TEST_CRASH(receive_and_release)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, release",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_three,
		.act = act_receive,
	});
}

TEST_CRASH(the_first_frame_brings_state_and_a_segment)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, state, new segment",
		.meanwhile = send_three,
		.act = act_receive,
	});
}

TEST_CRASH(receive_to_write)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, private",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_one,
		.act = act_receive,
		.is_private = true,
	});
}

static void send_inline(struct subscriber_stage *stage)
{
	subscriber_stage_send_inline(stage);
	subscriber_stage_send_inline(stage);
}

TEST_CRASH(receive_inline)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, inline",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_inline,
		.act = act_receive,
	});
}

static void send_lent(struct subscriber_stage *stage)
{
	subscriber_stage_send_lent(stage);
}

/* The second look meets the RETIRE, and answers. */
static void act_receive_lent(struct subscriber_stage *stage)
{
	act_receive(stage);
	act_receive(stage);
}

TEST_CRASH(receive_lent_memory)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, lent",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_lent,
		.act = act_receive_lent,
	});
}

/* Of caps, an event, and the end of the stream. */
static void send_state(struct subscriber_stage *stage)
{
	const struct tachyon_event event = {.type = 7, .data = stage, .size = 100};

	CHECK_EQ(tachyon_publisher_set_caps(stage->publisher, "x/y, n=(int)1"), 0);
	CHECK_EQ(tachyon_publisher_send_event(stage->publisher, &event), 0);
	CHECK_EQ(tachyon_publisher_send_eos(stage->publisher), 0);
	tachyon_publisher_forget(stage->publisher, TACHYON_ORDER_EOS);
}

TEST_CRASH(receive_state)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, state",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_state,
		.act = act_receive,
	});
}

/* --- waiting --- */

static void act_wait(struct subscriber_stage *stage)
{
	struct tachyon_item item;

	if (tachyon_subscriber_receive(stage->victim, &item, MS / 2) < 0)
		return;
	tachyon_subscriber_receive(stage->victim, &item, MS / 2);
}

TEST_CRASH(wait_for_a_frame)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, asleep",
		.act = act_wait,
	});
}

static void act_poll(struct subscriber_stage *stage)
{
	tachyon_subscriber_prepare(stage->victim);
	tachyon_subscriber_dispatch(stage->victim);
}

TEST_CRASH(prepare_and_dispatch)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "prepare, dispatch",
		.attend = send_one,
		.before = receive_one,
		.act = act_poll,
	});
}

/* --- the way back --- */

static struct tachyon_event event_of(uint32_t type, uint64_t number)
{
	static uint64_t content;

	return (struct tachyon_event){
		.type = type,
		.id = (uint32_t)number,
		.data = &content,
		.size = sizeof(content),
	};
}

static void act_send_events(struct subscriber_stage *stage)
{
	for (uint64_t number = 1; number <= 2; number++) {
		const struct tachyon_event event = event_of(1, number);

		atomic_store(&stage->talk->begun, number);
		if (tachyon_subscriber_send_event(stage->victim, &event) == 0)
			atomic_store(&stage->talk->shown, number);
	}
	tachyon_subscriber_set_need(stage->victim, 5);
}

TEST_CRASH(send_events)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "events, need",
		.attend = send_one,
		.before = receive_one,
		.act = act_send_events,
	});
}

static void act_shout(struct subscriber_stage *stage)
{
	for (uint64_t number = 1; number <= 2; number++) {
		const struct tachyon_event event = event_of(2, number);

		atomic_store(&stage->talk->shouting, number);
		if (tachyon_subscriber_send_urgent(stage->victim, &event) == 0)
			atomic_store(&stage->talk->shouted, number);
	}
}

TEST_CRASH(send_urgent_events)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "urgent events, sent",
		.act = act_shout,
	});
}

static void act_send_both(struct subscriber_stage *stage)
{
	act_send_events(stage);
	act_shout(stage);
}

TEST_CRASH(send_events_to_a_busy_publisher)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "events, publisher busy",
		.act = act_send_both,
		.is_busy = true,
	});
}

TEST_CRASH(receive_and_release_from_a_busy_publisher)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "receive, release, publisher busy",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_three,
		.act = act_receive,
		.is_busy = true,
	});
}

static void shout_down(struct subscriber_stage *stage)
{
	const struct tachyon_event event = event_of(3, 1);

	CHECK_EQ(tachyon_publisher_send_urgent(stage->publisher, stage->joined, &event), 0);
	CHECK_EQ(tachyon_publisher_send_urgent(stage->publisher, stage->joined, &event), 0);
	subscriber_stage_send(stage, 1);
}

static void act_hear_urgent(struct subscriber_stage *stage)
{
	struct tachyon_event event;

	for (int i = 0; i < 3; i++)
		tachyon_subscriber_receive_urgent(stage->victim, &event, 0);
	act_receive(stage);
}

TEST_CRASH(receive_urgent_events)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "urgent events, received",
		.meanwhile = shout_down,
		.act = act_hear_urgent,
	});
}

/* --- coming and leaving --- */

static void act_join(struct subscriber_stage *stage)
{
	subscriber_stage_connect(stage);
	subscriber_stage_receive(stage);
}

TEST_CRASH(join)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "join",
		.act = act_join,
		.joins = true,
	});
}

static void act_leave(struct subscriber_stage *stage)
{
	tachyon_subscriber_destroy(stage->victim);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(leave_with_frames_not_received)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "leave",
		.attend = send_three,
		.act = act_leave,
		.may_close = true,
	});
}

/* Its frames outlive it: the last one that is released closes. */
static void act_leave_first(struct subscriber_stage *stage)
{
	tachyon_subscriber_destroy(stage->victim);
	subscriber_stage_release(stage);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(leave_with_frames_in_hand)
{
	subscriber_stage_run(&(const struct subscriber_act){
		.name = "leave, release",
		.attend = send_one,
		.before = receive_one,
		.meanwhile = send_three,
		.act = act_leave_first,
		.may_close = true,
	});
}
