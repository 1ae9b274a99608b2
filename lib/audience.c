/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who listens to a publisher: accepting, joining, leaving (PROTOCOL.md 7).
 */
#include <stdlib.h>

#include "log.h"
#include "publisher.h"
#include "sock.h"

/* What an epoll key names: a kind above, a slot below. */
enum {
	KEY_LISTENER = 0 << 8,
	KEY_PENDING = 1 << 8,
	KEY_LINK = 2 << 8,
	KEY_NUDGE = 3 << 8,
	KEY_KINDS = ~0xff,
};

#define READY_MAX 32
/* Turns of who left: as much as a socket holds, as a rule. */
#define LAST_TURNS 16

static int copy_uids(struct tach_audience *audience, const struct tachyon_access *access)
{
	if (access->uid_count == 0)
		return 0;
	if (!access->uids)
		return -EINVAL;
	audience->uids = calloc(access->uid_count, sizeof(*audience->uids));
	if (!audience->uids)
		return -ENOMEM;
	memcpy(audience->uids, access->uids, access->uid_count * sizeof(*audience->uids));
	audience->reception.rule.uids = audience->uids;
	return 0;
}

static int make_epolls(struct tach_audience *audience, int kick, int nudge, bool has_listener)
{
	int ret;

	audience->control = tach_os_epoll();
	if (audience->control < 0)
		return audience->control;
	audience->bells = tach_os_epoll();
	if (audience->bells < 0)
		return audience->bells;
	ret = tach_os_epoll_add(audience->bells, kick, TACH_KEY_KICK);
	if (ret < 0)
		return ret;
	ret = tach_os_epoll_add(audience->control, nudge, KEY_NUDGE);
	if (ret < 0)
		return ret;
	/* Without an address nobody comes but who is brought. */
	if (!has_listener)
		return 0;
	return tach_os_epoll_add(audience->control, audience->listener.sock, KEY_LISTENER);
}

int tach_audience_init(struct tachyon_publisher *publisher, const char *address)
{
	struct tach_audience *audience = &publisher->audience;
	const struct tachyon_publisher_options *options = &publisher->options;
	int ret;

	audience->control = audience->bells = -1;
	for (size_t i = 0; i < TACH_PENDING_MAX; i++)
		audience->pending[i].sock = -1;
	audience->reception = (struct tach_reception){
		.service = TACH_SERVICE_FRAMES,
		.ring_size = options->ring_size,
		.max_peer_ring_size = TACH_PEER_RING_SIZE_DEFAULT,
		.rule = tach_peer_rule(&options->access),
		.features = TACH_FEATURE_URGENT | TACH_FEATURE_DESCRIPTORS,
	};

	ret = copy_uids(audience, &options->access);
	if (ret == 0 && address)
		ret = tach_listener_open(&audience->listener, address, options->access.perms);
	if (ret == 0)
		ret = make_epolls(audience, publisher->kick, publisher->nudge, address != NULL);
	if (ret < 0)
		tach_audience_fini(publisher);
	return ret;
}

void tach_audience_fini(struct tachyon_publisher *publisher)
{
	struct tach_audience *audience = &publisher->audience;
	uint64_t mask = audience->present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);)
		tach_link_fini(&audience->links[slot]);
	audience->present = audience->joined = 0;
	for (size_t i = 0; i < TACH_PENDING_MAX; i++)
		tach_pending_fini(&audience->pending[i]);
	tach_os_close(audience->bells);
	tach_os_close(audience->control);
	tach_listener_close(&audience->listener);
	free(audience->uids);
	audience->uids = NULL;
}

/* --- joining and leaving --- */

static void notify(struct tachyon_publisher *publisher, const struct tach_link *link,
		   enum tachyon_notice_type type, enum tachyon_end end)
{
	const struct tachyon_notice notice = {
		.type = type,
		.pid = (uint32_t)link->bus->peer_pid,
		.subscriber = link->id,
		.end = end,
	};

	tach_notices_add(&publisher->notices, &notice);
	tach_publisher_note_change(publisher);
}

static void forget_fds(struct tach_audience *audience, const struct tachyon_bus *bus)
{
	tach_os_epoll_remove(audience->bells, bus->space_wait.bell);
	tach_os_epoll_remove(audience->bells, bus->data_wait.bell);
	if (bus->pidfd >= 0)
		tach_os_epoll_remove(audience->control, bus->pidfd);
	tach_os_epoll_remove(audience->control, bus->sock);
}

