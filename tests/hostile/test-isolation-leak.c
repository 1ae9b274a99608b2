/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a peer can read of its victim is what the victim meant to say: no address of its memory, and
 * no byte that nobody wrote, in any packet, ring, header or fresh block.
 *
 * The victim is a child. Its heap and its stack are full of a pattern before each call; what it
 * shares is searched for that, and for every number that is an address in its /proc/PID/maps.
 */
#include <malloc.h>

#include "isolation-search.h"
#include "lent.h"

#define RING 65536u
#define CONTENT 'x'

/* --- the victim --- */

struct scene {
	int ready[2], go[2];
	struct maps maps;
};

/* As deep as the library goes. */
static __attribute__((noinline)) void dirty_stack(void)
{
	volatile uint8_t bytes[48 << 10];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = STACK_FILL;
}

#define DIRTY(call) (dirty_stack(), (call))

static void get_dirty(void)
{
	void *blocks[64];

	(void)mallopt(M_PERTURB, (int)(HEAP_FILL ^ 0xff));
	for (size_t i = 0; i < TACH_ARRAY_SIZE(blocks); i++) {
		blocks[i] = malloc(100 * (i + 1));
		memset(blocks[i], HEAP_FILL, 100 * (i + 1));
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(blocks); i++)
		free(blocks[i]);
}

static void say_ready(const struct scene *scene)
{
	CHECK_EQ(write(scene->ready[1], "x", 1), 1);
}

static void wait_for_go(const struct scene *scene)
{
	char byte;

	CHECK_EQ(read(scene->go[0], &byte, 1), 1);
}

static pid_t begin(struct scene *scene, int (*victim)(void *scene))
{
	CHECK_EQ(pipe2(scene->ready, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(scene->go, O_CLOEXEC), 0);
	return run_child(victim, scene);
}

static void await_ready(const struct scene *scene)
{
	char byte;

	CHECK_EQ(read(scene->ready[0], &byte, 1), 1);
}

static void let_go(const struct scene *scene)
{
	CHECK_EQ(write(scene->go[1], "x", 1), 1);
}

static void end(struct scene *scene, pid_t victim)
{
	let_go(scene);
	CHECK_EQ(wait_child(victim), 0);
	for (int i = 0; i < 2; i++) {
		close(scene->ready[i]);
		close(scene->go[i]);
	}
}

/* --- a publisher --- */

static struct tachyon_event event_of(uint32_t type, uint32_t flags)
{
	return text_event(type, flags, 60, "seven b");
}

static void set_state(struct tachyon_publisher *publisher)
{
	static char caps[40000];
	const struct tachyon_layout layout = {.width = 640, .height = 48, .plane_count = 1};
	const struct tachyon_clock clock = {.base_time = 1, .latency = 2};
	const struct tachyon_event event = event_of(5, TACHYON_EVENT_STICKY);

	memset(caps, CONTENT, sizeof(caps) - 1);
	CHECK_EQ(DIRTY(tachyon_publisher_set_clock(publisher, &clock)), 0);
	CHECK_EQ(DIRTY(tachyon_publisher_set_caps(publisher, caps)), 0);
	CHECK_EQ(DIRTY(tachyon_publisher_set_layout(publisher, &layout)), 0);
	CHECK_EQ(DIRTY(tachyon_publisher_send_event(publisher, &event)), 0);
}

static void publish_kind(struct tachyon_publisher *publisher, size_t size, size_t metadata_size,
			 bool is_sent)
{
	static _Alignas(8) char content[65536], metadata[65536];
	struct tachyon_frame frame;
	size_t used = 0;

	memset(content, CONTENT, sizeof(content));
	if (is_sent) {
		frame = (struct tachyon_frame){.data = content, .size = size, .pts = 1};
	} else {
		CHECK_EQ(DIRTY(tachyon_publisher_acquire(publisher, size, &frame)), 0);
		memset(frame.data, CONTENT, size);
		frame.offset = 5;
	}
	if (metadata_size > 0)
		CHECK_EQ(tachyon_record_append(metadata, sizeof(metadata), &used,
					       TACHYON_RECORD_USER, content, metadata_size),
			 0);
	frame.metadata = metadata;
	frame.metadata_size = used;
	if (is_sent)
		CHECK_EQ(DIRTY(tachyon_publisher_send(publisher, &frame)), 1);
	else
		CHECK_EQ(DIRTY(tachyon_publisher_commit(publisher, &frame)), 1);
}

static void publish_all_kinds(struct tachyon_publisher *publisher)
{
	const struct tachyon_event event = event_of(6, 0);
	struct tachyon_block *const lent = lend_new(publisher);

	for (size_t size = 1; size < 6000; size = size * 3 + 1) {
		publish_kind(publisher, size, 0, false);
		publish_kind(publisher, size, 13, false);
		publish_kind(publisher, size, 7, true);
	}
	publish_kind(publisher, 3000, 50001, false);
	CHECK_EQ(DIRTY(publish_lent(publisher, lent, 1, NULL)), 1);
	CHECK_EQ(DIRTY(tachyon_publisher_send_event(publisher, &event)), 0);
	CHECK_EQ(DIRTY(tachyon_publisher_send_urgent(publisher, 0, &event)), 0);
	DIRTY(tachyon_publisher_take_back(publisher, lent));
	CHECK_EQ(DIRTY(tachyon_publisher_configure(publisher, 300000, 4)), 0);
	publish_kind(publisher, 299999, 0, false);
	(void)DIRTY(tachyon_publisher_wait(publisher, MS));
}

static int be_publisher(void *argument)
{
	struct scene *const scene = argument;
	struct tachyon_publisher *publisher;

	get_dirty();
	publisher = DIRTY(make_publisher(NULL));
	set_state(publisher);
	while (tachyon_publisher_subscribers(publisher) == 0)
		DIRTY(serve(publisher, 1));
	publish_all_kinds(publisher);
	say_ready(scene);
	wait_for_go(scene);
	/* What was returned meanwhile lets the old memory go. */
	DIRTY(serve(publisher, 20));
	CHECK_EQ(DIRTY(tachyon_publisher_set_caps(publisher, "x")), 0);
	CHECK_EQ(DIRTY(tachyon_publisher_send_eos(publisher)), 0);
	say_ready(scene);
	wait_for_go(scene);
	tachyon_publisher_destroy(publisher);
	return 0;
}

/* A packet, with what came along; what it does not fill stays 0xee. */
struct parcel {
	uint8_t bytes[8192];
	size_t size;
	int fds[TACH_SOCK_FDS];
	size_t fd_count;
};

static bool take_parcel(int sock, struct parcel *parcel, uint64_t timeout_ns)
{
	ssize_t size;

	memset(parcel->bytes, 0xee, sizeof(parcel->bytes));
	if (!raw_wait_readable(sock, timeout_ns))
		return false;
	size = tach_sock_receive(sock, parcel->bytes, sizeof(parcel->bytes), parcel->fds,
				 &parcel->fd_count);
	parcel->size = size > 0 ? (size_t)size : 0;
	return size > 0;
}

static void close_parcel(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->fd_count; i++)
		close(parcel->fds[i]);
}

