/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One side of a bus is killed after each instruction of each call: the other hears what was sent,
 * and then is told.
 */
#include <harness.h>

#include <string.h>

#include "bus-stage.h"

#define TEST_CRASH(sentence) TEST_WITH_TIMEOUT(sentence, 400)

/* --- sending --- */

static void act_send_small(struct bus_stage *stage)
{
	bus_stage_send(stage, BUS_SMALL);
}

TEST_CRASH(commit_one_cell)
{
	bus_stage_run(&(const struct bus_act){
		.name = "commit, small",
		.act = act_send_small,
		.sends = 1,
	});
}

TEST_CRASH(commit_one_cell_beside_a_sleeper)
{
	bus_stage_run(&(const struct bus_act){
		.name = "commit, small, sleeper",
		.act = act_send_small,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 1,
	});
}

static void act_send_large(struct bus_stage *stage)
{
	bus_stage_send(stage, BUS_LARGE);
}

TEST_CRASH(commit_many_cells_beside_a_sleeper)
{
	bus_stage_run(&(const struct bus_act){
		.name = "commit, large, sleeper",
		.act = act_send_large,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 1,
	});
}

/* 54 of 64 cells were used: what is sent next goes over the end of the ring. */
static void fill_a_lap(struct bus_stage *stage)
{
	for (int i = 0; i < 6; i++)
		bus_stage_send(stage, 5 * 64);
	for (int i = 0; i < 18; i++)
		bus_stage_send(stage, BUS_SMALL);
}

static void before_lap(struct bus_stage *stage)
{
	struct tachyon_message message;

	fill_a_lap(stage);
	/* The survivor has taken them all. */
	CHECK_EQ(tachyon_bus_receive(stage->victim, &message, WITNESS_LIMIT_NS), 0);
	CHECK_EQ(tachyon_bus_release(stage->victim, &message), 0);
}

static void attend_lap(struct bus_stage *stage)
{
	CHECK_EQ(bus_stage_hear(stage, 24, WITNESS_LIMIT_NS), 0);
	bus_stage_speak(stage, 1, BUS_SMALL);
}

static void act_send_both(struct bus_stage *stage)
{
	bus_stage_send(stage, BUS_LARGE);
	bus_stage_send(stage, BUS_SMALL);
	bus_stage_send(stage, 0);
}

TEST_CRASH(commits_over_the_end_of_the_ring)
{
	bus_stage_run(&(const struct bus_act){
		.name = "commits, over the end",
		.before = before_lap,
		.attend = attend_lap,
		.act = act_send_both,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 3,
	});
}

static void act_send_copy(struct bus_stage *stage)
{
	uint64_t words[25];

	for (uint64_t number = 1; number <= 2; number++) {
		const size_t size = number == 1 ? 48 : sizeof(words);

		bus_stage_fill(words, size, number);
		atomic_store(&stage->talk->begun, number);
		tachyon_bus_send(stage->victim, words, size, bus_stage_type(number, size), -1);
		bus_stage_shown(stage);
	}
}

TEST_CRASH(send_a_copy)
{
	bus_stage_run(&(const struct bus_act){
		.name = "send",
		.act = act_send_copy,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 2,
	});
}

static void act_batch(struct bus_stage *stage)
{
	bus_stage_send_unflushed(stage, BUS_SMALL);
	bus_stage_send_unflushed(stage, 200);
	bus_stage_send_unflushed(stage, BUS_SMALL);
	tachyon_bus_flush(stage->victim);
	bus_stage_shown(stage);
}

TEST_CRASH(a_batch_shows_all_at_once)
{
	bus_stage_run(&(const struct bus_act){
		.name = "batch",
		.act = act_batch,
		.wait = BUS_ASLEEP_FOR_DATA,
		.together = 3,
		.sends = 3,
	});
}

