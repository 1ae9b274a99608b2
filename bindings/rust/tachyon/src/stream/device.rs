// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Values in the memory of a CUDA device. The driver is loaded at the first use.

use std::time::Duration;

use tachyon_sys as sys;

use super::Stream;
use super::info::Stamp;
use crate::error::{Error, Result, check};

/// How many CUDA devices there are: 0 where there is no driver.
///
/// ```
/// if tachyon::stream::gpu_count() == 0 {
///     println!("streams live in shared memory here");
/// }
/// ```
pub fn gpu_count() -> u32 {
    // SAFETY: it takes nothing, and may be called by any thread.
    u32::try_from(unsafe { sys::tachyon_gpu_count() }).unwrap_or(0)
}

/// Memory of a CUDA device, in its primary context: for
/// [`Stream::read_device()`] and [`Stream::write_device()`]. Dropping it frees it.
///
/// ```
/// use tachyon::stream::DeviceMemory;
///
/// match DeviceMemory::new(0, 4096) {
///     Ok(memory) => println!("at {:x}", memory.as_raw()),
///     Err(error) => println!("there is none: {error}"),
/// }
/// ```
#[derive(Debug)]
pub struct DeviceMemory {
    device_index: u32,
    size: usize,
    raw: u64,
}

impl DeviceMemory {
    /// So many bytes of this device.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: no such device, or no driver
    /// - `ENOMEM`: no memory
    pub fn new(device_index: u32, size: usize) -> Result<Self> {
        let mut raw = 0;

        // SAFETY: it writes one number.
        check(unsafe { sys::tachyon_gpu_allocate(device_index, size, &mut raw) })?;
        Ok(Self {
            device_index,
            size,
            raw,
        })
    }

    /// A `CUdeviceptr`, until this is dropped.
    pub fn as_raw(&self) -> u64 {
        self.raw
    }

    /// Its bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Copy the first bytes to the host, after what was queued on the legacy default stream.
    ///
    /// # Errors
    ///
    /// - [`Invalid`](crate::ErrorKind::Invalid): there are fewer
    /// - `EIO`: the device failed
    /// - [`Forked`](crate::ErrorKind::Forked): it is the parent's of this process
    pub fn read(&self, data: &mut [u8]) -> Result<()> {
        if data.len() > self.size {
            return Err(Error::from_code(-libc::EINVAL));
        }
        // SAFETY: so many bytes are there on both sides.
        let ret = unsafe {
            sys::tachyon_gpu_read(
                self.device_index,
                self.raw,
                data.as_mut_ptr().cast(),
                data.len(),
            )
        };
        check(ret).map(drop)
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // SAFETY: it came from this device, and is freed once. What the device still does with it
        // is promised to have ended by who handed it to an unsafe method.
        unsafe { sys::tachyon_gpu_free(self.device_index, self.raw) }
    }
}

impl<T> Stream<T> {
    /// Write a value that is in device memory. Work that was queued on the legacy default stream
    /// before is done first.
    ///
    /// # Safety
    ///
    /// `memory` is a `CUdeviceptr` to as many bytes as a value has, on the stream's device, which
    /// nobody writes during the call.
    ///
    /// # Errors
    ///
    /// As [`write()`](Stream::write), and `ENODEV`: values do not live on a device, or it was not
    /// attached; `EIO`: the device failed, and the value was not published.
    pub unsafe fn write_device(
        &self,
        memory: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<()> {
        let size = self.value_size();

        self.handle()
            .wait(timeout.into(), |stream, timeout_ns| {
                // SAFETY: the stream lives as long as self; the caller answers for the memory.
                unsafe { sys::tachyon_stream_write_device(stream, memory, size, timeout_ns) }
            })
            .map(drop)
    }

    /// Copy the newest value into device memory; the copy is complete at the return.
    ///
    /// # Safety
    ///
    /// `memory` is a `CUdeviceptr` to as many bytes as a value has, on the stream's device, which
    /// nobody else uses during the call.
    ///
    /// # Errors
    ///
    /// As [`read_into()`](Stream::read_into), and `ENODEV`: values do not live on a device, or it
    /// was not attached.
    pub unsafe fn read_device(&self, memory: u64) -> Result<Stamp> {
        let size = self.value_size();
        let mut raw = sys::tachyon_snapshot::default();

        self.handle().wait(None, |stream, _| {
            // SAFETY: the stream lives as long as self; the caller answers for the memory.
            unsafe { sys::tachyon_stream_read_device(stream, memory, size, &mut raw) }
        })?;
        self.handle().has_read(raw.count);
        Ok(Stamp::from_raw(&raw))
    }
}
