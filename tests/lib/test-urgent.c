/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The packet of an urgent event, and the queue of those that came.
 */
#include "urgent.h"

#include <poll.h>
#include <stdlib.h>

#include "harness.h"

/* --- packets --- */

static struct tachyon_event make_event(const void *data, size_t size)
{
	return (struct tachyon_event){.type = 7, .order = 8, .id = 9, .data = data, .size = size};
}

TEST(what_is_put_is_what_one_gets)
{
	static const char data[TACH_URGENT_DATA_MAX] = "data";
	const size_t sizes[] = {0, 1, 5, 4095, 4096};

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++) {
		const struct tachyon_event event = make_event(data, sizes[i]);
		union tach_urgent_buffer buffer;
		struct tachyon_event got;
		const ssize_t size = tach_urgent_put(&buffer, &event);

		CHECK_EQ(size, 40 + sizes[i]);
		CHECK_EQ(tach_urgent_get(&buffer, (size_t)size, &got), 0);
		CHECK_EQ(got.type, 7);
		CHECK_EQ(got.order, 8);
		CHECK_EQ(got.id, 9);
		CHECK_EQ(got.size, sizes[i]);
		if (sizes[i] > 0)
			CHECK_MEM_EQ(got.data, data, sizes[i]);
	}
}

TEST(more_than_4_kib_fit_in_no_packet)
{
	static const char data[TACH_URGENT_DATA_MAX + 1];
	struct tachyon_event event = make_event(data, sizeof(data));
	union tach_urgent_buffer buffer;

	CHECK_EQ(tach_urgent_put(&buffer, &event), -EMSGSIZE);
	event.size = SIZE_MAX;
	CHECK_EQ(tach_urgent_put(&buffer, &event), -EMSGSIZE);
	event.size = (size_t)UINT32_MAX + 1;
	CHECK_EQ(tach_urgent_put(&buffer, &event), -EMSGSIZE);
}

/* A packet of five bytes of data, one thing of it changed. */
static int get_changed(void (*change)(struct tach_urgent_packet *packet))
{
	const struct tachyon_event event = make_event("12345", 5);
	union tach_urgent_buffer buffer;
	struct tachyon_event got = {.type = 77};
	const ssize_t size = tach_urgent_put(&buffer, &event);
	int ret;

	change(&buffer.packet);
	ret = tach_urgent_get(&buffer, (size_t)size, &got);
	CHECK_EQ(got.type, ret == 0 ? 7 : 77);
	return ret;
}

#define CHANGE(name, statement)                             \
	static void name(struct tach_urgent_packet *packet) \
	{                                                   \
		statement;                                  \
	}

CHANGE(nothing, (void)packet)
CHANGE(reserved, packet->event.reserved = 5)
CHANGE(magic, packet->magic++)
CHANGE(protocol, packet->protocol = 2)
CHANGE(kind, packet->kind = TACH_PACKET_SEGMENT)
CHANGE(one_less, packet->event.size--)
CHANGE(one_more, packet->event.size++)
CHANGE(very_much, packet->event.size = UINT32_MAX)

TEST(each_field_of_a_packet_is_checked)
{
	CHECK_EQ(get_changed(nothing), 0);
	CHECK_EQ(get_changed(reserved), 0);
	CHECK_EQ(get_changed(magic), -EBADMSG);
	CHECK_EQ(get_changed(protocol), -EBADMSG);
	CHECK_EQ(get_changed(kind), -EBADMSG);
	CHECK_EQ(get_changed(one_less), -EBADMSG);
	CHECK_EQ(get_changed(one_more), -EBADMSG);
	CHECK_EQ(get_changed(very_much), -EBADMSG);
}

TEST(a_packet_of_any_other_size_is_none)
{
	const struct tachyon_event event = make_event("12345", 5);
	union tach_urgent_buffer buffer;
	struct tachyon_event got;
	const size_t right = (size_t)tach_urgent_put(&buffer, &event);

	for (size_t size = 0; size <= sizeof(buffer) + 10; size++) {
		const int expected = size == right ? 0 : -EBADMSG;

		if (tach_urgent_get(&buffer, size, &got) != expected)
			CHECK_EQ(size, 0);
	}
	CHECK_EQ(tach_urgent_get(&buffer, right, &got), 0);
	buffer.packet.event.size = TACH_URGENT_DATA_MAX + 1;
	CHECK_EQ(tach_urgent_get(&buffer, sizeof(buffer) + 1, &got), -EBADMSG);
}

