/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The ring between two ends that keep to the rules: what was sent is received, once, whole.
 */
#include <stdlib.h>

#include "ring-setup.h"

/* --- one message --- */

TEST(a_new_ring_is_empty)
{
	struct ring ring;

	open_small_ring(&ring);
	CHECK_EQ(try_receive(&ring), 0);
	CHECK(!tach_ring_flush(&ring.sender));
	CHECK_EQ(tach_ring_backlog(&ring.sender), 0);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), ring.size / TACH_CELL - 1);
	close_ring(&ring);
}

TEST(a_message_is_these_bytes)
{
	struct ring ring;
	struct tach_message_header *header;

	open_small_ring(&ring);
	header = header_at(&ring, 0);
	atomic_store(&header_at(&ring, 64)->seq, 77);
	memcpy(reserve(&ring, 5), "hello", 5);
	CHECK_EQ(tach_ring_commit(&ring.sender, 5, 0x12345678), 0);
	CHECK(tach_ring_flush(&ring.sender));

	CHECK_EQ(atomic_load(&header->seq), 1);
	CHECK_EQ(header->size, 5);
	CHECK_EQ(header->type, 0x12345678);
	CHECK_EQ(header->flags, 0);
	CHECK_MEM_EQ(ring.segment.data + 16, "hello", 5);
	CHECK_EQ(atomic_load(&header_at(&ring, 64)->seq), 0);
	close_ring(&ring);
}

TEST(a_long_message_is_these_bytes)
{
	struct ring ring;
	struct tach_message_header *header;

	open_small_ring(&ring);
	header = header_at(&ring, 0);
	atomic_store(&header_at(&ring, 192)->seq, 77);
	send_one(&ring, 65, 9);

	CHECK_EQ(atomic_load(&header->seq), 1);
	CHECK_EQ(header->size, 65);
	CHECK_EQ(header->type, 9);
	CHECK_EQ(header->flags, TACH_MESSAGE_FLAG_LONG);
	check_filled(ring.segment.data + 64, 65, 9);
	CHECK_EQ(atomic_load(&header_at(&ring, 192)->seq), 0);
	close_ring(&ring);
}

TEST(every_size_near_a_boundary_arrives)
{
	struct ring ring;
	uint64_t sizes[] = {0, 1, 15, 16, 17, 47, 48, 49, 63, 64, 65, 127, 128, 129, 0, 0, 0};
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	uint64_t expected = 0;

	open_small_ring(&ring);
	sizes[count - 3] = tach_ring_max_message(ring.size) - 64;
	sizes[count - 2] = tach_ring_max_message(ring.size) - 1;
	sizes[count - 1] = tach_ring_max_message(ring.size);
	/* Many laps, so that each starts at many places. */
	for (uint32_t i = 0; i < 40 * count; i++) {
		const uint64_t size = sizes[i % count];
		struct tachyon_message message;

		send_one(&ring, size, i);
		message = receive(&ring);
		check_message(&message, size, i);
		CHECK_EQ((uintptr_t)message.data % 64, size > 48 ? 0 : 16);
		expected += bytes_of(size, size > 48);
		CHECK_EQ(message.position, expected);
		CHECK_EQ(tach_ring_release(&ring.receiver, message.position), 0);
		CHECK_EQ(atomic_load(&ring.head), expected);
		CHECK_EQ(try_receive(&ring), 0);
	}
	close_ring(&ring);
}

TEST(every_size_that_fits_arrives)
{
	struct ring ring;

	open_small_ring(&ring);
	for (uint32_t size = 0; size <= tach_ring_max_message(ring.size); size++) {
		send_one(&ring, size, size);
		receive_one(&ring, size, size);
	}
	close_ring(&ring);
}

