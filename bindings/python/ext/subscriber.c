/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Subscriber: frames and state from a publisher.
 *
 * The receiving turn is libtachyon's "one thread at a time". Whoever is in a call without the GIL
 * is a user; the last one destroys what was closed meanwhile. Frames need none of it.
 */
#include "subscriber.h"

#include <structmember.h>

#define EVENT_MAX 4096u

/* --- life --- */

static void enter(struct ext_subscriber *self)
{
	self->users++;
}

static void leave(struct ext_subscriber *self)
{
	if (--self->users > 0 || self->is_open)
		return;
	tachyon_subscriber_destroy(self->subscriber);
	self->subscriber = NULL;
}

static bool is_closed(void *object)
{
	return !((struct ext_subscriber *)object)->is_open;
}

PyObject *ext_subscriber_raise(struct ext_subscriber *self, int code, const char *what)
{
	if (PyErr_Occurred())
		return NULL;
	if (!self->is_open)
		return ext_raise_closed(self->state, "subscriber");
	if (code == TACHYON_ERR_CLOSED)
		return ext_raise_end(self->state, tachyon_subscriber_end(self->subscriber), what);
	return ext_raise(self->state, code, what);
}

/* The same, with the address. */
static PyObject *raise_at(struct ext_subscriber *self, int code, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, PyBytes_AS_STRING(self->address));
	return ext_subscriber_raise(self, code, text);
}

/* 0; or -1 with an exception: closed, or in a forked child. */
static int check(struct ext_subscriber *self)
{
	if (!self->is_open) {
		ext_raise_closed(self->state, "subscriber");
		return -1;
	}
	if (self->forks == ext_forks())
		return 0;
	ext_raise(self->state, TACHYON_ERR_FORKED, "subscriber");
	return -1;
}

int ext_subscriber_take_turn(struct ext_subscriber *self, int64_t deadline)
{
	if (check(self) < 0)
		return -1;
	enter(self);
	if (ext_turn_take(&self->receiving, deadline, is_closed, self) < 0)
		goto err_enter;
	if (self->is_open)
		return 0;
	ext_turn_leave(&self->receiving);

err_enter:
	ext_subscriber_raise(self, TACHYON_ERR_CLOSED, "");
	leave(self);
	return -1;
}

void ext_subscriber_leave_turn(struct ext_subscriber *self)
{
	ext_turn_leave(&self->receiving);
	leave(self);
}

int ext_subscriber_change_look(struct ext_subscriber *self, PyObject *caps, PyObject *layout)
{
	struct ext_look *const look = ext_look_new(caps, layout);

	if (!look)
		return -1;
	ext_look_unref(self->look);
	self->look = look;
	Py_XSETREF(self->caps, Py_NewRef(caps));
	Py_XSETREF(self->layout, Py_NewRef(layout));
	return 0;
}

/* 0, or -1 with an exception. */
static int forget_state(struct ext_subscriber *self)
{
	if (ext_subscriber_change_look(self, Py_None, Py_None) < 0)
		return -1;
	Py_XSETREF(self->clock, Py_NewRef(Py_None));
	self->is_at_eos = false;
	return 0;
}

static PyObject *create(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)type->tp_alloc(type, 0);

	(void)args;
	(void)keywords;
	if (!self)
		return NULL;
	self->state = ext_state_of(type);
	self->forks = ext_forks();
	if (ext_turn_init(&self->receiving) < 0 || forget_state(self) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct ext_subscriber *const self = (struct ext_subscriber *)object;

	tachyon_subscriber_destroy(self->subscriber);
	ext_turn_fini(&self->receiving);
	ext_look_unref(self->look);
	Py_XDECREF(self->on_close);
	Py_XDECREF(self->clock);
	Py_XDECREF(self->layout);
	Py_XDECREF(self->caps);
	Py_XDECREF(self->address);
	type->tp_free(object);
	Py_DECREF(type);
}

/* The task may take its callback back meanwhile. */
static void wake_task(struct ext_subscriber *self)
{
	PyObject *const callback = Py_XNewRef(self->on_close);
	PyObject *woken;

	if (!callback)
		return;
	woken = PyObject_CallNoArgs(callback);
	if (!woken)
		PyErr_WriteUnraisable(callback);
	Py_XDECREF(woken);
	Py_DECREF(callback);
}

