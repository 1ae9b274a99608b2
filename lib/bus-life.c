/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus's life: made of what a handshake brought, ended by either side, cancelled, looked at
 * (PROTOCOL.md 6).
 */
#include <stdlib.h>

#include "bus.h"
#include "log.h"
#include "sock.h"

enum { KEY_BELL, KEY_SOCK, KEY_PIDFD };

/* --- the end of a connection --- */

static void make_urgent(struct tachyon_bus *bus)
{
	atomic_store_explicit(&bus->is_urgent, 1, memory_order_relaxed);
	tach_os_event_set(bus->cancel_fd);
}

static void break_with(struct tachyon_bus *bus, int code, enum tachyon_end end)
{
	uint32_t none = TACHYON_END_NONE;
	int whole = 0;

	atomic_compare_exchange_strong(&bus->end, &none, end);
	atomic_compare_exchange_strong(&bus->broken, &whole, code);
	make_urgent(bus);
}

void tach_bus_break(struct tachyon_bus *bus, int code)
{
	break_with(bus, code, TACHYON_END_LOCAL);
}

int tach_bus_poison(struct tachyon_bus *bus)
{
	tach_log(TACHYON_LOG_ERROR, "bus: the peer (pid %d) broke the protocol",
		 (int)bus->peer_pid);
	break_with(bus, TACHYON_ERR_CORRUPT, TACHYON_END_CORRUPT);
	return TACHYON_ERR_CORRUPT;
}

void tach_bus_note_hangup(struct tachyon_bus *bus)
{
	const uint32_t end = tach_bus_peer_closed(bus) ? TACHYON_END_CLOSED : TACHYON_END_DIED;
	uint32_t none = TACHYON_END_NONE;

	/*
	 * Sequentially consistent: a receiver that sees it looks at the ring once more, after it.
	 */
	atomic_compare_exchange_strong(&bus->end, &none, end);
	atomic_store_explicit(&bus->is_urgent, 1, memory_order_relaxed);
}

enum tachyon_end tachyon_bus_end(const struct tachyon_bus *bus)
{
	return atomic_load_explicit(&bus->end, memory_order_acquire);
}

void tach_bus_check_hangup(struct tachyon_bus *bus)
{
	struct pollfd fds[] = {
		{.fd = bus->sock, .events = POLLRDHUP},
		{.fd = bus->pidfd, .events = POLLIN},
	};

	if (tach_os_poll(fds, TACH_ARRAY_SIZE(fds), 0) > 0 &&
	    (tach_is_hangup(&fds[0]) || fds[1].revents))
		tach_bus_note_hangup(bus);
}

/* --- creation --- */

static int make_public_fd(struct tachyon_bus *bus)
{
	const int epoll = tach_os_epoll();
	int ret;

	if (epoll < 0)
		return epoll;

	ret = tach_os_epoll_add(epoll, bus->data_wait.bell, KEY_BELL);
	if (ret == 0)
		ret = tach_os_epoll_add_hangup(epoll, bus->sock, KEY_SOCK);
	if (ret == 0 && bus->pidfd >= 0)
		ret = tach_os_epoll_add(epoll, bus->pidfd, KEY_PIDFD);
	if (ret < 0) {
		tach_os_close(epoll);
		return ret;
	}
	return epoll;
}

static void set_fences(struct tachyon_bus *bus, enum tach_fence fence)
{
	bus->data_wait.fence = fence;
	bus->space_wait.fence = fence;
	bus->data_waker.fence = fence;
	bus->space_waker.fence = fence;
}

