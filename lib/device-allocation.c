/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Device memory that is no stream's: where a caller has values copied to.
 */
#include <pthread.h>
#include <stdlib.h>

#include "device-context.h"
#include "device.h"
#include "os.h"

struct allocation {
	struct tach_device_context on;
	uint64_t memory;
	struct allocation *next;
};

/* Never locked in a forked child: tach_driver_get() refuses there first. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct allocation *all;

static int make(struct allocation *made, uint32_t index, size_t size)
{
	const struct tach_driver *driver;
	int ret;

	ret = tach_device_context_init(&made->on, index);
	if (ret < 0)
		return ret;
	driver = made->on.driver;
	ret = tach_device_context_enter(&made->on);
	if (ret < 0)
		goto err_context;
	ret = tach_driver_check(driver, "cuMemAlloc", driver->memory_allocate(&made->memory, size));
	tach_device_context_leave(&made->on);
	if (ret < 0)
		goto err_context;
	return 0;

err_context:
	tach_device_context_fini(&made->on);
	return ret;
}

int tach_device_allocate(uint32_t index, size_t size, uint64_t *memory)
{
	struct allocation *made = malloc(sizeof(*made));
	int ret;

	if (!made)
		return -ENOMEM;
	ret = make(made, index, size);
	if (ret < 0) {
		free(made);
		return ret;
	}
	pthread_mutex_lock(&lock);
	made->next = all;
	all = made;
	pthread_mutex_unlock(&lock);
	*memory = made->memory;
	return 0;
}

/* On the list no more; NULL: there is none. */
static struct allocation *take_out(uint64_t memory)
{
	struct allocation **link = &all;
	struct allocation *found;

	pthread_mutex_lock(&lock);
	while (*link && (*link)->memory != memory)
		link = &(*link)->next;
	found = *link;
	if (found)
		*link = found->next;
	pthread_mutex_unlock(&lock);
	return found;
}

void tach_device_free(uint64_t memory)
{
	const struct tach_driver *driver;
	struct allocation *found;

	if (tach_driver_get(&driver) < 0)
		return;
	found = take_out(memory);
	if (!found)
		return;
	if (tach_device_context_enter(&found->on) == 0) {
		tach_driver_check(driver, "cuMemFree", driver->memory_free(memory));
		tach_device_context_leave(&found->on);
	}
	tach_device_context_fini(&found->on);
	free(found);
}

/* In its context; the queue is the one that others' work comes first in anyway. */
static int copy_out(const struct tach_driver *driver, uint64_t memory, void *data, size_t size)
{
	int ret;

	ret = tach_driver_check(driver, "cuMemcpyDtoHAsync",
				driver->copy_out(data, memory, size, NULL));
	if (ret < 0)
		return -EIO;
	ret = tach_driver_check(driver, "cuStreamSynchronize", driver->stream_synchronize(NULL));
	return ret < 0 ? -EIO : 0;
}

int tach_device_copy_out(uint32_t index, uint64_t memory, void *data, size_t size)
{
	struct tach_device_context on;
	int ret;

	ret = tach_device_context_init(&on, index);
	if (ret < 0)
		return ret;
	ret = tach_device_context_enter(&on);
	if (ret == 0) {
		ret = copy_out(on.driver, memory, data, size);
		tach_device_context_leave(&on);
	}
	tach_device_context_fini(&on);
	return ret;
}
