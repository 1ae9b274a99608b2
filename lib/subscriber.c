/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The receiving end of a publisher: taking frames and state in order (PROTOCOL.md 7).
 */
#include "subscriber.h"

#include <stdlib.h>

#include "connect.h"
#include "sock.h"

#define MAX_BYTES_DEFAULT (4ull << 30)

int tach_subscriber_check_usable(const struct tachyon_subscriber *subscriber)
{
	if (!subscriber)
		return -EINVAL;
	return subscriber->token == tach_os_process_token() ? 0 : TACHYON_ERR_FORKED;
}

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* --- life --- */

static int complete(const struct tachyon_subscriber_options *given,
		    struct tachyon_subscriber_options *options)
{
	const int ret = tach_copy_options(options, sizeof(*options), given);

	if (ret < 0)
		return ret;
	if (options->spin == TACHYON_SPIN_NEVER)
		options->spin = 0;
	if (options->max_bytes == 0)
		options->max_bytes = MAX_BYTES_DEFAULT;
	if (options->ring_size == 0)
		options->ring_size = TACH_RING_SIZE_DEFAULT;
	options->ring_size = tach_ring_size(options->ring_size);
	return options->ring_size ? 0 : -EINVAL;
}

int tachyon_subscriber_create(const char *address, const struct tachyon_subscriber_options *given,
			      struct tachyon_subscriber **out)
{
	struct tachyon_subscriber *subscriber;
	int ret;

	if (!out)
		return -EINVAL;
	ret = address ? tach_sock_check_address(address) : 0;
	if (ret < 0)
		return ret;
	subscriber = calloc(1, sizeof(*subscriber));
	if (!subscriber)
		return -ENOMEM;

	ret = complete(given, &subscriber->options);
	if (ret < 0)
		goto err_free;
	ret = -ENOMEM;
	if (address)
		subscriber->address = strdup(address);
	if (address && !subscriber->address)
		goto err_free;
	ret = tach_os_eventfd();
	if (ret < 0)
		goto err_address;
	subscriber->cancel = ret;
	ret = tach_subscriber_urgent_init(subscriber);
	if (ret < 0)
		goto err_cancel;

	pthread_mutex_init(&subscriber->lock, NULL);
	subscriber->token = tach_os_process_token();
	*out = subscriber;
	return 0;

err_cancel:
	tach_os_close(subscriber->cancel);
err_address:
	free(subscriber->address);
err_free:
	free(subscriber);
	return ret;
}

void tachyon_subscriber_destroy(struct tachyon_subscriber *subscriber)
{
	if (!subscriber)
		return;
	tach_subscriber_leave(subscriber);
	tach_subscriber_urgent_fini(subscriber);
	pthread_mutex_destroy(&subscriber->lock);
	tach_os_close(subscriber->cancel);
	free(subscriber->scratch);
	free(subscriber->address);
	free(subscriber);
}

/* --- receiving --- */

/* A private copy of a message's body, with a NUL behind: the peer may go on writing its own. */
static int copy_body(struct tachyon_subscriber *subscriber, const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, size);
	copy[size] = '\0';
	free(subscriber->scratch);
	subscriber->scratch = copy;
	return 0;
}

static int decode(struct tachyon_subscriber *subscriber, uint32_t type, size_t size,
		  struct tachyon_item *item)
{
	int ret;

	switch (type) {
	case TACH_WIRE_CAPS:
		item->type = TACHYON_ITEM_CAPS;
		item->caps = subscriber->scratch;
		ret = tach_wire_check_caps(subscriber->scratch, size);
		break;
	case TACH_WIRE_LAYOUT:
		item->type = TACHYON_ITEM_LAYOUT;
		ret = tach_wire_get_layout(subscriber->scratch, size, &item->layout);
		break;
	case TACH_WIRE_CLOCK:
		item->type = TACHYON_ITEM_CLOCK;
		ret = tach_wire_get_clock(subscriber->scratch, size, &item->clock);
		break;
	case TACH_WIRE_EVENT:
		item->type = TACHYON_ITEM_EVENT;
		ret = tach_wire_get_event(subscriber->scratch, size, &item->event);
		break;
	case TACH_WIRE_EOS:
		item->type = TACHYON_ITEM_EOS;
		ret = 0;
		break;
	default: /* a newer publisher's: ignored, as the protocol allows */
		return 0;
	}
	return ret < 0 ? ret : 1;
}

