/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * HELLO, WELCOME and REJECT: building them, and believing nothing of what comes back.
 */
#include "handshake.h"

#include <stdio.h>

#include "log.h"
#include "os.h"
#include "sock.h"

enum { FD_SEGMENT, FD_DATA_BELL, FD_SPACE_BELL, FD_COUNT };

static void close_pair(int pair[2])
{
	tach_os_close(pair[0]);
	tach_os_close(pair[1]);
	pair[0] = pair[1] = -1;
}

int tach_offer_init(struct tach_offer *offer, enum tach_service service, uint64_t ring_size,
		    uint64_t max_peer_ring_size)
{
	int ret;

	*offer = (struct tach_offer){
		.service = service,
		.max_peer_ring_size = max_peer_ring_size,
		.data_bell = {-1, -1},
		.space_bell = {-1, -1},
	};

	ret = tach_segment_create_ring(&offer->segment, ring_size);
	if (ret < 0)
		return ret;
	ret = tach_sock_doorbell(offer->data_bell);
	if (ret < 0)
		goto err_segment;
	ret = tach_sock_doorbell(offer->space_bell);
	if (ret < 0)
		goto err_data_bell;
	return 0;

err_data_bell:
	close_pair(offer->data_bell);
err_segment:
	tach_segment_destroy(&offer->segment);
	return ret;
}

void tach_offer_fini(struct tach_offer *offer)
{
	if (!offer->segment.header)
		return;
	close_pair(offer->space_bell);
	close_pair(offer->data_bell);
	tach_segment_destroy(&offer->segment);
}

void tach_guest_fini(struct tach_guest *guest)
{
	if (!guest->segment.header)
		return;
	tach_os_close(guest->space_bell);
	tach_os_close(guest->data_bell);
	tach_view_fini(&guest->view);
	tach_segment_destroy(&guest->segment);
}

/*
 * A message can hardly afford a fence, but a frame can: a few nanoseconds. A sleep between two
 * frames can hardly afford membarrier(), which interrupts the peer's CPU: microseconds, several in
 * a virtual machine, on both sides.
 */
static uint32_t features(enum tach_service service)
{
	if (service != TACH_SERVICE_BUS)
		return 0;
	return tach_os_membarrier_register() ? TACH_FEATURE_MEMBARRIER : 0;
}

static struct tach_hello make_hello(enum tach_packet_kind kind, const struct tach_offer *offer)
{
	return (struct tach_hello){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = kind,
		.features = features(offer->service) |
			    (offer->is_any_size ? TACH_FEATURE_ANY_SIZE : 0) | offer->features,
		.byte_order = TACH_BYTE_ORDER_MARK,
		.word_size = sizeof(void *),
		.service = offer->service,
		.ring_size = offer->segment.data_size,
		.pid = (uint32_t)tach_os_pid(),
	};
}

int tach_hello_send(int sock, enum tach_packet_kind kind, const struct tach_offer *offer)
{
	const struct tach_hello hello = make_hello(kind, offer);
	const int fds[FD_COUNT] = {
		[FD_SEGMENT] = offer->segment.fd,
		[FD_DATA_BELL] = offer->data_bell[1],
		[FD_SPACE_BELL] = offer->space_bell[1],
	};

	return tach_sock_send(sock, &hello, sizeof(hello), fds, FD_COUNT);
}

int tach_hello_send_resize(int sock, const struct tach_offer *offer, uint64_t ring_size)
{
	struct tach_hello hello = make_hello(TACH_PACKET_RESIZE, offer);

	hello.ring_size = ring_size;
	return tach_sock_send(sock, &hello, sizeof(hello), NULL, 0);
}

void tach_hello_reject(int sock, int code)
{
	struct tach_reject reject = {
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_REJECT,
		.code = code,
	};

	snprintf(reject.text, sizeof(reject.text), "%s", tachyon_strerror(code));
	(void)tach_sock_send(sock, &reject, sizeof(reject), NULL, 0);
}

/* A stranger's code becomes ours only if it is one that a listener has reason to send. */
static int reject_code(const struct tach_reject *reject)
{
	switch (reject->code) {
	case TACHYON_ERR_VERSION:
	case TACHYON_ERR_DENIED:
	case TACHYON_ERR_TOO_BIG:
	case -EBUSY:
	case -ENOMEM:
	case -EMFILE:
		return reject->code;
	default:
		return TACHYON_ERR_CORRUPT;
	}
}

/* Magic, protocol and kind stand first in every version's packet: a newer one is told so. */
static int check_hello(const struct tach_hello *hello, size_t size, enum tach_packet_kind kind,
		       const struct tach_offer *ours)
{
	if (hello->magic != TACH_MAGIC)
		return -EBADMSG;
	if (hello->protocol != TACH_PROTOCOL) {
		tach_log(TACHYON_LOG_ERROR, "handshake: the peer speaks protocol %u, we speak %u",
			 hello->protocol, TACH_PROTOCOL);
		return -EPROTONOSUPPORT;
	}
	if (hello->kind != kind || size != sizeof(*hello))
		return -EBADMSG;
	if (hello->byte_order != TACH_BYTE_ORDER_MARK || hello->word_size != sizeof(void *))
		return -EPROTONOSUPPORT;
	if (hello->service != ours->service) {
		tach_log(TACHYON_LOG_ERROR, "handshake: the peer offers service %u, we want %u",
			 hello->service, ours->service);
		return -EPROTONOSUPPORT;
	}
	if (hello->ring_size > ours->max_peer_ring_size) {
		tach_log(TACHYON_LOG_ERROR, "handshake: the peer's ring exceeds our limit");
		return -EMSGSIZE;
	}
	return 0;
}

