// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! One publisher, many subscribers, the payload written once.

mod handle;
mod options;

use std::ffi::CString;
use std::fmt;
use std::iter;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use tachyon_sys as sys;

pub(crate) use handle::Handle;
pub use options::{Policy, PublisherOptions};

use crate::deadline::Deadline;
use crate::error::{Error, Result, check};
use crate::frame::{FrameMeta, RawMeta};
use crate::frame_mut::FrameMut;
use crate::layout::Layout;
use crate::notice::Notice;
use crate::service::Service;
use crate::state::{Clock, Event, Order};

/// Sends frames to many subscribers: `tachyonsrc` elements, [`Subscriber`](crate::Subscriber)s, …
///
/// Any thread may call anything at any time. Calls wait where the policy is [`Policy::Block`] and a
/// subscriber is behind, or where no memory is free; those named `…_timeout` for so long, those
/// named `try_…` not at all.
///
/// Dropping it closes every connection and gives up the address; what was sent is still received.
///
/// ```no_run
/// use tachyon::{FrameMeta, Publisher};
///
/// let publisher = Publisher::options()
///     .caps("video/x-raw, format=GRAY8, width=320, height=240, framerate=30/1")
///     .create("/tmp/picture")?;
/// let mut frame = publisher.acquire(320 * 240)?;
/// frame.fill(128);
/// frame.meta.pts = Some(0);
/// frame.commit()?;
/// publisher.send(&[0; 320 * 240], &FrameMeta::at(33_333_333))?;
/// # Ok::<(), tachyon::Error>(())
/// ```
pub struct Publisher {
    // Before the handle: the thread is gone when the publisher is destroyed.
    service: Option<Service>,
    handle: Arc<Handle>,
}

impl Publisher {
    /// Claim an address, with the options' defaults.
    ///
    /// # Errors
    ///
    /// As [`PublisherOptions::create()`].
    pub fn create(address: impl AsRef<Path>) -> Result<Self> {
        Self::options().create(address)
    }

    /// Options to open a publisher with.
    pub fn options() -> PublisherOptions {
        PublisherOptions::default()
    }

    // --- frames ---

    /// Copy a payload to every subscriber; returns how many got it.
    ///
    /// # Errors
    ///
    /// - [`TooBig`](crate::ErrorKind::TooBig): it exceeds the option `max_bytes`, or the records
    ///   exceed 16 MiB
    /// - [`Canceled`](crate::ErrorKind::Canceled): [`cancel()`](Self::cancel) was called
    /// - [`Closed`](crate::ErrorKind::Closed): [`close()`](Self::close) was called
    /// - [`Invalid`](crate::ErrorKind::Invalid): a record's type is below
    ///   [`RECORD_USER`](crate::RECORD_USER), or a time is 2⁶⁴ − 1
    /// - `ENOMEM`, `ENOSPC`, `EMFILE`: memory cannot be had
    pub fn send(&self, data: &[u8], meta: &FrameMeta) -> Result<u32> {
        self.send_until(Deadline::Never, data, meta)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) when that takes too long.
    pub fn send_timeout(&self, data: &[u8], meta: &FrameMeta, timeout: Duration) -> Result<u32> {
        self.send_until(Deadline::after(timeout), data, meta)
    }

    /// The same; [`WouldBlock`](crate::ErrorKind::WouldBlock) when it would wait.
    pub fn try_send(&self, data: &[u8], meta: &FrameMeta) -> Result<u32> {
        self.send_until(Deadline::Now, data, meta)
    }

    fn send_until(&self, deadline: Deadline, data: &[u8], meta: &FrameMeta) -> Result<u32> {
        let meta = RawMeta::new(meta)?;
        let frame = meta.with_payload(data.as_ptr().cast_mut().cast(), data.len(), ptr::null_mut());

        self.handle.persist(deadline, |publisher| {
            // SAFETY: the publisher lives as long as self. The payload is only read, and like the
            // records in `meta` it lives until the call returns; nothing is kept.
            unsafe { sys::tachyon_publisher_send(publisher, &frame) }
        })
    }

