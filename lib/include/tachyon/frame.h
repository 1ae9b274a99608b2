/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Frames: one publisher, many subscribers, the payload written once.
 *
 * A publisher owns memory in blocks. Whoever produces a frame writes it into a block; each
 * subscriber reads it there and gives it back, in any order and from any thread. Beside frames a
 * subscriber receives the stream's state, in one order with them: caps, layout, clock, events, end
 * of stream; one that joins late receives the current state first, then the next frame.
 *
 * Times are nanoseconds, TACHYON_TIME_NONE where there is none. A timeout_ns is in nanoseconds:
 * negative waits for ever, 0 never waits (TACHYON_ERR_AGAIN).
 *
 * Thread rule: a publisher's functions may be called by any thread at any time but destroy; no call
 * but tachyon_publisher_wait() blocks. A subscriber is used by one thread at a time, but for what
 * says "any". Frames are released by any thread.
 *
 * Any call may return TACHYON_ERR_FORKED in a child of the process that made the object, and
 * -EINVAL for a NULL or out-of-range argument.
 *
 * What takes memory or descriptors (create, adopt, connect, configure, acquire, lend, publish,
 * commit, send) may also return what the kernel says where it has no more, or a filter forbids a
 * call: -ENOMEM, -ENOBUFS, -ENOSPC, -EMFILE, -ENFILE, -EPERM, -EACCES, -ENOSYS. Nothing is left
 * then, and a later try may succeed.
 */
#ifndef TACHYON_FRAME_H
#define TACHYON_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <tachyon/bus.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TACHYON_TIME_NONE UINT64_MAX
#define TACHYON_OFFSET_NONE UINT64_MAX

/** The most subscribers of one publisher. */
#define TACHYON_SUBSCRIBERS_MAX 64

struct tachyon_publisher;
struct tachyon_subscriber;
struct tachyon_block;

/**
 * Frame flags. The numbers are those of GStreamer's GstBufferFlags, an ABI of that project; other
 * bits from 20 up are the media type's own and travel unchanged, the rest are dropped.
 */
enum tachyon_frame_flags {
	TACHYON_FRAME_LIVE = 1 << 4,
	TACHYON_FRAME_DECODE_ONLY = 1 << 5,
	TACHYON_FRAME_DISCONT = 1 << 6,
	TACHYON_FRAME_RESYNC = 1 << 7,
	TACHYON_FRAME_CORRUPTED = 1 << 8,
	TACHYON_FRAME_MARKER = 1 << 9,
	TACHYON_FRAME_HEADER = 1 << 10,
	TACHYON_FRAME_GAP = 1 << 11,
	TACHYON_FRAME_DROPPABLE = 1 << 12,
	TACHYON_FRAME_DELTA_UNIT = 1 << 13,
	TACHYON_FRAME_SYNC_AFTER = 1 << 15,
	TACHYON_FRAME_NON_DROPPABLE = 1 << 16,
};

/**
 * One frame: a piece of a block, its times, and its metadata.
 *
 * A value: copying the struct copies no reference. Exactly one tachyon_frame_release() belongs to
 * each frame that acquire or receive filled in.
 */
struct tachyon_frame {
	/**
	 * the payload: writable after acquire, read-only memory after receive; NULL when it lies
	 * behind a descriptor, see tachyon_frame_descriptor()
	 */
	void *data;
	/** bytes of payload */
	size_t size;
	uint64_t pts;
	uint64_t dts;
	uint64_t duration;
	/** media-specific position, TACHYON_OFFSET_NONE where there is none */
	uint64_t offset;
	uint64_t offset_end;
	/** enum tachyon_frame_flags */
	uint32_t flags;
	/** received only: enum tachyon_frame_hints */
	uint32_t hints;
	/** tagged records, see tachyon_record_next(); NULL when metadata_size is 0 */
	const void *metadata;
	size_t metadata_size;
	/** the reference that this frame holds */
	struct tachyon_block *block;
};

enum tachyon_frame_hints {
	/** few blocks are left: a receiver that keeps frames should copy this one and release it */
	TACHYON_FRAME_SCARCE = 1 << 0,
	/** frames before this one were skipped or dropped for this subscriber */
	TACHYON_FRAME_AFTER_DROP = 1 << 1,
};

/** Up to four planes of a picture: the default for the frames that follow. */
struct tachyon_layout {
	uint32_t width;	 /**< pixels */
	uint32_t height; /**< pixels */
	uint32_t plane_count;
	uint32_t reserved;
	uint64_t offset[4]; /**< bytes from the start of the payload */
	int32_t stride[4];  /**< bytes from line to line */
};

/** What relates the producer's timestamps to this machine's time. */
struct tachyon_clock {
	/** the producer's running time 0 on CLOCK_MONOTONIC, or TACHYON_TIME_NONE */
	uint64_t base_time;
	/** how far behind its running time a frame may be sent, ns; 0: the producer is not live */
	uint64_t latency;
};

