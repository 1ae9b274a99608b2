// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The writers' lock of a stream, held.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::slice;

use tachyon_sys as sys;

use super::Stream;
use super::element::Element;
use super::view::WriteView;
use crate::error::{Error, Result, check};

/// The writers' lock: [`Stream::lock()`]. No other handle, in any process, completes a write while
/// it lives.
///
/// ```
/// # let name = format!("doc-guard-{}", std::process::id());
/// let stream = tachyon::Stream::<u32>::create(&name, &[2])?;
///
/// let mut guard = stream.lock(None)?;
/// let sum: u32 = guard.live()?.iter().sum(); // in place
/// guard.write(&[sum, sum + 1])?;
/// guard.unlock()?;
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// Dropping it gives the lock back; so does the end of the process, whatever it was doing. It
/// belongs to the thread that took it:
///
/// ```compile_fail,E0277
/// # fn send(stream: tachyon::Stream<f32>) -> tachyon::Result<()> {
/// let guard = stream.lock(None)?;
///
/// std::thread::scope(|scope| {
///     scope.spawn(move || guard.unlock()); // the lock is the other thread's
/// });
/// # Ok(())
/// # }
/// ```
///
/// and what it shows cannot outlive it:
///
/// ```compile_fail,E0505
/// # fn read_after(stream: &tachyon::Stream<f32>) -> tachyon::Result<f32> {
/// let guard = stream.lock(None)?;
/// let value = guard.live()?;
/// guard.unlock()?; // value borrows the guard
/// Ok(value[0])
/// # }
/// ```
///
/// In a child of `fork()` that was called while it lived, it is without effect, and what it lent
/// out before may change.
#[must_use = "dropped at once, it gives the lock back"]
pub struct LockGuard<'a, T> {
    stream: &'a Stream<T>,
    // The lock is this thread's.
    _not_send: PhantomData<*mut ()>,
}

impl<'a, T> LockGuard<'a, T> {
    /// # Safety
    ///
    /// This thread has taken the lock once through this stream, and only the guard gives it back.
    pub(super) unsafe fn new(stream: &'a Stream<T>) -> Self {
        Self {
            stream,
            _not_send: PhantomData,
        }
    }

    /// The stream that is locked.
    pub fn stream(&self) -> &'a Stream<T> {
        self.stream
    }

    /// Give the lock back. What was written through [`live_mut()`](Self::live_mut) is published
    /// first.
    ///
    /// # Errors
    ///
    /// The lock is given back all the same.
    ///
    /// - `ENOMEM`: what was written could not be published
    /// - `EPERM`: this is a child of `fork()`, which has no lock
    pub fn unlock(self) -> Result<()> {
        let guard = ManuallyDrop::new(self);

        guard.give_back()
    }

    fn give_back(&self) -> Result<()> {
        let stream = self.stream.handle().as_ptr();

        // SAFETY: the stream lives as long as it is borrowed. This thread has the lock, since the
        // guard does not go to another. A view would borrow the guard: there is none, but one may
        // have been forgotten, and its memory with it.
        let mut ret = unsafe { sys::tachyon_stream_unlock(stream) };
        if ret == -libc::EBUSY {
            // SAFETY: as above.
            ret = unsafe {
                sys::tachyon_stream_rollback(stream);
                sys::tachyon_stream_unlock(stream)
            };
        }
        check(ret).map(drop)
    }

    /// The newest value in the memory of a device: to be read there while the guard lives. It is a
    /// `CUdeviceptr`, and moves with every write.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: values do not live on a device, or it was not attached
    /// - [`Closed`](crate::ErrorKind::Closed): a [`StreamCloser`](super::StreamCloser) was called
    pub fn live_device(&self) -> Result<u64> {
        let mut memory = 0;

        self.stream.handle().call(|stream| {
            // SAFETY: the stream lives as long as it is borrowed.
            unsafe { sys::tachyon_stream_live_device(stream, &mut memory) }
        })?;
        Ok(memory)
    }
}

impl<T: Element> LockGuard<'_, T> {
    /// The newest value, in place.
    ///
    /// # Errors
    ///
    /// - [`Corrupt`](crate::ErrorKind::Corrupt): it is to be of `bool`, and has other bytes than 0
    ///   and 1; reading a copy makes those true
    /// - `ENODEV`: values live on a device
    /// - `ENOMEM`: no address space
    /// - [`Closed`](crate::ErrorKind::Closed): a [`StreamCloser`](super::StreamCloser) was called
    pub fn live(&self) -> Result<&[T]> {
        let data = self.window()?;

        // SAFETY: so many elements are mapped as long as the stream, initialised, and valid as
        // window() has seen. Nobody writes them meanwhile: other handles and threads wait for the
        // lock, which only a death or the guard gives back; this thread writes through a mutable
        // borrow of the guard, since Stream's own methods refuse while it lives.
        Ok(unsafe { slice::from_raw_parts(data.as_ptr(), self.stream.element_count()) })
    }

    /// The newest value, in place, to be changed: what is written stays with this handle until the
    /// lock is given back, and is then published as one value. Dies the process before, it never
    /// is. Nothing written, nothing is published.
    ///
    /// ```
    /// # let name = format!("doc-live-mut-{}", std::process::id());
    /// let stream = tachyon::Stream::<u32>::create(&name, &[1_000_000])?;
    ///
    /// let mut guard = stream.lock(None)?;
    /// guard.live_mut()?[7] = 1;
    /// assert_eq!(stream.count(), 0); // nobody sees it yet
    /// guard.unlock()?;
    /// assert_eq!(stream.count(), 1);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`live()`](Self::live), and [`Denied`](crate::ErrorKind::Denied): the handle is
    /// read-only.
    pub fn live_mut(&mut self) -> Result<&mut [T]> {
        if self.stream.is_read_only() {
            return Err(Error::from_code(sys::TACHYON_ERR_DENIED));
        }
        let data = self.window()?;

        // SAFETY: as above; the guard is borrowed mutably, so this is the one slice of them, and
        // the handle's mapping is writable and private to it.
        Ok(unsafe { slice::from_raw_parts_mut(data.as_ptr(), self.stream.element_count()) })
    }

    fn window(&self) -> Result<NonNull<T>> {
        let mut data = std::ptr::null_mut();

        self.stream.handle().call(|stream| {
            // SAFETY: the stream lives as long as it is borrowed.
            unsafe { sys::tachyon_stream_live(stream, &mut data) }
        })?;
        let data = NonNull::new(data.cast::<T>()).expect("memory where live returned 0");

        // SAFETY: so many elements are mapped, at a page's beginning, and nobody writes while the
        // guard holds the lock.
        if !unsafe { T::are_valid(data.as_ptr(), self.stream.element_count()) } {
            return Err(Error::from_code(sys::TACHYON_ERR_CORRUPT));
        }
        Ok(data)
    }

    /// Write a value, as [`Stream::write()`]; the lock is kept.
    ///
    /// # Errors
    ///
    /// As [`Stream::write()`].
    pub fn write(&mut self, value: &[T]) -> Result<()> {
        self.stream.write_locked(value, None)
    }

    /// Write a value in place, as [`Stream::write_view()`]; the lock is kept.
    ///
    /// # Errors
    ///
    /// As [`Stream::write_view()`].
    pub fn write_view(&mut self) -> Result<WriteView<'_, T>> {
        self.stream.begin(None)
    }
}

impl<T> Drop for LockGuard<'_, T> {
    fn drop(&mut self) {
        // Who wants to know calls unlock().
        let _ = self.give_back();
    }
}

impl<T> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard")
            .field("stream", self.stream)
            .finish_non_exhaustive()
    }
}
