/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The words of a stream that change, with anything in them, or changing all the time: every call
 * answers within its time, with a code that it may have, and touches nothing that is not its own.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "beacon.h"
#include "stream-layout.h"
#include "stream-setup.h"

/* No call may take so long, whatever it meets: two orders above what any timeout below says. */
#define FOREVER_NS 10000000000ull

static struct tach_stream_header *map_header(const char *what)
{
	const int fd = open(path_of(what), O_RDWR | O_CLOEXEC);
	void *header;

	CHECK(fd >= 0);
	header = mmap(NULL, TACH_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(header != MAP_FAILED);
	close(fd);
	return header;
}

/* --- what a victim may be told --- */

static void check_one_of(const char *call, int ret, const int *allowed, size_t count)
{
	test_count_check();
	if (ret >= 0 && ret <= 1)
		return;
	for (size_t i = 0; i < count; i++) {
		if (ret == allowed[i])
			return;
	}
	test_fail(__FILE__, __LINE__, "%s: %d (%s)", call, ret, tachyon_strerror(ret));
}

#define CHECK_MAY(call, ...)                                                                 \
	do {                                                                                 \
		const uint64_t test_before = clock_ns(CLOCK_MONOTONIC);                      \
		const int test_allowed[] = {__VA_ARGS__};                                    \
                                                                                             \
		check_one_of(#call, call, test_allowed, sizeof(test_allowed) / sizeof(int)); \
		CHECK(clock_ns(CLOCK_MONOTONIC) - test_before < FOREVER_NS);                 \
	} while (0)

/* Guards on both sides: what does not belong to the value is not written. */
struct target {
	uint64_t before;
	uint64_t words[WORDS];
	uint64_t after;
};

static void read_and_look(struct tachyon_stream *stream)
{
	struct target target = {.before = 1, .after = 2};
	struct tachyon_snapshot snapshot;

	CHECK_MAY(tachyon_stream_read(stream, target.words, VALUE_SIZE, &snapshot),
		  TACHYON_ERR_CORRUPT);
	CHECK_MAY(tachyon_stream_read(stream, NULL, 0, &snapshot), TACHYON_ERR_CORRUPT);
	CHECK_EQ(target.before, 1);
	CHECK_EQ(target.after, 2);
}

static void write_and_edit(struct tachyon_stream *stream)
{
	void *data;

	CHECK_MAY(write_within(stream, 5, SHORT_NS), TACHYON_ERR_CORRUPT, TACHYON_ERR_TIMEDOUT);
	if (tachyon_stream_begin(stream, SHORT_NS, &data) == 0) {
		fill(data, 6);
		CHECK_MAY(tachyon_stream_commit(stream), TACHYON_ERR_CORRUPT);
	}
	if (tachyon_stream_lock(stream, SHORT_NS) == 0) {
		const int ret = tachyon_stream_live(stream, &data);

		CHECK(ret == 0 || ret == TACHYON_ERR_CORRUPT);
		if (ret == 0)
			fill(data, ((uint64_t *)data)[WORDS - 1] + 1);
		CHECK_MAY(tachyon_stream_unlock(stream), TACHYON_ERR_CORRUPT);
	}
	CHECK_EQ(tachyon_stream_has_lock(stream), 0);
}

static void wait_and_poll(struct tachyon_stream *stream)
{
	const uint64_t next = tachyon_stream_count(stream) + 1;
	struct pollfd entry = {.fd = tachyon_stream_fd(stream), .events = POLLIN};

	CHECK_MAY(tachyon_stream_wait(stream, next, 0), TACHYON_ERR_AGAIN, TACHYON_ERR_CORRUPT);
	CHECK_MAY(tachyon_stream_wait(stream, next, 2000000), TACHYON_ERR_TIMEDOUT,
		  TACHYON_ERR_CORRUPT);
	CHECK_MAY(tachyon_stream_wait(stream, UINT64_MAX, 2000000), TACHYON_ERR_TIMEDOUT,
		  TACHYON_ERR_CORRUPT);
	CHECK_MAY(tachyon_stream_prepare(stream, next), TACHYON_ERR_CORRUPT);
	CHECK_MAY(poll(&entry, 1, 1), 0);
	CHECK_MAY(tachyon_stream_dispatch(stream, next), TACHYON_ERR_CORRUPT);
}

static void ask(struct tachyon_stream *stream)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	(void)tachyon_stream_count(stream);
	CHECK_MAY(tachyon_stream_get_info(stream, &info), TACHYON_ERR_CORRUPT);
	CHECK_EQ(info.value_size, VALUE_SIZE);
	CHECK_MAY(tachyon_stream_stat(name_of("a"), &info), TACHYON_ERR_CORRUPT);
}

static void try_everything(struct tachyon_stream *stream)
{
	read_and_look(stream);
	wait_and_poll(stream);
	ask(stream);
	write_and_edit(stream);
	read_and_look(stream);
}

static void open_and_try(void)
{
	struct tachyon_stream *stream = NULL;

	CHECK_MAY(tachyon_stream_open(name_of("a"), NULL, &stream), TACHYON_ERR_CORRUPT);
	if (!stream)
		return;
	try_everything(stream);
	tachyon_stream_destroy(stream);
}

/* --- words that stand still --- */

static const uint64_t numbers[] = {
	0,	    1,		2,	    3,	       4,	   5,
	0xf,	    0x10,	INT32_MAX,  1u << 31,  UINT32_MAX, UINT32_MAX - 1,
	1ull << 32, 1ull << 62, 1ull << 63, INT64_MAX, UINT64_MAX, UINT64_MAX - 1,
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

struct mutable_words {
	uint32_t newest;
	uint32_t readers;
	uint32_t turnstile;
	struct {
		uint64_t version;
		uint64_t count;
		uint64_t time_ns;
	} slots[TACH_STREAM_SLOTS];
};

static struct mutable_words save(const struct tach_stream_header *header)
{
	struct mutable_words words = {header->newest, header->readers, header->turnstile, {{0}}};

	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++) {
		words.slots[i].version = header->slots[i].version;
		words.slots[i].count = header->slots[i].count;
		words.slots[i].time_ns = header->slots[i].time_ns;
	}
	return words;
}

static void restore(struct tach_stream_header *header, const struct mutable_words *words)
{
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++) {
		header->slots[i].version = words->slots[i].version;
		header->slots[i].count = words->slots[i].count;
		header->slots[i].time_ns = words->slots[i].time_ns;
	}
	header->newest = words->newest;
	header->readers = words->readers;
	header->turnstile = words->turnstile;
}

