/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that is the victim, with an honest subscriber and a raw one that lies.
 */
#ifndef TACHYON_TESTS_RAW_SUBSCRIBER_H
#define TACHYON_TESTS_RAW_SUBSCRIBER_H

#include "frames.h"
#include "raw-peer.h"
#include "wire.h"

#define PICTURE 5000u
#define RING 4096u

struct scene {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *honest;
	struct raw_peer liar;
	struct tach_block_ref held; /* the first frame, which the liar has received */
	uint64_t next;		    /* the number of the next frame */
};

static inline struct tach_block_ref hear_frame(struct raw_peer *liar)
{
	union {
		struct tach_wire_frame frame;
		char bytes[RING];
	} body;
	struct tachyon_frame frame;
	struct tach_block_ref ref;
	uint32_t type;

	do {
		CHECK(raw_hear(liar, &type, &body, sizeof(body)) >= 0);
	} while (type != TACH_WIRE_FRAME);
	CHECK_EQ(tach_wire_get_frame(&body.frame, &frame, &ref), 0);
	return ref;
}

static inline void drop_notices(struct tachyon_publisher *publisher)
{
	struct tachyon_notice notice;

	while (tachyon_publisher_next_notice(publisher, &notice))
		;
}

/* One that shook hands honestly. */
static inline struct raw_peer join_raw(struct tachyon_publisher *publisher, uint64_t ring_size)
{
	const uint32_t before = tachyon_publisher_subscribers(publisher);
	struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, ring_size);
	const struct tach_hello hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);

	raw_send_hello(peer.sock, &peer.offer, &hello);
	while (tachyon_publisher_subscribers(publisher) == before)
		serve(publisher, 1);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	return peer;
}

static inline struct scene make_scene(void)
{
	struct scene scene = {.publisher = make_publisher(NULL)};

	scene.honest = join(scene.publisher);
	scene.liar = join_raw(scene.publisher, RING);
	drop_notices(scene.publisher);

	CHECK_EQ(publish_number(scene.publisher, PICTURE, 0), 2);
	CHECK_EQ(publish_number(scene.publisher, PICTURE, 1), 2);
	scene.next = 2;
	take_frame(scene.honest, PICTURE, 0);
	take_frame(scene.honest, PICTURE, 1);
	scene.held = hear_frame(&scene.liar);
	return scene;
}

static inline void check_honest(struct scene *scene, int subscribers)
{
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(publish_number(scene->publisher, PICTURE, scene->next), subscribers);
		take_frame(scene->honest, PICTURE, scene->next++);
	}
}

static inline void close_scene(struct scene *scene)
{
	raw_peer_close(&scene->liar);
	tachyon_subscriber_destroy(scene->honest);
	serve(scene->publisher, 1);
	CHECK_EQ(tachyon_publisher_subscribers(scene->publisher), 0);
	CHECK_EQ(blocks_in_use(scene->publisher), 0);
	tachyon_publisher_destroy(scene->publisher);
}

/* The liar is out, as one who broke the protocol. */
static inline void check_dropped(struct scene *scene, const char *lie)
{
	struct tachyon_notice notice;

	CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	if (tachyon_publisher_subscribers(scene->publisher) != 1)
		test_fail(__FILE__, __LINE__, "%s: not noticed", lie);
	do {
		CHECK_EQ(tachyon_publisher_next_notice(scene->publisher, &notice), 1);
	} while (notice.type != TACHYON_NOTICE_LEFT);
	CHECK_EQ(notice.end, TACHYON_END_CORRUPT);
	CHECK(raw_is_dropped(scene->liar.sock, RAW_TIMEOUT_NS));
	CHECK_EQ(blocks_in_use(scene->publisher), 0);
	check_honest(scene, 1);
}

static inline void put_ref(struct scene *scene, uint32_t type, const struct tach_block_ref *ref)
{
	struct tach_wire_ref body;

	CHECK_EQ(tach_wire_put_ref(&body, sizeof(body), ref, 0), sizeof(body));
	raw_say(&scene->liar, type, &body, sizeof(body));
}

#endif
