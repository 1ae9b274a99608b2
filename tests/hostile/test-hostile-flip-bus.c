/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus whose peer changes a word of its segment all the time while the victim works with it: each
 * word of the header, each of the messages' headers, their payload.
 */
#include "flip.h"
#include "honest.h"
#include "raw-bus.h"

/* --- the victim at work --- */

static bool is_one_of(int ret, const int *codes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (codes[i] == ret)
			return true;
	}
	return false;
}

/* What a call may answer beside a liar: nothing else, and nothing good after an end. */
static void check_answer(const struct raw_bus *raw, const char *what, int ret)
{
	static const int codes[] = {0, TACHYON_ERR_AGAIN, TACHYON_ERR_TIMEDOUT, TACHYON_ERR_CORRUPT,
				    TACHYON_ERR_CLOSED};

	test_count_check();
	if (!is_one_of(ret, codes, TACH_ARRAY_SIZE(codes)))
		test_fail(__FILE__, __LINE__, "%s: %d (%s)", what, ret, tachyon_strerror(ret));
	if (ret == TACHYON_ERR_CORRUPT)
		CHECK_EQ(tachyon_bus_end(raw->victim), TACHYON_END_CORRUPT);
	if (ret == TACHYON_ERR_CLOSED)
		CHECK(tachyon_bus_end(raw->victim) != TACHYON_END_NONE);
}

/* What is received as good is. */
static int receive(struct raw_bus *raw, const char *what, int64_t timeout_ns)
{
	struct tachyon_message message = {.data = &message, .size = 77};
	const int ret = tachyon_bus_receive(raw->victim, &message, timeout_ns);

	check_answer(raw, what, ret);
	if (ret == 0) {
		check_in_ring(raw->victim, &message);
		CHECK_EQ(tachyon_bus_release(raw->victim, &message), 0);
	}
	return ret;
}

static int send_some(struct raw_bus *raw, const char *what, size_t size, int64_t timeout_ns)
{
	static const uint8_t body[512];
	const int ret = tachyon_bus_send(raw->victim, body, size, 7, timeout_ns);

	check_answer(raw, what, ret);
	return ret;
}

/* The liar sends and hears honestly, as far as its own words let it. */
static void keep_busy(struct raw_bus *raw, size_t size)
{
	struct tachyon_message message;
	void *data;

	if (tach_ring_reserve(&raw->liar.sender, size, &data) == 0) {
		CHECK_EQ(tach_ring_commit(&raw->liar.sender, size, 7), 0);
		tach_ring_flush(&raw->liar.sender);
	}
	for (int i = 0; i < 2 && tach_ring_receive(&raw->liar.receiver, &message) > 0; i++)
		CHECK_EQ(tach_ring_release(&raw->liar.receiver, message.position), 0);
	raw_ring_bells(&raw->liar);
}

/* True while the connection lasts. */
static bool work(struct raw_bus *raw, const char *what, int round)
{
	const int64_t timeout_ns = round % 64 == 0 ? 100000 : 0;

	keep_busy(raw, (size_t)round % 150);
	(void)receive(raw, what, timeout_ns);
	(void)send_some(raw, what, (size_t)round % 200, timeout_ns);
	(void)send_some(raw, what, (size_t)round % 7, 0);
	if (tachyon_bus_prepare(raw->victim) == 0)
		tachyon_bus_dispatch(raw->victim);
	(void)stats_of(raw->victim);
	return tachyon_bus_end(raw->victim) == TACHYON_END_NONE;
}

/* --- the words of the header --- */

struct word {
	const char *what;
	size_t offset;
	unsigned int width;
	bool may_end; /* a lie in it may be found, and ends the connection */
};

#define WORD(field, bytes, end)                                                 \
	{                                                                       \
#field, offsetof(struct tach_segment_header, field), bytes, end \
	}

