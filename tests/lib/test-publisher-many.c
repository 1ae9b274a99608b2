/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Several subscribers in processes of their own, which check every byte, hold frames and release
 * them out of order; and what that costs in system calls.
 */
#include <stdatomic.h>
#include <sys/mman.h>

#include "frames.h"
#include "system.h"

/* --- a programme: what comes under which number, for both sides to know --- */

enum kind { BLOCK, COPY, SMALL, EMPTY, WITH_METADATA, WITH_LARGE_METADATA };

struct programme {
	uint32_t frames;
	uint32_t keep; /* frames that a subscriber may hold */
	size_t most;   /* bytes of a frame */
	bool is_mixed; /* of all kinds, and with state in between */
};

static enum kind kind_of(const struct programme *programme, uint64_t number)
{
	if (!programme->is_mixed)
		return BLOCK;
	switch (mix(number) % 16) {
	case 0:
	case 1:
		return COPY;
	case 2:
	case 3:
		return SMALL;
	case 4:
		return EMPTY;
	case 5:
	case 6:
		return WITH_METADATA;
	case 7:
		return mix(number) / 16 % 8 == 0 ? WITH_LARGE_METADATA : WITH_METADATA;
	default:
		return BLOCK;
	}
}

static size_t size_of(const struct programme *programme, uint64_t number)
{
	const uint64_t dice = mix(number + 12345);

	switch (kind_of(programme, number)) {
	case SMALL:
		return 1 + dice % 256;
	case EMPTY:
		return 0;
	default:
		return programme->is_mixed ? 257 + dice % programme->most : programme->most;
	}
}

static size_t metadata_size_of(const struct programme *programme, uint64_t number)
{
	switch (kind_of(programme, number)) {
	case WITH_METADATA:
		return 8 + mix(number + 1) % 500;
	case WITH_LARGE_METADATA:
		return 20000 + mix(number + 1) % 50000;
	default:
		return 0;
	}
}

static bool has_caps_before(const struct programme *programme, uint64_t number)
{
	return programme->is_mixed && number % 97 == 0;
}

static void caps_text(char text[64], uint64_t number)
{
	snprintf(text, 64, "caps of %llu", (unsigned long long)(number / 97 * 97));
}

/* --- the publisher --- */

static int publish_one(struct tachyon_publisher *publisher, const struct programme *programme,
		       uint64_t number)
{
	static uint64_t records[10000];
	static uint8_t bytes[1 << 17];
	const size_t size = size_of(programme, number);
	const size_t metadata_size = metadata_size_of(programme, number);
	const enum kind kind = kind_of(programme, number);
	struct tachyon_frame frame = {.data = bytes, .size = size};
	size_t used = 0;
	int ret;

	if (kind == COPY || kind == SMALL || kind == EMPTY) {
		fill(bytes, size, number * 1000003);
		frame.pts = number;
		return tachyon_publisher_send(publisher, &frame);
	}
	ret = acquire_number(publisher, size, number, &frame);
	if (ret < 0)
		return ret;
	if (metadata_size > 0) {
		fill(bytes, metadata_size, number);
		CHECK_EQ(tachyon_record_append(records, sizeof(records), &used, 64, bytes,
					       metadata_size),
			 0);
		frame.metadata = records;
		frame.metadata_size = used;
	}
	ret = tachyon_publisher_commit(publisher, &frame);
	if (ret < 0)
		tachyon_publisher_abandon(publisher, &frame);
	return ret;
}

static int set_caps_before(struct tachyon_publisher *publisher, uint64_t number)
{
	char text[64];

	caps_text(text, number);
	return tachyon_publisher_set_caps(publisher, text);
}

static void publish_all(struct tachyon_publisher *publisher, const struct programme *programme,
			int subscribers)
{
	for (uint64_t number = 0; number < programme->frames; number++) {
		int ret;

		while (has_caps_before(programme, number) &&
		       set_caps_before(publisher, number) == TACHYON_ERR_AGAIN)
			CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
		while ((ret = publish_one(publisher, programme, number)) == TACHYON_ERR_AGAIN)
			CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
		CHECK_EQ(ret, subscribers);
	}
}

/* --- a subscriber --- */

static void check_frame(const struct programme *programme, const struct tachyon_frame *frame,
			uint64_t number)
{
	const size_t metadata_size = metadata_size_of(programme, number);
	struct tachyon_record record;
	size_t position = 0;

	CHECK_EQ(frame->pts, number);
	CHECK_EQ(frame->size, size_of(programme, number));
	CHECK(is_number(frame, number));
	if (metadata_size == 0) {
		CHECK_EQ(frame->metadata_size, 0);
		return;
	}
	CHECK_EQ(tachyon_record_next(frame, &position, &record), 1);
	CHECK_EQ(record.size, metadata_size);
	CHECK(is_filled(record.data, metadata_size, number));
}

struct hand {
	struct tachyon_frame frames[64];
	uint32_t count;
};

/* Keeps the frame, and releases another where the hand is full. */
static void keep(struct hand *hand, const struct programme *programme, struct tachyon_frame *frame)
{
	if (hand->count < programme->keep) {
		hand->frames[hand->count++] = *frame;
		return;
	}
	if (hand->count > 0) {
		const uint32_t which = (uint32_t)(mix(frame->pts) % hand->count);
		const struct tachyon_frame old = hand->frames[which];

		hand->frames[which] = *frame;
		*frame = old;
		check_frame(programme, frame, frame->pts);
		CHECK_EQ(tachyon_frame_is_valid(frame), 1);
	}
	tachyon_frame_release(frame);
}

