// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The receiving half of a bus.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::fmt;
use std::mem::{self, ManuallyDrop, offset_of};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::ptr::NonNull;
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

/// Messages that are asked for at a time: a batch grows by as many.
const BATCH_STEP: usize = 256;

/// How long a receive may take.
#[derive(Clone, Copy)]
pub(crate) enum Wait {
    /// For ever; before it sleeps it polls the ring at least so often.
    Spin(u32),
    /// In nanoseconds; 0 does not wait.
    For(i64),
}

/// Receives messages: one half of a [`Bus`](crate::Bus), from [`split`](crate::Bus::split) or
/// [`into_split`](crate::Bus::into_split).
///
/// It may go to another thread, but is used by one at a time. A guard borrows it, so that a second
/// receive meanwhile does not compile:
///
/// ```compile_fail,E0499
/// # fn two(receiver: &mut tachyon::Receiver) -> tachyon::Result<()> {
/// let first = receiver.acquire_rx(0)?;
/// let second = receiver.acquire_rx(0)?; // the first one borrows the receiver
/// first.commit()?;
/// second.commit()
/// # }
/// ```
pub struct Receiver {
    handle: Arc<Handle>,
    /// How often the library polls before it sleeps.
    spin: u32,
    /// A guard or a batch lives.
    is_held: Cell<bool>,
    /// The guard's message: here, where the library wrote it, and not in the guard, which moves.
    /// Moving it would take longer than receiving it.
    held: UnsafeCell<RxMessage>,
    /// Messages received and rolled back, the next one last. The library has none to give them back
    /// to: they stay unreleased here until they are received again.
    rolled_back: RefCell<Vec<RxMessage>>,
    /// A batch's memory, for the next batch.
    spare: Cell<Vec<RxMessage>>,
}

impl Receiver {
    /// # Safety
    ///
    /// No other Receiver of this handle is made, ever.
    pub(crate) unsafe fn new(handle: Arc<Handle>, spin: u32) -> Self {
        Self {
            handle,
            spin,
            is_held: Cell::new(false),
            held: UnsafeCell::new(RxMessage::NONE),
            rolled_back: RefCell::default(),
            spare: Cell::default(),
        }
    }

