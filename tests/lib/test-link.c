/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's end of one subscriber, whose own end is a bus that a test reads by hand.
 */
#include "link.h"

#include "pair.h"
#include "sock.h"
#include "system.h"

#define RING 8192u
#define PICTURE 5000u

/* A link, and what stands around it. */
struct bench {
	struct tachyon_bus *peer; /* the subscriber's end */
	struct tach_pool *pool;
	struct tach_sticky sticky;
	struct tach_link link;
};

static void make_bench(struct bench *bench)
{
	const struct pair pair = make_pair(RING);

	*bench = (struct bench){.peer = pair.right};
	CHECK_EQ(tach_pool_create(1 << 24, &bench->pool), 0);
	CHECK_EQ(tach_link_init(&bench->link, pair.left, 3, bench->pool, &bench->sticky), 0);
	CHECK_EQ(bench->link.bus, pair.left);
}

static void clear_bench(struct bench *bench)
{
	tach_link_fini(&bench->link);
	tach_link_fini(&bench->link);
	tach_pool_close(bench->pool);
	tach_sticky_fini(&bench->sticky);
	tachyon_bus_destroy(bench->peer);
}

static void set_state(struct bench *bench, uint32_t order, const void *body, size_t size)
{
	const struct tach_sticky_key key = {.order = order};

	CHECK_EQ(tach_sticky_set(&bench->sticky, key, TACH_WIRE_CAPS, body, size), 0);
}

/* The next message's type, its body copied; 0 when there is none. */
static uint32_t hear_message(struct bench *bench, void *body, size_t capacity)
{
	struct tachyon_message message;

	if (tachyon_bus_receive(bench->peer, &message, 0) < 0)
		return 0;
	CHECK(message.size <= capacity);
	memcpy(body, message.data, message.size);
	CHECK_EQ(tachyon_bus_release(bench->peer, &message), 0);
	return message.type;
}

static void check_quiet(struct bench *bench)
{
	char body[RING];

	CHECK_EQ(hear_message(bench, body, sizeof(body)), 0);
}

/* --- frames --- */

static int send_frame(struct bench *bench, uint64_t pts, void *cookie)
{
	struct tachyon_frame frame = {.pts = pts,
				      .size = PICTURE,
				      .offset = TACHYON_OFFSET_NONE,
				      .offset_end = TACHYON_OFFSET_NONE};
	struct tach_block_ref ref = {0};
	struct tachyon_block *block;
	int ret;

	CHECK_EQ(tach_pool_acquire(bench->pool, PICTURE, &block), 0);
	ret = tach_link_has_room(&bench->link, sizeof(struct tach_wire_frame),
				 tach_pool_block_segment(block), 1000);
	if (ret == 0) {
		CHECK_EQ(tach_pool_publish(bench->pool, block, 1ull << 3, cookie, &ref), 0);
		ref.size = PICTURE;
		CHECK_EQ(tach_link_put_frame(&bench->link, &frame, &ref, NULL), 0);
	}
	block->ops->release(block);
	return ret;
}

static struct tach_block_ref hear_frame(struct bench *bench, uint64_t pts, uint32_t *frame_hints)
{
	union {
		struct tach_wire_frame wire;
		char bytes[256];
	} body;
	struct tachyon_frame frame;
	struct tach_block_ref ref;

	CHECK_EQ(hear_message(bench, &body, sizeof(body)), TACH_WIRE_FRAME);
	CHECK_EQ(tach_wire_get_frame(&body.wire, &frame, &ref), 0);
	CHECK_EQ(frame.pts, pts);
	CHECK_EQ(frame.size, PICTURE);
	if (frame_hints)
		*frame_hints = frame.hints;
	return ref;
}

static void say_ref(struct bench *bench, uint32_t type, const struct tach_block_ref *ref)
{
	struct tach_wire_ref body;

	CHECK_EQ(tach_wire_put_ref(&body, sizeof(body), ref, 0), sizeof(body));
	CHECK_EQ(tachyon_bus_send(bench->peer, &body, sizeof(body), type, 0), 0);
}

static int events_heard;

static void count_event(void *data, const struct tach_link *link, const struct tachyon_event *event)
{
	struct bench *const bench = data;

	CHECK_EQ(link, &bench->link);
	CHECK_EQ(event->type, 12);
	CHECK_EQ(event->size, 6);
	CHECK_STR_EQ(event->data, "hello");
	events_heard++;
}