static void check_hello(const struct maps *maps, const struct parcel *parcel)
{
	CHECK_EQ(parcel->size, sizeof(struct tach_hello));
	check_clean(maps, "a hello", parcel->bytes, parcel->size);
	check_zero("a hello", parcel->bytes, 44, 64);
}

static void check_packet(const struct maps *maps, const struct parcel *parcel)
{
	const struct tach_segment_packet *const packet = (const void *)parcel->bytes;

	check_clean(maps, "a packet", parcel->bytes, parcel->size);
	switch (packet->kind) {
	case TACH_PACKET_SEGMENT:
		check_zero("a segment packet", packet, 20, 64);
		CHECK_EQ(parcel->fd_count, 1);
		check_segment(maps, "a payload segment", parcel->fds[0]);
		break;
	case TACH_PACKET_DESCRIPTOR:
		check_zero("a descriptor packet", packet, 20, 24);
		check_zero("a descriptor packet", packet, 32, 64);
		break;
	case TACH_PACKET_URGENT:
		check_zero("an urgent packet", packet, 36, 40);
		break;
	default:
		test_fail(__FILE__, __LINE__, "a packet of kind %u", packet->kind);
	}
}

/* Gives back what came, by the messages that stand in the ring. */
static void return_frames(struct raw_peer *peer)
{
	struct tachyon_message message;

	while (tach_ring_receive(&peer->receiver, &message) > 0) {
		struct tach_wire_ref ref = {0};
		struct tach_wire_frame frame = {0};

		if (message.type == TACH_WIRE_OUTLINE)
			memcpy(&ref, message.data, sizeof(ref));
		if (message.type == TACH_WIRE_FRAME) {
			memcpy(&frame, message.data, sizeof(frame));
			ref.segment = frame.segment;
			ref.block = frame.block;
			ref.generation = frame.generation;
		}
		ref.offset = ref.size = ref.type = 0;
		if (ref.segment != 0)
			raw_put(peer, TACH_WIRE_RETURN, &ref, sizeof(ref), NULL);
		CHECK_EQ(tach_ring_release(&peer->receiver, message.position), 0);
	}
	raw_ring_bells(peer);
}

