// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Ending what other threads wait for.

use std::fmt;
use std::sync::{Arc, Weak};

use super::handle::Handle;

/// Ends a stream's waits from any thread: [`Stream::closer()`](super::Stream::closer). It does not
/// keep the handle open.
///
/// ```
/// use std::thread;
/// use tachyon::Stream;
///
/// # let name = format!("doc-closer-{}", std::process::id());
/// let stream = Stream::<f32>::create(&name, &[4])?;
/// let closer = stream.closer();
///
/// thread::scope(|scope| {
///     let waiter = scope.spawn(|| stream.read_new(None)); // nobody writes
///
///     closer.close();
///     assert!(waiter.join().unwrap().unwrap_err().is_closed());
/// });
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
#[derive(Clone)]
pub struct StreamCloser(Weak<Handle>);

impl StreamCloser {
    pub(super) fn new(handle: &Arc<Handle>) -> Self {
        Self(Arc::downgrade(handle))
    }

    /// End it for good: calls that wait in other threads, and all later ones, fail as
    /// [`Closed`](crate::ErrorKind::Closed).
    ///
    /// A [`LockGuard`](super::LockGuard) that lives keeps the lock until it is dropped; a
    /// [`WriteView`](super::WriteView) is not published any more.
    pub fn close(&self) {
        if let Some(handle) = self.0.upgrade() {
            handle.close();
        }
    }

    /// Make waits under way, and all until [`resume()`](Self::resume), fail as
    /// [`Canceled`](crate::ErrorKind::Canceled). Nothing else changes.
    pub fn cancel(&self) {
        if let Some(handle) = self.0.upgrade() {
            handle.cancel();
        }
    }

    /// Let waits wait again; not after [`close()`](Self::close).
    pub fn resume(&self) {
        if let Some(handle) = self.0.upgrade() {
            handle.resume();
        }
    }
}

impl fmt::Debug for StreamCloser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamCloser").finish_non_exhaustive()
    }
}
