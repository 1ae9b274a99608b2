/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that lies to its publisher: it is dropped, its blocks are free, and the honest
 * one beside it misses nothing.
 */
#include <stdlib.h>

#include "honest.h"
#include "raw-subscriber.h"
#include "system.h"

/* --- what it returns --- */

static void return_honestly(struct scene *scene)
{
	put_ref(scene, TACH_WIRE_RETURN, &scene->held);
}

static void return_other_segment(struct scene *scene)
{
	scene->held.segment++;
	return_honestly(scene);
}

static void return_no_segment(struct scene *scene)
{
	scene->held.segment = 0;
	return_honestly(scene);
}

static void return_last_segment(struct scene *scene)
{
	scene->held.segment = UINT32_MAX;
	return_honestly(scene);
}

static void return_block_not_held(struct scene *scene)
{
	scene->held.block += 7;
	return_honestly(scene);
}

static void return_last_block(struct scene *scene)
{
	scene->held.block = UINT16_MAX;
	return_honestly(scene);
}

static void return_other_generation(struct scene *scene)
{
	scene->held.generation++;
	return_honestly(scene);
}

static void return_twice(struct scene *scene)
{
	return_honestly(scene);
	return_honestly(scene);
}

static void return_again_later(struct scene *scene)
{
	return_honestly(scene);
	CHECK_EQ(tachyon_publisher_dispatch(scene->publisher), 0);
	/* The block is used again meanwhile, with another generation. */
	check_honest(scene, 2);
	return_honestly(scene);
}

static void retire_unasked(struct scene *scene)
{
	put_ref(scene, TACH_WIRE_RETIRED, &scene->held);
}

static void retire_nothing(struct scene *scene)
{
	const struct tach_block_ref ref = {.segment = 12345};

	put_ref(scene, TACH_WIRE_RETIRED, &ref);
}

/* --- bodies that are no bodies --- */

static void say_zeros(struct scene *scene, uint32_t type, size_t size)
{
	static const char zeros[RING];

	raw_say(&scene->liar, type, zeros, size);
}

static void return_nothing(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_RETURN, 0);
}

static void return_too_little(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_RETURN, sizeof(struct tach_wire_ref) - 1);
}

static void return_too_much(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_RETURN, sizeof(struct tach_wire_ref) + 1);
}

static void retired_too_little(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_RETIRED, 4);
}

static void need_too_little(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_NEED, 3);
}

static void need_too_much(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_NEED, 5);
}

static void event_too_little(struct scene *scene)
{
	say_zeros(scene, TACH_WIRE_UP_EVENT, sizeof(struct tach_wire_event) - 1);
}

static void say_event(struct scene *scene, uint32_t said, size_t size)
{
	char body[RING] = "";
	const struct tach_wire_event event = {.type = 5, .size = said};

	memcpy(body, &event, sizeof(event));
	raw_say(&scene->liar, TACH_WIRE_UP_EVENT, body, size);
}

static void event_with_less(struct scene *scene)
{
	say_event(scene, 10, sizeof(struct tach_wire_event) + 9);
}

static void event_with_more(struct scene *scene)
{
	say_event(scene, 10, sizeof(struct tach_wire_event) + 11);
}

static void event_of_4_gib(struct scene *scene)
{
	say_event(scene, UINT32_MAX, sizeof(struct tach_wire_event) + 10);
}

/* --- the ring --- */

static void ring_lie(struct scene *scene)
{
	struct tach_message_header *place;

	raw_put(&scene->liar, TACH_WIRE_NEED, "\1\0\0\0", 4, &place);
	place->size = UINT32_MAX;
	raw_ring_bells(&scene->liar);
}

static void tag_lie(struct scene *scene)
{
	struct tach_message_header *place;

	raw_put(&scene->liar, TACH_WIRE_NEED, "\1\0\0\0", 4, &place);
	atomic_fetch_add(&place->seq, 5);
	raw_ring_bells(&scene->liar);
}

