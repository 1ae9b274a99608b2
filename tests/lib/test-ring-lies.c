/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ring with a peer that lies, and with payload that looks like headers: nothing is received
 * that was not sent, and a lie is found.
 */
#include "ring-setup.h"

/* --- payload that looks like a message --- */

/* Empty messages, each valid at its place a lap later, and at that place in this lap. */
static void fill_with_fakes(struct ring *ring, uint8_t *data, uint64_t size, uint64_t position,
			    uint64_t laps)
{
	/* Payload of a long message starts a cell behind its header. */
	for (uint64_t at = 0; at + sizeof(struct tach_message_header) <= size; at += TACH_CELL) {
		const uint64_t fake = position + TACH_CELL + at + laps * ring->size;
		const uint32_t header[4] = {tag_of(fake), 0, 666, 0};

		memcpy(data + at, header, sizeof(header));
	}
}

static void send_fakes(struct ring *ring, uint64_t size, uint64_t laps)
{
	const uint64_t position = ring->sender.sent;

	fill_with_fakes(ring, reserve(ring, size), size, position, laps);
	CHECK_EQ(tach_ring_commit(&ring->sender, size, 1), 0);
}

static void take_all(struct ring *ring, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct tachyon_message message = receive(ring);

		CHECK(message.type != 666);
		CHECK_EQ(tach_ring_release(&ring->receiver, message.position), 0);
	}
	/* What stands here now was payload before. */
	CHECK_EQ(try_receive(ring), 0);
}

TEST(old_payload_is_never_received)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint64_t i = 0; i < 5000; i++) {
		const uint64_t size = 64 + i * 64 * 7 % (ring.size - 256);

		send_fakes(&ring, size, 1);
		CHECK(tach_ring_flush(&ring.sender));
		take_all(&ring, 1);
		/* Now and then one cell, which shifts all that follows. */
		if (i % 3 == 0) {
			send_one(&ring, i % 49, 2);
			take_all(&ring, 1);
		}
	}
	close_ring(&ring);
}

TEST(old_payload_is_never_received_behind_a_batch)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t count = 0;

		while (tach_ring_has_space(&ring.sender, 64 + i % 13 * 64) == 1 && count <= i % 5) {
			send_fakes(&ring, 64 + i % 13 * 64, 1);
			CHECK_EQ(try_receive(&ring), 0);
			count++;
		}
		if (i % 2 == 0) {
			put(&ring, 1, 2);
			count++;
		}
		CHECK(tach_ring_flush(&ring.sender));
		take_all(&ring, count);
	}
	close_ring(&ring);
}

TEST(payload_of_a_reservation_rolled_back_is_never_received)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint64_t i = 0; i < 2000; i++) {
		const uint64_t size = 64 + i * 64 % 2048;
		const uint64_t position = ring.sender.sent;

		fill_with_fakes(&ring, reserve(&ring, size), size, position, 0);
		tach_ring_rollback(&ring.sender);
		CHECK_EQ(try_receive(&ring), 0);
		send_one(&ring, i % 100, 2);
		take_all(&ring, 1);
	}
	close_ring(&ring);
}

TEST(payload_behind_a_shorter_commit_is_never_received)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint64_t i = 0; i < 2000; i++) {
		const uint64_t size = 128 + i * 64 % 2048;
		const uint64_t position = ring.sender.sent;

		fill_with_fakes(&ring, reserve(&ring, size), size, position, 0);
		CHECK_EQ(tach_ring_commit(&ring.sender, i * 7 % size, 2), 0);
		CHECK(tach_ring_flush(&ring.sender));
		take_all(&ring, 1);
	}
	close_ring(&ring);
}

/* --- a sender that lies --- */

static void put_header(struct ring *ring, uint64_t position, uint32_t seq, uint32_t size,
		       uint32_t flags)
{
	struct tach_message_header *header = header_at(ring, position);

	header->size = size;
	header->type = 5;
	header->flags = flags;
	atomic_store(&header->seq, seq);
}

