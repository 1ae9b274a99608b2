/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Dialling and answering: the handshake's steps with their deadlines (PROTOCOL.md 6).
 */
#include "connect.h"

#include "log.h"
#include "sock.h"

/*
 * Nobody announces a new socket file cheaply and for abstract names too: look again, ever slower.
 */
#define RETRY_FIRST_NS 1000000ull
#define RETRY_LAST_NS 20000000ull
/* Who connected so long ago and has said nothing makes place, where there is none, for others. */
#define PATIENCE_NS 100000000ull

struct tach_peer_rule tach_peer_rule(const struct tachyon_access *access)
{
	return (struct tach_peer_rule){
		.allow_any = access->any_uid,
		.uids = access->uids,
		.uid_count = access->uid_count,
	};
}

/* --- the connector --- */

static uint32_t count_cancels(const struct tach_dial *dial)
{
	return dial->cancels ? atomic_load_explicit(dial->cancels, memory_order_relaxed) : 0;
}

static int pause_until(const struct tach_dial *dial, struct pollfd *sock, uint64_t until)
{
	const uint32_t cancels = count_cancels(dial);
	struct pollfd fds[2] = {
		{.fd = dial->cancel_fd, .events = POLLIN},
		sock ? *sock : (struct pollfd){.fd = -1},
	};

	(void)tach_os_poll(fds, TACH_ARRAY_SIZE(fds), until);
	if (fds[0].revents || count_cancels(dial) != cancels)
		return -ECANCELED;
	if (dial->is_canceled && dial->is_canceled(dial->is_canceled_data))
		return -ECANCELED;
	if (sock)
		sock->revents = fds[1].revents;
	return 0;
}

static bool is_worth_waiting(int ret)
{
	return ret == -ENOENT || ret == -ECONNREFUSED || ret == -EAGAIN;
}

/* connect() refuses what is no socket just as it refuses a stale one. */
static bool is_no_socket(const char *address)
{
	struct tach_file_id id;

	return !tach_sock_is_abstract(address) && tach_os_file_id(address, &id) == 0 &&
	       !id.is_socket;
}

static int connect_patiently(const struct tach_dial *dial)
{
	uint64_t pause = RETRY_FIRST_NS;

	for (;;) {
		const int sock = tach_sock_connect(dial->address);
		uint64_t now;
		int ret;

		if (!is_worth_waiting(sock))
			return sock;
		if (sock == -ECONNREFUSED && is_no_socket(dial->address))
			return -ENOTSOCK;

		now = tach_os_now_ns();
		if (now >= dial->deadline_ns)
			return dial->is_one_look ? -EAGAIN : -ETIMEDOUT;

		ret = pause_until(dial, NULL,
				  dial->deadline_ns - now < pause ? dial->deadline_ns
								  : now + pause);
		if (ret < 0)
			return ret;
		pause = pause * 2 < RETRY_LAST_NS ? pause * 2 : RETRY_LAST_NS;
	}
}

static int check_listener(int sock, const struct tach_dial *dial)
{
	struct tach_peer peer;

	if (dial->allow_root && tach_sock_peer(sock, &peer) == 0 && peer.uid == 0)
		return 0;
	return tach_peer_check(sock, &dial->rule);
}

/* Once connected, the listener has a time of its own to answer, also where the caller's is up. */
static int await_answer(const struct tach_dial *dial, int sock, const struct tach_offer *offer,
			struct tach_guest *guest, uint64_t *ring_size)
{
	const uint64_t least = tach_os_now_ns() + TACH_HANDSHAKE_TIMEOUT_NS;
	const uint64_t deadline = dial->deadline_ns > least ? dial->deadline_ns : least;

	for (;;) {
		struct pollfd entry = {.fd = sock, .events = POLLIN};
		int ret = tach_hello_receive_answer(sock, offer, guest, ring_size);

		if (ret != -EAGAIN)
			return ret;
		if (tach_os_now_ns() >= deadline)
			return -ETIMEDOUT;
		/* In slices: a cancel that is taken back at once is only counted. */
		ret = pause_until(dial, &entry, tach_os_now_ns() + RETRY_LAST_NS);
		if (ret < 0)
			return ret;
	}
}

