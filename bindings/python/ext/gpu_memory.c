/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * GpuMemory: device memory with somebody who keeps it, for tachyon._stream_gpu, and the DLPack
 * capsules that go out of it and come into it. What an array is that stands there, Python says.
 */
#include "dlpack.h"
#include "stream.h"

#include <stdlib.h>

#define LEGACY "dltensor"
#define LEGACY_USED "used_dltensor"

/* kDLCUDA */
#define DLPACK_CUDA 2

struct gpu_memory {
	PyObject head;
	uint64_t address;
	size_t size;
	uint32_t device_index;
	/* who keeps it: one of these, or, where all are nothing, nobody */
	bool is_allocated;
	struct ext_stream_handle *handle;
	struct dlpack_managed *imported;
};

static struct gpu_memory *make(struct ext_state *state, uint32_t device_index, uint64_t address,
			       size_t size)
{
	struct gpu_memory *const self = PyObject_New(struct gpu_memory, state->gpu_memory);

	if (!self)
		return NULL;
	self->address = address;
	self->size = size;
	self->device_index = device_index;
	self->is_allocated = false;
	self->handle = NULL;
	self->imported = NULL;
	return self;
}

/* To free device memory waits for the device. */
static void free_allocated(const struct gpu_memory *self)
{
	PyThreadState *const thread = PyEval_SaveThread();

	tachyon_gpu_free(self->device_index, self->address);
	PyEval_RestoreThread(thread);
}

static void dealloc(PyObject *object)
{
	struct gpu_memory *const self = (struct gpu_memory *)object;
	PyTypeObject *const type = Py_TYPE(object);

	if (self->is_allocated)
		free_allocated(self);
	if (self->handle)
		ext_stream_handle_drop(self->handle);
	if (self->imported && self->imported->deleter)
		self->imported->deleter(self->imported);
	PyObject_Free(object);
	Py_DECREF(type);
}

/* --- capsules that go out --- */

/* What a capsule and then its consumer own. */
struct export
{
	struct dlpack_managed managed;
	PyObject *memory;
	int64_t lengths[2 * TACHYON_ARRAY_MAX_DIMENSIONS]; /* the shape, then the strides */
};

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

static void free_export(struct export *export)
{
	Py_DECREF(export->memory);
	free(export);
}

/* Consumers call it on any thread, with the GIL or without. */
static void delete_export(struct dlpack_managed *managed)
{
	PyGILState_STATE gil;

	/* Who asks for the GIL now never returns. The process ends soon. */
	if (is_finalizing())
		return;
	gil = PyGILState_Ensure();
	free_export(managed->context);
	PyGILState_Release(gil);
}

/* A consumer renames the capsule, and then frees the export itself. */
static void destroy_capsule(PyObject *capsule)
{
	if (PyCapsule_IsValid(capsule, LEGACY)) {
		struct dlpack_managed *const managed = PyCapsule_GetPointer(capsule, LEGACY);

		free_export(managed->context);
	}
}

/* 0, or -1 with an exception. */
static int fill_lengths(struct export *export, PyObject *shape)
{
	const Py_ssize_t dimensions = PyTuple_GET_SIZE(shape);
	int64_t *const strides = export->lengths + TACHYON_ARRAY_MAX_DIMENSIONS;
	int64_t stride = 1;

	if (dimensions > TACHYON_ARRAY_MAX_DIMENSIONS) {
		PyErr_SetString(PyExc_ValueError, "too many dimensions");
		return -1;
	}
	for (Py_ssize_t i = dimensions - 1; i >= 0; i--) {
		export->lengths[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(shape, i));
		if (export->lengths[i] == -1 && PyErr_Occurred())
			return -1;
		strides[i] = stride;
		stride *= export->lengths[i];
	}
	return 0;
}

/* Consumes export. */
static PyObject *wrap(struct export *export, const struct gpu_memory *self, PyObject *shape,
		      struct dlpack_type type)
{
	PyObject *capsule;

