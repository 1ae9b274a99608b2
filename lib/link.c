/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher's end of one subscriber (PROTOCOL.md 7).
 */
#include "link.h"

#include <stdlib.h>

#include "sock.h"

/* Messages of one subscriber that are taken in a row. */
#define TURN_MAX 1024

int tach_link_init(struct tach_link *link, struct tachyon_bus *bus, unsigned int holder,
		   struct tach_pool *pool, const struct tach_sticky *sticky)
{
	const uint32_t cells = (uint32_t)(bus->sender.size / TACH_CELL);
	uint64_t *ends = calloc(cells, sizeof(*ends));

	if (!ends)
		return -ENOMEM;

	*link = (struct tach_link){
		.bus = bus,
		.holder = holder,
		.id = link->id,
		.pool = pool,
		.sticky = sticky,
		/*
		 * Half the cells of its ring: returns never wait, and other messages have a place.
		 */
		.quota = (uint32_t)(bus->receiver.size / TACH_CELL / 2),
		.ends = ends,
		.ends_size = cells,
	};
	return 0;
}

void tach_link_fini(struct tach_link *link)
{
	bool is_foreign;

	if (!link->bus)
		return;
	is_foreign = tach_bus_is_foreign(link->bus);
	/*
	 * Closed first: a subscriber that reads what lies behind a descriptor, which is used again
	 * once it was given up, can only tell by that.
	 */
	tachyon_bus_destroy(link->bus);
	/* In a forked child the pool is a copy, but its memory the parent's. */
	if (!is_foreign)
		tach_pool_drop_holder(link->pool, link->holder);
	free(link->ends);
	*link = (struct tach_link){0};
}

/* --- what comes back --- */

static int take_return(struct tach_link *link, const void *body, size_t size)
{
	struct tach_block_ref ref;
	uint32_t type;
	int ret = tach_wire_get_ref(body, size, &ref, &type);

	if (ret < 0)
		return ret;
	ret = tach_pool_return(link->pool, link->holder, ref.segment, ref.block, ref.generation);
	if (ret == 0)
		link->outstanding--;
	return ret;
}

static int take_retired(struct tach_link *link, const void *body, size_t size)
{
	struct tach_block_ref ref;
	uint32_t type;
	int ret = tach_wire_get_ref(body, size, &ref, &type);

	if (ret == 0)
		ret = tach_pool_retired(link->pool, link->holder, ref.segment);
	if (ret == 0)
		link->retires--;
	return ret;
}

static int take_event(struct tach_link *link, const void *body, size_t size,
		      tach_link_event on_event, void *data)
{
	struct tachyon_event event;
	const int ret = tach_wire_get_event(body, size, &event);

	if (ret == 0)
		on_event(data, link, &event);
	return ret;
}

static int take_message(struct tach_link *link, const struct tachyon_message *message,
			tach_link_event on_event, void *data)
{
	/* A private copy: the peer may go on writing. */
	uint64_t body[(sizeof(struct tach_wire_event) + TACH_WIRE_UP_EVENT_MAX) / 8];

	if (message->size > sizeof(body))
		return -EBADMSG;
	memcpy(body, message->data, message->size);

	switch (message->type) {
	case TACH_WIRE_RETURN:
		return take_return(link, body, message->size);
	case TACH_WIRE_RETIRED:
		return take_retired(link, body, message->size);
	case TACH_WIRE_NEED:
		return tach_wire_get_need(body, message->size, &link->need);
	case TACH_WIRE_UP_EVENT:
		return take_event(link, body, message->size, on_event, data);
	default: /* a newer subscriber's: ignored, as the protocol allows */
		return 0;
	}
}

