/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of Publisher know of each other. Everything here needs the GIL.
 */
#ifndef TACHYON_EXT_PUBLISHER_H
#define TACHYON_EXT_PUBLISHER_H

#include "frames.h"

/* --- publisher.c --- */

struct ext_publisher {
	PyObject head;
	struct ext_state *state;	     /* the type keeps it */
	struct tachyon_publisher *publisher; /* NULL before __init__ and once it was destroyed */
	struct ext_service *service;	     /* NULL once it is being stopped */
	PyObject *address;		     /* bytes, NULL before __init__ */
	uint64_t max_bytes;
	PyObject *caps;
	PyObject *layout;
	PyObject *clock;
	struct ext_look *look; /* of the frames that are acquired now */
	size_t picture_size;   /* of look, 0: not yet asked for */
	unsigned int forks;    /* ext_forks() when it was made */
	unsigned int users;    /* calls under way without the GIL */
	bool is_open;
};

/* 0; or -1 with an exception: closed, or in a forked child. */
int ext_publisher_check(struct ext_publisher *self);
/* Raises what a code stands for, unless an exception is set. Returns NULL. */
PyObject *ext_publisher_raise(struct ext_publisher *self, int code, const char *what);
/* Frames acquired from here on look like that. 0, or -1 with an exception. */
int ext_publisher_change_look(struct ext_publisher *self, PyObject *caps, PyObject *layout);

/* What is tried again when something has changed. */
struct ext_attempt {
	struct tachyon_publisher *publisher; /* ext_publisher_perform() fills it in */
	int (*act)(struct ext_attempt *attempt);
	union {
		struct tachyon_frame *frame;
		const struct tachyon_event *event;
		uint32_t count;
	};
	size_t size;
};

/*
 * What act() answered at last; or a code. is_large: without the GIL from the start, because it
 * takes longer than giving up the GIL and getting it back.
 */
int ext_publisher_perform(struct ext_publisher *self, struct ext_attempt *attempt, int64_t deadline,
			  bool is_large);

/* --- publisher_open.c: Publisher.__init__ --- */

/* Leaves it open where it returns 0; else -1 with an exception, and to be closed if it is open. */
int ext_publisher_open(struct ext_publisher *self, PyObject *args, PyObject *keywords);

/* --- publisher_send.c: methods --- */

PyObject *ext_publisher_send(PyObject *object, PyObject *const *args, Py_ssize_t count,
			     PyObject *names);
PyObject *ext_publisher_acquire(PyObject *object, PyObject *const *args, Py_ssize_t count,
				PyObject *names);

/* --- publisher_state.c: methods and properties --- */

/* A new reference to Caps that can be sent, or NULL with an exception. */
PyObject *ext_publisher_parse_caps(const struct ext_state *state, PyObject *value);
/* 0, or -1 with an exception. */
int ext_publisher_send_caps(struct ext_publisher *self, PyObject *caps);

int ext_publisher_set_caps(PyObject *object, PyObject *value, void *closure);
int ext_publisher_set_layout(PyObject *object, PyObject *value, void *closure);
int ext_publisher_set_clock(PyObject *object, PyObject *value, void *closure);
PyObject *ext_publisher_send_event(PyObject *object, PyObject *args, PyObject *keywords);
PyObject *ext_publisher_send_eos(PyObject *object, PyObject *none);
PyObject *ext_publisher_forget(PyObject *object, PyObject *args, PyObject *keywords);

#endif
