/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* A second thread of the publisher. */
#include "clerk.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "content.h"
#include "scene.h"

static struct guest *find(struct clerk *clerk, uint64_t subscriber)
{
	for (unsigned int i = 0; i < GUESTS_MAX; i++) {
		if (clerk->guests[i].subscriber == subscriber)
			return &clerk->guests[i];
	}
	return NULL;
}

static void welcome(struct clerk *clerk, uint64_t subscriber)
{
	struct guest *const guest = find(clerk, 0);

	if (subscriber == 0 || find(clerk, subscriber))
		fail("subscriber %lu joined twice", (unsigned long)subscriber);
	if (!guest)
		fail("more came than left");
	*guest = (struct guest){.subscriber = subscriber};
	atomic_fetch_add(&clerk->present, 1);
	saw(JOINS);
}

static void see_off(struct clerk *clerk, const struct tachyon_notice *notice)
{
	struct guest *const guest = find(clerk, notice->subscriber);

	if (!guest)
		fail("subscriber %lu left, who had not joined", (unsigned long)notice->subscriber);
	guest->subscriber = 0;
	atomic_fetch_sub(&clerk->present, 1);
	switch (notice->end) {
	case TACHYON_END_CLOSED:
		saw(LEFT_IN_ORDER);
		break;
	case TACHYON_END_DIED:
		saw(LEFT_DYING);
		break;
	case TACHYON_END_LOCAL:
		saw(DROPPED);
		break;
	case TACHYON_END_NONE:
	case TACHYON_END_CORRUPT:
		fail("subscriber %lu left with end %d", (unsigned long)notice->subscriber,
		     (int)notice->end);
	}
}

static void read_mail(struct clerk *clerk, const struct tachyon_notice *notice)
{
	const bool is_urgent = notice->event.type == EVENT_UP_URGENT;
	const uint64_t number = content_read_event(&notice->event);
	struct guest *const guest = find(clerk, notice->subscriber);
	uint64_t *last;

	/* What is urgent overtakes even who joins. */
	if (!guest && !is_urgent)
		fail("an event from subscriber %lu, who is not there",
		     (unsigned long)notice->subscriber);
	if (number == 0 || (!is_urgent && notice->event.type != EVENT_UP))
		fail("an event from subscriber %lu is wrong: type %u, %zu bytes",
		     (unsigned long)notice->subscriber, notice->event.type, notice->event.size);
	saw(is_urgent ? UP_URGENT : UP);
	if (!guest)
		return;
	last = is_urgent ? &guest->up_urgent : &guest->up;
	if (number <= *last)
		fail("event %lu from subscriber %lu after its %lu", (unsigned long)number,
		     (unsigned long)notice->subscriber, (unsigned long)*last);
	*last = number;
}

static void take_notices(struct clerk *clerk)
{
	struct tachyon_notice notice;

	while (tachyon_publisher_next_notice(clerk->publisher, &notice) == 1) {
		switch (notice.type) {
		case TACHYON_NOTICE_JOINED:
			welcome(clerk, notice.subscriber);
			break;
		case TACHYON_NOTICE_LEFT:
			see_off(clerk, &notice);
			break;
		case TACHYON_NOTICE_EVENT:
			read_mail(clerk, &notice);
			break;
		}
	}
}

static void send_urgent(struct clerk *clerk)
{
	uint8_t data[EVENT_LARGEST];
	const struct tachyon_event event = {
		.type = EVENT_URGENT,
		.data = data,
		.size = content_write_event(EVENT_URGENT, ++clerk->urgent, data),
	};
	const int ret = tachyon_publisher_send_urgent(clerk->publisher, 0, &event);

	/* Some take none, and of some the socket is full. */
	if (ret != TACHYON_ERR_AGAIN)
		expect(ret, 0, "send_urgent");
}

static void *work(void *data)
{
	struct clerk *const clerk = data;
	struct pollfd entry = {
		.fd = tachyon_publisher_fd(clerk->publisher),
		.events = POLLIN,
	};

	while (!atomic_load(&clerk->is_done)) {
		if (poll(&entry, 1, 10) > 0)
			expect(tachyon_publisher_dispatch(clerk->publisher), 0, "dispatch");
		take_notices(clerk);
		if (draw(&clerk->dice) % 8 == 0)
			send_urgent(clerk);
	}
	return NULL;
}

void clerk_start(struct clerk *clerk, struct tachyon_publisher *publisher, uint64_t seed)
{
	*clerk = (struct clerk){
		.publisher = publisher,
		.dice = seed,
		.guests = calloc(GUESTS_MAX, sizeof(*clerk->guests)),
	};
	if (!clerk->guests || pthread_create(&clerk->thread, NULL, work, clerk) != 0)
		fail("no clerk");
}

void clerk_expect_nobody(struct clerk *clerk)
{
	const int64_t deadline = now_ns() + HANG_NS;

	while (atomic_load(&clerk->present) > 0) {
		if (now_ns() > deadline)
			fail("%u joined, and nobody said that they left",
			     atomic_load(&clerk->present));
		usleep(1000);
	}
}

void clerk_stop(struct clerk *clerk)
{
	atomic_store(&clerk->is_done, true);
	pthread_join(clerk->thread, NULL);
	free(clerk->guests);
}