	export->managed = (struct dlpack_managed){
		.tensor =
			{
				.data = (void *)(uintptr_t)self->address,
				.device = {.type = DLPACK_CUDA, .id = (int32_t)self->device_index},
				.dimensions = (int32_t)PyTuple_GET_SIZE(shape),
				.type = type,
				.shape = export->lengths,
				.strides = export->lengths + TACHYON_ARRAY_MAX_DIMENSIONS,
			},
		.context = export,
		.deleter = delete_export,
	};
	capsule = PyCapsule_New(&export->managed, LEGACY, destroy_capsule);
	if (!capsule)
		free_export(export);
	return capsule;
}

PyDoc_STRVAR(dlpack_doc, "dlpack($self, shape, code, bits, /)\n--\n\n"
			 "A DLPack capsule of an array that stands there, C-contiguous.");

static PyObject *to_dlpack(PyObject *object, PyObject *args)
{
	struct dlpack_type type = {.lanes = 1};
	struct export *export;
	PyObject *shape;

	if (!PyArg_ParseTuple(args, "O!bb:dlpack", &PyTuple_Type, &shape, &type.code, &type.bits))
		return NULL;
	export = calloc(1, sizeof(*export));
	if (!export)
		return PyErr_NoMemory();
	export->memory = Py_NewRef(object);
	if (fill_lengths(export, shape) < 0) {
		free_export(export);
		return NULL;
	}
	return wrap(export, (struct gpu_memory *)object, shape, type);
}

/* --- capsules that come in --- */

static PyObject *tuple_of(const int64_t *lengths, int32_t count)
{
	PyObject *const tuple = PyTuple_New(count);

	for (int32_t i = 0; tuple && i < count; i++) {
		PyObject *const length = PyLong_FromLongLong(lengths[i]);

		if (!length) {
			Py_DECREF(tuple);
			return NULL;
		}
		PyTuple_SET_ITEM(tuple, i, length);
	}
	return tuple;
}

/* (memory, code, bits, lanes, shape, strides or None); consumes memory. */
static PyObject *describe(PyObject *memory, const struct dlpack_tensor *tensor)
{
	PyObject *const shape = tuple_of(tensor->shape, tensor->dimensions);
	PyObject *const strides = tensor->strides ? tuple_of(tensor->strides, tensor->dimensions)
						  : Py_NewRef(Py_None);

	if (!shape || !strides) {
		Py_XDECREF(shape);
		Py_XDECREF(strides);
		Py_DECREF(memory);
		return NULL;
	}
	return Py_BuildValue("NiiiNN", memory, tensor->type.code, tensor->type.bits,
			     tensor->type.lanes, shape, strides);
}

PyDoc_STRVAR(import_doc, "gpu_import(capsule, /)\n--\n\n"
			 "What is in a DLPack capsule of device memory, which it takes over:\n"
			 "(memory, code, bits, lanes, shape, strides in elements or None).");

static PyObject *import_capsule(PyObject *module, PyObject *capsule)
{
	struct dlpack_managed *managed;
	struct gpu_memory *memory;

	managed = PyCapsule_GetPointer(capsule, LEGACY);
	if (!managed)
		return NULL;
	memory = make(PyModule_GetState(module), (uint32_t)managed->tensor.device.id,
		      (uintptr_t)managed->tensor.data + managed->tensor.byte_offset, 0);
	if (!memory)
		return NULL;
	/* By its name others see that it was taken. */
	if (PyCapsule_SetName(capsule, LEGACY_USED) < 0) {
		Py_DECREF(memory);
		return NULL;
	}
	memory->imported = managed;
	return describe((PyObject *)memory, &managed->tensor);
}

/* --- other ways to make one --- */

PyDoc_STRVAR(allocate_doc, "gpu_allocate(device_index, size, /)\n--\n\nNew memory.");

