/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Arguments: from Python's objects to C's types, without losing a bit.
 */
#include "ext.h"

#include <math.h>

#define NS_PER_S 1e9

int ext_timeout(PyObject *object, void *timeout_ns)
{
	int64_t *const ns = timeout_ns;
	double seconds;

	if (object == Py_None) {
		*ns = -1;
		return 1;
	}
	seconds = PyFloat_AsDouble(object);
	if (seconds == -1.0 && PyErr_Occurred())
		return 0;
	if (isnan(seconds) || seconds < 0) {
		PyErr_SetString(PyExc_ValueError,
				"a timeout is None, or a number of seconds that is not negative");
		return 0;
	}
	/* Longer than that is as good as for ever; shorter than a nanosecond is not 0. */
	seconds = ceil(seconds * NS_PER_S);
	*ns = seconds < (double)INT64_MAX ? (int64_t)seconds : -1;
	return 1;
}

int ext_address(PyObject *object, void *bytes)
{
	PyObject **const address = bytes;
	const int ret = PyUnicode_FSConverter(object, address);

	/* Without an object it is told to clean up. */
	if (!object || ret == 0 || PyBytes_GET_SIZE(*address) > 0)
		return ret;
	Py_CLEAR(*address);
	PyErr_SetString(PyExc_ValueError, "the address is empty");
	return 0;
}

/* An exact int is its own index: a new reference, or NULL. */
static PyObject *as_int(PyObject *object)
{
	if (PyLong_CheckExact(object))
		return Py_NewRef(object);
	return PyNumber_Index(object);
}

int ext_uint64(PyObject *object, void *value)
{
	PyObject *const integer = as_int(object);
	unsigned long long wide;

	if (!integer)
		return 0;
	wide = PyLong_AsUnsignedLongLong(integer);
	Py_DECREF(integer);
	if (wide == (unsigned long long)-1 && PyErr_Occurred())
		return 0;
	*(uint64_t *)value = wide;
	return 1;
}

int ext_uint32(PyObject *object, void *value)
{
	uint64_t wide;

	if (!ext_uint64(object, &wide))
		return 0;
	if (wide > UINT32_MAX) {
		PyErr_Format(PyExc_OverflowError, "%llu does not fit in 32 bits",
			     (unsigned long long)wide);
		return 0;
	}
	*(uint32_t *)value = (uint32_t)wide;
	return 1;
}

/* 1, or 0 with a ValueError. */
static int check_not_negative(PyObject *integer)
{
	int overflow;
	const long long narrow = PyLong_AsLongLongAndOverflow(integer, &overflow);

	if (overflow > 0 || (overflow == 0 && narrow >= 0))
		return 1;
	if (!PyErr_Occurred())
		PyErr_Format(PyExc_ValueError, "%S is negative", integer);
	return 0;
}

/* Of this type, or a subclass of it. */
static int unsigned_from(PyObject *object, uint64_t *value)
{
	PyObject *const integer = as_int(object);
	int ret;

	if (!integer)
		return 0;
	ret = check_not_negative(integer) && ext_uint64(integer, value);
	Py_DECREF(integer);
	return ret;
}

int ext_size(PyObject *object, void *value)
{
	uint64_t wide;

	if (!unsigned_from(object, &wide))
		return 0;
	if (wide > PY_SSIZE_T_MAX) {
		PyErr_SetString(PyExc_OverflowError, "it is more than memory can have");
		return 0;
	}
	*(size_t *)value = (size_t)wide;
	return 1;
}

int ext_time(PyObject *object, void *value)
{
	uint64_t *const time = value;

	if (object == Py_None) {
		*time = TACHYON_TIME_NONE;
		return 1;
	}
	if (!unsigned_from(object, time))
		return 0;
	if (*time == TACHYON_TIME_NONE) {
		PyErr_SetString(PyExc_OverflowError, "it is too large a time");
		return 0;
	}
	return 1;
}

PyObject *ext_from_time(uint64_t value)
{
	if (value == TACHYON_TIME_NONE)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(value);
}

