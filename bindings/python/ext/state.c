/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What comes and goes beside frames, as Python's values: named tuples, and Eos.
 */
#include "frames.h"

/* --- to Python --- */

static PyObject *call(PyTypeObject *type, PyObject *args)
{
	PyObject *object;

	if (!args)
		return NULL;
	object = PyObject_Call((PyObject *)type, args, NULL);
	Py_DECREF(args);
	return object;
}

PyObject *ext_caps_new(const struct ext_state *state, const char *text)
{
	return PyObject_CallFunction(state->caps, "s", text);
}

PyObject *ext_layout_new(const struct ext_state *state, const struct tachyon_layout *layout)
{
	const Py_ssize_t count = (Py_ssize_t)layout->plane_count;
	PyObject *offsets, *strides;

	if (count == 0)
		Py_RETURN_NONE;
	offsets = PyTuple_New(count);
	strides = PyTuple_New(count);
	for (Py_ssize_t i = 0; offsets && strides && i < count; i++) {
		PyObject *const offset = PyLong_FromUnsignedLongLong(layout->offset[i]);
		PyObject *const stride = PyLong_FromLong(layout->stride[i]);

		PyTuple_SET_ITEM(offsets, i, offset);
		PyTuple_SET_ITEM(strides, i, stride);
		if (!offset || !stride)
			Py_CLEAR(offsets);
	}
	if (!offsets || !strides) {
		Py_XDECREF(offsets);
		Py_XDECREF(strides);
		return NULL;
	}
	return call(state->layout,
		    Py_BuildValue("IINN", layout->width, layout->height, offsets, strides));
}

PyObject *ext_clock_new(const struct ext_state *state, const struct tachyon_clock *clock)
{
	return call(state->clock, Py_BuildValue("NK", ext_from_time(clock->base_time),
						(unsigned long long)clock->latency));
}

PyObject *ext_event_new(const struct ext_state *state, const struct tachyon_event *event)
{
	PyObject *const is_sticky = PyBool_FromLong((event->flags & TACHYON_EVENT_STICKY) != 0);

	return call(state->event,
		    Py_BuildValue("Iy#NII", event->type, event->size > 0 ? event->data : "",
				  (Py_ssize_t)event->size, is_sticky, event->order, event->id));
}

static const char *name_kind(enum tachyon_notice_type type)
{
	switch (type) {
	case TACHYON_NOTICE_JOINED:
		return "joined";
	case TACHYON_NOTICE_LEFT:
		return "left";
	case TACHYON_NOTICE_EVENT:
		break;
	}
	return "event";
}

PyObject *ext_notice_new(const struct ext_state *state, const struct tachyon_notice *notice)
{
	const enum tachyon_end end =
		notice->type == TACHYON_NOTICE_LEFT ? notice->end : TACHYON_END_NONE;
	PyObject *const event = notice->type == TACHYON_NOTICE_EVENT
					? ext_event_new(state, &notice->event)
					: Py_NewRef(Py_None);

	return call(state->notice, Py_BuildValue("sKINN", name_kind(notice->type),
						 (unsigned long long)notice->subscriber,
						 notice->pid, ext_end(end), event));
}

PyObject *ext_publisher_stats_new(const struct ext_state *state,
				  const struct tachyon_publisher_stats *stats)
{
	return call(state->publisher_stats,
		    Py_BuildValue("IKKKKKKKKKK", stats->subscribers, stats->frames, stats->bytes,
				  stats->copied, stats->dropped, stats->waits, stats->wakes,
				  stats->queued, stats->blocks, stats->blocks_free,
				  stats->payload_bytes));
}

PyObject *ext_subscriber_stats_new(const struct ext_state *state,
				   const struct tachyon_subscriber_stats *stats)
{
	return call(state->subscriber_stats,
		    Py_BuildValue("IKKKKKKKK", stats->peer_pid, stats->frames, stats->bytes,
				  stats->copied, stats->dropped, stats->held, stats->sleeps,
				  stats->connects, stats->mapped_bytes));
}

/* --- from Python --- */

static int refuse_layout(void)
{
	PyErr_SetString(PyExc_ValueError,
			"a layout has an offset and a stride for each of up to four planes");
	return -1;
}

static int parse_plane(PyObject *offset, PyObject *stride, struct tachyon_layout *layout,
		       Py_ssize_t i)
{
	uint64_t place;
	long step;

	if (!ext_uint64(offset, &place))
		return -1;
	step = PyLong_AsLong(stride);
	if (step == -1 && PyErr_Occurred())
		return -1;
	if (step < INT32_MIN || step > INT32_MAX) {
		PyErr_SetString(PyExc_OverflowError, "a stride has 32 bits");
		return -1;
	}
	layout->offset[i] = place;
	layout->stride[i] = (int32_t)step;
	return 0;
}

