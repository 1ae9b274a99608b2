/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: writing a copy, and writing in place.
 */
#include "stream.h"

/* --- copies --- */

struct value {
	const void *data;
	size_t size;
};

static int write_step(struct tachyon_stream *stream, void *data, int64_t timeout_ns)
{
	const struct value *const value = data;

	return tachyon_stream_write(stream, value->data, value->size, timeout_ns);
}

/* 0, or a code. */
static int write_memory(struct ext_stream *self, const void *data, int64_t timeout_ns)
{
	struct value value = {.data = data, .size = self->value_size};

	/* Whatever looked at the value may have run code that closed the stream. */
	if (!self->handle)
		return TACHYON_ERR_CLOSED;
	return ext_stream_run(self, write_step, &value, timeout_ns, value.size >= EXT_STREAM_LARGE);
}

static PyObject *none_or_raise(struct ext_stream *self, int ret)
{
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_write);
	Py_RETURN_NONE;
}

/* Consumes the buffer. */
static PyObject *write_buffer(struct ext_stream *self, Py_buffer *buffer, int64_t timeout_ns)
{
	const int ret = write_memory(self, buffer->buf, timeout_ns);

	PyBuffer_Release(buffer);
	return none_or_raise(self, ret);
}

enum { VALUE, TIMEOUT, PARAMETERS };
static const char *const parameter_names[] = {"value", "timeout", NULL};
static const struct ext_parameters parameters = {
	.function = "write", .names = parameter_names, .positional = 1, .required = 1};

/*
 * Arguments of a write: 1 with a view of the value; 0 when it is something else than an array that
 * can be copied as it is; -1 with an exception.
 */
static int parse(struct ext_stream *self, PyObject *const *args, Py_ssize_t count, PyObject *names,
		 PyObject **values, int64_t *timeout_ns, Py_buffer *buffer)
{
	if (count == 1 && !names) {
		values[VALUE] = args[0];
		values[TIMEOUT] = NULL;
	} else if (ext_arguments(&parameters, args, count, names, values) < 0 ||
		   ext_convert(&parameters, values, TIMEOUT, ext_timeout, timeout_ns) < 0) {
		return -1;
	}
	if (!self->handle) {
		ext_stream_raise_closed(self, "write to");
		return -1;
	}
	return ext_stream_view(self, values[VALUE], buffer, 0);
}

/* Writes what can be copied as it is: 1 with the answer, NULL for an exception; else 0. */
static int try_write(struct ext_stream *self, PyObject *const *args, Py_ssize_t count,
		     PyObject *names, PyObject **values, PyObject **answer)
{
	int64_t timeout_ns = -1;
	Py_buffer buffer;
	const int ret = parse(self, args, count, names, values, &timeout_ns, &buffer);

	if (ret == 0)
		return 0;
	*answer = ret < 0 ? NULL : write_buffer(self, &buffer, timeout_ns);
	return 1;
}

PyObject *ext_stream_write(PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names)
{
	PyObject *values[PARAMETERS], *answer;

	if (try_write((struct ext_stream *)object, args, count, names, values, &answer))
		return answer;
	/* Of the class that Python code derives. */
	return PyObject_CallMethod(object, "_convert_and_write", "OO", values[VALUE],
				   values[TIMEOUT] ? values[TIMEOUT] : Py_None);
}

/* What _convert_and_write() calls: it does not go back there. */
PyObject *ext_stream_write_array(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS], *answer;

	if (try_write(self, args, count, names, values, &answer))
		return answer;
	return PyErr_Format(PyExc_ValueError, "expected a C-contiguous array of shape %R and %S",
			    self->shape, self->dtype);
}

PyObject *ext_stream_clear(PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names)
{
	static const char *const clear_names[] = {"timeout", NULL};
	static const struct ext_parameters clear_parameters = {.function = "clear",
							       .names = clear_names};
	struct ext_stream *const self = (struct ext_stream *)object;
	int64_t timeout_ns = -1;
	PyObject *timeout;
	void *zeros;
	int ret;

	if (ext_arguments(&clear_parameters, args, count, names, &timeout) < 0 ||
	    ext_convert(&clear_parameters, &timeout, 0, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "clear");
	/* Large ones are pages of zeros that nobody has written to: they take no memory. */
	zeros = PyMem_RawCalloc(1, self->value_size);
	if (!zeros)
		return PyErr_NoMemory();
	ret = write_memory(self, zeros, timeout_ns);
	PyMem_RawFree(zeros);
	return none_or_raise(self, ret);
}

/* --- in place --- */

static int begin_step(struct tachyon_stream *stream, void *data, int64_t timeout_ns)
{
	return tachyon_stream_begin(stream, timeout_ns, data);
}

/* What stands there is, or becomes, what others read. Slices of the array are beyond our reach. */
static void protect_array(PyObject *array)
{
	PyObject *const flags = PyObject_GetAttrString(array, "flags");

	if (!flags || PyObject_SetAttrString(flags, "writeable", Py_False) < 0)
		PyErr_WriteUnraisable(array);
	Py_XDECREF(flags);
}

void ext_stream_protect_written(struct ext_stream *self)
{
	if (self->writing)
		ext_stream_memory_protect(self->writing);
	if (self->writing_array)
		protect_array(self->writing_array);
	Py_CLEAR(self->writing_array);
	Py_CLEAR(self->writing);
}

/* A new reference. */
static PyObject *array_over(struct ext_stream *self, void *data)
{
	ext_stream_protect_written(self);
	self->writing =
		ext_stream_memory_new(self->state, self->handle, data, self->value_size, false);
	if (self->writing)
		self->writing_array = ext_stream_over(self, self->writing);
	return Py_XNewRef(self->writing_array);
}

PyObject *ext_stream_begin(PyObject *object, PyObject *timeout)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	int64_t timeout_ns;
	PyObject *array;
	void *data;
	int ret;

	if (!ext_timeout(timeout, &timeout_ns))
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "write to");
	ret = ext_stream_run_locking(self, begin_step, &data, timeout_ns, tachyon_stream_rollback);
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_write);
	array = array_over(self, data);
	if (!array && self->handle)
		(void)tachyon_stream_rollback(self->handle->stream);
	return array;
}

static PyObject *end(struct ext_stream *self, int (*how)(struct tachyon_stream *stream))
{
	struct tachyon_stream *const rest = ext_stream_rest(self);
	int ret = TACHYON_ERR_CLOSED;

	if (self->handle)
		ret = how(rest);
	else if (rest)
		(void)tachyon_stream_rollback(rest);
	if (ret == -EPERM)
		return PyErr_Format(PyExc_RuntimeError,
				    "this thread has no write_view of shared memory %R open",
				    self->name);
	ext_stream_protect_written(self);
	return none_or_raise(self, ret);
}

PyObject *ext_stream_commit(PyObject *object, PyObject *none)
{
	(void)none;
	return end((struct ext_stream *)object, tachyon_stream_commit);
}

PyObject *ext_stream_rollback(PyObject *object, PyObject *none)
{
	(void)none;
	return end((struct ext_stream *)object, tachyon_stream_rollback);
}