    /// Memory to write the next frame into: `size` bytes, at most 2 GiB.
    ///
    /// What it holds is left over from another frame, or 0.
    ///
    /// # Errors
    ///
    /// - [`TooBig`](crate::ErrorKind::TooBig): `size` exceeds the option `max_bytes`
    /// - [`Canceled`](crate::ErrorKind::Canceled): [`cancel()`](Self::cancel) was called
    /// - [`Closed`](crate::ErrorKind::Closed): [`close()`](Self::close) was called
    /// - [`Invalid`](crate::ErrorKind::Invalid): `size` is 0, or above 2 GiB
    /// - `ENOMEM`, `ENOSPC`, `EMFILE`: memory cannot be had
    pub fn acquire(&self, size: usize) -> Result<FrameMut> {
        self.acquire_until(Deadline::Never, size)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) when none comes back in time.
    pub fn acquire_timeout(&self, size: usize, timeout: Duration) -> Result<FrameMut> {
        self.acquire_until(Deadline::after(timeout), size)
    }

    /// The same; [`WouldBlock`](crate::ErrorKind::WouldBlock) when subscribers hold all the memory.
    pub fn try_acquire(&self, size: usize) -> Result<FrameMut> {
        self.acquire_until(Deadline::Now, size)
    }

    fn acquire_until(&self, deadline: Deadline, size: usize) -> Result<FrameMut> {
        let mut raw = sys::tachyon_frame::default();

        self.handle.persist(deadline, |publisher| {
            // SAFETY: the publisher lives as long as self.
            unsafe { sys::tachyon_publisher_acquire(publisher, size, &mut raw) }
        })?;
        // SAFETY: acquire filled it in, and it goes nowhere else.
        Ok(unsafe { FrameMut::from_raw(raw, &self.handle) })
    }

    /// Prepare memory for frames of a size before the first is acquired: `count` of them, or, for
    /// 0, as many as seem right. Memory that such frames would not use is given up.
    ///
    /// # Errors
    ///
    /// As [`acquire()`](Self::acquire); it never waits.
    pub fn configure(&self, size: usize, count: u32) -> Result<()> {
        // SAFETY: the publisher lives as long as self.
        let ret = unsafe { sys::tachyon_publisher_configure(self.handle.as_ptr(), size, count) };

        check(ret).map(drop)
    }

    // --- state ---

    /// Say what the frames that follow are, in GStreamer's caps syntax. Who joins later is told,
    /// too.
    ///
    /// # Errors
    ///
    /// - [`TooBig`](crate::ErrorKind::TooBig): 16 MiB or more
    /// - [`Closed`](crate::ErrorKind::Closed): [`close()`](Self::close) was called
    /// - [`Invalid`](crate::ErrorKind::Invalid): they are empty, or have a NUL in them
    /// - `ENOMEM`: out of memory: nothing was sent
    pub fn set_caps(&self, caps: &str) -> Result<()> {
        let caps = CString::new(caps).map_err(|_| Error::from_code(-libc::EINVAL))?;
        // SAFETY: the publisher lives as long as self; the caps end with a NUL and are copied.
        let ret = unsafe { sys::tachyon_publisher_set_caps(self.handle.as_ptr(), caps.as_ptr()) };

        check(ret).map(drop)
    }

    /// The same for where the planes of a picture stand; `None`: where the caps alone say. A layout
    /// stays until it is set anew, also when the caps change.
    pub fn set_layout(&self, layout: Option<&Layout>) -> Result<()> {
        let raw = layout.map(|layout| *layout.as_raw()).unwrap_or_default();
        // SAFETY: the publisher lives as long as self; the layout is copied.
        let ret = unsafe { sys::tachyon_publisher_set_layout(self.handle.as_ptr(), &raw) };

        check(ret).map(drop)
    }

    /// The same for what relates the timestamps to this machine's time.
    pub fn set_clock(&self, clock: &Clock) -> Result<()> {
        let raw = clock.as_raw()?;
        // SAFETY: the publisher lives as long as self; the clock is copied.
        let ret = unsafe { sys::tachyon_publisher_set_clock(self.handle.as_ptr(), &raw) };

        check(ret).map(drop)
    }

