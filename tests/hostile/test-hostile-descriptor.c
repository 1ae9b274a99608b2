/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Lies about lent memory, from either end: descriptors that are something else, frames that name
 * what is not there, returns of what nobody has.
 */
#include "honest.h"
#include "lent.h"
#include "raw-publisher.h"

/* --- a publisher that lies: what it sends along --- */

static struct tach_descriptor_packet lent_packet(uint32_t segment, uint64_t size)
{
	return (struct tach_descriptor_packet){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = TACH_PACKET_DESCRIPTOR,
		.segment = segment,
		.size = size,
	};
}

/* A frame in what was announced under this id. */
static void say_frame_in(struct raw_publisher *raw, uint32_t segment)
{
	struct tach_wire_frame frame = raw_frame(0);

	frame.segment = segment;
	raw_say_frame(raw, &frame);
}

/* Announced with these descriptors, which are closed, and named. */
static void announce(struct raw_publisher *raw, const struct tach_descriptor_packet *packet,
		     size_t size, const int *fds, size_t count)
{
	raw_send(raw->peer.sock, packet, size, fds, count);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	say_frame_in(raw, packet->segment);
}

static void announce_one(struct raw_publisher *raw, uint64_t size, int fd)
{
	const struct tach_descriptor_packet packet = lent_packet(2, size);

	announce(raw, &packet, sizeof(packet), &fd, 1);
}

static void a_pipe(struct raw_publisher *raw)
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	close(ends[1]);
	announce_one(raw, 4096, ends[0]);
}

