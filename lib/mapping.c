/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The payload segments that a subscriber has mapped (PROTOCOL.md 7).
 */
#include "mapping.h"

#include <stdlib.h>

#include "os.h"
#include "sock.h"

/* A publisher has few: a size class each, and those that retire. */
#define MAPPINGS_MAX 1024u
/* An announced segment is a descriptor until it is named: a publisher may not have all of ours. */
#define UNMAPPED_MAX 16u
/* Packets in a row. */
#define TURN_MAX 64
/* No queue of a socket holds more; who goes on sending does not keep us. */
#define QUEUE_MAX 16384

static void unmap(struct tach_mappings *mappings, size_t index)
{
	struct tach_mapping *mapping = mappings->items[index];

	if (mapping->descriptor.id != 0) {
		tach_descriptor_fini(&mapping->descriptor);
		mappings->descriptors--;
	} else if (mapping->fd >= 0) {
		tach_os_close(mapping->fd);
		mappings->unmapped--;
	} else {
		mappings->bytes -= mapping->segment.mapped_size;
		tach_view_fini(&mapping->view);
		tach_segment_destroy(&mapping->segment);
	}
	free(mapping);
	mappings->items[index] = mappings->items[--mappings->count];
}

void tach_mappings_fini(struct tach_mappings *mappings)
{
	while (mappings->count > 0)
		unmap(mappings, mappings->count - 1);
	free(mappings->items);
	mappings->items = NULL;
}

void tach_mappings_remove(struct tach_mappings *mappings, struct tach_mapping *mapping)
{
	size_t i = 0;

	while (mappings->items[i] != mapping)
		i++;
	unmap(mappings, i);
}

static struct tach_mapping *look_up(const struct tach_mappings *mappings, uint32_t id)
{
	/* The newest is where the frames come from. */
	for (size_t i = mappings->count; i-- > 0;) {
		if (mappings->items[i]->id == id)
			return mappings->items[i];
	}
	return NULL;
}

static int map(struct tach_mappings *mappings, struct tach_mapping *mapping)
{
	const int fd = mapping->fd;
	int ret = tach_segment_attach(&mapping->segment, fd, TACH_SEGMENT_PAYLOAD,
				      mappings->max_bytes - mappings->bytes);

	if (ret < 0)
		return ret;
	if (mappings->is_private) {
		ret = tach_view_init(&mapping->view, &mapping->segment, fd);
		if (ret < 0) {
			tach_segment_destroy(&mapping->segment);
			return ret;
		}
	}
	mappings->bytes += mapping->segment.mapped_size;
	mappings->unmapped--;
	mapping->fd = -1;
	tach_os_close(fd);
	return 0;
}

static int map_if_new(struct tach_mappings *mappings, struct tach_mapping *mapping)
{
	int ret;

	if (mapping->fd < 0)
		return 0;
	ret = map(mappings, mapping);
	if (ret < 0)
		tach_mappings_remove(mappings, mapping);
	return ret;
}

/* --- what comes on the socket --- */

/* A new one of that id, at the end of the table. */
static int append(struct tach_mappings *mappings, uint32_t id, struct tach_mapping **out)
{
	struct tach_mapping **items;
	struct tach_mapping *mapping;

	if (id == 0 || look_up(mappings, id))
		return -EBADMSG;
	items = realloc(mappings->items, (mappings->count + 1) * sizeof(struct tach_mapping *));
	if (!items)
		return -ENOMEM;
	mappings->items = items;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return -ENOMEM;
	mapping->id = id;
	mapping->fd = -1;
	items[mappings->count++] = mapping;
	*out = mapping;
	return 0;
}

/* Takes the descriptor on success. */
static int add(struct tach_mappings *mappings, uint32_t id, int fd)
{
	struct tach_mapping *mapping;
	int ret;

	if (mappings->count - mappings->descriptors == MAPPINGS_MAX)
		return -EBADMSG;
	ret = append(mappings, id, &mapping);
	if (ret < 0)
		return ret;
	mapping->fd = fd;
	mappings->unmapped++;
	return 0;
}

/* The fds are the caller's, save one that add() took, which is -1 then. */
static int take_segment(struct tach_mappings *mappings, const struct tach_segment_packet *packet,
			size_t size, int *fds, size_t fd_count)
{
	int ret;

	if (size != sizeof(*packet) || fd_count != 1)
		return -EBADMSG;
	ret = add(mappings, packet->segment, fds[0]);
	if (ret < 0)
		return ret;
	fds[0] = -1;
	return mappings->unmapped > UNMAPPED_MAX
		       ? map_if_new(mappings, mappings->items[mappings->count - 1])
		       : 0;
}

/* The same for somebody's memory, which is checked now: it will not be mapped. */
static int take_descriptor(struct tach_mappings *mappings,
			   const struct tach_descriptor_packet *packet, size_t size, int *fds,
			   size_t fd_count)
{
	struct tach_descriptor descriptor;
	struct tach_mapping *mapping;
	int ret;

	if (size != sizeof(*packet) || fd_count != 1 || !mappings->takes_descriptors ||
	    mappings->descriptors == TACH_DESCRIPTORS_MAX)
		return -EBADMSG;
	ret = tach_descriptor_init(&descriptor, fds[0], packet->size);
	if (ret < 0)
		return ret;
	ret = append(mappings, packet->segment, &mapping);
	if (ret < 0)
		return ret;
	mapping->descriptor = descriptor;
	mappings->descriptors++;
	fds[0] = -1;
	return 0;
}