/** Where stream state stands in the order in which a late subscriber receives it. */
enum tachyon_order {
	TACHYON_ORDER_CLOCK = 0,
	TACHYON_ORDER_STREAM_START = 40,
	TACHYON_ORDER_CAPS = 50,
	TACHYON_ORDER_LAYOUT = 51,
	TACHYON_ORDER_SEGMENT = 70,
	TACHYON_ORDER_EOS = 110,
};

enum tachyon_event_flags {
	/**
	 * stream state: replaces an earlier one of the same type and id; late subscribers get it
	 */
	TACHYON_EVENT_STICKY = 1 << 0,
};

/** Something in order with the frames, whose content the two ends agree on. */
struct tachyon_event {
	/** what it is: a number the two ends agree on */
	uint32_t type;
	/** enum tachyon_event_flags */
	uint32_t flags;
	/** sticky events: their place, compare enum tachyon_order */
	uint32_t order;
	/** sticky events: tells several of one type apart */
	uint32_t id;
	const void *data;
	size_t size;
};

enum tachyon_item_type {
	TACHYON_ITEM_FRAME = 1,
	TACHYON_ITEM_CAPS = 2,
	TACHYON_ITEM_LAYOUT = 3,
	TACHYON_ITEM_CLOCK = 4,
	TACHYON_ITEM_EVENT = 5,
	TACHYON_ITEM_EOS = 6,
};

/** What a subscriber receives. Only the member that type names is filled in. */
struct tachyon_item {
	enum tachyon_item_type type;
	/** the caller's, until tachyon_frame_release() */
	struct tachyon_frame frame;
	/** NUL-terminated, in GStreamer's caps syntax; valid until the next receive */
	const char *caps;
	struct tachyon_layout layout;
	struct tachyon_clock clock;
	/** its data is valid until the next receive */
	struct tachyon_event event;
};

/* --- frames --- */

/**
 * Give a frame's block back. NULL and a frame without a block are fine; the block field is cleared.
 *
 * After receive: tells the publisher, which may overwrite the payload. After acquire: the block is
 * free once subscribers have released it too. Works after the subscriber or publisher is destroyed.
 *
 * @thread any
 */
void tachyon_frame_release(struct tachyon_frame *frame);

/**
 * Ask whether the payload read so far was still the frame's own.
 *
 * A publisher that drops a subscriber may use its blocks again at once. Whoever must know calls
 * this after reading. Of a payload behind a descriptor nobody knows better than this: it answers 1
 * while the publisher has not closed the connection.
 *
 * @return 1 when the block was not given up since the frame was sent, else 0
 *
 * @thread any
 */
int tachyon_frame_is_valid(const struct tachyon_frame *frame);

/**
 * Where the payload lies of a received frame whose data is NULL: behind a descriptor that the
 * publisher was lent, and lends.
 *
 * The descriptor is the subscriber's, never closed by the caller, and valid until the frame is
 * released; dup() it to keep it. It is a dma-buf, or a memory file that cannot shrink: mapping
 * *size bytes of it never raises SIGBUS, for want of a file. Whoever has it may be able to write to
 * it, and others may write to it once the frame is released.
 *
 * @param fd      out: the descriptor
 * @param offset  out: of the payload in it; with the frame's size at most *size
 * @param size    out: bytes of the descriptor that may be used
 * @param id      out: never another descriptor's in this process: what was made of it, such as a
 *                mapping, can be found again by this
 *
 * @return 0, or -ENOENT: the payload is at frame->data
 *
 * @thread any
 */
int tachyon_frame_descriptor(const struct tachyon_frame *frame, int *fd, uint64_t *offset,
			     uint64_t *size, uint64_t *id);

/** One record of a frame's metadata. */
struct tachyon_record {
	uint32_t type;
	uint32_t size;
	const void *data; /**< 8-byte aligned when the metadata is */
};

/**
 * Record types below this are the protocol's own (PROTOCOL.md 7); those above belong to the ends.
 */
#define TACHYON_RECORD_USER 64u

/**
 * Walk a frame's metadata.
 *
 * @param position  in and out: 0 at first
 * @param record    out: the record; it points into the frame's metadata
 *
 * @return 1, 0 at the end, or TACHYON_ERR_CORRUPT when what follows is no record
 *
 * @thread any
 */
int tachyon_record_next(const struct tachyon_frame *frame, size_t *position,
			struct tachyon_record *record);

/**
 * Append a record to a buffer that becomes a frame's metadata.
 *
 * @param buffer    capacity bytes, 8-byte aligned
 * @param used      in and out: bytes used
 * @param type      TACHYON_RECORD_USER or above
 * @param data      its content; may be NULL when size is 0
 *
 * @return 0, or TACHYON_ERR_TOO_BIG: it does not fit, nothing was appended
 *
 * @thread any
 */
int tachyon_record_append(void *buffer, size_t capacity, size_t *used, uint32_t type,
			  const void *data, size_t size);

/* --- publisher --- */

/**
 * What happens to a frame for a subscriber that has max_buffers of them waiting. Save with
 * TACHYON_POLICY_BLOCK, it happens also to one that holds more than its share of the blocks, when
 * few are free; and when there is none for a second, whoever holds most above its share is dropped.
 */
