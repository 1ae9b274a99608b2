/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The packet of an urgent event, and the queue of those that came.
 */
#include "urgent.h"

#include <stdlib.h>

#include "os.h"

#define EVENTS_MAX 256u
#define BYTES_MAX (64u << 10)

/* --- packets --- */

ssize_t tach_urgent_put(union tach_urgent_buffer *buffer, const struct tachyon_event *event)
{
	const size_t head = offsetof(struct tach_urgent_packet, event);
	ssize_t size;

	buffer->packet = (struct tach_urgent_packet){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_URGENT,
	};
	size = tach_wire_put_event(buffer->bytes + head, sizeof(buffer->bytes) - head, event);
	return size < 0 ? size : (ssize_t)head + size;
}

int tach_urgent_get(const union tach_urgent_buffer *buffer, size_t size,
		    struct tachyon_event *event)
{
	const size_t head = offsetof(struct tach_urgent_packet, event);

	if (size < sizeof(buffer->packet) || size > sizeof(buffer->bytes))
		return -EBADMSG;
	if (buffer->packet.magic != TACH_MAGIC || buffer->packet.protocol != TACH_PROTOCOL ||
	    buffer->packet.kind != TACH_PACKET_URGENT)
		return -EBADMSG;
	return tach_wire_get_event(buffer->bytes + head, size - head, event);
}

/* --- the queue --- */

struct tach_urgent {
	struct tach_urgent *next;
	struct tachyon_event public;
	_Alignas(16) uint8_t data[];
};

int tach_urgents_init(struct tach_urgents *urgents)
{
	const int event = tach_os_eventfd();

	if (event < 0)
		return event;
	*urgents = (struct tach_urgents){.event = event};
	pthread_mutex_init(&urgents->lock, NULL);
	return 0;
}

void tach_urgents_fini(struct tach_urgents *urgents)
{
	while (urgents->first) {
		struct tach_urgent *urgent = urgents->first;

		urgents->first = urgent->next;
		free(urgent);
	}
	free(urgents->taken);
	pthread_mutex_destroy(&urgents->lock);
	tach_os_close(urgents->event);
}

/* With the lock: readable while there is a reason to look. */
static void settle(struct tach_urgents *urgents)
{
	const bool should_be_set = urgents->first || urgents->is_canceled;

	if (should_be_set == urgents->is_set)
		return;
	if (should_be_set)
		tach_os_event_set(urgents->event);
	else
		tach_os_event_clear(urgents->event);
	urgents->is_set = should_be_set;
}

static struct tach_urgent *copy(const struct tachyon_event *event)
{
	struct tach_urgent *urgent = malloc(sizeof(*urgent) + event->size);

	if (!urgent)
		return NULL;
	urgent->next = NULL;
	urgent->public = *event;
	urgent->public.data = event->size > 0 ? urgent->data : NULL;
	if (event->size > 0)
		memcpy(urgent->data, event->data, event->size);
	return urgent;
}

void tach_urgents_add(struct tach_urgents *urgents, const struct tachyon_event *event)
{
	struct tach_urgent *urgent;

	pthread_mutex_lock(&urgents->lock);
	if (urgents->count == EVENTS_MAX || event->size > BYTES_MAX - urgents->bytes)
		goto unlock;
	/* Without memory it is lost, as it is where too many wait. */
	urgent = copy(event);
	if (!urgent)
		goto unlock;

	if (urgents->last)
		urgents->last->next = urgent;
	else
		urgents->first = urgent;
	urgents->last = urgent;
	urgents->count++;
	urgents->bytes += event->size;
	settle(urgents);
unlock:
	pthread_mutex_unlock(&urgents->lock);
}

/* With the lock. */
static int take(struct tach_urgents *urgents, struct tachyon_event *event)
{
	struct tach_urgent *urgent = urgents->first;

	free(urgents->taken);
	urgents->taken = urgent;
	if (!urgent)
		return 0;
	urgents->first = urgent->next;
	if (!urgents->first)
		urgents->last = NULL;
	urgents->count--;
	urgents->bytes -= urgent->public.size;
	*event = urgent->public;
	return 1;
}

int tach_urgents_take(struct tach_urgents *urgents, uint32_t cancels, struct tachyon_event *event)
{
	int ret = -ECANCELED;

	pthread_mutex_lock(&urgents->lock);
	if (!urgents->is_canceled && urgents->cancels == cancels)
		ret = take(urgents, event);
	settle(urgents);
	pthread_mutex_unlock(&urgents->lock);
	return ret;
}

uint32_t tach_urgents_cancels(struct tach_urgents *urgents)
{
	uint32_t cancels;

	pthread_mutex_lock(&urgents->lock);
	cancels = urgents->cancels;
	pthread_mutex_unlock(&urgents->lock);
	return cancels;
}

void tach_urgents_cancel(struct tach_urgents *urgents)
{
	pthread_mutex_lock(&urgents->lock);
	urgents->is_canceled = true;
	urgents->cancels++;
	settle(urgents);
	pthread_mutex_unlock(&urgents->lock);
}

/*
 * The event stays set until the taker looks: a thread that sleeps on it, and did not wake yet,
 * would sleep on.
 */
void tach_urgents_resume(struct tach_urgents *urgents)
{
	pthread_mutex_lock(&urgents->lock);
	urgents->is_canceled = false;
	pthread_mutex_unlock(&urgents->lock);
}
