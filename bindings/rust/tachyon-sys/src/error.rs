// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors
//! `tachyon/error.h`

use core::ffi::{c_char, c_int};

use crate::declare::{enums, functions};

enums! {
    /// Errors that carry a meaning here: negative errno values.
    pub enum tachyon_error: c_int {
        /// Nothing to take, or no room, now.
        TACHYON_ERR_AGAIN = -libc::EAGAIN,
        /// The peer left or died, or this object was shut down.
        TACHYON_ERR_CLOSED = -libc::EPIPE,
        /// The peer broke the protocol.
        TACHYON_ERR_CORRUPT = -libc::EBADMSG,
        /// A wait was told to give up.
        TACHYON_ERR_CANCELED = -libc::ECANCELED,
        /// A wait ran out of time.
        TACHYON_ERR_TIMEDOUT = -libc::ETIMEDOUT,
        /// It would never fit.
        TACHYON_ERR_TOO_BIG = -libc::EMSGSIZE,
        /// The peer speaks another protocol, or none.
        TACHYON_ERR_VERSION = -libc::EPROTONOSUPPORT,
        /// The peer's user, or the file's mode, does not allow it.
        TACHYON_ERR_DENIED = -libc::EACCES,
        /// A live listener owns the address.
        TACHYON_ERR_IN_USE = -libc::EADDRINUSE,
        /// The object belongs to the process that forked this one.
        TACHYON_ERR_FORKED = -libc::ECHILD,
    }
}

functions! {
    /// Say in words what an error code means: a static string.
    pub fn tachyon_strerror(error: c_int) -> *const c_char;
}
