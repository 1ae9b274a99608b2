/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The victim is a bus: it sends, receives, waits for nothing; and is left, closed, cancelled.
 */
#include "bus.h"
#include "connect.h"
#include "fuzz-peer.h"

#define STEPS_MAX 100
#define HELD_MAX 8

struct victim {
	struct tachyon_bus *bus;
	struct tachyon_message held[HELD_MAX];
	size_t count;
	bool is_shut;
	bool is_corrupt;
};

static bool accept_peer(struct victim *victim, struct fuzz_peer *peer, bool has_view)
{
	const struct tach_reception reception = {
		.service = TACH_SERVICE_BUS,
		.ring_size = FUZZ_RING_SIZE,
		.max_peer_ring_size = FUZZ_RING_SIZE,
		.request = {.wants_public_fd = true, .wants_view = has_view, .is_given = true},
	};
	struct tach_pending pending;
	int ends[2];

	fuzz_connect(ends);
	FUZZ_CHECK(tach_pending_adopt(&pending, ends[1], &reception, -1, 0) == 0);
	pending.is_given = true;
	fuzz_peer_greet(peer, ends[0], TACH_PACKET_HELLO);
	FUZZ_CHECK(tach_pending_step(&pending, &reception, &victim->bus) == 0);
	return fuzz_peer_attach(peer, TACH_PACKET_WELCOME);
}

static void check_code(struct victim *victim, int ret)
{
	/* Who lied once stays a liar, until the end. */
	FUZZ_CHECK(!victim->is_corrupt || victim->is_shut || ret == TACHYON_ERR_CORRUPT);
	switch (ret) {
	case TACHYON_ERR_CORRUPT:
		victim->is_corrupt = true;
		/* Or what ended it before: a peer may leave first, and be found out then. */
		FUZZ_CHECK(tachyon_bus_end(victim->bus) != TACHYON_END_NONE);
		break;
	case TACHYON_ERR_AGAIN:
	case TACHYON_ERR_CLOSED:
	case TACHYON_ERR_CANCELED:
	case -EBUSY:
	case -EINVAL:
	case TACHYON_ERR_TOO_BIG:
		break;
	default:
		FUZZ_CHECK(ret >= 0);
		break;
	}
}

static void check_message(const struct victim *victim, const struct tachyon_message *message)
{
	const struct tach_segment *segment = &victim->bus->peer_segment;
	const uint8_t *const data = message->data;
	uint8_t copy[FUZZ_RING_SIZE];

	FUZZ_CHECK(message->size <= segment->data_size - 2 * TACH_CELL);
	FUZZ_CHECK(data >= segment->data &&
		   data + message->size <= segment->data + 2 * segment->data_size);
	memcpy(copy, data, message->size);
}

static void receive(struct victim *victim, struct fuzz_input *input)
{
	const size_t room = HELD_MAX - victim->count;
	const size_t wanted = 1 + fuzz_below(input, HELD_MAX);
	struct tachyon_message *const held = &victim->held[victim->count];
	int ret;

	if (room == 0)
		return;
	ret = tachyon_bus_receive_batch(victim->bus, held, wanted < room ? wanted : room, 0);
	if (ret <= 0)
		check_code(victim, ret);
	for (int i = 0; i < ret; i++)
		check_message(victim, &held[i]);
	victim->count += ret > 0 ? (size_t)ret : 0;
}

static void look_privately(struct victim *victim, struct fuzz_input *input)
{
	const struct tachyon_message *message;
	void *data;
	int ret;

	if (victim->count == 0)
		return;
	message = &victim->held[fuzz_below(input, HELD_MAX) % victim->count];
	ret = tachyon_bus_private_view(victim->bus, message, &data);
	if (ret == 0 && message->size > 0)
		memset(data, 0x33, message->size);
}

