/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames on their way to every subscriber: who has room, what happens to who has none
 * (PROTOCOL.md 7).
 */
#include "publisher.h"

/* What may wait for a subscriber unless the caller says otherwise. */
#define QUEUE_BYTES_DEFAULT (16ull << 20)
#define QUEUE_FRAMES_LEAST 3u
/* No FRAME with a reference to its metadata is larger. */
#define OUTLINED_SIZE 256u

/* --- who gets a frame --- */

static uint32_t max_queued(const struct tachyon_publisher *publisher, size_t size)
{
	const uint64_t by_bytes = QUEUE_BYTES_DEFAULT / (size > 0 ? size : 1);

	if (publisher->options.max_buffers > 0)
		return publisher->options.max_buffers;
	if (by_bytes < QUEUE_FRAMES_LEAST)
		return QUEUE_FRAMES_LEAST;
	return by_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)by_bytes;
}

static bool has_stalled(const struct tachyon_publisher *publisher, const struct tach_link *link)
{
	return publisher->options.stall_timeout_ns > 0 &&
	       tach_os_now_ns() - link->blocked_since_ns >= publisher->options.stall_timeout_ns;
}

static void miss_frame(struct tachyon_publisher *publisher, struct tach_link *link)
{
	link->missed_frame = true;
	atomic_fetch_add_explicit(&link->bus->own->dropped, 1, memory_order_relaxed);
	publisher->stats.dropped++;
}

/* A subscriber that has no room. 0: it goes without; -EAGAIN: all wait for it. */
static int meet_slow(struct tachyon_publisher *publisher, unsigned int slot,
		     const struct tach_demand *demand)
{
	struct tach_link *link = &publisher->audience.links[slot];

	switch ((enum tachyon_policy)publisher->options.policy) {
	case TACHYON_POLICY_BLOCK:
		tach_link_block(link);
		tach_publisher_rearm(publisher);
		if (!has_stalled(publisher, link))
			return TACHYON_ERR_AGAIN;
		break;
	case TACHYON_POLICY_DROP:
		if (!demand->is_event)
			miss_frame(publisher, link);
		return 0;
	case TACHYON_POLICY_DISCONNECT:
		break;
	}
	tach_audience_drop(publisher, slot);
	return 0;
}

/* Metadata above a quarter of the ring travel in a block of their own. */
static bool is_outlined(const struct tachyon_publisher *publisher, size_t message_size)
{
	return message_size > publisher->options.ring_size / 4;
}

/* Bytes of a FRAME message; one whose metadata are elsewhere is small. */
static size_t message_size(const struct tachyon_publisher *publisher,
			   const struct tachyon_frame *frame)
{
	const size_t size = tach_wire_frame_size(frame);

	return is_outlined(publisher, size) ? OUTLINED_SIZE : size;
}

/* As tach_link_has_room(); -ENOTSUP: there never will be. */
static int has_room(const struct tachyon_publisher *publisher, struct tach_link *link,
		    const struct tach_demand *demand, uint32_t most)
{
	int ret;

	if (demand->is_lent && !tach_link_takes_descriptors(link)) {
		ret = tach_link_sync(link);
		return ret == 0 || ret == -EAGAIN ? -ENOTSUP : ret;
	}
	ret = tach_link_has_room(link, demand->message_size, demand->segment, most);
	if (ret == 0 && demand->segment != 0 && !demand->is_lent &&
	    tach_publisher_is_greedy(publisher, link))
		return -EAGAIN;
	if (ret < 0 || demand->metadata_segment == 0)
		return ret;
	return tach_link_has_room(link, demand->message_size, demand->metadata_segment, most);
}

/* Whether anybody would get it, before it is copied; changes nothing. */
static bool is_anybody_ready(struct tachyon_publisher *publisher, const struct tach_demand *demand)
{
	const uint32_t most = max_queued(publisher, demand->payload_size);
	uint64_t mask = publisher->audience.joined;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (has_room(publisher, &publisher->audience.links[slot], demand, most) == 0)
			return true;
	}
	return false;
}

int tach_publisher_select(struct tachyon_publisher *publisher, const struct tach_demand *demand,
			  uint64_t *ready)
{
	const uint32_t most = max_queued(publisher, demand->payload_size);
	uint64_t mask, missing = 0;
	int again = 0;

	tach_audience_drain(publisher);
	*ready = 0;
	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];
		const int ret = has_room(publisher, link, demand, most);

		if (ret == 0)
			*ready |= 1ull << slot;
		else if (ret == -ENOTSUP)
			missing |= 1ull << slot;
		else if (ret != -EAGAIN)
			tach_audience_fail(publisher, slot, ret);
		else if (meet_slow(publisher, slot, demand) == TACHYON_ERR_AGAIN)
			again = TACHYON_ERR_AGAIN;
	}
	/* Said once, however often the others make the caller try again. */
	for (unsigned int slot; again == 0 && tach_next_slot(&missing, &slot);)
		miss_frame(publisher, &publisher->audience.links[slot]);
	return again;
}