enum tachyon_policy {
	TACHYON_POLICY_BLOCK = 0,      /**< publish answers AGAIN for all: nobody misses a frame */
	TACHYON_POLICY_DROP = 1,       /**< that subscriber misses it */
	TACHYON_POLICY_DISCONNECT = 2, /**< that subscriber is dropped */
};

/** How to open a publisher. All zero (but size) means default; new fields go last. */
struct tachyon_publisher_options {
	/** sizeof(struct tachyon_publisher_options) */
	uint32_t size;
	/** enum tachyon_policy */
	uint32_t policy;
	/** frames that may wait for one subscriber; 0: as many as make 16 MiB, 3 at least */
	uint32_t max_buffers;
	/** subscribers at a time; 0 means TACHYON_SUBSCRIBERS_MAX */
	uint32_t max_subscribers;
	/** bytes of the ring to each subscriber; rounded up to a power of two; 0 means 64 KiB */
	uint64_t ring_size;
	/** bytes of payload memory at the most; 0 means 1 GiB */
	uint64_t max_bytes;
	/** POLICY_BLOCK: a subscriber that holds up a frame for so long is dropped; 0: never */
	uint64_t stall_timeout_ns;
	struct tachyon_access access;
};

/** Figures of a publisher since it was made. Counters wrap at 2^64. */
struct tachyon_publisher_stats {
	/** in: sizeof(struct tachyon_publisher_stats) */
	uint32_t size;
	uint32_t subscribers;	/**< now */
	uint64_t frames;	/**< that went to a subscriber, each once however many did */
	uint64_t bytes;		/**< their payload */
	uint64_t copied;	/**< frames whose payload was copied: tachyon_publisher_send() */
	uint64_t dropped;	/**< frames that a subscriber missed, each once per subscriber */
	uint64_t waits;		/**< times a thread slept in tachyon_publisher_wait() */
	uint64_t wakes;		/**< times a sleeping subscriber was rung */
	uint64_t queued;	/**< frames not yet received by the slowest subscriber, now */
	uint64_t blocks;	/**< of all segments, now */
	uint64_t blocks_free;	/**< now */
	uint64_t payload_bytes; /**< of all segments, now */
};

/** Figures of one subscriber, at its publisher, since it joined. */
struct tachyon_client_stats {
	/** in: sizeof(struct tachyon_client_stats) */
	uint32_t size;
	uint32_t pid;	     /**< of its process; 0 where unknown */
	uint64_t subscriber; /**< as in its notices */
	uint64_t dropped;    /**< frames that it missed */
	uint64_t queued;     /**< frames that it has not received, now */
	uint64_t held;	     /**< blocks that it has not given back, now */
};

/**
 * Claim an address and be ready for subscribers. No memory for payload is taken yet.
 *
 * @param address    as for tachyon_listener_create(); NULL: none, subscribers come only by
 *                   tachyon_publisher_adopt()
 * @param options    NULL for defaults
 * @param publisher  out: the caller's until tachyon_publisher_destroy(); untouched on failure
 *
 * @return 0, or as tachyon_listener_create()
 *
 * @thread any
 */
int tachyon_publisher_create(const char *address, const struct tachyon_publisher_options *options,
			     struct tachyon_publisher **publisher);

/**
 * Let one more subscriber join over a connected AF_UNIX SOCK_SEQPACKET socket, such as one end of a
 * socketpair() whose other end tachyon_subscriber_adopt() gets.
 *
 * It is duplicated: close yours, and use it no more. Its handshake goes on in
 * tachyon_publisher_dispatch(); the user at the other end must be let in by options->access.
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN   too many handshakes are under way: try later
 *         TACHYON_ERR_DENIED  the other end belongs to a user who is not let in
 *         TACHYON_ERR_CLOSED  tachyon_publisher_shutdown() was called
 *         -EINVAL             it is no such socket
 *         -EMFILE, -ENOMEM    it cannot be duplicated, or watched
 *
 * @thread any
 */
int tachyon_publisher_adopt(struct tachyon_publisher *publisher, int sock);

/**
 * Close every connection and give up the address; what was published is still received. Frames
 * acquired stay usable until released. Cookies not yet reclaimed are gone: take them first with
 * tachyon_publisher_shutdown() and tachyon_publisher_reclaim(). NULL is fine.
 *
 * @thread no call may start meanwhile, but tachyon_frame_release(); a thread asleep in
 *         tachyon_publisher_wait() is woken and waited for
 */
void tachyon_publisher_destroy(struct tachyon_publisher *publisher);

/**
 * Close every connection in order; all publications are over. New subscribers may join. @thread any
 */
void tachyon_publisher_disconnect(struct tachyon_publisher *publisher);

/**
 * End for good, so that every thread leaves: closes every connection in order, and makes each call
 * under way or later that would send, acquire or wait return TACHYON_ERR_CLOSED. All publications
 * are over: their cookies can be reclaimed. What was published is still received, and stays valid
 * as long as whoever holds its blocks does not write to them.
 *
 * @thread any
 */