static int take_outline(struct tachyon_subscriber *subscriber,
			const struct tachyon_message *message, struct tachyon_item *item)
{
	uint32_t type;
	size_t size;
	void *body;
	int ret =
		tach_connection_take_outline(subscriber->connection, message, &type, &body, &size);

	if (ret < 0)
		return ret;
	((char *)body)[size] = '\0';
	free(subscriber->scratch);
	subscriber->scratch = body;
	return decode(subscriber, type, size, item);
}

static int take_frame(struct tachyon_subscriber *subscriber, const struct tachyon_message *message,
		      struct tachyon_item *item)
{
	const int ret = tach_connection_take_frame(subscriber->connection, message, &item->frame);

	if (ret < 0)
		return ret;
	item->type = TACHYON_ITEM_FRAME;
	count(&subscriber->frames, 1);
	count(&subscriber->bytes, item->frame.size);
	if (message->type == TACH_WIRE_INLINE && item->frame.size > 0)
		count(&subscriber->copied, 1);
	return 1;
}

/* 1 and an item; 0 when the message was none; negative when the publisher lies. */
static int take(struct tachyon_subscriber *subscriber, const struct tachyon_message *message,
		struct tachyon_item *item)
{
	int ret;

	switch (message->type) {
	case TACH_WIRE_FRAME:
	case TACH_WIRE_INLINE:
		return take_frame(subscriber, message, item);
	case TACH_WIRE_RETIRE:
		return tach_connection_retire(subscriber->connection, message);
	case TACH_WIRE_OUTLINE:
		return take_outline(subscriber, message, item);
	default:
		if (message->size > TACH_WIRE_CONTROL_MAX)
			return -EBADMSG;
		ret = copy_body(subscriber, message->data, message->size);
		return ret < 0 ? ret : decode(subscriber, message->type, message->size, item);
	}
}

static int next_message(struct tachyon_subscriber *subscriber, struct tachyon_message *message,
			int64_t timeout_ns)
{
	if (subscriber->has_next) {
		*message = subscriber->next;
		subscriber->has_next = false;
		return 0;
	}
	return tachyon_bus_receive(tach_connection_bus(subscriber->connection), message,
				   timeout_ns);
}

static bool is_frame(const struct tachyon_message *message)
{
	return message->type == TACH_WIRE_FRAME || message->type == TACH_WIRE_INLINE;
}

/* Replaces the item by a newer frame as long as one stands right behind it. */
static int skip_to_newest(struct tachyon_subscriber *subscriber, struct tachyon_item *item)
{
	struct tachyon_bus *bus = tach_connection_bus(subscriber->connection);
	uint64_t most = bus->receiver.size / TACH_CELL;
	int ret;

	/* As many as a ring holds: who publishes as fast as we skip does not keep us. */
	while (item->type == TACHYON_ITEM_FRAME && most-- > 0 &&
	       tach_ring_is_ready(&bus->receiver)) {
		ret = tachyon_bus_receive(bus, &subscriber->next, 0);
		/* What is wrong is reported by the next call; this frame is good. */
		if (ret < 0)
			return 1;
		if (!is_frame(&subscriber->next)) {
			subscriber->has_next = true;
			return 1;
		}
		tachyon_frame_release(&item->frame);
		count(&subscriber->dropped, 1);
		ret = take(subscriber, &subscriber->next, item);
		(void)tachyon_bus_release(bus, &subscriber->next);
		if (ret < 0)
			return ret;
		item->frame.hints |= TACHYON_FRAME_AFTER_DROP;
	}
	return 1;
}

