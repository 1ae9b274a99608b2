/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What crosses the socket before a connection stands (PROTOCOL.md 6), to a listener and to a
 * connector. The input says which packets come, what in them is not as an honest peer's, and with
 * which descriptors.
 *
 * The victim has a connection, or a reason why not; and no more descriptors than before. An honest
 * packet is let in.
 */
#include "connect.h"
#include "fuzz-fds.h"
#include "fuzz-recycle.h"
#include "os.h"
#include "sock.h"

#define PACKETS_MAX 3
/* Of the victim: a peer's ring may be twice as large as the one it has. */
#define RING_LIMIT (2 * FUZZ_RING_SIZE)

enum mode {
	MODE_HELLO,   /* one packet, to a listener */
	MODE_ANSWER,  /* one packet, to a connector */
	MODE_LISTEN,  /* all steps of a listener */
	MODE_CONNECT, /* all steps of a connector */
};

/* What is to come, of the first byte of an input. */
struct setting {
	enum mode mode;
	enum tach_service service;
	bool has_view;
	bool is_any_size;
	bool is_full;
};

/* What was sent last. */
static struct {
	int segment;
	uint64_t ring_size;
} said;

/* For the cheap modes: they take no socket along. */
static int near_end, far_end;
static struct tach_offer offers[2];
static int canceled;

void fuzz_init(void)
{
	int ends[2];

	fuzz_fds_init();
	fuzz_connect(ends);
	near_end = ends[0];
	far_end = ends[1];
	for (int i = 0; i < 2; i++) {
		FUZZ_CHECK(tach_offer_init(&offers[i],
					   i == 0 ? TACH_SERVICE_BUS : TACH_SERVICE_FRAMES,
					   FUZZ_RING_SIZE, RING_LIMIT) == 0);
		offers[i].features = i == 0 ? 0 : TACH_FEATURE_URGENT | TACH_FEATURE_DESCRIPTORS;
	}
	fuzz_recycle_init();
	canceled = tach_os_eventfd();
	FUZZ_CHECK(canceled >= 0);
	tach_os_event_set(canceled);
}

void fuzz_fini(void)
{
}

/* --- packets --- */

static struct tach_hello make_hello(const struct setting *setting, enum tach_packet_kind kind)
{
	return (struct tach_hello){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = kind,
		.features = setting->is_any_size ? TACH_FEATURE_ANY_SIZE : 0,
		.byte_order = TACH_BYTE_ORDER_MARK,
		.word_size = sizeof(void *),
		.service = setting->service,
		.ring_size = FUZZ_RING_SIZE,
		.pid = 1,
	};
}

union any_packet {
	struct tach_hello hello;
	struct tach_reject reject;
	uint64_t words[32];
	uint8_t bytes[256];
};

static void change_words(struct fuzz_input *input, union any_packet *packet)
{
	const unsigned int count = 1 + fuzz_below(input, 3);

	for (unsigned int i = 0; i < count; i++) {
		const uint8_t where = fuzz_u8(input);
		uint32_t *const half = (uint32_t *)packet + where % 32;

		if (where < 128)
			*half = (uint32_t)fuzz_number(input, *half);
		else
			packet->words[where % 16] = fuzz_number(input, packet->words[where % 16]);
	}
}