static const struct {
	const char *what;
	void (*tell)(struct scene *scene);
} lies[] = {
	{"return of another segment", return_other_segment},
	{"return of segment 0", return_no_segment},
	{"return of the last segment", return_last_segment},
	{"return of a block not held", return_block_not_held},
	{"return of the last block", return_last_block},
	{"return of another generation", return_other_generation},
	{"return twice", return_twice},
	{"return again later", return_again_later},
	{"retired, unasked", retire_unasked},
	{"retired, what was never there", retire_nothing},
	{"an empty return", return_nothing},
	{"a short return", return_too_little},
	{"a long return", return_too_much},
	{"a short retired", retired_too_little},
	{"a short need", need_too_little},
	{"a long need", need_too_much},
	{"a short event", event_too_little},
	{"an event with less than it says", event_with_less},
	{"an event with more than it says", event_with_more},
	{"an event of 4 GiB", event_of_4_gib},
	{"a size in the ring", ring_lie},
	{"a tag in the ring", tag_lie},
};

HOSTILE_TEST(each_lie_costs_the_liar_its_connection_and_nobody_else_anything)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(lies); i++) {
		struct scene scene = make_scene();

		lies[i].tell(&scene);
		check_dropped(&scene, lies[i].what);
		close_scene(&scene);
	}
}

/* It has returned it, and another has it still: of the right generation, and out. */
HOSTILE_TEST(a_return_of_what_only_another_holds_is_corrupt)
{
	struct scene scene = make_scene();
	const uint64_t number = scene.next++;
	struct tachyon_frame held;

	return_honestly(&scene);
	scene.held = hear_frame(&scene.liar);
	return_honestly(&scene);
	CHECK_EQ(publish_number(scene.publisher, PICTURE, number), 2);
	held = expect_frame(scene.honest, PICTURE, number);
	scene.held = hear_frame(&scene.liar);
	return_honestly(&scene);
	CHECK_EQ(blocks_in_use(scene.publisher), 1);
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
	return_honestly(&scene);
	CHECK_EQ(blocks_in_use(scene.publisher), 1);
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 1);
	check_honest(&scene, 1);
	CHECK(is_number(&held, number));
	CHECK_EQ(tachyon_frame_is_valid(&held), 1);
	tachyon_frame_release(&held);
	close_scene(&scene);
}

HOSTILE_TEST(a_message_of_an_unknown_type_is_ignored)
{
	struct scene scene = make_scene();

	say_zeros(&scene, 99, 100);
	say_zeros(&scene, TACH_WIRE_FRAME, 48);
	say_zeros(&scene, UINT32_MAX, 0);
	return_honestly(&scene);
	CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
	CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 2);
	CHECK_EQ(blocks_in_use(scene.publisher), 1);
	close_scene(&scene);
}

HOSTILE_TEST(a_head_that_lies_costs_the_liar_its_connection)
{
	static const uint64_t heads[] = {1, 63, UINT64_MAX, 64 * 500, 1ull << 40, 0};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(heads); i++) {
		struct scene scene = make_scene();

		/* It has seen the head as it was: to go back is a lie, too. */
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
		atomic_store(&scene.liar.offer.segment.header->head, heads[i]);
		CHECK_EQ(publish_number(scene.publisher, PICTURE, scene.next), 1);
		take_frame(scene.honest, PICTURE, scene.next++);
		check_dropped(&scene, "a head");
		close_scene(&scene);
	}
}

HOSTILE_TEST(a_head_that_lies_wakes_a_publisher_that_waits_for_it)
{
	const struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_BLOCK, 2);
	struct scene scene = make_scene();

	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, options.policy, 2), 0);
	while (publish_number(scene.publisher, PICTURE, scene.next) == 2)
		take_frame(scene.honest, PICTURE, scene.next++);
	forget_news(scene.publisher);
	CHECK_EQ(publish_number(scene.publisher, PICTURE, scene.next), TACHYON_ERR_AGAIN);
	atomic_store(&scene.liar.offer.segment.header->head, 12345);
	raw_ring_bells(&scene.liar);
	while (publish_number(scene.publisher, PICTURE, scene.next) == TACHYON_ERR_AGAIN)
		CHECK_EQ(tachyon_publisher_wait(scene.publisher, LONG_NS), 0);
	take_frame(scene.honest, PICTURE, scene.next++);
	check_dropped(&scene, "a head");
	close_scene(&scene);
}

