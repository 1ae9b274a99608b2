/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of the simulated CUDA driver share. See simulated-driver.h.
 */
#ifndef SIMULATED_H
#define SIMULATED_H

#include <stdbool.h>

#include "device-driver.h"
#include "simulated-driver.h"

/* --- simulated-driver.c --- */

/* At the beginning of each call: 0, or what it is to answer. */
int simulated_begin(const char *call);
/* What a real driver leaves undefined: says so, and ends the process. */
_Noreturn void simulated_misuse(const char *what);
/* The device whose context this thread is in, or -1. */
int simulated_device(void);
/* More, or fewer, objects are alive. */
void simulated_count(int change);

/* --- simulated-memory.c --- */

/* Where the host may look at device memory; NULL: there is none. Until it is freed. */
uint8_t *simulated_address(uint64_t memory, size_t size);
/* Copies as it was told to: slowly, and perhaps not to the end. */
void simulated_copy(void *to, const void *from, size_t size);
/* With the context of a device goes what was made in it. */
void simulated_free_all(int device);

/* --- simulated-stream.c --- */

/* Likewise. */
void simulated_end_queues(int device);

/* --- the driver, as device-driver.h has it --- */

int cuInit(unsigned int flags);
int cuGetErrorName(int result, const char **name);
int cuDeviceGetCount(int *count);
int cuDeviceGet(int *device, int index);
int cuDeviceGetUuid_v2(struct tach_driver_uuid *uuid, int device);
int cuDevicePrimaryCtxRetain(struct tach_driver_context **context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxPushCurrent_v2(struct tach_driver_context *context);
int cuCtxPopCurrent_v2(struct tach_driver_context **context);
int cuMemAlloc_v2(uint64_t *memory, size_t size);
int cuMemFree_v2(uint64_t memory);
int cuIpcGetMemHandle(struct tach_driver_ipc *handle, uint64_t memory);
int cuIpcOpenMemHandle_v2(uint64_t *memory, struct tach_driver_ipc handle, unsigned int flags);
int cuIpcCloseMemHandle(uint64_t memory);
int cuMemsetD8Async(uint64_t memory, unsigned char byte, size_t size,
		    struct tach_driver_stream *stream);
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size,
			 struct tach_driver_stream *stream);
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, struct tach_driver_stream *stream);
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size,
			 struct tach_driver_stream *stream);
int cuStreamCreate(struct tach_driver_stream **stream, unsigned int flags);
int cuStreamDestroy_v2(struct tach_driver_stream *stream);
int cuStreamWaitEvent(struct tach_driver_stream *stream, struct tach_driver_event *event,
		      unsigned int flags);
int cuStreamSynchronize(struct tach_driver_stream *stream);
int cuEventCreate(struct tach_driver_event **event, unsigned int flags);
int cuEventRecord(struct tach_driver_event *event, struct tach_driver_stream *stream);
int cuEventSynchronize(struct tach_driver_event *event);
int cuEventDestroy_v2(struct tach_driver_event *event);

#endif