/* Not flushed by the caller, but by the library before it answers AGAIN, and before it sleeps. */
static void act_batch_and_receive(struct bus_stage *stage)
{
	struct tachyon_message message;

	bus_stage_send_unflushed(stage, BUS_SMALL);
	bus_stage_send_unflushed(stage, BUS_SMALL);
	if (tachyon_bus_receive(stage->victim, &message, 0) == TACHYON_ERR_AGAIN)
		bus_stage_shown(stage);
}

TEST_CRASH(a_batch_shows_before_its_sender_finds_nothing)
{
	bus_stage_run(&(const struct bus_act){
		.name = "batch, receive",
		.act = act_batch_and_receive,
		.wait = BUS_ASLEEP_FOR_DATA,
		.together = 2,
		.sends = 2,
	});
}

static void act_batch_and_poll(struct bus_stage *stage)
{
	bus_stage_send_unflushed(stage, BUS_SMALL);
	bus_stage_send_unflushed(stage, BUS_SMALL);
	tachyon_bus_prepare(stage->victim);
	bus_stage_shown(stage);
	tachyon_bus_dispatch(stage->victim);
}

TEST_CRASH(a_batch_shows_before_its_sender_polls)
{
	bus_stage_run(&(const struct bus_act){
		.name = "batch, prepare, dispatch",
		.act = act_batch_and_poll,
		.wait = BUS_ASLEEP_FOR_DATA,
		.together = 2,
		.sends = 2,
	});
}

static void act_rollback(struct bus_stage *stage)
{
	void *room;

	if (tachyon_bus_reserve(stage->victim, BUS_LARGE, &room, 0) < 0)
		return;
	memset(room, 0xff, 64);
	tachyon_bus_rollback(stage->victim);
	bus_stage_send(stage, BUS_SMALL);
}

TEST_CRASH(rollback_and_commit)
{
	bus_stage_run(&(const struct bus_act){
		.name = "rollback, commit",
		.act = act_rollback,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 1,
	});
}

/* 62 of 63 cells: the next message does not fit. */
static void before_full(struct bus_stage *stage)
{
	for (int i = 0; i < 62; i++)
		bus_stage_send(stage, BUS_SMALL);
}

static void act_wait_for_space(struct bus_stage *stage)
{
	void *room;

	tachyon_bus_reserve(stage->victim, 200, &room, 0);
	tachyon_bus_reserve(stage->victim, 200, &room, MS / 2);
}

TEST_CRASH(wait_for_space)
{
	bus_stage_run(&(const struct bus_act){
		.name = "wait for space",
		.before = before_full,
		.act = act_wait_for_space,
	});
}

/* --- receiving --- */

static void attend_three(struct bus_stage *stage)
{
	bus_stage_speak(stage, 1, BUS_SMALL);
	bus_stage_speak(stage, 1, 300);
	bus_stage_speak(stage, 1, BUS_SMALL);
}

static void act_receive(struct bus_stage *stage)
{
	struct tachyon_message message;

	while (bus_stage_take(stage, &message))
		tachyon_bus_release(stage->victim, &message);
}

TEST_CRASH(receive_and_release)
{
	bus_stage_run(&(const struct bus_act){
		.name = "receive, release",
		.attend = attend_three,
		.act = act_receive,
	});
}

TEST_CRASH(receive_and_release_beside_one_who_waits_for_data)
{
	bus_stage_run(&(const struct bus_act){
		.name = "receive, release, sleeper",
		.attend = attend_three,
		.act = act_receive,
		.wait = BUS_ASLEEP_FOR_DATA,
	});
}

/* One release that is not enough for who sleeps, and one that is. */
static void act_make_space(struct bus_stage *stage)
{
	struct tachyon_message message;

	for (int i = 0; i < 5 && bus_stage_take(stage, &message); i++)
		tachyon_bus_release(stage->victim, &message);
}

