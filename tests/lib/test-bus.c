/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Messages over a bus: order, content, batches, what a full ring and a wrong call answer. Both
 * ends are in one process here; nothing waits.
 */
#include "bus.h"

#include "pair.h"
#include "system.h"

#define SMALLEST 4096u

/* --- one message --- */

TEST(a_message_arrives_as_it_was_sent)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_send(pair.left, "hello", 6, 0xdeadbeef, 0), 0);

	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	CHECK_EQ(message.size, 6);
	CHECK_EQ(message.type, 0xdeadbeef);
	CHECK_MEM_EQ(message.data, "hello", 6);
	CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	close_pair(&pair);
}

TEST(an_empty_message_arrives)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;

	CHECK_EQ(tachyon_bus_send(pair.left, NULL, 0, 9, 0), 0);

	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	CHECK_EQ(message.size, 0);
	CHECK_EQ(message.type, 9);
	CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	close_pair(&pair);
}

TEST(every_size_arrives_whole)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message message;
	void *data;

	for (size_t size = 0; size <= tachyon_bus_max_message(pair.left); size++) {
		CHECK_EQ(tachyon_bus_reserve(pair.left, size, &data, 0), 0);
		CHECK_EQ((uintptr_t)data % (size > 48 ? 64 : 16), 0);
		fill(data, size, size);
		CHECK_EQ(tachyon_bus_commit(pair.left, size, (uint32_t)size), 0);

		CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
		CHECK_EQ(message.size, size);
		CHECK_EQ(message.type, size);
		CHECK(is_filled(message.data, size, size));
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	}
	close_pair(&pair);
}

TEST(each_direction_is_a_ring_of_its_own)
{
	const struct tachyon_bus_options small = bus_options(SMALLEST, 0);
	const struct tachyon_bus_options large = bus_options(1 << 20, 0);
	struct pair pair = make_pair_with(&small, &large);

	CHECK_EQ(tachyon_bus_max_message(pair.left), SMALLEST - 128);
	CHECK_EQ(tachyon_bus_max_message(pair.right), (1 << 20) - 128);
	CHECK_EQ(say(pair.left, "ping"), 0);
	CHECK_EQ(say(pair.right, "pong"), 0);
	CHECK_STR_EQ(hear(pair.right), "ping");
	CHECK_STR_EQ(hear(pair.left), "pong");
	CHECK_STR_EQ(hear(pair.left), "EAGAIN");
	close_pair(&pair);
}

TEST(a_ring_is_64_kib_unless_said_otherwise_and_a_power_of_two)
{
	const struct tachyon_bus_options options = bus_options(5000, 0);
	struct pair pair = make_pair_with(NULL, &options);

	CHECK_EQ(tachyon_bus_max_message(pair.left), (64 << 10) - 128);
	CHECK_EQ(tachyon_bus_max_message(pair.right), 8192 - 128);
	close_pair(&pair);
}

/* --- a full ring --- */

/* Sends until the ring is full; how many went. */
static uint32_t fill_ring(struct tachyon_bus *bus, size_t size)
{
	uint32_t count = 0;
	void *data;
	int ret;

	while ((ret = tachyon_bus_reserve(bus, size, &data, 0)) == 0) {
		fill(data, size, count);
		CHECK_EQ(tachyon_bus_commit(bus, size, count++), 0);
	}
	CHECK_EQ(ret, TACHYON_ERR_AGAIN);
	return count;
}

static void check_content(struct tachyon_bus *bus, uint32_t count, size_t size)
{
	struct tachyon_message message;

	for (uint32_t i = 0; i < count; i++) {
		CHECK_EQ(tachyon_bus_receive(bus, &message, 0), 0);
		CHECK_EQ(message.type, i);
		CHECK_EQ(message.size, size);
		CHECK(is_filled(message.data, size, i));
		CHECK_EQ(tachyon_bus_release(bus, &message), 0);
	}
	CHECK_EQ(tachyon_bus_receive(bus, &message, 0), TACHYON_ERR_AGAIN);
}

