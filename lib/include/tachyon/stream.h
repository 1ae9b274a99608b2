/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * A stream: the newest value of one array, by name.
 *
 * A stream is a file in shared memory, /dev/shm, which outlives every process until it is unlinked.
 * Whoever opens the name reads the newest complete value; old values are not kept. There may be
 * many readers and many writers: writers take turns under a lock that the death of its holder
 * frees. Reading takes no lock and never waits for a writer; one that is killed or stopped
 * half-way leaves readers on the last complete value.
 *
 * Streams are for processes that trust one another: those of one user. The file is made with mode
 * 0600 and another user's is refused, but a process that may open it can write anything into it.
 * What stands there is checked when it is opened, and no word of it is ever used as an address;
 * that a file is shortened while it is mapped cannot be guarded against.
 *
 * A value is one C-contiguous array, whose type and shape were fixed by the creator. Its count is
 * the number of writes that were completed, 0 for a stream that was never written (it reads as
 * zeros), and goes up by one for each.
 *
 * Names are 1 to 255 bytes of any kind but NUL; bytes other than letters, digits, '-' and '_' are
 * stored as %XX, and the file's name, tachyon.UID.NAME, is limited to 255 bytes. Each user has
 * names of their own.
 *
 * Threads: any function may be called from any thread, several at a time, save
 * tachyon_stream_destroy(). The lock belongs to a thread.
 *
 * A timeout_ns is in nanoseconds: negative waits for ever, 0 never waits (TACHYON_ERR_AGAIN). A
 * wait in which a signal handler ran returns -EINTR where the handler was installed without
 * SA_RESTART.
 *
 * After fork(), the child has a handle of its own to the same stream: it holds no lock, waits for
 * none of its parent's, and inherits no transaction. TACHYON_ERR_FORKED: that failed, open anew.
 *
 * All may return -EINVAL for a NULL or out-of-range argument.
 *
 * What takes the lock, gives it back or unlinks may return -ENOLCK: the kernel has no memory for
 * locks. Nothing has changed then.
 *
 * What takes memory or descriptors (create, open, stat, unlink, lock, write, begin, wait, live, fd)
 * may also return what the kernel says where it has no more, or a filter forbids a call: -ENOMEM,
 * -ENOBUFS, -ENOSPC, -EMFILE, -ENFILE, -EPERM, -EACCES, -ENOSYS. Nothing is left then, and a later
 * try may succeed.
 */
#ifndef TACHYON_STREAM_H
#define TACHYON_STREAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tachyon_stream;

/** What kind of number an element is. The values are those of DLPack's DLDataTypeCode. */
enum tachyon_scalar {
	TACHYON_SCALAR_INT = 0,
	TACHYON_SCALAR_UINT = 1,
	TACHYON_SCALAR_FLOAT = 2,   /**< IEEE 754; 128 bits: the C compiler's long double, padded */
	TACHYON_SCALAR_COMPLEX = 5, /**< two floats, the real part first */
	TACHYON_SCALAR_BOOL = 6,    /**< 8 bits, 0 or 1 */
};

#define TACHYON_ARRAY_MAX_DIMENSIONS 32

/** The type and shape of an array, C-contiguous, in the machine's byte order. */
struct tachyon_array {
	uint32_t scalar;     /**< enum tachyon_scalar */
	uint32_t bits;	     /**< of one element: 8, 16, 32, 64, 128; complex 64, 128, 256 */
	uint32_t dimensions; /**< 0 .. TACHYON_ARRAY_MAX_DIMENSIONS; 0 is a single element */
	uint32_t reserved;   /**< 0 */
	uint64_t shape[TACHYON_ARRAY_MAX_DIMENSIONS]; /**< elements, each at least 1 */
};

/** Where the value of a stream is. */
enum tachyon_device {
	TACHYON_DEVICE_CPU = 0,
	TACHYON_DEVICE_CUDA = 1,
};

/** How to create or open a stream. All zero (but size) means default; new fields go last. */
struct tachyon_stream_options {
	/** sizeof(struct tachyon_stream_options) */
	uint32_t size;
	/** non-zero: values are mapped read-only; calls that write return TACHYON_ERR_DENIED */
	uint32_t is_read_only;
	/**
	 * looks at the count before a wait sleeps; 0 means 1000, UINT32_MAX none. Fewer after some
	 * that were in vain
	 */
	uint32_t spin;
	/**
	 * enum tachyon_device. create: where values live. open: CUDA attaches to device memory,
	 * which the other functions of a stream that lives there need; without it only its state,
	 * its lock and, where there is a mirror, its values can be had
	 */
	uint32_t device;
	/** which CUDA device, from 0 */
	uint32_t device_index;
	/**
	 * create, on a device: non-zero keeps every value in shared memory, too. Memory of a device
	 * goes with the process that created the stream; what is in shared memory stays
	 */
	uint32_t has_mirror;
};

