/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that never stops: its subscriber's calls end when they should, and its memory does
 * not grow. And connectors that never stop: a listener sleeps while they are silent.
 *
 * The publisher is another process, which sends until the test ends it.
 */
#include "isolation.h"
#include "raw-publisher.h"
#include "subscriber.h"
#include "urgent.h"

/* Longer than the test; else the flood ends by itself, and the test with it. */
#define FLOOD_NS (25000 * MS)

struct flood {
	void (*pour)(struct raw_peer *peer); /* as much as there is room for */
	uint64_t ring_size;		     /* 0: 64 KiB */
	int stop[2];
	pid_t pid;
	struct tachyon_subscriber *subscriber;
};

static bool is_told_to_stop(const struct flood *flood)
{
	struct pollfd entry = {.fd = flood->stop[0], .events = POLLIN};

	return poll(&entry, 1, 0) > 0;
}

static int run_flood(void *argument)
{
	struct flood *const flood = argument;
	const int listener = tach_sock_listen(ADDRESS);
	const uint64_t start = tach_os_now_ns();
	struct raw_peer peer;

	close(flood->stop[1]);
	peer = raw_peer_accept(listener, TACH_SERVICE_FRAMES,
			       flood->ring_size ? flood->ring_size : 65536);
	close(listener);
	unlink(ADDRESS);
	while (tach_os_now_ns() - start < (uint64_t)FLOOD_NS && !is_told_to_stop(flood)) {
		for (int i = 0; i < 1000; i++)
			flood->pour(&peer);
		raw_ring_bells(&peer);
	}
	raw_peer_close(&peer);
	return 0;
}

static void begin_flood(struct flood *flood, const struct tachyon_subscriber_options *options)
{
	CHECK_EQ(pipe2(flood->stop, O_CLOEXEC), 0);
	flood->pid = run_child(run_flood, flood);
	close(flood->stop[0]);
	flood->subscriber = make_subscriber(options);
	CHECK_EQ(tachyon_subscriber_connect(flood->subscriber, LONG_NS), 0);
}

static void end_flood(struct flood *flood)
{
	close(flood->stop[1]);
	CHECK_EQ(wait_child(flood->pid), 0);
	tachyon_subscriber_destroy(flood->subscriber);
}

static uint64_t end_of_test(void)
{
	return tach_os_now_ns() + (test_is_long() ? 5000 : 300) * MS;
}

/* --- what it sends --- */

static void pour_unknown(struct raw_peer *peer)
{
	while (try_put(peer, 4711, NULL, 0))
		;
}

/*
 * In a large ring it takes its reader, which copies them, more than ten milliseconds to read what
 * is there: longer than a scheduler keeps us from adding to it.
 */
static void pour_large(struct raw_peer *peer)
{
	void *room;

	while (tach_ring_reserve(&peer->sender, 512 << 10, &room) == 0) {
		CHECK_EQ(tach_ring_commit(&peer->sender, 512 << 10, 4711), 0);
		tach_ring_flush(&peer->sender);
	}
}

static void pour_frames(struct raw_peer *peer)
{
	const struct tach_wire_inline frame = {.pts = 1};

	while (try_put(peer, TACH_WIRE_INLINE, &frame, sizeof(frame)))
		;
}

static void pour_sticky(struct raw_peer *peer)
{
	static uint32_t id;
	char body[sizeof(struct tach_wire_event) + 1000] = "";
	struct tach_wire_event event = {.type = 5, .flags = TACHYON_EVENT_STICKY, .size = 1000};

	event.order = event.id = id++;
	memcpy(body, &event, sizeof(event));
	while (try_put(peer, TACH_WIRE_EVENT, body, sizeof(body)))
		;
}

static void pour_urgent(struct raw_peer *peer)
{
	static const char data[TACH_URGENT_DATA_MAX];
	const struct tachyon_event event = {.type = 5, .data = data, .size = sizeof(data)};
	union tach_urgent_buffer packet;
	const ssize_t size = tach_urgent_put(&packet, &event);

	(void)send(peer->sock, &packet, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* --- a call ends when it should --- */

/*
 * Looks, again and again; how long the longest look took. Whether a flood keeps up with its reader
 * is chance: so each look may take as much as a ring holds, and what stood in it already.
 */
static uint64_t look_all_the_time(struct tachyon_subscriber *subscriber, bool expects_frames)
{
	const struct tach_receiver *const receiver =
		&tach_connection_bus(subscriber->connection)->receiver;
	const uint64_t end = end_of_test();
	uint64_t longest = 0, start;

	while ((start = tach_os_now_ns()) < end) {
		const uint64_t position = receiver->received;
		struct tachyon_item item;
		const int ret = tachyon_subscriber_receive(subscriber, &item, 0);
		const uint64_t took = tach_os_now_ns() - start;

		CHECK(receiver->received - position <= receiver->size + 2 * TACH_CELL);
		longest = took > longest ? took : longest;
		CHECK(ret == TACHYON_ERR_AGAIN || (ret == 0 && expects_frames));
		if (ret == 0)
			tachyon_frame_release(&item.frame);
	}
	return longest;
}

TEST(a_look_ends_however_many_messages_come_that_mean_nothing)
{
	struct flood flood = {.pour = pour_unknown};
	uint64_t longest;

	begin_flood(&flood, NULL);
	longest = look_all_the_time(flood.subscriber, false);
	end_flood(&flood);
	printf("# longest look: %d us\n", (int)(longest / 1000));
	CHECK(longest < (uint64_t)HANG_NS);
}

TEST(who_wants_the_latest_frame_gets_one_however_many_come)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .latest_only = 1};
	struct flood flood = {.pour = pour_frames};
	uint64_t longest;

	begin_flood(&flood, &options);
	longest = look_all_the_time(flood.subscriber, true);
	end_flood(&flood);
	printf("# longest look: %d us\n", (int)(longest / 1000));
	CHECK(longest < (uint64_t)HANG_NS);
}