/* 0 and a guest; 1: not with a ring of this size. */
static int introduce(const struct tach_dial *dial, int sock, const struct tach_offer *offer,
		     struct tach_guest *guest, uint64_t *ring_size)
{
	const int ret = tach_hello_send(sock, TACH_PACKET_HELLO, offer);

	/* A socket that was given, and is full: nobody reads there. */
	if (ret == -EAGAIN)
		return -ENOBUFS;
	/* A listener that refuses us at sight has left already, and left its reason. */
	if (ret < 0 && ret != -EPIPE && ret != -ECONNRESET)
		return ret;
	return await_answer(dial, sock, offer, guest, ring_size);
}

static int shake_hands(const struct tach_dial *dial, int sock, struct tach_offer *offer,
		       struct tachyon_bus **bus)
{
	struct tach_guest guest = {.data_bell = -1, .space_bell = -1};
	uint64_t ring_size;
	int ret = check_listener(sock, dial);

	if (ret < 0)
		return ret;
	ret = introduce(dial, sock, offer, &guest, &ring_size);
	if (ret > 0) {
		/* Once: from now on the size is what the listener wants. */
		tach_offer_fini(offer);
		ret = tach_offer_init(offer, dial->service, ring_size, dial->max_peer_ring_size);
		if (ret < 0)
			return ret;
		offer->has_view = dial->request.wants_view;
		offer->features = dial->features;
		ret = introduce(dial, sock, offer, &guest, &ring_size);
	}
	if (ret < 0)
		return ret;
	ret = tach_bus_create(sock, offer, &guest, &dial->request, bus);
	if (ret < 0)
		tach_guest_fini(&guest);
	return ret;
}

int tach_dial_over(const struct tach_dial *dial, int sock, struct tachyon_bus **bus)
{
	struct tach_offer offer;
	int ret = tach_offer_init(&offer, dial->service, dial->ring_size, dial->max_peer_ring_size);

	if (ret < 0)
		goto err_sock;
	offer.is_any_size = dial->is_any_size;
	offer.has_view = dial->request.wants_view;
	offer.features = dial->features;
	ret = shake_hands(dial, sock, &offer, bus);
	if (ret < 0)
		goto err_offer;
	return 0;

err_offer:
	tach_offer_fini(&offer);
err_sock:
	/* Whoever gave it has it still: the other side must not wait for us. */
	tach_sock_shutdown(sock);
	tach_os_close(sock);
	return ret;
}

int tach_dial(const struct tach_dial *dial, struct tachyon_bus **bus)
{
	int sock, ret;

	ret = tach_sock_check_address(dial->address);
	if (ret < 0)
		return ret;
	sock = connect_patiently(dial);
	return sock < 0 ? sock : tach_dial_over(dial, sock, bus);
}

/* --- the listener --- */

int tach_pending_adopt(struct tach_pending *pending, int sock,
		       const struct tach_reception *reception, int epoll, uint64_t key)
{
	int ret = tach_peer_check(sock, &reception->rule);

	if (ret < 0) {
		tach_hello_reject(sock, ret);
		goto err_sock;
	}
	ret = epoll >= 0 ? tach_os_epoll_add(epoll, sock, key) : 0;
	if (ret < 0)
		goto err_sock;
	*pending = (struct tach_pending){
		.sock = sock,
		.epoll = epoll,
		.deadline_ns = tach_os_now_ns() + TACH_HANDSHAKE_TIMEOUT_NS,
	};
	return 0;

err_sock:
	tach_sock_shutdown(sock);
	tach_os_close(sock);
	return ret;
}

int tach_pending_accept(struct tach_pending *pending, struct tach_listener *listener,
			const struct tach_reception *reception, int epoll, uint64_t key)
{
	const int sock = tach_listener_accept(listener);

	return sock < 0 ? sock : tach_pending_adopt(pending, sock, reception, epoll, key);
}

