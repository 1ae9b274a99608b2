/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Message: what recv() and iteration give. A value: two fields, copied out of the ring.
 */
#include "bus.h"

#include <stddef.h>
#include <structmember.h>

struct message {
	PyObject head;
	unsigned int type_id;
	PyObject *data; /* of type bytes itself, so it is no part of a reference cycle */
};

static int to_type_id(PyObject *object, void *type_id)
{
	return ext_uint32(object, type_id) || ext_blame("type_id");
}

PyObject *ext_message_new(struct ext_state *state, uint32_t type_id, PyObject *data)
{
	struct message *const self = PyObject_New(struct message, state->message);

	if (!self) {
		Py_DECREF(data);
		return NULL;
	}
	self->type_id = type_id;
	self->data = data;
	return (PyObject *)self;
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"type_id", "data", NULL};
	uint32_t type_id;
	PyObject *data;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&S:Message", (char **)names, to_type_id,
					 &type_id, &data))
		return NULL;
	data = PyBytes_CheckExact(data)
		       ? Py_NewRef(data)
		       : PyBytes_FromStringAndSize(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data));
	return data ? ext_message_new(ext_state_of(type), type_id, data) : NULL;
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);

	Py_XDECREF(((struct message *)object)->data);
	PyObject_Free(object);
	Py_DECREF(type);
}

static PyObject *repr(PyObject *object)
{
	const struct message *const self = (struct message *)object;

	return PyUnicode_FromFormat("Message(type_id=%u, data=%R)", self->type_id, self->data);
}

static PyObject *compare(PyObject *a, PyObject *b, int operation)
{
	const struct message *const left = (struct message *)a;
	const struct message *const right = (struct message *)b;

	if (Py_TYPE(a) != Py_TYPE(b) || (operation != Py_EQ && operation != Py_NE))
		Py_RETURN_NOTIMPLEMENTED;
	if (left->type_id != right->type_id)
		return PyBool_FromLong(operation == Py_NE);
	return PyObject_RichCompare(left->data, right->data, operation);
}

static Py_hash_t hash(PyObject *object)
{
	const struct message *const self = (struct message *)object;
	const Py_hash_t data = PyObject_Hash(self->data);
	Py_hash_t both;

	if (data == -1)
		return -1;
	/* An odd factor: types that differ by little end up far apart. */
	both = (Py_hash_t)((size_t)data ^
			   (self->type_id + (size_t)1) * (size_t)0x9e3779b97f4a7c15u);
	return both == -1 ? -2 : both;
}

static Py_ssize_t length(PyObject *object)
{
	return PyBytes_GET_SIZE(((struct message *)object)->data);
}

static PyObject *get_size(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromSsize_t(length(object));
}

static PyMemberDef members[] = {
	{"type_id", T_UINT, offsetof(struct message, type_id), READONLY, "The sender's number."},
	{"data", T_OBJECT_EX, offsetof(struct message, data), READONLY, "The content."},
	{0},
};

static PyGetSetDef properties[] = {
	{"size", get_size, NULL, "Bytes of data.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "Message(type_id, data)\n--\n\nA received message, copied out.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},     {Py_tp_new, create},
	{Py_tp_dealloc, dealloc},     {Py_tp_repr, repr},
	{Py_tp_richcompare, compare}, {Py_tp_hash, hash},
	{Py_tp_members, members},     {Py_tp_getset, properties},
	{Py_sq_length, length},	      {0},
};

static PyType_Spec spec = {
	.name = "tachyon.Message",
	.basicsize = sizeof(struct message),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};

static int add_match_args(PyTypeObject *type)
{
	PyObject *const names = Py_BuildValue("(ss)", "type_id", "data");
	int ret;

	if (!names)
		return -1;
	ret = PyDict_SetItemString(type->tp_dict, "__match_args__", names);
	Py_DECREF(names);
	if (ret < 0)
		return ret;
	type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
	PyType_Modified(type);
	return 0;
}

int ext_add_message(PyObject *module, struct ext_state *state)
{
	if (ext_add_type(module, &spec, &state->message) < 0)
		return -1;
	return add_match_args(state->message);
}