void tachyon_publisher_shutdown(struct tachyon_publisher *publisher);

/**
 * A descriptor to poll for input: readable when tachyon_publisher_dispatch() has something to do
 * (a subscriber comes or goes, or, after tachyon_publisher_prepare(), returns a frame).
 *
 * @return the descriptor; it is the publisher's, never closed or read by the caller
 *
 * @thread any
 */
int tachyon_publisher_fd(const struct tachyon_publisher *publisher);

/**
 * Let subscribers join, notice those that left, take back frames. Never waits. Something must
 * call it while the fd is readable, also when no frames flow.
 *
 * @return 0, or TACHYON_ERR_FORKED
 *
 * @thread any
 */
int tachyon_publisher_dispatch(struct tachyon_publisher *publisher);

/**
 * Before the caller's poll of the fd: ask to be woken when a subscriber returns a frame or reads.
 *
 * @return 1 when something was returned meanwhile: do not poll; 0 when armed
 *
 * @thread any
 */
int tachyon_publisher_prepare(struct tachyon_publisher *publisher);

/**
 * Sleep until something changes: a frame came back, a ring has room, a subscriber came or went.
 * The caller then tries again what answered AGAIN.
 *
 * Returns at once if something changed since this thread was last answered AGAIN, or last
 * returned from here; so does a thread's first call, since what it looked at before may be old.
 *
 * It dispatches meanwhile, and returns when a notice came of it. A thread that polls the fd may
 * sleep on then: who takes notices elsewhere is to be told, or they are to be taken here.
 *
 * @return 0, or
 *         TACHYON_ERR_TIMEDOUT  nothing changed
 *         TACHYON_ERR_CANCELED  tachyon_publisher_cancel() was called
 *         TACHYON_ERR_CLOSED    tachyon_publisher_shutdown() was called
 *
 * @thread any, several at once
 */
int tachyon_publisher_wait(struct tachyon_publisher *publisher, int64_t timeout_ns);

/** Make waits under way, and all until resume, return TACHYON_ERR_CANCELED. @thread any */
void tachyon_publisher_cancel(struct tachyon_publisher *publisher);

/** Let waits wait again. @thread any */
void tachyon_publisher_resume(struct tachyon_publisher *publisher);

/**
 * Change what a slow subscriber meets.
 *
 * @param policy       enum tachyon_policy
 * @param max_buffers  as in the options
 *
 * @return 0
 *
 * @thread any
 */
int tachyon_publisher_set_policy(struct tachyon_publisher *publisher, uint32_t policy,
				 uint32_t max_buffers);

/**
 * Prepare memory for frames of a size, before the first is acquired: adds a segment so that count
 * blocks are there, and retires segments whose blocks such frames would not use.
 *
 * @param size   bytes of a frame, 1 .. 2 GiB
 * @param count  blocks; 0 leaves it to the library
 *
 * @return 0, or
 *         TACHYON_ERR_TOO_BIG  size or the memory needed exceeds the limit max_bytes
 *         -ENOMEM, -ENOSPC, -EMFILE  the memory cannot be had
 *
 * @thread any
 */
int tachyon_publisher_configure(struct tachyon_publisher *publisher, size_t size, uint32_t count);

/**
 * Take a free block to write the next frame into.
 *
 * Never waits; may add a segment, up to the limit max_bytes. Times are NONE, offsets NONE, the
 * rest 0. The frame is the caller's until tachyon_frame_release(), tachyon_publisher_commit() or
 * tachyon_publisher_abandon(). Payload starts at a page boundary.
 *
 * @param size   bytes needed, 1 .. 2 GiB
 * @param frame  out: the frame, its size as asked; untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN    every block is in use and the limit reached: wait, then try again
 *         TACHYON_ERR_TOO_BIG  size exceeds the limit: it would never fit
 *         TACHYON_ERR_CLOSED   tachyon_publisher_shutdown() was called
 *         -ENOMEM, -ENOSPC, -EMFILE  the memory cannot be had
 *
 * @thread any
 */
int tachyon_publisher_acquire(struct tachyon_publisher *publisher, size_t size,
			      struct tachyon_frame *frame);

/** Give an acquired frame back unsent: tachyon_frame_release() by its other name. @thread any */
void tachyon_publisher_abandon(struct tachyon_publisher *publisher, struct tachyon_frame *frame);

/**
 * Send a frame to every subscriber, keeping the caller's reference to its block.
 *
 * The payload must not change until all subscribers have released it: hold what guards it until the
 * cookie comes back. Nothing of *frame but the payload is used after the call. data and size may
 * name any part of the block; a block may be published again.
 *
 * @param frame   block from tachyon_publisher_acquire() on this publisher
 * @param cookie  comes back from tachyon_publisher_reclaim() once, when the publication is over;
 *                only where this returns more than 0. NULL: does not come back
 *
 * @return how many subscribers it went to (0: the cookie stays the caller's), or
 *         TACHYON_ERR_AGAIN    POLICY_BLOCK and a subscriber is behind: nobody got it; wait, try
 *                              again
 *         TACHYON_ERR_TOO_BIG  the metadata exceeds 16 MiB
 *         TACHYON_ERR_CLOSED   tachyon_publisher_shutdown() was called
 *         -EINVAL              block is not of this publisher, data and size lie outside it, or the
 *                              metadata are no records
 *
 * @thread any; the order of concurrent calls is theirs
 */