TEST(a_ring_of_n_bytes_holds_n_minus_64)
{
	struct pair pair = make_pair(SMALLEST);

	CHECK_EQ(fill_ring(pair.left, 48), SMALLEST / 64 - 1);
	check_content(pair.right, SMALLEST / 64 - 1, 48);
	close_pair(&pair);
}

TEST(a_full_ring_is_eagain_and_loses_nothing)
{
	static const size_t sizes[] = {0, 1, 48, 49, 64, 65, 500, 1000, 2000, SMALLEST - 128};
	struct pair pair = make_pair(SMALLEST);

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		const uint64_t full = stats_of(pair.left).full;
		const uint32_t count = fill_ring(pair.left, sizes[i]);

		CHECK(count > 0);
		CHECK(stats_of(pair.left).full > full);
		check_content(pair.right, count, sizes[i]);
	}
	close_pair(&pair);
}

TEST(a_released_message_makes_room_for_the_next)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message message;
	const uint32_t count = fill_ring(pair.left, 48);

	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, count, 0), TACHYON_ERR_AGAIN);
	CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, count, 0), 0);
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, count, 0), TACHYON_ERR_AGAIN);
	close_pair(&pair);
}

TEST(what_would_never_fit_is_refused_at_once)
{
	struct pair pair = make_pair(SMALLEST);
	const size_t most = tachyon_bus_max_message(pair.left);
	char data[SMALLEST] = "";
	void *place = data;

	CHECK_EQ(tachyon_bus_send(pair.left, data, most + 1, 0, -1), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_bus_reserve(pair.left, most + 1, &place, -1), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_bus_reserve(pair.left, SIZE_MAX, &place, -1), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(tachyon_bus_reserve(pair.left, SIZE_MAX - 127, &place, 0), TACHYON_ERR_TOO_BIG);
	CHECK_EQ(place, data);

	CHECK_EQ(tachyon_bus_send(pair.left, data, most, 0, -1), 0);
	CHECK_EQ(tachyon_bus_reserve(pair.left, most + 1, &place, 0), TACHYON_ERR_TOO_BIG);
	close_pair(&pair);
}

/* --- reservations --- */

TEST(a_reservation_is_one_at_a_time)
{
	struct pair pair = make_pair(0);
	void *data, *other = &pair;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 100, &data, 0), 0);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 1, &other, 0), -EBUSY);
	CHECK_EQ(tachyon_bus_send(pair.left, "x", 1, 0, 0), -EBUSY);
	CHECK_EQ(other, &pair);
	memcpy(data, "kept", 5);
	CHECK_EQ(tachyon_bus_commit(pair.left, 5, 0), 0);
	CHECK_STR_EQ(hear(pair.right), "kept");
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	close_pair(&pair);
}

TEST(a_commit_may_be_shorter_than_its_reservation_but_not_longer)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message;
	void *data;

	for (size_t size = 0; size <= 300; size += 10) {
		CHECK_EQ(tachyon_bus_reserve(pair.left, 300, &data, 0), 0);
		fill(data, 300, size);
		CHECK_EQ(tachyon_bus_commit(pair.left, 301, 0), -EINVAL);
		CHECK_EQ(tachyon_bus_commit_unflushed(pair.left, 301, 0), -EINVAL);
		CHECK_EQ(tachyon_bus_commit(pair.left, size, 5), 0);

		CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
		CHECK_EQ(message.size, size);
		CHECK_EQ(message.type, 5);
		CHECK(is_filled(message.data, size, size));
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
	}
	close_pair(&pair);
}

TEST(a_rollback_sends_nothing)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_reserve(pair.left, 5000, &data, 0), 0);
	memset(data, 0xff, 5000);
	CHECK_EQ(tachyon_bus_rollback(pair.left), 0);
	CHECK_EQ(tachyon_bus_flush(pair.left), 0);
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");

	CHECK_EQ(say(pair.left, "after"), 0);
	CHECK_STR_EQ(hear(pair.right), "after");
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	close_pair(&pair);
}

