/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Bus: a connection's life, how its calls wait, and its descriptor for polling.
 */
#include "bus.h"

#include <time.h>

/* --- life --- */

PyObject *ext_bus_new(PyTypeObject *type, struct ext_state *state, struct tachyon_bus *bus)
{
	struct ext_bus *const self = (struct ext_bus *)type->tp_alloc(type, 0);

	if (!self) {
		tachyon_bus_destroy(bus);
		return NULL;
	}
	self->bus = bus;
	self->state = state;
	self->forks = ext_forks();
	if (ext_turn_init(&self->sending) < 0 || ext_turn_init(&self->receiving) < 0) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void destroy(struct ext_bus *self)
{
	tachyon_bus_destroy(self->bus);
	self->bus = NULL;
}

void ext_bus_enter(struct ext_bus *self)
{
	self->users++;
}

void ext_bus_leave(struct ext_bus *self)
{
	if (--self->users == 0 && self->is_closed && self->bus)
		destroy(self);
}

bool ext_bus_is_foreign(const struct ext_bus *self)
{
	return self->forks != ext_forks();
}

static void close_bus(struct ext_bus *self)
{
	if (self->is_closed)
		return;
	/* What another thread has committed, too. Who has the turn waits, and flushed before. */
	if (!self->sending.is_taken)
		(void)tachyon_bus_flush(self->bus);
	self->is_closed = true;
	tachyon_bus_shutdown(self->bus);
	self->end = tachyon_bus_end(self->bus);
	if (self->users == 0)
		destroy(self);
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
	(void)arg;
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
	struct ext_bus *const self = (struct ext_bus *)object;

	PyObject_GC_UnTrack(object);
	/* Whoever uses it has a reference: nobody does. */
	if (self->bus)
		destroy(self);
	ext_turn_fini(&self->receiving);
	ext_turn_fini(&self->sending);
	type->tp_free(object);
	Py_DECREF(type);
}

/* --- errors --- */

PyObject *ext_bus_raise(struct ext_bus *self, int code, const char *what)
{
	switch (code) {
	case TACHYON_ERR_CLOSED:
		if (self->is_closed)
			return ext_raise_closed(self->state, "bus");
		return ext_raise_end(self->state, self->end, what);
	case -EBUSY:
		PyErr_SetString(PyExc_ValueError,
				"a guard is open: commit it or roll it back first");
		return NULL;
	default:
		return ext_raise(self->state, code, what);
	}
}

int ext_bus_check(const struct ext_bus *self)
{
	if (self->is_closed)
		ext_raise_closed(self->state, "bus");
	else if (ext_bus_is_foreign(self))
		ext_raise(self->state, TACHYON_ERR_FORKED, "the bus");
	else
		return 0;
	return -1;
}

/* --- waiting --- */

static bool is_gone(void *object)
{
	const struct ext_bus *const self = object;

	return self->is_closed || ext_bus_is_foreign(self);
}

/* As the receiver: what release_up_to() left to whoever that is. */
static void return_received(struct ext_bus *self)
{
	if (!self->is_returning)
		return;
	self->is_returning = false;
	tachyon_bus_resume(self->bus);
	(void)tachyon_bus_release(self->bus, &self->returned);
}

/* A cancel that is meant for the receiver, who needs the GIL to take it back. */
static void let_receiver_run(void)
{
	const struct timespec moment = {.tv_nsec = 50000};
	PyThreadState *const thread = PyEval_SaveThread();

	nanosleep(&moment, NULL);
	PyEval_RestoreThread(thread);
}

/* 0, or a code. leave_turn() belongs to success. */
static int take_turn(struct ext_bus *self, struct ext_turn *turn, int64_t deadline_ns)
{
	int ret = TACHYON_ERR_CLOSED;

	if (self->is_closed)
		return ret;
	ext_bus_enter(self);
	if (ext_turn_take(turn, deadline_ns, is_gone, self) < 0) {
		if (PyErr_Occurred())
			ret = -EINTR;
		else if (!self->is_closed)
			ret = TACHYON_ERR_FORKED;
		ext_bus_leave(self);
		return ret;
	}
	if (!self->is_closed)
		return 0;
	ext_turn_leave(turn);
	ext_bus_leave(self);
	return ret;
}

static void leave_turn(struct ext_bus *self, struct ext_turn *turn)
{
	if (turn == &self->receiving)
		return_received(self);
	/* Before the memory may go. */
	self->end = tachyon_bus_end(self->bus);
	ext_turn_leave(turn);
	ext_bus_leave(self);
}

int ext_bus_wait(struct ext_bus *self, struct ext_turn *turn,
		 int (*step)(void *object, int64_t slice_ns), void *object, int64_t timeout_ns)
{
	const int64_t deadline_ns = ext_deadline(timeout_ns);
	int ret = take_turn(self, turn, deadline_ns);

	if (ret < 0)
		return ret;
	/* Nobody but release_up_to() in bus_receive.c cancels. */
	while ((ret = ext_wait(step, object, deadline_ns)) == TACHYON_ERR_CANCELED) {
		if (turn == &self->receiving)
			return_received(self);
		else
			let_receiver_run();
	}
	leave_turn(self, turn);
	return ret;
}

int ext_bus_note_end(struct ext_bus *self, int ret)
{
	if (ret == TACHYON_ERR_CLOSED)
		self->end = tachyon_bus_end(self->bus);
	return ret;
}

/* --- polling from outside --- */

static PyObject *bus_fileno(PyObject *object, PyObject *none)
{
	const struct ext_bus *const self = (struct ext_bus *)object;

	(void)none;
	return ext_bus_check(self) < 0 ? NULL : PyLong_FromLong(tachyon_bus_fd(self->bus));
}

static PyObject *bus_prepare(PyObject *object, PyObject *none)
{
	struct ext_bus *const self = (struct ext_bus *)object;
	int ret;

	(void)none;
	if (ext_bus_check(self) < 0)
		return NULL;
	ret = take_turn(self, &self->receiving, INT64_MAX);
	if (ret < 0)
		return ext_bus_raise(self, ret, "prepare");
	ret = tachyon_bus_prepare(self->bus);
	leave_turn(self, &self->receiving);
	return PyBool_FromLong(ret);
}

static PyObject *bus_dispatch(PyObject *object, PyObject *none)
{
	struct ext_bus *const self = (struct ext_bus *)object;
	int ret;

	(void)none;
	if (ext_bus_check(self) < 0)
		return NULL;
	ret = take_turn(self, &self->receiving, INT64_MAX);
	if (ret < 0)
		return ext_bus_raise(self, ret, "dispatch");
	tachyon_bus_dispatch(self->bus);
	leave_turn(self, &self->receiving);
	Py_RETURN_NONE;
}

static PyObject *bus_aiter(PyObject *object)
{
	PyObject *const module = PyImport_ImportModule("tachyon._asyncio");
	PyObject *iterator;

	if (!module)
		return NULL;
	iterator = PyObject_CallMethod(module, "messages", "O", object);
	Py_DECREF(module);
	return iterator;
}

/* --- closing, looking --- */

static PyObject *bus_close(PyObject *object, PyObject *none)
{
	(void)none;
	close_bus((struct ext_bus *)object);
	Py_RETURN_NONE;
}

static PyObject *bus_enter(PyObject *object, PyObject *none)
{
	(void)none;
	return ext_bus_check((struct ext_bus *)object) < 0 ? NULL : Py_NewRef(object);
}

static PyObject *bus_exit(PyObject *object, PyObject *args)
{
	(void)args;
	return bus_close(object, NULL);
}

static PyObject *get_closed(PyObject *object, void *closure)
{
	(void)closure;
	return PyBool_FromLong(((struct ext_bus *)object)->is_closed);
}

static PyObject *get_end(PyObject *object, void *closure)
{
	const struct ext_bus *const self = (struct ext_bus *)object;

	(void)closure;
	return ext_end(self->bus ? tachyon_bus_end(self->bus) : self->end);
}

static PyObject *get_max_message(PyObject *object, void *closure)
{
	const struct ext_bus *const self = (struct ext_bus *)object;

	(void)closure;
	return ext_bus_check(self) < 0 ? NULL
				       : PyLong_FromSize_t(tachyon_bus_max_message(self->bus));
}

static const struct ext_tuple stats_tuple = {
	.name = "BusStats",
	.fields = "peer_pid messages_sent bytes_sent messages_received bytes_received sleeps wakes "
		  "full",
	.doc = "Figures of one bus since it was made. bytes are those of the ring, headers and "
	       "padding included.",
};

static PyObject *bus_stats(PyObject *object, PyObject *none)
{
	const struct ext_bus *const self = (struct ext_bus *)object;
	struct tachyon_bus_stats stats = {.size = sizeof(stats)};

	(void)none;
	if (ext_bus_check(self) < 0)
		return NULL;
	tachyon_bus_get_stats(self->bus, &stats);
	return PyObject_CallFunction(
		(PyObject *)self->state->bus_stats, "IKKKKKKK", (unsigned int)stats.peer_pid,
		(unsigned long long)stats.messages_sent, (unsigned long long)stats.bytes_sent,
		(unsigned long long)stats.messages_received,
		(unsigned long long)stats.bytes_received, (unsigned long long)stats.sleeps,
		(unsigned long long)stats.wakes, (unsigned long long)stats.full);
}

/* --- the type --- */

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

PyDoc_STRVAR(listen_doc,
	     "listen(address, capacity=65536, *, timeout=None, spin=None,\n"
	     "       max_peer_capacity=67108864, perms=0o600, uids=(), any_uid=False)\n--\n\n"
	     "Claim an address, wait for one peer, give up the address.");
PyDoc_STRVAR(connect_doc, "connect(address, capacity=None, *, timeout=5.0, spin=None,\n"
			  "        max_peer_capacity=67108864, uids=(), any_uid=False)\n--\n\n"
			  "Connect to a listener, waiting for it to appear.");
PyDoc_STRVAR(send_doc, "send($self, /, data, type_id=0, *, timeout=None)\n--\n\n"
		       "Copy a message into the ring and make it visible.");
PyDoc_STRVAR(send_zero_copy_doc, "send_zero_copy($self, /, size, type_id=0, *, timeout=None)\n"
				 "--\n\nTake room for a message, to write it in place.");
PyDoc_STRVAR(recv_doc, "recv($self, /, timeout=None)\n--\n\nThe next message, copied out.");
PyDoc_STRVAR(recv_zero_copy_doc,
	     "recv_zero_copy($self, /, timeout=None)\n--\n\nThe next message, in place.");
PyDoc_STRVAR(drain_batch_doc, "drain_batch($self, /, max_messages=1024, timeout=None)\n--\n\n"
			      "Wait for one message, then take what is there, in place.");
PyDoc_STRVAR(flush_doc, "flush($self, /)\n--\n\nMake everything committed visible.");
PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd the connection.");
PyDoc_STRVAR(stats_doc, "stats($self, /)\n--\n\nFigures since the bus was made.");
PyDoc_STRVAR(fileno_doc, "fileno($self, /)\n--\n\nA descriptor to poll for input.");
PyDoc_STRVAR(prepare_doc, "prepare($self, /)\n--\n\n"
			  "True when recv() would not wait: do not poll. False when armed.");
PyDoc_STRVAR(dispatch_doc, "dispatch($self, /)\n--\n\nAfter a poll.");

static PyMethodDef methods[] = {
	{"listen", FAST(ext_bus_listen), METH_VARARGS | METH_KEYWORDS | METH_CLASS, listen_doc},
	{"connect", FAST(ext_bus_connect), METH_VARARGS | METH_KEYWORDS | METH_CLASS, connect_doc},
	{"send", FAST(ext_bus_send), METH_FASTCALL | METH_KEYWORDS, send_doc},
	{"send_zero_copy", FAST(ext_bus_send_zero_copy), METH_FASTCALL | METH_KEYWORDS,
	 send_zero_copy_doc},
	{"recv", FAST(ext_bus_recv), METH_FASTCALL | METH_KEYWORDS, recv_doc},
	{"recv_zero_copy", FAST(ext_bus_recv_zero_copy), METH_FASTCALL | METH_KEYWORDS,
	 recv_zero_copy_doc},
	{"drain_batch", FAST(ext_bus_drain_batch), METH_FASTCALL | METH_KEYWORDS, drain_batch_doc},
	{"flush", ext_bus_flush, METH_NOARGS, flush_doc},
	{"close", bus_close, METH_NOARGS, close_doc},
	{"stats", bus_stats, METH_NOARGS, stats_doc},
	{"fileno", bus_fileno, METH_NOARGS, fileno_doc},
	{"prepare", bus_prepare, METH_NOARGS, prepare_doc},
	{"dispatch", bus_dispatch, METH_NOARGS, dispatch_doc},
	{"__enter__", bus_enter, METH_NOARGS, NULL},
	{"__exit__", bus_exit, METH_VARARGS, NULL},
	{0},
};

static PyGetSetDef properties[] = {
	{"closed", get_closed, NULL, "Whether it was closed here.", NULL},
	{"end", get_end, NULL, "How the connection ended so far.", NULL},
	{"max_message", get_max_message, NULL, "The largest message that it sends.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "A connected pair of processes, and a ring of messages each way between them.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_traverse, traverse},
	{Py_tp_clear, clear},
	{Py_tp_dealloc, dealloc},
	{Py_tp_methods, methods},
	{Py_tp_getset, properties},
	{Py_tp_iter, PyObject_SelfIter},
	{Py_tp_iternext, ext_bus_next},
	{Py_am_aiter, bus_aiter},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon.Bus",
	.basicsize = sizeof(struct ext_bus),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots,
};

int ext_add_bus(PyObject *module, struct ext_state *state)
{
	if (ext_add_tuple(module, &stats_tuple, PyTuple_New(0), &state->bus_stats) < 0)
		return -1;
	return ext_add_type(module, &spec, &state->bus);
}
