/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events of a subscriber: beside the ring, on the socket (PROTOCOL.md 7).
 *
 * A thread of their own waits for them, while another one receives frames and replaces the
 * connection. So what it polls is an epoll set that stays, which the socket enters and leaves.
 */
#include "subscriber.h"

/* What a publisher that went away said before: as much as a socket holds, as a rule. */
#define LAST_TURNS 8

enum { KEY_EVENT, KEY_SOCK };

int tach_subscriber_urgent_init(struct tachyon_subscriber *subscriber)
{
	int ret;

	subscriber->urgent_epoll = -1;
	if (!subscriber->options.takes_urgent)
		return 0;
	ret = tach_urgents_init(&subscriber->urgents);
	if (ret < 0)
		return ret;
	ret = subscriber->urgent_epoll = tach_os_epoll();
	if (ret < 0)
		goto err_urgents;
	ret = tach_os_epoll_add(subscriber->urgent_epoll, subscriber->urgents.event, KEY_EVENT);
	if (ret < 0)
		goto err_epoll;
	return 0;

err_epoll:
	tach_os_close(subscriber->urgent_epoll);
err_urgents:
	tach_urgents_fini(&subscriber->urgents);
	return ret;
}

void tach_subscriber_urgent_fini(struct tachyon_subscriber *subscriber)
{
	if (!subscriber->options.takes_urgent)
		return;
	tach_os_close(subscriber->urgent_epoll);
	tach_urgents_fini(&subscriber->urgents);
}

int tach_subscriber_watch(struct tachyon_subscriber *subscriber, const struct tachyon_bus *bus)
{
	int ret;

	if (!(bus->features & TACH_FEATURE_URGENT))
		return 0;
	ret = tach_os_epoll_add(subscriber->urgent_epoll, bus->sock, KEY_SOCK);
	subscriber->is_watched = ret == 0;
	return ret;
}

/* With the lock. A socket that hung up, or that nothing good will come from, is always readable. */
static void forget_sock(struct tachyon_subscriber *subscriber)
{
	const struct tachyon_bus *bus = tach_connection_bus(subscriber->connection);

	tach_os_epoll_remove(subscriber->urgent_epoll, bus->sock);
	subscriber->is_watched = false;
}

void tach_subscriber_unwatch(struct tachyon_subscriber *subscriber)
{
	/* What a forked child took, or removed, would be missing in its parent's. */
	if (!subscriber->is_watched || tach_subscriber_check_usable(subscriber) < 0)
		return;
	for (int i = 0; i < LAST_TURNS; i++) {
		if (tach_connection_take_urgent(subscriber->connection) < 0)
			break;
	}
	forget_sock(subscriber);
}

/* --- taking --- */

static void read_sock(struct tachyon_subscriber *subscriber)
{
	int ret;

	pthread_mutex_lock(&subscriber->lock);
	if (subscriber->is_watched) {
		ret = tach_connection_take_urgent(subscriber->connection);
		/* Without memory now, it is still there the next time. */
		if (ret < 0 && ret != -EAGAIN && ret != -ENOMEM)
			forget_sock(subscriber);
	}
	pthread_mutex_unlock(&subscriber->lock);
}

/* 1, 0: none is there, or -ECANCELED. */
static int take(struct tachyon_subscriber *subscriber, uint32_t cancels,
		struct tachyon_event *event)
{
	const int ret = tach_urgents_take(&subscriber->urgents, cancels, event);

	if (ret != 0)
		return ret;
	read_sock(subscriber);
	return tach_urgents_take(&subscriber->urgents, cancels, event);
}

int tachyon_subscriber_receive_urgent(struct tachyon_subscriber *subscriber,
				      struct tachyon_event *event, int64_t timeout_ns)
{
	struct pollfd entry = {.events = POLLIN};
	uint64_t deadline;
	uint32_t cancels;
	int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	if (!event)
		return -EINVAL;
	if (!subscriber->options.takes_urgent)
		return -ENOTSUP;

	entry.fd = subscriber->urgent_epoll;
	deadline = tach_os_deadline(timeout_ns);
	cancels = tach_urgents_cancels(&subscriber->urgents);
	for (;;) {
		ret = take(subscriber, cancels, event);
		if (ret != 0)
			return ret < 0 ? ret : 0;
		if (timeout_ns == 0)
			return TACHYON_ERR_AGAIN;
		if (deadline != TACH_FOREVER && tach_os_now_ns() >= deadline)
			return TACHYON_ERR_TIMEDOUT;
		(void)tach_os_poll(&entry, 1, deadline);
	}
}

int tachyon_subscriber_urgent_fd(struct tachyon_subscriber *subscriber)
{
	return tach_subscriber_check_usable(subscriber) < 0 ? -1 : subscriber->urgent_epoll;
}

void tachyon_subscriber_cancel_urgent(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) == 0 && subscriber->options.takes_urgent)
		tach_urgents_cancel(&subscriber->urgents);
}

void tachyon_subscriber_resume_urgent(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) == 0 && subscriber->options.takes_urgent)
		tach_urgents_resume(&subscriber->urgents);
}

/* --- sending --- */

int tachyon_subscriber_send_urgent(struct tachyon_subscriber *subscriber,
				   const struct tachyon_event *event)
{
	int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	if (!event || (event->size > 0 && !event->data))
		return -EINVAL;
	if (event->size > TACH_URGENT_DATA_MAX)
		return TACHYON_ERR_TOO_BIG;

	ret = TACHYON_ERR_CLOSED;
	pthread_mutex_lock(&subscriber->lock);
	if (subscriber->connection)
		ret = tach_connection_send_urgent(subscriber->connection, event);
	pthread_mutex_unlock(&subscriber->lock);
	return ret;
}
