/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Publisher: frames and state to many subscribers.
 *
 * libtachyon's publisher takes calls of any thread; a call that finds no room sleeps without the
 * GIL and tries again. Who is in a call is a user; the last one destroys what was closed meanwhile.
 */
#include "publisher.h"

/* --- life --- */

static void enter(struct ext_publisher *self)
{
	self->users++;
}

static void leave(struct ext_publisher *self)
{
	if (--self->users > 0 || self->is_open)
		return;
	tachyon_publisher_destroy(self->publisher);
	self->publisher = NULL;
}

PyObject *ext_publisher_raise(struct ext_publisher *self, int code, const char *what)
{
	if (PyErr_Occurred())
		return NULL;
	if (!self->is_open)
		return ext_raise_closed(self->state, "publisher");
	return ext_raise(self->state, code, what);
}

int ext_publisher_check(struct ext_publisher *self)
{
	if (!self->is_open) {
		ext_raise_closed(self->state, "publisher");
		return -1;
	}
	if (self->forks == ext_forks())
		return 0;
	ext_raise(self->state, TACHYON_ERR_FORKED, "publisher");
	return -1;
}

int ext_publisher_change_look(struct ext_publisher *self, PyObject *caps, PyObject *layout)
{
	struct ext_look *const look = ext_look_new(caps, layout);

	if (!look)
		return -1;
	ext_look_unref(self->look);
	self->look = look;
	self->picture_size = 0;
	Py_XSETREF(self->caps, Py_NewRef(caps));
	Py_XSETREF(self->layout, Py_NewRef(layout));
	return 0;
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct ext_publisher *const self = (struct ext_publisher *)type->tp_alloc(type, 0);

	(void)args;
	(void)keywords;
	if (!self)
		return NULL;
	self->state = ext_state_of(type);
	self->forks = ext_forks();
	self->clock = Py_NewRef(Py_None);
	if (ext_publisher_change_look(self, Py_None, Py_None) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void close_publisher(struct ext_publisher *self)
{
	struct ext_service *const service = self->service;
	PyThreadState *thread;

	if (!self->is_open)
		return;
	self->is_open = false;
	self->service = NULL;
	enter(self);
	tachyon_publisher_shutdown(self->publisher);
	thread = PyEval_SaveThread();
	ext_service_stop(service);
	PyEval_RestoreThread(thread);
	leave(self);
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct ext_publisher *const self = (struct ext_publisher *)object;

	close_publisher(self);
	ext_look_unref(self->look);
	Py_XDECREF(self->clock);
	Py_XDECREF(self->layout);
	Py_XDECREF(self->caps);
	Py_XDECREF(self->address);
	type->tp_free(object);
	Py_DECREF(type);
}

/* --- what waits for room --- */

static int step(void *object, int64_t slice_ns)
{
	struct ext_attempt *const attempt = object;
	int ret = 0;

	if (slice_ns > 0)
		ret = tachyon_publisher_wait(attempt->publisher, slice_ns);
	return ret < 0 ? ret : attempt->act(attempt);
}

static int act_without_gil(struct ext_attempt *attempt)
{
	PyThreadState *const thread = PyEval_SaveThread();
	const int ret = attempt->act(attempt);

	PyEval_RestoreThread(thread);
	return ret;
}

int ext_publisher_perform(struct ext_publisher *self, struct ext_attempt *attempt, int64_t deadline,
			  bool is_large)
{
	int ret;

	attempt->publisher = self->publisher;
	enter(self);
	ret = is_large ? act_without_gil(attempt) : attempt->act(attempt);
	if (ret == TACHYON_ERR_AGAIN)
		ret = ext_wait_more(step, attempt, deadline);
	leave(self);
	return ret;
}

/* --- waiting --- */

static int wait_step(void *object, int64_t slice_ns)
{
	return tachyon_publisher_wait(object, slice_ns);
}

static PyObject *wait(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"timeout", NULL};
	struct ext_publisher *const self = (struct ext_publisher *)object;
	int64_t timeout_ns = -1;
	int ret;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O&:wait", (char **)names, ext_timeout,
					 &timeout_ns) ||
	    ext_publisher_check(self) < 0)
		return NULL;
	enter(self);
	ret = ext_wait(wait_step, self->publisher, ext_deadline(timeout_ns));
	leave(self);
	if (ret < 0)
		return ext_publisher_raise(self, ret, "wait");
	Py_RETURN_NONE;
}

