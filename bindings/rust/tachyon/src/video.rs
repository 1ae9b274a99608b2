// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Raw pictures: what caps say of them, and where GStreamer puts their planes.

use std::fmt;

use crate::caps;
use crate::layout::Layout;

/// Pixels that a peer may claim: more is a mistake, or a trap.
const SIDE_MAX: u32 = 1 << 16;

/// What one plane has of a picture.
struct PlaneFormat {
    /// Pixels, side by side, that share a unit.
    columns: u32,
    /// Lines of the picture that share one of the plane.
    rows: u32,
    /// Bytes of a unit.
    bytes: u32,
}

const fn plane(columns: u32, rows: u32, bytes: u32) -> PlaneFormat {
    PlaneFormat {
        columns,
        rows,
        bytes,
    }
}

/// Formats that differ in name only.
struct Formats {
    /// GStreamer's.
    names: &'static [&'static str],
    /// Planes have memory for lines of the picture that are a multiple of this.
    multiple: u32,
    planes: &'static [PlaneFormat],
}

const fn formats(
    names: &'static [&'static str],
    multiple: u32,
    planes: &'static [PlaneFormat],
) -> Formats {
    Formats {
        names,
        multiple,
        planes,
    }
}

#[rustfmt::skip]
static FORMATS: &[Formats] = &[
    formats(&["GRAY8"], 1, &[plane(1, 1, 1)]),
    formats(
        &["GRAY16_LE", "GRAY16_BE", "RGB15", "BGR15", "RGB16", "BGR16"],
        1, &[plane(1, 1, 2)],
    ),
    formats(&["RGB", "BGR", "v308", "IYU2"], 1, &[plane(1, 1, 3)]),
    formats(
        &["RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "AYUV", "VUYA",
          "BGR10A2_LE", "RGB10A2_LE", "Y410"],
        1, &[plane(1, 1, 4)],
    ),
    formats(
        &["ARGB64", "ARGB64_LE", "ARGB64_BE", "RGBA64_LE", "RGBA64_BE", "BGRA64_LE", "BGRA64_BE",
          "ABGR64_LE", "ABGR64_BE", "AYUV64"],
        1, &[plane(1, 1, 8)],
    ),
    formats(&["YUY2", "UYVY", "YVYU", "VYUY"], 1, &[plane(2, 1, 4)]),
    formats(&["I420", "YV12"], 2, &[plane(1, 1, 1), plane(2, 2, 1), plane(2, 2, 1)]),
    formats(
        &["I420_10LE", "I420_10BE", "I420_12LE", "I420_12BE"],
        2, &[plane(1, 1, 2), plane(2, 2, 2), plane(2, 2, 2)],
    ),
    formats(&["A420"], 2, &[plane(1, 1, 1), plane(2, 2, 1), plane(2, 2, 1), plane(1, 1, 1)]),
    formats(&["Y42B"], 1, &[plane(1, 1, 1), plane(2, 1, 1), plane(2, 1, 1)]),
    formats(
        &["I422_10LE", "I422_10BE", "I422_12LE", "I422_12BE"],
        2, &[plane(1, 1, 2), plane(2, 1, 2), plane(2, 1, 2)],
    ),
    formats(&["Y41B"], 1, &[plane(1, 1, 1), plane(4, 1, 1), plane(4, 1, 1)]),
    formats(&["Y444", "GBR"], 1, &[plane(1, 1, 1), plane(1, 1, 1), plane(1, 1, 1)]),
    formats(
        &["Y444_10LE", "Y444_10BE", "Y444_12LE", "Y444_12BE", "Y444_16LE", "Y444_16BE",
          "GBR_10LE", "GBR_10BE", "GBR_12LE", "GBR_12BE"],
        1, &[plane(1, 1, 2), plane(1, 1, 2), plane(1, 1, 2)],
    ),
    formats(&["GBRA"], 1, &[plane(1, 1, 1), plane(1, 1, 1), plane(1, 1, 1), plane(1, 1, 1)]),
    formats(&["NV12", "NV21"], 2, &[plane(1, 1, 1), plane(2, 2, 2)]),
    formats(
        &["P010_10LE", "P010_10BE", "P012_LE", "P012_BE", "P016_LE", "P016_BE"],
        2, &[plane(1, 1, 2), plane(2, 2, 4)],
    ),
    formats(&["NV16", "NV61"], 1, &[plane(1, 1, 1), plane(2, 1, 2)]),
    formats(&["NV24"], 1, &[plane(1, 1, 1), plane(1, 1, 2)]),
];

/// A raw picture, as caps describe it: `video/x-raw` in one of the usual formats.
#[derive(Clone, Copy)]
pub struct VideoInfo {
    width: u32,
    height: u32,
    name: &'static str,
    format: &'static Formats,
}

impl VideoInfo {
    /// `None` where the caps are not of raw pictures, of a format that is not known here (tiles,
    /// palettes, packed bits), or not in ordinary memory.
    pub fn from_caps(caps: &str) -> Option<Self> {
        let (name, features) = caps::media_type(caps);
        let elsewhere = |feature: &str| {
            feature.trim().starts_with("memory:") && feature.trim() != "memory:SystemMemory"
        };
        let side = |name| {
            let pixels: u32 = caps::field(caps, name)?.parse().ok()?;
            (1..=SIDE_MAX).contains(&pixels).then_some(pixels)
        };

        if name != "video/x-raw" || features.split(',').any(elsewhere) {
            return None;
        }
        // One field in a frame: half of the lines.
        if caps::field(caps, "interlace-mode") == Some("alternate") {
            return None;
        }
        let (name, format) = find(caps::field(caps, "format")?)?;
        Some(Self {
            width: side("width")?,
            height: side("height")?,
            name,
            format,
        })
    }

