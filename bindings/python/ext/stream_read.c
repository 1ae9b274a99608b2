/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: reading, and waiting for something to read.
 */
#include "stream.h"

/* --- copies --- */

/* Where a copy goes. */
struct target {
	PyObject *array;
	Py_buffer buffer;
};

static int refuse_out(struct ext_stream *self)
{
	PyErr_Format(PyExc_ValueError,
		     "out must be a writable C-contiguous array of shape %R and dtype %S",
		     self->shape, self->dtype);
	return -1;
}

/* out: the caller's array, NULL or None for a new one. 0, or -1 with an exception. */
static int open_target(struct ext_stream *self, PyObject *out, struct target *target)
{
	int ret;

	if (out && out != Py_None) {
		ret = ext_stream_view(self, out, &target->buffer, PyBUF_WRITABLE);
		if (ret <= 0)
			return ret < 0 ? ret : refuse_out(self);
		target->array = Py_NewRef(out);
		return 0;
	}
	target->array = ext_stream_empty(self);
	if (!target->array)
		return -1;
	ret = PyObject_GetBuffer(target->array, &target->buffer, PyBUF_WRITABLE);
	if (ret < 0)
		Py_DECREF(target->array);
	return ret;
}

/* Returns the array, if ret is 0; NULL with an exception. */
static PyObject *close_target(struct ext_stream *self, struct target *target, int ret)
{
	PyBuffer_Release(&target->buffer);
	if (ret == 0)
		return target->array;
	Py_DECREF(target->array);
	/* A wait has raised already. */
	return PyErr_Occurred() ? NULL : ext_stream_raise(self, ret, &ext_stream_words_read);
}

static int copy_without_gil(struct ext_stream_handle *handle, void *data, size_t size,
			    struct tachyon_snapshot *snapshot)
{
	PyThreadState *thread;
	int ret;

	ext_stream_handle_enter(handle);
	thread = PyEval_SaveThread();
	ret = tachyon_stream_read(handle->stream, data, size, snapshot);
	PyEval_RestoreThread(thread);
	ext_stream_handle_leave(handle);
	return ret;
}

void ext_stream_note_seen(struct ext_stream *self, uint64_t count)
{
	/* Another thread's may be newer. */
	if (count > self->seen)
		self->seen = count;
}

static int copy(struct ext_stream *self, const struct target *target,
		struct tachyon_snapshot *snapshot)
{
	int ret;

	/* What made the array may have run code that closed it. */
	if (!self->handle)
		return TACHYON_ERR_CLOSED;
	if (self->value_size < EXT_STREAM_LARGE)
		ret = tachyon_stream_read(self->handle->stream, target->buffer.buf,
					  self->value_size, snapshot);
	else
		ret = copy_without_gil(self->handle, target->buffer.buf, self->value_size,
				       snapshot);
	if (ret == 0)
		ext_stream_note_seen(self, snapshot->count);
	return ret;
}

static PyObject *read_copy(struct ext_stream *self, PyObject *out)
{
	struct tachyon_snapshot snapshot;
	struct target target;

	if (open_target(self, out, &target) < 0)
		return NULL;
	return close_target(self, &target, copy(self, &target, &snapshot));
}

/* --- the live view --- */

static int make_live(struct ext_stream *self)
{
	void *data;
	const int ret = tachyon_stream_live(self->handle->stream, &data);

	if (ret < 0) {
		ext_stream_raise(self, ret, &ext_stream_words_read);
		return -1;
	}
	/* The address is the same for the life of the handle. */
	if (!self->live)
		self->live = ext_stream_memory_new(self->state, self->handle, data,
						   self->value_size, self->is_read_only);
	return self->live ? 0 : -1;
}

static PyObject *read_live(struct ext_stream *self, PyObject *out)
{
	PyObject *memory, *array;

	if (out && out != Py_None) {
		PyErr_SetString(PyExc_ValueError, "out is for copies: safe=False makes none");
		return NULL;
	}
	if (ext_stream_check_lock(self) < 0 || make_live(self) < 0)
		return NULL;
	ext_stream_note_seen(self, tachyon_stream_count(self->handle->stream));
	/* What makes the array may run code that closes the stream. */
	memory = Py_NewRef(self->live);
	array = ext_stream_over(self, memory);
	Py_DECREF(memory);
	return array;
}

/* --- waiting --- */

static int wait_step(struct tachyon_stream *stream, void *data, int64_t timeout_ns)
{
	return tachyon_stream_wait(stream, *(const uint64_t *)data, timeout_ns);
}

/* 0, or a code. */
static int wait_for(struct ext_stream *self, uint64_t wanted, int64_t timeout_ns)
{
	if (!self->handle)
		return TACHYON_ERR_CLOSED;
	return ext_stream_run(self, wait_step, &wanted, timeout_ns, false);
}

