/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The buffer protocol over memory that an object keeps.
 */
#include "ext.h"

void ext_shape_bytes(struct ext_shape *shape, Py_ssize_t size)
{
	*shape = (struct ext_shape){
		.dimensions = 1,
		.shape = {size},
		.strides = {1},
		.item_size = 1,
		.format = "B",
	};
}

static Py_ssize_t count_items(const struct ext_shape *shape)
{
	Py_ssize_t count = 1;

	for (int i = 0; i < shape->dimensions; i++)
		count *= shape->shape[i];
	return count;
}

/* Whether elements stand one behind the other, with index `first` the slowest to change. */
static bool is_contiguous(const struct ext_shape *shape, int first, int step)
{
	Py_ssize_t expected = shape->item_size;

	if (count_items(shape) == 0)
		return true;
	for (int n = 0, i = first + step * (shape->dimensions - 1); n < shape->dimensions;
	     n++, i -= step) {
		if (shape->shape[i] != 1 && shape->strides[i] != expected)
			return false;
		expected *= shape->shape[i];
	}
	return true;
}

static bool has(int flags, int wanted)
{
	return (flags & wanted) == wanted;
}

/* NULL, or why it cannot be had as flags say. */
static const char *find_obstacle(const struct ext_shape *shape, bool is_readonly, int flags)
{
	const bool is_c = is_contiguous(shape, 0, 1);
	const bool is_f = is_contiguous(shape, shape->dimensions - 1, -1);

	if (is_readonly && has(flags, PyBUF_WRITABLE))
		return "the memory is read-only";
	if (has(flags, PyBUF_C_CONTIGUOUS) && !is_c)
		return "the memory is not C-contiguous";
	if (has(flags, PyBUF_F_CONTIGUOUS) && !is_f)
		return "the memory is not Fortran-contiguous";
	if (has(flags, PyBUF_ANY_CONTIGUOUS) && !is_c && !is_f)
		return "the memory is not contiguous";
	if (!has(flags, PyBUF_STRIDES) && !is_c)
		return "the memory has strides, and they were not asked for";
	if (!has(flags, PyBUF_ND) && has(flags, PyBUF_FORMAT) && shape->item_size != 1)
		return "without a shape the memory is bytes, and has no other format";
	return NULL;
}

int ext_view_buffer(PyObject *owner, void *memory, const struct ext_shape *shape, bool is_readonly,
		    Py_buffer *buffer, int flags)
{
	/* Nothing points here but views of nothing. */
	static char nothing;
	const bool has_shape = has(flags, PyBUF_ND);
	const char *obstacle;

	if (!buffer) {
		PyErr_SetString(PyExc_BufferError, "there is no view to fill in");
		return -1;
	}
	buffer->obj = NULL;
	obstacle = find_obstacle(shape, is_readonly, flags);
	if (obstacle) {
		PyErr_SetString(PyExc_BufferError, obstacle);
		return -1;
	}

	*buffer = (Py_buffer){
		.buf = memory ? (char *)memory + shape->offset : &nothing,
		.obj = Py_NewRef(owner),
		.len = count_items(shape) * shape->item_size,
		.itemsize = shape->item_size,
		.readonly = is_readonly,
		.ndim = has_shape ? shape->dimensions : 1,
		.format = has(flags, PyBUF_FORMAT) ? (char *)shape->format : NULL,
		.shape = has_shape ? (Py_ssize_t *)shape->shape : NULL,
		.strides = has(flags, PyBUF_STRIDES) ? (Py_ssize_t *)shape->strides : NULL,
	};
	return 0;
}
