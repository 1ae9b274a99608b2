/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A bus: a connected pair of processes, and a ring of messages each way between them.
 *
 * A message is up to tachyon_bus_max_message() bytes and a 32-bit type of the caller's choice. It
 * is written once, into memory that the peer reads; while both sides are busy no system call is
 * made. Messages arrive whole, in order, exactly once.
 *
 * Thread rule, where a function says "sender" or "receiver": one thread at a time may be the
 * sender, one the receiver; they may be two threads or one. Everything else is said at the
 * function.
 *
 * A timeout_ns is in nanoseconds: negative waits for ever, 0 never waits (TACHYON_ERR_AGAIN).
 *
 * Any call may return TACHYON_ERR_FORKED in a child of the process that made the bus. All may
 * return -EINVAL for a NULL or out-of-range argument.
 *
 * What takes memory or descriptors (create, listen, accept, connect) may also return what the
 * kernel says where it has no more, or a filter forbids a call: -ENOMEM, -ENOBUFS, -ENOSPC,
 * -EMFILE, -ENFILE, -ENOLCK, -EPERM, -EACCES, -ENOSYS. Nothing is left then, and a later try may
 * succeed.
 */
#ifndef TACHYON_BUS_H
#define TACHYON_BUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tachyon_bus;
struct tachyon_listener;

/** Who may connect, beside a process of the same effective user. */
struct tachyon_access {
	/** permission bits of the socket file; 0 means 0600. Connecting needs write permission. */
	uint32_t perms;
	/** non-zero: any user that the file's permissions let in */
	uint32_t any_uid;
	/** users let in beside our own; may be NULL. Copied. */
	const uint32_t *uids;
	uint32_t uid_count;
};

/** How to open a bus. All zero (but size) means default; new fields go last. */
struct tachyon_bus_options {
	/** sizeof(struct tachyon_bus_options) */
	uint32_t size;
	/** polls of the ring before a wait sleeps; 0 means 1000, TACHYON_SPIN_NEVER none. Fewer
	 * after some that were in vain. Timeouts, cancelling and the peer's end are honoured
	 * meanwhile, within about a millisecond */
	uint32_t spin;
	/**
	 * bytes of the ring we send on; rounded up to a power of two; 0 means 64 KiB, or to a
	 * connector the listener's own, if that is larger
	 */
	uint64_t ring_size;
	/** the largest ring a peer may make us map, in bytes; 0 means 64 MiB */
	uint64_t max_peer_ring_size;
	/** how long listen and connect wait for a peer; 0 means 5 s, negative for ever */
	int64_t timeout_ns;
	struct tachyon_access access;
	/** non-zero: messages can be looked at with tachyon_bus_private_view(), too */
	uint32_t has_private_view;
	/**
	 * asked by listen and connect, on the caller's thread, at least ten times a second while
	 * they wait: non-zero ends them with TACHYON_ERR_CANCELED. NULL: nothing does
	 */
	int (*is_canceled)(void *data);
	void *is_canceled_data;
};

#define TACHYON_SPIN_NEVER UINT32_MAX

/** A message received. The data is the peer's memory: read-only, and valid until released. */
struct tachyon_message {
	const void *data;
	size_t size;
	uint32_t type;
	uint32_t reserved;
	/** opaque: what tachyon_bus_release() gives back up to */
	uint64_t position;
};

/** How a connection ended. */
enum tachyon_end {
	TACHYON_END_NONE = 0,	 /**< it has not */
	TACHYON_END_CLOSED = 1,	 /**< the peer closed it in order */
	TACHYON_END_DIED = 2,	 /**< the peer's process ended, or crashed, without closing */
	TACHYON_END_CORRUPT = 3, /**< the peer broke the protocol */
	TACHYON_END_LOCAL = 4,	 /**< we shut it down */
};

/** Figures of one bus since it was made. Counters wrap at 2^64. */
struct tachyon_bus_stats {
	/** in: sizeof(struct tachyon_bus_stats) */
	uint32_t size;
	uint32_t peer_pid; /**< 0 where unknown */
	uint64_t messages_sent;
	uint64_t bytes_sent; /**< of the ring, headers and padding included */
	uint64_t messages_received;
	uint64_t bytes_received; /**< likewise, and released */
	uint64_t sleeps;	 /**< times a wait went to the kernel */
	uint64_t wakes;		 /**< times we rang a sleeping peer */
	uint64_t full;		 /**< times our ring had no room */
};

