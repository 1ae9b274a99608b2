/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Sleeping until a publisher can go on: arm every link, one barrier, look at all, one poll.
 *
 * Any number of threads may wait, for blocks or for room. Bells can be drained once only, so one
 * thread, the leader, polls for all; when it comes back the others try their luck too.
 */
#include <errno.h>
#include <time.h>

#include "publisher.h"
#include "sock.h"

/* An address of its own in each thread. */
static uintptr_t this_thread(void)
{
	static _Thread_local char here;

	return (uintptr_t)&here;
}

static struct tach_note *find_note(struct tachyon_publisher *publisher)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(publisher->notes); i++) {
		if (publisher->notes[i].thread == this_thread())
			return &publisher->notes[i];
	}
	return NULL;
}

static void make_note(struct tachyon_publisher *publisher, const struct tach_note *made)
{
	struct tach_note *note = find_note(publisher);

	/* A thread whose note made place for another's just looks once more before it sleeps. */
	if (!note)
		note = &publisher->notes[publisher->notes_made++ %
					 TACH_ARRAY_SIZE(publisher->notes)];
	*note = *made;
}

void tach_publisher_note_again(struct tachyon_publisher *publisher)
{
	make_note(publisher, &(struct tach_note){
				     .thread = this_thread(),
				     .changes = publisher->changes,
				     .freed = tach_pool_freed(publisher->pool),
			     });
}

void tach_publisher_want_blocks(struct tachyon_publisher *publisher, uint64_t freed)
{
	tach_publisher_show(publisher);
	tach_publisher_note_starving(publisher, freed);
	make_note(publisher, &(struct tach_note){
				     .thread = this_thread(),
				     .changes = publisher->changes,
				     .freed = freed,
				     .wants_blocks = true,
			     });
	tach_publisher_rearm(publisher);
}

static bool is_any_block_wanted(const struct tachyon_publisher *publisher)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(publisher->notes); i++) {
		if (publisher->notes[i].wants_blocks)
			return true;
	}
	return false;
}

void tach_publisher_rearm(struct tachyon_publisher *publisher)
{
	if (publisher->is_leader_asleep)
		tach_os_event_set(publisher->kick);
}

void tach_publisher_note_change(struct tachyon_publisher *publisher)
{
	publisher->changes++;
	tach_publisher_rearm(publisher);
}

static bool is_news(struct tachyon_publisher *publisher)
{
	const struct tach_note *note = find_note(publisher);

	return !note || note->changes != publisher->changes ||
	       (is_any_block_wanted(publisher) && note->freed != tach_pool_freed(publisher->pool));
}

int tach_publisher_wait_init(struct tachyon_publisher *publisher)
{
	pthread_condattr_t attributes;
	int ret;

	publisher->kick = tach_os_eventfd();
	if (publisher->kick < 0)
		return publisher->kick;
	publisher->cancel = tach_os_eventfd();
	ret = publisher->cancel;
	if (ret < 0)
		goto err_kick;
	publisher->nudge = tach_os_eventfd();
	ret = publisher->nudge;
	if (ret < 0)
		goto err_cancel;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&publisher->leader_is_back, &attributes);
	pthread_condattr_destroy(&attributes);
	return 0;

err_cancel:
	tach_os_close(publisher->cancel);
err_kick:
	tach_os_close(publisher->kick);
	return ret;
}

void tach_publisher_wait_fini(struct tachyon_publisher *publisher)
{
	pthread_cond_destroy(&publisher->leader_is_back);
	tach_os_close(publisher->nudge);
	tach_os_close(publisher->cancel);
	tach_os_close(publisher->kick);
}

/* --- arming all links --- */

static bool is_short(const struct tachyon_publisher *publisher, unsigned int slot)
{
	return publisher->audience.links[slot].blocked_since_ns != 0 ||
	       !(publisher->audience.joined & (1ull << slot));
}

/* A block may come back from any subscriber, whoever lacks it. */
static bool is_block_lacking(const struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (is_short(publisher, slot) &&
		    publisher->audience.links[slot].lack == TACH_LACK_BLOCKS)
			return true;
	}
	return is_any_block_wanted(publisher);
}

/*
 * Only for what is waited for: a subscriber that returns a frame which nobody misses, or reads
 * one of many, wakes nobody.
 */
static void arm(struct tachyon_publisher *publisher, bool wants_returns)
{
	struct tach_wait *waits[2 * TACHYON_SUBSCRIBERS_MAX];
	uint64_t mask = publisher->audience.present;
	size_t count = 0;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];
		struct tachyon_bus *bus = link->bus;
		const bool is_joined = publisher->audience.joined & (1ull << slot);

		if (wants_returns || (is_short(publisher, slot) && link->lack == TACH_LACK_RETURNS))
			waits[count++] = &bus->data_wait;
		if (is_short(publisher, slot)) {
			tach_wait_set_target(&bus->space_wait, is_joined ? link->target : 0);
			waits[count++] = &bus->space_wait;
		}
	}
	for (size_t i = 0; i < count; i++)
		tach_wait_announce(waits[i]);
	if (count > 0)
		tach_wait_order(waits, count);
	tach_pool_set_wake(publisher->pool, publisher->kick);
}

