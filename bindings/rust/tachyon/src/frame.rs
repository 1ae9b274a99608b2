// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! A received frame, and what belongs to any frame: times, flags, records.

use std::fmt;
use std::ops::{BitOr, BitOrAssign, Deref};
use std::sync::Arc;

use tachyon_sys as sys;

use crate::error::{Result, check};
use crate::layout::{Layout, Plane};
use crate::state::{raw_time, some_time};
use crate::video::VideoInfo;

/// What is special about a frame. The bits are those of GStreamer's buffer flags; from bit 20 up
/// they are the media type's own, and travel unchanged.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FrameFlags(u32);

impl FrameFlags {
    /// It comes from a live source.
    pub const LIVE: Self = Self(sys::TACHYON_FRAME_LIVE);
    /// It is not to be shown.
    pub const DECODE_ONLY: Self = Self(sys::TACHYON_FRAME_DECODE_ONLY);
    /// It does not follow the frame before.
    pub const DISCONT: Self = Self(sys::TACHYON_FRAME_DISCONT);
    /// A decoder may begin anew here.
    pub const RESYNC: Self = Self(sys::TACHYON_FRAME_RESYNC);
    /// Its data are damaged.
    pub const CORRUPTED: Self = Self(sys::TACHYON_FRAME_CORRUPTED);
    /// The media type's marker.
    pub const MARKER: Self = Self(sys::TACHYON_FRAME_MARKER);
    /// It is needed to understand what follows.
    pub const HEADER: Self = Self(sys::TACHYON_FRAME_HEADER);
    /// It may be treated as empty.
    pub const GAP: Self = Self(sys::TACHYON_FRAME_GAP);
    /// It may be left out.
    pub const DROPPABLE: Self = Self(sys::TACHYON_FRAME_DROPPABLE);
    /// It cannot be decoded alone.
    pub const DELTA_UNIT: Self = Self(sys::TACHYON_FRAME_DELTA_UNIT);
    /// What it holds is to be written out before going on.
    pub const SYNC_AFTER: Self = Self(sys::TACHYON_FRAME_SYNC_AFTER);
    /// It is not to be left out.
    pub const NON_DROPPABLE: Self = Self(sys::TACHYON_FRAME_NON_DROPPABLE);

    /// Flags by their bits. Those without a meaning do not travel.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for FrameFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for FrameFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for FrameFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameFlags({:#x})", self.0)
    }
}

/// What a frame to be sent has beside its payload. Times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameMeta {
    /// When it is to be shown.
    pub pts: Option<u64>,
    /// When it is to be decoded.
    pub dts: Option<u64>,
    /// How long it is shown.
    pub duration: Option<u64>,
    /// A media-specific position.
    pub offset: Option<u64>,
    /// The position behind its end.
    pub offset_end: Option<u64>,
    /// What is special about it.
    pub flags: FrameFlags,
    /// Metadata of types from [`RECORD_USER`] up, and their content.
    pub records: Vec<(u32, Vec<u8>)>,
}

/// The first type of a record that belongs to the two ends.
pub const RECORD_USER: u32 = sys::TACHYON_RECORD_USER;

impl FrameMeta {
    /// A frame that is shown at `pts`.
    pub fn at(pts: u64) -> Self {
        Self {
            pts: Some(pts),
            ..Self::default()
        }
    }
}

/// To send a frame on: all that a received one has.
impl From<&Frame> for FrameMeta {
    fn from(frame: &Frame) -> Self {
        Self {
            pts: frame.pts(),
            dts: frame.dts(),
            duration: frame.duration(),
            offset: frame.offset(),
            offset_end: frame.offset_end(),
            flags: frame.flags(),
            records: frame
                .records()
                .map(|record| (record.type_id, record.data.to_vec()))
                .collect(),
        }
    }
}

/// A frame as C takes it, without payload. It points into the records beside it.
pub(crate) struct RawMeta {
    frame: sys::tachyon_frame,
    // u64: records are aligned to 8 bytes. A Vec's memory stays where it is when this is moved.
    _records: Vec<u64>,
}

impl RawMeta {
    pub(crate) fn new(meta: &FrameMeta) -> Result<Self> {
        let (records, metadata_size) = encode_records(&meta.records)?;
        let metadata = if metadata_size > 0 {
            records.as_ptr().cast()
        } else {
            std::ptr::null()
        };
        let frame = sys::tachyon_frame {
            data: std::ptr::null_mut(),
            size: 0,
            pts: raw_time(meta.pts)?,
            dts: raw_time(meta.dts)?,
            duration: raw_time(meta.duration)?,
            offset: raw_time(meta.offset)?,
            offset_end: raw_time(meta.offset_end)?,
            flags: meta.flags.bits(),
            hints: 0,
            metadata,
            metadata_size,
            block: std::ptr::null_mut(),
        };

        Ok(Self {
            frame,
            _records: records,
        })
    }