int tach_link_drain(struct tach_link *link, tach_link_event on_event, void *data)
{
	struct tach_receiver *receiver = &link->bus->receiver;
	struct tachyon_message message;
	int count = 0;
	int ret;

	/* Bounded: a peer that writes as fast as we read gets its next turn after the others'. */
	while (count < TURN_MAX) {
		ret = tach_ring_receive(receiver, &message);
		if (ret == 0)
			break;
		if (ret > 0)
			ret = take_message(link, &message, on_event, data);
		if (ret < 0)
			return tach_bus_poison(link->bus);
		count++;
	}

	if (count > 0) {
		(void)tach_ring_release(receiver, message.position);
		tach_bus_wake_space(link->bus);
	}
	return count;
}

/* --- what it lacks; all show it what there is, and return -EAGAIN --- */

static int lacks_reading(struct tach_link *link, uint64_t position)
{
	tach_link_show(link);
	link->lack = TACH_LACK_SPACE;
	link->target = position;
	return -EAGAIN;
}

static int lacks_space(struct tach_link *link, uint64_t size)
{
	return lacks_reading(link, tach_ring_space_target(&link->bus->sender, size));
}

/* Until half of what may wait is read. */
static int lacks_place(struct tach_link *link, uint32_t max_queued)
{
	const uint32_t last = link->ends_last - max_queued / 2 - 1;

	return lacks_reading(link, link->ends[last & (link->ends_size - 1)]);
}

static int lacks_returns(struct tach_link *link)
{
	tach_link_show(link);
	link->lack = TACH_LACK_RETURNS;
	return -EAGAIN;
}

/* Before it is tried to get one: what is freed meanwhile is then seen. */
static void expect_blocks(struct tach_link *link)
{
	link->lack = TACH_LACK_BLOCKS;
	link->freed_seen = tach_pool_freed(link->pool);
}

static bool has_enough(struct tach_link *link)
{
	switch (link->lack) {
	case TACH_LACK_SPACE:
		return (int64_t)(link->bus->sender.head_seen - link->target) >= 0;
	case TACH_LACK_RETURNS:
		return link->outstanding + 2 <= link->quota;
	case TACH_LACK_BLOCKS:
		return tach_pool_freed(link->pool) != link->freed_seen;
	}
	return true;
}

/* --- what goes out --- */

/*
 * A quarter of the ring is kept for state, so that frames which nobody takes do not keep it from
 * being seen; larger bodies travel in a block.
 */
static uint64_t spare(const struct tach_link *link)
{
	return link->bus->sender.size / 4;
}

static int put(struct tach_link *link, uint32_t type, const void *body, size_t size)
{
	void *room;
	int ret = tach_ring_reserve(&link->bus->sender, size, &room);

	if (ret < 0)
		return ret;
	if (size > 0)
		memcpy(room, body, size);
	return tach_ring_commit(&link->bus->sender, size, type);
}

static int announce_lent(struct tach_link *link, uint32_t segment, int fd, uint64_t size)
{
	const struct tach_descriptor_packet packet = {
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_DESCRIPTOR,
		.segment = segment,
		.size = size,
	};

	return tach_sock_send(link->bus->sock, &packet, sizeof(packet), &fd, 1);
}

static int announce_segment(struct tach_link *link, uint32_t segment, int fd)
{
	const struct tach_segment_packet packet = {
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_SEGMENT,
		.segment = segment,
	};

	return tach_sock_send(link->bus->sock, &packet, sizeof(packet), &fd, 1);
}

/* Tells the subscriber of a payload segment over the socket, before the ring names it. */
static int announce(struct tach_link *link, uint32_t segment)
{
	uint64_t lent_size = 0;
	const int fd = tach_pool_segment_fd(link->pool, segment, &lent_size);
	int ret;

	if (fd < 0)
		return fd;
	ret = lent_size > 0 ? announce_lent(link, segment, fd, lent_size)
			    : announce_segment(link, segment, fd);
	if (ret < 0)
		return ret;
	tach_pool_set_known(link->pool, segment, link->holder);
	return 0;
}

static int ensure_known(struct tach_link *link, uint32_t segment)
{
	if (tach_pool_is_known(link->pool, segment, link->holder))
		return 0;
	return announce(link, segment);
}

