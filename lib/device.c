/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Copies to and from the slots of a stream in device memory.
 *
 * Nothing tells one process's queue of work from another's where they meet in shared memory: so no
 * copy is left in a queue. Each is waited for, asleep, before its call returns; only then does a
 * writer publish its value, and a reader look whether what it copied still stood.
 */
#include "device.h"

#include <pthread.h>
#include <stdlib.h>

#include "device-memory.h"
#include "os.h"

/* What a vector load, and a copy engine, like best. */
#define SLOT_ALIGNMENT 512u

/* A queue of copies that waits for nobody else's, and what is waited for. One copy at a time. */
struct lane {
	pthread_mutex_t lock;
	struct tach_driver_stream *stream;
	struct tach_driver_event *before; /* what was queued by others when the call was made */
	struct tach_driver_event *after;  /* the copy is complete */
};

enum direction {
	OUT,
	IN,
	LANES,
};

struct tach_device {
	struct tach_device_memory *memory;
	uint64_t process; /* the one that may call the driver with it */
	int file;	  /* leased, unless it is -1 */
	struct lane lanes[LANES];
};

/* One copy: whatever of the two ends is on the host is not NULL. */
struct copy {
	enum direction direction;
	uint64_t slot;
	uint64_t memory;
	const void *from;
	void *to;
	size_t size;
};

/* --- lanes --- */

static int create_event(const struct tach_driver *driver, struct tach_driver_event **event)
{
	const unsigned int flags =
		TACH_DRIVER_EVENT_BLOCKING_SYNC | TACH_DRIVER_EVENT_DISABLE_TIMING;

	return tach_driver_check(driver, "cuEventCreate", driver->event_create(event, flags));
}

static void destroy_event(const struct tach_driver *driver, struct tach_driver_event *event)
{
	tach_driver_check(driver, "cuEventDestroy", driver->event_destroy(event));
}

static int init_lane(const struct tach_driver *driver, struct lane *lane)
{
	int ret;

	ret = tach_driver_check(
		driver, "cuStreamCreate",
		driver->stream_create(&lane->stream, TACH_DRIVER_STREAM_NON_BLOCKING));
	if (ret < 0)
		return ret;
	ret = create_event(driver, &lane->before);
	if (ret < 0)
		goto err_stream;
	ret = create_event(driver, &lane->after);
	if (ret < 0)
		goto err_before;
	pthread_mutex_init(&lane->lock, NULL);
	return 0;

err_before:
	destroy_event(driver, lane->before);
err_stream:
	tach_driver_check(driver, "cuStreamDestroy", driver->stream_destroy(lane->stream));
	return ret;
}

static void fini_lane(const struct tach_driver *driver, struct lane *lane)
{
	pthread_mutex_destroy(&lane->lock);
	destroy_event(driver, lane->after);
	destroy_event(driver, lane->before);
	tach_driver_check(driver, "cuStreamDestroy", driver->stream_destroy(lane->stream));
}

/* In the context. */
static int init_lanes(const struct tach_driver *driver, struct lane *lanes)
{
	int ret;

	ret = init_lane(driver, &lanes[OUT]);
	if (ret < 0)
		return ret;
	ret = init_lane(driver, &lanes[IN]);
	if (ret < 0)
		fini_lane(driver, &lanes[OUT]);
	return ret;
}

/* --- handles --- */

int tach_device_count(void)
{
	const struct tach_driver *driver;
	int count = 0;

	if (tach_driver_get(&driver) < 0)
		return 0;
	if (tach_driver_check(driver, "cuDeviceGetCount", driver->device_count(&count)) < 0)
		return 0;
	return count;
}

