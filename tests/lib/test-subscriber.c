/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber: connecting and every way in which that fails, frames held and released, newest
 * only.
 */
#include <signal.h>
#include <sys/stat.h>

#include "frames.h"
#include "system.h"

#define PICTURE 5000u

/* --- connecting --- */

TEST(connecting_where_nobody_publishes_ends_at_its_timeout)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	const uint64_t start = tach_os_now_ns();
	struct tachyon_item item = {.type = 77};

	CHECK_EQ(tachyon_subscriber_connect(subscriber, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 30 * MS), TACHYON_ERR_TIMEDOUT);
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);

	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, -1), TACHYON_ERR_CLOSED);
	CHECK_EQ(item.type, 77);
	CHECK_EQ(tachyon_subscriber_fd(subscriber), -1);
	CHECK_EQ(tachyon_subscriber_end(subscriber), TACHYON_END_NONE);
	CHECK_EQ(subscriber_figures(subscriber).connects, 0);
	tachyon_subscriber_destroy(subscriber);
}

TEST(connecting_can_be_canceled)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct helper helper;

	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	sleep_ms(20);
	tachyon_subscriber_cancel(subscriber);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_CANCELED);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, -1), TACHYON_ERR_CANCELED);
	tachyon_subscriber_resume(subscriber);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, MS), TACHYON_ERR_TIMEDOUT);
	tachyon_subscriber_destroy(subscriber);
}

static int always(void *data)
{
	++*(int *)data;
	return 1;
}

TEST(connecting_ends_when_the_caller_says_so)
{
	int asked = 0;
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.is_canceled = always,
		.is_canceled_data = &asked,
	};
	struct tachyon_subscriber *const subscriber = make_subscriber(&options);

	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), TACHYON_ERR_CANCELED);
	CHECK_EQ(asked, 1);
	tachyon_subscriber_destroy(subscriber);
}

TEST(the_subscriber_may_come_first)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_publisher *publisher;
	struct helper helper;

	start_helper(&helper, connect_subscriber_in_helper, subscriber);
	sleep_ms(20);
	publisher = make_publisher(NULL);
	while (tachyon_publisher_subscribers(publisher) == 0)
		serve(publisher, 1);
	CHECK_EQ(finish_helper(&helper), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 0), 1);
	take_frame(subscriber, PICTURE, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

static int listen_for_bus(void *argument)
{
	struct tachyon_bus *bus;
	const int ret = tachyon_listener_accept(argument, 300 * MS, &bus);

	return ret;
}

TEST(a_bus_listener_is_another_service)
{
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_listener *listener;
	struct helper helper;

	CHECK_EQ(tachyon_listener_create(ADDRESS, NULL, &listener), 0);
	start_helper(&helper, listen_for_bus, listener);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), TACHYON_ERR_VERSION);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_TIMEDOUT);
	tachyon_listener_destroy(listener);
	tachyon_subscriber_destroy(subscriber);
}

