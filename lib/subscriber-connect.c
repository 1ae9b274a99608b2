/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber's connections: one at a time, to whoever publishes at its address, or over a socket
 * that it is given.
 */
#include "subscriber.h"

#include "connect.h"
#include "sock.h"

void tach_subscriber_leave(struct tachyon_subscriber *subscriber)
{
	struct tach_connection *connection = subscriber->connection;
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};

	if (!connection)
		return;
	tachyon_bus_get_stats(tach_connection_bus(connection), &stats);
	pthread_mutex_lock(&subscriber->lock);
	tach_subscriber_unwatch(subscriber);
	subscriber->last_end = tachyon_bus_end(tach_connection_bus(connection));
	subscriber->past_sleeps += stats.sleeps;
	subscriber->connection = NULL;
	subscriber->has_next = false;
	pthread_mutex_unlock(&subscriber->lock);
	tach_connection_close(connection);
}

void tach_subscriber_send_need(struct tachyon_subscriber *subscriber)
{
	uint32_t body;

	(void)tach_wire_put_need(&body, sizeof(body), subscriber->need);
	subscriber->is_need_unsent = tach_connection_send(subscriber->connection, TACH_WIRE_NEED,
							  &body, sizeof(body)) == TACHYON_ERR_AGAIN;
}

/* Takes the bus in any case. */
static int enter(struct tachyon_subscriber *subscriber, struct tachyon_bus *bus)
{
	struct tach_connection *connection;
	int ret = tach_connection_create(bus, subscriber->options.max_bytes,
					 subscriber->options.is_private, &subscriber->urgents,
					 &connection);

	if (ret < 0) {
		tachyon_bus_destroy(bus);
		return ret;
	}

	pthread_mutex_lock(&subscriber->lock);
	subscriber->connection = connection;
	ret = tach_subscriber_watch(subscriber, bus);
	subscriber->last_end = TACHYON_END_NONE;
	if (subscriber->is_canceled)
		tachyon_bus_cancel(bus);
	if (subscriber->need > 0)
		tach_subscriber_send_need(subscriber);
	pthread_mutex_unlock(&subscriber->lock);
	atomic_fetch_add_explicit(&subscriber->connects, 1, memory_order_relaxed);
	if (ret < 0)
		tach_subscriber_leave(subscriber);
	return ret;
}

static uint32_t features(const struct tachyon_subscriber_options *options)
{
	return (options->takes_urgent ? TACH_FEATURE_URGENT : 0) |
	       (options->takes_descriptors ? TACH_FEATURE_DESCRIPTORS : 0);
}

/* address: NULL where there is a socket already. */
static struct tach_dial make_dial(const struct tachyon_subscriber *subscriber, const char *address,
				  int64_t timeout_ns)
{
	const struct tachyon_subscriber_options *options = &subscriber->options;

	return (struct tach_dial){
		.address = address,
		.service = TACH_SERVICE_FRAMES,
		.ring_size = options->ring_size,
		.max_peer_ring_size = TACH_PEER_RING_SIZE_DEFAULT,
		.features = features(options),
		.rule = {.allow_any = options->any_uid},
		.allow_root = true,
		.request = {.spin = options->spin, .wants_public_fd = true, .is_given = !address},
		.deadline_ns = tach_os_deadline(timeout_ns),
		.is_one_look = timeout_ns == 0,
		.cancel_fd = subscriber->cancel,
		.cancels = &subscriber->cancels,
		.is_canceled = options->is_canceled,
		.is_canceled_data = options->is_canceled_data,
	};
}

int tachyon_subscriber_connect(struct tachyon_subscriber *subscriber, int64_t timeout_ns)
{
	struct tachyon_bus *bus;
	struct tach_dial dial;
	int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	if (!subscriber->address)
		return -EINVAL;
	tach_subscriber_leave(subscriber);
	dial = make_dial(subscriber, subscriber->address, timeout_ns);
	ret = tach_dial(&dial, &bus);
	return ret < 0 ? ret : enter(subscriber, bus);
}

int tachyon_subscriber_adopt(struct tachyon_subscriber *subscriber, int sock, int64_t timeout_ns)
{
	struct tachyon_bus *bus;
	struct tach_dial dial;
	int own, ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	own = tach_sock_adopt(sock);
	if (own < 0)
		return own;
	tach_subscriber_leave(subscriber);
	dial = make_dial(subscriber, NULL, timeout_ns);
	ret = tach_dial_over(&dial, own, &bus);
	return ret < 0 ? ret : enter(subscriber, bus);
}
