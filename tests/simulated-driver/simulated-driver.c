/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The simulated CUDA driver, for tests only: devices, contexts, and calls that fail when told to.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "simulated.h"

#define DEVICES_MAX 8
#define DEPTH_MAX 16

/* A context is the address of its device's entry. */
struct tach_driver_context {
	unsigned int retained;
};

static struct tach_driver_context contexts[DEVICES_MAX];
static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static int device_count;
static pid_t process; /* which called cuInit; 0: none did */

static _Thread_local struct tach_driver_context *entered[DEPTH_MAX];
static _Thread_local size_t depth;

static _Atomic unsigned int calls;
static _Atomic unsigned int failing_call; /* 0: none */
static _Atomic int failing_result;
static _Atomic(const char *) failed_call;
static _Atomic long live;

/* --- for all --- */

_Noreturn void simulated_misuse(const char *what)
{
	fprintf(stderr, "simulated CUDA driver: %s\n", what);
	abort();
}

int simulated_begin(const char *call)
{
	const unsigned int number = atomic_fetch_add(&calls, 1) + 1;

	if (process == 0)
		return TACH_DRIVER_NOT_INITIALIZED;
	if (process != getpid())
		simulated_misuse("called in a forked child");
	if (number != atomic_load(&failing_call))
		return TACH_DRIVER_SUCCESS;
	atomic_store(&failed_call, call);
	return atomic_load(&failing_result);
}

int simulated_device(void)
{
	return depth > 0 ? (int)(entered[depth - 1] - contexts) : -1;
}

void simulated_count(int change)
{
	atomic_fetch_add(&live, change);
}

/* --- for tests --- */

unsigned int simulated_cuda_calls(void)
{
	return atomic_load(&calls);
}

void simulated_cuda_fail(unsigned int number, int result)
{
	atomic_store(&failed_call, NULL);
	atomic_store(&failing_result, result);
	atomic_store(&failing_call, number > 0 ? atomic_load(&calls) + number : 0);
}

const char *simulated_cuda_failed(void)
{
	return atomic_load(&failed_call);
}

size_t simulated_cuda_live(void)
{
	return (size_t)atomic_load(&live);
}

size_t simulated_cuda_depth(void)
{
	return depth;
}

/* --- devices --- */

static int number_in_environment(const char *name, int otherwise)
{
	const char *text = getenv(name);

	return text ? atoi(text) : otherwise;
}

int cuInit(unsigned int flags)
{
	const int result = number_in_environment("SIMULATED_CUDA_INIT", TACH_DRIVER_SUCCESS);

	if (flags != 0)
		return TACH_DRIVER_INVALID_VALUE;
	if (result != TACH_DRIVER_SUCCESS)
		return result;
	device_count = number_in_environment("SIMULATED_CUDA_DEVICES", 1);
	if (device_count > DEVICES_MAX)
		simulated_misuse("SIMULATED_CUDA_DEVICES: so many are not simulated");
	process = getpid();
	return device_count > 0 ? TACH_DRIVER_SUCCESS : TACH_DRIVER_NO_DEVICE;
}

int cuGetErrorName(int result, const char **name)
{
	switch (result) {
	case TACH_DRIVER_INVALID_VALUE:
		*name = "CUDA_ERROR_INVALID_VALUE";
		return TACH_DRIVER_SUCCESS;
	case TACH_DRIVER_OUT_OF_MEMORY:
		*name = "CUDA_ERROR_OUT_OF_MEMORY";
		return TACH_DRIVER_SUCCESS;
	case TACH_DRIVER_NO_DEVICE:
		*name = "CUDA_ERROR_NO_DEVICE";
		return TACH_DRIVER_SUCCESS;
	case TACH_DRIVER_INVALID_DEVICE:
		*name = "CUDA_ERROR_INVALID_DEVICE";
		return TACH_DRIVER_SUCCESS;
	case TACH_DRIVER_INVALID_HANDLE:
		*name = "CUDA_ERROR_INVALID_HANDLE";
		return TACH_DRIVER_SUCCESS;
	case TACH_DRIVER_UNKNOWN:
		*name = "CUDA_ERROR_UNKNOWN";
		return TACH_DRIVER_SUCCESS;
	default:
		return TACH_DRIVER_INVALID_VALUE;
	}
}

int cuDeviceGetCount(int *count)
{
	const int ret = simulated_begin("cuDeviceGetCount");

	if (ret == TACH_DRIVER_SUCCESS)
		*count = device_count;
	return ret;
}

int cuDeviceGet(int *device, int index)
{
	const int ret = simulated_begin("cuDeviceGet");

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	if (index < 0 || index >= device_count)
		return TACH_DRIVER_INVALID_DEVICE;
	*device = index;
	return TACH_DRIVER_SUCCESS;
}

int cuDeviceGetUuid_v2(struct tach_driver_uuid *uuid, int device)
{
	const int ret = simulated_begin("cuDeviceGetUuid");

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	memset(uuid, 0, sizeof(*uuid));
	snprintf((char *)uuid->bytes, sizeof(uuid->bytes), "simulated %d", device);
	return TACH_DRIVER_SUCCESS;
}

/* --- contexts --- */

int cuDevicePrimaryCtxRetain(struct tach_driver_context **context, int device)
{
	const int ret = simulated_begin("cuDevicePrimaryCtxRetain");

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	pthread_mutex_lock(&context_lock);
	contexts[device].retained++;
	pthread_mutex_unlock(&context_lock);
	simulated_count(1);
	*context = &contexts[device];
	return TACH_DRIVER_SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
	const int ret = simulated_begin("cuDevicePrimaryCtxRelease");
	bool is_last;

	pthread_mutex_lock(&context_lock);
	if (contexts[device].retained == 0)
		simulated_misuse("a context is released too often");
	is_last = --contexts[device].retained == 0;
	pthread_mutex_unlock(&context_lock);
	simulated_count(-1);
	if (is_last) {
		simulated_end_queues(device);
		simulated_free_all(device);
	}
	return ret;
}

int cuCtxPushCurrent_v2(struct tach_driver_context *context)
{
	const int ret = simulated_begin("cuCtxPushCurrent");
	bool is_retained;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	pthread_mutex_lock(&context_lock);
	is_retained = context->retained > 0;
	pthread_mutex_unlock(&context_lock);
	if (!is_retained || depth == DEPTH_MAX)
		simulated_misuse("a context that is not retained, or entered too often");
	entered[depth++] = context;
	return TACH_DRIVER_SUCCESS;
}

int cuCtxPopCurrent_v2(struct tach_driver_context **context)
{
	const int ret = simulated_begin("cuCtxPopCurrent");

	if (depth == 0)
		simulated_misuse("no context to leave");
	*context = entered[--depth];
	return ret;
}
