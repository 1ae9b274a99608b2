/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber's end of one publisher, whose own end is a bus that a test writes by hand. What
 * lies are answered is in tests/hostile/.
 */
#include "connection.h"

#include "pair.h"
#include "sock.h"
#include "system.h"

#define RING 8192u
#define BLOCK_SIZE 8192u
#define BLOCK_COUNT 4u

struct bench {
	struct tachyon_bus *peer; /* the publisher's end */
	struct tach_segment payload;
	struct tach_connection *connection;
};

static struct bench make_bench(uint64_t max_bytes)
{
	const struct pair pair = make_pair(RING);
	struct bench bench = {.peer = pair.left};

	CHECK_EQ(tach_segment_create_payload(&bench.payload, BLOCK_SIZE, BLOCK_COUNT), 0);
	CHECK_EQ(tach_connection_create(pair.right, max_bytes, false, NULL, &bench.connection), 0);
	CHECK_EQ(tach_connection_bus(bench.connection), pair.right);
	return bench;
}

static void clear_bench(struct bench *bench)
{
	tach_connection_close(bench->connection);
	tach_segment_destroy(&bench->payload);
	tachyon_bus_destroy(bench->peer);
}

static void announce(struct bench *bench, uint32_t segment)
{
	const struct tach_segment_packet packet = {
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_SEGMENT,
		.segment = segment,
	};

	CHECK_EQ(tach_sock_send(bench->peer->sock, &packet, sizeof(packet), &bench->payload.fd, 1),
		 0);
}

/* Sends a body and hands the message that arrives to take; releases it. */
static struct tachyon_message pass(struct bench *bench, uint32_t type, const void *body,
				   size_t size)
{
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_send(bench->peer, body, size, type, 0), 0);
	CHECK_EQ(tachyon_bus_receive(tach_connection_bus(bench->connection), &message, 0), 0);
	return message;
}

static void finish(struct bench *bench, const struct tachyon_message *message)
{
	CHECK_EQ(tachyon_bus_release(tach_connection_bus(bench->connection), message), 0);
}

static struct tach_wire_frame wire_frame(uint32_t segment, uint16_t block)
{
	return (struct tach_wire_frame){
		.segment = segment, .block = block, .generation = 0, .offset = 8, .size = 1000};
}

static int take(struct bench *bench, uint32_t segment, uint16_t block, struct tachyon_frame *frame)
{
	const struct tach_wire_frame wire = wire_frame(segment, block);
	const struct tachyon_message message = pass(bench, TACH_WIRE_FRAME, &wire, sizeof(wire));
	const int ret = tach_connection_take_frame(bench->connection, &message, frame);

	finish(bench, &message);
	return ret;
}

static uint8_t *payload_of(struct bench *bench, uint16_t block)
{
	return bench->payload.data + block * BLOCK_SIZE + 8;
}

/* What the connection sent back: its type, and the place it names. */
static uint32_t hear_ref(struct bench *bench, struct tach_block_ref *ref)
{
	struct tachyon_message message;
	uint32_t type, wire_type;

	if (tachyon_bus_receive(bench->peer, &message, 0) < 0)
		return 0;
	wire_type = message.type;
	CHECK_EQ(tach_wire_get_ref(message.data, message.size, ref, &type), 0);
	CHECK_EQ(tachyon_bus_release(bench->peer, &message), 0);
	return wire_type;
}

/* --- frames --- */

TEST(a_frame_is_the_publishers_memory_and_its_release_a_return)
{
	struct bench bench = make_bench(1 << 20);
	struct tach_block_ref ref;
	struct tachyon_frame frame;

	announce(&bench, 1);
	fill(payload_of(&bench, 2), 1000, 5);
	CHECK_EQ(take(&bench, 1, 2, &frame), 0);
	CHECK_EQ(frame.size, 1000);
	CHECK(is_filled(frame.data, 1000, 5));
	CHECK_EQ(tach_connection_held(bench.connection), 1);
	CHECK(tach_connection_mapped_bytes(bench.connection) >= BLOCK_SIZE * BLOCK_COUNT);
	CHECK_EQ(hear_ref(&bench, &ref), 0);

	tachyon_frame_release(&frame);
	CHECK_EQ(tach_connection_held(bench.connection), 0);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(ref.segment, 1);
	CHECK_EQ(ref.block, 2);
	CHECK_EQ(ref.generation, 0);
	clear_bench(&bench);
}

