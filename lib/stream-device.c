/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a stream has to do with devices beside reading and writing.
 */
#include "stream.h"

int tachyon_gpu_count(void)
{
	return tach_device_count();
}

int tachyon_gpu_allocate(uint32_t device_index, size_t size, uint64_t *memory)
{
	return size > 0 && memory ? tach_device_allocate(device_index, size, memory) : -EINVAL;
}

void tachyon_gpu_free(uint32_t device_index, uint64_t memory)
{
	(void)device_index;
	if (memory != 0)
		tach_device_free(memory);
}

int tachyon_gpu_read(uint32_t device_index, uint64_t memory, void *data, size_t size)
{
	if (memory == 0 || !data)
		return -EINVAL;
	return tach_device_copy_out(device_index, memory, data, size);
}

int tachyon_stream_live_device(struct tachyon_stream *stream, uint64_t *memory)
{
	int ret;

	if (!stream || !memory)
		return -EINVAL;
	ret = tach_stream_check_open(stream);
	if (ret < 0)
		return ret;
	if (!stream->device)
		return -ENODEV;
	if (!tach_turnstile_is_mine(&stream->turnstile))
		return -EPERM;
	*memory = tach_device_address(stream->device, tach_stream_newest(stream->header).slot);
	return 0;
}
