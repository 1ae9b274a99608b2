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

static void unmap(struct tach_mappings *mappings, size_t index)
{
	struct tach_mapping *mapping = mappings->items[index];

	mappings->bytes -= mapping->segment.mapped_size;
	tach_view_fini(&mapping->view);
	tach_segment_destroy(&mapping->segment);
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

static int add(struct tach_mappings *mappings, uint32_t id, int fd)
{
	struct tach_mapping **items;
	struct tach_mapping *mapping;
	int ret;

	if (id == 0 || look_up(mappings, id) || mappings->count == MAPPINGS_MAX)
		return -EBADMSG;
	items = realloc(mappings->items, (mappings->count + 1) * sizeof(struct tach_mapping *));
	if (!items)
		return -ENOMEM;
	mappings->items = items;
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return -ENOMEM;

	ret = tach_segment_attach(&mapping->segment, fd, TACH_SEGMENT_PAYLOAD,
				  mappings->max_bytes - mappings->bytes);
	if (ret < 0)
		goto err_mapping;
	if (mappings->is_private) {
		ret = tach_view_init(&mapping->view, &mapping->segment, fd);
		if (ret < 0)
			goto err_segment;
	}
	mapping->id = id;
	mappings->bytes += mapping->segment.mapped_size;
	items[mappings->count++] = mapping;
	return 0;

err_segment:
	tach_segment_destroy(&mapping->segment);
err_mapping:
	free(mapping);
	return ret;
}

static int take_packet(struct tach_mappings *mappings, int sock)
{
	struct tach_segment_packet packet;
	int fds[TACH_SOCK_FDS];
	size_t fd_count = 0;
	const ssize_t size = tach_sock_receive(sock, &packet, sizeof(packet), fds, &fd_count);
	int ret = -EBADMSG;

	if (size <= 0)
		return size == 0 ? -EAGAIN : (int)size;
	if (size == sizeof(packet) && packet.magic == TACH_MAGIC &&
	    packet.protocol == TACH_PROTOCOL && packet.kind == TACH_PACKET_SEGMENT && fd_count == 1)
		ret = add(mappings, packet.segment, fds[0]);
	for (size_t i = 0; i < fd_count; i++)
		tach_os_close(fds[i]);
	return ret;
}

/* A segment is announced on the socket before the ring names it: what is unknown is there now. */
int tach_mappings_find(struct tach_mappings *mappings, int sock, uint32_t id,
		       struct tach_mapping **mapping)
{
	int ret = 0;

	while (!(*mapping = look_up(mappings, id)) && ret == 0)
		ret = take_packet(mappings, sock);
	if (*mapping)
		return 0;
	return ret == -EAGAIN || ret == -EPIPE || ret == -ECONNRESET ? -EBADMSG : ret;
}

/* Bytes that lie within the data, where the caller may look at them. */
static int show(struct tach_mapping *mapping, size_t offset, size_t size, uint8_t **data)
{
	int ret;

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
	const struct tach_segment *segment;
	int ret = tach_mappings_find(mappings, sock, ref->segment, mapping);

	if (ret < 0)
		return ret;
	segment = &(*mapping)->segment;
	if ((*mapping)->is_retiring || ref->block >= segment->block_count)
		return -EBADMSG;
	if (ref->offset > segment->block_size || ref->size > segment->block_size - ref->offset)
		return -EBADMSG;
	ret = show(*mapping, ref->block * segment->block_size + ref->offset, ref->size, data);
	if (ret < 0)
		return ret;
	(*mapping)->holders++;
	return 0;
}
