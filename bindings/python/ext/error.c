/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Errors: libtachyon's codes are errno's, and Python knows which class an errno stands for.
 */
#include "ext.h"

PyObject *ext_raise_text(PyObject *type, int number, PyObject *text)
{
	PyObject *error;

	if (!text)
		return NULL;
	error = PyObject_CallFunction(type, "iN", number, text);
	if (!error)
		return NULL;
	/* What an errno makes of OSError is one of its subclasses. */
	PyErr_SetObject((PyObject *)Py_TYPE(error), error);
	Py_DECREF(error);
	return NULL;
}

PyObject *ext_raise(struct ext_state *state, int code, const char *what)
{
	/* A wait that a signal handler's exception ended. */
	if (code == -EINTR && PyErr_Occurred())
		return NULL;
	return ext_raise_text(code == TACHYON_ERR_CLOSED ? state->closed_error : PyExc_OSError,
			      -code, PyUnicode_FromFormat("%s: %s", what, tachyon_strerror(code)));
}

PyObject *ext_raise_end(struct ext_state *state, enum tachyon_end end, const char *what)
{
	switch (end) {
	case TACHYON_END_DIED:
		return ext_raise_text(PyExc_OSError, ECONNRESET,
				      PyUnicode_FromFormat("%s: the peer died", what));
	case TACHYON_END_CORRUPT:
		return ext_raise(state, TACHYON_ERR_CORRUPT, what);
	case TACHYON_END_LOCAL:
		return ext_raise_text(state->closed_error, EPIPE,
				      PyUnicode_FromFormat("%s: it was closed here", what));
	case TACHYON_END_CLOSED:
		return ext_raise_text(state->closed_error, EPIPE,
				      PyUnicode_FromFormat("%s: the peer closed", what));
	case TACHYON_END_NONE:
		break;
	}
	return ext_raise(state, TACHYON_ERR_CLOSED, what);
}

PyObject *ext_raise_closed(struct ext_state *state, const char *noun)
{
	return ext_raise_text(state->closed_error, EPIPE,
			      PyUnicode_FromFormat("the %s is closed", noun));
}

PyObject *ext_end(enum tachyon_end end)
{
	switch (end) {
	case TACHYON_END_CLOSED:
		return PyUnicode_InternFromString("closed");
	case TACHYON_END_DIED:
		return PyUnicode_InternFromString("died");
	case TACHYON_END_CORRUPT:
		return PyUnicode_InternFromString("corrupt");
	case TACHYON_END_LOCAL:
		return PyUnicode_InternFromString("local");
	case TACHYON_END_NONE:
		break;
	}
	Py_RETURN_NONE;
}
