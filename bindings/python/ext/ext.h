/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of the extension share: the module's state, errors, arguments, waits, and views of
 * memory. Everything here needs the GIL unless it says otherwise.
 */
#ifndef TACHYON_EXT_H
#define TACHYON_EXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <tachyon.h>

/* --- module.c: one state a module object, so one an interpreter --- */

struct ext_state {
	PyTypeObject *bus;
	PyTypeObject *listener;
	PyTypeObject *message;
	PyTypeObject *tx_guard;
	PyTypeObject *rx_guard;
	PyTypeObject *rx_message;
	PyTypeObject *rx_batch;
	PyTypeObject *frame;
	PyTypeObject *subscriber;
	PyTypeObject *publisher;
	PyTypeObject *eos;
	PyTypeObject *stream;
	PyTypeObject *stream_memory;
	PyTypeObject *gpu_memory;
	/* of collections.namedtuple() */
	PyTypeObject *bus_stats;
	PyTypeObject *publisher_stats;
	PyTypeObject *subscriber_stats;
	PyTypeObject *layout;
	PyTypeObject *clock;
	PyTypeObject *event;
	PyTypeObject *notice;
	PyObject *closed_error;
	PyObject *caps;	    /* tachyon._caps.Caps */
	PyObject *describe; /* tachyon._formats.describe */
	/* of NumPy, from the first stream on */
	PyTypeObject *numpy_ndarray;
	PyObject *numpy_dtype;
	PyObject *numpy_empty;
	PyObject *dtype_name; /* "dtype" */
};

/* The state that made this type, or a type that it derives from. */
struct ext_state *ext_state_of(PyTypeObject *type);

/* Each file with types adds them to the module and the state. 0, or -1 with an exception. */
int ext_add_bus(PyObject *module, struct ext_state *state);	   /* bus.c: Bus, BusStats */
int ext_add_listener(PyObject *module, struct ext_state *state);   /* listener.c */
int ext_add_message(PyObject *module, struct ext_state *state);	   /* message.c */
int ext_add_tx_guard(PyObject *module, struct ext_state *state);   /* tx_guard.c */
int ext_add_rx_guard(PyObject *module, struct ext_state *state);   /* rx_guard.c */
int ext_add_rx_batch(PyObject *module, struct ext_state *state);   /* rx_batch.c: and RxMessage */
int ext_add_frame(PyObject *module, struct ext_state *state);	   /* frame.c */
int ext_add_state(PyObject *module, struct ext_state *state);	   /* state.c: Layout, Clock, … */
int ext_add_subscriber(PyObject *module, struct ext_state *state); /* subscriber.c */
int ext_add_publisher(PyObject *module, struct ext_state *state);  /* publisher.c */
int ext_add_stream(PyObject *module, struct ext_state *state);	   /* stream.c */
int ext_add_gpu_memory(PyObject *module, struct ext_state *state); /* gpu_memory.c */
/* Makes a heap type, stores it in *slot and adds it under its name. */
int ext_add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **slot);

struct ext_tuple {
	const char *name;
	const char *fields; /* separated by spaces */
	const char *doc;
};

/* Makes a named tuple, likewise. defaults: a tuple, of the last fields; it is consumed. */
int ext_add_tuple(PyObject *module, const struct ext_tuple *tuple, PyObject *defaults,
		  PyTypeObject **slot);

/* --- error.c --- */

/*
 * Sets the exception that a code of libtachyon stands for, and returns NULL. what: a clause for the
 * message, such as "connect: /tmp/x"; the words of tachyon_strerror() follow.
 */
PyObject *ext_raise(struct ext_state *state, int code, const char *what);
/* An OSError, or what its number makes of it. Consumes text; NULL: an exception is set. */
PyObject *ext_raise_text(PyObject *type, int number, PyObject *text);
/* What a receive or send on a connection that ended raises, by how it ended. */
PyObject *ext_raise_end(struct ext_state *state, enum tachyon_end end, const char *what);
/* ClosedError: "the bus is closed" and the like. */
PyObject *ext_raise_closed(struct ext_state *state, const char *noun);
/* "closed", "died", …, or None. */
PyObject *ext_end(enum tachyon_end end);

/* --- argument.c: converters for PyArg_Parse's O&, which return 0 only with an exception --- */

/* seconds, float or int, or None: int64_t nanoseconds, -1 for ever. NaN and negative: ValueError */
int ext_timeout(PyObject *object, void *timeout_ns);
/* str, bytes, os.PathLike: a PyObject * of bytes, a new reference; embedded NUL: ValueError */
int ext_address(PyObject *object, void *bytes);
/*
 * int within the type: OverflowError where it is not; a negative size: ValueError. Never truncated
 */
