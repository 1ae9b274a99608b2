// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The receiving end of a publisher: frames and state, in order.

mod options;

use std::borrow::BorrowMut;
use std::ffi::CStr;
use std::fmt;
use std::iter::FusedIterator;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tachyon_sys as sys;

pub use options::SubscriberOptions;

use crate::address;
use crate::deadline::Deadline;
use crate::end::End;
use crate::error::{Error, ErrorKind, Result, check};
use crate::frame::{Format, Frame};
use crate::layout::Layout;
use crate::state::{Clock, Event};

/// The subscriber of the C library. Whoever calls it has a reference to this.
struct Handle {
    raw: NonNull<sys::tachyon_subscriber>,
}

// SAFETY: a subscriber belongs to no thread, it is only used by one at a time; so it is here, since
// those who share a Handle call what any thread may call (see Sync).
unsafe impl Send for Handle {}
// SAFETY: through a `&Handle` that several threads have, a Subscriber's shared reference and its
// Closers, only functions are called that <tachyon/frame.h> allows to any thread: send_event,
// set_need, cancel, resume, fd, end, get_stats. Connect, receive, prepare and dispatch are called
// by methods that borrow the Subscriber, of which there is one, mutably; destroy, by the last who
// has a Handle.
unsafe impl Sync for Handle {}

impl Handle {
    fn create(address: &Path, options: &sys::tachyon_subscriber_options) -> Result<Self> {
        let address = address::to_c(address)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the address ends with a NUL and is copied, as the options are.
        let ret = unsafe { sys::tachyon_subscriber_create(address.as_ptr(), options, &mut raw) };

        check(ret)?;
        Ok(Self {
            raw: NonNull::new(raw).expect("a subscriber where create returned 0"),
        })
    }

    fn as_ptr(&self) -> *mut sys::tachyon_subscriber {
        self.raw.as_ptr()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: this was the last reference: no call is under way, and none follows. Frames that
        // were received may outlive it, and are only read and released then.
        unsafe { sys::tachyon_subscriber_destroy(self.as_ptr()) }
    }
}

/// What a subscriber receives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item {
    /// A frame.
    Frame(Frame),
    /// What the frames that follow are, in GStreamer's caps syntax.
    Caps(String),
    /// Where the planes of the frames that follow stand; `None`: there is no layout any more.
    Layout(Option<Layout>),
    /// What the timestamps of the frames that follow mean.
    Clock(Clock),
    /// Something whose content the two ends agree on.
    Event(Event),
    /// The end of the stream. Frames may follow all the same.
    Eos,
}

/// Reads what a publisher (a `tachyonsink` element, a [`Publisher`](crate::Publisher), …) sends.
///
/// ```no_run
/// use tachyon::Subscriber;
///
/// for frame in Subscriber::connect("/tmp/picture")? {
///     let frame = frame?;
///     println!("{:?}: {} bytes at {:?}", frame.caps(), frame.len(), frame.pts());
/// }
/// # Ok::<(), tachyon::Error>(())
/// ```
///
/// Dropping it leaves; frames received stay readable.
pub struct Subscriber {
    handle: Arc<Handle>,
    format: Arc<Format>,
    clock: Option<Clock>,
    is_eos: bool,
}

impl Subscriber {
    /// Connect to the publisher at an address, waiting up to 5 seconds for it to appear.
    ///
    /// # Errors
    ///
    /// As [`SubscriberOptions::connect()`].
    pub fn connect(address: impl AsRef<Path>) -> Result<Self> {
        Self::options().connect(address)
    }

    fn open(
        address: &Path,
        options: &sys::tachyon_subscriber_options,
        deadline: Deadline,
    ) -> Result<Self> {
        let mut subscriber = Self {
            handle: Arc::new(Handle::create(address, options)?),
            format: Arc::default(),
            clock: None,
            is_eos: false,
        };

        subscriber.connect_until(deadline)?;
        Ok(subscriber)
    }

    /// Options to open a subscriber with.
    pub fn options() -> SubscriberOptions {
        SubscriberOptions::default()
    }

    /// Connect anew to the same address. The connection there was is left first, and with it what
    /// it said about the frames; where this fails there is none.
    ///
    /// # Errors
    ///
    /// As [`SubscriberOptions::connect()`], and
    /// [`Canceled`](ErrorKind::Canceled): a [`Closer`](SubscriberCloser) was called.
    pub fn reconnect(&mut self, timeout: Duration) -> Result<()> {
        self.connect_until(Deadline::after(timeout))
    }