/* Every bell that was rung, also one that nobody waits for: a late ring would end every poll. */
static void drain_bells(struct tachyon_publisher *publisher)
{
	struct tach_ready ready[32];
	const int count =
		tach_os_epoll_poll(publisher->audience.bells, ready, TACH_ARRAY_SIZE(ready));

	for (int i = 0; i < count; i++) {
		const struct tachyon_bus *bus;

		if (ready[i].key == TACH_KEY_KICK) {
			tach_os_event_clear(publisher->kick);
			continue;
		}
		bus = publisher->audience.links[ready[i].key / 2].bus;
		if (bus)
			tach_sock_drain(ready[i].key % 2 ? bus->space_wait.bell
							 : bus->data_wait.bell);
	}
}

static void disarm(struct tachyon_publisher *publisher, bool has_rung)
{
	uint64_t mask = publisher->audience.present;

	if (has_rung)
		drain_bells(publisher);
	tach_pool_set_wake(publisher->pool, -1);
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		tach_wait_disarm_unrung(&publisher->audience.links[slot].bus->data_wait);
		tach_wait_disarm_unrung(&publisher->audience.links[slot].bus->space_wait);
	}
}

/*
 * What subscribers returned, left, or read since they held us up. Afterwards is_news() tells. Who
 * may only wait, and not publish, still needs segments to retire.
 */
static void look(struct tachyon_publisher *publisher)
{
	uint64_t mask;

	tach_audience_drain(publisher);
	tach_publisher_relieve(publisher);
	mask = publisher->audience.joined;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		struct tach_link *link = &publisher->audience.links[slot];
		const int ret = tach_link_sync(link);

		if (ret < 0 && ret != -EAGAIN)
			tach_audience_fail(publisher, slot, ret);
		else if (tach_link_unblock(link))
			tach_publisher_note_change(publisher);
	}
}

/* A subscriber that stalls for too long is dropped when the publisher next tries. */
static uint64_t earliest_stall(const struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;
	uint64_t earliest = TACH_FOREVER;

	if (publisher->options.stall_timeout_ns == 0)
		return earliest;
	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const uint64_t since = publisher->audience.links[slot].blocked_since_ns;
		const uint64_t end = since + publisher->options.stall_timeout_ns;

		if (since != 0 && end < earliest)
			earliest = end;
	}
	return earliest;
}

/* Where membarrier fails, sleep in slices: see tach_wait_order(). */
static uint64_t shortest_slice(const struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present;
	uint64_t shortest = TACH_FOREVER;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const struct tachyon_bus *bus = publisher->audience.links[slot].bus;

		if (bus->data_wait.slice_ns < shortest)
			shortest = bus->data_wait.slice_ns;
		if (bus->space_wait.slice_ns < shortest)
			shortest = bus->space_wait.slice_ns;
	}
	return shortest == TACH_FOREVER ? TACH_FOREVER : tach_os_now_ns() + shortest;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* --- the two roles --- */

static bool is_canceled(const struct tachyon_publisher *publisher)
{
	return atomic_load_explicit(&publisher->is_canceled, memory_order_relaxed);
}

/* With the lock, which it gives up while it polls. */
static void lead(struct tachyon_publisher *publisher, uint64_t deadline)
{
	struct pollfd fds[] = {
		{.fd = publisher->audience.bells, .events = POLLIN},
		/* Not while it is readable for a caller's own poll, who will dispatch. */
		{.fd = publisher->is_nudged ? -1 : publisher->audience.control, .events = POLLIN},
		{.fd = publisher->cancel, .events = POLLIN},
	};

	publisher->has_leader = true;
	arm(publisher, is_block_lacking(publisher));
	look(publisher);
	if (!is_news(publisher)) {
		const uint64_t end = min_u64(deadline, tach_publisher_relief_ns(publisher));
		const uint64_t until =
			min_u64(end, min_u64(earliest_stall(publisher), shortest_slice(publisher)));

		publisher->stats.waits++;
		publisher->is_leader_asleep = true;
		pthread_mutex_unlock(&publisher->lock);
		(void)tach_os_poll(fds, TACH_ARRAY_SIZE(fds), until);
		pthread_mutex_lock(&publisher->lock);
		publisher->is_leader_asleep = false;
	}
	disarm(publisher, fds[0].revents != 0);
	/* Taken back while we slept. */
	if (fds[2].revents && !is_canceled(publisher))
		tach_os_event_clear(publisher->cancel);
	if (fds[1].revents && !publisher->is_shut)
		tach_audience_dispatch(publisher);
	look(publisher);
	publisher->has_leader = false;
	pthread_cond_broadcast(&publisher->leader_is_back);
	/* What a caller's own poll had armed is disarmed now: let it look, and prepare anew. */
	if (publisher->is_prepared && !publisher->is_nudged) {
		publisher->is_nudged = true;
		tach_os_event_set(publisher->nudge);
	}
}

