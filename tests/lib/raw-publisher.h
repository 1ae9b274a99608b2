/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher by hand: it announces segments and sends frames as a test likes, to one subscriber
 * in the same process.
 */
#ifndef TACHYON_TESTS_RAW_PUBLISHER_H
#define TACHYON_TESTS_RAW_PUBLISHER_H

#include "frames.h"
#include "raw-peer.h"
#include "wire.h"

#define RAW_BLOCK_SIZE 8192u
#define RAW_BLOCK_COUNT 4u
#define RAW_RING 65536u

struct raw_publisher {
	struct raw_peer peer;
	struct tachyon_subscriber *subscriber; /* the victim, connected */
	struct tach_segment payload; /* announced as segment 1 by raw_publisher_announce() */
};

static inline struct raw_publisher
make_raw_publisher_with(const struct tachyon_subscriber_options *options, uint64_t ring_size)
{
	const int listener = tach_sock_listen(ADDRESS);
	struct raw_publisher raw = {.subscriber = make_subscriber(options)};
	struct helper helper;

	start_helper(&helper, connect_subscriber_in_helper, raw.subscriber);
	raw.peer = raw_peer_accept(listener, TACH_SERVICE_FRAMES, ring_size);
	CHECK_EQ(finish_helper(&helper), 0);
	close(listener);
	unlink(ADDRESS);
	CHECK_EQ(tach_segment_create_payload(&raw.payload, RAW_BLOCK_SIZE, RAW_BLOCK_COUNT), 0);
	return raw;
}

static inline struct raw_publisher
make_raw_publisher(const struct tachyon_subscriber_options *options)
{
	return make_raw_publisher_with(options, RAW_RING);
}

static inline void raw_publisher_close(struct raw_publisher *raw)
{
	tachyon_subscriber_destroy(raw->subscriber);
	tach_segment_destroy(&raw->payload);
	raw_peer_close(&raw->peer);
}

static inline struct tach_segment_packet raw_segment_packet(uint32_t segment)
{
	return (struct tach_segment_packet){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_SEGMENT,
		.segment = segment,
	};
}

static inline void raw_announce(struct raw_publisher *raw, uint32_t segment, int fd)
{
	const struct tach_segment_packet packet = raw_segment_packet(segment);

	raw_send(raw->peer.sock, &packet, sizeof(packet), &fd, 1);
}

static inline uint8_t *raw_block(const struct raw_publisher *raw, unsigned int block)
{
	return raw->payload.data + block * RAW_BLOCK_SIZE;
}

/* A FRAME that holds to all rules, if the segment was announced as 1: 1000 bytes of the block. */
static inline struct tach_wire_frame raw_frame(uint16_t block)
{
	return (struct tach_wire_frame){
		.segment = 1,
		.block = block,
		.size = 1000,
		.pts = block,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
	};
}

static inline void raw_say_frame(struct raw_publisher *raw, const struct tach_wire_frame *frame)
{
	raw_say(&raw->peer, TACH_WIRE_FRAME, frame, sizeof(*frame));
}

/* Announces the payload and sends block 0 with the content of number 0: as it was received. */
static inline struct tachyon_frame raw_publisher_begin(struct raw_publisher *raw)
{
	const struct tach_wire_frame frame = raw_frame(0);

	raw_announce(raw, 1, raw->payload.fd);
	fill(raw_block(raw, 0), 1000, 0);
	raw_say_frame(raw, &frame);
	return expect_frame(raw->subscriber, 1000, 0);
}

/* --- lies --- */

struct raw_lie {
	const char *what;
	void (*tell)(struct raw_publisher *raw);
};

/* The victim found out, and stays with it. */
static inline void raw_check_corrupt(struct raw_publisher *raw, const char *lie)
{
	struct tachyon_item item = {.type = 77};
	int ret;

	for (int i = 0; i < 3; i++) {
		ret = tachyon_subscriber_receive(raw->subscriber, &item, i == 2 ? -1 : 0);
		test_count_check();
		if (ret != TACHYON_ERR_CORRUPT)
			test_fail(__FILE__, __LINE__, "%s: %d (%s), item %d", lie, ret,
				  tachyon_strerror(ret), item.type);
	}
	CHECK_EQ(item.type, 77);
	CHECK_EQ(tachyon_subscriber_end(raw->subscriber), TACHYON_END_CORRUPT);
}

/* Each to a victim of its own, which keeps what it holds. */
static inline void raw_tell_all(const struct raw_lie *lies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct raw_publisher raw = make_raw_publisher(NULL);
		struct tachyon_frame held = raw_publisher_begin(&raw);

		lies[i].tell(&raw);
		raw_check_corrupt(&raw, lies[i].what);
		CHECK(is_number(&held, 0));
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
	}
}

static inline void raw_say_zeros(struct raw_publisher *raw, uint32_t type, size_t size)
{
	static const char zeros[4096];

	raw_say(&raw->peer, type, zeros, size);
}

#endif