int ext_stream_await_newer(struct ext_stream *self, int64_t timeout_ns)
{
	const int ret = wait_for(self, self->seen + 1, timeout_ns);

	if (ret == 0)
		return 0;
	ext_stream_raise(self, ret, &ext_stream_words_read);
	return -1;
}

PyObject *ext_stream_wait_newer(PyObject *object, PyObject *timeout)
{
	int64_t timeout_ns;

	if (!ext_timeout(timeout, &timeout_ns) ||
	    ext_stream_await_newer((struct ext_stream *)object, timeout_ns) < 0)
		return NULL;
	Py_RETURN_NONE;
}

PyObject *ext_stream_wait(PyObject *object, PyObject *const *args, Py_ssize_t count,
			  PyObject *names)
{
	enum { COUNT, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"count", "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "wait", .names = parameter_names, .positional = 1, .required = 1};
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS];
	int64_t timeout_ns = -1;
	size_t wanted = 0;
	int ret;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, COUNT, ext_size, &wanted) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	ret = wait_for(self, wanted, timeout_ns);
	if (ret == 0 && !self->handle)
		ret = TACHYON_ERR_CLOSED;
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_wait);
	return PyLong_FromUnsignedLongLong(tachyon_stream_count(self->handle->stream));
}

/* --- the methods --- */

/* 1, 0, or -1 with an exception. Not given is true. */
static int is_safe(PyObject *safe)
{
	return !safe || safe == Py_True ? 1 : PyObject_IsTrue(safe);
}

PyObject *ext_stream_read(PyObject *object, PyObject *const *args, Py_ssize_t count,
			  PyObject *names)
{
	enum { SAFE, POLL_INTERVAL, OUT, PARAMETERS };
	static const char *const parameter_names[] = {"safe", "poll_interval", "out", NULL};
	static const struct ext_parameters parameters = {
		.function = "read", .names = parameter_names, .positional = 3};
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS] = {0};
	int safe;

	if ((count > 0 || names) && ext_arguments(&parameters, args, count, names, values) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "read from");
	safe = is_safe(values[SAFE]);
	if (safe < 0)
		return NULL;
	return safe ? read_copy(self, values[OUT]) : read_live(self, values[OUT]);
}

static PyObject *read_new_copy(struct ext_stream *self, PyObject *out, int64_t timeout_ns)
{
	struct tachyon_snapshot snapshot;
	struct target target;
	int ret;

	/* Before the wait, not after it: there is time now. */
	if (open_target(self, out, &target) < 0)
		return NULL;
	ret = ext_stream_await_newer(self, timeout_ns);
	if (ret == 0)
		ret = copy(self, &target, &snapshot);
	return close_target(self, &target, ret);
}

PyObject *ext_stream_read_new(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names)
{
	enum { TIMEOUT, SAFE, POLL_INTERVAL, OUT, PARAMETERS };
	static const char *const parameter_names[] = {"timeout", "safe", "poll_interval", "out",
						      NULL};
	static const struct ext_parameters parameters = {
		.function = "read_new", .names = parameter_names, .positional = 4};
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS];
	int64_t timeout_ns = -1;
	int safe;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "read from");
	safe = is_safe(values[SAFE]);
	if (safe < 0)
		return NULL;
	if (safe)
		return read_new_copy(self, values[OUT], timeout_ns);
	if (ext_stream_check_lock(self) < 0 || ext_stream_await_newer(self, timeout_ns) < 0)
		return NULL;
	return read_live(self, values[OUT]);
}

/* (value, count, seconds, missed) */
static PyObject *take_snapshot(struct ext_stream *self)
{
	struct tachyon_snapshot snapshot;
	struct target target;
	PyObject *array;

	if (open_target(self, NULL, &target) < 0)
		return NULL;
	array = close_target(self, &target, copy(self, &target, &snapshot));
	if (!array)
		return NULL;
	return Py_BuildValue("NKdK", array, (unsigned long long)snapshot.count,
			     (double)snapshot.time_ns / 1e9, (unsigned long long)snapshot.missed);
}

PyObject *ext_stream_snapshot(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names)
{
	enum { NEWER_THAN, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"newer_than", "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "snapshot", .names = parameter_names, .positional = 2};
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS];
	int64_t timeout_ns = -1;
	size_t newer_than;
	int ret;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "read from");
	if (!values[NEWER_THAN] || values[NEWER_THAN] == Py_None)
		return take_snapshot(self);
	if (ext_convert(&parameters, values, NEWER_THAN, ext_size, &newer_than) < 0)
		return NULL;
	ret = wait_for(self, (uint64_t)newer_than + 1, timeout_ns);
	return ret < 0 ? ext_stream_raise(self, ret, &ext_stream_words_read) : take_snapshot(self);
}
