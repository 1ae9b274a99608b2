/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * DLPack capsules over memory that an object keeps.
 *
 * Two kinds: the versioned one of DLPack 1.0, for consumers that say they know it, and the legacy
 * one, which cannot say that memory is read-only. Either way the tensor is over memory that
 * survives being written to (rx_hold.c): consumers do not all look at the flag.
 */
#include "dlpack.h"

#include "ext.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEGACY "dltensor"
#define VERSIONED "dltensor_versioned"
/* Of copies: what vector loads want. */
#define ALIGNMENT 64

/* What a capsule and then its consumer own. From malloc(): it may be freed without Python. */
struct export
{
	union {
		struct dlpack_managed legacy;
		struct dlpack_versioned versioned;
	};
	PyObject *view; /* keeps the memory; NULL: copy is the memory */
	void *copy;
	int64_t shape[EXT_DIMENSIONS];
	int64_t strides[EXT_DIMENSIONS];
};

/* What the consumer asked for. */
struct request {
	bool is_versioned;
	bool wants_copy;
};

/* --- the end of an export --- */

static void free_export(struct export *export)
{
	free(export->copy);
	free(export);
}

/* With the GIL. */
static void drop_export(struct export *export)
{
	Py_XDECREF(export->view);
	free_export(export);
}

static bool is_finalizing(void)
{
	if (!Py_IsInitialized())
		return true;
#if PY_VERSION_HEX >= 0x030D0000
	return Py_IsFinalizing();
#else
	return _Py_IsFinalizing();
#endif
}

/* Consumers call it on any thread, with the GIL or without. */
static void delete_export(struct export *export)
{
	PyGILState_STATE gil;

	if (!export->view) {
		free_export(export);
		return;
	}
	/*
	 * Python is on its way out: who asks for the GIL now never returns. The process ends soon.
	 */
	if (is_finalizing())
		return;
	gil = PyGILState_Ensure();
	drop_export(export);
	PyGILState_Release(gil);
}

static void delete_legacy(struct dlpack_managed *managed)
{
	delete_export(managed->context);
}

static void delete_versioned(struct dlpack_versioned *versioned)
{
	delete_export(versioned->context);
}

/* A consumer renames the capsule, and then frees the export itself. */
static void destroy_capsule(PyObject *capsule)
{
	if (PyCapsule_IsValid(capsule, LEGACY)) {
		struct dlpack_managed *const managed = PyCapsule_GetPointer(capsule, LEGACY);

		drop_export(managed->context);
	} else if (PyCapsule_IsValid(capsule, VERSIONED)) {
		struct dlpack_versioned *const managed = PyCapsule_GetPointer(capsule, VERSIONED);

		drop_export(managed->context);
	}
}

/* --- making one --- */

static int code_of(char kind)
{
	switch (kind) {
	case 'b':
	case 'h':
	case 'i':
	case 'l':
	case 'q':
		return DLPACK_INT;
	case 'B':
	case 'H':
	case 'I':
	case 'L':
	case 'Q':
		return DLPACK_UINT;
	case 'e':
	case 'f':
	case 'd':
		return DLPACK_FLOAT;
	case '?':
		return DLPACK_BOOL;
	default:
		return -1;
	}
}

static bool is_native(char order)
{
	return order == (PY_BIG_ENDIAN ? '>' : '<') || order == '=' || order == '@' ||
	       (PY_BIG_ENDIAN && order == '!');
}

/* -1: BufferError, DLPack has no word for it. */
static int describe_type(const struct ext_shape *shape, struct dlpack_type *type)
{
	const bool has_order = shape->format[0] && strchr("<>=@!", shape->format[0]);
	const int code = code_of(shape->format[has_order]);

	if (code < 0 || (has_order && !is_native(shape->format[0]) && shape->item_size > 1)) {
		PyErr_Format(PyExc_BufferError, "DLPack cannot say format '%s'", shape->format);
		return -1;
	}
	*type = (struct dlpack_type){
		.code = (uint8_t)code,
		.bits = (uint8_t)(shape->item_size * 8),
		.lanes = 1,
	};
	return 0;
}

static int describe_strides(struct export *export, const struct ext_shape *shape)
{
	for (int i = 0; i < shape->dimensions; i++) {
		if (shape->strides[i] % shape->item_size != 0) {
			PyErr_SetString(PyExc_BufferError,
					"DLPack cannot say strides that are no whole elements");
			return -1;
		}
		export->shape[i] = shape->shape[i];
		export->strides[i] = shape->strides[i] / shape->item_size;
	}
	return 0;
}

/* Elements one behind the other, as they are copied. */
static void compact_strides(struct export *export, int dimensions)
{
	int64_t stride = 1;

	for (int i = dimensions - 1; i >= 0; i--) {
		export->strides[i] = stride;
		stride *= export->shape[i];
	}
}

/* 0, or -1 with an exception. */
static int copy_memory(struct export *export, Py_buffer *buffer)
{
	const size_t size = ((size_t)buffer->len / ALIGNMENT + 1) * ALIGNMENT;

	export->copy = aligned_alloc(ALIGNMENT, size);
	if (!export->copy) {
		PyErr_NoMemory();
		return -1;
	}
	if (PyBuffer_ToContiguous(export->copy, buffer, buffer->len, 'C') < 0)
		return -1;
	compact_strides(export, buffer->ndim);
	Py_CLEAR(export->view);
	return 0;
}