    /// Send an event, in order with the frames. A sticky one is state, as the caps are. Another is
    /// sent once: where the policy is [`Policy::Block`] it waits until all who have joined have
    /// room; else who has none goes without.
    ///
    /// # Errors
    ///
    /// As [`set_caps()`](Self::set_caps), and
    /// [`Canceled`](crate::ErrorKind::Canceled): [`cancel()`](Self::cancel) was called.
    pub fn send_event(&self, event: &Event) -> Result<()> {
        self.send_event_until(Deadline::Never, event)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) when that takes too long.
    pub fn send_event_timeout(&self, event: &Event, timeout: Duration) -> Result<()> {
        self.send_event_until(Deadline::after(timeout), event)
    }

    /// The same; [`WouldBlock`](crate::ErrorKind::WouldBlock) when it would wait.
    pub fn try_send_event(&self, event: &Event) -> Result<()> {
        self.send_event_until(Deadline::Now, event)
    }

    fn send_event_until(&self, deadline: Deadline, event: &Event) -> Result<()> {
        let raw = event.as_raw();

        self.handle
            .persist(deadline, |publisher| {
                // SAFETY: the publisher lives as long as self; the event's data live as long as
                // `event`, and are copied.
                unsafe { sys::tachyon_publisher_send_event(publisher, &raw) }
            })
            .map(drop)
    }

