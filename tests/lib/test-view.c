/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Received memory that may be written to: the writer sees what it wrote, nobody else does, and what
 * comes next in the same memory is what was sent.
 */
#include "view.h"

#include <sys/mman.h>

#include "frames.h"
#include "system.h"

#define PAGE 4096u
#define RING (64u * PAGE)

/* --- a view alone --- */

struct looked_at {
	struct tach_segment ours;
	struct tach_segment theirs;
	struct tach_view view;
};

static struct looked_at look_at_ring(void)
{
	struct looked_at is;

	memset(&is, 0, sizeof(is));
	CHECK_EQ(tach_segment_create_ring(&is.ours, RING), 0);
	CHECK_EQ(tach_segment_attach(&is.theirs, is.ours.fd, TACH_SEGMENT_RING, UINT64_MAX), 0);
	CHECK_EQ(tach_view_init(&is.view, &is.theirs, is.ours.fd), 0);
	return is;
}

static void look_away(struct looked_at *is)
{
	tach_view_fini(&is->view);
	tach_segment_destroy(&is->theirs);
	tach_segment_destroy(&is->ours);
}

TEST(a_view_shows_what_the_owner_writes)
{
	struct looked_at is = look_at_ring();

	CHECK_EQ(is.view.data_size, 2 * RING);
	CHECK_EQ(is.view.data[5], 0);
	is.ours.data[5] = 'a';
	CHECK_EQ(is.view.data[5], 'a');
	CHECK_EQ(is.view.data[RING + 5], 'a');
	look_away(&is);
}

TEST(what_is_written_to_a_view_stays_there_until_it_is_refreshed)
{
	struct looked_at is = look_at_ring();

	is.view.data[3 * PAGE] = 'x';
	CHECK_EQ(is.ours.data[3 * PAGE], 0);
	CHECK_EQ(is.theirs.data[3 * PAGE], 0);
	is.ours.data[3 * PAGE + 1] = 'y';
	CHECK_EQ(is.view.data[3 * PAGE + 1], 0);

	CHECK_EQ(tach_view_refresh(&is.view, 2 * PAGE, PAGE), 0);
	CHECK_EQ(is.view.data[3 * PAGE], 'x');
	CHECK_EQ(tach_view_refresh(&is.view, 3 * PAGE + 17, 1), 0);
	CHECK_EQ(is.view.data[3 * PAGE], 0);
	CHECK_EQ(is.view.data[3 * PAGE + 1], 'y');
	look_away(&is);
}

TEST(every_page_of_a_long_range_is_refreshed_whichever_were_written)
{
	const unsigned int pages = 2 * RING / PAGE;
	struct looked_at is = look_at_ring();

	for (unsigned int mask = 1; mask < 8; mask++) {
		for (unsigned int i = 0; i < pages; i++) {
			if (mask >> (i % 3) & 1)
				is.view.data[i * PAGE + 9] = 'x';
		}
		fill(is.ours.data, RING, mask);
		CHECK_EQ(tach_view_refresh(&is.view, 0, 2 * RING), 0);
		CHECK(is_filled(is.view.data, RING, mask));
		CHECK_EQ(memcmp(is.view.data + RING, is.ours.data, RING), 0);
	}
	look_away(&is);
}

TEST(a_view_without_a_page_table_to_look_at_is_refreshed_all_the_same)
{
	struct looked_at is = look_at_ring();

	tach_os_close(is.view.pagemap);
	is.view.pagemap = -1;
	is.view.data[PAGE] = 'x';
	CHECK_EQ(tach_view_refresh(&is.view, PAGE, PAGE), 0);
	CHECK_EQ(is.view.data[PAGE], 0);
	look_away(&is);
}

TEST(a_view_in_locked_memory_is_refreshed_all_the_same)
{
	struct looked_at is = look_at_ring();

	/*
	 * As mlockall() does it: each page is written to, and so becomes a copy. A sanitizer makes
	 * nothing of mlock().
	 */
	if (syscall(SYS_mlock, is.view.data, 4 * PAGE) < 0)
		SKIP("memory cannot be locked here");
	is.ours.data[PAGE] = 'y';
	CHECK_EQ(is.view.data[PAGE], 0);
	CHECK_EQ(tach_view_refresh(&is.view, PAGE, PAGE), 0);
	CHECK_EQ(is.view.data[PAGE], 'y');
	look_away(&is);
}