static int watch_fds(struct tach_audience *audience, const struct tachyon_bus *bus,
		     unsigned int slot)
{
	int ret;

	if (bus->features & TACH_FEATURE_URGENT)
		ret = tach_os_epoll_add(audience->control, bus->sock, KEY_LINK | slot);
	else
		ret = tach_os_epoll_add_hangup(audience->control, bus->sock, KEY_LINK | slot);
	if (ret == 0 && bus->pidfd >= 0)
		ret = tach_os_epoll_add(audience->control, bus->pidfd, KEY_LINK | slot);
	if (ret == 0)
		ret = tach_os_epoll_add(audience->bells, bus->data_wait.bell, 2 * slot);
	if (ret == 0)
		ret = tach_os_epoll_add(audience->bells, bus->space_wait.bell, 2 * slot + 1);
	if (ret < 0)
		forget_fds(audience, bus);
	return ret;
}

void tach_audience_drop(struct tachyon_publisher *publisher, unsigned int slot)
{
	struct tach_audience *audience = &publisher->audience;
	struct tach_link *link = &audience->links[slot];
	const uint64_t bit = 1ull << slot;
	const enum tachyon_end end = tachyon_bus_end(link->bus);

	/* What has not ended by itself is ended here. */
	if ((audience->joined & bit) && !link->is_leaving)
		notify(publisher, link, TACHYON_NOTICE_LEFT,
		       end == TACHYON_END_NONE ? TACHYON_END_LOCAL : end);
	audience->present &= ~bit;
	audience->joined &= ~bit;
	forget_fds(audience, link->bus);
	tach_link_fini(link);
	tach_publisher_note_change(publisher);
}

void tach_audience_fail(struct tachyon_publisher *publisher, unsigned int slot, int code)
{
	if (code == -EBADMSG)
		(void)tach_bus_poison(publisher->audience.links[slot].bus);
	tach_audience_drop(publisher, slot);
}

bool tach_audience_is_joining(const struct tachyon_publisher *publisher)
{
	uint64_t mask = publisher->audience.present & ~publisher->audience.joined;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		if (!publisher->audience.links[slot].is_leaving)
			return true;
	}
	return false;
}

/* It takes no more frames, but keeps what it has until it closes. */
static void let_leave(struct tachyon_publisher *publisher, struct tach_link *link)
{
	const uint64_t bit = 1ull << link->holder;

	if (publisher->audience.joined & bit)
		notify(publisher, link, TACHYON_NOTICE_LEFT, TACHYON_END_CLOSED);
	link->is_leaving = true;
	publisher->audience.joined &= ~bit;
	tach_publisher_note_change(publisher);
}

/* A link is joined once the state that it must know first is in its ring. */
static void try_join(struct tachyon_publisher *publisher, unsigned int slot)
{
	struct tach_audience *audience = &publisher->audience;
	const int ret = tach_link_sync(&audience->links[slot]);

	if (ret == 0) {
		audience->joined |= 1ull << slot;
		notify(publisher, &audience->links[slot], TACHYON_NOTICE_JOINED, TACHYON_END_NONE);
	} else if (ret != -EAGAIN) {
		tach_audience_fail(publisher, slot, ret);
	}
}

static unsigned int free_slot(const struct tachyon_publisher *publisher)
{
	for (unsigned int slot = 0; slot < publisher->options.max_subscribers; slot++) {
		if (!(publisher->audience.present & (1ull << slot)))
			return slot;
	}
	return TACHYON_SUBSCRIBERS_MAX;
}

static void welcome(struct tachyon_publisher *publisher, struct tachyon_bus *bus)
{
	struct tach_audience *audience = &publisher->audience;
	const unsigned int slot = free_slot(publisher);
	struct tach_link *link;
	int ret;

	if (slot == TACHYON_SUBSCRIBERS_MAX)
		goto err_bus;
	link = &audience->links[slot];
	ret = tach_link_init(link, bus, slot, publisher->pool, &publisher->sticky);
	if (ret < 0)
		goto err_bus;
	ret = watch_fds(audience, bus, slot);
	if (ret < 0) {
		tach_link_fini(link);
		return;
	}

	link->id = ++audience->next_id;
	link->is_corked = publisher->corks > 0;
	audience->present |= 1ull << slot;
	try_join(publisher, slot);
	return;

err_bus:
	tach_log(TACHYON_LOG_WARNING, "publisher: no room for another subscriber");
	tachyon_bus_destroy(bus);
}

/* --- handshakes --- */

static void step_pending(struct tachyon_publisher *publisher, unsigned int index)
{
	struct tach_audience *audience = &publisher->audience;
	struct tach_pending *pending = &audience->pending[index];
	struct tachyon_bus *bus;

	if (pending->sock < 0)
		return;
	audience->reception.is_full = free_slot(publisher) == TACHYON_SUBSCRIBERS_MAX;
	if (tach_pending_step(pending, &audience->reception, &bus) == 0)
		welcome(publisher, bus);
}

/* True when it is worth looking for another. */
static bool accept_one(struct tachyon_publisher *publisher)
{
	struct tach_audience *audience = &publisher->audience;
	struct tach_pending *pending = tach_pending_place(audience->pending, TACH_PENDING_MAX);
	unsigned int index;
	int ret;

	if (!pending)
		return false;
	index = (unsigned int)(pending - audience->pending);
	ret = tach_pending_accept(pending, &audience->listener, &audience->reception,
				  audience->control, KEY_PENDING | index);
	if (ret == 0)
		step_pending(publisher, index);
	return ret == 0 || ret == TACHYON_ERR_DENIED;
}