TEST(ending_a_reservation_that_is_not_there_is_einval)
{
	struct pair pair = make_pair(0);
	void *data;

	CHECK_EQ(tachyon_bus_commit(pair.left, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_commit_unflushed(pair.left, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_rollback(pair.left), -EINVAL);

	CHECK_EQ(tachyon_bus_reserve(pair.left, 8, &data, 0), 0);
	CHECK_EQ(tachyon_bus_commit(pair.left, 0, 0), 0);
	CHECK_EQ(tachyon_bus_commit(pair.left, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_rollback(pair.left), -EINVAL);
	close_pair(&pair);
}

/* --- batches --- */

static int add_to_batch(struct tachyon_bus *bus, const char *text)
{
	void *data;
	const int ret = tachyon_bus_reserve(bus, strlen(text) + 1, &data, 0);

	if (ret < 0)
		return ret;
	memcpy(data, text, strlen(text) + 1);
	return tachyon_bus_commit_unflushed(bus, strlen(text) + 1, 0);
}

TEST(a_batch_is_seen_all_at_once)
{
	struct pair pair = make_pair(0);
	struct tachyon_message messages[8];

	CHECK_EQ(add_to_batch(pair.left, "one"), 0);
	CHECK_EQ(add_to_batch(pair.left, "two"), 0);
	CHECK_EQ(add_to_batch(pair.left, "three"), 0);
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	CHECK_EQ(tachyon_bus_flush(pair.left), 0);

	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 8, 0), 3);
	CHECK_STR_EQ(messages[0].data, "one");
	CHECK_STR_EQ(messages[1].data, "two");
	CHECK_STR_EQ(messages[2].data, "three");
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[2]), 0);
	CHECK_EQ(tachyon_bus_flush(pair.left), 0);
	CHECK_STR_EQ(hear(pair.right), "EAGAIN");
	close_pair(&pair);
}

TEST(a_commit_sends_the_batch_before_it)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(add_to_batch(pair.left, "one"), 0);
	CHECK_EQ(say(pair.left, "two"), 0);
	CHECK_STR_EQ(hear(pair.right), "one");
	CHECK_STR_EQ(hear(pair.right), "two");
	close_pair(&pair);
}

TEST(a_batch_that_fills_the_ring_is_flushed_before_eagain)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message messages[128];
	int count = 0;

	while (add_to_batch(pair.left, "text") == 0)
		count++;
	CHECK_EQ(count, SMALLEST / 64 - 1);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 128, 0), count);
	close_pair(&pair);
}

TEST(a_receive_without_a_message_flushes_before_eagain)
{
	struct pair pair = make_pair(0);

	CHECK_EQ(add_to_batch(pair.left, "question"), 0);
	CHECK_STR_EQ(hear(pair.left), "EAGAIN");
	CHECK_STR_EQ(hear(pair.right), "question");
	close_pair(&pair);
}

TEST(a_batch_receive_takes_what_is_there_up_to_count)
{
	struct pair pair = make_pair(0);
	struct tachyon_message messages[4];

	for (int i = 0; i < 6; i++)
		CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 4, 0), 4);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 4, -1), 2);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 4, 0), TACHYON_ERR_AGAIN);
	close_pair(&pair);
}

/* --- holding and releasing --- */

TEST(messages_that_are_held_are_not_overwritten)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message messages[128];
	const uint32_t count = fill_ring(pair.left, 200);

	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 128, 0), count);
	while (tachyon_bus_send(pair.left, "x", 1, 0, 0) == 0)
		;
	for (uint32_t i = 0; i < count; i++)
		CHECK(is_filled(messages[i].data, 200, i));
	close_pair(&pair);
}

TEST(releasing_a_message_releases_all_before_it)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message messages[128];
	const uint32_t count = fill_ring(pair.left, 48);

	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 128, 0), count);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[9]), 0);
	CHECK_EQ(fill_ring(pair.left, 48), 10);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[count - 1]), 0);
	CHECK_EQ(fill_ring(pair.left, 48), count - 10);
	close_pair(&pair);
}

