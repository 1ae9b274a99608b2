// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The publisher of the C library, as those who use it share it.

use std::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

use tachyon_sys as sys;

use super::options::PublisherOptions;
use crate::address;
use crate::deadline::Deadline;
use crate::error::{Result, check};
use crate::notice::Notice;
use crate::service::Serve;

/// The publisher of the C library. Whoever calls it has a reference to this.
pub(crate) struct Handle {
    raw: NonNull<sys::tachyon_publisher>,
    /// Notices are taken by one thread at a time.
    notices: Mutex<()>,
}

// SAFETY: a publisher belongs to no thread: <tachyon/frame.h> lets any thread destroy it when no
// call is under way, which the last reference to a Handle proves.
unsafe impl Send for Handle {}
// SAFETY: any thread may call any function at any time, but for destroy (see above) and
// next_notice, which is called with the lock `notices` held.
unsafe impl Sync for Handle {}

impl Handle {
    pub(super) fn create(options: &PublisherOptions, address: &Path) -> Result<Self> {
        let address = address::to_c(address)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the address ends with a NUL; it and the users that the options point to live
        // until the call returns, and are copied.
        let ret =
            unsafe { sys::tachyon_publisher_create(address.as_ptr(), &options.as_raw(), &mut raw) };
        check(ret)?;
        Ok(Self {
            raw: NonNull::new(raw).expect("a publisher where create returned 0"),
            notices: Mutex::new(()),
        })
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::tachyon_publisher {
        self.raw.as_ptr()
    }

    pub(crate) fn wait(&self, deadline: Deadline) -> Result<()> {
        // SAFETY: the publisher lives as long as self.
        let ret = unsafe { sys::tachyon_publisher_wait(self.as_ptr(), deadline.timeout_ns()) };

        check(ret).map(drop)
    }

    /// Try again whenever something has changed, until the answer is not AGAIN.
    pub(crate) fn persist(
        &self,
        deadline: Deadline,
        mut attempt: impl FnMut(*mut sys::tachyon_publisher) -> c_int,
    ) -> Result<u32> {
        loop {
            let ret = attempt(self.as_ptr());

            if ret != sys::TACHYON_ERR_AGAIN {
                return check(ret).map(|count| count as u32);
            }
            self.wait(deadline)?;
        }
    }

    pub(super) fn next_notice(&self) -> Option<Notice> {
        let _one_at_a_time = self.notices.lock().unwrap_or_else(PoisonError::into_inner);

        loop {
            let mut raw = sys::tachyon_notice::default();
            // SAFETY: the publisher lives as long as self, and the lock keeps others out.
            let ret = unsafe { sys::tachyon_publisher_next_notice(self.as_ptr(), &mut raw) };

            if ret != 1 {
                return None;
            }
            // SAFETY: it was filled in just now, and the lock is still held. A kind that a newer
            // library has and we do not know is passed over.
            if let Some(notice) = unsafe { Notice::from_raw(&raw) } {
                return Some(notice);
            }
        }
    }

    pub(super) fn dispatch(&self) -> Result<()> {
        // SAFETY: the publisher lives as long as self.
        check(unsafe { sys::tachyon_publisher_dispatch(self.as_ptr()) }).map(drop)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is the publisher's from create to destroy, and it lives as long
        // as self, which is borrowed.
        unsafe { BorrowedFd::borrow_raw(sys::tachyon_publisher_fd(self.as_ptr())) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: this was the last reference: no call is under way, and none follows. Frames that
        // were acquired may outlive it, and are only released then.
        unsafe { sys::tachyon_publisher_destroy(self.as_ptr()) }
    }
}

/// What the service does for a publisher.
pub(super) struct Server(pub(super) Arc<Handle>);

impl Serve for Server {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn serve(&self) -> bool {
        self.0.dispatch().is_ok()
    }
}
