// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The newest value of an array, by name.
//!
//! A [`Stream`] is a file in shared memory, which outlives every process until it is unlinked.
//! Whoever opens the name reads the newest complete value; old values are not kept. There may be
//! many readers and many writers, in Rust, C and Python.
//!
//! Streams are for processes that trust one another, those of one user: another user's are refused,
//! but a process that may open one can write anything into it, at any time. What stands in its
//! administration is checked; the elements are what they are.

mod closer;
mod device;
mod directory;
mod element;
mod guard;
mod handle;
mod info;
mod options;
mod read;
mod view;
mod watcher;
mod write;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

pub use closer::StreamCloser;
pub use device::{DeviceMemory, gpu_count};
pub use directory::{list, stat, unlink};
pub use element::{ArrayType, Element, ElementType, Scalar};
pub use guard::LockGuard;
pub use info::{Snapshot, Stamp, StreamInfo};
pub use options::StreamOptions;
pub use view::WriteView;
pub use watcher::StreamWatcher;

use crate::error::{Result, check};
use handle::Handle;

/// The newest value of one array, by name.
///
/// ```
/// use std::time::Duration;
/// use tachyon::Stream;
///
/// # let name = format!("doc-stream-{}", std::process::id());
/// let writer = Stream::<f32>::create(&name, &[4, 4])?;
/// let reader = Stream::<f32>::open(&name)?; // in another process, as a rule
///
/// writer.write(&[1.0; 16])?;
/// assert_eq!(reader.read()?, [1.0; 16]);
///
/// writer.write(&[2.0; 16])?;
/// assert_eq!(reader.read_new(Duration::from_secs(1))?, [2.0; 16]);
///
/// writer.unlink()?; // or it stays
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// Any thread may use it, several at a time. A timeout of `None` waits for ever;
/// [`Duration::ZERO`] does not wait, and fails as [`WouldBlock`](crate::ErrorKind::WouldBlock).
///
/// Reading takes no lock and waits for no writer; one that is killed or stopped half-way leaves
/// readers on the last complete value. Writers take turns under a lock, which the death of its
/// holder frees.
///
/// After `fork()` the child has a handle of its own to the same stream, without the lock.
///
/// Streams of types that Rust does not have (half, complex, …) are read and written as bytes:
/// [`open_bytes()`](Self::open_bytes).
pub struct Stream<T> {
    handle: Arc<Handle>,
    name: OsString,
    info: StreamInfo,
    is_read_only: bool,
    /// Of a slice.
    element_count: usize,
    _elements: PhantomData<T>,
}

// --- opening, and what it is ---

impl<T: Element> Stream<T> {
    /// Create a stream of this shape, which must not exist yet. It stays until it is unlinked.
    ///
    /// ```
    /// use tachyon::{ErrorKind, Stream};
    ///
    /// # let name = format!("doc-create-{}", std::process::id());
    /// let image = Stream::<u8>::create(&name, &[480, 640, 3])?;
    /// let again = Stream::<u8>::create(&name, &[480, 640, 3]);
    ///
    /// assert_eq!(again.unwrap_err().kind(), ErrorKind::Exists);
    /// # image.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StreamOptions::create()`], which has more choices.
    pub fn create(name: impl AsRef<OsStr>, shape: &[usize]) -> Result<Self> {
        StreamOptions::new().create(name, shape)
    }

    /// Open a stream that exists, of this type of elements.
    ///
    /// ```
    /// use tachyon::{ErrorKind, Stream};
    ///
    /// # let name = format!("doc-open-{}", std::process::id());
    /// # let stream = Stream::<f32>::create(&name, &[4])?;
    /// let reader = Stream::<f32>::open(&name)?;
    /// let wrong = Stream::<i32>::open(&name);
    ///
    /// assert_eq!(reader.shape(), [4]);
    /// assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Invalid);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StreamOptions::open()`], which has more choices.
    pub fn open(name: impl AsRef<OsStr>) -> Result<Self> {
        StreamOptions::new().open(name)
    }
}

/// Streams of any type, as bytes.
impl Stream<u8> {
    /// Create a stream of any type, to be read and written as bytes.
    ///
    /// ```
    /// use tachyon::{ArrayType, ElementType, Stream};
    ///
    /// # let name = format!("doc-create-bytes-{}", std::process::id());
    /// let half = ArrayType::new(ElementType::F16, &[2]);
    /// let stream = Stream::create_bytes(&name, &half)?;
    ///
    /// stream.write(&[0x00, 0x3c, 0x00, 0xc0])?; // 1.0, -2.0
    /// assert_eq!(stream.array(), &half);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StreamOptions::create()`].
    pub fn create_bytes(name: impl AsRef<OsStr>, array: &ArrayType) -> Result<Self> {
        StreamOptions::new().create_bytes(name, array)
    }

    /// Open a stream of any type, to be read and written as bytes. [`array()`](Self::array) says
    /// what they are.
    ///
    /// ```
    /// use tachyon::{ElementType, Stream};
    ///
    /// # let name = format!("doc-open-bytes-{}", std::process::id());
    /// # let stream = Stream::<u16>::create(&name, &[2])?;
    /// # stream.write(&[1, 2])?;
    /// let stream = Stream::open_bytes(&name)?;
    ///
    /// assert_eq!(stream.array().element, ElementType::U16);
    /// assert_eq!(stream.read()?.len(), 4);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`StreamOptions::open()`], but for the type.
    pub fn open_bytes(name: impl AsRef<OsStr>) -> Result<Self> {
        StreamOptions::new().open_bytes(name)
    }
}

