/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Who keeps a handle of libtachyon's, and its memory as Python sees it.
 */
#include "stream.h"

/* --- handles --- */

struct ext_stream_handle *ext_stream_handle_new(struct tachyon_stream *stream)
{
	struct ext_stream_handle *const handle = PyMem_New(struct ext_stream_handle, 1);

	if (!handle) {
		tachyon_stream_destroy(stream);
		PyErr_NoMemory();
		return NULL;
	}
	*handle = (struct ext_stream_handle){.stream = stream, .holders = 1, .forks = ext_forks()};
	return handle;
}

/* Threads that were in calls stayed in the parent. */
static void forget_parent(struct ext_stream_handle *handle)
{
	if (handle->forks == ext_forks())
		return;
	handle->forks = ext_forks();
	handle->calls = 0;
}

static void free_unused(struct ext_stream_handle *handle)
{
	if (handle->holders > 0 || handle->calls > 0)
		return;
	if (handle->closed)
		*handle->closed = NULL;
	tachyon_stream_destroy(handle->stream);
	PyMem_Free(handle);
}

void ext_stream_handle_hold(struct ext_stream_handle *handle)
{
	handle->holders++;
}

void ext_stream_handle_drop(struct ext_stream_handle *handle)
{
	forget_parent(handle);
	handle->holders--;
	free_unused(handle);
}

void ext_stream_handle_enter(struct ext_stream_handle *handle)
{
	forget_parent(handle);
	handle->calls++;
}

void ext_stream_handle_leave(struct ext_stream_handle *handle)
{
	forget_parent(handle);
	/*
	 * A signal handler forked while the call waited: this is the child, and it was forgotten.
	 */
	if (handle->calls > 0)
		handle->calls--;
	free_unused(handle);
}

/* --- memory --- */

struct memory {
	PyObject head;
	struct ext_stream_handle *handle;
	void *data;
	Py_ssize_t size;
	bool is_readonly;
};

PyObject *ext_stream_memory_new(struct ext_state *state, struct ext_stream_handle *handle,
				void *data, size_t size, bool is_readonly)
{
	struct memory *const self = PyObject_New(struct memory, state->stream_memory);

	if (!self)
		return NULL;
	ext_stream_handle_hold(handle);
	self->handle = handle;
	self->data = data;
	self->size = (Py_ssize_t)size;
	self->is_readonly = is_readonly;
	return (PyObject *)self;
}

void ext_stream_memory_protect(PyObject *memory)
{
	((struct memory *)memory)->is_readonly = true;
}

static int get_buffer(PyObject *object, Py_buffer *buffer, int flags)
{
	const struct memory *const self = (struct memory *)object;

	return PyBuffer_FillInfo(buffer, object, self->data, self->size, self->is_readonly, flags);
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);

	ext_stream_handle_drop(((struct memory *)object)->handle);
	PyObject_Free(object);
	Py_DECREF(type);
}

PyDoc_STRVAR(doc, "Memory of a stream, which stays mapped as long as this lives.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_dealloc, dealloc},
	{Py_bf_getbuffer, get_buffer},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon._ext._StreamMemory",
	.basicsize = sizeof(struct memory),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = slots,
};

int ext_add_stream_memory(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->stream_memory);
}
