/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Tests of lib/mapping.c: a socket that never runs dry, for which a peer must be faster than its
 * reader. Here the reader's own call is another one. What comes on real sockets is in
 * test-refused.c.
 */
#include "harness.h"
#include "sock.h"
#include "urgent.h"

static unsigned int packets;

/* Another urgent event each time. */
static ssize_t receive_without_end(int sock, void *data, size_t size, int fds[TACH_SOCK_FDS],
				   size_t *fd_count)
{
	const struct tachyon_event event = {.type = 1};

	CHECK_EQ(sock, 5);
	CHECK_EQ(size, sizeof(union tach_urgent_buffer));
	(void)fds;
	packets++;
	*fd_count = 0;
	return tach_urgent_put(data, &event);
}

#define tach_sock_receive receive_without_end
#include "mapping.c"

static struct tach_urgents urgents;
static struct tach_mappings mappings = {.max_bytes = 1 << 20, .urgents = &urgents};

TEST(who_looks_for_a_segment_behind_packets_without_end_gives_up)
{
	struct tach_mapping *mapping;

	CHECK_EQ(tach_urgents_init(&urgents), 0);
	CHECK_EQ(tach_mappings_find(&mappings, 5, 7, &mapping), -EBADMSG);
	CHECK_EQ(packets, 16384);
	CHECK_EQ(urgents.count, 256);
	tach_mappings_fini(&mappings);
	tach_urgents_fini(&urgents);
}

TEST(one_look_at_packets_without_end_ends)
{
	CHECK_EQ(tach_urgents_init(&urgents), 0);
	CHECK_EQ(tach_mappings_read(&mappings, 5), 0);
	CHECK_EQ(packets, 64);
	tach_mappings_fini(&mappings);
	tach_urgents_fini(&urgents);
}
