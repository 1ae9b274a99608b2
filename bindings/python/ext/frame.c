/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frame: a frame received, or acquired to be filled in.
 *
 * Its memory is libtachyon's until tachyon_frame_release(), whatever becomes of the subscriber or
 * publisher. Views count: the frame is neither released nor sent while one lives.
 */
#include <stddef.h>

#include "frames.h"

/* Not a plane: the frame as the caps shape it. */
#define WHOLE (-1)

enum frame_state {
	FRAME_OPEN,
	FRAME_SENDING,	/* commit() waits without the GIL */
	FRAME_LEAVING,	/* to be released when the last view goes */
	FRAME_RELEASED, /* or sent */
};

struct frame {
	PyObject head;
	struct ext_state *state; /* the type keeps it */
	struct tachyon_frame frame;
	struct ext_look *look;
	struct ext_shapes *shapes;	 /* NULL until they are asked for */
	struct ext_publisher *publisher; /* of an acquired frame, NULL of a received one */
	int64_t timeout_ns;		 /* of an acquired frame: how long sending it may wait */
	size_t capacity;
	enum frame_state stage;
	unsigned int exports;
	int shown; /* what the next view is of: WHOLE, or a plane */
};

static void release_memory(struct frame *self)
{
	self->stage = FRAME_RELEASED;
	tachyon_frame_release(&self->frame);
}

PyObject *ext_frame_new(struct ext_state *state, const struct tachyon_frame *frame,
			struct ext_look *look, struct ext_publisher *publisher, int64_t timeout_ns)
{
	struct frame *const self = (struct frame *)state->frame->tp_alloc(state->frame, 0);

	if (!self) {
		struct tachyon_frame lost = *frame;

		tachyon_frame_release(&lost);
		return NULL;
	}
	self->state = state;
	self->frame = *frame;
	self->look = ext_look_ref(look);
	self->publisher = (struct ext_publisher *)Py_XNewRef((PyObject *)publisher);
	self->timeout_ns = timeout_ns;
	self->capacity = frame->size;
	self->shown = WHOLE;
	return (PyObject *)self;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT((PyObject *)((struct frame *)object)->publisher);
	return 0;
}

/* No tp_clear: a cycle goes through the dictionary of a class derived from Publisher. */
static void dealloc(PyObject *object)
{
	PyTypeObject *const type = Py_TYPE(object);
	struct frame *const self = (struct frame *)object;

	PyObject_GC_UnTrack(object);
	release_memory(self);
	ext_shapes_unref(self->shapes);
	ext_look_unref(self->look);
	Py_XDECREF((PyObject *)self->publisher);
	type->tp_free(object);
	Py_DECREF(type);
}

/* 0; or -1: the memory is not the frame's any more, or not now. */
static int check_open(const struct frame *self)
{
	switch (self->stage) {
	case FRAME_OPEN:
		return 0;
	case FRAME_SENDING:
		PyErr_SetString(PyExc_BufferError, "the frame is being sent");
		return -1;
	case FRAME_LEAVING:
	case FRAME_RELEASED:
		break;
	}
	PyErr_SetString(PyExc_ValueError, "the frame was released");
	return -1;
}

static int check_unviewed(const struct frame *self)
{
	if (self->exports == 0)
		return 0;
	PyErr_SetString(PyExc_BufferError, "a view of the frame lives: release it first");
	return -1;
}

/* --- views --- */

/* Borrowed; NULL with an exception. */
static struct ext_shapes *find_shapes(struct frame *self)
{
	struct ext_shapes *shapes;

	if (self->shapes)
		return self->shapes;
	shapes = ext_look_describe(self->look, self->state, &self->frame);
	if (!shapes)
		return NULL;
	/* That ran Python code, which may have asked for them as well. */
	ext_shapes_unref(self->shapes);
	self->shapes = shapes;
	return shapes;
}

static bool is_readonly(const struct frame *self)
{
	return !self->publisher;
}

static int get_buffer(PyObject *object, Py_buffer *buffer, int flags)
{
	struct frame *const self = (struct frame *)object;
	struct ext_shapes *shapes;
	const struct ext_shape *shape;

	if (check_open(self) < 0)
		return -1;
	shapes = find_shapes(self);
	/* Once more: finding them may have run Python code. */
	if (!shapes || check_open(self) < 0)
		return -1;
	shape = self->shown == WHOLE ? &shapes->whole : &shapes->planes[self->shown];
	if (ext_view_buffer(object, self->frame.data, shape, is_readonly(self), buffer, flags) < 0)
		return -1;
	/* A size that is set later makes other shapes: the view keeps its own. */
	buffer->internal = ext_shapes_ref(shapes);
	self->exports++;
	return 0;
}

