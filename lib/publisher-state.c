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
			tach_audience_fail(publisher, slot, ret);
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

/* A body too large for the ring: one block for all. 0, and a reference that the caller releases. */
static int make_block(struct tachyon_publisher *publisher, const void *body, size_t size,
		      struct tachyon_block **block)
{
	const uint64_t freed = tach_pool_freed(publisher->pool);
	const int ret = tach_pool_acquire(publisher->pool, size, block);

	if (ret == 0)
		memcpy(tach_pool_block_data(*block), body, size);
	else if (ret == TACHYON_ERR_AGAIN)
		tach_publisher_want_blocks(publisher, freed);
	return ret;
}

static void put_to_all(struct tachyon_publisher *publisher, uint64_t ready,
		       enum tach_wire_type type, const void *body, size_t size)
{
	for (unsigned int slot; tach_next_slot(&ready, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];
		const int ret = tach_link_put_event(link, type, body, size);

		if (ret < 0)
			tach_audience_fail(publisher, slot, ret);
		else
			tach_link_flush(link);
	}
}

/* Where the policy is to block, all get it or none; else who has no room goes without. */
static int send_in_ring(struct tachyon_publisher *publisher, const void *body, size_t size)
{
	const struct tach_demand demand = {.message_size = size, .is_event = true};
	uint64_t ready;
	const int ret = tach_publisher_select(publisher, &demand, &ready);

	if (ret == 0)
		put_to_all(publisher, ready, TACH_WIRE_EVENT, body, size);
	return ret;
}

static int send_in_block(struct tachyon_publisher *publisher, struct tachyon_block *block,
			 size_t size)
{
	const struct tach_demand demand = {
		.message_size = sizeof(struct tach_wire_ref),
		.segment = tach_pool_block_segment(block),
		.is_event = true,
	};
	uint8_t message[sizeof(struct tach_wire_ref)];
	struct tach_block_ref ref = {0};
	uint64_t ready;
	int ret = tach_publisher_select(publisher, &demand, &ready);

	if (ret < 0 || ready == 0)
		return ret;
	ret = tach_pool_publish(publisher->pool, block, ready, NULL, &ref);
	if (ret < 0)
		return ret;
	ref.size = (uint32_t)size;
	(void)tach_wire_put_ref(message, sizeof(message), &ref, TACH_WIRE_EVENT);
	put_to_all(publisher, ready, TACH_WIRE_OUTLINE, message, sizeof(message));
	return 0;
}

static int send_once(struct tachyon_publisher *publisher, const void *body, size_t size)
{
	struct tachyon_block *block = NULL;
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	if (size <= publisher->options.ring_size / 4)
		return tach_publisher_unlock(publisher, send_in_ring(publisher, body, size));
	if (publisher->audience.joined == 0)
		return tach_publisher_unlock(publisher, 0);

	ret = make_block(publisher, body, size, &block);
	if (ret < 0) {
		/* Noted already, with what it wants. */
		pthread_mutex_unlock(&publisher->lock);
		return ret;
	}
	ret = send_in_block(publisher, block, size);
	block->ops->release(block);
	return tach_publisher_unlock(publisher, ret);
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
		ret = set_state(publisher, key, TACH_WIRE_EVENT, body, (size_t)size);
	else
		ret = send_once(publisher, body, (size_t)size);
	free(body);
	return ret;
}