static void spoil_newest(struct tach_stream_header *header, uint64_t number)
{
	header->newest = (uint32_t)number;
}

static void spoil_newest_bits(struct tach_stream_header *header, uint64_t number)
{
	header->newest ^= (uint32_t)number & 31;
}

static void spoil_newest_count(struct tach_stream_header *header, uint64_t number)
{
	header->newest += (uint32_t)number << TACH_MARK_SHIFT;
}

static void spoil_turnstile(struct tach_stream_header *header, uint64_t number)
{
	header->turnstile = (uint32_t)number;
}

static void spoil_readers(struct tach_stream_header *header, uint64_t number)
{
	header->readers = (uint32_t)number;
}

static void spoil_versions(struct tach_stream_header *header, uint64_t number)
{
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].version = number;
}

static void spoil_counts(struct tach_stream_header *header, uint64_t number)
{
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].count = number;
}

/* What goes with the newest word, so far as its low bits go, but for the rest. */
static void spoil_high_counts(struct tach_stream_header *header, uint64_t number)
{
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].count += number << 27;
}

static void spoil_times(struct tach_stream_header *header, uint64_t number)
{
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].time_ns = number;
}

static void spoil_all(struct tach_stream_header *header, uint64_t number)
{
	spoil_newest(header, number);
	spoil_turnstile(header, number);
	spoil_readers(header, number);
	spoil_versions(header, number);
	spoil_counts(header, number);
	spoil_times(header, number);
}

