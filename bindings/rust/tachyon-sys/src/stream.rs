// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/stream.h`

use core::ffi::{c_char, c_int, c_uint, c_void};

use crate::declare::{defines, enums, functions, opaque, structs};

opaque! {
    /// The newest value of one array, by name.
    pub struct tachyon_stream;
}

defines! {
    /// The most dimensions of an array.
    pub const TACHYON_ARRAY_MAX_DIMENSIONS: usize = 32;
    /// Bytes of what tells a stream from all others.
    pub const TACHYON_STREAM_ID_SIZE: usize = 16;
}

enums! {
    /// What kind of number an element is: DLPack's DLDataTypeCode.
    pub enum tachyon_scalar: c_uint {
        /// Signed integers.
        TACHYON_SCALAR_INT = 0,
        /// Unsigned integers.
        TACHYON_SCALAR_UINT = 1,
        /// IEEE 754; 128 bits: the C compiler's long double, padded.
        TACHYON_SCALAR_FLOAT = 2,
        /// Two floats, the real part first.
        TACHYON_SCALAR_COMPLEX = 5,
        /// 8 bits, 0 or 1.
        TACHYON_SCALAR_BOOL = 6,
    }

    /// Where the value of a stream is.
    pub enum tachyon_device: c_uint {
        /// In shared memory.
        TACHYON_DEVICE_CPU = 0,
        /// In the memory of a CUDA device.
        TACHYON_DEVICE_CUDA = 1,
    }
}

structs! {
    /// The type and shape of an array, C-contiguous, in the machine's byte order.
    pub struct tachyon_array {
        /// A `tachyon_scalar`.
        pub scalar: u32,
        /// Of one element: 8, 16, 32, 64, 128; complex 64, 128, 256.
        pub bits: u32,
        /// 0 is a single element.
        pub dimensions: u32,
        /// 0
        pub reserved: u32,
        /// Elements, each at least 1.
        pub shape: [u64; TACHYON_ARRAY_MAX_DIMENSIONS],
    }

    /// How to create or open a stream. All zero but `size` means default.
    pub struct tachyon_stream_options {
        /// The size of this struct.
        pub size: u32,
        /// Non-zero: values are mapped read-only.
        pub is_read_only: u32,
        /// Looks at the count before a wait sleeps; 0: none.
        pub spin: u32,
        /// A `tachyon_device`: where values live, or which to attach to.
        pub device: u32,
        /// Which CUDA device, from 0.
        pub device_index: u32,
        /// Create, on a device: non-zero keeps every value in shared memory, too.
        pub has_mirror: u32,
    }

    /// Which value was read.
    pub struct tachyon_snapshot {
        /// 0: never written, all zeros.
        pub count: u64,
        /// When its writing was completed, `CLOCK_REALTIME`; 0: never written.
        pub time_ns: u64,
        /// Values completed since the handle's previous read that it never read.
        pub missed: u64,
    }

    /// What a stream is.
    pub struct tachyon_stream_info {
        /// In: the size of this struct.
        pub size: u32,
        /// As its creator saw it.
        pub creator_pid: u32,
        /// Random: a name that was unlinked and created anew has another.
        pub id: [u8; TACHYON_STREAM_ID_SIZE],
        /// Type and shape.
        pub array: tachyon_array,
        /// Bytes of one value.
        pub value_size: u64,
        /// Bytes of shared memory.
        pub file_size: u64,
        /// Writes that were completed.
        pub count: u64,
        /// Of the newest value.
        pub time_ns: u64,
        /// `CLOCK_REALTIME`.
        pub create_time_ns: u64,
        /// A `tachyon_device`.
        pub device: u32,
        /// Which CUDA device.
        pub device_index: u32,
        /// 1 also where values live in shared memory alone.
        pub has_mirror: u32,
        /// Its name is gone, or stands for another stream.
        pub is_unlinked: u32,
    }
}

