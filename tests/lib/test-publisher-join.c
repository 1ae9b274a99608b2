/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Subscribers that come and go while state changes and frames flow, rings that are smaller than
 * the state, as many subscribers as there may be, and very many one after another.
 */
#include <stdatomic.h>

#include "frames.h"
#include "system.h"

#define PICTURE 300u

/* --- a show: what was set when, against what each subscriber saw --- */

#define KEYS 40
#define STEPS_MAX 20000

struct show {
	struct tachyon_publisher *publisher;
	/* which key each version set; atomic: a sanitizer does not see what orders it */
	_Atomic uint8_t key_of[STEPS_MAX];
	_Atomic uint32_t version;
	_Atomic bool is_over;
	size_t event_size;
	/* who is dropped may find other content in its blocks, and can tell */
	bool drops_subscribers;
};

struct viewer {
	struct helper helper;
	struct show *show;
	uint32_t known[KEYS];
	unsigned int seed;
	uint32_t frames;
	uint32_t visits;
};

static void wait_for_room(struct show *show)
{
	const int ret = tachyon_publisher_wait(show->publisher, LONG_NS);

	CHECK_EQ(ret, 0);
}

/* Sets a key to the next version: an event whose data is the version, and padding. */
static void set_next(struct show *show, unsigned int *seed)
{
	const uint32_t version = show->version + 1;
	const uint32_t key = (uint32_t)rand_r(seed) % KEYS;
	uint8_t data[512] = {0};
	const struct tachyon_event event = {
		.type = 1 + key % 7,
		.flags = TACHYON_EVENT_STICKY,
		.order = key / 7,
		.id = key,
		.data = data,
		.size = sizeof(version) + (size_t)rand_r(seed) % show->event_size,
	};

	memcpy(data, &version, sizeof(version));
	show->key_of[version] = (uint8_t)key;
	while (tachyon_publisher_send_event(show->publisher, &event) == TACHYON_ERR_AGAIN)
		wait_for_room(show);
	show->version = version;
}

/* A frame whose pts is the version of the state that it belongs to. */
static void publish_next(struct show *show)
{
	int ret;

	while ((ret = publish_number(show->publisher, PICTURE, show->version)) == TACHYON_ERR_AGAIN)
		wait_for_room(show);
	CHECK(ret >= 0);
}

static void check_state(const struct viewer *viewer, uint32_t version)
{
	uint32_t truth[KEYS] = {0};

	for (uint32_t i = 1; i <= version; i++)
		truth[atomic_load(&viewer->show->key_of[i])] = i;
	for (int key = 0; key < KEYS; key++)
		CHECK_EQ(viewer->known[key], truth[key]);
}

static void view_item(struct viewer *viewer, struct tachyon_item *item)
{
	uint32_t version;

	if (item->type == TACHYON_ITEM_FRAME) {
		if (!is_number(&item->frame, item->frame.pts))
			CHECK(viewer->show->drops_subscribers &&
			      !tachyon_frame_is_valid(&item->frame));
		check_state(viewer, (uint32_t)item->frame.pts);
		tachyon_frame_release(&item->frame);
		viewer->frames++;
		return;
	}
	CHECK_EQ(item->type, TACHYON_ITEM_EVENT);
	CHECK(item->event.id < KEYS);
	memcpy(&version, item->event.data, sizeof(version));
	CHECK(version > viewer->known[item->event.id]);
	viewer->known[item->event.id] = version;
}

