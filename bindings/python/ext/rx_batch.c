/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * RxBatch: messages received together, and RxMessage: one of them.
 */
#include "bus.h"

#include <stdlib.h>

struct rx_batch {
	PyObject head;
	struct ext_rx_hold hold;
	struct tachyon_message *messages;
	struct ext_rx_memory *memories; /* of each message; NULL until the first view */
	Py_ssize_t count;
};

struct rx_message {
	PyObject head;
	struct rx_batch *batch;
	Py_ssize_t index;
	struct ext_shape shape;
};

/* --- the batch --- */

static void shrink(struct rx_batch *self, size_t max_messages)
{
	struct tachyon_message *smaller;

	/* Not for a little: it may copy. */
	if ((size_t)self->count > max_messages / 2)
		return;
	smaller = realloc(self->messages, (size_t)self->count * sizeof(*smaller));
	if (smaller)
		self->messages = smaller;
}

PyObject *ext_drain_batch(struct ext_bus *bus, size_t max_messages, int64_t timeout_ns)
{
	PyTypeObject *const type = bus->state->rx_batch;
	/* First: what was received must not be lost for want of memory. */
	struct rx_batch *const self = (struct rx_batch *)type->tp_alloc(type, 0);
	int ret;

	if (!self)
		return NULL;
	self->messages = malloc(max_messages * sizeof(*self->messages));
	if (!self->messages) {
		Py_DECREF(self);
		return PyErr_NoMemory();
	}
	ret = ext_rx_hold_receive(&self->hold, bus, self->messages, max_messages, timeout_ns);
	if (ret < 0) {
		Py_DECREF(self);
		return ext_bus_raise(bus, ret, "drain_batch");
	}
	self->count = ret;
	shrink(self, max_messages);
	return (PyObject *)self;
}

static int batch_traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT(((struct rx_batch *)object)->hold.bus);
	return 0;
}

/* No tp_clear: as RxGuard. */
static void batch_dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct rx_batch *const self = (struct rx_batch *)object;

	PyObject_GC_UnTrack(object);
	ext_rx_hold_fini(&self->hold);
	for (Py_ssize_t i = 0; self->memories && i < self->count; i++)
		ext_rx_memory_fini(&self->memories[i]);
	free(self->memories);
	free(self->messages);
	type->tp_free(object);
	Py_DECREF(type);
}

static Py_ssize_t batch_length(PyObject *object)
{
	const struct rx_batch *const self = (struct rx_batch *)object;

	return ext_rx_hold_check(&self->hold) < 0 ? -1 : self->count;
}

static PyObject *batch_item(PyObject *object, Py_ssize_t index)
{
	struct rx_batch *const self = (struct rx_batch *)object;
	struct rx_message *message;
	PyTypeObject *type;

	if (ext_rx_hold_check(&self->hold) < 0)
		return NULL;
	if (index < 0 || index >= self->count) {
		PyErr_SetString(PyExc_IndexError, "the batch has fewer messages");
		return NULL;
	}
	type = self->hold.bus->state->rx_message;
	message = (struct rx_message *)type->tp_alloc(type, 0);
	if (!message)
		return NULL;
	message->batch = (struct rx_batch *)Py_NewRef(object);
	message->index = index;
	ext_shape_bytes(&message->shape, (Py_ssize_t)self->messages[index].size);
	return (PyObject *)message;
}

