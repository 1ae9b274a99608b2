/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Stream: its life, its end, and the type. tachyon.stream.SharedMemory derives from it.
 */
#include "stream.h"

#include <stddef.h>
#include <string.h>

/* --- life --- */

static void take_info(struct ext_stream *self)
{
	struct tachyon_stream_info info = {.size = sizeof(info)};

	(void)tachyon_stream_get_info(self->handle->stream, &info);
	self->array = info.array;
	self->value_size = (size_t)info.value_size;
	self->device = info.device;
	self->device_index = info.device_index;
	self->has_mirror = info.has_mirror != 0;
	memcpy(self->id, info.id, sizeof(self->id));
	self->seen = info.count;
}

PyObject *ext_stream_new(PyTypeObject *type, struct ext_state *state, PyObject *name,
			 PyObject *address, struct tachyon_stream *stream)
{
	struct ext_stream_handle *const handle = ext_stream_handle_new(stream);
	struct ext_stream *self;

	if (!handle)
		return NULL;
	self = (struct ext_stream *)type->tp_alloc(type, 0);
	if (!self) {
		ext_stream_handle_drop(handle);
		return NULL;
	}
	self->handle = handle;
	self->state = state;
	self->name = Py_NewRef(name);
	self->address = Py_NewRef(address);
	take_info(self);
	self->shape = ext_stream_shape(&self->array);
	self->dtype = ext_stream_dtype(state, &self->array);
	if (self->shape && self->dtype)
		return (PyObject *)self;
	Py_DECREF(self);
	return NULL;
}

static void call_back(PyObject *callback)
{
	PyObject *const result = PyObject_CallNoArgs(callback);

	if (!result)
		PyErr_WriteUnraisable(callback);
	Py_XDECREF(result);
}

/* Calls that are under way end, each in its thread; the last one frees. */
static void close_stream(struct ext_stream *self)
{
	struct ext_stream_handle *const handle = self->handle;

	if (!handle)
		return;
	self->handle = NULL;
	self->closed = handle;
	handle->closed = &self->closed;
	tachyon_stream_shutdown(handle->stream);
	ext_stream_protect_written(self);
	Py_CLEAR(self->live);
	ext_stream_handle_drop(handle);
	if (self->on_close)
		call_back(self->on_close);
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct ext_stream *const self = (struct ext_stream *)object;

	/* A watcher has a reference: there is none. */
	close_stream(self);
	if (self->closed)
		self->closed->closed = NULL;
	Py_XDECREF(self->dtype);
	Py_XDECREF(self->shape);
	Py_XDECREF(self->address);
	Py_XDECREF(self->name);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	(void)type;
	(void)args;
	(void)keywords;
	return PyErr_Format(PyExc_TypeError,
			    "a SharedMemory is made by tachyon.stream.create() or open()");
}

static PyObject *refuse_pickle(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;

	(void)none;
	return PyErr_Format(PyExc_TypeError,
			    "cannot pickle shared memory %R: pass its name, and open it there",
			    self->name);
}

/* --- the end --- */

static PyObject *close_it(PyObject *object, PyObject *none)
{
	(void)none;
	close_stream((struct ext_stream *)object);
	Py_RETURN_NONE;
}

/* Also after close(). A name that was created anew is somebody else's. */
static PyObject *unlink_it(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	const int ret = tachyon_stream_unlink(PyBytes_AS_STRING(self->address), self->id);

	(void)none;
	if (ret < 0 && ret != -ENOENT)
		return ext_stream_raise_os(ret, self->name, tachyon_strerror(ret));
	Py_RETURN_NONE;
}

static PyObject *delete_it(PyObject *object, PyObject *none)
{
	close_stream((struct ext_stream *)object);
	return unlink_it(object, none);
}

static PyObject *enter_block(PyObject *object, PyObject *none)
{
	struct ext_stream *const self = (struct ext_stream *)object;

	(void)none;
	return self->handle ? Py_NewRef(object) : ext_stream_raise_closed(self, "enter");
}

static PyObject *leave_block(PyObject *object, PyObject *args)
{
	(void)args;
	return close_it(object, NULL);
}

static PyObject *check_open(PyObject *object, PyObject *verb)
{
	struct ext_stream *const self = (struct ext_stream *)object;
	const char *const text = PyUnicode_AsUTF8(verb);

	if (!text)
		return NULL;
	if (!self->handle)
		return ext_stream_raise_closed(self, text);
	Py_RETURN_NONE;
}

/* --- the type --- */

PyDoc_STRVAR(write_doc, "write($self, value, *, timeout=None)\n--\n\n"
			"Make an array of the stream's shape its newest value.");
PyDoc_STRVAR(read_doc, "read($self, safe=True, poll_interval=None, out=None)\n--\n\n"
		       "The newest value, copied; with safe=False, under the lock, in place.");
PyDoc_STRVAR(read_new_doc,
	     "read_new($self, timeout=None, safe=True, poll_interval=None, out=None)\n--\n\n"
	     "The same, once there is one that this handle has not read.");