int tachyon_publisher_publish(struct tachyon_publisher *publisher,
			      const struct tachyon_frame *frame, void *cookie);

/**
 * Send a frame and give up the caller's reference: publish, then release.
 *
 * @return as tachyon_publisher_publish(); on failure the frame is still the caller's
 *
 * @thread any
 */
int tachyon_publisher_commit(struct tachyon_publisher *publisher, struct tachyon_frame *frame);

/**
 * Send a frame whose payload is ordinary memory: one copy, counted. Payloads of up to 256 bytes,
 * and empty ones, travel in the ring and take no block.
 *
 * @param frame  data, size, times, flags, metadata; block is ignored. Nothing is kept
 *
 * @return how many subscribers it went to (0: nothing was copied), or
 *         TACHYON_ERR_AGAIN    a subscriber is behind, or no block is free: wait, try again
 *         TACHYON_ERR_TOO_BIG  size exceeds the limit, or the metadata 16 MiB
 *         -ENOMEM, -ENOSPC, -EMFILE  the memory cannot be had
 *
 * @thread any
 */
int tachyon_publisher_send(struct tachyon_publisher *publisher, const struct tachyon_frame *frame);

/**
 * Lend memory that somebody else made, so that frames can lie in it: a dma-buf, or a memory file
 * sealed against shrinking (F_SEAL_SHRINK).
 *
 * The descriptor is duplicated, and crosses once to each subscriber that gets a frame in it; then
 * it has a number, and costs no system call. Neither end maps it, and it counts to no limit of
 * bytes. What a subscriber may do with it is what the descriptor's own access mode lets it.
 *
 * @param fd     the caller's
 * @param size   bytes of it that frames may use, 1 .. 2 GiB
 * @param block  out: the caller's until tachyon_publisher_take_back(); untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN    1024 are lent, or taken back and not yet forgotten by subscribers
 *         TACHYON_ERR_TOO_BIG  size exceeds 2 GiB
 *         TACHYON_ERR_CLOSED   tachyon_publisher_shutdown() was called
 *         -EINVAL              it is neither of the two, or has fewer bytes
 *         -ENOMEM, -EMFILE     it cannot be duplicated
 *
 * @thread any
 */
int tachyon_publisher_lend(struct tachyon_publisher *publisher, int fd, uint64_t size,
			   struct tachyon_block **block);

/**
 * Lend it no longer: no frame is published in it any more. Those that are out go on; once they are
 * back subscribers are told to forget it. NULL is fine. tachyon_publisher_destroy() takes back all
 * that is left.
 *
 * @param block  from tachyon_publisher_lend() on this publisher; gone afterwards
 *
 * @thread any; no call may be publishing it
 */
void tachyon_publisher_take_back(struct tachyon_publisher *publisher, struct tachyon_block *block);

/**
 * Send a frame that lies in lent memory: as tachyon_publisher_publish(), but data is ignored, and
 * the payload is size bytes at offset in the block. A subscriber that did not say
 * takes_descriptors misses it: that is counted as dropped.
 *
 * @param frame   block from tachyon_publisher_lend() on this publisher
 * @param offset  bytes; offset + size lies in the block
 * @param cookie  as for tachyon_publisher_publish()
 *
 * @return as tachyon_publisher_publish()
 *
 * @thread any; the order of concurrent calls is theirs
 */
int tachyon_publisher_publish_lent(struct tachyon_publisher *publisher,
				   const struct tachyon_frame *frame, uint64_t offset,
				   void *cookie);

/**
 * Hold back what is published, so that it shows all at once: between cork and uncork frames, state
 * and events go to the rings, and nobody sees or is woken by them before the uncork, which wakes
 * each subscriber once. For what belongs together, such as a list of frames.
 *
 * What is held back shows early where somebody would wait for it in vain: when a call answers
 * TACHYON_ERR_AGAIN, or tachyon_publisher_wait() is called, on any thread; to a subscriber that has
 * no room; and where a connection is closed. Corks nest, and hold back what all threads publish:
 * each thread takes out what it put in, soon, and before it polls by itself.
 *
 * @thread any
 */
void tachyon_publisher_cork(struct tachyon_publisher *publisher);
/** Take a cork out; with the last one, all shows. Without one it does nothing. @thread any */
void tachyon_publisher_uncork(struct tachyon_publisher *publisher);

/**
 * Take the cookie of a publication that is over, so that what guarded its payload can go.
 *
 * @return a cookie given to tachyon_publisher_publish(), or NULL when none is left now
 *
 * @thread any
 */
void *tachyon_publisher_reclaim(struct tachyon_publisher *publisher);

