/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Payload segments that are not what they should be, packets on the control socket that are no
 * announcement, and what becomes of segments that are retired too early.
 */
#include <sys/mman.h>

#include "honest.h"
#include "raw-publisher.h"
#include "system.h"

/* A frame in segment 2, which makes the victim look at its socket; what it answers. */
static int meet_segment_2(struct raw_publisher *raw)
{
	struct tach_wire_frame frame = raw_frame(1);
	struct tachyon_item item;
	int ret;

	frame.segment = 2;
	raw_say_frame(raw, &frame);
	ret = tachyon_subscriber_receive(raw->subscriber, &item, 0);
	if (ret == 0)
		tachyon_frame_release(&item.frame);
	return ret;
}

static void check_answer(const char *lie, int ret, int expected)
{
	test_count_check();
	if (ret != expected)
		test_fail(__FILE__, __LINE__, "%s: %d (%s) is not %d", lie, ret,
			  tachyon_strerror(ret), expected);
}

/* Ends a scene whose victim answered a lie: what it held stays, and nothing leaks. */
static void finish(struct raw_publisher *raw, struct tachyon_frame *held)
{
	CHECK(is_number(held, 0));
	tachyon_frame_release(held);
	raw_publisher_close(raw);
}

/* --- packets --- */

struct packet_lie {
	const char *what;
	struct tach_segment_packet packet;
	size_t size;
	size_t fd_count;
};

HOSTILE_TEST(a_packet_that_is_no_announcement_is_corrupt)
{
	const struct tach_segment_packet honest = raw_segment_packet(2);
	struct packet_lie lies[] = {
		{"no fd", honest, sizeof(honest), 0},
		{"two fds", honest, sizeof(honest), 2},
		{"four fds", honest, sizeof(honest), 4},
		{"eight fds", honest, sizeof(honest), 8},
		{"a short packet", honest, sizeof(honest) - 1, 1},
		{"one byte", honest, 1, 1},
		{"a long packet", honest, 200, 1},
		{"another magic", honest, sizeof(honest), 1},
		{"another protocol", honest, sizeof(honest), 1},
		{"another kind", honest, sizeof(honest), 1},
		{"segment 0", honest, sizeof(honest), 1},
		{"a segment that is there", honest, sizeof(honest), 1},
	};

	lies[7].packet.magic++;
	lies[8].packet.protocol++;
	lies[9].packet.kind = TACH_PACKET_WELCOME;
	lies[10].packet.segment = 0;
	lies[11].packet.segment = 1;
	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);
		uint8_t packet[200] = {0};
		int fds[8];

		for (int j = 0; j < 8; j++)
			fds[j] = raw.payload.fd;
		memcpy(packet, &lies[i].packet, sizeof(lies[i].packet));
		raw_send(raw.peer.sock, packet, lies[i].size, fds, lies[i].fd_count);
		/* That the segment is there after it does not help. */
		raw_announce(&raw, 2, raw.payload.fd);
		check_answer(lies[i].what, meet_segment_2(&raw), TACHYON_ERR_CORRUPT);
		CHECK_EQ(tachyon_subscriber_end(raw.subscriber), TACHYON_END_CORRUPT);
		finish(&raw, &held);
	}
}

HOSTILE_TEST(segments_may_be_announced_before_they_are_met)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tach_segment others[5];

	for (uint32_t i = 0; i < 5; i++) {
		CHECK_EQ(tach_segment_create_payload(&others[i], RAW_BLOCK_SIZE, 2), 0);
		raw_announce(&raw, 2 + i, others[i].fd);
	}
	CHECK_EQ(meet_segment_2(&raw), 0);
	for (int i = 0; i < 5; i++)
		tach_segment_destroy(&others[i]);
	finish(&raw, &held);
}

/* --- segments --- */

static int unsealed_memory(void)
{
	const int fd = tach_os_memfd("lie");

	CHECK_EQ(tach_os_allocate(fd, TACH_HEADER_SIZE + 2 * RAW_BLOCK_SIZE), 0);
	return fd;
}

HOSTILE_TEST(what_is_no_sealed_memory_file_of_payload_is_corrupt)
{
	const int unsealed = unsealed_memory();
	const int event = tach_os_eventfd();
	const int file = open("/dev/zero", O_RDWR | O_CLOEXEC);
	struct tach_segment ring;
	int bell[2];

	CHECK_EQ(tach_segment_create_ring(&ring, 4096), 0);
	CHECK_EQ(tach_sock_doorbell(bell), 0);
	const int fds[] = {unsealed, event, file, ring.fd, bell[0]};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(fds); i++) {
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);

		raw_announce(&raw, 2, fds[i]);
		check_answer("an fd", meet_segment_2(&raw), TACHYON_ERR_CORRUPT);
		finish(&raw, &held);
	}
	close(unsealed);
	close(event);
	close(file);
	close(bell[0]);
	close(bell[1]);
	tach_segment_destroy(&ring);
}