/** Which value was read. All of it belongs to the same value. */
struct tachyon_snapshot {
	uint64_t count;	  /**< 0: never written, all zeros */
	uint64_t time_ns; /**< when its writing was completed, CLOCK_REALTIME; 0: never written */
	/**
	 * values completed since this handle's previous read, or its opening, that it never read
	 */
	uint64_t missed;
};

#define TACHYON_STREAM_ID_SIZE 16

/** What a stream is. */
struct tachyon_stream_info {
	/** in: sizeof(struct tachyon_stream_info) */
	uint32_t size;
	uint32_t creator_pid; /**< as its creator saw it */
	/** random: a name that was unlinked and created anew has another */
	uint8_t id[TACHYON_STREAM_ID_SIZE];
	struct tachyon_array array;
	uint64_t value_size; /**< bytes of one value */
	uint64_t file_size;  /**< bytes of shared memory */
	uint64_t count;
	uint64_t time_ns;	 /**< of the newest value */
	uint64_t create_time_ns; /**< CLOCK_REALTIME */
	uint32_t device;	 /**< enum tachyon_device */
	uint32_t device_index;
	uint32_t has_mirror;  /**< 1 also where values live in shared memory alone */
	uint32_t is_unlinked; /**< its name is gone, or stands for another stream */
};

/**
 * Create a stream, which must not exist yet.
 *
 * It appears under its name complete, all at once. The handle is the caller's until
 * tachyon_stream_destroy(), which leaves the stream. On failure nothing is left.
 *
 * @param options  NULL for defaults
 * @param stream   out: the handle; untouched on failure
 *
 * @return 0, or
 *         -EEXIST              the name is taken: open it, or unlink it
 *         TACHYON_ERR_TOO_BIG  the array's size overflows
 *         -ENAMETOOLONG        the name does not fit a file's name
 *         -ENOSPC, -ENOMEM     four values do not fit in shared memory
 *         -EFBIG               nor within RLIMIT_FSIZE
 *         -EMFILE, -ENFILE     out of descriptors
 *         -ENODEV              no such CUDA device, or no driver
 *         -ENOSYS              /dev/shm is no tmpfs, or is missing
 *         -EROFS               /dev/shm is read-only
 */
int tachyon_stream_create(const char *name, const struct tachyon_array *array,
			  const struct tachyon_stream_options *options,
			  struct tachyon_stream **stream);

/**
 * Open a stream that exists.
 *
 * @param options  NULL for defaults
 * @param stream   out: the handle, the caller's until tachyon_stream_destroy(); untouched on
 *                 failure
 *
 * @return 0, or
 *         -ENOENT              no such stream: create it
 *         TACHYON_ERR_DENIED   the file belongs to another user
 *         TACHYON_ERR_CORRUPT  the file is no stream, or is damaged: unlink it
 *         TACHYON_ERR_VERSION  another version of the library made it
 *         -ENODEV              device: it does not live on that one, or there is no driver
 *         TACHYON_ERR_CLOSED   device: the process that owned the device memory is gone
 *         -EROFS               /dev/shm is read-only; a handle that only reads needs its locks, too
 *         -EIO                 the kernel could not read the file
 *         -ENOMEM, -EMFILE, -ENFILE, -ENAMETOOLONG
 */
int tachyon_stream_open(const char *name, const struct tachyon_stream_options *options,
			struct tachyon_stream **stream);

/**
 * End every wait of a handle, for good. If the calling thread has the lock, it is given back; a
 * transaction, and what was written through the live view, are given up. Another thread that has
 * the lock keeps it until it gives it back itself.
 *
 * Later calls return TACHYON_ERR_CLOSED, save unlock, commit, rollback and those that say
 * otherwise. Memory handed out stays.
 *
 * @param stream  may be NULL
 */
void tachyon_stream_shutdown(struct tachyon_stream *stream);

/**
 * Free a handle: its memory, descriptors and lock. The stream stays until it is unlinked.
 *
 * @param stream  may be NULL
 * @thread nobody else is in, or calls, any function of this handle
 */
void tachyon_stream_destroy(struct tachyon_stream *stream);

/**
 * Remove a stream's name. Handles that have it open go on with it among themselves; its memory is
 * freed with the last of them. The name is free for another stream at once.
 *
 * @param id  remove it only if it has this id, and not another that took its name; NULL: any
 *
 * @return 0, or
 *         -ENOENT             no stream of that name (and id)
 *         TACHYON_ERR_DENIED  the file belongs to another user
 *         -EROFS              /dev/shm is read-only
 *         -EIO                the kernel could not remove the file
 */
