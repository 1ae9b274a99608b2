/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The victim is a publisher, with an honest subscriber that gets every frame, whole and in order,
 * whatever the peer, another subscriber, does. Both stay from input to input: so the peer's coming
 * is most of what an input costs. When it has gone nothing of it is left: no block, no cookie, no
 * descriptor.
 */
#include "fuzz-peer.h"
#include "os.h"

#include "fuzz-honest.h"

#define STEPS_MAX 100
#define CONNECTS_MAX 2
#define SUBSCRIBERS_MAX 4u
/* Of all that is sent in so many steps. */
#define HELD_MAX (4 * STEPS_MAX)
/* Notices of one input, at the most: what a publisher keeps. */
#define NOTICES_MAX 4096
/* What is held back fits into a ring: who reads nothing meanwhile is not to blame. */
#define CORKED_STEPS 2

static struct {
	struct tachyon_publisher *publisher;
	struct fuzz_honest honest;
	struct tachyon_block *lent; /* of this input */
	unsigned int cookies;	    /* given and not reclaimed */
	unsigned int corks;
	bool may_cork;
	unsigned int corked_steps;
	struct tach_wire_ref told[4]; /* what the peer was last sent */
	unsigned int told_count;
} world;

/* Once. */
static void create_publisher(void)
{
	const struct tachyon_publisher_options options = {
		.size = sizeof(options),
		.ring_size = FUZZ_RING_SIZE,
		.max_subscribers = SUBSCRIBERS_MAX,
		.max_bytes = 256u << 10,
	};

	FUZZ_CHECK(tachyon_publisher_create(NULL, &options, &world.publisher) == 0);
	FUZZ_CHECK(tachyon_publisher_configure(world.publisher, FUZZ_BLOCK_SIZE, 16) == 0);
	fuzz_honest_join(&world.honest, world.publisher);
}

void fuzz_publisher_fini(void)
{
	tach_connection_close(world.honest.connection);
	tachyon_publisher_destroy(world.publisher);
	world.honest.connection = NULL;
	world.publisher = NULL;
}

/* --- the peer --- */

static void connect_peer(struct fuzz_peer *peer)
{
	int ends[2];

	fuzz_connect(ends);
	fuzz_peer_init(peer, TACH_SERVICE_FRAMES);
	FUZZ_CHECK(tachyon_publisher_adopt(world.publisher, ends[1]) == 0);
	tach_os_close(ends[1]);
	fuzz_peer_greet(peer, ends[0], TACH_PACKET_HELLO);
	FUZZ_CHECK(tachyon_publisher_dispatch(world.publisher) == 0);
	FUZZ_CHECK(fuzz_peer_attach(peer, TACH_PACKET_WELCOME));
	world.told_count = 0;
}

/* Takes a message; frames and outlines are remembered, to be returned. */
static void hear(struct fuzz_peer *peer)
{
	uint8_t body[sizeof(struct tach_wire_frame)] = {0};
	struct tach_wire_frame frame;
	struct tach_wire_ref ref;
	uint32_t type;

	if (!fuzz_peer_hear(peer, &type, body, sizeof(body)))
		return;
	memcpy(&frame, body, sizeof(frame));
	memcpy(&ref, body, sizeof(ref));
	if (type == TACH_WIRE_FRAME)
		ref = (struct tach_wire_ref){.segment = frame.segment,
					     .block = frame.block,
					     .generation = frame.generation};
	else if (type != TACH_WIRE_OUTLINE && type != TACH_WIRE_RETIRE)
		return;
	world.told[world.told_count++ % 4] = ref;
}

static void say_ref(struct fuzz_peer *peer, struct fuzz_input *input, uint32_t type)
{
	struct tach_wire_ref ref = world.told[fuzz_below(input, 4)];
	size_t size = sizeof(ref);

	ref.offset = ref.size = ref.type = 0;
	ref = fuzz_lie_about_ref(input, ref);
	if (fuzz_u8(input) > 250)
		size = fuzz_below(input, sizeof(ref));
	fuzz_peer_say(peer, input, type, &ref, size);
}

static void say_event(struct fuzz_peer *peer, struct fuzz_input *input)
{
	const uint8_t size = fuzz_u8(input);
	struct tach_wire_event head = {.type = 9, .size = size};
	uint8_t body[sizeof(head) + 256] = {0};

	if (fuzz_u8(input) > 240)
		head.size = (uint32_t)fuzz_number(input, head.size);
	memcpy(body, &head, sizeof(head));
	fuzz_peer_say(peer, input, TACH_WIRE_UP_EVENT, body, sizeof(head) + size);
}

static void say_other(struct fuzz_peer *peer, struct fuzz_input *input)
{
	static const uint32_t types[] = {TACH_WIRE_NEED, TACH_WIRE_NEED, TACH_WIRE_FRAME, 77};
	const uint32_t type = types[fuzz_below(input, 4)];
	uint8_t body[256];
	size_t size = 4;

	if (type != TACH_WIRE_NEED || fuzz_u8(input) > 240)
		size = fuzz_u8(input);
	fuzz_bytes(input, body, size);
	fuzz_peer_say(peer, input, type, body, size);
}