static int finish(struct tachyon_publisher *publisher, uint64_t ready, size_t size)
{
	uint64_t mask = ready;

	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		tach_link_flush(&publisher->audience.links[slot]);
	publisher->stats.frames++;
	publisher->stats.bytes += size;
	return __builtin_popcountll(ready);
}

/* --- sending --- */

/* The metadata in a block of its own, for all. 0, and a reference that the caller releases. */
static int outline_metadata(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
			    struct tachyon_block **block)
{
	const uint64_t freed = tach_pool_freed(publisher->pool);
	const int ret = tach_pool_acquire(publisher->pool, frame->metadata_size, block);

	if (ret == 0)
		memcpy(tach_pool_block_data(*block), frame->metadata, frame->metadata_size);
	else if (ret == TACHYON_ERR_AGAIN)
		tach_publisher_want_blocks(publisher, freed);
	return ret;
}

static int put_to_all(struct tachyon_publisher *publisher, uint64_t ready,
		      const struct tachyon_frame *frame, const struct tach_block_ref *ref,
		      const struct tach_block_ref *outline)
{
	uint64_t mask = ready;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (tach_link_put_frame(&publisher->audience.links[slot], frame, ref, outline) < 0)
			tach_audience_fail(publisher, slot, -EBADMSG);
	}
	return finish(publisher, ready & publisher->audience.joined, frame->size);
}

/* Nobody was told of it: returned in the name of those who would have been. */
static void take_back(struct tachyon_publisher *publisher, uint64_t holders,
		      const struct tach_block_ref *ref)
{
	for (unsigned int slot; tach_next_slot(&holders, &slot);)
		(void)tach_pool_return(publisher->pool, slot, ref->segment, ref->block,
				       ref->generation);
}

/* The caller has a reference to frame->block, whose payload it is, and the lock. */
static int publish_locked(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
			  size_t offset, void *cookie, struct tachyon_block *metadata)
{
	struct tach_block_ref ref = {0}, outline = {0};
	struct tach_demand demand = {
		.message_size = message_size(publisher, frame),
		.payload_size = frame->size,
	};
	uint64_t ready;
	int ret;

	demand.segment = tach_pool_block_segment(frame->block);
	demand.is_lent = tach_pool_lends(publisher->pool, frame->block);
	if (metadata)
		demand.metadata_segment = tach_pool_block_segment(metadata);
	ret = tach_publisher_select(publisher, &demand, &ready);
	if (ret < 0 || ready == 0)
		return ret;

	if (metadata) {
		ret = tach_pool_publish(publisher->pool, metadata, ready, NULL, &outline);
		if (ret < 0)
			return ret;
		outline.size = (uint32_t)frame->metadata_size;
	}
	ret = tach_pool_publish(publisher->pool, frame->block, ready, cookie, &ref);
	if (ret < 0) {
		if (metadata)
			take_back(publisher, ready, &outline);
		return ret;
	}
	ref.offset = (uint32_t)offset;
	ref.size = (uint32_t)frame->size;
	return put_to_all(publisher, ready, frame, &ref, metadata ? &outline : NULL);
}

static int publish(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
		   size_t offset, void *cookie)
{
	struct tachyon_block *metadata = NULL;
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	if (is_outlined(publisher, tach_wire_frame_size(frame)) && publisher->audience.joined)
		ret = outline_metadata(publisher, frame, &metadata);
	if (ret < 0) {
		/* Noted already, with what it wants. */
		pthread_mutex_unlock(&publisher->lock);
		return ret;
	}
	ret = publish_locked(publisher, frame, offset, cookie, metadata);
	if (metadata)
		metadata->ops->release(metadata);
	return tach_publisher_unlock(publisher, ret);
}

static int check_metadata(const struct tachyon_frame *frame)
{
	if (frame->metadata_size > TACH_WIRE_METADATA_MAX)
		return TACHYON_ERR_TOO_BIG;
	if (frame->metadata_size > 0 && !frame->metadata)
		return -EINVAL;
	return tach_wire_check_metadata(frame);
}

int tach_publisher_publish(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
			   size_t offset, void *cookie)
{
	const int ret = check_metadata(frame);

	return ret < 0 ? ret : publish(publisher, frame, offset, cookie);
}

