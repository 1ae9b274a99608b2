/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The simulated CUDA driver's memory, for tests only: each piece is a memory file, which the driver
 * maps for itself; its device address is a range that nobody may touch.
 *
 * A handle for others says where the file is found: /proc/PID/fd/FD, gone when its process is.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "simulated.h"

#define MEMORY_MAX (1ull << 30)
#define NEW_BYTE 0xcd
#define FREED_BYTE 0xdb

struct memory {
	uint64_t base;
	size_t size;
	uint8_t *mapped;
	int file;
	int device;
	bool is_opened; /* another process's */
	struct memory *next;
};

/* What stands in a CUipcMemHandle. */
struct handle {
	int32_t pid;
	int32_t file;
	uint64_t inode;
	uint64_t size;
	int32_t device;
};

_Static_assert(sizeof(struct handle) <= TACH_DRIVER_IPC_SIZE, "it fits");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory *all;

static _Atomic size_t piece_size;
static _Atomic unsigned int pause_us;
static _Atomic unsigned int slow_copies;
static _Atomic unsigned int copies_until_stop;

/* --- copying --- */

void simulated_cuda_slow(size_t size, unsigned int pause)
{
	atomic_store(&piece_size, size);
	atomic_store(&pause_us, pause);
}

unsigned int simulated_cuda_slow_copies(void)
{
	return atomic_load(&slow_copies);
}

void simulated_cuda_stop(unsigned int number)
{
	atomic_store(&copies_until_stop, number);
}

/* Whether this is the copy that was meant. */
static bool is_to_stop(void)
{
	unsigned int left = atomic_load(&copies_until_stop);

	while (left > 0 && !atomic_compare_exchange_weak(&copies_until_stop, &left, left - 1))
		;
	return left == 1;
}

/*
 * As a device does it: no sanitizer sees it. A reader copies what a writer may be changing, and
 * looks afterwards whether it did.
 */
__attribute__((no_sanitize("thread"))) static void move(volatile uint8_t *to,
							const volatile uint8_t *from, size_t size)
{
	size_t done = 0;

	if (((uintptr_t)to | (uintptr_t)from) % sizeof(uint64_t) == 0)
		for (; done + sizeof(uint64_t) <= size; done += sizeof(uint64_t))
			*(volatile uint64_t *)(to + done) =
				*(const volatile uint64_t *)(from + done);
	for (; done < size; done++)
		to[done] = from[done];
}

static void copy_slowly(uint8_t *to, const uint8_t *from, size_t size)
{
	const size_t piece = atomic_load(&piece_size);
	const unsigned int pause = atomic_load(&pause_us);

	if (piece == 0) {
		move(to, from, size);
		return;
	}
	atomic_fetch_add(&slow_copies, 1);
	for (size_t done = 0; done < size; done += piece) {
		move(to + done, from + done, size - done < piece ? size - done : piece);
		usleep(pause);
	}
}

void simulated_copy(void *to, const void *from, size_t size)
{
	const size_t half = is_to_stop() ? size / 2 : 0;

	if (half > 0) {
		move(to, from, half);
		raise(SIGSTOP);
	}
	copy_slowly((uint8_t *)to + half, (const uint8_t *)from + half, size - half);
}

/* --- the list --- */

static struct memory *find(uint64_t address, size_t size)
{
	struct memory *memory = all;

	while (memory && (address < memory->base || size > memory->size ||
			  address - memory->base > memory->size - size))
		memory = memory->next;
	return memory;
}

uint8_t *simulated_address(uint64_t address, size_t size)
{
	struct memory *memory;

	pthread_mutex_lock(&lock);
	memory = find(address, size);
	pthread_mutex_unlock(&lock);
	return memory ? memory->mapped + (address - memory->base) : NULL;
}

static void add(struct memory *memory)
{
	pthread_mutex_lock(&lock);
	memory->next = all;
	all = memory;
	pthread_mutex_unlock(&lock);
	simulated_count(1);
}

/* The one with this base, which is on the list no more; or NULL. */
static struct memory *take_out(uint64_t base, bool is_opened)
{
	struct memory **link = &all;
	struct memory *memory;

	pthread_mutex_lock(&lock);
	while (*link && ((*link)->base != base || (*link)->is_opened != is_opened))
		link = &(*link)->next;
	memory = *link;
	if (memory)
		*link = memory->next;
	pthread_mutex_unlock(&lock);
	return memory;
}

/* --- one piece --- */

static void *check_mapped(void *mapped)
{
	if (mapped == MAP_FAILED)
		simulated_misuse("no memory");
	return mapped;
}

/* Another address in each process, also in one that was forked. */
static void *wish(void)
{
	static _Atomic uint64_t made;
	const uint64_t process = (uint64_t)getpid() % 0x1000;

	return (void *)(uintptr_t)(0x100000000000 + (process << 32) +
				   (atomic_fetch_add(&made, 1) << 26));
}

