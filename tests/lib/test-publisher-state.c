/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream state and events: their order among frames, what late subscribers get, whatever does
 * not fit the ring, and metadata.
 */
#include "frames.h"
#include "system.h"
#include "wire.h"

#define PICTURE 5000u

static int set_event(struct tachyon_publisher *publisher, uint32_t type, uint32_t order,
		     const char *text)
{
	const struct tachyon_event event = text_event(type, TACHYON_EVENT_STICKY, order, text);

	return tachyon_publisher_send_event(publisher, &event);
}

static int send_event(struct tachyon_publisher *publisher, uint32_t type, const char *text)
{
	const struct tachyon_event event = text_event(type, 0, 0, text);

	return tachyon_publisher_send_event(publisher, &event);
}

/* --- order --- */

TEST(state_and_frames_come_in_the_order_in_which_they_were_sent)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const struct tachyon_clock clock = {.base_time = 5, .latency = 6};
	struct tachyon_item item;

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "video/x-raw"), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	CHECK_EQ(set_event(publisher, 9, 70, "segment"), 0);
	CHECK_EQ(send_event(publisher, 10, "custom"), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "video/x-raw, width=2"), 0);
	CHECK_EQ(tachyon_publisher_set_clock(publisher, &clock), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 1);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), 0);

	expect_caps(subscriber, "video/x-raw");
	take_frame(subscriber, PICTURE, 1);
	expect_event(subscriber, 9, "segment");
	expect_event(subscriber, 10, "custom");
	take_frame(subscriber, PICTURE, 2);
	expect_caps(subscriber, "video/x-raw, width=2");
	item = expect(subscriber, TACHYON_ITEM_CLOCK);
	CHECK_EQ(item.clock.base_time, 5);
	CHECK_EQ(item.clock.latency, 6);
	take_frame(subscriber, PICTURE, 3);
	(void)expect(subscriber, TACHYON_ITEM_EOS);
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(a_late_subscriber_gets_the_current_state_in_its_order_then_the_next_frame)
{
	const struct tachyon_layout layout = {.width = 320,
					      .height = 240,
					      .plane_count = 2,
					      .offset = {0, 76800},
					      .stride = {320, -320}};
	const struct tachyon_clock clock = {.base_time = TACHYON_TIME_NONE};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	CHECK_EQ(set_event(publisher, 5, 80, "tags"), 0);
	CHECK_EQ(set_event(publisher, 9, TACHYON_ORDER_SEGMENT, "segment"), 0);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "old"), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 0);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), 0);
	CHECK_EQ(tachyon_publisher_set_layout(publisher, &layout), 0);
	CHECK_EQ(tachyon_publisher_set_clock(publisher, &clock), 0);
	CHECK_EQ(set_event(publisher, 3, TACHYON_ORDER_STREAM_START, "start"), 0);
	CHECK_EQ(send_event(publisher, 10, "not sticky"), 0);

	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	item = expect(subscriber, TACHYON_ITEM_CLOCK);
	CHECK_EQ(item.clock.base_time, TACHYON_TIME_NONE);
	expect_event(subscriber, 3, "start");
	expect_caps(subscriber, "caps");
	item = expect(subscriber, TACHYON_ITEM_LAYOUT);
	CHECK_MEM_EQ(&item.layout, &layout, sizeof(layout));
	expect_event(subscriber, 9, "segment");
	expect_event(subscriber, 5, "tags");
	take_frame(subscriber, PICTURE, 2);
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(sticky_events_of_other_types_and_ids_stand_side_by_side)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_event event = text_event(5, TACHYON_EVENT_STICKY, 80, "one");
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	event.id = 1;
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	event = text_event(5, TACHYON_EVENT_STICKY, 80, "two");
	event.id = 2;
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	event = text_event(5, TACHYON_EVENT_STICKY, 80, "new one");
	event.id = 1;
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);

	subscriber = join(publisher);
	item = expect(subscriber, TACHYON_ITEM_EVENT);
	CHECK_EQ(item.event.id, 1);
	CHECK_EQ(item.event.order, 80);
	CHECK_EQ(item.event.flags, TACHYON_EVENT_STICKY);
	CHECK_STR_EQ(item.event.data, "new one");
	expect_event(subscriber, 5, "two");
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(forgotten_state_is_not_given_to_late_subscribers)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const early = join(publisher);
	struct tachyon_subscriber *late;

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), 0);
	CHECK_EQ(set_event(publisher, 9, 70, "segment"), 0);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), 0);
	tachyon_publisher_forget(publisher, TACHYON_ORDER_SEGMENT);
	late = join(publisher);
	expect_caps(late, "caps");
	expect_nothing(late);

	expect_caps(early, "caps");
	expect_event(early, 9, "segment");
	(void)expect(early, TACHYON_ITEM_EOS);
	expect_nothing(early);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 2);
	take_frame(early, PICTURE, 1);
	take_frame(late, PICTURE, 1);
	tachyon_subscriber_destroy(early);
	tachyon_subscriber_destroy(late);
	tachyon_publisher_destroy(publisher);
}

