/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: values in device memory, by address, for tachyon._stream_gpu.
 */
#include "stream.h"

/* --- methods of Stream --- */

struct device_value {
	uint64_t memory;
	size_t size;
};

static int write_step(struct tachyon_stream *stream, void *data, int64_t timeout_ns)
{
	const struct device_value *const value = data;

	return tachyon_stream_write_device(stream, value->memory, value->size, timeout_ns);
}

PyObject *ext_stream_write_device(PyObject *object, PyObject *const *args, Py_ssize_t count,
				  PyObject *names)
{
	enum { MEMORY, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"memory", "timeout", NULL};
	static const struct ext_parameters parameters = {.function = "_write_device",
							 .names = parameter_names,
							 .positional = 1,
							 .required = 1};
	struct ext_stream *const self = (struct ext_stream *)object;
	struct device_value value = {.size = self->value_size};
	PyObject *values[PARAMETERS];
	int64_t timeout_ns = -1;
	int ret;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, MEMORY, ext_uint64, &value.memory) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "write to");
	/* A copy waits for the device, whatever its size. */
	ret = ext_stream_run(self, write_step, &value, timeout_ns, true);
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_write);
	Py_RETURN_NONE;
}

PyObject *ext_stream_read_device(PyObject *object, PyObject *memory)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	struct ext_stream_handle *const handle = self->handle;
	struct tachyon_snapshot snapshot;
	PyThreadState *thread;
	uint64_t address;
	int ret;

	if (!ext_uint64(memory, &address))
		return NULL;
	if (!handle)
		return ext_stream_raise_closed(self, "read from");
	ext_stream_handle_enter(handle);
	thread = PyEval_SaveThread();
	ret = tachyon_stream_read_device(handle->stream, address, self->value_size, &snapshot);
	PyEval_RestoreThread(thread);
	ext_stream_handle_leave(handle);
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_read);
	ext_stream_note_seen(self, snapshot.count);
	return Py_BuildValue("KKK", (unsigned long long)snapshot.count,
			     (unsigned long long)snapshot.time_ns,
			     (unsigned long long)snapshot.missed);
}

PyObject *ext_stream_live_device(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	uint64_t memory;
	int ret;

	(void)none;
	if (ext_stream_check_lock(self) < 0)
		return NULL;
	ret = tachyon_stream_live_device(self->handle->stream, &memory);
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_read);
	ext_stream_note_seen(self, tachyon_stream_count(self->handle->stream));
	return PyLong_FromUnsignedLongLong(memory);
}

/* --- functions --- */

static PyObject *count_gpus(PyObject *module, PyObject *none)
{
	PyThreadState *thread;
	int ret;

	(void)module;
	(void)none;
	/* The first call starts the driver. */
	thread = PyEval_SaveThread();
	ret = tachyon_gpu_count();
	PyEval_RestoreThread(thread);
	return PyLong_FromLong(ret < 0 ? 0 : ret);
}

static PyMethodDef functions[] = {
	{"gpu_count", count_gpus, METH_NOARGS, NULL},
	{0},
};

int ext_add_stream_device(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
