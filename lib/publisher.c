/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher: its life, its memory, its figures. Frames go out in publisher-send.c.
 */
#include "publisher.h"

#include <stdlib.h>

#include "sock.h"

#define MAX_BYTES_DEFAULT (1ull << 30)

int tach_publisher_check_usable(const struct tachyon_publisher *publisher)
{
	if (!publisher)
		return -EINVAL;
	return publisher->token == tach_os_process_token() ? 0 : TACHYON_ERR_FORKED;
}

int tach_publisher_lock(struct tachyon_publisher *publisher)
{
	const int ret = tach_publisher_check_usable(publisher);

	if (ret == 0)
		pthread_mutex_lock(&publisher->lock);
	return ret;
}

int tach_publisher_lock_open(struct tachyon_publisher *publisher)
{
	const int ret = tach_publisher_lock(publisher);

	if (ret < 0 || !publisher->is_shut)
		return ret;
	pthread_mutex_unlock(&publisher->lock);
	return TACHYON_ERR_CLOSED;
}

int tach_publisher_unlock(struct tachyon_publisher *publisher, int ret)
{
	if (ret == TACHYON_ERR_AGAIN) {
		tach_publisher_show(publisher);
		tach_publisher_note_again(publisher);
	}
	pthread_mutex_unlock(&publisher->lock);
	return ret;
}

/* --- life --- */

static int complete(const struct tachyon_publisher_options *given,
		    struct tachyon_publisher_options *options)
{
	const int ret = tach_copy_options(options, sizeof(*options), given);

	if (ret < 0)
		return ret;
	if (options->policy > TACHYON_POLICY_DISCONNECT)
		return -EINVAL;
	if (options->max_subscribers > TACHYON_SUBSCRIBERS_MAX)
		return -EINVAL;
	if (options->max_subscribers == 0)
		options->max_subscribers = TACHYON_SUBSCRIBERS_MAX;
	if (options->max_bytes == 0)
		options->max_bytes = MAX_BYTES_DEFAULT;
	if (options->ring_size == 0)
		options->ring_size = TACH_RING_SIZE_DEFAULT;
	options->ring_size = tach_ring_size(options->ring_size);
	return options->ring_size ? 0 : -EINVAL;
}

int tachyon_publisher_create(const char *address, const struct tachyon_publisher_options *given,
			     struct tachyon_publisher **out)
{
	struct tachyon_publisher *publisher;
	int ret;

	if (!out)
		return -EINVAL;
	publisher = calloc(1, sizeof(*publisher));
	if (!publisher)
		return -ENOMEM;

	ret = complete(given, &publisher->options);
	if (ret < 0)
		goto err_free;
	ret = tach_pool_create(publisher->options.max_bytes, &publisher->pool);
	if (ret < 0)
		goto err_free;
	ret = tach_publisher_wait_init(publisher);
	if (ret < 0)
		goto err_pool;
	ret = tach_audience_init(publisher, address);
	if (ret < 0)
		goto err_wait;

	pthread_mutex_init(&publisher->lock, NULL);
	publisher->token = tach_os_process_token();
	*out = publisher;
	return 0;

err_wait:
	tach_publisher_wait_fini(publisher);
err_pool:
	tach_pool_close(publisher->pool);
err_free:
	free(publisher);
	return ret;
}

static void drop_all(struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		tach_audience_drop(publisher, slot);
}

void tachyon_publisher_disconnect(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	drop_all(publisher);
	tach_publisher_unlock(publisher, 0);
}

int tachyon_publisher_adopt(struct tachyon_publisher *publisher, int sock)
{
	int ret = tach_publisher_check_usable(publisher);
	int own;

	if (ret < 0)
		return ret;
	own = tach_sock_adopt(sock);
	if (own < 0)
		return own;
	ret = tach_publisher_lock_open(publisher);
	if (ret < 0) {
		tach_os_close(own);
		return ret;
	}
	ret = tach_audience_adopt(publisher, own);
	tach_publisher_unlock(publisher, 0);
	return ret;
}

void tachyon_publisher_shutdown(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	publisher->is_shut = true;
	tach_pool_shut(publisher->pool);
	drop_all(publisher);
	tach_publisher_note_change(publisher);
	tach_publisher_unlock(publisher, 0);
}