/* A body too large for the ring goes in a block of its own, which comes back once it was copied. */
static int put_outline(struct tach_link *link, uint32_t type, const void *body, size_t size)
{
	struct tachyon_block *block;
	struct tach_block_ref ref = {0};
	uint8_t message[sizeof(struct tach_wire_ref)];
	int ret;

	if (link->outstanding + 2 > link->quota)
		return lacks_returns(link);
	ret = tach_ring_has_space(&link->bus->sender, sizeof(message));
	if (ret <= 0)
		return ret < 0 ? ret : lacks_space(link, spare(link));
	expect_blocks(link);
	ret = tach_pool_acquire(link->pool, size, &block);
	if (ret < 0) {
		tach_link_show(link);
		return ret;
	}

	memcpy(tach_pool_block_data(block), body, size);
	ret = tach_pool_publish(link->pool, block, 1ull << link->holder, NULL, &ref);
	block->ops->release(block);
	if (ret < 0)
		return ret;

	link->outstanding++;
	ref.size = (uint32_t)size;
	ret = ensure_known(link, ref.segment);
	if (ret == 0) {
		(void)tach_wire_put_ref(message, sizeof(message), &ref, type);
		ret = put(link, TACH_WIRE_OUTLINE, message, sizeof(message));
	}
	if (ret < 0) {
		/* It never saw the block: give it back in its name. */
		(void)tach_pool_return(link->pool, link->holder, ref.segment, ref.block,
				       ref.generation);
		link->outstanding--;
	}
	return ret == -EAGAIN ? lacks_space(link, spare(link)) : ret;
}

static int put_body(struct tach_link *link, uint32_t type, const void *body, size_t size)
{
	if (size > spare(link))
		return put_outline(link, type, body, size);

	const int ret = put(link, type, body, size);

	return ret == -EAGAIN ? lacks_space(link, spare(link)) : ret;
}

static int send_retires(struct tach_link *link)
{
	struct tach_block_ref ref = {0};
	uint8_t message[sizeof(struct tach_wire_ref)];
	int ret;

	while ((ret = tach_ring_has_space(&link->bus->sender, sizeof(message))) == 1 &&
	       link->retires < TACH_RETIRES_MAX &&
	       tach_pool_next_retire(link->pool, link->holder, &ref.segment)) {
		(void)tach_wire_put_ref(message, sizeof(message), &ref, 0);
		ret = put(link, TACH_WIRE_RETIRE, message, sizeof(message));
		if (ret < 0)
			return ret;
		link->retires++;
	}
	return ret < 0 ? ret : 0;
}

int tach_link_sync(struct tach_link *link)
{
	const struct tach_sticky_item *item;
	int ret = 0;

	if (link->is_leaving)
		return 0;
	while ((item = tach_sticky_peek(link->sticky, &link->cursor)) != NULL) {
		ret = put_body(link, item->wire_type, item->body, item->size);
		if (ret < 0)
			break;
		tach_sticky_advance(&link->cursor, item);
	}
	if (ret == 0)
		ret = send_retires(link);
	tach_link_flush(link);
	return ret;
}

int64_t tach_link_queued(struct tach_link *link)
{
	const int64_t backlog = tach_ring_backlog(&link->bus->sender);
	const uint64_t head = link->bus->sender.head_seen;

	if (backlog < 0)
		return backlog;
	while (link->ends_first != link->ends_last &&
	       (int64_t)(link->ends[link->ends_first & (link->ends_size - 1)] - head) <= 0)
		link->ends_first++;
	return link->ends_last - link->ends_first;
}