/* Corruption does not go away by looking again. */
static void check_corrupt(struct ring *ring)
{
	const uint64_t received = ring->receiver.received;

	CHECK_EQ(try_receive(ring), -EBADMSG);
	CHECK_EQ(try_receive(ring), -EBADMSG);
	CHECK_EQ(ring->receiver.received, received);
}

TEST(a_header_that_keeps_to_the_rules_is_received)
{
	struct ring ring;

	open_small_ring(&ring);
	put_header(&ring, 0, tag_of(0), 48, 0);
	CHECK_EQ(receive(&ring).size, 48);
	put_header(&ring, 64, tag_of(64), 0, TACH_MESSAGE_FLAG_LONG);
	CHECK_EQ(receive(&ring).size, 0);
	put_header(&ring, 128, tag_of(128), 64, TACH_MESSAGE_FLAG_LONG);
	CHECK_EQ(receive(&ring).position, 256);
	close_ring(&ring);
}

TEST(a_wrong_tag_is_corrupt)
{
	const uint64_t position = 640;
	struct ring ring;
	uint32_t tags[8];

	open_small_ring(&ring);
	tags[0] = tag_of(position) + 1;
	tags[1] = tag_of(position) - 1;
	tags[2] = tag_of(position + ring.size);
	tags[3] = tag_of(position - 64);
	tags[4] = tag_of(position) | 0x80000000;
	tags[5] = tag_of(position) ^ 0x40000000;
	tags[6] = 0x80000001;
	tags[7] = UINT32_MAX;
	start_at(&ring, position);
	for (size_t i = 0; i < 8; i++) {
		put_header(&ring, position, tags[i], 0, 0);
		check_corrupt(&ring);
	}
	put_header(&ring, position, tag_of(position), 0, 0);
	CHECK_EQ(try_receive(&ring), 1);
	close_ring(&ring);
}

/* What an honest sender leaves standing where nothing but short messages stood. */
TEST(a_tag_of_the_last_lap_is_no_message_yet)
{
	struct ring ring;

	open_small_ring(&ring);
	start_at(&ring, ring.size);
	put_header(&ring, 0, tag_of(0), 0, 0);
	CHECK_EQ(try_receive(&ring), 0);
	close_ring(&ring);
}

TEST(a_tag_of_the_lap_before_the_last_is_corrupt)
{
	struct ring ring;

	open_small_ring(&ring);
	start_at(&ring, 2 * ring.size);
	put_header(&ring, 0, tag_of(0), 0, 0);
	check_corrupt(&ring);
	close_ring(&ring);
}

TEST(flags_that_are_not_known_are_corrupt)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint32_t bit = 1; bit < 32; bit++) {
		put_header(&ring, 0, tag_of(0), 0, 1u << bit);
		check_corrupt(&ring);
		put_header(&ring, 0, tag_of(0), 0, 1u << bit | TACH_MESSAGE_FLAG_LONG);
		check_corrupt(&ring);
	}
	close_ring(&ring);
}

TEST(a_size_that_its_form_does_not_have_is_corrupt)
{
	struct ring ring;
	uint32_t max;

	open_small_ring(&ring);
	max = (uint32_t)tach_ring_max_message(ring.size);
	static const uint32_t short_sizes[] = {49, 64, 128, 0x7fffffff, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(short_sizes) / sizeof(short_sizes[0]); i++) {
		put_header(&ring, 0, tag_of(0), short_sizes[i], 0);
		check_corrupt(&ring);
	}

	const uint32_t long_sizes[] = {max + 1,	   max + 64,	    (uint32_t)ring.size, 0x7fffffff,
				       0x80000000, UINT32_MAX - 63, UINT32_MAX};

	for (size_t i = 0; i < sizeof(long_sizes) / sizeof(long_sizes[0]); i++) {
		put_header(&ring, 0, tag_of(0), long_sizes[i], TACH_MESSAGE_FLAG_LONG);
		check_corrupt(&ring);
	}
	put_header(&ring, 0, tag_of(0), max, TACH_MESSAGE_FLAG_LONG);
	CHECK_EQ(receive(&ring).size, max);
	close_ring(&ring);
}

