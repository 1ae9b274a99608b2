// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The streams that there are, by name.

use std::ffi::{CStr, OsStr, OsString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use tachyon_sys as sys;

use super::info::StreamInfo;
use super::options::name_to_c;
use crate::error::{Result, check};

/// Remove a stream's name. Handles that have it open go on with it among themselves; the name is
/// free for another stream at once. [`Stream::unlink()`](crate::Stream::unlink) takes care not to
/// remove another one that took the name meanwhile.
///
/// ```
/// use tachyon::{ErrorKind, Stream, stream};
///
/// # let name = format!("doc-unlink-{}", std::process::id());
/// Stream::<f32>::create(&name, &[4])?; // stays without its handle
/// stream::unlink(&name)?;
///
/// let error = Stream::<f32>::open(&name).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// # Errors
///
/// - [`NotFound`](crate::ErrorKind::NotFound): no stream of that name
/// - [`Denied`](crate::ErrorKind::Denied): the file belongs to another user
pub fn unlink(name: impl AsRef<OsStr>) -> Result<()> {
    let name = name_to_c(name.as_ref())?;

    // SAFETY: the name ends with a NUL.
    check(unsafe { sys::tachyon_stream_unlink(name.as_ptr(), ptr::null()) }).map(drop)
}

/// What a stream is, without opening it.
///
/// ```
/// use tachyon::{ElementType, Stream, stream};
///
/// # let name = format!("doc-stat-{}", std::process::id());
/// let camera = Stream::<u8>::create(&name, &[480, 640, 3])?;
/// let info = stream::stat(&name)?;
///
/// assert_eq!(info.array.shape, [480, 640, 3]);
/// assert_eq!(info.array.element, ElementType::U8);
/// assert_eq!(info.count, 0);
/// # camera.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// # Errors
///
/// As [`StreamOptions::open()`](crate::StreamOptions::open).
pub fn stat(name: impl AsRef<OsStr>) -> Result<StreamInfo> {
    let name = name_to_c(name.as_ref())?;
    let mut raw = StreamInfo::raw();

    // SAFETY: the name ends with a NUL; `size` is that of the struct.
    check(unsafe { sys::tachyon_stream_stat(name.as_ptr(), &mut raw) })?;
    StreamInfo::from_raw(&raw)
}

/// The names of this user's streams, in order. Files that are no streams are not told apart:
/// [`stat()`] does.
///
/// ```
/// # let name = format!("doc-list-{}", std::process::id());
/// let camera = tachyon::Stream::<u8>::create(&name, &[480, 640, 3])?;
///
/// assert!(tachyon::stream::list()?.iter().any(|found| found == name.as_str()));
/// # camera.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// # Errors
///
/// `ENOENT`, `EMFILE`, `ENOMEM`: shared memory cannot be looked into.
pub fn list() -> Result<Vec<OsString>> {
    let mut names: Vec<OsString> = Vec::new();

    // SAFETY: `push` is handed our vector, which lives, and is nobody else's during the call.
    check(unsafe { sys::tachyon_stream_list(Some(push), (&raw mut names).cast()) })?;
    names.sort();
    Ok(names)
}

/// # Safety
///
/// `name` ends with a NUL, and `names` is a vector that nobody else has.
unsafe extern "C" fn push(name: *const c_char, names: *mut c_void) -> c_int {
    // SAFETY: as the caller, who is list() by way of the library, promises.
    let (name, names) = unsafe { (CStr::from_ptr(name), &mut *names.cast::<Vec<OsString>>()) };

    names.push(OsStr::from_bytes(name.to_bytes()).into());
    0
}
