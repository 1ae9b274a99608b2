/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Loading libcuda.so.1: the one place that does.
 */
#include "device-driver.h"

#include <dlfcn.h>
#include <pthread.h>

#include "log.h"
#include "os.h"

#define LIBRARY "libcuda.so.1"

/* A function of the library, and where its address goes. */
struct entry {
	const char *name;
	const char *older_name; /* or NULL */
	size_t offset;
};

#define ENTRY(field, name, older_name)                                \
	{                                                             \
		name, older_name, offsetof(struct tach_driver, field) \
	}

static const struct entry entries[] = {
	ENTRY(init, "cuInit", NULL),
	ENTRY(error_name, "cuGetErrorName", NULL),
	ENTRY(device_count, "cuDeviceGetCount", NULL),
	ENTRY(device_get, "cuDeviceGet", NULL),
	/* The older one cannot tell the parts of a divided device (MIG) from one another. */
	ENTRY(device_uuid, "cuDeviceGetUuid_v2", "cuDeviceGetUuid"),
	ENTRY(context_retain, "cuDevicePrimaryCtxRetain", NULL),
	ENTRY(context_release, "cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease"),
	ENTRY(context_push, "cuCtxPushCurrent_v2", NULL),
	ENTRY(context_pop, "cuCtxPopCurrent_v2", NULL),
	ENTRY(memory_allocate, "cuMemAlloc_v2", NULL),
	ENTRY(memory_free, "cuMemFree_v2", NULL),
	ENTRY(ipc_export, "cuIpcGetMemHandle", NULL),
	ENTRY(ipc_open, "cuIpcOpenMemHandle_v2", "cuIpcOpenMemHandle"),
	ENTRY(ipc_close, "cuIpcCloseMemHandle", NULL),
	ENTRY(fill, "cuMemsetD8Async", NULL),
	ENTRY(copy_in, "cuMemcpyHtoDAsync_v2", NULL),
	ENTRY(copy_out, "cuMemcpyDtoHAsync_v2", NULL),
	ENTRY(copy, "cuMemcpyDtoDAsync_v2", NULL),
	ENTRY(stream_create, "cuStreamCreate", NULL),
	ENTRY(stream_destroy, "cuStreamDestroy_v2", NULL),
	ENTRY(stream_wait, "cuStreamWaitEvent", NULL),
	ENTRY(stream_synchronize, "cuStreamSynchronize", NULL),
	ENTRY(event_create, "cuEventCreate", NULL),
	ENTRY(event_record, "cuEventRecord", NULL),
	ENTRY(event_synchronize, "cuEventSynchronize", NULL),
	ENTRY(event_destroy, "cuEventDestroy_v2", NULL),
};

_Static_assert(TACH_ARRAY_SIZE(entries) * sizeof(void (*)(void)) == sizeof(struct tach_driver),
	       "every function has an entry");

/* Written once, by load_once(), and read by all afterwards. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct tach_driver table;
static uint64_t loader; /* the process that began to use it */
static int loaded = -ENODEV;

static int find(void *library, const struct entry *entry)
{
	void *address = dlsym(library, entry->name);

	if (!address && entry->older_name)
		address = dlsym(library, entry->older_name);
	if (!address) {
		tach_log(TACHYON_LOG_WARNING, "%s has no %s: too old", LIBRARY, entry->name);
		return -ENODEV;
	}
	/* POSIX: an address of dlsym() may be a function's; C has no cast for it. */
	memcpy((char *)&table + entry->offset, &address, sizeof(address));
	return 0;
}

static int load(void)
{
	/* Not closed again: a driver does not like to be unloaded. */
	void *const library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		tach_log(TACHYON_LOG_INFO, "no CUDA driver: %s", dlerror());
		return -ENODEV;
	}
	for (size_t i = 0; i < TACH_ARRAY_SIZE(entries); i++) {
		const int ret = find(library, &entries[i]);

		if (ret < 0)
			return ret;
	}
	return tach_driver_check(&table, "cuInit", table.init(0)) < 0 ? -ENODEV : 0;
}

static void load_once(void)
{
	loader = tach_os_process_token();
	loaded = load();
}

int tach_driver_get(const struct tach_driver **driver)
{
	pthread_once(&once, load_once);
	if (loaded < 0)
		return loaded;
	/* The threads and mappings of a driver are not a forked child's: it may not be called. */
	if (loader != tach_os_process_token())
		return TACHYON_ERR_FORKED;
	*driver = &table;
	return 0;
}

int tach_driver_check(const struct tach_driver *driver, const char *call, int result)
{
	const char *name = NULL;

	if (result == TACH_DRIVER_SUCCESS)
		return 0;
	if (driver->error_name(result, &name) != TACH_DRIVER_SUCCESS || !name)
		name = "an error that has no name";
	tach_log(TACHYON_LOG_ERROR, "%s: %s (%d)", call, name, result);

	switch (result) {
	case TACH_DRIVER_OUT_OF_MEMORY:
		return -ENOMEM;
	case TACH_DRIVER_NO_DEVICE:
	case TACH_DRIVER_INVALID_DEVICE:
	case TACH_DRIVER_NOT_SUPPORTED:
		return -ENODEV;
	default:
		return -EIO;
	}
}
