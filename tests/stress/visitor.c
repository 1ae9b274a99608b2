/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber of stress-frames: comes, checks all that it gets, goes, and comes again as another
 * kind of visitor.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "content.h"
#include "keeper.h"
#include "scene.h"

/* What kind of visitor it is this time. */
struct kind {
	bool takes_latest_only, is_private, takes_urgent, polls;
	bool has_thread; /* that releases */
	bool keeps_beyond;
	unsigned int keeps;    /* frames at a time, most */
	unsigned int pause_us; /* after each frame, at the most */
	unsigned int stay;     /* items */
};

struct visit {
	struct kind kind;
	struct tachyon_subscriber *subscriber;
	struct keeper keeper;
	uint64_t frame, caps, sticky, once, urgent; /* the last of each */
	uint64_t sticky_of[STICKY_IDS];
	uint64_t up;
	uint64_t dice;
	pthread_t urgent_thread;
};

static struct kind choose_kind(uint64_t *dice)
{
	const uint64_t word = draw(dice);
	const bool is_slow = word % 16 == 0;

	return (struct kind){
		.takes_latest_only = word >> 4 & 1 && word >> 5 & 1,
		.is_private = (word >> 6) % 16 == 0,
		.takes_urgent = word >> 10 & 1,
		.polls = word >> 11 & 1 && word >> 12 & 1,
		.has_thread = word >> 13 & 1,
		.keeps_beyond = word >> 14 & 1,
		.keeps = (unsigned int)(word >> 15) % 4,
		.pause_us = is_slow	     ? 30000
			    : word >> 17 & 1 ? 0
					     : 1000,
		.stay = 1 + (unsigned int)(word >> 20) % ((word >> 40) % 4 == 0 ? 1000 : 100),
	};
}

/* --- what it gets --- */

static void check_first_things(struct visit *visit, const struct tachyon_frame *frame)
{
	const uint64_t taken_at = atomic_load(&visit->keeper.taken_at);

	if (frame->pts <= visit->frame)
		fail("frame %lu came after frame %lu", (unsigned long)frame->pts,
		     (unsigned long)visit->frame);
	if (visit->frame > 0 && frame->pts != visit->frame + 1 &&
	    !(frame->hints & TACHYON_FRAME_AFTER_DROP))
		fail("frame %lu came after frame %lu, and nothing is said of what was between",
		     (unsigned long)frame->pts, (unsigned long)visit->frame);
	if (visit->frame > 0 && frame->pts == visit->frame + 1 &&
	    frame->hints & TACHYON_FRAME_AFTER_DROP)
		fail("frame %lu is said to come after a drop, and came after frame %lu",
		     (unsigned long)frame->pts, (unsigned long)visit->frame);
	if (taken_at > 0 && frame->pts > taken_at)
		fail("frame %lu came on a connection that lives: a frame had been taken from it "
		     "before frame %lu",
		     (unsigned long)frame->pts, (unsigned long)taken_at);
	if (frame->duration != visit->caps || frame->dts != visit->sticky)
		fail("frame %lu has caps %lu and sticky event %lu; caps %lu and event %lu came",
		     (unsigned long)frame->pts, (unsigned long)frame->duration,
		     (unsigned long)frame->dts, (unsigned long)visit->caps,
		     (unsigned long)visit->sticky);
}

static void take_frame(struct visit *visit, struct tachyon_frame *frame)
{
	check_first_things(visit, frame);
	if (frame->offset_end != frame->pts || frame->offset > frame->pts ||
	    frame->size != content_size(frame->offset, frame->duration) ||
	    !content_is_metadata(frame))
		fail("frame %lu: %zu bytes of content %lu, %zu of metadata",
		     (unsigned long)frame->pts, frame->size, (unsigned long)frame->offset,
		     frame->metadata_size);
	keeper_check(&visit->keeper, frame);
	saw(RECEIVED);
	saw(frame->size > 256 ? IN_PLACE : IN_THE_RING);
	saw_many(BYTES, frame->size);
	if (visit->frame > 0 && frame->pts != visit->frame + 1)
		saw(AFTER_GAPS);
	visit->frame = frame->pts;
	if (visit->kind.keeps == 0 || !keeper_keep(&visit->keeper, frame))
		tachyon_frame_release(frame);
	if (keeper_count(&visit->keeper) > visit->kind.keeps)
		keeper_give_back(&visit->keeper, false);
}

