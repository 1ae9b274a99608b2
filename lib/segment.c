/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A segment: created and sealed here, or a peer's, checked before it is mapped read-only.
 */
#include "segment.h"

#include "log.h"
#include "os.h"

/* What a header says about its file: written once, before the fd leaves its creator. */
struct description {
	uint64_t magic;
	uint32_t protocol;
	uint32_t kind;
	uint64_t size;
	uint64_t data_offset;
	uint64_t data_size;
	uint64_t block_size;
	uint32_t block_count;
};

/* The header has pages of its own, so that data can be mapped apart from it. */
static uint64_t data_offset(void)
{
	const size_t page_size = tach_os_page_size();

	return page_size > TACH_HEADER_SIZE ? page_size : TACH_HEADER_SIZE;
}

static uint64_t smallest_ring(void)
{
	const size_t page_size = tach_os_page_size();

	return page_size > TACH_RING_SIZE_MIN ? page_size : TACH_RING_SIZE_MIN;
}

uint64_t tach_ring_size(uint64_t wanted)
{
	uint64_t size = smallest_ring();

	if (wanted > TACH_RING_SIZE_MAX)
		return 0;
	while (size < wanted)
		size *= 2;
	return size;
}

static bool is_legal_ring(uint64_t data_size)
{
	return tach_ring_size(data_size) == data_size;
}

static bool is_legal_payload(uint64_t block_size, uint32_t block_count)
{
	/* Both limits together keep the product far below 2^64. */
	return block_size > 0 && block_size <= TACH_BLOCK_SIZE_MAX &&
	       block_size % tach_os_page_size() == 0 && block_count > 0 &&
	       block_count <= TACH_BLOCKS_PER_SEGMENT &&
	       block_size * block_count <= TACH_PAYLOAD_SIZE_MAX;
}

/* --- ours --- */

static void write_description(struct tach_segment_header *header, const struct description *is)
{
	header->magic = is->magic;
	header->protocol = is->protocol;
	header->kind = is->kind;
	header->size = is->size;
	header->data_offset = is->data_offset;
	header->data_size = is->data_size;
	header->block_size = is->block_size;
	header->block_count = is->block_count;
}

/* A segment over a mapped file. The fd is the segment's from here on. */
static struct tach_segment make_segment(int fd, void *base, const struct description *is,
					size_t mapped_size)
{
	return (struct tach_segment){
		.fd = fd,
		.header = base,
		.data = (uint8_t *)base + is->data_offset,
		.data_size = is->data_size,
		.block_size = is->block_size,
		.block_count = is->block_count,
		.mapped_size = mapped_size,
	};
}

static int create(struct tach_segment *segment, const struct description *is)
{
	const bool is_ring = is->kind == TACH_SEGMENT_RING;
	const struct tach_map_request request = {
		.size = (size_t)is->size,
		.mirrored_size = is_ring ? (size_t)is->data_size : 0,
		.is_writable = true,
		.prefault = true,
		.dont_fork = is_ring,
	};
	const int fd = tach_os_memfd(is_ring ? "tachyon-ring" : "tachyon-payload");
	void *base;
	int ret;

	if (fd < 0)
		return fd;
	ret = tach_os_allocate(fd, request.size);
	if (ret < 0)
		goto err_close;
	ret = tach_os_map(fd, &request, &base);
	if (ret < 0)
		goto err_close;

	/*
	 * After our mapping, before the fd leaves: we stay the one writer, and no peer can shrink
	 * the file under a reader (a load past the end is SIGBUS).
	 */
	ret = tach_os_seal(fd);
	if (ret < 0)
		goto err_unmap;

	write_description(base, is);
	*segment = make_segment(fd, base, is, request.size + request.mirrored_size);
	if (request.dont_fork)
		segment->owner_token = tach_os_process_token();
	return 0;

err_unmap:
	tach_os_unmap(base, request.size + request.mirrored_size);
err_close:
	tach_os_close(fd);
	return ret;
}

static struct description describe(enum tach_segment_kind kind, uint64_t data_size)
{
	return (struct description){
		.magic = TACH_MAGIC,
		.protocol = TACH_PROTOCOL,
		.kind = kind,
		.size = data_offset() + data_size,
		.data_offset = data_offset(),
		.data_size = data_size,
	};
}

int tach_segment_create_ring(struct tach_segment *segment, uint64_t data_size)
{
	if (!is_legal_ring(data_size))
		return -EINVAL;

	const struct description is = describe(TACH_SEGMENT_RING, data_size);

	return create(segment, &is);
}

