/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus whose peer lies in its ring and its header, rings like mad, or plays with its
 * descriptors: a code for the victim, and nothing for the victim's other bus.
 */
#include "bus.h"

#include <sys/mman.h>

#include "honest.h"
#include "raw-peer.h"
#include "system.h"

#define RING 4096u

/* A victim with an honest bus beside the one that a raw peer holds. */
struct scene {
	struct pair honest;
	struct tachyon_bus *victim;
	struct raw_peer liar;
};

static int connect_victim(void *argument)
{
	const struct tachyon_bus_options options = bus_options(RING, 1);
	struct tachyon_bus **const bus = argument;

	return tachyon_bus_connect("liar", &options, bus);
}

static struct scene make_scene(void)
{
	const int listener = tach_sock_listen("liar");
	struct scene scene = {.honest = make_pair(RING)};
	struct helper helper;

	start_helper(&helper, connect_victim, &scene.victim);
	scene.liar = raw_peer_accept(listener, TACH_SERVICE_BUS, RING);
	CHECK_EQ(finish_helper(&helper), 0);
	close(listener);
	unlink("liar");
	return scene;
}

static void close_scene(struct scene *scene)
{
	/* The other bus noticed nothing. */
	CHECK_EQ(say(scene->honest.left, "ping"), 0);
	CHECK_STR_EQ(hear_within(scene->honest.right, LONG_NS), "ping");
	CHECK_EQ(say(scene->honest.right, "pong"), 0);
	CHECK_STR_EQ(hear_within(scene->honest.left, LONG_NS), "pong");
	CHECK_EQ(tachyon_bus_end(scene->honest.left), TACHYON_END_NONE);
	close_pair(&scene->honest);
	tachyon_bus_destroy(scene->victim);
	raw_peer_close(&scene->liar);
}

/* The victim found out, and stays with it. */
static void check_poisoned(struct scene *scene, const char *lie)
{
	struct tachyon_message message;
	void *data;

	if (tachyon_bus_end(scene->victim) != TACHYON_END_CORRUPT)
		test_fail(__FILE__, __LINE__, "%s: not noticed", lie);
	CHECK_EQ(tachyon_bus_receive(scene->victim, &message, 0), TACHYON_ERR_CORRUPT);
	CHECK_EQ(tachyon_bus_receive(scene->victim, &message, -1), TACHYON_ERR_CORRUPT);
	CHECK_EQ(tachyon_bus_reserve(scene->victim, 1, &data, 0), TACHYON_ERR_CORRUPT);
	CHECK_EQ(tachyon_bus_send(scene->victim, "x", 1, 0, -1), TACHYON_ERR_CORRUPT);
}

/* --- messages --- */

struct message_lie {
	const char *what;
	size_t size; /* of the honest message that is changed */
	uint32_t seq_change;
	uint32_t lie_size;
	uint32_t flags;
};

#define NO_CHANGE UINT32_MAX

static const struct message_lie message_lies[] = {
	{"a wrong tag", 10, 1, NO_CHANGE, NO_CHANGE},
	{"the tag of another lap", 10, RING / 64, NO_CHANGE, NO_CHANGE},
	{"a tag with the top bit", 10, 0x80000000u, NO_CHANGE, NO_CHANGE},
	{"more than a cell holds", 10, 0, 49, NO_CHANGE},
	{"a short message of the ring's size", 10, 0, RING, NO_CHANGE},
	{"a short message of 4 GiB", 10, 0, UINT32_MAX - 1, NO_CHANGE},
	{"more than the ring holds", 100, 0, RING - 127, NO_CHANGE},
	{"a long message of 4 GiB", 100, 0, UINT32_MAX - 1, NO_CHANGE},
	{"a size that overflows when rounded up", 100, 0, UINT32_MAX - 32, NO_CHANGE},
	{"an unknown flag", 10, 0, NO_CHANGE, 2},
	{"all flags", 10, 0, NO_CHANGE, 0xfffffffe},
	{"an unknown flag of a long message", 100, 0, NO_CHANGE, 1 | 0x80000000u},
};

static void tell_lie(struct raw_peer *liar, const struct message_lie *lie)
{
	static const uint8_t body[256];
	struct tach_segment *const own = &liar->offer.segment;
	struct tach_message_header *place =
		(struct tach_message_header *)(own->data + liar->sender.sent % own->data_size);
	void *data;

	CHECK_EQ(tach_ring_reserve(&liar->sender, lie->size, &data), 0);
	memcpy(data, body, lie->size);
	CHECK_EQ(tach_ring_commit(&liar->sender, lie->size, 0), 0);
	if (lie->lie_size != NO_CHANGE)
		place->size = lie->lie_size;
	if (lie->flags != NO_CHANGE)
		place->flags = lie->flags;
	tach_ring_flush(&liar->sender);
	atomic_fetch_add(&place->seq, lie->seq_change);
	raw_ring_bells(liar);
}