PyDoc_STRVAR(wait_doc, "wait($self, count, *, timeout=None)\n--\n\n"
		       "Wait until so many writes were completed: how many were.");
PyDoc_STRVAR(clear_doc, "clear($self, *, timeout=None)\n--\n\nWrite zeros.");
PyDoc_STRVAR(acquire_doc, "acquire($self, timeout=None, poll_interval=None)\n--\n\n"
			  "Take the writers' lock; a thread that has it may take it again.");
PyDoc_STRVAR(release_doc, "release($self, /)\n--\n\n"
			  "Give it back. What was written into a live view is published.");
PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\n"
			 "For a poll of your own: prepare(count), poll it, dispatch(count).");
PyDoc_STRVAR(prepare_doc, "prepare($self, count, /)\n--\n\n"
			  "True when the count is there: do not poll. False when armed.");
PyDoc_STRVAR(dispatch_doc, "dispatch($self, count, /)\n--\n\n"
			   "After a poll of your own: whether the count is there.");
PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\n"
			"Give up this handle. The stream stays, and so do arrays.");
PyDoc_STRVAR(unlink_doc, "unlink($self, /)\n--\n\n"
			 "Destroy the stream: its name is free. Handles go on with its memory.");
PyDoc_STRVAR(delete_doc, "delete($self, /)\n--\n\nclose() and unlink().");

#define METHOD(function) (PyCFunction)(void (*)(void)) function
#define FAST (METH_FASTCALL | METH_KEYWORDS)

static PyMethodDef methods[] = {
	{"write", METHOD(ext_stream_write), FAST, write_doc},
	{"read", METHOD(ext_stream_read), FAST, read_doc},
	{"read_new", METHOD(ext_stream_read_new), FAST, read_new_doc},
	{"wait", METHOD(ext_stream_wait), FAST, wait_doc},
	{"clear", METHOD(ext_stream_clear), FAST, clear_doc},
	{"acquire", METHOD(ext_stream_acquire), FAST, acquire_doc},
	{"release", ext_stream_release, METH_NOARGS, release_doc},
	{"fileno", ext_stream_fileno, METH_NOARGS, fileno_doc},
	{"prepare", ext_stream_prepare, METH_O, prepare_doc},
	{"dispatch", ext_stream_dispatch, METH_O, dispatch_doc},
	{"close", close_it, METH_NOARGS, close_doc},
	{"unlink", unlink_it, METH_NOARGS, unlink_doc},
	{"delete", delete_it, METH_NOARGS, delete_doc},
	{"__enter__", enter_block, METH_NOARGS, NULL},
	{"__exit__", leave_block, METH_VARARGS, NULL},
	{"__reduce__", refuse_pickle, METH_NOARGS, NULL},
	/* For tachyon.stream. */
	{"_check_open", check_open, METH_O, "_check_open($self, verb, /)\n--\n\n"},
	{"_leave_lock", ext_stream_leave_lock, METH_NOARGS, "_leave_lock($self, /)\n--\n\n"},
	{"_write_array", METHOD(ext_stream_write_array), FAST,
	 "_write_array($self, value, *, timeout=None)\n--\n\n"},
	{"_snapshot", METHOD(ext_stream_snapshot), FAST,
	 "_snapshot($self, newer_than=None, timeout=None)\n--\n\n"},
	{"_wait_newer", ext_stream_wait_newer, METH_O, "_wait_newer($self, timeout, /)\n--\n\n"},
	{"_begin", ext_stream_begin, METH_O, "_begin($self, timeout, /)\n--\n\n"},
	{"_commit", ext_stream_commit, METH_NOARGS, "_commit($self, /)\n--\n\n"},
	{"_rollback", ext_stream_rollback, METH_NOARGS, "_rollback($self, /)\n--\n\n"},
	{"_watch", ext_stream_watch, METH_O, "_watch($self, callback, /)\n--\n\n"},
	{"_unwatch", ext_stream_unwatch, METH_NOARGS, "_unwatch($self, /)\n--\n\n"},
	{"_write_device", METHOD(ext_stream_write_device), FAST,
	 "_write_device($self, memory, *, timeout=None)\n--\n\n"},
	{"_read_device", ext_stream_read_device, METH_O, "_read_device($self, memory, /)\n--\n\n"},
	{"_live_device", ext_stream_live_device, METH_NOARGS, "_live_device($self, /)\n--\n\n"},
	{0},
};

PyDoc_STRVAR(doc, "The newest value of one array, by name. See tachyon.stream.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, dealloc},
	{Py_tp_repr, ext_stream_repr},
	{Py_tp_methods, methods},
	{Py_tp_getset, ext_stream_properties},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon._ext.Stream",
	.basicsize = sizeof(struct ext_stream),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = slots,
};

int ext_add_stream(PyObject *module, struct ext_state *state)
{
	if (ext_add_type(module, &spec, &state->stream) < 0 ||
	    ext_add_stream_memory(module, state) < 0 || ext_add_stream_functions(module) < 0 ||
	    ext_add_stream_array(module) < 0)
		return -1;
	return ext_add_stream_device(module);
}