/**
 * Claim an address, for many peers one after another.
 *
 * The listener is the caller's until tachyon_listener_destroy(). A stale socket at the path is
 * replaced; PATH.lock beside it is held for the listener's life and never removed.
 *
 * @param address   a file system path; '@' and a name in the abstract namespace; or '@@' and such a
 *                  name, padded with NULs (GLib's abstract-padded)
 * @param options   NULL for defaults; timeout_ns is not used here
 * @param listener  out: the listener; untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_IN_USE  a live listener owns the address: choose another
 *         -ENAMETOOLONG       the address does not fit a socket address: shorten it
 *         -ENOTSOCK           something that is no socket stands there; it was left alone
 *         -EPROTOTYPE         a socket of another kind, with a live owner, stands there
 *         TACHYON_ERR_DENIED, -ENOENT, …  the directory cannot be used: as for bind(2)
 *         -EOPNOTSUPP         the socket's permissions cannot be set: there is no /proc
 *         -ENOMEM, -EMFILE    out of memory or descriptors
 *
 * @thread any
 */
int tachyon_listener_create(const char *address, const struct tachyon_bus_options *options,
			    struct tachyon_listener **listener);

/**
 * Wait for a peer, and shake hands with it.
 *
 * A peer that is refused (wrong protocol, user, or nonsense) costs itself only: the wait goes on.
 *
 * @param timeout_ns  how long
 * @param bus         out: the connection, the caller's until tachyon_bus_destroy(), also after the
 *                    listener is gone; untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     nobody waits (timeout 0)
 *         TACHYON_ERR_TIMEDOUT  nobody came
 *         TACHYON_ERR_CANCELED  tachyon_listener_cancel() was called
 *         -ENOMEM, -EMFILE      no memory or descriptors for a connection
 *
 * @thread one at a time
 */
int tachyon_listener_accept(struct tachyon_listener *listener, int64_t timeout_ns,
			    struct tachyon_bus **bus);

/**
 * A descriptor to poll for input: readable when tachyon_listener_accept() may succeed. @thread any
 */
int tachyon_listener_fd(const struct tachyon_listener *listener);

/** Make the accept under way, and all later ones, return TACHYON_ERR_CANCELED. @thread any */
void tachyon_listener_cancel(struct tachyon_listener *listener);

/**
 * Give up the address: removes the socket file if it is still ours. NULL is fine.
 *
 * @thread when no other thread uses the listener
 */
void tachyon_listener_destroy(struct tachyon_listener *listener);

/**
 * Claim an address, wait for one peer, give up the address.
 *
 * @param address  as for tachyon_listener_create()
 * @param options  NULL for defaults
 * @param bus      out: the connection, the caller's until tachyon_bus_destroy(); untouched on
 *                 failure
 *
 * @return 0, or as tachyon_listener_create() and tachyon_listener_accept(), or
 *         TACHYON_ERR_CANCELED  options->is_canceled said so
 *
 * @thread any
 */
int tachyon_bus_listen(const char *address, const struct tachyon_bus_options *options,
		       struct tachyon_bus **bus);

/**
 * Connect to a listener, waiting for it to appear, and up to 2 s more for its answer.
 *
 * @param address  as for tachyon_listener_create()
 * @param options  NULL for defaults
 * @param bus      out: the connection, the caller's until tachyon_bus_destroy(); untouched on
 *                 failure
 *
 * @return 0, or
 *         TACHYON_ERR_TIMEDOUT  nobody listened, or answered, in time
 *         TACHYON_ERR_CANCELED  options->is_canceled said so
 *         TACHYON_ERR_VERSION   the listener speaks another protocol or service: update one side
 *         TACHYON_ERR_DENIED    no write permission on the path, or a user not let in
 *         TACHYON_ERR_CORRUPT   what answered is no Tachyon peer
 *         TACHYON_ERR_CLOSED    the listener left during the handshake: try again
 *         -ENAMETOOLONG         the address does not fit a socket address
 *         -ENOTSOCK, -EPROTOTYPE  what stands at the path is no socket, or of another kind
 *         TACHYON_ERR_TOO_BIG   one side's ring exceeds the other's limit
 *         -ENOSYS               the kernel has no F_SEAL_FUTURE_WRITE (Linux 5.1)
 *         -ENOMEM, -EMFILE      out of memory or descriptors
 *
 * @thread any
 */