HOSTILE_TEST(a_message_that_lies_is_corrupt_at_once_or_after_others)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(message_lies); i++) {
		for (int honest = 0; honest <= 130; honest += 65) {
			struct scene scene = make_scene();
			struct tachyon_message message;

			for (int j = 0; j < honest; j++) {
				raw_say(&scene.liar, 0, "text", 5);
				CHECK_STR_EQ(hear(scene.victim), "text");
			}
			tell_lie(&scene.liar, &message_lies[i]);
			CHECK_EQ(tachyon_bus_receive(scene.victim, &message, 0),
				 TACHYON_ERR_CORRUPT);
			check_poisoned(&scene, message_lies[i].what);
			close_scene(&scene);
		}
	}
}

static int hear_corruption(void *bus)
{
	return strcmp(hear_within(bus, -1), "EBADMSG");
}

HOSTILE_TEST(a_lie_wakes_a_sleeper)
{
	struct scene scene = make_scene();
	struct helper helper;

	start_helper(&helper, hear_corruption, scene.victim);
	EVENTUALLY(stats_of(scene.victim).sleeps > 0);
	tell_lie(&scene.liar, &message_lies[0]);
	CHECK_EQ(finish_helper(&helper), 0);
	check_poisoned(&scene, "a lie to a sleeper");
	close_scene(&scene);
}

HOSTILE_TEST(a_lie_behind_honest_messages_does_not_cost_them)
{
	struct scene scene = make_scene();
	struct tachyon_message messages[4];

	raw_say(&scene.liar, 1, "one", 4);
	raw_say(&scene.liar, 2, "two", 4);
	tell_lie(&scene.liar, &message_lies[0]);
	CHECK_EQ(tachyon_bus_receive_batch(scene.victim, messages, 4, 0), 2);
	CHECK_STR_EQ(messages[1].data, "two");
	CHECK_EQ(tachyon_bus_receive_batch(scene.victim, messages, 4, 0), TACHYON_ERR_CORRUPT);
	close_scene(&scene);
}

/* Each size is legal, but not behind what the victim has not released. */
HOSTILE_TEST(a_message_that_reaches_into_what_is_still_held_is_corrupt)
{
	static const uint32_t sizes[] = {RING - 128, RING - 128 - 192, RING - 128 - 191 + 63};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		struct scene scene = make_scene();
		const bool is_fine = sizes[i] <= RING - 128 - 192;
		struct tach_message_header *place;
		struct tachyon_message held, message;
		char text[100] = "held";

		raw_put(&scene.liar, 1, text, sizeof(text), NULL);
		CHECK_EQ(tachyon_bus_receive(scene.victim, &held, 0), 0);
		raw_put(&scene.liar, 2, text, sizeof(text), &place);
		place->size = sizes[i];
		CHECK_EQ(tachyon_bus_receive(scene.victim, &message, 0),
			 is_fine ? 0 : TACHYON_ERR_CORRUPT);
		CHECK_STR_EQ(held.data, "held");
		if (!is_fine)
			check_poisoned(&scene, "a size");
		close_scene(&scene);
	}
}

/* A message that changes after it was received must not change what is done with it. */
HOSTILE_TEST(a_header_that_changes_after_it_was_read_has_no_effect)
{
	struct scene scene = make_scene();
	struct tach_message_header *place;
	struct tachyon_message message;

	raw_put(&scene.liar, 1, "one", 4, &place);
	raw_say(&scene.liar, 2, "two", 4);
	CHECK_EQ(tachyon_bus_receive(scene.victim, &message, 0), 0);
	place->size = UINT32_MAX;
	place->flags = UINT32_MAX;
	atomic_store(&place->seq, 12345);
	CHECK_EQ(message.size, 4);
	CHECK_EQ(tachyon_bus_release(scene.victim, &message), 0);
	CHECK_STR_EQ(hear(scene.victim), "two");
	CHECK_EQ(tachyon_bus_end(scene.victim), TACHYON_END_NONE);
	close_scene(&scene);
}

/* --- the head: what the peer says that it has read of ours --- */

HOSTILE_TEST(a_head_that_lies_is_corrupt)
{
	/* Of 1000 sent bytes 320 are read: what comes after that. */
	static const uint64_t heads[] = {
		1,	    319,       321, 256, 0, 64 * 16, 64 * 1000, UINT64_MAX, UINT64_MAX - 63,
		1ull << 63, 1ull << 32};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(heads); i++) {
		struct scene scene = make_scene();
		_Atomic uint64_t *const head = &scene.liar.offer.segment.header->head;
		int ret = 0;

		for (int j = 0; j < 15; j++)
			CHECK_EQ(say(scene.victim, "text"), 0);
		atomic_store(head, 320);
		/* It looks only when it believes itself full. */
		while ((ret = say(scene.victim, "text")) == 0)
			;
		CHECK_EQ(ret, TACHYON_ERR_AGAIN);
		CHECK_EQ(stats_of(scene.victim).messages_sent, 63 + 5);

		atomic_store(head, heads[i] == 64 * 16 ? 64 * (63 + 6) : heads[i]);
		CHECK_EQ(say(scene.victim, "text"), TACHYON_ERR_CORRUPT);
		check_poisoned(&scene, "a head");
		close_scene(&scene);
	}
}