    /// Take the next message, in place. Waits without limit.
    ///
    /// `spin`: how often to poll the ring before it sleeps, where that is more than the bus does by
    /// itself ([`BusOptions::spin`](crate::BusOptions::spin)); never where the bus was told not to
    /// poll, or both sides share one CPU.
    #[inline]
    pub fn acquire_rx(&mut self, spin: u32) -> Result<RxGuard<'_>> {
        self.acquire(Wait::Spin(spin))
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn acquire_rx_timeout(&mut self, timeout: Duration) -> Result<RxGuard<'_>> {
        self.acquire(Wait::For(timeout::to_ns(Some(timeout))))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is none.
    #[inline]
    pub fn try_acquire_rx(&mut self) -> Result<RxGuard<'_>> {
        self.acquire(Wait::For(0))
    }

    /// Take what is there: waits for one message, then takes up to `max` without waiting.
    ///
    /// `spin`: as for [`acquire_rx`](Self::acquire_rx).
    pub fn drain_batch(&mut self, max: usize, spin: u32) -> Result<RxBatch<'_>> {
        self.drain(max, Wait::Spin(spin))
    }

    /// The same, giving up after a while.
    pub fn drain_batch_timeout(&mut self, max: usize, timeout: Duration) -> Result<RxBatch<'_>> {
        self.drain(max, Wait::For(timeout::to_ns(Some(timeout))))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is none.
    pub fn try_drain_batch(&mut self, max: usize) -> Result<RxBatch<'_>> {
        self.drain(max, Wait::For(0))
    }

    /// Before a poll of your own: announces that this side is about to sleep.
    ///
    /// True: a receive would not wait, do not poll. False: the descriptor is, or becomes, readable
    /// when a message or the end comes.
    pub fn prepare(&mut self) -> bool {
        self.arm()
    }

    /// After a poll of your own, whether the descriptor was readable or not.
    pub fn dispatch(&mut self) {
        self.disarm();
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

    #[inline]
    pub(crate) fn acquire(&self, wait: Wait) -> Result<RxGuard<'_>> {
        self.check_free()?;
        if !self.hold_rolled_back() {
            self.receive(wait)?;
        }
        self.is_held.set(true);
        Ok(RxGuard {
            actual_size: self.held().actual_size,
            type_id: self.held().type_id,
            receiver: self,
        })
    }

    pub(crate) fn drain(&self, max: usize, wait: Wait) -> Result<RxBatch<'_>> {
        if max == 0 {
            return Err(Error::from_code(-libc::EINVAL));
        }

        self.check_free()?;
        let mut messages = self.spare.take();

        while messages.len() < max {
            match self.next_rolled_back() {
                Some(message) => messages.push(message),
                None => break,
            }
        }
        while messages.len() < max {
            let step = BATCH_STEP.min(max - messages.len());
            let step_wait = if messages.is_empty() {
                wait
            } else {
                Wait::For(0)
            };

            match self.receive_more(&mut messages, step, step_wait) {
                Ok(count) if count == step => {}
                Ok(_) => break,
                Err(error) if messages.is_empty() => {
                    self.spare.set(messages);
                    return Err(error);
                }
                // What is wrong behind good messages is reported by the next call.
                Err(_) => break,
            }
        }

        self.is_held.set(true);
        Ok(RxBatch {
            receiver: self,
            messages,
        })
    }

    /// There is one guard or batch at a time.
    #[inline]
    fn check_free(&self) -> Result<()> {
        if self.is_held.get() {
            return Err(Error::from_code(-libc::EBUSY));
        }
        Ok(())
    }

    /// A message that was rolled back, if there is one; none after a close: then the library says
    /// so.
    fn next_rolled_back(&self) -> Option<RxMessage> {
        let mut rolled_back = self.rolled_back.borrow_mut();

        if rolled_back.is_empty() || self.end() == Some(End::Local) {
            return None;
        }
        rolled_back.pop()
    }

    /// Such a message, to be held; false: there is none.
    #[inline]
    fn hold_rolled_back(&self) -> bool {
        !self.rolled_back.borrow().is_empty() && self.hold_next_rolled_back()
    }

    #[cold]
    fn hold_next_rolled_back(&self) -> bool {
        let Some(message) = self.next_rolled_back() else {
            return false;
        };

        // SAFETY: no guard lives, as check_free() says, and nobody else looks at it.
        unsafe { *self.held.get() = message };
        true
    }

    /// The guard's message.
    #[inline]
    fn held(&self) -> &RxMessage {
        // SAFETY: it is valid from the start. It is written before there is a guard and while there
        // is none, and all borrows are a guard's; were it written with one alive, this were wrong.
        unsafe { &*self.held.get() }
    }

    /// One more, as it came, to be held.
    #[inline]
    fn receive(&self, wait: Wait) -> Result<()> {
        self.wait(wait, |timeout_ns| {
            // SAFETY: this is the bus's one receiver, and it is not Sync, so that no other thread
            // is in a call of it. No guard lives, as check_free() says, so nobody looks at what is
            // held; it is laid out as a tachyon_message, see below.
            unsafe {
                sys::tachyon_bus_receive(self.handle.as_ptr(), self.held.get().cast(), timeout_ns)
            }
        })?;
        Ok(())
    }

    /// The guard is gone without a commit.
    #[cold]
    fn roll_back(&self) {
        let message = RxMessage { ..*self.held() };

        self.rolled_back.borrow_mut().push(message);
        self.is_held.set(false);
    }

    /// Up to so many more behind `messages`; returns how many.
    fn receive_more(
        &self,
        messages: &mut Vec<RxMessage>,
        count: usize,
        wait: Wait,
    ) -> Result<usize> {
        messages.reserve(count);
        let room = messages.spare_capacity_mut().as_mut_ptr();
        let taken = self.wait(wait, |timeout_ns| {
            // SAFETY: this is the bus's one receiver, and it is not Sync, so that no other thread
            // is in a call of it; there is room for `count`, and RxMessage is laid out as
            // tachyon_message is, see below.
            unsafe {
                sys::tachyon_bus_receive_batch(self.handle.as_ptr(), room.cast(), count, timeout_ns)
            }
        })? as usize;
        // SAFETY: the library filled in so many of the `count` there was room for.
        unsafe { messages.set_len(messages.len() + taken) };
        Ok(taken)
    }

    #[inline]
    fn wait(&self, wait: Wait, mut receive: impl FnMut(i64) -> c_int) -> Result<c_int> {
        let ret = match wait {
            Wait::For(timeout_ns) => receive(timeout_ns),
            Wait::Spin(spin) if self.polls_before(spin) => receive(1),
            Wait::Spin(_) => receive(FOREVER),
        };

        match wait {
            Wait::Spin(spin) if ret == sys::TACHYON_ERR_TIMEDOUT => self.poll(spin, &mut receive),
            _ => check(ret),
        }
    }

    /// Whether it has to poll more often than the library does before it sleeps. A bus that was
    /// told not to poll does not.
    #[inline]
    fn polls_before(&self, spin: u32) -> bool {
        spin > self.spin && self.spin > 0
    }

    /// The rest of a wait after its first polls. Each wait of the library polls before it looks at
    /// its timeout, and cheaper than calls from here would.
    #[cold]
    fn poll(&self, spin: u32, receive: &mut dyn FnMut(i64) -> c_int) -> Result<c_int> {
        // One is done, and the last one sleeps behind its polls.
        for _ in 2..spin.div_ceil(self.spin) {
            match receive(1) {
                sys::TACHYON_ERR_TIMEDOUT => {}
                ret => return check(ret),
            }
        }
        check(receive(FOREVER))
    }

    /// Up to this message, and all before it.
    #[inline]
    fn release(&self, message: &RxMessage) -> Result<()> {
        // SAFETY: as for a receive; and RxMessage is laid out as tachyon_message is, see below.
        check(unsafe {
            sys::tachyon_bus_release(self.handle.as_ptr(), (&raw const *message).cast())
        })?;
        Ok(())
    }

    pub(crate) fn arm(&self) -> bool {
        // SAFETY: this is the bus's one receiver, and it is not Sync, so that no other thread is in
        // a call of it.
        let is_ready = unsafe { sys::tachyon_bus_prepare(self.handle.as_ptr()) } != 0;

        if !is_ready && !self.rolled_back.borrow().is_empty() {
            self.disarm();
            return true;
        }
        is_ready
    }

    pub(crate) fn disarm(&self) {
        // SAFETY: as in arm().
        unsafe { sys::tachyon_bus_dispatch(self.handle.as_ptr()) }
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("is_held", &self.is_held.get())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// A message in place, as a batch has it.
// The library fills these in: laid out as tachyon_message is. They are only ever lent out, so that
// nobody changes what data() depends on, or has one longer than its batch.
#[repr(C)]
pub struct RxMessage {
    data: *const c_void,
    /// How many bytes it has.
    pub actual_size: usize,
    /// As the sender gave it.
    pub type_id: u32,
    reserved: u32,
    position: u64,
}

const _: () = {
    assert!(size_of::<RxMessage>() == size_of::<sys::tachyon_message>());
    assert!(align_of::<RxMessage>() == align_of::<sys::tachyon_message>());
    assert!(offset_of!(RxMessage, data) == offset_of!(sys::tachyon_message, data));
    assert!(offset_of!(RxMessage, actual_size) == offset_of!(sys::tachyon_message, size));
    assert!(offset_of!(RxMessage, type_id) == offset_of!(sys::tachyon_message, type_));
    assert!(offset_of!(RxMessage, reserved) == offset_of!(sys::tachyon_message, reserved));
    assert!(offset_of!(RxMessage, position) == offset_of!(sys::tachyon_message, position));
};

// SAFETY: it points into the peer's ring, which belongs to no thread, and which this process only
// reads. An interior that is written through a shared borrow would make this wrong.
unsafe impl Send for RxMessage {}
// SAFETY: as above.
unsafe impl Sync for RxMessage {}

impl RxMessage {
    const NONE: Self = Self {
        data: NonNull::<c_void>::dangling().as_ptr(),
        actual_size: 0,
        type_id: 0,
        reserved: 0,
        position: 0,
    };

    /// Its bytes, where the peer wrote them.
    #[inline]
    pub fn data(&self) -> &[u8] {
        // SAFETY: the library checked that so many bytes lie in the peer's ring, which stays mapped
        // as long as the bus. Nobody writes there before it is released, which takes a guard or a
        // batch by value and so ends this borrow. It is the protocol that keeps the peer from
        // writing: one that breaks it changes what is read here, never where.
        unsafe { slice::from_raw_parts(self.data.cast(), self.actual_size) }
    }
}

impl Deref for RxMessage {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.data()
    }
}