static PyObject *release(PyObject *object, PyObject *none)
{
	(void)none;
	if (ext_rx_hold_release(&((struct rx_batch *)object)->hold) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *enter(PyObject *object, PyObject *none)
{
	(void)none;
	if (ext_rx_hold_check(&((struct rx_batch *)object)->hold) < 0)
		return NULL;
	return Py_NewRef(object);
}

static PyObject *leave(PyObject *object, PyObject *const *args, Py_ssize_t count)
{
	const int has_raised = ext_has_raised(args, count);

	if (has_raised < 0)
		return NULL;
	if (ext_rx_hold_exit(&((struct rx_batch *)object)->hold, has_raised) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef batch_methods[] = {
	{"commit", release, METH_NOARGS, "commit($self, /)\n--\n\nGive them back."},
	{"release", release, METH_NOARGS, "release($self, /)\n--\n\nGive them back."},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", (PyCFunction)(void (*)(void))leave, METH_FASTCALL, NULL},
	{0},
};

PyDoc_STRVAR(batch_doc, "Messages received together, given back together.");

static PyType_Slot batch_slots[] = {
	{Py_tp_doc, (void *)batch_doc}, {Py_tp_traverse, batch_traverse},
	{Py_tp_dealloc, batch_dealloc}, {Py_tp_methods, batch_methods},
	{Py_tp_iter, PySeqIter_New},	{Py_sq_length, batch_length},
	{Py_sq_item, batch_item},	{0},
};

static PyType_Spec batch_spec = {
	.name = "tachyon.RxBatch",
	.basicsize = sizeof(struct rx_batch),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_SEQUENCE,
	.slots = batch_slots,
};

/* --- one of its messages --- */

static int message_traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT(((struct rx_message *)object)->batch);
	return 0;
}

/* No tp_clear: as RxGuard. */
static void message_dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_XDECREF(((struct rx_message *)object)->batch);
	type->tp_free(object);
	Py_DECREF(type);
}

static const struct tachyon_message *message_of(const struct rx_message *self)
{
	return &self->batch->messages[self->index];
}

static PyObject *get_type_id(PyObject *object, void *closure)
{
	const struct rx_message *const self = (struct rx_message *)object;

	(void)closure;
	if (ext_rx_hold_check(&self->batch->hold) < 0)
		return NULL;
	return PyLong_FromUnsignedLong(message_of(self)->type);
}

static Py_ssize_t message_length(PyObject *object)
{
	const struct rx_message *const self = (struct rx_message *)object;

	if (ext_rx_hold_check(&self->batch->hold) < 0)
		return -1;
	return (Py_ssize_t)message_of(self)->size;
}

static PyObject *get_size(PyObject *object, void *closure)
{
	const Py_ssize_t size = message_length(object);

	(void)closure;
	return size < 0 ? NULL : PyLong_FromSsize_t(size);
}

static PyObject *get_data(PyObject *object, void *closure)
{
	const struct rx_message *const self = (struct rx_message *)object;

	(void)closure;
	if (ext_rx_hold_check_memory(&self->batch->hold) < 0)
		return NULL;
	return PyBytes_FromStringAndSize(message_of(self)->data,
					 (Py_ssize_t)message_of(self)->size);
}

/* NULL with an exception. */
static struct ext_rx_memory *memory_of(struct rx_message *self)
{
	struct rx_batch *const batch = self->batch;

	if (!batch->memories)
		batch->memories = calloc((size_t)batch->count, sizeof(*batch->memories));
	if (!batch->memories) {
		PyErr_NoMemory();
		return NULL;
	}
	return &batch->memories[self->index];
}

static void *acquire(struct rx_message *self)
{
	struct ext_rx_memory *const memory = memory_of(self);

	return memory ? ext_rx_memory_acquire(memory, &self->batch->hold, message_of(self)) : NULL;
}

static void give_up(struct rx_message *self)
{
	ext_rx_memory_release(&self->batch->memories[self->index], &self->batch->hold);
}

static int get_buffer(PyObject *object, Py_buffer *buffer, int flags)
{
	struct rx_message *const self = (struct rx_message *)object;
	void *const memory = acquire(self);

	if (!memory)
		return -1;
	if (ext_view_buffer(object, memory, &self->shape, true, buffer, flags) < 0) {
		give_up(self);
		return -1;
	}
	return 0;
}

static void release_buffer(PyObject *object, Py_buffer *buffer)
{
	(void)buffer;
	give_up((struct rx_message *)object);
}

static PyObject *dlpack(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct rx_message *const self = (struct rx_message *)object;
	void *const memory = acquire(self);
	PyObject *capsule;

	if (!memory)
		return NULL;
	capsule = ext_view_dlpack(object, memory, &self->shape, true, args, count, names);
	/* The capsule has a view of its own. */
	give_up(self);
	return capsule;
}

static PyMethodDef message_methods[] = {
	{"__dlpack__", (PyCFunction)(void (*)(void))dlpack, METH_FASTCALL | METH_KEYWORDS, NULL},
	{"__dlpack_device__", ext_view_dlpack_device, METH_NOARGS, NULL},
	{0},
};

static PyGetSetDef message_properties[] = {
	{"type_id", get_type_id, NULL, "The sender's number.", NULL},
	{"size", get_size, NULL, "Bytes of the message.", NULL},
	{"actual_size", get_size, NULL, "Bytes of the message.", NULL},
	{"data", get_data, NULL, "A copy of the content.", NULL},
	{0},
};

PyDoc_STRVAR(message_doc, "One message of a batch. A read-only buffer of bytes.");

static PyType_Slot message_slots[] = {
	{Py_tp_doc, (void *)message_doc},
	{Py_tp_traverse, message_traverse},
	{Py_tp_dealloc, message_dealloc},
	{Py_tp_methods, message_methods},
	{Py_tp_getset, message_properties},
	{Py_sq_length, message_length},
	{Py_bf_getbuffer, get_buffer},
	{Py_bf_releasebuffer, release_buffer},
	{0},
};

static PyType_Spec message_spec = {
	.name = "tachyon.RxMessage",
	.basicsize = sizeof(struct rx_message),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = message_slots,
};

int ext_add_rx_batch(PyObject *module, struct ext_state *state)
{
	if (ext_add_type(module, &batch_spec, &state->rx_batch) < 0)
		return -1;
	return ext_add_type(module, &message_spec, &state->rx_message);
}