static void act(struct fuzz_peer *peer, struct fuzz_input *input, unsigned int *connects)
{
	const uint8_t what = fuzz_below(input, 16);

	if (peer->sock < 0) {
		if ((*connects)++ < CONNECTS_MAX)
			connect_peer(peer);
		return;
	}
	switch (what) {
	case 0:
	case 1:
	case 2:
		hear(peer);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		say_ref(peer, input, TACH_WIRE_RETURN);
		break;
	case 7:
		say_ref(peer, input, TACH_WIRE_RETIRED);
		break;
	case 8:
		say_event(peer, input);
		break;
	case 9:
		say_other(peer, input);
		break;
	case 10:
	case 11:
		fuzz_peer_send_packet(peer, input);
		break;
	case 12:
		fuzz_peer_ring(peer, input);
		break;
	case 13:
		if (fuzz_u8(input) > 200)
			fuzz_peer_leave(peer);
		break;
	default:
		fuzz_peer_scribble(peer, input);
		break;
	}
}

/* --- the victim --- */

static void note_published(int ret, uint64_t number, size_t size, bool has_cookie)
{
	FUZZ_CHECK(ret >= 1 || ret == TACHYON_ERR_AGAIN);
	if (ret < 1)
		return;
	fuzz_honest_expect(&world.honest, number, size);
	if (has_cookie)
		world.cookies++;
}

static void add_records(struct fuzz_input *input, struct tachyon_frame *frame, uint8_t *records,
			size_t capacity)
{
	static const uint8_t content[2048];
	const size_t size = fuzz_u8(input) * 8u;
	size_t used = 0;

	FUZZ_CHECK(tachyon_record_append(records, capacity, &used, 70, content, size) == 0);
	frame->metadata = records;
	frame->metadata_size = used;
}

static void publish(struct fuzz_input *input)
{
	const uint8_t how = fuzz_u8(input);
	const uint64_t number = ++world.honest.numbers;
	const size_t size = how & 1 ? 8 : FUZZ_BLOCK_SIZE + (how & 2 ? 8 : 0);
	_Alignas(8) uint8_t records[4096];
	struct tachyon_frame frame;
	int ret = tachyon_publisher_acquire(world.publisher, size, &frame);

	FUZZ_CHECK(ret == 0 || ret == TACHYON_ERR_AGAIN);
	if (ret < 0)
		return;
	fuzz_honest_fill(frame.data, number);
	frame.pts = number;
	if (fuzz_bit(how, 2))
		add_records(input, &frame, records, sizeof(records));
	ret = tachyon_publisher_publish(world.publisher, &frame, fuzz_bit(how, 3) ? &world : NULL);
	note_published(ret, number, size, fuzz_bit(how, 3));
	tachyon_frame_release(&frame);
}

static void send_copy(struct fuzz_input *input)
{
	const uint64_t number = ++world.honest.numbers;
	uint8_t data[300];
	const struct tachyon_frame frame = {
		.data = data, .size = 8 + fuzz_u8(input), .pts = number};
	int ret;

	memset(data, 0, sizeof(data));
	fuzz_honest_fill(data, number);
	ret = tachyon_publisher_send(world.publisher, &frame);
	note_published(ret, number, frame.size, false);
}

static void publish_lent(void)
{
	const uint64_t number = ++world.honest.numbers;
	struct tachyon_frame frame = {.size = 64, .pts = number};
	int ret = 0;

	if (!world.lent)
		ret = tachyon_publisher_lend(world.publisher, fuzz_fds.fd[FUZZ_FD_SHARED],
					     FUZZ_RING_SIZE, &world.lent);
	FUZZ_CHECK(ret == 0);
	frame.block = world.lent;
	ret = tachyon_publisher_publish_lent(world.publisher, &frame, 0, NULL);
	note_published(ret, number, frame.size, false);
}

static void set_state(struct fuzz_input *input)
{
	static const struct tachyon_layout layout = {.width = 4, .height = 4, .plane_count = 1};
	const uint8_t how = fuzz_u8(input);
	const struct tachyon_clock clock = {.base_time = how};
	const struct tachyon_event event = {.type = how & 3, .flags = how >> 2 & 1, .order = how};
	int ret;

	switch (how >> 4 & 7) {
	case 0:
		ret = tachyon_publisher_set_caps(world.publisher, "video/x-raw");
		break;
	case 1:
		ret = tachyon_publisher_set_layout(world.publisher, &layout);
		break;
	case 2:
		ret = tachyon_publisher_set_clock(world.publisher, &clock);
		break;
	case 3:
		ret = tachyon_publisher_send_eos(world.publisher);
		break;
	case 4:
		tachyon_publisher_forget(world.publisher, how);
		ret = 0;
		break;
	case 5:
		ret = tachyon_publisher_send_urgent(world.publisher, 0, &event);
		break;
	default:
		ret = tachyon_publisher_send_event(world.publisher, &event);
		break;
	}
	FUZZ_CHECK(ret >= 0 || ret == TACHYON_ERR_AGAIN || ret == -ENOENT || ret == -ENOTSUP);
}

