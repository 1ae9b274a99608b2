// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A stream of the library, as a stream, its closers and its watcher share it.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tachyon_sys as sys;

use super::info::{Stamp, StreamInfo};
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result, check};

/// Freed with the last who knows it.
pub(super) struct Handle {
    raw: NonNull<sys::tachyon_stream>,
    /// The newest count that was read; before the first read: that of the opening.
    last_read: AtomicU64,
    /// Whether a watcher lives: there is one at a time.
    pub(super) is_watched: AtomicBool,
    /// A closed handle is a canceled one that nobody resumes. The library's own shutdown would give
    /// the lock back under a guard, and others would write where its slice lies.
    is_closed: AtomicBool,
    /// Orders close, cancel and resume: none comes back after a close.
    waits: Mutex<()>,
}

// SAFETY: the library's streams belong to no thread, and any thread may call any of their
// functions, several at a time (<tachyon/stream.h>), but for destroy, which the last who has a
// Handle calls, and prepare and dispatch, which the one watcher calls. What belongs to a thread, the
// lock, is held by guards that do not go to another. One more function that only one thread may call
// would make both wrong.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// # Safety
    ///
    /// `raw` came from the library a moment ago, and nobody else has it.
    pub(super) unsafe fn new(raw: NonNull<sys::tachyon_stream>) -> Self {
        let handle = Self {
            raw,
            last_read: AtomicU64::new(0),
            is_watched: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            waits: Mutex::new(()),
        };

        handle.last_read.store(handle.count(), Ordering::Relaxed);
        handle
    }

    pub(super) fn as_ptr(&self) -> *mut sys::tachyon_stream {
        self.raw.as_ptr()
    }

    // --- calls ---

    /// Call a function that does not wait, unless the handle is closed.
    pub(super) fn call(
        &self,
        call: impl FnOnce(*mut sys::tachyon_stream) -> c_int,
    ) -> Result<c_int> {
        self.check_open()?;
        check(call(self.as_ptr()))
    }

    /// Call a function that may wait, with what is left of the time, until no signal handler has
    /// interrupted it.
    pub(super) fn wait(
        &self,
        timeout: Option<Duration>,
        mut call: impl FnMut(*mut sys::tachyon_stream, i64) -> c_int,
    ) -> Result<c_int> {
        let deadline = timeout.map_or(Deadline::Never, Deadline::after);

        loop {
            self.check_open()?;
            let ret = call(self.as_ptr(), deadline.timeout_ns());

            if ret == -libc::EINTR {
                continue;
            }
            return check(ret).map_err(|error| self.explain(error));
        }
    }

    pub(super) fn check_open(&self) -> Result<()> {
        // Relaxed: who closes it and wants calls to have ended waits for those who call.
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Error::from_code(sys::TACHYON_ERR_CLOSED));
        }
        Ok(())
    }

    /// What ended a wait was a cancel; whether for good is known here.
    fn explain(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Canceled => self.check_open().err().unwrap_or(error),
            _ => error,
        }
    }

    // --- ending waits ---

    pub(super) fn close(&self) {
        let _one_at_a_time = self.waits.lock().unwrap_or_else(PoisonError::into_inner);

        self.is_closed.store(true, Ordering::Relaxed);
        // SAFETY: the stream lives as long as self; any thread.
        unsafe { sys::tachyon_stream_cancel(self.as_ptr()) }
    }

    pub(super) fn cancel(&self) {
        let _one_at_a_time = self.waits.lock().unwrap_or_else(PoisonError::into_inner);

        // SAFETY: the stream lives as long as self; any thread.
        unsafe { sys::tachyon_stream_cancel(self.as_ptr()) }
    }

    pub(super) fn resume(&self) {
        let _one_at_a_time = self.waits.lock().unwrap_or_else(PoisonError::into_inner);

        if self.check_open().is_ok() {
            // SAFETY: the stream lives as long as self; any thread.
            unsafe { sys::tachyon_stream_resume(self.as_ptr()) }
        }
    }

    // --- facts ---

    pub(super) fn count(&self) -> u64 {
        // SAFETY: the stream lives as long as self; any thread.
        unsafe { sys::tachyon_stream_count(self.as_ptr()) }
    }

    pub(super) fn info(&self) -> Result<StreamInfo> {
        let mut raw = StreamInfo::raw();

        // SAFETY: the stream lives as long as self; `size` is that of the struct.
        check(unsafe { sys::tachyon_stream_get_info(self.as_ptr(), &mut raw) })?;
        StreamInfo::from_raw(&raw)
    }

    /// Whether this thread has the lock: then what the lock's guard lends out must not change.
    pub(super) fn has_lock(&self) -> bool {
        // SAFETY: the stream lives as long as self; any thread.
        unsafe { sys::tachyon_stream_has_lock(self.as_ptr()) == 1 }
    }

    // --- reading ---

    pub(super) fn last_read(&self) -> u64 {
        self.last_read.load(Ordering::Relaxed)
    }

    /// Copy the newest value.
    ///
    /// # Safety
    ///
    /// `data` points to `size` bytes that may be written; or it is NULL, and `size` 0.
    pub(super) unsafe fn read(&self, data: *mut u8, size: usize) -> Result<Stamp> {
        let mut raw = sys::tachyon_snapshot::default();

        self.wait(None, |stream, _| {
            // SAFETY: the stream lives as long as self; the caller has the room.
            unsafe { sys::tachyon_stream_read(stream, data.cast(), size, &mut raw) }
        })?;
        if !data.is_null() {
            self.has_read(raw.count);
        }
        Ok(Stamp::from_raw(&raw))
    }

    pub(super) fn has_read(&self, count: u64) {
        self.last_read.fetch_max(count, Ordering::Relaxed);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: this was the last reference: no call is under way, none follows, and there is no
        // guard or view, which borrow a stream that has a reference.
        unsafe { sys::tachyon_stream_destroy(self.as_ptr()) }
    }
}
