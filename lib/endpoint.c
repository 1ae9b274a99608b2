/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The public ways to a bus: a listener for many, listen for one, connect.
 */
#include <stdlib.h>

#include "connect.h"

/*
 * Peers that may be in the middle of a handshake at a time: one that says nothing holds up no
 * other.
 */
#define PENDING_MAX 16
#define ASK_EVERY_NS 100000000
/* Where all places are taken. */
#define FULL_PAUSE_NS 10000000

struct tachyon_listener {
	struct tach_listener listener;
	struct tach_reception reception;
	struct tach_pending pending[PENDING_MAX];
	uid_t *uids;
	int cancel_fd;
	int epoll; /* socket and pending ones: the public fd */
};

/* The caller's options, which may be of an older or newer size, with defaults filled in. */
static int complete(const struct tachyon_bus_options *given, struct tachyon_bus_options *options)
{
	const int ret = tach_copy_options(options, sizeof(*options), given);

	if (ret < 0)
		return ret;
	if (options->spin == 0)
		options->spin = 1000;
	else if (options->spin == TACHYON_SPIN_NEVER)
		options->spin = 0;
	if (options->timeout_ns == 0)
		options->timeout_ns = TACH_TIMEOUT_DEFAULT_NS;
	if (options->max_peer_ring_size == 0)
		options->max_peer_ring_size = TACH_PEER_RING_SIZE_DEFAULT;
	if (options->max_peer_ring_size > TACH_RING_SIZE_MAX)
		options->max_peer_ring_size = TACH_RING_SIZE_MAX;
	if (options->ring_size == 0)
		options->ring_size = TACH_RING_SIZE_DEFAULT;
	options->ring_size = tach_ring_size(options->ring_size);
	return options->ring_size ? 0 : -EINVAL;
}

static struct tach_bus_request request(const struct tachyon_bus_options *options)
{
	return (struct tach_bus_request){
		.spin = options->spin,
		.wants_public_fd = true,
		.wants_view = options->has_private_view,
	};
}

/* --- connect --- */

/* Whether the ring's size was left to us. */
static bool is_any_size(const struct tachyon_bus_options *given)
{
	struct tachyon_bus_options options;

	return tach_copy_options(&options, sizeof(options), given) == 0 && options.ring_size == 0;
}

int tachyon_bus_connect(const char *address, const struct tachyon_bus_options *given,
			struct tachyon_bus **bus)
{
	struct tachyon_bus_options options;
	struct tach_dial dial;
	int ret;

	if (!address || !bus)
		return -EINVAL;
	ret = complete(given, &options);
	if (ret < 0)
		return ret;

	dial = (struct tach_dial){
		.address = address,
		.service = TACH_SERVICE_BUS,
		.ring_size = options.ring_size,
		.is_any_size = is_any_size(given),
		.max_peer_ring_size = options.max_peer_ring_size,
		.rule = tach_peer_rule(&options.access),
		.request = request(&options),
		.deadline_ns = tach_os_deadline(options.timeout_ns),
		.cancel_fd = -1,
		.is_canceled = options.is_canceled,
		.is_canceled_data = options.is_canceled_data,
	};
	return tach_dial(&dial, bus);
}

/* --- listen --- */

static int copy_uids(struct tachyon_listener *listener, const struct tachyon_access *access)
{
	if (access->uid_count == 0)
		return 0;
	if (!access->uids)
		return -EINVAL;
	listener->uids = calloc(access->uid_count, sizeof(*listener->uids));
	if (!listener->uids)
		return -ENOMEM;
	memcpy(listener->uids, access->uids, access->uid_count * sizeof(*listener->uids));
	listener->reception.rule.uids = listener->uids;
	return 0;
}

static int make_fds(struct tachyon_listener *listener)
{
	listener->cancel_fd = tach_os_eventfd();
	if (listener->cancel_fd < 0)
		return listener->cancel_fd;
	listener->epoll = tach_os_epoll();
	if (listener->epoll < 0)
		return listener->epoll;
	return tach_os_epoll_add(listener->epoll, listener->listener.sock, 0);
}

int tachyon_listener_create(const char *address, const struct tachyon_bus_options *given,
			    struct tachyon_listener **out)
{
	struct tachyon_bus_options options;
	struct tachyon_listener *listener;
	int ret;

	if (!address || !out)
		return -EINVAL;
	ret = complete(given, &options);
	if (ret < 0)
		return ret;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;

	listener->cancel_fd = listener->epoll = -1;
	for (size_t i = 0; i < PENDING_MAX; i++)
		listener->pending[i].sock = -1;
	listener->reception = (struct tach_reception){
		.service = TACH_SERVICE_BUS,
		.ring_size = options.ring_size,
		.max_peer_ring_size = options.max_peer_ring_size,
		.rule = tach_peer_rule(&options.access),
		.request = request(&options),
	};

	ret = copy_uids(listener, &options.access);
	if (ret == 0)
		ret = tach_listener_open(&listener->listener, address, options.access.perms);
	if (ret == 0)
		ret = make_fds(listener);
	if (ret < 0) {
		tachyon_listener_destroy(listener);
		return ret;
	}
	*out = listener;
	return 0;
}