functions! {
    /// Create a stream, which must not exist yet.
    pub fn tachyon_stream_create(
        name: *const c_char,
        array: *const tachyon_array,
        options: *const tachyon_stream_options,
        stream: *mut *mut tachyon_stream,
    ) -> c_int;
    /// Open a stream that exists.
    pub fn tachyon_stream_open(
        name: *const c_char,
        options: *const tachyon_stream_options,
        stream: *mut *mut tachyon_stream,
    ) -> c_int;
    /// End every wait of a handle, for good, and give its lock back.
    pub fn tachyon_stream_shutdown(stream: *mut tachyon_stream);
    /// Free a handle; the stream stays.
    pub fn tachyon_stream_destroy(stream: *mut tachyon_stream);
    /// Remove a stream's name, if it has this id; NULL: any.
    pub fn tachyon_stream_unlink(name: *const c_char, id: *const u8) -> c_int;
    /// What a stream is, without opening it.
    pub fn tachyon_stream_stat(name: *const c_char, info: *mut tachyon_stream_info) -> c_int;
    /// Call for every stream of this user, until that returns non-zero.
    pub fn tachyon_stream_list(
        each: Option<unsafe extern "C" fn(*const c_char, *mut c_void) -> c_int>,
        data: *mut c_void,
    ) -> c_int;
    /// What a stream is, from an open handle.
    pub fn tachyon_stream_get_info(
        stream: *mut tachyon_stream,
        info: *mut tachyon_stream_info,
    ) -> c_int;
    /// How many writes were completed.
    pub fn tachyon_stream_count(stream: *const tachyon_stream) -> u64;
    /// Take the writers' lock.
    pub fn tachyon_stream_lock(stream: *mut tachyon_stream, timeout_ns: i64) -> c_int;
    /// Give the lock back, and publish what was written through the live view.
    pub fn tachyon_stream_unlock(stream: *mut tachyon_stream) -> c_int;
    /// Whether the calling thread has the lock through this handle: 1 or 0.
    pub fn tachyon_stream_has_lock(stream: *const tachyon_stream) -> c_int;
    /// Write a value.
    pub fn tachyon_stream_write(
        stream: *mut tachyon_stream,
        data: *const c_void,
        size: usize,
        timeout_ns: i64,
    ) -> c_int;
    /// Begin a write in place.
    pub fn tachyon_stream_begin(
        stream: *mut tachyon_stream,
        timeout_ns: i64,
        data: *mut *mut c_void,
    ) -> c_int;
    /// Publish what was written in place.
    pub fn tachyon_stream_commit(stream: *mut tachyon_stream) -> c_int;
    /// Leave the last value the newest.
    pub fn tachyon_stream_rollback(stream: *mut tachyon_stream) -> c_int;
    /// Copy the newest value.
    pub fn tachyon_stream_read(
        stream: *mut tachyon_stream,
        data: *mut c_void,
        size: usize,
        snapshot: *mut tachyon_snapshot,
    ) -> c_int;
    /// Wait until the count is at least this one.
    pub fn tachyon_stream_wait(
        stream: *mut tachyon_stream,
        count: u64,
        timeout_ns: i64,
    ) -> c_int;
    /// Look at the newest value in place; the calling thread has the lock.
    pub fn tachyon_stream_live(stream: *mut tachyon_stream, data: *mut *mut c_void) -> c_int;
    /// Make waits under way, and all until resume, fail with CANCELED.
    pub fn tachyon_stream_cancel(stream: *mut tachyon_stream);
    /// Let waits wait again.
    pub fn tachyon_stream_resume(stream: *mut tachyon_stream);
    /// A descriptor for the caller's own poll.
    pub fn tachyon_stream_fd(stream: *mut tachyon_stream) -> c_int;
    /// Before the caller's poll: 1 when the count is there, 0 when armed.
    pub fn tachyon_stream_prepare(stream: *mut tachyon_stream, count: u64) -> c_int;
    /// After the caller's poll: 1 when the count is there.
    pub fn tachyon_stream_dispatch(stream: *mut tachyon_stream, count: u64) -> c_int;
    /// How many CUDA devices there are: 0 where there is no driver.
    pub fn tachyon_gpu_count() -> c_int;
    /// Device memory in the primary context of a device.
    pub fn tachyon_gpu_allocate(device_index: u32, size: usize, memory: *mut u64) -> c_int;
    /// Free it.
    pub fn tachyon_gpu_free(device_index: u32, memory: u64);
    /// Copy device memory to the host.
    pub fn tachyon_gpu_read(
        device_index: u32,
        memory: u64,
        data: *mut c_void,
        size: usize,
    ) -> c_int;
    /// Write a value that is in device memory.
    pub fn tachyon_stream_write_device(
        stream: *mut tachyon_stream,
        memory: u64,
        size: usize,
        timeout_ns: i64,
    ) -> c_int;
    /// Copy the newest value into device memory.
    pub fn tachyon_stream_read_device(
        stream: *mut tachyon_stream,
        memory: u64,
        size: usize,
        snapshot: *mut tachyon_snapshot,
    ) -> c_int;
    /// The newest value in place, in device memory; the calling thread has the lock.
    pub fn tachyon_stream_live_device(stream: *mut tachyon_stream, memory: *mut u64) -> c_int;
}