/* torch never frees a tensor whose data is NULL: what is empty points at its own record. */
static void *find_data(struct export *export, void *memory)
{
	if (export->copy)
		return export->copy;
	return memory ? memory : export;
}

static struct dlpack_tensor describe_tensor(struct export *export, void *memory,
					    const struct ext_shape *shape, struct dlpack_type type)
{
	return (struct dlpack_tensor){
		.data = find_data(export, memory),
		.device = {.type = DLPACK_CPU},
		.dimensions = shape->dimensions,
		.type = type,
		.shape = export->shape,
		.strides = export->strides,
		.byte_offset = export->copy ? 0 : (uint64_t)shape->offset,
	};
}

/* Consumes export. */
static PyObject *wrap(struct export *export, const struct dlpack_tensor *tensor, bool is_versioned,
		      uint64_t flags)
{
	PyObject *capsule;

	if (is_versioned) {
		export->versioned = (struct dlpack_versioned){
			.major = DLPACK_MAJOR,
			.minor = DLPACK_MINOR,
			.context = export,
			.deleter = delete_versioned,
			.flags = flags,
			.tensor = *tensor,
		};
		capsule = PyCapsule_New(&export->versioned, VERSIONED, destroy_capsule);
	} else {
		export->legacy = (struct dlpack_managed){
			.tensor = *tensor,
			.context = export,
			.deleter = delete_legacy,
		};
		capsule = PyCapsule_New(&export->legacy, LEGACY, destroy_capsule);
	}
	if (!capsule)
		drop_export(export);
	return capsule;
}

static PyObject *make_capsule(PyObject *owner, void *memory, const struct ext_shape *shape,
			      bool is_readonly, const struct request *request)
{
	struct dlpack_tensor tensor;
	struct dlpack_type type;
	struct export *export;
	uint64_t flags;

	if (describe_type(shape, &type) < 0)
		return NULL;
	export = calloc(1, sizeof(*export));
	if (!export)
		return PyErr_NoMemory();
	export->view = PyMemoryView_FromObject(owner);
	if (!export->view || describe_strides(export, shape) < 0)
		goto err_export;
	if (request->wants_copy && copy_memory(export, PyMemoryView_GET_BUFFER(export->view)) < 0)
		goto err_export;

	tensor = describe_tensor(export, memory, shape, type);
	flags = request->wants_copy ? DLPACK_IS_COPIED : is_readonly ? DLPACK_READ_ONLY : 0;
	return wrap(export, &tensor, request->is_versioned, flags);

err_export:
	drop_export(export);
	return NULL;
}

/* --- arguments --- */

static bool is_given(PyObject *value)
{
	return value && value != Py_None;
}

/* 0, or -1 with an exception. */
static int parse_pair(PyObject *pair, const char *what, long *first, long *second)
{
	if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
		PyErr_Format(PyExc_TypeError, "%s is a pair of integers", what);
		return -1;
	}
	*first = PyLong_AsLong(PyTuple_GET_ITEM(pair, 0));
	if (*first == -1 && PyErr_Occurred())
		return -1;
	*second = PyLong_AsLong(PyTuple_GET_ITEM(pair, 1));
	return *second == -1 && PyErr_Occurred() ? -1 : 0;
}

static int parse_version(PyObject *version, struct request *request)
{
	long major, minor;

	if (!is_given(version))
		return 0;
	if (parse_pair(version, "max_version", &major, &minor) < 0)
		return -1;
	request->is_versioned = major >= DLPACK_MAJOR;
	return 0;
}

static int check_device(PyObject *device)
{
	long type, id;

	if (!is_given(device))
		return 0;
	if (parse_pair(device, "dl_device", &type, &id) < 0)
		return -1;
	if (type == DLPACK_CPU && id == 0)
		return 0;
	PyErr_SetString(PyExc_BufferError, "the memory is the CPU's: dl_device (1, 0)");
	return -1;
}

static int parse_copy(PyObject *copy, struct request *request)
{
	int truth;

	/* False is met: without a copy the memory is the owner's. */
	if (!is_given(copy))
		return 0;
	truth = PyObject_IsTrue(copy);
	if (truth < 0)
		return -1;
	request->wants_copy = truth;
	return 0;
}

static int check_stream(PyObject *stream)
{
	if (!is_given(stream))
		return 0;
	PyErr_SetString(PyExc_ValueError, "the CPU has no streams: stream is None");
	return -1;
}

PyObject *ext_view_dlpack(PyObject *owner, void *memory, const struct ext_shape *shape,
			  bool is_readonly, PyObject *const *args, Py_ssize_t count,
			  PyObject *names)
{
	enum { STREAM, MAX_VERSION, DEVICE, COPY, PARAMETERS };
	static const char *const parameter_names[] = {"stream", "max_version", "dl_device", "copy",
						      NULL};
	static const struct ext_parameters parameters = {.function = "__dlpack__",
							 .names = parameter_names};
	PyObject *values[PARAMETERS];
	struct request request = {0};

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    check_stream(values[STREAM]) < 0 || parse_version(values[MAX_VERSION], &request) < 0 ||
	    check_device(values[DEVICE]) < 0 || parse_copy(values[COPY], &request) < 0)
		return NULL;
	return make_capsule(owner, memory, shape, is_readonly, &request);
}

PyObject *ext_view_dlpack_device(PyObject *self, PyObject *none)
{
	(void)self;
	(void)none;
	return Py_BuildValue("ii", DLPACK_CPU, 0);
}