static const struct word words[] = {
	WORD(magic, 8, false),	    WORD(protocol, 4, false),	 WORD(kind, 4, false),
	WORD(size, 8, false),	    WORD(data_offset, 8, false), WORD(data_size, 8, false),
	WORD(block_size, 8, false), WORD(block_count, 4, false), WORD(head, 8, true),
	WORD(wait_data, 4, false),  WORD(wait_space, 4, false),	 WORD(space_target, 8, false),
	WORD(state, 4, true),	    WORD(messages, 8, false),	 WORD(bytes, 8, false),
	WORD(sleeps, 8, false),	    WORD(wakes, 8, false),	 WORD(full, 8, false),
	WORD(dropped, 8, false),    WORD(generation, 8, false),
};

static const uint64_t boundary[] = {
	0,
	1,
	2,
	3,
	63,
	64,
	65,
	128,
	4032,
	4096,
	4097,
	0x7fffffff,
	0x80000000,
	0xfffffffe,
	0xffffffff,
	1ull << 32,
	1ull << 63,
	UINT64_MAX - 63,
	UINT64_MAX - 1,
	UINT64_MAX,
};

static void flip_word(const struct word *word)
{
	struct raw_bus raw = make_raw_bus();
	struct flipper flipper = {
		.first = (uint8_t *)raw.liar.offer.segment.header + word->offset,
		.count = 1,
		.width = word->width,
		.values = boundary,
		.value_count = TACH_ARRAY_SIZE(boundary),
	};
	const int rounds = flip_rounds(300);
	int round = 0;

	flip_start(&flipper);
	while (round < rounds && work(&raw, word->what, round))
		round++;
	flip_stop(&flipper);
	if (!word->may_end)
		CHECK_EQ(round, rounds);
	close_raw_bus(&raw);
}

HOSTILE_TEST(each_word_of_the_header_may_change_all_the_time)
{
	for (size_t i = 0; i < TACH_ARRAY_SIZE(words); i++) {
		for (int again = 0; again < (words[i].may_end ? 10 : 1); again++)
			flip_word(&words[i]);
	}
}

/* Legal, and going on and back: what was seen once binds. */
HOSTILE_TEST(a_head_that_goes_on_and_back_is_corrupt_or_is_not_looked_at)
{
	for (int i = 0; i < flip_rounds(20); i++) {
		struct raw_bus raw = make_raw_bus();
		const uint64_t heads[] = {0, 64, 128, 640, 1280, 4032};
		struct flipper flipper = {
			.first = (uint8_t *)&raw.liar.offer.segment.header->head,
			.count = 1,
			.width = 8,
			.values = heads,
			.value_count = TACH_ARRAY_SIZE(heads),
		};
		int ret = 0;

		flip_start(&flipper);
		for (int j = 0; j < 2000 && (ret == 0 || ret == TACHYON_ERR_AGAIN); j++)
			ret = send_some(&raw, "a head", 5, 0);
		flip_stop(&flipper);
		/* 4032 bytes were read at most: a ring's worth behind that is all there is. */
		CHECK(stats_of(raw.victim).messages_sent <= 2 * 63);
		CHECK(ret == TACHYON_ERR_CORRUPT || ret == TACHYON_ERR_AGAIN);
		close_raw_bus(&raw);
	}
}

/* --- messages --- */

/* Each cell's word of that kind at once, so that it changes under the victim's eyes. */
static int flip_cells(size_t offset, unsigned int width, const uint64_t *values, size_t value_count,
		      const char *what)
{
	const int rounds = flip_rounds(400);
	struct raw_bus raw = make_raw_bus();
	struct flipper flipper = {
		.first = raw.liar.offer.segment.data + offset,
		.count = RAW_BUS_RING / TACH_CELL,
		.stride = TACH_CELL,
		.width = width,
		.values = values,
		.value_count = value_count,
	};
	int round = 0;

	flip_start(&flipper);
	while (round < rounds && work(&raw, what, round))
		round++;
	flip_stop(&flipper);
	close_raw_bus(&raw);
	return rounds - round;
}