TEST(a_message_that_never_fits_is_too_big)
{
	struct ring ring;
	uint64_t max;

	open_small_ring(&ring);
	max = tach_ring_max_message(ring.size);
	CHECK_EQ(max, ring.size - 128);
	CHECK_EQ(try_reserve(&ring, max + 1), -EMSGSIZE);
	CHECK_EQ(try_reserve(&ring, ring.size), -EMSGSIZE);
	CHECK_EQ(try_reserve(&ring, UINT32_MAX), -EMSGSIZE);
	CHECK_EQ(try_reserve(&ring, 1ull << 32), -EMSGSIZE);
	CHECK_EQ(try_reserve(&ring, UINT64_MAX - 62), -EMSGSIZE);
	CHECK_EQ(try_reserve(&ring, UINT64_MAX), -EMSGSIZE);
	CHECK_EQ(tach_ring_has_space(&ring.sender, max), 1);
	CHECK_EQ(tach_ring_has_space(&ring.sender, max + 1), 0);
	CHECK_EQ(tach_ring_has_space(&ring.sender, UINT64_MAX), 0);

	/* Nothing of it is left: the largest that fits does. */
	send_one(&ring, max, 1);
	CHECK_EQ(try_reserve(&ring, max + 1), -EMSGSIZE);
	receive_one(&ring, max, 1);
	close_ring(&ring);
}

TEST(a_type_is_any_number)
{
	static const uint32_t types[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
	struct ring ring;

	open_small_ring(&ring);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		send_one(&ring, 3, types[i]);
		receive_one(&ring, 3, types[i]);
	}
	close_ring(&ring);
}

/* --- how much fits --- */

TEST(a_ring_holds_its_size_less_a_cell)
{
	struct ring ring;
	uint32_t count = 0;

	open_small_ring(&ring);
	while (try_reserve(&ring, 48) == 0) {
		CHECK_EQ(tach_ring_commit(&ring.sender, 48, count), 0);
		count++;
		CHECK_EQ(tach_ring_free_cells(&ring.sender), ring.size / 64 - 1 - count);
	}
	CHECK_EQ(count, ring.size / 64 - 1);
	CHECK_EQ(try_reserve(&ring, 0), -EAGAIN);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 0), 0);
	CHECK(tach_ring_flush(&ring.sender));
	for (uint32_t i = 0; i < count; i++)
		CHECK_EQ(receive(&ring).type, i);
	CHECK_EQ(try_receive(&ring), 0);
	close_ring(&ring);
}

TEST(the_largest_message_fits_an_empty_ring_only)
{
	struct ring ring;
	uint64_t max;

	open_small_ring(&ring);
	max = tach_ring_max_message(ring.size);
	for (uint32_t lap = 0; lap < 70; lap++) {
		send_one(&ring, 0, lap);
		CHECK_EQ(try_reserve(&ring, max), -EAGAIN);
		CHECK_EQ(tach_ring_has_space(&ring.sender, max), 0);
		CHECK_EQ(tach_ring_has_space(&ring.sender, max - 64), 1);
		receive_one(&ring, 0, lap);
		CHECK_EQ(tach_ring_has_space(&ring.sender, max), 1);
		send_one(&ring, max, lap);
		CHECK_EQ(try_reserve(&ring, 0), -EAGAIN);
		receive_one(&ring, max, lap);
	}
	close_ring(&ring);
}

TEST(what_a_message_needs_is_known_to_the_cell)
{
	struct ring ring;

	open_small_ring(&ring);
	/* Three cells are left: a header, and 128 bytes. */
	put(&ring, ring.size - 128 - 192, 1);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), 3);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 129), 0);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 128), 1);
	CHECK_EQ(try_reserve(&ring, 129), -EAGAIN);
	put(&ring, 65, 2);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), 0);
	CHECK_EQ(try_reserve(&ring, 0), -EAGAIN);
	close_ring(&ring);
}

