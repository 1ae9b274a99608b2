/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A connection's parts, shared by the files that make it: its life and the way back (connection.c),
 * the frames it holds (connection-frame.c).
 *
 * One thread receives; any thread releases frames. The mutex guards the table of segments, the
 * counts and the sending ring; it is never held across anything that waits.
 */
#ifndef TACH_CONNECTION_PRIVATE_H
#define TACH_CONNECTION_PRIVATE_H

#include <pthread.h>

#include "connection.h"
#include "mapping.h"

struct tach_connection {
	pthread_mutex_t lock;
	struct tachyon_bus *bus; /* NULL once left */
	bool is_closing;
	uint64_t token;
	uint64_t held;
	uint64_t quota;
	struct tach_mappings mappings;
};

/* In a forked child. */
bool tach_connection_is_foreign(const struct tach_connection *connection);
void tach_connection_destroy(struct tach_connection *connection);
/* With the lock: one holder less, and the publisher is told. */
void tach_connection_give_back(struct tach_connection *connection, struct tach_mapping *mapping,
			       uint16_t index, uint32_t generation);

#endif
