/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A subscriber that takes all it can get: its publisher neither hangs nor grows without bound, and
 * the honest subscriber beside it misses no frame.
 *
 * The publisher drops frames for who is slow, and has a small pool. For each attack: the time of
 * its longest call, its private memory, its descriptors, its payload memory.
 */
#include "isolation-sieges.h"
#include "publisher.h"

#define PICTURE 20000u
#define MAX_BYTES (4ull << 20)

struct siege {
	struct tachyon_publisher *publisher;
	struct tachyon_subscriber *honest;
	uint64_t next;
	uint64_t longest_ns;	/* of a call */
	uint64_t starved_ns;	/* until there was a block, at the longest */
	uint32_t starved;	/* times that there was no block */
	uint64_t payload_bytes; /* at the most */
	uint64_t turn;		/* bytes of a ring that a call took, at the most */
	uint64_t positions[TACHYON_SUBSCRIBERS_MAX];
	int fds; /* likewise */
	uint32_t need;
};

/* --- the victim --- */

/* How much of a ring the last call took; of one that was there before. */
static void note_turns(struct siege *siege)
{
	const struct tach_audience *const audience = &siege->publisher->audience;

	for (unsigned int i = 0; i < TACHYON_SUBSCRIBERS_MAX; i++) {
		const uint64_t position = audience->present & (1ull << i)
						  ? audience->links[i].bus->receiver.received
						  : 0;

		if (position > siege->positions[i])
			siege->turn = position - siege->positions[i] > siege->turn
					      ? position - siege->positions[i]
					      : siege->turn;
		siege->positions[i] = position;
	}
}

static void note_time(struct siege *siege, uint64_t start)
{
	const uint64_t took = tach_os_now_ns() - start;

	note_turns(siege);

	if (took > siege->longest_ns)
		siege->longest_ns = took;
}

/* There may be no block for a second, after which whoever has most of them is dropped. */
static void acquire_one(struct siege *siege, const char *what, struct tachyon_frame *frame)
{
	const uint64_t begin = tach_os_now_ns();
	uint64_t start = begin;

	while (acquire_number(siege->publisher, PICTURE, siege->next, frame) != 0) {
		note_time(siege, start);
		siege->starved++;
		if (start - begin > (uint64_t)STARVED_NS)
			test_fail(__FILE__, __LINE__, "%s: no block for frame %d", what,
				  (int)siege->next);
		CHECK_EQ(tachyon_publisher_dispatch(siege->publisher), 0);
		(void)tachyon_publisher_wait(siege->publisher, 10 * MS);
		start = tach_os_now_ns();
	}
	note_time(siege, start);
	if (tach_os_now_ns() - begin > siege->starved_ns)
		siege->starved_ns = tach_os_now_ns() - begin;
}

/* A picture, which the honest one gets; each call is timed. */
static void publish_one(struct siege *siege, const char *what)
{
	struct tachyon_frame frame;
	uint64_t start;
	int ret;

	acquire_one(siege, what, &frame);
	start = tach_os_now_ns();
	ret = tachyon_publisher_commit(siege->publisher, &frame);
	note_time(siege, start);
	if (ret < 1)
		test_fail(__FILE__, __LINE__, "%s: nobody gets frame %d: %d", what,
			  (int)siege->next, ret);
	take_frame(siege->honest, PICTURE, siege->next++);
}

static void serve_once(struct siege *siege)
{
	const uint64_t start = tach_os_now_ns();
	uint64_t waited;

	CHECK_EQ(tachyon_publisher_dispatch(siege->publisher), 0);
	note_time(siege, start);
	waited = tach_os_now_ns();
	(void)tachyon_publisher_wait(siege->publisher, 100000);
	note_time(siege, waited);
}

/* Without those of payload segments, which stay for the next frames. */
static int count_other_fds(void)
{
	DIR *const listing = opendir("/proc/self/fd");
	const struct dirent *entry;
	char target[64];
	int count = 0;

	while ((entry = readdir(listing)) != NULL) {
		const ssize_t size =
			readlinkat(dirfd(listing), entry->d_name, target, sizeof(target) - 1);

		target[size > 0 ? size : 0] = '\0';
		count += strstr(target, "tachyon-payload") == NULL;
	}
	closedir(listing);
	return count;
}

static void note_size(struct siege *siege)
{
	const uint64_t bytes = figures(siege->publisher).payload_bytes;
	const uint32_t need = tachyon_publisher_need(siege->publisher);
	const int fds = count_other_fds();

	siege->payload_bytes = bytes > siege->payload_bytes ? bytes : siege->payload_bytes;
	siege->fds = fds > siege->fds ? fds : siege->fds;
	siege->need = need > siege->need ? need : siege->need;
}

