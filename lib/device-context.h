/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The primary context of a device, which all users of the driver in a process share, torch among
 * them. It is entered for the length of one call: the caller's own context is left as it was.
 */
#ifndef TACH_DEVICE_CONTEXT_H
#define TACH_DEVICE_CONTEXT_H

#include "device-driver.h"

struct tach_device_context {
	const struct tach_driver *driver;
	struct tach_driver_context *context;
	int device; /* the driver's number of it */
};

/* 0, -ENODEV, -ENOMEM, -EIO, TACHYON_ERR_FORKED */
int tach_device_context_init(struct tach_device_context *context, uint32_t index);
void tach_device_context_fini(struct tach_device_context *context);

/* This thread is in it until tach_device_context_leave(). 0, or as tach_driver_check(). */
int tach_device_context_enter(const struct tach_device_context *context);
void tach_device_context_leave(const struct tach_device_context *context);

#endif
