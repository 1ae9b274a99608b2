/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Bus: messages copied out, and those that are held in place until they are given back.
 */
#include "bus.h"

#define DRAIN_DEFAULT 1024
#define DRAIN_MAX 65536

struct receiving {
	struct tachyon_bus *bus;
	struct tachyon_message *messages;
	size_t count;
};

static int receive_step(void *object, int64_t slice_ns)
{
	const struct receiving *const receiving = object;

	return tachyon_bus_receive_batch(receiving->bus, receiving->messages, receiving->count,
					 slice_ns);
}

int ext_bus_receive(struct ext_bus *self, struct tachyon_message *messages, size_t count,
		    int64_t timeout_ns)
{
	struct receiving receiving = {.bus = self->bus, .messages = messages, .count = count};
	int ret;

	if (ext_bus_is_free(self, &self->receiving)) {
		ret = receive_step(&receiving, 0);
		if (ret != TACHYON_ERR_AGAIN || timeout_ns == 0)
			return ext_bus_note_end(self, ret);
	}
	return ext_bus_wait(self, &self->receiving, receive_step, &receiving, timeout_ns);
}

static void release_up_to(struct ext_bus *self, const struct tachyon_message *last)
{
	if (!self->receiving.is_taken) {
		(void)tachyon_bus_release(self->bus, last);
		return;
	}
	/*
	 * A thread may be in libtachyon as the receiver, and only the receiver may release. It has
	 * to leave for that at once: what it waits for may be waiting for this room. The cancel
	 * stays until it has, since it may be about to go in.
	 */
	self->returned = *last;
	self->is_returning = true;
	tachyon_bus_cancel(self->bus);
}

void ext_bus_hold(struct ext_bus *self, struct ext_rx_entry *entry)
{
	entry->older = self->newest;
	entry->newer = NULL;
	if (self->newest)
		self->newest->newer = entry;
	else
		self->oldest = entry;
	self->newest = entry;
}

void ext_bus_give_back(struct ext_bus *self, struct ext_rx_entry *entry)
{
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		self->newest = entry->older;
	/* What is older goes back first, and then takes this with it. */
	if (entry->older) {
		entry->older->newer = entry->newer;
		entry->older->last = entry->last;
	} else {
		self->oldest = entry->newer;
		release_up_to(self, &entry->last);
	}
}

/* A Message; it is given back to the sender. */
static PyObject *copy_out(struct ext_bus *self, const struct tachyon_message *message)
{
	PyObject *const data = PyBytes_FromStringAndSize(message->data, (Py_ssize_t)message->size);

	if (self->newest)
		self->newest->last = *message;
	else
		release_up_to(self, message);
	return data ? ext_message_new(self->state, message->type, data) : NULL;
}

/* NULL: *code says why; or an exception is set, and it is 0. */
static PyObject *receive_one(struct ext_bus *self, int64_t timeout_ns, int *code)
{
	struct tachyon_message message;
	PyObject *received = NULL;

	/* Until it is copied: a close() meanwhile must leave the memory alone. */
	ext_bus_enter(self);
	*code = ext_bus_is_free(self, &self->receiving)
			? tachyon_bus_receive(self->bus, &message, 0)
			: TACHYON_ERR_AGAIN;
	if (*code < 0)
		*code = ext_bus_receive(self, &message, 1, timeout_ns);
	if (*code >= 0) {
		received = copy_out(self, &message);
		*code = 0;
	}
	ext_bus_leave(self);
	return received;
}

/* 0, or -1 with an exception. */
static int parse_timeout(const char *function, PyObject *const *args, Py_ssize_t count,
			 PyObject *names, int64_t *timeout_ns)
{
	static const char *const parameter_names[] = {"timeout", NULL};
	const struct ext_parameters parameters = {
		.function = function, .names = parameter_names, .positional = 1};
	PyObject *value;

	*timeout_ns = -1;
	if (ext_arguments(&parameters, args, count, names, &value) < 0)
		return -1;
	return ext_convert(&parameters, &value, 0, ext_timeout, timeout_ns);
}

PyObject *ext_bus_recv(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct ext_bus *const self = (struct ext_bus *)object;
	PyObject *message;
	int64_t timeout_ns;
	int code;

	if (parse_timeout("recv", args, count, names, &timeout_ns) < 0)
		return NULL;
	message = receive_one(self, timeout_ns, &code);
	return code < 0 ? ext_bus_raise(self, code, "recv") : message;
}

PyObject *ext_bus_next(PyObject *object)
{
	struct ext_bus *const self = (struct ext_bus *)object;
	int code;
	PyObject *const message = receive_one(self, -1, &code);

	if (code == 0)
		return message;
	if (code == TACHYON_ERR_CLOSED && !self->is_closed && self->end == TACHYON_END_CLOSED)
		return NULL;
	return ext_bus_raise(self, code, "recv");
}

PyObject *ext_bus_recv_zero_copy(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names)
{
	int64_t timeout_ns;

	if (parse_timeout("recv_zero_copy", args, count, names, &timeout_ns) < 0)
		return NULL;
	return ext_recv_zero_copy((struct ext_bus *)object, timeout_ns);
}

PyObject *ext_bus_drain_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names)
{
	enum { MAX_MESSAGES, TIMEOUT, PARAMETERS };
	static const char *const parameter_names[] = {"max_messages", "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "drain_batch", .names = parameter_names, .positional = 2};
	PyObject *values[PARAMETERS];
	size_t max_messages = DRAIN_DEFAULT;
	int64_t timeout_ns = -1;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    ext_convert(&parameters, values, MAX_MESSAGES, ext_size, &max_messages) < 0 ||
	    ext_convert(&parameters, values, TIMEOUT, ext_timeout, &timeout_ns) < 0)
		return NULL;
	if (max_messages < 1 || max_messages > DRAIN_MAX)
		return PyErr_Format(PyExc_ValueError, "max_messages is 1 to %d", DRAIN_MAX);
	return ext_drain_batch((struct ext_bus *)object, max_messages, timeout_ns);
}
