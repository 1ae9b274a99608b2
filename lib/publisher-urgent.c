/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events to subscribers: beside the rings, on the sockets (PROTOCOL.md 7).
 */
#include "publisher.h"

/* Whoever left meanwhile is noticed, and dropped, by whoever dispatches. */
static int send_to(struct tach_link *link, const union tach_urgent_buffer *packet, size_t size)
{
	const int ret = link->is_leaving ? -ENOENT : tach_link_send_urgent(link, packet, size);

	return ret == -EPIPE || ret == -ENOTCONN ? -ENOENT : ret;
}

static int send_to_one(struct tachyon_publisher *publisher, uint64_t id,
		       const union tach_urgent_buffer *packet, size_t size)
{
	uint64_t mask = publisher->audience.present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (publisher->audience.links[slot].id == id)
			return send_to(&publisher->audience.links[slot], packet, size);
	}
	return -ENOENT;
}

static int send_to_all(struct tachyon_publisher *publisher, const union tach_urgent_buffer *packet,
		       size_t size)
{
	uint64_t mask = publisher->audience.present;
	int worst = 0;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const int ret = send_to(&publisher->audience.links[slot], packet, size);

		if (ret < 0 && ret != -ENOENT && ret != -ENOTSUP)
			worst = ret;
	}
	return worst;
}

int tachyon_publisher_send_urgent(struct tachyon_publisher *publisher, uint64_t subscriber,
				  const struct tachyon_event *event)
{
	union tach_urgent_buffer packet;
	ssize_t size;
	int ret = tach_publisher_check_usable(publisher);

	if (ret < 0)
		return ret;
	if (!event || (event->size > 0 && !event->data))
		return -EINVAL;
	size = tach_urgent_put(&packet, event);
	if (size < 0)
		return (int)size;

	ret = tach_publisher_lock_open(publisher);
	if (ret < 0)
		return ret;
	if (subscriber)
		ret = send_to_one(publisher, subscriber, &packet, (size_t)size);
	else
		ret = send_to_all(publisher, &packet, (size_t)size);
	/* No wait is for room in a socket: nothing to be noted. */
	tach_publisher_unlock(publisher, 0);
	return ret;
}
