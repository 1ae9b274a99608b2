/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The structs that DLPack capsules point to: an ABI, declared here from the specification "DLPack C
 * API" 1.0 (https://dmlc.github.io/dlpack/latest/c_api.html).
 */
#ifndef TACHYON_EXT_DLPACK_H
#define TACHYON_EXT_DLPACK_H

#include <stdint.h>

/* kDLCPU: the only device here. */
#define DLPACK_CPU 1

enum dlpack_type_code {
	DLPACK_INT = 0,
	DLPACK_UINT = 1,
	DLPACK_FLOAT = 2,
	DLPACK_BOOL = 6,
};

struct dlpack_device {
	int32_t type;
	int32_t id;
};

struct dlpack_type {
	uint8_t code; /* enum dlpack_type_code */
	uint8_t bits;
	uint16_t lanes;
};

struct dlpack_tensor {
	void *data;
	struct dlpack_device device;
	int32_t dimensions;
	struct dlpack_type type;
	int64_t *shape;	  /* elements */
	int64_t *strides; /* elements */
	uint64_t byte_offset;
};

/* "dltensor": what consumers older than 1.0 take. Whoever took it calls deleter once. */
struct dlpack_managed {
	struct dlpack_tensor tensor;
	void *context;
	void (*deleter)(struct dlpack_managed *self);
};

#define DLPACK_MAJOR 1
#define DLPACK_MINOR 0

#define DLPACK_READ_ONLY (1u << 0)
#define DLPACK_IS_COPIED (1u << 1)

/* "dltensor_versioned" */
struct dlpack_versioned {
	uint32_t major;
	uint32_t minor;
	void *context;
	void (*deleter)(struct dlpack_versioned *self);
	uint64_t flags;
	struct dlpack_tensor tensor;
};

#endif
