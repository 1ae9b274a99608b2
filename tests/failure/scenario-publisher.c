/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A publisher, and two that watch: at most one of them may feel a failure. */
#include "scenario.h"

#include <harness.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "viewer.h"

#define SMALL 3000u
#define LARGE 70000u

struct stage {
	struct tachyon_publisher *publisher;
	struct viewer viewers[2];
	struct helper *helpers[2];
	uint64_t sent; /* the number of the last frame */
};

/* --- joining --- */

/* Until so many watch. */
static int serve_until(struct stage *stage, uint32_t subscribers)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(stage->publisher), .events = POLLIN};
	unsigned int looks = 0;

	while (tachyon_publisher_subscribers(stage->publisher) < subscribers) {
		if (poll(&entry, 1, 20) > 0 &&
		    TRY(tachyon_publisher_dispatch, stage->publisher) < 0)
			return -1;
		/* Nobody can join: who connects is told, and the log. */
		if (++looks == 100 && is_failing())
			end_failure();
		EXPECT(looks < 2000);
	}
	return 0;
}

static void begin(struct stage *stage, const struct tachyon_publisher_options *options, bool is_new)
{
	memset(stage, 0, sizeof(*stage));
	EXPECT(TRY(tachyon_publisher_create, VIEWER_ADDRESS, options, &stage->publisher) == 0);
	stage->viewers[0].is_new = stage->viewers[1].is_new = is_new;
	for (size_t i = 0; i < 2; i++)
		stage->helpers[i] = start_helper(viewer_watch, &stage->viewers[i]);
}

/* Both are there, or there again, and get one more frame. */
static void end(struct stage *stage)
{
	struct tachyon_publisher *const publisher = stage->publisher;
	unsigned int connects = 0;
	uint64_t last = VIEWER_LAST;

	for (size_t i = 0; i < 2; i++) {
		struct tachyon_frame frame = {.size = sizeof(last), .data = &last, .pts = last};

		while (!stage->viewers[i].is_done) {
			tachyon_publisher_dispatch(publisher);
			tachyon_publisher_send(publisher, &frame);
			linger();
		}
		EXPECT(finish_helper(stage->helpers[i]) == 0);
		connects += stage->viewers[i].connects;
	}
	/* One failure, one connection at the most. */
	EXPECT(connects <= 3);
	DO(tachyon_publisher_shutdown, publisher);
	while (tachyon_publisher_reclaim(publisher))
		;
	DO(tachyon_publisher_destroy, publisher);
}

/* --- frames --- */

/* Who is told to wait is woken. */
static int wait_for_change(struct stage *stage)
{
	return tachyon_publisher_wait(stage->publisher, LONG_NS);
}

static int publish(struct stage *stage, size_t size)
{
	struct tachyon_frame frame;
	int ret;

	if (PATIENTLY(wait_for_change(stage), tachyon_publisher_acquire, stage->publisher, size,
		      &frame) < 0)
		return -1;
	frame.pts = ++stage->sent;
	viewer_fill(frame.data, size, frame.pts);
	ret = PATIENTLY(wait_for_change(stage), tachyon_publisher_commit, stage->publisher, &frame);
	if (ret < 0)
		tachyon_publisher_abandon(stage->publisher, &frame);
	return ret;
}

static int publish_with_cookie(struct stage *stage, size_t size)
{
	struct tachyon_frame frame;
	unsigned int tries = 0;
	int ret;

	if (PATIENTLY(wait_for_change(stage), tachyon_publisher_acquire, stage->publisher, size,
		      &frame) < 0)
		return -1;
	frame.pts = ++stage->sent;
	viewer_fill(frame.data, size, frame.pts);
	ret = PATIENTLY(wait_for_change(stage), tachyon_publisher_publish, stage->publisher, &frame,
			&stage->sent);
	DO(tachyon_frame_release, &frame);
	if (ret <= 0)
		return ret;
	while (!tachyon_publisher_reclaim(stage->publisher)) {
		EXPECT(++tries < 1000);
		linger();
		if (TRY(tachyon_publisher_dispatch, stage->publisher) < 0)
			return -1;
	}
	return 0;
}

static int copy(struct stage *stage, size_t size)
{
	uint8_t *const payload = malloc(size);
	struct tachyon_frame frame = {.data = payload, .size = size, .pts = ++stage->sent};
	int ret;

	viewer_fill(payload, size, frame.pts);
	ret = PATIENTLY(wait_for_change(stage), tachyon_publisher_send, stage->publisher, &frame);
	free(payload);
	return ret;
}

static int publish_with_metadata(struct stage *stage)
{
	_Alignas(8) static uint8_t records[40000];
	static uint8_t content[30000];
	struct tachyon_frame frame;
	size_t used = 0;

	EXPECT(tachyon_record_append(records, sizeof(records), &used, 64, content,
				     sizeof(content)) == 0);
	if (PATIENTLY(wait_for_change(stage), tachyon_publisher_acquire, stage->publisher, SMALL,
		      &frame) < 0)
		return -1;
	frame.pts = ++stage->sent;
	frame.metadata = records;
	frame.metadata_size = used;
	viewer_fill(frame.data, SMALL, frame.pts);
	return PATIENTLY(wait_for_change(stage), tachyon_publisher_commit, stage->publisher,
			 &frame);
}

