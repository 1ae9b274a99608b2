/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The functions that make streams, or need none: create, open, unlink, stat, list.
 */
#include "stream.h"

#include <string.h>

#define NO_DEVICE (-1)

/* --- names --- */

/* A str as libtachyon has it: bytes, or NULL with an exception. */
static PyObject *encode_name(PyObject *name)
{
	PyObject *bytes;

	if (!PyUnicode_Check(name))
		return PyErr_Format(PyExc_TypeError, "name must be a str, not %s",
				    Py_TYPE(name)->tp_name);
	/* As list() decodes: names may be any bytes. */
	bytes = PyUnicode_AsEncodedString(name, "utf-8", "surrogateescape");
	if (!bytes)
		return NULL;
	if (PyBytes_GET_SIZE(bytes) == 0)
		PyErr_SetString(PyExc_ValueError, "name must not be empty");
	else if (strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes))
		PyErr_SetString(PyExc_ValueError, "name must not contain a NUL");
	else
		return bytes;
	Py_DECREF(bytes);
	return NULL;
}

/* --- types and shapes --- */

/* NumPy is needed here only: import tachyon does without. 0, or -1 with an exception. */
static int import_numpy(struct ext_state *state)
{
	PyObject *numpy;

	if (state->numpy_empty)
		return 0;
	numpy = PyImport_ImportModule("numpy");
	if (!numpy)
		return -1;
	Py_XSETREF(state->dtype_name, PyUnicode_InternFromString("dtype"));
	Py_XSETREF(state->numpy_dtype, PyObject_GetAttrString(numpy, "dtype"));
	Py_XSETREF(state->numpy_ndarray, (PyTypeObject *)PyObject_GetAttrString(numpy, "ndarray"));
	state->numpy_empty = PyObject_GetAttrString(numpy, "empty");
	Py_DECREF(numpy);
	if (state->dtype_name && state->numpy_dtype && state->numpy_ndarray && state->numpy_empty)
		return 0;
	Py_CLEAR(state->numpy_empty);
	return -1;
}

/* NumPy's letter for a kind of number. */
static char kind_of(uint32_t scalar)
{
	switch ((enum tachyon_scalar)scalar) {
	case TACHYON_SCALAR_INT:
		return 'i';
	case TACHYON_SCALAR_UINT:
		return 'u';
	case TACHYON_SCALAR_FLOAT:
		return 'f';
	case TACHYON_SCALAR_COMPLEX:
		return 'c';
	case TACHYON_SCALAR_BOOL:
		return 'b';
	}
	return '?';
}

PyObject *ext_stream_dtype(struct ext_state *state, const struct tachyon_array *array)
{
	char text[16];

	PyOS_snprintf(text, sizeof(text), "%c%u", kind_of(array->scalar), array->bits / 8);
	return PyObject_CallFunction(state->numpy_dtype, "s", text);
}

PyObject *ext_stream_shape(const struct tachyon_array *array)
{
	PyObject *const shape = PyTuple_New(array->dimensions);

	for (Py_ssize_t i = 0; shape && i < array->dimensions; i++) {
		PyObject *const length = PyLong_FromUnsignedLongLong(array->shape[i]);

		if (!length) {
			Py_DECREF(shape);
			return NULL;
		}
		PyTuple_SET_ITEM(shape, i, length);
	}
	return shape;
}

PyObject *ext_stream_device(uint32_t device, uint32_t device_index)
{
	if (device == TACHYON_DEVICE_CPU)
		Py_RETURN_NONE;
	return PyUnicode_FromFormat("cuda:%u", device_index);
}

static int fill_shape(struct tachyon_array *array, PyObject *shape)
{
	const Py_ssize_t dimensions = PyTuple_GET_SIZE(shape);

	if (dimensions > TACHYON_ARRAY_MAX_DIMENSIONS) {
		PyErr_Format(PyExc_ValueError, "a shape has at most %d dimensions, not %zd",
			     TACHYON_ARRAY_MAX_DIMENSIONS, dimensions);
		return -1;
	}
	array->dimensions = (uint32_t)dimensions;
	for (Py_ssize_t i = 0; i < dimensions; i++)
		if (!ext_uint64(PyTuple_GET_ITEM(shape, i), &array->shape[i]))
			return -1;
	return 0;
}

/* --- create, open --- */

