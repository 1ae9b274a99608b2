/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What Frame, Subscriber, Publisher and the state beside frames know of each other. Everything here
 * needs the GIL unless it says otherwise.
 */
#ifndef TACHYON_EXT_FRAMES_H
#define TACHYON_EXT_FRAMES_H

#include "ext.h"

/* --- look.c: what the bytes of frames are --- */

/* Of one size. Shared by frames and views. */
struct ext_shapes {
	unsigned int users;
	struct ext_shape whole;
	size_t plane_count; /* 1 at least */
	struct ext_shape planes[];
};

struct ext_shapes *ext_shapes_ref(struct ext_shapes *shapes);
void ext_shapes_unref(struct ext_shapes *shapes);

/* What the frames between two changes of state have in common. */
struct ext_look {
	unsigned int users;
	PyObject *caps;	  /* Caps or None */
	PyObject *layout; /* Layout or None */
	/* as of the last frame that was looked at */
	struct ext_shapes *shapes;
	PyObject *record; /* bytes, NULL: it had none */
	size_t size;
	bool is_opaque; /* bytes, whatever the size */
};

/* Takes new references. NULL with an exception. */
struct ext_look *ext_look_new(PyObject *caps, PyObject *layout);
struct ext_look *ext_look_ref(struct ext_look *look);
void ext_look_unref(struct ext_look *look);
/* A new reference to the shapes of a frame, NULL with an exception. */
struct ext_shapes *ext_look_describe(struct ext_look *look, const struct ext_state *state,
				     const struct tachyon_frame *frame);

/* --- state.c: Layout, Clock, Event, Notice, Eos, figures --- */

/* New objects; NULL with an exception. */
PyObject *ext_layout_new(const struct ext_state *state, const struct tachyon_layout *layout);
PyObject *ext_clock_new(const struct ext_state *state, const struct tachyon_clock *clock);
PyObject *ext_event_new(const struct ext_state *state, const struct tachyon_event *event);
PyObject *ext_notice_new(const struct ext_state *state, const struct tachyon_notice *notice);
PyObject *ext_publisher_stats_new(const struct ext_state *state,
				  const struct tachyon_publisher_stats *stats);
PyObject *ext_subscriber_stats_new(const struct ext_state *state,
				   const struct tachyon_subscriber_stats *stats);
PyObject *ext_caps_new(const struct ext_state *state, const char *text);

/* The way back: 0, or -1 with an exception. None is no layout, and no clock. */
int ext_layout_parse(PyObject *object, struct tachyon_layout *layout);
int ext_clock_parse(PyObject *object, struct tachyon_clock *clock);

/* --- records.c: metadata --- */

/* A tuple of pairs: those of the ends, without the protocol's own. NULL with an exception. */
PyObject *ext_records_new(struct ext_state *state, const struct tachyon_frame *frame);
/*
 * The records of a sequence of pairs, in memory of PyMem_Malloc(), NULL where there are none. 0, or
 * -1 with an exception.
 */
int ext_records_parse(struct ext_state *state, PyObject *sequence, void **metadata, size_t *size);

/* --- frame.c --- */

struct ext_publisher;

/*
 * A Frame, which takes over *frame also where it fails. publisher: who it was acquired from, NULL
 * where it was received. timeout_ns: how long sending it may wait.
 */
PyObject *ext_frame_new(struct ext_state *state, const struct tachyon_frame *frame,
			struct ext_look *look, struct ext_publisher *publisher, int64_t timeout_ns);

/* --- publisher.c --- */

/* Sends an acquired frame, waiting for room: how many got it, or -1 with an exception. */
int ext_publisher_commit(struct ext_publisher *self, struct tachyon_frame *frame,
			 int64_t timeout_ns);

/* --- service.c: a thread that lets subscribers join and leave --- */

struct ext_service;

/* 0, or a negative errno. */
int ext_service_start(struct tachyon_publisher *publisher, struct ext_service **service);
/* Returns when the thread has ended. Needs no GIL: best without it. NULL is fine. */
void ext_service_stop(struct ext_service *service);

/* --- watch.c: for tachyon._asyncio --- */

/* Subscriber's half: 0, or -1 with an exception. */
int ext_subscriber_watch(PyObject *subscriber, PyObject *callback);
void ext_subscriber_unwatch(PyObject *subscriber);
int ext_add_watch(PyObject *module);

#endif