static int send_into_full_ring(void *bus)
{
	int ret;

	do {
		ret = tachyon_bus_send(bus, "x", 1, 0, -1);
	} while (ret == 0);
	return ret;
}

HOSTILE_TEST(a_head_that_lies_ends_the_sleep_of_a_sender)
{
	struct scene scene = make_scene();
	struct helper helper;

	start_helper(&helper, send_into_full_ring, scene.victim);
	EVENTUALLY(stats_of(scene.victim).sleeps > 0);
	atomic_store(&scene.liar.offer.segment.header->head, 12345);
	raw_ring_bells(&scene.liar);
	CHECK_EQ(finish_helper(&helper), TACHYON_ERR_CORRUPT);
	close_scene(&scene);
}

/* --- other words of the header --- */

HOSTILE_TEST(wait_words_of_any_value_harm_nobody)
{
	static const uint32_t words[] = {1, 2, 3, 0x7fffffff, 0x80000000u, 0xffffffff, 0xfffffffe};
	struct scene scene = make_scene();
	struct tach_segment_header *const header = scene.liar.offer.segment.header;

	for (int round = 0; round < 2000; round++) {
		const uint32_t word = words[round % TACH_ARRAY_SIZE(words)];
		uint32_t type;
		char text[64];

		atomic_store(&header->wait_data, word + (uint32_t)round);
		atomic_store(&header->wait_space, word - (uint32_t)round);
		CHECK_EQ(say(scene.victim, "text"), 0);
		CHECK_EQ(raw_hear(&scene.liar, &type, text, sizeof(text)), 5);
		raw_say(&scene.liar, 0, "text", 5);
		CHECK_STR_EQ(hear(scene.victim), "text");
	}
	CHECK_EQ(tachyon_bus_end(scene.victim), TACHYON_END_NONE);
	close_scene(&scene);
}

HOSTILE_TEST(a_state_that_makes_no_sense_is_no_end)
{
	static const uint32_t states[] = {TACH_STATE_DRAINING, 3, 0xffffffff, 0x80000000u};
	struct scene scene = make_scene();

	for (size_t i = 0; i < TACH_ARRAY_SIZE(states); i++) {
		atomic_store(&scene.liar.offer.segment.header->state, states[i]);
		raw_say(&scene.liar, 0, "text", 5);
		CHECK_STR_EQ(hear_within(scene.victim, LONG_NS), "text");
		CHECK_STR_EQ(hear_within(scene.victim, MS), "ETIMEDOUT");
	}
	close_scene(&scene);
}

HOSTILE_TEST(a_state_that_says_closed_is_an_end_after_what_was_sent)
{
	struct scene scene = make_scene();

	raw_say(&scene.liar, 0, "text", 5);
	atomic_store(&scene.liar.offer.segment.header->state, TACH_STATE_CLOSED);
	tach_sock_shutdown(scene.liar.sock);
	raw_ring_bells(&scene.liar);
	CHECK_STR_EQ(hear_within(scene.victim, LONG_NS), "text");
	CHECK_STR_EQ(hear_within(scene.victim, LONG_NS), "EPIPE");
	CHECK_EQ(tachyon_bus_end(scene.victim), TACHYON_END_CLOSED);
	close_scene(&scene);
}

HOSTILE_TEST(what_was_checked_in_the_handshake_may_change_without_effect)
{
	struct scene scene = make_scene();
	struct tach_segment_header *const header = scene.liar.offer.segment.header;

	header->magic = 0;
	header->protocol = 99;
	header->kind = TACH_SEGMENT_PAYLOAD;
	header->size = header->data_size = header->data_offset = UINT64_MAX;
	header->block_count = UINT32_MAX;
	header->block_size = UINT64_MAX;
	atomic_store(&header->messages, UINT64_MAX);
	for (int i = 0; i < 200; i++) {
		raw_say(&scene.liar, 0, "text", 5);
		CHECK_STR_EQ(hear(scene.victim), "text");
	}
	(void)stats_of(scene.victim);
	CHECK_EQ(tachyon_bus_end(scene.victim), TACHYON_END_NONE);
	close_scene(&scene);
}

/* --- descriptors --- */

static int64_t cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