static int take_urgent(struct tach_mappings *mappings, const union tach_urgent_buffer *packet,
		       size_t size, size_t fd_count)
{
	struct tachyon_event event;
	int ret;

	if (!mappings->urgents || fd_count != 0)
		return -EBADMSG;
	ret = tach_urgent_get(packet, size, &event);
	if (ret == 0)
		tach_urgents_add(mappings->urgents, &event);
	return ret;
}

union packet {
	struct tach_segment_packet segment;
	struct tach_descriptor_packet descriptor;
	union tach_urgent_buffer urgent;
};

static int sort_packet(struct tach_mappings *mappings, const union packet *packet, size_t size,
		       int *fds, size_t fd_count)
{
	if (size < offsetof(struct tach_segment_packet, segment) ||
	    packet->segment.magic != TACH_MAGIC || packet->segment.protocol != TACH_PROTOCOL)
		return -EBADMSG;
	switch (packet->segment.kind) {
	case TACH_PACKET_SEGMENT:
		return take_segment(mappings, &packet->segment, size, fds, fd_count);
	case TACH_PACKET_DESCRIPTOR:
		return take_descriptor(mappings, &packet->descriptor, size, fds, fd_count);
	case TACH_PACKET_URGENT:
		return take_urgent(mappings, &packet->urgent, size, fd_count);
	default:
		return -EBADMSG;
	}
}

/* 0; -EAGAIN: there is none; else there will be none. */
static int take_packet(struct tach_mappings *mappings, int sock)
{
	union packet packet;
	int fds[TACH_SOCK_FDS];
	size_t fd_count = 0;
	ssize_t size;
	int ret;

	if (mappings->error)
		return mappings->error;
	size = tach_sock_receive(sock, &packet, sizeof(packet), fds, &fd_count);
	/* Nothing was taken; without memory now, it is still there the next time. */
	if (size == -EAGAIN || size == -ENOMEM)
		return (int)size;
	ret = size == 0 ? -EPIPE : (int)size;
	if (size > 0)
		ret = sort_packet(mappings, &packet, (size_t)size, fds, fd_count);
	for (size_t i = 0; i < fd_count; i++)
		tach_os_close(fds[i]);
	mappings->error = ret;
	return ret;
}

int tach_mappings_read(struct tach_mappings *mappings, int sock)
{
	int ret = 0;

	for (int i = 0; i < TURN_MAX && ret == 0; i++)
		ret = take_packet(mappings, sock);
	return ret;
}

/* A segment is announced on the socket before the ring names it: what is unknown is there now. */
int tach_mappings_find(struct tach_mappings *mappings, int sock, uint32_t id,
		       struct tach_mapping **mapping)
{
	int ret = 0;

	for (int i = 0; !(*mapping = look_up(mappings, id)) && ret == 0; i++)
		ret = i < QUEUE_MAX ? take_packet(mappings, sock) : -EBADMSG;
	if (*mapping)
		return map_if_new(mappings, *mapping);
	return ret == -EAGAIN || ret == -EPIPE || ret == -ECONNRESET ? -EBADMSG : ret;
}

/* The bytes that ref names lie in it. */
static int check_range(const struct tach_mapping *mapping, const struct tach_block_ref *ref)
{
	const bool is_lent = mapping->descriptor.id != 0;
	const uint64_t count = is_lent ? 1 : mapping->segment.block_count;
	const uint64_t size = is_lent ? mapping->descriptor.size : mapping->segment.block_size;

	if (mapping->is_retiring || ref->block >= count)
		return -EBADMSG;
	return ref->offset > size || ref->size > size - ref->offset ? -EBADMSG : 0;
}

/* Bytes that lie within the data, where the caller may look at them. */
static int show(struct tach_mapping *mapping, size_t offset, size_t size, uint8_t **data)
{
	int ret;

	if (mapping->descriptor.id != 0) {
		*data = NULL;
		return 0;
	}
	if (!mapping->view.base) {
		*data = mapping->segment.data + offset;
		return 0;
	}
	ret = tach_view_refresh(&mapping->view, offset, size);
	if (ret < 0)
		return ret;
	*data = mapping->view.data + offset;
	return 0;
}

int tach_mappings_resolve(struct tach_mappings *mappings, int sock,
			  const struct tach_block_ref *ref, struct tach_mapping **mapping,
			  uint8_t **data)
{
	int ret = tach_mappings_find(mappings, sock, ref->segment, mapping);

	if (ret < 0)
		return ret;
	ret = check_range(*mapping, ref);
	if (ret < 0)
		return ret;
	ret = show(*mapping, ref->block * (*mapping)->segment.block_size + ref->offset, ref->size,
		   data);
	if (ret < 0)
		return ret;
	(*mapping)->holders++;
	return 0;
}
