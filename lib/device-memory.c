/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The device memory of this process: what it made for streams, and what it opened of others'.
 */
#include "device-memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "os.h"

/*
 * Smaller allocations share a block with others of the process, and an IPC handle opens the whole
 * block: CUDA Programming Guide, "Interprocess Communication".
 */
#define BLOCK_SIZE (2ull << 20)

/*
 * All there is. Never locked in a forked child, which would wait for a thread that it does not
 * have: tach_driver_get() refuses there first.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tach_device_memory *all;
/* Whether any of it is our own. A hint, which saves the path without a driver the rest: relaxed. */
static _Atomic unsigned int own_count;

/* --- the list --- */

static struct tach_device_memory *find(const struct tach_device_part *part)
{
	struct tach_device_memory *memory = all;

	while (memory && memcmp(memory->part.handle, part->handle, sizeof(part->handle)) != 0)
		memory = memory->next;
	return memory;
}

static void add(struct tach_device_memory *memory)
{
	memory->users = 1;
	memory->next = all;
	all = memory;
	if (memory->is_own)
		atomic_fetch_add_explicit(&own_count, 1, memory_order_relaxed);
}

static void take_out(struct tach_device_memory *memory)
{
	struct tach_device_memory **link = &all;

	while (*link != memory)
		link = &(*link)->next;
	*link = memory->next;
	if (memory->is_own)
		atomic_fetch_sub_explicit(&own_count, 1, memory_order_relaxed);
}

/* --- making --- */

static int fill_zeros(const struct tach_device_context *on, uint64_t base, size_t size)
{
	const struct tach_driver *const driver = on->driver;
	struct tach_driver_stream *stream;
	int ret;

	ret = tach_driver_check(driver, "cuStreamCreate",
				driver->stream_create(&stream, TACH_DRIVER_STREAM_NON_BLOCKING));
	if (ret < 0)
		return ret;
	ret = tach_driver_check(driver, "cuMemsetD8Async", driver->fill(base, 0, size, stream));
	if (ret == 0)
		ret = tach_driver_check(driver, "cuStreamSynchronize",
					driver->stream_synchronize(stream));
	tach_driver_check(driver, "cuStreamDestroy", driver->stream_destroy(stream));
	return ret;
}

static int export_memory(const struct tach_device_context *on, uint64_t base,
			 struct tach_device_part *part)
{
	const struct tach_driver *const driver = on->driver;
	struct tach_driver_uuid uuid;
	struct tach_driver_ipc handle;
	int ret;

	ret = tach_driver_check(driver, "cuDeviceGetUuid", driver->device_uuid(&uuid, on->device));
	if (ret < 0)
		return ret;
	ret = tach_driver_check(driver, "cuIpcGetMemHandle", driver->ipc_export(&handle, base));
	if (ret < 0)
		return ret;
	memcpy(part->uuid, uuid.bytes, sizeof(part->uuid));
	memcpy(part->handle, handle.bytes, sizeof(part->handle));
	part->owner_pid = (uint32_t)tach_os_pid();
	return tach_os_start_time((pid_t)part->owner_pid, &part->owner_start);
}

/* In its context. */
static int allocate(struct tach_device_memory *memory)
{
	const struct tach_driver *const driver = memory->on.driver;
	const size_t size = (size_t)memory->part.size;
	int ret;

	ret = tach_driver_check(driver, "cuMemAlloc", driver->memory_allocate(&memory->base, size));
	if (ret < 0)
		return ret;
	ret = fill_zeros(&memory->on, memory->base, size);
	if (ret == 0)
		ret = export_memory(&memory->on, memory->base, &memory->part);
	if (ret < 0)
		tach_driver_check(driver, "cuMemFree", driver->memory_free(memory->base));
	return ret;
}