int tach_link_has_room(struct tach_link *link, size_t size, uint32_t segment, uint32_t max_queued)
{
	int64_t queued;
	int ret = tach_link_sync(link);

	if (ret < 0)
		return ret;
	queued = tach_link_queued(link);
	if (queued < 0)
		return (int)queued;
	if (link->blocked_since_ns != 0 && !has_enough(link))
		return -EAGAIN;
	if (queued >= max_queued)
		return lacks_place(link, max_queued);
	if (link->outstanding + 2 > link->quota)
		return lacks_returns(link);
	ret = tach_ring_has_space(&link->bus->sender, size + spare(link));
	if (ret <= 0)
		return ret < 0 ? ret : lacks_space(link, size + spare(link));
	ret = segment ? ensure_known(link, segment) : 0;
	if (ret != -EAGAIN && ret != -ENOBUFS)
		return ret;
	/*
	 * Its socket is full of segments: it reads those when its ring names them. One that has
	 * read its ring and not its socket never will.
	 */
	if (link->bus->sender.head_seen == link->bus->sender.sent)
		return ret == -EAGAIN ? -EBADMSG : ret;
	return lacks_reading(link, link->bus->sender.head_seen + TACH_CELL);
}

static uint32_t hints(struct tach_link *link)
{
	uint32_t flags = link->missed_frame ? TACHYON_FRAME_AFTER_DROP : 0;

	/* Near the quota, or the pool's limit: who holds frames for long had better copy. */
	if (link->outstanding + 8 > link->quota || tach_pool_is_scarce(link->pool))
		flags |= TACHYON_FRAME_SCARCE;
	link->missed_frame = false;
	return flags;
}

static void note_sent(struct tach_link *link)
{
	link->ends[link->ends_last++ & (link->ends_size - 1)] = link->bus->sender.sent;
	link->blocked_since_ns = 0;
}

int tach_link_put_frame(struct tach_link *link, const struct tachyon_frame *frame,
			const struct tach_block_ref *ref, const struct tach_block_ref *outline)
{
	const size_t size = outline ? sizeof(struct tach_wire_frame) +
					      sizeof(struct tach_wire_ref) + 4 * sizeof(uint64_t)
				    : tach_wire_frame_size(frame);
	ssize_t used;
	void *room;
	int ret = tach_ring_reserve(&link->bus->sender, size, &room);

	if (ret < 0)
		return ret;
	if (outline)
		used = tach_wire_put_frame_outline(room, size, frame, ref, hints(link), outline);
	else
		used = tach_wire_put_frame(room, size, frame, ref, hints(link));
	assert(used >= 0);
	ret = tach_ring_commit(&link->bus->sender, (uint64_t)used, TACH_WIRE_FRAME);
	link->outstanding += outline ? 2 : 1;
	note_sent(link);
	return ret;
}

int tach_link_put_inline(struct tach_link *link, const struct tachyon_frame *frame)
{
	const size_t size = tach_wire_inline_size(frame);
	ssize_t used;
	void *room;
	int ret = tach_ring_reserve(&link->bus->sender, size, &room);

	if (ret < 0)
		return ret;
	used = tach_wire_put_inline(room, size, frame, hints(link));
	assert(used >= 0);
	ret = tach_ring_commit(&link->bus->sender, (uint64_t)used, TACH_WIRE_INLINE);
	note_sent(link);
	return ret;
}

int tach_link_put_event(struct tach_link *link, enum tach_wire_type type, const void *body,
			size_t size)
{
	if (type == TACH_WIRE_OUTLINE)
		link->outstanding++;
	return put(link, type, body, size);
}

void tach_link_flush(struct tach_link *link)
{
	if (!link->is_corked)
		tach_bus_flush(link->bus);
}

void tach_link_show(struct tach_link *link)
{
	tach_bus_flush(link->bus);
}

bool tach_link_takes_descriptors(const struct tach_link *link)
{
	return link->bus->features & TACH_FEATURE_DESCRIPTORS;
}

void tach_link_block(struct tach_link *link)
{
	if (link->blocked_since_ns == 0)
		link->blocked_since_ns = tach_os_now_ns();
}

bool tach_link_unblock(struct tach_link *link)
{
	if (link->blocked_since_ns == 0)
		return false;
	/* A head that lies is progress too: who tries again will meet it. */
	if (tach_ring_backlog(&link->bus->sender) >= 0 && !has_enough(link))
		return false;
	link->blocked_since_ns = 0;
	return true;
}