TEST(a_bus_cannot_connect_to_a_publisher)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	const struct tachyon_bus_options options = bus_options(0, 0);
	struct connecting connecting = {.options = &options};
	struct helper helper;

	start_helper(&helper, connect_in_helper, &connecting);
	while (pthread_tryjoin_np(helper.thread, NULL) != 0)
		serve(publisher, 1);
	CHECK_EQ(helper.result, TACHYON_ERR_VERSION);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(a_bad_address_or_option_is_told_at_create_or_connect)
{
	struct tachyon_subscriber_options options = {.size = 0};
	struct tachyon_subscriber *subscriber = (struct tachyon_subscriber *)&options;
	char path[200] = "";

	memset(path, 'a', 150);
	CHECK_EQ(tachyon_subscriber_create(path, NULL, &subscriber), -ENAMETOOLONG);
	CHECK_EQ(tachyon_subscriber_create("", NULL, &subscriber), -EINVAL);
	CHECK_EQ(tachyon_subscriber_create(ADDRESS, NULL, NULL), -EINVAL);
	CHECK_EQ(tachyon_subscriber_create(ADDRESS, &options, &subscriber), -EINVAL);
	options = (struct tachyon_subscriber_options){.size = sizeof(options),
						      .ring_size = UINT64_MAX};
	CHECK_EQ(tachyon_subscriber_create(ADDRESS, &options, &subscriber), -EINVAL);
	CHECK_EQ(subscriber, &options);

	CHECK_EQ(tachyon_subscriber_connect(NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_subscriber_receive(NULL, NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_subscriber_set_need(NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_subscriber_send_event(NULL, NULL), -EINVAL);
	tachyon_subscriber_destroy(NULL);

	CHECK_EQ(mkdir("directory", 0700), 0);
	CHECK_EQ(tachyon_subscriber_create("directory", NULL, &subscriber), 0);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, 50 * MS), -ENOTSOCK);
	tachyon_subscriber_destroy(subscriber);
	CHECK_EQ(rmdir("directory"), 0);
}

/* --- holding --- */

TEST(frames_are_released_in_any_order)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame frames[32];

	for (uint64_t i = 0; i < 32; i++) {
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
		frames[i] = expect_frame(subscriber, PICTURE, i);
	}
	CHECK_EQ(subscriber_figures(subscriber).held, 32);
	for (uint64_t i = 0; i < 32; i++) {
		const uint64_t which = i * 11 % 32;

		CHECK(is_number(&frames[which], which));
		CHECK_EQ(tachyon_frame_is_valid(&frames[which]), 1);
		tachyon_frame_release(&frames[which]);
		CHECK_EQ(blocks_in_use(publisher), 31 - i);
	}
	CHECK_EQ(subscriber_figures(subscriber).held, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

#define RELEASERS 3

struct shelf {
	pthread_mutex_t lock;
	struct tachyon_frame frames[64];
	int count;
	bool is_closed;
};

/* Takes a random frame from the shelf, checks it once more, gives it back. */
static int release_from(void *argument)
{
	struct shelf *const shelf = argument;
	unsigned int seed = 1;

	for (;;) {
		struct tachyon_frame frame = {.block = NULL};
		bool is_closed;

		pthread_mutex_lock(&shelf->lock);
		is_closed = shelf->is_closed;
		if (shelf->count > 0) {
			const int which = rand_r(&seed) % shelf->count;

			frame = shelf->frames[which];
			shelf->frames[which] = shelf->frames[--shelf->count];
		}
		pthread_mutex_unlock(&shelf->lock);
		if (frame.block) {
			CHECK(is_number(&frame, frame.pts));
			CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
			tachyon_frame_release(&frame);
		} else if (is_closed) {
			return 0;
		}
	}
}

TEST(frames_are_released_from_other_threads_out_of_order)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct shelf shelf = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct helper helpers[RELEASERS];
	uint64_t published = 0, received = 0;
	struct tachyon_item item;

	options.max_bytes = 1 << 20;
	publisher = make_publisher(&options);
	subscriber = join(publisher);
	for (int i = 0; i < RELEASERS; i++)
		start_helper(&helpers[i], release_from, &shelf);
	while (received < 20000) {
		if (published < 20000 && publish_number(publisher, 200, published) == 1)
			published++;
		if (tachyon_subscriber_receive(subscriber, &item, 0) < 0)
			continue;
		CHECK_EQ(item.frame.pts, received);
		received++;
		for (bool is_stored = false; !is_stored;) {
			pthread_mutex_lock(&shelf.lock);
			if (shelf.count < 64) {
				shelf.frames[shelf.count++] = item.frame;
				is_stored = true;
			}
			pthread_mutex_unlock(&shelf.lock);
		}
	}
	pthread_mutex_lock(&shelf.lock);
	shelf.is_closed = true;
	pthread_mutex_unlock(&shelf.lock);
	for (int i = 0; i < RELEASERS; i++)
		CHECK_EQ(finish_helper(&helpers[i]), 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	CHECK_EQ(subscriber_figures(subscriber).held, 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(how_many_frames_may_be_held_follows_from_the_ring_for_returns)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .ring_size = 4096};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_with(publisher, &options);
	struct tachyon_frame held[64];
	uint64_t count = 0;

	while (publish_number(publisher, PICTURE, count) == 1) {
		held[count] = expect_frame(subscriber, PICTURE, count);
		CHECK(++count < 64);
	}
	CHECK(count >= 4096 / 128 - 2 && count <= 4096 / 128);
	CHECK(held[count - 1].hints & TACHYON_FRAME_SCARCE);
	CHECK(!(held[0].hints & TACHYON_FRAME_SCARCE));
	tachyon_frame_release(&held[5]);
	CHECK_EQ(publish_number(publisher, PICTURE, count), 1);
	held[5] = expect_frame(subscriber, PICTURE, count);
	for (uint64_t i = 0; i < count; i++)
		tachyon_frame_release(&held[i]);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- destroyed while frames are held --- */

TEST(frames_held_stay_intact_after_the_subscriber_is_gone_while_others_go_on)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *leaving, *staying;
	struct tachyon_frame held[3];
	uint64_t number;

	options.max_bytes = 256 << 10;
	publisher = make_publisher(&options);
	leaving = join(publisher);
	staying = join(publisher);
	for (number = 0; number < 3; number++) {
		CHECK_EQ(publish_number(publisher, PICTURE, number), 2);
		held[number] = expect_frame(leaving, PICTURE, number);
		take_frame(staying, PICTURE, number);
	}
	/* Some it never received. */
	CHECK_EQ(publish_number(publisher, PICTURE, number), 2);
	take_frame(staying, PICTURE, number++);
	tachyon_subscriber_destroy(leaving);

	for (; number < 2000; number++) {
		CHECK_EQ(publish_number(publisher, PICTURE, number), 1);
		take_frame(staying, PICTURE, number);
	}
	CHECK_EQ(blocks_in_use(publisher), 3);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 1);
	for (uint64_t i = 0; i < 3; i++) {
		CHECK(is_number(&held[i], i));
		CHECK_EQ(tachyon_frame_is_valid(&held[i]), 1);
		tachyon_frame_release(&held[i]);
		CHECK_EQ(blocks_in_use(publisher), 2 - i);
	}
	serve(publisher, 0);
	tachyon_subscriber_destroy(staying);
	tachyon_publisher_destroy(publisher);
}

TEST(frames_held_stay_intact_after_the_publisher_is_gone)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join(publisher);
	struct tachyon_frame held[3];

	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	held[0] = expect_frame(subscriber, PICTURE, 0);
	tachyon_publisher_destroy(publisher);
	held[1] = expect_frame(subscriber, PICTURE, 1);
	held[2] = expect_frame(subscriber, PICTURE, 2);
	expect_end(subscriber, TACHYON_END_CLOSED);
	tachyon_subscriber_destroy(subscriber);
	for (uint64_t i = 0; i < 3; i++) {
		CHECK(is_number(&held[i], i));
		CHECK_EQ(tachyon_frame_is_valid(&held[i]), 1);
		tachyon_frame_release(&held[i]);
	}
}