static struct raw_peer shake_hands(int sock, struct parcel *parcel, bool is_connector)
{
	struct raw_peer peer = raw_peer_begin(sock, TACH_SERVICE_FRAMES, RING);
	struct tach_hello hello =
		raw_hello(&peer.offer, is_connector ? TACH_PACKET_HELLO : TACH_PACKET_WELCOME);

	if (is_connector)
		raw_send_hello(sock, &peer.offer, &hello);
	CHECK(take_parcel(sock, parcel, RAW_TIMEOUT_NS));
	CHECK_EQ(parcel->fd_count, 3);
	if (!is_connector)
		raw_send_hello(sock, &peer.offer, &hello);
	peer.guest.data_bell = parcel->fds[1];
	peer.guest.space_bell = parcel->fds[2];
	CHECK_EQ(tach_segment_attach(&peer.guest.segment, parcel->fds[0], TACH_SEGMENT_RING,
				     1 << 30),
		 0);
	tach_sender_init(&peer.sender, peer.offer.segment.data, RING,
			 &peer.guest.segment.header->head);
	tach_receiver_init(&peer.receiver, peer.guest.segment.data, peer.guest.segment.data_size,
			   &peer.offer.segment.header->head);
	return peer;
}

static void end_peer(struct raw_peer *peer, struct parcel *parcel)
{
	tach_segment_destroy(&peer->guest.segment);
	peer->guest = (struct tach_guest){.data_bell = -1, .space_bell = -1};
	close_parcel(parcel);
	tach_offer_fini(&peer->offer);
	close(peer->sock);
}

TEST(a_publisher_tells_its_subscriber_no_address_and_no_byte_that_nobody_wrote)
{
	static struct scene scene;
	static struct parcel welcome, parcel;
	const pid_t victim = begin(&scene, be_publisher);
	struct raw_peer peer = shake_hands(raw_connect(ADDRESS), &welcome, true);
	const struct tach_segment *const ring = &peer.guest.segment;
	size_t count;

	for (int turn = 0; turn < 2; turn++) {
		await_ready(&scene);
		read_maps(victim, &scene.maps);
		check_hello(&scene.maps, &welcome);
		check_segment(&scene.maps, "a publisher's ring", welcome.fds[0]);
		count = check_ring("a publisher's ring", ring->data, ring->data_size);
		while (take_parcel(peer.sock, &parcel, 0)) {
			check_packet(&scene.maps, &parcel);
			close_parcel(&parcel);
		}
		return_frames(&peer);
		if (turn == 0)
			let_go(&scene);
	}
	printf("# %d messages\n", (int)count);
	CHECK(count > 30);
	end(&scene, victim);
	end_peer(&peer, &welcome);
}

/* --- a subscriber --- */

static int be_subscriber(void *argument)
{
	struct tachyon_subscriber_options options = {
		.size = sizeof(options), .takes_urgent = 1, .takes_descriptors = 1};
	struct scene *const scene = argument;
	const struct tachyon_event event = event_of(6, 0);
	struct tachyon_subscriber *subscriber;
	struct tachyon_frame frame;
	struct tachyon_item item;

	get_dirty();
	subscriber = DIRTY(make_subscriber(&options));
	CHECK_EQ(DIRTY(tachyon_subscriber_connect(subscriber, LONG_NS)), 0);
	DIRTY(tachyon_subscriber_set_need(subscriber, 3));
	CHECK_EQ(DIRTY(tachyon_subscriber_send_event(subscriber, &event)), 0);
	CHECK_EQ(DIRTY(tachyon_subscriber_send_urgent(subscriber, &event)), 0);
	CHECK_EQ(DIRTY(tachyon_subscriber_receive(subscriber, &item, LONG_NS)), 0);
	frame = item.frame;
	DIRTY(tachyon_frame_release(&frame));
	CHECK_EQ(DIRTY(tachyon_subscriber_receive(subscriber, &item, 20 * MS)),
		 TACHYON_ERR_TIMEDOUT);
	say_ready(scene);
	wait_for_go(scene);
	tachyon_subscriber_destroy(subscriber);
	return 0;
}

static void publish_by_hand(struct raw_peer *peer, struct tach_segment *payload)
{
	const struct tach_segment_packet packet = {.magic = TACH_MAGIC,
						   .protocol = TACH_PROTOCOL,
						   .kind = TACH_PACKET_SEGMENT,
						   .segment = 1};
	const struct tach_wire_frame frame = {.segment = 1, .size = 1000};
	const struct tach_wire_ref retire = {.segment = 1};

	CHECK_EQ(tach_segment_create_payload(payload, 8192, 4), 0);
	raw_send(peer->sock, &packet, sizeof(packet), &payload->fd, 1);
	raw_say(peer, TACH_WIRE_FRAME, &frame, sizeof(frame));
	raw_say(peer, TACH_WIRE_RETIRE, &retire, sizeof(retire));
}