HOSTILE_TEST(a_payload_header_that_lies_is_corrupt)
{
	for (int lie = 0; lie < 14; lie++) {
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);
		struct tach_segment segment;
		struct tach_segment_header *header;

		CHECK_EQ(tach_segment_create_payload(&segment, RAW_BLOCK_SIZE, 2), 0);
		header = segment.header;
		switch (lie) {
		case 0:
			header->magic++;
			break;
		case 1:
			header->protocol++;
			break;
		case 2:
			header->kind = TACH_SEGMENT_RING;
			break;
		case 3:
			header->size += 4096;
			break;
		case 4:
			header->data_offset += 64;
			break;
		case 5:
			header->data_offset = UINT64_MAX;
			break;
		case 6:
			header->data_size *= 2;
			break;
		case 7:
			header->data_size = 0;
			break;
		case 8:
			header->block_size *= 2;
			break;
		case 9:
			header->block_size = 0;
			break;
		case 10:
			header->block_size = 1ull << 63;
			break;
		case 11:
			header->block_count++;
			break;
		case 12:
			header->block_count = 0;
			break;
		default:
			header->block_count = UINT32_MAX;
			break;
		}
		raw_announce(&raw, 2, segment.fd);
		check_answer("a header", meet_segment_2(&raw), TACHYON_ERR_CORRUPT);
		tach_segment_destroy(&segment);
		finish(&raw, &held);
	}
}

HOSTILE_TEST(a_payload_header_that_changes_after_it_was_mapped_has_no_effect)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tach_wire_frame frame = raw_frame(RAW_BLOCK_COUNT);
	struct tachyon_item item;

	raw.payload.header->block_count = 1000;
	raw.payload.header->block_size = 1 << 20;
	raw.payload.header->data_size = 1 << 30;
	raw_say_frame(&raw, &frame);
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, 0), TACHYON_ERR_CORRUPT);
	finish(&raw, &held);
}

HOSTILE_TEST(more_payload_than_allowed_is_too_big)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .max_bytes = 100000};
	struct raw_publisher raw = make_raw_publisher(&options);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tach_segment segment;

	CHECK_EQ(tach_segment_create_payload(&segment, RAW_BLOCK_SIZE, 10), 0);
	raw_announce(&raw, 2, segment.fd);
	check_answer("ten blocks", meet_segment_2(&raw), TACHYON_ERR_TOO_BIG);
	tach_segment_destroy(&segment);
	finish(&raw, &held);
}

HOSTILE_TEST(very_many_segments_are_bounded_by_max_bytes)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .max_bytes = 1 << 20};
	struct raw_publisher raw = make_raw_publisher(&options);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tachyon_item item;
	struct tach_segment segment;
	int ret = 0;

	CHECK_EQ(tach_segment_create_payload(&segment, RAW_BLOCK_SIZE, 1), 0);
	for (uint32_t i = 2; i < 1000 && ret == 0; i++) {
		struct tach_wire_frame frame = raw_frame(0);

		frame.segment = i;
		raw_announce(&raw, i, segment.fd);
		raw_say_frame(&raw, &frame);
		ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
		if (ret == 0)
			tachyon_frame_release(&item.frame);
		CHECK(subscriber_figures(raw.subscriber).mapped_bytes <= 1 << 20);
	}
	CHECK(ret == TACHYON_ERR_TOO_BIG || ret == TACHYON_ERR_CORRUPT);
	tach_segment_destroy(&segment);
	finish(&raw, &held);
}

HOSTILE_TEST(more_segments_than_a_subscriber_maps_are_corrupt)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tachyon_item item;
	struct tach_segment segment;
	uint32_t taken = 1;
	int ret = 0;

	CHECK_EQ(tach_segment_create_payload(&segment, 4096, 1), 0);
	while (ret == 0 && taken < 1100) {
		const struct tach_wire_frame frame = {.segment = taken + 1, .size = 100};
		char body[64];
		uint32_t type;

		raw_announce(&raw, frame.segment, segment.fd);
		raw_say_frame(&raw, &frame);
		ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
		if (ret == 0) {
			taken++;
			tachyon_frame_release(&item.frame);
			CHECK(raw_hear(&raw.peer, &type, body, sizeof(body)) > 0);
		}
	}
	CHECK_EQ(taken, 1024);
	raw_check_corrupt(&raw, "one too many");
	tach_segment_destroy(&segment);
	finish(&raw, &held);
}