/* From here on what was in offer and guest is the bus's. */
static void take_over(struct tachyon_bus *bus, struct tach_offer *offer, struct tach_guest *guest)
{
	bus->own_segment = offer->segment;
	bus->peer_segment = guest->segment;
	bus->peer_view = guest->view;
	bus->own = offer->segment.header;
	bus->peer = guest->segment.header;
	bus->features = guest->features;

	/* The peer has its own copies of what it needs. */
	tach_os_close(offer->segment.fd);
	bus->own_segment.fd = -1;
	tach_os_close(offer->data_bell[1]);
	tach_os_close(offer->space_bell[1]);

	tach_sender_init(&bus->sender, offer->segment.data, offer->segment.data_size,
			 &bus->peer->head);
	tach_receiver_init(&bus->receiver, guest->segment.data, guest->segment.data_size,
			   &bus->own->head);
	tach_wait_init(&bus->data_wait, &bus->own->wait_data, offer->data_bell[0]);
	tach_wait_init(&bus->space_wait, &bus->own->wait_space, offer->space_bell[0]);
	tach_waker_init(&bus->data_waker, &bus->peer->wait_data, guest->data_bell);
	tach_waker_init(&bus->space_waker, &bus->peer->wait_space, guest->space_bell);
	bus->space_wait.target = &bus->own->space_target;
	bus->space_waker.target = &bus->peer->space_target;
	set_fences(bus, guest->both_membarrier ? TACH_FENCE_MEMBARRIER : TACH_FENCE_BOTH);

	*offer = (struct tach_offer){.data_bell = {-1, -1}, .space_bell = {-1, -1}};
	offer->segment.fd = -1;
	*guest = (struct tach_guest){.data_bell = -1, .space_bell = -1};
	guest->segment.fd = -1;
}

/* Which process to watch, beside the socket; said: it must be the one that the peer says it is. */
static void find_peer(struct tachyon_bus *bus, int sock, const uint32_t *said)
{
	struct tach_peer peer = {0};

	bus->pidfd = -1;
	(void)tach_sock_peer(sock, &peer);
	if (said && (uint32_t)peer.pid != *said)
		return;
	bus->peer_pid = peer.pid;
	bus->pidfd = tach_sock_peer_pidfd(sock);
	if (bus->pidfd < 0)
		bus->pidfd = -1;
}

int tach_bus_create(int sock, struct tach_offer *offer, struct tach_guest *guest,
		    const struct tach_bus_request *request, struct tachyon_bus **out)
{
	struct tachyon_bus *bus = aligned_alloc(_Alignof(struct tachyon_bus), sizeof(*bus));
	int ret;

	if (!bus)
		return -ENOMEM;
	memset(bus, 0, sizeof(*bus));

	ret = tach_os_eventfd();
	if (ret < 0)
		goto err_free;
	bus->cancel_fd = ret;

	find_peer(bus, sock, request->is_given ? &guest->pid : NULL);
	pthread_mutex_init(&bus->sleep_lock, NULL);
	bus->sock = sock;
	bus->token = tach_os_process_token();
	bus->token_word = tach_os_token_word();
	bus->spin = tach_os_shares_one_cpu(bus->peer_pid) ? 0 : request->spin;
	bus->public_fd = -1;

	if (request->wants_public_fd) {
		bus->data_wait.bell = offer->data_bell[0];
		ret = make_public_fd(bus);
		if (ret < 0)
			goto err_cancel;
		bus->public_fd = ret;
	}

	take_over(bus, offer, guest);
	*out = bus;
	return 0;

err_cancel:
	tach_os_close(bus->pidfd);
	tach_os_close(bus->cancel_fd);
err_free:
	free(bus);
	return ret;
}

/* --- cancelling, figures --- */

/*
 * The event stays set until every thread that slept when it was set has left: poll() looks at it
 * again when it wakes, and would sleep on if a resume had cleared it.
 */
void tachyon_bus_cancel(struct tachyon_bus *bus)
{
	if (tach_bus_is_foreign(bus))
		return;
	pthread_mutex_lock(&bus->sleep_lock);
	atomic_fetch_add_explicit(&bus->cancels, 1, memory_order_relaxed);
	atomic_store_explicit(&bus->is_canceled, 1, memory_order_relaxed);
	bus->old_sleepers = bus->sleepers;
	make_urgent(bus);
	pthread_mutex_unlock(&bus->sleep_lock);
}

/* With the lock. A break or an end at the same time must not be forgotten with it. */
static void forget_cancel(struct tachyon_bus *bus)
{
	atomic_store_explicit(&bus->is_urgent, 0, memory_order_relaxed);
	tach_os_event_clear(bus->cancel_fd);
	if (atomic_load(&bus->broken))
		make_urgent(bus);
	else if (tach_bus_has_ended(bus))
		atomic_store_explicit(&bus->is_urgent, 1, memory_order_relaxed);
}

void tachyon_bus_resume(struct tachyon_bus *bus)
{
	if (tach_bus_is_foreign(bus))
		return;
	pthread_mutex_lock(&bus->sleep_lock);
	atomic_store_explicit(&bus->is_canceled, 0, memory_order_relaxed);
	if (bus->old_sleepers == 0)
		forget_cancel(bus);
	pthread_mutex_unlock(&bus->sleep_lock);
}