HOSTILE_TEST(a_bell_that_hangs_up_or_a_peer_that_leaves_is_the_end)
{
	struct scene scene = make_scene();

	tach_os_close(scene.liar.guest.data_bell);
	tach_os_close(scene.liar.guest.space_bell);
	scene.liar.guest.data_bell = scene.liar.guest.space_bell = -1;
	/* A victim that could not be woken any more need not wait, but must not spin. */
	CHECK(tachyon_bus_receive(scene.victim, &(struct tachyon_message){0}, 50 * MS) < 0);
	close_scene(&scene);
}

struct storm {
	struct raw_peer *liar;
	_Atomic bool is_over;
};

static int ring_like_mad(void *argument)
{
	struct storm *const storm = argument;

	while (!storm->is_over)
		raw_ring_bells(storm->liar);
	return 0;
}

HOSTILE_TEST(bells_that_ring_all_the_time_do_not_stop_a_timeout_or_a_cancel)
{
	struct scene scene = make_scene();
	struct storm storm = {.liar = &scene.liar};
	const uint64_t start = tach_os_now_ns();
	struct helper helper;

	start_helper(&helper, ring_like_mad, &storm);
	CHECK_STR_EQ(hear_within(scene.victim, 30 * MS), "ETIMEDOUT");
	CHECK(ms_since(start) >= 30 && ms_since(start) < 3000);
	tachyon_bus_cancel(scene.victim);
	CHECK_STR_EQ(hear_within(scene.victim, -1), "ECANCELED");
	tachyon_bus_resume(scene.victim);
	raw_put(&scene.liar, 0, "text", 5, NULL);
	CHECK_STR_EQ(hear_within(scene.victim, LONG_NS), "text");
	storm.is_over = true;
	CHECK_EQ(finish_helper(&helper), 0);
	close_scene(&scene);
}

HOSTILE_TEST(packets_on_the_socket_neither_wake_nor_end_a_bus)
{
	struct scene scene = make_scene();
	int64_t start;

	for (int i = 0; i < 1000; i++) {
		if (send(scene.liar.sock, "nonsense", 8, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	start = cpu_ms();
	CHECK_STR_EQ(hear_within(scene.victim, 300 * MS), "ETIMEDOUT");
	CHECK(cpu_ms() - start < 100);
	raw_say(&scene.liar, 0, "text", 5);
	CHECK_STR_EQ(hear_within(scene.victim, LONG_NS), "text");
	close_scene(&scene);
}

HOSTILE_TEST(a_peer_that_does_not_drain_its_bells_does_not_block_the_victim)
{
	struct scene scene = make_scene();
	struct tach_segment_header *const header = scene.liar.offer.segment.header;
	const uint64_t start = tach_os_now_ns();
	uint32_t type;
	char text[64];

	for (uint32_t i = 0; i < 5000; i++) {
		/* It claims to fall asleep anew before each message. */
		atomic_store(&header->wait_data, i << 1 | 1);
		CHECK_EQ(say(scene.victim, "text"), 0);
		CHECK_EQ(raw_hear(&scene.liar, &type, text, sizeof(text)), 5);
	}
	CHECK(ms_since(start) < 10000);
	close_scene(&scene);
}

HOSTILE_TEST(a_peer_can_neither_write_nor_shrink_nor_unseal_our_segment)
{
	const int listener = tach_sock_listen("liar");
	struct tachyon_bus *victim;
	struct raw_peer liar;
	struct tach_hello hello;
	struct helper helper;
	size_t count = 0;
	int fds[TACH_SOCK_FDS];

	start_helper(&helper, connect_victim, &victim);
	liar = raw_peer_begin(raw_accept(listener), TACH_SERVICE_BUS, RING);
	CHECK(raw_wait_readable(liar.sock, RAW_TIMEOUT_NS));
	CHECK_EQ(tach_sock_receive(liar.sock, &hello, sizeof(hello), fds, &count), sizeof(hello));
	CHECK_EQ(count, 3);
	hello = raw_hello(&liar.offer, TACH_PACKET_WELCOME);
	raw_send_hello(liar.sock, &liar.offer, &hello);
	CHECK_EQ(finish_helper(&helper), 0);

	CHECK(ftruncate(fds[0], 0) < 0);
	CHECK(ftruncate(fds[0], 1 << 20) < 0);
	CHECK(write(fds[0], "x", 1) < 0);
	CHECK(pwrite(fds[0], "x", 1, 5000) < 0);
	CHECK(fallocate(fds[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
	CHECK_EQ(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0), MAP_FAILED);
	CHECK(fcntl(fds[0], F_ADD_SEALS, F_SEAL_WRITE) < 0);
	CHECK_EQ(say(victim, "unharmed"), 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	tachyon_bus_destroy(victim);
	raw_peer_close(&liar);
	close(listener);
	unlink("liar");
}