static void close_subscriber(struct ext_subscriber *self)
{
	if (!self->is_open)
		return;
	self->is_open = false;
	self->end = tachyon_subscriber_end(self->subscriber);
	if (self->end == TACHYON_END_NONE)
		self->end = TACHYON_END_LOCAL;
	enter(self);
	tachyon_subscriber_cancel(self->subscriber);
	wake_task(self);
	leave(self);
}

/* --- connecting --- */

/* libtachyon asks while it waits: signal handlers run here. */
static int has_signal_raised(void *object)
{
	struct ext_subscriber *const self = object;
	bool has_raised;

	PyEval_RestoreThread(self->connecting);
	has_raised = PyErr_CheckSignals() < 0;
	self->connecting = PyEval_SaveThread();
	return has_raised;
}

/* What is left of a timeout; never 0, which asks for something else. */
static int64_t time_left(int64_t deadline)
{
	const int64_t now = ext_deadline(1);

	if (deadline == INT64_MAX)
		return -1;
	if (deadline == 0)
		return 0;
	return deadline > now ? deadline - now : 1;
}

static int connect_with_turn(struct ext_subscriber *self, int64_t deadline)
{
	const int64_t timeout_ns = time_left(deadline);
	int ret;

	if (forget_state(self) < 0)
		return -1;
	self->connecting = PyEval_SaveThread();
	ret = tachyon_subscriber_connect(self->subscriber, timeout_ns);
	PyEval_RestoreThread(self->connecting);
	if (ret == 0 && self->is_open)
		return 0;
	raise_at(self, ret, "connect");
	return -1;
}

static int connect_by(struct ext_subscriber *self, int64_t timeout_ns)
{
	const int64_t deadline = ext_deadline(timeout_ns);
	int ret;

	if (ext_subscriber_take_turn(self, deadline) < 0)
		return -1;
	ret = connect_with_turn(self, deadline);
	ext_subscriber_leave_turn(self);
	return ret;
}

static int open_subscriber(struct ext_subscriber *self,
			   const struct tachyon_subscriber_options *options)
{
	const int ret = tachyon_subscriber_create(PyBytes_AS_STRING(self->address), options,
						  &self->subscriber);

	if (ret == 0) {
		self->is_open = true;
		self->ring_size = options->ring_size;
		return 0;
	}
	if (ret == -EINVAL) {
		PyErr_SetString(PyExc_ValueError, "an option of the subscriber is out of range");
		return -1;
	}
	/* raise_at() is for what is open. */
	ext_raise(self->state, ret, PyBytes_AS_STRING(self->address));
	return -1;
}

static int init(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"address",	 "timeout",   "latest_only", "spin",
					    "ring_size", "max_bytes", "any_uid",     NULL};
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	struct tachyon_subscriber_options options = {
		.size = sizeof(options),
		.is_private = 1,
		.is_canceled = has_signal_raised,
		.is_canceled_data = self,
	};
	int64_t timeout_ns = 5000000000;
	int latest_only = 0, any_uid = 0;
	PyObject *address = NULL;

	if (!PyArg_ParseTupleAndKeywords(
		    args, keywords, "O&|$O&pO&O&O&p:Subscriber", (char **)names, ext_address,
		    &address, ext_timeout, &timeout_ns, &latest_only, ext_uint32, &options.spin,
		    ext_uint64, &options.ring_size, ext_uint64, &options.max_bytes, &any_uid))
		return -1;
	if (self->address) {
		Py_DECREF(address);
		PyErr_SetString(PyExc_RuntimeError, "a Subscriber is initialised once");
		return -1;
	}
	self->address = address;
	options.latest_only = (uint32_t)latest_only;
	options.any_uid = (uint32_t)any_uid;
	if (open_subscriber(self, &options) < 0)
		return -1;
	if (connect_by(self, timeout_ns) == 0)
		return 0;
	close_subscriber(self);
	return -1;
}