/* --- floods --- */

HOSTILE_TEST(a_flood_of_events_is_bounded_and_starves_nobody)
{
	struct scene scene = make_scene();
	struct tachyon_notice notice;
	char body[sizeof(struct tach_wire_event) + 100] = "";
	const struct tach_wire_event event = {.type = 5, .size = 100};
	uint32_t notices = 0;

	memcpy(body, &event, sizeof(event));
	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, TACHYON_POLICY_DROP, 0), 0);
	for (int i = 0; i < 2000; i++) {
		void *data;

		/* As many as fit; it never returns a frame. */
		while (tach_ring_reserve(&scene.liar.sender, sizeof(body), &data) == 0) {
			memcpy(data, body, sizeof(body));
			CHECK_EQ(tach_ring_commit(&scene.liar.sender, sizeof(body),
						  TACH_WIRE_UP_EVENT),
				 0);
			tach_ring_flush(&scene.liar.sender);
		}
		CHECK(publish_number(scene.publisher, PICTURE, scene.next) >= 1);
		take_frame(scene.honest, PICTURE, scene.next++);
	}
	while (tachyon_publisher_next_notice(scene.publisher, &notice))
		notices += notice.type == TACHYON_NOTICE_EVENT;
	CHECK(notices > 0 && notices <= 256);
	close_scene(&scene);
}

/* However many wait, so many are taken in one turn, and the others have theirs. */
HOSTILE_TEST(very_many_messages_are_taken_in_turns)
{
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const honest = join(publisher);
	struct raw_peer liar = join_raw(publisher, 1 << 20);
	const _Atomic uint64_t *const head = &liar.guest.segment.header->head;
	const uint32_t need = 3;
	uint64_t before;
	void *data;

	while (tach_ring_reserve(&liar.sender, sizeof(need), &data) == 0) {
		memcpy(data, &need, sizeof(need));
		CHECK_EQ(tach_ring_commit(&liar.sender, sizeof(need), TACH_WIRE_NEED), 0);
	}
	tach_ring_flush(&liar.sender);
	for (uint64_t i = 0; i < 4; i++) {
		before = atomic_load(head);
		CHECK_EQ(tachyon_publisher_dispatch(publisher), 0);
		CHECK(atomic_load(head) > before && atomic_load(head) <= before + 2 * 1024 * 64);
		CHECK_EQ(publish_number(publisher, PICTURE, i), 2);
		take_frame(honest, PICTURE, i);
	}
	raw_peer_close(&liar);
	tachyon_subscriber_destroy(honest);
	tachyon_publisher_destroy(publisher);
}

HOSTILE_TEST(a_subscriber_that_neither_reads_its_socket_nor_its_ring_is_just_slow)
{
	const struct tachyon_publisher_options drop = publisher_options(TACHYON_POLICY_DROP, 0);
	struct scene scene = make_scene();

	CHECK_EQ(tachyon_publisher_set_policy(scene.publisher, drop.policy, 100000), 0);
	/* New segments, announced on the socket, until that is full. */
	for (uint64_t i = 0; i < 400; i++) {
		const size_t size = 4096 * (1 + i % 100) * (1 + i / 100);

		CHECK_EQ(tachyon_publisher_configure(scene.publisher, size, 1), 0);
		CHECK(publish_number(scene.publisher, size, scene.next) >= 1);
		take_frame(scene.honest, size, scene.next++);
	}
	CHECK(figures(scene.publisher).dropped > 0);
	check_honest(&scene, 1);
	close_scene(&scene);
}