int ext_layout_parse(PyObject *object, struct tachyon_layout *layout)
{
	PyObject *offsets, *strides;
	Py_ssize_t count;

	*layout = (struct tachyon_layout){0};
	if (object == Py_None)
		return 0;
	if (!PyTuple_Check(object)) {
		PyErr_SetString(PyExc_TypeError, "a layout is a Layout or None");
		return -1;
	}
	if (!PyArg_ParseTuple(object, "O&O&O!O!:Layout", ext_uint32, &layout->width, ext_uint32,
			      &layout->height, &PyTuple_Type, &offsets, &PyTuple_Type, &strides))
		return -1;
	count = PyTuple_GET_SIZE(offsets);
	if (count > (Py_ssize_t)Py_ARRAY_LENGTH(layout->offset) ||
	    count != PyTuple_GET_SIZE(strides))
		return refuse_layout();
	for (Py_ssize_t i = 0; i < count; i++) {
		if (parse_plane(PyTuple_GET_ITEM(offsets, i), PyTuple_GET_ITEM(strides, i), layout,
				i) < 0)
			return -1;
	}
	layout->plane_count = (uint32_t)count;
	return 0;
}

int ext_clock_parse(PyObject *object, struct tachyon_clock *clock)
{
	*clock = (struct tachyon_clock){.base_time = TACHYON_TIME_NONE};
	if (object == Py_None)
		return 0;
	if (!PyTuple_Check(object)) {
		PyErr_SetString(PyExc_TypeError, "a clock is a Clock or None");
		return -1;
	}
	return PyArg_ParseTuple(object, "O&O&:Clock", ext_time, &clock->base_time, ext_uint64,
				&clock->latency)
		       ? 0
		       : -1;
}

/* --- Eos --- */

static PyObject *represent_eos(PyObject *self)
{
	(void)self;
	return PyUnicode_FromString("tachyon.Eos()");
}

PyDoc_STRVAR(eos_doc, "The end of the stream.");

static PyType_Slot eos_slots[] = {
	{Py_tp_doc, (void *)eos_doc},
	{Py_tp_repr, represent_eos},
	{0},
};

static PyType_Spec eos_spec = {
	.name = "tachyon.Eos",
	.basicsize = sizeof(PyObject),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
	.slots = eos_slots,
};

/* --- the types --- */

static const struct ext_tuple layout_tuple = {
	.name = "Layout",
	.fields = "width height offsets strides",
	.doc = "Planes of a picture: offsets in the payload and strides, in bytes.",
};

static const struct ext_tuple clock_tuple = {
	.name = "Clock",
	.fields = "base_time latency",
	.doc = "base_time: the producer's running time 0 on CLOCK_MONOTONIC, ns, or None. "
	       "latency: ns.",
};

static const struct ext_tuple event_tuple = {
	.name = "Event",
	.fields = "type data sticky order id",
	.doc = "Something in order with the frames, whose content the two ends agree on.",
};

static const struct ext_tuple notice_tuple = {
	.name = "Notice",
	.fields = "kind subscriber pid end event",
	.doc = "What a subscriber did: kind is \"joined\", \"left\" or \"event\".",
};

static const struct ext_tuple publisher_stats_tuple = {
	.name = "PublisherStats",
	.fields = "subscribers frames bytes copied dropped waits wakes queued blocks blocks_free "
		  "payload_bytes",
	.doc = "Figures of a publisher since it was made.",
};

static const struct ext_tuple subscriber_stats_tuple = {
	.name = "SubscriberStats",
	.fields = "peer_pid frames bytes copied dropped held sleeps connects mapped_bytes",
	.doc = "Figures of a subscriber since it was made, over all its connections.",
};

int ext_add_state(PyObject *module, struct ext_state *state)
{
	if (ext_add_type(module, &eos_spec, &state->eos) < 0 ||
	    ext_add_tuple(module, &layout_tuple, PyTuple_New(0), &state->layout) < 0 ||
	    ext_add_tuple(module, &clock_tuple, PyTuple_New(0), &state->clock) < 0 ||
	    ext_add_tuple(module, &event_tuple, Py_BuildValue("(Oii)", Py_False, 0, 0),
			  &state->event) < 0 ||
	    ext_add_tuple(module, &notice_tuple, PyTuple_New(0), &state->notice) < 0)
		return -1;
	if (ext_add_tuple(module, &publisher_stats_tuple, PyTuple_New(0), &state->publisher_stats) <
	    0)
		return -1;
	return ext_add_tuple(module, &subscriber_stats_tuple, PyTuple_New(0),
			     &state->subscriber_stats);
}