static int send_state(struct stage *stage)
{
	const struct tachyon_layout layout = {.width = 1, .height = 1, .plane_count = 1};
	const struct tachyon_clock clock = {.base_time = 1};
	const struct tachyon_event event = {
		.type = 1, .flags = TACHYON_EVENT_STICKY, .order = 60, .data = "state", .size = 6};
	const struct tachyon_event once = {.type = 2, .data = "once", .size = 5};
	struct tachyon_publisher *const publisher = stage->publisher;

	if (TRY(tachyon_publisher_set_caps, publisher, "video/x-raw") < 0 ||
	    TRY(tachyon_publisher_set_layout, publisher, &layout) < 0 ||
	    TRY(tachyon_publisher_set_clock, publisher, &clock) < 0)
		return -1;
	if (PATIENTLY(wait_for_change(stage), tachyon_publisher_send_event, publisher, &event) < 0)
		return -1;
	return PATIENTLY(wait_for_change(stage), tachyon_publisher_send_event, publisher, &once);
}

static int publish_corked(struct stage *stage)
{
	int ret;

	DO(tachyon_publisher_cork, stage->publisher);
	ret = publish(stage, SMALL);
	if (ret >= 0)
		ret = publish(stage, SMALL);
	DO(tachyon_publisher_uncork, stage->publisher);
	return ret;
}

/* Asleep until all blocks are back. */
static int wait_for_blocks(struct stage *stage)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};
	struct pollfd entry = {.fd = tachyon_publisher_fd(stage->publisher), .events = POLLIN};
	unsigned int looks = 0;

	for (;;) {
		if (TRY(tachyon_publisher_prepare, stage->publisher) == 0)
			poll(&entry, 1, 20);
		if (TRY(tachyon_publisher_dispatch, stage->publisher) < 0)
			return -1;
		tachyon_publisher_get_stats(stage->publisher, &stats);
		if (stats.blocks == stats.blocks_free)
			return 0;
		EXPECT(++looks < 1000);
	}
}

static int work(struct stage *stage)
{
	struct tachyon_notice notice;

	if (TRY(tachyon_publisher_configure, stage->publisher, SMALL, 4) < 0)
		return -1;
	if (send_state(stage) < 0 || serve_until(stage, 2) < 0)
		return -1;
	if (publish(stage, SMALL) < 0 || publish_with_cookie(stage, SMALL) < 0)
		return -1;
	if (send_state(stage) < 0 || publish_with_metadata(stage) < 0)
		return -1;
	if (copy(stage, 100) < 0 || copy(stage, SMALL) < 0)
		return -1;
	/* Another size: new memory, and the old is retired. */
	if (TRY(tachyon_publisher_configure, stage->publisher, LARGE, 3) < 0)
		return -1;
	for (int i = 0; i < 4; i++)
		if (publish(stage, LARGE) < 0)
			return -1;
	if (publish_corked(stage) < 0 || wait_for_blocks(stage) < 0)
		return -1;
	while (TRY(tachyon_publisher_next_notice, stage->publisher, &notice) == 1)
		;
	return 0;
}

static void publish_frames(void)
{
	struct stage stage;

	begin(&stage, NULL, false);
	(void)work(&stage);
	end(&stage);
}

/* --- beside the ring, over given sockets, in lent memory --- */

static int shout(struct stage *stage)
{
	const struct tachyon_event event = {.type = 9, .data = "urgent", .size = 7};

	return TRY(tachyon_publisher_send_urgent, stage->publisher, 0, &event);
}

static int lend(struct stage *stage)
{
	const int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct tachyon_frame frame = {.size = SMALL};
	int ret;

	EXPECT(ftruncate(fd, LARGE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	ret = TRY(tachyon_publisher_lend, stage->publisher, fd, LARGE, &frame.block);
	close(fd);
	if (ret < 0)
		return -1;
	for (int i = 0; i < 2 && ret >= 0; i++) {
		frame.pts = ++stage->sent;
		ret = PATIENTLY(wait_for_change(stage), tachyon_publisher_publish_lent,
				stage->publisher, &frame, 4096, NULL);
	}
	DO(tachyon_publisher_take_back, stage->publisher, frame.block);
	return ret < 0 ? ret : publish(stage, SMALL);
}

static int adopt(struct stage *stage)
{
	struct viewer guest = {.is_given = true};
	struct helper *helper;
	int socks[2];
	int ret;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) == 0);
	guest.sock = socks[1];
	ret = TRY(tachyon_publisher_adopt, stage->publisher, socks[0]);
	close(socks[0]);
	helper = start_helper(viewer_visit, &guest);
	/* Where its handshake fails it has nowhere to go, and does not come. */
	while (!guest.is_done)
		DO(tachyon_publisher_wait, stage->publisher, 5 * MS);
	ret = finish_helper(helper);
	close(socks[1]);
	return ret == 0 || is_failing() ? 0 : -1;
}

static void publish_beside_the_ring(void)
{
	const uint32_t uid = 1;
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.policy = TACHYON_POLICY_DROP,
		.access = {.uids = &uid, .uid_count = 1},
	};
	struct stage stage;

	begin(&stage, &options, true);
	if (serve_until(&stage, 2) == 0 && shout(&stage) == 0 && publish(&stage, SMALL) >= 0 &&
	    lend(&stage) >= 0 && shout(&stage) == 0)
		(void)adopt(&stage);
	DO(tachyon_publisher_cancel, stage.publisher);
	EXPECT(tachyon_publisher_wait(stage.publisher, LONG_NS) < 0);
	DO(tachyon_publisher_resume, stage.publisher);
	end(&stage);
}

FAIL_IN_TURN(each_call_of_who_publishes_fails_in_turn, publish_frames)
FAIL_IN_TURN(each_call_beside_the_ring_fails_in_turn, publish_beside_the_ring)