HOSTILE_TEST(a_state_that_makes_no_sense_is_an_end)
{
	static const uint32_t states[] = {TACH_STATE_CLOSED, 3, 0x7fffffff, 0x80000000u,
					  UINT32_MAX};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(states); i++) {
		struct scene scene = make_scene();

		/* What it returned before it said so counts. */
		return_honestly(&scene);
		atomic_store(&scene.liar.offer.segment.header->state, states[i]);
		CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
		CHECK_EQ(tachyon_publisher_subscribers(scene.publisher), 1);
		CHECK_EQ(blocks_in_use(scene.publisher), 0);
		CHECK(raw_is_dropped(scene.liar.sock, RAW_TIMEOUT_NS));
		check_honest(&scene, 1);
		close_scene(&scene);
	}
}

/* Takes what is in its ring, and answers as it should. */
static void read_ring(struct raw_peer *liar)
{
	struct tachyon_message message;

	while (tach_ring_receive(&liar->receiver, &message) > 0) {
		struct tach_wire_ref ref = {0};

		CHECK_EQ(tach_ring_release(&liar->receiver, message.position), 0);
		memcpy(&ref, message.data, offsetof(struct tach_wire_ref, offset));
		ref.reserved = 0;
		if (message.type == TACH_WIRE_FRAME)
			raw_say(liar, TACH_WIRE_RETURN, &ref, sizeof(ref));
		else if (message.type == TACH_WIRE_RETIRE)
			raw_say(liar, TACH_WIRE_RETIRED, &ref, sizeof(ref));
	}
}

/* A segment is announced before the ring names it: who has read the ring has met it. */
HOSTILE_TEST(a_subscriber_that_reads_its_ring_and_never_its_socket_is_corrupt)
{
	struct scene scene = make_scene();
	int count = 2;

	return_honestly(&scene);
	for (uint64_t i = 0; i < 2000 && count != 1; i++) {
		const size_t size = 4096 * (1 + i % 100) * (1 + i / 100);

		CHECK_EQ(tachyon_publisher_configure(scene.publisher, size, 1), 0);
		do {
			read_ring(&scene.liar);
			count = publish_number(scene.publisher, size, scene.next);
		} while (count == TACHYON_ERR_AGAIN);
		take_frame(scene.honest, size, scene.next++);
	}
	CHECK_EQ(count, 1);
	check_dropped(&scene, "a socket that is never read");
	close_scene(&scene);
}

HOSTILE_TEST(packets_on_the_socket_are_no_news_to_a_publisher)
{
	struct scene scene = make_scene();
	struct pollfd entry = {.fd = tachyon_publisher_fd(scene.publisher), .events = POLLIN};

	for (int i = 0; i < 100; i++) {
		if (send(scene.liar.sock, "nonsense", 8, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	/* Whether it is dropped or not: nobody has to look for ever. */
	serve(scene.publisher, 1);
	CHECK_EQ(poll(&entry, 1, 20), 0);
	while (publish_number(scene.publisher, PICTURE, scene.next) < 1)
		;
	take_frame(scene.honest, PICTURE, scene.next++);
	close_scene(&scene);
}

HOSTILE_TEST(random_messages_from_a_subscriber_harm_nobody)
{
	for (unsigned int seed = 1; seed <= 300; seed++) {
		struct scene scene = make_scene();
		uint8_t body[200];

		srandom(seed);
		for (int i = 0; i < 20; i++) {
			const size_t size = (size_t)random() % sizeof(body);

			for (size_t j = 0; j < size; j++)
				body[j] = random() % 4 ? 0 : (uint8_t)random();
			raw_say(&scene.liar, (uint32_t)(33 + random() % 5), body, size);
			CHECK_EQ(tachyon_publisher_dispatch(scene.publisher), 0);
			if (tachyon_publisher_subscribers(scene.publisher) < 2)
				break;
		}
		CHECK(publish_number(scene.publisher, PICTURE, scene.next) >= 1);
		take_frame(scene.honest, PICTURE, scene.next++);
		close_scene(&scene);
	}
}
