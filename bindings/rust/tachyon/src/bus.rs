// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A connected pair of processes.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

use crate::access::Access;
use crate::address;
use crate::closer::Closer;
use crate::end::End;
use crate::error::{Error, Result, check};
use crate::handle::Handle;
use crate::listener::Listener;
use crate::receiver::{Receiver, RxBatch, RxGuard, Wait};
use crate::sender::{Sender, TxGuard};
use crate::timeout::{self, FOREVER};

/// What `tachyon_bus_options` says 0 means.
const DEFAULT_SPIN: u32 = 1000;

/// A connected pair of processes, and a ring of messages each way between them.
///
/// A message is up to [`max_message`](Self::max_message) bytes and a 32-bit type of your choice.
/// Messages arrive whole, in order, exactly once. Dropped, a bus tells its peer, which still
/// receives what was committed, then the end: [`Closed`](crate::ErrorKind::Closed).
///
/// A bus may go to another thread, but is used by one at a time. For two threads, and to send while
/// a received message is held, [`split`](Self::split) it:
///
/// ```compile_fail,E0277
/// # fn share(bus: tachyon::Bus) {
/// std::thread::scope(|scope| {
///     scope.spawn(|| bus.send(b"a", 1)); // Bus is not Sync
///     scope.spawn(|| bus.send(b"b", 1));
/// });
/// # }
/// ```
pub struct Bus {
    sender: Sender,
    receiver: Receiver,
}

impl Bus {
    /// Claim an address, wait for one peer without limit, give up the address.
    ///
    /// `address`: a path, or '@' and a name in the abstract namespace. `capacity`: bytes of the ring
    /// to send on, rounded up to a power of two; a peer that connects without a capacity of its own
    /// takes the larger of 64 KiB and this one.
    pub fn listen(address: impl AsRef<Path>, capacity: usize) -> Result<Self> {
        Self::options().capacity(capacity).listen(address)
    }

    /// Connect to a listener, waiting up to 5 s for it to appear.
    pub fn connect(address: impl AsRef<Path>) -> Result<Self> {
        Self::options().connect(address)
    }

    /// More choices than [`listen`](Self::listen) and [`connect`](Self::connect) have.
    pub fn options() -> BusOptions {
        BusOptions::default()
    }

    /// # Safety
    ///
    /// `bus` came from the library a moment ago, and nobody else has it.
    pub(crate) unsafe fn from_raw(bus: *mut sys::tachyon_bus, spin: u32) -> Self {
        let bus = NonNull::new(bus).expect("a bus, where making it succeeded");
        // SAFETY: the caller's promise.
        let handle = Arc::new(unsafe { Handle::new(bus) });

        // SAFETY: the handle is new, so these are its one Sender and its one Receiver; neither can
        // be cloned.
        unsafe {
            Self {
                sender: Sender::new(handle.clone()),
                receiver: Receiver::new(handle, spin),
            }
        }
    }

    /// Copy a message in and make it visible. Waits for space.
    #[inline]
    pub fn send(&self, data: &[u8], type_id: u32) -> Result<()> {
        self.sender.send_within(data, type_id, FOREVER)
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn send_timeout(&self, data: &[u8], type_id: u32, timeout: Duration) -> Result<()> {
        self.sender
            .send_within(data, type_id, timeout::to_ns(Some(timeout)))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is no
    /// space.
    #[inline]
    pub fn try_send(&self, data: &[u8], type_id: u32) -> Result<()> {
        self.sender.send_within(data, type_id, 0)
    }

    /// Take room for a message of up to `size` bytes, to write it in place. Waits for space.
    ///
    /// The bytes are what the ring held there before.
    #[inline]
    pub fn acquire_tx(&mut self, size: usize) -> Result<TxGuard<'_>> {
        self.sender.acquire_tx(size)
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn acquire_tx_timeout(&mut self, size: usize, timeout: Duration) -> Result<TxGuard<'_>> {
        self.sender.acquire_tx_timeout(size, timeout)
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is no
    /// space.
    #[inline]
    pub fn try_acquire_tx(&mut self, size: usize) -> Result<TxGuard<'_>> {
        self.sender.try_acquire_tx(size)
    }

    /// Make everything committed visible.
    pub fn flush(&self) -> Result<()> {
        self.sender.flush_batch()
    }

    /// Take the next message, in place. Waits without limit.
    ///
    /// There is one guard or batch of a bus at a time: while one lives, a receive fails as
    /// [`Busy`](crate::ErrorKind::Busy). ([`Receiver`] has the compiler check that.)
    ///
    /// `spin`: how often to poll the ring before it sleeps, where that is more than the bus does by
    /// itself ([`BusOptions::spin`]); never where the bus was told not to poll, or both sides share
    /// one CPU.
    #[inline]
    pub fn acquire_rx(&self, spin: u32) -> Result<RxGuard<'_>> {
        self.acquire(Wait::Spin(spin))
    }