int tachyon_stream_unlink(const char *name, const uint8_t *id);

/**
 * What a stream is, without opening it.
 *
 * @param info  in: its size; out: filled in as far as that goes
 *
 * @return 0, or as tachyon_stream_open() without a device
 */
int tachyon_stream_stat(const char *name, struct tachyon_stream_info *info);

/**
 * Call each(name, data) for every stream of this user, in no order, until it returns non-zero.
 *
 * Streams that come and go meanwhile may be missed, or be gone. Files that are no streams are not
 * told apart: tachyon_stream_stat() does.
 *
 * @return 0, what each returned, or -ENOENT, -EMFILE, -ENFILE, -ENOMEM, -EIO
 */
int tachyon_stream_list(int (*each)(const char *name, void *data), void *data);

/** The same facts from an open handle; also after a shutdown. @return 0 */
int tachyon_stream_get_info(struct tachyon_stream *stream, struct tachyon_stream_info *info);

/** How many writes were completed. Never fails; also after a shutdown; 0 for NULL. */
uint64_t tachyon_stream_count(const struct tachyon_stream *stream);

/**
 * Take the writers' lock: no other handle, in any process, completes a write until it is given
 * back.
 *
 * A thread that has it may take it again; as many calls of tachyon_stream_unlock() give it back.
 * A handle is an owner of its own: a thread that waits for itself through a second handle of the
 * same stream waits until the timeout.
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN, _TIMEDOUT  another has it
 *         TACHYON_ERR_CANCELED, _CLOSED, _FORKED, -EINTR
 */
int tachyon_stream_lock(struct tachyon_stream *stream, int64_t timeout_ns);

/**
 * Give the lock back. What was written through tachyon_stream_live() is published first.
 *
 * @return 0, or
 *         -EPERM   this thread does not have it
 *         -EBUSY   a transaction of tachyon_stream_begin() is open: end it first
 */
int tachyon_stream_unlock(struct tachyon_stream *stream);

/** Whether the calling thread has the lock through this handle: 1 or 0. */
int tachyon_stream_has_lock(const struct tachyon_stream *stream);

/**
 * Write a value: take the lock, copy, publish, wake whoever waits, give the lock back.
 *
 * @param data        the array's elements; must not be NULL
 * @param size        bytes: those of a value, tachyon_stream_info.value_size
 * @param timeout_ns  for the lock
 *
 * @return 0, or
 *         TACHYON_ERR_AGAIN, _TIMEDOUT  another has the lock
 *         TACHYON_ERR_DENIED            the handle is read-only
 *         -ENODEV                       the value lives on a device, which was not attached
 *         -EIO                          the device failed: the value was not published
 *         TACHYON_ERR_CLOSED            after a shutdown, or the creator of device memory is gone
 *         -EBUSY                        this thread has a transaction open on this handle
 *         TACHYON_ERR_CANCELED, _FORKED, -EINTR
 */
int tachyon_stream_write(struct tachyon_stream *stream, const void *data, size_t size,
			 int64_t timeout_ns);

/**
 * Begin a write in place: take the lock, and memory for the next value.
 *
 * The memory holds some older value, or zeros. It is the caller's until commit or rollback, and
 * must not be written afterwards: readers then see it. One transaction a handle.
 *
 * @param data  out: value_size bytes, aligned to a page; untouched on failure
 *
 * @return 0, or as tachyon_stream_write(); -ENODEV also where values live on a device
 */
int tachyon_stream_begin(struct tachyon_stream *stream, int64_t timeout_ns, void **data);

/** Publish what was written, and give the lock back. @return 0, -EPERM: no transaction here */
int tachyon_stream_commit(struct tachyon_stream *stream);

/** Leave the last value the newest, and give the lock back. @return 0, -EPERM, as above */
int tachyon_stream_rollback(struct tachyon_stream *stream);

/**
 * Copy the newest value. Waits for no writer.
 *
 * @param data      out: the array's elements; NULL with size 0: only say which value is the newest,
 *                  which does not count as reading it
 * @param size      bytes: those of a value
 * @param snapshot  out: which value it is; may be NULL
 *
 * @return 0, or
 *         TACHYON_ERR_CORRUPT  what stands in shared memory cannot be: unlink it
 *         -ENODEV              values live on a device: attach to it
 *         -EIO                 the device failed
 *         TACHYON_ERR_CLOSED   after a shutdown, or the creator of device memory is gone
 *         TACHYON_ERR_FORKED   device memory is the parent's
 */
int tachyon_stream_read(struct tachyon_stream *stream, void *data, size_t size,
			struct tachyon_snapshot *snapshot);

