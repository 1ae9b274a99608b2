/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of Stream know of each other. Everything here needs the GIL.
 *
 * NumPy's arrays are met by the buffer protocol and by calls of NumPy's functions: nothing of it is
 * needed to compile.
 */
#ifndef TACHYON_EXT_STREAM_H
#define TACHYON_EXT_STREAM_H

#include "ext.h"

/* Copies of so many bytes let other threads run. */
#define EXT_STREAM_LARGE 65536

/* --- stream_memory.c --- */

/*
 * A handle of libtachyon's. Another thread may close the Stream while calls are under way without
 * the GIL, and arrays outlive it: the last one of them frees.
 */
struct ext_stream_handle {
	struct tachyon_stream *stream;
	unsigned int holders; /* the Stream until its close(), memory, a watcher */
	unsigned int calls;   /* without the GIL, in this process */
	unsigned int forks;   /* ext_forks() when calls was right */
	/* Stream.closed, or NULL: emptied when this is freed */
	struct ext_stream_handle **closed;
};

/* Takes stream over, also where it fails: NULL with an exception. */
struct ext_stream_handle *ext_stream_handle_new(struct tachyon_stream *stream);
void ext_stream_handle_hold(struct ext_stream_handle *handle);
void ext_stream_handle_drop(struct ext_stream_handle *handle);
/* Around calls without the GIL. */
void ext_stream_handle_enter(struct ext_stream_handle *handle);
void ext_stream_handle_leave(struct ext_stream_handle *handle);

int ext_add_stream_memory(PyObject *module, struct ext_state *state);
/* Memory of a handle, as an object with the buffer protocol that keeps it; or an exception. */
PyObject *ext_stream_memory_new(struct ext_state *state, struct ext_stream_handle *handle,
				void *data, size_t size, bool is_readonly);
/* From now on nobody gets a writable view of it; views that there are stay as they are. */
void ext_stream_memory_protect(PyObject *memory);

/* --- stream.c --- */

struct ext_stream {
	PyObject head;
	struct ext_stream_handle *handle;  /* NULL: closed */
	struct ext_stream_handle *closed;  /* after that, while something else keeps it; NULL */
	struct ext_state *state;	   /* the type keeps it */
	PyObject *name;			   /* str */
	PyObject *address;		   /* the same as bytes */
	PyObject *shape;		   /* tuple */
	PyObject *dtype;		   /* numpy.dtype */
	PyObject *live;			   /* memory of the live view; NULL before the first */
	PyObject *writing;		   /* memory of the open transaction; NULL */
	PyObject *writing_array;	   /* what was handed out over it; NULL */
	PyObject *on_close;		   /* a watcher's callback; NULL */
	struct ext_stream_handle *watched; /* which the watcher holds; NULL */
	struct tachyon_array array;
	size_t value_size;
	uint64_t seen; /* the count of the newest value read; at first, that at the opening */
	uint32_t device;
	uint32_t device_index;
	bool has_mirror;
	bool is_owner;
	bool is_read_only;
	uint8_t id[TACHYON_STREAM_ID_SIZE];
};

/* A new object of this type, for a stream that was created or opened, which it takes over. */
PyObject *ext_stream_new(PyTypeObject *type, struct ext_state *state, PyObject *name,
			 PyObject *address, struct tachyon_stream *stream);

/* --- stream_wait.c: waits and errors --- */

/* A call of libtachyon that may wait. */
typedef int (*ext_stream_step)(struct tachyon_stream *stream, void *data, int64_t timeout_ns);

/*
 * Calls step until it answers, or the timeout passes. A first try keeps the GIL, unless it is
 * large; what waits lets go of it, and sleeps until it is woken: nothing is looked at in between,
 * save that the main thread looks for signals once a second, in case one came just before it slept.
 *
 * Returns what step did; -EINTR: a signal handler raised. The Stream may be closed at its end.
 */
int ext_stream_run(struct ext_stream *self, ext_stream_step step, void *data, int64_t timeout_ns,
		   bool is_large);

/*
 * The same, for what takes the lock: where the Stream was closed at the very moment, it is given
 * back by undo, and TACHYON_ERR_CLOSED the answer.
 */
int ext_stream_run_locking(struct ext_stream *self, ext_stream_step step, void *data,
			   int64_t timeout_ns, int (*undo)(struct tachyon_stream *stream));

/* What a call was about, for its exceptions. */
struct ext_stream_words {
	const char *verb;   /* "cannot … closed shared memory" */
	const char *waited; /* "timed out waiting for … 'x'" */
};

extern const struct ext_stream_words ext_stream_words_write;
extern const struct ext_stream_words ext_stream_words_read;
extern const struct ext_stream_words ext_stream_words_wait;
extern const struct ext_stream_words ext_stream_words_lock;