    fn connect_until(&mut self, deadline: Deadline) -> Result<()> {
        self.format = Arc::default();
        self.clock = None;
        self.is_eos = false;

        // SAFETY: the subscriber lives as long as self, which is borrowed mutably: no other thread
        // receives or connects.
        let ret =
            unsafe { sys::tachyon_subscriber_connect(self.handle.as_ptr(), deadline.timeout_ns()) };
        check(ret).map(drop)
    }

    // --- receiving ---

    /// Take the next frame or piece of state, in order; waits for it.
    ///
    /// # Errors
    ///
    /// - [`Closed`](ErrorKind::Closed): everything was received, and the publisher is gone;
    ///   [`end()`](Self::end) says how
    /// - [`Canceled`](ErrorKind::Canceled): a [`SubscriberCloser`] was called
    /// - [`Corrupt`](ErrorKind::Corrupt): the publisher broke the protocol: reconnect, or give up
    /// - [`TooBig`](ErrorKind::TooBig): its payload exceeds the option `max_bytes`
    /// - `ENOMEM`, `EMFILE`: payload memory could not be mapped: reconnect
    pub fn receive(&mut self) -> Result<Item> {
        self.receive_until(Deadline::Never)
    }

    /// The same; [`TimedOut`](ErrorKind::TimedOut) when nothing came.
    pub fn receive_timeout(&mut self, timeout: Duration) -> Result<Item> {
        self.receive_until(Deadline::after(timeout))
    }

    /// The same; [`WouldBlock`](ErrorKind::WouldBlock) when nothing is there.
    pub fn try_receive(&mut self) -> Result<Item> {
        self.receive_until(Deadline::Now)
    }

    /// Take the next frame; state before it is taken note of, events are passed over. `None` at
    /// the end of the stream, and where the publisher has closed.
    ///
    /// # Errors
    ///
    /// As [`receive()`](Self::receive); [`Closed`](ErrorKind::Closed) says that the publisher died.
    pub fn recv(&mut self) -> Result<Option<Frame>> {
        self.recv_until(Deadline::Never)
    }