static void try_spoiled(void (*spoil)(struct tach_stream_header *header, uint64_t number))
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tach_stream_header *const header = map_header("a");
	struct mutable_words honest;

	for (uint64_t i = 1; i <= 6; i++)
		CHECK_EQ(write_number(stream, i), 0);
	honest = save(header);
	for (size_t i = 0; i < NUMBERS; i++) {
		spoil(header, numbers[i]);
		try_everything(stream);
		restore(header, &honest);
		spoil(header, numbers[i]);
		open_and_try();
		restore(header, &honest);
	}
	/* It was nothing but the words. */
	CHECK_EQ(write_number(stream, 7), 0);
	CHECK_EQ(read_number(stream), 7);
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
	end_stream(stream, "a");
}

TEST_WITH_TIMEOUT(any_newest_word_is_survived, 60)
{
	try_spoiled(spoil_newest);
}

TEST_WITH_TIMEOUT(any_bits_of_the_newest_word_are_survived, 60)
{
	try_spoiled(spoil_newest_bits);
}

TEST_WITH_TIMEOUT(a_count_from_nowhere_is_survived, 60)
{
	try_spoiled(spoil_newest_count);
}

TEST_WITH_TIMEOUT(any_turnstile_word_is_survived, 60)
{
	try_spoiled(spoil_turnstile);
}

TEST_WITH_TIMEOUT(any_number_of_readers_is_survived, 60)
{
	try_spoiled(spoil_readers);
}

TEST_WITH_TIMEOUT(any_versions_are_survived, 60)
{
	try_spoiled(spoil_versions);
}

TEST_WITH_TIMEOUT(any_counts_are_survived, 60)
{
	try_spoiled(spoil_counts);
	try_spoiled(spoil_high_counts);
}

TEST_WITH_TIMEOUT(any_times_are_survived, 60)
{
	try_spoiled(spoil_times);
}

TEST_WITH_TIMEOUT(words_that_are_all_wrong_are_survived, 60)
{
	try_spoiled(spoil_all);
}

TEST(a_newest_value_that_is_for_ever_being_written_is_corrupt)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tach_stream_header *const header = map_header("a");
	uint64_t words[WORDS];

	CHECK_EQ(write_number(stream, 1), 0);
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].version |= 1;
	CHECK_EQ(tachyon_stream_read(stream, words, VALUE_SIZE, NULL), TACHYON_ERR_CORRUPT);
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
	end_stream(stream, "a");
}

TEST(a_newest_value_that_its_slot_knows_nothing_of_is_corrupt)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tach_stream_header *const header = map_header("a");
	uint64_t words[WORDS];

	CHECK_EQ(write_number(stream, 1), 0);
	for (int i = 0; i < (int)TACH_STREAM_SLOTS; i++)
		header->slots[i].count += 2;
	CHECK_EQ(tachyon_stream_read(stream, words, VALUE_SIZE, NULL), TACHYON_ERR_CORRUPT);
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
	end_stream(stream, "a");
}

/* --- no storm --- */

/* Left behind by writers that died, or by nobody: a poller comes to rest. */
TEST(a_word_that_says_that_it_rings_lets_a_poller_sleep)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tachyon_stream *const writer = open_stream("a");
	struct tach_stream_header *const header = map_header("a");
	const int fd = tachyon_stream_fd(stream);

	CHECK_EQ(write_number(stream, 1), 0);
	for (uint32_t bits = 0; bits < 8; bits++) {
		const uint64_t next = tachyon_stream_count(stream) + 1;
		struct pollfd entry = {.fd = fd, .events = POLLIN};
		int turns = 0;

		header->newest |= bits;
		CHECK_EQ(tachyon_stream_prepare(stream, next), 0);
		while (poll(&entry, 1, 20) == 1 && turns++ < 100)
			CHECK_EQ(tachyon_stream_dispatch(stream, next), 0);
		CHECK(turns < 100);
		/* And is told. */
		CHECK_EQ(write_number(writer, 2), 0);
		CHECK_EQ(poll(&entry, 1, 20000), 1);
		CHECK_EQ(tachyon_stream_dispatch(stream, next), 1);
	}
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
	tachyon_stream_destroy(writer);
	end_stream(stream, "a");
}

