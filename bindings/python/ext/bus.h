/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What Bus, Listener, Message and the guards know of each other. Everything here needs the GIL.
 *
 * Who is the sender, or the receiver, of libtachyon's thread rule: who has that turn, while it
 * waits without the GIL; who has the GIL, while nobody has the turn.
 */
#ifndef TACHYON_EXT_BUS_H
#define TACHYON_EXT_BUS_H

#include "ext.h"

/* --- message.c --- */

/* Consumes data, which is of type bytes. NULL with an exception. */
PyObject *ext_message_new(struct ext_state *state, uint32_t type_id, PyObject *data);

/* --- bus.c --- */

/* One message or batch that was received in place and is held. */
struct ext_rx_entry {
	struct ext_rx_entry *older;
	struct ext_rx_entry *newer;
	struct tachyon_message last; /* releasing it gives back what goes back with this entry */
};

struct ext_bus {
	PyObject head;
	struct tachyon_bus *bus; /* NULL once it was destroyed */
	struct ext_state *state; /* the type keeps it */
	unsigned int forks;	 /* ext_forks() when it was made */
	unsigned int users; /* calls under way without the GIL, and guards: they keep the memory */
	bool is_closed;
	bool is_returning;    /* returned waits for whoever has the turn to receive */
	enum tachyon_end end; /* as of the last call that failed, or of close() */
	struct tachyon_message returned;
	struct ext_turn sending;
	struct ext_turn receiving;
	/* Held, in order: libtachyon takes messages back in that order only. */
	struct ext_rx_entry *oldest;
	struct ext_rx_entry *newest;
	const void *viewed; /* whose message tachyon_bus_private_view() shows; NULL */
};

/* A new Bus, which takes over bus also where it fails. */
PyObject *ext_bus_new(PyTypeObject *type, struct ext_state *state, struct tachyon_bus *bus);

void ext_bus_enter(struct ext_bus *self);
/* Destroys what was closed when the last user leaves. */
void ext_bus_leave(struct ext_bus *self);

/* The object belongs to the process that forked this one: what it maps is not here. */
bool ext_bus_is_foreign(const struct ext_bus *self);

/* Raises what a code that these calls return stands for. Returns NULL. */
PyObject *ext_bus_raise(struct ext_bus *self, int code, const char *what);
/* 0, or -1: ClosedError, ChildProcessError. */
int ext_bus_check(const struct ext_bus *self);

/*
 * A call first tries with the GIL, which never waits; most calls end there. Only what must wait
 * takes its turn and lets go of the GIL.
 */

/* Whether a call may be tried with the GIL. */
static inline bool ext_bus_is_free(const struct ext_bus *self, const struct ext_turn *turn)
{
	return !self->is_closed && !turn->is_taken;
}

/* Returns what such a try returned. */
int ext_bus_note_end(struct ext_bus *self, int ret);
/* What step answered in our turn (ext_wait()), or a code for ext_bus_raise(). */
int ext_bus_wait(struct ext_bus *self, struct ext_turn *turn,
		 int (*step)(void *object, int64_t slice_ns), void *object, int64_t timeout_ns);

/* --- bus_send.c, bus_receive.c --- */

/*
 * Of the two below, what success gives is there as long as the caller is a user since before the
 * call: another thread may close the bus at its end.
 */

/* Room for size bytes: 0, or a code for ext_bus_raise(). */
int ext_bus_reserve(struct ext_bus *self, size_t size, void **data, int64_t timeout_ns);

/* How many messages, 1 to count; or a code for ext_bus_raise(). */
int ext_bus_receive(struct ext_bus *self, struct tachyon_message *messages, size_t count,
		    int64_t timeout_ns);
/* Holds what was just received, up to entry->last. */
void ext_bus_hold(struct ext_bus *self, struct ext_rx_entry *entry);
/* Gives it back, when what was received before it is, too. */
void ext_bus_give_back(struct ext_bus *self, struct ext_rx_entry *entry);