static int drain(struct bench *bench)
{
	return tach_link_drain(&bench->link, count_event, bench);
}

static uint64_t used_blocks(struct bench *bench)
{
	struct tach_pool_figures figures;

	tach_pool_figures(bench->pool, &figures);
	return figures.blocks - figures.blocks_free;
}

TEST(a_frame_is_seen_at_the_flush_and_its_block_comes_back_with_the_return)
{
	struct tach_block_ref ref;
	struct bench bench;
	int cookie;

	make_bench(&bench);
	CHECK_EQ(send_frame(&bench, 7, &cookie), 0);
	check_quiet(&bench);
	tach_link_flush(&bench.link);
	CHECK_EQ(tach_link_queued(&bench.link), 1);
	CHECK_EQ(bench.link.outstanding, 1);
	ref = hear_frame(&bench, 7, NULL);
	CHECK_EQ(tach_link_queued(&bench.link), 0);
	CHECK_EQ(drain(&bench), 0);

	say_ref(&bench, TACH_WIRE_RETURN, &ref);
	CHECK_EQ(drain(&bench), 1);
	CHECK_EQ(bench.link.outstanding, 0);
	CHECK_EQ(used_blocks(&bench), 0);
	CHECK_EQ(tach_pool_reclaim(bench.pool), &cookie);
	clear_bench(&bench);
}

TEST(a_segment_is_announced_once_before_its_first_frame)
{
	struct tach_segment_packet packet;
	struct tach_block_ref ref;
	int fds[TACH_SOCK_FDS];
	struct bench bench;
	size_t count = 0;

	make_bench(&bench);
	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(send_frame(&bench, i, NULL), 0);
	tach_link_flush(&bench.link);
	ref = hear_frame(&bench, 0, NULL);
	CHECK_EQ(tach_sock_receive(bench.peer->sock, &packet, sizeof(packet), fds, &count),
		 sizeof(packet));
	CHECK_EQ(count, 1);
	CHECK_EQ(packet.magic, TACH_MAGIC);
	CHECK_EQ(packet.kind, TACH_PACKET_SEGMENT);
	CHECK_EQ(packet.segment, ref.segment);
	CHECK_EQ(tach_sock_receive(bench.peer->sock, &packet, sizeof(packet), fds, &count),
		 -EAGAIN);
	close(fds[0]);
	clear_bench(&bench);
}

TEST(no_more_frames_are_out_than_returns_fit)
{
	struct tach_block_ref ref;
	struct bench bench;
	uint64_t sent = 0;

	make_bench(&bench);
	while (send_frame(&bench, sent, NULL) == 0) {
		tach_link_flush(&bench.link);
		ref = hear_frame(&bench, sent++, NULL);
		CHECK(sent <= RING / 128);
	}
	CHECK(sent >= RING / 128 - 2);
	say_ref(&bench, TACH_WIRE_RETURN, &ref);
	CHECK_EQ(drain(&bench), 1);
	CHECK_EQ(send_frame(&bench, sent, NULL), 0);
	clear_bench(&bench);
}

TEST(no_more_frames_wait_than_allowed)
{
	struct bench bench;

	make_bench(&bench);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(send_frame(&bench, i, NULL), 0);
	tach_link_flush(&bench.link);
	CHECK_EQ(tach_link_queued(&bench.link), 4);
	CHECK_EQ(tach_link_has_room(&bench.link, 48, 0, 4), -EAGAIN);
	CHECK_EQ(tach_link_has_room(&bench.link, 48, 0, 5), 0);
	(void)hear_frame(&bench, 0, NULL);
	CHECK_EQ(tach_link_has_room(&bench.link, 48, 0, 4), 0);
	clear_bench(&bench);
}

TEST(the_frame_after_a_missed_one_says_so)
{
	struct bench bench;
	uint32_t frame_hints;

	make_bench(&bench);
	bench.link.missed_frame = true;
	CHECK_EQ(send_frame(&bench, 1, NULL), 0);
	CHECK_EQ(send_frame(&bench, 2, NULL), 0);
	tach_link_flush(&bench.link);
	(void)hear_frame(&bench, 1, &frame_hints);
	CHECK(frame_hints & TACHYON_FRAME_AFTER_DROP);
	(void)hear_frame(&bench, 2, &frame_hints);
	CHECK(!(frame_hints & TACHYON_FRAME_AFTER_DROP));
	clear_bench(&bench);
}