static PyObject *connect_again(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"timeout", NULL};
	int64_t timeout_ns = 5000000000;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O&:connect", (char **)names, ext_timeout,
					 &timeout_ns))
		return NULL;
	if (connect_by((struct ext_subscriber *)object, timeout_ns) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* --- the way back --- */

static PyObject *refuse_event(struct ext_subscriber *self, size_t size, int code)
{
	const size_t half = self->ring_size > 0 ? self->ring_size / 2 : EVENT_MAX;
	char text[128];

	if (code != TACHYON_ERR_TOO_BIG)
		return ext_subscriber_raise(self, code, "send_event");
	snprintf(text, sizeof(text), "send_event: %zu bytes, where %zu is the most", size,
		 half < EVENT_MAX ? half : (size_t)EVENT_MAX);
	return ext_subscriber_raise(self, code, text);
}

static PyObject *send_event(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"type", "data", NULL};
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	struct tachyon_event event = {0};
	Py_buffer data = {0};
	PyObject *result = NULL;
	int ret;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&|y*:send_event", (char **)names,
					 ext_uint32, &event.type, &data))
		return NULL;
	if (check(self) == 0) {
		event.data = data.buf;
		event.size = (size_t)data.len;
		ret = tachyon_subscriber_send_event(self->subscriber, &event);
		result = ret < 0 ? refuse_event(self, event.size, ret) : Py_NewRef(Py_None);
	}
	PyBuffer_Release(&data);
	return result;
}

static PyObject *set_need(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"blocks", NULL};
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	uint32_t blocks;
	int ret;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&:set_need", (char **)names, ext_uint32,
					 &blocks) ||
	    check(self) < 0)
		return NULL;
	ret = tachyon_subscriber_set_need(self->subscriber, blocks);
	if (ret < 0)
		return ext_subscriber_raise(self, ret, "set_need");
	Py_RETURN_NONE;
}

/* --- polling from outside --- */

static PyObject *get_fileno(PyObject *object, PyObject *none)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	int fd;

	(void)none;
	if (check(self) < 0)
		return NULL;
	fd = tachyon_subscriber_fd(self->subscriber);
	return fd < 0 ? ext_subscriber_raise(self, TACHYON_ERR_CLOSED, "fileno")
		      : PyLong_FromLong(fd);
}

/* 0; or -1 with an exception: a thread receives. */
static int check_receiver(struct ext_subscriber *self)
{
	if (check(self) < 0)
		return -1;
	if (!self->receiving.is_taken)
		return 0;
	ext_raise(self->state, TACHYON_ERR_AGAIN, "another thread receives");
	return -1;
}

static PyObject *prepare(PyObject *object, PyObject *none)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;

	(void)none;
	if (check_receiver(self) < 0)
		return NULL;
	return PyBool_FromLong(tachyon_subscriber_prepare(self->subscriber) != 0);
}

static PyObject *dispatch(PyObject *object, PyObject *none)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;

	(void)none;
	if (check_receiver(self) < 0)
		return NULL;
	tachyon_subscriber_dispatch(self->subscriber);
	Py_RETURN_NONE;
}

int ext_subscriber_watch(PyObject *subscriber, PyObject *callback)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)subscriber;

	if (check(self) < 0)
		return -1;
	if (self->on_close) {
		PyErr_SetString(PyExc_RuntimeError, "another task waits for this subscriber");
		return -1;
	}
	self->on_close = Py_NewRef(callback);
	enter(self);
	return 0;
}

void ext_subscriber_unwatch(PyObject *subscriber)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)subscriber;

	if (!self->on_close)
		return;
	Py_CLEAR(self->on_close);
	leave(self);
}

/* --- figures, closing --- */

static PyObject *get_stats(PyObject *object, PyObject *none)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	struct tachyon_subscriber_stats stats = {.size = sizeof(stats)};

	(void)none;
	if (check(self) < 0)
		return NULL;
	tachyon_subscriber_get_stats(self->subscriber, &stats);
	return ext_subscriber_stats_new(self->state, &stats);
}

static PyObject *get_end(PyObject *object, void *closure)
{
	const struct ext_subscriber *const self = (struct ext_subscriber *)object;

	(void)closure;
	if (self->is_at_eos)
		return PyUnicode_InternFromString("eos");
	return ext_end(self->is_open ? tachyon_subscriber_end(self->subscriber) : self->end);
}

static PyObject *get_closed(PyObject *object, void *closure)
{
	(void)closure;
	return PyBool_FromLong(is_closed(object));
}

static PyObject *close_it(PyObject *object, PyObject *none)
{
	(void)none;
	close_subscriber((struct ext_subscriber *)object);
	Py_RETURN_NONE;
}

