/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a publisher sends beside frames: caps, layout, clock, events, the end.
 */
#include "publisher.h"

#define EVENT_MAX (16u << 20)

/* --- caps, layout, clock --- */

PyObject *ext_publisher_parse_caps(const struct ext_state *state, PyObject *value)
{
	const char *text;
	Py_ssize_t size;

	if (!PyUnicode_Check(value)) {
		PyErr_SetString(PyExc_TypeError, "caps are a str");
		return NULL;
	}
	text = PyUnicode_AsUTF8AndSize(value, &size);
	if (!text)
		return NULL;
	if (size == 0 || strlen(text) != (size_t)size) {
		PyErr_SetString(PyExc_ValueError, "caps are not empty, and have no NUL in them");
		return NULL;
	}
	if ((PyObject *)Py_TYPE(value) == state->caps)
		return Py_NewRef(value);
	return PyObject_CallOneArg(state->caps, value);
}

/* 0, or -1 with an exception. */
static int check_assigned(struct ext_publisher *self, PyObject *value)
{
	if (value)
		return ext_publisher_check(self);
	PyErr_SetString(PyExc_AttributeError, "what a publisher sends cannot be deleted");
	return -1;
}

int ext_publisher_send_caps(struct ext_publisher *self, PyObject *caps)
{
	const char *const text = PyUnicode_AsUTF8(caps);
	int ret;

	if (!text)
		return -1;
	ret = tachyon_publisher_set_caps(self->publisher, text);
	if (ret == 0)
		return ext_publisher_change_look(self, caps, self->layout);
	ext_publisher_raise(self, ret, "caps");
	return -1;
}

int ext_publisher_set_caps(PyObject *object, PyObject *value, void *closure)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	PyObject *caps;
	int ret = -1;

	(void)closure;
	if (check_assigned(self, value) < 0)
		return -1;
	caps = ext_publisher_parse_caps(self->state, value);
	if (!caps)
		return -1;
	if (ext_publisher_check(self) == 0)
		ret = ext_publisher_send_caps(self, caps);
	Py_DECREF(caps);
	return ret;
}

int ext_publisher_set_layout(PyObject *object, PyObject *value, void *closure)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct tachyon_layout layout;
	PyObject *told;
	int ret;

	(void)closure;
	if (check_assigned(self, value) < 0 || ext_layout_parse(value, &layout) < 0)
		return -1;
	told = ext_layout_new(self->state, &layout);
	if (!told)
		return -1;
	ret = tachyon_publisher_set_layout(self->publisher, &layout);
	if (ret < 0)
		ext_publisher_raise(self, ret, "layout");
	else
		ret = ext_publisher_change_look(self, self->caps, told);
	Py_DECREF(told);
	return ret < 0 ? -1 : 0;
}

int ext_publisher_set_clock(PyObject *object, PyObject *value, void *closure)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct tachyon_clock clock;
	PyObject *told;
	int ret;

	(void)closure;
	if (check_assigned(self, value) < 0 || ext_clock_parse(value, &clock) < 0)
		return -1;
	told = value == Py_None ? Py_NewRef(value) : ext_clock_new(self->state, &clock);
	if (!told)
		return -1;
	ret = tachyon_publisher_set_clock(self->publisher, &clock);
	if (ret == 0) {
		Py_SETREF(self->clock, told);
		return 0;
	}
	Py_DECREF(told);
	ext_publisher_raise(self, ret, "clock");
	return -1;
}

static int act_send_event(struct ext_attempt *attempt)
{
	return tachyon_publisher_send_event(attempt->publisher, attempt->event);
}

static int perform_event(struct ext_publisher *self, const struct tachyon_event *event,
			 int64_t timeout_ns)
{
	struct ext_attempt attempt = {.act = act_send_event, .event = event};
	char text[128];
	int ret;

	if (ext_publisher_check(self) < 0)
		return -1;
	ret = ext_publisher_perform(self, &attempt, ext_deadline(timeout_ns), false);
	if (ret >= 0)
		return 0;
	snprintf(text, sizeof(text), "send_event: %zu bytes, where less than %u fit", event->size,
		 EVENT_MAX);
	ext_publisher_raise(self, ret, ret == TACHYON_ERR_TOO_BIG ? text : "send_event");
	return -1;
}

PyObject *ext_publisher_send_event(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"type", "data",    "sticky", "order",
					    "id",   "timeout", NULL};
	struct tachyon_event event = {0};
	int64_t timeout_ns = -1;
	Py_buffer data = {0};
	int is_sticky = 0;
	int ret;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "O&|y*$pO&O&O&:send_event", (char **)names,
					 ext_uint32, &event.type, &data, &is_sticky, ext_uint32,
					 &event.order, ext_uint32, &event.id, ext_timeout,
					 &timeout_ns))
		return NULL;
	event.flags = is_sticky ? TACHYON_EVENT_STICKY : 0;
	event.data = data.buf;
	event.size = (size_t)data.len;
	ret = perform_event((struct ext_publisher *)object, &event, timeout_ns);
	PyBuffer_Release(&data);
	if (ret < 0)
		return NULL;
	Py_RETURN_NONE;
}

static int act_send_eos(struct ext_attempt *attempt)
{
	return tachyon_publisher_send_eos(attempt->publisher);
}

PyObject *ext_publisher_send_eos(PyObject *object, PyObject *none)
{
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct ext_attempt attempt = {.act = act_send_eos};
	int ret;

	(void)none;
	if (ext_publisher_check(self) < 0)
		return NULL;
	ret = ext_publisher_perform(self, &attempt, INT64_MAX, false);
	if (ret < 0)
		return ext_publisher_raise(self, ret, "send_eos");
	Py_RETURN_NONE;
}

PyObject *ext_publisher_forget(PyObject *object, PyObject *args, PyObject *keywords)
{
	static const char *const names[] = {"order", NULL};
	struct ext_publisher *const self = (struct ext_publisher *)object;
	uint32_t order = 0;

	if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O&:forget", (char **)names, ext_uint32,
					 &order) ||
	    ext_publisher_check(self) < 0)
		return NULL;
	tachyon_publisher_forget(self->publisher, order);
	Py_RETURN_NONE;
}