/* Comes, looks for a while, leaves; again and again. */
static int visit(void *argument)
{
	struct viewer *const viewer = argument;
	struct tachyon_subscriber *const subscriber = make_subscriber(NULL);
	struct tachyon_item item;
	int ret;

	while (!viewer->show->is_over) {
		const uint32_t until = viewer->frames + (uint32_t)rand_r(&viewer->seed) % 50;

		ret = tachyon_subscriber_connect(subscriber, 100 * MS);
		if (ret == TACHYON_ERR_TIMEDOUT)
			continue;
		CHECK_EQ(ret, 0);
		memset(viewer->known, 0, sizeof(viewer->known));
		viewer->visits++;
		while (viewer->frames <= until && !viewer->show->is_over) {
			ret = tachyon_subscriber_receive(subscriber, &item, 50 * MS);
			if (ret == TACHYON_ERR_TIMEDOUT)
				continue;
			if (ret == TACHYON_ERR_CLOSED)
				break;
			CHECK_EQ(ret, 0);
			view_item(viewer, &item);
		}
	}
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

/* As an element's service thread does it. */
static int serve_show(void *argument)
{
	struct show *const show = argument;

	while (!show->is_over)
		serve(show->publisher, 20);
	return 0;
}

static void run_show(const struct tachyon_publisher_options *options, uint32_t steps,
		     size_t event_size, int viewer_count)
{
	static struct show show;
	struct viewer viewers[4] = {0};
	struct helper service;
	unsigned int seed = 7;
	uint32_t visits = 0, frames = 0;

	show = (struct show){.publisher = make_publisher(options),
			     .event_size = event_size,
			     .drops_subscribers = options->policy == TACHYON_POLICY_DISCONNECT};
	start_helper(&service, serve_show, &show);
	for (int i = 0; i < viewer_count; i++) {
		viewers[i] = (struct viewer){.show = &show, .seed = (unsigned int)i};
		start_helper(&viewers[i].helper, visit, &viewers[i]);
	}
	for (uint32_t i = 0; i < steps; i++) {
		if (rand_r(&seed) % 3 == 0)
			set_next(&show, &seed);
		else
			publish_next(&show);
		/* Time for viewers to come. */
		if (i % 16 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	show.is_over = true;
	for (int i = 0; i < viewer_count; i++) {
		CHECK_EQ(finish_helper(&viewers[i].helper), 0);
		visits += viewers[i].visits;
		frames += viewers[i].frames;
	}
	CHECK_EQ(finish_helper(&service), 0);
	CHECK(visits >= 3);
	CHECK(frames >= 30);
	serve(show.publisher, 1);
	CHECK_EQ(blocks_in_use(show.publisher), 0);
	tachyon_publisher_destroy(show.publisher);
}

TEST(state_and_frames_agree_for_all_who_come_and_go)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 8);

	run_show(&options, 10000, 100, 3);
}

TEST(state_and_frames_agree_in_a_ring_smaller_than_the_state)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);

	options.ring_size = 4096;
	run_show(&options, 6000, 500, 3);
}

TEST(state_and_frames_agree_where_frames_are_dropped)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 4);

	options.ring_size = 4096;
	run_show(&options, 10000, 200, 4);
}

TEST(state_and_frames_agree_where_the_slow_are_disconnected)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DISCONNECT, 40);

	options.ring_size = 16384;
	run_show(&options, 10000, 200, 3);
}

/* --- one who joins slowly --- */

TEST(one_whose_ring_is_full_of_state_is_joining_until_it_read_enough)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_subscriber *slow, *fast;
	struct tachyon_publisher *publisher;
	struct tachyon_item item;
	struct helper helper;
	char text[64];

	options.ring_size = 4096;
	publisher = make_publisher(&options);
	for (uint32_t i = 0; i < 100; i++) {
		struct tachyon_event event;

		snprintf(text, sizeof(text), "state %u, with some words to make it longer", i);
		event = text_event(i, TACHYON_EVENT_STICKY, 5, text);
		CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	}
	slow = make_subscriber(NULL);
	start_helper(&helper, connect_subscriber_in_helper, slow);
	while (pthread_tryjoin_np(helper.thread, NULL) != 0)
		serve(publisher, 1);
	CHECK_EQ(helper.result, 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 0);
	/* It holds up nobody: frames do not concern it yet. */
	CHECK_EQ(publish_number(publisher, PICTURE, 1), 0);

	fast = make_subscriber(NULL);
	start_helper(&helper, connect_subscriber_in_helper, fast);
	for (uint32_t i = 0; i < 100;) {
		serve(publisher, 1);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		if (tachyon_subscriber_fd(fast) < 0 ||
		    tachyon_subscriber_receive(fast, &item, 0) < 0)
			continue;
		CHECK_EQ(item.event.type, i++);
	}
	CHECK_EQ(finish_helper(&helper), 0);
	EVENTUALLY(tachyon_publisher_dispatch(publisher) == 0 &&
		   tachyon_publisher_subscribers(publisher) == 1);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 1);
	take_frame(fast, PICTURE, 2);

	for (uint32_t i = 0; i < 100;) {
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		if (tachyon_subscriber_receive(slow, &item, 0) == 0)
			CHECK_EQ(item.event.type, i++);
	}
	EVENTUALLY(tachyon_publisher_dispatch(publisher) == 0 &&
		   tachyon_publisher_subscribers(publisher) == 2);
	CHECK_EQ(publish_number(publisher, PICTURE, 3), 2);
	take_frame(slow, PICTURE, 3);
	take_frame(fast, PICTURE, 3);
	tachyon_subscriber_destroy(slow);
	tachyon_subscriber_destroy(fast);
	tachyon_publisher_destroy(publisher);
}

