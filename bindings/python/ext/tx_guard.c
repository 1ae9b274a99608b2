/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * TxGuard: room in the ring for one message, to be written in place.
 */
#include "bus.h"

enum state {
	STATE_EMPTY = 0, /* nothing was reserved yet */
	STATE_OPEN,
	STATE_LEAVING, /* to be rolled back when the last view goes */
	STATE_COMMITTED,
	STATE_ROLLED_BACK,
	STATE_LOST,
};

struct tx_guard {
	PyObject head;
	struct ext_bus *bus;
	void *data;
	size_t size;
	size_t actual_size;
	uint32_t type_id;
	enum state state;
	unsigned int exports;
	struct ext_shape shape;
};

PyObject *ext_send_zero_copy(struct ext_bus *bus, size_t size, uint32_t type_id, int64_t timeout_ns)
{
	PyTypeObject *const type = bus->state->tx_guard;
	struct tx_guard *const self = (struct tx_guard *)type->tp_alloc(type, 0);
	int ret;

	if (!self)
		return NULL;
	self->bus = (struct ext_bus *)Py_NewRef(bus);
	ext_bus_enter(bus);
	ret = ext_bus_reserve(bus, size, &self->data, timeout_ns);
	if (ret < 0) {
		ext_bus_leave(bus);
		Py_DECREF(self);
		return ext_bus_raise(bus, ret, "send_zero_copy");
	}
	self->state = STATE_OPEN;
	self->size = self->actual_size = size;
	self->type_id = type_id;
	ext_shape_bytes(&self->shape, (Py_ssize_t)size);
	return (PyObject *)self;
}

/* The reservation is over. */
static void finish(struct tx_guard *self, enum state state)
{
	self->state = state;
	self->data = NULL;
	ext_bus_leave(self->bus);
}

static void roll_back(struct tx_guard *self)
{
	/* It fails in a forked child only, where there is nothing to give back. */
	(void)tachyon_bus_rollback(self->bus->bus);
	finish(self, STATE_ROLLED_BACK);
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT(((struct tx_guard *)object)->bus);
	return 0;
}

/* No tp_clear: as RxGuard. */
static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct tx_guard *const self = (struct tx_guard *)object;

	PyObject_GC_UnTrack(object);
	if (self->state == STATE_OPEN || self->state == STATE_LEAVING)
		roll_back(self);
	Py_XDECREF(self->bus);
	type->tp_free(object);
	Py_DECREF(type);
}

/* 0, or -1: ValueError. */
static int check_open(const struct tx_guard *self)
{
	switch (self->state) {
	case STATE_OPEN:
		return 0;
	case STATE_COMMITTED:
		PyErr_SetString(PyExc_ValueError, "the guard was committed");
		return -1;
	case STATE_LOST:
		PyErr_SetString(PyExc_ValueError, "the guard's message was lost with its bus");
		return -1;
	case STATE_EMPTY:
	case STATE_LEAVING:
	case STATE_ROLLED_BACK:
		break;
	}
	PyErr_SetString(PyExc_ValueError, "the guard was rolled back");
	return -1;
}

static int check_unviewed(const struct tx_guard *self)
{
	if (self->exports == 0)
		return 0;
	PyErr_SetString(PyExc_BufferError, "views of the guard live: release them first");
	return -1;
}

/* --- memory --- */

static int get_buffer(PyObject *object, Py_buffer *buffer, int flags)
{
	struct tx_guard *const self = (struct tx_guard *)object;

	if (check_open(self) < 0)
		return -1;
	if (ext_bus_is_foreign(self->bus)) {
		ext_raise(self->bus->state, TACHYON_ERR_FORKED, "the guard's memory");
		return -1;
	}
	if (ext_view_buffer(object, self->data, &self->shape, false, buffer, flags) < 0)
		return -1;
	self->exports++;
	return 0;
}

static void release_buffer(PyObject *object, Py_buffer *buffer)
{
	struct tx_guard *const self = (struct tx_guard *)object;

	(void)buffer;
	if (--self->exports == 0 && self->state == STATE_LEAVING)
		roll_back(self);
}

static Py_ssize_t length(PyObject *object)
{
	const struct tx_guard *const self = (struct tx_guard *)object;

	return check_open(self) < 0 ? -1 : (Py_ssize_t)self->size;
}

/* --- commit, rollback --- */

/* 0, or -1 with an exception: the field is as it was. */
static int to_actual_size(const struct tx_guard *self, PyObject *value, size_t *actual_size)
{
	size_t size;

	if (!ext_size(value, &size))
		return ext_blame("size") - 1;
	if (size > self->size) {
		PyErr_Format(PyExc_ValueError, "%zu bytes are more than the %zu reserved", size,
			     self->size);
		return -1;
	}
	*actual_size = size;
	return 0;
}

/* Likewise. */
static int to_type_id(PyObject *value, uint32_t *type_id)
{
	return ext_uint32(value, type_id) ? 0 : ext_blame("type_id") - 1;
}

/* 0, or -1 with an exception. */
static int commit_with(struct tx_guard *self,
		       int (*function)(struct tachyon_bus *bus, size_t size, uint32_t type))
{
	struct ext_bus *const bus = self->bus;
	int ret;

	if (check_open(self) < 0 || check_unviewed(self) < 0)
		return -1;
	ret = function(bus->bus, self->actual_size, self->type_id);
	if (ret == 0) {
		finish(self, STATE_COMMITTED);
		return 0;
	}
	/* In a forked child nothing is lost: the reservation is the parent's. */
	if (ret == TACHYON_ERR_FORKED) {
		ext_bus_raise(bus, ret, "commit");
		return -1;
	}
	finish(self, STATE_LOST);
	if (ret == TACHYON_ERR_CLOSED)
		ext_raise_end(bus->state, TACHYON_END_LOCAL, "commit: the message is lost");
	else
		ext_bus_raise(bus, ret, "commit: the message is lost");
	return -1;
}