int tach_audience_adopt(struct tachyon_publisher *publisher, int sock)
{
	struct tach_audience *audience = &publisher->audience;
	struct tach_pending *pending = tach_pending_place(audience->pending, TACH_PENDING_MAX);
	int ret;

	if (!pending) {
		tach_os_close(sock);
		return TACHYON_ERR_AGAIN;
	}
	ret = tach_pending_adopt(pending, sock, &audience->reception, audience->control,
				 KEY_PENDING | (uint64_t)(pending - audience->pending));
	if (ret == 0)
		pending->is_given = true;
	return ret;
}

static void accept_some(struct tachyon_publisher *publisher)
{
	for (int i = 0; i < TACH_PENDING_MAX && accept_one(publisher); i++)
		;
}

/* --- the turn of everybody --- */

static void take_event(void *data, const struct tach_link *link, const struct tachyon_event *event)
{
	struct tachyon_publisher *publisher = data;
	const struct tachyon_notice notice = {
		.type = TACHYON_NOTICE_EVENT,
		.pid = (uint32_t)link->bus->peer_pid,
		.subscriber = link->id,
		.event = *event,
	};

	tach_notices_add(&publisher->notices, &notice);
}

/* 0, or why the subscriber must go. */
static int drain(struct tachyon_publisher *publisher, unsigned int slot)
{
	struct tach_link *link = &publisher->audience.links[slot];
	/*
	 * Its own word, without asking the kernel, and before its ring: what it sent before it
	 * said so is then seen. Pairs with the release where it is stored.
	 */
	const uint32_t state = atomic_load_explicit(&link->bus->peer->state, memory_order_acquire);
	const int ret = tach_link_drain(link, take_event, publisher);

	if (ret > 0)
		tach_publisher_note_change(publisher);
	if (ret < 0)
		return ret;

	switch (state) {
	case TACH_STATE_OPEN:
		return 0;
	case TACH_STATE_DRAINING:
		if (!link->is_leaving)
			let_leave(publisher, link);
		return 0;
	default:
		tach_bus_note_hangup(link->bus);
		return TACHYON_ERR_CLOSED;
	}
}

void tach_audience_drain(struct tachyon_publisher *publisher)
{
	struct tach_audience *audience = &publisher->audience;
	uint64_t mask = audience->present;

	for (unsigned int slot; tach_next_slot(&mask, &slot);) {
		const uint64_t bit = 1ull << slot;

		if (drain(publisher, slot) < 0)
			tach_audience_drop(publisher, slot);
		else if (!(audience->joined & bit) && !audience->links[slot].is_leaving)
			try_join(publisher, slot);
	}
}

/* What came on its socket. How much, or why the subscriber must go. */
static int take_urgent(struct tachyon_publisher *publisher, unsigned int slot)
{
	const int ret =
		tach_link_take_urgent(&publisher->audience.links[slot], take_event, publisher);

	if (ret > 0)
		tach_publisher_note_change(publisher);
	return ret;
}

/* What it said and returned before it left is taken first. */
static void let_go(struct tachyon_publisher *publisher, unsigned int slot)
{
	for (int i = 0; i < LAST_TURNS && take_urgent(publisher, slot) > 0; i++)
		;
	(void)drain(publisher, slot);
	tach_audience_drop(publisher, slot);
}

static void check_link(struct tachyon_publisher *publisher, unsigned int slot)
{
	struct tach_audience *audience = &publisher->audience;
	const struct tachyon_bus *bus = audience->links[slot].bus;

	if (!(audience->present & (1ull << slot)))
		return;
	tach_bus_check_hangup(audience->links[slot].bus);
	if (take_urgent(publisher, slot) < 0)
		tach_audience_drop(publisher, slot);
	else if (tachyon_bus_end(bus) != TACHYON_END_NONE)
		let_go(publisher, slot);
}

void tach_audience_dispatch(struct tachyon_publisher *publisher)
{
	struct tach_ready ready[READY_MAX];
	const int count = tach_os_epoll_poll(publisher->audience.control, ready, READY_MAX);

	for (int i = 0; i < count; i++) {
		const unsigned int slot = ready[i].key & 0xff;

		switch (ready[i].key & KEY_KINDS) {
		case KEY_LISTENER:
			accept_some(publisher);
			break;
		case KEY_PENDING:
			step_pending(publisher, slot);
			break;
		case KEY_LINK:
			check_link(publisher, slot);
			break;
		default: /* a nudge, the bells: tach_audience_drain() looks at all rings */
			break;
		}
	}
	tach_audience_drain(publisher);
}