/* The methods of Bus, and its iteration. */
PyObject *ext_bus_send(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *ext_bus_send_zero_copy(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names);
PyObject *ext_bus_flush(PyObject *object, PyObject *none);
PyObject *ext_bus_recv(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *ext_bus_recv_zero_copy(PyObject *object, PyObject *const *args, Py_ssize_t count,
				 PyObject *names);
PyObject *ext_bus_drain_batch(PyObject *object, PyObject *const *args, Py_ssize_t count,
			      PyObject *names);
PyObject *ext_bus_next(PyObject *object);

/* --- tx_guard.c, rx_guard.c, rx_batch.c: the methods of Bus that make them --- */

PyObject *ext_send_zero_copy(struct ext_bus *bus, size_t size, uint32_t type_id,
			     int64_t timeout_ns);
PyObject *ext_recv_zero_copy(struct ext_bus *bus, int64_t timeout_ns);
PyObject *ext_drain_batch(struct ext_bus *bus, size_t max_messages, int64_t timeout_ns);

/* --- rx_hold.c: what guards of received memory share --- */

enum ext_rx_state {
	EXT_RX_EMPTY = 0, /* nothing was received yet */
	EXT_RX_OPEN,
	EXT_RX_LEAVING, /* to be given back when the last view goes */
	EXT_RX_RELEASED,
};

struct ext_rx_hold {
	struct ext_bus *bus; /* NULL or a reference */
	struct ext_rx_entry entry;
	enum ext_rx_state state;
	unsigned int exports;
};

/*
 * Receives up to count messages: how many, or a code for ext_bus_raise(). hold is filled in, so
 * that ext_rx_hold_fini() is due either way.
 */
int ext_rx_hold_receive(struct ext_rx_hold *hold, struct ext_bus *bus,
			struct tachyon_message *messages, size_t count, int64_t timeout_ns);
/* 0; or -1: ValueError, it was released. */
int ext_rx_hold_check(const struct ext_rx_hold *hold);
/* The same, for who reads the bus's memory: also ChildProcessError. */
int ext_rx_hold_check_memory(const struct ext_rx_hold *hold);
/* 0; or -1: as ext_rx_hold_check(), and BufferError while a view lives. */
int ext_rx_hold_release(struct ext_rx_hold *hold);
/* The end of a with block: 0, or -1: BufferError. */
int ext_rx_hold_exit(struct ext_rx_hold *hold, bool has_raised);
/* No view lives any more. */
void ext_rx_hold_fini(struct ext_rx_hold *hold);

/* The memory that views of one message are over. */
struct ext_rx_memory {
	void *copy; /* NULL where none was made */
	void *view; /* while this message is the bus's viewed one */
	unsigned int exports;
};

/* Memory for a view; NULL with an exception. release() belongs to each. */
void *ext_rx_memory_acquire(struct ext_rx_memory *memory, struct ext_rx_hold *hold,
			    const struct tachyon_message *message);
void ext_rx_memory_release(struct ext_rx_memory *memory, struct ext_rx_hold *hold);
void ext_rx_memory_fini(struct ext_rx_memory *memory);

/* --- open.c --- */

/* What Bus.listen(), Bus.connect() and Listener() were asked for. */
struct ext_open {
	PyObject *address; /* bytes */
	int64_t timeout_ns;
	struct tachyon_bus_options options;
	uint32_t *uids; /* options.access points here */
};

/* Listener's parameters; 0 or -1. ext_open_fini() belongs to success. */
int ext_open_parse_listener(PyObject *args, PyObject *keywords, struct ext_open *open);
void ext_open_fini(struct ext_open *open);
/* Raises "what: ADDRESS: why". */
PyObject *ext_open_raise(const struct ext_open *open, struct ext_state *state, int code,
			 const char *what);

/* The class methods of Bus. */
PyObject *ext_bus_listen(PyObject *type, PyObject *args, PyObject *keywords);
PyObject *ext_bus_connect(PyObject *type, PyObject *args, PyObject *keywords);

#endif