/* What becomes a Stream. */
struct opening {
	PyTypeObject *type;
	PyObject *name;
	PyObject *address;
	int device_index; /* NO_DEVICE */
	struct tachyon_array array;
	struct tachyon_stream_options options;
	struct tachyon_stream *stream;
};

static PyObject *raise_no_device(const struct opening *opening, const char *where)
{
	if (tachyon_gpu_count() == 0)
		return PyErr_Format(PyExc_RuntimeError,
				    "there is no CUDA driver, or no GPU: shared memory %R cannot "
				    "be %s on cuda:%d",
				    opening->name, where, opening->device_index);
	return PyErr_Format(PyExc_RuntimeError, "shared memory %R cannot be %s on cuda:%d",
			    opening->name, where, opening->device_index);
}

static PyObject *raise_create(const struct opening *opening, int code)
{
	PyObject *const name = opening->name;

	switch (code) {
	case -EEXIST:
		return ext_raise_text(
			PyExc_OSError, EEXIST,
			PyUnicode_FromFormat("shared memory %R already exists; use "
					     "tachyon.stream.open(%R) to attach to it",
					     name, name));
	case -EINVAL:
		return PyErr_Format(PyExc_ValueError, "shared memory %R cannot have that type",
				    name);
	case -ENODEV:
		return raise_no_device(opening, "created");
	default:
		return ext_stream_raise_os(code, name, tachyon_strerror(code));
	}
}

/* For whatever looks at a stream by its name. */
static PyObject *raise_open(PyObject *name, int code)
{
	switch (code) {
	case -ENOENT:
		return ext_raise_text(
			PyExc_OSError, ENOENT,
			PyUnicode_FromFormat("shared memory %R does not exist; create it with "
					     "tachyon.stream.create(%R, ...) first",
					     name, name));
	case TACHYON_ERR_CORRUPT:
		return ext_raise_text(PyExc_OSError, -code,
				      PyUnicode_FromFormat("shared memory %R is damaged, or no "
							   "stream: remove it with "
							   "tachyon.stream.unlink(%R)",
							   name, name));
	case TACHYON_ERR_VERSION:
		return ext_stream_raise_os(code, name, "was made by another version of tachyon");
	case TACHYON_ERR_DENIED:
		return ext_stream_raise_os(code, name, "belongs to another user");
	case TACHYON_ERR_CLOSED:
		return ext_stream_raise_gone(name);
	default:
		return ext_stream_raise_os(code, name, tachyon_strerror(code));
	}
}

static int prepare(struct opening *opening, struct ext_state *state)
{
	if (!PyType_IsSubtype(opening->type, state->stream)) {
		PyErr_SetString(PyExc_TypeError, "the type must derive from Stream");
		return -1;
	}
	if (import_numpy(state) < 0)
		return -1;
	opening->options.size = sizeof(opening->options);
	if (opening->device_index != NO_DEVICE) {
		opening->options.device = TACHYON_DEVICE_CUDA;
		opening->options.device_index = (uint32_t)opening->device_index;
	}
	opening->address = encode_name(opening->name);
	return opening->address ? 0 : -1;
}

/* 0, or a code. The kernel may have much memory to provide. */
static int call(struct opening *opening, bool is_new)
{
	const char *const name = PyBytes_AS_STRING(opening->address);
	PyThreadState *const thread = PyEval_SaveThread();
	const int ret = is_new ? tachyon_stream_create(name, &opening->array, &opening->options,
						       &opening->stream)
			       : tachyon_stream_open(name, &opening->options, &opening->stream);

	PyEval_RestoreThread(thread);
	return ret;
}

static PyObject *create(PyObject *module, PyObject *args)
{
	struct ext_state *const state = PyModule_GetState(module);
	struct opening opening = {0};
	PyObject *shape, *stream = NULL;
	int has_mirror, ret;

	if (!PyArg_ParseTuple(args, "O!OO!IIip:stream_create", &PyType_Type, &opening.type,
			      &opening.name, &PyTuple_Type, &shape, &opening.array.scalar,
			      &opening.array.bits, &opening.device_index, &has_mirror) ||
	    fill_shape(&opening.array, shape) < 0 || prepare(&opening, state) < 0)
		return NULL;
	opening.options.has_mirror = (uint32_t)has_mirror;
	ret = call(&opening, true);
	if (ret < 0)
		raise_create(&opening, ret);
	else
		stream = ext_stream_new(opening.type, state, opening.name, opening.address,
					opening.stream);
	if (stream)
		((struct ext_stream *)stream)->is_owner = true;
	Py_DECREF(opening.address);
	return stream;
}