static void release_buffer(PyObject *object, Py_buffer *buffer)
{
	struct frame *const self = (struct frame *)object;

	ext_shapes_unref(buffer->internal);
	if (--self->exports == 0 && self->stage == FRAME_LEAVING)
		release_memory(self);
}

/* A layout may turn a picture upside down. torch ends the process where a stride is negative. */
static int check_strides(const struct ext_shape *shape)
{
	for (int i = 0; i < shape->dimensions; i++) {
		if (shape->strides[i] >= 0)
			continue;
		PyErr_SetString(PyExc_BufferError,
				"a stride is negative: give a copy on, as numpy.array() makes one");
		return -1;
	}
	return 0;
}

static PyObject *dlpack(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	struct frame *const self = (struct frame *)object;
	struct ext_shapes *shapes;
	PyObject *capsule;

	if (check_open(self) < 0)
		return NULL;
	shapes = find_shapes(self);
	if (!shapes || check_open(self) < 0 || check_strides(&shapes->whole) < 0)
		return NULL;
	ext_shapes_ref(shapes);
	capsule = ext_view_dlpack(object, self->frame.data, &shapes->whole, is_readonly(self), args,
				  count, names);
	ext_shapes_unref(shapes);
	return capsule;
}

/* An array over a view of one plane. Nothing but get_buffer() runs while shown is set. */
static PyObject *make_plane(struct frame *self, PyObject *asarray, size_t index)
{
	PyObject *view, *array;

	self->shown = (int)index;
	view = PyMemoryView_FromObject((PyObject *)self);
	self->shown = WHOLE;
	if (!view)
		return NULL;
	array = PyObject_CallOneArg(asarray, view);
	Py_DECREF(view);
	return array;
}

static PyObject *make_planes(struct frame *self, PyObject *asarray)
{
	struct ext_shapes *const shapes = find_shapes(self);
	PyObject *planes;

	if (!shapes)
		return NULL;
	planes = PyTuple_New((Py_ssize_t)shapes->plane_count);
	if (!planes)
		return NULL;
	/* numpy runs Python code, which may set another size: plane_count is of these shapes. */
	ext_shapes_ref(shapes);
	for (size_t i = 0; planes && i < shapes->plane_count; i++) {
		PyObject *const plane =
			self->shapes == shapes ? make_plane(self, asarray, i) : NULL;

		if (plane)
			PyTuple_SET_ITEM(planes, (Py_ssize_t)i, plane);
		else
			Py_CLEAR(planes);
	}
	if (!planes && !PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "the frame changed meanwhile");
	ext_shapes_unref(shapes);
	return planes;
}

static PyObject *get_planes(PyObject *object, void *closure)
{
	struct frame *const self = (struct frame *)object;
	PyObject *numpy, *asarray, *planes;

	(void)closure;
	if (check_open(self) < 0)
		return NULL;
	numpy = PyImport_ImportModule("numpy");
	if (!numpy)
		return NULL;
	asarray = PyObject_GetAttrString(numpy, "asarray");
	Py_DECREF(numpy);
	if (!asarray)
		return NULL;
	planes = make_planes(self, asarray);
	Py_DECREF(asarray);
	return planes;
}

/* --- what it says --- */

static PyObject *get_data(PyObject *object, void *closure)
{
	const struct frame *const self = (struct frame *)object;

	(void)closure;
	if (check_open(self) < 0)
		return NULL;
	return PyBytes_FromStringAndSize(self->frame.data, (Py_ssize_t)self->frame.size);
}

static Py_ssize_t length(PyObject *object)
{
	return (Py_ssize_t)((struct frame *)object)->frame.size;
}

static PyObject *get_caps(PyObject *object, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct frame *)object)->look->caps);
}

static PyObject *get_layout(PyObject *object, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct frame *)object)->look->layout);
}

static PyObject *get_hint(PyObject *object, void *hint)
{
	const struct frame *const self = (struct frame *)object;

	return PyBool_FromLong((self->frame.hints & (uint32_t)(uintptr_t)hint) != 0);
}

static PyObject *get_records(PyObject *object, void *closure)
{
	const struct frame *const self = (struct frame *)object;

	(void)closure;
	if (self->frame.metadata_size > 0 && check_open(self) < 0)
		return NULL;
	return ext_records_new(self->state, &self->frame);
}