/* --- retiring --- */

static void say_retire(struct raw_publisher *raw, uint32_t segment)
{
	const struct tach_wire_ref ref = {.segment = segment};

	raw_say(&raw->peer, TACH_WIRE_RETIRE, &ref, sizeof(ref));
}

HOSTILE_TEST(a_segment_retired_while_a_frame_is_held_stays_until_the_release)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	char body[64];
	uint32_t type;

	say_retire(&raw, 1);
	expect_nothing(raw.subscriber);
	CHECK(is_number(&held, 0));
	CHECK(subscriber_figures(raw.subscriber).mapped_bytes > 0);
	tachyon_frame_release(&held);
	expect_nothing(raw.subscriber);
	CHECK_EQ(subscriber_figures(raw.subscriber).mapped_bytes, 0);
	CHECK_EQ(raw_hear(&raw.peer, &type, body, sizeof(body)), sizeof(struct tach_wire_ref));
	CHECK_EQ(type, TACH_WIRE_RETURN);
	CHECK_EQ(raw_hear(&raw.peer, &type, body, sizeof(body)), sizeof(struct tach_wire_ref));
	CHECK_EQ(type, TACH_WIRE_RETIRED);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(a_frame_in_a_segment_that_was_retired_is_corrupt)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	const struct tach_wire_frame frame = raw_frame(1);
	struct tachyon_item item;

	say_retire(&raw, 1);
	expect_nothing(raw.subscriber);
	raw_say_frame(&raw, &frame);
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, 0), TACHYON_ERR_CORRUPT);
	finish(&raw, &held);
}

HOSTILE_TEST(a_segment_retired_twice_is_answered_once)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	struct tachyon_item item;
	char body[64];
	uint32_t type;
	int ret;

	say_retire(&raw, 1);
	say_retire(&raw, 1);
	ret = tachyon_subscriber_receive(raw.subscriber, &item, 0);
	CHECK(ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_CORRUPT);
	CHECK(is_number(&held, 0));
	tachyon_frame_release(&held);
	if (ret == TACHYON_ERR_AGAIN) {
		expect_nothing(raw.subscriber);
		(void)raw_hear(&raw.peer, &type, body, sizeof(body));
		CHECK_EQ(type, TACH_WIRE_RETURN);
		(void)raw_hear(&raw.peer, &type, body, sizeof(body));
		CHECK_EQ(type, TACH_WIRE_RETIRED);
		CHECK(!tach_ring_is_ready(&raw.peer.receiver));
	}
	raw_publisher_close(&raw);
}

HOSTILE_TEST(an_id_that_was_retired_cannot_be_used_again)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	const struct tach_wire_frame frame = raw_frame(1);
	struct tachyon_item item;

	tachyon_frame_release(&held);
	say_retire(&raw, 1);
	expect_nothing(raw.subscriber);
	raw_announce(&raw, 1, raw.payload.fd);
	raw_say_frame(&raw, &frame);
	/* "Ids are never used twice": refused, or served; but never mixed up. */
	if (tachyon_subscriber_receive(raw.subscriber, &item, 0) == 0)
		tachyon_frame_release(&item.frame);
	else
		CHECK_EQ(tachyon_subscriber_end(raw.subscriber), TACHYON_END_CORRUPT);
	CHECK_EQ(subscriber_figures(raw.subscriber).held, 0);
	raw_publisher_close(&raw);
}

/* --- floods --- */

HOSTILE_TEST(a_flood_of_segments_nobody_asked_for_maps_nothing_or_little)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);
	const struct tach_segment_packet packet = raw_segment_packet(2);
	struct tachyon_item item;
	const int before = count_fds();

	for (int i = 0; i < 10000; i++) {
		if (tach_sock_send(raw.peer.sock, &packet, sizeof(packet), &raw.payload.fd, 1) < 0)
			break;
	}
	CHECK_EQ(tachyon_subscriber_receive(raw.subscriber, &item, 20 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(count_fds() <= before + 2);
	/* The second one of the same name is a lie. */
	CHECK_EQ(meet_segment_2(&raw) == 0 || tachyon_subscriber_end(raw.subscriber), 1);
	finish(&raw, &held);
}