/* --- messages --- */

static struct tachyon_bus_options viewer_options(void)
{
	return (struct tachyon_bus_options){
		.size = sizeof(struct tachyon_bus_options),
		.ring_size = RING,
		.has_private_view = 1,
	};
}

TEST(without_the_option_a_message_has_no_private_view)
{
	struct pair pair = make_pair(RING);
	struct tachyon_message message;
	void *data = &pair;

	CHECK_EQ(tachyon_bus_send(pair.left, "hello", 5, 1, 0), 0);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	CHECK_EQ(tachyon_bus_private_view(pair.right, &message, &data), -EINVAL);
	CHECK_EQ(data, &pair);
	CHECK_EQ(tachyon_bus_private_view(NULL, &message, &data), -EINVAL);
	close_pair(&pair);
}

TEST(a_message_scribbled_on_lap_after_lap_is_what_was_sent_each_time)
{
	const struct tachyon_bus_options options = viewer_options();
	struct pair pair = make_pair_with(&options, &options);
	static uint8_t content[RING / 2];

	for (unsigned int number = 0; number < 100; number++) {
		const size_t size = number * 7919 % sizeof(content);
		struct tachyon_message message;
		void *data;

		fill(content, size, number);
		CHECK_EQ(tachyon_bus_send(pair.left, content, size, number, 0), 0);
		CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
		CHECK_EQ(tachyon_bus_private_view(pair.right, &message, &data), 0);
		CHECK(is_filled(data, size, number));
		memset(data, 0xee, size);
		CHECK(is_filled(message.data, size, number));
		CHECK_EQ(tachyon_bus_release(pair.right, &message), 0);
		CHECK_EQ(tachyon_bus_private_view(pair.right, &message, &data), -EINVAL);
	}
	close_pair(&pair);
}

TEST(a_made_up_message_has_no_private_view)
{
	const struct tachyon_bus_options options = viewer_options();
	struct pair pair = make_pair_with(&options, &options);
	struct tachyon_message message;
	struct tachyon_message lie;
	void *data;

	CHECK_EQ(tachyon_bus_send(pair.left, "hello", 5, 1, 0), 0);
	CHECK_EQ(tachyon_bus_receive(pair.right, &message, 0), 0);
	lie = message;
	lie.data = &lie;
	CHECK_EQ(tachyon_bus_private_view(pair.right, &lie, &data), -EINVAL);
	lie = message;
	lie.size = 2 * RING;
	CHECK_EQ(tachyon_bus_private_view(pair.right, &lie, &data), -EINVAL);
	lie = message;
	lie.position += 64;
	CHECK_EQ(tachyon_bus_private_view(pair.right, &lie, &data), -EINVAL);
	CHECK_EQ(tachyon_bus_private_view(pair.right, &message, &data), 0);
	close_pair(&pair);
}

/* --- frames --- */

TEST(a_frame_scribbled_on_is_what_was_sent_to_everybody_else_and_the_next_time)
{
	const struct tachyon_subscriber_options private_options = {
		.size = sizeof(private_options),
		.is_private = 1,
	};
	const size_t sizes[] = {100, 5000, 3 * PAGE, 200001};
	struct tachyon_publisher *const publisher = make_publisher(NULL);
	struct tachyon_subscriber *const scribbler = join_with(publisher, &private_options);
	struct tachyon_subscriber *const reader = join(publisher);

	for (unsigned int number = 0; number < 60; number++) {
		const size_t size = sizes[number % TACH_ARRAY_SIZE(sizes)];
		struct tachyon_frame frame;

		CHECK(publish_number(publisher, size, number) == 2);
		frame = expect_frame(scribbler, size, number);
		memset(frame.data, 0xee, size);
		CHECK(!is_number(&frame, number));
		CHECK_EQ(tachyon_frame_is_valid(&frame), 1);
		take_frame(reader, size, number);
		tachyon_frame_release(&frame);
		CHECK_EQ(blocks_in_use(publisher), 0);
	}
	tachyon_subscriber_destroy(reader);
	tachyon_subscriber_destroy(scribbler);
	tachyon_publisher_destroy(publisher);
}