static PyObject *enter_block(PyObject *object, PyObject *none)
{
	(void)none;
	if (check((struct ext_subscriber *)object) < 0)
		return NULL;
	return Py_NewRef(object);
}

static PyObject *leave_block(PyObject *object, PyObject *args)
{
	(void)args;
	return close_it(object, NULL);
}

/* --- the type --- */

PyDoc_STRVAR(connect_doc, "connect($self, timeout=5.0)\n--\n\n"
			  "Connect anew; the connection there was is left first.");
PyDoc_STRVAR(receive_doc, "receive($self, timeout=None)\n--\n\n"
			  "The next frame or piece of state, in order.");
PyDoc_STRVAR(recv_doc, "recv($self, timeout=None)\n--\n\n"
		       "The next frame. EOFError at the end of the stream.");
PyDoc_STRVAR(send_event_doc, "send_event($self, type, data=b'')\n--\n\n"
			     "Send the publisher an event of at most 4 KiB.");
PyDoc_STRVAR(set_need_doc, "set_need($self, /, blocks)\n--\n\n"
			   "Say how many frames this side wants to hold at a time.");
PyDoc_STRVAR(fileno_doc,
	     "fileno($self, /)\n--\n\n"
	     "For a poll of your own: prepare(), poll it, dispatch(), recv(timeout=0).");
PyDoc_STRVAR(prepare_doc, "prepare($self, /)\n--\n\n"
			  "True when receive() would not wait: do not poll. False when armed.");
PyDoc_STRVAR(close_doc,
	     "close($self, /)\n--\n\nLeave. Frames received stay readable until released.");

#define METHOD(function) (PyCFunction)(void (*)(void)) function

static PyMethodDef methods[] = {
	{"connect", METHOD(connect_again), METH_VARARGS | METH_KEYWORDS, connect_doc},
	{"receive", METHOD(ext_subscriber_receive), METH_FASTCALL | METH_KEYWORDS, receive_doc},
	{"recv", METHOD(ext_subscriber_recv), METH_FASTCALL | METH_KEYWORDS, recv_doc},
	{"send_event", METHOD(send_event), METH_VARARGS | METH_KEYWORDS, send_event_doc},
	{"set_need", METHOD(set_need), METH_VARARGS | METH_KEYWORDS, set_need_doc},
	{"stats", get_stats, METH_NOARGS, "stats($self, /)\n--\n\nFigures."},
	{"fileno", get_fileno, METH_NOARGS, fileno_doc},
	{"prepare", prepare, METH_NOARGS, prepare_doc},
	{"dispatch", dispatch, METH_NOARGS, "dispatch($self, /)\n--\n\nAfter a poll of your own."},
	{"close", close_it, METH_NOARGS, close_doc},
	{"__enter__", enter_block, METH_NOARGS, NULL},
	{"__exit__", leave_block, METH_VARARGS, NULL},
	{0},
};

static PyMemberDef members[] = {
	{"caps", T_OBJECT, offsetof(struct ext_subscriber, caps), READONLY, "Of the frames now."},
	{"layout", T_OBJECT, offsetof(struct ext_subscriber, layout), READONLY,
	 "Of the frames now."},
	{"clock", T_OBJECT, offsetof(struct ext_subscriber, clock), READONLY, "The producer's."},
	{0},
};

static PyGetSetDef properties[] = {
	{"end", get_end, NULL, "How the stream or the connection ended so far.", NULL},
	{"closed", get_closed, NULL, "Whether close() was called.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "Subscriber(address, *, timeout=5.0, latest_only=False, spin=0, ring_size=65536, "
		  "max_bytes=4294967296, any_uid=False)\n--\n\n"
		  "Reads what a publisher (a tachyonsink, a tachyon.Publisher) sends.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_new, create},
	{Py_tp_init, init},
	{Py_tp_dealloc, dealloc},
	{Py_tp_iter, ext_subscriber_iter},
	{Py_am_aiter, ext_subscriber_aiter},
	{Py_tp_methods, methods},
	{Py_tp_members, members},
	{Py_tp_getset, properties},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon.Subscriber",
	.basicsize = sizeof(struct ext_subscriber),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = slots,
};

int ext_add_subscriber(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->subscriber) < 0 ? -1 : ext_add_watch(module);
}