TEST(more_than_the_ring_holds_is_corrupt)
{
	struct ring ring;
	uint32_t max;

	open_small_ring(&ring);
	max = (uint32_t)tach_ring_max_message(ring.size);
	send_one(&ring, 1, 1);
	receive(&ring);
	/* The first is held: a sender that looks at our head has one cell less. */
	put_header(&ring, 64, tag_of(64), max, TACH_MESSAGE_FLAG_LONG);
	check_corrupt(&ring);
	CHECK_EQ(tach_ring_release(&ring.receiver, 64), 0);
	CHECK_EQ(receive(&ring).size, max);
	close_ring(&ring);
}

TEST(a_header_that_changes_after_the_look_is_not_looked_at_again)
{
	struct ring ring;
	struct tachyon_message message;

	open_small_ring(&ring);
	send_one(&ring, 20, 1);
	message = receive(&ring);
	put_header(&ring, 0, 12345, UINT32_MAX, UINT32_MAX);
	CHECK_EQ(message.size, 20);
	CHECK_EQ(message.type, 1);
	CHECK_EQ(message.position, 64);
	CHECK_EQ(tach_ring_release(&ring.receiver, message.position), 0);
	CHECK_EQ(try_receive(&ring), 0);
	close_ring(&ring);
}

/* --- a receiver that lies --- */

static void check_head_lies(struct ring *ring, uint64_t head)
{
	const struct tach_sender before = ring->sender;
	void *data;

	atomic_store(&ring->head, head);
	CHECK_EQ(tach_ring_has_space(&ring->sender, 0), -EBADMSG);
	CHECK_EQ(tach_ring_backlog(&ring->sender), -EBADMSG);
	CHECK_EQ(ring->sender.head_seen, before.head_seen);
	/* So that it has to look. */
	while (tach_ring_free_cells(&ring->sender) > 0) {
		CHECK_EQ(tach_ring_reserve(&ring->sender, 0, &data), 0);
		CHECK_EQ(tach_ring_commit(&ring->sender, 0, 0), 0);
	}
	CHECK_EQ(try_reserve(ring, 0), -EBADMSG);
	ring->sender = before;
}

TEST(a_head_that_lies_is_corrupt)
{
	struct ring ring;
	const uint64_t start = 1 << 20;

	open_small_ring(&ring);
	start_at(&ring, start);
	for (uint32_t i = 0; i < 4; i++)
		send_one(&ring, 1, i);
	put(&ring, 1, 4);
	atomic_store(&ring.head, start + 128);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 0), 1);

	/* Not a cell. */
	check_head_lies(&ring, start + 129);
	check_head_lies(&ring, start + 191);
	check_head_lies(&ring, start + 144);
	/* Backward. */
	check_head_lies(&ring, start + 64);
	check_head_lies(&ring, start);
	check_head_lies(&ring, 0);
	/* Past what was flushed: committed or not. */
	check_head_lies(&ring, start + 320);
	check_head_lies(&ring, start + 384);
	check_head_lies(&ring, start + ring.size);
	check_head_lies(&ring, UINT64_MAX - 63);
	check_head_lies(&ring, UINT64_MAX);

	atomic_store(&ring.head, start + 256);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 0), 1);
	CHECK(tach_ring_flush(&ring.sender));
	CHECK_EQ(tach_ring_backlog(&ring.sender), 64);
	close_ring(&ring);
}

TEST(a_head_that_waits_for_no_room_is_not_read)
{
	struct ring ring;

	open_small_ring(&ring);
	atomic_store(&ring.head, 1);
	/* The cached value says that there is room. */
	put(&ring, tach_ring_max_message(ring.size), 1);
	CHECK_EQ(try_reserve(&ring, 0), -EBADMSG);
	close_ring(&ring);
}