TEST(a_small_frame_travels_in_the_ring)
{
	const struct tachyon_frame frame = {.data = (char[]){"small"},
					    .size = 6,
					    .pts = 5,
					    .offset = TACHYON_OFFSET_NONE,
					    .offset_end = TACHYON_OFFSET_NONE};
	struct tachyon_frame heard;
	struct bench bench;
	uint64_t body[64];

	make_bench(&bench);
	CHECK_EQ(tach_link_has_room(&bench.link, tach_wire_inline_size(&frame), 0, 10), 0);
	CHECK_EQ(tach_link_put_inline(&bench.link, &frame), 0);
	CHECK_EQ(tach_link_queued(&bench.link), 1);
	CHECK_EQ(bench.link.outstanding, 0);
	tach_link_flush(&bench.link);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_INLINE);
	CHECK_EQ(tach_wire_get_inline(body, tach_wire_inline_size(&frame), &heard), 0);
	CHECK_STR_EQ(heard.data, "small");
	clear_bench(&bench);
}

/* --- state --- */

TEST(state_goes_out_in_order_and_once)
{
	struct bench bench;
	char body[RING];

	make_bench(&bench);
	set_state(&bench, 70, "segment", 8);
	set_state(&bench, 50, "caps", 5);
	CHECK_EQ(tach_link_sync(&bench.link), 0);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_CAPS);
	CHECK_STR_EQ(body, "caps");
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_CAPS);
	CHECK_STR_EQ(body, "segment");
	CHECK_EQ(tach_link_sync(&bench.link), 0);
	check_quiet(&bench);
	clear_bench(&bench);
}

TEST(state_that_does_not_fit_goes_out_as_there_is_room)
{
	static const char zeros[1000];
	struct bench bench;
	char body[RING];
	int heard = 0, ret;

	make_bench(&bench);
	for (uint32_t i = 0; i < 30; i++)
		set_state(&bench, i, zeros, sizeof(zeros));
	CHECK_EQ(tach_link_sync(&bench.link), -EAGAIN);
	do {
		while (hear_message(&bench, body, sizeof(body)))
			heard++;
		ret = tach_link_sync(&bench.link);
		CHECK(ret == 0 || ret == -EAGAIN);
	} while (ret == -EAGAIN);
	while (hear_message(&bench, body, sizeof(body)))
		heard++;
	CHECK_EQ(heard, 30);
	clear_bench(&bench);
}

TEST(a_body_larger_than_a_quarter_of_the_ring_travels_in_a_block)
{
	static char caps[100000];
	struct tach_block_ref ref;
	struct bench bench;
	uint64_t body[64];
	uint32_t type;

	memset(caps, 'x', sizeof(caps) - 1);
	make_bench(&bench);
	set_state(&bench, 50, caps, sizeof(caps));
	CHECK_EQ(tach_link_sync(&bench.link), 0);
	CHECK_EQ(used_blocks(&bench), 1);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_OUTLINE);
	CHECK_EQ(tach_wire_get_ref(body, sizeof(struct tach_wire_ref), &ref, &type), 0);
	CHECK_EQ(type, TACH_WIRE_CAPS);
	CHECK_EQ(ref.size, sizeof(caps));
	CHECK_EQ(tach_link_queued(&bench.link), 0);
	ref.offset = ref.size = 0;
	say_ref(&bench, TACH_WIRE_RETURN, &ref);
	CHECK_EQ(drain(&bench), 1);
	CHECK_EQ(used_blocks(&bench), 0);
	clear_bench(&bench);
}

TEST(an_event_comes_after_the_state_set_before_it)
{
	struct bench bench;
	char body[RING];

	make_bench(&bench);
	set_state(&bench, 50, "caps", 5);
	CHECK_EQ(tach_link_has_room(&bench.link, 6, 0, 1), 0);
	CHECK_EQ(tach_link_put_event(&bench.link, TACH_WIRE_EVENT, "event", 6), 0);
	tach_link_flush(&bench.link);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_CAPS);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_EVENT);
	CHECK_STR_EQ(body, "event");
	clear_bench(&bench);
}

/* --- what comes back --- */