impl<T> Stream<T> {
    /// As slices of `T`, whatever the stream says it is of: the caller has checked that.
    fn new(handle: Handle, name: &OsStr, is_read_only: bool) -> Result<Self> {
        let info = handle.info()?;

        Ok(Self {
            handle: Arc::new(handle),
            name: name.into(),
            element_count: info.value_size / size_of::<T>(),
            info,
            is_read_only,
            _elements: PhantomData,
        })
    }

    fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The name it was opened by.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// The type and shape of its values.
    pub fn array(&self) -> &ArrayType {
        &self.info.array
    }

    /// Elements in each dimension; empty for a single element.
    pub fn shape(&self) -> &[usize] {
        &self.info.array.shape
    }

    /// How long a slice is that a value is written from or read into.
    pub fn element_count(&self) -> usize {
        self.element_count
    }

    /// Bytes of a value.
    pub fn value_size(&self) -> usize {
        self.info.value_size
    }

    /// What tells it from all other streams, also of the same name.
    pub fn id(&self) -> [u8; 16] {
        self.info.id
    }

    /// Whether what writes fails: [`StreamOptions::read_only()`].
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// What it is now.
    ///
    /// # Errors
    ///
    /// [`Version`](crate::ErrorKind::Version): what a newer library says is not known here.
    pub fn info(&self) -> Result<StreamInfo> {
        self.handle.info()
    }

    /// How many writes were completed.
    pub fn count(&self) -> u64 {
        self.handle.count()
    }

    /// Remove its name; all who have it open go on with it. Another stream that took the name
    /// meanwhile is left alone.
    ///
    /// # Errors
    ///
    /// - [`NotFound`](crate::ErrorKind::NotFound): its name is gone already
    /// - [`Denied`](crate::ErrorKind::Denied): the file belongs to another user
    pub fn unlink(&self) -> Result<()> {
        let name = options::name_to_c(&self.name)?;

        // SAFETY: the name ends with a NUL, and an id has as many bytes as the library reads.
        let ret = unsafe { sys::tachyon_stream_unlink(name.as_ptr(), self.info.id.as_ptr()) };
        check(ret).map(drop)
    }
}

// --- waiting ---

impl<T> Stream<T> {
    /// Wait until so many writes were completed, at once where they were. Returns how many there
    /// are. To wait for a newer value than one that was read, give its count + 1.
    ///
    /// It sleeps, and is woken.
    ///
    /// ```
    /// # let name = format!("doc-wait-{}", std::process::id());
    /// # let stream = tachyon::Stream::<u8>::create(&name, &[1])?;
    /// # stream.write(&[1])?;
    /// # stream.write(&[2])?;
    /// assert_eq!(stream.wait(1, None)?, 2); // as often as one likes
    /// assert_eq!(stream.wait(2, None)?, 2);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`TimedOut`](crate::ErrorKind::TimedOut), [`WouldBlock`](crate::ErrorKind::WouldBlock):
    ///   they were not
    /// - [`Closed`](crate::ErrorKind::Closed), [`Canceled`](crate::ErrorKind::Canceled): a
    ///   [`StreamCloser`] was called
    pub fn wait(&self, count: u64, timeout: impl Into<Option<Duration>>) -> Result<u64> {
        self.handle.wait(timeout.into(), |stream, timeout_ns| {
            // SAFETY: the stream lives as long as self.
            unsafe { sys::tachyon_stream_wait(stream, count, timeout_ns) }
        })?;
        Ok(self.count())
    }

    /// What ends waits from other threads.
    pub fn closer(&self) -> StreamCloser {
        StreamCloser::new(&self.handle)
    }

    /// A descriptor to wait for values and other things at once. There is one of a handle at a
    /// time.
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    /// use tachyon::Stream;
    ///
    /// # let name = format!("doc-watcher-{}", std::process::id());
    /// let stream = Stream::<f32>::create(&name, &[4])?;
    /// let mut watcher = stream.watcher()?;
    /// let wanted = stream.count() + 1;
    /// # stream.write(&[1.0; 4])?;
    ///
    /// let mut is_there = watcher.prepare(wanted)?;
    /// while !is_there {
    ///     // Poll watcher.as_raw_fd() for input, among others.
    ///     is_there = watcher.dispatch(wanted)?;
    /// }
    /// assert_eq!(stream.read()?, [1.0; 4]);
    /// # stream.unlink()?;
    /// # Ok::<(), tachyon::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Busy`](crate::ErrorKind::Busy): there is one
    /// - [`Closed`](crate::ErrorKind::Closed): a [`StreamCloser`] was called
    /// - `EMFILE`, `ENFILE`, `ENOMEM`: out of descriptors, of inotify instances, of memory
    pub fn watcher(&self) -> Result<StreamWatcher> {
        StreamWatcher::new(&self.handle)
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.name)
            .field("array", self.array())
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