static int receive_all(void *argument)
{
	const struct programme *const programme = argument;
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct hand hand = {.count = 0};
	struct tachyon_item item;
	char caps[64] = "", expected[64];
	uint64_t number = 0;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	while (number < programme->frames) {
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
		if (item.type == TACHYON_ITEM_CAPS) {
			snprintf(caps, sizeof(caps), "%s", item.caps);
			continue;
		}
		CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
		if (programme->is_mixed) {
			caps_text(expected, number);
			CHECK_STR_EQ(caps, expected);
		}
		check_frame(programme, &item.frame, number++);
		keep(&hand, programme, &item.frame);
	}
	expect_end(subscriber, TACHYON_END_CLOSED);
	while (hand.count > 0) {
		check_frame(programme, &hand.frames[hand.count - 1],
			    hand.frames[hand.count - 1].pts);
		tachyon_frame_release(&hand.frames[--hand.count]);
	}
	CHECK_EQ(subscriber_figures(subscriber).held, 0);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

static void perform(int count, struct programme programme)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	pid_t children[16];

	options.max_bytes = 64 << 20;
	publisher = make_publisher(&options);
	for (int i = 0; i < count; i++)
		children[i] = run_child(receive_all, &programme);
	while (tachyon_publisher_subscribers(publisher) < (uint32_t)count)
		serve(publisher, 10);
	publish_all(publisher, &programme, count);
	CHECK_EQ(figures(publisher).dropped, 0);
	tachyon_publisher_destroy(publisher);
	for (int i = 0; i < count; i++)
		CHECK_EQ(wait_child(children[i]), 0);
}

TEST(one_subscriber_gets_every_byte_in_order)
{
	perform(1, (struct programme){.frames = 20000, .most = 5000});
	perform(1, (struct programme){.frames = 5000, .most = 5000, .keep = 20});
}

TEST(one_subscriber_gets_frames_and_state_of_every_kind)
{
	perform(1, (struct programme){.frames = 8000, .most = 60000, .keep = 8, .is_mixed = true});
}

TEST(four_subscribers_get_every_byte_in_order)
{
	perform(4, (struct programme){.frames = 5000, .most = 5000, .keep = 5});
	perform(4, (struct programme){.frames = 2000, .most = 30000, .keep = 7, .is_mixed = true});
}

TEST(sixteen_subscribers_get_every_byte_in_order)
{
	perform(16, (struct programme){.frames = 1000, .most = 5000, .keep = 3, .is_mixed = true});
}

/* --- system calls --- */

struct cost {
	_Atomic uint64_t subscriber_calls;
	struct programme programme;
	uint32_t spin;
};

static int receive_and_count(void *argument)
{
	struct cost *const cost = argument;
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .spin = cost->spin};
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);
	struct tachyon_item item;
	uint64_t before = 0;

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	for (uint64_t number = 0; number < cost->programme.frames; number++) {
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
		/* Busier than the publisher: an idle spin looks for a hang-up now and then. */
		for (int i = 0; i < 3; i++)
			check_frame(&cost->programme, &item.frame, number);
		tachyon_frame_release(&item.frame);
		/* The first ones bring segments, which are mapped. */
		if (number == 100)
			before = tachyon_system_calls();
	}
	cost->subscriber_calls = tachyon_system_calls() - before;
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

/* System calls of both sides in a thousand frames. */
static uint64_t count_calls(struct cost cost, uint32_t max_buffers, bool waits)
{
	const struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_BLOCK, max_buffers);
	struct tachyon_publisher *const publisher = make_publisher(&options);
	struct cost *const shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t before = 0, calls;
	pid_t child;

	*shared = cost;
	/* As an element does it; a segment added later costs both sides some calls, once. */
	CHECK_EQ(tachyon_publisher_configure(publisher, cost.programme.most, 16), 0);
	child = run_child(receive_and_count, shared);
	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 10);
	for (uint64_t number = 0; number < cost.programme.frames; number++) {
		while (publish_one(publisher, &cost.programme, number) == TACHYON_ERR_AGAIN) {
			if (waits)
				CHECK_EQ(tachyon_publisher_wait(publisher, LONG_NS), 0);
		}
		if (number == 100)
			before = tachyon_system_calls();
	}
	calls = tachyon_system_calls() - before;
	CHECK_EQ(wait_child(child), 0);
	calls += shared->subscriber_calls;
	munmap(shared, sizeof(*shared));
	tachyon_publisher_destroy(publisher);
	return calls * 1000 / (cost.programme.frames - 100);
}

TEST(while_both_sides_are_busy_a_frame_costs_less_than_a_tenth_of_a_system_call)
{
#ifdef __SANITIZE_THREAD__
	SKIP("a sanitizer makes the publisher the busier one");
#endif
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("needs two processors");
	/* 1080p NV12 and audio-sized frames; neither side sleeps. */
	CHECK(count_calls((struct cost){.programme = {.frames = 400, .most = 3110400},
					.spin = 1000000000},
			  0, false) < 100);
	CHECK(count_calls((struct cost){.programme = {.frames = 20000, .most = 2000},
					.spin = 1000000000},
			  0, false) < 100);
}

TEST(a_publisher_that_runs_ahead_sleeps_seldom)
{
	CHECK(count_calls((struct cost){.programme = {.frames = 20000, .most = 2000},
					.spin = 1000000000},
			  256, true) < 100);
}
