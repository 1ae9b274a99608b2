/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a connection comes to be: the arguments of Bus.listen(), Bus.connect() and Listener(), and
 * the waits of the first two.
 */
#include "bus.h"

#define CAPACITY_DEFAULT 65536u
#define CAPACITY_MAX (1u << 30)
#define PEER_CAPACITY_DEFAULT 67108864u
#define CONNECT_TIMEOUT_NS 5000000000

/* --- arguments --- */

/* None leaves it. */
static int to_capacity(PyObject *object, void *capacity)
{
	size_t size;

	if (object == Py_None)
		return 1;
	if (!ext_size(object, &size))
		return ext_blame("capacity");
	if (size < 1 || size > CAPACITY_MAX) {
		PyErr_Format(PyExc_ValueError, "a capacity is 1 to %u bytes", CAPACITY_MAX);
		return 0;
	}
	*(uint64_t *)capacity = size;
	return 1;
}

static int to_peer_capacity(PyObject *object, void *capacity)
{
	size_t size;

	if (!ext_size(object, &size))
		return ext_blame("max_peer_capacity");
	if (size < 1) {
		PyErr_SetString(PyExc_ValueError, "max_peer_capacity is 1 byte or more");
		return 0;
	}
	*(uint64_t *)capacity = size;
	return 1;
}

/* None leaves it at the library's default, 0. */
static int to_spin(PyObject *object, void *spin)
{
	uint32_t *const polls = spin;

	if (object == Py_None)
		return 1;
	if (!ext_uint32(object, polls))
		return ext_blame("spin");
	if (*polls == TACHYON_SPIN_NEVER) {
		PyErr_SetString(PyExc_OverflowError, "spin is too large");
		return 0;
	}
	if (*polls == 0)
		*polls = TACHYON_SPIN_NEVER;
	return 1;
}

static int to_perms(PyObject *object, void *perms)
{
	uint32_t *const bits = perms;

	if (!ext_uint32(object, bits))
		return ext_blame("perms");
	/* libtachyon's 0 is 0600. */
	if (*bits >= 1 && *bits <= 0777)
		return 1;
	PyErr_SetString(PyExc_ValueError, "perms are permission bits, 0o001 to 0o777");
	return 0;
}

static void set_defaults(struct ext_open *open)
{
	*open = (struct ext_open){
		.timeout_ns = -1,
		.options =
			{
				.size = sizeof(open->options),
				.max_peer_ring_size = PEER_CAPACITY_DEFAULT,
				.has_private_view = 1,
			},
	};
}

/* Takes over what was parsed: -1 where it frees it again, with an exception. */
static int finish(struct ext_open *open, int is_parsed, PyObject *uids, int any_uid)
{
	if (!is_parsed)
		return -1;
	open->options.access.any_uid = (uint32_t)any_uid;
	if (uids && ext_uids(uids, &open->uids, &open->options.access.uid_count) < 0) {
		ext_blame("uids");
		Py_DECREF(open->address);
		return -1;
	}
	open->options.access.uids = open->uids;
	return 0;
}

void ext_open_fini(struct ext_open *open)
{
	PyMem_Free(open->uids);
	Py_DECREF(open->address);
}

int ext_open_parse_listener(PyObject *args, PyObject *keywords, struct ext_open *open)
{
	static const char *const names[] = {"address", "capacity", "spin",    "max_peer_capacity",
					    "perms",   "uids",	   "any_uid", NULL};
	struct tachyon_bus_options *const options = &open->options;
	PyObject *uids = NULL;
	int any_uid = 0, is_parsed;

	set_defaults(open);
	options->ring_size = CAPACITY_DEFAULT;
	is_parsed = PyArg_ParseTupleAndKeywords(
		args, keywords, "O&|O&$O&O&O&Op:Listener", (char **)names, ext_address,
		&open->address, to_capacity, &options->ring_size, to_spin, &options->spin,
		to_peer_capacity, &options->max_peer_ring_size, to_perms, &options->access.perms,
		&uids, &any_uid);
	return finish(open, is_parsed, uids, any_uid);
}

static int parse_listen(PyObject *args, PyObject *keywords, struct ext_open *open)
{
	static const char *const names[] = {"address", "capacity",	    "timeout",
					    "spin",    "max_peer_capacity", "perms",
					    "uids",    "any_uid",	    NULL};
	struct tachyon_bus_options *const options = &open->options;
	PyObject *uids = NULL;
	int any_uid = 0, is_parsed;

	set_defaults(open);
	options->ring_size = CAPACITY_DEFAULT;
	is_parsed = PyArg_ParseTupleAndKeywords(
		args, keywords, "O&|O&$O&O&O&O&Op:listen", (char **)names, ext_address,
		&open->address, to_capacity, &options->ring_size, ext_timeout, &open->timeout_ns,
		to_spin, &options->spin, to_peer_capacity, &options->max_peer_ring_size, to_perms,
		&options->access.perms, &uids, &any_uid);
	return finish(open, is_parsed, uids, any_uid);
}