impl AsRef<[u8]> for RxMessage {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl fmt::Debug for RxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RxMessage")
            .field("actual_size", &self.actual_size)
            .field("type_id", &self.type_id)
            .finish_non_exhaustive()
    }
}

/// A received message, in place, until it is committed: then the sender may overwrite it.
///
/// Dropped without a commit it is rolled back: the next receive returns it again.
///
/// It cannot outlive its bus:
///
/// ```compile_fail,E0505
/// # fn outlive(bus: tachyon::Bus) -> tachyon::Result<()> {
/// let guard = bus.acquire_rx(0)?;
/// drop(bus); // the guard borrows the bus
/// guard.commit()
/// # }
/// ```
///
/// and what it shows cannot outlive the guard:
///
/// ```compile_fail,E0505
/// # fn read_after(bus: &tachyon::Bus) -> tachyon::Result<u8> {
/// let guard = bus.acquire_rx(0)?;
/// let data = guard.data();
/// guard.commit()?; // data borrows the guard
/// Ok(data[0])
/// # }
/// ```
#[must_use = "dropped at once, it is rolled back"]
pub struct RxGuard<'a> {
    receiver: &'a Receiver,
    /// How many bytes it has.
    // For the reader; a change of it changes nothing.
    pub actual_size: usize,
    /// As the sender gave it.
    pub type_id: u32,
}