/* Sends one. True when there is nothing in it that an honest peer would not send. */
static bool send_packet(struct fuzz_input *input, int sock, const struct setting *setting)
{
	static const uint8_t kinds[] = {TACH_PACKET_HELLO,  TACH_PACKET_WELCOME,
					TACH_PACKET_REJECT, TACH_PACKET_RESIZE,
					TACH_PACKET_URGENT, TACH_PACKET_SEGMENT};
	const bool to_listener = setting->mode == MODE_HELLO || setting->mode == MODE_LISTEN;
	const uint8_t how = fuzz_u8(input);
	uint32_t kind = to_listener ? TACH_PACKET_HELLO : TACH_PACKET_WELCOME;
	int fds[FUZZ_FDS_MAX] = {fuzz_fds.fd[FUZZ_FD_RING], fuzz_fds.fd[FUZZ_FD_DATA_BELL],
				 fuzz_fds.fd[FUZZ_FD_SPACE_BELL]};
	union any_packet packet = {.words = {0}};
	size_t count = 3, size;

	if (fuzz_bit(how, 0))
		kind = kinds[fuzz_below(input, sizeof(kinds))];
	packet.hello = make_hello(setting, kind);
	size = kind == TACH_PACKET_REJECT ? sizeof(packet.reject) : sizeof(packet.hello);
	if (kind == TACH_PACKET_RESIZE) {
		packet.hello.ring_size = RING_LIMIT;
		count = 0;
	}
	if (kind == TACH_PACKET_REJECT) {
		packet.reject.code = -(int32_t)fuzz_u8(input);
		count = 0;
	}
	if (fuzz_bit(how, 1))
		change_words(input, &packet);
	if (fuzz_bit(how, 2))
		size = fuzz_u8(input);
	if (fuzz_bit(how, 3))
		count = fuzz_choose_fds(input, fds);
	if (fuzz_bit(how, 4)) {
		fuzz_write_header(input, fuzz_fds.liar.header);
		fds[0] = fuzz_fds.fd[FUZZ_FD_LIAR];
	}
	if (fuzz_bit(how, 5))
		fuzz_bytes(input, packet.bytes, sizeof(packet));
	said.segment = count > 0 ? fds[0] : -1;
	said.ring_size = packet.hello.ring_size;
	fuzz_send(sock, &packet, size, fds, count);
	return (how & 0x3f) == 0;
}

/* --- what a victim answers --- */

static void check_code(int ret)
{
	switch (ret) {
	case 0:
	case -EAGAIN:
	case -EBADMSG:
	case -EPROTONOSUPPORT:
	case -EMSGSIZE:
	case -EPIPE:
	case -EACCES:
	case -EBUSY:
	case -ECANCELED:
		return;
	case -ENOMEM: /* of the peer, or for the hole */
	case -EMFILE:
		return;
	default:
		fprintf(stderr, "a code that is not documented: %d\n", ret);
		abort();
	}
}

/* Of what was sent, what may be mapped: sealed, whole, a ring, and honest about itself. */
static bool is_fit(int fd)
{
	const struct tach_segment_header *const liar = fuzz_fds.liar.header;

	if (fd == fuzz_fds.fd[FUZZ_FD_LIAR])
		return memcmp(liar, fuzz_fds.ring.header,
			      offsetof(struct tach_segment_header, reserved0)) == 0;
	/* Who maps a hole fills it at once, or fails: then it is none. */
	return fd == fuzz_fds.fd[FUZZ_FD_RING] || fd == fuzz_fds.fd[FUZZ_FD_LARGE_RING] ||
	       fd == fuzz_fds.fd[FUZZ_FD_READ_ONLY_RING] || fd == fuzz_fds.fd[FUZZ_FD_HIDDEN_HOLE];
}

static void check_guest(const struct tach_guest *guest)
{
	const struct tach_segment *segment = &guest->segment;

	FUZZ_CHECK(is_fit(said.segment));
	FUZZ_CHECK(segment->data_size == said.ring_size && said.ring_size <= RING_LIMIT);
	FUZZ_CHECK(tach_is_power_of_two(segment->data_size));
	FUZZ_CHECK(tach_sock_is_doorbell(guest->data_bell));
	FUZZ_CHECK(tach_sock_is_doorbell(guest->space_bell));
	/* It is read where a receiver would: both times that it is mapped. */
	FUZZ_CHECK(segment->data[0] == segment->data[segment->data_size]);
}

static void take_packets(struct fuzz_input *input, const struct setting *setting)
{
	struct tach_offer *offer = &offers[setting->service == TACH_SERVICE_FRAMES];

	offer->has_view = setting->has_view;
	offer->is_any_size = setting->is_any_size;
	for (int i = 0; i < PACKETS_MAX; i++) {
		struct tach_guest guest = {.data_bell = -1, .space_bell = -1};
		const bool is_honest = send_packet(input, near_end, setting);
		uint64_t ring_size = 0;
		int ret;

		if (setting->mode == MODE_HELLO)
			ret = tach_hello_receive(far_end, TACH_PACKET_HELLO, offer, &guest);
		else
			ret = tach_hello_receive_answer(far_end, offer, &guest, &ring_size);
		if (ret == 1)
			FUZZ_CHECK(setting->is_any_size && tach_ring_size(ring_size) == ring_size &&
				   ring_size > FUZZ_RING_SIZE);
		else
			check_code(ret);
		FUZZ_CHECK(!is_honest || ret == 0);
		if (ret == 0) {
			check_guest(&guest);
			tach_guest_fini(&guest);
		}
		if (input->left == 0)
			break;
	}
	fuzz_drain(far_end);
}

