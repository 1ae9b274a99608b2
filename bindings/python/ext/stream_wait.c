/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How a stream's calls wait, and what they raise.
 */
#include "stream.h"

#include <time.h>
#include <unistd.h>

/* How late a signal that came just before a sleep may be noticed. */
#define SLICE_NS 1000000000
#define NS_PER_S 1000000000

/* --- waiting --- */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Only the main thread runs signal handlers. */
static bool is_main_thread(void)
{
	return PyThread_get_thread_native_id() == (unsigned long)getpid();
}

/* How long to sleep at most; -1: until something happens; 0: no more. */
static int64_t next_slice(int64_t deadline_ns, bool is_main)
{
	int64_t left;

	if (deadline_ns == INT64_MAX)
		return is_main ? SLICE_NS : -1;
	left = deadline_ns - now_ns();
	if (left <= 0)
		return 0;
	return is_main && left > SLICE_NS ? SLICE_NS : left;
}

static bool is_not_yet(int ret)
{
	return ret == TACHYON_ERR_AGAIN || ret == TACHYON_ERR_TIMEDOUT || ret == -EINTR;
}

static int call_without_gil(struct tachyon_stream *stream, ext_stream_step step, void *data,
			    int64_t timeout_ns)
{
	PyThreadState *const thread = PyEval_SaveThread();
	const int ret = step(stream, data, timeout_ns);

	PyEval_RestoreThread(thread);
	return ret;
}

static int wait_without_gil(struct tachyon_stream *stream, ext_stream_step step, void *data,
			    int64_t timeout_ns)
{
	const int64_t deadline_ns = ext_deadline(timeout_ns);
	const bool is_main = is_main_thread();
	int64_t slice_ns;
	int ret;

	do {
		slice_ns = timeout_ns == 0 ? 0 : next_slice(deadline_ns, is_main);
		ret = call_without_gil(stream, step, data, slice_ns);
		/* Not after a success, which must not be lost. */
		if (is_not_yet(ret) && PyErr_CheckSignals() < 0)
			return -EINTR;
	} while (is_not_yet(ret) && slice_ns != 0);
	return ret == -EINTR ? TACHYON_ERR_TIMEDOUT : ret;
}

int ext_stream_run(struct ext_stream *self, ext_stream_step step, void *data, int64_t timeout_ns,
		   bool is_large)
{
	struct ext_stream_handle *const handle = self->handle;
	int ret;

	if (!is_large) {
		ret = step(handle->stream, data, 0);
		if (!is_not_yet(ret) || timeout_ns == 0)
			return ret;
	}
	ext_stream_handle_enter(handle);
	ret = wait_without_gil(handle->stream, step, data, timeout_ns);
	ext_stream_handle_leave(handle);
	return ret;
}

int ext_stream_run_locking(struct ext_stream *self, ext_stream_step step, void *data,
			   int64_t timeout_ns, int (*undo)(struct tachyon_stream *stream))
{
	struct ext_stream_handle *const handle = self->handle;
	int ret;

	ext_stream_handle_hold(handle);
	ret = ext_stream_run(self, step, data, timeout_ns, false);
	/* Views may keep the handle, and so the lock, for long. */
	if (ret == 0 && !self->handle) {
		(void)undo(handle->stream);
		ret = TACHYON_ERR_CLOSED;
	}
	ext_stream_handle_drop(handle);
	return ret;
}

/* --- errors --- */

const struct ext_stream_words ext_stream_words_write = {"write to", "the lock of"};
const struct ext_stream_words ext_stream_words_read = {"read from", "a new write on"};
const struct ext_stream_words ext_stream_words_wait = {"wait for", "a new write on"};
const struct ext_stream_words ext_stream_words_lock = {"lock", "the lock of"};

PyObject *ext_stream_raise_closed(struct ext_stream *self, const char *verb)
{
	return PyErr_Format(
		PyExc_RuntimeError,
		"cannot %s closed shared memory %R; reopen it with tachyon.stream.open(%R)", verb,
		self->name, self->name);
}

PyObject *ext_stream_raise_os(int code, PyObject *name, const char *text)
{
	return ext_raise_text(PyExc_OSError, -code,
			      PyUnicode_FromFormat("shared memory %R %s", name, text));
}

PyObject *ext_stream_raise_gone(PyObject *name)
{
	return PyErr_Format(PyExc_RuntimeError,
			    "the process that owned the device memory of shared memory %R is gone: "
			    "unlink it, and create it anew",
			    name);
}

static PyObject *raise_no_device(struct ext_stream *self)
{
	if (self->device == TACHYON_DEVICE_CPU)
		return PyErr_Format(PyExc_RuntimeError,
				    "the values of shared memory %R are on no GPU", self->name);
	return PyErr_Format(PyExc_RuntimeError,
			    "the values of shared memory %R are on the GPU: pass "
			    "gpu_device='cuda:%u' to tachyon.stream.open(), or, to read them, "
			    "cpu_mirror=True to tachyon.stream.create()",
			    self->name, self->device_index);
}

PyObject *ext_stream_raise(struct ext_stream *self, int code, const struct ext_stream_words *words)
{
	PyObject *what;

	switch (code) {
	case TACHYON_ERR_CLOSED:
		if (self->handle && self->device != TACHYON_DEVICE_CPU)
			return ext_stream_raise_gone(self->name);
		return ext_stream_raise_closed(self, words->verb);
	case TACHYON_ERR_CANCELED:
		return ext_stream_raise_closed(self, words->verb);
	case TACHYON_ERR_AGAIN:
	case TACHYON_ERR_TIMEDOUT:
		return PyErr_Format(PyExc_TimeoutError, "timed out waiting for %s %R",
				    words->waited, self->name);
	case TACHYON_ERR_DENIED:
		return ext_stream_raise_os(code, self->name, "was opened with read_only=True");
	case -EBUSY:
		return PyErr_Format(PyExc_RuntimeError,
				    "a write_view of shared memory %R is open: leave it first",
				    self->name);
	case -ENODEV:
		return raise_no_device(self);
	case -EINTR:
		/* The handler's exception. */
		return NULL;
	default:
		break;
	}
	what = PyUnicode_FromFormat("shared memory %R", self->name);
	if (!what)
		return NULL;
	ext_raise(self->state, code, PyUnicode_AsUTF8(what));
	Py_DECREF(what);
	return NULL;
}

struct tachyon_stream *ext_stream_rest(const struct ext_stream *self)
{
	const struct ext_stream_handle *const handle = self->handle ? self->handle : self->closed;

	return handle ? handle->stream : NULL;
}

int ext_stream_check_lock(struct ext_stream *self)
{
	if (!self->handle)
		ext_stream_raise_closed(self, "read from");
	else if (!tachyon_stream_has_lock(self->handle->stream))
		PyErr_SetString(PyExc_RuntimeError,
				"safe=False requires an active 'with shm.locked()' block");
	else
		return 0;
	return -1;
}