TEST(a_frame_of_a_segment_never_announced_is_corrupt)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame frame = {.size = 77};

	CHECK_EQ(take(&bench, 1, 0, &frame), -EBADMSG);
	announce(&bench, 1);
	CHECK_EQ(take(&bench, 2, 0, &frame), -EBADMSG);
	CHECK_EQ(take(&bench, 1, BLOCK_COUNT, &frame), -EBADMSG);
	CHECK_EQ(tach_connection_held(bench.connection), 0);
	clear_bench(&bench);
}

TEST(a_frame_in_the_ring_is_a_copy_of_its_own)
{
	struct bench bench = make_bench(1 << 20);
	const struct tachyon_frame sent = {.data = (char[]){"small"},
					   .size = 6,
					   .pts = 4,
					   .offset = TACHYON_OFFSET_NONE,
					   .offset_end = TACHYON_OFFSET_NONE};
	uint8_t body[128];
	const ssize_t size = tach_wire_put_inline(body, sizeof(body), &sent, 0);
	const struct tachyon_message message = pass(&bench, TACH_WIRE_INLINE, body, (size_t)size);
	struct tachyon_frame frame;
	struct tach_block_ref ref;

	CHECK_EQ(tach_connection_take_frame(bench.connection, &message, &frame), 0);
	finish(&bench, &message);
	for (int i = 0; i < 1000; i++) {
		const struct tachyon_message other = pass(&bench, 99, body, sizeof(body));

		finish(&bench, &other);
	}
	CHECK_EQ(frame.pts, 4);
	CHECK_EQ(frame.size, 6);
	CHECK_STR_EQ(frame.data, "small");
	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	tachyon_frame_release(&frame);
	/* There is no block to return. */
	CHECK_EQ(hear_ref(&bench, &ref), 0);
	clear_bench(&bench);
}

TEST(a_frame_given_up_by_the_publisher_is_no_longer_valid)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame frame;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 1, &frame), 0);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
	atomic_store(&bench.payload.header->generation[1], 1);
	CHECK_EQ(tachyon_frame_is_valid(&frame), 0);
	tachyon_frame_release(&frame);
	clear_bench(&bench);
}

/* --- bodies in blocks --- */

TEST(a_body_in_a_block_is_copied_and_the_block_returned_at_once)
{
	struct bench bench = make_bench(1 << 20);
	const struct tach_wire_ref ref = {
		.segment = 1, .block = 3, .offset = 8, .size = 5, .type = TACH_WIRE_CAPS};
	struct tach_block_ref returned;
	struct tachyon_message message;
	uint32_t type;
	size_t size;
	void *body;

	announce(&bench, 1);
	memcpy(payload_of(&bench, 3), "caps", 5);
	message = pass(&bench, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
	CHECK_EQ(tach_connection_take_outline(bench.connection, &message, &type, &body, &size), 0);
	finish(&bench, &message);
	memset(payload_of(&bench, 3), 'x', 5);
	CHECK_EQ(type, TACH_WIRE_CAPS);
	CHECK_EQ(size, 5);
	CHECK_STR_EQ(body, "caps");
	free(body);
	CHECK_EQ(tach_connection_held(bench.connection), 0);
	CHECK_EQ(hear_ref(&bench, &returned), TACH_WIRE_RETURN);
	CHECK_EQ(returned.block, 3);
	clear_bench(&bench);
}

/* --- retiring --- */

static int retire(struct bench *bench, uint32_t segment)
{
	const struct tach_wire_ref ref = {.segment = segment};
	const struct tachyon_message message = pass(bench, TACH_WIRE_RETIRE, &ref, sizeof(ref));
	const int ret = tach_connection_retire(bench->connection, &message);

	finish(bench, &message);
	return ret;
}

TEST(a_retired_segment_is_unmapped_and_answered_after_the_last_release)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame frames[2];
	struct tach_block_ref ref;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 0, &frames[0]), 0);
	CHECK_EQ(take(&bench, 1, 1, &frames[1]), 0);
	CHECK_EQ(retire(&bench, 1), 0);
	CHECK_EQ(hear_ref(&bench, &ref), 0);
	tachyon_frame_release(&frames[1]);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(hear_ref(&bench, &ref), 0);
	CHECK(tach_connection_mapped_bytes(bench.connection) > 0);
	tachyon_frame_release(&frames[0]);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETIRED);
	CHECK_EQ(ref.segment, 1);
	CHECK_EQ(tach_connection_mapped_bytes(bench.connection), 0);
	clear_bench(&bench);
}

TEST(a_retired_segment_nobody_holds_is_answered_at_once)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame frame;
	struct tach_block_ref ref;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 0, &frame), 0);
	tachyon_frame_release(&frame);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(retire(&bench, 1), 0);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETIRED);
	CHECK_EQ(take(&bench, 1, 0, &frame), -EBADMSG);
	clear_bench(&bench);
}