int tachyon_bus_connect(const char *address, const struct tachyon_bus_options *options,
			struct tachyon_bus **bus);

/**
 * End a connection so that every thread in it leaves: flushes, tells the peer, and makes each call
 * under way or later return TACHYON_ERR_CLOSED. The memory stays until tachyon_bus_destroy().
 *
 * What was committed before is still delivered to the peer.
 *
 * @thread any; but what another thread committed without a flush may be lost
 */
void tachyon_bus_shutdown(struct tachyon_bus *bus);

/**
 * Shut down, wait until threads that sleep in a call have left, and free everything: messages not
 * released become invalid. NULL is fine. In a forked child it frees the child's copy and leaves the
 * parent's connection alone.
 *
 * @thread no call may start meanwhile. Calls already asleep are woken and waited for; but one that
 *         a message, or room, reaches at that very moment would use memory that is gone. Where
 *         either may come: tachyon_bus_shutdown(), let the threads come back, then destroy
 */
void tachyon_bus_destroy(struct tachyon_bus *bus);

/** The largest message that this bus ever sends, in bytes. @thread any */
size_t tachyon_bus_max_message(const struct tachyon_bus *bus);

/**
 * Copy a message in and make it visible: reserve, copy, commit.
 *
 * @param size  bytes, 0 .. tachyon_bus_max_message(); data may be NULL when it is 0
 * @param type  for the receiver, unchanged
 *
 * @return 0, or as tachyon_bus_reserve(); on failure nothing was sent
 *
 * @thread sender
 */
int tachyon_bus_send(struct tachyon_bus *bus, const void *data, size_t size, uint32_t type,
		     int64_t timeout_ns);

/**
 * Take room in the ring, to write a message in place.
 *
 * It is the caller's until commit or rollback; only one at a time.
 *
 * @param size  the most bytes the message will have, 0 .. tachyon_bus_max_message()
 * @param data  out: where to write; 64-byte aligned when size is above 48, else 16. Untouched on
 *              failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     the ring is full (timeout 0); everything committed was flushed
 *         TACHYON_ERR_TIMEDOUT  it stayed full
 *         TACHYON_ERR_CANCELED  tachyon_bus_cancel() was called
 *         TACHYON_ERR_TOO_BIG   size exceeds tachyon_bus_max_message(): it would never fit
 *         TACHYON_ERR_CLOSED    the peer is gone, or the bus was shut down
 *         TACHYON_ERR_CORRUPT   the peer broke the protocol: destroy the bus
 *         -EBUSY                a reservation is open
 *
 * @thread sender
 */
int tachyon_bus_reserve(struct tachyon_bus *bus, size_t size, void **data, int64_t timeout_ns);

/**
 * Send the reserved message, and everything committed before, now.
 *
 * @param size  its bytes: at most those reserved
 * @param type  for the receiver, unchanged
 *
 * @return 0, or
 *         -EINVAL             nothing is reserved, or size exceeds it: the reservation stays
 *         TACHYON_ERR_CLOSED  the bus was shut down: the message is lost
 *
 * @thread sender
 */
int tachyon_bus_commit(struct tachyon_bus *bus, size_t size, uint32_t type);

/**
 * End the reserved message as part of a batch: the peer sees none of the batch until
 * tachyon_bus_flush(), then all of it at once. The sender's thread flushes by itself before it
 * sleeps, before tachyon_bus_prepare() arms, before it answers TACHYON_ERR_AGAIN and when it
 * closes.
 *
 * @return as tachyon_bus_commit()
 *
 * @thread sender
 */
