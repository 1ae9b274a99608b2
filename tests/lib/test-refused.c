/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What is just not what it should be: each check that tests/mutation left out and no other test
 * missed.
 */
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "link.h"
#include "mapping.h"
#include "pair.h"
#include "stream-file.h"
#include "subscriber.c"
#include "system.h"

/* --- packets on a subscriber's socket --- */

struct table {
	struct tach_mappings mappings;
	struct tach_segment segment;
	int ends[2];
};

static void open_table(struct table *table)
{
	*table = (struct table){.mappings.max_bytes = 1ull << 30};
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, table->ends), 0);
	CHECK_EQ(tach_segment_create_payload(&table->segment, tach_os_page_size(), 1), 0);
}

static void close_table(struct table *table)
{
	tach_mappings_fini(&table->mappings);
	tach_segment_destroy(&table->segment);
	tach_os_close(table->ends[0]);
	tach_os_close(table->ends[1]);
}

struct announcement {
	struct tach_segment_packet packet;
	uint8_t behind[8];
};

static struct announcement announce(uint32_t id)
{
	return (struct announcement){
		.packet = {.magic = TACH_MAGIC,
			   .protocol = TACH_PROTOCOL,
			   .kind = TACH_PACKET_SEGMENT,
			   .segment = id},
	};
}

/* What reading it says: -EAGAIN, where it is fine and there is no more. */
static int take_announced(struct table *table, const struct announcement *said, size_t size,
			  size_t fd_count)
{
	const int fds[] = {table->segment.fd, table->segment.fd};

	CHECK_EQ(tach_sock_send(table->ends[1], said, size, fds, fd_count), 0);
	return tach_mappings_read(&table->mappings, table->ends[0]);
}

TEST(a_segment_is_announced_once)
{
	const struct announcement said = announce(1);
	struct table table;

	open_table(&table);
	CHECK_EQ(take_announced(&table, &said, sizeof(said.packet), 1), -EAGAIN);
	CHECK_EQ(take_announced(&table, &said, sizeof(said.packet), 1), -EBADMSG);
	close_table(&table);
}

TEST(a_segment_beyond_the_most_that_are_mapped_is_corrupt)
{
	struct table table;

	open_table(&table);
	for (uint32_t id = 1; id <= 1024; id++) {
		const struct announcement said = announce(id);

		CHECK_EQ(take_announced(&table, &said, sizeof(said.packet), 1), -EAGAIN);
	}
	const struct announcement said = announce(1025);

	CHECK_EQ(take_announced(&table, &said, sizeof(said.packet), 1), -EBADMSG);
	close_table(&table);
}

static void check_refused(const struct announcement *said, size_t size, size_t fd_count)
{
	struct table table;

	open_table(&table);
	CHECK_EQ(take_announced(&table, said, size, fd_count), -EBADMSG);
	close_table(&table);
}

TEST(an_announcement_of_another_size_is_corrupt)
{
	const struct announcement said = announce(1);

	check_refused(&said, sizeof(said.packet) - 1, 1);
	check_refused(&said, sizeof(said.packet) + 1, 1);
}

TEST(an_announcement_with_more_than_a_descriptor_is_corrupt)
{
	const struct announcement said = announce(1);

	check_refused(&said, sizeof(said.packet), 2);
}

TEST(a_packet_of_another_protocol_is_corrupt)
{
	struct announcement said = announce(1);

	said.packet.protocol++;
	check_refused(&said, sizeof(said.packet), 1);
}

TEST(a_segment_that_will_not_be_announced_is_corrupt)
{
	struct tach_mapping *mapping;
	struct table table;

	open_table(&table);
	CHECK_EQ(shutdown(table.ends[1], SHUT_RDWR), 0);
	CHECK_EQ(tach_mappings_find(&table.mappings, table.ends[0], 7, &mapping), -EBADMSG);
	close_table(&table);
}

TEST(a_segment_that_retires_has_no_more_frames)
{
	const struct announcement said = announce(1);
	const struct tach_block_ref ref = {.segment = 1, .size = 10};
	struct tach_mapping *mapping;
	struct table table;
	uint8_t *data;

	open_table(&table);
	CHECK_EQ(take_announced(&table, &said, sizeof(said.packet), 1), -EAGAIN);
	CHECK_EQ(tach_mappings_resolve(&table.mappings, table.ends[0], &ref, &mapping, &data), 0);
	mapping->is_retiring = true;
	CHECK_EQ(tach_mappings_resolve(&table.mappings, table.ends[0], &ref, &mapping, &data),
		 -EBADMSG);
	close_table(&table);
}

/* --- messages: refused before anything else is looked at --- */

static struct tachyon_message make_message(const void *data, uint32_t size, uint32_t type)
{
	return (struct tachyon_message){.data = data, .size = size, .type = type};
}

/* A reference that would be good. */
struct reference {
	struct tach_wire_ref ref;
	uint8_t behind[8];
};

