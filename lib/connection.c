/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A connection's life, the way back of what it held, urgent events, leaving (PROTOCOL.md 7).
 */
#include "connection-private.h"

#include <stdlib.h>

#include "sock.h"

/* --- life --- */

int tach_connection_create(struct tachyon_bus *bus, uint64_t max_bytes, bool is_private,
			   struct tach_urgents *urgents, struct tach_connection **out)
{
	struct tach_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return -ENOMEM;
	pthread_mutex_init(&connection->lock, NULL);
	connection->bus = bus;
	connection->token = tach_os_process_token();
	connection->quota = bus->sender.size / TACH_CELL / 2;
	connection->mappings.max_bytes = max_bytes;
	connection->mappings.is_private = is_private;
	connection->mappings.takes_descriptors = bus->features & TACH_FEATURE_DESCRIPTORS;
	if (tach_connection_has_urgent(connection))
		connection->mappings.urgents = urgents;
	*out = connection;
	return 0;
}

struct tachyon_bus *tach_connection_bus(const struct tach_connection *connection)
{
	return connection->bus;
}

bool tach_connection_has_urgent(const struct tach_connection *connection)
{
	return connection->bus->features & TACH_FEATURE_URGENT;
}

bool tach_connection_is_foreign(const struct tach_connection *connection)
{
	return connection->token != tach_os_process_token();
}

void tach_connection_destroy(struct tach_connection *connection)
{
	tachyon_bus_destroy(connection->bus);
	tach_mappings_fini(&connection->mappings);
	pthread_mutex_destroy(&connection->lock);
	free(connection);
}

uint64_t tach_connection_held(struct tach_connection *connection)
{
	uint64_t held;

	pthread_mutex_lock(&connection->lock);
	held = connection->held;
	pthread_mutex_unlock(&connection->lock);
	return held;
}

uint64_t tach_connection_mapped_bytes(struct tach_connection *connection)
{
	uint64_t bytes;

	pthread_mutex_lock(&connection->lock);
	bytes = connection->mappings.bytes;
	pthread_mutex_unlock(&connection->lock);
	return bytes;
}

/* --- the way back; all with the lock --- */

static int put(struct tach_connection *connection, uint32_t type, const void *body, size_t size)
{
	struct tachyon_bus *bus = connection->bus;
	void *room;
	int ret;

	/* A bus that broke or was left: nobody waits for it. */
	if (!bus || atomic_load_explicit(&bus->broken, memory_order_relaxed) != 0)
		return TACHYON_ERR_CLOSED;
	ret = tach_ring_reserve(&bus->sender, size, &room);
	if (ret < 0)
		return ret;
	memcpy(room, body, size);
	ret = tach_ring_commit(&bus->sender, size, type);
	assert(ret == 0);
	tach_bus_flush(bus);
	return 0;
}

static void put_ref(struct tach_connection *connection, uint32_t type,
		    const struct tach_block_ref *ref)
{
	uint8_t body[sizeof(struct tach_wire_ref)];
	int ret;

	(void)tach_wire_put_ref(body, sizeof(body), ref, 0);
	ret = put(connection, type, body, sizeof(body));

	/* The quota leaves room for every return: only a publisher that broke it finds none. */
	if (ret == -EAGAIN || ret == -EBADMSG)
		(void)tach_bus_poison(connection->bus);
}

static void retire_if_unused(struct tach_connection *connection, struct tach_mapping *mapping)
{
	const struct tach_block_ref ref = {.segment = mapping->id};

	if (!mapping->is_retiring || mapping->holders > 0)
		return;
	tach_mappings_remove(&connection->mappings, mapping);
	put_ref(connection, TACH_WIRE_RETIRED, &ref);
}

void tach_connection_give_back(struct tach_connection *connection, struct tach_mapping *mapping,
			       uint16_t index, uint32_t generation)
{
	const struct tach_block_ref ref = {
		.segment = mapping->id,
		.block = index,
		.generation = generation,
	};

	put_ref(connection, TACH_WIRE_RETURN, &ref);
	mapping->holders--;
	retire_if_unused(connection, mapping);
}

static int has_room_beside_returns(struct tach_connection *connection, size_t size)
{
	/* So many may have to be answered with a RETIRED at a time, too. */
	const uint64_t retires = connection->mappings.count < TACH_RETIRES_MAX
					 ? connection->mappings.count
					 : TACH_RETIRES_MAX;
	const uint64_t wanted = size + (connection->quota + retires + 1) * TACH_CELL;

	/* Once few enough segments are mapped it may fit: only what never will is too big. */
	if (wanted - retires * TACH_CELL > tach_ring_max_message(connection->bus->sender.size))
		return TACHYON_ERR_TOO_BIG;
	return tach_ring_has_space(&connection->bus->sender, wanted);
}