    /// The same for a payload. What is returned must not be used after `self` is gone.
    pub(crate) fn with_payload(
        &self,
        data: *mut std::ffi::c_void,
        size: usize,
        block: *mut sys::tachyon_block,
    ) -> sys::tachyon_frame {
        sys::tachyon_frame {
            data,
            size,
            block,
            ..self.frame
        }
    }
}

fn encode_records(records: &[(u32, Vec<u8>)]) -> Result<(Vec<u64>, usize)> {
    // Of a record: its type and size, its content, padding.
    let words = records.iter().map(|(_, data)| 1 + data.len().div_ceil(8));
    let mut buffer = vec![0u64; words.sum()];
    let capacity = buffer.len() * 8;
    let mut used = 0;

    for (type_id, data) in records {
        // SAFETY: the buffer has `capacity` bytes, is aligned to 8 as a slice of u64 is, and
        // nothing else refers to it; `data` has `data.len()` bytes, and is elsewhere.
        let ret = unsafe {
            sys::tachyon_record_append(
                buffer.as_mut_ptr().cast(),
                capacity,
                &mut used,
                *type_id,
                data.as_ptr().cast(),
                data.len(),
            )
        };
        check(ret)?;
    }
    Ok((buffer, used))
}

/// What the frames are that are received: shared by all of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Format {
    caps: Option<String>,
    layout: Option<Layout>,
    video: Option<VideoInfo>,
}

impl Format {
    pub(crate) fn set_caps(&mut self, caps: &str) {
        self.video = VideoInfo::from_caps(caps);
        self.caps = Some(caps.to_owned());
    }

    pub(crate) fn set_layout(&mut self, layout: Option<Layout>) {
        self.layout = layout;
    }

    pub(crate) fn caps(&self) -> Option<&str> {
        self.caps.as_deref()
    }

    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }
}

/// A received frame: the payload, read where the publisher wrote it.
///
/// It is a slice of bytes. Dropping it gives the memory back to the publisher, who needs it: who
/// keeps frames for long copies them, and looks at [`scarce()`](Self::scarce).
///
/// A frame is independent of its [`Subscriber`](crate::Subscriber): it stays readable when that
/// is gone, or the publisher. Any thread may read or drop it.
///
/// # Whose memory it is
///
/// The publisher's, and only the publisher can write to it. It does not as long as the frame
/// lives, with one exception: a publisher that has dropped this subscriber may use the memory
/// again. Whoever must know asks [`is_valid()`](Self::is_valid) after reading. A publisher that
/// breaks the protocol can change the bytes at any time; what is decided about bytes of a publisher
/// that is not trusted must be decided on a copy of them, `frame.to_vec()`.
///
/// A slice of a frame cannot outlive it:
///
/// ```compile_fail,E0505
/// # fn look(frame: tachyon::Frame) {
/// let first_line = &frame[..64];
/// frame.release();
/// println!("{first_line:?}");
/// # }
/// ```
pub struct Frame {
    raw: sys::tachyon_frame,
    format: Arc<Format>,
}

// SAFETY: the block that `raw` refers to may be released by any thread, and asked by any whether it
// is valid (<tachyon/frame.h>); payload and metadata are not tied to a thread.
unsafe impl Send for Frame {}
// SAFETY: through a `&Frame` payload and metadata are only read, and tachyon_frame_is_valid() is
// for any thread; releasing takes the frame by value.
unsafe impl Sync for Frame {}

impl Frame {
    /// # Safety
    ///
    /// `raw` was filled in by tachyon_subscriber_receive(), was not released, and is not used
    /// again by the caller.
    pub(crate) unsafe fn from_raw(raw: sys::tachyon_frame, format: Arc<Format>) -> Self {
        Self { raw, format }
    }

    /// The payload, as dereferencing the frame gives it.
    pub fn data(&self) -> &[u8] {
        if self.raw.size == 0 {
            return &[];
        }
        // SAFETY: the payload is `size` readable bytes as long as the block is not released, which
        // drop() does. It does not change meanwhile, unless the publisher has dropped us or breaks
        // the protocol: see "Whose memory it is" above. The library has checked that it lies within
        // a mapping that cannot shrink, so it is readable even then.
        unsafe { std::slice::from_raw_parts(self.raw.data.cast::<u8>(), self.raw.size) }
    }