static struct siege begin_siege(void)
{
	struct tachyon_publisher_options options = publisher_options(TACHYON_POLICY_DROP, 16);
	struct siege siege = {.next = 0};

	options.max_bytes = MAX_BYTES;
	siege.publisher = make_publisher(&options);
	siege.honest = join(siege.publisher);
	for (int i = 0; i < 300; i++)
		publish_one(&siege, "before");
	siege.longest_ns = siege.starved_ns = 0;
	return siege;
}

static struct siege endure(const char *what, int (*attack)(void *argument))
{
	struct attacker attacker = {.attack = attack};
	struct siege siege;
	int fds;
	long kib;

	hire_attacker(&attacker);
	siege = begin_siege();
	fds = count_other_fds() - 1; /* that of the pipe goes now */
	kib = private_kib();
	release_attacker(&attacker);
	while (is_attacking(&attacker)) {
		publish_one(&siege, what);
		serve_once(&siege);
		if (siege.next % 16 == 0)
			note_size(&siege);
	}
	note_size(&siege);
	CHECK_EQ(wait_child(attacker.pid), 0);
	kib = private_kib() - kib;
	printf("# %s: %d frames, longest call %d us, %d ms without a block, memory %+ld KiB, "
	       "payload %d KiB, fds %+d\n",
	       what, (int)siege.next - 300, (int)(siege.longest_ns / 1000),
	       (int)(siege.starved_ns / 1000000), kib, (int)(siege.payload_bytes >> 10),
	       siege.fds - fds);

	CHECK(siege.longest_ns < (uint64_t)HANG_NS);
	CHECK(kib < private_limit_kib());
	CHECK(siege.payload_bytes <= MAX_BYTES);
	/* Each subscriber has 8 or less, each handshake 5; the listing of a folder one. */
	CHECK(siege.fds - fds <= 64 * 8 + 16 * 5);
	EVENTUALLY(tachyon_publisher_dispatch(siege.publisher) == 0 &&
		   tachyon_publisher_subscribers(siege.publisher) == 1);
	for (int i = 0; i < 20; i++)
		publish_one(&siege, "after");
	EVENTUALLY(tachyon_publisher_dispatch(siege.publisher) == 0 && count_other_fds() == fds);
	CHECK_EQ(blocks_in_use(siege.publisher), 0);
	tachyon_subscriber_destroy(siege.honest);
	tachyon_publisher_destroy(siege.publisher);
	return siege;
}

#define SIEGE_TEST(sentence, attack)           \
	TEST_WITH_TIMEOUT(sentence, 280)       \
	{                                      \
		(void)endure(#attack, attack); \
	}

/* The same, and there was a block whenever one was wanted. */
#define HOLDING_TEST(sentence, attack)                        \
	TEST_WITH_TIMEOUT(sentence, 280)                      \
	{                                                     \
		CHECK_EQ(endure(#attack, attack).starved, 0); \
	}

HOLDING_TEST(who_holds_all_its_frames_takes_no_block_from_the_others, hold_all)
HOLDING_TEST(many_who_hold_all_their_frames_take_no_block_from_the_others, hold_all_together)
HOLDING_TEST(who_has_the_largest_ring_can_hold_no_more_than_its_share, hold_with_the_largest_ring)
HOLDING_TEST(who_wants_the_latest_only_and_holds_it_takes_no_block_from_the_others,
	     want_the_latest_and_hold)

SIEGE_TEST(those_who_keep_all_they_had_are_dropped_before_the_others_starve, hold_all_in_turn)
SIEGE_TEST(who_reads_nothing_costs_the_others_nothing, read_nothing)
SIEGE_TEST(a_flood_of_false_returns_is_bounded, flood_returns)
SIEGE_TEST(a_flood_of_absurd_needs_is_bounded, flood_needs)
SIEGE_TEST(a_flood_of_small_events_is_bounded, flood_small_events)
SIEGE_TEST(a_flood_of_large_events_is_bounded, flood_large_events)
SIEGE_TEST(a_flood_of_urgent_events_is_bounded, flood_urgent)
SIEGE_TEST(a_flood_of_doorbells_is_bounded, flood_bells)
SIEGE_TEST(connections_that_say_nothing_are_bounded, connect_and_say_nothing)
SIEGE_TEST(connections_that_say_half_a_word_are_bounded, connect_and_say_half)
SIEGE_TEST(joining_and_leaving_for_ever_leaves_nothing_behind, join_and_leave)

/* A call takes a few turns of 1024 messages, each of one cell, where the ring has 16384. */
TEST_WITH_TIMEOUT(a_flood_of_unknown_messages_is_bounded, 280)
{
	const uint64_t turn = endure("flood_unknown", flood_unknown).turn;

	printf("# %d messages in a call\n", (int)(turn / TACH_CELL));
	CHECK(turn <= 4 * 1024 * TACH_CELL);
}