TEST(a_release_makes_room_for_as_much)
{
	struct ring ring;
	uint32_t sent = 0;
	struct tachyon_message third;

	open_small_ring(&ring);
	while (tach_ring_has_space(&ring.sender, 10) == 1)
		send_one(&ring, 10, sent++);
	receive(&ring);
	receive(&ring);
	third = receive(&ring);
	CHECK_EQ(try_reserve(&ring, 10), -EAGAIN);

	/* One release gives back all before it too. */
	CHECK_EQ(tach_ring_release(&ring.receiver, third.position), 0);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), 0);
	CHECK_EQ(tach_ring_has_space(&ring.sender, 128), 1);
	CHECK_EQ(tach_ring_free_cells(&ring.sender), 3);
	for (int i = 0; i < 3; i++)
		send_one(&ring, 10, sent++);
	CHECK_EQ(try_reserve(&ring, 10), -EAGAIN);
	for (uint32_t i = 3; i < sent; i++)
		receive_one(&ring, 10, i);
	close_ring(&ring);
}

TEST(the_space_target_is_where_the_head_must_be)
{
	static const uint64_t sizes[] = {0, 48, 49, 64, 65, 1000};
	struct ring ring;

	open_small_ring(&ring);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint32_t sent = 0;
		uint64_t target;

		while (tach_ring_has_space(&ring.sender, 0) == 1)
			send_one(&ring, 0, sent++);
		target = tach_ring_space_target(&ring.sender, sizes[i]);
		for (uint32_t received = 0; received < sent; received++) {
			CHECK_EQ(tach_ring_has_space(&ring.sender, sizes[i]),
				 atomic_load(&ring.head) >= target);
			receive_one(&ring, 0, received);
		}
		CHECK(atomic_load(&ring.head) >= target);
	}
	close_ring(&ring);
}

TEST(the_backlog_is_what_the_peer_has_not_released)
{
	struct ring ring;
	struct tachyon_message message;

	open_small_ring(&ring);
	send_one(&ring, 1, 1);
	send_one(&ring, 100, 2);
	CHECK_EQ(tach_ring_backlog(&ring.sender), 64 + 192);
	message = receive(&ring);
	CHECK_EQ(tach_ring_backlog(&ring.sender), 64 + 192);
	CHECK_EQ(tach_ring_release(&ring.receiver, message.position), 0);
	CHECK_EQ(tach_ring_backlog(&ring.sender), 192);
	receive_one(&ring, 100, 2);
	CHECK_EQ(tach_ring_backlog(&ring.sender), 0);
	close_ring(&ring);
}

TEST(messages_held_are_not_overwritten)
{
	struct ring ring;
	struct tachyon_message held[3];
	uint32_t sent = 3;

	open_small_ring(&ring);
	start_at(&ring, ring.size - 128);
	for (uint32_t i = 0; i < 3; i++) {
		send_one(&ring, 200 + i, i);
		held[i] = receive(&ring);
	}
	while (tach_ring_has_space(&ring.sender, 100) == 1)
		send_one(&ring, 100, sent++);
	for (uint32_t i = 3; i < sent; i++)
		receive(&ring);
	for (uint32_t i = 0; i < 3; i++)
		check_message(&held[i], 200 + i, i);
	close_ring(&ring);
}

/* --- releasing --- */

TEST(a_position_is_released_once_and_only_when_received)
{
	struct ring ring;
	struct tachyon_message first, second;

	open_small_ring(&ring);
	for (uint32_t i = 0; i < 3; i++)
		send_one(&ring, 10, i);
	CHECK_EQ(tach_ring_release(&ring.receiver, 0), -EINVAL);
	CHECK_EQ(tach_ring_release(&ring.receiver, 64), -EINVAL);
	first = receive(&ring);
	second = receive(&ring);
	CHECK_EQ(tach_ring_release(&ring.receiver, second.position + 64), -EINVAL);
	CHECK_EQ(tach_ring_release(&ring.receiver, second.position + 1), -EINVAL);
	CHECK_EQ(tach_ring_release(&ring.receiver, second.position - 1), -EINVAL);
	CHECK_EQ(tach_ring_release(&ring.receiver, UINT64_MAX), -EINVAL);
	CHECK_EQ(atomic_load(&ring.head), 0);

	CHECK_EQ(tach_ring_release(&ring.receiver, first.position), 0);
	CHECK_EQ(atomic_load(&ring.head), 64);
	CHECK_EQ(tach_ring_release(&ring.receiver, first.position), -EINVAL);
	CHECK_EQ(tach_ring_release(&ring.receiver, second.position), 0);
	CHECK_EQ(tach_ring_release(&ring.receiver, first.position), -EINVAL);
	CHECK_EQ(atomic_load(&ring.head), 128);
	close_ring(&ring);
}

