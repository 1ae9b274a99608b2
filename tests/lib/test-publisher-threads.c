/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Several threads in one publisher at once: they publish, wait, cancel, set state and reclaim,
 * within little memory; nothing is lost, doubled or left waiting.
 */
#include <stdatomic.h>

#include "frames.h"
#include "system.h"

#define THREADS 4
#define FRAMES 3000 /* of each thread */

struct crew {
	struct tachyon_publisher *publisher;
	int cookies[THREADS][FRAMES];
	atomic_int reclaimed;
	atomic_int published;
	atomic_bool is_over;
	size_t size;
};

struct worker {
	struct helper helper;
	struct crew *crew;
	uint32_t number;
};

/* Waits, and again where a cancel came between. */
static void wait_or_be_canceled(struct tachyon_publisher *publisher)
{
	const int ret = tachyon_publisher_wait(publisher, LONG_NS);

	CHECK(ret == 0 || ret == TACHYON_ERR_CANCELED);
}

static void reclaim(struct crew *crew)
{
	for (int *cookie; (cookie = tachyon_publisher_reclaim(crew->publisher));) {
		CHECK_EQ((*cookie)++, 0);
		crew->reclaimed++;
	}
}

static int publish_many(void *argument)
{
	struct worker *const worker = argument;
	struct crew *const crew = worker->crew;

	for (uint64_t i = 0; i < FRAMES; i++) {
		const uint64_t number = (uint64_t)worker->number << 32 | i;
		struct tachyon_frame frame;
		int ret;

		while ((ret = acquire_number(crew->publisher, crew->size, number, &frame)) ==
		       TACHYON_ERR_AGAIN) {
			reclaim(crew);
			wait_or_be_canceled(crew->publisher);
		}
		CHECK_EQ(ret, 0);
		while ((ret = tachyon_publisher_publish(crew->publisher, &frame,
							&crew->cookies[worker->number][i])) ==
		       TACHYON_ERR_AGAIN)
			wait_or_be_canceled(crew->publisher);
		CHECK(ret >= 1);
		crew->published++;
		tachyon_publisher_abandon(crew->publisher, &frame);
		if (i % 16 == 0)
			reclaim(crew);
	}
	return 0;
}

/* What an element's other threads do meanwhile. */
static int disturb(void *argument)
{
	struct crew *const crew = argument;
	struct tachyon_notice notice;

	for (uint32_t i = 0; !crew->is_over; i++) {
		const struct tachyon_event event = text_event(i % 5, i % 2, 60, "an event");
		const int ret = tachyon_publisher_send_event(crew->publisher, &event);

		CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
		serve(crew->publisher, 1);
		(void)figures(crew->publisher);
		while (tachyon_publisher_next_notice(crew->publisher, &notice))
			;
		if (i % 3 == 0) {
			tachyon_publisher_cancel(crew->publisher);
			tachyon_publisher_resume(crew->publisher);
		}
		if (tachyon_publisher_prepare(crew->publisher) == 0)
			(void)poll(&(struct pollfd){.fd = tachyon_publisher_fd(crew->publisher),
						    .events = POLLIN},
				   1, 1);
		CHECK_EQ(tachyon_publisher_dispatch(crew->publisher), 0);
	}
	return 0;
}

struct watcher {
	struct helper helper;
	struct tachyon_subscriber *subscriber;
	int frames;
	int held;
};

/* Takes all frames: each thread's in its order, all of them. */
static int watch(void *argument)
{
	struct watcher *const watcher = argument;
	uint64_t next[THREADS] = {0};
	struct tachyon_frame hand[8] = {0};
	struct tachyon_item item;

	while (watcher->frames < THREADS * FRAMES) {
		uint32_t thread;

		CHECK_EQ(tachyon_subscriber_receive(watcher->subscriber, &item, LONG_NS), 0);
		if (item.type != TACHYON_ITEM_FRAME)
			continue;
		CHECK(is_number(&item.frame, item.frame.pts));
		thread = (uint32_t)(item.frame.pts >> 32);
		CHECK(thread < THREADS);
		CHECK_EQ(item.frame.pts & UINT32_MAX, next[thread]++);
		tachyon_frame_release(&hand[watcher->frames % 8]);
		if (watcher->frames % 8 < watcher->held)
			hand[watcher->frames % 8] = item.frame;
		else
			tachyon_frame_release(&item.frame);
		watcher->frames++;
	}
	for (int i = 0; i < 8; i++)
		tachyon_frame_release(&hand[i]);
	return 0;
}

static void run_crew(size_t size, uint64_t max_bytes, uint32_t max_buffers)
{
	struct tachyon_publisher_options options =
		publisher_options(TACHYON_POLICY_BLOCK, max_buffers);
	static struct crew crew;
	struct worker workers[THREADS];
	struct watcher watchers[2];
	struct helper disturber;

	options.max_bytes = max_bytes;
	options.ring_size = 8192;
	crew.publisher = make_publisher(&options);
	crew.size = size;
	for (int i = 0; i < 2; i++) {
		watchers[i] = (struct watcher){.subscriber = join(crew.publisher), .held = 3 * i};
		start_helper(&watchers[i].helper, watch, &watchers[i]);
	}
	start_helper(&disturber, disturb, &crew);
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.crew = &crew, .number = i};
		start_helper(&workers[i].helper, publish_many, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(finish_helper(&workers[i].helper), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(finish_helper(&watchers[i].helper), 0);
	crew.is_over = true;
	CHECK_EQ(finish_helper(&disturber), 0);
	for (int i = 0; i < 2; i++)
		tachyon_subscriber_destroy(watchers[i].subscriber);
	serve(crew.publisher, 1);
	CHECK_EQ(blocks_in_use(crew.publisher), 0);
	reclaim(&crew);
	CHECK_EQ(crew.reclaimed, THREADS * FRAMES);
	CHECK_EQ(crew.published, THREADS * FRAMES);
	tachyon_publisher_destroy(crew.publisher);
}

TEST(many_threads_publish_with_room_enough)
{
	run_crew(300, 0, 0);
}

TEST(many_threads_publish_within_little_memory)
{
	run_crew(5000, 256 << 10, 0);
}

TEST(many_threads_publish_to_slow_subscribers)
{
	run_crew(300, 1 << 20, 3);
}
