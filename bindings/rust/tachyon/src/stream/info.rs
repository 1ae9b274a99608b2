// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! What there is to know of a stream and of its values.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tachyon_sys as sys;

use super::element::ArrayType;
use crate::error::Result;

/// A moment of `CLOCK_REALTIME`; 0 is none.
fn some_moment(ns: u64) -> Option<SystemTime> {
    (ns != 0).then(|| UNIX_EPOCH + Duration::from_nanos(ns))
}

/// Which value was read: all of it belongs to the same value.
///
/// ```
/// # let name = format!("doc-stamp-{}", std::process::id());
/// # let stream = tachyon::Stream::<f32>::create(&name, &[4])?;
/// for number in [1.0, 2.0, 3.0] {
///     stream.write(&[number; 4])?;
/// }
/// let stamp = stream.snapshot()?.stamp;
///
/// assert_eq!(stamp.count, 3);
/// assert_eq!(stamp.missed, 2);
/// # stream.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stamp {
    /// How many writes were completed with it; 0: the stream was never written, it is all zeros.
    pub count: u64,
    /// When its writing was completed. None: never.
    pub time: Option<SystemTime>,
    /// Values completed since this handle's previous read, or its opening, that it never read.
    pub missed: u64,
}

impl Stamp {
    pub(super) fn from_raw(raw: &sys::tachyon_snapshot) -> Self {
        Self {
            count: raw.count,
            time: some_moment(raw.time_ns),
            missed: raw.missed,
        }
    }
}

/// A value, and which it is: [`Stream::snapshot()`](crate::Stream::snapshot).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// The array's elements.
    pub value: Vec<T>,
    /// Which value it is.
    pub stamp: Stamp,
}

/// What a stream is: [`Stream::info()`](crate::Stream::info), [`stat()`](super::stat).
///
/// ```
/// # let name = format!("doc-info-{}", std::process::id());
/// let old = tachyon::Stream::<f32>::create(&name, &[4])?;
/// old.unlink()?;
/// let new = tachyon::Stream::<f32>::create(&name, &[4])?;
///
/// assert!(old.info()?.is_unlinked);
/// assert_ne!(old.info()?.id, new.info()?.id);
/// # new.unlink()?;
/// # Ok::<(), tachyon::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Random: a name that was unlinked and created anew has another.
    pub id: [u8; sys::TACHYON_STREAM_ID_SIZE],
    /// The type and shape of its values.
    pub array: ArrayType,
    /// Bytes of one value.
    pub value_size: usize,
    /// Bytes of shared memory.
    pub file_size: u64,
    /// Writes that were completed.
    pub count: u64,
    /// When the newest value was completed. None: never written.
    pub time: Option<SystemTime>,
    /// When it was created.
    pub create_time: Option<SystemTime>,
    /// The process that created it, as that one saw itself.
    pub creator_pid: u32,
    /// The CUDA device that its values live on. None: they live in shared memory.
    pub cuda_device: Option<u32>,
    /// Whether values can be had from shared memory: true also where they live there alone.
    pub has_mirror: bool,
    /// Whether its name is gone, or stands for another stream.
    pub is_unlinked: bool,
}

impl StreamInfo {
    /// What the library fills in.
    pub(super) fn raw() -> sys::tachyon_stream_info {
        sys::tachyon_stream_info {
            size: size_of::<sys::tachyon_stream_info>() as u32,
            ..Default::default()
        }
    }

    pub(super) fn from_raw(raw: &sys::tachyon_stream_info) -> Result<Self> {
        let is_on_cuda = raw.device == sys::TACHYON_DEVICE_CUDA;

        Ok(Self {
            id: raw.id,
            array: ArrayType::from_raw(&raw.array)?,
            // It is mapped, or was made of a shape that fits.
            value_size: raw.value_size as usize,
            file_size: raw.file_size,
            count: raw.count,
            time: some_moment(raw.time_ns),
            create_time: some_moment(raw.create_time_ns),
            creator_pid: raw.creator_pid,
            cuda_device: is_on_cuda.then_some(raw.device_index),
            has_mirror: raw.has_mirror != 0,
            is_unlinked: raw.is_unlinked != 0,
        })
    }
}