    /// Send the end of the stream. Frames may follow after [`forget()`](Self::forget).
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed): [`close()`](Self::close) was called. `ENOMEM`.
    pub fn send_eos(&self) -> Result<()> {
        self.handle
            .persist(Deadline::Never, |publisher| {
                // SAFETY: the publisher lives as long as self.
                unsafe { sys::tachyon_publisher_send_eos(publisher) }
            })
            .map(drop)
    }

    /// Forget state of this order and later: who joins from now on does not get it. Sends nothing.
    pub fn forget(&self, order: Order) {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_forget(self.handle.as_ptr(), order.0) }
    }

    // --- subscribers ---

    /// Subscribers that have joined, now.
    pub fn subscribers(&self) -> u32 {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_subscribers(self.handle.as_ptr()) }
    }

    /// The most frames that any subscriber said it wants to hold at a time.
    pub fn need(&self) -> u32 {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_need(self.handle.as_ptr()) }
    }

    /// Wait until so many subscribers have joined.
    ///
    /// # Errors
    ///
    /// As [`wait()`](Self::wait), and [`TimedOut`](crate::ErrorKind::TimedOut), or, for a timeout
    /// of 0, [`WouldBlock`](crate::ErrorKind::WouldBlock).
    pub fn wait_for_subscribers(&self, count: u32, timeout: Duration) -> Result<()> {
        let deadline = Deadline::after(timeout);

        while self.subscribers() < count {
            self.handle.wait(deadline)?;
        }
        Ok(())
    }

    /// What subscribers did and was not told yet. Events that they sent are looked for now; at most
    /// 256 of them wait, newer ones are dropped.
    pub fn notices(&self) -> impl Iterator<Item = Notice> + '_ {
        // It fails in a forked child only, which has nothing to be told.
        let _ = self.handle.dispatch();

        iter::from_fn(|| self.handle.next_notice())
    }

    /// Change what a slow subscriber meets; `max_buffers` as in the options, 0 for as many as make
    /// 16 MiB.
    pub fn set_policy(&self, policy: Policy, max_buffers: u32) -> Result<()> {
        // SAFETY: the publisher lives as long as self.
        let ret = unsafe {
            sys::tachyon_publisher_set_policy(self.handle.as_ptr(), policy.as_raw(), max_buffers)
        };

        check(ret).map(drop)
    }

    /// Figures since it was made.
    pub fn stats(&self) -> PublisherStats {
        let mut raw = sys::tachyon_publisher_stats {
            size: size_of::<sys::tachyon_publisher_stats>() as u32,
            ..Default::default()
        };
        // SAFETY: the publisher lives as long as self; `size` is that of the struct.
        unsafe { sys::tachyon_publisher_get_stats(self.handle.as_ptr(), &mut raw) }

        PublisherStats {
            subscribers: raw.subscribers,
            frames: raw.frames,
            bytes: raw.bytes,
            copied: raw.copied,
            dropped: raw.dropped,
            waits: raw.waits,
            wakes: raw.wakes,
            queued: raw.queued,
            blocks: raw.blocks,
            blocks_free: raw.blocks_free,
            payload_bytes: raw.payload_bytes,
        }
    }

    // --- waiting, ending ---

    /// Sleep until a frame came back, a ring has room, or a subscriber came or went. Returns at
    /// once if that was so since this thread last looked.
    ///
    /// # Errors
    ///
    /// - [`Canceled`](crate::ErrorKind::Canceled): [`cancel()`](Self::cancel) was called
    /// - [`Closed`](crate::ErrorKind::Closed): [`close()`](Self::close) was called
    pub fn wait(&self) -> Result<()> {
        self.handle.wait(Deadline::Never)
    }

    /// The same; [`TimedOut`](crate::ErrorKind::TimedOut) when nothing changed, or, for a timeout
    /// of 0, [`WouldBlock`](crate::ErrorKind::WouldBlock).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.handle.wait(Deadline::after(timeout))
    }

    /// Make waits under way in any thread, and all until [`resume()`](Self::resume), fail with
    /// [`Canceled`](crate::ErrorKind::Canceled).
    pub fn cancel(&self) {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_cancel(self.handle.as_ptr()) }
    }

    /// Let waits wait again.
    pub fn resume(&self) {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_resume(self.handle.as_ptr()) }
    }

    /// Close every connection in order. New subscribers may join.
    pub fn disconnect(&self) {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_disconnect(self.handle.as_ptr()) }
    }

    /// End for good: what was sent is still received, and each call under way or later that would
    /// send, acquire or wait fails with [`Closed`](crate::ErrorKind::Closed). The address is given
    /// up when the publisher is dropped.
    pub fn close(&self) {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_shutdown(self.handle.as_ptr()) }
        // It would find who wants to join, and let nobody in, again and again.
        if let Some(service) = &self.service {
            service.stop();
        }
    }

    // --- a poll of one's own ---

    /// Without the [service](PublisherOptions::service): before a poll of the descriptor, ask to be
    /// woken also when a subscriber returns a frame or sends an event. True when that happened
    /// meanwhile: do not poll.
    pub fn prepare(&self) -> bool {
        // SAFETY: the publisher lives as long as self.
        unsafe { sys::tachyon_publisher_prepare(self.handle.as_ptr()) != 0 }
    }

    /// Without the [service](PublisherOptions::service): let subscribers join, notice those that
    /// left, take back frames. Never waits. To be called when the descriptor is readable.
    ///
    /// # Errors
    ///
    /// [`Forked`](crate::ErrorKind::Forked): the publisher belongs to the parent of this process.
    pub fn dispatch(&self) -> Result<()> {
        self.handle.dispatch()
    }
}

impl AsFd for Publisher {
    /// Readable when [`dispatch()`](Self::dispatch) has something to do. Only to be polled.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl AsRawFd for Publisher {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}

/// Figures of a publisher since it was made. Counters wrap at 2⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// That have joined, now.
    pub subscribers: u32,
    /// Frames that went to a subscriber, each once however many did.
    pub frames: u64,
    /// Their payload.
    pub bytes: u64,
    /// Frames whose payload was copied: [`Publisher::send()`].
    pub copied: u64,
    /// Frames that a subscriber missed, each once per subscriber.
    pub dropped: u64,
    /// Times a thread slept.
    pub waits: u64,
    /// Times a sleeping subscriber was rung.
    pub wakes: u64,
    /// Frames not yet received by the slowest subscriber, now.
    pub queued: u64,
    /// Pieces of memory for a frame each, now.
    pub blocks: u64,
    /// Those that are free, now.
    pub blocks_free: u64,
    /// Bytes of all memory for frames, now.
    pub payload_bytes: u64,
}
