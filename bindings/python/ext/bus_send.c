/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Bus: messages copied in, and room for those that are written in place.
 */
#include "bus.h"

struct sending {
	struct tachyon_bus *bus;
	const void *data;
	size_t size;
	uint32_t type_id;
	void **room;
};

static int send_step(void *object, int64_t slice_ns)
{
	const struct sending *const sending = object;

	return tachyon_bus_send(sending->bus, sending->data, sending->size, sending->type_id,
				slice_ns);
}

static int reserve_step(void *object, int64_t slice_ns)
{
	const struct sending *const sending = object;

	return tachyon_bus_reserve(sending->bus, sending->size, sending->room, slice_ns);
}

/* NULL with an exception. */
static PyObject *raise_too_big(struct ext_bus *self, size_t size)
{
	char text[96];

	PyOS_snprintf(text, sizeof(text), "%zu bytes, where at most %zu ever fit", size,
		      tachyon_bus_max_message(self->bus));
	return ext_raise(self->state, TACHYON_ERR_TOO_BIG, text);
}

static int send_bytes(struct ext_bus *self, const void *data, size_t size, uint32_t type_id,
		      int64_t timeout_ns)
{
	struct sending sending = {.bus = self->bus, .data = data, .size = size, .type_id = type_id};
	int ret;

	if (ext_bus_is_free(self, &self->sending)) {
		ret = tachyon_bus_send(self->bus, data, size, type_id, 0);
		if (ret != TACHYON_ERR_AGAIN || timeout_ns == 0)
			return ext_bus_note_end(self, ret);
	}
	/* While the bus is there for the exception's text. */
	if (!self->is_closed && size > tachyon_bus_max_message(self->bus))
		return TACHYON_ERR_TOO_BIG;
	return ext_bus_wait(self, &self->sending, send_step, &sending, timeout_ns);
}

static int send_object(struct ext_bus *self, PyObject *data, uint32_t type_id, int64_t timeout_ns)
{
	Py_buffer buffer;
	size_t size;
	int ret;

	if (PyBytes_CheckExact(data)) {
		size = (size_t)PyBytes_GET_SIZE(data);
		ret = send_bytes(self, PyBytes_AS_STRING(data), size, type_id, timeout_ns);
	} else {
		if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0)
			return -1;
		size = (size_t)buffer.len;
		ret = send_bytes(self, buffer.buf, size, type_id, timeout_ns);
	}

	/* Before the view goes: that may run code. */
	if (ret == TACHYON_ERR_TOO_BIG)
		raise_too_big(self, size);
	else if (ret < 0)
		ext_bus_raise(self, ret, "send");
	if (!PyBytes_CheckExact(data))
		PyBuffer_Release(&buffer);
	return ret < 0 ? -1 : 0;
}

PyObject *ext_bus_send(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	enum { DATA, TYPE_ID, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"data", "type_id", "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "send", .names = parameter_names, .positional = 2, .required = 1};
	struct ext_bus *const self = (struct ext_bus *)object;
	PyObject *values[PARAMETERS];
	uint32_t type_id = 0;
	int64_t timeout_ns = -1;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, TYPE_ID, ext_uint32, &type_id) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (send_object(self, values[DATA], type_id, timeout_ns) < 0)
		return NULL;
	Py_RETURN_NONE;
}

int ext_bus_reserve(struct ext_bus *self, size_t size, void **data, int64_t timeout_ns)
{
	struct sending sending = {.bus = self->bus, .size = size, .room = data};
	int ret;

	if (ext_bus_is_free(self, &self->sending)) {
		ret = tachyon_bus_reserve(self->bus, size, data, 0);
		if (ret != TACHYON_ERR_AGAIN || timeout_ns == 0)
			return ext_bus_note_end(self, ret);
	}
	return ext_bus_wait(self, &self->sending, reserve_step, &sending, timeout_ns);
}

PyObject *ext_bus_send_zero_copy(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names)
{
	enum { SIZE, TYPE_ID, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"size", "type_id", "timeout", NULL};
	static const struct ext_parameters parameters = {.function = "send_zero_copy",
							 .names = parameter_names,
							 .positional = 2,
							 .required = 1};
	struct ext_bus *const self = (struct ext_bus *)object;
	PyObject *values[PARAMETERS];
	size_t size;
	uint32_t type_id = 0;
	int64_t timeout_ns = -1;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, SIZE, ext_size, &size) < 0 ||
	    ext_convert(&parameters, values, TYPE_ID, ext_uint32, &type_id) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0 ||
	    ext_bus_check(self) < 0)
		return NULL;
	if (size > tachyon_bus_max_message(self->bus))
		return raise_too_big(self, size);
	return ext_send_zero_copy(self, size, type_id, timeout_ns);
}

PyObject *ext_bus_flush(PyObject *object, PyObject *none)
{
	struct ext_bus *const self = (struct ext_bus *)object;
	int ret;

	(void)none;
	if (ext_bus_check(self) < 0)
		return NULL;
	/* Who has the turn waits, and flushed before. */
	if (self->sending.is_taken)
		Py_RETURN_NONE;
	ret = ext_bus_note_end(self, tachyon_bus_flush(self->bus));
	if (ret < 0)
		return ext_bus_raise(self, ret, "flush");
	Py_RETURN_NONE;
}
