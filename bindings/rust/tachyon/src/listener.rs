// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! An address, for many peers one after another.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

use crate::bus::{Bus, BusOptions};
use crate::closer::Closer;
use crate::error::{Result, check};
use crate::timeout::{self, FOREVER};

/// Accepts one [`Bus`] after another at an address.
///
/// It may go to another thread, but is used by one at a time; its [`Closer`] by any.
pub struct Listener {
    handle: Arc<ListenerHandle>,
    spin: u32,
    // The library accepts on one thread at a time.
    _not_sync: PhantomData<Cell<()>>,
}

/// Freed with the last who knows it.
pub(crate) struct ListenerHandle {
    listener: NonNull<sys::tachyon_listener>,
}

// SAFETY: the library's listeners belong to no thread; what one thread at a time may call is called
// by the one Listener of a handle, which is not Sync. What is called through a handle alone is for
// any thread. A method here that is not would make both wrong.
unsafe impl Send for ListenerHandle {}
// SAFETY: as above.
unsafe impl Sync for ListenerHandle {}

impl ListenerHandle {
    pub(crate) fn cancel(&self) {
        // SAFETY: the listener lives as long as self; any thread.
        unsafe { sys::tachyon_listener_cancel(self.listener.as_ptr()) }
    }
}

impl Drop for ListenerHandle {
    fn drop(&mut self) {
        // SAFETY: who accepts borrows a Listener, which holds a reference to this, and a Closer
        // holds one while it calls: so no other thread uses it, and nobody will.
        unsafe { sys::tachyon_listener_destroy(self.listener.as_ptr()) }
    }
}

impl Listener {
    /// Claim an address, for peers to come. `capacity`: as for [`Bus::listen`].
    ///
    /// More choices: [`BusOptions::listener`].
    pub fn create(address: impl AsRef<Path>, capacity: usize) -> Result<Self> {
        Bus::options().capacity(capacity).listener(address)
    }

    pub(crate) fn with_options(options: &BusOptions, address: &Path) -> Result<Self> {
        let mut listener = ptr::null_mut();

        options.call(address, None, |address, options| {
            // SAFETY: both are valid during the call, and not kept by the library.
            check(unsafe { sys::tachyon_listener_create(address, options, &mut listener) })
        })?;
        let listener = NonNull::new(listener).expect("a listener, where creating it succeeded");
        Ok(Self {
            handle: Arc::new(ListenerHandle { listener }),
            spin: options.polls(),
            _not_sync: PhantomData,
        })
    }

    /// Wait for a peer, without limit. One that is refused costs itself only: the wait goes on.
    pub fn accept(&self) -> Result<Bus> {
        self.accept_within(FOREVER)
    }

    /// The same, giving up after a while.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Bus> {
        self.accept_within(timeout::to_ns(Some(timeout)))
    }

    /// The same without waiting: [`WouldBlock`](crate::ErrorKind::WouldBlock) where nobody waits.
    pub fn try_accept(&self) -> Result<Bus> {
        self.accept_within(0)
    }

    fn accept_within(&self, timeout_ns: i64) -> Result<Bus> {
        let mut bus = ptr::null_mut();

        // SAFETY: this is the one Listener of its handle, and it is not Sync, so that no other
        // thread accepts.
        check(unsafe {
            sys::tachyon_listener_accept(self.handle.listener.as_ptr(), timeout_ns, &mut bus)
        })?;
        // SAFETY: it is new, and ours alone.
        Ok(unsafe { Bus::from_raw(bus, self.spin) })
    }

    /// For another thread: closing makes accepts fail as canceled.
    pub fn closer(&self) -> Closer {
        Closer::of_listener(&self.handle)
    }
}

/// Readable when an accept may succeed.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is the listener's own descriptor, open until the listener is destroyed, which
        // happens after all borrows of self.
        unsafe { BorrowedFd::borrow_raw(sys::tachyon_listener_fd(self.handle.listener.as_ptr())) }
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