static int make(struct tach_device_memory *memory, uint32_t index, int file)
{
	int ret;

	memory->file = tach_os_duplicate_file(file);
	if (memory->file < 0)
		return memory->file;
	ret = tach_device_context_init(&memory->on, index);
	if (ret < 0)
		goto err_file;
	ret = tach_device_context_enter(&memory->on);
	if (ret < 0)
		goto err_context;
	ret = allocate(memory);
	tach_device_context_leave(&memory->on);
	if (ret < 0)
		goto err_context;
	return 0;

err_context:
	tach_device_context_fini(&memory->on);
err_file:
	tach_os_close(memory->file);
	return ret;
}

int tach_device_memory_create(uint32_t index, uint64_t stride, int file,
			      struct tach_device_memory **memory)
{
	struct tach_device_memory *made = malloc(sizeof(*made));
	int ret;

	if (!made)
		return -ENOMEM;
	*made = (struct tach_device_memory){
		.part = {.kind = TACH_DEVICE_PART_CUDA_IPC, .stride = stride},
		.is_own = true,
		.owner = -1,
	};
	made->part.size = tach_round_up(TACH_STREAM_SLOTS * stride, BLOCK_SIZE);
	tach_device_memory_sweep();
	ret = make(made, index, file);
	if (ret < 0) {
		free(made);
		return ret;
	}
	pthread_mutex_lock(&lock);
	add(made);
	pthread_mutex_unlock(&lock);
	*memory = made;
	return 0;
}

/* --- the end --- */

/* What is shared is shared no more: unmapped, or freed. */
static void give_back(const struct tach_device_memory *memory)
{
	const struct tach_driver *const driver = memory->on.driver;

	if (tach_device_context_enter(&memory->on) < 0)
		return;
	if (memory->is_own)
		tach_driver_check(driver, "cuMemFree", driver->memory_free(memory->base));
	else
		tach_driver_check(driver, "cuIpcCloseMemHandle", driver->ipc_close(memory->base));
	tach_device_context_leave(&memory->on);
}

static void discard(struct tach_device_memory *memory)
{
	take_out(memory);
	give_back(memory);
	tach_device_context_fini(&memory->on);
	tach_os_close(memory->file);
	tach_os_close(memory->owner);
	free(memory);
}

/* Under the lock. After a true nobody can attach any more. */
static bool is_needed(const struct tach_device_memory *memory)
{
	struct tach_named_facts facts;

	if (memory->users > 0)
		return true;
	if (!memory->is_own)
		return false;
	if (tach_os_named_facts(memory->file, &facts) == 0 && facts.names > 0)
		return true;
	return tach_os_end_leasing(memory->file) < 0;
}

/* Under the lock. */
static void sweep(void)
{
	struct tach_device_memory *memory = all;

	while (memory) {
		struct tach_device_memory *const next = memory->next;

		if (!is_needed(memory))
			discard(memory);
		memory = next;
	}
}

void tach_device_memory_sweep(void)
{
	const struct tach_driver *driver;

	if (atomic_load_explicit(&own_count, memory_order_relaxed) == 0)
		return;
	if (tach_driver_get(&driver) < 0)
		return;
	pthread_mutex_lock(&lock);
	sweep();
	pthread_mutex_unlock(&lock);
}

void tach_device_memory_release(struct tach_device_memory *memory)
{
	pthread_mutex_lock(&lock);
	memory->users--;
	sweep();
	pthread_mutex_unlock(&lock);
}

/* --- others' --- */

static int check_device(const struct tach_device_context *on, const struct tach_device_part *part)
{
	const struct tach_driver *const driver = on->driver;
	struct tach_driver_uuid uuid;
	const int ret = tach_driver_check(driver, "cuDeviceGetUuid",
					  driver->device_uuid(&uuid, on->device));

	if (ret < 0)
		return ret;
	return memcmp(uuid.bytes, part->uuid, sizeof(part->uuid)) == 0 ? 0 : -ENODEV;
}