/* Maps the segment and checks the bells. The bells are taken on success, nothing on failure. */
static int admit(const struct tach_hello *hello, const int fds[FD_COUNT],
		 const struct tach_offer *ours, struct tach_guest *guest)
{
	int ret;

	if (!tach_sock_is_doorbell(fds[FD_DATA_BELL]) || !tach_sock_is_doorbell(fds[FD_SPACE_BELL]))
		return -EBADMSG;

	ret = tach_segment_attach(&guest->segment, fds[FD_SEGMENT], TACH_SEGMENT_RING,
				  ours->max_peer_ring_size + TACH_HEADER_SIZE +
					  tach_os_page_size());
	if (ret < 0)
		return ret;
	guest->view = (struct tach_view){.base = NULL};
	ret = guest->segment.data_size == hello->ring_size ? 0 : -EBADMSG;
	if (ret == 0 && ours->has_view)
		ret = tach_view_init(&guest->view, &guest->segment, fds[FD_SEGMENT]);
	if (ret < 0) {
		tach_segment_destroy(&guest->segment);
		return ret;
	}

	guest->data_bell = fds[FD_DATA_BELL];
	guest->space_bell = fds[FD_SPACE_BELL];
	guest->both_membarrier =
		hello->features & features(ours->service) & TACH_FEATURE_MEMBARRIER;
	guest->is_any_size = hello->features & TACH_FEATURE_ANY_SIZE;
	guest->features = hello->features & ours->features;
	guest->pid = hello->pid;
	return 0;
}

union packet {
	struct tach_hello hello;
	struct tach_reject reject;
};

struct parcel {
	union packet packet;
	size_t size;
	int fds[TACH_SOCK_FDS];
	size_t fd_count;
};

/* 0, or a negative code and nothing to put away; a REJECT is its code. */
static int take_parcel(int sock, struct parcel *parcel)
{
	const struct tach_reject *reject = &parcel->packet.reject;
	ssize_t size;

	*parcel = (struct parcel){.fd_count = 0};
	size = tach_sock_receive(sock, &parcel->packet, sizeof(parcel->packet), parcel->fds,
				 &parcel->fd_count);
	if (size <= 0)
		return size == 0 || size == -ECONNRESET ? -EPIPE : (int)size;
	parcel->size = (size_t)size;
	if (parcel->size != sizeof(*reject) || reject->magic != TACH_MAGIC ||
	    reject->kind != TACH_PACKET_REJECT)
		return 0;
	for (size_t i = 0; i < parcel->fd_count; i++)
		tach_os_close(parcel->fds[i]);
	return reject_code(reject);
}

static int check_parcel(const struct parcel *parcel, enum tach_packet_kind kind, size_t fd_count,
			const struct tach_offer *ours)
{
	int ret;

	if (parcel->size < offsetof(struct tach_hello, features))
		return -EBADMSG;
	ret = check_hello(&parcel->packet.hello, parcel->size, kind, ours);
	if (ret == 0 && parcel->fd_count != fd_count)
		ret = -EBADMSG;
	return ret;
}

/* Whoever is not admitted leaves nothing behind. */
static int open_parcel(struct parcel *parcel, enum tach_packet_kind kind,
		       const struct tach_offer *ours, struct tach_guest *guest)
{
	int ret = check_parcel(parcel, kind, FD_COUNT, ours);

	if (ret == 0)
		ret = admit(&parcel->packet.hello, parcel->fds, ours, guest);
	for (size_t i = 0; i < parcel->fd_count; i++) {
		if (ret < 0 || i == FD_SEGMENT)
			tach_os_close(parcel->fds[i]);
	}
	return ret;
}

int tach_hello_receive(int sock, enum tach_packet_kind kind, const struct tach_offer *ours,
		       struct tach_guest *guest)
{
	struct parcel parcel;
	const int ret = take_parcel(sock, &parcel);

	return ret < 0 ? ret : open_parcel(&parcel, kind, ours, guest);
}

int tach_hello_receive_answer(int sock, const struct tach_offer *ours, struct tach_guest *guest,
			      uint64_t *ring_size)
{
	struct parcel parcel;
	int ret = take_parcel(sock, &parcel);

	if (ret < 0)
		return ret;
	if (!ours->is_any_size || parcel.fd_count > 0)
		return open_parcel(&parcel, TACH_PACKET_WELCOME, ours, guest);
	ret = check_parcel(&parcel, TACH_PACKET_RESIZE, 0, ours);
	if (ret < 0)
		return ret;

	/* A larger one is all that it may ask for. */
	*ring_size = parcel.packet.hello.ring_size;
	if (*ring_size <= ours->segment.data_size || tach_ring_size(*ring_size) != *ring_size)
		return -EBADMSG;
	return 1;
}
