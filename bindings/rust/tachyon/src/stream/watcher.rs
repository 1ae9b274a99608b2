// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A descriptor to poll, for values and other things at once.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tachyon_sys as sys;

use super::handle::Handle;
use crate::error::{Error, Result};

/// A stream's descriptor in an event loop: [`Stream::watcher()`](super::Stream::watcher).
///
/// It keeps the handle open, and there is one of a handle at a time.
///
/// ```
/// use std::os::fd::{AsFd, BorrowedFd};
/// use tachyon::StreamWatcher;
///
/// /// Waits for a value, or for something else: says whether it was the value.
/// fn wait(watcher: &mut StreamWatcher, count: u64, else_: BorrowedFd) -> tachyon::Result<bool> {
///     let mut is_there = watcher.prepare(count)?;
///
///     while !is_there {
///         if !poll_one_of(watcher.as_fd(), else_) {
///             return Ok(false);
///         }
///         is_there = watcher.dispatch(count)?;
///     }
///     Ok(true)
/// }
/// # fn poll_one_of(_: BorrowedFd, _: BorrowedFd) -> bool { false }
/// ```
///
/// In a child of `fork()` it has no descriptor: make another.
pub struct StreamWatcher {
    handle: Arc<Handle>,
    fd: RawFd,
}

impl StreamWatcher {
    pub(super) fn new(handle: &Arc<Handle>) -> Result<Self> {
        // Acquire and release: what one watcher did in the library comes before what the next does.
        if handle.is_watched.swap(true, Ordering::Acquire) {
            return Err(Error::from_code(-libc::EBUSY));
        }
        let mut watcher = Self {
            handle: Arc::clone(handle),
            fd: -1,
        };

        // SAFETY: the stream lives as long as the handle.
        watcher.fd = handle.call(|stream| unsafe { sys::tachyon_stream_fd(stream) })?;
        Ok(watcher)
    }

    /// Before polling: ask to be told of a count. True: it is there already, do not poll.
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed), [`Canceled`](crate::ErrorKind::Canceled): a
    /// [`StreamCloser`](super::StreamCloser) was called
    pub fn prepare(&mut self, count: u64) -> Result<bool> {
        self.handle
            .wait(None, |stream, _| {
                // SAFETY: the stream lives as long as the handle; this is its one watcher, which is
                // borrowed mutably.
                unsafe { sys::tachyon_stream_prepare(stream, count) }
            })
            .map(|is_there| is_there != 0)
    }

    /// After polling, whatever it said. True: the count is there; false: go on polling.
    ///
    /// # Errors
    ///
    /// As [`prepare()`](Self::prepare).
    pub fn dispatch(&mut self, count: u64) -> Result<bool> {
        self.handle
            .wait(None, |stream, _| {
                // SAFETY: as in prepare().
                unsafe { sys::tachyon_stream_dispatch(stream, count) }
            })
            .map(|is_there| is_there != 0)
    }
}

impl Drop for StreamWatcher {
    fn drop(&mut self) {
        self.handle.is_watched.store(false, Ordering::Release);
    }
}

/// Readable means: call [`dispatch()`](StreamWatcher::dispatch).
impl AsFd for StreamWatcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is the stream's own, open until that is destroyed, which self keeps from
        // happening.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl AsRawFd for StreamWatcher {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl fmt::Debug for StreamWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWatcher")
            .field("fd", &self.fd)
            .finish_non_exhaustive()
    }
}
