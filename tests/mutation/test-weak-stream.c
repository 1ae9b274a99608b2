/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The values of a stream on a weak memory: what a reader gets is one value, whole, and nobody
 * takes a file that is written to for a damaged one.
 */
#include <stdarg.h>

#include "harness.h"

#include "weak.h"

#define tach_os_touch weak_touch
#define syscall weak_syscall
#define tach_slots_copy copy_of_bytes
#include "beacon.c"
#include "os-futex.c"
#include "slots.c"
#undef tach_slots_copy
#define tach_slots_copy copy_of_words
static void copy_of_words(void *to, const void *from, size_t size);
#include "stream-read.c"

#define EXECUTIONS 30000
#define WRITES 3u
#define WORDS 2u

static struct tach_stream_header header;
static _Alignas(64) uint64_t values[TACH_STREAM_SLOTS][WORDS];
static struct tachyon_stream stream;
static unsigned int wakes;

void weak_touch(int file)
{
	(void)file;
}

/* A kernel that wakes, but does not know FUTEX_WAKE_OP. */
long weak_syscall(long number, ...)
{
	va_list arguments;
	int operation;

	va_start(arguments, number);
	(void)va_arg(arguments, void *);
	operation = va_arg(arguments, int);
	va_end(arguments);
	if (operation != FUTEX_WAKE)
		return -1;
	wakes++;
	return 1;
}

/* What memcpy() is to the compiler: loads that nothing orders. */
static void copy_of_words(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = atomic_load_explicit((const _Atomic uint64_t *)from + i,
							   memory_order_relaxed);
}

/* A value is its count, in each of its words. */
static void write_value(uint64_t count)
{
	const uint32_t newest = atomic_load_explicit(&header.newest, memory_order_relaxed);
	const struct tach_place place = {
		.slot = tach_slots_choose(&header, tach_beacon_mark(newest) & SLOT_MASK, false),
		.count = count,
	};

	tach_slots_begin(&header, place.slot);
	for (unsigned int i = 0; i < WORDS; i++)
		atomic_store_explicit((_Atomic uint64_t *)&values[place.slot][i], count,
				      memory_order_relaxed);
	tach_slots_finish(&header, &place, 0);
	tach_beacon_publish(&header.newest, -1, tach_slots_mark(&place));
}

static void writer(void)
{
	for (uint64_t count = 1; count <= WRITES; count++)
		write_value(count);
}

static uint64_t read_newest(void)
{
	uint64_t value[WORDS] = {0};
	const struct target target = {.data = value};
	struct tach_reading reading;
	int ret;

	while ((ret = read_once(&stream, &target, &reading)) == OVERTAKEN)
		weak_pause();
	CHECK_EQ(ret, 0);
	for (unsigned int i = 0; i < WORDS; i++)
		CHECK_EQ(value[i], reading.place.count);
	return value[0];
}

static void reader(void)
{
	for (int i = 0; i < 3; i++)
		read_newest();
}

static bool is_woken(void *data)
{
	return wakes != *(unsigned int *)data;
}

/* As wait_until() of stream-wait.c; the kernel compares the word before it sleeps. */
static void sleeper(void)
{
	for (;;) {
		const uint32_t seen = tach_beacon_look(&header.newest);
		unsigned int before;
		uint32_t word;

		if (tach_beacon_mark(seen) >> SLOT_BITS == WRITES)
			break;
		word = tach_beacon_arm(&header.newest, seen, TACH_BEACON_ASLEEP);
		before = wakes;
		if (word != 0 && *(volatile uint32_t *)&header.newest == word)
			weak_block(is_woken, &before);
	}
	CHECK_EQ(read_newest(), WRITES);
}

static void meet(void (*const others[])(void), unsigned int count)
{
	stream.header = &header;
	stream.slots = (uint8_t *)values;
	stream.shape.value_size = sizeof(values[0]);
	stream.shape.slot_size = sizeof(values[0]);
	stream.shape.has_mirror = true;
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&header, 0, sizeof(header));
		memset(values, 0, sizeof(values));
		wakes = 0;
		CHECK(weak_run(seed, others, count));
	}
}

TEST_WITH_TIMEOUT(a_value_is_read_whole_or_not_at_all, 120)
{
	meet((void (*const[])(void)){writer, reader}, 2);
}

TEST_WITH_TIMEOUT(who_is_woken_reads_what_was_published, 120)
{
	meet((void (*const[])(void)){writer, sleeper}, 2);
}

TEST_WITH_TIMEOUT(who_reads_while_another_is_woken_finds_nothing_damaged, 120)
{
	meet((void (*const[])(void)){writer, sleeper, reader}, 3);
}