/* Takes the memory over, also when it fails. */
static int make(struct tach_device_memory *memory, int file, struct tach_device **device)
{
	struct tach_device *made = malloc(sizeof(*made));
	int ret = -ENOMEM;

	if (!made)
		goto err_memory;
	*made = (struct tach_device){
		.memory = memory,
		.process = tach_os_process_token(),
		.file = file,
	};
	ret = tach_device_context_enter(&memory->on);
	if (ret < 0)
		goto err_made;
	ret = init_lanes(memory->on.driver, made->lanes);
	tach_device_context_leave(&memory->on);
	if (ret < 0)
		goto err_made;
	*device = made;
	return 0;

err_made:
	free(made);
err_memory:
	tach_device_memory_release(memory);
	return ret;
}

int tach_device_create(uint32_t index, uint64_t value_size, int file, uint8_t *part,
		       struct tach_device **device)
{
	const uint64_t stride = tach_round_up(value_size, SLOT_ALIGNMENT);
	struct tach_device_memory *memory;
	struct tach_device_part made;
	int ret;

	ret = tach_device_memory_create(index, stride, file, &memory);
	if (ret < 0)
		return ret;
	made = memory->part;
	ret = make(memory, -1, device);
	if (ret < 0)
		return ret;
	memset(part, 0, TACH_STREAM_DEVICE_SIZE);
	memcpy(part, &made, sizeof(made));
	return 0;
}

static int check_part(const struct tach_device_part *part, uint64_t value_size)
{
	const bool fits = part->stride % SLOT_ALIGNMENT == 0 && part->stride >= value_size &&
			  part->stride <= TACH_STREAM_VALUE_MAX &&
			  part->size / TACH_STREAM_SLOTS >= part->stride;

	return part->kind == TACH_DEVICE_PART_CUDA_IPC && fits && part->owner_pid != 0 &&
			       part->owner_pid <= INT32_MAX
		       ? 0
		       : TACHYON_ERR_CORRUPT;
}

int tach_device_attach(uint32_t index, uint64_t value_size, int file, const uint8_t *part,
		       struct tach_device **device)
{
	struct tach_device_memory *memory;
	struct tach_device_part found;
	int ret;

	memcpy(&found, part, sizeof(found));
	ret = check_part(&found, value_size);
	if (ret < 0)
		return ret;
	/* Before the memory is opened: from here on its maker keeps it. */
	ret = tach_os_lease(file);
	if (ret < 0)
		return ret == -EAGAIN ? TACHYON_ERR_CLOSED : ret;
	ret = tach_device_memory_open(index, &found, &memory);
	if (ret < 0)
		goto err_lease;
	ret = make(memory, file, device);
	if (ret < 0)
		goto err_lease;
	return 0;

err_lease:
	tach_os_end_lease(file);
	return ret;
}

static bool is_forked(const struct tach_device *device)
{
	return device->process != tach_os_process_token();
}

static void fini_lanes(struct tach_device *device)
{
	const struct tach_device_context *const on = &device->memory->on;

	if (tach_device_context_enter(on) < 0)
		return;
	fini_lane(on->driver, &device->lanes[IN]);
	fini_lane(on->driver, &device->lanes[OUT]);
	tach_device_context_leave(on);
}

void tach_device_destroy(struct tach_device *device)
{
	if (!device)
		return;
	if (!is_forked(device)) {
		fini_lanes(device);
		if (device->file >= 0)
			tach_os_end_lease(device->file);
		tach_device_memory_release(device->memory);
	}
	free(device);
}

void tach_device_sweep(void)
{
	tach_device_memory_sweep();
}

uint64_t tach_device_address(const struct tach_device *device, unsigned int slot)
{
	return device->memory->base + slot * device->memory->part.stride;
}

/* --- copies --- */

/*
 * What the caller queued on the legacy default stream, a kernel that makes the value or one that
 * still looks at the memory to be filled, comes before what this lane copies.
 */
static int follow_default_stream(const struct tach_driver *driver, const struct lane *lane)
{
	int ret;

	ret = tach_driver_check(driver, "cuEventRecord", driver->event_record(lane->before, NULL));
	if (ret < 0)
		return ret;
	return tach_driver_check(driver, "cuStreamWaitEvent",
				 driver->stream_wait(lane->stream, lane->before, 0));
}