    /// The same, giving up after a while.
    #[inline]
    pub fn acquire_rx_timeout(&self, timeout: Duration) -> Result<RxGuard<'_>> {
        self.acquire(wait_for(timeout))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is none.
    #[inline]
    pub fn try_acquire_rx(&self) -> Result<RxGuard<'_>> {
        self.acquire(NO_WAIT)
    }

    /// Take what is there: waits for one message, then takes up to `max` without waiting.
    ///
    /// `spin`, and one at a time: as for [`acquire_rx`](Self::acquire_rx).
    pub fn drain_batch(&self, max: usize, spin: u32) -> Result<RxBatch<'_>> {
        self.drain(max, Wait::Spin(spin))
    }

    /// The same, giving up after a while.
    pub fn drain_batch_timeout(&self, max: usize, timeout: Duration) -> Result<RxBatch<'_>> {
        self.drain(max, wait_for(timeout))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where there is none.
    pub fn try_drain_batch(&self, max: usize) -> Result<RxBatch<'_>> {
        self.drain(max, NO_WAIT)
    }

    /// Before a poll of your own: flushes, then announces that this side is about to sleep.
    ///
    /// True: a receive would not wait, do not poll. False: the descriptor is, or becomes, readable
    /// when a message or the end comes.
    pub fn prepare(&self) -> bool {
        self.flush_batch();
        self.receiver.arm()
    }

    /// After a poll of your own, whether the descriptor was readable or not.
    pub fn dispatch(&self) {
        self.receiver.disarm();
    }

    /// The two halves, for two threads, or to send while a received message is held.
    pub fn split(&mut self) -> (&mut Sender, &mut Receiver) {
        (&mut self.sender, &mut self.receiver)
    }

    /// The same for threads that outlive this function. The connection lasts until both are gone.
    pub fn into_split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// For another thread, to end the connection.
    pub fn closer(&self) -> Closer {
        self.sender.closer()
    }

    /// The largest message that this bus ever sends, in bytes.
    #[inline]
    pub fn max_message(&self) -> usize {
        self.sender.max_message()
    }

    /// How the connection ended; `None` while it has not.
    pub fn end(&self) -> Option<End> {
        self.sender.end()
    }

    /// Figures since it was made.
    pub fn stats(&self) -> BusStats {
        self.sender.handle().stats()
    }

    #[inline]
    fn acquire(&self, wait: Wait) -> Result<RxGuard<'_>> {
        if self.sender.has_batch() {
            self.flush_before_wait();
        }
        self.receiver.acquire(wait)
    }

    fn drain(&self, max: usize, wait: Wait) -> Result<RxBatch<'_>> {
        if self.sender.has_batch() {
            self.flush_before_wait();
        }
        self.receiver.drain(max, wait)
    }

    /// Before a wait the library flushes what the waiting thread committed. A bus may have come
    /// from another thread: whoever waits here is the sender, too, and nobody else would flush.
    fn flush_before_wait(&self) {
        // Where a message is there, it is rolled back: nothing will be waited for.
        match self.receiver.acquire(NO_WAIT) {
            Err(error) if error.would_block() => self.flush_batch(),
            _ => {}
        }
    }

    fn flush_batch(&self) {
        if self.sender.has_batch() {
            // It fails only where the connection is over, which the receive says, too.
            let _ = self.sender.flush_batch();
        }
    }
}

