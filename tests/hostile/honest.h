/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Honest peers of the victim, which is the test's process: a bus and a publisher's frames, busy all
 * the time that a test lies beside them. Each message is checked; one that is missing, wrong or
 * late fails the test.
 *
 *	HOSTILE_TEST(a_lie_is_found_out)
 *	{
 *		...
 *	}
 */
#ifndef TACHYON_TESTS_HONEST_H
#define TACHYON_TESTS_HONEST_H

#include <stdatomic.h>

#include "frames.h"

/* Often enough to be met by a lie, seldom enough to leave the processors to the test. */
#define HONEST_PAUSE_NS 200000ull
#define HONEST_BYE 99u

struct honest {
	struct pair pair;
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *subscriber;
	struct helper asker, echo, frames;
	_Atomic bool is_over;
	_Atomic uint64_t rounds;
	_Atomic uint64_t frame_rounds;
};

static inline void honest_pause(void)
{
	(void)tach_os_poll(NULL, 0, tach_os_now_ns() + HONEST_PAUSE_NS);
}

/* --- messages there and back --- */

static inline size_t honest_size(uint64_t number)
{
	return number * 37 % 300;
}

static inline void honest_expect(struct tachyon_bus *bus, uint64_t number)
{
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
	CHECK_EQ(message.type, 7);
	CHECK_EQ(message.size, honest_size(number));
	CHECK(is_filled(message.data, message.size, number));
	CHECK_EQ(tachyon_bus_release(bus, &message), 0);
}

static inline void honest_round(struct honest *honest)
{
	const uint64_t number = honest->rounds;
	uint8_t body[300];

	fill(body, honest_size(number), number);
	CHECK_EQ(tachyon_bus_send(honest->pair.left, body, honest_size(number), 7, LONG_NS), 0);
	honest_expect(honest->pair.left, number);
	honest->rounds++;
}

static int honest_ask(void *argument)
{
	struct honest *const honest = argument;

	while (!honest->is_over) {
		honest_round(honest);
		honest_pause();
	}
	CHECK_EQ(tachyon_bus_send(honest->pair.left, NULL, 0, HONEST_BYE, LONG_NS), 0);
	return 0;
}

static int honest_echo(void *argument)
{
	struct tachyon_bus *const bus = ((struct honest *)argument)->pair.right;
	struct tachyon_message message;

	for (;;) {
		CHECK_EQ(tachyon_bus_receive(bus, &message, LONG_NS), 0);
		if (message.type == HONEST_BYE)
			break;
		CHECK_EQ(tachyon_bus_send(bus, message.data, message.size, message.type, LONG_NS),
			 0);
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
	}
	return tachyon_bus_release(bus, &message);
}

/* --- frames --- */

static inline void honest_frame(struct honest *honest)
{
	const uint64_t number = honest->frame_rounds;

	CHECK_EQ(publish_number(honest->publisher, 3000, number), 1);
	take_frame(honest->subscriber, 3000, number);
	honest->frame_rounds++;
}

static int honest_publish(void *argument)
{
	struct honest *const honest = argument;

	while (!honest->is_over) {
		honest_frame(honest);
		honest_pause();
	}
	return 0;
}

static int honest_join(void *subscriber)
{
	return tachyon_subscriber_connect(subscriber, LONG_NS);
}

static inline void honest_start_frames(struct honest *honest)
{
	struct helper helper;

	CHECK_EQ(tachyon_publisher_create("honest-frames", NULL, &honest->publisher), 0);
	CHECK_EQ(tachyon_subscriber_create("honest-frames", NULL, &honest->subscriber), 0);
	start_helper(&helper, honest_join, honest->subscriber);
	while (tachyon_publisher_subscribers(honest->publisher) == 0)
		serve(honest->publisher, 1);
	CHECK_EQ(finish_helper(&helper), 0);
	/* From here on neither opens nor maps anything: tests count such. */
	honest_frame(honest);
	start_helper(&honest->frames, honest_publish, honest);
}

/* --- both --- */

static int honest_connect(void *bus)
{
	return tachyon_bus_connect("honest-bus", NULL, bus);
}

static inline void honest_start(struct honest *honest)
{
	struct helper helper;

	*honest = (struct honest){.rounds = 0};
	start_helper(&helper, honest_connect, &honest->pair.right);
	CHECK_EQ(tachyon_bus_listen("honest-bus", NULL, &honest->pair.left), 0);
	CHECK_EQ(finish_helper(&helper), 0);
	start_helper(&honest->echo, honest_echo, honest);
	start_helper(&honest->asker, honest_ask, honest);
	honest_start_frames(honest);
}

/* They noticed nothing, and still work after whatever the test did. */
static inline void honest_finish(struct honest *honest)
{
	const uint64_t rounds = honest->rounds;
	const uint64_t frame_rounds = honest->frame_rounds;

	EVENTUALLY(honest->rounds > rounds + 1 && honest->frame_rounds > frame_rounds + 1);
	honest->is_over = true;
	CHECK_EQ(finish_helper(&honest->asker), 0);
	CHECK_EQ(finish_helper(&honest->echo), 0);
	CHECK_EQ(finish_helper(&honest->frames), 0);
	CHECK_EQ(tachyon_bus_end(honest->pair.left), TACHYON_END_NONE);
	CHECK_EQ(tachyon_bus_end(honest->pair.right), TACHYON_END_NONE);
	CHECK_EQ(tachyon_subscriber_end(honest->subscriber), TACHYON_END_NONE);
	close_pair(&honest->pair);
	tachyon_subscriber_destroy(honest->subscriber);
	tachyon_publisher_destroy(honest->publisher);
}

/* On a machine that has much else to do. */
#define HOSTILE_TIMEOUT_S 240

/* A test beside honest peers of its victim. */
#define HOSTILE_TEST(sentence)                         \
	static void hostile_##sentence(void);          \
	TEST_WITH_TIMEOUT(sentence, HOSTILE_TIMEOUT_S) \
	{                                              \
		struct honest honest;                  \
                                                       \
		honest_start(&honest);                 \
		hostile_##sentence();                  \
		honest_finish(&honest);                \
	}                                              \
	static void hostile_##sentence(void)

#endif
