/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A frame's metadata, as pairs of a number and bytes.
 */
#include "frames.h"

/* What a record takes beside its content, padding included. */
#define RECORD_OVERHEAD 16u

/* --- to Python --- */

static int append_pair(PyObject *list, const struct tachyon_record *record)
{
	PyObject *const pair =
		Py_BuildValue("Iy#", record->type, record->data, (Py_ssize_t)record->size);
	int ret;

	if (!pair)
		return -1;
	ret = PyList_Append(list, pair);
	Py_DECREF(pair);
	return ret;
}

static PyObject *collect(struct ext_state *state, const struct tachyon_frame *frame)
{
	PyObject *const list = PyList_New(0);
	struct tachyon_record record;
	size_t position = 0;
	int ret;

	if (!list)
		return NULL;
	while ((ret = tachyon_record_next(frame, &position, &record)) == 1) {
		if (record.type >= TACHYON_RECORD_USER && append_pair(list, &record) < 0)
			goto err_list;
	}
	if (ret == 0)
		return list;
	ext_raise(state, ret, "records");

err_list:
	Py_DECREF(list);
	return NULL;
}

PyObject *ext_records_new(struct ext_state *state, const struct tachyon_frame *frame)
{
	PyObject *list, *tuple;

	if (frame->metadata_size == 0)
		return PyTuple_New(0);
	list = collect(state, frame);
	if (!list)
		return NULL;
	tuple = PyList_AsTuple(list);
	Py_DECREF(list);
	return tuple;
}

/* --- from Python --- */

struct record {
	uint32_t type;
	Py_buffer content;
};

struct records {
	struct record *items;
	Py_ssize_t count;
};

static void fini(struct records *records)
{
	for (Py_ssize_t i = 0; i < records->count; i++)
		PyBuffer_Release(&records->items[i].content);
	PyMem_Free(records->items);
}

static int parse_pair(PyObject *object, struct record *record)
{
	PyObject *const pair = PySequence_Tuple(object);
	int ret = -1;

	if (!pair)
		return -1;
	if (PyArg_ParseTuple(pair, "O&y*;a record is a type and its content", ext_uint32,
			     &record->type, &record->content))
		ret = 0;
	Py_DECREF(pair);
	if (ret == 0 && record->type < TACHYON_RECORD_USER) {
		PyErr_Format(PyExc_ValueError, "record types below %u are the protocol's own",
			     TACHYON_RECORD_USER);
		PyBuffer_Release(&record->content);
		ret = -1;
	}
	return ret;
}

static int parse(PyObject *tuple, struct records *records)
{
	const Py_ssize_t length = PyTuple_GET_SIZE(tuple);

	records->count = 0;
	records->items = PyMem_New(struct record, (size_t)length + 1);
	if (!records->items) {
		PyErr_NoMemory();
		return -1;
	}
	for (Py_ssize_t i = 0; i < length; i++) {
		if (parse_pair(PyTuple_GET_ITEM(tuple, i), &records->items[i]) < 0) {
			fini(records);
			return -1;
		}
		records->count++;
	}
	return 0;
}

/* Too long to be sent is told by whoever sends: only what no memory could hold is refused here. */
static int measure(const struct records *records, size_t *size)
{
	*size = 0;
	for (Py_ssize_t i = 0; i < records->count; i++) {
		const size_t content = (size_t)records->items[i].content.len;

		if (content > UINT32_MAX ||
		    __builtin_add_overflow(*size, content + RECORD_OVERHEAD, size))
			return TACHYON_ERR_TOO_BIG;
	}
	return 0;
}

static int encode(const struct records *records, size_t capacity, void *buffer, size_t *size)
{
	*size = 0;
	for (Py_ssize_t i = 0; i < records->count; i++) {
		const struct record *const record = &records->items[i];
		const int ret =
			tachyon_record_append(buffer, capacity, size, record->type,
					      record->content.buf, (size_t)record->content.len);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int encode_all(struct ext_state *state, const struct records *records, void **metadata,
		      size_t *size)
{
	size_t capacity;
	int ret = measure(records, &capacity);

	if (ret == 0) {
		*metadata = PyMem_Malloc(capacity);
		if (!*metadata) {
			PyErr_NoMemory();
			return -1;
		}
		ret = encode(records, capacity, *metadata, size);
	}
	if (ret == 0)
		return 0;
	PyMem_Free(*metadata);
	*metadata = NULL;
	ext_raise(state, ret, "records");
	return -1;
}

int ext_records_parse(struct ext_state *state, PyObject *sequence, void **metadata, size_t *size)
{
	PyObject *const tuple = PySequence_Tuple(sequence);
	struct records records;
	int ret = 0;

	*metadata = NULL;
	*size = 0;
	if (!tuple)
		return -1;
	if (PyTuple_GET_SIZE(tuple) > 0) {
		ret = parse(tuple, &records);
		if (ret == 0) {
			ret = encode_all(state, &records, metadata, size);
			fini(&records);
		}
	}
	Py_DECREF(tuple);
	return ret;
}
