/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* The survivor of a crash on a bus. */
#include "bus-stage.h"

#include <harness.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bus.h"
#include "crash.h"

/* So that every run of a victim takes the same path. */
struct tachyon_bus_options bus_stage_options(void)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.spin = TACHYON_SPIN_NEVER,
		.ring_size = BUS_RING,
		.timeout_ns = WITNESS_LIMIT_NS,
	};
}

void bus_stage_connect(const struct tachyon_bus_options *options, struct tachyon_bus **bus)
{
	int ret;

	do {
		ret = tachyon_bus_connect(BUS_ADDRESS, options, bus);
	} while (ret == TACHYON_ERR_CLOSED);
	CHECK_EQ(ret, 0);
}

/* --- messages --- */

void bus_stage_fill(void *data, size_t size, uint64_t number)
{
	uint32_t *const words = data;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = (uint32_t)(number << 16 | (i + 1));
}

uint32_t bus_stage_type(uint64_t number, size_t size)
{
	return (uint32_t)(number << 16 | size);
}

void bus_stage_check(const struct tachyon_message *message, uint64_t number)
{
	const uint32_t *const words = message->data;

	CHECK_EQ(message->type, bus_stage_type(number, message->size));
	for (size_t i = 0; i < message->size / sizeof(*words); i++) {
		if (words[i] != (uint32_t)(number << 16 | (i + 1)))
			test_fail(__FILE__, __LINE__, "torn: word %zu of message %lu is %#x", i,
				  (unsigned long)number, words[i]);
	}
}

/* --- the victim --- */

static void write_next(struct bus_stage *stage, size_t size)
{
	const uint64_t number = atomic_load(&stage->talk->begun) + 1;
	void *room;

	CHECK_EQ(tachyon_bus_reserve(stage->victim, size, &room, 0), 0);
	atomic_store(&stage->talk->begun, number);
	bus_stage_fill(room, size, number);
}

void bus_stage_shown(struct bus_stage *stage)
{
	atomic_store(&stage->talk->shown, atomic_load(&stage->talk->begun));
}

void bus_stage_send(struct bus_stage *stage, size_t size)
{
	write_next(stage, size);
	tachyon_bus_commit(stage->victim, size,
			   bus_stage_type(atomic_load(&stage->talk->begun), size));
	bus_stage_shown(stage);
}

void bus_stage_send_unflushed(struct bus_stage *stage, size_t size)
{
	write_next(stage, size);
	tachyon_bus_commit_unflushed(stage->victim, size,
				     bus_stage_type(atomic_load(&stage->talk->begun), size));
}

bool bus_stage_take(struct bus_stage *stage, struct tachyon_message *message)
{
	const uint64_t number = atomic_load(&stage->talk->taken) + 1;

	if (tachyon_bus_receive(stage->victim, message, 0) < 0)
		return false;
	bus_stage_check(message, number);
	atomic_store(&stage->talk->taken, number);
	return true;
}

static void be_ready(void *data)
{
	struct bus_stage *const stage = data;
	struct tachyon_bus_options options = bus_stage_options();

	options.has_private_view = stage->act->has_view;
	bus_stage_connect(&options, &stage->victim);
	if (stage->act->before)
		stage->act->before(stage);
}

static void act(void *data)
{
	struct bus_stage *const stage = data;

	stage->act->act(stage);
}

/* --- the survivor --- */

void bus_stage_speak(struct bus_stage *stage, unsigned int count, size_t size)
{
	void *room;

	for (unsigned int i = 0; i < count; i++) {
		CHECK_EQ(tachyon_bus_reserve(stage->bus, size, &room, WITNESS_LIMIT_NS), 0);
		bus_stage_fill(room, size, ++stage->spoken);
		CHECK_EQ(tachyon_bus_commit(stage->bus, size, bus_stage_type(stage->spoken, size)),
			 0);
	}
}

int bus_stage_hear(struct bus_stage *stage, uint64_t count, int64_t timeout_ns)
{
	struct tachyon_message message;
	int ret = 0;

	for (uint64_t i = 0; i < count && ret == 0; i++) {
		ret = tachyon_bus_receive(stage->bus, &message, timeout_ns);
		if (ret < 0)
			break;
		bus_stage_check(&message, ++stage->heard);
		CHECK_EQ(tachyon_bus_release(stage->bus, &message), 0);
	}
	return ret;
}

