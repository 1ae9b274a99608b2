/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of publishers and subscribers share: both ends in one process, frames whose
 * content tells their number, and items checked in a line.
 */
#ifndef TACHYON_TESTS_FRAMES_H
#define TACHYON_TESTS_FRAMES_H

#include <poll.h>

#include <tachyon/frame.h>

#include "pair.h"

/* --- options --- */

static inline struct tachyon_publisher_options publisher_options(enum tachyon_policy policy,
								 uint32_t max_buffers)
{
	return (struct tachyon_publisher_options){
		.size = sizeof(struct tachyon_publisher_options),
		.policy = policy,
		.max_buffers = max_buffers,
	};
}

static inline struct tachyon_publisher *
make_publisher(const struct tachyon_publisher_options *options)
{
	struct tachyon_publisher *publisher;

	CHECK_EQ(tachyon_publisher_create(ADDRESS, options, &publisher), 0);
	return publisher;
}

static inline struct tachyon_subscriber *
make_subscriber(const struct tachyon_subscriber_options *options)
{
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_subscriber_create(ADDRESS, options, &subscriber), 0);
	return subscriber;
}

/* --- figures --- */

static inline struct tachyon_publisher_stats figures(struct tachyon_publisher *publisher)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	tachyon_publisher_get_stats(publisher, &stats);
	return stats;
}

static inline struct tachyon_subscriber_stats
subscriber_figures(struct tachyon_subscriber *subscriber)
{
	struct tachyon_subscriber_stats stats = {.size = sizeof(stats)};

	tachyon_subscriber_get_stats(subscriber, &stats);
	return stats;
}

/* Blocks that nobody holds, after whatever came back was taken. */
static inline uint64_t blocks_in_use(struct tachyon_publisher *publisher)
{
	struct tachyon_publisher_stats stats;

	CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	stats = figures(publisher);
	return stats.blocks - stats.blocks_free;
}

/*
 * What changed before this thread first waits, be it a block given back, counts as news once; after
 * this it is old.
 */
static inline void forget_news(struct tachyon_publisher *publisher)
{
	while (tachyon_publisher_wait(publisher, 0) == 0)
		;
}

/* --- joining --- */

/* Does the publisher's work until its fd has been quiet for so long. */
static inline void serve(struct tachyon_publisher *publisher, int quiet_ms)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};

	while (poll(&entry, 1, quiet_ms) > 0)
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
}

static int connect_subscriber_in_helper(void *subscriber)
{
	return tachyon_subscriber_connect(subscriber, LONG_NS);
}

/* Connects with both sides in this process; what connect answers. */
static inline int connect_to(struct tachyon_publisher *publisher,
			     struct tachyon_subscriber *subscriber)
{
	struct helper helper;
	int ret;

	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	while (pthread_tryjoin_np(helper.thread, NULL) != 0)
		serve(publisher, 1);
	ret = helper.result;
	if (ret == 0) {
		serve(publisher, 0);
		CHECK(tachyon_publisher_subscribers(publisher) > 0);
	}
	return ret;
}

static inline struct tachyon_subscriber *join_with(struct tachyon_publisher *publisher,
						   const struct tachyon_subscriber_options *options)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(options);

	CHECK_EQ(connect_to(publisher, subscriber), 0);
	return subscriber;
}

static inline struct tachyon_subscriber *join(struct tachyon_publisher *publisher)
{
	return join_with(publisher, NULL);
}

/* --- frames --- */

/* A block filled with the content of its number, which is its pts. */
static inline int acquire_number(struct tachyon_publisher *publisher, size_t size, uint64_t number,
				 struct tachyon_frame *frame)
{
	const int ret = tachyon_publisher_acquire(publisher, size, frame);

	if (ret == 0) {
		fill(frame->data, size, number * 1000003);
		frame->pts = number;
	}
	return ret;
}

/* Sends one in a block of its own; what commit, or acquire, answers. */
static inline int publish_number(struct tachyon_publisher *publisher, size_t size, uint64_t number)
{
	struct tachyon_frame frame;
	int ret = acquire_number(publisher, size, number, &frame);

	if (ret < 0)
		return ret;
	ret = tachyon_publisher_commit(publisher, &frame);
	if (ret < 0)
		tachyon_publisher_abandon(publisher, &frame);
	return ret;
}

static inline int is_number(const struct tachyon_frame *frame, uint64_t number)
{
	return frame->pts == number && is_filled(frame->data, frame->size, number * 1000003);
}

/* --- items --- */

static inline int receive_within(struct tachyon_subscriber *subscriber, struct tachyon_item *item,
				 int64_t timeout_ns)
{
	return tachyon_subscriber_receive(subscriber, item, timeout_ns);
}

static inline struct tachyon_item expect(struct tachyon_subscriber *subscriber,
					 enum tachyon_item_type type)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), 0);
	CHECK_EQ(item.type, type);
	return item;
}

/* The frame of this number comes next; the caller's. */
static inline struct tachyon_frame expect_frame(struct tachyon_subscriber *subscriber, size_t size,
						uint64_t number)
{
	const struct tachyon_item item = expect(subscriber, TACHYON_ITEM_FRAME);

	CHECK_EQ(item.frame.pts, number);
	CHECK_EQ(item.frame.size, size);
	CHECK(is_number(&item.frame, number));
	return item.frame;
}

/* The same, and released. */
static inline void take_frame(struct tachyon_subscriber *subscriber, size_t size, uint64_t number)
{
	struct tachyon_frame frame = expect_frame(subscriber, size, number);

	tachyon_frame_release(&frame);
	CHECK(!frame.block);
}

static inline void expect_caps(struct tachyon_subscriber *subscriber, const char *caps)
{
	CHECK_STR_EQ(expect(subscriber, TACHYON_ITEM_CAPS).caps, caps);
}

static inline void expect_event(struct tachyon_subscriber *subscriber, uint32_t type,
				const char *data)
{
	const struct tachyon_item item = expect(subscriber, TACHYON_ITEM_EVENT);

	CHECK_EQ(item.event.type, type);
	CHECK_EQ(item.event.size, strlen(data) + 1);
	CHECK_STR_EQ(item.event.data, data);
}

static inline void expect_nothing(struct tachyon_subscriber *subscriber)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), TACHYON_ERR_AGAIN);
}

static inline void expect_end(struct tachyon_subscriber *subscriber, enum tachyon_end end)
{
	struct tachyon_item item;

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), TACHYON_ERR_CLOSED);
	CHECK_EQ(tachyon_subscriber_end(subscriber), end);
}

static inline struct tachyon_event text_event(uint32_t type, uint32_t flags, uint32_t order,
					      const char *text)
{
	return (struct tachyon_event){
		.type = type,
		.flags = flags,
		.order = order,
		.data = text,
		.size = strlen(text) + 1,
	};
}

#endif
