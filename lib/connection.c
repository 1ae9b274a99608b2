/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Held frames, their way back, leaving (PROTOCOL.md 7).
 *
 * One thread receives; any thread releases frames. The mutex guards the table of segments, the
 * counts and the sending ring; it is never held across anything that waits.
 */
#include "connection.h"

#include <pthread.h>
#include <stdlib.h>

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

/* A received frame: the reference, and private copies of what the ring's cell held. */
struct held {
	struct tachyon_block block;
	struct tach_connection *connection;
	struct tach_mapping *mapping; /* NULL: the payload is in bytes */
	uint32_t generation;
	uint16_t index;
	_Alignas(16) uint8_t bytes[];
};

/* --- life --- */

int tach_connection_create(struct tachyon_bus *bus, uint64_t max_bytes, bool is_private,
			   struct tach_connection **out)
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
	*out = connection;
	return 0;
}

struct tachyon_bus *tach_connection_bus(const struct tach_connection *connection)
{
	return connection->bus;
}

static bool is_foreign(const struct tach_connection *connection)
{
	return connection->token != tach_os_process_token();
}

static void destroy(struct tach_connection *connection)
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

static void give_back(struct tach_connection *connection, struct tach_mapping *mapping,
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
	/* Each mapping may have to be answered with a RETIRED, too. */
	const uint64_t wanted =
		size + (connection->quota + connection->mappings.count + 1) * TACH_CELL;

	if (wanted > tach_ring_max_message(connection->bus->sender.size))
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

/* --- releasing a frame, on any thread --- */

static void release_held(struct tachyon_block *block)
{
	struct held *held = (struct held *)block;
	struct tach_connection *connection = held->connection;
	bool is_last;

	/* A forked child has a copy of the bookkeeping: what it frees is not ours to give back. */
	if (is_foreign(connection))
		return;

	pthread_mutex_lock(&connection->lock);
	if (held->mapping)
		give_back(connection, held->mapping, held->index, held->generation);
	connection->held--;
	is_last = connection->is_closing && connection->held == 0;
	pthread_mutex_unlock(&connection->lock);

	free(held);
	if (is_last)
		destroy(connection);
}

static int is_held_valid(const struct tachyon_block *block)
{
	const struct held *held = (const struct held *)block;
	uint64_t generation;

	if (!held->mapping)
		return 1;
	/*
	 * Pairs with the fence that the publisher puts between raising the generation and new
	 * content: if any of our reads met new content, this load sees the raise.
	 */
	atomic_thread_fence(memory_order_acquire);
	generation = atomic_load_explicit(&held->mapping->segment.header->generation[held->index],
					  memory_order_relaxed);
	return (uint32_t)generation == held->generation;
}

static const struct tach_block_ops held_ops = {
	.release = release_held,
	.is_valid = is_held_valid,
};

static struct held *make_held(struct tach_connection *connection, size_t size)
{
	struct held *held = malloc(sizeof(*held) + size);

	if (held)
		*held = (struct held){.block = {&held_ops}, .connection = connection};
	return held;
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

/* --- bodies that travel in a block --- */

/* A private copy, before anything of it is believed; the block goes back at once. */
static int copy_out(struct tach_connection *connection, const struct tach_block_ref *ref,
		    void *copy)
{
	struct tach_mapping *mapping;
	uint8_t *data;
	int ret;

	pthread_mutex_lock(&connection->lock);
	ret = tach_mappings_resolve(&connection->mappings, connection->bus->sock, ref, &mapping,
				    &data);
	if (ret == 0) {
		memcpy(copy, data, ref->size);
		give_back(connection, mapping, ref->block, ref->generation);
	}
	pthread_mutex_unlock(&connection->lock);
	return ret;
}

int tach_connection_take_outline(struct tach_connection *connection,
				 const struct tachyon_message *message, uint32_t *type, void **body,
				 size_t *size)
{
	uint8_t wire[sizeof(struct tach_wire_ref)];
	struct tach_block_ref ref;
	int ret;

	if (message->size != sizeof(wire))
		return -EBADMSG;
	memcpy(wire, message->data, sizeof(wire));
	ret = tach_wire_get_ref(wire, sizeof(wire), &ref, type);
	if (ret < 0)
		return ret;
	if (ref.size > TACH_WIRE_CONTROL_MAX)
		return -EBADMSG;

	*body = malloc(ref.size + 1);
	if (!*body)
		return -ENOMEM;
	ret = copy_out(connection, &ref, *body);
	if (ret < 0)
		free(*body);
	*size = ref.size;
	return ret;
}

/* --- frames --- */

static int take_inline(struct tach_connection *connection, const struct tachyon_message *message,
		       struct tachyon_frame *frame)
{
	struct held *held = make_held(connection, message->size);
	int ret;

	if (!held)
		return -ENOMEM;
	memcpy(held->bytes, message->data, message->size);
	ret = tach_wire_get_inline(held->bytes, message->size, frame);
	if (ret == 0) {
		struct tach_block_ref outline = {0};

		ret = tach_wire_get_records(frame, &outline);
		if (ret == 0 && outline.size > 0)
			ret = -EBADMSG;
	}
	if (ret < 0) {
		free(held);
		return ret;
	}

	frame->block = &held->block;
	pthread_mutex_lock(&connection->lock);
	connection->held++;
	pthread_mutex_unlock(&connection->lock);
	return 0;
}

/* Replaces the metadata by what the outline names, in a larger private copy. */
static int fetch_metadata(struct tach_connection *connection, const struct tach_block_ref *outline,
			  struct held **held, struct tachyon_frame *frame)
{
	struct tach_block_ref none = {0};
	struct held *larger;
	int ret;

	if (outline->size > TACH_WIRE_METADATA_MAX)
		return -EBADMSG;
	larger = realloc(*held, sizeof(**held) + outline->size);
	if (!larger)
		return -ENOMEM;
	*held = larger;
	ret = copy_out(connection, outline, larger->bytes);
	if (ret < 0)
		return ret;
	frame->metadata = larger->bytes;
	frame->metadata_size = outline->size;
	ret = tach_wire_get_records(frame, &none);
	return ret == 0 && none.size > 0 ? -EBADMSG : ret;
}

static int hold(struct tach_connection *connection, const struct tach_block_ref *ref,
		struct held *held, struct tachyon_frame *frame)
{
	uint8_t *data;
	int ret;

	pthread_mutex_lock(&connection->lock);
	ret = tach_mappings_resolve(&connection->mappings, connection->bus->sock, ref,
				    &held->mapping, &data);
	if (ret == 0)
		connection->held++;
	pthread_mutex_unlock(&connection->lock);
	if (ret < 0)
		return ret;

	held->index = ref->block;
	held->generation = ref->generation;
	frame->data = data;
	frame->block = &held->block;
	return 0;
}

static int take_block(struct tach_connection *connection, const struct tachyon_message *message,
		      struct tachyon_frame *frame)
{
	const size_t records = message->size - sizeof(struct tach_wire_frame);
	struct tach_block_ref ref, outline = {0};
	struct tach_wire_frame wire;
	struct held *held;
	int ret;

	if (message->size < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, message->data, sizeof(wire));
	ret = tach_wire_get_frame(&wire, frame, &ref);
	if (ret < 0)
		return ret;

	held = make_held(connection, records);
	if (!held)
		return -ENOMEM;
	if (records > 0) {
		memcpy(held->bytes, (const uint8_t *)message->data + sizeof(wire), records);
		frame->metadata = held->bytes;
		frame->metadata_size = records;
		ret = tach_wire_get_records(frame, &outline);
	}
	if (ret == 0 && outline.size > 0)
		ret = fetch_metadata(connection, &outline, &held, frame);
	if (ret == 0)
		ret = hold(connection, &ref, held, frame);
	if (ret < 0)
		free(held);
	return ret;
}

int tach_connection_take_frame(struct tach_connection *connection,
			       const struct tachyon_message *message, struct tachyon_frame *frame)
{
	*frame = (struct tachyon_frame){0};
	if (message->type == TACH_WIRE_INLINE)
		return take_inline(connection, message, frame);
	return take_block(connection, message, frame);
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
	if (is_foreign(connection)) {
		if (connection->held == 0)
			destroy(connection);
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
		destroy(connection);
}