const NO_WAIT: Wait = Wait::For(0);

fn wait_for(timeout: Duration) -> Wait {
    Wait::For(timeout::to_ns(Some(timeout)))
}

/// For a poll of your own: [`prepare`](Bus::prepare), poll it for input,
/// [`dispatch`](Bus::dispatch), receive without waiting.
impl AsFd for Bus {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.as_fd()
    }
}

impl AsRawFd for Bus {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus")
            .field("max_message", &self.max_message())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// Figures of one bus since it was made. Counters wrap at 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusStats {
    /// The peer's process; `None` where unknown.
    pub peer_pid: Option<u32>,
    /// Messages sent.
    pub messages_sent: u64,
    /// Bytes of the ring sent, headers and padding included.
    pub bytes_sent: u64,
    /// Messages received.
    pub messages_received: u64,
    /// Bytes received, likewise, and given back.
    pub bytes_received: u64,
    /// Times a wait went to the kernel.
    pub sleeps: u64,
    /// Times we rang a sleeping peer.
    pub wakes: u64,
    /// Times our ring had no room.
    pub full: u64,
}

impl BusStats {
    pub(crate) fn from_raw(stats: &sys::tachyon_bus_stats) -> Self {
        Self {
            peer_pid: (stats.peer_pid != 0).then_some(stats.peer_pid),
            messages_sent: stats.messages_sent,
            bytes_sent: stats.bytes_sent,
            messages_received: stats.messages_received,
            bytes_received: stats.bytes_received,
            sleeps: stats.sleeps,
            wakes: stats.wakes,
            full: stats.full,
        }
    }
}

/// How to open a [`Bus`]: [`Bus::options`], choices, then [`listen`](Self::listen),
/// [`connect`](Self::connect) or [`listener`](Self::listener).
#[derive(Clone, Default)]
#[must_use = "it opens nothing by itself"]
pub struct BusOptions {
    capacity: Option<usize>,
    /// What was chosen: a wait without limit is a choice, too.
    timeout: Option<Option<Duration>>,
    spin: Option<u32>,
    max_peer_capacity: Option<usize>,
    access: Access,
    is_canceled: Option<Canceled>,
}

impl BusOptions {
    /// Bytes of the ring to send on, rounded up to a power of two. Default: 64 KiB, or to a
    /// connector the listener's own, if that is larger.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// How long to wait for a peer; `None` without limit. Default: listen without limit, connect
    /// 5 s. A [`Listener`] does not use it.
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Polls of the ring before a wait sleeps. Default: 1000; 0 for none.
    pub fn spin(mut self, spin: u32) -> Self {
        self.spin = Some(spin);
        self
    }

    /// The largest ring that a peer may make us map, in bytes. Default: 64 MiB.
    pub fn max_peer_capacity(mut self, capacity: usize) -> Self {
        self.max_peer_capacity = Some(capacity);
        self
    }

    /// Permission bits of the socket file: connecting needs write permission. Default: 0o600.
    pub fn perms(mut self, perms: u32) -> Self {
        self.access.perms = perms;
        self
    }

    /// Users let in beside our own.
    pub fn uids(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.access.uids = uids.into_iter().collect();
        self
    }

    /// Let in any user that the file's permissions let in.
    pub fn any_uid(mut self, any_uid: bool) -> Self {
        self.access.any_uid = any_uid;
        self
    }