static int receive_one(struct tachyon_subscriber *subscriber, struct tachyon_item *item,
		       int64_t timeout_ns)
{
	struct tachyon_bus *bus = tach_connection_bus(subscriber->connection);
	struct tachyon_message message;
	int ret = next_message(subscriber, &message, timeout_ns);

	if (ret < 0)
		return ret;
	ret = take(subscriber, &message, item);
	(void)tachyon_bus_release(bus, &message);
	if (ret > 0 && subscriber->options.latest_only)
		ret = skip_to_newest(subscriber, item);
	if (ret == -EBADMSG)
		return tach_bus_poison(bus);
	/* A frame is lost, and its block with it, as long as this connection lasts. */
	if (ret < 0)
		tach_bus_break(bus, ret);
	return ret;
}

/* Why to look no further, after a message that was none for the caller; 0: look. */
static int why_stop(struct tachyon_subscriber *subscriber, uint32_t cancels, uint64_t deadline,
		    uint64_t *looks)
{
	const struct tachyon_bus *bus = tach_connection_bus(subscriber->connection);

	/* A publisher that sends such without end: as many as a ring holds are none at all. */
	if (deadline == 0)
		return ++*looks < bus->receiver.size / TACH_CELL ? 0 : TACHYON_ERR_AGAIN;
	if (atomic_load_explicit(&bus->is_canceled, memory_order_relaxed) ||
	    atomic_load_explicit(&subscriber->cancels, memory_order_relaxed) != cancels)
		return TACHYON_ERR_CANCELED;
	return deadline != TACH_FOREVER && tach_os_now_ns() >= deadline ? TACHYON_ERR_TIMEDOUT : 0;
}

static int64_t time_left(uint64_t deadline)
{
	if (deadline == 0 || deadline == TACH_FOREVER)
		return deadline == 0 ? 0 : -1;

	const uint64_t now = tach_os_now_ns();

	/* 0 would be a look only, which says AGAIN. */
	return now < deadline ? (int64_t)(deadline - now) : 1;
}

int tachyon_subscriber_receive(struct tachyon_subscriber *subscriber, struct tachyon_item *item,
			       int64_t timeout_ns)
{
	struct tachyon_item taken;
	uint64_t deadline, looks = 0;
	uint32_t cancels;
	int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	if (!item)
		return -EINVAL;
	if (!subscriber->connection)
		return TACHYON_ERR_CLOSED;
	if (subscriber->is_need_unsent)
		tachyon_subscriber_set_need(subscriber, subscriber->need);

	deadline = timeout_ns == 0 ? 0 : tach_os_deadline(timeout_ns);
	cancels = atomic_load_explicit(&subscriber->cancels, memory_order_relaxed);
	for (;;) {
		taken = (struct tachyon_item){0};
		ret = receive_one(subscriber, &taken, timeout_ns);
		if (ret < 0)
			return ret;
		if (ret > 0)
			break;
		ret = why_stop(subscriber, cancels, deadline, &looks);
		if (ret < 0)
			return ret;
		timeout_ns = time_left(deadline);
	}
	*item = taken;
	return 0;
}

/* --- the way back --- */

int tachyon_subscriber_send_event(struct tachyon_subscriber *subscriber,
				  const struct tachyon_event *event)
{
	uint64_t body[(sizeof(struct tach_wire_event) + TACH_WIRE_UP_EVENT_MAX) / 8];
	ssize_t size;
	int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	if (!event || (event->size > 0 && !event->data))
		return -EINVAL;
	if (event->size > TACH_WIRE_UP_EVENT_MAX)
		return TACHYON_ERR_TOO_BIG;
	size = tach_wire_put_event(body, sizeof(body), event);
	if (size < 0)
		return (int)size;

	ret = TACHYON_ERR_CLOSED;
	pthread_mutex_lock(&subscriber->lock);
	if (subscriber->connection)
		ret = tach_connection_send(subscriber->connection, TACH_WIRE_UP_EVENT, body,
					   (size_t)size);
	pthread_mutex_unlock(&subscriber->lock);
	return ret;
}