TEST(both_ends_may_go_in_any_order_with_frames_on_the_way)
{
	for (int order = 0; order < 6; order++) {
		struct tachyon_publisher *const publisher = make_publisher(NULL);
		struct tachyon_subscriber *const subscriber = join(publisher);
		struct tachyon_frame mine, theirs;

		CHECK_EQ(acquire_number(publisher, PICTURE, 1, &mine), 0);
		CHECK_EQ(tachyon_publisher_publish(publisher, &mine, NULL), 1);
		CHECK_EQ(tachyon_publisher_publish(publisher, &mine, NULL), 1);
		theirs = expect_frame(subscriber, PICTURE, 1);
		for (int step = 0; step < 3; step++) {
			switch ((order + step * (order < 3 ? 1 : 2)) % 3) {
			case 0:
				tachyon_publisher_destroy(publisher);
				break;
			case 1:
				tachyon_subscriber_destroy(subscriber);
				break;
			default:
				CHECK(is_number(&mine, 1));
				tachyon_frame_release(&mine);
				break;
			}
			CHECK(is_number(&theirs, 1));
		}
		tachyon_frame_release(&theirs);
	}
}

/* --- the newest only --- */

TEST(latest_only_skips_to_the_newest_frame)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .latest_only = 1};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_with(publisher, &options);
	struct tachyon_frame frame;

	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	frame = expect_frame(subscriber, PICTURE, 9);
	CHECK(frame.hints & TACHYON_FRAME_AFTER_DROP);
	expect_nothing(subscriber);
	CHECK_EQ(subscriber_figures(subscriber).dropped, 9);
	CHECK_EQ(blocks_in_use(publisher), 1);
	tachyon_frame_release(&frame);

	CHECK_EQ(publish_number(publisher, PICTURE, 10), 1);
	take_frame(subscriber, PICTURE, 10);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

TEST(latest_only_skips_no_state)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .latest_only = 1};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const subscriber = join_with(publisher, &options);

	CHECK_EQ(tachyon_publisher_set_caps(publisher, "one"), 0);
	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	CHECK_EQ(tachyon_publisher_set_caps(publisher, "two"), 0);
	for (uint64_t i = 3; i < 6; i++)
		CHECK_EQ(publish_number(publisher, PICTURE, i), 1);
	CHECK_EQ(tachyon_publisher_send_eos(publisher), 0);

	expect_caps(subscriber, "one");
	for (struct tachyon_item item;;) {
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), 0);
		if (item.type == TACHYON_ITEM_CAPS) {
			CHECK_STR_EQ(item.caps, "two");
			break;
		}
		CHECK_EQ(item.type, TACHYON_ITEM_FRAME);
		CHECK(item.frame.pts < 3);
		tachyon_frame_release(&item.frame);
	}
	take_frame(subscriber, PICTURE, 5);
	(void)expect(subscriber, TACHYON_ITEM_EOS);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- limits --- */

TEST(payload_over_max_bytes_is_too_big)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .max_bytes = 1 << 20};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const modest = join_with(publisher, &options);
	struct tachyon_subscriber *const other = join(publisher);
	struct tachyon_item item;

	CHECK_EQ(publish_number(publisher, 2 << 20, 0), 2);
	CHECK_EQ(tachyon_subscriber_receive(modest, &item, 0), TACHYON_ERR_TOO_BIG);
	take_frame(other, 2 << 20, 0);
	tachyon_subscriber_destroy(modest);
	tachyon_subscriber_destroy(other);
	tachyon_publisher_destroy(publisher);
}

TEST(a_segment_that_finds_no_descriptor_is_emfile_and_the_next_connection_goes_on)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;
	struct rlimit limit;

	CHECK_EQ(tachyon_publisher_configure(publisher, PICTURE, 4), 0);
	subscriber = join(publisher);
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 1);
	limit = forbid_fds();
	CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 0), -EMFILE);
	CHECK(tachyon_subscriber_receive(subscriber, &item, 0) < 0);
	setrlimit(RLIMIT_NOFILE, &limit);

	CHECK_EQ(connect_to(publisher, subscriber), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	take_frame(subscriber, PICTURE, 2);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}
