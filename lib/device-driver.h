/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The functions of the CUDA driver that are called here, found by name in libcuda.so.1 when they
 * are first asked for: nothing of CUDA is needed to build or to load this library.
 *
 * Types and numbers are those of NVIDIA's "CUDA Driver API" reference manual
 * (https://docs.nvidia.com/cuda/cuda-driver-api/): a CUresult is an int, CUdevice too; CUdeviceptr
 * is as wide as a pointer; CUcontext, CUstream and CUevent point to what nobody looks into.
 */
#ifndef TACH_DEVICE_DRIVER_H
#define TACH_DEVICE_DRIVER_H

#include "base.h"

/* CUresult */
enum tach_driver_result {
	TACH_DRIVER_SUCCESS = 0,
	TACH_DRIVER_INVALID_VALUE = 1,
	TACH_DRIVER_OUT_OF_MEMORY = 2,
	TACH_DRIVER_NOT_INITIALIZED = 3,
	TACH_DRIVER_NO_DEVICE = 100,
	TACH_DRIVER_INVALID_DEVICE = 101,
	TACH_DRIVER_INVALID_CONTEXT = 201,
	TACH_DRIVER_MAP_FAILED = 205,
	TACH_DRIVER_INVALID_HANDLE = 400,
	TACH_DRIVER_NOT_SUPPORTED = 801,
	TACH_DRIVER_UNKNOWN = 999,
};

/* Flags of cuStreamCreate, cuEventCreate and cuIpcOpenMemHandle. */
#define TACH_DRIVER_STREAM_NON_BLOCKING 1u
#define TACH_DRIVER_EVENT_BLOCKING_SYNC 1u
#define TACH_DRIVER_EVENT_DISABLE_TIMING 2u
#define TACH_DRIVER_IPC_LAZY_PEER_ACCESS 1u

#define TACH_DRIVER_UUID_SIZE 16
#define TACH_DRIVER_IPC_SIZE 64

/* CUuuid, CUipcMemHandle: the second is passed by value. */
struct tach_driver_uuid {
	uint8_t bytes[TACH_DRIVER_UUID_SIZE];
};

struct tach_driver_ipc {
	uint8_t bytes[TACH_DRIVER_IPC_SIZE];
};

struct tach_driver_context;
struct tach_driver_stream;
struct tach_driver_event;

/*
 * What each is called there: device-driver.c. A stream that is NULL is the legacy default stream.
 */
struct tach_driver {
	int (*init)(unsigned int flags);
	int (*error_name)(int result, const char **name);

	int (*device_count)(int *count);
	int (*device_get)(int *device, int index);
	int (*device_uuid)(struct tach_driver_uuid *uuid, int device);

	int (*context_retain)(struct tach_driver_context **context, int device);
	int (*context_release)(int device);
	int (*context_push)(struct tach_driver_context *context);
	int (*context_pop)(struct tach_driver_context **context);

	int (*memory_allocate)(uint64_t *memory, size_t size);
	int (*memory_free)(uint64_t memory);
	int (*ipc_export)(struct tach_driver_ipc *handle, uint64_t memory);
	int (*ipc_open)(uint64_t *memory, struct tach_driver_ipc handle, unsigned int flags);
	int (*ipc_close)(uint64_t memory);

	int (*fill)(uint64_t memory, unsigned char byte, size_t size,
		    struct tach_driver_stream *stream);
	int (*copy_in)(uint64_t to, const void *from, size_t size,
		       struct tach_driver_stream *stream);
	int (*copy_out)(void *to, uint64_t from, size_t size, struct tach_driver_stream *stream);
	int (*copy)(uint64_t to, uint64_t from, size_t size, struct tach_driver_stream *stream);

	int (*stream_create)(struct tach_driver_stream **stream, unsigned int flags);
	int (*stream_destroy)(struct tach_driver_stream *stream);
	int (*stream_wait)(struct tach_driver_stream *stream, struct tach_driver_event *event,
			   unsigned int flags);
	int (*stream_synchronize)(struct tach_driver_stream *stream);
	int (*event_create)(struct tach_driver_event **event, unsigned int flags);
	int (*event_record)(struct tach_driver_event *event, struct tach_driver_stream *stream);
	int (*event_synchronize)(struct tach_driver_event *event);
	int (*event_destroy)(struct tach_driver_event *event);
};

_Static_assert(sizeof(uint64_t) == sizeof(void *), "a CUdeviceptr is as wide as a pointer");

/*
 * Loads the driver at the first call, and says the same at every later one: 0; -ENODEV: there is
 * none, or none that works; TACHYON_ERR_FORKED: the process that forked this one began to use it.
 */
int tach_driver_get(const struct tach_driver **driver);

/*
 * What a CUresult means: 0, -ENOMEM, -ENODEV (that cannot be had there), -EIO. One log line, which
 * names the call, if it is not 0.
 */
int tach_driver_check(const struct tach_driver *driver, const char *call, int result);

#endif