int tachyon_subscriber_set_need(struct tachyon_subscriber *subscriber, uint32_t blocks)
{
	const int ret = tach_subscriber_check_usable(subscriber);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&subscriber->lock);
	subscriber->need = blocks;
	if (subscriber->connection)
		tach_subscriber_send_need(subscriber);
	pthread_mutex_unlock(&subscriber->lock);
	return 0;
}

/* --- cancelling, polling from outside, figures --- */

void tachyon_subscriber_cancel(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) < 0)
		return;
	pthread_mutex_lock(&subscriber->lock);
	subscriber->is_canceled = true;
	atomic_fetch_add_explicit(&subscriber->cancels, 1, memory_order_relaxed);
	tach_os_event_set(subscriber->cancel);
	if (subscriber->connection)
		tachyon_bus_cancel(tach_connection_bus(subscriber->connection));
	pthread_mutex_unlock(&subscriber->lock);
}

void tachyon_subscriber_resume(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) < 0)
		return;
	pthread_mutex_lock(&subscriber->lock);
	subscriber->is_canceled = false;
	tach_os_event_clear(subscriber->cancel);
	if (subscriber->connection)
		tachyon_bus_resume(tach_connection_bus(subscriber->connection));
	pthread_mutex_unlock(&subscriber->lock);
}

int tachyon_subscriber_fd(struct tachyon_subscriber *subscriber)
{
	int fd = -1;

	if (tach_subscriber_check_usable(subscriber) < 0)
		return -1;
	pthread_mutex_lock(&subscriber->lock);
	if (subscriber->connection)
		fd = tachyon_bus_fd(tach_connection_bus(subscriber->connection));
	pthread_mutex_unlock(&subscriber->lock);
	return fd;
}

int tachyon_subscriber_prepare(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) < 0 || !subscriber->connection ||
	    subscriber->has_next)
		return 1;
	return tachyon_bus_prepare(tach_connection_bus(subscriber->connection));
}

void tachyon_subscriber_dispatch(struct tachyon_subscriber *subscriber)
{
	if (tach_subscriber_check_usable(subscriber) == 0 && subscriber->connection)
		tachyon_bus_dispatch(tach_connection_bus(subscriber->connection));
}

enum tachyon_end tachyon_subscriber_end(struct tachyon_subscriber *subscriber)
{
	enum tachyon_end end;

	if (tach_subscriber_check_usable(subscriber) < 0)
		return TACHYON_END_NONE;
	pthread_mutex_lock(&subscriber->lock);
	end = subscriber->connection ? tachyon_bus_end(tach_connection_bus(subscriber->connection))
				     : subscriber->last_end;
	pthread_mutex_unlock(&subscriber->lock);
	return end;
}

void tachyon_subscriber_get_stats(struct tachyon_subscriber *subscriber,
				  struct tachyon_subscriber_stats *stats)
{
	struct tachyon_subscriber_stats now = {0};
	struct tachyon_bus_stats bus = {.size = sizeof(bus)};

	if (!stats || tach_subscriber_check_usable(subscriber) < 0)
		return;

	pthread_mutex_lock(&subscriber->lock);
	if (subscriber->connection) {
		tachyon_bus_get_stats(tach_connection_bus(subscriber->connection), &bus);
		now.held = tach_connection_held(subscriber->connection);
		now.mapped_bytes = tach_connection_mapped_bytes(subscriber->connection);
	}
	now.sleeps = subscriber->past_sleeps + bus.sleeps;
	pthread_mutex_unlock(&subscriber->lock);

	now.size = stats->size;
	now.peer_pid = bus.peer_pid;
	now.frames = atomic_load_explicit(&subscriber->frames, memory_order_relaxed);
	now.bytes = atomic_load_explicit(&subscriber->bytes, memory_order_relaxed);
	now.copied = atomic_load_explicit(&subscriber->copied, memory_order_relaxed);
	now.dropped = atomic_load_explicit(&subscriber->dropped, memory_order_relaxed);
	now.connects = atomic_load_explicit(&subscriber->connects, memory_order_relaxed);
	memcpy(stats, &now, stats->size < sizeof(now) ? stats->size : sizeof(now));
}
