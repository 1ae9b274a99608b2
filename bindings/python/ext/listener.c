/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Listener: an address, for many peers one after another.
 */
#include "bus.h"

struct listener {
	PyObject head;
	struct tachyon_listener *listener; /* NULL before it was made and once it was destroyed */
	unsigned int forks;		   /* ext_forks() when it was made */
	unsigned int users;		   /* calls under way without the GIL */
	bool is_closed;
	struct ext_turn turn;
};

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct listener *const self = (struct listener *)type->tp_alloc(type, 0);

	(void)args;
	(void)keywords;
	if (!self)
		return NULL;
	self->is_closed = true;
	if (ext_turn_init(&self->turn) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static int init(PyObject *object, PyObject *args, PyObject *keywords)
{
	struct listener *const self = (struct listener *)object;
	struct ext_open open;
	int ret;

	if (self->listener) {
		PyErr_SetString(PyExc_ValueError, "the listener has an address already");
		return -1;
	}
	if (ext_open_parse_listener(args, keywords, &open) < 0)
		return -1;
	ret = tachyon_listener_create(PyBytes_AS_STRING(open.address), &open.options,
				      &self->listener);
	if (ret == 0) {
		self->forks = ext_forks();
		self->is_closed = false;
	} else {
		ext_open_raise(&open, ext_state_of(Py_TYPE(object)), ret, "listen");
	}
	ext_open_fini(&open);
	return ret;
}

static void destroy(struct listener *self)
{
	tachyon_listener_destroy(self->listener);
	self->listener = NULL;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	return 0;
}

/* What the class holds is held by the dictionaries of classes derived from it. */
static int clear(PyObject *object)
{
	(void)object;
	return 0;
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct listener *const self = (struct listener *)object;

	PyObject_GC_UnTrack(object);
	if (self->listener)
		destroy(self);
	ext_turn_fini(&self->turn);
	type->tp_free(object);
	Py_DECREF(type);
}

static PyObject *raise_closed(struct listener *self)
{
	return ext_raise_closed(ext_state_of(Py_TYPE(self)), "listener");
}

/* --- accept --- */

struct accepting {
	struct tachyon_listener *listener;
	struct tachyon_bus *bus;
};

static int accept_step(void *object, int64_t slice_ns)
{
	struct accepting *const accepting = object;

	return tachyon_listener_accept(accepting->listener, slice_ns, &accepting->bus);
}

static bool is_gone(void *object)
{
	const struct listener *const self = object;

	return self->is_closed || self->forks != ext_forks();
}

/* 0 and a bus, or a code; -EINTR: the exception is set. */
static int accept_in_turn(struct listener *self, int64_t timeout_ns, struct tachyon_bus **bus)
{
	const int64_t deadline_ns = ext_deadline(timeout_ns);
	struct accepting accepting = {.listener = self->listener};
	int ret;

	if (ext_turn_take(&self->turn, deadline_ns, is_gone, self) < 0) {
		if (PyErr_Occurred())
			return -EINTR;
		return self->is_closed ? TACHYON_ERR_CLOSED : TACHYON_ERR_FORKED;
	}
	ret = self->is_closed ? TACHYON_ERR_CLOSED : ext_wait(accept_step, &accepting, deadline_ns);
	ext_turn_leave(&self->turn);
	*bus = accepting.bus;
	return ret == TACHYON_ERR_CANCELED ? TACHYON_ERR_CLOSED : ret;
}

static void leave_listener(struct listener *self)
{
	if (--self->users == 0 && self->is_closed && self->listener)
		destroy(self);
}

static PyObject *listener_accept(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names)
{
	static const char *const parameter_names[] = {"timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "accept", .names = parameter_names, .positional = 1};
	struct listener *const self = (struct listener *)object;
	struct ext_state *const state = ext_state_of(Py_TYPE(object));
	int64_t timeout_ns = -1;
	struct tachyon_bus *bus;
	PyObject *timeout;
	int ret;

	if (ext_arguments(&parameters, args, count, names, &timeout) < 0 ||
	    ext_convert(&parameters, &timeout, 0, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (self->is_closed)
		return raise_closed(self);

	self->users++;
	ret = accept_in_turn(self, timeout_ns, &bus);
	leave_listener(self);
	if (ret == 0)
		return ext_bus_new(state->bus, state, bus);
	return ret == TACHYON_ERR_CLOSED ? raise_closed(self) : ext_raise(state, ret, "accept");
}

/* --- the rest --- */

static PyObject *listener_fileno(PyObject *object, PyObject *none)
{
	struct listener *const self = (struct listener *)object;

	(void)none;
	if (self->is_closed)
		return raise_closed(self);
	return PyLong_FromLong(tachyon_listener_fd(self->listener));
}

static PyObject *listener_close(PyObject *object, PyObject *none)
{
	struct listener *const self = (struct listener *)object;

	(void)none;
	if (self->is_closed)
		Py_RETURN_NONE;
	self->is_closed = true;
	if (self->users > 0)
		tachyon_listener_cancel(self->listener);
	else
		destroy(self);
	Py_RETURN_NONE;
}

static PyObject *listener_enter(PyObject *object, PyObject *none)
{
	struct listener *const self = (struct listener *)object;

	(void)none;
	return self->is_closed ? raise_closed(self) : Py_NewRef(object);
}

static PyObject *listener_exit(PyObject *object, PyObject *args)
{
	(void)args;
	return listener_close(object, NULL);
}

static PyObject *get_closed(PyObject *object, void *closure)
{
	(void)closure;
	return PyBool_FromLong(((struct listener *)object)->is_closed);
}

PyDoc_STRVAR(accept_doc, "accept($self, /, timeout=None)\n--\n\n"
			 "Wait for a peer: a Bus. ClosedError when close() is called meanwhile.");

static PyMethodDef methods[] = {
	{"accept", (PyCFunction)(void (*)(void))listener_accept, METH_FASTCALL | METH_KEYWORDS,
	 accept_doc},
	{"fileno", listener_fileno, METH_NOARGS,
	 "fileno($self, /)\n--\n\nReadable when accept() may succeed."},
	{"close", listener_close, METH_NOARGS, "close($self, /)\n--\n\nGive up the address."},
	{"__enter__", listener_enter, METH_NOARGS, NULL},
	{"__exit__", listener_exit, METH_VARARGS, NULL},
	{0},
};

static PyGetSetDef properties[] = {
	{"closed", get_closed, NULL, "Whether it was closed.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "Listener(address, capacity=65536, *, spin=None, max_peer_capacity=67108864,\n"
		  "         perms=0o600, uids=(), any_uid=False)\n--\n\n"
		  "An address, for many peers one after another.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},   {Py_tp_new, create},	{Py_tp_init, init},
	{Py_tp_traverse, traverse}, {Py_tp_clear, clear},	{Py_tp_dealloc, dealloc},
	{Py_tp_methods, methods},   {Py_tp_getset, properties}, {0},
};

static PyType_Spec spec = {
	.name = "tachyon.Listener",
	.basicsize = sizeof(struct listener),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = slots,
};

int ext_add_listener(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->listener);
}