static PyObject *allocate(PyObject *module, PyObject *args)
{
	struct ext_state *const state = PyModule_GetState(module);
	struct gpu_memory *memory;
	PyThreadState *thread;
	uint32_t device_index;
	uint64_t address;
	size_t size;
	int ret;

	if (!PyArg_ParseTuple(args, "O&O&:gpu_allocate", ext_uint32, &device_index, ext_size,
			      &size))
		return NULL;
	thread = PyEval_SaveThread();
	ret = tachyon_gpu_allocate(device_index, size, &address);
	PyEval_RestoreThread(thread);
	if (ret < 0)
		return ext_raise(state, ret, "device memory");
	memory = make(state, device_index, address, size);
	if (!memory) {
		tachyon_gpu_free(device_index, address);
		return NULL;
	}
	memory->is_allocated = true;
	return (PyObject *)memory;
}

PyDoc_STRVAR(view_doc, "gpu_view(stream, address, /)\n--\n\n"
		       "A stream's memory, which stays as long as this lives.");

static PyObject *view(PyObject *module, PyObject *args)
{
	struct ext_state *const state = PyModule_GetState(module);
	struct gpu_memory *memory;
	struct ext_stream *stream;
	uint64_t address;

	if (!PyArg_ParseTuple(args, "O!O&:gpu_view", state->stream, &stream, ext_uint64, &address))
		return NULL;
	if (!stream->handle)
		return ext_stream_raise_closed(stream, "read from");
	memory = make(state, stream->device_index, address, stream->value_size);
	if (!memory)
		return NULL;
	ext_stream_handle_hold(stream->handle);
	memory->handle = stream->handle;
	return (PyObject *)memory;
}

/* --- to the host --- */

PyDoc_STRVAR(copy_doc,
	     "copy_to($self, buffer, /)\n--\n\nCopies as much as fits into memory of the host.");

static PyObject *copy_to(PyObject *object, PyObject *target)
{
	const struct gpu_memory *const self = (struct gpu_memory *)object;
	PyThreadState *thread;
	Py_buffer buffer;
	int ret;

	if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS) < 0)
		return NULL;
	thread = PyEval_SaveThread();
	ret = tachyon_gpu_read(self->device_index, self->address, buffer.buf, (size_t)buffer.len);
	PyEval_RestoreThread(thread);
	PyBuffer_Release(&buffer);
	if (ret < 0)
		return ext_raise(ext_state_of(Py_TYPE(object)), ret, "device memory");
	Py_RETURN_NONE;
}

/* --- the type --- */

static PyObject *get_address(PyObject *object, void *none)
{
	(void)none;
	return PyLong_FromUnsignedLongLong(((struct gpu_memory *)object)->address);
}

static PyObject *get_device_index(PyObject *object, void *none)
{
	(void)none;
	return PyLong_FromUnsignedLong(((struct gpu_memory *)object)->device_index);
}

PyDoc_STRVAR(doc, "Memory of a CUDA device.");

static PyGetSetDef getters[] = {
	{"address", get_address, NULL, "a CUdeviceptr", NULL},
	{"device_index", get_device_index, NULL, NULL, NULL},
	{0},
};

static PyMethodDef methods[] = {
	{"copy_to", copy_to, METH_O, copy_doc},
	{"dlpack", to_dlpack, METH_VARARGS, dlpack_doc},
	{0},
};

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_dealloc, dealloc},
	{Py_tp_getset, getters},
	{Py_tp_methods, methods},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon._ext.GpuMemory",
	.basicsize = sizeof(struct gpu_memory),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = slots,
};

static PyMethodDef functions[] = {
	{"gpu_allocate", allocate, METH_VARARGS, allocate_doc},
	{"gpu_import", import_capsule, METH_O, import_doc},
	{"gpu_view", view, METH_VARARGS, view_doc},
	{0},
};

int ext_add_gpu_memory(PyObject *module, struct ext_state *state)
{
	if (ext_add_type(module, &spec, &state->gpu_memory) < 0)
		return -1;
	return PyModule_AddFunctions(module, functions);
}
