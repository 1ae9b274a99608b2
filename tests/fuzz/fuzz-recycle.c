/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What each connection makes anew, and throws away: a ring segment, and two doorbells. Here they
 * are used again, as good as new, which makes an input twice as cheap. What is tested is what comes
 * from a peer; that is never recycled.
 *
 * The linker (--wrap) puts these functions before the library's own.
 */
#include "fuzz-recycle.h"

#include "fuzz-fds.h"
#include "handshake.h"
#include "os.h"
#include "sock.h"

#define RINGS_MAX 16
#define BELLS_MAX 24
/* As many as an input needs at a time. */
#define OFFERS 6

int __real_tach_segment_create_ring(struct tach_segment *segment, uint64_t data_size);
int __wrap_tach_segment_create_ring(struct tach_segment *segment, uint64_t data_size);
void __real_tach_segment_destroy(struct tach_segment *segment);
void __wrap_tach_segment_destroy(struct tach_segment *segment);
int __real_tach_sock_doorbell(int bell[2]);
int __wrap_tach_sock_doorbell(int bell[2]);
void __real_tach_os_close(int fd);
void __wrap_tach_os_close(int fd);

/* --- segments --- */

static struct ring {
	struct tach_segment segment; /* with its descriptor */
	bool is_used;
} rings[RINGS_MAX];
static unsigned int ring_count;

int __wrap_tach_segment_create_ring(struct tach_segment *segment, uint64_t data_size)
{
	int ret;

	for (unsigned int i = 0; i < ring_count; i++) {
		if (rings[i].is_used || rings[i].segment.data_size != data_size)
			continue;
		rings[i].is_used = true;
		*segment = rings[i].segment;
		memset((uint8_t *)segment->header + offsetof(struct tach_segment_header, head), 0,
		       offsetof(struct tach_segment_header, generation) -
			       offsetof(struct tach_segment_header, head));
		memset(segment->data, 0, data_size);
		return 0;
	}
	ret = __real_tach_segment_create_ring(segment, data_size);
	if (ret == 0 && data_size <= 2 * FUZZ_RING_SIZE && ring_count < RINGS_MAX)
		rings[ring_count++] = (struct ring){.segment = *segment, .is_used = true};
	return ret;
}

void __wrap_tach_segment_destroy(struct tach_segment *segment)
{
	for (unsigned int i = 0; segment && i < ring_count; i++) {
		if (!segment->header || rings[i].segment.header != segment->header)
			continue;
		FUZZ_CHECK(rings[i].is_used);
		rings[i].is_used = false;
		*segment = (struct tach_segment){.fd = -1};
		return;
	}
	__real_tach_segment_destroy(segment);
}

/* --- doorbells --- */

static struct bell {
	int fds[2];
	bool is_used[2];
} bells[BELLS_MAX];
static unsigned int bell_count;

int __wrap_tach_sock_doorbell(int bell[2])
{
	int ret;

	for (unsigned int i = 0; i < bell_count; i++) {
		if (bells[i].is_used[0] || bells[i].is_used[1])
			continue;
		bells[i].is_used[0] = bells[i].is_used[1] = true;
		tach_sock_drain(bells[i].fds[0]);
		memcpy(bell, bells[i].fds, sizeof(bells[i].fds));
		return 0;
	}
	ret = __real_tach_sock_doorbell(bell);
	if (ret == 0 && bell_count < BELLS_MAX)
		bells[bell_count++] = (struct bell){{bell[0], bell[1]}, {true, true}};
	return ret;
}

void __wrap_tach_os_close(int fd)
{
	for (unsigned int i = 0; i < bell_count; i++) {
		for (unsigned int end = 0; end < 2; end++) {
			if (bells[i].fds[end] != fd)
				continue;
			/* Closed twice is an error of whoever does. */
			FUZZ_CHECK(bells[i].is_used[end]);
			bells[i].is_used[end] = false;
			return;
		}
	}
	for (unsigned int i = 0; i < ring_count; i++) {
		if (rings[i].segment.fd == fd)
			return;
	}
	__real_tach_os_close(fd);
}

void fuzz_recycle_init(void)
{
	struct tach_offer offers[OFFERS];

	for (unsigned int i = 0; i < OFFERS; i++)
		FUZZ_CHECK(tach_offer_init(&offers[i], TACH_SERVICE_BUS, FUZZ_RING_SIZE << i % 2,
					   FUZZ_RING_SIZE) == 0);
	for (unsigned int i = 0; i < OFFERS; i++)
		tach_offer_fini(&offers[i]);
}