    /// Asked at least ten times a second while listen and connect wait, on their thread: true ends
    /// them as [`Canceled`](crate::ErrorKind::Canceled). It must not panic: that ends the process.
    ///
    /// A [`Listener`] does not use it: it has a [`closer`](Listener::closer).
    pub fn is_canceled(mut self, is_canceled: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_canceled = Some(Arc::new(Box::new(is_canceled)));
        self
    }

    /// As [`Bus::listen`].
    pub fn listen(&self, address: impl AsRef<Path>) -> Result<Bus> {
        self.open(address.as_ref(), Some(None), sys::tachyon_bus_listen)
    }

    /// As [`Bus::connect`].
    pub fn connect(&self, address: impl AsRef<Path>) -> Result<Bus> {
        self.open(address.as_ref(), None, sys::tachyon_bus_connect)
    }

    /// As [`Listener::create`].
    pub fn listener(&self, address: impl AsRef<Path>) -> Result<Listener> {
        Listener::with_options(self, address.as_ref())
    }

    fn open(
        &self,
        address: &Path,
        timeout: Option<Option<Duration>>,
        open: unsafe extern "C" fn(
            *const c_char,
            *const sys::tachyon_bus_options,
            *mut *mut sys::tachyon_bus,
        ) -> i32,
    ) -> Result<Bus> {
        let mut bus = ptr::null_mut();

        self.call(address, self.timeout.or(timeout), |address, options| {
            // SAFETY: both are valid during the call, and not kept by the library.
            check(unsafe { open(address, options, &mut bus) })
        })?;
        // SAFETY: it is new, and ours alone.
        Ok(unsafe { Bus::from_raw(bus, self.polls()) })
    }

    /// Calls the library with pointers that are valid meanwhile.
    pub(crate) fn call(
        &self,
        address: &Path,
        timeout: Option<Option<Duration>>,
        call: impl FnOnce(*const c_char, *const sys::tachyon_bus_options) -> Result<i32>,
    ) -> Result<()> {
        let address = address::to_c(address)?;
        let options = sys::tachyon_bus_options {
            size: size_of::<sys::tachyon_bus_options>() as u32,
            spin: match self.spin {
                None => 0,
                Some(0) => sys::TACHYON_SPIN_NEVER,
                Some(spin) => spin.min(sys::TACHYON_SPIN_NEVER - 1),
            },
            ring_size: size_or_default(self.capacity)?,
            max_peer_ring_size: size_or_default(self.max_peer_capacity)?,
            timeout_ns: timeout.map_or(0, timeout::to_option_ns),
            access: self.access.as_raw(),
            is_canceled: self.is_canceled.as_ref().map(|_| ask as _),
            is_canceled_data: self.is_canceled.as_ref().map_or(ptr::null_mut(), |asked| {
                (&raw const **asked).cast_mut().cast()
            }),
            ..Default::default()
        };

        call(address.as_ptr(), &options)?;
        Ok(())
    }

    /// Of one wait of the library.
    pub(crate) fn polls(&self) -> u32 {
        self.spin.unwrap_or(DEFAULT_SPIN)
    }
}

impl fmt::Debug for BusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusOptions")
            .field("capacity", &self.capacity)
            .field("timeout", &self.timeout)
            .field("spin", &self.spin)
            .field("max_peer_capacity", &self.max_peer_capacity)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Boxed, so that a plain pointer leads to it.
type Canceled = Arc<Question>;
type Question = Box<dyn Fn() -> bool + Send + Sync>;

unsafe extern "C" fn ask(data: *mut c_void) -> c_int {
    // SAFETY: it is the pointer to a Question that call() gave to the library together with this
    // function; the options that own it are borrowed until the library's call returns, and it asks
    // only meanwhile, on the same thread.
    let is_canceled = unsafe { &*data.cast::<Question>() };

    is_canceled().into()
}

/// To the library 0 means the default; to who writes 0 it would not.
fn size_or_default(size: Option<usize>) -> Result<u64> {
    match size {
        None => Ok(0),
        Some(0) => Err(Error::from_code(-libc::EINVAL)),
        Some(size) => Ok(size as u64),
    }
}
