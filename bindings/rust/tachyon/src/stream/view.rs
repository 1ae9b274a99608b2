// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A value that is being written, in place.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use tachyon_sys as sys;

use super::Stream;
use super::element::Element;
use crate::error::{Result, check};

/// The next value of a stream, in its own memory: [`Stream::write_view()`].
///
/// It is a slice of elements, which hold some older value, or zeros.
/// [`commit()`](Self::commit) publishes it; dropping it leaves the last value the newest. It holds
/// the writers' lock, and so belongs to its thread.
///
/// ```
/// # let name = format!("doc-view-{}", std::process::id());
/// let mut stream = tachyon::Stream::<f32>::create(&name, &[3])?;
/// let mut view = stream.write_view(None)?;
///
/// view.copy_from_slice(&[1.0, 2.0, 3.0]);
/// if view.iter().all(|value| value.is_finite()) {
///     view.commit()?;
/// } else {
///     view.rollback();
/// }
/// assert_eq!(stream.count(), 1);
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// There is one at a time:
///
/// ```compile_fail,E0499
/// # fn two(stream: &mut tachyon::Stream<f32>) -> tachyon::Result<()> {
/// let first = stream.write_view(None)?;
/// let second = stream.write_view(None)?; // the first borrows the stream
/// first.commit()
/// # }
/// ```
///
/// In a child of `fork()` that was called while it lived, it must not be written to.
#[must_use = "dropped at once, nothing is published"]
pub struct WriteView<'a, T> {
    stream: &'a Stream<T>,
    data: NonNull<T>,
    // The lock is this thread's.
    _not_send: PhantomData<*mut ()>,
}

impl<'a, T: Element> WriteView<'a, T> {
    /// # Safety
    ///
    /// This thread has begun a transaction through this stream a moment ago, and `data` is its
    /// memory: as many initialised elements as the stream has. Only the view ends it.
    pub(super) unsafe fn new(stream: &'a Stream<T>, data: NonNull<T>) -> Self {
        // SAFETY: so many elements are there, and nobody else's while the transaction is open.
        unsafe { T::make_valid(data.as_ptr(), stream.element_count()) };
        Self {
            stream,
            data,
            _not_send: PhantomData,
        }
    }
}

impl<T> WriteView<'_, T> {
    /// Publish it, to all readers at once.
    ///
    /// # Errors
    ///
    /// It is not published then.
    ///
    /// - [`Closed`](crate::ErrorKind::Closed): a [`StreamCloser`](super::StreamCloser) was called
    /// - `EPERM`: this is a child of `fork()`, which has no lock
    pub fn commit(self) -> Result<()> {
        self.stream.handle().check_open()?;
        let view = ManuallyDrop::new(self);

        // SAFETY: the stream lives as long as it is borrowed. Nobody writes to the memory any more:
        // `self` was taken by value.
        check(unsafe { sys::tachyon_stream_commit(view.stream.handle().as_ptr()) }).map(drop)
    }

    /// Leave the last value the newest, as dropping the view does.
    pub fn rollback(self) {}
}

impl<T> Drop for WriteView<'_, T> {
    fn drop(&mut self) {
        // It fails only in a child of fork(), where there is no transaction.
        // SAFETY: the stream lives as long as it is borrowed; nobody writes to the memory any more.
        let _ = unsafe { sys::tachyon_stream_rollback(self.stream.handle().as_ptr()) };
    }
}

impl<T> Deref for WriteView<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many elements, initialised and valid as new() made them, are ours until the
        // transaction ends, which takes the view. Nobody else writes: who might waits for the lock,
        // which the library does not give back before.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.stream.element_count()) }
    }
}

impl<T> DerefMut for WriteView<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; and nobody reads: it is no value that is published. A reader that was
        // stopped in the midst of copying an old value from here copies as bytes of atomic words,
        // and throws its copy away.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.stream.element_count()) }
    }
}

impl<T> fmt::Debug for WriteView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteView")
            .field("stream", self.stream)
            .finish_non_exhaustive()
    }
}