static PyObject *open_stream(PyObject *module, PyObject *args)
{
	struct ext_state *const state = PyModule_GetState(module);
	struct opening opening = {0};
	PyObject *stream = NULL;
	int is_read_only, ret;

	if (!PyArg_ParseTuple(args, "O!Opi:stream_open", &PyType_Type, &opening.type, &opening.name,
			      &is_read_only, &opening.device_index) ||
	    prepare(&opening, state) < 0)
		return NULL;
	opening.options.is_read_only = (uint32_t)is_read_only;
	ret = call(&opening, false);
	if (ret == -ENODEV)
		raise_no_device(&opening, "opened");
	else if (ret < 0)
		raise_open(opening.name, ret);
	else
		stream = ext_stream_new(opening.type, state, opening.name, opening.address,
					opening.stream);
	if (stream)
		((struct ext_stream *)stream)->is_read_only = is_read_only;
	Py_DECREF(opening.address);
	return stream;
}

/* --- without a handle --- */

static PyObject *unlink_stream(PyObject *module, PyObject *name)
{
	PyObject *const address = encode_name(name);
	int ret;

	(void)module;
	if (!address)
		return NULL;
	ret = tachyon_stream_unlink(PyBytes_AS_STRING(address), NULL);
	Py_DECREF(address);
	if (ret < 0 && ret != -ENOENT)
		return raise_open(name, ret);
	Py_RETURN_NONE;
}

/* The fields of stream.StreamInfo, in order. */
static PyObject *build_info(struct ext_state *state, PyObject *name,
			    const struct tachyon_stream_info *info)
{
	/* Where one of them is NULL, the others are dropped. */
	return Py_BuildValue("ONNKKKddINNy#N", name, ext_stream_shape(&info->array),
			     ext_stream_dtype(state, &info->array),
			     (unsigned long long)info->value_size,
			     (unsigned long long)info->file_size, (unsigned long long)info->count,
			     (double)info->time_ns / 1e9, (double)info->create_time_ns / 1e9,
			     info->creator_pid, ext_stream_device(info->device, info->device_index),
			     PyBool_FromLong(info->has_mirror != 0), (const char *)info->id,
			     (Py_ssize_t)sizeof(info->id), PyBool_FromLong(info->is_unlinked != 0));
}

static PyObject *stat_stream(PyObject *module, PyObject *name)
{
	struct ext_state *const state = PyModule_GetState(module);
	struct tachyon_stream_info info = {.size = sizeof(info)};
	PyObject *address;
	int ret;

	if (import_numpy(state) < 0)
		return NULL;
	address = encode_name(name);
	if (!address)
		return NULL;
	ret = tachyon_stream_stat(PyBytes_AS_STRING(address), &info);
	Py_DECREF(address);
	return ret < 0 ? raise_open(name, ret) : build_info(state, name, &info);
}

static int append_name(const char *name, void *list)
{
	PyObject *const text =
		PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "surrogateescape");
	int ret;

	if (!text)
		return -1;
	ret = PyList_Append(list, text);
	Py_DECREF(text);
	return ret;
}

static PyObject *list_streams(PyObject *module, PyObject *none)
{
	PyObject *const names = PyList_New(0);
	int ret;

	(void)none;
	if (!names)
		return NULL;
	ret = tachyon_stream_list(append_name, names);
	if (ret == 0 && PyList_Sort(names) == 0)
		return names;
	if (!PyErr_Occurred())
		ext_raise(PyModule_GetState(module), ret, "shared memory");
	Py_DECREF(names);
	return NULL;
}

static PyMethodDef functions[] = {
	{"stream_create", create, METH_VARARGS, NULL},
	{"stream_open", open_stream, METH_VARARGS, NULL},
	{"stream_unlink", unlink_stream, METH_O, NULL},
	{"stream_stat", stat_stream, METH_O, NULL},
	{"stream_list", list_streams, METH_NOARGS, NULL},
	{0},
};

int ext_add_stream_functions(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
