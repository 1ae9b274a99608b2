// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Who may connect.

use tachyon_sys as sys;

/// Beside a process of the same effective user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// Permission bits of the socket file; 0 means 0600.
    pub(crate) perms: u32,
    /// Any user that the file's permissions let in.
    pub(crate) any_uid: bool,
    /// Users let in beside our own.
    pub(crate) uids: Vec<u32>,
}

impl Access {
    /// As C wants it. It points into `self`, which has to stay until the library copied it.
    pub(crate) fn as_raw(&self) -> sys::tachyon_access {
        sys::tachyon_access {
            perms: self.perms,
            any_uid: self.any_uid.into(),
            uids: self.uids.as_ptr(),
            // More users than the kernel can tell apart do not exist.
            uid_count: u32::try_from(self.uids.len()).unwrap_or(u32::MAX),
        }
    }
}
