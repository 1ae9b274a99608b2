/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * RxGuard: one received message, in place.
 */
#include "bus.h"

struct rx_guard {
	PyObject head;
	struct ext_rx_hold hold;
	struct ext_rx_memory memory;
	struct tachyon_message message;
	struct ext_shape shape;
};

PyObject *ext_recv_zero_copy(struct ext_bus *bus, int64_t timeout_ns)
{
	PyTypeObject *const type = bus->state->rx_guard;
	/* First: what was received must not be lost for want of memory. */
	struct rx_guard *const self = (struct rx_guard *)type->tp_alloc(type, 0);
	int ret;

	if (!self)
		return NULL;
	ret = ext_rx_hold_receive(&self->hold, bus, &self->message, 1, timeout_ns);
	if (ret < 0) {
		Py_DECREF(self);
		return ext_bus_raise(bus, ret, "recv_zero_copy");
	}
	ext_shape_bytes(&self->shape, (Py_ssize_t)self->message.size);
	return (PyObject *)self;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT(((struct rx_guard *)object)->hold.bus);
	return 0;
}

/* No tp_clear: a cycle goes through the dictionary of a class derived from Bus, which has one. */
static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct rx_guard *const self = (struct rx_guard *)object;

	PyObject_GC_UnTrack(object);
	ext_rx_hold_fini(&self->hold);
	ext_rx_memory_fini(&self->memory);
	type->tp_free(object);
	Py_DECREF(type);
}

/* --- what it shows --- */

static PyObject *get_type_id(PyObject *object, void *closure)
{
	const struct rx_guard *const self = (struct rx_guard *)object;

	(void)closure;
	if (ext_rx_hold_check(&self->hold) < 0)
		return NULL;
	return PyLong_FromUnsignedLong(self->message.type);
}

static Py_ssize_t length(PyObject *object)
{
	const struct rx_guard *const self = (struct rx_guard *)object;

	return ext_rx_hold_check(&self->hold) < 0 ? -1 : (Py_ssize_t)self->message.size;
}

static PyObject *get_size(PyObject *object, void *closure)
{
	const Py_ssize_t size = length(object);

	(void)closure;
	return size < 0 ? NULL : PyLong_FromSsize_t(size);
}

static PyObject *get_data(PyObject *object, void *closure)
{
	const struct rx_guard *const self = (struct rx_guard *)object;

	(void)closure;
	if (ext_rx_hold_check_memory(&self->hold) < 0)
		return NULL;
	return PyBytes_FromStringAndSize(self->message.data, (Py_ssize_t)self->message.size);
}

static int get_buffer(PyObject *object, Py_buffer *buffer, int flags)
{
	struct rx_guard *const self = (struct rx_guard *)object;
	void *const memory = ext_rx_memory_acquire(&self->memory, &self->hold, &self->message);

	if (!memory)
		return -1;
	if (ext_view_buffer(object, memory, &self->shape, true, buffer, flags) < 0) {
		ext_rx_memory_release(&self->memory, &self->hold);
		return -1;
	}
	return 0;
}

static void release_buffer(PyObject *object, Py_buffer *buffer)
{
	struct rx_guard *const self = (struct rx_guard *)object;

	(void)buffer;
	ext_rx_memory_release(&self->memory, &self->hold);
}

static PyObject *dlpack(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct rx_guard *const self = (struct rx_guard *)object;
	void *const memory = ext_rx_memory_acquire(&self->memory, &self->hold, &self->message);
	PyObject *capsule;

	if (!memory)
		return NULL;
	capsule = ext_view_dlpack(object, memory, &self->shape, true, args, count, names);
	/* The capsule has a view of its own. */
	ext_rx_memory_release(&self->memory, &self->hold);
	return capsule;
}

/* --- its end --- */

static PyObject *release(PyObject *object, PyObject *none)
{
	(void)none;
	if (ext_rx_hold_release(&((struct rx_guard *)object)->hold) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *enter(PyObject *object, PyObject *none)
{
	(void)none;
	if (ext_rx_hold_check(&((struct rx_guard *)object)->hold) < 0)
		return NULL;
	return Py_NewRef(object);
}

static PyObject *leave(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
	const int has_raised = ext_has_raised(args, count);

	if (has_raised < 0)
		return NULL;
	if (ext_rx_hold_exit(&((struct rx_guard *)object)->hold, has_raised) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{"commit", release, METH_NOARGS, "commit($self, /)\n--\n\nGive it back."},
	{"release", release, METH_NOARGS, "release($self, /)\n--\n\nGive it back."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))leave, METH_FASTCALL, NULL},
	{"__dlpack__", (PyCFunction)(void (*)(void))dlpack, METH_FASTCALL | METH_KEYWORDS, NULL},
	{"__dlpack_device__", ext_view_dlpack_device, METH_NOARGS, NULL},
	{0},
};

static PyGetSetDef properties[] = {
	{"type_id", get_type_id, NULL, "The sender's number.", NULL},
	{"size", get_size, NULL, "Bytes of the message.", NULL},
	{"actual_size", get_size, NULL, "Bytes of the message.", NULL},
	{"data", get_data, NULL, "A copy of the content.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "A received message, in place. A read-only buffer of bytes.");

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
	.name = "tachyon.RxGuard",
	.basicsize = sizeof(struct rx_guard),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots,
};

int ext_add_rx_guard(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->rx_guard);
}