    /// The same; [`TimedOut`](ErrorKind::TimedOut) when no frame came.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        self.recv_until(Deadline::after(timeout))
    }

    /// The same; [`WouldBlock`](ErrorKind::WouldBlock) when no frame is there.
    pub fn try_recv(&mut self) -> Result<Option<Frame>> {
        self.recv_until(Deadline::Now)
    }

    /// The frames up to the end of the stream, or until the publisher closes. After an error, which
    /// is the last then, there are no more.
    pub fn frames(&mut self) -> Frames<&mut Self> {
        Frames {
            subscriber: Some(self),
        }
    }

    fn recv_until(&mut self, deadline: Deadline) -> Result<Option<Frame>> {
        loop {
            match self.receive_until(deadline) {
                Ok(Item::Frame(frame)) => return Ok(Some(frame)),
                Ok(Item::Eos) => return Ok(None),
                Ok(_) => {}
                Err(error) if self.has_closed(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether this error says that the publisher left in order.
    fn has_closed(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Closed && self.end() == Some(End::Closed)
    }

    fn receive_until(&mut self, deadline: Deadline) -> Result<Item> {
        loop {
            let mut raw = sys::tachyon_item::default();
            // SAFETY: the subscriber lives as long as self, which is borrowed mutably: no other
            // thread receives or connects.
            let ret = unsafe {
                sys::tachyon_subscriber_receive(
                    self.handle.as_ptr(),
                    &mut raw,
                    deadline.timeout_ns(),
                )
            };

            check(ret)?;
            // SAFETY: it was filled in just now, nothing was received since, and this is its last
            // use.
            if let Some(item) = unsafe { self.take(&raw) }? {
                return Ok(item);
            }
        }
    }

    /// Takes note of state. `None` for an item of a kind that is not known here.
    ///
    /// # Safety
    ///
    /// `raw` was filled in by the last receive, and the caller does not use it again.
    unsafe fn take(&mut self, raw: &sys::tachyon_item) -> Result<Option<Item>> {
        let item = match raw.type_ {
            sys::TACHYON_ITEM_FRAME => {
                // SAFETY: the frame is the caller's, who hands it on to us.
                Item::Frame(unsafe { Frame::from_raw(raw.frame, Arc::clone(&self.format)) })
            }
            sys::TACHYON_ITEM_CAPS => {
                // SAFETY: the caps end with a NUL, and are valid until the next receive.
                let caps = unsafe { CStr::from_ptr(raw.caps) }.to_str();
                // The library has checked that they are UTF-8.
                let caps = caps.map_err(|_| Error::from_code(sys::TACHYON_ERR_CORRUPT))?;

                Arc::make_mut(&mut self.format).set_caps(caps);
                Item::Caps(caps.to_owned())
            }
            sys::TACHYON_ITEM_LAYOUT => {
                let layout = Layout::from_raw(&raw.layout);

                Arc::make_mut(&mut self.format).set_layout(layout);
                Item::Layout(layout)
            }
            sys::TACHYON_ITEM_CLOCK => {
                let clock = Clock::from_raw(&raw.clock);

                self.clock = Some(clock);
                Item::Clock(clock)
            }
            // SAFETY: the event's data are valid until the next receive.
            sys::TACHYON_ITEM_EVENT => Item::Event(unsafe { Event::from_raw(&raw.event) }),
            sys::TACHYON_ITEM_EOS => Item::Eos,
            _ => return Ok(None),
        };

        self.is_eos = matches!(item, Item::Eos);
        Ok(Some(item))
    }

    // --- what was received ---

    /// What the frames are, as far as was received, in GStreamer's caps syntax.
    pub fn caps(&self) -> Option<&str> {
        self.format.caps()
    }

    /// Where the planes of a picture stand, as far as was received.
    pub fn layout(&self) -> Option<&Layout> {
        self.format.layout()
    }

    /// What relates the timestamps to this machine's time, as far as was received.
    pub fn clock(&self) -> Option<Clock> {
        self.clock
    }

    /// Whether what was received last is the end of the stream.
    pub fn is_eos(&self) -> bool {
        self.is_eos
    }

    /// How the connection ended; `None`: it has not.
    pub fn end(&self) -> Option<End> {
        // SAFETY: the subscriber lives as long as self.
        End::from_raw(unsafe { sys::tachyon_subscriber_end(self.handle.as_ptr()) })
    }

    /// Figures since it was made.
    pub fn stats(&self) -> SubscriberStats {
        let mut raw = sys::tachyon_subscriber_stats {
            size: size_of::<sys::tachyon_subscriber_stats>() as u32,
            ..Default::default()
        };
        // SAFETY: the subscriber lives as long as self; `size` is that of the struct.
        unsafe { sys::tachyon_subscriber_get_stats(self.handle.as_ptr(), &mut raw) }

        SubscriberStats {
            peer_pid: (raw.peer_pid != 0).then_some(raw.peer_pid),
            frames: raw.frames,
            bytes: raw.bytes,
            copied: raw.copied,
            dropped: raw.dropped,
            held: raw.held,
            sleeps: raw.sleeps,
            connects: raw.connects,
            mapped_bytes: raw.mapped_bytes,
        }
    }

    // --- the way back ---

    /// Send the publisher an event of at most 4 KiB: a request for a key frame, a measurement, …
    /// It is not sticky, whatever it says.
    ///
    /// # Errors
    ///
    /// - [`WouldBlock`](ErrorKind::WouldBlock): there is no room now
    /// - [`TooBig`](ErrorKind::TooBig): above 4 KiB, or half the ring for returns
    /// - [`Closed`](ErrorKind::Closed): the publisher is gone
    pub fn send_event(&self, event: &Event) -> Result<()> {
        let raw = event.as_raw();
        // SAFETY: the subscriber lives as long as self; the event's data live as long as `event`,
        // and are copied.
        let ret = unsafe { sys::tachyon_subscriber_send_event(self.handle.as_ptr(), &raw) };

        check(ret).map(drop)
    }

    /// Say how many frames this side wants to hold at a time; kept over reconnects.
    ///
    /// # Errors
    ///
    /// [`Forked`](ErrorKind::Forked): the subscriber belongs to the parent of this process.
    pub fn set_need(&self, frames: u32) -> Result<()> {
        // SAFETY: the subscriber lives as long as self.
        let ret = unsafe { sys::tachyon_subscriber_set_need(self.handle.as_ptr(), frames) };

        check(ret).map(drop)
    }

    // --- waiting ---

    /// What ends waits from other threads.
    pub fn closer(&self) -> SubscriberCloser {
        SubscriberCloser(Arc::downgrade(&self.handle))
    }

    /// Let waits wait again that a [`SubscriberCloser`] ended.
    pub fn resume(&self) {
        // SAFETY: the subscriber lives as long as self.
        unsafe { sys::tachyon_subscriber_resume(self.handle.as_ptr()) }
    }

    /// Before a poll of the descriptor: announce that this side is about to sleep. True when
    /// receiving would not wait: do not poll.
    pub fn prepare(&mut self) -> bool {
        // SAFETY: the subscriber lives as long as self, which is borrowed mutably: no other thread
        // receives or connects.
        unsafe { sys::tachyon_subscriber_prepare(self.handle.as_ptr()) != 0 }
    }

    /// After a poll of the descriptor, whether it was readable or not.
    pub fn dispatch(&mut self) {
        // SAFETY: as in prepare().
        unsafe { sys::tachyon_subscriber_dispatch(self.handle.as_ptr()) }
    }
}

impl AsFd for Subscriber {
    /// For a poll of one's own: [`prepare()`](Self::prepare), poll it for input,
    /// [`dispatch()`](Self::dispatch), [`try_receive()`](Self::try_receive). It changes with each
    /// [`reconnect()`](Self::reconnect).
    ///
    /// # Panics
    ///
    /// Where a reconnect has failed; then [`prepare()`](Self::prepare) is true.
    fn as_fd(&self) -> BorrowedFd<'_> {
        let fd = self.as_raw_fd();

        assert!(
            fd >= 0,
            "a subscriber that failed to reconnect has no descriptor"
        );
        // SAFETY: the descriptor is the connection's, which lives as long as self, or until a
        // reconnect, which borrows self mutably.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }
}

impl AsRawFd for Subscriber {
    /// As [`as_fd()`](Self::as_fd); -1 where a reconnect has failed.
    fn as_raw_fd(&self) -> RawFd {
        // SAFETY: the subscriber lives as long as self.
        unsafe { sys::tachyon_subscriber_fd(self.handle.as_ptr()) }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("caps", &self.caps())
            .field("end", &self.end())
            .finish_non_exhaustive()
    }
}

/// The frames of a subscriber: [`Subscriber::frames()`].
#[derive(Debug)]
pub struct Frames<S> {
    /// None at the end.
    subscriber: Option<S>,
}

impl<S: BorrowMut<Subscriber>> Iterator for Frames<S> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.subscriber.as_mut()?.borrow_mut().recv().transpose();

        if !matches!(next, Some(Ok(_))) {
            self.subscriber = None;
        }
        next
    }
}

impl<S: BorrowMut<Subscriber>> FusedIterator for Frames<S> {}

impl IntoIterator for Subscriber {
    type Item = Result<Frame>;
    type IntoIter = Frames<Self>;

    fn into_iter(self) -> Frames<Self> {
        Frames {
            subscriber: Some(self),
        }
    }
}

impl IntoIterator for &mut Subscriber {
    type Item = Result<Frame>;
    type IntoIter = Frames<Self>;

    fn into_iter(self) -> Frames<Self> {
        self.frames()
    }
}

/// Ends a subscriber's waits from any thread: [`Subscriber::closer()`]. It does not keep the
/// subscriber.
#[derive(Clone)]
pub struct SubscriberCloser(Weak<Handle>);

impl SubscriberCloser {
    /// Make the wait under way, and all until [`Subscriber::resume()`], fail with
    /// [`Canceled`](ErrorKind::Canceled).
    pub fn close(&self) {
        if let Some(handle) = self.0.upgrade() {
            // SAFETY: the subscriber lives as long as the handle; any thread may cancel.
            unsafe { sys::tachyon_subscriber_cancel(handle.as_ptr()) }
        }
    }
}

impl fmt::Debug for SubscriberCloser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberCloser").finish_non_exhaustive()
    }
}

/// Figures of a subscriber since it was made, over all its connections. Counters wrap at 2⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// The publisher's process; `None` where unknown or not connected.
    pub peer_pid: Option<u32>,
    /// Frames received.
    pub frames: u64,
    /// Their payload.
    pub bytes: u64,
    /// Those that were so small that they were copied.
    pub copied: u64,
    /// Frames skipped by `latest_only`.
    pub dropped: u64,
    /// Frames received and not dropped, now.
    pub held: u64,
    /// Times a wait went to the kernel.
    pub sleeps: u64,
    /// Times it was connected.
    pub connects: u64,
    /// Bytes of the publisher's payload memory that are mapped, now.
    pub mapped_bytes: u64,
}