static void take_event(struct visit *visit, const struct tachyon_event *event)
{
	const uint64_t number = content_read_event(event);

	if (number == 0)
		fail("an event is wrong: type %u, %zu bytes", event->type, event->size);
	if (event->type == EVENT_STICKY) {
		uint64_t *const last = &visit->sticky_of[number % STICKY_IDS];

		if (number <= *last || event->id != number % STICKY_IDS)
			fail("sticky event %lu after %lu", (unsigned long)number,
			     (unsigned long)*last);
		*last = number;
		visit->sticky = number > visit->sticky ? number : visit->sticky;
		saw(STICKY);
		return;
	}
	if (event->type != EVENT_ONCE || number <= visit->once)
		fail("event %lu of type %u after %lu", (unsigned long)number, event->type,
		     (unsigned long)visit->once);
	visit->once = number;
	saw(ONCE);
}

static void take_item(struct visit *visit, struct tachyon_item *item)
{
	uint64_t caps;

	switch (item->type) {
	case TACHYON_ITEM_FRAME:
		take_frame(visit, &item->frame);
		return;
	case TACHYON_ITEM_CAPS:
		caps = content_read_caps(item->caps);
		if (caps <= visit->caps)
			fail("caps %lu after %lu: %.80s", (unsigned long)caps,
			     (unsigned long)visit->caps, item->caps);
		visit->caps = caps;
		saw(CAPS);
		return;
	case TACHYON_ITEM_EVENT:
		take_event(visit, &item->event);
		return;
	case TACHYON_ITEM_LAYOUT:
	case TACHYON_ITEM_CLOCK:
	case TACHYON_ITEM_EOS:
		break;
	}
	fail("an item of type %d that nobody sent", (int)item->type);
}

/* --- urgent events, on a thread of their own --- */

static void *take_urgent_events(void *data)
{
	struct visit *const visit = data;
	struct tachyon_event event;
	uint64_t number;
	int ret;

	while ((ret = tachyon_subscriber_receive_urgent(visit->subscriber, &event, HANG_NS)) !=
	       TACHYON_ERR_CANCELED) {
		/* Nobody promises that there is one in a minute. */
		if (ret == TACHYON_ERR_TIMEDOUT)
			continue;
		expect(ret, 0, "receive_urgent");
		number = content_read_event(&event);
		if (event.type != EVENT_URGENT || number <= visit->urgent)
			fail("urgent event %lu of type %u after %lu", (unsigned long)number,
			     event.type, (unsigned long)visit->urgent);
		visit->urgent = number;
		saw(URGENT);
	}
	return NULL;
}

static void send_up(struct visit *visit)
{
	const bool is_urgent = visit->kind.takes_urgent && draw(&visit->dice) % 2 == 0;
	const uint32_t type = is_urgent ? EVENT_UP_URGENT : EVENT_UP;
	uint8_t data[EVENT_LARGEST];
	const struct tachyon_event event = {
		.type = type,
		.data = data,
		.size = content_write_event(type, ++visit->up, data),
	};
	const int ret = is_urgent ? tachyon_subscriber_send_urgent(visit->subscriber, &event)
				  : tachyon_subscriber_send_event(visit->subscriber, &event);

	if (ret != TACHYON_ERR_AGAIN && ret != TACHYON_ERR_CLOSED)
		expect(ret, 0, is_urgent ? "send_urgent" : "send_event");
}

/* --- coming, staying, leaving --- */

static int receive_polling(struct visit *visit, struct tachyon_item *item, int64_t timeout_ns)
{
	struct tachyon_subscriber *const subscriber = visit->subscriber;
	struct pollfd entry = {.fd = tachyon_subscriber_fd(subscriber), .events = POLLIN};
	const int64_t deadline = now_ns() + timeout_ns;
	int ret = tachyon_subscriber_receive(subscriber, item, 0);

	while (ret == TACHYON_ERR_AGAIN) {
		const int64_t left = (deadline - now_ns()) / MILLISECOND;

		if (left <= 0)
			return TACHYON_ERR_TIMEDOUT;
		if (tachyon_subscriber_prepare(subscriber) == 0) {
			poll(&entry, 1, (int)left);
			tachyon_subscriber_dispatch(subscriber);
		}
		ret = tachyon_subscriber_receive(subscriber, item, 0);
	}
	return ret;
}