int ext_uint32(PyObject *object, void *value);
int ext_uint64(PyObject *object, void *value);
int ext_size(PyObject *object, void *value);
/* None, or int >= 0: TACHYON_TIME_NONE (== TACHYON_OFFSET_NONE), or the value */
int ext_time(PyObject *object, void *value);
PyObject *ext_from_time(uint64_t value);
/* A sequence of uids, for struct tachyon_access; *uids is from PyMem_Malloc. */
int ext_uids(PyObject *sequence, uint32_t **uids, uint32_t *count);

/*
 * The parameters of a METH_FASTCALL | METH_KEYWORDS function: PyArg_Parse is slow on short calls.
 */
struct ext_parameters {
	const char *function;
	const char *const *names; /* ends with NULL */
	int positional;		  /* how many may be given by position */
	int required;		  /* how many must be given */
};

/* Fills in a value for each name: borrowed, NULL where it was not given. 0, or -1: TypeError. */
int ext_arguments(const struct ext_parameters *parameters, PyObject *const *args, Py_ssize_t count,
		  PyObject *names, PyObject **values);
/*
 * Converts values[index]; where it was not given, *value stays. 0; or -1 with an exception that
 * says which argument it was.
 */
int ext_convert(const struct ext_parameters *parameters, PyObject *const *values, int index,
		int (*converter)(PyObject *object, void *value), void *value);
/* Puts name before the text of a converter's exception. Returns 0, as converters do. */
int ext_blame(const char *name);
/* The arguments of an __exit__() that is METH_FASTCALL: 1, 0, or -1 with an exception. */
int ext_has_raised(PyObject *const *args, Py_ssize_t count);

/* --- turn.c: waits --- */

/*
 * How calls that wait without the GIL share an object. A turn is one direction of use (sending,
 * receiving): one thread has it, others wait for it.
 */
struct ext_turn {
	PyThread_type_lock lock;
	bool is_taken;	/* the fast path: no lock is touched while nobody waits */
	bool is_posted; /* the lock is, or was, free for a waiter to take */
	unsigned int waiting;
};

int ext_turn_init(struct ext_turn *turn);
void ext_turn_fini(struct ext_turn *turn);
/*
 * Takes the turn. 0; or -1 with an exception: BlockingIOError, TimeoutError at the deadline, or
 * what a signal handler raised. While it waits, is_closed(object) is looked at every 0.1 s and
 * makes it give up with -1 and no exception set.
 */
int ext_turn_take(struct ext_turn *turn, int64_t deadline_ns, bool (*is_closed)(void *object),
		  void *object);
void ext_turn_leave(struct ext_turn *turn);

/* CLOCK_MONOTONIC; a deadline is INT64_MAX for ever, 0 for a look. */
int64_t ext_deadline(int64_t timeout_ns);

/*
 * Calls step(object, slice_ns) until it answers something other than AGAIN and TIMEDOUT, or the
 * deadline passes (the code is returned), or a signal handler raised (-EINTR, and the exception is
 * set). The first call has slice 0 and keeps the GIL; later ones release it, and last 0.1 s at
 * most.
 */
int ext_wait(int (*step)(void *object, int64_t slice_ns), void *object, int64_t deadline_ns);
/* The same without the first call: for who has made it. */
int ext_wait_more(int (*step)(void *object, int64_t slice_ns), void *object, int64_t deadline_ns);

/*
 * How often this process was forked off since the module was loaded: an object made at another
 * count is the parent's, and what libtachyon maps for it is not in this process.
 */
unsigned int ext_forks(void);

/* --- view.c, dlpack.c: memory as Python sees it --- */

#define EXT_DIMENSIONS 3

/* Shape and type of some memory. Strides are in bytes. */
struct ext_shape {
	Py_ssize_t offset; /* of the first element, in the memory */
	int dimensions;
	Py_ssize_t shape[EXT_DIMENSIONS];
	Py_ssize_t strides[EXT_DIMENSIONS];
	Py_ssize_t item_size;
	char format[4]; /* struct module's syntax: "B", "<H", "f" … */
};

/* Fills in one dimension of bytes. */
void ext_shape_bytes(struct ext_shape *shape, Py_ssize_t size);
/*
 * bf_getbuffer over memory that owner keeps. Honours every PyBUF_ flag: BufferError where the
 * request cannot be met. The shape must live as long as owner. Returns 0 or -1.
 */
int ext_view_buffer(PyObject *owner, void *memory, const struct ext_shape *shape, bool is_readonly,
		    Py_buffer *buffer, int flags);
/*
 * __dlpack__(*, stream, max_version, dl_device, copy) over the same. The capsule, and then its
 * consumer, hold a memoryview of owner, so that owner's own count of exports sees them. Legacy
 * capsules have no read-only flag. BufferError: big-endian or otherwise not expressible.
 */
PyObject *ext_view_dlpack(PyObject *owner, void *memory, const struct ext_shape *shape,
			  bool is_readonly, PyObject *const *args, Py_ssize_t count,
			  PyObject *names);
/* (1, 0): the CPU. */
PyObject *ext_view_dlpack_device(PyObject *self, PyObject *none);

#endif
