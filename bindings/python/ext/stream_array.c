/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * NumPy's arrays: whether one is what a stream holds, and new ones.
 */
#include "stream.h"

#include "dlpack.h"

/* 1, 0, or -1 with an exception. */
static int has_dtype(const struct ext_stream *self, PyObject *array)
{
	PyObject *const dtype = PyObject_GetAttr(array, self->state->dtype_name);
	int ret;

	if (!dtype)
		return -1;
	/* Nearly always there is one object for each type. */
	ret = dtype == self->dtype || PyObject_RichCompareBool(dtype, self->dtype, Py_EQ);
	Py_DECREF(dtype);
	return ret;
}

static bool has_shape(const struct ext_stream *self, const Py_buffer *buffer)
{
	if (buffer->ndim != (int)self->array.dimensions)
		return false;
	for (int i = 0; i < buffer->ndim; i++)
		if ((uint64_t)buffer->shape[i] != self->array.shape[i])
			return false;
	return true;
}

int ext_stream_view(struct ext_stream *self, PyObject *array, Py_buffer *buffer, int flags)
{
	int ret;

	if (!PyObject_TypeCheck(array, self->state->numpy_ndarray))
		return 0;
	ret = has_dtype(self, array);
	if (ret <= 0)
		return ret;
	/* Without PyBUF_FORMAT: NumPy makes the text anew each time, and the type is known. */
	if (PyObject_GetBuffer(array, buffer, PyBUF_ND | PyBUF_C_CONTIGUOUS | flags) < 0) {
		if (!PyErr_ExceptionMatches(PyExc_ValueError) &&
		    !PyErr_ExceptionMatches(PyExc_BufferError))
			return -1;
		PyErr_Clear();
		return 0;
	}
	if (has_shape(self, buffer))
		return 1;
	PyBuffer_Release(buffer);
	return 0;
}

PyObject *ext_stream_empty(struct ext_stream *self)
{
	PyObject *const args[] = {self->shape, self->dtype};

	return PyObject_Vectorcall(self->state->numpy_empty, args, 2, NULL);
}

PyObject *ext_stream_over(struct ext_stream *self, PyObject *memory)
{
	PyObject *const args[] = {self->shape, self->dtype, memory};

	return PyObject_Vectorcall((PyObject *)self->state->numpy_ndarray, args, 3, NULL);
}

/* Bytes that are booleans: a capsule that nobody has taken yet says so from now on. */
static PyObject *dlpack_as_bool(PyObject *module, PyObject *capsule)
{
	struct dlpack_managed *const managed = PyCapsule_GetPointer(capsule, "dltensor");

	(void)module;
	if (!managed)
		return NULL;
	managed->tensor.type.code = DLPACK_BOOL;
	return Py_NewRef(capsule);
}

static PyMethodDef functions[] = {
	{"dlpack_as_bool", dlpack_as_bool, METH_O, NULL},
	{0},
};

int ext_add_stream_array(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
