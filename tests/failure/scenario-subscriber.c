/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A subscriber, and a publisher that sends what it is asked for. */
#include "scenario.h"

#include <harness.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "viewer.h"

enum wish { WANT_SMALL = 1, WANT_LARGE, WANT_COPY, WANT_LENT, WANT_URGENT, WANT_METADATA };

/* The publisher, in a thread of its own. */
struct server {
	struct tachyon_publisher *publisher;
	struct helper *helper;
	uint64_t sent;
	_Atomic bool is_done;
};

/* --- the publisher --- */

static int publish(struct server *server, struct tachyon_frame *frame, size_t size)
{
	int ret = tachyon_publisher_acquire(server->publisher, size, frame);

	if (ret < 0)
		return ret;
	frame->pts = ++server->sent;
	viewer_fill(frame->data, size, frame->pts);
	ret = tachyon_publisher_commit(server->publisher, frame);
	if (ret < 0)
		tachyon_frame_release(frame);
	return ret;
}

static void send_lent(struct server *server)
{
	const int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct tachyon_frame frame = {.size = 100};

	EXPECT(ftruncate(fd, 8192) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	EXPECT(tachyon_publisher_lend(server->publisher, fd, 8192, &frame.block) == 0);
	close(fd);
	frame.pts = ++server->sent;
	tachyon_publisher_publish_lent(server->publisher, &frame, 0, NULL);
	tachyon_publisher_take_back(server->publisher, frame.block);
}

static void send_with_metadata(struct server *server)
{
	_Alignas(8) static uint8_t records[30000];
	static uint8_t content[29000];
	struct tachyon_frame frame = {.size = 3, .data = content};
	size_t used = 0;

	EXPECT(tachyon_record_append(records, sizeof(records), &used, 64, content,
				     sizeof(content)) == 0);
	frame.metadata = records;
	frame.metadata_size = used;
	frame.pts = ++server->sent;
	tachyon_publisher_send(server->publisher, &frame);
}

static void grant(struct server *server, enum wish wish)
{
	const struct tachyon_event urgent = {.type = 9, .data = "urgent", .size = 7};
	uint8_t payload[200];
	struct tachyon_frame frame = {.data = payload, .size = sizeof(payload)};

	switch (wish) {
	case WANT_SMALL:
		tachyon_publisher_configure(server->publisher, 3000, 3);
		publish(server, &frame, 3000);
		break;
	case WANT_LARGE:
		tachyon_publisher_configure(server->publisher, 70000, 3);
		publish(server, &frame, 70000);
		break;
	case WANT_COPY:
		frame.pts = ++server->sent;
		viewer_fill(payload, sizeof(payload), frame.pts);
		tachyon_publisher_send(server->publisher, &frame);
		break;
	case WANT_LENT:
		send_lent(server);
		break;
	case WANT_URGENT:
		tachyon_publisher_send_urgent(server->publisher, 0, &urgent);
		break;
	case WANT_METADATA:
		send_with_metadata(server);
		break;
	}
}

static int serve(void *argument)
{
	struct server *const server = argument;
	struct pollfd entry = {.fd = tachyon_publisher_fd(server->publisher), .events = POLLIN};
	struct tachyon_notice notice;

	while (!server->is_done) {
		if (tachyon_publisher_prepare(server->publisher) == 0)
			poll(&entry, 1, 10);
		tachyon_publisher_dispatch(server->publisher);
		while (tachyon_publisher_next_notice(server->publisher, &notice) == 1) {
			if (notice.type == TACHYON_NOTICE_EVENT)
				grant(server, (enum wish)notice.event.type);
			EXPECT(notice.type != TACHYON_NOTICE_LEFT ||
			       notice.end != TACHYON_END_CORRUPT);
		}
	}
	return 0;
}

static void begin(struct server *server)
{
	const struct tachyon_event state = {
		.type = 1, .flags = TACHYON_EVENT_STICKY, .order = 60, .data = "state", .size = 6};
	static char caps[20000];

	*server = (struct server){.sent = 0};
	EXPECT(tachyon_publisher_create(VIEWER_ADDRESS, NULL, &server->publisher) == 0);
	/* Too large for the ring: it comes in a block. */
	memset(caps, 'x', sizeof(caps) - 1);
	EXPECT(tachyon_publisher_set_caps(server->publisher, caps) == 0);
	EXPECT(tachyon_publisher_send_event(server->publisher, &state) == 0);
	server->helper = start_helper(serve, server);
}

static void end(struct server *server)
{
	server->is_done = true;
	EXPECT(finish_helper(server->helper) == 0);
	tachyon_publisher_destroy(server->publisher);
}

/* --- the subscriber --- */

static int ask(struct tachyon_subscriber *subscriber, enum wish wish)
{
	const struct tachyon_event event = {.type = wish, .data = "please", .size = 7};

	return TRY(tachyon_subscriber_send_event, subscriber, &event);
}

/* The next frame: it comes once, and is what was sent. */
static int take(struct tachyon_subscriber *subscriber, bool is_private, uint64_t *previous)
{
	struct tachyon_item item;

	do {
		if (TRY(tachyon_subscriber_receive, subscriber, &item, LONG_NS) < 0)
			return -1;
	} while (item.type != TACHYON_ITEM_FRAME);
	EXPECT(*previous == 0 || item.frame.pts == *previous + 1);
	*previous = item.frame.pts;
	if (item.frame.data && item.frame.size > 3)
		EXPECT(viewer_is_filled(item.frame.data, item.frame.size, item.frame.pts));
	EXPECT(tachyon_frame_is_valid(&item.frame));
	if (is_private && item.frame.data)
		memset(item.frame.data, 0x55, item.frame.size);
	DO(tachyon_frame_release, &item.frame);
	return 0;
}

/* With the caller's own poll, until something is there. */
static int poll_for_one(struct tachyon_subscriber *subscriber)
{
	struct pollfd entry = {.fd = tachyon_subscriber_fd(subscriber), .events = POLLIN};

	if (TRY(tachyon_subscriber_prepare, subscriber) == 0)
		EXPECT(poll(&entry, 1, (int)(LONG_NS / MS)) == 1);
	DO(tachyon_subscriber_dispatch, subscriber);
	return 0;
}

static int be_urgent(struct tachyon_subscriber *subscriber)
{
	const struct tachyon_event call = {.type = WANT_URGENT, .data = "now", .size = 4};
	struct tachyon_event event;

	unsigned int tries = 0;
	int ret;

	do {
		EXPECT(++tries < 4);
		if (TRY(tachyon_subscriber_send_urgent, subscriber, &call) < 0)
			return -1;
		/* Those for which there is no memory are dropped. */
		attempt_begin("tachyon_subscriber_receive_urgent");
		ret = tachyon_subscriber_receive_urgent(subscriber, &event, LONG_NS / 4);
		attempt_end(ret == TACHYON_ERR_TIMEDOUT && is_failing() ? 0 : ret);
	} while (ret == TACHYON_ERR_TIMEDOUT);
	if (ret < 0)
		return -1;
	EXPECT(event.type == 9 && strcmp(event.data, "urgent") == 0);
	DO(tachyon_subscriber_cancel_urgent, subscriber);
	EXPECT(tachyon_subscriber_receive_urgent(subscriber, &event, LONG_NS) < 0);
	DO(tachyon_subscriber_resume_urgent, subscriber);
	return 0;
}

static void watch(struct tachyon_subscriber *subscriber)
{
	static const enum wish wishes[] = {WANT_SMALL, WANT_SMALL, WANT_COPY,	 WANT_LARGE,
					   WANT_LARGE, WANT_LENT,  WANT_METADATA};
	struct tachyon_item item;
	uint64_t previous = 0;

	if (TRY(tachyon_subscriber_set_need, subscriber, 2) < 0)
		return;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (ask(subscriber, wishes[i]) < 0 || take(subscriber, true, &previous) < 0)
			return;
	if (ask(subscriber, WANT_COPY) < 0 || poll_for_one(subscriber) < 0 ||
	    take(subscriber, true, &previous) < 0)
		return;
	if (be_urgent(subscriber) < 0)
		return;
	DO(tachyon_subscriber_cancel, subscriber);
	while (tachyon_subscriber_receive(subscriber, &item, LONG_NS) == 0)
		if (item.type == TACHYON_ITEM_FRAME)
			tachyon_frame_release(&item.frame);
	DO(tachyon_subscriber_resume, subscriber);
}

/* Where nothing fails. */
static void receive_one(struct tachyon_subscriber *subscriber)
{
	const struct tachyon_event event = {.type = WANT_SMALL};
	struct tachyon_item item;

	EXPECT(tachyon_subscriber_send_event(subscriber, &event) == 0);
	do
		EXPECT(tachyon_subscriber_receive(subscriber, &item, LONG_NS) == 0);
	while (item.type != TACHYON_ITEM_FRAME);
	tachyon_frame_release(&item.frame);
}

static void subscribe_as(const struct tachyon_subscriber_options *options)
{
	struct tachyon_subscriber *subscriber;
	struct server server;

	begin(&server);
	EXPECT(TRY(tachyon_subscriber_create, VIEWER_ADDRESS, options, &subscriber) == 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(TRY(tachyon_subscriber_connect, subscriber, LONG_NS) == 0);
		watch(subscriber);
	}
	DO(tachyon_subscriber_destroy, subscriber);

	/* The publisher goes on. */
	EXPECT(tachyon_subscriber_create(VIEWER_ADDRESS, options, &subscriber) == 0);
	EXPECT(tachyon_subscriber_connect(subscriber, LONG_NS) == 0);
	receive_one(subscriber);
	tachyon_subscriber_destroy(subscriber);
	end(&server);
}

static void subscribe(void)
{
	subscribe_as(&(struct tachyon_subscriber_options){
		.size = sizeof(struct tachyon_subscriber_options),
		.takes_descriptors = 1,
		.takes_urgent = 1,
		.is_private = 1,
	});
}

/* --- over a given socket --- */

/* A pair whose other end the publisher has; a refusal of ours leaves it none. */
static int adopt(struct server *server, struct tachyon_subscriber *subscriber)
{
	int socks[2];
	int ret;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) == 0);
	EXPECT(tachyon_publisher_adopt(server->publisher, socks[0]) == 0);
	close(socks[0]);
	attempt_begin("tachyon_subscriber_adopt");
	ret = tachyon_subscriber_adopt(subscriber, socks[1], LONG_NS);
	attempt_end(ret);
	close(socks[1]);
	return ret;
}

static void subscribe_over_a_given_socket(void)
{
	struct tachyon_subscriber *subscriber;
	struct server server;

	begin(&server);
	EXPECT(TRY(tachyon_subscriber_create, NULL, NULL, &subscriber) == 0);
	if (adopt(&server, subscriber) < 0)
		EXPECT(adopt(&server, subscriber) == 0);
	if (ask(subscriber, WANT_SMALL) == 0)
		(void)take(subscriber, false, &(uint64_t){0});
	DO(tachyon_subscriber_destroy, subscriber);
	end(&server);
}

FAIL_IN_TURN(each_call_of_who_subscribes_fails_in_turn, subscribe)
FAIL_IN_TURN(each_call_over_a_given_socket_fails_in_turn, subscribe_over_a_given_socket)
