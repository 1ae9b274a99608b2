/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Whether a frame is still what it was, on a weak memory: no content that was written after the
 * publisher gave it up passes for the frame's.
 */
#include "harness.h"

#include "weak.h"

#include "connection-frame.c"
#include "pool-private.h"

#define EXECUTIONS 20000

static struct {
	struct tach_segment_header pool_header, publisher_header;
	struct tachyon_bus bus;
	struct tach_connection connection;
	struct tach_mapping mapping;
	_Atomic uint64_t content;
} pair;

static struct held held;

/* As the pool does when the last publication ends with its holder. */
static void give_up_a_block(void)
{
	atomic_store_explicit(&pair.pool_header.generation[0], 1, memory_order_relaxed);
	tach_pool_admit_writer();
	atomic_store_explicit(&pair.content, 1, memory_order_relaxed);
}

/* As tach_link_fini() does, whose bus says so before the pool admits a writer. */
static void give_up_what_was_lent(void)
{
	atomic_store_explicit(&pair.publisher_header.state, TACH_STATE_CLOSED,
			      memory_order_release);
	tach_pool_admit_writer();
	atomic_store_explicit(&pair.content, 1, memory_order_relaxed);
}

static void read_and_ask(void)
{
	const uint64_t content = atomic_load_explicit(&pair.content, memory_order_relaxed);
	const bool is_valid = is_held_valid(&held.block);

	CHECK(content == 0 || !is_valid);
}

static void meet(void (*publisher)(void), bool is_lent)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&pair, 0, sizeof(pair));
		pair.bus.peer = &pair.publisher_header;
		pair.connection.bus = &pair.bus;
		pair.mapping.segment.header = &pair.pool_header;
		pair.mapping.descriptor.id = is_lent;
		held.connection = &pair.connection;
		held.mapping = &pair.mapping;
		CHECK(weak_run(seed, (void (*const[])(void)){publisher, read_and_ask}, 2));
	}
}

/* Neither closed nor hung up, as far as anybody can tell. */
static void meet_replaced_content(void)
{
	CHECK_EQ(meet_replaced(&pair.bus), -EBADMSG);
	atomic_store_explicit(&pair.bus.end, TACHYON_END_DIED, memory_order_relaxed);
	CHECK_EQ(meet_replaced(&pair.bus), TACHYON_ERR_CLOSED);
}

TEST(a_block_that_is_replaced_while_it_is_out_is_a_lie)
{
	memset(&pair, 0, sizeof(pair));
	pair.bus.peer = &pair.publisher_header;
	pair.bus.sock = pair.bus.pidfd = -1;
	CHECK(weak_run(1, (void (*const[])(void)){meet_replaced_content}, 1));
}

TEST(new_content_of_a_block_does_not_pass_for_the_frames)
{
	meet(give_up_a_block, false);
}

TEST(new_content_of_what_was_lent_does_not_pass_for_the_frames)
{
	meet(give_up_what_was_lent, true);
}