HOSTILE_TEST(sizes_that_change_all_the_time_are_read_once)
{
	static const uint64_t sizes[] = {0,    1,    47,   48,	       49,	   64,
					 3967, 3968, 3969, 0x7fffffff, 0x80000000, 0xffffffff};

	for (int i = 0; i < flip_rounds(25); i++)
		(void)flip_cells(offsetof(struct tach_message_header, size), 4, sizes,
				 i % 2 ? 4 : TACH_ARRAY_SIZE(sizes), "size");
}

HOSTILE_TEST(flags_that_change_all_the_time_are_read_once)
{
	static const uint64_t flags[] = {0, 1, 2, 3, 0x80000000, 0xfffffffe, 0xffffffff};

	for (int i = 0; i < flip_rounds(25); i++)
		(void)flip_cells(offsetof(struct tach_message_header, flags), 4, flags,
				 i % 2 ? 2 : TACH_ARRAY_SIZE(flags), "flags");
}

HOSTILE_TEST(types_and_payload_that_change_all_the_time_are_the_users)
{
	CHECK_EQ(flip_cells(offsetof(struct tach_message_header, type), 4, boundary,
			    TACH_ARRAY_SIZE(boundary), "type"),
		 0);
	/* Short payloads only in the first: behind a long message's header it is headers, too. */
	(void)flip_cells(sizeof(struct tach_message_header), 8, boundary, TACH_ARRAY_SIZE(boundary),
			 "payload");
}

/* --- the word that publishes --- */

/* A message at the liar's next cell that is whole but for its tag. */
static struct tach_message_header *lay_out(struct raw_bus *raw)
{
	struct tach_message_header *const cell =
		tach_sender_cell(&raw->liar.sender, raw->liar.sender.sent);

	atomic_store(&tach_sender_cell(&raw->liar.sender, raw->liar.sender.sent + TACH_CELL)->seq,
		     0);
	cell->size = 5;
	cell->type = 7;
	cell->flags = 0;
	memcpy(cell + 1, "text", 5);
	return cell;
}

/* The victim meets a message that is there, and not, and there. */
static int meet(struct raw_bus *raw, int64_t timeout_ns)
{
	struct tach_message_header *const cell = lay_out(raw);
	const uint64_t values[] = {0, tach_ring_tag(raw->liar.sender.sent)};
	struct flipper flipper = {
		.first = (uint8_t *)&cell->seq,
		.count = 1,
		.width = 4,
		.values = values,
		.value_count = 2,
	};
	int ret = TACHYON_ERR_AGAIN;

	flip_start(&flipper);
	while (ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_TIMEDOUT)
		ret = receive(raw, "seq", timeout_ns);
	flip_stop(&flipper);
	raw->liar.sender.sent += TACH_CELL;
	raw->liar.sender.flushed = raw->liar.sender.sent;
	return ret;
}

/* Until it was found out some times, or was not for so long. */
static void meet_many(int64_t timeout_ns)
{
	const uint64_t start = tach_os_now_ns();
	struct raw_bus raw = make_raw_bus();
	int corrupt = 0;

	while (corrupt < flip_rounds(3) && ms_since(start) < flip_rounds(700)) {
		const int ret = meet(&raw, timeout_ns);

		/* Seen by the wait, and gone when it was to be taken. */
		if (ret == TACHYON_ERR_CORRUPT) {
			corrupt++;
			close_raw_bus(&raw);
			raw = make_raw_bus();
		} else {
			CHECK_EQ(ret, 0);
		}
	}
	close_raw_bus(&raw);
}

HOSTILE_TEST(what_was_published_and_is_taken_back_is_never_received)
{
	meet_many(0);
	meet_many(1000000);
}

HOSTILE_TEST(tags_that_change_all_the_time_are_messages_or_corrupt)
{
	for (int i = 0; i < flip_rounds(25); i++) {
		const uint64_t tags[] = {0, 1, 2, 63, 64, 65, 0x7fffffff, 0x80000000, 0xffffffff};

		(void)flip_cells(offsetof(struct tach_message_header, seq), 4, tags,
				 TACH_ARRAY_SIZE(tags), "seq");
	}
}