/* --- the queue --- */

static void add_number(struct tach_urgents *urgents, uint32_t number)
{
	const struct tachyon_event event = {.type = number, .data = &number, .size = 4};

	tach_urgents_add(urgents, &event);
}

static int take(struct tach_urgents *urgents, struct tachyon_event *event)
{
	return tach_urgents_take(urgents, tach_urgents_cancels(urgents), event);
}

static int is_readable(const struct tach_urgents *urgents)
{
	struct pollfd entry = {.fd = urgents->event, .events = POLLIN};

	return poll(&entry, 1, 0);
}

TEST(a_queue_is_first_in_first_out_and_readable_while_some_wait)
{
	struct tach_urgents urgents;
	struct tachyon_event event = {.type = 77};

	CHECK_EQ(tach_urgents_init(&urgents), 0);
	CHECK_EQ(take(&urgents, &event), 0);
	CHECK_EQ(event.type, 77);
	CHECK_EQ(is_readable(&urgents), 0);
	for (uint32_t i = 1; i <= 3; i++)
		add_number(&urgents, i);
	for (uint32_t i = 1; i <= 3; i++) {
		CHECK_EQ(is_readable(&urgents), 1);
		CHECK_EQ(take(&urgents, &event), 1);
		CHECK_EQ(event.type, i);
		CHECK_MEM_EQ(event.data, &i, 4);
	}
	CHECK_EQ(is_readable(&urgents), 0);
	CHECK_EQ(take(&urgents, &event), 0);
	add_number(&urgents, 4);
	CHECK_EQ(is_readable(&urgents), 1);
	tach_urgents_fini(&urgents);
}

TEST(at_most_256_wait_and_newer_ones_are_dropped)
{
	struct tach_urgents urgents;
	struct tachyon_event event;
	uint32_t count = 0;

	CHECK_EQ(tach_urgents_init(&urgents), 0);
	for (uint32_t i = 0; i < 300; i++)
		add_number(&urgents, i);
	while (take(&urgents, &event) == 1)
		CHECK_EQ(event.type, count++);
	CHECK_EQ(count, 256);
	add_number(&urgents, 5);
	CHECK_EQ(take(&urgents, &event), 1);
	tach_urgents_fini(&urgents);
}

TEST(at_most_64_kib_wait)
{
	static const char data[4096];
	const struct tachyon_event large = {.data = data, .size = sizeof(data)};
	struct tach_urgents urgents;
	struct tachyon_event event;
	int count = 0;

	CHECK_EQ(tach_urgents_init(&urgents), 0);
	for (int i = 0; i < 20; i++)
		tach_urgents_add(&urgents, &large);
	/* One without data still has a place. */
	tach_urgents_add(&urgents, &(struct tachyon_event){.type = 1});
	while (take(&urgents, &event) == 1)
		count++;
	CHECK_EQ(count, 17);
	CHECK_EQ(event.type, 1);
	tach_urgents_add(&urgents, &large);
	CHECK_EQ(take(&urgents, &event), 1);
	tach_urgents_fini(&urgents);
}

TEST(a_cancel_is_readable_and_keeps_what_waits_for_after_the_resume)
{
	struct tach_urgents urgents;
	struct tachyon_event event;
	uint32_t before;

	CHECK_EQ(tach_urgents_init(&urgents), 0);
	tach_urgents_cancel(&urgents);
	CHECK_EQ(is_readable(&urgents), 1);
	CHECK_EQ(take(&urgents, &event), -ECANCELED);
	CHECK_EQ(is_readable(&urgents), 1);
	add_number(&urgents, 1);
	CHECK_EQ(take(&urgents, &event), -ECANCELED);
	tach_urgents_resume(&urgents);
	CHECK_EQ(take(&urgents, &event), 1);
	CHECK_EQ(is_readable(&urgents), 0);

	/* One that was taken back is told to a wait that began before it, and to no other. */
	before = tach_urgents_cancels(&urgents);
	tach_urgents_cancel(&urgents);
	tach_urgents_resume(&urgents);
	CHECK_EQ(is_readable(&urgents), 1);
	CHECK_EQ(tach_urgents_take(&urgents, before, &event), -ECANCELED);
	CHECK_EQ(is_readable(&urgents), 0);
	CHECK_EQ(take(&urgents, &event), 0);
	tach_urgents_fini(&urgents);
}
