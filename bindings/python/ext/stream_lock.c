/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: the writers' lock.
 */
#include "stream.h"

static int lock_step(struct tachyon_stream *stream, void *data, int64_t timeout_ns)
{
	(void)data;
	return tachyon_stream_lock(stream, timeout_ns);
}

PyObject *ext_stream_acquire(PyObject *object, PyObject *const *args, Py_ssize_t count,
			     PyObject *names)
{
	enum { TIMEOUT, POLL_INTERVAL, PARAMETERS };
	static const char *const parameter_names[] = {"timeout", "poll_interval", NULL};
	static const struct ext_parameters parameters = {
		.function = "acquire", .names = parameter_names, .positional = 2};
	struct ext_stream *const self = (struct ext_stream *)object;
	PyObject *values[PARAMETERS];
	int64_t timeout_ns = -1;
	int ret;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "lock");
	ret = ext_stream_run_locking(self, lock_step, NULL, timeout_ns, tachyon_stream_unlock);
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_lock);
	Py_RETURN_NONE;
}

/* What was written through the live view is published now, which may be a copy. */
static int unlock(struct ext_stream *self)
{
	struct ext_stream_handle *const handle = self->handle;
	PyThreadState *thread;
	int ret;

	if (!self->live || self->value_size < EXT_STREAM_LARGE)
		return tachyon_stream_unlock(handle->stream);
	ext_stream_handle_enter(handle);
	thread = PyEval_SaveThread();
	ret = tachyon_stream_unlock(handle->stream);
	PyEval_RestoreThread(thread);
	ext_stream_handle_leave(handle);
	return ret;
}

/* After a close(), which may have left this thread its lock. */
static void leave_rest(struct ext_stream *self)
{
	struct tachyon_stream *const rest = ext_stream_rest(self);

	if (rest)
		(void)tachyon_stream_unlock(rest);
}

PyObject *ext_stream_release(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	int ret;

	(void)none;
	if (!self->handle) {
		leave_rest(self);
		return ext_stream_raise_closed(self, "unlock");
	}
	ret = unlock(self);
	if (ret == -EPERM)
		return PyErr_Format(PyExc_RuntimeError,
				    "cannot release an unlocked shared memory lock");
	if (ret < 0)
		return ext_stream_raise(self, ret, &ext_stream_words_lock);
	Py_RETURN_NONE;
}

/* The end of a locked() block: as release(), but that it was closed is no error. */
PyObject *ext_stream_leave_lock(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;

	if (self->handle)
		return ext_stream_release(object, none);
	leave_rest(self);
	Py_RETURN_NONE;
}