/* Who holds frames does not wait for long: the publisher might wait for them. */
static int receive(struct visit *visit, struct tachyon_item *item)
{
	const bool has_some = keeper_count(&visit->keeper) > 0;
	const int64_t timeout_ns = has_some ? 50 * MILLISECOND : 3 * HANG_NS;
	const int ret = visit->kind.polls
				? receive_polling(visit, item, timeout_ns)
				: tachyon_subscriber_receive(visit->subscriber, item, timeout_ns);

	if (ret != TACHYON_ERR_TIMEDOUT || !has_some)
		return ret;
	keeper_give_back(&visit->keeper, true);
	return TACHYON_ERR_AGAIN;
}

static void stay(struct visit *visit)
{
	struct tachyon_item item;

	for (unsigned int i = 0; i < visit->kind.stay && phase_now() == PLAYING; i++) {
		const int ret = receive(visit, &item);

		if (is_over())
			_exit(EXIT_FAILURE);
		if (ret == TACHYON_ERR_CLOSED) {
			/* It was too slow; the publisher itself never leaves. */
			expect((int)tachyon_subscriber_end(visit->subscriber), TACHYON_END_CLOSED,
			       "how a connection ended");
			break;
		}
		if (ret == TACHYON_ERR_AGAIN)
			continue;
		expect(ret, 0, "receive");
		take_item(visit, &item);
		if (draw(&visit->dice) % 32 == 0)
			send_up(visit);
		if (visit->kind.pause_us > 0 && draw(&visit->dice) % 8 == 0)
			usleep((useconds_t)(draw(&visit->dice) % visit->kind.pause_us));
	}
}

/* False: it was not let in, while others are, or before all were sent out. */
static bool come_in(struct visit *visit)
{
	while (phase_now() == PLAYING) {
		const int ret = tachyon_subscriber_connect(visit->subscriber, SECOND);

		if (ret == 0)
			return true;
		if (is_over())
			_exit(EXIT_FAILURE);
		/* The place of one who was killed is not free yet, or the machine is busy. */
		if (ret != -EBUSY && ret != TACHYON_ERR_TIMEDOUT)
			fail("connect: %s", tachyon_strerror(ret));
		usleep(2000);
	}
	return false;
}

static void open_visit(struct visit *visit, uint64_t *dice)
{
	const struct kind kind = choose_kind(dice);
	const struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.spin = (uint32_t)(draw(dice) % 4 * 50),
		.ring_size = draw(dice) % 4 == 0 ? 4096 : 0,
		.latest_only = kind.takes_latest_only,
		.is_private = kind.is_private,
		.takes_urgent = kind.takes_urgent,
	};

	*visit = (struct visit){.kind = kind, .dice = draw(dice)};
	expect(tachyon_subscriber_create(scene->address, &options, &visit->subscriber), 0,
	       "subscriber_create");
	keeper_start(&visit->keeper, kind.has_thread, draw(dice));
	if (kind.takes_urgent &&
	    pthread_create(&visit->urgent_thread, NULL, take_urgent_events, visit) != 0)
		fail("no thread");
}

/* Frames outlive the subscriber, also in another thread. */
static void close_visit(struct visit *visit)
{
	if (visit->kind.takes_urgent) {
		tachyon_subscriber_cancel_urgent(visit->subscriber);
		pthread_join(visit->urgent_thread, NULL);
	}
	if (!visit->kind.keeps_beyond)
		keeper_give_back(&visit->keeper, true);
	saw_many(KEPT_BEYOND, keeper_count(&visit->keeper));
	tachyon_subscriber_destroy(visit->subscriber);
	keeper_stop(&visit->keeper);
}

void visitor_run(unsigned int place, uint64_t seed)
{
	const struct belongings before = count_belongings();
	static struct visit visit;
	uint64_t dice = seed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (phase_now() != OVER && !is_over()) {
		atomic_store(&scene->is_inside[place], 1);
		if (phase_now() == PLAYING) {
			open_visit(&visit, &dice);
			if (come_in(&visit))
				stay(&visit);
			close_visit(&visit);
			expect_nothing_left(&before, "a visitor");
		}
		atomic_store(&scene->is_inside[place], 0);
		usleep(phase_now() == PLAYING ? draw(&dice) % 5000 : 2000);
	}
	exit(EXIT_SUCCESS);
}
