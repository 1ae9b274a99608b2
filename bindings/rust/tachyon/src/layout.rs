// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Where the planes of a picture stand in a payload, and whether they can stand there.

use tachyon_sys as sys;

use crate::error::{Error, Result};
use crate::video::VideoInfo;

/// The most planes of a picture.
const PLANES_MAX: usize = 4;

/// Where the planes of a picture stand in the payload of the frames that follow.
#[derive(Clone, Copy)]
pub struct Layout(sys::tachyon_layout);

impl Layout {
    /// Planes by the bytes from the start of the payload, and from line to line. `width` and
    /// `height` are pixels.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid): there are no planes, more than four, or not as
    /// many offsets as strides.
    pub fn new(width: u32, height: u32, offsets: &[u64], strides: &[i32]) -> Result<Self> {
        let count = offsets.len();
        if count == 0 || count > PLANES_MAX || strides.len() != count {
            return Err(Error::from_code(-libc::EINVAL));
        }

        let mut raw = sys::tachyon_layout {
            width,
            height,
            plane_count: count as u32,
            reserved: 0,
            offset: [0; PLANES_MAX],
            stride: [0; PLANES_MAX],
        };
        raw.offset[..count].copy_from_slice(offsets);
        raw.stride[..count].copy_from_slice(strides);
        Ok(Self(raw))
    }

    /// What came from a publisher; `None` where that says that there is no layout any more.
    pub(crate) fn from_raw(raw: &sys::tachyon_layout) -> Option<Self> {
        let count = raw.plane_count as usize;

        (1..=PLANES_MAX).contains(&count).then_some(Self(*raw))
    }

    pub(crate) fn as_raw(&self) -> &sys::tachyon_layout {
        &self.0
    }

    /// Pixels of a line.
    pub fn width(&self) -> u32 {
        self.0.width
    }

    /// Lines of the picture.
    pub fn height(&self) -> u32 {
        self.0.height
    }

    /// Bytes from the start of the payload to each plane.
    pub fn offsets(&self) -> &[u64] {
        &self.0.offset[..self.0.plane_count as usize]
    }

    /// Bytes from line to line of each plane.
    pub fn strides(&self) -> &[i32] {
        &self.0.stride[..self.0.plane_count as usize]
    }

    /// The planes of a payload, a picture as `video` has it where that is known.
    pub(crate) fn planes<'a>(
        &self,
        video: Option<&VideoInfo>,
        payload: &'a [u8],
    ) -> Result<Vec<Plane<'a>>> {
        let count = self.offsets().len();
        let planes: Option<Vec<_>> = match video {
            Some(video) if video.plane_count() != count => None,
            Some(video) => (0..count)
                .map(|index| self.plane_of(video, payload, index))
                .collect(),
            None => (0..count).map(|index| self.plane(payload, index)).collect(),
        };

        planes.ok_or(Error::from_code(sys::TACHYON_ERR_CORRUPT))
    }

    /// `None` where its lines would not lie in the payload.
    fn plane_of<'a>(
        &self,
        video: &VideoInfo,
        payload: &'a [u8],
        index: usize,
    ) -> Option<Plane<'a>> {
        let (lines, line_size) = video.extent(index, self.width(), self.height())?;
        let plane = self.plane(payload, index)?;
        let span = lines.checked_sub(1)?.checked_mul(plane.stride)?;
        let size = span.checked_add(line_size)?;
        let is_picture = self.width() >= video.width() && self.height() >= video.height();
        if !is_picture || (lines > 1 && plane.stride < line_size) {
            return None;
        }

        Some(Plane {
            data: plane.data.get(..size)?,
            line_size,
            ..plane
        })
    }

    /// What is known without the format: `None` where it would begin outside of the payload, or
    /// its lines not follow one another.
    fn plane<'a>(&self, payload: &'a [u8], index: usize) -> Option<Plane<'a>> {
        let start = usize::try_from(self.offsets()[index]).ok()?;
        let stride = usize::try_from(self.strides()[index]).ok()?;

        if stride == 0 || start >= payload.len() {
            return None;
        }
        Some(Plane {
            data: &payload[start..],
            stride,
            line_size: stride,
        })
    }
}

impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        self.width() == other.width()
            && self.height() == other.height()
            && self.offsets() == other.offsets()
            && self.strides() == other.strides()
    }
}

impl Eq for Layout {}

impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout")
            .field("width", &self.width())
            .field("height", &self.height())
            .field("offsets", &self.offsets())
            .field("strides", &self.strides())
            .finish()
    }
}

/// One plane of a picture, in place.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    line_size: usize,
}

impl<'a> Plane<'a> {
    /// From the first byte of its first line to the last of its last, with what pads the lines in
    /// between. Where the format is not known, to the end of the payload.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Bytes from line to line.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The lines, without what pads them. Where the format is not known, the padding is part of
    /// them, the last one may be shorter, and there may be more than the plane has.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let line_size = self.line_size;

        self.data
            .chunks(self.stride)
            .map(move |line| &line[..line.len().min(line_size)])
    }
}