static bool is_given(PyObject *value)
{
	return value && value != Py_None;
}

static PyObject *commit_as(const struct ext_parameters *parameters,
			   int (*function)(struct tachyon_bus *bus, size_t size, uint32_t type),
			   PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names)
{
	struct tx_guard *const self = (struct tx_guard *)object;
	PyObject *values[2];
	size_t size = self->actual_size;
	uint32_t type_id = self->type_id;

	if (ext_arguments(parameters, args, count, names, values) < 0 || check_open(self) < 0 ||
	    check_unviewed(self) < 0)
		return NULL;
	if (is_given(values[0]) && to_actual_size(self, values[0], &size) < 0)
		return NULL;
	if (is_given(values[1]) && to_type_id(values[1], &type_id) < 0)
		return NULL;
	self->actual_size = size;
	self->type_id = type_id;
	if (commit_with(self, function) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static const char *const commit_names[] = {"size", "type_id", NULL};

static PyObject *commit(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const struct ext_parameters parameters = {
		.function = "commit", .names = commit_names, .positional = 2};

	return commit_as(&parameters, tachyon_bus_commit, object, args, count, names);
}

static PyObject *commit_unflushed(PyObject *object, PyObject *const *args, Py_ssize_t count,
				  PyObject *names)
{
	static const struct ext_parameters parameters = {
		.function = "commit_unflushed", .names = commit_names, .positional = 2};

	return commit_as(&parameters, tachyon_bus_commit_unflushed, object, args, count, names);
}

static PyObject *rollback(PyObject *object, PyObject *none)
{
	struct tx_guard *const self = (struct tx_guard *)object;

	(void)none;
	if (check_open(self) < 0 || check_unviewed(self) < 0)
		return NULL;
	roll_back(self);
	Py_RETURN_NONE;
}

static PyObject *enter(PyObject *object, PyObject *none)
{
	(void)none;
	return check_open((struct tx_guard *)object) < 0 ? NULL : Py_NewRef(object);
}

static void leave_by_exception(struct tx_guard *self)
{
	if (self->exports > 0)
		self->state = STATE_LEAVING;
	else
		roll_back(self);
}

static PyObject *leave(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
	struct tx_guard *const self = (struct tx_guard *)object;
	const int has_raised = ext_has_raised(args, count);

	if (has_raised < 0)
		return NULL;
	if (self->state != STATE_OPEN)
		Py_RETURN_NONE;
	if (has_raised)
		leave_by_exception(self);
	else if (commit_with(self, tachyon_bus_commit) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* --- fields --- */

static PyObject *get_size(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromSize_t(((struct tx_guard *)object)->size);
}

static PyObject *get_actual_size(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromSize_t(((struct tx_guard *)object)->actual_size);
}

static PyObject *get_type_id(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromUnsignedLong(((struct tx_guard *)object)->type_id);
}

/* A field is there as long as its guard. */
static int check_settable(const struct tx_guard *self, PyObject *value)
{
	if (value)
		return check_open(self);
	PyErr_SetString(PyExc_AttributeError, "it cannot be deleted");
	return -1;
}

static int put_actual_size(PyObject *object, PyObject *value, void *closure)
{
	struct tx_guard *const self = (struct tx_guard *)object;

	(void)closure;
	return check_settable(self, value) < 0 ? -1
					       : to_actual_size(self, value, &self->actual_size);
}

static int put_type_id(PyObject *object, PyObject *value, void *closure)
{
	struct tx_guard *const self = (struct tx_guard *)object;

	(void)closure;
	return check_settable(self, value) < 0 ? -1 : to_type_id(value, &self->type_id);
}

PyDoc_STRVAR(commit_doc, "commit($self, /, size=None, type_id=None)\n--\n\nSend the message.");
PyDoc_STRVAR(commit_unflushed_doc, "commit_unflushed($self, /, size=None, type_id=None)\n--\n\n"
				   "Part of a batch: the peer sees it with the next flush().");

static PyMethodDef methods[] = {
	{"commit", (PyCFunction)(void (*)(void))commit, METH_FASTCALL | METH_KEYWORDS, commit_doc},
	{"commit_unflushed", (PyCFunction)(void (*)(void))commit_unflushed,
	 METH_FASTCALL | METH_KEYWORDS, commit_unflushed_doc},
	{"rollback", rollback, METH_NOARGS, "rollback($self, /)\n--\n\nSend nothing."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))leave, METH_FASTCALL, NULL},
	{0},
};

static PyGetSetDef properties[] = {
	{"type_id", get_type_id, put_type_id, "A number for the receiver.", NULL},
	{"actual_size", get_actual_size, put_actual_size, "Bytes that will be sent.", NULL},
	{"size", get_size, NULL, "Bytes reserved.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "Room for one message. A writable buffer of bytes.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_traverse, traverse},
	{Py_tp_dealloc, dealloc},
	{Py_tp_methods, methods},
	{Py_tp_getset, properties},
	{Py_sq_length, length},
	{Py_bf_getbuffer, get_buffer},
	{Py_bf_releasebuffer, release_buffer},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon.TxGuard",
	.basicsize = sizeof(struct tx_guard),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots,
};

int ext_add_tx_guard(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->tx_guard);
}