static void wait_for_sleepers(struct tachyon_publisher *publisher)
{
	tachyon_publisher_cancel(publisher);
	pthread_mutex_lock(&publisher->lock);
	while (publisher->sleepers > 0) {
		pthread_mutex_unlock(&publisher->lock);
		(void)tach_os_poll(NULL, 0, tach_os_now_ns() + 100000);
		pthread_mutex_lock(&publisher->lock);
	}
	pthread_mutex_unlock(&publisher->lock);
}

void tachyon_publisher_destroy(struct tachyon_publisher *publisher)
{
	if (!publisher)
		return;
	/* In a forked child each part frees only the child's copy. */
	if (tach_publisher_check_usable(publisher) == 0) {
		tachyon_publisher_shutdown(publisher);
		wait_for_sleepers(publisher);
	}

	tach_audience_fini(publisher);
	tach_pool_close(publisher->pool);
	tach_notices_fini(&publisher->notices);
	tach_sticky_fini(&publisher->sticky);
	tach_publisher_wait_fini(publisher);
	pthread_mutex_destroy(&publisher->lock);
	free(publisher);
}

int tachyon_publisher_set_policy(struct tachyon_publisher *publisher, uint32_t policy,
				 uint32_t max_buffers)
{
	uint64_t mask;
	int ret;

	if (policy > TACHYON_POLICY_DISCONNECT)
		return -EINVAL;
	ret = tach_publisher_lock(publisher);
	if (ret < 0)
		return ret;
	publisher->options.policy = policy;
	publisher->options.max_buffers = max_buffers;
	/* What held up the publisher under the old rule may not under the new. */
	mask = publisher->audience.present;
	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		publisher->audience.links[slot].blocked_since_ns = 0;
	tach_publisher_note_change(publisher);
	return tach_publisher_unlock(publisher, 0);
}

/* --- memory --- */

int tachyon_publisher_configure(struct tachyon_publisher *publisher, size_t size, uint32_t count)
{
	const int ret = tach_publisher_check_usable(publisher);

	return ret < 0 ? ret : tach_pool_configure(publisher->pool, size, count);
}

int tachyon_publisher_acquire(struct tachyon_publisher *publisher, size_t size,
			      struct tachyon_frame *frame)
{
	struct tachyon_block *block;
	uint64_t freed;
	int ret;

	if (!frame || size == 0)
		return -EINVAL;
	ret = tach_publisher_lock_open(publisher);
	if (ret < 0)
		return ret;
	/* What came back is warm, and there: take it before the pool grows. */
	tach_audience_drain(publisher);
	freed = tach_pool_freed(publisher->pool);
	tach_publisher_unlock(publisher, 0);

	ret = tach_pool_acquire(publisher->pool, size, &block);
	if (ret == TACHYON_ERR_AGAIN) {
		pthread_mutex_lock(&publisher->lock);
		tach_publisher_want_blocks(publisher, freed);
		tach_publisher_relieve(publisher);
		pthread_mutex_unlock(&publisher->lock);
	}
	if (ret < 0)
		return ret;
	*frame = (struct tachyon_frame){
		.data = tach_pool_block_data(block),
		.size = size,
		.pts = TACHYON_TIME_NONE,
		.dts = TACHYON_TIME_NONE,
		.duration = TACHYON_TIME_NONE,
		.offset = TACHYON_OFFSET_NONE,
		.offset_end = TACHYON_OFFSET_NONE,
		.block = block,
	};
	return 0;
}

void tachyon_publisher_abandon(struct tachyon_publisher *publisher, struct tachyon_frame *frame)
{
	(void)publisher;
	tachyon_frame_release(frame);
}

void *tachyon_publisher_reclaim(struct tachyon_publisher *publisher)
{
	void *cookie;

	if (tach_publisher_check_usable(publisher) < 0)
		return NULL;
	cookie = tach_pool_reclaim(publisher->pool);
	if (cookie)
		return cookie;

	pthread_mutex_lock(&publisher->lock);
	tach_audience_drain(publisher);
	pthread_mutex_unlock(&publisher->lock);
	return tach_pool_reclaim(publisher->pool);
}

/* --- figures --- */