/* As much of the large ring as was taken, whether or not the flood kept up with it. */
static uint64_t taken(const struct flood *flood)
{
	return tach_connection_bus(flood->subscriber->connection)->receiver.received;
}

static void begin_large_flood(struct flood *flood)
{
	begin_flood(flood, NULL);
	EVENTUALLY(
		tach_ring_is_ready(&tach_connection_bus(flood->subscriber->connection)->receiver));
	sleep_ms(5);
}

TEST(a_wait_is_canceled_however_many_messages_come_that_mean_nothing)
{
	struct flood flood = {.pour = pour_large, .ring_size = 64 << 20};
	struct tachyon_item item;

	begin_large_flood(&flood);
	tachyon_subscriber_cancel(flood.subscriber);
	CHECK_EQ(tachyon_subscriber_receive(flood.subscriber, &item, -1), TACHYON_ERR_CANCELED);
	CHECK(taken(&flood) < 4 << 20);
	end_flood(&flood);
}

TEST(a_wait_times_out_however_many_messages_come_that_mean_nothing)
{
	struct flood flood = {.pour = pour_large, .ring_size = 64 << 20};
	struct tachyon_item item;

	begin_large_flood(&flood);
	CHECK_EQ(tachyon_subscriber_receive(flood.subscriber, &item, MS / 2), TACHYON_ERR_TIMEDOUT);
	CHECK(taken(&flood) < 48 << 20);
	end_flood(&flood);
}

/* --- memory --- */

TEST(state_without_end_is_handed_on_and_not_kept)
{
	struct flood flood = {.pour = pour_sticky};
	uint64_t end;
	uint64_t count = 0;
	long kib;

	begin_flood(&flood, NULL);
	end = end_of_test();
	kib = private_kib();
	/* On a machine that is busy, longer. */
	while (count <= 100 || tach_os_now_ns() < end) {
		struct tachyon_item item;

		if (tachyon_subscriber_receive(flood.subscriber, &item, LONG_NS) == 0)
			count++;
	}
	kib = private_kib() - kib;
	end_flood(&flood);
	printf("# %d events of 1000 bytes, memory %+ld KiB\n", (int)count, kib);
	CHECK(count > 100);
	CHECK(kib < private_limit_kib());
}

TEST(urgent_events_without_end_are_kept_for_nobody_who_does_not_take_them)
{
	const struct tachyon_subscriber_options options = {.size = sizeof(options),
							   .takes_urgent = 1};
	struct flood flood = {.pour = pour_urgent};
	uint64_t end;
	struct tachyon_event event;
	struct tachyon_item item;
	uint64_t longest = 0;
	long kib;

	begin_flood(&flood, &options);
	end = end_of_test();
	kib = private_kib();
	/* It takes one of many: each look reads what came. */
	while (tach_os_now_ns() < end) {
		const uint64_t start = tach_os_now_ns();

		(void)tachyon_subscriber_receive(flood.subscriber, &item, 0);
		(void)tachyon_subscriber_receive_urgent(flood.subscriber, &event, 0);
		longest = tach_os_now_ns() - start > longest ? tach_os_now_ns() - start : longest;
		sleep_ms(1);
	}
	kib = private_kib() - kib;
	end_flood(&flood);
	printf("# longest look %d us, memory %+ld KiB\n", (int)(longest / 1000), kib);
	CHECK(longest < (uint64_t)HANG_NS);
	CHECK(kib < private_limit_kib());
}

/* --- a listener --- */

TEST(a_listener_sleeps_while_more_are_silent_than_it_has_places)
{
	const struct tachyon_bus_options options = bus_options(4096, TACHYON_SPIN_NEVER);
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
	uint64_t calls;
	int silent[60];

	CHECK_EQ(tachyon_listener_create(ADDRESS, &options, &listener), 0);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++)
		silent[i] = raw_connect(ADDRESS);
	calls = tachyon_system_calls();
	CHECK_EQ(tachyon_listener_accept(listener, 600 * MS, &bus), TACHYON_ERR_TIMEDOUT);
	calls = tachyon_system_calls() - calls;
	printf("# %d system calls in 600 ms\n", (int)calls);
	CHECK(calls < 10000);
	for (size_t i = 0; i < TACH_ARRAY_SIZE(silent); i++)
		close(silent[i]);
	tachyon_listener_destroy(listener);
}