TEST(a_segment_retired_before_it_was_met_is_answered_too)
{
	struct bench bench = make_bench(1 << 20);
	struct tach_block_ref ref;

	announce(&bench, 1);
	CHECK_EQ(retire(&bench, 1), 0);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETIRED);
	CHECK_EQ(tach_connection_mapped_bytes(bench.connection), 0);
	clear_bench(&bench);
}

/* --- limits --- */

TEST(more_payload_than_the_limit_is_too_big)
{
	struct bench bench = make_bench(2 * BLOCK_SIZE);
	struct tachyon_frame frame;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 0, &frame), TACHYON_ERR_TOO_BIG);
	clear_bench(&bench);
}

TEST(messages_of_our_own_never_take_the_place_of_returns)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame frames[RING / 128];
	static const char event[24];
	struct tach_block_ref ref;
	int returns = 0, ret;

	announce(&bench, 1);
	for (uint16_t i = 0; i < RING / 128; i++)
		CHECK_EQ(take(&bench, 1, i % BLOCK_COUNT, &frames[i]), 0);
	do {
		ret = tach_connection_send(bench.connection, TACH_WIRE_NEED, event, sizeof(event));
	} while (ret == 0);
	CHECK_EQ(ret, -EAGAIN);
	for (int i = 0; i < (int)RING / 128; i++)
		tachyon_frame_release(&frames[i]);
	for (uint32_t type;;) {
		struct tachyon_message message;

		if (tachyon_bus_receive(bench.peer, &message, 0) < 0)
			break;
		type = message.type;
		returns += type == TACH_WIRE_RETURN;
		CHECK_EQ(tachyon_bus_release(bench.peer, &message), 0);
	}
	CHECK_EQ(returns, RING / 128);
	CHECK_EQ(tach_connection_send(bench.connection, TACH_WIRE_NEED, event, sizeof(event)), 0);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_NEED);
	clear_bench(&bench);
}

/* --- the end --- */

TEST(a_closed_connection_returns_what_was_never_received)
{
	struct bench bench = make_bench(1 << 20);
	struct tach_wire_frame wire = wire_frame(1, 1);
	struct tachyon_frame held;
	struct tach_block_ref ref;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 0, &held), 0);
	fill(payload_of(&bench, 0), 1000, 5);
	CHECK_EQ(tachyon_bus_send(bench.peer, &wire, sizeof(wire), TACH_WIRE_FRAME, 0), 0);
	wire.block = 2;
	CHECK_EQ(tachyon_bus_send(bench.peer, &wire, sizeof(wire), TACH_WIRE_FRAME, 0), 0);
	tach_connection_close(bench.connection);
	bench.connection = NULL;

	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(ref.block, 1);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(ref.block, 2);
	CHECK_EQ(tachyon_bus_end(bench.peer), TACHYON_END_NONE);
	/* It leaves with its last frame. */
	CHECK(is_filled(held.data, 1000, 5));
	tachyon_frame_release(&held);
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(ref.block, 0);
	CHECK_STR_EQ(hear(bench.peer), "EPIPE");
	CHECK_EQ(tachyon_bus_end(bench.peer), TACHYON_END_CLOSED);
	clear_bench(&bench);
}

TEST(a_closed_connection_returns_a_body_in_a_block_that_was_never_received)
{
	struct bench bench = make_bench(1 << 20);
	const struct tach_wire_ref body = {
		.segment = 1, .block = 3, .offset = 8, .size = 5, .type = TACH_WIRE_CAPS};
	struct tachyon_frame held;
	struct tach_block_ref ref;

	announce(&bench, 1);
	CHECK_EQ(take(&bench, 1, 0, &held), 0);
	CHECK_EQ(tachyon_bus_send(bench.peer, &body, sizeof(body), TACH_WIRE_OUTLINE, 0), 0);
	tach_connection_close(bench.connection);
	bench.connection = NULL;
	CHECK_EQ(hear_ref(&bench, &ref), TACH_WIRE_RETURN);
	CHECK_EQ(ref.block, 3);
	tachyon_frame_release(&held);
	clear_bench(&bench);
}

TEST(a_frame_outlives_connection_and_publisher)
{
	struct bench bench = make_bench(1 << 20);
	struct tachyon_frame held;

	announce(&bench, 1);
	fill(payload_of(&bench, 0), 1000, 5);
	CHECK_EQ(take(&bench, 1, 0, &held), 0);
	clear_bench(&bench);
	CHECK(is_filled(held.data, 1000, 5));
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	tachyon_frame_release(&held);
}

TEST(closing_nothing_is_fine)
{
	tach_connection_close(NULL);
	CHECK(true);
}