static uint64_t slowest(struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.joined;
	int64_t most = 0;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const int64_t queued = tach_link_queued(&publisher->audience.links[slot]);

		if (queued > most)
			most = queued;
	}
	return (uint64_t)most;
}

static uint64_t count_wakes(const struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;
	uint64_t wakes = 0;

	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		wakes += atomic_load_explicit(&publisher->audience.links[slot].bus->own->wakes,
					      memory_order_relaxed);
	return wakes;
}

void tachyon_publisher_get_stats(struct tachyon_publisher *publisher,
				 struct tachyon_publisher_stats *stats)
{
	struct tachyon_publisher_stats now;
	struct tach_pool_figures figures;

	if (!stats || tach_publisher_lock(publisher) < 0)
		return;
	tach_audience_drain(publisher);
	tach_pool_figures(publisher->pool, &figures);
	now = publisher->stats;
	now.size = stats->size;
	now.subscribers = (uint32_t)__builtin_popcountll(publisher->audience.joined);
	now.wakes += count_wakes(publisher);
	now.queued = slowest(publisher);
	now.blocks = figures.blocks;
	now.blocks_free = figures.blocks_free;
	now.payload_bytes = figures.bytes;
	tach_publisher_unlock(publisher, 0);

	memcpy(stats, &now, stats->size < sizeof(now) ? stats->size : sizeof(now));
}

static struct tachyon_client_stats client_stats(struct tach_link *link)
{
	const int64_t queued = tach_link_queued(link);

	return (struct tachyon_client_stats){
		.pid = (uint32_t)link->bus->peer_pid,
		.subscriber = link->id,
		/* Relaxed, as all counters are: it orders nothing. */
		.dropped = atomic_load_explicit(&link->bus->own->dropped, memory_order_relaxed),
		.queued = queued > 0 ? (uint64_t)queued : 0,
		.held = link->outstanding,
	};
}

int tachyon_publisher_get_client_stats(struct tachyon_publisher *publisher, uint32_t index,
				       struct tachyon_client_stats *stats)
{
	struct tachyon_client_stats now;
	bool is_there;
	int ret;

	if (!stats || index >= TACHYON_SUBSCRIBERS_MAX)
		return -EINVAL;
	ret = tach_publisher_lock(publisher);
	if (ret < 0)
		return ret;
	tach_audience_drain(publisher);
	is_there = publisher->audience.joined & (1ull << index);
	if (is_there)
		now = client_stats(&publisher->audience.links[index]);
	tach_publisher_unlock(publisher, 0);
	if (!is_there)
		return -ENOENT;

	now.size = stats->size;
	memcpy(stats, &now, stats->size < sizeof(now) ? stats->size : sizeof(now));
	return 0;
}

uint32_t tachyon_publisher_subscribers(struct tachyon_publisher *publisher)
{
	uint32_t count;

	if (tach_publisher_lock(publisher) < 0)
		return 0;
	count = (uint32_t)__builtin_popcountll(publisher->audience.joined);
	tach_publisher_unlock(publisher, 0);
	return count;
}

uint64_t tachyon_publisher_newest(struct tachyon_publisher *publisher)
{
	uint64_t newest = 0;
	uint64_t mask;

	if (tach_publisher_lock(publisher) < 0)
		return 0;
	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (publisher->audience.links[slot].id > newest)
			newest = publisher->audience.links[slot].id;
	}
	tach_publisher_unlock(publisher, 0);
	return newest;
}

uint32_t tachyon_publisher_need(struct tachyon_publisher *publisher)
{
	uint32_t most = 0;
	uint64_t mask;

	if (tach_publisher_lock(publisher) < 0)
		return 0;
	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (publisher->audience.links[slot].need > most)
			most = publisher->audience.links[slot].need;
	}
	tach_publisher_unlock(publisher, 0);
	return most;
}

int tachyon_publisher_next_notice(struct tachyon_publisher *publisher,
				  struct tachyon_notice *notice)
{
	int ret;

	if (!notice)
		return -EINVAL;
	ret = tach_publisher_lock(publisher);
	return ret < 0 ? ret
		       : tach_publisher_unlock(publisher,
					       tach_notices_take(&publisher->notices, notice));
}
