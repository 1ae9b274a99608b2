/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A publisher that arms the words of its subscribers, on a weak memory: it sleeps on nothing that
 * one of them returned meanwhile.
 */
#include "harness.h"

#include "weak.h"

#define tach_os_membarrier weak_membarrier
#define tach_sock_ring weak_ring
#define tach_sock_drain weak_drain
#define tach_os_poll weak_poll
#define tach_pool_set_wake weak_set_wake
#define tach_pool_freed weak_freed
#define tach_audience_drain weak_audience_drain
#define tach_link_sync weak_link_sync
#define tach_link_unblock weak_link_unblock
#include "wait.c"
#undef SLICE_NS
#include "publisher-wait.c"

#define EXECUTIONS 5000
#define RING 256u

static struct {
	struct tach_segment_header publisher_header, subscriber_header;
	_Alignas(64) uint8_t data[RING];
	struct tachyon_bus bus;
	struct tach_sender sender;
	struct tach_waker waker;
	unsigned int rings;
} pair;

static struct tachyon_publisher publisher;

bool weak_ring(int bell)
{
	(void)bell;
	pair.rings++;
	return true;
}

void weak_drain(int bell)
{
	(void)bell;
	pair.rings = 0;
}

void weak_set_wake(struct tach_pool *pool, int event_fd)
{
	(void)pool;
	(void)event_fd;
}

uint64_t weak_freed(struct tach_pool *pool)
{
	(void)pool;
	return 0;
}

/* What it looks for: something in the ring. */
void weak_audience_drain(struct tachyon_publisher *of)
{
	if (tach_ring_is_ready(&pair.bus.receiver))
		of->changes++;
}

int weak_link_sync(struct tach_link *link)
{
	(void)link;
	return 0;
}

bool weak_link_unblock(struct tach_link *link)
{
	(void)link;
	return false;
}

static bool is_rung(void *data)
{
	(void)data;
	return pair.rings > 0;
}

/* Nothing but the bell ends it; whose ring is drained by disarm(), here by hand. */
int weak_poll(struct pollfd *fds, size_t count, uint64_t deadline_ns)
{
	(void)fds;
	(void)count;
	(void)deadline_ns;
	weak_block(is_rung, NULL);
	return 1;
}

static void return_one(void)
{
	void *room;

	CHECK_EQ(tach_ring_reserve(&pair.sender, 0, &room), 0);
	CHECK_EQ(tach_ring_commit(&pair.sender, 0, TACH_WIRE_RETURN), 0);
	CHECK(tach_ring_flush(&pair.sender));
	tach_waker_wake(&pair.waker);
}

/* A thread that was told that there is no block: nothing has changed since. */
static void wait_for_it(void)
{
	publisher.notes[0] = (struct tach_note){.thread = this_thread(), .wants_blocks = true};
	lead(&publisher, TACH_FOREVER);
}

TEST_WITH_TIMEOUT(no_return_is_slept_through, 120)
{
	for (uint64_t seed = 0; seed < EXECUTIONS; seed++) {
		memset(&pair, 0, sizeof(pair));
		memset(&publisher, 0, sizeof(publisher));
		publisher.audience.present = 1;
		publisher.audience.joined = 1;
		publisher.audience.links[0].bus = &pair.bus;
		tach_sender_init(&pair.sender, pair.data, RING, &pair.publisher_header.head);
		tach_receiver_init(&pair.bus.receiver, pair.data, RING,
				   &pair.publisher_header.head);
		tach_wait_init(&pair.bus.data_wait, &pair.publisher_header.wait_data, -1);
		tach_wait_init(&pair.bus.space_wait, &pair.publisher_header.wait_space, -1);
		tach_waker_init(&pair.waker, &pair.publisher_header.wait_data, -1);
		CHECK(weak_run(seed, (void (*const[])(void)){return_one, wait_for_it}, 2));
	}
}