TEST(a_word_that_says_anything_lets_a_sleeper_sleep)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct tach_stream_header *const header = map_header("a");
	struct rusage before;
	struct rusage after;

	CHECK_EQ(write_number(stream, 1), 0);
	for (uint32_t bits = 0; bits < 8; bits++) {
		header->newest |= bits;
		getrusage(RUSAGE_THREAD, &before);
		CHECK_EQ(tachyon_stream_wait(stream, 2, 100000000), TACHYON_ERR_TIMEDOUT);
		getrusage(RUSAGE_THREAD, &after);
		CHECK(after.ru_nvcsw - before.ru_nvcsw <= 5);
		header->newest &= ~7u;
	}
	CHECK_EQ(munmap(header, TACH_HEADER_SIZE), 0);
	end_stream(stream, "a");
}

/* --- words that change all the time --- */

static void flip_word(struct tach_stream_header *header, uint32_t random, uint64_t number)
{
	struct tach_stream_slot *const slot = &header->slots[random >> 4 & 3];

	switch (random & 15) {
	case 0:
	case 1:
		header->newest = (uint32_t)number;
		break;
	case 2:
	case 3:
		header->newest ^= 1u << (random >> 8 & 31);
		break;
	case 4:
		header->newest += 1u << (TACH_MARK_SHIFT + 2);
		break;
	case 5:
		header->turnstile = (uint32_t)number;
		break;
	case 6:
		header->turnstile ^= 1u << (random >> 8 & 31);
		break;
	case 7:
	case 8:
		slot->version = number;
		break;
	case 9:
		slot->version++;
		break;
	case 10:
	case 11:
		slot->count = number;
		break;
	case 12:
		slot->count = (number & ~0x7ffffffull) | header->newest >> (TACH_MARK_SHIFT + 2);
		break;
	case 13:
		slot->time_ns = number;
		break;
	case 14:
		header->readers = (uint32_t)number;
		break;
	default:
		sched_yield();
	}
}

/* Until it is killed. */
static _Noreturn int flip_for_ever(struct other *other)
{
	struct tach_stream_header *const header = map_header(other->what);
	uint64_t state = 88172645463325252ull;

	tell(other);
	for (;;) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		flip_word(header, (uint32_t)(state >> 20),
			  state & 64 ? numbers[state % NUMBERS] : state);
	}
}

#define FLIP_NS 3000000000ull

static void *be_a_victim(void *arg)
{
	struct tachyon_stream *const stream = arg;
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + FLIP_NS;

	while (clock_ns(CLOCK_MONOTONIC) < end)
		try_everything(stream);
	return NULL;
}

static int be_another_victim(struct other *other)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + FLIP_NS;

	(void)other;
	while (clock_ns(CLOCK_MONOTONIC) < end)
		open_and_try();
	return 0;
}

TEST_WITH_TIMEOUT(words_that_change_all_the_time_are_survived, 60)
{
	struct tachyon_stream *const stream = make_stream("a");
	struct other flipper = start_other(flip_for_ever, "a", NULL);
	struct other victim;
	struct tachyon_stream *streams[2];
	pthread_t threads[2];

	await(&flipper);
	victim = start_other(be_another_victim, "a", NULL);
	/* prepare and dispatch are for one thread at a time: each has a handle. */
	for (int i = 0; i < 2; i++) {
		streams[i] = open_stream("a");
		CHECK_EQ(pthread_create(&threads[i], NULL, be_a_victim, streams[i]), 0);
	}
	be_a_victim(stream);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
		tachyon_stream_destroy(streams[i]);
	}
	end_other(&victim);
	kill_other(&flipper);
	/* The lock is no word. */
	CHECK_EQ(tachyon_stream_lock(stream, LONG_NS), 0);
	CHECK_EQ(tachyon_stream_unlock(stream), 0);
	end_stream(stream, "a");
}