int tachyon_publisher_publish(struct tachyon_publisher *publisher,
			      const struct tachyon_frame *frame, void *cookie)
{
	const uint8_t *start, *data;
	int ret = tach_publisher_check_usable(publisher);

	if (ret < 0)
		return ret;
	if (!frame || !frame->block || !tach_pool_owns(publisher->pool, frame->block))
		return -EINVAL;
	start = tach_pool_block_data(frame->block);
	data = frame->data;
	if (data < start || data > start + tach_pool_block_size(frame->block) ||
	    frame->size > tach_pool_block_size(frame->block) - (size_t)(data - start))
		return -EINVAL;
	return tach_publisher_publish(publisher, frame, (size_t)(data - start), cookie);
}

int tachyon_publisher_commit(struct tachyon_publisher *publisher, struct tachyon_frame *frame)
{
	const int ret = tachyon_publisher_publish(publisher, frame, NULL);

	if (ret >= 0)
		tachyon_frame_release(frame);
	return ret;
}

static int send_inline(struct tachyon_publisher *publisher, const struct tachyon_frame *frame)
{
	const struct tach_demand demand = {
		.message_size = tach_wire_inline_size(frame),
		.payload_size = frame->size,
	};
	uint64_t ready, mask;
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	ret = tach_publisher_select(publisher, &demand, &ready);
	if (ret < 0 || ready == 0)
		return tach_publisher_unlock(publisher, ret);

	mask = ready;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (tach_link_put_inline(&publisher->audience.links[slot], frame) < 0)
			tach_audience_fail(publisher, slot, -EBADMSG);
	}
	if (frame->size > 0)
		publisher->stats.copied++;
	return tach_publisher_unlock(
		publisher, finish(publisher, ready & publisher->audience.joined, frame->size));
}

/*
 * POLICY_DROP, and nobody had room: 1 when somebody has, once what came back was taken. Else all
 * miss it, whoever has room by now: who was said to miss it must not get it.
 */
static int is_wanted_yet(struct tachyon_publisher *publisher, const struct tach_demand *demand)
{
	uint64_t mask;

	tach_audience_drain(publisher);
	if (is_anybody_ready(publisher, demand))
		return 1;
	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		miss_frame(publisher, &publisher->audience.links[slot]);
	return 0;
}

/* 1: copy it; 0: nobody gets it; -EAGAIN: wait first. */
static int is_wanted(struct tachyon_publisher *publisher, const struct tachyon_frame *frame,
		     const struct tachyon_frame *copy)
{
	const struct tach_demand demand = {
		.message_size = message_size(publisher, frame),
		.payload_size = frame->size,
		.segment = tach_pool_block_segment(copy->block),
	};
	uint64_t ready;
	int ret = tach_publisher_lock_open(publisher);

	if (ret < 0)
		return ret;
	if (publisher->options.policy != TACHYON_POLICY_BLOCK &&
	    is_anybody_ready(publisher, &demand))
		return tach_publisher_unlock(publisher, 1);
	if (publisher->options.policy == TACHYON_POLICY_DROP)
		return tach_publisher_unlock(publisher, is_wanted_yet(publisher, &demand));
	ret = tach_publisher_select(publisher, &demand, &ready);
	return tach_publisher_unlock(publisher, ret < 0 ? ret : ready != 0);
}

static int send_copy(struct tachyon_publisher *publisher, const struct tachyon_frame *frame)
{
	struct tachyon_frame copy, message = *frame;
	/* An empty frame comes here for its metadata, which are too large for the ring. */
	int ret = tachyon_publisher_acquire(publisher, frame->size > 0 ? frame->size : 1, &copy);

	if (ret < 0)
		return ret;
	/* Copied without the lock: a large frame takes milliseconds. */
	ret = is_wanted(publisher, frame, &copy);
	if (ret > 0) {
		if (frame->size > 0)
			memcpy(copy.data, frame->data, frame->size);
		message.data = copy.data;
		message.block = copy.block;
		ret = publish(publisher, &message, 0, NULL);
	}
	if (ret > 0) {
		pthread_mutex_lock(&publisher->lock);
		publisher->stats.copied++;
		pthread_mutex_unlock(&publisher->lock);
	}
	tachyon_frame_release(&copy);
	return ret;
}

int tachyon_publisher_send(struct tachyon_publisher *publisher, const struct tachyon_frame *frame)
{
	int ret = tach_publisher_check_usable(publisher);

	if (ret < 0)
		return ret;
	if (!frame || (frame->size > 0 && !frame->data))
		return -EINVAL;
	ret = check_metadata(frame);
	if (ret < 0)
		return ret;
	if (frame->size <= TACH_WIRE_INLINE_PAYLOAD_MAX &&
	    !is_outlined(publisher, tach_wire_inline_size(frame)))
		return send_inline(publisher, frame);
	return send_copy(publisher, frame);
}
