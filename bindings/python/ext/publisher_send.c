/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames on their way out: copies of what the caller has, and memory to write them into.
 */
#include "publisher.h"

/* Copying that much takes longer than it takes to give up the GIL and get it back. */
#define LARGE (256u << 10)
#define METADATA_MAX (16u << 20)

static PyObject *refuse_size(struct ext_publisher *self, const char *what, size_t size)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: %zu bytes, where max_bytes is %llu", what, size,
		 (unsigned long long)self->max_bytes);
	return ext_publisher_raise(self, TACHYON_ERR_TOO_BIG, text);
}

/* --- sending a copy --- */

static int act_send(struct ext_attempt *attempt)
{
	return tachyon_publisher_send(attempt->publisher, attempt->frame);
}

static PyObject *refuse_frame(struct ext_publisher *self, const struct tachyon_frame *frame,
			      int code)
{
	char text[160];

	if (code != TACHYON_ERR_TOO_BIG)
		return ext_publisher_raise(self, code, "send");
	if (frame->metadata_size <= METADATA_MAX)
		return refuse_size(self, "send", frame->size);
	snprintf(text, sizeof(text), "send: %zu bytes of records, where %u is the most",
		 frame->metadata_size, METADATA_MAX);
	return ext_publisher_raise(self, code, text);
}

enum {
	SEND_DATA,
	SEND_PTS,
	SEND_DTS,
	SEND_DURATION,
	SEND_OFFSET,
	SEND_OFFSET_END,
	SEND_FLAGS,
	SEND_RECORDS,
	SEND_TIMEOUT,
	SEND_PARAMETERS
};

static bool parse_time(PyObject *value, uint64_t *time)
{
	*time = TACHYON_TIME_NONE;
	return !value || ext_time(value, time);
}

/* 0, or -1 with an exception: all but data and records. */
static int parse_frame(PyObject *const *values, struct tachyon_frame *frame, int64_t *timeout_ns)
{
	const bool is_good =
		parse_time(values[SEND_PTS], &frame->pts) &&
		parse_time(values[SEND_DTS], &frame->dts) &&
		parse_time(values[SEND_DURATION], &frame->duration) &&
		parse_time(values[SEND_OFFSET], &frame->offset) &&
		parse_time(values[SEND_OFFSET_END], &frame->offset_end) &&
		(!values[SEND_FLAGS] || ext_uint32(values[SEND_FLAGS], &frame->flags)) &&
		(!values[SEND_TIMEOUT] || ext_timeout(values[SEND_TIMEOUT], timeout_ns));

	return is_good ? 0 : -1;
}

static PyObject *send_with_records(struct ext_publisher *self, struct tachyon_frame *frame,
				   PyObject *records, int64_t timeout_ns)
{
	struct ext_attempt attempt = {.act = act_send, .frame = frame};
	void *metadata = NULL;
	int ret;

	if (records &&
	    ext_records_parse(self->state, records, &metadata, &frame->metadata_size) < 0)
		return NULL;
	frame->metadata = metadata;
	/* Parsing runs Python code, which may have closed it. */
	if (ext_publisher_check(self) < 0) {
		PyMem_Free(metadata);
		return NULL;
	}
	ret = ext_publisher_perform(self, &attempt, ext_deadline(timeout_ns), frame->size >= LARGE);
	PyMem_Free(metadata);
	return ret < 0 ? refuse_frame(self, frame, ret) : PyLong_FromLong(ret);
}

PyObject *ext_publisher_send(PyObject *object, PyObject *const *args, Py_ssize_t count,
			     PyObject *names)
{
	static const char *const parameter_names[] = {"data",	 "pts",	       "dts",	"duration",
						      "offset",	 "offset_end", "flags", "records",
						      "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "send", .names = parameter_names, .positional = 1, .required = 1};
	PyObject *values[SEND_PARAMETERS];
	struct tachyon_frame frame = {0};
	int64_t timeout_ns = -1;
	PyObject *result;
	Py_buffer data;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    parse_frame(values, &frame, &timeout_ns) < 0 ||
	    PyObject_GetBuffer(values[SEND_DATA], &data, PyBUF_SIMPLE) < 0)
		return NULL;
	frame.data = data.buf;
	frame.size = (size_t)data.len;
	result = send_with_records((struct ext_publisher *)object, &frame, values[SEND_RECORDS],
				   timeout_ns);
	PyBuffer_Release(&data);
	return result;
}

/* --- frames to be filled in --- */

static int act_acquire(struct ext_attempt *attempt)
{
	return tachyon_publisher_acquire(attempt->publisher, attempt->size, attempt->frame);
}

/* 0, or -1 with an exception. */
static int find_picture_size(struct ext_publisher *self, size_t *size)
{
	PyObject *module, *found = NULL;

	if (self->picture_size == 0 && self->caps != Py_None) {
		module = PyImport_ImportModule("tachyon._formats");
		if (!module)
			return -1;
		found = PyObject_CallMethod(module, "frame_size", "OO", self->caps, self->layout);
		Py_DECREF(module);
		if (!found)
			return -1;
		if (found != Py_None && !ext_size(found, &self->picture_size)) {
			Py_DECREF(found);
			return -1;
		}
		Py_DECREF(found);
	}
	*size = self->picture_size;
	if (*size > 0)
		return 0;
	PyErr_SetString(PyExc_ValueError, "the caps are not of a raw picture: say a size");
	return -1;
}

PyObject *ext_publisher_acquire(PyObject *object, PyObject *const *args, Py_ssize_t count,
				PyObject *names)
{
	static const char *const parameter_names[] = {"size", "timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "acquire", .names = parameter_names, .positional = 1};
	struct ext_publisher *const self = (struct ext_publisher *)object;
	struct tachyon_frame frame;
	struct ext_attempt attempt = {.act = act_acquire, .frame = &frame};
	int64_t timeout_ns = -1;
	PyObject *values[2];
	int ret;

	if (ext_arguments(&parameters, args, count, names, values) < 0 ||
	    (values[1] && !ext_timeout(values[1], &timeout_ns)))
		return NULL;
	if (!values[0] || values[0] == Py_None)
		ret = find_picture_size(self, &attempt.size);
	else
		ret = ext_size(values[0], &attempt.size) ? 0 : -1;
	if (ret < 0 || ext_publisher_check(self) < 0)
		return NULL;
	if (attempt.size == 0) {
		PyErr_SetString(PyExc_ValueError, "a frame has one byte at least");
		return NULL;
	}
	ret = ext_publisher_perform(self, &attempt, ext_deadline(timeout_ns), false);
	if (ret == TACHYON_ERR_TOO_BIG || ret == -EINVAL)
		return refuse_size(self, "acquire", attempt.size);
	if (ret < 0)
		return ext_publisher_raise(self, ret, "acquire");
	return ext_frame_new(self->state, &frame, self->look, self, timeout_ns);
}

static int act_commit(struct ext_attempt *attempt)
{
	return tachyon_publisher_commit(attempt->publisher, attempt->frame);
}

int ext_publisher_commit(struct ext_publisher *self, struct tachyon_frame *frame,
			 int64_t timeout_ns)
{
	struct ext_attempt attempt = {.act = act_commit, .frame = frame};
	int ret;

	if (ext_publisher_check(self) < 0)
		return -1;
	ret = ext_publisher_perform(self, &attempt, ext_deadline(timeout_ns), false);
	if (ret >= 0)
		return ret;
	ext_publisher_raise(self, ret, "commit");
	return -1;
}