static PyObject *is_valid(PyObject *object, PyObject *none)
{
	(void)none;
	return PyBool_FromLong(tachyon_frame_is_valid(&((struct frame *)object)->frame) == 1);
}

/* --- times and the like: a property's closure is the member's offset --- */

/* 0; or -1 with an exception. */
static int check_settable(const struct frame *self, PyObject *value, const char *what)
{
	if (is_readonly(self)) {
		PyErr_Format(PyExc_AttributeError, "the %s of a received frame is read-only", what);
		return -1;
	}
	if (!value) {
		PyErr_Format(PyExc_AttributeError, "the %s of a frame cannot be deleted", what);
		return -1;
	}
	return check_open(self);
}

static uint64_t *find_time(PyObject *object, void *offset)
{
	return (uint64_t *)((char *)&((struct frame *)object)->frame + (uintptr_t)offset);
}

static PyObject *get_time(PyObject *object, void *offset)
{
	return ext_from_time(*find_time(object, offset));
}

static int set_time(PyObject *object, PyObject *value, void *offset)
{
	uint64_t time;

	if (check_settable((struct frame *)object, value, "time") < 0 || !ext_time(value, &time))
		return -1;
	*find_time(object, offset) = time;
	return 0;
}

static PyObject *get_flags(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromUnsignedLong(((struct frame *)object)->frame.flags);
}

static int set_flags(PyObject *object, PyObject *value, void *closure)
{
	struct frame *const self = (struct frame *)object;
	uint32_t flags;

	(void)closure;
	if (check_settable(self, value, "flags") < 0 || !ext_uint32(value, &flags))
		return -1;
	self->frame.flags = flags;
	return 0;
}

static PyObject *get_size(PyObject *object, void *closure)
{
	(void)closure;
	return PyLong_FromSsize_t(length(object));
}

static int set_size(PyObject *object, PyObject *value, void *closure)
{
	struct frame *const self = (struct frame *)object;
	size_t size;

	(void)closure;
	if (check_settable(self, value, "size") < 0 || !ext_size(value, &size))
		return -1;
	if (size > self->capacity) {
		PyErr_Format(PyExc_ValueError, "%zu bytes, where %zu were acquired", size,
			     self->capacity);
		return -1;
	}
	if (size != self->frame.size) {
		self->frame.size = size;
		ext_shapes_unref(self->shapes);
		self->shapes = NULL;
	}
	return 0;
}

/* --- its end --- */

static int close_frame(struct frame *self)
{
	if (check_open(self) < 0 || check_unviewed(self) < 0)
		return -1;
	release_memory(self);
	return 0;
}

