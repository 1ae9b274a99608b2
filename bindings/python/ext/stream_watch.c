/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: its descriptor, for polls and event loops. While a loop watches it, the descriptor stays
 * open over a close(), which calls the watcher back.
 */
#include "stream.h"

PyObject *ext_stream_fileno(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	int ret;

	(void)none;
	if (!self->handle)
		return ext_stream_raise_closed(self, "poll");
	ret = tachyon_stream_fd(self->handle->stream);
	return ret < 0 ? ext_stream_raise(self, ret, &ext_stream_words_wait) : PyLong_FromLong(ret);
}

static PyObject *ask(struct ext_stream *self, PyObject *count,
		     int (*how)(struct tachyon_stream *stream, uint64_t count))
{
	size_t wanted;
	int ret;

	if (!ext_size(count, &wanted))
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, "poll");
	ret = how(self->handle->stream, wanted);
	if (ret == -EINVAL)
		return PyErr_Format(PyExc_RuntimeError, "fileno() comes first");
	return ret < 0 ? ext_stream_raise(self, ret, &ext_stream_words_wait) : PyBool_FromLong(ret);
}

PyObject *ext_stream_prepare(PyObject *object, PyObject *count)
{
	return ask((struct ext_stream *)object, count, tachyon_stream_prepare);
}

PyObject *ext_stream_dispatch(PyObject *object, PyObject *count)
{
	return ask((struct ext_stream *)object, count, tachyon_stream_dispatch);
}

PyObject *ext_stream_watch(PyObject *object, PyObject *callback)
{
	struct ext_stream *const self = (struct ext_stream *)object;

	if (!self->handle)
		return ext_stream_raise_closed(self, "wait for");
	if (self->on_close)
		return PyErr_Format(PyExc_RuntimeError, "another event loop waits for it");
	self->on_close = Py_NewRef(callback);
	self->watched = self->handle;
	ext_stream_handle_hold(self->watched);
	Py_RETURN_NONE;
}

PyObject *ext_stream_unwatch(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;

	(void)none;
	if (self->watched)
		ext_stream_handle_drop(self->watched);
	self->watched = NULL;
	Py_CLEAR(self->on_close);
	Py_RETURN_NONE;
}
