/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Device memory that processes share: each piece once in a process, however many handles use it. A
 * driver opens no handle in the process that made it, and old ones none twice.
 *
 * What a process made it keeps while anybody may still need it: while it is in use here, while the
 * file of its stream has a name, and while another process says that it is attached, by a lease on
 * that file.
 */
#ifndef TACH_DEVICE_MEMORY_H
#define TACH_DEVICE_MEMORY_H

#include "device-context.h"
#include "device-part.h"

struct tach_device_memory {
	struct tach_device_context on;
	struct tach_device_part part;
	uint64_t base;
	unsigned int users; /* handles of this process */
	bool is_own;
	int file;  /* own: the stream's, by a description of its own */
	int owner; /* another's: a pidfd of who made it, or negative */
	struct tach_device_memory *next;
};

/*
 * Makes slots of a stride, all zeros, for the stream in file. 0, -ENODEV, -ENOMEM, -EIO, -EMFILE,
 * TACHYON_ERR_FORKED.
 */
int tach_device_memory_create(uint32_t index, uint64_t stride, int file,
			      struct tach_device_memory **memory);
/*
 * 0, and as above; TACHYON_ERR_CLOSED: it is gone; TACHYON_ERR_CORRUPT: the driver knows no such.
 */
int tach_device_memory_open(uint32_t index, const struct tach_device_part *part,
			    struct tach_device_memory **memory);
/* One user less. */
void tach_device_memory_release(struct tach_device_memory *memory);

/* Frees what nobody needs any more. Without memory of this process's own: nothing at all. */
void tach_device_memory_sweep(void);

/* 0, or TACHYON_ERR_CLOSED: who made it is gone. */
int tach_device_memory_check(const struct tach_device_memory *memory);

#endif