    /// Pixels of a line.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Lines.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The format, such as `"I420"`.
    pub fn format(&self) -> &'static str {
        self.name
    }

    /// Where the planes stand unless a publisher says otherwise: as GStreamer puts them.
    pub fn layout(&self) -> Layout {
        let strides: Vec<_> = self
            .format
            .planes
            .iter()
            .map(|plane| self.stride(plane))
            .collect();
        let offsets: Vec<_> = (0..self.format.planes.len())
            .map(|index| self.end_of(index))
            .collect();

        Layout::new(self.width, self.height, &offsets, &strides)
            .expect("one to four planes, as the table has them")
    }

    /// Bytes of a picture in this layout.
    pub fn size(&self) -> usize {
        self.end_of(self.format.planes.len()) as usize
    }

    /// Lines, and bytes of each, that a plane has of a picture of this size.
    pub(crate) fn extent(&self, plane: usize, width: u32, height: u32) -> Option<(usize, usize)> {
        let plane = self.format.planes.get(plane)?;
        let lines = height.div_ceil(plane.rows);
        let line_size = u64::from(width.div_ceil(plane.columns)) * u64::from(plane.bytes);

        Some((lines as usize, line_size as usize))
    }

    pub(crate) fn plane_count(&self) -> usize {
        self.format.planes.len()
    }

    /// At most SIDE_MAX * 8 bytes: it fits.
    fn stride(&self, plane: &PlaneFormat) -> i32 {
        (self.width.div_ceil(plane.columns) * plane.bytes).next_multiple_of(4) as i32
    }

    /// Bytes of the first planes.
    fn end_of(&self, count: usize) -> u64 {
        let height = self.height.next_multiple_of(self.format.multiple);

        self.format.planes[..count]
            .iter()
            .map(|plane| self.stride(plane) as u64 * u64::from(height / plane.rows))
            .sum()
    }
}

impl fmt::Debug for VideoInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoInfo")
            .field("format", &self.name)
            .field("width", &self.width)
            .field("height", &self.height)
            .finish()
    }
}

fn find(name: &str) -> Option<(&'static str, &'static Formats)> {
    FORMATS.iter().find_map(|format| {
        let name = format.names.iter().find(|found| **found == name)?;
        Some((*name, format))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(format: &str, width: u32, height: u32) -> VideoInfo {
        let caps = format!("video/x-raw, format={format}, width={width}, height={height}");

        VideoInfo::from_caps(&caps).unwrap()
    }

    fn check(format: &str, offsets: &[u64], strides: &[i32], size: usize) {
        let info = info(format, 5, 3);

        assert_eq!(
            info.layout(),
            Layout::new(5, 3, offsets, strides).unwrap(),
            "{format}"
        );
        assert_eq!(info.size(), size, "{format}");
    }

    #[test]
    fn planes_stand_where_gstreamer_puts_them() {
        check("GRAY8", &[0], &[8], 24);
        check("RGB", &[0], &[16], 48);
        check("RGBA", &[0], &[20], 60);
        check("YUY2", &[0], &[12], 36);
        check("I420", &[0, 32, 40], &[8, 4, 4], 48);
        check("A420", &[0, 32, 40, 48], &[8, 4, 4, 8], 80);
        check("Y42B", &[0, 24, 36], &[8, 4, 4], 48);
        check("NV12", &[0, 32], &[8, 8], 48);
        check("NV24", &[0, 24], &[8, 12], 60);
        check("I422_10LE", &[0, 48, 80], &[12, 8, 8], 112);
        check("P010_10LE", &[0, 48], &[12, 12], 72);
    }

    #[test]
    fn a_plane_has_the_lines_that_the_format_leaves_it() {
        assert_eq!(info("I420", 5, 3).extent(0, 5, 3), Some((3, 5)));
        assert_eq!(info("I420", 5, 3).extent(2, 5, 3), Some((2, 3)));
        assert_eq!(info("NV12", 5, 3).extent(1, 5, 3), Some((2, 6)));
        assert_eq!(info("NV12", 5, 3).extent(2, 5, 3), None);
    }

    #[test]
    fn what_is_no_usual_picture_is_none() {
        for caps in [
            "",
            "audio/x-raw, format=GRAY8, width=5, height=3",
            "video/x-raw, format=GRAY8, width=5",
            "video/x-raw, format=GRAY8, width=0, height=3",
            "video/x-raw, format=GRAY8, width=-5, height=3",
            "video/x-raw, format=GRAY8, width=65537, height=3",
            "video/x-raw, format=NV12_64Z32, width=5, height=3",
            "video/x-raw(memory:DMABuf), format=GRAY8, width=5, height=3",
            "video/x-raw, format=GRAY8, width=5, height=3, interlace-mode=alternate",
        ] {
            assert!(VideoInfo::from_caps(caps).is_none(), "{caps}");
        }
        for features in ["(memory:SystemMemory)", "(meta:GstVideoOverlayComposition)"] {
            let caps = format!("video/x-raw{features}, format=GRAY8, width=5, height=3");

            assert!(VideoInfo::from_caps(&caps).is_some(), "{caps}");
        }
    }
}