static void reclaim(void)
{
	void *cookie;

	while ((cookie = tachyon_publisher_reclaim(world.publisher)) != NULL) {
		FUZZ_CHECK(cookie == &world && world.cookies > 0);
		world.cookies--;
	}
}

static void take_notices(void)
{
	struct tachyon_notice notice;
	int count = 0;

	while (tachyon_publisher_next_notice(world.publisher, &notice) == 1) {
		FUZZ_CHECK(notice.subscriber != world.honest.id || count == 0 ||
			   notice.type != TACHYON_NOTICE_LEFT);
		FUZZ_CHECK(notice.event.size <= TACH_WIRE_UP_EVENT_MAX);
		FUZZ_CHECK(count++ < NOTICES_MAX);
	}
}

static void uncork(void)
{
	while (world.corks > 0) {
		tachyon_publisher_uncork(world.publisher);
		world.corks--;
	}
	world.corked_steps = 0;
}

static void go_on(struct fuzz_input *input)
{
	struct tachyon_client_stats stats = {.size = sizeof(stats)};
	int ret;

	switch (fuzz_below(input, 8)) {
	case 0:
	case 1:
		FUZZ_CHECK(tachyon_publisher_dispatch(world.publisher) == 0);
		break;
	case 2:
		reclaim();
		break;
	case 3:
		take_notices();
		break;
	case 4:
		/* Behind a cork the honest one lags, too: not where few frames may wait. */
		if (world.may_cork) {
			tachyon_publisher_cork(world.publisher);
			world.corks++;
		}
		break;
	case 5:
		uncork();
		break;
	case 6:
		ret = tachyon_publisher_prepare(world.publisher);
		FUZZ_CHECK(ret == 0 || ret == 1);
		break;
	default:
		ret = tachyon_publisher_get_client_stats(world.publisher, fuzz_below(input, 4),
							 &stats);
		FUZZ_CHECK(ret == 0 || ret == -ENOENT);
		break;
	}
}

/* Nobody has more than there is, nor less than nothing. */
static void check_clients(void)
{
	for (uint32_t i = 0; i < SUBSCRIBERS_MAX; i++) {
		struct tachyon_client_stats stats = {.size = sizeof(stats)};

		if (tachyon_publisher_get_client_stats(world.publisher, i, &stats) == 0)
			FUZZ_CHECK(stats.held <= HELD_MAX && stats.queued <= HELD_MAX);
	}
}

/* --- an input --- */

/* Nothing of the peer is left, and the honest one has all that was its. */
static void check_end(void)
{
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	uncork();
	FUZZ_CHECK(tachyon_publisher_dispatch(world.publisher) == 0);
	tachyon_publisher_take_back(world.publisher, world.lent);
	world.lent = NULL;
	fuzz_honest_receive(&world.honest);
	fuzz_honest_release(&world.honest);
	FUZZ_CHECK(fuzz_honest_has_all(&world.honest));
	FUZZ_CHECK(tachyon_publisher_dispatch(world.publisher) == 0);
	FUZZ_CHECK(tachyon_publisher_subscribers(world.publisher) == 1);
	reclaim();
	FUZZ_CHECK(world.cookies == 0);
	tachyon_publisher_get_stats(world.publisher, &stats);
	FUZZ_CHECK(stats.blocks_free == stats.blocks && stats.queued == 0);
	take_notices();
	tachyon_publisher_forget(world.publisher, 0);
}

void fuzz_publisher(struct fuzz_input *input)
{
	struct fuzz_peer peer = {.sock = -1};
	unsigned int connects = 0;
	const uint8_t how = fuzz_u8(input);

	if (!world.publisher)
		create_publisher();
	world.may_cork = fuzz_bit(how, 7);
	FUZZ_CHECK(tachyon_publisher_set_policy(world.publisher, how % 3u,
						world.may_cork ? 0 : 1 + (how >> 4)) == 0);
	for (int steps = 0; input->left > 0 && steps < STEPS_MAX; steps++) {
		switch (fuzz_below(input, 12)) {
		case 0:
		case 1:
			publish(input);
			break;
		case 2:
			send_copy(input);
			break;
		case 3:
			set_state(input);
			break;
		case 4:
			go_on(input);
			break;
		case 5:
			if (fuzz_u8(input) > 128)
				publish_lent();
			else
				fuzz_honest_release(&world.honest);
			break;
		default:
			act(&peer, input, &connects);
			break;
		}
		if (world.corks > 0 && world.corked_steps++ == CORKED_STEPS)
			uncork();
		fuzz_honest_receive(&world.honest);
	}
	check_clients();
	fuzz_peer_leave(&peer);
	check_end();
}
