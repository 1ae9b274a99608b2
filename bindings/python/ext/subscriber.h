/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What the files of Subscriber know of each other. Everything here needs the GIL.
 */
#ifndef TACHYON_EXT_SUBSCRIBER_H
#define TACHYON_EXT_SUBSCRIBER_H

#include "frames.h"

/* --- subscriber.c --- */

struct ext_subscriber {
	PyObject head;
	struct ext_state *state;	       /* the type keeps it */
	struct tachyon_subscriber *subscriber; /* NULL before __init__ and once it was destroyed */
	PyObject *address;		       /* bytes */
	uint64_t ring_size;
	PyObject *caps;
	PyObject *layout;
	PyObject *clock;
	struct ext_look *look;	   /* of the frames that come now */
	PyThreadState *connecting; /* whose the thread in connect() is, without the GIL */
	PyObject *on_close;	   /* a task waits for the descriptor: what wakes it; or NULL */
	unsigned int forks;	   /* ext_forks() when it was made */
	unsigned int users;	   /* calls under way without the GIL, and a task that waits */
	enum tachyon_end end;	   /* as of close() */
	bool is_open;
	bool is_at_eos; /* nothing came after it */
	struct ext_turn receiving;
};

/* Raises what a code stands for, unless an exception is set. Returns NULL. */
PyObject *ext_subscriber_raise(struct ext_subscriber *self, int code, const char *what);
/*
 * 0 with the turn to receive, and as a user, until ext_subscriber_leave_turn(); or -1 with an
 * exception.
 */
int ext_subscriber_take_turn(struct ext_subscriber *self, int64_t deadline);
void ext_subscriber_leave_turn(struct ext_subscriber *self);
/* Frames received from here on look like that. 0, or -1 with an exception. */
int ext_subscriber_change_look(struct ext_subscriber *self, PyObject *caps, PyObject *layout);

/* --- subscriber_receive.c: methods --- */

PyObject *ext_subscriber_receive(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names);
PyObject *ext_subscriber_recv(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names);
PyObject *ext_subscriber_iter(PyObject *object);
PyObject *ext_subscriber_aiter(PyObject *object);

#endif
