/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The bounded queue of what subscribers did.
 */
#include "notice.h"

#include "harness.h"

static void add_event(struct tach_notices *notices, uint64_t subscriber, const void *data,
		      size_t size)
{
	const struct tachyon_notice notice = {
		.type = TACHYON_NOTICE_EVENT,
		.subscriber = subscriber,
		.event = {.type = 5, .data = data, .size = size},
	};

	tach_notices_add(notices, &notice);
}

static void add(struct tach_notices *notices, enum tachyon_notice_type type, uint64_t subscriber)
{
	tach_notices_add(notices, &(struct tachyon_notice){.type = type, .subscriber = subscriber});
}

TEST(an_empty_queue_has_nothing_to_tell)
{
	struct tach_notices notices = {0};
	struct tachyon_notice notice = {.pid = 77};

	CHECK_EQ(tach_notices_take(&notices, &notice), 0);
	CHECK_EQ(notice.pid, 77);
	tach_notices_fini(&notices);
}

TEST(notices_come_in_order_with_all_they_say)
{
	struct tach_notices notices = {0};
	struct tachyon_notice notice;

	tach_notices_add(&notices, &(struct tachyon_notice){.type = TACHYON_NOTICE_JOINED,
							    .pid = 12,
							    .subscriber = 1});
	tach_notices_add(&notices, &(struct tachyon_notice){.type = TACHYON_NOTICE_LEFT,
							    .pid = 12,
							    .subscriber = 1,
							    .end = TACHYON_END_DIED});
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	CHECK_EQ(notice.type, TACHYON_NOTICE_JOINED);
	CHECK_EQ(notice.pid, 12);
	CHECK_EQ(notice.subscriber, 1);
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	CHECK_EQ(notice.type, TACHYON_NOTICE_LEFT);
	CHECK_EQ(notice.end, TACHYON_END_DIED);
	CHECK_EQ(tach_notices_take(&notices, &notice), 0);
	tach_notices_fini(&notices);
}

TEST(an_events_data_is_copied_and_lives_until_the_next_take)
{
	struct tach_notices notices = {0};
	struct tachyon_notice notice;
	char data[] = "data";

	add_event(&notices, 1, data, sizeof(data));
	add_event(&notices, 1, NULL, 0);
	memset(data, 'x', sizeof(data));
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	CHECK_EQ(notice.event.type, 5);
	CHECK_EQ(notice.event.size, 5);
	add_event(&notices, 1, "other", 6);
	CHECK_STR_EQ(notice.event.data, "data");
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	CHECK_EQ(notice.event.size, 0);
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	CHECK_STR_EQ(notice.event.data, "other");
	/* Taken and not asked again: fini frees it. */
	tach_notices_fini(&notices);
}

TEST(what_nobody_took_is_freed)
{
	struct tach_notices notices = {0};

	for (int i = 0; i < 10; i++)
		add_event(&notices, 1, "data", 5);
	tach_notices_fini(&notices);
	CHECK_EQ(notices.count, 0);
}

TEST(at_most_256_events_wait)
{
	struct tach_notices notices = {0};
	struct tachyon_notice notice;
	int count = 0;

	for (uint32_t i = 0; i < 1000; i++)
		add_event(&notices, 1, &i, sizeof(i));
	while (tach_notices_take(&notices, &notice))
		count++;
	CHECK_EQ(count, 256);
	/* There is room again. */
	add_event(&notices, 1, "data", 5);
	CHECK_EQ(tach_notices_take(&notices, &notice), 1);
	tach_notices_fini(&notices);
}

TEST(joined_and_left_are_never_dropped)
{
	struct tach_notices notices = {0};
	struct tachyon_notice notice;
	uint64_t joined = 0, left = 0;

	for (uint64_t i = 0; i < 300; i++) {
		add(&notices, TACHYON_NOTICE_JOINED, i);
		for (int j = 0; j < 10; j++)
			add_event(&notices, i, "data", 5);
	}
	for (uint64_t i = 0; i < 300; i++)
		add(&notices, TACHYON_NOTICE_LEFT, i);
	while (tach_notices_take(&notices, &notice)) {
		if (notice.type == TACHYON_NOTICE_JOINED)
			CHECK_EQ(notice.subscriber, joined++);
		if (notice.type == TACHYON_NOTICE_LEFT)
			CHECK_EQ(notice.subscriber, left++);
	}
	CHECK_EQ(joined, 300);
	CHECK_EQ(left, 300);
	tach_notices_fini(&notices);
}

TEST(at_most_64_kib_of_one_subscribers_events_wait)
{
	static char data[4096];
	struct tach_notices notices = {0};
	struct tachyon_notice notice;
	size_t bytes[2] = {0};

	for (int i = 0; i < 100; i++)
		add_event(&notices, 0, data, sizeof(data));
	/* The greed of one costs another nothing. */
	for (int i = 0; i < 4; i++)
		add_event(&notices, 1, data, sizeof(data));
	while (tach_notices_take(&notices, &notice))
		bytes[notice.subscriber] += notice.event.size;
	CHECK(bytes[0] <= 64 << 10);
	CHECK(bytes[0] >= 32 << 10);
	CHECK_EQ(bytes[1], 4 * sizeof(data));
	tach_notices_fini(&notices);
}
