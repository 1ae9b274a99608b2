/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Subscribers that hold more blocks than their share (PROTOCOL.md 7). Where the policy is that
 * nobody waits for a slow subscriber, one that gives nothing back must not take the last block.
 */
#include "log.h"
#include "publisher.h"

/* Nobody is blamed for fewer: one on its way, one that is looked at. */
#define SHARE_LEAST 2u
/* Without a block that came back, before somebody must go: longer than a reader stops to think. */
#define PATIENCE_NS 1000000000ull

static bool is_policy_to_block(const struct tachyon_publisher *publisher)
{
	return publisher->options.policy == TACHYON_POLICY_BLOCK;
}

/* Of each who is there, with one for the publisher itself. */
static uint64_t share(const struct tachyon_publisher *publisher)
{
	const uint64_t parts = 1 + (uint64_t)__builtin_popcountll(publisher->audience.present);
	struct tach_pool_figures figures;

	tach_pool_figures(publisher->pool, &figures);
	return figures.blocks / parts > SHARE_LEAST ? figures.blocks / parts : SHARE_LEAST;
}

bool tach_publisher_is_greedy(const struct tachyon_publisher *publisher,
			      const struct tach_link *link)
{
	if (is_policy_to_block(publisher) || link->outstanding <= SHARE_LEAST)
		return false;
	return tach_pool_is_scarce(publisher->pool) && link->outstanding > share(publisher);
}

void tach_publisher_note_starving(struct tachyon_publisher *publisher, uint64_t freed)
{
	if (publisher->starving_since_ns != 0 && publisher->starving_freed == freed)
		return;
	publisher->starving_since_ns = tach_os_now_ns();
	publisher->starving_freed = freed;
}

/* Also who takes no more frames, and keeps what it had: shares shrink when others join. */
static unsigned int greediest(const struct tachyon_publisher *publisher)
{
	unsigned int found = TACHYON_SUBSCRIBERS_MAX;
	uint64_t most = share(publisher);
	uint64_t mask = publisher->audience.present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (publisher->audience.links[slot].outstanding > most) {
			most = publisher->audience.links[slot].outstanding;
			found = slot;
		}
	}
	return found;
}

uint64_t tach_publisher_relief_ns(const struct tachyon_publisher *publisher)
{
	if (publisher->starving_since_ns == 0 || is_policy_to_block(publisher))
		return TACH_FOREVER;
	return publisher->starving_since_ns + PATIENCE_NS;
}

void tach_publisher_relieve(struct tachyon_publisher *publisher)
{
	const uint64_t end = tach_publisher_relief_ns(publisher);
	unsigned int slot;

	if (end == TACH_FOREVER || tach_os_now_ns() < end)
		return;
	publisher->starving_since_ns = 0;
	if (tach_pool_freed(publisher->pool) != publisher->starving_freed)
		return;
	slot = greediest(publisher);
	if (slot == TACHYON_SUBSCRIBERS_MAX)
		return;
	tach_log(TACHYON_LOG_WARNING,
		 "publisher: process %d holds most blocks, and no other is left: it is dropped",
		 (int)publisher->audience.links[slot].bus->peer_pid);
	tach_audience_drop(publisher, slot);
}