static PyObject *release(PyObject *object, PyObject *none)
{
	(void)none;
	if (close_frame((struct frame *)object) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* How many got it, or -1 with an exception. */
static int send_frame(struct frame *self, int64_t timeout_ns)
{
	int count;

	if (check_open(self) < 0)
		return -1;
	if (is_readonly(self)) {
		PyErr_SetString(PyExc_ValueError,
				"a received frame is not sent: release it, or send a copy");
		return -1;
	}
	if (check_unviewed(self) < 0)
		return -1;
	self->stage = FRAME_SENDING;
	count = ext_publisher_commit(self->publisher, &self->frame, timeout_ns);
	self->stage = count < 0 ? FRAME_OPEN : FRAME_RELEASED;
	return count;
}

static PyObject *commit(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	static const char *const parameter_names[] = {"timeout", NULL};
	static const struct ext_parameters parameters = {
		.function = "commit", .names = parameter_names, .positional = 1};
	struct frame *const self = (struct frame *)object;
	int64_t timeout_ns = self->timeout_ns;
	PyObject *value;
	int ret;

	if (ext_arguments(&parameters, args, count, names, &value) < 0 ||
	    (value && !ext_timeout(value, &timeout_ns)))
		return NULL;
	ret = send_frame(self, timeout_ns);
	return ret < 0 ? NULL : PyLong_FromLong(ret);
}

static PyObject *enter(PyObject *object, PyObject *none)
{
	(void)none;
	if (check_open((struct frame *)object) < 0)
		return NULL;
	return Py_NewRef(object);
}

static int leave_block(struct frame *self, bool has_raised)
{
	if (self->stage == FRAME_LEAVING || self->stage == FRAME_RELEASED)
		return 0;
	if (has_raised && self->stage == FRAME_OPEN && self->exports > 0) {
		self->stage = FRAME_LEAVING;
		return 0;
	}
	if (has_raised || is_readonly(self))
		return close_frame(self);
	return send_frame(self, self->timeout_ns) < 0 ? -1 : 0;
}

static PyObject *leave(PyObject *object, PyObject *args)
{
	PyObject *kind, *value, *traceback;

	if (!PyArg_ParseTuple(args, "OOO:__exit__", &kind, &value, &traceback))
		return NULL;
	if (leave_block((struct frame *)object, kind != Py_None) < 0)
		return NULL;
	Py_RETURN_NONE;
}

/* --- the type --- */

static PyObject *represent(PyObject *object)
{
	const struct frame *const self = (struct frame *)object;
	PyObject *const pts = ext_from_time(self->frame.pts);
	PyObject *text;

	if (!pts)
		return NULL;
	text = PyUnicode_FromFormat("<tachyon.Frame %s, pts %S, %zu bytes, %S>",
				    self->stage == FRAME_RELEASED ? "released"
				    : is_readonly(self)		  ? "received"
								  : "acquired",
				    pts, self->frame.size, self->look->caps);
	Py_DECREF(pts);
	return text;
}

PyDoc_STRVAR(commit_doc, "commit($self, /, timeout=...)\n--\n\n"
			 "Acquired: send it. Returns how many subscribers it went to.");
PyDoc_STRVAR(release_doc, "release($self, /)\n--\n\n"
			  "Give the memory back: unsent, where it was acquired.");
PyDoc_STRVAR(is_valid_doc, "is_valid($self, /)\n--\n\n"
			   "Whether what was read so far was still this frame's.");

static PyMethodDef methods[] = {
	{"is_valid", is_valid, METH_NOARGS, is_valid_doc},
	{"commit", (PyCFunction)(void (*)(void))commit, METH_FASTCALL | METH_KEYWORDS, commit_doc},
	{"release", release, METH_NOARGS, release_doc},
	{"__enter__", enter, METH_NOARGS, NULL},
	{"__exit__", leave, METH_VARARGS, NULL},
	{"__dlpack__", (PyCFunction)(void (*)(void))dlpack, METH_FASTCALL | METH_KEYWORDS, NULL},
	{"__dlpack_device__", ext_view_dlpack_device, METH_NOARGS, NULL},
	{0},
};

#define TIME(name, doc)                                                                      \
	{                                                                                    \
#name, get_time, set_time, doc, (void *)offsetof(struct tachyon_frame, name) \
	}

static PyGetSetDef properties[] = {
	TIME(pts, "Presentation time in ns, or None."),
	TIME(dts, "Decoding time in ns, or None."),
	TIME(duration, "Duration in ns, or None."),
	TIME(offset, "A position that the media define, or None."),
	TIME(offset_end, "A position that the media define, or None."),
	{"flags", get_flags, set_flags, "GStreamer's GstBufferFlags.", NULL},
	{"size", get_size, set_size, "Bytes of payload; acquired: may be lowered.", NULL},
	{"caps", get_caps, NULL, "What it is: Caps or None.", NULL},
	{"layout", get_layout, NULL, "Where planes stand: Layout or None.", NULL},
	{"scarce", get_hint, NULL, "The publisher is short of memory.",
	 (void *)TACHYON_FRAME_SCARCE},
	{"after_drop", get_hint, NULL, "Frames before this one were skipped for this subscriber.",
	 (void *)TACHYON_FRAME_AFTER_DROP},
	{"records", get_records, NULL, "Metadata, as (type, content).", NULL},
	{"planes", get_planes, NULL, "One numpy array a plane.", NULL},
	{"data", get_data, NULL, "A copy of the payload as it lies there.", NULL},
	{0},
};

PyDoc_STRVAR(doc, "A frame received, or acquired to be filled in: a buffer.");

static PyType_Slot slots[] = {
	{Py_tp_doc, (void *)doc},
	{Py_tp_traverse, traverse},
	{Py_tp_dealloc, dealloc},
	{Py_tp_repr, represent},
	{Py_tp_methods, methods},
	{Py_tp_getset, properties},
	{Py_mp_length, length},
	{Py_bf_getbuffer, get_buffer},
	{Py_bf_releasebuffer, release_buffer},
	{0},
};

static PyType_Spec spec = {
	.name = "tachyon.Frame",
	.basicsize = sizeof(struct frame),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
		 Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots,
};

int ext_add_frame(PyObject *module, struct ext_state *state)
{
	return ext_add_type(module, &spec, &state->frame);
}