/* Raises what a code stands for. Returns NULL. */
PyObject *ext_stream_raise(struct ext_stream *self, int code, const struct ext_stream_words *words);
PyObject *ext_stream_raise_closed(struct ext_stream *self, const char *verb);
/* RuntimeError: device memory went with the process that had made it. Returns NULL. */
PyObject *ext_stream_raise_gone(PyObject *name);
/* OSError, or its subclass for this code: "shared memory 'x'" and text. Returns NULL. */
PyObject *ext_stream_raise_os(int code, PyObject *name, const char *text);
/*
 * For what ends what a thread began. Where another thread has closed the Stream meanwhile, the lock
 * is still that thread's as long as views keep the handle. NULL: there is nothing left.
 */
struct tachyon_stream *ext_stream_rest(const struct ext_stream *self);
/* RuntimeError, unless this thread has the lock of what is open: 0 or -1. */
int ext_stream_check_lock(struct ext_stream *self);

/* --- stream_open.c --- */

/* Adds the functions that make streams, or need none. */
int ext_add_stream_functions(PyObject *module);
/* The numpy.dtype of an array's elements: a new reference, or NULL. */
PyObject *ext_stream_dtype(struct ext_state *state, const struct tachyon_array *array);
PyObject *ext_stream_shape(const struct tachyon_array *array);
/* "cuda:0", or None. */
PyObject *ext_stream_device(uint32_t device, uint32_t device_index);

/* --- stream_array.c --- */

int ext_add_stream_array(PyObject *module);

/*
 * A view of an array that is what the stream's values are, in type, shape and order: 1; 0 where it
 * is another one; -1 with an exception. flags: 0, or PyBUF_WRITABLE.
 */
int ext_stream_view(struct ext_stream *self, PyObject *array, Py_buffer *buffer, int flags);
/* A new array for a value. NULL with an exception. */
PyObject *ext_stream_empty(struct ext_stream *self);
/* An array over memory of ext_stream_memory_new(). NULL with an exception. */
PyObject *ext_stream_over(struct ext_stream *self, PyObject *memory);

/* --- methods of Stream, by file --- */

/* stream_read.c */
PyObject *ext_stream_read(PyObject *object, PyObject *const *args, Py_ssize_t count,
			  PyObject *names);
PyObject *ext_stream_read_new(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names);
PyObject *ext_stream_snapshot(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names);
PyObject *ext_stream_wait(PyObject *object, PyObject *const *args, Py_ssize_t count,
			  PyObject *names);
PyObject *ext_stream_wait_newer(PyObject *object, PyObject *timeout);
/* Waits for a value that this handle has not read: 0, or -1 with an exception. */
int ext_stream_await_newer(struct ext_stream *self, int64_t timeout_ns);
/* A value of that count was read. */
void ext_stream_note_seen(struct ext_stream *self, uint64_t count);

/* stream_write.c */
/* The array of the last transaction, whatever became of that, can no longer be written. */
void ext_stream_protect_written(struct ext_stream *self);
PyObject *ext_stream_write(PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names);
PyObject *ext_stream_write_array(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names);
PyObject *ext_stream_clear(PyObject *object, PyObject *const *args, Py_ssize_t count,
			   PyObject *names);
PyObject *ext_stream_begin(PyObject *object, PyObject *timeout);
PyObject *ext_stream_commit(PyObject *object, PyObject *none);
PyObject *ext_stream_rollback(PyObject *object, PyObject *none);

/* stream_lock.c */
PyObject *ext_stream_acquire(PyObject *object, PyObject *const *args, Py_ssize_t count,
			     PyObject *names);
PyObject *ext_stream_release(PyObject *object, PyObject *none);
PyObject *ext_stream_leave_lock(PyObject *object, PyObject *none);

/* stream_device.c */
PyObject *ext_stream_write_device(PyObject *object, PyObject *const *args, Py_ssize_t count,
				  PyObject *names);
PyObject *ext_stream_read_device(PyObject *object, PyObject *memory);
PyObject *ext_stream_live_device(PyObject *object, PyObject *none);
int ext_add_stream_device(PyObject *module);

/* stream_info.c */
extern PyGetSetDef ext_stream_properties[];
PyObject *ext_stream_repr(PyObject *object);

/* stream_watch.c: for event loops */
PyObject *ext_stream_fileno(PyObject *object, PyObject *none);
PyObject *ext_stream_prepare(PyObject *object, PyObject *count);
PyObject *ext_stream_dispatch(PyObject *object, PyObject *count);
PyObject *ext_stream_watch(PyObject *object, PyObject *callback);
PyObject *ext_stream_unwatch(PyObject *object, PyObject *none);

#endif
