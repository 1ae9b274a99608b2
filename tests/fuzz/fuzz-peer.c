/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A script of what a peer does, once it is let in, to a publisher, a subscriber or a bus. The
 * victim never waits, and all of it takes place in one thread: both ends of the socket are here.
 */
#include "fuzz-peer.h"

#include "fuzz-recycle.h"
#include "os.h"
#include "sock.h"

/* --- coming and going --- */

void fuzz_peer_init(struct fuzz_peer *peer, enum tach_service service)
{
	fuzz_fds_reset();
	*peer = (struct fuzz_peer){
		.sock = -1,
		.offer = {.service = service,
			  .max_peer_ring_size = 4 * FUZZ_RING_SIZE,
			  .segment = fuzz_fds.ring,
			  .data_bell = {fuzz_fds.data_bell, fuzz_fds.fd[FUZZ_FD_DATA_BELL]},
			  .space_bell = {fuzz_fds.space_bell, fuzz_fds.fd[FUZZ_FD_SPACE_BELL]}},
		.guest = {.data_bell = -1, .space_bell = -1},
	};
	if (service == TACH_SERVICE_FRAMES)
		peer->offer.features = TACH_FEATURE_URGENT | TACH_FEATURE_DESCRIPTORS;
}

void fuzz_peer_greet(struct fuzz_peer *peer, int sock, enum tach_packet_kind kind)
{
	peer->sock = sock;
	FUZZ_CHECK(tach_hello_send(sock, kind, &peer->offer) == 0);
}

bool fuzz_peer_attach(struct fuzz_peer *peer, enum tach_packet_kind kind)
{
	struct tach_segment *const own = &peer->offer.segment;
	const int ret = tach_hello_receive(peer->sock, kind, &peer->offer, &peer->guest);

	if (ret < 0)
		return false;
	memset(own->data, 0, own->data_size);
	tach_sender_init(&peer->sender, own->data, own->data_size,
			 &peer->guest.segment.header->head);
	tach_receiver_init(&peer->receiver, peer->guest.segment.data, peer->guest.segment.data_size,
			   &own->header->head);
	return true;
}

void fuzz_peer_leave(struct fuzz_peer *peer)
{
	if (peer->sock >= 0) {
		tach_sock_shutdown(peer->sock);
		tach_os_close(peer->sock);
	}
	tach_guest_fini(&peer->guest);
	tach_sock_drain(fuzz_fds.data_bell);
	tach_sock_drain(fuzz_fds.space_bell);
	peer->guest = (struct tach_guest){.data_bell = -1, .space_bell = -1};
	peer->sock = -1;
}

/* --- the ring --- */

static void lie_about_header(struct fuzz_input *input, struct tach_message_header *header)
{
	switch (fuzz_below(input, 4)) {
	case 0:
		header->size = (uint32_t)fuzz_number(input, header->size);
		break;
	case 1:
		header->flags = (uint32_t)fuzz_number(input, header->flags);
		break;
	case 2:
		header->type = (uint32_t)fuzz_number(input, header->type);
		break;
	default:
		header->seq = (uint32_t)fuzz_number(input, header->seq);
		break;
	}
}

void fuzz_peer_say(struct fuzz_peer *peer, struct fuzz_input *input, uint32_t type,
		   const void *body, size_t size)
{
	struct tach_message_header *header;
	void *room;

	if (!peer->guest.segment.header || tach_ring_reserve(&peer->sender, size, &room) < 0)
		return;
	if (size > 0)
		memcpy(room, body, size);
	header = tach_sender_cell(&peer->sender, peer->sender.sent);
	FUZZ_CHECK(tach_ring_commit(&peer->sender, size, type) == 0);
	tach_ring_flush(&peer->sender);
	if (fuzz_u8(input) > 240)
		lie_about_header(input, header);
}

bool fuzz_peer_hear(struct fuzz_peer *peer, uint32_t *type, void *body, size_t capacity)
{
	struct tachyon_message message;

	if (!peer->guest.segment.header || tach_ring_receive(&peer->receiver, &message) != 1)
		return false;
	*type = message.type;
	memcpy(body, message.data, message.size < capacity ? message.size : capacity);
	FUZZ_CHECK(tach_ring_release(&peer->receiver, message.position) == 0);
	return true;
}