static void a_socket(struct raw_publisher *raw)
{
	announce_one(raw, 4096, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void a_file_on_a_disk(struct raw_publisher *raw)
{
	const int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK_EQ(ftruncate(fd, 8192), 0);
	unlink("file");
	announce_one(raw, 4096, fd);
}

static void a_directory(struct raw_publisher *raw)
{
	announce_one(raw, 1, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void a_device(struct raw_publisher *raw)
{
	announce_one(raw, 4096, open("/dev/zero", O_RDWR | O_CLOEXEC));
}

static void a_path(struct raw_publisher *raw)
{
	announce_one(raw, 4096, open(".", O_PATH | O_CLOEXEC));
}

static void a_file_that_can_shrink(struct raw_publisher *raw)
{
	announce_one(raw, LENT_SIZE, make_file(LENT_SIZE, 0));
}

static void a_file_with_other_seals(struct raw_publisher *raw)
{
	announce_one(raw, LENT_SIZE, make_file(LENT_SIZE, F_SEAL_GROW | F_SEAL_WRITE));
}

static void a_file_that_is_too_short(struct raw_publisher *raw)
{
	announce_one(raw, LENT_SIZE + 1, make_lendable(LENT_SIZE));
}

static void a_file_of_2_to_64(struct raw_publisher *raw)
{
	announce_one(raw, UINT64_MAX, make_lendable(LENT_SIZE));
}

static void an_empty_file(struct raw_publisher *raw)
{
	announce_one(raw, 0, make_lendable(0));
}

/* A frame of no bytes would fit. */
static void no_size(struct raw_publisher *raw)
{
	const struct tach_descriptor_packet packet = lent_packet(2, 0);
	const int fd = make_lendable(LENT_SIZE);
	struct tach_wire_frame frame = raw_frame(0);

	raw_send(raw->peer.sock, &packet, sizeof(packet), &fd, 1);
	close(fd);
	frame.segment = 2;
	frame.size = 0;
	raw_say_frame(raw, &frame);
}

static void no_descriptor(struct raw_publisher *raw)
{
	const struct tach_descriptor_packet packet = lent_packet(2, LENT_SIZE);

	announce(raw, &packet, sizeof(packet), NULL, 0);
}

static void two_descriptors(struct raw_publisher *raw)
{
	const struct tach_descriptor_packet packet = lent_packet(2, LENT_SIZE);
	const int fds[2] = {make_lendable(LENT_SIZE), make_lendable(LENT_SIZE)};

	announce(raw, &packet, sizeof(packet), fds, 2);
}

static void announce_as(struct raw_publisher *raw, uint32_t id)
{
	const struct tach_descriptor_packet packet = lent_packet(id, LENT_SIZE);
	const int fd = make_lendable(LENT_SIZE);

	raw_send(raw->peer.sock, &packet, sizeof(packet), &fd, 1);
	close(fd);
}

static void id_0(struct raw_publisher *raw)
{
	announce_as(raw, 0);
	say_frame_in(raw, 0);
}

static void the_id_of_a_segment(struct raw_publisher *raw)
{
	announce_as(raw, 1);
	say_frame_in(raw, 7);
}

static void an_id_twice(struct raw_publisher *raw)
{
	announce_as(raw, 2);
	announce_as(raw, 2);
	say_frame_in(raw, 7);
}

static void a_segment_under_its_id(struct raw_publisher *raw)
{
	announce_as(raw, 2);
	raw_announce(raw, 2, raw->payload.fd);
	say_frame_in(raw, 7);
}

static void a_short_packet(struct raw_publisher *raw)
{
	const struct tach_descriptor_packet packet = lent_packet(2, LENT_SIZE);
	const int fd = make_lendable(LENT_SIZE);

	announce(raw, &packet, sizeof(packet) - 1, &fd, 1);
}

static void a_long_packet(struct raw_publisher *raw)
{
	const struct tach_descriptor_packet packets[2] = {lent_packet(2, LENT_SIZE)};
	const int fd = make_lendable(LENT_SIZE);

	announce(raw, packets, sizeof(packets[0]) + 8, &fd, 1);
}

static void another_magic(struct raw_publisher *raw)
{
	struct tach_descriptor_packet packet = lent_packet(2, LENT_SIZE);
	const int fd = make_lendable(LENT_SIZE);

	packet.magic++;
	announce(raw, &packet, sizeof(packet), &fd, 1);
}

static void one_too_many(struct raw_publisher *raw)
{
	struct tachyon_item item;
	uint32_t type;
	char body[sizeof(struct tach_wire_ref)];

	for (uint32_t i = 0; i < 1025; i++) {
		announce_as(raw, 2 + i);
		/* Read before the socket is full. */
		say_frame_in(raw, 2 + i);
		if (tachyon_subscriber_receive(raw->subscriber, &item, 0) != 0) {
			CHECK_EQ(i, 1024);
			return;
		}
		tachyon_frame_release(&item.frame);
		CHECK_EQ(raw_hear(&raw->peer, &type, body, sizeof(body)), sizeof(body));
	}
	CHECK(!"1025 were taken");
}

/* --- what it says about an honest one, of LENT_SIZE bytes, as 2 --- */

#define LENT_LIE(name, statement)                            \
	static void name(struct raw_publisher *raw)          \
	{                                                    \
		struct tach_wire_frame frame = raw_frame(0); \
                                                             \
		announce_as(raw, 2);                         \
		frame.segment = 2;                           \
		statement;                                   \
		raw_say_frame(raw, &frame);                  \
	}

LENT_LIE(frame_of_block_1, frame.block = 1)
LENT_LIE(frame_of_last_block, frame.block = UINT16_MAX)
LENT_LIE(frame_longer_than_it, frame.size = LENT_SIZE + 1)
LENT_LIE(frame_beyond_it, frame.offset = LENT_SIZE - 999)
LENT_LIE(frame_far_beyond_it, frame.offset = UINT32_MAX - 999)
LENT_LIE(empty_frame_beyond_it, frame.offset = LENT_SIZE + 1; frame.size = 0)
LENT_LIE(frame_of_one_not_announced, frame.segment = 3)

static void frame_after_its_retirement(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = 2};

	announce_as(raw, 2);
	raw_say(&raw->peer, TACH_WIRE_RETIRE, &ref, sizeof(ref));
	say_frame_in(raw, 2);
}

/* Bodies and metadata are the subscriber's to read: never in somebody's memory. */
static void a_body_in_it(struct raw_publisher *raw)
{
	const struct tach_wire_ref ref = {.segment = 2, .size = 10, .type = TACH_WIRE_CAPS};

	announce_as(raw, 2);
	raw_say(&raw->peer, TACH_WIRE_OUTLINE, &ref, sizeof(ref));
}

static void metadata_in_it(struct raw_publisher *raw)
{
	struct {
		struct tach_wire_frame frame;
		struct tach_wire_record record;
		struct tach_wire_ref ref;
	} body = {
		.frame = raw_frame(1),
		.record = {.type = TACH_RECORD_OUTLINE, .size = sizeof(body.ref)},
		.ref = {.segment = 2, .size = 100},
	};

	announce_as(raw, 2);
	raw_say(&raw->peer, TACH_WIRE_FRAME, &body, sizeof(body));
}

static const struct raw_lie lies[] = {
	{"a pipe", a_pipe},
	{"a socket", a_socket},
	{"a file on a disk", a_file_on_a_disk},
	{"a directory", a_directory},
	{"a device", a_device},
	{"a path", a_path},
	{"a file that can shrink", a_file_that_can_shrink},
	{"a file with other seals", a_file_with_other_seals},
	{"a file that is too short", a_file_that_is_too_short},
	{"a file of 2^64", a_file_of_2_to_64},
	{"an empty file", an_empty_file},
	{"no size", no_size},
	{"no descriptor", no_descriptor},
	{"two descriptors", two_descriptors},
	{"id 0", id_0},
	{"the id of a segment", the_id_of_a_segment},
	{"an id twice", an_id_twice},
	{"a segment under its id", a_segment_under_its_id},
	{"a short packet", a_short_packet},
	{"a long packet", a_long_packet},
	{"another magic", another_magic},
	{"one too many", one_too_many},
	{"frame of block 1", frame_of_block_1},
	{"frame of last block", frame_of_last_block},
	{"frame longer than it", frame_longer_than_it},
	{"frame beyond it", frame_beyond_it},
	{"frame far beyond it", frame_far_beyond_it},
	{"empty frame beyond it", empty_frame_beyond_it},
	{"frame of one not announced", frame_of_one_not_announced},
	{"frame after its retirement", frame_after_its_retirement},
	{"a body in it", a_body_in_it},
	{"metadata in it", metadata_in_it},
};

HOSTILE_TEST(a_publisher_that_lies_about_lent_memory_is_found_out)
{
	const struct tachyon_subscriber_options options = lent_options();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		const int fds = count_fds();
		struct raw_publisher raw = make_raw_publisher(&options);
		struct tachyon_frame held = raw_publisher_begin(&raw);

		lies[i].tell(&raw);
		raw_check_corrupt(&raw, lies[i].what);
		CHECK(is_number(&held, 0));
		tachyon_frame_release(&held);
		raw_publisher_close(&raw);
		if (count_fds() != fds)
			test_fail(__FILE__, __LINE__, "%s: a descriptor is left", lies[i].what);
	}
}

HOSTILE_TEST(a_descriptor_that_was_not_asked_for_is_a_lie)
{
	struct raw_publisher raw = make_raw_publisher(NULL);
	struct tachyon_frame held = raw_publisher_begin(&raw);

	announce_as(&raw, 2);
	say_frame_in(&raw, 2);
	raw_check_corrupt(&raw, "not asked for");
	tachyon_frame_release(&held);
	raw_publisher_close(&raw);
}

HOSTILE_TEST(what_is_held_of_a_liar_stays_open)
{
	const struct tachyon_subscriber_options options = lent_options();
	struct raw_publisher raw = make_raw_publisher(&options);
	struct tach_wire_frame frame = raw_frame(0);
	struct tachyon_frame held;

	announce_as(&raw, 2);
	say_frame_in(&raw, 2);
	held = expect_lent(raw.subscriber, 0);
	frame.segment = 2;
	frame.size = LENT_SIZE + 1;
	raw_say_frame(&raw, &frame);
	raw_check_corrupt(&raw, "longer than it");
	CHECK(is_same_file(place_of(&held).fd, place_of(&held).fd));
	CHECK_EQ(tachyon_frame_is_valid(&held), 0);
	raw_publisher_close(&raw);
	CHECK(is_same_file(place_of(&held).fd, place_of(&held).fd));
	tachyon_frame_release(&held);
}

/* --- a subscriber that lies about what it returns --- */

struct lender {
	struct tachyon_publisher *publisher;
	struct tachyon_block *block;
	struct raw_peer liar;
	struct tach_wire_ref held; /* of the one frame that it was sent */
	int cookie;
};

static struct lender make_lender(void)
{
	struct lender lender = {.publisher = make_publisher(NULL)};
	struct tach_wire_frame frame;
	struct tach_hello hello;
	uint32_t type;

	lender.block = lend_new(lender.publisher);
	lender.liar = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, 65536);
	hello = raw_hello(&lender.liar.offer, TACH_PACKET_HELLO);
	raw_send_hello(lender.liar.sock, &lender.liar.offer, &hello);
	while (tachyon_publisher_subscribers(lender.publisher) < 1)
		serve(lender.publisher, 1);
	raw_peer_attach(&lender.liar, TACH_PACKET_WELCOME);
	CHECK_EQ(publish_lent(lender.publisher, lender.block, 0, &lender.cookie), 1);
	CHECK_EQ(raw_hear(&lender.liar, &type, &frame, sizeof(frame)), sizeof(frame));
	CHECK_EQ(type, TACH_WIRE_FRAME);
	CHECK_EQ(frame.block, 0);
	lender.held =
		(struct tach_wire_ref){.segment = frame.segment, .generation = frame.generation};
	return lender;
}

/* The liar is dropped, and what it had is the producer's again. */
static void check_dropped(struct lender *lender, const char *lie)
{
	CHECK_EQ(tachyon_publisher_dispatch(lender->publisher), 0);
	if (tachyon_publisher_subscribers(lender->publisher) != 0)
		test_fail(__FILE__, __LINE__, "%s: not noticed", lie);
	CHECK(tachyon_publisher_reclaim(lender->publisher) != NULL);
	raw_peer_close(&lender->liar);
	tachyon_publisher_destroy(lender->publisher);
}

#define RETURN_LIE(sentence, kind, statement)                   \
	HOSTILE_TEST(sentence)                                  \
	{                                                       \
		struct lender lender = make_lender();           \
		struct tach_wire_ref ref = lender.held;         \
                                                                \
		statement;                                      \
		raw_say(&lender.liar, kind, &ref, sizeof(ref)); \
		check_dropped(&lender, #sentence);              \
	}

RETURN_LIE(another_generation_is_returned, TACH_WIRE_RETURN, ref.generation++)
RETURN_LIE(another_block_is_returned, TACH_WIRE_RETURN, ref.block = 1)
RETURN_LIE(a_frame_is_returned_twice, TACH_WIRE_RETURN,
	   raw_say(&lender.liar, TACH_WIRE_RETURN, &ref, sizeof(ref)))
RETURN_LIE(what_it_still_holds_is_forgotten, TACH_WIRE_RETIRED, ref.generation = 0)
RETURN_LIE(what_it_was_not_asked_for_is_forgotten, TACH_WIRE_RETIRED, ref.generation = 0;
	   raw_say(&lender.liar, TACH_WIRE_RETURN, &lender.held, sizeof(lender.held)))

HOSTILE_TEST(who_says_nothing_of_descriptors_is_sent_none)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_block *const block = lend_new(publisher);
	struct raw_peer peer = raw_peer_begin(raw_connect(ADDRESS), TACH_SERVICE_FRAMES, 65536);
	struct tach_hello hello;

	peer.offer.features = 0;
	hello = raw_hello(&peer.offer, TACH_PACKET_HELLO);
	raw_send_hello(peer.sock, &peer.offer, &hello);
	while (tachyon_publisher_subscribers(publisher) < 1)
		serve(publisher, 1);
	raw_peer_attach(&peer, TACH_PACKET_WELCOME);
	CHECK_EQ(publish_lent(publisher, block, 0, NULL), 0);
	CHECK(!raw_wait_readable(peer.sock, 0));
	CHECK(!tach_ring_is_ready(&peer.receiver));
	raw_peer_close(&peer);
	tachyon_publisher_destroy(publisher);
}

HOSTILE_TEST(retirements_that_nobody_answers_are_few)
{
	struct lender lender = make_lender();
	uint32_t type, asked = 0;
	char body[64];
	ssize_t size;

	raw_say(&lender.liar, TACH_WIRE_RETURN, &lender.held, sizeof(lender.held));
	for (uint64_t i = 1; i < 100; i++) {
		struct tachyon_block *const block = lend_new(lender.publisher);
		struct tach_wire_ref ref;
		struct tach_wire_frame frame;

		CHECK_EQ(publish_lent(lender.publisher, block, i, NULL), 1);
		do {
			size = raw_hear(&lender.liar, &type, &frame, sizeof(frame));
			CHECK(size > 0);
			asked += type == TACH_WIRE_RETIRE;
		} while (type != TACH_WIRE_FRAME);
		ref = (struct tach_wire_ref){.segment = frame.segment,
					     .generation = frame.generation};
		raw_say(&lender.liar, TACH_WIRE_RETURN, &ref, sizeof(ref));
		tachyon_publisher_take_back(lender.publisher, block);
	}
	CHECK_EQ(tachyon_publisher_set_caps(lender.publisher, "a/b"), 0);
	while (tach_ring_is_ready(&lender.liar.receiver)) {
		CHECK(raw_hear(&lender.liar, &type, body, sizeof(body)) > 0);
		asked += type == TACH_WIRE_RETIRE;
	}
	CHECK_EQ(asked, TACH_RETIRES_MAX);
	CHECK_EQ(tachyon_publisher_subscribers(lender.publisher), 1);
	raw_peer_close(&lender.liar);
	tachyon_publisher_destroy(lender.publisher);
}
