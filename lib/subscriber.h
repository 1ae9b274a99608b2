/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber's parts, shared by the files that make it: receiving (subscriber.c), connecting
 * (subscriber-connect.c), urgent events (subscriber-urgent.c).
 */
#ifndef TACH_SUBSCRIBER_H
#define TACH_SUBSCRIBER_H

#include <pthread.h>

#include "connection.h"

struct tachyon_subscriber {
	/* guards connection's pointer, for threads that cancel or look while it is replaced */
	pthread_mutex_t lock;
	uint64_t token;
	struct tachyon_subscriber_options options;
	char *address;
	struct tach_connection *connection;
	int cancel;
	_Atomic uint32_t cancels;
	bool is_canceled;
	uint32_t need;
	_Atomic bool is_need_unsent;
	enum tachyon_end last_end;

	/* latest_only looks one message ahead */
	struct tachyon_message next;
	bool has_next;
	/* what the last item's caps or event points into */
	void *scratch;

	/* with options.takes_urgent only */
	struct tach_urgents urgents;
	int urgent_epoll; /* their event, and the socket while something may come; -1: none */
	bool is_watched;  /* that it is in there: with lock, and a connection */

	/* The receiving thread counts, others look. */
	_Atomic uint64_t frames;
	_Atomic uint64_t bytes;
	_Atomic uint64_t copied;
	_Atomic uint64_t dropped;
	_Atomic uint64_t connects;
	uint64_t past_sleeps; /* of connections that ended */
};

/* 0, -EINVAL for NULL, TACHYON_ERR_FORKED. */
int tach_subscriber_check_usable(const struct tachyon_subscriber *subscriber);

/* --- subscriber-connect.c --- */

/* Gives up the connection, if there is one. */
void tach_subscriber_leave(struct tachyon_subscriber *subscriber);
/* With the lock, and a connection. */
void tach_subscriber_send_need(struct tachyon_subscriber *subscriber);

/* --- subscriber-urgent.c --- */

int tach_subscriber_urgent_init(struct tachyon_subscriber *subscriber);
void tach_subscriber_urgent_fini(struct tachyon_subscriber *subscriber);
/* With the lock, as a connection comes and goes: whether its socket can wake who waits. */
int tach_subscriber_watch(struct tachyon_subscriber *subscriber, const struct tachyon_bus *bus);
/* The same; first takes what is there. */
void tach_subscriber_unwatch(struct tachyon_subscriber *subscriber);

#endif
