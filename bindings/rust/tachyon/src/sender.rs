// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The sending half of a bus.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

use crate::bus::BusStats;
use crate::closer::Closer;
use crate::end::End;
use crate::error::{Error, Result, check};
use crate::handle::Handle;
use crate::timeout::{self, FOREVER};

/// Sends messages: one half of a [`Bus`](crate::Bus), from [`split`](crate::Bus::split) or
/// [`into_split`](crate::Bus::into_split).
///
/// It may go to another thread, but is used by one at a time. The connection lasts until both
/// halves are gone.
pub struct Sender {
    handle: Arc<Handle>,
    /// Something may be committed and not flushed.
    has_batch: Cell<bool>,
}

impl Sender {
    /// # Safety
    ///
    /// No other Sender of this handle is made, ever.
    pub(crate) unsafe fn new(handle: Arc<Handle>) -> Self {
        Self {
            handle,
            has_batch: Cell::new(false),
        }
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    #[inline]
    pub(crate) fn has_batch(&self) -> bool {
        self.has_batch.get()
    }

    /// Copy a message in and make it visible. Waits for space.
    #[inline]
    pub fn send(&mut self, data: &[u8], type_id: u32) -> Result<()> {
        self.send_within(data, type_id, FOREVER)
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn send_timeout(&mut self, data: &[u8], type_id: u32, timeout: Duration) -> Result<()> {
        self.send_within(data, type_id, timeout::to_ns(Some(timeout)))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is no
    /// space.
    #[inline]
    pub fn try_send(&mut self, data: &[u8], type_id: u32) -> Result<()> {
        self.send_within(data, type_id, 0)
    }

    #[inline]
    pub(crate) fn send_within(&self, data: &[u8], type_id: u32, timeout_ns: i64) -> Result<()> {
        // SAFETY: this is the bus's one sender, and it is not Sync, so that no other thread is in a
        // call of it; `data` is readable for the length given, and not kept.
        check(unsafe {
            sys::tachyon_bus_send(
                self.handle.as_ptr(),
                data.as_ptr().cast(),
                data.len(),
                type_id,
                timeout_ns,
            )
        })?;
        self.has_batch.set(false);
        Ok(())
    }

    /// Take room for a message of up to `size` bytes, to write it in place. Waits for space.
    ///
    /// The bytes are what the ring held there before.
    #[inline]
    pub fn acquire_tx(&mut self, size: usize) -> Result<TxGuard<'_>> {
        self.acquire_within(size, FOREVER)
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn acquire_tx_timeout(&mut self, size: usize, timeout: Duration) -> Result<TxGuard<'_>> {
        self.acquire_within(size, timeout::to_ns(Some(timeout)))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is no
    /// space.
    #[inline]
    pub fn try_acquire_tx(&mut self, size: usize) -> Result<TxGuard<'_>> {
        self.acquire_within(size, 0)
    }

    #[inline]
    fn acquire_within(&mut self, size: usize, timeout_ns: i64) -> Result<TxGuard<'_>> {
        let mut data = ptr::null_mut();

        // SAFETY: this is the bus's one sender, borrowed alone, so that nobody is in a call of it.
        check(unsafe {
            sys::tachyon_bus_reserve(self.handle.as_ptr(), size, &mut data, timeout_ns)
        })?;
        Ok(TxGuard {
            sender: self,
            data: NonNull::new(data.cast()).expect("room, where reserving it succeeded"),
            size,
            written: 0,
        })
    }

    /// Make everything committed visible.
    pub fn flush(&mut self) -> Result<()> {
        self.flush_batch()
    }

    pub(crate) fn flush_batch(&self) -> Result<()> {
        // SAFETY: this is the bus's one sender, and it is not Sync, so that no other thread is in a
        // call of it.
        check(unsafe { sys::tachyon_bus_flush(self.handle.as_ptr()) })?;
        self.has_batch.set(false);
        Ok(())
    }

    /// The largest message that this bus ever sends, in bytes.
    #[inline]
    pub fn max_message(&self) -> usize {
        self.handle.max_message()
    }

    /// How the connection ended; `None` while it has not.
    pub fn end(&self) -> Option<End> {
        self.handle.end()
    }

    /// Figures of the bus since it was made.
    pub fn stats(&self) -> BusStats {
        self.handle.stats()
    }

    /// For another thread, to end the connection.
    pub fn closer(&self) -> Closer {
        Closer::of_bus(&self.handle)
    }
}

impl Drop for Sender {
    /// The receiver may live on; what was committed should not wait for its end.
    fn drop(&mut self) {
        if self.has_batch() {
            // It fails only where the connection is over.
            let _ = self.flush_batch();
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("max_message", &self.max_message())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// Room in the ring for one message. Dropped without a commit, nothing is sent.
///
/// It is a `[u8]` of the size that was asked for, 64-byte aligned where that is above 48, else
/// 16-byte aligned; and an [`io::Write`] that fills it from the front.
///
/// There is one at a time, and no other way to send meanwhile:
///
/// ```compile_fail,E0499
/// # fn two(bus: &mut tachyon::Bus) -> tachyon::Result<()> {
/// let first = bus.acquire_tx(8)?;
/// let second = bus.acquire_tx(8)?; // the first one borrows the bus
/// first.commit(8, 1)?;
/// second.commit(8, 1)
/// # }
/// ```
///
/// ```compile_fail,E0502
/// # fn send_meanwhile(bus: &mut tachyon::Bus) -> tachyon::Result<()> {
/// let guard = bus.acquire_tx(8)?;
/// bus.send(b"before it?", 2)?; // the guard borrows the bus
/// guard.commit(8, 1)
/// # }
/// ```
///
/// ```compile_fail,E0505
/// # fn outlive(mut bus: tachyon::Bus) -> tachyon::Result<()> {
/// let guard = bus.acquire_tx(8)?;
/// drop(bus); // the guard borrows the bus
/// guard.commit(8, 1)
/// # }
/// ```
#[must_use = "nothing is sent before commit()"]
pub struct TxGuard<'a> {
    sender: &'a mut Sender,
    data: NonNull<u8>,
    size: usize,
    written: usize,
}

// SAFETY: it borrows the bus's one sender alone, so that wherever it is, nobody else sends; the room
// it points to is that sender's, and belongs to no thread. An interior that its owner shares with
// the guard would make this wrong.
unsafe impl Send for TxGuard<'_> {}
// SAFETY: all that a shared borrow of it does is to read the room, and nobody writes there but who
// has the guard itself. A method that writes and takes `&self` would make this wrong.
unsafe impl Sync for TxGuard<'_> {}

impl TxGuard<'_> {
    /// Copy bytes in behind those written before, as many as there is room for; returns how many.
    ///
    /// The [`io::Write`] of this guard does the same; `write_all` and `write!` fail where there is
    /// no room for all.
    #[inline]
    pub fn write(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(self.size - self.written);
        let start = self.written;

        self[start..start + count].copy_from_slice(&data[..count]);
        self.written += count;
        count
    }

    /// How many bytes [`write`](Self::write) has copied in so far.
    pub fn written(&self) -> usize {
        self.written
    }

    /// The room, to write to.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    /// Send the first `actual_size` bytes, and everything committed before, now.
    ///
    /// On failure nothing is sent: [`Invalid`](crate::ErrorKind::Invalid) where there is not so much
    /// room, [`Closed`](crate::ErrorKind::Closed) where the connection was closed here.
    #[inline]
    pub fn commit(self, actual_size: usize, type_id: u32) -> Result<()> {
        self.finish(actual_size, type_id, sys::tachyon_bus_commit, false)
    }

    /// End the message as part of a batch: the peer sees none of it until a
    /// [`flush`](Sender::flush), then all at once.
    ///
    /// A commit or a send flushes, too; so does the sender before it waits for space, and a
    /// [`Bus`](crate::Bus) before it waits for a message.
    #[inline]
    pub fn commit_unflushed(self, actual_size: usize, type_id: u32) -> Result<()> {
        self.finish(
            actual_size,
            type_id,
            sys::tachyon_bus_commit_unflushed,
            true,
        )
    }

    #[inline]
    fn finish(
        self,
        actual_size: usize,
        type_id: u32,
        commit: unsafe extern "C" fn(*mut sys::tachyon_bus, usize, u32) -> i32,
        has_batch: bool,
    ) -> Result<()> {
        // SAFETY: the guard borrows the bus's one sender alone, so that nobody is in a call of it.
        // The size is checked by the library: it answers EINVAL, and keeps the room.
        let ret = unsafe { commit(self.sender.handle.as_ptr(), actual_size, type_id) };

        if ret < 0 {
            // Dropping the guard rolls back.
            return Err(Error::from_code(ret));
        }
        // The room is the ring's again: there is nothing to roll back, and Drop would give up a
        // reservation that a later call made.
        let this = ManuallyDrop::new(self);
        this.sender.has_batch.set(has_batch);
        Ok(())
    }
}

impl Drop for TxGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard borrows the bus's one sender alone, and it still has the room: finish()
        // forgets a guard that has not.
        unsafe { sys::tachyon_bus_rollback(self.sender.handle.as_ptr()) };
    }
}

impl Deref for TxGuard<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the library gave us so many bytes there, which no one else writes until commit or
        // rollback, both of which end the guard: the peer's mapping is read-only.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.size) }
    }
}

impl DerefMut for TxGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in deref(); and nobody else in this process has this piece of the ring. The
        // peer may read it, to no use: it is told nothing of it before the commit.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.size) }
    }
}

impl io::Write for TxGuard<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(TxGuard::write(self, data))
    }

    /// Does nothing: the message is sent by a commit.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TxGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxGuard")
            .field("size", &self.size)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