int tachyon_bus_commit_unflushed(struct tachyon_bus *bus, size_t size, uint32_t type);

/** Make everything committed visible. @return 0, or TACHYON_ERR_CLOSED  @thread sender */
int tachyon_bus_flush(struct tachyon_bus *bus);

/**
 * Give up the reservation; nothing is sent. @return 0, or -EINVAL: nothing is reserved  @thread
 * sender
 */
int tachyon_bus_rollback(struct tachyon_bus *bus);

/**
 * Take the next message, in place. It stays readable until released; several may be held.
 *
 * What the peer committed before it closed or died is delivered before the end is reported.
 *
 * @param message  out: untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     none is there (timeout 0)
 *         TACHYON_ERR_TIMEDOUT  none came
 *         TACHYON_ERR_CANCELED  tachyon_bus_cancel() was called
 *         TACHYON_ERR_CLOSED    the peer is gone and everything was taken; see tachyon_bus_end()
 *         TACHYON_ERR_CORRUPT   the peer broke the protocol: destroy the bus
 *
 * @thread receiver
 */
int tachyon_bus_receive(struct tachyon_bus *bus, struct tachyon_message *message,
			int64_t timeout_ns);

/**
 * Take what is there: waits for one message, then takes up to count without waiting.
 *
 * @param messages  out: count entries
 *
 * @return how many (1 .. count), or as tachyon_bus_receive()
 *
 * @thread receiver
 */
int tachyon_bus_receive_batch(struct tachyon_bus *bus, struct tachyon_message *messages,
			      size_t count, int64_t timeout_ns);

/**
 * Give a message and all received before it back to the sender, who may then overwrite them.
 *
 * @return 0, or -EINVAL: it was released before, or is no message of this bus
 *
 * @thread receiver
 */
int tachyon_bus_release(struct tachyon_bus *bus, const struct tachyon_message *message);

/**
 * Look at a received message through memory that may be written to: for callers who hand it to code
 * that does not know const. What is written is seen by nobody else, and lost when this is called
 * again for another message. A page at a time is copied by the first write; reading copies nothing.
 *
 * @param message  received and not released
 * @param data     out: the same bytes, until the message is released; untouched on failure
 *
 * @return 0, or
 *         -EINVAL              the option has_private_view was not set, or it is no such message
 *         -ENOMEM, …           the kernel does not show the pages anew: copy the message
 *
 * @thread receiver
 */
int tachyon_bus_private_view(struct tachyon_bus *bus, const struct tachyon_message *message,
			     void **data);

/**
 * Make waits under way, and all until tachyon_bus_resume(), return TACHYON_ERR_CANCELED. @thread
 * any
 */
void tachyon_bus_cancel(struct tachyon_bus *bus);

/** Let waits wait again. @thread any */
void tachyon_bus_resume(struct tachyon_bus *bus);

/**
 * A descriptor for the caller's own poll: prepare, poll it for input, dispatch, receive.
 *
 * @return the descriptor; it is the bus's, never closed or read by the caller
 *
 * @thread any
 */
int tachyon_bus_fd(const struct tachyon_bus *bus);

/**
 * Before the caller's poll: flushes, then announces that this side is about to sleep.
 *
 * @return 1 when a message or the end is known to be there: do not poll; 0 when armed: the fd is,
 *         or becomes, readable when one is there
 *
 * @thread receiver
 */
int tachyon_bus_prepare(struct tachyon_bus *bus);

/** After the caller's poll, whether the fd was readable or not. @thread receiver */
void tachyon_bus_dispatch(struct tachyon_bus *bus);

/**
 * How the connection ended so far. The first end stays: what turns out to be corrupt in what a peer
 * left behind is told by the call that meets it alone, with TACHYON_ERR_CORRUPT.
 *
 * @thread any
 */
enum tachyon_end tachyon_bus_end(const struct tachyon_bus *bus);

/**
 * Fill in figures.
 *
 * @param stats  in: its size field; out: that many bytes
 *
 * @thread any; figures of another thread's work may lag
 */
void tachyon_bus_get_stats(const struct tachyon_bus *bus, struct tachyon_bus_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
