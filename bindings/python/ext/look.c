/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Shapes of frames: tachyon._formats knows what caps mean; here nothing that it says is believed
 * before it was seen to stay inside the frame.
 */
#include "frames.h"

/* PROTOCOL.md 8: where the channels of non-interleaved audio stand. */
#define RECORD_AUDIO 67

/* --- shapes --- */

struct ext_shapes *ext_shapes_ref(struct ext_shapes *shapes)
{
	shapes->users++;
	return shapes;
}

void ext_shapes_unref(struct ext_shapes *shapes)
{
	if (shapes && --shapes->users == 0)
		PyMem_Free(shapes);
}

static struct ext_shapes *make_shapes(size_t plane_count)
{
	const size_t size = sizeof(struct ext_shapes) + plane_count * sizeof(struct ext_shape);
	struct ext_shapes *const shapes = PyMem_Calloc(1, size);

	if (!shapes) {
		PyErr_NoMemory();
		return NULL;
	}
	shapes->users = 1;
	shapes->plane_count = plane_count;
	return shapes;
}

static struct ext_shapes *make_bytes(size_t size)
{
	struct ext_shapes *const shapes = make_shapes(1);

	if (!shapes)
		return NULL;
	ext_shape_bytes(&shapes->whole, (Py_ssize_t)size);
	shapes->planes[0] = shapes->whole;
	return shapes;
}

/* --- what describe() returned --- */

static int parse_item(const char *format, struct ext_shape *shape)
{
	static const struct {
		char letter;
		char size;
	} items[] = {{'b', 1}, {'B', 1}, {'h', 2}, {'H', 2}, {'i', 4},
		     {'I', 4}, {'f', 4}, {'d', 8}, {'q', 8}, {'Q', 8}};
	const char *const letter = format + (format[0] == '<' || format[0] == '>');

	for (size_t i = 0; i < Py_ARRAY_LENGTH(items); i++) {
		if (letter[0] != items[i].letter || letter[1] != '\0')
			continue;
		shape->item_size = items[i].size;
		strcpy(shape->format, format);
		return 0;
	}
	PyErr_Format(PyExc_ValueError, "describe: format %s", format);
	return -1;
}

/* Widens low .. high by what one dimension reaches. */
static bool add_reach(Py_ssize_t length, Py_ssize_t stride, Py_ssize_t *low, Py_ssize_t *high)
{
	Py_ssize_t reach;

	if (__builtin_mul_overflow(length - 1, stride, &reach))
		return false;
	return reach < 0 ? !__builtin_add_overflow(*low, reach, low)
			 : !__builtin_add_overflow(*high, reach, high);
}

static bool is_inside(const struct ext_shape *shape, Py_ssize_t size)
{
	Py_ssize_t low = shape->offset;
	Py_ssize_t high;

	if (low < 0 || low > size)
		return false;
	for (int i = 0; i < shape->dimensions; i++) {
		if (shape->shape[i] < 0)
			return false;
		if (shape->shape[i] == 0)
			return true;
	}
	if (__builtin_add_overflow(low, shape->item_size, &high))
		return false;
	for (int i = 0; i < shape->dimensions; i++) {
		if (!add_reach(shape->shape[i], shape->strides[i], &low, &high))
			return false;
	}
	return low >= 0 && high <= size;
}

static int parse_numbers(PyObject *tuple, int dimensions, Py_ssize_t *numbers)
{
	if (PyTuple_GET_SIZE(tuple) != dimensions) {
		PyErr_SetString(PyExc_ValueError, "describe: shape and strides differ in length");
		return -1;
	}
	for (int i = 0; i < dimensions; i++) {
		numbers[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple, i));
		if (numbers[i] == -1 && PyErr_Occurred())
			return -1;
	}
	return 0;
}

/* One (offset, format, shape, strides). */
static int parse_shape(PyObject *tuple, Py_ssize_t size, struct ext_shape *shape)
{
	PyObject *lengths, *strides;
	const char *format;

	if (!PyTuple_Check(tuple)) {
		PyErr_SetString(PyExc_TypeError, "describe: a shape is a tuple");
		return -1;
	}
	if (!PyArg_ParseTuple(tuple, "nsO!O!:describe", &shape->offset, &format, &PyTuple_Type,
			      &lengths, &PyTuple_Type, &strides))
		return -1;
	shape->dimensions = (int)PyTuple_GET_SIZE(lengths);
	if (PyTuple_GET_SIZE(lengths) < 1 || PyTuple_GET_SIZE(lengths) > EXT_DIMENSIONS) {
		PyErr_SetString(PyExc_ValueError, "describe: too many dimensions, or none");
		return -1;
	}
	if (parse_item(format, shape) < 0 ||
	    parse_numbers(lengths, shape->dimensions, shape->shape) < 0 ||
	    parse_numbers(strides, shape->dimensions, shape->strides) < 0)
		return -1;
	if (!is_inside(shape, size)) {
		PyErr_SetString(PyExc_ValueError, "describe: a shape beyond the frame");
		return -1;
	}
	return 0;
}

