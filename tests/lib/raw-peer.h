/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A peer that keeps to the protocol as far as a test lets it: it speaks on a socket and writes
 * into its segment by hand.
 */
#ifndef TACHYON_TESTS_RAW_PEER_H
#define TACHYON_TESTS_RAW_PEER_H

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "harness.h"
#include "os.h"
#include "ring.h"
#include "sock.h"

#define RAW_TIMEOUT_NS 10000000000ull

struct raw_peer {
	int sock;
	struct tach_offer offer;       /* its own segment, writable, and bells */
	struct tach_guest guest;       /* what the other side brought */
	struct tach_sender sender;     /* for what it sends honestly */
	struct tach_receiver receiver; /* for what it hears */
};

/* --- packets --- */

static inline bool raw_wait_readable(int fd, uint64_t timeout_ns)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	const uint64_t deadline = tach_os_now_ns() + timeout_ns;
	int ret;

	do {
		ret = tach_os_poll(&entry, 1, deadline);
	} while (ret == 0 && tach_os_now_ns() < deadline);
	return ret == 1;
}

/* Any number of fds; -1 ends the list early. */
static inline void raw_send(int sock, const void *data, size_t size, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[256];
	} control = {.bytes = {0}};
	struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	CHECK_EQ(sendmsg(sock, &message, MSG_NOSIGNAL), size);
}

/* --- sockets --- */

/* Connects as soon as somebody listens. */
static inline int raw_connect(const char *address)
{
	const uint64_t deadline = tach_os_now_ns() + RAW_TIMEOUT_NS;
	int sock;

	do {
		sock = tach_sock_connect(address);
		if (sock < 0)
			(void)tach_os_poll(NULL, 0, tach_os_now_ns() + 1000000);
	} while (sock < 0 && tach_os_now_ns() < deadline);
	CHECK(sock >= 0);
	return sock;
}

static inline int raw_accept(int listener)
{
	int sock;

	CHECK(raw_wait_readable(listener, RAW_TIMEOUT_NS));
	sock = tach_sock_accept(listener);
	CHECK(sock >= 0);
	return sock;
}

/* True when the other side hung up, in time. What it sent before is thrown away. */
static inline bool raw_is_dropped(int sock, uint64_t timeout_ns)
{
	char data[256];

	while (raw_wait_readable(sock, timeout_ns)) {
		if (recv(sock, data, sizeof(data), MSG_DONTWAIT) <= 0)
			return true;
	}
	return false;
}

/* The code of the REJECT that comes next; 0 when none comes. */
static inline int raw_reject_code(int sock)
{
	struct tach_reject reject;

	if (!raw_wait_readable(sock, RAW_TIMEOUT_NS) ||
	    recv(sock, &reject, sizeof(reject), MSG_DONTWAIT) != sizeof(reject) ||
	    reject.magic != TACH_MAGIC || reject.kind != TACH_PACKET_REJECT)
		return 0;
	CHECK(memchr(reject.text, '\0', sizeof(reject.text)));
	return reject.code;
}

/* --- the handshake by hand --- */

static inline struct tach_hello raw_hello(const struct tach_offer *offer,
					  enum tach_packet_kind kind)
{
	return (struct tach_hello){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = kind,
		.features = (tach_os_membarrier_register() ? TACH_FEATURE_MEMBARRIER : 0) |
			    offer->features,
		.byte_order = TACH_BYTE_ORDER_MARK,
		.word_size = sizeof(void *),
		.service = offer->service,
		.ring_size = offer->segment.data_size,
		.pid = (uint32_t)getpid(),
	};
}

static inline void raw_offer_fds(const struct tach_offer *offer, int fds[3])
{
	fds[0] = offer->segment.fd;
	fds[1] = offer->data_bell[1];
	fds[2] = offer->space_bell[1];
}

static inline void raw_send_hello(int sock, const struct tach_offer *offer,
				  const struct tach_hello *hello)
{
	int fds[3];

	raw_offer_fds(offer, fds);
	raw_send(sock, hello, sizeof(*hello), fds, 3);
}

