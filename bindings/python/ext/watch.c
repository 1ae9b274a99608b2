/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * For tachyon._asyncio: while a task waits for an object's descriptor, the object keeps it, so that
 * close() takes no descriptor away under the loop; and close() ends the wait.
 */
#include "bus.h"
#include "frames.h"

static bool is_bus(PyObject *module, PyObject *source)
{
	const struct ext_state *const state = PyModule_GetState(module);

	return PyObject_TypeCheck(source, state->bus);
}

static int check_subscriber(PyObject *module, PyObject *source)
{
	const struct ext_state *const state = PyModule_GetState(module);

	if (PyObject_TypeCheck(source, state->subscriber))
		return 0;
	PyErr_SetString(PyExc_TypeError, "neither a Bus nor a Subscriber");
	return -1;
}

static PyObject *watch(PyObject *module, PyObject *args)
{
	PyObject *source, *callback;

	if (!PyArg_ParseTuple(args, "OO:_watch", &source, &callback))
		return NULL;
	if (is_bus(module, source)) {
		/* Its close() shuts the socket down: the descriptor becomes readable. */
		ext_bus_enter((struct ext_bus *)source);
		Py_RETURN_NONE;
	}
	if (check_subscriber(module, source) < 0 || ext_subscriber_watch(source, callback) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *unwatch(PyObject *module, PyObject *source)
{
	if (is_bus(module, source))
		ext_bus_leave((struct ext_bus *)source);
	else if (check_subscriber(module, source) < 0)
		return NULL;
	else
		ext_subscriber_unwatch(source);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"_watch", watch, METH_VARARGS, NULL},
	{"_unwatch", unwatch, METH_O, NULL},
	{0},
};

int ext_add_watch(PyObject *module)
{
	return PyModule_AddFunctions(module, functions);
}