impl RxGuard<'_> {
    /// The message's bytes, where the peer wrote them.
    #[inline]
    pub fn data(&self) -> &[u8] {
        self.receiver.held().data()
    }

    /// Give it back to the sender.
    #[inline]
    pub fn commit(self) -> Result<()> {
        // Nothing is left to be rolled back.
        let receiver = ManuallyDrop::new(self).receiver;

        receiver.is_held.set(false);
        receiver.release(receiver.held())
    }
}

impl Drop for RxGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.roll_back();
    }
}

impl Deref for RxGuard<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.data()
    }
}

impl AsRef<[u8]> for RxGuard<'_> {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl fmt::Debug for RxGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RxGuard")
            .field("actual_size", &self.actual_size)
            .field("type_id", &self.type_id)
            .finish_non_exhaustive()
    }
}

/// Messages received together, in place, until all are committed together.
///
/// It is a slice of [`RxMessage`]s. Dropped without a commit all are rolled back: the next receives
/// return them again, in their order.
#[must_use = "dropped at once, it is rolled back"]
pub struct RxBatch<'a> {
    receiver: &'a Receiver,
    /// At least one; empty only after the commit.
    messages: Vec<RxMessage>,
}

impl RxBatch<'_> {
    /// Give all back to the sender.
    pub fn commit(mut self) -> Result<()> {
        let result = match self.messages.last() {
            Some(last) => self.receiver.release(last),
            None => Ok(()),
        };

        self.messages.clear();
        result
    }
}

impl Drop for RxBatch<'_> {
    fn drop(&mut self) {
        let mut messages = mem::take(&mut self.messages);

        self.receiver
            .rolled_back
            .borrow_mut()
            .extend(messages.drain(..).rev());
        self.receiver.spare.set(messages);
        self.receiver.is_held.set(false);
    }
}

impl Deref for RxBatch<'_> {
    type Target = [RxMessage];

    #[inline]
    fn deref(&self) -> &[RxMessage] {
        &self.messages
    }
}

impl<'a> IntoIterator for &'a RxBatch<'_> {
    type Item = &'a RxMessage;
    type IntoIter = slice::Iter<'a, RxMessage>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.iter()
    }
}

impl fmt::Debug for RxBatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
