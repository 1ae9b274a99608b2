/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Segments: created, attached, sealed, given up. What a peer may not send: test-segment-refused.c.
 */
#include "segment.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "os.h"
#include "system.h"

#define PAGE 4096u
#define RING 8192u

static struct tach_segment make_ring(void)
{
	struct tach_segment segment;

	CHECK_EQ(tach_segment_create_ring(&segment, RING), 0);
	return segment;
}

static struct tach_segment make_payload(uint64_t block_size, uint32_t block_count)
{
	struct tach_segment segment;

	CHECK_EQ(tach_segment_create_payload(&segment, block_size, block_count), 0);
	return segment;
}

/* --- sizes --- */

TEST(ring_sizes_round_up_to_powers_of_two)
{
	CHECK_EQ(tach_ring_size(0), 4096);
	CHECK_EQ(tach_ring_size(1), 4096);
	CHECK_EQ(tach_ring_size(4096), 4096);
	CHECK_EQ(tach_ring_size(4097), 8192);
	CHECK_EQ(tach_ring_size(TACH_RING_SIZE_MAX), TACH_RING_SIZE_MAX);
	CHECK_EQ(tach_ring_size(TACH_RING_SIZE_MAX + 1), 0);
	CHECK_EQ(tach_ring_size(UINT64_MAX), 0);
}

TEST(a_ring_of_another_size_is_einval)
{
	const uint64_t sizes[] = {0, 64, 2048, 4097, 12288, TACH_RING_SIZE_MAX * 2, UINT64_MAX};
	struct tach_segment segment;

	for (size_t i = 0; i < TACH_ARRAY_SIZE(sizes); i++)
		CHECK_EQ(tach_segment_create_ring(&segment, sizes[i]), -EINVAL);
}

TEST(a_payload_of_wrong_blocks_is_einval)
{
	const struct {
		uint64_t size;
		uint32_t count;
	} wrong[] = {
		{0, 1},
		{PAGE, 0},
		{PAGE, TACH_BLOCKS_PER_SEGMENT + 1},
		{PAGE, UINT32_MAX},
		{PAGE - 1, 1},
		{PAGE + 64, 1},
		{TACH_BLOCK_SIZE_MAX + PAGE, 1},
		{UINT64_MAX - PAGE + 1, 2},
		{TACH_BLOCK_SIZE_MAX, 33},
	};
	struct tach_segment segment;

	for (size_t i = 0; i < TACH_ARRAY_SIZE(wrong); i++)
		CHECK_EQ(tach_segment_create_payload(&segment, wrong[i].size, wrong[i].count),
			 -EINVAL);
}

/* --- created --- */

TEST(a_ring_says_what_it_is_and_shows_its_data_twice)
{
	struct tach_segment ring = make_ring();

	CHECK(ring.header->magic == TACH_MAGIC);
	CHECK_EQ(ring.header->protocol, TACH_PROTOCOL);
	CHECK_EQ(ring.header->kind, TACH_SEGMENT_RING);
	CHECK_EQ(ring.header->size, ring.header->data_offset + RING);
	CHECK_EQ(ring.header->data_size, RING);
	CHECK_EQ(atomic_load(&ring.header->head), 0);
	CHECK_EQ(ring.data_size, RING);
	CHECK_EQ(ring.data - (uint8_t *)ring.header, ring.header->data_offset);

	ring.data[0] = 1;
	ring.data[2 * RING - 1] = 2;
	CHECK_EQ(ring.data[RING], 1);
	CHECK_EQ(ring.data[RING - 1], 2);
	tach_segment_destroy(&ring);
}

TEST(a_payload_has_its_blocks_and_no_mirror)
{
	struct tach_segment payload = make_payload(2 * PAGE, 3);

	CHECK_EQ(payload.header->kind, TACH_SEGMENT_PAYLOAD);
	CHECK_EQ(payload.block_size, 2 * PAGE);
	CHECK_EQ(payload.block_count, 3);
	CHECK_EQ(payload.data_size, 6 * PAGE);
	CHECK_EQ(payload.mapped_size, payload.header->size);
	CHECK_EQ(atomic_load(&payload.header->generation[2]), 0);
	tach_segment_destroy(&payload);
}

TEST(a_segment_of_the_most_blocks_can_be_made)
{
	struct tach_segment payload = make_payload(PAGE, TACH_BLOCKS_PER_SEGMENT);

	payload.data[payload.data_size - 1] = 1;
	CHECK_EQ(payload.block_count, TACH_BLOCKS_PER_SEGMENT);
	tach_segment_destroy(&payload);
}