int tach_segment_create_payload(struct tach_segment *segment, uint64_t block_size,
				uint32_t block_count)
{
	if (!is_legal_payload(block_size, block_count))
		return -EINVAL;

	struct description is = describe(TACH_SEGMENT_PAYLOAD, block_size * block_count);

	if (is.size > SIZE_MAX)
		return -ENOMEM;
	is.block_size = block_size;
	is.block_count = block_count;
	return create(segment, &is);
}

/* --- a peer's --- */

static int refuse(const char *cause)
{
	tach_log(TACHYON_LOG_WARNING, "a peer's segment is refused: %s", cause);
	return -EBADMSG;
}

static int check_file(int fd, enum tach_segment_kind kind, uint64_t max_size, uint64_t *size)
{
	struct tach_file_facts facts;
	const int ret = tach_os_file_facts(fd, &facts);

	if (ret < 0)
		return ret;
	if (!facts.is_regular)
		return refuse("not a regular file");
	if (!facts.is_fully_sealed)
		return refuse("not sealed");
	if (!facts.is_fully_allocated)
		return refuse("not fully allocated");
	if (facts.size <= data_offset())
		return refuse("too short");
	if (facts.size > max_size || facts.size > SIZE_MAX / 2) {
		tach_log(TACHYON_LOG_WARNING, "a peer's segment is refused: larger than allowed");
		return -EMSGSIZE;
	}
	if (kind == TACH_SEGMENT_RING && !is_legal_ring(facts.size - data_offset()))
		return refuse("not the size of a ring");
	*size = facts.size;
	return 0;
}

/* Each word is loaded once, however the peer changes it meanwhile. */
static struct description read_description(const volatile struct tach_segment_header *shared)
{
	return (struct description){
		.magic = shared->magic,
		.protocol = shared->protocol,
		.kind = shared->kind,
		.size = shared->size,
		.data_offset = shared->data_offset,
		.data_size = shared->data_size,
		.block_size = shared->block_size,
		.block_count = shared->block_count,
	};
}

/* size: the file's, a fact that the seals keep true. */
static int check_description(const struct description *is, enum tach_segment_kind kind,
			     uint64_t size)
{
	if (is->magic != TACH_MAGIC || is->protocol != TACH_PROTOCOL)
		return refuse("another protocol");
	if (is->kind != (uint32_t)kind)
		return refuse("another kind");
	if (is->size != size || is->data_offset != data_offset() ||
	    is->data_size != size - data_offset())
		return refuse("its header contradicts its size");

	switch (kind) {
	case TACH_SEGMENT_RING:
		return is->block_size == 0 && is->block_count == 0 ? 0 : refuse("a ring of blocks");
	case TACH_SEGMENT_PAYLOAD:
		if (is_legal_payload(is->block_size, is->block_count) &&
		    is->block_size * is->block_count == is->data_size)
			return 0;
		break;
	}
	return refuse("its blocks contradict its size");
}

int tach_segment_attach(struct tach_segment *segment, int fd, enum tach_segment_kind kind,
			uint64_t max_size)
{
	struct tach_map_request request = {.prefault = true};
	struct description is;
	uint64_t size = 0;
	void *base;
	int ret;

	ret = check_file(fd, kind, max_size, &size);
	if (ret < 0)
		return ret;

	/* From the file's size alone: the header is not read before it is mapped. */
	request.size = (size_t)size;
	if (kind == TACH_SEGMENT_RING)
		request.mirrored_size = (size_t)(size - data_offset());
	ret = tach_os_map(fd, &request, &base);
	/* Else it would read as a lack of permission of ours. */
	if (ret == -EACCES)
		return refuse("not open for reading");
	/* All its blocks are said to be there, and are not. */
	if (ret == -EFAULT)
		return refuse("its pages cannot be had");
	if (ret < 0)
		return ret;

	is = read_description(base);
	ret = check_description(&is, kind, size);
	if (ret < 0) {
		tach_os_unmap(base, request.size + request.mirrored_size);
		return ret;
	}
	*segment = make_segment(-1, base, &is, request.size + request.mirrored_size);
	return 0;
}

void tach_segment_destroy(struct tach_segment *segment)
{
	/* A zeroed struct owns nothing, and its fd is not 0. */
	if (!segment || !segment->header)
		return;

	/* In a forked child what lies there now, if anything, is not ours. */
	if (segment->owner_token == 0 || segment->owner_token == tach_os_process_token())
		tach_os_unmap(segment->header, segment->mapped_size);
	tach_os_close(segment->fd);
	*segment = (struct tach_segment){.fd = -1};
}