TEST(a_subscriber_tells_its_publisher_no_address_and_no_byte_that_nobody_wrote)
{
	static struct scene scene;
	static struct parcel hello, parcel;
	const int listener = tach_sock_listen(ADDRESS);
	const pid_t victim = begin(&scene, be_subscriber);
	struct raw_peer peer = shake_hands(raw_accept(listener), &hello, false);
	const struct tach_segment *const ring = &peer.guest.segment;
	struct tach_segment payload;
	size_t count;

	publish_by_hand(&peer, &payload);
	await_ready(&scene);
	read_maps(victim, &scene.maps);
	check_hello(&scene.maps, &hello);
	check_segment(&scene.maps, "a subscriber's ring", hello.fds[0]);
	count = check_ring("a subscriber's ring", ring->data, ring->data_size);
	/* NEED, UP_EVENT, RETURN, RETIRED. */
	CHECK_EQ(count, 4);
	CHECK(take_parcel(peer.sock, &parcel, RAW_TIMEOUT_NS));
	check_packet(&scene.maps, &parcel);
	end(&scene, victim);
	end_peer(&peer, &hello);
	tach_segment_destroy(&payload);
	close(listener);
	unlink(ADDRESS);
}

/* --- a listener that refuses --- */

static int be_listener(void *argument)
{
	struct scene *const scene = argument;
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;

	get_dirty();
	CHECK_EQ(DIRTY(tachyon_listener_create(ADDRESS, NULL, &listener)), 0);
	/* The one it refuses, and the one that it asks for a larger ring. */
	CHECK_EQ(DIRTY(tachyon_listener_accept(listener, 300 * MS, &bus)), TACHYON_ERR_TIMEDOUT);
	say_ready(scene);
	wait_for_go(scene);
	tachyon_listener_destroy(listener);
	return 0;
}

TEST(a_refusal_tells_no_address_and_no_byte_that_nobody_wrote)
{
	static struct scene scene;
	static struct parcel reject, resize;
	const pid_t victim = begin(&scene, be_listener);
	struct raw_peer peer =
		raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_BUS, TACH_RING_SIZE_MIN);
	struct tach_hello hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	const int other = raw_connect(ADDRESS);

	hello.features |= TACH_FEATURE_ANY_SIZE;
	raw_send_hello(peer.sock, &peer.offer, &hello);
	raw_send(other, "GET / HTTP/1.1", 14, NULL, 0);
	CHECK(take_parcel(peer.sock, &resize, RAW_TIMEOUT_NS));
	CHECK(take_parcel(other, &reject, RAW_TIMEOUT_NS));
	await_ready(&scene);
	read_maps(victim, &scene.maps);
	CHECK_EQ(resize.fd_count + reject.fd_count, 0);
	check_hello(&scene.maps, &resize);
	CHECK_EQ(reject.size, sizeof(struct tach_reject));
	check_clean(&scene.maps, "a reject", reject.bytes, reject.size);
	/* Behind the text, too. */
	check_zero("a reject", reject.bytes, 20 + strlen((const char *)reject.bytes + 20), 128);
	end(&scene, victim);
	raw_peer_close(&peer);
	close(other);
}

/* --- the search itself --- */

TEST(the_search_finds_an_address_and_what_nobody_wrote)
{
	static struct maps maps;
	uint64_t words[8] = {1, 2, 3};
	uint32_t dirt = STACK_FILL * 0x01010101u;
	size_t where;

	read_maps(getpid(), &maps);
	CHECK_EQ(search(&maps, words, sizeof(words), &where), FOUND_NOTHING);
	words[3] = (uintptr_t)&words;
	CHECK_EQ(search(&maps, words, sizeof(words), &where), FOUND_ADDRESS);
	CHECK_EQ(where, 24);
	/* One that stands across two words, too. */
	words[3] = (uint64_t)(uint32_t)(uintptr_t)&words << 32;
	words[4] = (uint64_t)(uintptr_t)&words >> 32;
	CHECK_EQ(search(&maps, words, sizeof(words), &where), FOUND_ADDRESS);
	words[3] = words[4] = 0;
	memcpy((uint8_t *)words + 44, &dirt, 4);
	CHECK_EQ(search(&maps, words, sizeof(words), &where), FOUND_UNWRITTEN);
}