/**
 * Send state: what the frames that follow are. Sticky: it replaces what was set before, and who
 * joins later gets it. Never waits: a subscriber that has no room for it now gets it before its
 * next frame.
 *
 * @param caps  NUL-terminated UTF-8, not empty, below 16 MiB; copied
 *
 * @return 0, or
 *         TACHYON_ERR_TOO_BIG  caps are 16 MiB or more
 *         TACHYON_ERR_CLOSED   tachyon_publisher_shutdown() was called
 *         -EINVAL              caps are empty, or no UTF-8
 *         -ENOMEM              out of memory: nothing was sent
 *
 * @thread any
 */
int tachyon_publisher_set_caps(struct tachyon_publisher *publisher, const char *caps);
/** The same for the layout of planes. */
int tachyon_publisher_set_layout(struct tachyon_publisher *publisher,
				 const struct tachyon_layout *layout);
/** The same for the clock. */
int tachyon_publisher_set_clock(struct tachyon_publisher *publisher,
				const struct tachyon_clock *clock);
/**
 * Send an event. A sticky one is state, as above. Any other is sent once, to those who have joined:
 * under POLICY_BLOCK to all or nobody; else who has no room for it goes without.
 *
 * @return as tachyon_publisher_set_caps(), or, not sticky, under POLICY_BLOCK
 *         TACHYON_ERR_AGAIN    a subscriber is behind, or no block is free: wait, try again
 *
 * @thread any
 */
int tachyon_publisher_send_event(struct tachyon_publisher *publisher,
				 const struct tachyon_event *event);
/** The same for the end of the stream; frames may follow after tachyon_publisher_forget(). */
int tachyon_publisher_send_eos(struct tachyon_publisher *publisher);

/**
 * Send an event beside the ring: it overtakes what is in there, and finds a subscriber whose
 * receiving thread is busy elsewhere. Never waits. Urgent events keep their order among each other;
 * to frames and other events they have none. They are for what is rare: each costs system calls.
 *
 * @param subscriber  as in notices; 0: all that take them, also those that still join
 * @param event       at most 4 KiB of data; TACHYON_EVENT_STICKY means nothing here
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN    too many wait for a subscriber, which did not get it; others did
 *         TACHYON_ERR_TOO_BIG  above 4 KiB of data: send it in the ring
 *         TACHYON_ERR_CLOSED   tachyon_publisher_shutdown() was called
 *         -ENOENT              there is no such subscriber, or no more
 *         -ENOTSUP             it takes none (its options, or an older library): send it in the
 *                              ring
 *
 * @thread any
 */
int tachyon_publisher_send_urgent(struct tachyon_publisher *publisher, uint64_t subscriber,
				  const struct tachyon_event *event);

/**
 * Forget sticky state of this order and later: late subscribers do not get it. Sends nothing.
 *
 * @param order  compare enum tachyon_order; 0 forgets everything
 *
 * @thread any
 */
void tachyon_publisher_forget(struct tachyon_publisher *publisher, uint32_t order);

enum tachyon_notice_type {
	TACHYON_NOTICE_JOINED = 1,
	TACHYON_NOTICE_LEFT = 2,
	TACHYON_NOTICE_EVENT = 3,
};

/** Something a subscriber did. */
struct tachyon_notice {
	enum tachyon_notice_type type;
	uint32_t pid; /**< of its process; 0 where unknown */
	/** tells subscribers apart; never used twice by one publisher */
	uint64_t subscriber;
	/** NOTICE_LEFT: how; TACHYON_END_LOCAL: the publisher gave up on it */
	enum tachyon_end end;
	/** NOTICE_EVENT: what it sent; data is valid until the next call of next_notice */
	struct tachyon_event event;
};

/**
 * Take the next notice. At most 256 events wait, and 64 KiB of one subscriber's; newer ones are
 * dropped. Joined and left are not, but where 1024 notices wait both of one subscriber go together.
 *
 * @return 1, or 0 when there is none
 *
 * @thread one at a time
 */
int tachyon_publisher_next_notice(struct tachyon_publisher *publisher,
				  struct tachyon_notice *notice);

/** Subscribers that have joined, now. @thread any */
uint32_t tachyon_publisher_subscribers(struct tachyon_publisher *publisher);

/**
 * The one of them that came last, as in notices; 0: there is none. What is published from now on
 * goes to all that came no later. @thread any
 */
uint64_t tachyon_publisher_newest(struct tachyon_publisher *publisher);

/** The most blocks that any subscriber said it wants to hold at a time. @thread any */
uint32_t tachyon_publisher_need(struct tachyon_publisher *publisher);

/** Fill in figures. stats: in: its size field; out: that many bytes. @thread any */
void tachyon_publisher_get_stats(struct tachyon_publisher *publisher,
				 struct tachyon_publisher_stats *stats);

/**
 * Fill in figures of one subscriber.
 *
 * @param index  0 .. TACHYON_SUBSCRIBERS_MAX - 1: a subscriber keeps its index as long as it stays
 * @param stats  in: its size field; out: that many bytes; untouched on failure
 *
 * @return 0, -ENOENT (nobody has that index now), -EINVAL
 *
 * @thread any
 */
