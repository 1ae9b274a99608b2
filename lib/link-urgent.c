/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's end of one subscriber, beside the rings: urgent events on the socket (PROTOCOL.md
 * 7).
 */
#include "link.h"

#include "sock.h"

/* Taken in a row: more than a few do not wait to be seen. */
#define TURN_MAX 32

static bool has_urgent(const struct tach_link *link)
{
	return link->bus->features & TACH_FEATURE_URGENT;
}

static int take_urgent(struct tach_link *link, tach_link_event on_event, void *data)
{
	union tach_urgent_buffer packet;
	struct tachyon_event event;
	int fds[TACH_SOCK_FDS];
	size_t fd_count;
	const ssize_t size =
		tach_sock_receive(link->bus->sock, &packet, sizeof(packet), fds, &fd_count);
	int ret;

	if (size <= 0)
		return size == 0 ? -EAGAIN : (int)size;
	ret = fd_count == 0 ? tach_urgent_get(&packet, (size_t)size, &event) : -EBADMSG;
	for (size_t i = 0; i < fd_count; i++)
		tach_os_close(fds[i]);
	if (ret == 0)
		on_event(data, link, &event);
	return ret;
}

int tach_link_take_urgent(struct tach_link *link, tach_link_event on_event, void *data)
{
	int count = 0;
	int ret = 0;

	if (!has_urgent(link))
		return 0;
	while (count < TURN_MAX && ret == 0) {
		ret = take_urgent(link, on_event, data);
		count += ret == 0;
	}
	if (ret == 0 || ret == -EAGAIN)
		return count;
	return ret == -EBADMSG ? tach_bus_poison(link->bus) : ret;
}

int tach_link_send_urgent(struct tach_link *link, const union tach_urgent_buffer *packet,
			  size_t size)
{
	int ret;

	if (!has_urgent(link))
		return -ENOTSUP;
	/* The other half is for segments: who takes no urgent events in time still gets frames. */
	if (tach_sock_is_half_full(link->bus->sock))
		return -EAGAIN;
	ret = tach_sock_send(link->bus->sock, packet, size, NULL, 0);
	return ret == -ENOBUFS ? -EAGAIN : ret;
}