static int act_count(struct ext_attempt *attempt)
{
	return tachyon_publisher_subscribers(attempt->publisher) >= attempt->count
		       ? 0
		       : TACHYON_ERR_AGAIN;
}

static PyObject *wait_for_subscribers(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"count", "timeout", NULL};
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct ext_attempt attempt = {.act = act_count, .count = 1};
	int64_t timeout_ns = -1;
	int ret;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O&O&:wait_for_subscribers",
					 (char **)names, ext_uint32, &attempt.count, ext_timeout,
					 &timeout_ns) ||
	    ext_publisher_check(self) < 0)
		return NULL;
	ret = ext_publisher_perform(self, &attempt, ext_deadline(timeout_ns), false);
	if (ret < 0)
		return ext_publisher_raise(self, ret, "wait_for_subscribers");
	Py_RETURN_NONE;
}

/* --- what subscribers did, figures --- */

static PyObject *get_notices(PyObject *object, PyObject *none)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct tachyon_notice notice;
	PyObject *list;
	int ret = 0;

	(void)none;
	if (ext_publisher_check(self) < 0)
		return NULL;
	/* What subscribers say wakes nobody: look. */
	(void)tachyon_publisher_dispatch(self->publisher);
	list = PyList_New(0);
	while (list && (ret = tachyon_publisher_next_notice(self->publisher, &notice)) == 1) {
		PyObject *const told = ext_notice_new(self->state, &notice);

		/* Making it may have run Python code, which may have closed us. */
		if (!told || PyList_Append(list, told) < 0 || ext_publisher_check(self) < 0)
			Py_CLEAR(list);
		Py_XDECREF(told);
	}
	if (list && ret < 0) {
		Py_CLEAR(list);
		ext_publisher_raise(self, ret, "notices");
	}
	return list;
}

static PyObject *get_subscribers(PyObject *object, void *closure)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;

	(void)closure;
	if (ext_publisher_check(self) < 0)
		return NULL;
	return PyLong_FromUnsignedLong(tachyon_publisher_subscribers(self->publisher));
}

static PyObject *get_need(PyObject *object, void *closure)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;

	(void)closure;
	if (ext_publisher_check(self) < 0)
		return NULL;
	(void)tachyon_publisher_dispatch(self->publisher);
	return PyLong_FromUnsignedLong(tachyon_publisher_need(self->publisher));
}

static PyObject *get_stats(PyObject *object, PyObject *none)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct tachyon_publisher_stats stats = {.size = sizeof(stats)};

	(void)none;
	if (ext_publisher_check(self) < 0)
		return NULL;
	tachyon_publisher_get_stats(self->publisher, &stats);
	return ext_publisher_stats_new(self->state, &stats);
}

/* --- the end --- */

static PyObject *disconnect(PyObject *object, PyObject *none)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;

	(void)none;
	if (ext_publisher_check(self) < 0)
		return NULL;
	tachyon_publisher_disconnect(self->publisher);
	Py_RETURN_NONE;
}

static PyObject *close_it(PyObject *object, PyObject *none)
{
	(void)none;
	close_publisher((struct ext_publisher *)object);
	Py_RETURN_NONE;
}

static PyObject *get_closed(PyObject *object, void *closure)
{
	(void)closure;
	return PyBool_FromLong(!((struct ext_publisher *)object)->is_open);
}

static PyObject *enter_block(PyObject *object, PyObject *none)
{
	(void)none;
	if (ext_publisher_check((struct ext_publisher *)object) < 0)
		return NULL;
	return Py_NewRef(object);
}

static PyObject *leave_block(PyObject *object, PyObject *args)
{
	(void)args;
	return close_it(object, NULL);
}

static int init(PyObject *object, PyObject *args, PyObject *keywords)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	const bool was_open = self->is_open;

	if (ext_publisher_open(self, args, keywords) == 0)
		return 0;
	if (!was_open)
		close_publisher(self);
	return -1;
}

/* --- the type --- */

PyDoc_STRVAR(send_doc, "send($self, data, *, pts=None, dts=None, duration=None, offset=None, "
		       "offset_end=None, flags=0, records=(), timeout=None)\n--\n\n"
		       "Copy a contiguous buffer to every subscriber; returns how many got it.");