static void map(struct memory *memory)
{
	memory->mapped = check_mapped(
		mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->file, 0));
	memory->base =
		(uintptr_t)check_mapped(mmap(wish(), memory->size, PROT_NONE,
					     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

static void discard(struct memory *memory)
{
	munmap((void *)(uintptr_t)memory->base, memory->size);
	munmap(memory->mapped, memory->size);
	close(memory->file);
	free(memory);
	simulated_count(-1);
}

static struct memory *make(int file, size_t size, int device)
{
	struct memory *memory = malloc(sizeof(*memory));

	if (!memory || file < 0)
		simulated_misuse("no memory");
	*memory = (struct memory){.file = file, .size = size, .device = device};
	map(memory);
	return memory;
}

int cuMemAlloc_v2(uint64_t *memory, size_t size)
{
	const int ret = simulated_begin("cuMemAlloc");
	struct memory *made;
	int file;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	if (size == 0)
		return TACH_DRIVER_INVALID_VALUE;
	if (size > MEMORY_MAX)
		return TACH_DRIVER_OUT_OF_MEMORY;
	file = memfd_create("simulated device memory", MFD_CLOEXEC);
	if (ftruncate(file, (off_t)size) < 0)
		simulated_misuse("no memory file");
	made = make(file, size, simulated_device());
	memset(made->mapped, NEW_BYTE, size);
	add(made);
	*memory = made->base;
	return TACH_DRIVER_SUCCESS;
}

int cuMemFree_v2(uint64_t memory)
{
	const int ret = simulated_begin("cuMemFree");
	struct memory *found;

	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	found = take_out(memory, false);
	if (!found)
		simulated_misuse("memory is freed that was not allocated");
	memset(found->mapped, FREED_BYTE, found->size);
	discard(found);
	return ret;
}

/* The next one of a device whose context is gone; NULL: none left. */
static struct memory *take_one_of(int device)
{
	struct memory **link = &all;
	struct memory *memory;

	pthread_mutex_lock(&lock);
	while (*link && (*link)->device != device)
		link = &(*link)->next;
	memory = *link;
	if (memory)
		*link = memory->next;
	pthread_mutex_unlock(&lock);
	return memory;
}

void simulated_free_all(int device)
{
	struct memory *memory;

	while ((memory = take_one_of(device)) != NULL)
		discard(memory);
}

/* --- for others --- */

int cuIpcGetMemHandle(struct tach_driver_ipc *handle, uint64_t memory)
{
	const int ret = simulated_begin("cuIpcGetMemHandle");
	struct handle made;
	struct stat status;
	struct memory *found;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	pthread_mutex_lock(&lock);
	found = find(memory, 1);
	pthread_mutex_unlock(&lock);
	if (!found || found->base != memory || found->is_opened || fstat(found->file, &status) < 0)
		return TACH_DRIVER_INVALID_VALUE;
	memset(&made, 0, sizeof(made));
	made.pid = getpid();
	made.file = found->file;
	made.inode = status.st_ino;
	made.size = found->size;
	made.device = found->device;
	memset(handle, 0, sizeof(*handle));
	memcpy(handle->bytes, &made, sizeof(made));
	return TACH_DRIVER_SUCCESS;
}

/* The file that is meant, or -1. */
static int open_file(const struct handle *handle)
{
	struct stat status;
	char path[64];
	int file;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", handle->pid, handle->file);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return -1;
	if (fstat(file, &status) == 0 && status.st_ino == handle->inode)
		return file;
	close(file);
	return -1;
}

int cuIpcOpenMemHandle_v2(uint64_t *memory, struct tach_driver_ipc given, unsigned int flags)
{
	const int ret = simulated_begin("cuIpcOpenMemHandle");
	struct handle handle;
	struct memory *made;
	int file;

	if (ret != TACH_DRIVER_SUCCESS)
		return ret;
	memcpy(&handle, given.bytes, sizeof(handle));
	if (flags != TACH_DRIVER_IPC_LAZY_PEER_ACCESS)
		return TACH_DRIVER_INVALID_VALUE;
	if (simulated_device() < 0 || handle.pid == getpid())
		return TACH_DRIVER_INVALID_CONTEXT;
	file = open_file(&handle);
	if (file < 0)
		return TACH_DRIVER_INVALID_HANDLE;
	if (handle.device != simulated_device())
		simulated_misuse("memory of another device is opened, which is not simulated");
	made = make(file, (size_t)handle.size, handle.device);
	made->is_opened = true;
	add(made);
	*memory = made->base;
	return TACH_DRIVER_SUCCESS;
}

int cuIpcCloseMemHandle(uint64_t memory)
{
	const int ret = simulated_begin("cuIpcCloseMemHandle");
	struct memory *found;

	if (simulated_device() < 0)
		return TACH_DRIVER_INVALID_CONTEXT;
	found = take_out(memory, true);
	if (!found)
		simulated_misuse("memory is closed that was not opened");
	discard(found);
	return ret;
}

/* --- for tests --- */

int simulated_cuda_peek(uint64_t memory, void *to, size_t size)
{
	const uint8_t *from = simulated_address(memory, size);

	if (!from)
		return TACH_DRIVER_INVALID_VALUE;
	memcpy(to, from, size);
	return TACH_DRIVER_SUCCESS;
}

int simulated_cuda_poke(uint64_t memory, const void *from, size_t size)
{
	uint8_t *to = simulated_address(memory, size);

	if (!to)
		return TACH_DRIVER_INVALID_VALUE;
	memcpy(to, from, size);
	return TACH_DRIVER_SUCCESS;
}