int tach_connection_send(struct tach_connection *connection, uint32_t type, const void *body,
			 size_t size)
{
	int ret = TACHYON_ERR_CLOSED;

	pthread_mutex_lock(&connection->lock);
	if (connection->bus && !connection->is_closing && !tach_bus_has_ended(connection->bus))
		ret = has_room_beside_returns(connection, size);
	if (ret == 1)
		ret = put(connection, type, body, size);
	else if (ret == 0)
		ret = TACHYON_ERR_AGAIN;
	else if (ret == -EBADMSG)
		ret = tach_bus_poison(connection->bus);
	pthread_mutex_unlock(&connection->lock);
	return ret;
}

/* --- urgent events --- */

int tach_connection_take_urgent(struct tach_connection *connection)
{
	int ret;

	pthread_mutex_lock(&connection->lock);
	ret = tach_mappings_read(&connection->mappings, connection->bus->sock);
	pthread_mutex_unlock(&connection->lock);
	return ret == -EBADMSG ? tach_bus_poison(connection->bus) : ret;
}

int tach_connection_send_urgent(struct tach_connection *connection,
				const struct tachyon_event *event)
{
	const struct tachyon_bus *bus = connection->bus;
	union tach_urgent_buffer packet;
	ssize_t size;
	int ret;

	if (!tach_connection_has_urgent(connection))
		return -ENOTSUP;
	if (tach_bus_has_ended(bus) || tach_bus_peer_closed(bus))
		return TACHYON_ERR_CLOSED;
	size = tach_urgent_put(&packet, event);
	if (size < 0)
		return (int)size;
	ret = tach_sock_send(bus->sock, &packet, (size_t)size, NULL, 0);
	if (ret == -ENOBUFS)
		return TACHYON_ERR_AGAIN;
	return ret == -ENOTCONN ? TACHYON_ERR_CLOSED : ret;
}

/* --- segments --- */

int tach_connection_retire(struct tach_connection *connection,
			   const struct tachyon_message *message)
{
	uint8_t body[sizeof(struct tach_wire_ref)];
	struct tach_block_ref ref;
	struct tach_mapping *mapping;
	uint32_t type;
	int ret;

	if (message->size != sizeof(body))
		return -EBADMSG;
	memcpy(body, message->data, sizeof(body));
	ret = tach_wire_get_ref(body, sizeof(body), &ref, &type);
	if (ret < 0)
		return ret;

	pthread_mutex_lock(&connection->lock);
	ret = tach_mappings_find(&connection->mappings, connection->bus->sock, ref.segment,
				 &mapping);
	if (ret == 0) {
		mapping->is_retiring = true;
		retire_if_unused(connection, mapping);
	}
	pthread_mutex_unlock(&connection->lock);
	return ret;
}

/* --- leaving --- */

/* Frames that were sent and never received go back unread. */
static void return_unread(struct tach_connection *connection)
{
	struct tachyon_message message;
	struct tachyon_frame frame;
	uint32_t type;
	size_t size;
	void *body;

	/* As much as a ring holds: a publisher that goes on sending does not keep us. */
	for (uint64_t cells = connection->bus->receiver.size / TACH_CELL; cells > 0; cells--) {
		if (tachyon_bus_receive(connection->bus, &message, 0) < 0)
			return;
		if (message.type == TACH_WIRE_FRAME &&
		    tach_connection_take_frame(connection, &message, &frame) == 0)
			tachyon_frame_release(&frame);
		if (message.type == TACH_WIRE_OUTLINE &&
		    tach_connection_take_outline(connection, &message, &type, &body, &size) == 0)
			free(body);
		(void)tachyon_bus_release(connection->bus, &message);
	}
}

void tach_connection_close(struct tach_connection *connection)
{
	bool is_last;

	if (!connection)
		return;
	/* A forked child may still look at frames that it inherited. */
	if (tach_connection_is_foreign(connection)) {
		if (connection->held == 0)
			tach_connection_destroy(connection);
		return;
	}

	/*
	 * Pairs with the acquire in the publisher's look at it: it sends no more frames, and takes
	 * those back that are still held here, until the last one closes the connection.
	 */
	atomic_store_explicit(&connection->bus->own->state, TACH_STATE_DRAINING,
			      memory_order_release);
	if (tach_connection_held(connection) > 0)
		return_unread(connection);

	pthread_mutex_lock(&connection->lock);
	connection->is_closing = true;
	is_last = connection->held == 0;
	pthread_mutex_unlock(&connection->lock);
	if (is_last)
		tach_connection_destroy(connection);
}
