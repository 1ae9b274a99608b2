/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The module: its state, and what stands in it beside the types.
 */
#include "ext.h"

#include <pthread.h>
#include <stddef.h>

/* Of this process, not of an interpreter. */
static unsigned int forks;

static void count_fork(void)
{
	forks++;
}

unsigned int ext_forks(void)
{
	return forks;
}

static PyObject *system_calls(PyObject *module, PyObject *none)
{
	(void)module;
	(void)none;
	return PyLong_FromUnsignedLongLong(tachyon_system_calls());
}

PyDoc_STRVAR(system_calls_doc,
	     "system_calls()\n--\n\n"
	     "System calls that libtachyon has made in this process so far: diagnostics.");

static PyMethodDef functions[] = {
	{"system_calls", system_calls, METH_NOARGS, system_calls_doc},
	{0},
};

PyDoc_STRVAR(closed_error_doc, "The object was closed here, or the peer closed.");

static int add_closed_error(PyObject *module, struct ext_state *state)
{
	state->closed_error = PyErr_NewExceptionWithDoc("tachyon.ClosedError", closed_error_doc,
							PyExc_BrokenPipeError, NULL);
	return state->closed_error
		       ? PyModule_AddObjectRef(module, "ClosedError", state->closed_error)
		       : -1;
}

/* NULL with an exception. */
static PyObject *import_name(const char *module, const char *name)
{
	PyObject *imported = PyImport_ImportModule(module);
	PyObject *object;

	if (!imported)
		return NULL;
	object = PyObject_GetAttrString(imported, name);
	Py_DECREF(imported);
	return object;
}

static int import_helpers(struct ext_state *state)
{
	state->caps = import_name("tachyon._caps", "Caps");
	if (!state->caps)
		return -1;
	state->describe = import_name("tachyon._formats", "describe");
	return state->describe ? 0 : -1;
}

static int (*const adders[])(PyObject *module, struct ext_state *state) = {
	ext_add_message,    ext_add_bus,       ext_add_listener, ext_add_tx_guard,
	ext_add_rx_guard,   ext_add_rx_batch,  ext_add_state,	 ext_add_frame,
	ext_add_subscriber, ext_add_publisher, ext_add_stream,	 ext_add_gpu_memory,
};

/* Once a process, however many modules: handlers cannot be taken back. */
static int watch_forks(void)
{
	static bool is_watching;

	if (is_watching)
		return 0;
	errno = pthread_atfork(NULL, NULL, count_fork);
	if (errno != 0) {
		PyErr_SetFromErrno(PyExc_OSError);
		return -1;
	}
	is_watching = true;
	return 0;
}

static int execute(PyObject *module)
{
	struct ext_state *state = PyModule_GetState(module);

	if (watch_forks() < 0 || import_helpers(state) < 0 || add_closed_error(module, state) < 0)
		return -1;
	for (size_t i = 0; i < Py_ARRAY_LENGTH(adders); i++)
		if (adders[i](module, state) < 0)
			return -1;
	return PyModule_AddStringConstant(module, "__version__", tachyon_version());
}

/* The state is nothing but references. */
#define REFERENCES (sizeof(struct ext_state) / sizeof(PyObject *))

static int traverse(PyObject *module, visitproc visit, void *arg)
{
	PyObject **const references = PyModule_GetState(module);

	for (size_t i = 0; references && i < REFERENCES; i++)
		Py_VISIT(references[i]);
	return 0;
}

static int clear(PyObject *module)
{
	PyObject **const references = PyModule_GetState(module);

	for (size_t i = 0; references && i < REFERENCES; i++)
		Py_CLEAR(references[i]);
	return 0;
}

static void release(void *module)
{
	(void)clear(module);
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, execute},
#ifdef Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
	{Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
	{0},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "tachyon._ext",
	.m_doc = "Bindings of libtachyon: use the package tachyon.",
	.m_size = sizeof(struct ext_state),
	.m_methods = functions,
	.m_slots = slots,
	.m_traverse = traverse,
	.m_clear = clear,
	.m_free = release,
};

/* NULL where type is not of this module, as classes that Python code derives are not. */
static PyObject *own_module(PyTypeObject *type)
{
	PyObject *module = NULL;

	if (type->tp_flags & Py_TPFLAGS_HEAPTYPE)
		module = ((PyHeapTypeObject *)type)->ht_module;
	return module && PyModule_GetDef(module) == &definition ? module : NULL;
}

/* PyType_GetModuleByDef() is newer than Python 3.10. */
struct ext_state *ext_state_of(PyTypeObject *type)
{
	PyObject *module = own_module(type);

	for (Py_ssize_t i = 0; !module && i < PyTuple_GET_SIZE(type->tp_mro); i++)
		module = own_module((PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i));
	return module ? PyModule_GetState(module) : NULL;
}

int ext_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot)
{
	*slot = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
	return *slot ? PyModule_AddType(module, *slot) : -1;
}

/* NULL with an exception. */
static PyObject *make_tuple(const struct ext_tuple *tuple, PyObject *defaults)
{
	PyObject *const factory = import_name("collections", "namedtuple");
	PyObject *args, *options, *type = NULL;

	if (!factory)
		return NULL;
	args = Py_BuildValue("ss", tuple->name, tuple->fields);
	options = Py_BuildValue("{sOss}", "defaults", defaults, "module", "tachyon");
	if (args && options)
		type = PyObject_Call(factory, args, options);
	Py_XDECREF(options);
	Py_XDECREF(args);
	Py_DECREF(factory);
	return type;
}

int ext_add_tuple(PyObject *module, const struct ext_tuple *tuple, PyObject *defaults,
		  PyTypeObject **slot)
{
	PyObject *type, *doc;
	int ret;

	/* NULL where its making failed. */
	if (!defaults)
		return -1;
	type = make_tuple(tuple, defaults);
	Py_DECREF(defaults);
	*slot = (PyTypeObject *)type;
	doc = type ? PyUnicode_FromString(tuple->doc) : NULL;
	if (!doc)
		return -1;
	ret = PyObject_SetAttrString(type, "__doc__", doc);
	Py_DECREF(doc);
	return ret < 0 ? ret : PyModule_AddType(module, *slot);
}

/* No header declares it: the interpreter looks it up by name. */
PyMODINIT_FUNC PyInit__ext(void);

PyMODINIT_FUNC PyInit__ext(void)
{
	return PyModuleDef_Init(&definition);
}
