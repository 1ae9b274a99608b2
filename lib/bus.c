/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus at work: send, receive, and everything a wait may end with (PROTOCOL.md 4 and 5).
 */
#include "bus.h"

#include <poll.h>

/*
 * Every so many sleeps, ask again whether the two sides share one CPU, where spinning is a waste.
 */
#define AFFINITY_PERIOD 256u
#define CHECK_PERIOD_NS 1000000ull
/* Polls of a spin between two looks at the clock and the socket: about a millisecond. */
#define SPIN_CHECK_PERIOD (1u << 16)
#define MISSES_MANY 3u
#define MISSES_RETRY 64u

/* --- guards of every call --- */

static int check_usable(const struct tachyon_bus *bus)
{
	if (!bus)
		return -EINVAL;
	if (tach_bus_is_foreign(bus))
		return TACHYON_ERR_FORKED;
	return atomic_load_explicit(&bus->broken, memory_order_relaxed);
}

/* An address of its own in each thread. */
static uintptr_t this_thread(void)
{
	/* Found without a call also where the library is shared. */
	static _Thread_local char here __attribute__((tls_model("initial-exec")));

	return (uintptr_t)&here;
}

/* Only for observers: one writer each, so no read-modify-write is needed. */
static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

/* Slow-path counters may have two writers. */
static void count_shared(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* --- waking the peer --- */

static inline void wake(struct tachyon_bus *bus, struct tach_waker *waker, uint64_t progress)
{
	if (tach_waker_wake_at(waker, progress))
		count_shared(&bus->own->wakes);
}

void tach_bus_wake_data(struct tachyon_bus *bus)
{
	wake(bus, &bus->data_waker, 0);
}

void tach_bus_wake_space(struct tachyon_bus *bus)
{
	wake(bus, &bus->space_waker, bus->receiver.released);
}

static inline void flush(struct tachyon_bus *bus)
{
	if (!tach_ring_flush(&bus->sender))
		return;
	/* Nothing is left that its thread would have to flush before a sleep. */
	if (tach_unlikely(atomic_load_explicit(&bus->batch_owner, memory_order_relaxed) != 0))
		atomic_store_explicit(&bus->batch_owner, 0, memory_order_relaxed);
	atomic_store_explicit(&bus->own->bytes, bus->sender.flushed, memory_order_relaxed);
	wake(bus, &bus->data_waker, 0);
}

void tach_bus_flush(struct tachyon_bus *bus)
{
	flush(bus);
}

void tach_bus_flush_own_batch(struct tachyon_bus *bus)
{
	if (atomic_load_explicit(&bus->batch_owner, memory_order_relaxed) != this_thread())
		return;
	atomic_store_explicit(&bus->batch_owner, 0, memory_order_relaxed);
	tach_bus_flush(bus);
}

/* --- waiting --- */

/* What a wait is for: data to receive, or space for so many bytes. */
struct need {
	struct tach_wait *wait;
	bool is_space;
	size_t size;
};

/* 1: go and try; 0: not yet; negative: the peer's head lies. */
static int is_met(struct tachyon_bus *bus, const struct need *need)
{
	if (need->is_space)
		return tach_ring_has_space(&bus->sender, need->size);
	return tach_ring_is_ready(&bus->receiver);
}

/* Why a wait must end although its need is not met. */
static int interruption(const struct tachyon_bus *bus, uint32_t cancels)
{
	const int broken = atomic_load_explicit(&bus->broken, memory_order_relaxed);

	if (broken)
		return broken;
	/* Also when it was taken back before this thread woke. */
	if (atomic_load_explicit(&bus->is_canceled, memory_order_relaxed) ||
	    atomic_load_explicit(&bus->cancels, memory_order_relaxed) != cancels)
		return TACHYON_ERR_CANCELED;
	return tach_bus_has_ended(bus) ? TACHYON_ERR_CLOSED : 0;
}

/*
 * Who spun in vain some times in a row spins less: the peer is slow, or the scheduler has put both
 * sides on one CPU, where a spin keeps away what it waits for. Measured there: a round trip of 16
 * us instead of 74. Now and then it is tried again.
 */
static uint32_t spin_budget(const struct tachyon_bus *bus, const struct tach_wait *wait)
{
	const uint32_t budget = atomic_load_explicit(&bus->spin, memory_order_relaxed);
	const bool is_vain = wait->misses >= MISSES_MANY && wait->misses % MISSES_RETRY != 0;

	return is_vain ? budget / 32 : budget;
}

static int spin(struct tachyon_bus *bus, const struct need *need, uint64_t deadline)
{
	uint32_t left = spin_budget(bus, need->wait);

	for (; left > 0; left--) {
		int ret;

		/* First, since the caller looked a moment ago: each look takes the peer's line. */
		tach_cpu_relax();
		ret = is_met(bus, need);
		if (ret != 0) {
			need->wait->misses = 0;
			return ret;
		}
		if (atomic_load_explicit(&bus->is_urgent, memory_order_relaxed))
			return 0;
		/* A large budget must outlast neither the timeout nor the peer. */
		if (left % SPIN_CHECK_PERIOD == 0) {
			if (tach_os_now_ns() >= deadline || tach_bus_peer_closed(bus))
				return 0;
			tach_bus_check_hangup(bus);
			if (tach_bus_has_ended(bus))
				return 0;
		}
	}
	need->wait->misses++;
	return 0;
}

/* True when the bell was rung. */
static bool sleep_once(struct tachyon_bus *bus, const struct tach_wait *wait, uint64_t deadline)
{
	struct pollfd fds[] = {
		{.fd = wait->bell, .events = POLLIN},
		{.fd = bus->sock, .events = POLLRDHUP},
		{.fd = bus->cancel_fd, .events = POLLIN},
		{.fd = bus->pidfd, .events = POLLIN},
	};
	const uint64_t sleeps = atomic_load_explicit(&bus->own->sleeps, memory_order_relaxed);

	if (wait->slice_ns != TACH_FOREVER) {
		const uint64_t slice_end = tach_os_now_ns() + wait->slice_ns;

		deadline = slice_end < deadline ? slice_end : deadline;
	}

	count_shared(&bus->own->sleeps);
	if (sleeps % AFFINITY_PERIOD == AFFINITY_PERIOD - 1 &&
	    tach_os_shares_one_cpu(bus->peer_pid))
		atomic_store_explicit(&bus->spin, 0, memory_order_relaxed);

	if (tach_os_poll(fds, TACH_ARRAY_SIZE(fds), deadline) <= 0)
		return false;
	/* A bell that hung up is a peer that tampers with it: also its end. */
	if (tach_is_hangup(&fds[0]) || tach_is_hangup(&fds[1]) || fds[3].revents)
		tach_bus_note_hangup(bus);
	return fds[0].revents != 0;
}

/* 1: the need is met; negative: why it will not be. */
static int wait_until_met(struct tachyon_bus *bus, const struct need *need, uint64_t deadline,
			  uint32_t cancels)
{
	for (;;) {
		int ret = spin(bus, need, deadline);

		if (ret != 0)
			return ret;
		if (deadline != TACH_FOREVER && tach_os_now_ns() >= deadline)
			return TACHYON_ERR_TIMEDOUT;

		tach_wait_arm(need->wait);
		/*
		 * The end first: what the peer published before it is then seen by the look behind.
		 */
		const int why = interruption(bus, cancels);

		ret = is_met(bus, need);
		if (ret == 0 && why == 0 && sleep_once(bus, need->wait, deadline))
			tach_wait_disarm(need->wait);
		else
			tach_wait_disarm_unrung(need->wait);

		if (ret != 0)
			return ret;
		if (why != 0)
			return why;

		ret = is_met(bus, need);
		if (ret != 0)
			return ret;
	}
}

/*
 * A caller that only polls must learn of the peer's end too, but not pay a system call for each
 * look.
 */
static int look_once(struct tachyon_bus *bus, const struct need *need)
{
	const uint64_t now = tach_os_now_ns();
	int why, met;

	if (now >= atomic_load_explicit(&bus->next_check_ns, memory_order_relaxed)) {
		atomic_store_explicit(&bus->next_check_ns, now + CHECK_PERIOD_NS,
				      memory_order_relaxed);
		tach_bus_check_hangup(bus);
	}
	if (tach_bus_peer_closed(bus))
		tach_bus_note_hangup(bus);
	/* The end first: what the peer published before it is then seen by the look behind. */
	why = interruption(bus, atomic_load_explicit(&bus->cancels, memory_order_relaxed));
	met = is_met(bus, need);
	if (met != 0)
		return met;
	return why == 0 || why == TACHYON_ERR_CANCELED ? TACHYON_ERR_AGAIN : why;
}

static int wait_for(struct tachyon_bus *bus, const struct need *need, int64_t timeout_ns)
{
	uint32_t cancels;
	int ret;

	tach_bus_flush_own_batch(bus);
	if (timeout_ns == 0)
		return look_once(bus, need);

	cancels = tach_bus_enter_wait(bus);
	ret = wait_until_met(bus, need, tach_os_deadline(timeout_ns), cancels);
	tach_bus_leave_wait(bus, cancels);
	return ret;
}

/* --- sending --- */

size_t tachyon_bus_max_message(const struct tachyon_bus *bus)
{
	return tach_ring_max_message(bus->sender.size);
}

/* A full ring of this thread's own unflushed batch would never drain. */
static TACH_COLD int reserve_slowly(struct tachyon_bus *bus, size_t size, void **data,
				    int64_t timeout_ns)
{
	const struct need need = {.wait = &bus->space_wait, .is_space = true, .size = size};
	int ret;

	count_shared(&bus->own->full);
	flush(bus);
	ret = wait_for(bus, &need, timeout_ns);
	if (ret < 0)
		return ret == TACHYON_ERR_CORRUPT ? tach_bus_poison(bus) : ret;
	return tach_ring_reserve(&bus->sender, size, data);
}

/* Whatever is rare, behind one test: a forked child, a bus that broke, ended or is cancelled. */
static inline bool is_unusual(const struct tachyon_bus *bus)
{
	return tach_bus_is_foreign(bus) ||
	       tach_unlikely(atomic_load_explicit(&bus->is_urgent, memory_order_relaxed));
}

static TACH_COLD int check_sender(struct tachyon_bus *bus)
{
	const int ret = check_usable(bus);

	if (ret < 0)
		return ret;
	return tach_bus_has_ended(bus) ? TACHYON_ERR_CLOSED : 0;
}

static TACH_COLD int meet_close(struct tachyon_bus *bus)
{
	tach_bus_note_hangup(bus);
	return TACHYON_ERR_CLOSED;
}

/* May this side send? */
static inline int check_sendable(struct tachyon_bus *bus)
{
	int ret;

	if (is_unusual(bus)) {
		ret = check_sender(bus);
		if (ret < 0)
			return ret;
	}
	/* Its own word, in a line that nobody writes: an end in order is met at once. */
	return tach_unlikely(tach_bus_peer_closed(bus)) ? meet_close(bus) : 0;
}

static TACH_COLD int reserve_failed(struct tachyon_bus *bus, size_t size, void **data,
				    int64_t timeout_ns, int ret)
{
	if (ret == -EAGAIN)
		return reserve_slowly(bus, size, data, timeout_ns);
	return ret == -EBADMSG ? tach_bus_poison(bus) : ret;
}

static inline int commit(struct tachyon_bus *bus, size_t size, uint32_t type)
{
	const int ret = tach_ring_commit(&bus->sender, size, type);

	if (ret == 0)
		count(&bus->own->messages, 1);
	return ret;
}

int tachyon_bus_reserve(struct tachyon_bus *bus, size_t size, void **data, int64_t timeout_ns)
{
	int ret;

	if (tach_unlikely(!bus || !data))
		return -EINVAL;
	ret = check_sendable(bus);
	if (tach_unlikely(ret < 0))
		return ret;
	ret = tach_ring_reserve(&bus->sender, size, data);
	return tach_unlikely(ret < 0) ? reserve_failed(bus, size, data, timeout_ns, ret) : 0;
}

int tachyon_bus_commit(struct tachyon_bus *bus, size_t size, uint32_t type)
{
	int ret;

	if (!bus || is_unusual(bus)) {
		ret = check_usable(bus);
		if (ret < 0)
			return ret;
	}
	ret = commit(bus, size, type);
	if (ret == 0)
		flush(bus);
	return ret;
}

int tachyon_bus_commit_unflushed(struct tachyon_bus *bus, size_t size, uint32_t type)
{
	int ret;

	if (!bus || is_unusual(bus)) {
		ret = check_usable(bus);
		if (ret < 0)
			return ret;
	}
	ret = commit(bus, size, type);
	if (ret == 0 &&
	    atomic_load_explicit(&bus->batch_owner, memory_order_relaxed) != this_thread())
		atomic_store_explicit(&bus->batch_owner, this_thread(), memory_order_relaxed);
	return ret;
}

static TACH_COLD int send_slowly(struct tachyon_bus *bus, const void *data, size_t size,
				 uint32_t type, int64_t timeout_ns)
{
	void *room;
	const int ret = tachyon_bus_reserve(bus, size, &room, timeout_ns);

	if (ret < 0)
		return ret;
	if (size > 0)
		memcpy(room, data, size);
	/* Nobody can have come between: the reservation is ours. */
	(void)commit(bus, size, type);
	flush(bus);
	return 0;
}

/*
 * In words: a load is served from the caller's store of a moment ago only where that covers it. A
 * wider one, as memcpy() makes, would wait until all earlier stores are done, and the last
 * messages are still on their way to the peer's cache lines.
 */
static inline void copy_short(uint64_t *room, const uint8_t *data, size_t size)
{
	for (; size >= sizeof(*room); size -= sizeof(*room)) {
		memcpy(room++, data, sizeof(*room));
		data += sizeof(*room);
		/* Keeps the compiler from making vectors, or a call, of the loop. */
		__asm__ volatile("" ::: "memory");
	}
	if (size > 0)
		memcpy(room, data, size);
}

int tachyon_bus_send(struct tachyon_bus *bus, const void *data, size_t size, uint32_t type,
		     int64_t timeout_ns)
{
	uint64_t *room;
	int ret;

	if (tach_unlikely(!bus || (!data && size > 0)))
		return -EINVAL;
	ret = check_sendable(bus);
	if (tach_unlikely(ret < 0))
		return ret;
	room = size <= TACH_MESSAGE_INLINE_MAX ? tach_ring_short_room(&bus->sender) : NULL;
	if (!room)
		return send_slowly(bus, data, size, type, timeout_ns);

	copy_short(room, data, size);
	tach_ring_append(&bus->sender, size, type, false);
	count(&bus->own->messages, 1);
	flush(bus);
	return 0;
}

int tachyon_bus_flush(struct tachyon_bus *bus)
{
	const int ret = check_usable(bus);

	if (ret == 0)
		tach_bus_flush(bus);
	return ret;
}

int tachyon_bus_rollback(struct tachyon_bus *bus)
{
	if (!bus || tach_bus_is_foreign(bus))
		return bus ? TACHYON_ERR_FORKED : -EINVAL;
	if (!bus->sender.reserved)
		return -EINVAL;
	tach_ring_rollback(&bus->sender);
	return 0;
}

/* --- receiving --- */

static inline int take(struct tachyon_bus *bus, struct tachyon_message *message)
{
	const int ret = tach_ring_receive(&bus->receiver, message);

	return ret < 0 ? tach_bus_poison(bus) : ret;
}

static TACH_COLD int receive_slowly(struct tachyon_bus *bus, struct tachyon_message *message,
				    int64_t timeout_ns)
{
	const struct need need = {.wait = &bus->data_wait};
	int ret = check_usable(bus);

	if (ret == 0)
		ret = take(bus, message);
	if (ret == 0)
		ret = wait_for(bus, &need, timeout_ns);
	else
		return ret > 0 ? 0 : ret;
	if (ret <= 0)
		return ret;
	ret = take(bus, message);
	/* What was there is gone: published, seen, and taken back by a peer that lies. */
	if (ret == 0)
		return tach_bus_poison(bus);
	return ret > 0 ? 0 : ret;
}

/* One message, uncounted. */
static inline int receive(struct tachyon_bus *bus, struct tachyon_message *message,
			  int64_t timeout_ns)
{
	if (!is_unusual(bus) && take(bus, message) > 0)
		return 0;
	return receive_slowly(bus, message, timeout_ns);
}

int tachyon_bus_receive(struct tachyon_bus *bus, struct tachyon_message *message,
			int64_t timeout_ns)
{
	int ret;

	if (tach_unlikely(!bus || !message))
		return -EINVAL;
	ret = receive(bus, message, timeout_ns);
	if (ret == 0)
		count(&bus->messages_received, 1);
	return ret;
}

int tachyon_bus_receive_batch(struct tachyon_bus *bus, struct tachyon_message *messages,
			      size_t count_max, int64_t timeout_ns)
{
	size_t taken = 1;
	int ret;

	if (!bus || !messages || count_max == 0 || count_max > INT32_MAX)
		return -EINVAL;
	ret = receive(bus, &messages[0], timeout_ns);
	if (ret < 0)
		return ret;

	/* What is corrupt behind good messages is reported by the next call. */
	while (taken < count_max && take(bus, &messages[taken]) > 0)
		taken++;
	count(&bus->messages_received, taken);
	return (int)taken;
}

int tachyon_bus_release(struct tachyon_bus *bus, const struct tachyon_message *message)
{
	int ret;

	if (tach_unlikely(!bus || !message))
		return -EINVAL;
	if (tach_bus_is_foreign(bus))
		return TACHYON_ERR_FORKED;
	ret = tach_ring_release(&bus->receiver, message->position);
	if (ret == 0)
		wake(bus, &bus->space_waker, bus->receiver.released);
	return ret;
}

int tachyon_bus_private_view(struct tachyon_bus *bus, const struct tachyon_message *message,
			     void **data)
{
	struct tach_view *view;
	uintptr_t offset;
	int ret;

	if (!bus || !message || !data)
		return -EINVAL;
	if (tach_bus_is_foreign(bus))
		return TACHYON_ERR_FORKED;
	view = &bus->peer_view;
	offset = (uintptr_t)message->data - (uintptr_t)bus->peer_segment.data;
	if (!view->base || message->position <= bus->receiver.released ||
	    message->position > bus->receiver.received || offset > view->data_size ||
	    message->size > view->data_size - offset)
		return -EINVAL;
	ret = tach_view_refresh(view, offset, message->size);
	if (ret < 0)
		return ret;
	*data = view->data + offset;
	return 0;
}

/* --- polling from outside --- */

int tachyon_bus_fd(const struct tachyon_bus *bus)
{
	return bus->public_fd;
}

int tachyon_bus_prepare(struct tachyon_bus *bus)
{
	if (check_usable(bus) < 0)
		return 1;

	tach_bus_flush_own_batch(bus);
	tach_wait_arm(&bus->data_wait);
	/*
	 * Where membarrier began to fail, a sleep without end may be slept through: poll no more.
	 */
	if (!tach_ring_is_ready(&bus->receiver) && !tach_bus_has_ended(bus) &&
	    bus->data_wait.slice_ns == TACH_FOREVER)
		return 0;
	tach_wait_disarm(&bus->data_wait);
	return 1;
}

void tachyon_bus_dispatch(struct tachyon_bus *bus)
{
	if (tach_bus_is_foreign(bus))
		return;
	tach_wait_disarm(&bus->data_wait);
	tach_bus_check_hangup(bus);
}