uint32_t tach_bus_enter_wait(struct tachyon_bus *bus)
{
	uint32_t cancels;

	pthread_mutex_lock(&bus->sleep_lock);
	bus->sleepers++;
	cancels = atomic_load_explicit(&bus->cancels, memory_order_relaxed);
	pthread_mutex_unlock(&bus->sleep_lock);
	return cancels;
}

void tach_bus_leave_wait(struct tachyon_bus *bus, uint32_t cancels)
{
	pthread_mutex_lock(&bus->sleep_lock);
	bus->sleepers--;
	if (atomic_load_explicit(&bus->cancels, memory_order_relaxed) != cancels &&
	    --bus->old_sleepers == 0 &&
	    !atomic_load_explicit(&bus->is_canceled, memory_order_relaxed))
		forget_cancel(bus);
	pthread_mutex_unlock(&bus->sleep_lock);
}

static struct tachyon_bus_stats read_stats(const struct tachyon_bus *bus)
{
	/* A ring segment is not in a forked child's memory. */
	if (tach_bus_is_foreign(bus))
		return (struct tachyon_bus_stats){0};
	return (struct tachyon_bus_stats){
		.peer_pid = (uint32_t)bus->peer_pid,
		.messages_sent = atomic_load_explicit(&bus->own->messages, memory_order_relaxed),
		.bytes_sent = atomic_load_explicit(&bus->own->bytes, memory_order_relaxed),
		.messages_received =
			atomic_load_explicit(&bus->messages_received, memory_order_relaxed),
		.bytes_received = atomic_load_explicit(&bus->own->head, memory_order_relaxed),
		.sleeps = atomic_load_explicit(&bus->own->sleeps, memory_order_relaxed),
		.wakes = atomic_load_explicit(&bus->own->wakes, memory_order_relaxed),
		.full = atomic_load_explicit(&bus->own->full, memory_order_relaxed),
	};
}

void tachyon_bus_get_stats(const struct tachyon_bus *bus, struct tachyon_bus_stats *stats)
{
	struct tachyon_bus_stats now = read_stats(bus);

	now.size = stats->size;
	memcpy(stats, &now, stats->size < sizeof(now) ? stats->size : sizeof(now));
}

/* --- the end of this side --- */

void tachyon_bus_shutdown(struct tachyon_bus *bus)
{
	if (!bus || tach_bus_is_foreign(bus))
		return;

	tach_bus_flush_own_batch(bus);
	break_with(bus, TACHYON_ERR_CLOSED, TACHYON_END_LOCAL);
	/* Pairs with the acquire in peer_closed(): the messages before the word. */
	atomic_store_explicit(&bus->own->state, TACH_STATE_CLOSED, memory_order_release);
	tach_sock_shutdown(bus->sock);
}

static uint32_t count_sleepers(struct tachyon_bus *bus)
{
	uint32_t count;

	pthread_mutex_lock(&bus->sleep_lock);
	count = bus->sleepers;
	pthread_mutex_unlock(&bus->sleep_lock);
	return count;
}

static void wait_for_sleepers(struct tachyon_bus *bus)
{
	while (count_sleepers(bus) > 0)
		(void)tach_os_poll(NULL, 0, tach_os_now_ns() + 100000);
}

void tachyon_bus_destroy(struct tachyon_bus *bus)
{
	if (!bus)
		return;
	if (!tach_bus_is_foreign(bus)) {
		/* No call is under way: a batch of whichever thread may be flushed. */
		if (atomic_load(&bus->broken) == 0)
			tach_bus_flush(bus);
		tachyon_bus_shutdown(bus);
		wait_for_sleepers(bus);
	}

	tach_os_close(bus->public_fd);
	tach_waker_fini(&bus->space_waker);
	tach_waker_fini(&bus->data_waker);
	tach_wait_fini(&bus->space_wait);
	tach_wait_fini(&bus->data_wait);
	tach_os_close(bus->pidfd);
	tach_os_close(bus->cancel_fd);
	tach_os_close(bus->sock);
	tach_view_fini(&bus->peer_view);
	tach_segment_destroy(&bus->peer_segment);
	tach_segment_destroy(&bus->own_segment);
	pthread_mutex_destroy(&bus->sleep_lock);
	free(bus);
}