static int take_outline_of(const struct reference *body, uint32_t body_size)
{
	const struct tachyon_message message = make_message(body, body_size, TACH_WIRE_OUTLINE);
	uint32_t type;
	void *content;
	size_t size;

	return tach_connection_take_outline(NULL, &message, &type, &content, &size);
}

TEST(an_outline_of_another_size_is_corrupt)
{
	const struct reference body = {.ref = {.segment = 1, .size = 10, .type = TACH_WIRE_CAPS}};

	CHECK_EQ(take_outline_of(&body, sizeof(body.ref) - 1), -EBADMSG);
	CHECK_EQ(take_outline_of(&body, sizeof(body.ref) + 1), -EBADMSG);
}

TEST(an_outline_above_the_limit_of_a_body_is_corrupt)
{
	const struct reference body = {
		.ref = {.segment = 1, .size = TACH_WIRE_CONTROL_MAX + 1, .type = TACH_WIRE_CAPS}};

	CHECK_EQ(take_outline_of(&body, sizeof(body.ref)), -EBADMSG);
}

TEST(a_retirement_of_another_size_is_corrupt)
{
	const struct reference body = {.ref = {.segment = 1}};
	const struct tachyon_message less =
		make_message(&body, sizeof(body.ref) - 1, TACH_WIRE_RETIRE);
	const struct tachyon_message more =
		make_message(&body, sizeof(body.ref) + 1, TACH_WIRE_RETIRE);

	CHECK_EQ(tach_connection_retire(NULL, &less), -EBADMSG);
	CHECK_EQ(tach_connection_retire(NULL, &more), -EBADMSG);
}

TEST(an_unknown_message_above_the_limit_is_corrupt)
{
	const struct tachyon_message message = make_message(NULL, TACH_WIRE_CONTROL_MAX + 1, 99);
	struct tachyon_subscriber *subscriber = calloc(1, sizeof(*subscriber));
	struct tachyon_item item;

	CHECK(subscriber);
	CHECK_EQ(take(subscriber, &message, &item), -EBADMSG);
	free(subscriber);
}

TEST(inline_metadata_above_the_limit_is_corrupt)
{
	const struct tach_wire_inline wire = {.metadata_size = TACH_WIRE_METADATA_MAX + 25};
	const size_t size = sizeof(wire) + wire.metadata_size;
	uint8_t *body = calloc(1, size);
	struct tachyon_frame frame;

	CHECK(body);
	memcpy(body, &wire, sizeof(wire));
	CHECK_EQ(tach_wire_get_inline(body, size, &frame), -EBADMSG);
	free(body);
}

/* --- a subscriber's messages --- */

TEST(a_message_from_a_subscriber_above_the_limit_is_corrupt)
{
	static const char zeros[TACH_WIRE_UP_EVENT_MAX + sizeof(struct tach_wire_event) + 1];
	const struct pair pair = make_pair(16384);
	struct tach_sticky sticky = {0};
	struct tach_link link;
	struct tach_pool *pool;

	CHECK_EQ(tach_pool_create(1 << 20, &pool), 0);
	CHECK_EQ(tach_link_init(&link, pair.left, 3, pool, &sticky), 0);
	CHECK_EQ(tachyon_bus_send(pair.right, zeros, sizeof(zeros) - 1, 99, 0), 0);
	CHECK_EQ(tach_link_drain(&link, NULL, NULL), 1);
	CHECK_EQ(tachyon_bus_send(pair.right, zeros, sizeof(zeros), 99, 0), 0);
	CHECK_EQ(tach_link_drain(&link, NULL, NULL), TACHYON_ERR_CORRUPT);
	tach_link_fini(&link);
	tach_pool_close(pool);
	tach_sticky_fini(&sticky);
	tachyon_bus_destroy(pair.right);
}

/* --- the rest --- */

TEST(a_process_that_cannot_register_has_no_membarrier)
{
	if (!forbid_call(SYS_membarrier, 0, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, EPERM))
		SKIP("no seccomp");
	CHECK(!tach_os_membarrier_register());
}

TEST(a_segment_whose_pages_cannot_be_had_is_corrupt)
{
	struct tach_segment ours, theirs;

	CHECK_EQ(tach_segment_create_ring(&ours, tach_ring_size(0)), 0);
	/* What MADV_POPULATE_READ says of a file whose block count lies. */
	if (!forbid_call(SYS_madvise, 2, 22, EFAULT))
		SKIP("no seccomp");
	CHECK_EQ(tach_segment_attach(&theirs, ours.fd, TACH_SEGMENT_RING, 1 << 20), -EBADMSG);
	tach_segment_destroy(&ours);
}

TEST(a_stream_of_another_user_is_denied)
{
	const int file = open("theirs", O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fchown(file, OTHER_UID, (gid_t)-1) < 0)
		SKIP("only root can make another user's file");
	CHECK_EQ(tach_stream_open_file("theirs"), TACHYON_ERR_DENIED);
	tach_os_close(file);
	CHECK_EQ(unlink("theirs"), 0);
}