void fuzz_peer_scribble(struct fuzz_peer *peer, struct fuzz_input *input)
{
	struct tach_segment_header *const own = peer->offer.segment.header;
	uint8_t *const data = peer->offer.segment.data;

	switch (fuzz_below(input, 8)) {
	case 0:
		own->head = fuzz_number(input, own->head);
		break;
	case 1:
		own->wait_data = (uint32_t)fuzz_number(input, own->wait_data + 3);
		break;
	case 2:
		own->wait_space = (uint32_t)fuzz_number(input, own->wait_space + 3);
		own->space_target = fuzz_number(input, peer->receiver.received);
		break;
	case 3:
		own->state = (uint32_t)fuzz_number(input, TACH_STATE_DRAINING);
		break;
	case 4:
		fuzz_write_header(input, own);
		break;
	default:
		fuzz_bytes(input, data + fuzz_u16(input) % FUZZ_RING_SIZE, fuzz_below(input, 64));
		break;
	}
}

void fuzz_peer_ring(const struct fuzz_peer *peer, struct fuzz_input *input)
{
	const uint8_t times = fuzz_u8(input);

	if (!peer->guest.segment.header)
		return;
	for (unsigned int i = 0; i <= (times > 250 ? 40u : 0u); i++) {
		tach_sock_ring(peer->guest.data_bell);
		tach_sock_ring(peer->guest.space_bell);
	}
}

/* --- the socket --- */

void fuzz_peer_send_packet(struct fuzz_peer *peer, struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	struct {
		struct tach_urgent_packet head;
		uint8_t data[64];
	} packet = {.head = {.magic = TACH_MAGIC,
			     .protocol = TACH_PROTOCOL,
			     .kind = TACH_PACKET_URGENT,
			     .event = {.type = 7}}};
	int fds[FUZZ_FDS_MAX];
	size_t count = 0, size = sizeof(packet.head) + (how & 15);

	if (peer->sock < 0)
		return;
	packet.head.event.size = how & 15;
	if (fuzz_bit(how, 4))
		fuzz_bytes(input, &packet, sizeof(packet));
	if (fuzz_bit(how, 5)) {
		uint32_t *const half = (uint32_t *)&packet + fuzz_below(input, 10);

		*half = (uint32_t)fuzz_number(input, *half);
	}
	if (fuzz_bit(how, 6) && fuzz_bit(how, 7))
		count = fuzz_choose_fds(input, fds);
	else if (fuzz_bit(how, 6))
		size = fuzz_u8(input) % (sizeof(packet) + 1);
	fuzz_send(peer->sock, &packet, size, fds, count);
}

struct tach_wire_ref fuzz_lie_about_ref(struct fuzz_input *input, struct tach_wire_ref ref)
{
	switch (fuzz_below(input, 16)) {
	case 0:
		ref.segment = (uint32_t)fuzz_number(input, ref.segment);
		break;
	case 1:
		ref.block = (uint16_t)fuzz_number(input, ref.block);
		break;
	case 2:
		ref.generation = (uint32_t)fuzz_number(input, ref.generation);
		break;
	case 3:
		ref.offset = (uint32_t)fuzz_number(input, FUZZ_BLOCK_SIZE);
		break;
	case 4:
		ref.size = (uint32_t)fuzz_number(input, FUZZ_BLOCK_SIZE);
		break;
	case 5:
		fuzz_bytes(input, &ref, sizeof(ref));
		break;
	default:
		break;
	}
	return ref;
}

/* --- an input --- */

/* Of the publisher that stays: its segments, and who has been told of them. */
#define FDS_MORE 64

static unsigned int fds_at_first;

void fuzz_init(void)
{
	fuzz_fds_init();
	fuzz_recycle_init();
	fds_at_first = fuzz_count_fds();
}

void fuzz_fini(void)
{
	fuzz_publisher_fini();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	const unsigned int victim = fuzz_below(&input, 4);
	const unsigned int fds = fuzz_count_fds();

	switch (victim) {
	case 0:
		fuzz_bus(&input);
		FUZZ_CHECK(fuzz_count_fds() == fds);
		break;
	case 1:
		fuzz_subscriber(&input);
		FUZZ_CHECK(fuzz_count_fds() == fds);
		break;
	default:
		fuzz_publisher(&input);
		FUZZ_CHECK(fuzz_count_fds() < fds_at_first + FDS_MORE);
		break;
	}
}