/* --- failures of the system leave nothing: the harness looks for fds and mappings --- */

TEST(without_a_free_fd_creating_is_emfile)
{
	const struct rlimit old = forbid_fds();
	struct tach_segment segment;

	CHECK_EQ(tach_segment_create_ring(&segment, RING), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
}

TEST(without_address_space_creating_and_attaching_are_enomem)
{
	struct tach_segment payload = make_payload(PAGE, 300);
	struct tach_segment segment;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	tach_segment_destroy(&payload);
	SKIP("a sanitizer's shadow is past every limit");
#endif
	limit_to(RLIMIT_AS, 1 << 20);

	CHECK_EQ(tach_segment_create_ring(&segment, 1 << 20), -ENOMEM);
	CHECK_EQ(tach_segment_create_payload(&segment, PAGE, 300), -ENOMEM);
	CHECK_EQ(tach_segment_attach(&segment, payload.fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX),
		 -ENOMEM);
	limit_to(RLIMIT_AS, RLIM_INFINITY);
	tach_segment_destroy(&payload);
}

TEST(past_the_file_size_limit_creating_is_efbig)
{
	const struct rlimit old = limit_to(RLIMIT_FSIZE, RING);
	struct tach_segment segment;

	CHECK_EQ(tach_segment_create_ring(&segment, RING), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
}

TEST(on_a_kernel_without_the_seals_creating_is_enosys)
{
	struct tach_segment segment;

	if (!forbid_call(SYS_fcntl, 1, F_ADD_SEALS, EINVAL))
		SKIP("no seccomp");

	CHECK_EQ(tach_segment_create_ring(&segment, RING), -ENOSYS);
	CHECK_EQ(tach_segment_create_payload(&segment, PAGE, 1), -ENOSYS);
}

/* --- attached --- */

TEST(a_receiver_sees_what_the_creator_writes)
{
	struct tach_segment ring = make_ring();
	struct tach_segment seen;

	CHECK_EQ(tach_segment_attach(&seen, ring.fd, TACH_SEGMENT_RING, UINT64_MAX), 0);
	ring.data[5] = 55;
	atomic_store(&ring.header->head, 64);

	CHECK_EQ(seen.data_size, RING);
	CHECK_EQ(seen.fd, -1);
	CHECK_EQ(seen.data[5], 55);
	CHECK_EQ(seen.data[RING + 5], 55);
	CHECK_EQ(atomic_load(&seen.header->head), 64);
	tach_segment_destroy(&seen);
	tach_segment_destroy(&ring);
}

TEST(a_receiver_keeps_the_mapping_when_the_creator_is_gone)
{
	struct tach_segment payload = make_payload(PAGE, 2);
	struct tach_segment seen;

	CHECK_EQ(tach_segment_attach(&seen, payload.fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX), 0);
	payload.data[PAGE] = 9;
	tach_segment_destroy(&payload);

	CHECK_EQ(seen.block_size, PAGE);
	CHECK_EQ(seen.block_count, 2);
	CHECK_EQ(seen.data[PAGE], 9);
	tach_segment_destroy(&seen);
}

TEST(a_receiver_believes_its_own_copy_of_the_header)
{
	struct tach_segment payload = make_payload(PAGE, 2);
	struct tach_segment seen;

	CHECK_EQ(tach_segment_attach(&seen, payload.fd, TACH_SEGMENT_PAYLOAD, UINT64_MAX), 0);
	payload.header->block_size = 1 << 30;
	payload.header->data_size = UINT64_MAX;

	CHECK_EQ(seen.block_size, PAGE);
	CHECK_EQ(seen.data_size, 2 * PAGE);
	tach_segment_destroy(&seen);
	tach_segment_destroy(&payload);
}

TEST(a_receiver_cannot_write)
{
	struct tach_segment ring = make_ring();
	struct tach_segment seen;

	CHECK_EQ(tach_segment_attach(&seen, ring.fd, TACH_SEGMENT_RING, UINT64_MAX), 0);

	CHECK_EQ(read_in_child(seen.data), 0);
	CHECK_EQ(write_in_child(seen.data), -SIGSEGV);
	CHECK_EQ(write_in_child(seen.data + RING), -SIGSEGV);
	CHECK_EQ(mprotect(seen.header, seen.mapped_size, PROT_READ | PROT_WRITE), -1);
	CHECK_EQ(errno, EACCES);
	tach_segment_destroy(&seen);
	tach_segment_destroy(&ring);
}

/* --- sealed: none of this may work for whoever has the fd, the creator included --- */

static void check_sealed(int fd)
{
	char path[64];
	int again;

	CHECK_EQ((intptr_t)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(ftruncate(fd, 0), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(ftruncate(fd, 1 << 20), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(fallocate(fd, 0, 0, 1 << 20), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(pwrite(fd, "x", 1, 0), -1);
	CHECK_EQ(errno, EPERM);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, 0), -1);
	CHECK_EQ(errno, EPERM);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQ(open(path, O_RDWR | O_TRUNC | O_CLOEXEC), -1);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0)
		return;
	CHECK_EQ((intptr_t)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), -1);
	CHECK_EQ(pwrite(again, "x", 1, 0), -1);
	tach_os_close(again);
}

TEST(a_sealed_segment_has_one_writing_mapping_and_never_shrinks)
{
	struct tach_segment ring = make_ring();
	struct tach_segment payload = make_payload(PAGE, 4);

	check_sealed(ring.fd);
	check_sealed(payload.fd);
	CHECK_EQ(madvise(payload.data, PAGE, MADV_REMOVE), -1);
	CHECK_EQ(errno, EPERM);
	ring.data[0] = 1;
	payload.data[0] = 1;
	tach_segment_destroy(&payload);
	tach_segment_destroy(&ring);
}

/* --- given up --- */

TEST(what_owns_nothing_can_be_destroyed)
{
	struct tach_segment zeroed = {0};
	struct tach_segment ring = make_ring();

	tach_segment_destroy(NULL);
	tach_segment_destroy(&zeroed);
	CHECK(fcntl(0, F_GETFD) >= 0);
	tach_segment_destroy(&ring);
	tach_segment_destroy(&ring);
	CHECK_EQ(ring.fd, -1);
}

static unsigned int count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	int c;

	while ((c = fgetc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

TEST_WITH_TIMEOUT(ten_thousand_segments_leave_nothing, 120)
{
	struct tach_segment ring, payload, seen;
	unsigned int mappings = 0;
	const int free_fd = next_fd();

	for (int i = 0; i < 10000; i++) {
		ring = make_ring();
		payload = make_payload(PAGE, 2);
		CHECK_EQ(tach_segment_attach(&seen, ring.fd, TACH_SEGMENT_RING, UINT64_MAX), 0);
		tach_segment_destroy(&ring);
		tach_segment_destroy(&payload);
		tach_segment_destroy(&seen);
		if (i == 100)
			mappings = count_mappings();
	}
	CHECK_EQ(next_fd(), free_fd);
	CHECK(count_mappings() <= mappings + 2);
}

/* --- across a fork --- */

TEST(a_forked_child_does_not_have_the_writing_mapping_of_a_ring)
{
	struct tach_segment ring = make_ring();

	CHECK_EQ(read_in_child(ring.data), -SIGSEGV);
	CHECK_EQ(write_in_child(ring.header), -SIGSEGV);
	ring.data[0] = 1;
	tach_segment_destroy(&ring);
}

/* What the child put at the ring's place is the child's. */
static int destroy_in_child(void *argument)
{
	struct tach_segment *ring = argument;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	uint8_t *own = mmap(ring->header, ring->mapped_size, PROT_READ | PROT_WRITE, flags, -1, 0);
	const int fd = ring->fd;

	if (own != (uint8_t *)ring->header)
		return 1;
	own[0] = 42;
	tach_segment_destroy(ring);
	if (own[0] != 42 || fcntl(fd, F_GETFD) >= 0)
		return 2;
	return 0;
}

TEST(a_forked_child_destroys_its_copy_and_nothing_else)
{
	struct tach_segment ring = make_ring();

	CHECK_EQ(wait_child(run_child(destroy_in_child, &ring)), 0);
	ring.data[0] = 1;
	CHECK_EQ(ring.data[RING], 1);
	tach_segment_destroy(&ring);
}

static int destroy_and_touch(void *argument)
{
	struct tach_segment *seen = argument;
	uint8_t *data = seen->data;

	signal(SIGSEGV, SIG_DFL);
	tach_segment_destroy(seen);
	return read_byte(data);
}

TEST(a_forked_child_unmaps_what_it_inherited)
{
	struct tach_segment payload = make_payload(PAGE, 1);

	CHECK_EQ(wait_child(run_child(destroy_and_touch, &payload)), -SIGSEGV);
	payload.data[0] = 1;
	tach_segment_destroy(&payload);
}