    /// When it is to be shown, in nanoseconds.
    pub fn pts(&self) -> Option<u64> {
        some_time(self.raw.pts)
    }

    /// When it is to be decoded, in nanoseconds.
    pub fn dts(&self) -> Option<u64> {
        some_time(self.raw.dts)
    }

    /// How long it is shown, in nanoseconds.
    pub fn duration(&self) -> Option<u64> {
        some_time(self.raw.duration)
    }

    /// A media-specific position.
    pub fn offset(&self) -> Option<u64> {
        some_time(self.raw.offset)
    }

    /// The position behind its end.
    pub fn offset_end(&self) -> Option<u64> {
        some_time(self.raw.offset_end)
    }

    /// What is special about it.
    pub fn flags(&self) -> FrameFlags {
        FrameFlags::from_bits(self.raw.flags)
    }

    /// The publisher is short of memory: copy this frame and drop it soon.
    pub fn scarce(&self) -> bool {
        self.raw.hints & sys::TACHYON_FRAME_SCARCE != 0
    }

    /// Frames before this one were skipped for this subscriber.
    pub fn after_drop(&self) -> bool {
        self.raw.hints & sys::TACHYON_FRAME_AFTER_DROP != 0
    }

    /// The metadata.
    pub fn records(&self) -> Records<'_> {
        Records {
            frame: self,
            position: 0,
        }
    }

    /// Whether what was read so far was still this frame's: false after the publisher dropped this
    /// subscriber and used the memory again.
    pub fn is_valid(&self) -> bool {
        // SAFETY: `raw` holds its block until drop().
        unsafe { sys::tachyon_frame_is_valid(&self.raw) == 1 }
    }

    /// The caps at the time it was received, in GStreamer's syntax.
    pub fn caps(&self) -> Option<&str> {
        self.format.caps()
    }

    /// The layout at the time it was received.
    pub fn layout(&self) -> Option<&Layout> {
        self.format.layout()
    }

    /// What the caps say of a raw picture.
    pub fn video(&self) -> Option<&VideoInfo> {
        self.format.video.as_ref()
    }

    /// The planes of a raw picture: where the layout says, or, where there is none, as GStreamer
    /// puts them. There are none where neither layout nor caps tell.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::ErrorKind::Corrupt): they cannot stand there. A plane would not lie in
    /// the payload, a stride is negative or less than a line, or the layout is not of such a
    /// picture.
    pub fn planes(&self) -> Result<Vec<Plane<'_>>> {
        let video = self.video();
        let usual = video.map(VideoInfo::layout);

        self.layout().or(usual.as_ref()).map_or_else(
            || Ok(Vec::new()),
            |layout| layout.planes(video, self.data()),
        )
    }

    /// Give the memory back, as dropping the frame does.
    pub fn release(self) {}
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: `raw` was received once and is released once, here: nothing else has a copy of
        // it, and what borrows the payload borrows the frame.
        unsafe { sys::tachyon_frame_release(&mut self.raw) }
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.data()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("size", &self.raw.size)
            .field("pts", &self.pts())
            .field("dts", &self.dts())
            .field("duration", &self.duration())
            .field("flags", &self.flags())
            .finish_non_exhaustive()
    }
}

/// One record of a frame's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is: a number that the two ends agree on.
    pub type_id: u32,
    /// Its content.
    pub data: &'a [u8],
}

/// Goes through the metadata of a frame: [`Frame::records()`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    frame: &'a Frame,
    position: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let mut record = sys::tachyon_record {
            type_: 0,
            size: 0,
            data: std::ptr::null(),
        };
        // SAFETY: the frame's metadata are `metadata_size` bytes until it is released, and it is
        // borrowed; `position` is 0 or what the last call made of it.
        let ret =
            unsafe { sys::tachyon_record_next(&self.frame.raw, &mut self.position, &mut record) };
        // The library has checked the list when it received it: there is nothing but its end.
        if ret != 1 {
            return None;
        }
        // SAFETY: the record lies in the frame's metadata, a private copy that lives as long as
        // the frame, and nobody writes to it. `data` points behind its header, also when it is
        // empty.
        let data =
            unsafe { std::slice::from_raw_parts(record.data.cast::<u8>(), record.size as usize) };
        Some(Record {
            type_id: record.type_,
            data,
        })
    }
}