static void release(struct victim *victim, struct fuzz_input *input)
{
	size_t index;
	int ret;

	if (victim->count == 0)
		return;
	index = fuzz_below(input, HELD_MAX) % victim->count;
	/* Also of a bus that ended. */
	ret = tachyon_bus_release(victim->bus, &victim->held[index]);
	FUZZ_CHECK(ret == 0);
	victim->count -= index + 1;
	memmove(victim->held, victim->held + index + 1, victim->count * sizeof(victim->held[0]));
}

static void send(struct victim *victim, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	const size_t size = (size_t)fuzz_number(input, how & 1 ? 48 : FUZZ_RING_SIZE - 128);
	void *data;
	int ret = tachyon_bus_reserve(victim->bus, size, &data, 0);

	check_code(victim, ret);
	if (ret < 0)
		return;
	memset(data, 0x11, size);
	if (fuzz_bit(how, 1))
		ret = tachyon_bus_rollback(victim->bus);
	else if (fuzz_bit(how, 2))
		ret = tachyon_bus_commit_unflushed(victim->bus, size / 2, how);
	else
		ret = tachyon_bus_commit(victim->bus, size, how);
	FUZZ_CHECK(ret == 0);
}

static void look(struct victim *victim, struct fuzz_input *input)
{
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};
	int ret;

	switch (fuzz_below(input, 8)) {
	case 0:
		ret = tachyon_bus_flush(victim->bus);
		FUZZ_CHECK(ret == 0 || ret == TACHYON_ERR_CLOSED || ret == TACHYON_ERR_CORRUPT);
		break;
	case 1:
		ret = tachyon_bus_prepare(victim->bus);
		FUZZ_CHECK(ret == 0 || ret == 1);
		break;
	case 2:
		tachyon_bus_dispatch(victim->bus);
		break;
	case 3:
		tachyon_bus_cancel(victim->bus);
		tachyon_bus_resume(victim->bus);
		break;
	case 4:
		tach_bus_check_hangup(victim->bus);
		break;
	case 5:
		if (fuzz_u8(input) > 200) {
			tachyon_bus_shutdown(victim->bus);
			victim->is_shut = true;
		}
		break;
	default:
		tachyon_bus_get_stats(victim->bus, &stats);
		(void)tachyon_bus_end(victim->bus);
		break;
	}
}

static void act(struct fuzz_peer *peer, struct fuzz_input *input)
{
	uint8_t body[FUZZ_RING_SIZE];
	uint32_t type;
	size_t size;

	switch (fuzz_below(input, 8)) {
	case 0:
	case 1:
	case 2:
		size = (size_t)fuzz_number(input, 48) % FUZZ_RING_SIZE;
		memset(body, 0x22, size);
		fuzz_peer_say(peer, input, fuzz_u8(input), body, size);
		break;
	case 3:
		(void)fuzz_peer_hear(peer, &type, body, sizeof(body));
		break;
	case 4:
		fuzz_peer_ring(peer, input);
		break;
	case 5:
		fuzz_peer_send_packet(peer, input);
		break;
	case 6:
		if (fuzz_u8(input) > 200)
			fuzz_peer_leave(peer);
		break;
	default:
		fuzz_peer_scribble(peer, input);
		break;
	}
}

void fuzz_bus(struct fuzz_input *input)
{
	struct victim victim = {.bus = NULL};
	struct fuzz_peer peer;

	fuzz_peer_init(&peer, TACH_SERVICE_BUS);
	FUZZ_CHECK(accept_peer(&victim, &peer, fuzz_u8(input) & 1));
	for (int steps = 0; input->left > 0 && steps < STEPS_MAX; steps++) {
		switch (fuzz_below(input, 8)) {
		case 0:
		case 1:
			receive(&victim, input);
			break;
		case 2:
			release(&victim, input);
			break;
		case 3:
			send(&victim, input);
			break;
		case 4:
			look(&victim, input);
			break;
		case 5:
			look_privately(&victim, input);
			break;
		default:
			act(&peer, input);
			break;
		}
	}
	tachyon_bus_destroy(victim.bus);
	fuzz_peer_leave(&peer);
}
