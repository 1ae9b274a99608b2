/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The publisher of stress-frames: frames of all sizes in every way that there is, between changes
 * of caps, events and policies; and, while nobody is there, what it has.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clerk.h"
#include "content.h"
#include "scene.h"

#define COOKIES 512u
#define STALL_TIMEOUT_NS (300 * MILLISECOND)
#define ROLL_CALL_LIMIT_NS (20 * SECOND)
#define MAX_BYTES (UINT64_C(256) << 20)
#define PAUSE_SIZE (2u << 20)

struct source {
	struct tachyon_publisher *publisher;
	uint64_t frame, caps, sticky, once;
	uint64_t dice;
	uint32_t policy;
	/* published once or more, and may be again; no block: none is */
	struct tachyon_frame kept;
	uint64_t kept_content;
	bool is_out[COOKIES]; /* a cookie is the address of one */
	unsigned int out;
	int64_t next_ns; /* when the next frame is due */
};

/* --- cookies --- */

static bool *take_cookie(struct source *source)
{
	for (unsigned int i = 0; i < COOKIES; i++) {
		if (!source->is_out[i])
			return &source->is_out[i];
	}
	return NULL;
}

static void reclaim(struct source *source)
{
	bool *cookie;

	while ((cookie = tachyon_publisher_reclaim(source->publisher))) {
		if (cookie < source->is_out || cookie >= source->is_out + COOKIES || !*cookie)
			fail("a cookie came back that was not out");
		*cookie = false;
		source->out--;
	}
}

/* --- one frame --- */

static void wait_a_little(struct source *source)
{
	const int ret = tachyon_publisher_wait(source->publisher, 50 * MILLISECOND);

	if (ret != TACHYON_ERR_TIMEDOUT)
		expect(ret, 0, "publisher_wait");
	reclaim(source);
}

static void acquire(struct source *source, size_t size, struct tachyon_frame *frame)
{
	const int64_t deadline = now_ns() + HANG_NS;
	int ret;

	while ((ret = tachyon_publisher_acquire(source->publisher, size, frame)) ==
		       TACHYON_ERR_AGAIN &&
	       now_ns() < deadline)
		wait_a_little(source);
	expect(ret, 0, "acquire");
}

/* What is the same however it is sent. */
static void describe(struct source *source, uint64_t content, struct tachyon_frame *frame)
{
	_Alignas(8) static uint8_t metadata[METADATA_LARGEST];

	frame->pts = source->frame;
	frame->duration = source->caps;
	frame->dts = source->sticky;
	frame->offset = content;
	frame->offset_end = source->frame;
	content_fill_metadata(source->frame, metadata, frame);
}

enum way {
	SEND,
	COMMIT,
	PUBLISH,
	AGAIN,
};

static int try(struct source *source, enum way way, struct tachyon_frame *frame, bool *cookie)
{
	switch (way) {
	case SEND:
		return tachyon_publisher_send(source->publisher, frame);
	case COMMIT:
		return tachyon_publisher_commit(source->publisher, frame);
	case PUBLISH:
	case AGAIN:
		return tachyon_publisher_publish(source->publisher, frame, cookie);
	}
	return -EINVAL;
}

static void publish(struct source *source, enum way way, struct tachyon_frame *frame)
{
	const int64_t deadline = now_ns() + 3 * HANG_NS;
	bool *const cookie = way == PUBLISH || way == AGAIN ? take_cookie(source) : NULL;
	int ret;

	while ((ret = try(source, way, frame, cookie)) == TACHYON_ERR_AGAIN && now_ns() < deadline)
		wait_a_little(source);
	if (ret < 0)
		fail("frame %lu, %zu bytes, way %d: %s", (unsigned long)source->frame, frame->size,
		     (int)way, tachyon_strerror(ret));
	saw(PUBLISHED);
	if (cookie && ret > 0) {
		*cookie = true;
		source->out++;
	}
}

static void send_new(struct source *source, size_t size)
{
	static uint8_t payload[CONTENT_LARGEST];
	struct tachyon_frame frame = {.data = payload, .size = size};

	content_fill(source->frame, payload, size);
	describe(source, source->frame, &frame);
	publish(source, SEND, &frame);
}

static void publish_new(struct source *source, size_t size, enum way way)
{
	struct tachyon_frame frame;

	acquire(source, size, &frame);
	if (draw(&source->dice) % 16 == 0) {
		memset(frame.data, 0x5a, size);
		tachyon_publisher_abandon(source->publisher, &frame);
		acquire(source, size, &frame);
	}
	content_fill(source->frame, frame.data, size);
	describe(source, source->frame, &frame);
	publish(source, way, &frame);
	if (way == COMMIT)
		return;
	if (draw(&source->dice) % 4 != 0) {
		tachyon_frame_release(&frame);
		return;
	}
	tachyon_frame_release(&source->kept);
	source->kept = frame;
	source->kept_content = source->frame;
}

