/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Retaining the primary context of a device, and being in it.
 */
#include "device-context.h"

#include <limits.h>

int tach_device_context_init(struct tach_device_context *context, uint32_t index)
{
	const struct tach_driver *driver;
	int ret;

	ret = tach_driver_get(&driver);
	if (ret < 0)
		return ret;
	if (index > INT_MAX)
		return -ENODEV;
	*context = (struct tach_device_context){.driver = driver};
	ret = tach_driver_check(driver, "cuDeviceGet",
				driver->device_get(&context->device, (int)index));
	if (ret < 0)
		return ret;
	return tach_driver_check(driver, "cuDevicePrimaryCtxRetain",
				 driver->context_retain(&context->context, context->device));
}

void tach_device_context_fini(struct tach_device_context *context)
{
	const struct tach_driver *const driver = context->driver;

	tach_driver_check(driver, "cuDevicePrimaryCtxRelease",
			  driver->context_release(context->device));
}

int tach_device_context_enter(const struct tach_device_context *context)
{
	const struct tach_driver *const driver = context->driver;

	return tach_driver_check(driver, "cuCtxPushCurrent",
				 driver->context_push(context->context));
}

void tach_device_context_leave(const struct tach_device_context *context)
{
	const struct tach_driver *const driver = context->driver;
	struct tach_driver_context *left;

	tach_driver_check(driver, "cuCtxPopCurrent", driver->context_pop(&left));
}