static int parse_connect(PyObject *args, PyObject *keywords, struct ext_open *open)
{
	static const char *const names[] = {"address",		 "capacity", "timeout", "spin",
					    "max_peer_capacity", "uids",     "any_uid", NULL};
	struct tachyon_bus_options *const options = &open->options;
	PyObject *uids = NULL;
	int any_uid = 0, is_parsed;

	set_defaults(open);
	open->timeout_ns = CONNECT_TIMEOUT_NS;
	is_parsed = PyArg_ParseTupleAndKeywords(
		args, keywords, "O&|O&$O&O&O&Op:connect", (char **)names, ext_address,
		&open->address, to_capacity, &options->ring_size, ext_timeout, &open->timeout_ns,
		to_spin, &options->spin, to_peer_capacity, &options->max_peer_ring_size, &uids,
		&any_uid);
	return finish(open, is_parsed, uids, any_uid);
}

PyObject *ext_open_raise(const struct ext_open *open, struct ext_state *state, int code,
			 const char *what)
{
	char text[256];

	PyOS_snprintf(text, sizeof(text), "%s: %s", what, PyBytes_AS_STRING(open->address));
	return ext_raise(state, code, text);
}

/* --- waiting for a peer --- */

/* A call of libtachyon that waits without the GIL, and asks is_canceled() whether to go on. */
struct waiting {
	PyThreadState *thread; /* while the GIL is not held */
	int64_t deadline_ns;
	int ret; /* why it does not; 0 if it may */
};

/*
 * libtachyon gives a listener that has accepted us 2 s to answer, whatever the timeout: here that
 * is honoured, but for a look (a timeout of 0), which could not connect to anybody otherwise.
 */
static int is_canceled(void *object)
{
	struct waiting *const waiting = object;

	PyEval_RestoreThread(waiting->thread);
	if (PyErr_CheckSignals() < 0)
		waiting->ret = -EINTR;
	else if (waiting->deadline_ns != 0 && ext_deadline(1) > waiting->deadline_ns)
		waiting->ret = TACHYON_ERR_TIMEDOUT;
	waiting->thread = PyEval_SaveThread();
	return waiting->ret != 0;
}

/* tachyon_bus_listen(), tachyon_bus_connect() */
typedef int open_function(const char *address, const struct tachyon_bus_options *options,
			  struct tachyon_bus **bus);

/* 0 and a bus, or a code; -EINTR: the exception is set. */
static int open_bus(const struct ext_open *open, open_function *function, struct tachyon_bus **bus)
{
	struct waiting waiting = {.deadline_ns = ext_deadline(open->timeout_ns)};
	struct tachyon_bus_options options = open->options;
	int ret;

	/* libtachyon's 0 is a default: the shortest wait there is comes to the same. */
	options.timeout_ns = open->timeout_ns == 0 ? 1 : open->timeout_ns;
	options.is_canceled = is_canceled;
	options.is_canceled_data = &waiting;
	waiting.thread = PyEval_SaveThread();
	ret = function(PyBytes_AS_STRING(open->address), &options, bus);
	PyEval_RestoreThread(waiting.thread);

	if (waiting.ret < 0) {
		if (ret == 0)
			tachyon_bus_destroy(*bus);
		return waiting.ret;
	}
	return open->timeout_ns == 0 && ret == TACHYON_ERR_TIMEDOUT ? TACHYON_ERR_AGAIN : ret;
}

/* Frees what was parsed. */
static PyObject *make_bus(struct ext_open *open, PyTypeObject *type, open_function *function,
			  const char *what)
{
	struct ext_state *const state = ext_state_of(type);
	struct tachyon_bus *bus = NULL;
	const int ret = open_bus(open, function, &bus);
	PyObject *const self =
		ret == 0 ? ext_bus_new(type, state, bus) : ext_open_raise(open, state, ret, what);

	ext_open_fini(open);
	return self;
}

PyObject *ext_bus_listen(PyObject *type, PyObject *args, PyObject *keywords)
{
	struct ext_open open;

	if (parse_listen(args, keywords, &open) < 0)
		return NULL;
	return make_bus(&open, (PyTypeObject *)type, tachyon_bus_listen, "listen");
}

PyObject *ext_bus_connect(PyObject *type, PyObject *args, PyObject *keywords)
{
	struct ext_open open;

	if (parse_connect(args, keywords, &open) < 0)
		return NULL;
	return make_bus(&open, (PyTypeObject *)type, tachyon_bus_connect, "connect");
}