TEST_CRASH(release_beside_one_who_waits_for_space)
{
	bus_stage_run(&(const struct bus_act){
		.name = "release, waiter for space",
		.act = act_make_space,
		.wait = BUS_ASLEEP_FOR_SPACE,
	});
}

static void act_receive_batch(struct bus_stage *stage)
{
	struct tachyon_message messages[4];
	const int count = tachyon_bus_receive_batch(stage->victim, messages, 4, 0);

	for (int i = 0; i < count; i++)
		bus_stage_check(&messages[i], (uint64_t)i + 1);
	if (count > 0)
		tachyon_bus_release(stage->victim, &messages[count - 1]);
}

TEST_CRASH(receive_and_release_a_batch)
{
	bus_stage_run(&(const struct bus_act){
		.name = "receive, release, batch",
		.act = act_receive_batch,
		.wait = BUS_ASLEEP_FOR_SPACE,
	});
}

static void act_view(struct bus_stage *stage)
{
	struct tachyon_message message;
	void *data;

	while (bus_stage_take(stage, &message)) {
		if (tachyon_bus_private_view(stage->victim, &message, &data) == 0)
			memset(data, 0xff, message.size);
		tachyon_bus_release(stage->victim, &message);
	}
}

TEST_CRASH(receive_and_write_to_a_private_view)
{
	bus_stage_run(&(const struct bus_act){
		.name = "private view",
		.attend = attend_three,
		.act = act_view,
		.wait = BUS_ASLEEP_FOR_DATA,
		.has_view = true,
	});
}

static void act_wait_for_data(struct bus_stage *stage)
{
	struct tachyon_message message;

	tachyon_bus_receive(stage->victim, &message, MS / 2);
}

TEST_CRASH(wait_for_data)
{
	bus_stage_run(&(const struct bus_act){
		.name = "wait for data",
		.act = act_wait_for_data,
		.wait = BUS_ASLEEP_FOR_DATA,
	});
}

/* Both wait; then each answers the other. */
static void act_answer(struct bus_stage *stage)
{
	struct tachyon_message message;

	if (tachyon_bus_receive(stage->victim, &message, -1) < 0)
		return;
	bus_stage_check(&message, 1);
	bus_stage_send(stage, BUS_SMALL);
	tachyon_bus_release(stage->victim, &message);
}

static void attend_one(struct bus_stage *stage)
{
	bus_stage_speak(stage, 1, BUS_SMALL);
}

TEST_CRASH(receive_and_answer)
{
	bus_stage_run(&(const struct bus_act){
		.name = "answer",
		.attend = attend_one,
		.act = act_answer,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 1,
	});
}

/* --- leaving --- */

static void act_shutdown(struct bus_stage *stage)
{
	bus_stage_send_unflushed(stage, BUS_SMALL);
	tachyon_bus_shutdown(stage->victim);
	bus_stage_shown(stage);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(shutdown_with_a_message_not_flushed)
{
	bus_stage_run(&(const struct bus_act){
		.name = "shutdown",
		.act = act_shutdown,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 1,
		.may_close = true,
	});
}

static void act_destroy(struct bus_stage *stage)
{
	bus_stage_send(stage, BUS_SMALL);
	bus_stage_send_unflushed(stage, BUS_SMALL);
	tachyon_bus_destroy(stage->victim);
	bus_stage_shown(stage);
	atomic_store(&stage->talk->is_closed, 1);
}

TEST_CRASH(destroy_with_a_message_not_flushed)
{
	bus_stage_run(&(const struct bus_act){
		.name = "destroy",
		.act = act_destroy,
		.wait = BUS_ASLEEP_FOR_DATA,
		.sends = 2,
		.may_close = true,
	});
}

TEST_CRASH(destroy_beside_one_who_waits_for_space)
{
	bus_stage_run(&(const struct bus_act){
		.name = "destroy, waiter for space",
		.act = act_destroy,
		.wait = BUS_ASLEEP_FOR_SPACE,
		.sends = 2,
		.may_close = true,
	});
}
