/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a commit makes of a reservation, and what of a batch can be seen when.
 */
#include "ring-setup.h"

/* --- reserving --- */

TEST(one_reservation_is_open_at_a_time)
{
	struct ring ring;

	open_small_ring(&ring);
	reserve(&ring, 10);
	CHECK_EQ(try_reserve(&ring, 10), -EBUSY);
	CHECK_EQ(tach_ring_commit(&ring.sender, 10, 1), 0);
	reserve(&ring, 10);
	tach_ring_rollback(&ring.sender);
	reserve(&ring, 10);
	close_ring(&ring);
}

TEST(a_commit_needs_a_reservation_of_its_size)
{
	struct ring ring;

	open_small_ring(&ring);
	CHECK_EQ(tach_ring_commit(&ring.sender, 0, 1), -EINVAL);
	fill(reserve(&ring, 10), 10, 5);
	CHECK_EQ(tach_ring_commit(&ring.sender, 11, 5), -EINVAL);
	CHECK_EQ(tach_ring_commit(&ring.sender, UINT64_MAX, 5), -EINVAL);
	CHECK(!tach_ring_flush(&ring.sender));
	/* The reservation stayed. */
	CHECK_EQ(tach_ring_commit(&ring.sender, 10, 5), 0);
	CHECK_EQ(tach_ring_commit(&ring.sender, 10, 5), -EINVAL);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 10, 5);
	CHECK_EQ(try_receive(&ring), 0);
	close_ring(&ring);
}

TEST(a_reservation_rolled_back_leaves_no_trace)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint32_t i = 0; i < 200; i++) {
		const uint64_t room = tach_ring_free_cells(&ring.sender);

		fill(reserve(&ring, i * 13 % 3000), i * 13 % 3000, 99);
		tach_ring_rollback(&ring.sender);
		CHECK(!tach_ring_flush(&ring.sender));
		CHECK_EQ(tach_ring_free_cells(&ring.sender), room);
		CHECK_EQ(try_receive(&ring), 0);
		send_one(&ring, i, i);
		receive_one(&ring, i, i);
		CHECK_EQ(tach_ring_has_space(&ring.sender, tach_ring_max_message(ring.size)), 1);
	}
	close_ring(&ring);
}

TEST(a_shorter_commit_moves_no_bytes)
{
	static const uint64_t reserved[] = {49, 64, 100, 1000};
	struct ring ring;

	open_small_ring(&ring);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		for (uint64_t size = 0; size <= reserved[i]; size++) {
			const uint64_t start = ring.receiver.received;
			struct tachyon_message message;
			uint8_t *data = reserve(&ring, reserved[i]);

			fill(data, reserved[i], 3);
			CHECK_EQ(tach_ring_commit(&ring.sender, size, 3), 0);
			/* The cells follow from what was committed. */
			send_one(&ring, 7, 4);

			message = receive(&ring);
			CHECK_EQ(message.data, (const void *)data);
			check_message(&message, size, 3);
			CHECK_EQ(message.position - start, bytes_of(size, true));
			message = receive(&ring);
			check_message(&message, 7, 4);
			CHECK_EQ(tach_ring_release(&ring.receiver, message.position), 0);
		}
	}
	close_ring(&ring);
}

TEST(a_shorter_commit_of_a_short_message_takes_its_cell)
{
	struct ring ring;

	open_small_ring(&ring);
	fill(reserve(&ring, 48), 48, 8);
	CHECK_EQ(tach_ring_commit(&ring.sender, 0, 8), 0);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), ring.size / 64 - 2);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 0, 8);
	close_ring(&ring);
}

/* --- batches --- */

TEST(a_batch_is_visible_all_at_once)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint32_t lap = 0; lap < 100; lap++) {
		const uint32_t count = lap % 7 + 1;

		for (uint32_t i = 0; i < count; i++) {
			put(&ring, i * 40, i);
			CHECK_EQ(try_receive(&ring), 0);
		}
		CHECK(tach_ring_flush(&ring.sender));
		CHECK(!tach_ring_flush(&ring.sender));
		for (uint32_t i = 0; i < count; i++)
			receive_one(&ring, i * 40, i);
		CHECK_EQ(try_receive(&ring), 0);
	}
	close_ring(&ring);
}

TEST(a_batch_behind_one_that_was_flushed_stays_hidden)
{
	struct ring ring;

	open_small_ring(&ring);
	send_one(&ring, 100, 1);
	put(&ring, 100, 2);
	put(&ring, 100, 3);
	receive_one(&ring, 100, 1);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 100, 2);
	put(&ring, 100, 4);
	receive_one(&ring, 100, 3);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 100, 4);
	close_ring(&ring);
}

TEST(a_flush_with_an_open_reservation_shows_what_was_committed)
{
	struct ring ring;

	open_small_ring(&ring);
	put(&ring, 5, 1);
	fill(reserve(&ring, 6), 6, 2);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 5, 1);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK_EQ(tach_ring_commit(&ring.sender, 6, 2), 0);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK(tach_ring_flush(&ring.sender));
	receive_one(&ring, 6, 2);
	close_ring(&ring);
}

TEST(a_batch_fills_the_ring)
{
	struct ring ring;
	uint32_t count = 0;

	open_small_ring(&ring);
	start_at(&ring, ring.size * 3 + 640);
	while (try_reserve(&ring, 0) == 0)
		CHECK_EQ(tach_ring_commit(&ring.sender, 0, count++), 0);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK(tach_ring_flush(&ring.sender));
	for (uint32_t i = 0; i < count; i++)
		receive_one(&ring, 0, i);
	CHECK_EQ(try_receive(&ring), 0);
	close_ring(&ring);
}
