/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the tests of urgent events share: subscribers that take them, texts sent and heard.
 */
#ifndef TACHYON_TESTS_URGENT_SETUP_H
#define TACHYON_TESTS_URGENT_SETUP_H

#include "frames.h"

static inline struct tachyon_subscriber_options urgent_options(void)
{
	return (struct tachyon_subscriber_options){
		.size = sizeof(struct tachyon_subscriber_options),
		.takes_urgent = 1,
	};
}

static inline struct tachyon_subscriber *join_urgent(struct tachyon_publisher *publisher)
{
	const struct tachyon_subscriber_options options = urgent_options();

	return join_with(publisher, &options);
}

/* --- down --- */

static inline int shout_to(struct tachyon_publisher *publisher, uint64_t id, const char *text)
{
	const struct tachyon_event event = text_event(9, 0, 0, text);

	return tachyon_publisher_send_urgent(publisher, id, &event);
}

static inline int shout(struct tachyon_publisher *publisher, const char *text)
{
	return shout_to(publisher, 0, text);
}

/* The text that comes next; the code's name when none comes. */
static inline const char *hear_urgent_within(struct tachyon_subscriber *subscriber,
					     int64_t timeout_ns)
{
	struct tachyon_event event;
	const int ret = tachyon_subscriber_receive_urgent(subscriber, &event, timeout_ns);

	if (ret < 0)
		return strerrorname_np(-ret);
	CHECK_EQ(event.type, 9);
	return event.data;
}

static inline const char *hear_urgent(struct tachyon_subscriber *subscriber)
{
	return hear_urgent_within(subscriber, LONG_NS);
}

/* --- up --- */

static inline int call_up(struct tachyon_subscriber *subscriber, const char *text)
{
	const struct tachyon_event event = text_event(9, 0, 0, text);

	return tachyon_subscriber_send_urgent(subscriber, &event);
}

/* The next notice of a type, others thrown away; serves until it comes. */
static inline struct tachyon_notice await_notice(struct tachyon_publisher *publisher,
						 enum tachyon_notice_type type)
{
	struct pollfd entry = {.fd = tachyon_publisher_fd(publisher), .events = POLLIN};
	struct tachyon_notice notice;

	for (;;) {
		while (tachyon_publisher_next_notice(publisher, &notice) == 1) {
			if (notice.type == type)
				return notice;
		}
		CHECK_EQ(poll(&entry, 1, LONG_NS / MS), 1);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
	}
}

static inline const char *hear_below(struct tachyon_publisher *publisher)
{
	const struct tachyon_notice notice = await_notice(publisher, TACHYON_NOTICE_EVENT);

	CHECK_EQ(notice.event.type, 9);
	return notice.event.data;
}

#endif