int tachyon_publisher_get_client_stats(struct tachyon_publisher *publisher, uint32_t index,
				       struct tachyon_client_stats *stats);

/* --- subscriber --- */

/** How to open a subscriber. All zero (but size) means default; new fields go last. */
struct tachyon_subscriber_options {
	/** sizeof(struct tachyon_subscriber_options) */
	uint32_t size;
	/** polls of the ring before a wait sleeps; 0 means none */
	uint32_t spin;
	/**
	 * bytes of the ring for returns: it bounds the frames held to size / 128; 0 means 64 KiB
	 */
	uint64_t ring_size;
	/** bytes of payload memory that a publisher may make us map; 0 means 4 GiB */
	uint64_t max_bytes;
	/** non-zero: receive skips to the newest frame that is there */
	uint32_t latest_only;
	/** non-zero: a publisher of any user is accepted; else it is our own or root */
	uint32_t any_uid;
	/**
	 * non-zero: payloads may be written to: for callers who hand them to code that does not
	 * know const. What is written is seen by nobody else, and lost when the frame is released,
	 * or a frame in the same memory is received. A page at a time is copied by the first
	 * write; reading copies nothing. Each frame received costs a look at the page table
	 * (about 35 ns for each page read so far)
	 */
	uint32_t is_private;
	/**
	 * asked by connect, on the caller's thread, at least ten times a second while it waits:
	 * non-zero ends it with TACHYON_ERR_CANCELED. NULL: only tachyon_subscriber_cancel() does
	 */
	int (*is_canceled)(void *data);
	void *is_canceled_data;
	/**
	 * non-zero: frames may lie behind a descriptor, and have no data then: see
	 * tachyon_frame_descriptor(). Else such frames are missed, and counted as dropped
	 */
	uint32_t takes_descriptors;
	/**
	 * non-zero: urgent events are exchanged with the publisher, both ways: something calls
	 * tachyon_subscriber_receive_urgent() as long as this lives
	 */
	uint32_t takes_urgent;
};

/** Figures of a subscriber since it was made, over all its connections. Counters wrap at 2^64. */
struct tachyon_subscriber_stats {
	/** in: sizeof(struct tachyon_subscriber_stats) */
	uint32_t size;
	uint32_t peer_pid;     /**< of the publisher; 0 where unknown or not connected */
	uint64_t frames;       /**< received */
	uint64_t bytes;	       /**< their payload */
	uint64_t copied;       /**< those that came in the ring and were copied out */
	uint64_t dropped;      /**< frames skipped by latest_only */
	uint64_t held;	       /**< received and not released, now */
	uint64_t sleeps;       /**< times a wait went to the kernel */
	uint64_t connects;     /**< times it was connected */
	uint64_t mapped_bytes; /**< of payload segments, now */
};

/**
 * Make a subscriber. It connects to nothing yet.
 *
 * @param address     as for tachyon_listener_create(); NULL: none, only tachyon_subscriber_adopt()
 *                    connects
 * @param options     NULL for defaults
 * @param subscriber  out: the caller's until tachyon_subscriber_destroy(); untouched on failure
 *
 * @return 0, -ENAMETOOLONG or -ENOMEM, -EMFILE
 *
 * @thread any
 */
int tachyon_subscriber_create(const char *address, const struct tachyon_subscriber_options *options,
			      struct tachyon_subscriber **subscriber);

/** Leave, in order. Frames received stay readable until released. NULL is fine. @thread no call may
 * start meanwhile, but tachyon_frame_release() */
void tachyon_subscriber_destroy(struct tachyon_subscriber *subscriber);

/**
 * Connect to the publisher, waiting for it to appear, and up to 2 s more for its answer. The
 * connection there was is left first.
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     nobody listens (timeout 0)
 *         TACHYON_ERR_TIMEDOUT  nobody listened, or answered, in time
 *         TACHYON_ERR_CANCELED  tachyon_subscriber_cancel() was called, or options->is_canceled
 *                               said so
 *         -EBUSY                the publisher has all the subscribers it takes: try later
 *         and as tachyon_bus_connect()
 *
 * @thread one at a time
 */
int tachyon_subscriber_connect(struct tachyon_subscriber *subscriber, int64_t timeout_ns);

/**
 * Connect over a connected AF_UNIX SOCK_SEQPACKET socket, whose other end
 * tachyon_publisher_adopt() gets, or has. The connection there was is left first.
 *
 * It is duplicated: close yours, and use it no more, whatever this answers but -EINVAL and -EMFILE.
 *
 * @param timeout_ns  for the publisher's answer; at least 2 s
 *
 * @return as tachyon_subscriber_connect(), or
 *         -EINVAL  it is no such socket
 *         -EMFILE  it cannot be duplicated
 *
 * @thread one at a time
 */
int tachyon_subscriber_adopt(struct tachyon_subscriber *subscriber, int sock, int64_t timeout_ns);