PyDoc_STRVAR(acquire_doc, "acquire($self, size=None, *, timeout=None)\n--\n\n"
			  "Memory to write the next frame into. size: bytes; None for a raw "
			  "picture of the caps.");
PyDoc_STRVAR(send_event_doc, "send_event($self, type, data=b'', *, sticky=False, order=0, id=0, "
			     "timeout=None)\n--\n\nSend an event.");
PyDoc_STRVAR(send_eos_doc, "send_eos($self, /)\n--\n\nSend the end of the stream.");
PyDoc_STRVAR(forget_doc,
	     "forget($self, order=0)\n--\n\n"
	     "Forget sticky state of this order and later, so that frames may follow an "
	     "end.");
PyDoc_STRVAR(wait_doc, "wait($self, timeout=None)\n--\n\n"
		       "Sleep until a frame came back, or a subscriber came or went.");
PyDoc_STRVAR(wait_for_subscribers_doc, "wait_for_subscribers($self, count=1, timeout=None)\n--\n\n"
				       "Sleep until so many are there.");
PyDoc_STRVAR(notices_doc, "notices($self, /)\n--\n\nWhat subscribers did since the last call.");
PyDoc_STRVAR(disconnect_doc, "disconnect($self, /)\n--\n\n"
			     "Close every connection in order; new ones may come.");
PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd. What was sent is still received.");

#define METHOD(function) (PyCFunction)(void (*)(void)) function

static PyMethodDef methods[] = {
	{"send", METHOD(ext_publisher_send), METH_FASTCALL | METH_KEYWORDS, send_doc},
	{"acquire", METHOD(ext_publisher_acquire), METH_FASTCALL | METH_KEYWORDS, acquire_doc},
	{"send_event", METHOD(ext_publisher_send_event), METH_VARARGS | METH_KEYWORDS,
	 send_event_doc},
	{"send_eos", ext_publisher_send_eos, METH_NOARGS, send_eos_doc},
	{"forget", METHOD(ext_publisher_forget), METH_VARARGS | METH_KEYWORDS, forget_doc},
	{"wait", METHOD(wait), METH_VARARGS | METH_KEYWORDS, wait_doc},
	{"wait_for_subscribers", METHOD(wait_for_subscribers), METH_VARARGS | METH_KEYWORDS,
	 wait_for_subscribers_doc},
	{"notices", get_notices, METH_NOARGS, notices_doc},
	{"stats", get_stats, METH_NOARGS, "stats($self, /)\n--\n\nFigures."},
	{"disconnect", disconnect, METH_NOARGS, disconnect_doc},
	{"close", close_it, METH_NOARGS, close_doc},
	{"__enter__", enter_block, METH_NOARGS, NULL},
	{"__exit__", leave_block, METH_VARARGS, NULL},
	{0},
};

static PyObject *get_caps(PyObject *object, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct ext_publisher *)object)->caps);
}

static PyObject *get_layout(PyObject *object, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct ext_publisher *)object)->layout);
}

static PyObject *get_clock(PyObject *object, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct ext_publisher *)object)->clock);
}

static PyGetSetDef properties[] = {
	{"caps", get_caps, ext_publisher_set_caps, "Assigning sends it.", NULL},
	{"layout", get_layout, ext_publisher_set_layout, "Assigning sends it.", NULL},
	{"clock", get_clock, ext_publisher_set_clock, "Assigning sends it.", NULL},
	{"subscribers", get_subscribers, NULL, "How many have joined, now.", NULL},
	{"need", get_need, NULL, "The most frames that a subscriber wants to hold.", NULL},
	{"closed", get_closed, NULL, "Whether close() was called.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "Publisher(address, caps=None, *, policy='block', max_buffers=0, "
		  "max_subscribers=64, max_bytes=1073741824, stall_timeout=None, ring_size=65536, "
		  "perms=0o600, uids=(), any_uid=False)\n--\n\n"
		  "Sends frames to many subscribers (a tachyonsrc, a tachyon.Subscriber).");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_new, create},
	{Py_tp_init, init},
	{Py_tp_dealloc, dealloc},
	{Py_tp_methods, methods},
	{Py_tp_getset, properties},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon.Publisher",
	.basicsize = sizeof(struct ext_publisher),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = slots,
};

int ext_add_publisher(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->publisher);
}
