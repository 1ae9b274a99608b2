/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames that lie in memory which somebody else made, and lends (PROTOCOL.md 7).
 */
#include "publisher.h"

int tachyon_publisher_lend(struct tachyon_publisher *publisher, int fd, uint64_t size,
			   struct tachyon_block **block)
{
	const int ret = tach_publisher_check_usable(publisher);

	if (ret < 0)
		return ret;
	if (fd < 0 || size == 0 || !block)
		return -EINVAL;
	return tach_pool_lend(publisher->pool, fd, size, block);
}

void tachyon_publisher_take_back(struct tachyon_publisher *publisher, struct tachyon_block *block)
{
	if (tach_publisher_check_usable(publisher) < 0 || !tach_pool_lends(publisher->pool, block))
		return;
	block->ops->release(block);
}

int tachyon_publisher_publish_lent(struct tachyon_publisher *publisher,
				   const struct tachyon_frame *frame, uint64_t offset, void *cookie)
{
	uint64_t size;
	int ret = tach_publisher_check_usable(publisher);

	if (ret < 0)
		return ret;
	if (!frame || !tach_pool_lends(publisher->pool, frame->block))
		return -EINVAL;
	size = tach_pool_lent_size(frame->block);
	if (offset > size || frame->size > size - offset)
		return -EINVAL;
	return tach_publisher_publish(publisher, frame, (size_t)offset, cookie);
}