TEST(what_is_not_held_cannot_be_released)
{
	struct pair pair = make_pair(SMALLEST);
	struct tachyon_message messages[3], forged;

	for (int i = 0; i < 4; i++)
		CHECK_EQ(say(pair.left, "text"), 0);
	CHECK_EQ(tachyon_bus_receive_batch(pair.right, messages, 3, 0), 3);

	CHECK_EQ(tachyon_bus_release(pair.right, &messages[1]), 0);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[1]), -EINVAL);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[0]), -EINVAL);
	forged = messages[2];
	forged.position += 64;
	CHECK_EQ(tachyon_bus_release(pair.right, &forged), -EINVAL);
	forged.position = UINT64_MAX;
	CHECK_EQ(tachyon_bus_release(pair.right, &forged), -EINVAL);
	forged.position = messages[2].position - 1;
	CHECK_EQ(tachyon_bus_release(pair.right, &forged), -EINVAL);
	CHECK_EQ(tachyon_bus_release(pair.left, &messages[2]), -EINVAL);
	CHECK_EQ(tachyon_bus_release(pair.right, &messages[2]), 0);
	close_pair(&pair);
}

/* --- figures and arguments --- */

TEST(figures_count_messages_and_name_the_peer)
{
	struct pair pair = make_pair(0);
	struct tachyon_bus_stats left, right;

	for (int i = 0; i < 5; i++) {
		CHECK_EQ(tachyon_bus_send(pair.left, "12345678", 8, 0, 0), 0);
		CHECK_STR_EQ(hear(pair.right), "12345678");
	}
	left = stats_of(pair.left);
	right = stats_of(pair.right);

	CHECK_EQ(left.size, sizeof(left));
	CHECK_EQ(left.peer_pid, getpid());
	CHECK_EQ(left.messages_sent, 5);
	CHECK_EQ(left.bytes_sent, 5 * 64);
	CHECK_EQ(left.messages_received, 0);
	CHECK_EQ(right.messages_received, 5);
	CHECK_EQ(right.bytes_received, 5 * 64);
	CHECK_EQ(right.messages_sent, 0);
	CHECK_EQ(tachyon_bus_end(pair.left), TACHYON_END_NONE);
	close_pair(&pair);
}

TEST(figures_of_an_older_caller_stay_within_its_struct)
{
	struct pair pair = make_pair(0);
	struct tachyon_bus_stats stats;

	memset(&stats, 0xaa, sizeof(stats));
	stats.size = offsetof(struct tachyon_bus_stats, bytes_sent);
	CHECK_EQ(say(pair.left, "text"), 0);
	tachyon_bus_get_stats(pair.left, &stats);

	CHECK_EQ(stats.size, offsetof(struct tachyon_bus_stats, bytes_sent));
	CHECK_EQ(stats.messages_sent, 1);
	CHECK_EQ(stats.bytes_sent, 0xaaaaaaaaaaaaaaaaull);
	close_pair(&pair);
}

TEST(a_missing_argument_is_einval)
{
	struct pair pair = make_pair(0);
	struct tachyon_message message = {.size = 77};
	void *data;

	CHECK_EQ(tachyon_bus_send(NULL, "x", 1, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_send(pair.left, NULL, 1, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_reserve(NULL, 1, &data, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_reserve(pair.left, 1, NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_commit(NULL, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_commit_unflushed(NULL, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_flush(NULL), -EINVAL);
	CHECK_EQ(tachyon_bus_rollback(NULL), -EINVAL);
	CHECK_EQ(tachyon_bus_receive(NULL, &message, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_receive(pair.left, NULL, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_receive_batch(NULL, &message, 1, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_receive_batch(pair.left, NULL, 1, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_receive_batch(pair.left, &message, 0, 0), -EINVAL);
	CHECK_EQ(tachyon_bus_release(NULL, &message), -EINVAL);
	CHECK_EQ(tachyon_bus_release(pair.left, NULL), -EINVAL);
	CHECK(tachyon_bus_prepare(NULL) != 0);
	CHECK_EQ(message.size, 77);
	tachyon_bus_destroy(NULL);
	close_pair(&pair);
}