TEST(the_receiver_never_writes_to_the_senders_memory)
{
	struct ring ring;
	struct tach_segment memory;

	open_small_ring(&ring);
	CHECK_EQ(tach_segment_attach(&memory, ring.segment.fd, TACH_SEGMENT_RING, 1 << 20), 0);
	tach_receiver_init(&ring.receiver, memory.data, memory.data_size, &ring.head);
	for (uint32_t i = 0; i < 500; i++) {
		send_one(&ring, i, i);
		receive_one(&ring, i, i);
	}
	tach_segment_destroy(&memory);
	close_ring(&ring);
}

TEST(a_ring_works_on_plain_memory)
{
	const uint64_t size = 4096;
	struct ring ring = {.size = size};
	uint8_t *data = aligned_alloc(64, 2 * size);

	CHECK(data);
	memset(data, 0, 2 * size);
	ring.segment.data = data;
	tach_sender_init(&ring.sender, data, size, &ring.head);
	tach_receiver_init(&ring.receiver, data, size, &ring.head);
	/* Less than a lap: plain memory does not show itself twice. */
	for (uint32_t i = 0; i < 8; i++) {
		send_one(&ring, i * 40, i);
		receive_one(&ring, i * 40, i);
	}
	free(data);
}

/* --- far along --- */

TEST(tags_wrap_and_are_never_zero)
{
	static const uint64_t starts[] = {1ull << 37, 1ull << 38, 3ull << 37, 1ull << 63};
	struct ring ring;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		open_small_ring(&ring);
		start_at(&ring, starts[i] - 1024);
		for (uint32_t j = 0; j < 200; j++) {
			const uint64_t position = ring.sender.sent;

			send_one(&ring, j % 5 * 30, j);
			CHECK_EQ(atomic_load(&header_at(&ring, position)->seq), tag_of(position));
			CHECK(tag_of(position) != 0);
			receive_one(&ring, j % 5 * 30, j);
			CHECK_EQ(try_receive(&ring), 0);
		}
		CHECK(ring.sender.sent > starts[i]);
		close_ring(&ring);
	}
}

TEST(the_tag_at_the_wrap_is_one)
{
	struct ring ring;

	open_small_ring(&ring);
	start_at(&ring, (1ull << 37) - 64);
	send_one(&ring, 1, 1);
	send_one(&ring, 1, 2);
	CHECK_EQ(atomic_load(&header_at(&ring, (1ull << 37) - 64)->seq), 0x80000000);
	CHECK_EQ(atomic_load(&header_at(&ring, 1ull << 37)->seq), 1);
	receive_one(&ring, 1, 1);
	receive_one(&ring, 1, 2);
	close_ring(&ring);
}

TEST(a_full_ring_works_at_the_wrap)
{
	struct ring ring;
	uint32_t count = 0;

	open_small_ring(&ring);
	start_at(&ring, (1ull << 37) - ring.size / 2);
	while (tach_ring_has_space(&ring.sender, 0) == 1)
		put(&ring, 0, count++);
	CHECK_EQ(count, ring.size / 64 - 1);
	CHECK(tach_ring_flush(&ring.sender));
	for (uint32_t i = 0; i < count; i++)
		receive_one(&ring, 0, i);
	close_ring(&ring);
}
