/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: what it is.
 */
#include "stream.h"

/* One property. Each of them refuses a closed stream. */
struct fact {
	const char *verb; /* "cannot … closed shared memory" */
	PyObject *(*get)(struct ext_stream *self);
};

static PyObject *get_fact(PyObject *object, void *closure)
{
	const struct fact *const fact = closure;
	struct ext_stream *const self = (struct ext_stream *)object;

	return self->handle ? fact->get(self) : ext_stream_raise_closed(self, fact->verb);
}

static PyObject *get_name(struct ext_stream *self)
{
	return Py_NewRef(self->name);
}

static PyObject *get_shape(struct ext_stream *self)
{
	return Py_NewRef(self->shape);
}

static PyObject *get_dtype(struct ext_stream *self)
{
	return Py_NewRef(self->dtype);
}

static PyObject *get_size(struct ext_stream *self)
{
	return PyLong_FromSize_t(self->value_size);
}

static PyObject *get_gpu_device(struct ext_stream *self)
{
	return ext_stream_device(self->device, self->device_index);
}

static PyObject *get_cpu_mirror(struct ext_stream *self)
{
	return PyBool_FromLong(self->has_mirror);
}

static PyObject *get_owner(struct ext_stream *self)
{
	return PyBool_FromLong(self->is_owner);
}

static PyObject *get_read_only(struct ext_stream *self)
{
	return PyBool_FromLong(self->is_read_only);
}

static PyObject *get_id(struct ext_stream *self)
{
	return PyBytes_FromStringAndSize((const char *)self->id, sizeof(self->id));
}

static PyObject *get_count(struct ext_stream *self)
{
	return PyLong_FromUnsignedLongLong(tachyon_stream_count(self->handle->stream));
}

static PyObject *get_write_sequence(struct ext_stream *self)
{
	return PyLong_FromUnsignedLongLong(2 * tachyon_stream_count(self->handle->stream));
}

static PyObject *get_write_time(struct ext_stream *self)
{
	struct tachyon_snapshot snapshot;
	const int ret = tachyon_stream_read(self->handle->stream, NULL, 0, &snapshot);

	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_read);
	return PyFloat_FromDouble((double)snapshot.time_ns / 1e9);
}

static PyObject *get_seen(struct ext_stream *self)
{
	return PyLong_FromUnsignedLongLong(self->seen);
}

static PyObject *get_device(struct ext_stream *self)
{
	return PyLong_FromUnsignedLong(self->device_index);
}

static PyObject *get_closed(PyObject *object, void *closure)
{
	(void)closure;
	return PyBool_FromLong(!((struct ext_stream *)object)->handle);
}

#define FACT(name)                                \
	&(struct fact)                            \
	{                                         \
		"read " #name " from", get_##name \
	}

PyGetSetDef ext_stream_properties[] = {
	{"name", get_fact, NULL, "What open() takes.", FACT(name)},
	{"shape", get_fact, NULL, "Of a value.", FACT(shape)},
	{"dtype", get_fact, NULL, "Of its elements.", FACT(dtype)},
	{"size", get_fact, NULL, "Bytes of a value.", FACT(size)},
	{"gpu_device", get_fact, NULL, "'cuda:N' where values live; None: in shared memory.",
	 FACT(gpu_device)},
	{"cpu_mirror", get_fact, NULL, "Whether values are in shared memory, too.",
	 FACT(cpu_mirror)},
	{"owner", get_fact, NULL, "Whether this handle created the stream.", FACT(owner)},
	{"read_only", get_fact, NULL, "Whether it was opened so.", FACT(read_only)},
	{"id", get_fact, NULL, "Random bytes: a name that was created anew has others.", FACT(id)},
	{"count", get_fact, NULL, "How many writes were completed.", FACT(count)},
	{"write_time", get_fact, NULL, "When the newest value was, in seconds; 0.0: never.",
	 FACT(write_time)},
	{"write_sequence", get_fact, NULL, "2 * count.", FACT(write_sequence)},
	{"_seen", get_fact, NULL, NULL, FACT(seen)},
	{"_device", get_fact, NULL, NULL, FACT(device)},
	{"closed", get_closed, NULL, "Whether close() was called.", NULL},
	{0},
};

PyObject *ext_stream_repr(PyObject *object)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *device, *text;

	if (!self->handle)
		return PyUnicode_FromFormat("<closed SharedMemory %R>", self->name);
	device = get_gpu_device(self);
	if (!device)
		return NULL;
	text = PyUnicode_FromFormat("SharedMemory(name=%R, shape=%R, dtype='%S', gpu_device=%R)",
				    self->name, self->shape, self->dtype, device);
	Py_DECREF(device);
	return text;
}