static int hear_to_the_end(void *data)
{
	return bus_stage_hear(data, UINT64_MAX, WITNESS_LIMIT_NS);
}

static int speak_to_the_end(void *data)
{
	struct bus_stage *const stage = data;
	uint8_t bytes[BUS_SMALL];
	int ret;

	do {
		bus_stage_fill(bytes, sizeof(bytes), stage->spoken + 1);
		ret = tachyon_bus_send(stage->bus, bytes, sizeof(bytes),
				       bus_stage_type(stage->spoken + 1, sizeof(bytes)),
				       WITNESS_LIMIT_NS);
		stage->spoken += ret == 0;
	} while (ret == 0);
	return ret;
}

static void attend(void *data)
{
	struct bus_stage *const stage = data;

	memset(stage->talk, 0, sizeof(*stage->talk));
	stage->heard = stage->spoken = 0;
	CHECK_EQ(tachyon_listener_accept(stage->listener, WITNESS_LIMIT_NS, &stage->bus), 0);
	if (stage->act->attend)
		stage->act->attend(stage);
}

static void meanwhile(void *data)
{
	struct bus_stage *const stage = data;

	stage->base = stage->heard;
	if (stage->act->wait == BUS_ASLEEP_FOR_DATA)
		watcher_send(&stage->watcher, hear_to_the_end, stage);
	else if (stage->act->wait == BUS_ASLEEP_FOR_SPACE)
		watcher_send(&stage->watcher, speak_to_the_end, stage);
}

/* --- what must hold --- */

/* The end is told when nothing is left, and nothing comes after it. */
static void check_empty(struct bus_stage *stage)
{
	const uint64_t heard = stage->heard;

	CHECK(!tach_ring_is_ready(&stage->bus->receiver));
	CHECK_EQ(hear_to_the_end(stage), TACHYON_ERR_CLOSED);
	CHECK_EQ(stage->heard, heard);
}

/* The end is told to who waited, and to who looks now. */
static void check_told(struct bus_stage *stage)
{
	if (stage->act->wait != BUS_IDLE) {
		CHECK_EQ(watcher_return(&stage->watcher), TACHYON_ERR_CLOSED);
		witness_told(&stage->witness, atomic_load(&stage->watcher.back_ns));
	}
	if (stage->act->wait != BUS_ASLEEP_FOR_DATA)
		CHECK_EQ(hear_to_the_end(stage), TACHYON_ERR_CLOSED);
	if (stage->act->wait == BUS_IDLE)
		witness_told(&stage->witness, witness_now_ns());
	check_empty(stage);
	CHECK_EQ(tachyon_bus_send(stage->bus, "", 1, 0, WITNESS_LIMIT_NS), TACHYON_ERR_CLOSED);
}

/* What was committed came, in order and whole; what was not did not, or whole. */
static void check_messages(struct bus_stage *stage)
{
	const uint64_t begun = atomic_load(&stage->talk->begun);
	const uint64_t shown = atomic_load(&stage->talk->shown);
	const uint64_t news = stage->heard - stage->base;

	CHECK(stage->heard >= shown && stage->heard <= begun);
	if (stage->act->together)
		CHECK_EQ(news % stage->act->together, 0);
	stage->none += news == 0;
	stage->all += news == stage->act->sends;
	CHECK(atomic_load(&stage->talk->taken) <= stage->spoken);
}

static void check_end(struct bus_stage *stage)
{
	const enum tachyon_end end = tachyon_bus_end(stage->bus);

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

static void after(void *data)
{
	struct bus_stage *const stage = data;

	check_told(stage);
	check_messages(stage);
	check_end(stage);
	tachyon_bus_destroy(stage->bus);
	witness_check(&stage->witness);
}

/* --- the whole --- */

void bus_stage_run(const struct bus_act *what)
{
	const struct tachyon_bus_options options = bus_stage_options();
	struct bus_stage stage = {.act = what};
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
	CHECK_EQ(tachyon_listener_create(BUS_ADDRESS, &options, &stage.listener), 0);
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
	tachyon_listener_destroy(stage.listener);
	munmap(stage.talk, sizeof(*stage.talk));
}
