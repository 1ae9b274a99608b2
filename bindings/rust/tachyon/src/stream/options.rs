// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! How to create or open a stream.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::ptr::{self, NonNull};

use tachyon_sys as sys;

use super::Stream;
use super::element::{ArrayType, Element};
use super::handle::Handle;
use crate::error::{Error, Result, check};

/// A stream's name as C wants it. There is no NUL in one.
pub(super) fn name_to_c(name: &OsStr) -> Result<CString> {
    CString::new(name.as_bytes()).map_err(|_| Error::from_code(-libc::EINVAL))
}

/// How to create or open a [`Stream`].
///
/// ```
/// use tachyon::StreamOptions;
///
/// # let name = format!("doc-options-{}", std::process::id());
/// let options = StreamOptions::new();
/// let stream = options.create::<f32>(&name, &[480, 640])?;
/// let reader = options.read_only(true).open::<f32>(&name)?;
///
/// assert_eq!(reader.shape(), [480, 640]);
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it opens nothing by itself"]
pub struct StreamOptions {
    read_only: bool,
    spin: u32,
    cuda_device: Option<u32>,
    mirror: bool,
}

impl StreamOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Open: whether values are mapped read-only: what writes fails as
    /// [`Denied`](crate::ErrorKind::Denied). Default: they are not.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Looks at the count before a wait sleeps; fewer after some that were in vain. Default: 1000.
    pub fn spin(mut self, looks: u32) -> Self {
        // What C calls none, since its 0 is the default.
        self.spin = if looks == 0 { u32::MAX } else { looks };
        self
    }

    /// Create: values live on this CUDA device, counted from 0. Open: attach to it; without it,
    /// only what such a stream is, its lock and, where there is a mirror, its values can be had.
    /// Default: values live in shared memory.
    pub fn cuda_device(mut self, index: u32) -> Self {
        self.cuda_device = Some(index);
        self
    }

    /// Create, on a device: whether every value is kept in shared memory, too. Default: it is not.
    pub fn mirror(mut self, mirror: bool) -> Self {
        self.mirror = mirror;
        self
    }

    fn as_raw(&self) -> sys::tachyon_stream_options {
        sys::tachyon_stream_options {
            size: size_of::<sys::tachyon_stream_options>() as u32,
            is_read_only: self.read_only.into(),
            spin: self.spin,
            device: match self.cuda_device {
                Some(_) => sys::TACHYON_DEVICE_CUDA,
                None => sys::TACHYON_DEVICE_CPU,
            },
            device_index: self.cuda_device.unwrap_or(0),
            has_mirror: self.mirror.into(),
        }
    }

    /// Create a stream, which must not exist yet. It appears complete, all at once, and stays until
    /// it is unlinked.
    ///
    /// `shape`: elements, each at least 1, at most 32 of them; empty for a single element.
    ///
    /// # Errors
    ///
    /// - [`Exists`](crate::ErrorKind::Exists): the name is taken: open it, or
    ///   [`unlink()`](super::unlink) it
    /// - [`Invalid`](crate::ErrorKind::Invalid): the name, the shape or the options make no sense
    /// - [`TooBig`](crate::ErrorKind::TooBig): the array's size overflows
    /// - `ENAMETOOLONG`: the name does not fit a file's name
    /// - `ENOSPC`, `ENOMEM`: four values do not fit in shared memory
    /// - `ENODEV`: no such CUDA device, or no driver
    /// - `EMFILE`, `ENFILE`, `ENOSYS`: out of descriptors; there is no `/dev/shm`
    pub fn create<T: Element>(
        &self,
        name: impl AsRef<OsStr>,
        shape: &[usize],
    ) -> Result<Stream<T>> {
        let name = name.as_ref();
        let handle = self.create_handle(name, &ArrayType::new(T::TYPE, shape))?;

        Stream::new(handle, name, self.read_only)
    }

    /// Create a stream of any type, to be read and written as bytes.
    ///
    /// # Errors
    ///
    /// As [`create()`](Self::create).
    pub fn create_bytes(&self, name: impl AsRef<OsStr>, array: &ArrayType) -> Result<Stream<u8>> {
        let handle = self.create_handle(name.as_ref(), array)?;

        Stream::new(handle, name.as_ref(), self.read_only)
    }

    /// Open a stream that exists.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): no such stream: create it
    /// - [`Invalid`](crate::ErrorKind::Invalid): its elements are of another type than `T`
    /// - [`Denied`](crate::ErrorKind::Denied): the file belongs to another user
    /// - [`Corrupt`](crate::ErrorKind::Corrupt): the file is no stream, or is damaged: unlink it
    /// - [`Version`](crate::ErrorKind::Version): another version of the library made it
    /// - `ENODEV`: it does not live on that device, or there is no driver
    /// - [`Closed`](crate::ErrorKind::Closed): the process that owned the device memory is gone
    /// - `ENOMEM`, `EMFILE`, `ENFILE`, `ENAMETOOLONG`
    pub fn open<T: Element>(&self, name: impl AsRef<OsStr>) -> Result<Stream<T>> {
        let stream = Stream::new(
            self.open_handle(name.as_ref())?,
            name.as_ref(),
            self.read_only,
        )?;

        if stream.array().element != T::TYPE {
            return Err(Error::from_code(-libc::EINVAL));
        }
        Ok(stream)
    }

    /// Open a stream of any type, to be read and written as bytes.
    ///
    /// # Errors
    ///
    /// As [`open()`](Self::open), but for the type.
    pub fn open_bytes(&self, name: impl AsRef<OsStr>) -> Result<Stream<u8>> {
        let handle = self.open_handle(name.as_ref())?;

        Stream::new(handle, name.as_ref(), self.read_only)
    }

    fn create_handle(&self, name: &OsStr, array: &ArrayType) -> Result<Handle> {
        let name = name_to_c(name)?;
        let array = array.as_raw()?;
        let options = self.as_raw();
        let mut raw = ptr::null_mut();

        // SAFETY: all are valid during the call, and not kept by the library; the name ends with a
        // NUL, the array has as many extents as it says, or is refused.
        check(unsafe { sys::tachyon_stream_create(name.as_ptr(), &array, &options, &mut raw) })?;
        // SAFETY: it is new, and ours alone.
        Ok(unsafe { Handle::new(some(raw)) })
    }

    fn open_handle(&self, name: &OsStr) -> Result<Handle> {
        let name = name_to_c(name)?;
        let options = self.as_raw();
        let mut raw = ptr::null_mut();

        // SAFETY: as in create_handle().
        check(unsafe { sys::tachyon_stream_open(name.as_ptr(), &options, &mut raw) })?;
        // SAFETY: it is new, and ours alone.
        Ok(unsafe { Handle::new(some(raw)) })
    }
}

fn some(raw: *mut sys::tachyon_stream) -> NonNull<sys::tachyon_stream> {
    NonNull::new(raw).expect("a stream where opening one succeeded")
}