/* A process, and whether it is still the one that is meant. */
static bool is_alive(const struct tach_device_part *part)
{
	uint64_t start;

	return tach_os_start_time((pid_t)part->owner_pid, &start) == 0 &&
	       start == part->owner_start;
}

/* In its context. */
static int map(struct tach_device_memory *memory)
{
	const struct tach_driver *const driver = memory->on.driver;
	struct tach_driver_ipc handle;
	int result, ret;

	memcpy(handle.bytes, memory->part.handle, sizeof(handle.bytes));
	result = driver->ipc_open(&memory->base, handle, TACH_DRIVER_IPC_LAZY_PEER_ACCESS);
	ret = tach_driver_check(driver, "cuIpcOpenMemHandle", result);
	if (ret == 0)
		return 0;
	if (!is_alive(&memory->part))
		return TACHYON_ERR_CLOSED;
	if (result == TACH_DRIVER_INVALID_HANDLE || result == TACH_DRIVER_INVALID_VALUE)
		return TACHYON_ERR_CORRUPT;
	return ret;
}

static int enter_and_map(struct tach_device_memory *memory)
{
	int ret;

	ret = check_device(&memory->on, &memory->part);
	if (ret < 0)
		return ret;
	ret = tach_device_context_enter(&memory->on);
	if (ret < 0)
		return ret;
	ret = map(memory);
	tach_device_context_leave(&memory->on);
	return ret;
}

static int open_others(uint32_t index, const struct tach_device_part *part,
		       struct tach_device_memory **memory)
{
	struct tach_device_memory *made;
	int ret;

	/* What this process made is on the list: it was freed. */
	if (part->owner_pid == (uint32_t)tach_os_pid())
		return TACHYON_ERR_CLOSED;
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = (struct tach_device_memory){.part = *part, .file = -1};
	/*
	 * First a hold of the process, if the kernel has such a thing, then whether it is the one.
	 */
	made->owner = tach_os_pidfd((pid_t)part->owner_pid);
	ret = is_alive(part) ? 0 : TACHYON_ERR_CLOSED;
	if (ret < 0)
		goto err_owner;
	ret = tach_device_context_init(&made->on, index);
	if (ret < 0)
		goto err_owner;
	ret = enter_and_map(made);
	if (ret < 0)
		goto err_context;
	*memory = made;
	return 0;

err_context:
	tach_device_context_fini(&made->on);
err_owner:
	tach_os_close(made->owner);
	free(made);
	return ret;
}

int tach_device_memory_check(const struct tach_device_memory *memory)
{
	struct pollfd owner = {.fd = memory->owner, .events = POLLIN};

	if (memory->is_own)
		return 0;
	/* Without pidfds: slower, and the same. */
	if (memory->owner < 0)
		return is_alive(&memory->part) ? 0 : TACHYON_ERR_CLOSED;
	return tach_os_poll(&owner, 1, 0) > 0 ? TACHYON_ERR_CLOSED : 0;
}

static int share(uint32_t index, struct tach_device_memory *memory)
{
	struct tach_device_context on;
	int ret;

	ret = tach_device_memory_check(memory);
	if (ret < 0)
		return ret;
	ret = tach_device_context_init(&on, index);
	if (ret < 0)
		return ret;
	ret = on.device == memory->on.device ? 0 : -ENODEV;
	tach_device_context_fini(&on);
	if (ret == 0)
		memory->users++;
	return ret;
}

int tach_device_memory_open(uint32_t index, const struct tach_device_part *part,
			    struct tach_device_memory **memory)
{
	const struct tach_driver *driver;
	struct tach_device_memory *found;
	int ret;

	ret = tach_driver_get(&driver);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&lock);
	found = find(part);
	ret = found ? share(index, found) : open_others(index, part, &found);
	if (ret == 0 && found->users == 0)
		add(found);
	pthread_mutex_unlock(&lock);
	if (ret == 0)
		*memory = found;
	return ret;
}