static void publish_next(struct source *source)
{
	const uint64_t number = ++source->frame;
	const size_t size = content_size(number, source->caps);
	const uint64_t dice = draw(&source->dice);

	atomic_store(&scene->last_frame, number);
	if (source->kept.block && dice % 8 == 0) {
		struct tachyon_frame frame = source->kept;

		describe(source, source->kept_content, &frame);
		publish(source, AGAIN, &frame);
	} else if (size == 0 || dice % 4 == 0 || (size <= 256 && dice % 4 < 3)) {
		send_new(source, size);
	} else {
		publish_new(source, size, dice % 4 == 1 ? PUBLISH : COMMIT);
	}
}

/* --- between frames --- */

static void change_caps(struct source *source)
{
	static char text[CAPS_LARGEST];

	/* The old content does not go with the new sizes. */
	tachyon_frame_release(&source->kept);
	content_write_caps(++source->caps, text);
	expect(tachyon_publisher_set_caps(source->publisher, text), 0, "set_caps");
}

static void send_event(struct source *source, uint32_t type, uint64_t number)
{
	static uint8_t data[EVENT_LARGEST];
	const bool is_sticky = type == EVENT_STICKY;
	const struct tachyon_event event = {
		.type = type,
		.flags = is_sticky ? TACHYON_EVENT_STICKY : 0,
		.order = is_sticky ? 60 : 0,
		.id = is_sticky ? (uint32_t)(number % STICKY_IDS) : 0,
		.data = data,
		.size = content_write_event(type, number, data),
	};
	const int64_t deadline = now_ns() + HANG_NS;
	int ret;

	while ((ret = tachyon_publisher_send_event(source->publisher, &event)) ==
		       TACHYON_ERR_AGAIN &&
	       now_ns() < deadline)
		wait_a_little(source);
	expect(ret, 0, "send_event");
}

static void change_policy(struct source *source)
{
	static const uint32_t most[] = {0, 1, 3, 8};

	source->policy = (uint32_t)(draw(&source->dice) % 3);
	expect(tachyon_publisher_set_policy(source->publisher, source->policy,
					    most[draw(&source->dice) % 4]),
	       0, "set_policy");
}

/*
 * Nothing more is sent until each has received what was: who was not woken for the last frame is
 * not woken for another.
 */
static void call_the_roll(struct source *source)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};
	const int64_t start = now_ns();

	for (;;) {
		const int64_t spent = now_ns() - start;

		tachyon_publisher_get_stats(source->publisher, &stats);
		if (spent > atomic_load(&scene->longest_roll_call_ns))
			atomic_store(&scene->longest_roll_call_ns, spent);
		if (stats.queued == 0)
			break;
		if (spent > ROLL_CALL_LIMIT_NS)
			fail("%lu frames were not received: somebody was not woken",
			     (unsigned long)stats.queued);
		wait_a_little(source);
	}
	saw(ROLL_CALLS);
}

static void act(struct source *source)
{
	const uint64_t dice = draw(&source->dice);

	if (dice % 64 == 0)
		change_caps(source);
	if (dice / 64 % 16 == 0)
		send_event(source, EVENT_STICKY, ++source->sticky);
	if (dice / 1024 % 8 == 0)
		send_event(source, EVENT_ONCE, ++source->once);
	if (dice / 8192 % 128 == 0)
		change_policy(source);
	if (dice >> 32 & 0xf) {
		publish_next(source);
		return;
	}
	/* Several at once. */
	tachyon_publisher_cork(source->publisher);
	for (uint64_t i = 0; i < 1 + (dice >> 40) % 6; i++)
		publish_next(source);
	tachyon_publisher_uncork(source->publisher);
}

/* Whoever comes or goes meanwhile is served. */
static void await_due(struct source *source)
{
	struct pollfd entry = {
		.fd = tachyon_publisher_fd(source->publisher),
		.events = POLLIN,
	};

	source->next_ns += SECOND / scene->rate;
	while (now_ns() < source->next_ns) {
		const int64_t left = (source->next_ns - now_ns()) / MILLISECOND;

		if (poll(&entry, 1, left > 0 ? (int)left : 0) > 0)
			tachyon_publisher_dispatch(source->publisher);
		if (left <= 0)
			break;
	}
	if (now_ns() - source->next_ns > SECOND / 10)
		source->next_ns = now_ns();
	reclaim(source);
}

