/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Taking frames and state, one after another, and what they are in Python.
 */
#include "subscriber.h"

/* --- what comes, as Python's objects --- */

static bool is_same_text(PyObject *caps, const char *text)
{
	Py_ssize_t size;
	const char *const known = caps == Py_None ? NULL : PyUnicode_AsUTF8AndSize(caps, &size);

	if (!known)
		PyErr_Clear();
	return known && strlen(text) == (size_t)size && memcmp(known, text, (size_t)size) == 0;
}

static PyObject *take_caps(struct ext_subscriber *self, const char *text)
{
	PyObject *const caps = is_same_text(self->caps, text) ? Py_NewRef(self->caps)
							      : ext_caps_new(self->state, text);

	if (caps && ext_subscriber_change_look(self, caps, self->layout) == 0)
		return caps;
	Py_XDECREF(caps);
	return NULL;
}

static PyObject *take_layout(struct ext_subscriber *self, const struct tachyon_layout *item)
{
	PyObject *const layout = ext_layout_new(self->state, item);

	if (layout && ext_subscriber_change_look(self, self->caps, layout) == 0)
		return layout;
	Py_XDECREF(layout);
	return NULL;
}

static PyObject *take_clock(struct ext_subscriber *self, const struct tachyon_clock *item)
{
	PyObject *const clock = ext_clock_new(self->state, item);

	if (clock)
		Py_XSETREF(self->clock, Py_NewRef(clock));
	return clock;
}

/* Takes note of it. A new reference, or NULL with an exception. */
static PyObject *take_item(struct ext_subscriber *self, const struct tachyon_item *item)
{
	self->is_at_eos = item->type == TACHYON_ITEM_EOS;
	switch (item->type) {
	case TACHYON_ITEM_FRAME:
		return ext_frame_new(self->state, &item->frame, self->look, NULL, 0);
	case TACHYON_ITEM_CAPS:
		return take_caps(self, item->caps);
	case TACHYON_ITEM_LAYOUT:
		return take_layout(self, &item->layout);
	case TACHYON_ITEM_CLOCK:
		return take_clock(self, &item->clock);
	case TACHYON_ITEM_EVENT:
		return ext_event_new(self->state, &item->event);
	case TACHYON_ITEM_EOS:
		break;
	}
	return PyObject_CallNoArgs((PyObject *)self->state->eos);
}

/* --- receiving --- */

struct receiving {
	struct tachyon_subscriber *subscriber;
	struct tachyon_item *item;
};

static int receive_step(void *object, int64_t slice_ns)
{
	const struct receiving *const receiving = object;

	return tachyon_subscriber_receive(receiving->subscriber, receiving->item, slice_ns);
}

static int receive_item(struct ext_subscriber *self, struct tachyon_item *item, int64_t deadline)
{
	struct receiving receiving = {self->subscriber, item};

	return ext_wait(receive_step, &receiving, deadline);
}

static PyObject *receive_with_turn(struct ext_subscriber *self, int64_t deadline)
{
	struct tachyon_item item;
	const int ret = receive_item(self, &item, deadline);

	return ret < 0 ? ext_subscriber_raise(self, ret, "receive") : take_item(self, &item);
}

static int parse_timeout(const char *function, PyObject *const *args, Py_ssize_t count,
			 PyObject *names, int64_t *deadline)
{
	static const char *const parameter_names[] = {"timeout", NULL};
	const struct ext_parameters parameters = {
		.function = function, .names = parameter_names, .positional = 1};
	int64_t timeout_ns = -1;
	PyObject *value;

	if (ext_arguments(&parameters, args, count, names, &value) < 0)
		return -1;
	if (value && !ext_timeout(value, &timeout_ns))
		return -1;
	*deadline = ext_deadline(timeout_ns);
	return 0;
}

PyObject *ext_subscriber_receive(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	int64_t deadline;
	PyObject *item;

	if (parse_timeout("receive", args, count, names, &deadline) < 0 ||
	    ext_subscriber_take_turn(self, deadline) < 0)
		return NULL;
	item = receive_with_turn(self, deadline);
	ext_subscriber_leave_turn(self);
	return item;
}

/* A publisher that talks without end keeps nobody longer than he wants to stay. */
static int check_patience(int64_t deadline)
{
	if (PyErr_CheckSignals() < 0)
		return -EINTR;
	return deadline != 0 && ext_deadline(1) > deadline ? TACHYON_ERR_TIMEDOUT : 0;
}

/*
 * The next frame, taking note of what comes before it: 0, and *frame is NULL at the end of the
 * stream; or a code, also where an exception is set.
 */
static int find_frame(struct ext_subscriber *self, int64_t deadline, PyObject **frame)
{
	struct tachyon_item item;
	PyObject *object;
	int ret;

	*frame = NULL;
	for (;;) {
		ret = receive_item(self, &item, deadline);
		if (ret < 0)
			return ret;
		object = take_item(self, &item);
		if (!object)
			return -ENOMEM;
		if (item.type == TACHYON_ITEM_FRAME) {
			*frame = object;
			return 0;
		}
		Py_DECREF(object);
		if (item.type == TACHYON_ITEM_EOS)
			return 0;
		ret = check_patience(deadline);
		if (ret < 0)
			return ret;
	}
}

PyObject *ext_subscriber_recv(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	int64_t deadline;
	PyObject *frame;
	int ret;

	if (parse_timeout("recv", args, count, names, &deadline) < 0 ||
	    ext_subscriber_take_turn(self, deadline) < 0)
		return NULL;
	ret = find_frame(self, deadline, &frame);
	if (ret < 0)
		ext_subscriber_raise(self, ret, "recv");
	else if (!frame)
		PyErr_SetString(PyExc_EOFError, "the end of the stream");
	ext_subscriber_leave_turn(self);
	return frame;
}

/* --- iteration --- */

/* None at its end. */
static PyObject *next_frame(PyObject *object, PyObject *none)
{
	struct ext_subscriber *const self = (struct ext_subscriber *)object;
	PyObject *frame;
	int ret;

	(void)none;
	if (ext_subscriber_take_turn(self, INT64_MAX) < 0)
		return NULL;
	ret = find_frame(self, INT64_MAX, &frame);
	if (ret == TACHYON_ERR_CLOSED && self->is_open &&
	    tachyon_subscriber_end(self->subscriber) == TACHYON_END_CLOSED)
		ret = 0;
	if (ret < 0)
		ext_subscriber_raise(self, ret, "recv");
	else if (!frame)
		frame = Py_NewRef(Py_None);
	ext_subscriber_leave_turn(self);
	return frame;
}

static PyMethodDef next_method = {"next", next_frame, METH_NOARGS, NULL};

PyObject *ext_subscriber_iter(PyObject *object)
{
	PyObject *const next = PyCFunction_New(&next_method, object);
	PyObject *iterator;

	if (!next)
		return NULL;
	iterator = PyCallIter_New(next, Py_None);
	Py_DECREF(next);
	return iterator;
}

PyObject *ext_subscriber_aiter(PyObject *object)
{
	PyObject *const module = PyImport_ImportModule("tachyon._asyncio");
	PyObject *iterator;

	if (!module)
		return NULL;
	iterator = PyObject_CallMethod(module, "frames", "O", object);
	Py_DECREF(module);
	return iterator;
}
