/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The slots of a stream in device memory: made by one process, attached to by others through what
 * its driver exports. Every copy is complete when its call returns; which slot may be written or
 * read when is decided by who calls.
 *
 * The memory is the process's that made it, and goes with it. While that lives, it stays as long as
 * the stream's file has a name or anybody is attached: to close the handle that made it harms no
 * one.
 *
 * Nothing of a driver is needed to build or to load this library: device-driver.h.
 */
#ifndef TACH_DEVICE_H
#define TACH_DEVICE_H

#include "stream-layout.h"

struct tach_device;

/* How many there are; 0 without a driver. */
int tach_device_count(void);

/*
 * Allocates TACH_STREAM_SLOTS values, all zeros, and says in part (TACH_STREAM_DEVICE_SIZE bytes)
 * how others attach. file: the stream's; it stays open, and its description the handle's alone,
 * until tach_device_destroy(). -ENODEV: no driver or no such device. -ENOMEM. TACHYON_ERR_FORKED:
 * the driver was begun by the process that forked this one.
 */
int tach_device_create(uint32_t index, uint64_t value_size, int file, uint8_t *part,
		       struct tach_device **device);
/*
 * Attaches to what part says, which is a copy of the header's; file as above. -ENODEV: not on that
 * device; TACHYON_ERR_CLOSED: the creator is gone, and its memory with it; TACHYON_ERR_CORRUPT:
 * part makes no sense; -ENOMEM, TACHYON_ERR_FORKED.
 */
int tach_device_attach(uint32_t index, uint64_t value_size, int file, const uint8_t *part,
		       struct tach_device **device);
/* May be NULL. In a forked child it leaves the driver, which does not survive that, alone. */
void tach_device_destroy(struct tach_device *device);
/* Frees what nobody needs any more, of streams that were unlinked meanwhile. */
void tach_device_sweep(void);

/*
 * 0, -EIO, TACHYON_ERR_CLOSED: the creator died, TACHYON_ERR_FORKED. size: the value's. Each may be
 * called by several threads at once; a reader waits for no writer.
 */
int tach_device_write(struct tach_device *device, unsigned int slot, const void *data, size_t size);
int tach_device_read(struct tach_device *device, unsigned int slot, void *data, size_t size);
/* memory: of the same device, whose work on the legacy default stream is done first. */
int tach_device_write_from(struct tach_device *device, unsigned int slot, uint64_t memory,
			   size_t size);
int tach_device_read_to(struct tach_device *device, unsigned int slot, uint64_t memory,
			size_t size);
uint64_t tach_device_address(const struct tach_device *device, unsigned int slot);

/* Memory of one's own: device-allocation.c. 0, -ENODEV, -ENOMEM, -EIO, TACHYON_ERR_FORKED. */
int tach_device_allocate(uint32_t index, size_t size, uint64_t *memory);
/* What tach_device_allocate() did not return, or a forked child's parent did, is left alone. */
void tach_device_free(uint64_t memory);
/* After what was queued on the legacy default stream. 0, or as above. */
int tach_device_copy_out(uint32_t index, uint64_t memory, void *data, size_t size);

#endif
