// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What can go wrong, as the library's codes have it: negative errno values.

use std::ffi::{CStr, c_int};
use std::{fmt, io};

use tachyon_sys as sys;

/// What a failed call of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed: an errno of the system, some of which carry a meaning of their own here.
///
/// It becomes an [`io::Error`] with the same [`raw_os_error`](io::Error::raw_os_error), so `?`
/// works in functions that return `io::Result`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Error {
    /// Negative, as C has it.
    code: c_int,
}

/// The errors that carry a meaning here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing to take, or no room, now: wait, then try again.
    WouldBlock,
    /// The peer left or died, or this object was closed: connect anew.
    Closed,
    /// The peer broke the protocol; the connection is poisoned.
    Corrupt,
    /// A wait was told to give up; nothing else changed.
    Canceled,
    /// A wait ran out of time; nothing else changed.
    TimedOut,
    /// It would never fit: use a larger ring, or send less.
    TooBig,
    /// The peer speaks another protocol, or none: update one side.
    Version,
    /// The peer's user, or the file's mode, does not allow it.
    Denied,
    /// A live listener owns the address: choose another, or stop that one.
    InUse,
    /// The object belongs to the process that forked this one: make a new one here.
    Forked,
    /// An argument is out of range.
    Invalid,
    /// Something that there is only one of is taken: a guard of the same bus or stream lives, or a
    /// publisher has all the subscribers it takes.
    Busy,
    /// There is none of that name: create it.
    NotFound,
    /// There is one of that name: open it, or unlink it.
    Exists,
    /// Another errno of the system: see [`Error::raw_os_error`].
    Other,
}

impl Error {
    /// From what a function of libtachyon returned: a negative number.
    pub(crate) const fn from_code(code: c_int) -> Self {
        Self { code }
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        match self.code {
            sys::TACHYON_ERR_AGAIN => ErrorKind::WouldBlock,
            sys::TACHYON_ERR_CLOSED => ErrorKind::Closed,
            sys::TACHYON_ERR_CORRUPT => ErrorKind::Corrupt,
            sys::TACHYON_ERR_CANCELED => ErrorKind::Canceled,
            sys::TACHYON_ERR_TIMEDOUT => ErrorKind::TimedOut,
            sys::TACHYON_ERR_TOO_BIG => ErrorKind::TooBig,
            sys::TACHYON_ERR_VERSION => ErrorKind::Version,
            sys::TACHYON_ERR_DENIED => ErrorKind::Denied,
            sys::TACHYON_ERR_IN_USE => ErrorKind::InUse,
            sys::TACHYON_ERR_FORKED => ErrorKind::Forked,
            code if code == -libc::EINVAL => ErrorKind::Invalid,
            code if code == -libc::EBUSY => ErrorKind::Busy,
            code if code == -libc::ENOENT => ErrorKind::NotFound,
            code if code == -libc::EEXIST => ErrorKind::Exists,
            _ => ErrorKind::Other,
        }
    }

    /// Its errno, a positive number.
    pub const fn raw_os_error(&self) -> i32 {
        -self.code
    }

    /// Whether the connection is over: [`ErrorKind::Closed`].
    pub const fn is_closed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Closed)
    }

    /// Whether a wait ran out of time: [`ErrorKind::TimedOut`].
    pub const fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::TimedOut)
    }

    /// Whether a later try may succeed: [`ErrorKind::WouldBlock`].
    pub const fn would_block(&self) -> bool {
        matches!(self.kind(), ErrorKind::WouldBlock)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: it takes any number, and what it returns is a static string: never NULL, never
        // freed, as its header promises.
        let text = unsafe { CStr::from_ptr(sys::tachyon_strerror(self.code)) };

        f.write_str(&text.to_string_lossy())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("errno", &self.raw_os_error())
            .field("text", &format_args!("{self}"))
            .finish()
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::from_raw_os_error(error.raw_os_error())
    }
}

/// Keeps the errno. An error that has none, since no system call made it, becomes `EIO`, or what
/// its kind means here.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let errno = error.raw_os_error().filter(|errno| *errno > 0);

        Self::from_code(-errno.unwrap_or(match error.kind() {
            io::ErrorKind::WouldBlock => libc::EAGAIN,
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => libc::EPIPE,
            io::ErrorKind::TimedOut => libc::ETIMEDOUT,
            io::ErrorKind::PermissionDenied => libc::EACCES,
            io::ErrorKind::AddrInUse => libc::EADDRINUSE,
            io::ErrorKind::InvalidInput => libc::EINVAL,
            io::ErrorKind::InvalidData => libc::EBADMSG,
            io::ErrorKind::ResourceBusy => libc::EBUSY,
            io::ErrorKind::OutOfMemory => libc::ENOMEM,
            io::ErrorKind::Interrupted => libc::EINTR,
            io::ErrorKind::NotFound => libc::ENOENT,
            io::ErrorKind::AlreadyExists => libc::EEXIST,
            _ => libc::EIO,
        }))
    }
}

/// What a function of libtachyon returned: a count or 0, or an error.
#[inline]
pub(crate) fn check(code: c_int) -> Result<c_int> {
    if code < 0 {
        Err(Error::from_code(code))
    } else {
        Ok(code)
    }
}