static int queue(const struct tach_driver *driver, const struct lane *lane, const struct copy *copy)
{
	const bool is_out = copy->direction == OUT;
	int ret;

	if (copy->from)
		return tach_driver_check(
			driver, "cuMemcpyHtoDAsync",
			driver->copy_in(copy->slot, copy->from, copy->size, lane->stream));
	if (copy->to)
		return tach_driver_check(
			driver, "cuMemcpyDtoHAsync",
			driver->copy_out(copy->to, copy->slot, copy->size, lane->stream));
	ret = follow_default_stream(driver, lane);
	if (ret < 0)
		return ret;
	return tach_driver_check(driver, "cuMemcpyDtoDAsync",
				 driver->copy(is_out ? copy->memory : copy->slot,
					      is_out ? copy->slot : copy->memory, copy->size,
					      lane->stream));
}

/* Asleep, as the event was made: a synchronized stream spins. */
static int wait_for(const struct tach_driver *driver, const struct lane *lane)
{
	int ret;

	ret = tach_driver_check(driver, "cuEventRecord",
				driver->event_record(lane->after, lane->stream));
	if (ret < 0)
		return ret;
	return tach_driver_check(driver, "cuEventSynchronize",
				 driver->event_synchronize(lane->after));
}

static int copy_on(const struct tach_driver *driver, struct lane *lane, const struct copy *copy)
{
	int ret;

	pthread_mutex_lock(&lane->lock);
	ret = queue(driver, lane, copy);
	if (ret == 0)
		ret = wait_for(driver, lane);
	/* Whatever was queued: when this returns, nobody reads or writes the caller's memory. */
	if (ret < 0)
		driver->stream_synchronize(lane->stream);
	pthread_mutex_unlock(&lane->lock);
	return ret;
}

/* In the right process. The codes of the driver are one to who copies: it failed. */
static int copy_in_context(struct tach_device *device, const struct copy *copy)
{
	const struct tach_device_context *const on = &device->memory->on;
	int ret;

	ret = tach_device_context_enter(on);
	if (ret == 0) {
		ret = copy_on(on->driver, &device->lanes[copy->direction], copy);
		tach_device_context_leave(on);
	}
	return ret < 0 ? -EIO : 0;
}

static int run(struct tach_device *device, const struct copy *copy)
{
	int ret, gone;

	if (is_forked(device))
		return TACHYON_ERR_FORKED;
	ret = tach_device_memory_check(device->memory);
	if (ret < 0)
		return ret;
	ret = copy_in_context(device, copy);
	/* Whoever made the memory may have died meanwhile: what was copied then is anything. */
	gone = tach_device_memory_check(device->memory);
	return gone < 0 ? gone : ret;
}

int tach_device_write(struct tach_device *device, unsigned int slot, const void *data, size_t size)
{
	const struct copy copy = {
		.direction = IN,
		.slot = tach_device_address(device, slot),
		.from = data,
		.size = size,
	};

	return run(device, &copy);
}

int tach_device_read(struct tach_device *device, unsigned int slot, void *data, size_t size)
{
	const struct copy copy = {
		.direction = OUT,
		.slot = tach_device_address(device, slot),
		.to = data,
		.size = size,
	};

	return run(device, &copy);
}

int tach_device_write_from(struct tach_device *device, unsigned int slot, uint64_t memory,
			   size_t size)
{
	const struct copy copy = {
		.direction = IN,
		.slot = tach_device_address(device, slot),
		.memory = memory,
		.size = size,
	};

	return run(device, &copy);
}

int tach_device_read_to(struct tach_device *device, unsigned int slot, uint64_t memory, size_t size)
{
	const struct copy copy = {
		.direction = OUT,
		.slot = tach_device_address(device, slot),
		.memory = memory,
		.size = size,
	};

	return run(device, &copy);
}
