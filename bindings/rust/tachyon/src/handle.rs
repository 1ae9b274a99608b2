// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A bus of the library, as its sender, its receiver and its closers share it.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use tachyon_sys as sys;

use crate::bus::BusStats;
use crate::end::End;

/// Freed with the last who knows it.
pub(crate) struct Handle {
    bus: NonNull<sys::tachyon_bus>,
}

// SAFETY: the library's buses belong to no thread; what one thread at a time may call is called
// through the one Sender and the one Receiver of a handle, which say so themselves. Everything that
// is called through a Handle alone is for any thread, and for several at once. A method here that
// is not would make both wrong.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// # Safety
    ///
    /// `bus` came from the library a moment ago, and nobody else has it.
    pub(crate) unsafe fn new(bus: NonNull<sys::tachyon_bus>) -> Self {
        Self { bus }
    }

    /// For the calls of the sender and the receiver.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut sys::tachyon_bus {
        self.bus.as_ptr()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is the bus's own descriptor, open until the bus is destroyed, which happens
        // after all borrows of self. It would be -1 only for a bus that was made without one, as
        // the library makes none for its users.
        unsafe { BorrowedFd::borrow_raw(sys::tachyon_bus_fd(self.as_ptr())) }
    }

    #[inline]
    pub(crate) fn max_message(&self) -> usize {
        // SAFETY: the bus lives as long as self; any thread.
        unsafe { sys::tachyon_bus_max_message(self.as_ptr()) }
    }

    pub(crate) fn end(&self) -> Option<End> {
        // SAFETY: the bus lives as long as self; any thread.
        End::from_raw(unsafe { sys::tachyon_bus_end(self.as_ptr()) })
    }

    pub(crate) fn stats(&self) -> BusStats {
        let mut stats = sys::tachyon_bus_stats {
            size: size_of::<sys::tachyon_bus_stats>() as u32,
            ..Default::default()
        };

        // SAFETY: the bus lives as long as self; any thread. `size` is true, so that nothing is
        // written behind the struct.
        unsafe { sys::tachyon_bus_get_stats(self.as_ptr(), &mut stats) };
        BusStats::from_raw(&stats)
    }

    pub(crate) fn shutdown(&self) {
        // SAFETY: the bus lives as long as self; any thread, also while others are in a call.
        unsafe { sys::tachyon_bus_shutdown(self.as_ptr()) }
    }

    pub(crate) fn cancel(&self) {
        // SAFETY: the bus lives as long as self; any thread.
        unsafe { sys::tachyon_bus_cancel(self.as_ptr()) }
    }

    pub(crate) fn resume(&self) {
        // SAFETY: the bus lives as long as self; any thread.
        unsafe { sys::tachyon_bus_resume(self.as_ptr()) }
    }
}

impl Drop for Handle {
    /// Flushes, and tells the peer.
    fn drop(&mut self) {
        // SAFETY: whoever is in a call, or holds a guard, borrows a Sender or Receiver, which holds
        // a reference to this; a Closer holds one while it calls. So nobody is, and it is the last
        // use of the pointer: nothing else frees it.
        unsafe { sys::tachyon_bus_destroy(self.as_ptr()) }
    }
}