void tachyon_listener_destroy(struct tachyon_listener *listener)
{
	if (!listener)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++)
		tach_pending_fini(&listener->pending[i]);
	tach_os_close(listener->epoll);
	tach_os_close(listener->cancel_fd);
	tach_listener_close(&listener->listener);
	free(listener->uids);
	free(listener);
}

int tachyon_listener_fd(const struct tachyon_listener *listener)
{
	return listener->epoll;
}

void tachyon_listener_cancel(struct tachyon_listener *listener)
{
	/* The eventfd is shared with a forked child: the child's word must not stop its parent. */
	if (listener->listener.owner_token == tach_os_process_token())
		tach_os_event_set(listener->cancel_fd);
}

/* Takes in who waits at the door. -EBUSY: somebody may, and there is no place yet. */
static int admit(struct tachyon_listener *listener)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct tach_pending *pending = tach_pending_place(listener->pending, PENDING_MAX);
		int ret;

		if (!pending)
			return -EBUSY;
		ret = tach_pending_accept(pending, &listener->listener, &listener->reception,
					  listener->epoll,
					  1 + (uint64_t)(pending - listener->pending));
		if (ret == -EAGAIN || ret == -EMFILE || ret == -ENFILE || ret == -ENOMEM)
			return ret;
	}
	return 0;
}

/* 0 and a bus, or -EAGAIN; *deadline is lowered to the earliest of a handshake. */
static int step_all(struct tachyon_listener *listener, struct tachyon_bus **bus, uint64_t *deadline)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct tach_pending *pending = &listener->pending[i];
		int ret;

		if (pending->sock < 0)
			continue;
		ret = tach_pending_step(pending, &listener->reception, bus);
		if (ret == 0 || ret == -ENOMEM || ret == -EMFILE)
			return ret;
		if (pending->sock >= 0 && pending->deadline_ns < *deadline)
			*deadline = pending->deadline_ns;
	}
	return -EAGAIN;
}

/* The same; who has said something is heard before anybody has to make place. */
static int step(struct tachyon_listener *listener, struct tachyon_bus **bus, uint64_t *deadline)
{
	uint64_t none = TACH_FOREVER;
	int admitted, ret = step_all(listener, bus, &none);

	if (ret != -EAGAIN)
		return ret;
	admitted = admit(listener);
	ret = step_all(listener, bus, deadline);
	if (ret != -EAGAIN)
		return ret;
	return admitted == 0 ? -EAGAIN : admitted;
}

int tachyon_listener_accept(struct tachyon_listener *listener, int64_t timeout_ns,
			    struct tachyon_bus **bus)
{
	const uint64_t deadline = tach_os_deadline(timeout_ns);

	if (!listener || !bus)
		return -EINVAL;
	if (listener->listener.owner_token != tach_os_process_token())
		return TACHYON_ERR_FORKED;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = listener->cancel_fd, .events = POLLIN},
			{.fd = listener->epoll, .events = POLLIN},
		};
		uint64_t until = deadline;
		int ret = step(listener, bus, &until);

		/* The door stays readable: without a pause we would look at nothing else. */
		if (ret == -EBUSY) {
			fds[1].fd = -1;
			until = tach_os_now_ns() + FULL_PAUSE_NS;
			ret = -EAGAIN;
		}
		if (ret != -EAGAIN || timeout_ns == 0)
			return ret;
		if (deadline != TACH_FOREVER && tach_os_now_ns() >= deadline)
			return TACHYON_ERR_TIMEDOUT;
		(void)tach_os_poll(fds, TACH_ARRAY_SIZE(fds), until);
		if (fds[0].revents)
			return TACHYON_ERR_CANCELED;
	}
}

/* In slices, so that whoever may cancel it is asked. */
static int accept_one(struct tachyon_listener *listener, const struct tachyon_bus_options *options,
		      struct tachyon_bus **bus)
{
	const uint64_t deadline = tach_os_deadline(options->timeout_ns);
	int ret;

	if (!options->is_canceled)
		return tachyon_listener_accept(listener, options->timeout_ns, bus);
	for (;;) {
		const uint64_t now = tach_os_now_ns();
		const uint64_t left = deadline > now ? deadline - now : 1;

		ret = tachyon_listener_accept(
			listener, left < ASK_EVERY_NS ? (int64_t)left : ASK_EVERY_NS, bus);
		if (ret != TACHYON_ERR_TIMEDOUT)
			return ret;
		if (options->is_canceled(options->is_canceled_data))
			return TACHYON_ERR_CANCELED;
		if (tach_os_now_ns() >= deadline)
			return ret;
	}
}

int tachyon_bus_listen(const char *address, const struct tachyon_bus_options *given,
		       struct tachyon_bus **bus)
{
	struct tachyon_bus_options options;
	struct tachyon_listener *listener;
	int ret;

	if (!bus)
		return -EINVAL;
	ret = complete(given, &options);
	if (ret < 0)
		return ret;
	ret = tachyon_listener_create(address, given, &listener);
	if (ret < 0)
		return ret;
	ret = accept_one(listener, &options, bus);
	tachyon_listener_destroy(listener);
	return ret;
}
