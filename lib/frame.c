/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames as both ends see them: one reference to give back, and metadata as a list of records.
 */
#include <tachyon/frame.h>

#include "block.h"
#include "wire.h"

void tachyon_frame_release(struct tachyon_frame *frame)
{
	struct tachyon_block *block;

	if (!frame || !frame->block)
		return;

	block = frame->block;
	frame->block = NULL;
	block->ops->release(block);
}

int tachyon_frame_is_valid(const struct tachyon_frame *frame)
{
	if (!frame)
		return -EINVAL;
	if (!frame->block)
		return 0;
	return frame->block->ops->is_valid(frame->block);
}

int tachyon_frame_descriptor(const struct tachyon_frame *frame, int *fd, uint64_t *offset,
			     uint64_t *size, uint64_t *id)
{
	struct tach_block_place place;
	int ret;

	if (!frame || !fd || !offset || !size || !id)
		return -EINVAL;
	if (!frame->block || !frame->block->ops->describe)
		return -ENOENT;
	ret = frame->block->ops->describe(frame->block, &place);
	if (ret < 0)
		return ret;
	*fd = place.fd;
	*offset = place.offset;
	*size = place.size;
	*id = place.id;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

int tachyon_record_next(const struct tachyon_frame *frame, size_t *position,
			struct tachyon_record *record)
{
	const uint8_t *data;
	struct tach_wire_record header;
	uint64_t padded;
	size_t left;

	if (!frame || !position || !record)
		return -EINVAL;
	if (*position > frame->metadata_size)
		return -EINVAL;
	if (*position == frame->metadata_size)
		return 0;

	left = frame->metadata_size - *position;
	if (!frame->metadata || left < sizeof(header))
		return -EBADMSG;
	data = (const uint8_t *)frame->metadata + *position;
	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	left -= sizeof(header);

	padded = tach_round_up(header.size, TACH_WIRE_RECORD_ALIGN);
	if (padded > left || !is_zero(data + header.size, (size_t)padded - header.size))
		return -EBADMSG;

	*record = (struct tachyon_record){.type = header.type, .size = header.size, .data = data};
	*position += sizeof(header) + (size_t)padded;
	return 1;
}

int tachyon_record_append(void *buffer, size_t capacity, size_t *used, uint32_t type,
			  const void *data, size_t size)
{
	const struct tach_wire_record header = {.type = type, .size = (uint32_t)size};
	uint64_t padded;
	uint8_t *out;

	if (!buffer || !used || (!data && size > 0) || type < TACHYON_RECORD_USER)
		return -EINVAL;
	if (*used > capacity || *used % TACH_WIRE_RECORD_ALIGN != 0)
		return -EINVAL;
	if (size > UINT32_MAX)
		return -EMSGSIZE;

	padded = tach_round_up(size, TACH_WIRE_RECORD_ALIGN);
	if (sizeof(header) + padded > capacity - *used)
		return -EMSGSIZE;

	out = (uint8_t *)buffer + *used;
	memcpy(out, &header, sizeof(header));
	out += sizeof(header);
	if (size > 0)
		memcpy(out, data, size);
	memset(out + size, 0, (size_t)padded - size);
	*used += sizeof(header) + (size_t)padded;
	return 0;
}