/**
 * Wait until the count is at least this one: returns at once where it is.
 *
 * To wait for a value newer than one that was read, give its count + 1. Sleeps, and is woken; costs
 * no processor time meanwhile.
 *
 * @return 0, or TACHYON_ERR_AGAIN, _TIMEDOUT, _CANCELED, _CLOSED, -EINTR
 */
int tachyon_stream_wait(struct tachyon_stream *stream, uint64_t count, int64_t timeout_ns);

/**
 * Look at the newest value in place. The calling thread must have the lock.
 *
 * The address is the same for the life of the handle; whenever the lock is taken, it shows the
 * value that is the newest then, and this handle's own writes at once. What is written there is
 * this handle's alone until the lock is given back, and then published as one value: to all
 * readers at once, or, if this process dies before, never. After that it shows the past, or a
 * mixture. A write() or commit() of this handle meanwhile replaces what was written there so far.
 * Where nothing was written, nothing is copied, and nothing published. A read-only handle's is
 * read-only.
 *
 * @param data  out: value_size bytes, aligned to a page, until tachyon_stream_destroy()
 *
 * @return 0, or
 *         -EPERM   this thread does not have the lock
 *         -EBUSY   a transaction is open
 *         -ENOMEM  no address space
 *         -EMFILE, -ENFILE  out of descriptors: the first call opens two
 *         -ENODEV  values live on a device
 *         TACHYON_ERR_CLOSED
 */
int tachyon_stream_live(struct tachyon_stream *stream, void **data);

/**
 * End the waits of this handle, present and future, with TACHYON_ERR_CANCELED, until
 * tachyon_stream_resume(). Safe in a signal handler.
 */
void tachyon_stream_cancel(struct tachyon_stream *stream);
void tachyon_stream_resume(struct tachyon_stream *stream);

/**
 * A descriptor for poll(2), to wait for values and other things at once. Readable means: call
 * tachyon_stream_dispatch(). It is made by the first call and stays the handle's.
 *
 * @return the descriptor, or -EMFILE, -ENFILE, -ENOMEM (the limit of inotify instances is -EMFILE),
 *         TACHYON_ERR_CLOSED
 */
int tachyon_stream_fd(struct tachyon_stream *stream);

/**
 * Before polling: ask to be told of a count.
 *
 * @return 1: it is there already, do not poll; 0: poll, then dispatch; or as tachyon_stream_wait(),
 *         -EINVAL: tachyon_stream_fd() was not called
 * @thread one at a time
 */
int tachyon_stream_prepare(struct tachyon_stream *stream, uint64_t count);

/**
 * After polling, whatever it said.
 *
 * @return 1: the count is there; 0: not yet, go on polling; or as tachyon_stream_prepare()
 * @thread the one of tachyon_stream_prepare()
 */
int tachyon_stream_dispatch(struct tachyon_stream *stream, uint64_t count);

/**
 * How many CUDA devices there are: 0 where there is no driver. The first call loads libcuda.so.1
 * and starts it; a driver does not survive fork(), so for children there are none from then on.
 */
int tachyon_gpu_count(void);

/**
 * Device memory for tachyon_stream_read_device(), in the primary context of a device. Freed with
 * tachyon_gpu_free(), in this process.
 *
 * @param memory  out: a CUdeviceptr
 * @return 0, -ENODEV: no such device; -ENOMEM; TACHYON_ERR_FORKED: the driver is the parent's
 */
int tachyon_gpu_allocate(uint32_t device_index, size_t size, uint64_t *memory);
void tachyon_gpu_free(uint32_t device_index, uint64_t memory);

/**
 * Copy device memory to the host, after what was queued on the legacy default stream.
 *
 * @param memory  of this process, however it was made
 * @return 0, -ENODEV: no such device; -EIO: no such memory, or the device failed;
 *         TACHYON_ERR_FORKED
 */
int tachyon_gpu_read(uint32_t device_index, uint64_t memory, void *data, size_t size);

/**
 * tachyon_stream_write() and _read() with device memory of the stream's device. Work that was
 * queued on the legacy default stream before is done first; the copy is complete at the return.
 *
 * @return as those; -ENODEV also where values do not live on a device
 */
int tachyon_stream_write_device(struct tachyon_stream *stream, uint64_t memory, size_t size,
				int64_t timeout_ns);
int tachyon_stream_read_device(struct tachyon_stream *stream, uint64_t memory, size_t size,
			       struct tachyon_snapshot *snapshot);

/**
 * The newest value in place, in device memory: to be read while the calling thread has the lock.
 *
 * @param memory  out: a CUdeviceptr; it moves with every write
 * @return 0, -EPERM: no lock; -ENODEV; TACHYON_ERR_CLOSED
 */
int tachyon_stream_live_device(struct tachyon_stream *stream, uint64_t *memory);

#ifdef __cplusplus
}
#endif

#endif