/* --- while nobody is there --- */

static bool is_anybody_inside(struct source *source)
{
	for (unsigned int i = 0; i < PLACES; i++) {
		if (atomic_load(&scene->is_inside[i]))
			return true;
	}
	return tachyon_publisher_subscribers(source->publisher) > 0;
}

/* Those who wait for a frame get one, and see that they are to leave. */
static void send_all_out(struct source *source)
{
	const int64_t deadline = now_ns() + 2 * HANG_NS;

	while (is_anybody_inside(source)) {
		if (now_ns() > deadline)
			fail("%u subscribers do not leave",
			     tachyon_publisher_subscribers(source->publisher));
		publish_next(source);
		await_due(source);
	}
	/* Those that are gone, and say so only to who looks. */
	for (int i = 0; i < 100 && source->out > 0; i++) {
		tachyon_publisher_dispatch(source->publisher);
		wait_a_little(source);
	}
}

static void count_what_is_there(struct source *source, struct pause *pause)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	tachyon_frame_release(&source->kept);
	/* Blocks that no frame has: all others go. */
	expect(tachyon_publisher_configure(source->publisher, PAUSE_SIZE, 2), 0, "configure");
	tachyon_publisher_get_stats(source->publisher, &stats);
	*pause = (struct pause){
		.time_ns = now_ns(),
		.joins = atomic_load(&scene->seen[JOINS]),
		.belongings = count_belongings(),
		.blocks = stats.blocks,
		.blocks_free = stats.blocks_free,
		.payload_bytes = stats.payload_bytes,
	};
}

static void check_pause(const struct source *source, const struct pause *pause)
{
	const struct pause *const first = &scene->pauses[0];

	if (pause->blocks_free != pause->blocks)
		fail("nobody is there, and %lu of %lu blocks are free",
		     (unsigned long)pause->blocks_free, (unsigned long)pause->blocks);
	if (source->out > 0)
		fail("nobody is there, and %u cookies did not come back", source->out);
	if (pause->belongings.descriptors != first->belongings.descriptors ||
	    pause->belongings.mappings != first->belongings.mappings ||
	    pause->payload_bytes != first->payload_bytes)
		fail("nobody is there after %lu joins, and the publisher has %u descriptors, %u "
		     "mappings, %lu bytes of payload; %u, %u, %lu before the first",
		     (unsigned long)pause->joins, pause->belongings.descriptors,
		     pause->belongings.mappings, (unsigned long)pause->payload_bytes,
		     first->belongings.descriptors, first->belongings.mappings,
		     (unsigned long)first->payload_bytes);
}

/* Everybody out; then on, or the end. */
static void pause_the_play(struct source *source, struct clerk *clerk)
{
	const uint32_t index = atomic_load(&scene->pause_count);
	struct pause *const pause = &scene->pauses[index < PAUSES_MAX ? index : PAUSES_MAX - 1];

	send_all_out(source);
	clerk_expect_nobody(clerk);
	count_what_is_there(source, pause);
	check_pause(source, pause);
	atomic_store(&scene->pause_count, index + 1);
	while (phase_now() == EMPTYING && !is_over())
		usleep(1000);
	source->next_ns = now_ns();
}

static void open_publisher(struct source *source)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.max_bytes = MAX_BYTES,
		.stall_timeout_ns = STALL_TIMEOUT_NS,
	};

	expect(tachyon_publisher_create(scene->address, &options, &source->publisher), 0,
	       "publisher_create");
	change_caps(source);
	for (unsigned int i = 0; i < STICKY_IDS; i++)
		send_event(source, EVENT_STICKY, ++source->sticky);
}

void source_run(void)
{
	const struct belongings before = count_belongings();
	static struct source source;
	struct clerk clerk;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	source.dice = scene->seed;
	open_publisher(&source);
	clerk_start(&clerk, source.publisher, scene->seed + 1);
	pause_the_play(&source, &clerk);
	while (phase_now() != OVER) {
		const uint64_t calls = draw(&source.dice) % 256;

		if (phase_now() == EMPTYING)
			pause_the_play(&source, &clerk);
		act(&source);
		if (calls == 0 && source.policy == TACHYON_POLICY_BLOCK)
			call_the_roll(&source);
		await_due(&source);
	}
	pause_the_play(&source, &clerk);
	clerk_stop(&clerk);
	tachyon_publisher_destroy(source.publisher);
	expect_nothing_left(&before, "the publisher");
	exit(EXIT_SUCCESS);
}
