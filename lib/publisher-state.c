/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the frames are: caps, layout, clock, events, end of stream, in order with the frames.
 *
 * State never waits for a subscriber: who has no room for it now gets it before its next frame.
 */
#include <stdlib.h>

#include "publisher.h"

static void sync_all(struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.joined;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const int ret = tach_link_sync(&publisher->audience.links[slot]);

		if (ret < 0 && ret != -EAGAIN)
			tach_audience_drop(publisher, slot);
	}
}

static int set_state(struct tachyon_publisher *publisher, struct tach_sticky_key key,
		     enum tach_wire_type type, const void *body, size_t size)
{
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	tach_audience_drain(publisher);
	ret = tach_sticky_set(&publisher->sticky, key, type, body, size);
	if (ret == 0)
		sync_all(publisher);
	return tach_publisher_unlock(publisher, ret);
}

int tachyon_publisher_set_caps(struct tachyon_publisher *publisher, const char *caps)
{
	const struct tach_sticky_key key = {.order = TACHYON_ORDER_CAPS};
	size_t size;

	if (!caps)
		return -EINVAL;
	size = strlen(caps) + 1;
	if (size > TACH_WIRE_CONTROL_MAX)
		return TACHYON_ERR_TOO_BIG;
	if (tach_wire_check_caps(caps, size) < 0)
		return -EINVAL;
	return set_state(publisher, key, TACH_WIRE_CAPS, caps, size);
}

int tachyon_publisher_set_layout(struct tachyon_publisher *publisher,
				 const struct tachyon_layout *layout)
{
	const struct tach_sticky_key key = {.order = TACHYON_ORDER_LAYOUT};
	struct tach_wire_layout body;

	if (!layout || layout->plane_count > TACH_ARRAY_SIZE(layout->offset))
		return -EINVAL;
	(void)tach_wire_put_layout(&body, sizeof(body), layout);
	return set_state(publisher, key, TACH_WIRE_LAYOUT, &body, sizeof(body));
}

int tachyon_publisher_set_clock(struct tachyon_publisher *publisher,
				const struct tachyon_clock *clock)
{
	const struct tach_sticky_key key = {.order = TACHYON_ORDER_CLOCK};
	struct tach_wire_clock body;

	if (!clock)
		return -EINVAL;
	(void)tach_wire_put_clock(&body, sizeof(body), clock);
	return set_state(publisher, key, TACH_WIRE_CLOCK, &body, sizeof(body));
}

int tachyon_publisher_send_eos(struct tachyon_publisher *publisher)
{
	const struct tach_sticky_key key = {.order = TACHYON_ORDER_EOS};

	return set_state(publisher, key, TACH_WIRE_EOS, NULL, 0);
}

void tachyon_publisher_forget(struct tachyon_publisher *publisher, uint32_t order)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	tach_sticky_forget(&publisher->sticky, order);
	tach_publisher_unlock(publisher, 0);
}

/* --- events that are not state --- */

/* All have room, or, where the policy is to block, nobody gets it. */
static int is_room_for_all(struct tachyon_publisher *publisher, size_t size)
{
	uint64_t mask = publisher->audience.joined;

	if (publisher->options.policy != TACHYON_POLICY_BLOCK)
		return 0;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];

		if (tach_link_has_room(link, size, 0, UINT32_MAX) == -EAGAIN) {
			tach_link_block(link);
			return TACHYON_ERR_AGAIN;
		}
	}
	return 0;
}

static int send_once(struct tachyon_publisher *publisher, const void *body, size_t size)
{
	uint64_t mask;
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	tach_audience_drain(publisher);
	ret = is_room_for_all(publisher, size > publisher->options.ring_size / 4 ? 64 : size);
	if (ret < 0)
		return tach_publisher_unlock(publisher, ret);

	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];
		const int sent = tach_link_put_event(link, body, size);

		/*
		 * Where the policy is to drop, an event that finds no room is dropped like a frame.
		 */
		if (sent < 0 && sent != -EAGAIN)
			tach_audience_drop(publisher, slot);
		else
			tach_link_flush(link);
	}
	return tach_publisher_unlock(publisher, 0);
}

int tachyon_publisher_send_event(struct tachyon_publisher *publisher,
				 const struct tachyon_event *event)
{
	struct tach_sticky_key key;
	size_t capacity;
	ssize_t size;
	void *body;
	int ret;

	if (!event || (event->size > 0 && !event->data))
		return -EINVAL;
	if (event->size > TACH_WIRE_CONTROL_MAX - sizeof(struct tach_wire_event))
		return TACHYON_ERR_TOO_BIG;

	capacity = sizeof(struct tach_wire_event) + event->size;
	body = malloc(capacity);
	if (!body)
		return -ENOMEM;
	size = tach_wire_put_event(body, capacity, event);
	assert(size == (ssize_t)capacity);

	key = (struct tach_sticky_key){event->order, event->type, event->id};
	if (event->flags & TACHYON_EVENT_STICKY)
		ret = set_state(publisher, key, TACH_WIRE_EVENT, body, capacity);
	else
		ret = send_once(publisher, body, capacity);
	free(body);
	return ret;
}