void tach_pending_fini(struct tach_pending *pending)
{
	tach_os_close(pending->sock);
	pending->sock = -1;
}

static void unwatch(const struct tach_pending *pending)
{
	if (pending->epoll >= 0)
		tach_os_epoll_remove(pending->epoll, pending->sock);
}

void tach_pending_drop(struct tach_pending *pending)
{
	unwatch(pending);
	tach_sock_shutdown(pending->sock);
	tach_pending_fini(pending);
}

struct tach_pending *tach_pending_place(struct tach_pending *pending, size_t count)
{
	struct tach_pending *oldest = &pending[0];

	for (size_t i = 0; i < count; i++) {
		if (pending[i].sock < 0)
			return &pending[i];
		if (pending[i].deadline_ns < oldest->deadline_ns)
			oldest = &pending[i];
	}
	if (oldest->deadline_ns > tach_os_now_ns() + TACH_HANDSHAKE_TIMEOUT_NS - PATIENCE_NS)
		return NULL;
	tach_pending_drop(oldest);
	return oldest;
}

/* What a connector's ring had better have, if it has no wish of its own; 0: it may stay. */
static uint64_t better_size(const struct tach_pending *pending, const struct tach_offer *offer,
			    const struct tach_guest *guest)
{
	uint64_t size = offer->segment.data_size;

	if (offer->service != TACH_SERVICE_BUS || !guest->is_any_size || pending->was_resized)
		return 0;
	while (size > offer->max_peer_ring_size)
		size /= 2;
	return size > guest->segment.data_size ? size : 0;
}

static int answer(struct tach_pending *pending, struct tach_offer *offer,
		  const struct tach_reception *reception, struct tachyon_bus **bus)
{
	const int sock = pending->sock;
	struct tach_bus_request request = reception->request;
	struct tach_guest guest = {.data_bell = -1, .space_bell = -1};
	uint64_t size;
	int ret = tach_hello_receive(sock, TACH_PACKET_HELLO, offer, &guest);

	if (ret < 0)
		return ret;
	request.is_given = pending->is_given;
	size = better_size(pending, offer, &guest);
	if (size > 0) {
		tach_guest_fini(&guest);
		pending->was_resized = true;
		ret = tach_hello_send_resize(sock, offer, size);
		return ret == 0 ? -EAGAIN : -EPIPE;
	}
	ret = reception->is_full ? -EBUSY : tach_hello_send(sock, TACH_PACKET_WELCOME, offer);
	if (ret == 0)
		ret = tach_bus_create(sock, offer, &guest, &request, bus);
	else if (ret == -EAGAIN)
		ret = -EPIPE;
	if (ret < 0)
		tach_guest_fini(&guest);
	return ret;
}

int tach_pending_step(struct tach_pending *pending, const struct tach_reception *reception,
		      struct tachyon_bus **bus)
{
	struct pollfd entry = {.fd = pending->sock, .events = POLLIN};
	struct tach_offer offer;
	int ret;

	/* The offer costs memory: none for a peer that has said nothing yet. */
	if (tach_os_poll(&entry, 1, 0) == 0) {
		if (tach_os_now_ns() < pending->deadline_ns)
			return -EAGAIN;
		tach_log(TACHYON_LOG_WARNING, "handshake: a peer connected and said nothing");
		ret = -ETIMEDOUT;
		goto err_pending;
	}

	ret = tach_offer_init(&offer, reception->service, reception->ring_size,
			      reception->max_peer_ring_size);
	if (ret == 0) {
		offer.has_view = reception->request.wants_view;
		offer.features = reception->features;
		ret = answer(pending, &offer, reception, bus);
		if (ret < 0)
			tach_offer_fini(&offer);
	}
	if (ret == 0) {
		unwatch(pending);
		pending->sock = -1;
		return 0;
	}
	if (ret == -EAGAIN)
		return ret;
	tach_hello_reject(pending->sock, ret);

err_pending:
	tach_pending_drop(pending);
	return ret;
}