int ext_uids(PyObject *sequence, uint32_t **uids, uint32_t *count)
{
	PyObject *const fast = PySequence_Fast(sequence, "uids is a sequence of user ids");
	uint32_t *converted;
	Py_ssize_t length;

	if (!fast)
		return -1;
	length = PySequence_Fast_GET_SIZE(fast);
	if ((size_t)length > UINT32_MAX) {
		PyErr_SetString(PyExc_OverflowError, "too many uids");
		goto err_fast;
	}
	converted = PyMem_New(uint32_t, (size_t)length + 1);
	if (!converted) {
		PyErr_NoMemory();
		goto err_fast;
	}
	/* Each time anew: a conversion may run code that changes the list. */
	for (Py_ssize_t i = 0; i < length; i++) {
		if (i < PySequence_Fast_GET_SIZE(fast) &&
		    ext_uint32(PySequence_Fast_GET_ITEM(fast, i), &converted[i]))
			continue;
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_ValueError, "uids changed meanwhile");
		goto err_converted;
	}
	Py_DECREF(fast);
	*uids = converted;
	*count = (uint32_t)length;
	return 0;

err_converted:
	PyMem_Free(converted);
err_fast:
	Py_DECREF(fast);
	return -1;
}

/* The parameter's index, or -1. */
static int find(const struct ext_parameters *parameters, PyObject *name)
{
	for (int i = 0; parameters->names[i]; i++)
		if (PyUnicode_CompareWithASCIIString(name, parameters->names[i]) == 0)
			return i;
	return -1;
}

static int take_keywords(const struct ext_parameters *parameters, PyObject *const *args,
			 PyObject *names, PyObject **values)
{
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
		PyObject *const name = PyTuple_GET_ITEM(names, i);
		const int index = find(parameters, name);

		if (index < 0) {
			PyErr_Format(PyExc_TypeError, "%s() has no argument '%U'",
				     parameters->function, name);
			return -1;
		}
		if (values[index]) {
			PyErr_Format(PyExc_TypeError, "%s() got argument '%U' twice",
				     parameters->function, name);
			return -1;
		}
		values[index] = args[i];
	}
	return 0;
}

int ext_arguments(const struct ext_parameters *parameters, PyObject *const *args, Py_ssize_t count,
		  PyObject *names, PyObject **values)
{
	if (count > parameters->positional) {
		PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments, not %zd",
			     parameters->function, parameters->positional, count);
		return -1;
	}
	for (int i = 0; parameters->names[i]; i++)
		values[i] = i < count ? args[i] : NULL;
	if (names && take_keywords(parameters, args + count, names, values) < 0)
		return -1;
	for (int i = 0; i < parameters->required; i++) {
		if (values[i])
			continue;
		PyErr_Format(PyExc_TypeError, "%s() needs the argument '%s'", parameters->function,
			     parameters->names[i]);
		return -1;
	}
	return 0;
}

/* What converters raise; not what an object's own __index__() may. */
static bool is_of_converter(PyObject *type)
{
	return type == PyExc_TypeError || type == PyExc_ValueError || type == PyExc_OverflowError;
}

int ext_blame(const char *name)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	if (!is_of_converter(type) || !value) {
		PyErr_Restore(type, value, traceback);
		return 0;
	}
	PyErr_Format(type, "%s: %S", name, value);
	Py_DECREF(type);
	Py_DECREF(value);
	Py_XDECREF(traceback);
	return 0;
}

int ext_convert(const struct ext_parameters *parameters, PyObject *const *values, int index,
		int (*converter)(PyObject *object, void *value), void *value)
{
	if (!values[index] || converter(values[index], value))
		return 0;
	return ext_blame(parameters->names[index]) - 1;
}

int ext_has_raised(PyObject *const *args, Py_ssize_t count)
{
	if (count == 3)
		return args[0] != Py_None;
	PyErr_Format(PyExc_TypeError, "__exit__() takes 3 arguments, not %zd", count);
	return -1;
}