TEST(the_end_of_the_stream_is_state_too)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), 0);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), 0);
	subscriber = join(publisher);
	expect_caps(subscriber, "caps");
	(void)expect(subscriber, TACHYON_ITEM_EOS);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- caps --- */

TEST(caps_of_any_size_arrive)
{
	static const size_t sizes[] = {1,     46,    47,    48,	     5000,	    16383,
				       16384, 40000, 65536, 1 << 20, (16 << 20) - 1};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const early = join(publisher);

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		char *const caps = malloc(sizes[i] + 1);
		struct tachyon_subscriber *late;

		memset(caps, 'a' + (int)i, sizes[i]);
		caps[sizes[i]] = '\0';
		CHECK_EQ(tachyon_publisher_set_caps(publisher, caps), 0);
		expect_caps(early, caps);
		late = join(publisher);
		expect_caps(late, caps);
		expect_nothing(late);
		tachyon_subscriber_destroy(late);
		serve(publisher, 0);
		CHECK_EQ(blocks_in_use(publisher), 0);
		free(caps);
	}
	expect_nothing(early);
	tachyon_subscriber_destroy(early);
	tachyon_publisher_destroy(publisher);
}

TEST(caps_over_the_limit_are_too_big_and_leave_the_old_ones)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;
	char *const caps = malloc((16 << 20) + 1);

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "caps"), 0);
	memset(caps, 'x', 16 << 20);
	caps[16 << 20] = '\0';
	CHECK_EQ(tachyon_publisher_set_caps(publisher, caps), TACHYON_ERR_TOO_BIG);
	free(caps);
	subscriber = join(publisher);
	expect_caps(subscriber, "caps");
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(caps_that_no_receiver_would_accept_are_einval_for_the_sender)
{
	static const char *const bad[] = {"\xff",	  "caps\xc3",	      "\xc0\x80",
					  "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\x80z"};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	for (size_t i = 0; i < TACH_ARRAY_SIZE(bad); i++)
		CHECK_EQ(tachyon_publisher_set_caps(publisher, bad[i]), -EINVAL);
	expect_nothing(subscriber);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac"), 0);
	expect_caps(subscriber, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac");
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(empty_caps_arrive_or_are_refused_and_cost_nobody_the_connection)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const int ret = tachyon_publisher_set_caps(publisher, "");

	CHECK(ret == 0 || ret == -EINVAL);
	if (ret == 0)
		expect_caps(subscriber, "");
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	take_frame(subscriber, PICTURE, 1);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- events --- */

TEST(events_of_any_size_arrive)
{
	static const size_t sizes[] = {0, 1, 24, 25, 4096, 20000, 65536, 1 << 20};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	uint8_t *const data = malloc(1 << 20);

	for (uint32_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		struct tachyon_event event = {
			.type = 100 + i, .data = data, .size = sizes[i], .order = 3, .id = 4};
		struct tachyon_item item;

		for (uint32_t flags = 0; flags <= TACHYON_EVENT_STICKY; flags++) {
			event.flags = flags;
			fill(data, sizes[i], i);
			CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
			memset(data, 0xff, sizes[i]);
			item = expect(subscriber, TACHYON_ITEM_EVENT);
			CHECK_EQ(item.event.type, 100 + i);
			CHECK_EQ(item.event.size, sizes[i]);
			CHECK(is_filled(item.event.data, sizes[i], i));
			CHECK_EQ(blocks_in_use(publisher), 0);
		}
	}
	free(data);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(an_event_over_the_limit_is_too_big)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_event event = {.type = 1, .size = (16 << 20) + 1};

	event.data = calloc(1, event.size);
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), TACHYON_ERR_TOO_BIG);
	event.flags = TACHYON_EVENT_STICKY;
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), TACHYON_ERR_TOO_BIG);
	free((void *)(uintptr_t)event.data);
	event.data = NULL;
	CHECK_EQ(tachyon_publisher_send_event(publisher, &event), -EINVAL);
	expect_nothing(subscriber);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- metadata --- */

