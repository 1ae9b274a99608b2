/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Descriptors of memory that somebody else made (PROTOCOL.md 7).
 */
#include "descriptor.h"

#include <stdatomic.h>

#include "log.h"
#include "os.h"

static _Atomic uint64_t ids;

static int refuse(const char *cause)
{
	tach_log(TACHYON_LOG_WARNING, "a descriptor is refused: %s", cause);
	return -EBADMSG;
}

int tach_descriptor_check(int fd, uint64_t size)
{
	uint64_t real_size = 0;

	if (tach_os_shared_size(fd, &real_size) < 0)
		return refuse("neither a dma-buf nor a memory file that cannot shrink");
	if (size == 0 || size > real_size)
		return refuse("not of the size that was said");
	return 0;
}

int tach_descriptor_init(struct tach_descriptor *descriptor, int fd, uint64_t size)
{
	const int ret = tach_descriptor_check(fd, size);

	if (ret < 0)
		return ret;
	*descriptor = (struct tach_descriptor){
		.fd = fd,
		.size = size,
		/* Relaxed: a number, which orders nothing. */
		.id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1,
	};
	return 0;
}

void tach_descriptor_fini(struct tach_descriptor *descriptor)
{
	if (descriptor->id == 0)
		return;
	tach_os_close(descriptor->fd);
	*descriptor = (struct tach_descriptor){.fd = -1};
}