TEST(a_joining_subscriber_that_reads_wakes_its_publisher)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_publisher *publisher;
	struct show show = {0};
	struct helper service;
	struct tachyon_subscriber *subscriber;
	struct tachyon_item item;

	options.ring_size = 4096;
	publisher = make_publisher(&options);
	for (uint32_t i = 0; i < 300; i++) {
		const struct tachyon_event event =
			text_event(i, TACHYON_EVENT_STICKY, 5, "state in some words");

		CHECK_EQ(tachyon_publisher_send_event(publisher, &event), 0);
	}
	/* Nothing but a thread that polls the fd, prepared, as an element's does. */
	show.publisher = publisher;
	start_helper(&service, serve_show, &show);
	subscriber = make_subscriber(NULL);
	CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
	for (uint32_t i = 0; i < 300; i++) {
		CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, 5000 * MS), 0);
		CHECK_EQ(item.event.type, i);
	}
	show.is_over = true;
	CHECK_EQ(finish_helper(&service), 0);
	tachyon_subscriber_destroy(subscriber);
	tachyon_publisher_destroy(publisher);
}

/* --- many --- */

TEST(there_is_room_for_64_and_the_65th_is_refused)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *subscribers[TACHYON_SUBSCRIBERS_MAX];
	struct tachyon_subscriber *surplus = make_subscriber(NULL);
	int ret;

	for (int i = 0; i < TACHYON_SUBSCRIBERS_MAX; i++)
		subscribers[i] = join(publisher);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 64);
	ret = connect_to(publisher, surplus);
	CHECK(ret < 0);
	CHECK_EQ(ret, -EBUSY);

	CHECK_EQ(publish_number(publisher, PICTURE, 1), 64);
	for (int i = 0; i < TACHYON_SUBSCRIBERS_MAX; i++) {
		CHECK_EQ(blocks_in_use(publisher), 1);
		take_frame(subscribers[i], PICTURE, 1);
	}
	CHECK_EQ(blocks_in_use(publisher), 0);

	tachyon_subscriber_destroy(subscribers[17]);
	serve(publisher, 0);
	CHECK_EQ(connect_to(publisher, surplus), 0);
	CHECK_EQ(publish_number(publisher, PICTURE, 2), 64);
	take_frame(surplus, PICTURE, 2);
	tachyon_subscriber_destroy(surplus);
	for (int i = 0; i < TACHYON_SUBSCRIBERS_MAX; i++) {
		if (i != 17)
			tachyon_subscriber_destroy(subscribers[i]);
	}
	serve(publisher, 0);
	CHECK_EQ(blocks_in_use(publisher), 0);
	tachyon_publisher_destroy(publisher);
}

TEST(a_limit_of_subscribers_is_kept)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 0);
	struct tachyon_subscriber *subscribers[3];
	struct tachyon_publisher *publisher;

	options.max_subscribers = 2;
	publisher = make_publisher(&options);
	for (int i = 0; i < 2; i++)
		subscribers[i] = join(publisher);
	subscribers[2] = make_subscriber(NULL);
	CHECK(connect_to(publisher, subscribers[2]) < 0);
	CHECK_EQ(tachyon_publisher_subscribers(publisher), 2);
	for (int i = 0; i < 3; i++)
		tachyon_subscriber_destroy(subscribers[i]);
	tachyon_publisher_destroy(publisher);
}

#define MANY 10000

static int subscribe_very_often(void *argument)
{
	struct show *const show = argument;
	struct tachyon_item item;

	for (int i = 0; i < MANY; i++) {
		struct tachyon_subscriber *const subscriber = make_subscriber(NULL);

		CHECK_EQ(tachyon_subscriber_connect(subscriber, LONG_NS), 0);
		if (i % 4 == 0) {
			CHECK_EQ(tachyon_subscriber_receive(subscriber, &item, LONG_NS), 0);
			CHECK_STR_EQ(item.caps, "caps");
		}
		tachyon_subscriber_destroy(subscriber);
	}
	show->is_over = true;
	return 0;
}

TEST_WITH_TIMEOUT(ten_thousand_subscribers_one_after_another_leak_nothing, 120)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 0);
	struct tachyon_notice notice;
	struct show show = {0};
	struct helper helper;
	int fds, mappings;

	options.ring_size = 4096;
	show.publisher = make_publisher(&options);
	CHECK_EQ(tachyon_publisher_set_caps(show.publisher, "caps"), 0);
	CHECK_EQ(publish_number(show.publisher, PICTURE, 0), 0);
	fds = count_fds();
	mappings = count_memfd_mappings();
	start_helper(&helper, subscribe_very_often, &show);
	while (!show.is_over) {
		serve(show.publisher, 1);
		CHECK(publish_number(show.publisher, PICTURE, 0) >= 0);
		while (tachyon_publisher_next_notice(show.publisher, &notice))
			;
	}
	CHECK_EQ(finish_helper(&helper), 0);
	serve(show.publisher, 10);
	CHECK_EQ(tachyon_publisher_subscribers(show.publisher), 0);
	CHECK_EQ(blocks_in_use(show.publisher), 0);
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_memfd_mappings(), mappings);
	tachyon_publisher_destroy(show.publisher);
}