static void follow(struct tachyon_publisher *publisher, uint64_t deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / TACH_NS_PER_SEC),
		.tv_nsec = (long)(deadline % TACH_NS_PER_SEC),
	};

	if (deadline == TACH_FOREVER)
		pthread_cond_wait(&publisher->leader_is_back, &publisher->lock);
	else
		pthread_cond_timedwait(&publisher->leader_is_back, &publisher->lock, &until);
}

static int wait_for_news(struct tachyon_publisher *publisher, uint64_t deadline)
{
	const uint32_t cancels = publisher->cancels;

	look(publisher);
	for (;;) {
		if (publisher->is_shut)
			return TACHYON_ERR_CLOSED;
		/* Also when resume came before this thread woke. */
		if (is_canceled(publisher) || publisher->cancels != cancels)
			return TACHYON_ERR_CANCELED;
		if (is_news(publisher))
			return 0;
		if (deadline != TACH_FOREVER && tach_os_now_ns() >= deadline)
			return TACHYON_ERR_TIMEDOUT;
		/*
		 * A stall that ran out is news to the caller: the next try drops that subscriber.
		 */
		if (earliest_stall(publisher) <= tach_os_now_ns())
			return 0;
		if (publisher->has_leader)
			follow(publisher, deadline);
		else
			lead(publisher, deadline);
	}
}

int tachyon_publisher_wait(struct tachyon_publisher *publisher, int64_t timeout_ns)
{
	int ret = tach_publisher_lock(publisher);

	if (ret < 0)
		return ret;
	publisher->sleepers++;
	tach_publisher_show(publisher);
	ret = wait_for_news(publisher, tach_os_deadline(timeout_ns));
	if (ret == TACHYON_ERR_TIMEDOUT && timeout_ns == 0)
		ret = TACHYON_ERR_AGAIN;
	tach_publisher_note_again(publisher);
	publisher->sleepers--;
	pthread_mutex_unlock(&publisher->lock);
	return ret;
}

void tachyon_publisher_cancel(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	publisher->cancels++;
	atomic_store_explicit(&publisher->is_canceled, true, memory_order_relaxed);
	tach_os_event_set(publisher->cancel);
	pthread_cond_broadcast(&publisher->leader_is_back);
	pthread_mutex_unlock(&publisher->lock);
}

void tachyon_publisher_resume(struct tachyon_publisher *publisher)
{
	if (tach_publisher_lock(publisher) < 0)
		return;
	atomic_store_explicit(&publisher->is_canceled, false, memory_order_relaxed);
	/* A leader that did not wake yet would sleep on: it clears the event itself. */
	if (!publisher->is_leader_asleep)
		tach_os_event_clear(publisher->cancel);
	pthread_mutex_unlock(&publisher->lock);
}

/* --- the caller's own poll --- */

int tachyon_publisher_fd(const struct tachyon_publisher *publisher)
{
	return publisher->audience.control;
}

/* Bells wake the caller's own poll only from here until it dispatches. */
static void prepare(struct tachyon_publisher *publisher, bool wants_returns)
{
	if (!publisher->is_prepared)
		publisher->is_prepared =
			tach_os_epoll_add(publisher->audience.control, publisher->audience.bells,
					  UINT64_MAX) == 0;
	arm(publisher, wants_returns);
	look(publisher);
}

static void unprepare(struct tachyon_publisher *publisher)
{
	if (publisher->is_nudged)
		tach_os_event_clear(publisher->nudge);
	publisher->is_nudged = false;
	if (!publisher->is_prepared)
		return;
	tach_os_epoll_remove(publisher->audience.control, publisher->audience.bells);
	publisher->is_prepared = false;
	/* A thread asleep in tachyon_publisher_wait() drains its own bells. */
	if (!publisher->has_leader)
		disarm(publisher, true);
}

int tachyon_publisher_prepare(struct tachyon_publisher *publisher)
{
	bool has_news;
	int ret = tach_publisher_lock(publisher);

	if (ret < 0)
		return ret;
	prepare(publisher, true);
	/*
	 * Where membarrier began to fail, a sleep without end may be slept through: poll no more.
	 */
	has_news = is_news(publisher) || !publisher->is_prepared ||
		   shortest_slice(publisher) != TACH_FOREVER;
	tach_publisher_note_again(publisher);
	pthread_mutex_unlock(&publisher->lock);
	return has_news;
}

int tachyon_publisher_dispatch(struct tachyon_publisher *publisher)
{
	const int ret = tach_publisher_lock(publisher);

	if (ret < 0)
		return ret;
	unprepare(publisher);
	if (!publisher->is_shut) {
		tach_audience_dispatch(publisher);
		look(publisher);
	}
	/* Who only polls and dispatches must be woken by a subscriber that reads its state. */
	if (tach_audience_is_joining(publisher))
		prepare(publisher, false);
	pthread_mutex_unlock(&publisher->lock);
	return 0;
}
