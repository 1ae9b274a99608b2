// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Memory of a publisher, to write the next frame into.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tachyon_sys as sys;

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::frame::{FrameMeta, RawMeta};
use crate::publisher::Handle;

/// A frame that is being written: [`Publisher::acquire()`](crate::Publisher::acquire).
///
/// It is a slice of bytes. [`commit()`](Self::commit) sends it; dropping it gives the memory back
/// unsent. It does not keep its publisher: when that is gone, it can be written to and dropped, but
/// not sent.
pub struct FrameMut {
    raw: sys::tachyon_frame,
    publisher: Weak<Handle>,
    /// What it has beside its payload.
    pub meta: FrameMeta,
}

// SAFETY: any thread may write to the payload, commit the frame and release its block
// (<tachyon/frame.h>).
unsafe impl Send for FrameMut {}
// SAFETY: through a `&FrameMut` the payload is only read; to write, commit and release takes it
// mutably or by value.
unsafe impl Sync for FrameMut {}

impl FrameMut {
    /// # Safety
    ///
    /// `raw` was acquired from this publisher, was not released, and is not used again by the
    /// caller.
    pub(crate) unsafe fn from_raw(raw: sys::tachyon_frame, publisher: &Arc<Handle>) -> Self {
        Self {
            raw,
            publisher: Arc::downgrade(publisher),
            meta: FrameMeta::default(),
        }
    }

    /// Lower its size; does nothing where it is not larger.
    pub fn truncate(&mut self, size: usize) {
        self.raw.size = self.raw.size.min(size);
    }

    /// Send it, waiting where a subscriber is behind and the policy is
    /// [`Policy::Block`](crate::Policy::Block). Returns how many subscribers it went to.
    ///
    /// # Errors
    ///
    /// The frame is given back unsent.
    ///
    /// - [`Closed`](crate::ErrorKind::Closed): the publisher was closed, or is gone
    /// - [`Canceled`](crate::ErrorKind::Canceled): [`Publisher::cancel()`] was called
    /// - [`TooBig`](crate::ErrorKind::TooBig): the records exceed 16 MiB
    /// - [`Invalid`](crate::ErrorKind::Invalid): a record's type is below
    ///   [`RECORD_USER`](crate::RECORD_USER), or a time is 2⁶⁴ − 1
    ///
    /// [`Publisher::cancel()`]: crate::Publisher::cancel
    pub fn commit(mut self) -> Result<u32> {
        self.commit_until(Deadline::Never)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) when that takes too long. Whatever goes
    /// wrong, the frame comes back with the error.
    #[expect(
        clippy::result_large_err,
        reason = "the frame comes back; a box would be memory"
    )]
    pub fn commit_timeout(mut self, timeout: Duration) -> std::result::Result<u32, CommitError> {
        self.commit_until(Deadline::after(timeout))
            .map_err(|error| CommitError { error, frame: self })
    }

    /// The same; [`WouldBlock`](crate::ErrorKind::WouldBlock) when it would wait.
    #[expect(
        clippy::result_large_err,
        reason = "the frame comes back; a box would be memory"
    )]
    pub fn try_commit(self) -> std::result::Result<u32, CommitError> {
        self.commit_timeout(Duration::ZERO)
    }

    fn commit_until(&mut self, deadline: Deadline) -> Result<u32> {
        let publisher = self
            .publisher
            .upgrade()
            .ok_or(Error::from_code(sys::TACHYON_ERR_CLOSED))?;
        let meta = RawMeta::new(&self.meta)?;
        let mut frame = meta.with_payload(self.raw.data, self.raw.size, self.raw.block);
        let count = publisher.persist(deadline, |publisher| {
            // SAFETY: the block was acquired from this publisher, which `publisher` keeps alive,
            // and is still ours; the records in `meta` live until the call returns. Nobody writes
            // to the payload afterwards: self is borrowed here, and holds no block once this
            // succeeded.
            unsafe { sys::tachyon_publisher_commit(publisher, &mut frame) }
        })?;

        // The reference went with the frame: what drop() would release is gone.
        self.raw.block = ptr::null_mut();
        self.raw.size = 0;
        Ok(count)
    }

    /// Give the memory back unsent, as dropping the frame does.
    pub fn abandon(self) {}
}

impl Drop for FrameMut {
    fn drop(&mut self) {
        // SAFETY: the block is ours, and this its last use: commit has cleared the field where it
        // gave the reference away, and then this does nothing. It may be called after the
        // publisher is destroyed.
        unsafe { sys::tachyon_frame_release(&mut self.raw) }
    }
}

impl Deref for FrameMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.raw.size == 0 {
            return &[];
        }
        // SAFETY: acquire gave `size` bytes at least, initialised (a new segment is zeros), which
        // are ours until the block is released or sent, and nobody else can write to them.
        unsafe { std::slice::from_raw_parts(self.raw.data.cast::<u8>(), self.raw.size) }
    }
}

impl DerefMut for FrameMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        if self.raw.size == 0 {
            return &mut [];
        }
        // SAFETY: as above; and self is borrowed mutably, so this is the one slice of them. Whose
        // subscriber was dropped may still read them: in another process, or through a mapping of
        // its own.
        unsafe { std::slice::from_raw_parts_mut(self.raw.data.cast::<u8>(), self.raw.size) }
    }
}

impl fmt::Debug for FrameMut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameMut")
            .field("size", &self.raw.size)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

/// A frame could not be sent: why, and the frame.
#[derive(Debug)]
pub struct CommitError {
    /// Why.
    pub error: Error,
    /// What can be tried again, or dropped.
    pub frame: FrameMut,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        error.error
    }
}

impl From<CommitError> for io::Error {
    fn from(error: CommitError) -> Self {
        error.error.into()
    }
}
