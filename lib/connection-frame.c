/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames that a subscriber holds: taken out of messages by one thread, released by any (PROTOCOL.md
 * 7).
 */
#include "connection-private.h"

#include <stdlib.h>

/* A received frame: the reference, and private copies of what the ring's cell held. */
struct held {
	struct tachyon_block block;
	struct tach_connection *connection;
	struct tach_mapping *mapping; /* NULL: the payload is in bytes */
	uint32_t generation;
	uint32_t offset;
	uint16_t index;
	_Alignas(16) uint8_t bytes[];
};

/* --- releasing a frame, on any thread --- */

static void release_held(struct tachyon_block *block)
{
	struct held *held = (struct held *)block;
	struct tach_connection *connection = held->connection;
	bool is_last;

	/* A forked child has a copy of the bookkeeping: what it frees is not ours to give back. */
	if (tach_connection_is_foreign(connection))
		return;

	pthread_mutex_lock(&connection->lock);
	if (held->mapping)
		tach_connection_give_back(connection, held->mapping, held->index, held->generation);
	connection->held--;
	is_last = connection->is_closing && connection->held == 0;
	pthread_mutex_unlock(&connection->lock);

	free(held);
	if (is_last)
		tach_connection_destroy(connection);
}

/*
 * No word tells that what lies behind a descriptor was given up. But who sent it keeps it so while
 * it has us: it closes before it gives up what we have (tach_link_fini()), and writes after.
 */
static int is_lent_valid(const struct held *held)
{
	const struct tachyon_bus *bus = held->connection->bus;

	/* Pairs with the fence before whoever gave it up writes. */
	atomic_thread_fence(memory_order_acquire);
	return !tach_bus_peer_closed(bus) && !tach_bus_has_ended(bus);
}

/* After reading a block: whether what was read is of this generation. */
static bool is_of_generation(const struct tach_mapping *mapping, uint16_t index,
			     uint32_t generation)
{
	uint64_t now;

	/*
	 * Pairs with the fence that the publisher puts between raising the generation and new
	 * content: if any of our reads met new content, this load sees the raise.
	 */
	atomic_thread_fence(memory_order_acquire);
	now = atomic_load_explicit(&mapping->segment.header->generation[index],
				   memory_order_relaxed);
	return (uint32_t)now == generation;
}

static int is_held_valid(const struct tachyon_block *block)
{
	const struct held *held = (const struct held *)block;

	if (!held->mapping)
		return 1;
	if (held->mapping->descriptor.id != 0)
		return is_lent_valid(held);
	return is_of_generation(held->mapping, held->index, held->generation);
}

static int describe_held(const struct tachyon_block *block, struct tach_block_place *place)
{
	const struct held *held = (const struct held *)block;

	if (!held->mapping || held->mapping->descriptor.id == 0)
		return -ENOENT;
	*place = (struct tach_block_place){
		.fd = held->mapping->descriptor.fd,
		.offset = held->offset,
		.size = held->mapping->descriptor.size,
		.id = held->mapping->descriptor.id,
	};
	return 0;
}

static const struct tach_block_ops held_ops = {
	.release = release_held,
	.is_valid = is_held_valid,
	.describe = describe_held,
};

static struct held *make_held(struct tach_connection *connection, size_t size)
{
	struct held *held = malloc(sizeof(*held) + size);

	if (held)
		*held = (struct held){.block = {&held_ops}, .connection = connection};
	return held;
}

/* --- bodies that travel in a block --- */

/* A block that we have was given to others: the publisher has given up on us, or it lies. */
static int meet_replaced(struct tachyon_bus *bus)
{
	if (tach_bus_peer_closed(bus))
		tach_bus_note_hangup(bus);
	else
		tach_bus_check_hangup(bus);
	return tach_bus_has_ended(bus) ? TACHYON_ERR_CLOSED : -EBADMSG;
}

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
	/* What is ours to read lies in a segment: what is lent may be anything, is not mapped. */
	if (ret == 0 && !data) {
		mapping->holders--;
		ret = -EBADMSG;
	}
	if (ret == 0) {
		memcpy(copy, data, ref->size);
		if (!is_of_generation(mapping, ref->block, ref->generation))
			ret = meet_replaced(connection->bus);
		tach_connection_give_back(connection, mapping, ref->block, ref->generation);
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
	held->offset = ref->offset;
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
