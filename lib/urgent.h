/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Urgent events: the packet that carries one, and the queue of those that wait for a subscriber's
 * user (PROTOCOL.md 7).
 */
#ifndef TACH_URGENT_H
#define TACH_URGENT_H

#include <pthread.h>
#include <sys/types.h>

#include "wire.h"

/* A packet as it is on the socket, with room for the largest. */
union tach_urgent_buffer {
	struct tach_urgent_packet packet;
	uint8_t bytes[sizeof(struct tach_urgent_packet) + TACH_URGENT_DATA_MAX];
};

/* The packet's size; -EMSGSIZE when the event is too large. */
ssize_t tach_urgent_put(union tach_urgent_buffer *buffer, const struct tachyon_event *event);
/* All of a packet of size bytes; event->data points into it. 0 or -EBADMSG. */
int tach_urgent_get(const union tach_urgent_buffer *buffer, size_t size,
		    struct tachyon_event *event);

/* --- those that wait; any thread adds, one takes --- */

struct tach_urgent;

struct tach_urgents {
	pthread_mutex_t lock;
	struct tach_urgent *first;
	struct tach_urgent *last;
	uint32_t count;
	size_t bytes;
	struct tach_urgent *taken; /* whose data the taker looks at */
	int event;		   /* an eventfd: readable while some wait, or after a cancel */
	bool is_set;
	bool is_canceled;
	uint32_t cancels; /* how often: one that was taken back at once counts too */
};

int tach_urgents_init(struct tach_urgents *urgents);
void tach_urgents_fini(struct tach_urgents *urgents);
/* Copies it. Where 256 wait, or 64 KiB, it is dropped. */
void tach_urgents_add(struct tach_urgents *urgents, const struct tachyon_event *event);
/*
 * 1 and the oldest, its data valid until the next call; 0: none waits; -ECANCELED, also when a
 * cancel since *cancels was told was taken back.
 */
int tach_urgents_take(struct tach_urgents *urgents, uint32_t cancels, struct tachyon_event *event);
/* What to tell tach_urgents_take() in one wait. */
uint32_t tach_urgents_cancels(struct tach_urgents *urgents);
void tach_urgents_cancel(struct tach_urgents *urgents);
void tach_urgents_resume(struct tach_urgents *urgents);

#endif