static inline struct raw_peer raw_peer_begin(int sock, enum tach_service service,
					     uint64_t ring_size)
{
	struct raw_peer peer = {.sock = sock, .guest = {.data_bell = -1, .space_bell = -1}};

	CHECK_EQ(tach_offer_init(&peer.offer, service, ring_size, 1 << 30), 0);
	if (service == TACH_SERVICE_FRAMES)
		peer.offer.features = TACH_FEATURE_URGENT | TACH_FEATURE_DESCRIPTORS;
	return peer;
}

static inline void raw_peer_attach(struct raw_peer *peer, enum tach_packet_kind kind)
{
	struct tach_segment *const own = &peer->offer.segment;

	CHECK(raw_wait_readable(peer->sock, RAW_TIMEOUT_NS));
	CHECK_EQ(tach_hello_receive(peer->sock, kind, &peer->offer, &peer->guest), 0);
	tach_sender_init(&peer->sender, own->data, own->data_size,
			 &peer->guest.segment.header->head);
	tach_receiver_init(&peer->receiver, peer->guest.segment.data, peer->guest.segment.data_size,
			   &own->header->head);
}

/* Shakes hands as an honest connector. */
static inline struct raw_peer raw_peer_connect(const char *address, enum tach_service service,
					       uint64_t ring_size)
{
	struct raw_peer peer = raw_peer_begin(raw_connect(address), service, ring_size);
	const struct tach_hello hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);

	raw_send_hello(peer.sock, &peer.offer, &hello);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	return peer;
}

/* Shakes hands as an honest listener. */
static inline struct raw_peer raw_peer_accept(int listener, enum tach_service service,
					      uint64_t ring_size)
{
	struct raw_peer peer = raw_peer_begin(raw_accept(listener), service, ring_size);
	const struct tach_hello welcome = raw_hello(&peer.offer, TACH_PACKET_WELCOME);

	raw_peer_attach(&peer, TACH_PACKET_HELLO);
	raw_send_hello(peer.sock, &peer.offer, &welcome);
	return peer;
}

static inline void raw_peer_close(struct raw_peer *peer)
{
	tach_offer_fini(&peer->offer);
	tach_guest_fini(&peer->guest);
	tach_os_close(peer->sock);
}

/* --- messages by hand --- */

/* Wakes whoever sleeps there, needed or not. */
static inline void raw_ring_bells(const struct raw_peer *peer)
{
	tach_sock_ring(peer->guest.data_bell);
	tach_sock_ring(peer->guest.space_bell);
}

/* An honest message; *place, where given, is its header in the ring, for lies. */
static inline void raw_put(struct raw_peer *peer, uint32_t type, const void *body, size_t size,
			   struct tach_message_header **place)
{
	struct tach_segment *const own = &peer->offer.segment;
	const uint64_t position = peer->sender.sent;
	void *data;

	CHECK_EQ(tach_ring_reserve(&peer->sender, size, &data), 0);
	if (size > 0)
		memcpy(data, body, size);
	CHECK_EQ(tach_ring_commit(&peer->sender, size, type), 0);
	tach_ring_flush(&peer->sender);
	if (place)
		*place = (struct tach_message_header *)(own->data + position % own->data_size);
}

static inline void raw_say(struct raw_peer *peer, uint32_t type, const void *body, size_t size)
{
	raw_put(peer, type, body, size, NULL);
	raw_ring_bells(peer);
}

/* The next message from the other side, within the time; released at once. Its size, or -1. */
static inline ssize_t raw_hear(struct raw_peer *peer, uint32_t *type, void *body, size_t capacity)
{
	const uint64_t deadline = tach_os_now_ns() + RAW_TIMEOUT_NS;
	struct tachyon_message message;
	int ret;

	while ((ret = tach_ring_receive(&peer->receiver, &message)) == 0 &&
	       tach_os_now_ns() < deadline)
		(void)tach_os_poll(NULL, 0, tach_os_now_ns() + 200000);
	if (ret <= 0)
		return -1;
	*type = message.type;
	CHECK(message.size <= capacity);
	memcpy(body, message.data, message.size);
	CHECK_EQ(tach_ring_release(&peer->receiver, message.position), 0);
	raw_ring_bells(peer);
	return (ssize_t)message.size;
}

#endif