TEST(events_and_needs_are_taken)
{
	const struct tachyon_event event = {.type = 12, .data = "hello", .size = 6};
	struct bench bench;
	uint8_t body[64];
	ssize_t size;

	make_bench(&bench);
	size = tach_wire_put_event(body, sizeof(body), &event);
	CHECK_EQ(tachyon_bus_send(bench.peer, body, (size_t)size, TACH_WIRE_UP_EVENT, 0), 0);
	size = tach_wire_put_need(body, sizeof(body), 9);
	CHECK_EQ(tachyon_bus_send(bench.peer, body, (size_t)size, TACH_WIRE_NEED, 0), 0);
	CHECK_EQ(tachyon_bus_send(bench.peer, body, 5, 9999, 0), 0);
	CHECK_EQ(drain(&bench), 3);
	CHECK_EQ(events_heard, 1);
	CHECK_EQ(bench.link.need, 9);
	clear_bench(&bench);
}

TEST(a_return_of_what_it_does_not_have_is_corrupt)
{
	struct tach_block_ref ref;
	struct bench bench;

	make_bench(&bench);
	CHECK_EQ(send_frame(&bench, 1, NULL), 0);
	tach_link_flush(&bench.link);
	ref = hear_frame(&bench, 1, NULL);
	ref.offset = ref.size = 0;
	ref.generation++;
	say_ref(&bench, TACH_WIRE_RETURN, &ref);
	CHECK_EQ(drain(&bench), TACHYON_ERR_CORRUPT);
	CHECK_EQ(tachyon_bus_end(bench.link.bus), TACHYON_END_CORRUPT);
	clear_bench(&bench);
}

TEST(what_a_link_had_is_free_when_it_is_gone)
{
	struct bench bench;
	int cookies[5];

	make_bench(&bench);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(send_frame(&bench, (uint64_t)i, &cookies[i]), 0);
	tach_link_flush(&bench.link);
	CHECK_EQ(used_blocks(&bench), 5);
	tach_link_fini(&bench.link);
	CHECK(!bench.link.bus);
	CHECK_EQ(used_blocks(&bench), 0);
	for (int i = 0; i < 5; i++)
		CHECK(tach_pool_reclaim(bench.pool));
	CHECK(!tach_pool_reclaim(bench.pool));
	/* And what was sent is still there to be read. */
	(void)hear_frame(&bench, 0, NULL);
	clear_bench(&bench);
}

TEST(a_segment_that_retires_is_told_and_answered)
{
	struct tach_pool_figures figures;
	struct tach_block_ref ref, retire;
	struct bench bench;
	uint64_t body[64];
	uint32_t type;

	make_bench(&bench);
	CHECK_EQ(send_frame(&bench, 1, NULL), 0);
	tach_link_flush(&bench.link);
	ref = hear_frame(&bench, 1, NULL);
	ref.offset = ref.size = 0;
	CHECK_EQ(tach_pool_configure(bench.pool, 1 << 20, 1), 0);
	CHECK_EQ(tach_link_sync(&bench.link), 0);
	check_quiet(&bench);

	say_ref(&bench, TACH_WIRE_RETURN, &ref);
	CHECK_EQ(drain(&bench), 1);
	CHECK_EQ(tach_link_sync(&bench.link), 0);
	CHECK_EQ(hear_message(&bench, body, sizeof(body)), TACH_WIRE_RETIRE);
	CHECK_EQ(tach_wire_get_ref(body, sizeof(struct tach_wire_ref), &retire, &type), 0);
	CHECK_EQ(retire.segment, ref.segment);
	tach_pool_figures(bench.pool, &figures);
	CHECK_EQ(figures.segments, 2);
	retire = (struct tach_block_ref){.segment = ref.segment};
	say_ref(&bench, TACH_WIRE_RETIRED, &retire);
	CHECK_EQ(drain(&bench), 1);
	tach_pool_figures(bench.pool, &figures);
	CHECK_EQ(figures.segments, 1);
	clear_bench(&bench);
}

/* --- holding up the publisher --- */

TEST(a_link_that_blocks_no_longer_does_once_it_read_enough)
{
	struct bench bench;

	make_bench(&bench);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(send_frame(&bench, i, NULL), 0);
	tach_link_flush(&bench.link);
	CHECK(!tach_link_unblock(&bench.link));
	CHECK_EQ(tach_link_has_room(&bench.link, 48, 0, 4), -EAGAIN);
	tach_link_block(&bench.link);
	CHECK(!tach_link_unblock(&bench.link));
	for (uint64_t i = 0; i < 4; i++)
		(void)hear_frame(&bench, i, NULL);
	CHECK(tach_link_unblock(&bench.link));
	CHECK(!tach_link_unblock(&bench.link));
	CHECK_EQ(tach_link_has_room(&bench.link, 48, 0, 4), 0);
	clear_bench(&bench);
}
