/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the header of a stream's file says of device memory. PROTOCOL.md 9 is the text to it.
 *
 * CUDA can hand out memory in two ways. A descriptor would keep the memory beyond its maker, but it
 * can only be sent through a socket, and a stream is a file that anybody opens at any time. An IPC
 * handle is 64 bytes, which can stand in a file: so it is that one, and the maker's death takes the
 * memory.
 */
#ifndef TACH_DEVICE_PART_H
#define TACH_DEVICE_PART_H

#include "stream-layout.h"

#define TACH_DEVICE_PART_CUDA_IPC 1u

struct tach_device_part {
	uint32_t kind; /* TACH_DEVICE_PART_CUDA_IPC */
	uint32_t owner_pid;
	uint64_t owner_start; /* tach_os_start_time(): a pid may be another's, later */
	uint64_t stride;      /* from one slot to the next */
	uint64_t size;	      /* of all */
	uint8_t uuid[16];     /* the device's: an index means something in one process only */
	uint8_t handle[64];   /* cuIpcGetMemHandle() */
};

_Static_assert(offsetof(struct tach_device_part, owner_pid) == 4, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_device_part, owner_start) == 8, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_device_part, stride) == 16, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_device_part, size) == 24, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_device_part, uuid) == 32, "PROTOCOL.md 9");
_Static_assert(offsetof(struct tach_device_part, handle) == 48, "PROTOCOL.md 9");
_Static_assert(sizeof(struct tach_device_part) == 112, "PROTOCOL.md 9");
_Static_assert(sizeof(struct tach_device_part) <= TACH_STREAM_DEVICE_SIZE, "PROTOCOL.md 9");

#endif