static void check_metadata(struct tachyon_publisher *publisher,
			   struct tachyon_subscriber *subscriber, size_t size, bool is_copy)
{
	uint8_t *const buffer = malloc(size + 64);
	uint8_t *const content = malloc(size + 1);
	struct tachyon_record record;
	struct tachyon_frame frame;
	size_t used = 0, position = 0;

	fill(content, size, size);
	CHECK_EQ(tachyon_record_append(buffer, size + 64, &used, 64, "first", 5), 0);
	CHECK_EQ(tachyon_record_append(buffer, size + 64, &used, 65, content, size), 0);
	CHECK_EQ(acquire_number(publisher, PICTURE, size, &frame), 0);
	frame.offset = 12;
	frame.metadata = buffer;
	frame.metadata_size = used;
	CHECK_EQ(is_copy ? tachyon_publisher_send(publisher, &frame)
			 : tachyon_publisher_publish(publisher, &frame, NULL),
		 1);
	tachyon_publisher_abandon(publisher, &frame);
	memset(buffer, 0xff, used);

	frame = expect_frame(subscriber, PICTURE, size);
	CHECK_EQ(frame.offset, 12);
	CHECK_EQ(frame.metadata_size, used);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
	CHECK_EQ(record.type, 64);
	CHECK_EQ(record.size, 5);
	CHECK_MEM_EQ(record.data, "first", 5);
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 1);
	CHECK_EQ(record.type, 65);
	CHECK_EQ(record.size, size);
	CHECK_EQ((uintptr_t)record.data % 8, 0);
	CHECK(is_filled(record.data, size, size));
	CHECK_EQ(tachyon_record_next(&frame, &position, &record), 0);
	tachyon_frame_release(&frame);
	CHECK_EQ(blocks_in_use(publisher), 0);
	free(buffer);
	free(content);
}

TEST(metadata_of_any_size_arrives)
{
	static const size_t sizes[] = {0, 1, 8, 100, 4000, 16000, 17000, 65536, 1 << 20, 15 << 20};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		check_metadata(publisher, subscriber, sizes[i], false);
		check_metadata(publisher, subscriber, sizes[i], true);
	}
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(metadata_of_a_held_frame_stays_while_others_come)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	uint64_t buffer[64];
	struct tachyon_record record;
	struct tachyon_frame frame, held;
	size_t used = 0, position = 0;

	CHECK_EQ(tachyon_record_append(buffer, sizeof(buffer), &used, 64, "kept", 5), 0);
	CHECK_EQ(acquire_number(publisher, PICTURE, 0, &frame), 0);
	frame.metadata = buffer;
	frame.metadata_size = used;
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	held = expect_frame(subscriber, PICTURE, 0);
	for (uint64_t i = 1; i < 3000; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		take_frame(subscriber, PICTURE, i);
	}
	CHECK_EQ(tachyon_record_next(&held, &position, &record), 1);
	CHECK_MEM_EQ(record.data, "kept", 5);
	tachyon_frame_release(&held);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(metadata_that_is_too_big_or_no_metadata_is_refused)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	const size_t most = (16 << 20) + 64;
	uint8_t *const buffer = malloc(most);
	const struct tach_wire_record own = {.type = TACH_RECORD_OFFSETS, .size = 16};
	struct tachyon_frame frame;
	size_t used = 0;

	CHECK_EQ(acquire_number(publisher, PICTURE, 1, &frame), 0);
	memset(buffer, 0, most);
	CHECK_EQ(tachyon_record_append(buffer, most, &used, 64, NULL, 0), 0);
	memcpy(buffer, &(struct tach_wire_record){.type = 64, .size = (16 << 20)}, 8);
	frame.metadata = buffer;
	frame.metadata_size = (16 << 20) + 8;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_publisher_send(publisher, &frame), TACHYON_ERR_TOO_BIG);

	frame.metadata_size = 4;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), -EINVAL);
	frame.metadata_size = 16;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), -EINVAL);
	memcpy(buffer, &own, sizeof(own));
	frame.metadata_size = 24;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), -EINVAL);
	frame.metadata = NULL;
	CHECK_EQ(tachyon_publisher_publish(publisher, &frame, NULL), -EINVAL);
	CHECK(frame.block);
	frame.metadata_size = 0;
	CHECK_EQ(tachyon_publisher_commit(publisher, &frame), 1);
	take_frame(subscriber, PICTURE, 1);
	free(buffer);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