static int parse_description(PyObject *whole, PyObject *planes, Py_ssize_t size,
			     struct ext_shapes *shapes)
{
	if (whole == Py_None)
		ext_shape_bytes(&shapes->whole, size);
	else if (parse_shape(whole, size, &shapes->whole) < 0)
		return -1;
	for (size_t i = 0; i < shapes->plane_count; i++) {
		if (parse_shape(PyTuple_GET_ITEM(planes, i), size, &shapes->planes[i]) < 0)
			return -1;
	}
	return 0;
}

static struct ext_shapes *parse(PyObject *description, size_t size)
{
	PyObject *whole, *planes;
	struct ext_shapes *shapes;

	if (description == Py_None)
		return make_bytes(size);
	if (!PyArg_ParseTuple(description, "OO!:describe", &whole, &PyTuple_Type, &planes))
		return NULL;
	if (PyTuple_GET_SIZE(planes) == 0)
		return make_bytes(size);
	shapes = make_shapes((size_t)PyTuple_GET_SIZE(planes));
	if (shapes && parse_description(whole, planes, (Py_ssize_t)size, shapes) < 0) {
		ext_shapes_unref(shapes);
		return NULL;
	}
	return shapes;
}

/* --- looks --- */

struct ext_look *ext_look_new(PyObject *caps, PyObject *layout)
{
	struct ext_look *const look = PyMem_Calloc(1, sizeof(*look));

	if (!look) {
		PyErr_NoMemory();
		return NULL;
	}
	look->users = 1;
	look->caps = Py_NewRef(caps);
	look->layout = Py_NewRef(layout);
	look->is_opaque = caps == Py_None;
	return look;
}

struct ext_look *ext_look_ref(struct ext_look *look)
{
	look->users++;
	return look;
}

void ext_look_unref(struct ext_look *look)
{
	if (!look || --look->users > 0)
		return;
	ext_shapes_unref(look->shapes);
	Py_XDECREF(look->record);
	Py_DECREF(look->layout);
	Py_DECREF(look->caps);
	PyMem_Free(look);
}

/* The content of the first, or no data. What is wrong with the metadata is no matter here. */
static struct tachyon_record find_audio_record(const struct tachyon_frame *frame)
{
	struct tachyon_record record;
	size_t position = 0;

	while (frame->metadata_size > 0 && tachyon_record_next(frame, &position, &record) == 1) {
		if (record.type == RECORD_AUDIO)
			return record;
	}
	return (struct tachyon_record){0};
}

static bool is_of_last(const struct ext_look *look, size_t size, const struct tachyon_record *audio)
{
	if (!look->shapes || look->size != size)
		return false;
	if (!look->record)
		return !audio->data;
	return audio->data && (size_t)PyBytes_GET_SIZE(look->record) == audio->size &&
	       memcmp(PyBytes_AS_STRING(look->record), audio->data, audio->size) == 0;
}

/* Describing runs Python code, which may use the same look meanwhile. */
static struct ext_shapes *describe_anew(struct ext_look *look, const struct ext_state *state,
					size_t size, PyObject *record)
{
	PyObject *const description =
		PyObject_CallFunction(state->describe, "OOnO", look->caps, look->layout,
				      (Py_ssize_t)size, record ? record : Py_None);
	struct ext_shapes *shapes;

	if (!description)
		return NULL;
	shapes = parse(description, size);
	if (shapes && description == Py_None)
		look->is_opaque = true;
	Py_DECREF(description);
	return shapes;
}

struct ext_shapes *ext_look_describe(struct ext_look *look, const struct ext_state *state,
				     const struct tachyon_frame *frame)
{
	struct tachyon_record audio;
	struct ext_shapes *shapes;
	PyObject *record = NULL;

	if (look->is_opaque)
		return make_bytes(frame->size);
	audio = find_audio_record(frame);
	if (is_of_last(look, frame->size, &audio))
		return ext_shapes_ref(look->shapes);

	if (audio.data) {
		record = PyBytes_FromStringAndSize(audio.data, audio.size);
		if (!record)
			return NULL;
	}
	shapes = describe_anew(look, state, frame->size, record);
	if (!shapes || look->is_opaque) {
		Py_XDECREF(record);
		return shapes;
	}
	ext_shapes_unref(look->shapes);
	look->shapes = ext_shapes_ref(shapes);
	Py_XSETREF(look->record, record);
	look->size = frame->size;
	return shapes;
}
