// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Writing values, and the lock that writers take turns under.

use std::ptr::{self, NonNull};
use std::time::Duration;

use tachyon_sys as sys;

use super::Stream;
use super::element::Element;
use super::guard::LockGuard;
use super::view::WriteView;
use crate::error::{Error, Result};

impl<T: Element> Stream<T> {
    /// Write a value, and wake whoever waits for it. Waits for the lock, as long as it takes.
    ///
    /// # Errors
    ///
    /// - [`Invalid`](crate::ErrorKind::Invalid): it has another size than a value of the stream
    /// - [`Denied`](crate::ErrorKind::Denied): the handle is read-only
    /// - [`Busy`](crate::ErrorKind::Busy): this thread has a [`LockGuard`] of this handle: write
    ///   with that one; or a [`WriteView`]
    /// - [`Closed`](crate::ErrorKind::Closed), [`Canceled`](crate::ErrorKind::Canceled): a
    ///   [`StreamCloser`](super::StreamCloser) was called
    /// - `ENODEV`: values live on a device, which was not attached; `EIO`: the device failed
    /// - [`Forked`](crate::ErrorKind::Forked): in a child of `fork()`: open it anew
    pub fn write(&self, value: &[T]) -> Result<()> {
        self.check_unlocked()?;
        self.write_locked(value, None)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) where another has the lock for so long,
    /// [`WouldBlock`](crate::ErrorKind::WouldBlock) where it has it and the timeout is zero.
    ///
    /// # Errors
    ///
    /// As [`write()`](Self::write).
    pub fn write_timeout(&self, value: &[T], timeout: impl Into<Option<Duration>>) -> Result<()> {
        self.check_unlocked()?;
        self.write_locked(value, timeout.into())
    }

    pub(super) fn write_locked(&self, value: &[T], timeout: Option<Duration>) -> Result<()> {
        let size = size_of_val(value);

        self.handle
            .wait(timeout, |stream, timeout_ns| {
                // SAFETY: the stream lives as long as self; so many bytes are there.
                unsafe {
                    sys::tachyon_stream_write(stream, value.as_ptr().cast(), size, timeout_ns)
                }
            })
            .map(drop)
    }

    /// What a guard lends out must not change under it.
    fn check_unlocked(&self) -> Result<()> {
        if self.handle.has_lock() {
            return Err(Error::from_code(-libc::EBUSY));
        }
        Ok(())
    }

    /// Write a value in place, without a copy, and publish it when `fill` returns; if it panics,
    /// the last value stays the newest. The slice holds some older value, or zeros.
    ///
    /// ```
    /// # let name = format!("doc-write-with-{}", std::process::id());
    /// let stream = tachyon::Stream::<u32>::create(&name, &[3])?;
    ///
    /// stream.write_with(|value| value.copy_from_slice(&[1, 2, 3]))?;
    /// assert_eq!(stream.read()?, [1, 2, 3]);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write()`](Self::write); `ENODEV`: values live on a device.
    pub fn write_with<R>(&self, fill: impl FnOnce(&mut [T]) -> R) -> Result<R> {
        self.check_unlocked()?;
        let mut view = self.begin(None)?;
        let result = fill(&mut view);

        view.commit()?;
        Ok(result)
    }

    /// Take the lock, and memory to write the next value into. Where a stream is shared by threads,
    /// [`lock()`](Self::lock) first: [`LockGuard::write_view()`].
    ///
    /// ```
    /// # let name = format!("doc-write-view-{}", std::process::id());
    /// let mut stream = tachyon::Stream::<u32>::create(&name, &[3])?;
    ///
    /// let mut view = stream.write_view(None)?;
    /// view[0] = 7;
    /// view.commit()?; // dropped without, nothing is published
    /// assert_eq!(stream.count(), 1);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write_timeout()`](Self::write_timeout); `ENODEV`: values live on a device.
    pub fn write_view(&mut self, timeout: impl Into<Option<Duration>>) -> Result<WriteView<'_, T>> {
        self.check_unlocked()?;
        self.begin(timeout.into())
    }

    pub(super) fn begin(&self, timeout: Option<Duration>) -> Result<WriteView<'_, T>> {
        let mut data = ptr::null_mut();

        self.handle.wait(timeout, |stream, timeout_ns| {
            // SAFETY: the stream lives as long as self.
            unsafe { sys::tachyon_stream_begin(stream, timeout_ns, &mut data) }
        })?;
        let data = NonNull::new(data.cast()).expect("memory where begin returned 0");
        // SAFETY: the transaction was begun just now, and its memory has the size of a value, and
        // lies at a page's beginning.
        Ok(unsafe { WriteView::new(self, data) })
    }
}

impl<T> Stream<T> {
    /// Take the writers' lock: no other handle, in any process, completes a write until the guard
    /// is dropped. In this thread, the guard is what writes.
    ///
    /// ```
    /// # let name = format!("doc-lock-{}", std::process::id());
    /// let stream = tachyon::Stream::<u32>::create(&name, &[1])?;
    ///
    /// let mut guard = stream.lock(None)?;
    /// guard.live_mut()?[0] += 1; // read, change and write: nobody comes between
    /// guard.unlock()?;
    /// assert_eq!(stream.read()?, [1]);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`TimedOut`](crate::ErrorKind::TimedOut), [`WouldBlock`](crate::ErrorKind::WouldBlock):
    ///   another has it
    /// - [`Busy`](crate::ErrorKind::Busy): this thread has it through this handle; through another
    ///   handle it waits for itself
    /// - [`Closed`](crate::ErrorKind::Closed), [`Canceled`](crate::ErrorKind::Canceled): a
    ///   [`StreamCloser`](super::StreamCloser) was called
    /// - [`Forked`](crate::ErrorKind::Forked): in a child of `fork()`: open it anew
    pub fn lock(&self, timeout: impl Into<Option<Duration>>) -> Result<LockGuard<'_, T>> {
        // The library would let it in; but then two guards would lend out the same memory.
        if self.handle.has_lock() {
            return Err(Error::from_code(-libc::EBUSY));
        }
        self.handle.wait(timeout.into(), |stream, timeout_ns| {
            // SAFETY: the stream lives as long as self.
            unsafe { sys::tachyon_stream_lock(stream, timeout_ns) }
        })?;
        // SAFETY: it was taken just now.
        Ok(unsafe { LockGuard::new(self) })
    }
}