/**
 * Take the next frame or piece of state.
 *
 * What was sent before the publisher closed or died is delivered before the end is reported.
 *
 * @param item  out: untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     nothing is there (timeout 0)
 *         TACHYON_ERR_TIMEDOUT  nothing came
 *         TACHYON_ERR_CANCELED  tachyon_subscriber_cancel() was called
 *         TACHYON_ERR_CLOSED    the publisher is gone (tachyon_subscriber_end() says how), or it
 *                               was never connected: connect
 *         TACHYON_ERR_CORRUPT   the publisher broke the protocol: connect anew, or give up
 *         TACHYON_ERR_TOO_BIG   its payload exceeds max_bytes
 *         -ENOMEM, -EMFILE, -ENFILE, -EPERM  a segment could not be mapped: connect anew
 *
 * @thread one at a time
 */
int tachyon_subscriber_receive(struct tachyon_subscriber *subscriber, struct tachyon_item *item,
			       int64_t timeout_ns);

/**
 * Send an event to the publisher (a request for a key frame, a measurement, …). Not sticky.
 *
 * @return 0, TACHYON_ERR_AGAIN (no room now), TACHYON_ERR_TOO_BIG (above 4 KiB, or half the
 *         ring for returns), TACHYON_ERR_CLOSED
 *
 * @thread any
 */
int tachyon_subscriber_send_event(struct tachyon_subscriber *subscriber,
				  const struct tachyon_event *event);

/**
 * Send an event to the publisher beside the ring: it makes tachyon_publisher_fd() readable at once,
 * and comes out as TACHYON_NOTICE_EVENT. Never waits. As tachyon_publisher_send_urgent().
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN    too many wait for the publisher: try later
 *         TACHYON_ERR_TOO_BIG  above 4 KiB of data
 *         TACHYON_ERR_CLOSED   not connected
 *         -ENOTSUP             the publisher takes none (an older library), or
 *                              options->takes_urgent is 0: tachyon_subscriber_send_event() does
 *
 * @thread any
 */
int tachyon_subscriber_send_urgent(struct tachyon_subscriber *subscriber,
				   const struct tachyon_event *event);

/**
 * Take the next urgent event. Waits also while not connected, and goes on over reconnects: what
 * came before a connection ended is still taken. At most 256 wait, and 64 KiB; newer ones are
 * dropped, and those for which there is no memory.
 *
 * @param event  out: its data is valid until the next call; untouched on failure
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN     none is there (timeout 0)
 *         TACHYON_ERR_TIMEDOUT  none came
 *         TACHYON_ERR_CANCELED  tachyon_subscriber_cancel_urgent() was called
 *         -ENOTSUP              options->takes_urgent is 0
 *
 * @thread one at a time, beside the one that connects and receives
 */
int tachyon_subscriber_receive_urgent(struct tachyon_subscriber *subscriber,
				      struct tachyon_event *event, int64_t timeout_ns);

/**
 * Make a wait for urgent events under way, and all until resume, return TACHYON_ERR_CANCELED.
 * tachyon_subscriber_cancel() does not end it, nor this a receive. @thread any
 */
void tachyon_subscriber_cancel_urgent(struct tachyon_subscriber *subscriber);
/** Let it wait again. @thread any */
void tachyon_subscriber_resume_urgent(struct tachyon_subscriber *subscriber);

/**
 * A descriptor to poll for input: readable when tachyon_subscriber_receive_urgent() has something
 * to do, be it that nothing comes of it. The same one for the subscriber's life, over reconnects.
 *
 * @return the descriptor, which is the subscriber's, never closed or read by the caller; -1 where
 *         options->takes_urgent is 0
 *
 * @thread any
 */
int tachyon_subscriber_urgent_fd(struct tachyon_subscriber *subscriber);

/**
 * Say how many frames this side wants to hold at a time; kept over reconnects. @return 0 @thread
 * any
 */
int tachyon_subscriber_set_need(struct tachyon_subscriber *subscriber, uint32_t blocks);

/** Make waits under way, and all until resume, return TACHYON_ERR_CANCELED. @thread any */
void tachyon_subscriber_cancel(struct tachyon_subscriber *subscriber);
/** Let waits wait again. @thread any */
void tachyon_subscriber_resume(struct tachyon_subscriber *subscriber);

/** As tachyon_bus_fd(); it changes with each connect. -1 while not connected. @thread any */
int tachyon_subscriber_fd(struct tachyon_subscriber *subscriber);
/** As tachyon_bus_prepare(). */
int tachyon_subscriber_prepare(struct tachyon_subscriber *subscriber);
/** As tachyon_bus_dispatch(). */
void tachyon_subscriber_dispatch(struct tachyon_subscriber *subscriber);

/** How the last connection ended so far. @thread any */
enum tachyon_end tachyon_subscriber_end(struct tachyon_subscriber *subscriber);

/** Fill in figures. stats: in: its size field; out: that many bytes. @thread any */
void tachyon_subscriber_get_stats(struct tachyon_subscriber *subscriber,
				  struct tachyon_subscriber_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
