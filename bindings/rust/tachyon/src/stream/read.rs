// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Reading values.

use std::ptr;
use std::time::Duration;

use super::Stream;
use super::element::Element;
use super::info::{Snapshot, Stamp};
use crate::error::Result;

impl<T: Element> Stream<T> {
    /// A copy of the newest value. Before the first write, it is all zeros.
    ///
    /// # Errors
    ///
    /// - [`Corrupt`](crate::ErrorKind::Corrupt): what stands in shared memory cannot be: unlink it
    /// - [`Closed`](crate::ErrorKind::Closed), [`Canceled`](crate::ErrorKind::Canceled): a
    ///   [`StreamCloser`](super::StreamCloser) was called
    /// - `ENODEV`: values live on a device: attach to it; `EIO`: the device failed
    pub fn read(&self) -> Result<Vec<T>> {
        Ok(self.snapshot()?.value)
    }

    /// Copy the newest value to where it should go.
    ///
    /// ```
    /// # let name = format!("doc-read-into-{}", std::process::id());
    /// # let stream = tachyon::Stream::<f64>::create(&name, &[100])?;
    /// # stream.write(&[0.5; 100])?;
    /// let mut value = [0.0; 100];
    /// let stamp = stream.read_into(&mut value)?;
    ///
    /// println!("value {} of {:?}, {} missed", stamp.count, stamp.time, stamp.missed);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read()`](Self::read), and [`Invalid`](crate::ErrorKind::Invalid): it has another size
    /// than a value of the stream. Where it fails, the slice may hold anything.
    pub fn read_into(&self, value: &mut [T]) -> Result<Stamp> {
        let data = value.as_mut_ptr();

        // SAFETY: it is a slice, of so many bytes.
        let result = unsafe { self.handle.read(data.cast(), size_of_val(value)) };
        // SAFETY: it is a slice of elements, but for what was copied into it just now: also where
        // that failed half-way.
        unsafe { T::make_valid(data, value.len()) };
        result
    }

    /// A copy of the newest value, and which it is.
    ///
    /// ```
    /// # let name = format!("doc-snapshot-{}", std::process::id());
    /// # let stream = tachyon::Stream::<f64>::create(&name, &[2])?;
    /// # stream.write(&[0.5; 2])?;
    /// let snapshot = stream.snapshot()?;
    ///
    /// println!("{:?} is value {}", snapshot.value, snapshot.stamp.count);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read()`](Self::read).
    pub fn snapshot(&self) -> Result<Snapshot<T>> {
        let mut value = Vec::<T>::with_capacity(self.element_count);

        // SAFETY: the vector has room for so many elements, which are the bytes of a value.
        let stamp = unsafe {
            self.handle.read(
                value.as_mut_ptr().cast(),
                self.element_count * size_of::<T>(),
            )
        }?;
        // SAFETY: as many elements as there is room for were copied, and then made valid.
        unsafe {
            T::make_valid(value.as_mut_ptr(), self.element_count);
            value.set_len(self.element_count);
        }
        Ok(Snapshot { value, stamp })
    }

    /// Wait for a value newer than the one that was read last through this handle, or than the
    /// newest at its opening, and read it. One that was written in between is there at once; so is
    /// one that this handle wrote.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let name = format!("doc-read-new-{}", std::process::id());
    /// # let stream = tachyon::Stream::<u8>::create(&name, &[1])?;
    /// # stream.write(&[1])?;
    /// assert_eq!(stream.read_new(Duration::from_secs(1))?, [1]);
    ///
    /// let error = stream.read_new(Duration::from_millis(1)).unwrap_err();
    /// assert!(error.is_timeout());
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read()`](Self::read) and [`wait()`](Self::wait).
    pub fn read_new(&self, timeout: impl Into<Option<Duration>>) -> Result<Vec<T>> {
        self.wait_for_new(timeout.into())?;
        self.read()
    }

    /// The same, to where it should go.
    ///
    /// # Errors
    ///
    /// As [`read_into()`](Self::read_into) and [`wait()`](Self::wait).
    pub fn read_new_into(
        &self,
        value: &mut [T],
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Stamp> {
        self.wait_for_new(timeout.into())?;
        self.read_into(value)
    }
}

impl<T> Stream<T> {
    fn wait_for_new(&self, timeout: Option<Duration>) -> Result<()> {
        self.wait(self.handle.last_read() + 1, timeout).map(drop)
    }

    /// Which value is the newest. It does not count as reading it.
    ///
    /// ```
    /// # let name = format!("doc-newest-{}", std::process::id());
    /// # let stream = tachyon::Stream::<u8>::create(&name, &[1])?;
    /// stream.write(&[1])?;
    /// println!("written at {:?}", stream.newest()?.time);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read()`](Self::read).
    pub fn newest(&self) -> Result<Stamp> {
        // SAFETY: nothing is copied.
        unsafe { self.handle.read(ptr::null_mut(), 0) }
    }
}