/* --- the whole way --- */

/* It stands: it can be used, whatever the peer's words are. */
static void use_bus(struct tachyon_bus *bus)
{
	struct tachyon_message message;
	int ret;

	ret = tachyon_bus_send(bus, "hello", 5, 1, 0);
	FUZZ_CHECK(ret == 0 || ret == TACHYON_ERR_CLOSED || ret == TACHYON_ERR_CORRUPT);
	ret = tachyon_bus_receive(bus, &message, 0);
	FUZZ_CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_CLOSED ||
		   ret == TACHYON_ERR_CORRUPT);
	tachyon_bus_destroy(bus);
}

static struct tach_bus_request make_request(const struct setting *setting)
{
	return (struct tach_bus_request){
		.wants_view = setting->has_view,
		.wants_public_fd = setting->has_view,
		.is_given = true,
	};
}

static void listen_to(struct fuzz_input *input, const struct setting *setting, int near, int far)
{
	const struct tach_reception reception = {
		.service = setting->service,
		.ring_size = setting->is_any_size ? 2 * FUZZ_RING_SIZE : FUZZ_RING_SIZE,
		.features = setting->service == TACH_SERVICE_FRAMES ? TACH_FEATURE_URGENT : 0,
		.max_peer_ring_size = RING_LIMIT,
		.request = make_request(setting),
		.is_full = setting->is_full,
	};
	struct tach_pending pending;
	struct tachyon_bus *bus;
	int ret = tach_pending_adopt(&pending, far, &reception, -1, 0);

	FUZZ_CHECK(ret == 0);
	pending.is_given = true;
	ret = tach_pending_step(&pending, &reception, &bus);
	FUZZ_CHECK(ret == -EAGAIN);
	for (int i = 0; i < PACKETS_MAX && ret == -EAGAIN; i++) {
		(void)send_packet(input, near, setting);
		ret = tach_pending_step(&pending, &reception, &bus);
		check_code(ret);
	}
	if (ret == 0)
		use_bus(bus);
	else if (ret == -EAGAIN)
		tach_pending_drop(&pending);
	fuzz_drain(near);
}

static void connect_to(struct fuzz_input *input, const struct setting *setting, int near, int far)
{
	const struct tach_dial dial = {
		.service = setting->service,
		.ring_size = FUZZ_RING_SIZE,
		.is_any_size = setting->is_any_size,
		.max_peer_ring_size = RING_LIMIT,
		.request = make_request(setting),
		/* Where no answer came it would wait for one. */
		.cancel_fd = canceled,
	};
	struct tachyon_bus *bus;
	int ret;

	for (int i = 0; i < PACKETS_MAX; i++) {
		(void)send_packet(input, near, setting);
		if (input->left == 0)
			break;
	}
	/* Who refuses has left, as a rule. */
	if (setting->is_full)
		tach_sock_shutdown(near);
	ret = tach_dial_over(&dial, far, &bus);
	check_code(ret);
	if (ret == 0)
		use_bus(bus);
	fuzz_drain(near);
}

static void go_all_the_way(struct fuzz_input *input, const struct setting *setting)
{
	int ends[2];

	fuzz_connect(ends);
	if (setting->mode == MODE_LISTEN)
		listen_to(input, setting, ends[0], ends[1]);
	else
		connect_to(input, setting, ends[0], ends[1]);
	tach_os_close(ends[0]);
}

static struct setting make_setting(struct fuzz_input *input)
{
	const uint8_t byte = fuzz_u8(input);

	return (struct setting){
		/* One packet alone is a tenth of the work: three inputs of four. */
		.mode = (byte & 6) == 6 ? MODE_LISTEN + (byte & 1) : MODE_HELLO + (byte & 1),
		.service = fuzz_bit(byte, 3) ? TACH_SERVICE_FRAMES : TACH_SERVICE_BUS,
		.has_view = fuzz_bit(byte, 4),
		.is_any_size = fuzz_bit(byte, 5),
		.is_full = fuzz_bit(byte, 6),
	};
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	const struct setting setting = make_setting(&input);
	const unsigned int fds = fuzz_count_fds();

	if (setting.mode == MODE_HELLO || setting.mode == MODE_ANSWER)
		take_packets(&input, &setting);
	else
		go_all_the_way(&input, &setting);
	fuzz_fds_reset();
	FUZZ_CHECK(fuzz_count_fds() == fds);
}
